// segkit/query/sort.hpp: rows in order.
//
//     t | sort_by("country"_c, descending("revenue"_c))
//     t | sort_by(ascending("country"_c).nulls_first(), descending("revenue"_c).nulls_first())
//
// Stable: rows with equal keys keep their order. NaNs come after the numbers in either direction, and nulls after all, unless these
// are asked to come first; text is compared by bytes, a category in memory by its dictionary, sorted once. Ends a pass and
// holds its rows in memory; a radix sort, O(n) for keys of up to 64 bits together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/detail/sort_engine.hpp>
#include <segkit/query/select.hpp>

namespace SEGKIT_NAMESPACE {

// A sort key whose nulls come before all values.
template <fixed_string Name, bool Down>
struct nulls_first_key {};

// A sort key from the greatest to the least.
template <fixed_string Name>
struct descending_key {
    constexpr nulls_first_key<Name, true> nulls_first() const { return {}; }
};
template <fixed_string Name>
constexpr descending_key<Name> descending(col<Name>) {
    return {};
}

// A sort key from the least to the greatest, as a column by itself is; for `ascending("x"_c).nulls_first()`.
template <fixed_string Name>
struct ascending_key {
    constexpr nulls_first_key<Name, false> nulls_first() const { return {}; }
};
template <fixed_string Name>
constexpr ascending_key<Name> ascending(col<Name>) {
    return {};
}

template <class... Given>
struct not_a_sort_key {
    static_assert(detail::never<Given...>,
                  "segkit: sort_by takes columns: \"x\"_c, descending(\"x\"_c), or either with nulls first, ascending(\"x\"_c).nulls_first(); see "
                  "'not_a_sort_key<what was given...>'; derive a column for an expression");
};

template <class Name>
struct block_in_an_order {
    static_assert(detail::never<Name>, "segkit: a block column has no order, and neither has a list; see 'block_in_an_order<name>'; order by a column of numbers, text or time");
};

namespace detail {

template <class Key>
struct sort_key_traits;
template <fixed_string Name>
struct sort_key_traits<col<Name>> {
    static constexpr auto key_name = Name;
    static constexpr bool down = false, nulls_first = false;
};
template <fixed_string Name>
struct sort_key_traits<descending_key<Name>> {
    static constexpr auto key_name = Name;
    static constexpr bool down = true, nulls_first = false;
};
template <fixed_string Name>
struct sort_key_traits<ascending_key<Name>> : sort_key_traits<col<Name>> {};
template <fixed_string Name, bool Down>
struct sort_key_traits<nulls_first_key<Name, Down>> {
    static constexpr auto key_name = Name;
    static constexpr bool down = Down, nulls_first = true;
};
template <class Key>
inline constexpr bool is_sort_key = requires { sort_key_traits<Key>::down; };
template <class Key>
inline constexpr auto key_name_of = sort_key_traits<Key>::key_name;

template <class Schema, fixed_string Name>
constexpr bool is_nested_column() {
    if constexpr (has_column<Schema, Name>) return is_nested<column_type_t<Schema, Name>>;
    else return false;
}

// Whether columns exist and can be compared; and what is said where not, by Mistake<name> of blocks and lists.
template <class Schema, fixed_string... Names>
inline constexpr bool keys_fit = ((has_column<Schema, Names> && !is_nested_column<Schema, Names>()) && ...);
template <template <class> class Mistake, class Schema, fixed_string Name>
constexpr auto report_key() {
    if constexpr (!has_column<Schema, Name>) require_column<Schema, Name>();
    else if constexpr (is_nested_column<Schema, Name>()) detail::report(detail::mistake<Mistake<name<Name>>>);
}

// The same of the keys of an order.
template <class Schema, class... Keys>
inline constexpr bool order_fits = keys_fit<Schema, key_name_of<Keys>...>;
template <class Schema, class... Keys>
constexpr auto report_order() {
    (report_key<block_in_an_order, Schema, key_name_of<Keys>>(), ...);
}

struct sort_key {
    std::size_t column;
    bool descending = false;
    bool nulls_first = false;
};
// A key as a column of a schema.
template <class Schema, class Key>
constexpr sort_key sort_key_in() {
    return {Schema::find(name_of<key_name_of<Key>>), sort_key_traits<Key>::down, sort_key_traits<Key>::nulls_first};
}

// -1, 0, 1 for two rows of one column.
template <class T>
int compare_rows(const column_data& c, std::size_t a, std::size_t b, const sort_key& key) {
    const bool null_a = c.nullable && !bit_at(c.validity_bits(), a), null_b = c.nullable && !bit_at(c.validity_bits(), b);
    if (null_a || null_b) return key.nulls_first ? int{null_b} - int{null_a} : int{null_a} - int{null_b};
    const auto x = column_view<T>(c)[a];
    const auto y = column_view<T>(c)[b];
    if constexpr (std::is_floating_point_v<T>) {
        if (x != x || y != y) return int{x != x} - int{y != y};
    }
    const int order = x < y ? -1 : y < x ? 1 : 0;
    return key.descending ? -order : order;
}
using row_comparison = int (*)(const column_data&, std::size_t, std::size_t, const sort_key&);
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

// Computes a plan's rows in order. (A template only so that it is compiled where it is used.)
template <class Plan>
class sorted_rows {
public:
    sorted_rows(Plan rows, std::vector<int> slots, std::vector<sort_key> keys) : rows_(std::move(rows)), slots_(std::move(slots)), keys_(std::move(keys)) {}
    std::string describe() const { return "sort of " + rows_.source()->describe(); }
    std::vector<pass_input> inputs(std::vector<bool> needed) const {
        needed.resize(slots_.size(), false);
        for (const sort_key& k : keys_) needed[k.column] = true;
        return {{&rows_, needed_slots(slots_, needed), "sort_by, which keeps all rows"}};
    }

    std::size_t columns() const { return slots_.size(); }
    bool rescannable() const { return rows_.source()->rescannable(); }

    // Columns that are not needed stay empty.
    table_data compute(executor_ref executor, const std::vector<bool>& needed) {
        std::vector<bool> read = needed;
        for (const sort_key& k : keys_) read[k.column] = true;
        const rows_at_hand input = rows_in_memory(rows_, slots_, read, executor, text_form::any);
        const std::size_t count = input.rows->rows;
        if (count > 0xFFFFFFFFull)
            throw error({.code = error_code::overflow,
                         .stage = "sort_by",
                         .found = std::to_string(count) + " rows",
                         .expected = "at most 4294967295",
                         .advice = "filter or aggregate before sorting"});
        using engine = sort_engine<column_data>;
        std::vector<typename engine::key> keys;
        std::deque<column_data> places;    // of categories; a deque, since keys point at them
        for (const sort_key& k : keys_) {
            const column_data* key = input.columns[k.column];
            if (key->type == type_id::category) key = &places.emplace_back(places_of_texts(*key, executor));
            keys.push_back({key, k.descending, k.nulls_first});
        }
        std::vector<const column_data*> wanted;
        for (std::size_t i = 0; i < slots_.size(); ++i)
            if (needed[i]) wanted.push_back(input.columns[i]);
        std::vector<column_data> columns = engine(std::move(keys), count).columns(wanted, executor);
        table_data sorted;
        sorted.rows = count;
        for (std::size_t i = 0, next = 0; i < slots_.size(); ++i) {
            if (needed[i]) sorted.columns.push_back(std::move(columns[next++]));
            else sorted.columns.emplace_back(rows_.at(slots_[i]).type, rows_.at(slots_[i]).nullable);
        }
        return sorted;
    }

private:
    // The texts of a category as numbers in their order: its dictionary is sorted instead of its rows.
    static column_data places_of_texts(const column_data& coded, executor_ref executor) {
        const auto& texts = coded.texts();
        std::vector<std::int32_t> order(texts.size()), place(std::max<std::size_t>(texts.size(), 1), 0);    // a null has code 0, in an empty one too
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
        std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return texts[static_cast<std::size_t>(a)] < texts[static_cast<std::size_t>(b)]; });
        for (std::size_t i = 0; i < order.size(); ++i) place[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
        column_data places(type_id::int32, coded.nullable);
        places.rows = coded.rows;
        places.validity = coded.validity;
        auto* out = reinterpret_cast<std::int32_t*>(places.values.grow(coded.rows * sizeof(std::int32_t)));
        const auto* codes = reinterpret_cast<const std::int32_t*>(coded.values.data());
        constexpr std::size_t per_task = std::size_t{1} << 16;
        executor.run((coded.rows + per_task - 1) / per_task, [&](std::size_t task) {
            for (std::size_t row = task * per_task; row < std::min(coded.rows, (task + 1) * per_task); ++row) out[row] = place[static_cast<std::size_t>(codes[row])];
        });
        return places;
    }

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
        if constexpr (!detail::order_fits<Schema, Keys...>) {
            detail::report_order<Schema, Keys...>();
            return detail::erroneous_rows();
        } else {
            std::vector<detail::sort_key> keys{detail::sort_key_in<Schema, Keys>()...};
            return detail::relation_over<Schema>(detail::compute_on_first_scan(detail::sorted_rows<plan>(std::move(r.plan), std::move(r.slot_of), std::move(keys))));
        }
    }
};

// Keys are columns ("x"_c) or descending("x"_c), the most significant first; see also nulls_first().
template <class... Keys>
constexpr auto sort_by(Keys...) {
    if constexpr (sizeof...(Keys) == 0) {
        return detail::nothing_given<"sort_by", sizeof...(Keys)>();
    } else if constexpr ((detail::is_sort_key<Keys> && ...)) {
        return make_pipeline(sort_by_stage<Keys...>{});
    } else {
        detail::report(detail::mistake<not_a_sort_key<Keys...>>);
        return make_pipeline(detail::erroneous_stage{});
    }
}

}  // namespace SEGKIT_NAMESPACE
