#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <segkit/cluster/detail/kmeans_core.hpp>
#include <segkit/evaluate/silhouette.hpp>
#include <segkit/exec/threads.hpp>

#include "../reference/kmeans_reference.hpp"
#include "../support/simd_levels.hpp"

namespace sk = segkit;

namespace {

bool close(double a, double b, double relative) { return std::fabs(a - b) <= relative * std::fabs(b); }

sk::kmeans_options from_rows(const reference::kmeans_case& peer, const support::matrix& points) {
    sk::kmeans_options options{.n_clusters = peer.clusters, .tol = 0, .init = sk::kmeans_init::given, .labels = sk::kmeans_labels::as_given};
    for (std::size_t row : peer.first)
        for (std::size_t j = 0; j < points.columns; ++j) options.centres.push_back(points(row, j));
    return options;
}

}  // namespace

TEST_CASE("from the same centres, labels and inertia are scikit-learn's on data sets of every kind, at every level") {
    REQUIRE(reference::kmeans_cases.size() >= 15);
    support::at_every_simd_level([](sk::instruction_set level) {
        for (const reference::kmeans_case& peer : reference::kmeans_cases) {
            CAPTURE(peer.name);
            CAPTURE(to_string(level));
            const support::matrix points = peer.points();
            const auto fit = sk::fit_kmeans(points, from_rows(peer, points));
            CHECK(fit.report.repaired_clusters == 0);
            CHECK(fit.labels == peer.labels);
            CHECK(close(fit.model.inertia, peer.inertia, 1e-10));
            if (peer.silhouette != 0) CHECK(close(sk::silhouette(points, fit.labels).mean, peer.silhouette, 1e-12));
        }
    });
}

TEST_CASE("points in float give scikit-learn's labels and, to the precision of float, its inertia") {
    for (const reference::kmeans_case& peer : reference::kmeans_cases) {
        if (peer.shift != 0) continue;    // float does not hold these points
        CAPTURE(peer.name);
        const support::matrix points = peer.points();
        const std::vector<float> rounded(points.values.begin(), points.values.end());
        const auto view = sk::row_major<const float>(rounded.data(), points.rows, points.columns);
        const auto fit = sk::fit_kmeans(view, from_rows(peer, points));
        CHECK(fit.labels == peer.labels);
        CHECK(close(fit.model.inertia, peer.inertia, 1e-5));
        CHECK(fit.model.predict(view) == fit.labels);
    }
}
