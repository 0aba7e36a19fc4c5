#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>
#include <segkit/query/as_category.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using visits = sk::schema<sk::field<"visit", std::int64_t>, sk::field<"user", std::optional<std::int64_t>>, sk::field<"trip", std::optional<sk::text>>>;
using users = sk::schema<sk::field<"user", std::int64_t>, sk::field<"name", sk::text>, sk::field<"age", std::optional<std::int32_t>>>;

sk::table<visits> some_visits() { return {{1, 7, "a"}, {2, 8, std::nullopt}, {3, std::nullopt, "b"}, {4, 9, "a"}, {5, 7, "c"}}; }
sk::table<users> some_users() { return {{7, "Ada", 36}, {8, "Alan", std::nullopt}, {10, "Grace", 50}}; }

}  // namespace

TEST_CASE("a left join keeps every row and gives null where there is no match") {
    const auto u = some_users();
    const auto check = [&](const auto& t) {
        REQUIRE(t.rows() == 5);
        CHECK(t["name"_c][0] == "Ada");
        CHECK(t["age"_c][1] == std::nullopt);
        CHECK(t["name"_c][2] == std::nullopt);
        CHECK(t["name"_c][3] == std::nullopt);
        CHECK(t["visit"_c][4] == 5);
        CHECK(t["age"_c][4] == 36);
    };
    check(some_visits() | sk::left_join(u, "user"_c, sk::one_match) | sk::collect());
    check(some_visits() | sk::left_join(u, "user"_c) | sk::collect());
    check(some_visits() | sk::left_join(u | sk::filter("user"_c > 0), "user"_c, sk::one_match) | sk::collect());
}

TEST_CASE("inner, semi and anti joins keep, keep and drop the rows with a match") {
    const auto u = some_users();
    const auto inner = some_visits() | sk::inner_join(u, "user"_c, sk::one_match) | sk::collect();
    static_assert(std::is_same_v<sk::column_type_t<decltype(inner)::schema_type, "name">, sk::text>);
    REQUIRE(inner.rows() == 3);
    CHECK(inner["visit"_c][2] == 5);
    CHECK((some_visits() | sk::inner_join(u, "user"_c) | sk::collect()).rows() == 3);
    CHECK((some_visits() | sk::semi_join(u, "user"_c) | sk::collect()).rows() == 3);
    const auto anti = some_visits() | sk::anti_join(u, "user"_c) | sk::collect();
    REQUIRE(anti.rows() == 2);
    CHECK(anti["visit"_c][0] == 3);
}

TEST_CASE("without the promise a row appears once per match, in the order of the right side") {
    const auto t = some_users() | sk::select("user"_c, "name"_c) |
                   sk::inner_join(some_visits() | sk::filter(sk::is_not_null("user"_c)), "user"_c) | sk::collect();
    REQUIRE(t.rows() == 3);
    CHECK(t["visit"_c][0] == 1);
    CHECK(t["visit"_c][1] == 5);
    CHECK(t["trip"_c][1] == "c");
    CHECK(t["name"_c][2] == "Alan");
}

TEST_CASE("a broken promise names the key and both rows") {
    const sk::table<users> twice{{7, "Ada", 36}, {8, "Alan", 41}, {7, "Ada again", 37}};
    CHECK_THROWS_WITH_AS(some_visits() | sk::left_join(twice, "user"_c, sk::one_match) | sk::collect(),
                         "left_join: duplicate key in 'user' at row 2: found the key 7 again, after row 0 of the right side, expected each key once, as "
                         "one_match promises; aggregate or deduplicate the right side, or join without one_match",
                         sk::error);
}

TEST_CASE("joins on several keys and on text equal a nested loop, for any number of threads") {
    using pair = sk::schema<sk::field<"a", std::int32_t>, sk::field<"b", std::optional<sk::text>>, sk::field<"x", std::int64_t>>;
    const auto make = [](std::size_t rows, std::uint64_t seed) {
        sk::table<pair> t;
        const sk::counter_random random(seed, 0);
        for (std::size_t i = 0; i < rows; ++i) {
            const auto r = random.bits(i);
            const std::string text = "key " + std::to_string(r % 13);
            t.append(static_cast<std::int32_t>(r >> 20 & 15), r % 7 ? std::optional<std::string_view>(text) : std::nullopt, static_cast<std::int64_t>(i));
        }
        return t;
    };
    const auto left = make(70'000, 1);
    const auto right = make(300, 2) | sk::rename("y"_c = "x"_c) | sk::collect();
    const auto q = left | sk::left_join(right, "a"_c, "b"_c);
    const auto one = q | sk::collect();
    std::size_t at = 0;
    for (std::size_t i = 0; i < left.rows(); ++i) {
        bool any = false;
        for (std::size_t j = 0; j < right.rows(); ++j) {
            if (left["a"_c][i] != right["a"_c][j] || !left["b"_c][i] || left["b"_c][i] != right["b"_c][j]) continue;
            any = true;
            REQUIRE(one["x"_c][at] == left["x"_c][i]);
            REQUIRE(one["y"_c][at++] == right["y"_c][j]);
        }
        if (!any) REQUIRE(one["y"_c][at++] == std::nullopt);
    }
    CHECK(at == one.rows());
    for (const unsigned n : {2u, 3u, 7u}) {
        const sk::threads pool(n);
        const auto many = q | sk::collect(pool);
        REQUIRE(many.rows() == one.rows());
        for (std::size_t i = 0; i < many.rows(); ++i) REQUIRE(many.row(i) == one.row(i));
    }
}

TEST_CASE("a category as a key of a join is the text that it stands for, whatever its codes and those of the other side") {
    using row = sk::schema<sk::field<"place", std::optional<sk::category>>, sk::field<"x", std::int64_t>>;
    const auto make = [](std::size_t rows, std::uint64_t seed, std::uint64_t texts) {
        sk::table<row> t;
        const sk::counter_random random(seed, 0);
        for (std::size_t i = 0; i < rows; ++i) {
            const auto r = random.below(i, texts);
            const std::string text = "place " + std::to_string(r);
            t.append(r % 7 ? std::optional<std::string_view>(text) : std::nullopt, static_cast<std::int64_t>(i));
        }
        return t;
    };
    const auto same = [](const auto& a, const auto& b) {
        REQUIRE(a.rows() > 0);
        REQUIRE(a.rows() == b.rows());
        bool all = true;
        for (std::size_t i = 0; i < a.rows(); ++i) all = all && a.row(i) == b.row(i);
        REQUIRE(all);
    };
    for (const std::uint64_t texts : {40u, 3'000u}) {    // of which a chunk has few, and many
        const auto left = make(3'000, 1, texts);
        const auto right = make(60, 2, 60) | sk::rename("y"_c = "x"_c) | sk::collect();
        const auto plain_left = left | sk::as_text("place"_c) | sk::collect();
        const auto plain_right = right | sk::as_text("place"_c) | sk::collect();
        const auto check = [&](const auto& join, const auto& by_text) {
            const auto expected = plain_left | by_text | sk::collect();
            same(left | join | sk::collect(), expected);
            same(left | by_text | sk::collect(), expected);
            same(plain_left | join | sk::collect(), expected);
            same(left | sk::filter("place"_c != "place 9") | join | sk::collect(sk::threads(3)), expected | sk::filter("place"_c != "place 9") | sk::collect());
        };
        check(sk::inner_join(right, "place"_c), sk::inner_join(plain_right, "place"_c));
        check(sk::left_join(right, "place"_c), sk::left_join(plain_right, "place"_c));
        check(sk::semi_join(right, "place"_c), sk::semi_join(plain_right, "place"_c));
        check(sk::anti_join(right, "place"_c), sk::anti_join(plain_right, "place"_c));
    }
}

TEST_CASE("stages go on after a join that multiplies rows") {
    const auto t = some_users() | sk::left_join(some_visits() | sk::filter(sk::is_not_null("user"_c)), "user"_c) |
                   sk::derive("long_name"_c = sk::apply([](std::string_view n) { return std::string(n) + "!"; }, "name"_c)) | sk::filter("visit"_c > 1) |
                   sk::group_by("long_name"_c).aggregate("n"_c = sk::count(), "last"_c = sk::max("visit"_c)) | sk::sort_by(sk::descending("n"_c), "long_name"_c) |
                   sk::collect();
    REQUIRE(t.rows() == 2);
    CHECK(t["long_name"_c][0] == "Ada!");
    CHECK(t["last"_c][1] == 2);
}

TEST_CASE("sort_by is stable, puts nulls last, and takes several keys in both directions") {
    const auto v = some_visits();
    const auto up = v | sk::sort_by("user"_c) | sk::collect();
    const auto down = v | sk::sort_by(sk::descending("user"_c), "visit"_c) | sk::collect();
    const auto ids = [](const auto& t) {
        std::vector<std::int64_t> out;
        for (const std::int64_t i : t["visit"_c]) out.push_back(i);
        return out;
    };
    CHECK(ids(up) == std::vector<std::int64_t>{1, 5, 2, 4, 3});
    CHECK(ids(down) == std::vector<std::int64_t>{4, 2, 1, 5, 3});
    const auto text = v | sk::sort_by(sk::descending("trip"_c), sk::descending("visit"_c)) | sk::collect();
    CHECK(ids(text) == std::vector<std::int64_t>{5, 3, 4, 1, 2});
    CHECK(text["trip"_c][4] == std::nullopt);
}
