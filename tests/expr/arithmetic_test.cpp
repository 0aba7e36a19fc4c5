#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
using numbers = sk::schema<sk::field<"a", std::int64_t>, sk::field<"b", std::int64_t>, sk::field<"f", float>, sk::field<"x", double>, sk::field<"i", std::int32_t>>;

template <class Query>
sk::error_details failure_of(const Query& q, sk::executor_ref executor = sk::detail::default_executor) {
    try {
        (void)(q | sk::collect(executor));
    } catch (const sk::error& failure) {
        return failure.details();
    }
    return {.found = "no error"};
}

}  // namespace

TEST_CASE("integers are computed in 64 bits, division is in double, and float stays float among floats") {
    const sk::table<numbers> t{{7, 2, 0.1f, 0.5, 2'000'000'000}};
    const auto r = t | sk::derive("sum"_c = "i"_c + "i"_c, "ratio"_c = "a"_c / "b"_c, "ff"_c = "f"_c + "f"_c, "fx"_c = "f"_c + "x"_c, "ax"_c = "a"_c * "x"_c, "minus"_c = 3 - "a"_c) | sk::collect();
    static_assert(std::is_same_v<decltype(r["ff"_c][0]), float> && std::is_same_v<decltype(r["fx"_c][0]), double> && std::is_same_v<decltype(r["sum"_c][0]), std::int64_t>);
    CHECK(r["sum"_c][0] == 4'000'000'000);
    CHECK(r["ratio"_c][0] == 3.5);
    CHECK(r["ff"_c][0] == 0.2f);
    CHECK(r["fx"_c][0] == static_cast<double>(0.1f) + 0.5);
    CHECK(r["ax"_c][0] == 3.5);
    CHECK(r["minus"_c][0] == -4);
}

TEST_CASE("the greatest and least integers go through, one more is an error") {
    const sk::table<numbers> t{{most - 1, 1, 0, 0, 0}, {least + 1, -1, 0, 0, 0}};
    CHECK((t | sk::derive("s"_c = "a"_c + "b"_c) | sk::collect())["s"_c][0] == most);
    CHECK((t | sk::derive("s"_c = "a"_c + "b"_c) | sk::collect())["s"_c][1] == least);
    const sk::table<numbers> edge{{least, 1, 0, 0, 0}};
    for (const auto& d : {failure_of(edge | sk::derive("r"_c = "a"_c - "b"_c)), failure_of(edge | sk::derive("r"_c = "a"_c * 2)), failure_of(edge | sk::derive("r"_c = -"a"_c)),
                          failure_of(edge | sk::derive("r"_c = sk::abs("a"_c)))}) {
        CHECK(d.code == sk::error_code::overflow);
        CHECK(d.field == "r");
    }
}

TEST_CASE("an overflow names the column it was computed for, the operands and the row, after filters and on any executor") {
    sk::table<numbers> t;
    for (int i = 0; i < 100'000; ++i) t.append(std::int64_t{i}, i == 70'123 || i == 99'999 ? most : std::int64_t{1}, 0.0f, 0.0, i);
    const auto query = t | sk::filter("i"_c > 10) | sk::derive("total"_c = "a"_c + "b"_c);
    for (const unsigned n : {1u, 3u}) {
        const sk::threads pool(n);
        const auto d = failure_of(query, pool);
        CHECK(d.code == sk::error_code::overflow);
        CHECK(d.stage == "derive");
        CHECK(d.field == "total");
        CHECK(d.row == 70'123u);
        CHECK(d.found == "70123 + 9223372036854775807");
        CHECK(!d.advice.empty());
    }
    CHECK(sk::error(failure_of(query)).what() ==
          doctest::String("derive: overflow in 'total' at row 70123: found 70123 + 9223372036854775807, expected a result within 64 bits; convert an operand with to_double first"));
}

TEST_CASE("an overflow in a condition or in an aggregate's operand names the row too") {
    sk::table<numbers> t;
    for (int i = 0; i < 5'000; ++i) t.append(std::int64_t{i}, i == 4'321 ? least : std::int64_t{1}, 0.0f, 0.0, i);
    const auto kept = failure_of(t | sk::filter("i"_c >= 4'000) | sk::filter("b"_c - "a"_c < 0));
    CHECK(kept.stage == "filter");
    CHECK(kept.row == 4'321u);
    const auto summed = failure_of(t | sk::aggregate("s"_c = sk::mean("b"_c - 1)));
    CHECK(summed.stage == "mean");
    CHECK(summed.row == 4'321u);
    const auto counted = failure_of(t | sk::aggregate("s"_c = sk::count_if("b"_c * 2 < 0)));
    CHECK(counted.stage == "where");
    CHECK(counted.row == 4'321u);
}

TEST_CASE("a sum that does not fit 64 bits is an error, one that only passes through large values is not") {
    const sk::table<numbers> back{{most, 0, 0, 0, 0}, {most, 0, 0, 0, 0}, {least, 0, 0, 0, 0}, {least, 0, 0, 0, 0}};
    CHECK((back | sk::aggregate("s"_c = sk::sum("a"_c)) | sk::collect())["s"_c][0] == -2);
    const sk::table<numbers> over{{most, 0, 0, 0, 0}, {1, 0, 0, 0, 0}};
    CHECK(failure_of(over | sk::aggregate("s"_c = sk::sum("a"_c))).code == sk::error_code::overflow);
}

TEST_CASE("to_int64 truncates toward zero and refuses what does not fit") {
    const sk::table<numbers> t{{0, 0, 0, 2.9, 0}, {0, 0, 0, -2.9, 0}};
    const auto r = t | sk::derive("whole"_c = sk::to_int64("x"_c)) | sk::collect();
    CHECK(r["whole"_c][0] == 2);
    CHECK(r["whole"_c][1] == -2);
    for (const double bad : {0x1p63, -0x1.1p63, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        const sk::table<numbers> wrong{{0, 0, 0, 1.0, 0}, {0, 0, 0, bad, 0}};
        const auto d = failure_of(wrong | sk::derive("whole"_c = sk::to_int64("x"_c)));
        CHECK(d.code == sk::error_code::overflow);
        CHECK(d.row == 1u);
        CHECK(d.field == "whole");
    }
    const sk::table<numbers> least_value{{0, 0, 0, -0x1p63, 0}};
    CHECK((least_value | sk::derive("whole"_c = sk::to_int64("x"_c)) | sk::collect())["whole"_c][0] == least);
}

TEST_CASE("integers and doubles compare as doubles, int32 and int64 as integers") {
    const sk::table<numbers> t{{3, 1, 3.0f, 2.5, 3}};
    CHECK((t | sk::filter("a"_c > "x"_c && "a"_c == "f"_c && "a"_c == "i"_c && "i"_c < 2'999'999'999) | sk::collect()).rows() == 1);
}

TEST_CASE("least and greatest take one of their operands: a NaN wherever it stands, null where one is null") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const sk::table<sk::schema<sk::field<"x", double>, sk::field<"y", double>, sk::field<"z", std::optional<double>>, sk::field<"i", std::int32_t>>> t{
        {1.5, -2, 0.5, 1}, {nan, 3, 0.5, 1}, {3, nan, 0.5, 1}, {3, 4, std::nullopt, 1}};
    const auto r = t | sk::derive("low"_c = sk::least("x"_c, "i"_c, "y"_c), "high"_c = sk::greatest("x"_c, "y"_c, "i"_c), "some"_c = sk::least("z"_c, "x"_c)) | sk::collect();
    CHECK(r["low"_c][0] == -2);
    CHECK(r["high"_c][0] == 1.5);
    CHECK(r["some"_c][0] == 0.5);
    for (const std::size_t row : {std::size_t{1}, std::size_t{2}}) {
        CHECK(r["low"_c][row] != r["low"_c][row]);
        CHECK(r["high"_c][row] != r["high"_c][row]);
    }
    CHECK(r["low"_c][3] == 1);
    CHECK(r["high"_c][3] == 4);
    CHECK(!r["some"_c][3]);
}

TEST_CASE("an unsigned value in an expression is the number it is, or an error where columns have no such number") {
    const sk::table<sk::schema<sk::field<"n", std::int64_t>>> t{{5}, {most}};
    const std::uint64_t size = 5, greatest = static_cast<std::uint64_t>(most);
    CHECK((t | sk::filter("n"_c <= size) | sk::collect()).rows() == 1);
    CHECK((t | sk::filter("n"_c <= greatest) | sk::collect()).rows() == 2);
    CHECK_THROWS_WITH_AS(sk::filter("n"_c < greatest + 1), doctest::Contains("expression: overflow: found the value 9223372036854775808, expected at most 9223372036854775807"), sk::error);
    CHECK_THROWS_AS(sk::filter("n"_c < std::numeric_limits<std::uint64_t>::max()), sk::error);
}
