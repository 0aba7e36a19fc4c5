#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <segkit/statistics/quantile.hpp>

#include "../reference/numeric_reference.hpp"
#include "../support/estimator_laws.hpp"
#include "../support/simd_levels.hpp"

using segkit::quantile_method;

TEST_CASE("every method gives the peer's values") {
    const auto points = reference::points();
    auto compare = [&](quantile_method method, const double* expected) {
        const auto model = segkit::column_quantiles(points, {std::begin(reference::probabilities), std::end(reference::probabilities)}, method);
        for (std::size_t j = 0; j < reference::columns; ++j) {
            for (std::size_t p = 0; p < std::size(reference::probabilities); ++p) {
                CHECK(support::close(model(j, p), expected[j * std::size(reference::probabilities) + p], 1e-15, 1e-15));
            }
        }
    };
    compare(quantile_method::linear, reference::quantiles_linear);
    compare(quantile_method::lower, reference::quantiles_lower);
    compare(quantile_method::higher, reference::quantiles_higher);
    compare(quantile_method::nearest, reference::quantiles_nearest);
    compare(quantile_method::discrete, reference::quantiles_discrete);
}

TEST_CASE("quantiles are those of the sorted values, whatever their order and number") {
    for (std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{10}, std::size_t{257}}) {
        std::vector<double> values = support::random_matrix(n, 1, n).values;
        for (std::size_t i = 3; i < n; i += 3) values[i] = values[0];    // ties
        std::vector<double> sorted = values;
        std::sort(sorted.begin(), sorted.end());
        const std::vector<double> q = {0.9, 0.0, 0.5, 1.0, 0.25, 0.5, 0.75};    // unsorted, with a repeat
        const auto got = segkit::quantiles(values, q);
        for (std::size_t i = 0; i < q.size(); ++i) {
            const double rank = static_cast<double>(n - 1) * q[i];
            const auto below = static_cast<std::size_t>(rank);
            const double part = rank - static_cast<double>(below);
            const double expected = part == 0 ? sorted[below] : sorted[below] + (sorted[below + 1] - sorted[below]) * part;
            CHECK(support::close(got[i], expected, 1e-14, 1e-14));
        }
        CHECK(got[1] == sorted.front());
        CHECK(got[3] == sorted.back());
        CHECK(got[2] == got[5]);
    }
}

TEST_CASE("a rank that is whole but for rounding is whole") {
    std::vector<double> values(101);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
    CHECK(0.29 * 100 < 29);    // what double arithmetic makes of it
    CHECK(segkit::quantile(values, 0.29, quantile_method::lower) == 29);
    CHECK(segkit::quantile(values, 0.07, quantile_method::higher) == 7);
    CHECK(segkit::quantile(values, 0.29) == 29);
}

TEST_CASE("infinities take their rank, and an interpolation between equal ones is one") {
    const double infinity = std::numeric_limits<double>::infinity();
    std::vector<double> values = {infinity, 1, 2, infinity};
    CHECK(segkit::quantile(values, 0.9) == infinity);
    CHECK(segkit::quantile(values, 0.0) == 1);
}

TEST_CASE("what is not a share, no values and NaN are refused by name") {
    std::vector<double> none, values = {1, 0.0 / 0.0};
    CHECK_THROWS_WITH_AS(segkit::quantile(none, 0.5), doctest::Contains("no values"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::quantile(values, 1.5), doctest::Contains("a share from 0 to 1"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::quantile(values, 0.0 / 0.0), doctest::Contains("a share from 0 to 1"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::quantile(values, 0.5), doctest::Contains("at row 1"), segkit::error);
    CHECK_THROWS_AS(segkit::quantile_estimator{.probabilities = {-0.1}}.start(), segkit::error);
}

TEST_CASE("the estimator keeps the laws, to the last bit") {
    support::check_estimator_laws(segkit::quantile_estimator{}, support::random_matrix(5003, 3, 21), [](const auto& a, const auto& b) { return a == b; });
    support::check_rejects_bad_rows(segkit::quantile_estimator{}, support::random_matrix(5003, 3, 22));
    const auto data = support::random_matrix(300, 2, 23);
    const auto model = segkit::column_quantiles(data, {0.5});
    CHECK(support::roundtrip(model) == model);
    auto column = data.column(1);
    CHECK(model(1, 0) == segkit::quantile(column, 0.5));
}

TEST_CASE("quantiles of many rows are those of the sorted values: ties, steps, constants, both layouts, both types, every level") {
    constexpr std::size_t rows = 20'001;
    const segkit::counter_random random(3, 1);
    support::matrix points(rows, 6);
    for (std::size_t i = 0; i < rows; ++i) {
        const double u = random.uniform(i);
        points(i, 0) = static_cast<float>(u);
        points(i, 1) = std::floor(u * 10);                      // few values
        points(i, 2) = u < 0.6 ? 0 : static_cast<float>(u);    // mostly zero
        points(i, 3) = 7;
        points(i, 4) = i % 1'000 < 500 ? static_cast<double>(i) : -static_cast<double>(i);
        points(i, 5) = u < 0.26 ? -1.0 : u < 0.5 ? 0.5 : static_cast<float>(u);    // a step beside a quartile
    }
    const std::vector<double> q = {0, 0.01, 0.25, 0.5, 0.75, 0.99, 1};
    std::vector<std::vector<double>> expected;
    for (std::size_t j = 0; j < points.columns; ++j) {
        auto sorted = points.column(j);
        std::sort(sorted.begin(), sorted.end());
        expected.emplace_back();
        for (const double share : q) {
            const double rank = static_cast<double>(rows - 1) * share;
            const auto below = static_cast<std::size_t>(rank);
            const double part = rank - static_cast<double>(below);
            expected[j].push_back(part == 0 ? sorted[below] : sorted[below] + (sorted[below + 1] - sorted[below]) * part);
        }
    }
    const support::transposed columns(points);
    const std::vector<float> narrow(points.values.begin(), points.values.end());
    support::at_every_simd_level([&](segkit::instruction_set) {
        const auto found = segkit::column_quantiles(points, q);
        for (std::size_t j = 0; j < points.columns; ++j)
            for (std::size_t p = 0; p < q.size(); ++p) CHECK(support::close(found(j, p), expected[j][p], 1e-14));
        CHECK(segkit::column_quantiles(columns, q, quantile_method::linear, segkit::threads(3)) == found);
        CHECK(segkit::column_quantiles(segkit::row_major(narrow.data(), rows, points.columns), q) == found);
    });
    support::check_rejects_bad_rows_of([](const support::matrix& bad) { segkit::column_quantiles(bad, {0.5}, quantile_method::linear, segkit::threads(3)); }, points);
}

TEST_CASE("a matrix without features is refused, however many rows it has") {
    for (std::size_t rows : {5u, 20'000u}) {
        const support::matrix none(rows, 0);
        CHECK_THROWS_WITH_AS(segkit::column_quantiles(none, {0.5}), doctest::Contains("no features"), segkit::error);
    }
}
