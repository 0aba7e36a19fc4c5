#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/io/csv.hpp>
#include <segkit/prepare/percentile_rank.hpp>
#include <segkit/query/concat.hpp>
#include <segkit/query/distinct.hpp>
#include <segkit/query/head.hpp>
#include <segkit/query/rank.hpp>
#include <segkit/query/top_n.hpp>

#include "random_rows.hpp"

namespace sk = segkit;
using namespace segkit::literals;
using rows::maybe;
using rows::row;

namespace {

// The rows of a group in order, row numbers breaking ties, and the ends of the run of equals that each position is in.
struct ordered {
    std::vector<std::size_t> order, run_begin, run_end, dense;
};
template <class Compare>
ordered in_order(const std::vector<row>& list, std::vector<std::size_t> members, const Compare& compare) {
    std::sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
        const int c = compare(list[a], list[b]);
        return c != 0 ? c < 0 : a < b;
    });
    ordered o{members, {}, {}, {}};
    for (std::size_t i = 0; i < members.size(); ++i) {
        const bool new_run = i == 0 || compare(list[members[i - 1]], list[members[i]]) != 0;
        o.run_begin.push_back(new_run ? i : o.run_begin.back());
        o.dense.push_back(i == 0 ? 1 : o.dense.back() + new_run);
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
        std::size_t end = i;
        while (end < members.size() && o.run_begin[end] == o.run_begin[i]) ++end;
        o.run_end.push_back(end);
    }
    return o;
}
int by_real_down_then_thin(const row& a, const row& b) {
    const int c = rows::compare(a.real, b.real, true);
    return c != 0 ? c : rows::compare(a.thin, b.thin, false);
}
// Finite, as the fitted percentile rank wants it.
std::tuple<maybe<double>> values_of(const row& r) { return {r.real && *r.real - *r.real == 0 ? r.real : std::nullopt}; }
constexpr auto real_down_then_thin = sk::order_by(sk::descending("real"_c), "thin"_c);

}  // namespace

TEST_CASE("ranks of equal values: min, max, dense, first, average") {
    using scores = sk::schema<sk::field<"name", sk::text>, sk::field<"score", double>>;
    const sk::table<scores> t{{"a", 20.0}, {"b", 10.0}, {"c", 30.0}, {"d", 20.0}};
    const auto r = t | sk::rank("score"_c, "min"_c) | sk::rank("score"_c, "max"_c, {.method = sk::rank_method::max}) |
                   sk::rank("score"_c, "dense"_c, {.method = sk::rank_method::dense}) | sk::rank("score"_c, "first"_c, {.method = sk::rank_method::first}) |
                   sk::rank("score"_c, "average"_c, {.method = sk::rank_method::average}) | sk::row_number(sk::descending("score"_c), "down"_c) | sk::row_number("row"_c) |
                   sk::ntile(3, "score"_c, "third"_c) | sk::percentile_rank("score"_c, "percentile"_c) | sk::collect();
    const auto column = [](const auto& c) { return std::vector<double>(c.begin(), c.end()); };
    CHECK(column(r["min"_c]) == std::vector<double>{2, 1, 4, 2});
    CHECK(column(r["max"_c]) == std::vector<double>{3, 1, 4, 3});
    CHECK(column(r["dense"_c]) == std::vector<double>{2, 1, 3, 2});
    CHECK(column(r["first"_c]) == std::vector<double>{2, 1, 4, 3});
    CHECK(column(r["average"_c]) == std::vector<double>{2.5, 1, 4, 2.5});
    CHECK(column(r["down"_c]) == std::vector<double>{2, 4, 1, 3});
    CHECK(column(r["row"_c]) == std::vector<double>{1, 2, 3, 4});
    CHECK(column(r["third"_c]) == std::vector<double>{1, 1, 3, 2});
    CHECK(column(r["percentile"_c]) == std::vector<double>{0.5, 0.125, 0.875, 0.5});
    static_assert(std::is_same_v<sk::column_type_t<std::remove_cvref_t<decltype(r)>::schema_type, "dense">, std::int64_t>);
    static_assert(std::is_same_v<sk::column_type_t<std::remove_cvref_t<decltype(r)>::schema_type, "average">, double>);
    static_assert(std::is_same_v<sk::column_type_t<std::remove_cvref_t<decltype(r)>::schema_type, "percentile">, double>);
}

TEST_CASE("every rank over all rows, by two keys with nulls and NaNs, equals the naive one") {
    for (const auto& d : rows::cases()) {
        bool same = false;
        const auto r = rows::through(d,
                                     sk::rank(real_down_then_thin, "min"_c) | sk::rank(real_down_then_thin, "dense"_c, {.method = sk::rank_method::dense}) |
                                         sk::rank(real_down_then_thin, "average"_c, {.method = sk::rank_method::average}) |
                                         sk::rank(real_down_then_thin, "max"_c, {.method = sk::rank_method::max}) | sk::row_number(real_down_then_thin, "number"_c) |
                                         sk::ntile(7, real_down_then_thin, "tile"_c),
                                     &same);
        CHECK(same);
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < d.list.size(); ++i) all.push_back(i);
        const ordered o = in_order(d.list, all, by_real_down_then_thin);
        std::vector<std::size_t> in_tile(7, 0);
        bool good = r.rows() == d.list.size();
        std::int64_t last_tile = 1;
        for (std::size_t i = 0; i < o.order.size(); ++i) {
            const std::size_t at = o.order[i];
            const auto begin = static_cast<std::int64_t>(o.run_begin[i]), end = static_cast<std::int64_t>(o.run_end[i]);
            good = good && r["id"_c][at] == d.list[at].id && r["min"_c][at] == begin + 1 && r["max"_c][at] == end && r["dense"_c][at] == static_cast<std::int64_t>(o.dense[i]) &&
                   r["average"_c][at] == static_cast<double>(begin + 1 + end) / 2 && r["number"_c][at] == static_cast<std::int64_t>(i + 1);
            good = good && r["tile"_c][at] >= last_tile;
            last_tile = r["tile"_c][at];
            ++in_tile[static_cast<std::size_t>(last_tile - 1)];
        }
        CHECK(good);
        // The parts differ by one row at most, the larger ones first.
        for (std::size_t k = 0; k < 7; ++k) CHECK(in_tile[k] == d.list.size() / 7 + (k < d.list.size() % 7));
    }
}

TEST_CASE("nulls are ranked first where the order says so; a percentile rank leaves them out all the same") {
    constexpr auto order = sk::order_by(sk::descending("real"_c).nulls_first(), "thin"_c);
    for (const auto& d : rows::cases()) {
        bool same = false;
        const auto r = rows::through(d,
                                     sk::rank(order, "min"_c) | sk::rank(sk::ascending("real"_c).nulls_first(), "dense"_c, {.method = sk::rank_method::dense}) |
                                         sk::row_number(order, "number"_c).within("group"_c) | sk::ntile(5, order, "tile"_c) | sk::percentile_rank("real"_c, "last"_c) |
                                         sk::percentile_rank(sk::ascending("real"_c).nulls_first(), "first"_c),
                                     &same);
        CHECK(same);
        const auto compare = [](const row& a, const row& b) {
            return a.real.has_value() != b.real.has_value() ? int(a.real.has_value()) - int(b.real.has_value()) : by_real_down_then_thin(a, b);
        };
        const auto upwards = [](const row& a, const row& b) {
            return a.real.has_value() != b.real.has_value() ? int(a.real.has_value()) - int(b.real.has_value()) : rows::compare(a.real, b.real, false);
        };
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < d.list.size(); ++i) all.push_back(i);
        const ordered o = in_order(d.list, all, compare), up = in_order(d.list, all, upwards);
        bool good = r.rows() == d.list.size();
        for (std::size_t i = 0; i < all.size(); ++i) {
            good = good && r["min"_c][o.order[i]] == static_cast<std::int64_t>(o.run_begin[i] + 1) && r["dense"_c][up.order[i]] == static_cast<std::int64_t>(up.dense[i]);
            good = good && (i == 0 || r["tile"_c][o.order[i]] >= r["tile"_c][o.order[i - 1]]) && r["first"_c][i] == r["last"_c][i];
        }
        for (const auto& members : rows::group(d.list, [](const row& x) { return x.group; }).members) {
            const ordered within = in_order(d.list, members, compare);
            for (std::size_t i = 0; i < members.size(); ++i) good = good && r["number"_c][within.order[i]] == static_cast<std::int64_t>(i + 1);
        }
        CHECK(good);
    }
}

TEST_CASE("ranks within groups of two columns, one of them null at times, equal the naive ones, after a filter too") {
    for (const auto& d : rows::cases()) {
        bool same = false;
        const auto r = rows::through(d,
                                     sk::filter("thin"_c < 1.0f) | sk::rank("small"_c, "place"_c).within("group"_c, "word"_c) |
                                         sk::row_number(sk::order_by("small"_c, sk::descending("word"_c)), "number"_c).within("group"_c) |
                                         sk::row_number("seen"_c).within("real"_c) | sk::ntile(3, sk::descending("small"_c), "tile"_c).within("group"_c) | sk::drop("group"_c),
                                     &same);
        CHECK(same);
        std::vector<row> kept;
        for (const row& x : d.list)
            if (x.thin < 1.0f) kept.push_back(x);
        REQUIRE(r.rows() == kept.size());
        bool good = true;
        const auto by_small = [](const row& a, const row& b) { return rows::compare(a.small, b.small, false); };
        const auto both = rows::group(kept, [](const row& x) { return std::pair(x.group, x.word); });
        for (const auto& members : both.members) {
            const ordered o = in_order(kept, members, by_small);
            for (std::size_t i = 0; i < o.order.size(); ++i) good = good && r["place"_c][o.order[i]] == static_cast<std::int64_t>(o.run_begin[i] + 1);
        }
        const auto group = rows::group(kept, [](const row& x) { return x.group; });
        for (const auto& members : group.members) {
            const ordered o = in_order(kept, members, [&](const row& a, const row& b) {
                const int c = by_small(a, b);
                return c != 0 ? c : rows::compare(a.word, b.word, true);
            });
            for (std::size_t i = 0; i < o.order.size(); ++i) good = good && r["number"_c][o.order[i]] == static_cast<std::int64_t>(i + 1);
            const ordered down = in_order(kept, members, [](const row& a, const row& b) { return rows::compare(a.small, b.small, true); });
            const std::size_t n = down.order.size();
            for (std::size_t i = 0, tile = 1, left = n / 3 + (n % 3 > 0); i < n; ++i, --left) {
                while (left == 0) {
                    ++tile;
                    left = n / 3 + (tile - 1 < n % 3);
                }
                good = good && r["tile"_c][down.order[i]] == static_cast<std::int64_t>(tile);
            }
        }
        // NaNs are one group, and so are both zeros.
        const auto real = rows::group(kept, [](const row& x) { return std::tuple(x.real.has_value(), x.real && *x.real != *x.real, x.real && *x.real == *x.real ? *x.real : 0.0); });
        for (const auto& members : real.members)
            for (std::size_t i = 0; i < members.size(); ++i) good = good && r["seen"_c][members[i]] == static_cast<std::int64_t>(i + 1);
        CHECK(good);
    }
}

TEST_CASE("a percentile rank leaves nulls out, and equals the naive share of rows below") {
    for (const auto& d : rows::cases()) {
        bool same = false;
        const auto r = rows::through(d,
                                     sk::percentile_rank("real"_c, "middle"_c) | sk::percentile_rank("real"_c, "relative"_c, {.method = sk::percentile_method::relative}).within("group"_c) |
                                         sk::percentile_rank("word"_c, "cumulative"_c, {.method = sk::percentile_method::cumulative}),
                                     &same);
        CHECK(same);
        static_assert(std::is_same_v<sk::column_type_t<std::remove_cvref_t<decltype(r)>::schema_type, "middle">, maybe<double>>);
        static_assert(std::is_same_v<sk::column_type_t<std::remove_cvref_t<decltype(r)>::schema_type, "cumulative">, double>);
        bool good = r.rows() == d.list.size();
        const auto check = [&](const std::vector<std::size_t>& members, const auto& compare, const auto& known, const auto& expected) {
            std::vector<std::size_t> ranked;
            for (const std::size_t i : members)
                if (known(d.list[i])) ranked.push_back(i);
                else good = good && expected(i, 0, 0, 0, false);
            const ordered o = in_order(d.list, ranked, compare);
            for (std::size_t i = 0; i < o.order.size(); ++i)
                good = good && expected(o.order[i], static_cast<double>(o.run_begin[i]), static_cast<double>(o.run_end[i] - o.run_begin[i]), static_cast<double>(ranked.size()), true);
        };
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < d.list.size(); ++i) all.push_back(i);
        const auto by_real = [](const row& a, const row& b) { return rows::compare(a.real, b.real, false); };
        const auto has_real = [](const row& x) { return x.real.has_value(); };
        check(all, by_real, has_real, [&](std::size_t i, double below, double equal, double n, bool ranked) {
            return r["middle"_c][i] == (ranked ? maybe<double>((below + equal / 2) / n) : std::nullopt);
        });
        for (const auto& members : rows::group(d.list, [](const row& x) { return x.group; }).members)
            check(members, by_real, has_real, [&](std::size_t i, double below, double, double n, bool ranked) {
                return r["relative"_c][i] == (ranked ? maybe<double>(n > 1 ? below / (n - 1) : 0) : std::nullopt);
            });
        check(all, [](const row& a, const row& b) { return rows::compare(a.word, b.word, false); }, [](const row&) { return true; },
              [&](std::size_t i, double below, double equal, double n, bool) { return r["cumulative"_c][i] == (below + equal) / n; });
        CHECK(good);
    }
}

TEST_CASE("the relative percentile rank is what the fitted one gives its training rows") {
    using values = sk::schema<sk::field<"x", maybe<double>>>;
    sk::table<values> t;
    for (const row& r : rows::cases()[7].list) t.append(values_of(r));
    const auto fitted = sk::fit(sk::percentile_rank("x"_c), t);
    const auto learned = t | fitted.model | sk::collect();
    const auto relative = t | sk::percentile_rank("x"_c, "standing"_c) | sk::collect();
    bool same = true;
    for (std::size_t i = 0; i < t.rows(); ++i) same = same && learned["x"_c][i] == relative["standing"_c][i];
    CHECK(same);
    CHECK(t.rows() == 33'000);
}

TEST_CASE("stages one after another: several tables, numbered, filtered, made distinct, cut and ranked again") {
    for (const auto& d : rows::cases()) {
        const auto run = [&](const auto& source, sk::executor_ref executor) {
            return source | sk::row_number("n"_c) | sk::filter("n"_c > 3) | sk::distinct_by("word"_c, "small"_c) | sk::skip(1) |
                   sk::rank(sk::descending("n"_c), "place"_c).within("group"_c) | sk::filter("place"_c <= 4) | sk::top_n(50, "n"_c) | sk::select("n"_c, "place"_c) | sk::collect(executor);
        };
        const auto both = sk::concat(d.table, rows::cases()[4].table | sk::filter("thin"_c > 0.0f));
        const auto got = run(both, sk::detail::default_executor);
        std::vector<row> list = d.list;
        for (const row& r : rows::cases()[4].list)
            if (r.thin > 0) list.push_back(r);
        std::vector<std::pair<row, std::int64_t>> kept;
        std::vector<row> seen;
        for (std::size_t i = 3; i < list.size(); ++i) {
            const bool known = std::any_of(seen.begin(), seen.end(), [&](const row& s) { return s.word == list[i].word && s.small == list[i].small; });
            if (!known) {
                seen.push_back(list[i]);
                kept.emplace_back(list[i], static_cast<std::int64_t>(i + 1));
            }
        }
        if (!kept.empty()) kept.erase(kept.begin());
        std::vector<std::pair<std::int64_t, std::int64_t>> expected;
        for (const auto& [r, n] : kept) {
            std::int64_t place = 1;
            for (const auto& [other, m] : kept) place += other.group == r.group && m > n;
            if (place <= 4 && expected.size() < 50) expected.emplace_back(n, place);
        }
        bool good = got.rows() == expected.size();
        for (std::size_t i = 0; good && i < expected.size(); ++i) good = got["n"_c][i] == expected[i].first && got["place"_c][i] == expected[i].second;
        CHECK(good);
        for (const unsigned n : {1u, 2u, 3u, 7u}) CHECK(rows::same_bits(run(both, sk::threads(n)), got));
        CHECK(rows::same_bits(run(sk::concat(rows::once<rows::schema>{&d.table}, rows::cases()[4].table | sk::filter("thin"_c > 0.0f)), sk::threads(2)), got));
    }
}

TEST_CASE("a rank that nothing reads leaves the rows as they are, and rows are filtered by the rank they have") {
    const auto& d = rows::cases()[5];
    bool same = false;
    CHECK(rows::through(d, sk::rank("real"_c, "place"_c) | sk::select("id"_c), &same).rows() == d.list.size());
    CHECK(same);
    const auto best = rows::through(d, sk::row_number(sk::descending("small"_c), "place"_c).within("group"_c) | sk::filter("place"_c == 1) | sk::select("id"_c, "group"_c), &same);
    CHECK(same);
    CHECK(best.rows() == rows::group(d.list, [](const row& x) { return x.group; }).keys.size());
}

TEST_CASE("many rows in one group are numbered the same by one thread and by several") {
    const auto d = rows::random(150'000, 77, 1'000);
    bool same = false;
    const auto r = rows::through(d, sk::row_number(sk::order_by("small"_c, sk::descending("word"_c)), "number"_c) | sk::rank("small"_c, "place"_c).within("thin"_c), &same);
    CHECK(same);
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < d.list.size(); ++i) all.push_back(i);
    const ordered o = in_order(d.list, all, [](const row& a, const row& b) {
        const int c = rows::compare(a.small, b.small, false);
        return c != 0 ? c : rows::compare(a.word, b.word, true);
    });
    bool good = true;
    for (std::size_t i = 0; i < o.order.size(); ++i) good = good && r["number"_c][o.order[i]] == static_cast<std::int64_t>(i + 1);
    CHECK(good);
}

TEST_CASE("rows of a file that are bad in a column read later are not numbered") {
    std::string text = "id,word\n";
    for (int i = 0; i < 50'000; ++i) text += (i % 7 == 3 ? "x" : std::to_string(i)) + ",word " + std::to_string(i % 5) + "\n";
    const auto file = std::make_shared<const sk::memory_input>("some.csv", std::move(text));
    using schema = sk::schema<sk::field<"id", std::int64_t>, sk::field<"word", sk::text>>;
    const auto bad = std::make_shared<sk::csv_bad_rows>();
    bad->limit = 100'000;
    for (const unsigned n : {1u, 3u}) {
        const auto numbered = sk::scan_csv<schema>(file, {.bad_rows = bad}) | sk::row_number("number"_c).within("word"_c) | sk::collect(sk::threads(n));
        CHECK(bad->rows.size() == 50'000 / 7 + (50'000 % 7 > 3));
        REQUIRE(numbered.rows() == 50'000 - bad->rows.size());
        std::map<std::string, std::int64_t> seen;
        bool good = true;
        for (std::size_t i = 0; i < numbered.rows(); ++i) good = good && numbered["number"_c][i] == ++seen[std::string(numbered["word"_c][i])];
        CHECK(good);
    }
}

TEST_CASE("a source that gives other rows the second time is noticed") {
    struct changing final : sk::row_source {
        std::int64_t rows = 100;
        void scan(const std::vector<bool>&, sk::executor_ref, sk::morsel_consumer& consumer) override {
            const auto worker = consumer.start(0);
            std::int64_t values[200] = {};
            sk::chunk c;
            c.rows = c.selected = static_cast<std::uint32_t>(rows);
            rows += step;
            c.slots.push_back({values});
            worker->take(c);
            worker->finish();
        }
        std::string describe() const override { return "changing rows"; }
        std::int64_t step = 0;
    };
    struct from {
        using schema_type = sk::schema<sk::field<"id", std::int64_t>>;
        std::int64_t step;
        std::shared_ptr<sk::row_source> open() const {
            auto s = std::make_shared<changing>();
            s->step = step;
            return s;
        }
    };
    CHECK((from{0} | sk::rank("id"_c, "place"_c) | sk::collect()).rows() == 100);
    for (const std::int64_t step : {-1, 1}) {
        const auto failed = from{step} | sk::rank("id"_c, "place"_c) | sk::try_collect();
        REQUIRE(!failed);
        CHECK(failed.error().details().stage == "rank");
    }
}

TEST_CASE("rows in no parts are an error that names the option") {
    const auto& d = rows::cases()[3];
    const auto failed = sk::try_call([&] { return d.table | sk::ntile(0, "small"_c, "tile"_c) | sk::collect(); });
    REQUIRE(!failed);
    CHECK(failed.error().code() == sk::error_code::invalid_option);
    CHECK(failed.error().details().stage == "ntile");
}
