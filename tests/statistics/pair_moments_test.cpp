#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/statistics/pair_moments.hpp>

namespace {

struct two_columns {
    std::vector<double> x, y;
};

two_columns related(std::size_t n, double offset, double slope) {
    const segkit::counter_random random(17, 2);
    two_columns c;
    for (std::size_t i = 0; i < n; ++i) {
        c.x.push_back(offset + random.uniform(2 * i));
        c.y.push_back(offset * 2 + slope * (c.x[i] - offset) + random.uniform(2 * i + 1));
    }
    return c;
}

segkit::pair_moments moments_of(const two_columns& c, std::size_t first, std::size_t last) {
    segkit::pair_moments m;
    for (std::size_t i = first; i < last; ++i) m.update(c.x[i], c.y[i]);
    return m;
}

// In long double, about the true means.
struct naive {
    long double xx = 0, yy = 0, xy = 0;
    explicit naive(const two_columns& c) {
        long double x = 0, y = 0;
        for (std::size_t i = 0; i < c.x.size(); ++i) x += c.x[i], y += c.y[i];
        const auto n = static_cast<long double>(c.x.size());
        for (std::size_t i = 0; i < c.x.size(); ++i) {
            const long double a = c.x[i] - x / n, b = c.y[i] - y / n;
            xx += a * a, yy += b * b, xy += a * b;
        }
    }
};

}  // namespace

TEST_CASE("covariance and correlation equal sums about the true means, whatever the offset, in one piece or merged") {
    for (const double offset : {0.0, -3.0, 1e6, 1e9}) {
        for (const double slope : {2.0, -0.3, 0.0}) {
            const auto c = related(3'000, offset, slope);
            const naive expected(c);
            const double tolerance = offset > 1e8 ? 1e-6 : 1e-9;
            for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{1'234}}) {
                auto m = moments_of(c, 0, cut);
                m.merge(moments_of(c, cut, c.x.size()));
                CHECK(m.covariance(1) == doctest::Approx(static_cast<double>(expected.xy) / 2'999).epsilon(tolerance));
                CHECK(m.covariance(0) == doctest::Approx(static_cast<double>(expected.xy) / 3'000).epsilon(tolerance));
                CHECK(m.correlation() == doctest::Approx(static_cast<double>(expected.xy / std::sqrt(expected.xx * expected.yy))).epsilon(tolerance));
            }
        }
    }
}

TEST_CASE("a first pair far from all others costs few digits") {
    auto c = related(100'000, 1.0, 1.0);
    c.x[0] = 1e9;
    c.y[0] = -1e9;
    const naive expected(c);
    CHECK(moments_of(c, 0, c.x.size()).covariance(1) == doctest::Approx(static_cast<double>(expected.xy) / 99'999).epsilon(1e-9));
    auto without = moments_of(c, 1, c.x.size());
    segkit::pair_moments far;
    far.update(1e9, -1e9);
    without.merge(far);
    CHECK(without.covariance(1) == doctest::Approx(static_cast<double>(expected.xy) / 99'999).epsilon(1e-9));
}

TEST_CASE("a line correlates perfectly, a constant with nothing, and NaN with NaN") {
    segkit::pair_moments line, constant, one;
    for (int i = 0; i < 1'000; ++i) {
        line.update(0.1 * i, 5 - 0.3 * i);
        constant.update(0.1, i);
    }
    CHECK(line.correlation() == doctest::Approx(-1).epsilon(1e-15));
    CHECK(line.correlation() >= -1);
    CHECK(constant.is_constant());
    CHECK(constant.correlation() != constant.correlation());
    CHECK(constant.covariance(1) == doctest::Approx(0));
    one.update(1, 2);
    CHECK(one.covariance(0) == 0);
    CHECK(one.covariance(1) != one.covariance(1));
    CHECK(one.correlation() != one.correlation());
    line.update(std::numeric_limits<double>::quiet_NaN(), 1.0);
    CHECK(line.covariance(1) != line.covariance(1));
    CHECK(line.correlation() != line.correlation());
}
