// segkit/prepare/scale.hpp: features on a common scale.
//
//     standard_scale(columns("age"_c, "spend"_c))                                    // mean 0, population deviation 1
//     min_max_scale(columns("age"_c), {.direction = scale_direction::inverted})      // the youngest is 1, the eldest 0
//     robust_scale(columns("spend"_c)), max_abs_scale(columns("balance"_c))
//
// The columns are replaced by their scaled values, as double. A column without spread is centred and not divided, and the report
// says so. Nulls are refused by the fit; afterwards a null stays null. inverse(model) gives the values back (prepare/inverse.hpp).
// One pass to fit, one division a value to apply; robust_scale holds the features of the training rows in memory.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/detail/replace_columns.hpp>
#include <segkit/prepare/detail/scale_core.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

struct scale_report {
    std::string stage;
    std::vector<std::string> columns;    // a block column once, whatever its width
    column_scaling scaling;              // one entry per feature

    bool any_constant() const {
        for (const scaled_column& c : scaling.columns)
            if (c.constant) return true;
        return false;
    }
};

enum class scale_kind { standard, min_max, max_abs, robust };

// The fitted form: replaces the columns.
template <class Columns, scale_kind Kind>
struct fitted_scale : stage_base {
    static constexpr std::string_view stage_name = Kind == scale_kind::standard  ? "standard_scale"
                                                   : Kind == scale_kind::min_max ? "min_max_scale"
                                                   : Kind == scale_kind::max_abs ? "max_abs_scale"
                                                                                 : "robust_scale";
    using has_inverse = void;
    std::vector<std::size_t> widths{};    // features per column
    column_scaling scaling{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::map_columns(std::move(r), Columns{}, stage_name, widths, scaling.columns);
    }
    template <class Schema>
    auto bind_inverse(relation<Schema> r) const {
        return detail::map_columns<map_direction::back>(std::move(r), Columns{}, stage_name, widths, scaling.columns);
    }

    friend bool operator==(const fitted_scale& a, const fitted_scale& b) { return a.widths == b.widths && a.scaling == b.scaling; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("widths", widths);
        archive.field("scaling", scaling);
        for (const scaled_column& c : scaling.columns) detail::require_finite_model(stage_name, {c.centre, c.scale == 0 ? std::numeric_limits<double>::infinity() : c.scale});    // which divides
    }
};

template <class Columns, scale_kind Kind, class Estimator>
struct scale_stage : stage_base {
    using must_be_fitted = void;
    using model_type = fitted_scale<Columns, Kind>;
    static constexpr std::string_view stage_name = model_type::stage_name;
    Estimator estimator;

    using columns_type = Columns;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        return learned(detail::estimate_features(estimator, rows.plan, features, stage_name, executor), rows.plan, features, executor);
    }
    // The fit by a scaling that `estimator` has learned from these features, in a pass of another's.
    auto learned(column_scaling scaling, const segkit::plan& plan, const std::vector<detail::feature>& features, executor_ref executor) const {
        auto widths = detail::widths_of(plan, features, scaling.columns.size(), executor);
        scale_report report{std::string(stage_name), detail::names_of(features), std::move(scaling)};
        return stage_fit<model_type, scale_report>{{{}, std::move(widths), report.scaling}, std::move(report)};
    }
};

template <fixed_string... Names>
constexpr auto standard_scale(column_list<Names...>, standard_scale_options options = {}) {
    return make_pipeline(scale_stage<column_list<Names...>, scale_kind::standard, standard_scale_estimator>{{}, {options}});
}
template <fixed_string Name>
constexpr auto standard_scale(col<Name>, standard_scale_options options = {}) {
    return standard_scale(column_list<Name>{}, options);
}
template <fixed_string... Names>
constexpr auto min_max_scale(column_list<Names...>, min_max_scale_options options = {}) {
    return make_pipeline(scale_stage<column_list<Names...>, scale_kind::min_max, min_max_scale_estimator>{{}, {options}});
}
template <fixed_string Name>
constexpr auto min_max_scale(col<Name>, min_max_scale_options options = {}) {
    return min_max_scale(column_list<Name>{}, options);
}

template <fixed_string... Names>
constexpr auto max_abs_scale(column_list<Names...>) {
    return make_pipeline(scale_stage<column_list<Names...>, scale_kind::max_abs, max_abs_scale_estimator>{{}, {}});
}
template <fixed_string Name>
constexpr auto max_abs_scale(col<Name>) {
    return max_abs_scale(column_list<Name>{});
}
template <fixed_string... Names>
constexpr auto robust_scale(column_list<Names...>, robust_scale_options options = {}) {
    return make_pipeline(scale_stage<column_list<Names...>, scale_kind::robust, robust_scale_estimator>{{}, {options}});
}
template <fixed_string Name>
constexpr auto robust_scale(col<Name>, robust_scale_options options = {}) {
    return robust_scale(column_list<Name>{}, options);
}

inline stage_summary summarise(const scale_report& report) {
    stage_summary s{.stage = report.stage};
    const std::string why = report.stage == "robust_scale" ? " has equal quantiles: centred, not scaled" : report.stage == "max_abs_scale" ? " is zero: not scaled" : " is constant: centred, not scaled";
    for (std::size_t j = 0; j < report.scaling.columns.size(); ++j) {
        const scaled_column& c = report.scaling.columns[j];
        const std::string name = detail::feature_name(report.columns, j, report.scaling.columns.size());
        s.facts.emplace_back(name, "centre " + to_text(c.centre) + ", scale " + to_text(c.scale));
        if (c.constant) s.notes.push_back(name + why);
    }
    return s;
}

}  // namespace SEGKIT_NAMESPACE
