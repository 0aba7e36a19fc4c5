// segkit/evaluate/stability.hpp: whether k-means finds the same clusters again, from other seeds and in other samples.
//
//     const auto s = stability(matrix, {.n_clusters = 5, .seed = 42}, {.seeds = 10, .samples = 50}, threads(2));
//     s.seed_agreement.mean, s.sample_agreement.mean, s.clusters[0].jaccard
//
// Agreement is the adjusted Rand index. Clusters are followed through bootstrap samples by their Jaccard index: Hennig, "Cluster-wise
// assessment of cluster stability", 2007. As many fits as seeds and samples; the same numbers for any executor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/config.hpp>
#include <segkit/evaluate/adjusted_rand.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct stability_options {
    std::size_t seeds = 10;      // fits of all rows, the one to be judged among them; 0 or at least 2
    std::size_t samples = 50;    // bootstrap samples: as many rows, drawn with repetition; 100 is usual for a publication
    std::uint64_t seed = 0;
};

// The adjusted Rand indices of some comparisons.
struct label_stability {
    double mean = 0;
    double least = 0;
    std::vector<double> indices;

    friend bool operator==(const label_stability&, const label_stability&) = default;
};

// In every sample the cluster is compared with the one it has most in common with, by the rows that were drawn. Hennig's reading of
// the mean: from 0.75 on a stable cluster, from 0.6 on a pattern whose members are doubtful, below not to be trusted.
struct cluster_stability {
    std::int32_t label = 0;
    std::size_t size = 0;
    double jaccard = 0;            // mean over the samples
    std::size_t dissolved = 0;     // samples in which it was at most 0.5: no cluster was more like it than not
    std::size_t recovered = 0;     // samples in which it was at least 0.75
    std::size_t samples = 0;       // that held any of its rows

    friend bool operator==(const cluster_stability&, const cluster_stability&) = default;
};

struct stability_result {
    std::size_t n_clusters = 0;
    label_stability seed_agreement;             // of every pair of fits; empty without seeds
    label_stability sample_agreement;           // of every sample's fit with that of all rows, on the rows drawn; empty without samples
    std::vector<cluster_stability> clusters;    // of the fit with the options as given; empty without samples
};

namespace detail {

inline constexpr std::uint64_t other_seeds_purpose = 4;
inline constexpr std::uint64_t bootstrap_purpose = 1'000'000;    // and up: one stream per sample

inline label_stability stability_of(std::vector<double> indices) {
    label_stability s;
    s.indices = std::move(indices);
    if (s.indices.empty()) return s;
    for (double index : s.indices) s.mean += index;
    s.mean /= static_cast<double>(s.indices.size());
    s.least = *std::min_element(s.indices.begin(), s.indices.end());
    return s;
}

// Every pair of some labellings of the same rows.
inline label_stability agreement_of_pairs(const std::vector<std::vector<std::int32_t>>& labels, executor_ref executor) {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t a = 0; a < labels.size(); ++a)
        for (std::size_t b = a + 1; b < labels.size(); ++b) pairs.emplace_back(a, b);
    std::vector<double> indices(pairs.size());
    executor.run(pairs.size(), [&](std::size_t p) { indices[p] = adjusted_rand(labels[pairs[p].first], labels[pairs[p].second]); });
    return stability_of(std::move(indices));
}

// The labels of `first`, and of further fits from other seeds.
inline label_stability agreement_over_seeds(const tiled_matrix<double>& points, kmeans_options options, std::vector<std::int32_t> first, std::size_t seeds, executor_ref executor) {
    const counter_random random(options.seed, other_seeds_purpose);
    std::vector<std::vector<std::int32_t>> labels{std::move(first)};
    for (std::size_t s = 1; s < seeds; ++s) {
        options.seed = random.bits(s);
        labels.push_back(fit_kmeans_to(points, options, executor).labels);
    }
    return agreement_of_pairs(labels, executor);
}

// What a sample's fit says of the clusters of all rows.
struct sample_outcome {
    double agreement = 0;
    std::vector<double> jaccard;    // per cluster; negative where no row of it was drawn
};

inline sample_outcome compare_in_sample(const std::vector<std::int32_t>& of_all, const std::vector<std::int32_t>& of_sample, std::size_t k) {
    const label_cross_table table = cross_table(of_all, of_sample);
    sample_outcome outcome{adjusted_rand_of(pairs_of(table)), std::vector<double>(k, -1.0)};
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        double most = 0;
        for (std::size_t j = 0; j < table.columns.size(); ++j) {
            const std::size_t both = table(i, j);
            most = std::max(most, static_cast<double>(both) / static_cast<double>(table.row_total(i) + table.column_total(j) - both));
        }
        outcome.jaccard[static_cast<std::size_t>(table.rows[i])] = most;
    }
    return outcome;
}

// A fit of rows drawn with repetition; rows drawn twice are compared once.
inline sample_outcome bootstrap(const tiled_matrix<double>& points, const kmeans_options& options, const std::vector<std::int32_t>& labels, std::size_t k, counter_random random,
                                executor_ref executor) {
    const std::size_t n = points.rows();
    const std::vector<std::size_t> drawn = drawn_rows(random, 0, n, n);
    const chosen_points<double> sample(points, drawn);
    const kmeans_fit fit = fit_kmeans_to(sample.tiles("stability", executor), options, executor);
    std::vector<std::int32_t> of_all, of_sample;
    std::vector<char> seen(n);
    for (std::size_t i = 0; i < n; ++i) {
        if (std::exchange(seen[drawn[i]], char{1})) continue;
        of_all.push_back(labels[drawn[i]]);
        of_sample.push_back(fit.labels[i]);
    }
    return compare_in_sample(of_all, of_sample, k);
}

}  // namespace detail

// `kmeans` are the options to be judged; the fits from other seeds and in samples have them too, but for the seed.
inline stability_result stability(matrix_view<const double> rows, const kmeans_options& kmeans, const stability_options& options = {},
                                  executor_ref executor = detail::default_executor) {
    constexpr std::string_view stage = "stability";
    if (options.seeds == 1) detail::throw_invalid_option(stage, "seeds", "1", "0, or at least 2", "one fit has nothing to be compared with");
    if (options.seeds == 0 && options.samples == 0) detail::throw_invalid_option(stage, "samples", "no seeds and no samples", "some of either");
    detail::require_rows_and_features(stage, rows.rows, rows.columns);
    detail::check_kmeans_options("kmeans", kmeans, rows.columns);
    if (kmeans.n_clusters > rows.rows)
        detail::throw_invalid_option(stage, "n_clusters", std::to_string(kmeans.n_clusters), "at most the " + std::to_string(rows.rows) + " rows there are");
    const detail::tiled_matrix<double> points(stage, rows, executor);
    const kmeans_fit fit = detail::fit_kmeans_to(points, kmeans, executor);
    stability_result result;
    result.n_clusters = fit.model.n_clusters;
    if (options.seeds > 0) {
        kmeans_options others = kmeans;
        others.seed = options.seed;
        result.seed_agreement = detail::agreement_over_seeds(points, others, fit.labels, options.seeds, executor);
    }
    if (options.samples == 0) return result;
    std::vector<detail::sample_outcome> outcomes(options.samples);
    const auto run = [&](std::size_t s, executor_ref inner) {
        outcomes[s] = detail::bootstrap(points, kmeans, fit.labels, result.n_clusters, counter_random(options.seed, detail::bootstrap_purpose + s), inner);
    };
    if (rows.rows * rows.columns <= detail::cached_values && !kmeans.progress) {    // every thread has a sample of its own; a callback is called in one at a time
        executor.run(options.samples, [&](std::size_t s) { run(s, detail::default_executor); });
    } else {
        for (std::size_t s = 0; s < options.samples; ++s) run(s, executor);
    }
    std::vector<double> indices;
    for (const detail::sample_outcome& o : outcomes) indices.push_back(o.agreement);
    result.sample_agreement = detail::stability_of(std::move(indices));
    for (std::size_t c = 0; c < result.n_clusters; ++c) {
        cluster_stability cluster{static_cast<std::int32_t>(c), fit.model.sizes[c]};
        for (const detail::sample_outcome& o : outcomes) {
            if (o.jaccard[c] < 0) continue;
            ++cluster.samples;
            cluster.jaccard += o.jaccard[c];
            cluster.dissolved += o.jaccard[c] <= 0.5;
            cluster.recovered += o.jaccard[c] >= 0.75;
        }
        if (cluster.samples > 0) cluster.jaccard /= static_cast<double>(cluster.samples);
        result.clusters.push_back(cluster);
    }
    return result;
}

}  // namespace SEGKIT_NAMESPACE
