#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <optional>
#include <string>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/decompose/pca.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/save.hpp>
#include <segkit/prepare.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using users = sk::schema<sk::field<"id", std::int64_t>, sk::field<"clicks", double>, sk::field<"trips", std::int32_t>, sk::field<"rate", std::optional<double>>>;

sk::table<users> some_users(std::size_t rows, std::uint64_t seed = 1) {
    sk::table<users> t;
    const sk::counter_random random(seed, 0);
    for (std::size_t i = 0; i < rows; ++i) {
        const double group = static_cast<double>(random.below(4 * i, 3));
        t.append(static_cast<std::int64_t>(i), 10 * group + random.uniform(4 * i + 1) + (i % 97 == 0 ? 500.0 : 0.0),
                 static_cast<std::int32_t>(3 * group + 4 * random.uniform(4 * i + 2)), random.uniform(4 * i + 3));
    }
    return t;
}

constexpr auto behaviour = sk::columns("clicks"_c, "trips"_c, "rate"_c);

auto make_recipe() {
    return sk::iqr_trim(behaviour, {.factor = 1.5}) | sk::standard_scale(behaviour) | sk::pca(behaviour, "pc"_c, {.n_components = 2}) |
           sk::kmeans("pc"_c, "cluster"_c, {.n_clusters = 3, .seed = 42});
}

}  // namespace

TEST_CASE("a recipe is fitted, and its model keeps every row, flags the trimmed and labels all") {
    const auto t = some_users(5'000);
    const auto fitted = sk::fit(make_recipe(), t, sk::threads(2));
    const auto& trim = fitted.report.get<sk::iqr_report>();
    CHECK(trim.removal.rows == 5'000);
    CHECK(trim.removal.beyond[0] == 52);
    CHECK(fitted.report.get<sk::kmeans_report>().n_rows == trim.removal.kept());
    CHECK(fitted.report.summary().size() == 4);

    const auto labelled = t | fitted.model | sk::collect();
    REQUIRE(labelled.rows() == 5'000);
    std::size_t trimmed = 0;
    std::vector<int> seen(3);
    for (std::size_t i = 0; i < labelled.rows(); ++i) {
        trimmed += labelled["trimmed"_c][i];
        ++seen[static_cast<std::size_t>(labelled["cluster"_c][i])];
        CHECK(labelled["pc"_c][i].size() == 2);
    }
    CHECK(trimmed == trim.removal.outside);
    CHECK(seen[0] > 0);
    CHECK(seen[2] > 0);
}

TEST_CASE("fit, save, load, apply equals fit, apply, bit for bit") {
    const auto t = some_users(3'000);
    const auto later = some_users(500, 2);
    const auto recipe = make_recipe();
    const auto fitted = sk::fit(recipe, t);
    const std::string path = "fit_test_model.json";
    sk::save(fitted.model, path);
    const auto again = sk::load<sk::model_of<decltype(recipe), decltype(t)>>(path);
    const auto same = sk::load(path, recipe);
    std::remove(path.c_str());
    const auto a = later | fitted.model | sk::collect();
    for (const auto& b : {later | again | sk::collect(), later | same | sk::collect()}) {
        REQUIRE(b.rows() == a.rows());
        for (std::size_t i = 0; i < a.rows(); ++i) CHECK(a.row(i) == b.row(i));
    }
    CHECK(sk::model_to_json(again) == sk::model_to_json(fitted.model));
    CHECK(again == fitted.model);
    CHECK(!(again == sk::fit(recipe, later).model));
}

TEST_CASE("a fit gives the same bits for any number of threads") {
    const auto t = some_users(100'000);
    const std::string one = sk::model_to_json(sk::fit(make_recipe(), t).model);
    for (const unsigned n : {2u, 3u, 7u}) CHECK(sk::model_to_json(sk::fit(make_recipe(), t, sk::threads(n)).model) == one);
}

TEST_CASE("a recipe with expressions is loaded with the recipe") {
    const auto t = some_users(1'000);
    const auto recipe = sk::filter("clicks"_c < 100.0) | sk::derive("both"_c = "clicks"_c + "trips"_c) | sk::min_max_scale(sk::columns("both"_c)) | sk::select("id"_c, "both"_c);
    const auto fitted = sk::fit(recipe, t);
    const std::string path = "fit_test_expressions.json";
    sk::save(fitted.model, path);
    const auto again = sk::load(path, recipe);
    std::remove(path.c_str());
    const auto a = t | fitted.model | sk::collect();
    const auto b = t | again | sk::collect();
    REQUIRE(a.rows() == b.rows());
    double least = 1, most = 0;
    for (std::size_t i = 0; i < a.rows(); ++i) {
        CHECK(a.row(i) == b.row(i));
        least = std::min(least, a["both"_c][i]);
        most = std::max(most, a["both"_c][i]);
    }
    CHECK(least == 0);
    CHECK(most == 1);
}

TEST_CASE("a model file that does not fit says what differs") {
    const auto t = some_users(200);
    const auto scaled = sk::fit(sk::standard_scale(behaviour), t);
    const std::string text = sk::model_to_json(scaled.model);
    const auto other = sk::standard_scale(sk::columns("clicks"_c));
    using other_model = sk::model_of<decltype(other)>;
    CHECK_THROWS_WITH_AS(sk::model_from_json<other_model>(text), doctest::Contains("found the columns clicks, trips, rate, expected the columns clicks"), sk::error);
    const auto two = sk::standard_scale(behaviour) | sk::standard_scale(behaviour);
    CHECK_THROWS_WITH_AS(sk::model_from_json<sk::model_of<decltype(two)>>(text), doctest::Contains("found 1 stages, expected 2"), sk::error);
    using model = sk::model_of<decltype(sk::standard_scale(behaviour))>;
    CHECK_THROWS_WITH_AS(sk::model_from_json<model>(text.substr(0, text.size() / 2)), doctest::Contains("malformed document"), sk::error);
    std::string newer = text;
    newer.replace(newer.find("\"version\": 1"), 12, "\"version\": 9");
    CHECK_THROWS_WITH_AS(sk::model_from_json<model>(newer), doctest::Contains("in 'version': found 9, expected 1"), sk::error);
    CHECK_THROWS_WITH_AS(sk::load<model>("no/such/file.json"), doctest::Contains("cannot open"), sk::error);
    CHECK_THROWS_WITH_AS(sk::save(scaled.model, "no/such/folder/model.json"), doctest::Contains("cannot write"), sk::error);
}

TEST_CASE("nulls and NaN in a feature are refused with field, count and first row") {
    auto t = some_users(100);
    t.append(100, 1.0, 1, std::nullopt);
    t.append(101, 1.0, 1, std::nullopt);
    CHECK_THROWS_WITH_AS(sk::fit(sk::standard_scale(behaviour), t), doctest::Contains("standard_scale: unexpected null in 'rate' at row 100: found 2 nulls"), sk::error);
    auto n = some_users(50);
    n.append(50, std::nan(""), 1, 0.5);
    CHECK_THROWS_WITH_AS(sk::fit(sk::kmeans(behaviour, "cluster"_c), n), doctest::Contains("kmeans: not a finite number in 'clicks' at row 50: found NaN"), sk::error);
    CHECK_THROWS_WITH_AS(sk::fit(sk::pca(behaviour, "pc"_c), some_users(0)), doctest::Contains("empty input"), sk::error);
}

TEST_CASE("a constant column is centred, not scaled, and reported; k beyond the distinct rows is lowered and reported") {
    using one = sk::schema<sk::field<"x", double>, sk::field<"y", double>>;
    const sk::table<one> t{{5.0, 1.0}, {5.0, 2.0}, {5.0, 2.0}};
    const auto fitted = sk::fit(sk::standard_scale(sk::columns("x"_c, "y"_c)) | sk::kmeans(sk::columns("x"_c, "y"_c), "k"_c, {.n_clusters = 5}), t);
    CHECK(fitted.report.get<sk::scale_report>().any_constant());
    CHECK(fitted.report.get<sk::kmeans_report>().clusters_used == 2);
    const auto labelled = t | fitted.model | sk::collect();
    CHECK(labelled["x"_c][0] == 0);
    CHECK(labelled["k"_c][1] == 0);
    CHECK(labelled["k"_c][0] == 1);
}

TEST_CASE("every entry has a form that returns wrong data as a value") {
    auto t = some_users(10);
    t.append(10, 1.0, 1, std::nullopt);
    const auto failed = sk::try_fit(sk::standard_scale(behaviour), t);
    REQUIRE(!failed);
    CHECK(failed.error().code() == sk::error_code::unexpected_null);
    CHECK(sk::try_fit(sk::standard_scale(sk::columns("clicks"_c)), t).value().model.stages.size == 1);
    CHECK((t | sk::filter("id"_c > 4) | sk::try_collect()).value().rows() == 6);
    CHECK(!(t | sk::derive("x"_c = ("id"_c + 9223372036854775807) * 2) | sk::try_collect()));
    CHECK(!sk::try_load<sk::model_of<decltype(sk::standard_scale(behaviour))>>("no/such/file.json"));
}
