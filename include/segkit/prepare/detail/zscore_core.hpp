// segkit/prepare/detail/zscore_core.hpp: fences at a number of standard deviations from the mean of every feature, on matrices.
//
// `zscore_estimator` learns `zscore_fences` in one pass. Among n rows no score exceeds (n - 1) / sqrt(n), so that below eleven rows
// three deviations remove nobody; the mean and the deviation are themselves moved by what they are to find, which quartiles are not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/prepare/detail/fences.hpp>
#include <segkit/statistics/column_moments.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct zscore_options {
    double threshold = 3;    // in deviations
    fence_side side = fence_side::both;
    columns_rule rule = columns_rule::any_column;
    int ddof = 0;            // of the deviation: 0 the population's, 1 the sample's
};

struct zscore_fence {
    static constexpr std::string_view stage = "zscore_trim";
    double mean = 0;
    double deviation = 0;
    double lower = 0;
    double upper = 0;
    bool constant = false;    // a feature without spread is not trimmed

    bool trimmed() const { return !constant; }
    bool beyond(double value) const { return value < lower || value > upper; }
    std::string why_not() const { return "not trimmed: it is constant"; }

    friend bool operator==(const zscore_fence&, const zscore_fence&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("mean", mean);
        archive.field("deviation", deviation);
        archive.field("lower", lower);
        archive.field("upper", upper);
        archive.field("constant", constant);
    }
};
using zscore_fences = fence_set<zscore_fence>;

struct zscore_estimator {
    using state = column_moments::state;
    zscore_options options{};
    std::string_view stage = "zscore_trim";    // the name that errors bear

    state start() const {
        if (!(options.threshold > 0) || !detail::is_finite(options.threshold))
            detail::throw_invalid_option(stage, "threshold", std::to_string(options.threshold), "a finite number above 0", "3 is usual");
        detail::require_ddof(stage, options.ddof);
        return {};
    }
    // Templates only so that who includes this header and fits nothing does not compile the kernels.
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { moments_of_rows().update(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { moments_of_rows().update(s, block); }
    void merge(state& s, const state& other) const { moments_of_rows().merge(s, other); }

    template <int = 0>
    zscore_fences finish(const state& s) const {
        const auto summary = moments_of_rows().finish(s);
        detail::require_more_rows_than(stage, s.rows(), options.ddof);
        zscore_fences fences{{}, options.rule == columns_rule::all_columns};
        for (const moments& m : summary.columns) {
            const double deviation = m.standard_deviation(options.ddof), reach = options.threshold * deviation;
            fences.columns.push_back({m.mean(), deviation, detail::lower_fence(options.side, m.mean() - reach), detail::upper_fence(options.side, m.mean() + reach), m.has_no_deviation()});
        }
        return fences;
    }

private:
    column_moments moments_of_rows() const { return {.stage = stage}; }
};

}  // namespace SEGKIT_NAMESPACE
