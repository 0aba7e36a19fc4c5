// segkit/query/aggregates/aggregate.hpp: what an aggregate is: a kind, what it is computed from, and for which rows.
//
//     mean("paid"_c).where("cancelled"_c == false)          aggregate_with(my_kind{}, "paid"_c)
//
// How to satisfy `aggregate_function` (a kind of your own): give
//     static constexpr std::string_view aggregate_name;
//     static constexpr bool never_null;                                 // whether finish always has a value
//     static constexpr bool state_grows;                                // with the rows; may be left out where it does not
//     template <class T> static constexpr bool accepts;                 // of the column's type
//     template <class T> using state = ...;                             // update(value), merge(other), trivially destructible
//     template <class T> using result = ...;                            // a column type
//     template <class T> std::optional<value> finish(const state<T>&) const;          // may be static
// A kind with options is a value with members; `template <class T> state<T> start() const` then begins a state by them. A kind that
// needs all values of a group gives `template <class T> std::optional<value> summarise(value_t<T>* begin, value_t<T>* end) const`
// in place of state and finish. A kind of two columns has `template <class X, class Y>` throughout, and update(x, y).
#pragma once

#include <concepts>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/expr/column.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE {

template <class K>
concept aggregate_function = requires {
    { K::aggregate_name } -> std::convertible_to<std::string_view>;
    { K::never_null } -> std::convertible_to<bool>;
};

namespace detail {
template <class Kind>
inline constexpr bool kind_grows = false;
template <class Kind>
    requires requires { Kind::state_grows; }
inline constexpr bool kind_grows<Kind> = Kind::state_grows;
}  // namespace detail

struct every_row {};    // no condition, or no column

// Two columns whose rows count where both are present.
template <class First, class Second>
struct column_pair {
    First first;
    Second second;
};

template <aggregate_function Kind, class Operand, class Condition>
struct aggregate_expression : aggregate_base {
    // Whether the state of a group grows with its rows (or its different values): false means so many bytes a group.
    static constexpr bool state_grows = detail::kind_grows<Kind>;

    Kind kind;
    Operand operand;
    Condition condition;

    // Only rows for which the condition is true; unknown counts as false.
    template <expression C>
        requires std::same_as<Condition, every_row>
    constexpr auto where(const C& only) const {
        return aggregate_expression<Kind, Operand, C>{{}, kind, operand, only};
    }
};

namespace detail {
template <class Kind, class Operand>
constexpr auto make_aggregate(const Kind& kind, const Operand& operand) {
    return aggregate_expression<Kind, Operand, every_row>{{}, kind, operand, {}};
}

template <class T>
inline constexpr bool has_order = is_number<T> || is_text<T> || std::same_as<T, date> || std::same_as<T, timestamp> || std::same_as<T, duration>;
}  // namespace detail

template <aggregate_function Kind, expression E>
constexpr auto aggregate_with(const Kind& kind, const E& e) {
    return detail::make_aggregate(kind, e);
}
template <aggregate_function Kind, expression First, expression Second>
constexpr auto aggregate_with(const Kind& kind, const First& first, const Second& second) {
    return detail::make_aggregate(kind, column_pair<First, Second>{first, second});
}

}  // namespace SEGKIT_NAMESPACE
