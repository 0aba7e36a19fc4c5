// segkit/decompose/detail/symmetric_eigen.hpp: the eigenvalues of a symmetric matrix, and the eigenvectors of the greatest.
//
//     const symmetric_eigen eigen(matrix);
//     eigen.value(0)                                   // descending
//     eigen.vectors(8)                                 // the first eight eigenvectors as columns
//
// Tridiagonalisation by Eigen, then implicit QR steps (Golub and Van Loan, "Matrix computations", 2013, 8.3) whose rotations are kept
// and applied to the wanted eigenvectors only: 4/3 n^3 + O(n^2) operations a vector; accumulating them for all costs ten times that.
#pragma once

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/simd/products.hpp>

namespace SEGKIT_NAMESPACE::detail {

class symmetric_eigen {
public:
    // Reads the lower triangle of a matrix of finite numbers.
    explicit symmetric_eigen(const Eigen::MatrixXd& matrix) : size_(static_cast<std::size_t>(matrix.rows())), diagonal_(size_), order_(size_) {
        for (std::size_t i = 0; i < size_; ++i) order_[i] = i;
        for (Eigen::Index j = 0; j < matrix.cols(); ++j) scale_ = std::max(scale_, matrix.col(j).tail(matrix.rows() - j).cwiseAbs().maxCoeff());
        if (scale_ == 0) return;
        if (size_ == 1) {
            diagonal_[0] = 1;
            scale_ = matrix(0, 0);
            return;
        }
        Eigen::MatrixXd scaled = Eigen::MatrixXd::Zero(matrix.rows(), matrix.cols());
        for (Eigen::Index j = 0; j < matrix.cols(); ++j) scaled.col(j).tail(matrix.rows() - j) = matrix.col(j).tail(matrix.rows() - j) / scale_;
        tridiagonal_.compute(scaled);
        std::vector<double> beside(size_ - 1);
        for (std::size_t i = 0; i < size_; ++i) diagonal_[i] = tridiagonal_.diagonal()(static_cast<Eigen::Index>(i));
        for (std::size_t i = 0; i + 1 < size_; ++i) beside[i] = tridiagonal_.subDiagonal()(static_cast<Eigen::Index>(i));
        diagonalise(beside);
        std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return diagonal_[a] != diagonal_[b] ? diagonal_[a] > diagonal_[b] : a < b; });
    }

    double value(std::size_t c) const { return diagonal_[order_[c]] * scale_; }

    // The eigenvectors of the first `count` eigenvalues, each of length 1: n x count.
    Eigen::MatrixXd vectors(std::size_t count) const {
        const std::size_t padded = panels_of(count) * panel_width;
        aligned_doubles rotated(size_ * padded);
        for (std::size_t c = 0; c < count; ++c) rotated.data()[order_[c] * padded + c] = 1;
        product_kernels_for(simd_level()).rotate(rotated.data(), padded, cosines_.data(), sines_.data(), places_.data(), places_.size());
        Eigen::MatrixXd out(static_cast<Eigen::Index>(size_), static_cast<Eigen::Index>(count));
        for (std::size_t c = 0; c < count; ++c)
            for (std::size_t i = 0; i < size_; ++i) out(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(c)) = rotated.data()[i * padded + c];
        if (size_ > 1 && scale_ != 0) out.applyOnTheLeft(tridiagonal_.matrixQ());
        return out;
    }

private:
    // Diagonalises the tridiagonal matrix from the bottom up.
    void diagonalise(std::vector<double>& beside) {
        constexpr double epsilon = std::numeric_limits<double>::epsilon();
        auto negligible = [&](std::size_t i) {
            return std::fabs(beside[i]) <= epsilon * (std::fabs(diagonal_[i]) + std::fabs(diagonal_[i + 1])) || std::fabs(beside[i]) < std::numeric_limits<double>::min();
        };
        std::size_t last = size_ - 1, steps_left = 60 * size_;    // two or three steps an eigenvalue are usual
        while (last > 0 && steps_left-- > 0) {
            if (negligible(last - 1)) {
                beside[--last] = 0;
                continue;
            }
            std::size_t first = last - 1;
            while (first > 0 && !negligible(first - 1)) --first;
            if (first > 0) beside[first - 1] = 0;
            step(beside, first, last);
        }
    }

    // One implicit QR step on rows first .. last, with Wilkinson's shift.
    void step(std::vector<double>& beside, std::size_t first, std::size_t last) {
        const double half = (diagonal_[last - 1] - diagonal_[last]) / 2, end = beside[last - 1], root = std::hypot(half, end);
        const double shift = diagonal_[last] - end * (end / (half + (half < 0 ? -root : root)));
        double x = diagonal_[first] - shift, bulge = beside[first];
        for (std::size_t k = first; k < last; ++k) {
            const double length = std::sqrt(x * x + bulge * bulge), scale = length == 0 ? 0 : 1 / length;    // at most about 1, and 0 below 1e-154
            const double c = length == 0 ? 1 : x * scale, s = -bulge * scale;
            if (k > first) beside[k - 1] = length;
            const double upper = diagonal_[k], lower = diagonal_[k + 1], off = beside[k];
            const double sum = s * upper + c * off, next = s * off + c * lower;
            diagonal_[k] = c * (c * upper - s * off) - s * (c * off - s * lower);
            diagonal_[k + 1] = s * sum + c * next;
            beside[k] = c * sum - s * next;
            x = beside[k];
            if (k + 1 < last) {
                bulge = -s * beside[k + 1];
                beside[k + 1] *= c;
            }
            cosines_.push_back(c);
            sines_.push_back(s);
            places_.push_back(static_cast<std::uint32_t>(k));
        }
    }

    std::size_t size_;
    double scale_ = 0;
    Eigen::Tridiagonalization<Eigen::MatrixXd> tridiagonal_;
    std::vector<double> diagonal_;
    std::vector<std::size_t> order_;
    std::vector<double> cosines_, sines_;
    std::vector<std::uint32_t> places_;
};

}  // namespace SEGKIT_NAMESPACE::detail
