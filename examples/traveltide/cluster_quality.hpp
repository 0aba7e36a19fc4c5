// cluster_quality.hpp: what choose_k found out about each number of clusters, in the form of the report.
//
//     const segkit::choose_k_fit tried = try_clusters(points.view(), {.k_min = 2, .k_max = 8, .seed = 42}, executor);
//     trials_of(tried.report), trial_of(tried.report, 5).seed
//
// Fewer rows than clusters narrow the range.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include <segkit/evaluate/choose_k.hpp>

#include "report_data.hpp"

namespace traveltide {

segkit::choose_k_fit try_clusters(segkit::matrix_view<const double> points, segkit::choose_k_options options, segkit::executor_ref executor);

cluster_trial quality_of(const segkit::k_trial& trial);
std::vector<cluster_trial> trials_of(const segkit::choose_k_report& report);

// The trial of so many clusters, or of as many as there can be.
const segkit::k_trial& trial_of(const segkit::choose_k_report& report, std::size_t n_clusters);

// On how many rows the silhouette was computed, where not on all.
std::optional<std::size_t> silhouette_rows(const segkit::k_trial& trial, const segkit::choose_k_options& options);

nlohmann::ordered_json to_json(const cluster_trial& trial);

}  // namespace traveltide
