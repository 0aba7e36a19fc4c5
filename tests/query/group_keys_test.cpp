// Keys of a group-by: expressions under a name, several of any type, and groups in the order of their keys.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>
#include <segkit/query/detail/hash.hpp>

#include "support/same_columns.hpp"

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

TEST_CASE("keys that differ in any of their bits only are spread over the places of a small table") {
    // Of 256 keys about 226 would find places of their own among 1024 by chance.
    const auto places_of = [](auto key) {
        std::set<std::uint64_t> lower, upper;
        for (std::uint64_t k = 0; k < 256; ++k) {
            const std::uint64_t hash = sk::detail::hash_value(key(k));
            lower.insert(hash % 1024);
            upper.insert(hash >> 54);
        }
        return std::min(lower.size(), upper.size());
    };
    CHECK(places_of([](std::uint64_t k) { return static_cast<double>(k); }) > 150);
    CHECK(places_of([](std::uint64_t k) { return static_cast<double>(k) / 4 - 20; }) > 150);
    for (int shift = 0; shift <= 56; ++shift) {
        CAPTURE(shift);
        CHECK(places_of([&](std::uint64_t k) { return k << shift; }) > 150);
    }
}

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

TEST_CASE("keys from the right side of a join give the groups of the joined rows, kept first, whatever their types and however the join finds them") {
    using person = sk::schema<sk::field<"user", std::int64_t>, sk::field<"code", sk::text>, sk::field<"year", std::int32_t>, sk::field<"home", std::optional<sk::text>>,
                              sk::field<"kind", sk::category>, sk::field<"size", double>>;
    using visit = sk::schema<sk::field<"user", std::optional<std::int64_t>>, sk::field<"code", sk::text>, sk::field<"paid", double>>;
    const sk::counter_random random(5, 1);
    const auto people = [&](std::uint64_t step) {    // step 1: in the order of their numbers; else scattered, and not all there
        sk::table<person> t;
        for (std::uint64_t i = 0; i < 3'000; ++i) {
            const std::uint64_t user = i * step % 3'001;
            const std::string code = "person number " + std::to_string(user), home = "a town of a long name " + std::to_string(user % 7);
            t.append(static_cast<std::int64_t>(user), std::string_view(code), static_cast<std::int32_t>(1940 + random.below(user, 66)),
                     user % 5 ? std::optional<std::string_view>(home) : std::nullopt, std::string_view(user % 3 ? "new" : "old"), user % 4 ? (user % 8 ? 0.0 : -0.0) : std::numeric_limits<double>::quiet_NaN());
        }
        return t;
    };
    sk::table<visit> visits;
    for (std::uint64_t i = 0; i < 40'000; ++i) {
        const std::uint64_t user = random.below(2 * i, 3'300);
        const std::string code = "person number " + std::to_string(user);
        visits.append(user % 11 ? std::optional(static_cast<std::int64_t>(user)) : std::nullopt, std::string_view(code), static_cast<double>(random.below(2 * i + 1, 10'000)) / 7);
    }
    const auto same_groups = [&](const auto& joined, const auto& grouped) {
        const auto kept = visits | joined | sk::collect();
        const auto expected = kept | grouped | sk::collect();
        REQUIRE(expected.rows() > 1);
        for (const unsigned n : {1u, 2u, 3u, 7u}) {
            const auto found = visits | joined | grouped | sk::collect(sk::threads(n));
            CHECK(support::same_columns(found.data(), expected.data()));
        }
    };
    const auto totals = [](const auto&... keys) { return sk::group_by(keys...).aggregate("rows"_c = sk::count(), "paid"_c = sk::sum("paid"_c), "spread"_c = sk::stddev("paid"_c), "least"_c = sk::min("paid"_c)); };
    for (const std::uint64_t step : {std::uint64_t{1}, std::uint64_t{17}}) {
        const auto right = people(step);
        const auto by_user = right | sk::drop("code"_c);
        const auto by_code = right | sk::drop("user"_c);
        same_groups(sk::inner_join(by_user, "user"_c, sk::one_match) | sk::filter("size"_c == 0.0), totals("year"_c));
        same_groups(sk::left_join(by_user, "user"_c, sk::one_match).otherwise("home"_c = "nowhere", "size"_c = 1.0), totals("home"_c, "size"_c));
        same_groups(sk::left_join(by_code, "code"_c, sk::one_match), totals("home"_c));
        same_groups(sk::inner_join(by_code, "code"_c, sk::one_match), totals("kind"_c, "home"_c));
    }
    // Nothing to find: no right side, and no match.
    const auto nobody = people(1) | sk::filter("user"_c < 0) | sk::drop("code"_c);
    const auto nothing = visits | sk::left_join(nobody, "user"_c, sk::one_match) | totals("year"_c, "home"_c) | sk::collect();
    REQUIRE(nothing.rows() == 1);
    CHECK(nothing["rows"_c][0] == 40'000);
    CHECK((visits | sk::inner_join(nobody, "user"_c, sk::one_match) | totals("year"_c) | sk::collect()).rows() == 0);
}
