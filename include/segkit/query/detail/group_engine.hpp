// segkit/query/detail/group_engine.hpp: the run-time part of group-by. No names, no schemas: slots, offsets and types.
//
// 1. Each morsel writes what is needed of its rows as small records, split by key hash into a fixed number of partitions.
// 2. Records wait until they take half as much memory as the groups so far. Then each partition takes them in morsel order,
//    finds the group of each and updates the states block by block, while the partition's groups are in the cache. The
//    records' memory is used again: memory grows with the groups, not with the rows.
// 3. Groups leave in the order in which their first rows stand in the input.
// Rows of one group are always updated in row order, so results are the same bits for any executor and chunking.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/arena.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/table_source.hpp>
#include <segkit/query/detail/hash.hpp>
#include <segkit/query/detail/text_key.hpp>

namespace SEGKIT_NAMESPACE::detail {

inline constexpr unsigned partition_bits = 8;
inline constexpr std::size_t partition_count = std::size_t{1} << partition_bits;
inline constexpr std::uint32_t block_rows = 256;          // records per block at most

template <class T>
T load(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
template <class T>
void store(std::byte* to, const T& value) {
    std::memcpy(to, &value, sizeof value);
}

// Records of one partition from one morsel, one after the other.
struct record_block {
    const std::byte* records;
    std::uint32_t count;
    std::uint32_t stride;
    const std::byte* at(std::uint32_t k) const { return records + std::size_t{k} * stride; }
};

// The groups of the records of a block.
struct group_block {
    const std::uint32_t* number;
    std::byte* const* state;
    bool one_group;    // all records of the block are of the first one's group
};

// States of the groups of one partition: they never move. The first blocks are small, since most group-bys have few groups.
class state_store {
public:
    // A group begins at a cache line where that costs little memory: it then lies in as few lines as can be.
    explicit state_store(std::size_t bytes_per_group = 0) : bytes_(bytes_per_group) {
        const std::size_t whole_lines = (bytes_ + cache_line - 1) / cache_line * cache_line;
        if (whole_lines - bytes_ <= bytes_ / 4) bytes_ = whole_lines;
    }
    std::size_t bytes() const { return bytes_; }
    std::byte* at(std::uint32_t group) const {
        if (group >= groups_per_block) return blocks_[group / groups_per_block + doublings] + std::size_t{group % groups_per_block} * bytes_;
        const std::uint32_t block = group < first_block ? 0 : static_cast<std::uint32_t>(std::bit_width(group / first_block));
        return blocks_[block] + std::size_t{block == 0 ? group : group - (first_block << (block - 1))} * bytes_;
    }
    void grow_to(std::uint32_t groups, arena& memory) {
        while (room_ < groups) {
            const std::uint32_t more = room_ < first_block ? first_block : room_ < groups_per_block ? room_ : groups_per_block;
            std::byte* block = memory.take(bytes_ * more + cache_line);
            blocks_.push_back(block + (cache_line - reinterpret_cast<std::uintptr_t>(block) % cache_line) % cache_line);
            room_ += more;
        }
    }

private:
    static constexpr std::size_t cache_line = 64;
    static constexpr std::uint32_t first_block = 16, groups_per_block = 256;                                // groups
    static constexpr std::uint32_t doublings = static_cast<std::uint32_t>(std::bit_width(groups_per_block / first_block)) - 1;
    std::size_t bytes_;
    std::uint32_t room_ = 0;
    std::vector<std::byte*> blocks_;
};

// Values that must all be kept, with the group of each: for medians and distinct counts.
struct kept_values {
    std::vector<std::byte> bytes;
    void push(const void* from, std::size_t n) {
        const auto* p = static_cast<const std::byte*>(from);
        bytes.insert(bytes.end(), p, p + n);
    }
};

// One accumulator over all groups: erased per block of about a hundred rows, never per row. What `memory` gives lives as long as
// the states; `kept` is gone after seal, which is called once, when all rows have been seen.
class grouped_accumulator {
public:
    virtual ~grouped_accumulator() = default;
    virtual std::size_t state_bytes() const = 0;
    virtual void start(std::byte* state) const = 0;
    virtual bool state_is_bytes() const { return false; }    // copying the bytes of a new state makes another one
    virtual bool state_grows() const { return true; }        // with the rows of the group
    virtual void update(const record_block& rows, const group_block& groups, kept_values& kept, arena& memory) const = 0;
    virtual void seal(std::uint32_t groups, const state_store& states, kept_values& kept, arena& memory) const {
        (void)groups, (void)states, (void)kept, (void)memory;
    }

    // What it reads; accumulators that are equal in all of these are shared.
    const void* identity = nullptr;
    std::uint64_t parameter = 0;             // tells accumulators of one identity apart
    int slot = -1, second_slot = -1;         // of the values, two for what relates two columns
    int condition = -1;
    bool reads_value = true;                 // false: only whether there is one

    // Given by the layout.
    int mask = -1;                           // bit of the record: values present and condition true; -1: always
    std::uint32_t offset = 0, second_offset = 0;    // of the values in the record
    std::uint32_t state_offset = 0;          // in a group's state
};

// Where the results of some groups go in one output column: values of fixed width into their final places, others to the end.
class result_rows {
public:
    result_rows(column_data& column, std::size_t first, std::size_t rows) : column_(column) {
        if (!has_fixed_width(column.type)) return;
        values_ = column.values.data() + first * size_of(column.type);
        if (!column.nullable) return;
        validity_ = column.validity.data() + first / 8;    // first is a multiple of 8
        std::memset(validity_, 0, (rows + 7) / 8);
    }
    static bool has_fixed_width(type_id type) { return type != type_id::text && type != type_id::block32 && type != type_id::block64; }

    // The value of row k, counted from `first`; for each k in turn.
    template <class R>
    void put(std::size_t k, const R& value) {
        if constexpr (std::is_same_v<R, std::string_view>) {
            column_.append_value(value);
        } else {
            store(values_ + k * sizeof(R), value);
            if (validity_) validity_[k / 8] |= static_cast<std::byte>(1u << (k % 8));
        }
    }
    template <class R>
    void put(std::size_t k, const std::optional<R>& value) {
        if (value) return put(k, *value);
        if constexpr (std::is_same_v<R, std::string_view>) column_.append_null();
        else store(values_ + k * sizeof(R), R{});
    }
    template <class T>
    void put_block(const T* values, std::size_t width) {
        column_.append_block(values, width);
    }

private:
    column_data& column_;
    std::byte* values_ = nullptr;
    std::byte* validity_ = nullptr;
};

// Turns the states of some groups into values of one output column.
class group_finisher {
public:
    virtual ~group_finisher() = default;
    virtual void finish(result_rows& out, const std::byte* const* groups, std::size_t count, std::size_t state_offset) const = 0;
};

// A column that travels in the records.
struct record_field {
    int slot;
    type_id type;
    std::uint32_t offset;
    bool copy_text;    // the bytes do not outlive the chunk
    bool is_key = false;
};
struct record_mask {
    int validity;           // slot whose validity counts, or -1
    int second_validity;    // another one, or -1
    int condition;          // slot of a plain bool, or -1
    bool operator==(const record_mask&) const = default;
};
struct record_key {
    std::size_t field;
    int mask;    // -1 where the key cannot be null
};

// A record: mask words, keys, position in the morsel and hash, other fields.

inline bool mask_bit(const std::byte* record, int mask) {
    const auto m = static_cast<unsigned>(mask);
    return (load<std::uint64_t>(record + std::size_t{m / 64} * 8) >> (m % 64)) & 1;
}

struct group_output {
    std::size_t accumulator;
    std::unique_ptr<group_finisher> finish;
    type_id type;
    bool nullable;
};

// The engine itself: members of a template only so that who includes this header and groups nothing does not compile it.
template <class = void>
struct group_engine {
    // What a group-by computes, laid out for records and states.
    class group_layout {
    public:
        std::uint32_t stride = 0;
        std::uint32_t mask_words = 0;
        std::vector<record_field> fields;
        std::vector<record_mask> masks;
        std::vector<record_key> keys;
        std::vector<std::unique_ptr<grouped_accumulator>> accumulators;
        std::vector<group_output> outputs;
        std::size_t state_bytes = 0;
        std::vector<int> reads;    // slots

        // A text that is a key has a form of its own (text_key.hpp), so it is not shared with an aggregate of the same column.
        std::size_t add_field(const plan& p, int slot_number, bool is_key = false) {
            for (std::size_t i = 0; i < fields.size(); ++i)
                if (fields[i].slot == slot_number && (fields[i].type != type_id::text || fields[i].is_key == is_key)) return i;
            const slot& s = p.at(slot_number);
            fields.push_back({slot_number, s.type, 0, s.type == type_id::text && !s.stable, is_key});
            reads.push_back(slot_number);
            return fields.size() - 1;
        }
        int add_mask(const record_mask& mask) {
            if (mask == record_mask{-1, -1, -1}) return -1;
            for (std::size_t i = 0; i < masks.size(); ++i)
                if (masks[i] == mask) return static_cast<int>(i);
            masks.push_back(mask);
            for (const int s : {mask.validity, mask.second_validity, mask.condition})
                if (s >= 0) reads.push_back(s);
            return static_cast<int>(masks.size()) - 1;
        }
        void add_key(const plan& p, int slot_number) {
            const std::size_t field = add_field(p, slot_number, true);
            fields[field].is_key = true;
            keys.push_back({field, add_mask({p.at(slot_number).nullable ? slot_number : -1, -1, -1})});
        }
        // Takes the accumulator, or finds an equal one; returns its number.
        std::size_t add_accumulator(const plan& p, std::unique_ptr<grouped_accumulator> a) {
            for (std::size_t i = 0; i < accumulators.size(); ++i)
                if (same_input(*accumulators[i], *a)) return i;
            const auto validity = [&](int s) { return s >= 0 && p.at(s).nullable ? s : -1; };
            a->mask = add_mask({validity(a->slot), validity(a->second_slot), a->condition});
            for (const int s : {a->slot, a->second_slot})
                if (s >= 0 && a->reads_value) add_field(p, s);
            a->state_offset = static_cast<std::uint32_t>(state_bytes);
            state_bytes += (a->state_bytes() + 7) / 8 * 8;
            accumulators.push_back(std::move(a));
            return accumulators.size() - 1;
        }
        // Once, after everything is added: places fields behind the masks. Keys of fixed width come first, so that they can be
        // compared as bytes; what stands before the first other field is kept with a group's states.
        void lay_out() {
            mask_words = static_cast<std::uint32_t>((masks.size() + 63) / 64);
            stride = 8 * mask_words;
            key_begin = stride;
            const auto place = [&](record_field& f) {
                const auto width = static_cast<std::uint32_t>(f.type == type_id::text ? sizeof(std::string_view) : size_of(f.type));
                const std::uint32_t alignment = width < 8 ? width : 8;
                stride = (stride + alignment - 1) / alignment * alignment;
                f.offset = stride;
                stride += width;
            };
            std::vector<bool> placed(fields.size(), false);
            for (const std::size_t width : {std::size_t{8}, std::size_t{4}, std::size_t{1}})    // widest first: no gaps
                for (const record_key& k : keys)
                    if (!placed[k.field] && fields[k.field].type != type_id::text && size_of(fields[k.field].type) == width) {
                        place(fields[k.field]);
                        placed[k.field] = true;
                    }
            key_end = stride;
            for (const record_key& k : keys)
                if (!placed[k.field]) {
                    place(fields[k.field]);
                    placed[k.field] = true;
                }
            prefix = (stride + 7) / 8 * 8;
            stride = prefix + 8;
            for (std::size_t i = 0; i < fields.size(); ++i)
                if (!placed[i]) place(fields[i]);
            stride = (stride + 7) / 8 * 8;
            initial.resize(state_bytes);
            for (auto& a : accumulators) {
                if (a->state_is_bytes()) a->start(initial.data() + a->state_offset);
                else started.push_back(a.get());
                a->state_offset += prefix;
                for (const record_field& f : fields) {
                    if (f.is_key && f.type == type_id::text) continue;
                    if (f.slot == a->slot) a->offset = f.offset;
                    if (f.slot == a->second_slot) a->second_offset = f.offset;
                }
            }
            for (const record_key& k : keys) {
                if (fields[k.field].type == type_id::text) text_keys.push_back(fields[k.field].offset);
                if (k.mask >= 0) key_masks.push_back(k.mask);
            }
            one_word_key = key_end - key_begin == 8 && text_keys.empty() && key_masks.empty();
        }

        template <bool OneWordKey>
        bool same_key(const std::byte* a, const std::byte* b) const {
            if constexpr (OneWordKey) return load<std::uint64_t>(a + key_begin) == load<std::uint64_t>(b + key_begin);
            if (std::memcmp(a + key_begin, b + key_begin, key_end - key_begin) != 0) return false;
            for (const std::uint32_t t : text_keys)
                if (!text_key::same(a + t, b + t)) return false;
            for (const int m : key_masks)
                if (mask_bit(a, m) != mask_bit(b, m)) return false;
            return true;
        }

        std::uint32_t key_begin = 0, key_end = 0;
        bool one_word_key = false;
        std::uint32_t prefix = 0;    // bytes of a record up to the end of its keys: what is kept of it in a group
        std::vector<std::uint32_t> text_keys;
        std::vector<int> key_masks;
        std::vector<std::byte> initial;                         // bytes of the states of a new group
        std::vector<const grouped_accumulator*> started;        // those whose states are not made by copying bytes

    private:
        static bool same_input(const grouped_accumulator& a, const grouped_accumulator& b) {
            return a.identity == b.identity && a.parameter == b.parameter && a.slot == b.slot && a.second_slot == b.second_slot && a.condition == b.condition;
        }
    };

    // One partition: an open-addressing table from key to group, and the groups. A group is the head of its first record, up to
    // the keys, and behind it the states: what a row touches of its group lies together.
    class group_partition {
    public:
        group_partition(const group_layout& layout, slab_pool& pool)
            : layout_(&layout), memory_(pool), groups_(layout.prefix + layout.state_bytes), kept_(layout.accumulators.size()), table_(64, 0) {}

        void update(const record_block& rows, std::uint32_t morsel) {
            if (layout_->keys.empty()) update_only_group(rows);
            else if (layout_->one_word_key) update_as<true>(rows, morsel);
            else update_as<false>(rows, morsel);
        }
        void seal() {
            for (std::size_t a = 0; a < layout_->accumulators.size(); ++a) {
                layout_->accumulators[a]->seal(size(), groups_, kept_[a], memory_);
                kept_[a] = {};
            }
        }
        // A group without a row: what a global aggregate over no rows reports.
        void add_empty_group() { start({0, 0}); }

        struct first_seen {
            std::uint32_t morsel;
            std::uint32_t position;
        };
        std::uint32_t size() const { return static_cast<std::uint32_t>(first_.size()); }
        const first_seen& first(std::uint32_t group) const { return first_[group]; }
        const std::byte* group(std::uint32_t number) const { return groups_.at(number); }
        std::size_t bytes() const { return size() * groups_.bytes(); }

    private:
        std::uint32_t hash_of(const std::byte* record) const { return load<std::uint32_t>(record + layout_->prefix + 4); }

        template <bool OneWordKey>
        void update_as(const record_block& rows, std::uint32_t morsel) {
            // Groups lie anywhere in memory: ask for all of a block's before the first is used.
            std::array<std::uint32_t, block_rows> group_of;
            std::array<std::byte*, block_rows> state_of;
            const std::uint32_t count = rows.count, stride = rows.stride;
            const std::size_t last = table_.size() - 1, group_bytes = groups_.bytes();
            const std::uint64_t* table = table_.data();
            const std::byte* header = rows.records + layout_->prefix + 4;    // the hash of the first record
            if (table_.size() > 2048)                                        // beyond the nearest cache
                for (std::uint32_t k = 0; k < count; ++k) __builtin_prefetch(&table[load<std::uint32_t>(header + std::size_t{k} * stride) & last]);
            for (std::uint32_t k = 0; k < count; ++k, header += stride) {
                const auto hash = load<std::uint32_t>(header);
                const std::uint64_t entry = table[hash & last];
                group_of[k] = static_cast<std::uint32_t>(entry) - 1;
                std::byte* state = nullptr;
                if (entry >> 32 == hash && entry != 0) {
                    state = groups_.at(group_of[k]);
                    for (std::size_t line = 0; line < group_bytes; line += 64) __builtin_prefetch(state + line, 1);
                }
                state_of[k] = state;
            }
            const std::byte* record = rows.records;
            for (std::uint32_t k = 0; k < count; ++k, record += stride) {
                if (state_of[k] && layout_->template same_key<OneWordKey>(state_of[k], record)) continue;
                group_of[k] = find_or_add<OneWordKey>(record, morsel);
                state_of[k] = groups_.at(group_of[k]);
            }
            update_states(rows, {group_of.data(), state_of.data(), false});
        }
        // An aggregate without keys.
        void update_only_group(const record_block& rows) {
            if (size() == 0) start({0, 0});
            std::array<std::uint32_t, block_rows> group_of;
            std::array<std::byte*, block_rows> state_of;
            group_of.fill(0);
            state_of.fill(groups_.at(0));
            update_states(rows, {group_of.data(), state_of.data(), true});
        }
        void update_states(const record_block& rows, const group_block& groups) {
            for (std::size_t a = 0; a < layout_->accumulators.size(); ++a) layout_->accumulators[a]->update(rows, groups, kept_[a], memory_);
        }

        template <bool OneWordKey>
        std::uint32_t find_or_add(const std::byte* record, std::uint32_t morsel) {
            const std::uint32_t hash = hash_of(record);
            std::size_t at = hash & (table_.size() - 1);
            while (const std::uint64_t entry = table_[at]) {
                const auto group = static_cast<std::uint32_t>(entry) - 1;
                if (entry >> 32 == hash && layout_->template same_key<OneWordKey>(groups_.at(group), record)) return group;
                at = (at + 1) & (table_.size() - 1);
            }
            std::byte* group = start({morsel, load<std::uint32_t>(record + layout_->prefix)});
            std::memcpy(group, record, layout_->prefix);
            for (const std::uint32_t t : layout_->text_keys)
                if (!text_key::is_short(record + t)) store(group + t, text_key(memory_.keep(text_key::at(record + t))));
            table_[at] = std::uint64_t{hash} << 32 | size();
            if (std::size_t{size()} * 4 > table_.size()) grow();
            return size() - 1;
        }
        std::byte* start(first_seen first) {
            first_.push_back(first);
            groups_.grow_to(size(), memory_);
            std::byte* group = groups_.at(size() - 1);
            std::memcpy(group + layout_->prefix, layout_->initial.data(), layout_->state_bytes);
            for (const grouped_accumulator* a : layout_->started) a->start(group + a->state_offset);
            return group;
        }
        void grow() {
            std::vector<std::uint64_t> larger(table_.size() * 2, 0);
            for (const std::uint64_t entry : table_) {
                if (!entry) continue;
                std::size_t at = (entry >> 32) & (larger.size() - 1);
                while (larger[at]) at = (at + 1) & (larger.size() - 1);
                larger[at] = entry;
            }
            table_.swap(larger);
        }

        const group_layout* layout_;
        arena memory_;
        state_store groups_;
        std::vector<kept_values> kept_;
        std::vector<first_seen> first_;
        std::vector<std::uint64_t> table_;    // hash and group + 1, or 0
    };

    // Everything the morsels of one group-by share: the records that wait, in row order, and the partitions they go to.
    //
    // Records wait until there are many for each group, so that a partition's groups are fetched into the cache once for all
    // of them; but never more than half of what the groups themselves take (or a small amount), so memory grows with the groups.
    class group_tables {
    public:
        // A morsel's records by partition, and the memory they stand in.
        struct written {
            std::uint32_t rows = 0;
            std::unique_ptr<arena> memory;
            std::vector<std::vector<record_block>> blocks;
        };

        group_tables(const group_layout& layout, std::size_t partitions) : layout_(layout) {
            partitions_.reserve(partitions);
            for (std::size_t i = 0; i < partitions; ++i) partitions_.emplace_back(layout, pool_);
        }

        const group_layout& layout() const { return layout_; }
        std::size_t partitions() const { return partitions_.size(); }

        // Memory for the records of a morsel: that of others which have been worked off, where there is any.
        std::unique_ptr<arena> record_memory() {
            const std::lock_guard hold(lock_);
            if (spare_.empty()) return std::make_unique<arena>();
            auto memory = std::move(spare_.back());
            spare_.pop_back();
            return memory;
        }

        // Hands over a finished morsel. Where enough records wait, the calling thread works them off, or helps the one that does;
        // nobody waits for anybody.
        void bring(std::size_t morsel, written records) {
            std::shared_ptr<batch> work;
            {
                const std::lock_guard hold(lock_);
                if (rows_.size() <= morsel) rows_.resize(morsel + 1, 0);
                rows_[morsel] = records.rows;
                waiting_.emplace(morsel, std::move(records));
                while (!waiting_.empty() && waiting_.begin()->first == next_) {
                    ready_bytes_ += waiting_.begin()->second.memory->taken();
                    ready_.push_back({next_++, std::move(waiting_.begin()->second)});
                    waiting_.erase(waiting_.begin());
                }
                if (ready_bytes_ < enough_) return;
                if (!current_) current_ = take_ready();
                work = current_;
            }
            work_off(*work);
        }

        // The groups as rows, first seen first; keys, then outputs.
        table_data finish(executor_ref executor) {
            if (!waiting_.empty()) throw_morsel_missing(next_, waiting_.begin()->first);
            const auto rest = take_ready();
            executor.run(partitions_.size(), [&](std::size_t p) {
                work_off(*rest, p);
                partitions_[p].seal();
            });
            if (layout_.keys.empty() && partitions_[0].size() == 0) partitions_[0].add_empty_group();

            // A bitmap of first rows gives each group its rank without a sort.
            std::vector<std::uint64_t> base(rows_.size() + 1, 0);
            for (std::size_t m = 0; m < rows_.size(); ++m) base[m + 1] = base[m] + rows_[m];
            std::vector<std::uint64_t> seen(base.back() / 64 + 1, 0);
            std::size_t total = 0;
            const auto row_of = [&](const typename group_partition::first_seen& f) { return rows_.empty() ? 0 : base[f.morsel] + f.position; };
            for (const group_partition& groups : partitions_)
                for (std::uint32_t g = 0; g < groups.size(); ++g, ++total) {
                    const std::uint64_t row = row_of(groups.first(g));
                    seen[row / 64] |= std::uint64_t{1} << (row % 64);
                }
            std::vector<std::uint32_t> rank(seen.size() + 1, 0);
            for (std::size_t i = 0; i < seen.size(); ++i) rank[i + 1] = rank[i] + static_cast<std::uint32_t>(std::popcount(seen[i]));
            std::vector<const std::byte*> ordered(total);
            executor.run(partitions_.size(), [&](std::size_t p) {
                const group_partition& groups = partitions_[p];
                for (std::uint32_t g = 0; g < groups.size(); ++g) {
                    const std::uint64_t row = row_of(groups.first(g));
                    const std::uint64_t before = seen[row / 64] & ((std::uint64_t{1} << (row % 64)) - 1);
                    ordered[rank[row / 64] + static_cast<std::uint32_t>(std::popcount(before))] = groups.group(g);
                }
            });

            // Written in order, in blocks small enough that a group's states are fetched once for all columns. Columns of fixed
            // width are written into their final places, others part by part.
            constexpr std::size_t part_rows = std::size_t{1} << 16, rows_at_once = 256;
            table_data out = empty_output();
            out.rows = total;
            for (column_data& c : out.columns) {
                if (!result_rows::has_fixed_width(c.type)) continue;
                c.values.grow(total * size_of(c.type));
                if (c.nullable) c.validity.grow((total + 7) / 8);
                c.rows = total;
            }
            std::vector<table_data> parts((total + part_rows - 1) / part_rows);
            executor.run(parts.size(), [&](std::size_t p) {
                parts[p] = empty_output();
                const std::size_t end = std::min(total, (p + 1) * part_rows);
                for (std::size_t first = p * part_rows; first < end; first += rows_at_once) {
                    const std::size_t count = std::min(end - first, rows_at_once);
                    prefetch_groups(ordered, first + count, std::min(end, first + count + rows_at_once));
                    finish_groups(out, parts[p], ordered.data() + first, first, count);
                }
            });
            for (const table_data& part : parts)
                for (std::size_t i = 0; i < out.columns.size(); ++i)
                    if (!result_rows::has_fixed_width(out.columns[i].type)) out.columns[i].append_column(part.columns[i]);
            return out;
        }

    private:
        struct batch {
            std::vector<std::pair<std::size_t, written>> morsels;    // in row order
            std::atomic<std::size_t> next_partition{0}, done{0};
        };

        std::shared_ptr<batch> take_ready() {
            auto b = std::make_shared<batch>();
            b->morsels = std::exchange(ready_, {});
            ready_bytes_ = 0;
            return b;
        }
        void work_off(const batch& b, std::size_t p) {
            for (const auto& [morsel, records] : b.morsels)
                for (const record_block& block : records.blocks[p]) partitions_[p].update(block, static_cast<std::uint32_t>(morsel));
        }
        void work_off(batch& b) {
            for (std::size_t p; (p = b.next_partition.fetch_add(1)) < partitions_.size();) {
                work_off(b, p);
                if (b.done.fetch_add(1) + 1 < partitions_.size()) continue;
                const std::lock_guard hold(lock_);
                for (auto& [morsel, records] : b.morsels) {
                    records.memory->reset();
                    spare_.push_back(std::move(records.memory));
                }
                current_.reset();
                std::size_t held = 0;
                for (const group_partition& groups : partitions_) held += groups.bytes();
                enough_ = std::max(least_waiting, held / 2);
            }
        }

        // Morsels are worked off by number, so a source that leaves one out would lose all rows after it.
        [[noreturn]] static void throw_morsel_missing(std::size_t missing, std::size_t next) {
            throw error({.code = error_code::malformed_row,
                         .stage = "group_by",
                         .found = "a source that pushes morsel " + std::to_string(next) + " but not " + std::to_string(missing),
                         .expected = "morsels numbered 0, 1, 2, ... without gaps",
                         .advice = "number the morsels of the source in row order"});
        }

        table_data empty_output() const {
            table_data out;
            for (const record_key& k : layout_.keys) out.columns.emplace_back(layout_.fields[k.field].type, k.mask >= 0);
            for (const group_output& o : layout_.outputs) out.columns.emplace_back(o.type, o.nullable);
            return out;
        }
        void prefetch_groups(const std::vector<const std::byte*>& groups, std::size_t begin, std::size_t end) const {
            const std::size_t bytes = layout_.prefix + layout_.state_bytes;
            for (std::size_t i = begin; i < end; ++i)
                for (std::size_t line = 0; line < bytes; line += 64) __builtin_prefetch(groups[i] + line);
        }
        // Keys and results of groups, as rows from `first` on.
        void finish_groups(table_data& fixed, table_data& other, const std::byte* const* groups, std::size_t first, std::size_t count) const {
            std::size_t i = 0;
            const auto next = [&] {
                column_data& column = result_rows::has_fixed_width(fixed.columns[i].type) ? fixed.columns[i] : other.columns[i];
                ++i;
                return result_rows(column, first, count);
            };
            for (const record_key& k : layout_.keys) {
                result_rows out = next();
                finish_key(out, k, groups, count);
            }
            for (const group_output& o : layout_.outputs) {
                result_rows out = next();
                o.finish->finish(out, groups, count, layout_.accumulators[o.accumulator]->state_offset);
            }
        }
        void finish_key(result_rows& out, const record_key& key, const std::byte* const* groups, std::size_t count) const {
            const record_field& field = layout_.fields[key.field];
            with_key_value(field.type, [&]<class V>(std::type_identity<V>) {
                for (std::size_t k = 0; k < count; ++k) {
                    const std::byte* at = groups[k] + field.offset;
                    if (key.mask >= 0 && !mask_bit(groups[k], key.mask)) out.put(k, std::optional<V>());
                    else if constexpr (std::is_same_v<V, std::string_view>) out.put(k, text_key::at(at));
                    else out.put(k, load<V>(at));
                }
            });
        }

        static constexpr std::size_t least_waiting = std::size_t{16} << 20;

        const group_layout& layout_;
        slab_pool pool_;
        std::vector<group_partition> partitions_;
        std::mutex lock_;                            // guards all below
        std::vector<std::uint32_t> rows_;            // per morsel
        std::map<std::size_t, written> waiting_;     // for a morsel before them
        std::vector<std::pair<std::size_t, written>> ready_;
        std::size_t next_ = 0, ready_bytes_ = 0, enough_ = least_waiting;
        std::shared_ptr<batch> current_;
        std::vector<std::unique_ptr<arena>> spare_;
    };

    // Writes the records of one morsel.
    class group_worker final : public morsel_worker {
    public:
        group_worker(group_tables& tables, std::size_t morsel)
            : tables_(tables), morsel_(morsel), memory_(tables.record_memory()), blocks_(tables.partitions()), open_(tables.partitions()),
              hash_(chunk_rows) {}

        void take(const chunk& c) override {
            hash_keys(c);
            for (std::uint32_t first = 0; first < c.selected; first += rows_at_once) write(c, first, std::min(rows_at_once, c.selected - first));
        }
        void finish() override {
            for (std::size_t p = 0; p < blocks_.size(); ++p)
                if (open_[p].end) blocks_[p].back().count = open_[p].rows - static_cast<std::uint32_t>(open_[p].end - open_[p].next) / tables_.layout().stride;
            tables_.bring(morsel_, {rows_, std::move(memory_), std::move(blocks_)});
        }

    private:
        struct open_block {
            std::byte* next = nullptr;
            std::byte* end = nullptr;
            std::uint32_t rows = 32;    // of the block: small at first, since most morsels of small data touch every partition
        };

        // So few that the records stay in the nearest cache while they are written field by field.
        static constexpr std::uint32_t rows_at_once = 256;

        // f(k, row) for k in [0, n): k counts from the chunk's selected row number `first`.
        template <class F>
        static void each(const chunk& c, std::uint32_t first, std::uint32_t n, F&& f) {
            if (c.dense) {
                for (std::uint32_t k = 0; k < n; ++k) f(k, first + k);
            } else {
                const std::uint16_t* row = c.selection + first;
                for (std::uint32_t k = 0; k < n; ++k) f(k, std::uint32_t{row[k]});
            }
        }

        void hash_keys(const chunk& c) {
            const group_layout& layout = tables_.layout();
            if (layout.keys.empty()) std::fill_n(hash_.data(), c.selected, 0);
            for (std::size_t i = 0; i < layout.keys.size(); ++i) {
                const record_key& key = layout.keys[i];
                const record_field& f = layout.fields[key.field];
                const slot_view& view = c.slots[static_cast<std::size_t>(f.slot)];
                with_key_value(f.type, [&]<class V>(std::type_identity<V>) {
                    const V* values = view.as<V>();
                    std::uint64_t* hashes = hash_.data();
                    const auto hash = [&](std::uint32_t row) { return key.mask < 0 || view.valid(row) ? hash_value(canonical(values[row])) : 0; };
                    if (i > 0) each(c, 0, c.selected, [&](std::uint32_t k, std::uint32_t row) { hashes[k] = mix_hash(hashes[k], hash(row)); });
                    else if (key.mask >= 0) each(c, 0, c.selected, [&](std::uint32_t k, std::uint32_t row) { hashes[k] = hash(row); });
                    else each(c, 0, c.selected, [=](std::uint32_t k, std::uint32_t row) { hashes[k] = hash_value(canonical(values[row])); });
                });
            }
        }

        void write(const chunk& c, std::uint32_t first, std::uint32_t n) {
            const group_layout& layout = tables_.layout();
            const std::uint32_t stride = layout.stride, header = layout.prefix;
            const unsigned shift = tables_.partitions() == 1 ? 0 : 64 - partition_bits;
            const std::size_t parts = tables_.partitions() - 1;
            for (std::uint32_t k = 0; k < n; ++k) {
                const std::uint64_t hash = hash_[first + k];
                open_block& b = open_[(hash >> shift) & parts];
                if (b.next == b.end) open(b, stride);
                record_[k] = b.next;
                b.next += stride;
                store(record_[k] + header, std::uint64_t{rows_ + k} | hash << 32);
            }
            rows_ += n;
            write_masks(c, first, n);
            for (const record_field& f : layout.fields) write_field(c, first, n, f);
            for (const record_key& key : layout.keys) blank_null_key(c, first, n, key);
        }
        void open(open_block& b, std::uint32_t stride) {
            auto& blocks = blocks_[static_cast<std::size_t>(&b - open_.data())];
            if (b.end) {
                blocks.back().count = b.rows;
                b.rows = std::min(2 * b.rows, block_rows);
            }
            b.next = memory_->take(std::size_t{stride} * b.rows);
            b.end = b.next + std::size_t{stride} * b.rows;
            blocks.push_back({b.next, 0, stride});
        }

        void write_masks(const chunk& c, std::uint32_t first, std::uint32_t n) {
            const group_layout& layout = tables_.layout();
            std::array<std::uint64_t, rows_at_once> words;
            for (std::uint32_t w = 0; w < layout.mask_words; ++w) {
                std::fill_n(words.data(), n, 0);
                for (std::size_t m = w * 64; m < layout.masks.size() && m < (w + 1) * 64; ++m) {
                    const record_mask& mask = layout.masks[m];
                    const auto validity = [&](int slot_number) {
                        return slot_number >= 0 ? c.slots[static_cast<std::size_t>(slot_number)].validity : all_valid_bits.data();
                    };
                    const std::uint8_t* valid = validity(mask.validity);
                    const std::uint8_t* also_valid = validity(mask.second_validity);
                    const bool* condition = mask.condition >= 0 ? c.slots[static_cast<std::size_t>(mask.condition)].as<bool>() : nullptr;
                    each(c, first, n, [&](std::uint32_t k, std::uint32_t row) {
                        const bool on = bit_at(valid, row) && bit_at(also_valid, row) && (!condition || condition[row]);
                        words[k] |= std::uint64_t{on} << (m % 64);
                    });
                }
                for (std::uint32_t k = 0; k < n; ++k) store(record_[k] + 8 * w, words[k]);
            }
        }

        void write_field(const chunk& c, std::uint32_t first, std::uint32_t n, const record_field& f) {
            const slot_view& view = c.slots[static_cast<std::size_t>(f.slot)];
            const std::uint32_t offset = f.offset;
            with_key_value(f.type, [&]<class V>(std::type_identity<V>) {
                const V* values = view.as<V>();
                if constexpr (std::is_same_v<V, std::string_view>) {
                    each(c, first, n, [&](std::uint32_t k, std::uint32_t row) {
                        std::string_view value = view.valid(row) ? values[row] : std::string_view();
                        if (f.copy_text && (!f.is_key || value.size() > text_key::most_inside)) value = memory_->keep(value);
                        if (f.is_key) store(record_[k] + offset, text_key(value));
                        else store(record_[k] + offset, value);
                    });
                } else if (f.is_key) {
                    each(c, first, n, [&](std::uint32_t k, std::uint32_t row) { store(record_[k] + offset, canonical(values[row])); });
                } else {
                    each(c, first, n, [&](std::uint32_t k, std::uint32_t row) { store(record_[k] + offset, values[row]); });
                }
            });
        }
        // A null key is the zero value told apart by its mask bit, so that keys compare as bytes.
        void blank_null_key(const chunk& c, std::uint32_t first, std::uint32_t n, const record_key& key) {
            const record_field& f = tables_.layout().fields[key.field];
            if (key.mask < 0 || f.type == type_id::text) return;
            const slot_view& view = c.slots[static_cast<std::size_t>(f.slot)];
            each(c, first, n, [&](std::uint32_t k, std::uint32_t row) {
                if (!view.valid(row)) std::memset(record_[k] + f.offset, 0, size_of(f.type));
            });
        }

        group_tables& tables_;
        std::size_t morsel_;
        std::uint32_t rows_ = 0;
        std::unique_ptr<arena> memory_;
        std::vector<std::vector<record_block>> blocks_;
        std::vector<open_block> open_;
        std::vector<std::uint64_t> hash_;
        std::array<std::byte*, rows_at_once> record_;
    };

    class group_consumer final : public morsel_consumer {
    public:
        explicit group_consumer(group_tables& tables) : tables_(tables) {}
        std::unique_ptr<morsel_worker> start(std::size_t morsel) override { return std::make_unique<group_worker>(tables_, morsel); }

    private:
        group_tables& tables_;
    };

    // Computes the groups of a plan's rows.
    class group_rows {
    public:
        group_rows(plan rows, group_layout layout) : rows_(std::move(rows)), layout_(std::move(layout)) { layout_.lay_out(); }
        std::string describe() const { return (layout_.keys.empty() ? "aggregate of " : "group_by of ") + rows_.source()->describe(); }
        std::vector<pass_input> inputs(const std::vector<bool>&) const {
            bool grows = false;
            for (const auto& a : layout_.accumulators) grows = grows || a->state_grows();
            return {{&rows_, layout_.reads, std::string(layout_.keys.empty() ? "aggregate" : "group_by") +
                                                (grows ? ", which keeps its groups and, for some aggregates, their values" : ", which keeps its groups")}};
        }
        table_data compute(executor_ref executor) {
            group_tables tables(layout_, layout_.keys.empty() ? 1 : partition_count);
            group_consumer consumer(tables);
            rows_.run(layout_.reads, executor, consumer);
            return tables.finish(executor);
        }

    private:
        plan rows_;
        group_layout layout_;
    };
};

using group_layout = group_engine<>::group_layout;
using group_rows = group_engine<>::group_rows;

}  // namespace SEGKIT_NAMESPACE::detail
