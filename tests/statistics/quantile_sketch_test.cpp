// The sketch against exact ranks, on orders and distributions that are hard for it, in one piece and merged.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/pipeline/archive.hpp>
#include <segkit/statistics/quantile.hpp>
#include <segkit/statistics/quantile_sketch.hpp>

namespace {

struct series {
    std::string_view name;
    std::vector<double> values;
};

std::vector<series> all_series(std::size_t n) {
    const segkit::counter_random random(5, 1);
    const auto made = [&](auto f) {
        std::vector<double> v(n);
        for (std::size_t i = 0; i < n; ++i) v[i] = f(i, random.uniform(i));
        return v;
    };
    const double count = static_cast<double>(n);
    return {{"uniform", made([](std::size_t, double u) { return u; })},
            {"sorted", made([](std::size_t i, double) { return static_cast<double>(i); })},
            {"reversed", made([&](std::size_t i, double) { return count - static_cast<double>(i); })},
            {"zigzag", made([&](std::size_t i, double) { return i % 2 ? static_cast<double>(i) : -static_cast<double>(i); })},
            {"few values", made([](std::size_t, double u) { return std::floor(5 * u); })},
            {"one value", made([](std::size_t, double) { return 3.5; })},
            {"heavy tail", made([](std::size_t, double u) { return std::pow(1 - u, -3.0); })},
            {"periodic", made([](std::size_t i, double) { return std::sin(static_cast<double>(i) / 100); })},
            {"half infinite", made([](std::size_t i, double u) { return i % 2 ? std::numeric_limits<double>::infinity() : u; })}};
}

// How far the rank of a value is from q, as a share of the count: 0 where q lies within the value's own ranks.
double rank_distance(const std::vector<double>& sorted, double value, double q) {
    const double n = static_cast<double>(sorted.size());
    const double below = static_cast<double>(std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin()) / n;
    const double upto = static_cast<double>(std::upper_bound(sorted.begin(), sorted.end(), value) - sorted.begin()) / n;
    return q < below ? below - q : q > upto ? q - upto : 0;
}

segkit::quantile_sketch sketch_of(const std::vector<double>& values, std::size_t first, std::size_t last, const segkit::quantile_sketch_options& options) {
    segkit::quantile_sketch s(options);
    for (std::size_t i = first; i < last; ++i) s.update(values[i]);
    return s;
}

constexpr double some_q[] = {0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0};

// The share of quantiles whose rank is farther off than the option allows; the bound of the sketch itself is within the option.
double share_too_far(const std::vector<double>& sorted, const segkit::quantile_sketch& s, double allowed) {
    CHECK(s.rank_error() <= allowed);
    CHECK(s.count() == static_cast<std::int64_t>(sorted.size()));
    int far = 0, all = 0;
    for (const double q : some_q) {
        far += rank_distance(sorted, s.quantile(q), q) > s.rank_error();
        CHECK(rank_distance(sorted, s.quantile(q), q) <= 1.5 * allowed);
        const double rank = static_cast<double>(std::upper_bound(sorted.begin(), sorted.end(), s.quantile(q)) - sorted.begin()) / static_cast<double>(sorted.size());
        far += std::fabs(s.rank(s.quantile(q)) - rank) > s.rank_error();
        all += 2;
    }
    return far / static_cast<double>(all);
}

}  // namespace

TEST_CASE("ranks are within the stated error, for any order and distribution") {
    for (const auto& [name, values] : all_series(200'000)) {
        CAPTURE(std::string(name));
        auto sorted = values;
        std::sort(sorted.begin(), sorted.end());
        for (const double allowed : {0.1, 0.01, 0.002}) {
            double too_far = 0;
            for (const std::uint32_t seed : {0u, 1u, 2u}) {
                const auto s = sketch_of(values, 0, values.size(), {.rank_error = allowed, .seed = seed});
                too_far = std::max(too_far, share_too_far(sorted, s, allowed));
                CHECK(static_cast<double>(s.retained()) <= 16 / allowed + 200);
            }
            CHECK(too_far <= 0.04);    // 1 % of single ranks may be; quantiles of one sketch are near each other
        }
    }
}

TEST_CASE("merged sketches keep the same bound, many small ones and few large ones") {
    const segkit::quantile_sketch_options options{.rank_error = 0.02, .seed = 9};
    for (const auto& [name, values] : all_series(150'000)) {
        CAPTURE(std::string(name));
        auto sorted = values;
        std::sort(sorted.begin(), sorted.end());
        for (const std::size_t piece : {std::size_t{100}, std::size_t{2'048}, std::size_t{70'000}}) {
            segkit::quantile_sketch merged(options);
            for (std::size_t first = 0; first < values.size(); first += piece) merged.merge(sketch_of(values, first, std::min(first + piece, values.size()), options));
            CHECK(share_too_far(sorted, merged, options.rank_error) <= 0.04);
            CHECK(static_cast<double>(merged.retained()) <= 16 / options.rank_error + 200);
        }
    }
}

TEST_CASE("few values are all there: quantiles are exact") {
    const auto values = all_series(400)[6].values;
    const auto s = sketch_of(values, 0, values.size(), {});
    REQUIRE(s.is_exact());
    CHECK(s.rank_error() == 0);
    for (const double q : some_q) {
        auto scratch = values;
        CHECK(s.quantile(q) == segkit::quantile(scratch, q));
    }
}

TEST_CASE("a sketch saved and read goes on as the original") {
    const auto values = all_series(30'000)[0].values;
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{700}, std::size_t{12'345}}) {
        auto s = sketch_of(values, 0, cut, {.rank_error = 0.03});
        auto read = segkit::from_json<segkit::quantile_sketch>(segkit::to_json(s));
        REQUIRE(read == s);
        for (std::size_t i = cut; i < values.size(); ++i) {
            s.update(values[i]);
            read.update(values[i]);
        }
        CHECK(read == s);
        s.merge(read);
        read.merge(segkit::from_json<segkit::quantile_sketch>(segkit::to_json(read)));
        CHECK(read == s);
    }
}

TEST_CASE("another seed throws other coins; the same seed the same") {
    const auto values = all_series(50'000)[0].values;
    const auto first = sketch_of(values, 0, values.size(), {.seed = 1});
    CHECK(first == sketch_of(values, 0, values.size(), {.seed = 1}));
    CHECK(!(first == sketch_of(values, 0, values.size(), {.seed = 2})));
}

TEST_CASE("the rank error of a sketch is far below a wrong estimate: a sketch that forgets every fourth value is found out") {
    const auto values = all_series(200'000)[1].values;
    auto sorted = values;
    segkit::quantile_sketch s({.rank_error = 0.01});
    for (std::size_t i = 0; i < values.size(); ++i)
        if (i % 4 || i > 100'000) s.update(values[i]);
    CHECK(rank_distance(sorted, s.quantile(0.5), 0.5) > 3 * s.rank_error());
}

TEST_CASE("NaN has no rank: it makes quantiles NaN; no values have none; wrong options are errors") {
    segkit::quantile_sketch s;
    CHECK(s.quantile(0.5) != s.quantile(0.5));
    s.update(1);
    s.update(std::numeric_limits<double>::quiet_NaN());
    s.update(2);
    CHECK(s.count() == 3);
    CHECK(s.quantile(0.5) != s.quantile(0.5));
    segkit::quantile_sketch other;
    other.update(7);
    other.merge(s);
    CHECK(other.quantile(0) != other.quantile(0));
    CHECK_THROWS_WITH_AS(s.quantile(1.5), doctest::Contains("'q'"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::quantile_sketch({.rank_error = 0}), doctest::Contains("rank_error"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::quantile_sketch({.rank_error = 0.1}).merge(s), doctest::Contains("width"), segkit::error);
    const std::string damaged = R"({"width": 20, "seed": 0, "count": 3, "throws": 0, "variance": 0, "minimum": 1, "maximum": 3, "levels": [0, 2, 9], "values": [1, 2, 3]})";
    CHECK_THROWS_WITH_AS(segkit::from_json<segkit::quantile_sketch>(damaged), doctest::Contains("levels"), segkit::error);
}
