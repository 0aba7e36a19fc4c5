#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <segkit/evaluate/silhouette.hpp>
#include <segkit/evaluate/silhouette_column.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/expr/operators.hpp>
#include <segkit/query/filter.hpp>

#include "../reference/numeric_reference.hpp"
#include "reference_labels.hpp"

namespace {

// The definition, with nothing shared.
double naive_sample(const support::matrix& data, const std::vector<std::int32_t>& labels, std::size_t i) {
    std::map<std::int32_t, std::pair<double, double>> sums;
    for (std::size_t j = 0; j < data.rows; ++j) {
        double square = 0;
        for (std::size_t f = 0; f < data.columns; ++f) square += (data(i, f) - data(j, f)) * (data(i, f) - data(j, f));
        auto& [sum, count] = sums[labels[j]];
        sum += std::sqrt(square);
        count += 1;
    }
    if (sums[labels[i]].second == 1) return 0;
    const double a = sums[labels[i]].first / (sums[labels[i]].second - 1);
    double b = 1e300;
    for (const auto& [label, entry] : sums)
        if (label != labels[i]) b = std::min(b, entry.first / entry.second);
    return (b - a) / std::max(a, b);
}

}  // namespace

TEST_CASE("the silhouette is the peer's, per point and on average") {
    const auto points = reference::points();
    const auto result = segkit::silhouette(points, reference_labels());
    CHECK(support::close(result.mean, reference::silhouette, 1e-12));
    for (std::size_t i = 0; i < std::size(reference::silhouette_first_samples); ++i) {
        CHECK(support::close(result.samples[i], reference::silhouette_first_samples[i], 1e-12, 1e-14));
    }
    CHECK(result.samples[0] == 0);    // alone in its cluster
    CHECK(result.clusters.size() == 4);
    CHECK(result.clusters.back().label == 7);
    CHECK(result.clusters.back().size == 1);
}

TEST_CASE("the silhouette follows its definition for any labels and group sizes, in any storage order") {
    const auto data = support::random_matrix(517, 3, 81);
    std::vector<std::int32_t> labels(data.rows);
    for (std::size_t i = 0; i < data.rows; ++i) labels[i] = i % 5 == 0 ? -3 : i < 64 ? 100 : i < 200 ? 2 : 8;
    const auto result = segkit::silhouette(data, labels);
    double sum = 0, worst = 0;
    for (std::size_t i = 0; i < data.rows; ++i) {
        const double expected = naive_sample(data, labels, i);
        worst = std::max(worst, std::fabs(result.samples[i] - expected));
        sum += expected;
    }
    CHECK(worst < 1e-13);
    CHECK(support::close(result.mean, sum / 517, 1e-12));
    const support::transposed features(data);
    CHECK(segkit::silhouette(features, labels).samples == result.samples);
    for (unsigned count : {2u, 3u, 7u}) {
        const auto threaded = segkit::silhouette(data, labels, segkit::threads(count));
        CHECK(threaded.samples == result.samples);
        CHECK(threaded.mean == result.mean);
    }
}

TEST_CASE("points in float have the silhouette of the same points in double, nearly") {
    const auto data = support::blobs(3'000, 4, 3, 83, 6.0);
    std::vector<std::int32_t> labels(data.rows);
    for (std::size_t i = 0; i < data.rows; ++i) labels[i] = i < 20 ? 9 : static_cast<std::int32_t>(i % 3);
    std::vector<float> values(data.values.begin(), data.values.end());
    std::vector<double> same(values.begin(), values.end());
    const auto of_floats = segkit::silhouette(segkit::row_major<const float>(values.data(), data.rows, data.columns), labels, segkit::threads(2));
    const auto of_doubles = segkit::silhouette(segkit::row_major<const double>(same.data(), data.rows, data.columns), labels);
    double worst = 0;
    for (std::size_t i = 0; i < data.rows; ++i) worst = std::max(worst, std::fabs(of_floats.samples[i] - of_doubles.samples[i]));
    CHECK(worst < 1e-5);
    CHECK(std::fabs(of_floats.mean - of_doubles.mean) < 1e-6);
}

TEST_CASE("a sampled point has its exact silhouette, and the mean its standard error") {
    const auto data = support::blobs(1'500, 3, 4, 84, 8.0);
    std::vector<std::int32_t> labels(data.rows);
    for (std::size_t i = 0; i < data.rows; ++i) labels[i] = i == 700 ? 5 : static_cast<std::int32_t>(i % 4);
    const auto exact = segkit::silhouette(data, labels);
    std::size_t within = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const auto estimate = segkit::sampled_silhouette(data, labels, {.n = 200, .seed = seed});
        CHECK(estimate.rows.size() == 200);
        CHECK(std::adjacent_find(estimate.rows.begin(), estimate.rows.end(), std::greater_equal<>()) == estimate.rows.end());
        double sum = 0, squares = 0, worst = 0;
        for (std::size_t i = 0; i < 200; ++i) worst = std::max(worst, std::fabs(estimate.samples[i] - exact.samples[estimate.rows[i]]));
        for (double value : estimate.samples) sum += value;
        for (double value : estimate.samples) squares += (value - sum / 200) * (value - sum / 200);
        CHECK(worst < 1e-13);
        CHECK(support::close(estimate.mean, sum / 200, 1e-13));
        CHECK(support::close(estimate.standard_error, std::sqrt(squares / 199 / 200 * (1 - 200.0 / 1500)), 1e-12));
        within += std::fabs(estimate.mean - exact.mean) < 2 * estimate.standard_error;
        CHECK(estimate.clusters.size() == 5);
        CHECK((estimate.clusters[4].size == 1 || std::isnan(estimate.clusters[4].mean)));
    }
    CHECK(within >= 34);    // of 40; 38 are expected
    const auto some = segkit::sampled_silhouette(data, labels, {.n = 333, .seed = 9});
    for (unsigned count : {2u, 3u, 7u}) CHECK(segkit::sampled_silhouette(data, labels, {.n = 333, .seed = 9}, segkit::threads(count)).samples == some.samples);
    const auto all = segkit::sampled_silhouette(data, labels, {.n = 1'500});
    CHECK(all.standard_error == 0);
    CHECK(support::close(all.mean, exact.mean, 1e-12));
    CHECK_THROWS_WITH_AS(segkit::sampled_silhouette(data, labels, {.n = 1'501}), doctest::Contains("a sample of 1501, expected at most the 1500 rows there are"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::sampled_silhouette(data, labels, {.n = 1}), doctest::Contains("expected at least 2 points"), segkit::error);
}

TEST_CASE("points that all coincide have silhouette 0") {
    const support::matrix data(1, {4, 4, 4, 4});
    const std::vector<std::int32_t> labels = {0, 0, 1, 1};
    CHECK(segkit::silhouette(data, labels).mean == 0);
}

TEST_CASE("one cluster, missing labels and NaN are refused") {
    auto data = support::random_matrix(10, 2, 82);
    const std::vector<std::int32_t> one(10, 3), few(9, 1);
    std::vector<std::int32_t> two(10, 0);
    two[4] = 1;
    CHECK_THROWS_WITH_AS(segkit::silhouette(data, one), doctest::Contains("1 cluster, expected at least 2"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::silhouette(data, std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), doctest::Contains("10 clusters of one row each"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::silhouette(data, few), doctest::Contains("9 labels, expected one for each of 10 rows"), segkit::error);
    data(7, 1) = 0.0 / 0.0;
    CHECK_THROWS_WITH_AS(segkit::silhouette(data, two), doctest::Contains("at row 7"), segkit::error);
    CHECK_THROWS_AS(segkit::silhouette(support::matrix(0, 2), std::vector<std::int32_t>{}), segkit::error);
}

TEST_CASE("silhouettes do not depend on the unit, however large or small") {
    const auto data = support::random_matrix(150, 3, 77);
    std::vector<std::int32_t> labels(data.rows);
    for (std::size_t i = 0; i < data.rows; ++i) labels[i] = data(i, 0) < 0.4;
    const auto check = [&]<class T>(T, std::initializer_list<int> powers) {
        std::vector<T> values(data.values.begin(), data.values.end());
        const auto view = segkit::row_major<const T>(values.data(), data.rows, data.columns);
        const auto expected = segkit::silhouette(view, labels), sampled_expected = segkit::silhouette_result{segkit::sampled_silhouette(view, labels, {.n = 50}).mean, {}, {}};
        for (int power : powers) {
            CAPTURE(power);
            for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::ldexp(static_cast<T>(data.values[i]), power);
            CHECK(segkit::silhouette(view, labels).samples == expected.samples);
            CHECK(segkit::sampled_silhouette(view, labels, {.n = 50}).mean == sampled_expected.mean);
        }
    };
    check(0.0F, {-90, -30, 30, 90, 120});
    check(0.0, {-900, -300, 300, 900});
}

TEST_CASE("as a column of labelled rows it is that of the matrix") {
    using namespace segkit::literals;
    using rows_schema = segkit::schema<segkit::field<"segment", std::optional<segkit::text>>, segkit::field<"x", std::optional<double>>, segkit::field<"y", float>>;
    const auto data = support::random_matrix(300, 2, 12);
    segkit::table<rows_schema> t;
    support::matrix kept(0, 2);
    std::vector<std::int32_t> labels;
    for (std::size_t i = 0; i < data.rows; ++i) {
        const auto y = static_cast<float>(data(i, 1));
        t.append(i % 3 == 0 ? std::optional<std::string_view>("thrifty") : i % 3 == 1 ? std::optional<std::string_view>("grand") : std::nullopt, data(i, 0), y);
        if (i % 4 == 0) continue;
        kept.values.insert(kept.values.end(), {data(i, 0), static_cast<double>(y)});
        labels.push_back(static_cast<std::int32_t>(i % 3));
    }
    kept.rows = labels.size();
    constexpr auto features = segkit::columns("x"_c, "y"_c);
    segkit::table<rows_schema> fewer;
    for (std::size_t i = 0; i < data.rows; ++i)
        if (i % 4 != 0) fewer.append(t.row(i));
    const auto found = fewer | segkit::silhouette("segment"_c, features, "silhouette"_c) | segkit::collect();
    const auto expected = segkit::silhouette(kept, labels);
    for (std::size_t i = 0; i < kept.rows; ++i) CHECK(support::close(found["silhouette"_c][i].value(), expected.samples[i], 1e-12, 1e-15));
    const auto misplaced = fewer | segkit::silhouette("segment"_c, features, "silhouette"_c) | segkit::filter("silhouette"_c < 0.0) | segkit::collect();
    CHECK(misplaced.rows() == static_cast<std::size_t>(std::count_if(expected.samples.begin(), expected.samples.end(), [](double s) { return s < 0; })));
    CHECK((fewer | segkit::filter("y"_c > 99.0) | segkit::silhouette("segment"_c, features, "silhouette"_c) | segkit::collect()).rows() == 0);
    const auto alone = fewer | segkit::filter("segment"_c == "grand") | segkit::silhouette("segment"_c, features, "silhouette"_c) | segkit::collect();
    CHECK(alone.rows() == 75);
    CHECK(!alone["silhouette"_c][0]);
    CHECK(!alone["silhouette"_c][74]);
    fewer.append("grand", std::nullopt, 1.0f);
    CHECK_THROWS_WITH_AS(fewer | segkit::silhouette("segment"_c, features, "silhouette"_c) | segkit::collect(), doctest::Contains("silhouette: unexpected null in 'x' at row 225"), segkit::error);
}
