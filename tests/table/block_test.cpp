#include <doctest/doctest.h>

#include <segkit/table/table.hpp>
#include <segkit/expr/column.hpp>

namespace sk = segkit;
using namespace segkit::literals;

TEST_CASE("a block column has one width: a row of another is refused and leaves the table as it was") {
    sk::table<sk::schema<sk::field<"id", std::int64_t>, sk::field<"scores", sk::block<double>>>> t;
    const double values[] = {1, 2, 3};
    t.append(std::int64_t{1}, sk::block_value<double>{values, 3});
    CHECK_THROWS_AS(t.append(std::int64_t{2}, sk::block_value<double>{values, 2}), sk::error);
    REQUIRE(t.rows() == 1);
    CHECK(t["id"_c].size() == 1);
    CHECK(t["scores"_c][0].size() == 3);
    CHECK(t["scores"_c][0][2] == 3);
}
