// segkit/prepare/detail/categories.hpp: the categories of a column in a fixed order, learned or given, and the number of each.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/detail/replace_columns.hpp>
#include <segkit/statistics/value_counts.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

template <class Name, class Type>
struct column_has_no_categories {
    static_assert(detail::never<Name>,
                  "segkit: categories are texts, truth values or whole numbers; see 'column_has_no_categories<name, type>'");
};

// What a value means that was not among the categories of the fit.
enum class unknown_category {
    error,     // it is refused, by field, row and value
    ignore,    // it has the code -1, and no column of a one-hot block
};

// One column's categories in the order of their codes. Truth values are the whole numbers 0 and 1.
struct category_list {
    std::vector<std::string> texts;
    std::vector<std::int64_t> integers;
    std::vector<std::int64_t> rows;    // training rows of each

    std::size_t size() const { return rows.size(); }
    bool is_whole() const { return (texts.empty() || integers.empty()) && texts.size() + integers.size() == rows.size(); }    // not of a damaged text
    std::string shown(std::size_t code) const { return texts.empty() ? std::to_string(integers[code]) : texts[code]; }

    friend bool operator==(const category_list&, const category_list&) = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("texts", texts);
        archive.field("integers", integers);
        archive.field("rows", rows);
    }
};

struct category_report {
    std::string stage;
    std::vector<std::string> columns;
    std::vector<category_list> categories;
    std::vector<std::size_t> unknown;    // training rows of each column that are in none of the given categories
};

namespace detail {

template <class T>
struct has_categories
    : std::bool_constant<is_text<non_null_t<T>> || std::same_as<non_null_t<T>, bool> || is_integer<non_null_t<T>>> {};

template <class F>
void with_category_value(type_id type, F&& f) {
    switch (type) {
        case type_id::text: return f(std::type_identity<std::string_view>{});
        case type_id::boolean: return f(std::type_identity<bool>{});
        case type_id::int32: return f(std::type_identity<std::int32_t>{});
        default: return f(std::type_identity<std::int64_t>{});
    }
}

// Finds codes by bisection; refers to the list.
class category_index {
public:
    explicit category_index(const category_list& list) : list_(list), sorted_(list.size()) {
        std::iota(sorted_.begin(), sorted_.end(), std::size_t{0});
        std::sort(sorted_.begin(), sorted_.end(), [&](std::size_t a, std::size_t b) {
            return list.texts.empty() ? list.integers[a] < list.integers[b] : list.texts[a] < list.texts[b];
        });
    }
    // -1 where it is not in the list.
    template <class V>
    std::int32_t code(const V& value) const {
        if constexpr (std::same_as<V, std::string_view>) return find(list_.texts, value);
        else return find(list_.integers, static_cast<std::int64_t>(value));
    }
    // Of the i-th category of another list over the same column.
    std::int32_t code_of(const category_list& other, std::size_t i) const {
        return other.texts.empty() ? code(other.integers[i]) : code(std::string_view(other.texts[i]));
    }

private:
    template <class Held, class V>
    std::int32_t find(const std::vector<Held>& held, const V& value) const {
        if (held.empty()) return -1;
        const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), value, [&](std::size_t i, const V& v) { return held[i] < v; });
        return at != sorted_.end() && held[*at] == value ? static_cast<std::int32_t>(*at) : -1;
    }

    const category_list& list_;
    std::vector<std::size_t> sorted_;
};

[[noreturn]] inline void refuse_null_category(std::string_view stage, const feature& f, std::size_t row) {
    throw error({.code = error_code::unexpected_null,
                 .stage = std::string(stage),
                 .field = f.name,
                 .row = row,
                 .found = "a null",
                 .expected = "a category in every row",
                 .advice = "filter these rows, or use impute_constant or impute_most_frequent first"});
}
template <class V>
[[noreturn]] void refuse_category(std::string_view stage, const feature& f, std::size_t row, const V& value, const category_list& known) {
    std::string shown, all;
    if constexpr (std::same_as<V, std::string_view>) shown = "\"" + std::string(value) + "\"";
    else shown = std::to_string(value);
    for (std::size_t i = 0; i < known.size() && i < 10; ++i) all += (i ? ", " : "") + known.shown(i);
    throw error({.code = error_code::malformed_value,
                 .stage = std::string(stage),
                 .field = f.name,
                 .row = row,
                 .found = shown,
                 .expected = "one of " + std::to_string(known.size()) + " known categories: " + all + (known.size() > 10 ? ", ..." : ""),
                 .advice = "fit on rows that have it, or allow it with unknown_category::ignore"});
}

struct category_counts {
    std::vector<value_counts<std::string>> texts{};
    std::vector<value_counts<std::int64_t>> integers{};
};
class category_worker final : public morsel_worker {
public:
    category_worker(category_counts& counts, const feature_context& context) : counts_(counts), context_(context) {
        counts_.texts.resize(context.features.size());
        counts_.integers.resize(context.features.size());
    }
    void take(const chunk& c) override {
        for (std::size_t j = 0; j < context_.features.size(); ++j) {
            const feature& f = context_.features[j];
            const slot_view& from = c.slots[static_cast<std::size_t>(f.slot)];
            with_category_value(f.type, [&]<class V>(std::type_identity<V>) {
                const V* values = from.as<V>();
                c.each([&](std::uint32_t, std::uint32_t row) {
                    if (!from.valid(row)) refuse_null_category(context_.stage, f, c.first_row + row);
                    if constexpr (std::same_as<V, std::string_view>) counts_.texts[j].count(values[row]);
                    else counts_.integers[j].count(static_cast<std::int64_t>(values[row]));
                });
            });
        }
    }

private:
    category_counts& counts_;
    const feature_context& context_;
};

struct category_options {
    unknown_category unknown;
    const std::vector<std::string>& given;    // none: the values found, in ascending order
    std::size_t most;
};

// The given categories in their order, with the rows that were found of each.
inline category_list as_given(const category_list& found, const feature& column, const category_options& options, std::string_view stage, std::size_t& unknown) {
    category_list list;
    for (const std::string& given : options.given) {
        if (column.type == type_id::text) {
            list.texts.push_back(given);
        } else {
            const auto number = parse_value<std::int64_t>(given);
            if (!number) throw_invalid_option(stage, "categories", given, "whole numbers for the column '" + column.name + "'");
            list.integers.push_back(*number);
        }
    }
    list.rows.resize(options.given.size());
    const category_index index(list);
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (static_cast<std::size_t>(index.code_of(list, i)) != i) throw_invalid_option(stage, "categories", list.shown(i) + " twice", "each category once");
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
        const std::int32_t code = index.code_of(found, i);
        if (code >= 0) list.rows[static_cast<std::size_t>(code)] = found.rows[i];
        else if (options.unknown == unknown_category::ignore) unknown += static_cast<std::size_t>(found.rows[i]);
        else
            throw error({.code = error_code::malformed_value,
                         .stage = std::string(stage),
                         .field = column.name,
                         .found = found.shown(i) + " in " + std::to_string(found.rows[i]) + " rows",
                         .expected = "one of the given categories",
                         .advice = "add it, or allow it with unknown_category::ignore"});
    }
    return list;
}

// The categories of each column: one pass.
template <class Plan>
category_report learn_categories(const Plan& p, const std::vector<feature>& columns, const category_options& options, std::string_view stage, executor_ref executor) {
    category_counts all{std::vector<value_counts<std::string>>(columns.size()), std::vector<value_counts<std::int64_t>>(columns.size())};
    with_null_counts(p, columns, executor, [&] {
        state_per_morsel<category_counts, category_worker, feature_context> parts({columns, stage});
        p.run(slots_of(columns), executor, parts);
        parts.in_order([&](const category_counts& part) {
            for (std::size_t j = 0; j < part.texts.size(); ++j) {
                all.texts[j].merge(part.texts[j]);
                all.integers[j].merge(part.integers[j]);
            }
        });
        return 0;
    });
    category_report report{std::string(stage), names_of(columns), {}, std::vector<std::size_t>(columns.size())};
    for (std::size_t j = 0; j < columns.size(); ++j) {
        category_list found;
        all.texts[j].each([&](const std::string& value, std::int64_t rows) {
            found.texts.push_back(value);
            found.rows.push_back(rows);
        });
        all.integers[j].each([&](std::int64_t value, std::int64_t rows) {
            found.integers.push_back(value);
            found.rows.push_back(rows);
        });
        if (found.size() == 0) throw_empty(stage);
        if (!options.given.empty()) found = as_given(found, columns[j], options, stage, report.unknown[j]);
        if (found.size() > options.most)
            throw error({.code = error_code::invalid_option,
                         .stage = std::string(stage),
                         .field = columns[j].name,
                         .found = std::to_string(found.size()) + " categories",
                         .expected = "at most max_categories = " + std::to_string(options.most),
                         .advice = "put rare values together first, or raise max_categories"});
        report.categories.push_back(std::move(found));
    }
    return report;
}

inline void require_categories(std::string_view stage, const std::vector<category_list>& lists, const std::vector<feature>& columns) {
    bool fits = lists.size() == columns.size();
    for (std::size_t j = 0; j < lists.size() && fits; ++j) {
        const std::size_t held = columns[j].type == type_id::text ? lists[j].texts.size() : lists[j].integers.size();
        fits = held == lists[j].size() && lists[j].is_whole();
    }
    require_one_model(stage, fits);
}

}  // namespace detail

inline stage_summary summarise(const category_report& report) {
    stage_summary s{.stage = report.stage};
    for (std::size_t j = 0; j < report.columns.size(); ++j) {
        const category_list& list = report.categories[j];
        std::string all;
        for (std::size_t i = 0; i < list.size() && i < 10; ++i) all += (i ? ", " : "") + list.shown(i) + " (" + std::to_string(list.rows[i]) + ")";
        s.facts.emplace_back(report.columns[j] + ", " + std::to_string(list.size()) + " categories", all + (list.size() > 10 ? ", ..." : ""));
        if (report.unknown[j] > 0) s.notes.push_back(report.columns[j] + ": " + std::to_string(report.unknown[j]) + " rows are in none of the given categories");
    }
    return s;
}

}  // namespace SEGKIT_NAMESPACE
