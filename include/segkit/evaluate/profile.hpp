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
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/profile_core.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE {

template <class Name, class Type>
struct label_is_not_a_group {
    static_assert(detail::never<Name>,
                  "segkit: the label of a profile must be a text, a whole number or a truth value; see 'label_is_not_a_group<name, type>'");
};

// Segments by ascending label, a null label last; features in their order. Figures without a value are null.
template <fixed_string Label, class T>
using profile_schema =
    schema<field<Label, T>, field<"feature", text>, field<"rows", std::int64_t>, field<"share", double>, field<"known", std::int64_t>, field<"mean", std::optional<double>>,
           field<"median", std::optional<double>>, field<"standard_deviation", std::optional<double>>, field<"nonzero_share", std::optional<double>>,
           field<"z", std::optional<double>>, field<"effect", std::optional<double>>, field<"rank", std::int64_t>, field<"eta_squared", std::optional<double>>>;

namespace detail {

template <class T>
inline constexpr bool is_label_type = is_text<non_null_t<T>> || std::same_as<non_null_t<T>, bool> || std::same_as<non_null_t<T>, std::int32_t> ||
                                      std::same_as<non_null_t<T>, std::int64_t>;

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

// The different labels, ascending, and the group of every row; a null label is the last.
template <class V, class Labels>
std::vector<V> number_labels(const Labels& labels, label_groups& groups) {
    const auto before = [](const V& a, const V& b) {
        if constexpr (requires { a.has_value(); }) return a && (!b || *a < *b);
        else return a < b;
    };
    std::map<V, std::size_t, decltype(before)> number(before);
    for (std::size_t i = 0; i < labels.size(); ++i) groups.group.push_back(number.try_emplace(labels[i], number.size()).first->second);    // by first appearance
    std::vector<V> different;
    std::vector<std::size_t> place(number.size());
    for (const auto& [label, appeared] : number) {
        place[appeared] = different.size();
        groups.labels.push_back(static_cast<std::int32_t>(different.size()));
        different.push_back(label);
    }
    groups.sizes.assign(different.size(), 0);
    for (std::size_t& g : groups.group) ++groups.sizes[g = place[g]];
    return different;
}
// Of a column of type T; texts may be stored in either form.
template <class T, class Column>
std::vector<value_t<T>> number_labels_of(const Column& column, label_groups& groups) {
    if constexpr (is_text<non_null_t<T>>) {
        using coded = std::conditional_t<is_nullable<T>, std::optional<category>, category>;
        using plain = std::conditional_t<is_nullable<T>, std::optional<text>, text>;
        return column.type == type_id::category ? number_labels<value_t<T>>(column_view<coded>(column), groups) : number_labels<value_t<T>>(column_view<plain>(column), groups);
    } else {
        return number_labels<value_t<T>>(column_view<T>(column), groups);
    }
}

// Stored columns as a matrix, one feature after the other; NaN where one is null.
template <class Column>
void append_feature(const Column& from, const feature& f, std::vector<double>& values) {
    with_feature_type(f.type, [&]<class V>(std::type_identity<V>) {
        const auto* stored = reinterpret_cast<const V*>(from.values.data());
        for (std::size_t e = 0; e < from.width; ++e) {
            for (std::size_t i = 0; i < from.rows; ++i) {
                const bool known = !from.nullable || bit_at(from.validity_bits(), i);
                values.push_back(known ? static_cast<double>(stored[i * from.width + e]) : no_figure);
                if (known && !is_finite(values.back())) throw_not_finite("profile_clusters", f, i, values.back());
            }
        }
    });
}

// What the stage's rows are computed by. T is the label's type.
template <class Schema, class T, class Plan = plan>
class profiled_rows {
public:
    profiled_rows(Plan rows, int label, std::vector<feature> features) : rows_(std::move(rows)), slots_{label}, features_(std::move(features)) {
        for (const feature& f : features_) slots_.push_back(f.slot);
    }

    std::string describe() const { return "profile_clusters of " + rows_.source()->describe(); }
    std::vector<pass_input> inputs(const std::vector<bool>&) const { return {{&rows_, slots_, "profile_clusters, which keeps the label and the features of all rows"}}; }

    table_data compute(executor_ref executor) {
        table_data out = empty_columns<Schema>();
        const table_data collected = collect_rows(rows_, slots_, executor);
        if (collected.rows == 0) return out;
        feature_matrix matrix;
        matrix.rows = collected.rows;
        for (std::size_t f = 0; f < features_.size(); ++f) {
            append_feature(collected.columns[f + 1], features_[f], matrix.values);
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
        } else if constexpr (!has_column<Schema, Label>) {
            detail::report(detail::mistake<unknown_column<name<Label>, existing_columns_of<Schema>>>);
            return detail::erroneous_rows();
        } else if constexpr (!detail::is_label_type<column_type_t<Schema, Label>>) {
            detail::report(detail::mistake<label_is_not_a_group<name<Label>, column_type_t<Schema, Label>>>);
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
