#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <string>

#include <segkit/exec/threads.hpp>
#include <segkit/prepare/detail/impute_core.hpp>
#include <segkit/prepare/detail/one_hot_core.hpp>
#include <segkit/prepare/detail/scale_core.hpp>
#include <segkit/prepare/detail/winsorize_core.hpp>
#include <segkit/prepare/log1p_scale.hpp>
#include <segkit/prepare/quantile_scale.hpp>

#include "../reference/preparation_reference.hpp"
#include "../support/simd_levels.hpp"

namespace sk = segkit;

namespace {

struct prepared {
    const reference::kmeans_case& from;
    const reference::preparation_case& peer;
    support::matrix points = from.points();

    template <class F>
    void equals(reference::preparation_method method, F&& result, double slack = 0) const {
        const std::string name = peer.name;
        CAPTURE(name);
        CAPTURE(static_cast<int>(method));
        const auto& expected = peer.of(method);
        REQUIRE(expected.size() == 2 * points.columns);
        for (const std::size_t row : {std::size_t{2}, points.rows - 1}) {
            for (std::size_t j = 0; j < points.columns; ++j) {
                const double got = result(row, j), wanted = expected[(row == 2 ? 0 : points.columns) + j];
                CAPTURE(j);
                CAPTURE(got - wanted);
                CAPTURE(wanted);
                CHECK(support::close(got, wanted, 1e-12, 1e-12 + slack));
            }
        }
    }
    void scales_to(reference::preparation_method method, const sk::column_scaling& scaling) const {
        support::matrix out(points.rows, points.columns);
        scaling.transform(points, out.view());
        // No centre in double is nearer to the true one than half a last digit of the offset.
        equals(method, out, 4e-16 * from.shift);
        scaling.inverse(out, out.view());
        for (std::size_t i = 0; i < points.values.size(); ++i) CHECK(support::close(out.values[i], points.values[i], 1e-13, 1e-12 * from.scale));
    }
    template <class Model>
    void maps_to(reference::preparation_method method, const Model& model) const {
        equals(method, [&](std::size_t i, std::size_t j) { return model.columns[j].transform(points(i, j)); });
    }
};

template <class Check>
void for_each_case(Check check) {
    REQUIRE(reference::preparation_cases.size() == reference::kmeans_cases.size());
    for (std::size_t c = 0; c < reference::kmeans_cases.size(); ++c) check(prepared{reference::kmeans_cases[c], reference::preparation_cases[c]});
}

}  // namespace

TEST_CASE("scaled values are scikit-learn's on data sets of every kind, at every level, and come back") {
    support::at_every_simd_level([](sk::instruction_set) {
        for_each_case([](const prepared& c) {
            c.scales_to(reference::standard, sk::estimate(sk::standard_scale_estimator{}, c.points));
            c.scales_to(reference::sample, sk::estimate(sk::standard_scale_estimator{{.ddof = 1}}, c.points));
            c.scales_to(reference::min_max, sk::estimate(sk::min_max_scale_estimator{{.lower = -1, .upper = 2}}, c.points));
            c.scales_to(reference::max_abs, sk::estimate(sk::max_abs_scale_estimator{}, c.points));
            c.scales_to(reference::robust, sk::estimate(sk::robust_scale_estimator{}, c.points));
            c.scales_to(reference::robust_wide, sk::estimate(sk::robust_scale_estimator{{.lower = 0.1, .upper = 0.9}}, c.points));
        });
    });
}

TEST_CASE("an inverted range mirrors the other within its bounds") {
    for_each_case([](const prepared& c) {
        const auto up = sk::estimate(sk::min_max_scale_estimator{{.lower = -1, .upper = 2}}, c.points);
        const auto down = sk::estimate(sk::min_max_scale_estimator{{.lower = -1, .upper = 2, .direction = sk::scale_direction::inverted}}, c.points);
        for (std::size_t j = 0; j < c.points.columns; ++j) {
            const double value = c.points(1, j);
            const double expected = up.columns[j].constant ? -1 : 1 - up.columns[j].transform(value);
            CHECK(support::close(down.columns[j].transform(value), expected, 1e-13, 1e-13));
        }
    });
}

TEST_CASE("quantiles, their scale, winsorized and logarithmic values are the peers'") {
    for_each_case([](const prepared& c) {
        const auto quartiles = sk::column_quantiles(c.points, {0.25, 0.5, 0.75});
        for (std::size_t j = 0; j < c.points.columns; ++j)
            for (std::size_t p = 0; p < 3; ++p) CHECK(support::close(quartiles(j, p), c.peer.quartiles[3 * j + p], 1e-15));
        c.maps_to(reference::counts, sk::estimate(sk::winsorize_estimator{{.by = sk::winsorize_by::counts, .lower = 0.1, .upper = 0.9}}, c.points));
        c.maps_to(reference::quantiles, sk::estimate(sk::winsorize_estimator{{.by = sk::winsorize_by::quantiles, .lower = 0.1, .upper = 0.9}}, c.points));
        support::matrix sizes = c.points;
        for (double& value : sizes.values) value = std::fabs(value);
        sk::log1p_scale<double>(sizes, sizes.view());
        c.equals(reference::logarithm, sizes);
        if (c.from.shift != 0) return;    // between two quantiles a place needs the digits that an offset takes
        c.maps_to(reference::uniform, sk::estimate(sk::quantile_scale_estimator{{.n_quantiles = 17}}, c.points));
        c.maps_to(reference::normal, sk::estimate(sk::quantile_scale_estimator{{.n_quantiles = 17, .output = sk::quantile_output::normal}}, c.points));
    });
}

TEST_CASE("missing values are given scikit-learn's mean, median and most frequent value") {
    for_each_case([](const prepared& c) {
        support::matrix holes = c.points;
        for (std::size_t i = 0; i < holes.rows; ++i)
            for (std::size_t j = 0; j < holes.columns; ++j)
                if (reference::is_hole(i, j)) holes(i, j) = 0.0 / 0.0;
        for (const auto kind : {sk::impute_kind::mean, sk::impute_kind::median, sk::impute_kind::most_frequent}) {
            const auto learned = sk::learn_imputation<double>(holes.view(), kind, sk::threads(2));
            for (std::size_t j = 0; j < holes.columns; ++j) {
                const double expected = c.peer.imputed[static_cast<std::size_t>(kind)][j] * c.from.scale + c.from.shift;
                CHECK(support::close(learned.values[j], expected, 1e-12, 1e-12 * c.from.scale));
            }
            support::matrix filled = holes;
            const std::size_t all_holes = std::accumulate(learned.missing.begin(), learned.missing.end(), std::size_t{0});
            CHECK(learned.fill<double>(holes.view(), filled.view()) == all_holes);
            CHECK(filled(0, 0) == learned.values[0]);
            CHECK(filled(1, 0) == holes(1, 0));
            const auto known = learned.presence<double>(holes.view());
            for (std::size_t i = 0; i < holes.rows; ++i)
                for (std::size_t j = 0; j < holes.columns; ++j) CHECK(known.view()(i, j) == (reference::is_hole(i, j) ? 0.0 : 1.0));
        }
    });
}

TEST_CASE("numbers of categories become zeros and ones of a matrix") {
    const support::matrix m(2, {3, 0, 7, 1, 3, 1, 5, 0}), later(2, {7, 1, 4, 0});
    auto codes = sk::learn_one_hot<double>(m.view());
    CHECK(codes.categories == std::vector<std::vector<double>>{{3, 5, 7}, {0, 1}});
    const auto ones = codes.transformed<double>(m.view());
    const std::vector<double> expected{1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0};
    for (std::size_t at = 0; at < expected.size(); ++at) CHECK(ones.view()(at / 5, at % 5) == expected[at]);
    CHECK_THROWS_WITH_AS(codes.transformed<double>(later.view()), doctest::Contains("one_hot: malformed value in 'feature 0' at row 1: found 4, expected one of 3 known categories"), sk::error);
    codes.unknown = sk::unknown_category::ignore;
    const auto lenient = codes.transformed<double>(later.view());
    CHECK(lenient.view()(0, 2) == 1);
    CHECK(lenient.view()(1, 0) + lenient.view()(1, 1) + lenient.view()(1, 2) == 0);
    CHECK(lenient.view()(1, 3) == 1);
    CHECK_THROWS_WITH_AS(sk::learn_one_hot<double>(m.view(), sk::unknown_category::error, 2), doctest::Contains("3 different values of feature 0, expected at most 2"), sk::error);
    CHECK_THROWS_WITH_AS(codes.transformed<double>(support::matrix(1, {3}).view()), doctest::Contains("1 features, expected 2"), sk::error);
    CHECK_THROWS_WITH_AS(sk::learn_one_hot<double>(support::matrix(1, {3, 0.0 / 0.0}).view()), doctest::Contains("'feature 0' at row 1: found NaN"), sk::error);
}

TEST_CASE("points in float are scaled as in double, to the precision of float") {
    for_each_case([](const prepared& c) {
        if (c.from.shift != 0) return;    // float does not hold these points
        const std::vector<float> rounded(c.points.values.begin(), c.points.values.end());
        const auto view = sk::row_major<const float>(rounded.data(), c.points.rows, c.points.columns);
        const auto wide = sk::estimate(sk::robust_scale_estimator{}, c.points), narrow = sk::estimate(sk::robust_scale_estimator{}, view);
        CHECK(wide == narrow);    // the points are whole 64ths, which float holds
        const auto check_maps = [&](const auto& model) {
            sk::dense_matrix<float> out(view.rows, view.columns);
            model.transform(view, out.view(), sk::threads(2));
            for (std::size_t i = 0; i < view.rows; ++i)
                for (std::size_t j = 0; j < view.columns; ++j) CHECK(out.view()(i, j) == static_cast<float>(model.columns[j].transform(c.points(i, j))));
        };
        check_maps(sk::estimate(sk::winsorize_estimator{}, view));
        check_maps(sk::estimate(sk::quantile_scale_estimator{{.n_quantiles = 17}}, view));
        const auto scaling = sk::estimate(sk::standard_scale_estimator{}, view);
        const auto fresh = scaling.transformed(view);
        std::vector<float> in_place = rounded;
        scaling.transform(sk::row_major<const float>(in_place.data(), view.rows, view.columns), sk::row_major(in_place.data(), view.rows, view.columns), sk::threads(2));
        for (std::size_t i = 0; i < view.rows; ++i) {
            for (std::size_t j = 0; j < view.columns; ++j) {
                CHECK(fresh.view()(i, j) == in_place[i * view.columns + j]);
                CHECK(support::close(static_cast<double>(fresh.view()(i, j)), scaling.columns[j].transform(c.points(i, j)), 1e-7));
            }
        }
    });
}
