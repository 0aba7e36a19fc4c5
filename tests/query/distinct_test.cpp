#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <segkit/query/distinct.hpp>

#include "random_rows.hpp"

namespace sk = segkit;
using namespace segkit::literals;
using rows::row;

namespace {

using rows::ids_of;
template <class Groups>
std::vector<std::int64_t> firsts(const std::vector<row>& list, const Groups& groups) {
    std::vector<std::int64_t> ids;
    for (const auto& members : groups.members) ids.push_back(list[members[0]].id);
    return ids;
}
auto real_key(const row& r) { return std::tuple(r.real.has_value(), r.real && *r.real != *r.real, r.real && *r.real == *r.real ? *r.real : 0.0); }

}  // namespace

TEST_CASE("the first row of each key is kept, in the order of the rows") {
    for (const auto& d : rows::cases()) {
        bool same = false;
        CHECK(ids_of(rows::through(d, sk::distinct_by("group"_c), &same)) == firsts(d.list, rows::group(d.list, [](const row& r) { return r.group; })));
        CHECK(same);
        CHECK(ids_of(rows::through(d, sk::distinct_by("word"_c, "small"_c) | sk::select("id"_c), &same)) ==
              firsts(d.list, rows::group(d.list, [](const row& r) { return std::pair(r.word, r.small); })));
        CHECK(same);
        CHECK(ids_of(rows::through(d, sk::distinct_by(sk::columns("real"_c)), &same)) == firsts(d.list, rows::group(d.list, real_key)));
        CHECK(same);
        CHECK(ids_of(rows::through(d, sk::distinct_by("id"_c), &same)).size() == d.list.size());
        std::vector<row> kept;
        for (const row& r : d.list)
            if (r.small && *r.small > 0) kept.push_back(r);
        const auto after = rows::through(d, sk::filter("small"_c > 0) | sk::distinct_by("group"_c), &same);
        CHECK(same);
        CHECK(ids_of(after) == firsts(kept, rows::group(kept, [](const row& r) { return r.group; })));
        bool whole = true;
        for (std::size_t i = 0; i < after.rows(); ++i) {
            const row& r = d.list[static_cast<std::size_t>(after["id"_c][i])];
            whole = whole && after["word"_c][i] == r.word && after["small"_c][i] == r.small && after["group"_c][i] == r.group;
        }
        CHECK(whole);
    }
}

TEST_CASE("rows equal in every column are kept once") {
    for (const auto& d : rows::cases()) {
        bool same = false;
        const auto different = rows::through(d, sk::select("group"_c, "real"_c, "small"_c) | sk::distinct(), &same);
        CHECK(same);
        const auto expected = rows::group(d.list, [](const row& r) { return std::tuple(r.group, real_key(r), r.small); });
        REQUIRE(different.rows() == expected.members.size());
        bool good = true;
        for (std::size_t i = 0; i < different.rows(); ++i) {
            const row& r = d.list[expected.members[i][0]];
            good = good && different["group"_c][i] == r.group && different["small"_c][i] == r.small && rows::compare(different["real"_c][i], r.real, false) == 0;
        }
        CHECK(good);
    }
}

TEST_CASE("nulls are one key, and so are NaNs and zeros of both signs; the first of them is kept as it is") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const sk::table<sk::schema<sk::field<"x", std::optional<double>>>> t{{-0.0}, {nan}, {std::nullopt}, {0.0}, {-nan}, {std::nullopt}, {1.0}};
    const auto d = t | sk::distinct() | sk::collect();
    REQUIRE(d.rows() == 4);
    CHECK(std::signbit(*d["x"_c][0]));
    CHECK(*d["x"_c][1] != *d["x"_c][1]);
    CHECK(d["x"_c][2] == std::nullopt);
    CHECK(d["x"_c][3] == 1.0);
}
