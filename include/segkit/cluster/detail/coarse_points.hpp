// segkit/cluster/detail/coarse_points.hpp: a copy of the points in 16 bits a feature, and what it can say for certain.
//
// A feature becomes a whole number of steps from an origin, centres in one pass another; scores are sums of their products. How far a
// score can be from the truth follows from the steps' halves (Cauchy-Schwarz for the rounded centres) and from the roundings of exact
// distances in T; where the two nearest centres are nearer than that, the row is in doubt and its exact distances are asked. So labels
// are those of the exact kernel. Rows beyond the steps (half as far again as any of a few thousand rows) are always in doubt.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <segkit/cluster/detail/pack_tile.hpp>
#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/simd/coarse.hpp>
#include <segkit/table/matrix_view.hpp>

#if SEGKIT_SIMD_LEVELS

namespace SEGKIT_NAMESPACE::detail {

// Centres of one pass as the coarse kernel takes them.
struct coarse_centres {
    std::vector<std::int32_t> steps;     // count x pairs
    std::vector<std::int32_t> starts;    // half the square of their length
    double slack = 0;                    // of every row, in units of a score
    double slack_by_length = 0;          // times the length of the row, in steps
    bool usable = false;
};

template <class T>
class coarse_points {
public:
    // Throws for NaN and infinities, naming `stage`.
    coarse_points(std::string_view stage, matrix_view<const T> rows, executor_ref executor)
        : columns_(rows.columns), pairs_((rows.columns + 1) / 2), origin_(columns_), inverse_(columns_), step_(columns_),
          lengths_((rows.rows + tile_rows - 1) / tile_rows), outside_(lengths_.size()), words_(take_memory<std::int32_t>(lengths_.size() * tile_rows * pairs_)) {
        measure(rows);
        const row_blocks blocks(rows.rows);
        std::vector<char> finite(blocks.count());
        executor.run(blocks.count(), [&](std::size_t b) {
            const coarse_kernels& kernels = coarse_kernels_for(simd_level());
            std::vector<T> tile(columns_ * tile_rows);
            const std::size_t end = blocks.first(b) + blocks.length(b);
            bool good = true;
            for (std::size_t first = blocks.first(b); first < end; first += tile_rows) {
                const std::size_t length = std::min(tile_rows, end - first);
                pack_tile(rows.row_range(first, length), tile.data());
                coarse_findings found;
                kernels.round(tile.data(), columns_, origin_.data(), inverse_.data(), words_.get() + first * pairs_, found);
                good = good && !found.not_finite;
                // Padding is neither far away nor of interest.
                const std::uint64_t inside = length < tile_rows ? (std::uint64_t{1} << length) - 1 : ~std::uint64_t{0};
                lengths_[first / tile_rows] = std::sqrt(found.greatest_square) * 1.001f;
                outside_[first / tile_rows] = found.outside & inside;
            }
            finite[b] = good;
        });
        if (std::find(finite.begin(), finite.end(), char{0}) != finite.end()) require_finite(stage, rows);
        for (const float length : lengths_) longest_ = std::max(longest_, static_cast<double>(length));
        std::size_t beyond = 0;
        for (const std::uint64_t rows_of_tile : outside_) beyond += static_cast<std::size_t>(__builtin_popcountll(rows_of_tile));
        useful_ = beyond <= rows.rows / 16;
    }

    std::size_t pairs() const { return pairs_; }
    bool useful() const { return useful_; }
    const std::int32_t* tile(std::size_t first_row) const { return words_.get() + first_row * pairs_; }
    std::uint64_t outside(std::size_t first_row) const { return outside_[first_row / tile_rows]; }
    // The slack of a tile's rows; negative where it is too much to say anything.
    std::int32_t slack(const coarse_centres& centres, std::size_t first_row) const {
        const double slack = centres.slack + centres.slack_by_length * static_cast<double>(lengths_[first_row / tile_rows]);
        return slack < 0x1p28 ? static_cast<std::int32_t>(slack) + 1 : -1;
    }

    // `centres` as they are compared with exactly: rounded to T.
    coarse_centres prepare(const std::vector<double>& centres, std::size_t count) const {
        coarse_centres out;
        if (count > coarse_most_centres) return out;
        // A score is |c|^2 / 2 - x c, in units; x c is the sum of (steps of x) * (c times a step).
        std::vector<double> products(count * columns_), half_squares(count);
        double greatest = 0, widest = 0, farthest = 0;
        for (std::size_t c = 0; c < count; ++c) {
            double square = 0, length = 0;
            for (std::size_t j = 0; j < columns_; ++j) {
                const double value = static_cast<double>(static_cast<T>(centres[c * columns_ + j])) - static_cast<double>(origin_[j]);
                const double product = value * step_[j];
                products[c * columns_ + j] = product;
                square += value * value;
                length += product * product;
                greatest = std::max(greatest, std::fabs(product));
            }
            half_squares[c] = square / 2;
            farthest = std::max(farthest, square);
            widest = std::max(widest, square / 2 + longest_ * std::sqrt(length));
        }
        const double unit = std::max(widest / 0x1.4p29, greatest / 32'760.0);
        if (!(unit > 0x1p-1000) || !(unit < 0x1p1000) || !(longest_ * std::sqrt(static_cast<double>(columns_)) < 0x1p26)) return out;
        out.steps.resize(count * pairs_);
        out.starts.resize(count);
        std::vector<double> left(count * columns_);    // of rounding
        for (std::size_t c = 0; c < count; ++c) {
            for (std::size_t j = 0; j < columns_; ++j) {
                const double exact = products[c * columns_ + j] / unit, whole = std::floor(exact + 0.5);
                left[c * columns_ + j] = exact - whole;
                const auto number = static_cast<std::uint32_t>(-static_cast<std::int32_t>(whole));
                auto& word = reinterpret_cast<std::uint32_t&>(out.steps[c * pairs_ + j / 2]);
                word |= j % 2 ? number << 16 : number & 0xFFFF;
            }
            out.starts[c] = static_cast<std::int32_t>(half_squares[c] / unit + 0.5);
        }
        // How far two centres are apart, by features, and their roundings; for many centres twice the way to the first one bounds that.
        double half_steps = 0, roundings = 0;
        const bool pairwise = count * count * columns_ <= std::size_t{1} << 17;
        for (std::size_t a = 1; a < count; ++a) {
            for (std::size_t c = 0; c < (pairwise ? a : 1); ++c) {
                double way = 0, square = 0;
                for (std::size_t j = 0; j < columns_; ++j) {
                    way += std::fabs(products[a * columns_ + j] - products[c * columns_ + j]);
                    const double apart = left[a * columns_ + j] - left[c * columns_ + j];
                    square += apart * apart;
                }
                half_steps = std::max(half_steps, pairwise ? way : 2 * way);
                roundings = std::max(roundings, pairwise ? square : 4 * square);
            }
        }
        // The square of how far a row can be from the origin: as far as the corner of the box of all steps, and as the longest row if
        // all steps were the widest.
        double corner = 0, widest_step = 0;
        for (const double step : step_) {
            corner += step * step * (static_cast<double>(coarse_limit + 1) * (coarse_limit + 1));
            widest_step = std::max(widest_step, step);
        }
        const double length = widest_step * (longest_ + std::sqrt(static_cast<double>(columns_))), reach = std::min(corner, length * length);
        const double exact_roundings = static_cast<double>(columns_ + 4) * static_cast<double>(std::numeric_limits<T>::epsilon()) * 2 * (reach + farthest);
        out.slack = (0.51 * half_steps + exact_roundings) / unit * 1.0001 + 2 * coarse_id_bits + 8;
        out.slack_by_length = std::sqrt(roundings) * 1.0001;
        out.usable = out.slack + out.slack_by_length * longest_ < 0x1p28;
        return out;
    }

private:
    // Origin and step of every feature, by the range of some rows.
    void measure(matrix_view<const T> rows) {
        const std::size_t some = std::min<std::size_t>(rows.rows, 4096);
        const double beyond = some == rows.rows ? 1.001 : 1.5;
        for (std::size_t j = 0; j < columns_; ++j) {
            double low = static_cast<double>(rows(0, j)), high = low;
            for (std::size_t i = 0; i < some; ++i) {
                const double value = static_cast<double>(rows(i * (rows.rows / some), j));
                low = std::min(low, value);
                high = std::max(high, value);
            }
            origin_[j] = static_cast<T>(low / 2 + high / 2);
            const double reach = std::max(high - static_cast<double>(origin_[j]), static_cast<double>(origin_[j]) - low) * beyond;
            // A feature without a range has no steps: rows that differ are outside.
            inverse_[j] = reach > 0 ? static_cast<T>(coarse_limit / reach) : std::numeric_limits<T>::max();
            step_[j] = reach > 0 ? 1 / static_cast<double>(inverse_[j]) : 0;
        }
    }

    std::size_t columns_;
    std::size_t pairs_;
    std::vector<T> origin_;
    std::vector<T> inverse_;
    std::vector<double> step_;
    std::vector<float> lengths_;            // per tile the length of the longest row, in steps
    std::vector<std::uint64_t> outside_;    // per tile the rows beyond the steps
    owned_memory<std::int32_t> words_;
    double longest_ = 0;
    bool useful_ = false;
};

}  // namespace SEGKIT_NAMESPACE::detail

#endif
