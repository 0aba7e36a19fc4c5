// Random tables, with nulls, through random conditions, joins, groups and sorts: equal to a naive computation one row at a time.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

template <class T>
using maybe = std::optional<T>;

// Tasks in a scattered order, on the calling thread: whatever depends on the order of execution shows.
struct scattered {
    unsigned concurrency() const { return 3; }
    void bulk(std::size_t n, void (*task)(void*, std::size_t), void* context) const {
        std::vector<std::pair<std::uint64_t, std::size_t>> order;
        for (std::size_t i = 0; i < n; ++i) order.emplace_back(sk::counter_random(5, n).bits(i), i);
        std::sort(order.begin(), order.end());
        for (const auto& o : order) task(context, o.second);
    }
};

using left_schema = sk::schema<sk::field<"id", std::int64_t>, sk::field<"small", maybe<std::int32_t>>, sk::field<"word", maybe<sk::text>>,
                               sk::field<"real", maybe<double>>, sk::field<"flag", maybe<bool>>, sk::field<"day", sk::date>, sk::field<"thin", float>>;
using right_schema = sk::schema<sk::field<"small", maybe<std::int32_t>>, sk::field<"word", maybe<sk::text>>, sk::field<"extra", maybe<sk::text>>, sk::field<"big", std::int64_t>>;

struct left_row {
    std::int64_t id;
    maybe<std::int32_t> small;
    maybe<std::string> word;
    maybe<double> real;
    maybe<bool> flag;
    int day;
    float thin;
};
struct right_row {
    maybe<std::int32_t> small;
    maybe<std::string> word, extra;
    std::int64_t big;
};

class source_of_rows {
public:
    source_of_rows(std::uint64_t seed) : random_(seed, 1) {}
    std::uint64_t below(std::uint64_t n) { return random_.below(at_++, n); }
    maybe<std::string> word(std::uint64_t of) {
        const auto k = below(of + 2);
        if (k == 0) return std::nullopt;
        if (k == 1) return "";
        return "word " + std::string(k % 3 * 9, 'x') + std::to_string(k);
    }
    left_row left(std::size_t i, std::uint64_t keys) {
        left_row r{static_cast<std::int64_t>(i), std::nullopt, word(keys), std::nullopt, std::nullopt, static_cast<int>(below(40)) - 20, static_cast<float>(below(5)) / 4};
        if (below(7)) r.small = static_cast<std::int32_t>(below(keys)) - 3;
        if (below(5)) r.real = below(9) == 0 ? -0.0 : (static_cast<double>(below(64)) - 20) / 4;
        if (below(4)) r.flag = below(2) == 0;
        return r;
    }
    right_row right(std::uint64_t keys) {
        right_row r{std::nullopt, word(keys), word(50), 0};
        if (below(7)) r.small = static_cast<std::int32_t>(below(keys)) - 3;
        r.big = below(20) ? static_cast<std::int64_t>(below(1000)) : (below(2) ? INT64_MAX : INT64_MIN) / 4;
        return r;
    }

private:
    sk::counter_random random_;
    std::uint64_t at_ = 0;
};

maybe<std::string_view> view(const maybe<std::string>& s) { return s ? maybe<std::string_view>(*s) : std::nullopt; }
maybe<std::string> text(const maybe<std::string_view>& s) { return s ? maybe<std::string>(std::string(*s)) : std::nullopt; }

struct data {
    std::vector<left_row> left;
    std::vector<right_row> right;
    sk::table<left_schema> left_table;
    sk::table<right_schema> right_table;

    data(std::uint64_t seed, std::size_t rows, std::size_t right_rows, std::uint64_t keys) {
        source_of_rows from(seed);
        for (std::size_t i = 0; i < rows; ++i) {
            const left_row& r = left.emplace_back(from.left(i, keys));
            left_table.append(r.id, r.small, view(r.word), r.real, r.flag, sk::date::from_days(r.day), r.thin);
        }
        for (std::size_t i = 0; i < right_rows; ++i) {
            const right_row& r = right.emplace_back(from.right(keys));
            right_table.append(r.small, view(r.word), view(r.extra), r.big);
        }
    }
};

const std::vector<data>& cases() {
    static const std::vector<data> all = [] {
        std::vector<data> made;
        std::uint64_t seed = 1;
        for (const std::size_t rows : std::initializer_list<std::size_t>{0, 1, 7, 2047, 2048, 2049, 32'768, 32'769, 70'000})
            made.emplace_back(seed++, rows, rows % 2 ? 12 : 300, rows < 3000 ? 6 : 60);
        made.emplace_back(seed++, 5000, 0, 9);
        return made;
    }();
    return all;
}

// The query's rows, after checking that they are the same bits on every executor and when collected again.
template <class Query>
auto rows_of(const Query& query) {
    const auto once = query | sk::collect();
    const auto same_as_once = [&](const auto& other) {
        if (once.rows() != other.rows()) return false;
        for (std::size_t i = 0; i < once.rows(); ++i)
            if (once.row(i) != other.row(i)) return false;
        return true;
    };
    CHECK(same_as_once(query | sk::collect(scattered{})));
    CHECK(same_as_once(query | sk::collect(sk::threads(3))));
    return once;
}

// Three-valued logic in the plainest form.
using truth = maybe<bool>;
truth both(truth a, truth b) {
    if ((a && !*a) || (b && !*b)) return false;
    if (!a || !b) return std::nullopt;
    return true;
}
truth either(truth a, truth b) {
    if ((a && *a) || (b && *b)) return true;
    if (!a || !b) return std::nullopt;
    return false;
}
truth no(truth a) { return a ? truth(!*a) : std::nullopt; }

truth naive_condition(const left_row& r) {
    const truth small = r.small ? truth(*r.small > 0) : std::nullopt;
    const truth real = r.real ? truth(*r.real <= 5.0) : std::nullopt;
    const truth word = r.word ? truth(*r.word != "word 2") : std::nullopt;
    return either(both(small, no(r.flag)), both(real, both(word, truth(r.thin < 1.0f))));
}
constexpr auto condition = ("small"_c > 0 && !"flag"_c) || ("real"_c <= 5.0 && "word"_c != "word 2" && "thin"_c < 1.0f);

maybe<std::string> naive_label(const left_row& r) { return r.word ? maybe<std::string>(*r.word + "/" + std::to_string(r.day)) : std::nullopt; }
const auto label = sk::apply([](std::string_view w, sk::date d) { return std::string(w) + "/" + std::to_string(d.days_since_1970()); }, "word"_c, "day"_c);

}  // namespace

TEST_CASE("filters one after another, computed text and arithmetic with nulls equal the naive computation") {
    for (const data& d : cases()) {
        const auto got = rows_of(d.left_table | sk::filter(condition) | sk::derive("label"_c = label, "sum"_c = "small"_c * 3 - "id"_c) |
                                 sk::filter("day"_c > sk::date::from_days(-15)) |
                                 sk::derive("or"_c = sk::coalesce("label"_c, "none"), "size"_c = sk::when("real"_c > 3.0, "big").when("flag"_c, "flagged").otherwise("rest")) |
                                 sk::filter(sk::is_null("flag"_c) || "or"_c != "none") | sk::select("id"_c, "or"_c, "sum"_c, "size"_c));
        std::size_t i = 0;
        bool same = true;
        for (const left_row& r : d.left) {
            if (naive_condition(r) != truth(true) || r.day <= -15 || (r.flag && !r.word)) continue;
            maybe<std::int64_t> sum;
            if (r.small) sum = *r.small * std::int64_t{3} - r.id;
            const std::string size = r.real && *r.real > 3.0 ? "big" : r.flag && *r.flag ? "flagged" : "rest";
            same = same && i < got.rows() && got["id"_c][i] == r.id && got["or"_c][i] == naive_label(r).value_or("none") && got["sum"_c][i] == sum && got["size"_c][i] == size;
            ++i;
        }
        CHECK(same);
        CHECK(i == got.rows());
    }
}

TEST_CASE("groups over nullable text, numbers and computed text equal the naive computation") {
    for (const data& d : cases()) {
        const auto got = rows_of(d.left_table | sk::filter("thin"_c > 0.0f) | sk::derive("label"_c = label) |
                                 sk::group_by("word"_c, "flag"_c, "small"_c)
                                     .aggregate("n"_c = sk::count(), "known"_c = sk::count("real"_c).where("day"_c > sk::date::from_days(0)), "least"_c = sk::min("real"_c),
                                                "sum"_c = sk::sum("id"_c).where("real"_c > 0.0), "labels"_c = sk::count_distinct("label"_c).where(!"flag"_c),
                                                "last"_c = sk::max("label"_c), "first"_c = sk::first("label"_c).where("real"_c < 4.0), "middle"_c = sk::median("real"_c)));
        struct group {
            std::int64_t n = 0, known = 0;
            maybe<double> least;
            maybe<std::int64_t> sum;
            std::set<std::string> labels;
            maybe<std::string> last, first;
            std::vector<double> reals;
        };
        using key = std::tuple<maybe<std::string>, maybe<bool>, maybe<std::int32_t>>;
        std::map<key, group> groups;
        std::vector<key> order;
        for (const left_row& r : d.left) {
            if (!(r.thin > 0)) continue;
            const key k{r.word, r.flag, r.small};
            if (!groups.contains(k)) order.push_back(k);
            group& g = groups[k];
            const auto l = naive_label(r);
            ++g.n;
            g.known += r.real && r.day > 0;
            if (r.real) g.least = std::min(g.least.value_or(*r.real), *r.real), g.reals.push_back(*r.real);
            if (r.real && *r.real > 0) g.sum = g.sum.value_or(0) + r.id;
            if (l && r.flag && !*r.flag) g.labels.insert(*l);
            if (l) g.last = std::max(g.last.value_or(*l), *l);
            if (l && r.real && *r.real < 4 && !g.first) g.first = l;
        }
        REQUIRE(got.rows() == order.size());
        bool same = true;
        for (std::size_t i = 0; i < order.size(); ++i) {
            group& g = groups[order[i]];
            std::sort(g.reals.begin(), g.reals.end());
            const std::size_t n = g.reals.size();
            maybe<double> middle;
            if (n) middle = (g.reals[(n - 1) / 2] + g.reals[n / 2]) / 2;
            same = same && key{text(got["word"_c][i]), got["flag"_c][i], got["small"_c][i]} == order[i] && got["n"_c][i] == g.n && got["known"_c][i] == g.known &&
                   got["least"_c][i] == g.least && got["sum"_c][i] == g.sum && got["labels"_c][i] == static_cast<std::int64_t>(g.labels.size()) &&
                   text(got["last"_c][i]) == g.last && text(got["first"_c][i]) == g.first && got["middle"_c][i] == middle;
        }
        CHECK(same);
    }
}

TEST_CASE("joins by one key and by two, after filters, equal the naive computation") {
    for (const data& d : cases()) {
        const auto right = d.right_table | sk::filter("big"_c >= 0);
        const auto left = d.left_table | sk::filter("id"_c != 3) | sk::select("id"_c, "small"_c, "word"_c);
        std::vector<std::tuple<std::int64_t, maybe<std::string>, maybe<std::int64_t>>> inner, outer;
        std::vector<std::int64_t> with, without;
        std::map<std::pair<std::int32_t, std::string>, std::vector<const right_row*>> by_key;
        std::set<std::string> words;
        for (const right_row& r : d.right) {
            if (r.big < 0) continue;
            if (r.small && r.word) by_key[{*r.small, *r.word}].push_back(&r);
            if (r.word) words.insert(*r.word);
        }
        for (const left_row& r : d.left) {
            if (r.id == 3) continue;
            (r.word && words.contains(*r.word) ? with : without).push_back(r.id);
            bool any = false;
            if (r.small && r.word)
                for (const right_row* match : by_key[{*r.small, *r.word}]) {
                    inner.emplace_back(r.id, match->extra, match->big);
                    outer.emplace_back(r.id, match->extra, match->big);
                    any = true;
                }
            if (!any) outer.emplace_back(r.id, std::nullopt, std::nullopt);
        }
        const auto same_rows = [](const auto& got, const auto& expected) {
            bool same = got.rows() == expected.size();
            for (std::size_t i = 0; same && i < expected.size(); ++i)
                same = got["id"_c][i] == std::get<0>(expected[i]) && text(got["extra"_c][i]) == std::get<1>(expected[i]) && got["big"_c][i] == std::get<2>(expected[i]);
            return same;
        };
        const auto same_ids = [](const auto& got, const std::vector<std::int64_t>& expected) {
            bool same = got.rows() == expected.size();
            for (std::size_t i = 0; same && i < expected.size(); ++i) same = got["id"_c][i] == expected[i];
            return same;
        };
        CHECK(same_rows(rows_of(left | sk::inner_join(right, "small"_c, "word"_c)), inner));
        CHECK(same_rows(rows_of(left | sk::left_join(right, "small"_c, "word"_c)), outer));
        CHECK(same_ids(rows_of(left | sk::semi_join(d.right_table | sk::filter("big"_c >= 0) | sk::select("word"_c), "word"_c)), with));
        CHECK(same_ids(rows_of(left | sk::anti_join(right, "word"_c)), without));
    }
}

TEST_CASE("a join with the groups of the same table brings each row the size of its group; null keys find none") {
    for (const data& d : cases()) {
        const auto sizes = d.left_table | sk::group_by("word"_c).aggregate("of_word"_c = sk::count(), "smalls"_c = sk::count("small"_c));
        const auto got = rows_of(d.left_table | sk::filter("thin"_c < 1.0f) | sk::left_join(sizes, "word"_c, sk::one_match) | sk::filter(sk::is_null("of_word"_c) || "of_word"_c > 1) |
                                 sk::sort_by(sk::descending("of_word"_c), "real"_c) | sk::select("id"_c, "of_word"_c));
        std::map<std::string, std::int64_t> count;
        for (const left_row& r : d.left)
            if (r.word) ++count[*r.word];
        std::vector<std::tuple<maybe<std::int64_t>, maybe<double>, std::int64_t>> expected;
        for (const left_row& r : d.left)
            if (r.thin < 1 && (!r.word || count[*r.word] > 1)) expected.emplace_back(r.word ? maybe<std::int64_t>(count[*r.word]) : std::nullopt, r.real, r.id);
        std::vector<std::size_t> order(expected.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
            const auto& [na, ra, ia] = expected[x];
            const auto& [nb, rb, ib] = expected[y];
            if (na != nb) return !nb || (na && *na > *nb);
            if (ra != rb) return !rb || (ra && *ra < *rb);
            return x < y;    // rows with equal keys keep their order
        });
        bool same = got.rows() == expected.size();
        for (std::size_t i = 0; same && i < expected.size(); ++i) {
            const auto& row = expected[order[i]];
            same = got["of_word"_c][i] == std::get<0>(row) && got["id"_c][i] == std::get<2>(row);
        }
        CHECK(same);
    }
}

TEST_CASE("groups of groups equal the naive computation") {
    for (const data& d : cases()) {
        const auto got = rows_of(d.left_table | sk::group_by("small"_c, "day"_c).aggregate("n"_c = sk::count()) | sk::group_by("n"_c).aggregate("times"_c = sk::count(), "day"_c = sk::min("day"_c)) |
                                 sk::sort_by("n"_c));
        std::map<std::pair<maybe<std::int32_t>, int>, std::int64_t> first;
        for (const left_row& r : d.left) ++first[{r.small, r.day}];
        std::map<std::int64_t, std::pair<std::int64_t, int>> second;
        for (const auto& [k, n] : first) {
            auto& [times, day] = second.try_emplace(n, 0, 1000).first->second;
            ++times;
            day = std::min(day, k.second);
        }
        REQUIRE(got.rows() == second.size());
        std::size_t i = 0;
        for (const auto& [n, rest] : second) {
            CHECK(got["n"_c][i] == n);
            CHECK(got["times"_c][i] == rest.first);
            CHECK(got["day"_c][i].days_since_1970() == rest.second);
            ++i;
        }
    }
}
