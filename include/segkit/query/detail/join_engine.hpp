// segkit/query/detail/join_engine.hpp: the run-time part of joins: an index of the right side, look-ups, gathers.
//
// The right side is held in memory and indexed by key once; left rows stream past it in their order. Where a left row
// can match at most once (the one_match promise, semi and anti joins) the join is a row-local step; otherwise it is a
// source that pushes the longer rows.
#pragma once

#include <algorithm>
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
#include <segkit/error.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/gather.hpp>
#include <segkit/pipeline/plan.hpp>
#include <segkit/query/detail/hash.hpp>
#include <segkit/query/detail/join_index.hpp>
#include <segkit/query/detail/join_order.hpp>
#include <segkit/query/detail/join_runs.hpp>
#include <segkit/query/detail/stored_values.hpp>

namespace SEGKIT_NAMESPACE::detail {

enum class join_kind { inner, left, semi, anti };

struct join_promise {
    join_kind kind = join_kind::inner;
    bool one_match = false;
    std::string_view stage;                    // for messages
    std::vector<std::string_view> key_names;
};

// The engine itself: members of a template only so that who includes this header and joins nothing does not compile it.
template <class = void>
struct join_engine {
    using index_type = join_index<column_data>;
    using runs_type = join_runs<column_data>;
    using order_type = join_order<column_data>;

    // The right side of a join: a plan that gives its rows, and an index over its key columns. Rows that are stored or computed
    // columns are used where they are. Others are collected: first what the pass at hand reads; should a later pass read another
    // column, then all that are left, so that the rows are computed twice at most, and indexed once.
    class right_side {
    public:
        right_side(plan rows, std::vector<int> slots, std::vector<std::size_t> keys, join_promise promise)
            : plan_(std::move(rows)), slots_(std::move(slots)), keys_(std::move(keys)), promise_(std::move(promise)), wanted_(slots_.size(), false),
              columns_(slots_.size(), nullptr) {
            // What can be read once is kept whole: a later pass may want other columns.
            if (!plan_.source()->rescannable()) wanted_.assign(slots_.size(), true);
            for (const std::size_t k : keys_) wanted_[k] = true;
        }

        // Says, before prepare, that a column will be gathered: the others need not be kept.
        void want(std::size_t column) {
            const std::lock_guard hold(lock_);
            wanted_[column] = true;
        }
        void prepare(executor_ref executor) {
            const std::lock_guard hold(lock_);
            keep(executor);
            if (!indexed_) index(executor);
        }
        // The rows with these columns in the order of their key, instead of an index, where that pays for so many left rows.
        bool sort_by_key(runs_type& runs, const std::vector<std::size_t>& columns, std::size_t left_rows, executor_ref executor) {
            const std::lock_guard hold(lock_);
            std::vector<const column_data*> sorted;
            if (!can_sort(columns, sorted, executor) || keys_.size() != 1) return false;
            sorted.insert(sorted.begin(), columns_[keys_[0]]);
            return runs.build(std::move(sorted), rows_, left_rows, executor);
        }
        // The same in the order of the left rows with their keys.
        bool sort_by_left(order_type& order, const std::vector<std::size_t>& columns, const typename order_type::side& left, executor_ref executor) {
            const std::lock_guard hold(lock_);
            std::vector<const column_data*> sorted;
            if (!can_sort(columns, sorted, executor)) return false;
            typename order_type::side right{{}, rows_};
            for (const std::size_t k : keys_) right.keys.push_back(columns_[k]);
            return order.build(left, right, sorted, executor);
        }

        // As far as it is known what will be gathered.
        std::vector<pass_input> inputs(bool may_be_sorted = false) const {
            return {{&plan_, needed_slots(slots_, wanted_), std::string(promise_.stage) + "'s right side, which is kept" + (may_be_sorted ? ", and indexed or sorted" : " and indexed")}};
        }
        // Whether there may be enough rows for that.
        bool may_be_sorted() const {
            const auto rows = plan_.source()->row_count();
            return !promise_.one_match && (!rows || *rows >= std::min(order_type::least_rows, runs_type::least_rows));
        }

        const column_data& column(std::size_t i) const { return *columns_[i]; }
        std::size_t rows() const { return rows_; }
        const index_type& find_by() const { return index_; }

    private:
        // Whether columns can be sorted instead of being gathered by an index, and there is none already.
        bool can_sort(const std::vector<std::size_t>& columns, std::vector<const column_data*>& sorted, executor_ref executor) {
            keep(executor);
            if (indexed_ || promise_.one_match || rows_ >= index_type::most_rows) return false;
            for (const std::size_t c : columns) {
                if (is_list_type(columns_[c]->type)) return false;
                sorted.push_back(columns_[c]);
            }
            return true;
        }
        void keep(executor_ref executor) {
            std::vector<bool> missing(slots_.size(), false);
            bool any = false;
            for (std::size_t i = 0; i < slots_.size(); ++i) {
                missing[i] = wanted_[i] && !columns_[i];
                any = any || missing[i];
            }
            if (!any) return;
            if (!kept_.empty())
                for (std::size_t i = 0; i < slots_.size(); ++i) missing[i] = !columns_[i];
            rows_at_hand more = rows_in_memory(plan_, slots_, missing, executor);
            rows_ = more.rows->rows;
            for (std::size_t i = 0; i < slots_.size(); ++i)
                if (missing[i]) columns_[i] = more.columns[i];
            kept_.push_back(std::move(more.rows));
        }
        void index(executor_ref executor) {
            if (rows_ >= index_type::most_rows)
                throw error({.code = error_code::overflow,
                             .stage = std::string(promise_.stage),
                             .found = std::to_string(rows_) + " rows on the right side",
                             .expected = "fewer than " + std::to_string(index_type::most_rows),
                             .advice = "put the larger table on the left"});
            using purpose = typename index_type::purpose;
            std::vector<const column_data*> keys;
            for (const std::size_t k : keys_) keys.push_back(columns_[k]);
            const bool exists = promise_.kind == join_kind::semi || promise_.kind == join_kind::anti;
            const auto repeated = index_.build(std::move(keys), rows_, exists ? purpose::exists : promise_.one_match ? purpose::find_one : purpose::find_all, executor);
            if (promise_.one_match && repeated) throw_duplicate(repeated->before, repeated->row);
            indexed_ = true;
        }

        [[noreturn]] void throw_duplicate(std::size_t first, std::size_t second) const {
            std::string names, values;
            for (std::size_t i = 0; i < keys_.size(); ++i) {
                names += (i ? ", " : "") + std::string(promise_.key_names[i]);
                values += (i ? ", " : "") + shown_key(*columns_[keys_[i]], first);
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
        std::vector<std::size_t> keys_;
        join_promise promise_;
        std::vector<bool> wanted_;
        std::vector<std::shared_ptr<const table_data>> kept_;
        std::vector<const column_data*> columns_;    // nullptr: not read yet
        std::size_t rows_ = 0;
        index_type index_;
        bool indexed_ = false;
    };

    // Finds each row's match; drops the rows that the kind of join drops.
    class lookup_step final : public step {
    public:
        lookup_step(join_kind kind, std::shared_ptr<right_side> right, std::vector<int> keys, int match_slot)
            : step(keys, {match_slot}), kind_(kind), right_(std::move(right)), keys_(std::move(keys)), match_(match_slot) {}
        std::string_view word() const override { return "join"; }
        bool changes_rows() const override { return true; }    // also where it keeps all: the one_match promise is checked
        bool drops_rows() const override { return kind_ != join_kind::left; }
        void prepare(executor_ref executor) const override { right_->prepare(executor); }
        std::vector<pass_input> inputs() const override { return right_->inputs(); }
        void run(chunk& c, scratch& memory) const override {
            auto* match = memory.values<std::uint32_t>(match_);
            c.slots[static_cast<std::size_t>(match_)] = {match};
            const bool all_match = by_place_ ? right_->find_by().find_numbers(c, keys_[0], by_place_.get(), match) : right_->find_by().find(c, keys_, match);
            if (by_place_ && kind_ == join_kind::left && !all_match) c.each([&](std::uint32_t, std::uint32_t row) { match[row] = match[row] ? match[row] : of_none_; });
            const bool kept_where = kind_ != join_kind::anti;
            if (kind_ == join_kind::left || (all_match && kept_where)) return;
            std::uint32_t dropped = 0;
            c.each([&](std::uint32_t, std::uint32_t row) { dropped += (match[row] != 0) != kept_where; });
            if (dropped == 0) return;
            std::uint32_t kept = 0;
            c.each([&](std::uint32_t, std::uint32_t row) {
                c.selection[kept] = static_cast<std::uint16_t>(row);
                kept += (match[row] != 0) == kept_where;
            });
            c.dense = false;
            c.selected = kept;
        }
        std::shared_ptr<const step> with_numbers(const std::uint16_t* number_of, executor_ref executor) const override {
            std::shared_ptr<const std::uint16_t[]> by_place = right_->find_by().numbers_by_place(number_of, executor);
            if (!by_place) return nullptr;
            auto same = std::make_shared<lookup_step>(*this);
            same->by_place_ = std::move(by_place);
            same->of_none_ = number_of[0] + 1u;
            return same;
        }

    private:
        join_kind kind_;
        std::shared_ptr<right_side> right_;
        std::vector<int> keys_;
        int match_;
        std::shared_ptr<const std::uint16_t[]> by_place_{};    // what is written instead of the match
        std::uint32_t of_none_ = 0;
    };

    // Right values of the rows, by the match of each (right row + 1, or 0), into a slot. Rows without a match are null or filled.
    class gathering {
    public:
        gathering(const column_data& from, bool nullable_out, const gather_fill& fill) : from_(from), nullable_out_(nullable_out), fill_(fill) {}

        void into(slot_view& out, scratch& memory, int slot_number, const chunk& c, const std::uint32_t* match) const {
            out = {};
            std::uint8_t* bits = nullptr;
            if (nullable_out_) out.validity = bits = memory.validity(slot_number);
            if (from_.type == type_id::block32 || from_.type == type_id::block64) {
                const std::size_t bytes = from_.width * size_of(from_.type);
                auto* values = memory.values<std::byte>(slot_number, bytes);
                c.each([&](std::uint32_t, std::uint32_t row) { std::memcpy(values + row * bytes, from_.values.data() + (match[row] - 1) * bytes, bytes); });
                out.values = values;
                out.width = from_.width;
                return;
            }
            if (is_list_type(from_.type)) {
                auto* lists = memory.values<list_place>(slot_number);
                out.values = lists;
                c.each([&](std::uint32_t, std::uint32_t row) { lists[row] = match[row] ? from_.list_at(match[row] - 1) : list_place(); });
                if (bits) copy_validity(c, match, bits);
                return;
            }
            with_key_value(from_.type, [&]<class V>(std::type_identity<V>) {
                auto* values = memory.values<V>(slot_number);
                out.values = values;
                if (from_.rows == 0) {
                    c.each([&](std::uint32_t, std::uint32_t row) { values[row] = filler<V>(); });
                    if (bits) std::memset(bits, fill_.given ? 0xFF : 0, chunk_rows / 8);
                    return;
                }
                copy<V>(c, match, values);
                if (bits) copy_validity(c, match, bits);
            });
        }

    private:
        template <class V>
        V filler() const {
            if constexpr (std::is_same_v<V, std::string_view>) {
                return fill_.text;
            } else {
                V value;
                std::memcpy(&value, &fill_.bits, sizeof value);
                return value;
            }
        }
        // Where there is no match the first row is read instead and then replaced: no branch to be guessed wrong.
        template <class V>
        void copy(const chunk& c, const std::uint32_t* match, V* values) const {
            const auto keys = keys_in<V>(from_);
            const V instead = filler<V>();
            const auto one = [&](std::uint32_t row) {
                const std::uint32_t m = match[row];
                const V value = keys[m - (m != 0)];
                values[row] = m ? value : instead;
            };
            if (c.dense) {
                for (std::uint32_t row = 0; row < c.rows; ++row) one(row);
            } else {
                for (std::uint32_t k = 0; k < c.selected; ++k) one(c.selection[k]);
            }
        }
        void copy_validity(const chunk& c, const std::uint32_t* match, std::uint8_t* bits) const {
            const std::uint8_t* right = from_.nullable ? from_.validity_bits() : nullptr;
            const auto valid = [&](std::uint32_t row) -> unsigned {
                const std::uint32_t m = match[row];
                if (!right) return m != 0 || fill_.given;
                return m ? unsigned{bit_at(right, m - 1)} : unsigned{fill_.given};
            };
            if (c.dense) {
                std::uint32_t row = 0;
                for (; row + 8 <= c.rows; row += 8) {
                    unsigned byte = 0;
                    for (std::uint32_t b = 0; b < 8; ++b) byte |= valid(row + b) << b;
                    bits[row >> 3] = static_cast<std::uint8_t>(byte);
                }
                for (unsigned byte = 0; row < c.rows; ++row) {
                    byte |= valid(row) << (row & 7);
                    bits[row >> 3] = static_cast<std::uint8_t>(byte);
                }
            } else {
                std::memset(bits, 0, chunk_rows / 8);
                for (std::uint32_t k = 0; k < c.selected; ++k) {
                    const std::uint32_t row = c.selection[k];
                    bits[row >> 3] = static_cast<std::uint8_t>(bits[row >> 3] | valid(row) << (row & 7));
                }
            }
        }

        const column_data& from_;
        bool nullable_out_;
        const gather_fill& fill_;
    };

    class gather_step final : public step {
    public:
        gather_step(std::shared_ptr<right_side> right, std::size_t column, bool nullable, gather_fill fill, int match_slot, int out)
            : step({match_slot}, {out}), right_(std::move(right)), column_(column), nullable_(nullable), fill_(std::move(fill)), match_(match_slot), out_(out) {}
        std::string_view word() const override { return {}; }    // a part of the look-up before it
        void prepare(executor_ref) const override { right_->want(column_); }
        std::vector<pass_input> inputs() const override {
            right_->want(column_);    // the look-up before it names the right side and all that is wanted of it
            return {};
        }
        void run(chunk& c, scratch& memory) const override {
            gathering(right_->column(column_), nullable_, fill_)
                .into(c.slots[static_cast<std::size_t>(out_)], memory, out_, c, c.slots[static_cast<std::size_t>(match_)].as<std::uint32_t>());
        }
        int row_slot() const override { return match_; }
        std::size_t rows_held() const override { return right_->rows(); }

    private:
        std::shared_ptr<right_side> right_;
        std::size_t column_;
        bool nullable_;
        gather_fill fill_;
        int match_, out_;
    };

    // A join that can make several rows of one: columns 0.. are the left ones, then the right ones.
    class join_source final : public row_source {
    public:
        struct right_column {
            std::size_t column;
            bool nullable;
            gather_fill fill;
        };
        join_source(join_kind kind, plan left, std::vector<int> left_slots, std::vector<int> keys, std::shared_ptr<right_side> right,
                    std::vector<right_column> right_columns)
            : kind_(kind), left_(std::move(left)), left_slots_(std::move(left_slots)), keys_(std::move(keys)), right_(std::move(right)),
              right_columns_(std::move(right_columns)) {}

        void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) override {
            want_right(needed);
            right_->prepare(executor);
            join_consumer through(*this, needed, consumer);
            left_.run(left_outputs(needed), executor, through);
        }
        std::string describe() const override { return "join of " + left_.source()->describe(); }
        std::vector<pass_input> inputs(const std::vector<bool>& needed) const override {
            want_right(needed);
            const bool may_be_stored = left_.source()->row_count() || !left_.source()->inputs({}).empty();    // computed ones are
            const bool sorts = may_be_stored && right_->may_be_sorted();
            std::vector<pass_input> both = right_->inputs(sorts);
            const char* const keeps = !sorts ? "the join, which streams them" : kind_ == join_kind::inner ? "the join, which streams or indexes them" : "the join, which streams or keeps them";
            both.push_back({&left_, left_outputs(needed), keeps, std::nullopt});
            return both;
        }
        bool rescannable() const override { return left_.source()->rescannable(); }
        bool stable_text(std::size_t column) const override {
            return column >= left_slots_.size() || left_.at(left_slots_[column]).stable;
        }

        // All rows at once, where those of the left side are in memory: a left column whose rows all stay is the result's too.
        stored_rows stored(const std::vector<bool>& needed, executor_ref executor) override {
            const std::vector<int> outputs = left_outputs(needed);
            stored_rows left = stored_rows_of(left_, outputs, executor);
            std::vector<const column_data*> columns(left_.slot_count(), nullptr);
            for (const int s : outputs)
                if (left.rows) columns[static_cast<std::size_t>(s)] = &left.rows->columns[static_cast<std::size_t>(left_.at(s).source_column)];
            if (!left.rows && left_.source()->row_count() && left_.source()->rescannable()) {
                left.rows = std::make_shared<const table_data>(collect_rows(left_, outputs, executor));
                for (std::size_t i = 0; i < outputs.size(); ++i) columns[static_cast<std::size_t>(outputs[i])] = &left.rows->columns[i];
            }
            if (!left.rows || left.rows->rows >= 0xFFFFFFFFull) return {};
            want_right(needed);
            std::vector<std::size_t> from_right, place(right_columns_.size(), 0);    // which columns are gathered; their places among these, plus one
            for (std::size_t i = 0, n = left_slots_.size(); i < right_columns_.size() && n + i < needed.size(); ++i) {
                if (!needed[n + i]) continue;
                from_right.push_back(right_columns_[i].column);
                place[i] = from_right.size();
            }
            if (kind_ == join_kind::inner) {
                typename order_type::side left_side{{}, left.rows->rows};
                for (const int k : keys_) left_side.keys.push_back(columns[static_cast<std::size_t>(k)]);
                order_type order;
                if (right_->sort_by_left(order, from_right, left_side, executor)) {
                    const chosen_rows from_left{order.left_rows(), order.rows(), true};
                    const auto take_right = [&](std::size_t i, column_data& to, auto&) {
                        to = order.take(place[i] - 1);
                        return false;
                    };
                    return {std::make_shared<const table_data>(assemble(from_left, false, take_right, columns, needed, executor)), true};
                }
            }
            runs_type runs;
            if (right_->sort_by_key(runs, from_right, left.rows->rows, executor)) {
                const auto column = [&](std::size_t i) -> const column_data& { return runs.column(place[i]); };
                return {std::make_shared<const table_data>(join_stored(runs, column, columns, left.rows->rows, needed, executor)), true};
            }
            right_->prepare(executor);
            const auto column = [&](std::size_t i) -> const column_data& { return right_->column(right_columns_[i].column); };
            return {std::make_shared<const table_data>(join_stored(right_->find_by(), column, columns, left.rows->rows, needed, executor)), true};
        }

    private:
        // The matches of all left rows, and how many rows of the result each range of them makes.
        struct matched_rows {
            owned_memory<std::uint32_t> match;
            std::vector<std::size_t> first_row;    // of each range, and the end
            bool complete = true;                  // every left row has a match
        };
        static constexpr std::size_t rows_per_range = 16 * chunk_rows;

        // (`index` is a join_index or join_runs.)
        template <class Index>
        matched_rows match_all(const Index& index, const std::vector<const column_data*>& left, std::size_t rows, executor_ref executor) const {
            const std::size_t ranges = (rows + rows_per_range - 1) / rows_per_range;
            matched_rows all{take_memory<std::uint32_t>(rows), std::vector<std::size_t>(ranges + 1, 0)};
            std::vector<char> complete(ranges, true);
            std::vector<std::unique_ptr<column_reader>> readers;
            for (const int k : keys_) readers.push_back(reader_of(*left[static_cast<std::size_t>(k)]));
            executor.run(ranges, [&](std::size_t range) {
                scratch memory(left.size());
                chunk c;
                c.slots.resize(left.size());
                const std::size_t end = std::min(rows, (range + 1) * rows_per_range);
                std::size_t count = 0, none = 0;
                for (std::size_t row = range * rows_per_range; row < end; row += chunk_rows) {
                    c.first_row = row;
                    c.rows = c.selected = static_cast<std::uint32_t>(std::min<std::size_t>(chunk_rows, end - row));
                    for (std::size_t k = 0; k < keys_.size(); ++k)
                        c.slots[static_cast<std::size_t>(keys_[k])] = readers[k]->read(row, c.rows, memory, keys_[k]);
                    std::uint32_t* match = all.match.get() + row;
                    if (!index.find(c, keys_, match))
                        for (std::uint32_t i = 0; i < c.rows; ++i) none += match[i] == 0;
                    if (!index.has_further()) continue;
                    for (std::uint32_t i = 0; i < c.rows; ++i)
                        if (match[i]) count += index.further_matches(match[i]);
                }
                complete[range] = none == 0;
                all.first_row[range + 1] = count + (end - range * rows_per_range) - (kind_ == join_kind::left ? 0 : none);
            });
            for (std::size_t r = 0; r < ranges; ++r) {
                all.first_row[r + 1] += all.first_row[r];
                all.complete = all.complete && complete[r];
            }
            return all;
        }

        template <class Index, class RightColumn>
        table_data join_stored(const Index& index, RightColumn&& right_column_at, const std::vector<const column_data*>& left, std::size_t rows, const std::vector<bool>& needed, executor_ref executor) const {
            const matched_rows matched = match_all(index, left, rows, executor);
            const std::size_t count = matched.first_row.back();
            const bool as_left = !index.has_further() && count == rows;    // one row for each on the left
            owned_memory<std::uint32_t> left_row, match;
            if (!as_left) {
                left_row = take_memory<std::uint32_t>(count);
                match = take_memory<std::uint32_t>(count);
                executor.run(matched.first_row.size() - 1, [&](std::size_t range) {
                    std::size_t at = matched.first_row[range];
                    const std::size_t end = std::min(rows, (range + 1) * rows_per_range), last = matched.first_row[range + 1];
                    const bool keep_all = kind_ == join_kind::left, further = index.has_further();
                    for (std::size_t row = range * rows_per_range; row < end && at < last; ++row) {
                        const std::uint32_t m = matched.match[row];
                        left_row[at] = static_cast<std::uint32_t>(row + 1);    // overwritten by the next row where this one goes
                        match[at] = m ? index.first_match(m) : 0;
                        at += m != 0 || keep_all;
                        if (!further || !m) continue;
                        index.each_further(m, [&](std::uint32_t another) {
                            left_row[at] = static_cast<std::uint32_t>(row + 1);
                            match[at++] = another;
                        });
                    }
                });
            }
            const chosen_rows from_left{left_row.get(), count, true};
            const chosen_rows from_right{as_left ? matched.match.get() : match.get(), count, kind_ != join_kind::left || matched.complete};

            const auto gather_right = [&](std::size_t i, column_data&, auto& gathered) {
                gathered.emplace_back(right_column_at(i), right_columns_[i].nullable, right_columns_[i].fill, from_right, executor);
                return true;
            };
            return assemble(from_left, as_left, gather_right, left, needed, executor);
        }

        // The result's columns: left ones are shared or gathered, of right ones add_right(i, column, gathered) sets the column, or adds it
        // to those that are gathered and returns true.
        template <class AddRight>
        table_data assemble(const chosen_rows& from_left, bool as_left, AddRight&& add_right, const std::vector<const column_data*>& left, const std::vector<bool>& needed,
                            executor_ref executor) const {
            const gather_fill no_fill;
            const std::size_t n = left_slots_.size();
            table_data all;
            all.rows = from_left.count;
            all.columns.resize(n + right_columns_.size());
            std::vector<gathered_column<column_data>> gathered;
            std::vector<std::size_t> place;
            gathered.reserve(all.columns.size());
            for (std::size_t i = 0; i < std::min(all.columns.size(), needed.size()); ++i) {
                if (!needed[i]) continue;
                if (i >= n) {
                    if (!add_right(i - n, all.columns[i], gathered)) continue;
                } else {
                    const column_data& from = *left[static_cast<std::size_t>(left_slots_[i])];
                    if (as_left) {
                        all.columns[i] = from;
                        continue;
                    }
                    gathered.emplace_back(from, from.nullable, no_fill, from_left, executor);
                }
                place.push_back(i);
            }
            gather_columns(gathered, executor);
            for (std::size_t i = 0; i < place.size(); ++i) all.columns[place[i]] = gathered[i].take();
            return all;
        }

        void want_right(const std::vector<bool>& needed) const {
            for (std::size_t i = 0, n = left_slots_.size(); i < right_columns_.size() && n + i < needed.size(); ++i)
                if (needed[n + i]) right_->want(right_columns_[i].column);
        }
        std::vector<int> left_outputs(const std::vector<bool>& needed) const {
            std::vector<int> outputs = needed_slots(left_slots_, needed);
            outputs.insert(outputs.end(), keys_.begin(), keys_.end());
            return outputs;
        }

        class worker final : public morsel_worker {
        public:
            worker(const join_source& join, const std::vector<bool>& needed, std::unique_ptr<morsel_worker> next)
                : join_(join), needed_(needed), next_(std::move(next)), memory_(join.left_slots_.size() + join.right_columns_.size()) {
                out_.slots.resize(join.left_slots_.size() + join.right_columns_.size());
            }
            void take(const chunk& c) override {
                const index_type& index = join_.right_->find_by();
                index.find(c, join_.keys_, first_);
                const bool keep_all = join_.kind_ == join_kind::left;
                c.each([&](std::uint32_t, std::uint32_t row) {
                    const std::uint32_t match = first_[row];
                    if (!match && !keep_all) return;
                    add(c, row, match);
                    if (match) index.each_further(match, [&](std::uint32_t further) { add(c, row, further); });
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
                    if (i < n) {
                        copy_left(c, i);
                    } else {
                        const right_column& right = join_.right_columns_[i - n];
                        gathering(join_.right_->column(right.column), right.nullable, right.fill).into(out_.slots[i], memory_, static_cast<int>(i), out_, match_);
                    }
                }
                next_->take(out_);
                count_ = 0;
            }
            void copy_left(const chunk& c, std::size_t i) {
                const int slot_number = join_.left_slots_[i];
                const slot& s = join_.left_.at(slot_number);
                const slot_view& from = c.slots[static_cast<std::size_t>(slot_number)];
                const std::size_t bytes = slot_bytes(s.type) * from.width;
                const auto* values = from.as<std::byte>();
                auto* to = memory_.values<std::byte>(static_cast<int>(i), bytes);
                const auto copy = [&]<std::size_t Bytes>(std::integral_constant<std::size_t, Bytes>) {
                    for (std::uint32_t k = 0; k < count_; ++k) std::memcpy(to + k * Bytes, values + rows_[k] * Bytes, Bytes);
                };
                switch (bytes) {
                    case 1: copy(std::integral_constant<std::size_t, 1>{}); break;
                    case 4: copy(std::integral_constant<std::size_t, 4>{}); break;
                    case 8: copy(std::integral_constant<std::size_t, 8>{}); break;
                    case 16: copy(std::integral_constant<std::size_t, 16>{}); break;
                    default:
                        for (std::uint32_t k = 0; k < count_; ++k) std::memcpy(to + k * bytes, values + rows_[k] * bytes, bytes);
                }
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
            std::uint32_t first_[chunk_rows];    // by row of the left chunk
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
