// segkit/query/detail/sort_ties.hpp: rows that the codes of a sort cannot tell apart, ordered by their keys themselves.
//
// Few rows are compared; many are sorted by a number each, of texts eight bytes after what they have in common, and what is
// still equal goes on behind these bytes or with the next key.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/query/detail/sort_codes.hpp>
#include <segkit/query/detail/stored_values.hpp>

namespace SEGKIT_NAMESPACE::detail {

// f(begin, end) for every run of two and more that are the same.
template <class Same, class F>
void each_run(std::size_t n, Same&& same, F&& f) {
    for (std::size_t i = 0; i < n;) {
        std::size_t end = i + 1;
        while (end < n && same(i, end)) ++end;
        if (end - i > 1) f(i, end);
        i = end;
    }
}

// (A template only so that it is compiled where it is used.)
template <class Key = sort_key_column>
class sort_ties {
public:
    explicit sort_ties(const std::vector<Key>& keys) : keys_(keys) {}

    // Orders rows, given in ascending order, that are equal in the keys before this one.
    void settle(std::uint32_t* order, std::size_t n, std::size_t number) const { refine(order, n, number, 0); }

    bool is_null(std::size_t row, std::size_t number) const { return is_null(keys_[number], row); }

    // Fetches ahead a row's value of a key, then the bytes of a text. (Inline, since GCC leaves out calls that do nothing else.)
    [[gnu::always_inline]] void prefetch_key(std::size_t row, std::size_t number) const {
        const auto& c = *keys_[number].column;
        __builtin_prefetch(c.values.data() + row * size_of(c.type));
    }
    [[gnu::always_inline]] void prefetch_text(std::size_t row, std::size_t number) const {
        if (keys_[number].column->type != type_id::text) return;
        const std::string_view text = text_values(*keys_[number].column)[row];
        __builtin_prefetch(text.data());
        __builtin_prefetch(text.data() + text.size());
    }

private:
    static bool is_null(const Key& k, std::size_t row) { return !is_stored(*k.column, row); }

    struct tied_row {
        std::uint64_t code;      // of a number, or of eight bytes of a text
        std::uint32_t place;     // nulls first, values, NaNs, nulls last
        std::uint32_t length;    // of the text from these bytes on, at most 9
        std::uint32_t row;
    };
    // The same, knowing that the keys before this one are equal, and the first `skip` bytes of it.
    void refine(std::uint32_t* order, std::size_t n, std::size_t number, std::size_t skip) const {
        if (number == keys_.size()) return;
        if (n <= 16) {
            std::sort(order, order + n, [&](std::uint32_t a, std::uint32_t b) {
                const int c = compare_from(number, a, b);
                return c != 0 ? c < 0 : a < b;    // equal keys keep their order
            });
            return;
        }
        const Key& k = keys_[number];
        if (is_null(k, order[0]) && std::all_of(order, order + n, [&](std::uint32_t row) { return is_null(k, row); })) return refine(order, n, number + 1, 0);
        if (k.column->type == type_id::text) skip = common_bytes(k, order, n, skip);
        std::vector<tied_row> rows(n);
        with_order_value(k.column->type, [&]<class V>(std::type_identity<V>) {
            for (std::size_t i = 0; i < n; ++i) rows[i] = tied<V>(k, order[i], skip);
        });
        const auto before = [](const tied_row& a, const tied_row& b) {
            return a.place != b.place ? a.place < b.place : a.code != b.code ? a.code < b.code : a.length != b.length ? a.length < b.length : a.row < b.row;
        };
        if (!std::is_sorted(rows.begin(), rows.end(), before)) std::sort(rows.begin(), rows.end(), before);
        for (std::size_t i = 0; i < n; ++i) order[i] = rows[i].row;
        each_run(n, [&](std::size_t a, std::size_t b) { return rows[a].place == rows[b].place && rows[a].code == rows[b].code && rows[a].length == rows[b].length; },
                 [&](std::size_t from, std::size_t to) {
                     const bool goes_on = rows[from].length == (k.descending ? 0u : 9u) && k.column->type == type_id::text && rows[from].place == 1;
                     refine(order + from, to - from, goes_on ? number : number + 1, goes_on ? skip + 8 : 0);
                 });
    }
    template <class V>
    static tied_row tied(const Key& k, std::uint32_t row, std::size_t skip) {
        if (is_null(k, row)) return {0, k.nulls_first ? 0u : 3u, 0, row};
        const V value = stored_value<V>(*k.column, row);
        tied_row t{0, 1, 0, row};
        if constexpr (std::is_same_v<V, std::string_view>) {
            const std::string_view rest = value.substr(skip);
            t.code = text_window(rest, 0, rest.data() + rest.size());
            t.length = rest.size() > 8 ? 9 : static_cast<std::uint32_t>(rest.size());
            if (k.descending) t.length = 9 - t.length;
        } else {
            if constexpr (std::is_floating_point_v<V>) {
                if (value != value) return {0, 2, 0, row};
            }
            t.code = ordered_bits(value);
        }
        if (k.descending) t.code = ~t.code;
        return t;
    }
    // How many bytes all of these texts share, knowing that they share `known`.
    static std::size_t common_bytes(const Key& k, const std::uint32_t* order, std::size_t n, std::size_t known) {
        std::size_t first = 0;
        while (first < n && is_null(k, order[first])) ++first;
        if (first == n) return known;
        const std::string_view pattern = stored_value<std::string_view>(*k.column, order[first]);
        std::size_t common = pattern.size();
        for (std::size_t i = first + 1; i < n; ++i) {
            if (is_null(k, order[i])) continue;
            const std::string_view text = stored_value<std::string_view>(*k.column, order[i]);
            common = std::min(common, text.size());
            std::size_t same = known;
            if (common > known && std::memcmp(text.data() + known, pattern.data() + known, common - known) == 0) continue;
            while (same < common && text[same] == pattern[same]) ++same;
            common = same;
            if (common == known) break;
        }
        return common;
    }

    int compare_from(std::size_t number, std::size_t a, std::size_t b) const {
        for (; number < keys_.size(); ++number)
            if (const int c = compare_key(keys_[number], a, b)) return c;
        return 0;
    }
    static int compare_key(const Key& k, std::size_t a, std::size_t b) {
        const bool null_a = is_null(k, a), null_b = is_null(k, b);
        if (null_a || null_b) return k.nulls_first ? int{null_b} - int{null_a} : int{null_a} - int{null_b};
        return with_order_value(k.column->type, [&]<class V>(std::type_identity<V>) {
            const V x = stored_value<V>(*k.column, a), y = stored_value<V>(*k.column, b);
            if constexpr (std::is_floating_point_v<V>) {
                if (x != x || y != y) return int{x != x} - int{y != y};
            }
            int order = 0;
            if constexpr (std::is_same_v<V, std::string_view>) order = x.compare(y);
            else order = x < y ? -1 : y < x ? 1 : 0;
            return k.descending ? -order : order;
        });
    }

    const std::vector<Key>& keys_;
};

}  // namespace SEGKIT_NAMESPACE::detail
