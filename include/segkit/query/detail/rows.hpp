// segkit/query/detail/rows.hpp: rows of untyped columns: copied, hashed, compared, and the table that finds the group of a row.
//
// What top_n, distinct_by, sample, rank and shuffle share. Keys are equal as in a group-by: nulls are one key, and so are NaNs
// and zeros of both signs. A type is switched on once per column and chunk, or once per comparison of two rows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/detail/hash.hpp>
#include <segkit/query/detail/stored_values.hpp>
#include <segkit/query/sort.hpp>

namespace SEGKIT_NAMESPACE::detail {

// ---- copying

template <class V, class Column>
void append_fixed_rows(Column& to, const Column& from, const std::uint32_t* rows, std::size_t count) {
    auto* out = to.values.grow(count * sizeof(V));
    const auto* values = from.values.data();
    for (std::size_t i = 0; i < count; ++i) std::memcpy(out + i * sizeof(V), values + rows[i] * sizeof(V), sizeof(V));
}

// Appends some rows of another column of the same type.
template <class Column>
void append_rows(Column& to, const Column& from, const std::uint32_t* rows, std::size_t count) {
    if (count == 0) return;
    if (to.type == type_id::text) {
        const column_view<text> texts(from);
        for (std::size_t i = 0; i < count; ++i) {
            const std::string_view t = texts[rows[i]];
            to.bytes.append(t.data(), t.size());
            to.values.push(static_cast<std::int64_t>(to.bytes.size()));
        }
    } else if (is_list_type(to.type)) {
        for (std::size_t i = 0; i < count; ++i) to.push_list(from.list_at(rows[i]));
    } else if (to.type == type_id::block32 || to.type == type_id::block64) {
        to.width = from.width;
        const std::size_t bytes = from.width * size_of(from.type);
        auto* out = to.values.grow(count * bytes);
        for (std::size_t i = 0; i < count; ++i)
            if (bytes) std::memcpy(out + i * bytes, from.values.data() + rows[i] * bytes, bytes);
    } else {
        switch (size_of(to.type)) {
            case 1: append_fixed_rows<std::uint8_t>(to, from, rows, count); break;
            case 4: append_fixed_rows<std::uint32_t>(to, from, rows, count); break;
            default: append_fixed_rows<std::uint64_t>(to, from, rows, count);
        }
    }
    if (to.nullable) {
        const std::size_t bytes = (to.rows + count + 7) / 8 - (to.rows + 7) / 8;
        std::memset(to.validity.grow(bytes), 0, bytes);
        auto* bits = reinterpret_cast<std::uint8_t*>(to.validity.data());
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = to.rows + i;
            bits[at >> 3] = static_cast<std::uint8_t>(bits[at >> 3] | (unsigned{bit_at(from.validity_bits(), rows[i])} << (at & 7)));
        }
    }
    to.rows += count;
}

template <class Rows>
Rows empty_like(const Rows& rows) {
    Rows out;
    for (const auto& c : rows.columns) out.columns.emplace_back(c.type, c.nullable);
    return out;
}

// The rows of a plan, columns that are not needed being empty.
template <class Plan>
table_data collect_needed(const Plan& p, const std::vector<int>& slots, const std::vector<bool>& needed, executor_ref executor) {
    table_data collected = collect_rows(p, needed_slots(slots, needed), executor), all;
    all.rows = collected.rows;
    for (std::size_t i = 0, n = 0; i < slots.size(); ++i) {
        if (i < needed.size() && needed[i]) all.columns.push_back(std::move(collected.columns[n++]));
        else all.columns.emplace_back(p.at(slots[i]).type, p.at(slots[i]).nullable);
    }
    return all;
}

// ---- keys: hashed in a chunk, equal in a table

inline constexpr std::uint64_t row_hash_seed = 0x243F6A8885A308D3ull;

// Mixes a column of the selected rows into hash[k].
template <class Chunk>
void mix_row_hashes(const Chunk& c, const slot_view& view, type_id type, std::uint64_t* hash) {
    with_key_value(type, [&]<class V>(std::type_identity<V>) {
        const V* values = view.as<V>();
        c.each([&](std::uint32_t k, std::uint32_t row) { hash[k] = mix_hash(hash[k], view.valid(row) ? hash_value(canonical(values[row])) : 0); });
    });
}
// The same of `count` rows of a stored column, from row `first` on; null where the chunk's slot is null, so both hash alike.
template <class Column>
void mix_row_hashes(const Column& column, std::size_t first, std::size_t count, std::uint64_t* hash) {
    with_key_value(column.type, [&]<class V>(std::type_identity<V>) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t row = first + i;
            hash[i] = mix_hash(hash[i], is_stored(column, row) ? hash_value(canonical(stored_value<V>(column, row))) : 0);
        }
    });
}

template <class Column>
bool same_key(const Column& one, std::size_t a, const Column& other, std::size_t b) {
    const bool known = is_stored(one, a);
    if (known != is_stored(other, b) || !known) return !known && !is_stored(other, b);
    return with_key_value(one.type, [&]<class V>(std::type_identity<V>) { return same_key_value(stored_value<V>(one, a), stored_value<V>(other, b)); });
}
template <class Column>
bool same_key(const Column& column, std::size_t a, std::size_t b) {
    return same_key(column, a, column, b);
}
template <class Column>
bool same_key(const slot_view& view, std::uint32_t a, const Column& column, std::size_t b) {
    const bool known = view.valid(a);
    if (known != is_stored(column, b) || !known) return !known && !is_stored(column, b);
    return with_key_value(column.type, [&]<class V>(std::type_identity<V>) { return same_key_value(view.as<V>()[a], stored_value<V>(column, b)); });
}

// ---- groups: numbered 0, 1, 2, ... as they are added, found by the hash of their key

class group_index {
public:
    static constexpr std::uint32_t none = static_cast<std::uint32_t>(-1);

    // The group with this hash for which is_it(group) holds.
    template <class IsIt>
    std::uint32_t find(std::uint64_t hash, IsIt&& is_it) const {
        if (places_.empty()) return none;
        for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
            const std::uint64_t place = places_[at];
            if (place == 0) return none;
            const auto group = static_cast<std::uint32_t>(place) - 1;
            if (place >> 32 == hash >> 32 && is_it(group)) return group;
        }
    }
    std::uint32_t add(std::uint64_t hash) {
        if (2 * hashes_.size() >= places_.size()) grow();
        const auto group = static_cast<std::uint32_t>(hashes_.size());
        hashes_.push_back(hash);
        put(hash, group);
        return group;
    }
    // Fetches ahead what `find` will read first. (Inline, since GCC leaves out calls that do nothing else.)
    [[gnu::always_inline]] void prefetch(std::uint64_t hash) const {
        if (!places_.empty()) __builtin_prefetch(&places_[hash & mask()]);
    }
    std::size_t size() const { return hashes_.size(); }
    std::uint64_t hash(std::size_t group) const { return hashes_[group]; }

private:
    std::size_t mask() const { return places_.size() - 1; }
    void put(std::uint64_t hash, std::uint32_t group) {
        std::size_t at = hash & mask();
        while (places_[at] != 0) at = (at + 1) & mask();
        places_[at] = (hash >> 32 << 32) | (group + 1);
    }
    void grow() {
        places_.assign(places_.empty() ? 32 : 2 * places_.size(), 0);
        for (std::size_t g = 0; g < hashes_.size(); ++g) put(hashes_[g], static_cast<std::uint32_t>(g));
    }

    std::vector<std::uint64_t> places_;    // by the lower bits of the hash: its upper ones, and group + 1; 0 where free
    std::vector<std::uint64_t> hashes_;
};

// The group of every row of a table, by some of its columns; groups are numbered in the order of their first rows.
template <class Rows>
std::vector<std::uint32_t> groups_of_rows(const Rows& rows, const std::vector<std::size_t>& keys, std::size_t* count) {
    std::vector<std::uint32_t> group(rows.rows);
    std::vector<std::uint32_t> first;
    group_index index;
    std::uint64_t hash[chunk_rows];
    for (std::size_t begin = 0; begin < rows.rows; begin += chunk_rows) {
        const std::size_t n = rows.rows - begin < chunk_rows ? rows.rows - begin : chunk_rows;
        for (std::size_t i = 0; i < n; ++i) hash[i] = row_hash_seed;
        for (const std::size_t key : keys) mix_row_hashes(rows.columns[key], begin, n, hash);
        for (std::size_t i = 0; i < n; ++i) index.prefetch(hash[i]);
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t row = begin + i;
            std::uint32_t g = index.find(hash[i], [&](std::uint32_t candidate) {
                for (const std::size_t key : keys)
                    if (!same_key(rows.columns[key], row, first[candidate])) return false;
                return true;
            });
            if (g == group_index::none) {
                g = index.add(hash[i]);
                first.push_back(static_cast<std::uint32_t>(row));
            }
            group[row] = g;
        }
    }
    *count = index.size();
    return group;
}

// ---- order: the keys of a sort, over stored rows

template <class Rows>
class row_order {
public:
    row_order(const Rows& rows, const std::vector<sort_key>& keys) : rows_(rows), keys_(keys) {
        for (const sort_key& k : keys) compare_.push_back(comparison_of(rows.columns[k.column].type));
    }
    // -1, 0, 1: as sort_by has it, but for rows with equal keys, which are 0.
    int compare(std::size_t a, std::size_t b) const {
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            const int c = compare_[i](rows_.columns[keys_[i].column], a, b, keys_[i]);
            if (c != 0) return c;
        }
        return 0;
    }

private:
    const Rows& rows_;
    const std::vector<sort_key>& keys_;
    std::vector<row_comparison> compare_;
};

// Sorts by a strict total order, so that any way of sorting gives the same: pieces at once, then merged pair by pair.
template <class T, class Less>
void sort_in_pieces(T* begin, std::size_t n, const Less& less, executor_ref executor) {
    constexpr std::size_t pieces = 16;
    if (n < 100'000 || executor.concurrency() < 2) {
        std::sort(begin, begin + n, less);
        return;
    }
    const auto cut = [&](T* from, std::size_t piece) { return from + n * piece / pieces; };
    executor.run(pieces, [&](std::size_t i) { std::sort(cut(begin, i), cut(begin, i + 1), less); });
    std::vector<T> other(n);
    T *from = begin, *to = other.data();
    for (std::size_t width = 1; width < pieces; width *= 2) {
        executor.run(pieces / (2 * width), [&](std::size_t i) {
            const std::size_t first = 2 * i * width;
            std::merge(cut(from, first), cut(from, first + width), cut(from, first + width), cut(from, first + 2 * width), cut(to, first), less);
        });
        std::swap(from, to);
    }
    static_assert(pieces == 16, "an even number of rounds ends where it began");
}

}  // namespace SEGKIT_NAMESPACE::detail
