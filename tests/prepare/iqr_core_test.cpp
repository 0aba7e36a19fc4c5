#include <doctest/doctest.h>

#include <segkit/prepare/detail/iqr_core.hpp>

#include "../support/estimator_laws.hpp"
#include "../support/real_rows.hpp"

using segkit::iqr_estimator;
using segkit::iqr_guard;
using segkit::iqr_reason;

TEST_CASE("fences lie a factor of the interquartile range beyond the quartiles, and are closed") {
    const support::matrix data(1, {0, 1, 2, 3, 4, 7, 100, -2});    // quartiles 0.75 and 4.75 with linear interpolation
    const auto fences = segkit::estimate(iqr_estimator{}, data);
    CHECK(fences.columns[0].q1 == 0.75);
    CHECK(fences.columns[0].q3 == 4.75);
    CHECK(fences.columns[0].lower == -5.25);
    CHECK(fences.columns[0].upper == 10.75);
    CHECK(!fences.outside_by([](std::size_t) { return 10.75; }));
    CHECK(!fences.outside_by([](std::size_t) { return -5.25; }));
    CHECK(fences.outside_by([](std::size_t) { return 10.7500001; }));
    CHECK(fences.outside(data)[6]);
    const auto wide = segkit::estimate(iqr_estimator{{.factor = 100}}, data);
    CHECK(segkit::count_outside(wide, data).kept() == 8);
}

TEST_CASE("a feature of two values or of zero interquartile range is left alone, unless asked") {
    support::matrix data(400, 4);
    for (std::size_t i = 0; i < data.rows; ++i) {
        data(i, 0) = i % 2 == 0 ? 1 : 0;                               // two values
        data(i, 1) = i < 4 ? static_cast<double>(i) : 5;               // mostly 5
        data(i, 2) = 7;                                                // constant
        data(i, 3) = i == 9 ? 1000 : static_cast<double>(i % 10);      // a scale with one outlier
    }
    const auto guarded = segkit::estimate(iqr_estimator{}, data);
    CHECK(guarded.columns[0].reason == iqr_reason::two_values);
    CHECK(guarded.columns[1].reason == iqr_reason::zero_iqr);
    CHECK(guarded.columns[2].reason == iqr_reason::two_values);
    CHECK(guarded.columns[3].reason == iqr_reason::trimmed);
    const auto removal = segkit::count_outside(guarded, data);
    CHECK(removal.outside == 1);
    CHECK(removal.beyond == std::vector<std::size_t>{0, 4, 0, 1});    // what the second would have removed is known
    CHECK(removal.only_by == std::vector<std::size_t>{0, 0, 0, 1});

    const auto open = segkit::estimate(iqr_estimator{{.guard = iqr_guard::off}}, data);
    CHECK(open.columns[1].trimmed());
    CHECK(segkit::count_outside(open, data).outside == 5);
}

TEST_CASE("a row leaves for any feature, or only for all of them") {
    support::matrix data(100, 2);
    for (std::size_t i = 0; i < data.rows; ++i) data(i, 0) = data(i, 1) = static_cast<double>(i % 10);
    data(3, 0) = data(4, 1) = data(5, 0) = data(5, 1) = 1000;
    const auto any = segkit::estimate(iqr_estimator{}, data);
    CHECK(segkit::count_outside(any, data).outside == 3);
    CHECK(segkit::count_outside(any, data).only_by == std::vector<std::size_t>{1, 1});
    const auto all = segkit::estimate(iqr_estimator{{.rule = segkit::columns_rule::all_columns}}, data);
    CHECK(segkit::count_outside(all, data).outside == 1);
    CHECK(all.outside(data.view(), 5));
    const support::matrix constant(2, {1, 1, 1, 1});
    const auto nothing_to_trim = segkit::estimate(iqr_estimator{{.rule = segkit::columns_rule::all_columns}}, constant);
    CHECK(segkit::count_outside(nothing_to_trim, data).outside == 0);    // "all of none" removes nobody
}

TEST_CASE("IQR fences keep the laws, to the last bit") {
    auto data = support::random_matrix(5003, 3, 31);
    for (std::size_t i = 0; i < data.rows; ++i) data(i, 1) = i > 4000 ? 1 : 0;    // its second value comes late
    support::check_estimator_laws(iqr_estimator{}, data, [](const auto& a, const auto& b) { return a == b; });
    support::check_rejects_bad_rows(iqr_estimator{}, support::random_matrix(5003, 3, 32));
    const auto fences = segkit::estimate(iqr_estimator{}, data);
    CHECK(support::roundtrip(fences) == fences);
    const auto serial = segkit::count_outside(fences, data), threaded = segkit::count_outside(fences, data, segkit::threads(3));
    CHECK(serial.outside == threaded.outside);
    CHECK(serial.beyond == threaded.beyond);
    CHECK_THROWS_WITH_AS(segkit::estimate(iqr_estimator{{.factor = -1}}, data), doctest::Contains("'factor'"), segkit::error);
    CHECK_THROWS_WITH_AS(fences.outside(support::matrix(2, {1, 2}).view()), doctest::Contains("2 features, expected 3"), segkit::error);
}

TEST_CASE("the published trim of 5,998 customers") {
    const auto customers = support::real_rows("seed-001/customers.csv.gz");
    if (!customers) return;
    const auto data = support::customer_features(*customers);    // age, gender, married, children, hotel spend
    REQUIRE(data.rows == 5998);

    const auto unguarded = segkit::estimate(iqr_estimator{{.guard = iqr_guard::off}}, data);
    const auto removal = segkit::count_outside(unguarded, data);
    CHECK(removal.kept() == 4929);
    CHECK(removal.beyond == std::vector<std::size_t>{67, 706, 0, 0, 347});
    CHECK(unguarded.columns[4].upper == doctest::Approx(5317.25).epsilon(1e-12));

    const auto guarded = segkit::estimate(iqr_estimator{}, data);
    CHECK(segkit::count_outside(guarded, data).kept() == 5588);
    CHECK(guarded.columns[0].reason == iqr_reason::trimmed);
    CHECK(guarded.columns[1].reason == iqr_reason::zero_iqr);
    CHECK(guarded.columns[2].reason == iqr_reason::two_values);
    CHECK(guarded.columns[3].reason == iqr_reason::two_values);
    CHECK(guarded.columns[4].reason == iqr_reason::trimmed);
}
