#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <segkit/detail/pages.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>

#include "support/csv_cases.hpp"

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using stays = sk::schema<sk::field<"guest", sk::text>, sk::field<"nights", std::int32_t>, sk::field<"price", std::optional<double>>,
                         sk::field<"note", std::optional<sk::text>>, sk::field<"left", std::optional<sk::timestamp>>, sk::field<"paid", std::optional<bool>>>;
const std::string header = "guest,nights,price,note,left,paid\n";

// More than a mebibyte, which is what goes straight to its place.
std::string large_text(support::dice& dice, int style) {
    std::string text = header;
    const std::string end = style == 2 ? "\r\n" : "\n";
    while (text.size() < (1u << 20) + 50'000) {
        const auto field = [&](std::string value, bool last = false) { text += (style == 1 ? "\"" + value + "\"" : value) + (last ? end : ","); };
        field(dice.chance(2) ? std::string(dice.below(300), 'y') : "guest " + std::to_string(dice.below(100'000)));
        field(std::to_string(dice.below(20)));
        field(dice.chance(40) ? "" : std::to_string(dice.below(1000)) + ".25");
        if (style == 3 && dice.chance(10)) text += "\"a \"\"b\"\",\nc\",";
        else field(dice.chance(30) ? "" : dice.chance(5) ? "NA" : "note");
        field(dice.chance(30) ? "" : "2023-01-1" + std::to_string(dice.below(10)) + " 07:30:00");
        field(dice.chance(30) ? "" : dice.chance(50) ? "true" : "false", true);
    }
    return text;
}

}  // namespace

TEST_CASE("columns that are made in place are those that chunks make") {
    support::dice dice{23};
    const sk::threads two(2), three(3), seven(7);
    const sk::executor_ref executors[] = {sk::detail::default_executor, two, three, seven};
    for (int round = 0; round < 8; ++round) {
        const std::string text = large_text(dice, round % 4);
        const auto input = std::make_shared<sk::memory_input>("test.csv", text);
        sk::csv_options options;
        if (round >= 4 && round != 5) options.null_values = {"NA"};
        if (round == 5) options.quoted_nulls = sk::csv_quoted_nulls::text;
        const auto chunks = sk::scan_csv<stays>(input, options) | sk::filter("nights"_c >= 0) | sk::collect();    // rows that a filter passed are appended
        for (int k = 0; k < 5; ++k) {
            options.block_bytes = k == 0 ? 128 * 1024 : 500 + dice.below(40'000);
            const auto whole = sk::read_csv<stays>(input, options, executors[dice.below(4)]);
            REQUIRE(whole.rows() == chunks.rows());
            REQUIRE(support::same_columns(whole.data(), chunks.data()));
        }
        const auto some = sk::scan_csv<stays>(input, options) | sk::select("note"_c, "nights"_c) | sk::collect(two);
        REQUIRE(support::same_columns(some.data(), (chunks | sk::select("note"_c, "nights"_c) | sk::collect()).data()));
    }
}

TEST_CASE("several large files are one behind the other") {
    support::dice dice{29};
    const std::string a = large_text(dice, 0), b = large_text(dice, 1);
    const sk::threads two(2);
    const std::vector<std::shared_ptr<const sk::byte_input>> both{std::make_shared<sk::memory_input>("a", a), std::make_shared<sk::memory_input>("b", b)};
    const auto whole = sk::read_csv<stays>(both, {}, two);
    const auto expected = support::read_text<stays>(a + b.substr(b.find('\n') + 1));
    REQUIRE(whole.rows() == expected.rows());
    CHECK(support::same_columns(whole.data(), expected.data()));
}

TEST_CASE("many files are one behind the other, whatever their sizes and the order of their columns, and the first wrong one is named") {
    using visits = sk::schema<sk::field<"id", std::int64_t>, sk::field<"page", sk::text>, sk::field<"seconds", std::optional<double>>>;
    support::dice dice{37};
    const sk::threads two(2), three(3), seven(7);
    const sk::executor_ref executors[] = {sk::detail::default_executor, two, three, seven};
    std::vector<std::shared_ptr<const sk::byte_input>> files;
    std::string all = "id,page,seconds\n";
    std::int64_t id = 0;
    for (std::size_t k = 0; k < 120; ++k) {
        std::string text = k % 3 == 0 ? "id,page,seconds\n" : k % 3 == 1 ? "seconds,other,id,page\n" : "page,seconds,id\n";
        for (std::size_t left = dice.chance(20) ? 0 : dice.below(dice.chance(10) ? 5000 : 800); left > 0; --left) {
            const std::string page = std::string(dice.below(30), 'p'), seconds = dice.chance(30) ? "" : std::to_string(dice.below(100)) + ".5", number = std::to_string(++id);
            all += number + ',' + page + ',' + seconds + '\n';
            text += k % 3 == 0 ? number + ',' + page + ',' + seconds : k % 3 == 1 ? seconds + ",x," + number + ",\"" + page + '"' : page + ',' + seconds + ',' + number;
            if (left > 1 || dice.chance(50)) text += '\n';
        }
        files.push_back(std::make_shared<sk::memory_input>("visits " + std::to_string(k), text));
    }
    REQUIRE(all.size() > (1u << 20));    // they go straight to their place, and are pushed below
    const auto expected = support::read_text<visits>(all);
    for (const std::size_t block_bytes : {std::size_t{300}, std::size_t{5000}, std::size_t{128 * 1024}}) {
        for (const sk::executor_ref& on : executors) {
            const auto whole = sk::read_csv<visits>(files, {.block_bytes = block_bytes}, on);
            REQUIRE(support::same_columns(whole.data(), expected.data()));
            const auto pushed = sk::scan_csv<visits>(files, {.block_bytes = block_bytes}) | sk::filter("id"_c > 0) | sk::collect(on);
            REQUIRE(support::same_columns(pushed.data(), expected.data()));
        }
    }
    // Of two wrong files the first counts; of one that is not there the size is asked for before anything is read.
    auto wrong = files;
    wrong[70] = std::make_shared<sk::memory_input>("wrong 70", "id,page,seconds\n1,a,2\n2,b,long\n");
    wrong[72] = std::make_shared<sk::memory_input>("wrong 72", "id,page\n");
    for (const char* const named : {"wrong 70", "absent.csv"}) {
        for (const sk::executor_ref& on : executors) {
            for (const bool push : {false, true}) {
                const auto got = sk::try_call([&] { return push ? sk::scan_csv<visits>(wrong) | sk::filter("id"_c > 0) | sk::collect(on) : sk::read_csv<visits>(wrong, {}, on); });
                REQUIRE(!got);
                CHECK(got.error().details().file == named);
            }
        }
        wrong[71] = std::make_shared<sk::file_input>("absent.csv");
    }
}

TEST_CASE("a wrong value in a large file is found wherever it stands, and nothing comes out") {
    support::dice dice{31};
    const sk::threads two(2), seven(7);
    const std::string good = large_text(dice, 0);
    for (int round = 0; round < 6; ++round) {
        std::string text = good;
        std::size_t line = 1;
        const std::size_t at = text.find('\n', dice.below(text.size() - 1000)) + 1;
        for (std::size_t i = 0; i < at; ++i) line += text[i] == '\n';
        text.insert(at, "ann,many,1,,,true\n");
        text += "bob,x,1,,,true\n";    // a later one does not matter
        const std::string expected = "test.csv:" + std::to_string(line) + ":2: scan_csv: malformed value in 'nights' at row " + std::to_string(line - 2) + ": found 'many'";
        CHECK(support::reading_message<stays>(text).starts_with(expected));
        CHECK(support::reading_message<stays>(text, {.block_bytes = 10'000}, two).starts_with(expected));
        CHECK(support::reading_message<stays>(text, {}, seven).starts_with(expected));
    }
}

// Workers have pages cleared ahead of each other, and one that is late comes when others have written already.
TEST_CASE("a page that is touched late keeps what others wrote") {
    std::byte written{53};
    sk::detail::touch_page(&written);
    CHECK(written == std::byte{53});
}
