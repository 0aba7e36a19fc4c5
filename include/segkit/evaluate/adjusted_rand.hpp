// segkit/evaluate/adjusted_rand.hpp: agreement of two clusterings of the same rows, corrected for chance (Hubert and Arabie,
// "Comparing partitions", 1985): 1 for the same groups whatever their labels, about 0 for independent ones. O(n log k).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>

namespace SEGKIT_NAMESPACE {

// How many rows have label `rows[i]` in the first and `columns[j]` in the second clustering.
struct label_cross_table {
    std::vector<std::int32_t> rows;
    std::vector<std::int32_t> columns;
    std::vector<std::size_t> counts;    // rows.size() x columns.size()

    std::size_t operator()(std::size_t row, std::size_t column) const { return counts[row * columns.size() + column]; }
};

inline label_cross_table cross_table(std::span<const std::int32_t> first, std::span<const std::int32_t> second) {
    detail::require_same_rows("cross_table", second.size(), first.size());
    const auto a = detail::group_labels(first), b = detail::group_labels(second);
    label_cross_table table{a.labels, b.labels, std::vector<std::size_t>(a.count() * b.count())};
    for (std::size_t i = 0; i < first.size(); ++i) ++table.counts[a.group[i] * b.count() + b.group[i]];
    return table;
}

inline double adjusted_rand(std::span<const std::int32_t> first, std::span<const std::int32_t> second) {
    if (first.empty()) detail::throw_empty("adjusted_rand", "labels");
    detail::require_same_rows("adjusted_rand", second.size(), first.size());
    const label_cross_table table = cross_table(first, second);
    // Pairs of rows that are together; exact in a double up to 2^53.
    auto pairs = [](std::size_t n) { return static_cast<double>(n) * (static_cast<double>(n) - 1) / 2; };
    double together = 0, in_first = 0, in_second = 0;
    std::vector<std::size_t> columns(table.columns.size());
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        std::size_t row = 0;
        for (std::size_t j = 0; j < table.columns.size(); ++j) {
            together += pairs(table(i, j));
            row += table(i, j);
            columns[j] += table(i, j);
        }
        in_first += pairs(row);
    }
    for (std::size_t n : columns) in_second += pairs(n);
    const double all = pairs(first.size());
    const double expected = all > 0 ? in_first * in_second / all : 0;
    const double most = (in_first + in_second) / 2;
    return most == expected ? 1 : (together - expected) / (most - expected);    // equal: both all in one group, or both all apart
}

}  // namespace SEGKIT_NAMESPACE
