// segkit/evaluate/detail/groups.hpp: what the measures of a clustering share: labels made dense, sizes, centres and
// spreads of the groups.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/cluster/row_weights.hpp>
#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {
namespace detail {

// Labels may be any numbers; group g is the g-th least of them.
struct label_groups {
    std::vector<std::int32_t> labels;    // of the groups, ascending
    std::vector<std::size_t> group;      // of the rows
    std::vector<std::size_t> sizes;
    const double* weights = nullptr;     // one a row, where rows count as often as these say
    std::vector<double> group_weights{};

    std::size_t count() const { return labels.size(); }
    double weight(std::size_t row) const { return weights ? weights[row] : 1; }
    // The rows of a group, or their weights together.
    double weight_of(std::size_t g) const { return weights ? group_weights[g] : static_cast<double>(sizes[g]); }
    double total_weight() const {
        if (!weights) return static_cast<double>(group.size());
        double sum = 0;
        for (const double w : group_weights) sum += w;
        return sum;
    }
    // `row_weights` may be null, and outlives the groups.
    void weigh(const double* row_weights) {
        weights = row_weights;
        group_weights.assign(row_weights ? count() : 0, 0.0);
        for (std::size_t i = 0; row_weights && i < group.size(); ++i) group_weights[group[i]] += row_weights[i];
    }
};

inline label_groups group_labels(std::span<const std::int32_t> row_labels) {
    label_groups groups;
    groups.group.resize(row_labels.size());
    if (row_labels.empty()) return groups;
    const auto [least, greatest] = std::minmax_element(row_labels.begin(), row_labels.end());
    const std::int64_t low = *least;
    const auto range = static_cast<std::size_t>(*greatest - low) + 1;
    if (range <= 1024 + 4 * row_labels.size()) {
        constexpr auto absent = static_cast<std::size_t>(-1);
        std::vector<std::size_t> number(range, absent);
        for (std::int32_t label : row_labels) number[static_cast<std::size_t>(label - low)] = 0;
        for (std::size_t at = 0; at < range; ++at) {
            if (number[at] == absent) continue;
            number[at] = groups.labels.size();
            groups.labels.push_back(static_cast<std::int32_t>(low + static_cast<std::int64_t>(at)));
        }
        for (std::size_t i = 0; i < row_labels.size(); ++i) groups.group[i] = number[static_cast<std::size_t>(row_labels[i] - low)];
    } else {
        groups.labels.assign(row_labels.begin(), row_labels.end());
        std::sort(groups.labels.begin(), groups.labels.end());
        groups.labels.erase(std::unique(groups.labels.begin(), groups.labels.end()), groups.labels.end());
        for (std::size_t i = 0; i < row_labels.size(); ++i)
            groups.group[i] = static_cast<std::size_t>(std::lower_bound(groups.labels.begin(), groups.labels.end(), row_labels[i]) - groups.labels.begin());
    }
    groups.sizes.resize(groups.count());
    for (std::size_t g : groups.group) ++groups.sizes[g];
    return groups;
}

inline void require_same_rows(std::string_view stage, std::size_t labels, std::size_t rows) {
    if (labels == rows) return;
    throw_invalid_option(stage, "labels", std::to_string(labels) + " labels", "one for each of " + std::to_string(rows) + " rows");
}

[[noreturn]] inline void throw_clusters(std::string_view stage, std::string found, std::string expected, std::string advice) {
    throw_invalid_option(stage, "labels", std::move(found), std::move(expected), std::move(advice));
}

// Groups of labelled rows whose values are finite; any number of groups.
template <class T>
label_groups groups_of_rows(std::string_view stage, matrix_view<const T> rows, std::span<const std::int32_t> labels) {
    require_rows_and_features(stage, rows.rows, rows.columns);
    require_same_rows(stage, labels.size(), rows.rows);
    for (std::size_t i = 0; i < rows.rows; ++i) {
        for (std::size_t j = 0; j < rows.columns; ++j) {
            if (!is_finite(static_cast<double>(rows(i, j)))) throw_not_finite(stage, static_cast<double>(rows(i, j)), j, i);
        }
    }
    return group_labels(labels);
}

// At least two groups and fewer groups than rows: what separation is measured of.
inline bool is_separable(const label_groups& groups) { return groups.count() > 1 && groups.count() < groups.group.size(); }
inline void require_separable(std::string_view stage, const label_groups& groups) {
    if (groups.count() < 2) throw_clusters(stage, "1 cluster", "at least 2", "a measure of separation needs something to separate");
    if (groups.count() == groups.group.size())
        throw_clusters(stage, std::to_string(groups.count()) + " clusters of one row each", "fewer clusters than rows", "rows alone in their clusters have nothing to be near to");
}
template <class T>
label_groups checked_groups(std::string_view stage, matrix_view<const T> rows, std::span<const std::int32_t> labels) {
    label_groups groups = groups_of_rows(stage, rows, labels);
    require_separable(stage, groups);
    return groups;
}

template <class T>
label_groups checked_groups(std::string_view stage, matrix_view<const T> rows, const row_weights& weights, std::span<const std::int32_t> labels) {
    label_groups groups = checked_groups(stage, rows, labels);
    check_counting_weights(stage, weights, rows.rows);
    groups.weigh(weights.values().data());
    return groups;
}

// Where the groups lie and how far their rows are from there. Sums are about the first row of each group, so that an offset costs no
// digits, and neither does a group that lies far from the others.
struct group_scatter {
    std::vector<double> origins;    // groups x features: the group's first row
    std::vector<double> means;      // less the origins
    std::vector<double> squares;    // per group the sum of squared distances to its centre
    std::vector<double> distances;  // per group the sum of distances to its centre

    // From one entry of a centre to another: of two groups, and one feature.
    double gap(std::size_t from, std::size_t to) const { return (origins[to] - origins[from]) + (means[to] - means[from]); }
    double within() const {
        double sum = 0;
        for (double part : squares) sum += part;
        return sum;
    }
};

// Two passes over the rows, in blocks that are summed in their order. Weights of the groups' rows count.
template <class T>
group_scatter scatter_of(std::string_view stage, matrix_view<const T> rows, const label_groups& groups, executor_ref executor) {
    const std::size_t d = rows.columns, k = groups.count(), n = rows.rows;
    row_blocks blocks(n);
    if (blocks.count() * k * d > std::size_t{1} << 24) blocks.size = n;    // many small groups: sums per block would outweigh the rows
    const auto sum_blocks = [&](std::size_t width, std::vector<double>& total, auto add_row) {
        std::vector<double> parts(blocks.count() * width);
        executor.run(blocks.count(), [&](std::size_t b) {
            for (std::size_t i = blocks.first(b); i < blocks.first(b) + blocks.length(b); ++i) add_row(parts.data() + b * width, i);
        });
        total.resize(width);
        for (std::size_t at = 0; at < parts.size(); ++at) total[at % width] += parts[at];
    };
    std::vector<std::size_t> first(k, n);    // row of each group
    for (std::size_t i = 0; i < n; ++i) first[groups.group[i]] = std::min(first[groups.group[i]], i);
    group_scatter scatter;
    std::vector<double> &origins = scatter.origins, &means = scatter.means;
    for (std::size_t at = 0; at < k * d; ++at) origins.push_back(static_cast<double>(rows(first[at / d], at % d)));
    sum_blocks(k * d, means, [&](double* sums, std::size_t i) {
        const std::size_t g = groups.group[i] * d;
        const double weight = groups.weight(i);
        for (std::size_t j = 0; j < d; ++j) sums[g + j] += weight * (static_cast<double>(rows(i, j)) - origins[g + j]);
    });
    for (std::size_t at = 0; at < k * d; ++at) means[at] /= groups.weight_of(at / d);
    std::vector<double> both;
    sum_blocks(2 * k, both, [&](double* sums, std::size_t i) {
        const std::size_t g = groups.group[i];
        double square = 0;
        for (std::size_t j = 0; j < d; ++j) {
            const double gap = static_cast<double>(rows(i, j)) - origins[g * d + j] - means[g * d + j];
            square += gap * gap;
        }
        sums[g] += groups.weight(i) * square;
        sums[k + g] += groups.weight(i) * std::sqrt(square);
    });
    const auto middle = both.begin() + static_cast<std::ptrdiff_t>(k);
    scatter.squares.assign(both.begin(), middle);
    scatter.distances.assign(middle, both.end());
    require_finite_distances(stage, scatter.within());
    return scatter;
}

// `n` of the rows without repetition, ascending: those with the least random numbers.
inline std::vector<std::size_t> rows_by_chance(std::size_t rows, std::size_t n, counter_random random) {
    std::vector<std::pair<std::uint64_t, std::size_t>> draws(rows);
    for (std::size_t i = 0; i < rows; ++i) draws[i] = {random.bits(i), i};
    std::nth_element(draws.begin(), draws.begin() + static_cast<std::ptrdiff_t>(n - 1), draws.end());
    std::vector<std::size_t> drawn(n);
    for (std::size_t i = 0; i < n; ++i) drawn[i] = draws[i].second;
    std::sort(drawn.begin(), drawn.end());
    return drawn;
}

}  // namespace detail
}  // namespace SEGKIT_NAMESPACE
