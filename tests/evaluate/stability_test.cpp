#include <doctest/doctest.h>

#include <atomic>

#include <segkit/evaluate/stability.hpp>
#include <segkit/exec/threads.hpp>

#include "../support/matrices.hpp"

namespace {

// The two rules side by side: a bootstrap sample by hand, and Jaccard indices of sets of rows.
double naive_jaccard(const std::vector<std::int32_t>& of_all, const std::vector<std::int32_t>& of_sample, std::int32_t cluster, std::int32_t k) {
    double best = 0;
    for (std::int32_t other = 0; other < k; ++other) {
        double both = 0, either = 0;
        for (std::size_t i = 0; i < of_all.size(); ++i) {
            both += of_all[i] == cluster && of_sample[i] == other;
            either += of_all[i] == cluster || of_sample[i] == other;
        }
        if (either > 0) best = std::max(best, both / either);
    }
    return best;
}

}  // namespace

TEST_CASE("clear clusters are found again, from any seed and in any sample") {
    const auto data = support::blobs(300, 2, 3, 41, 0.5);
    const auto s = segkit::stability(data, {.n_clusters = 3}, {.seeds = 4, .samples = 12, .seed = 1});
    CHECK(s.seed_agreement.indices == std::vector<double>(6, 1.0));
    CHECK(s.sample_agreement.mean == 1);
    REQUIRE(s.clusters.size() == 3);
    for (const auto& c : s.clusters) {
        CHECK(c.jaccard == 1);
        CHECK(c.recovered == 12);
        CHECK(c.dissolved == 0);
    }
}

TEST_CASE("clusters that are not there dissolve") {
    const auto noise = support::random_matrix(400, 2, 42);
    const auto s = segkit::stability(noise, {.n_clusters = 7, .n_init = 1}, {.seeds = 5, .samples = 20, .seed = 2});
    CHECK(s.seed_agreement.mean < 0.9);
    CHECK(s.seed_agreement.least <= s.seed_agreement.mean);
    CHECK(s.sample_agreement.mean < 0.9);
    std::size_t dissolved = 0;
    for (const auto& c : s.clusters) {
        dissolved += c.dissolved;
        CHECK(c.jaccard < 0.9);
        CHECK(c.samples == 20);
    }
    CHECK(dissolved > 0);
}

TEST_CASE("samples are compared by the rows drawn, as sets of rows are") {
    const auto noise = support::random_matrix(150, 2, 43);
    const segkit::kmeans_options kmeans{.n_clusters = 4, .n_init = 2, .seed = 9};
    const auto s = segkit::stability(noise, kmeans, {.seeds = 0, .samples = 3, .seed = 8});
    const auto all = segkit::fit_kmeans(noise, kmeans);
    std::vector<double> sums(4);
    for (std::size_t sample = 0; sample < 3; ++sample) {
        const segkit::counter_random random(8, segkit::detail::bootstrap_purpose + sample);
        support::matrix drawn(150, 2);
        std::vector<std::size_t> rows(150);
        for (std::size_t i = 0; i < 150; ++i) {
            rows[i] = random.below(i, 150);
            for (std::size_t j = 0; j < 2; ++j) drawn(i, j) = noise(rows[i], j);
        }
        const auto fit = segkit::fit_kmeans(drawn, kmeans);
        std::vector<std::int32_t> of_all, of_sample;
        for (std::size_t row = 0; row < 150; ++row) {
            const auto at = std::find(rows.begin(), rows.end(), row);
            if (at == rows.end()) continue;
            of_all.push_back(all.labels[row]);
            of_sample.push_back(fit.labels[static_cast<std::size_t>(at - rows.begin())]);
        }
        CHECK(s.sample_agreement.indices[sample] == doctest::Approx(segkit::adjusted_rand(of_all, of_sample)));
        for (std::int32_t c = 0; c < 4; ++c) sums[static_cast<std::size_t>(c)] += naive_jaccard(of_all, of_sample, c, 4);
    }
    for (std::size_t c = 0; c < 4; ++c) CHECK(s.clusters[c].jaccard == doctest::Approx(sums[c] / 3));
}

TEST_CASE("with weights it is the stability of rows repeated so often, draw for draw") {
    const auto noise = support::random_matrix(120, 2, 46);
    std::vector<double> weights(noise.rows);
    support::matrix repeated(0, 2);
    for (std::size_t i = 0; i < noise.rows; ++i) {
        weights[i] = static_cast<double>(1 + i % 3);
        for (double copy = 0; copy < weights[i]; ++copy) repeated.values.insert(repeated.values.end(), {noise(i, 0), noise(i, 1)});
    }
    repeated.rows = repeated.values.size() / 2;
    // From given centres a fit does not depend on draws.
    const segkit::kmeans_options kmeans{.n_clusters = 3, .tol = 0, .init = segkit::kmeans_init::given, .labels = segkit::kmeans_labels::as_given, .centres = {0.1, 0.1, 0.9, 0.2, 0.5, 0.9}};
    const auto weighted = segkit::stability(noise, segkit::row_weights(weights), kmeans, {.seeds = 0, .samples = 15, .seed = 3});
    const auto expected = segkit::stability(repeated, kmeans, {.seeds = 0, .samples = 15, .seed = 3});
    CHECK(expected.sample_agreement.mean < 0.99);
    for (std::size_t s = 0; s < 15; ++s) CHECK(support::close(weighted.sample_agreement.indices[s], expected.sample_agreement.indices[s], 1e-12));
    for (std::size_t c = 0; c < 3; ++c) {
        CHECK(support::close(weighted.clusters[c].jaccard, expected.clusters[c].jaccard, 1e-12));
        CHECK(weighted.clusters[c].dissolved == expected.clusters[c].dissolved);
    }
    for (unsigned count : {2u, 7u}) CHECK(segkit::stability(noise, segkit::row_weights(weights), kmeans, {.seeds = 0, .samples = 15, .seed = 3}, segkit::threads(count)).clusters == weighted.clusters);
    // Weights that are no whole numbers stand between these, and seeds go by them too.
    for (double& w : weights) w += 0.25;
    const auto between = segkit::stability(noise, segkit::row_weights(weights), {.n_clusters = 3, .n_init = 1}, {.seeds = 3, .samples = 4});
    CHECK(between.seed_agreement.indices.size() == 3);
    CHECK(between.sample_agreement.mean > 0.2);
    CHECK(between.sample_agreement.mean <= 1);
    weights[2] = 1e9;
    CHECK_THROWS_WITH_AS(segkit::stability(noise, segkit::row_weights(weights), kmeans), doctest::Contains("expected at most 1e8, since a sample draws as often"), segkit::error);
    weights.assign(noise.rows, 0.5);
    CHECK_THROWS_WITH_AS(segkit::stability(noise, segkit::row_weights(weights), kmeans), doctest::Contains("found a mean of 0.5"), segkit::error);
}

TEST_CASE("points in float, and a callback that ends it all") {
    const auto data = support::blobs(300, 2, 3, 41, 0.5);
    const std::vector<float> rounded(data.values.begin(), data.values.end());
    const auto floats = segkit::stability(segkit::row_major<const float>(rounded.data(), data.rows, 2), {.n_clusters = 3}, {.seeds = 3, .samples = 5});
    CHECK(floats.seed_agreement.mean == 1);
    CHECK(floats.clusters[2].jaccard == 1);
    const segkit::stability_options options{.seeds = 3, .samples = 5};
    const auto ended_after = [&](std::size_t assignments) {
        std::size_t told = 0;
        auto s = segkit::stability(data, {.n_clusters = 3, .n_init = 1, .progress = [&](const segkit::kmeans_progress&) { return ++told <= assignments; }}, options);
        CHECK(told == assignments + 1);
        return s;
    };
    std::size_t all = 0;
    CHECK(!segkit::stability(data, {.n_clusters = 3, .n_init = 1, .progress = [&](const segkit::kmeans_progress&) { ++all; }}, options).cancelled);
    const auto at_once = ended_after(0), late = ended_after(all - 1);
    CHECK(at_once.cancelled);
    CHECK(at_once.n_clusters == 3);
    CHECK(at_once.seed_agreement.indices.empty());
    CHECK(at_once.clusters.empty());
    CHECK(late.cancelled);
    CHECK(late.seed_agreement.indices.size() == 3);
    CHECK(late.sample_agreement.indices.size() == 4);
    CHECK(late.clusters[0].samples <= 4);
}

TEST_CASE("threads change no bit, and bad options and rows are refused") {
    auto noise = support::random_matrix(500, 3, 44);
    const segkit::kmeans_options kmeans{.n_clusters = 3, .n_init = 2};
    const segkit::stability_options options{.seeds = 3, .samples = 5, .seed = 4};
    const auto serial = segkit::stability(noise, kmeans, options);
    for (unsigned count : {2u, 3u, 7u}) {
        const auto threaded = segkit::stability(noise, kmeans, options, segkit::threads(count));
        CHECK(threaded.seed_agreement == serial.seed_agreement);
        CHECK(threaded.sample_agreement == serial.sample_agreement);
        CHECK(threaded.clusters == serial.clusters);
    }
    CHECK_THROWS_WITH_AS(segkit::stability(noise, kmeans, {.seeds = 1}), doctest::Contains("'seeds': found 1, expected 0, or at least 2"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::stability(noise, kmeans, {.seeds = 0, .samples = 0}), doctest::Contains("no seeds and no samples"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::stability(noise, {.n_clusters = 501}), doctest::Contains("501, expected at most the 500 rows there are"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::stability(support::matrix(0, 1), kmeans), doctest::Contains("no rows"), segkit::error);
    noise(3, 2) = 0.0 / 0.0;
    CHECK_THROWS_WITH_AS(segkit::stability(noise, kmeans), doctest::Contains("stability: not a finite number in 'feature 2' at row 3"), segkit::error);
}

TEST_CASE("a callback is called in one thread at a time") {
    std::atomic<int> inside = 0, together = 0, calls = 0;
    const segkit::kmeans_options kmeans{.n_clusters = 3, .n_init = 2, .progress = [&](const segkit::kmeans_progress&) {
                                            together += inside++ != 0;
                                            for (int spin = 0; spin < 2'000; ++spin) calls += spin == 0;
                                            --inside;
                                        }};
    (void)segkit::stability(support::random_matrix(300, 2, 45), kmeans, {.seeds = 0, .samples = 20}, segkit::threads(4));
    CHECK(calls > 20);
    CHECK(together == 0);
}
