// segkit/cluster/bisecting_kmeans.hpp: k-means by halves: the cluster with the largest inertia (or the most rows) is split in two, again
// and again.
//
//     bisecting_kmeans(columns("a"_c, "b"_c), "cluster"_c, {.n_clusters = 12, .split = bisecting_split::by_size})
//
// Steinbach, Karypis and Kumar, "A comparison of document clustering techniques", 2000. Splits are k-means with two clusters on the rows
// of one; the halves' means are the centres, and rows go to the nearest of all of them in the end. Costs about log2(k) times n_init
// k-means with two clusters: less than k-means with many clusters, at a higher inertia.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

enum class bisecting_split {
    by_inertia,    // the cluster with the largest sum of squared distances
    by_size,       // the one with the most rows (or weight)
};

struct bisecting_kmeans_options {
    std::size_t n_clusters = 8;
    bisecting_split split = bisecting_split::by_inertia;
    std::size_t n_init = 3;          // runs of every split
    std::size_t max_iter = 300;      // per run
    double tol = 1e-4;
    std::uint64_t seed = 0;
    kmeans_labels labels = kmeans_labels::by_size;
    // Told of every assignment of every split, whose `n_clusters` are those that there will be after it; one that returns false ends the
    // fit with the clusters before this split. With it the runs of a split follow one another.
    progress_callback<kmeans_progress> progress{};
};

struct bisecting_step {
    std::size_t rows = 0;            // of the cluster that was split
    double inertia_before = 0;
    double inertia_after = 0;        // of its two halves
};

struct bisecting_kmeans_report {
    std::size_t n_rows = 0;
    std::size_t clusters_asked = 0;
    std::size_t clusters_used = 0;           // fewer when there are fewer distinct points, or the callback ended the splitting
    std::uint64_t seed = 0;
    double inertia = 0;
    std::vector<bisecting_step> steps;       // one fewer than clusters
    std::vector<double> cluster_weights;     // the weights of the rows in each cluster together
    bool cancelled = false;                  // the callback ended the splitting

    bool clusters_lowered() const { return clusters_used < clusters_asked; }
};

struct bisecting_kmeans_fit {
    kmeans_model model;
    bisecting_kmeans_report report;
    std::vector<std::int32_t> labels;        // of the rows of the fit
};

namespace detail {

template <class T>
bisecting_kmeans_fit fit_bisecting_to(matrix_view<const T> rows, const row_weights* weights, const bisecting_kmeans_options& options, executor_ref executor) {
    constexpr std::string_view stage = "bisecting_kmeans";
    require_rows_and_features(stage, rows.rows, rows.columns);
    check_kmeans_options(stage, {.n_clusters = options.n_clusters, .n_init = options.n_init, .max_iter = options.max_iter, .tol = options.tol}, rows.columns);
    const tiled_matrix<T> points = checked_points(stage, rows, weights, tiling::on_demand, executor);

    struct part {
        std::vector<std::size_t> rows;
        std::vector<double> centre;
        double inertia = 0;
        double weight = 0;
        bool splits = true;
    };
    bisecting_kmeans_fit out;
    std::vector<part> parts(1);
    const kmeans_fit whole = fit_kmeans_to(points, {.n_clusters = 1, .n_init = 1, .init = kmeans_init::random}, executor, stage);
    parts[0] = {std::vector<std::size_t>(rows.rows), whole.model.centres, whole.model.inertia, whole.report.cluster_weights[0]};
    for (std::size_t i = 0; i < rows.rows; ++i) parts[0].rows[i] = i;

    kmeans_options split{.n_clusters = 2, .n_init = options.n_init, .max_iter = options.max_iter, .tol = options.tol};
    if (options.progress) {
        split.progress = [&](kmeans_progress now) {
            now.n_clusters = parts.size() + 1;
            return options.progress(now);
        };
    }
    while (parts.size() < options.n_clusters) {
        std::size_t chosen = parts.size();
        for (std::size_t p = 0; p < parts.size(); ++p) {
            if (!parts[p].splits) continue;
            const auto size_of = [&](const part& candidate) { return options.split == bisecting_split::by_inertia ? candidate.inertia : candidate.weight; };
            if (chosen == parts.size() || size_of(parts[p]) > size_of(parts[chosen])) chosen = p;
        }
        if (chosen == parts.size()) break;
        const chosen_points<T> own(points, parts[chosen].rows);
        // Every split has random numbers of its own.
        split.seed = counter_random(options.seed, 999).bits(parts.size());
        const kmeans_fit halves = fit_kmeans_to(own.tiles(stage, executor), split, executor, stage);
        out.report.cancelled = halves.report.stopped == kmeans_stop::cancelled;
        if (out.report.cancelled) break;
        if (halves.model.n_clusters < 2) {
            parts[chosen].splits = false;    // copies of one point
            continue;
        }
        out.report.steps.push_back({parts[chosen].rows.size(), parts[chosen].inertia, halves.model.inertia});
        part two[2];
        for (std::size_t i = 0; i < halves.labels.size(); ++i) two[halves.labels[i]].rows.push_back(parts[chosen].rows[i]);
        for (std::size_t h = 0; h < 2; ++h) {
            const auto centre = halves.model.centres.begin() + static_cast<std::ptrdiff_t>(h * rows.columns);
            two[h].centre.assign(centre, centre + static_cast<std::ptrdiff_t>(rows.columns));
            two[h].weight = halves.report.cluster_weights[h];
            const chosen_points<T> half(points, two[h].rows);
            kmeans_fit alone;
            fit_to_centres(alone, half.tiles(stage, executor), two[h].centre, kmeans_labels::as_given, stage, executor);
            two[h].inertia = alone.model.inertia;
        }
        parts[chosen] = std::move(two[0]);
        parts.push_back(std::move(two[1]));
    }

    std::vector<double> centres;
    for (const part& p : parts) centres.insert(centres.end(), p.centre.begin(), p.centre.end());
    finish_with_centres(out, points, std::move(centres), options, stage, executor);
    return out;
}

}  // namespace detail

inline bisecting_kmeans_fit fit_bisecting_kmeans(matrix_view<const double> rows, const bisecting_kmeans_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_bisecting_to(rows, nullptr, options, executor);
}
inline bisecting_kmeans_fit fit_bisecting_kmeans(matrix_view<const float> rows, const bisecting_kmeans_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_bisecting_to(rows, nullptr, options, executor);
}
inline bisecting_kmeans_fit fit_bisecting_kmeans(matrix_view<const double> rows, row_weights weights, const bisecting_kmeans_options& options = {},
                                                 executor_ref executor = detail::default_executor) {
    return detail::fit_bisecting_to(rows, &weights, options, executor);
}
inline bisecting_kmeans_fit fit_bisecting_kmeans(matrix_view<const float> rows, row_weights weights, const bisecting_kmeans_options& options = {},
                                                 executor_ref executor = detail::default_executor) {
    return detail::fit_bisecting_to(rows, &weights, options, executor);
}

// The stage; its fitted form is that of kmeans.
template <class Columns, class Added, class Weight>
struct bisecting_kmeans_stage : stage_base {
    static constexpr std::string_view stage_name = "bisecting_kmeans";
    using must_be_fitted = void;
    using model_type = fitted_kmeans<Columns, Added>;
    bisecting_kmeans_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        return detail::fit_weighted_stage<model_type, Columns, Weight, bisecting_kmeans_report>(
            rows, stage_name, executor, [&](auto matrix, const row_weights* weights, const auto&) { return detail::fit_bisecting_to(matrix, weights, options, executor); });
    }
};

template <detail::names_columns Columns, class Added>
auto bisecting_kmeans(Columns features, Added added, bisecting_kmeans_options options = {}) {
    return detail::make_cluster_stage<bisecting_kmeans_stage>(features, added, no_weight{}, std::move(options));
}
template <detail::names_columns Columns, class Added, fixed_string Weight>
auto bisecting_kmeans(Columns features, Added added, weight_column<Weight> weight, bisecting_kmeans_options options = {}) {
    return detail::make_cluster_stage<bisecting_kmeans_stage>(features, added, weight, std::move(options));
}

inline stage_summary summarise(const bisecting_kmeans_report& report) {
    stage_summary s{.stage = "bisecting_kmeans"};
    detail::add_cluster_facts(s, report.n_rows, report.clusters_used, report.inertia);
    s.facts.emplace_back("seed", std::to_string(report.seed));
    if (report.cancelled) s.notes.push_back("ended by the callback");
    else detail::note_lowered_clusters(s, report.clusters_asked, report.clusters_used);
    return s;
}

}  // namespace SEGKIT_NAMESPACE
