// segkit/query/detail/join_engine.hpp: the run-time part of joins: an index of the right side, look-ups, gathers.
//
// The right side is held in memory and indexed by key once; left rows stream past it in their order. Where a left row
// can match at most once (the one_match promise, semi and anti joins) the join is a row-local step; otherwise it is a
// source that pushes the longer rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/plan.hpp>
#include <segkit/query/detail/hash.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Mixes one key column of the selected rows into hash[k]; known[k] becomes false where the key is null.
template <class Chunk>
void hash_key_column(const Chunk& c, const slot_view& view, type_id type, std::uint64_t* hash, bool* known) {
    with_key_value(type, [&]<class V>(std::type_identity<V>) {
        const V* values = view.as<V>();
        c.each([&](std::uint32_t k, std::uint32_t row) {
            const bool valid = view.valid(row);
            known[k] = known[k] && valid;
            hash[k] = mix_hash(hash[k], valid ? hash_value(canonical(values[row])) : 0);
        });
    });
}

// A key as a message shows it.
template <class Column>
std::string key_text(const Column& column, std::size_t row) {
    switch (column.type) {
        case type_id::text: return "\"" + std::string(column_view<text>(column)[row]) + "\"";
        case type_id::boolean: return column_view<bool>(column)[row] ? "true" : "false";
        case type_id::int32: return std::to_string(column_view<std::int32_t>(column)[row]);
        case type_id::int64: return std::to_string(column_view<std::int64_t>(column)[row]);
        case type_id::float32: return std::to_string(column_view<float>(column)[row]);
        case type_id::float64: return std::to_string(column_view<double>(column)[row]);
        case type_id::date: return "day " + std::to_string(column_view<date>(column)[row].days_since_1970());
        default: return "a " + std::string(to_string(column.type));
    }
}

struct join_promise {
    bool one_match = false;
    std::string_view stage;                    // for messages
    std::vector<std::string_view> key_names;
};

enum class join_kind { inner, left, semi, anti };

// The engine itself: members of a template only so that who includes this header and joins nothing does not compile it.
template <class = void>
struct join_engine {
    // The right side of a join: its rows, or a plan that gives them, and an index over its key columns.
    class right_side {
    public:
        right_side(std::shared_ptr<const table_data> rows, std::vector<std::size_t> keys, join_promise promise)
            : rows_(std::move(rows)), keys_(std::move(keys)), promise_(std::move(promise)), complete_(true) {}
        right_side(plan rows, std::vector<int> slots, std::vector<std::size_t> keys, join_promise promise)
            : plan_(std::move(rows)), slots_(std::move(slots)), keys_(std::move(keys)), promise_(std::move(promise)), wanted_(slots_.size(), false) {
            // What can be read once is kept whole: a later pass may want other columns.
            if (!plan_.source()->rescannable()) wanted_.assign(slots_.size(), true);
            for (const std::size_t k : keys_) wanted_[k] = true;
        }

        // Says, before prepare, that a column will be gathered: the others are not kept.
        void want(std::size_t column) {
            const std::lock_guard hold(lock_);
            if (complete_ || wanted_[column]) return;
            wanted_[column] = true;
            rows_.reset();
        }
        void prepare(executor_ref executor) {
            const std::lock_guard hold(lock_);
            if (!rows_) rows_ = collect_wanted(executor);
            if (heads_.empty()) index();
        }

        const column_data& column(std::size_t i) const { return rows_->columns[i]; }
        const std::vector<std::size_t>& keys() const { return keys_; }

        // First right row + 1 with this hash for which equal(row) holds, or 0.
        template <class Equal>
        std::uint32_t find(std::uint64_t hash, Equal&& equal) const {
            for (std::uint32_t r = heads_[hash & (heads_.size() - 1)]; r; r = next_[r - 1])
                if (hashes_[r - 1] == hash && equal(r - 1)) return r;
            return 0;
        }
        template <class Equal>
        std::uint32_t find_next(std::uint32_t after, std::uint64_t hash, Equal&& equal) const {
            for (std::uint32_t r = next_[after - 1]; r; r = next_[r - 1])
                if (hashes_[r - 1] == hash && equal(r - 1)) return r;
            return 0;
        }

    private:
        std::shared_ptr<const table_data> collect_wanted(executor_ref executor) const {
            std::vector<int> outputs;
            for (std::size_t i = 0; i < slots_.size(); ++i)
                if (wanted_[i]) outputs.push_back(slots_[i]);
            table_data collected = collect_rows(plan_, outputs, executor);
            auto all = std::make_shared<table_data>();
            all->rows = collected.rows;
            for (std::size_t i = 0, n = 0; i < slots_.size(); ++i) {
                if (wanted_[i]) all->columns.push_back(std::move(collected.columns[n++]));
                else all->columns.emplace_back(plan_.at(slots_[i]).type, plan_.at(slots_[i]).nullable);
            }
            return all;
        }

        bool equal_rows(std::size_t a, std::size_t b) const {
            for (const std::size_t key : keys_) {
                const column_data& c = rows_->columns[key];
                const bool same = with_key_value(c.type, [&]<class V>(std::type_identity<V>) {
                    if constexpr (std::is_same_v<V, std::string_view>) return column_view<text>(c)[a] == column_view<text>(c)[b];
                    else return same_key_value(reinterpret_cast<const V*>(c.values.data())[a], reinterpret_cast<const V*>(c.values.data())[b]);
                });
                if (!same) return false;
            }
            return true;
        }

        // Chains of rows by hash. Rows are added from the last to the first, so that a chain runs in row order.
        void index() {
            const std::size_t n = rows_->rows;
            if (n >= 0xFFFFFFFFull)
                throw error({.code = error_code::overflow,
                             .stage = std::string(promise_.stage),
                             .found = std::to_string(n) + " rows on the right side",
                             .expected = "fewer than 4294967295",
                             .advice = "put the larger table on the left"});
            std::size_t capacity = 16;
            while (capacity < n + n / 2) capacity *= 2;
            std::vector<std::uint32_t> heads(capacity, 0);
            hashes_.assign(n, 0);
            next_.assign(n, 0);
            std::vector<bool> keyed(n, false);
            scratch memory(rows_->columns.size());
            bool known[chunk_rows];
            std::vector<std::unique_ptr<column_reader>> readers;
            for (const std::size_t key : keys_) readers.push_back(reader_of(rows_->columns[key]));
            for (std::size_t row = 0; row < n; row += chunk_rows) {
                chunk c;
                c.rows = c.selected = static_cast<std::uint32_t>(n - row < chunk_rows ? n - row : chunk_rows);
                for (std::uint32_t k = 0; k < c.rows; ++k) known[k] = true;
                for (std::size_t i = 0; i < keys_.size(); ++i)
                    hash_key_column(c, readers[i]->read(row, c.rows, memory, static_cast<int>(i)), rows_->columns[keys_[i]].type, &hashes_[row], known);
                for (std::uint32_t k = 0; k < c.rows; ++k) keyed[row + k] = known[k];
            }
            for (std::size_t row = n; row-- > 0;) {
                if (!keyed[row]) continue;    // a null key matches nothing
                std::uint32_t& head = heads[hashes_[row] & (capacity - 1)];
                if (promise_.one_match) {
                    for (std::uint32_t r = head; r; r = next_[r - 1])
                        if (hashes_[r - 1] == hashes_[row] && equal_rows(r - 1, row)) throw_duplicate(row, r - 1);
                }
                next_[row] = head;
                head = static_cast<std::uint32_t>(row + 1);
            }
            heads_ = std::move(heads);
        }

        [[noreturn]] void throw_duplicate(std::size_t first, std::size_t second) const {
            std::string names, values;
            for (std::size_t i = 0; i < keys_.size(); ++i) {
                names += (i ? ", " : "") + std::string(promise_.key_names[i]);
                values += (i ? ", " : "") + key_text(rows_->columns[keys_[i]], first);
            }
            throw error({.code = error_code::duplicate_key,
                         .stage = std::string(promise_.stage),
                         .field = names,
                         .row = second,
                         .found = "the key " + values + " again, after row " + std::to_string(first) + " of the right side",
                         .expected = "each key once, as one_match promises",
                         .advice = "aggregate or deduplicate the right side, or join without one_match"});
        }

        std::mutex lock_;
        plan plan_;
        std::vector<int> slots_;
        std::shared_ptr<const table_data> rows_;
        std::vector<std::size_t> keys_;
        join_promise promise_;
        std::vector<bool> wanted_;
        bool complete_ = false;
        std::vector<std::uint32_t> heads_;     // by hash: right row + 1, or 0
        std::vector<std::uint32_t> next_;      // of each right row, the same
        std::vector<std::uint64_t> hashes_;
    };

    // Hashes of the selected left rows, and equality with right rows.
    class left_keys {
    public:
        left_keys(const chunk& c, const std::vector<int>& slots, const right_side& right) : chunk_(c), slots_(slots), right_(right) {
            for (std::uint32_t k = 0; k < c.selected; ++k) {
                hash_[k] = 0;
                known_[k] = true;
            }
            for (std::size_t i = 0; i < slots.size(); ++i) hash_key_column(c, view(i), right.column(right.keys()[i]).type, hash_, known_);
        }
        // First match of the k-th selected row as right row + 1, or 0.
        std::uint32_t match(std::uint32_t k, std::uint32_t row) const {
            return known_[k] ? right_.find(hash_[k], [&](std::uint32_t r) { return equal(row, r); }) : 0;
        }
        std::uint32_t next_match(std::uint32_t after, std::uint32_t k, std::uint32_t row) const {
            return right_.find_next(after, hash_[k], [&](std::uint32_t r) { return equal(row, r); });
        }

    private:
        const slot_view& view(std::size_t i) const { return chunk_.slots[static_cast<std::size_t>(slots_[i])]; }
        bool equal(std::uint32_t row, std::uint32_t right_row) const {
            for (std::size_t i = 0; i < slots_.size(); ++i) {
                const column_data& c = right_.column(right_.keys()[i]);
                const bool same = with_key_value(c.type, [&]<class V>(std::type_identity<V>) {
                    if constexpr (std::is_same_v<V, std::string_view>) return view(i).template as<V>()[row] == column_view<text>(c)[right_row];
                    else return same_key_value(view(i).template as<V>()[row], reinterpret_cast<const V*>(c.values.data())[right_row]);
                });
                if (!same) return false;
            }
            return true;
        }

        const chunk& chunk_;
        const std::vector<int>& slots_;
        const right_side& right_;
        std::uint64_t hash_[chunk_rows];
        bool known_[chunk_rows];
    };

    // Finds each row's match; drops the rows that the kind of join drops.
    class lookup_step final : public step {
    public:
        lookup_step(join_kind kind, std::shared_ptr<right_side> right, std::vector<int> keys, int match_slot)
            : step(keys, {match_slot}), kind_(kind), right_(std::move(right)), keys_(std::move(keys)), match_(match_slot) {}
        std::string_view word() const override { return "join"; }
        bool changes_rows() const override { return true; }    // also where it keeps all: the one_match promise is checked
        void prepare(executor_ref executor) const override { right_->prepare(executor); }
        void run(chunk& c, scratch& memory) const override {
            auto* match = memory.values<std::uint32_t>(match_);
            c.slots[static_cast<std::size_t>(match_)] = {match};
            const left_keys keys(c, keys_, *right_);
            std::uint32_t kept = 0;
            c.each([&](std::uint32_t k, std::uint32_t row) {
                match[row] = keys.match(k, row);
                const bool keep = kind_ == join_kind::left || (match[row] != 0) == (kind_ != join_kind::anti);
                c.selection[kept] = static_cast<std::uint16_t>(row);
                kept += keep;
            });
            c.dense = c.dense && kept == c.rows;
            c.selected = kept;
        }

    private:
        join_kind kind_;
        std::shared_ptr<right_side> right_;
        std::vector<int> keys_;
        int match_;
    };

    // Copies right values for rows with a match into a slot; rows without are null.
    template <class F>
    static void gather_right(const column_data& from, bool nullable_out, slot_view& out, scratch& memory, int slot_number, F&& each_match) {
        out = {};
        std::uint8_t* bits = nullptr;
        if (nullable_out) {
            bits = memory.validity(slot_number);
            std::memset(bits, 0, chunk_rows / 8);
            out.validity = bits;
        }
        const auto set = [&](std::uint32_t row, std::uint32_t match) {
            const bool valid = match && (!from.nullable || bit_at(from.validity_bits(), match - 1));
            if (bits) bits[row >> 3] = static_cast<std::uint8_t>(bits[row >> 3] | (unsigned{valid} << (row & 7)));
            return valid;
        };
        if (from.type == type_id::block32 || from.type == type_id::block64) {
            const std::size_t bytes = from.width * size_of(from.type);
            auto* values = memory.values<std::byte>(slot_number, bytes);
            each_match([&](std::uint32_t row, std::uint32_t match) { std::memcpy(values + row * bytes, from.values.data() + (match - 1) * bytes, bytes); });
            out.values = values;
            out.width = from.width;
            return;
        }
        with_key_value(from.type, [&]<class V>(std::type_identity<V>) {
            auto* values = memory.values<V>(slot_number);
            out.values = values;
            each_match([&](std::uint32_t row, std::uint32_t match) {
                if (!set(row, match)) values[row] = V{};
                else if constexpr (std::is_same_v<V, std::string_view>) values[row] = column_view<text>(from)[match - 1];
                else values[row] = reinterpret_cast<const V*>(from.values.data())[match - 1];
            });
        });
    }

    class gather_step final : public step {
    public:
        gather_step(std::shared_ptr<right_side> right, std::size_t column, bool nullable, int match_slot, int out)
            : step({match_slot}, {out}), right_(std::move(right)), column_(column), nullable_(nullable), match_(match_slot), out_(out) {}
        std::string_view word() const override { return "join"; }
        void prepare(executor_ref) const override { right_->want(column_); }
        void run(chunk& c, scratch& memory) const override {
            const auto* match = c.slots[static_cast<std::size_t>(match_)].as<std::uint32_t>();
            gather_right(right_->column(column_), nullable_, c.slots[static_cast<std::size_t>(out_)], memory, out_,
                         [&](auto&& set) { c.each([&](std::uint32_t, std::uint32_t row) { set(row, match[row]); }); });
        }

    private:
        std::shared_ptr<right_side> right_;
        std::size_t column_;
        bool nullable_;
        int match_, out_;
    };

    // A join that can make several rows of one: columns 0.. are the left ones, then the right ones.
    class join_source final : public row_source {
    public:
        struct right_column {
            std::size_t column;
            bool nullable;
        };
        join_source(join_kind kind, plan left, std::vector<int> left_slots, std::vector<int> keys, std::shared_ptr<right_side> right,
                    std::vector<right_column> right_columns)
            : kind_(kind), left_(std::move(left)), left_slots_(std::move(left_slots)), keys_(std::move(keys)), right_(std::move(right)),
              right_columns_(std::move(right_columns)) {}

        void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) override {
            const auto is_needed = [&](std::size_t i) { return i < needed.size() && needed[i]; };
            std::vector<int> outputs = keys_;
            for (std::size_t i = 0; i < left_slots_.size(); ++i)
                if (is_needed(i)) outputs.push_back(left_slots_[i]);
            for (std::size_t i = 0; i < right_columns_.size(); ++i)
                if (is_needed(left_slots_.size() + i)) right_->want(right_columns_[i].column);
            right_->prepare(executor);
            join_consumer through(*this, needed, consumer);
            left_.run(outputs, executor, through);
        }
        std::string describe() const override { return "join of " + left_.source()->describe(); }
        bool rescannable() const override { return left_.source()->rescannable(); }
        bool stable_text(std::size_t column) const override {
            return column >= left_slots_.size() || left_.at(left_slots_[column]).stable;
        }

    private:
        class worker final : public morsel_worker {
        public:
            worker(const join_source& join, const std::vector<bool>& needed, std::unique_ptr<morsel_worker> next)
                : join_(join), needed_(needed), next_(std::move(next)), memory_(join.left_slots_.size() + join.right_columns_.size()) {
                out_.slots.resize(join.left_slots_.size() + join.right_columns_.size());
            }
            void take(const chunk& c) override {
                const left_keys keys(c, join_.keys_, *join_.right_);
                c.each([&](std::uint32_t k, std::uint32_t row) {
                    std::uint32_t match = keys.match(k, row);
                    if (!match && join_.kind_ == join_kind::left) add(c, row, 0);
                    for (; match; match = keys.next_match(match, k, row)) add(c, row, match);
                });
                flush(c);
            }
            void finish() override { next_->finish(); }

        private:
            void add(const chunk& c, std::uint32_t row, std::uint32_t match) {
                rows_[count_] = row;
                match_[count_] = match;
                if (++count_ == chunk_rows) flush(c);
            }
            void flush(const chunk& c) {
                if (count_ == 0) return;
                out_.rows = out_.selected = count_;
                out_.first_row = c.first_row;
                const std::size_t n = join_.left_slots_.size();
                for (std::size_t i = 0; i < needed_.size() && i < out_.slots.size(); ++i) {
                    if (!needed_[i]) continue;
                    if (i < n) copy_left(c, i);
                    else
                        gather_right(join_.right_->column(join_.right_columns_[i - n].column), join_.right_columns_[i - n].nullable, out_.slots[i], memory_,
                                     static_cast<int>(i), [&](auto&& set) {
                                         for (std::uint32_t k = 0; k < count_; ++k) set(k, match_[k]);
                                     });
                }
                next_->take(out_);
                count_ = 0;
            }
            void copy_left(const chunk& c, std::size_t i) {
                const int slot_number = join_.left_slots_[i];
                const slot& s = join_.left_.at(slot_number);
                const slot_view& from = c.slots[static_cast<std::size_t>(slot_number)];
                const std::size_t bytes = (s.type == type_id::text ? sizeof(std::string_view) : size_of(s.type)) * from.width;
                const auto* values = from.as<std::byte>();
                auto* to = memory_.values<std::byte>(static_cast<int>(i), bytes);
                for (std::uint32_t k = 0; k < count_; ++k) std::memcpy(to + k * bytes, values + rows_[k] * bytes, bytes);
                out_.slots[i] = {to};
                out_.slots[i].width = from.width;
                if (s.nullable) {
                    std::uint8_t* bits = memory_.validity(static_cast<int>(i));
                    std::memset(bits, 0, chunk_rows / 8);
                    for (std::uint32_t k = 0; k < count_; ++k)
                        bits[k >> 3] = static_cast<std::uint8_t>(bits[k >> 3] | (unsigned{from.valid(rows_[k])} << (k & 7)));
                    out_.slots[i].validity = bits;
                }
            }

            const join_source& join_;
            const std::vector<bool>& needed_;
            std::unique_ptr<morsel_worker> next_;
            scratch memory_;
            chunk out_;
            std::uint32_t count_ = 0;
            std::uint32_t rows_[chunk_rows];
            std::uint32_t match_[chunk_rows];
        };
        class join_consumer final : public morsel_consumer {
        public:
            join_consumer(const join_source& join, const std::vector<bool>& needed, morsel_consumer& next) : join_(join), needed_(needed), next_(next) {}
            std::unique_ptr<morsel_worker> start(std::size_t morsel) override { return std::make_unique<worker>(join_, needed_, next_.start(morsel)); }

        private:
            const join_source& join_;
            const std::vector<bool>& needed_;
            morsel_consumer& next_;
        };

        join_kind kind_;
        plan left_;
        std::vector<int> left_slots_, keys_;
        std::shared_ptr<right_side> right_;
        std::vector<right_column> right_columns_;
    };
};

using right_side = join_engine<>::right_side;
using lookup_step = join_engine<>::lookup_step;
using gather_step = join_engine<>::gather_step;
using join_source = join_engine<>::join_source;

}  // namespace SEGKIT_NAMESPACE::detail
