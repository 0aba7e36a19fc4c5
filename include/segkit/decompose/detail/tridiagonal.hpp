// segkit/decompose/detail/tridiagonal.hpp: kernels of symmetric eigenvalues: a matrix to tridiagonal form, and vectors back.
//
//     const tridiagonal_kernels& kernels = tridiagonal_kernels_for(simd_level());
//     kernels.reduce(matrix, size, stride, diagonal, beside, weights, room);
//
// Householder's method (Golub and Van Loan, "Matrix computations", 2013, 8.3.1), 4/3 n^3 operations on the upper triangle in one pass a
// row: the update of a step and the product that the next one needs read each value once. Sums along a row are eight, added up in
// one order, whatever the width of a vector, so that all levels give the same bits but for contraction.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <segkit/config.hpp>
#include <segkit/simd/products.hpp>

namespace SEGKIT_NAMESPACE::detail {

struct tridiagonal_kernels {
    // Rows of `stride` numbers, a multiple of 8; of row i those from i / 8 * 8 on are read, and zero from `size` on. Row k becomes the
    // reflection I - weights[k] * row' * row that makes the numbers beyond the next to the diagonal zero; it begins at k + 1.
    // `room` has 3 * stride numbers.
    void (*reduce)(double* matrix, std::size_t size, std::size_t stride, double* diagonal, double* beside, double* weights, double* room);
    // Applies the reflections, the last one first, to the columns of `rows`, of which each row has `count`, a multiple of 8.
    void (*reflect)(const double* matrix, std::size_t size, std::size_t stride, const double* weights, double* rows, std::size_t count);
    // How many eigenvalues of a tridiagonal matrix, of which the numbers beside the diagonal are given squared and above zero, are less
    // than each of eight shifts (Sturm's sequences). `room` has 8 * size numbers.
    void (*count_less)(const double* diagonal, const double* squares, std::size_t size, const double* shifts, std::uint64_t* counts, double* room);
};

// Eight numbers in as many vectors as that takes.
template <class Lanes>
struct octet {
    static constexpr std::size_t parts = 8 / Lanes::width;
    typename Lanes::real part[parts];

    [[gnu::always_inline]] void clear() {
#pragma GCC unroll 8
        for (std::size_t p = 0; p < parts; ++p) Lanes::clear(part[p]);
    }
    [[gnu::always_inline]] void load(const double* from) {
#pragma GCC unroll 8
        for (std::size_t p = 0; p < parts; ++p) Lanes::load(part[p], from + p * Lanes::width);
    }
    [[gnu::always_inline]] void store(double* to) const {
#pragma GCC unroll 8
        for (std::size_t p = 0; p < parts; ++p) Lanes::store(to + p * Lanes::width, part[p]);
    }
    [[gnu::always_inline]] void add(const octet& x, double times) {
#pragma GCC unroll 8
        for (std::size_t p = 0; p < parts; ++p) part[p] += x.part[p] * times;
    }
    [[gnu::always_inline]] void subtract(const octet& x, double times) {
#pragma GCC unroll 8
        for (std::size_t p = 0; p < parts; ++p) part[p] = part[p] - x.part[p] * times;
    }
    [[gnu::always_inline]] void add_products(const octet& x, const octet& y) {
#pragma GCC unroll 8
        for (std::size_t p = 0; p < parts; ++p) part[p] += x.part[p] * y.part[p];
    }
    [[gnu::always_inline]] double sum() const {
        double values[8];
        store(values);
        return ((values[0] + values[4]) + (values[2] + values[6])) + ((values[1] + values[5]) + (values[3] + values[7]));
    }
};

template <class Lanes>
[[gnu::always_inline]] inline double dot_product(const double* x, const double* y, std::size_t first, std::size_t end) {
    octet<Lanes> sum[2], a, b;    // two, so that additions do not wait for each other
    sum[0].clear();
    sum[1].clear();
    for (std::size_t c = first; c + 8 < end; c += 16) {
#pragma GCC unroll 2
        for (std::size_t s = 0; s < 2; ++s) {
            a.load(x + c + 8 * s);
            b.load(y + c + 8 * s);
            sum[s].add_products(a, b);
        }
    }
    if ((end - first) % 16 != 0) {
        a.load(x + end - 8);
        b.load(y + end - 8);
        sum[0].add_products(a, b);
    }
    return sum[0].sum() + sum[1].sum();
}

// What numbers are scaled by so that the largest is about 1: a power of two, which rounds nothing.
struct power_of_two {
    double factor, inverse;

    explicit power_of_two(double largest) {
        int exponent = 0;
        std::frexp(largest, &exponent);
        exponent = std::max(exponent, -1000);
        factor = std::ldexp(1.0, exponent);
        inverse = std::ldexp(1.0, -exponent);
    }
};

// A symmetric matrix, the update that it awaits, matrix -= v' * w + w' * v, and the vector u that it is multiplied with meanwhile.
struct pending_update {
    double* matrix;
    std::size_t stride;
    const double *v, *w, *u;
    double* product;
};

// Updates Rows rows of one panel, and adds what they and, by symmetry, their columns contribute to the product.
template <class Lanes, std::size_t Rows>
[[gnu::always_inline]] inline void update_rows(const pending_update& p, std::size_t i) {
    const std::size_t panel = i / 8 * 8;
    double* row[Rows];
    double v[Rows], w[Rows], u[Rows];
    octet<Lanes> sums[Rows];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
        row[r] = p.matrix + (i + r) * p.stride;
        v[r] = p.v[i + r];
        w[r] = p.w[i + r];
        u[r] = p.u[i + r];
        sums[r].clear();
    }
    octet<Lanes> along_v, along_w, along_u, out, value;
    for (std::size_t c = panel; c < p.stride; c += 8) {
        along_v.load(p.v + c);
        along_w.load(p.w + c);
        along_u.load(p.u + c);
        out.load(p.product + c);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < Rows; ++r) {
            value.load(row[r] + c);
            value.subtract(along_w, v[r]);
            value.subtract(along_v, w[r]);
            value.store(row[r] + c);
            out.add(value, u[r]);
            sums[r].add_products(value, along_u);
        }
        out.store(p.product + c);
        if (c == panel) {    // both halves of a diagonal block are kept
#pragma GCC unroll 4
            for (std::size_t r = 0; r < Rows; ++r) sums[r].clear();
        }
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) p.product[i + r] += sums[r].sum();
}

template <class Lanes>
[[gnu::always_inline]] inline void reduce_body(double* matrix, std::size_t size, std::size_t stride, double* diagonal, double* beside, double* weights, double* room) {
    double *const w = room, *const product = room + stride, *const nothing = room + 2 * stride;
    for (std::size_t j = 0; j < stride; ++j) w[j] = nothing[j] = 0;
    const double* v = nothing;
    for (std::size_t k = 0; k < size; ++k) {
        double* const row = matrix + k * stride;
        octet<Lanes> value, along;
        for (std::size_t c = k / 8 * 8; c < stride; c += 8) {
            value.load(row + c);
            along.load(w + c);
            value.subtract(along, v[k]);
            along.load(v + c);
            value.subtract(along, w[k]);
            value.store(row + c);
        }
        diagonal[k] = row[k];
        if (k + 1 == size) return;
        const std::size_t first = (k + 1) / 8 * 8;
        const double next = row[k + 1];
        for (std::size_t j = k / 8 * 8; j <= k + 1; ++j) row[j] = 0;
        const double squares = dot_product<Lanes>(row, row, first, stride);
        beside[k] = next;
        weights[k] = 0;
        if (squares > 1e-280) {    // what is less has no digits, and is nothing beside the greatest
            const double length = std::sqrt(next * next + squares), end = next > 0 ? -length : length, scale = 1 / (next - end);
            beside[k] = end;
            weights[k] = (end - next) / end;
            octet<Lanes> none;
            none.clear();
            for (std::size_t c = first; c < stride; c += 8) {
                along.load(row + c);
                value = none;
                value.add(along, scale);
                value.store(row + c);
            }
            row[k + 1] = 1;
        } else {
            for (std::size_t j = first; j < stride; ++j) row[j] = 0;
        }
        for (std::size_t j = first; j < stride; ++j) product[j] = 0;
        const pending_update update{matrix, stride, v, w, row, product};
        std::size_t i = k + 1;
        for (; i < size && i % 4 != 0; ++i) update_rows<Lanes, 1>(update, i);
        for (; i < size; i += 4) update_rows<Lanes, 4>(update, i);
        const double half = weights[k] * weights[k] * dot_product<Lanes>(product, row, first, stride) / 2;
        octet<Lanes> none;
        none.clear();
        for (std::size_t c = first; c < stride; c += 8) {
            along.load(product + c);
            value = none;
            value.add(along, weights[k]);
            along.load(row + c);
            value.subtract(along, half);
            value.store(w + c);
        }
        for (std::size_t j = first; j <= k; ++j) w[j] = 0;
        v = row;
    }
}

// Some columns of all rows, which stay in the first-level cache; four sums, so that additions do not wait for each other.
template <class Lanes, std::size_t Vectors>
[[gnu::always_inline]] inline void reflect_columns(const double* matrix, std::size_t size, std::size_t stride, const double* weights, double* rows, std::size_t count) {
    constexpr std::size_t at_once = 4;
    for (std::size_t k = size - 1; k-- > 0;) {
        if (weights[k] == 0) continue;
        const double* const u = matrix + k * stride;
        typename Lanes::real sum[at_once][Vectors], value;
#pragma GCC unroll 4
        for (std::size_t r = 0; r < at_once; ++r) {
#pragma GCC unroll 8
            for (std::size_t v = 0; v < Vectors; ++v) Lanes::clear(sum[r][v]);
        }
        std::size_t i = k + 1;
        for (; i + at_once <= size; i += at_once) {
#pragma GCC unroll 4
            for (std::size_t r = 0; r < at_once; ++r) {
#pragma GCC unroll 8
                for (std::size_t v = 0; v < Vectors; ++v) {
                    Lanes::load(value, rows + (i + r) * count + v * Lanes::width);
                    sum[r][v] += value * u[i + r];
                }
            }
        }
        for (; i < size; ++i) {
#pragma GCC unroll 8
            for (std::size_t v = 0; v < Vectors; ++v) {
                Lanes::load(value, rows + i * count + v * Lanes::width);
                sum[0][v] += value * u[i];
            }
        }
#pragma GCC unroll 8
        for (std::size_t v = 0; v < Vectors; ++v) sum[0][v] = ((sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v])) * weights[k];
        for (i = k + 1; i < size; ++i) {
#pragma GCC unroll 8
            for (std::size_t v = 0; v < Vectors; ++v) {
                Lanes::load(value, rows + i * count + v * Lanes::width);
                value = value - sum[0][v] * u[i];
                Lanes::store(rows + i * count + v * Lanes::width, value);
            }
        }
    }
}

struct reduce_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(double* matrix, std::size_t size, std::size_t stride, double* diagonal, double* beside, double* weights, double* room) {
        reduce_body<Lanes>(matrix, size, stride, diagonal, beside, weights, room);
    }
};
struct reflect_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(const double* matrix, std::size_t size, std::size_t stride, const double* weights, double* rows, std::size_t count) {
        constexpr std::size_t vectors = Lanes::width == 2 ? 2 : 4;
        std::size_t c = 0;
        for (; c + vectors * Lanes::width <= count; c += vectors * Lanes::width) reflect_columns<Lanes, vectors>(matrix, size, stride, weights, rows + c, count);
        for (; c < count; c += Lanes::width) reflect_columns<Lanes, 1>(matrix, size, stride, weights, rows + c, count);
    }
};
struct count_less_kernel {
    template <class Lanes>
    [[gnu::always_inline]] static void run(const double* diagonal, const double* squares, std::size_t size, const double* shifts, std::uint64_t* counts, double* room) {
        octet<Lanes> shift, ratio;
        shift.load(shifts);
        for (std::size_t i = 0; i < size; ++i) {
#pragma GCC unroll 8
            for (std::size_t p = 0; p < octet<Lanes>::parts; ++p) {
                typename Lanes::real value, square;
                Lanes::fill(value, diagonal[i]);
                value = value - shift.part[p];
                if (i > 0) {    // a ratio of zero gives infinity, and that a square of zero: no eigenvalue is missed
                    Lanes::fill(square, squares[i - 1]);
                    value = value - square / ratio.part[p];
                }
                ratio.part[p] = value;
            }
            ratio.store(room + i * 8);
        }
        for (std::size_t c = 0; c < 8; ++c) counts[c] = 0;
        for (std::size_t i = 0; i < size; ++i)
            for (std::size_t c = 0; c < 8; ++c) counts[c] += room[i * 8 + c] < 0 ? 1 : 0;
    }
};

inline const tridiagonal_kernels& tridiagonal_kernels_for([[maybe_unused]] instruction_set level) {
    static constexpr tridiagonal_kernels base{run_base<reduce_kernel>, run_base<reflect_kernel>, run_base<count_less_kernel>};
#if SEGKIT_SIMD_LEVELS
    static constexpr tridiagonal_kernels avx2{run_avx2<reduce_kernel>, run_avx2<reflect_kernel>, run_avx2<count_less_kernel>};
    static constexpr tridiagonal_kernels avx512{run_avx512<reduce_kernel>, run_avx512<reflect_kernel>, run_avx512<count_less_kernel>};
    if (level == instruction_set::avx512) return avx512;
    if (level == instruction_set::avx2) return avx2;
#endif
    return base;
}

}  // namespace SEGKIT_NAMESPACE::detail
