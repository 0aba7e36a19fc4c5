#include <doctest/doctest.h>

#include <cmath>

#include <segkit/statistics/co_moments.hpp>

#include "../reference/numeric_reference.hpp"
#include "../support/estimator_laws.hpp"

namespace {

double naive_covariance(const support::matrix& m, std::size_t a, std::size_t b) {
    long double mean_a = 0, mean_b = 0, sum = 0;
    for (std::size_t i = 0; i < m.rows; ++i) {
        mean_a += m(i, a);
        mean_b += m(i, b);
    }
    mean_a /= static_cast<long double>(m.rows);
    mean_b /= static_cast<long double>(m.rows);
    for (std::size_t i = 0; i < m.rows; ++i) sum += (m(i, a) - mean_a) * (m(i, b) - mean_b);
    return static_cast<double>(sum / static_cast<long double>(m.rows - 1));
}

}  // namespace

TEST_CASE("covariances are the peer's, and those of two passes in higher precision at an offset of 1e9") {
    const auto points = reference::points();
    const auto summary = segkit::estimate(segkit::co_moments{}, points);
    auto far = points;
    for (double& v : far.values) v += 1e9;    // exact: the points are multiples of 1/64
    const auto shifted = segkit::estimate(segkit::co_moments{}, far);
    for (std::size_t i = 0; i < reference::columns; ++i) {
        CHECK(support::close(summary.means[i], reference::mean[i], 1e-14));
        for (std::size_t j = 0; j < reference::columns; ++j) {
            CHECK(support::close(summary.covariance(i, j, 1), reference::covariance[i * reference::columns + j], 1e-13, 1e-14));
            CHECK(support::close(shifted.covariance(i, j, 1), naive_covariance(far, i, j), 1e-12));
            CHECK(summary.product(i, j) == summary.product(j, i));
        }
    }
    CHECK(std::isnan(segkit::estimate(segkit::co_moments{}, points.view().row_range(0, 1)).covariance(0, 0, 1)));
}

TEST_CASE("a constant feature has co-moments of exactly zero") {
    auto data = support::random_matrix(5000, 3, 51);
    for (std::size_t i = 0; i < data.rows; ++i) data(i, 1) = 0.1;
    const auto summary = segkit::estimate(segkit::co_moments{}, data);
    for (std::size_t j = 0; j < 3; ++j) CHECK(summary.product(1, j) == 0);
    CHECK(summary.means[1] == 0.1);
}

TEST_CASE("co-moments keep the laws and reject what is not a finite number") {
    const auto data = support::random_matrix(5003, 4, 52);
    support::check_estimator_laws(segkit::co_moments{}, data, [](const auto& a, const auto& b) {
        bool same = a.count == b.count && a.width() == b.width();
        for (std::size_t i = 0; same && i < a.width(); ++i) {
            same = support::close(a.means[i], b.means[i], 1e-13, 1e-13);
            for (std::size_t j = 0; same && j < a.width(); ++j) same = support::close(a.product(i, j), b.product(i, j), 1e-12, 1e-10);
        }
        return same;
    });
    support::check_rejects_bad_rows(segkit::co_moments{}, support::random_matrix(5003, 3, 53));
    const auto summary = segkit::estimate(segkit::co_moments{}, data);
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < 4; ++j) CHECK(support::close(summary.covariance(i, j, 1), naive_covariance(data, i, j), 1e-12, 1e-13));
    const support::matrix huge(1, {-1e300, 1e300});
    CHECK_THROWS_WITH_AS(segkit::estimate(segkit::co_moments{}, huge), doctest::Contains("squares"), segkit::error);
}
