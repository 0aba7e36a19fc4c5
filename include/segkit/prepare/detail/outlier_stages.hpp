// segkit/prepare/detail/outlier_stages.hpp: the stages that fence features: they flag what is outside, and trims learn without it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/expr/operators.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/pipeline/save.hpp>
#include <segkit/prepare/detail/fences.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

// What an outlier stage did: of stage `stage`, with one fence per feature.
template <class Fence>
struct outlier_report {
    std::vector<std::string> columns;
    fence_set<Fence> fences;
    fence_removal removal;
    std::string stage;
};

enum class outlier_kind { iqr_trim, iqr_flag, zscore_trim, zscore_flag };

namespace detail {

template <class Fence>
class flag_step final : public step {
public:
    flag_step(std::string_view stage, std::vector<feature> features, fence_set<Fence> fences, int out)
        : step(slots_of(features), {out}), stage_(stage), features_(std::move(features)), fences_(std::move(fences)), out_(out) {}
    std::string_view word() const override { return stage_; }
    void run(chunk& c, scratch& memory) const override {
        feature_reader reader(features_, stage_, missing_feature::as_nan);
        const matrix_view<const double> rows = reader.read(c);
        bool* out = memory.values<bool>(out_);
        c.each([&](std::uint32_t k, std::uint32_t row) { out[row] = fences_.outside(rows, k); });
        c.slots[static_cast<std::size_t>(out_)] = {out};
    }

private:
    std::string_view stage_;    // a literal
    std::vector<feature> features_;
    fence_set<Fence> fences_;
    int out_;
};

}  // namespace detail

// The fitted form: adds the flag column.
template <class Columns, fixed_string Flag, outlier_kind Kind, class Fence>
struct fitted_outliers : stage_base {
    static constexpr std::string_view stage_name = Kind == outlier_kind::iqr_trim      ? "iqr_trim"
                                                   : Kind == outlier_kind::iqr_flag    ? "iqr_flag"
                                                   : Kind == outlier_kind::zscore_trim ? "zscore_trim"
                                                                                       : "zscore_flag";
    fence_set<Fence> fences{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::append_from_features<Flag, bool, Columns>(std::move(r), [&](std::vector<detail::feature> features, int out) {
            detail::require_one_model(stage_name, fences.columns.size() == features.size());
            return std::make_shared<detail::flag_step<Fence>>(stage_name, std::move(features), fences, out);
        });
    }
    // What the stages after it learn from: of a trim the rows inside the fences.
    template <class Schema>
    auto bind_training(relation<Schema> r) const {
        if constexpr (Kind == outlier_kind::iqr_trim || Kind == outlier_kind::zscore_trim) return detail::keep_where(bind(std::move(r)), !col<Flag>{});
        else return bind(std::move(r));
    }

    friend bool operator==(const fitted_outliers& a, const fitted_outliers& b) { return a.fences == b.fences; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("fences", fences);
    }
};

template <class Columns, fixed_string Flag, outlier_kind Kind, class Fence, class Estimator>
struct outlier_stage : stage_base {
    using must_be_fitted = void;
    using model_type = fitted_outliers<Columns, Flag, Kind, Fence>;
    static constexpr std::string_view stage_name = model_type::stage_name;
    decltype(Estimator::options) options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        const auto matrix = detail::collect_features(rows.plan, features, stage_name, executor);
        outlier_report<Fence> report{detail::names_of(features), estimate(Estimator{options, stage_name}, matrix.view(), executor), {}, std::string(stage_name)};
        report.removal = count_outside(report.fences, matrix.view(), executor);
        return stage_fit<model_type, outlier_report<Fence>>{{{}, report.fences}, std::move(report)};
    }
};

namespace detail {
template <class Columns, fixed_string Flag, outlier_kind Kind, class Fence>
struct column_names<fitted_outliers<Columns, Flag, Kind, Fence>> {
    static void add(std::vector<std::string>& out) {
        column_names<Columns>::add(out);
        out.push_back(std::string(name_of<Flag>));
    }
};
}  // namespace detail

template <class Fence>
stage_summary summarise(const outlier_report<Fence>& report) {
    stage_summary s{.stage = report.stage};
    s.facts.emplace_back("rows", std::to_string(report.removal.rows));
    s.facts.emplace_back(report.stage.ends_with("trim") ? "rows kept for fitting" : "rows not flagged", std::to_string(report.removal.kept()));
    for (std::size_t j = 0; j < report.columns.size(); ++j) {
        const Fence& f = report.fences.columns[j];
        const std::string fences = "[" + to_text(f.lower) + ", " + to_text(f.upper) + "]", beyond = std::to_string(report.removal.beyond[j]);
        if (f.trimmed()) s.facts.emplace_back(report.columns[j] + " beyond " + fences, beyond);
        else s.notes.push_back(report.columns[j] + " " + f.why_not() + "; fences " + fences + " would have removed " + beyond + " rows");
    }
    return s;
}

}  // namespace SEGKIT_NAMESPACE
