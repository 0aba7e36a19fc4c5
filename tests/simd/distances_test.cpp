#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/simd/distances.hpp>

namespace sk = segkit;
using sk::detail::tile_rows;

namespace {

std::vector<sk::instruction_set> levels() {
    std::vector<sk::instruction_set> have;
    for (sk::instruction_set level : {sk::instruction_set::base, sk::instruction_set::avx2, sk::instruction_set::avx512})
        if (level <= sk::cpu_simd_level()) have.push_back(level);
    return have;
}

template <class T>
std::vector<T> numbers(std::size_t n, std::uint64_t seed, double offset) {
    std::vector<T> out(n);
    const sk::counter_random random(seed, 5);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<T>(random.uniform(i) + offset);
    return out;
}

// Feature by feature, in this order.
template <class T>
T squared_distance(const std::vector<T>& tile, std::size_t i, const std::vector<T>& centres, std::size_t c, std::size_t columns) {
    T sum = 0;
    for (std::size_t j = 0; j < columns; ++j) {
        const T gap = tile[j * tile_rows + i] - centres[c * columns + j];
        sum += gap * gap;
    }
    return sum;
}

// A contracted multiply-add rounds once where the plain code rounds twice: at most one rounding a feature.
template <class T>
bool within_bound(T a, T b, std::size_t columns) {
    return std::fabs(a - b) <= static_cast<T>(columns + 1) * std::numeric_limits<T>::epsilon() * b;
}

template <class T>
void check_distances(sk::instruction_set level) {
    const auto& kernels = sk::detail::distance_kernels_for<T>(level);
    for (std::size_t columns : {1u, 2u, 7u, 16u, 33u}) {
        for (std::size_t count : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 11u, 12u, 31u}) {
            const auto tile = numbers<T>(tile_rows * columns, columns, 0), centres = numbers<T>(count * columns, 100 + count, 0);
            std::vector<T> squares(count * tile_rows);
            kernels.squares(tile.data(), columns, centres.data(), count, squares.data());
            std::vector<std::int32_t> ids(count);
            for (std::size_t c = 0; c < count; ++c) ids[c] = static_cast<std::int32_t>(1000 + 7 * c);
            sk::detail::nearest_in_tile<T> nearest;
            kernels.nearest(tile.data(), columns, centres.data(), ids.data(), count, nearest);
            for (std::size_t i = 0; i < tile_rows; ++i) {
                std::size_t best = 0;
                for (std::size_t c = 0; c < count; ++c) {
                    REQUIRE(within_bound(squares[c * tile_rows + i], squared_distance(tile, i, centres, c, columns), columns));
                    if (squares[c * tile_rows + i] < squares[best * tile_rows + i]) best = c;
                }
                REQUIRE(nearest.which[i] == ids[best]);
                REQUIRE(nearest.distance[i] == squares[best * tile_rows + i]);
            }
        }
    }
}

template <class T>
void check_sums(sk::instruction_set level) {
    const auto& kernels = sk::detail::distance_kernels_for<T>(level);
    const auto values = numbers<T>(3 * tile_rows, 9, 0);
    std::vector<double> sums(tile_rows, 0.5);
    kernels.add(sums.data(), values.data());
    auto least = values;
    std::vector<double> least_sums(tile_rows, 0.25);
    kernels.least(least.data(), values.data() + tile_rows, least_sums.data());
    auto roots = values;
    kernels.square_roots(roots.data(), 3);
    std::vector<T> rows(3 * sk::detail::row_lanes, T{1}), columns(tile_rows, T{2});
    kernels.sum_both_ways(values.data(), 3, rows.data(), columns.data());
    for (std::size_t i = 0; i < tile_rows; ++i) {
        CHECK(sums[i] == 0.5 + static_cast<double>(values[i]));
        CHECK(least[i] == std::min(values[i], values[tile_rows + i]));
        CHECK(least_sums[i] == 0.25 + static_cast<double>(least[i]));
        T column = 2;
        for (std::size_t c = 0; c < 3; ++c) column += values[c * tile_rows + i];
        CHECK(columns[i] == column);
    }
    for (std::size_t i = 0; i < values.size(); ++i) CHECK(roots[i] == std::sqrt(values[i]));
    for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t lane = 0; lane < sk::detail::row_lanes; ++lane) {
            T row = 1;
            for (std::size_t i = lane; i < tile_rows; i += sk::detail::row_lanes) row += values[c * tile_rows + i];
            CHECK(rows[c * sk::detail::row_lanes + lane] == row);
        }
    }
}

}  // namespace

TEST_CASE("distances, nearest centres and sums are those of plain loops at every level of the CPU") {
    for (sk::instruction_set level : levels()) {
        CAPTURE(to_string(level));
        check_distances<double>(level);
        check_distances<float>(level);
        check_sums<double>(level);
        check_sums<float>(level);
    }
}

TEST_CASE("of equally near centres the first wins, and infinite distances choose the first") {
    for (sk::instruction_set level : levels()) {
        const auto& kernels = sk::detail::distance_kernels_for<double>(level);
        const std::vector<double> tile(tile_rows, 5.0), centres{9, 4, 6, 4, 6, 4, 6, 4};
        const std::vector<std::int32_t> ids{7, 6, 5, 4, 3, 2, 1, 0};
        sk::detail::nearest_in_tile<double> nearest;
        kernels.nearest(tile.data(), 1, centres.data(), ids.data(), 8, nearest);
        for (std::int32_t which : nearest.which) CHECK(which == 6);
        const std::vector<double> far(8, 1e200);
        kernels.nearest(tile.data(), 1, far.data(), ids.data(), 8, nearest);
        CHECK(std::isinf(nearest.distance[13]));
    }
}

TEST_CASE("a large offset costs no accuracy") {
    for (sk::instruction_set level : levels()) {
        const auto& kernels = sk::detail::distance_kernels_for<double>(level);
        const auto tile = numbers<double>(tile_rows * 3, 4, 1e9), centres = numbers<double>(3, 6, 1e9);
        std::vector<double> squares(tile_rows);
        kernels.squares(tile.data(), 3, centres.data(), 1, squares.data());
        for (std::size_t i = 0; i < tile_rows; ++i) CHECK(within_bound(squares[i], squared_distance(tile, i, centres, 0, 3), 3));
    }
}

#if defined(SEGKIT_EXACT_LEVELS)    // compiled with -ffp-contract=off
TEST_CASE("without contraction every level gives the same bits") {
    const auto tile = numbers<double>(tile_rows * 9, 4, 0), centres = numbers<double>(9 * 7, 6, 0);
    std::vector<double> first;
    for (sk::instruction_set level : levels()) {
        std::vector<double> squares(7 * tile_rows);
        sk::detail::distance_kernels_for<double>(level).squares(tile.data(), 9, centres.data(), 7, squares.data());
        if (first.empty()) first = squares;
        CHECK(squares == first);
    }
}
#endif
