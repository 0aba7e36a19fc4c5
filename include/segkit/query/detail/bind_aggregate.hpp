// segkit/query/detail/bind_aggregate.hpp: from an aggregate as it is written to an accumulator and an output of a group-by.
//
// The last place where an aggregate knows names: columns become slots, kinds meet value types, wrong ones become compile errors.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/pipeline/relation.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/query/detail/accumulators.hpp>

namespace SEGKIT_NAMESPACE {

template <class Kind, class Type>
struct aggregate_does_not_take_this_type {
    static_assert(detail::never<Kind>,
                  "segkit: this aggregate cannot take a column of this type (sum, mean, stddev, median and quantiles need numbers, share, any and all a "
                  "condition); see 'aggregate_does_not_take_this_type<aggregate, column type>'");
};
template <class Kind, class First, class Second>
struct aggregate_does_not_take_these_types {
    static_assert(detail::never<Kind>,
                  "segkit: this aggregate cannot take columns of these types (covariance and correlation need numbers, min_by and max_by a second column "
                  "that has an order); see 'aggregate_does_not_take_these_types<aggregate, column type, column type>'");
};

namespace detail {

// What the making of one aggregate needs; nullable: whether a group may come without a value.
struct aggregate_slots {
    int first = -1, second = -1, condition = -1;
};

template <class A>
std::unique_ptr<grouped_accumulator> reading(std::unique_ptr<A> a, const aggregate_slots& slots) {
    a->identity = &type_identity_of<A>;
    a->slot = slots.first;
    a->second_slot = slots.second;
    a->condition = slots.condition;
    return a;
}
template <class State, class Kind, class... T>
State initial_state(const Kind& kind) {
    if constexpr (requires { kind.template start<T...>(); }) return kind.template start<T...>();
    else return State{};
}
template <class Kind, class A>
void set_parameter(const Kind& kind, A& accumulator) {
    if constexpr (requires { kind.parameter(); }) accumulator.parameter = kind.parameter();
}

template <class Kind, class T>
concept summarises_one = requires(const Kind& kind, value_t<T>* p) { kind.template summarise<T>(p, p); } ||
                         requires(const Kind& kind, group_values<value_t<T>>& v) { kind.template summarise<T>(v); };
template <class Kind, class T>
concept summarises_vector = requires(const Kind& kind, group_values<value_t<T>>& v, double* out) { kind.template summarise<T>(v, out); };
template <class Kind, class T>
concept tallies = requires { typename Kind::template tally<T>; };

// A question to the values of a column, which are kept once for all questions.
template <class Question, class Kind, class T>
std::size_t add_question(const plan& p, group_layout& layout, const Kind& kind, const aggregate_slots& slots) {
    using A = list_accumulator<value_t<T>>;
    const std::size_t number = layout.add_accumulator(p, reading(std::make_unique<A>(), slots));
    const std::size_t offset = static_cast<A&>(*layout.accumulators[number]).ask(std::make_unique<typename Question::question>(kind));
    layout.outputs.push_back({number, std::make_unique<typename Question::finisher>(kind, offset), {}, false});
    return number;
}

// T: of the column; V: what its values are loaded as, every_row where there is no column.
template <class V, class T, class Kind>
void add_aggregate(const plan& p, group_layout& layout, const Kind& kind, const aggregate_slots& slots) {
    if constexpr (std::same_as<V, every_row> || !(summarises_one<Kind, T> || summarises_vector<Kind, T> || tallies<Kind, T> || requires { Kind::keeps_values; })) {
        using State = typename Kind::template state<T>;
        if constexpr (number_part_of<State> != 0) {
            using A = number_accumulator<V>;
            const std::size_t number = layout.add_accumulator(p, reading(std::make_unique<A>(), slots));
            auto& numbers = static_cast<A&>(*layout.accumulators[number]);
            numbers.ask(number_part_of<State>);
            layout.outputs.push_back({number, std::make_unique<number_finisher<Kind, State, T>>(kind, numbers), {}, false});
            return;
        }
        constexpr bool reads = !requires { Kind::reads_value; } && !std::same_as<V, every_row>;
        using A = accumulator_of<State, std::conditional_t<reads, V, every_row>>;
        auto accumulator = reading(std::make_unique<A>(initial_state<State, Kind, T>(kind)), slots);
        accumulator->reads_value = reads;
        set_parameter(kind, *accumulator);
        const std::size_t number = layout.add_accumulator(p, std::move(accumulator));
        layout.outputs.push_back({number, std::make_unique<state_finisher<Kind, State, T>>(kind), {}, false});
    } else if constexpr (requires { Kind::keeps_values; }) {
        const std::size_t number = layout.add_accumulator(p, reading(std::make_unique<to_list_accumulator<V>>(), slots));
        layout.outputs.push_back({number, std::make_unique<to_list_finisher<V>>(), {}, false});
    } else if constexpr (tallies<Kind, T>) {
        using Tally = typename Kind::template tally<T>;
        const std::size_t number = layout.add_accumulator(p, reading(std::make_unique<distinct_accumulator<Tally, V>>(), slots));
        layout.outputs.push_back({number, std::make_unique<tally_finisher<Tally>>(), {}, false});
    } else if constexpr (summarises_vector<Kind, T>) {
        add_question<vector_of<Kind, T>, Kind, T>(p, layout, kind, slots);
    } else {
        add_question<summary_of<Kind, T>, Kind, T>(p, layout, kind, slots);
    }
}
template <class X, class Y, class Kind>
void add_pair_aggregate(const plan& p, group_layout& layout, const Kind& kind, const aggregate_slots& slots) {
    using State = typename Kind::template state<X, Y>;
    auto accumulator = reading(std::make_unique<pair_accumulator_of<State, value_t<X>, value_t<Y>>>(initial_state<State, Kind, X, Y>(kind)), slots);
    set_parameter(kind, *accumulator);
    const std::size_t number = layout.add_accumulator(p, std::move(accumulator));
    layout.outputs.push_back({number, std::make_unique<state_finisher<Kind, State, X, Y>>(kind), {}, false});
}

// The type of the output just added, by what a group may lack.
template <class Kind, class Result, bool CanLackValues>
auto finish_output(group_layout& layout) {
    constexpr bool for_few = [] {
        if constexpr (requires { Kind::null_for_few; }) return bool{Kind::null_for_few};
        else return false;
    }();
    constexpr bool nullable = !Kind::never_null && (CanLackValues || for_few);
    layout.outputs.back().type = slot_type_of<Result>;
    layout.outputs.back().nullable = nullable;
    return std::type_identity<std::conditional_t<nullable, std::optional<Result>, Result>>{};
}

template <class Schema, class Condition>
int condition_slot(relation<Schema>& r, const Condition& condition) {
    if constexpr (std::same_as<Condition, every_row>) return -1;
    else return materialise_truth(r, condition);
}

// Adds one aggregate to the layout; returns (by type) the column it makes.
// Global: over all rows at once, which may be none.
template <bool Global, class Schema, class Kind, class Condition>
auto bind_aggregate(relation<Schema>& r, group_layout& layout, const aggregate_expression<Kind, every_row, Condition>& a) {
    const int condition = condition_slot(r, a.condition);
    add_aggregate<every_row, std::int64_t>(r.plan, layout, a.kind, {-1, -1, condition});
    return finish_output<Kind, typename Kind::template result<std::int64_t>, true>(layout);
}
template <bool Global, class Schema, class Kind, class E, class Condition>
auto bind_aggregate(relation<Schema>& r, group_layout& layout, const aggregate_expression<Kind, E, Condition>& a) {
    constexpr bool conditional = !std::same_as<Condition, every_row>;
    if constexpr (is_erroneous<bound_t<Schema, E>>) {
        return std::type_identity<erroneous>{};    // binding has said why
    } else {
        using Column = expression_type_t<Schema, E>;
        using T = non_null_t<Column>;
        if constexpr (!Kind::template accepts<T>) {
            detail::report(detail::mistake<aggregate_does_not_take_this_type<Kind, Column>>);
            return std::type_identity<erroneous>{};
        } else {
            aggregate_slots slots{.condition = condition_slot(r, a.condition)};
            slots.first = materialise(r, a.operand, {Kind::aggregate_name});
            add_aggregate<value_t<T>, T>(r.plan, layout, a.kind, slots);
            return finish_output<Kind, typename Kind::template result<T>, Global || conditional || is_nullable<Column>>(layout);
        }
    }
}
template <bool Global, class Schema, class Kind, class First, class Second, class Condition>
auto bind_aggregate(relation<Schema>& r, group_layout& layout, const aggregate_expression<Kind, column_pair<First, Second>, Condition>& a) {
    constexpr bool conditional = !std::same_as<Condition, every_row>;
    if constexpr (is_erroneous<bound_t<Schema, First>> || is_erroneous<bound_t<Schema, Second>>) {
        return std::type_identity<erroneous>{};    // binding has said why
    } else {
        using X = expression_type_t<Schema, First>;
        using Y = expression_type_t<Schema, Second>;
        using T = non_null_t<X>;
        using U = non_null_t<Y>;
        if constexpr (!Kind::template accepts<T, U>) {
            detail::report(detail::mistake<aggregate_does_not_take_these_types<Kind, X, Y>>);
            return std::type_identity<erroneous>{};
        } else {
            aggregate_slots slots{.condition = condition_slot(r, a.condition)};
            slots.first = materialise(r, a.operand.first, {Kind::aggregate_name});
            slots.second = materialise(r, a.operand.second, {Kind::aggregate_name});
            add_pair_aggregate<T, U>(r.plan, layout, a.kind, slots);
            return finish_output<Kind, typename Kind::template result<T, U>, Global || conditional || is_nullable<X> || is_nullable<Y>>(layout);
        }
    }
}

}  // namespace detail

}  // namespace SEGKIT_NAMESPACE
