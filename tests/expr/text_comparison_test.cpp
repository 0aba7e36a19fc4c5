#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using words = sk::schema<sk::field<"a", sk::text>, sk::field<"b", std::optional<sk::text>>>;

}  // namespace

TEST_CASE("text compares by bytes: capitals before small letters, beyond ASCII last, a prefix before what it begins") {
    using namespace std::string_view_literals;
    const std::string_view ascending[] = {"", "\0"sv, "A", "Z", "Zz", "a", "a\0b"sv, "ab", "z", "\xC3\x84", "\xF0\x9F\x98\x80", "\xFF"};
    sk::table<words> t;
    for (const auto& x : ascending)
        for (const auto& y : ascending) t.append(x, y);
    const auto r = t | sk::derive("less"_c = "a"_c < "b"_c, "equal"_c = "a"_c == "b"_c, "at_least"_c = "a"_c >= "b"_c) | sk::collect();
    std::size_t row = 0;
    for (const auto& x : ascending)
        for (const auto& y : ascending) {
            CHECK(r["less"_c][row] == (&x < &y));
            CHECK(r["equal"_c][row] == (&x == &y));
            CHECK(r["at_least"_c][row] == (&x >= &y));
            ++row;
        }
}

TEST_CASE("text compares with literals, views and strings, on either side; is_in takes several") {
    const sk::table<words> t{{"usa", "x"}, {"canada", std::nullopt}, {"", "canada"}};
    const std::string kept = "canada";
    CHECK((t | sk::filter("a"_c == "usa") | sk::collect()).rows() == 1);
    CHECK((t | sk::filter("canada" == "a"_c) | sk::collect()).rows() == 1);
    CHECK((t | sk::filter("a"_c == std::string_view(kept)) | sk::collect()).rows() == 1);
    CHECK((t | sk::filter("a"_c == kept || "b"_c == kept) | sk::collect()).rows() == 2);
    CHECK((t | sk::filter("a"_c == "") | sk::collect()).rows() == 1);
    CHECK((t | sk::filter(sk::is_in("a"_c, "usa", "canada")) | sk::collect()).rows() == 2);
    CHECK((t | sk::filter(!sk::is_in("b"_c, "x")) | sk::collect()).rows() == 1);
}

TEST_CASE("a temporary string in an expression is kept with it") {
    const sk::table<words> t{{"a word that is longer than small strings are", "x"}, {"other", "x"}};
    const auto query = [&] {
        const std::string part = "a word that is longer";
        return t | sk::filter("a"_c == part + " than small strings are") |
               sk::derive("copy"_c = sk::coalesce("b"_c, part), "said"_c = sk::when("b"_c == "x", std::string(40, 'y')).otherwise("no"));
    }();
    const auto r = query | sk::collect();
    REQUIRE(r.rows() == 1);
    CHECK(r["copy"_c][0] == "x");
    CHECK(r["said"_c][0] == std::string(40, 'y'));
}

TEST_CASE("text that a function makes lives as long as it is needed") {
    sk::table<words> t;
    for (int i = 0; i < 5'000; ++i) t.append("w" + std::to_string(i), i % 2 ? std::optional<std::string_view>("odd") : std::nullopt);
    const auto twice = [](std::string_view w) { return std::string(w) + " and " + std::string(w); };
    const auto r = t | sk::derive("both"_c = sk::apply(twice, "a"_c)) | sk::filter("both"_c != "w7 and w7") |
                   sk::derive("more"_c = sk::apply(twice, "both"_c), "maybe"_c = sk::apply(twice, "b"_c)) | sk::sort_by(sk::descending("more"_c)) | sk::collect();
    REQUIRE(r.rows() == 4'999);
    CHECK(r["more"_c][0] == "w999 and w999 and w999 and w999");
    CHECK(r["maybe"_c][0] == "odd and odd");
    const auto groups = t |
                        sk::group_by("b"_c).aggregate("longest"_c = sk::max(sk::apply(twice, "a"_c)), "first"_c = sk::first(sk::apply(twice, "a"_c)),
                                                      "kinds"_c = sk::count_distinct(sk::apply(twice, "a"_c))) |
                        sk::collect();
    CHECK(groups["longest"_c][1] == "w999 and w999");
    CHECK(groups["first"_c][0] == "w0 and w0");
    CHECK(groups["kinds"_c][1] == 2'500);
}
