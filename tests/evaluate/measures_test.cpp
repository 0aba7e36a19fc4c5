#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <segkit/cluster/detail/kmeans_core.hpp>
#include <segkit/evaluate/adjusted_rand.hpp>
#include <segkit/evaluate/calinski_harabasz.hpp>
#include <segkit/evaluate/davies_bouldin.hpp>
#include <segkit/evaluate/elbow.hpp>
#include <segkit/evaluate/inertia.hpp>
#include <segkit/evaluate/silhouette.hpp>
#include <segkit/exec/threads.hpp>

#include "../reference/evaluation_reference.hpp"
#include "../reference/numeric_reference.hpp"
#include "reference_labels.hpp"

namespace {

std::vector<std::int32_t> lloyd_labels() {
    const auto points = reference::points();
    return segkit::fit_kmeans(points, {.n_clusters = 5, .tol = 0, .init = segkit::kmeans_init::given, .centres = {points.values.begin(), points.values.begin() + 20}}).labels;
}

using labels = std::vector<std::int32_t>;

}  // namespace

TEST_CASE("the measures are the peer's") {
    const auto points = reference::points();
    const auto given = reference_labels(), found = lloyd_labels();
    CHECK(support::close(segkit::calinski_harabasz(points, given), reference::calinski_harabasz, 1e-12));
    CHECK(support::close(segkit::davies_bouldin(points, given), reference::davies_bouldin, 1e-12));
    CHECK(support::close(segkit::calinski_harabasz(points, found), reference::calinski_harabasz_lloyd, 1e-12));
    CHECK(support::close(segkit::davies_bouldin(points, found), reference::davies_bouldin_lloyd, 1e-12));
    CHECK(support::close(segkit::silhouette(points, found).mean, reference::silhouette_lloyd, 1e-12));
    labels other(reference::rows);
    for (std::size_t i = 0; i < other.size(); ++i) other[i] = static_cast<std::int32_t>(i % 4);
    CHECK(support::close(segkit::adjusted_rand(given, other), reference::adjusted_rand, 1e-12));
    CHECK(support::close(segkit::adjusted_rand(found, other), reference::adjusted_rand_close, 1e-12));
}

TEST_CASE("on data of many kinds the measures are the peer's") {
    REQUIRE(reference::evaluation_cases.size() == reference::kmeans_cases.size());
    for (std::size_t at = 0; at < reference::kmeans_cases.size(); ++at) {
        const auto& data = reference::kmeans_cases[at];
        const auto& expected = reference::evaluation_cases[at];
        CAPTURE(data.name);
        REQUIRE(std::string(data.name) == expected.name);
        const auto points = data.points();
        CHECK(support::close(segkit::inertia(points, data.labels), data.inertia, 1e-12, data.scale * data.scale * 1e-20));
        if (expected.silhouette == 0) continue;
        CHECK(support::close(segkit::calinski_harabasz(points, data.labels), expected.calinski_harabasz, 1e-12));
        CHECK(support::close(segkit::davies_bouldin(points, data.labels), expected.davies_bouldin, 1e-12));
        const auto silhouette = segkit::silhouette(points, data.labels);
        CHECK(support::close(silhouette.mean, expected.silhouette, 1e-12));
        CHECK(support::close(silhouette.samples[0], expected.first_sample, 1e-12));
        CHECK(support::close(silhouette.samples[2], expected.third_sample, 1e-12));
    }
}

TEST_CASE("blocks of rows are summed in one order, whatever the threads") {
    const auto points = support::random_matrix(7'000, 3, 5);
    labels in_turn(points.rows);
    for (std::size_t i = 0; i < in_turn.size(); ++i) in_turn[i] = static_cast<std::int32_t>(i * i % 7);
    for (unsigned count : {2u, 3u, 7u}) {
        const segkit::threads pool(count);
        CHECK(segkit::inertia(points, in_turn, pool) == segkit::inertia(points, in_turn));
        CHECK(segkit::calinski_harabasz(points, in_turn, pool) == segkit::calinski_harabasz(points, in_turn));
        CHECK(segkit::davies_bouldin(points, in_turn, pool) == segkit::davies_bouldin(points, in_turn));
    }
}

TEST_CASE("the elbow is the point farthest below the line between the ends") {
    const std::size_t ks[] = {2, 3, 4, 5, 8};
    const auto bent = segkit::elbow(ks, std::vector<double>{100, 60, 20, 16, 10});
    CHECK(bent.k == 4u);
    CHECK(bent.depth[0] == 0);
    CHECK(bent.depth[2] == doctest::Approx(2.0 / 3 - 10.0 / 90));
    CHECK(bent.depth[4] == 0);
    const auto huge = segkit::elbow(ks, std::vector<double>{1e308, 0.2e308, -0.6e308, -0.68e308, -0.8e308});    // falls by more than the largest number
    CHECK(huge.k == 4u);
    for (std::size_t i = 0; i < 5; ++i) CHECK(huge.depth[i] == doctest::Approx(bent.depth[i]));
    CHECK(!segkit::elbow(ks, std::vector<double>{100, 85, 70, 55, 10}).k);    // straight
    CHECK(!segkit::elbow(ks, std::vector<double>{10, 9, 8, 7, 10}).k);        // does not fall
    CHECK(!segkit::elbow(std::span(ks, 2), std::vector<double>{100, 50}).k);
    CHECK_THROWS_WITH_AS(segkit::elbow(ks, std::vector<double>{1}), doctest::Contains("1 values, expected one for each of 5"), segkit::error);
    const std::size_t falling[] = {3, 2};
    CHECK_THROWS_WITH_AS(segkit::elbow(falling, std::vector<double>{2, 1}), doctest::Contains("2 after 3, expected ascending numbers"), segkit::error);
    CHECK_THROWS_AS(segkit::elbow({}, {}), segkit::error);
}

TEST_CASE("adjusted Rand sees groups, not labels") {
    const labels a = {0, 0, 1, 1, 2, 2}, renamed = {9, 9, -4, -4, 0, 0}, one(6, 0), apart = {0, 1, 2, 3, 4, 5};
    CHECK(segkit::adjusted_rand(a, renamed) == 1);
    CHECK(segkit::adjusted_rand(one, one) == 1);
    CHECK(segkit::adjusted_rand(apart, apart) == 1);
    CHECK(segkit::adjusted_rand(one, apart) == 0);
    CHECK(segkit::adjusted_rand(labels{3}, labels{4}) == 1);
    CHECK(segkit::adjusted_rand(labels{0, 0, 1, 1}, labels{0, 1, 0, 1}) == doctest::Approx(-0.5));    // worse than chance
    CHECK_THROWS_AS(segkit::adjusted_rand(labels{}, labels{}), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::adjusted_rand(a, labels{1}), doctest::Contains("1 labels, expected one for each of 6 rows"), segkit::error);
}

TEST_CASE("an offset of 1e9 changes the measures in the last digits only") {
    auto far = reference::points();
    for (double& v : far.values) v += 1e9;
    CHECK(support::close(segkit::calinski_harabasz(far, reference_labels()), reference::calinski_harabasz, 1e-6));
    CHECK(support::close(segkit::davies_bouldin(far, reference_labels()), reference::davies_bouldin, 1e-6));
}

TEST_CASE("the edges of the measures are stated, and bad input refused") {
    const support::matrix data(1, {0, 0, 5, 5});
    CHECK(std::isinf(segkit::calinski_harabasz(data, labels{0, 0, 1, 1})));
    CHECK(segkit::davies_bouldin(data, labels{0, 0, 1, 1}) == 0);
    CHECK(std::isinf(segkit::davies_bouldin(data, labels{0, 1, 1, 0})));
    const char* alone = "4 clusters of one row each, expected fewer clusters than rows";
    CHECK_THROWS_WITH_AS(segkit::calinski_harabasz(data, labels{0, 1, 2, 3}), doctest::Contains(alone), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::davies_bouldin(data, labels{9, -1, 2, 3}), doctest::Contains(alone), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::davies_bouldin(data, labels{1, 1, 1, 1}), doctest::Contains("at least 2"), segkit::error);
    CHECK_THROWS_AS(segkit::calinski_harabasz(data, labels{1, 2}), segkit::error);
}

TEST_CASE("a cluster far from the others costs them no digits, in whatever row it comes") {
    support::matrix data(1, {0.1, 0.2, 0.3, 10.1, 10.2, 10.4, 1e16});
    const labels groups = {0, 0, 0, 1, 1, 1, 2};
    const double expected = 0.02 + 0.14 / 3;
    CHECK(support::close(segkit::inertia(data, groups), expected, 1e-12));
    const double apart = segkit::davies_bouldin(data, groups);
    std::swap(data.values.front(), data.values.back());
    CHECK(support::close(segkit::inertia(data, labels{2, 0, 0, 1, 1, 1, 0}), expected, 1e-12));
    CHECK(support::close(segkit::davies_bouldin(data, labels{2, 0, 0, 1, 1, 1, 0}), apart, 1e-12));
}

TEST_CASE("distances whose squares are no numbers are refused") {
    const support::matrix data(1, {1e200, -1e200, 3e200, -3e200});
    const labels groups = {0, 1, 0, 1};
    CHECK_THROWS_WITH_AS(segkit::inertia(data, groups),
                         "inertia: not a finite number: found distances whose squares overflow, expected finite squares; measure the features in larger units", segkit::error);
    CHECK_THROWS_WITH_AS(segkit::calinski_harabasz(data, groups), doctest::Contains("squares overflow"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::davies_bouldin(data, groups), doctest::Contains("squares overflow"), segkit::error);
    // Those between clusters too.
    const support::matrix narrow(1, {-1e160, 1e160, -1.01e160 + 1e158, 1.01e160 - 1e158});
    CHECK(segkit::inertia(narrow, groups) < 1e300);
    CHECK_THROWS_WITH_AS(segkit::calinski_harabasz(narrow, groups), doctest::Contains("calinski_harabasz: not a finite number: found distances whose squares overflow"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::davies_bouldin(narrow, groups), doctest::Contains("davies_bouldin: not a finite number: found distances whose squares overflow"), segkit::error);
}

TEST_CASE("with weights a measure is that of rows repeated so often") {
    const auto data = support::blobs(150, 3, 4, 77, 6.0);
    std::vector<std::int32_t> labels, repeated_labels;
    std::vector<double> weights;
    support::matrix repeated(0, 3);
    for (std::size_t i = 0; i < data.rows; ++i) {
        labels.push_back(i < 3 ? static_cast<std::int32_t>(4 + i) : static_cast<std::int32_t>(i % 4));    // three clusters of one row, one of which weighs 1
        weights.push_back(static_cast<double>(1 + i * i % 4));
        for (double copy = 0; copy < weights[i]; ++copy) {
            for (std::size_t j = 0; j < 3; ++j) repeated.values.push_back(data(i, j));
            repeated_labels.push_back(labels[i]);
        }
    }
    repeated.rows = repeated_labels.size();
    const segkit::row_weights weighed(weights);
    CHECK(support::close(segkit::calinski_harabasz(data, weighed, labels), segkit::calinski_harabasz(repeated, repeated_labels), 1e-12));
    CHECK(support::close(segkit::davies_bouldin(data, weighed, labels), segkit::davies_bouldin(repeated, repeated_labels), 1e-12));
    CHECK(support::close(segkit::inertia(data, weighed, labels), segkit::inertia(repeated, repeated_labels), 1e-12));
    const auto a = segkit::silhouette(data, weighed, labels), b = segkit::silhouette(repeated, repeated_labels);
    std::size_t near = 0;    // the mean of sampled points lies within two standard errors of that of all, in about 95 of 100 samples
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const auto sampled = segkit::sampled_silhouette(data, weighed, labels, {.n = 60, .seed = seed});
        near += std::fabs(sampled.mean - b.mean) < 2 * sampled.standard_error;
        CHECK(std::is_sorted(sampled.rows.begin(), sampled.rows.end()));
    }
    CHECK(near >= 88);
    CHECK(near <= 99);
    CHECK(support::close(a.mean, b.mean, 1e-12));
    for (std::size_t c = 0; c < b.clusters.size(); ++c) CHECK(support::close(a.clusters[c].mean, b.clusters[c].mean, 1e-12, 1e-15));
    std::size_t copy = 0;
    for (std::size_t i = 0; i < data.rows; ++i, copy += static_cast<std::size_t>(weights[i - 1])) CHECK(support::close(a.samples[i], b.samples[copy], 1e-12, 1e-14));
    const std::vector<float> rounded(data.values.begin(), data.values.end());
    const auto in_float = segkit::row_major(rounded.data(), data.rows, 3);
    CHECK(support::close(segkit::silhouette(in_float, weighed, labels).mean, b.mean, 1e-4));
    const auto check_float = [&](auto measure) {
        CHECK(support::close(measure(in_float, labels), measure(data.view(), labels), 1e-5));
        CHECK(support::close(measure(in_float, weighed, labels), measure(data.view(), weighed, labels), 1e-5));
    };
    check_float([](const auto&... given) { return segkit::calinski_harabasz(given...); });
    check_float([](const auto&... given) { return segkit::davies_bouldin(given...); });
    check_float([](const auto&... given) { return segkit::inertia(given...); });
    for (const double weight : {1e99, 1e308, 5e-324}) {    // sums that are no numbers any more, or products
        weights.assign(data.rows, weight);
        CHECK_THROWS_WITH_AS(segkit::fit_kmeans(data, segkit::row_weights(weights), {.n_clusters = 2}), doctest::Contains("kmeans: invalid option in 'weights': found a sum"), segkit::error);
    }
    weights.assign(data.rows, 1e14);
    CHECK_THROWS_WITH_AS(segkit::silhouette(data, segkit::row_weights(weights), labels), doctest::Contains("found a sum above 1e15"), segkit::error);
    weights.assign(data.rows, 0.9);
    CHECK_THROWS_WITH_AS(segkit::silhouette(data, segkit::row_weights(weights), labels), doctest::Contains("silhouette: invalid option in 'weights': found a mean of 0.9"), segkit::error);
}
