// segkit/evaluate/warnings.hpp: what a good measure of a clustering can hide.
//
//     for (const cluster_warning& w : warn_of(matrix, labels, {"age", "spend"})) std::puts(w.text.c_str());
//
// Zero-inflated and constant features, a giant cluster, tiny ones, and leakage: a feature that alone reproduces the clusters. Linear
// in the rows, but for leakage, which of each feature sorts at most 10,000 values and takes the square of the number of clusters for
// each; of more than 100 clusters it is not looked for.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/table/matrix_view.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

enum class cluster_risk {
    zero_inflated,        // one value, zero as a rule, fills most of a feature: distances then speak of zero or not
    constant,             // a feature that says nothing
    giant_cluster,        // nearly everybody is in one cluster
    tiny_cluster,         // a cluster of hardly anybody: outliers rather than a segment
    leakage,              // a feature alone reproduces the clusters: the others add nothing
    near_tie,             // another number of clusters is as good by the same criterion        (these three: choose_k.hpp)
    disagreement,         // criteria choose different numbers of clusters
    fewer_clusters,       // there are fewer distinct rows than clusters were asked for
};

struct cluster_warning {
    cluster_risk risk{};
    std::optional<std::size_t> feature{};     // its place among the features
    std::optional<std::int32_t> cluster{};    // its label
    double value = 0;                         // the share or measure that the text speaks of
    std::string text{};                       // in words
};

// From which value on there is a warning.
struct warning_limits {
    double one_value_share = 0.5;    // rows of a feature that hold the same value; at least 0.5
    double giant_share = 0.8;        // rows in one cluster
    double tiny_share = 0.01;        // rows in a cluster: fewer are too few, and so is a single row
    double leakage = 0.95;           // of the errors of guessing the largest cluster, those that a rule on one feature avoids
    double near_tie = 0.01;          // difference to the best: of silhouettes and elbows, or relative; below it is a tie
};

namespace detail {

inline std::string feature_name(std::span<const std::string> names, std::size_t feature) {
    return names.empty() ? "feature " + std::to_string(feature) : "'" + names[feature] + "'";
}
inline std::string percent(double share) { return std::to_string(std::lround(100 * share)) + " %"; }

// For people: four digits.
inline std::string rounded(double value) {
    if (value == 0) return "0";
    const double scale = std::pow(10.0, 3 - std::floor(std::log10(std::fabs(value))));
    return is_finite(scale) ? to_text(std::round(value * scale) / scale) : to_text(value);
}

inline void check_limits(std::string_view stage, const warning_limits& limits) {
    const auto require = [&](std::string_view option, double value, double least) {
        if (value >= least && value <= 1) return;
        throw_invalid_option(stage, option, std::to_string(value), "a share from " + to_text(least) + " to 1");
    };
    require("one_value_share", limits.one_value_share, 0.5);
    require("giant_share", limits.giant_share, 0);
    require("tiny_share", limits.tiny_share, 0);
    require("leakage", limits.leakage, 0);
    require("near_tie", limits.near_tie, 0);
}

// The value that more than half of the rows hold, if there is one, and how many do (Boyer and Moore's majority vote, 1991).
struct usual_value {
    double value = 0;
    double rows = 0;            // or their weights together
    bool constant = false;
    bool two_valued = false;    // a flag: most of it is one value by nature
};
template <class T>
usual_value usual_value_of(matrix_view<const T> rows, const double* weights, std::size_t feature) {
    usual_value usual;
    double lead = 0;
    for (std::size_t i = 0; i < rows.rows; ++i) {
        const auto value = static_cast<double>(rows(i, feature));
        const double weight = weights ? weights[i] : 1;
        lead += value == usual.value ? weight : -weight;
        if (lead >= 0) continue;
        usual.value = value;
        lead = -lead;
    }
    std::optional<double> other;
    usual.two_valued = true;
    for (std::size_t i = 0; i < rows.rows; ++i) {
        const auto value = static_cast<double>(rows(i, feature));
        usual.rows += value == usual.value ? weights ? weights[i] : 1 : 0;
        if (value == usual.value) continue;
        usual.two_valued = usual.two_valued && (!other || *other == value);
        other = value;
    }
    usual.constant = !other;
    return usual;
}

inline constexpr std::uint64_t leakage_purpose = 3;
inline constexpr std::size_t leakage_rows = 10'000;

// Of the errors made by guessing the largest cluster, the share that a rule avoids which cuts one feature into at most as many intervals
// as there are clusters and names a cluster for each: Goodman and Kruskal's lambda ("Measures of association for cross
// classifications", 1954) of the best such rule, found by going through the sorted values once. 0: the feature is no help, 1: it tells all.
// Weights, where there are any, are those of the values.
inline double leakage_of(const std::vector<double>& values, const std::vector<std::size_t>& groups, std::size_t k, const std::vector<double>& weights = {}) {
    const std::size_t n = values.size();
    std::vector<std::size_t> order(n);
    std::vector<double> sizes(k);
    const auto weight = [&](std::size_t i) { return weights.empty() ? 1 : weights[i]; };
    double all = 0;
    for (std::size_t i = 0; i < n; ++i) {
        order[i] = i;
        sizes[groups[i]] += weight(i);
        all += weight(i);
    }
    const double largest = *std::max_element(sizes.begin(), sizes.end());
    if (largest == all) return 0;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] != values[b] ? values[a] < values[b] : a < b; });
    // right[s * k + g]: the most rows named rightly so far with at most s + 1 intervals, the last of which names g.
    std::vector<double> right(k * k), best(k), run(k);
    for (std::size_t first = 0, last = 0; first < n; first = last) {
        std::fill(run.begin(), run.end(), 0.0);
        for (; last < n && values[order[last]] == values[order[first]]; ++last) run[groups[order[last]]] += weight(order[last]);
        for (std::size_t s = 0; s < k; ++s) best[s] = *std::max_element(right.begin() + static_cast<std::ptrdiff_t>(s * k), right.begin() + static_cast<std::ptrdiff_t>((s + 1) * k));
        for (std::size_t s = 0; s < k; ++s)
            for (std::size_t g = 0; g < k; ++g) right[s * k + g] = std::max(right[s * k + g], s > 0 ? best[s - 1] : 0) + run[g];
    }
    const double named = *std::max_element(right.begin(), right.end());
    return (named - largest) / (all - largest);
}

template <class T>
std::vector<cluster_warning> warnings_of_features(matrix_view<const T> rows, const double* weights, std::span<const std::string> names, const warning_limits& limits, executor_ref executor) {
    std::vector<usual_value> usual(rows.columns);
    executor.run(rows.columns, [&](std::size_t j) { usual[j] = usual_value_of(rows, weights, j); });
    double all = weights ? 0 : static_cast<double>(rows.rows);
    for (std::size_t i = 0; weights && i < rows.rows; ++i) all += weights[i];
    std::vector<cluster_warning> warnings;
    for (std::size_t j = 0; j < rows.columns; ++j) {
        const double share = usual[j].rows / all;
        if (usual[j].constant) {
            warnings.push_back({cluster_risk::constant, j, {}, 1, feature_name(names, j) + " is the same in all rows"});
        } else if (!usual[j].two_valued && share > limits.one_value_share) {
            warnings.push_back({cluster_risk::zero_inflated, j, {}, share,
                                feature_name(names, j) + " has one value (" + rounded(usual[j].value) + ") in " + percent(share) + " of the rows: clusters may say little more than whether it has"});
        }
    }
    return warnings;
}

inline constexpr std::size_t most_clusters_of_leakage = 100;

template <class T>
std::vector<cluster_warning> warnings_of_clusters(matrix_view<const T> rows, const label_groups& groups, std::span<const std::string> names, const warning_limits& limits,
                                                         executor_ref executor) {
    const std::size_t n = rows.rows, k = groups.count();
    const double all = groups.total_weight();
    std::vector<cluster_warning> warnings;
    for (std::size_t g = 0; g < k && k > 1; ++g) {
        const double share = groups.weight_of(g) / all;
        const std::string cluster = "cluster " + std::to_string(groups.labels[g]);
        if (share > limits.giant_share) {
            warnings.push_back({cluster_risk::giant_cluster, {}, groups.labels[g], share, cluster + " holds " + percent(share) + " of the rows"});
        } else if (share < limits.tiny_share || groups.weight_of(g) <= 1) {
            warnings.push_back({cluster_risk::tiny_cluster, {}, groups.labels[g], share,
                                cluster + " holds " + (groups.weights ? rounded(100 * share) + " % of the weight" : std::to_string(groups.sizes[g]) + (groups.sizes[g] == 1 ? " row" : " rows") + " of " + std::to_string(n))});
        }
    }
    if (rows.columns < 2 || k < 2 || k > most_clusters_of_leakage) return warnings;    // one feature has nothing to be alone among
    const std::vector<std::size_t> drawn = rows_by_chance(n, std::min(n, leakage_rows), counter_random(0, leakage_purpose));
    std::vector<std::size_t> groups_drawn;
    std::vector<double> weights_drawn;
    for (std::size_t row : drawn) {
        groups_drawn.push_back(groups.group[row]);
        if (groups.weights) weights_drawn.push_back(groups.weights[row]);
    }
    std::vector<double> leakage(rows.columns);
    executor.run(rows.columns, [&](std::size_t j) {
        std::vector<double> values;
        for (std::size_t row : drawn) values.push_back(static_cast<double>(rows(row, j)));
        leakage[j] = leakage_of(values, groups_drawn, k, weights_drawn);
    });
    for (std::size_t j = 0; j < rows.columns; ++j) {
        if (leakage[j] < limits.leakage) continue;
        warnings.push_back({cluster_risk::leakage, j, {}, leakage[j], feature_name(names, j) + " alone tells the clusters apart (" + percent(leakage[j]) + "): the other features add nothing"});
    }
    return warnings;
}

template <class T>
std::vector<cluster_warning> warn_of_rows(matrix_view<const T> rows, std::span<const std::int32_t> labels, std::span<const std::string> names, const warning_limits& limits, executor_ref executor) {
    constexpr std::string_view stage = "warn_of";
    check_limits(stage, limits);
    const label_groups groups = groups_of_rows(stage, rows, labels);
    if (!names.empty()) require_width(stage, names.size(), rows.columns);
    std::vector<cluster_warning> warnings = warnings_of_features(rows, nullptr, names, limits, executor);
    for (cluster_warning& w : warnings_of_clusters(rows, groups, names, limits, executor)) warnings.push_back(std::move(w));
    return warnings;
}

}  // namespace detail

// Of any clustering; `names` are those of the features, or none.
inline std::vector<cluster_warning> warn_of(matrix_view<const double> rows, std::span<const std::int32_t> labels, std::span<const std::string> names = {},
                                            const warning_limits& limits = {}, executor_ref executor = detail::default_executor) {
    return detail::warn_of_rows(rows, labels, names, limits, executor);
}
inline std::vector<cluster_warning> warn_of(matrix_view<const float> rows, std::span<const std::int32_t> labels, std::span<const std::string> names = {},
                                            const warning_limits& limits = {}, executor_ref executor = detail::default_executor) {
    return detail::warn_of_rows(rows, labels, names, limits, executor);
}

}  // namespace SEGKIT_NAMESPACE
