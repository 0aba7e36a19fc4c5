// segkit/io/detail/csv_input.hpp: where the bytes of a CSV file come from: a file, memory, or your own byte_input.
//
// Compressed files, sockets and archives are read by deriving from byte_input; the library itself needs no
// compression library. A file is read with large unbuffered reads, front to back.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE {

// Bytes read once from front to back.
class byte_stream {
public:
    virtual ~byte_stream() = default;

    // Fills up to `bytes` bytes and returns how many; 0 only at the end. Throws segkit::error where the bytes cannot be
    // had, after all bytes before that place have been handed out.
    virtual std::size_t read(char* to, std::size_t bytes) = 0;
};

// How to satisfy it: `open` begins at the first byte each time, `name` is what error messages call the input.
class byte_input {
public:
    virtual ~byte_input() = default;
    virtual std::unique_ptr<byte_stream> open() const = 0;
    virtual std::string name() const = 0;
    virtual bool rescannable() const { return true; }    // false: `open` works once
};

namespace detail {

inline std::string describe_system_problem(int number) {
    switch (number) {
        case ENOENT: return "no such file";
        case EISDIR: return "a folder";
        case EACCES: return "a file that may not be read";
        case 0: return "an unknown problem";
        default: return std::strerror(number);
    }
}

[[noreturn]] inline void throw_cannot_read(const std::string& path, int number) {
    error_details details{.code = error_code::cannot_open, .stage = "scan_csv", .file = path};
    details.found = describe_system_problem(number);
    details.expected = "a readable file";
    details.advice = number == EISDIR ? "name a file inside the folder" : number == EACCES ? "check its permissions" : "check the path";
    throw error(std::move(details));
}

class file_stream final : public byte_stream {
public:
    explicit file_stream(std::string path) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "rb")) {
        if (!file_) throw_cannot_read(path_, errno);
        std::setvbuf(file_.get(), nullptr, _IONBF, 0);
    }
    std::size_t read(char* to, std::size_t bytes) override {
        errno = 0;
        const std::size_t got = std::fread(to, 1, bytes, file_.get());
        if (got == 0 && std::ferror(file_.get())) throw_cannot_read(path_, errno);
        return got;
    }

private:
    struct close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::string path_;
    std::unique_ptr<std::FILE, close> file_;
};

class memory_stream final : public byte_stream {
public:
    explicit memory_stream(std::shared_ptr<const std::string> text) : text_(std::move(text)) {}
    std::size_t read(char* to, std::size_t bytes) override {
        const std::size_t left = text_->size() - at_;
        const std::size_t got = bytes < left ? bytes : left;
        std::memcpy(to, text_->data() + at_, got);
        at_ += got;
        return got;
    }

private:
    std::shared_ptr<const std::string> text_;
    std::size_t at_ = 0;
};

}  // namespace detail

class file_input final : public byte_input {
public:
    explicit file_input(std::string path) : path_(std::move(path)) {}
    std::unique_ptr<byte_stream> open() const override { return std::make_unique<detail::file_stream>(path_); }
    std::string name() const override { return path_; }

private:
    std::string path_;
};

// Text in memory under a name of your choice.
class memory_input final : public byte_input {
public:
    memory_input(std::string name, std::string text)
        : name_(std::move(name)), text_(std::make_shared<const std::string>(std::move(text))) {}
    std::unique_ptr<byte_stream> open() const override { return std::make_unique<detail::memory_stream>(text_); }
    std::string name() const override { return name_; }

private:
    std::string name_;
    std::shared_ptr<const std::string> text_;
};

}  // namespace SEGKIT_NAMESPACE
