// iqr-pca: outliers by 1.5 IQR on any of five figures, then principal components of the z-scored rest, as published; and
// what the guard against meaningless fences says about it.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <segkit/decompose/pca.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/prepare.hpp>
#include <segkit/query.hpp>

#include "../recipe.hpp"
#include "../text_format.hpp"
#include "iqr_pca_features.hpp"

namespace traveltide {

namespace {

constexpr auto figures = sk::columns("age"_c, "gender_code"_c, "married"_c, "has_children"_c, "hotel_spend"_c);
constexpr std::string_view figure_names[] = {"Age", "Gender", "Married", "Has children", "Hotel spend"};

// Published without a guard: gender, with an IQR of zero, removes everybody who is not in the majority.
const auto published = sk::iqr_trim(figures, {.factor = 1.5, .guard = sk::iqr_guard::off}) | sk::standard_scale(figures) | sk::pca(figures, "pc"_c);
const auto guarded = sk::iqr_trim(figures, {.factor = 1.5});

const auto side = sk::when("trimmed"_c, "Beyond the fences").otherwise("Within the fences");
const auto no_perk = sk::apply([](std::int64_t) { return std::optional<std::string>(); }, "user_id"_c);
auto score(std::size_t component) {
    return sk::apply([component](const auto& scores) { return scores[component]; }, "pc"_c);
}

nlohmann::ordered_json to_json(const sk::iqr_report& report) {
    nlohmann::ordered_json j = {{"kept", report.removal.kept()}, {"removed", report.removal.outside}, {"columns", nlohmann::ordered_json::object()}};
    for (std::size_t i = 0; i < report.columns.size(); ++i) {
        const sk::iqr_fence& fence = report.fences.columns[i];
        j["columns"][report.columns[i]] = {{"lower", fence.lower}, {"upper", fence.upper}, {"beyond", report.removal.beyond[i]}, {"trimmed", fence.trimmed()},
                                           {"reason", sk::to_string(fence.reason)}};
    }
    return j;
}

table_section fences_for_report(const sk::iqr_report& with_guard) {
    table_section t{"Outliers", "Fences lie 1.5 interquartile ranges outside the quartiles. A column without a spread between its quartiles has none worth the name: the guard "
                                "leaves it alone, the published analysis did not.",
                    {"Figure", "Lower fence", "Upper fence", "Customers beyond", "With the guard"}, {}};
    for (std::size_t i = 0; i < with_guard.columns.size(); ++i) {
        const sk::iqr_fence& f = with_guard.fences.columns[i];
        t.rows.push_back({std::string(figure_names[i]), format_value(f.lower, number_style::decimal), format_value(f.upper, number_style::decimal),
                          format_count(with_guard.removal.beyond[i]), f.trimmed() ? "trimmed" : std::string(sk::to_string(f.reason))});
    }
    return t;
}

outcome run(const recipe_input& input) {
    std::optional<sk::table<tables::customers>> customers;
    const auto features = [&] {
        if (!input.rows) return read_iqr_pca_features(input.options.user_table, input.executor);
        const auto trips = collect_trips(*input.rows, input.options, input.executor);
        customers = describe_customers(*input.rows, trips, input.reference_date, input.executor);
        return iqr_pca_features(*customers, trips, input.executor);
    }();

    const auto fitted = sk::fit(published, features, input.executor);
    const auto careful = sk::fit(guarded, features, input.executor);
    const auto labelled = features
        | fitted.model
        | sk::derive("perk"_c = no_perk, "segment"_c = side, "pc_1"_c = score(0), "pc_2"_c = score(1))
        | sk::select("user_id"_c, "perk"_c, "segment"_c, "pc_1"_c, "pc_2"_c)
        | sk::collect(input.executor);
    const auto assigned = labelled | sk::select("user_id"_c, "perk"_c, "segment"_c) | sk::collect();

    outcome o;
    o.assignments = sk::to_csv(labelled | sk::inner_join(features, "user_id"_c, sk::one_match) | sk::sort_by("user_id"_c) | sk::collect(input.executor));
    if (customers) {
        segment_profiles profiles = profile_segments(assigned, *customers, input.executor);
        o.segments = std::move(profiles.csv);
        o.report.segments = std::move(profiles.section);
    } else {
        o.segments = sk::to_csv(profile_iqr_pca(features, assigned, input.executor));
    }

    const auto& trim = fitted.report.get<sk::iqr_report>();
    const auto& guard = careful.report.get<sk::iqr_report>();
    const auto& components = fitted.report.get<sk::pca_report>();
    o.results = {{"unguarded", to_json(trim)}, {"guarded", to_json(guard)}, {"explained_variance_ratio", components.model.explained_variance_ratio}};
    for (const sk::stage_summary& stage : careful.report.summary())
        for (const std::string& note : stage.notes) o.warnings.push_back(stage.stage + ": " + note);

    report_data& r = o.report;
    r.title = "Who is far from the rest?";
    r.recipe_in_words = "Customers far from the rest in age, gender, family or hotel spend are set aside, and the main directions of the others are found. It gives no perk.";
    r.customers = features.rows();
    r.more.push_back(fences_for_report(guard));
    r.more.back().rows.push_back({"any of them", "", "", format_count(trim.removal.outside), fmt::format("{} with the guard", format_count(guard.removal.outside))});
    model_quality& quality = r.model.emplace();
    quality.lead = "Principal components of the z-scored figures of the customers within the fences, as published: without the guard, of which the notes speak.";
    for (std::size_t c = 0; c < components.model.n_components; ++c) {
        std::size_t largest = 0;
        for (std::size_t j = 1; j < components.columns.size(); ++j)
            if (std::abs(components.model.component(c, j)) > std::abs(components.model.component(c, largest))) largest = j;
        quality.components.push_back({fmt::format("Direction {}", c + 1), components.model.explained_variance_ratio[c], fmt::format("Mostly {}", figure_names[largest])});
    }
    return o;
}

}  // namespace

extern const recipe iqr_pca_recipe;
const recipe iqr_pca_recipe{.name = "iqr-pca",
                            .summary = "Outliers by interquartile range and principal components of five figures",
                            .user_table = "customers with user_id, age, gender, married, has_children, money_spent_hotel",
                            .run = run};

}  // namespace traveltide
