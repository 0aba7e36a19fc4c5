#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>
#include <segkit/query/replace.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using orders = sk::schema<sk::field<"id", std::int64_t>, sk::field<"price", double>, sk::field<"name", std::optional<sk::text>>, sk::field<"items", std::int32_t>>;

sk::table<orders> some_orders() { return {{1, 10.0, "tea", 2}, {2, 20.0, std::nullopt, 0}, {3, 30.0, "kettle", 4}}; }

}  // namespace

TEST_CASE("a replaced column keeps its place and gets the values and the type of the expression") {
    const auto t = some_orders() | sk::replace("name"_c = sk::coalesce("name"_c, "?"), "price"_c = "price"_c / sk::null_if_zero("items"_c), "id"_c = "items"_c) |
                   sk::collect();
    using expected = sk::schema<sk::field<"id", std::int32_t>, sk::field<"price", std::optional<double>>, sk::field<"name", sk::text>, sk::field<"items", std::int32_t>>;
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(t)>::schema_type, expected>);
    CHECK(t["name"_c][0] == "tea");
    CHECK(t["name"_c][1] == "?");
    CHECK(t["price"_c][0] == 5.0);
    CHECK(t["price"_c][1] == std::nullopt);
    CHECK(t["price"_c][2] == 7.5);
    CHECK(t["id"_c][2] == 4);
    CHECK(t["items"_c][2] == 4);
}

TEST_CASE("a later replacement sees what the earlier ones made, and the stages after it the new values only") {
    const auto t = some_orders() | sk::replace("price"_c = "price"_c * 2.0, "items"_c = "price"_c + 1.0) | sk::filter("price"_c > 30.0) |
                   sk::replace("price"_c = "price"_c + "items"_c) | sk::derive("twice"_c = "price"_c * 2.0) | sk::collect(sk::threads(2));
    CHECK(t.rows() == 2);
    CHECK(t["items"_c][0] == 41.0);
    CHECK(t["price"_c][0] == 81.0);
    CHECK(t["twice"_c][1] == 2 * (60.0 + 61.0));
}

TEST_CASE("columns can be replaced by a constant, by another column and by themselves") {
    const auto t = some_orders() | sk::replace("id"_c = 7, "items"_c = "price"_c, "name"_c = "name"_c) | sk::collect();
    CHECK(t["id"_c][1] == 7);
    CHECK(t["items"_c][2] == 30.0);
    CHECK(t["name"_c][0] == "tea");
    CHECK(t["name"_c][1] == std::nullopt);
}

TEST_CASE("text made by a function takes the column's place") {
    const auto t = some_orders() | sk::replace("name"_c = sk::apply([](std::string_view s) { return std::string(s) + " of ours"; }, "name"_c)) | sk::collect();
    CHECK(t["name"_c][0] == "tea of ours");
    CHECK(t["name"_c][1] == std::nullopt);
}

TEST_CASE("an error in the expression names the stage, the column and the row") {
    const auto query = some_orders() | sk::replace("items"_c = "items"_c + sk::apply([](std::int64_t id) { return id == 3 ? INT32_MAX : 1; }, "id"_c), "id"_c = "id"_c * (INT64_MAX / 2));
    const auto failed = query | sk::try_collect();
    REQUIRE(!failed);
    CHECK(failed.error().details().stage == "replace");
    CHECK(failed.error().details().field == "id");
    CHECK(failed.error().details().row == 2u);
}
