// segkit/statistics/column_moments.hpp: count, mean, variance and extremes of every feature of a matrix.
//
//     auto summary = segkit::estimate(segkit::column_moments{}, matrix, segkit::threads(2));
//     summary.columns[j].mean()
//
// An estimator whose state and model are the same value, one `moments` per feature. One pass.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/statistics/moments.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// Adds `n` values, `stride` apart. Four lanes, so that additions do not wait for each other.
inline void add_values(moments& into, const double* values, std::size_t n, std::size_t stride) {
    if (n == 0) return;
    constexpr std::size_t lanes = 4;
    const double shift = into.count == 0 ? values[0] : into.shift;
    double low = into.count == 0 ? values[0] : into.minimum;
    double high = into.count == 0 ? values[0] : into.maximum;
    double sums[lanes] = {}, squares[lanes] = {}, lows[lanes] = {low, low, low, low}, highs[lanes] = {high, high, high, high};
    auto add = [&](std::size_t lane, double value) {
        const double y = value - shift;
        sums[lane] += y;
        squares[lane] += y * y;
        lows[lane] = value < lows[lane] ? value : lows[lane];
        highs[lane] = highs[lane] < value ? value : highs[lane];
    };
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (std::size_t lane = 0; lane < lanes; ++lane) add(lane, values[(i + lane) * stride]);
    }
    for (; i < n; ++i) add(i % lanes, values[i * stride]);
    into.shift = shift;
    into.count += static_cast<std::int64_t>(n);
    into.shifted_sum += (sums[0] + sums[1]) + (sums[2] + sums[3]);
    into.shifted_squares += (squares[0] + squares[1]) + (squares[2] + squares[3]);
    into.minimum = std::min(std::min(lows[0], lows[1]), std::min(lows[2], lows[3]));
    into.maximum = std::max(std::max(highs[0], highs[1]), std::max(highs[2], highs[3]));
}

}  // namespace detail

// The moments of every feature: state and model are the same value, one `moments` per feature.
struct column_moments {
    struct state {
        std::vector<moments> columns;    // empty until the first block, which fixes the width

        std::size_t rows() const { return columns.empty() ? 0 : static_cast<std::size_t>(columns[0].count); }
        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            archive.field("columns", columns);
        }
    };

    std::string_view stage = "column_moments";    // the name that errors bear

    state start() const { return {}; }

    void update(state& s, matrix_view<const double> block) const {
        if (block.rows == 0) return;
        if (s.columns.empty()) s.columns.resize(block.columns);
        detail::require_width(stage, block.columns, s.columns.size());
        detail::require_finite(stage, block, s.rows());
        constexpr std::size_t tile = 256;    // keeps a tile of interleaved features in the first-level cache
        for (std::size_t i = 0; i < block.rows; i += tile) {
            const std::size_t n = std::min(tile, block.rows - i);
            for (std::size_t j = 0; j < block.columns; ++j) {
                detail::add_values(s.columns[j], &block(i, j), n, block.row_stride);
                s.columns[j].centre();
            }
        }
    }

    void merge(state& s, const state& other) const {
        if (other.columns.empty()) return;
        if (s.columns.empty()) {
            s = other;
            return;
        }
        detail::require_width(stage, other.columns.size(), s.columns.size());
        for (std::size_t j = 0; j < s.columns.size(); ++j) s.columns[j].merge(other.columns[j]);
    }

    state finish(const state& s) const {
        if (s.rows() == 0) detail::throw_empty(stage);
        for (std::size_t j = 0; j < s.columns.size(); ++j) {
            if (detail::is_finite(s.columns[j].variance(0))) continue;
            throw error(error_details{.code = error_code::not_a_number,
                                      .stage = std::string(stage),
                                      .field = "feature " + std::to_string(j),
                                      .column = j + 1,
                                      .found = "values up to " + std::to_string(s.columns[j].maximum),
                                      .expected = "values whose squares are finite numbers",
                                      .advice = "measure this column in a larger unit"});
        }
        return s;
    }
};

}  // namespace SEGKIT_NAMESPACE
