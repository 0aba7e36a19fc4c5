// The registry: every stage, estimator and aggregate of segkit once, with rows to try it on. The laws run over it.
// check_registry.py fails the build when a name in include/segkit is missing here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <support/matrices.hpp>

#include <segkit/cluster/bisecting_kmeans.hpp>
#include <segkit/cluster/kmeans.hpp>
#include <segkit/cluster/mini_batch_kmeans.hpp>
#include <segkit/decompose/pca.hpp>
#include <segkit/evaluate/choose_k.hpp>
#include <segkit/evaluate/profile.hpp>
#include <segkit/evaluate/silhouette_column.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/prepare.hpp>
#include <segkit/prepare/percentile_rank.hpp>
#include <segkit/query.hpp>
#include <segkit/query/aggregates/approximate.hpp>
#include <segkit/query/as_category.hpp>
#include <segkit/query/distinct.hpp>
#include <segkit/query/head.hpp>
#include <segkit/query/rank.hpp>
#include <segkit/query/sample.hpp>
#include <segkit/query/shuffle.hpp>
#include <segkit/query/top_n.hpp>
#include <segkit/rules/rules.hpp>
#include <segkit/statistics/co_moments.hpp>
#include <segkit/statistics/column_moments.hpp>
#include <segkit/statistics/column_sketches.hpp>
#include <segkit/statistics/quantile.hpp>

namespace laws {

namespace sk = segkit;
using namespace segkit::literals;

// ---- rows: features x, y and z without nulls, and columns of every other kind with some

using row_schema = sk::schema<sk::field<"id", std::int64_t>, sk::field<"group", std::int32_t>, sk::field<"country", std::optional<sk::text>>, sk::field<"x", double>,
                              sk::field<"y", float>, sk::field<"z", std::optional<double>>, sk::field<"paid", std::optional<double>>, sk::field<"clicks", std::optional<std::int64_t>>,
                              sk::field<"flag", std::optional<bool>>, sk::field<"day", sk::date>, sk::field<"time", std::optional<sk::timestamp>>>;

inline sk::table<row_schema> some_rows(std::size_t rows, std::uint64_t seed = 1) {
    sk::table<row_schema> t;
    const sk::counter_random random(seed, 3);
    constexpr std::string_view countries[] = {"usa", "canada", "", "a country with a longer name"};
    for (std::size_t i = 0; i < rows; ++i) {
        const auto below = [&](std::uint64_t part, std::uint64_t n) { return random.below(16 * i + part, n); };
        const auto uniform = [&](std::uint64_t part) { return random.uniform(16 * i + part); };
        const double centre = static_cast<double>(below(0, 3));
        const auto country = below(1, 5);
        t.append({static_cast<std::int64_t>(i), static_cast<std::int32_t>(below(2, 40)), country < 4 ? std::optional(countries[country]) : std::nullopt,
                  20 * centre + uniform(3) + (i % 101 == 0 ? 400.0 : 0.0), static_cast<float>(5 * centre + uniform(4)), centre - 2 * uniform(5) + 1e6,
                  below(6, 4) ? std::optional(100 * uniform(7)) : std::nullopt, below(8, 5) ? std::optional(static_cast<std::int64_t>(below(9, 30)) - 3) : std::nullopt,
                  below(10, 3) ? std::optional(below(11, 2) == 1) : std::nullopt, sk::date::from_days(static_cast<std::int32_t>(below(12, 40'000)) - 10'000),
                  below(13, 6) ? std::optional(sk::timestamp::from_microseconds(static_cast<std::int64_t>(below(14, 1'000'000'000'000'000)))) : std::nullopt});
    }
    return t;
}

// The right side of joins: group 3 twice, groups above 30 absent, one without a label.
inline auto groups() {
    using schema = sk::schema<sk::field<"group", std::int32_t>, sk::field<"label", std::optional<sk::text>>, sk::field<"rank", double>>;
    sk::table<schema> t;
    for (std::int32_t g = 30; g >= 0; --g) t.append(g, g == 7 ? std::nullopt : std::optional<std::string_view>("some label"), 1.0 / (1 + g));
    t.append(3, "the second three", -1.0);
    return t;
}
inline auto distinct_groups() { return groups() | sk::filter("rank"_c > 0.0) | sk::collect(); }

// ---- entries; each name is checked against the thing it names

template <class Pipeline>
struct stage_entry {
    std::string_view name;
    Pipeline stage;
};
template <sk::fixed_string Name, class Stage, class... More>
auto stage(const sk::pipeline<Stage, More...>& p) {
    static_assert(((Stage::stage_name == sk::name_of<Name>) || ... || (More::stage_name == sk::name_of<Name>)), "an entry under the name of no stage in it");
    return stage_entry<sk::pipeline<Stage, More...>>{sk::name_of<Name>, p};
}

// Rows to the centres of their clusters, in the components and back.
inline auto decoded() {
    const auto recipe = sk::pca(sk::columns("x"_c, "y"_c), "pc"_c, {.n_components = 1}) | sk::kmeans("pc"_c, "cluster"_c, {.n_clusters = 3, .n_init = 2});
    const auto model = sk::fit(recipe, some_rows(500)).model;
    return model | sk::inverse(model);
}

// Stages that learn nothing: their results are the same bits however the rows are cut.
template <class F>
void for_each_plain_stage(F&& f) {
    f(stage<"filter">(sk::filter("paid"_c > 30.0 || "flag"_c)));
    f(stage<"derive">(sk::derive("whole"_c = "clicks"_c * 2 - "group"_c, "rate"_c = sk::coalesce("paid"_c / sk::null_if_zero("clicks"_c), 0.5),
                                 "word"_c = sk::apply([](std::string_view s) { return std::string(s) + "!"; }, "country"_c), "year"_c = sk::year_of("day"_c),
                                 "kind"_c = sk::when("whole"_c > 10, "many").when(sk::is_null("whole"_c), "none").otherwise("few"))));
    f(stage<"replace">(sk::replace("paid"_c = "paid"_c * 1.5, "country"_c = sk::coalesce("country"_c, "none"), "clicks"_c = "paid"_c > 40.0)));
    f(stage<"select">(sk::select("country"_c, "id"_c, "time"_c)));
    f(stage<"drop">(sk::drop("country"_c, "x"_c)));
    f(stage<"as_category">(sk::as_category("country"_c)));
    f(stage<"as_text">(sk::as_text("country"_c)));
    f(stage<"rename">(sk::rename("where"_c = "country"_c, "when"_c = "time"_c)));
    f(stage<"group_by">(sk::group_by("country"_c, "flag"_c).aggregate(
        "rows"_c = sk::count(), "x_sum"_c = sk::sum("x"_c), "y_mean"_c = sk::mean("y"_c), "paid_deviation"_c = sk::stddev("paid"_c), "paid_middle"_c = sk::median("paid"_c),
        "kinds"_c = sk::count_distinct("clicks"_c), "first_time"_c = sk::first("time"_c), "last_day"_c = sk::max("day"_c),
        "big"_c = sk::sum("clicks"_c).where("paid"_c > 50.0), "share"_c = sk::share("paid"_c > 50.0))));
    f(stage<"group_by">(sk::group_by("group"_c, "weekday"_c = sk::iso_weekday("day"_c)).sorted().aggregate(
        "last"_c = sk::last("country"_c), "third"_c = sk::nth<3>("country"_c), "some"_c = sk::any("flag"_c), "every"_c = sk::all("flag"_c).where("paid"_c > 50.0),
        "high"_c = sk::quantile("paid"_c, 0.9), "quartiles"_c = sk::quantiles("paid"_c, {0.25, 0.5, 0.75}), "usual"_c = sk::mode("country"_c),
        "cheapest"_c = sk::min_by("country"_c, "paid"_c), "latest"_c = sk::max_by("paid"_c, "time"_c), "together"_c = sk::covariance("x"_c, "paid"_c),
        "r"_c = sk::correlation("y"_c, "clicks"_c))));
    f(stage<"group_by">(sk::group_by("flag"_c).aggregate("about"_c = sk::approx_quantile("z"_c, 0.7, {.rank_error = 0.05}), "kinds"_c = sk::count_distinct("country"_c),
                                                         "usual"_c = sk::mode("clicks"_c), "numbers"_c = sk::to_list("clicks"_c).where("paid"_c > 50.0), "words"_c = sk::to_list("country"_c))));
    f(stage<"inner_join">(sk::inner_join(groups(), "group"_c)));
    f(stage<"left_join">(sk::left_join(distinct_groups(), "group"_c, sk::one_match)));
    f(stage<"semi_join">(sk::semi_join(groups(), "group"_c)));
    f(stage<"anti_join">(sk::anti_join(groups(), "group"_c)));
    f(stage<"sort_by">(sk::sort_by("country"_c, sk::descending("paid"_c))));
    f(stage<"rank">(sk::rank(sk::order_by("country"_c, sk::descending("paid"_c)), "place"_c, {.method = sk::rank_method::dense}).within("flag"_c)));
    f(stage<"row_number">(sk::row_number(sk::descending("clicks"_c), "number"_c).within("country"_c, "group"_c)));
    f(stage<"ntile">(sk::ntile(7, "paid"_c, "part"_c)));
    f(stage<"percentile_rank">(sk::percentile_rank("paid"_c, "standing"_c, {.method = sk::percentile_method::cumulative}).within("flag"_c)));
    f(stage<"top_n">(sk::top_n(3, sk::descending("paid"_c), "clicks"_c).within("country"_c, "flag"_c)));
    f(stage<"distinct_by">(sk::distinct_by("group"_c, "country"_c)));
    f(stage<"distinct">(sk::distinct()));
    f(stage<"sample">(sk::sample({.n = 300, .seed = 11})));
    f(stage<"sample_fraction">(sk::sample({.fraction = 0.4, .seed = 12})));
    f(stage<"shuffle">(sk::shuffle({.seed = 13})));
    f(stage<"head">(sk::head(2'500)));
    f(stage<"skip">(sk::skip(1'001)));
    f(stage<"profile_clusters">(sk::profile_clusters("country"_c, sk::columns("x"_c, "paid"_c))));
    f(stage<"silhouette">(sk::head(1500) | sk::silhouette("country"_c, sk::columns("x"_c, "y"_c), "silhouette"_c)));    // the square of the rows
    f(stage<"log1p_scale">(sk::log1p_scale(sk::columns("paid"_c, "x"_c))));
    f(stage<"impute_constant">(sk::impute_constant("country"_c, "none", "known"_c)));
    f(stage<"inverse">(sk::inverse(sk::fit(sk::robust_scale(sk::columns("paid"_c, "x"_c)), some_rows(500) | sk::filter(!sk::is_null("paid"_c))).model)));
    f(stage<"pca">(decoded()));
    f(stage<"rules">(sk::rules("segment"_c, sk::rule("rich", "paid"_c > 80.0), sk::rule("busy", "clicks"_c > 20 && "flag"_c), sk::otherwise("rest"))));
}

// Stages that are fitted, over x, y and z.
inline constexpr auto features = sk::columns("x"_c, "y"_c, "z"_c);
template <class F>
void for_each_learning_stage(F&& f) {
    f(stage<"iqr_trim">(sk::iqr_trim(features, {.factor = 1.5})));
    f(stage<"standard_scale">(sk::standard_scale(features)));
    f(stage<"min_max_scale">(sk::min_max_scale(features, {.lower = -1, .upper = 1})));
    f(stage<"max_abs_scale">(sk::max_abs_scale(features)));
    f(stage<"robust_scale">(sk::robust_scale(features)));
    f(stage<"quantile_scale">(sk::quantile_scale(features, {.n_quantiles = 30})));
    f(stage<"percentile_rank">(sk::percentile_rank(features)));
    f(stage<"winsorize">(sk::winsorize(features, {.factor = 1})));
    f(stage<"iqr_flag">(sk::iqr_flag(features, "out"_c)));
    f(stage<"zscore_trim">(sk::zscore_trim(features, {.threshold = 1.5})));
    f(stage<"zscore_flag">(sk::zscore_flag(features, "out"_c, {.threshold = 1.5, .side = sk::fence_side::upper})));
    f(stage<"impute_mean">(sk::impute_mean(features)));
    f(stage<"impute_median">(sk::impute_median(features)));
    f(stage<"impute_most_frequent">(sk::impute_most_frequent(features)));
    f(stage<"pca">(sk::pca(features, "pc"_c, {.n_components = 2})));
    f(stage<"pca">(sk::pca(features, sk::scores_as("pc"_c).reconstruction_error_as("lost"_c), {.n_components = 1})));
    f(stage<"kmeans">(sk::kmeans(features, "cluster"_c, {.n_clusters = 3, .n_init = 2, .seed = 7})));
    f(stage<"kmeans">(sk::kmeans(features, sk::label_as("cluster"_c).distance_as("near"_c).second_distance_as("next"_c).distances_as("all"_c), {.n_clusters = 3, .n_init = 2, .seed = 7})));
    f(stage<"mini_batch_kmeans">(sk::mini_batch_kmeans(features, "cluster"_c, {.n_clusters = 3, .batch_size = 256, .seed = 7})));
    f(stage<"bisecting_kmeans">(sk::bisecting_kmeans(features, "cluster"_c, {.n_clusters = 4, .n_init = 2, .seed = 7})));
    f(stage<"choose_k">(sk::choose_k(features, "cluster"_c, {.k_max = 3, .seed = 8, .silhouette = {.exact_rows = 1'000, .n = 100}, .kmeans = {.n_init = 2}})));
    f(stage<"choose_k">(sk::choose_k(features, "cluster"_c, sk::weighted_by("y"_c), {.k_max = 2, .silhouette = {.exact_rows = 1'000, .n = 100}, .kmeans = {.n_init = 2}})));
}
// And over whole numbers.
template <class F>
void for_each_category_stage(F&& f) {
    f(stage<"ordinal">(sk::ordinal("group"_c)));
    f(stage<"one_hot">(sk::one_hot("group"_c, "is"_c)));
}
// Missing values are what imputation is for, and percentile_rank lets nulls be null; every other stage refuses them.
constexpr bool imputes(std::string_view stage_name) { return stage_name.starts_with("impute_"); }
constexpr bool takes_nulls(std::string_view stage_name) { return stage_name == "percentile_rank" || imputes(stage_name); }
// What no rows mean: an error, but for stages whose model over nothing is well defined.
constexpr bool takes_no_rows(std::string_view stage_name) { return stage_name == "percentile_rank"; }

template <class Kind>
struct aggregate_entry {
    std::string_view name;
    using kind = Kind;
    Kind value{};    // with its options
};
template <sk::fixed_string Name, class Kind>
aggregate_entry<Kind> aggregate(const Kind& kind = {}) {
    static_assert(Kind::aggregate_name == sk::name_of<Name>, "an entry under another aggregate's name");
    return {sk::name_of<Name>, kind};
}
// Of one column.
template <class F>
void for_each_aggregate(F&& f) {
    f(aggregate<"count", sk::count_kind>());
    f(aggregate<"sum", sk::sum_kind>());
    f(aggregate<"mean", sk::mean_kind>());
    f(aggregate<"stddev", sk::deviation_kind<1, true>>());
    f(aggregate<"variance", sk::deviation_kind<0, false>>());
    f(aggregate<"min", sk::extreme_kind<false>>());
    f(aggregate<"max", sk::extreme_kind<true>>());
    f(aggregate<"first", sk::first_kind>());
    f(aggregate<"last", sk::last_kind>());
    f(aggregate<"nth", sk::nth_kind<3>>());
    f(aggregate<"share", sk::share_kind>());
    f(aggregate<"any", sk::any_kind>());
    f(aggregate<"all", sk::all_kind>());
    f(aggregate<"median", sk::median_kind>());
    f(aggregate<"quantile">(sk::quantile_kind{.q = 0.3}));
    f(aggregate<"quantiles">(sk::quantiles_kind{.q = {0.1, 0.5, 0.9}}));
    f(aggregate<"approx_quantile">(sk::approx_quantile_kind{.q = 0.3, .options = {.rank_error = 0.2}}));
    f(aggregate<"count_distinct", sk::count_distinct_kind>());
    f(aggregate<"mode", sk::mode_kind>());
    f(aggregate<"to_list", sk::to_list_kind>());
}
// Of two columns.
template <class F>
void for_each_pair_aggregate(F&& f) {
    f(aggregate<"min_by", sk::extreme_by_kind<false>>());
    f(aggregate<"max_by", sk::extreme_by_kind<true>>());
    f(aggregate<"covariance", sk::covariance_kind<1>>());
    f(aggregate<"correlation", sk::correlation_kind>());
}

template <class Estimator>
struct estimator_entry {
    std::string_view name;
    Estimator value;
};
template <class Estimator>
estimator_entry<Estimator> estimator(std::string_view name, Estimator e) {
    static_assert(sk::matrix_estimator<Estimator>);
    return {name, std::move(e)};
}

// Everything with start, update, merge and finish; `data` is what the iterative ones begin from.
template <class F>
void for_each_estimator(const support::matrix& data, F&& f) {
    f(estimator("column_moments", sk::column_moments{}));
    f(estimator("co_moments", sk::co_moments{}));
    f(estimator("quantile_estimator", sk::quantile_estimator{}));
    f(estimator("quantile_sketch_estimator", sk::quantile_sketch_estimator{.options = {.rank_error = 0.02}}));
    f(estimator("iqr_estimator", sk::iqr_estimator{}));
    f(estimator("zscore_estimator", sk::zscore_estimator{}));
    f(estimator("winsorize_estimator", sk::winsorize_estimator{{.by = sk::winsorize_by::counts, .lower = 0.1}}));
    f(estimator("max_abs_scale_estimator", sk::max_abs_scale_estimator{}));
    f(estimator("robust_scale_estimator", sk::robust_scale_estimator{}));
    f(estimator("quantile_scale_estimator", sk::quantile_scale_estimator{{.n_quantiles = 10}}));
    f(estimator("standard_scale_estimator", sk::standard_scale_estimator{}));
    f(estimator("min_max_scale_estimator", sk::min_max_scale_estimator{}));
    f(estimator("pca_estimator", sk::pca_estimator{{.n_components = 2}}));
    f(estimator("pca_svd_estimator", sk::pca_svd_estimator{{.n_components = 2}}));
    f(estimator("joint_estimator", sk::detail::joint_estimator<sk::column_moments, sk::co_moments>{}));
    f(estimator("subspace_pass", sk::detail::subspace_pass{.basis = std::vector<double>(2 * data.columns, 0.5), .n_features = data.columns, .n_directions = 2}));
    const auto first_rows = data.values.begin() + static_cast<std::ptrdiff_t>(3 * data.columns);
    const sk::detail::lloyd_spec spec{.centres = {data.values.begin(), first_rows}, .n_clusters = 3};
    f(estimator("lloyd_pass", sk::detail::lloyd::pass(sk::detail::lloyd::init(spec))));
}

}  // namespace laws
