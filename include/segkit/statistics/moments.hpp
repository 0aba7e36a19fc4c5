// segkit/statistics/moments.hpp: count, mean, variance, minimum and maximum of numbers, in one pass.
//
// `moments` is the accumulator of one column or one group (56 bytes, no division per value); column_moments.hpp has the estimator
// over all features of a matrix. Sums are kept about the first value, or about the mean so far where the first lies far out, so
// that an offset costs no digits (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include <segkit/config.hpp>
#include <segkit/detail/math.hpp>

namespace SEGKIT_NAMESPACE {

// The first value, or 0 where it is not finite: an infinity less itself would be NaN. Without a branch, since among many groups
// nobody can foretell which row is the first of its own.
inline double shift_for(std::int64_t count, double shift, double value) {
    const std::uint64_t is_first = 0 - std::uint64_t{count == 0};
    const std::uint64_t is_finite = 0 - std::uint64_t{value - value == 0};
    return std::bit_cast<double>((std::bit_cast<std::uint64_t>(shift) & ~is_first) | (std::bit_cast<std::uint64_t>(value) & is_first & is_finite));
}

// Count, sum and squares about a shift: what mean and variance need.
struct shifted_moments {
    static constexpr std::int64_t first_centred = 16;    // values, and then at every power of two

    std::int64_t count = 0;
    double shift = 0;              // the two sums are about it
    double shifted_sum = 0;
    double shifted_squares = 0;

    void update(double value) {
        shift = shift_for(count, shift, value);
        add(value);
    }
    // For many values whose first is known: begin(first), then add(value) for each of them.
    void begin(double value) { shift = shift_for(0, 0, value); }
    [[gnu::always_inline]] void add(double value) {
        add_calmly(value);
        if (count >= first_centred && (count & (count - 1)) == 0) [[unlikely]] centre();
    }
    // The same for as many values as need no centring.
    [[gnu::always_inline]] void add_calmly(double value) {
        const double y = value - shift;
        ++count;
        shifted_sum += y;
        shifted_squares += y * y;
    }
    std::int64_t calm_values() const {
        const std::uint64_t next = std::bit_ceil(static_cast<std::uint64_t>(count) + 1);
        return (static_cast<std::int64_t>(next) < first_centred ? first_centred : static_cast<std::int64_t>(next)) - count - 1;
    }
    void merge(const shifted_moments& other) {
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
        centre();
    }

    // 0 for no values, as a sum is; mean and variance are then NaN.
    double sum() const { return shift * static_cast<double>(count) + shifted_sum; }
    double mean() const { return count == 0 ? std::numeric_limits<double>::quiet_NaN() : shift + shifted_sum / static_cast<double>(count); }
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
    double standard_deviation(int ddof) const { return detail::math::sqrt(variance(ddof)); }

    friend bool operator==(const shifted_moments&, const shifted_moments&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("count", count);
        archive.field("shift", shift);
        archive.field("shifted_sum", shifted_sum);
        archive.field("shifted_squares", shifted_squares);
    }

    // Moves the shift to the mean when the spread is small beside their distance. Called as the count doubles, so that even a
    // first value far from all others costs a few digits at most; data without one never move, and whole numbers stay exact.
    [[gnu::noinline]] void centre() {
        const double n = static_cast<double>(count);
        if (shifted_squares == 0 || !(shifted_sum * shifted_sum > 0.75 * n * shifted_squares)) return;
        double step = shifted_sum / n;
        if (detail::math::fabs(step) > 64) step = detail::math::nearbyint(step);
        const double moved = (shift + step) - shift;
        shift += step;
        shifted_squares += moved * (moved * n - 2 * shifted_sum);
        shifted_sum -= moved * n;
    }
};

// The same with the least and the greatest value.
struct moments : shifted_moments {
    double minimum = 0;
    double maximum = 0;

    void update(double value) {
        if (count == 0) minimum = maximum = value;
        shifted_moments::update(value);
        minimum = value < minimum ? value : minimum;
        maximum = maximum < value ? value : maximum;
        if (value != value) minimum = maximum = value;    // stays: nothing is less than NaN or greater
    }
    void merge(const moments& other) {
        if (other.count == 0) return;
        if (count == 0) {
            *this = other;
            return;
        }
        shifted_moments::merge(other);
        minimum = other.minimum != other.minimum ? other.minimum : std::min(minimum, other.minimum);
        maximum = other.maximum != other.maximum ? other.maximum : std::max(maximum, other.maximum);
    }

    // Kept within the extremes, which rounding could leave by a last digit.
    double mean() const { return count == 0 ? std::numeric_limits<double>::quiet_NaN() : std::clamp(shifted_moments::mean(), minimum, maximum); }

    // Whether the variance is below its rounding error: what a column would show that is constant but for the last digits
    // of its values (each within four units in the last place) and the rounding of the two sums.
    bool is_constant() const {
        if (count == 0 || minimum == maximum) return true;
        constexpr double epsilon = std::numeric_limits<double>::epsilon();
        const double last_digits = 4 * epsilon * std::max(detail::math::fabs(minimum), detail::math::fabs(maximum));
        if (last_digits == 0) return false;    // too small for the bound to mean anything
        if (maximum - minimum <= last_digits) return true;
        return variance(0) < last_digits * last_digits + 8 * epsilon * (shifted_squares / static_cast<double>(count));
    }

    // Whether there is no deviation to divide by: of a constant, and of differences so small that their squares are zero.
    bool has_no_deviation() const { return is_constant() || sum_of_squared_deviations() == 0; }

    friend bool operator==(const moments&, const moments&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        shifted_moments::serialize(archive);
        archive.field("minimum", minimum);
        archive.field("maximum", maximum);
    }
};

}  // namespace SEGKIT_NAMESPACE
