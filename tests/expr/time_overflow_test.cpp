#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

#include <segkit/expr.hpp>
#include <segkit/query.hpp>
#include <segkit/table/parse.hpp>

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

TEST_CASE("a day that timestamps do not reach is an error as a timestamp, and compares as beyond them") {
    constexpr std::int32_t far = std::numeric_limits<std::int32_t>::max();
    constexpr std::int64_t day = 86'400'000'000, last = most / day - 1;
    CHECK_THROWS_WITH_AS(sk::timestamp(sk::date::from_days(far)), doctest::Contains("timestamp: overflow: found day 2147483647 since 1970, expected a day from -106751990 to 106751990"),
                         sk::error);
    CHECK_THROWS_AS(sk::timestamp(sk::date::from_days(-far)), sk::error);
    CHECK_THROWS_AS(sk::timestamp(sk::date::from_days(last + 1)), sk::error);
    CHECK(sk::timestamp(sk::date::from_days(last), 23, 59, 59, 999'999).microseconds_since_1970() == (last + 1) * day - 1);
    CHECK(sk::timestamp(sk::date::from_days(-last)).microseconds_since_1970() == -last * day);

    for (const bool future : {true, false}) {
        const sk::date beyond = sk::date::from_days(future ? far : -far - 1);
        const sk::table<moments> t{{beyond, sk::timestamp::from_microseconds(future ? most - 1 : least + 1), sk::duration{}, 0}};
        CHECK(overflows(t, "at"_c - "day"_c));
        const auto r = t | sk::derive("before"_c = "at"_c < "day"_c, "after"_c = "at"_c > "day"_c, "same"_c = "day"_c == "at"_c, "flipped"_c = "day"_c > "at"_c) | sk::collect();
        CHECK(r["before"_c][0] == future);
        CHECK(r["after"_c][0] == !future);
        CHECK(r["flipped"_c][0] == future);
        CHECK_FALSE(r["same"_c][0]);
    }
}

TEST_CASE("the first and the last timestamp have an hour, a day and a spelling") {
    const auto r = sk::table<moments>{{sk::date(), sk::timestamp::from_microseconds(least), sk::duration{}, 0}, {sk::date(), sk::timestamp::from_microseconds(most), sk::duration{}, 0}} |
                   sk::derive("hour"_c = sk::hour_of("at"_c), "of"_c = sk::date_of("at"_c)) | sk::collect();
    CHECK(r["hour"_c][0] == 19);    // 2^63 us are 106751991 days, 4 h and 54.775808 s: as far before midnight, and after
    CHECK(r["hour"_c][1] == 4);
    CHECK(r["of"_c][0].days_since_1970() == -106'751'992);
    CHECK(r["of"_c][1].days_since_1970() == 106'751'991);
    CHECK(sk::to_text(r["at"_c][0]).ends_with(" 19:59:05.224192"));
    CHECK(sk::to_text(r["at"_c][1]).ends_with(" 04:00:54.775807"));
}
