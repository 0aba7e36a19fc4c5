// segkit/prepare/detail/iqr_core.hpp: fences at q1 - f IQR and q3 + f IQR of every feature (Tukey, "Exploratory data analysis",
// 1977), on matrices.
//
// `iqr_estimator` learns `iqr_fences`; `fences.outside(...)` judges a row; `count_outside` says what each feature would remove.
// Fences are closed (a value on one is inside) and computed once, not again after a removal.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/prepare/detail/fences.hpp>
#include <segkit/statistics/quantile.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

// Whether features on which fences mean nothing are left alone: those whose middle half is a single value (every other value
// would be an outlier) and those of two values (not a scale at all).
enum class iqr_guard { on, off };

struct iqr_options {
    double factor = 1.5;
    columns_rule rule = columns_rule::any_column;
    iqr_guard guard = iqr_guard::on;
    quantile_method method = quantile_method::linear;
    fence_side side = fence_side::both;
};

enum class iqr_reason : std::int64_t {
    trimmed,       // the fences hold
    zero_iqr,      // guarded: at least half of the values are one and the same
    two_values,    // guarded: at most two distinct values
};

constexpr std::string_view to_string(iqr_reason reason) {
    switch (reason) {
        case iqr_reason::trimmed: return "trimmed";
        case iqr_reason::zero_iqr: return "not trimmed: the interquartile range is zero";
        case iqr_reason::two_values: return "not trimmed: at most two distinct values";
    }
    return "trimmed";
}

// One feature's fences. They are kept for a guarded feature too, so that a report can say what they would have removed.
struct iqr_fence {
    static constexpr std::string_view stage = "iqr_trim";
    double q1 = 0;
    double q3 = 0;
    double lower = 0;
    double upper = 0;
    iqr_reason reason = iqr_reason::trimmed;

    bool trimmed() const { return reason == iqr_reason::trimmed; }
    bool beyond(double value) const { return value < lower || value > upper; }
    std::string why_not() const { return std::string(to_string(reason)); }

    friend bool operator==(const iqr_fence&, const iqr_fence&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("q1", q1);
        archive.field("q3", q3);
        archive.field("lower", lower);
        archive.field("upper", upper);
        std::int64_t code = static_cast<std::int64_t>(reason);
        archive.field("reason", code);
        if (code < 0 || code > 2) {
            throw error(error_details{.code = error_code::incompatible_model,
                                      .stage = "iqr_trim",
                                      .field = "reason",
                                      .found = std::to_string(code),
                                      .expected = "0, 1 or 2",
                                      .advice = "fit again"});
        }
        reason = static_cast<iqr_reason>(code);
    }
};

using iqr_fences = fence_set<iqr_fence>;

struct iqr_estimator {
    iqr_options options{};
    std::string_view stage = "iqr_trim";    // the name that errors bear

    struct state {
        quantile_estimator::state values;
        std::vector<column_values> distinct;    // per feature its first distinct values, at most three

        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            archive.field("values", values);
            archive.field("distinct", distinct);
            detail::require_one_model("iqr_trim", distinct.size() == values.columns.size());
        }
    };

    state start() const {
        if (!(options.factor >= 0) || !detail::is_finite(options.factor)) {
            detail::throw_invalid_option(stage, "factor", std::to_string(options.factor), "a finite number of at least 0", "1.5 is usual");
        }
        return {};
    }

    // Templates only so that who includes this header and fits nothing does not compile the kernels.
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { add(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { add(s, block); }

    void merge(state& s, const state& other) const {
        if (other.distinct.empty()) return;
        quartiles().merge(s.values, other.values);
        s.distinct.resize(other.distinct.size());
        for (std::size_t j = 0; j < s.distinct.size(); ++j) {
            for (double value : other.distinct[j].values) note(s.distinct[j].values, value);
        }
    }

    template <int = 0>
    iqr_fences finish(const state& s) const { return finish(s, detail::default_executor); }

    template <int = 0>
    iqr_fences finish(const state& s, executor_ref executor) const { return from(quartiles().finish(s.values, executor), s.distinct); }

    // Of a matrix in memory, without a copy.
    template <class T>
    iqr_fences of(matrix_view<const T> matrix, executor_ref executor) const {
        (void)start();
        const column_quantiles_model found = quartiles().of(matrix, executor);
        std::vector<column_values> distinct(matrix.columns);
        note_distinct(distinct, matrix);
        return from(found, distinct);
    }

private:
    template <class T>
    void add(state& s, matrix_view<const T> block) const {
        if (block.rows == 0) return;
        quartiles().update(s.values, block);
        s.distinct.resize(block.columns);
        note_distinct(s.distinct, block);
    }
    iqr_fences from(const column_quantiles_model& found, const std::vector<column_values>& distinct) const {
        iqr_fences fences{std::vector<iqr_fence>(found.columns.size()), options.rule == columns_rule::all_columns};
        for (std::size_t j = 0; j < fences.columns.size(); ++j) {
            const double q1 = found(j, 0), q3 = found(j, 1);
            const double reach = options.factor * (q3 - q1);
            iqr_reason reason = iqr_reason::trimmed;
            if (options.guard == iqr_guard::on) {
                if (distinct[j].values.size() <= 2) reason = iqr_reason::two_values;
                else if (q1 == q3) reason = iqr_reason::zero_iqr;
            }
            fences.columns[j] = {q1, q3, detail::lower_fence(options.side, q1 - reach), detail::upper_fence(options.side, q3 + reach), reason};
        }
        return fences;
    }

    template <class T>
    static void note_distinct(std::vector<column_values>& distinct, matrix_view<const T> rows) {
        for (std::size_t j = 0; j < rows.columns; ++j) {
            for (std::size_t i = 0; i < rows.rows && note(distinct[j].values, static_cast<double>(rows(i, j))); ++i) {}
        }
    }
    quantile_estimator quartiles() const { return {.probabilities = {0.25, 0.75}, .method = options.method, .stage = stage}; }

    // Whether there is still room for another distinct value.
    static bool note(std::vector<double>& distinct, double value) {
        if (distinct.size() < 3 && std::find(distinct.begin(), distinct.end(), value) == distinct.end()) distinct.push_back(value);
        return distinct.size() < 3;
    }
};

}  // namespace SEGKIT_NAMESPACE
