// PCA over tables: its solvers, its report, and one pass shared with the scaler before it.
#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <segkit/decompose/pca.hpp>
#include <segkit/pipeline/matrix.hpp>
#include <segkit/prepare/inverse.hpp>
#include <segkit/prepare/scale.hpp>
#include <segkit/query.hpp>

#include "../support/matrices.hpp"

namespace sk = segkit;
using namespace segkit::literals;
using sk::pca_solver;

namespace {

using sizes = sk::schema<sk::field<"height", double>, sk::field<"girth", float>, sk::field<"leaves", std::int32_t>>;

class counted_source final : public sk::row_source {
public:
    counted_source(std::shared_ptr<sk::row_source> rows, int& scans) : rows_(std::move(rows)), scans_(scans) {}
    void scan(const std::vector<bool>& needed, sk::executor_ref executor, sk::morsel_consumer& consumer) override {
        ++scans_;
        rows_->scan(needed, executor, consumer);
    }
    std::string describe() const override { return "rows whose scans are counted"; }
    bool rescannable() const override { return true; }

private:
    std::shared_ptr<sk::row_source> rows_;
    int& scans_;
};

struct counted_rows {
    using schema_type = sizes;
    std::shared_ptr<const sk::table<sizes>> rows;
    int* scans;
    std::shared_ptr<sk::row_source> open() const { return std::make_shared<counted_source>(sk::detail::open_table(*rows, rows), *scans); }
};

std::shared_ptr<const sk::table<sizes>> trees() {
    sk::table<sizes> t;
    const auto m = support::random_matrix(5'000, 3, 81);
    for (std::size_t i = 0; i < m.rows; ++i) t.append(1e6 + m(i, 0), static_cast<float>(0.01 * m(i, 1)), static_cast<std::int32_t>(1000 * m(i, 2)));
    return std::make_shared<const sk::table<sizes>>(std::move(t));
}

constexpr auto all = sk::columns("height"_c, "girth"_c, "leaves"_c);

template <class Scale>
void check_one_pass(const Scale& scale, pca_solver solver, int passes) {
    const auto rows = trees();
    int scans = 0;
    const auto components = sk::pca(all, "pc"_c, {.solver = solver});
    const auto together = sk::fit(scale | components, counted_rows{rows, &scans});
    CHECK(scans == passes);
    const auto scaled = sk::fit(scale, *rows);
    const auto alone = sk::fit(components, *rows | scaled.model);
    CHECK(together.report.template get<sk::scale_report>().scaling == scaled.report.template get<sk::scale_report>().scaling);
    const sk::pca_model &a = together.report.template get<sk::pca_report>().model, &b = alone.report.template get<sk::pca_report>().model;
    for (std::size_t c = 0; c < 3; ++c) {
        CHECK(support::close(a.explained_variance[c], b.explained_variance[c], 1e-12));
        CHECK(support::close(a.mean[c], b.mean[c], 1e-12, 1e-12));
        for (std::size_t j = 0; j < 3; ++j) CHECK(support::close(a.component(c, j), b.component(c, j), 1e-11, 1e-11));
    }
    const auto scores = *rows | together.model | sk::select("pc"_c) | sk::collect();
    const auto expected = *rows | scaled.model | alone.model | sk::select("pc"_c) | sk::collect();
    for (std::size_t i = 0; i < 50; ++i)
        for (std::size_t c = 0; c < 3; ++c) CHECK(support::close(scores["pc"_c][i][c], expected["pc"_c][i][c], 1e-10, 1e-10));
}

}  // namespace

TEST_CASE("a scaler and the PCA of the same columns are fitted in one pass, to what they are one after the other") {
    check_one_pass(sk::standard_scale(all, {.ddof = 1}), pca_solver::automatic, 1);
    check_one_pass(sk::standard_scale(all), pca_solver::svd, 1);
    check_one_pass(sk::min_max_scale(all, {.lower = -1, .upper = 3}), pca_solver::covariance, 1);
    check_one_pass(sk::standard_scale(all), pca_solver::randomised, 2);
}

TEST_CASE("other columns are another pass") {
    int scans = 0;
    const auto fitted = sk::fit(sk::standard_scale(all) | sk::pca(sk::columns("height"_c, "girth"_c), "pc"_c) | sk::standard_scale("pc"_c), counted_rows{trees(), &scans});
    CHECK(scans == 3);
    CHECK(fitted.report.get<sk::pca_report>().model.n_features == 2);
}

TEST_CASE("the report says which solver, and that constant features explain nothing") {
    const sk::table<sizes> flat{{1.0, 2.0f, 3}, {1.0, 2.0f, 3}, {1.0, 2.0f, 3}};
    const auto by_values = sk::fit(sk::pca(all, "pc"_c, {.solver = pca_solver::svd}), flat).report.summary()[0];
    CHECK(by_values.facts[2] == std::pair<std::string, std::string>("solver", "svd"));
    REQUIRE(by_values.notes.size() == 1);
    CHECK(by_values.notes[0].find("constant") != std::string::npos);
    CHECK(sk::fit(sk::pca(all, "pc"_c), *trees()).report.summary()[0].notes.empty());
    CHECK_THROWS_WITH_AS(sk::fit(sk::pca(all, "pc"_c, {.variance_share = 0.5}), flat), doctest::Contains("all features are constant"), sk::error);
    CHECK_THROWS_WITH_AS(sk::fit(sk::pca(all, "pc"_c, {.n_components = 4}), *trees()), doctest::Contains("3 features"), sk::error);
}

TEST_CASE("the reconstruction error is a column, and the inverse gives the points that the scores stand for") {
    const auto rows = trees();
    const auto model = sk::fit(sk::standard_scale(all) | sk::pca(all, sk::scores_as("pc"_c).reconstruction_error_as("lost"_c), {.n_components = 2, .scores = sk::pca_scores::whitened}), *rows).model;
    const auto scaled = *rows | sk::make_pipeline(sk::detail::get<0>(model.stages)) | sk::collect();
    const sk::pca_model& components = sk::detail::get<1>(model.stages).model;
    const sk::feature_matrix points = sk::matrix_of(scaled, all);
    const auto expected = components.reconstruction_errors(points.view());
    const auto found = *rows | model | sk::collect();
    const auto near = *rows | model | sk::inverse(sk::make_pipeline(sk::detail::get<1>(model.stages))) | sk::collect();
    for (std::size_t i = 0; i < 50; ++i) {
        CHECK(found["lost"_c][i] == expected[i]);
        double squares = 0;
        const double back[] = {near["height"_c][i], near["girth"_c][i], near["leaves"_c][i]};
        for (std::size_t j = 0; j < 3; ++j) squares += (back[j] - points.view()(i, j)) * (back[j] - points.view()(i, j));
        CHECK(support::close(squares, expected[i], 1e-9, 1e-12));
    }
    auto spoiled = components;
    spoiled.mean[1] = std::numeric_limits<double>::infinity();
    CHECK_THROWS_WITH_AS(sk::to_json(spoiled), doctest::Contains("pca: incompatible model: found infinity"), sk::error);
    // With all components every value comes back, through the scaler too, and from the scores alone.
    const auto whole = sk::fit(sk::standard_scale(all) | sk::pca(all, "pc"_c), *rows).model;
    const auto again = *rows | whole | sk::select("pc"_c) | sk::inverse(whole) | sk::collect();
    static_assert(std::is_same_v<decltype(again)::schema_type, sk::schema<sk::field<"pc", sk::block<double>>, sk::field<"height", double>, sk::field<"girth", double>, sk::field<"leaves", double>>>);
    for (std::size_t i = 0; i < 50; ++i) {
        CHECK(support::close((*rows)["height"_c][i], again["height"_c][i], 1e-12));
        CHECK(support::close((*rows)["leaves"_c][i], again["leaves"_c][i], 1e-9, 1e-9));
    }
    const auto narrow = sk::fit(sk::pca(all, "pc"_c, {.n_components = 1}), *rows).model;
    CHECK_THROWS_WITH_AS(*rows | narrow | sk::inverse(whole) | sk::collect(), doctest::Contains("pca: incompatible model: found 1 features, expected 3"), sk::error);

    // A block of features is one column, also where only the scores are left.
    const auto block_model = sk::fit(sk::pca(all, "pc"_c) | sk::pca("pc"_c, "turned"_c), *rows).model;
    const auto turned_back = *rows | block_model | sk::select("turned"_c) | sk::inverse(block_model) | sk::collect();
    for (std::size_t i = 0; i < 50; ++i) CHECK(support::close((*rows)["height"_c][i], turned_back["height"_c][i], 1e-12));
}
