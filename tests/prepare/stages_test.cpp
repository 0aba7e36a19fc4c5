// What the preparation stages promise beyond the laws: missing values, categories, sides, and what they refuse.
#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>

#include <segkit/pipeline/save.hpp>
#include <segkit/prepare.hpp>
#include <segkit/prepare/detail/scale_core.hpp>
#include <segkit/query.hpp>

#include "../support/failures.hpp"
#include "../support/matrices.hpp"

namespace sk = segkit;
using namespace segkit::literals;
using support::message_of;

namespace {

using row = sk::schema<sk::field<"kind", std::optional<sk::text>>, sk::field<"stars", std::optional<std::int32_t>>, sk::field<"paid", double>>;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

sk::table<row> rows() { return {{"inn", 3, 10.0}, {"hotel", 4, not_a_number}, {std::nullopt, std::nullopt, 30.0}, {"inn", 3, 20.0}}; }
// Without anything missing.
sk::table<row> whole_rows() { return {{"inn", 3, 10.0}, {"hotel", 5, 12.0}, {"inn", 4, 11.0}, {"camp", 1, 14.0}, {"hotel", 3, 400.0}}; }

template <class Recipe>
std::string fit_fails(const Recipe& recipe, const sk::table<row>& t) {
    return message_of([&] { return sk::fit(recipe, t); });
}

// The model after a part of its saved text was replaced.
template <class Model>
Model damaged(const Model& model, const std::string& from, const std::string& to) {
    std::string text = sk::model_to_json(model);
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), from.size(), to);
    return sk::model_from_json<Model>(text);
}

// The column as collected.
template <class Table, sk::fixed_string Name>
auto column_of(const Table& table, sk::col<Name> column) {
    std::vector<std::remove_cvref_t<decltype(table[column][0])>> values;
    for (std::size_t i = 0; i < table.rows(); ++i) values.push_back(table[column][i]);
    return values;
}

}  // namespace

TEST_CASE("a null and a NaN are imputed alike, and the flag says where there was a value") {
    const auto mean = sk::fit(sk::impute_mean("paid"_c, "paid_known"_c) | sk::impute_most_frequent(sk::columns("kind"_c, "stars"_c)), rows());
    const auto t = rows() | mean.model | sk::collect();
    CHECK(column_of(t, "paid"_c) == std::vector<double>{10, 20, 30, 20});
    CHECK(column_of(t, "paid_known"_c) == std::vector<bool>{true, false, true, true});
    CHECK(t["kind"_c][2] == "inn");
    CHECK(column_of(t, "stars"_c) == std::vector<std::int32_t>{3, 4, 3, 3});
    const auto& report = mean.report.get<sk::impute_report>();
    CHECK(report.columns[0].missing == 1);
    CHECK(report.columns[0].rows == 4);
    const auto named = rows() | sk::impute_constant("kind"_c, "unknown", "kind_known"_c) | sk::collect();
    CHECK(named["kind"_c][2] == "unknown");
    CHECK(!named["kind_known"_c][2]);
}

TEST_CASE("a column without any value has nothing to learn from, and a constant must fit") {
    sk::table<row> none;
    for (int i = 0; i < 3; ++i) none.append(std::nullopt, std::nullopt, not_a_number);
    CHECK(fit_fails(sk::impute_mean("stars"_c), none) ==
          "impute_mean: empty input in 'stars': found no value in 3 rows, expected at least one from which to learn; use impute_constant for this column, or drop it");
    CHECK(fit_fails(sk::impute_median("paid"_c), none).starts_with("impute_median: empty input in 'paid'"));
    CHECK(fit_fails(sk::impute_most_frequent("kind"_c), none).starts_with("impute_most_frequent: empty input in 'kind'"));
    CHECK(message_of([] { return rows() | sk::impute_constant("stars"_c, std::int64_t{1} << 40) | sk::collect(); }) ==
          "impute_constant: invalid option in 'value': found 1099511627776, expected a number that the column's type can hold");
}

TEST_CASE("codes follow the ascending or the given order, and come back as text") {
    const auto t = whole_rows();
    const auto found = sk::fit(sk::ordinal(sk::columns("kind"_c, "stars"_c)), t);
    const auto coded = t | found.model | sk::collect();
    CHECK(column_of(coded, "kind"_c) == std::vector<std::optional<std::int32_t>>{2, 1, 2, 0, 1});
    CHECK(column_of(coded, "stars"_c) == std::vector<std::optional<std::int32_t>>{1, 3, 2, 0, 1});
    const auto back = t | found.model | sk::inverse(found.model) | sk::collect();
    CHECK(back["kind"_c][3] == "camp");
    CHECK(back["stars"_c][1] == "5");
    const auto given = sk::fit(sk::ordinal("kind"_c, {.categories = {"inn", "hotel"}, .unknown = sk::unknown_category::ignore}), t);
    CHECK(column_of(t | given.model | sk::collect(), "kind"_c) == std::vector<std::optional<std::int32_t>>{0, 1, 0, -1, 1});
    CHECK(given.report.get<sk::category_report>().unknown[0] == 1);
    CHECK((t | given.model | sk::inverse(given.model) | sk::collect())["kind"_c][3] == std::nullopt);
}

TEST_CASE("a category that the fit has not seen is refused by field, row and value, or ignored") {
    const auto t = whole_rows();
    const sk::table<row> later{{"hotel", 3, 1.0}, {"castle", 4, 2.0}};
    const sk::table<row> gap{{"hotel", 3, 1.0}, {std::nullopt, 4, 2.0}};
    const auto strict = sk::fit(sk::one_hot("kind"_c, "is"_c), t), open = sk::fit(sk::one_hot("kind"_c, "is"_c, {.unknown = sk::unknown_category::ignore}), t);
    CHECK(message_of([&] { return later | strict.model | sk::collect(); }) ==
          "one_hot: malformed value in 'kind' at row 1: found \"castle\", expected one of 3 known categories: camp, hotel, inn; fit on rows that have it, or allow it "
          "with unknown_category::ignore");
    CHECK(message_of([&] { return gap | strict.model | sk::collect(); }).starts_with("one_hot: unexpected null in 'kind' at row 1"));
    for (const auto* rows_of : {&later, &gap}) {
        const auto blocks = *rows_of | open.model | sk::collect();
        CHECK(std::vector<double>(blocks["is"_c][0].begin(), blocks["is"_c][0].end()) == std::vector<double>{0, 1, 0});
        CHECK(std::vector<double>(blocks["is"_c][1].begin(), blocks["is"_c][1].end()) == std::vector<double>{0, 0, 0});
    }
    CHECK((gap | sk::fit(sk::ordinal("kind"_c), t).model | sk::collect())["kind"_c][1] == std::nullopt);
    CHECK((later | open.model | sk::inverse(open.model) | sk::collect())["is"_c][0] == "hotel");
}

TEST_CASE("categories that cannot be learned are refused by the fit") {
    const auto t = whole_rows();
    CHECK(fit_fails(sk::one_hot("kind"_c, "is"_c), rows()) ==
          "one_hot: unexpected null in 'kind' at row 2: found 1 null, expected a category in every row; filter these rows, or use impute_constant or "
          "impute_most_frequent first");
    CHECK(fit_fails(sk::one_hot("kind"_c, "is"_c, {.max_categories = 2}), t).starts_with("one_hot: invalid option in 'kind': found 3 categories, expected at most max_categories = 2"));
    CHECK(fit_fails(sk::ordinal("kind"_c, {.categories = {"inn", "hotel"}}), t).starts_with("ordinal: malformed value in 'kind': found camp in 1 rows, expected one of the given"));
    CHECK(fit_fails(sk::ordinal("kind"_c, {.categories = {"inn", "inn"}}), t).starts_with("ordinal: invalid option in 'categories': found inn twice"));
    CHECK(fit_fails(sk::ordinal("stars"_c, {.categories = {"three"}}), t).starts_with("ordinal: invalid option in 'categories': found three, expected whole numbers"));
}

TEST_CASE("fences may have one side, and winsorized values stop at them") {
    const auto t = whole_rows();
    const auto flagged = t | sk::fit(sk::iqr_flag("paid"_c, "low"_c, {.side = sk::fence_side::lower}) | sk::iqr_flag("paid"_c, "high"_c, {.side = sk::fence_side::upper}), t).model | sk::collect();
    CHECK(column_of(flagged, "low"_c) == std::vector<bool>(5, false));
    CHECK(column_of(flagged, "high"_c) == std::vector<bool>{false, false, false, false, true});
    const auto scored = sk::fit(sk::zscore_trim("paid"_c, {.threshold = 1.5}) | sk::standard_scale("paid"_c), t);
    CHECK(scored.report.get<sk::zscore_report>().removal.kept() == 4);
    CHECK(scored.report.get<sk::scale_report>().scaling.columns[0].centre == 11.75);    // learned without the one that is trimmed
    CHECK(fit_fails(sk::zscore_trim("paid"_c, {.threshold = 0}), t).starts_with("zscore_trim: invalid option in 'threshold'"));
    CHECK(column_of(t | sk::fit(sk::winsorize("paid"_c), t).model | sk::collect(), "paid"_c) == std::vector<double>{10, 12, 11, 14, 18.5});
    const sk::winsorize_options low{.by = sk::winsorize_by::quantiles, .lower = 0.25, .side = sk::fence_side::lower};
    CHECK(column_of(t | sk::fit(sk::winsorize("paid"_c, low), t).model | sk::collect(), "paid"_c) == std::vector<double>{11, 12, 11, 14, 400});
    CHECK(fit_fails(sk::winsorize("paid"_c, {.lower = 0.9, .upper = 0.1}), t).starts_with("winsorize: invalid option in 'lower'"));
    const sk::table<row> same{{"a", 1, 7.0}, {"b", 1, 7.0}, {"c", 1, 9.0}};
    const auto alone = sk::fit(sk::winsorize("paid"_c), same);
    CHECK(alone.report.get<sk::winsorize_report>().bounds.columns[0].reason == "at most two distinct values");
    CHECK(column_of(same | alone.model | sk::collect(), "paid"_c)[2] == 9);
}

TEST_CASE("a recipe is undone from its end, and a value without a logarithm is refused by row") {
    const auto t = whole_rows();
    const auto fitted = sk::fit(sk::log1p_scale("paid"_c) | sk::robust_scale(sk::columns("paid"_c, "stars"_c)) | sk::quantile_scale("stars"_c), t);
    const auto undo = sk::inverse(fitted.model);
    const auto back = t | fitted.model | undo | sk::collect();
    for (std::size_t i = 0; i < t.rows(); ++i) {
        CHECK(support::close(back["paid"_c][i], t["paid"_c][i], 1e-13));
        CHECK(support::close(*back["stars"_c][i], *t["stars"_c][i], 1e-13));
    }
    CHECK(sk::model_from_json<std::remove_const_t<decltype(undo)>>(sk::model_to_json(undo)) == undo);
    const sk::table<row> debt{{"inn", std::nullopt, 0.0}, {"inn", -1, 5.0}};
    CHECK(message_of([&] { return debt | sk::log1p_scale("stars"_c) | sk::collect(); }) ==
          "log1p_scale: not a finite number in 'stars' at row 1: found -1, expected a value above -1, which has a logarithm of 1 + x; shift the column, or clip it with "
          "greatest() first");
}

TEST_CASE("values whose squares or sum overflow are refused by the name of their column") {
    const sk::table<row> far{{"inn", 3, 10.0}, {"inn", 4, 1e200}};
    CHECK(fit_fails(sk::standard_scale("paid"_c), far) ==
          "standard_scale: not a finite number in 'paid': found values whose squares overflow, expected finite squares; measure this column in a larger unit");
    const sk::table<row> farther{{"inn", 3, 1.7e308}, {"inn", 4, -1.7e308}};
    CHECK(fit_fails(sk::impute_mean("paid"_c), farther) ==
          "impute_mean: not a finite number in 'paid': found values whose sum overflows, expected a finite sum; measure this column in a larger unit");
}

TEST_CASE("a scaled value that float cannot hold is refused by row and feature; a NaN stays") {
    const float values[] = {1, 0, 2, 1e-30f, 3, 2e-30f};
    const auto scaling = sk::estimate(sk::standard_scale_estimator{}, sk::row_major<const float>(values, 3, 2));
    const float later[] = {std::numeric_limits<float>::quiet_NaN(), 0, 2, 3e38f};
    CHECK(message_of([&] { return scaling.transformed(sk::row_major<const float>(later, 2, 2)).rows(); }) ==
          "scale: overflow in 'feature 1' at row 1: found an infinite result, expected a value that float can hold; replace infinities first, or use double");
    CHECK(scaling.transformed(sk::row_major<const float>(later, 1, 2)).view()(0, 0) != 0);
    const auto nan = scaling.transformed(sk::row_major<const float>(later, 1, 2)).view()(0, 0);
    CHECK(nan != nan);
}

TEST_CASE("a damaged model of categories or fills is refused") {
    const auto t = whole_rows();
    const auto message = [&](const auto& fitted, const std::string& from, const std::string& to) { return message_of([&] { return t | damaged(fitted.model, from, to) | sk::collect(); }); };
    CHECK(message(sk::fit(sk::one_hot("kind"_c, "is"_c), t), "\"rows\": [1, 2, 2]", "\"rows\": [1, 2]").starts_with("one_hot: incompatible model"));
    CHECK(message(sk::fit(sk::ordinal("stars"_c), t), "\"integers\": [1, 3, 4, 5]", "\"integers\": [1]").starts_with("ordinal: incompatible model"));
    CHECK(message(sk::fit(sk::winsorize("paid"_c), t), "\"widths\": [1]", "\"widths\": [2]").starts_with("winsorize: incompatible model"));
}

TEST_CASE("a constant that is no number, or too large for its column, is refused") {
    CHECK(message_of([] { return rows() | sk::impute_constant("paid"_c, not_a_number) | sk::collect(); }).starts_with("impute_constant: invalid option in 'value': found nan"));
    CHECK(message_of([] { return sk::impute_constant("stars"_c, std::numeric_limits<std::uint64_t>::max()); }).starts_with("impute_constant: invalid option in 'value': found 18446744073709551615"));
    const sk::table<sk::schema<sk::field<"x", std::optional<float>>>> floats{{1.0F}, {std::nullopt}};
    CHECK((floats | sk::impute_constant("x"_c, 2.5) | sk::collect())["x"_c][1] == 2.5F);
    CHECK(message_of([&] { return floats | sk::impute_constant("x"_c, 1e300) | sk::collect(); }).starts_with("impute_constant: invalid option in 'value': found 1e"));
}

TEST_CASE("a damaged model is not inverted either") {
    const auto t = whole_rows();
    const auto fitted = sk::fit(sk::ordinal("stars"_c), t);
    const auto model = damaged(fitted.model, "\"integers\": [1, 3, 4, 5]", "\"integers\": [1]");
    const auto codes = t | fitted.model | sk::collect();
    CHECK(message_of([&] { return codes | sk::inverse(model) | sk::collect(); }).starts_with("ordinal: incompatible model"));
    const auto scaled = sk::fit(sk::standard_scale("stars"_c), t).model;
    CHECK(message_of([&] { return damaged(scaled, "\"scale\": ", "\"scale\": 0, \"once\": "); }).starts_with("standard_scale: incompatible model: found infinity"));
}

TEST_CASE("values next to the least have the least normal score") {
    const sk::quantile_curve curve{{0, 1}, true};
    for (double x : {0.0, 5e-324, 1e-310, 1e-300, 1e-8}) CHECK(curve.transform(x) == curve.transform(0));
}
