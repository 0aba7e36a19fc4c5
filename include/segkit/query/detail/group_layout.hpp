// segkit/query/detail/group_layout.hpp: what a group-by is made of at run time: records, keys, states, accumulators, outputs.
//
// No names, no schemas: slots, offsets and types. A record is what one row brings to its group: mask words (which values are there),
// the values, and behind them the row's place and its key. A key is whole words, so that equal keys are equal words (and equal long
// texts). group_engine.hpp runs it; accumulators.hpp has the accumulators.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/arena.hpp>
#include <segkit/detail/copy_text.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/detail/hash.hpp>
#include <segkit/query/detail/text_key.hpp>

namespace SEGKIT_NAMESPACE::detail {

inline constexpr std::uint32_t block_rows = 256;    // records per block at most

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

// Values of some column in the rows of a block, so many bytes apart.
struct block_values {
    const std::byte* begin = nullptr;
    std::size_t stride = 0;
    const std::byte* at(std::uint32_t k) const { return begin + k * stride; }
};

// What an accumulator reads of the rows of a block, wherever they lie: in records or in columns.
struct row_block {
    std::uint32_t count;
    block_values first, second, masks;
};

// A row by which the number of its group's rows came to a power of two.
struct doubled_group {
    std::uint32_t row;
    std::int64_t rows_of_group;
};
// The groups of the rows of a block.
struct group_block {
    const std::uint32_t* number;
    std::byte* const* state;        // of each row's group; an accumulator's own part of it begins at `offset`
    std::uint32_t offset;
    const std::uint32_t* fresh;     // rows that are the first of their groups, ascending
    std::uint32_t fresh_count;
    std::byte* const* all;          // where there are few: all groups
    std::uint32_t all_count;
    const doubled_group* doubled = nullptr;    // where groups have a count for all accumulators: rows by which one came to a power of two
    std::uint32_t doubled_count = 0;
};

// States of groups: they never move.
class state_store {
public:
    static constexpr std::uint32_t groups_per_block = 64;

    // A group begins at a cache line where that costs little memory and it then lies in fewer lines.
    explicit state_store(std::size_t bytes_per_group = 0) : bytes_(bytes_per_group) {
        const std::size_t whole_lines = (bytes_ + cache_line - 1) / cache_line * cache_line;
        const std::size_t divisor = std::min(bytes_ & (~bytes_ + 1), cache_line);        // the greatest in common with a line
        const std::size_t lines_on_average = bytes_ + cache_line - divisor;    // in bytes
        if (whole_lines < lines_on_average && whole_lines - bytes_ <= bytes_ / 4) bytes_ = whole_lines;
    }
    std::size_t bytes() const { return bytes_; }
    std::byte* at(std::uint32_t group) const { return blocks_[group / groups_per_block] + std::size_t{group % groups_per_block} * bytes_; }
    void grow_to(std::uint32_t groups, arena& memory) {
        for (; room_ < groups; room_ += groups_per_block) {
            std::byte* block = memory.take(bytes_ * groups_per_block + cache_line);
            blocks_.push_back(block + (cache_line - reinterpret_cast<std::uintptr_t>(block) % cache_line) % cache_line);
        }
    }

private:
    static constexpr std::size_t cache_line = 64;
    std::size_t bytes_;
    std::uint32_t room_ = 0;
    std::vector<std::byte*> blocks_;
};

// What must be kept of the values until the end: for medians entries in pieces, for distinct counts a table.
struct kept_values {
    struct piece {
        std::byte* begin;
        std::size_t entries;
    };
    std::size_t calm_rows = 0;    // see number_accumulator
    std::unique_ptr<arena> memory;
    std::vector<piece> pieces;
    std::vector<std::byte> table;

    std::byte* take(std::size_t bytes) {
        if (!memory) memory = std::make_unique<arena>();
        return memory->take(bytes);
    }
};

// One accumulator over all groups: erased per block of about a hundred rows, never per row. What `memory` gives lives as long as
// the states; `kept` is gone after seal, which is called once, when all rows have been seen.
class grouped_accumulator {
public:
    virtual ~grouped_accumulator() = default;
    virtual std::size_t state_bytes() const = 0;
    virtual void start(std::byte* state) const = 0;
    virtual bool state_is_bytes() const { return false; }    // copying the bytes of a state makes another one
    virtual void move(std::byte* from, std::byte* to) const = 0;    // a state to another place
    // Where there are many groups, the number of a group's rows is kept once, and these states lack it (of others the same as above).
    virtual bool lacks_count() const { return false; }
    virtual bool is_count() const { return false; }    // the state is nothing but that number
    virtual std::size_t bytes_beside_count() const { return state_bytes(); }
    virtual void start_beside_count(std::byte* state) const { start(state); }
    virtual void move_beside_count(std::byte* from, std::byte* to, std::byte*) const { move(from, to); }
    virtual bool state_grows() const { return true; }        // with the rows of the group
    virtual void update(const row_block& rows, const group_block& groups, kept_values& kept, arena& memory) const = 0;
    virtual void seal(std::uint32_t groups, const state_store& states, std::uint32_t state_at, kept_values& kept, arena& memory) const {
        (void)groups, (void)states, (void)state_at, (void)kept, (void)memory;
    }

    // What it reads; accumulators that are equal in all of these are shared.
    const void* identity = nullptr;
    std::uint64_t parameter = 0;             // tells accumulators of one identity apart
    int slot = -1, second_slot = -1;         // of the values, two for what relates two columns
    int condition = -1;
    bool reads_value = true;                 // false: only whether there is one

    // Given by the layout.
    int mask = -1;                           // bit of the mask words: values present and condition true; -1: always
    int field = -1, second_field = -1;       // of the record
    std::uint32_t state_offset = 0;          // behind a group's key, where all states of a group lie together
};

// Where the results of some groups go in one output column: values of fixed width into their final places, others to the end.
class result_rows {
public:
    result_rows(column_data& column, std::size_t first, std::size_t rows) : column_(column) {
        if (!has_fixed_width(column.type)) return;
        values_ = column.values.data() + first * size_of(column.type);
        if (!column.nullable) return;
        validity_ = column.validity.data() + first / 8;    // first is a multiple of 8
        if (rows != 0) std::memset(validity_, 0, (rows + 7) / 8);
    }
    static bool has_fixed_width(type_id type) { return type != type_id::text && type != type_id::block32 && type != type_id::block64 && !is_list_type(type); }

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
    template <class V>
    void put_list(const V* values, std::size_t count) {
        column_.append_list(values, count);
    }
    // The texts text_of(k) of the next `count` rows, none of them null.
    template <class F>
    void put_texts(std::size_t count, F text_of) {
        const auto end = static_cast<std::int64_t>(column_.bytes.size());
        std::size_t bytes = 0;
        for (std::size_t k = 0; k < count; ++k) bytes += text_of(k).size();
        column_.bytes.grow(bytes);
        std::byte* ends = column_.values.grow(count * sizeof end);
        write_texts(column_.bytes.data(), ends, end, count, text_of);
        column_.rows += count;
    }
    // The same where there is room for them: from byte `end` of all, which is then where they end; their own ends one after the other.
    template <class F>
    static std::int64_t write_texts(std::byte* all, std::byte* ends, std::int64_t end, std::size_t count, F text_of) {
        for (std::size_t k = 0; k < count; ++k) {
            const std::string_view text = text_of(k);
            copy_text(all + end, text);
            end += static_cast<std::int64_t>(text.size());
            store(ends + k * sizeof end, end);
        }
        return end;
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

// Turns the states of some groups into values of one output column. Where groups have a count for all accumulators, that begins at
// `count_offset`, else there is none.
inline constexpr std::size_t no_count = static_cast<std::size_t>(-1);
class group_finisher {
public:
    virtual ~group_finisher() = default;
    virtual void finish(result_rows& out, const std::byte* const* groups, std::size_t count, std::size_t state_offset, std::size_t count_offset) const = 0;
};

// A column that travels in the records.
struct record_field {
    int slot;
    type_id type;
    std::uint32_t offset;
    bool copy_text;    // the bytes do not outlive the chunk
    bool in_place;     // the values do
    std::size_t width() const { return type == type_id::text ? sizeof(std::string_view) : size_of(type); }
};
struct record_mask {
    int validity;           // slot whose validity counts, or -1
    int second_validity;    // another one, or -1
    int condition;          // slot of a plain bool, or -1
    bool operator==(const record_mask&) const = default;
};
struct record_key {
    int slot;
    type_id type;
    bool nullable;
    bool copy_text;                // the bytes do not outlive the chunk
    std::uint32_t offset = 0;      // in the key
    std::uint32_t null_bit = 0;    // in its null bits; the value of a null is zero
    std::string_view name{};       // of the column, for messages
};

inline bool mask_bit(const std::byte* words, int mask) {
    const auto m = static_cast<unsigned>(mask);
    return (load<std::uint64_t>(words + std::size_t{m / 64} * 8) >> (m % 64)) & 1;
}

// Keys of some forms are compared and copied in one go: one word, one text that is never null.
enum class key_form { one_word, one_text, any };

inline constexpr unsigned partition_bits = 8;
inline constexpr std::size_t partition_count = std::size_t{1} << partition_bits;
inline std::size_t partition_of_hash(std::uint64_t hash) { return hash >> (64 - partition_bits); }

// Integer keys of one word that lie so densely that each has a place of its own; or nothing known.
struct key_range {
    std::uint64_t least = 0, size = 0, bits = 0;    // `bits`: those of the key in its word
    template <class T>
    static key_range of(T low, T high, std::size_t rows) {
        using U = std::make_unsigned_t<T>;
        const std::uint64_t beyond = static_cast<U>(static_cast<U>(high) - static_cast<U>(low));    // the first
        if (low > high || beyond >= 2 * rows) return {};
        return {static_cast<U>(low), beyond + 1, static_cast<U>(~U{0})};
    }
    bool dense() const { return size != 0; }
    std::size_t partition_of(std::uint64_t word) const { return (word - least) & (partition_count - 1); }
    std::size_t place_of(std::uint64_t word) const { return ((word - least) & bits) >> partition_bits; }
    std::size_t places() const { return dense() ? ((size - 1) >> partition_bits) + 1 : 0; }    // of one partition
};

struct group_output {
    std::size_t accumulator;
    std::unique_ptr<group_finisher> finish;
    type_id type;
    bool nullable;
    std::string_view name{};    // of the column, for messages
};

// f(k, row) for k in [0, n): k counts from the chunk's selected row number `first`. The function is a copy, so that what it has captured by
// value can stay in registers whatever it writes to.
template <class F>
void each_row(const chunk& c, std::uint32_t first, std::uint32_t n, F f) {
    if (c.dense) {
        for (std::uint32_t k = 0; k < n; ++k) f(k, first + k);
    } else {
        const std::uint16_t* row = c.selection + first;
        for (std::uint32_t k = 0; k < n; ++k) f(k, std::uint32_t{row[k]});
    }
}

// Members of templates, here and in the engine, so that who includes this header and groups nothing does not compile them.
template <class = void>
struct group_parts {
    // What a group-by computes, laid out for records and states.
    class layout {
    public:
        std::vector<record_field> fields;
        std::vector<record_mask> masks;
        std::vector<record_key> keys;
        std::vector<std::unique_ptr<grouped_accumulator>> accumulators;
        std::vector<group_output> outputs;
        std::vector<int> reads;    // slots

        // A record: mask words, fields, its row's place in the morsel, half of the key's hash (not of a key of one word), the key.
        std::uint32_t mask_words = 0, place = 0, hash = 0, key = 0, stride = 0;
        // A key: values of fixed width and null bits, filled up to whole words, then texts. A group: its key, its states.
        std::uint32_t fixed_words = 0, key_bytes = 0, null_bits = 0;
        std::vector<std::uint32_t> text_keys;    // offsets
        key_form form() const { return one_word_key ? key_form::one_word : one_text_key && fixed_words == 0 ? key_form::one_text : key_form::any; }
        key_range range{};    // found when the rows are at hand
        bool one_word_key = false, one_text_key = false, fills_words = false;
        std::size_t state_bytes = 0;
        bool has_count = false;                               // the states of a group begin with the number of its rows
        std::vector<std::byte> initial;                       // bytes of the states of a new group
        std::vector<const grouped_accumulator*> started;      // those whose states are not made by copying bytes

        std::size_t add_field(const plan& p, int slot_number) {
            for (std::size_t i = 0; i < fields.size(); ++i)
                if (fields[i].slot == slot_number) return i;
            const slot& s = p.at(slot_number);
            fields.push_back({slot_number, s.type, 0, s.type == type_id::text && !s.stable, s.stable_values});
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
        void add_key(const plan& p, int slot_number, std::string_view name) {
            const slot& s = p.at(slot_number);
            keys.push_back({slot_number, s.type, s.nullable, s.type == type_id::text && !s.stable, 0, 0, name});
            reads.push_back(slot_number);
        }
        // Takes the accumulator, or finds an equal one; returns its number.
        std::size_t add_accumulator(const plan& p, std::unique_ptr<grouped_accumulator> a) {
            for (std::size_t i = 0; i < accumulators.size(); ++i)
                if (same_input(*accumulators[i], *a)) return i;
            const auto validity = [&](int s) { return s >= 0 && p.at(s).nullable ? s : -1; };
            a->mask = add_mask({validity(a->slot), validity(a->second_slot), a->condition});
            for (const int s : {a->slot, a->second_slot})
                if (s >= 0 && a->reads_value) add_field(p, s);
            accumulators.push_back(std::move(a));
            return accumulators.size() - 1;
        }

        // Once, after everything is added.
        void lay_out() {
            lay_out_key();
            lay_out_record();
            has_count = std::any_of(accumulators.begin(), accumulators.end(), [](const auto& a) { return a->lacks_count(); });
            if (has_count) state_bytes = sizeof(std::int64_t);
            for (auto& a : accumulators) {
                if (!is_shared_count(*a)) {
                    a->state_offset = static_cast<std::uint32_t>(state_bytes);
                    state_bytes += (a->bytes_beside_count() + 7) / 8 * 8;
                }
                for (std::size_t f = 0; f < fields.size(); ++f) {
                    if (fields[f].slot == a->slot) a->field = static_cast<int>(f);
                    if (fields[f].slot == a->second_slot) a->second_field = static_cast<int>(f);
                }
            }
            initial.resize(state_bytes);
            for (const auto& a : accumulators) {
                if (a->state_is_bytes()) a->start_beside_count(initial.data() + a->state_offset);
                else started.push_back(a.get());
            }
        }
        // Whether the state of this accumulator is the count of all, at offset 0.
        bool is_shared_count(const grouped_accumulator& a) const { return has_count && a.is_count(); }

        // Whether some aggregate keeps more and more of its rows.
        bool state_grows() const {
            return std::any_of(accumulators.begin(), accumulators.end(), [](const auto& a) { return a->state_grows(); });
        }

        bool is_null(const std::byte* key_at, const record_key& k) const {
            return k.nullable && (std::to_integer<unsigned>(key_at[null_bits + k.null_bit / 8]) >> (k.null_bit % 8) & 1) != 0;
        }
        template <key_form Form>
        bool same_key(const std::byte* a, const std::byte* b) const {
            if constexpr (Form == key_form::one_word) return load<std::uint64_t>(a) == load<std::uint64_t>(b);
            if constexpr (Form == key_form::one_text) return text_key::same(a, b);
            for (std::uint32_t w = 0; w < fixed_words; ++w)
                if (load<std::uint64_t>(a + 8 * w) != load<std::uint64_t>(b + 8 * w)) return false;
            for (const std::uint32_t t : text_keys)
                if (!text_key::same(a + t, b + t)) return false;
            return true;
        }
        // Copies a key whose texts may go away.
        template <key_form Form>
        void keep_key(std::byte* to, const std::byte* from, arena& memory) const {
            if constexpr (Form == key_form::one_word) {
                std::memcpy(to, from, 8);
            } else if constexpr (Form == key_form::one_text) {
                std::memcpy(to, from, text_key::width);
                if (!text_key::is_short(from)) text_key::write(to, memory.keep(text_key::at(from)));
            } else {
                keep_key(to, from, memory);
            }
        }
        void keep_key(std::byte* to, const std::byte* from, arena& memory) const {
            std::memcpy(to, from, key_bytes);
            for (const std::uint32_t t : text_keys)
                if (!text_key::is_short(from + t)) text_key::write(to + t, memory.keep(text_key::at(from + t)));
        }
        std::size_t partition_of(const std::byte* key_at, std::uint64_t hash_of_key) const {
            return range.dense() ? range.partition_of(load<std::uint64_t>(key_at)) : partition_of_hash(hash_of_key);
        }
        // Half of the hash of a record's key, by which a partition finds the group.
        template <key_form Form>
        std::uint32_t hash_of(const std::byte* record) const {
            if constexpr (Form == key_form::one_word) return static_cast<std::uint32_t>(hash_value(load<std::uint64_t>(record + key)));
            else return load<std::uint32_t>(record + hash);
        }

    private:
        void lay_out_key() {
            std::uint32_t at = 0, nulls = 0, used = 0;
            for (const std::size_t width : {std::size_t{8}, std::size_t{4}, std::size_t{1}})    // widest first: no gaps
                for (record_key& k : keys)
                    if (k.type != type_id::text && size_of(k.type) == width) {
                        k.offset = at;
                        at += static_cast<std::uint32_t>(width);
                    }
            used = null_bits = at;
            for (record_key& k : keys)
                if (k.nullable) k.null_bit = nulls++;
            at += (nulls + 7) / 8;
            fixed_words = (at + 7) / 8;
            fills_words = nulls > 0 || used % 8 != 0;
            key_bytes = 8 * fixed_words;
            for (record_key& k : keys)
                if (k.type == type_id::text) {
                    k.offset = key_bytes;
                    text_keys.push_back(key_bytes);
                    key_bytes += static_cast<std::uint32_t>(text_key::width);
                }
            one_word_key = fixed_words == 1 && text_keys.empty();
            one_text_key = keys.size() == 1 && text_keys.size() == 1;
        }
        void lay_out_record() {
            mask_words = static_cast<std::uint32_t>((masks.size() + 63) / 64);
            std::uint32_t at = 8 * mask_words;
            for (const std::size_t width : {sizeof(std::string_view), std::size_t{8}, std::size_t{4}, std::size_t{1}})
                for (record_field& f : fields) {
                    if (f.width() != width) continue;
                    f.offset = at;
                    at += static_cast<std::uint32_t>(width);
                }
            place = (at + 3) / 4 * 4;
            at = place + 4;
            if (!one_word_key && !keys.empty()) {
                hash = at;
                at += 4;
            }
            key = (at + 7) / 8 * 8;
            stride = key + key_bytes;
        }
        static bool same_input(const grouped_accumulator& a, const grouped_accumulator& b) {
            return a.identity == b.identity && a.parameter == b.parameter && a.slot == b.slot && a.second_slot == b.second_slot && a.condition == b.condition;
        }
    };

    // Reads the rows of chunks as keys and records.
    class reader {
    public:
        explicit reader(const layout& l) : layout_(l) {}

        // The hashes of the keys of rows [first, first + n); those of one word are computed from the word.
        void hash_keys(const chunk& c, std::uint32_t first, std::uint32_t n, std::uint64_t* hashes) const {
            for (std::size_t i = 0; i < layout_.keys.size(); ++i) {
                const record_key& key = layout_.keys[i];
                const slot_view& view = c.slots[static_cast<std::size_t>(key.slot)];
                with_key_value(key.type, [&]<class V>(std::type_identity<V>) {
                    const V* values = view.as<V>();
                    const auto hash = [&](std::uint32_t row) { return !key.nullable || view.valid(row) ? hash_value(canonical(values[row])) : 0; };
                    if (i > 0) each_row(c, first, n, [&](std::uint32_t k, std::uint32_t row) { hashes[k] = mix_hash(hashes[k], hash(row)); });
                    else if (key.nullable) each_row(c, first, n, [&](std::uint32_t k, std::uint32_t row) { hashes[k] = hash(row); });
                    else each_row(c, first, n, [=](std::uint32_t k, std::uint32_t row) { hashes[k] = hash_value(canonical(values[row])); });
                });
            }
        }
        // The keys of rows [first, first + n) to to(k). Long texts that do not outlive the chunk are copied, where there is memory to do so.
        template <class To>
        void write_keys(const chunk& c, std::uint32_t first, std::uint32_t n, arena* memory, To to) const {
            if (is_one_word()) return write_words(c, first, n, to);
            if (layout_.fills_words)
                for (std::uint32_t k = 0; k < n; ++k)
                    for (std::uint32_t w = 0; w < layout_.fixed_words; ++w) store(to(k) + 8 * w, std::uint64_t{0});
            for (const record_key& key : layout_.keys) {
                const slot_view& view = c.slots[static_cast<std::size_t>(key.slot)];
                const bool nullable = key.nullable, copies = key.copy_text && memory;
                const std::uint32_t offset = key.offset;
                with_key_value(key.type, [&]<class V>(std::type_identity<V>) {
                    const V* values = view.as<V>();
                    each_row(c, first, n, [&](std::uint32_t k, std::uint32_t row) {
                        V value = !nullable || view.valid(row) ? canonical(values[row]) : V{};
                        if constexpr (std::is_same_v<V, std::string_view>) {
                            if (copies && value.size() > text_key::most_inside) value = memory->keep(value);
                            text_key::write(to(k) + offset, value);
                        } else {
                            store(to(k) + offset, value);
                        }
                    });
                });
                if (!nullable) continue;
                const std::uint32_t byte = layout_.null_bits + key.null_bit / 8;
                each_row(c, first, n, [&](std::uint32_t k, std::uint32_t row) { to(k)[byte] |= static_cast<std::byte>(unsigned{!view.valid(row)} << (key.null_bit % 8)); });
            }
        }
        // One value that is no null: a word at once, since one in parts that is read soon after waits for them.
        bool is_one_word() const { return layout_.one_word_key && layout_.keys.size() == 1 && !layout_.keys[0].nullable && layout_.keys[0].offset == 0; }
        template <class To>
        void write_words(const chunk& c, std::uint32_t first, std::uint32_t n, To to) const {
            const record_key& key = layout_.keys[0];
            const slot_view& view = c.slots[static_cast<std::size_t>(key.slot)];
            with_key_value(key.type, [&]<class V>(std::type_identity<V>) {
                if constexpr (!std::is_same_v<V, std::string_view>) {
                    each_row(c, first, n, [&, values = view.as<V>()](std::uint32_t k, std::uint32_t row) {
                        const V value = canonical(values[row]);
                        std::uint64_t word = 0;
                        std::memcpy(&word, &value, sizeof value);
                        store(to(k), word);
                    });
                }
            });
        }
        // Mask words of rows [first, first + n) to to(k).
        template <class To>
        void write_masks(const chunk& c, std::uint32_t first, std::uint32_t n, To to) const {
            std::array<std::uint64_t, block_rows> words;
            for (std::uint32_t w = 0; w < layout_.mask_words; ++w) {
                std::fill_n(words.data(), n, 0);
                for (std::size_t m = w * 64; m < layout_.masks.size() && m < (w + 1) * 64; ++m) {
                    const record_mask& mask = layout_.masks[m];
                    const auto validity = [&](int slot_number) {
                        return slot_number >= 0 ? c.slots[static_cast<std::size_t>(slot_number)].validity : all_valid_bits.data();
                    };
                    const std::uint8_t* valid = validity(mask.validity);
                    const std::uint8_t* also_valid = validity(mask.second_validity);
                    const bool* condition = mask.condition >= 0 ? c.slots[static_cast<std::size_t>(mask.condition)].as<bool>() : nullptr;
                    each_row(c, first, n, [&](std::uint32_t k, std::uint32_t row) {
                        const bool on = bit_at(valid, row) && bit_at(also_valid, row) && (!condition || condition[row]);
                        words[k] |= std::uint64_t{on} << (m % 64);
                    });
                }
                for (std::uint32_t k = 0; k < n; ++k) store(to(k) + 8 * w, words[k]);
            }
        }
        // Values of a field in rows [first, first + n) to to(k).
        template <class To>
        void write_field(const chunk& c, std::uint32_t first, std::uint32_t n, const record_field& f, arena& memory, To to) const {
            const slot_view& view = c.slots[static_cast<std::size_t>(f.slot)];
            with_key_value(f.type, [&]<class V>(std::type_identity<V>) {
                const V* values = view.as<V>();
                if constexpr (std::is_same_v<V, std::string_view>) {
                    each_row(c, first, n, [&](std::uint32_t k, std::uint32_t row) {
                        const std::string_view value = view.valid(row) ? values[row] : std::string_view();
                        store(to(k), f.copy_text ? memory.keep(value) : value);
                    });
                } else {
                    each_row(c, first, n, [=](std::uint32_t k, std::uint32_t row) { store(to(k), values[row]); });
                }
            });
        }
        // The same one after the other. Those that stand so in the chunk are not copied where they need not stay.
        block_values column(const chunk& c, std::uint32_t first, std::uint32_t n, const record_field& f, bool stays, arena& memory) const {
            const std::size_t width = f.width();
            const bool is_text = f.type == type_id::text;
            if (c.dense && !is_text && (!stays || f.in_place)) return {c.slots[static_cast<std::size_t>(f.slot)].template as<std::byte>() + first * width, width};
            std::byte* values = memory.take(n * width);
            if (c.dense && !is_text) std::memcpy(values, c.slots[static_cast<std::size_t>(f.slot)].template as<std::byte>() + first * width, n * width);
            else write_field(c, first, n, f, memory, [=](std::uint32_t k) { return values + k * width; });
            return {values, width};
        }

    private:
        const layout& layout_;
    };
};

using group_layout = group_parts<>::layout;

}  // namespace SEGKIT_NAMESPACE::detail
