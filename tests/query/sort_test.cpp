// Sorting: the order of std::sort over the rows themselves, for every type of key, however wide, and any number of threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>
#include <segkit/query/concat.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

template <class T>
using maybe = std::optional<T>;

using rows_schema = sk::schema<sk::field<"id", std::int64_t>, sk::field<"small", std::int32_t>, sk::field<"wide", maybe<std::int64_t>>, sk::field<"real", maybe<double>>,
                               sk::field<"thin", float>, sk::field<"word", maybe<sk::text>>, sk::field<"path", sk::text>, sk::field<"flag", maybe<bool>>,
                               sk::field<"day", sk::date>, sk::field<"time", sk::timestamp>>;
using rows_table = sk::table<rows_schema>;

rows_table random_rows(std::size_t rows, std::uint64_t seed) {
    rows_table t;
    const sk::counter_random random(seed, 11);
    for (std::size_t i = 0; i < rows; ++i) {
        const auto below = [&](std::uint64_t part, std::uint64_t n) { return random.below(16 * i + part, n); };
        maybe<std::int64_t> wide;
        if (below(0, 9)) wide = static_cast<std::int64_t>(random.bits(16 * i + 1));
        if (below(0, 9) == 1) wide = below(1, 2) ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
        maybe<double> real;
        const auto kind = below(2, 12);
        if (kind > 5) real = (random.uniform(16 * i + 3) - 0.5) * 1000;
        else if (kind == 5) real = std::numeric_limits<double>::quiet_NaN();
        else if (kind == 4) real = below(3, 2) ? 0.0 : -0.0;
        else if (kind == 3) real = below(3, 2) ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
        else if (kind == 2) real = 1e-300 * static_cast<double>(below(3, 5));
        const float thin = below(4, 11) ? static_cast<float>(below(4, 1000)) / 8 : std::numeric_limits<float>::quiet_NaN();
        std::string word = "w" + std::to_string(below(5, 40));
        if (below(6, 5) == 0) word += std::string(1, '\0');
        std::string path = below(7, 3) ? "/data/customers/" : "/data/";
        path += std::string(below(8, 3) * 9, 'x') + std::to_string(below(9, 50));
        maybe<std::string_view> shown_word;
        if (below(10, 6)) shown_word = word;
        maybe<bool> flag;
        if (below(11, 3)) flag = below(11, 2) == 0;
        t.append(static_cast<std::int64_t>(i), static_cast<std::int32_t>(below(12, 30)) - 15, wide, real, thin, shown_word, path, flag,
                 sk::date::from_days(static_cast<std::int32_t>(below(13, 5000)) - 2500), sk::timestamp::from_microseconds(static_cast<std::int64_t>(below(14, 1'000'000'000'000))));
    }
    return t;
}

// Before, equal, after: numbers, then NaNs, then nulls, unless nulls are to come first.
template <class T>
int in_order(const T& a, const T& b, bool down) {
    if constexpr (std::is_floating_point_v<T>) {
        if (std::isnan(a) || std::isnan(b)) return int(std::isnan(a)) - int(std::isnan(b));
    }
    const int c = a < b ? -1 : b < a ? 1 : 0;
    return down ? -c : c;
}
template <class T>
int in_order(const maybe<T>& a, const maybe<T>& b, bool down, bool nulls_first = false) {
    if (!a || !b) return nulls_first ? int(a.has_value()) - int(b.has_value()) : int(b.has_value()) - int(a.has_value());
    return in_order(*a, *b, down);
}

// The ids in the order of std::sort with a comparison of two rows.
template <class Compare>
std::vector<std::int64_t> naive(const rows_table& t, Compare&& compare) {
    std::vector<std::int64_t> ids(t.rows());
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int64_t>(i);
    std::sort(ids.begin(), ids.end(), [&](std::int64_t a, std::int64_t b) {
        const int c = compare(static_cast<std::size_t>(a), static_cast<std::size_t>(b));
        return c != 0 ? c < 0 : a < b;
    });
    return ids;
}

template <class Query, class Compare>
void check(const rows_table& t, const Query& query, Compare&& compare) {
    const auto expected = naive(t, compare);
    static unsigned turn = 0;
    for (const unsigned threads : {1u, std::array{2u, 3u, 7u}[turn++ % 3]}) {    // the laws ask for equal bits of all
        const sk::threads pool(threads);
        const auto sorted = query | sk::collect(pool);
        REQUIRE(sorted.rows() == t.rows());
        bool same = true;
        for (std::size_t i = 0; i < t.rows(); ++i) {
            const auto from = static_cast<std::size_t>(expected[i]);
            same = same && sorted["id"_c][i] == expected[i] && sorted["word"_c][i] == t["word"_c][from] && sorted["wide"_c][i] == t["wide"_c][from] &&
                   sorted["flag"_c][i] == t["flag"_c][from] && sorted["path"_c][i] == t["path"_c][from] && sorted["small"_c][i] == t["small"_c][from];
        }
        CHECK(same);
    }
}

}  // namespace

TEST_CASE("rows come in the order of std::sort, for keys of every type and several keys") {
    for (const std::size_t rows : std::initializer_list<std::size_t>{0, 1, 2, 15, 16, 17, 100, 2048, 5000, 70'000}) {
        const rows_table t = random_rows(rows, rows + 1);
        const auto column = [&]<sk::fixed_string Name>(sk::col<Name> c, bool down = false) {
            return [&t, c, down](std::size_t a, std::size_t b) { return in_order(t[c][a], t[c][b], down); };
        };
        CAPTURE(rows);
        check(t, t | sk::sort_by("small"_c), column("small"_c));
        check(t, t | sk::sort_by("wide"_c), column("wide"_c));
        check(t, t | sk::sort_by(sk::descending("wide"_c)), column("wide"_c, true));
        check(t, t | sk::sort_by("real"_c), column("real"_c));
        check(t, t | sk::sort_by(sk::descending("real"_c)), column("real"_c, true));
        check(t, t | sk::sort_by("thin"_c), column("thin"_c));
        check(t, t | sk::sort_by("word"_c), column("word"_c));
        check(t, t | sk::sort_by(sk::descending("word"_c)), column("word"_c, true));
        check(t, t | sk::sort_by("path"_c), column("path"_c));
        check(t, t | sk::sort_by(sk::descending("path"_c)), column("path"_c, true));
        check(t, t | sk::sort_by("flag"_c), column("flag"_c));
        check(t, t | sk::sort_by("day"_c), column("day"_c));
        check(t, t | sk::sort_by(sk::ascending("time"_c)), column("time"_c));
        check(t, t | sk::sort_by("flag"_c, sk::descending("day"_c), "word"_c), [&](std::size_t a, std::size_t b) {
            if (const int c = in_order(t["flag"_c][a], t["flag"_c][b], false)) return c;
            if (const int c = in_order(t["day"_c][a], t["day"_c][b], true)) return c;
            return in_order(t["word"_c][a], t["word"_c][b], false);
        });
        check(t, t | sk::sort_by(sk::descending("path"_c), "small"_c, sk::descending("real"_c), "wide"_c), [&](std::size_t a, std::size_t b) {
            if (const int c = in_order(t["path"_c][a], t["path"_c][b], true)) return c;
            if (const int c = in_order(t["small"_c][a], t["small"_c][b], false)) return c;
            if (const int c = in_order(t["real"_c][a], t["real"_c][b], true)) return c;
            return in_order(t["wide"_c][a], t["wide"_c][b], false);
        });
    }
}

TEST_CASE("nulls come first where that is asked, in either direction and beside other keys") {
    const rows_table t = random_rows(40'000, 5);
    check(t, t | sk::sort_by(sk::ascending("real"_c).nulls_first()), [&](std::size_t a, std::size_t b) { return in_order(t["real"_c][a], t["real"_c][b], false, true); });
    check(t, t | sk::sort_by(sk::descending("wide"_c).nulls_first()), [&](std::size_t a, std::size_t b) { return in_order(t["wide"_c][a], t["wide"_c][b], true, true); });
    check(t, t | sk::sort_by("small"_c, sk::descending("word"_c).nulls_first(), sk::ascending("wide"_c).nulls_first()), [&](std::size_t a, std::size_t b) {
        if (const int c = in_order(t["small"_c][a], t["small"_c][b], false)) return c;
        if (const int c = in_order(t["word"_c][a], t["word"_c][b], true, true)) return c;
        return in_order(t["wide"_c][a], t["wide"_c][b], false, true);
    });
}

TEST_CASE("keys that are all the same, all null or almost all the same keep the order of the rows") {
    using schema = sk::schema<sk::field<"id", std::int64_t>, sk::field<"same", double>, sk::field<"none", maybe<sk::text>>, sk::field<"outlier", double>>;
    sk::table<schema> t;
    for (std::int64_t i = 0; i < 50'000; ++i) t.append(i, 2.5, std::nullopt, i == 777 ? -1e300 : i == 9 ? 1e300 : 1.0 + 1e-9 * static_cast<double>(i % 3));
    const auto ids = [&](const auto& sorted) {
        std::vector<std::int64_t> out;
        for (const std::int64_t id : sorted["id"_c]) out.push_back(id);
        return out;
    };
    std::vector<std::int64_t> unchanged, by_outlier;
    for (std::int64_t i = 0; i < 50'000; ++i) unchanged.push_back(i);
    by_outlier = unchanged;
    const auto outlier = t["outlier"_c];
    std::sort(by_outlier.begin(), by_outlier.end(), [&](std::int64_t a, std::int64_t b) {
        const double x = outlier[static_cast<std::size_t>(a)], y = outlier[static_cast<std::size_t>(b)];
        return x != y ? x < y : a < b;
    });
    CHECK(ids(t | sk::sort_by("same"_c) | sk::collect()) == unchanged);
    CHECK(ids(t | sk::sort_by(sk::descending("none"_c), "same"_c) | sk::collect()) == unchanged);
    CHECK(ids(t | sk::sort_by("same"_c, "outlier"_c) | sk::collect(sk::threads(3))) == by_outlier);
}

TEST_CASE("a pass that reads other columns of sorted rows finds them, and only what is read is put in order") {
    const rows_table t = random_rows(10'000, 9);
    const auto sorted = t | sk::filter("small"_c > 0) | sk::sort_by("time"_c) | sk::select("id"_c, "word"_c, "path"_c) | sk::collect();
    const auto narrow = t | sk::sort_by("time"_c) | sk::filter("small"_c > 0) | sk::select("id"_c) | sk::collect(sk::threads(2));
    REQUIRE(sorted.rows() == narrow.rows());
    for (std::size_t i = 0; i < narrow.rows(); ++i) REQUIRE(sorted["id"_c][i] == narrow["id"_c][i]);
}

TEST_CASE("a sorted table's text is its own: the table it came from may change or end, and rows can be appended to either") {
    using words = sk::schema<sk::field<"n", std::int64_t>, sk::field<"word", maybe<sk::text>>>;
    const auto make = [] {
        sk::table<words> t;
        for (int i = 0; i < 5'000; ++i) {
            const std::string word = "number " + std::to_string(i);
            if (i % 7) t.append(std::int64_t{i}, std::string_view(word));
            else t.append(std::int64_t{i}, std::nullopt);
        }
        return t;
    };
    auto t = make();
    auto sorted = t | sk::sort_by(sk::descending("n"_c)) | sk::collect();
    auto again = sorted | sk::sort_by("word"_c) | sk::collect();
    t.append(std::int64_t{-1}, std::string_view("another"));
    t = {};
    sorted.append(std::int64_t{-2}, std::string_view("one more"));
    sorted.append(std::int64_t{-3}, std::nullopt);
    CHECK(sorted.rows() == 5'002);
    CHECK(sorted["word"_c][2] == "number 4997");
    CHECK(sorted["word"_c][4'999] == std::nullopt);
    CHECK(sorted["word"_c][5'000] == "one more");
    CHECK(sorted["word"_c][5'001] == std::nullopt);
    sorted = {};
    CHECK(again["word"_c][0] == "number 1");
    CHECK(again["word"_c][1] == "number 10");
    CHECK(again["word"_c][4'999] == std::nullopt);
    const auto both = sk::concat(again, make()) | sk::collect();
    CHECK(both["word"_c][2] == "number 100");
    CHECK(both["word"_c][5'001] == "number 1");
}

TEST_CASE("a text too large to be referred to is copied") {
    sk::table<sk::schema<sk::field<"n", std::int32_t>, sk::field<"word", maybe<sk::text>>>> t;
    const std::string large(sk::detail::text_place::most_bytes + 1, 'x');
    t.append(std::int32_t{3}, std::string_view("c"));
    t.append(std::int32_t{2}, std::string_view(large));
    t.append(std::int32_t{1}, std::nullopt);
    const auto sorted = t | sk::sort_by("n"_c) | sk::collect();
    CHECK(sorted["word"_c][0] == std::nullopt);
    CHECK(sorted["word"_c][1]->size() == large.size());
    CHECK(sorted["word"_c][2] == "c");
    CHECK((t | sk::sort_by(sk::descending("word"_c)) | sk::collect())["n"_c][0] == 2);
}

TEST_CASE("texts are told apart behind eight bytes, by what follows what they share, and zeros are bytes") {
    sk::table<sk::schema<sk::field<"id", std::int64_t>, sk::field<"word", sk::text>, sk::field<"n", std::int32_t>>> t;
    const sk::counter_random random(3, 4);
    std::vector<std::string> words;
    for (std::size_t i = 0; i < 20'000; ++i) {
        std::string word = "a beginning that all have";
        for (std::size_t k = random.below(9 * i, 40); k > 0; --k) word += "ab\0c"[random.below(9 * i + 1 + k % 8, i % 2 ? 2 : 4)];
        words.push_back(word);
        t.append(static_cast<std::int64_t>(i), std::string_view(word), static_cast<std::int32_t>(random.below(9 * i + 8, 3)));
    }
    for (const bool down : {false, true}) {
        std::vector<std::int64_t> expected(words.size());
        for (std::size_t i = 0; i < words.size(); ++i) expected[i] = static_cast<std::int64_t>(i);
        std::sort(expected.begin(), expected.end(), [&](std::int64_t a, std::int64_t b) {
            const auto &x = words[static_cast<std::size_t>(a)], &y = words[static_cast<std::size_t>(b)];
            const auto n = t["n"_c][static_cast<std::size_t>(a)], m = t["n"_c][static_cast<std::size_t>(b)];
            return x != y ? (down ? y < x : x < y) : n != m ? n < m : a < b;
        });
        for (const unsigned threads : {1u, 3u}) {
            const auto sorted = down ? t | sk::sort_by(sk::descending("word"_c), "n"_c) | sk::collect(sk::threads(threads)) : t | sk::sort_by("word"_c, "n"_c) | sk::collect(sk::threads(threads));
            CHECK(std::equal(expected.begin(), expected.end(), sorted["id"_c].data()));
        }
    }
}

TEST_CASE("many equal keys, many nulls and keys that crowd in a corner of their range are sorted like others, whatever stands beside them") {
    sk::table<sk::schema<sk::field<"id", std::int64_t>, sk::field<"wide", std::int64_t>, sk::field<"word", maybe<sk::text>>, sk::field<"real", double>>> t;
    const sk::counter_random random(8, 4);
    constexpr std::size_t rows = 150'000;    // more than a bucket holds
    for (std::size_t i = 0; i < rows; ++i) {
        const auto kind = random.below(4 * i, 10);
        const std::int64_t wide = kind == 0 ? static_cast<std::int64_t>(random.bits(4 * i + 1)) : static_cast<std::int64_t>(random.below(4 * i + 1, 2'000'000));
        const std::string word = "a text of which most have a long beginning " + std::to_string(random.below(4 * i + 2, 1000));
        maybe<std::string_view> shown;
        if (kind > 6) shown = word;
        t.append(static_cast<std::int64_t>(i), wide, shown, static_cast<double>(random.below(4 * i + 3, 3)) * 1e-300);
    }
    const auto check_ids = [&](const auto& query, auto&& before) {
        std::vector<std::int64_t> expected(rows);
        for (std::size_t i = 0; i < rows; ++i) expected[i] = static_cast<std::int64_t>(i);
        std::sort(expected.begin(), expected.end(), [&](std::int64_t a, std::int64_t b) {
            const int c = before(static_cast<std::size_t>(a), static_cast<std::size_t>(b));
            return c != 0 ? c < 0 : a < b;
        });
        for (const unsigned threads : {1u, 3u}) {
            const auto sorted = query | sk::collect(sk::threads(threads));
            CHECK(std::equal(expected.begin(), expected.end(), sorted["id"_c].data()));
        }
    };
    check_ids(t | sk::sort_by("wide"_c), [&](std::size_t a, std::size_t b) { return in_order(t["wide"_c][a], t["wide"_c][b], false); });
    check_ids(t | sk::sort_by("word"_c), [&](std::size_t a, std::size_t b) { return in_order(t["word"_c][a], t["word"_c][b], false); });
    check_ids(t | sk::sort_by("word"_c, sk::descending("wide"_c)), [&](std::size_t a, std::size_t b) {
        const int c = in_order(t["word"_c][a], t["word"_c][b], false);
        return c != 0 ? c : in_order(t["wide"_c][a], t["wide"_c][b], true);
    });
    check_ids(t | sk::sort_by("real"_c, "word"_c), [&](std::size_t a, std::size_t b) {
        const int c = in_order(t["real"_c][a], t["real"_c][b], false);
        return c != 0 ? c : in_order(t["word"_c][a], t["word"_c][b], false);
    });
}

TEST_CASE("numbers of one magnitude beside few others are sorted like others, and a zero keeps its sign") {
    sk::table<sk::schema<sk::field<"id", std::int64_t>, sk::field<"price", double>, sk::field<"change", double>, sk::field<"thin", float>>> t;
    const sk::counter_random random(9, 4);
    constexpr std::size_t rows = 90'000;    // more than 2^16, from which on codes are sampled
    for (std::size_t i = 0; i < rows; ++i) {
        const double price = random.below(4 * i, 50) ? 4096 + random.uniform(4 * i + 1) : 1e-3 * static_cast<double>(random.below(4 * i + 1, 900));
        const double change = random.below(4 * i, 9) ? static_cast<double>(random.below(4 * i + 2, 1000)) - 500 : random.below(4 * i + 2, 2) ? 0.0 : -0.0;
        t.append(static_cast<std::int64_t>(i), price, change, static_cast<float>(random.below(4 * i + 3, 5000)) / 16 - 100);
    }
    const auto check_column = [&]<sk::fixed_string Name>(sk::col<Name> column, const auto& query, bool down) {
        const auto values = t[column];
        std::vector<std::size_t> expected(rows);
        for (std::size_t i = 0; i < rows; ++i) expected[i] = i;
        std::sort(expected.begin(), expected.end(), [&](std::size_t a, std::size_t b) { return values[a] != values[b] ? (values[a] < values[b]) != down : a < b; });
        for (const unsigned threads : {1u, 2u, 3u, 7u}) {
            const auto sorted = query | sk::collect(sk::threads(threads));
            bool same = sorted.rows() == rows;
            for (std::size_t i = 0; same && i < rows; ++i)
                same = sorted["id"_c][i] == static_cast<std::int64_t>(expected[i]) && sorted[column][i] == values[expected[i]] && std::signbit(sorted[column][i]) == std::signbit(values[expected[i]]);
            CHECK(same);
        }
    };
    check_column("price"_c, t | sk::sort_by("price"_c), false);
    check_column("price"_c, t | sk::sort_by(sk::descending("price"_c)), true);
    check_column("change"_c, t | sk::sort_by("change"_c), false);
    check_column("thin"_c, t | sk::sort_by("thin"_c), false);
    check_column("thin"_c, t | sk::sort_by(sk::descending("thin"_c)), true);
}
