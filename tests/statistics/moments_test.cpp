#include <doctest/doctest.h>

#include <cmath>

#include <segkit/statistics/column_moments.hpp>

#include "../support/estimator_laws.hpp"

namespace {

segkit::moments moments_of(const std::vector<double>& values) {
    segkit::moments m;
    for (double v : values) m.update(v);
    return m;
}

// Two passes in long double: the reference.
double naive_variance(const std::vector<double>& values, int ddof) {
    long double mean = 0, squares = 0;
    for (double v : values) mean += v;
    mean /= static_cast<long double>(values.size());
    for (double v : values) squares += (v - mean) * (v - mean);
    return static_cast<double>(squares / static_cast<long double>(static_cast<int>(values.size()) - ddof));
}

}  // namespace

TEST_CASE("moments agree with two passes in higher precision") {
    const auto data = support::random_matrix(1000, 3, 5);
    for (std::size_t j = 0; j < 3; ++j) {
        const auto values = data.column(j);
        const auto m = moments_of(values);
        CHECK(m.count == 1000);
        CHECK(support::close(m.variance(0), naive_variance(values, 0), 1e-13));
        CHECK(support::close(m.variance(1), naive_variance(values, 1), 1e-13));
        CHECK(m.minimum == *std::min_element(values.begin(), values.end()));
        CHECK(m.maximum == *std::max_element(values.begin(), values.end()));
    }
    const auto few = moments_of({1, 2, 3, 4});
    CHECK(few.sum() == 10);
    CHECK(few.mean() == 2.5);
    CHECK(few.variance(0) == 1.25);
    CHECK(few.variance(1) == doctest::Approx(5.0 / 3.0).epsilon(1e-15));
}

TEST_CASE("an offset of 1e9 costs no digits, whole or in merged parts") {
    const auto data = support::random_matrix(3000, 1, 6);
    std::vector<double> shifted = data.values;
    for (double& v : shifted) v = std::round(v * 1024) / 1024 + 1e9;    // exact at this offset
    const double expected = naive_variance(shifted, 1);
    CHECK(support::close(moments_of(shifted).variance(1), expected, 1e-12));
    segkit::moments merged;
    for (std::size_t first = 0; first < 3000; first += 100) {
        merged.merge(moments_of({shifted.begin() + static_cast<std::ptrdiff_t>(first), shifted.begin() + static_cast<std::ptrdiff_t>(first + 100)}));
    }
    CHECK(support::close(merged.variance(1), expected, 1e-12));
    CHECK(merged.count == 3000);
}

TEST_CASE("a first value far from the rest costs few digits") {
    std::vector<double> values = support::random_matrix(10000, 1, 8).values;
    values[0] = 1e9;
    CHECK(support::close(moments_of(values).variance(0), naive_variance(values, 0), 1e-11));
}

TEST_CASE("no values have no mean, and too few no variance") {
    const segkit::moments none;
    CHECK(std::isnan(none.mean()));
    CHECK(std::isnan(none.variance(0)));
    CHECK(none.sum() == 0);
    const auto one = moments_of({7});
    CHECK(one.mean() == 7);
    CHECK(one.variance(0) == 0);
    CHECK(std::isnan(one.variance(1)));
}

TEST_CASE("a column is constant when its variance is only rounding") {
    CHECK(moments_of({3, 3, 3}).is_constant());
    CHECK(moments_of({0.3, 0.1 + 0.2, 0.3}).is_constant());
    CHECK(moments_of({1e9, 1e9 + 1e-7, 1e9}).is_constant());
    CHECK(moments_of({}).is_constant());
    CHECK(!moments_of({1e9, 1e9 + 1e-3, 1e9}).is_constant());    // real, although tiny beside the mean
    CHECK(!moments_of({0, 1e-300}).is_constant());
    CHECK(!moments_of({1e-12, 2e-12}).is_constant());
    std::vector<double> mostly(100000, 1.0);
    mostly[0] = 1.001;
    CHECK(!moments_of(mostly).is_constant());
}

TEST_CASE("column moments keep the laws") {
    const auto data = support::random_matrix(5003, 4, 11);
    support::check_estimator_laws(segkit::column_moments{}, data, [](const auto& a, const auto& b) {
        bool same = a.columns.size() == b.columns.size();
        for (std::size_t j = 0; same && j < a.columns.size(); ++j) {
            const auto &x = a.columns[j], &y = b.columns[j];
            same = x.count == y.count && x.minimum == y.minimum && x.maximum == y.maximum && support::close(x.mean(), y.mean(), 1e-13, 1e-13) &&
                   support::close(x.variance(1), y.variance(1), 1e-12);
        }
        return same;
    });
    const auto model = segkit::estimate(segkit::column_moments{}, data);
    for (std::size_t j = 0; j < 4; ++j) CHECK(support::close(model.columns[j].variance(1), naive_variance(data.column(j), 1), 1e-12));
}

TEST_CASE("column moments reject what is not a finite number, with its place") {
    support::check_rejects_bad_rows(segkit::column_moments{}, support::random_matrix(5003, 3, 12));
    const support::matrix huge(1, {-1e300, 1e300});
    CHECK_THROWS_WITH(segkit::estimate(segkit::column_moments{}, huge), doctest::Contains("squares"));
}
