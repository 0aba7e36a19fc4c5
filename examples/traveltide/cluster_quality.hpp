// cluster_quality.hpp: k-means with one number of clusters, and how good it is by every measure.
//
//     const tried_clusters t = try_clusters(points.view(), {.n_clusters = 5, .seed = 42}, executor);
//
// A silhouette compares all pairs of rows: above 20,000 rows it is computed on evenly spaced ones, and the report says so.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include <segkit/cluster/kmeans.hpp>

#include "report_data.hpp"

namespace traveltide {

struct tried_clusters {
    cluster_trial quality;
    std::vector<std::size_t> sizes;
    std::optional<std::size_t> silhouette_rows;    // set when it was computed on some rows only
};

tried_clusters try_clusters(segkit::matrix_view<const double> points, const segkit::kmeans_options& options, segkit::executor_ref executor);

nlohmann::ordered_json to_json(const cluster_trial& trial);

}  // namespace traveltide
