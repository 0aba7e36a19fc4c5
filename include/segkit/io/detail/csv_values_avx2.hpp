// segkit/io/detail/csv_values_avx2.hpp: eight fields of one column to values with AVX2, which most CPUs have.
//
// Same values and same refusals as the forms for AVX-512 in csv_values.hpp. There are no fast products of 64 bits here, so digits become
// numbers by products of neighbours that are added: eight numbers of eight digits in seven instructions. A date or time is taken
// whole, its digits shuffled together, and then turned over, so that years, months and so on of eight rows stand side by side.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/io/detail/csv_parse.hpp>
#include <segkit/table/types.hpp>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

namespace SEGKIT_NAMESPACE::detail {

typedef std::uint64_t csv_four __attribute__((vector_size(32)));
typedef long long csv_four_longs __attribute__((vector_size(32)));
typedef double csv_four_doubles __attribute__((vector_size(32)));
typedef float csv_four_floats __attribute__((vector_size(16)));
typedef char csv_chars __attribute__((vector_size(32)));
typedef short csv_shorts __attribute__((vector_size(32)));
typedef int csv_lanes32 __attribute__((vector_size(32)));

// ---- eight rows: numbers of 32 bits, or two vectors of words

// The lengths of eight fields.
[[gnu::always_inline, gnu::target("avx2")]] inline void csv_eight_lengths(const std::uint32_t* starts, const std::uint32_t* ends, std::uint32_t added, csv_lanes32& lengths) {
    csv_lanes32 start, end;
    std::memcpy(&start, starts, 32);
    std::memcpy(&end, ends, 32);
    lengths = end - start + static_cast<int>(added);
}

struct csv_eight_words_avx2 {
    csv_four first, last;    // rows 0 to 3, and 4 to 7

    [[gnu::always_inline, gnu::target("avx2")]] void widen(const csv_lanes32& numbers) {
        first = (csv_four)__builtin_convertvector(__builtin_shufflevector(numbers, numbers, 0, 1, 2, 3), csv_four_longs);
        last = (csv_four)__builtin_convertvector(__builtin_shufflevector(numbers, numbers, 4, 5, 6, 7), csv_four_longs);
    }
    // The last `length` of 1 to 8 characters of each field, each byte changed by `flipped`, at the top of a word; zeros below.
    [[gnu::always_inline, gnu::target("avx2")]] void load(const char* text, const std::uint32_t* starts, const csv_lanes32& length, std::uint64_t flipped) {
        csv_eight_words_avx2 shift;
        shift.widen((csv_lanes32{} - (length << 3)) & 63);
        first = csv_four{csv_word(text + starts[0]), csv_word(text + starts[1]), csv_word(text + starts[2]), csv_word(text + starts[3])};
        last = csv_four{csv_word(text + starts[4]), csv_word(text + starts[5]), csv_word(text + starts[6]), csv_word(text + starts[7])};
        first = (first ^ flipped) << shift.first;
        last = (last ^ flipped) << shift.last;
    }
    // Digits to numbers, in the order of rows 0, 1, 4, 5, 2, 3, 6, 7.
    [[gnu::always_inline, gnu::target("avx2")]] void to_numbers(csv_lanes32& numbers) const {
        constexpr csv_chars tens = {10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1};
        constexpr csv_shorts hundreds = {100, 1, 100, 1, 100, 1, 100, 1, 100, 1, 100, 1, 100, 1, 100, 1};
        constexpr csv_shorts thousands = {10000, 1, 10000, 1, 10000, 1, 10000, 1, 10000, 1, 10000, 1, 10000, 1, 10000, 1};
        const csv_lanes32 a = (csv_lanes32)__builtin_ia32_pmaddwd256((csv_shorts)__builtin_ia32_pmaddubsw256((csv_chars)first, tens), hundreds);
        const csv_lanes32 b = (csv_lanes32)__builtin_ia32_pmaddwd256((csv_shorts)__builtin_ia32_pmaddubsw256((csv_chars)last, tens), hundreds);
        numbers = (csv_lanes32)__builtin_ia32_pmaddwd256((csv_shorts)__builtin_ia32_packusdw256(a, b), thousands);
    }
};
[[gnu::always_inline, gnu::target("avx2")]] inline void csv_in_order(csv_lanes32& numbers) { numbers = __builtin_shufflevector(numbers, numbers, 0, 1, 4, 5, 2, 3, 6, 7); }

// What is wrong with eight rows is a highest bit that is set, of a byte, a short or an int.
struct csv_wrong_avx2 {
    csv_chars bytes{};
    csv_shorts shorts{};
    csv_lanes32 ints{};

    // Bytes from 0 to 0x7F - room.
    [[gnu::always_inline, gnu::target("avx2")]] void check_bytes(const csv_chars& value, const csv_chars& room) { bytes |= (value + room) | value; }
    [[gnu::always_inline, gnu::target("avx2")]] void check_digits(const csv_four& words) { check_bytes((csv_chars)words, csv_chars{} + 0x76); }
    [[gnu::always_inline, gnu::target("avx2")]] void check_range(const csv_lanes32& value, const csv_lanes32& least, const csv_lanes32& most) { ints |= (value - least) | (most - value); }
    [[gnu::always_inline, gnu::target("avx2")]] bool any() const {
        const int all = __builtin_ia32_pmovmskb256(bytes | (csv_chars)(shorts & static_cast<short>(-0x8000)) | (csv_chars)(ints & static_cast<int>(0x80000000)));
        return all != 0;
    }
};

// ---- types

// One step of eight rows per type: false where a row is not of the usual form. Fields are as long as `length` says and
// begin at text[starts[i]].
template <class T>
struct csv_eight_avx2;

template <class I>
    requires is_integer<I>
struct csv_eight_avx2<I> {
    [[gnu::always_inline, gnu::target("avx2")]] static inline bool convert(const char* text, const std::uint32_t* starts, const csv_lanes32& length, std::uint64_t, I* out) {
        csv_eight_words_avx2 words;
        words.load(text, starts, length, csv_zeros);
        csv_wrong_avx2 wrong;
        wrong.check_range(length, csv_lanes32{} + 1, csv_lanes32{} + 8);
        wrong.check_digits(words.first);
        wrong.check_digits(words.last);
        if (wrong.any()) return false;
        csv_lanes32 numbers;
        words.to_numbers(numbers);
        if constexpr (sizeof(I) == 8) {
            constexpr csv_lanes32 zero{};
            const csv_lanes32 first = __builtin_shufflevector(numbers, zero, 0, 8, 1, 9, 4, 12, 5, 13);
            const csv_lanes32 last = __builtin_shufflevector(numbers, zero, 2, 10, 3, 11, 6, 14, 7, 15);
            std::memcpy(out, &first, 32);
            std::memcpy(out + 4, &last, 32);
        } else {
            csv_in_order(numbers);
            std::memcpy(out, &numbers, 32);
        }
        return true;
    }
};

template <>
struct csv_eight_avx2<bool> {
    [[gnu::always_inline, gnu::target("avx2")]] static inline bool convert(const char* text, const std::uint32_t* starts, const csv_lanes32& length, std::uint64_t, bool* out) {
        constexpr std::uint64_t yes = 0x6575727400000000, no = 0x65736C6166000000;    // "true", "false"
        csv_eight_words_avx2 words;
        words.load(text, starts, length, 0);
        csv_wrong_avx2 wrong;
        wrong.check_range(length, csv_lanes32{} + 4, csv_lanes32{} + 5);
        const auto first = (csv_lanes32)(words.first == yes), last = (csv_lanes32)(words.last == yes);
        wrong.ints |= ~((first | (csv_lanes32)(words.first == no)) & (last | (csv_lanes32)(words.last == no)));
        if (wrong.any()) return false;
        // The lower halves of words, one bit each, and the bits to bytes.
        const csv_lanes32 truths = __builtin_shufflevector(first, last, 0, 2, 4, 6, 8, 10, 12, 14);
        const auto bits = static_cast<std::uint64_t>(__builtin_ia32_movmskps256((csv_eight_floats)truths));
        const std::uint64_t values = ((((bits * 0x0101010101010101) & 0x8040201008040201) + 0x7F7F7F7F7F7F7F7F) >> 7) & 0x0101010101010101;
        std::memcpy(static_cast<void*>(out), &values, 8);
        return true;
    }

private:
    typedef float csv_eight_floats __attribute__((vector_size(32)));
};

// Up to eight characters with or without a point.
template <class F>
    requires std::is_floating_point_v<F>
struct csv_eight_avx2<F> {
    // Takes the point out of words, and makes the power of ten that it stands for.
    [[gnu::always_inline, gnu::target("avx2")]] static inline void take_point(csv_four& word, std::uint64_t point, csv_four_doubles& power, csv_wrong_avx2& wrong) {
        wrong.ints |= (csv_lanes32)(word == (csv_four{} + point) << 56);    // "." is none (and "0." a rare one)
        const csv_four points = word ^ point;
        const csv_four found = (points - csv_ones) & ~points & csv_high_bits;    // lowest bit: the first point
        const csv_four before = (found & (csv_four{} - found)) >> 7;          // 1 in the point's byte, or 0
        // What stands before the point is pushed over it.
        const csv_four low = before - 1;
        const csv_four high = ~(low | ((before << 8) - before));              // what stands behind it; nothing, if there is none
        word = ((csv_four)(before == 0) & word) | ((csv_four)(before != 0) & (((word & low) << 8) | (word & high)));
        // As many as there are bytes of it. The powers' lower halves are zero.
        constexpr csv_lanes32 powers = {0x3FF00000, 0x40240000, 0x40590000, 0x408F4000, 0x40C38800, 0x40F86A00, 0x412E8480, 0x416312D0};
        const auto decimals = (csv_lanes32)((csv_four)__builtin_ia32_psadbw256((csv_chars)(high & csv_ones), csv_chars{}) << 32);
        power = (csv_four_doubles)((csv_four)__builtin_ia32_permvarsi256(powers, decimals) & 0xFFFFFFFF00000000);
    }
    [[gnu::always_inline, gnu::target("avx2")]] static inline bool convert(const char* text, const std::uint32_t* starts, const csv_lanes32& length, std::uint64_t point, F* out) {
        csv_eight_words_avx2 words;
        words.load(text, starts, length, csv_zeros);
        csv_four_doubles first_power, last_power;
        csv_wrong_avx2 wrong;
        wrong.check_range(length, csv_lanes32{} + 1, csv_lanes32{} + 8);
        take_point(words.first, point, first_power, wrong);
        take_point(words.last, point, last_power, wrong);
        wrong.check_digits(words.first);
        wrong.check_digits(words.last);
        csv_lanes32 numbers;
        words.to_numbers(numbers);
        csv_in_order(numbers);
        if constexpr (sizeof(F) == 4) wrong.check_range(numbers, csv_lanes32{}, csv_lanes32{} + static_cast<int>(csv_fast<F>::exact));
        if (wrong.any()) return false;
        const csv_four_doubles first = __builtin_convertvector(__builtin_shufflevector(numbers, numbers, 0, 1, 2, 3), csv_four_doubles) / first_power;
        const csv_four_doubles last = __builtin_convertvector(__builtin_shufflevector(numbers, numbers, 4, 5, 6, 7), csv_four_doubles) / last_power;
        if constexpr (sizeof(F) == 8) {
            std::memcpy(out, &first, 32);
            std::memcpy(out + 4, &last, 32);
        } else {
            const csv_four_floats narrow[] = {__builtin_convertvector(first, csv_four_floats), __builtin_convertvector(last, csv_four_floats)};
            std::memcpy(out, &narrow, 32);
        }
        return true;
    }
};

// The characters of eight rows, rows i and i + 4 in rows[i].
[[gnu::always_inline, gnu::target("avx2")]] inline void csv_eight_starts(const char* text, const std::uint32_t* starts, csv_chars (&rows)[4]) {
    typedef char half __attribute__((vector_size(16)));
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
        half first, last;
        std::memcpy(&first, text + starts[i], 16);
        std::memcpy(&last, text + starts[i + 4], 16);
        rows[i] = __builtin_shufflevector(first, last, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    }
}

// A date or time as pairs of digits, the same in both halves: century, year, month, day, hour, minute, second.
struct csv_moments_avx2 {
    csv_lanes32 year, month_day, hour_minute, second;    // month * 32 + day; hours and minutes in seconds

    // `digits`: of two rows each, one per byte.
    [[gnu::always_inline, gnu::target("avx2")]] void take(const csv_chars (&digits)[4], csv_wrong_avx2& wrong) {
        constexpr csv_chars tens = {10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 0, 0, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 0, 0};
        constexpr csv_shorts parts = {100, 1, 32, 1, 3600, 60, 1, 0, 100, 1, 32, 1, 3600, 60, 1, 0};
        constexpr csv_shorts most = {20, 99, 12, 31, 23, 59, 59, 0, 20, 99, 12, 31, 23, 59, 59, 0};
        csv_lanes32 row[4];
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; ++i) {
            const auto pairs = (csv_shorts)__builtin_ia32_pmaddubsw256(digits[i], tens);
            wrong.shorts |= most - pairs;
            row[i] = (csv_lanes32)__builtin_ia32_pmaddwd256(pairs, parts);
        }
        const csv_lanes32 a = __builtin_shufflevector(row[0], row[1], 0, 8, 1, 9, 4, 12, 5, 13), b = __builtin_shufflevector(row[2], row[3], 0, 8, 1, 9, 4, 12, 5, 13);
        const csv_lanes32 c = __builtin_shufflevector(row[0], row[1], 2, 10, 3, 11, 6, 14, 7, 15), d = __builtin_shufflevector(row[2], row[3], 2, 10, 3, 11, 6, 14, 7, 15);
        year = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
        month_day = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
        hour_minute = __builtin_shufflevector(c, d, 0, 1, 8, 9, 4, 5, 12, 13);
        second = __builtin_shufflevector(c, d, 2, 3, 10, 11, 6, 7, 14, 15);
    }

    // Days since 1970, of the years 1901 to 2099, in which every fourth has a day more.
    [[gnu::always_inline, gnu::target("avx2")]] void to_days(csv_lanes32& days, csv_wrong_avx2& wrong) const {
        // By month: its length, and the days before it above 30 for each month before, plus one. What is above a byte of `month` is zero.
        constexpr csv_chars lengths = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0, 0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0};
        constexpr csv_chars beyond = {0, 1, 2, 0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 0, 0, 0, 0, 1, 2, 0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 0, 0, 0};
        const csv_lanes32 month = month_day >> 5, day = month_day & 31, since = year - 1901;
        const csv_lanes32 leap = (csv_lanes32)((since & 3) == 3);    // -1 or 0
        const csv_lanes32 length = (csv_lanes32)__builtin_ia32_pshufb256(lengths, (csv_chars)month) - (leap & (csv_lanes32)(month == 2));
        const auto more = (csv_lanes32)__builtin_ia32_pshufb256(beyond, (csv_chars)month);
        wrong.check_range(day, csv_lanes32{} + 1, length);
        wrong.ints |= since;
        days = since * 365 + (since >> 2) + (month << 5) - (month << 1) + more - (leap & (csv_lanes32)(month > 2)) + day - (25203 + 30 + 1);    // 1 January 1901 is day -25202
    }
};

template <>
struct csv_eight_avx2<date> {
    [[gnu::always_inline, gnu::target("avx2")]] static inline bool convert(const char* text, const std::uint32_t* starts, const csv_lanes32& length, std::uint64_t, date* out) {
        constexpr std::uint64_t front = csv_year_month, back = 0x3030;    // "0000-00-", "00"
        constexpr csv_chars order = {0, 1, 2, 3, 5, 6, 8, 9, -1, -1, -1, -1, -1, -1, 4, 7, 0, 1, 2, 3, 5, 6, 8, 9, -1, -1, -1, -1, -1, -1, 4, 7};
        constexpr csv_chars room = {118, 118, 118, 118, 118, 118, 118, 118, 127, 127, 127, 127, 127, 127, 127, 127,
                                    118, 118, 118, 118, 118, 118, 118, 118, 127, 127, 127, 127, 127, 127, 127, 127};
        csv_chars rows[4];
        csv_eight_starts(text, starts, rows);
        csv_wrong_avx2 wrong;
        wrong.ints = (csv_lanes32)(length != 10);
#pragma GCC unroll 4
        for (csv_chars& row : rows) {
            row = (csv_chars)__builtin_ia32_pshufb256(row ^ (csv_chars)csv_four{front, back, front, back}, order);
            wrong.check_bytes(row, room);
        }
        csv_moments_avx2 moments;
        moments.take(rows, wrong);
        csv_lanes32 days;
        moments.to_days(days, wrong);
        if (wrong.any()) return false;
        static_assert(sizeof(date) == 4 && std::is_trivially_copyable_v<date>);
        std::memcpy(static_cast<void*>(out), &days, 32);
        return true;
    }
};

template <>
struct csv_eight_avx2<timestamp> {
    // A day has 10546875 * 2^13 microseconds; a product is of 32 bits by 32.
    [[gnu::always_inline, gnu::target("avx2")]] static inline void to_microseconds(const csv_four& days, const csv_four& seconds, csv_four& microseconds) {
        const csv_lanes32 per_day = {10546875, 0, 10546875, 0, 10546875, 0, 10546875, 0}, per_second = {1000000, 0, 1000000, 0, 1000000, 0, 1000000, 0};
        microseconds = ((csv_four)__builtin_ia32_pmuldq256((csv_lanes32)days, per_day) << 13) + (csv_four)__builtin_ia32_pmuldq256((csv_lanes32)seconds, per_second);
    }
    [[gnu::always_inline, gnu::target("avx2")]] static inline bool convert(const char* text, const std::uint32_t* starts, const csv_lanes32& length, std::uint64_t, timestamp* out) {
        constexpr std::uint64_t front = csv_year_month, back = 0x30303A3030203030;          // "0000-00-00 00:00"
        constexpr std::uint64_t late_front = 0x0, late_back = 0x30303A0000000000;            // ":00", behind 13 others
        constexpr csv_chars order = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, -1, -1, -1, -1, 0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, -1, -1, -1, -1};
        constexpr csv_chars late_order = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 14, 15, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 14, 15, 13, -1};
        constexpr csv_chars room = {118, 118, 118, 118, 127, 118, 118, 127, 118, 118, 127, 118, 118, 127, 118, 118,
                                    118, 118, 118, 118, 127, 118, 118, 127, 118, 118, 127, 118, 118, 127, 118, 118};
        constexpr csv_chars late_room = {118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 127, 127,
                                         118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 127, 127};
        csv_chars rows[4], late[4];
        csv_eight_starts(text, starts, rows);
        csv_eight_starts(text + 3, starts, late);
        csv_wrong_avx2 wrong;
        wrong.ints = (csv_lanes32)(length != 19);
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; ++i) {
            rows[i] ^= (csv_chars)csv_four{front, back, front, back};
            wrong.check_bytes(rows[i], room);
            late[i] ^= (csv_chars)csv_four{late_front, late_back, late_front, late_back};
            rows[i] = (csv_chars)__builtin_ia32_pshufb256(rows[i], order) | (csv_chars)__builtin_ia32_pshufb256(late[i], late_order);
            wrong.check_bytes(rows[i], late_room);
        }
        csv_moments_avx2 moments;
        moments.take(rows, wrong);
        csv_lanes32 days;
        moments.to_days(days, wrong);
        if (wrong.any()) return false;
        csv_eight_words_avx2 day, second;
        day.widen(days);
        second.widen(moments.hour_minute + moments.second);
        csv_four first, last;
        to_microseconds(day.first, second.first, first);
        to_microseconds(day.last, second.last, last);
        static_assert(sizeof(timestamp) == 8 && std::is_trivially_copyable_v<timestamp>);
        std::memcpy(static_cast<void*>(out), &first, 32);
        std::memcpy(static_cast<void*>(out + 4), &last, 32);
        return true;
    }
};

}  // namespace SEGKIT_NAMESPACE::detail

#endif
