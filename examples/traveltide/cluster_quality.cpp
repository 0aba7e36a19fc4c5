#include "cluster_quality.hpp"

#include <algorithm>

namespace traveltide {

segkit::choose_k_fit try_clusters(segkit::matrix_view<const double> points, segkit::choose_k_options options, segkit::executor_ref executor) {
    options.k_max = std::min(options.k_max, points.rows);
    options.k_min = std::min(options.k_min, options.k_max);
    return segkit::choose_k(points, options, executor);
}

cluster_trial quality_of(const segkit::k_trial& t) {
    const auto stability = t.seed_agreement ? std::optional(t.seed_agreement->mean) : std::nullopt;
    return {t.n_clusters, t.inertia, t.silhouette, t.calinski_harabasz, t.davies_bouldin, stability};
}

std::vector<cluster_trial> trials_of(const segkit::choose_k_report& report) {
    std::vector<cluster_trial> trials;
    for (const segkit::k_trial& t : report.trials) trials.push_back(quality_of(t));
    return trials;
}

const segkit::k_trial& trial_of(const segkit::choose_k_report& report, std::size_t n_clusters) {
    const segkit::k_trial* found = &report.trials.back();
    for (const segkit::k_trial& t : report.trials)
        if (t.n_clusters == n_clusters) found = &t;
    return *found;
}

std::optional<std::size_t> silhouette_rows(const segkit::k_trial& trial, const segkit::choose_k_options& options) {
    return trial.silhouette_standard_error ? std::optional(options.silhouette.n) : std::nullopt;
}

nlohmann::ordered_json to_json(const cluster_trial& t) {
    const auto or_null = [](const std::optional<double>& v) { return v ? nlohmann::ordered_json(*v) : nlohmann::ordered_json(nullptr); };
    return {{"clusters", t.n_clusters},
            {"inertia", or_null(t.inertia)},
            {"silhouette", or_null(t.silhouette)},
            {"calinski_harabasz", or_null(t.calinski_harabasz)},
            {"davies_bouldin", or_null(t.davies_bouldin)},
            {"stability", or_null(t.stability)}};
}

}  // namespace traveltide
