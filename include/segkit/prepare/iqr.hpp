// segkit/prepare/iqr.hpp: trims outliers by Tukey's fences when fitting, and flags them ever after.
//
//     iqr_trim(columns("age"_c, "spend"_c), {.factor = 1.5})                    // flag column "trimmed"
//     iqr_trim(columns("age"_c, "spend"_c), "outlier"_c, {.factor = 3, .rule = columns_rule::all_columns})
//     iqr_flag("spend"_c, "big_spender"_c, {.side = fence_side::upper})         // flags only: the next stages learn from all rows
//
// While a recipe is fitted, later stages learn from the rows inside the fences only. The fitted model keeps every row and adds
// the flag. A column whose interquartile range is zero, or of two values, is not trimmed unless iqr_guard::off: fences mean
// nothing there; the report says so and how many rows they would have removed. A null feature is refused by the fit and never
// flagged afterwards. Cost: the features of the training rows in memory, a selection per feature. J. W. Tukey, 1977.
#pragma once

#include <segkit/config.hpp>
#include <segkit/prepare/detail/iqr_core.hpp>
#include <segkit/prepare/detail/outlier_stages.hpp>

namespace SEGKIT_NAMESPACE {

using iqr_report = outlier_report<iqr_fence>;

namespace detail {
template <outlier_kind Kind, class Columns, fixed_string Flag>
constexpr auto iqr_stage(iqr_options options) {
    return make_pipeline(outlier_stage<Columns, Flag, Kind, iqr_fence, iqr_estimator>{{}, options});
}
}  // namespace detail

// Features are plain columns, one or a list; the flag is "trimmed" unless named.
template <class Columns>
constexpr auto iqr_trim(Columns, iqr_options options = {}) {
    return detail::iqr_stage<outlier_kind::iqr_trim, detail::columns_of_t<Columns>, "trimmed">(options);
}
template <class Columns, fixed_string Flag>
constexpr auto iqr_trim(Columns, col<Flag>, iqr_options options = {}) {
    return detail::iqr_stage<outlier_kind::iqr_trim, detail::columns_of_t<Columns>, Flag>(options);
}
// The same without a trim: the stages after it learn from all rows.
template <class Columns, fixed_string Flag>
constexpr auto iqr_flag(Columns, col<Flag>, iqr_options options = {}) {
    return detail::iqr_stage<outlier_kind::iqr_flag, detail::columns_of_t<Columns>, Flag>(options);
}

}  // namespace SEGKIT_NAMESPACE
