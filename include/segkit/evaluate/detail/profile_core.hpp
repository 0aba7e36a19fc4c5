// segkit/evaluate/detail/profile_core.hpp: what the clusters of a matrix are like, feature by feature.
//
//     const auto p = segkit::profile_clusters(matrix, labels, names);
//     p.clusters[0].features[2].mean, p.clusters[0].distinguishing[0], p.features[2].eta_squared
//
// Exact means, medians and deviations, and how large the differences are. Linear in rows times features and in clusters times features
// (which each cluster sorts by their effects), features in parallel; a copy of one feature per thread. Any number of clusters will do.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/statistics/moments.hpp>
#include <segkit/statistics/quantile.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

// What a NaN in the matrix means to a profile.
enum class missing_values {
    refuse,    // an error
    skip,      // nothing is known: the figures are those of the other rows, and `known` says how many these are
};

// One feature in one cluster. NaN where a figure has no value: nothing known, one value only, nobody in the rest.
struct feature_profile {
    std::size_t known = 0;
    double mean = 0;
    double median = 0;
    double standard_deviation = 0;    // of a sample: divided by known - 1
    double nonzero_share = 0;         // of the known
    double z = 0;                     // mean less that of all rows, in population standard deviations of all rows; 0 for a constant feature
    double effect = 0;                // Cohen's d against the rest: difference of the means over the pooled deviation (Cohen, 1988: 0.2 is small,
                                      // 0.5 medium, 0.8 large); infinite where neither varies but they differ
};

struct cluster_profile {
    std::int32_t label = 0;
    std::size_t rows = 0;
    double share = 0;                           // of all rows
    std::vector<feature_profile> features;
    std::vector<std::size_t> distinguishing;    // places of all features, the greatest absolute effect first
};

// One feature in all rows.
struct feature_overview {
    std::string name{};
    std::size_t known = 0;
    double mean = 0;
    double median = 0;
    double standard_deviation = 0;    // of a sample
    double nonzero_share = 0;
    double eta_squared = 0;           // share of the variance that lies between the clusters (Fisher's correlation ratio), 0 to 1; 0 for a constant feature
};

struct clusters_profile {
    std::size_t rows = 0;
    std::vector<feature_overview> features;
    std::vector<cluster_profile> clusters;    // by ascending label
};

namespace detail {

inline constexpr double no_figure = std::numeric_limits<double>::quiet_NaN();

// The figures of some values, which are reordered.
struct value_figures {
    moments sums;
    double median = no_figure;
    double nonzero_share = no_figure;
};
inline value_figures describe_values(std::span<double> values) {
    value_figures s;
    if (values.empty()) return s;
    std::size_t nonzero = 0;
    for (double value : values) {
        s.sums.update(value);
        nonzero += value != 0;
    }
    s.nonzero_share = static_cast<double>(nonzero) / static_cast<double>(values.size());
    s.median = quantile(values, 0.5);
    return s;
}

inline double cohens_d(const moments& a, const moments& b) {
    if (a.count == 0 || b.count == 0 || a.count + b.count < 3) return no_figure;
    const double difference = a.mean() - b.mean();
    if (a.has_no_deviation() && b.has_no_deviation()) {
        moments both = a;
        both.merge(b);
        return both.has_no_deviation() ? 0 : std::copysign(std::numeric_limits<double>::infinity(), difference);
    }
    return difference / std::sqrt((a.sum_of_squared_deviations() + b.sum_of_squared_deviations()) / static_cast<double>(a.count + b.count - 2));
}

template <class T>
void profile_feature(clusters_profile& profile, std::size_t j, matrix_view<const T> rows, const label_groups& groups) {
    const std::size_t k = groups.count();
    std::vector<double> values(rows.rows);    // the known ones, by group
    std::vector<std::size_t> first(k + 1), next(k);
    for (std::size_t i = 0; i < rows.rows; ++i) first[groups.group[i] + 1] += rows(i, j) == rows(i, j);
    for (std::size_t g = 0; g < k; ++g) first[g + 1] += first[g];
    for (std::size_t g = 0; g < k; ++g) next[g] = first[g];
    for (std::size_t i = 0; i < rows.rows; ++i)
        if (rows(i, j) == rows(i, j)) values[next[groups.group[i]]++] = static_cast<double>(rows(i, j));
    values.resize(first[k]);
    std::vector<value_figures> parts(k);
    for (std::size_t g = 0; g < k; ++g) parts[g] = describe_values(std::span(values).subspan(first[g], first[g + 1] - first[g]));
    const value_figures all = describe_values(values);
    if (!values.empty()) require_finite_squares("profile_clusters", all.sums.mean(), all.sums.sum_of_squared_deviations(), j, profile.features[j].name);

    feature_overview& overview = profile.features[j];
    overview.known = values.size();
    overview.mean = all.sums.mean();
    overview.median = all.median;
    overview.standard_deviation = all.sums.standard_deviation(1);
    overview.nonzero_share = all.nonzero_share;
    const bool constant = all.sums.has_no_deviation();
    double between = 0;
    std::vector<moments> after(k);    // the groups after each; with those before it they are the rest
    for (std::size_t g = k; g-- > 1;) {
        after[g - 1] = parts[g].sums;
        after[g - 1].merge(after[g]);
    }
    moments before;
    for (std::size_t g = 0; g < k; ++g) {
        const moments& own = parts[g].sums;
        feature_profile& f = profile.clusters[g].features[j];
        f.known = static_cast<std::size_t>(own.count);
        f.mean = own.mean();
        f.median = parts[g].median;
        f.standard_deviation = own.standard_deviation(1);
        f.nonzero_share = parts[g].nonzero_share;
        f.z = own.count == 0 ? no_figure : constant ? 0 : (own.mean() - all.sums.mean()) / all.sums.standard_deviation(0);
        moments rest = before;
        rest.merge(after[g]);
        f.effect = cohens_d(own, rest);
        before.merge(own);
        if (own.count > 0) between += static_cast<double>(own.count) * (own.mean() - all.sums.mean()) * (own.mean() - all.sums.mean());
    }
    overview.eta_squared = values.empty() ? no_figure : constant ? 0 : std::min(1.0, between / all.sums.sum_of_squared_deviations());
}

// Every value is finite, or NaN where nothing is known.
template <class T>
clusters_profile profile_of_groups(matrix_view<const T> rows, const label_groups& groups, std::vector<std::string> names, executor_ref executor) {
    clusters_profile profile;
    profile.rows = rows.rows;
    for (std::string& name : names) profile.features.push_back({.name = std::move(name)});
    for (std::size_t g = 0; g < groups.count(); ++g) {
        const double share = static_cast<double>(groups.sizes[g]) / static_cast<double>(rows.rows);
        profile.clusters.push_back({groups.labels[g], groups.sizes[g], share, std::vector<feature_profile>(rows.columns), std::vector<std::size_t>(rows.columns)});
    }
    executor.run(rows.columns, [&](std::size_t j) { profile_feature(profile, j, rows, groups); });
    for (cluster_profile& c : profile.clusters) {
        const auto size_of_effect = [&](std::size_t j) { return c.features[j].effect == c.features[j].effect ? std::fabs(c.features[j].effect) : -1.0; };
        for (std::size_t j = 0; j < rows.columns; ++j) c.distinguishing[j] = j;
        std::sort(c.distinguishing.begin(), c.distinguishing.end(), [&](std::size_t a, std::size_t b) {
            const double x = size_of_effect(a), y = size_of_effect(b);
            return x != y ? x > y : a < b;
        });
    }
    return profile;
}

template <class T>
clusters_profile profile_clusters_to(matrix_view<const T> rows, std::span<const std::int32_t> labels, std::vector<std::string> names, missing_values missing, executor_ref executor) {
    constexpr std::string_view stage = "profile_clusters";
    require_rows_and_features(stage, rows.rows, rows.columns);
    require_same_rows(stage, labels.size(), rows.rows);
    if (!names.empty()) require_width(stage, names.size(), rows.columns);
    for (std::size_t i = 0; i < rows.rows; ++i) {
        for (std::size_t j = 0; j < rows.columns; ++j) {
            const auto value = static_cast<double>(rows(i, j));
            if (!is_finite(value) && !(missing == missing_values::skip && value != value)) throw_not_finite(stage, value, j, i);
        }
    }
    for (std::size_t j = names.size(); j < rows.columns; ++j) names.push_back("feature " + std::to_string(j));
    return profile_of_groups(rows, group_labels(labels), std::move(names), executor);
}

}  // namespace detail

// Labels may be any numbers, one cluster is enough; without names the features are "feature 0", "feature 1", ...
inline clusters_profile profile_clusters(matrix_view<const double> rows, std::span<const std::int32_t> labels, std::vector<std::string> names = {},
                                         missing_values missing = missing_values::refuse, executor_ref executor = detail::default_executor) {
    return detail::profile_clusters_to(rows, labels, std::move(names), missing, executor);
}
inline clusters_profile profile_clusters(matrix_view<const float> rows, std::span<const std::int32_t> labels, std::vector<std::string> names = {},
                                         missing_values missing = missing_values::refuse, executor_ref executor = detail::default_executor) {
    return detail::profile_clusters_to(rows, labels, std::move(names), missing, executor);
}

}  // namespace SEGKIT_NAMESPACE
