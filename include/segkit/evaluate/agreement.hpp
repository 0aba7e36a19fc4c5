// segkit/evaluate/agreement.hpp: every measure of how far two clusterings of the same rows agree, from one table of counts.
//
//     const auto a = agreement(known_segments, clusters);
//     a.adjusted_rand, a.normalised_mutual_information, a.homogeneity, a.completeness, a.v_measure, a.purity, ...
//
// The first clustering holds the classes where the two are not alike (homogeneity, completeness, purity). Labels may be any
// numbers; only the groups count. Time grows with the rows, and with the cube of the number of clusters.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/adjusted_rand.hpp>
#include <segkit/evaluate/cross_table.hpp>

namespace SEGKIT_NAMESPACE {

struct label_agreement {
    std::size_t rows = 0;
    double adjusted_rand = 0;                    // Hubert and Arabie, 1985
    double mutual_information = 0;               // in nats
    double normalised_mutual_information = 0;    // over the mean of the two entropies (Strehl and Ghosh, 2002, with the arithmetic mean)
    double homogeneity = 0;                      // 1: every cluster is of one class (Rosenberg and Hirschberg, "V-measure", 2007)
    double completeness = 0;                     // 1: every class is in one cluster
    double v_measure = 0;                        // the harmonic mean of these two
    double purity = 0;                           // share of the rows that are of the largest class of their cluster; grows with the clusters
    double fowlkes_mallows = 0;                  // geometric mean of the pairs' precision and recall (Fowlkes and Mallows, 1983)
    double matched_share = 0;                    // share of the rows in the best one-to-one matching of the labels
};

inline label_agreement agreement(const label_cross_table& table) {
    if (table.counts.empty() || table.total() == 0) detail::throw_empty("agreement", "labels");
    label_agreement a;
    a.rows = table.total();
    const auto n = static_cast<double>(a.rows);
    std::vector<double> in_first, in_second;
    for (std::size_t i = 0; i < table.rows.size(); ++i) in_first.push_back(static_cast<double>(table.row_total(i)));
    for (std::size_t j = 0; j < table.columns.size(); ++j) in_second.push_back(static_cast<double>(table.column_total(j)));
    auto entropy = [n](const std::vector<double>& sizes) {
        double sum = 0;
        for (double size : sizes) sum -= size > 0 ? size / n * std::log(size / n) : 0;
        return sum;
    };
    double information = 0, largest = 0;
    for (std::size_t j = 0; j < in_second.size(); ++j) {
        std::size_t most = 0;
        for (std::size_t i = 0; i < in_first.size(); ++i) {
            const std::size_t count = table(i, j);
            most = std::max(most, count);
            const auto both = static_cast<double>(count);
            if (count > 0) information += both / n * std::log(both / in_first[i] * (n / in_second[j]));
        }
        largest += static_cast<double>(most);
    }
    a.mutual_information = information > std::numeric_limits<double>::epsilon() ? information : 0;    // less is rounding
    const double first = entropy(in_first), second = entropy(in_second);
    a.homogeneity = first > 0 ? std::min(1.0, a.mutual_information / first) : 1;    // more is rounding, here and below
    a.completeness = second > 0 ? std::min(1.0, a.mutual_information / second) : 1;
    a.normalised_mutual_information = first + second > 0 ? std::min(1.0, 2 * a.mutual_information / (first + second)) : 1;
    a.v_measure = a.homogeneity + a.completeness > 0 ? 2 * a.homogeneity * a.completeness / (a.homogeneity + a.completeness) : 0;
    a.purity = largest / n;
    const detail::row_pairs pairs = detail::pairs_of(table);
    a.adjusted_rand = detail::adjusted_rand_of(pairs);
    a.fowlkes_mallows = pairs.in_both > 0 ? std::sqrt(pairs.in_both / pairs.in_first) * std::sqrt(pairs.in_both / pairs.in_second) : 0;
    a.matched_share = best_matching(table).share();
    return a;
}
inline label_agreement agreement(std::span<const std::int32_t> first, std::span<const std::int32_t> second) {
    detail::require_same_rows("agreement", second.size(), first.size());
    return agreement(cross_table(first, second));
}

}  // namespace SEGKIT_NAMESPACE
