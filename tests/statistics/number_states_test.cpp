#include <segkit/statistics/number_states.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

namespace {

namespace sk = segkit;

template <class State, class T>
State state_of(const std::vector<T>& values, std::size_t from, std::size_t to) {
    State s;
    for (std::size_t i = from; i < to; ++i) s.update(values[i]);
    return s;
}

// Far from zero, and in no order.
std::vector<double> far_values() {
    std::vector<double> values;
    for (int i = 0; i < 1000; ++i) values.push_back(1e9 + (i * 7919 % 1000) / 8.0);
    return values;
}

}  // namespace

TEST_CASE("a sum about its first value keeps the digits that an offset would cost") {
    const auto s = state_of<sk::sum_state<double>>(far_values(), 0, 1000);
    CHECK(s.mean() == 1e9 + 62.4375);    // the mean of 0, 1, ... 999 eighths
    CHECK(s.sum() == doctest::Approx(1e12 + 62437.5).epsilon(1e-15));
}

TEST_CASE("a merged sum, spread or range is that of all values") {
    const std::vector<double> values = far_values();
    for (const std::size_t cut : {0u, 1u, 333u, 999u, 1000u}) {
        auto sum = state_of<sk::sum_state<double>>(values, 0, cut);
        sum.merge(state_of<sk::sum_state<double>>(values, cut, 1000));
        CHECK(sum.count == 1000);
        CHECK(sum.mean() == doctest::Approx(1e9 + 62.4375).epsilon(1e-15));

        auto spread = state_of<sk::spread_state<double>>(values, 0, cut);
        spread.merge(state_of<sk::spread_state<double>>(values, cut, 1000));
        CHECK(spread.variance(0) == doctest::Approx((1000.0 * 1000.0 - 1) / 12 / 64).epsilon(1e-12));

        auto range = state_of<sk::range_state<double>>(values, 0, cut);
        range.merge(state_of<sk::range_state<double>>(values, cut, 1000));
        CHECK(range.minimum() == 1e9);
        CHECK(range.maximum() == 1e9 + 124.875);
    }
}

TEST_CASE("a range of no values is empty, and a range of infinities is not") {
    const double infinity = std::numeric_limits<double>::infinity();
    sk::range_state<double> range;
    CHECK(range.count() == 0);
    range.update(infinity);
    CHECK(range.count() == 1);
    CHECK(range.minimum() == infinity);
    range.update(-infinity);
    CHECK(range.minimum() == -infinity);
    CHECK(range.maximum() == infinity);

    sk::range_state<std::int64_t> whole;
    CHECK(whole.count() == 0);
    whole.update(std::numeric_limits<std::int64_t>::max());
    CHECK(whole.count() == 1);
    CHECK(whole.minimum() == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("a NaN makes sum, spread and both ends of the range NaN, wherever it stands") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t place = 0; place < 3; ++place) {
        std::vector<double> values{1, 2, 3};
        values[place] = nan;
        CHECK(std::isnan(state_of<sk::sum_state<double>>(values, 0, 3).sum()));
        CHECK(std::isnan(state_of<sk::spread_state<double>>(values, 0, 3).variance(1)));
        const auto range = state_of<sk::range_state<double>>(values, 0, 3);
        CHECK(range.count() == 1);
        CHECK(std::isnan(range.minimum()));
        CHECK(std::isnan(range.maximum()));
    }
}

TEST_CASE("an infinity as the first value leaves later sums infinite and not NaN") {
    const double infinity = std::numeric_limits<double>::infinity();
    const auto s = state_of<sk::sum_state<double>>(std::vector<double>{infinity, 1, 2}, 0, 3);
    CHECK(s.sum() == infinity);
}

TEST_CASE("integers are summed exactly, and a sum beyond 64 bits is an error") {
    sk::sum_state<std::int64_t> s;
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    s.update(most);
    s.update(1);
    CHECK_THROWS_AS(s.sum(), const sk::error&);
    s.update(-1);
    CHECK(s.sum() == most);
    CHECK(s.mean() == doctest::Approx(static_cast<double>(most) / 3));
}
