// segkit/evaluate/adjusted_rand.hpp: agreement of two clusterings of the same rows, corrected for chance (Hubert and Arabie,
// "Comparing partitions", 1985): 1 for the same groups whatever their labels, about 0 for independent ones. O(n + k^2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <segkit/config.hpp>
#include <segkit/evaluate/cross_table.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// Pairs of rows that are together; exact in a double up to 2^53.
struct row_pairs {
    double in_both = 0;
    double in_first = 0;
    double in_second = 0;
    double all = 0;
};
template <class Count>
row_pairs pairs_of(const basic_cross_table<Count>& table) {
    auto pairs = [](Count n) { return static_cast<double>(n) * (static_cast<double>(n) - 1) / 2; };
    row_pairs sums;
    for (const Count n : table.counts) sums.in_both += pairs(n);
    for (std::size_t i = 0; i < table.rows.size(); ++i) sums.in_first += pairs(table.row_total(i));
    for (std::size_t j = 0; j < table.columns.size(); ++j) sums.in_second += pairs(table.column_total(j));
    sums.all = pairs(table.total());
    return sums;
}

inline double adjusted_rand_of(const row_pairs& pairs) {
    const double expected = pairs.all > 0 ? pairs.in_first * pairs.in_second / pairs.all : 0;
    const double most = (pairs.in_first + pairs.in_second) / 2;
    return most == expected ? 1 : (pairs.in_both - expected) / (most - expected);    // equal: both all in one group, or both all apart
}

}  // namespace detail

inline double adjusted_rand(std::span<const std::int32_t> first, std::span<const std::int32_t> second) {
    if (first.empty()) detail::throw_empty("adjusted_rand", "labels");
    detail::require_same_rows("adjusted_rand", second.size(), first.size());
    return detail::adjusted_rand_of(detail::pairs_of(cross_table(first, second)));
}

}  // namespace SEGKIT_NAMESPACE
