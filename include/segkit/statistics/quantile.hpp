// segkit/statistics/quantile.hpp: exact quantiles, of a span of numbers or of every feature of a matrix.
//
//     double median = segkit::quantile(scratch, 0.5);                         // reorders scratch, linear time
//     auto quartiles = segkit::column_quantiles(matrix, {0.25, 0.75});        // per feature
//
// `quantile_estimator` is the mergeable form; its state keeps the values (8 bytes each), so the result does not depend on the cut.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/statistics/order_statistics.hpp>
#include <segkit/statistics/quantile_rank.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// The ranks that quantiles of n values need, ascending.
inline std::vector<std::size_t> ranks_for(std::span<const double> q, std::size_t n, quantile_method method) {
    std::vector<std::size_t> ranks;
    for (const double share : q) {
        const auto [below, part] = rank_of(share, n, method);
        ranks.push_back(below);
        if (part != 0) ranks.push_back(below + 1);
    }
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    return ranks;
}

// The quantiles, given the values at those ranks.
template <class T>
std::vector<double> quantiles_at(const std::vector<T>& found, const std::vector<std::size_t>& ranks, std::span<const double> q, std::size_t n, quantile_method method) {
    const auto value_at = [&](std::size_t rank) { return static_cast<double>(found[static_cast<std::size_t>(std::lower_bound(ranks.begin(), ranks.end(), rank) - ranks.begin())]); };
    std::vector<double> out;
    for (const double share : q) {
        const auto [below, part] = rank_of(share, n, method);
        out.push_back(part == 0 ? value_at(below) : between(value_at(below), value_at(below + 1), part));
    }
    return out;
}

inline std::vector<double> select_quantiles(std::span<double> scratch, std::span<const double> q, quantile_method method) {
    const auto ranks = ranks_for(q, scratch.size(), method);
    return quantiles_at(select_ranks(scratch.data(), scratch.size(), ranks), ranks, q, scratch.size(), method);
}

}  // namespace detail

// Several quantiles of the values, in the order of `q`; the values are reordered. Infinities take part; NaN is an error.
inline std::vector<double> quantiles(std::span<double> scratch, std::span<const double> q, quantile_method method = quantile_method::linear) {
    for (double share : q) detail::require_probability("quantile", share);
    if (scratch.empty()) detail::throw_empty("quantile", "values");
    for (std::size_t i = 0; i < scratch.size(); ++i) {
        if (scratch[i] != scratch[i]) detail::throw_not_finite("quantile", scratch[i], 0, i);
    }
    return detail::select_quantiles(scratch, q, method);
}

inline double quantile(std::span<double> scratch, double q, quantile_method method = quantile_method::linear) {
    return quantiles(scratch, std::span<const double>(&q, 1), method)[0];
}

// The values of one feature; `values[p]` belongs to the p-th probability asked for in a model, to the p-th row in a state.
struct column_values {
    std::vector<double> values;

    friend bool operator==(const column_values&, const column_values&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("values", values);
    }
};

struct column_quantiles_model {
    std::vector<double> probabilities;
    std::vector<column_values> columns;

    double operator()(std::size_t column, std::size_t probability) const { return columns[column].values[probability]; }
    friend bool operator==(const column_quantiles_model&, const column_quantiles_model&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("probabilities", probabilities);
        archive.field("columns", columns);
    }
};

// Quantiles of every feature. The state holds all values, in row order.
struct quantile_estimator {
    std::vector<double> probabilities = {0.25, 0.5, 0.75};
    quantile_method method = quantile_method::linear;
    std::string_view stage = "quantile";    // the name that errors bear

    struct state {
        std::vector<column_values> columns;    // empty until the first block, which fixes the width

        std::size_t rows() const { return columns.empty() ? 0 : columns[0].values.size(); }
        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            archive.field("columns", columns);
            for (const column_values& c : columns) detail::require_one_model("quantile", c.values.size() == rows());
        }
    };

    state start() const {
        for (double q : probabilities) detail::require_probability(stage, q);
        return {};
    }

    // Templates only so that who includes this header and fits nothing does not compile the kernels.
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { add(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { add(s, block); }

    void merge(state& s, const state& other) const {
        if (other.columns.empty()) return;
        if (s.columns.empty()) s.columns.resize(other.columns.size());
        detail::require_width(stage, other.columns.size(), s.columns.size());
        for (std::size_t j = 0; j < s.columns.size(); ++j) {
            s.columns[j].values.insert(s.columns[j].values.end(), other.columns[j].values.begin(), other.columns[j].values.end());
        }
    }

    template <int = 0>
    column_quantiles_model finish(const state& s) const { return finish(s, detail::default_executor); }

    // Columns in parallel.
    template <int = 0>
    column_quantiles_model finish(const state& s, executor_ref executor) const {
        if (s.rows() == 0) detail::throw_empty(stage);
        column_quantiles_model model{probabilities, std::vector<column_values>(s.columns.size())};
        const auto ranks = detail::ranks_for(probabilities, s.rows(), method);
        executor.run(s.columns.size(), [&](std::size_t j) {
            const auto found = detail::order_statistics(column_major(s.columns[j].values.data(), s.rows(), 1), ranks, detail::default_executor, stage)[0];
            model.columns[j].values = detail::quantiles_at(found, ranks, probabilities, s.rows(), method);
        });
        return model;
    }

    // Of a matrix in memory, without a copy.
    template <class T>
    column_quantiles_model of(matrix_view<const T> matrix, executor_ref executor) const {
        (void)start();
        detail::require_rows_and_features(stage, matrix.rows, matrix.columns);
        column_quantiles_model model{probabilities, {}};
        const auto ranks = detail::ranks_for(probabilities, matrix.rows, method);
        for (const auto& found : detail::order_statistics(matrix, ranks, executor, stage))
            model.columns.push_back({detail::quantiles_at(found, ranks, probabilities, matrix.rows, method)});
        return model;
    }

private:
    template <class T>
    void add(state& s, matrix_view<const T> block) const {
        if (block.rows == 0) return;
        if (block.columns == 0) detail::throw_empty(stage, "features");
        if (!s.columns.empty()) detail::require_width(stage, block.columns, s.columns.size());
        detail::require_finite(stage, block, s.rows());
        s.columns.resize(block.columns);
        for (std::size_t j = 0; j < block.columns; ++j) {
            auto& values = s.columns[j].values;
            const std::size_t before = values.size();
            values.resize(before + block.rows);
            for (std::size_t i = 0; i < block.rows; ++i) values[before + i] = static_cast<double>(block(i, j));
        }
    }
};

// Of points in memory, rows or columns one after the other; of long columns in little more than the time to read them.
template <int = 0>
column_quantiles_model column_quantiles(matrix_view<const double> matrix, std::vector<double> probabilities,
                                               quantile_method method = quantile_method::linear, executor_ref executor = detail::default_executor) {
    return quantile_estimator{.probabilities = std::move(probabilities), .method = method}.of(matrix, executor);
}
template <int = 0>
column_quantiles_model column_quantiles(matrix_view<const float> matrix, std::vector<double> probabilities,
                                               quantile_method method = quantile_method::linear, executor_ref executor = detail::default_executor) {
    return quantile_estimator{.probabilities = std::move(probabilities), .method = method}.of(matrix, executor);
}

}  // namespace SEGKIT_NAMESPACE
