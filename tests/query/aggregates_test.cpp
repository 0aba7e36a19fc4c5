// Aggregates beyond counts, sums and extremes, against a naive computation group by group.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/expr.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/aggregates/approximate.hpp>
#include <segkit/query/filter.hpp>
#include <segkit/query/group_by.hpp>
#include <segkit/statistics/quantile.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using visits = sk::schema<sk::field<"user", std::int64_t>, sk::field<"place", std::optional<sk::text>>, sk::field<"paid", std::optional<double>>,
                          sk::field<"clicks", std::int32_t>, sk::field<"done", std::optional<bool>>, sk::field<"time", std::optional<sk::timestamp>>>;

struct visit {
    std::optional<std::string> place;
    std::optional<double> paid;
    std::int32_t clicks;
    std::optional<bool> done;
    std::optional<sk::timestamp> time;
};

struct data {
    sk::table<visits> table;
    std::map<std::int64_t, std::vector<visit>> by_user;
};

data random_visits(std::size_t rows, std::uint64_t users) {
    data d;
    const sk::counter_random random(11, 0);
    for (std::size_t i = 0; i < rows; ++i) {
        const auto below = [&](std::uint64_t part, std::uint64_t n) { return random.below(16 * i + part, n); };
        const auto user = static_cast<std::int64_t>(below(0, users));
        visit v{std::nullopt, std::nullopt, static_cast<std::int32_t>(below(1, 12)), std::nullopt, std::nullopt};
        if (below(2, 5)) v.place = std::string(below(3, 3) * 11, 'x') + std::to_string(below(4, 9));
        if (below(5, 4)) v.paid = static_cast<double>(below(6, 500)) / 8;
        if (below(7, 3)) v.done = below(8, 6) > 0;
        if (below(9, 7)) v.time = sk::timestamp::from_microseconds(static_cast<std::int64_t>(below(10, 40)) - 20);
        d.table.append(user, v.place ? std::optional<std::string_view>(*v.place) : std::nullopt, v.paid, v.clicks, v.done, v.time);
        d.by_user[user].push_back(v);
    }
    return d;
}

// The member of each visit, of those that have it.
template <class M>
auto known(const std::vector<visit>& all, std::optional<M> visit::*member) {
    std::vector<M> values;
    for (const visit& v : all)
        if (v.*member) values.push_back(*(v.*member));
    return values;
}
template <class M>
std::optional<M> mode_of(const std::vector<M>& values) {
    std::map<M, int> counts;
    for (const M& v : values) ++counts[v];
    std::optional<M> best;
    for (const auto& [value, count] : counts)
        if (!best || count > counts[*best]) best = value;
    return best;
}
double quantile_of(std::vector<double> values, double q, sk::quantile_method method = sk::quantile_method::linear) { return sk::quantile(values, q, method); }

}  // namespace

TEST_CASE("first, last, n-th, truths, quantiles, mode and the value beside an extreme equal a naive computation") {
    for (const std::uint64_t users : {3u, 300u, 4'000u}) {
        const data d = random_visits(12'000, users);
        const auto g = d.table |
                       sk::group_by("user"_c).aggregate(
                           "first"_c = sk::first("place"_c), "last"_c = sk::last("place"_c), "second"_c = sk::nth<2>("place"_c), "some"_c = sk::any("done"_c),
                           "every"_c = sk::all("done"_c), "low"_c = sk::quantile("paid"_c, 0.1), "high"_c = sk::quantile("paid"_c, 0.9, {.method = sk::quantile_method::higher}),
                           "middle"_c = sk::median("paid"_c), "three"_c = sk::quantiles("clicks"_c, {0.25, 0.5, 0.9}), "usual"_c = sk::mode("place"_c),
                           "usual_clicks"_c = sk::mode("clicks"_c), "places"_c = sk::count_distinct("place"_c), "cheapest"_c = sk::min_by("place"_c, "paid"_c),
                           "latest"_c = sk::max_by("clicks"_c, "time"_c), "best_when_done"_c = sk::max_by("paid"_c, "place"_c).where("done"_c),
                           "last_done"_c = sk::last("clicks"_c).where("done"_c), "clicks_high"_c = sk::quantile("clicks"_c, 0.75).where("done"_c)) |
                       sk::collect();
        REQUIRE(g.rows() == d.by_user.size());
        for (std::size_t i = 0; i < g.rows(); ++i) {
            const auto& all = d.by_user.at(g["user"_c][i]);
            const auto places = known(all, &visit::place);
            const auto paid = known(all, &visit::paid);
            const auto done = known(all, &visit::done);
            CHECK(g["first"_c][i] == (places.empty() ? std::nullopt : std::optional<std::string_view>(places.front())));
            CHECK(g["last"_c][i] == (places.empty() ? std::nullopt : std::optional<std::string_view>(places.back())));
            CHECK(g["second"_c][i] == (places.size() < 2 ? std::nullopt : std::optional<std::string_view>(places[1])));
            CHECK(g["some"_c][i].has_value() == !done.empty());
            CHECK(g["every"_c][i].has_value() == !done.empty());
            if (!done.empty()) {
                CHECK(*g["some"_c][i] == (std::count(done.begin(), done.end(), true) > 0));
                CHECK(*g["every"_c][i] == (std::count(done.begin(), done.end(), false) == 0));
            }
            CHECK(g["low"_c][i].has_value() == !paid.empty());
            if (!paid.empty()) {
                CHECK(*g["low"_c][i] == quantile_of(paid, 0.1));
                CHECK(*g["high"_c][i] == quantile_of(paid, 0.9, sk::quantile_method::higher));
                CHECK(*g["middle"_c][i] == quantile_of(paid, 0.5));
            }
            std::vector<double> clicks, clicks_done;
            std::vector<std::int32_t> whole_clicks;
            for (const visit& v : all) {
                clicks.push_back(v.clicks);
                whole_clicks.push_back(v.clicks);
                if (v.done.value_or(false)) clicks_done.push_back(v.clicks);
            }
            const auto three = g["three"_c][i];
            REQUIRE(three.size() == 3);
            CHECK(three[0] == quantile_of(clicks, 0.25));
            CHECK(three[1] == quantile_of(clicks, 0.5));
            CHECK(three[2] == quantile_of(clicks, 0.9));
            CHECK(g["clicks_high"_c][i].has_value() == !clicks_done.empty());
            if (!clicks_done.empty()) {
                CHECK(*g["clicks_high"_c][i] == quantile_of(clicks_done, 0.75));
                CHECK(*g["last_done"_c][i] == clicks_done.back());
            }
            const auto usual = mode_of(places);
            CHECK(g["usual"_c][i] == (usual ? std::optional<std::string_view>(*usual) : std::nullopt));
            CHECK(g["usual_clicks"_c][i] == mode_of(whole_clicks));
            CHECK(g["places"_c][i] == static_cast<std::int64_t>(std::map<std::string, int>([&] {
                                          std::map<std::string, int> m;
                                          for (const auto& p : places) m[p] = 1;
                                          return m;
                                      }()).size()));
            const visit *cheapest = nullptr, *latest = nullptr, *best = nullptr;
            for (const visit& v : all) {
                if (v.place && v.paid && (!cheapest || *v.paid < *cheapest->paid)) cheapest = &v;
                if (v.time && (!latest || *v.time > *latest->time)) latest = &v;
                if (v.place && v.paid && v.done.value_or(false) && (!best || *v.place > *best->place)) best = &v;
            }
            CHECK(g["cheapest"_c][i].has_value() == (cheapest != nullptr));
            if (cheapest) CHECK(*g["cheapest"_c][i] == *cheapest->place);
            CHECK(g["latest"_c][i].has_value() == (latest != nullptr));
            if (latest) CHECK(*g["latest"_c][i] == latest->clicks);
            CHECK(g["best_when_done"_c][i].has_value() == (best != nullptr));
            if (best) CHECK(*g["best_when_done"_c][i] == *best->paid);
        }
    }
}

TEST_CASE("covariance and correlation take the rows in which both are present") {
    const data d = random_visits(5'000, 60);
    const auto g = d.table | sk::group_by("user"_c).aggregate("sample"_c = sk::covariance("paid"_c, "clicks"_c), "population"_c = sk::covariance<0>("clicks"_c, "paid"_c),
                                                              "r"_c = sk::correlation("paid"_c, "clicks"_c).where("done"_c)) |
                   sk::collect();
    REQUIRE(g.rows() == d.by_user.size());
    for (std::size_t i = 0; i < g.rows(); ++i) {
        const auto sums = [&](bool done_only) {
            double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
            const auto each = [&](auto f) {
                for (const visit& v : d.by_user.at(g["user"_c][i]))
                    if (v.paid && (!done_only || v.done.value_or(false))) f(*v.paid, static_cast<double>(v.clicks));
            };
            each([&](double a, double b) { ++n, x += a, y += b; });
            each([&](double a, double b) { a -= x / n, b -= y / n, xx += a * a, yy += b * b, xy += a * b; });
            return std::vector<double>{n, xx, yy, xy};
        };
        const auto all = sums(false), done = sums(true);
        CHECK(*g["sample"_c][i] == doctest::Approx(all[3] / (all[0] - 1)).epsilon(1e-10));
        CHECK(*g["population"_c][i] == doctest::Approx(all[3] / all[0]).epsilon(1e-10));
        CHECK(*g["r"_c][i] == doctest::Approx(done[3] / std::sqrt(done[1] * done[2])).epsilon(1e-10));
    }
}

TEST_CASE("an approximate quantile is exact in small groups and within its error in large ones") {
    const data d = random_visits(60'000, 3);
    const auto g = d.table | sk::group_by("user"_c).aggregate("about"_c = sk::approx_quantile("paid"_c, 0.9, {.rank_error = 0.02}),
                                                              "few"_c = sk::approx_quantile("paid"_c, 0.9).where("clicks"_c == 3 && "paid"_c > 50.0)) |
                   sk::collect();
    for (std::size_t i = 0; i < g.rows(); ++i) {
        auto paid = known(d.by_user.at(g["user"_c][i]), &visit::paid);
        std::sort(paid.begin(), paid.end());
        const double value = *g["about"_c][i], n = static_cast<double>(paid.size());
        CHECK(static_cast<double>(std::lower_bound(paid.begin(), paid.end(), value) - paid.begin()) / n < 0.92);
        CHECK(static_cast<double>(std::upper_bound(paid.begin(), paid.end(), value) - paid.begin()) / n > 0.88);
        std::vector<double> few;
        for (const visit& v : d.by_user.at(g["user"_c][i]))
            if (v.clicks == 3 && v.paid.value_or(0) > 50) few.push_back(*v.paid);
        REQUIRE(few.size() < 400);
        CHECK(*g["few"_c][i] == quantile_of(few, 0.9));
    }
}

TEST_CASE("over no values aggregates are null, and their column is nullable only where that can happen") {
    using plain = sk::schema<sk::field<"k", std::int32_t>, sk::field<"x", double>, sk::field<"y", double>, sk::field<"b", bool>>;
    const sk::table<plain> t{{1, 2.0, 3.0, true}};
    const auto none = t | sk::filter("x"_c > 100.0) |
                      sk::aggregate("last"_c = sk::last("x"_c), "nth"_c = sk::nth<2>("x"_c), "any"_c = sk::any("b"_c), "all"_c = sk::all("b"_c), "q"_c = sk::quantile("x"_c, 0.2),
                                    "mode"_c = sk::mode("x"_c), "by"_c = sk::min_by("x"_c, "y"_c), "c"_c = sk::covariance("x"_c, "y"_c), "r"_c = sk::correlation("x"_c, "y"_c),
                                    "about"_c = sk::approx_quantile("x"_c, 0.5), "three"_c = sk::quantiles("x"_c, {0.2, 0.5}), "n"_c = sk::count_distinct("x"_c)) |
                      sk::collect();
    REQUIRE(none.rows() == 1);
    CHECK(none["last"_c][0] == std::nullopt);
    CHECK(none["nth"_c][0] == std::nullopt);
    CHECK(none["any"_c][0] == std::nullopt);
    CHECK(none["all"_c][0] == std::nullopt);
    CHECK(none["q"_c][0] == std::nullopt);
    CHECK(none["mode"_c][0] == std::nullopt);
    CHECK(none["by"_c][0] == std::nullopt);
    CHECK(none["c"_c][0] == std::nullopt);
    CHECK(none["r"_c][0] == std::nullopt);
    CHECK(none["about"_c][0] == std::nullopt);
    CHECK(none["three"_c][0].size() == 2);
    CHECK(none["three"_c][0][1] != none["three"_c][0][1]);
    CHECK(none["n"_c][0] == 0);

    const auto one = t | sk::group_by("k"_c).aggregate("last"_c = sk::last("x"_c), "second"_c = sk::nth<2>("x"_c), "q"_c = sk::quantile("x"_c, 0.2), "mode"_c = sk::mode("x"_c),
                                                       "c"_c = sk::covariance("x"_c, "y"_c), "c0"_c = sk::covariance<0>("x"_c, "y"_c), "v0"_c = sk::variance<0>("x"_c),
                                                       "r"_c = sk::correlation("x"_c, "y"_c), "when"_c = sk::last("x"_c).where("b"_c)) |
                     sk::collect();
    using columns = decltype(one)::schema_type;
    static_assert(std::same_as<sk::column_type_t<columns, "last">, double>);
    static_assert(std::same_as<sk::column_type_t<columns, "second">, std::optional<double>>);
    static_assert(std::same_as<sk::column_type_t<columns, "q">, double>);
    static_assert(std::same_as<sk::column_type_t<columns, "mode">, double>);
    static_assert(std::same_as<sk::column_type_t<columns, "c">, std::optional<double>>);
    static_assert(std::same_as<sk::column_type_t<columns, "c0">, double>);
    static_assert(std::same_as<sk::column_type_t<columns, "v0">, double>);
    static_assert(std::same_as<sk::column_type_t<columns, "r">, std::optional<double>>);
    static_assert(std::same_as<sk::column_type_t<columns, "when">, std::optional<double>>);
    CHECK(one["second"_c][0] == std::nullopt);
    CHECK(one["c"_c][0] == std::nullopt);
    CHECK(one["c0"_c][0] == 0);
    CHECK(one["v0"_c][0] == 0);
    CHECK(one["r"_c][0] == std::nullopt);
    CHECK(one["last"_c][0] == 2);
}

TEST_CASE("NaN makes quantiles, covariance and correlation NaN, is the greatest value of a mode, and stands beside no extreme but where it is alone") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    using numbers = sk::schema<sk::field<"k", std::int32_t>, sk::field<"x", double>, sk::field<"n", std::int32_t>>;
    const sk::table<numbers> t{{1, nan, 1}, {1, 3.0, 2}, {1, 2.0, 3}, {1, nan, 4}, {1, 2.0, 5}, {2, nan, 6}, {2, nan, 7}};
    const auto g = t | sk::group_by("k"_c).aggregate("q"_c = sk::quantile("x"_c, 0.2), "about"_c = sk::approx_quantile("x"_c, 0.2), "c"_c = sk::covariance("x"_c, "n"_c),
                                                     "r"_c = sk::correlation("x"_c, "n"_c), "mode"_c = sk::mode("x"_c), "kinds"_c = sk::count_distinct("x"_c),
                                                     "low"_c = sk::min_by("n"_c, "x"_c), "high"_c = sk::max_by("n"_c, "x"_c), "first"_c = sk::first("x"_c), "last"_c = sk::last("x"_c)) |
                   sk::collect();
    const auto is_nan = [](auto x) { return *x != *x; };
    CHECK(is_nan(std::optional(g["q"_c][0])));
    CHECK(is_nan(std::optional(g["about"_c][0])));
    CHECK(is_nan(g["c"_c][0]));
    CHECK(is_nan(g["r"_c][0]));
    CHECK(g["mode"_c][0] == 2);    // as often as NaN, and less
    CHECK(g["kinds"_c][0] == 3);
    CHECK(g["low"_c][0] == 3);
    CHECK(g["high"_c][0] == 2);
    CHECK(is_nan(std::optional(g["first"_c][0])));
    CHECK(g["last"_c][0] == 2);
    CHECK(is_nan(std::optional(g["mode"_c][1])));
    CHECK(g["kinds"_c][1] == 1);
    CHECK(g["low"_c][1] == 6);
    CHECK(g["high"_c][1] == 6);
}

TEST_CASE("options out of their domain are errors where the aggregate is written") {
    CHECK_THROWS_WITH_AS(sk::quantile("x"_c, 1.01), doctest::Contains("quantile: invalid option in 'q'"), sk::error);
    CHECK_THROWS_WITH_AS(sk::quantiles("x"_c, {0.5, -0.1}), doctest::Contains("quantiles: invalid option in 'q'"), sk::error);
    CHECK_THROWS_WITH_AS(sk::approx_quantile("x"_c, 0.5, {.rank_error = 2}), doctest::Contains("rank_error"), sk::error);
}

namespace {

// A kind of two columns, of the user's own: the sum of x weighted by w, over the sum of w.
struct weighted_mean_kind {
    static constexpr std::string_view aggregate_name = "weighted_mean";
    static constexpr bool never_null = false;
    template <class X, class W>
    static constexpr bool accepts = sk::is_number<X> && sk::is_number<W>;
    struct sums {
        double products = 0, weights = 0;
        template <class X, class W>
        void update(X x, W w) {
            products += static_cast<double>(x) * static_cast<double>(w);
            weights += static_cast<double>(w);
        }
        void merge(const sums& other) { products += other.products, weights += other.weights; }
    };
    template <class X, class W>
    using state = sums;
    template <class X, class W>
    using result = double;
    template <class X, class W>
    static std::optional<double> finish(const sums& s) {
        return s.weights == 0 ? std::nullopt : std::optional(s.products / s.weights);
    }
};

// A kind with an option that needs all values: how many lie above a limit.
struct above_kind {
    static constexpr std::string_view aggregate_name = "above";
    static constexpr bool never_null = true;
    double limit = 0;
    template <class T>
    static constexpr bool accepts = sk::is_number<T>;
    template <class T>
    using result = std::int64_t;
    template <class T>
    std::optional<std::int64_t> summarise(T* begin, T* end) const {
        return std::count_if(begin, end, [&](T v) { return static_cast<double>(v) > limit; });
    }
};

}  // namespace

TEST_CASE("kinds of the user's own: of two columns, and with options over all values") {
    using numbers = sk::schema<sk::field<"x", double>, sk::field<"w", std::optional<std::int32_t>>>;
    const sk::table<numbers> t{{1.0, 1}, {5.0, 3}, {100.0, std::nullopt}};
    const auto g = t | sk::aggregate("mean"_c = sk::aggregate_with(weighted_mean_kind{}, "x"_c, "w"_c), "over_two"_c = sk::aggregate_with(above_kind{2}, "x"_c),
                                     "over_fifty"_c = sk::aggregate_with(above_kind{50}, "x"_c), "median"_c = sk::median("x"_c)) |
                   sk::collect();
    CHECK(g["mean"_c][0] == 4);
    CHECK(g["over_two"_c][0] == 2);
    CHECK(g["over_fifty"_c][0] == 1);
    CHECK(g["median"_c][0] == 5);
}
