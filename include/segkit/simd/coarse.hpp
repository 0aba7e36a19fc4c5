// segkit/simd/coarse.hpp: points rounded to 16 bits a feature, and which centre is nearest to them as far as that can say.
//
//     coarse_kernels_for(simd_level()).nearest({points, tiles, pairs, steps, starts, count, slacks, before, now, marks});
//
// Two features and two products to an instruction (pmaddwd, or vpdpwssd, which adds them as well), in whole numbers: half to a quarter
// of the work of distances in float and double, a quarter of the memory of double, and the same bits at every level. Where the nearest
// two centres are closer than the tile's slack, the row is in doubt, and whoever asks looks at its exact distances. x86-64 only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/simd/distances.hpp>
#include <segkit/simd/lanes.hpp>
#include <segkit/simd/level.hpp>

#if SEGKIT_SIMD_LEVELS

namespace SEGKIT_NAMESPACE::detail {

// Words of 32 bits hold two features of a point: tile[pair * 64 + i].
inline constexpr int coarse_limit = 16'383;                   // features are from -limit to limit
inline constexpr std::int32_t coarse_id_bits = 0xFF;          // the least bits of a score are the centre's number
inline constexpr std::size_t coarse_most_centres = 256;

inline constexpr std::size_t coarse_strip_tiles = 4;          // at most in a strip, and as far ahead points are fetched

// What rounding a tile found.
struct coarse_findings {
    float greatest_square = 0;         // of the length of a point, in steps
    std::uint64_t outside = 0;         // bit i: point i lies beyond the limit somewhere (or is no number)
    bool not_finite = false;
};

// What was found of the labels of a tile: bit i for place i.
struct coarse_marks {
    std::uint64_t changed = 0;    // another label than before, and not in doubt
    std::uint64_t doubts = 0;
};

// Some tiles, one after the other, and what their rows are compared with: the score of a centre is starts[c] + the sum of the products with
// steps[c * pairs + pair], and stays below 2^29 in size.
struct coarse_strip {
    const std::int32_t* points;
    std::size_t tiles;
    std::size_t pairs;
    const std::int32_t* steps;
    const std::int32_t* starts;
    std::size_t count;              // of centres
    const std::int32_t* slacks;     // per tile
    const unsigned char* before;    // labels, in the order of places
    unsigned char* now;
    coarse_marks* marks;            // per tile
};

#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"    // GCC 12 at -O2 warns of vectors that `fill` writes
#endif
template <std::size_t Bytes>
struct word_vector {
    using words [[gnu::vector_size(Bytes)]] = std::int32_t;
    using bytes [[gnu::vector_size(Bytes)]] = std::uint32_t;    // whose sums wrap
    static constexpr std::size_t width = Bytes / 4;

    [[gnu::always_inline]] static void load(words& to, const std::int32_t* from) { std::memcpy(&to, from, Bytes); }
    [[gnu::always_inline]] static void store(void* to, const words& from) { std::memcpy(to, &from, Bytes); }
    [[gnu::always_inline]] static void fill(words& to, std::int32_t value) { to = words{} + value; }
    [[gnu::always_inline]] static void fill_from(words& to, const std::int32_t* value) { to = words{} + *value; }
};
#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif

// `add_products`: to += the sums of the products of the two numbers in each word. `high_bits`: of every byte, by its place. GCC takes
// these instructions as text in code for any target; Clang in functions of the target, which it inlines where the target is right.
#if defined(__clang__)
#define SEGKIT_WORDS_FOR(target) target static
#else
#define SEGKIT_WORDS_FOR(target) [[gnu::always_inline]] static
#endif
template <std::size_t Bytes>
struct word_lanes;
template <>
struct word_lanes<16> : word_vector<16> {
    static void add_products(words& to, const words& a, const words& b) {
        words products = a;
        asm("pmaddwd {%1, %0|%0, %1}" : "+x"(products) : "x"(b));
        to += products;
    }
    static std::uint64_t high_bits(const words& bytes) {
        std::uint32_t bits;
        asm("pmovmskb {%1, %0|%0, %1}" : "=r"(bits) : "x"(bytes));
        return bits;
    }
#if !defined(__clang__)
    // GCC 12 would put the number into the lanes one by one.
    [[gnu::always_inline]] static void fill_from(words& to, const std::int32_t* value) {
        asm("movd {%1, %0|%0, %1}\n\tpshufd {$0, %0, %0|%0, %0, 0}" : "=x"(to) : "m"(*value));
    }
#endif
};
template <>
struct word_lanes<32> : word_vector<32> {
    SEGKIT_WORDS_FOR(SEGKIT_TARGET_AVX2) void add_products(words& to, const words& a, const words& b) {
        words products;
        asm("vpmaddwd {%2, %1, %0|%0, %1, %2}" : "=x"(products) : "x"(a), "x"(b));
        to += products;
    }
    SEGKIT_WORDS_FOR(SEGKIT_TARGET_AVX2) std::uint64_t high_bits(const words& bytes) {
        std::uint32_t bits;
        asm("vpmovmskb {%1, %0|%0, %1}" : "=r"(bits) : "x"(bytes));
        return bits;
    }
#if !defined(__clang__)
    [[gnu::always_inline]] static void fill_from(words& to, const std::int32_t* value) { asm("vpbroadcastd {%1, %0|%0, %1}" : "=x"(to) : "m"(*value)); }
#endif
};
template <>
struct word_lanes<64> : word_vector<64> {
    SEGKIT_WORDS_FOR(SEGKIT_TARGET_AVX512) void add_products(words& to, const words& a, const words& b) {
        words products;
        asm("vpmaddwd {%2, %1, %0|%0, %1, %2}" : "=v"(products) : "v"(a), "v"(b));
        to += products;
    }
    SEGKIT_WORDS_FOR(SEGKIT_TARGET_AVX512) std::uint64_t high_bits(const words& bytes) {
        std::uint64_t bits;
        asm("vpmovb2m {%1, %%k1|k1, %1}\n\tkmovq {%%k1, %0|%0, k1}" : "=r"(bits) : "v"(bytes) : "k1");
        return bits;
    }
#if !defined(__clang__)
    [[gnu::always_inline]] static void fill_from(words& to, const std::int32_t* value) { asm("vpbroadcastd {%1, %0|%0, %1}" : "=v"(to) : "m"(*value)); }
#endif
};
// With the instruction that multiplies and adds, of AVX-512 since 2019.
struct fused_word_lanes : word_lanes<64> {
    SEGKIT_WORDS_FOR(SEGKIT_TARGET_AVX512) void add_products(words& to, const words& a, const words& b) {
        asm("vpdpwssd {%2, %1, %0|%0, %1, %2}" : "+v"(to) : "v"(a), "v"(b));
    }
};
#undef SEGKIT_WORDS_FOR

// ---- one source for every instruction set

// The scores of some centres, by which the nearest and the second nearest become nearer; the First ones begin that.
template <class Lanes, std::size_t Centres, bool First>
[[gnu::always_inline]] inline void coarse_nearest_of(const std::int32_t* points, std::size_t pairs, const std::int32_t* steps, const std::int32_t* starts, std::size_t first_id,
                                                     typename Lanes::words (&best)[4], typename Lanes::words (&second)[4]) {
    steps += first_id * pairs;
    starts += first_id;
    typename Lanes::words score[Centres][4];
#pragma GCC unroll 16
    for (std::size_t c = 0; c < Centres; ++c) {
#pragma GCC unroll 4
        for (std::size_t v = 0; v < 4; ++v) Lanes::fill_from(score[c][v], starts + c);
    }
    for (std::size_t p = 0; p < pairs; ++p) {
        typename Lanes::words x[4];
#pragma GCC unroll 4
        for (std::size_t v = 0; v < 4; ++v) {
            Lanes::load(x[v], points + p * tile_rows + v * 16);
            // An address beyond the last tile is never read.
            if constexpr (First) __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(points + (coarse_strip_tiles * pairs + p) * tile_rows + v * 16)));
        }
#pragma GCC unroll 16
        for (std::size_t c = 0; c < Centres; ++c) {
            typename Lanes::words step;
            Lanes::fill_from(step, steps + c * pairs + p);
#pragma GCC unroll 4
            for (std::size_t v = 0; v < 4; ++v) Lanes::add_products(score[c][v], x[v], step);
        }
    }
#pragma GCC unroll 16
    for (std::size_t c = 0; c < Centres; ++c) {
#pragma GCC unroll 4
        for (std::size_t v = 0; v < 4; ++v) {
            const typename Lanes::words named = (score[c][v] & ~coarse_id_bits) | static_cast<std::int32_t>(first_id + c);
            if (First && c == 0) {
                best[v] = named;
                Lanes::fill(second[v], 0x3FFFFFFF);
                continue;
            }
            const typename Lanes::words more = named > best[v] ? named : best[v];
            best[v] = named < best[v] ? named : best[v];
            if (First && c == 1) second[v] = more;    // apart, so that the other becomes a minimum
            else second[v] = more < second[v] ? more : second[v];
        }
    }
}

template <class Lanes, std::size_t Centres>
[[gnu::always_inline]] inline void coarse_nearest_body(const coarse_strip& strip) {
    const auto [points, tiles, pairs, steps, starts, count, slacks, before, now, marks] = strip;
    // The first centres at once, as many that Centres at a time are the others.
    const std::size_t left = count % Centres, first = count < Centres || left > Centres / 2 ? left : Centres + left;
    for (std::size_t t = 0; t < tiles; ++t) {
        std::uint64_t changed = 0, doubts = 0;
        for (std::size_t i = 0; i < 16; i += Lanes::width) {
            const std::int32_t* const from = points + t * pairs * tile_rows + i;
            typename Lanes::words best[4], second[4];
            switch (first) {
                case 6: if constexpr (Centres > 3) coarse_nearest_of<Lanes, 6, true>(from, pairs, steps, starts, 0, best, second); break;
                case 5: if constexpr (Centres > 3) coarse_nearest_of<Lanes, 5, true>(from, pairs, steps, starts, 0, best, second); break;
                case 4: if constexpr (Centres > 3) coarse_nearest_of<Lanes, 4, true>(from, pairs, steps, starts, 0, best, second); break;
                case 3: if constexpr (Centres > 3) coarse_nearest_of<Lanes, 3, true>(from, pairs, steps, starts, 0, best, second); break;
                case 2: if constexpr (Centres > 3) coarse_nearest_of<Lanes, 2, true>(from, pairs, steps, starts, 0, best, second); break;
                default: coarse_nearest_of<Lanes, 1, true>(from, pairs, steps, starts, 0, best, second); break;
            }
            for (std::size_t c = first; c < count; c += Centres) coarse_nearest_of<Lanes, Centres, false>(from, pairs, steps, starts, c, best, second);
            typename Lanes::words label{}, doubt{};
#pragma GCC unroll 4
            for (std::size_t v = 0; v < 4; ++v) {
                label |= (best[v] & coarse_id_bits) << static_cast<int>(8 * v);
                const typename Lanes::words near = second[v] - best[v] <= slacks[t];
                doubt |= near & static_cast<std::int32_t>(0xFFu << (8 * v));
            }
            typename Lanes::words old, low;
            std::memcpy(&old, before + t * tile_rows + 4 * i, sizeof old);
            Lanes::fill(low, 0x7F7F7F7F);
            using bytes = typename Lanes::bytes;
            const typename Lanes::words apart = (label ^ old) & ~doubt;
            label = old ^ apart;
            Lanes::store(now + t * tile_rows + 4 * i, label);
            changed |= Lanes::high_bits((typename Lanes::words)((bytes)(apart & low) + (bytes)low) | apart) << (4 * i);    // the high bit of every byte that differs
            doubts |= Lanes::high_bits(doubt) << (4 * i);
        }
        marks[t] = {changed, doubts};
    }
}

template <class Lanes, class T>
struct coarse_rounding {
    using real = typename Lanes::real;
    using index = typename Lanes::index;
    using bits = typename Lanes::bits;
    using whole [[gnu::vector_size(4 * Lanes::width)]] = typename Lanes::id_type;
    using small_type = std::conditional_t<sizeof(T) == 8, float, float>;    // GCC 12 makes vectors of dependent types only
    using small [[gnu::vector_size(4 * Lanes::width)]] = small_type;
    static constexpr T limit = static_cast<T>(coarse_limit);

    [[gnu::always_inline]] static void round(const T* feature, T origin, T inverse, whole& to, small& square, index& out, bits& not_finite) {
        real x, top, bottom;
        Lanes::load(x, feature);
        Lanes::fill(top, limit);
        Lanes::fill(bottom, -limit);
        not_finite |= ((bits)x & exponent_bits<T>) + exponent_step<T>;
        real steps = (x - origin) * inverse;
        const real sought = steps;
        steps = steps < top ? steps : top;
        steps = steps > bottom ? steps : bottom;
        out |= (index)sought ^ (index)steps;
        to = __builtin_convertvector(steps + (limit + static_cast<T>(1.5)), whole) - (coarse_limit + 1);
        const small size = __builtin_convertvector(to, small);
        square += size * size;
    }
};

template <class Lanes, class T>
[[gnu::always_inline]] inline void coarse_round_body(const T* tile, std::size_t columns, const T* origin, const T* inverse, std::int32_t* words, coarse_findings& findings) {
    using rounding = coarse_rounding<Lanes, T>;
    using integer = typename Lanes::integer;
    typename Lanes::bits not_finite{};
    alignas(64) float squares[tile_rows];
    alignas(64) integer outside[tile_rows];
    for (std::size_t i = 0; i < tile_rows; i += Lanes::width) {
        typename rounding::small square{};
        typename Lanes::index out{};
        for (std::size_t j = 0; j < columns; j += 2) {
            typename rounding::whole low, high{};
            rounding::round(tile + j * tile_rows + i, origin[j], inverse[j], low, square, out, not_finite);
            if (j + 1 < columns) rounding::round(tile + (j + 1) * tile_rows + i, origin[j + 1], inverse[j + 1], high, square, out, not_finite);
            low = (low & 0xFFFF) | (high << 16);
            std::memcpy(words + j / 2 * tile_rows + i, &low, sizeof low);
        }
        std::memcpy(squares + i, &square, sizeof square);
        std::memcpy(outside + i, &out, sizeof out);
    }
    bits_of<T> found[Lanes::width];
    std::memcpy(found, &not_finite, sizeof found);
    findings = {};
    for (const bits_of<T> f : found) findings.not_finite |= f >> (8 * sizeof(T) - 1) != 0;
    for (std::size_t i = 0; i < tile_rows; ++i) {
        findings.greatest_square = squares[i] > findings.greatest_square ? squares[i] : findings.greatest_square;
        findings.outside |= static_cast<std::uint64_t>(outside[i] != 0) << i;
    }
}

// ---- the forms

struct coarse_kernels {
    // Per point the number of the nearest centre; in doubt, where the second nearest is no more than the slack farther, the number before.
    void (*nearest)(const coarse_strip& strip);
    // Rounds a tile of points to the words of (x - origin) * inverse.
    void (*round_doubles)(const double* tile, std::size_t columns, const double* origin, const double* inverse, std::int32_t* words, coarse_findings& findings);
    void (*round_floats)(const float* tile, std::size_t columns, const float* origin, const float* inverse, std::int32_t* words, coarse_findings& findings);

    void round(const double* tile, std::size_t columns, const double* origin, const double* inverse, std::int32_t* words, coarse_findings& findings) const {
        round_doubles(tile, columns, origin, inverse, words, findings);
    }
    void round(const float* tile, std::size_t columns, const float* origin, const float* inverse, std::int32_t* words, coarse_findings& findings) const {
        round_floats(tile, columns, origin, inverse, words, findings);
    }
};

template <class T>
void coarse_round_base(const T* tile, std::size_t columns, const T* origin, const T* inverse, std::int32_t* words, coarse_findings& findings) {
    coarse_round_body<vector_lanes<T, 16>>(tile, columns, origin, inverse, words, findings);
}
template <class T>
SEGKIT_TARGET_AVX2 void coarse_round_avx2(const T* tile, std::size_t columns, const T* origin, const T* inverse, std::int32_t* words, coarse_findings& findings) {
    coarse_round_body<vector_lanes<T, 32>>(tile, columns, origin, inverse, words, findings);
}
template <class T>
SEGKIT_TARGET_AVX512 void coarse_round_avx512(const T* tile, std::size_t columns, const T* origin, const T* inverse, std::int32_t* words, coarse_findings& findings) {
    coarse_round_body<vector_lanes<T, 64>>(tile, columns, origin, inverse, words, findings);
}

template <class Strip = coarse_strip>    // templates, so that an unused include costs little
void coarse_nearest_base(const Strip& strip) {
    coarse_nearest_body<word_lanes<16>, 1>(strip);
}
template <class Strip = coarse_strip>
SEGKIT_TARGET_AVX2 void coarse_nearest_avx2(const Strip& strip) {
    coarse_nearest_body<word_lanes<32>, 1>(strip);
}
template <class Strip = coarse_strip>
SEGKIT_TARGET_AVX512 void coarse_nearest_avx512(const Strip& strip) {
    coarse_nearest_body<word_lanes<64>, 4>(strip);
}
template <class Strip = coarse_strip>
SEGKIT_TARGET_AVX512 void coarse_nearest_fused(const Strip& strip) {
    coarse_nearest_body<fused_word_lanes, 4>(strip);
}

template <class Strip = coarse_strip>
const coarse_kernels& coarse_kernels_for(instruction_set level) {
    static constexpr coarse_kernels base{coarse_nearest_base<Strip>, coarse_round_base<double>, coarse_round_base<float>};
    static constexpr coarse_kernels avx2{coarse_nearest_avx2<Strip>, coarse_round_avx2<double>, coarse_round_avx2<float>};
    static constexpr coarse_kernels avx512{coarse_nearest_avx512<Strip>, coarse_round_avx512<double>, coarse_round_avx512<float>};
    static constexpr coarse_kernels fused{coarse_nearest_fused<Strip>, coarse_round_avx512<double>, coarse_round_avx512<float>};
    if (level == instruction_set::avx512) return cpu_has_vnni() ? fused : avx512;
    return level == instruction_set::avx2 ? avx2 : base;
}

}  // namespace SEGKIT_NAMESPACE::detail

#endif
