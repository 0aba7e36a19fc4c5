// segkit/decompose/detail/singular_values.hpp: singular values and right singular vectors of a square matrix.
//
//     const one_sided_jacobi svd(matrix);
//     svd.value(0), svd.vector(0)                    // values descend
//
// Hestenes' one-sided rotations (1958; accuracy: Demmel and Veselic, 1992): errors are relative to the largest singular value, where a
// covariance has them relative to its square. About eight sweeps of 7 n^3 operations.
#pragma once

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

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
