#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>

#include "support/csv_cases.hpp"
#include "support/failures.hpp"

namespace sk = segkit;
using namespace segkit::literals;
using support::message_of;

namespace {

using stays = sk::schema<sk::field<"guest", sk::text>, sk::field<"nights", std::int32_t>, sk::field<"price", std::optional<double>>>;

std::shared_ptr<sk::memory_input> input(std::string name, std::string text) { return std::make_shared<sk::memory_input>(std::move(name), std::move(text)); }

std::string rows_from(int first, int count) {
    std::string text;
    for (int i = first; i < first + count; ++i) text += "guest " + std::to_string(i) + "," + std::to_string(i) + "," + (i % 3 ? std::to_string(i) + ".5" : "") + "\n";
    return text;
}

// A stream of the same bytes: what cannot be read by position.
class stream_input final : public sk::byte_input {
public:
    explicit stream_input(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}
    std::unique_ptr<sk::byte_stream> open() const override { return std::make_unique<sk::detail::memory_stream>(text_); }
    std::string name() const override { return "stream"; }

private:
    std::shared_ptr<const std::string> text_;
};

}  // namespace

TEST_CASE("several files are one table, each with its own header") {
    const std::vector<std::shared_ptr<const sk::byte_input>> files{input("a.csv", "guest,nights,price\n" + rows_from(0, 500)),
                                                                   input("b.csv", "note,price,nights,guest\nx,7.5,7,seven\n"), input("c.csv", "nights,guest,price\n"),
                                                                   input("d.csv", "guest,nights,price\n" + rows_from(500, 30))};
    const auto expected = support::read_text<stays>("guest,nights,price\n" + rows_from(0, 500) + "seven,7,7.5\n" + rows_from(500, 30));
    const sk::threads two(2), seven(7);
    for (const std::size_t block : {64u, 1000u, 131072u}) {
        for (const sk::executor_ref executor : {sk::executor_ref(sk::detail::default_executor), sk::executor_ref(two), sk::executor_ref(seven)}) {
            const auto all = sk::read_csv<stays>(files, {.block_bytes = block}, executor);
            REQUIRE(all.rows() == 531);
            CHECK(support::same_columns(all.data(), expected.data()));
        }
    }
    CHECK(sk::scan_csv<stays>(files).open()->describe() == "csv a.csv, b.csv, c.csv and 1 more");
}

TEST_CASE("an error in one of several files names that file") {
    const auto reading = [](std::string second) {
        return message_of([&] {
            (void)sk::read_csv<stays>(std::vector<std::shared_ptr<const sk::byte_input>>{input("a.csv", "guest,nights,price\n" + rows_from(0, 10)), input("b.csv", second)});
        });
    };
    CHECK(reading("guest,nights\n").starts_with("b.csv:1: scan_csv: missing column: found the columns 'guest', 'nights'"));
    CHECK(reading("guest,nights,price\nann,x,\n").starts_with("b.csv:2:2: scan_csv: malformed value in 'nights' at row 10: found 'x'"));
    CHECK(message_of([] { (void)sk::read_csv<stays>({"no such.csv", "neither.csv"}); }).starts_with("no such.csv: scan_csv: cannot open"));
}

TEST_CASE("files by their paths") {
    for (const char* path : {"csv_options_1.csv", "csv_options_2.csv"}) std::ofstream(path) << "guest,nights,price\n" + rows_from(0, 5);
    CHECK(sk::read_csv<stays>({"csv_options_1.csv", "csv_options_2.csv"}).rows() == 10);
    CHECK(sk::read_csv<stays>(std::vector<std::string>{"csv_options_1.csv"}).rows() == 5);
    CHECK(sk::read_csv<stays>("csv_options_1.csv").rows() == 5);
    CHECK(sk::read_csv<stays>(std::string("csv_options_1.csv")).rows() == 5);
    std::remove("csv_options_1.csv");
    std::remove("csv_options_2.csv");
}

TEST_CASE("progress is told in order and ends at the whole") {
    const sk::threads two(2);
    const std::string text = "guest,nights,price\n" + rows_from(0, 5000);
    for (const bool by_position : {true, false}) {
        std::shared_ptr<const sk::byte_input> from;
        if (by_position) from = input("a.csv", text);
        else from = std::make_shared<stream_input>(text);
        auto told = std::make_shared<std::vector<sk::csv_progress>>();
        const auto all = sk::read_csv<stays>(from, {.block_bytes = 4096, .progress = [told](const sk::csv_progress& p) { told->push_back(p); }}, two);
        CHECK(all.rows() == 5000);
        REQUIRE(told->size() > 10);
        for (std::size_t i = 1; i < told->size(); ++i) {
            CHECK((*told)[i - 1].rows <= (*told)[i].rows);
            CHECK((*told)[i - 1].bytes < (*told)[i].bytes);
        }
        CHECK(told->back().rows == 5000);
        CHECK(told->back().bytes == text.size());
        CHECK(told->back().total_bytes == (by_position ? text.size() : 0));
    }
}

TEST_CASE("a progress callback that returns false ends the reading") {
    const sk::threads two(2);
    for (const sk::executor_ref executor : {sk::executor_ref(sk::detail::default_executor), sk::executor_ref(two)}) {
        const sk::csv_options options{.block_bytes = 1024, .progress = [](const sk::csv_progress& p) { return p.rows < 1000; }};
        const auto rows = sk::try_read_csv<stays>(input("a.csv", "guest,nights,price\n" + rows_from(0, 5000)), options, executor);
        REQUIRE_FALSE(rows);
        CHECK(rows.error().code() == sk::error_code::cancelled);
        CHECK(std::string(rows.error().what()).starts_with("a.csv: scan_csv: cancelled: found a progress callback that returned false after 10"));
    }
}

TEST_CASE("what a progress callback throws comes out of the reading") {
    struct stop {};
    const auto reading = [] {
        (void)sk::read_csv<stays>(input("a.csv", "guest,nights,price\n" + rows_from(0, 500)), {.block_bytes = 1024, .progress = [](const sk::csv_progress&) { throw stop(); }});
    };
    CHECK_THROWS_AS(reading(), stop);
}

TEST_CASE("dates and timestamps in another format") {
    using visits = sk::schema<sk::field<"day", sk::date>, sk::field<"start", std::optional<sk::timestamp>>, sk::field<"end", sk::timestamp>>;
    const std::string text = "day,start,end\n4.1.2023,04/01/2023 07:30,2023-01-04 08:00:00\n31.12.1999,,2023-01-04T08:00:00Z\n";
    const sk::csv_options options{.formats = {{"start", "%d/%m/%Y %H:%M"}, {"day", "%d.%m.%Y"}}};
    const auto rows = support::read_text<visits>(text, options);
    CHECK(rows["day"_c][0] == sk::date(2023, 1, 4));
    CHECK(rows["day"_c][1] == sk::date(1999, 12, 31));
    CHECK(rows["start"_c][0] == sk::timestamp(sk::date(2023, 1, 4), 7, 30, 0));
    CHECK(rows["start"_c][1] == std::nullopt);
    CHECK(rows["end"_c][1] == sk::timestamp(sk::date(2023, 1, 4), 8, 0, 0));
    CHECK(support::reading_message<visits>("day,start,end\n2023-01-04,,2023-01-04\n", options) ==
          "test.csv:2:1: scan_csv: malformed value in 'day' at row 0: found '2023-01-04', expected a date written %d.%m.%Y; correct the value, or the format that "
          "csv_options::formats gives the column");
}

TEST_CASE("a decimal comma is read and written where it is asked for") {
    using amounts = sk::schema<sk::field<"name", sk::text>, sk::field<"x", double>, sk::field<"y", std::optional<float>>, sk::field<"n", std::int32_t>, sk::field<"t", sk::duration>>;
    const sk::csv_options options{.delimiter = ';', .decimal_separator = ',', .null_values = {"-1,0"}};
    const std::string header = "name;x;y;n;t\n";
    // The same numbers with a point, read in the usual way, are the reference.
    std::string commas = header, points = header;
    for (int i = 0; i < 5000; ++i) {
        const std::string whole = std::to_string(i * 7919 % 100'003), fraction = std::to_string(i * 104'729 % 9973), y = i % 3 ? whole + "e-" + std::to_string(i % 9) : "";
        commas += "a.b," + whole + ";-" + whole + ',' + fraction + ';' + y + ";" + whole + ";" + std::to_string(i) + ",25\n";
        points += "a.b," + whole + ";-" + whole + '.' + fraction + ';' + y + ";" + whole + ";" + std::to_string(i) + ".25\n";
    }
    const auto expected = support::read_text<amounts>(points, {.delimiter = ';'});
    REQUIRE(expected.rows() == 5000);
    const auto read = sk::read_csv<amounts>(input("commas.csv", commas), options, sk::threads(3));
    CHECK(support::same_columns(read.data(), expected.data()));
    const std::string written = sk::to_csv(expected, {.delimiter = ';', .decimal_separator = ','});
    CHECK(std::count(written.begin(), written.end(), '.') == 5000);    // those of the names
    CHECK(support::same_columns(support::read_text<amounts>(written, options).data(), expected.data()));
    CHECK(support::read_text<amounts>(header + "a;1;-1,0;2;3\n", options)["y"_c][0] == std::nullopt);

    // What could be a number of thousands is none, and integers have no fraction.
    CHECK(support::reading_message<amounts>(header + "a;1.234;;2;3\n", options) ==
          "test.csv:2:2: scan_csv: malformed value in 'x' at row 0: found '1.234', expected a finite number with a decimal comma; write a decimal comma, without separators of "
          "thousands, or set csv_options::decimal_separator = '.'");
    CHECK(support::reading_message<amounts>(header + "a;1,5,5;;2;3\n", options).find("found '1,5,5'") != std::string::npos);
    CHECK(support::reading_message<amounts>(header + "a;1;;2,5;3\n", options).ends_with("found '2,5', expected an integer from -2147483648 to 2147483647, without a comma or a point; "
                                                                                   "declare the column as double"));
    CHECK(support::reading_message<amounts>(header + "a;1;;2.500;3\n", options).ends_with("without a comma or a point; write the digits alone, without separators of thousands"));
    CHECK(support::reading_message<amounts>(header + "a;1;;2;3.5\n", options).ends_with(
        "expected seconds, with a decimal comma and a fraction of at most 6 digits; write a decimal comma, without separators of thousands, or set "
        "csv_options::decimal_separator = '.'"));
    CHECK(support::reading_message<amounts>(header + "a;1,5;;2;3\n", {.delimiter = ';'}).ends_with("or set csv_options::decimal_separator = ','"));
    // Nor can a byte be two things.
    const std::string twice = "in 'decimal_separator': found ',', which is the delimiter as well, expected a delimiter that is not part of numbers; set .delimiter = ';'";
    CHECK(support::reading_message<amounts>(header, {.decimal_separator = ','}).starts_with("scan_csv: invalid option " + twice));
    CHECK(message_of([&] { (void)sk::to_csv(expected, {.decimal_separator = ','}); }).starts_with("write_csv: invalid option " + twice));
    CHECK(support::reading_message<amounts>(header, {.delimiter = ';', .decimal_separator = '\''}).find("expected ',' or '.'") != std::string::npos);
    CHECK(message_of([&] { (void)sk::to_csv(expected, {.delimiter = ';', .decimal_separator = ',', .null = "1,5"}); }).starts_with("write_csv: invalid option in 'null'"));
}

TEST_CASE("a format of a column that has none is refused") {
    CHECK(support::reading_message<stays>("guest,nights,price\n", {.formats = {{"gust", "%F"}}}) ==
          "scan_csv: invalid option in 'formats': found 'gust', which is no column of the schema, expected the name of a date or timestamp column");
    CHECK(support::reading_message<stays>("guest,nights,price\n", {.formats = {{"nights", "%F"}}}).find("found 'nights', a column of type int32") != std::string::npos);
    CHECK(message_of([] { (void)sk::csv_options{.formats = {{"day", "%Q"}}}; }).starts_with("time_format: invalid option: found %Q, expected %Y"));
}

TEST_CASE("streams, files read by position and any number of workers give the same table and the same errors") {
    support::dice dice{11};
    const sk::threads two(2), three(3), seven(7);
    const sk::executor_ref executors[] = {sk::detail::default_executor, two, three, seven};
    for (int round = 0; round < 60; ++round) {
        std::string text = "guest,nights,price\n";
        const std::size_t rows = dice.below(3000);
        const bool wrong = dice.chance(40);
        for (std::size_t i = 0; i < rows; ++i) {
            text += dice.chance(5) ? "\"a \"\"b\"\",\n" + std::string(dice.below(300), 'x') + "\"," : "ann,";
            text += wrong && dice.below(2000) == 0 ? "x," : std::to_string(i) + ",";
            text += wrong && dice.below(2000) == 0 ? "\"1\" \n" : "1.5\n";
        }
        const std::string first = support::reading_message<stays>(text);
        const auto expected = sk::try_read_csv<stays>(input("test.csv", text));
        for (int k = 0; k < 6; ++k) {
            const sk::csv_options options{.block_bytes = 64 + dice.below(5000)};
            const auto by_position = sk::try_read_csv<stays>(input("test.csv", text), options, executors[dice.below(4)]);
            const auto streamed = sk::try_read_csv<stays>(std::make_shared<stream_input>(text), options, executors[dice.below(4)]);
            REQUIRE(by_position.has_value() == expected.has_value());
            REQUIRE(streamed.has_value() == expected.has_value());
            if (expected) {
                REQUIRE(support::same_columns(by_position.value().data(), expected.value().data()));
                REQUIRE(support::same_columns(streamed.value().data(), expected.value().data()));
            } else {
                REQUIRE(std::string(by_position.error().what()) == first);
                REQUIRE(std::string(streamed.error().what()).substr(6) == first.substr(8));    // after "stream" and "test.csv"
            }
        }
    }
}
