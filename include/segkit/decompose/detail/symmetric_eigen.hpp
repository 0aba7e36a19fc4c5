// segkit/decompose/detail/symmetric_eigen.hpp: the greatest eigenvalues of a symmetric matrix, and their eigenvectors.
//
//     const symmetric_eigen eigen(256, 8, [&](std::size_t i, std::size_t j) { return covariance(i, j); });    // size, wanted
//     eigen.value(0)                                   // descending
//     eigen.vectors(8)                                 // the first eight eigenvectors as columns
//
// Tridiagonal form, 4/3 n^3 operations. Few eigenvalues are then found by bisection, and their vectors by inverse iteration, each made
// orthogonal to those before (Parlett, "The symmetric eigenvalue problem", 1998, 3 and 4.2): O(n) operations each. They are checked, and
// where they are not eigenvectors to the last digits, or where many are wanted, implicit QR steps find all eigenvalues (Golub and Van
// Loan, "Matrix computations", 2013, 8.3), whose rotations are applied to the wanted eigenvectors only: O(n^2) operations each.
#pragma once

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/decompose/detail/tridiagonal.hpp>
#include <segkit/detail/aligned.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/simd/products.hpp>

namespace SEGKIT_NAMESPACE::detail {

class symmetric_eigen {
public:
    // `entry(i, j)` gives a finite number for j from i on.
    template <class Entry>
    symmetric_eigen(std::size_t size, std::size_t wanted, Entry entry)
        : size_(size), stride_(panels_of(size) * panel_width), matrix_(stride_ * stride_), diagonal_(size), beside_(size), weights_(size), order_(size) {
        double largest = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            order_[i] = i;
            for (std::size_t j = i; j < size_; ++j) largest = std::max(largest, std::fabs(entry(i, j)));
        }
        if (largest == 0) return;
        const power_of_two scale(largest);
        scale_ = scale.factor;
        for (std::size_t i = 0; i < size_; ++i) {
            double* const row = matrix_.data() + i * stride_;
            for (std::size_t j = i / panel_width * panel_width; j < i; ++j) row[j] = matrix_.data()[j * stride_ + i];
            for (std::size_t j = i; j < size_; ++j) row[j] = entry(i, j) * scale.inverse;
        }
        aligned_doubles room(3 * stride_);
        tridiagonal_kernels_for(simd_level()).reduce(matrix_.data(), size_, stride_, diagonal_.data(), beside_.data(), weights_.data(), room.data());
        if (wanted <= size_ / few && find_few(wanted)) return;
        diagonalise();
        std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return diagonal_[a] != diagonal_[b] ? diagonal_[a] > diagonal_[b] : a < b; });
    }

    double value(std::size_t c) const { return (few_.empty() ? diagonal_[order_[c]] : few_[c]) * scale_; }

    // The eigenvectors of the first `count` eigenvalues, of the wanted ones, each of length 1: n x count.
    Eigen::MatrixXd vectors(std::size_t count) const {
        const std::size_t padded = panels_of(count) * panel_width;
        aligned_doubles rows(size_ * padded);
        for (std::size_t c = 0; c < count; ++c) {
            if (few_.empty()) rows.data()[order_[c] * padded + c] = 1;
            else for (std::size_t i = 0; i < size_; ++i) rows.data()[i * padded + c] = few_vectors_[c * size_ + i];
        }
        if (few_.empty()) product_kernels_for(simd_level()).rotate(rows.data(), padded, cosines_.data(), sines_.data(), places_.data(), places_.size());
        if (scale_ > 0) tridiagonal_kernels_for(simd_level()).reflect(matrix_.data(), size_, stride_, weights_.data(), rows.data(), padded);
        Eigen::MatrixXd out(static_cast<Eigen::Index>(size_), static_cast<Eigen::Index>(count));
        for (std::size_t c = 0; c < count; ++c)
            for (std::size_t i = 0; i < size_; ++i) out(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(c)) = rows.data()[i * padded + c];
        return out;
    }

private:
    static constexpr std::size_t few = 8;    // up to an eighth of all eigenvalues; of more, QR steps cost less
    static constexpr double epsilon = std::numeric_limits<double>::epsilon();

    // Values and vectors of the tridiagonal matrix; false, and nothing, where these would not be exact.
    bool find_few(std::size_t wanted) {
        double bound = 0;    // no eigenvalue is larger (Gershgorin)
        for (std::size_t i = 0; i < size_; ++i)
            bound = std::max(bound, std::fabs(diagonal_[i]) + (i > 0 ? std::fabs(beside_[i - 1]) : 0.0) + (i + 1 < size_ ? std::fabs(beside_[i]) : 0.0));
        bisect(wanted, bound);
        few_vectors_.resize(wanted * size_);
        shifted_tridiagonal shifted(size_);
        const counter_random random(0, 7);
        bool exact = true;
        for (std::size_t c = 0; c < wanted && exact; ++c) {
            double* const x = few_vectors_.data() + c * size_;
            for (std::size_t i = 0; i < size_; ++i) x[i] = random.uniform(c * size_ + i) - 0.5;
            shifted.factor(diagonal_, beside_, few_[c], bound * epsilon);
            exact = false;
            for (int step = 0; step < 4 && !exact; ++step) {    // two are nearly always enough
                shifted.solve(x);
                normalise(x);
                for (std::size_t before = 0; before < c; ++before) remove(few_vectors_.data() + before * size_, x);
                normalise(x);
                exact = step > 0 && is_exact(c, bound);
            }
        }
        if (!exact) few_.clear();
        return exact;
    }

    // The greatest eigenvalues, eight at a time, to the last digit of the greatest.
    void bisect(std::size_t wanted, double bound) {
        std::vector<double> squares(size_);
        aligned_doubles room(size_ * 8);
        for (std::size_t i = 0; i + 1 < size_; ++i) squares[i] = beside_[i] * beside_[i] + std::numeric_limits<double>::min();
        const tridiagonal_kernels& kernels = tridiagonal_kernels_for(simd_level());
        few_.resize(wanted);
        for (std::size_t first = 0; first < wanted; first += 8) {
            double low[8], high[8], middle[8];
            std::uint64_t less[8];
            for (std::size_t c = 0; c < 8; ++c) {
                low[c] = -bound;
                high[c] = bound;
            }
            for (double width = 2 * bound; width > bound * epsilon / 2; width /= 2) {
                for (std::size_t c = 0; c < 8; ++c) middle[c] = low[c] + (high[c] - low[c]) / 2;
                kernels.count_less(diagonal_.data(), squares.data(), size_, middle, less, room.data());
                for (std::size_t c = 0; c < 8; ++c) (less[c] + first + c < size_ ? low[c] : high[c]) = middle[c];
            }
            for (std::size_t c = 0; c < 8 && first + c < wanted; ++c) few_[first + c] = low[c] + (high[c] - low[c]) / 2;
        }
    }

    // Whether a vector has a residual of rounding errors only, and is orthogonal to those before.
    bool is_exact(std::size_t c, double bound) const {
        constexpr double roundings = 64 * epsilon;
        const double* const x = few_vectors_.data() + c * size_;
        for (std::size_t i = 0; i < size_; ++i) {
            const double residual = (diagonal_[i] - few_[c]) * x[i] + (i > 0 ? beside_[i - 1] * x[i - 1] : 0.0) + (i + 1 < size_ ? beside_[i] * x[i + 1] : 0.0);
            if (!is_finite(residual) || !(std::fabs(residual) <= roundings * bound)) return false;
        }
        for (std::size_t before = 0; before < c; ++before)
            if (!(std::fabs(dot(few_vectors_.data() + before * size_, x)) <= roundings)) return false;
        return std::fabs(dot(x, x) - 1) <= roundings;
    }

    // Four sums, so that additions do not wait for each other.
    double dot(const double* x, const double* y) const {
        double sums[4] = {};
        std::size_t i = 0;
        for (; i + 4 <= size_; i += 4)
            for (std::size_t r = 0; r < 4; ++r) sums[r] += x[i + r] * y[i + r];
        for (; i < size_; ++i) sums[0] += x[i] * y[i];
        return (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
    void remove(const double* direction, double* x) const {
        const double along = dot(direction, x);
        for (std::size_t i = 0; i < size_; ++i) x[i] -= along * direction[i];
    }
    void normalise(double* x) const {
        double largest = 0;
        for (std::size_t i = 0; i < size_; ++i) largest = std::max(largest, std::fabs(x[i]));
        for (std::size_t i = 0; i < size_; ++i) x[i] /= largest;
        const double inverse = 1 / std::sqrt(dot(x, x));
        for (std::size_t i = 0; i < size_; ++i) x[i] *= inverse;
    }

    // Triangular factors of a tridiagonal matrix less a shift, with row exchanges. A pivot of zero is replaced by `least`.
    class shifted_tridiagonal {
    public:
        explicit shifted_tridiagonal(std::size_t size) : pivots_(size), upper_(size), above_(size), factors_(size), exchanged_(size) {}

        void factor(const std::vector<double>& diagonal, const std::vector<double>& beside, double shift, double least) {
            const std::size_t n = pivots_.size();
            double pivot = diagonal[0] - shift, next = n > 1 ? beside[0] : 0;
            for (std::size_t i = 0; i + 1 < n; ++i) {
                const double below = beside[i], own = diagonal[i + 1] - shift, after = i + 2 < n ? beside[i + 1] : 0;
                exchanged_[i] = std::fabs(below) > std::max(std::fabs(pivot), least);
                if (exchanged_[i]) {
                    factors_[i] = pivot / below;
                    pivots_[i] = 1 / below;
                    upper_[i] = own;
                    above_[i] = after;
                    pivot = next - factors_[i] * own;
                    next = -factors_[i] * after;
                } else {
                    if (std::fabs(pivot) < least) pivot = least;
                    factors_[i] = below / pivot;
                    pivots_[i] = 1 / pivot;
                    upper_[i] = next;
                    above_[i] = 0;
                    pivot = own - factors_[i] * next;
                    next = after;
                }
            }
            pivots_[n - 1] = 1 / (std::fabs(pivot) < least ? least : pivot);
        }
        void solve(double* x) const {
            const std::size_t n = pivots_.size();
            for (std::size_t i = 0; i + 1 < n; ++i) {
                const double own = exchanged_[i] ? x[i + 1] : x[i], other = exchanged_[i] ? x[i] : x[i + 1];
                x[i] = own;
                x[i + 1] = other - factors_[i] * own;
            }
            double after = 0, beyond = 0;
            for (std::size_t i = n; i-- > 0;) {
                x[i] = (x[i] - upper_[i] * after - above_[i] * beyond) * pivots_[i];
                beyond = after;
                after = x[i];
            }
        }

    private:
        std::vector<double> pivots_, upper_, above_, factors_;    // pivots inverted
        std::vector<std::uint8_t> exchanged_;
    };

    // Diagonalises the tridiagonal matrix from the bottom up.
    void diagonalise() {
        auto negligible = [&](std::size_t i) {
            return std::fabs(beside_[i]) <= epsilon * (std::fabs(diagonal_[i]) + std::fabs(diagonal_[i + 1])) || std::fabs(beside_[i]) < std::numeric_limits<double>::min();
        };
        std::size_t last = size_ - 1, steps_left = 60 * size_;    // two or three steps an eigenvalue are usual
        while (last > 0 && steps_left-- > 0) {
            if (negligible(last - 1)) {
                beside_[--last] = 0;
                continue;
            }
            std::size_t first = last - 1;
            while (first > 0 && !negligible(first - 1)) --first;
            if (first > 0) beside_[first - 1] = 0;
            step(first, last);
        }
    }

    // One implicit QR step on rows first .. last, with Wilkinson's shift.
    void step(std::size_t first, std::size_t last) {
        const double half = (diagonal_[last - 1] - diagonal_[last]) / 2, end = beside_[last - 1], root = std::hypot(half, end);
        const double shift = diagonal_[last] - end * (end / (half + (half < 0 ? -root : root)));
        double x = diagonal_[first] - shift, bulge = beside_[first];
        for (std::size_t k = first; k < last; ++k) {
            const double length = std::sqrt(x * x + bulge * bulge), scale = length == 0 ? 0 : 1 / length;    // at most about 1, and 0 below 1e-154
            const double c = length == 0 ? 1 : x * scale, s = -bulge * scale;
            if (k > first) beside_[k - 1] = length;
            const double upper = diagonal_[k], lower = diagonal_[k + 1], off = beside_[k];
            const double sum = s * upper + c * off, next = s * off + c * lower;
            diagonal_[k] = c * (c * upper - s * off) - s * (c * off - s * lower);
            diagonal_[k + 1] = s * sum + c * next;
            beside_[k] = c * sum - s * next;
            x = beside_[k];
            if (k + 1 < last) {
                bulge = -s * beside_[k + 1];
                beside_[k + 1] *= c;
            }
            cosines_.push_back(c);
            sines_.push_back(s);
            places_.push_back(static_cast<std::uint32_t>(k));
        }
    }

    std::size_t size_, stride_;
    double scale_ = 0;
    aligned_doubles matrix_;    // then the reflections
    std::vector<double> diagonal_, beside_, weights_;
    std::vector<double> few_, few_vectors_;    // what find_few has found
    std::vector<std::size_t> order_;
    std::vector<double> cosines_, sines_;
    std::vector<std::uint32_t> places_;
};

}  // namespace SEGKIT_NAMESPACE::detail
