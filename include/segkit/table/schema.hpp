// segkit/table/schema.hpp: fields and schemas, known to the compiler.
//
//     using sessions = segkit::schema<segkit::field<"user_id", std::int64_t>, segkit::field<"trip_id", std::optional<segkit::text>>>;
//
// Look-ups are by base-class deduction and a constexpr search: no recursion, so a 60-column schema stays cheap.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/table/name.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {
template <class...>
inline constexpr bool never = false;

// report(mistake<M>) says what is wrong: M is a class template with a static_assert. Asking whether M* converts to another
// pointer instantiates M in the middle of the user's call chain, which the compiler then shows, and yet leaves the
// expression valid, so that what surrounds it goes on as if nothing had happened: one mistake, one error.
struct not_a_mistake;
constexpr void report(const not_a_mistake*) {}
constexpr void report(const void*) {}
template <class Mistake>
inline constexpr Mistake* mistake = nullptr;
}  // namespace detail

// ---- compile errors in our own words

// The columns that exist, for diagnostics.
template <class... Fields>
struct existing_columns {};

template <class Name, class Type>
struct not_a_column_type {
    static_assert(detail::never<Type>,
                  "segkit: a field cannot have this type, see 'not_a_column_type<name, type>'; use bool, std::int32_t, std::int64_t, float, double, "
                  "segkit::text, segkit::category, segkit::date, segkit::timestamp, segkit::duration, segkit::list<...> of one, segkit::block<double>, or std::optional of these");
};

template <class Asked, class Existing>
struct unknown_column {
    static_assert(detail::never<Asked>,
                  "segkit: no column has this name; see 'unknown_column<asked, existing_columns<...>>' for the ones that exist");
};

template <class Name, class Existing>
struct duplicate_column_name {
    static_assert(detail::never<Name>,
                  "segkit: two columns would have the same name; see 'duplicate_column_name<name, existing_columns<...>>'; rename or drop one");
};

// ---- fields and schemas

template <fixed_string Name, class T>
struct field {
    using type = std::conditional_t<column_type<T>, T, std::int64_t>;
    static constexpr std::string_view name = name_of<Name>;
};

template <class... Fields>
struct schema : Fields... {
    static constexpr std::size_t size = sizeof...(Fields);
    static constexpr std::array<std::string_view, sizeof...(Fields)> names{Fields::name...};

    // Position of the column, or `size` where there is none.
    static constexpr std::size_t find(std::string_view wanted) {
        for (std::size_t i = 0; i < size; ++i)
            if (names[i] == wanted) return i;
        return size;
    }
    static constexpr bool contains(std::string_view wanted) { return find(wanted) < size; }
};

namespace detail {
template <fixed_string Name, class T>
std::type_identity<typename field<Name, T>::type> field_type(const field<Name, T>*);

// Says so where a field's type is not a column's; until then it counts as an integer.
template <fixed_string Name, class T>
constexpr auto require_column_type(field<Name, T>*) {
    if constexpr (!column_type<T>) report(mistake<not_a_column_type<name<Name>, T>>);
    return true;
}
template <class... Fields>
constexpr auto require_column_types(schema<Fields...>*) {
    return (require_column_type(static_cast<Fields*>(nullptr)) && ...);
}

template <class... Fields>
existing_columns<Fields...> columns_of(const schema<Fields...>*);

// A void function per field type instead of a lambda over the pack: GCC 12 and Clang disagree about the latter.
template <class Schema>
struct for_each_field;
template <class... Fields>
struct for_each_field<schema<Fields...>> {
    template <class F>
    static constexpr void apply(F&& f) {
        (f(static_cast<Fields*>(nullptr)), ...);
    }
};

// The schema of rows after a mistake has been reported: nothing more is checked against it, so one mistake is one error.
struct erroneous_schema : schema<> {};
template <class Schema>
inline constexpr bool is_erroneous_schema = std::same_as<Schema, erroneous_schema>;
template <>
struct for_each_field<erroneous_schema> {
    template <class F>
    static constexpr void apply(F&&) {}
};

template <class Schema, class... More>
struct append_fields;
template <class... Fields, class... More>
struct append_fields<schema<Fields...>, More...> {
    using type = schema<Fields..., More...>;
};
}  // namespace detail

template <class Schema, fixed_string Name>
inline constexpr bool has_column = Schema::contains(name_of<Name>);

// The type of a column; the name must exist.
template <class Schema, fixed_string Name>
using column_type_t = typename decltype(detail::field_type<Name>(static_cast<Schema*>(nullptr)))::type;

// The existing columns as one type, for diagnostics.
template <class Schema>
using existing_columns_of = decltype(detail::columns_of(static_cast<Schema*>(nullptr)));

}  // namespace SEGKIT_NAMESPACE
