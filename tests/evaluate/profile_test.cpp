#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <segkit/evaluate/profile.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/expr/operators.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/pipeline/explain.hpp>
#include <segkit/query/as_category.hpp>
#include <segkit/query/filter.hpp>

#include "../support/matrices.hpp"

namespace {

using namespace segkit::literals;

struct naive {
    double mean = 0, median = 0, deviation = 0, population = 0, nonzero = 0, squares = 0;

    explicit naive(std::vector<double> values) {
        const auto n = static_cast<double>(values.size());
        for (double v : values) mean += v / n;
        for (double v : values) squares += (v - mean) * (v - mean);
        for (double v : values) nonzero += (v != 0) / n;
        deviation = std::sqrt(squares / (n - 1));
        population = std::sqrt(squares / n);
        std::sort(values.begin(), values.end());
        const std::size_t half = values.size() / 2;
        median = values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
    }
};

using customers = segkit::schema<segkit::field<"segment", std::optional<segkit::text>>, segkit::field<"age", std::int32_t>, segkit::field<"spend", std::optional<double>>,
                                 segkit::field<"family", bool>>;

segkit::table<customers> some_customers() {
    return {{"thrifty", 30, 10.0, false}, {"grand", 60, 90.0, true}, {"thrifty", 40, std::nullopt, false}, {std::nullopt, 50, 20.0, true}, {"grand", 70, 110.0, false},
            {"thrifty", 50, 0.0, true}};
}

}  // namespace

TEST_CASE("every figure follows its definition") {
    auto data = support::random_matrix(700, 3, 61);
    std::vector<std::int32_t> labels(data.rows);
    for (std::size_t i = 0; i < data.rows; ++i) {
        labels[i] = i % 7 < 3 ? 4 : i % 7 < 6 ? -1 : 9;
        if (i % 5 == 0) data(i, 1) = 0;
        data(i, 2) += labels[i] + 1e6;
    }
    const auto p = segkit::profile_clusters(data, labels, {"a", "b", "c"});
    REQUIRE(p.clusters.size() == 3);
    CHECK(p.clusters[0].label == -1);
    const auto close = [](double x, double y) { return support::close(x, y, 1e-9, 1e-12); };
    for (std::size_t j = 0; j < 3; ++j) {
        const naive all(data.column(j));
        CHECK(close(p.features[j].mean, all.mean));
        CHECK(close(p.features[j].median, all.median));
        CHECK(close(p.features[j].standard_deviation, all.deviation));
        CHECK(close(p.features[j].nonzero_share, all.nonzero));
        double between = 0;
        for (const auto& c : p.clusters) {
            CAPTURE(c.label);
            std::vector<double> in, out;
            for (std::size_t i = 0; i < data.rows; ++i) (labels[i] == c.label ? in : out).push_back(data(i, j));
            const naive own(in), rest(out);
            const auto& f = c.features[j];
            CHECK(c.rows == in.size());
            CHECK(f.known == in.size());
            CHECK(close(f.mean, own.mean));
            CHECK(close(f.median, own.median));
            CHECK(close(f.standard_deviation, own.deviation));
            CHECK(close(f.nonzero_share, own.nonzero));
            CHECK(close(f.z, (own.mean - all.mean) / all.population));
            CHECK(close(f.effect, (own.mean - rest.mean) / std::sqrt((own.squares + rest.squares) / 698)));
            between += static_cast<double>(in.size()) * (own.mean - all.mean) * (own.mean - all.mean);
        }
        CHECK(close(p.features[j].eta_squared, between / all.squares));
    }
    for (const auto& c : p.clusters) {
        CHECK(c.distinguishing[0] == 2);
        CHECK(std::fabs(c.features[c.distinguishing[1]].effect) >= std::fabs(c.features[c.distinguishing[2]].effect));
    }
    const auto table = segkit::profile_table(p);
    CHECK(table.rows() == 9);
    CHECK(table["cluster"_c][3] == 4);
    CHECK(table["feature"_c][5] == "c");
    CHECK(table["effect"_c][5] == p.clusters[1].features[2].effect);
    CHECK(table["rank"_c][5] == 1);
    for (unsigned count : {2u, 3u, 7u}) {
        const auto threaded = segkit::profile_table(segkit::profile_clusters(data, labels, {"a", "b", "c"}, segkit::missing_values::refuse, segkit::threads(count)));
        for (std::size_t i = 0; i < 9; ++i) CHECK(threaded.row(i) == table.row(i));
    }
}

TEST_CASE("the edges of a profile: one cluster, one row, a constant, nothing known") {
    const double unknown = std::nan("");
    const support::matrix data(3, {1, 5, unknown, 1, 5, 2, 4, 5, 3});
    const std::vector<std::int32_t> labels{0, 0, 1}, one{6, 6, 6};
    const auto p = segkit::profile_clusters(data, labels, {}, segkit::missing_values::skip);
    CHECK(std::isinf(p.clusters[1].features[0].effect));    // neither side varies, and they differ
    CHECK(p.clusters[0].features[0].effect < 0);
    CHECK(p.features[0].eta_squared == doctest::Approx(1));
    CHECK(p.clusters[0].features[1].effect == 0);
    CHECK(p.clusters[0].features[1].z == 0);
    CHECK(p.features[1].eta_squared == 0);
    CHECK(std::isnan(p.clusters[1].features[0].standard_deviation));
    CHECK(p.clusters[0].features[2].known == 1);
    CHECK(p.clusters[0].features[2].mean == 2);
    CHECK(p.features[2].known == 2);
    CHECK(p.features[2].name == "feature 2");
    CHECK(std::isnan(segkit::profile_clusters(data.view().row_range(1, 2), std::vector<std::int32_t>{6, 6}).clusters[0].features[0].effect));
    CHECK_THROWS_WITH_AS(segkit::profile_clusters(data, one), doctest::Contains("'feature 2' at row 0: found NaN"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::profile_clusters(data, std::vector<std::int32_t>{1}), doctest::Contains("1 labels, expected one for each of 3 rows"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::profile_clusters(data, one, {"a"}), doctest::Contains("1 features, expected 3"), segkit::error);
    CHECK_THROWS_AS(segkit::profile_clusters(support::matrix(0, 1), std::vector<std::int32_t>{}), segkit::error);
}

TEST_CASE("as a stage, segments of any label are profiled, nulls being skipped and counted") {
    const auto t = some_customers();
    const auto p = t | segkit::profile_clusters("segment"_c, segkit::columns("age"_c, "spend"_c, "family"_c)) | segkit::collect();
    REQUIRE(p.rows() == 9);    // of six
    CHECK(segkit::explain(t | segkit::profile_clusters("segment"_c, "age"_c)).find("at most") == std::string::npos);
    CHECK(p["segment"_c][0] == "grand");
    CHECK(p["segment"_c][3] == "thrifty");
    CHECK(!p["segment"_c][6]);
    CHECK(p["rows"_c][3] == 3);
    CHECK(p["share"_c][3] == 0.5);
    CHECK(p["known"_c][4] == 2);    // the spend of one is not known
    CHECK(p["mean"_c][4] == 5);
    CHECK(p["nonzero_share"_c][4] == 0.5);
    CHECK(p["mean"_c][3] == 40);
    CHECK(p["mean"_c][5] == doctest::Approx(1.0 / 3));
    CHECK(!p["standard_deviation"_c][7]);    // of one row
    const auto coded = t | segkit::as_category("segment"_c) | segkit::collect();    // the same of a category, and of a flag
    const auto of_coded = coded | segkit::profile_clusters("segment"_c, segkit::columns("age"_c, "spend"_c, "family"_c)) | segkit::as_text("segment"_c) | segkit::collect();
    for (std::size_t i = 0; i < 9; ++i) CHECK(of_coded.row(i) == p.row(i));
    const auto by_flag = t | segkit::profile_clusters("family"_c, "age"_c) | segkit::collect();
    CHECK(by_flag["family"_c][0] == false);
    CHECK(by_flag["mean"_c][1] == doctest::Approx(160.0 / 3));
    const std::string csv = segkit::to_csv(p);
    CHECK(csv.find("segment,feature,rows,share,known,mean,median,standard_deviation,nonzero_share,z,effect,rank,eta_squared\n") == 0);
    const auto none = t | segkit::filter("age"_c > 99) | segkit::profile_clusters("segment"_c, "age"_c) | segkit::collect();
    CHECK(none.rows() == 0);
}

TEST_CASE("values without a finite or a nonzero square are refused, or say nothing apart") {
    const std::vector<std::int32_t> labels = {0, 0, 1, 1};
    CHECK_THROWS_WITH_AS(segkit::profile_clusters(support::matrix(1, {1e200, -1e200, 3e200, 0}), labels), doctest::Contains("profile_clusters: not a finite number in 'feature 0'"), segkit::error);
    const auto tiny = segkit::profile_clusters(support::matrix(1, {0, 1e-200, 2e-200, 0}), labels);
    CHECK(tiny.clusters[0].features[0].z == 0);
    CHECK(tiny.clusters[0].features[0].effect == 0);
    CHECK(tiny.features[0].eta_squared == 0);
}

TEST_CASE("a label per row is as many clusters as rows, in time that grows with the rows") {
    constexpr std::size_t n = 60'000;    // in the square of the clusters: a minute
    segkit::table<segkit::schema<segkit::field<"id", std::int64_t>, segkit::field<"spend", double>>> t;
    for (std::size_t i = 0; i < n; ++i) t.append(static_cast<std::int64_t>((i * 7919) % n), static_cast<double>((i * 7919) % n));
    const auto p = t | segkit::profile_clusters("id"_c, "spend"_c) | segkit::collect();
    REQUIRE(p.rows() == n);
    double of_rest = 0;    // the naive effect of one of them: the rest is all others
    for (std::size_t i = 0; i < n; ++i) of_rest += i == 41'000 ? 0.0 : static_cast<double>(i) / static_cast<double>(n - 1);
    double squares = 0;
    for (std::size_t i = 0; i < n; ++i) squares += i == 41'000 ? 0.0 : (static_cast<double>(i) - of_rest) * (static_cast<double>(i) - of_rest);
    CHECK(p["id"_c][41'000] == 41'000);
    CHECK(support::close(p["effect"_c][41'000].value(), (41'000 - of_rest) / std::sqrt(squares / static_cast<double>(n - 2)), 1e-9));
    CHECK(support::close(p["eta_squared"_c][0].value(), 1, 1e-12));
}
