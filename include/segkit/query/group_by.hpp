// segkit/query/group_by.hpp: one row per group.
//
//     sessions | group_by("user_id"_c).aggregate("sessions"_c = count(), "clicks"_c = mean("page_clicks"_c))
//     sessions | group_by("country"_c, "weekday"_c = weekday("start"_c)).sorted().aggregate("sessions"_c = count())
//     sessions | aggregate("rows"_c = count(), "clicks"_c = sum("page_clicks"_c))      // one row over all
//
// A key is a column or a named expression, of any type but a block. Null keys form a group, as in SQL. Groups come out in the order
// of their first rows, or sorted. Ends a pass; memory grows with the groups (and with the values of aggregates whose `state_grows`),
// not with the rows. Bit-identical for any executor.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/aggregates.hpp>
#include <segkit/query/detail/bind_aggregate.hpp>
#include <segkit/query/detail/group_engine.hpp>
#include <segkit/query/select.hpp>
#include <segkit/query/sort.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// Where the groups of a group-by come out.
struct first_seen_order {};
struct key_order {};

// A key as it is written: a column, or an expression under a name.
template <class Key>
struct group_key;
template <fixed_string Name>
struct group_key<col<Name>> {
    static constexpr auto key_name = Name;
    template <class Schema>
    static constexpr bool is_bound = has_column<Schema, Name>;
    template <class Schema>
    struct column {
        using type = column_type_t<Schema, Name>;
    };
};
template <fixed_string Name, class E>
struct group_key<named<Name, E>> {
    static constexpr auto key_name = Name;
    template <class Schema>
    static constexpr bool is_bound = !is_erroneous<bound_t<Schema, E>>;
    template <class Schema>
    struct column {
        using type = expression_type_t<Schema, E>;
    };
};
template <class Schema, fixed_string Name>
int key_slot(relation<Schema>& r, const col<Name>&) {
    return r.template slot<Name>();
}
template <class Schema, fixed_string Name, class E>
int key_slot(relation<Schema>& r, const named<Name, E>& key) {
    return materialise(r, key.content, {"group_by", name_of<Name>});
}
template <class Schema, fixed_string Name>
void report_key(const relation<Schema>&, const col<Name>&) {
    require_column<Schema, Name>();
}
template <class Schema, fixed_string Name, class E>
void report_key(const relation<Schema>&, const named<Name, E>&) {}    // binding reports it

template <class T>
inline constexpr bool is_group_key = false;
template <fixed_string Name>
inline constexpr bool is_group_key<col<Name>> = true;
template <fixed_string Name, class E>
inline constexpr bool is_group_key<named<Name, E>> = expression<E>;

}  // namespace detail

template <class Name>
struct nested_group_key {
    static_assert(detail::never<Name>, "segkit: a block column cannot be a key, and neither can a list; see 'nested_group_key<name>'; group by columns of one value per row");
};

template <class Order, class Keys, class... Named>
struct group_by_stage;

template <class Order, class... Keys, fixed_string... Names, class... Aggregates>
struct group_by_stage<Order, detail::pack<Keys...>, named<Names, Aggregates>...> : stage_base {
    static constexpr std::string_view stage_name = "group_by";
    static constexpr bool global = sizeof...(Keys) == 0;
    // Whether memory grows with the rows, or their different values, and not with the groups alone.
    static constexpr bool state_grows = (Aggregates::state_grows || ...);
    detail::pack<Keys...> keys;
    detail::pack<named<Names, Aggregates>...> aggregates;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!(detail::group_key<Keys>::template is_bound<Schema> && ...)) {
            detail::unpack([&](const Keys&... k) { (detail::report_key(r, k), ...); }, keys);
            return detail::erroneous_rows();
        } else if constexpr (!detail::names_differ<field<detail::group_key<Keys>::key_name, int>..., field<Names, int>...>) {
            detail::report(detail::mistake<duplicate_column_name<column_list<detail::group_key<Keys>::key_name..., Names...>, existing_columns_of<Schema>>>);
            return detail::erroneous_rows();
        } else if constexpr ((is_nested<typename detail::group_key<Keys>::template column<Schema>::type> || ...)) {
            (report_nested<Keys, typename detail::group_key<Keys>::template column<Schema>::type>(), ...);
            return detail::erroneous_rows();
        } else {
            detail::group_layout layout;
            detail::unpack([&](const Keys&... k) { (add_key(r, layout, k), ...); }, keys);
            return detail::unpack(
                [&](const named<Names, Aggregates>&... a) {
                    return finish(r, layout, list<Schema>{}, detail::pack<decltype(detail::bind_aggregate<global>(r, layout, a.content))...>{
                                                                  {{detail::bind_aggregate<global>(r, layout, a.content)}...}});
                },
                aggregates);
        }
    }

private:
    template <class Schema>
    struct list {};

    template <class Key, class T>
    static auto report_nested() {
        if constexpr (is_nested<T>) detail::report(detail::mistake<nested_group_key<name<detail::group_key<Key>::key_name>>>);
    }

    template <class Schema, class Key>
    static void add_key(relation<Schema>& r, detail::group_layout& layout, const Key& key) {
        const int slot = detail::key_slot(r, key);
        layout.add_key(r.plan, slot, name_of<detail::group_key<Key>::key_name>);
    }
    template <class Schema, class... Results>
    static auto finish(relation<Schema>& r, detail::group_layout& layout, list<Schema>, const detail::pack<std::type_identity<Results>...>&) {
        if constexpr ((std::same_as<Results, detail::erroneous> || ...)) {
            return detail::erroneous_rows();
        } else {
            using Out = schema<field<detail::group_key<Keys>::key_name, typename detail::group_key<Keys>::template column<Schema>::type>..., field<Names, Results>...>;
            [[maybe_unused]] std::size_t i = 0;
            ((layout.outputs[i++].name = name_of<Names>), ...);
            auto groups = detail::relation_over<Out>(detail::compute_on_first_scan(detail::group_rows(std::move(r.plan), std::move(layout))));
            using detail::operator<<;
            if constexpr (std::same_as<Order, detail::key_order>) return std::move(groups) << sort_by(col<detail::group_key<Keys>::key_name>{}...);
            else return groups;
        }
    }
};

template <class... Keys>
struct group_by_without_aggregates {
    static_assert(detail::never<Keys...>,
                  "segkit: a group_by is continued by its aggregates: group_by(\"country\"_c).aggregate(\"users\"_c = count(), \"clicks\"_c = mean(\"clicks\"_c)); "
                  "see 'group_by_without_aggregates<keys...>'; distinct_by (segkit/query/distinct.hpp) gives one row of each group");
};

// Keys of a group-by; continue with .aggregate(...).
template <class Order, class... Keys>
struct group_keys {
    detail::pack<Keys...> keys{};

    // Groups come out with ascending keys, the first key first, nulls last.
    constexpr group_keys<detail::key_order, Keys...> sorted() const { return {keys}; }

    template <fixed_string... Names, class... Aggregates>
    constexpr auto aggregate(const named<Names, Aggregates>&... aggregates) const {
        if constexpr (sizeof...(Names) > 0) {
            return make_pipeline(group_by_stage<Order, detail::pack<Keys...>, named<Names, Aggregates>...>{{}, keys, detail::make_pack(aggregates...)});
        } else if constexpr (sizeof...(Keys) > 0) {
            detail::report(detail::mistake<group_by_without_aggregates<Keys...>>);
            return make_pipeline(detail::erroneous_stage{});
        } else {
            return detail::nothing_given<"aggregate", sizeof...(Names)>();
        }
    }
    template <class... Given>
        requires(!detail::is_named<Given> || ...)
    constexpr auto aggregate(const Given&...) const {
        detail::report(detail::mistake<a_name_is_missing<Given...>>);
        return make_pipeline(detail::erroneous_stage{});
    }
};

// Keys without their aggregates, as a stage or before one.
template <class T, class Order, class... Keys>
auto operator|(T&& input, const group_keys<Order, Keys...>&) {
    detail::report(detail::mistake<group_by_without_aggregates<Keys...>>);
    return std::forward<T>(input) | make_pipeline(detail::erroneous_stage{});
}
template <class Order, class... Keys>
struct not_a_table_or_source<group_keys<Order, Keys...>> : group_by_without_aggregates<Keys...> {};

namespace detail {
// Keys that have been reported as wrong.
struct erroneous_keys : pipeline<erroneous_stage> {
    constexpr erroneous_keys sorted() const { return {}; }
    template <class... Given>
    constexpr auto aggregate(const Given&...) const {
        return make_pipeline(erroneous_stage{});
    }
};
template <>
struct pipeline_traits<erroneous_keys> : std::true_type {};
}  // namespace detail

template <class... Keys>
constexpr auto group_by(const Keys&... keys) {
    if constexpr (sizeof...(Keys) == 0) {
        return detail::erroneous_keys{detail::nothing_given<"group_by", sizeof...(Keys)>()};
    } else if constexpr ((detail::is_group_key<Keys> && ...)) {
        return group_keys<detail::first_seen_order, Keys...>{detail::make_pack(keys...)};
    } else {
        detail::report(detail::mistake<a_name_is_missing<Keys...>>);
        return detail::erroneous_keys{};
    }
}

// Aggregates over all rows: exactly one row, whatever the input.
template <fixed_string... Names, class... Aggregates>
constexpr auto aggregate(const named<Names, Aggregates>&... aggregates) {
    return group_keys<detail::first_seen_order>{}.aggregate(aggregates...);
}
template <class... Given>
    requires(!detail::is_named<Given> || ...)
constexpr auto aggregate(const Given&... given) {
    return group_keys<detail::first_seen_order>{}.aggregate(given...);
}

}  // namespace SEGKIT_NAMESPACE
