// segkit/detail/system_problem.hpp: what the operating system's refusal of a file says.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Of errno; in our words where those are clearer.
inline std::string describe_system_problem(int number) {
    switch (number) {
        case ENOENT: return "no such file";
        case EISDIR: return "a folder";
        case EACCES: return "a file that may not be read";
        case 0: return "an unknown problem";
        default: return std::strerror(number);
    }
}

}  // namespace SEGKIT_NAMESPACE::detail
