// segkit/evaluate/calinski_harabasz.hpp: variance between the clusters over variance within (Calinski and Harabasz, "A dendrite
// method for cluster analysis", 1974). Greater is better; infinite when every point is at its centre. Two passes over the rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

inline double calinski_harabasz_of(const label_groups& groups, const group_scatter& scatter) {
    const std::size_t k = groups.count(), d = scatter.means.size() / k;
    const double n = groups.total_weight();
    std::vector<double> mean(d);    // of all rows, less the centre of the first group
    for (std::size_t at = 0; at < k * d; ++at) mean[at % d] += scatter.gap(at % d, at) * (groups.weight_of(at / d) / n);
    double between = 0;
    for (std::size_t at = 0; at < k * d; ++at) {
        const double gap = scatter.gap(at % d, at) - mean[at % d];
        between += groups.weight_of(at / d) * gap * gap;
    }
    require_finite_distances("calinski_harabasz", between);
    const double within = scatter.within();
    if (within == 0) return between > 0 ? std::numeric_limits<double>::infinity() : 0;
    return (between / static_cast<double>(k - 1)) / (within / (n - static_cast<double>(k)));
}

template <class T>
double calinski_harabasz_to(matrix_view<const T> rows, const row_weights* weights, std::span<const std::int32_t> labels, executor_ref executor) {
    constexpr std::string_view stage = "calinski_harabasz";
    const label_groups groups = weights ? checked_groups(stage, rows, *weights, labels) : checked_groups(stage, rows, labels);
    return calinski_harabasz_of(groups, scatter_of(stage, rows, groups, executor));
}

}  // namespace detail

// At least two clusters, and more rows than clusters. Points in float are summed in double.
inline double calinski_harabasz(matrix_view<const double> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::calinski_harabasz_to(rows, nullptr, labels, executor);
}
inline double calinski_harabasz(matrix_view<const float> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::calinski_harabasz_to(rows, nullptr, labels, executor);
}
// With weights of a mean of at least 1 it is that of rows repeated so often.
inline double calinski_harabasz(matrix_view<const double> rows, row_weights weights, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::calinski_harabasz_to(rows, &weights, labels, executor);
}
inline double calinski_harabasz(matrix_view<const float> rows, row_weights weights, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::calinski_harabasz_to(rows, &weights, labels, executor);
}

}  // namespace SEGKIT_NAMESPACE
