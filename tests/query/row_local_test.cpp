#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include <segkit/expr.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/derive.hpp>
#include <segkit/query/filter.hpp>
#include <segkit/query/select.hpp>
#include <segkit/table/describe.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using people = sk::schema<sk::field<"id", std::int64_t>, sk::field<"name", sk::text>, sk::field<"age", std::optional<double>>,
                          sk::field<"born", sk::date>>;

sk::table<people> sample() {
    return {{1, "Ada", 36.5, sk::date(1815, 12, 10)}, {2, "Grace", std::nullopt, sk::date(1906, 12, 9)}, {3, "Alan", 41.0, sk::date(1912, 6, 23)}};
}

struct visit {
    std::int64_t user;
    std::string country;
    std::optional<int> clicks;
};
SEGKIT_DESCRIBE(visit, user, country, clicks);

}  // namespace

TEST_CASE("filter keeps the rows whose condition is true and drops the unknown ones") {
    const auto t = sample();
    const auto old = t | sk::filter("age"_c > 40.0) | sk::collect();
    REQUIRE(old.rows() == 1);
    CHECK(old["name"_c][0] == "Alan");
    CHECK((t | sk::filter(!("age"_c > 40.0)) | sk::collect()).rows() == 1);
    CHECK((t | sk::filter("age"_c > 40.0 || "id"_c == 2) | sk::collect()).rows() == 2);
    CHECK((t | sk::filter(sk::is_null("age"_c)) | sk::collect())["id"_c][0] == 2);
}

TEST_CASE("derive adds columns that later expressions may use") {
    const auto t = sample() | sk::derive("double_age"_c = "age"_c * 2, "label"_c = sk::when("double_age"_c > 80, "old").otherwise("young"),
                                         "year"_c = sk::year_of("born"_c), "self"_c = "id"_c) | sk::collect();
    CHECK(t["double_age"_c][0] == 73.0);
    CHECK(t["double_age"_c][1] == std::nullopt);
    CHECK(t["label"_c][1] == "young");
    CHECK(t["label"_c][2] == "old");
    CHECK(t["year"_c][0] == 1815);
    CHECK(t["self"_c][2] == 3);
}

TEST_CASE("a user's own function may return text and optional values") {
    const auto t = sample() |
                   sk::derive("greeting"_c = sk::apply([](std::string_view n) { return "hello " + std::string(n); }, "name"_c),
                              "half"_c = sk::apply([](std::int64_t i) { return i % 2 ? std::optional(i / 2) : std::nullopt; }, "id"_c)) |
                   sk::collect();
    CHECK(t["greeting"_c][1] == "hello Grace");
    CHECK(t["half"_c][1] == std::nullopt);
    CHECK(t["half"_c][2] == 1);
}

TEST_CASE("select, drop and rename change names and order, not rows") {
    const auto t = sample();
    const auto s = t | sk::select("name"_c, "id"_c) | sk::rename("who"_c = "name"_c) | sk::collect();
    CHECK(s.columns() == 2);
    CHECK(s["who"_c][2] == "Alan");
    const auto d = t | sk::drop("name"_c, "born"_c) | sk::collect();
    static_assert(std::is_same_v<decltype(d)::schema_type, sk::schema<sk::field<"id", std::int64_t>, sk::field<"age", std::optional<double>>>>);
    CHECK(d["id"_c][0] == 1);
}

TEST_CASE("a vector of described structs is a table") {
    const std::vector<visit> visits{{7, "usa", 3}, {8, "canada", std::nullopt}, {9, "usa", 12}};
    const auto t = visits | sk::filter("country"_c == "usa" && "clicks"_c > 5) | sk::collect();
    REQUIRE(t.rows() == 1);
    CHECK(t["user"_c][0] == 9);
    CHECK(t["clicks"_c][0] == 12);
}

TEST_CASE("a query can be kept and collected more than once") {
    const auto t = sample();
    const auto q = t | sk::filter("id"_c != 2);
    CHECK((q | sk::collect()).rows() == 2);
    CHECK((q | sk::filter("id"_c > 1) | sk::collect()).rows() == 1);
    CHECK((q | sk::collect()).rows() == 2);
}
