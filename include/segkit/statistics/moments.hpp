// segkit/statistics/moments.hpp: count, mean, variance, minimum and maximum of numbers, in one pass.
//
// `moments` is the accumulator of one column or one group (56 bytes, no division per value); `column_moments` the estimator
// over all features of a matrix. Sums are kept about the first value, or about the mean so far where the first lies far out, so
// that an offset costs no digits (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct moments {
    std::int64_t count = 0;
    double shift = 0;              // the two sums are about it
    double shifted_sum = 0;
    double shifted_squares = 0;
    double minimum = 0;
    double maximum = 0;

    void update(double value) {
        if (count == 0) shift = minimum = maximum = value;
        const double y = value - shift;
        ++count;
        shifted_sum += y;
        shifted_squares += y * y;
        minimum = value < minimum ? value : minimum;
        maximum = maximum < value ? value : maximum;
        if ((count & (count - 1)) == 0) centre();
    }

    void merge(const moments& other) {
        if (other.count == 0) return;
        if (count == 0) {
            *this = other;
            return;
        }
        const double n = static_cast<double>(other.count);
        const double e = other.shift - shift;
        shifted_squares += other.shifted_squares + 2 * e * other.shifted_sum + e * e * n;
        shifted_sum += other.shifted_sum + e * n;
        count += other.count;
        minimum = std::min(minimum, other.minimum);
        maximum = std::max(maximum, other.maximum);
        centre();
    }

    // 0 for no values, as a sum is; mean and variance are then NaN.
    double sum() const { return shift * static_cast<double>(count) + shifted_sum; }

    // Kept within the extremes, which rounding could leave by a last digit.
    double mean() const {
        if (count == 0) return std::numeric_limits<double>::quiet_NaN();
        return std::clamp(shift + shifted_sum / static_cast<double>(count), minimum, maximum);
    }

    double sum_of_squared_deviations() const {
        if (count == 0) return 0;
        const double deviations = shifted_squares - shifted_sum * shifted_sum / static_cast<double>(count);
        return deviations < 0 ? 0 : deviations;    // NaN, from an overflow, stays NaN
    }

    // Divided by count - ddof: 0 gives the population's variance, 1 the sample's. NaN when that is not positive.
    double variance(int ddof) const {
        if (count <= ddof) return std::numeric_limits<double>::quiet_NaN();
        return sum_of_squared_deviations() / static_cast<double>(count - ddof);
    }

    double standard_deviation(int ddof) const { return std::sqrt(variance(ddof)); }

    // Whether the variance is below its rounding error: what a column would show that is constant but for the last digits
    // of its values (each within four units in the last place) and the rounding of the two sums.
    bool is_constant() const {
        if (count == 0 || minimum == maximum) return true;
        constexpr double epsilon = std::numeric_limits<double>::epsilon();
        const double last_digits = 4 * epsilon * std::max(std::fabs(minimum), std::fabs(maximum));
        if (last_digits == 0) return false;    // too small for the bound to mean anything
        if (maximum - minimum <= last_digits) return true;
        return variance(0) < last_digits * last_digits + 8 * epsilon * (shifted_squares / static_cast<double>(count));
    }

    friend bool operator==(const moments&, const moments&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("count", count);
        archive.field("shift", shift);
        archive.field("shifted_sum", shifted_sum);
        archive.field("shifted_squares", shifted_squares);
        archive.field("minimum", minimum);
        archive.field("maximum", maximum);
    }

    // Moves the shift to the mean when the spread is small beside their distance. Called as the count doubles, so that even a
    // first value far from all others costs a few digits at most; data without one never move, and whole numbers stay exact.
    void centre() {
        const double n = static_cast<double>(count);
        if (shifted_squares == 0 || !(shifted_sum * shifted_sum > 0.75 * n * shifted_squares)) return;
        double step = shifted_sum / n;
        if (std::fabs(step) > 64) step = std::nearbyint(step);
        const double moved = (shift + step) - shift;
        shift += step;
        shifted_squares += moved * (moved * n - 2 * shifted_sum);
        shifted_sum -= moved * n;
    }
};

namespace detail {

// Adds `n` values, `stride` apart. Four lanes, so that additions do not wait for each other.
inline void add_values(moments& into, const double* values, std::size_t n, std::size_t stride) {
    if (n == 0) return;
    constexpr std::size_t lanes = 4;
    const double shift = into.count == 0 ? values[0] : into.shift;
    double low = into.count == 0 ? values[0] : into.minimum;
    double high = into.count == 0 ? values[0] : into.maximum;
    double sums[lanes] = {}, squares[lanes] = {}, lows[lanes] = {low, low, low, low}, highs[lanes] = {high, high, high, high};
    auto add = [&](std::size_t lane, double value) {
        const double y = value - shift;
        sums[lane] += y;
        squares[lane] += y * y;
        lows[lane] = value < lows[lane] ? value : lows[lane];
        highs[lane] = highs[lane] < value ? value : highs[lane];
    };
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (std::size_t lane = 0; lane < lanes; ++lane) add(lane, values[(i + lane) * stride]);
    }
    for (; i < n; ++i) add(i % lanes, values[i * stride]);
    into.shift = shift;
    into.count += static_cast<std::int64_t>(n);
    into.shifted_sum += (sums[0] + sums[1]) + (sums[2] + sums[3]);
    into.shifted_squares += (squares[0] + squares[1]) + (squares[2] + squares[3]);
    into.minimum = std::min(std::min(lows[0], lows[1]), std::min(lows[2], lows[3]));
    into.maximum = std::max(std::max(highs[0], highs[1]), std::max(highs[2], highs[3]));
}

}  // namespace detail

// The moments of every feature: state and model are the same value, one `moments` per feature.
struct column_moments {
    struct state {
        std::vector<moments> columns;    // empty until the first block, which fixes the width

        std::size_t rows() const { return columns.empty() ? 0 : static_cast<std::size_t>(columns[0].count); }
        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            archive.field("columns", columns);
        }
    };

    std::string_view stage = "column_moments";    // the name that errors bear

    state start() const { return {}; }

    void update(state& s, matrix_view<const double> block) const {
        if (block.rows == 0) return;
        if (s.columns.empty()) s.columns.resize(block.columns);
        detail::require_width(stage, block.columns, s.columns.size());
        detail::require_finite(stage, block, s.rows());
        constexpr std::size_t tile = 256;    // keeps a tile of interleaved features in the first-level cache
        for (std::size_t i = 0; i < block.rows; i += tile) {
            const std::size_t n = std::min(tile, block.rows - i);
            for (std::size_t j = 0; j < block.columns; ++j) {
                detail::add_values(s.columns[j], &block(i, j), n, block.row_stride);
                s.columns[j].centre();
            }
        }
    }

    void merge(state& s, const state& other) const {
        if (other.columns.empty()) return;
        if (s.columns.empty()) {
            s = other;
            return;
        }
        detail::require_width(stage, other.columns.size(), s.columns.size());
        for (std::size_t j = 0; j < s.columns.size(); ++j) s.columns[j].merge(other.columns[j]);
    }

    state finish(const state& s) const {
        if (s.rows() == 0) detail::throw_empty(stage);
        for (std::size_t j = 0; j < s.columns.size(); ++j) {
            if (detail::is_finite(s.columns[j].variance(0))) continue;
            throw error(error_details{.code = error_code::not_a_number,
                                      .stage = std::string(stage),
                                      .field = "feature " + std::to_string(j),
                                      .column = j + 1,
                                      .found = "values up to " + std::to_string(s.columns[j].maximum),
                                      .expected = "values whose squares are finite numbers",
                                      .advice = "measure this column in a larger unit"});
        }
        return s;
    }
};

}  // namespace SEGKIT_NAMESPACE
