// What a name does: given to an expression it is a new column, never an assignment of one column object to another.
#include <doctest/doctest.h>

#include <type_traits>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using pairs = sk::schema<sk::field<"a", std::int32_t>, sk::field<"b", std::int32_t>>;

}  // namespace

TEST_CASE("naming a column after a column, itself included, makes a named expression and changes nothing") {
    const auto a = "a"_c;
    static_assert(std::is_same_v<decltype("a"_c = "a"_c), sk::named<"a", sk::col<"a">>>);
    static_assert(std::is_same_v<decltype(a = a), sk::named<"a", sk::col<"a">>>);
    static_assert(std::is_same_v<decltype("a"_c = "b"_c), sk::named<"a", sk::col<"b">>>);
    static_assert(std::is_same_v<decltype("a"_c = 3), sk::named<"a", sk::literal<std::int32_t>>>);
    static_assert(!std::is_assignable_v<sk::named<"a", sk::col<"a">>&, sk::col<"a">>);
    const sk::table<pairs> t{{1, 2}};
    const auto same = t | sk::rename("a"_c = "a"_c) | sk::collect();
    CHECK(same["a"_c][0] == 1);
    const auto r = t | sk::rename("c"_c = "a"_c, "a"_c = "b"_c) | sk::collect();
    CHECK(r["c"_c][0] == 1);
    CHECK(r["a"_c][0] == 2);
}

TEST_CASE("a table is not changed by what is made of it, and columns can be swapped by renaming") {
    const sk::table<pairs> t{{1, 2}};
    const auto swapped = t | sk::rename("a"_c = "b"_c, "b"_c = "a"_c) | sk::collect();
    CHECK(swapped["a"_c][0] == 2);
    CHECK(swapped["b"_c][0] == 1);
    CHECK(t["a"_c][0] == 1);
}

TEST_CASE("a constant may be derived, of any type a column has") {
    const sk::table<pairs> t{{1, 2}, {3, 4}};
    const auto r = t | sk::derive("one"_c = 1, "half"_c = 0.5, "word"_c = "w", "yes"_c = true, "day"_c = sk::date(2020, 2, 2)) | sk::collect();
    CHECK(r["one"_c][1] == 1);
    CHECK(r["half"_c][1] == 0.5);
    CHECK(r["word"_c][1] == "w");
    CHECK(r["yes"_c][1]);
    CHECK(r["day"_c][0] == sk::date(2020, 2, 2));
}
