// segkit/table/types.hpp: the types a column can have, and what each is at run time.
//
// A field's type is bool, std::int32_t, std::int64_t, float, double, text, category, date, timestamp, duration, a list of any of
// these but a category, a block of float or double, or std::optional of any of these but a block. A non-optional column costs nothing for nulls.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE {

// UTF-8 text, compared by bytes. The value of a text column is a std::string_view into the column.
struct text {};

// Text of few different values: read, compared and written as text, stored as 4-byte codes and each different text once.
struct category {};

// A calendar day of the proleptic Gregorian calendar, as days since 1970-01-01.
class date {
public:
    constexpr date() = default;

    // year, month (1-12), day (1-31). The caller answers for the day existing; see is_valid.
    constexpr date(int year, int month, int day) {
        // Days from civil: H. Hinnant, "chrono-compatible low-level date algorithms", 2013.
        const int y = year - (month <= 2);
        const int era = (y >= 0 ? y : y - 399) / 400;
        const int year_of_era = y - era * 400;
        const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        days_ = era * 146097 + day_of_era - 719468;
    }

    static constexpr date from_days(std::int32_t days_since_1970) {
        date d;
        d.days_ = days_since_1970;
        return d;
    }
    static constexpr bool is_valid(int year, int month, int day) {
        if (month < 1 || month > 12 || day < 1) return false;
        constexpr int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        return day <= length[month - 1] + (month == 2 && leap);
    }

    constexpr std::int32_t days_since_1970() const { return days_; }
    constexpr int year() const { return civil().year; }
    constexpr int month() const { return civil().month; }
    constexpr int day() const { return civil().day; }

    // ISO 8601: 1 is Monday, 7 is Sunday.
    constexpr int iso_weekday() const { return static_cast<int>(((std::int64_t{days_} + 3) % 7 + 7) % 7) + 1; }

    friend constexpr auto operator<=>(const date&, const date&) = default;

private:
    struct parts {
        int year, month, day;
    };
    constexpr parts civil() const {
        const std::int64_t z = std::int64_t{days_} + 719468;
        const std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
        const int day_of_era = static_cast<int>(z - era * 146097);
        const int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        const int shifted_month = (5 * day_of_year + 2) / 153;
        const int month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
        return {year_of_era + static_cast<int>(era) * 400 + (month <= 2), month, day_of_year - (153 * shifted_month + 2) / 5 + 1};
    }

    std::int32_t days_ = 0;
};

// A span of time in microseconds; what the difference of two timestamps is.
struct duration {
    std::int64_t microseconds = 0;
    friend constexpr auto operator<=>(const duration&, const duration&) = default;
};

inline constexpr std::int64_t microseconds_per_second = 1'000'000;
inline constexpr std::int64_t microseconds_per_day = 86'400 * microseconds_per_second;

// A point in time, UTC, in microseconds since 1970-01-01 00:00. A date converts to its midnight; a day that microseconds in
// 64 bits do not reach, some 292,000 years from 1970, is an error (overflow).
class timestamp {
public:
    constexpr timestamp() = default;
    constexpr timestamp(date day) : microseconds_(std::int64_t{reached(day)} * microseconds_per_day) {}
    constexpr timestamp(date day, int hour, int minute, int second, int microsecond = 0)
        : microseconds_(timestamp(day).microseconds_ + ((std::int64_t{hour} * 60 + minute) * 60 + second) * microseconds_per_second +
                        microsecond) {}

    static constexpr timestamp from_microseconds(std::int64_t since_1970) {
        timestamp t;
        t.microseconds_ = since_1970;
        return t;
    }
    constexpr std::int64_t microseconds_since_1970() const { return microseconds_; }
    constexpr date day() const {
        const std::int64_t days = microseconds_ / microseconds_per_day - (microseconds_ % microseconds_per_day < 0);
        return date::from_days(static_cast<std::int32_t>(days));
    }
    constexpr std::int64_t microseconds_of_day() const {
        return (microseconds_ % microseconds_per_day + microseconds_per_day) % microseconds_per_day;
    }

    // The midnight of a day for comparing: a day out of reach is the least or the greatest timestamp.
    static constexpr timestamp nearest_midnight(date day) {
        using limits = std::numeric_limits<std::int64_t>;
        constexpr std::int64_t most = limits::max() / microseconds_per_day;
        const std::int64_t days = day.days_since_1970();
        return from_microseconds(days > most ? limits::max() : days < -most ? limits::min() : days * microseconds_per_day);
    }

    friend constexpr auto operator<=>(const timestamp&, const timestamp&) = default;
    friend constexpr duration operator-(timestamp a, timestamp b) { return {a.microseconds_ - b.microseconds_}; }

private:
    // Days of which every microsecond fits.
    static constexpr std::int32_t reached(date day) {
        constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / microseconds_per_day - 1;
        const std::int32_t days = day.days_since_1970();
        if (days > most || days < -most)
            throw error({.code = error_code::overflow,
                         .stage = "timestamp",
                         .found = "day " + std::to_string(days) + " since 1970",
                         .expected = "a day from " + std::to_string(-most) + " to " + std::to_string(most) + ", whose microseconds fit 64 bits",
                         .advice = "filter such rows or guard with when()"});
        return days;
    }

    std::int64_t microseconds_ = 0;
};

// One name holding a vector per row, all rows of one width that is known at run time only: what PCA produces and
// estimators accept. Arrow calls it a fixed-size list.
template <class T>
    requires std::same_as<T, float> || std::same_as<T, double>
struct block {};

// The value of one row of a block column.
template <class T>
struct block_value {
    const T* values = nullptr;
    std::size_t width = 0;

    constexpr const T& operator[](std::size_t i) const { return values[i]; }
    constexpr std::size_t size() const { return width; }
    constexpr const T* begin() const { return values; }
    constexpr const T* end() const { return values + width; }
    friend constexpr bool operator==(const block_value& a, const block_value& b) {
        if (a.width != b.width) return false;
        for (std::size_t i = 0; i < a.width; ++i)
            if (!(a.values[i] == b.values[i])) return false;
        return true;
    }
};

namespace detail {
// Where the items of one list lie: values one after the other; of text, offsets into bytes.
struct list_place {
    const void* items = nullptr;
    const char* bytes = nullptr;
    std::size_t count = 0;
};
}  // namespace detail

// The value of one row of a list column: a range of V, std::string_view for text, valid while the column lives unchanged.
template <class V>
struct list_value : detail::list_place {
    using value_type = V;

    std::size_t size() const { return count; }
    bool empty() const { return count == 0; }
    V operator[](std::size_t i) const {
        if constexpr (std::same_as<V, std::string_view>) {
            const auto* offsets = static_cast<const std::int64_t*>(items);
            return {bytes + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
        } else {
            return data()[i];
        }
    }
    const V* data() const
        requires(!std::same_as<V, std::string_view>)
    {
        return static_cast<const V*>(items);
    }

    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = V;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = V;

        iterator() = default;
        iterator(const list_value& list, std::size_t at) : list_(list), at_(at) {}
        V operator*() const { return list_[at_]; }
        iterator& operator++() {
            ++at_;
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++at_;
            return before;
        }
        friend bool operator==(const iterator& a, const iterator& b) { return a.at_ == b.at_; }

    private:
        list_value list_{};
        std::size_t at_ = 0;
    };
    iterator begin() const { return {*this, 0}; }
    iterator end() const { return {*this, count}; }

    friend bool operator==(const list_value& a, const list_value& b) {
        bool same = a.count == b.count;
        for (std::size_t i = 0; same && i < a.count; ++i) same = a[i] == b[i];
        return same;
    }
};

// ---- what a field's type means

namespace detail {
template <class T>
struct optional_traits {
    using type = T;
    static constexpr bool value = false;
};
template <class T>
struct optional_traits<std::optional<T>> {
    using type = T;
    static constexpr bool value = true;
};
template <class T>
struct block_traits {
    using element = T;
    static constexpr bool value = false;
};
template <class T>
struct block_traits<block<T>> {
    using element = T;
    static constexpr bool value = true;
};
template <class T>
struct list_traits {
    using item = T;
    static constexpr bool value = false;
};
template <class T>
struct value_of {
    using type = T;
};
template <>
struct value_of<text> {
    using type = std::string_view;
};
template <>
struct value_of<category> : value_of<text> {};
template <class T>
struct value_of<block<T>> {
    using type = block_value<T>;
};
}  // namespace detail

// std::optional<T> -> T, T -> T.
template <class T>
using non_null_t = typename detail::optional_traits<T>::type;

template <class T>
inline constexpr bool is_nullable = detail::optional_traits<T>::value;

template <class T>
inline constexpr bool is_block = detail::block_traits<T>::value;

// Of a list, nullable or not.
template <class T>
inline constexpr bool is_list = detail::list_traits<non_null_t<T>>::value;

// What has several values in a row: no key, no order, no CSV.
template <class T>
inline constexpr bool is_nested = is_block<T> || is_list<T>;

// What one row of a column of this type holds: text -> std::string_view, block<T> -> block_value<T>, optional kept.
template <class T>
using value_t = std::conditional_t<is_nullable<T>, std::optional<typename detail::value_of<non_null_t<T>>::type>,
                                   typename detail::value_of<non_null_t<T>>::type>;

// Whether columns of two types hold values of one type: a text and a category do; nulls aside.
template <class T, class U>
inline constexpr bool holds_same_values = std::same_as<typename detail::value_of<non_null_t<T>>::type, typename detail::value_of<non_null_t<U>>::type>;

template <class T>
inline constexpr bool is_integer = std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;

template <class T>
inline constexpr bool is_number = is_integer<T> || std::same_as<T, float> || std::same_as<T, double>;

enum class type_id : std::uint8_t { boolean, int32, int64, float32, float64, text, date, timestamp, duration, block32, block64, category };    // and list_of(type)

// What is read and written as text: the difference between the two is one of storage.
template <class T>
inline constexpr bool is_text = std::same_as<T, text> || std::same_as<T, category>;

template <class T>
inline constexpr bool is_plain_column_type = std::same_as<T, bool> || is_number<T> || is_text<T> || std::same_as<T, date> ||
                                             std::same_as<T, timestamp> || std::same_as<T, duration>;

// One name holding any number of values per row, of one type: what to_list makes. T is bool, a number, text, date, timestamp
// or duration, and never null; the list itself may be. Arrow calls it a list.
template <class T>
    requires(is_plain_column_type<T> && !std::same_as<T, category>)
struct list {};

namespace detail {
template <class T>
struct list_traits<list<T>> {
    using item = T;
    static constexpr bool value = true;
};
template <class T>
struct value_of<list<T>> {
    using type = list_value<typename value_of<T>::type>;
};
}  // namespace detail

// A type that a field can have.
template <class T>
concept column_type = is_plain_column_type<non_null_t<T>> || is_list<T> || (is_block<T> && !is_nullable<T>);

// The types of lists, by that of their items.
constexpr type_id list_of(type_id item) { return static_cast<type_id>(32 | static_cast<unsigned>(item)); }
constexpr type_id item_of(type_id list) { return static_cast<type_id>(static_cast<unsigned>(list) & 31); }
constexpr bool is_list_type(type_id type) { return (static_cast<unsigned>(type) & 32) != 0; }

template <column_type T>
inline constexpr type_id type_id_of = [] {
    using U = non_null_t<T>;
    if constexpr (std::same_as<U, bool>) return type_id::boolean;
    else if constexpr (std::same_as<U, std::int32_t>) return type_id::int32;
    else if constexpr (std::same_as<U, std::int64_t>) return type_id::int64;
    else if constexpr (std::same_as<U, float>) return type_id::float32;
    else if constexpr (std::same_as<U, double>) return type_id::float64;
    else if constexpr (std::same_as<U, text>) return type_id::text;
    else if constexpr (std::same_as<U, category>) return type_id::category;
    else if constexpr (std::same_as<U, date>) return type_id::date;
    else if constexpr (std::same_as<U, timestamp>) return type_id::timestamp;
    else if constexpr (std::same_as<U, duration>) return type_id::duration;
    else if constexpr (std::same_as<U, block<float>>) return type_id::block32;
    else if constexpr (is_block<U>) return type_id::block64;
    else return list_of(type_id_of<typename detail::list_traits<U>::item>);
}();

// What a column is while rows are on their way: a category is text there, and coded only where a table keeps it.
template <column_type T>
inline constexpr type_id slot_type_of = is_text<non_null_t<T>> ? type_id::text : type_id_of<T>;

constexpr std::string_view to_string(type_id type) {
    if (is_list_type(type)) {
        constexpr std::string_view lists[] = {"list<bool>", "list<int32>", "list<int64>", "list<float>", "list<double>", "list<text>", "list<date>", "list<timestamp>", "list<duration>"};
        return lists[static_cast<std::size_t>(item_of(type))];
    }
    switch (type) {
        case type_id::boolean: return "bool";
        case type_id::int32: return "int32";
        case type_id::int64: return "int64";
        case type_id::float32: return "float";
        case type_id::float64: return "double";
        case type_id::text: return "text";
        case type_id::date: return "date";
        case type_id::timestamp: return "timestamp";
        case type_id::duration: return "duration";
        case type_id::block32: return "block<float>";
        case type_id::block64: return "block<double>";
        case type_id::category: return "category";
    }
    return "unknown";
}

// Bytes of one value as stored: text and a list as its 8-byte end offset, a category as its code, a block as one element (times its width).
constexpr std::size_t size_of(type_id type) {
    switch (type) {
        case type_id::boolean: return 1;
        case type_id::int32:
        case type_id::float32:
        case type_id::date:
        case type_id::category:
        case type_id::block32: return 4;
        default: return 8;
    }
}

}  // namespace SEGKIT_NAMESPACE
