// segkit/evaluate/davies_bouldin.hpp: mean over the clusters of the worst ratio of two clusters' spreads to the distance of their
// centres (Davies and Bouldin, "A cluster separation measure", 1979). Less is better, 0 the least. One pass after the centres.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

// At least two clusters. Two clusters of the same centre make it infinite, unless neither has any spread.
inline double davies_bouldin(matrix_view<const double> rows, std::span<const std::int32_t> labels) {
    const detail::label_groups groups = detail::checked_groups("davies_bouldin", rows, labels);
    const std::size_t k = groups.count(), d = rows.columns;
    const std::vector<double> centres = detail::group_centres(rows, groups);
    std::vector<double> spread(k);    // mean distance to the centre
    for (std::size_t i = 0; i < rows.rows; ++i) spread[groups.group[i]] += std::sqrt(detail::squared_distance(rows, i, centres.data() + groups.group[i] * d));
    for (std::size_t g = 0; g < k; ++g) spread[g] /= static_cast<double>(groups.sizes[g]);
    double total = 0;
    for (std::size_t g = 0; g < k; ++g) {
        double worst = 0;
        for (std::size_t h = 0; h < k; ++h) {
            if (h == g) continue;
            double sum = 0;
            for (std::size_t j = 0; j < d; ++j) sum += (centres[g * d + j] - centres[h * d + j]) * (centres[g * d + j] - centres[h * d + j]);
            const double both = spread[g] + spread[h];
            if (both > 0) worst = std::max(worst, sum > 0 ? both / std::sqrt(sum) : std::numeric_limits<double>::infinity());
        }
        total += worst;
    }
    return total / static_cast<double>(k);
}

}  // namespace SEGKIT_NAMESPACE
