// gzip_input.hpp: gzip-compressed bytes for the library's CSV reader, through zlib.
//
// The library knows no compression; this is the byte_input that the application adds. Memory: one buffer of 64 KiB.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <zlib.h>

#include <segkit/io/csv.hpp>

namespace traveltide {

// A gzip file, of one or several members. Everything before a damaged place is handed out first.
class gzip_input final : public segkit::byte_input {
public:
    explicit gzip_input(std::string path) : path_(std::move(path)), file_(std::make_shared<segkit::file_input>(path_)) {}
    // Compressed bytes from elsewhere.
    explicit gzip_input(std::shared_ptr<const segkit::byte_input> compressed) : path_(compressed->name()), file_(std::move(compressed)) {}

    std::unique_ptr<segkit::byte_stream> open() const override { return std::make_unique<stream>(path_, file_->open()); }
    std::string name() const override { return path_; }

private:
    class stream final : public segkit::byte_stream {
    public:
        stream(std::string path, std::unique_ptr<segkit::byte_stream> compressed)
            : path_(std::move(path)), compressed_(std::move(compressed)), input_(64 * 1024) {
            constexpr int gzip_only = 15 + 16;    // the largest window, and a gzip header is required
            if (inflateInit2(&z_, gzip_only) != Z_OK) throw std::bad_alloc();
        }
        stream(const stream&) = delete;
        stream& operator=(const stream&) = delete;
        ~stream() override { inflateEnd(&z_); }

        std::size_t read(char* to, std::size_t bytes) override {
            if (ended_ || bytes == 0) return 0;
            const uInt wanted = static_cast<uInt>(bytes < (1u << 30) ? bytes : (1u << 30));
            z_.next_out = reinterpret_cast<Bytef*>(to);
            z_.avail_out = wanted;
            while (z_.avail_out == wanted) {    // until there is something to give
                if (z_.avail_in == 0 && !refill()) {
                    if (between_members_) break;
                    fail("a file that ends in the middle of compressed data, after byte " + std::to_string(position_) + (position_ == 0 ? " (it is empty)" : ""),
                         "the file is cut off: copy or download it again");
                }
                if (between_members_) {
                    if (members_ > 0 && z_.next_in[0] == 0) {    // padding behind the last member
                        ++z_.next_in;
                        --z_.avail_in;
                        continue;
                    }
                    between_members_ = false;
                }
                const int status = inflate(&z_, Z_NO_FLUSH);
                if (status == Z_STREAM_END) {
                    ++members_;
                    between_members_ = true;
                    inflateReset(&z_);
                } else if (status != Z_OK && status != Z_BUF_ERROR) {
                    if (z_.avail_out != wanted) break;    // what came before goes out first; the next call fails again
                    const std::string where = " at byte " + std::to_string(position_ - z_.avail_in);
                    if (members_ == 0 && z_.total_out == 0) fail("bytes that are not gzip-compressed" + where, "check that the file is what its name says");
                    fail("damaged compressed data" + where + (z_.msg ? std::string(" (") + z_.msg + ')' : std::string()),
                         "the file is damaged: copy or download it again");
                }
            }
            const std::size_t got = wanted - z_.avail_out;
            ended_ = got == 0;
            return got;
        }

    private:
        bool refill() {
            const std::size_t got = compressed_->read(input_.data(), input_.size());
            z_.next_in = reinterpret_cast<Bytef*>(input_.data());
            z_.avail_in = static_cast<uInt>(got);
            position_ += got;
            return got != 0;
        }

        [[noreturn]] void fail(std::string found, const char* advice) const {
            segkit::error_details details{.code = segkit::error_code::malformed_document, .stage = "gzip_input", .file = path_};
            details.found = std::move(found);
            details.expected = "a whole gzip file";
            details.advice = advice;
            throw segkit::error(std::move(details));
        }

        std::string path_;
        std::unique_ptr<segkit::byte_stream> compressed_;
        std::vector<char> input_;
        z_stream z_{};
        std::size_t position_ = 0;        // compressed bytes read so far
        std::size_t members_ = 0;
        bool between_members_ = false;    // a member has ended, and no other has begun
        bool ended_ = false;
    };

    std::string path_;
    std::shared_ptr<const segkit::byte_input> file_;
};

// A CSV file, compressed where its name ends in .gz.
inline std::shared_ptr<const segkit::byte_input> open_csv_input(const std::string& path) {
    if (std::string_view(path).ends_with(".gz")) return std::make_shared<gzip_input>(path);
    return std::make_shared<segkit::file_input>(path);
}

}  // namespace traveltide
