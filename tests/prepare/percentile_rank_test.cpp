#include <doctest/doctest.h>

#include <cstdio>
#include <limits>
#include <optional>

#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/save.hpp>
#include <segkit/prepare/percentile_rank.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using people = sk::schema<sk::field<"id", std::int64_t>, sk::field<"bags", std::optional<std::int32_t>>, sk::field<"spend", double>>;

sk::table<people> random_people(std::size_t rows, std::uint64_t seed) {
    sk::table<people> t;
    const sk::counter_random random(seed, 0);
    for (std::size_t i = 0; i < rows; ++i) {
        const auto r = random.bits(i);
        t.append(static_cast<std::int64_t>(i), r % 3 ? std::optional(static_cast<std::int32_t>(r >> 20 & 7)) : std::nullopt, static_cast<double>(r >> 40 & 1023) / 8);
    }
    return t;
}

}  // namespace

TEST_CASE("a rank is the share of smaller values and half of the equal ones, among those that are there") {
    const sk::table<people> t{{1, 2, 10.0}, {2, std::nullopt, 20.0}, {3, 5, 30.0}, {4, 2, 40.0}, {5, std::nullopt, 50.0}};
    const auto fitted = sk::fit(sk::percentile_rank(sk::columns("bags"_c, "spend"_c)), t);
    const auto ranked = t | fitted.model | sk::collect();
    CHECK(ranked["bags"_c][0] == 1.0 / 3);
    CHECK(ranked["bags"_c][1] == std::nullopt);
    CHECK(ranked["bags"_c][2] == 2.5 / 3);
    CHECK(ranked["bags"_c][3] == 1.0 / 3);
    CHECK(ranked["spend"_c][0] == 0.1);
    CHECK(ranked["spend"_c][2] == 0.5);
    CHECK(ranked["spend"_c][4] == 0.9);
    const auto& report = fitted.report.get<sk::percentile_rank_report>();
    CHECK(report.columns[0].ranked == 3);
    CHECK(report.columns[0].nulls == 2);
}

TEST_CASE("ranks equal a naive count on random rows, for any number of threads") {
    const auto t = random_people(20'000, 3);
    const auto one = t | sk::fit(sk::percentile_rank(sk::columns("bags"_c, "spend"_c)), t).model | sk::collect();
    for (std::size_t i = 0; i < t.rows(); i += 997) {
        double below = 0, equal = 0;
        for (const double x : t["spend"_c]) {
            below += x < t["spend"_c][i];
            equal += x == t["spend"_c][i];
        }
        CHECK(one["spend"_c][i] == (below + equal / 2) / 20'000);
    }
    for (const unsigned n : {2u, 3u, 7u}) {
        const sk::threads pool(n);
        const auto many = t | sk::fit(sk::percentile_rank(sk::columns("bags"_c, "spend"_c)), t, pool).model | sk::collect(pool);
        for (std::size_t i = 0; i < t.rows(); ++i) REQUIRE(many.row(i) == one.row(i));
    }
}

TEST_CASE("later values stand where they would have stood") {
    const sk::table<people> t{{1, 2, 10.0}, {2, 4, 20.0}, {3, 6, 30.0}, {4, 8, 40.0}};
    const auto model = sk::fit(sk::percentile_rank("spend"_c), t).model;
    const sk::table<people> later{{9, 1, 5.0}, {10, 1, 20.0}, {11, 1, 25.0}, {12, 1, 99.0}};
    const auto ranked = later | model | sk::collect();
    CHECK(ranked["spend"_c][0] == 0.0);
    CHECK(ranked["spend"_c][1] == 0.375);
    CHECK(ranked["spend"_c][2] == 0.5);
    CHECK(ranked["spend"_c][3] == 1.0);
}

TEST_CASE("a saved ranking gives the same ranks") {
    const auto t = random_people(500, 5);
    const auto recipe = sk::percentile_rank(sk::columns("bags"_c, "spend"_c));
    const auto model = sk::fit(recipe, t).model;
    const std::string file = "percentile_rank_test.json";
    sk::save(model, file);
    const auto again = sk::load<sk::model_of<decltype(recipe)>>(file);
    std::remove(file.c_str());
    const auto a = t | model | sk::collect(), b = t | again | sk::collect();
    for (std::size_t i = 0; i < t.rows(); ++i) REQUIRE(a.row(i) == b.row(i));
}

TEST_CASE("a value that is not finite is refused with its field and row; no values give no ranks") {
    const sk::table<people> t{{1, 2, 10.0}, {2, 4, std::numeric_limits<double>::quiet_NaN()}};
    CHECK_THROWS_WITH_AS(sk::fit(sk::percentile_rank("spend"_c), t), doctest::Contains("percentile_rank: not a finite number in 'spend' at row 1: found NaN"), sk::error);
    const sk::table<people> nobody{{1, std::nullopt, 1.0}};
    const auto ranked = nobody | sk::fit(sk::percentile_rank("bags"_c), nobody).model | sk::collect();
    CHECK(ranked["bags"_c][0] == std::nullopt);
}

TEST_CASE("the refused row is counted in the source, not among the rows that a filter left") {
    const double infinite = std::numeric_limits<double>::infinity();
    const sk::table<people> t{{1, 2, 10.0}, {2, 4, 5.0}, {3, 4, 20.0}, {4, 4, -infinite}, {5, 4, 30.0}};
    CHECK_THROWS_WITH_AS(sk::fit(sk::filter("spend"_c != 5.0) | sk::percentile_rank("spend"_c), t), doctest::Contains("in 'spend' at row 3: found -infinity"), sk::error);
    auto many = random_people(100'000, 7);
    many.append(0, 1, infinite);
    const sk::threads pool(3);
    CHECK_THROWS_WITH_AS(sk::fit(sk::filter("bags"_c == 1) | sk::percentile_rank(sk::columns("bags"_c, "spend"_c)), many, pool), doctest::Contains("in 'spend' at row 100000: found infinity"),
                         sk::error);
}

TEST_CASE("a later NaN is not ranked and stays NaN, infinities stand at the ends, nulls stay null") {
    const double infinite = std::numeric_limits<double>::infinity();
    const auto model = sk::fit(sk::percentile_rank(sk::columns("bags"_c, "spend"_c)), random_people(1'000, 9)).model;
    const sk::table<people> later{{1, std::nullopt, std::numeric_limits<double>::quiet_NaN()}, {2, 1, -infinite}, {3, 1, infinite}};
    const auto ranked = later | model | sk::collect();
    CHECK(ranked["spend"_c][0] != ranked["spend"_c][0]);
    CHECK(ranked["bags"_c][0] == std::nullopt);
    CHECK(ranked["spend"_c][1] == 0.0);
    CHECK(ranked["spend"_c][2] == 1.0);
}
