// segkit/expr/operators.hpp: arithmetic, comparison and logic on columns.
//
// Integers are computed in 64 bits and an overflow is an error; `/` is always double; comparison of an integer with a
// floating value is done in double. A comparison with null is unknown; `&&`, `||` and `!` are three-valued as in SQL.
// A date meets a timestamp as its midnight, and a date beyond all timestamps stays beyond them; timestamp - timestamp is a duration,
// date - date a number of days.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/expr/bind.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

template <class A, class B>
inline constexpr bool both_numbers = is_number<A> && is_number<B>;
template <class A, class B>
inline constexpr bool both_integers = is_integer<A> && is_integer<B>;
template <class T>
inline constexpr bool is_instant = std::same_as<T, date> || std::same_as<T, timestamp>;

template <class A, class B>
using number_result = std::conditional_t<both_integers<A, B>, std::int64_t, std::conditional_t<std::same_as<A, float> && std::same_as<B, float>, float, double>>;

[[noreturn]] inline void throw_overflow(std::int64_t a, const char* op, std::int64_t b) {
    throw error({.code = error_code::overflow,
                 .stage = "expression",
                 .found = std::to_string(a) + op + std::to_string(b),
                 .expected = "a result within 64 bits",
                 .advice = "convert an operand with to_double first"});
}

// Sums and differences of dates, timestamps and durations, by their integers.
inline std::int64_t checked_sum(std::int64_t a, std::int64_t b) {
    std::int64_t r;
    if (__builtin_add_overflow(a, b, &r)) throw_overflow(a, " + ", b);
    return r;
}
inline std::int64_t checked_difference(std::int64_t a, std::int64_t b) {
    std::int64_t r;
    if (__builtin_sub_overflow(a, b, &r)) throw_overflow(a, " - ", b);
    return r;
}
inline date checked_date(std::int64_t days) {
    if (days != static_cast<std::int32_t>(days))
        throw error({.code = error_code::overflow,
                     .stage = "expression",
                     .found = "day " + std::to_string(days) + " since 1970",
                     .expected = "a date within 32 bits of days",
                     .advice = "filter such rows or guard with when()"});
    return date::from_days(static_cast<std::int32_t>(days));
}

struct plus_op {
    static constexpr std::string_view word = "+";
    template <class A, class B>
    static constexpr bool accepts = both_numbers<A, B> || (std::same_as<A, timestamp> && std::same_as<B, duration>) ||
                                    (std::same_as<A, duration> && std::same_as<B, duration>) || (std::same_as<A, date> && is_integer<B>);
    template <class A, class B>
    static auto evaluate(const A& a, const B& b) {
        if constexpr (both_integers<A, B>) {
            return checked_sum(a, b);
        } else if constexpr (both_numbers<A, B>) {
            return static_cast<number_result<A, B>>(a) + static_cast<number_result<A, B>>(b);
        } else if constexpr (std::same_as<A, timestamp>) {
            return timestamp::from_microseconds(checked_sum(a.microseconds_since_1970(), b.microseconds));
        } else if constexpr (std::same_as<A, date>) {
            return checked_date(checked_sum(a.days_since_1970(), b));
        } else {
            return duration{checked_sum(a.microseconds, b.microseconds)};
        }
    }
};

struct minus_op {
    static constexpr std::string_view word = "-";
    template <class A, class B>
    static constexpr bool accepts = both_numbers<A, B> || (is_instant<A> && is_instant<B>) || (std::same_as<A, timestamp> && std::same_as<B, duration>) ||
                                    (std::same_as<A, duration> && std::same_as<B, duration>) || (std::same_as<A, date> && is_integer<B>);
    template <class A, class B>
    static auto evaluate(const A& a, const B& b) {
        if constexpr (both_integers<A, B>) {
            return checked_difference(a, b);
        } else if constexpr (both_numbers<A, B>) {
            return static_cast<number_result<A, B>>(a) - static_cast<number_result<A, B>>(b);
        } else if constexpr (std::same_as<A, date> && std::same_as<B, date>) {
            return std::int64_t{a.days_since_1970()} - b.days_since_1970();
        } else if constexpr (is_instant<A> && is_instant<B>) {
            return duration{checked_difference(timestamp(a).microseconds_since_1970(), timestamp(b).microseconds_since_1970())};
        } else if constexpr (std::same_as<A, timestamp>) {
            return timestamp::from_microseconds(checked_difference(a.microseconds_since_1970(), b.microseconds));
        } else if constexpr (std::same_as<A, date>) {
            return checked_date(checked_difference(a.days_since_1970(), b));
        } else {
            return duration{checked_difference(a.microseconds, b.microseconds)};
        }
    }
};

struct times_op {
    static constexpr std::string_view word = "*";
    template <class A, class B>
    static constexpr bool accepts = both_numbers<A, B>;
    template <class A, class B>
    static auto evaluate(const A& a, const B& b) {
        if constexpr (both_integers<A, B>) {
            std::int64_t r;
            if (__builtin_mul_overflow(std::int64_t{a}, std::int64_t{b}, &r)) throw_overflow(a, " * ", b);
            return r;
        } else {
            return static_cast<number_result<A, B>>(a) * static_cast<number_result<A, B>>(b);
        }
    }
};

// Always double, by IEEE 754: x / 0 is infinite or NaN; see null_if_zero.
struct divide_op {
    static constexpr std::string_view word = "/";
    static constexpr bool cheap = true;
    template <class A, class B>
    static constexpr bool accepts = both_numbers<A, B> || (std::same_as<A, duration> && std::same_as<B, duration>);
    template <class A, class B>
    static double evaluate(const A& a, const B& b) {
        if constexpr (std::same_as<A, duration>) return static_cast<double>(a.microseconds) / static_cast<double>(b.microseconds);
        else return static_cast<double>(a) / static_cast<double>(b);
    }
};

struct negate_op {
    static constexpr std::string_view word = "-";
    template <class A>
    static constexpr bool accepts = is_number<A> || std::same_as<A, duration>;
    template <class A>
    static auto evaluate(const A& a) {
        if constexpr (is_integer<A>) return minus_op::evaluate(std::int64_t{0}, a);
        else if constexpr (std::same_as<A, duration>) return duration{checked_difference(0, a.microseconds)};
        else return -a;
    }
};

template <class A, class B>
inline constexpr bool ordered = both_numbers<A, B> || std::same_as<A, B> || (is_instant<A> && is_instant<B>) || (is_text_value<A> && is_text_value<B>);

constexpr timestamp as_timestamp(timestamp t) { return t; }
constexpr timestamp as_timestamp(date day) { return timestamp::nearest_midnight(day); }

// Both sides as one type, so that no comparison is done across signs or widths.
template <class A, class B, class Compare>
constexpr bool compare(const A& a, const B& b, Compare c) {
    if constexpr (both_integers<A, B>) return c(std::int64_t{a}, std::int64_t{b});
    else if constexpr (both_numbers<A, B>) return c(static_cast<double>(a), static_cast<double>(b));
    else if constexpr (is_instant<A> && is_instant<B> && !std::same_as<A, B>) return c(as_timestamp(a), as_timestamp(b));
    else if constexpr (is_text_value<A>) return c(std::string_view(a), std::string_view(b));
    else return c(a, b);
}

// A comparison is told apart by its symbol, so that diagnostics and reports show it as it was written.
template <fixed_string Symbol>
struct comparison_op {
    static constexpr std::string_view word = name_of<Symbol>;
    static constexpr bool cheap = true;
    template <class A, class B>
    static constexpr bool accepts = ordered<A, B>;
    template <class A, class B>
    static bool evaluate(const A& a, const B& b) {
        return compare(a, b, [](const auto& x, const auto& y) {
            if constexpr (word == "<") return x < y;
            else if constexpr (word == "<=") return x <= y;
            else if constexpr (word == ">") return x > y;
            else if constexpr (word == ">=") return x >= y;
            else if constexpr (word == "==") return x == y;
            else return x != y;
        });
    }
};
using less_op = comparison_op<"<">;
using at_most_op = comparison_op<"<=">;
using greater_op = comparison_op<">">;
using at_least_op = comparison_op<">=">;
using equal_op = comparison_op<"==">;
using differ_op = comparison_op<"!=">;

// A category beside a constant text: which code the text has is asked once for a chunk, and rows are compared by code. Where
// a dictionary repeats a text or has many, and where the rows have no codes, their texts are compared.
inline constexpr std::size_t most_texts_compared = 256;
template <fixed_string Symbol, bool Nullable>
struct open_category_comparison {
    slot_view view;
    std::string_view constant;
    std::int32_t code = -1;

    open_category_comparison(const slot_view& v, std::string_view text) : view(v), constant(text) {
        if (view.text_count > most_texts_compared) view.codes = nullptr;
        for (std::size_t i = 0; view.codes && i < view.text_count; ++i) {
            if (view.texts[i] != constant) continue;
            if (code >= 0) view.codes = nullptr;
            code = static_cast<std::int32_t>(i);
        }
    }
    auto operator()(std::uint32_t row) const {
        const bool same = view.codes ? view.codes[row] == code : view.as<std::string_view>()[row] == constant;
        const bool result = same == (name_of<Symbol> == "==");
        if constexpr (Nullable) return maybe<bool>{result, view.valid(row)};
        else return result;
    }
};
// The same of <, <=, > and >=: what is true of each text of the dictionary is found once for a chunk, and looked up by code.
template <fixed_string Symbol, bool Nullable, bool ConstantFirst>
struct open_category_order {
    slot_view view;
    std::string_view constant;
    bool holds_of[most_texts_compared] = {};

    open_category_order(const slot_view& v, std::string_view text) : view(v), constant(text) {
        if (view.text_count > most_texts_compared) view.codes = nullptr;
        for (std::size_t i = 0; view.codes && i < view.text_count; ++i) holds_of[i] = holds(view.texts[i]);
    }
    auto operator()(std::uint32_t row) const {
        const bool result = view.codes ? holds_of_code(view.codes[row]) : holds(view.as<std::string_view>()[row]);
        if constexpr (Nullable) return maybe<bool>{result, view.valid(row)};
        else return result;
    }

private:
    bool holds_of_code(std::int32_t code) const {    // that of a null may be anything
        const auto place = static_cast<std::uint32_t>(code);
        return place < most_texts_compared && holds_of[place];
    }
    bool holds(std::string_view text) const {
        if constexpr (ConstantFirst) return comparison_op<Symbol>::evaluate(constant, text);
        else return comparison_op<Symbol>::evaluate(text, constant);
    }
};
template <class Op>
inline constexpr bool is_equality = std::same_as<Op, equal_op> || std::same_as<Op, differ_op>;
template <class Bound>
inline constexpr bool is_constant_text = std::same_as<Bound, bound_literal<std::string_view>> || std::same_as<Bound, bound_text>;

template <fixed_string Symbol, bool ConstantFirst, bool Nullable, class Constant>
auto open_category(const chunk& c, const bound_column<category, Nullable>& column, const Constant& constant) {
    const slot_view& view = c.slots[static_cast<std::size_t>(column.slot)];
    if constexpr (is_equality<comparison_op<Symbol>>) return open_category_comparison<Symbol, Nullable>(view, constant.open(c).value);
    else return open_category_order<Symbol, Nullable, ConstantFirst>(view, constant.open(c).value);
}
template <fixed_string Symbol, bool Nullable, class Constant>
    requires is_constant_text<Constant>
struct bound_operation<comparison_op<Symbol>, bound_column<category, Nullable>, Constant> {
    [[no_unique_address]] comparison_op<Symbol> op;
    pack<bound_column<category, Nullable>, Constant> operands;

    auto open(const chunk& c) const { return open_category<Symbol, false>(c, detail::get<0>(operands), detail::get<1>(operands)); }
};
template <fixed_string Symbol, bool Nullable, class Constant>
    requires is_constant_text<Constant>
struct bound_operation<comparison_op<Symbol>, Constant, bound_column<category, Nullable>> {
    [[no_unique_address]] comparison_op<Symbol> op;
    pack<Constant, bound_column<category, Nullable>> operands;

    auto open(const chunk& c) const { return open_category<Symbol, true>(c, detail::get<1>(operands), detail::get<0>(operands)); }
};

// false && unknown is false, true || unknown is true: so these see the nulls.
struct and_op {
    static constexpr std::string_view word = "&&";
    static constexpr bool sees_nulls = true;
    template <class A, class B>
    static constexpr bool accepts = std::same_as<A, bool> && std::same_as<B, bool>;
    template <class A, class B>
    static auto evaluate(std::uint32_t row, const A& open_a, const B& open_b) {
        const auto a = open_a(row);
        const auto b = open_b(row);
        if constexpr (can_be_null<std::remove_cvref_t<decltype(a)>> || can_be_null<std::remove_cvref_t<decltype(b)>>) {
            const bool a_false = is_known(a) && !value_in(a), b_false = is_known(b) && !value_in(b);
            return maybe<bool>{value_in(a) && value_in(b), (is_known(a) && is_known(b)) || a_false || b_false};
        } else {
            return static_cast<bool>(int{a} & int{b});
        }
    }
};
struct or_op {
    static constexpr std::string_view word = "||";
    static constexpr bool sees_nulls = true;
    template <class A, class B>
    static constexpr bool accepts = std::same_as<A, bool> && std::same_as<B, bool>;
    template <class A, class B>
    static auto evaluate(std::uint32_t row, const A& open_a, const B& open_b) {
        const auto a = open_a(row);
        const auto b = open_b(row);
        if constexpr (can_be_null<std::remove_cvref_t<decltype(a)>> || can_be_null<std::remove_cvref_t<decltype(b)>>) {
            const bool a_true = is_known(a) && value_in(a), b_true = is_known(b) && value_in(b);
            return maybe<bool>{a_true || b_true, (is_known(a) && is_known(b)) || a_true || b_true};
        } else {
            return static_cast<bool>(int{a} | int{b});
        }
    }
};
struct not_op {
    static constexpr std::string_view word = "!";
    static constexpr bool cheap = true;
    template <class A>
    static constexpr bool accepts = std::same_as<A, bool>;
    static bool evaluate(bool a) { return !a; }
};

template <class Op, class... E>
constexpr auto make_operation(Op op, const E&... operands) {
    return operation<Op, expression_of<E>...>{{}, op, make_pack(as_expression(operands)...)};
}

// Either side is an expression; the other may be a plain value.
template <class A, class B>
concept operator_sides = expression<A> || expression<B>;

}  // namespace detail

template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator+(const A& a, const B& b) {
    return detail::make_operation(detail::plus_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator-(const A& a, const B& b) {
    return detail::make_operation(detail::minus_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator*(const A& a, const B& b) {
    return detail::make_operation(detail::times_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator/(const A& a, const B& b) {
    return detail::make_operation(detail::divide_op{}, a, b);
}
template <expression A>
constexpr auto operator-(const A& a) {
    return detail::make_operation(detail::negate_op{}, a);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator<(const A& a, const B& b) {
    return detail::make_operation(detail::less_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator<=(const A& a, const B& b) {
    return detail::make_operation(detail::at_most_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator>(const A& a, const B& b) {
    return detail::make_operation(detail::greater_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator>=(const A& a, const B& b) {
    return detail::make_operation(detail::at_least_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator==(const A& a, const B& b) {
    return detail::make_operation(detail::equal_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator!=(const A& a, const B& b) {
    return detail::make_operation(detail::differ_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator&&(const A& a, const B& b) {
    return detail::make_operation(detail::and_op{}, a, b);
}
template <class A, class B>
    requires detail::operator_sides<A, B>
constexpr auto operator||(const A& a, const B& b) {
    return detail::make_operation(detail::or_op{}, a, b);
}
template <expression A>
constexpr auto operator!(const A& a) {
    return detail::make_operation(detail::not_op{}, a);
}

}  // namespace SEGKIT_NAMESPACE
