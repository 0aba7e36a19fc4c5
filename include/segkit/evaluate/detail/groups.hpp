// segkit/evaluate/detail/groups.hpp: what the measures of a clustering share: labels made dense, sizes and centres of the groups.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {
namespace detail {

// Labels may be any numbers; group g is the g-th least of them.
struct label_groups {
    std::vector<std::int32_t> labels;    // of the groups, ascending
    std::vector<std::size_t> group;      // of the rows
    std::vector<std::size_t> sizes;

    std::size_t count() const { return labels.size(); }
};

inline label_groups group_labels(std::span<const std::int32_t> row_labels) {
    label_groups groups;
    for (std::int32_t label : row_labels) {
        const auto at = std::lower_bound(groups.labels.begin(), groups.labels.end(), label);
        if (at == groups.labels.end() || *at != label) groups.labels.insert(at, label);
    }
    groups.sizes.resize(groups.count());
    groups.group.reserve(row_labels.size());
    for (std::int32_t label : row_labels) {
        const auto g = static_cast<std::size_t>(std::lower_bound(groups.labels.begin(), groups.labels.end(), label) - groups.labels.begin());
        groups.group.push_back(g);
        ++groups.sizes[g];
    }
    return groups;
}

inline void require_same_rows(std::string_view stage, std::size_t labels, std::size_t rows) {
    if (labels == rows) return;
    throw error(error_details{.code = error_code::invalid_option,
                              .stage = std::string(stage),
                              .field = "labels",
                              .found = std::to_string(labels) + " labels",
                              .expected = "one for each of " + std::to_string(rows) + " rows"});
}

// Groups of the rows, checked: finite values, at least two groups.
inline label_groups checked_groups(std::string_view stage, matrix_view<const double> rows, std::span<const std::int32_t> labels) {
    if (rows.rows == 0) throw_empty(stage);
    require_same_rows(stage, labels.size(), rows.rows);
    require_finite(stage, rows);
    label_groups groups = group_labels(labels);
    if (groups.count() < 2) {
        throw error(error_details{.code = error_code::invalid_option,
                                  .stage = std::string(stage),
                                  .field = "labels",
                                  .found = "1 cluster",
                                  .expected = "at least 2",
                                  .advice = "a measure of separation needs something to separate"});
    }
    return groups;
}

// The mean of every group, one after the other. Sums are about the first row, so that an offset costs no digits.
inline std::vector<double> group_centres(matrix_view<const double> rows, const label_groups& groups) {
    const std::size_t d = rows.columns;
    std::vector<double> centres(groups.count() * d);
    for (std::size_t i = 0; i < rows.rows; ++i) {
        double* centre = centres.data() + groups.group[i] * d;
        for (std::size_t j = 0; j < d; ++j) centre[j] += rows(i, j) - rows(0, j);
    }
    for (std::size_t g = 0; g < groups.count(); ++g) {
        for (std::size_t j = 0; j < d; ++j) centres[g * d + j] = rows(0, j) + centres[g * d + j] / static_cast<double>(groups.sizes[g]);
    }
    return centres;
}

// Squared distance of a row to a point of contiguous values.
inline double squared_distance(matrix_view<const double> rows, std::size_t row, const double* point) {
    double sum = 0;
    for (std::size_t j = 0; j < rows.columns; ++j) sum += (rows(row, j) - point[j]) * (rows(row, j) - point[j]);
    return sum;
}

}  // namespace detail
}  // namespace SEGKIT_NAMESPACE
