#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>

#include "support/csv_cases.hpp"

namespace sk = segkit;

namespace {

using stays = sk::schema<sk::field<"guest", sk::text>, sk::field<"nights", std::int32_t>, sk::field<"price", double>, sk::field<"left", sk::timestamp>>;
const std::string header = "guest,nights,price,left\n";
const std::string good = "ann,1,2.5,2023-01-04 00:00:00\n";

// The message, after checking that it does not depend on block size or executor.
template <class Schema = stays>
std::string message_of(const std::string& file, sk::csv_options options = {}) {
    static const sk::threads two(2), seven(7);
    const std::string first = support::reading_message<Schema>(file, options);
    for (const std::size_t block : {64u, 65u, 100u, 333u, 4096u}) {
        options.block_bytes = block;
        CHECK(support::reading_message<Schema>(file, options) == first);
        CHECK(support::reading_message<Schema>(file, options, two) == first);
        CHECK(support::reading_message<Schema>(file, options, seven) == first);
    }
    return first;
}

std::string repeated(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}

}  // namespace

TEST_CASE("a file that is not there, and a folder") {
    CHECK(std::string(sk::try_read_csv<stays>("no/such/file.csv").error().what()) ==
          "no/such/file.csv: scan_csv: cannot open: found no such file, expected a readable file; check the path");
    const auto folder = sk::try_read_csv<stays>(".");
    CHECK(std::string(folder.error().what()) ==
          ".: scan_csv: cannot open: found a folder, expected a readable file; name a file inside the folder");
    CHECK(folder.error().code() == sk::error_code::cannot_open);
}

TEST_CASE("a file without a header") {
    const std::string expected =
        "test.csv: scan_csv: malformed document: found an empty file, expected a header line with the names of the columns; check that the file was "
        "written completely";
    CHECK(message_of("") == expected);
    CHECK(message_of("\n\r\n\n") == expected);
    CHECK(message_of("\xEF\xBB\xBF") == expected);
}

TEST_CASE("all missing columns are named at once, with what may have been meant") {
    CHECK(message_of("Guest,night,cost,left\n") ==
          "test.csv:1: scan_csv: missing column: found the columns 'Guest', 'night', 'cost', 'left', expected also the 3 columns 'guest', 'nights', 'price'; "
          "perhaps 'Guest' for 'guest', 'night' for 'nights'");
    CHECK(message_of("guest,nights,left\n") ==
          "test.csv:1: scan_csv: missing column: found the columns 'guest', 'nights', 'left', expected also 'price'; check that this is the right file, and that "
          "its first line names the columns");
}

TEST_CASE("a file with another delimiter") {
    CHECK(message_of("guest;nights;price;left\n") ==
          "test.csv:1: scan_csv: missing column: found the columns 'guest;nights;price;left', expected also the 4 columns 'guest', 'nights', 'price', 'left'; the "
          "file seems to be delimited by ';': set .delimiter = ';'");
    CHECK(message_of("guest\tnights\tprice\tleft\n").ends_with("the file seems to be delimited by tabs: set .delimiter = '\\t'"));
}

TEST_CASE("a name twice in the header matters where the schema asks for it") {
    CHECK(message_of("guest,nights,price,left,price\n" + good) ==
          "test.csv:1:5: scan_csv: duplicate column in 'price': found the name 'price' in fields 3 and 5 of the header, expected one column of that name; rename "
          "one of them in the file");
    CHECK(message_of("guest,nights,price,left,x,x\nann,1,2,2023-01-04,,\n") == "no error");
}

TEST_CASE("a row with too few or too many fields") {
    CHECK(message_of(header + good + "bob,1\n" + good) ==
          "test.csv:3:3: scan_csv: malformed row in 'price': found 2 fields, expected 4 fields as in the header; put quotes around text with line ends in it, or "
          "complete the line");
    CHECK(message_of(header + "\n" + good + "bob, jr,1,2.5,2023-01-04 00:00:00\n" + good) ==
          "test.csv:4:5: scan_csv: malformed row: found 5 fields, expected 4 fields as in the header; put quotes around text that contains the delimiter");
    CHECK(message_of(header + repeated(good, 100) + "  \n" + good).starts_with("test.csv:102:2: scan_csv: malformed row in 'nights': found 1 field, expected 4"));
}

TEST_CASE("a file that is cut off") {
    CHECK(message_of(header + good + good + "bob,1") ==
          "test.csv:4:3: scan_csv: malformed row in 'price': found 2 fields, expected 4 fields as in the header; the file seems to be cut off in this line");
    CHECK(message_of(header + good + "\"bob\",\"1\",\"2.5\",\"2023-01") ==
          "test.csv:3:4: scan_csv: malformed row in 'left': found a quote that is never closed, '\"2023-01', expected a closing quote before the end of the file; "
          "the quote that opens this field is unbalanced, or the file is cut off");
    CHECK(message_of(header + good + "bob,1,2.5,2023-01-0").starts_with("test.csv:3:4: scan_csv: malformed value in 'left' at row 1: found '2023-01-0'"));
}

TEST_CASE("an unbalanced quote is reported where it opens") {
    CHECK(message_of(header + good + "\"bob,1,2.5,2023-01-04 00:00:00\n" + repeated(good, 60)) ==
          "test.csv:3:1: scan_csv: malformed row in 'guest': found a quote that is never closed, '\"bob,1,2.5,2023-01-04 00:00:00\\nann,1,2.5...', expected a closing "
          "quote before the end of the file; the quote that opens this field is unbalanced, or the file is cut off");
    CHECK(message_of(header + good + "\"bob,1,2.5,2023-01-04 00:00:00\n\"eve\",1,2.5,2023-01-04 00:00:00\n") ==
          "test.csv:3:1: scan_csv: malformed row in 'guest': found text after the closing quote, '\"bob,1,2.5,2023-01-04 00:00:00\\n\"e', expected a delimiter or the "
          "end of the line after a closing quote; the quote opened in line 3 was closed in line 4: probably one in line 3 is unbalanced; double a quote "
          "that belongs to the text");
}

TEST_CASE("text after a closing quote, and a quote in an unquoted field") {
    CHECK(message_of(header + good + "\"bob\"by,1,2.5,2023-01-04\n") ==
          "test.csv:3:1: scan_csv: malformed row in 'guest': found text after the closing quote, '\"bob\"b', expected a delimiter or the end of the line after a "
          "closing quote; double a quote that belongs to the text");
    CHECK(message_of(header + good + "the 3\" pipe,1,2.5,2023-01-04\n") ==
          "test.csv:3:1: scan_csv: malformed row in 'guest': found a quote inside an unquoted field, 'the 3\"', expected a field that is quoted as a whole or has no "
          "quotes; put quotes around the whole field and double those inside it");
    CHECK(message_of("gu\"est,nights,price,left\n").starts_with("test.csv:1:1: scan_csv: malformed row: found a quote inside an unquoted field, 'gu\"'"));
}

TEST_CASE("line ends that are none") {
    CHECK(message_of("guest,nights,price,left\rann,1,2,2023-01-04\r")
              .starts_with("test.csv:1:4: scan_csv: malformed row: found a carriage return without a newline behind it, expected lines that end in LF or CRLF"));
    CHECK(message_of(header + good + "a\rb,1,2,2023-01-04\n").starts_with("test.csv:3:1: scan_csv: malformed row in 'guest': found a carriage return without"));
}

TEST_CASE("files that are not text") {
    const std::string zero(1, '\0');
    CHECK(message_of(header + good + "a" + zero + "b,1,2.5,2023-01-04\n") ==
          "test.csv:3:1: scan_csv: malformed document in 'guest': found a zero byte, expected text in UTF-8; this is not a text file, or it is damaged or in UTF-16");
    CHECK(message_of("\x7F" "ELF\x02\x01\x01" + zero + zero + zero).starts_with("test.csv:1:1: scan_csv: malformed document: found a zero byte"));
    CHECK(message_of("\x1F\x8B\x08" + zero) ==
          "test.csv:1: scan_csv: malformed document: found gzip-compressed data, expected text in UTF-8; read it through a byte_input that decompresses, or decompress "
          "it first");
    CHECK(message_of("\xFF\xFEg" + zero) == "test.csv:1: scan_csv: malformed document: found text in UTF-16, expected text in UTF-8; convert the file to UTF-8");
}

TEST_CASE("a value of the wrong type, in line 3") {
    CHECK(message_of(header + good + "bob,two,2.5,2023-01-04\n") ==
          "test.csv:3:2: scan_csv: malformed value in 'nights' at row 1: found 'two', expected an integer from -2147483648 to 2147483647; if it stands for a missing "
          "value, declare the column std::optional and add it to csv_options::null_values");
    CHECK(message_of(header + good + "bob,1.5,2.5,2023-01-04\n").ends_with("; declare the column as double"));
    CHECK(message_of(header + good + "bob,3000000000,2.5,2023-01-04\n").ends_with("found '3000000000', expected an integer from -2147483648 to 2147483647; declare "
                                                                                  "the column as std::int64_t"));
    CHECK(message_of(header + good + "bob, 1,2.5,2023-01-04\n").ends_with("found ' 1', expected an integer from -2147483648 to 2147483647; remove the blanks around "
                                                                         "the value"));
    CHECK(message_of(header + good + "bob,1,\"2,5\",2023-01-04\n").ends_with("found '2,5', expected a finite number; write a decimal point, without separators of "
                                                                            "thousands"));
    CHECK(message_of(header + good + "bob,1,NaN,2023-01-04\n").find("'NaN', expected a finite number") != std::string::npos);
    CHECK(message_of(header + good + "bob,1,2.5,2023-02-30\n")
              .ends_with("found '2023-02-30', expected a timestamp that exists, written YYYY-MM-DD HH:MM:SS with a fraction of at most 6 digits; correct the value, or "
                         "declare the column as segkit::text"));
}

TEST_CASE("every type says what it expects") {
    const auto expected_of = [](const std::string& m) { return m.substr(m.find("expected")); };
    CHECK(expected_of(message_of<sk::schema<sk::field<"x", bool>>>("x\nyes\n")).starts_with("expected true or false (or 1, 0);"));
    CHECK(expected_of(message_of<sk::schema<sk::field<"x", std::int64_t>>>("x\n99999999999999999999\n")).starts_with("expected an integer of 64 bits;"));
    CHECK(expected_of(message_of<sk::schema<sk::field<"x", float>>>("x\n1e39\n")).starts_with("expected a finite number;"));
    CHECK(expected_of(message_of<sk::schema<sk::field<"x", sk::date>>>("x\n2023-01-04 10:00:00\n")) ==
          "expected a date that exists, written YYYY-MM-DD; declare the column as segkit::timestamp");
    CHECK(message_of<sk::schema<sk::field<"x", sk::date>>>("x\n04.01.2023\n").ends_with("; say in csv_options::formats how this column is written"));
    CHECK(message_of<sk::schema<sk::field<"x", std::optional<double>>>>("x\nNA\n")
              .ends_with("; if it stands for a missing value, add it to csv_options::null_values"));
    CHECK(expected_of(message_of<sk::schema<sk::field<"x", sk::duration>>>("x\n1h\n")).starts_with("expected seconds, with a fraction"));
}

TEST_CASE("a null where the schema has none") {
    for (const char* null : {"", "\"\""}) {
        CHECK(message_of(header + good + "bob," + null + ",2.5,2023-01-04\n") ==
              "test.csv:3:2: scan_csv: unexpected null in 'nights' at row 1: found an empty field, expected an integer from -2147483648 to 2147483647; declare the "
              "column as std::optional if values may be missing");
    }
    CHECK(message_of(header + good + "bob,1,NA,2023-01-04\n", {.null_values = {"NA"}})
              .starts_with("test.csv:3:3: scan_csv: unexpected null in 'price' at row 1: found 'NA', expected a finite number;"));
}

TEST_CASE("lines are counted with blank lines and line ends inside quotes") {
    CHECK(message_of("\"guest\",nights,\"price\",left,\"a\nb\"\n\n" + repeated("\"x\ny\",1,2,2023-01-04,\n", 20) + "\n\"p\n\nq\",1,\"what\",2023-01-04,\n")
              .starts_with("test.csv:47:3: scan_csv: malformed value in 'price' at row 20: found 'what'"));
}

TEST_CASE("a line end inside quotes counts wherever it lies in a block") {
    for (std::size_t length = 0; length < 70; ++length) {
        const std::string m = message_of(header + std::string(length, 'a') + ",1,2,2023-01-04\n\"x\ny\",1,2,2023-01-04\n" + repeated(good, 10) + "bob,1,2,never\n");
        CHECK(m.starts_with("test.csv:15:4: scan_csv: malformed value in 'left' at row 12"));
    }
}

TEST_CASE("the first error of the file wins, whatever comes later and in whatever column") {
    const std::string values = header + repeated(good, 30) + "bob,1,2.5,never\nbob,x,2.5,2023-01-04\n" + repeated(good, 50);
    CHECK(message_of(values).starts_with("test.csv:32:4: scan_csv: malformed value in 'left' at row 30: found 'never'"));
    CHECK(message_of(values + "bob\n\"").starts_with("test.csv:32:4:"));
    CHECK(message_of(header + repeated(good, 30) + "bob,1\n" + values).starts_with("test.csv:32:3: scan_csv: malformed row"));
    CHECK(message_of(header + "bob,x,y,z\n").starts_with("test.csv:2:2:"));
}

TEST_CASE("long and strange text is shown short and printable") {
    const std::string m = message_of(header + "bob,\"1\n\t\x01\x7F\xFF\xC3\xA9" + std::string(60, 'x') + "\",2.5,2023-01-04\n");
    CHECK(m.find("found '1\\n\\t\\x01\\x7F\\xFF\xC3\xA9" + std::string(32, 'x') + "...'") != std::string::npos);
}

TEST_CASE("what a stream says of itself comes after the errors of the rows before") {
    struct failing final : sk::byte_input {
        explicit failing(std::string text) : rows(std::move(text)) {}
        struct stream final : sk::byte_stream {
            explicit stream(std::string text) : rows(std::move(text)) {}
            std::size_t read(char* to, std::size_t bytes) override {
                if (at == rows.size()) throw sk::error({.code = sk::error_code::cannot_open, .file = "tape", .found = "a gap"});
                const std::size_t got = bytes < 7 && bytes < rows.size() - at ? bytes : rows.size() - at < 7 ? rows.size() - at : 7;
                rows.copy(to, got, at);
                at += got;
                return got;
            }
            std::string rows;
            std::size_t at = 0;
        };
        std::unique_ptr<sk::byte_stream> open() const override { return std::make_unique<stream>(rows); }
        std::string name() const override { return "tape"; }
        std::string rows;
    };
    const auto message = [](const std::string& rows, std::size_t block) {
        return std::string(sk::try_read_csv<stays>(std::make_shared<failing>(rows), {.block_bytes = block}).error().what());
    };
    for (const std::size_t block : {64u, 100u, 4096u}) {
        CHECK(message(header + good + "bob,1,2", block) == "tape: cannot open: found a gap");
        CHECK(message(header + good + "\"bob", block) == "tape: cannot open: found a gap");
        CHECK(message("gue", block) == "tape: cannot open: found a gap");
        CHECK(message(header + good + "\n\nbob,x,2,2023-01-04\nbob", block).starts_with("tape:5:2: scan_csv: malformed value"));
        CHECK(message(header + good + "bob,x\nbob", block).starts_with("tape:3:3: scan_csv: malformed row"));
    }
}

TEST_CASE("options outside their domain") {
    for (const char delimiter : {'"', '\n', '\r', '\0', '.', '-', '0', 'e', ':'}) {
        const auto rows = sk::try_call([&] { return sk::scan_csv<stays>("x.csv", {.delimiter = delimiter}); });
        REQUIRE_FALSE(rows);
        CHECK(rows.error().code() == sk::error_code::invalid_option);
    }
    CHECK_THROWS_AS(sk::scan_csv<stays>("x.csv", {.block_bytes = 63}), sk::error);
}

TEST_CASE("an error of the consumer ends the scan and comes out as it was") {
    struct refusing final : sk::morsel_consumer {
        struct worker final : sk::morsel_worker {
            void take(const sk::chunk& rows) override {
                if (rows.first_row >= 20) throw sk::error({.code = sk::error_code::overflow, .row = static_cast<std::size_t>(rows.first_row)});
            }
        };
        std::unique_ptr<sk::morsel_worker> start(std::size_t) override { return std::make_unique<worker>(); }
    } consumer;
    const auto source = sk::scan_csv<stays>(std::make_shared<sk::memory_input>("test.csv", header + repeated(good, 400)), {.block_bytes = 64}).open();
    for (const unsigned count : {1u, 2u, 7u}) {
        try {
            source->scan({true, true, true, true}, sk::threads(count), consumer);
            FAIL("no error");
        } catch (const sk::error& failure) {
            CHECK(failure.details().row == 20);
        }
    }
}
