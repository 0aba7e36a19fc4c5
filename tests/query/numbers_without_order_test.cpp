// NaN, infinities and signed zeros: the same answer whatever the order of the rows.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(), not_number = std::numeric_limits<double>::quiet_NaN();

using numbers = sk::schema<sk::field<"x", double>, sk::field<"row", std::int64_t>>;

sk::table<numbers> rows_of(const std::vector<double>& values) {
    sk::table<numbers> t;
    for (const double v : values) t.append(v, static_cast<std::int64_t>(t.rows()));
    return t;
}
auto summary_of(const std::vector<double>& values) {
    return rows_of(values) | sk::aggregate("sum"_c = sk::sum("x"_c), "mean"_c = sk::mean("x"_c), "least"_c = sk::min("x"_c), "most"_c = sk::max("x"_c),
                                           "middle"_c = sk::median("x"_c)) |
           sk::collect();
}

}  // namespace

TEST_CASE("an infinity makes sum and mean infinite, wherever it stands") {
    for (const auto& values : std::vector<std::vector<double>>{{infinity, 1, 2}, {1, infinity, 2}, {1, 2, infinity}}) {
        const auto s = summary_of(values);
        CHECK(s["sum"_c][0] == infinity);
        CHECK(s["mean"_c][0] == infinity);
        CHECK(s["least"_c][0] == 1);
        CHECK(s["most"_c][0] == infinity);
        CHECK(s["middle"_c][0] == 2);
    }
}

TEST_CASE("a NaN makes every number about the column NaN, wherever it stands") {
    for (const auto& values : std::vector<std::vector<double>>{{not_number, 3, 1, 2}, {3, not_number, 1, 2}, {3, 1, 2, not_number}, {not_number}}) {
        const auto s = summary_of(values);
        CHECK(std::isnan(s["sum"_c][0].value()));
        CHECK(std::isnan(s["mean"_c][0].value()));
        CHECK(std::isnan(s["least"_c][0].value()));
        CHECK(std::isnan(s["most"_c][0].value()));
        CHECK(std::isnan(s["middle"_c][0].value()));
    }
}

TEST_CASE("moments with a NaN or an infinity merge to the same as in one piece") {
    for (const double odd : {not_number, infinity, -infinity}) {
        for (const bool in_first : {true, false}) {
            sk::moments a, b;
            a.update(in_first ? odd : 1);
            a.update(2);
            b.update(5);
            b.update(in_first ? 4 : odd);
            a.merge(b);
            CHECK(std::isnan(a.minimum) == std::isnan(odd));
            CHECK(std::isnan(a.maximum) == std::isnan(odd));
            if (!std::isnan(odd)) CHECK(a.sum() == odd);
        }
    }
}

TEST_CASE("all NaNs are one key of a join, and zeros of both signs are one, as in a group-by") {
    const auto left = rows_of({not_number, 1, -0.0, 7});
    const auto right = rows_of({0.0, -not_number, 1}) | sk::rename("match"_c = "row"_c);
    const auto joined = left | sk::inner_join(right, "x"_c) | sk::collect();
    REQUIRE(joined.rows() == 3);
    CHECK(joined["match"_c][0] == 1);
    CHECK(joined["match"_c][1] == 2);
    CHECK(joined["match"_c][2] == 0);
    CHECK((left | sk::anti_join(right, "x"_c) | sk::collect()).rows() == 1);
    CHECK_THROWS_AS(left | sk::left_join(rows_of({not_number, 1, not_number}) | sk::rename("match"_c = "row"_c), "x"_c, sk::one_match) | sk::collect(), sk::error);
}
