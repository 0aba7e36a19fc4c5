#include <doctest/doctest.h>

#include <cmath>
#include <optional>
#include <string>
#include <type_traits>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using amounts = sk::schema<sk::field<"n", std::int32_t>, sk::field<"a", std::optional<std::int64_t>>, sk::field<"b", std::optional<double>>,
                           sk::field<"word", std::optional<sk::text>>, sk::field<"day", std::optional<sk::date>>>;

sk::table<amounts> sample() {
    return {{0, 1, 2.5, "x", sk::date(2020, 1, 1)}, {1, std::nullopt, 2.5, std::nullopt, std::nullopt}, {2, 0, std::nullopt, "", sk::date(2020, 1, 2)},
            {3, std::nullopt, std::nullopt, std::nullopt, std::nullopt}};
}

}  // namespace

TEST_CASE("arithmetic with a null is null, whatever the other side") {
    const auto t = sample() | sk::derive("sum"_c = "a"_c + "b"_c, "zero"_c = "a"_c * 0, "negative"_c = -"b"_c, "later"_c = "day"_c + 1) | sk::collect();
    CHECK(t["sum"_c][0] == 3.5);
    for (std::size_t i = 1; i < 4; ++i) CHECK(t["sum"_c][i] == std::nullopt);
    CHECK(t["zero"_c][1] == std::nullopt);
    CHECK(t["negative"_c][3] == std::nullopt);
    CHECK(t["later"_c][2] == sk::date(2020, 1, 3));
    CHECK(t["later"_c][3] == std::nullopt);
}

TEST_CASE("coalesce takes the first operand that is known, and cannot be null where one of them cannot") {
    const auto t = sample() | sk::derive("first"_c = sk::coalesce("a"_c, "b"_c), "sure"_c = sk::coalesce("a"_c, "n"_c), "word_or"_c = sk::coalesce("word"_c, "none")) |
                   sk::collect();
    static_assert(std::is_same_v<decltype(t["first"_c][0]), std::optional<double>>);
    static_assert(std::is_same_v<decltype(t["sure"_c][0]), std::int64_t>);
    CHECK(t["first"_c][0] == 1.0);
    CHECK(t["first"_c][1] == 2.5);
    CHECK(t["first"_c][2] == 0.0);
    CHECK(t["first"_c][3] == std::nullopt);
    CHECK(t["sure"_c][1] == 1);
    CHECK(t["sure"_c][2] == 0);
    CHECK(t["sure"_c][3] == 3);
    CHECK(t["word_or"_c][1] == "none");
    CHECK(t["word_or"_c][2] == "");
}

TEST_CASE("null_if_zero guards a division; without it the division is IEEE's") {
    const auto t = sample() | sk::derive("safe"_c = "n"_c / sk::null_if_zero("a"_c), "bare"_c = "n"_c / sk::coalesce("a"_c, 0), "whole"_c = 3 / sk::coalesce("a"_c, 2)) | sk::collect();
    CHECK(t["safe"_c][0] == 0.0);
    CHECK(t["safe"_c][2] == std::nullopt);
    CHECK(t["safe"_c][1] == std::nullopt);
    CHECK(t["bare"_c][2] == INFINITY);
    CHECK(t["bare"_c][0] == 0.0);
    CHECK(t["whole"_c][1] == 1.5);
}

TEST_CASE("when takes the first condition that is true; unknown is not true; without otherwise the rest is null") {
    const auto t = sample() | sk::derive("size"_c = sk::when("a"_c > 0, "positive").when("a"_c <= 0, "not").otherwise("unknown"), "maybe"_c = sk::when("a"_c > 0, "b"_c),
                                         "mixed"_c = sk::when("n"_c == 0, "n"_c).otherwise("b"_c)) |
                   sk::collect();
    static_assert(std::is_same_v<decltype(t["size"_c][0]), std::string_view>);
    CHECK(t["size"_c][0] == "positive");
    CHECK(t["size"_c][1] == "unknown");
    CHECK(t["size"_c][2] == "not");
    CHECK(t["maybe"_c][0] == 2.5);
    CHECK(t["maybe"_c][1] == std::nullopt);
    CHECK(t["mixed"_c][0] == 0.0);
    CHECK(t["mixed"_c][1] == 2.5);
    CHECK(t["mixed"_c][3] == std::nullopt);
}

TEST_CASE("a branch of when that is not taken is not computed, nor is what coalesce does not need, nor a function of nulls") {
    const auto refuse = [](std::int64_t v) {
        if (v != 1) throw std::string("computed for " + std::to_string(v));
        return v;
    };
    const auto t = sample();
    const auto guarded = t | sk::derive("ok"_c = sk::when("n"_c == 0, sk::apply(refuse, "n"_c + 1)).otherwise(-1)) | sk::collect();
    CHECK(guarded["ok"_c][0] == 1);
    CHECK(guarded["ok"_c][3] == -1);
    const auto big = t | sk::derive("ok"_c = sk::when("n"_c > 5, "n"_c * 9'000'000'000'000'000'000 * 9).otherwise(0)) | sk::collect();
    CHECK(big["ok"_c][3] == 0);
    CHECK((t | sk::derive("c"_c = sk::coalesce("n"_c, sk::apply(refuse, "n"_c + 7))) | sk::collect())["c"_c][2] == 2);
    CHECK((t | sk::filter("a"_c != 0 || sk::is_null("a"_c)) | sk::derive("f"_c = sk::apply(refuse, "a"_c)) | sk::collect())["f"_c][1] == std::nullopt);
    CHECK_THROWS_AS(t | sk::derive("f"_c = sk::apply(refuse, "n"_c)) | sk::collect(), std::string);
}
