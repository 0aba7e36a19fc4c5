// segkit/prepare/detail/winsorize_core.hpp: bounds to which the values beyond them are moved, for every feature, on matrices.
//
// `winsorize_estimator` learns `clip_bounds`; their transform works on a matrix of double or float, in place if wished. By Tukey's
// fences, by quantiles, or by counts: the lowest share of the rows moves to the next value, as Winsor counted them (W. J. Dixon,
// "Simplified estimation from censored normal samples", 1960).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/prepare/detail/iqr_core.hpp>
#include <segkit/prepare/detail/map_matrix.hpp>
#include <segkit/table/matrix.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

enum class winsorize_by {
    iqr,          // fences `factor` interquartile ranges beyond the quartiles
    quantiles,    // the quantiles `lower` and `upper`, by `method`
    counts,       // the lowest `lower` and the highest 1 - `upper` of the rows, rounded down
};

struct winsorize_options {
    winsorize_by by = winsorize_by::iqr;
    double factor = 1.5;
    double lower = 0.05;
    double upper = 0.95;
    fence_side side = fence_side::both;
    iqr_guard guard = iqr_guard::on;    // by iqr: whether features on which fences mean nothing are left alone
    quantile_method method = quantile_method::linear;
};

// One feature's bounds; infinite where it is left alone.
struct clip_bound {
    double lower = -std::numeric_limits<double>::infinity();
    double upper = std::numeric_limits<double>::infinity();
    std::string reason{};    // why it is left alone

    double transform(double value) const { return value < lower ? lower : value > upper ? upper : value; }    // NaN stays
    bool beyond(double value) const { return value < lower || value > upper; }

    friend bool operator==(const clip_bound&, const clip_bound&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("lower", lower);
        archive.field("upper", upper);
        archive.field("reason", reason);
    }
};

struct clip_bounds {
    std::vector<clip_bound> columns;

    // `out` may be `rows` itself.
    // Templates only so that who includes this header and fits nothing does not compile the kernels.
    template <int = 0>
    void transform(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const { apply(rows, out, executor); }
    template <int = 0>
    void transform(matrix_view<const float> rows, matrix_view<float> out, executor_ref executor = detail::default_executor) const { apply(rows, out, executor); }

    // Into memory of their own.
    template <int = 0>
    dense_matrix<double> transformed(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const { return fresh(rows, executor); }
    template <int = 0>
    dense_matrix<float> transformed(matrix_view<const float> rows, executor_ref executor = detail::default_executor) const { return fresh(rows, executor); }

    friend bool operator==(const clip_bounds&, const clip_bounds&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("columns", columns);
    }

private:
    template <class T>
    void apply(matrix_view<const T> rows, matrix_view<T> out, executor_ref executor) const {
        detail::map_matrix("winsorize", columns, rows, out, executor, [](const clip_bound& bound, double value) { return bound.transform(value); });
    }
    template <class T>
    dense_matrix<T> fresh(matrix_view<const T> rows, executor_ref executor) const {
        dense_matrix<T> out(rows.rows, rows.columns);
        apply(rows, out.view(), executor);
        return out;
    }
};

struct winsorize_estimator {
    using state = iqr_estimator::state;
    winsorize_options options{};

    state start() const {
        if (!(options.lower >= 0 && options.lower <= options.upper && options.upper <= 1))
            detail::throw_invalid_option(stage, "lower", std::to_string(options.lower), "a share of at least 0, not above upper = " + std::to_string(options.upper) + ", which is at most 1");
        return fences().start();
    }
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { fences().update(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { fences().update(s, block); }
    void merge(state& s, const state& other) const { fences().merge(s, other); }

    template <int = 0>
    clip_bounds finish(const state& s) const { return finish(s, detail::default_executor); }
    template <int = 0>
    clip_bounds finish(const state& s, executor_ref executor) const {
        if (options.by == winsorize_by::iqr) return within(fences().finish(s, executor));
        return between(quantiles(s.values.rows()).finish(s.values, executor));
    }

    // Of a matrix in memory, without a copy.
    template <class T>
    clip_bounds of(matrix_view<const T> matrix, executor_ref executor) const {
        (void)start();
        if (options.by == winsorize_by::iqr) return within(fences().of(matrix, executor));
        return between(quantiles(matrix.rows).of(matrix, executor));
    }

private:
    static constexpr std::string_view stage = "winsorize";

    iqr_estimator fences() const { return {{.factor = options.factor, .guard = options.guard, .method = options.method, .side = options.side}, stage}; }
    quantile_estimator quantiles(std::size_t rows) const {
        if (options.by == winsorize_by::quantiles || rows < 2) return {.probabilities = {options.lower, options.upper}, .method = options.method, .stage = stage};
        // Counts are whole ranks, which a quantile finds exactly.
        const double n = static_cast<double>(rows), last = n - 1;
        const double low = std::min(last, std::floor(detail::snapped(n * options.lower)));
        const double high = std::max(0.0, last - std::floor(detail::snapped(n * (1 - options.upper))));
        return {.probabilities = {low / last, std::max(low, high) / last}, .stage = stage};
    }
    static clip_bounds within(const iqr_fences& fences) {
        clip_bounds bounds;
        for (const iqr_fence& f : fences.columns) {
            if (f.trimmed()) bounds.columns.push_back({f.lower, f.upper});
            else bounds.columns.push_back({.reason = f.reason == iqr_reason::zero_iqr ? "the interquartile range is zero" : "at most two distinct values"});
        }
        return bounds;
    }
    clip_bounds between(const column_quantiles_model& found) const {
        clip_bounds bounds;
        for (std::size_t j = 0; j < found.columns.size(); ++j)
            bounds.columns.push_back({detail::lower_fence(options.side, found(j, 0)), detail::upper_fence(options.side, found(j, 1))});
        return bounds;
    }
};

}  // namespace SEGKIT_NAMESPACE
