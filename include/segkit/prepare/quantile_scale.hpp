// segkit/prepare/quantile_scale.hpp: values by their place among the quantiles of the training rows: evenly from 0 to 1, or normal.
//
//     quantile_scale(columns("spend"_c, "visits"_c), {.n_quantiles = 1000})
//     quantile_scale("spend"_c, {.output = quantile_output::normal})
//
// The columns are replaced, as double: between two quantiles a value lies on the straight line, beyond the extremes on them. Where
// several quantiles are equal, in the middle of their shares. percentile_rank is the same with every training value remembered; this
// one keeps n_quantiles numbers per column. inverse(model) gives the values back, within the extremes. Nulls are refused by the fit;
// afterwards a null stays null. The normal form is the inverse of the normal distribution, cut at 5.2 deviations. Fit: a sort.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/detail/map_matrix.hpp>
#include <segkit/prepare/detail/normal_quantile.hpp>
#include <segkit/prepare/detail/replace_columns.hpp>
#include <segkit/statistics/quantile.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

enum class quantile_output { uniform, normal };

struct quantile_scale_options {
    std::size_t n_quantiles = 1000;    // as many as there are rows, where these are fewer
    quantile_output output = quantile_output::uniform;
};

// One feature's quantiles at even shares.
struct quantile_curve {
    std::vector<double> quantiles;
    bool normal = false;

    double transform(double x) const {
        if (x != x || quantiles.empty()) return x;
        const double share = share_of(x);
        if (!normal) return share;
        return share < 1e-8 ? lowest : share > 1 - 1e-8 ? highest : std::clamp(detail::normal_quantile(share), lowest, highest);
    }
    double inverse(double y) const {
        if (y != y || quantiles.empty()) return y;
        const double share = normal ? 0.5 * std::erfc(-y / std::sqrt(2.0)) : y;
        const double last = static_cast<double>(quantiles.size() - 1), at = share * last;
        if (normal ? y <= lowest : !(at > 0)) return quantiles.front();
        if (normal ? y >= highest : !(at < last)) return quantiles.back();
        const auto below = static_cast<std::size_t>(at);
        if (below + 1 >= quantiles.size()) return quantiles.back();
        return quantiles[below] + (quantiles[below + 1] - quantiles[below]) * (at - static_cast<double>(below));
    }

    friend bool operator==(const quantile_curve&, const quantile_curve&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("quantiles", quantiles);
        archive.field("normal", normal);
        detail::require_finite_model("quantile_scale", quantiles);    // among which values are looked up
        detail::require_one_model("quantile_scale", std::is_sorted(quantiles.begin(), quantiles.end()));
    }

private:
    // Where a ten-millionth is left, and as the next double to one less a ten-millionth has it.
    static constexpr double lowest = -5.199337582605575, highest = 5.19933758270342;

    double share_of(double x) const {
        if (x <= quantiles.front()) return 0;
        if (x >= quantiles.back()) return 1;
        const double last = static_cast<double>(quantiles.size() - 1);
        const auto first = std::lower_bound(quantiles.begin(), quantiles.end(), x), end = std::upper_bound(first, quantiles.end(), x);
        const auto at = static_cast<double>(first - quantiles.begin());
        if (first != end) return (at + static_cast<double>(end - quantiles.begin() - 1)) / 2 / last;
        return (at - 1 + (x - first[-1]) / (*first - first[-1])) / last;
    }
};

struct quantile_scale_model {
    std::vector<quantile_curve> columns;

    // `out` may be `rows` itself. A NaN stays one.
    template <int = 0>
    void transform(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const { apply<false>(rows, out, executor); }
    template <int = 0>
    void transform(matrix_view<const float> rows, matrix_view<float> out, executor_ref executor = detail::default_executor) const { apply<false>(rows, out, executor); }
    template <int = 0>
    void inverse(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const { apply<true>(rows, out, executor); }
    template <int = 0>
    void inverse(matrix_view<const float> rows, matrix_view<float> out, executor_ref executor = detail::default_executor) const { apply<true>(rows, out, executor); }

    friend bool operator==(const quantile_scale_model&, const quantile_scale_model&) = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("columns", columns);
    }

private:
    template <bool Inverse, class T>
    void apply(matrix_view<const T> rows, matrix_view<T> out, executor_ref executor) const {
        detail::map_matrix("quantile_scale", columns, rows, out, executor, [](const quantile_curve& curve, double value) { return Inverse ? curve.inverse(value) : curve.transform(value); });
    }
};

struct quantile_scale_estimator {
    using state = quantile_estimator::state;
    quantile_scale_options options{};

    state start() const {
        if (options.n_quantiles < 2) detail::throw_invalid_option(stage, "n_quantiles", std::to_string(options.n_quantiles), "at least 2");
        return {};
    }
    // Templates only so that who includes this header and fits nothing does not compile the kernels.
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { quantile_estimator{.stage = stage}.update(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { quantile_estimator{.stage = stage}.update(s, block); }
    void merge(state& s, const state& other) const { quantile_estimator{.stage = stage}.merge(s, other); }

    template <int = 0>
    quantile_scale_model finish(const state& s) const { return finish(s, detail::default_executor); }
    template <int = 0>
    quantile_scale_model finish(const state& s, executor_ref executor) const {
        const std::size_t n = std::min(options.n_quantiles, s.rows());
        quantile_estimator even{.probabilities = {}, .stage = stage};
        for (std::size_t i = 0; i < n; ++i) even.probabilities.push_back(n < 2 ? 0 : static_cast<double>(i) / static_cast<double>(n - 1));
        quantile_scale_model model;
        for (auto& column : even.finish(s, executor).columns) {
            for (std::size_t i = 1; i < n; ++i) column.values[i] = std::max(column.values[i], column.values[i - 1]);    // but for rounding they are
            model.columns.push_back({std::move(column.values), options.output == quantile_output::normal});
        }
        return model;
    }

private:
    static constexpr std::string_view stage = "quantile_scale";
};

struct quantile_scale_report {
    std::vector<std::string> columns;
    quantile_scale_model model;
};

// The fitted form: replaces the columns.
template <class Columns>
struct fitted_quantile_scale : stage_base {
    static constexpr std::string_view stage_name = "quantile_scale";
    using has_inverse = void;
    std::vector<std::size_t> widths{};    // features per column
    quantile_scale_model model{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::map_columns(std::move(r), Columns{}, stage_name, widths, model.columns);
    }
    template <class Schema>
    auto bind_inverse(relation<Schema> r) const {
        return detail::map_columns<map_direction::back>(std::move(r), Columns{}, stage_name, widths, model.columns);
    }

    friend bool operator==(const fitted_quantile_scale& a, const fitted_quantile_scale& b) { return a.widths == b.widths && a.model == b.model; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("widths", widths);
        archive.field("model", model);
    }
};

template <class Columns>
struct quantile_scale_stage : stage_base {
    static constexpr std::string_view stage_name = "quantile_scale";
    using must_be_fitted = void;
    using model_type = fitted_quantile_scale<Columns>;
    quantile_scale_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        quantile_scale_report report{detail::names_of(features), detail::estimate_features(quantile_scale_estimator{options}, rows.plan, features, stage_name, executor)};
        auto widths = detail::widths_of(rows.plan, features, report.model.columns.size(), executor);
        return stage_fit<model_type, quantile_scale_report>{{{}, std::move(widths), report.model}, std::move(report)};
    }
};

// One column or a list, of numbers, truth values or blocks.
template <class Columns>
constexpr auto quantile_scale(Columns, quantile_scale_options options = {}) {
    return make_pipeline(quantile_scale_stage<detail::columns_of_t<Columns>>{{}, options});
}

inline stage_summary summarise(const quantile_scale_report& report) {
    stage_summary s{.stage = "quantile_scale"};
    for (std::size_t j = 0; j < report.model.columns.size(); ++j) {
        const auto& q = report.model.columns[j].quantiles;
        s.facts.emplace_back(detail::feature_name(report.columns, j, report.model.columns.size()),
                             std::to_string(q.size()) + " quantiles from " + to_text(q.front()) + " to " + to_text(q.back()));
    }
    return s;
}

}  // namespace SEGKIT_NAMESPACE
