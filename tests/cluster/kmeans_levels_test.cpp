#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <vector>

#include <segkit/cluster/detail/kmeans_core.hpp>
#include <segkit/exec/threads.hpp>

#include "../support/matrices.hpp"
#include "../support/simd_levels.hpp"

namespace sk = segkit;

namespace {

bool close(double a, double b, double relative) { return std::fabs(a - b) <= relative * std::fabs(b); }

}  // namespace

TEST_CASE("every level has the same labels, and centres within rounding; at one level any number of threads has the same bits") {
    const auto data = support::blobs(9001, 5, 7, 31, 4.0);
    const std::vector<float> rounded(data.values.begin(), data.values.end());
    const auto floats = sk::row_major<const float>(rounded.data(), data.rows, data.columns);
    const sk::kmeans_options options{.n_clusters = 7, .n_init = 3, .tol = 0, .seed = 5};
    std::optional<sk::kmeans_fit> first, first_float;
    support::at_every_simd_level([&](sk::instruction_set level) {
        CAPTURE(to_string(level));
        const auto fit = sk::fit_kmeans(data, options), of_floats = sk::fit_kmeans(floats, options);
        for (unsigned count : {2u, 3u, 7u}) {
            CHECK(sk::fit_kmeans(data, options, sk::threads(count)).model == fit.model);
            CHECK(sk::fit_kmeans(floats, options, sk::threads(count)).model == of_floats.model);
        }
        if (!first) {
            first = fit;
            first_float = of_floats;
        }
        CHECK(fit.labels == first->labels);
        CHECK(close(fit.model.inertia, first->model.inertia, 1e-12));
        CHECK(close(of_floats.model.inertia, first_float->model.inertia, 1e-6));
#if defined(SEGKIT_EXACT_LEVELS)    // compiled with -ffp-contract=off
        CHECK(fit.model == first->model);
        CHECK(of_floats.model == first_float->model);
#endif
    });
}

TEST_CASE("more than 256 clusters have labels of their own width") {
    const auto data = support::random_matrix(3000, 2, 33);
    const auto fit = sk::fit_kmeans(data, {.n_clusters = 300, .n_init = 1, .tol = 0});
    CHECK(fit.model.n_clusters == 300);
    CHECK(*std::max_element(fit.labels.begin(), fit.labels.end()) == 299);
    CHECK(fit.model.predict(data) == fit.labels);
}

TEST_CASE("a far outlier that leaves a cluster leaves no rounding behind") {
    support::matrix data(4000, 1);
    const sk::counter_random random(6, 1);
    for (std::size_t i = 0; i < data.rows; ++i) data(i, 0) = random.uniform(i) + (i % 2 ? 3.0 : 0.0);
    data(17, 0) = 1e18;
    // The outlier is at first nearest to the middle centre, and then takes it along.
    const auto fit = sk::fit_kmeans(data, {.n_clusters = 3, .tol = 0, .init = sk::kmeans_init::given, .centres = {0, 3, 3.5}});
    double low = 0, high = 0, lows = 0, highs = 0;
    for (std::size_t i = 0; i < data.rows; ++i) {
        if (data(i, 0) > 1e9) continue;
        (data(i, 0) < 2 ? low : high) += data(i, 0);
        (data(i, 0) < 2 ? lows : highs) += 1;
    }
    std::vector<double> centres = fit.model.centres;
    std::sort(centres.begin(), centres.end());
    CHECK(close(centres[0], low / lows, 1e-12));
    CHECK(close(centres[1], high / highs, 1e-12));
    CHECK(centres[2] == 1e18);
}

TEST_CASE("distances to all centres, and the inertia of other rows") {
    const sk::kmeans_model model{3, 2, {0, 0, 3, 4, 100, 0}, {}, 0};
    const support::matrix rows(2, {0, 0, 3, 3, 90, 0});
    const auto distances = model.transform(rows);
    REQUIRE(distances.size() == 9);
    CHECK(distances[0] == 0);
    CHECK(distances[1] == 5);
    CHECK(distances[2] == 100);
    CHECK(distances[4] == 1);
    CHECK(distances[8] == 10);
    CHECK(model.score(rows) == 101);
    const auto data = support::blobs(5000, 3, 4, 8);
    const auto fit = sk::fit_kmeans(data, {.n_clusters = 4});
    CHECK(close(fit.model.score(data, sk::threads(2)), fit.model.inertia, 1e-12));
    const auto labels = fit.model.predict(data);
    const auto all = fit.model.transform(data);
    for (std::size_t i = 0; i < data.rows; i += 97)
        CHECK(std::min_element(&all[i * 4], &all[i * 4] + 4) - &all[i * 4] == labels[i]);
}

TEST_CASE("labels found by coarse points are the exact ones: near ties, outliers, copies, offsets, a constant feature, columns instead of rows") {
    auto check = [](const support::matrix& data, std::size_t k) {
        const std::vector<float> rounded(data.values.begin(), data.values.end());
        auto fit = [&]<class T>(sk::matrix_view<const T> rows, sk::detail::tiling tiles) {
            const sk::kmeans_options options{.n_clusters = k, .max_iter = 12, .tol = 0, .init = sk::kmeans_init::given, .centres = {data.values.begin(), data.values.begin() + static_cast<std::ptrdiff_t>(k * data.columns)}};
            const sk::kmeans_fit result = sk::detail::fit_kmeans_to(sk::detail::tiled_matrix<T>("kmeans", rows, sk::serial{}, tiles), options, sk::serial{});
            return std::tuple(result.model, result.labels, result.report.inertia_per_iteration);
        };
        using sk::detail::tiling;
        CHECK(fit(data.view(), tiling::on_demand) == fit(sk::matrix_view<const double>(data), tiling::exact));
        const support::transposed features(data);
        CHECK(fit(sk::matrix_view<const double>(features), tiling::resident) == fit(sk::matrix_view<const double>(data), tiling::exact));
        const auto floats = sk::row_major<const float>(rounded.data(), data.rows, data.columns);
        CHECK(fit(floats, tiling::on_demand) == fit(floats, tiling::exact));
    };
    auto grid = support::random_matrix(5000, 2, 81);
    for (double& value : grid.values) value = std::round(4 * value) / 4;    // many points half-way between centres
    check(grid, 9);
    for (std::size_t columns : {1u, 3u, 8u, 17u}) {
        auto data = support::random_matrix(4500, columns, 82);
        check(data, 30);
        for (std::size_t i = 0; i < data.rows; i += 50) data(i, columns - 1) = 1e6 * static_cast<double>(i % 7);
        check(data, 7);
        for (std::size_t i = 0; i < data.rows; ++i) data(i, 0) = i % 1000 == 999 ? 8.0 : 7.0;
        if (columns > 1) check(data, 5);
    }
    auto far = support::blobs(4500, 4, 5, 83, 4.0);
    for (double& value : far.values) value += 1e7;
    check(far, 5);
}
