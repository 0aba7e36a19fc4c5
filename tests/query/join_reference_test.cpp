// Joins of every kind over keys of every type equal a nested loop: dense and scattered integers, texts, floating point, several keys,
// nulls, repeated keys, empty sides; the same bits for any number of threads.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>
#include <segkit/query/distinct.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

template <class T>
using maybe = std::optional<T>;

template <class Key>
using left_schema = sk::schema<sk::field<"key", Key>, sk::field<"other", std::int32_t>, sk::field<"a", std::int64_t>, sk::field<"note", maybe<sk::text>>>;
template <class Key>
using right_schema = sk::schema<sk::field<"key", Key>, sk::field<"other", std::int32_t>, sk::field<"n", std::int64_t>, sk::field<"x", maybe<double>>, sk::field<"name", sk::text>,
                                sk::field<"on", bool>>;

// The k-th of the keys of a type; `spread` says how wide a range integers take.
template <class T>
struct key_maker;
template <class T>
    requires sk::is_integer<T>
struct key_maker<T> {
    static T make(std::uint64_t k, bool spread) {
        if (spread) return static_cast<T>(sk::counter_random(77, 1).bits(k));
        return static_cast<T>(static_cast<std::int64_t>(k) - 20);
    }
};
template <>
struct key_maker<sk::text> {
    static std::string make(std::uint64_t k, bool spread) {
        if (k == 0) return "";
        return std::string(spread ? k % 23 : 0, 'p') + "key " + std::to_string(k);
    }
};
template <>
struct key_maker<double> {
    static double make(std::uint64_t k, bool) {
        if (k == 0) return std::numeric_limits<double>::quiet_NaN();
        return k == 1 ? 0.0 : k == 2 ? -0.0 : static_cast<double>(k) / 8;
    }
};
template <>
struct key_maker<bool> {
    static bool make(std::uint64_t k, bool) { return k % 2 == 0; }
};
template <>
struct key_maker<sk::timestamp> {
    static sk::timestamp make(std::uint64_t k, bool spread) { return sk::timestamp::from_microseconds(static_cast<std::int64_t>(k * (spread ? 1'000'003 : 1))); }
};
template <>
struct key_maker<sk::date> {
    static sk::date make(std::uint64_t k, bool) { return sk::date::from_days(static_cast<int>(k) - 10); }
};

// A value with which equal keys are equal: NaNs are one key, and zeros of both signs.
template <class V>
auto comparable(const V& value) {
    if constexpr (std::is_same_v<V, double>) return std::isnan(value) ? std::string("nan") : std::to_string(value == 0 ? 0.0 : value);
    else if constexpr (std::is_same_v<V, std::string_view>) return std::string(value);
    else return value;
}
template <class V>
auto comparable(const maybe<V>& value) {
    return value ? maybe<decltype(comparable(*value))>(comparable(*value)) : std::nullopt;
}

template <class Key>
struct sides {
    using T = sk::non_null_t<Key>;
    sk::table<left_schema<Key>> left;
    sk::table<right_schema<Key>> right;

    sides(std::size_t left_rows, std::size_t right_rows, std::uint64_t keys, bool spread, bool unique, std::uint64_t seed) {
        const sk::counter_random random(seed, 21);
        const auto key = [&](std::uint64_t k, bool null) -> maybe<decltype(key_maker<T>::make(0, false))> {
            if (sk::is_nullable<Key> && null) return std::nullopt;
            return key_maker<T>::make(k, spread);
        };
        const auto given = [](const auto& k) {
            if constexpr (sk::is_nullable<Key>) return k ? sk::value_t<Key>(sk::value_t<T>(*k)) : sk::value_t<Key>();
            else return sk::value_t<Key>(*k);
        };
        for (std::size_t i = 0; i < left_rows; ++i) {
            const auto k = key(random.below(4 * i, keys), random.below(4 * i + 1, 6) == 0);
            maybe<std::string_view> note;
            if (random.below(4 * i + 3, 3)) note = "a note";
            left.append(given(k), static_cast<std::int32_t>(random.below(4 * i + 2, 3)), static_cast<std::int64_t>(i), note);
        }
        const sk::counter_random more(seed, 22);
        for (std::size_t i = 0; i < right_rows; ++i) {
            const auto k = unique ? key(right_rows - 1 - i, false) : key(more.below(4 * i, keys), more.below(4 * i + 1, 6) == 0);
            maybe<double> x;
            if (more.below(4 * i + 3, 4)) x = more.uniform(4 * i + 3);
            const std::string name = "right row " + std::to_string(i);
            right.append(given(k), static_cast<std::int32_t>(more.below(4 * i + 2, 3)), static_cast<std::int64_t>(1000 + i), x, std::string_view(name), i % 3 == 0);
        }
    }

    // The right rows of each key, in order.
    auto index() const {
        std::map<decltype(comparable(left["key"_c][0])), std::vector<std::size_t>> rows;
        for (std::size_t j = 0; j < right.rows(); ++j) rows[comparable(right["key"_c][j])].push_back(j);
        return rows;
    }
    // Of each left row those that match, by the other key as well if `both`.
    std::vector<std::vector<std::size_t>> matches(bool both) const {
        const auto rows = index();
        std::vector<std::vector<std::size_t>> all(left.rows());
        for (std::size_t i = 0; i < left.rows(); ++i) {
            if constexpr (sk::is_nullable<Key>)
                if (!left["key"_c][i]) continue;
            const auto found = rows.find(comparable(left["key"_c][i]));
            if (found == rows.end()) continue;
            for (const std::size_t j : found->second)
                if (!both || left["other"_c][i] == right["other"_c][j]) all[i].push_back(j);
        }
        return all;
    }
};

// Calls check(rows) with what the query gives in one thread and in some, each time another number of them: the laws ask for equal
// bits of all.
template <class Query, class Check>
void on_some(const Query& query, Check&& check) {
    static unsigned turn = 0;
    check(query | sk::collect());
    const sk::threads pool(std::array{2u, 3u, 7u}[turn++ % 3]);
    check(query | sk::collect(pool));
}

template <class Key>
void check_joins(const sides<Key>& s, bool one_match) {
    const auto right = s.right | sk::drop("other"_c) | sk::collect();
    const auto matches = s.matches(false);

    const auto joined = [&](bool keep_all) {
        return [&, keep_all](const auto& t) {
            std::size_t at = 0;
            bool same = true;
            const auto row_is = [&](std::size_t i, maybe<std::size_t> j) {
                if (at >= t.rows()) return false;
                const bool left_same = t["a"_c][at] == s.left["a"_c][i] && t["note"_c][at] == s.left["note"_c][i];
                const bool right_same = j ? t["n"_c][at] == s.right["n"_c][*j] && t["x"_c][at] == s.right["x"_c][*j] && t["name"_c][at] == s.right["name"_c][*j] &&
                                                t["on"_c][at] == s.right["on"_c][*j]
                                          : !maybe<std::int64_t>(t["n"_c][at]) && !maybe<std::string_view>(t["name"_c][at]) && !maybe<bool>(t["on"_c][at]);
                ++at;
                return left_same && right_same;
            };
            for (std::size_t i = 0; i < matches.size(); ++i) {
                for (const std::size_t j : matches[i]) same = row_is(i, j) && same;
                if (matches[i].empty() && keep_all) same = row_is(i, std::nullopt) && same;
            }
            CHECK(same);
            CHECK(at == t.rows());
        };
    };
    on_some(s.left | sk::inner_join(right, "key"_c), joined(false));
    on_some(s.left | sk::left_join(right, "key"_c), joined(true));
    on_some(s.left | sk::left_join(right | sk::filter("n"_c >= 0), "key"_c), joined(true));
    if (one_match) {
        on_some(s.left | sk::inner_join(right, "key"_c, sk::one_match), joined(false));
        on_some(s.left | sk::left_join(right, "key"_c, sk::one_match), joined(true));
    }

    const auto kept = [&](bool with_match, const auto& found) {
        return [&, with_match](const auto& t) {
            std::size_t at = 0;
            bool same = true;
            for (std::size_t i = 0; i < found.size(); ++i) {
                if (found[i].empty() == with_match) continue;
                same = same && at < t.rows() && t["a"_c][at] == s.left["a"_c][i];
                ++at;
            }
            CHECK(same);
            CHECK(at == t.rows());
        };
    };
    on_some(s.left | sk::semi_join(right, "key"_c), kept(true, matches));
    on_some(s.left | sk::anti_join(right, "key"_c), kept(false, matches));

    const auto both = s.matches(true);
    on_some(s.left | sk::semi_join(s.right, "key"_c, "other"_c), kept(true, both));
    on_some(s.left | sk::anti_join(s.right, "other"_c, "key"_c), kept(false, both));
    on_some(s.left | sk::inner_join(s.right, "key"_c, "other"_c), [&](const auto& t) {
        std::size_t at = 0;
        bool same = true;
        for (std::size_t i = 0; i < both.size(); ++i)
            for (const std::size_t j : both[i]) {
                same = same && at < t.rows() && t["a"_c][at] == s.left["a"_c][i] && t["n"_c][at] == s.right["n"_c][j];
                ++at;
            }
        CHECK(same);
        CHECK(at == t.rows());
    });
}

template <class Key>
void check_keys() {
    for (const bool spread : {false, true}) {
        CAPTURE(spread);
        check_joins(sides<Key>(0, 5, 4, spread, false, 1), false);
        check_joins(sides<Key>(50, 0, 4, spread, false, 2), false);
        check_joins(sides<Key>(100, 1, 3, spread, false, 3), false);
        check_joins(sides<Key>(3000, 40, 60, spread, false, 4), false);
        if constexpr (!std::is_same_v<sk::non_null_t<Key>, bool>) {
            check_joins(sides<Key>(40'000, 30'000, 70'000, spread, false, 5), false);
            if constexpr (!std::is_same_v<sk::non_null_t<Key>, double>)    // its first keys are equal
                check_joins(sides<Key>(50'000, 40'000, 50'000, spread, true, 6), true);
            if (!spread && sk::is_integer<Key>) check_joins(sides<Key>(12'000, 70'000, 20'000, spread, false, 7), false);    // sorted by key
            if (!spread && (sk::is_nullable<Key> || std::is_same_v<Key, sk::text>)) {    // sorted by the row on the left
                sides<Key> s(40'000, 70'000, 30'000, spread, false, 8);
                s.left = s.left | sk::distinct_by("key"_c) | sk::collect();
                check_joins(s, false);
            }
        }
    }
}

}  // namespace

TEST_CASE_TEMPLATE("joins equal a nested loop", Key, std::int64_t, maybe<std::int32_t>, sk::text, maybe<sk::text>, maybe<double>, bool, maybe<sk::timestamp>, sk::date) {
    check_keys<Key>();
}

TEST_CASE("otherwise gives columns a value where there is no match, and they are not nullable") {
    const sides<maybe<std::int64_t>> s(20'000, 3000, 6000, false, true, 8);
    const auto right = s.right | sk::drop("other"_c) | sk::collect();
    const auto matches = s.matches(false);
    const auto check = [&](const auto& t) {
        using schema = typename std::remove_cvref_t<decltype(t)>::schema_type;
        static_assert(std::is_same_v<sk::column_type_t<schema, "n">, std::int64_t>);
        static_assert(std::is_same_v<sk::column_type_t<schema, "name">, sk::text>);
        static_assert(std::is_same_v<sk::column_type_t<schema, "x">, maybe<double>>);
        static_assert(std::is_same_v<sk::column_type_t<schema, "on">, maybe<bool>>);
        REQUIRE(t.rows() == s.left.rows());
        bool same = true;
        for (std::size_t i = 0; i < t.rows(); ++i) {
            const bool any = !matches[i].empty();
            const std::size_t j = any ? matches[i][0] : 0;
            same = same && t["n"_c][i] == (any ? s.right["n"_c][j] : -7) && t["name"_c][i] == (any ? s.right["name"_c][j] : "nobody");
            same = same && t["x"_c][i] == (any ? s.right["x"_c][j] : maybe<double>(2.0)) && t["on"_c][i].has_value() == any;
        }
        CHECK(same);
    };
    on_some(s.left | sk::left_join(right, "key"_c, sk::one_match).otherwise("n"_c = -7, "name"_c = "nobody", "x"_c = 2), check);
    on_some(s.left | sk::left_join(right, "key"_c).otherwise("x"_c = 2.0, "name"_c = std::string("nobody"), "n"_c = std::int64_t{-7}), check);
    const auto nothing = right | sk::filter("n"_c < 0) | sk::collect();
    // Also a text of a size that places of texts do not have room for.
    const std::string endless(std::size_t{1} << 24, 'x');
    const auto three = s.left | sk::filter("a"_c < 3) | sk::left_join(nothing, "key"_c).otherwise("name"_c = endless) | sk::collect();
    REQUIRE(three.rows() == 3);
    CHECK(three["name"_c][2] == endless);
    const auto filled = s.left | sk::left_join(nothing, "key"_c, sk::one_match).otherwise("n"_c = 5) | sk::filter("n"_c == 5) | sk::collect();
    CHECK(filled.rows() == s.left.rows());
    CHECK(filled["on"_c][0] == std::nullopt);
}

TEST_CASE("a broken promise names the first row that repeats a key, whatever the key and the executor") {
    sides<std::int64_t> s(10, 60'000, 60'000, true, true, 9);
    const auto doubled = s.right | sk::drop("other"_c, "x"_c, "name"_c, "on"_c) | sk::collect();
    auto twice = doubled;
    twice.append(twice["key"_c][500], std::int64_t{1});
    twice.append(twice["key"_c][20], std::int64_t{2});
    const auto left = s.left | sk::select("key"_c) | sk::collect();
    for (const unsigned n : {1u, 2u, 7u}) {
        const sk::threads pool(n);
        try {
            (void)(left | sk::inner_join(twice, "key"_c, sk::one_match) | sk::collect(pool));
            FAIL("no error");
        } catch (const sk::error& e) {
            CHECK(e.code() == sk::error_code::duplicate_key);
            CHECK(e.details().row == 60'000);
            CHECK(e.details().found == "the key " + std::to_string(twice["key"_c][500]) + " again, after row 500 of the right side");
        }
    }
    const auto pairs = left | sk::derive("n"_c = std::int64_t{1}) | sk::left_join(twice, "key"_c, "n"_c, sk::one_match) | sk::collect();    // two keys: a pair occurs once
    CHECK(pairs.rows() == left.rows());
    // Any number of keys may be given with the promise.
    const auto four = [&](const auto& t) { return t | sk::derive("a"_c = "key"_c > 500, "b"_c = "key"_c < 0, "c"_c = "key"_c != 7); };
    const auto by_four = four(left) | sk::inner_join(four(doubled), "a"_c, "key"_c, "c"_c, "b"_c, sk::one_match) | sk::collect();
    const auto by_one = left | sk::inner_join(doubled, "key"_c, sk::one_match) | sk::collect();
    REQUIRE(by_four.rows() == by_one.rows());
    bool same = by_one.rows() == left.rows();
    for (std::size_t i = 0; i < by_one.rows(); ++i) same = same && by_four["n"_c][i] == by_one["n"_c][i];
    CHECK(same);
}

TEST_CASE("many matches of a row come in the order of the right side; keys outside of its range and nulls have none") {
    sk::table<sk::schema<sk::field<"key", maybe<std::int32_t>>, sk::field<"a", std::int64_t>>> left;
    sk::table<sk::schema<sk::field<"n", std::int64_t>, sk::field<"key", std::int32_t>, sk::field<"pair", sk::block<float>>, sk::field<"name", maybe<sk::text>>>> right;
    const sk::counter_random random(31, 7);
    constexpr std::int32_t keys = 9000;
    std::map<std::int32_t, std::vector<std::int64_t>> rows_of;
    for (std::int64_t i = 0; i < 80'000; ++i) {
        const auto key = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(i), keys / 3)) * 3 - 4000;
        const std::vector<float> pair{static_cast<float>(i), static_cast<float>(-i)};
        const std::string name = "name " + std::to_string(i);
        right.append(i, key, sk::block_value<float>{pair.data(), 2}, i % 5 ? maybe<std::string_view>(name) : std::nullopt);
        rows_of[key].push_back(i);
    }
    for (std::int64_t i = 0; i < 20'000; ++i) {
        maybe<std::int32_t> key;
        if (i % 11) key = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(-i), 2 * keys)) - keys;
        left.append(key, i);
    }
    const auto check = [&](const auto& t, bool keep_all) {
        std::size_t at = 0;
        bool same = true;
        for (std::size_t i = 0; i < left.rows(); ++i) {
            const maybe<std::int32_t> key = left["key"_c][i];
            const auto found = key ? rows_of.find(*key) : rows_of.end();
            if (found == rows_of.end()) {
                same = same && (!keep_all || (at < t.rows() && t["a"_c][at] == left["a"_c][i] && !maybe<std::int64_t>(t["n"_c][at])));
                at += keep_all;
                continue;
            }
            for (const std::int64_t n : found->second) {
                same = same && at < t.rows() && t["a"_c][at] == left["a"_c][i] && t["n"_c][at] == n && t["name"_c][at] == right["name"_c][static_cast<std::size_t>(n)];
                if constexpr (sk::has_column<typename std::remove_cvref_t<decltype(t)>::schema_type, "pair">) same = same && t["pair"_c][at][1] == static_cast<float>(-n);
                ++at;
            }
        }
        CHECK(same);
        CHECK(at == t.rows());
    };
    on_some(left | sk::inner_join(right, "key"_c), [&](const auto& t) { check(t, false); });
    on_some(left | sk::left_join(right | sk::drop("pair"_c), "key"_c), [&](const auto& t) { check(t, true); });
}

TEST_CASE("right rows without a match leave nothing behind in the columns that an inner join gives: rows are appended where it ends") {
    sk::table<sk::schema<sk::field<"key", std::int64_t>>> left;
    sk::table<sk::schema<sk::field<"key", std::int64_t>, sk::field<"n", std::int32_t>, sk::field<"x", maybe<double>>, sk::field<"name", maybe<sk::text>>>> right;
    for (std::int64_t i = 0; i < 9'000; ++i) left.append(i);
    for (std::int32_t i = 0; i < 80'000; ++i)    // a quarter of them has no match
        right.append(std::int64_t{i % 12'000}, i, i % 3 ? maybe<double>(i) : std::nullopt, i % 5 ? maybe<std::string_view>("a name that is not short") : std::nullopt);
    for (const unsigned n : {1u, 3u}) {
        auto joined = left | sk::inner_join(right, "key"_c) | sk::collect(sk::threads(n));
        const std::size_t rows = joined.rows();
        joined.append(std::int64_t{-1}, std::int32_t{-2}, maybe<double>(0.5), maybe<std::string_view>("the last"));
        joined.append(std::int64_t{-3}, std::int32_t{-4}, maybe<double>(), maybe<std::string_view>());
        CHECK(rows == 62'000);
        CHECK(joined["n"_c][rows] == -2);
        CHECK(joined["x"_c][rows] == maybe<double>(0.5));
        CHECK(joined["name"_c][rows] == maybe<std::string_view>("the last"));
        CHECK(joined["n"_c][rows + 1] == -4);
        CHECK(!joined["x"_c][rows + 1]);
        CHECK(!joined["name"_c][rows + 1]);
    }
}
