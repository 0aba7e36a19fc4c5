// segkit/expr/nulls.hpp: expressions about missing values, and choices between values.
//
//     coalesce("a"_c, "b"_c, 0.0)          the first that is not null
//     null_if_zero("trips"_c)              null where zero: guards a division
//     is_null("x"_c), is_not_null("x"_c)   never unknown
//     when("x"_c > 3, "big").when("x"_c > 1, "middle").otherwise("small")
//
// An unknown condition of `when` counts as false, as in SQL's CASE. Only the branch taken is computed.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/expr/operators.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

struct is_null_op {
    static constexpr std::string_view word = "is_null";
    static constexpr bool sees_nulls = true;
    template <class A>
    static constexpr bool accepts = true;
    template <class A>
    static bool evaluate(std::uint32_t row, const A& a) {
        return !is_known(a(row));
    }
};

struct null_if_zero_op {
    static constexpr std::string_view word = "null_if_zero";
    template <class A>
    static constexpr bool accepts = is_number<A>;
    template <class A>
    static maybe<A> evaluate(const A& a) {
        return {a, a != A{}};
    }
};

// Values of several branches as one type: the same type, or numbers widened as arithmetic widens them; text that is computed
// in one branch is a string of its own in all.
template <class A, class B>
struct common_value {
    using type = std::conditional_t<both_numbers<A, B>, std::conditional_t<std::same_as<A, B>, A, number_result<A, B>>, A>;
    static constexpr bool exists = both_numbers<A, B> || std::same_as<A, B> || (is_instant<A> && is_instant<B>);
};
template <class A, class B>
    requires(is_instant<A> && is_instant<B> && !std::same_as<A, B>)
struct common_value<A, B> {
    using type = timestamp;
    static constexpr bool exists = true;
};

template <class A, class B>
    requires(is_text_value<A> && is_text_value<B> && !std::same_as<A, B>)
struct common_value<A, B> {
    using type = std::string;
    static constexpr bool exists = true;
};

template <class... V>
struct common_of;
template <class A>
struct common_of<A> {
    using type = A;
    static constexpr bool exists = true;
};
template <class A, class B, class... More>
struct common_of<A, B, More...> {
    using next = common_of<typename common_value<A, B>::type, More...>;
    using type = typename next::type;
    static constexpr bool exists = common_value<A, B>::exists && next::exists;
};

template <class To, class From>
constexpr To widen(const From& from) {
    if constexpr (std::same_as<To, From>) return from;
    else if constexpr (is_number<To>) return static_cast<To>(from);
    else return To(from);
}

struct coalesce_op {
    static constexpr std::string_view word = "coalesce";
    static constexpr bool sees_nulls = true;
    template <class... V>
    static constexpr bool accepts = common_of<V...>::exists;
    template <class... A>
    static auto evaluate(std::uint32_t row, const A&... a) {
        using V = typename common_of<known_t<std::remove_cvref_t<decltype(a(row))>>...>::type;
        if constexpr ((can_be_null<std::remove_cvref_t<decltype(a(row))>> && ...)) {
            maybe<V> found{V{}, false};
            (void)(take(found, a(row)) || ...);
            return found;
        } else {
            maybe<V> found{V{}, false};
            (void)(take(found, a(row)) || ...);
            return found.value;
        }
    }

private:
    template <class V, class R>
    static bool take(maybe<V>& into, const R& from) {
        if (!is_known(from)) return false;
        into = {widen<V>(value_in(from)), true};
        return true;
    }
};

// Operands: condition, value, condition, value, ..., and a last value where `otherwise` was given.
template <bool HasOtherwise>
struct when_op {
    static constexpr std::string_view word = "when";
    static constexpr bool sees_nulls = true;

private:
    template <class Condition, class Value, class... More>
    static constexpr bool accepts_list() {
        if constexpr (sizeof...(More) == 0) return std::same_as<Condition, bool>;
        else if constexpr (sizeof...(More) == 1 && HasOtherwise)
            return std::same_as<Condition, bool> && (common_value<Value, More>::exists && ...);
        else return std::same_as<Condition, bool> && next_accepts<Value, More...>();
    }
    template <class Value, class Condition, class Next, class... More>
    static constexpr bool next_accepts() {
        return common_value<Value, Next>::exists && accepts_list<Condition, Next, More...>();
    }

public:
    template <class... V>
    static constexpr bool accepts = accepts_list<V...>();

    template <class... A>
    static auto evaluate(std::uint32_t row, const A&... a) {
        return choose<result<std::remove_cvref_t<decltype(a(row))>...>>(row, a...);
    }

private:
    template <class Condition, class Value, class... More>
    struct values_of {
        using type = typename common_value<known_t<Value>, typename values_of<More...>::type>::type;
        static constexpr bool null = can_be_null<Value> || values_of<More...>::null;
    };
    template <class Condition, class Value>
    struct values_of<Condition, Value> {
        using type = known_t<Value>;
        static constexpr bool null = can_be_null<Value> || !HasOtherwise;
    };
    template <class Condition, class Value, class Otherwise>
    struct values_of<Condition, Value, Otherwise> {
        using type = typename common_value<known_t<Value>, known_t<Otherwise>>::type;
        static constexpr bool null = can_be_null<Value> || can_be_null<Otherwise>;
    };
    template <class... R>
    using result = std::conditional_t<values_of<R...>::null, maybe<typename values_of<R...>::type>, typename values_of<R...>::type>;

    template <class R, class X>
    static R as_result(const X& x) {
        if constexpr (can_be_null<R>) return R{is_known(x) ? widen<known_t<R>>(value_in(x)) : known_t<R>{}, is_known(x)};
        else return widen<R>(x);
    }
    template <class R, class Condition, class Value, class... More>
    static R choose(std::uint32_t row, const Condition& condition, const Value& value, const More&... more) {
        const auto c = condition(row);
        if (is_known(c) && value_in(c)) return as_result<R>(value(row));
        if constexpr (sizeof...(More) == 0) return R{known_t<R>{}, false};
        else if constexpr (sizeof...(More) == 1) return as_result<R>(more(row)...);
        else return choose<R>(row, more...);
    }
};

template <class... E>
struct when_expression : operation<when_op<false>, E...> {
    // Without `otherwise` a row that meets no condition is null.
    template <class C, class V>
    constexpr auto when(const C& condition, const V& value) const {
        return unpack(
            [&](const E&... e) {
                return when_expression<E..., expression_of<C>, expression_of<V>>{
                    {{}, {}, make_pack(e..., as_expression(condition), as_expression(value))}};
            },
            this->operands);
    }
    template <class V>
    constexpr auto otherwise(const V& value) const {
        return unpack(
            [&](const E&... e) {
                return operation<when_op<true>, E..., expression_of<V>>{{}, {}, make_pack(e..., as_expression(value))};
            },
            this->operands);
    }
};

template <class Schema, class... E>
auto bind(binding<Schema>& b, const when_expression<E...>& e) {
    return bind(b, static_cast<const operation<when_op<false>, E...>&>(e));
}

}  // namespace detail

template <expression E>
constexpr auto is_null(const E& e) {
    return detail::make_operation(detail::is_null_op{}, e);
}
template <expression E>
constexpr auto is_not_null(const E& e) {
    return !is_null(e);
}

// Null where e is zero, e elsewhere.
template <expression E>
constexpr auto null_if_zero(const E& e) {
    return detail::make_operation(detail::null_if_zero_op{}, e);
}

// The first operand that is not null; null only where all are.
template <class... E>
    requires(expression<E> || ...)
constexpr auto coalesce(const E&... e) {
    return detail::make_operation(detail::coalesce_op{}, e...);
}

// value where condition holds; continue with .when(...) and .otherwise(...).
template <expression C, class V>
constexpr auto when(const C& condition, const V& value) {
    return detail::when_expression<detail::expression_of<C>, detail::expression_of<V>>{
        {{}, {}, detail::make_pack(detail::as_expression(condition), detail::as_expression(value))}};
}

}  // namespace SEGKIT_NAMESPACE
