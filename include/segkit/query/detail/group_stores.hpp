// segkit/query/detail/group_stores.hpp: where a group-by keeps its groups: as few groups, or in a partition of many.
//
// Both take rows block by block, in row order, and bring the states of their groups up to date. What the rows bring is a record_block
// (for a partition) or a numbered_block (for few groups); a writer makes the records of a morsel. group_engine.hpp says when which is used.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/arena.hpp>
#include <segkit/query/detail/group_layout.hpp>
#include <segkit/query/detail/key_numbers.hpp>
#include <segkit/query/detail/number_table.hpp>
#include <segkit/statistics/moments.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Members of a template only so that who includes this header and groups nothing does not compile them.
template <class = void>
struct group_stores {
    // Where a group was first seen.
    struct first_seen {
        std::uint32_t morsel;
        std::uint32_t position;
    };

    // Records of one partition from one morsel, one after the other.
    struct record_block {
        const std::byte* records;
        std::uint32_t count;
        std::uint32_t stride;
        const std::byte* at(std::uint32_t k) const { return records + std::size_t{k} * stride; }
        row_block seen_by(const grouped_accumulator& a, const group_layout& layout) const {
            const auto field = [&](int f) { return f < 0 ? block_values{} : block_values{records + layout.fields[static_cast<std::size_t>(f)].offset, stride}; };
            return {count, field(a.field), field(a.second_field), {records, stride}};
        }
    };
    // Rows of few groups: the number of each one's group, and the fields as columns.
    struct numbered_block {
        std::uint32_t count;
        const std::uint32_t* numbers;
        block_values masks;
        const block_values* fields;
        row_block seen_by(const grouped_accumulator& a) const {
            const auto field = [&](int f) { return f < 0 ? block_values{} : fields[f]; };
            return {count, field(a.field), field(a.second_field), masks};
        }
    };

    // Rows of one morsel: of few groups in `numbered`, of many by partition.
    struct morsel_records {
        std::uint32_t rows = 0;
        bool more_rows = false;                    // than that counts
        std::unique_ptr<arena> memory;
        std::unique_ptr<key_numbers> keys;         // of the numbered ones, which come first
        std::vector<numbered_block> numbered;
        std::vector<std::vector<record_block>> blocks;

        // Blocks of records, smaller at first than later, since most morsels of small data touch every partition, and never so large that
        // much of the last one stays empty.
        class writer {
        public:
            writer(morsel_records& to, std::uint32_t stride) : to_(to), stride_(stride) { to.blocks.resize(partition_count); }
            std::byte* next(std::size_t p) {
                std::byte* record = next_[p];
                if (record == end_[p]) record = open(p);
                next_[p] = record + stride_;
                __builtin_prefetch(record + 2 * stride_ - 1, 1);    // of the next one: so many streams no CPU foresees
                return record;
            }
            void close() {
                for (std::size_t p = 0; p < partition_count; ++p)
                    if (end_[p]) to_.blocks[p].back().count -= static_cast<std::uint32_t>(end_[p] - next_[p]) / stride_;
            }

        private:
            [[gnu::noinline]] std::byte* open(std::size_t p) {
                auto& written = to_.blocks[p];
                const std::uint32_t count = end_[p] ? std::min(2 * written.back().count, block_rows / 2) : 32;
                next_[p] = to_.memory->take(std::size_t{stride_} * count);
                end_[p] = next_[p] + std::size_t{stride_} * count;
                written.push_back({next_[p], count, stride_});
                return next_[p];
            }

            morsel_records& to_;
            std::uint32_t stride_;
            std::array<std::byte*, partition_count> next_{}, end_{};
        };

        // The numbered records by partition, before the others.
        void partition(const group_layout& layout) {
            auto later = std::exchange(blocks, {});
            writer to(*this, layout.stride);
            std::uint32_t position = 0;
            for (const numbered_block& block : numbered)
                for (std::uint32_t k = 0; k < block.count; ++k) {
                    const std::uint32_t number = block.numbers[k];
                    const std::uint64_t hash = keys->hash(number);
                    std::byte* record = to.next(layout.partition_of(keys->key(number), hash));
                    if (layout.mask_words) std::memcpy(record, block.masks.at(k), 8 * layout.mask_words);
                    for (std::size_t f = 0; f < layout.fields.size(); ++f)
                        std::memcpy(record + layout.fields[f].offset, block.fields[f].at(k), block.fields[f].stride);
                    store(record + layout.place, position++);
                    if (layout.hash) store(record + layout.hash, static_cast<std::uint32_t>(hash));
                    std::memcpy(record + layout.key, keys->key(number), layout.key_bytes);
                }
            to.close();
            numbered.clear();
            for (std::size_t p = 0; p < later.size(); ++p) blocks[p].insert(blocks[p].end(), later[p].begin(), later[p].end());
        }
    };

    // Few groups: accumulators have cache lines of their own in each, so that they can be updated by different threads.
    class few_groups {
    public:
        // `apart`: several threads will be at it.
        few_groups(const group_layout& layout, bool apart) : keys(layout), layout_(layout), lanes_(layout.accumulators.size()) {
            const std::size_t alignment = apart ? two_cache_lines : 8;
            std::size_t bytes = 0;
            for (const auto& a : layout.accumulators) {
                offsets_.push_back(static_cast<std::uint32_t>(bytes));
                bytes += (a->state_bytes() + alignment - 1) / alignment * alignment;
            }
            groups_ = state_store(bytes);
        }

        std::uint32_t size() const { return static_cast<std::uint32_t>(first_.size()); }
        const first_seen& first(std::uint32_t group) const { return first_[group]; }
        std::byte* const* groups() const { return places_.data(); }
        std::uint32_t offset_of(std::size_t accumulator) const { return offsets_[accumulator]; }

        // States for the keys that were added since.
        void start(std::uint32_t morsel) {
            for (std::uint32_t g = size(); g < keys.size(); ++g) {
                first_.push_back({morsel, keys.first_row(g)});
                groups_.grow_to(g + 1, group_memory_);
                places_.push_back(groups_.at(g));
                for (std::size_t a = 0; a < offsets_.size(); ++a) layout_.accumulators[a]->start(places_.back() + offsets_[a]);
            }
        }
        // Brings one accumulator up to date with the rows of a block; `fresh` are the first rows of their groups.
        // (Those that keep values with the number of their group are here only where there is one group.)
        void update(std::size_t accumulator, const numbered_block& block, std::byte* const* group_of, const std::uint32_t* fresh, std::uint32_t fresh_count) {
            const grouped_accumulator& a = *layout_.accumulators[accumulator];
            lane& l = lanes_[accumulator];
            a.update(block.seen_by(a), {block.numbers, group_of, offsets_[accumulator], fresh, fresh_count, places_.data(), size()}, l.kept, l.memory);
        }
        void seal(std::size_t accumulator) {
            layout_.accumulators[accumulator]->seal(size(), groups_, offsets_[accumulator], lanes_[accumulator].kept, lanes_[accumulator].memory);
            lanes_[accumulator].kept = {};
        }

        key_numbers keys;

    private:
        static constexpr std::size_t two_cache_lines = 128;    // they are fetched in pairs
        struct alignas(two_cache_lines) lane {    // of one accumulator
            arena memory;
            kept_values kept;
        };

        const group_layout& layout_;
        std::vector<lane> lanes_;
        std::vector<std::uint32_t> offsets_;    // of each accumulator's states
        arena group_memory_;
        state_store groups_;
        std::vector<std::byte*> places_;
        std::vector<first_seen> first_;
    };

    // One partition: an open-addressing table from key to group, and the groups. A group is its key, and behind it the states: what a
    // row touches of its group lies together.
    class group_partition {
    public:
        group_partition(const group_layout& layout, slab_pool& pool)
            : layout_(&layout), form_(layout.form()), memory_(pool), groups_(layout.key_bytes + layout.state_bytes), kept_(layout.accumulators.size()),
              table_(layout.range.dense() ? 0 : 64, 2), group_at_(layout.range.places()) {}

        void update(const record_block& rows, std::uint32_t morsel) {
            for (std::uint32_t first = 0; first < rows.count; first += rows_at_once) {
                const record_block part{rows.at(first), std::min(rows_at_once, rows.count - first), rows.stride};
                if (layout_->range.dense()) update_dense(part, morsel);
                else if (form_ == key_form::one_word) update_as<key_form::one_word>(part, morsel);
                else if (form_ == key_form::one_text) update_as<key_form::one_text>(part, morsel);
                else update_as<key_form::any>(part, morsel);
            }
        }
        // Asks for all groups one after the other, which is how memory gives them fastest, before many rows look for them anywhere.
        void fetch() const {
            for (std::uint32_t first = 0; first < size(); first += state_store::groups_per_block) {
                const std::byte* at = groups_.at(first);
                const std::size_t bytes = std::min(size() - first, state_store::groups_per_block) * groups_.bytes();
                for (std::size_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch(at + byte, 1, 2);
            }
        }
        // Takes over a group and its states.
        void move_in(const few_groups& from, std::uint32_t group) {
            const std::byte* key = from.keys.key(group);
            const auto hash = static_cast<std::uint32_t>(from.keys.hash(group));
            std::byte* to = add_key<key_form::any>(key);
            note(from.first(group), to);
            if (layout_->range.dense()) group_at_[layout_->range.place_of(load<std::uint64_t>(key))] = size();
            else table_.enter(hash);
            std::byte* const count = to + layout_->key_bytes;
            for (std::size_t a = 0; a < layout_->accumulators.size(); ++a)
                layout_->accumulators[a]->move_beside_count(from.groups()[group] + from.offset_of(a), to + state_at_of(a), count);
        }
        void seal() {
            for (std::size_t a = 0; a < layout_->accumulators.size(); ++a) {
                layout_->accumulators[a]->seal(size(), groups_, state_at_of(a), kept_[a], memory_);
                kept_[a] = {};
            }
            table_.clear();
            group_at_ = {};
        }

        std::uint32_t size() const { return static_cast<std::uint32_t>(first_.size()); }
        const first_seen& first(std::uint32_t group) const { return first_[group]; }
        const std::byte* group(std::uint32_t number) const { return groups_.at(number); }
        // The bytes of the texts of its key, in the order of the layout.
        const std::uint32_t* text_sizes(std::uint32_t group) const { return text_sizes_.data() + group * layout_->text_keys.size(); }
        std::size_t bytes() const { return size() * groups_.bytes(); }

    private:
        static constexpr std::uint32_t rows_at_once = 128;    // whose groups' states fit into the nearest cache

        std::uint32_t state_at_of(std::size_t a) const { return layout_->key_bytes + layout_->accumulators[a]->state_offset; }

        template <key_form Form>
        void update_as(const record_block& rows, std::uint32_t morsel) {
            // Groups lie anywhere in memory: ask for all of a block's before the first is used. Nobody can foretell which keys are new, or
            // lie beside their place: there is no branch for it until those rows are all known.
            std::array<std::uint32_t, rows_at_once> group_of, hash_of, fresh, missed;
            std::array<std::byte*, rows_at_once> state_of;
            std::uint32_t fresh_count = 0, missed_count = 0;
            const std::uint32_t count = rows.count, stride = rows.stride, key = layout_->key, last = table_.last();
            const std::uint32_t* table = table_.places();
            const std::byte* record = rows.records;
            for (std::uint32_t k = 0; k < count; ++k, record += stride) {
                hash_of[k] = layout_->template hash_of<Form>(record);
                __builtin_prefetch(&table[hash_of[k] & last]);
            }
            const auto add = [&](std::uint32_t k) {
                const std::uint32_t before = size();
                group_of[k] = find_or_add<Form>(rows.at(k) + key, hash_of[k], morsel, rows.at(k));
                state_of[k] = groups_.at(group_of[k]);
                if (size() > before) fresh[fresh_count++] = k;
            };
            if (size() == 0) add(0);
            with_lines(groups_.bytes(), [&](auto lines) {
                for (std::uint32_t k = 0; k < count; ++k) {
                    const std::uint32_t hash = hash_of[k], here = table[hash & last], beside = table[(hash + 1) & last];
                    const std::uint32_t is_here = 0 - std::uint32_t{((here ^ hash) & ~last) == 0};
                    const std::uint32_t place = beside ^ ((here ^ beside) & is_here);
                    group_of[k] = (place & last) - (place != 0);    // if it is none of both, any other is as good
                    state_of[k] = groups_.at(group_of[k]);
                    for (std::size_t line = 0; line < lines; ++line) __builtin_prefetch(state_of[k] + 64 * line, 1);
                }
            });
            record = rows.records + key;
            for (std::uint32_t k = 0; k < count; ++k, record += stride) {
                missed[missed_count] = k;
                missed_count += !layout_->template same_key<Form>(state_of[k], record);
            }
            for (std::uint32_t i = 0; i < missed_count; ++i) add(missed[i]);
            update_states(rows, {group_of.data(), state_of.data(), 0, fresh.data(), fresh_count, nullptr, 0});
        }
        // Keys of a dense range: their place says which group it is. Without a branch, since nobody can foretell which keys are new.
        void update_dense(const record_block& rows, std::uint32_t morsel) {
            std::array<std::uint32_t, block_rows> group_of, fresh;
            std::array<std::byte*, block_rows> state_of;
            std::uint32_t fresh_count = 0, groups = size();
            const std::uint32_t count = rows.count, stride = rows.stride, before = groups;
            const std::size_t group_bytes = groups_.bytes();
            const std::byte* key = rows.records + layout_->key;
            const auto range = layout_->range;
            std::uint32_t* group_at = group_at_.data();
            for (std::uint32_t k = 0; k < count; ++k, key += stride) {
                std::uint32_t& at = group_at[range.place_of(load<std::uint64_t>(key))];
                const bool is_new = at == 0;
                groups += is_new;
                at = is_new ? groups : at;
                group_of[k] = at - 1;
                fresh[fresh_count] = k;
                fresh_count += is_new;
            }
            groups_.grow_to(groups, memory_);
            with_lines(group_bytes, [&](auto lines) {
                for (std::uint32_t k = 0; k < count; ++k) {
                    state_of[k] = groups_.at(group_of[k]);
                    for (std::size_t line = 0; line < lines; ++line) __builtin_prefetch(state_of[k] + 64 * line, 1);
                }
            });
            for (std::uint32_t i = 0; i < fresh_count; ++i) {
                const std::byte* record = rows.at(fresh[i]);
                std::byte* group = groups_.at(before + i);
                std::memcpy(group, record + layout_->key, 8);
                start({morsel, load<std::uint32_t>(record + layout_->place)}, group);
            }
            update_states(rows, {group_of.data(), state_of.data(), 0, fresh.data(), fresh_count, nullptr, 0});
        }
        // f(how many cache lines a group lies in), by type where they are few.
        template <class F>
        static void with_lines(std::size_t bytes, F f) {
            if (bytes <= 64) f(std::integral_constant<std::size_t, 1>{});
            else if (bytes <= 128) f(std::integral_constant<std::size_t, 2>{});
            else if (bytes <= 192) f(std::integral_constant<std::size_t, 3>{});
            else f((bytes + 63) / 64);
        }
        void update_states(const record_block& rows, group_block groups) {
            std::array<doubled_group, rows_at_once> doubled;
            if (layout_->has_count) {
                groups.doubled = doubled.data();
                groups.doubled_count = count_rows(groups.state, rows.count, doubled.data());
            }
            for (std::size_t a = 0; a < layout_->accumulators.size(); ++a) {
                if (layout_->is_shared_count(*layout_->accumulators[a])) continue;
                groups.offset = state_at_of(a);
                layout_->accumulators[a]->update(rows.seen_by(*layout_->accumulators[a], *layout_), groups, kept_[a], memory_);
            }
        }
        // Returns how many of `doubled` there are.
        std::uint32_t count_rows(std::byte* const* group, std::uint32_t rows, doubled_group* doubled) const {
            constexpr std::int64_t first = shifted_moments::first_centred;
            static_assert((first & (first - 1)) == 0, "one mask tells the powers of two from it on");
            const std::size_t at = layout_->key_bytes;
            std::uint32_t n = 0;
            for (std::uint32_t k = 0; k < rows; ++k) {
                std::byte* const place = group[k] + at;
                const std::int64_t count = load<std::int64_t>(place) + 1;
                store(place, count);
                if ((count & ((count - 1) | (first - 1))) == 0) [[unlikely]] doubled[n++] = {k, count};
            }
            return n;
        }
        // What is known of a new group, whose key is there.
        void note(first_seen first, const std::byte* group) {
            first_.push_back(first);
            for (const std::uint32_t text : layout_->text_keys) text_sizes_.push_back(load<std::uint32_t>(group + text));
        }
        // The states of a new group.
        void start(first_seen first, std::byte* group) {
            note(first, group);
            if (layout_->state_bytes != 0) std::memcpy(group + layout_->key_bytes, layout_->initial.data(), layout_->state_bytes);
            for (const grouped_accumulator* a : layout_->started) a->start_beside_count(group + layout_->key_bytes + a->state_offset);
        }

        template <key_form Form>
        std::uint32_t find_or_add(const std::byte* key, std::uint32_t hash, std::uint32_t morsel, const std::byte* record) {
            return table_.find_or_add(
                hash, [&](std::uint32_t group) { return layout_->template same_key<Form>(groups_.at(group), key); },
                [&] {
                    start({morsel, load<std::uint32_t>(record + layout_->place)}, add_key<Form>(key));
                    return size() - 1;
                });
        }
        // Memory for a group that comes next, with its key.
        template <key_form Form>
        std::byte* add_key(const std::byte* key) {
            groups_.grow_to(size() + 1, memory_);
            std::byte* group = groups_.at(size());
            layout_->template keep_key<Form>(group, key, memory_);
            return group;
        }

        const group_layout* layout_;
        key_form form_;
        arena memory_;
        state_store groups_;
        std::vector<kept_values> kept_;
        std::vector<first_seen> first_;
        std::vector<std::uint32_t> text_sizes_;
        number_table table_;
        std::vector<std::uint32_t> group_at_;    // group + 1, or 0, of each key of a dense range
    };
};

}  // namespace SEGKIT_NAMESPACE::detail
