#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <segkit/cluster/bisecting_kmeans.hpp>
#include <segkit/cluster/mini_batch_kmeans.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/prepare/inverse.hpp>
#include <segkit/query.hpp>

#include "../support/estimator_laws.hpp"
#include "../support/failures.hpp"
#include "../support/simd_levels.hpp"

namespace sk = segkit;
using namespace sk::literals;
using support::message_of;

namespace {

// Labels are those of the model, sizes and inertia theirs, larger clusters first.
template <class Fit>
void check_consistent(const Fit& fit, const support::matrix& data) {
    REQUIRE(fit.labels.size() == data.rows);
    CHECK(fit.model.predict(data) == fit.labels);
    CHECK(support::close(fit.model.score(data), fit.model.inertia, 1e-12));
    CHECK(fit.report.inertia == fit.model.inertia);
    std::vector<std::size_t> sizes(fit.model.n_clusters);
    for (std::int32_t label : fit.labels) ++sizes[static_cast<std::size_t>(label)];
    CHECK(sizes == fit.model.sizes);
    CHECK(std::is_sorted(fit.report.cluster_weights.rbegin(), fit.report.cluster_weights.rend()));
}

}  // namespace

TEST_CASE("mini batches come near the inertia of k-means, with the same bits on any threads") {
    const auto data = support::blobs(30'000, 4, 6, 91, 4.0);
    const auto full = sk::fit_kmeans(data, {.n_clusters = 6, .n_init = 4});
    const sk::mini_batch_kmeans_options options{.n_clusters = 6, .batch_size = 3000, .seed = 2};
    const auto fit = sk::fit_mini_batch_kmeans(data, options);
    check_consistent(fit, data);
    CHECK(fit.model.inertia < 1.05 * full.model.inertia);
    CHECK(fit.report.batches == fit.report.inertia_per_batch.size());
    CHECK(fit.report.stopped == sk::kmeans_stop::no_improvement);
    for (unsigned count : {2u, 3u, 7u}) {
        const auto threaded = sk::fit_mini_batch_kmeans(data, options, sk::threads(count));
        CHECK(threaded.model == fit.model);
        CHECK(threaded.labels == fit.labels);
        CHECK(threaded.report.inertia_per_batch == fit.report.inertia_per_batch);
    }
    const std::vector<float> rounded(data.values.begin(), data.values.end());
    CHECK(sk::fit_mini_batch_kmeans(sk::row_major<const float>(rounded.data(), data.rows, data.columns), options).model.inertia < 1.05 * full.model.inertia);
    const std::vector<double> twos(data.rows, 2.0);
    CHECK(support::close(sk::fit_mini_batch_kmeans(data, sk::row_weights(twos), {.n_clusters = 6, .init = sk::kmeans_init::given, .centres = full.model.centres}).model.inertia,
                         2 * sk::fit_mini_batch_kmeans(data, {.n_clusters = 6, .init = sk::kmeans_init::given, .centres = full.model.centres}).model.inertia, 1e-12));
    const auto weighted = [&](auto rows) { return sk::fit_mini_batch_kmeans(rows, sk::row_weights(twos), options).model.inertia; };
    CHECK(support::close(weighted(sk::row_major<const float>(rounded.data(), data.rows, data.columns)), weighted(sk::row_major<const double>(data.values.data(), data.rows, data.columns)), 0.1));
    for (const std::size_t most : {std::size_t{1} << 62, static_cast<std::size_t>(-1)})    // batches without end
        CHECK(sk::fit_mini_batch_kmeans(data, {.n_clusters = 6, .batch_size = 3000, .max_iter = most, .seed = 2}).model == fit.model);
    std::size_t told = 0;
    const auto cancelled = sk::fit_mini_batch_kmeans(data, {.n_clusters = 6, .progress = [&](const sk::kmeans_progress& p) { return ++told, p.iteration < 4; }});
    CHECK(told == 4);
    CHECK(cancelled.report.stopped == sk::kmeans_stop::cancelled);
    check_consistent(cancelled, data);
    CHECK(summarise(sk::fit_kmeans(data, {.n_clusters = 6, .progress = [](const sk::kmeans_progress&) { return false; }}).report).notes == std::vector<std::string>{"ended by the callback"});
}

TEST_CASE("a state of mini batches is the mean of what each centre was given, saves, and merges cluster by cluster") {
    const support::matrix first(1, {0, 1, 10, 12}), second(1, {2, 14, 16});
    sk::mini_batch_state state({0.0, 10.0}, 1);
    CHECK(state.update(first) == 0 + 1 + 0 + 4);
    CHECK(state.centres == std::vector<double>{0.5, 11});
    sk::mini_batch_state other({0.0, 10.0}, 1), whole = state;
    other.update(second);
    whole.update(second);
    CHECK(other.centres == std::vector<double>{2, 15});
    state.merge(other);
    CHECK(state.weights == std::vector<double>{3, 4});
    CHECK(support::close(state.centres[0], 1, 1e-15));
    CHECK(state.centres[1] == 13);
    CHECK(whole.weights == state.weights);    // here both assign alike
    CHECK(support::close(whole.centres[0], 1, 1e-15));
    const auto before = state;
    state.merge(sk::mini_batch_state({5.0, 6.0}, 1));    // that has seen nothing
    CHECK(state == before);
    CHECK(support::roundtrip(state) == state);
    CHECK(state.model().predict(second) == std::vector<std::int32_t>{0, 1, 1});
    CHECK(message_of([&] { state.update(support::matrix(2, {1, 2})); }) == "mini_batch_kmeans: incompatible model: found 2 features, expected 1; use the features of the fit, in their order");
    CHECK(message_of([&] { sk::mini_batch_state({1.0, 2.0, 3.0}, 2); }) == "mini_batch_kmeans: invalid option in 'centres': found 3 values, expected whole centres of 2 features");

    // A centre that is nearest to nothing takes the farthest row.
    sk::mini_batch_state lost({0.0, 1000.0}, 1);
    lost.update(first);
    CHECK(lost.centres[1] == 12);
}

TEST_CASE("bisecting splits by inertia or by size, and its clusters are those of its centres") {
    // One wide cloud of few rows, one narrow of many.
    support::matrix data(1300, 2);
    const sk::counter_random random(4, 9);
    for (std::size_t i = 0; i < data.rows; ++i)
        for (std::size_t j = 0; j < 2; ++j) data(i, j) = i < 300 ? 100 + 60 * random.uniform(2 * i + j) : random.uniform(2 * i + j);
    const auto wide = sk::fit_bisecting_kmeans(data, {.n_clusters = 4, .seed = 1});
    const auto many = sk::fit_bisecting_kmeans(data, {.n_clusters = 4, .split = sk::bisecting_split::by_size, .seed = 1});
    check_consistent(wide, data);
    check_consistent(many, data);
    CHECK(wide.model.sizes[0] == 1000);    // the narrow cloud stays whole
    CHECK(std::find(many.model.sizes.begin(), many.model.sizes.end(), std::size_t{300}) != many.model.sizes.end());    // here the wide one does
    CHECK(wide.model.inertia < many.model.inertia);
    REQUIRE(wide.report.steps.size() == 3);
    CHECK(wide.report.steps[0].rows == data.rows);
    for (const auto& step : wide.report.steps) CHECK(step.inertia_after < step.inertia_before);
    for (unsigned count : {2u, 7u}) CHECK(sk::fit_bisecting_kmeans(data, {.n_clusters = 4, .seed = 1}, sk::threads(count)).model == wide.model);

    const support::matrix copies(1, {1, 1, 1, 2, 2});
    const auto lowered = sk::fit_bisecting_kmeans(copies, {.n_clusters = 3});
    CHECK(lowered.report.clusters_lowered());
    CHECK(lowered.model.inertia == 0);
    CHECK(summarise(lowered.report).notes == std::vector<std::string>{"3 clusters asked for, 2 made: no more distinct points"});
    const std::vector<double> weights{1, 1, 1, 5, 5};
    CHECK(sk::fit_bisecting_kmeans(copies, sk::row_weights(weights), {.n_clusters = 2}).model.centres == std::vector<double>{2, 1});
    const auto early = sk::fit_bisecting_kmeans(data, {.n_clusters = 4, .seed = 1, .progress = [](const sk::kmeans_progress& p) { return p.n_clusters < 4; }});
    CHECK(early.report.cancelled);
    CHECK(early.model == sk::fit_bisecting_kmeans(data, {.n_clusters = 3, .seed = 1}).model);
    CHECK(summarise(early.report).notes == std::vector<std::string>{"ended by the callback"});
    const float in_float[] = {1, 1, 1, 2, 2};
    CHECK(sk::fit_bisecting_kmeans(sk::row_major(in_float, 5, 1), sk::row_weights(weights), {.n_clusters = 2}).model.centres == std::vector<double>{2, 1});
}

TEST_CASE("rows weigh what a column says") {
    using schema = sk::schema<sk::field<"x", double>, sk::field<"orders", std::int32_t>>;
    sk::table<schema> t;
    for (int i = 0; i < 40; ++i) t.append(static_cast<double>(i % 2 ? 10 : i % 4), i % 4 == 2 ? 3 : 1);
    const auto fitted = sk::fit(sk::kmeans(sk::columns("x"_c), "cluster"_c, sk::weighted_by("orders"_c), {.n_clusters = 2}), t);
    const auto& report = fitted.report.get<sk::kmeans_report>();
    CHECK(report.cluster_weights == std::vector<double>{40, 20});
    CHECK((t | fitted.model | sk::collect())["cluster"_c][0] == 0);
    CHECK(sk::detail::get<0>(fitted.model.stages).model.centres == std::vector<double>{1.5, 10});
    const auto halves = sk::fit(sk::bisecting_kmeans(sk::columns("x"_c), "cluster"_c, sk::weighted_by("orders"_c), {.n_clusters = 2}), t);
    CHECK(sk::detail::get<0>(halves.model.stages).model.centres == std::vector<double>{1.5, 10});
    const auto batches = sk::fit(sk::mini_batch_kmeans(sk::columns("x"_c), "cluster"_c, sk::weighted_by("orders"_c), {.n_clusters = 2}), t);
    CHECK(std::fabs(sk::detail::get<0>(batches.model.stages).model.centres[0] - 1.5) < 0.3);
    sk::table<schema> bad = t;
    bad.append(1.0, 0);
    CHECK(message_of([&] { sk::fit(sk::kmeans(sk::columns("x"_c), "cluster"_c, sk::weighted_by("orders"_c), {.n_clusters = 2}), bad); }) ==
          "kmeans: invalid option in 'weights' at row 40: found 0.000000, expected a positive number; leave out rows that shall not count");
}

TEST_CASE("bad options of the variants are refused by name") {
    const support::matrix data(1, {1, 2, 3});
    CHECK(message_of([&] { sk::fit_mini_batch_kmeans(data, {.n_clusters = 0}); }) == "mini_batch_kmeans: invalid option in 'n_clusters': found 0, expected at least 1");
    CHECK(message_of([&] { sk::fit_mini_batch_kmeans(data, {.batch_size = 0}); }).find("'batch_size'") != std::string::npos);
    CHECK(message_of([&] { sk::fit_mini_batch_kmeans(data, {.patience = 0}); }).find("'patience'") != std::string::npos);
    CHECK(message_of([&] { sk::fit_mini_batch_kmeans(data, {.n_clusters = 2, .init = sk::kmeans_init::given, .centres = {1}}); }) ==
          "mini_batch_kmeans: invalid option in 'centres': found 1 values, expected 2 centres of 1 features");
    CHECK(message_of([&] { sk::fit_bisecting_kmeans(data, {.n_init = 0}); }).find("bisecting_kmeans: invalid option in 'n_init'") == 0);
    CHECK(message_of([&] { sk::fit_bisecting_kmeans(support::matrix(1, {1, HUGE_VAL})); }).find("bisecting_kmeans: not a finite number in 'feature 0' at row 1") == 0);
    CHECK(message_of([&] { sk::fit_bisecting_kmeans(support::matrix(0, 2)); }).find("bisecting_kmeans: empty input") == 0);
}

TEST_CASE("first centres of no features, no whole ones, or such as are no numbers, are refused") {
    CHECK(message_of([] { sk::mini_batch_state({1.0, 2.0}, 0); }).starts_with("mini_batch_kmeans: invalid option in 'centres': found 2 values"));
    CHECK(message_of([] { sk::mini_batch_state({1.0, 2.0, 3.0}, 2); }).starts_with("mini_batch_kmeans: invalid option in 'centres': found 3 values"));
    CHECK_THROWS_WITH_AS(sk::mini_batch_state({1, 2, HUGE_VAL, 3}, 2), doctest::Contains("a value that is not finite in centre 1"), segkit::error);
}

TEST_CASE("a batch without rows teaches nothing") {
    sk::mini_batch_state state({0.0, 1.0}, 1);
    const sk::mini_batch_state before = state;
    CHECK(state.update(support::matrix(0, 1)) == 0);
    CHECK(state == before);
}

TEST_CASE("points whose squared distances are zero are one, and those whose squares overflow are refused") {
    const std::vector<float> near = {0, 1e-30F, 2e-30F, 1, 1, 3};
    const auto rows = sk::row_major<const float>(near.data(), near.size(), 1);
    const auto fit = sk::fit_kmeans(rows, {.n_clusters = 5});
    CHECK(fit.model.sizes == std::vector<std::size_t>{3, 2, 1});
    CHECK(fit.report.clusters_lowered());
    CHECK(sk::fit_bisecting_kmeans(rows, {.n_clusters = 5}).model.sizes == fit.model.sizes);
    const std::vector<float> far = {1e30F, 2e30F, -1e30F, -3e30F};
    for (const int way : {0, 1, 2}) {
        CAPTURE(way);
        const auto found = message_of([&] {
            const auto all = sk::row_major<const float>(far.data(), far.size(), 1);
            if (way == 0) (void)sk::fit_kmeans(all, {.n_clusters = 2});
            if (way == 1) (void)sk::fit_mini_batch_kmeans(all, {.n_clusters = 2});
            if (way == 2) (void)sk::fit_bisecting_kmeans(all, {.n_clusters = 2});
        });
        const std::string stage = way == 0 ? "kmeans" : way == 1 ? "mini_batch_kmeans" : "bisecting_kmeans";
        CHECK(found == stage + ": not a finite number: found distances whose squares overflow, expected finite squares; measure the features in larger units");
    }
}

TEST_CASE("a stage adds the distances that the model knows, to any of the clusterings, and its inverse gives centres") {
    const auto data = support::blobs(500, 2, 3, 17, 2.0);
    sk::table<sk::schema<sk::field<"x", double>, sk::field<"y", double>, sk::field<"w", std::int32_t>>> t;
    for (std::size_t i = 0; i < data.rows; ++i) t.append(data(i, 0), data(i, 1), static_cast<std::int32_t>(1 + i % 3));
    constexpr auto features = sk::columns("x"_c, "y"_c);
    constexpr auto added = sk::label_as("cluster"_c).distance_as("near"_c).second_distance_as("next"_c).distances_as("all"_c);
    const auto check = [&](const auto& recipe) {
        const auto model = sk::fit(recipe, t).model;
        const sk::kmeans_model& centres = sk::detail::get<0>(model.stages).model;
        const auto found = t | model | sk::collect();
        const auto expected = centres.predict_with_distances(data);
        const auto all = centres.transform(data);
        double squares = 0;
        for (std::size_t i = 0; i < data.rows; ++i) {
            CHECK(found["cluster"_c][i] == expected.labels[i]);
            CHECK(found["near"_c][i] == expected.distance[i]);
            CHECK(found["next"_c][i] == expected.second_distance[i]);
            for (std::size_t c = 0; c < 3; ++c) CHECK(found["all"_c][i][c] == all[3 * i + c]);
            squares += found["near"_c][i] * found["near"_c][i];
        }
        CHECK(support::close(squares, centres.score(data), 1e-12));
    };
    check(sk::kmeans(features, added, {.n_clusters = 3}));
    check(sk::mini_batch_kmeans(features, added, {.n_clusters = 3, .batch_size = 100}));
    check(sk::bisecting_kmeans(features, added, sk::weighted_by("w"_c), {.n_clusters = 3}));
    const auto model = sk::fit(sk::kmeans(features, sk::label_as("cluster"_c).distance_as("near"_c), {.n_clusters = 3}), t).model;
    const auto labelled = t | model | sk::collect();
    CHECK(decltype(labelled)::schema_type::size == 5);

    const sk::kmeans_model& centres = sk::detail::get<0>(model.stages).model;
    const sk::table<sk::schema<sk::field<"y", float>, sk::field<"cluster", std::int32_t>>> labels{{1.0f, 2}, {1.0f, 0}};
    const auto decoded = labels | sk::inverse(model) | sk::collect();    // y is replaced, x is added
    static_assert(std::is_same_v<decltype(decoded)::schema_type, sk::schema<sk::field<"y", double>, sk::field<"cluster", std::int32_t>, sk::field<"x", double>>>);
    CHECK(decoded["x"_c][0] == centres.centre(2, 0));
    CHECK(decoded["y"_c][1] == centres.centre(0, 1));
    auto spoiled = centres;
    spoiled.centres[3] = std::numeric_limits<double>::infinity();
    CHECK(message_of([&] { support::roundtrip(spoiled); }) == "kmeans: incompatible model: found infinity, expected the finite numbers of a fitted model; the file is damaged: save the model again");
    for (const std::int32_t wrong : {3, -1}) {
        const sk::table<sk::schema<sk::field<"cluster", std::int32_t>>> bad{{0}, {wrong}};
        CHECK(message_of([&] { (void)(bad | sk::inverse(model) | sk::collect()); }).find("inverse: malformed value in 'cluster' at row 1: found " + std::to_string(wrong) + ", expected the number of a cluster, 0 to 2") == 0);
    }
}

TEST_CASE("the first rows of a mini-batch centre are all that it is of, however far it began") {
    const double values[] = {0.1, 0.2, 0.4, 0.7, 1.1};
    sk::mini_batch_state state({1e12}, 1);
    state.update(sk::row_major(values, 5, 1));
    CHECK(state.centres[0] == doctest::Approx(0.5).epsilon(1e-14));
}
