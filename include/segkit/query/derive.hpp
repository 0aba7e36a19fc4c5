// segkit/query/derive.hpp: adds computed columns.
//
//     derive("rate"_c = "cancelled"_c / null_if_zero("trips"_c), "age"_c = completed_years("birthdate"_c, date(2023, 7, 28)))
//
// A later expression of the same derive may use an earlier name. A name that exists already is a compile error: replace gives
// a column new values. Row-local; a derived column that nothing reads is not computed.
#pragma once

#include <string_view>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

template <class Schema, fixed_string Name, class E>
auto operator<<(relation<Schema> r, const named<Name, E>& d) {
    if constexpr (is_erroneous_schema<Schema>) {
        return r;
    } else if constexpr (has_column<Schema, Name>) {
        detail::report(detail::mistake<duplicate_column_name<name<Name>, existing_columns_of<Schema>>>);
        return erroneous_rows();
    } else if constexpr (is_erroneous<bound_t<Schema, E>>) {
        return erroneous_rows();    // binding has said why
    } else {
        const int slot_number = materialise(r, d.content, {"derive", name_of<Name>});
        return std::move(r).template append<Name, expression_type_t<Schema, E>>(slot_number);
    }
}

}  // namespace detail

template <class... Named>
struct derive_stage : stage_base {
    static constexpr std::string_view stage_name = "derive";
    detail::pack<Named...> expressions;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        using detail::operator<<;
        return detail::unpack([&](const Named&... e) { return (std::move(r) << ... << e); }, expressions);
    }
};

template <fixed_string... Names, class... E>
constexpr auto derive(const named<Names, E>&... expressions) {
    if constexpr (sizeof...(Names) == 0) return detail::nothing_given<"derive", sizeof...(Names)>();
    else return make_pipeline(derive_stage<named<Names, E>...>{{}, detail::make_pack(expressions...)});
}
template <class... Given>
    requires(!detail::is_named<Given> || ...)
constexpr auto derive(const Given&...) {
    detail::report(detail::mistake<a_name_is_missing<Given...>>);
    return make_pipeline(detail::erroneous_stage{});
}

}  // namespace SEGKIT_NAMESPACE
