// segkit/detail/replacing_file.hpp: a file that appears whole or not at all.
//
//     replacing_file file("model.json", "save");
//     file.write(text);
//     file.commit();    // without it, nothing remains
//
// It is written under a temporary name in the same folder, which no other writer has, and renamed at the end.
#pragma once

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/detail/system_problem.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE::detail {

// A file under a temporary name until `commit`; without it, nothing remains.
class replacing_file {
public:
    replacing_file(std::string path, std::string stage) : path_(std::move(path)), stage_(std::move(stage)) {
        for (int attempt = 1; attempt <= 100 && !file_; ++attempt) {
            temporary_ = path_ + ".part" + std::to_string(attempt);
            file_.reset(std::fopen(temporary_.c_str(), "wbx"));    // x: never a file that exists
            if (!file_ && errno != EEXIST) break;
        }
        if (!file_) fail(errno);
    }
    replacing_file(const replacing_file&) = delete;
    replacing_file& operator=(const replacing_file&) = delete;
    ~replacing_file() {
        if (!file_) return;
        file_.reset();
        std::remove(temporary_.c_str());
    }

    void write(std::string_view text) {
        if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) abandon();
    }
    void commit() {
        if (std::fflush(file_.get()) != 0) abandon();
        if (std::fclose(file_.release()) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
            const int number = errno;
            std::remove(temporary_.c_str());
            fail(number);
        }
    }

private:
    struct close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    [[noreturn]] void abandon() {
        const int number = errno;
        file_.reset();
        std::remove(temporary_.c_str());
        fail(number);
    }
    [[noreturn]] void fail(int number) const {
        error_details details{.code = error_code::cannot_write, .stage = stage_, .file = path_};
        details.found = number == ENOENT   ? "a folder that does not exist"
                        : number == EACCES ? "a folder that may not be written"
                        : number == EISDIR || number == ENOTEMPTY || number == EEXIST ? "a folder of that name"
                                           : describe_system_problem(number);
        details.expected = "a file that can be created or replaced";
        details.advice = number == ENOENT ? "create the folder first" : number == ENOSPC ? "free some space" : "choose another path";
        throw error(std::move(details));
    }

    std::string path_;
    std::string stage_;
    std::string temporary_;
    std::unique_ptr<std::FILE, close> file_;
};

}  // namespace SEGKIT_NAMESPACE::detail
