#include <segkit/pipeline/explain.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>
#include <segkit/query/concat.hpp>
#include <segkit/query/head.hpp>
#include <segkit/query/top_n.hpp>

namespace {

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"clicks", std::int32_t>, sk::field<"trip", std::optional<sk::text>>,
                            sk::field<"price", double>>;
using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"age", std::int32_t>, sk::field<"name", sk::text>>;

}  // namespace

TEST_CASE("a pass says what it reads: what the filter reads first, nothing that is not used, and what is kept") {
    const auto q = sk::scan_csv<sessions>("absent.csv") | sk::filter("clicks"_c > 3) | sk::derive("twice"_c = "price"_c * 2) | sk::drop("trip"_c) |
                   sk::group_by("user_id"_c).aggregate("rows"_c = sk::count(), "mean"_c = sk::mean("twice"_c)) | sk::filter("rows"_c > 1) |
                   sk::sort_by(sk::descending("rows"_c));
    CHECK(sk::explain(q) ==
          "pass 1: csv absent.csv\n"
          "  reads clicks, then user_id, price of the rows that pass\n"
          "  filter, derive\n"
          "  into group_by, which keeps its groups\n"
          "pass 2: group_by of csv absent.csv\n"
          "  reads rows, then user_id, mean of the rows that pass\n"
          "  filter\n"
          "  into sort_by, which keeps all rows\n"
          "pass 3: sort of group_by of csv absent.csv\n"
          "  reads user_id, rows, mean\n"
          "  into the result\n");
}

TEST_CASE("an aggregate whose state grows says so") {
    const sk::table<sessions> t{{1, 2, "a", 3.0}};
    const auto text = sk::explain(t | sk::aggregate("middle"_c = sk::median("price"_c)));
    CHECK(text.find("into aggregate, which keeps its groups and, for some aggregates, their values") != std::string::npos);
}

TEST_CASE("a join's right side is a pass of its own, of the columns that are used") {
    const sk::table<sessions> left{{1, 2, "a", 3.0}};
    const sk::table<users> right{{1, 30, "Ada"}, {2, 40, "Grace"}};
    CHECK(sk::explain(left | sk::left_join(right, "user_id"_c, sk::one_match) | sk::select("trip"_c, "age"_c)) ==
          "pass 1: table of 2 rows\n"
          "  reads user_id, age\n"
          "  into left_join's right side, which is kept and indexed\n"
          "pass 2: table of 1 rows\n"
          "  reads user_id, then trip of the rows that pass\n"
          "  join\n"
          "  into the result\n");
    CHECK(sk::explain(left | sk::inner_join(right, "user_id"_c) | sk::select("trip"_c)) ==
          "pass 1: table of 2 rows\n"
          "  reads user_id\n"
          "  into inner_join's right side, which is kept and indexed\n"
          "pass 2: table of 1 rows\n"
          "  reads user_id, trip\n"
          "  into the join, which streams them\n"
          "pass 3: join of table of 1 rows\n"
          "  reads trip\n"
          "  into the result\n");
}

TEST_CASE("a join of many matches says that its sides may change places where there are rows enough for that") {
    sk::table<users> many;
    for (std::int64_t i = 0; i < 65'536; ++i) many.append(i, 30, "Ada");
    sk::table<sessions> left{{1, 2, "a", 3.0}};
    const auto says = [](const auto& query, const std::string& words) { return sk::explain(query).find(words + "\n") != std::string::npos; };
    CHECK(says(left | sk::inner_join(many, "user_id"_c), "into inner_join's right side, which is kept, and indexed or sorted"));
    CHECK(says(left | sk::inner_join(many, "user_id"_c), "into the join, which streams or indexes them"));
    CHECK(says(left | sk::left_join(many, "user_id"_c), "into left_join's right side, which is kept, and indexed or sorted"));
    CHECK(says(left | sk::left_join(many, "user_id"_c, sk::one_match), "into left_join's right side, which is kept and indexed"));
    CHECK(says(sk::scan_csv<sessions>("absent.csv") | sk::inner_join(many, "user_id"_c), "into the join, which streams them"));    // and never indexes them
}

TEST_CASE("the rows of a file are estimated by those at its beginning, and counted where they are all there") {
    std::string text = "user_id,clicks,trip,price\n";
    for (int row = 0; row < 123'456; ++row) text += std::to_string(10'000 + row % 7) + ",3,,4.5\n";
    const auto explained = [](const std::string& of) {
        const auto text_of = sk::explain(sk::scan_csv<sessions>(std::make_shared<sk::memory_input>("day.csv", of)) | sk::select("price"_c));
        return text_of.substr(0, text_of.find('\n'));
    };
    CHECK(explained(text) == "pass 1: csv day.csv, about 120000 rows");
    CHECK(explained("user_id,clicks,trip,price\n1,2,,3\n1,2,,4") == "pass 1: csv day.csv, about 2 rows");
    CHECK(explained("user_id,clicks,trip,price\n") == "pass 1: csv day.csv, about 0 rows");
    CHECK(explained("") == "pass 1: csv day.csv");
    const std::vector<std::shared_ptr<const sk::byte_input>> week(7, std::make_shared<sk::memory_input>("day.csv", text));
    CHECK(sk::explain(sk::scan_csv<sessions>(week) | sk::select("price"_c)).starts_with("pass 1: csv day.csv, day.csv, day.csv and 4 more, about 860000 rows\n"));
}

TEST_CASE("of filtered, joined and grouped rows it is said how many there are at most, where that is known") {
    sk::table<sessions> t;
    for (std::int64_t i = 0; i < 5998; ++i) t.append(i % 7, 3, std::nullopt, 4.5);
    const sk::table<users> right{{1, 30, "Ada"}, {2, 40, "Grace"}};
    const auto grouped = t | sk::filter("clicks"_c > 3) | sk::group_by("user_id"_c).aggregate("n"_c = sk::count());
    CHECK(sk::explain(grouped | sk::filter("n"_c > 2)) ==
          "pass 1: table of 5998 rows\n"
          "  reads clicks, then user_id of the rows that pass\n"
          "  filter: at most 5998 rows are left\n"
          "  into group_by, which keeps its groups\n"
          "pass 2: group_by of table of 5998 rows, at most 5998 rows\n"
          "  reads n, then user_id of the rows that pass\n"
          "  filter\n"
          "  into the result\n");
    const auto says = [](const auto& query, const std::string& words) { return sk::explain(query).find(words) != std::string::npos; };
    CHECK(says(t | sk::inner_join(right, "user_id"_c, sk::one_match), "  join: at most 5998 rows are left\n"));
    CHECK(says(t | sk::left_join(right, "user_id"_c, sk::one_match), "  join\n"));    // keeps all
    CHECK(says(t | sk::aggregate("n"_c = sk::count()), "pass 2: aggregate of table of 5998 rows, at most 1 row\n"));
    const sk::table<sessions> none;
    CHECK(says(none | sk::aggregate("n"_c = sk::count()), "pass 2: aggregate of table of 0 rows, at most 1 row\n"));
    CHECK(says(none | sk::sort_by("price"_c), "pass 2: sort of table of 0 rows, at most 0 rows\n"));
    CHECK(says(t | sk::head(0) | sk::sort_by("price"_c), "pass 3: sort of head of table of 5998 rows, at most 0 rows\n"));
    CHECK(says(t | sk::head(20) | sk::sort_by("price"_c), "pass 3: sort of head of table of 5998 rows, at most 20 rows\n"));
    CHECK(says(t | sk::top_n(10, "price"_c), "pass 2: top_n of table of 5998 rows, at most 10 rows\n"));
    CHECK(says(t | sk::top_n(10, "price"_c).within("user_id"_c), "pass 2: top_n of table of 5998 rows, at most 5998 rows\n"));
    CHECK(says(sk::concat(t, t) | sk::sort_by("price"_c), "at most 11996 rows\n"));
    CHECK(says(t | sk::inner_join(right, "user_id"_c) | sk::sort_by("price"_c), "pass 4: sort of join of table of 5998 rows\n"));    // a row may have many matches
    CHECK(says(sk::scan_csv<sessions>("absent.csv") | sk::head(20), "pass 2: head of csv absent.csv, at most 20 rows\n"));

    std::string text = "user_id,clicks,trip,price\n";
    for (int row = 0; row < 123'456; ++row) text += std::to_string(10'000 + row % 7) + ",3,,4.5\n";
    const auto day = sk::scan_csv<sessions>(std::make_shared<sk::memory_input>("day.csv", text));
    CHECK(says(day | sk::filter("clicks"_c > 3), "  filter: at most about 120000 rows are left\n"));
    CHECK(says(day | sk::sort_by("price"_c), "pass 2: sort of csv day.csv, at most about 120000 rows\n"));
}

TEST_CASE("explaining reads nothing, and the query runs afterwards as before") {
    const sk::table<sessions> t{{1, 2, "a", 3.0}, {1, 5, std::nullopt, 4.0}};
    const auto q = t | sk::filter("clicks"_c > 3) | sk::select("price"_c);
    CHECK(sk::explain(q) == sk::explain(q));
    CHECK((q | sk::collect()).rows() == 1);
}
