#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>

#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/matrix.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using people = sk::schema<sk::field<"id", std::int64_t>, sk::field<"age", std::optional<double>>, sk::field<"married", bool>>;

}  // namespace

TEST_CASE("columns of a query become a matrix, rows in order, in the order of the names") {
    const sk::table<people> t{{1, 36.5, true}, {2, 41.0, false}, {3, 29.0, true}};
    const auto m = sk::matrix_of(t | sk::filter("id"_c != 2) | sk::derive("twice"_c = "age"_c * 2), sk::columns("married"_c, "twice"_c, "id"_c));
    REQUIRE(m.rows == 2);
    REQUIRE(m.width == 3);
    CHECK(m.view()(0, 0) == 1);
    CHECK(m.view()(0, 1) == 73);
    CHECK(m.view()(1, 1) == 58);
    CHECK(m.view()(1, 2) == 3);
}

TEST_CASE("a matrix is the same from any number of threads") {
    sk::table<people> t;
    for (std::int64_t i = 0; i < 100'000; ++i) t.append(i, static_cast<double>(i) / 3, i % 7 == 0);
    const auto one = sk::matrix_of(t, sk::columns("age"_c, "id"_c));
    const sk::threads pool(3);
    CHECK(sk::matrix_of(t, sk::columns("age"_c, "id"_c), pool).values == one.values);
    CHECK(one.rows == 100'000);
}

TEST_CASE("a null or a value that is not finite is refused with its field and row") {
    const sk::table<people> nulls{{1, 36.5, true}, {2, std::nullopt, false}, {3, std::nullopt, true}};
    CHECK_THROWS_WITH_AS(sk::matrix_of(nulls, "age"_c), doctest::Contains("matrix_of: unexpected null in 'age' at row 1: found 2 nulls"), sk::error);
    const sk::table<people> infinite{{1, std::numeric_limits<double>::infinity(), true}};
    CHECK_THROWS_WITH_AS(sk::matrix_of(infinite, "age"_c), doctest::Contains("matrix_of: not a finite number in 'age' at row 0: found infinity"), sk::error);
}
