// segkit/evaluate/detail/labelled_rows.hpp: stored columns of labelled rows as what the measures read: groups, and a matrix.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE {

template <class Name, class Type>
struct label_is_not_a_group {
    static_assert(detail::never<Name>,
                  "segkit: the label of a profile must be a text, a whole number or a truth value, and so must that of a silhouette; see "
                  "'label_is_not_a_group<name, type>'");
};

namespace detail {

template <class T>
struct is_label : std::bool_constant<is_text<non_null_t<T>> || std::same_as<non_null_t<T>, bool> || std::same_as<non_null_t<T>, std::int32_t> ||
                                     std::same_as<non_null_t<T>, std::int64_t>> {};

template <class Schema, fixed_string Label>
inline constexpr bool label_fits = column_fits<is_label, Schema, Label>;
template <class Schema, fixed_string Label>
void report_label() {
    if constexpr (!has_column<Schema, Label>) report(mistake<unknown_column<name<Label>, existing_columns_of<Schema>>>);
    else report(mistake<label_is_not_a_group<name<Label>, column_type_t<Schema, Label>>>);
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
void append_feature(const Column& from, const feature& f, std::string_view stage, std::vector<double>& values) {
    with_feature_type(f.type, [&]<class V>(std::type_identity<V>) {
        const auto* stored = reinterpret_cast<const V*>(from.values.data());
        for (std::size_t e = 0; e < from.width; ++e) {
            for (std::size_t i = 0; i < from.rows; ++i) {
                const bool known = !from.nullable || bit_at(from.validity_bits(), i);
                values.push_back(known ? static_cast<double>(stored[i * from.width + e]) : std::numeric_limits<double>::quiet_NaN());
                if (known && !is_finite(values.back())) throw_not_finite(stage, f, i, values.back());
            }
        }
    });
}

}  // namespace detail

}  // namespace SEGKIT_NAMESPACE
