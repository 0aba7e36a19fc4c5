// segkit/evaluate/profile.hpp: what each segment is like, one row per segment and feature.
//
//     const auto profile = customers | model | profile_clusters("cluster"_c, columns("age"_c, "spend"_c)) | collect();
//     std::puts(format_table(profile | filter("rank"_c <= 2) | collect()).c_str());    // what sets each segment apart
//
// The label is a text, a whole number or a truth value: clusters, or the segments of rules. Nulls are skipped, `known` counts what is
// left. profile_clusters of a matrix and the meaning of every figure: evaluate/detail/profile_core.hpp. Ends a pass, which keeps the label
// and the features of all rows; then linear in rows times features and in the rows that come out, but for the logarithm of the labels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/labelled_rows.hpp>
#include <segkit/evaluate/detail/profile_core.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE {

// Segments by ascending label, a null label last; features in their order. Figures without a value are null.
template <fixed_string Label, class T>
using profile_schema =
    schema<field<Label, T>, field<"feature", text>, field<"rows", std::int64_t>, field<"share", double>, field<"known", std::int64_t>, field<"mean", std::optional<double>>,
           field<"median", std::optional<double>>, field<"standard_deviation", std::optional<double>>, field<"nonzero_share", std::optional<double>>,
           field<"z", std::optional<double>>, field<"effect", std::optional<double>>, field<"rank", std::int64_t>, field<"eta_squared", std::optional<double>>>;

namespace detail {

// All columns but the label.
template <class Rows>
void append_profile(Rows& to, const clusters_profile& profile) {
    const auto known = [](auto& column, double value) { value == value ? column.append_value(value) : column.append_null(); };
    for (const cluster_profile& c : profile.clusters) {
        std::vector<std::int64_t> rank(c.features.size());
        for (std::size_t place = 0; place < rank.size(); ++place) rank[c.distinguishing[place]] = static_cast<std::int64_t>(place) + 1;
        for (std::size_t j = 0; j < c.features.size(); ++j) {
            const feature_profile& f = c.features[j];
            to.columns[1].append_value(std::string_view(profile.features[j].name));
            to.columns[2].append_value(static_cast<std::int64_t>(c.rows));
            to.columns[3].append_value(c.share);
            to.columns[4].append_value(static_cast<std::int64_t>(f.known));
            const double figures[] = {f.mean, f.median, f.standard_deviation, f.nonzero_share, f.z, f.effect};
            for (std::size_t i = 0; i < 6; ++i) known(to.columns[5 + i], figures[i]);
            to.columns[11].append_value(rank[j]);
            known(to.columns[12], profile.features[j].eta_squared);
        }
    }
    to.rows = to.columns[1].rows;
}

// What the stage's rows are computed by. T is the label's type.
template <class Schema, class T, class Plan = plan>
class profiled_rows {
public:
    profiled_rows(Plan rows, int label, std::vector<feature> features) : rows_(std::move(rows)), slots_{label}, features_(std::move(features)) {
        for (const feature& f : features_) slots_.push_back(f.slot);
    }

    std::string describe() const { return "profile_clusters of " + rows_.source()->describe(); }
    std::vector<pass_input> inputs(const std::vector<bool>&) const {
        return {{&rows_, slots_, "profile_clusters, which keeps the label and the features of all rows", std::nullopt}};    // a row for each feature of each cluster
    }

    table_data compute(executor_ref executor) {
        table_data out = empty_columns<Schema>();
        const table_data collected = collect_rows(rows_, slots_, executor);
        if (collected.rows == 0) return out;
        feature_matrix matrix;
        matrix.rows = collected.rows;
        for (std::size_t f = 0; f < features_.size(); ++f) {
            append_feature(collected.columns[f + 1], features_[f], "profile_clusters", matrix.values);
            matrix.widths.push_back(collected.columns[f + 1].width);
            matrix.width += collected.columns[f + 1].width;
        }
        label_groups groups;
        const auto labels = number_labels_of<T>(collected.columns[0], groups);
        append_profile(out, profile_of_groups(column_major<const double>(matrix.values.data(), matrix.rows, matrix.width), groups, names_of_values(features_, matrix), executor));
        for (const auto& label : labels)
            for (std::size_t j = 0; j < matrix.width; ++j) append_to<T>(out.columns[0], label);
        return out;
    }

private:
    Plan rows_;
    std::vector<int> slots_;
    std::vector<feature> features_;
};

}  // namespace detail

template <class Columns, fixed_string Label>
struct profile_clusters_stage : stage_base {
    static constexpr std::string_view stage_name = "profile_clusters";

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!detail::features_fit<Schema, Columns>) {
            (void)detail::bind_features(r, Columns{});    // says what is wrong
            return detail::erroneous_rows();
        } else if constexpr (!detail::label_fits<Schema, Label>) {
            detail::report_label<Schema, Label>();
            return detail::erroneous_rows();
        } else {
            using T = column_type_t<Schema, Label>;
            using Out = profile_schema<Label, T>;
            auto features = detail::bind_features(r, Columns{});
            const int label = r.template slot<Label>();
            return detail::relation_over<Out>(detail::compute_on_first_scan(detail::profiled_rows<Out, T>(std::move(r.plan), label, std::move(features))));
        }
    }
};

template <fixed_string Label, fixed_string... Names>
constexpr auto profile_clusters(col<Label>, column_list<Names...>) {
    return make_pipeline(profile_clusters_stage<column_list<Names...>, Label>{});
}
template <fixed_string Label, fixed_string Name>
constexpr auto profile_clusters(col<Label> label, col<Name>) {
    return profile_clusters(label, column_list<Name>{});
}

// The profile of a matrix as the same rows.
inline table<profile_schema<"cluster", std::int32_t>> profile_table(const clusters_profile& profile) {
    table_data data = detail::empty_columns<profile_schema<"cluster", std::int32_t>>();
    detail::append_profile(data, profile);
    for (const cluster_profile& c : profile.clusters)
        for (std::size_t j = 0; j < c.features.size(); ++j) data.columns[0].append_value(c.label);
    return table<profile_schema<"cluster", std::int32_t>>(std::move(data));
}

}  // namespace SEGKIT_NAMESPACE
