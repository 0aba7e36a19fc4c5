#include <doctest/doctest.h>

#include <type_traits>
#include <utility>

#include <segkit/expr/column.hpp>
#include <segkit/table/table.hpp>

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
