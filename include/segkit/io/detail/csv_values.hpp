// segkit/io/detail/csv_values.hpp: the fields of one column to values, in one loop per type.
//
// Each type has a fast form without branches that may refuse anything (it looks at whole words, and may read 32 bytes past
// the field) and falls back on parse_into, which knows everything. All but durations are done eight rows at a time where
// the CPU has AVX-512. Words of digits: D. Lemire, "Quickly parsing eight digits", 2018.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/simd/level.hpp>
#include <segkit/table/parse.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE::detail {

// What a field that spells a null means; see csv_options.
struct csv_null_rule {
    std::vector<std::string> spellings;    // besides the empty text
    bool quoted_is_text = false;           // in text columns

    bool spelled(std::string_view text) const {
        for (const std::string& spelling : spellings)
            if (spelling == text) return true;
        return false;
    }
};

// Field r of a column is [begin + starts[r], end + ends[r]), quotes stripped: where none or all fields of a block are quoted,
// `begin` and `end` step over them, and quoting costs nothing.
struct csv_fields_of_column {
    const char* begin = nullptr;
    const char* end = nullptr;
    const std::uint32_t* starts = nullptr;
    const std::uint32_t* ends = nullptr;
    std::size_t rows = 0;

    const char* first(std::size_t row) const { return begin + starts[row]; }
    const char* last(std::size_t row) const { return end + ends[row]; }
    // What to add to ends[r] - starts[r] for the length of field r.
    std::uint32_t added() const { return static_cast<std::uint32_t>(end - begin); }
    std::string_view field(std::size_t row) const { return {first(row), static_cast<std::size_t>(last(row) - first(row))}; }
};

struct csv_job : csv_fields_of_column {
    void* values = nullptr;
    std::uint8_t* validity = nullptr;         // bits from bit 0 on, of nullable columns only
    const csv_null_rule* nulls = nullptr;
    const time_format* format = nullptr;      // of a date or timestamp that is not ISO 8601

    // The same for rows [first, first + count) only, whose values go to `to`.
    csv_job part(std::size_t first, std::size_t count, void* to) const {
        csv_job job = *this;
        job.starts += first;
        job.ends += first;
        job.rows = count;
        job.values = to;
        return job;
    }
};

// Converts the fields; returns the first row that is not a value (or a null where none is allowed), or `rows`.
using csv_kernel = std::size_t (*)(const csv_job&);

// ---- words of text; the first character is the least significant byte

inline constexpr bool csv_words_fit = std::endian::native == std::endian::little;
inline constexpr std::uint64_t csv_zeros = 0x3030303030303030;
inline constexpr std::uint64_t csv_high_bits = 0x8080808080808080;

[[gnu::always_inline]] inline std::uint64_t csv_word(const char* at) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    return word;
}

// The last `length` of 1 to 8 characters at the top of a word, zeros below: digits become their values.
[[gnu::always_inline]] inline std::uint64_t csv_last_characters(const char* at, std::uint32_t length) {
    return (csv_word(at) ^ csv_zeros) << ((0u - 8 * length) & 63);
}
// Not zero where a byte is none of 0..9.
[[gnu::always_inline]] inline std::uint64_t csv_not_digits(std::uint64_t word) { return ((word + 0x7676767676767676) | word) & csv_high_bits; }

// Not zero where a byte of `word` exceeds what `limits` allows for it: 0x76 is up to nine, 0x7F is zero only.
[[gnu::always_inline]] inline std::uint64_t csv_not_formed(std::uint64_t word, std::uint64_t limits) { return ((word + limits) | word) & csv_high_bits; }

[[gnu::always_inline]] inline std::uint64_t csv_eight_digits(std::uint64_t word) {
    word = word * 10 + (word >> 8);
    return (((word & 0x000000FF000000FF) * 0x000F424000000064) + (((word >> 16) & 0x000000FF000000FF) * 0x0000271000000001)) >> 32;
}

// Of each month of the years 1900 to 2155: the day before its first, as days since 1970 plus 40000, times 256, and its
// length; other months are of length 0. A template so that it is made where it is used.
template <class Never = void>
struct csv_calendar {
    static constexpr std::uint32_t shift = 40000;
    struct table {
        std::uint32_t months[256 * 16 + 1];    // the last entry is never meant; gathers read two at a time
    };
    static constexpr table make() {
        table t{};
        constexpr std::uint32_t length[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        std::uint32_t day = static_cast<std::uint32_t>(date(1900, 1, 1).days_since_1970() - 1 + static_cast<std::int32_t>(shift));
        for (std::uint32_t year = 0; year < 256; ++year) {
            for (std::uint32_t month = 1; month <= 12; ++month) {
                const bool leap_day = month == 2 && date::is_valid(static_cast<int>(year) + 1900, 2, 29);
                t.months[year * 16 + month] = day << 8 | (length[month] + (leap_day ? 1 : 0));
                day += length[month] + (leap_day ? 1 : 0);
            }
        }
        return t;
    }
    static constexpr table value = make();
};

// ---- the fast forms, one row at a time

template <class T>
struct csv_fast {
    static bool parse(const char*, std::uint32_t, T&) { return false; }
};

template <class I>
    requires is_integer<I>
struct csv_fast<I> {
    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, I& value) {
        const std::uint32_t negative = *at == '-';
        at += negative;
        length -= negative;
        if (length - 1u < 8u) {
            const std::uint64_t word = csv_last_characters(at, length);
            const auto magnitude = static_cast<I>(csv_eight_digits(word));
            value = negative ? static_cast<I>(-magnitude) : magnitude;
            return csv_not_digits(word) == 0;
        }
        if constexpr (sizeof(I) == 8) {
            if (length - 9u < 8u) {
                const std::uint64_t high = csv_last_characters(at, length - 8);
                const std::uint64_t low = csv_last_characters(at + length - 8, 8);
                const auto magnitude = static_cast<I>(csv_eight_digits(high) * 100'000'000 + csv_eight_digits(low));
                value = negative ? -magnitude : magnitude;
                return (csv_not_digits(high) | csv_not_digits(low)) == 0;
            }
        }
        return false;
    }
};

// Up to eight digits on each side of a point. The digits as an integer and the power of ten are exact, so one division
// rounds once: correctly.
template <class F>
    requires std::is_floating_point_v<F>
struct csv_fast<F> {
    static constexpr std::uint64_t exact = std::uint64_t{1} << std::numeric_limits<F>::digits;
    static constexpr F powers[] = {F(1e0), F(1e1), F(1e2), F(1e3), F(1e4), F(1e5), F(1e6), F(1e7), F(1e8)};
    static constexpr std::uint64_t integers[] = {1, 10, 100, 1000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};

    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, F& value) {
        const std::uint32_t negative = *at == '-';
        at += negative;
        length -= negative;
        const std::uint64_t word = csv_word(at);
        const std::uint64_t points = word ^ 0x2E2E2E2E2E2E2E2E;
        const std::uint64_t found = (points - 0x0101010101010101) & ~points & csv_high_bits;    // lowest bit: the first point
        std::uint64_t digits = 0;
        std::uint32_t decimals = 0;
        if (length - 1u < 8u) {
            // The characters behind the point are pushed over it; the gap is closed without a branch.
            const std::uint64_t within = found & (~std::uint64_t{0} >> ((64 - 8 * length) & 63));
            const std::uint64_t before = (within & (0 - within)) >> 7;      // 1 in the point's byte, or 0
            const std::uint64_t low = before - 1;                           // the bytes before the point; all, where there is none
            const std::uint64_t characters = (word ^ csv_zeros) << ((64 - 8 * length) & 63);
            const std::uint64_t below = low << ((64 - 8 * length) & 63);
            const std::uint64_t above = within ? ~(low | before * 0xFF) << ((64 - 8 * length) & 63) : 0;
            const std::uint64_t closed = within ? ((characters & below) << 8) | (characters & above) : characters;
            decimals = within ? length - 1 - static_cast<std::uint32_t>(std::countr_zero(before)) / 8 : 0;
            if (csv_not_digits(closed) != 0 || (within != 0 && length == 1)) return false;
            digits = csv_eight_digits(closed);
        } else {
            if (length - 9u >= 8u) return false;
            const char* const point = static_cast<const char*>(std::memchr(at, '.', length));
            const auto whole = point ? static_cast<std::uint32_t>(point - at) : length;
            if (whole - 1u >= 8u) return false;
            decimals = length - whole - 1;
            if (decimals - 1u >= 8u) return false;
            const std::uint64_t high = csv_last_characters(at, whole);
            const std::uint64_t rest = csv_last_characters(point + 1, decimals);
            if ((csv_not_digits(high) | csv_not_digits(rest)) != 0) return false;
            digits = csv_eight_digits(high) * integers[decimals] + csv_eight_digits(rest);
        }
        if (digits > exact) return false;
        const F magnitude = static_cast<F>(static_cast<std::int64_t>(digits)) / powers[decimals];
        value = negative ? -magnitude : magnitude;
        return true;
    }
};

template <>
struct csv_fast<bool> {
    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, bool& value) {
        const std::uint64_t word = csv_word(at) << ((0u - 8 * length) & 63);
        value = word == 0x6575727400000000;                                // "true"
        return (value || word == 0x65736C6166000000) && length < 8;        // "false"
    }
};

// What stands in a word of a date or time, once XORed with its form: the limits of csv_not_formed.
inline constexpr std::uint64_t csv_year_month = 0x2D30302D30303030;           // "0000-00-"
inline constexpr std::uint64_t csv_year_month_limits = 0x7F76767F76767676;
inline constexpr std::uint64_t csv_month_day = 0x30302D30302D3030;            // "00-00-00", from the third character on
inline constexpr std::uint64_t csv_month_day_limits = 0x76767F76767F7676;
inline constexpr std::uint64_t csv_day_hour = 0x30303A3030203030;             // "00 00:00", from the ninth
inline constexpr std::uint64_t csv_day_hour_limits = 0x76767F76767F7676;
inline constexpr std::uint64_t csv_hour_second = 0x30303A30303A3030;          // "00:00:00", from the twelfth
inline constexpr std::uint64_t csv_hour_second_limits = 0x76767F76767F7676;

template <>
struct csv_fast<date> {
    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, date& value) {
        const std::uint64_t x = csv_word(at) ^ csv_year_month;
        const std::uint64_t y = csv_word(at + 2) ^ csv_month_day;
        const std::uint64_t pairs = x * 10 + (x >> 8);
        const auto day = static_cast<std::uint32_t>((y >> 48 & 0xFF) * 10 + (y >> 56));
        const std::uint32_t year = static_cast<std::uint32_t>((pairs & 0xFF) * 100 + (pairs >> 16 & 0xFF)) - 1900;
        const auto month = static_cast<std::uint32_t>(pairs >> 40 & 0xFF);
        const std::uint32_t entry = csv_calendar<>::value.months[(year & 255) * 16 + (month & 15)];
        value = date::from_days(static_cast<std::int32_t>(entry >> 8) - static_cast<std::int32_t>(csv_calendar<>::shift) + static_cast<std::int32_t>(day));
        const std::uint64_t malformed = csv_not_formed(x, csv_year_month_limits) | csv_not_formed(y, csv_month_day_limits) | (length ^ 10) | (year & ~255u) |
                                        (month & ~15u) | (((day - 1) | ((entry & 0xFF) - day)) & 0x80000000u);
        return malformed == 0;
    }
};

template <>
struct csv_fast<timestamp> {
    // The first 19 characters, which may be behind the field's end.
    [[gnu::always_inline]] static std::uint64_t parse_seconds(const char* at, std::int64_t& seconds) {
        const std::uint64_t x = csv_word(at) ^ csv_year_month;
        std::uint64_t y = csv_word(at + 8) ^ csv_day_hour;
        if ((y & 0xFF0000) == (std::uint64_t{'T' ^ ' '} << 16)) y &= ~std::uint64_t{0xFF0000};
        const std::uint64_t z = csv_word(at + 11) ^ csv_hour_second;
        const std::uint64_t pairs = x * 10 + (x >> 8);
        const std::uint64_t clock = (z * 10 + (z >> 8)) & 0x00FF0000FF0000FF;
        const auto day = static_cast<std::uint32_t>((y & 0xFF) * 10 + (y >> 8 & 0xFF));
        const std::uint32_t year = static_cast<std::uint32_t>((pairs & 0xFF) * 100 + (pairs >> 16 & 0xFF)) - 1900;
        const auto month = static_cast<std::uint32_t>(pairs >> 40 & 0xFF);
        const std::uint32_t entry = csv_calendar<>::value.months[(year & 255) * 16 + (month & 15)];
        const std::int64_t days = static_cast<std::int64_t>(entry >> 8) - csv_calendar<>::shift + day;
        seconds = days * 86400 + static_cast<std::int64_t>((clock & 0xFF) * 3600 + (clock >> 24 & 0xFF) * 60 + (clock >> 48));
        return csv_not_formed(x, csv_year_month_limits) | csv_not_formed(y, csv_day_hour_limits) | csv_not_formed(z, csv_hour_second_limits) |
               ((clock + 0x0044000044000068) & 0x0080000080000080) |    // below 60, 60 and 24
               (year & ~255u) | (month & ~15u) | (((day - 1) | ((entry & 0xFF) - day)) & 0x80000000u);
    }
    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, timestamp& value) {
        std::int64_t seconds = 0;
        std::uint64_t malformed = parse_seconds(at, seconds);
        std::int64_t fraction = 0;
        if (length != 19) {
            // A fraction of one to six digits, or a Z, or both; anything else is for parse_into.
            if (length < 20 || length > 27) return false;
            const std::uint32_t zone = at[length - 1] == 'Z';
            const std::uint32_t digits = length - 20 - zone;
            if (length == 20 && zone) {
            } else if (digits - 1u < 6u && at[19] == '.') {
                const std::uint64_t word = (csv_word(at + 20) ^ csv_zeros) & (~std::uint64_t{0} >> (64 - 8 * digits));
                malformed |= csv_not_digits(word);
                fraction = static_cast<std::int64_t>(csv_eight_digits(word) / 100);
            } else {
                return false;
            }
        }
        value = timestamp::from_microseconds(seconds * microseconds_per_second + fraction);
        return malformed == 0;
    }
};

// ---- columns

// What the fast form refused. False: neither a value nor a null that is allowed.
template <class T>
[[gnu::noinline]] bool csv_slow(const csv_job& job, const char* begin, const char* end, T& value, bool& known) {
    if (begin == end || (!job.nulls->spellings.empty() && job.nulls->spelled({begin, end}))) {
        value = T{};
        known = false;
        return job.validity != nullptr;
    }
    if constexpr (std::is_same_v<T, date> || std::is_same_v<T, timestamp>) {
        if (job.format) return parse_with(*job.format, begin, end, value);
    }
    return parse_into(begin, end, value);
}

// `Fast` false: where a spelling of null is also a value, or the format is another. The fast form has no nulls.
template <class T, bool Nullable, bool Fast>
std::size_t csv_convert(const csv_job& job) {
    T* const values = static_cast<T*>(job.values);
    std::uint8_t bits = 0;
    for (std::size_t r = 0; r < job.rows; ++r) {
        const char* const at = job.first(r);
        const char* const behind = job.last(r);
        T value{};
        bool known = true;
        if (!(Fast && csv_words_fit && csv_fast<T>::parse(at, static_cast<std::uint32_t>(behind - at), value))) {
            if (!csv_slow<T>(job, at, behind, value, known)) {
                if constexpr (Nullable) job.validity[r >> 3] = bits;
                return r;
            }
        }
        values[r] = value;
        if constexpr (Nullable) {
            bits = static_cast<std::uint8_t>(bits | (unsigned{known} << (r & 7)));
            if ((r & 7) == 7) {
                job.validity[r >> 3] = bits;
                bits = 0;
            }
        }
    }
    if constexpr (Nullable)
        if (job.rows % 8) job.validity[job.rows >> 3] = bits;
    return job.rows;
}

// ---- eight rows at a time

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

typedef std::uint64_t csv_lanes __attribute__((vector_size(64)));
typedef long long csv_signed_lanes __attribute__((vector_size(64)));
typedef double csv_doubles __attribute__((vector_size(64)));
typedef float csv_floats __attribute__((vector_size(32)));
typedef int csv_lanes32 __attribute__((vector_size(32)));
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
// begin at text[starts[i]].
template <class T>
struct csv_eight;

template <class I>
    requires is_integer<I>
struct csv_eight<I> {
    [[gnu::always_inline, gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,bmi2")]] static inline bool convert(const char* text, const std::uint32_t* starts,
                                                                                                         const csv_lanes& length, I* out) {
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
                                                                                                         const csv_lanes& length, bool* out) {
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
                                                                                                                  const csv_lanes& length, F* out) {
        constexpr std::uint64_t point = '.' ^ '0';
        constexpr csv_doubles powers = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
        csv_lanes word;
        csv_eight_words(text, starts, word);
        word = (word ^ csv_zeros) << ((csv_lanes{} - (length << 3)) & 63);
        const csv_lanes points = word ^ (point * 0x0101010101010101);
        const csv_lanes found = (points - 0x0101010101010101) & ~points & csv_high_bits;    // lowest bit: the first point
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
                                                                                                         const csv_lanes& length, date* out) {
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
                                                                                                         const csv_lanes& length, timestamp* out) {
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

// A group with an unusual row goes through the scalar form.
template <class T>
[[gnu::target("avx2,avx512f,avx512vl,avx512dq,avx512bw,avx512cd,bmi,bmi2,popcnt")]] std::size_t csv_convert_avx512(const csv_job& job) {
    T* const values = static_cast<T*>(job.values);
    const std::uint32_t added = job.added();
    for (std::size_t r = 0; r < job.rows; r += 8) {
        const std::size_t group = job.rows - r < 8 ? job.rows - r : 8;
        if (group == 8) {
            csv_lanes length;
            csv_eight_lengths(job.starts + r, job.ends + r, added, length);
            if (__builtin_expect(csv_eight<T>::convert(job.begin, job.starts + r, length, values + r), 1)) continue;
        }
        const std::size_t good = csv_convert<T, false, true>(job.part(r, group, values + r));
        if (good < group) return r + good;
    }
    return job.rows;
}
#endif

// Truth values, eight rows at a time without a branch.
template <class Bool = bool>
std::size_t csv_convert_truths(const csv_job& job) {
    Bool* const values = static_cast<Bool*>(job.values);
    for (std::size_t r = 0; r < job.rows; r += 8) {
        const std::size_t group = job.rows - r < 8 ? job.rows - r : 8;
        if (csv_words_fit && group == 8) {
            bool all = true;
            for (std::size_t i = r; i < r + 8; ++i) {
                const char* const at = job.first(i);
                const auto length = static_cast<std::uint64_t>(job.last(i) - at);
                const std::uint64_t word = csv_word(at);
                const bool is_true = (((word ^ 0x65757274) << 32) | (length ^ 4)) == 0;
                const bool is_false = (((word ^ 0x65736C6166) << 24) | (length ^ 5)) == 0;
                values[i] = is_true;
                all = all & (is_true | is_false);
            }
            if (__builtin_expect(all, 1)) continue;
        }
        const std::size_t good = csv_convert<bool, false, true>(job.part(r, group, values + r));
        if (good < group) return r + good;
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
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    if constexpr (!std::is_same_v<T, duration>) {
        if (level == instruction_set::avx512) return nullable ? csv_convert_nullable<T, csv_convert_avx512<T>, csv_nulls_avx512> : csv_convert_avx512<T>;
    }
#endif
    (void)level;
    if constexpr (std::is_same_v<T, bool>) return nullable ? csv_convert_nullable<T, csv_convert_truths<>, csv_nulls> : csv_convert_truths<>;
    else return nullable ? csv_convert_nullable<T, csv_convert<T, false, true>, csv_nulls> : csv_convert<T, false, true>;
}

}  // namespace SEGKIT_NAMESPACE::detail
