// segkit/simd/row_sums.hpp: sums of rows by cluster, rows that move from one sum to another, and how rows differ from their centres.
//
//     row_kernels_for<float>(simd_level()).add(sums, rows, stride, columns, origin, clusters, weights, count, squares);
//
// Lanes are features. Every sum takes its rows in their order, one at a time, in double, as distances from `origin` (a large offset
// costs no accuracy): its bits do not depend on the width of the vectors. A row costs two instructions per vector of features.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/simd/lanes.hpp>
#include <segkit/simd/level.hpp>

namespace SEGKIT_NAMESPACE::detail {

struct row_move {
    std::uint32_t row;
    std::int32_t from;
    std::int32_t to;
};

template <class T>
struct row_kernels {
    // sums[which[i] * columns + j] += weights[i] * (rows[i * stride + j] - origin[j]), and squares[j], where given, += the same times
    // the difference once more, for `count` rows. Without weights each counts once.
    void (*add)(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const std::int32_t* which, const double* weights, std::size_t count,
                double* squares);
    // Takes rows from one sum to another. Whether a value left that was so much larger than what stays that the roundings it left
    // behind matter.
    bool (*move)(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const row_move* moves, const double* weights, std::size_t count);
    // out[i * columns + j] = rows[i * stride + j] - centres[which[i] * columns + j] for `count` rows.
    void (*subtract)(const T* rows, std::size_t stride, std::size_t columns, const T* centres, const std::int32_t* which, std::size_t count, T* out);
};

// ---- one source for every instruction set

// The differences from the origin of as many features as a vector of doubles has.
template <std::size_t Bytes, class T>
struct row_part {
    static constexpr std::size_t width = Bytes / sizeof(double);
    using element = std::conditional_t<sizeof(T) == 8, double, double>;    // GCC 12 makes vectors of dependent types only
    using mask_element = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int64_t>;
    using doubles [[gnu::vector_size(Bytes)]] = element;
    using marks [[gnu::vector_size(Bytes)]] = mask_element;

    [[gnu::always_inline]] static void load(doubles& to, const T* row, const double* origin) {
        doubles from;
        vector_lanes<double, Bytes>::load(to, row);
        vector_lanes<double, Bytes>::load(from, origin);
        to -= from;
    }
    [[gnu::always_inline]] static void add(double* at, const doubles& value) {
        doubles sum;
        std::memcpy(&sum, at, sizeof sum);
        sum += value;
        std::memcpy(at, &sum, sizeof sum);
    }
    [[gnu::always_inline]] static void take(double* at, const doubles& value, marks& lossy) {
        doubles sum;
        std::memcpy(&sum, at, sizeof sum);
        sum -= value;
        std::memcpy(at, &sum, sizeof sum);
        lossy |= (value * value > (sum * sum) * 0x1p40);
    }
    [[gnu::always_inline]] static bool any(const marks& lossy) {
        std::int64_t lanes[width], all = 0;
        std::memcpy(lanes, &lossy, sizeof lossy);
        for (const std::int64_t lane : lanes) all |= lane;
        return all != 0;
    }
};

// All rows for so many vectors of features, whose number is best known to the compiler.
template <std::size_t Bytes, bool Weighted, std::size_t Parts, class T>
[[gnu::always_inline]] inline void add_parts_of_rows(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const std::int32_t* which,
                                                     const double* weights, std::size_t count, std::size_t parts) {
    using part = row_part<Bytes, T>;
    if constexpr (Parts > 0) parts = Parts;
    for (std::size_t i = 0; i < count; ++i) {
        const T* const row = rows + i * stride;
        double* const sum = sums + static_cast<std::size_t>(which[i]) * columns;
        for (std::size_t p = 0; p < parts; ++p) {
            // Some rows ahead; an address beyond the last row is never read.
            if (p * part::width * sizeof(T) % 64 == 0)
                __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(row + p * part::width) + 32 * stride * sizeof(T)));
            typename part::doubles value;
            part::load(value, row + p * part::width, origin + p * part::width);
            if constexpr (Weighted) value *= weights[i];
            part::add(sum + p * part::width, value);
        }
    }
}

// All rows for the features that fill vectors of this width, from feature j on; then the others by narrower ones.
template <std::size_t Bytes, bool Weighted, class T>
[[gnu::always_inline]] inline void add_rows_body(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const std::int32_t* which,
                                                 const double* weights, std::size_t count, std::size_t j = 0) {
    if constexpr (Bytes >= 16) {
        const std::size_t parts = (columns - j) / row_part<Bytes, T>::width;
        switch (parts) {
            case 0: break;
            case 1: add_parts_of_rows<Bytes, Weighted, 1>(sums + j, rows + j, stride, columns, origin + j, which, weights, count, parts); break;
            case 2: add_parts_of_rows<Bytes, Weighted, 2>(sums + j, rows + j, stride, columns, origin + j, which, weights, count, parts); break;
            default: add_parts_of_rows<Bytes, Weighted, 0>(sums + j, rows + j, stride, columns, origin + j, which, weights, count, parts); break;
        }
        add_rows_body<Bytes / 2, Weighted>(sums, rows, stride, columns, origin, which, weights, count, j + parts * row_part<Bytes, T>::width);
    } else {
        for (std::size_t i = 0; i < count && j < columns; ++i) {
            double* const sum = sums + static_cast<std::size_t>(which[i]) * columns;
            for (std::size_t c = j; c < columns; ++c) sum[c] += (static_cast<double>(rows[i * stride + c]) - origin[c]) * (Weighted ? weights[i] : 1.0);
        }
    }
}

// The squares of some features of all rows at a time, whose sums stay in registers.
template <std::size_t Bytes, class T>
[[gnu::always_inline]] inline void add_squares_body(double* squares, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const double* weights,
                                                    std::size_t count, std::size_t j = 0) {
    if constexpr (Bytes >= 16) {
        using part = row_part<Bytes, T>;
        for (; j + part::width <= columns; j += part::width) {
            typename part::doubles sum;
            std::memcpy(&sum, squares + j, sizeof sum);
            for (std::size_t i = 0; i < count; ++i) {
                typename part::doubles value;
                part::load(value, rows + i * stride + j, origin + j);
                sum += value * (weights ? weights[i] : 1.0) * value;
            }
            std::memcpy(squares + j, &sum, sizeof sum);
        }
        add_squares_body<Bytes / 2>(squares, rows, stride, columns, origin, weights, count, j);
    } else {
        for (; j < columns; ++j) {
            double sum = squares[j];
            for (std::size_t i = 0; i < count; ++i) {
                const double value = static_cast<double>(rows[i * stride + j]) - origin[j];
                sum += value * (weights ? weights[i] : 1.0) * value;
            }
            squares[j] = sum;
        }
    }
}

// Both, some rows at a time, which the squares find in the cache.
template <std::size_t Bytes, class T>
[[gnu::always_inline]] inline void add_rows_by_parts(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const std::int32_t* which,
                                                     const double* weights, std::size_t count, double* squares) {
    const std::size_t most = squares ? 128 : count;
    for (std::size_t first = 0; first < count; first += most) {
        const std::size_t part = count - first < most ? count - first : most;
        if (weights) add_rows_body<Bytes, true>(sums, rows + first * stride, stride, columns, origin, which + first, weights + first, part);
        else add_rows_body<Bytes, false>(sums, rows + first * stride, stride, columns, origin, which + first, nullptr, part);
        if (squares) add_squares_body<Bytes>(squares, rows + first * stride, stride, columns, origin, weights ? weights + first : nullptr, part);
    }
}

template <std::size_t Bytes, class T>
[[gnu::always_inline]] inline bool move_rows_body(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const row_move* moves,
                                                  const double* weights, std::size_t count, std::size_t j = 0) {
    bool lossy = false;
    if constexpr (Bytes >= 16) {
        using part = row_part<Bytes, T>;
        typename part::marks lost{};
        const std::size_t end = j + (columns - j) / part::width * part::width;
        for (std::size_t i = 0; i < count && j < end; ++i) {
            const row_move& m = moves[i];
            const T* const row = rows + m.row * stride;
            double *const less = sums + static_cast<std::size_t>(m.from) * columns, *const more = sums + static_cast<std::size_t>(m.to) * columns;
            const double weight = weights ? weights[m.row] : 1.0;
            for (std::size_t c = j; c < end; c += part::width) {
                typename part::doubles value;
                part::load(value, row + c, origin + c);
                value *= weight;
                part::take(less + c, value, lost);
                part::add(more + c, value);
            }
        }
        lossy = part::any(lost);
        return move_rows_body<Bytes / 2>(sums, rows, stride, columns, origin, moves, weights, count, end) || lossy;
    } else {
        for (std::size_t i = 0; i < count && j < columns; ++i) {
            const row_move& m = moves[i];
            for (std::size_t c = j; c < columns; ++c) {
                const double value = (static_cast<double>(rows[m.row * stride + c]) - origin[c]) * (weights ? weights[m.row] : 1.0);
                double &less = sums[static_cast<std::size_t>(m.from) * columns + c], &more = sums[static_cast<std::size_t>(m.to) * columns + c];
                less -= value;
                more += value;
                lossy |= value * value > (less * less) * 0x1p40;
            }
        }
        return lossy;
    }
}

template <std::size_t Bytes, class T>
[[gnu::always_inline]] inline void subtract_rows_body(const T* rows, std::size_t stride, std::size_t columns, const T* centres, const std::int32_t* which, std::size_t count,
                                                      T* out, std::size_t j = 0) {
    if constexpr (Bytes >= 16) {
        using lanes = vector_lanes<T, Bytes>;
        const std::size_t end = j + (columns - j) / lanes::width * lanes::width;
        for (std::size_t i = 0; i < count && j < end; ++i) {
            const T* const row = rows + i * stride;
            const T* const centre = centres + static_cast<std::size_t>(which[i]) * columns;
            for (std::size_t c = j; c < end; c += lanes::width) {
                typename lanes::real value, at;
                lanes::load(value, row + c);
                lanes::load(at, centre + c);
                value -= at;
                std::memcpy(out + i * columns + c, &value, sizeof value);
            }
        }
        subtract_rows_body<Bytes / 2>(rows, stride, columns, centres, which, count, out, end);
    } else {
        for (std::size_t i = 0; i < count && j < columns; ++i) {
            for (std::size_t c = j; c < columns; ++c) out[i * columns + c] = rows[i * stride + c] - centres[static_cast<std::size_t>(which[i]) * columns + c];
        }
    }
}

// ---- the forms

#if SEGKIT_SIMD_LEVELS
inline constexpr std::size_t row_base_bytes = 16;
#else
inline constexpr std::size_t row_base_bytes = 8;    // plain loops
#endif

template <class T>
void add_rows_base(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const std::int32_t* which, const double* weights,
                   std::size_t count, double* squares) {
    add_rows_by_parts<row_base_bytes>(sums, rows, stride, columns, origin, which, weights, count, squares);
}
template <class T>
bool move_rows_base(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const row_move* moves, const double* weights,
                    std::size_t count) {
    return move_rows_body<row_base_bytes>(sums, rows, stride, columns, origin, moves, weights, count);
}
template <class T>
void subtract_rows_base(const T* rows, std::size_t stride, std::size_t columns, const T* centres, const std::int32_t* which, std::size_t count, T* out) {
    subtract_rows_body<row_base_bytes>(rows, stride, columns, centres, which, count, out);
}

#if SEGKIT_SIMD_LEVELS
template <class T>
SEGKIT_TARGET_AVX2 void add_rows_avx2(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const std::int32_t* which,
                                      const double* weights, std::size_t count, double* squares) {
    add_rows_by_parts<32>(sums, rows, stride, columns, origin, which, weights, count, squares);
}
template <class T>
SEGKIT_TARGET_AVX2 bool move_rows_avx2(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const row_move* moves,
                                       const double* weights, std::size_t count) {
    return move_rows_body<32>(sums, rows, stride, columns, origin, moves, weights, count);
}
template <class T>
SEGKIT_TARGET_AVX2 void subtract_rows_avx2(const T* rows, std::size_t stride, std::size_t columns, const T* centres, const std::int32_t* which, std::size_t count, T* out) {
    subtract_rows_body<32>(rows, stride, columns, centres, which, count, out);
}
template <class T>
SEGKIT_TARGET_AVX512 void add_rows_avx512(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const std::int32_t* which,
                                          const double* weights, std::size_t count, double* squares) {
    add_rows_by_parts<64>(sums, rows, stride, columns, origin, which, weights, count, squares);
}
template <class T>
SEGKIT_TARGET_AVX512 bool move_rows_avx512(double* sums, const T* rows, std::size_t stride, std::size_t columns, const double* origin, const row_move* moves,
                                           const double* weights, std::size_t count) {
    return move_rows_body<64>(sums, rows, stride, columns, origin, moves, weights, count);
}
template <class T>
SEGKIT_TARGET_AVX512 void subtract_rows_avx512(const T* rows, std::size_t stride, std::size_t columns, const T* centres, const std::int32_t* which, std::size_t count, T* out) {
    subtract_rows_body<64>(rows, stride, columns, centres, which, count, out);
}
#endif

template <class T>
const row_kernels<T>& row_kernels_for([[maybe_unused]] instruction_set level) {
    static constexpr row_kernels<T> base{add_rows_base<T>, move_rows_base<T>, subtract_rows_base<T>};
#if SEGKIT_SIMD_LEVELS
    static constexpr row_kernels<T> avx2{add_rows_avx2<T>, move_rows_avx2<T>, subtract_rows_avx2<T>};
    static constexpr row_kernels<T> avx512{add_rows_avx512<T>, move_rows_avx512<T>, subtract_rows_avx512<T>};
    if (level == instruction_set::avx512) return avx512;
    if (level == instruction_set::avx2) return avx2;
#endif
    return base;
}

}  // namespace SEGKIT_NAMESPACE::detail
