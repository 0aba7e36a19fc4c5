// segkit/prepare/percentile_rank.hpp: values replaced by where they stand among those of the training rows, from 0 to 1.
//
//     percentile_rank(columns("bags"_c, "nights"_c))
//
// The share of training values that are smaller, with half of those that are equal: the middle value gets 0.5, and equal values
// equal ranks. Nulls are not ranked and stay null, so that a column that is null where a behaviour does not exist is ranked among
// those who have it. A later value stands where it would have stood. Fit: a sort; apply: a binary search per value.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/scale.hpp>

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
        const std::size_t smaller = at < values.size() ? below[at] : rows;
        const std::size_t next = at + 1 < values.size() ? below[at + 1] : rows;
        const std::size_t equal = at < values.size() && values[at] == x ? next - below[at] : 0;
        return (static_cast<double>(smaller) + static_cast<double>(equal) / 2) / static_cast<double>(rows);
    }

    friend bool operator==(const seen_values&, const seen_values&) = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("values", values);
        archive.field("below", below);
        archive.field("rows", rows);
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

class percentile_rank_step final : public step {
public:
    percentile_rank_step(feature from, seen_values seen, int out) : step({from.slot}, {out}), from_(std::move(from)), seen_(std::move(seen)), out_(out) {}
    std::string_view word() const override { return "percentile_rank"; }
    void run(chunk& c, scratch& memory) const override {
        const slot_view& from = c.slots[static_cast<std::size_t>(from_.slot)];
        double* out = memory.values<double>(out_);
        with_feature_type(from_.type, [&]<class V>(std::type_identity<V>) {
            const V* values = from.as<V>();
            c.each([&](std::uint32_t, std::uint32_t row) { out[row] = seen_.rank(static_cast<double>(values[row])); });
        });
        c.slots[static_cast<std::size_t>(out_)] = {out, from.validity};
    }

private:
    feature from_;
    seen_values seen_;
    int out_;
};

}  // namespace detail

// The fitted form: replaces the columns.
template <class Columns>
struct fitted_percentile_rank : stage_base {
    static constexpr std::string_view stage_name = "percentile_rank";
    std::vector<seen_values> seen{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        const auto features = detail::bind_features(r, Columns{});
        if constexpr (!detail::features_fit<Schema, Columns>) {
            return detail::erroneous_rows();
        } else {
            replace(r, features, Columns{});
            using Out = typename detail::scaled_schema<Schema, Columns>::type;
            std::vector<int> slots = r.slot_of;
            return std::move(r).template with<Out>(std::move(slots));
        }
    }

    friend bool operator==(const fitted_percentile_rank& a, const fitted_percentile_rank& b) { return a.seen == b.seen; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("seen", seen);
    }

private:
    template <class Schema, fixed_string... Names>
    void replace(relation<Schema>& r, const std::vector<detail::feature>& features, column_list<Names...>) const {
        static_assert((!is_block<column_type_t<Schema, Names>> && ...), "segkit: a block column cannot be ranked; rank its elements as columns of their own");
        const std::size_t positions[] = {Schema::find(name_of<Names>)...};
        bool sizes_fit = seen.size() == features.size();
        for (const seen_values& s : seen) sizes_fit = sizes_fit && s.values.size() == s.below.size();
        detail::require_one_model(stage_name, sizes_fit);
        for (std::size_t i = 0; i < features.size(); ++i) {
            const int out = r.plan.add_slot({.type = type_id::float64, .nullable = features[i].nullable});
            r.plan.add_step(std::make_shared<detail::percentile_rank_step>(features[i], seen[i], out));
            r.slot_of[positions[i]] = out;
        }
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
        const table_data data = detail::collect_rows(rows.plan, detail::slots_of(features), executor);
        stage_fit<model_type, percentile_rank_report> result;
        result.model.seen.resize(features.size());
        result.report.columns.resize(features.size());
        executor.run(features.size(), [&](std::size_t j) {
            std::vector<double> values = known_values(data.columns[j], features[j]);
            result.report.columns[j] = {features[j].name, values.size(), data.rows - values.size()};
            result.model.seen[j] = detail::see_values(values);
        });
        return result;
    }

private:
    static std::vector<double> known_values(const column_data& column, const detail::feature& f) {
        std::vector<double> values;
        detail::with_feature_type(f.type, [&]<class V>(std::type_identity<V>) {
            const V* stored = reinterpret_cast<const V*>(column.values.data());
            for (std::size_t row = 0; row < column.rows; ++row) {
                if (column.nullable && !detail::bit_at(column.validity_bits(), row)) continue;
                const double value = static_cast<double>(stored[row]);
                if (!std::isfinite(value))
                    throw error({.code = error_code::not_a_number,
                                 .stage = std::string(stage_name),
                                 .field = f.name,
                                 .row = row,
                                 .found = value != value ? "NaN" : value > 0 ? "infinity" : "-infinity",
                                 .expected = "a finite number or a null",
                                 .advice = "filter or replace these rows first; a division by zero is guarded by null_if_zero"});
                values.push_back(value);
            }
        });
        return values;
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
