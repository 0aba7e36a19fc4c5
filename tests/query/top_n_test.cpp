#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <segkit/query/top_n.hpp>

#include "random_rows.hpp"

namespace sk = segkit;
using namespace segkit::literals;
using rows::row;

namespace {

int by_real_down_then_word(const row& a, const row& b) {
    const int c = rows::compare(a.real, b.real, true);
    return c != 0 ? c : rows::compare(a.word, b.word, false);
}
// The same with nulls before all values.
int by_real_down_nulls_first_then_word(const row& a, const row& b) {
    return a.real.has_value() != b.real.has_value() ? int(a.real.has_value()) - int(b.real.has_value()) : by_real_down_then_word(a, b);
}
template <class Compare>
std::vector<std::int64_t> first_n(const std::vector<row>& list, std::vector<std::size_t> members, std::size_t n, const Compare& compare) {
    std::sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
        const int c = compare(list[a], list[b]);
        return c != 0 ? c < 0 : a < b;
    });
    std::vector<std::int64_t> ids;
    for (std::size_t i = 0; i < members.size() && i < n; ++i) ids.push_back(list[members[i]].id);
    return ids;
}
using rows::ids_of;
// All columns of the rows are those of the table.
template <class Table>
bool rows_are_whole(const rows::data& d, const Table& t) {
    bool good = true;
    for (std::size_t i = 0; i < t.rows(); ++i) {
        const row& r = d.list[static_cast<std::size_t>(t["id"_c][i])];
        const auto real = t["real"_c][i];
        good = good && t["group"_c][i] == r.group && t["small"_c][i] == r.small && t["word"_c][i] == r.word && rows::compare(real, r.real, false) == 0 &&
               rows::compare(t["thin"_c][i], r.thin, false) == 0;
    }
    return good;
}

}  // namespace

TEST_CASE("the first n rows of an order are those of a sort, earlier rows first where keys are equal") {
    for (const auto& d : rows::cases()) {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < d.list.size(); ++i) all.push_back(i);
        for (const std::size_t n : {0u, 1u, 2u, 10u, 500u, 5'000u, 100'000u}) {
            bool same = false;
            const auto best = rows::through(d, sk::top_n(n, sk::descending("real"_c), "word"_c), &same);
            CHECK(same);
            CHECK(ids_of(best) == first_n(d.list, all, n, by_real_down_then_word));
            CHECK(rows_are_whole(d, best));
            const auto nulls_first = rows::through(d, sk::top_n(n, sk::descending("real"_c).nulls_first(), "word"_c), &same);
            CHECK(same);
            CHECK(ids_of(nulls_first) == first_n(d.list, all, n, by_real_down_nulls_first_then_word));
            const auto small = rows::through(d, sk::top_n(n, "small"_c) | sk::select("id"_c), &same);
            CHECK(same);
            CHECK(ids_of(small) == first_n(d.list, all, n, [](const row& a, const row& b) { return rows::compare(a.small, b.small, false); }));
            const auto word = rows::through(d, sk::top_n(n, sk::descending("word"_c), sk::descending("thin"_c)) | sk::select("id"_c, "word"_c), &same);
            CHECK(ids_of(word) == first_n(d.list, all, n, [](const row& a, const row& b) {
                      const int c = rows::compare(a.word, b.word, true);
                      return c != 0 ? c : rows::compare(a.thin, b.thin, true);
                  }));
        }
    }
}

TEST_CASE("the first n rows of each group come group by group, groups as they first appear, nulls being one") {
    for (const auto& d : rows::cases()) {
        std::vector<row> kept;
        for (const row& r : d.list)
            if (!(r.thin > 1.0f)) kept.push_back(r);
        const auto groups = rows::group(kept, [](const row& r) { return r.group; });
        const auto finer = rows::group(kept, [](const row& r) { return std::pair(r.small, r.word); });
        for (const std::size_t n : {0u, 1u, 3u, 700u}) {
            bool same = false;
            const auto best = rows::through(d, sk::filter(!("thin"_c > 1.0f)) | sk::top_n(n, sk::descending("real"_c), "word"_c).within("group"_c), &same);
            CHECK(same);
            std::vector<std::int64_t> expected;
            for (const auto& members : groups.members)
                for (const std::int64_t id : first_n(kept, members, n, by_real_down_then_word)) expected.push_back(id);
            CHECK(ids_of(best) == expected);
            CHECK(rows_are_whole(d, best));
            const auto nulls_first = rows::through(d, sk::filter(!("thin"_c > 1.0f)) | sk::top_n(n, sk::descending("real"_c).nulls_first(), "word"_c).within("group"_c), &same);
            CHECK(same);
            expected.clear();
            for (const auto& members : groups.members)
                for (const std::int64_t id : first_n(kept, members, n, by_real_down_nulls_first_then_word)) expected.push_back(id);
            CHECK(ids_of(nulls_first) == expected);
            const auto fine = rows::through(d, sk::filter(!("thin"_c > 1.0f)) | sk::top_n(n, "thin"_c).within("small"_c, "word"_c) | sk::select("id"_c), &same);
            CHECK(same);
            expected.clear();
            for (const auto& members : finer.members)
                for (const std::int64_t id : first_n(kept, members, n, [](const row& a, const row& b) { return rows::compare(a.thin, b.thin, false); })) expected.push_back(id);
            CHECK(ids_of(fine) == expected);
        }
    }
}

TEST_CASE("the best of many rows are found when the best come last, and when all are equal") {
    sk::table<sk::schema<sk::field<"id", std::int64_t>, sk::field<"one", bool>, sk::field<"day", sk::date>>> t;
    for (std::int64_t i = 0; i < 200'000; ++i) t.append(i, true, sk::date::from_days(static_cast<std::int32_t>(i / 3)));
    const auto last = t | sk::top_n(4, sk::descending("id"_c)) | sk::collect(sk::threads(3));
    CHECK(ids_of(last) == std::vector<std::int64_t>{199'999, 199'998, 199'997, 199'996});
    CHECK(ids_of(t | sk::top_n(3, sk::descending("one"_c)) | sk::collect(sk::threads(3))) == std::vector<std::int64_t>{0, 1, 2});
    CHECK(ids_of(t | sk::top_n(4, sk::descending("day"_c), "id"_c) | sk::collect(sk::threads(3))) == std::vector<std::int64_t>{199'998, 199'999, 199'995, 199'996});
    CHECK(ids_of(t | sk::top_n(2, sk::descending("day"_c)).within("one"_c) | sk::collect()) == std::vector<std::int64_t>{199'998, 199'999});
}

TEST_CASE("one query gives the columns that are asked for each time it is collected") {
    const auto& d = rows::cases()[5];
    const auto best = d.table | sk::top_n(5, "real"_c, "id"_c);
    const auto ids = best | sk::select("id"_c) | sk::collect();
    const auto all = best | sk::collect();
    const auto words = best | sk::rename("a"_c = "word"_c) | sk::derive("b"_c = "a"_c) | sk::select("a"_c, "b"_c, "id"_c) | sk::collect();
    CHECK(ids_of(ids) == ids_of(all));
    CHECK(rows_are_whole(d, all));
    for (std::size_t i = 0; i < words.rows(); ++i) {
        CHECK(words["a"_c][i] == all["word"_c][i]);
        CHECK(words["b"_c][i] == all["word"_c][i]);
    }
}
