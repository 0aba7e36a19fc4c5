// segkit/evaluate/silhouette_column.hpp: how well each row lies within its segment, as a column.
//
//     customers | model | silhouette("cluster"_c, columns("age"_c, "spend"_c), "silhouette"_c) | filter("silhouette"_c < 0.0)    // misplaced rows
//
// The exact silhouette (silhouette.hpp) of rows whose label is a text, a whole number or a truth value; a null label is a segment of its
// own, a null feature is refused. Null in every row where there is one segment, or where every row is one. Ends a pass, which keeps label and
// features of all rows; then every distance is computed once: the square of the rows. Of many rows take a sample first (query/sample.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/labelled_rows.hpp>
#include <segkit/evaluate/silhouette.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/detail/numbered_rows.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// Rule of numbered rows. T is the label's type; columns are places in the schema, the label's the first.
template <class T>
class silhouette_rule {
public:
    silhouette_rule(std::vector<std::size_t> columns, std::vector<feature> features) : columns_(std::move(columns)), features_(std::move(features)) {}

    std::string describe() const { return "silhouette"; }
    std::vector<std::uint64_t> prepare(const plan& p, const std::vector<int>& slots, executor_ref executor) {
        std::vector<int> read;
        for (const std::size_t column : columns_) read.push_back(slots[column]);
        std::vector<std::uint64_t> first_rows;
        const table_data rows = collect_numbered(p, read, executor, first_rows);
        if (rows.rows == 0) return first_rows;
        std::vector<double> values;
        std::size_t width = 0;
        for (std::size_t f = 0; f < features_.size(); ++f) {
            require_no_null(rows.columns[f + 1], features_[f]);
            append_feature(rows.columns[f + 1], features_[f], "silhouette", values);
            width += rows.columns[f + 1].width;
        }
        label_groups groups;
        (void)number_labels_of<T>(rows.columns[0], groups);
        if (is_separable(groups)) silhouettes_ = silhouette_of_groups(column_major<const double>(values.data(), rows.rows, width), groups, executor).samples;
        return first_rows;
    }
    void write(std::uint64_t first, chunk& c, slot_view& out, scratch& memory, int place) const {
        double* values = memory.values<double>(place);
        if (!silhouettes_.empty()) {
            c.each([&](std::uint32_t k, std::uint32_t row) { values[row] = silhouettes_[first + k]; });
            out = {values};
            return;
        }
        std::uint8_t* bits = memory.validity(place);
        std::fill_n(values, c.rows, 0.0);
        std::fill_n(bits, (c.rows + 7) / 8, std::uint8_t{0});
        out = {values, bits};
    }

private:
    template <class Column>
    static void require_no_null(const Column& column, const feature& f) {
        for (std::size_t i = 0; column.nullable && i < column.rows; ++i) {
            if (bit_at(column.validity_bits(), i)) continue;
            throw error({.code = error_code::unexpected_null,
                         .stage = "silhouette",
                         .field = f.name,
                         .row = i,
                         .found = "a null",
                         .expected = "a number in every row",
                         .advice = "filter these rows, or replace nulls with coalesce first"});
        }
    }

    std::vector<std::size_t> columns_;
    std::vector<feature> features_;
    std::vector<double> silhouettes_;    // none of one segment, or of as many as rows
};

}  // namespace detail

template <class Columns, fixed_string Label, fixed_string Out>
struct silhouette_stage;
template <fixed_string... Names, fixed_string Label, fixed_string Out>
struct silhouette_stage<column_list<Names...>, Label, Out> : stage_base {
    static constexpr std::string_view stage_name = "silhouette";

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!detail::features_fit<Schema, column_list<Names...>>) {
            (void)detail::bind_features(r, column_list<Names...>{});    // says what is wrong
            return detail::erroneous_rows();
        } else if constexpr (!detail::label_fits<Schema, Label>) {
            detail::report_label<Schema, Label>();
            return detail::erroneous_rows();
        } else if constexpr (has_column<Schema, Out>) {
            detail::report(detail::mistake<duplicate_column_name<name<Out>, existing_columns_of<Schema>>>);
            return detail::erroneous_rows();
        } else {
            auto features = detail::bind_features(r, column_list<Names...>{});
            detail::silhouette_rule<column_type_t<Schema, Label>> rule({Schema::find(name_of<Label>), Schema::find(name_of<Names>)...}, std::move(features));
            return detail::number_rows<typename detail::append_fields<Schema, field<Out, std::optional<double>>>::type>(std::move(r), std::move(rule));
        }
    }
};

template <fixed_string Label, class Columns, fixed_string Out>
    requires requires(Columns features) { detail::as_columns(features); }
constexpr auto silhouette(col<Label>, Columns, col<Out>) {
    return make_pipeline(silhouette_stage<detail::columns_of_t<Columns>, Label, Out>{});
}

}  // namespace SEGKIT_NAMESPACE
