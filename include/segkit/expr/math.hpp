// segkit/expr/math.hpp: elementary functions on columns, and the user's own.
//
//     sqrt("x"_c), log1p("x"_c), abs, floor, ceil, round, to_double, to_int64, least(a, b), greatest(a, b)
//     apply([](double a, std::int64_t b) { return a / double(b); }, "a"_c, "b"_c)
//     is_in("country"_c, "usa", "canada")
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/detail/math.hpp>
#include <segkit/expr/nulls.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

struct abs_op {
    static constexpr std::string_view word = "abs";
    template <class A>
    static constexpr bool accepts = is_number<A>;
    template <class A>
    static auto evaluate(const A& a) {
        if constexpr (is_integer<A>) return a < 0 ? negate_op::evaluate(a) : std::int64_t{a};
        else return math::fabs(a);
    }
};
// Functions of one number that give a double.
template <fixed_string Name>
struct real_function_op {
    static constexpr std::string_view word = name_of<Name>;
    template <class A>
    static constexpr bool accepts = is_number<A>;
    template <class A>
    static double evaluate(const A& a) {
        const auto x = static_cast<double>(a);
        if constexpr (word == "sqrt") return math::sqrt(x);
        else if constexpr (word == "log1p") return math::log1p(x);
        else if constexpr (word == "floor") return math::floor(x);
        else if constexpr (word == "ceil") return math::ceil(x);
        else return math::round(x);
    }
};
struct to_double_op {
    static constexpr std::string_view word = "to_double";
    static constexpr bool cheap = true;
    template <class A>
    static constexpr bool accepts = is_number<A> || std::same_as<A, bool>;
    template <class A>
    static double evaluate(const A& a) {
        return static_cast<double>(a);
    }
};
// Truncates toward zero; a value outside 64 bits, or NaN, is an error.
struct to_int64_op {
    static constexpr std::string_view word = "to_int64";
    template <class A>
    static constexpr bool accepts = is_number<A> || std::same_as<A, bool>;
    template <class A>
    static std::int64_t evaluate(const A& a) {
        if constexpr (!is_integer<A> && !std::same_as<A, bool>) {
            if (!(static_cast<double>(a) >= -0x1p63 && static_cast<double>(a) < 0x1p63))
                throw error({.code = error_code::overflow,
                             .stage = "to_int64",
                             .found = std::to_string(a),
                             .expected = "a value within 64 bits",
                             .advice = "filter such rows or guard with when()"});
        }
        return static_cast<std::int64_t>(a);
    }
};
// The least or the greatest operand; a NaN, wherever it stands, which is neither.
template <bool Greatest>
struct extreme_op {
    static constexpr std::string_view word = Greatest ? "greatest" : "least";
    template <class... A>
    static constexpr bool accepts = common_of<A...>::exists;
    template <class A, class... More>
    static auto evaluate(const A& a, const More&... more) {
        using V = typename common_of<A, More...>::type;
        V best = widen<V>(a);
        ((best = better_of(best, widen<V>(more))), ...);
        return best;
    }

private:
    template <class V>
    static V better_of(const V& a, const V& b) {
        if constexpr (std::is_floating_point_v<V>) {
            if (a != a) return a;
            if (b != b) return b;
        }
        return (Greatest ? a < b : b < a) ? b : a;
    }
};
struct is_in_op {
    static constexpr std::string_view word = "is_in";
    template <class A, class... B>
    static constexpr bool accepts = (ordered<A, B> && ...);
    template <class A, class... B>
    static bool evaluate(const A& a, const B&... b) {
        return (equal_op::evaluate(a, b) || ...);
    }
};

// The user's own function over known values; null where an operand is null.
template <class F>
struct apply_op {
    static constexpr std::string_view word = "apply";
    [[no_unique_address]] F function;

    template <class... V>
    static constexpr bool accepts = std::is_invocable_v<const F&, const V&...>;
    template <class... V>
    auto evaluate(const V&... v) const {
        auto result = normalise(function(v...));
        using R = known_t<decltype(result)>;
        if constexpr (!column_type<plain_column_of<R>>) {
            detail::report(detail::mistake<not_a_column_value<R>>);
            return erroneous{};
        } else {
            return result;
        }
    }
};

}  // namespace detail

// An integer stays one, of 64 bits; the least of these has no absolute value, which is an error.
template <expression E>
constexpr auto abs(const E& e) {
    return detail::make_operation(detail::abs_op{}, e);
}
// These give doubles, of integers too, and NaN where there is no value: sqrt(-1). round takes halves away from zero.
template <expression E>
constexpr auto sqrt(const E& e) {
    return detail::make_operation(detail::real_function_op<"sqrt">{}, e);
}
template <expression E>
constexpr auto log1p(const E& e) {
    return detail::make_operation(detail::real_function_op<"log1p">{}, e);
}
template <expression E>
constexpr auto floor(const E& e) {
    return detail::make_operation(detail::real_function_op<"floor">{}, e);
}
template <expression E>
constexpr auto ceil(const E& e) {
    return detail::make_operation(detail::real_function_op<"ceil">{}, e);
}
template <expression E>
constexpr auto round(const E& e) {
    return detail::make_operation(detail::real_function_op<"round">{}, e);
}
// Of a number, or a truth value: 1 and 0.
template <expression E>
constexpr auto to_double(const E& e) {
    return detail::make_operation(detail::to_double_op{}, e);
}
// Toward zero; NaN and what does not fit 64 bits are an error, which names the row.
template <expression E>
constexpr auto to_int64(const E& e) {
    return detail::make_operation(detail::to_int64_op{}, e);
}
// The least and the greatest of values of one type (numbers, text, or times): null where one is null, NaN where one is NaN.
template <class... E>
    requires(expression<E> || ...)
constexpr auto least(const E&... e) {
    return detail::make_operation(detail::extreme_op<false>{}, e...);
}
template <class... E>
    requires(expression<E> || ...)
constexpr auto greatest(const E&... e) {
    return detail::make_operation(detail::extreme_op<true>{}, e...);
}
// Whether e equals one of the values.
template <expression E, class... V>
constexpr auto is_in(const E& e, const V&... values) {
    return detail::make_operation(detail::is_in_op{}, e, values...);
}
// f(columns...) for each row; f must not depend on the order of rows. std::optional results make the column nullable.
template <class F, class... E>
    requires(expression<E> || ...)
constexpr auto apply(F f, const E&... e) {
    return detail::make_operation(detail::apply_op<F>{f}, e...);
}

}  // namespace SEGKIT_NAMESPACE
