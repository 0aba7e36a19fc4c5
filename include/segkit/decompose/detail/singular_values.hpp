// segkit/decompose/detail/singular_values.hpp: the triangular factor of centred rows, and singular values by rotations.
//
//     add_to_factor(factor, d, rows, m)              // factor' * factor += rows' * rows, without ever forming either product
//     const one_sided_jacobi svd(matrix);            // values descending, right vectors as columns
//
// Householder reflections (Golub and Van Loan, "Matrix computations", 2013, 5.2) and Hestenes' one-sided rotations (1958; relative accuracy:
// Demmel and Veselic, 1992): errors are relative to the largest singular value, where a covariance has them relative to its square.
#pragma once

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

// In lanes, so that additions do not wait for each other; n is a multiple of 8.
inline double dot_of(const double* a, const double* b, std::size_t n) {
    double lanes[8] = {};
    for (std::size_t i = 0; i < n; i += 8)
        for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

// Makes the upper triangular d x d factor, row by row, that of its own rows and of `rows`: m x d values feature by feature, m a multiple of 8,
// which are overwritten. 2 m d^2 operations.
inline void add_to_factor(double* factor, std::size_t d, double* rows, std::size_t m) {
    for (std::size_t k = 0; k < d; ++k) {
        double* const x = rows + k * m;
        const double squares = dot_of(x, x, m);
        if (squares == 0) continue;
        double& corner = factor[k * d + k];
        const double length = std::sqrt(corner * corner + squares), end = corner > 0 ? -length : length;
        const double start = corner - end, weight = -start / end;
        for (std::size_t i = 0; i < m; ++i) x[i] /= start;
        corner = end;
        for (std::size_t j = k + 1; j < d; ++j) {
            double* const other = rows + j * m;
            const double along = weight * (factor[k * d + j] + dot_of(x, other, m));
            factor[k * d + j] -= along;
            for (std::size_t i = 0; i < m; ++i) other[i] -= along * x[i];
        }
    }
}

class one_sided_jacobi {
public:
    explicit one_sided_jacobi(Eigen::MatrixXd a) : vectors_(Eigen::MatrixXd::Identity(a.cols(), a.cols())) {
        const Eigen::Index n = a.cols();
        bool turned = true;
        for (int sweep = 0; turned && sweep < 60; ++sweep) {    // eight or so are usual
            turned = false;
            for (Eigen::Index p = 0; p + 1 < n; ++p)
                for (Eigen::Index q = p + 1; q < n; ++q) turned = turn(a, p, q) || turned;
        }
        for (Eigen::Index c = 0; c < n; ++c) order_.push_back(c);
        std::vector<double> norms;
        for (Eigen::Index c = 0; c < n; ++c) norms.push_back(a.col(c).norm());
        std::sort(order_.begin(), order_.end(), [&](Eigen::Index x, Eigen::Index y) {
            const double left = norms[static_cast<std::size_t>(x)], right = norms[static_cast<std::size_t>(y)];
            return left != right ? left > right : x < y;
        });
        for (Eigen::Index c : order_) values_.push_back(norms[static_cast<std::size_t>(c)]);
    }

    double value(std::size_t c) const { return values_[c]; }
    auto vector(std::size_t c) const { return vectors_.col(order_[c]); }

private:
    // Makes two columns orthogonal; false where they are.
    bool turn(Eigen::MatrixXd& a, Eigen::Index p, Eigen::Index q) {
        const double left = a.col(p).squaredNorm(), right = a.col(q).squaredNorm(), both = a.col(p).dot(a.col(q));
        if (!(std::fabs(both) > std::numeric_limits<double>::epsilon() * std::sqrt(left) * std::sqrt(right))) return false;
        const double ratio = (right - left) / (2 * both), t = (ratio < 0 ? -1 : 1) / (std::fabs(ratio) + std::sqrt(1 + ratio * ratio));
        const double c = 1 / std::sqrt(1 + t * t), s = c * t;
        for (Eigen::MatrixXd* m : {&a, &vectors_}) {
            double *x = m->data() + p * m->rows(), *y = m->data() + q * m->rows();
            for (Eigen::Index i = 0; i < m->rows(); ++i) {
                const double before = x[i];
                x[i] = c * before - s * y[i];
                y[i] = s * before + c * y[i];
            }
        }
        return true;
    }

    Eigen::MatrixXd vectors_;
    std::vector<Eigen::Index> order_;
    std::vector<double> values_;
};

}  // namespace SEGKIT_NAMESPACE::detail
