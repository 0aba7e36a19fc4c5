#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include <segkit/simd/products.hpp>

#include "../support/matrices.hpp"
#include "../support/simd_levels.hpp"

namespace sk = segkit;
using namespace sk::detail;

namespace {

constexpr double shift_of(std::size_t j) { return 0.25 * static_cast<double>(j); }
constexpr double less_of(std::size_t j) { return static_cast<double>(j) - 3; }    // the row whose products are subtracted

// What the kernels of one level make of some rows: everything in one list, so that levels can be compared.
struct results {
    std::size_t rows, columns;
    std::vector<double> packed, sums, products, less, merged, cross, scores, rotated, factor;
};

template <class T>
results run(sk::instruction_set level, const std::vector<T>& values, std::size_t rows, std::size_t columns, std::size_t components) {
    const product_kernels& kernels = product_kernels_for(level);
    const std::size_t panels = panels_of(columns), padded = panels_of(components) * panel_width;
    aligned_doubles tile(panels * panel_size), shift(panels * panel_width), sums(panels * panel_width), weights(panels * panel_width * padded), offset(padded);
    for (std::size_t j = 0; j < columns; ++j) shift.data()[j] = shift_of(j);
    for (std::size_t j = 0; j < columns; ++j)
        for (std::size_t c = 0; c < components; ++c) weights.data()[j * padded + c] = static_cast<double>(j + 1) / static_cast<double>(c + 3);
    for (std::size_t c = 0; c < components; ++c) offset.data()[c] = static_cast<double>(c);
    if constexpr (sizeof(T) == 8) kernels.pack_doubles(values.data(), columns, rows, columns, shift.data(), tile.data(), sums.data());
    else kernels.pack_floats(values.data(), columns, rows, columns, shift.data(), tile.data(), sums.data());
    results r{rows, columns, {}, {sums.data(), sums.data() + columns}, std::vector<double>(columns * columns), {}, {}, std::vector<double>(columns * columns),
              std::vector<double>(rows * (components + 2), -1.0), std::vector<double>(columns * padded, 1.0), std::vector<double>(columns * columns)};
    kernels.subtract(tile.data(), panels, rows, shift.data());
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < columns; ++j) r.packed.push_back(tile.data()[in_tile(i, j)]);
    for (std::size_t j = 0; j < columns; ++j) {
        tile.data()[in_tile(rows, j)] = less_of(j);
        tile.data()[in_tile(rows + 1, j)] = -less_of(j);
    }
    r.less = r.products;
    kernels.add_products(tile.data(), rows, 1, columns, r.less.data(), nullptr, 0);
    kernels.add_products(tile.data(), rows, 0, columns, r.products.data(), values.data(), values.size() * sizeof(T));
    r.merged = r.less;
    std::vector<double> gaps;
    for (std::size_t j = 0; j < columns; ++j) gaps.push_back(less_of(j));
    kernels.merge_products(r.products.data(), gaps.data(), columns, r.merged.data());
    kernels.add_cross_products(tile.data(), tile.data(), rows, columns, columns, r.cross.data());
    kernels.project(tile.data(), panels, rows, weights.data(), padded, offset.data(), components, r.scores.data(), components + 2, rows == 128 ? values.data() : nullptr);
    kernels.add_to_factor(tile.data(), rows, columns, r.factor.data());
    std::vector<double> cosines, sines;
    std::vector<std::uint32_t> places;
    for (std::size_t k = 0; k + 1 < columns; ++k) {
        cosines.push_back(0.6);
        sines.push_back(0.8);
        places.push_back(static_cast<std::uint32_t>(columns - 2 - k));
    }
    kernels.rotate(r.rotated.data(), padded, cosines.data(), sines.data(), places.data(), places.size());
    return r;
}

template <class T>
void check_against_loops(const results& r, const std::vector<T>& values, std::size_t components) {
    for (std::size_t j = 0; j < r.columns; ++j) {
        double sum = 0;
        for (std::size_t i = 0; i < r.rows; ++i) {
            const double value = static_cast<double>(values[i * r.columns + j]) - shift_of(j);
            sum += value;
            REQUIRE(r.packed[i * r.columns + j] == value - shift_of(j));
        }
        CHECK(support::close(r.sums[j], sum, 1e-13, 1e-13));
        for (std::size_t k = 0; k < r.columns; ++k) {
            double product = 0, size = 0;
            for (std::size_t i = 0; i < r.rows; ++i) {
                product += r.packed[i * r.columns + j] * r.packed[i * r.columns + k];
                size += std::fabs(r.packed[i * r.columns + j] * r.packed[i * r.columns + k]);
            }
            REQUIRE(support::close(r.cross[j * r.columns + k], product, 0, 1e-14 * size));
            double squared = 0;    // of the triangular factor
            for (std::size_t i = 0; i < r.columns; ++i) squared += r.factor[i * r.columns + j] * r.factor[i * r.columns + k];
            REQUIRE(support::close(squared, product, 0, 1e-12 * size));
            if (k < j) CHECK(r.factor[j * r.columns + k] == 0);
            const bool stored = k >= j / panel_width * panel_width;
            REQUIRE(r.products[j * r.columns + k] == (stored ? r.cross[j * r.columns + k] : 0.0));
            const double subtracted = less_of(j) * less_of(k);
            REQUIRE(support::close(r.merged[j * r.columns + k], stored ? 2 * product : 0.0, 0, 1e-14 * (2 * size + 2 * std::fabs(subtracted))));
            REQUIRE(support::close(r.less[j * r.columns + k], stored ? product - subtracted : 0.0, 0, 1e-14 * (size + std::fabs(subtracted))));
        }
    }
    for (std::size_t i = 0; i < r.rows; ++i) {
        for (std::size_t c = 0; c < components; ++c) {
            double score = static_cast<double>(c);
            for (std::size_t j = 0; j < r.columns; ++j) score += r.packed[i * r.columns + j] * static_cast<double>(j + 1) / static_cast<double>(c + 3);
            REQUIRE(support::close(r.scores[i * (components + 2) + c], score, 1e-12, 1e-12));
        }
        CHECK(r.scores[i * (components + 2) + components] == -1.0);    // nothing is written beyond
    }
    std::vector<double> column(r.columns, 1.0);    // the last rotation is that of the first two rows, and it comes first
    for (std::size_t i = 0; i + 1 < r.columns; ++i) {
        const double above = column[i], below = column[i + 1];
        column[i] = 0.6 * above + 0.8 * below;
        column[i + 1] = 0.6 * below - 0.8 * above;
    }
    const std::size_t padded = r.rotated.size() / r.columns;
    for (std::size_t i = 0; i < r.rotated.size(); ++i) REQUIRE(support::close(r.rotated[i], column[i / padded], 1e-13, 1e-13));
}

template <class T>
void check_sizes() {
    for (std::size_t columns : {1u, 7u, 8u, 13u, 16u, 33u, 59u}) {
        for (std::size_t rows : {1u, 6u, 128u}) {
            const std::size_t components = columns / 2 + 1;
            std::vector<T> values;
            for (double v : support::random_matrix(rows, columns, columns).values) values.push_back(static_cast<T>(v));
            [[maybe_unused]] std::vector<double> first;
            support::at_every_simd_level([&](sk::instruction_set level) {
                const results r = run(level, values, rows, columns, components);
                check_against_loops(r, values, components);
#if defined(SEGKIT_EXACT_LEVELS)    // compiled with -ffp-contract=off
                std::vector<double> all;
                for (const auto* part : {&r.sums, &r.products, &r.less, &r.merged, &r.cross, &r.scores, &r.rotated, &r.factor}) all.insert(all.end(), part->begin(), part->end());
                if (first.empty()) first = all;
                CHECK(all == first);
#endif
            });
        }
    }
}

}  // namespace

TEST_CASE("products, projections and rotations are those of plain loops at every level of the CPU, and without contraction the same bits") {
    check_sizes<double>();
    check_sizes<float>();
}
