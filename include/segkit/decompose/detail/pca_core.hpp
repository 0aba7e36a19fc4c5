// segkit/decompose/detail/pca_core.hpp: principal components of a matrix, by the eigenvectors of its covariance (Pearson, 1901;
// Jolliffe, "Principal component analysis", 2002).
//
//     auto model = segkit::estimate(segkit::pca_estimator{{.n_components = 2}}, matrix);
//     model.transform(matrix, scores);
//
// One pass over the rows (co_moments), then O(d^3). Eigenvalues are exact to about 1e-15 of the largest. Includes Eigen; the model does not.
#pragma once

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/statistics/co_moments.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct pca_options {
    std::size_t n_components = 0;    // 0: all, the lesser of rows and features
    double variance_share = 0;       // instead: as many components as explain at least this share of the variance; 0: not used
};

struct pca_model {
    std::size_t n_rows = 0;
    std::size_t n_features = 0;
    std::size_t n_components = 0;
    std::vector<double> mean;
    std::vector<double> components;                  // n_components x n_features: one component after the other, each of length 1
    std::vector<double> explained_variance;          // sample variance (ddof 1) along each component, descending
    std::vector<double> explained_variance_ratio;    // share of the variance of all features; 0 if that is 0
    std::vector<double> singular_values;             // of the centred matrix

    double component(std::size_t c, std::size_t feature) const { return components[c * n_features + feature]; }

    // Scores of the rows: `out` has n_components columns and is another matrix.
    void transform(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const {
        detail::require_width("pca", rows.columns, n_features);
        SEGKIT_ASSERT(out.rows == rows.rows && out.columns == n_components);
        for_rows(rows.rows, executor, [&](std::size_t i) {
            for (std::size_t c = 0; c < n_components; ++c) {
                double sum = 0;
                for (std::size_t j = 0; j < n_features; ++j) sum += (rows(i, j) - mean[j]) * component(c, j);
                out(i, c) = sum;
            }
        });
    }

    // The points that have these scores, in the features: exact with all components, else the nearest in the kept subspace.
    void inverse_transform(matrix_view<const double> scores, matrix_view<double> out, executor_ref executor = detail::default_executor) const {
        detail::require_width("pca", scores.columns, n_components);
        SEGKIT_ASSERT(out.rows == scores.rows && out.columns == n_features);
        for_rows(scores.rows, executor, [&](std::size_t i) {
            for (std::size_t j = 0; j < n_features; ++j) {
                double sum = mean[j];
                for (std::size_t c = 0; c < n_components; ++c) sum += scores(i, c) * component(c, j);
                out(i, j) = sum;
            }
        });
    }

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
        detail::require_one_model("pca", mean.size() == n_features && n_components <= n_features && components.size() == n_components * n_features &&
                                             explained_variance.size() == n_components && explained_variance_ratio.size() == n_components &&
                                             singular_values.size() == n_components);
    }

private:
    template <class F>
    static void for_rows(std::size_t rows, executor_ref executor, F f) {
        const detail::row_blocks blocks(rows);
        executor.run(blocks.count(), [&](std::size_t b) {
            const std::size_t end = blocks.first(b) + blocks.length(b);
            for (std::size_t i = blocks.first(b); i < end; ++i) f(i);
        });
    }
};

struct pca_estimator {
    using state = co_moments::state;
    pca_options options{};

    state start() const {
        if (!(options.variance_share >= 0 && options.variance_share <= 1)) {
            detail::throw_invalid_option(stage, "variance_share", std::to_string(options.variance_share), "a share from 0 (not used) to 1");
        }
        if (options.n_components > 0 && options.variance_share > 0) {
            detail::throw_invalid_option(stage, "variance_share", std::to_string(options.variance_share),
                                         "either variance_share or n_components = " + std::to_string(options.n_components), "leave one of them out");
        }
        return {};
    }
    void update(state& s, matrix_view<const double> block) const { rows.update(s, block); }
    void merge(state& s, const state& other) const { rows.merge(s, other); }

    pca_model finish(const state& s) const {
        rows.finish(s);
        const std::size_t n = static_cast<std::size_t>(s.count), d = s.width();
        if (n < 2) {
            throw error(error_details{.code = error_code::too_few_rows, .stage = std::string(stage), .found = "1 row", .expected = "at least 2"});
        }
        const std::size_t most = std::min(n, d);
        if (options.n_components > most) {
            detail::throw_invalid_option(stage, "n_components", std::to_string(options.n_components),
                                         "at most " + std::to_string(most) + ", the lesser of " + std::to_string(n) + " rows and " + std::to_string(d) + " features");
        }
        const auto size = static_cast<Eigen::Index>(d);
        Eigen::MatrixXd covariance(size, size);
        for (std::size_t i = 0; i < d; ++i) {
            for (std::size_t j = 0; j < d; ++j) covariance(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = s.covariance(i, j, 1);
        }
        const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);    // eigenvalues ascend
        auto variance = [&](std::size_t c) { return std::max(0.0, solver.eigenvalues()(static_cast<Eigen::Index>(d - 1 - c))); };
        double total = 0;
        for (std::size_t j = 0; j < d; ++j) total += s.covariance(j, j, 1);

        pca_model model;
        model.n_rows = n;
        model.n_features = d;
        model.mean = s.means;
        double explained = 0;
        for (std::size_t c = 0; c < wanted(most); ++c) {
            const double share = total > 0 ? variance(c) / total : 0;
            model.explained_variance.push_back(variance(c));
            model.explained_variance_ratio.push_back(share);
            model.singular_values.push_back(std::sqrt(variance(c) * static_cast<double>(n - 1)));
            append_signed(model.components, solver.eigenvectors().col(static_cast<Eigen::Index>(d - 1 - c)));
            ++model.n_components;
            explained += share;
            if (options.variance_share > 0 && explained >= options.variance_share * (1 - 1e-12)) break;
        }
        return model;
    }

private:
    static constexpr std::string_view stage = "pca";
    static constexpr co_moments rows{.stage = stage};

    std::size_t wanted(std::size_t most) const { return options.n_components == 0 ? most : options.n_components; }

    // An eigenvector has no sign of its own: the largest loading shall be positive, the first of those within 1e-9 of it, so that
    // loadings equal but for rounding do not decide differently on another machine.
    template <class Column>
    static void append_signed(std::vector<double>& components, const Column& eigenvector) {
        const double largest = eigenvector.cwiseAbs().maxCoeff();
        Eigen::Index first = 0;
        while (std::fabs(eigenvector(first)) < largest * (1 - 1e-9)) ++first;
        const double sign = eigenvector(first) < 0 ? -1 : 1;
        for (Eigen::Index j = 0; j < eigenvector.size(); ++j) components.push_back(sign * eigenvector(j));
    }
};

}  // namespace SEGKIT_NAMESPACE
