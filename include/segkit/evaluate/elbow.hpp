// segkit/evaluate/elbow.hpp: where a falling curve bends most, as the inertia does over the numbers of clusters.
//
//     elbow(ks, inertias).k    // 4, or nothing where the curve has no bend
//
// Both axes are scaled to 0 .. 1, and the elbow is the point farthest below the straight line from the first to the last: the
// rule of Satopää, Albrecht, Irwin and Raghavan, "Finding a 'kneedle' in a haystack", 2011, without its smoothing and for one elbow.
// It depends on the range of k that was tried. Linear time.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>

namespace SEGKIT_NAMESPACE {

struct elbow_result {
    std::optional<std::size_t> k;    // of equally low points the least; none with fewer than three points, or none below the line
    std::vector<double> depth;       // per point, how far below the line, as a share of its height: 0 at both ends
};

// The numbers of clusters ascend; the values are finite.
inline elbow_result elbow(std::span<const std::size_t> ks, std::span<const double> values) {
    constexpr std::string_view stage = "elbow";
    if (ks.size() != values.size())
        detail::throw_invalid_option(stage, "values", std::to_string(values.size()) + " values", "one for each of " + std::to_string(ks.size()) + " numbers of clusters");
    if (ks.empty()) detail::throw_empty(stage, "values");
    for (std::size_t i = 0; i < ks.size(); ++i) {
        if (!detail::is_finite(values[i])) detail::throw_not_finite(stage, values[i], 0, i);
        if (i > 0 && ks[i] <= ks[i - 1]) detail::throw_invalid_option(stage, "ks", std::to_string(ks[i]) + " after " + std::to_string(ks[i - 1]), "ascending numbers");
    }
    elbow_result result{{}, std::vector<double>(ks.size())};
    const double part = detail::is_finite(values.front() - values.back()) ? 1 : 0.5;    // of values whose difference is beyond the largest number
    const double height = values.front() * part - values.back() * part;
    if (ks.size() < 3 || !(height > 0)) return result;
    double deepest = 1e-9;    // less is rounding
    for (std::size_t i = 1; i + 1 < ks.size(); ++i) {
        const double along = static_cast<double>(ks[i] - ks.front()) / static_cast<double>(ks.back() - ks.front());
        result.depth[i] = (1 - along) - (values[i] * part - values.back() * part) / height;
        if (result.depth[i] <= deepest) continue;
        deepest = result.depth[i];
        result.k = ks[i];
    }
    return result;
}

}  // namespace SEGKIT_NAMESPACE
