// segkit/query/aggregates/to_list.hpp: all values of a group as a list.
//
//     group_by("user_id"_c).aggregate("trips"_c = to_list("trip_id"_c), "paid"_c = to_list("price"_c).where("price"_c > 0.0))
//
// In row order, whatever the executor; nulls are skipped, and a group without values has an empty list, never a null. The column
// is a list<T> (docs/tables.md). Every value is kept: memory grows with the rows.
#pragma once

#include <optional>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/statistics/accumulators.hpp>

namespace SEGKIT_NAMESPACE {

struct to_list_kind {
    static constexpr std::string_view aggregate_name = "to_list";
    static constexpr bool never_null = true, state_grows = true;
    static constexpr bool keeps_values = true;    // a group-by keeps them itself: query/detail/accumulators.hpp
    template <class T>
    static constexpr bool accepts = !is_nested<T>;
    template <class T>
    using state = value_list<value_t<T>>;
    template <class T>
    using result = list<T>;
    // The list, as a vector.
    template <class T, class State>
    static auto finish(const State& s) {
        return std::optional(s.values);
    }
};

template <expression E>
constexpr auto to_list(const E& e) {
    return detail::make_aggregate(to_list_kind{}, e);
}

}  // namespace SEGKIT_NAMESPACE
