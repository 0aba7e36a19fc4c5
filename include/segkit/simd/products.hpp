// segkit/simd/products.hpp: the product kernels of covariances and projections, on tiles of rows packed in panels of eight features.
//
//     const product_kernels& kernels = product_kernels_for(simd_level());
//     kernels.add_products(tile, panels, rows, products, columns);    // products += tile' * tile, blocks on and above the diagonal
//
// Lanes are features (or components), so that every element is one sum over the rows in their order at any width of vector: no
// horizontal sums, and the same bits at every level but for contraction. Register blocks of 8 x 24 (AVX-512) and 4 x 12 (AVX2).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/detail/aligned.hpp>
#include <segkit/simd/lanes.hpp>
#include <segkit/simd/level.hpp>

namespace SEGKIT_NAMESPACE::detail {

inline constexpr std::size_t panel_width = 8;
inline constexpr std::size_t panel_rows = 128;                    // rows of a tile: three panels and one more fit the first-level cache
inline constexpr std::size_t panel_stride = panel_rows + 8;       // and one row for what merging adds; the kernels read eight rows at once
inline constexpr std::size_t panel_size = panel_stride * panel_width;

constexpr std::size_t panels_of(std::size_t columns) { return (columns + panel_width - 1) / panel_width; }

// Element (i, j) of a tile.
constexpr std::size_t in_tile(std::size_t i, std::size_t j) { return j / panel_width * panel_size + i * panel_width + j % panel_width; }

struct product_kernels {
    // Packs up to 128 rows, stored one after the other, less `shift` (whole panels of it, as of `sums`), and adds up each feature, unless
    // `sums` is null. Features beyond the last are zero.
    void (*pack_doubles)(const double* from, std::size_t row_stride, std::size_t rows, std::size_t columns, const double* shift, double* tile, double* sums);
    void (*pack_floats)(const float* from, std::size_t row_stride, std::size_t rows, std::size_t columns, const double* shift, double* tile, double* sums);
    // Subtracts a number per feature from the rows of a tile.
    void (*subtract)(double* tile, std::size_t panels, std::size_t rows, const double* means);
    // products[i * columns + j] += sum over the rows of (feature i) * (feature j), for j >= i / 8 * 8. `less`, 0 or 1, rows more are
    // subtracted: the row and, after it, its negative stand in the tile. Meanwhile `ahead_bytes` from `ahead` on, which the next tile
    // will be packed from, are fetched: they need not be there.
    void (*add_products)(const double* tile, std::size_t rows, std::size_t less, std::size_t columns, double* products, const void* ahead, std::size_t ahead_bytes);
    // products[i * columns + j] += other[i * columns + j] + gaps[i] * gaps[j], for j >= i / 8 * 8.
    void (*merge_products)(const double* other, const double* gaps, std::size_t columns, double* products);
    // products[i * right_columns + c] += sum over the rows of (feature i of left) * (feature c of right), for all of them.
    void (*add_cross_products)(const double* left, const double* right, std::size_t rows, std::size_t left_columns, std::size_t right_columns, double* products);
    // out[i * out_stride + c] = offset[c] + sum over the features of tile(i, j) * weights[j * padded + c], for c < count. Weights and
    // offset have `padded` numbers a row, a multiple of 8; weights have a row for each feature of the panels. As many values of double
    // are fetched `ahead`, unless that is null.
    void (*project)(const double* tile, std::size_t panels, std::size_t rows, const double* weights, std::size_t padded, const double* offset, std::size_t count,
                    double* out, std::size_t out_stride, const void* ahead);
    // Makes an upper triangular factor, row by row, that of its own rows and of a tile's, which is overwritten, by Householder reflections:
    // factor' * factor += tile' * tile. 2 columns^2 operations a row.
    void (*add_to_factor)(double* tile, std::size_t rows, std::size_t columns, double* factor);
    // Plane rotations of neighbouring rows of a matrix of `count` (a multiple of 8) columns, the last rotation first:
    // row i, row i+1 = c * row i + s * row i+1, c * row i+1 - s * row i.
    void (*rotate)(double* rows, std::size_t count, const double* cosines, const double* sines, const std::uint32_t* places, std::size_t rotations);
};

// ---- one source for every instruction set

// Some vectors of features of all rows: their shift and sums stay in registers, and a row is read as one piece.
template <class Lanes, bool Sums, std::size_t Vectors, class T>
[[gnu::always_inline]] inline void pack_features(const T* from, std::size_t row_stride, std::size_t rows, std::size_t j, const double* shift, double* tile, double* sums) {
    typename Lanes::real centre[Vectors], sum[Vectors], value;
    double* to[Vectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) {
        to[v] = tile + in_tile(0, j + v * Lanes::width);
        Lanes::load(centre[v], shift + j + v * Lanes::width);
        if constexpr (Sums) Lanes::load(sum[v], sums + j + v * Lanes::width);
    }
    from += j;
    for (std::size_t i = 0; i < rows; ++i, from += row_stride) {
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) {
            Lanes::load(value, from + v * Lanes::width);
            value = value - centre[v];
            if constexpr (Sums) sum[v] += value;
            Lanes::store(to[v] + i * panel_width, value);
        }
    }
    if constexpr (Sums) {
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) Lanes::store(sums + j + v * Lanes::width, sum[v]);
    }
}

template <class Lanes, bool Sums, class T>
[[gnu::always_inline]] inline void pack_body(const T* from, std::size_t row_stride, std::size_t rows, std::size_t columns, const double* shift, double* tile,
                                             double* sums) {
    constexpr std::size_t width = Lanes::width;
    const std::size_t whole = columns / panel_width * panel_width;
    constexpr std::size_t at_once = 32;    // rows: so many lines of them stay in the first-level cache
    for (std::size_t first = 0; first < rows; first += at_once) {
        const std::size_t n = std::min(at_once, rows - first);
        const T* const at = from + first * row_stride;
        double* const to = tile + first * panel_width;
        std::size_t j = 0;
        for (; j + 4 * width <= whole; j += 4 * width) pack_features<Lanes, Sums, 4>(at, row_stride, n, j, shift, to, sums);
        for (; j + 2 * width <= whole; j += 2 * width) pack_features<Lanes, Sums, 2>(at, row_stride, n, j, shift, to, sums);
        for (; j < whole; j += width) pack_features<Lanes, Sums, 1>(at, row_stride, n, j, shift, to, sums);
    }
    std::size_t j = whole;
    for (; j < columns; ++j) {
        for (std::size_t i = 0; i < rows; ++i) {
            const double value = static_cast<double>(from[i * row_stride + j]) - shift[j];
            if constexpr (Sums) sums[j] += value;
            tile[in_tile(i, j)] = value;
        }
    }
}

template <class Lanes>
[[gnu::always_inline]] inline void subtract_body(double* tile, std::size_t panels, std::size_t rows, const double* means) {
    for (std::size_t p = 0; p < panels; ++p) {
        for (std::size_t e = 0; e < panel_width; e += Lanes::width) {
            typename Lanes::real mean, value;
            Lanes::load(mean, means + p * panel_width + e);
            double* at = tile + p * panel_size + e;
            for (std::size_t i = 0; i < rows; ++i, at += panel_width) {
                Lanes::load(value, at);
                value = value - mean;
                Lanes::store(at, value);
            }
        }
    }
}

// Two tiles, which may be one, and where their products go.
struct product_sides {
    const double* left;
    const double* right;
    std::size_t rows;
    std::size_t left_columns;
    std::size_t columns;    // of the right tile and of the products
    double* products;
    std::size_t right_skips = none;    // from this row on, the right tile is read one row further
    const char* ahead = nullptr;       // what is yet to be fetched
    const char* ahead_end = nullptr;

    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    std::size_t right_row(std::size_t r) const { return r + (r >= right_skips ? 1 : 0); }
};

// Rows x Vectors * width sums, held in registers.
template <class Lanes, std::size_t Rows, std::size_t Vectors>
struct product_block {
    typename Lanes::real sum[Rows][Vectors];

    [[gnu::always_inline]] void clear() {
#pragma GCC unroll 8
        for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 8
            for (std::size_t v = 0; v < Vectors; ++v) Lanes::clear(sum[i][v]);
        }
    }
    // Features from `left` on, of one row, times some vectors.
    [[gnu::always_inline]] void add(const double* left, const typename Lanes::real (&x)[Vectors]) {
#pragma GCC unroll 8
        for (std::size_t i = 0; i < Rows; ++i) {
            const double at = left[i];
#pragma GCC unroll 8
            for (std::size_t v = 0; v < Vectors; ++v) sum[i][v] += x[v] * at;
        }
    }
    // To the products of these features, but of those that there are.
    [[gnu::always_inline]] void add_to(const product_sides& sides, std::size_t first_row, std::size_t first_column) const {
        double* out = sides.products + first_row * sides.columns + first_column;
        if (first_row + Rows <= sides.left_columns && first_column + Vectors * Lanes::width <= sides.columns) {
#pragma GCC unroll 8
            for (std::size_t i = 0; i < Rows; ++i, out += sides.columns) {
#pragma GCC unroll 8
                for (std::size_t v = 0; v < Vectors; ++v) {
                    typename Lanes::real before;
                    Lanes::load(before, out + v * Lanes::width);
                    before += sum[i][v];
                    Lanes::store(out + v * Lanes::width, before);
                }
            }
            return;
        }
        alignas(64) double kept[Rows][Vectors * Lanes::width];
#pragma GCC unroll 8
        for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 8
            for (std::size_t v = 0; v < Vectors; ++v) Lanes::store(kept[i] + v * Lanes::width, sum[i][v]);
        }
        const std::size_t height = std::min(Rows, sides.left_columns - first_row), width = std::min(Vectors * Lanes::width, sides.columns - first_column);
        for (std::size_t i = 0; i < height; ++i, out += sides.columns)
            for (std::size_t j = 0; j < width; ++j) out[j] += kept[i][j];
    }
};

// Products of `Rows` features of the left tile with the vectors of the right one from a column on. A cache line is fetched with every row.
template <class Lanes, std::size_t Rows, std::size_t Vectors, bool Ahead>
[[gnu::always_inline]] inline void add_product_block(const product_sides& sides, std::size_t first_row, std::size_t first_column) {
    const double *left = sides.left + in_tile(0, first_row), *right[Vectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) right[v] = sides.right + in_tile(0, first_column + v * Lanes::width);
    product_block<Lanes, Rows, Vectors> block;
    block.clear();
    for (std::size_t r = 0; r < sides.rows; ++r) {
        typename Lanes::real x[Vectors];
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) Lanes::load(x[v], right[v] + sides.right_row(r) * panel_width);
        if constexpr (Ahead) __builtin_prefetch(sides.ahead + r * 64, 0, 2);
        block.add(left + r * panel_width, x);
    }
    block.add_to(sides, first_row, first_column);
}

// Sums of one panel with itself, where a vector is a panel. Each product is that of a feature with the one `turn` places further on, in a
// circle, and four turns meet them all: five vectors a row, not eight.
template <class Lanes>
struct own_products {
    static constexpr std::size_t turns = panel_width / 2 + 1;
    typename Lanes::real sum[turns];

    [[gnu::always_inline]] void clear() {
#pragma GCC unroll 8
        for (std::size_t t = 0; t < turns; ++t) Lanes::clear(sum[t]);
    }
    [[gnu::always_inline]] void add(const double* left, const typename Lanes::real& right) {
        typename Lanes::real x, other;
        Lanes::load(x, left);
        sum[0] += x * right;
        Lanes::template turn<1>(other, right);
        sum[1] += x * other;
        Lanes::template turn<2>(other, right);
        sum[2] += x * other;
        Lanes::template turn<3>(other, right);
        sum[3] += x * other;
        Lanes::template turn<4>(other, right);
        sum[4] += x * other;
    }
    [[gnu::always_inline]] void add_to(const product_sides& sides, std::size_t first) const {
        alignas(64) double kept[turns][panel_width];
#pragma GCC unroll 8
        for (std::size_t t = 0; t < turns; ++t) Lanes::store(kept[t], sum[t]);
        double* out = sides.products + first * sides.columns + first;
        const std::size_t count = std::min(panel_width, sides.columns - first);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < panel_width; ++i, out += sides.columns) {
            if (i == count) break;
#pragma GCC unroll 8
            for (std::size_t j = 0; j < panel_width; ++j) {
                if (j == count) break;
                const std::size_t turn = (j - i) % panel_width;
                out[j] += turn < turns ? kept[turn][i] : kept[panel_width - turn][j];
            }
        }
    }
};

template <class Lanes>
concept turning_lanes = Lanes::width == panel_width && requires(typename Lanes::real& x) { Lanes::template turn<1>(x, x); };

// The two or three panels from a column on with each other.
template <class Lanes, std::size_t Panels, bool Ahead>
[[gnu::always_inline]] inline void add_product_corner(const product_sides& sides, std::size_t first) {
    constexpr std::size_t beside = Panels - 1;
    const double* const panel = sides.left + in_tile(0, first);
    own_products<Lanes> upper, lower;
    product_block<Lanes, panel_width, beside> above;
    upper.clear();
    lower.clear();
    above.clear();
    for (std::size_t r = 0; r < sides.rows; ++r) {
        const double *const left = panel + r * panel_width, *const right = panel + sides.right_row(r) * panel_width;
        typename Lanes::real x[Panels], others[beside];
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Panels; ++v) Lanes::load(x[v], right + v * panel_size);
#pragma GCC unroll 8
        for (std::size_t v = 0; v < beside; ++v) others[v] = x[v + 1];
        if constexpr (Ahead) __builtin_prefetch(sides.ahead + r * 64, 0, 2);
        above.add(left, others);
        upper.add(left, x[0]);
        if constexpr (Panels == 2) lower.add(left + panel_size, x[1]);
    }
    upper.add_to(sides, first);
    above.add_to(sides, first, first + panel_width);
    if constexpr (Panels == 2) lower.add_to(sides, first + panel_width);
}

// Calls f(true) as long as there is memory to fetch, one line a row, and f(false) from then on.
template <class F>
[[gnu::always_inline]] inline void while_fetching(product_sides& sides, F f) {
    if (sides.ahead < sides.ahead_end) {
        f(std::true_type{});
        sides.ahead += sides.rows * 64;
    } else {
        f(std::false_type{});
    }
}

template <class Lanes, std::size_t Rows, std::size_t Vectors>
[[gnu::always_inline]] inline void add_some_products(product_sides& sides, std::size_t i, std::size_t j, std::size_t vectors) {
    if constexpr (Vectors > 1) {
        if (vectors < Vectors) return add_some_products<Lanes, Rows, Vectors - 1>(sides, i, j, vectors);
    }
    while_fetching(sides, [&](auto ahead) __attribute__((always_inline)) { add_product_block<Lanes, Rows, Vectors, decltype(ahead)::value>(sides, i, j); });
}

// All products of the left tile with the right one; of a tile with itself those from the panel of the left feature on. Strips of as many
// columns as a block has stay in the first-level cache while the left panels pass; the narrow strip comes first, where they are fewest.
template <class Lanes, std::size_t Rows, std::size_t Vectors, bool Symmetric>
[[gnu::always_inline]] inline void add_all_products(product_sides& sides) {
    const std::size_t all = (sides.columns + Lanes::width - 1) / Lanes::width;
    for (std::size_t first = 0, wide = (all - 1) % Vectors + 1; first < all; first += wide, wide = Vectors) {
        const std::size_t begin = first * Lanes::width, end = begin + wide * Lanes::width;
        for (std::size_t i = 0; i < sides.left_columns; i += Rows) {
            const std::size_t least = Symmetric ? i / panel_width * panel_width : 0, from = std::max(begin, least);
            if (from >= end) break;
            if constexpr (Symmetric && turning_lanes<Lanes> && Rows == panel_width && Vectors == 3) {
                if (from == i && end - from == 3 * panel_width) {
                    while_fetching(sides, [&](auto ahead) __attribute__((always_inline)) { add_product_corner<Lanes, 3, decltype(ahead)::value>(sides, i); });
                    continue;
                }
                if (from == i && end - from == 2 * panel_width) {
                    while_fetching(sides, [&](auto ahead) __attribute__((always_inline)) { add_product_corner<Lanes, 2, decltype(ahead)::value>(sides, i); });
                    break;
                }
            }
            add_some_products<Lanes, Rows, Vectors>(sides, i, from, (end - from) / Lanes::width);
        }
    }
}

// Rows x Vectors * width scores in registers.
template <class Lanes, std::size_t Rows, std::size_t Vectors, bool Ahead>
[[gnu::always_inline]] inline void project_block(const double* tile, std::size_t panels, std::size_t rows, const double* weights, std::size_t padded,
                                                 const double* offset, std::size_t count, double* out, std::size_t out_stride, const char* ahead) {
    typename Lanes::real sum[Rows][Vectors];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) Lanes::load(sum[r][v], offset + v * Lanes::width);
    }
    for (std::size_t p = 0; p < panels; ++p) {
        const double* const panel = tile + p * panel_size;
#pragma GCC unroll 2
        for (std::size_t e = 0; e < panel_width; ++e) {
            typename Lanes::real weight[Vectors];
#pragma GCC unroll 8
            for (std::size_t v = 0; v < Vectors; ++v) Lanes::load(weight[v], weights + v * Lanes::width);
            weights += padded;
            if constexpr (Ahead) {
                for (std::size_t line = Rows * e / panel_width; line < Rows * (e + 1) / panel_width; ++line) {
                    __builtin_prefetch(ahead, 0, 2);
                    ahead += 64;
                }
            }
#pragma GCC unroll 16
            for (std::size_t r = 0; r < Rows; ++r) {
                const double value = panel[r * panel_width + e];
#pragma GCC unroll 8
                for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] += weight[v] * value;
            }
        }
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < Rows; ++r) {
        if (r >= rows) break;
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) {
            double* const at = out + r * out_stride + v * Lanes::width;
            if ((v + 1) * Lanes::width <= count) {
                Lanes::store(at, sum[r][v]);
            } else if (v * Lanes::width < count) {
                double part[Lanes::width];
                Lanes::store(part, sum[r][v]);
                for (std::size_t c = 0; v * Lanes::width + c < count; ++c) at[c] = part[c];
            }
        }
    }
}

struct projected {
    const double* tile;
    std::size_t panels, rows;
    const double* weights;
    std::size_t padded;
    const double* offset;
    std::size_t count;
    double* out;
    std::size_t out_stride;
};

// The scores of up to `Rows` rows from column c on, as many vectors as are left. Returns how many.
template <class Lanes, std::size_t Rows, std::size_t Vectors, bool Ahead>
[[gnu::always_inline]] inline std::size_t project_some(const projected& p, std::size_t c, const char* ahead) {
    const std::size_t left = (p.count - c + Lanes::width - 1) / Lanes::width;
    if constexpr (Vectors > 2) {
        if (left > 2) {
            project_block<Lanes, Rows, Vectors, Ahead>(p.tile, p.panels, p.rows, p.weights + c, p.padded, p.offset + c, p.count - c, p.out + c, p.out_stride, ahead);
            return Vectors;
        }
    }
    if (left > 1) {
        project_block<Lanes, Rows, 2, Ahead>(p.tile, p.panels, p.rows, p.weights + c, p.padded, p.offset + c, p.count - c, p.out + c, p.out_stride, ahead);
        return 2;
    }
    project_block<Lanes, Rows, 1, Ahead>(p.tile, p.panels, p.rows, p.weights + c, p.padded, p.offset + c, p.count - c, p.out + c, p.out_stride, ahead);
    return 1;
}

// `sums` of x[i] times the rows of a panel. Four rows at once, so that additions do not wait for each other.
template <class Lanes>
[[gnu::always_inline]] inline void sum_panel(const double* panel, const double* x, std::size_t rows, double* sums) {
    for (std::size_t e = 0; e < panel_width; e += Lanes::width) {
        typename Lanes::real sum[4], value;
        for (std::size_t r = 0; r < 4; ++r) Lanes::clear(sum[r]);
        std::size_t i = 0;
        for (; i + 4 <= rows; i += 4) {
#pragma GCC unroll 4
            for (std::size_t r = 0; r < 4; ++r) {
                Lanes::load(value, panel + (i + r) * panel_width + e);
                sum[r] += value * x[i + r];
            }
        }
        for (; i < rows; ++i) {
            Lanes::load(value, panel + i * panel_width + e);
            sum[0] += value * x[i];
        }
        sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        Lanes::store(sums + e, sum[0]);
    }
}

// Eight reflections I - weight * v' * v, which make the features of one panel zero below the factor: their product is I - v' * weights * v.
// The rows v stand in the panel itself, feature by feature.
struct reflections {
    const double* panel;
    std::size_t rows;
    double weights[panel_width][panel_width];    // upper triangular
};

// Applies them to some vectors of features, of the factor and of the tile. `top` is the first of eight rows of the factor.
template <class Lanes, std::size_t Vectors>
[[gnu::always_inline]] inline void reflect_features(const reflections& by, double* tile, std::size_t j, double* top, std::size_t columns) {
    double* right[Vectors];
    alignas(64) double along[panel_width][Vectors * Lanes::width] = {};
    const std::size_t width = std::min(Vectors * Lanes::width, columns - j);
    for (std::size_t e = 0; e < panel_width; ++e) std::copy_n(top + e * columns + j, width, along[e]);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) right[v] = tile + in_tile(0, j + v * Lanes::width);
    product_block<Lanes, panel_width, Vectors> block;
#pragma GCC unroll 8
    for (std::size_t e = 0; e < panel_width; ++e) {
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) Lanes::load(block.sum[e][v], along[e] + v * Lanes::width);
    }
    for (std::size_t r = 0; r < by.rows; ++r) {
        typename Lanes::real x[Vectors];
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) Lanes::load(x[v], right[v] + r * panel_width);
        block.add(by.panel + r * panel_width, x);
    }
#pragma GCC unroll 8
    for (std::size_t before = 0; before < panel_width; ++before) {
        const std::size_t e = panel_width - 1 - before;    // from the last on, since each needs those before
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) {
            block.sum[e][v] = block.sum[e][v] * by.weights[e][e];
#pragma GCC unroll 8
            for (std::size_t f = 0; f < e; ++f) block.sum[e][v] += block.sum[f][v] * by.weights[f][e];
            Lanes::store(along[e] + v * Lanes::width, block.sum[e][v]);
        }
    }
    for (std::size_t e = 0; e < panel_width; ++e)
        for (std::size_t c = 0; c < width; ++c) top[e * columns + j + c] -= along[e][c];
    for (std::size_t r = 0; r < by.rows; ++r) {
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) {
            typename Lanes::real x;
            Lanes::load(x, right[v] + r * panel_width);
#pragma GCC unroll 8
            for (std::size_t e = 0; e < panel_width; ++e) x = x - block.sum[e][v] * by.panel[r * panel_width + e];
            Lanes::store(right[v] + r * panel_width, x);
        }
    }
}

// Householder's reflections feature by feature within a panel, then those of the panel at once (Schreiber and Van Loan, 1989).
template <class Lanes>
[[gnu::always_inline]] inline void add_to_factor_body(double* tile, std::size_t rows, std::size_t columns, double* factor) {
    double x[panel_stride], along[panel_width];
    for (std::size_t first = 0; first < columns; first += panel_width) {
        double* const panel = tile + in_tile(0, first);
        const std::size_t width = std::min(panel_width, columns - first);
        reflections by{panel, rows, {}};
        for (std::size_t k = 0; k < width; ++k) {
            double* const row = factor + (first + k) * columns + first;
            for (std::size_t i = 0; i < rows; ++i) x[i] = panel[i * panel_width + k];
            sum_panel<Lanes>(panel, x, rows, along);
            const double squares = along[k];
            if (!(squares > 0)) {    // nothing to reflect, but what is no number shall show
                row[k] += squares;
                for (std::size_t i = 0; i < rows; ++i) panel[i * panel_width + k] = 0;
                continue;
            }
            const double length = std::sqrt(row[k] * row[k] + squares), end = row[k] > 0 ? -length : length, start = row[k] - end, weight = -start / end;
            row[k] = end;
            for (std::size_t i = 0; i < rows; ++i) panel[i * panel_width + k] = x[i] /= start;
            for (std::size_t e = 0; e < panel_width; ++e) along[e] /= start;
            for (std::size_t e = 0; e < k; ++e) {
                double sum = 0;
                for (std::size_t f = e; f < k; ++f) sum += by.weights[e][f] * along[f];
                by.weights[e][k] = -weight * sum;
            }
            by.weights[k][k] = weight;
            for (std::size_t e = 0; e < panel_width; ++e) {
                along[e] = e > k && e < width ? weight * (row[e] + along[e]) : 0;
                if (e > k && e < width) row[e] -= along[e];
            }
            for (std::size_t e = 0; e < panel_width; e += Lanes::width) {
                typename Lanes::real value, less;
                Lanes::load(less, along + e);
                for (std::size_t i = 0; i < rows; ++i) {
                    Lanes::load(value, panel + i * panel_width + e);
                    value = value - less * x[i];
                    Lanes::store(panel + i * panel_width + e, value);
                }
            }
        }
        constexpr std::size_t vectors = Lanes::width == panel_width ? 3 : 1;
        std::size_t j = first + panel_width;
        for (; j + (vectors - 1) * Lanes::width < columns; j += vectors * Lanes::width) reflect_features<Lanes, vectors>(by, tile, j, factor + first * columns, columns);
        for (; j < columns; j += Lanes::width) reflect_features<Lanes, 1>(by, tile, j, factor + first * columns, columns);
    }
}

// Rotates some columns; several vectors of them, so that a rotation does not wait for the one before.
template <class Lanes, std::size_t Vectors>
[[gnu::always_inline]] inline void rotate_columns(double* rows, std::size_t count, const double* cosines, const double* sines, const std::uint32_t* places,
                                                  std::size_t rotations) {
    for (std::size_t k = rotations; k-- > 0;) {
        double* const above = rows + std::size_t{places[k]} * count;
        double* const below = above + count;
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) {
            typename Lanes::real a, b;
            Lanes::load(a, above + v * Lanes::width);
            Lanes::load(b, below + v * Lanes::width);
            const typename Lanes::real up = a * cosines[k] + b * sines[k];
            b = b * cosines[k] - a * sines[k];
            Lanes::store(above + v * Lanes::width, up);
            Lanes::store(below + v * Lanes::width, b);
        }
    }
}

// Register blocks by the number of registers: 16 of 16 or 32 bytes, 32 of 64.
template <class Lanes>
inline constexpr std::size_t block_height = Lanes::width == 8 ? 8 : 4;
template <class Lanes>
inline constexpr std::size_t block_vectors = Lanes::width == 2 ? 2 : 3;

struct pack_kernel {
    template <class Lanes, class T>
    [[gnu::always_inline]] static void run(const T* from, std::size_t row_stride, std::size_t rows, std::size_t columns, const double* shift, double* tile, double* sums) {
        if (sums) pack_body<Lanes, true>(from, row_stride, rows, columns, shift, tile, sums);
        else pack_body<Lanes, false>(from, row_stride, rows, columns, shift, tile, sums);
    }
};
struct subtract_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(double* tile, std::size_t panels, std::size_t rows, const double* means) {
        subtract_body<Lanes>(tile, panels, rows, means);
    }
};
struct add_products_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(const double* tile, std::size_t rows, std::size_t less, std::size_t columns, double* products, const void* ahead,
                                           std::size_t ahead_bytes) {
        const char* const fetched = static_cast<const char*>(ahead);
        product_sides sides{tile, tile, rows + less, columns, columns, products, rows, fetched, fetched + ahead_bytes};
        add_all_products<Lanes, block_height<Lanes>, block_vectors<Lanes>, true>(sides);
    }
};
struct merge_products_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(const double* other, const double* gaps, std::size_t columns, double* products) {
        for (std::size_t i = 0; i < columns; ++i, other += columns, products += columns) {
            std::size_t j = i / panel_width * panel_width;
            for (; j + Lanes::width <= columns; j += Lanes::width) {
                __builtin_prefetch(other + 2 * columns + j, 0, 2);    // another thread may have summed them
                __builtin_prefetch(products + 2 * columns + j, 1, 2);
                typename Lanes::real sum, more, gap;
                Lanes::load(sum, products + j);
                Lanes::load(more, other + j);
                Lanes::load(gap, gaps + j);
                more += gap * gaps[i];
                sum += more;
                Lanes::store(products + j, sum);
            }
            for (; j < columns; ++j) products[j] += other[j] + gaps[i] * gaps[j];
        }
    }
};
struct add_cross_products_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(const double* left, const double* right, std::size_t rows, std::size_t left_columns, std::size_t right_columns, double* products) {
        product_sides sides{left, right, rows, left_columns, right_columns, products};
        add_all_products<Lanes, block_height<Lanes>, block_vectors<Lanes>, false>(sides);
    }
};
struct project_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(const double* tile, std::size_t panels, std::size_t rows, const double* weights, std::size_t padded, const double* offset,
                                           std::size_t count, double* out, std::size_t out_stride, const void* ahead) {
        constexpr std::size_t height = block_height<Lanes>, vectors = block_vectors<Lanes>;
        const char* fetched = static_cast<const char*>(ahead);
        projected p{tile, panels, rows, weights, padded, offset, count, out, out_stride};
        while (p.rows > 0) {    // beyond the last row of a tile there are others, whose scores are not kept
            const std::size_t done = count <= Lanes::width && p.rows > height ? 2 * height : height;
            if (done > height) {    // one vector alone: more rows, so that additions do not wait for each other
                if (fetched) project_block<Lanes, 2 * height, 1, true>(p.tile, panels, p.rows, weights, padded, offset, count, p.out, out_stride, fetched);
                else project_block<Lanes, 2 * height, 1, false>(p.tile, panels, p.rows, weights, padded, offset, count, p.out, out_stride, nullptr);
            } else {
                std::size_t c = 0;
                if (fetched) c = Lanes::width * project_some<Lanes, height, vectors, true>(p, 0, fetched);    // the first columns fetch, once
                while (c < count) c += Lanes::width * project_some<Lanes, height, vectors, false>(p, c, nullptr);
            }
            if (fetched) fetched += panels * done * 64;
            p.tile += done * panel_width;
            p.out += done * out_stride;
            p.rows -= std::min(done, p.rows);
        }
    }
};
struct add_to_factor_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(double* tile, std::size_t rows, std::size_t columns, double* factor) {
        add_to_factor_body<Lanes>(tile, rows, columns, factor);
    }
};
struct rotate_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(double* rows, std::size_t count, const double* cosines, const double* sines, const std::uint32_t* places, std::size_t rotations) {
        constexpr std::size_t vectors = 4;
        std::size_t c = 0;
        for (; c + vectors * Lanes::width <= count; c += vectors * Lanes::width) rotate_columns<Lanes, vectors>(rows + c, count, cosines, sines, places, rotations);
        for (; c < count; c += Lanes::width) rotate_columns<Lanes, 1>(rows + c, count, cosines, sines, places, rotations);
    }
};

// ---- the forms

#if defined(SEGKIT_SIMD_BACKEND_XSIMD)
using base_product_lanes = xsimd_lanes<double>;
#else
using base_product_lanes = vector_lanes<double, 16>;
#endif

template <class Kernel, class... Arguments>
void run_base(Arguments... arguments) {
    Kernel::template run<base_product_lanes>(arguments...);
}
#if SEGKIT_SIMD_LEVELS
template <class Kernel, class... Arguments>
SEGKIT_TARGET_AVX2 void run_avx2(Arguments... arguments) {
    Kernel::template run<vector_lanes<double, 32>>(arguments...);
}
template <class Kernel, class... Arguments>
SEGKIT_TARGET_AVX512 void run_avx512(Arguments... arguments) {
    Kernel::template run<vector_lanes<double, 64>>(arguments...);
}
#endif

inline const product_kernels& product_kernels_for([[maybe_unused]] instruction_set level) {
    static constexpr product_kernels base{run_base<pack_kernel>, run_base<pack_kernel>, run_base<subtract_kernel>,
                                          run_base<add_products_kernel>, run_base<merge_products_kernel>, run_base<add_cross_products_kernel>,
                                          run_base<project_kernel>, run_base<add_to_factor_kernel>, run_base<rotate_kernel>};
#if SEGKIT_SIMD_LEVELS
    static constexpr product_kernels avx2{run_avx2<pack_kernel>, run_avx2<pack_kernel>, run_avx2<subtract_kernel>,
                                          run_avx2<add_products_kernel>, run_avx2<merge_products_kernel>, run_avx2<add_cross_products_kernel>,
                                          run_avx2<project_kernel>, run_avx2<add_to_factor_kernel>, run_avx2<rotate_kernel>};
    static constexpr product_kernels avx512{run_avx512<pack_kernel>, run_avx512<pack_kernel>, run_avx512<subtract_kernel>,
                                            run_avx512<add_products_kernel>, run_avx512<merge_products_kernel>, run_avx512<add_cross_products_kernel>,
                                            run_avx512<project_kernel>, run_avx512<add_to_factor_kernel>, run_avx512<rotate_kernel>};
    if (level == instruction_set::avx512) return avx512;
    if (level == instruction_set::avx2) return avx2;
#endif
    return base;
}

}  // namespace SEGKIT_NAMESPACE::detail
