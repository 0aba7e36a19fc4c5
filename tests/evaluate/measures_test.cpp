#include <doctest/doctest.h>

#include <cmath>

#include <segkit/cluster/detail/kmeans_core.hpp>
#include <segkit/evaluate/adjusted_rand.hpp>
#include <segkit/evaluate/calinski_harabasz.hpp>
#include <segkit/evaluate/davies_bouldin.hpp>
#include <segkit/evaluate/silhouette.hpp>

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

TEST_CASE("adjusted Rand sees groups, not labels") {
    const labels a = {0, 0, 1, 1, 2, 2}, renamed = {9, 9, -4, -4, 0, 0}, one(6, 0), apart = {0, 1, 2, 3, 4, 5};
    CHECK(segkit::adjusted_rand(a, renamed) == 1);
    CHECK(segkit::adjusted_rand(one, one) == 1);
    CHECK(segkit::adjusted_rand(apart, apart) == 1);
    CHECK(segkit::adjusted_rand(one, apart) == 0);
    CHECK(segkit::adjusted_rand(labels{3}, labels{4}) == 1);
    CHECK(segkit::adjusted_rand(labels{0, 0, 1, 1}, labels{0, 1, 0, 1}) == doctest::Approx(-0.5));    // worse than chance
    const auto table = segkit::cross_table(a, labels{1, 5, 5, 5, 1, 1});
    CHECK(table.columns == labels{1, 5});
    CHECK(table(0, 0) == 1);
    CHECK(table(1, 1) == 2);
    CHECK(table(2, 0) == 2);
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
    CHECK_THROWS_WITH_AS(segkit::calinski_harabasz(data, labels{0, 1, 2, 3}), doctest::Contains("more rows than clusters"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::davies_bouldin(data, labels{1, 1, 1, 1}), doctest::Contains("at least 2"), segkit::error);
    CHECK_THROWS_AS(segkit::calinski_harabasz(data, labels{1, 2}), segkit::error);
}
