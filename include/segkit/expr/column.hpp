// segkit/expr/column.hpp: the leaves of an expression: a column by name, a literal, and a name given to an expression.
//
//     using namespace segkit::literals;
//     "clicks"_c                      // the column
//     "rate"_c = "a"_c / "b"_c        // an expression with a name, for derive and aggregate
//
// An expression is unbound here: names only. Binding (expr/bind.hpp) turns names into slots and value types.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/table/column_values.hpp>
#include <segkit/table/schema.hpp>

namespace SEGKIT_NAMESPACE {

struct expression_base {};

template <class E>
concept expression = std::derived_from<E, expression_base>;

// Aggregates (mean("x"_c)) are no expressions, but they take names in the same way.
struct aggregate_base {};

// A literal value inside an expression.
template <class T>
struct literal : expression_base {
    T value;
};

namespace detail {
// Thrown while an expression is made, and a compile error that names this function where the expression is constexpr.
[[noreturn]] inline void literal_does_not_fit_a_signed_64_bit_integer(std::uint64_t value) {
    throw error({.code = error_code::overflow,
                 .stage = "expression",
                 .found = "the value " + std::to_string(value),
                 .expected = "at most 9223372036854775807",
                 .advice = "integers of columns are signed, of 64 bits at most; convert the value to double"});
}

// What a C++ value becomes inside an expression: integers by their size, enums as their integer (as a described member is),
// a std::string copied, other text as a view (the characters must outlive the pipeline; string literals do).
template <class T>
constexpr auto as_expression(const T& value) {
    if constexpr (expression<T> || std::derived_from<T, aggregate_base>) return value;
    else if constexpr (std::same_as<T, std::string>) return literal<std::string>{{}, value};
    else if constexpr (std::is_enum_v<T>) return as_expression(static_cast<std::underlying_type_t<T>>(value));
    else if constexpr (std::is_convertible_v<const T&, std::string_view>) return literal<std::string_view>{{}, value};
    else if constexpr (std::same_as<T, bool>) return literal<bool>{{}, value};
    else if constexpr (std::integral<T> && sizeof(T) <= 4 && !std::same_as<T, unsigned>)
        return literal<std::int32_t>{{}, static_cast<std::int32_t>(value)};
    else if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) {
        constexpr auto greatest = static_cast<T>(std::numeric_limits<std::int64_t>::max());
        if (value > greatest) literal_does_not_fit_a_signed_64_bit_integer(value);
        return literal<std::int64_t>{{}, static_cast<std::int64_t>(value)};
    } else if constexpr (std::integral<T>) return literal<std::int64_t>{{}, static_cast<std::int64_t>(value)};
    else return literal<T>{{}, value};
}
template <class T>
using expression_of = decltype(as_expression(std::declval<const T&>()));
}  // namespace detail

// An expression or aggregate under the name of the column it will become.
template <fixed_string Name, class E>
struct named {
    E content;
};

namespace detail {
template <class T>
inline constexpr bool is_named = false;
template <fixed_string Name, class E>
inline constexpr bool is_named<named<Name, E>> = true;
}  // namespace detail

// A column by name.
template <fixed_string Name>
struct col : expression_base {
    constexpr col() = default;
    constexpr col(const col&) = default;

    template <class E>
        requires(!detail::column_values<E>)
    constexpr auto operator=(const E& e) const {
        return named<Name, detail::expression_of<E>>{detail::as_expression(e)};
    }
    // Values of a column, for table_of (table/table_of.hpp).
    template <class R>
        requires detail::column_values<std::remove_cvref_t<R>>
    constexpr auto operator=(R&& values) const {
        return named<Name, decltype(detail::hold_values(std::forward<R>(values)))>{detail::hold_values(std::forward<R>(values))};
    }
    // Naming a column after itself is a rename to its own name, not an assignment of column objects.
    constexpr auto operator=(const col& other) const { return named<Name, col>{other}; }
};

// Several columns, in order: the features of an estimator, the keys of a select.
template <fixed_string... Names>
struct column_list {
    static constexpr std::size_t size = sizeof...(Names);
};

template <fixed_string... Names>
constexpr column_list<Names...> columns(col<Names>...) {
    return {};
}

namespace literals {
template <fixed_string Name>
constexpr col<Name> operator""_c() {
    return {};
}
}  // namespace literals

}  // namespace SEGKIT_NAMESPACE
