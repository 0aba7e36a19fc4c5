#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

#include <segkit/expr.hpp>
#include <segkit/expr/describe.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using words = sk::schema<sk::field<"word", std::optional<sk::text>>, sk::field<"n", std::int64_t>>;

sk::table<words> some_words() {
    return {{"one", 1}, {"a word that is too long for a small string", 2}, {std::nullopt, 3}, {"", 4}};
}
constexpr auto marked = [](std::string_view s) { return std::string(s) + ", marked by a function of the user"; };

}  // namespace

TEST_CASE("a view that a function takes of computed text is copied before that text ends") {
    const auto rest = [](std::string_view s) { return s.substr(s.size() < 2 ? s.size() : 1); };
    const auto t = some_words() | sk::derive("rest"_c = sk::apply(rest, sk::apply(marked, "word"_c))) | sk::collect();
    CHECK(t["rest"_c][0] == "ne, marked by a function of the user");
    CHECK(t["rest"_c][1] == " word that is too long for a small string, marked by a function of the user");
    CHECK(t["rest"_c][2] == std::nullopt);
}

TEST_CASE("computed text stands where text of a column or a literal may stand") {
    const auto t = some_words() |
                   sk::derive("known"_c = sk::coalesce(sk::apply(marked, "word"_c), "no word"),
                              "size"_c = sk::when("n"_c > 3, "many").otherwise(sk::apply([](std::int64_t n) { return std::to_string(n); }, "n"_c)),
                              "is_one"_c = sk::apply(marked, "word"_c) == "one, marked by a function of the user",
                              "listed"_c = sk::is_in(sk::apply([](std::int64_t n) { return std::to_string(n); }, "n"_c), "1", std::string("4"))) |
                   sk::collect();
    CHECK(t["known"_c][0] == "one, marked by a function of the user");
    CHECK(t["known"_c][2] == "no word");
    CHECK(t["known"_c][3] == ", marked by a function of the user");
    CHECK(t["size"_c][0] == "1");
    CHECK(t["size"_c][3] == "many");
    CHECK(t["is_one"_c][0] == true);
    CHECK(t["is_one"_c][1] == false);
    CHECK(t["is_one"_c][2] == std::nullopt);
    CHECK(t["listed"_c][0]);
    CHECK_FALSE(t["listed"_c][1]);
    CHECK(t["listed"_c][3]);
}

TEST_CASE("a description keeps the brackets that the meaning needs") {
    CHECK(sk::describe("a"_c - ("b"_c - "c"_c)) == "a - (b - c)");
    CHECK(sk::describe("a"_c - "b"_c - "c"_c) == "a - b - c");
    CHECK(sk::describe("a"_c / ("b"_c * "c"_c)) == "a / (b * c)");
    CHECK(sk::describe("a"_c > 1 && ("b"_c > 1 && "c"_c > 1)) == "a > 1 && b > 1 && c > 1");
}

TEST_CASE("text in a description is written as in a program, quotes escaped") {
    CHECK(sk::describe("a"_c == "plain <b> & 'quoted'") == R"(a == "plain <b> & 'quoted'")");
    CHECK(sk::describe("a"_c == "say \"no\"") == R"(a == "say \"no\"")");
    CHECK(sk::describe("a"_c == "C:\\new\nline\tend\r") == R"(a == "C:\\new\nline\tend\r")");
    CHECK(sk::describe(sk::is_in("a"_c, "x", "y\", \"z")) != sk::describe(sk::is_in("a"_c, "x\", \"y", "z")));
}
