// segkit/io/detail/csv_input.hpp: where the bytes of a CSV file come from: a file, memory, or your own byte_input.
//
// Compressed files, sockets and archives are read by deriving from byte_input; the library itself needs no
// compression library. A file is read by position, by several threads at once; what is no plain file (a pipe) front to back.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include <segkit/config.hpp>
#include <segkit/detail/system_problem.hpp>
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

// Bytes by position. Several threads may call `read_at` at once.
class byte_access {
public:
    virtual ~byte_access() = default;

    // Up to `bytes` bytes from `offset` on, and how many there were; 0 only at the end. Throws segkit::error where they
    // cannot be had.
    virtual std::size_t read_at(std::uint64_t offset, char* to, std::size_t bytes) = 0;
    virtual std::uint64_t size() const = 0;
};

// How to satisfy it: `open` begins at the first byte each time, `name` is what error messages call the input.
class byte_input {
public:
    virtual ~byte_input() = default;
    virtual std::unique_ptr<byte_stream> open() const = 0;
    virtual std::string name() const = 0;
    virtual bool rescannable() const { return true; }    // false: `open` works once

    // Where the bytes can be had in any order; otherwise nothing, and `open` is used. Several threads then wait for each
    // other to read.
    virtual std::shared_ptr<byte_access> access() const { return nullptr; }
};

namespace detail {

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

#if defined(__unix__) || defined(__APPLE__)
class file_access final : public byte_access {
public:
    // Nothing for what is no plain file.
    static std::shared_ptr<byte_access> open(const std::string& path) {
        struct stat about {};
        if (::stat(path.c_str(), &about) != 0) throw_cannot_read(path, errno);    // a pipe must not be opened twice
        if (S_ISDIR(about.st_mode)) throw_cannot_read(path, EISDIR);
        if (!S_ISREG(about.st_mode)) return nullptr;
        std::shared_ptr<file_access> file(new file_access(path));
        file->number_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (file->number_ < 0 || ::fstat(file->number_, &about) != 0) throw_cannot_read(path, errno);
        if (about.st_size == 0) return nullptr;    // files of /proc say so and are not empty
        file->size_ = static_cast<std::uint64_t>(about.st_size);
        return file;
    }
    file_access(const file_access&) = delete;
    file_access& operator=(const file_access&) = delete;
    ~file_access() override {
        if (number_ >= 0) ::close(number_);
    }
    std::size_t read_at(std::uint64_t offset, char* to, std::size_t bytes) override {
        for (;;) {
            const auto got = ::pread(number_, to, bytes, static_cast<off_t>(offset));
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) throw_cannot_read(path_, errno);
        }
    }
    std::uint64_t size() const override { return size_; }

private:
    explicit file_access(const std::string& path) : path_(path) {}
    std::string path_;
    int number_ = -1;
    std::uint64_t size_ = 0;
};
#endif

class memory_access final : public byte_access {
public:
    explicit memory_access(std::shared_ptr<const std::string> text) : text_(std::move(text)) {}
    std::size_t read_at(std::uint64_t offset, char* to, std::size_t bytes) override {
        if (offset >= text_->size()) return 0;
        const std::size_t left = text_->size() - static_cast<std::size_t>(offset);
        const std::size_t got = bytes < left ? bytes : left;
        std::memcpy(to, text_->data() + offset, got);
        return got;
    }
    std::uint64_t size() const override { return text_->size(); }

private:
    std::shared_ptr<const std::string> text_;
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

// The bytes of any input by position. Those of a stream are read on as far as somebody asks, and kept until all say that
// they are done with them.
class csv_bytes {
public:
    explicit csv_bytes(const byte_input& input) : access_(input.access()) {
        if (!access_) stream_ = input.open();
    }

    std::size_t read_at(std::uint64_t offset, char* to, std::size_t bytes) {
        if (access_) return access_->read_at(offset, to, bytes);
        const std::lock_guard hold(lock_);
        while (!ended_ && kept_from_ + kept_.size() * piece_bytes < offset + bytes) read_piece();
        std::size_t got = 0;
        while (got < bytes && offset + got < end_) {
            const auto at = static_cast<std::size_t>(offset + got - kept_from_);
            const std::size_t inside = at % piece_bytes;
            std::size_t some = piece_bytes - inside;
            if (some > bytes - got) some = bytes - got;
            if (some > end_ - offset - got) some = static_cast<std::size_t>(end_ - offset - got);
            std::memcpy(to + got, kept_[at / piece_bytes].get() + inside, some);
            got += some;
        }
        if (got == 0 && unreadable_) std::rethrow_exception(unreadable_);
        return got;
    }
    // Nobody will ask for what lies before.
    void release_before(std::uint64_t offset) {
        if (access_) return;
        const std::lock_guard hold(lock_);
        std::size_t pieces = 0;
        while (pieces < kept_.size() && kept_from_ + (pieces + 1) * piece_bytes <= offset) ++pieces;
        for (std::size_t i = 0; i < pieces; ++i) spare_.push_back(std::move(kept_[i]));
        kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(pieces));
        kept_from_ += pieces * piece_bytes;
    }

private:
    static constexpr std::size_t piece_bytes = 256 * 1024;

    void read_piece() {
        std::unique_ptr<char[]> piece;
        if (!spare_.empty()) {
            piece = std::move(spare_.back());
            spare_.pop_back();
        } else {
            piece.reset(new char[piece_bytes]);
        }
        std::size_t got = 0;
        try {
            while (got < piece_bytes) {
                const std::size_t more = stream_->read(piece.get() + got, piece_bytes - got);
                if (more == 0) break;
                got += more;
            }
        } catch (const error&) {
            unreadable_ = std::current_exception();
        }
        ended_ = got < piece_bytes;
        end_ += got;
        kept_.push_back(std::move(piece));
    }

    std::shared_ptr<byte_access> access_;
    std::unique_ptr<byte_stream> stream_;
    std::mutex lock_;                       // guards all below, and the stream
    std::vector<std::unique_ptr<char[]>> kept_, spare_;
    std::uint64_t kept_from_ = 0;           // where the first kept piece begins
    std::uint64_t end_ = 0;                 // of what has been read
    bool ended_ = false;
    std::exception_ptr unreadable_;
};

}  // namespace detail

class file_input final : public byte_input {
public:
    explicit file_input(std::string path) : path_(std::move(path)) {}
    std::unique_ptr<byte_stream> open() const override { return std::make_unique<detail::file_stream>(path_); }
    std::string name() const override { return path_; }
    std::shared_ptr<byte_access> access() const override {
#if defined(__unix__) || defined(__APPLE__)
        return detail::file_access::open(path_);
#else
        return nullptr;
#endif
    }

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
    std::shared_ptr<byte_access> access() const override { return std::make_shared<detail::memory_access>(text_); }

private:
    std::string name_;
    std::shared_ptr<const std::string> text_;
};

}  // namespace SEGKIT_NAMESPACE
