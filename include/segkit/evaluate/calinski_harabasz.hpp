// segkit/evaluate/calinski_harabasz.hpp: variance between the clusters over variance within (Calinski and Harabasz, "A dendrite
// method for cluster analysis", 1974). Greater is better; infinite when every point is at its centre. One pass after the centres.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/statistics/column_moments.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

// At least two clusters, and more rows than clusters.
inline double calinski_harabasz(matrix_view<const double> rows, std::span<const std::int32_t> labels) {
    const detail::label_groups groups = detail::checked_groups("calinski_harabasz", rows, labels);
    const std::size_t k = groups.count(), d = rows.columns;
    if (rows.rows <= k) {
        throw error(error_details{.code = error_code::too_few_rows,
                                  .stage = "calinski_harabasz",
                                  .found = std::to_string(rows.rows) + " rows in " + std::to_string(k) + " clusters",
                                  .expected = "more rows than clusters"});
    }
    const std::vector<double> centres = detail::group_centres(rows, groups);
    std::vector<double> mean;
    for (const moments& m : estimate(column_moments{.stage = "calinski_harabasz"}, rows).columns) mean.push_back(m.mean());
    double within = 0, between = 0;
    for (std::size_t i = 0; i < rows.rows; ++i) within += detail::squared_distance(rows, i, centres.data() + groups.group[i] * d);
    for (std::size_t g = 0; g < k; ++g) {
        double sum = 0;
        for (std::size_t j = 0; j < d; ++j) sum += (centres[g * d + j] - mean[j]) * (centres[g * d + j] - mean[j]);
        between += static_cast<double>(groups.sizes[g]) * sum;
    }
    if (within == 0) return between > 0 ? std::numeric_limits<double>::infinity() : 0;
    return (between / static_cast<double>(k - 1)) / (within / static_cast<double>(rows.rows - k));
}

}  // namespace SEGKIT_NAMESPACE
