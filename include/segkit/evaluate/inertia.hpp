// segkit/evaluate/inertia.hpp: the sum of the squared distances of all points to the mean of their cluster, for any labels. It falls
// with every further cluster: to compare numbers of clusters, see elbow.hpp and choose_k.hpp. Two passes over the rows.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

template <class T>
double inertia_to(matrix_view<const T> rows, const row_weights* weights, std::span<const std::int32_t> labels, executor_ref executor) {
    constexpr std::string_view stage = "inertia";
    label_groups groups = groups_of_rows(stage, rows, labels);
    if (weights) {
        check_weights(stage, *weights, rows.rows);
        groups.weigh(weights->values().data());
    }
    return scatter_of(stage, rows, groups, executor).within();
}

}  // namespace detail

// One cluster is enough. A k-means model says its own (`inertia`, about its centres, which are the means of its last step but one). Points
// in float are summed in double.
inline double inertia(matrix_view<const double> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::inertia_to(rows, nullptr, labels, executor);
}
inline double inertia(matrix_view<const float> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::inertia_to(rows, nullptr, labels, executor);
}

// With weights, any positive numbers: squared distances to weighted means, each times its weight.
inline double inertia(matrix_view<const double> rows, row_weights weights, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::inertia_to(rows, &weights, labels, executor);
}
inline double inertia(matrix_view<const float> rows, row_weights weights, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::inertia_to(rows, &weights, labels, executor);
}

}  // namespace SEGKIT_NAMESPACE
