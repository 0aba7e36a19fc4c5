// segkit/evaluate/davies_bouldin.hpp: mean over the clusters of the worst ratio of two clusters' spreads to the distance of their
// centres (Davies and Bouldin, "A cluster separation measure", 1979). Less is better, 0 the least. Two passes over the rows.
#pragma once

#include <algorithm>
#include <cmath>
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

inline double davies_bouldin_of(const label_groups& groups, const group_scatter& scatter) {
    const std::size_t k = groups.count(), d = scatter.means.size() / k;
    std::vector<double> spread(k);    // mean distance to the centre
    for (std::size_t g = 0; g < k; ++g) spread[g] = scatter.distances[g] / groups.weight_of(g);
    double total = 0;
    for (std::size_t g = 0; g < k; ++g) {
        double worst = 0;
        for (std::size_t h = 0; h < k; ++h) {
            if (h == g) continue;
            double sum = 0;
            for (std::size_t j = 0; j < d; ++j) {
                const double gap = scatter.gap(h * d + j, g * d + j);
                sum += gap * gap;
            }
            require_finite_distances("davies_bouldin", sum);
            const double both = spread[g] + spread[h];
            if (both > 0) worst = std::max(worst, sum > 0 ? both / std::sqrt(sum) : std::numeric_limits<double>::infinity());
        }
        total += worst;
    }
    return total / static_cast<double>(k);
}

template <class T>
double davies_bouldin_to(matrix_view<const T> rows, const row_weights* weights, std::span<const std::int32_t> labels, executor_ref executor) {
    constexpr std::string_view stage = "davies_bouldin";
    const label_groups groups = weights ? checked_groups(stage, rows, *weights, labels) : checked_groups(stage, rows, labels);
    return davies_bouldin_of(groups, scatter_of(stage, rows, groups, executor));
}

}  // namespace detail

// At least two clusters, and more rows than clusters. Two clusters of the same centre make it infinite, unless neither has any spread.
// Points in float are summed in double.
inline double davies_bouldin(matrix_view<const double> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::davies_bouldin_to(rows, nullptr, labels, executor);
}
inline double davies_bouldin(matrix_view<const float> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::davies_bouldin_to(rows, nullptr, labels, executor);
}
// With weights of a mean of at least 1 it is that of rows repeated so often.
inline double davies_bouldin(matrix_view<const double> rows, row_weights weights, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::davies_bouldin_to(rows, &weights, labels, executor);
}
inline double davies_bouldin(matrix_view<const float> rows, row_weights weights, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::davies_bouldin_to(rows, &weights, labels, executor);
}

}  // namespace SEGKIT_NAMESPACE
