// segkit/decompose/detail/pca_model.hpp: what a principal component analysis has learned, and its application to matrices.
//
//     dense_matrix<double> scores = model.transformed(rows, threads(2));
//     std::vector<double> errors = model.reconstruction_errors(rows);
//
// A plain value without Eigen. Applying it costs n_features * n_components multiplications a row, by the kernels of simd/products.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/statistics/detail/centred_rows.hpp>
#include <segkit/table/matrix.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// Rows less a shift, times a matrix, plus an offset; kept in the form that the kernels read.
class projection {
public:
    projection(std::size_t in, std::size_t out)
        : in_(in), out_(out), shift_(in), weights_(panels_of(in) * panel_width * padded()), offset_(padded()) {}

    double& shift(std::size_t j) { return shift_[j]; }
    double& weight(std::size_t j, std::size_t c) { return weights_.data()[j * padded() + c]; }
    double& offset(std::size_t c) { return offset_.data()[c]; }
    std::size_t padded() const { return panels_of(out_) * panel_width; }

    // Up to 128 rows, through a tile for `in` features. `out` is written row by row, `stride` apart.
    template <class T>
    void apply(centred_tile& tile, matrix_view<const T> rows, double* out, std::size_t stride) const {
        tile.shift_by(shift_.data());
        add_up(tile, rows, out, stride);
    }
    // All rows of a block, by tiles that leave most of the first-level cache to weights and rows; what comes after the next is fetched meanwhile.
    template <class T>
    void apply(matrix_view<const T> rows, matrix_view<double> out) const {
        centred_tile tile(in_);
        tile.shift_by(shift_.data());
        const std::size_t at_once = std::clamp(1024 / (tile.panels() * panel_width) / panel_width * panel_width, panel_width, panel_rows), ahead = 2 * at_once;
        std::vector<double> own(out.column_stride == 1 ? 0 : at_once * out_);
        for (std::size_t first = 0; first < rows.rows; first += at_once) {
            const std::size_t n = std::min(at_once, rows.rows - first);
            if (own.empty()) {
                const bool more = rows.column_stride == 1 && rows.row_stride == rows.columns && first + ahead + at_once <= rows.rows;
                add_up(tile, rows.row_range(first, n), out.values + first * out.row_stride, out.row_stride, more ? &rows(first + ahead, 0) : nullptr);
                continue;
            }
            add_up(tile, rows.row_range(first, n), own.data(), out_);
            for (std::size_t i = 0; i < n; ++i)
                for (std::size_t c = 0; c < out_; ++c) out(first + i, c) = own[i * out_ + c];
        }
    }

private:
    template <class T>
    void add_up(centred_tile& tile, matrix_view<const T> rows, double* out, std::size_t stride, const T* ahead = nullptr) const {
        tile.pack(rows);
        tile.kernels().project(tile.values(), tile.panels(), rows.rows, weights_.data(), padded(), offset_.data(), out_, out, stride, ahead);
    }

    std::size_t in_, out_;
    std::vector<double> shift_;
    aligned_doubles weights_;
    aligned_doubles offset_;
};

// The last block first: a fit has read it last, and it may still be in the cache.
template <class F>
void for_row_blocks(std::size_t rows, std::size_t columns, executor_ref executor, F f) {
    const row_blocks blocks(rows, columns);
    executor.run(blocks.count(), [&](std::size_t task) {
        const std::size_t b = blocks.count() - 1 - task;
        f(blocks.first(b), blocks.length(b));
    });
}

}  // namespace detail

struct pca_model {
    std::size_t n_rows = 0;
    std::size_t n_features = 0;
    std::size_t n_components = 0;
    std::vector<double> mean;
    std::vector<double> components;                  // n_components x n_features: one component after the other, each of length 1
    std::vector<double> explained_variance;          // sample variance (ddof 1) along each component, descending
    std::vector<double> explained_variance_ratio;    // share of the variance of all features; 0 if that is 0
    std::vector<double> singular_values;             // of the centred matrix
    bool whitened = false;                           // scores are divided by the deviation along their component

    double component(std::size_t c, std::size_t feature) const { return components[c * n_features + feature]; }
    // The component's entry times the deviation along it: a feature's covariance with the component's scores of variance 1, and of
    // features of variance 1 their correlation.
    double loading(std::size_t c, std::size_t feature) const { return component(c, feature) * std::sqrt(explained_variance[c]); }
    // What whitened scores are divided by: the deviation, or 1 where that is a rounding error of the largest.
    double whitening(std::size_t c) const {
        const double least = static_cast<double>(n_features) * std::numeric_limits<double>::epsilon() * explained_variance[0];
        return whitened && explained_variance[c] > least ? std::sqrt(explained_variance[c]) : 1;
    }

    // Scores of the rows: `out` has n_components columns and is another matrix. NaN and infinities of a row are in its scores.
    void transform(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const { score(rows, out, executor); }
    void transform(matrix_view<const float> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const { score(rows, out, executor); }
    dense_matrix<double> transformed(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const { return scores_of(rows, executor); }
    dense_matrix<double> transformed(matrix_view<const float> rows, executor_ref executor = detail::default_executor) const { return scores_of(rows, executor); }

    // The points that have these scores, in the features: exact with all components, else the nearest in the kept subspace.
    void inverse_transform(matrix_view<const double> scores, matrix_view<double> out, executor_ref executor = detail::default_executor) const {
        detail::require_width("pca", scores.columns, n_components);
        SEGKIT_ASSERT(out.rows == scores.rows && out.columns == n_features);
        const detail::projection back = from_scores(whitened, true);
        detail::for_row_blocks(scores.rows, n_features, executor, [&](std::size_t first, std::size_t n) { back.apply(scores.row_range(first, n), out.row_range(first, n)); });
    }

    // Per row the squared distance to the point that its scores give back. Over the rows of the fit their sum is (n_rows - 1) times the
    // variance that is not explained.
    std::vector<double> reconstruction_errors(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const { return errors_of(rows, executor); }
    std::vector<double> reconstruction_errors(matrix_view<const float> rows, executor_ref executor = detail::default_executor) const { return errors_of(rows, executor); }

    // Rows to scores, and centred features from scores, in the kernels' form.
    detail::projection to_scores() const { return to_scores(whitened); }

    friend bool operator==(const pca_model&, const pca_model&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("n_rows", n_rows);
        archive.field("n_features", n_features);
        archive.field("n_components", n_components);
        archive.field("mean", mean);
        archive.field("components", components);
        archive.field("explained_variance", explained_variance);
        archive.field("explained_variance_ratio", explained_variance_ratio);
        archive.field("singular_values", singular_values);
        archive.field("whitened", whitened);
        detail::require_one_model("pca", mean.size() == n_features && n_components <= n_features && components.size() == n_components * n_features &&
                                             explained_variance.size() == n_components && explained_variance_ratio.size() == n_components &&
                                             singular_values.size() == n_components);
        for (const auto* numbers : {&mean, &components, &explained_variance}) detail::require_finite_model("pca", *numbers);
    }

private:
    detail::projection to_scores(bool divided) const {
        detail::projection p(n_features, n_components);
        for (std::size_t j = 0; j < n_features; ++j) p.shift(j) = mean[j];
        for (std::size_t c = 0; c < n_components; ++c) {
            const double deviation = divided ? whitening(c) : 1;
            for (std::size_t j = 0; j < n_features; ++j) p.weight(j, c) = component(c, j) / deviation;
        }
        return p;
    }
    detail::projection from_scores(bool multiplied, bool with_mean) const {
        detail::projection p(n_components, n_features);
        for (std::size_t c = 0; c < n_components; ++c) {
            const double deviation = multiplied ? whitening(c) : 1;
            for (std::size_t j = 0; j < n_features; ++j) p.weight(c, j) = component(c, j) * deviation;
        }
        for (std::size_t j = 0; with_mean && j < n_features; ++j) p.offset(j) = mean[j];
        return p;
    }

    template <class T>
    void score(matrix_view<const T> rows, matrix_view<double> out, executor_ref executor) const {
        detail::require_width("pca", rows.columns, n_features);
        SEGKIT_ASSERT(out.rows == rows.rows && out.columns == n_components);
        const detail::projection scores = to_scores();
        detail::for_row_blocks(rows.rows, n_features, executor, [&](std::size_t first, std::size_t n) { scores.apply(rows.row_range(first, n), out.row_range(first, n)); });
    }
    template <class T>
    dense_matrix<double> scores_of(matrix_view<const T> rows, executor_ref executor) const {
        dense_matrix<double> out(rows.rows, n_components);
        score(rows, out.view(), executor);
        return out;
    }
    template <class T>
    std::vector<double> errors_of(matrix_view<const T> rows, executor_ref executor) const {
        detail::require_width("pca", rows.columns, n_features);
        std::vector<double> errors(rows.rows);
        const detail::projection there = to_scores(false), back = from_scores(false, false);
        detail::for_row_blocks(rows.rows, n_features, executor, [&](std::size_t first, std::size_t length) {
            detail::centred_tile points(n_features), scores(n_components);
            std::vector<double> scored(detail::panel_rows * n_components), given(detail::panel_rows * n_features);
            for (std::size_t i = first; i < first + length; i += detail::panel_rows) {
                const std::size_t n = std::min(detail::panel_rows, first + length - i);
                there.apply(points, rows.row_range(i, n), scored.data(), n_components);
                back.apply(scores, row_major<const double>(scored.data(), n, n_components), given.data(), n_features);
                for (std::size_t k = 0; k < n; ++k) {
                    double sum = 0;
                    for (std::size_t j = 0; j < n_features; ++j) {
                        const double lost = points(k, j) - given[k * n_features + j];
                        sum += lost * lost;
                    }
                    errors[i + k] = sum;
                }
            }
        });
        return errors;
    }
};

}  // namespace SEGKIT_NAMESPACE
