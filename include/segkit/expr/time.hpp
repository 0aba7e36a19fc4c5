// segkit/expr/time.hpp: dates, timestamps and durations in expressions.
//
//     in_days("end"_c - "start"_c)          a double; in_hours, in_minutes, in_seconds alike
//     whole_days("end"_c - "start"_c)       floor, as an integer; negative spans round down
//     date_of("start"_c), iso_weekday("start"_c), year_of, month_of, hour_of
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/expr/operators.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

inline constexpr std::int64_t microseconds_per_minute = 60 * microseconds_per_second;
inline constexpr std::int64_t microseconds_per_hour = 60 * microseconds_per_minute;

template <std::int64_t Unit>
constexpr std::string_view unit_word() {
    if (Unit == microseconds_per_day) return "in_days";
    if (Unit == microseconds_per_hour) return "in_hours";
    if (Unit == microseconds_per_minute) return "in_minutes";
    return "in_seconds";
}

template <std::int64_t Unit>
struct in_unit_op {
    static constexpr std::string_view word = unit_word<Unit>();
    static constexpr bool cheap = true;
    template <class A>
    static constexpr bool accepts = std::same_as<A, duration>;
    static double evaluate(duration d) { return static_cast<double>(d.microseconds) / static_cast<double>(Unit); }
};
struct whole_days_op {
    static constexpr std::string_view word = "whole_days";
    template <class A>
    static constexpr bool accepts = std::same_as<A, duration>;
    static std::int64_t evaluate(duration d) {
        return d.microseconds / microseconds_per_day - (d.microseconds % microseconds_per_day < 0);
    }
};
struct date_of_op {
    static constexpr std::string_view word = "date_of";
    template <class A>
    static constexpr bool accepts = std::same_as<A, timestamp>;
    static date evaluate(timestamp t) { return t.day(); }
};

template <class A>
constexpr date day_of_instant(const A& a) {
    if constexpr (std::same_as<A, date>) return a;
    else return a.day();
}
// A number that the calendar gives a day.
template <fixed_string Name>
struct calendar_op {
    static constexpr std::string_view word = name_of<Name>;
    template <class A>
    static constexpr bool accepts = is_instant<A>;
    template <class A>
    static std::int32_t evaluate(const A& a) {
        const date day = day_of_instant(a);
        if constexpr (word == "year_of") return day.year();
        else if constexpr (word == "month_of") return day.month();
        else return day.iso_weekday();
    }
};
struct hour_of_op {
    static constexpr std::string_view word = "hour_of";
    template <class A>
    static constexpr bool accepts = std::same_as<A, timestamp>;
    static std::int32_t evaluate(timestamp t) {
        return static_cast<std::int32_t>(t.microseconds_of_day() / microseconds_per_hour);
    }
};
// Completed years from the first date to the second, as a birthday counts them; 29 February completes on 1 March.
struct completed_years_op {
    static constexpr std::string_view word = "completed_years";
    template <class A, class B>
    static constexpr bool accepts = is_instant<A> && is_instant<B>;
    template <class A, class B>
    static std::int32_t evaluate(const A& from, const B& to) {
        const date a = day_of_instant(from), b = day_of_instant(to);
        const bool not_yet = b.month() < a.month() || (b.month() == a.month() && b.day() < a.day());
        return b.year() - a.year() - not_yet;
    }
};

}  // namespace detail

// A duration as a number of units, with its fraction.
template <expression E>
constexpr auto in_days(const E& e) {
    return detail::make_operation(detail::in_unit_op<microseconds_per_day>{}, e);
}
template <expression E>
constexpr auto in_hours(const E& e) {
    return detail::make_operation(detail::in_unit_op<detail::microseconds_per_hour>{}, e);
}
template <expression E>
constexpr auto in_minutes(const E& e) {
    return detail::make_operation(detail::in_unit_op<detail::microseconds_per_minute>{}, e);
}
template <expression E>
constexpr auto in_seconds(const E& e) {
    return detail::make_operation(detail::in_unit_op<microseconds_per_second>{}, e);
}
// Days in a duration, rounded down.
template <expression E>
constexpr auto whole_days(const E& e) {
    return detail::make_operation(detail::whole_days_op{}, e);
}
// The UTC day of a timestamp.
template <expression E>
constexpr auto date_of(const E& e) {
    return detail::make_operation(detail::date_of_op{}, e);
}
// Of a date or a timestamp, in UTC: 1 Monday to 7 Sunday.
template <expression E>
constexpr auto iso_weekday(const E& e) {
    return detail::make_operation(detail::calendar_op<"iso_weekday">{}, e);
}
// Of a date or a timestamp, in UTC; months from 1, hours from 0.
template <expression E>
constexpr auto year_of(const E& e) {
    return detail::make_operation(detail::calendar_op<"year_of">{}, e);
}
template <expression E>
constexpr auto month_of(const E& e) {
    return detail::make_operation(detail::calendar_op<"month_of">{}, e);
}
template <expression E>
constexpr auto hour_of(const E& e) {
    return detail::make_operation(detail::hour_of_op{}, e);
}
// Completed years between two days: an age.
template <class From, class To>
    requires detail::operator_sides<From, To>
constexpr auto completed_years(const From& from, const To& to) {
    return detail::make_operation(detail::completed_years_op{}, from, to);
}

}  // namespace SEGKIT_NAMESPACE
