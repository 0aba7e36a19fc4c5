#include <doctest/doctest.h>

#include <cmath>

#include <segkit/prepare/detail/scale_core.hpp>

#include "../reference/numeric_reference.hpp"
#include "../support/estimator_laws.hpp"

namespace {

support::matrix transformed(const segkit::column_scaling& scaling, const support::matrix& data) {
    support::matrix out(data.rows, data.columns);
    scaling.transform(data, out.view());
    return out;
}

}  // namespace

TEST_CASE("standard scaling gives the peer's values, mean 0 and population deviation 1") {
    const auto points = reference::points();
    const auto scaling = segkit::estimate(segkit::standard_scale_estimator{}, points);
    const auto scaled = transformed(scaling, points);
    const auto after = segkit::estimate(segkit::column_moments{}, scaled);
    for (std::size_t j = 0; j < reference::columns; ++j) {
        CHECK(support::close(scaling.columns[j].centre, reference::mean[j], 1e-14));
        CHECK(support::close(scaling.columns[j].scale * scaling.columns[j].scale, reference::variance[j], 1e-14));
        CHECK(support::close(scaled(17, j), reference::standard_scaled_row_17[j], 1e-13, 1e-14));
        CHECK(support::close(after.columns[j].mean(), 0, 0, 1e-14));
        CHECK(support::close(after.columns[j].variance(0), 1, 1e-13));
    }
    const auto sample = segkit::estimate(segkit::standard_scale_estimator{{.ddof = 1}}, points);
    CHECK(support::close(transformed(sample, points)(17, 0), scaled(17, 0) * std::sqrt(239.0 / 240.0), 1e-13));
}

TEST_CASE("min-max scaling gives the peer's values and meets both bounds") {
    const auto points = reference::points();
    const auto scaled = transformed(segkit::estimate(segkit::min_max_scale_estimator{{.lower = -1, .upper = 2}}, points), points);
    for (std::size_t j = 0; j < reference::columns; ++j) CHECK(support::close(scaled(17, j), reference::min_max_scaled_row_17[j], 1e-13, 1e-14));
    const auto unit = transformed(segkit::estimate(segkit::min_max_scale_estimator{}, points), points);
    const auto column = unit.column(2);
    CHECK(*std::min_element(column.begin(), column.end()) == 0);
    CHECK(*std::max_element(column.begin(), column.end()) == 1);
}

TEST_CASE("a constant feature is centred, not scaled, and said to be constant") {
    support::matrix data(50, 3);
    for (std::size_t i = 0; i < data.rows; ++i) {
        data(i, 0) = 1e9;
        data(i, 1) = i % 2 == 0 ? 0.3 : 0.1 + 0.2;    // equal but for the last digit
        data(i, 2) = 1e9 + static_cast<double>(i % 2);
    }
    const auto standard = segkit::estimate(segkit::standard_scale_estimator{}, data);
    CHECK(standard.columns[0].constant);
    CHECK(standard.columns[1].constant);
    CHECK(!standard.columns[2].constant);
    const auto scaled = transformed(standard, data);
    for (std::size_t i = 0; i < data.rows; ++i) {
        CHECK(scaled(i, 0) == 0);
        CHECK(std::fabs(scaled(i, 1)) < 1e-15);
        CHECK(std::fabs(scaled(i, 2)) == 1);
    }
    const auto range = segkit::estimate(segkit::min_max_scale_estimator{{.lower = 5, .upper = 6}}, data);
    CHECK(range.columns[0].constant);
    CHECK(transformed(range, data)(7, 0) == 5);
}

TEST_CASE("the inverse gives the values back, and both work in place and on threads") {
    const auto data = support::random_matrix(5003, 3, 41);
    const auto scaling = segkit::estimate(segkit::standard_scale_estimator{}, data);
    auto work = data;
    scaling.transform(work.view(), work.view(), segkit::threads(3));
    CHECK(work.values == transformed(scaling, data).values);
    scaling.inverse(work.view(), work.view());
    double worst = 0;
    for (std::size_t i = 0; i < work.values.size(); ++i) worst = std::max(worst, std::fabs(work.values[i] - data.values[i]));
    CHECK(worst < 1e-13);
    const support::matrix narrow(2, {1, 2});
    CHECK_THROWS_WITH_AS(transformed(scaling, narrow), doctest::Contains("2 features, expected 3"), segkit::error);
}

TEST_CASE("scalers keep the laws and reject what is not a finite number") {
    const auto data = support::random_matrix(5003, 3, 42);
    auto close_scaling = [](const segkit::column_scaling& a, const segkit::column_scaling& b) {
        bool same = a.columns.size() == b.columns.size();
        for (std::size_t j = 0; same && j < a.columns.size(); ++j) {
            same = support::close(a.columns[j].centre, b.columns[j].centre, 1e-13, 1e-13) && support::close(a.columns[j].scale, b.columns[j].scale, 1e-13);
        }
        return same;
    };
    support::check_estimator_laws(segkit::standard_scale_estimator{}, data, close_scaling);
    support::check_estimator_laws(segkit::min_max_scale_estimator{}, data, [](const auto& a, const auto& b) { return a == b; });
    support::check_rejects_bad_rows(segkit::standard_scale_estimator{}, data);
    support::check_rejects_bad_rows(segkit::min_max_scale_estimator{}, data);
    const auto scaling = segkit::estimate(segkit::standard_scale_estimator{}, data);
    CHECK(support::roundtrip(scaling) == scaling);
    const support::matrix one(2, {1, 2}), no_features(3, 0);
    const auto check_features = [&](auto estimator) { CHECK_THROWS_WITH_AS(segkit::estimate(estimator, no_features), doctest::Contains("no features"), segkit::error); };
    check_features(segkit::standard_scale_estimator{});
    check_features(segkit::robust_scale_estimator{});
    CHECK_THROWS_WITH_AS(segkit::estimate(segkit::standard_scale_estimator{{.ddof = 1}}, one), doctest::Contains("1 rows, expected more than"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::estimate(segkit::standard_scale_estimator{{.ddof = -1}}, data), doctest::Contains("'ddof'"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::estimate(segkit::min_max_scale_estimator{{.lower = 1, .upper = 1}}, data), doctest::Contains("'lower'"), segkit::error);
}

TEST_CASE("spreads too small for their squares or too large for their difference are not divided by") {
    const support::matrix tiny(1, {0, 1e-200, 0, 1e-200}), least(1, {0, 5e-324}), wide(1, {-1.7e308, -1.7e308, 0, 1.7e308, 1.7e308});
    const auto standard = segkit::estimate(segkit::standard_scale_estimator{}, tiny);
    CHECK(standard.columns[0].constant);
    CHECK(standard.columns[0].scale == 1);
    CHECK(segkit::estimate(segkit::min_max_scale_estimator{}, tiny).columns[0].scale == 1e-200);
    CHECK(segkit::estimate(segkit::min_max_scale_estimator{{.upper = 10}}, least).columns[0].scale == 1);
    CHECK_THROWS_WITH_AS(segkit::estimate(segkit::min_max_scale_estimator{{.lower = -1e308, .upper = 1e308}}, tiny), doctest::Contains("'upper'"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::estimate(segkit::min_max_scale_estimator{{.upper = 1e-300}}, support::matrix(1, {0, 1e10})), doctest::Contains("'upper': found 1e-300"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::estimate(segkit::robust_scale_estimator{}, wide), doctest::Contains("robust_scale: overflow in 'feature 0'"), segkit::error);
}
