// PCA against scikit-learn on the data sets of the k-means reference: by covariance at every level of instructions, by singular values, in float.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/decompose/detail/pca_core.hpp>
#include <segkit/exec/threads.hpp>

#include "../reference/kmeans_reference.hpp"
#include "../reference/pca_reference.hpp"
#include "../support/simd_levels.hpp"

namespace sk = segkit;

namespace {

support::matrix points_of(const reference::pca_case& peer) {
    for (const reference::kmeans_case& c : reference::kmeans_cases) {
        if (std::string_view(c.name) != peer.points) continue;
        support::matrix x = c.points();
        x.rows = peer.rows;
        x.values.resize(x.rows * x.columns);
        return x;
    }
    return {};
}

// Variances to `tolerance` of the largest, loadings to the same over the gap that makes them unique, scores to that of the widest.
void check_model(const sk::pca_model& model, sk::matrix_view<const double> last, const reference::pca_case& peer, double tolerance) {
    const double largest = peer.variance[0];
    REQUIRE(model.n_components == peer.variance.size());
    for (std::size_t c = 0; c < model.n_components; ++c) CHECK(support::close(model.explained_variance[c], peer.variance[c], 0, tolerance * largest));
    const auto scores = model.transformed(last);
    for (std::size_t c = 0; c < peer.last_scores.size(); ++c) {
        for (std::size_t j = 0; j < model.n_features; ++j) CHECK(support::close(model.component(c, j), peer.components[c * model.n_features + j], 0, tolerance));
        CHECK(support::close(scores.view()(0, c), peer.last_scores[c], 0, tolerance * (std::fabs(peer.last_scores[c]) + 3 * std::sqrt(largest))));
    }
}

}  // namespace

TEST_CASE("variances, components and scores are the peer's on sixteen kinds of data, by each exact solver") {
    REQUIRE(reference::pca_cases.size() >= 16);
    for (const reference::pca_case& peer : reference::pca_cases) {
        CAPTURE(std::string(peer.name));
        const support::matrix points = points_of(peer);
        REQUIRE(points.rows == peer.rows);
        const auto last = points.view().row_range(points.rows - 1, 1);
        support::at_every_simd_level([&](sk::instruction_set level) {
            CAPTURE(to_string(level));
            check_model(sk::fit_pca(points, {.solver = sk::pca_solver::covariance}), last, peer, 1e-9);
        });
        const auto by_values = sk::fit_pca(points, {.solver = sk::pca_solver::svd});
        check_model(by_values, last, peer, 1e-9);
        check_model(sk::fit_pca(points, {}, sk::threads(2)), last, peer, 1e-9);
        if (std::string_view(peer.name) == "large_offset") continue;    // float has no digits there
        std::vector<float> narrow(points.values.begin(), points.values.end());
        check_model(sk::fit_pca(sk::row_major<const float>(narrow.data(), points.rows, points.columns)), last, peer, 1e-5);
    }
}
