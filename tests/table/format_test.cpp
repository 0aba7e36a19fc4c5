#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>

#include <segkit/table/format.hpp>

namespace sk = segkit;

namespace {

using people = sk::schema<sk::field<"name", sk::text>, sk::field<"trips", std::int32_t>, sk::field<"spend", std::optional<double>>,
                          sk::field<"member", bool>, sk::field<"since", std::optional<sk::date>>>;
using number = sk::schema<sk::field<"x", double>>;
using words = sk::schema<sk::field<"word", sk::text>>;

}  // namespace

TEST_CASE("columns are aligned: text on the left, numbers on the right, points in line, nulls shown") {
    const sk::table<people> t{{"Ada", 7, 1200.5, true, sk::date(2021, 3, 1)}, {"Grace", 12, std::nullopt, false, std::nullopt}, {"Zoé", 0, 3.25, true, std::nullopt}};
    CHECK(sk::format_table(t) ==
          "name   trips    spend  member  since\n"
          "-----  -----  -------  ------  ----------\n"
          "Ada        7  1200.50  true    2021-03-01\n"
          "Grace     12     null  false   null\n"
          "Zoé        0     3.25  true    null\n");
}

TEST_CASE("a null is shown as asked") {
    const sk::table<people> t{{"Ada", 7, std::nullopt, true, std::nullopt}};
    CHECK(sk::format_table(t, {.null = "-"}) == "name  trips  spend  member  since\n----  -----  -----  ------  -----\nAda       7      -  true    -\n");
}

TEST_CASE("only the first rows are shown, the others counted") {
    sk::table<number> t;
    for (int i = 0; i < 25; ++i) t.append({static_cast<double>(i)});
    const std::string shown = sk::format_table(t, {.max_rows = 2});
    CHECK(shown == "x\n-\n0\n1\n... 23 more rows\n");
    CHECK(sk::format_table(t, {.max_rows = 24}).ends_with("23\n... 1 more row\n"));
    CHECK(sk::format_table(t, {.max_rows = 25}).ends_with("24\n"));
    CHECK(sk::format_table(sk::table<number>{}) == "x\n-\n(no rows)\n");
}

TEST_CASE("numbers are short, but never shown as zero when they are not") {
    const auto shown = [](double x, sk::format_options options = {}) {
        const std::string all = sk::format_table(sk::table<number>{{x}}, options);
        const std::string last = all.substr(all.rfind('\n', all.size() - 2) + 1);
        return last.substr(last.find_first_not_of(' '), last.size() - 1 - last.find_first_not_of(' '));
    };
    CHECK(shown(1.0 / 3) == "0.333");
    CHECK(shown(2.0 / 3, {.decimals = 1}) == "0.7");
    CHECK(shown(2.5, {.decimals = 0}) == "2");
    CHECK(shown(100) == "100");
    CHECK(shown(-0.0) == "0");
    CHECK(shown(0.00001234) == "1.23e-05");
    CHECK(shown(-0.0004) == "-0.0004");
    CHECK(shown(1.5e18) == "1.5e+18");
    CHECK(shown(std::numeric_limits<double>::infinity()) == "inf");
    CHECK(shown(std::numeric_limits<double>::quiet_NaN()) == "nan");
    CHECK(shown(-std::numeric_limits<double>::quiet_NaN()) == "nan");
}

TEST_CASE("a number in scientific form does not cost the others their decimals") {
    CHECK(sk::format_table(sk::table<number>{{1e-7}, {0.5}, {10.25}}) == "    x\n-----\n1e-07\n 0.50\n10.25\n");
}

TEST_CASE("no number of decimals is too large or too small") {
    const sk::table<number> t{{123456789012345.5}, {-0.25}};
    CHECK(sk::format_table(t, {.decimals = 1'000'000}) == "                 x\n------------------\n123456789012345.50\n             -0.25\n");
    CHECK(sk::format_table(sk::table<number>{{3.0}}, {.decimals = -5}) == "x\n-\n3\n");
}

TEST_CASE("long texts are cut and control characters do not break the lines") {
    const sk::table<words> t{{"abcdefgh"}, {"abcdefghi"}, {"äöüäöüäöü"}, {"a\nb"}};
    CHECK(sk::format_table(t, {.max_width = 8}) == "word\n--------\nabcdefgh\nabcde...\näöüäö...\na?b\n");
}

TEST_CASE("every type of column can be shown") {
    using all = sk::schema<sk::field<"big", std::int64_t>, sk::field<"single", float>, sk::field<"at", sk::timestamp>, sk::field<"took", sk::duration>,
                           sk::field<"pc", sk::block<double>>, sk::field<"pf", sk::block<float>>>;
    const double pc[] = {0.5, -1.23456};
    const float pf[] = {2.0F};
    sk::table<all> t;
    t.append(std::int64_t{1} << 40, 0.25F, sk::timestamp(sk::date(2023, 1, 4), 7, 30, 0), sk::duration{90'500'000}, sk::block_value<double>{pc, 2}, sk::block_value<float>{pf, 1});
    CHECK(sk::format_table(t) ==
          "          big  single  at                     took  pc             pf\n"
          "-------------  ------  -------------------  ------  -------------  ---\n"
          "1099511627776    0.25  2023-01-04 07:30:00  90.5 s  [0.5, -1.235]  [2]\n");
}
