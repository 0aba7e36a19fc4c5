#include <doctest/doctest.h>

#include <segkit/decompose/detail/pca_core.hpp>
#include <segkit/prepare/detail/iqr_core.hpp>
#include <segkit/prepare/detail/scale_core.hpp>

#include "../reference/numeric_reference.hpp"
#include "../support/estimator_laws.hpp"
#include "../support/real_rows.hpp"

using segkit::pca_estimator;

namespace {

support::matrix z_scored(const support::matrix& data) {
    support::matrix out(data.rows, data.columns);
    segkit::estimate(segkit::standard_scale_estimator{}, data).transform(data, out.view());
    return out;
}

}  // namespace

TEST_CASE("components, variances and scores are the peer's") {
    const auto points = reference::points();
    const auto model = segkit::estimate(pca_estimator{}, points);
    constexpr std::size_t d = reference::columns;
    REQUIRE(model.n_components == d);
    support::matrix scores(points.rows, d);
    model.transform(points, scores.view());
    for (std::size_t c = 0; c < d; ++c) {
        CHECK(support::close(model.explained_variance[c], reference::pca_explained_variance[c], 1e-12));
        CHECK(support::close(model.explained_variance_ratio[c], reference::pca_explained_variance_ratio[c], 1e-12));
        CHECK(support::close(model.singular_values[c], reference::pca_singular_values[c], 1e-12));
        CHECK(support::close(scores(17, c), reference::pca_transformed_row_17[c], 1e-11, 1e-11));
        for (std::size_t j = 0; j < d; ++j) CHECK(support::close(model.component(c, j), reference::pca_components[c * d + j], 1e-11, 1e-12));
    }
}

TEST_CASE("the inverse gives the points back, and fewer components the nearest") {
    const auto data = support::random_matrix(500, 4, 61);
    const auto model = segkit::estimate(pca_estimator{}, data);
    support::matrix scores(500, 4), back(500, 4);
    model.transform(data, scores.view(), segkit::threads(2));
    model.inverse_transform(scores, back.view());
    double worst = 0;
    for (std::size_t i = 0; i < back.values.size(); ++i) worst = std::max(worst, std::fabs(back.values[i] - data.values[i]));
    CHECK(worst < 1e-12);

    const auto two = segkit::estimate(pca_estimator{{.n_components = 2}}, data);
    CHECK(two.n_components == 2);
    support::matrix two_scores(500, 2);
    two.transform(data, two_scores.view());
    two.inverse_transform(two_scores, back.view());
    double lost = 0;
    for (std::size_t i = 0; i < back.values.size(); ++i) lost += (back.values[i] - data.values[i]) * (back.values[i] - data.values[i]);
    CHECK(support::close(lost / 499, model.explained_variance[2] + model.explained_variance[3], 1e-12));
}

TEST_CASE("a share of the variance chooses the least number of components") {
    const auto points = reference::points();
    const auto all = segkit::estimate(pca_estimator{}, points);
    const double two = all.explained_variance_ratio[0] + all.explained_variance_ratio[1];
    CHECK(segkit::estimate(pca_estimator{{.variance_share = two - 0.01}}, points).n_components == 2);
    CHECK(segkit::estimate(pca_estimator{{.variance_share = two + 0.01}}, points).n_components == 3);
    CHECK(segkit::estimate(pca_estimator{{.variance_share = 1}}, points).n_components == 4);
}

TEST_CASE("the sign makes the largest loading positive, the first of equal ones") {
    support::matrix data(101, 2);
    for (std::size_t i = 0; i < data.rows; ++i) {
        const double t = static_cast<double>(i) - 50;
        data(i, 0) = -t;
        data(i, 1) = t;    // the loadings are equal and opposite
    }
    const auto model = segkit::estimate(pca_estimator{}, data);
    CHECK(model.component(0, 0) == doctest::Approx(std::sqrt(0.5)));
    CHECK(model.component(0, 1) == doctest::Approx(-std::sqrt(0.5)));
    CHECK(model.component(1, 0) > 0);
    CHECK(model.explained_variance[1] < 1e-10);
}

TEST_CASE("constant features explain nothing, alone or among others") {
    const support::matrix constant(2, {1, 5, 1, 5, 1, 5});
    const auto flat = segkit::estimate(pca_estimator{}, constant);
    CHECK(flat.explained_variance == std::vector<double>{0, 0});
    CHECK(flat.explained_variance_ratio == std::vector<double>{0, 0});
}

TEST_CASE("PCA keeps the laws and names bad options") {
    const auto data = support::random_matrix(5003, 4, 62);
    support::check_estimator_laws(pca_estimator{}, data, [](const auto& a, const auto& b) {
        bool same = a.n_components == b.n_components;
        for (std::size_t i = 0; same && i < a.components.size(); ++i) same = support::close(a.components[i], b.components[i], 1e-10, 1e-10);
        for (std::size_t i = 0; same && i < a.n_components; ++i) same = support::close(a.explained_variance[i], b.explained_variance[i], 1e-12);
        return same;
    });
    support::check_rejects_bad_rows(pca_estimator{}, support::random_matrix(5003, 3, 63));
    const auto model = segkit::estimate(pca_estimator{}, data);
    CHECK(support::roundtrip(model) == model);
    CHECK_THROWS_WITH_AS(segkit::estimate(pca_estimator{{.n_components = 5}}, data), doctest::Contains("'n_components'"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::estimate(pca_estimator{{.variance_share = 1.5}}, data), doctest::Contains("'variance_share'"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::estimate(pca_estimator{{.n_components = 2, .variance_share = 0.5}}, data), doctest::Contains("leave one of them out"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::estimate(pca_estimator{}, data.view().row_range(0, 1)), doctest::Contains("too few rows"), segkit::error);
}

TEST_CASE("the published explained variances of 5,998 customers") {
    const auto metrics = support::real_rows("seed-003/metrics.csv.gz");
    const auto customers = support::real_rows("seed-001/customers.csv.gz");
    if (!metrics || !customers) return;

    const auto perks = segkit::estimate(pca_estimator{}, z_scored(support::perk_features(*metrics)));
    const double expected_perks[] = {33.58, 21.23, 20.11, 16.66, 8.43};
    for (std::size_t c = 0; c < 5; ++c) CHECK(std::fabs(100 * perks.explained_variance_ratio[c] - expected_perks[c]) < 0.00501);

    const auto all = support::customer_features(*customers);
    const auto fences = segkit::estimate(segkit::iqr_estimator{{.guard = segkit::iqr_guard::off}}, all);
    const auto outside = fences.outside(all);
    support::matrix kept(0, 5);
    for (std::size_t i = 0; i < all.rows; ++i) {
        if (outside[i]) continue;
        for (std::size_t j = 0; j < 5; ++j) kept.values.push_back(all(i, j));
        ++kept.rows;
    }
    const auto trimmed = segkit::estimate(pca_estimator{}, z_scored(kept));
    const double expected_trimmed[] = {0.3755, 0.2584, 0.2378, 0.1282, 0};
    for (std::size_t c = 0; c < 5; ++c) CHECK(std::fabs(trimmed.explained_variance_ratio[c] - expected_trimmed[c]) < 0.0000501);
}
