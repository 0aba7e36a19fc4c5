#include <doctest/doctest.h>

#include <optional>

#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>
#include <segkit/rules/rules.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using customers = sk::schema<sk::field<"id", std::int64_t>, sk::field<"fare", std::optional<double>>, sk::field<"hotel", std::optional<double>>,
                             sk::field<"family", bool>, sk::field<"engaged", bool>>;

sk::table<customers> sample() {
    return {{1, 100.0, 100.0, false, true}, {2, 700.0, 100.0, true, true},           {3, 2000.0, 1500.0, true, true},
            {4, std::nullopt, 100.0, false, true}, {5, std::nullopt, std::nullopt, true, true}, {6, 100.0, 600.0, false, true}};
}

const auto spend = sk::rules("spend"_c, sk::rule("budget", "fare"_c <= 500.0 && "hotel"_c <= 500.0),
                             sk::rule("middle", ("fare"_c > 500.0 && "fare"_c <= 1000.0) || ("hotel"_c > 500.0 && "hotel"_c <= 1000.0)), sk::otherwise("premium"));

const auto segment = sk::rules("segment"_c, sk::rule("premium engaged", "spend"_c == "premium" && "engaged"_c), sk::rule("premium other", "spend"_c == "premium"),
                               sk::rule("family", "family"_c), sk::rule("middle", "spend"_c == "middle"), sk::rule("price sensitive", "spend"_c == "budget" && "engaged"_c),
                               sk::rule("dormant", "spend"_c == "budget"), sk::rule("at risk", "id"_c > 3), sk::otherwise("unclassified"));

}  // namespace

TEST_CASE("the first true rule gives the label, an unknown one does not fire") {
    const auto t = sample() | spend | segment | sk::collect();
    const std::vector<std::string_view> spends{"budget", "middle", "premium", "premium", "premium", "middle"};
    for (std::size_t i = 0; i < spends.size(); ++i) CHECK(t["spend"_c][i] == spends[i]);
    CHECK(t["segment"_c][0] == "price sensitive");
    CHECK(t["segment"_c][1] == "family");
    CHECK(t["segment"_c][2] == "premium engaged");
    CHECK(t["segment"_c][5] == "middle");
}

TEST_CASE("coverage counts true, false, unknown, taken and shadowed for every rule") {
    const auto c = sk::coverage(spend, sample());
    CHECK(c.rows == 6);
    CHECK(c["budget"].holds == 1);
    CHECK(c["budget"].fails == 3);
    CHECK(c["budget"].unknown == 2);
    CHECK(c["budget"].condition == "fare <= 500 && hotel <= 500");
    CHECK(c["middle"].holds == 2);
    CHECK(c["middle"].unknown == 2);
    CHECK(c["premium"].taken == 3);
    CHECK(c["premium"].holds == 6);
    CHECK(c["premium"].shadowed_by == std::vector<std::size_t>{1, 2});
}

TEST_CASE("a rule that earlier ones leave nothing is unreachable, one that only these rows miss is dead on this data") {
    for (const unsigned n : {1u, 3u}) {
        const sk::threads pool(n);
        const auto c = sk::coverage(segment, sample() | spend, pool);
        CHECK(c["premium engaged"].status == sk::rule_status::live);
        CHECK(c["premium other"].holds == 3);
        CHECK(c["premium other"].shadowed_by == std::vector<std::size_t>{3});
        CHECK(c["premium other"].status == sk::rule_status::not_taken);
        CHECK(c["dormant"].status == sk::rule_status::not_taken);
        CHECK(c["at risk"].holds == 3);
        CHECK(c["at risk"].status == sk::rule_status::unreachable);
        CHECK(c["unclassified"].status == sk::rule_status::unreachable);
        CHECK(c["family"].shadowed_by == std::vector<std::size_t>{2, 0});
    }
}

TEST_CASE("without knowing the labels of a column nothing about it is called unreachable") {
    const auto t = sample() | spend | sk::collect();    // a collected table does not remember what rules made a column
    const auto c = sk::coverage(segment, t);
    CHECK(c["at risk"].status == sk::rule_status::not_taken);
    CHECK(c["unclassified"].status == sk::rule_status::not_taken);
}

TEST_CASE("contradictions and repeated conditions are unreachable") {
    const auto odd = sk::rules("x"_c, sk::rule("never", "family"_c && !"family"_c), sk::rule("a", "fare"_c > 1.0), sk::rule("again", "fare"_c > 1.0),
                               sk::rule("null", sk::is_null("fare"_c)), sk::otherwise("rest"));
    const auto c = sk::coverage(odd, sample());
    CHECK(c["never"].status == sk::rule_status::unreachable);
    CHECK(c["again"].status == sk::rule_status::unreachable);
    CHECK(c["null"].status == sk::rule_status::live);
}

TEST_CASE("conditions that read alike but mean different things are not taken for one") {
    using numbers = sk::schema<sk::field<"a", double>, sk::field<"b", double>, sk::field<"c", double>>;
    const sk::table<numbers> rows{{1, 2, 3}};
    const auto brackets = sk::rules("label"_c, sk::rule("right", "a"_c - ("b"_c - "c"_c) > 100), sk::rule("left", "a"_c - "b"_c - "c"_c > 100), sk::otherwise("none"));
    CHECK(sk::coverage(brackets, rows)["left"].status == sk::rule_status::not_taken);
    CHECK(sk::coverage(brackets, rows)["left"].condition == "a - b - c > 100");
    const auto widths = sk::rules("label"_c, sk::rule("float", "a"_c > 100.1f), sk::rule("double", "a"_c > 100.1), sk::otherwise("none"));
    CHECK(sk::coverage(widths, rows)["double"].status == sk::rule_status::not_taken);
    CHECK((sk::table<numbers>{{100.1 + 1e-8, 0, 0}} | widths | sk::collect())["label"_c][0] == (100.1f > 100.1 ? "double" : "float"));
    const auto twice = sk::rules("label"_c, sk::rule("one", "a"_c - "b"_c > 100.5), sk::rule("two", "a"_c - "b"_c > 100.5), sk::otherwise("none"));
    CHECK(sk::coverage(twice, rows)["two"].status == sk::rule_status::unreachable);
}

TEST_CASE("conditions on texts with quotes in them are not taken for each other") {
    const sk::table<sk::schema<sk::field<"code", sk::text>>> t{{"none"}, {"of these"}};
    const auto set = sk::rules("kind"_c, sk::rule("first", sk::is_in("code"_c, "x", "y\", \"z")), sk::rule("second", sk::is_in("code"_c, "x\", \"y", "z")), sk::otherwise("other"));
    const sk::rule_coverage c = sk::coverage(set, t);
    CHECK(c["second"].status == sk::rule_status::not_taken);
    CHECK(c["second"].condition == R"(is_in(code, "x\", \"y", "z"))");
}
