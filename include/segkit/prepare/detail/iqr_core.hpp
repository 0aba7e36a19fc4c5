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
#include <segkit/statistics/quantile.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

enum class columns_rule {
    any_column,     // a row is outside when one of its trimmed features is
    all_columns,    // when all of them are
};

// Whether features on which fences mean nothing are left alone: those whose middle half is a single value (every other value
// would be an outlier) and those of two values (not a scale at all).
enum class iqr_guard { on, off };

struct iqr_options {
    double factor = 1.5;
    columns_rule rule = columns_rule::any_column;
    iqr_guard guard = iqr_guard::on;
    quantile_method method = quantile_method::linear;
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
    double q1 = 0;
    double q3 = 0;
    double lower = 0;
    double upper = 0;
    iqr_reason reason = iqr_reason::trimmed;

    bool trimmed() const { return reason == iqr_reason::trimmed; }
    bool beyond(double value) const { return value < lower || value > upper; }

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

struct iqr_fences {
    std::vector<iqr_fence> columns;
    bool all_columns = false;    // the rule: one trimmed feature beyond its fences is enough, or all must be

    // `values(j)` is feature j of the row. Without a trimmed feature no row is outside.
    template <class Values>
    bool outside_by(Values&& values) const {
        bool any = false, all = true;
        for (std::size_t j = 0; j < columns.size(); ++j) {
            if (!columns[j].trimmed()) continue;
            const bool beyond = columns[j].beyond(values(j));
            any = any || beyond;
            all = all && beyond;
        }
        return all_columns ? any && all : any;
    }

    bool outside(matrix_view<const double> rows, std::size_t row) const {
        return outside_by([&](std::size_t j) { return rows(row, j); });
    }

    // One flag per row.
    std::vector<bool> outside(matrix_view<const double> rows) const {
        detail::require_width("iqr_trim", rows.columns, columns.size());
        std::vector<bool> flags(rows.rows);
        for (std::size_t i = 0; i < rows.rows; ++i) flags[i] = outside(rows, i);
        return flags;
    }

    friend bool operator==(const iqr_fences&, const iqr_fences&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("columns", columns);
        archive.field("all_columns", all_columns);
    }
};

struct iqr_estimator {
    iqr_options options{};

    struct state {
        quantile_estimator::state values;
        std::vector<column_values> distinct;    // per feature its first distinct values, at most three

        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            archive.field("values", values);
            archive.field("distinct", distinct);
        }
    };

    state start() const {
        if (!(options.factor >= 0) || !detail::is_finite(options.factor)) {
            detail::throw_invalid_option(stage, "factor", std::to_string(options.factor), "a finite number of at least 0", "1.5 is usual");
        }
        return {};
    }

    void update(state& s, matrix_view<const double> block) const {
        if (block.rows == 0) return;
        quartiles().update(s.values, block);
        s.distinct.resize(block.columns);
        for (std::size_t j = 0; j < block.columns; ++j) {
            for (std::size_t i = 0; i < block.rows && note(s.distinct[j].values, block(i, j)); ++i) {}
        }
    }

    void merge(state& s, const state& other) const {
        if (other.distinct.empty()) return;
        quartiles().merge(s.values, other.values);
        s.distinct.resize(other.distinct.size());
        for (std::size_t j = 0; j < s.distinct.size(); ++j) {
            for (double value : other.distinct[j].values) note(s.distinct[j].values, value);
        }
    }

    iqr_fences finish(const state& s) const { return finish(s, detail::default_executor); }

    iqr_fences finish(const state& s, executor_ref executor) const {
        const column_quantiles_model found = quartiles().finish(s.values, executor);
        iqr_fences fences{std::vector<iqr_fence>(found.columns.size()), options.rule == columns_rule::all_columns};
        for (std::size_t j = 0; j < fences.columns.size(); ++j) {
            const double q1 = found(j, 0), q3 = found(j, 1);
            const double reach = options.factor * (q3 - q1);
            iqr_reason reason = iqr_reason::trimmed;
            if (options.guard == iqr_guard::on) {
                if (s.distinct[j].values.size() <= 2) reason = iqr_reason::two_values;
                else if (q1 == q3) reason = iqr_reason::zero_iqr;
            }
            fences.columns[j] = {q1, q3, q1 - reach, q3 + reach, reason};
        }
        return fences;
    }

private:
    static constexpr std::string_view stage = "iqr_trim";

    quantile_estimator quartiles() const { return {.probabilities = {0.25, 0.75}, .method = options.method, .stage = stage}; }

    // Whether there is still room for another distinct value.
    static bool note(std::vector<double>& distinct, double value) {
        if (distinct.size() < 3 && std::find(distinct.begin(), distinct.end(), value) == distinct.end()) distinct.push_back(value);
        return distinct.size() < 3;
    }
};

// What the fences do to some rows.
struct iqr_removal {
    std::size_t rows = 0;
    std::size_t outside = 0;                     // by the rule
    std::vector<std::size_t> beyond;             // per feature, rows beyond its fences: of a guarded one, what it would have removed
    std::vector<std::size_t> only_by;            // per feature, rows beyond its fences and no other trimmed feature's; 0 if guarded

    std::size_t kept() const { return rows - outside; }
};

inline iqr_removal count_outside(const iqr_fences& fences, matrix_view<const double> rows, executor_ref executor = detail::default_executor) {
    detail::require_width("iqr_trim", rows.columns, fences.columns.size());
    const std::size_t width = fences.columns.size();
    const iqr_removal none{0, 0, std::vector<std::size_t>(width), std::vector<std::size_t>(width)};
    const detail::row_blocks blocks(rows.rows);
    std::vector<iqr_removal> parts(blocks.count(), none);
    executor.run(blocks.count(), [&](std::size_t b) {
        iqr_removal& part = parts[b];
        const auto block = rows.row_range(blocks.first(b), blocks.length(b));
        part.rows = block.rows;
        for (std::size_t i = 0; i < block.rows; ++i) {
            std::size_t how_many = 0, last = 0;
            for (std::size_t j = 0; j < width; ++j) {
                if (!fences.columns[j].beyond(block(i, j))) continue;
                ++part.beyond[j];
                if (!fences.columns[j].trimmed()) continue;
                ++how_many;
                last = j;
            }
            if (how_many == 1) ++part.only_by[last];
            part.outside += fences.outside(block, i);
        }
    });
    iqr_removal total = none;
    for (const auto& part : parts) {
        total.rows += part.rows;
        total.outside += part.outside;
        for (std::size_t j = 0; j < width; ++j) {
            total.beyond[j] += part.beyond[j];
            total.only_by[j] += part.only_by[j];
        }
    }
    return total;
}

}  // namespace SEGKIT_NAMESPACE
