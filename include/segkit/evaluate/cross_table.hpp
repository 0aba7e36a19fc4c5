// segkit/evaluate/cross_table.hpp: two clusterings of the same rows side by side, and which clusters of them belong together.
//
//     const auto table = cross_table(first, second);     // rows with label table.rows[i] in the first and table.columns[j] in the second
//     const auto matching = best_matching(table);         // matching.pairs, matching.share()
//
// Labels may be any numbers. The table takes the product of the two numbers of labels, the matching their product times the lesser.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>

namespace SEGKIT_NAMESPACE {

// How many rows have label `rows[i]` in the first and `columns[j]` in the second clustering; or of doubles, what they weigh together.
template <class Count>
struct basic_cross_table {
    std::vector<std::int32_t> rows;
    std::vector<std::int32_t> columns;
    std::vector<Count> counts;    // rows.size() x columns.size()

    Count operator()(std::size_t row, std::size_t column) const { return counts[row * columns.size() + column]; }
    Count row_total(std::size_t row) const { return total(row * columns.size(), 1, columns.size()); }
    Count column_total(std::size_t column) const { return total(column, columns.size(), rows.size()); }
    Count total() const { return total(0, 1, counts.size()); }

    friend bool operator==(const basic_cross_table&, const basic_cross_table&) = default;

private:
    Count total(std::size_t first, std::size_t step, std::size_t n) const {
        Count sum = 0;
        for (std::size_t i = 0; i < n; ++i) sum += counts[first + i * step];
        return sum;
    }
};
using label_cross_table = basic_cross_table<std::size_t>;

namespace detail {

template <class Count, class CountOf>
basic_cross_table<Count> cross_table_of(std::span<const std::int32_t> first, std::span<const std::int32_t> second, CountOf count_of) {
    constexpr std::string_view stage = "cross_table";
    require_same_rows(stage, second.size(), first.size());
    const auto a = group_labels(first), b = group_labels(second);
    if (a.count() * b.count() > std::size_t{1} << 26)
        throw_invalid_option(stage, "labels", std::to_string(a.count()) + " and " + std::to_string(b.count()) + " different labels", "clusters, of which there are few",
                             "number the clusters, not the rows");
    basic_cross_table<Count> table{a.labels, b.labels, std::vector<Count>(a.count() * b.count())};
    for (std::size_t i = 0; i < first.size(); ++i) table.counts[a.group[i] * b.count() + b.group[i]] += count_of(i);
    return table;
}

}  // namespace detail

// Of one label per row each. Clusters are few: a table of more than 2^26 counts is refused.
inline label_cross_table cross_table(std::span<const std::int32_t> first, std::span<const std::int32_t> second) {
    return detail::cross_table_of<std::size_t>(first, second, [](std::size_t) { return std::size_t{1}; });
}

struct matched_labels {
    std::int32_t first = 0;
    std::int32_t second = 0;
    std::size_t rows = 0;    // that have both

    friend bool operator==(const matched_labels&, const matched_labels&) = default;
};

struct label_matching {
    std::vector<matched_labels> pairs;          // as many as the clustering of fewer labels has, by ascending first label
    std::vector<std::int32_t> only_in_first;    // labels left without a partner
    std::vector<std::int32_t> only_in_second;
    std::size_t matched_rows = 0;               // that are in a pair
    std::size_t rows = 0;

    // Of the rows, those in a pair: the accuracy of the second clustering once its labels are renamed.
    double share() const { return static_cast<double>(matched_rows) / static_cast<double>(rows); }
};

namespace detail {

// For every row of an n x m table (n <= m) a column of its own, so that the sum of the chosen cells is greatest: the Hungarian method
// (Kuhn, 1955) with potentials, one row at a time by shortest augmenting paths. O(n^2 m).
template <class Cell>
std::vector<std::size_t> best_assignment(std::size_t n, std::size_t m, Cell cell) {
    constexpr auto none = static_cast<std::size_t>(-1);
    constexpr auto far = std::numeric_limits<std::int64_t>::max();
    std::vector<std::int64_t> row_price(n), column_price(m);
    std::vector<std::size_t> row_of(m, none);
    for (std::size_t next = 0; next < n; ++next) {
        std::vector<std::int64_t> least(m, far);         // cost of the path that ends in a column
        std::vector<std::size_t> came_from(m, none);     // the column before it
        std::vector<char> settled(m);
        std::size_t column = none, row = next;
        do {
            std::size_t nearest = none;
            for (std::size_t j = 0; j < m; ++j) {
                if (settled[j]) continue;
                const std::int64_t reduced = -static_cast<std::int64_t>(cell(row, j)) - row_price[row] - column_price[j];
                if (reduced < least[j]) {
                    least[j] = reduced;
                    came_from[j] = column;
                }
                if (nearest == none || least[j] < least[nearest]) nearest = j;
            }
            const std::int64_t step = least[nearest];
            row_price[next] += step;
            for (std::size_t j = 0; j < m; ++j) {
                if (settled[j]) {
                    row_price[row_of[j]] += step;
                    column_price[j] -= step;
                } else if (least[j] != far) {
                    least[j] -= step;
                }
            }
            settled[nearest] = 1;
            column = nearest;
            row = row_of[column];
        } while (row != none);
        for (; column != none; column = came_from[column]) row_of[column] = came_from[column] == none ? next : row_of[came_from[column]];
    }
    std::vector<std::size_t> column_of(n);
    for (std::size_t j = 0; j < m; ++j) {
        if (row_of[j] != none) column_of[row_of[j]] = j;
    }
    return column_of;
}

}  // namespace detail

// The one-to-one matching of the labels that puts the most rows in pairs; where several do, always the same one of them.
inline label_matching best_matching(const label_cross_table& table) {
    const std::size_t n = table.rows.size(), m = table.columns.size();
    label_matching matching;
    matching.rows = table.total();
    std::vector<char> row_matched(n), column_matched(m);
    const auto take = [&](std::size_t i, std::size_t j) {
        matching.pairs.push_back({table.rows[i], table.columns[j], table(i, j)});
        matching.matched_rows += table(i, j);
        row_matched[i] = column_matched[j] = 1;
    };
    if (n <= m) {
        const auto column_of = detail::best_assignment(n, m, [&](std::size_t i, std::size_t j) { return table(i, j); });
        for (std::size_t i = 0; i < n; ++i) take(i, column_of[i]);
    } else {
        const auto row_of = detail::best_assignment(m, n, [&](std::size_t j, std::size_t i) { return table(i, j); });
        for (std::size_t j = 0; j < m; ++j) take(row_of[j], j);
        std::sort(matching.pairs.begin(), matching.pairs.end(), [](const matched_labels& a, const matched_labels& b) { return a.first < b.first; });
    }
    for (std::size_t i = 0; i < n; ++i)
        if (!row_matched[i]) matching.only_in_first.push_back(table.rows[i]);
    for (std::size_t j = 0; j < m; ++j)
        if (!column_matched[j]) matching.only_in_second.push_back(table.columns[j]);
    return matching;
}

}  // namespace SEGKIT_NAMESPACE
