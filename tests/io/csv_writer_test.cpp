#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>

#include "support/csv_cases.hpp"

namespace sk = segkit;
namespace fs = std::filesystem;
using namespace segkit::literals;

namespace {

using everything = sk::schema<sk::field<"t", sk::text>, sk::field<"maybe t", std::optional<sk::text>>, sk::field<"b", bool>, sk::field<"maybe b", std::optional<bool>>,
                              sk::field<"i", std::int32_t>, sk::field<"maybe i", std::optional<std::int64_t>>, sk::field<"f", float>,
                              sk::field<"maybe d", std::optional<double>>, sk::field<"day", sk::date>, sk::field<"maybe time", std::optional<sk::timestamp>>,
                              sk::field<"span, in \"s\"", sk::duration>>;
using small = sk::schema<sk::field<"name", std::optional<sk::text>>, sk::field<"n", std::optional<std::int32_t>>>;
using one = sk::schema<sk::field<"name", std::optional<sk::text>>>;

template <class F>
F finite(support::dice& dice) {
    for (;;) {
        F value{};
        if constexpr (sizeof(F) == 4) value = std::bit_cast<F>(static_cast<std::uint32_t>(dice.next()));
        else value = std::bit_cast<F>(dice.next());
        if (std::isfinite(value)) return value;
    }
}

sk::table<everything> random_table(support::dice& dice, std::size_t rows) {
    static const std::vector<std::string> pieces{"a", "NA", ",", "\"", "\n", "\r", "\r\n", ";", "\t", " ", "\xC3\xA9", "\xEF\xBB\xBF", "1", "true", "''", "\x01"};
    sk::table<everything> table;
    for (std::size_t r = 0; r < rows; ++r) {
        std::string texts[2];
        for (std::string& t : texts)
            for (std::size_t i = dice.below(4); i > 0; --i) t += pieces[dice.below(pieces.size())];
        const auto maybe = [&]<class T>(T value) { return dice.chance(30) ? std::optional<T>() : std::optional<T>(value); };
        table.append(sk::table<everything>::row_type{
            texts[0], maybe(std::string_view(texts[1])), dice.chance(50), maybe(dice.chance(50)), static_cast<std::int32_t>(dice.next()),
            maybe(static_cast<std::int64_t>(dice.next())), finite<float>(dice), maybe(dice.chance(50) ? finite<double>(dice) : static_cast<double>(dice.below(1000)) / 8),
            sk::date::from_days(static_cast<std::int32_t>(dice.below(4'000'000)) - 1'000'000),
            maybe(sk::timestamp::from_microseconds(static_cast<std::int64_t>(dice.next()) / 3)), sk::duration{static_cast<std::int64_t>(dice.next())}});
    }
    return table;
}

fs::path fresh_folder() {
    static int count = 0;
    const fs::path folder = fs::temp_directory_path() / ("segkit-csv-writer-" + std::to_string(++count));
    fs::remove_all(folder);
    fs::create_directory(folder);
    return folder;
}

std::string content_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

std::size_t entries(const fs::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder)) count += !entry.path().empty();
    return count;
}

}  // namespace

TEST_CASE("random tables come back bit for bit, in every dialect") {
    support::dice dice{99};
    for (int round = 0; round < 60; ++round) {
        const auto table = random_table(dice, dice.below(60));
        for (const char delimiter : {',', ';', '\t', ' '}) {
            for (const sk::csv_quote quote : {sk::csv_quote::minimal, sk::csv_quote::values}) {
                const sk::csv_write_options form{.delimiter = delimiter, .quote = quote, .null = dice.chance(50) ? "" : "NA",
                                                 .line_end = dice.chance(50) ? sk::csv_line_end::lf : sk::csv_line_end::crlf};
                const std::string text = sk::to_csv(table, form);
                INFO(text);
                const std::vector<std::string> nulls = form.null.empty() ? std::vector<std::string>() : std::vector<std::string>{form.null};
                const auto again = support::read_text<everything>(
                    text, {.delimiter = delimiter, .null_values = nulls, .quoted_nulls = sk::csv_quoted_nulls::text, .block_bytes = 64 + dice.below(500)});
                REQUIRE(support::same_columns(again.data(), table.data()));
            }
        }
    }
}

TEST_CASE("quotes stand where they are needed, or around everything") {
    const sk::table<small> rows{{"plain", 1}, {"a,b", 2}, {"say \"hi\"", 3}, {"two\nlines", 4}, {"", 5}, {std::nullopt, std::nullopt}};
    CHECK(sk::to_csv(rows) == "name,n\nplain,1\n\"a,b\",2\n\"say \"\"hi\"\"\",3\n\"two\nlines\",4\n\"\",5\n,\n");
    CHECK(sk::to_csv(rows, {.quote = sk::csv_quote::values}) ==
          "\"name\",\"n\"\n\"plain\",\"1\"\n\"a,b\",\"2\"\n\"say \"\"hi\"\"\",\"3\"\n\"two\nlines\",\"4\"\n\"\",\"5\"\n,\n");
    CHECK(sk::to_csv(rows, {.quote = sk::csv_quote::everything}).ends_with("\"\",\"5\"\n\"\",\"\"\n"));
    CHECK(sk::to_csv(rows, {.delimiter = ';', .null = "NA", .line_end = sk::csv_line_end::crlf}) ==
          "name;n\r\nplain;1\r\na,b;2\r\n\"say \"\"hi\"\"\";3\r\n\"two\nlines\";4\r\n\"\";5\r\nNA;NA\r\n");
}

TEST_CASE("a text that is spelled like a null is quoted") {
    const sk::table<one> rows{{std::make_tuple(std::optional<std::string_view>("NA"))}, {std::make_tuple(std::optional<std::string_view>())}};
    CHECK(sk::to_csv(rows, {.null = "NA"}) == "name\n\"NA\"\nNA\n");
}

TEST_CASE("nulls of a single column are blank lines, and come back") {
    sk::table<one> rows;
    for (const auto& value : {std::optional<std::string_view>(), std::optional<std::string_view>("x"), std::optional<std::string_view>("")}) rows.append(std::make_tuple(value));
    const auto again = support::read_text<one>(sk::to_csv(rows), {.quoted_nulls = sk::csv_quoted_nulls::text});
    CHECK(support::same_columns(again.data(), rows.data()));
}

TEST_CASE("an empty table is a header") {
    CHECK(sk::to_csv(sk::table<small>()) == "name,n\n");
}

TEST_CASE("a file is replaced as a whole") {
    const fs::path folder = fresh_folder();
    const std::string path = (folder / "rows.csv").string();
    support::dice dice{5};
    const auto large = random_table(dice, 5000);
    sk::write_csv(large, path);
    CHECK(content_of(path) == sk::to_csv(large));
    CHECK(support::same_columns(sk::read_csv<everything>(path, {.quoted_nulls = sk::csv_quoted_nulls::text}).data(), large.data()));
    sk::write_csv(sk::table<small>{{"x", 1}}, path);
    CHECK(content_of(path) == "name,n\nx,1\n");
    CHECK(entries(folder) == 1);
    fs::remove_all(folder);
}

TEST_CASE("a write that fails leaves what was there, and nothing else") {
    const fs::path folder = fresh_folder();
    using numbers = sk::schema<sk::field<"x", double>, sk::field<"t", sk::text>>;
    const std::string path = (folder / "rows.csv").string();
    sk::write_csv(sk::table<numbers>{{1.0, "first"}}, path);

    sk::table<numbers> wrong;
    for (int i = 0; i < 50'000; ++i) wrong.append(i == 40'000 ? std::numeric_limits<double>::quiet_NaN() : 0.5, "much text, so that some of it is on disk by then");
    const auto written = sk::try_write_csv(wrong, path);
    REQUIRE_FALSE(written);
    CHECK(std::string(written.error().what()) ==
          path + ": write_csv: not a finite number in 'x' at row 40000: found nan, expected a finite number; make it null before writing");
    CHECK(content_of(path) == "x,t\n1,first\n");
    CHECK(entries(folder) == 1);

    const sk::table<numbers> zero{{1.0, std::string_view("a\0b", 3)}};
    const auto text = sk::try_call([&] { return sk::to_csv(zero); });
    REQUIRE_FALSE(text);
    CHECK(text.error().code() == sk::error_code::malformed_value);
    fs::remove_all(folder);
}

TEST_CASE("a place that cannot be written to") {
    const fs::path folder = fresh_folder();
    const sk::table<small> rows{{"x", 1}};
    const std::string nowhere = (folder / "missing" / "rows.csv").string();
    const auto missing = sk::try_write_csv(rows, nowhere);
    REQUIRE_FALSE(missing);
    CHECK(std::string(missing.error().what()) ==
          nowhere + ": write_csv: cannot write: found a folder that does not exist, expected a file that can be created or replaced; create the folder first");

    const fs::path taken = folder / "rows.csv";
    fs::create_directory(taken);
    fs::create_directory(taken / "inside");
    const auto over_folder = sk::try_write_csv(rows, taken.string());
    REQUIRE_FALSE(over_folder);
    CHECK(over_folder.error().details().found == "a folder of that name");
    CHECK(entries(folder) == 1);
    fs::remove_all(folder);
}

TEST_CASE("a leftover of a write that was killed is in nobody's way") {
    const fs::path folder = fresh_folder();
    const std::string path = (folder / "rows.csv").string();
    std::ofstream(path + ".part1") << "left over";
    sk::write_csv(sk::table<small>{{"x", 1}}, path);
    CHECK(content_of(path) == "name,n\nx,1\n");
    CHECK(content_of(path + ".part1") == "left over");
    fs::remove_all(folder);
}

TEST_CASE("forms that could not be read back are refused") {
    const sk::table<small> rows{{"x", 1}};
    for (const char* null : {"a,b", "\"", "\n", "0", "true", "-1.5", "2023-01-04"}) {
        INFO(null);
        const auto text = sk::try_call([&] { return sk::to_csv(rows, {.null = null}); });
        REQUIRE_FALSE(text);
        CHECK(text.error().code() == sk::error_code::invalid_option);
    }
    CHECK_THROWS_AS(sk::to_csv(rows, {.delimiter = '"'}), sk::error);
}

TEST_CASE("the bytes of a file do not depend on the executor, nor on whether a table or a query is written") {
    using wide = sk::schema<sk::field<"id", std::int64_t>, sk::field<"name", std::optional<sk::text>>, sk::field<"value", double>>;
    sk::table<wide> rows;
    support::dice dice{17};
    for (std::int64_t i = 0; i < 150'000; ++i) {
        const std::string name = i % 11 ? "name " + std::to_string(dice.below(1000)) : "quoted \", \n";
        rows.append(i, i % 7 ? std::optional<std::string_view>(name) : std::nullopt, static_cast<double>(dice.below(100'000)) / 7);
    }
    const std::string expected = sk::to_csv(rows);
    const sk::threads two(2), seven(7);
    const auto content = [] {
        std::ifstream file("csv_writer_parallel.csv", std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(file), {}};
        std::remove("csv_writer_parallel.csv");
        return text;
    };
    sk::write_csv(rows, "csv_writer_parallel.csv", {}, two);
    CHECK(content() == expected);
    CHECK((rows | sk::write_csv("csv_writer_parallel.csv")) == 150'000);
    CHECK(content() == expected);
    CHECK((rows | sk::write_csv("csv_writer_parallel.csv", {}, seven)) == 150'000);
    CHECK(content() == expected);
    const auto few = rows | sk::filter("id"_c < 1000) | sk::select("name"_c, "id"_c);
    CHECK((few | sk::write_csv("csv_writer_parallel.csv", {.delimiter = ';'}, two)) == 1000);
    CHECK(content() == sk::to_csv(few | sk::collect(), {.delimiter = ';'}));
}

TEST_CASE("a query that fails while it is written leaves the file as it was") {
    std::ofstream("csv_writer_kept.csv") << "before";
    using lengths = sk::schema<sk::field<"x", double>>;
    const sk::threads two(2);
    sk::table<lengths> rows;
    for (int i = 0; i < 100'000; ++i) rows.append(std::tuple<double>(i));
    rows.append(std::tuple<double>(std::numeric_limits<double>::quiet_NaN()));
    try {
        (void)(rows | sk::write_csv("csv_writer_kept.csv", {}, two));
        FAIL("no error");
    } catch (const sk::error& failure) {
        CHECK(std::string(failure.what()).starts_with("csv_writer_kept.csv: write_csv: not a finite number in 'x' at row 100000"));
    }
    std::ifstream file("csv_writer_kept.csv");
    CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == "before");
    CHECK_FALSE(std::ifstream("csv_writer_kept.csv.part1").good());
    std::remove("csv_writer_kept.csv");
}
