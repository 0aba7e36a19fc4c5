// segkit/decompose/detail/singular_values.hpp: singular values and right singular vectors of a square matrix.
//
//     const one_sided_jacobi svd(size, [&](std::size_t i, std::size_t j) { return factor(i, j); });
//     svd.value(0), svd.vector(0)                    // values descend
//
// Hestenes' one-sided rotations (1958; accuracy: Demmel and Veselic, 1992) of the rows, which end as the right vectors times their values:
// errors are relative to the largest singular value, where a covariance has them relative to its square. About eight sweeps of 3 n^3
// operations, fewer for a triangular factor.
#pragma once

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/decompose/detail/tridiagonal.hpp>
#include <segkit/detail/aligned.hpp>

namespace SEGKIT_NAMESPACE::detail {

// One sweep over all pairs of rows; returns how many were turned. `squares` holds the squared lengths of the rows.
template <class Lanes>
[[gnu::always_inline]] inline std::size_t jacobi_sweep_body(double* rows, std::size_t size, std::size_t stride, double* squares) {
    const double tolerance = std::sqrt(static_cast<double>(size)) * std::numeric_limits<double>::epsilon();    // of a sum of so many products
    std::size_t turned = 0;
    for (std::size_t p = 0; p < size; ++p) squares[p] = dot_product<Lanes>(rows + p * stride, rows + p * stride, 0, stride);
    for (std::size_t p = 0; p + 1 < size; ++p) {
        double* const x = rows + p * stride;
        for (std::size_t q = p + 1; q < size; ++q) {
            double* const y = rows + q * stride;
            const double both = dot_product<Lanes>(x, y, 0, stride);
            if (!(std::fabs(both) > tolerance * std::sqrt(squares[p]) * std::sqrt(squares[q]))) continue;
            const double ratio = (squares[q] - squares[p]) / (2 * both), t = (ratio < 0 ? -1 : 1) / (std::fabs(ratio) + std::sqrt(1 + ratio * ratio));
            const double cosine = 1 / std::sqrt(1 + t * t), sine = cosine * t;
            for (std::size_t c = 0; c < stride; c += 8) {
                octet<Lanes> a, b, turned_a, turned_b;
                a.load(x + c);
                b.load(y + c);
                turned_a.clear();
                turned_a.add(a, cosine);
                turned_a.subtract(b, sine);
                turned_b.clear();
                turned_b.add(a, sine);
                turned_b.add(b, cosine);
                turned_a.store(x + c);
                turned_b.store(y + c);
            }
            const double before_p = squares[p], before_q = squares[q];
            squares[p] -= t * both;
            squares[q] += t * both;
            // Lengths of which little is left have lost their digits.
            if (squares[p] < before_p / 16) squares[p] = dot_product<Lanes>(x, x, 0, stride);
            if (squares[q] < before_q / 16) squares[q] = dot_product<Lanes>(y, y, 0, stride);
            ++turned;
        }
    }
    return turned;
}

struct jacobi_sweep_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(double* rows, std::size_t size, std::size_t stride, double* squares, std::size_t* turned) {
        *turned = jacobi_sweep_body<Lanes>(rows, size, stride, squares);
    }
};
inline auto jacobi_sweep_for([[maybe_unused]] instruction_set level) {
    void (*sweep)(double*, std::size_t, std::size_t, double*, std::size_t*) = run_base<jacobi_sweep_kernel>;
#if SEGKIT_SIMD_LEVELS
    if (level == instruction_set::avx2) sweep = run_avx2<jacobi_sweep_kernel>;
    if (level == instruction_set::avx512) sweep = run_avx512<jacobi_sweep_kernel>;
#endif
    return sweep;
}

class one_sided_jacobi {
public:
    // `entry(i, j)` gives a finite number.
    template <class Entry>
    one_sided_jacobi(std::size_t size, Entry entry) : size_(size), stride_(panels_of(size) * panel_width), rows_(size * stride_), values_(size), order_(size) {
        double largest = 0;
        for (std::size_t i = 0; i < size_; ++i)
            for (std::size_t j = 0; j < size_; ++j) largest = std::max(largest, std::fabs(entry(i, j)));
        const power_of_two scale(largest);
        for (std::size_t i = 0; i < size_; ++i) {
            order_[i] = i;
            for (std::size_t j = 0; j < size_; ++j) row(i)[j] = entry(i, j) * scale.inverse;
        }
        const auto sweep = jacobi_sweep_for(simd_level());
        std::size_t turned = 1;
        for (int sweeps = 0; turned > 0 && sweeps < 60; ++sweeps) sweep(rows_.data(), size_, stride_, values_.data(), &turned);    // eight or so are usual
        std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return values_[a] != values_[b] ? values_[a] > values_[b] : a < b; });
        for (std::size_t c = 0; c < size_; ++c) {
            double& value = values_[order_[c]];
            if (value > least) divide(row(order_[c]), std::sqrt(value));
            else complete(c);
            value = value > least ? std::sqrt(value) * scale.factor : 0;
        }
    }

    double value(std::size_t c) const { return values_[order_[c]]; }
    auto vector(std::size_t c) const { return Eigen::Map<const Eigen::VectorXd>(rows_.data() + order_[c] * stride_, static_cast<Eigen::Index>(size_)); }

private:
    static constexpr double least = 1e-280;    // a squared length, of rows whose largest number is about 1

    double* row(std::size_t i) { return rows_.data() + i * stride_; }
    void divide(double* x, double by) const {
        for (std::size_t j = 0; j < size_; ++j) x[j] /= by;
    }
    // A row of zeros gives no direction: what the vectors before it leave of the unit vector that they leave most of.
    void complete(std::size_t c) {
        std::size_t axis = 0;
        double most = -1;
        for (std::size_t j = 0; j < size_; ++j) {
            double left = 1;
            for (std::size_t b = 0; b < c; ++b) left -= row(order_[b])[j] * row(order_[b])[j];
            if (left > most + 1e-9) {
                most = left;
                axis = j;
            }
        }
        double* const x = row(order_[c]);
        std::fill_n(x, size_, 0.0);
        x[axis] = 1;
        for (int again = 0; again < 2; ++again) {
            for (std::size_t b = 0; b < c; ++b) {
                double along = 0;
                for (std::size_t j = 0; j < size_; ++j) along += row(order_[b])[j] * x[j];
                for (std::size_t j = 0; j < size_; ++j) x[j] -= along * row(order_[b])[j];
            }
            double squares = 0;
            for (std::size_t j = 0; j < size_; ++j) squares += x[j] * x[j];
            divide(x, std::sqrt(squares));
        }
    }

    std::size_t size_, stride_;
    aligned_doubles rows_;
    std::vector<double> values_;    // squared lengths of the rows, then their lengths
    std::vector<std::size_t> order_;
};

}  // namespace SEGKIT_NAMESPACE::detail
