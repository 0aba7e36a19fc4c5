#include <doctest/doctest.h>

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <string>

#include <segkit/io/csv.hpp>

#include "../../examples/traveltide/gzip_input.hpp"
#include "support/csv_cases.hpp"

namespace sk = segkit;

namespace {

using numbers = sk::schema<sk::field<"n", std::int32_t>, sk::field<"t", sk::text>>;

std::string gzip(const std::string& text) {
    z_stream z{};
    REQUIRE(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&z, static_cast<uLong>(text.size())) + 64, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

std::string rows_text(int count) {
    support::dice dice{3};
    std::string text = "n,t\n";
    for (int i = 0; i < count; ++i) text += std::to_string(i) + "," + std::to_string(dice.next()) + "\n";
    return text;
}

std::shared_ptr<const sk::byte_input> compressed(std::string bytes) {
    return std::make_shared<traveltide::gzip_input>(std::make_shared<sk::memory_input>("rows.csv.gz", std::move(bytes)));
}

std::string message_of(std::string bytes, std::size_t block = 4096) {
    const auto rows = sk::try_read_csv<numbers>(compressed(std::move(bytes)), {.block_bytes = block});
    return rows ? "no error" : rows.error().what();
}

}  // namespace

TEST_CASE("compressed rows are the rows, in one member or several, with padding behind") {
    const std::string text = rows_text(20'000);
    const auto expected = support::read_text<numbers>(text);
    CHECK(support::same_columns(sk::read_csv<numbers>(compressed(gzip(text))).data(), expected.data()));
    const std::string pieces = gzip(text.substr(0, 1000)) + gzip("") + gzip(text.substr(1000)) + std::string(512, '\0');
    CHECK(support::same_columns(sk::read_csv<numbers>(compressed(pieces)).data(), expected.data()));
    CHECK(support::same_columns(sk::read_csv<numbers>(compressed(pieces), {.block_bytes = 64}).data(), expected.data()));
}

TEST_CASE("a truncated file says so, wherever it ends") {
    const std::string whole = gzip(rows_text(20'000));
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{17}, whole.size() / 3, whole.size() - 9, whole.size() - 8, whole.size() - 1}) {
        INFO(size);
        const std::string expected = "rows.csv.gz: gzip_input: malformed document: found a file that ends in the middle of compressed data, after byte " +
                                     std::to_string(size) + (size == 0 ? " (it is empty)" : "") + ", expected a whole gzip file; the file is cut off: copy or download it again";
        CHECK(message_of(whole.substr(0, size)) == expected);
        CHECK(message_of(whole.substr(0, size), 64) == expected);
    }
}

TEST_CASE("a damaged file, and one that is not compressed") {
    std::string damaged = gzip(rows_text(20'000));
    damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);    // in the checksum
    CHECK(message_of(damaged).find("damaged compressed data at byte") != std::string::npos);
    CHECK(message_of(rows_text(5)).find("found bytes that are not gzip-compressed at byte") != std::string::npos);
}

TEST_CASE("an error in the rows before the damage comes first") {
    std::string text = rows_text(2000) + "x,y\n" + rows_text(20'000);
    const std::string whole = gzip(text);
    CHECK(message_of(whole.substr(0, whole.size() - 8)).starts_with("rows.csv.gz:2002:1: scan_csv: malformed value in 'n' at row 2000: found 'x'"));
}

TEST_CASE("the file's name decides") {
    CHECK(dynamic_cast<const traveltide::gzip_input*>(traveltide::open_csv_input("a.csv.gz").get()) != nullptr);
    CHECK(dynamic_cast<const sk::file_input*>(traveltide::open_csv_input("a.csv").get()) != nullptr);
    const auto missing = sk::try_read_csv<numbers>(traveltide::open_csv_input("no/such.csv.gz"));
    CHECK(missing.error().code() == sk::error_code::cannot_open);
    CHECK(missing.error().details().file == "no/such.csv.gz");
}
