#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <optional>

#include <segkit/cluster/detail/kmeans_core.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/prepare/detail/scale_core.hpp>

#include "../reference/numeric_reference.hpp"
#include "../support/estimator_laws.hpp"
#include "../support/failures.hpp"
#include "../support/real_rows.hpp"

using segkit::fit_kmeans;
using segkit::kmeans_init;

namespace {

double squared_distance(const support::matrix& data, std::size_t row, const segkit::kmeans_model& model, std::size_t cluster) {
    double sum = 0;
    for (std::size_t j = 0; j < data.columns; ++j) sum += (data(row, j) - model.centre(cluster, j)) * (data(row, j) - model.centre(cluster, j));
    return sum;
}

// What every fit promises: labels are the nearest centres, sizes and inertia theirs, larger clusters first.
void check_consistent(const segkit::kmeans_fit& fit, const support::matrix& data) {
    const auto& model = fit.model;
    REQUIRE(fit.labels.size() == data.rows);
    REQUIRE(model.n_clusters == fit.report.clusters_used);
    std::vector<std::size_t> sizes(model.n_clusters);
    double inertia = 0;
    bool nearest = true;
    for (std::size_t i = 0; i < data.rows; ++i) {
        const auto own = static_cast<std::size_t>(fit.labels[i]);
        ++sizes.at(own);
        inertia += squared_distance(data, i, model, own);
        for (std::size_t c = 0; c < model.n_clusters; ++c) nearest = nearest && squared_distance(data, i, model, own) <= squared_distance(data, i, model, c);
    }
    CHECK(nearest);
    CHECK(sizes == model.sizes);
    CHECK(support::close(inertia, model.inertia, 1e-12));
    CHECK(std::is_sorted(sizes.rbegin(), sizes.rend()));
    CHECK(model.predict(data) == fit.labels);
    CHECK(fit.report.inertia_per_iteration.back() == model.inertia);
    CHECK(fit.report.inertia_per_restart.size() == fit.report.restarts);
    CHECK(fit.report.inertia_per_restart[fit.report.best_restart] == model.inertia);
    CHECK(*std::min_element(fit.report.inertia_per_restart.begin(), fit.report.inertia_per_restart.end()) == model.inertia);
}

segkit::error_details failure_of(const support::matrix& data, const segkit::kmeans_options& options) {
    try {
        fit_kmeans(data, options, segkit::threads(2));
    } catch (const segkit::error& failure) {
        return failure.details();
    }
    return {.code = segkit::error_code::cannot_open, .stage = "no error"};
}

}  // namespace

TEST_CASE("from given centres, Lloyd's iteration is the peer's") {
    const auto points = reference::points();
    const std::vector<double> first(points.values.begin(), points.values.begin() + 5 * reference::columns);
    const auto fit = fit_kmeans(points, {.n_clusters = 5, .tol = 0, .init = kmeans_init::given, .labels = segkit::kmeans_labels::as_given, .centres = first});
    for (std::size_t i = 0; i < fit.model.centres.size(); ++i) CHECK(support::close(fit.model.centres[i], reference::lloyd_centres[i], 1e-12, 1e-12));
    CHECK(support::close(fit.model.inertia, reference::lloyd_inertia, 1e-12));
    CHECK(static_cast<double>(fit.report.iterations) == reference::lloyd_iterations);
    CHECK(fit.report.stopped == segkit::kmeans_stop::converged);
    CHECK(fit.report.restarts == 1);
}

TEST_CASE("given centres far from all points cost no digits") {
    const double values[] = {0.1, 0.2, 0.4, 0.7, 1.1};
    const auto fit = segkit::fit_kmeans(segkit::row_major(values, 5, 1), {.n_clusters = 1, .init = segkit::kmeans_init::given, .centres = {1e12}});
    CHECK(fit.model.centres[0] == doctest::Approx(0.5).epsilon(1e-14));
    CHECK(fit.model.inertia == doctest::Approx(0.66).epsilon(1e-14));
}

TEST_CASE("every seed and every way to begin finds the peer's best, and labels, sizes and inertia fit together") {
    const auto points = reference::points();
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const auto fit = fit_kmeans(points, {.n_clusters = reference::clusters, .n_init = 60, .tol = 0, .seed = seed});
        CHECK(support::close(fit.model.inertia, reference::best_inertia, 1e-12));
        check_consistent(fit, points);
        check_consistent(fit_kmeans(points, {.n_clusters = 7, .n_init = 3, .seed = seed, .init = kmeans_init::random}), points);
        check_consistent(fit_kmeans(points, {.n_clusters = 6, .n_init = 4, .seed = seed, .search = segkit::kmeans_search::restarts}), points);
    }
}

TEST_CASE("inertia never grows from one assignment to the next") {
    const auto data = support::random_matrix(3000, 3, 71);
    const auto fit = fit_kmeans(data, {.n_clusters = 9, .n_init = 1, .tol = 0});
    const auto& history = fit.report.inertia_per_iteration;
    REQUIRE(history.size() > 3);
    for (std::size_t i = 1; i < history.size(); ++i) CHECK(history[i] <= history[i - 1] * (1 + 1e-12));
}

TEST_CASE("the same bits for 1, 2, 3 and 7 threads, small data and large") {
    for (std::size_t rows : {std::size_t{5003}, std::size_t{180000}}) {    // restarts side by side; rows side by side
        const auto data = support::blobs(rows, 3, 6, 72, 4.0);
        const segkit::kmeans_options options{.n_clusters = 6, .n_init = 3, .max_iter = 6, .seed = 9};
        const auto serial = fit_kmeans(data, options);
        for (unsigned count : {2u, 3u, 7u}) {
            const auto threaded = fit_kmeans(data, options, segkit::threads(count));
            CHECK(threaded.model == serial.model);
            CHECK(threaded.labels == serial.labels);
            CHECK(threaded.report.inertia_per_restart == serial.report.inertia_per_restart);
            CHECK(threaded.report.inertia_per_iteration == serial.report.inertia_per_iteration);
        }
        const support::transposed features(data);
        CHECK(fit_kmeans(features, options).model == serial.model);
    }
}

TEST_CASE("one pass is an estimator that keeps the laws, and passes in pieces lead to the same centres") {
    const auto data = support::blobs(5003, 3, 4, 73, 5.0);
    segkit::detail::lloyd_spec spec{{data.values.begin(), data.values.begin() + 12}, 4, 300, 0};
    auto iterate = segkit::detail::lloyd::init(spec);
    auto close_states = [](const auto& a, const auto& b) {
        bool same = a.rows == b.rows && a.counts == b.counts && a.farthest == b.farthest && support::close(a.inertia, b.inertia, 1e-12);
        for (std::size_t i = 0; i < a.sums.size(); ++i) same = same && support::close(a.sums[i], b.sums[i], 1e-10, 1e-9);
        return same;
    };
    support::check_estimator_laws(segkit::detail::lloyd::pass(iterate), data, close_states);
    iterate.repairing = true;
    support::check_estimator_laws(segkit::detail::lloyd::pass(iterate), data, close_states);
    iterate.repairing = false;

    while (!iterate.done) iterate = segkit::detail::lloyd::step(iterate, segkit::estimate_state(segkit::detail::lloyd::pass(iterate), data, segkit::threads(2)));
    const auto resident = segkit::detail::lloyd_to_end(segkit::detail::tiled_matrix<double>("kmeans", data, segkit::serial{}), segkit::detail::lloyd::init(spec), segkit::serial{});
    CHECK(iterate.spec.centres == resident.spec.centres);
    REQUIRE(iterate.inertia_history.size() == resident.inertia_history.size());    // the sums of resident points go by changed rows on the way
    for (std::size_t i = 0; i < resident.inertia_history.size(); ++i) CHECK(support::close(iterate.inertia_history[i], resident.inertia_history[i], 1e-12));
    CHECK(iterate.inertia_history.back() == resident.inertia_history.back());
}

TEST_CASE("an empty cluster takes the farthest point of a cluster with more than one") {
    const support::matrix data(1, {0, 1, 2, 10, 11, 12, 50});
    // No point is nearest to the last two centres.
    const auto fit = fit_kmeans(data, {.n_clusters = 4, .tol = 0, .init = kmeans_init::given, .centres = {1, 11, -1000, 1000}});
    CHECK(fit.report.repaired_clusters >= 2);
    CHECK(std::find(fit.model.sizes.begin(), fit.model.sizes.end(), std::size_t{0}) == fit.model.sizes.end());
    CHECK(std::find(fit.model.centres.begin(), fit.model.centres.end(), 50.0) != fit.model.centres.end());
    check_consistent(fit, data);

    // The farthest point is alone in its cluster and stays there.
    segkit::detail::lloyd_iterate iterate = segkit::detail::lloyd::init({{40, 1, 1000}, 3, 300, 0});
    const support::matrix few(1, {60, 0, 1, 3});
    while (!iterate.repairing) iterate = segkit::detail::lloyd::step(iterate, segkit::estimate_state(segkit::detail::lloyd::pass(iterate), few));
    iterate = segkit::detail::lloyd::step(iterate, segkit::estimate_state(segkit::detail::lloyd::pass(iterate), few));
    CHECK(iterate.spec.centres == std::vector<double>{60, 0.5, 3});
    CHECK(iterate.repaired == 1);
}

TEST_CASE("fewer distinct points than clusters lower their number, and say so") {
    support::matrix data(100, 2);
    for (std::size_t i = 0; i < data.rows; ++i) data(i, 0) = data(i, 1) = i % 10 < 7 ? 1 : i % 10 < 9 ? 2 : 3;
    const auto fit = fit_kmeans(data, {.n_clusters = 8});
    CHECK(fit.report.clusters_asked == 8);
    CHECK(fit.report.clusters_used == 3);
    CHECK(fit.report.clusters_lowered());
    CHECK(fit.report.stopped == segkit::kmeans_stop::all_distinct);
    CHECK(fit.model.inertia == 0);
    CHECK(fit.model.sizes == std::vector<std::size_t>{70, 20, 10});
    check_consistent(fit, data);
    const auto exact = fit_kmeans(data, {.n_clusters = 3});
    CHECK(!exact.report.clusters_lowered());
    CHECK(exact.model.inertia == 0);
    check_consistent(fit_kmeans(data, {.n_clusters = 3, .init = kmeans_init::random}), data);
    check_consistent(fit_kmeans(support::matrix(2, {5, 5}), {.n_clusters = 2}), support::matrix(2, {5, 5}));
}

TEST_CASE("clusters are numbered by size, equal sizes by centre, and points half-way do not depend on the numbers") {
    // Two clusters of two, one of three.
    const support::matrix data(1, {20, 21, 0, 1, 40, 41, 42});
    const auto fit = fit_kmeans(data, {.n_clusters = 3});
    CHECK(fit.model.centres == std::vector<double>{41, 0.5, 20.5});
    CHECK(fit.labels == std::vector<std::int32_t>{2, 2, 1, 1, 0, 0, 0});
    const segkit::kmeans_model one_way{2, 1, {4, 6}, {}, 0}, other_way{2, 1, {6, 4}, {}, 0};
    const support::matrix middle(1, {5});
    CHECK(one_way.predict(middle)[0] == 0);
    CHECK(other_way.predict(middle)[0] == 1);    // the centre 4 in both
    const auto as_given = fit_kmeans(data, {.n_clusters = 3, .init = kmeans_init::given, .labels = segkit::kmeans_labels::as_given, .centres = {20, 40, 0}});
    CHECK(as_given.model.centres == std::vector<double>{20.5, 41, 0.5});
}

TEST_CASE("predictions come with the distances to the nearest and the second nearest centre") {
    const segkit::kmeans_model model{3, 2, {0, 0, 3, 4, 100, 0}, {}, 0};
    const support::matrix rows(2, {0, 0, 3, 3, 90, 0});
    const auto found = model.predict_with_distances(rows);
    CHECK(found.labels == std::vector<std::int32_t>{0, 1, 2});
    CHECK(found.distance == std::vector<double>{0, 1, 10});
    CHECK(found.second_distance[0] == 5);
    CHECK(found.second_distance[1] == doctest::Approx(std::sqrt(18.0)));
    const segkit::kmeans_model alone{1, 2, {0, 0}, {}, 0};
    CHECK(std::isinf(alone.predict_with_distances(rows).second_distance[0]));
    CHECK_THROWS_WITH_AS(model.predict(support::matrix(1, {1})), doctest::Contains("1 features, expected 2"), segkit::error);
    CHECK(support::roundtrip(model) == model);

    const std::vector<float> values(rows.values.begin(), rows.values.end());
    const auto in_float = segkit::row_major(values.data(), rows.rows, rows.columns);
    CHECK(model.predict_with_distances(in_float).distance == found.distance);
    CHECK(model.transform(in_float) == model.transform(rows));
    CHECK(model.score(in_float) == model.score(rows));
}

TEST_CASE("a row that is near to no centre has no label: NaN, infinity, or squares that overflow") {
    const segkit::kmeans_model model{2, 2, {0, 0, 3, 4}, {}, 0};
    const auto check_refused = [&](double value, segkit::error_code code, std::optional<std::size_t> row) {
        support::matrix rows(2, {0, 0, 1, value});
        const std::vector<float> rounded(rows.values.begin(), rows.values.end());
        const auto in_float = segkit::row_major(rounded.data(), rows.rows, rows.columns);
        const auto check = [&](auto&& call) {
            const auto failure = support::failure_of(call);
            CHECK(failure.code == code);
            CHECK(failure.stage == "kmeans");
            CHECK(failure.row == row);
        };
        check([&] { return model.predict(rows); });
        check([&] { return model.predict(in_float); });
        check([&] { return model.predict_with_distances(rows); });
        check([&] { return model.transform(rows); });
        check([&] { return model.transform(in_float); });
        check([&] { return model.score(rows); });
    };
    check_refused(std::numeric_limits<double>::quiet_NaN(), segkit::error_code::not_a_number, 1);
    check_refused(-std::numeric_limits<double>::infinity(), segkit::error_code::not_a_number, 1);
    const support::matrix far(2, {0, 0, 1, 1e200});
    CHECK_THROWS_WITH_AS(model.predict(far), doctest::Contains("squares overflow"), segkit::error);
}

TEST_CASE("stopping early is an outcome, not an error") {
    const auto data = support::random_matrix(2000, 2, 74);
    const auto stopped = fit_kmeans(data, {.n_clusters = 10, .n_init = 2, .max_iter = 2, .tol = 0});
    CHECK(stopped.report.stopped == segkit::kmeans_stop::max_iterations);
    CHECK(!stopped.report.converged());
    CHECK(stopped.report.iterations == 2);
    check_consistent(stopped, data);
    const auto tolerant = fit_kmeans(data, {.n_clusters = 10, .n_init = 2, .tol = 0.5});
    CHECK(tolerant.report.stopped == segkit::kmeans_stop::tolerance);
    check_consistent(tolerant, data);
}

TEST_CASE("a row of weight three is three rows") {
    const auto data = support::blobs(3000, 3, 5, 76, 5.0);
    support::matrix repeated;
    repeated.columns = data.columns;
    std::vector<double> weights(data.rows);
    for (std::size_t i = 0; i < data.rows; ++i) {
        weights[i] = i % 3 == 0 ? 3 : 1;
        for (double copy = 0; copy < weights[i]; ++copy, ++repeated.rows)
            for (std::size_t j = 0; j < data.columns; ++j) repeated.values.push_back(data(i, j));
    }
    const segkit::kmeans_options options{.n_clusters = 5, .tol = 0, .init = kmeans_init::given, .centres = {data.values.begin(), data.values.begin() + 15}};
    const auto weighted = fit_kmeans(data, segkit::row_weights(weights), options), plain = fit_kmeans(repeated, options);
    CHECK(weighted.report.iterations == plain.report.iterations);
    CHECK(support::close(weighted.model.inertia, plain.model.inertia, 1e-12));
    for (std::size_t i = 0; i < plain.model.centres.size(); ++i) CHECK(support::close(weighted.model.centres[i], plain.model.centres[i], 1e-12, 1e-12));
    for (std::size_t c = 0; c < 5; ++c) CHECK(weighted.report.cluster_weights[c] == static_cast<double>(plain.model.sizes[c]));
    CHECK(weighted.labels == weighted.model.predict(data));

    const std::vector<double> same(data.rows, 0.25);
    const auto drawn = fit_kmeans(data, segkit::row_weights(same), {.n_clusters = 5, .n_init = 4, .seed = 3});
    const auto threaded = fit_kmeans(data, segkit::row_weights(same), {.n_clusters = 5, .n_init = 4, .seed = 3}, segkit::threads(3));
    CHECK(drawn.model == threaded.model);
    CHECK(support::close(4 * drawn.model.inertia, fit_kmeans(data, {.n_clusters = 5, .n_init = 4, .seed = 3}).model.inertia, 1e-12));
    // Nearly all weight on two far rows puts a centre at each.
    std::vector<double> heavy(data.rows, 1e-9);
    heavy[10] = heavy[11] = 1e9;
    const auto at_both = fit_kmeans(data, segkit::row_weights(heavy), {.n_clusters = 2, .n_init = 1, .tol = 0});
    CHECK(at_both.model.predict(data)[10] != at_both.model.predict(data)[11]);
}

TEST_CASE("a callback is told of every assignment, and ends the fit with the best so far") {
    const auto data = support::random_matrix(2000, 2, 77);
    std::vector<segkit::kmeans_progress> seen;
    const auto fit = fit_kmeans(data, {.n_clusters = 6, .n_init = 2, .tol = 0, .progress = [&](const segkit::kmeans_progress& p) { seen.push_back(p); }}, segkit::threads(2));
    CHECK(fit.model == fit_kmeans(data, {.n_clusters = 6, .n_init = 2, .tol = 0}).model);
    const auto& report = fit.report;
    CHECK(report.moved_rows_per_iteration.size() == report.inertia_per_iteration.size());
    CHECK(report.moved_rows_per_iteration[0] == data.rows);
    CHECK(report.shift_per_iteration.size() == report.iterations);
    std::size_t told = 0;
    for (const auto& p : seen) {
        if (p.restart != report.best_restart) continue;
        CHECK(p.restarts == 2);
        CHECK(p.inertia == report.inertia_per_iteration[told]);
        CHECK(p.moved_rows == report.moved_rows_per_iteration[told]);
        ++told;
    }
    CHECK(told == report.inertia_per_iteration.size());

    const auto stopped = fit_kmeans(data, {.n_clusters = 6, .n_init = 5, .tol = 0, .progress = [](const segkit::kmeans_progress& p) { return p.restart == 0 || p.iteration < 3; }});
    CHECK(stopped.report.stopped == segkit::kmeans_stop::cancelled);
    CHECK(!stopped.report.converged());
    CHECK(stopped.report.restarts == 2);
    check_consistent(stopped, data);
}

TEST_CASE("bad options and bad rows are refused by name and place") {
    using segkit::error_code;
    support::matrix data = support::random_matrix(3000, 2, 75);
    CHECK(failure_of(data, {.n_clusters = 0}).field == "n_clusters");
    CHECK(failure_of(data, {.n_init = 0}).field == "n_init");
    CHECK(failure_of(data, {.max_iter = 0}).field == "max_iter");
    CHECK(failure_of(data, {.tol = -1}).field == "tol");
    CHECK(failure_of(data, {.tol = 0.0 / 0.0}).field == "tol");
    CHECK(failure_of(data, {.n_clusters = 2, .init = kmeans_init::given, .centres = {1, 2, 3}}).expected == "2 centres of 2 features");
    CHECK(failure_of(data, {.n_clusters = 1, .init = kmeans_init::given, .centres = {1, 0.0 / 0.0}}).field == "centres");
    CHECK(failure_of(data, {.n_clusters = 1, .centres = {1, 2}}).code == error_code::invalid_option);
    CHECK(failure_of(support::matrix(0, 2), {}).code == error_code::empty_input);
    const auto weighing = [&](std::vector<double> weights) {
        try {
            fit_kmeans(data, segkit::row_weights(weights), {.n_clusters = 2});
        } catch (const segkit::error& failure) {
            return std::string(failure.what());
        }
        return std::string("no error");
    };
    std::vector<double> weights(data.rows, 1);
    CHECK(weighing({1, 2}) == "kmeans: invalid option in 'weights': found 2 weights, expected 3000, one for each row");
    for (const double bad : {0.0, -1.0, 0.0 / 0.0, HUGE_VAL}) {
        weights[7] = bad;
        CHECK(weighing(weights).find("kmeans: invalid option in 'weights' at row 7: found ") == 0);
    }
    data(2500, 1) = 0.0 / 0.0;
    const auto nan = failure_of(data, {});
    CHECK(nan.code == error_code::not_a_number);
    CHECK(nan.stage == "kmeans");
    CHECK(nan.row == 2500u);
    CHECK(nan.column == 2u);
}

TEST_CASE("the best known clusterings of 5,998 customers on five perk features") {
    const auto metrics = support::real_rows("seed-003/metrics.csv.gz");
    if (!metrics) return;
    auto data = support::perk_features(*metrics);
    segkit::estimate(segkit::standard_scale_estimator{}, data).transform(data, data.view());
    const double best_known[] = {23408.328, 18719.929, 14943.916, 12657.5015, 11246.619, 10121.287, 9282.239};
    const segkit::threads pool(2);
    for (std::size_t k = 2; k <= 8; ++k) {
        for (std::uint64_t seed : {0u, 42u}) {
            const auto fit = fit_kmeans(data, {.n_clusters = k, .n_init = 100, .tol = 0, .seed = seed}, pool);
            CHECK(fit.model.inertia <= best_known[k - 2] * (1 + 1e-4));
            if (k != 5) continue;
            CHECK(fit.model.sizes == std::vector<std::size_t>{1533, 1487, 1371, 1069, 538});
            CHECK(std::fabs(fit.model.inertia - 12657.5015) < 0.001);    // a near tie at 12657.596 must lose
        }
    }
}
