// segkit/prepare/winsorize.hpp: values beyond two bounds moved to them, so that no single one pulls a mean or a scale.
//
//     winsorize(columns("age"_c, "spend"_c), {.factor = 1.5})                                                  // by Tukey's fences
//     winsorize("spend"_c, {.by = winsorize_by::quantiles, .upper = 0.99, .side = fence_side::upper})
//
// The columns are replaced, as double; every row stays. Bounds come from the training rows; later values are moved to the same. As
// in iqr_trim, a column whose fences mean nothing is left alone. Nulls are refused by the fit; afterwards a null stays null. Cost: the
// features of the training rows in memory, a selection per feature.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/detail/replace_columns.hpp>
#include <segkit/prepare/detail/winsorize_core.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

struct winsorize_report {
    std::vector<std::string> columns;    // a block column once, whatever its width
    clip_bounds bounds;                  // one entry per feature
    std::vector<std::size_t> moved;      // training values beyond the bounds of their feature
};

// The fitted form: replaces the columns.
template <class Columns>
struct fitted_winsorize : stage_base {
    static constexpr std::string_view stage_name = "winsorize";
    std::vector<std::size_t> widths{};    // features per column
    clip_bounds bounds{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::map_columns(std::move(r), Columns{}, stage_name, widths, bounds.columns);
    }

    friend bool operator==(const fitted_winsorize& a, const fitted_winsorize& b) { return a.widths == b.widths && a.bounds == b.bounds; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("widths", widths);
        archive.field("bounds", bounds);
    }
};

template <class Columns>
struct winsorize_stage : stage_base {
    static constexpr std::string_view stage_name = "winsorize";
    using must_be_fitted = void;
    using model_type = fitted_winsorize<Columns>;
    winsorize_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        const auto matrix = detail::collect_features(rows.plan, features, stage_name, executor);
        winsorize_report report{detail::names_of(features), estimate(winsorize_estimator{options}, matrix.view(), executor), std::vector<std::size_t>(matrix.width)};
        for (std::size_t i = 0; i < matrix.rows; ++i)
            for (std::size_t j = 0; j < matrix.width; ++j) report.moved[j] += report.bounds.columns[j].beyond(matrix.view()(i, j));
        auto widths = detail::widths_of(rows.plan, features, matrix.width, executor);
        return stage_fit<model_type, winsorize_report>{{{}, std::move(widths), report.bounds}, std::move(report)};
    }
};

// One column or a list, of numbers, truth values or blocks.
template <class Columns>
constexpr auto winsorize(Columns, winsorize_options options = {}) {
    return make_pipeline(winsorize_stage<detail::columns_of_t<Columns>>{{}, options});
}

inline stage_summary summarise(const winsorize_report& report) {
    stage_summary s{.stage = "winsorize"};
    for (std::size_t j = 0; j < report.bounds.columns.size(); ++j) {
        const clip_bound& b = report.bounds.columns[j];
        const std::string name = detail::feature_name(report.columns, j, report.bounds.columns.size());
        s.facts.emplace_back(name + " moved to [" + to_text(b.lower) + ", " + to_text(b.upper) + "]", std::to_string(report.moved[j]));
        if (!b.reason.empty()) s.notes.push_back(name + " left alone: " + b.reason);
    }
    return s;
}

}  // namespace SEGKIT_NAMESPACE
