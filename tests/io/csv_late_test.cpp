#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>

#include "support/csv_cases.hpp"

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using stays = sk::schema<sk::field<"guest", sk::text>, sk::field<"nights", std::int32_t>, sk::field<"price", std::optional<double>>,
                         sk::field<"note", std::optional<sk::text>>, sk::field<"left", sk::timestamp>, sk::field<"paid", std::optional<bool>>>;
const std::string header = "guest,nights,price,note,left,paid\n";

std::shared_ptr<sk::memory_input> input(std::string text) { return std::make_shared<sk::memory_input>("test.csv", std::move(text)); }

std::string random_text(support::dice& dice, std::size_t rows) {
    std::string text = header;
    for (std::size_t i = 0; i < rows; ++i) {
        text += dice.chance(10) ? "\"a, \"\"b\"\"\"," : "guest " + std::to_string(i) + ",";
        text += std::to_string(dice.below(20)) + ",";
        text += (dice.chance(20) ? "" : std::to_string(dice.below(1000)) + ".25") + ",";
        text += dice.chance(30) ? "," : dice.chance(10) ? "\"x\ny\"," : "note,";
        text += "2023-01-" + std::to_string(10 + dice.below(20)) + " 07:30:00,";
        text += dice.chance(20) ? "\n" : dice.chance(50) ? "true\n" : "false\n";
    }
    return text;
}

template <class Query>
std::string message_of(Query&& q) {
    const auto rows = std::forward<Query>(q) | sk::try_collect();
    return rows ? "no error" : rows.error().what();
}

}  // namespace

TEST_CASE("a query over a file gives what it gives over the table that was read whole") {
    support::dice dice{3};
    const sk::threads two(2), seven(7);
    const sk::executor_ref executors[] = {sk::detail::default_executor, two, seven};
    for (int round = 0; round < 60; ++round) {
        const std::string text = random_text(dice, dice.below(6000));
        const auto whole = support::read_text<stays>(text);
        const int least = static_cast<int>(dice.below(21));
        const sk::csv_options options{.block_bytes = 64 + dice.below(200'000)};
        const auto check = [&](const auto& pipeline) {
            const sk::executor_ref executor = executors[dice.below(3)];
            const auto late = sk::scan_csv<stays>(input(text), options) | pipeline | sk::collect(executor);
            const auto expected = whole | pipeline | sk::collect();
            REQUIRE(late.rows() == expected.rows());
            REQUIRE(support::same_columns(late.data(), expected.data()));
        };
        check(sk::filter("nights"_c >= least));
        check(sk::filter("nights"_c >= least) | sk::filter("price"_c > 500));
        check(sk::filter("nights"_c >= least) | sk::derive("total"_c = "nights"_c * sk::coalesce("price"_c, 1.0)) | sk::filter("total"_c > 800) | sk::drop("left"_c));
        check(sk::derive("half"_c = "nights"_c / 2) | sk::filter("half"_c > 3) | sk::filter("paid"_c) | sk::select("note"_c, "half"_c, "guest"_c));
        check(sk::filter(sk::is_null("note"_c)) | sk::select("guest"_c, "left"_c));
        check(sk::filter("nights"_c >= least) | sk::group_by("paid"_c).aggregate("sum"_c = sk::sum("price"_c), "last"_c = sk::max("left"_c)) | sk::sort_by("paid"_c));
    }
}

TEST_CASE("a join that keeps few rows comes before the conversion of the others") {
    using keys = sk::schema<sk::field<"nights", std::int32_t>>;
    const sk::table<keys> wanted{{3}};
    const std::string text = header + "ann,3,1,,2023-01-04,\nbob,4,wrong,,never,\n";
    const auto rows = sk::scan_csv<stays>(input(text)) | sk::semi_join(wanted, "nights"_c) | sk::collect();
    REQUIRE(rows.rows() == 1);
    CHECK(rows["guest"_c][0] == "ann");
}

TEST_CASE("values of rejected rows are not looked at, unless all are to be validated") {
    const std::string text = header + "ann,1,wrong,,never,\nbob,2,2.5,,2023-01-04,\ncleo,3,3.5,,2023-13-04,\n";
    const auto over_one = sk::filter("nights"_c > 1);
    CHECK((sk::scan_csv<stays>(input(text)) | over_one | sk::select("price"_c) | sk::collect()).rows() == 2);
    CHECK(message_of(sk::scan_csv<stays>(input(text)) | over_one).starts_with("test.csv:4:5: scan_csv: malformed value in 'left' at row 2: found '2023-13-04'"));
    CHECK(message_of(sk::scan_csv<stays>(input(text), {.validate = sk::csv_validate::all}) | over_one).starts_with("test.csv:2:3: scan_csv: malformed value in 'price' at row 0"));
    CHECK(message_of(sk::scan_csv<stays>(input(text), {.validate = sk::csv_validate::all}) | over_one | sk::select("guest"_c)) == "no error");    // nobody reads the others
}

TEST_CASE("the first error of the file is reported, in whichever stage it is found") {
    const std::string text = header + "ann,5,1,,2023-01-04,\nbob,5,x,,2023-01-04,\ncleo,y,1,,2023-01-04,\n";
    const auto query = [&](const std::string& t, std::size_t block) { return sk::scan_csv<stays>(input(t), {.block_bytes = block}) | sk::filter("nights"_c > 1); };
    for (const std::size_t block : {64u, 80u, 4096u}) {
        CHECK(message_of(query(text, block)).starts_with("test.csv:3:3: scan_csv: malformed value in 'price' at row 1: found 'x'"));
        CHECK(message_of(query(header + "ann,1,1,,2023-01-04,\nbob,1,x,,2023-01-04,\ncleo,y,1,,2023-01-04,\n", block))
                  .starts_with("test.csv:4:2: scan_csv: malformed value in 'nights' at row 2: found 'y'"));
    }
}

TEST_CASE("only what a stage needs is converted for it") {
    // A consumer that keeps no row after the first stage sees no later one.
    struct consumer final : sk::morsel_consumer {
        struct worker final : sk::morsel_worker {
            explicit worker(consumer& to) : all(to) {}
            void take(const sk::chunk&) override { FAIL("no row was left"); }
            void narrow(std::size_t stage, sk::chunk& rows) override {
                CHECK(stage == 0);
                all.narrowed += rows.selected;
                rows.selected = 0;
                rows.dense = false;
            }
            consumer& all;
        };
        std::unique_ptr<sk::morsel_worker> start(std::size_t) override { return std::make_unique<worker>(*this); }
        std::vector<std::size_t> stages() const override { return {1, 0, 1, 1, 1, 1}; }
        std::size_t narrowed = 0;
    } none;
    const auto source = sk::scan_csv<stays>(input(header + "ann,1,wrong,,never,perhaps\nbob,2,2.5,,x,\n")).open();
    source->scan(std::vector<bool>(6, true), sk::detail::default_executor, none);
    CHECK(none.narrowed == 2);
}
