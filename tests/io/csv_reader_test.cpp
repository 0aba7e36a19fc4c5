#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/expr/column.hpp>
#include <segkit/io/csv.hpp>

#include "support/csv_cases.hpp"

namespace sk = segkit;
using namespace segkit::literals;
using support::read_text;

namespace {

using stays = sk::schema<sk::field<"guest", sk::text>, sk::field<"nights", std::int32_t>, sk::field<"price", std::optional<double>>,
                         sk::field<"note", std::optional<sk::text>>, sk::field<"paid", bool>, sk::field<"left", std::optional<sk::timestamp>>,
                         sk::field<"born", sk::date>, sk::field<"code", std::optional<std::int64_t>>, sk::field<"score", float>>;

// A random table in one of many dialects.
std::string random_file(support::dice& dice) {
    const std::size_t rows = dice.below(dice.chance(20) ? 400 : 40);
    const bool crlf = dice.chance(40);
    const std::size_t quoting = dice.below(3) == 0 ? 0 : dice.below(2) == 0 ? 100 : 40;    // percent of fields that need no quotes
    const std::size_t strange = dice.below(40);
    const std::size_t blank_lines = dice.chance(30) ? 10 : 0;
    std::vector<std::string> names{"guest", "nights", "price", "note", "paid", "left", "born", "code", "score"};
    const std::size_t extra = dice.below(3);
    for (std::size_t i = 0; i < extra; ++i) names.push_back("extra " + std::to_string(i));
    for (std::size_t i = names.size(); i > 1; --i) std::swap(names[i - 1], names[dice.below(i)]);

    const auto text = [&]() -> std::string {
        static const std::vector<std::string> pieces{"ann", "Grace Hopper", "AeroM\xC3\xA9xico", ",", "\"", "\n", "\r\n", "\r", "\"\"", "\",\"\n", "a,b", " ", "'", ";"};
        std::string t = pieces[dice.below(3)];
        if (dice.chance(10)) t.clear();
        if (dice.chance(strange))
            for (std::size_t i = dice.below(6) + 1; i > 0; --i) t += pieces[dice.below(pieces.size())];
        if (dice.chance(2)) t += std::string(dice.below(500), 'z');
        return t;
    };
    const auto digits = [&](std::size_t most) { return std::to_string(dice.below(most)); };
    const auto two = [&](std::size_t low, std::size_t high) {
        const std::size_t n = low + dice.below(high - low + 1);
        return (n < 10 ? "0" : "") + std::to_string(n);
    };
    const auto value = [&](const std::string& name) -> std::string {
        if (name == "nights") return (dice.chance(20) ? "-" : "") + digits(2'000'000);
        if (name == "price") return dice.chance(20) ? "" : digits(100'000) + (dice.chance(60) ? "." + digits(10'000'000) : "");
        if (name == "paid") return dice.chance(50) ? "true" : "false";
        if (name == "born") return "19" + two(10, 99) + "-" + two(1, 12) + "-" + two(1, 28);
        if (name == "left") return dice.chance(20) ? "" : "20" + two(10, 29) + "-" + two(1, 12) + "-" + two(1, 28) + " " + two(0, 23) + ":" + two(0, 59) + ":" + two(0, 59);
        if (name == "code") return dice.chance(20) ? "" : digits(1'000'000'000'000);
        if (name == "score") return digits(1000) + "." + digits(1000);
        return text();
    };
    const auto write = [&](const std::string& t) {
        if (t.find_first_of(",\"\r\n") == t.npos && !dice.chance(quoting)) return t;
        std::string quoted = "\"";
        for (const char c : t) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
        return quoted + '"';
    };
    const std::string line_end = crlf ? "\r\n" : "\n";

    std::string file = dice.chance(30) ? "\xEF\xBB\xBF" : "";
    for (std::size_t row = 0; row <= rows; ++row) {
        while (dice.chance(blank_lines)) file += line_end;
        for (std::size_t f = 0; f < names.size(); ++f) file += (f ? "," : "") + write(row == 0 ? names[f] : value(names[f]));
        if (row < rows || dice.chance(60)) file += line_end;
    }
    while (file.ends_with('\n') && dice.chance(blank_lines)) file += line_end;
    return file;
}

sk::timestamp naive_timestamp(const std::string& t) {
    const auto number = [&](std::size_t at, std::size_t length) { return std::atoi(t.substr(at, length).c_str()); };
    return sk::timestamp(sk::date(number(0, 4), number(5, 2), number(8, 2)), number(11, 2), number(14, 2), number(17, 2));
}

sk::table<stays> naive_table(const std::string& file) {
    const support::raw_rows rows = support::naive_rows(file, ',');
    const auto& header = rows.at(0);
    const auto at = [&](std::size_t row, const char* name) {
        for (std::size_t f = 0; f < header.size(); ++f)
            if (header[f].text == name) return rows[row].at(f).text;
        throw std::runtime_error(name);
    };
    sk::table<stays> table;
    for (std::size_t r = 1; r < rows.size(); ++r) {
        const std::string guest = at(r, "guest"), note = at(r, "note"), price = at(r, "price"), left = at(r, "left"), born = at(r, "born"), code = at(r, "code");
        table.append(sk::table<stays>::row_type{
            guest, std::atoi(at(r, "nights").c_str()), price.empty() ? std::nullopt : std::optional(std::strtod(price.c_str(), nullptr)),
            note.empty() ? std::nullopt : std::optional<std::string_view>(note), at(r, "paid") == "true",
            left.empty() ? std::nullopt : std::optional(naive_timestamp(left)), naive_timestamp(born + " 00:00:00").day(),
            code.empty() ? std::nullopt : std::optional<std::int64_t>(std::atoll(code.c_str())), std::strtof(at(r, "score").c_str(), nullptr)});
    }
    return table;
}

}  // namespace

TEST_CASE("random files read as a naive reader reads them, at every block size and on every executor") {
    support::dice dice{20230104};
    const sk::threads two(2), three(3), seven(7);
    const sk::executor_ref executors[] = {sk::detail::default_executor, two, three, seven};
    for (int round = 0; round < 300; ++round) {
        const std::string file = random_file(dice);
        const sk::table<stays> expected = naive_table(file);
        const std::size_t blocks[] = {64, 65 + dice.below(200), 1000, 128 * 1024};
        for (const std::size_t block : blocks) {
            const auto table = read_text<stays>(file, {.block_bytes = block}, executors[dice.below(4)]);
            INFO("round " << round << ", blocks of " << block << ":\n" << file);
            REQUIRE(table.rows() == expected.rows());
            REQUIRE(support::same_columns(table.data(), expected.data()));
        }
    }
}

TEST_CASE("columns are found by name; others are skipped without being looked at") {
    using two = sk::schema<sk::field<"b", std::int32_t>, sk::field<"a", sk::text>>;
    const auto table = read_text<two>("a,junk,b\nx,not a number,1\ny,,2\n");
    REQUIRE(table.rows() == 2);
    CHECK(table["a"_c][1] == "y");
    CHECK(table["b"_c][0] == 1);
}

TEST_CASE("columns of the schema that a scan does not need are not converted") {
    using two = sk::schema<sk::field<"a", std::int32_t>, sk::field<"b", std::int32_t>>;
    struct counter final : sk::morsel_consumer {
        struct worker final : sk::morsel_worker {
            explicit worker(counter& to) : total(to) {}
            void take(const sk::chunk& rows) override {
                CHECK(rows.slots.size() == 2);
                CHECK(rows.slots[0].values == nullptr);
                for (std::uint32_t r = 0; r < rows.rows; ++r) total.sum += rows.slots[1].as<std::int32_t>()[r];
            }
            counter& total;
        };
        std::unique_ptr<sk::morsel_worker> start(std::size_t) override { return std::make_unique<worker>(*this); }
        std::int64_t sum = 0;
    } consumer;
    const auto scan = sk::scan_csv<two>(std::make_shared<sk::memory_input>("test.csv", "a,b\nwrong,1\nworse,2\n"));
    scan.open()->scan({false, true}, sk::serial{}, consumer);
    CHECK(consumer.sum == 3);
    CHECK_THROWS_AS(scan.open()->scan({true, true}, sk::serial{}, consumer), sk::error);
}

TEST_CASE("morsels depend on the bytes alone and number their rows through") {
    using one = sk::schema<sk::field<"n", std::int32_t>>;
    std::string file = "n\n";
    for (int i = 0; i < 5000; ++i) file += std::to_string(i) + "\n";
    struct recorder final : sk::morsel_consumer {
        struct worker final : sk::morsel_worker {
            worker(recorder& r, std::size_t m) : to(r), morsel(m) {}
            void take(const sk::chunk& rows) override {
                CHECK(rows.dense);
                for (std::uint32_t r = 0; r < rows.rows; ++r) CHECK(rows.slots[0].as<std::int32_t>()[r] == static_cast<std::int32_t>(rows.first_row + r));
                chunks.push_back({morsel, rows.first_row, rows.rows});
            }
            void finish() override {
                const std::lock_guard hold(to.lock);
                if (to.morsels.size() <= morsel) to.morsels.resize(morsel + 1);
                to.morsels[morsel] = chunks;
            }
            recorder& to;
            std::size_t morsel;
            std::vector<std::vector<std::uint64_t>> chunks;
        };
        std::unique_ptr<sk::morsel_worker> start(std::size_t morsel) override { return std::make_unique<worker>(*this, morsel); }
        std::mutex lock;
        std::vector<std::vector<std::vector<std::uint64_t>>> morsels;
    };
    const auto source = sk::scan_csv<one>(std::make_shared<sk::memory_input>("test.csv", file), {.block_bytes = 100}).open();
    CHECK(source->rescannable());
    CHECK(source->describe() == "csv test.csv");
    recorder alone;
    source->scan({true}, sk::serial{}, alone);
    CHECK(alone.morsels.size() > 10);
    for (const unsigned count : {2u, 3u, 7u}) {
        recorder together;
        source->scan({true}, sk::threads(count), together);
        CHECK(together.morsels == alone.morsels);
    }
}

TEST_CASE("nulls: empty and quoted empty, and further spellings on request") {
    using nullable = sk::schema<sk::field<"t", std::optional<sk::text>>, sk::field<"n", std::optional<std::int32_t>>, sk::field<"s", sk::text>>;
    const std::string file = "t,n,s\n,,\n\"\",\"\",\"\"\nNA,NA,NA\n\"NA\",\"NA\",x\n";
    SUBCASE("by default a quoted empty field is a null too") {
        const auto t = read_text<nullable>("t,n,s\n,,\n\"\",\"\",\"\"\n");
        for (std::size_t r = 0; r < 2; ++r) {
            CHECK_FALSE(t["t"_c][r]);
            CHECK_FALSE(t["n"_c][r]);
            CHECK(t["s"_c][r] == "");
        }
    }
    SUBCASE("spellings count quoted or not, but not in a text column without nulls") {
        const auto t = read_text<nullable>(file, {.null_values = {"NA"}});
        for (std::size_t r = 0; r < 4; ++r) CHECK_FALSE(t["t"_c][r]);
        for (std::size_t r = 0; r < 4; ++r) CHECK_FALSE(t["n"_c][r]);
        CHECK(t["s"_c][2] == "NA");
    }
    SUBCASE("on request quotes make it text, in text columns") {
        const auto t = read_text<nullable>(file, {.null_values = {"NA"}, .quoted_nulls = sk::csv_quoted_nulls::text});
        CHECK_FALSE(t["t"_c][0]);
        CHECK(t["t"_c][1] == "");
        CHECK_FALSE(t["t"_c][2]);
        CHECK(t["t"_c][3] == "NA");
        for (std::size_t r = 0; r < 4; ++r) CHECK_FALSE(t["n"_c][r]);
    }
}

TEST_CASE("a header alone is an empty table") {
    for (const char* file : {"t,n", "t,n\n", "t,n\r\n", "\xEF\xBB\xBFt,n", "\n\nt,n\n\n", "\"t\",\"n\"", "\r\nt,n\r"}) {
        INFO(file);
        using two = sk::schema<sk::field<"t", sk::text>, sk::field<"n", std::int32_t>>;
        CHECK(read_text<two>(file).rows() == 0);
    }
}

TEST_CASE("the last line needs no line end, whatever its last field") {
    using two = sk::schema<sk::field<"t", sk::text>, sk::field<"n", std::optional<std::int32_t>>>;
    for (const char* file : {"t,n\na,", "t,n\na,\n", "t,n\na,\"\"", "t,n\r\na,\r\n", "t,n\r\n\"a\",\"\"\r\n", "t,n\na,\r"}) {
        INFO(file);
        for (const std::size_t block : {std::size_t{64}, std::size_t{4096}}) {
            const auto table = read_text<two>(file, {.block_bytes = block});
            REQUIRE(table.rows() == 1);
            CHECK(table["t"_c][0] == "a");
            CHECK_FALSE(table["n"_c][0]);
        }
    }
}

TEST_CASE("a blank line is a row where there is one column, and nothing where there are more") {
    using one = sk::schema<sk::field<"t", std::optional<sk::text>>>;
    CHECK(read_text<one>("t\na\n\nb\n\n").rows() == 4);
    using two = sk::schema<sk::field<"t", sk::text>, sk::field<"n", std::int32_t>>;
    CHECK(read_text<two>("t,n\n\na,1\n\r\n\nb,2\n\n").rows() == 2);
}

TEST_CASE("other delimiters") {
    using two = sk::schema<sk::field<"t", sk::text>, sk::field<"n", std::int32_t>>;
    for (const char delimiter : {';', '\t', '|', ' '}) {
        std::string file = "n_t\n1_\"a_b\"\n2_c,d\n";
        for (char& c : file)
            if (c == '_') c = delimiter;
        const auto table = read_text<two>(file, {.delimiter = delimiter});
        REQUIRE(table.rows() == 2);
        CHECK(table["t"_c][0] == std::string("a") + delimiter + "b");
        CHECK(table["t"_c][1] == "c,d");
    }
}

TEST_CASE("a row longer than many blocks") {
    using two = sk::schema<sk::field<"t", sk::text>, sk::field<"n", std::int32_t>>;
    const std::string longest(100'000, 'x');
    const auto table = read_text<two>("t,n\na,1\n\"" + longest + "\n\"\"\",2\nb,3", {.block_bytes = 64}, sk::threads(2));
    REQUIRE(table.rows() == 3);
    CHECK(table["t"_c][1] == longest + "\n\"");
    CHECK(table["n"_c][2] == 3);
}

TEST_CASE("a header longer than many blocks") {
    using two = sk::schema<sk::field<"t", sk::text>, sk::field<"n", std::int32_t>>;
    std::string header = "t";
    for (int i = 0; i < 100; ++i) header += ",column " + std::to_string(i);
    std::string row = "a" + std::string(101, ',') + "7";
    const auto table = read_text<two>(header + ",n\n" + row + "\n", {.block_bytes = 64});
    REQUIRE(table.rows() == 1);
    CHECK(table["n"_c][0] == 7);
}

TEST_CASE("try_read_csv gives the error back") {
    using one = sk::schema<sk::field<"n", std::int32_t>>;
    const auto wrong = sk::try_read_csv<one>(std::make_shared<sk::memory_input>("test.csv", "n\nx\n"));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code() == sk::error_code::malformed_value);
    const auto right = sk::try_read_csv<one>(std::make_shared<sk::memory_input>("test.csv", "n\n1\n"));
    REQUIRE(right);
    CHECK(right.value().rows() == 1);
}
