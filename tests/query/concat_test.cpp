#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/query/concat.hpp>

#include "random_rows.hpp"

namespace sk = segkit;
using namespace segkit::literals;

namespace {

template <class A, class B>
bool same_rows(const A& a, const B& b) {
    if (a.rows() != b.rows()) return false;
    bool same = true;
    for (std::size_t i = 0; i < a.rows(); ++i)
        same = same && a["id"_c][i] == b["id"_c][i] && a["group"_c][i] == b["group"_c][i] && a["word"_c][i] == b["word"_c][i] && a["small"_c][i] == b["small"_c][i];
    return same;
}

}  // namespace

TEST_CASE("tables and queries come one after the other, bit-identical on any number of threads") {
    for (const auto& a : rows::cases())
        for (const std::size_t other : {0u, 3u, 7u}) {
            const auto& b = rows::cases()[other];
            const auto query = sk::concat(a.table, b.table | sk::filter("thin"_c < 1.0f), a.table) | sk::filter("small"_c >= -1);
            const auto got = query | sk::collect();
            sk::table<rows::schema> expected;
            const auto add = [&](const rows::data& d, bool thin) {
                for (std::size_t i = 0; i < d.list.size(); ++i)
                    if (d.list[i].small && *d.list[i].small >= -1 && (!thin || d.list[i].thin < 1.0f)) expected.append(d.table.row(i));
            };
            add(a, false);
            add(b, true);
            add(a, false);
            CHECK(rows::same_bits(got, expected));
            for (const unsigned n : {1u, 2u, 3u, 7u}) CHECK(rows::same_bits(query | sk::collect(sk::threads(n)), got));
        }
}

TEST_CASE("columns stand in the order of the first, and are nullable where they are in any") {
    using first = sk::schema<sk::field<"a", std::int64_t>, sk::field<"b", sk::text>>;
    using second = sk::schema<sk::field<"b", std::optional<sk::text>>, sk::field<"a", std::int64_t>>;
    const sk::table<first> one{{1, "x"}, {2, "y"}};
    const sk::table<second> two{{std::nullopt, 3}, {"z", 4}};
    const auto t = sk::concat(one, two, sk::table<first>{{5, "owned"}}) | sk::collect();
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(t)>::schema_type, sk::schema<sk::field<"a", std::int64_t>, sk::field<"b", std::optional<sk::text>>>>);
    REQUIRE(t.rows() == 5);
    const std::vector<std::optional<std::string_view>> b{"x", "y", std::nullopt, "z", "owned"};
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(t["a"_c][i] == static_cast<std::int64_t>(i + 1));
        CHECK(t["b"_c][i] == b[i]);
    }
    const auto swapped = sk::concat(two, one) | sk::select("a"_c) | sk::collect();
    CHECK(swapped["a"_c][0] == 3);
    CHECK(swapped["a"_c][3] == 2);
}

TEST_CASE("what is computed over a concat sees all rows: groups, joins, a concat again") {
    const auto &a = rows::cases()[4], &b = rows::cases()[6];
    const auto both = sk::concat(a.table, b.table);
    const auto sizes = both | sk::group_by("group"_c).aggregate("n"_c = sk::count()) | sk::collect(sk::threads(2));
    std::size_t n = 0;
    for (std::size_t i = 0; i < sizes.rows(); ++i) n += static_cast<std::size_t>(sizes["n"_c][i]);
    CHECK(n == a.list.size() + b.list.size());
    CHECK((sk::concat(both, both | sk::filter("id"_c < 5)) | sk::collect()).rows() == n + 10);
    CHECK((a.table | sk::semi_join(both, "word"_c) | sk::collect()).rows() == a.list.size());
}

TEST_CASE("one input is itself; an input that can be read once makes a source that can be read once") {
    const auto& d = rows::cases()[6];
    CHECK(same_rows(sk::concat(d.table) | sk::collect(), d.table));
    const auto once = sk::concat(d.table, rows::once<rows::schema>{&d.table});
    CHECK(!once.open()->rescannable());
    CHECK((once | sk::collect(sk::threads(3))).rows() == 2 * d.list.size());
}

TEST_CASE("an error in a row is named by its place among all rows") {
    const auto& d = rows::cases()[5];
    const auto failed = sk::concat(d.table, d.table) | sk::derive("x"_c = sk::apply([](std::int64_t id, float thin) { (void)thin; return id; }, "id"_c, "thin"_c) * INT64_MAX) | sk::try_collect();
    REQUIRE(!failed);
    CHECK(failed.error().details().row == 2u);
    const auto later = sk::concat(d.table | sk::filter("id"_c < 1), d.table) | sk::derive("x"_c = "id"_c * INT64_MAX) | sk::try_collect();
    REQUIRE(!later);
    CHECK(*later.error().details().row >= 2u);
}

TEST_CASE("blocks of two widths do not come one after the other") {
    using narrow = sk::schema<sk::field<"pc", sk::block<double>>>;
    const double values[] = {1, 2, 3};
    sk::table<narrow> two, three;
    two.append({sk::block_value<double>{values, 2}});
    three.append({sk::block_value<double>{values, 3}});
    CHECK((sk::concat(two, two) | sk::collect()).rows() == 2);
    const auto failed = sk::concat(two, three) | sk::try_collect();
    REQUIRE(!failed);
    CHECK(failed.error().details().stage == "concat");
}
