// segkit/statistics/pair_moments.hpp: covariance and correlation of two columns, in one pass.
//
// The accumulator of one pair or one group of pairs: 64 bytes, no division per value. Like `moments`, sums are kept about the first
// pair, or about the means so far where it lies far out, so that an offset costs no digits (Chan, Golub and LeVeque, 1983).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include <segkit/config.hpp>
#include <segkit/detail/math.hpp>

namespace SEGKIT_NAMESPACE {

struct pair_moments {
    std::int64_t count = 0;
    double shift_x = 0, shift_y = 0;    // the sums are about these
    double sum_x = 0, sum_y = 0;
    double squares_x = 0, squares_y = 0;
    double products = 0;

    template <class X, class Y>
    void update(X x, Y y) {
        add(static_cast<double>(x), static_cast<double>(y));
    }
    void add(double x, double y) {
        if (count == 0) {
            shift_x = x - x == 0 ? x : 0;    // an infinity less itself would be NaN
            shift_y = y - y == 0 ? y : 0;
        }
        const double a = x - shift_x, b = y - shift_y;
        ++count;
        sum_x += a;
        sum_y += b;
        squares_x += a * a;
        squares_y += b * b;
        products += a * b;
        if ((count & (count - 1)) == 0) centre();
    }

    void merge(const pair_moments& other) {
        if (other.count == 0) return;
        if (count == 0) {
            *this = other;
            return;
        }
        const double n = static_cast<double>(other.count);
        const double a = other.shift_x - shift_x, b = other.shift_y - shift_y;
        squares_x += other.squares_x + 2 * a * other.sum_x + a * a * n;
        squares_y += other.squares_y + 2 * b * other.sum_y + b * b * n;
        products += other.products + a * other.sum_y + b * other.sum_x + a * b * n;
        sum_x += other.sum_x + a * n;
        sum_y += other.sum_y + b * n;
        count += other.count;
        centre();
    }

    // Divided by count - ddof: 0 gives the population's covariance, 1 the sample's. NaN when that is not positive.
    double covariance(int ddof) const {
        if (count <= ddof) return std::numeric_limits<double>::quiet_NaN();
        return (products - sum_x * (sum_y / static_cast<double>(count))) / static_cast<double>(count - ddof);
    }
    // Pearson's, from -1 to 1. NaN for fewer than two pairs and where a column is constant.
    double correlation() const {
        if (count < 2 || is_constant()) return std::numeric_limits<double>::quiet_NaN();
        const double r = covariance(0) / (detail::math::sqrt(variance(squares_x, sum_x)) * detail::math::sqrt(variance(squares_y, sum_y)));
        return std::clamp(r, -1.0, 1.0);    // rounding may leave it by a last digit; NaN stays
    }
    // Whether one of the columns does not vary.
    bool is_constant() const { return variance(squares_x, sum_x) <= 0 || variance(squares_y, sum_y) <= 0; }

    friend bool operator==(const pair_moments&, const pair_moments&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("count", count);
        archive.field("shift_x", shift_x);
        archive.field("shift_y", shift_y);
        archive.field("sum_x", sum_x);
        archive.field("sum_y", sum_y);
        archive.field("squares_x", squares_x);
        archive.field("squares_y", squares_y);
        archive.field("products", products);
    }

private:
    double variance(double squares, double sum) const {
        const double n = static_cast<double>(count);
        return (squares - sum * (sum / n)) / n;
    }
    // As moments::centre, for each of the two.
    void centre() {
        const double x = step(sum_x, squares_x, shift_x);
        if (x != 0) {
            squares_x += x * (x * static_cast<double>(count) - 2 * sum_x);
            sum_x -= x * static_cast<double>(count);
            products -= x * sum_y;
            shift_x += x;
        }
        const double y = step(sum_y, squares_y, shift_y);
        if (y != 0) {
            squares_y += y * (y * static_cast<double>(count) - 2 * sum_y);
            sum_y -= y * static_cast<double>(count);
            products -= y * sum_x;
            shift_y += y;
        }
    }
    // How far a shift moves: to the mean, where the spread is small beside their distance.
    double step(double sum, double squares, double shift) const {
        const double n = static_cast<double>(count);
        if (squares == 0 || !(sum * sum > 0.75 * n * squares)) return 0;
        double to_mean = sum / n;
        if (detail::math::fabs(to_mean) > 64) to_mean = detail::math::nearbyint(to_mean);
        return (shift + to_mean) - shift;
    }
};

}  // namespace SEGKIT_NAMESPACE
