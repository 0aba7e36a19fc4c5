#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>

#include "support/csv_cases.hpp"

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using stays = sk::schema<sk::field<"guest", sk::text>, sk::field<"nights", std::int32_t>, sk::field<"price", double>>;
const std::string header = "guest,nights,price\n";

struct outcome {
    sk::table<stays> rows;
    std::vector<std::string> bad;    // "line:field found"
};

outcome read(const std::string& text, std::size_t block = 128 * 1024, sk::executor_ref executor = sk::detail::default_executor, std::size_t limit = 1000) {
    const auto bad = std::make_shared<sk::csv_bad_rows>();
    bad->limit = limit;
    outcome o{support::read_text<stays>(text, {.block_bytes = block, .bad_rows = bad}, executor), {}};
    for (const sk::error_details& d : bad->rows) o.bad.push_back(std::to_string(*d.line) + ":" + (d.field.empty() ? std::to_string(d.column.value_or(0)) : d.field) + " " + d.found);
    return o;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("rows with a wrong value are left out and listed") {
    const outcome o = read(header + "ann,1,1\nbob,x,2\ncleo,3,3\ndan,4,?\neve,,5\nfay,z,z\ngus,7,7\n");
    CHECK(o.bad == texts{"3:nights 'x'", "5:price '?'", "6:nights an empty field", "7:nights 'z'"});
    REQUIRE(o.rows.rows() == 3);
    CHECK(o.rows["guest"_c][0] == "ann");
    CHECK(o.rows["guest"_c][1] == "cleo");
    CHECK(o.rows["nights"_c][2] == 7);
}

TEST_CASE("rows of another shape are left out and listed") {
    const outcome o = read(header + "ann,1,1\nbob,2\n\ncleo,3,3,3\ndan,4,4\n");
    CHECK(o.bad == texts{"3:price 2 fields", "5:4 4 fields"});
    CHECK(o.rows.rows() == 2);
    CHECK(o.rows["guest"_c][1] == "dan");
}

TEST_CASE("a quote that is never closed costs one line") {
    const outcome o = read(header + "ann,1,1\n\"bob,2,2\ncleo,3,3\n\"dan\",4,4\neve,5,5\n");
    CHECK(o.bad == texts{"3:guest text after the closing quote, '\"bob,2,2\\ncleo,3,3\\n\"d'"});
    REQUIRE(o.rows.rows() == 4);
    CHECK(o.rows["guest"_c][1] == "cleo");
    CHECK(o.rows["guest"_c][2] == "dan");
    const outcome last = read(header + "ann,1,1\nbob,2,2\n\"cleo,3,3\ndan,4,4");
    CHECK(last.rows.rows() == 3);
    CHECK(last.bad == texts{"4:guest a quote that is never closed, '\"cleo,3,3\\ndan,4,4'"});
}

TEST_CASE("more bad rows than the limit end the reading with the first that is too many") {
    const std::string text = header + "ann,1,1\nbob,x,2\ncleo,y,3\ndan,z,4\n";
    CHECK(read(text, 1000, sk::detail::default_executor, 3).bad.size() == 3);
    for (const std::size_t limit : {0u, 1u, 2u}) {
        try {
            (void)read(text, 64, sk::detail::default_executor, limit);
            FAIL("no error");
        } catch (const sk::error& failure) {
            CHECK(*failure.details().line == 3 + limit);
            CHECK(failure.details().advice.ends_with(std::to_string(limit) + " bad rows, the limit, were collected before"));
        }
    }
}

TEST_CASE("what is collected does not depend on blocks and workers, and equals a naive reading line by line") {
    support::dice dice{5};
    const sk::threads two(2), seven(7);
    const sk::executor_ref executors[] = {sk::detail::default_executor, two, seven};
    for (int round = 0; round < 40; ++round) {
        std::string text = header;
        texts good, bad;
        const std::size_t rows = dice.below(800);
        std::size_t line = 2;
        for (std::size_t i = 0; i < rows; ++i, ++line) {
            const std::string guest = "guest" + std::string(dice.below(30), 'x') + std::to_string(i);
            switch (dice.below(30)) {
                case 0: text += guest + ",many,1\n", bad.push_back(std::to_string(line) + ":nights 'many'"); break;
                case 1: text += guest + ",1\n", bad.push_back(std::to_string(line) + ":price 2 fields"); break;
                case 2: text += guest + ",1,2,3\n", bad.push_back(std::to_string(line) + ":4 4 fields"); break;
                case 3: text += "a\"b,1,2\n", bad.push_back(std::to_string(line) + ":guest a quote inside an unquoted field, 'a\"'"); break;
                case 4: text += "\n"; break;
                case 5: text += "\"" + guest + "\",1,\"2\"\n", good.push_back(guest); break;
                case 6: text += "\"" + guest + "\n\",1,\"2\"\n", good.push_back(guest + "\n"), ++line; break;
                default: text += guest + ",1,2.5\n", good.push_back(guest); break;
            }
        }
        for (int k = 0; k < 5; ++k) {
            const outcome o = read(text, 64 + dice.below(3000), executors[dice.below(3)]);
            REQUIRE(o.bad == bad);
            REQUIRE(o.rows.rows() == good.size());
            for (std::size_t i = 0; i < good.size(); ++i) REQUIRE(o.rows["guest"_c][i] == good[i]);
        }
    }
}

TEST_CASE("a query over a file with bad rows sees the good ones, and values behind a filter are not looked at") {
    const auto bad = std::make_shared<sk::csv_bad_rows>();
    const auto file = std::make_shared<sk::memory_input>("test.csv", header + "ann,1,x\nbob,2,2\ncleo,y,3\ndan,4,z\neve,5,5\n");
    const auto kept = sk::scan_csv<stays>(file, {.bad_rows = bad}) | sk::filter("nights"_c > 1) | sk::collect();
    CHECK(kept.rows() == 2);
    CHECK(kept["guest"_c][1] == "eve");
    REQUIRE(bad->rows.size() == 2);    // ann's price does not matter: the filter had rejected her
    CHECK(bad->rows[0].found == "'y'");
    CHECK(bad->rows[1].found == "'z'");
    const auto all = sk::scan_csv<stays>(file, {.validate = sk::csv_validate::all, .bad_rows = bad}) | sk::filter("nights"_c > 1) | sk::collect();
    CHECK(all.rows() == 2);
    CHECK(bad->rows.size() == 3);      // of the last reading
}
