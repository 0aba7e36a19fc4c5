#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/expr.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/filter.hpp>
#include <segkit/query/group_by.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using events = sk::schema<sk::field<"user", std::int64_t>, sk::field<"place", std::optional<sk::text>>, sk::field<"paid", std::optional<double>>,
                          sk::field<"clicks", std::int32_t>, sk::field<"done", bool>>;

sk::table<events> random_events(std::size_t rows) {
    sk::table<events> t;
    const sk::counter_random random(7, 0);
    for (std::size_t i = 0; i < rows; ++i) {
        const auto r = random.bits(i);
        std::optional<std::string> place;
        if (r % 5) place = "a place with a long name " + std::to_string(r % 11);
        t.append(static_cast<std::int64_t>(r >> 40) % 97, place ? std::optional<std::string_view>(*place) : std::nullopt,
                 r % 3 ? std::optional(static_cast<double>(r >> 12 & 1023) / 8) : std::nullopt, static_cast<std::int32_t>(r >> 30 & 63), (r >> 20 & 1) != 0);
    }
    return t;
}

}  // namespace

TEST_CASE("every aggregate equals a naive computation, group by group in first-seen order") {
    const auto t = random_events(20'000);
    const auto g = t | sk::group_by("user"_c).aggregate("n"_c = sk::count(), "known"_c = sk::count("paid"_c), "done"_c = sk::count_if("done"_c),
                                                        "places"_c = sk::count_distinct("place"_c), "total"_c = sk::sum("clicks"_c),
                                                        "paid"_c = sk::sum("paid"_c), "mean"_c = sk::mean("paid"_c).where("done"_c), "low"_c = sk::min("paid"_c),
                                                        "high"_c = sk::max("clicks"_c), "sd"_c = sk::stddev("clicks"_c), "mid"_c = sk::median("paid"_c),
                                                        "first"_c = sk::first("place"_c), "last_place"_c = sk::max("place"_c), "share"_c = sk::share("done"_c)) |
                   sk::collect();
    struct naive {
        std::int64_t n = 0, known = 0, done = 0, total = 0;
        std::set<std::string> places;
        std::vector<double> paid, paid_done, clicks;
        std::optional<std::string> first, last;
    };
    std::map<std::int64_t, naive> by_user;
    std::vector<std::int64_t> order;
    for (std::size_t i = 0; i < t.rows(); ++i) {
        const auto [user, place, paid, clicks, done] = t.row(i);
        if (!by_user.contains(user)) order.push_back(user);
        naive& u = by_user[user];
        ++u.n;
        u.done += done;
        u.total += clicks;
        u.clicks.push_back(clicks);
        if (place) {
            const std::string p(*place);
            u.places.insert(p);
            if (!u.first) u.first = p;
            if (!u.last || *u.last < p) u.last = p;
        }
        if (paid) {
            ++u.known;
            u.paid.push_back(*paid);
            if (done) u.paid_done.push_back(*paid);
        }
    }
    const auto sum = [](const std::vector<double>& v) {
        double s = 0;
        for (const double x : v) s += x;
        return s;
    };
    REQUIRE(g.rows() == order.size());
    for (std::size_t i = 0; i < g.rows(); ++i) {
        CHECK(g["user"_c][i] == order[i]);
        naive& u = by_user[order[i]];
        CHECK(g["n"_c][i] == u.n);
        CHECK(g["known"_c][i] == u.known);
        CHECK(g["done"_c][i] == u.done);
        CHECK(g["places"_c][i] == static_cast<std::int64_t>(u.places.size()));
        CHECK(g["total"_c][i] == u.total);
        CHECK(*g["paid"_c][i] == doctest::Approx(sum(u.paid)).epsilon(1e-12));
        CHECK(*g["mean"_c][i] == doctest::Approx(sum(u.paid_done) / static_cast<double>(u.paid_done.size())).epsilon(1e-12));
        std::sort(u.paid.begin(), u.paid.end());
        CHECK(*g["low"_c][i] == u.paid.front());
        CHECK(g["high"_c][i] == *std::max_element(u.clicks.begin(), u.clicks.end()));
        double squares = 0;
        const double m = sum(u.clicks) / static_cast<double>(u.n);
        for (const double x : u.clicks) squares += (x - m) * (x - m);
        CHECK(*g["sd"_c][i] == doctest::Approx(std::sqrt(squares / static_cast<double>(u.n - 1))).epsilon(1e-12));
        const std::size_t h = u.paid.size() / 2;
        CHECK(*g["mid"_c][i] == (u.paid.size() % 2 ? u.paid[h] : (u.paid[h - 1] + u.paid[h]) / 2));
        CHECK(*g["first"_c][i] == *u.first);
        CHECK(*g["last_place"_c][i] == *u.last);
        CHECK(g["share"_c][i] == static_cast<double>(u.done) / static_cast<double>(u.n));
    }
}

TEST_CASE("a group-by gives the same bits for any number of threads") {
    const auto t = random_events(150'000);
    const auto q = t | sk::filter("clicks"_c > 2) |
                   sk::group_by("user"_c, "place"_c).aggregate("mean"_c = sk::mean("paid"_c), "sd"_c = sk::stddev("paid"_c), "mid"_c = sk::median("paid"_c));
    const auto one = q | sk::collect();
    CHECK(one.rows() > 900);
    for (const unsigned n : {2u, 3u, 7u}) {
        const sk::threads pool(n);
        const auto many = q | sk::collect(pool);
        REQUIRE(many.rows() == one.rows());
        for (std::size_t i = 0; i < one.rows(); ++i) CHECK(many.row(i) == one.row(i));
    }
}

TEST_CASE("null keys form one group and differ from the empty text and from zero") {
    using keyed = sk::schema<sk::field<"k", std::optional<std::int64_t>>, sk::field<"s", std::optional<sk::text>>>;
    const sk::table<keyed> t{{0, ""}, {std::nullopt, std::nullopt}, {0, ""}, {std::nullopt, std::nullopt}, {1, ""}};
    const auto g = t | sk::group_by("k"_c, "s"_c).aggregate("n"_c = sk::count()) | sk::collect();
    REQUIRE(g.rows() == 3);
    CHECK(g["n"_c][0] == 2);
    CHECK(g["k"_c][1] == std::nullopt);
    CHECK(g["n"_c][1] == 2);
    CHECK(g["s"_c][2] == "");
}

TEST_CASE("an aggregate over no rows is null, a count zero, and there is one row") {
    const auto t = random_events(10) | sk::filter("clicks"_c > 1000) |
                   sk::aggregate("n"_c = sk::count(), "mean"_c = sk::mean("clicks"_c), "total"_c = sk::sum("clicks"_c), "places"_c = sk::count_distinct("place"_c),
                                 "mid"_c = sk::median("paid"_c)) |
                   sk::collect();
    REQUIRE(t.rows() == 1);
    CHECK(t["n"_c][0] == 0);
    CHECK(t["places"_c][0] == 0);
    CHECK(t["mean"_c][0] == std::nullopt);
    CHECK(t["total"_c][0] == std::nullopt);
    CHECK(t["mid"_c][0] == std::nullopt);
    const auto none = random_events(0) | sk::group_by("user"_c).aggregate("n"_c = sk::count()) | sk::collect();
    CHECK(none.rows() == 0);
}

TEST_CASE("an integer sum that does not fit is an error, one that passes through overflow is not") {
    using big = sk::schema<sk::field<"x", std::int64_t>, sk::field<"y", bool>>;
    const std::int64_t most = 9223372036854775807;
    const sk::table<big> t{{most, true}, {most, true}, {-most, false}};
    CHECK((t | sk::aggregate("s"_c = sk::sum("x"_c)) | sk::collect())["s"_c][0] == most);
    CHECK_THROWS_WITH_AS(t | sk::aggregate("s"_c = sk::sum("x"_c).where("y"_c)) | sk::collect(), doctest::Contains("sum: overflow"), sk::error);
    CHECK_THROWS_WITH_AS(t | sk::group_by("y"_c).aggregate("n"_c = sk::count(), "total"_c = sk::sum("x"_c)) | sk::collect(),
                         doctest::Contains("sum: overflow in 'total': found a sum near 18446744073709551616.000000 where 'y' is true, expected"), sk::error);
}

TEST_CASE("a sum that does not fit names its group, among few and among many") {
    constexpr std::int64_t most = 9223372036854775807;
    using rows = sk::schema<sk::field<"user", std::optional<std::int64_t>>, sk::field<"country", sk::text>, sk::field<"day", sk::date>, sk::field<"x", std::int64_t>>;
    for (const std::int64_t users : {3, 60'000}) {
        sk::table<rows> t;
        for (std::int64_t i = 0; i < 2 * users; ++i) t.append(i % users, "country", sk::date(2024, 2, 29), i % users == users - 1 ? most : i);
        const auto sum_by = [&](auto... keys) { (void)(t | sk::group_by(keys...).aggregate("total"_c = sk::sum("x"_c)) | sk::collect(sk::threads(2))); };
        const std::string user = "where 'user' is " + std::to_string(users - 1);
        CHECK_THROWS_WITH_AS(sum_by("user"_c), doctest::Contains((user + ", expected").c_str()), sk::error);
        CHECK_THROWS_WITH_AS(sum_by("user"_c, "country"_c, "day"_c), doctest::Contains((user + " and 'country' is \"country\" and 'day' is 2024-02-29, expected").c_str()), sk::error);
    }
    const sk::table<rows> unknown{{std::nullopt, "", sk::date(2024, 1, 1), most}, {std::nullopt, "", sk::date(2024, 1, 1), most}};
    CHECK_THROWS_WITH_AS(unknown | sk::group_by("user"_c).aggregate("total"_c = sk::sum("x"_c)) | sk::collect(), doctest::Contains("where 'user' is null"), sk::error);
}

namespace {

using kinds_of_keys = sk::schema<sk::field<"number", std::int64_t>, sk::field<"small", std::optional<std::int32_t>>, sk::field<"word", std::optional<sk::text>>, sk::field<"x", double>,
                                 sk::field<"y", std::optional<std::int64_t>>>;

// Few keys at first, then many; words below, at and above the lengths that have a form of their own.
sk::table<kinds_of_keys> keys_that_become_many(std::size_t rows, std::uint64_t apart) {
    sk::table<kinds_of_keys> t;
    const sk::counter_random random(3, 9);
    for (std::size_t i = 0; i < rows; ++i) {
        const std::uint64_t key = i < rows / 2 ? random.below(4 * i, 29) : random.below(4 * i, rows / 4);
        const std::string word = std::string(key % 23, 'w') + (key % 23 > 4 ? std::to_string(key % 1000) : "");
        t.append(static_cast<std::int64_t>(key * apart) - 1000, key % 13 ? std::optional(static_cast<std::int32_t>(key)) : std::nullopt,
                 key % 7 ? std::optional<std::string_view>(word) : std::nullopt, 1e6 + random.uniform(4 * i + 1),
                 random.below(4 * i + 2, 5) ? std::optional(static_cast<std::int64_t>(random.below(4 * i + 3, 100))) : std::nullopt);
    }
    return t;
}

// The same rows by a key that is made a number of one word, a text, or neither.
template <class... Keys>
void check_growing_groups(const sk::table<kinds_of_keys>& t, const Keys&... keys) {
    const auto query = t | sk::group_by(keys...).aggregate("n"_c = sk::count(), "x_sum"_c = sk::sum("x"_c), "x_sd"_c = sk::stddev("x"_c), "x_low"_c = sk::min("x"_c),
                                                           "y_sum"_c = sk::sum("y"_c), "y_mean"_c = sk::mean("y"_c).where("x"_c > 1e6 + 0.25), "y_high"_c = sk::max("y"_c),
                                                           "words"_c = sk::max("word"_c));
    const auto one = query | sk::collect();
    struct naive {
        std::int64_t n = 0, y_sum = 0;
        std::vector<double> x;
        std::optional<std::int64_t> y_high;
        std::optional<std::string> last_word;
    };
    using key = std::tuple<decltype(t[keys][0])...>;
    std::map<key, std::size_t> number_of;
    std::vector<naive> groups;
    for (std::size_t i = 0; i < t.rows(); ++i) {
        const auto [at, is_new] = number_of.try_emplace(key{t[keys][i]...}, groups.size());
        if (is_new) groups.emplace_back();
        naive& g = groups[at->second];
        ++g.n;
        g.x.push_back(t["x"_c][i]);
        if (const auto y = t["y"_c][i]) g.y_sum += *y, g.y_high = std::max(g.y_high.value_or(*y), *y);
        if (const auto w = t["word"_c][i]) g.last_word = std::max(g.last_word.value_or(std::string(*w)), std::string(*w));
    }
    REQUIRE(one.rows() == groups.size());
    bool same = true;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const naive& g = groups[i];
        double sum = 0, low = g.x[0], squares = 0;
        for (const double x : g.x) sum += x - 1e6, low = std::min(low, x);
        for (const double x : g.x) squares += (x - 1e6 - sum / static_cast<double>(g.n)) * (x - 1e6 - sum / static_cast<double>(g.n));
        const auto sd = one["x_sd"_c][i];
        same = same && number_of.at(key{one[keys][i]...}) == i && one["n"_c][i] == g.n && std::fabs(one["x_sum"_c][i] - 1e6 * static_cast<double>(g.n) - sum) < 1e-6 * static_cast<double>(g.n) &&
               one["x_low"_c][i] == low && sd.has_value() == (g.n > 1) && (!sd || std::fabs(*sd - std::sqrt(squares / static_cast<double>(g.n - 1))) < 1e-7) &&
               one["y_high"_c][i] == g.y_high && (!g.y_high || one["y_sum"_c][i] == g.y_sum) && one["words"_c][i].has_value() == g.last_word.has_value() &&
               (!g.last_word || one["words"_c][i] == *g.last_word);
    }
    CHECK(same);
    for (const unsigned n : {2u, 3u}) {
        const auto many = query | sk::collect(sk::threads(n));
        REQUIRE(many.rows() == one.rows());
        bool equal = true;
        for (std::size_t i = 0; i < one.rows(); ++i) equal = equal && many.row(i) == one.row(i);
        CHECK(equal);
    }
}

}  // namespace

TEST_CASE("keys that are few at first and then become many give the groups of a naive computation, on any executor") {
    check_growing_groups(keys_that_become_many(160'000, 3), "number"_c);    // dense
    const auto t = keys_that_become_many(160'000, 77);
    check_growing_groups(t, "number"_c);
    check_growing_groups(t, "small"_c);
    check_growing_groups(t, "word"_c);
    check_growing_groups(t, "word"_c, "small"_c);
}

namespace {

// A table whose source numbers its morsels 0, 2, 4, ...
struct gapped {
    using schema_type = events;
    const sk::table<events>* rows;

    class rows_source final : public sk::row_source {
    public:
        explicit rows_source(std::shared_ptr<sk::row_source> from) : from_(std::move(from)) {}
        void scan(const std::vector<bool>& needed, sk::executor_ref executor, sk::morsel_consumer& consumer) override {
            struct renumber final : sk::morsel_consumer {
                explicit renumber(sk::morsel_consumer& c) : next(c) {}
                std::unique_ptr<sk::morsel_worker> start(std::size_t morsel) override { return next.start(2 * morsel); }
                sk::morsel_consumer& next;
            } renumbered(consumer);
            from_->scan(needed, executor, renumbered);
        }
        std::string describe() const override { return "a source with gaps"; }

    private:
        std::shared_ptr<sk::row_source> from_;
    };
    std::shared_ptr<sk::row_source> open() const { return std::make_shared<rows_source>(sk::detail::open_table(*rows)); }
};

}  // namespace

TEST_CASE("a source that leaves out a morsel number is refused, not cut short") {
    const auto t = random_events(100'000);
    CHECK_THROWS_WITH_AS(gapped{&t} | sk::group_by("user"_c).aggregate("n"_c = sk::count()) | sk::collect(), doctest::Contains("morsel 2 but not 1"), sk::error);
    CHECK((gapped{&t} | sk::filter("clicks"_c >= 0) | sk::collect()).rows() == t.rows());
}
