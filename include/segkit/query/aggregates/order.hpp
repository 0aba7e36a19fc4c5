// segkit/query/aggregates/order.hpp: the least and greatest value, and the first, last and n-th in row order.
//
//     min("x"_c)  max("country"_c)  first("x"_c)  last("x"_c)  nth<2>("x"_c)
//
// Nulls are skipped. A NaN makes min and max NaN; first, last and nth take it like any value. States of constant size (nth<N>
// holds N values); a text is kept by its group until a better one takes its place.
#pragma once

#include <optional>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/statistics/number_states.hpp>
#include <segkit/statistics/order_states.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {
template <class T>
struct extreme_state_of {
    using type = extreme_state<value_t<T>>;
};
template <class T>
    requires is_number<T>
struct extreme_state_of<T> {
    using type = range_state<T>;
};
}  // namespace detail

template <bool Greatest>
struct extreme_kind {
    static constexpr std::string_view aggregate_name = Greatest ? "max" : "min";
    static constexpr bool never_null = false, state_grows = false;
    template <class T>
    static constexpr bool accepts = detail::has_order<T>;
    template <class T>
    using state = typename detail::extreme_state_of<T>::type;
    template <class T>
    using result = T;
    template <class T, class State>
    static std::optional<value_t<T>> finish(const State& s) {
        if (s.count() == 0) return std::nullopt;
        if constexpr (Greatest) return s.maximum();
        else return s.minimum();
    }
};

template <bool Last>
struct end_kind {
    static constexpr std::string_view aggregate_name = Last ? "last" : "first";
    static constexpr bool never_null = false, state_grows = false;
    template <class T>
    static constexpr bool accepts = !is_nested<T>;
    template <class T>
    using state = std::conditional_t<Last, last_state<value_t<T>>, first_state<value_t<T>>>;
    template <class T>
    using result = T;
    template <class T, class State>
    static std::optional<value_t<T>> finish(const State& s) {
        if (!s.any) return std::nullopt;
        return s.value;
    }
};
using first_kind = end_kind<false>;
using last_kind = end_kind<true>;

template <int N>
struct nth_kind {
    static_assert(N > 0, "segkit: values are counted from 1, so nth<1> is the first");
    static constexpr std::string_view aggregate_name = "nth";
    static constexpr bool never_null = false, state_grows = false, null_for_few = N > 1;
    static constexpr int wanted = N > 0 ? N : 1;    // one error for a wrong N, not two
    template <class T>
    static constexpr bool accepts = !is_nested<T>;
    template <class T>
    using state = nth_state<value_t<T>, wanted>;
    template <class T>
    using result = T;
    template <class T, class State>
    static std::optional<value_t<T>> finish(const State& s) {
        if (s.count < wanted) return std::nullopt;
        return s.values[wanted - 1];
    }
};

template <expression E>
constexpr auto min(const E& e) {
    return detail::make_aggregate(extreme_kind<false>{}, e);
}
template <expression E>
constexpr auto max(const E& e) {
    return detail::make_aggregate(extreme_kind<true>{}, e);
}
// The first and the last value that is not null, in row order.
template <expression E>
constexpr auto first(const E& e) {
    return detail::make_aggregate(first_kind{}, e);
}
template <expression E>
constexpr auto last(const E& e) {
    return detail::make_aggregate(last_kind{}, e);
}
// The N-th value that is not null, in row order: nth<1> is the first. Null where there are fewer.
template <int N, expression E>
constexpr auto nth(const E& e) {
    return detail::make_aggregate(nth_kind<N>{}, e);
}

}  // namespace SEGKIT_NAMESPACE
