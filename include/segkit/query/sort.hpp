// segkit/query/sort.hpp: rows in order.
//
//     t | sort_by("country"_c, descending("revenue"_c))
//
// Stable: rows with equal keys keep their order. Nulls come last, NaNs before them, in either direction; text is compared
// by bytes. Ends a pass; holds all rows in memory; O(n log n) comparisons of the keys.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/select.hpp>

namespace SEGKIT_NAMESPACE {

// A sort key from the greatest to the least.
template <fixed_string Name>
struct descending_key {};
template <fixed_string Name>
constexpr descending_key<Name> descending(col<Name>) {
    return {};
}

namespace detail {

template <class Key>
struct sort_key_traits;
template <fixed_string Name>
struct sort_key_traits<col<Name>> {
    static constexpr auto key_name = Name;
    static constexpr bool down = false;
};
template <fixed_string Name>
struct sort_key_traits<descending_key<Name>> {
    static constexpr auto key_name = Name;
    static constexpr bool down = true;
};

struct sort_key {
    std::size_t column;
    bool descending;
};

// -1, 0, 1 for two rows of one column.
template <class T>
int compare_rows(const column_data& c, std::size_t a, std::size_t b, bool down) {
    const bool null_a = c.nullable && !bit_at(c.validity_bits(), a), null_b = c.nullable && !bit_at(c.validity_bits(), b);
    if (null_a || null_b) return int{null_a} - int{null_b};
    const auto x = column_view<T>(c)[a];
    const auto y = column_view<T>(c)[b];
    if constexpr (std::is_floating_point_v<T>) {
        if (x != x || y != y) return int{x != x} - int{y != y};
    }
    const int order = x < y ? -1 : y < x ? 1 : 0;
    return down ? -order : order;
}
using row_comparison = int (*)(const column_data&, std::size_t, std::size_t, bool);
template <class Type>
row_comparison comparison_of(Type type) {
    switch (type) {
        case type_id::boolean: return compare_rows<bool>;
        case type_id::int32: return compare_rows<std::int32_t>;
        case type_id::int64: return compare_rows<std::int64_t>;
        case type_id::float32: return compare_rows<float>;
        case type_id::float64: return compare_rows<double>;
        case type_id::text: return compare_rows<text>;
        case type_id::date: return compare_rows<date>;
        case type_id::timestamp: return compare_rows<timestamp>;
        case type_id::duration: return compare_rows<duration>;
        default: return nullptr;    // blocks have no order; refused at compile time
    }
}

template <class Column>
Column permuted(const Column& from, const std::vector<std::uint32_t>& order) {
    Column to(from.type, from.nullable);
    const auto each = [&](auto&& append) {
        for (const std::uint32_t row : order) {
            if (from.nullable && !bit_at(from.validity_bits(), row)) to.append_null();
            else append(row);
        }
    };
    if (from.type == type_id::text) {
        each([&](std::size_t row) { to.append_value(column_view<text>(from)[row]); });
    } else if (from.type == type_id::block32) {
        each([&](std::size_t row) { to.append_block(column_view<block<float>>(from)[row].values, from.width); });
    } else if (from.type == type_id::block64) {
        each([&](std::size_t row) { to.append_block(column_view<block<double>>(from)[row].values, from.width); });
    } else {
        switch (size_of(from.type)) {
            case 1: each([&](std::size_t row) { to.append_value(reinterpret_cast<const std::uint8_t*>(from.values.data())[row]); }); break;
            case 4: each([&](std::size_t row) { to.append_value(reinterpret_cast<const std::uint32_t*>(from.values.data())[row]); }); break;
            default: each([&](std::size_t row) { to.append_value(reinterpret_cast<const std::uint64_t*>(from.values.data())[row]); });
        }
    }
    return to;
}

// Computes a plan's rows in order. (A template only so that it is compiled where it is used.)
template <class Plan>
class sorted_rows {
public:
    sorted_rows(Plan rows, std::vector<int> slots, std::vector<sort_key> keys) : rows_(std::move(rows)), slots_(std::move(slots)), keys_(std::move(keys)) {}
    std::string describe() const { return "sort of " + rows_.source()->describe(); }

    table_data compute(executor_ref executor) {
        table_data rows = collect_rows(rows_, slots_, executor);
        if (rows.rows > 0xFFFFFFFFull)
            throw error({.code = error_code::overflow,
                         .stage = "sort_by",
                         .found = std::to_string(rows.rows) + " rows",
                         .expected = "at most 4294967295",
                         .advice = "filter or aggregate before sorting"});
        std::vector<std::uint32_t> order(rows.rows);
        for (std::size_t i = 0; i < rows.rows; ++i) order[i] = static_cast<std::uint32_t>(i);
        std::vector<row_comparison> compare;
        for (const sort_key& k : keys_) compare.push_back(comparison_of(rows.columns[k.column].type));
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            for (std::size_t i = 0; i < keys_.size(); ++i) {
                const int c = compare[i](rows.columns[keys_[i].column], a, b, keys_[i].descending);
                if (c != 0) return c < 0;
            }
            return a < b;    // equal keys keep their order
        });
        executor.run(rows.columns.size(), [&](std::size_t i) { rows.columns[i] = permuted(rows.columns[i], order); });
        return rows;
    }

private:
    Plan rows_;
    std::vector<int> slots_;
    std::vector<sort_key> keys_;
};

}  // namespace detail

template <class... Keys>
struct sort_by_stage : stage_base {
    static constexpr std::string_view stage_name = "sort_by";

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!(has_column<Schema, detail::sort_key_traits<Keys>::key_name> && ...)) {
            (detail::require_column<Schema, detail::sort_key_traits<Keys>::key_name>(), ...);
            return detail::erroneous_rows();
        } else {
            static_assert((!is_block<column_type_t<Schema, detail::sort_key_traits<Keys>::key_name>> && ...), "segkit: a block column has no order");
            std::vector<detail::sort_key> keys{{Schema::find(name_of<detail::sort_key_traits<Keys>::key_name>), detail::sort_key_traits<Keys>::down}...};
            return detail::relation_over<Schema>(detail::compute_on_first_scan(detail::sorted_rows<plan>(std::move(r.plan), std::move(r.slot_of), std::move(keys))));
        }
    }
};

// Keys are columns ("x"_c) or descending("x"_c), the most significant first.
template <class... Keys>
constexpr auto sort_by(Keys...) {
    return make_pipeline(sort_by_stage<Keys...>{});
}

}  // namespace SEGKIT_NAMESPACE
