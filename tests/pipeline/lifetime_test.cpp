// What owns what: a query over a temporary keeps it, one over a variable borrows it, and results own what they show. Under the
// address sanitizer (scripts/test --all) a dangling pointer in here is an error.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/prepare.hpp>
#include <segkit/query.hpp>
#include <segkit/table/describe.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using words = sk::schema<sk::field<"id", std::int64_t>, sk::field<"word", sk::text>>;

sk::table<words> make_table(int rows = 3'000) {
    sk::table<words> t;
    for (int i = 0; i < rows; ++i) t.append(std::int64_t{i}, "a word that is too long for a small string, number " + std::to_string(i));
    return t;
}

struct visit {
    std::int64_t id;
    std::string word;
};
SEGKIT_DESCRIBE(visit, id, word);

}  // namespace

TEST_CASE("a query over a temporary table owns it, also in copies that outlive the query") {
    auto query = std::make_unique<decltype(make_table() | sk::filter("id"_c >= 10))>(make_table() | sk::filter("id"_c >= 10));
    const auto copy = *query;
    const auto longer = *query | sk::derive("again"_c = "word"_c) | sk::sort_by(sk::descending("id"_c));
    query.reset();
    CHECK((copy | sk::collect()).rows() == 2'990);
    const auto t = longer | sk::collect();
    CHECK(t["again"_c][0] == "a word that is too long for a small string, number 2999");
}

TEST_CASE("a query over a temporary vector of structs owns it") {
    const auto query = std::vector<visit>{{1, std::string(60, 'x')}, {2, std::string(60, 'y')}} | sk::filter("id"_c == 2);
    CHECK((query | sk::collect())["word"_c][0] == std::string(60, 'y'));
}

TEST_CASE("a table that is moved into a query is owned by it") {
    auto t = make_table(100);
    const auto query = std::move(t) | sk::select("word"_c);
    t = make_table(1);
    CHECK((query | sk::collect()).rows() == 100);
}

TEST_CASE("a query over a variable borrows it: a later change is seen") {
    auto t = make_table(10);
    const auto query = t | sk::filter("id"_c >= 5);
    CHECK((query | sk::collect()).rows() == 5);
    t.append(std::int64_t{77}, "one more");
    CHECK((query | sk::collect()).rows() == 6);
}

TEST_CASE("a table can be given its own rows again") {
    auto t = make_table(3) | sk::sort_by(sk::descending("id"_c)) | sk::collect();    // whose texts refer to those of another
    auto lists = make_table(20) | sk::group_by("odd"_c = "id"_c / 2.0 > 4.0).aggregate("ids"_c = sk::to_list("id"_c), "words"_c = sk::to_list("word"_c)) | sk::collect();
    for (std::size_t i = 0; i < 40; ++i) {
        t.append(t.row(i % 3));
        lists.append(lists.row(0));
    }
    for (std::size_t i = 0; i < t.rows(); ++i) CHECK(t["word"_c][i] == "a word that is too long for a small string, number " + std::to_string(2 - i % 3));
    for (std::size_t i = 2; i < lists.rows(); ++i) {
        CHECK(lists["ids"_c][i] == lists["ids"_c][0]);
        CHECK(lists["words"_c][i] == lists["words"_c][0]);
    }
    CHECK(lists["words"_c][41][8] == "a word that is too long for a small string, number 8");
}

TEST_CASE("joins own a temporary right side, and a result owns the text it took from it") {
    const auto left = make_table(50);
    const auto query = left | sk::select("id"_c) | sk::left_join(make_table(40), "id"_c, sk::one_match);
    const auto many = left | sk::select("id"_c) | sk::inner_join(make_table(40) | sk::filter("id"_c > 3), "id"_c);
    const auto t = query | sk::collect();
    CHECK(t["word"_c][39] == "a word that is too long for a small string, number 39");
    CHECK(t["word"_c][40] == std::nullopt);
    CHECK((many | sk::collect()).rows() == 36);
}

TEST_CASE("a result outlives table and query, of every breaker") {
    const auto sorted = make_table() | sk::sort_by(sk::descending("word"_c)) | sk::collect();
    const auto grouped = make_table() | sk::group_by("word"_c).aggregate("first"_c = sk::first("word"_c), "n"_c = sk::count()) | sk::collect();
    const auto plain = make_table() | sk::collect();
    CHECK(sorted["word"_c][0].substr(0, 6) == "a word");
    CHECK(grouped["first"_c][2'999] == "a word that is too long for a small string, number 2999");
    CHECK(plain["word"_c][2'999].size() == 55);
}

TEST_CASE("a pipeline and a model keep no hold on the rows they were made with") {
    const auto make_pipeline = [] {
        const std::string limit(3, '1');
        return sk::filter("word"_c != limit) | sk::derive("length"_c = sk::apply([limit](std::string_view w) { return static_cast<std::int64_t>(w.size() + limit.size()); }, "word"_c));
    };
    const auto pipeline = make_pipeline();
    const auto model = [&] {
        const auto training = make_table(200);
        return sk::fit(pipeline | sk::standard_scale("length"_c), training).model;
    }();
    CHECK((make_table(20) | model | sk::collect()).rows() == 20);
}
