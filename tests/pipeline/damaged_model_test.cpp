// A model file that can be read but does not fit together is refused before it is applied.
#include <doctest/doctest.h>

#include <limits>
#include <string>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/cluster/mini_batch_kmeans.hpp>
#include <segkit/decompose/pca.hpp>
#include <segkit/pipeline/save.hpp>
#include <segkit/prepare.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using points = sk::schema<sk::field<"x", double>, sk::field<"y", double>, sk::field<"z", double>>;

sk::table<points> some_points() { return {{1, 2, 3}, {2, 4, 1}, {3, 1, 2}, {4, 7, 9}, {5, 3, 8}, {60, 2, 7}}; }
constexpr auto features = sk::columns("x"_c, "y"_c);

// Applies the model with one place of its text changed; true where that is refused as it should be.
template <class Fitted>
bool refused(const Fitted& fitted, const std::string& from, const std::string& to) {
    std::string text = sk::model_to_json(fitted.model);
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    try {
        const auto model = sk::model_from_json<decltype(fitted.model)>(text);
        (void)(some_points() | model | sk::collect());
    } catch (const sk::error& failure) {
        return failure.code() == sk::error_code::incompatible_model;
    }
    return false;
}

}  // namespace

TEST_CASE("a model whose parts differ in size is refused") {
    const auto t = some_points();
    const auto scaled = sk::fit(sk::standard_scale(features), t);
    CHECK(refused(scaled, "\"widths\": [1, 1]", "\"widths\": [1]"));
    CHECK(refused(scaled, "\"widths\": [1, 1]", "\"widths\": [1, 7]"));
    CHECK(refused(scaled, "\"widths\": [1, 1]", "\"widths\": [0, 1]"));
    CHECK(refused(sk::fit(sk::pca(features, "pc"_c), t), "\"n_components\": 2", "\"n_components\": 3"));
    CHECK(refused(sk::fit(sk::kmeans(features, "c"_c, {.n_clusters = 2}), t), "\"n_clusters\": 2", "\"n_clusters\": 3"));
    CHECK(refused(sk::fit(sk::percentile_rank("x"_c), t), "\"below\": [0, ", "\"below\": ["));
    const auto by_quantiles = sk::fit(sk::quantile_scale("x"_c), t);
    CHECK(refused(by_quantiles, "\"quantiles\": [1, 2,", "\"quantiles\": [\"nan\", 2,"));
    CHECK(refused(by_quantiles, "\"quantiles\": [1, 2,", "\"quantiles\": [1, 9,"));
}

TEST_CASE("a state whose parts differ in size is refused before it is merged") {
    const double values[] = {1, 5, 2, 4, 3, 9};
    const auto check = [&](const auto& estimator, const std::string& part) {
        auto state = estimator.start();
        estimator.update(state, sk::row_major(values, 3, 2));
        std::string text = sk::to_json(state);
        using state_type = decltype(state);
        CHECK(sk::from_json<state_type>(text) == state);
        const std::size_t at = text.find('[', text.find(part)), end = text.find_first_of(",]", at);    // the first number of the part is left out
        REQUIRE(end != std::string::npos);
        text.erase(at + 1, end - at);
        CHECK_THROWS_WITH_AS(sk::from_json<state_type>(text), doctest::Contains("incompatible model: found parts whose sizes do not fit together"), sk::error);
    };
    check(sk::co_moments{}, "products");
    check(sk::pca_estimator{}, "mean_tails");
    check(sk::pca_svd_estimator{}, "factor");
    check(sk::quantile_estimator{}, "\"values\": [");
    sk::mini_batch_state learned({0.0, 1.0}, 1);
    learned.weights[0] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH_AS(sk::to_json(learned), doctest::Contains("mini_batch_kmeans: incompatible model: found NaN"), sk::error);
}

TEST_CASE("blocks of different widths are scaled together") {
    const auto both = sk::columns("wide"_c, "narrow"_c);
    const auto recipe = sk::pca(sk::columns("x"_c, "y"_c, "z"_c), "wide"_c) | sk::pca(features, "narrow"_c, {.n_components = 1}) | sk::standard_scale(both);
    const auto t = some_points();
    const auto fitted = sk::fit(recipe, t);
    const auto scaled = t | fitted.model | sk::collect();
    REQUIRE(scaled["wide"_c][0].size() == 3);
    REQUIRE(scaled["narrow"_c][0].size() == 1);
    double squares = 0;
    for (std::size_t i = 0; i < scaled.rows(); ++i) squares += scaled["narrow"_c][i][0] * scaled["narrow"_c][i][0];
    CHECK(squares == doctest::Approx(static_cast<double>(scaled.rows())));    // deviation 1
}
