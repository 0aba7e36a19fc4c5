// segkit/prepare/ordinal.hpp: categories replaced by their numbers, 0, 1, 2 ..., in ascending order or in one that is given.
//
//     ordinal(columns("country"_c, "device"_c))
//     ordinal("size"_c, {.categories = {"small", "medium", "large"}, .unknown = unknown_category::ignore})
//
// Columns of text, truth values or whole numbers become int32. A value that the fit has not seen is an error with field, row and value,
// or has the code -1. Nulls are refused by the fit; afterwards a null stays null. inverse(model) gives the categories back, as text
// that is null where a code is none. Fit: one pass, the different values in memory; apply: a bisection a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/detail/categories.hpp>
#include <segkit/prepare/detail/replace_columns.hpp>

namespace SEGKIT_NAMESPACE {

struct ordinal_options {
    std::vector<std::string> categories = {};    // in order, for every column; none: the values found, ascending, texts by bytes
    unknown_category unknown = unknown_category::error;
    std::size_t max_categories = 100'000;
};

namespace detail {

template <class T>
using code_type = std::conditional_t<is_nullable<T>, std::optional<std::int32_t>, std::int32_t>;
template <class>
using label_type = std::optional<text>;

class ordinal_step final : public step {
public:
    ordinal_step(feature from, category_list categories, unknown_category unknown, int out)
        : step({from.slot}, {out}), from_(std::move(from)), categories_(std::move(categories)), index_(categories_), unknown_(unknown), out_(out) {}
    std::string_view word() const override { return "ordinal"; }
    void run(chunk& c, scratch& memory) const override {
        const slot_view& from = c.slots[static_cast<std::size_t>(from_.slot)];
        auto* out = memory.values<std::int32_t>(out_);
        with_category_value(from_.type, [&]<class V>(std::type_identity<V>) {
            const V* values = from.as<V>();
            c.each([&](std::uint32_t, std::uint32_t row) {
                out[row] = from.valid(row) ? index_.code(values[row]) : 0;
                if (out[row] < 0 && unknown_ == unknown_category::error) refuse_category("ordinal", from_, c.first_row + row, values[row], categories_);
            });
        });
        c.slots[static_cast<std::size_t>(out_)] = {out, from.validity};
    }

private:
    feature from_;
    category_list categories_;
    category_index index_;
    unknown_category unknown_;
    int out_;
};

class label_step final : public step {
public:
    label_step(feature from, const category_list& categories, int out) : step({from.slot}, {out}), from_(std::move(from)), out_(out) {
        for (std::size_t i = 0; i < categories.size(); ++i) labels_.push_back(categories.shown(i));
    }
    std::string_view word() const override { return "inverse"; }
    void run(chunk& c, scratch& memory) const override {
        const slot_view& from = c.slots[static_cast<std::size_t>(from_.slot)];
        auto* out = memory.values<std::string_view>(out_);
        std::uint8_t* bits = memory.validity(out_);
        for (std::uint32_t i = 0; i < (c.rows + 7) / 8; ++i) bits[i] = 0;
        with_feature_type(from_.type, [&]<class V>(std::type_identity<V>) {
            const V* values = from.as<V>();
            c.each([&](std::uint32_t, std::uint32_t row) {
                const auto code = static_cast<double>(values[row]);
                const bool known = from.valid(row) && code >= 0 && code < static_cast<double>(labels_.size());
                out[row] = known ? std::string_view(labels_[static_cast<std::size_t>(code)]) : std::string_view();
                bits[row >> 3] = static_cast<std::uint8_t>(bits[row >> 3] | (unsigned{known} << (row & 7)));
            });
        });
        c.slots[static_cast<std::size_t>(out_)] = {out, bits};
    }

private:
    feature from_;
    std::vector<std::string> labels_;
    int out_;
};

}  // namespace detail

// The fitted form: replaces the columns.
template <class Columns>
struct fitted_ordinal : stage_base {
    static constexpr std::string_view stage_name = "ordinal";
    using has_inverse = void;
    std::vector<category_list> categories{};    // one per column
    bool refuses_unknown = true;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        const auto columns = detail::bind_columns<detail::has_categories, column_has_no_categories>(r, Columns{});
        if constexpr (!detail::columns_fit<detail::has_categories, Schema, Columns>) {
            return detail::erroneous_rows();
        } else {
            detail::require_categories(stage_name, categories, columns);
            const auto unknown = refuses_unknown ? unknown_category::error : unknown_category::ignore;
            return detail::replace_columns<detail::code_type>(std::move(r), Columns{}, [&](auto, std::size_t i, int out) {
                return std::make_shared<detail::ordinal_step>(columns[i], categories[i], unknown, out);
            });
        }
    }
    template <class Schema>
    auto bind_inverse(relation<Schema> r) const {
        const auto columns = detail::bind_features(r, Columns{});
        if constexpr (!detail::features_fit<Schema, Columns>) {
            return detail::erroneous_rows();
        } else {
            detail::require_one_model(stage_name, categories.size() == columns.size() && std::all_of(categories.begin(), categories.end(), [](const auto& list) { return list.is_whole(); }));
            return detail::replace_columns<detail::label_type>(std::move(r), Columns{}, [&](auto, std::size_t i, int out) {
                return std::make_shared<detail::label_step>(columns[i], categories[i], out);
            });
        }
    }

    friend bool operator==(const fitted_ordinal& a, const fitted_ordinal& b) { return a.categories == b.categories && a.refuses_unknown == b.refuses_unknown; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("categories", categories);
        archive.field("refuses_unknown", refuses_unknown);
    }
};

template <class Columns>
struct ordinal_stage : stage_base {
    static constexpr std::string_view stage_name = "ordinal";
    using must_be_fitted = void;
    using model_type = fitted_ordinal<Columns>;
    ordinal_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto columns = detail::bind_columns<detail::has_categories, column_has_no_categories>(rows, Columns{});
        auto report = detail::learn_categories(rows.plan, columns, {options.unknown, options.categories, options.max_categories}, stage_name, executor);
        return stage_fit<model_type, category_report>{{{}, report.categories, options.unknown == unknown_category::error}, std::move(report)};
    }
};

// One column or a list.
template <class Columns>
auto ordinal(Columns, ordinal_options options = {}) {
    return make_pipeline(ordinal_stage<detail::columns_of_t<Columns>>{{}, std::move(options)});
}

}  // namespace SEGKIT_NAMESPACE
