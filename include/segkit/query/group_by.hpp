// segkit/query/group_by.hpp: one row per group.
//
//     sessions | group_by("user_id"_c).aggregate("sessions"_c = count(), "clicks"_c = mean("page_clicks"_c))
//     sessions | aggregate("rows"_c = count(), "clicks"_c = sum("page_clicks"_c))      // one row over all
//
// Null keys form a group, as in SQL. Groups come out in the order of their first rows. Ends a pass; memory grows with
// the groups (and with the values of median and count_distinct), not with the rows. Bit-identical for any executor.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/aggregates.hpp>
#include <segkit/query/select.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

template <class Schema, fixed_string Name>
void add_key(const relation<Schema>& r, group_layout& layout) {
    static_assert(!is_block<column_type_t<Schema, Name>>, "segkit: a block column cannot be a key");
    layout.add_key(r.plan, r.template slot<Name>());
}

}  // namespace detail

template <class Keys, class... Named>
struct group_by_stage;

template <fixed_string... Keys, fixed_string... Names, class... Aggregates>
struct group_by_stage<column_list<Keys...>, named<Names, Aggregates>...> : stage_base {
    static constexpr std::string_view stage_name = "group_by";
    static constexpr bool global = sizeof...(Keys) == 0;
    detail::pack<named<Names, Aggregates>...> aggregates;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!(has_column<Schema, Keys> && ...)) {
            (detail::require_column<Schema, Keys>(), ...);
            return detail::erroneous_rows();
        } else if constexpr (!detail::names_differ<field<Keys, int>..., field<Names, int>...>) {
            detail::report(detail::mistake<duplicate_column_name<column_list<Keys..., Names...>, existing_columns_of<Schema>>>);
            return detail::erroneous_rows();
        } else {
            detail::group_layout layout;
            (detail::add_key<Schema, Keys>(r, layout), ...);
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

    template <class Schema, class... Results>
    static auto finish(relation<Schema>& r, detail::group_layout& layout, list<Schema>, const detail::pack<std::type_identity<Results>...>&) {
        if constexpr ((std::same_as<Results, detail::erroneous> || ...)) {
            return detail::erroneous_rows();
        } else {
            using Out = schema<field<Keys, column_type_t<Schema, Keys>>..., field<Names, Results>...>;
            return detail::relation_over<Out>(detail::compute_on_first_scan(detail::group_rows(std::move(r.plan), std::move(layout))));
        }
    }
};

// Keys of a group-by; continue with .aggregate(...).
template <fixed_string... Keys>
struct group_keys {
    template <fixed_string... Names, class... Aggregates>
    constexpr auto aggregate(const named<Names, Aggregates>&... aggregates) const {
        return make_pipeline(group_by_stage<column_list<Keys...>, named<Names, Aggregates>...>{{}, detail::make_pack(aggregates...)});
    }
    template <class... Given>
        requires(!detail::is_named<Given> || ...)
    constexpr auto aggregate(const Given&...) const {
        detail::report(detail::mistake<a_name_is_missing<Given...>>);
        return make_pipeline(detail::erroneous_stage{});
    }
};

template <fixed_string... Keys>
    requires(sizeof...(Keys) > 0)
constexpr group_keys<Keys...> group_by(col<Keys>...) {
    return {};
}

// Aggregates over all rows: exactly one row, whatever the input.
template <fixed_string... Names, class... Aggregates>
constexpr auto aggregate(const named<Names, Aggregates>&... aggregates) {
    return group_keys<>{}.aggregate(aggregates...);
}
template <class... Given>
    requires(!detail::is_named<Given> || ...)
constexpr auto aggregate(const Given&... given) {
    return group_keys<>{}.aggregate(given...);
}

}  // namespace SEGKIT_NAMESPACE
