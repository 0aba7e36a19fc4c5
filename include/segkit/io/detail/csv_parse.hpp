// segkit/io/detail/csv_parse.hpp: the fields of one column to values, one row at a time.
//
// Each type has a fast form without branches that may refuse anything (it looks at whole words, and may read 32 bytes past
// the field) and falls back on parse_into, which knows everything. csv_values.hpp has the forms for eight rows at a time.
// Words of digits: D. Lemire, "Quickly parsing eight digits", 2018.
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
#include <segkit/table/parse.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE::detail {

// The same byte in all places of a word.
inline constexpr std::uint64_t csv_ones = 0x0101010101010101;
inline constexpr std::uint64_t csv_zeros = 0x3030303030303030;
inline constexpr std::uint64_t csv_high_bits = 0x8080808080808080;

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
    char point = '.';                         // of numbers with a fraction: the decimal separator

    // What the point is once it has been XORed with a zero, in each byte of a word.
    std::uint64_t points() const { return static_cast<unsigned char>(point ^ '0') * csv_ones; }

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

// (The point is of no concern but to numbers with a fraction.)
template <class T>
struct csv_fast {
    static bool parse(const char*, std::uint32_t, char, T&) { return false; }
};

template <class I>
    requires is_integer<I>
struct csv_fast<I> {
    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, char, I& value) {
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

    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, char point, F& value) {
        const std::uint32_t negative = *at == '-';
        at += negative;
        length -= negative;
        const std::uint64_t word = csv_word(at);
        const std::uint64_t points = word ^ (static_cast<unsigned char>(point) * csv_ones);
        const std::uint64_t found = (points - csv_ones) & ~points & csv_high_bits;    // lowest bit: the first point
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
            const char* const at_point = static_cast<const char*>(std::memchr(at, point, length));
            const auto whole = at_point ? static_cast<std::uint32_t>(at_point - at) : length;
            if (whole - 1u >= 8u) return false;
            decimals = length - whole - 1;
            if (decimals - 1u >= 8u) return false;
            const std::uint64_t high = csv_last_characters(at, whole);
            const std::uint64_t rest = csv_last_characters(at_point + 1, decimals);
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
    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, char, bool& value) {
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
    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, char, date& value) {
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
    [[gnu::always_inline]] static bool parse(const char* at, std::uint32_t length, char, timestamp& value) {
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

template <class T>
inline constexpr bool has_point = std::is_floating_point_v<T> || std::is_same_v<T, duration>;

// A number written with a decimal comma, as one with a point. One that has a point already is none: it may be one of thousands.
inline std::string csv_with_point(std::string_view written) {
    std::string number(written);
    for (char& c : number) c = c == ',' ? '.' : c == '.' ? ',' : c;
    return number;
}

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
    if constexpr (has_point<T>) {
        if (job.point == ',') {
            const std::string number = csv_with_point({begin, static_cast<std::size_t>(end - begin)});
            return parse_into(number.data(), number.data() + number.size(), value);
        }
    }
    return parse_into(begin, end, value);
}

// `Fast` false: where a spelling of null is also a value, or the format is another. The fast form has no nulls.
template <class T, bool Nullable, bool Fast>
std::size_t csv_convert(const csv_job& job) {
    T* const values = static_cast<T*>(job.values);
    const char point = job.point;
    std::uint8_t bits = 0;
    for (std::size_t r = 0; r < job.rows; ++r) {
        const char* const at = job.first(r);
        const char* const behind = job.last(r);
        T value{};
        bool known = true;
        if (!(Fast && csv_words_fit && csv_fast<T>::parse(at, static_cast<std::uint32_t>(behind - at), point, value))) {
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

}  // namespace SEGKIT_NAMESPACE::detail
