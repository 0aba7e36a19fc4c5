#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

#include <segkit/expr.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

constexpr auto most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();

using moments = sk::schema<sk::field<"day", sk::date>, sk::field<"at", sk::timestamp>, sk::field<"span", sk::duration>, sk::field<"n", std::int64_t>>;

sk::table<moments> one(std::int64_t at, std::int64_t span, std::int64_t n) {
    return {{sk::date(2023, 1, 1), sk::timestamp::from_microseconds(at), sk::duration{span}, n}};
}
template <class E>
bool overflows(const sk::table<moments>& t, const E& e) {
    const auto r = t | sk::derive("x"_c = e) | sk::try_collect();
    return !r && r.error().code() == sk::error_code::overflow;
}

}  // namespace

TEST_CASE("sums and differences of dates, timestamps and durations that do not fit are errors") {
    CHECK(overflows(one(0, 0, most), "day"_c + "n"_c));
    CHECK(overflows(one(0, 0, std::int64_t{1} << 32), "day"_c + "n"_c));
    CHECK(overflows(one(0, 0, least), "day"_c - "n"_c));
    CHECK(overflows(one(most, 1, 0), "at"_c + "span"_c));
    CHECK(overflows(one(least, 1, 0), "at"_c - "span"_c));
    CHECK(overflows(one(least, 0, 0), "at"_c - "day"_c));
    CHECK(overflows(one(0, most, 0), "span"_c + "span"_c));
    CHECK(overflows(one(0, least, 0), -"span"_c));
    const auto fine = one(5, 7, 31) | sk::derive("later"_c = "day"_c + "n"_c, "sum"_c = "at"_c + "span"_c, "back"_c = -"span"_c) | sk::collect();
    CHECK(fine["later"_c][0] == sk::date(2023, 2, 1));
    CHECK(fine["sum"_c][0] == sk::timestamp::from_microseconds(12));
    CHECK(fine["back"_c][0] == sk::duration{-7});
}
