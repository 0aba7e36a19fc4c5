// segkit/expr/describe.hpp: an expression as a reader would write it: describe("a"_c > 3 && is_null("b"_c)) is
// "a > 3 && is_null(b)". For reports and coverage; two expressions over functions of the user may read alike.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/expr/math.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// How tightly an operator binds: brackets are written where a looser one stands inside.
constexpr int precedence(std::string_view word, std::size_t operands) {
    if (operands == 1) return 7;
    if (word == "*" || word == "/") return 6;
    if (word == "+" || word == "-") return 5;
    if (word == "<" || word == "<=" || word == ">" || word == ">=") return 4;
    if (word == "==" || word == "!=") return 3;
    if (word == "&&") return 2;
    if (word == "||") return 1;
    return 8;
}
constexpr bool is_symbol(std::string_view word) { return !((word[0] >= 'a' && word[0] <= 'z') || (word[0] >= 'A' && word[0] <= 'Z')); }

// A text literal as it is written in a program: quotes inside it are escaped, so that two texts never read as one.
inline std::string text_literal(std::string_view text) {
    std::string written = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') (written += '\\') += c;
        else if (c == '\n') written += "\\n";
        else if (c == '\r') written += "\\r";
        else if (c == '\t') written += "\\t";
        else written += c;
    }
    return written += '"';
}

template <fixed_string Name>
std::string describe_inside(const col<Name>&, int) {
    return std::string(name_of<Name>);
}
template <class T>
std::string describe_inside(const literal<T>& l, int) {
    if constexpr (std::convertible_to<const T&, std::string_view>) return text_literal(l.value);
    else if constexpr (requires { to_text(l.value); }) return to_text(l.value);
    else return "?";
}
template <class Op, class... Operands>
std::string describe_inside(const operation<Op, Operands...>& e, int outer) {
    constexpr std::string_view word = Op::word;
    return unpack(
        [&](const Operands&... o) {
            constexpr int mine = precedence(word, sizeof...(Operands));
            std::string text;
            if constexpr (is_symbol(word) && sizeof...(Operands) == 1) {
                text = std::string(word) + (describe_inside(o, mine) + ...);
            } else if constexpr (is_symbol(word)) {
                constexpr int right = mine + (word != "&&" && word != "||");    // a - (b - c) is not a - b - c
                int side = 0;
                const std::string parts[] = {describe_inside(o, side++ == 0 ? mine : right)...};
                text = parts[0] + " " + std::string(word) + " " + parts[1];
            } else {
                text = std::string(word) + "(";
                bool first = true;
                ((text += (first ? "" : ", ") + describe_inside(o, 0), first = false), ...);
                return text + ")";
            }
            return mine < outer ? "(" + text + ")" : text;
        },
        e.operands);
}

}  // namespace detail

template <expression E>
std::string describe(const E& e) {
    return detail::describe_inside(e, 0);
}

}  // namespace SEGKIT_NAMESPACE
