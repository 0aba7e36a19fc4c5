// segkit/simd/columns.hpp: the kernels of preparation: sums about a shift, scaling, and values between bounds.
//
//     const column_kernels<float>& kernels = column_kernels_for<float>(simd_level());
//     kernels.scale(values, count, pattern, period, out);        // of rows that follow each other, or of one column
//
// Rows of any width are taken as one run of numbers whose meaning repeats: number i belongs to place i % (8 * period) of a pattern, so
// that no width leaves lanes idle. Each place has a sum of its own: results are the same at every level but for fused multiply-adds.
// All of them are bound by memory beyond the caches.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/simd/lanes.hpp>
#include <segkit/simd/level.hpp>

namespace SEGKIT_NAMESPACE::detail {

inline constexpr std::size_t pattern_lanes = 8;

// Values from `low` to below `high`.
template <class T>
struct value_range {
    T low, high;
};

// Per place of a pattern; each pointer to 8 * period doubles.
struct place_moments {
    const double* shift;
    double *sum, *squares, *least, *greatest;
};

// (value - centre) / scale + offset, or (value - offset) * scale + centre; each pointer to 8 * period doubles.
struct place_scaling {
    const double *centre, *scale, *offset;
};

template <class T>
struct column_kernels {
    // Appends the values in any of the `count` ranges (3 at most, apart) to `out`, which has room for all and a vector more; below[r]
    // grows by the values below range r. `odd` is set where a value is NaN or an infinity. Gives the end of what was appended.
    T* (*collect)(const T* values, std::size_t n, const value_range<T>* ranges, std::size_t count, std::uint64_t* below, T* out, bool& odd);
    // How many values are in the range, and below[0] grows by those below it.
    std::uint64_t (*count)(const T* values, std::size_t n, const value_range<T>& range, std::uint64_t* below);
    // Adds `n` numbers to the sums about the shifts, and to the extremes.
    void (*moments)(const T* values, std::size_t n, std::size_t period, const place_moments& places);
    // False where a result is NaN or an infinity. `out` may be `values`.
    bool (*scale)(const T* values, std::size_t n, std::size_t period, const place_scaling& places, T* out);
    bool (*unscale)(const T* values, std::size_t n, std::size_t period, const place_scaling& places, T* out);
};

// The sign bit of the result is set for NaN and infinities only: by the exponent, so that it holds under -ffast-math as well.
template <class T>
bits_of<T> oddity(T value) {
    return (std::bit_cast<bits_of<T>>(value) & exponent_bits<T>) + exponent_step<T>;
}
template <class T>
bool is_odd(bits_of<T> sum) {
    return sum >> (8 * sizeof(T) - 1) != 0;
}

// ---- value by value: the ends of runs, and compilers without vectors

template <class T>
T* collect_plain(const T* values, std::size_t n, const value_range<T>* ranges, std::size_t count, std::uint64_t* below, T* out, bool& odd) {
    for (std::size_t i = 0; i < n; ++i) {
        const T value = values[i];
        bool inside = false;
        for (std::size_t r = 0; r < count; ++r) {
            const bool less = value < ranges[r].low;
            below[r] += less;
            inside = inside || (!less && value < ranges[r].high);
        }
        *out = value;
        out += inside;
        odd = odd || is_odd<T>(oddity(value));
    }
    return out;
}
template <class T>
std::uint64_t count_plain(const T* values, std::size_t n, const value_range<T>& range, std::uint64_t* below) {
    std::uint64_t inside = 0;
    for (std::size_t i = 0; i < n; ++i) {
        below[0] += values[i] < range.low;
        inside += !(values[i] < range.low) && values[i] < range.high;
    }
    return inside;
}
template <class T>
void moments_plain(const T* values, std::size_t n, std::size_t period, const place_moments& places) {
    for (std::size_t i = 0, p = 0; i < n; ++i, p = p + 1 == period * pattern_lanes ? 0 : p + 1) {
        const double value = static_cast<double>(values[i]), y = value - places.shift[p];
        places.sum[p] += y;
        places.squares[p] += y * y;
        places.least[p] = value < places.least[p] ? value : places.least[p];
        places.greatest[p] = places.greatest[p] < value ? value : places.greatest[p];
    }
}
template <bool Inverse, class T>
bool scale_plain(const T* values, std::size_t n, std::size_t period, const place_scaling& places, T* out) {
    bits_of<T> odd = 0;
    for (std::size_t i = 0, p = 0; i < n; ++i, p = p + 1 == period * pattern_lanes ? 0 : p + 1) {
        const double value = static_cast<double>(values[i]);
        if constexpr (Inverse) out[i] = static_cast<T>((value - places.offset[p]) * places.scale[p] + places.centre[p]);
        else out[i] = static_cast<T>((value - places.centre[p]) / places.scale[p] + places.offset[p]);
        odd |= oddity(out[i]);
    }
    return !is_odd<T>(odd);
}

#if defined(__GNUC__) || defined(__clang__)

// ---- one source for every instruction set

// Eight doubles of a pattern as native vectors of Bytes.
template <class T, std::size_t Bytes>
struct pattern_vectors {
    using lanes = vector_lanes<T, Bytes>;
    using doubles = typename lanes::doubles;
    static constexpr std::size_t width = Bytes / sizeof(double);
    static constexpr std::size_t parts = pattern_lanes / width;
    using part [[gnu::vector_size(width * sizeof(T))]] = T;
    using part_bits [[gnu::vector_size(width * sizeof(T))]] = bits_of<T>;

    [[gnu::always_inline]] static void load(doubles& to, const T* from) { vector_lanes<double, Bytes>::load(to, from); }
    // Stores, and adds to `odd` what oddity() gives.
    [[gnu::always_inline]] static void store(T* to, const doubles& from, part_bits& odd) {
        part some;
        if constexpr (sizeof(T) == 8) some = from;
        else some = __builtin_convertvector(from, part);
        std::memcpy(to, &some, sizeof some);
        odd |= ((part_bits)some & exponent_bits<T>) + exponent_step<T>;
    }
    [[gnu::always_inline]] static bool any_odd(const part_bits& bits) {
        bits_of<T> all = 0;
        for (std::size_t i = 0; i < width; ++i) all |= bits[i];
        return is_odd<T>(all);
    }
};

// Period in registers where it is known (1 or 2), in memory otherwise (0).
template <std::size_t Bytes, std::size_t Period, class T>
[[gnu::always_inline]] inline void moments_body(const T* values, std::size_t n, std::size_t period, const place_moments& places) {
    using V = pattern_vectors<T, Bytes>;
    using doubles = typename V::doubles;
    const std::size_t line = period * pattern_lanes;
    const auto add = [&](std::size_t at, const T* from, doubles& sum, doubles& squares, doubles& least, doubles& greatest) __attribute__((always_inline)) {
        doubles value, shift;
        V::load(value, from);
        std::memcpy(&shift, places.shift + at, Bytes);
        const doubles y = value - shift;
        sum += y;
        squares += y * y;
        least = value < least ? value : least;
        greatest = greatest < value ? value : greatest;
    };
    std::size_t i = 0;
    if constexpr (Period != 0) {
        constexpr std::size_t count = Period * V::parts;
        doubles sum[count], squares[count], least[count], greatest[count];
        std::memcpy(sum, places.sum, sizeof sum);
        std::memcpy(squares, places.squares, sizeof sum);
        std::memcpy(least, places.least, sizeof sum);
        std::memcpy(greatest, places.greatest, sizeof sum);
        for (; i + line <= n; i += line) {
            __builtin_prefetch(values + i + 1024);
#pragma GCC unroll 16
            for (std::size_t v = 0; v < count; ++v) add(v * V::width, values + i + v * V::width, sum[v], squares[v], least[v], greatest[v]);
        }
        std::memcpy(places.sum, sum, sizeof sum);
        std::memcpy(places.squares, squares, sizeof sum);
        std::memcpy(places.least, least, sizeof sum);
        std::memcpy(places.greatest, greatest, sizeof sum);
    } else {
        for (; i + line <= n; i += line) {
            for (std::size_t at = 0; at < line; at += V::width) {
                doubles sum, squares, least, greatest;
                std::memcpy(&sum, places.sum + at, Bytes);
                std::memcpy(&squares, places.squares + at, Bytes);
                std::memcpy(&least, places.least + at, Bytes);
                std::memcpy(&greatest, places.greatest + at, Bytes);
                add(at, values + i + at, sum, squares, least, greatest);
                std::memcpy(places.sum + at, &sum, Bytes);
                std::memcpy(places.squares + at, &squares, Bytes);
                std::memcpy(places.least + at, &least, Bytes);
                std::memcpy(places.greatest + at, &greatest, Bytes);
            }
        }
    }
    moments_plain(values + i, n - i, period, places);
}
template <std::size_t Bytes, class T>
[[gnu::always_inline]] inline void moments_of(const T* values, std::size_t n, std::size_t period, const place_moments& places) {
    if (period == 1) moments_body<Bytes, 1>(values, n, period, places);
    else if (period == 2) moments_body<Bytes, 2>(values, n, period, places);
    else moments_body<Bytes, 0>(values, n, period, places);
}

template <std::size_t Bytes, bool Inverse, class T>
[[gnu::always_inline]] inline bool scale_body(const T* values, std::size_t n, std::size_t period, const place_scaling& places, T* out) {
    using V = pattern_vectors<T, Bytes>;
    using doubles = typename V::doubles;
    const std::size_t line = period * pattern_lanes;
    typename V::part_bits odd{};
    std::size_t i = 0;
    for (; i + line <= n; i += line) {
        __builtin_prefetch(values + i + 1024);
        for (std::size_t at = 0; at < line; at += V::width) {
            doubles value, centre, scale, offset;
            V::load(value, values + i + at);
            std::memcpy(&centre, places.centre + at, Bytes);
            std::memcpy(&scale, places.scale + at, Bytes);
            std::memcpy(&offset, places.offset + at, Bytes);
            doubles result;
            if constexpr (Inverse) result = (value - offset) * scale + centre;
            else result = (value - centre) / scale + offset;
            V::store(out + i + at, result, odd);
        }
    }
    const bool rest = scale_plain<Inverse>(values + i, n - i, period, places, out + i);
    return !V::any_odd(odd) && rest;
}

template <std::size_t Bytes, class T>
[[gnu::always_inline]] inline std::uint64_t count_body(const T* values, std::size_t n, const value_range<T>& range, std::uint64_t* below) {
    using lanes = vector_lanes<T, Bytes>;
    typename lanes::index low{}, high{};
    std::size_t i = 0;
    for (; i + lanes::width <= n; i += lanes::width) {
        typename lanes::real value;
        lanes::load(value, values + i);
        const typename lanes::index less = value < range.low, less_than_end = value < range.high;
        low -= less;
        high -= less_than_end;
    }
    std::uint64_t inside = count_plain(values + i, n - i, range, below);
    for (std::size_t v = 0; v < lanes::width; ++v) {
        below[0] += static_cast<std::uint64_t>(low[v]);
        inside += static_cast<std::uint64_t>(high[v]) - static_cast<std::uint64_t>(low[v]);
    }
    return inside;
}

// What a pass over values between bounds keeps in registers.
template <std::size_t Bytes, std::size_t Ranges, class T>
struct range_registers {
    typename vector_lanes<T, Bytes>::real low[Ranges], high[Ranges];
    typename vector_lanes<T, Bytes>::index below[Ranges];
    typename vector_lanes<T, Bytes>::bits oddness{};

    [[gnu::always_inline]] explicit range_registers(const value_range<T>* ranges) {
#pragma GCC unroll 4
        for (std::size_t r = 0; r < Ranges; ++r) {
            vector_lanes<T, Bytes>::fill(low[r], ranges[r].low);
            vector_lanes<T, Bytes>::fill(high[r], ranges[r].high);
            vector_lanes<T, Bytes>::clear(below[r]);
        }
    }
    // All ones in the lanes of `inside` whose value is in a range.
    [[gnu::always_inline]] void look(const T* values, typename vector_lanes<T, Bytes>::real& value, typename vector_lanes<T, Bytes>::index& inside) {
        using index = typename vector_lanes<T, Bytes>::index;
        using bits = typename vector_lanes<T, Bytes>::bits;
        vector_lanes<T, Bytes>::load(value, values);
        __builtin_prefetch(values + 2048 / sizeof(T));
        vector_lanes<T, Bytes>::clear(inside);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < Ranges; ++r) {
            const index less = value < low[r];
            const index less_than_end = value < high[r];
            below[r] -= less;
            inside |= less ^ less_than_end;
        }
        oddness |= ((bits)value & exponent_bits<T>) + exponent_step<T>;
    }
    [[gnu::always_inline]] T* finish(const T* rest, std::size_t n, const value_range<T>* ranges, std::uint64_t* counts, T* out, bool& odd) const {
        for (std::size_t v = 0; v < vector_lanes<T, Bytes>::width; ++v) {
            odd = odd || is_odd<T>(oddness[v]);
            for (std::size_t r = 0; r < Ranges; ++r) counts[r] += static_cast<std::uint64_t>(below[r][v]);
        }
        return collect_plain(rest, n, ranges, Ranges, counts, out, odd);
    }
};

template <std::size_t Ranges, class T>
T* collect_lane_by_lane(const T* values, std::size_t n, const value_range<T>* ranges, std::uint64_t* below, T* out, bool& odd) {
    using lanes = vector_lanes<T, 16>;
    range_registers<16, Ranges, T> registers(ranges);
    std::size_t i = 0;
    for (; i + lanes::width <= n; i += lanes::width) {
        typename lanes::real value;
        typename lanes::index inside;
        registers.look(values + i, value, inside);
        for (std::size_t v = 0; v < lanes::width; ++v) {
            *out = value[v];
            out -= inside[v];
        }
    }
    return registers.finish(values + i, n - i, ranges, below, out, odd);
}

// ---- the forms

template <class T>
T* collect_base(const T* values, std::size_t n, const value_range<T>* ranges, std::size_t count, std::uint64_t* below, T* out, bool& odd) {
    if (count == 1) return collect_lane_by_lane<1>(values, n, ranges, below, out, odd);
    if (count == 2) return collect_lane_by_lane<2>(values, n, ranges, below, out, odd);
    return collect_lane_by_lane<3>(values, n, ranges, below, out, odd);
}
template <class T>
std::uint64_t count_base(const T* values, std::size_t n, const value_range<T>& range, std::uint64_t* below) {
    return count_body<16>(values, n, range, below);
}
template <class T>
void moments_base(const T* values, std::size_t n, std::size_t period, const place_moments& places) {
    moments_of<16>(values, n, period, places);
}
template <bool Inverse, class T>
bool scale_base(const T* values, std::size_t n, std::size_t period, const place_scaling& places, T* out) {
    return scale_body<16, Inverse>(values, n, period, places, out);
}

#else

template <class T>
T* collect_base(const T* values, std::size_t n, const value_range<T>* ranges, std::size_t count, std::uint64_t* below, T* out, bool& odd) {
    return collect_plain(values, n, ranges, count, below, out, odd);
}
template <class T>
std::uint64_t count_base(const T* values, std::size_t n, const value_range<T>& range, std::uint64_t* below) {
    return count_plain(values, n, range, below);
}
template <class T>
void moments_base(const T* values, std::size_t n, std::size_t period, const place_moments& places) {
    moments_plain(values, n, period, places);
}
template <bool Inverse, class T>
bool scale_base(const T* values, std::size_t n, std::size_t period, const place_scaling& places, T* out) {
    return scale_plain<Inverse>(values, n, period, places, out);
}

#endif

#if SEGKIT_SIMD_LEVELS

// For every set of lanes where each lane of a pressed vector comes from, in 32-bit steps.
template <class T>
inline constexpr auto pressed_places = [] {
    constexpr std::size_t width = 32 / sizeof(T), steps = sizeof(T) / 4;
    std::array<std::array<std::int32_t, 8>, std::size_t{1} << width> table{};
    for (std::size_t set = 0; set < table.size(); ++set) {
        std::size_t to = 0;
        for (std::size_t lane = 0; lane < width; ++lane) {
            if (!(set >> lane & 1)) continue;
            for (std::size_t s = 0; s < steps; ++s) table[set][to++] = static_cast<std::int32_t>(lane * steps + s);
        }
    }
    return table;
}();

// Instructions spelled out in both spellings of assembly: the compilers have no portable press of a vector.
template <std::size_t Ranges, class T>
SEGKIT_TARGET_AVX2 T* collect_avx2_of(const T* values, std::size_t n, const value_range<T>* ranges, std::uint64_t* below, T* out, bool& odd) {
    using lanes = vector_lanes<T, 32>;
    range_registers<32, Ranges, T> registers(ranges);
    std::size_t i = 0;
    for (; i + lanes::width <= n; i += lanes::width) {
        typename lanes::real value, places, pressed;
        typename lanes::index inside;
        registers.look(values + i, value, inside);
        std::uint32_t set;
        if constexpr (sizeof(T) == 8) asm("vmovmskpd {%1, %0|%0, %1}" : "=r"(set) : "x"(inside));
        else asm("vmovmskps {%1, %0|%0, %1}" : "=r"(set) : "x"(inside));
        std::memcpy(&places, pressed_places<T>[set].data(), 32);
        asm("vpermd {%1, %2, %0|%0, %2, %1}" : "=x"(pressed) : "x"(value), "x"(places));
        std::memcpy(out, &pressed, 32);
        out += std::popcount(set);
    }
    return registers.finish(values + i, n - i, ranges, below, out, odd);
}
template <class T>
SEGKIT_TARGET_AVX2 T* collect_avx2(const T* values, std::size_t n, const value_range<T>* ranges, std::size_t count, std::uint64_t* below, T* out, bool& odd) {
    if (count == 1) return collect_avx2_of<1>(values, n, ranges, below, out, odd);
    if (count == 2) return collect_avx2_of<2>(values, n, ranges, below, out, odd);
    return collect_avx2_of<3>(values, n, ranges, below, out, odd);
}

template <std::size_t Ranges, class T>
SEGKIT_TARGET_AVX512 T* collect_avx512_of(const T* values, std::size_t n, const value_range<T>* ranges, std::uint64_t* below, T* out, bool& odd) {
    using lanes = vector_lanes<T, 64>;
    range_registers<64, Ranges, T> registers(ranges);
    std::size_t i = 0;
    for (; i + lanes::width <= n; i += lanes::width) {
        typename lanes::real value, pressed;
        typename lanes::index inside;
        registers.look(values + i, value, inside);
        std::uint16_t set;
        if constexpr (sizeof(T) == 8) {
            asm("vpmovq2m {%1, %0|%0, %1}" : "=Yk"(set) : "v"(inside));
            asm("vcompresspd {%1, %0%{%2%}%{z%}|%0%{%2%}%{z%}, %1}" : "=v"(pressed) : "v"(value), "Yk"(set));
        } else {
            asm("vpmovd2m {%1, %0|%0, %1}" : "=Yk"(set) : "v"(inside));
            asm("vcompressps {%1, %0%{%2%}%{z%}|%0%{%2%}%{z%}, %1}" : "=v"(pressed) : "v"(value), "Yk"(set));
        }
        std::memcpy(out, &pressed, 64);
        out += std::popcount(set);
    }
    return registers.finish(values + i, n - i, ranges, below, out, odd);
}
template <class T>
SEGKIT_TARGET_AVX512 T* collect_avx512(const T* values, std::size_t n, const value_range<T>* ranges, std::size_t count, std::uint64_t* below, T* out, bool& odd) {
    if (count == 1) return collect_avx512_of<1>(values, n, ranges, below, out, odd);
    if (count == 2) return collect_avx512_of<2>(values, n, ranges, below, out, odd);
    return collect_avx512_of<3>(values, n, ranges, below, out, odd);
}
template <class T>
SEGKIT_TARGET_AVX2 std::uint64_t count_avx2(const T* values, std::size_t n, const value_range<T>& range, std::uint64_t* below) {
    return count_body<32>(values, n, range, below);
}
template <class T>
SEGKIT_TARGET_AVX2 void moments_avx2(const T* values, std::size_t n, std::size_t period, const place_moments& places) {
    moments_of<32>(values, n, period, places);
}
template <bool Inverse, class T>
SEGKIT_TARGET_AVX2 bool scale_avx2(const T* values, std::size_t n, std::size_t period, const place_scaling& places, T* out) {
    return scale_body<32, Inverse>(values, n, period, places, out);
}

template <class T>
SEGKIT_TARGET_AVX512 std::uint64_t count_avx512(const T* values, std::size_t n, const value_range<T>& range, std::uint64_t* below) {
    return count_body<64>(values, n, range, below);
}
template <class T>
SEGKIT_TARGET_AVX512 void moments_avx512(const T* values, std::size_t n, std::size_t period, const place_moments& places) {
    moments_of<64>(values, n, period, places);
}
template <bool Inverse, class T>
SEGKIT_TARGET_AVX512 bool scale_avx512(const T* values, std::size_t n, std::size_t period, const place_scaling& places, T* out) {
    return scale_body<64, Inverse>(values, n, period, places, out);
}

#endif

template <class T>
const column_kernels<T>& column_kernels_for([[maybe_unused]] instruction_set level) {
    static constexpr column_kernels<T> base{collect_base<T>, count_base<T>, moments_base<T>, scale_base<false, T>, scale_base<true, T>};
#if SEGKIT_SIMD_LEVELS
    static constexpr column_kernels<T> avx2{collect_avx2<T>, count_avx2<T>, moments_avx2<T>, scale_avx2<false, T>, scale_avx2<true, T>};
    static constexpr column_kernels<T> avx512{collect_avx512<T>, count_avx512<T>, moments_avx512<T>, scale_avx512<false, T>, scale_avx512<true, T>};
    if (level == instruction_set::avx512) return avx512;
    if (level == instruction_set::avx2) return avx2;
#endif
    return base;
}

}  // namespace SEGKIT_NAMESPACE::detail
