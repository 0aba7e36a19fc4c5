// Keys of a group-by: expressions under a name, several of any type, and groups in the order of their keys.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using sessions = sk::schema<sk::field<"user", std::int64_t>, sk::field<"start", sk::timestamp>, sk::field<"age", std::optional<std::int32_t>>, sk::field<"country", std::optional<sk::text>>,
                            sk::field<"score", float>>;

sk::table<sessions> random_sessions(std::size_t rows) {
    sk::table<sessions> t;
    const sk::counter_random random(23, 0);
    for (std::size_t i = 0; i < rows; ++i) {
        const auto below = [&](std::uint64_t part, std::uint64_t n) { return random.below(8 * i + part, n); };
        const std::string country = "country " + std::to_string(below(0, 5));
        t.append(static_cast<std::int64_t>(below(1, 50)), sk::timestamp::from_microseconds(static_cast<std::int64_t>(below(2, 3'000'000)) * 1'000'000'000),
                 below(3, 6) ? std::optional(static_cast<std::int32_t>(below(4, 90))) : std::nullopt, below(5, 4) ? std::optional<std::string_view>(country) : std::nullopt,
                 static_cast<float>(below(6, 3)) - 1);
    }
    return t;
}

const auto band = [] { return sk::when("age"_c < 30, "young").when("age"_c < 60, "grown").when("age"_c >= 60, "old").otherwise("unknown"); };

}  // namespace

TEST_CASE("a named expression is a key like a column, of computed text too") {
    const auto t = random_sessions(20'000);
    const auto g = t | sk::group_by("country"_c, "band"_c = band(), "weekday"_c = sk::iso_weekday("start"_c)).aggregate("rows"_c = sk::count(), "users"_c = sk::count_distinct("user"_c)) |
                   sk::collect();
    const auto derived = t | sk::derive("band"_c = band(), "weekday"_c = sk::iso_weekday("start"_c)) |
                         sk::group_by("country"_c, "band"_c, "weekday"_c).aggregate("rows"_c = sk::count(), "users"_c = sk::count_distinct("user"_c)) | sk::collect();
    REQUIRE(g.rows() == derived.rows());
    CHECK(g.rows() > 100);
    for (std::size_t i = 0; i < g.rows(); ++i) CHECK(g.row(i) == derived.row(i));

    std::map<std::string, std::int64_t> rows;
    for (std::size_t i = 0; i < t.rows(); ++i) {
        const auto age = t["age"_c][i];
        ++rows[!age ? "unknown" : *age < 30 ? "young" : *age < 60 ? "grown" : "old"];
    }
    const auto bands = t | sk::group_by("band"_c = band()).aggregate("rows"_c = sk::count()) | sk::collect();
    REQUIRE(bands.rows() == rows.size());
    for (std::size_t i = 0; i < bands.rows(); ++i) CHECK(bands["rows"_c][i] == rows[std::string(bands["band"_c][i])]);
}

TEST_CASE("a key may be a text computed row by row, and may bear the name of a column that it replaces in the result") {
    const auto t = random_sessions(3'000);
    const auto letter = sk::apply([](std::int64_t user) { return "user ending in " + std::to_string(user % 10); }, "user"_c);
    const auto g = t | sk::group_by("user"_c = letter).aggregate("rows"_c = sk::count(), "highest"_c = sk::max("user"_c)) | sk::collect();
    REQUIRE(g.rows() == 10);
    std::int64_t rows = 0;
    for (std::size_t i = 0; i < g.rows(); ++i) {
        rows += g["rows"_c][i];
        CHECK(g["user"_c][i].back() == static_cast<char>('0' + g["highest"_c][i] % 10));
    }
    CHECK(rows == 3'000);
}

TEST_CASE("sorted groups have ascending keys, the first key first, nulls last and NaN before them") {
    auto t = random_sessions(5'000);
    t.append(0, sk::timestamp{}, std::nullopt, std::nullopt, std::numeric_limits<float>::quiet_NaN());
    for (const unsigned n : {1u, 3u}) {
        const auto g = t | sk::group_by("score"_c, "country"_c, "decade"_c = sk::apply([](std::int32_t age) { return age / 10; }, "age"_c)).sorted().aggregate("rows"_c = sk::count()) |
                       sk::collect(sk::threads(n));
        const auto as_key = [&](std::size_t i) {
            const float score = g["score"_c][i];
            const auto country = g["country"_c][i];
            const auto decade = g["decade"_c][i];
            return std::tuple(score != score, score != score ? 0.0f : score, !country, std::string(country.value_or("")), !decade, decade.value_or(0));
        };
        REQUIRE(g.rows() > 100);
        for (std::size_t i = 1; i < g.rows(); ++i) CHECK(as_key(i - 1) < as_key(i));
        const auto unsorted = t | sk::group_by("score"_c, "country"_c, "decade"_c = sk::apply([](std::int32_t age) { return age / 10; }, "age"_c)).aggregate("rows"_c = sk::count()) |
                              sk::sort_by("score"_c, "country"_c, "decade"_c) | sk::collect();
        REQUIRE(unsorted.rows() == g.rows());
        for (std::size_t i = 0; i + 1 < g.rows(); ++i) CHECK(g.row(i) == unsorted.row(i));    // the last key has a NaN
    }
}

TEST_CASE("having is a filter after the group-by") {
    const auto t = random_sessions(2'000);
    const auto frequent = t | sk::group_by("user"_c).aggregate("n"_c = sk::count()) | sk::filter("n"_c > 40) | sk::collect();
    const auto all = t | sk::group_by("user"_c).aggregate("n"_c = sk::count()) | sk::collect();
    std::size_t expected = 0;
    for (std::size_t i = 0; i < all.rows(); ++i) expected += all["n"_c][i] > 40;
    CHECK(frequent.rows() == expected);
    CHECK(expected > 0);
    CHECK(expected < all.rows());
}
