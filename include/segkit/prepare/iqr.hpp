// segkit/prepare/iqr.hpp: trims outliers by Tukey's fences when fitting, and flags them ever after.
//
//     iqr_trim(columns("age"_c, "spend"_c), {.factor = 1.5})                    // flag column "trimmed"
//     iqr_trim(columns("age"_c, "spend"_c), "outlier"_c, {.factor = 3})
//
// While a recipe is fitted, later stages learn from the rows inside the fences only. The fitted model keeps every row and adds
// the flag. A column whose interquartile range is zero, or of two values, is not trimmed unless iqr_guard::off: fences mean
// nothing there; the report says so and how many rows they would have removed. A null feature is refused by the fit and never
// flagged afterwards. Cost: the features of the training rows in memory, a selection per feature. J. W. Tukey, 1977.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/expr/operators.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/detail/iqr_core.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

struct iqr_report {
    std::vector<std::string> columns;
    iqr_fences fences;
    iqr_removal removal;
};

namespace detail {

class iqr_flag_step final : public step {
public:
    iqr_flag_step(std::vector<feature> features, iqr_fences fences, int out)
        : step(slots_of(features), {out}), features_(std::move(features)), fences_(std::move(fences)), out_(out) {}
    std::string_view word() const override { return "iqr_trim"; }
    void run(chunk& c, scratch& memory) const override {
        feature_reader reader(features_, "iqr_trim", missing_feature::as_nan);
        const matrix_view<const double> rows = reader.read(c);
        bool* out = memory.values<bool>(out_);
        c.each([&](std::uint32_t k, std::uint32_t row) { out[row] = fences_.outside(rows, k); });
        c.slots[static_cast<std::size_t>(out_)] = {out};
    }

private:
    std::vector<feature> features_;
    iqr_fences fences_;
    int out_;
};

}  // namespace detail

// The fitted form: adds the flag column.
template <class Columns, fixed_string Flag>
struct fitted_iqr_trim : stage_base {
    static constexpr std::string_view stage_name = "iqr_trim";
    iqr_fences fences{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::append_from_features<Flag, bool, Columns>(std::move(r), [&](std::vector<detail::feature> features, int out) {
            detail::require_one_model(stage_name, fences.columns.size() == features.size());
            return std::make_shared<detail::iqr_flag_step>(std::move(features), fences, out);
        });
    }
    // What the stages after it learn from: the rows inside the fences.
    template <class Schema>
    auto bind_training(relation<Schema> r) const {
        return detail::keep_where(bind(std::move(r)), !col<Flag>{});
    }

    friend bool operator==(const fitted_iqr_trim& a, const fitted_iqr_trim& b) { return a.fences == b.fences; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("fences", fences);
    }
};

template <class Columns, fixed_string Flag>
struct iqr_trim_stage : stage_base {
    static constexpr std::string_view stage_name = "iqr_trim";
    using must_be_fitted = void;
    using model_type = fitted_iqr_trim<Columns, Flag>;
    iqr_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        const auto matrix = detail::collect_features(rows.plan, features, stage_name, executor);
        iqr_report report{detail::names_of(features), estimate(iqr_estimator{options}, matrix.view(), executor), {}};
        report.removal = count_outside(report.fences, matrix.view(), executor);
        return stage_fit<model_type, iqr_report>{{{}, report.fences}, std::move(report)};
    }
};

// Features are plain columns; the flag is "trimmed" unless named.
template <fixed_string... Names>
constexpr auto iqr_trim(column_list<Names...>, iqr_options options = {}) {
    return make_pipeline(iqr_trim_stage<column_list<Names...>, "trimmed">{{}, options});
}
template <fixed_string... Names, fixed_string Flag>
constexpr auto iqr_trim(column_list<Names...>, col<Flag>, iqr_options options = {}) {
    return make_pipeline(iqr_trim_stage<column_list<Names...>, Flag>{{}, options});
}

inline stage_summary summarise(const iqr_report& report) {
    stage_summary s{.stage = "iqr_trim"};
    s.facts.emplace_back("rows", std::to_string(report.removal.rows));
    s.facts.emplace_back("rows kept for fitting", std::to_string(report.removal.kept()));
    for (std::size_t j = 0; j < report.columns.size(); ++j) {
        const iqr_fence& f = report.fences.columns[j];
        if (f.trimmed()) s.facts.emplace_back(report.columns[j] + " beyond [" + to_text(f.lower) + ", " + to_text(f.upper) + "]", std::to_string(report.removal.beyond[j]));
        else
            s.notes.push_back(report.columns[j] + " " + std::string(to_string(f.reason)) + "; fences [" + to_text(f.lower) + ", " + to_text(f.upper) +
                              "] would have removed " + std::to_string(report.removal.beyond[j]) + " rows");
    }
    return s;
}

}  // namespace SEGKIT_NAMESPACE
