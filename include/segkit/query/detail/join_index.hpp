// segkit/query/detail/join_index.hpp: finds the rows of a table by key.
//
// Integers of a range not much wider than the table has rows address an array directly. Other keys are hashed into 64
// partitions, each an open-addressing table of 4-byte entries (row number, and as many bits of the hash as are left), filled
// in parallel and in row order. Look-ups go a chunk at a time: hash all, read all entries, compare all keys.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/query/detail/hash.hpp>
#include <segkit/table/chunk.hpp>
#include <segkit/table/column.hpp>

namespace SEGKIT_NAMESPACE::detail {

// A key column's values, stored or in a chunk.
template <class V>
struct stored_keys {
    const V* values;
    const V& operator[](std::size_t row) const { return values[row]; }
};
template <class V, class Column>
auto keys_in(const Column& column) {
    if constexpr (std::is_same_v<V, std::string_view>) return text_values(column);
    else return stored_keys<V>{reinterpret_cast<const V*>(column.values.data())};
}

template <class V>
inline constexpr bool is_direct_key = std::is_integral_v<V>;
// An integer key as a signed number, so that a range around zero is one range.
template <class V>
std::int64_t key_number(V value) {
    if constexpr (sizeof(V) == 4) return static_cast<std::int32_t>(value);
    else return static_cast<std::int64_t>(value);
}

// The least and the greatest of a column of integer keys, nulls left out, and whether each is one more than the one before it.
struct key_extent {
    std::int64_t least = std::numeric_limits<std::int64_t>::max(), greatest = std::numeric_limits<std::int64_t>::min();
    bool in_order = true;

    bool any() const { return least <= greatest; }
    std::uint64_t last() const { return static_cast<std::uint64_t>(greatest) - static_cast<std::uint64_t>(least); }
};
template <class V, class Column>
key_extent extent_of_keys(const Column& column, std::size_t rows, executor_ref executor) {
    constexpr std::size_t rows_per_task = std::size_t{1} << 16;
    const V* values = keys_in<V>(column).values;
    std::vector<key_extent> extents((rows + rows_per_task - 1) / rows_per_task);
    executor.run(extents.size(), [&](std::size_t task) {
        key_extent e;
        for (std::size_t row = task * rows_per_task; row < std::min(rows, (task + 1) * rows_per_task); ++row) {
            if (column.nullable && !bit_at(column.validity_bits(), row)) {
                e.in_order = false;
                continue;
            }
            const std::int64_t key = key_number(values[row]);
            e.least = key < e.least ? key : e.least;
            e.greatest = key > e.greatest ? key : e.greatest;
            e.in_order = e.in_order && static_cast<std::uint64_t>(key) - row == static_cast<std::uint64_t>(key_number(values[0]));
        }
        extents[task] = e;
    });
    key_extent all;
    for (const key_extent& e : extents) {
        all.least = std::min(all.least, e.least);
        all.greatest = std::max(all.greatest, e.greatest);
        all.in_order = all.in_order && e.in_order;
    }
    return all;
}

// match[row] = f(row) of the selected rows of a chunk, 0 where the key is null; whether none of these is 0.
template <class F>
bool look_up_keys(const chunk& c, const slot_view& view, std::uint32_t* match, F&& f) {
    bool complete = true;
    const auto look_up = [&](std::uint32_t row) {
        const std::uint32_t found = f(row);
        match[row] = found;
        complete &= found != 0;
    };
    if (c.dense) {
        for (std::uint32_t row = 0; row < c.rows; ++row) look_up(row);
    } else {
        for (std::uint32_t k = 0; k < c.selected; ++k) look_up(c.selection[k]);
    }
    if (view.validity == all_valid_bits.data()) return complete;
    c.each([&](std::uint32_t, std::uint32_t row) { match[row] = view.valid(row) ? match[row] : 0; });
    return false;
}

struct repeated_key {
    std::size_t row, before;    // the same key stands in both
};

// (A template only so that it is compiled where it is used.)
template <class Column>
class join_index {
public:
    static constexpr std::size_t most_rows = std::size_t{1} << 31;

    enum class purpose {
        find_one,     // the first row of a key; a key that stands in two rows is an answer of build
        find_all,     // all rows of a key
        exists,       // whether there is any
    };

    // Indexes `rows` rows; the columns must stay where they are.
    std::optional<repeated_key> build(std::vector<const Column*> keys, std::size_t rows, purpose why, executor_ref executor) {
        keys_ = std::move(keys);
        rows_ = rows;
        why_ = why;
        form_ = form::empty;
        if (rows == 0) return std::nullopt;
        if (keys_.size() == 1) {
            const bool direct = with_key_value(keys_[0]->type, [&]<class V>(std::type_identity<V>) {
                if constexpr (is_direct_key<V>) return build_direct<V>(executor);
                else return false;
            });
            if (direct) return repeated_;
        }
        build_hashed(executor);
        return repeated_;
    }

    // match[row] of each selected row of the chunk: right row + 1 of its first match, or 0. Whether it is known that none is 0.
    bool find(const chunk& c, const std::vector<int>& slots, std::uint32_t* match) const {
        if (form_ == form::empty) {
            std::memset(match, 0, c.rows * sizeof *match);
            return false;
        }
        if (form_ == form::hashed) {
            if (slots.size() == 1 && few_codes(c, slots[0])) return find_coded(c, slots[0], match);
            find_hashed(c, slots, match);
            return false;
        }
        return with_key_value(keys_[0]->type, [&]<class V>(std::type_identity<V>) {
            if constexpr (is_direct_key<V>) return find_direct<V>(c, c.slots[static_cast<std::size_t>(slots[0])], match);
            else return false;
        });
    }

    // Where keys address an array: number_of[match] + 1 of each place of it and 0 of those without a row, and the same look-up of these.
    owned_memory<std::uint16_t> numbers_by_place(const std::uint16_t* number_of, executor_ref executor) const {
        if (form_ != form::in_order && form_ != form::direct) return nullptr;
        auto numbers = take_memory<std::uint16_t>(range_ + 1, scattered_bytes);
        executor.run(range_ / rows_per_task + 1, [&](std::size_t task) {
            for (std::uint64_t place = task * rows_per_task; place < std::min<std::uint64_t>(range_, (task + 1) * rows_per_task); ++place) {
                const std::uint32_t match = form_ == form::direct ? entries_[place] : static_cast<std::uint32_t>(place + 1);
                numbers[place] = match ? static_cast<std::uint16_t>(number_of[match] + 1) : std::uint16_t{0};
            }
        });
        numbers[range_] = 0;
        return numbers;
    }
    bool find_numbers(const chunk& c, int slot, const std::uint16_t* by_place, std::uint32_t* number) const {
        const slot_view& view = c.slots[static_cast<std::size_t>(slot)];
        return with_key_value(keys_[0]->type, [&]<class V>(std::type_identity<V>) {
            if constexpr (is_direct_key<V>) {
                return look_up_keys(c, view, number, [&, values = view.as<V>(), by_place](std::uint32_t row) {
                    const std::uint64_t place = place_of(values[row]);
                    return std::uint32_t{by_place[place < range_ ? place : range_]};
                });
            } else {
                return false;
            }
        });
    }

    // Whether any key stands in several rows, and all of these are asked for.
    bool has_further() const { return !further_.empty(); }

    // What find has found, as right row + 1, how many further rows have that key, and f(right row + 1) for these, in row order.
    static std::uint32_t first_match(std::uint32_t match) { return match; }
    std::size_t further_matches(std::uint32_t match) const {
        std::size_t count = 0;
        each_further(match, [&](std::uint32_t) { ++count; });
        return count;
    }
    template <class F>
    void each_further(std::uint32_t match, F&& f) const {
        if (further_.empty() || first_further_[match - 1] == 0) return;
        for (std::size_t i = first_further_[match - 1] - 1;; ++i) {
            f((further_[i] & ~last_further) + 1);
            if (further_[i] & last_further) return;
        }
    }

private:
    enum class form { empty, in_order, direct, present, hashed };

    static constexpr std::uint32_t last_further = std::uint32_t{1} << 31;
    static constexpr std::size_t rows_per_task = std::size_t{1} << 16;

    std::size_t tasks() const { return (rows_ + rows_per_task - 1) / rows_per_task; }
    template <class F>
    void each_task(executor_ref executor, F&& f) const {
        executor.run(tasks(), [&](std::size_t task) {
            const std::size_t begin = task * rows_per_task;
            f(task, begin, begin + rows_per_task < rows_ ? begin + rows_per_task : rows_);
        });
    }
    static bool known(const Column& column, std::size_t row) { return !column.nullable || bit_at(column.validity_bits(), row); }

    // ---- direct addressing

    template <class V>
    bool build_direct(executor_ref executor) {
        const Column& column = *keys_[0];
        const V* values = keys_in<V>(column).values;
        const key_extent all = extent_of_keys<V>(column, rows_, executor);
        if (!all.any()) return true;    // nulls only: the empty form stays
        least_ = all.least;
        const std::uint64_t last = all.last();
        if (last > (why_ == purpose::exists ? 128 : 6) * rows_ + 4096) return false;
        range_ = last + 1;
        if (all.in_order) {
            form_ = form::in_order;
        } else if (why_ == purpose::exists) {
            form_ = form::present;
            present_.assign(range_ / 64 + 1, 0);
            for (std::size_t row = 0; row < rows_; ++row)
                if (known(column, row)) present_[place_of(values[row]) >> 6] |= std::uint64_t{1} << (place_of(values[row]) & 63);
        } else {
            form_ = form::direct;
            fill_direct(column, values, executor);
        }
        return true;
    }
    template <class V>
    std::uint64_t place_of(V value) const {
        return static_cast<std::uint64_t>(key_number(value)) - static_cast<std::uint64_t>(least_);
    }

    template <class V>
    void fill_direct(const Column& column, const V* values, executor_ref executor) {
        entries_ = take_memory<std::uint32_t>(range_ + 1, scattered_bytes);    // one more, always 0, for keys outside the range
        std::uint32_t* entries = entries_.get();
        const std::size_t parts = range_ / (rows_per_task * 4) + 1;
        executor.run(parts, [&](std::size_t part) {
            const std::size_t begin = part * rows_per_task * 4, end = part + 1 == parts ? range_ + 1 : begin + rows_per_task * 4;
            std::memset(entries + begin, 0, (end - begin) * sizeof *entries);
        });
        bool repeated = false;
        if (executor.concurrency() == 1) {
            for (std::size_t row = 0; row < rows_; ++row) {
                if (!known(column, row)) continue;
                std::uint32_t& entry = entries[place_of(values[row])];
                repeated = repeated || entry != 0;
                entry = static_cast<std::uint32_t>(row + 1);
            }
        } else {
            // Whoever comes last stays; each row then looks whether it did.
            each_task(executor, [&](std::size_t, std::size_t begin, std::size_t end) {
                for (std::size_t row = begin; row < end; ++row)
                    if (known(column, row)) __atomic_store_n(&entries[place_of(values[row])], static_cast<std::uint32_t>(row + 1), __ATOMIC_RELAXED);
            });
            std::vector<char> lost(tasks(), 0);
            each_task(executor, [&](std::size_t task, std::size_t begin, std::size_t end) {
                bool any = false;
                for (std::size_t row = begin; row < end; ++row) any = any || (known(column, row) && entries[place_of(values[row])] != row + 1);
                lost[task] = any;
            });
            for (const char l : lost) repeated = repeated || l;
        }
        if (!repeated) return;
        std::memset(entries, 0, range_ * sizeof *entries);
        std::vector<std::uint32_t> first_of(rows_);
        for (std::size_t row = 0; row < rows_; ++row) {
            first_of[row] = static_cast<std::uint32_t>(row);
            if (!known(column, row)) continue;
            std::uint32_t& entry = entries[place_of(values[row])];
            if (entry == 0) {
                entry = static_cast<std::uint32_t>(row + 1);
            } else {
                first_of[row] = entry - 1;
                if (!repeated_) repeated_ = repeated_key{row, entry - 1};
            }
        }
        if (why_ == purpose::find_all) list_further(first_of);
    }

    template <class V>
    bool find_direct(const chunk& c, const slot_view& view, std::uint32_t* match) const {
        const V* values = view.as<V>();
        switch (form_) {
            case form::in_order:
                return look_up_keys(c, view, match, [&](std::uint32_t row) {
                    const std::uint64_t place = place_of(values[row]);
                    return place < range_ ? static_cast<std::uint32_t>(place + 1) : 0u;
                });
            case form::present:
                return look_up_keys(c, view, match, [&](std::uint32_t row) {
                    std::uint64_t place = place_of(values[row]);
                    place = place < range_ ? place : range_;
                    return static_cast<std::uint32_t>(present_[place >> 6] >> (place & 63) & 1);
                });
            default: {
                const std::uint32_t* entries = entries_.get();
                return look_up_keys(c, view, match, [&](std::uint32_t row) {
                    const std::uint64_t place = place_of(values[row]);
                    return entries[place < range_ ? place : range_];
                });
            }
        }
    }

    // ---- hashing

    struct partition {
        std::size_t begin = 0;     // first entry
        std::uint64_t size = 1;    // entries, about twice the rows
    };
    // What the place of a key depends on: the partition by the first bits, the entry by the 32 after them.
    struct key_place {
        std::uint32_t low;
        std::uint32_t part;
    };
    key_place place_of_hash(std::uint64_t hash) const {
        hash *= 0xD6E8FEB86659FD93ull;
        return {static_cast<std::uint32_t>(hash >> 26), static_cast<std::uint32_t>(hash >> 58) & part_mask_};
    }
    std::size_t entry_of(const key_place& k) const {
        const partition& p = partitions_[k.part];
        return p.begin + static_cast<std::size_t>((std::uint64_t{k.low} * p.size) >> 32);
    }
    std::uint32_t entry(std::size_t row, std::uint32_t low) const { return static_cast<std::uint32_t>((row + 1) << tag_bits_) | (low & tag_mask_); }
    std::size_t next_entry(std::size_t at, std::uint32_t part) const {
        const partition& p = partitions_[part];
        return at + 1 == p.begin + p.size ? p.begin : at + 1;
    }

    static std::uint64_t mix_next(std::size_t number_of_key, std::uint64_t hash, std::uint64_t next) { return number_of_key == 0 ? next : mix_hash(hash, next); }

    bool equal_rows(std::size_t a, std::size_t b) const {
        for (const Column* column : keys_) {
            const bool same = with_key_value(column->type, [&]<class V>(std::type_identity<V>) {
                const auto keys = keys_in<V>(*column);
                return same_key_value<V>(keys[a], keys[b]);
            });
            if (!same) return false;
        }
        return true;
    }

    void build_hashed(executor_ref executor) {
        form_ = form::hashed;
        const unsigned row_bits = static_cast<unsigned>(std::bit_width(rows_));
        tag_bits_ = 32 - row_bits;
        tag_mask_ = static_cast<std::uint32_t>((std::uint64_t{1} << tag_bits_) - 1);
        const std::size_t parts = rows_ > 16'384 ? 64 : 1;
        part_mask_ = static_cast<std::uint32_t>(parts - 1);

        // Where each row belongs, and how many of each task go to each partition.
        const auto places = take_memory<key_place>(rows_);
        constexpr std::uint32_t nowhere = 0xFFFFFFFF;    // a null key matches nothing
        std::vector<std::uint32_t> at(tasks() * parts, 0);
        each_task(executor, [&](std::size_t task, std::size_t begin, std::size_t end) {
            std::uint64_t hash[1024];
            bool has_key[1024];
            for (std::size_t from = begin; from < end; from += 1024) {
                const std::size_t n = end - from < 1024 ? end - from : 1024;
                for (std::size_t i = 0; i < n; ++i) has_key[i] = true;
                for (std::size_t key = 0; key < keys_.size(); ++key) hash_rows(key, from, n, hash, has_key);
                for (std::size_t i = 0; i < n; ++i) {
                    places[from + i] = place_of_hash(hash[i]);
                    if (has_key[i]) ++at[task * parts + places[from + i].part];
                    else places[from + i].part = nowhere;
                }
            }
        });
        partitions_.assign(parts, {});
        std::vector<std::size_t> first_row(parts + 1, 0);
        std::uint32_t sum = 0;
        std::size_t entries = 0;
        for (std::size_t p = 0; p < parts; ++p) {
            first_row[p] = sum;
            for (std::size_t task = 0; task < tasks(); ++task) sum += std::exchange(at[task * parts + p], sum);
            partitions_[p] = {entries, 2 * (std::uint64_t{sum} - first_row[p]) + 1};
            entries += partitions_[p].size;
        }
        first_row[parts] = sum;

        struct placed {
            std::uint32_t low, row;
        };
        const auto in_parts = take_memory<placed>(sum + std::size_t{1});
        each_task(executor, [&](std::size_t task, std::size_t begin, std::size_t end) {
            std::uint32_t* next = &at[task * parts];
            for (std::size_t row = begin; row < end; ++row)
                if (places[row].part != nowhere) in_parts[next[places[row].part]++] = {places[row].low, static_cast<std::uint32_t>(row)};
        });

        entries_ = take_memory<std::uint32_t>(entries, scattered_bytes);
        std::vector<std::uint32_t> first_of;
        if (why_ == purpose::find_all) {
            first_of.resize(rows_);
            each_task(executor, [&](std::size_t, std::size_t begin, std::size_t end) {
                for (std::size_t row = begin; row < end; ++row) first_of[row] = static_cast<std::uint32_t>(row);
            });
        }
        std::vector<std::optional<repeated_key>> repeated(parts);
        executor.run(parts, [&](std::size_t p) {
            const placed* rows = in_parts.get() + first_row[p];
            const std::size_t n = first_row[p + 1] - first_row[p];
            if (keys_.size() != 1) return fill_partition(p, rows, n, first_of, repeated[p], [&](std::size_t a, std::size_t b) { return equal_rows(a, b); });
            with_key_value(keys_[0]->type, [&]<class V>(std::type_identity<V>) {
                fill_partition(p, rows, n, first_of, repeated[p], [keys = keys_in<V>(*keys_[0])](std::size_t a, std::size_t b) { return same_key_value<V>(keys[a], keys[b]); });
            });
        });
        for (const auto& r : repeated)
            if (r && (!repeated_ || r->row < repeated_->row)) repeated_ = r;
        if (why_ == purpose::find_all && repeated_) list_further(first_of);
    }

    void hash_rows(std::size_t key, std::size_t from, std::size_t n, std::uint64_t* hash, bool* has_key) const {
        const Column& column = *keys_[key];
        with_key_value(column.type, [&]<class V>(std::type_identity<V>) {
            const auto values = keys_in<V>(column);
            if (column.nullable)
                for (std::size_t i = 0; i < n; ++i) has_key[i] = has_key[i] && bit_at(column.validity_bits(), from + i);
            for (std::size_t i = 0; i < n; ++i) hash[i] = mix_next(key, hash[i], hash_value(canonical<V>(values[from + i])));
        });
    }

    // Rows of one partition in row order: the first of a key stays.
    template <class Placed, class Equal>
    void fill_partition(std::size_t p, const Placed* rows, std::size_t n, std::vector<std::uint32_t>& first_of, std::optional<repeated_key>& repeated, Equal&& equal) {
        std::uint32_t* entries = entries_.get();
        std::memset(entries + partitions_[p].begin, 0, partitions_[p].size * sizeof *entries);
        const auto part = static_cast<std::uint32_t>(p);
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t mine = entry(rows[i].row, rows[i].low);
            std::size_t at = entry_of({rows[i].low, part});
            for (;; at = next_entry(at, part)) {
                const std::uint32_t other = entries[at];
                if (other == 0) {
                    entries[at] = mine;
                    break;
                }
                if (((other ^ mine) & tag_mask_) != 0) continue;
                const std::size_t before = (other >> tag_bits_) - 1;
                if (!equal(before, rows[i].row)) continue;
                if (!repeated) repeated = repeated_key{rows[i].row, before};
                if (!first_of.empty()) first_of[rows[i].row] = static_cast<std::uint32_t>(before);
                break;
            }
        }
    }

    // Rows after the first of their key, key by key and in row order; the last of each is marked.
    void list_further(const std::vector<std::uint32_t>& first_of) {
        first_further_.assign(rows_, 0);
        std::size_t count = 0;
        for (std::size_t row = 0; row < rows_; ++row)
            if (first_of[row] != row) {
                ++first_further_[first_of[row]];
                ++count;
            }
        // Counts become ends, plus 1; filled from the last row on, they become beginnings.
        further_.assign(count, 0);
        std::uint32_t end = 0;
        for (std::size_t row = 0; row < rows_; ++row) {
            if (first_further_[row] == 0) continue;
            end += first_further_[row];
            first_further_[row] = end + 1;
            further_[end - 1] = last_further;
        }
        for (std::size_t row = rows_; row-- > 0;)
            if (first_of[row] != row) further_[--first_further_[first_of[row]] - std::size_t{1}] |= static_cast<std::uint32_t>(row);
    }

    void find_hashed(const chunk& c, const std::vector<int>& slots, std::uint32_t* match) const {
        std::memset(match, 0, c.rows * sizeof *match);
        std::uint16_t rows[chunk_rows];    // with a key
        std::uint64_t hash[chunk_rows];
        const std::uint32_t n = rows_with_key(c, slots, rows);
        for (std::size_t key = 0; key < slots.size(); ++key) {
            with_key_value(keys_[key]->type, [&]<class V>(std::type_identity<V>) {
                const V* values = c.slots[static_cast<std::size_t>(slots[key])].template as<V>();
                for (std::uint32_t i = 0; i < n; ++i) hash[i] = mix_next(key, hash[i], hash_value(canonical<V>(values[rows[i]])));
            });
        }
        find_rows(c, slots, rows, hash, n, match);
    }
    // Whether a chunk has texts of a dictionary, and these are so few that looking up each of them is less work than looking up the rows.
    static constexpr std::uint32_t rows_per_code = 4;
    static bool few_codes(const chunk& c, int slot) {
        const slot_view& view = c.slots[static_cast<std::size_t>(slot)];
        return view.codes && view.text_count <= c.selected / rows_per_code;
    }
    // The rows' texts are not read then, nor hashed or compared: their codes say what has been found.
    bool find_coded(const chunk& c, int slot, std::uint32_t* match) const {
        const slot_view& view = c.slots[static_cast<std::size_t>(slot)];
        const auto count = static_cast<std::uint32_t>(view.text_count);
        std::uint32_t found[chunk_rows / rows_per_code + 1];
        chunk texts;
        texts.rows = texts.selected = count;
        texts.slots.push_back({view.texts});
        find_hashed(texts, {0}, found);
        found[count] = 0;    // the code of a null may be any number
        return look_up_keys(c, view, match, [&](std::uint32_t row) { return found[std::min(static_cast<std::uint32_t>(view.codes[row]), count)]; });
    }
    static std::uint32_t rows_with_key(const chunk& c, const std::vector<int>& slots, std::uint16_t* rows) {
        std::uint32_t n = 0;
        c.each([&](std::uint32_t, std::uint32_t row) { rows[n++] = static_cast<std::uint16_t>(row); });
        for (const int slot_number : slots) {
            const slot_view& view = c.slots[static_cast<std::size_t>(slot_number)];
            if (view.validity == all_valid_bits.data()) continue;
            std::uint32_t kept = 0;
            for (std::uint32_t i = 0; i < n; ++i) {
                rows[kept] = rows[i];
                kept += view.valid(rows[i]);
            }
            n = kept;
        }
        return n;
    }

    // Round by round, one entry of each row that is still looking. No branch depends on what is found, so that dozens of look-ups
    // are under way at any time; after the first round few rows are left.
    void find_rows(const chunk& c, const std::vector<int>& slots, std::uint16_t* rows, const std::uint64_t* hash, std::uint32_t n, std::uint32_t* match) const {
        const std::uint32_t* entries = entries_.get();
        std::uint32_t low[chunk_rows], part[chunk_rows], found[chunk_rows];
        std::size_t at[chunk_rows];
        std::uint16_t probe[chunk_rows], again[chunk_rows];    // which of the rows have found something, and which go on looking
        bool same[chunk_rows];
        for (std::uint32_t i = 0; i < n; ++i) {
            const key_place place = place_of_hash(hash[i]);
            low[i] = place.low;
            part[i] = place.part;
            at[i] = entry_of(place);
            __builtin_prefetch(entries + at[i]);
            again[i] = static_cast<std::uint16_t>(i);
        }
        const Column& first_key = *keys_[0];
        const std::size_t key_bytes = size_of(first_key.type);
        for (std::uint32_t left = n; left != 0;) {
            std::uint32_t probes = 0, next = 0;
            for (std::uint32_t j = 0; j < left; ++j) {
                const std::uint16_t i = again[j];
                const std::uint32_t e = entries[at[i]];
                const bool alike = e != 0 && ((e ^ low[i]) & tag_mask_) == 0;
                found[i] = e >> tag_bits_;
                probe[probes] = i;
                probes += alike;
                again[next] = i;
                next += e != 0 && !alike;
                __builtin_prefetch(first_key.values.data() + (found[i] - (e != 0)) * key_bytes);
            }
            compare(c, slots, rows, probe, probes, found, same);
            for (std::uint32_t j = 0; j < probes; ++j) {
                const std::uint16_t i = probe[j];
                match[rows[i]] = same[j] ? found[i] : 0;
                again[next] = i;
                next += !same[j];
            }
            left = next;
            for (std::uint32_t j = 0; j < left; ++j) at[again[j]] = next_entry(at[again[j]], part[again[j]]);
        }
    }
    void compare(const chunk& c, const std::vector<int>& slots, const std::uint16_t* rows, const std::uint16_t* probe, std::uint32_t probes, const std::uint32_t* found,
                 bool* same) const {
        for (std::size_t key = 0; key < slots.size(); ++key) {
            with_key_value(keys_[key]->type, [&]<class V>(std::type_identity<V>) {
                const V* values = c.slots[static_cast<std::size_t>(slots[key])].template as<V>();
                const auto keys = keys_in<V>(*keys_[key]);
                if constexpr (std::is_same_v<V, std::string_view>) {
                    for (std::uint32_t j = 0; j < probes; ++j) {
                        const std::string_view text = keys[found[probe[j]] - 1];
                        __builtin_prefetch(text.data());
                        __builtin_prefetch(text.data() + text.size());
                    }
                }
                const auto equal = [&](std::uint32_t j) { return same_key_value<V>(values[rows[probe[j]]], keys[found[probe[j]] - 1]); };
                if (key == 0) {
                    for (std::uint32_t j = 0; j < probes; ++j) same[j] = equal(j);
                } else {
                    for (std::uint32_t j = 0; j < probes; ++j) same[j] = same[j] && equal(j);
                }
            });
        }
    }

    std::vector<const Column*> keys_;
    std::size_t rows_ = 0;
    purpose why_ = purpose::find_one;
    form form_ = form::empty;
    std::optional<repeated_key> repeated_;

    std::int64_t least_ = 0;                  // of direct keys
    std::uint64_t range_ = 0;
    std::vector<std::uint64_t> present_;      // bits
    owned_memory<std::uint32_t> entries_;     // direct: right row + 1, or 0; hashed: the same above bits of the hash
    std::vector<partition> partitions_;
    std::uint32_t part_mask_ = 0, tag_mask_ = 0;
    unsigned tag_bits_ = 0;

    std::vector<std::uint32_t> first_further_;    // of the first row of a key: place of the next one + 1, or 0
    std::vector<std::uint32_t> further_;
};

}  // namespace SEGKIT_NAMESPACE::detail
