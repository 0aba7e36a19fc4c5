#include "cluster_quality.hpp"

#include <algorithm>
#include <span>

#include <segkit/evaluate/calinski_harabasz.hpp>
#include <segkit/evaluate/davies_bouldin.hpp>
#include <segkit/evaluate/silhouette.hpp>

namespace traveltide {

namespace {

constexpr std::size_t most_silhouette_rows = 20'000;

// Every step-th row; nothing where a sample would hold one cluster only.
std::optional<double> silhouette_of(segkit::matrix_view<const double> points, std::span<const std::int32_t> labels, std::size_t step, segkit::executor_ref executor) {
    std::vector<std::int32_t> some;
    for (std::size_t row = 0; row < labels.size(); row += step) some.push_back(labels[row]);
    if (std::equal(some.begin() + 1, some.end(), some.begin())) return std::nullopt;
    points.rows = some.size();
    points.row_stride *= step;
    return segkit::silhouette(points, some, executor).mean;
}

}  // namespace

tried_clusters try_clusters(segkit::matrix_view<const double> points, const segkit::kmeans_options& options, segkit::executor_ref executor) {
    const segkit::kmeans_fit fit = segkit::fit_kmeans(points, options, executor);
    tried_clusters t{{fit.model.n_clusters, fit.model.inertia, {}, {}, {}, {}}, fit.model.sizes, {}};
    if (fit.model.n_clusters < 2) return t;
    const std::size_t step = (points.rows + most_silhouette_rows - 1) / most_silhouette_rows;
    t.quality.silhouette = silhouette_of(points, fit.labels, step, executor);
    if (step > 1) t.silhouette_rows = (points.rows + step - 1) / step;
    t.quality.calinski_harabasz = segkit::calinski_harabasz(points, fit.labels);
    t.quality.davies_bouldin = segkit::davies_bouldin(points, fit.labels);
    return t;
}

nlohmann::ordered_json to_json(const cluster_trial& t) {
    const auto or_null = [](const std::optional<double>& v) { return v ? nlohmann::ordered_json(*v) : nlohmann::ordered_json(nullptr); };
    return {{"clusters", t.n_clusters},
            {"inertia", or_null(t.inertia)},
            {"silhouette", or_null(t.silhouette)},
            {"calinski_harabasz", or_null(t.calinski_harabasz)},
            {"davies_bouldin", or_null(t.davies_bouldin)}};
}

}  // namespace traveltide
