// segkit/table/traits.hpp: what makes a type a table, and the concepts of tables and columns.
//
// segkit's own table, ranges of described structs (table/describe.hpp) and anything with a specialisation work alike.
//
// How to satisfy `table_like`: specialise segkit::table_traits<T> with
//     using schema_type = segkit::schema<...>;
//     static std::size_t rows(const T&);
//     template <segkit::fixed_string Name> static auto column(const T&);    // a `column` of the field's type
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE {

template <class T>
struct table_traits;

// How to satisfy `column`: `column[i]` is the value of row i, as the field's value type or convertible to it;
// it must stay valid while the table lives, and is read by several threads at once. It is moved (or, where the traits return
// a reference, copied) once, to where it is read from; a view by value (pointer and stride) is the usual form.
template <class C, class T>
concept column = std::constructible_from<std::remove_cvref_t<C>, C> && requires(const C& c, std::size_t row) {
    { c[row] } -> std::convertible_to<value_t<T>>;
};

// How to satisfy `contiguous_column`: besides being a column, `column.data()` points at the values one after the
// other, stored as the column type's own value. Such a column is read without copying.
template <class C, class T>
concept contiguous_column = column<C, T> && !is_text<non_null_t<T>> && !is_nested<T> && requires(const C& c) {
    { c.data() } -> std::same_as<const non_null_t<T>*>;
};

// How to satisfy `nullable_column`: `column[i]` is an optional value or converts to one, and answers to `if (v)` and `*v`. With
// `column.validity()` as well, an Arrow bitmap, a contiguous column is read without copying.
template <class C, class T>
concept nullable_column = column<C, T> && is_nullable<T> && requires(const C& c, std::size_t row) {
    { static_cast<bool>(c[row]) };
    { *c[row] };
};

template <class Schema>
struct table_traits<table<Schema>> {
    using schema_type = Schema;
    static std::size_t rows(const table<Schema>& t) { return t.rows(); }
    template <fixed_string Name>
    static auto column(const table<Schema>& t) {
        return t.template column<Name>();
    }
};

namespace detail {
template <class T, class Schema>
struct has_all_columns : std::false_type {};
template <class T, fixed_string... Names, class... Types>
struct has_all_columns<T, schema<field<Names, Types>...>>
    : std::bool_constant<(column<decltype(table_traits<T>::template column<Names>(std::declval<const T&>())), Types> && ...)> {};
template <class T>
struct has_all_columns<T, erroneous_schema> : std::true_type {};
}  // namespace detail

template <class T>
concept table_like = requires(const T& t) {
    typename table_traits<T>::schema_type;
    { table_traits<T>::rows(t) } -> std::convertible_to<std::size_t>;
} && detail::has_all_columns<T, typename table_traits<T>::schema_type>::value;

}  // namespace SEGKIT_NAMESPACE
