// segkit/expr/bind.hpp: an expression's three forms.
//
//   unbound  names and literals: what the user writes; composed freely, costs nothing
//   bound    slot numbers and value types: made once per pipeline; names and schemas end here
//   open     raw pointers into one chunk: the only form that runs per row
//
// Null logic is three-valued as in SQL and exists only where a side can be null: `maybe<T>` is the value of an
// expression that can be null, a plain T of one that cannot.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/pack.hpp>
#include <segkit/expr/column.hpp>
#include <segkit/table/chunk.hpp>

namespace SEGKIT_NAMESPACE {

// An operation on expressions. Op gives
//   word                            what it is called in diagnostics and reports
//   accepts<V...>                   whether it takes values of these types
//   evaluate(V...)                  the value, called only with known values, nulls propagate; or, where
//   sees_nulls = true               evaluate(row, open...) with the opened operands themselves
template <class Op, class... Operands>
struct operation : expression_base {
    [[no_unique_address]] Op op;
    detail::pack<Operands...> operands;
};

// A value that may be null: `value` is T{} or anything where not known.
template <class T>
struct maybe {
    T value;
    bool known;
};

// ---- compile errors in our own words

template <class Operation, class... Operands>
struct operands_do_not_fit {
    static_assert(detail::never<Operation>, "segkit: the operation cannot take operands of these types; see 'operands_do_not_fit<operation, types...>'");
};
template <class Type>
struct condition_is_not_boolean {
    static_assert(detail::never<Type>, "segkit: a condition must be a boolean expression; see 'condition_is_not_boolean<its type>'");
};
template <class Type>
struct not_a_column_value {
    static_assert(detail::never<Type>,
                  "segkit: a function given to apply must return a value a column can hold: bool, an integer, float, double, std::string, "
                  "std::string_view, date, timestamp, duration, or std::optional of these");
};

namespace detail {

// The type of an expression that has already been reported as wrong; everything accepts it, so one mistake is one error.
struct erroneous {};

template <class T>
struct maybe_traits {
    using type = T;
    static constexpr bool value = false;
};
template <class T>
struct maybe_traits<maybe<T>> {
    using type = T;
    static constexpr bool value = true;
};
template <class T>
using known_t = typename maybe_traits<T>::type;
template <class T>
inline constexpr bool can_be_null = maybe_traits<T>::value;

template <class T>
constexpr const T& value_in(const T& x) {
    return x;
}
template <class T>
constexpr const T& value_in(const maybe<T>& x) {
    return x.value;
}
template <class T>
constexpr bool is_known(const T&) {
    return true;
}
template <class T>
constexpr bool is_known(const maybe<T>& x) {
    return x.known;
}

// What a value computed by an operation is kept as: integers by size, strings as they are, optional as maybe.
template <class R>
constexpr auto normalise(R&& result) {
    using T = std::remove_cvref_t<R>;
    if constexpr (maybe_traits<T>::value || std::same_as<T, erroneous>) return std::forward<R>(result);
    else if constexpr (optional_traits<T>::value) {
        using V = decltype(normalise(*result));
        return result ? maybe<V>{normalise(*std::forward<R>(result)), true} : maybe<V>{V{}, false};
    } else if constexpr (std::same_as<T, bool> || is_number<T>) return result;
    else if constexpr (std::integral<T> && sizeof(T) <= 4 && !std::same_as<T, unsigned>) return static_cast<std::int32_t>(result);
    else if constexpr (std::integral<T>) return static_cast<std::int64_t>(result);
    else if constexpr (std::is_enum_v<T>) return normalise(static_cast<std::underlying_type_t<T>>(result));
    else if constexpr (std::same_as<T, std::string>) return std::forward<R>(result);
    else if constexpr (std::convertible_to<T, std::string_view>) return std::string_view(result);
    else return std::forward<R>(result);
}

// Column type that holds a value: std::string_view and std::string -> text.
template <class V>
using plain_column_of = std::conditional_t<std::same_as<V, std::string_view> || std::same_as<V, std::string>, text,
                                           std::conditional_t<std::same_as<V, erroneous>, std::int64_t, V>>;
template <class V>
struct block_column_of {
    using type = V;
};
template <class T>
struct block_column_of<block_value<T>> {
    using type = block<T>;
};
template <class V>
struct block_column_of<list_value<V>> {
    using type = list<plain_column_of<V>>;
};
template <class R>
using known_column_of = plain_column_of<typename block_column_of<known_t<R>>::type>;
template <class R>
using column_of_result = std::conditional_t<can_be_null<R>, std::optional<known_column_of<R>>, known_column_of<R>>;

template <class V>
inline constexpr bool is_text_value = std::same_as<V, std::string_view> || std::same_as<V, std::string>;

// Text that a function made of temporary strings may point into them: then it is copied before they end.
template <bool OfTemporaries, class R>
constexpr auto kept_text(R&& result) {
    using T = std::remove_cvref_t<R>;
    if constexpr (OfTemporaries && std::same_as<T, std::string_view>) return std::string(result);
    else if constexpr (OfTemporaries && std::same_as<T, maybe<std::string_view>>) return maybe<std::string>{std::string(result.value), result.known};
    else return std::remove_cvref_t<R>(std::forward<R>(result));
}

// ---- open form

template <class T, bool Nullable>
struct open_column {
    const value_t<T>* values;
    auto operator()(std::uint32_t row) const { return values[row]; }
};
template <class T>
struct open_column<T, true> {
    const value_t<T>* values;
    const std::uint8_t* validity;
    auto operator()(std::uint32_t row) const { return maybe<value_t<T>>{values[row], bool((validity[row >> 3] >> (row & 7)) & 1)}; }
};
template <class E>
struct open_block {
    const E* values;
    std::size_t width;
    auto operator()(std::uint32_t row) const { return block_value<E>{values + row * width, width}; }
};

template <class Op, class... Open>
struct open_operation {
    [[no_unique_address]] Op op;
    pack<Open...> operands;

    auto operator()(std::uint32_t row) const {
        return unpack([&](const Open&... o) { return run(row, o...); }, operands);
    }

private:
    auto run(std::uint32_t row, const Open&... o) const {
        if constexpr (requires { Op::sees_nulls; }) {
            return op.evaluate(row, o...);
        } else {
            return combine(o(row)...);
        }
    }
    template <class... R>
    auto combine(const R&... x) const {
        if constexpr ((can_be_null<R> || ...)) {
            using V = decltype(compute(value_in(x)...));
            if constexpr (requires { Op::cheap; }) {       // total functions: computing on nulls costs less than a branch
                return maybe<V>{compute(value_in(x)...), bool((int{is_known(x)} & ...))};
            } else if constexpr (can_be_null<V>) {
                return (is_known(x) && ...) ? compute(value_in(x)...) : V{{}, false};
            } else {
                return (is_known(x) && ...) ? maybe<V>{compute(value_in(x)...), true} : maybe<V>{V{}, false};
            }
        } else {
            return compute(x...);
        }
    }
    template <class... V>
    auto compute(const V&... x) const {
        return kept_text<(std::same_as<V, std::string> || ...)>(normalise(op.evaluate(x...)));
    }
};

// ---- bound form

template <class T>
struct bound_literal {
    T value;
    auto open(const chunk&) const { return *this; }
    const T& operator()(std::uint32_t) const { return value; }
};

// A std::string that the user gave: kept, so that a temporary may be given.
struct bound_text {
    std::shared_ptr<const std::string> value;
    auto open(const chunk&) const { return bound_literal<std::string_view>{*value}; }
};

template <class T, bool Nullable>
struct bound_column {
    int slot;
    auto open(const chunk& c) const {
        const slot_view& view = c.slots[static_cast<std::size_t>(slot)];
        if constexpr (is_block<T>) {
            using E = typename block_traits<T>::element;
            return open_block<E>{view.as<E>(), view.width};
        } else if constexpr (Nullable) {
            return open_column<T, true>{view.as<value_t<T>>(), view.validity};
        } else {
            return open_column<T, false>{view.as<value_t<T>>()};
        }
    }
};

template <class Op, class... Bound>
struct bound_operation {
    [[no_unique_address]] Op op;
    pack<Bound...> operands;
    auto open(const chunk& c) const {
        return unpack(
            [&](const Bound&... b) {
                return open_operation<Op, decltype(b.open(c))...>{op, make_pack(b.open(c)...)};
            },
            operands);
    }
};

template <class Bound>
using open_t = decltype(std::declval<const Bound&>().open(std::declval<const chunk&>()));
template <class Bound>
using result_t = std::remove_cvref_t<decltype(std::declval<const open_t<Bound>&>()(0u))>;

// ---- binding: the last place where names exist

// Where columns stand while an expression is bound, and which slots it turns out to read.
template <class Schema>
struct binding {
    const std::vector<int>& slot_of;
    std::vector<int>& reads;
};

template <class Schema, fixed_string Name>
auto bind(binding<Schema>& b, const col<Name>&) {
    if constexpr (!has_column<Schema, Name>) {
        if constexpr (!is_erroneous_schema<Schema>) detail::report(detail::mistake<unknown_column<name<Name>, existing_columns_of<Schema>>>);
        return bound_literal<erroneous>{};
    } else {
        using T = column_type_t<Schema, Name>;
        const int slot = b.slot_of[Schema::find(name_of<Name>)];
        b.reads.push_back(slot);
        return bound_column<non_null_t<T>, is_nullable<T>>{slot};
    }
}

template <class Schema, class T>
auto bind(binding<Schema>&, const literal<T>& l) {
    if constexpr (std::same_as<T, std::string>) return bound_text{std::make_shared<const std::string>(l.value)};
    else return bound_literal<T>{l.value};
}

template <class Op, class... Bound>
auto checked_operation(const Op& op, const Bound&... operands) {
    if constexpr ((std::same_as<known_t<result_t<Bound>>, erroneous> || ...)) {
        return bound_literal<erroneous>{};
    } else if constexpr (!Op::template accepts<known_t<result_t<Bound>>...>) {
        detail::report(detail::mistake<operands_do_not_fit<Op, plain_column_of<known_t<result_t<Bound>>>...>>);
        return bound_literal<erroneous>{};
    } else {
        return bound_operation<Op, Bound...>{op, make_pack(operands...)};
    }
}

template <class Schema, class Op, class... Operands>
auto bind(binding<Schema>& b, const operation<Op, Operands...>& e) {
    return unpack([&](const Operands&... o) { return checked_operation(e.op, bind(b, o)...); }, e.operands);
}

template <class Schema, class E>
using bound_t = decltype(bind(std::declval<binding<Schema>&>(), std::declval<const E&>()));

}  // namespace detail

// The column type that expression E has over a table of this schema.
template <class Schema, class E>
using expression_type_t = detail::column_of_result<detail::result_t<detail::bound_t<Schema, E>>>;

}  // namespace SEGKIT_NAMESPACE
