// segkit/query/replace.hpp: gives existing columns new values, and where the expression says so a new type.
//
//     replace("price"_c = "price"_c * 1.2, "name"_c = coalesce("name"_c, "unknown"))
//
// A column keeps its place in the row. Expressions are taken one after the other, as in derive: a later one sees the new
// values of the columns before it. A name that does not exist is a compile error: derive adds columns. Row-local.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

template <class Asked, class Existing>
struct replaced_column_does_not_exist {
    static_assert(detail::never<Asked>,
                  "segkit: replace gives an existing column new values, and no column has this name; see "
                  "'replaced_column_does_not_exist<asked, existing_columns<...>>' for those that exist; derive adds a column");
};

namespace detail {

template <class Schema, fixed_string Name, class T>
struct schema_with_type;
template <class... Fields, fixed_string Name, class T>
struct schema_with_type<schema<Fields...>, Name, T> {
    using type = schema<std::conditional_t<Fields::name == name_of<Name>, field<Name, T>, Fields>...>;
};

// What stands in the stage: another type than derive's, so that the two folds over relations stay apart.
template <fixed_string Name, class E>
struct replacement {
    named<Name, E> value;
};

template <class Schema, fixed_string Name, class E>
auto operator<<(relation<Schema> r, const replacement<Name, E>& d) {
    if constexpr (is_erroneous_schema<Schema>) {
        return r;
    } else if constexpr (!has_column<Schema, Name>) {
        detail::report(detail::mistake<replaced_column_does_not_exist<name<Name>, existing_columns_of<Schema>>>);
        return erroneous_rows();
    } else if constexpr (is_erroneous<bound_t<Schema, E>>) {
        return erroneous_rows();    // binding has said why
    } else {
        std::vector<int> slots = r.slot_of;
        slots[Schema::find(name_of<Name>)] = materialise(r, d.value.content, {"replace", name_of<Name>});
        return std::move(r).template with<typename schema_with_type<Schema, Name, expression_type_t<Schema, E>>::type>(std::move(slots));
    }
}

}  // namespace detail

template <class... Replacements>
struct replace_stage : stage_base {
    static constexpr std::string_view stage_name = "replace";
    detail::pack<Replacements...> replacements;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        using detail::operator<<;
        return detail::unpack([&](const Replacements&... e) { return (std::move(r) << ... << e); }, replacements);
    }
};

template <fixed_string... Names, class... E>
constexpr auto replace(const named<Names, E>&... expressions) {
    if constexpr (sizeof...(Names) == 0) return detail::nothing_given<"replace", sizeof...(Names)>();
    else return make_pipeline(replace_stage<detail::replacement<Names, E>...>{{}, detail::make_pack(detail::replacement<Names, E>{expressions}...)});
}
template <class... Given>
    requires(!detail::is_named<Given> || ...)
constexpr auto replace(const Given&...) {
    detail::report(detail::mistake<a_name_is_missing<Given...>>);
    return make_pipeline(detail::erroneous_stage{});
}

}  // namespace SEGKIT_NAMESPACE
