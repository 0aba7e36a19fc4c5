#include <doctest/doctest.h>

#include <optional>
#include <type_traits>
#include <utility>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

TEST_CASE("a table that was moved from has no rows and can be filled again") {
    using people = sk::schema<sk::field<"id", std::int64_t>, sk::field<"name", sk::text>>;
    static_assert(std::is_nothrow_move_constructible_v<sk::table<people>> && std::is_nothrow_move_assignable_v<sk::table<people>>);
    sk::table<people> from{{1, "Ada"}, {2, "Grace"}};
    sk::table<people> to = std::move(from);
    CHECK(to.rows() == 2);
    CHECK(from.rows() == 0);
    from.append(3, "Alan");
    REQUIRE(from.rows() == 1);
    CHECK(from["name"_c][0] == "Alan");
    from = std::move(to);
    CHECK(from["name"_c][1] == "Grace");
    auto& self = from;
    from = std::move(self);
    CHECK(from.rows() == 2);
}

TEST_CASE("a table that was moved from is an empty table as a source, on either side of a join, and to whom reads its columns") {
    using people = sk::schema<sk::field<"id", std::int64_t>, sk::field<"name", sk::text>, sk::field<"age", std::optional<double>>>;
    using visits = sk::schema<sk::field<"id", std::int64_t>, sk::field<"hours", double>>;
    sk::table<people> from{{1, "Ada", 36.5}, {2, "Grace", std::nullopt}};
    const sk::table<visits> seen{{1, 2.0}, {3, 4.0}};
    const auto later = from | sk::filter("id"_c > 0);    // borrows
    CHECK((later | sk::collect()).rows() == 2);
    const sk::table<people> to = std::move(from);

    CHECK((later | sk::collect()).empty());
    CHECK((from | sk::group_by("name"_c).aggregate("n"_c = sk::count()) | sk::collect()).empty());
    CHECK((from | sk::aggregate("n"_c = sk::count()) | sk::collect())["n"_c][0] == 0);
    CHECK((from | sk::sort_by("age"_c) | sk::collect()).empty());
    CHECK((from | sk::left_join(seen, "id"_c) | sk::collect()).empty());
    CHECK((seen | sk::inner_join(from, "id"_c) | sk::collect()).empty());
    CHECK((seen | sk::inner_join(from, "id"_c, sk::one_match) | sk::collect()).empty());
    CHECK((seen | sk::semi_join(from, "id"_c) | sk::collect()).empty());
    CHECK((seen | sk::anti_join(from, "id"_c) | sk::collect()).rows() == 2);
    for (const auto& joined : {seen | sk::left_join(from, "id"_c) | sk::collect(), seen | sk::left_join(from, "id"_c, sk::one_match) | sk::collect()}) {
        REQUIRE(joined.rows() == 2);
        CHECK(joined["name"_c][0] == std::nullopt);
        CHECK(joined["age"_c][1] == std::nullopt);
    }
    CHECK(from["name"_c].empty());
    for (const auto& age : from["age"_c]) CHECK(age == std::nullopt);
    CHECK(from.data().columns.size() == 3);
    const sk::table<people> copy = from;
    CHECK(copy.data().columns.size() == 3);
    CHECK(std::move(from).data().columns.size() == 3);
    CHECK(to.rows() == 2);
}
