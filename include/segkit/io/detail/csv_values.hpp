// segkit/io/detail/csv_values.hpp: the fields of one column to values, eight rows at a time, and the loop for each column.
//
// Where the CPU has AVX-512 or AVX2, all types but durations are done eight rows at a time; a group of rows of which one is not
// of the usual form goes through the forms for single rows (csv_parse.hpp). Fields that are not null are put together first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/io/detail/csv_parse.hpp>
#include <segkit/io/detail/csv_values_avx2.hpp>
#include <segkit/simd/level.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE::detail {

// ---- eight rows at a time

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

typedef std::uint64_t csv_lanes __attribute__((vector_size(64)));
typedef long long csv_signed_lanes __attribute__((vector_size(64)));
typedef double csv_doubles __attribute__((vector_size(64)));
typedef float csv_floats __attribute__((vector_size(32)));
typedef int csv_sixteen __attribute__((vector_size(64)));

// Eight values to half their width. GCC 12 would do it one by one.
[[gnu::always_inline, gnu::target("avx2,avx512f,avx512vl")]] inline void csv_narrow(const csv_lanes& from, csv_lanes32& to) {
#if defined(__clang__)
    to = __builtin_convertvector((csv_signed_lanes)from, csv_lanes32);
#else
    to = __builtin_ia32_pmovqd512_mask((csv_signed_lanes)from, csv_lanes32{}, static_cast<unsigned char>(0xFF));
#endif
}

// The lengths of eight fields.
[[gnu::always_inline, gnu::target("avx2,avx512f,avx512vl")]] inline void csv_eight_lengths(const std::uint32_t* starts, const std::uint32_t* ends, std::uint32_t added,
                                                                                       csv_lanes& lengths) {
    csv_lanes32 start, end;
    std::memcpy(&start, starts, 32);
    std::memcpy(&end, ends, 32);
    const csv_lanes32 length = end - start + static_cast<int>(added);
#if defined(__clang__)
    lengths = (csv_lanes)__builtin_convertvector(length, csv_signed_lanes);    // below 2^31
#else
    lengths = (csv_lanes)__builtin_ia32_pmovsxdq512_mask(length, csv_signed_lanes{}, static_cast<unsigned char>(0xFF));
#endif
}
// A word of each of eight fields. Loads one by one are faster than a gather.
[[gnu::always_inline, gnu::target("avx512f")]] inline void csv_eight_words(const char* text, const std::uint32_t* starts, csv_lanes& words) {
    words = csv_lanes{csv_word(text + starts[0]), csv_word(text + starts[1]), csv_word(text + starts[2]), csv_word(text + starts[3]),
                      csv_word(text + starts[4]), csv_word(text + starts[5]), csv_word(text + starts[6]), csv_word(text + starts[7])};
}
[[gnu::always_inline, gnu::target("avx512f")]] inline unsigned csv_any_bits(const csv_lanes& lanes) {
    return static_cast<unsigned char>(__builtin_ia32_cmpq512_mask((csv_signed_lanes)lanes, csv_signed_lanes{}, 4, static_cast<unsigned char>(0xFF)));
}
[[gnu::always_inline]] inline void csv_check_form(const csv_lanes& word, std::uint64_t limits, csv_lanes& malformed) {
    malformed |= ((word + limits) | word) & csv_high_bits;
}
[[gnu::always_inline, gnu::target("avx512f,avx512dq")]] inline void csv_eight_numbers(csv_lanes& word) {
    word = (word << 3) + (word << 1) + (word >> 8);
    word = (((word & 0x000000FF000000FF) * 0x000F424000000064) + (((word >> 16) & 0x000000FF000000FF) * 0x0000271000000001)) >> 32;
}
// Entry lane % 16 of a table of small numbers; the lanes' upper halves are zero, and table[0] is.
[[gnu::always_inline, gnu::target("avx512f")]] inline void csv_eight_entries(const csv_sixteen& table, const csv_lanes& at, csv_lanes& entries) {
#if defined(__clang__)
    entries = (csv_lanes)__builtin_ia32_permvarsi512(table, (csv_sixteen)at);
#else
    entries = (csv_lanes)__builtin_ia32_permvarsi512_mask(table, (csv_sixteen)at, csv_sixteen{}, static_cast<unsigned short>(0xFFFF));
#endif
}

// One step of eight rows per type: false where a row is not of the usual form. Fields are as long as `length` says and
// begin at text[starts[i]]; the point, XORed with a zero, stands in each byte of `point`.
template <class T>
struct csv_eight;

template <class I>
    requires is_integer<I>
struct csv_eight<I> {
    [[gnu::always_inline, gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,bmi2")]] static inline bool convert(const char* text, const std::uint32_t* starts,
                                                                                                         const csv_lanes& length, std::uint64_t, I* out) {
        csv_lanes word;
        csv_eight_words(text, starts, word);
        word = (word ^ csv_zeros) << ((csv_lanes{} - (length << 3)) & 63);
        csv_lanes malformed = (length - 1) & ~std::uint64_t{7};
        csv_check_form(word, 0x7676767676767676, malformed);
        if (csv_any_bits(malformed)) return false;
        csv_eight_numbers(word);
        if constexpr (sizeof(I) == 8) {
            std::memcpy(out, &word, 64);
        } else {
            csv_lanes32 narrow;
            csv_narrow(word, narrow);
            std::memcpy(out, &narrow, 32);
        }
        return true;
    }
};

template <>
struct csv_eight<bool> {
    [[gnu::always_inline, gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,bmi2")]] static inline bool convert(const char* text, const std::uint32_t* starts,
                                                                                                         const csv_lanes& length, std::uint64_t, bool* out) {
        csv_lanes word;
        csv_eight_words(text, starts, word);
        const csv_lanes is_true = ((word ^ 0x65757274) << 32) | (length ^ 4);
        const csv_lanes is_false = ((word ^ 0x65736C6166) << 24) | (length ^ 5);
        const unsigned not_true = csv_any_bits(is_true);
        if (not_true & csv_any_bits(is_false)) return false;
        const std::uint64_t values = __builtin_ia32_pdep_di(~not_true & 0xFF, 0x0101010101010101);
        std::memcpy(static_cast<void*>(out), &values, 8);
        return true;
    }
};

// Up to eight characters with or without a point. The digits as an integer and the power of ten are exact, so one division
// rounds once; for float once more, which changes nothing with that many bits to spare (S. Figueroa, 1995).
template <class F>
    requires std::is_floating_point_v<F>
struct csv_eight<F> {
    [[gnu::always_inline, gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,avx512cd,bmi2")]] static inline bool convert(const char* text, const std::uint32_t* starts,
                                                                                                                  const csv_lanes& length, std::uint64_t point, F* out) {
        constexpr csv_doubles powers = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
        csv_lanes word;
        csv_eight_words(text, starts, word);
        word = (word ^ csv_zeros) << ((csv_lanes{} - (length << 3)) & 63);
        const csv_lanes points = word ^ point;
        const csv_lanes found = (points - csv_ones) & ~points & csv_high_bits;    // lowest bit: the first point
        const csv_lanes before = (found & (csv_lanes{} - found)) >> 7;                        // 1 in the point's byte, or 0
        const csv_lanes none = (csv_lanes)(before == 0);
        // What stands before the point is pushed over it.
        const csv_lanes low = before - 1;
        const csv_lanes closed = (none & word) | (~none & (((word & low) << 8) | (word & ~(low | ((before << 8) - before)))));
        csv_lanes malformed = ((length - 1) & ~std::uint64_t{7}) | (~none & (csv_lanes)(length == 1));
        csv_check_form(closed, 0x7676767676767676, malformed);
        if (csv_any_bits(malformed)) return false;
        csv_lanes digits = closed;
        csv_eight_numbers(digits);
        if constexpr (sizeof(F) == 4)
            if (csv_any_bits((csv_lanes)(digits > csv_fast<F>::exact))) return false;
        // The product's highest bits are the number of bytes above the point's, or 0.
        const csv_lanes decimals = (before * 0xE0C0A08060402000) >> 61;
#if defined(__clang__)
        const csv_doubles power = __builtin_ia32_permvardf512(powers, (csv_signed_lanes)decimals);
#else
        const csv_doubles power = __builtin_ia32_permvardf512_mask(powers, (csv_signed_lanes)decimals, csv_doubles{}, static_cast<unsigned char>(0xFF));
#endif
        const csv_doubles values = __builtin_convertvector((csv_signed_lanes)digits, csv_doubles) / power;
        if constexpr (sizeof(F) == 8) {
            std::memcpy(out, &values, 64);
        } else {
            const csv_floats narrow = __builtin_convertvector(values, csv_floats);
            std::memcpy(out, &narrow, 32);
        }
        return true;
    }
};

// Of the years 1901 to 2099, in which every fourth has a day more. Days since 1970.
[[gnu::always_inline, gnu::target("avx2,avx512f,avx512vl,avx512dq")]] inline void csv_eight_days(const csv_lanes& year_month, const csv_lanes& day, csv_lanes& days,
                                                                                            csv_lanes& malformed) {
    // The days before each month, times 256, and its length.
    constexpr csv_sixteen common = {0,         31,         31 << 8 | 28,  59 << 8 | 31,  90 << 8 | 30,  120 << 8 | 31, 151 << 8 | 30, 181 << 8 | 31, 212 << 8 | 31,
                                    243 << 8 | 30, 273 << 8 | 31, 304 << 8 | 30, 334 << 8 | 31, 0, 0, 0};
    constexpr csv_sixteen longer = {0,         0,          1,             1 << 8,        1 << 8,        1 << 8,        1 << 8,        1 << 8,        1 << 8,
                                    1 << 8,        1 << 8,        1 << 8,        1 << 8,        0, 0, 0};
    const csv_lanes pairs = (year_month << 3) + (year_month << 1) + (year_month >> 8);
    const csv_lanes year = (pairs & 0xFF) * 100 + ((pairs >> 16) & 0xFF) - 1901;
    const csv_lanes month = (pairs >> 40) & 0xFF;
    csv_lanes entry, more;
    csv_eight_entries(common, month, entry);
    csv_eight_entries(longer, month, more);
    entry += more & (csv_lanes)((year & 3) == 3);
    malformed |= (csv_lanes)(year > 198) | (month & ~std::uint64_t{15}) | (((day - 1) | ((entry & 0xFF) - day)) & (std::uint64_t{1} << 63));
    days = year * 365 + (year >> 2) + (entry >> 8) + day - 25203;    // 1 January 1901 is day -25202
}

template <>
struct csv_eight<date> {
    [[gnu::always_inline, gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,bmi2")]] static inline bool convert(const char* text, const std::uint32_t* starts,
                                                                                                         const csv_lanes& length, std::uint64_t, date* out) {
        csv_lanes x, y, days;
        csv_eight_words(text, starts, x);
        csv_eight_words(text + 2, starts, y);
        x ^= csv_year_month;
        y ^= csv_month_day;
        csv_lanes malformed = length ^ 10;
        csv_check_form(x, csv_year_month_limits, malformed);
        csv_check_form(y, csv_month_day_limits, malformed);
        csv_eight_days(x, ((y >> 48) & 0xFF) * 10 + (y >> 56), days, malformed);
        if (csv_any_bits(malformed)) return false;
        csv_lanes32 narrow;
        csv_narrow(days, narrow);
        static_assert(sizeof(date) == 4 && std::is_trivially_copyable_v<date>);
        std::memcpy(static_cast<void*>(out), &narrow, 32);
        return true;
    }
};

template <>
struct csv_eight<timestamp> {
    [[gnu::always_inline, gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,bmi2")]] static inline bool convert(const char* text, const std::uint32_t* starts,
                                                                                                         const csv_lanes& length, std::uint64_t, timestamp* out) {
        csv_lanes x, y, z, days;
        csv_eight_words(text, starts, x);
        csv_eight_words(text + 8, starts, y);
        csv_eight_words(text + 11, starts, z);
        x ^= csv_year_month;
        y ^= csv_day_hour;
        z ^= csv_hour_second;
        csv_lanes malformed = length ^ 19;
        csv_check_form(x, csv_year_month_limits, malformed);
        csv_check_form(y, csv_day_hour_limits, malformed);
        csv_check_form(z, csv_hour_second_limits, malformed);
        const csv_lanes clock = ((z << 3) + (z << 1) + (z >> 8)) & 0x00FF0000FF0000FF;
        malformed |= (clock + 0x0044000044000068) & 0x0080000080000080;
        csv_eight_days(x, (y & 0xFF) * 10 + ((y >> 8) & 0xFF), days, malformed);
        if (csv_any_bits(malformed)) return false;
        const csv_lanes seconds = days * 86400 + (clock & 0xFF) * 3600 + ((clock >> 24) & 0xFF) * 60 + (clock >> 48);
        const csv_lanes microseconds = seconds * 1'000'000;
        static_assert(sizeof(timestamp) == 8 && std::is_trivially_copyable_v<timestamp>);
        std::memcpy(static_cast<void*>(out), &microseconds, 64);
        return true;
    }
};

// Converts groups of eight rows as long as they are of the usual form; returns how many rows that are.
template <class T>
[[gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,avx512cd,bmi,bmi2,popcnt")]] std::size_t csv_groups_avx512(const csv_job& job) {
    T* const values = static_cast<T*>(job.values);
    const std::uint32_t added = job.added();
    const std::uint64_t point = job.points();
    std::size_t r = 0;
    for (; r + 8 <= job.rows; r += 8) {
        csv_lanes length;
        csv_eight_lengths(job.starts + r, job.ends + r, added, length);
        if (__builtin_expect(!csv_eight<T>::convert(job.begin, job.starts + r, length, point, values + r), 0)) break;
    }
    return r;
}
template <class T>
[[gnu::target("avx2,bmi,bmi2,popcnt")]] std::size_t csv_groups_avx2(const csv_job& job) {
    T* const values = static_cast<T*>(job.values);
    const std::uint32_t added = job.added();
    const std::uint64_t point = job.points();
    std::size_t r = 0;
    for (; r + 8 <= job.rows; r += 8) {
        csv_lanes32 length;
        csv_eight_lengths(job.starts + r, job.ends + r, added, length);
        if (__builtin_expect(!csv_eight_avx2<T>::convert(job.begin, job.starts + r, length, point, values + r), 0)) break;
    }
    return r;
}
#endif

// Truth values without a branch.
template <class Bool = bool>
std::size_t csv_groups_of_truths(const csv_job& job) {
    Bool* const values = static_cast<Bool*>(job.values);
    std::size_t r = 0;
    for (bool all = csv_words_fit; r + 8 <= job.rows; r += 8) {
        for (std::size_t i = r; i < r + 8; ++i) {
            const char* const at = job.first(i);
            const auto length = static_cast<std::uint64_t>(job.last(i) - at);
            const std::uint64_t word = csv_word(at);
            const bool is_true = (((word ^ 0x65757274) << 32) | (length ^ 4)) == 0;
            const bool is_false = (((word ^ 0x65736C6166) << 24) | (length ^ 5)) == 0;
            values[i] = is_true;
            all = all & (is_true | is_false);
        }
        if (__builtin_expect(!all, 0)) break;
    }
    return r;
}

// Groups of eight rows; one that has an unusual row goes through the form for single rows.
template <class T, csv_kernel Groups>
std::size_t csv_convert_groups(const csv_job& job) {
    for (std::size_t r = 0; r < job.rows;) {
        r += Groups(job.part(r, job.rows - r, static_cast<T*>(job.values) + r));
        const std::size_t group = job.rows - r < 8 ? job.rows - r : 8;
        const std::size_t good = csv_convert<T, false, true>(job.part(r, group, static_cast<T*>(job.values) + r));
        r += good;
        if (good < group) return r;
    }
    return job.rows;
}

// ---- columns with nulls

[[gnu::always_inline]] inline void csv_put_bit(std::uint8_t* bits, std::size_t at, bool value) {
    bits[at >> 3] = static_cast<std::uint8_t>((bits[at >> 3] & ~(1u << (at & 7))) | (unsigned{value} << (at & 7)));
}

// The fields of a stretch of rows that are not empty, one behind the other.
struct csv_present {
    static constexpr std::size_t most_rows = 1024;
    std::uint32_t starts[most_rows + 16];
    std::uint32_t ends[most_rows + 16];
    std::size_t count = 0;
};

// Picks them out behind those that are there, and sets a bit for each.
template <class Present = csv_present>
void csv_pick_present(const csv_job& job, std::uint8_t* validity, Present& present) {
    const std::uint32_t empty = 0 - job.added();
    std::size_t count = present.count;
    for (std::size_t r = 0; r < job.rows; r += 8) {
        const std::size_t group = job.rows - r < 8 ? job.rows - r : 8;
        unsigned bits = 0;
        for (std::size_t i = 0; i < group; ++i) {
            const std::uint32_t start = job.starts[r + i], end = job.ends[r + i];
            present.starts[count] = start;
            present.ends[count] = end;
            const bool some = end - start != empty;
            bits |= unsigned{some} << i;
            count += some;
        }
        validity[r / 8] = static_cast<std::uint8_t>(bits);
    }
    present.count = count;
}

// The values of those rows go to their places, zeros to the others. Up to 8 values may be read behind the last of `from`.
template <class T>
void csv_spread(const std::uint8_t* validity, std::size_t rows, const T* from, T* to) {
    std::memset(static_cast<void*>(to), 0, rows * sizeof(T));
    for (std::size_t r = 0; r < rows; r += 8)
        for (unsigned bits = validity[r / 8]; bits != 0; bits &= bits - 1)
            std::memcpy(static_cast<void*>(to + r + static_cast<std::size_t>(std::countr_zero(bits))), from++, sizeof(T));
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
// Where the numbers of a vector go that a set of bits names: the first of them first, or each at its bit.
template <class Never = void>
struct csv_places_by_bits {
    struct table {
        alignas(32) std::int32_t pressed[256][8];
        alignas(32) std::int32_t spread[16][8];    // of four numbers of 64 bits; negative where there is no bit
    };
    static constexpr table make() {
        table t{};
        for (int bits = 0; bits < 256; ++bits) {
            int count = 0;
            for (int i = 0; i < 8; ++i)
                if (bits >> i & 1) t.pressed[bits][count++] = i;
        }
        for (int bits = 0; bits < 16; ++bits) {
            int count = 0;
            for (int i = 0; i < 4; ++i) {
                const bool some = bits >> i & 1;
                t.spread[bits][2 * i] = some ? 2 * count : -1;
                t.spread[bits][2 * i + 1] = some ? 2 * count + 1 : -1;
                count += some;
            }
        }
        return t;
    }
    static constexpr table value = make();
};

template <class Fields = csv_fields_of_column>
[[gnu::always_inline, gnu::target("avx2")]] inline unsigned csv_look_at_eight(const Fields& fields, std::size_t row, csv_lanes32& start, csv_lanes32& end) {
    typedef float eight_floats __attribute__((vector_size(32)));
    std::memcpy(&start, fields.starts + row, 32);
    std::memcpy(&end, fields.ends + row, 32);
    const auto none = (csv_lanes32)(end - start == csv_lanes32{} - static_cast<int>(fields.added()));
    return static_cast<unsigned>(__builtin_ia32_movmskps256((eight_floats)none)) ^ 255u;
}

template <class Present = csv_present>
[[gnu::target("avx2,bmi,bmi2,popcnt")]] void csv_pick_present_avx2(const csv_job& job, std::uint8_t* validity, Present& present) {
    std::size_t count = 0;
    std::size_t r = 0;
    for (; r + 8 <= job.rows; r += 8) {
        csv_lanes32 start, end, places;
        const unsigned some = csv_look_at_eight(job, r, start, end);
        std::memcpy(&places, csv_places_by_bits<>::value.pressed[some], 32);
        start = __builtin_ia32_permvarsi256(start, places);
        end = __builtin_ia32_permvarsi256(end, places);
        std::memcpy(present.starts + count, &start, 32);
        std::memcpy(present.ends + count, &end, 32);
        validity[r / 8] = static_cast<std::uint8_t>(some);
        count += static_cast<std::size_t>(__builtin_popcount(some));
    }
    present.count = count;
    if (r < job.rows) csv_pick_present(job.part(r, job.rows - r, nullptr), validity + r / 8, present);
}

// The bits alone.
template <class Fields = csv_fields_of_column>
[[gnu::target("avx2")]] void csv_mark_present_avx2(const Fields& fields, std::uint8_t* validity) {
    std::size_t r = 0;
    for (; r + 8 <= fields.rows; r += 8) {
        csv_lanes32 start, end;
        validity[r / 8] = static_cast<std::uint8_t>(csv_look_at_eight(fields, r, start, end));
    }
    for (; r < fields.rows; ++r) csv_put_bit(validity, r, fields.first(r) != fields.last(r));
}

// Of values of 64 bits.
template <class T>
[[gnu::target("avx2,bmi,bmi2,popcnt")]] void csv_spread_avx2(const std::uint8_t* validity, std::size_t rows, const T* from, T* to) {
    std::size_t r = 0;
    if constexpr (sizeof(T) == 8) {
        for (; r + 8 <= rows; r += 8) {
            for (unsigned half = 0; half < 8; half += 4) {
                const unsigned bits = validity[r / 8] >> half & 15u;
                csv_lanes32 values, places;
                std::memcpy(&values, static_cast<const void*>(from), 32);
                std::memcpy(&places, csv_places_by_bits<>::value.spread[bits], 32);
                values = (csv_lanes32)__builtin_ia32_permvarsi256(values, places) & ~(places >> 31);
                std::memcpy(static_cast<void*>(to + r + half), &values, 32);
                from += __builtin_popcount(bits);
            }
        }
    }
    csv_spread(validity + r / 8, rows - r, from, to + r);
}

template <class Present = csv_present>
[[gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,bmi,bmi2,popcnt")]] void csv_pick_present_avx512(const csv_job& job, std::uint8_t* validity, Present& present) {
    const csv_sixteen empty = csv_sixteen{} - static_cast<int>(job.added());
    std::size_t count = 0;
    std::size_t r = 0;
    for (; r + 16 <= job.rows; r += 16) {
        csv_sixteen start, end;
        std::memcpy(&start, job.starts + r, 64);
        std::memcpy(&end, job.ends + r, 64);
        const auto some = static_cast<std::uint16_t>(__builtin_ia32_cmpd512_mask(end - start, empty, 4, static_cast<unsigned short>(0xFFFF)));
        start = __builtin_ia32_compresssi512_mask(start, csv_sixteen{}, some);
        end = __builtin_ia32_compresssi512_mask(end, csv_sixteen{}, some);
        std::memcpy(present.starts + count, &start, 64);
        std::memcpy(present.ends + count, &end, 64);
        std::memcpy(validity + r / 8, &some, 2);
        count += static_cast<std::size_t>(__builtin_popcount(some));
    }
    present.count = count;
    if (r < job.rows) csv_pick_present(job.part(r, job.rows - r, nullptr), validity + r / 8, present);
}

// The bits alone.
template <class Fields = csv_fields_of_column>
[[gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,bmi,bmi2,popcnt")]] void csv_mark_present_avx512(const Fields& fields, std::uint8_t* validity) {
    const csv_sixteen empty = csv_sixteen{} - static_cast<int>(fields.added());
    std::size_t r = 0;
    for (; r + 16 <= fields.rows; r += 16) {
        csv_sixteen start, end;
        std::memcpy(&start, fields.starts + r, 64);
        std::memcpy(&end, fields.ends + r, 64);
        const auto some = static_cast<std::uint16_t>(__builtin_ia32_cmpd512_mask(end - start, empty, 4, static_cast<unsigned short>(0xFFFF)));
        std::memcpy(validity + r / 8, &some, 2);
    }
    for (; r < fields.rows; ++r) csv_put_bit(validity, r, fields.first(r) != fields.last(r));
}

template <class T>
[[gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,bmi,bmi2,popcnt")]] void csv_spread_avx512(const std::uint8_t* validity, std::size_t rows, const T* from, T* to) {
    std::size_t r = 0;
    for (; r + 8 <= rows; r += 8) {
        const std::uint8_t bits = validity[r / 8];
        if constexpr (sizeof(T) == 8) {
            csv_signed_lanes values;
            std::memcpy(&values, static_cast<const void*>(from), 64);
            values = __builtin_ia32_expanddi512_mask(values, csv_signed_lanes{}, bits);
            std::memcpy(static_cast<void*>(to + r), &values, 64);
        } else if constexpr (sizeof(T) == 4) {
            csv_lanes32 values;
            std::memcpy(&values, static_cast<const void*>(from), 32);
            values = __builtin_ia32_expandsi256_mask(values, csv_lanes32{}, bits);
            std::memcpy(static_cast<void*>(to + r), &values, 32);
        } else {
            std::uint64_t values;
            std::memcpy(&values, static_cast<const void*>(from), 8);
            values = __builtin_ia32_pdep_di(values, __builtin_ia32_pdep_di(bits, 0x0101010101010101) * 0xFF);
            std::memcpy(static_cast<void*>(to + r), &values, 8);
        }
        from += __builtin_popcount(bits);
    }
    csv_spread(validity + r / 8, rows - r, from, to + r);
}
#endif

struct csv_nulls {
    static void pick(const csv_job& job, std::uint8_t* validity, csv_present& present) { csv_pick_present<>(job, validity, present); }
    template <class T>
    static void spread(const std::uint8_t* validity, std::size_t rows, const T* from, T* to) {
        csv_spread(validity, rows, from, to);
    }
};
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
struct csv_nulls_avx2 {
    static void pick(const csv_job& job, std::uint8_t* validity, csv_present& present) { csv_pick_present_avx2<>(job, validity, present); }
    template <class T>
    static void spread(const std::uint8_t* validity, std::size_t rows, const T* from, T* to) {
        csv_spread_avx2(validity, rows, from, to);
    }
};
struct csv_nulls_avx512 {
    static void pick(const csv_job& job, std::uint8_t* validity, csv_present& present) { csv_pick_present_avx512<>(job, validity, present); }
    template <class T>
    static void spread(const std::uint8_t* validity, std::size_t rows, const T* from, T* to) {
        csv_spread_avx512(validity, rows, from, to);
    }
};
#endif

// A nullable column: the fields that are not empty are put together and given to the loop for columns without nulls, which
// then meets no surprises.
template <class T, csv_kernel Inner, class Nulls>
std::size_t csv_convert_nullable(const csv_job& job) {
    csv_present present;
    alignas(64) std::byte packed[(csv_present::most_rows + 8) * sizeof(T)];
    T* const values = static_cast<T*>(job.values);
    for (std::size_t base = 0; base < job.rows; base += csv_present::most_rows) {
        const std::size_t rows = job.rows - base < csv_present::most_rows ? job.rows - base : csv_present::most_rows;
        std::uint8_t* const validity = job.validity + base / 8;
        present.count = 0;
        Nulls::pick(job.part(base, rows, nullptr), validity, present);
        const bool whole = present.count == rows;
        T* const to = whole ? values + base : reinterpret_cast<T*>(packed);
        csv_job some = job;
        some.starts = present.starts;
        some.ends = present.ends;
        some.validity = nullptr;

        std::uint8_t spelled[csv_present::most_rows / 8];    // bits of rows that spell a null, where there are any
        bool any_spelled = false;
        std::size_t refused = rows;
        std::size_t row = 0;       // of the present fields, so many are before it:
        std::size_t passed = 0;
        for (std::size_t done = 0; done < present.count; ++done) {
            done += Inner(some.part(done, present.count - done, to + done));
            if (done == present.count) break;
            T value{};
            bool known = true;
            const bool good = csv_slow<T>(job, job.begin + present.starts[done], job.end + present.ends[done], value, known);
            to[done] = value;
            if (good && known) continue;
            for (; passed <= done; ++row) passed += (validity[row >> 3] >> (row & 7)) & 1;
            if (!good) {
                refused = row - 1;
                break;
            }
            if (!any_spelled) std::memset(spelled, 0, sizeof spelled);
            any_spelled = true;
            spelled[(row - 1) >> 3] = static_cast<std::uint8_t>(spelled[(row - 1) >> 3] | (1u << ((row - 1) & 7)));
        }
        if (!whole) Nulls::spread(validity, rows, static_cast<const T*>(to), values + base);
        if (any_spelled)
            for (std::size_t i = 0; i < (rows + 7) / 8; ++i) validity[i] = static_cast<std::uint8_t>(validity[i] & ~spelled[i]);
        if (refused < rows) return base + refused;
    }
    return job.rows;
}

// The loop for a type. `careful`: the fast forms must not be tried.
template <class T>
csv_kernel csv_kernel_for(bool nullable, bool careful, instruction_set level) {
    if (careful) return nullable ? csv_convert<T, true, false> : csv_convert<T, false, false>;
    if constexpr (!std::is_same_v<T, duration>) {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
        if (level == instruction_set::avx512) {
            constexpr csv_kernel convert = csv_convert_groups<T, csv_groups_avx512<T>>;
            return nullable ? csv_convert_nullable<T, convert, csv_nulls_avx512> : convert;
        }
        if (level == instruction_set::avx2) {
            constexpr csv_kernel convert = csv_convert_groups<T, csv_groups_avx2<T>>;
            return nullable ? csv_convert_nullable<T, convert, csv_nulls_avx2> : convert;
        }
#endif
    }
    (void)level;
    constexpr csv_kernel convert = [] {
        if constexpr (std::is_same_v<T, bool>) return &csv_convert_groups<bool, csv_groups_of_truths<>>;
        else return &csv_convert<T, false, true>;
    }();
    return nullable ? csv_convert_nullable<T, convert, csv_nulls> : convert;
}

}  // namespace SEGKIT_NAMESPACE::detail
