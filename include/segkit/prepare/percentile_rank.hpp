// segkit/prepare/percentile_rank.hpp: values replaced by where they stand among those of the training rows, from 0 to 1.
//
//     percentile_rank(columns("bags"_c, "nights"_c))
//
// The share of training values that are smaller, with half of those that are equal: the middle value gets 0.5, and equal values
// equal ranks. Nulls are not ranked and stay null, so that a column that is null where a behaviour does not exist is ranked among
// those who have it. A later value stands where it would have stood; a later NaN, as a null, is not ranked and stays. The fit
// refuses what is not finite. Fit: a sort; apply: a binary search per value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/detail/known_values.hpp>
#include <segkit/prepare/detail/replace_columns.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

// The values of one column that were seen, each once, and how many rows had a smaller one.
struct seen_values {
    std::vector<double> values;
    std::vector<std::size_t> below;
    std::size_t rows = 0;

    double rank(double x) const {
        if (x != x) return x;    // NaN stands nowhere
        if (rows == 0) return 0.5;
        const auto at = static_cast<std::size_t>(std::lower_bound(values.begin(), values.end(), x) - values.begin());
        if (at == values.size()) return 1;
        return values[at] == x ? rank_of(at) : static_cast<double>(below[at]) / static_cast<double>(rows);
    }

    double transform(double x) const { return rank(x); }
    // The value that has this rank; between two of them, on the straight line. Exact for ranks of the training values.
    double inverse(double x) const {
        if (x != x || values.empty()) return std::numeric_limits<double>::quiet_NaN();
        std::size_t low = 0, high = values.size();    // the first whose rank is not below x
        while (low < high) {
            const std::size_t half = low + (high - low) / 2;
            if (rank_of(half) < x) low = half + 1;
            else high = half;
        }
        if (low == 0) return values.front();
        if (low == values.size()) return values.back();
        const double before = rank_of(low - 1), after = rank_of(low);
        return x == after ? values[low] : values[low - 1] + (values[low] - values[low - 1]) * ((x - before) / (after - before));
    }

    friend bool operator==(const seen_values&, const seen_values&) = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("values", values);
        archive.field("below", below);
        archive.field("rows", rows);
    }

private:
    // Of values[i]: of the rows that have it, the middle one's.
    double rank_of(std::size_t i) const {
        const std::size_t next = i + 1 < values.size() ? below[i + 1] : rows;
        return (static_cast<double>(below[i]) + static_cast<double>(next - below[i]) / 2) / static_cast<double>(rows);
    }
};

struct percentile_rank_report {
    struct column {
        std::string name;
        std::size_t ranked = 0;
        std::size_t nulls = 0;
    };
    std::vector<column> columns;
};

namespace detail {

// Consumes the values.
inline seen_values see_values(std::vector<double>& all) {
    std::sort(all.begin(), all.end());
    seen_values seen;
    seen.rows = all.size();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i > 0 && all[i] == all[i - 1]) continue;
        seen.values.push_back(all[i]);
        seen.below.push_back(i);
    }
    return seen;
}

}  // namespace detail

// The fitted form: replaces the columns.
template <class Columns>
struct fitted_percentile_rank : stage_base {
    static constexpr std::string_view stage_name = "percentile_rank";
    std::vector<seen_values> seen{};

    using has_inverse = void;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return bind_as<map_direction::forward>(std::move(r), Columns{});
    }
    template <class Schema>
    auto bind_inverse(relation<Schema> r) const {
        return bind_as<map_direction::back>(std::move(r), Columns{});
    }

    friend bool operator==(const fitted_percentile_rank& a, const fitted_percentile_rank& b) { return a.seen == b.seen; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("seen", seen);
    }

private:
    template <map_direction Direction, class Schema, fixed_string... Names>
    auto bind_as(relation<Schema> r, column_list<Names...> columns) const {
        static_assert((!detail::names_a_block<Schema, Names> && ...), "segkit: a block column cannot be ranked; rank its elements as columns of their own");
        for (const seen_values& s : seen) detail::require_one_model(stage_name, s.values.size() == s.below.size());
        return detail::map_columns<Direction>(std::move(r), columns, stage_name, std::vector<std::size_t>(seen.size(), 1), seen);
    }
};

template <class Columns>
struct percentile_rank_stage : stage_base {
    static constexpr std::string_view stage_name = "percentile_rank";
    using must_be_fitted = void;
    using model_type = fitted_percentile_rank<Columns>;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        auto known = detail::collect_known_values<detail::known_list>(rows.plan, features, stage_name, detail::nan_is::refused, executor);
        stage_fit<model_type, percentile_rank_report> result;
        result.model.seen.resize(features.size());
        for (std::size_t j = 0; j < features.size(); ++j) result.report.columns.push_back({features[j].name, known.columns[j].all.size(), known.missing[j]});
        executor.run(features.size(), [&](std::size_t j) { result.model.seen[j] = detail::see_values(known.columns[j].all); });
        return result;
    }
};

// Columns are numbers or truth values, nullable or not.
template <fixed_string... Names>
constexpr auto percentile_rank(column_list<Names...>) {
    return make_pipeline(percentile_rank_stage<column_list<Names...>>{});
}
template <fixed_string Name>
constexpr auto percentile_rank(col<Name>) {
    return percentile_rank(column_list<Name>{});
}

inline stage_summary summarise(const percentile_rank_report& report) {
    stage_summary s{.stage = "percentile_rank"};
    for (const auto& c : report.columns) s.facts.emplace_back(c.name, std::to_string(c.ranked) + " ranked, " + std::to_string(c.nulls) + " nulls");
    return s;
}

}  // namespace SEGKIT_NAMESPACE
