// Calendar arithmetic against a reference that only counts: one day after the other from year 1 to year 9999.
#include <doctest/doctest.h>

#include <cstdint>
#include <optional>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

bool leap(int year) { return year % 400 == 0 || (year % 4 == 0 && year % 100 != 0); }
int days_in(int year, int month) {
    if (month == 2) return leap(year) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// f(year, month, day, weekday) for every day from 1 January 1, a Monday, to 31 December 9999.
template <class F>
void for_each_day(F&& f) {
    int weekday = 1;
    for (int year = 1; year <= 9999; ++year)
        for (int month = 1; month <= 12; ++month)
            for (int day = 1; day <= days_in(year, month); ++day) {
                f(year, month, day, weekday);
                weekday = weekday % 7 + 1;
            }
}

using days = sk::schema<sk::field<"day", sk::date>, sk::field<"year", std::int32_t>, sk::field<"month", std::int32_t>, sk::field<"weekday", std::int32_t>>;
using spans = sk::schema<sk::field<"from", sk::timestamp>, sk::field<"to", std::optional<sk::timestamp>>, sk::field<"born", sk::date>>;

}  // namespace

TEST_CASE("every date from year 1 to 9999 has the number, year, month, day and weekday that counting gives") {
    std::int32_t number = sk::date(1, 1, 1).days_since_1970();
    CHECK(number == -719'162);
    std::size_t wrong = 0, count = 0;
    for_each_day([&](int year, int month, int day, int weekday) {
        const sk::date d(year, month, day);
        wrong += d.days_since_1970() != number || d.year() != year || d.month() != month || d.day() != day || d.iso_weekday() != weekday || !sk::date::is_valid(year, month, day);
        ++number;
        ++count;
    });
    CHECK(wrong == 0);
    CHECK(count == 3'652'059);
    CHECK(number == sk::date(10000, 1, 1).days_since_1970());
}

TEST_CASE("days that do not exist are known as such") {
    CHECK(!sk::date::is_valid(2023, 2, 29));
    CHECK(sk::date::is_valid(2024, 2, 29));
    CHECK(!sk::date::is_valid(1900, 2, 29));
    CHECK(sk::date::is_valid(2000, 2, 29));
    CHECK(!sk::date::is_valid(2023, 4, 31));
    CHECK(!sk::date::is_valid(2023, 13, 1));
    CHECK(!sk::date::is_valid(2023, 0, 1));
    CHECK(!sk::date::is_valid(2023, 1, 0));
}

TEST_CASE("year_of, month_of and iso_weekday agree with counting on every 97th day of ten thousand years") {
    sk::table<days> t;
    std::size_t n = 0;
    for_each_day([&](int year, int month, int day, int weekday) {
        if (n++ % 97 == 0) t.append(sk::date(year, month, day), year, month, weekday);
    });
    const auto wrong = t | sk::filter(sk::year_of("day"_c) != "year"_c || sk::month_of("day"_c) != "month"_c || sk::iso_weekday("day"_c) != "weekday"_c) | sk::collect();
    CHECK(t.rows() > 37'000);
    CHECK(wrong.rows() == 0);
}

TEST_CASE("timestamps split into day and hour, before 1970 as after") {
    const sk::table<spans> t{{sk::timestamp(sk::date(1969, 12, 31), 23, 59, 59, 999'999), std::nullopt, sk::date(1, 1, 1)},
                             {sk::timestamp(sk::date(1970, 1, 1)), std::nullopt, sk::date(1, 1, 1)},
                             {sk::timestamp(sk::date(1, 1, 1), 0, 0, 0, 1), std::nullopt, sk::date(1, 1, 1)},
                             {sk::timestamp(sk::date(9999, 12, 31), 13, 5, 0), std::nullopt, sk::date(1, 1, 1)}};
    const auto r = t | sk::derive("day"_c = sk::date_of("from"_c), "hour"_c = sk::hour_of("from"_c), "weekday"_c = sk::iso_weekday("from"_c), "year"_c = sk::year_of("from"_c)) | sk::collect();
    CHECK(r["day"_c][0] == sk::date(1969, 12, 31));
    CHECK(r["hour"_c][0] == 23);
    CHECK(r["weekday"_c][0] == 3);
    CHECK(r["hour"_c][1] == 0);
    CHECK(r["day"_c][2] == sk::date(1, 1, 1));
    CHECK(r["hour"_c][2] == 0);
    CHECK(r["year"_c][3] == 9999);
    CHECK(r["hour"_c][3] == 13);
}

TEST_CASE("differences are durations in any unit, whole days round down, nulls propagate") {
    const auto noon = sk::timestamp(sk::date(2023, 3, 1), 12, 0, 0);
    const sk::table<spans> t{{noon, sk::timestamp(sk::date(2023, 3, 3), 0, 0, 0), sk::date(2023, 3, 1)},
                             {noon, sk::timestamp(sk::date(2023, 3, 1), 11, 59, 30), sk::date(2023, 3, 2)},
                             {noon, std::nullopt, sk::date(2023, 3, 1)}};
    const auto r = t |
                   sk::derive("span"_c = "to"_c - "from"_c, "days"_c = sk::in_days("to"_c - "from"_c), "hours"_c = sk::in_hours("span"_c), "minutes"_c = sk::in_minutes("span"_c),
                              "seconds"_c = sk::in_seconds("span"_c), "whole"_c = sk::whole_days("span"_c), "since"_c = "from"_c - "born"_c, "again"_c = "from"_c + "span"_c) |
                   sk::collect();
    CHECK(r["days"_c][0] == 1.5);
    CHECK(r["hours"_c][0] == 36.0);
    CHECK(r["whole"_c][0] == 1);
    CHECK(r["seconds"_c][1] == -30.0);
    CHECK(r["minutes"_c][1] == -0.5);
    CHECK(r["whole"_c][1] == -1);
    CHECK(r["days"_c][2] == std::nullopt);
    CHECK(r["whole"_c][2] == std::nullopt);
    CHECK(r["since"_c][0] == sk::duration{12LL * 3'600 * 1'000'000});
    CHECK(r["since"_c][1] == sk::duration{-12LL * 3'600 * 1'000'000});
    CHECK(r["again"_c][0] == sk::timestamp(sk::date(2023, 3, 3)));
}

TEST_CASE("a date meets a timestamp as its midnight; date minus date is a number of days") {
    const sk::table<spans> t{{sk::timestamp(sk::date(2023, 1, 4)), std::nullopt, sk::date(2023, 1, 4)},
                             {sk::timestamp(sk::date(2023, 1, 3), 23, 59, 59, 999'999), std::nullopt, sk::date(2020, 2, 29)}};
    CHECK((t | sk::filter("from"_c >= sk::date(2023, 1, 4)) | sk::collect()).rows() == 1);
    CHECK((t | sk::filter("from"_c == "born"_c) | sk::collect()).rows() == 1);
    const auto r = t | sk::derive("n"_c = sk::date(2023, 1, 4) - "born"_c, "next"_c = "born"_c + 1, "before"_c = "born"_c - 366) | sk::collect();
    CHECK(r["n"_c][1] == 1'040);
    CHECK(r["next"_c][1] == sk::date(2020, 3, 1));
    CHECK(r["before"_c][1] == sk::date(2019, 2, 28));
}

TEST_CASE("completed years count birthdays; one born on 29 February completes a year on 1 March") {
    const sk::table<spans> t{{sk::timestamp(sk::date(2023, 3, 1)), std::nullopt, sk::date(2020, 2, 29)},
                             {sk::timestamp(sk::date(2023, 2, 28), 23, 59, 59), std::nullopt, sk::date(2020, 2, 29)},
                             {sk::timestamp(sk::date(2024, 2, 29)), std::nullopt, sk::date(2020, 2, 29)},
                             {sk::timestamp(sk::date(2023, 7, 27)), std::nullopt, sk::date(1990, 7, 28)},
                             {sk::timestamp(sk::date(2023, 7, 28)), std::nullopt, sk::date(1990, 7, 28)},
                             {sk::timestamp(sk::date(9999, 12, 31)), std::nullopt, sk::date(1, 1, 1)}};
    const auto r = t | sk::derive("age"_c = sk::completed_years("born"_c, "from"_c)) | sk::collect();
    const int expected[] = {3, 2, 4, 32, 33, 9998};
    for (std::size_t i = 0; i < 6; ++i) CHECK(r["age"_c][i] == expected[i]);
}
