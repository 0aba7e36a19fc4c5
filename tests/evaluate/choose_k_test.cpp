#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <segkit/evaluate/choose_k.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/expr/operators.hpp>
#include <segkit/prepare/detail/scale_core.hpp>
#include <segkit/query/derive.hpp>
#include <segkit/table/format.hpp>

#include "../reference/numeric_reference.hpp"
#include "../support/failures.hpp"
#include "../support/real_rows.hpp"

namespace {

using segkit::cluster_risk;
using support::message_of;

// Clouds around corners in turn, their sizes alike.
support::matrix clouds(std::size_t rows, std::vector<double> corners, double spread) {
    support::matrix m = support::random_matrix(rows, 2, 31);
    for (std::size_t i = 0; i < rows; ++i) {
        m(i, 0) = m(i, 0) * spread + corners[i % (corners.size() / 2) * 2];
        m(i, 1) = (m(i, 1) - 3) / 2 * spread + corners[i % (corners.size() / 2) * 2 + 1];
    }
    return m;
}

template <class Warnings>
const segkit::cluster_warning* find(const Warnings& warnings, cluster_risk risk) {
    for (const auto& w : warnings)
        if (w.risk == risk) return &w;
    return nullptr;
}

}  // namespace

TEST_CASE("four clear clouds are found by every criterion, without a warning") {
    const auto data = clouds(600, {0, 0, 9, 1, 1, 10, 10, 11}, 1.0);
    const auto chosen = segkit::choose_k(data, {.k_max = 8, .seed = 3, .seeds = 4});
    CHECK(chosen.report.n_clusters == 4);
    CHECK(chosen.model.n_clusters == 4);
    CHECK(chosen.report.agreeing == 4);
    CHECK(chosen.report.choosing == 4);
    CHECK(chosen.report.warnings.empty());
    CHECK(chosen.report.chosen().seed_agreement->mean == 1);
    CHECK(chosen.report.chosen().seed_agreement->indices.size() == 6);
    for (const auto& choice : chosen.report.choices) CHECK(choice.n_clusters == 4u);
}

TEST_CASE("a trial is what kmeans and the measures say of its k, and does not depend on the range") {
    const auto points = reference::points();
    const auto chosen = segkit::choose_k(points, {.k_min = 1, .k_max = 6, .seed = 5, .kmeans = {.n_init = 3}});
    REQUIRE(chosen.report.trials.size() == 6);
    std::vector<std::size_t> ks;
    std::vector<double> inertias;
    for (const auto& t : chosen.report.trials) {
        CAPTURE(t.n_clusters);
        const auto fit = segkit::fit_kmeans(points, {.n_clusters = t.n_clusters, .n_init = 3, .seed = t.seed});
        CHECK(fit.model.inertia == t.inertia);
        CHECK(fit.model.sizes == t.sizes);
        ks.push_back(t.n_clusters);
        inertias.push_back(t.inertia);
        if (t.n_clusters == 1) {
            CHECK(!t.silhouette);
            CHECK(!t.calinski_harabasz);
            CHECK(!t.davies_bouldin);
            continue;
        }
        CHECK(*t.silhouette == segkit::silhouette(points, fit.labels).mean);
        CHECK(*t.calinski_harabasz == segkit::calinski_harabasz(points, fit.labels));
        CHECK(*t.davies_bouldin == segkit::davies_bouldin(points, fit.labels));
        if (t.n_clusters == chosen.report.n_clusters) {
            CHECK(chosen.labels == fit.labels);
            CHECK(chosen.model == fit.model);
        }
    }
    CHECK(segkit::elbow(ks, inertias).k == chosen.report.choices[3].n_clusters);
    const auto alone = segkit::choose_k(points, {.k_min = 4, .k_max = 4, .seed = 5, .kmeans = {.n_init = 3}});
    CHECK(alone.report.trials[0].inertia == chosen.report.trials[3].inertia);
    CHECK(alone.report.trials[0].silhouette == chosen.report.trials[3].silhouette);
    CHECK(!alone.report.choices[3].n_clusters);    // no elbow of one point

    const auto only_one = segkit::choose_k(points, {.k_min = 1, .k_max = 1});
    CHECK(only_one.report.n_clusters == 1);
    CHECK(only_one.report.choosing == 0);
}

TEST_CASE("another criterion may decide, and the report says who disagrees and who ties") {
    const auto data = clouds(900, {0, 0, 6, 0, 40, 0, 46, 0, 80, 0, 86, 0}, 1.2);    // three pairs of clouds
    const auto by_silhouette = segkit::choose_k(data, {.k_max = 8, .seed = 1});
    const auto by_variance = segkit::choose_k(data, {.k_max = 8, .criterion = segkit::k_criterion::calinski_harabasz, .seed = 1});
    CHECK(by_silhouette.report.n_clusters == 3);
    CHECK(by_variance.report.n_clusters == 6);
    CHECK(by_variance.model.n_clusters == 6);
    const auto* warning = find(by_silhouette.report.warnings, cluster_risk::disagreement);
    REQUIRE(warning);
    CHECK(warning->text.find("criteria choose 3 clusters; Calinski-Harabasz chooses 6") != std::string::npos);
    const auto wide = segkit::choose_k(data, {.k_max = 8, .seed = 1, .limits = {.near_tie = 1}});
    CHECK(find(wide.report.warnings, cluster_risk::near_tie));
    CHECK(!find(segkit::choose_k(data, {.k_max = 8, .seed = 1, .limits = {.near_tie = 0}}).report.warnings, cluster_risk::near_tie));
}

TEST_CASE("of many rows the silhouette is estimated, with its standard error") {
    const auto data = clouds(3'000, {0, 0, 3, 0, 0, 4}, 1.5);
    const auto exact = segkit::choose_k(data, {.k_max = 4, .seed = 2});
    const auto sampled = segkit::choose_k(data, {.k_max = 4, .seed = 2, .silhouette = {.exact_rows = 1'000, .n = 400}});
    for (std::size_t i = 0; i < 3; ++i) {
        const auto &a = exact.report.trials[i], &b = sampled.report.trials[i];
        CHECK(!a.silhouette_standard_error);
        REQUIRE(b.silhouette_standard_error);
        CHECK(std::fabs(*a.silhouette - *b.silhouette) < 4 * *b.silhouette_standard_error);
        CHECK(a.inertia == b.inertia);
    }
}

TEST_CASE("what a good silhouette hides is said in words") {
    auto data = support::random_matrix(1'000, 3, 9);
    std::vector<std::int32_t> labels(data.rows);
    for (std::size_t i = 0; i < data.rows; ++i) {
        data(i, 0) = i % 10 < 7 ? 0.0 : static_cast<double>(i % 90 + 1);
        data(i, 2) = i % 3 == 0;    // a flag is not zero-inflated
        labels[i] = i == 4 ? 7 : data(i, 0) > 0 ? 1 : 0;
    }
    const std::vector<std::string> names{"spend", "age", "children"};
    const auto warnings = segkit::warn_of(data, labels, names);
    REQUIRE(warnings.size() == 3);
    CHECK(warnings[0].text == "'spend' has one value (0) in 70 % of the rows: clusters may say little more than whether it has");
    CHECK(warnings[1].text == "cluster 7 holds 1 row of 1000");
    CHECK(warnings[2].risk == cluster_risk::leakage);
    CHECK(warnings[2].feature == 0u);
    CHECK(warnings[2].value == doctest::Approx(1 - 1.0 / 301));    // all but the row alone
    for (std::size_t i = 0; i < data.rows; ++i) labels[i] = i % 20 == 0;
    for (std::size_t i = 0; i < data.rows; ++i) data(i, 1) = 4;
    const auto others = segkit::warn_of(data, labels, {}, {.one_value_share = 0.8});
    REQUIRE(others.size() == 2);
    CHECK(others[0].text == "feature 1 is the same in all rows");
    CHECK(others[1].text == "cluster 0 holds 95 % of the rows");
    CHECK_THROWS_WITH_AS(segkit::warn_of(data, labels, names, {.giant_share = 2}), doctest::Contains("'giant_share'"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::warn_of(data, labels, std::vector<std::string>{"one"}), doctest::Contains("1 features, expected 3"), segkit::error);
}

TEST_CASE("leakage is the best rule of as many intervals as clusters, found as by trying all") {
    const segkit::counter_random random(8, 0);
    for (std::uint64_t round = 0; round < 40; ++round) {
        const std::size_t n = 12, k = 2 + round % 2;
        std::vector<double> values(n);
        std::vector<std::size_t> groups(n), sizes(k);
        for (std::size_t i = 0; i < n; ++i) {
            values[i] = static_cast<double>(random.below(100 * round + i, 9));
            groups[i] = i < k ? i : static_cast<std::size_t>(random.below(100 * round + 50 + i, k));
            ++sizes[groups[i]];
        }
        const std::size_t largest = *std::max_element(sizes.begin(), sizes.end());
        std::size_t best = 0;
        for (double low = 0; low <= 9; ++low) {
            for (double high = low; high <= 9; ++high) {
                std::vector<std::vector<std::size_t>> named(3, std::vector<std::size_t>(k));
                for (std::size_t i = 0; i < n; ++i) ++named[values[i] < low ? 0 : values[i] < high || k == 2 ? 1 : 2][groups[i]];
                std::size_t right = 0;
                for (const auto& interval : named) right += *std::max_element(interval.begin(), interval.end());
                best = std::max(best, right);
            }
        }
        CHECK(segkit::detail::leakage_of(values, groups, k) == doctest::Approx(static_cast<double>(best - largest) / static_cast<double>(n - largest)));
    }
}

TEST_CASE("fewer distinct rows than k end the range; a k that is all rows has no measures") {
    support::matrix few(1, {1, 1, 4, 4, 9, 9, 9});
    const auto lowered = segkit::choose_k(few, {.k_max = 6});
    CHECK(lowered.report.trials.back().n_clusters == 3);
    REQUIRE(find(lowered.report.warnings, cluster_risk::fewer_clusters));
    CHECK(find(lowered.report.warnings, cluster_risk::fewer_clusters)->text == "there are no more than 3 distinct rows");
    CHECK(segkit::choose_k(support::matrix(1, {5, 5, 5}), {.k_max = 3}).report.n_clusters == 1);
    const auto apart = segkit::choose_k(support::matrix(1, {1, 2, 4, 9}), {.k_min = 3, .k_max = 4});
    CHECK(apart.report.trials[0].silhouette);
    CHECK(!apart.report.trials[1].silhouette);
    CHECK(apart.report.n_clusters == 3);
}

TEST_CASE("threads change no bit, and bad options and rows are refused in words") {
    auto data = clouds(5'000, {0, 0, 3, 0, 0, 4}, 1.5);
    const segkit::choose_k_options options{.k_max = 4, .seed = 2, .silhouette = {.exact_rows = 1'000, .n = 300}, .seeds = 2, .kmeans = {.n_init = 3}};
    const auto serial = segkit::choose_k(data, options);
    for (unsigned count : {2u, 3u, 7u}) {
        const auto threaded = segkit::choose_k(data, options, segkit::threads(count));
        CHECK(threaded.report.trials == serial.report.trials);
        CHECK(threaded.report.choices == serial.report.choices);
        CHECK(threaded.model == serial.model);
        CHECK(threaded.labels == serial.labels);
    }
    const auto refused = [&](const segkit::choose_k_options& o) { return message_of([&] { segkit::choose_k(data, o); }); };
    CHECK(refused({.k_min = 5, .k_max = 4}) == "choose_k: invalid option in 'k_max': found no k from 5 to 4, expected at least k_min");
    CHECK(refused({.k_min = 0}) == "choose_k: invalid option in 'k_min': found 0, expected at least 1");
    CHECK(refused({.k_max = 5'001}) == "choose_k: invalid option in 'k_max': found 5001, expected at most the 5000 rows there are");
    CHECK(refused({.silhouette = {.n = 1}}).find("'silhouette.n': found 1, expected at least 2") != std::string::npos);
    CHECK(refused({.seeds = 1}).find("'seeds': found 1, expected 0, or at least 2") != std::string::npos);
    CHECK(refused({.kmeans = {.n_init = 0}}).find("'n_init'") != std::string::npos);
    CHECK(refused({.kmeans = {.init = segkit::kmeans_init::given}}).find("given centres") != std::string::npos);
    data(17, 1) = 0.0 / 0.0;
    CHECK(message_of([&] { segkit::choose_k(data); }).find("choose_k: not a finite number in 'feature 1' at row 17: found NaN") == 0);
    CHECK(message_of([&] { segkit::choose_k(support::matrix(0, 2)); }).find("no rows") != std::string::npos);
}

TEST_CASE("with weights every measure is that of rows repeated so often") {
    const auto data = clouds(240, {0, 0, 5, 1, 1, 6, 7, 7}, 1.5);
    std::vector<double> weights(data.rows);
    support::matrix repeated(0, 2);
    for (std::size_t i = 0; i < data.rows; ++i) {
        weights[i] = static_cast<double>(1 + i * i % 5);
        for (double copy = 0; copy < weights[i]; ++copy) repeated.values.insert(repeated.values.end(), {data(i, 0), data(i, 1)});
    }
    repeated.rows = repeated.values.size() / 2;
    const segkit::choose_k_options options{.k_max = 6, .seed = 4, .seeds = 2, .kmeans = {.n_init = 20, .tol = 0}};
    const auto weighted = segkit::choose_k(data, segkit::row_weights(weights), options);
    const auto expected = segkit::choose_k(repeated, options);
    CHECK(weighted.report.n_clusters == expected.report.n_clusters);
    std::size_t compared = 0;
    for (std::size_t i = 0; i < expected.report.trials.size(); ++i) {
        const auto &a = weighted.report.trials[i], &b = expected.report.trials[i];
        if (!support::close(a.inertia, b.inertia, 1e-9)) continue;    // other draws found another optimum
        ++compared;
        CHECK(support::close(*a.silhouette, *b.silhouette, 1e-9));
        CHECK(support::close(*a.calinski_harabasz, *b.calinski_harabasz, 1e-9));
        CHECK(support::close(*a.davies_bouldin, *b.davies_bouldin, 1e-9));
    }
    CHECK(compared >= 3);
    CHECK(weighted.report.chosen().seed_agreement->mean == 1);
    REQUIRE(weighted.report.warnings.size() == expected.report.warnings.size());
    for (std::size_t i = 0; i < weighted.report.warnings.size(); ++i) CHECK(weighted.report.warnings[i].risk == expected.report.warnings[i].risk);

    // Sampled points are drawn by weight: the estimate is of the weighted mean.
    auto sampled = options;
    sampled.silhouette = {.exact_rows = 100, .n = 200};
    const auto estimated = segkit::choose_k(data, segkit::row_weights(weights), sampled);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto &a = estimated.report.trials[i], &b = weighted.report.trials[i];
        REQUIRE(a.silhouette_standard_error);
        CHECK(std::fabs(*a.silhouette - *b.silhouette) < 4 * *a.silhouette_standard_error);
    }
    for (unsigned count : {2u, 7u}) CHECK(segkit::choose_k(data, segkit::row_weights(weights), options, segkit::threads(count)).report.trials == weighted.report.trials);

    const auto refused = [&](double value) {
        weights[7] = value;
        return message_of([&] { segkit::choose_k(data, segkit::row_weights(weights)); });
    };
    CHECK(refused(0).find("choose_k: invalid option in 'weights' at row 7: found 0") == 0);
    CHECK(refused(-1).find("expected a positive number") != std::string::npos);
    CHECK(refused(0.0 / 0.0).find("found NaN") != std::string::npos);
    for (double& w : weights) w = 1.0 / 240;
    CHECK(refused(0.01).find("choose_k: invalid option in 'weights': found a mean of 0.004") == 0);
    weights.pop_back();
    CHECK(refused(1).find("239 weights, expected 240") != std::string::npos);
}

TEST_CASE("points in float give what doubles give") {
    const auto data = clouds(600, {0, 0, 9, 1, 1, 10, 10, 11}, 1.0);
    const std::vector<float> rounded(data.values.begin(), data.values.end());
    const std::vector<double> back(rounded.begin(), rounded.end());
    const segkit::choose_k_options options{.k_max = 5, .seed = 3};
    const auto floats = segkit::choose_k(segkit::row_major<const float>(rounded.data(), data.rows, 2), options);
    const auto doubles = segkit::choose_k(segkit::row_major<const double>(back.data(), data.rows, 2), options);
    CHECK(floats.report.n_clusters == 4);
    CHECK(floats.report.warnings.empty());
    const auto &a = floats.report.chosen(), &b = doubles.report.chosen();
    CHECK(a.sizes == b.sizes);
    CHECK(support::close(*a.silhouette, *b.silhouette, 1e-5));
    CHECK(support::close(*a.calinski_harabasz, *b.calinski_harabasz, 1e-9));
    CHECK(support::close(*a.davies_bouldin, *b.davies_bouldin, 1e-9));
}

TEST_CASE("a callback that returns false ends the range, and the choice is among what was complete") {
    const auto data = clouds(600, {0, 0, 9, 1, 1, 10, 10, 11}, 1.0);
    const auto whole = segkit::choose_k(data, {.k_max = 6, .seed = 3, .kmeans = {.n_init = 2}});
    std::size_t told = 0, of_three = 0;
    std::vector<std::size_t> ks;
    const auto count = segkit::choose_k(data, {.k_max = 3, .seed = 3, .kmeans = {.n_init = 2, .progress = [&](const segkit::kmeans_progress& p) {
                                                                                     ++of_three;
                                                                                     if (ks.empty() || ks.back() != p.n_clusters) ks.push_back(p.n_clusters);
                                                                                 }}});
    CHECK(!count.report.cancelled);
    CHECK(ks == std::vector<std::size_t>{2, 3});
    const auto early = segkit::choose_k(data, {.k_max = 6, .seed = 3, .kmeans = {.n_init = 2, .progress = [&](const segkit::kmeans_progress&) { return ++told <= of_three; }}});
    CHECK(early.report.cancelled);
    CHECK(told == of_three + 1);    // not asked again
    REQUIRE(early.report.trials.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) CHECK(early.report.trials[i].inertia == whole.report.trials[i].inertia);
    CHECK(segkit::summarise(early.report).notes[0] == "ended by the callback before every number of clusters was tried");
    const auto at_once = segkit::choose_k(data, {.k_max = 6, .seeds = 3, .kmeans = {.progress = [](const segkit::kmeans_progress&) { return false; }}});
    CHECK(at_once.report.cancelled);
    CHECK(at_once.report.trials.size() == 1);
    CHECK(!at_once.report.trials[0].seed_agreement);
    CHECK(at_once.labels.size() == data.rows);
}

TEST_CASE("as a stage it is fitted like kmeans, names the features and prints its trials") {
    using namespace segkit::literals;
    segkit::table<segkit::schema<segkit::field<"x", double>, segkit::field<"bought", double>>> t;
    const auto data = clouds(300, {0, 0, 9, 1, 1, 10}, 1.0);
    for (std::size_t i = 0; i < data.rows; ++i) t.append(data(i, 0), i % 3 ? 0.0 : data(i, 1));
    const auto fitted = segkit::fit(segkit::choose_k(segkit::columns("x"_c, "bought"_c), "cluster"_c, {.k_max = 5, .seed = 6}), t);
    const auto& report = fitted.report.get<segkit::choose_k_report>();
    const auto labelled = t | fitted.model | segkit::collect();
    CHECK(labelled["cluster"_c].size() == 300);
    REQUIRE(find(report.warnings, cluster_risk::zero_inflated));
    CHECK(find(report.warnings, cluster_risk::zero_inflated)->text.find("'bought' has one value (0) in 67 %") == 0);
    const auto weighted = segkit::fit(segkit::choose_k("x"_c, segkit::label_as("cluster"_c).distance_as("far"_c), segkit::weighted_by("times"_c), {.k_max = 3}),
                                      t | segkit::derive("times"_c = "x"_c * 0.0 + 2.0));
    CHECK(weighted.report.get<segkit::choose_k_report>().kmeans.cluster_weights[0] >= 200);
    CHECK((t | weighted.model | segkit::collect())["far"_c].size() == 300);
    const auto trials = segkit::trials_table(report);
    CHECK(trials.rows() == 4);
    CHECK(trials["silhouette"_c][0] == report.trials[0].silhouette);
    CHECK(fitted.report.summary()[0].stage == "choose_k");
}

TEST_CASE("the known sizes, inertia and silhouette of the five perk clusters of the real rows") {
    const auto metrics = support::real_rows("seed-003/metrics.csv.gz");
    if (!metrics) return;
    auto data = support::perk_features(*metrics);
    segkit::estimate(segkit::standard_scale_estimator{}, data).transform(data, data.view());
    const auto chosen = segkit::choose_k(data, {.k_min = 5, .k_max = 5, .kmeans = {.n_init = 100, .tol = 0}}, segkit::threads(2));
    CHECK(std::fabs(*chosen.report.trials[0].silhouette - 0.29492) < 0.000005);
    CHECK(std::fabs(chosen.report.trials[0].inertia - 12657.5015) < 0.001);
    CHECK(chosen.report.trials[0].sizes == std::vector<std::size_t>{1533, 1487, 1371, 1069, 538});
}
