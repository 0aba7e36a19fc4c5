#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/simd/coarse.hpp>
#include <segkit/simd/marked_places.hpp>
#include <segkit/simd/row_sums.hpp>

#include "../support/simd_levels.hpp"

namespace sk = segkit;
using sk::detail::tile_rows;

namespace {

// Whole numbers, so that sums and differences are exact in any order.
template <class T>
void check_row_sums(sk::instruction_set level) {
    const sk::counter_random random(3, 1);
    for (std::size_t columns : {1u, 3u, 8u, 13u, 31u}) {
        const std::size_t rows = 40, stride = columns + 2, clusters = 4;
        std::vector<T> values(rows * stride);
        std::vector<double> origin(columns), weights(rows), sums(clusters * columns), squares(columns), expected(clusters * columns), expected_squares(columns);
        std::vector<std::int32_t> which(rows);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(random.below(i, 200)) - 100;
        for (std::size_t j = 0; j < columns; ++j) origin[j] = static_cast<double>(j) - 5;
        auto difference = [&](std::size_t i, std::size_t j) { return static_cast<double>(values[i * stride + j]) - origin[j]; };
        for (std::size_t i = 0; i < rows; ++i) {
            weights[i] = static_cast<double>(1 + random.below(1000 + i, 3));
            which[i] = static_cast<std::int32_t>(random.below(2000 + i, clusters));
            for (std::size_t j = 0; j < columns; ++j) {
                expected[static_cast<std::size_t>(which[i]) * columns + j] += weights[i] * difference(i, j);
                expected_squares[j] += weights[i] * difference(i, j) * difference(i, j);
            }
        }
        const auto& kernels = sk::detail::row_kernels_for<T>(level);
        kernels.add(sums.data(), values.data(), stride, columns, origin.data(), which.data(), weights.data(), rows, squares.data());
        CHECK(sums == expected);
        CHECK(squares == expected_squares);

        const std::vector<double> ones(rows, 1.0);
        std::vector<double> counted_once(clusters * columns), without_weights(clusters * columns);
        kernels.add(counted_once.data(), values.data(), stride, columns, origin.data(), which.data(), ones.data(), rows, nullptr);
        kernels.add(without_weights.data(), values.data(), stride, columns, origin.data(), which.data(), nullptr, rows, nullptr);
        CHECK(without_weights == counted_once);

        std::vector<T> centres(clusters * columns), differences(rows * columns), expected_differences(rows * columns);
        for (std::size_t i = 0; i < centres.size(); ++i) centres[i] = static_cast<T>(i);
        for (std::size_t i = 0; i < rows * columns; ++i)
            expected_differences[i] = values[i / columns * stride + i % columns] - centres[static_cast<std::size_t>(which[i / columns]) * columns + i % columns];
        kernels.subtract(values.data(), stride, columns, centres.data(), which.data(), rows, differences.data());
        CHECK(differences == expected_differences);

        std::vector<sk::detail::row_move> moves;
        for (std::uint32_t i = 0; i < rows; i += 3) {
            moves.push_back({i, which[i], (which[i] + 1) % static_cast<std::int32_t>(clusters)});
            for (std::size_t j = 0; j < columns; ++j) {
                expected[static_cast<std::size_t>(moves.back().from) * columns + j] -= weights[i] * difference(i, j);
                expected[static_cast<std::size_t>(moves.back().to) * columns + j] += weights[i] * difference(i, j);
            }
        }
        kernels.move(sums.data(), values.data(), stride, columns, origin.data(), moves.data(), weights.data(), moves.size());
        CHECK(sums == expected);

        // What leaves is a million times what stays.
        std::vector<double> two(2 * columns, 1.0);
        std::vector<T> far(columns, T{1});
        far[columns - 1] = static_cast<T>(1 << 21);
        const std::vector<double> zero(columns);
        const sk::detail::row_move away{0, 0, 1};
        std::vector<double> with_far(2 * columns);
        for (std::size_t j = 0; j < columns; ++j) with_far[j] = 3 + static_cast<double>(far[j]);
        CHECK(!kernels.move(two.data(), std::vector<T>(columns, T{4}).data(), columns, columns, zero.data(), &away, nullptr, 1));
        CHECK(kernels.move(with_far.data(), far.data(), columns, columns, zero.data(), &away, nullptr, 1) == (columns > 0 && static_cast<double>(far[columns - 1]) > 0x1p20 * 3));
    }
}

}  // namespace

TEST_CASE("sums of rows by cluster, and rows that move, are those of plain loops at every level of the CPU") {
    support::at_every_simd_level([](sk::instruction_set level) {
        CAPTURE(to_string(level));
        check_row_sums<double>(level);
        check_row_sums<float>(level);
    });
}

TEST_CASE("marked places of tiles are found one after the other at every level of the CPU") {
    support::at_every_simd_level([](sk::instruction_set level) {
        CAPTURE(to_string(level));
        const std::uint64_t marks[] = {0, ~std::uint64_t{0}, 0x8000'0000'0001'0001, 1, 0};
        std::vector<std::uint32_t> found(5 * tile_rows + sk::detail::marked_room);
        found.resize(sk::detail::marked_places_for(level)(marks, 5, found.data()));
        std::vector<std::uint32_t> expected;
        for (std::size_t place = 0; place < 5 * tile_rows; ++place)
            if (marks[place / tile_rows] >> place % tile_rows & 1) expected.push_back(sk::detail::marked_place(place / tile_rows, place % tile_rows));
        CHECK(found == expected);
        CHECK(sk::detail::place_of_marked(found[64]) == 128);
        CHECK(sk::detail::row_of_marked(found[66]) == 128 + 63);    // the last place is that of the last row
    });
}

#if SEGKIT_SIMD_LEVELS

namespace {

template <class T>
void check_rounding(sk::instruction_set level) {
    const sk::counter_random random(8, 2);
    for (std::size_t columns : {1u, 4u, 5u}) {
        std::vector<T> tile(tile_rows * columns), origin(columns), inverse(columns);
        for (std::size_t i = 0; i < tile.size(); ++i) tile[i] = static_cast<T>(20 * random.uniform(i) - 10);
        for (std::size_t j = 0; j < columns; ++j) {
            origin[j] = static_cast<T>(j);
            inverse[j] = static_cast<T>(1000);
        }
        tile[3] = 40;    // row 3 is beyond the limit
        std::vector<std::int32_t> words(tile_rows * ((columns + 1) / 2), -1);
        sk::detail::coarse_findings found;
        sk::detail::coarse_kernels_for(level).round(tile.data(), columns, origin.data(), inverse.data(), words.data(), found);
        CHECK(found.outside == std::uint64_t{1} << 3);
        CHECK(!found.not_finite);
        double longest = 0;
        for (std::size_t i = 0; i < tile_rows; ++i) {
            double square = 0;
            for (std::size_t j = 0; j < columns; ++j) {
                const auto word = static_cast<std::uint32_t>(words[j / 2 * tile_rows + i]);
                const double step = static_cast<std::int16_t>(j % 2 ? word >> 16 : word & 0xFFFF);
                const double exact = std::fmin((static_cast<double>(tile[j * tile_rows + i]) - static_cast<double>(origin[j])) * 1000, sk::detail::coarse_limit);
                REQUIRE(std::fabs(step - exact) <= 0.503);
                square += step * step;
            }
            longest = std::fmax(longest, square);
            if (columns % 2) REQUIRE((words[columns / 2 * tile_rows + i] >> 16) == 0);
        }
        CHECK(std::fabs(static_cast<double>(found.greatest_square) - longest) <= 1e-5 * longest);
        for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
            auto damaged = tile;
            damaged[tile.size() - 5] = static_cast<T>(bad);
            sk::detail::coarse_kernels_for(level).round(damaged.data(), columns, origin.data(), inverse.data(), words.data(), found);
            CHECK(found.not_finite);
        }
    }
}

}  // namespace

TEST_CASE("points are rounded to the nearest step, rows beyond the steps and numbers that are none are found") {
    support::at_every_simd_level([](sk::instruction_set level) {
        CAPTURE(to_string(level));
        check_rounding<double>(level);
        check_rounding<float>(level);
    });
}

TEST_CASE("the coarse nearest centre is that of plain integers, and rows whose second nearest is close are in doubt") {
    const sk::counter_random random(4, 4);
    support::at_every_simd_level([&](sk::instruction_set level) {
        CAPTURE(to_string(level));
        for (std::size_t pairs : {1u, 2u, 5u}) {
            for (std::size_t count : {1u, 2u, 3u, 4u, 5u, 7u, 11u, 256u}) {
                std::vector<std::int16_t> points(tile_rows * pairs * 2), steps(count * pairs * 2);
                for (std::size_t i = 0; i < points.size(); ++i) points[i] = static_cast<std::int16_t>(static_cast<int>(random.below(i, 2 * sk::detail::coarse_limit + 1)) - sk::detail::coarse_limit);
                for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = static_cast<std::int16_t>(static_cast<int>(random.below(5000 + i, 4001)) - 2000);
                std::vector<std::int32_t> tile(tile_rows * pairs), words(count * pairs), starts(count);
                std::memcpy(tile.data(), points.data(), points.size() * 2);
                std::memcpy(words.data(), steps.data(), steps.size() * 2);
                for (std::size_t c = 0; c < count; ++c) starts[c] = static_cast<std::int32_t>(random.below(9000 + c, 1'000'000));
                const std::int32_t slack = 3'000'000;
                unsigned char before[tile_rows], labels[tile_rows], unfused[tile_rows];
                for (std::size_t i = 0; i < tile_rows; ++i) before[i] = static_cast<unsigned char>(random.below(20'000 + i, count));
                sk::detail::coarse_marks marks, same;
                sk::detail::coarse_strip strip{tile.data(), 1, pairs, words.data(), starts.data(), count, &slack, before, labels, &marks};
                sk::detail::coarse_kernels_for(level).nearest(strip);
                if (level == sk::instruction_set::avx512) {
                    strip.now = unfused;
                    strip.marks = &same;
                    sk::detail::coarse_nearest_avx512(strip);
                    CHECK(std::equal(labels, labels + tile_rows, unfused));
                    CHECK(same.changed == marks.changed);
                    CHECK(same.doubts == marks.doubts);
                }
                for (std::size_t i = 0; i < tile_rows; ++i) {
                    std::vector<std::int32_t> scores(count);
                    for (std::size_t c = 0; c < count; ++c) {
                        scores[c] = starts[c];
                        for (std::size_t h = 0; h < 2 * pairs; ++h) scores[c] += points[(h / 2 * tile_rows + i) * 2 + h % 2] * steps[c * 2 * pairs + h];
                        scores[c] = (scores[c] & ~0xFF) | static_cast<std::int32_t>(c);
                    }
                    std::vector<std::int32_t> sorted = scores;
                    std::sort(sorted.begin(), sorted.end());
                    const std::size_t place = sk::detail::place_in_tile(i);
                    const bool doubt = count > 1 && sorted[1] - sorted[0] <= slack;
                    REQUIRE(sk::detail::row_at_place(place) == i);
                    REQUIRE(labels[place] == (doubt ? before[place] : sorted[0] & 0xFF));
                    REQUIRE((marks.doubts >> place & 1) == doubt);
                    REQUIRE((marks.changed >> place & 1) == (labels[place] != before[place]));
                }
            }
        }
    });
}

#endif
