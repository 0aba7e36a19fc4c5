// segkit/prepare/detail/impute_core.hpp: what stands for missing values, NaNs, of every feature, on matrices.
//
//     const auto known = learn_imputation(matrix, impute_kind::median);    known.fill(matrix, out);    known.presence(matrix)
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/statistics/moments.hpp>
#include <segkit/statistics/quantile.hpp>
#include <segkit/statistics/value_counts.hpp>
#include <segkit/table/matrix.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

enum class impute_kind { mean, median, most_frequent };

struct column_imputation {
    std::vector<double> values;           // per feature what stands for a missing one
    std::vector<std::size_t> missing;     // per feature, of the rows it was learned from

    // `out` may be `rows` itself. Gives the number of values filled.
    template <class T>
    std::size_t fill(matrix_view<const T> rows, matrix_view<T> out) const {
        detail::require_width("impute", rows.columns, values.size());
        SEGKIT_ASSERT(out.rows == rows.rows && out.columns == rows.columns);
        std::size_t filled = 0;
        for (std::size_t i = 0; i < rows.rows; ++i) {
            for (std::size_t j = 0; j < rows.columns; ++j) {
                const bool known = rows(i, j) == rows(i, j);
                out(i, j) = known ? rows(i, j) : static_cast<T>(values[j]);
                filled += !known;
            }
        }
        return filled;
    }
    // 1 where a value is known, 0 where it is missing: to stand beside the filled ones as further features.
    template <class T>
    dense_matrix<double> presence(matrix_view<const T> rows) const {
        detail::require_width("impute", rows.columns, values.size());
        dense_matrix<double> flags(rows.rows, rows.columns);
        for (std::size_t i = 0; i < rows.rows; ++i)
            for (std::size_t j = 0; j < rows.columns; ++j) flags.view()(i, j) = rows(i, j) == rows(i, j);
        return flags;
    }
};

namespace detail {

inline constexpr std::string_view name_of_kind(impute_kind kind) {
    return kind == impute_kind::mean ? "impute_mean" : kind == impute_kind::median ? "impute_median" : "impute_most_frequent";
}

inline void require_known(std::string_view stage, const std::string& column, std::size_t rows, std::size_t missing) {
    if (rows == 0) throw_empty(stage);
    if (missing < rows) return;
    throw error({.code = error_code::empty_input,
                 .stage = std::string(stage),
                 .field = column,
                 .found = "no value in " + std::to_string(rows) + " rows",
                 .expected = "at least one from which to learn",
                 .advice = "use impute_constant for this column, or drop it"});
}

// An overflow shows in the sums; `moments::mean` keeps within the extremes and would hide it.
inline double mean_to_impute(std::string_view stage, const std::string& column, const moments& known) {
    if (is_finite(known.shifted_moments::mean())) return known.mean();
    throw error({.code = error_code::not_a_number,
                 .stage = std::string(stage),
                 .field = column,
                 .found = "values whose sum overflows",
                 .expected = "a finite sum",
                 .advice = "measure this column in a larger unit"});
}

}  // namespace detail

// Mean, median, or the most frequent value (the least of several) of what is no NaN. Throws for infinities, and for a feature of NaNs only.
// One feature after the other; median and most frequent copy it.
template <class T>
column_imputation learn_imputation(matrix_view<const T> rows, impute_kind kind, executor_ref executor = detail::default_executor) {
    const std::string_view stage = detail::name_of_kind(kind);
    detail::require_rows_and_features(stage, rows.rows, rows.columns);
    column_imputation learned{std::vector<double>(rows.columns), std::vector<std::size_t>(rows.columns)};
    executor.run(rows.columns, [&](std::size_t j) {
        moments sums;
        value_counts<double> counts;
        std::vector<double> known;
        for (std::size_t i = 0; i < rows.rows; ++i) {
            const auto value = static_cast<double>(rows(i, j));
            if (value != value) {
                ++learned.missing[j];
                continue;
            }
            if (!detail::is_finite(value)) detail::throw_not_finite(stage, value, j, i);
            if (kind == impute_kind::mean) sums.update(value);
            else if (kind == impute_kind::median) known.push_back(value);
            else counts.count(value);
        }
        detail::require_known(stage, "feature " + std::to_string(j), rows.rows, learned.missing[j]);
        learned.values[j] = kind == impute_kind::mean ? detail::mean_to_impute(stage, "feature " + std::to_string(j), sums) : kind == impute_kind::median ? quantile(known, 0.5) : *counts.mode();
    });
    return learned;
}

}  // namespace SEGKIT_NAMESPACE
