#include <doctest/doctest.h>

#include <cmath>

#include <segkit/decompose/detail/pca_core.hpp>
#include <segkit/prepare/detail/iqr_core.hpp>
#include <segkit/prepare/detail/scale_core.hpp>

#include "../reference/numeric_reference.hpp"
#include "../support/estimator_laws.hpp"
#include "../support/real_rows.hpp"

using segkit::pca_estimator;
using segkit::pca_solver;

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

TEST_CASE("singular values keep components that the covariance loses") {
    const double tiny = 0x1p-30;    // its square is lost beside 1
    const support::matrix data(2, {1, 1, -1, -1, tiny, -tiny, -tiny, tiny});
    const auto by_covariance = segkit::fit_pca(data), by_values = segkit::fit_pca(data, {.solver = pca_solver::svd});
    CHECK(support::close(by_values.singular_values[1], 2 * tiny, 1e-6));
    CHECK(!support::close(by_covariance.singular_values[1], 2 * tiny, 1e-2));
    CHECK(support::close(by_values.component(1, 0), std::sqrt(0.5), 1e-7));
}

TEST_CASE("components without variance are orthogonal to the others, and few components are the first of all") {
    const auto factors = support::random_matrix(90, 3, 74), directions = support::random_matrix(3, 40, 75);
    support::matrix data(90, 40);    // of rank 2, and a constant feature
    for (std::size_t i = 0; i < data.rows; ++i)
        for (std::size_t j = 0; j + 1 < data.columns; ++j) data(i, j) = factors(i, 0) * directions(0, j) + factors(i, 1) * directions(1, j);
    for (auto solver : {pca_solver::covariance, pca_solver::svd}) {
        for (std::size_t rows : {90u, 12u}) {
            const auto model = segkit::fit_pca(data.view().row_range(0, rows), {.solver = solver});
            CHECK(model.explained_variance[2] < 1e-13 * model.explained_variance[0]);
            for (std::size_t a = 0; a < model.n_components; ++a) {
                for (std::size_t b = 0; b <= a; ++b) {
                    double product = 0;
                    for (std::size_t j = 0; j < 40; ++j) product += model.component(a, j) * model.component(b, j);
                    CHECK(support::close(product, a == b ? 1 : 0, 1e-12, 1e-12));
                }
            }
        }
        const auto full = support::random_matrix(300, 40, 76);
        const auto all = segkit::fit_pca(full, {.solver = solver}), few = segkit::fit_pca(full, {.n_components = 5, .solver = solver});
        for (std::size_t c = 0; c < 5; ++c) {
            CHECK(support::close(few.explained_variance[c], all.explained_variance[c], 1e-13));
            CHECK(support::close(few.explained_variance_ratio[c], all.explained_variance_ratio[c], 1e-13));
            for (std::size_t j = 0; j < 40; ++j) CHECK(support::close(few.component(c, j), all.component(c, j), 0, 1e-11));
        }
    }
}

TEST_CASE("the randomised solver finds the leading components, by its seed alone") {
    support::matrix data(400, 150);
    const auto factors = support::random_matrix(400, 6, 71), directions = support::random_matrix(6, 150, 72), noise = support::random_matrix(400, 150, 73);
    for (std::size_t i = 0; i < data.rows; ++i) {
        for (std::size_t j = 0; j < data.columns; ++j) {
            data(i, j) = 1e-6 * noise(i, j);
            for (std::size_t f = 0; f < 6; ++f) data(i, j) += factors(i, f) * directions(f, j);
        }
    }
    const auto exact = segkit::fit_pca(data, {.n_components = 6});
    const segkit::pca_options options{.n_components = 6, .solver = pca_solver::randomised, .seed = 3};
    const auto found = segkit::fit_pca(data, options);
    for (std::size_t c = 0; c < 6; ++c) {
        CHECK(support::close(found.explained_variance[c], exact.explained_variance[c], 1e-10));
        CHECK(support::close(found.explained_variance_ratio[c], exact.explained_variance_ratio[c], 1e-10));
        for (std::size_t j = 0; j < data.columns; ++j) CHECK(support::close(found.component(c, j), exact.component(c, j), 1e-9, 1e-9));
    }
    CHECK(segkit::fit_pca(data, options, segkit::threads(3)) == found);
    auto other = options;
    other.seed = 4;
    CHECK(!(segkit::fit_pca(data, other) == found));
    for (const double unit : {1e-120, 1e120}) {
        auto other_unit = data;
        for (double& value : other_unit.values) value *= unit;
        const auto same = segkit::fit_pca(other_unit, options);
        for (std::size_t c = 0; c < 6; ++c) CHECK(support::close(same.explained_variance_ratio[c], exact.explained_variance_ratio[c], 1e-10));
    }
    const support::matrix few(2, {1, 2, 4, 3, 5, 9});    // there are no more directions than features
    CHECK(support::close(segkit::fit_pca(few, {.n_components = 1, .solver = pca_solver::randomised, .n_oversamples = static_cast<std::size_t>(-1)}).explained_variance[0],
                         segkit::fit_pca(few).explained_variance[0], 1e-12));
}

TEST_CASE("whitened scores have variance 1, and their inverse gives the points back") {
    const auto data = support::random_matrix(700, 5, 64);
    const auto model = segkit::fit_pca(data, {.scores = segkit::pca_scores::whitened});
    const auto plain = segkit::fit_pca(data);
    const auto scores = model.transformed(data);
    const auto summary = segkit::estimate(segkit::co_moments{}, scores.view());
    for (std::size_t a = 0; a < 5; ++a)
        for (std::size_t b = 0; b < 5; ++b) CHECK(support::close(summary.covariance(a, b, 1), a == b ? 1 : 0, 1e-12, 1e-12));
    support::matrix back(700, 5);
    model.inverse_transform(scores.view(), back.view());
    for (std::size_t i = 0; i < back.values.size(); ++i) CHECK(support::close(back.values[i], data.values[i], 1e-12, 1e-12));
    CHECK(model.components == plain.components);
    CHECK(model.loading(1, 2) == model.component(1, 2) * std::sqrt(model.explained_variance[1]));
    const support::matrix line(2, {0, 0, 1, 2, 2, 4});    // the second component has no variance, and is not divided by it
    const auto thin = segkit::fit_pca(line, {.scores = segkit::pca_scores::whitened});
    CHECK(std::fabs(thin.transformed(line).view()(2, 1)) < 1e-15);
}

TEST_CASE("reconstruction errors add up to the variance that is not explained") {
    const auto data = support::random_matrix(3001, 6, 65);
    const auto model = segkit::fit_pca(data, {.n_components = 2, .scores = segkit::pca_scores::whitened});
    const auto all = segkit::fit_pca(data);
    const auto errors = model.reconstruction_errors(data, segkit::threads(2));
    double sum = 0;
    for (double e : errors) sum += e;
    CHECK(support::close(sum / 3000, all.explained_variance[2] + all.explained_variance[3] + all.explained_variance[4] + all.explained_variance[5], 1e-11));
    support::matrix back(3001, 6);
    model.inverse_transform(model.transformed(data).view(), back.view());
    double last = 0;
    for (std::size_t j = 0; j < 6; ++j) last += (back(3000, j) - data(3000, j)) * (back(3000, j) - data(3000, j));
    CHECK(support::close(errors[3000], last, 1e-11));
    for (double e : all.reconstruction_errors(data)) REQUIRE(e < 1e-20);
}

TEST_CASE("each thing that PCA cannot do is said in its own words") {
    using segkit::error;
    using segkit::fit_pca;
    const auto data = support::random_matrix(50, 3, 66);
    const support::matrix constant(2, {1, 5, 1, 5, 1, 5});
    CHECK_THROWS_WITH_AS(fit_pca(support::matrix(0, 3)), doctest::Contains("empty input"), error);
    CHECK_THROWS_WITH_AS(fit_pca(data.view().row_range(0, 1)), doctest::Contains("too few rows"), error);
    CHECK_THROWS_WITH_AS(fit_pca(data.view().row_range(0, 2), {.n_components = 3}), doctest::Contains("at most 2, the lesser of 2 rows and 3 features"), error);
    for (double share : {-0.1, 1.01, 0.0 / 0.0}) CHECK_THROWS_WITH_AS(fit_pca(data, {.variance_share = share}), doctest::Contains("a share above 0 and up to 1"), error);
    CHECK_THROWS_WITH_AS(fit_pca(constant, {.variance_share = 0.9}), doctest::Contains("all features are constant"), error);
    CHECK_THROWS_WITH_AS(fit_pca(data, {.variance_share = 0.9, .solver = pca_solver::randomised}), doctest::Contains("choose another solver"), error);
    CHECK_THROWS_WITH_AS(segkit::estimate(pca_estimator{{.solver = pca_solver::svd}}, data), doctest::Contains("use pca_svd_estimator or fit_pca"), error);
    const auto model = fit_pca(data);
    CHECK_THROWS_WITH_AS(model.transformed(support::random_matrix(5, 4, 1)), doctest::Contains("found 4 features, expected 3"), error);
    CHECK_THROWS_WITH_AS(model.reconstruction_errors(support::random_matrix(5, 2, 1)), doctest::Contains("found 2 features, expected 3"), error);
    for (auto solver : {pca_solver::covariance, pca_solver::svd, pca_solver::randomised}) {
        support::check_rejects_bad_rows_of([&](const support::matrix& bad) { fit_pca(bad, {.solver = solver}); }, support::random_matrix(5003, 3, 63));
        support::check_rejects_bad_rows_of([&](const support::matrix& bad) { fit_pca(bad, {.solver = solver}); }, support::random_matrix(7, 20, 63));
    }
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
