// segkit/table/parse.hpp: one value from text and back, exactly: parse_value<T>("12.5"), to_text(value).
//
// Every value that to_text writes is read back with the same bits. Nothing depends on the locale. A number of up to
// 19 digits costs a few nanoseconds (W. D. Clinger, "How to read floating point numbers accurately", 1990); longer
// ones go to the standard library's exact parser.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#if !defined(__cpp_lib_to_chars)    // libc++ has no from_chars for floating point
#include <locale.h>
#include <stdlib.h>
#endif
#if !defined(__cpp_lib_to_chars) && defined(__APPLE__)
#include <xlocale.h>
#endif

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE {

// The written forms, for reading:
//   bool        true false TRUE FALSE True False 1 0
//   integers    digits with an optional sign; what does not fit the type is refused
//   float       digits with an optional sign, point and exponent; finite numbers only
//   date        YYYY-MM-DD, a day that exists; years outside 0..9999 as +YYYYY-MM-DD (5 to 7 digits)
//   timestamp   a date, then optionally ' ' or 'T', HH:MM:SS, a fraction of 1 to 6 digits (more only if zero), and a
//               zone: Z, +hh:mm, +hhmm or +hh, converted to UTC
//   duration    seconds, with a fraction of up to 6 digits
// The whole text must be the value: no blanks, nothing after it.

namespace detail {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// N digits at `at`; -1 where one of them is none.
template <int N>
int fixed_digits(const char* at) {
    int value = 0;
    for (int i = 0; i < N; ++i) {
        if (!is_digit(at[i])) return -1;
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

inline bool parse_into(const char* at, const char* end, bool& value) {
    switch (end - at) {
        case 1:
            value = *at == '1';
            return *at == '1' || *at == '0';
        case 4: {
            const std::string_view t(at, 4);
            value = true;
            return t == "true" || t == "TRUE" || t == "True";
        }
        case 5: {
            const std::string_view t(at, 5);
            value = false;
            return t == "false" || t == "FALSE" || t == "False";
        }
        default: return false;
    }
}

template <class I>
    requires is_integer<I>
bool parse_into(const char* at, const char* end, I& value) {
    bool negative = false;
    if (at != end && (*at == '-' || *at == '+')) negative = *at++ == '-';
    if (at == end) return false;
    while (end - at > 19 && *at == '0') ++at;
    if (end - at > 19) return false;
    std::uint64_t magnitude = 0;    // 19 digits always fit
    for (; at != end; ++at) {
        if (!is_digit(*at)) return false;
        magnitude = magnitude * 10 + static_cast<std::uint64_t>(*at - '0');
    }
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<I>::max());
    if (magnitude > largest + (negative ? 1 : 0)) return false;
    value = static_cast<I>(negative ? 0 - magnitude : magnitude);
    return true;
}

// The library's exact parser for an unsigned decimal number whose form has been checked. `tiny`: the number is below one,
// so that "out of range" means zero.
template <class F>
bool parse_checked_decimal(const char* at, const char* end, bool tiny, F& value) {
#if defined(__cpp_lib_to_chars)
    const auto [stop, problem] = std::from_chars(at, end, value);
    if (problem == std::errc::result_out_of_range) {
        value = 0;
        return tiny;
    }
    return problem == std::errc{} && stop == end;
#else
    static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
    const std::string copy(at, end);
    char* stop = nullptr;
    if constexpr (std::is_same_v<F, float>) value = strtof_l(copy.c_str(), &stop, c_locale);
    else value = strtod_l(copy.c_str(), &stop, c_locale);
    (void)tiny;
    return stop == copy.c_str() + copy.size() && value <= std::numeric_limits<F>::max();
#endif
}

template <class F>
    requires std::is_floating_point_v<F>
bool parse_into(const char* at, const char* end, F& value) {
    // Powers of ten and integers up to these are exact, so one multiplication or division rounds once: correctly.
    constexpr int exact_power = std::is_same_v<F, float> ? 10 : 22;
    constexpr std::uint64_t exact_integer = std::uint64_t{1} << std::numeric_limits<F>::digits;
    constexpr F powers[] = {F(1e0),  F(1e1),  F(1e2),  F(1e3),  F(1e4),  F(1e5),  F(1e6),  F(1e7),  F(1e8),  F(1e9),  F(1e10), F(1e11),
                            F(1e12), F(1e13), F(1e14), F(1e15), F(1e16), F(1e17), F(1e18), F(1e19), F(1e20), F(1e21), F(1e22)};

    bool negative = false;
    if (at != end && (*at == '-' || *at == '+')) negative = *at++ == '-';
    const char* const first = at;
    std::uint64_t digits = 0;     // the first 19 significant digits
    int count = 0;
    std::int64_t exponent = 0;    // of a number with as many digits as memory holds
    bool any = false;
    bool cut = false;             // a digit other than zero did not fit
    for (; at != end && is_digit(*at); ++at) {
        any = true;
        if (count < 19) {
            digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
            count += digits != 0;
        } else {
            ++exponent;
            cut |= *at != '0';
        }
    }
    if (at != end && *at == '.') {
        ++at;
        for (; at != end && is_digit(*at); ++at) {
            any = true;
            if (count < 19) {
                digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
                count += digits != 0;
                --exponent;
            } else {
                cut |= *at != '0';
            }
        }
    }
    if (!any) return false;
    if (at != end && (*at == 'e' || *at == 'E')) {
        ++at;
        bool below = false;
        if (at != end && (*at == '-' || *at == '+')) below = *at++ == '-';
        if (at == end) return false;
        std::int64_t written = 0;
        for (; at != end && is_digit(*at); ++at)
            if (written < 1'000'000'000'000'000) written = written * 10 + (*at - '0');
        exponent += below ? -written : written;
    }
    if (at != end) return false;

    if (digits == 0) {
        value = negative ? -F(0) : F(0);
        return true;
    }
    const bool tiny = exponent + count <= 0;
    if (!cut) {
        while (digits > exact_integer && digits % 10 == 0) {
            digits /= 10;
            ++exponent;
        }
        if (digits <= exact_integer && exponent >= -exact_power && exponent <= exact_power) {
            const F whole = static_cast<F>(digits);
            value = exponent < 0 ? whole / powers[-exponent] : whole * powers[exponent];
            if (negative) value = -value;
            return true;
        }
    }
    if (!parse_checked_decimal(first, end, tiny, value)) return false;
    if (negative) value = -value;
    return true;
}

// Reads a date at the front of [at, end) and moves `at` behind it.
inline bool parse_date_prefix(const char*& at, const char* end, date& value) {
    int year = 0;
    if (at != end && (*at == '+' || *at == '-')) {
        const bool before = *at++ == '-';
        int length = 0;
        for (; at != end && is_digit(*at) && length < 8; ++at, ++length) year = year * 10 + (*at - '0');
        if (length < 4 || length > 7 || year > 5'000'000) return false;
        if (before) year = -year;
    } else {
        if (end - at < 4) return false;
        year = fixed_digits<4>(at);
        if (year < 0) return false;
        at += 4;
    }
    if (end - at < 6 || at[0] != '-' || at[3] != '-') return false;
    const int month = fixed_digits<2>(at + 1);
    const int day = fixed_digits<2>(at + 4);
    if (!date::is_valid(year, month, day)) return false;
    at += 6;
    value = date(year, month, day);
    return true;
}

inline bool parse_into(const char* at, const char* end, date& value) { return parse_date_prefix(at, end, value) && at == end; }

// A fraction of a second behind its point, in microseconds, and moves `at` behind it.
inline bool parse_fraction(const char*& at, const char* end, int& microseconds) {
    const char* const first = at;
    int unit = 100'000;
    microseconds = 0;
    for (; at != end && is_digit(*at); ++at) {
        if (unit == 0 && *at != '0') return false;
        microseconds += (*at - '0') * unit;
        unit /= 10;
    }
    return at != first;
}

// Z, +hh, +hhmm or +hh:mm, in minutes east of Greenwich; moves `at` behind it.
inline bool parse_zone(const char*& at, const char* end, int& minutes_east) {
    minutes_east = 0;
    if (at == end) return false;
    if (*at == 'Z') {
        ++at;
        return true;
    }
    if (*at != '+' && *at != '-') return false;
    const bool west = *at++ == '-';
    if (end - at < 2) return false;
    const int hours = fixed_digits<2>(at);
    at += 2;
    int minutes = 0;
    if (end - at >= 2 && (*at == ':' || is_digit(*at))) {
        if (*at == ':') ++at;
        if (end - at < 2) return false;
        minutes = fixed_digits<2>(at);
        at += 2;
    }
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
    minutes_east = west ? -(hours * 60 + minutes) : hours * 60 + minutes;
    return true;
}

// A timestamp of which the day is known to fit; see below.
inline timestamp timestamp_of(date day, std::int64_t seconds, int microseconds, int minutes_east) {
    return timestamp::from_microseconds(timestamp(day).microseconds_since_1970() + (seconds - std::int64_t{minutes_east} * 60) * microseconds_per_second +
                                        microseconds);
}

inline bool parse_into(const char* at, const char* end, timestamp& value) {
    date day;
    if (!parse_date_prefix(at, end, day)) return false;
    // The days whose microseconds fit 64 bits, whatever the zone: some 292,000 years either way.
    if (day.days_since_1970() > 106'751'988 || day.days_since_1970() < -106'751'988) return false;
    if (at == end) {
        value = timestamp(day);
        return true;
    }
    if (end - at < 9 || (at[0] != ' ' && at[0] != 'T') || at[3] != ':' || at[6] != ':') return false;
    const int hour = fixed_digits<2>(at + 1);
    const int minute = fixed_digits<2>(at + 4);
    const int second = fixed_digits<2>(at + 7);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
    at += 9;
    int microsecond = 0;
    if (at != end && *at == '.' && !parse_fraction(++at, end, microsecond)) return false;
    int zone_minutes = 0;
    if (at != end && !parse_zone(at, end, zone_minutes)) return false;
    if (at != end) return false;
    value = timestamp_of(day, (hour * 60 + minute) * 60 + second, microsecond, zone_minutes);
    return true;
}

inline bool parse_into(const char* at, const char* end, duration& value) {
    bool negative = false;
    if (at != end && (*at == '-' || *at == '+')) negative = *at++ == '-';
    const char* const first = at;
    while (at != end && is_digit(*at)) ++at;
    std::int64_t seconds = 0;
    if (!parse_into(first, at, seconds)) return false;
    int microseconds = 0;
    if (at != end && *at == '.' && !parse_fraction(++at, end, microseconds)) return false;
    if (at != end) return false;
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / microseconds_per_second;
    constexpr std::int64_t rest = std::numeric_limits<std::int64_t>::max() % microseconds_per_second;
    if (seconds > most || (seconds == most && microseconds > rest + (negative ? 1 : 0))) return false;
    value.microseconds = negative ? -seconds * microseconds_per_second - microseconds : seconds * microseconds_per_second + microseconds;
    return true;
}

}  // namespace detail

// How dates and times are written where it is not ISO 8601: time_format("%d/%m/%Y %H:%M"). Directives, as in strptime:
//   %Y year, 4 digits      %m month, 1 or 2 digits           %d day          %b %B month by its English name, whole or three letters
//   %y year, 2 digits, of 1969 to 2068                        %H %M %S time, 1 or 2 digits each       %I %p hour of 12, AM or PM
//   %f fraction of a second, 1 to 6 digits                    %z Z, +hh, +hhmm or +hh:mm, converted to UTC
//   %F is %Y-%m-%d, %T is %H:%M:%S, %% is a percent sign; all else stands for itself
// Throws segkit::error where a directive is none of these or the day is not said.
class time_format {
public:
    time_format(std::string pattern) : pattern_(std::move(pattern)) {
        bool year = false, month = false, day = false;
        for (std::size_t i = 0; i < pattern_.size(); ++i) {
            if (pattern_[i] != '%') continue;
            const char d = ++i < pattern_.size() ? pattern_[i] : '\0';
            if (d == '\0' || std::string_view("YymdbBHMSIpfzFT%").find(d) == std::string_view::npos)
                refuse("%" + std::string(d != '\0', d), "%Y %y %m %d %b %B %H %M %S %I %p %f %z %F %T or %%");
            year = year || d == 'Y' || d == 'y' || d == 'F';
            month = month || d == 'm' || d == 'b' || d == 'B' || d == 'F';
            day = day || d == 'd' || d == 'F';
        }
        if (!year || !month || !day) refuse("'" + pattern_ + "'", "year, month and day, such as %d/%m/%Y");
    }
    time_format(const char* pattern) : time_format(std::string(pattern)) {}

    const std::string& pattern() const { return pattern_; }

private:
    [[noreturn]] static void refuse(std::string found, std::string expected) {
        error_details details{.code = error_code::invalid_option, .stage = "time_format"};
        details.found = std::move(found);
        details.expected = std::move(expected);
        throw error(std::move(details));
    }
    std::string pattern_;
};

namespace detail {

// One to `most` digits; -1 where there is none.
inline int some_digits(const char*& at, const char* end, int most) {
    int value = -1;
    for (int i = 0; i < most && at != end && is_digit(*at); ++i, ++at) value = (value < 0 ? 0 : value * 10) + (*at - '0');
    return value;
}

// The number of the month whose English name, whole or its first three letters, stands here; 0 where none does.
inline int month_by_name(const char*& at, const char* end) {
    constexpr std::string_view names[] = {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"};
    const auto same = [&](std::string_view name) {
        if (static_cast<std::size_t>(end - at) < name.size()) return false;
        for (std::size_t i = 0; i < name.size(); ++i)
            if ((at[i] | 0x20) != name[i]) return false;
        return true;
    };
    for (int month = 1; month <= 12; ++month) {
        const std::string_view name = names[month - 1];
        if (!same(name.substr(0, 3))) continue;
        at += same(name) ? name.size() : 3;
        return month;
    }
    return 0;
}

struct written_time {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, microsecond = 0, minutes_east = 0;
    bool twelve_hours = false, afternoon = false;
};

inline bool parse_written(std::string_view pattern, const char*& at, const char* end, written_time& t) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%' || pattern[++i] == '%') {
            if (at == end || *at++ != pattern[i]) return false;
            continue;
        }
        bool good = true;
        switch (pattern[i]) {
            case 'Y': {
                const char* const first = at;
                t.year = some_digits(at, end, 4);
                good = at - first == 4;
                break;
            }
            case 'y': {
                const char* const first = at;
                t.year = some_digits(at, end, 2);
                good = at - first == 2;
                t.year += t.year < 69 ? 2000 : 1900;
                break;
            }
            case 'm': t.month = some_digits(at, end, 2); break;
            case 'b':
            case 'B': t.month = month_by_name(at, end); break;
            case 'd': t.day = some_digits(at, end, 2); break;
            case 'H': good = (t.hour = some_digits(at, end, 2)) >= 0 && t.hour <= 23; break;
            case 'I':
                t.twelve_hours = true;
                good = (t.hour = some_digits(at, end, 2)) >= 1 && t.hour <= 12;
                break;
            case 'M': good = (t.minute = some_digits(at, end, 2)) >= 0 && t.minute <= 59; break;
            case 'S': good = (t.second = some_digits(at, end, 2)) >= 0 && t.second <= 59; break;
            case 'p':
                good = end - at >= 2 && ((*at | 0x20) == 'a' || (*at | 0x20) == 'p') && (at[1] | 0x20) == 'm';
                if (!good) break;
                t.afternoon = (*at | 0x20) == 'p';
                at += 2;
                break;
            case 'f': {
                const char* const last = end - at > 6 ? at + 6 : end;
                good = parse_fraction(at, last, t.microsecond);
                break;
            }
            case 'z': good = parse_zone(at, end, t.minutes_east); break;
            case 'F': good = parse_written("%Y-%m-%d", at, end, t); break;
            case 'T': good = parse_written("%H:%M:%S", at, end, t); break;
            default: return false;
        }
        if (!good) return false;
    }
    return true;
}
inline bool parse_whole_written(const time_format& format, const char* at, const char* end, written_time& t) {
    if (!parse_written(format.pattern(), at, end, t) || at != end || !date::is_valid(t.year, t.month, t.day)) return false;
    if (t.twelve_hours) t.hour = t.hour % 12 + (t.afternoon ? 12 : 0);
    return true;
}

inline bool parse_with(const time_format& format, const char* at, const char* end, timestamp& value) {
    written_time t;
    if (!parse_whole_written(format, at, end, t)) return false;
    value = timestamp_of(date(t.year, t.month, t.day), (t.hour * 60 + t.minute) * 60 + t.second, t.microsecond, t.minutes_east);
    return true;
}
// A date is the day that is written; a time beside it, and a zone, do not move it.
inline bool parse_with(const time_format& format, const char* at, const char* end, date& value) {
    written_time t;
    if (!parse_whole_written(format, at, end, t)) return false;
    value = date(t.year, t.month, t.day);
    return true;
}

inline void put_digits(char*& to, int value, int width) {
    for (int i = width - 1; i >= 0; --i) {
        to[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    to += width;
}

inline void put_date(char*& to, date value) {
    int year = value.year();
    if (year < 0 || year > 9999) {
        *to++ = year < 0 ? '-' : '+';
        if (year < 0) year = -year;
        put_digits(to, year, year > 999'999 ? 7 : year > 99'999 ? 6 : year > 9999 ? 5 : 4);
    } else {
        put_digits(to, year, 4);
    }
    *to++ = '-';
    put_digits(to, value.month(), 2);
    *to++ = '-';
    put_digits(to, value.day(), 2);
}

// The point and the digits that are not trailing zeros.
inline void put_fraction(char*& to, int microseconds) {
    if (microseconds == 0) return;
    *to++ = '.';
    put_digits(to, microseconds, 6);
    while (to[-1] == '0') --to;
}

inline void put_time(char*& to, timestamp value, char separator) {
    const date day = value.day();
    put_date(to, day);
    *to++ = separator;
    const std::int64_t rest = value.microseconds_of_day();
    const int seconds = static_cast<int>(rest / microseconds_per_second);
    put_digits(to, seconds / 3600, 2);
    *to++ = ':';
    put_digits(to, seconds / 60 % 60, 2);
    *to++ = ':';
    put_digits(to, seconds % 60, 2);
    put_fraction(to, static_cast<int>(rest % microseconds_per_second));
}

}  // namespace detail

// The value that the whole of `text` spells, or nothing. T: bool, std::int32_t, std::int64_t, float, double, date,
// timestamp or duration.
template <class T>
std::optional<T> parse_value(std::string_view text) {
    T value{};
    if (!detail::parse_into(text.data(), text.data() + text.size(), value)) return std::nullopt;
    return value;
}

// The same for a date or timestamp that is written in another way.
template <class T>
    requires std::is_same_v<T, date> || std::is_same_v<T, timestamp>
std::optional<T> parse_value(std::string_view text, const time_format& format) {
    T value{};
    if (!detail::parse_with(format, text.data(), text.data() + text.size(), value)) return std::nullopt;
    return value;
}

// Appends the value as text: the shortest digits that read back as the same number, a NaN of either sign as `nan`;
// `YYYY-MM-DD HH:MM:SS[.ffffff]`.
template <class T>
    requires std::is_same_v<T, bool>
void append_text(std::string& to, T value) {
    to += value ? "true" : "false";
}

template <class T>
    requires is_number<T>
void append_text(std::string& to, T value) {
    char digits[40];
    if (value != value) to += "nan";
    else to.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

inline void append_text(std::string& to, date value) {
    char digits[24];
    char* end = digits;
    detail::put_date(end, value);
    to.append(digits, end);
}

inline void append_text(std::string& to, timestamp value, char separator = ' ') {
    char digits[48];
    char* end = digits;
    detail::put_time(end, value, separator);
    to.append(digits, end);
}

inline void append_text(std::string& to, duration value) {
    const bool negative = value.microseconds < 0;
    const std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(value.microseconds) : static_cast<std::uint64_t>(value.microseconds);
    if (negative) to += '-';
    char digits[40];
    char* end = std::to_chars(digits, digits + sizeof digits, magnitude / microseconds_per_second).ptr;
    detail::put_fraction(end, static_cast<int>(magnitude % microseconds_per_second));
    to.append(digits, end);
}

template <class T>
std::string to_text(T value) {
    std::string text;
    append_text(text, value);
    return text;
}

}  // namespace SEGKIT_NAMESPACE
