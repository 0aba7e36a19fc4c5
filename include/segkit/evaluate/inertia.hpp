// segkit/evaluate/inertia.hpp: the sum of the squared distances of all points to the mean of their cluster, for any labels. It falls
// with every further cluster: to compare numbers of clusters, see elbow.hpp and choose_k.hpp. Two passes over the rows.
#pragma once

#include <cstdint>
#include <span>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

// One cluster is enough. A k-means model says its own (`inertia`, about its centres, which are the means of its last step but one).
inline double inertia(matrix_view<const double> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::scatter_of("inertia", rows, detail::groups_of_rows("inertia", rows, labels), executor).within();
}

// With weights, any positive numbers: squared distances to weighted means, each times its weight.
inline double inertia(matrix_view<const double> rows, row_weights weights, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    detail::label_groups groups = detail::groups_of_rows("inertia", rows, labels);
    detail::check_weights("inertia", weights, rows.rows);
    groups.weigh(weights.values().data());
    return detail::scatter_of("inertia", rows, groups, executor).within();
}

}  // namespace SEGKIT_NAMESPACE
