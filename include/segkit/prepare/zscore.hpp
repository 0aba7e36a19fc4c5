// segkit/prepare/zscore.hpp: trims, or flags, values too many standard deviations from the mean.
//
//     zscore_trim(columns("age"_c, "spend"_c), {.threshold = 3})                              // flag column "trimmed"
//     zscore_flag("spend"_c, "big_spender"_c, {.threshold = 2, .side = fence_side::upper})    // learns from all rows
//
// As iqr_trim and iqr_flag (prepare/iqr.hpp), with fences at mean - threshold deviations and mean + threshold deviations. A constant
// column is not trimmed, and the report says so. A null feature is refused by the fit and never flagged afterwards.
#pragma once

#include <segkit/config.hpp>
#include <segkit/prepare/detail/outlier_stages.hpp>
#include <segkit/prepare/detail/zscore_core.hpp>

namespace SEGKIT_NAMESPACE {

using zscore_report = outlier_report<zscore_fence>;

namespace detail {
template <outlier_kind Kind, class Columns, fixed_string Flag>
constexpr auto zscore_stage(zscore_options options) {
    return make_pipeline(outlier_stage<Columns, Flag, Kind, zscore_fence, zscore_estimator>{{}, options});
}
}  // namespace detail

// Features are plain columns, one or a list; the flag is "trimmed" unless named.
template <class Columns>
constexpr auto zscore_trim(Columns, zscore_options options = {}) {
    return detail::zscore_stage<outlier_kind::zscore_trim, detail::columns_of_t<Columns>, "trimmed">(options);
}
template <class Columns, fixed_string Flag>
constexpr auto zscore_trim(Columns, col<Flag>, zscore_options options = {}) {
    return detail::zscore_stage<outlier_kind::zscore_trim, detail::columns_of_t<Columns>, Flag>(options);
}
// The same without a trim: the stages after it learn from all rows.
template <class Columns, fixed_string Flag>
constexpr auto zscore_flag(Columns, col<Flag>, zscore_options options = {}) {
    return detail::zscore_stage<outlier_kind::zscore_flag, detail::columns_of_t<Columns>, Flag>(options);
}

}  // namespace SEGKIT_NAMESPACE
