// segkit/query/detail/group_engine.hpp: the run-time part of group-by. No names, no schemas: slots, offsets and types.
//
// 1. Each morsel writes what is needed of its rows as small records, split by key hash into a fixed number of partitions.
// 2. Each partition takes the morsels' records in morsel order - whoever brings the next one in order works it off - finds
//    the group of each record and updates the states block by block. Records are then freed: memory grows with the
//    groups, not with the rows.
// 3. Groups leave in the order in which their first rows stand in the input.
// Rows of one group are always updated in row order, so results are the same bits for any executor and chunking.
#pragma once

#include <array>
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

namespace SEGKIT_NAMESPACE::detail {

inline constexpr unsigned partition_bits = 6;
inline constexpr std::size_t partition_count = std::size_t{1} << partition_bits;
inline constexpr std::uint32_t block_rows = 128;          // records per block at most
inline constexpr std::uint32_t groups_per_block = 256;    // states per block; they never move

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

// States of the groups of one partition.
class state_store {
public:
    explicit state_store(std::size_t bytes_per_group = 0) : bytes_(bytes_per_group) {}
    std::size_t bytes() const { return bytes_; }
    std::byte* at(std::uint32_t group) const { return blocks_[group / groups_per_block] + std::size_t{group % groups_per_block} * bytes_; }
    void grow_to(std::uint32_t groups, arena& memory) {
        while (blocks_.size() * groups_per_block < groups) blocks_.push_back(memory.take(bytes_ * groups_per_block));
    }

private:
    std::size_t bytes_;
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
    virtual void update(const record_block& rows, const std::uint32_t* group_of, const state_store& states, kept_values& kept, arena& memory) const = 0;
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

// Turns the states of some groups into values of one output column.
class group_finisher {
public:
    virtual ~group_finisher() = default;
    virtual void append(column_data& column, const std::byte* const* begin, const std::byte* const* end, std::size_t state_offset) const = 0;
};

// A column that travels in the records.
struct record_field {
    int slot;
    type_id type;
    std::uint32_t offset;
    bool copy_text;    // the bytes do not outlive the chunk
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

inline constexpr std::uint32_t record_header = 8;    // position in the morsel, hash; then mask words, then fields

inline bool mask_bit(const std::byte* record, int mask) {
    const auto m = static_cast<unsigned>(mask);
    return (load<std::uint64_t>(record + record_header + std::size_t{m / 64} * 8) >> (m % 64)) & 1;
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
        std::uint32_t stride = record_header;
        std::uint32_t mask_words = 0;
        std::vector<record_field> fields;
        std::vector<record_mask> masks;
        std::vector<record_key> keys;
        std::vector<std::unique_ptr<grouped_accumulator>> accumulators;
        std::vector<group_output> outputs;
        std::size_t state_bytes = 0;
        std::vector<int> reads;    // slots

        std::size_t add_field(const plan& p, int slot_number) {
            for (std::size_t i = 0; i < fields.size(); ++i)
                if (fields[i].slot == slot_number) return i;
            const slot& s = p.at(slot_number);
            fields.push_back({slot_number, s.type, 0, s.type == type_id::text && !s.stable});
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
            keys.push_back({add_field(p, slot_number), add_mask({p.at(slot_number).nullable ? slot_number : -1, -1, -1})});
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
            stride = record_header + 8 * mask_words;
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
            for (std::size_t i = 0; i < fields.size(); ++i)
                if (!placed[i]) place(fields[i]);
            stride = (stride + 7) / 8 * 8;
            for (auto& a : accumulators) {
                a->state_offset += prefix;
                for (const record_field& f : fields) {
                    if (f.slot == a->slot) a->offset = f.offset;
                    if (f.slot == a->second_slot) a->second_offset = f.offset;
                }
            }
            for (const record_key& k : keys) {
                if (fields[k.field].type == type_id::text) text_keys.push_back(fields[k.field].offset);
                if (k.mask >= 0) key_masks.push_back(k.mask);
            }
        }

        bool same_key(const std::byte* a, const std::byte* b) const {
            if (std::memcmp(a + key_begin, b + key_begin, key_end - key_begin) != 0) return false;
            for (const std::uint32_t t : text_keys)
                if (load<std::string_view>(a + t) != load<std::string_view>(b + t)) return false;
            for (const int m : key_masks)
                if (mask_bit(a, m) != mask_bit(b, m)) return false;
            return true;
        }

        std::uint32_t key_begin = 0, key_end = 0;
        std::uint32_t prefix = 0;    // bytes of a record up to the end of its keys
        std::vector<std::uint32_t> text_keys;
        std::vector<int> key_masks;

    private:
        static bool same_input(const grouped_accumulator& a, const grouped_accumulator& b) {
            return a.identity == b.identity && a.parameter == b.parameter && a.slot == b.slot && a.second_slot == b.second_slot && a.condition == b.condition;
        }
    };

    // One partition: an open-addressing table from key to group, and the groups. A group is the head of its first record, up to
    // the keys, and behind it the states: what a row touches of its group lies together.
    class group_partition {
    public:
        explicit group_partition(const group_layout& layout)
            : layout_(&layout), groups_(layout.prefix + layout.state_bytes), kept_(layout.accumulators.size()), table_(64, 0) {}

        void update(const record_block& rows, std::uint32_t morsel) {
            // Groups lie anywhere in memory: ask for all of a block's before the first is used.
            for (std::uint32_t k = 0; k < rows.count; ++k) __builtin_prefetch(&table_[hash_of(rows.at(k)) & (table_.size() - 1)]);
            for (std::uint32_t k = 0; k < rows.count; ++k) {
                const std::uint64_t entry = table_[hash_of(rows.at(k)) & (table_.size() - 1)];
                if (!entry) continue;
                const std::byte* group = groups_.at(static_cast<std::uint32_t>(entry) - 1);
                for (std::size_t line = 0; line < groups_.bytes(); line += 64) __builtin_prefetch(group + line, 1);
            }
            std::array<std::uint32_t, block_rows> group_of;
            for (std::uint32_t k = 0; k < rows.count; ++k) group_of[k] = find_or_add(rows.at(k), morsel);
            for (std::size_t a = 0; a < layout_->accumulators.size(); ++a)
                layout_->accumulators[a]->update(rows, group_of.data(), groups_, kept_[a], memory_);
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

    private:
        static std::uint32_t hash_of(const std::byte* record) { return load<std::uint32_t>(record + 4); }

        std::uint32_t find_or_add(const std::byte* record, std::uint32_t morsel) {
            const std::uint32_t hash = hash_of(record);
            std::size_t at = hash & (table_.size() - 1);
            while (const std::uint64_t entry = table_[at]) {
                const auto group = static_cast<std::uint32_t>(entry) - 1;
                if (entry >> 32 == hash && layout_->same_key(groups_.at(group), record)) return group;
                at = (at + 1) & (table_.size() - 1);
            }
            std::byte* group = start({morsel, load<std::uint32_t>(record)});
            std::memcpy(group, record, layout_->prefix);
            for (const std::uint32_t t : layout_->text_keys) store(group + t, memory_.keep(load<std::string_view>(record + t)));
            table_[at] = std::uint64_t{hash} << 32 | size();
            if (std::size_t{size()} * 2 > table_.size()) grow();
            return size() - 1;
        }
        std::byte* start(first_seen first) {
            first_.push_back(first);
            groups_.grow_to(size(), memory_);
            std::byte* group = groups_.at(size() - 1);
            for (const auto& a : layout_->accumulators) a->start(group + a->state_offset);
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

    // Everything the morsels of one group-by share.
    class group_tables {
    public:
        struct written {    // a morsel's records for one partition; the arena they stand in is shared with its other partitions
            std::shared_ptr<arena> memory;
            std::vector<record_block> blocks;
        };

        group_tables(const group_layout& layout, std::size_t partitions) : layout_(layout) {
            for (std::size_t i = 0; i < partitions; ++i) turns_.push_back(std::make_unique<turn>(layout));
        }

        const group_layout& layout() const { return layout_; }
        std::size_t partitions() const { return turns_.size(); }
        const group_partition& partition(std::size_t p) const { return turns_[p]->groups; }

        // Hands over a finished morsel, and works off whatever is next in order.
        void bring(std::size_t morsel, std::uint32_t rows, std::vector<written> parts) {
            {
                const std::lock_guard hold(lock_);
                if (rows_.size() <= morsel) rows_.resize(morsel + 1, 0);
                rows_[morsel] = rows;
            }
            for (std::size_t i = 0; i < turns_.size(); ++i) {
                const std::size_t p = (i + morsel * 7) % turns_.size();    // threads start at different partitions
                turn& t = *turns_[p];
                const std::lock_guard hold(t.lock);
                t.waiting.emplace(morsel, std::move(parts[p]));
                while (!t.waiting.empty() && t.waiting.begin()->first == t.next) {
                    for (const record_block& b : t.waiting.begin()->second.blocks) t.groups.update(b, static_cast<std::uint32_t>(t.next));
                    t.waiting.erase(t.waiting.begin());
                    ++t.next;
                }
            }
        }

        // The groups as rows, first seen first; keys, then outputs.
        table_data finish(executor_ref executor) {
            executor.run(turns_.size(), [&](std::size_t p) {
                if (!turns_[p]->waiting.empty()) throw_morsel_missing(turns_[p]->next, turns_[p]->waiting.begin()->first);
                turns_[p]->groups.seal();
            });
            if (layout_.keys.empty() && turns_[0]->groups.size() == 0) turns_[0]->groups.add_empty_group();

            // A bitmap of first rows gives each group its rank without a sort.
            std::vector<std::uint64_t> base(rows_.size() + 1, 0);
            for (std::size_t m = 0; m < rows_.size(); ++m) base[m + 1] = base[m] + rows_[m];
            std::vector<std::uint64_t> seen(base.back() / 64 + 1, 0);
            std::size_t total = 0;
            const auto row_of = [&](const typename group_partition::first_seen& f) { return rows_.empty() ? 0 : base[f.morsel] + f.position; };
            for (const auto& t : turns_)
                for (std::uint32_t g = 0; g < t->groups.size(); ++g, ++total) {
                    const std::uint64_t row = row_of(t->groups.first(g));
                    seen[row / 64] |= std::uint64_t{1} << (row % 64);
                }
            std::vector<std::uint32_t> rank(seen.size() + 1, 0);
            for (std::size_t i = 0; i < seen.size(); ++i) rank[i + 1] = rank[i] + static_cast<std::uint32_t>(std::popcount(seen[i]));
            std::vector<const std::byte*> ordered(total);
            executor.run(turns_.size(), [&](std::size_t p) {
                const group_partition& groups = turns_[p]->groups;
                for (std::uint32_t g = 0; g < groups.size(); ++g) {
                    const std::uint64_t row = row_of(groups.first(g));
                    const std::uint64_t before = seen[row / 64] & ((std::uint64_t{1} << (row % 64)) - 1);
                    ordered[rank[row / 64] + static_cast<std::uint32_t>(std::popcount(before))] = groups.group(g);
                }
            });

            // Written in order, in blocks small enough that a group's states are fetched once for all columns.
            constexpr std::size_t part_rows = std::size_t{1} << 16, small_block = 512;
            std::vector<table_data> parts((total + part_rows - 1) / part_rows);
            executor.run(parts.size(), [&](std::size_t p) {
                parts[p] = empty_output();
                const std::size_t end = total < (p + 1) * part_rows ? total : (p + 1) * part_rows;
                for (std::size_t first = p * part_rows; first < end; first += small_block)
                    append_groups(parts[p], ordered.data() + first, ordered.data() + (end - first < small_block ? end : first + small_block));
            });
            table_data out = parts.empty() ? empty_output() : std::move(parts[0]);
            for (std::size_t p = 1; p < parts.size(); ++p) {
                for (std::size_t i = 0; i < out.columns.size(); ++i) out.columns[i].append_column(parts[p].columns[i]);
                out.rows += parts[p].rows;
                parts[p] = {};
            }
            return out;
        }

    private:
        struct turn {
            explicit turn(const group_layout& layout) : groups(layout) {}
            std::mutex lock;
            std::size_t next = 0;
            std::map<std::size_t, written> waiting;
            group_partition groups;
        };

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
        void append_groups(table_data& out, const std::byte* const* begin, const std::byte* const* end) const {
            std::size_t i = 0;
            for (const record_key& k : layout_.keys) {
                for (auto at = begin; at != end; ++at) append_key(out.columns[i], k, *at);
                ++i;
            }
            for (const group_output& o : layout_.outputs) {
                o.finish->append(out.columns[i], begin, end, layout_.accumulators[o.accumulator]->state_offset);
                ++i;
            }
            out.rows += static_cast<std::size_t>(end - begin);
        }
        void append_key(column_data& column, const record_key& key, const std::byte* record) const {
            if (key.mask >= 0 && !mask_bit(record, key.mask)) return column.append_null();
            const std::byte* at = record + layout_.fields[key.field].offset;
            switch (size_of(column.type)) {
                case 1: return column.append_value(load<std::uint8_t>(at));
                case 4: return column.append_value(load<std::uint32_t>(at));
                default:
                    if (column.type == type_id::text) column.append_value(load<std::string_view>(at));
                    else column.append_value(load<std::uint64_t>(at));
            }
        }

        const group_layout& layout_;
        std::mutex lock_;
        std::vector<std::uint32_t> rows_;    // per morsel
        std::vector<std::unique_ptr<turn>> turns_;
    };

    // Writes the records of one morsel.
    class group_worker final : public morsel_worker {
    public:
        group_worker(group_tables& tables, std::size_t morsel)
            : tables_(tables), morsel_(morsel), memory_(std::make_shared<arena>()), parts_(tables.partitions()), open_(tables.partitions()),
              hash_(chunk_rows), record_(chunk_rows), words_(chunk_rows) {
            for (auto& p : parts_) p.memory = memory_;
        }

        void take(const chunk& c) override {
            const group_layout& layout = tables_.layout();
            hash_keys(c, layout);
            for (std::uint32_t k = 0; k < c.selected; ++k) {
                const std::size_t p = tables_.partitions() == 1 ? 0 : static_cast<std::size_t>(hash_[k] >> (64 - partition_bits));
                record_[k] = next_record(p, layout.stride);
                store(record_[k], rows_ + k);
                store(record_[k] + 4, static_cast<std::uint32_t>(hash_[k]));
            }
            rows_ += c.selected;
            write_masks(c, layout);
            for (const record_field& f : layout.fields) write_field(c, f);
            for (const record_key& key : layout.keys) blank_null_key(c, layout, key);
        }
        void finish() override {
            for (std::size_t p = 0; p < parts_.size(); ++p)
                if (open_[p].end) parts_[p].blocks.back().count = open_[p].count;
            tables_.bring(morsel_, rows_, std::move(parts_));
        }

    private:
        struct open_block {
            std::byte* next = nullptr;
            std::byte* end = nullptr;
            std::uint32_t count = 0;
            std::uint32_t rows = 8;    // of the next block: small at first, since most morsels of small data touch every partition
        };

        std::byte* next_record(std::size_t p, std::uint32_t stride) {
            open_block& b = open_[p];
            if (b.next == b.end) {
                if (b.end) {
                    parts_[p].blocks.back().count = b.count;
                    b.rows = b.rows < block_rows ? b.rows * 2 : block_rows;
                }
                b.next = memory_->take(std::size_t{stride} * b.rows);
                b.end = b.next + std::size_t{stride} * b.rows;
                b.count = 0;
                parts_[p].blocks.push_back({b.next, 0, stride});
            }
            std::byte* record = b.next;
            std::memset(record, 0, stride);
            b.next += stride;
            ++b.count;
            return record;
        }

        template <class V, class F>
        static void each_value(const chunk& c, int slot_number, F&& f) {
            const slot_view& view = c.slots[static_cast<std::size_t>(slot_number)];
            const V* values = view.as<V>();
            c.each([&](std::uint32_t k, std::uint32_t row) { f(k, row, values[row], view); });
        }

        void hash_keys(const chunk& c, const group_layout& layout) {
            for (std::uint32_t k = 0; k < c.selected; ++k) hash_[k] = 0x243F6A8885A308D3ull;
            for (const record_key& key : layout.keys) {
                const record_field& f = layout.fields[key.field];
                const auto add = [&]<class V>(std::type_identity<V>) {
                    each_value<V>(c, f.slot, [&](std::uint32_t k, std::uint32_t row, const V& value, const slot_view& view) {
                        hash_[k] = mix_hash(hash_[k], key.mask < 0 || view.valid(row) ? hash_value(canonical(value)) : 0);
                    });
                };
                with_key_value(f.type, add);
            }
        }

        void write_masks(const chunk& c, const group_layout& layout) {
            for (std::uint32_t w = 0; w < layout.mask_words; ++w) {
                for (std::uint32_t k = 0; k < c.selected; ++k) words_[k] = 0;
                for (std::size_t m = w * 64; m < layout.masks.size() && m < (w + 1) * 64; ++m) {
                    const record_mask& mask = layout.masks[m];
                    const auto validity = [&](int s) { return s >= 0 ? c.slots[static_cast<std::size_t>(s)].validity : all_valid_bits.data(); };
                    const std::uint8_t *valid = validity(mask.validity), *second_valid = validity(mask.second_validity);
                    const bool* condition = mask.condition >= 0 ? c.slots[static_cast<std::size_t>(mask.condition)].as<bool>() : nullptr;
                    c.each([&](std::uint32_t k, std::uint32_t row) {
                        const bool on = bit_at(valid, row) && bit_at(second_valid, row) && (!condition || condition[row]);
                        words_[k] |= std::uint64_t{on} << (m % 64);
                    });
                }
                for (std::uint32_t k = 0; k < c.selected; ++k) store(record_[k] + record_header + 8 * w, words_[k]);
            }
        }

        void write_field(const chunk& c, const record_field& f) {
            if (f.type == type_id::text) {
                each_value<std::string_view>(c, f.slot, [&](std::uint32_t k, std::uint32_t row, std::string_view value, const slot_view& view) {
                    if (!view.valid(row)) value = {};
                    store(record_[k] + f.offset, f.copy_text ? memory_->keep(value) : value);
                });
            } else if (f.type == type_id::float64) {
                each_value<double>(c, f.slot, [&](std::uint32_t k, std::uint32_t, double value, const slot_view&) { store(record_[k] + f.offset, canonical(value)); });
            } else if (f.type == type_id::float32) {
                each_value<float>(c, f.slot, [&](std::uint32_t k, std::uint32_t, float value, const slot_view&) { store(record_[k] + f.offset, canonical(value)); });
            } else {
                switch (size_of(f.type)) {
                    case 1: return copy_field<std::uint8_t>(c, f);
                    case 4: return copy_field<std::uint32_t>(c, f);
                    default: return copy_field<std::uint64_t>(c, f);
                }
            }
        }
        template <class V>
        void copy_field(const chunk& c, const record_field& f) {
            each_value<V>(c, f.slot, [&](std::uint32_t k, std::uint32_t, V value, const slot_view&) { store(record_[k] + f.offset, value); });
        }
        // A null key is the zero value told apart by its mask bit, so that keys compare as bytes.
        void blank_null_key(const chunk& c, const group_layout& layout, const record_key& key) {
            const record_field& f = layout.fields[key.field];
            if (key.mask < 0 || f.type == type_id::text) return;
            const slot_view& view = c.slots[static_cast<std::size_t>(f.slot)];
            c.each([&](std::uint32_t k, std::uint32_t row) {
                if (!view.valid(row)) std::memset(record_[k] + f.offset, 0, size_of(f.type));
            });
        }

        group_tables& tables_;
        std::size_t morsel_;
        std::uint32_t rows_ = 0;
        std::shared_ptr<arena> memory_;
        std::vector<typename group_tables::written> parts_;
        std::vector<open_block> open_;
        std::vector<std::uint64_t> hash_;
        std::vector<std::byte*> record_;
        std::vector<std::uint64_t> words_;
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
        std::string describe() const { return "group_by of " + rows_.source()->describe(); }
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
