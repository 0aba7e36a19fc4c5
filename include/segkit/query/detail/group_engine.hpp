// segkit/query/detail/group_engine.hpp: the run-time part of group-by. No names, no schemas: slots, offsets and types.
//
// While there are few groups, each row gets its group's number from a small table, and each accumulator is brought up to date by
// itself, over columns. Accumulators, not rows, are then what threads share out. When the groups no longer fit into the near caches:
// 1. Each morsel writes what is needed of its rows as small records, split by key into a fixed number of partitions.
// 2. Records wait until they take twice the memory of the groups so far. Then each partition takes them in morsel order,
//    finds the group of each and updates the states block by block, while the partition's groups are in the cache. The
//    records' memory is used again: memory grows with the groups, not with the rows.
// Integer keys that lie densely, in a column in memory, find their group by place; keys that a join took from its right side by
// that row, whose key is numbered beforehand (row_keys.hpp); other keys by hash.
// Groups leave in the order in which their first rows stand in the input. Rows of one group always update it in row order, so
// results are the same bits for any executor and chunking, and whichever way the groups went.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/arena.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/table_source.hpp>
#include <segkit/query/detail/group_layout.hpp>
#include <segkit/query/detail/group_stores.hpp>
#include <segkit/query/detail/key_numbers.hpp>
#include <segkit/query/detail/row_keys.hpp>
#include <segkit/query/detail/stored_values.hpp>
#include <segkit/statistics/number_states.hpp>

namespace SEGKIT_NAMESPACE::detail {

// The engine itself: members of a template only so that who includes this header and groups nothing does not compile it.
template <class Stores = void>
struct group_engine {
    using first_seen = typename group_stores<Stores>::first_seen;
    using record_block = typename group_stores<Stores>::record_block;
    using numbered_block = typename group_stores<Stores>::numbered_block;
    using morsel_records = typename group_stores<Stores>::morsel_records;
    using few_groups = typename group_stores<Stores>::few_groups;
    using group_partition = typename group_stores<Stores>::group_partition;

    // Everything the morsels of one group-by share: the records that wait, in row order, and the groups they go to.
    class group_tables {
    public:
        // With one thread morsels come one after the other, so that rows of few groups need not wait in records.
        group_tables(const group_layout& layout, unsigned threads) : layout_(layout), few_(layout, threads > 1), threads_(threads), in_order_(threads == 1) {
            // Those that keep values gain by being split, even where there are few groups.
            if (layout.state_grows() && !layout.keys.empty()) many_ = true;
            most_few_ = static_cast<std::uint32_t>(std::clamp<std::size_t>(few_bytes / (layout.key_bytes + layout.state_bytes + 64), 512, 16384));
            if (many_) make_partitions();
        }

        const group_layout& layout() const { return layout_; }
        few_groups& few() { return few_; }
        std::uint32_t most_few() const { return most_few_; }
        // The numbers of the keys, where all come from rows held in memory.
        row_keys<>& by_row() { return by_row_; }
        // Whether a morsel that begins should count on few groups.
        bool expects_few() const { return !many_.load(std::memory_order_relaxed); }
        void expect_many() { many_.store(true, std::memory_order_relaxed); }
        // Whether the rows of this morsel may be given to few() as they come.
        bool is_next_of_few(std::size_t morsel) {
            const std::lock_guard hold(lock_);
            return in_order_ && partitions_.empty() && morsel == next_;
        }

        // Memory for the records of a morsel: that of others which have been worked off, where there is any.
        std::unique_ptr<arena> record_memory() {
            const std::lock_guard hold(lock_);
            if (spare_.empty()) return std::make_unique<arena>(*record_pool_);
            auto memory = std::move(spare_.back());
            spare_.pop_back();
            return memory;
        }

        // Hands over a finished morsel. Where enough records wait, the calling thread works them off, or helps the one that does;
        // nobody waits for anybody.
        void bring(std::size_t morsel, morsel_records records) {
            std::shared_ptr<batch> work;
            {
                const std::lock_guard hold(lock_);
                if (rows_.size() <= morsel) rows_.resize(morsel + 1, 0);
                rows_[morsel] = records.rows;
                more_rows_ = more_rows_ || records.more_rows;
                waiting_.emplace_back(morsel, std::move(records));
                std::push_heap(waiting_.begin(), waiting_.end(), comes_later);
                for (; !waiting_.empty() && waiting_.front().first == next_; ++next_) {
                    std::pop_heap(waiting_.begin(), waiting_.end(), comes_later);
                    morsel_records next = std::move(waiting_.back().second);
                    waiting_.pop_back();
                    if (next.numbered.empty() && next.blocks.empty()) {    // its rows have been used
                        next.memory->reset();
                        spare_.push_back(std::move(next.memory));
                    } else {
                        ready_bytes_ += next.memory->taken();
                        ready_.push_back({next_, std::move(next)});
                    }
                }
                if (ready_bytes_ < (partitions_.empty() ? few_bytes : enough_)) return;
                if (!current_) current_ = take_ready();
                work = current_;
            }
            work_off(*work);
        }

        // The groups as rows, first seen first; keys, then outputs.
        table_data finish(executor_ref executor) {
            if (!waiting_.empty()) throw_morsel_missing(next_, waiting_.front().first);
            while (!ready_.empty()) {
                const auto rest = take_ready();
                executor.run(rest->tasks, [&](std::size_t task) { work_off(*rest, task); });
            }
            spare_.clear();
            if (partitions_.empty() || layout_.state_grows()) record_pool_.reset();
            if (partitions_.empty()) return finish_few(executor);
            if (more_rows_) throw_too_many_rows();    // what a group's first row is would be lost
            executor.run(partitions_.size(), [&](std::size_t p) { partitions_[p].seal(); });
            return finish_many(executor);
        }

        // A join of many matches may make so many of the rows of one morsel.
        [[noreturn]] static void throw_too_many_rows() {
            throw error({.code = error_code::overflow,
                         .stage = "group_by",
                         .found = "a piece of the input with more than 4294967295 rows",
                         .expected = "fewer, where there are many groups",
                         .advice = "aggregate a side of the join before joining, or check its keys"});
        }

    private:
        using numbered_morsel = std::pair<std::size_t, morsel_records>;
        static bool comes_later(const numbered_morsel& a, const numbered_morsel& b) { return a.first > b.first; }

        // Records to be worked off by tasks: each with some accumulators while there are few groups, else one per partition.
        struct batch {
            std::vector<numbered_morsel> morsels;                           // in row order
            std::vector<std::vector<std::uint32_t>> numbers;                // of few groups: for each morsel's own numbers those of all
            std::vector<std::vector<std::uint32_t>> fresh;                  // rows that are the first of their groups
            std::size_t tasks = 0;
            bool few = false;
            std::atomic<std::size_t> next_task{0}, done{0};
        };

        std::shared_ptr<batch> take_ready() {
            auto b = std::make_shared<batch>();
            if (partitions_.empty()) {
                take_few(*b);
                if (!b->morsels.empty()) return b;
                make_partitions();
            }
            b->morsels = std::exchange(ready_, {});
            for (auto& [morsel, records] : b->morsels)
                if (!records.numbered.empty()) records.partition(layout_);
            b->few = false;
            b->tasks = partitions_.size();
            ready_bytes_ = 0;
            return b;
        }
        // The numbered records that wait, up to where others come or the groups are no longer few.
        void take_few(batch& b) {
            std::size_t taken = 0;
            for (; taken < ready_.size() && few_.size() <= most_few_; ++taken) {
                auto& [morsel, records] = ready_[taken];
                if (records.keys) {
                    std::vector<std::uint32_t> numbers, fresh;
                    for (std::uint32_t g = 0; g < records.keys->size(); ++g) {
                        const std::uint32_t row = records.keys->first_row(g);
                        numbers.push_back(few_.keys.find_or_add(records.keys->key(g), records.keys->hash(g), row));
                        if (few_.keys.size() > few_.size()) fresh.push_back(row);
                        few_.start(static_cast<std::uint32_t>(morsel));
                    }
                    b.numbers.push_back(std::move(numbers));
                    b.fresh.push_back(std::move(fresh));
                    morsel_records few;
                    few.numbered = std::exchange(records.numbered, {});
                    few.memory = records.blocks.empty() ? std::move(records.memory) : nullptr;
                    b.morsels.push_back({morsel, std::move(few)});
                    records.keys.reset();
                }
                if (!records.blocks.empty()) break;
            }
            ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(taken));
            b.few = true;
            b.tasks = std::clamp<std::size_t>(layout_.accumulators.size(), 1, threads_);
            ready_bytes_ = 0;
            for (const auto& [morsel, records] : ready_) ready_bytes_ += records.memory->taken();
        }
        // Partitions for many groups; those so far move there.
        void make_partitions() {
            many_.store(true, std::memory_order_relaxed);
            partitions_.reserve(partition_count);
            for (std::size_t i = 0; i < partition_count; ++i) partitions_.emplace_back(layout_, pool_);
            for (std::uint32_t g = 0; g < few_.size(); ++g) partitions_[layout_.partition_of(few_.keys.key(g), few_.keys.hash(g))].move_in(few_, g);
        }

        void work_off(const batch& b, std::size_t task) {
            if (!b.few) {
                const record_block* ahead = nullptr;    // each block is fetched while the one before is worked off
                std::uint32_t morsel_of_ahead = 0;
                const auto next = [&](const record_block* block, std::uint32_t morsel) {
                    if (block)
                        for (std::size_t line = 0; line < std::size_t{block->count} * block->stride; line += 64) __builtin_prefetch(block->records + line);
                    if (ahead) partitions_[task].update(*ahead, morsel_of_ahead);
                    ahead = block;
                    morsel_of_ahead = morsel;
                };
                std::size_t rows = 0;
                for (const auto& [morsel, records] : b.morsels)
                    for (const record_block& block : records.blocks[task]) rows += block.count;
                if (rows >= partitions_[task].size()) partitions_[task].fetch();
                for (const auto& [morsel, records] : b.morsels)
                    for (const record_block& block : records.blocks[task]) next(&block, static_cast<std::uint32_t>(morsel));
                next(nullptr, 0);
            } else {
                for (std::size_t m = 0; m < b.morsels.size(); ++m) update_few(b.morsels[m].second, b.numbers[m], b.fresh[m], task, b.tasks);
            }
        }
        // Accumulators `first`, `first` + `step`, ...
        void update_few(const morsel_records& records, const std::vector<std::uint32_t>& numbers, const std::vector<std::uint32_t>& fresh, std::size_t first, std::size_t step) {
            std::vector<std::byte*> states;
            for (const std::uint32_t number : numbers) states.push_back(few_.groups()[number]);
            std::array<std::uint32_t, block_rows> fresh_here;
            std::array<std::byte*, block_rows> state_of;
            std::size_t next_fresh = 0;
            std::uint32_t row = 0;
            for (const numbered_block& block : records.numbered) {
                std::uint32_t fresh_count = 0;
                for (; next_fresh < fresh.size() && fresh[next_fresh] < row + block.count; ++next_fresh) fresh_here[fresh_count++] = fresh[next_fresh] - row;
                for (std::uint32_t k = 0; k < block.count; ++k) state_of[k] = states[block.numbers[k]];
                for (std::size_t a = first; a < layout_.accumulators.size(); a += step) few_.update(a, block, state_of.data(), fresh_here.data(), fresh_count);
                row += block.count;
            }
        }
        void work_off(batch& b) {
            for (std::size_t task; (task = b.next_task.fetch_add(1)) < b.tasks;) {
                work_off(b, task);
                if (b.done.fetch_add(1) + 1 < b.tasks) continue;
                const std::lock_guard hold(lock_);
                for (auto& [morsel, records] : b.morsels) {
                    if (!records.memory) continue;
                    records.memory->reset();
                    spare_.push_back(std::move(records.memory));
                }
                current_.reset();
                std::size_t held = 0;
                for (const group_partition& groups : partitions_) held += groups.bytes();
                enough_ = std::max(least_waiting, 2 * held);
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

        table_data finish_few(executor_ref executor) {
            if (layout_.keys.empty() && few_.size() == 0) {    // what an aggregate over no rows reports
                std::uint32_t number;
                few_.keys.number({}, 0, 0, 0, &number);
                few_.start(0);
            }
            executor.run(layout_.accumulators.size(), [&](std::size_t a) { few_.seal(a); });
            std::vector<const std::byte*> groups(few_.size());
            table_data out = output_of(groups.size());
            std::size_t i = 0;
            for (const record_key& k : layout_.keys) {
                for (std::uint32_t g = 0; g < few_.size(); ++g) groups[g] = few_.keys.key(g);
                finish_key(result_rows(out.columns[i++], 0, groups.size()), k, groups.data(), groups.size());
            }
            for (const group_output& o : layout_.outputs) {
                result_rows rows(out.columns[i++], 0, groups.size());
                finish_output(rows, o, {few_.groups(), groups.size(), few_.offset_of(o.accumulator), no_count}, [&](std::size_t g) { return few_.keys.key(static_cast<std::uint32_t>(g)); });
            }
            return out;
        }
        table_data finish_many(executor_ref executor) {
            // A bitmap of first rows gives each group its rank without a sort.
            std::vector<std::uint64_t> base(rows_.size() + 1, 0);
            for (std::size_t m = 0; m < rows_.size(); ++m) base[m + 1] = base[m] + rows_[m];
            std::vector<std::uint64_t> seen(base.back() / 64 + 1, 0);
            std::size_t total = 0;
            const auto row_of = [&](const first_seen& f) { return base[f.morsel] + f.position; };
            for (const group_partition& groups : partitions_)
                for (std::uint32_t g = 0; g < groups.size(); ++g, ++total) {
                    const std::uint64_t row = row_of(groups.first(g));
                    seen[row / 64] |= std::uint64_t{1} << (row % 64);
                }
            std::vector<std::uint32_t> rank(seen.size() + 1, 0);
            for (std::size_t i = 0; i < seen.size(); ++i) rank[i + 1] = rank[i] + static_cast<std::uint32_t>(std::popcount(seen[i]));
            // Their sizes tell where the texts of each part will begin.
            constexpr std::size_t part_rows = std::size_t{1} << 16, rows_at_once = 64;
            const std::size_t part_count = (total + part_rows - 1) / part_rows, texts = layout_.text_keys.size();
            std::vector<std::int64_t> first_byte((part_count + 1) * texts, 0);
            const owned_memory<const std::byte*> ordered = take_memory<const std::byte*>(total);
            executor.run(partitions_.size(), [&](std::size_t p) {
                const group_partition& groups = partitions_[p];
                std::vector<std::int64_t> bytes(part_count * texts, 0);
                for (std::uint32_t g = 0; g < groups.size(); ++g) {
                    const std::uint64_t row = row_of(groups.first(g));
                    const std::uint64_t before = seen[row / 64] & ((std::uint64_t{1} << (row % 64)) - 1);
                    const std::size_t place = rank[row / 64] + static_cast<std::uint32_t>(std::popcount(before));
                    ordered[place] = groups.group(g);
                    for (std::size_t t = 0; t < texts; ++t) bytes[place / part_rows * texts + t] += groups.text_sizes(g)[t];
                }
                const std::lock_guard hold(lock_);
                for (std::size_t i = 0; i < bytes.size(); ++i) first_byte[texts + i] += bytes[i];
            });
            for (std::size_t i = texts; i < first_byte.size(); ++i) first_byte[i] += first_byte[i - texts];

            // Written in order, in blocks small enough that a group's states are fetched once for all columns. Columns of fixed
            // width, and texts of keys, are written into their final places, others part by part.
            table_data out = output_of(total);
            for (std::size_t i = 0, t = 0; i < layout_.keys.size(); ++i) {
                if (layout_.keys[i].type != type_id::text) continue;
                if (!layout_.keys[i].nullable) make_room_for_texts(out.columns[i], total, static_cast<std::size_t>(first_byte[part_count * texts + t]));
                ++t;
            }
            record_pool_.reset();
            std::vector<table_data> parts(part_count);
            executor.run(parts.size(), [&](std::size_t p) {
                parts[p] = output_of(0);
                const std::size_t end = std::min(total, (p + 1) * part_rows);
                for (std::size_t first = p * part_rows; first < end; first += rows_at_once) {
                    const std::size_t count = std::min(end - first, rows_at_once);
                    const std::size_t ahead = std::min(end - first - count, rows_at_once);
                    finish_groups(out, parts[p], ordered.get() + first, first, count, ahead, first_byte.data() + p * texts);
                }
            });
            for (std::size_t i = 0; i < out.columns.size(); ++i) {
                column_data& column = out.columns[i];
                if (is_text_of_key(i)) continue;
                if (column.type == type_id::text && !column.nullable) {
                    join_texts(column, i, parts, executor);
                } else if (!result_rows::has_fixed_width(column.type)) {
                    for (const table_data& part : parts) column.append_column(part.columns[i]);
                }
            }
            return out;
        }
        // Whether output column i holds texts of a key, none of them null.
        bool is_text_of_key(std::size_t i) const { return i < layout_.keys.size() && layout_.keys[i].type == type_id::text && !layout_.keys[i].nullable; }
        void make_room_for_texts(column_data& column, std::size_t rows, std::size_t bytes) const {
            column.values = {};
            grow_values(column.values, (rows + 1) * sizeof(std::int64_t));
            store(column.values.data(), std::int64_t{0});
            grow_values(column.bytes, bytes);
            column.rows = rows;
        }
        // Column i of all parts as one.
        static void join_texts(column_data& to, std::size_t i, const std::vector<table_data>& parts, executor_ref executor) {
            std::vector<std::size_t> first_row(parts.size() + 1, 0), first_byte(parts.size() + 1, 0);
            for (std::size_t p = 0; p < parts.size(); ++p) {
                first_row[p + 1] = first_row[p] + parts[p].columns[i].rows;
                first_byte[p + 1] = first_byte[p] + parts[p].columns[i].bytes.size();
            }
            to.rows = first_row.back();
            std::byte* bytes = to.bytes.grow(first_byte.back());
            std::byte* ends = to.values.grow(to.rows * sizeof(std::int64_t));
            executor.run(parts.size(), [&](std::size_t p) {
                const column_data& from = parts[p].columns[i];
                if (from.bytes.size()) std::memcpy(bytes + first_byte[p], from.bytes.data(), from.bytes.size());
                for (std::size_t row = 0; row < from.rows; ++row) {
                    const auto end = static_cast<std::int64_t>(first_byte[p]) + load<std::int64_t>(from.values.data() + (row + 1) * sizeof(std::int64_t));
                    store(ends + (first_row[p] + row) * sizeof end, end);
                }
            });
        }

        // Columns with room for so many rows, where their values have a fixed width.
        table_data output_of(std::size_t rows) const {
            table_data out;
            out.rows = rows;
            for (const record_key& k : layout_.keys) out.columns.emplace_back(k.type, k.nullable);
            for (const group_output& o : layout_.outputs) out.columns.emplace_back(o.type, o.nullable);
            for (column_data& c : out.columns) make_room(c, rows);
            return out;
        }
        column_data column_of(type_id type, bool nullable, std::size_t rows) const {
            column_data column(type, nullable);
            make_room(column, rows);
            return column;
        }
        void make_room(column_data& c, std::size_t rows) const {
            if (rows == 0 || !result_rows::has_fixed_width(c.type)) return;
            grow_values(c.values, rows * size_of(c.type));
            if (c.nullable) c.validity.grow((rows + 7) / 8);
            c.rows = rows;
        }
        // Large columns get the memory that records have had: the system need not clear it again.
        void grow_values(buffer& values, std::size_t bytes) const {
            auto used = record_pool_ && bytes >= large_page ? record_pool_->recycle(bytes) : nullptr;
            if (used) values.take_over(std::move(used), bytes);
            else values.grow(bytes);
        }
        // Keys and results of groups, as rows from `first` on. Meanwhile the groups that come next are fetched, some for each column.
        void finish_groups(table_data& fixed, table_data& other, const std::byte* const* groups, std::size_t first, std::size_t count, std::size_t ahead,
                           std::int64_t* text_end) const {
            const std::size_t lines = (layout_.key_bytes + layout_.state_bytes + 63) / 64, columns = fixed.columns.size();
            std::size_t i = 0, fetched = 0;
            const auto next = [&]() -> column_data& {
                column_data& column = result_rows::has_fixed_width(fixed.columns[i].type) || is_text_of_key(i) ? fixed.columns[i] : other.columns[i];
                ++i;
                for (const std::size_t end = ahead * i / columns; fetched < end; ++fetched)
                    for (std::size_t line = 0; line < lines; ++line) __builtin_prefetch(groups[count + fetched] + 64 * line);
                return column;
            };
            for (const record_key& k : layout_.keys) {
                const bool is_text = is_text_of_key(i);
                column_data& column = next();
                if (is_text)
                    *text_end = result_rows::write_texts(column.bytes.data(), column.values.data() + (first + 1) * sizeof *text_end, *text_end, count,
                                                         [&](std::size_t g) { return text_key::at(groups[g] + k.offset); });
                else finish_key(result_rows(column, first, count), k, groups, count);
                text_end += k.type == type_id::text;
            }
            for (const group_output& o : layout_.outputs) {
                result_rows out(next(), first, count);
                finish_output(out, o, {groups, count, layout_.key_bytes + layout_.accumulators[o.accumulator]->state_offset, layout_.has_count ? layout_.key_bytes : no_count},
                              [&](std::size_t g) { return groups[g]; });
            }
        }
        // The states of some groups.
        struct states_at {
            const std::byte* const* groups;
            std::size_t count, state_offset, count_offset;

            void finish(result_rows& out, const group_output& o) const { o.finish->finish(out, groups, count, state_offset, count_offset); }
        };
        // Results of one column. An error in them is given the column and the group: groups are finished again one by one to find it.
        template <class KeyAt>
        void finish_output(result_rows& out, const group_output& o, const states_at& states, KeyAt key_at) const {
            try {
                states.finish(out, o);
            } catch (const error& failure) {
                error_details details = failure.details();
                if (!details.field.empty()) throw;
                details.field = o.name;
                for (std::size_t g = 0; g < states.count && !layout_.keys.empty(); ++g) {
                    column_data one = column_of(o.type, o.nullable, 1);
                    result_rows row(one, 0, 1);
                    try {
                        states_at{states.groups + g, 1, states.state_offset, states.count_offset}.finish(row, o);
                    } catch (const error& of_group) {
                        details.found = of_group.details().found + " where " + shown_keys(key_at(g));
                        break;
                    }
                }
                throw error(std::move(details));
            }
        }
        std::string shown_keys(const std::byte* group) const {
            std::string shown;
            for (const record_key& k : layout_.keys) {
                column_data one = column_of(k.type, k.nullable, 1);
                finish_key(result_rows(one, 0, 1), k, &group, 1);
                shown += (shown.empty() ? "'" : " and '") + std::string(k.name) + "' is " + shown_key(one, 0);
            }
            return shown;
        }
        void finish_key(result_rows out, const record_key& key, const std::byte* const* groups, std::size_t count) const {
            if (key.type == type_id::text && !key.nullable) {
                out.put_texts(count, [&](std::size_t k) { return text_key::at(groups[k] + key.offset); });
                return;
            }
            with_key_value(key.type, [&]<class V>(std::type_identity<V>) {
                for (std::size_t k = 0; k < count; ++k) {
                    const std::byte* at = groups[k] + key.offset;
                    if (layout_.is_null(groups[k], key)) out.put(k, std::optional<V>());
                    else if constexpr (std::is_same_v<V, std::string_view>) out.put(k, text_key::at(at));
                    else out.put(k, load<V>(at));
                }
            });
        }

        static constexpr std::size_t least_waiting = std::size_t{24} << 20, few_bytes = std::size_t{1} << 20;

        const group_layout& layout_;
        slab_pool pool_;
        std::unique_ptr<slab_pool> record_pool_ = std::make_unique<slab_pool>();
        few_groups few_;
        row_keys<> by_row_;
        std::uint32_t most_few_;
        std::size_t threads_;
        bool in_order_;
        std::atomic<bool> many_{false};
        std::vector<group_partition> partitions_;    // none while there are few groups
        std::mutex lock_;                            // guards all below, and that there are partitions
        std::vector<std::uint32_t> rows_;            // per morsel
        std::vector<numbered_morsel> waiting_;       // for a morsel before them: a heap, the first on top
        std::vector<numbered_morsel> ready_;
        bool more_rows_ = false;                     // than are counted, in some morsel
        std::size_t next_ = 0, ready_bytes_ = 0, enough_ = least_waiting;
        std::shared_ptr<batch> current_;
        std::vector<std::unique_ptr<arena>> spare_;
    };

    // Writes the records of one morsel, or, where few groups are expected and the morsel is the next, brings them up to date at once.
    class group_worker final : public morsel_worker {
    public:
        group_worker(group_tables& tables, std::size_t morsel)
            : tables_(tables), layout_(tables.layout()), reader_(tables.layout()), morsel_(morsel), few_(tables.expects_few()),
              at_once_(few_ && tables.is_next_of_few(morsel)) {
            records_.memory = tables.record_memory();
            if (few_ && !at_once_) records_.keys = std::make_unique<key_numbers>(layout_);
        }

        void take(const chunk& c) override {
            if (records_.rows + c.selected < c.selected) [[unlikely]] records_.more_rows = true;
            if (records_.more_rows && !(few_ && at_once_)) [[unlikely]] group_tables::throw_too_many_rows();
            for (std::uint32_t first = 0; first < c.selected; first += block_rows) {
                const std::uint32_t n = std::min(block_rows, c.selected - first);
                if (few_) write_numbered(c, first, n);
                else if (layout_.one_word_key) write_by_word(c, first, n);
                else if (layout_.form() == key_form::one_text) write_by_text(c, first, n);
                else write_by_key(c, first, n);
                records_.rows += n;
            }
        }
        void finish() override {
            if (writer_) writer_->close();
            tables_.bring(morsel_, std::move(records_));
        }

    private:
        using record_writer = typename morsel_records::writer;

        void write_numbered(const chunk& c, std::uint32_t first, std::uint32_t n) {
            key_numbers& keys = at_once_ ? tables_.few().keys : *records_.keys;
            arena& memory = *records_.memory;
            if (at_once_) memory.reset();
            const std::uint32_t before = keys.size();
            auto* numbers = reinterpret_cast<std::uint32_t*>(memory.take(n * sizeof(std::uint32_t)));
            if (const row_keys<>& by_row = tables_.by_row(); by_row.found()) keys.number_rows(by_row, c, first, n, records_.rows, numbers);
            else keys.number(c, first, n, records_.rows, numbers);
            auto* fields = reinterpret_cast<block_values*>(memory.take(layout_.fields.size() * sizeof(block_values)));
            for (std::size_t f = 0; f < layout_.fields.size(); ++f) new (fields + f) block_values(reader_.column(c, first, n, layout_.fields[f], !at_once_, memory));
            const std::size_t mask_bytes = 8 * layout_.mask_words;
            std::byte* masks = memory.take(n * mask_bytes);
            reader_.write_masks(c, first, n, [=](std::uint32_t k) { return masks + k * mask_bytes; });
            const numbered_block block{n, numbers, {masks, mask_bytes}, fields};
            if (at_once_) {
                tables_.few().start(static_cast<std::uint32_t>(morsel_));
                std::array<std::uint32_t, block_rows> fresh;
                const std::uint32_t fresh_count = keys.size() - before;
                for (std::uint32_t i = 0; i < fresh_count; ++i) fresh[i] = keys.first_row(before + i) - records_.rows;
                std::byte* const* groups = tables_.few().groups();
                for (std::uint32_t k = 0; k < n; ++k) record_[k] = groups[numbers[k]];
                for (std::size_t a = 0; a < layout_.accumulators.size(); ++a) tables_.few().update(a, block, record_.data(), fresh.data(), fresh_count);
            } else {
                records_.numbered.push_back(block);
            }
            if (keys.size() <= tables_.most_few()) return;
            few_ = false;
            tables_.expect_many();
        }

        void open_writer() {
            if (!writer_) writer_ = std::make_unique<record_writer>(records_, layout_.stride);
        }
        void write_by_word(const chunk& c, std::uint32_t first, std::uint32_t n) {
            open_writer();
            std::array<std::uint64_t, block_rows> words;
            reader_.write_keys(c, first, n, nullptr, [&](std::uint32_t k) { return reinterpret_cast<std::byte*>(&words[k]); });
            const auto range = layout_.range;
            if (range.dense()) write_words(n, words.data(), [=](std::uint64_t word) { return range.partition_of(word); });
            else write_words(n, words.data(), [](std::uint64_t word) { return partition_of_hash(hash_value(word)); });
            write_values(c, first, n);
        }
        template <class Partition>
        void write_words(std::uint32_t n, const std::uint64_t* words, Partition partition) {
            record_writer& to = *writer_;
            const std::uint32_t place = layout_.place, key = layout_.key;
            for (std::uint32_t k = 0; k < n; ++k) {
                std::byte* record = to.next(partition(words[k]));
                store(record + place, records_.rows + k);
                store(record + key, words[k]);
                record_[k] = record;
            }
        }
        // A record gets its text while that is at hand for the hash.
        void write_by_text(const chunk& c, std::uint32_t first, std::uint32_t n) {
            open_writer();
            const record_key& text_of = layout_.keys[0];
            const auto* texts = c.slots[static_cast<std::size_t>(text_of.slot)].template as<std::string_view>();
            const std::size_t most_in_place = text_of.copy_text ? text_key::most_inside : ~std::size_t{0};
            arena& memory = *records_.memory;
            record_writer& to = *writer_;
            const std::uint32_t place = layout_.place, hash_at = layout_.hash, key = layout_.key, rows = records_.rows;
            std::byte** const record_of = record_.data();
            each_row(c, first, n, [=, &memory, &to](std::uint32_t k, std::uint32_t row) __attribute__((always_inline)) {
                std::string_view text = texts[row];
                const std::uint64_t hash = hash_short(text);
                if (text.size() > most_in_place) [[unlikely]] text = memory.keep(text);
                std::byte* record = to.next(partition_of_hash(hash));
                store(record + place, rows + k);
                store(record + hash_at, static_cast<std::uint32_t>(hash));
                text_key::write(record + key, text);
                record_of[k] = record;
            });
            write_values(c, first, n);
        }
        void write_by_key(const chunk& c, std::uint32_t first, std::uint32_t n) {
            open_writer();
            std::array<std::uint64_t, block_rows> hashes;
            reader_.hash_keys(c, first, n, hashes.data());
            record_writer& to = *writer_;
            for (std::uint32_t k = 0; k < n; ++k) {
                std::byte* record = to.next(partition_of_hash(hashes[k]));
                store(record + layout_.place, records_.rows + k);
                store(record + layout_.hash, static_cast<std::uint32_t>(hashes[k]));
                record_[k] = record;
            }
            reader_.write_keys(c, first, n, records_.memory.get(), [&, key = layout_.key](std::uint32_t k) { return record_[k] + key; });
            write_values(c, first, n);
        }

        void write_values(const chunk& c, std::uint32_t first, std::uint32_t n) {
            std::byte* const* record = record_.data();
            reader_.write_masks(c, first, n, [=](std::uint32_t k) { return record[k]; });
            for (const record_field& f : layout_.fields)
                reader_.write_field(c, first, n, f, *records_.memory, [=, offset = f.offset](std::uint32_t k) { return record[k] + offset; });
        }

        group_tables& tables_;
        const group_layout& layout_;
        group_parts<>::reader reader_;
        std::size_t morsel_;
        morsel_records records_{};
        std::unique_ptr<record_writer> writer_;
        bool few_, at_once_;
        std::array<std::byte*, block_rows> record_;
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
            return {{&rows_, layout_.reads, std::string(layout_.keys.empty() ? "aggregate" : "group_by") +
                                                (layout_.state_grows() ? ", which keeps its groups and, for some aggregates, their values" : ", which keeps its groups"),
                     layout_.keys.empty() ? 1 : pass_input::all_of_them, layout_.keys.empty() ? std::size_t{1} : 0}};
        }
        table_data compute(executor_ref executor) {
            find_range(executor);
            group_tables tables(layout_, std::max(1u, executor.concurrency()));
            group_consumer consumer(tables);
            plan rows = rows_;
            const bool by_row = tables.expects_few() && tables.by_row().find(rows, layout_, tables.most_few(), executor);
            rows.run(by_row ? tables.by_row().reads(layout_) : layout_.reads, executor, consumer);
            return tables.finish(executor);
        }

    private:
        // Where the key is a column of integers in memory: whether they lie densely.
        void find_range(executor_ref executor) {
            if (!layout_.one_word_key || layout_.keys.size() != 1 || layout_.keys[0].nullable) return;
            const slot& key = rows_.at(layout_.keys[0].slot);
            if (key.source_column < 0 || !key.stable_values) return;
            const auto column = static_cast<std::size_t>(key.source_column);
            std::vector<bool> needed(column + 1, false);
            needed[column] = true;
            const stored_rows stored = rows_.source()->stored(needed, executor);
            if (!stored.rows || stored.rows->rows < least_rows_for_range) return;
            const column_data& values = stored.rows->columns[column];
            if (key.type == type_id::int32 || key.type == type_id::date) find_range_of<std::int32_t>(values, executor);
            if (key.type == type_id::int64 || key.type == type_id::timestamp || key.type == type_id::duration) find_range_of<std::int64_t>(values, executor);
        }
        template <class T>
        void find_range_of(const column_data& column, executor_ref executor) {
            const T* values = reinterpret_cast<const T*>(column.values.data());
            const std::size_t parts = (column.rows + least_rows_for_range - 1) / least_rows_for_range;
            std::vector<range_state<T>> ranges(parts);
            executor.run(parts, [&](std::size_t p) {
                range_state<T> even, odd;    // two, so that one need not wait for the other
                const std::size_t end = std::min(column.rows, (p + 1) * least_rows_for_range);
                std::size_t i = p * least_rows_for_range;
                for (; i + 1 < end; i += 2) {
                    even.update(values[i]);
                    odd.update(values[i + 1]);
                }
                if (i < end) even.update(values[i]);
                even.merge(odd);
                ranges[p] = even;
            });
            for (std::size_t p = 1; p < parts; ++p) ranges[0].merge(ranges[p]);
            layout_.range = key_range::of(ranges[0].low, ranges[0].high, column.rows);
        }
        static constexpr std::size_t least_rows_for_range = std::size_t{1} << 16;

        plan rows_;
        group_layout layout_;
    };
};

using group_rows = group_engine<>::group_rows;

}  // namespace SEGKIT_NAMESPACE::detail
