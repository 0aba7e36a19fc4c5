// What a call that must fail reports.
#pragma once

#include <string>

#include <segkit/error.hpp>

namespace support {

template <class F>
segkit::error_details failure_of(F&& call) {
    try {
        (void)call();
    } catch (const segkit::error& failure) {
        return failure.details();
    }
    return segkit::error_details{.code = segkit::error_code::cannot_open, .found = "no error"};
}

template <class F>
std::string message_of(F&& call) {
    try {
        (void)call();
    } catch (const segkit::error& failure) {
        return failure.what();
    }
    return "no error";
}

}  // namespace support
