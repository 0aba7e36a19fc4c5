// segkit/cluster/seeding.hpp: first centres for k-means.
//
// `k_means_plus_plus` draws each centre among the points with probability proportional to the squared distance to the centres
// so far, the best of 2 + log k draws (Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", 2007, section 6);
// `random_points` draws distinct points. Numbers depend on (seed, restart) alone. Cost: k (2 + log k) distances per point.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <segkit/cluster/detail/tiles.hpp>
#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>

namespace SEGKIT_NAMESPACE {
namespace detail {

// The random stream of one restart; purposes 1000 and up belong to k-means.
inline counter_random restart_random(std::uint64_t seed, std::size_t restart) { return counter_random(seed, 1000 + restart); }

// The row at this share of all weights.
inline std::size_t drawn_by_weight(const double* weights, std::size_t n, double share) {
    double target = 0;
    for (std::size_t i = 0; i < n; ++i) target += weights[i];
    target *= share;
    std::size_t row = 0;
    while (row + 1 < n && target >= weights[row]) target -= weights[row++];
    return row;
}

// The row at this share of the potential, which of every row is its value in `nearest` times its weight, and of every block their sum; never a row
// at distance zero while any other is left.
template <class T>
std::size_t drawn_by_potential(const tiled_matrix<T>& points, const std::vector<T>& nearest, const std::vector<double>& potential, const row_blocks& blocks, double share) {
    double total = 0;
    for (double p : potential) total += p;
    double target = share * total;
    const std::size_t n = points.rows();
    std::size_t chosen = n;
    for (std::size_t b = 0; b < blocks.count(); ++b) {
        if (target >= potential[b] && b + 1 < blocks.count()) {
            target -= potential[b];
            continue;
        }
        for (std::size_t i = blocks.first(b); i < blocks.first(b) + blocks.length(b); ++i) {
            if (nearest[i] <= 0) continue;
            chosen = i;
            target -= static_cast<double>(nearest[i]) * (points.weights() ? points.weights()[i] : 1.0);
            if (target < 0) return chosen;
        }
    }
    // Rounding left a remainder (or the last block has no candidate): the last row that has a chance.
    for (std::size_t i = n; chosen == n && i-- > 0;) {
        if (nearest[i] > 0) chosen = i;
    }
    return chosen == n ? std::size_t{0} : chosen;
}

// `k` centres, one after the other: those given, then points. There must be at least `k` distinct points.
template <class T>
std::vector<double> k_means_plus_plus(const tiled_matrix<T>& points, std::size_t k, counter_random random, executor_ref executor,
                                      std::vector<double> centres = {}) {
    const std::size_t n = points.rows(), d = points.columns();
    const row_blocks blocks(n);
    const distance_kernels<T>& kernels = distance_kernels_for<T>(simd_level());
    const std::size_t trials = 2 + static_cast<std::size_t>(std::log(static_cast<double>(k)));
    const std::size_t given = centres.size() / d;
    centres.resize(k * d);
    // Per row the squared distance to the nearest centre; rows of padding keep 0 and are never drawn.
    std::vector<T> nearest((n + tile_rows - 1) / tile_rows * tile_rows);
    std::fill(nearest.begin(), nearest.begin() + static_cast<std::ptrdiff_t>(n), std::numeric_limits<T>::infinity());
    std::vector<double> potential(blocks.count(), 0.0);    // per block the sum of nearest
    std::uint64_t draw = 0;

    // values = the lesser of values and others; adds them to the lanes, as often as the rows count.
    auto add_least = [&](T* values, const T* others, double* lanes, std::size_t first) {
        if (!points.weights()) {
            kernels.least(values, others, lanes);
            return;
        }
        alignas(64) double unweighted[tile_rows] = {};
        kernels.least(values, others, unweighted);
        for (std::size_t i = 0; i < points.tile_length(first); ++i) lanes[i] += points.weights()[first + i] * static_cast<double>(values[i]);
    };
    auto accept = [&](std::size_t c) {
        std::vector<T> centre(d);
        for (std::size_t j = 0; j < d; ++j) centre[j] = static_cast<T>(centres[c * d + j]);
        executor.run(blocks.count(), [&](std::size_t b) {
            alignas(64) T distance[tile_rows];
            alignas(64) double lanes[tile_rows] = {};
            const std::size_t end = blocks.first(b) + blocks.length(b);
            for (std::size_t first = blocks.first(b); first < end; first += tile_rows) {
                kernels.squares(points.tile(first), d, centre.data(), 1, distance);
                add_least(nearest.data() + first, distance, lanes, first);
            }
            potential[b] = sum_of_lanes(lanes);
        });
    };

    if (given == 0) points.copy_row(points.weights() ? drawn_by_weight(points.weights(), n, random.uniform(draw++)) : static_cast<std::size_t>(random.below(draw++, n)), centres.data());
    for (std::size_t c = 0; c < std::max(given, std::size_t{1}); ++c) accept(c);
    std::vector<std::size_t> candidates(trials);
    std::vector<double> outcome(trials * blocks.count());
    std::vector<T> candidate(trials * d);
    for (std::size_t c = std::max(given, std::size_t{1}); c < k; ++c) {
        for (std::size_t t = 0; t < trials; ++t) {
            candidates[t] = drawn_by_potential(points, nearest, potential, blocks, random.uniform(draw++));
            points.copy_row(candidates[t], candidate.data() + t * d);
        }
        executor.run(blocks.count(), [&](std::size_t b) {
            std::vector<T> distance(trials * tile_rows);
            std::vector<double> lanes(trials * tile_rows);
            const std::size_t end = blocks.first(b) + blocks.length(b);
            for (std::size_t first = blocks.first(b); first < end; first += tile_rows) {
                kernels.squares(points.tile(first), d, candidate.data(), trials, distance.data());
                for (std::size_t t = 0; t < trials; ++t) add_least(distance.data() + t * tile_rows, nearest.data() + first, lanes.data() + t * tile_rows, first);
            }
            for (std::size_t t = 0; t < trials; ++t) outcome[t * blocks.count() + b] = sum_of_lanes(lanes.data() + t * tile_rows);
        });
        std::size_t best = 0;
        double best_sum = std::numeric_limits<double>::infinity();
        for (std::size_t t = 0; t < trials; ++t) {
            double sum = 0;
            for (std::size_t b = 0; b < blocks.count(); ++b) sum += outcome[t * blocks.count() + b];
            if (sum < best_sum) {
                best_sum = sum;
                best = t;
            }
        }
        points.copy_row(candidates[best], centres.data() + c * d);
        accept(c);
    }
    return centres;
}

// Centres of `k` distinct points. There must be so many.
template <class T>
std::vector<double> random_points(const tiled_matrix<T>& points, std::size_t k, counter_random random) {
    const std::size_t n = points.rows(), d = points.columns();
    std::vector<std::size_t> chosen;
    auto is_new = [&](std::size_t row) {
        for (std::size_t other : chosen) {
            if (points.same_point(row, other)) return false;
        }
        return true;
    };
    for (std::uint64_t draw = 0; chosen.size() < k; ++draw) {
        std::size_t row = static_cast<std::size_t>(random.below(draw, n));
        // Where nearly all points are copies of each other, draws alone might take for ever: go on from the drawn row.
        if (draw > 20 * k) {
            while (!is_new(row)) row = (row + 1) % n;
        }
        if (is_new(row)) chosen.push_back(row);
    }
    std::vector<double> centres(k * d);
    for (std::size_t c = 0; c < k; ++c) points.copy_row(chosen[c], centres.data() + c * d);
    return centres;
}

}  // namespace detail
}  // namespace SEGKIT_NAMESPACE
