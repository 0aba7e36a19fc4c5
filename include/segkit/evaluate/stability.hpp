// segkit/evaluate/stability.hpp: whether k-means finds the same clusters again, from other seeds and in other samples.
//
//     const auto s = stability(matrix, {.n_clusters = 5, .seed = 42}, {.seeds = 10, .samples = 50}, threads(2));
//     s.seed_agreement.mean, s.sample_agreement.mean, s.clusters[0].jaccard
//
// Agreement is the adjusted Rand index. Clusters are followed through bootstrap samples by their Jaccard index: Hennig, "Cluster-wise
// assessment of cluster stability", 2007. As many fits as seeds and samples; the same numbers for any executor. Points are double or float.
// With weights a row of weight 3 counts as three rows: in the fits, the draws and the comparisons.
#pragma once

#include <algorithm>
#include <cmath>
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
    bool cancelled = false;                     // the callback ended it: what was done until then
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

// The adjusted Rand index of rows that weigh something; `weights` may be null.
inline double adjusted_rand_of_weighted(const std::vector<std::int32_t>& first, const std::vector<std::int32_t>& second, const double* weights) {
    if (!weights) return adjusted_rand(first, second);
    return adjusted_rand_of(pairs_of(cross_table_of<double>(first, second, [&](std::size_t i) { return weights[i]; })));
}

// Every pair of some labellings of the same rows.
inline label_stability agreement_of_pairs(const std::vector<std::vector<std::int32_t>>& labels, const double* weights, executor_ref executor) {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t a = 0; a < labels.size(); ++a)
        for (std::size_t b = a + 1; b < labels.size(); ++b) pairs.emplace_back(a, b);
    std::vector<double> indices(pairs.size());
    executor.run(pairs.size(), [&](std::size_t p) { indices[p] = adjusted_rand_of_weighted(labels[pairs[p].first], labels[pairs[p].second], weights); });
    return stability_of(std::move(indices));
}

// Options whose callback is not asked again once it has said no: then every fit ends at once, and `cancelled` says so.
inline kmeans_options with_one_end(kmeans_options options, bool& cancelled) {
    if (options.progress) options.progress = [tell = options.progress, &cancelled](const kmeans_progress& p) { return !(cancelled = cancelled || !tell(p)); };
    return options;
}

// The labels of `first`, and of further fits from other seeds; a fit that was cancelled is left out.
template <class T>
label_stability agreement_over_seeds(const tiled_matrix<T>& points, kmeans_options options, std::vector<std::int32_t> first, std::size_t seeds, executor_ref executor) {
    const counter_random random(options.seed, other_seeds_purpose);
    std::vector<std::vector<std::int32_t>> labels{std::move(first)};
    for (std::size_t s = 1; s < seeds; ++s) {
        options.seed = random.bits(s);
        kmeans_fit fit = fit_kmeans_to(points, options, executor);
        if (fit.report.stopped == kmeans_stop::cancelled) break;
        labels.push_back(std::move(fit.labels));
    }
    return agreement_of_pairs(labels, points.weights(), executor);
}

// What a sample's fit says of the clusters of all rows.
struct sample_outcome {
    double agreement = 0;
    std::vector<double> jaccard;    // per cluster; negative where no row of it was drawn
    bool cancelled = false;
};

template <class Count>
sample_outcome compare_in_sample(const basic_cross_table<Count>& table, std::size_t k) {
    sample_outcome outcome{adjusted_rand_of(pairs_of(table)), std::vector<double>(k, -1.0)};
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        double most = 0;
        for (std::size_t j = 0; j < table.columns.size(); ++j) {
            const Count both = table(i, j);
            most = std::max(most, static_cast<double>(both) / static_cast<double>(table.row_total(i) + table.column_total(j) - both));
        }
        outcome.jaccard[static_cast<std::size_t>(table.rows[i])] = most;
    }
    return outcome;
}

// A fit of rows drawn with repetition; rows drawn twice are compared once.
template <class T>
sample_outcome bootstrap(const tiled_matrix<T>& points, const kmeans_options& options, const std::vector<std::int32_t>& labels, std::size_t k, counter_random random,
                         executor_ref executor) {
    const std::size_t n = points.rows();
    const std::vector<std::size_t> drawn = drawn_rows(random, 0, n, n);
    const chosen_points<T> sample(points, drawn);
    const kmeans_fit fit = fit_kmeans_to(sample.tiles("stability", executor), options, executor);
    std::vector<std::int32_t> of_all, of_sample;
    std::vector<char> seen(n);
    for (std::size_t i = 0; i < n; ++i) {
        if (std::exchange(seen[drawn[i]], char{1})) continue;
        of_all.push_back(labels[drawn[i]]);
        of_sample.push_back(fit.labels[i]);
    }
    sample_outcome outcome = compare_in_sample(cross_table(of_all, of_sample), k);
    outcome.cancelled = fit.report.stopped == kmeans_stop::cancelled;
    return outcome;
}

inline constexpr double most_drawn_weight = 1e8;

// The copies that weights make of rows, from which samples are drawn: as many draws as copies. The last copy of a row may be a part of one.
struct weighted_copies {
    std::vector<double> ends;            // of every row in the line of all weights
    std::vector<std::size_t> first;      // copy of every row, and the number of all

    weighted_copies(const double* weights, std::size_t rows) : ends(rows), first(rows + 1) {
        for (std::size_t i = 0; i < rows; ++i) {
            ends[i] = weights[i] + (i > 0 ? ends[i - 1] : 0);
            first[i + 1] = first[i] + static_cast<std::size_t>(std::ceil(weights[i]));
        }
    }
};

// The same of weighted rows: how often each is drawn is its weight in the fit, its copies drawn are its weight in the comparison.
template <class T>
sample_outcome bootstrap(const tiled_matrix<T>& points, const weighted_copies& copies, const kmeans_options& options, const std::vector<std::int32_t>& labels, std::size_t k,
                         counter_random random, executor_ref executor) {
    const std::size_t n = points.rows();
    const double total = copies.ends.back();
    std::vector<double> draws(n), different(n);
    std::vector<bool> seen(copies.first[n]);
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::llround(total)); ++i) {
        const double at = random.uniform(i) * total;
        const auto row = std::min(static_cast<std::size_t>(std::upper_bound(copies.ends.begin(), copies.ends.end(), at) - copies.ends.begin()), n - 1);
        const auto copy = std::min(static_cast<std::size_t>(at - (row > 0 ? copies.ends[row - 1] : 0)), copies.first[row + 1] - copies.first[row] - 1);
        draws[row] += 1;
        if (seen[copies.first[row] + copy]) continue;
        seen[copies.first[row] + copy] = true;
        different[row] += std::min(1.0, points.weights()[row] - static_cast<double>(copy));
    }
    std::vector<std::size_t> drawn;
    for (std::size_t row = 0; row < n; ++row)
        if (draws[row] > 0) drawn.push_back(row);
    chosen_points<T> sample(points, drawn);
    for (std::size_t i = 0; i < drawn.size(); ++i) sample.weights[i] = draws[drawn[i]];
    const kmeans_fit fit = fit_kmeans_to(sample.tiles("stability", executor), options, executor);
    std::vector<std::int32_t> of_all;
    for (const std::size_t row : drawn) of_all.push_back(labels[row]);
    sample_outcome outcome = compare_in_sample(cross_table_of<double>(of_all, fit.labels, [&](std::size_t i) { return different[drawn[i]]; }), k);
    outcome.cancelled = fit.report.stopped == kmeans_stop::cancelled;
    return outcome;
}

template <class T>
stability_result stability_to(matrix_view<const T> rows, const row_weights* weights, const kmeans_options& asked, const stability_options& options, executor_ref executor) {
    constexpr std::string_view stage = "stability";
    if (options.seeds == 1) throw_invalid_option(stage, "seeds", "1", "0, or at least 2", "one fit has nothing to be compared with");
    if (options.seeds == 0 && options.samples == 0) throw_invalid_option(stage, "samples", "no seeds and no samples", "some of either");
    require_rows_and_features(stage, rows.rows, rows.columns);
    check_kmeans_options("kmeans", asked, rows.columns);
    if (asked.n_clusters > rows.rows) throw_invalid_option(stage, "n_clusters", std::to_string(asked.n_clusters), "at most the " + std::to_string(rows.rows) + " rows there are");
    if (weights) check_counting_weights(stage, *weights, rows.rows);
    const tiled_matrix<T> points = checked_points(stage, rows, weights, tiling::resident, executor);
    stability_result result;
    const kmeans_options kmeans = with_one_end(asked, result.cancelled);
    const kmeans_fit fit = fit_kmeans_to(points, kmeans, executor);
    result.n_clusters = fit.model.n_clusters;
    if (options.seeds > 0 && !result.cancelled) {
        kmeans_options others = kmeans;
        others.seed = options.seed;
        result.seed_agreement = agreement_over_seeds(points, others, fit.labels, options.seeds, executor);
    }
    if (options.samples == 0 || result.cancelled) return result;
    const weighted_copies copies(points.weights(), weights ? rows.rows : 0);
    if (weights && copies.ends.back() > most_drawn_weight)
        throw_invalid_option(stage, "weights", "a sum of " + std::to_string(copies.ends.back()), "at most 1e8, since a sample draws as often", "divide all of them by the same number");
    std::vector<sample_outcome> outcomes(options.samples);
    const auto run = [&](std::size_t s, executor_ref inner) {
        const counter_random random(options.seed, bootstrap_purpose + s);
        outcomes[s] = weights ? bootstrap(points, copies, kmeans, fit.labels, result.n_clusters, random, inner) : bootstrap(points, kmeans, fit.labels, result.n_clusters, random, inner);
    };
    if (rows.rows * rows.columns <= cached_values && !kmeans.progress) {    // every thread has a sample of its own; a callback is called in one at a time
        executor.run(options.samples, [&](std::size_t s) { run(s, default_executor); });
    } else {
        for (std::size_t s = 0; s < outcomes.size(); ++s) {
            run(s, executor);
            if (outcomes[s].cancelled) outcomes.resize(s);
        }
    }
    std::vector<double> indices;
    for (const sample_outcome& o : outcomes) indices.push_back(o.agreement);
    result.sample_agreement = stability_of(std::move(indices));
    for (std::size_t c = 0; c < result.n_clusters && !outcomes.empty(); ++c) {
        cluster_stability cluster{static_cast<std::int32_t>(c), fit.model.sizes[c]};
        for (const sample_outcome& o : outcomes) {
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

}  // namespace detail

// `kmeans` are the options to be judged; the fits from other seeds and in samples have them too, but for the seed. Its callback is told of
// every assignment of every one of these fits, one after the other; the first false ends them all, with what was done until then.
inline stability_result stability(matrix_view<const double> rows, const kmeans_options& kmeans, const stability_options& options = {},
                                  executor_ref executor = detail::default_executor) {
    return detail::stability_to(rows, nullptr, kmeans, options, executor);
}
inline stability_result stability(matrix_view<const float> rows, const kmeans_options& kmeans, const stability_options& options = {},
                                  executor_ref executor = detail::default_executor) {
    return detail::stability_to(rows, nullptr, kmeans, options, executor);
}
// Weights have a mean of at least 1 and, for samples, which draw as often, a sum of at most 1e8.
inline stability_result stability(matrix_view<const double> rows, row_weights weights, const kmeans_options& kmeans, const stability_options& options = {},
                                  executor_ref executor = detail::default_executor) {
    return detail::stability_to(rows, &weights, kmeans, options, executor);
}
inline stability_result stability(matrix_view<const float> rows, row_weights weights, const kmeans_options& kmeans, const stability_options& options = {},
                                  executor_ref executor = detail::default_executor) {
    return detail::stability_to(rows, &weights, kmeans, options, executor);
}

}  // namespace SEGKIT_NAMESPACE
