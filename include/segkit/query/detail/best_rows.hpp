// segkit/query/detail/best_rows.hpp: the first n rows of an order, over all rows or in each group: top_n, distinct_by and sample.
//
// Each morsel keeps the best rows it has seen, in a heap per group; a row that cannot be among them is not copied. A morsel that has
// ended brings its rows to the common ones. Keys, then row numbers, are a strict order, so what remains does not depend on the
// order in which morsels end. Held are the n rows of each group, once in common and once per running morsel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/detail/rows.hpp>
#include <segkit/query/detail/stored_values.hpp>

namespace SEGKIT_NAMESPACE::detail {

struct order_slot {
    int slot;
    bool descending = false;
    bool nulls_first = false;
};

struct best_rows_request {
    std::string_view stage{};
    std::size_t n = 1;
    std::vector<order_slot> order{};    // the keys, the most significant first; none: the order of the rows
    std::vector<int> groups{};          // slots of the columns that tell groups apart
    bool in_row_order = false;          // the rows that remain come in their old order, not in that of the keys
};

// Where the columns of the rows that are kept come from: first the keys, then the groups, then whatever is read downstream.
struct best_rows_layout {
    std::vector<int> slots{};
    std::vector<type_id> types{};
    std::vector<bool> nullable{};
    std::vector<sort_key> order{};
    std::vector<std::size_t> groups{};

    template <class Plan>
    std::size_t add(const Plan& p, int slot_number) {
        for (std::size_t i = 0; i < slots.size(); ++i)
            if (slots[i] == slot_number) return i;
        slots.push_back(slot_number);
        types.push_back(p.at(slot_number).type);
        nullable.push_back(p.at(slot_number).nullable);
        return slots.size() - 1;
    }
};

// The best rows seen so far. (A template only so that it is compiled where it is used.)
template <class Rows>
class best_rows {
public:
    best_rows(const best_rows_request& request, const best_rows_layout& layout) : request_(request), layout_(layout) {
        for (std::size_t i = 0; i < layout.slots.size(); ++i) rows_.columns.emplace_back(layout.types[i], layout.nullable[i]);
        for (const sort_key& k : layout.order) compare_.push_back(comparison_of(layout.types[k.column]));
    }

    // The rows of a chunk; the first selected one has this number in its morsel.
    void take(const chunk& c, std::uint64_t number) {
        if (request_.n == 0) return;
        if (candidates_.empty()) {
            candidates_.resize(chunk_rows);
            hashes_.resize(chunk_rows);
            numbers_of_candidates_.resize(chunk_rows);
        }
        choose(c);
        if (candidate_count_ == 0) return;
        for (std::uint32_t k = 0; k < candidate_count_; ++k) numbers_.push_back(number + numbers_of_candidates_[k]);
        chunk some = c;
        some.dense = false;
        some.selection = candidates_.data();
        some.selected = candidate_count_;
        for (std::size_t i = 0; i < layout_.slots.size(); ++i) append_slot(rows_.columns[i], some, c.slots[static_cast<std::size_t>(layout_.slots[i])]);
        const std::size_t first = rows_.rows;
        rows_.rows += candidate_count_;
        for (std::uint32_t k = 0; k < candidate_count_; ++k) offer(static_cast<std::uint32_t>(first + k), layout_.groups.empty() ? 0 : hashes_[k], numbers_[first + k]);
        tidy();
    }

    // Adds the rows of a morsel; numbers are counted on from `base`. Rows that cannot be among the best are not copied.
    void merge(const best_rows& other, std::uint64_t base) {
        constexpr std::uint32_t ahead = 16;
        std::vector<std::uint32_t> chosen, groups;
        for (std::uint32_t g = 0; g < other.index_.size(); ++g) {
            if (g + ahead < other.index_.size()) index_.prefetch(other.index_.hash(g + ahead));
            const std::uint32_t mine = index_.find(other.index_.hash(g), [&](std::uint32_t candidate) {
                for (const std::size_t key : layout_.groups)
                    if (!same_key(other.rows_.columns[key], other.worst_of(g), rows_.columns[key], worst_of(candidate))) return false;
                return true;
            });
            if (mine != group_index::none) first_[mine] = std::min(first_[mine], base + other.first_[g]);
            other.each_of(g, [&](std::uint32_t row) {
                if (mine != group_index::none && is_full(mine) && !may_precede(other, row, base, worst_of(mine))) return;
                chosen.push_back(row);
                groups.push_back(g);
            });
        }
        const std::size_t first = rows_.rows;
        require_room(chosen.size());
        for (std::size_t i = 0; i < rows_.columns.size(); ++i) append_rows(rows_.columns[i], other.rows_.columns[i], chosen.data(), chosen.size());
        rows_.rows += chosen.size();
        for (const std::uint32_t row : chosen) numbers_.push_back(base + other.numbers_[row]);
        for (std::size_t i = 0; i < chosen.size(); ++i)
            offer(static_cast<std::uint32_t>(first + i), other.index_.hash(groups[i]), base + other.first_[groups[i]]);
        tidy();
    }

    // The rows that remain: group by group in the order of the groups' first rows, in each by the keys; or in row order.
    Rows finish() && {
        std::vector<std::uint32_t> groups(index_.size()), order;
        for (std::uint32_t g = 0; g < groups.size(); ++g) groups[g] = g;
        std::sort(groups.begin(), groups.end(), [&](std::uint32_t a, std::uint32_t b) { return first_[a] < first_[b]; });
        for (const std::uint32_t g : groups) {
            const std::size_t begin = order.size();
            each_of(g, [&](std::uint32_t row) { order.push_back(row); });
            std::sort(order.begin() + static_cast<std::ptrdiff_t>(begin), order.end(), [&](std::uint32_t a, std::uint32_t b) { return precedes(a, b); });
        }
        if (request_.in_row_order) std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return numbers_[a] < numbers_[b]; });
        Rows out = empty_like(rows_);
        for (std::size_t i = 0; i < out.columns.size(); ++i) {
            append_rows(out.columns[i], rows_.columns[i], order.data(), order.size());
            rows_.columns[i] = {};
        }
        out.rows = order.size();
        return out;
    }

private:
    // The rows of the chunk that may be among the best, as far as those seen before it tell.
    void choose(const chunk& c) {
        candidate_count_ = 0;
        const auto keep = [&](std::uint32_t k, std::uint32_t row) {
            candidates_[candidate_count_] = static_cast<std::uint16_t>(row);
            numbers_of_candidates_[candidate_count_] = static_cast<std::uint16_t>(k);
            hashes_[candidate_count_] = hashes_[k];    // k >= candidate_count_
            ++candidate_count_;
        };
        if (layout_.groups.empty()) {
            const bool full = index_.size() == 1 && is_full(0);
            if (full && layout_.order.empty()) return;
            if (full) return keep_before(c, worst_of(0), keep);
            return c.each(keep);
        }
        for (std::uint32_t k = 0; k < c.selected; ++k) hashes_[k] = row_hash_seed;
        for (const std::size_t g : layout_.groups) mix_row_hashes(c, slot_of(c, g), layout_.types[g], hashes_.data());
        for (std::uint32_t k = 0; k < c.selected; ++k) index_.prefetch(hashes_[k]);
        c.each([&](std::uint32_t k, std::uint32_t row) {
            const std::uint32_t g = index_.find(hashes_[k], [&](std::uint32_t candidate) {
                for (const std::size_t key : layout_.groups)
                    if (!same_key(slot_of(c, key), row, rows_.columns[key], worst_of(candidate))) return false;
                return true;
            });
            if (g == group_index::none || !is_full(g) || (!layout_.order.empty() && first_key_allows(c, row, worst_of(g)))) keep(k, row);
        });
    }
    const slot_view& slot_of(const chunk& c, std::size_t column) const { return c.slots[static_cast<std::size_t>(layout_.slots[column])]; }

    // Whether a key is not after another one, where one of them is null.
    static bool null_not_after(bool is_null, bool bound_is_null, const sort_key& key) { return key.nulls_first ? is_null : bound_is_null; }

    // Rows whose first key is not after that of a stored row: one loop per chunk over values of one type.
    template <class Keep>
    void keep_before(const chunk& c, std::uint32_t worst, const Keep& keep) const {
        const sort_key key = layout_.order[0];
        const auto& column = rows_.columns[key.column];
        const slot_view& view = slot_of(c, key.column);
        if (!is_stored(column, worst))
            return c.each([&](std::uint32_t k, std::uint32_t row) {
                if (null_not_after(!view.valid(row), true, key)) keep(k, row);
            });
        with_order_value(layout_.types[key.column], [&]<class V>(std::type_identity<V>) {
            const V bound = stored_value<V>(column, worst);
            const V* values = view.as<V>();
            c.each([&](std::uint32_t k, std::uint32_t row) {
                if (view.valid(row) ? not_after(values[row], bound, key.descending) : null_not_after(true, false, key)) keep(k, row);
            });
        });
    }
    bool first_key_allows(const chunk& c, std::uint32_t row, std::uint32_t worst) const {
        const sort_key key = layout_.order[0];
        const auto& column = rows_.columns[key.column];
        const slot_view& view = slot_of(c, key.column);
        if (!view.valid(row) || !is_stored(column, worst)) return null_not_after(!view.valid(row), !is_stored(column, worst), key);
        return with_order_value(layout_.types[key.column],
                              [&]<class V>(std::type_identity<V>) { return not_after(view.as<V>()[row], stored_value<V>(column, worst), key.descending); });
    }
    template <class V>
    static bool not_after(const V& value, const V& bound, bool down) {
        if constexpr (std::is_floating_point_v<V>) {
            if (bound != bound) return true;     // a NaN is after all numbers
            if (value != value) return false;
        }
        return down ? !(value < bound) : !(bound < value);
    }

    // A row before another one, both stored.
    bool precedes(std::uint32_t a, std::uint32_t b) const {
        for (std::size_t i = 0; i < compare_.size(); ++i) {
            const int c = compare_[i](rows_.columns[layout_.order[i].column], a, b, layout_.order[i]);
            if (c != 0) return c < 0;
        }
        return numbers_[a] < numbers_[b];
    }

    // Whether a row of another morsel may be before a stored one, as its first key tells, or its number where there is none.
    bool may_precede(const best_rows& other, std::uint32_t row, std::uint64_t base, std::uint32_t worst) const {
        if (layout_.order.empty()) return base + other.numbers_[row] < numbers_[worst];
        const sort_key key = layout_.order[0];
        const auto &there = other.rows_.columns[key.column], &here = rows_.columns[key.column];
        if (!is_stored(there, row) || !is_stored(here, worst)) return null_not_after(!is_stored(there, row), !is_stored(here, worst), key);
        return with_order_value(layout_.types[key.column],
                              [&]<class V>(std::type_identity<V>) { return not_after(stored_value<V>(there, row), stored_value<V>(here, worst), key.descending); });
    }

    // A stored row as one of the best of its group, whose first row has the number `first`.
    void offer(std::uint32_t row, std::uint64_t hash, std::uint64_t first) {
        std::uint32_t g = index_.find(hash, [&](std::uint32_t candidate) {
            for (const std::size_t key : layout_.groups)
                if (!same_key(rows_.columns[key], row, worst_of(candidate))) return false;
            return true;
        });
        const auto before = [&](std::uint32_t a, std::uint32_t b) { return precedes(a, b); };
        if (g == group_index::none) {
            g = index_.add(hash);
            first_.push_back(first);
            worst_.push_back(row);
            if (request_.n > 1) heaps_.emplace_back(1, row);
            ++live_;
            return;
        }
        first_[g] = first_[g] < first ? first_[g] : first;
        if (!is_full(g)) {
            heaps_[g].push_back(row);
            std::push_heap(heaps_[g].begin(), heaps_[g].end(), before);
            ++live_;
        } else if (precedes(row, worst_of(g))) {
            if (request_.n == 1) {
                worst_[g] = row;
                return;
            }
            std::pop_heap(heaps_[g].begin(), heaps_[g].end(), before);
            heaps_[g].back() = row;
            std::push_heap(heaps_[g].begin(), heaps_[g].end(), before);
        }
        if (request_.n > 1) worst_[g] = heaps_[g].front();
    }
    bool is_full(std::uint32_t g) const { return request_.n == 1 || heaps_[g].size() >= request_.n; }
    std::uint32_t worst_of(std::uint32_t g) const { return worst_[g]; }
    template <class F>
    void each_of(std::uint32_t g, F&& f) const {
        if (request_.n == 1) f(worst_[g]);
        else
            for (const std::uint32_t row : heaps_[g]) f(row);
    }

    // Lets go of the rows that are no longer among the best, once they are most of those stored.
    void tidy() {
        require_room(chunk_rows);
        if (rows_.rows < 2 * live_ + 2 * chunk_rows) return;
        std::vector<std::uint32_t> kept, place(rows_.rows);
        kept.reserve(live_);
        for (std::uint32_t g = 0; g < index_.size(); ++g) each_of(g, [&](std::uint32_t row) { kept.push_back(row); });
        std::sort(kept.begin(), kept.end());
        Rows fewer = empty_like(rows_);
        for (std::size_t i = 0; i < fewer.columns.size(); ++i) append_rows(fewer.columns[i], rows_.columns[i], kept.data(), kept.size());
        fewer.rows = kept.size();
        rows_ = std::move(fewer);
        std::vector<std::uint64_t> numbers(kept.size());
        for (std::size_t i = 0; i < kept.size(); ++i) {
            place[kept[i]] = static_cast<std::uint32_t>(i);
            numbers[i] = numbers_[kept[i]];
        }
        numbers_ = std::move(numbers);
        for (auto& row : worst_) row = place[row];
        for (auto& heap : heaps_)
            for (auto& row : heap) row = place[row];
    }
    void require_room(std::size_t more) const {
        if (rows_.rows + more < 0xFFFFFFFFull) return;
        throw error({.code = error_code::overflow,
                     .stage = std::string(request_.stage),
                     .found = std::to_string(rows_.rows) + " rows to keep",
                     .expected = "fewer than 4294967295",
                     .advice = "filter or aggregate first"});
    }

    const best_rows_request& request_;
    const best_rows_layout& layout_;
    Rows rows_;
    std::vector<std::uint64_t> numbers_;            // of each stored row
    std::vector<row_comparison> compare_;
    group_index index_;
    std::vector<std::uint64_t> first_;              // number of each group's first row
    std::vector<std::uint32_t> worst_;              // the last of the best rows of each group
    std::vector<std::vector<std::uint32_t>> heaps_; // the best rows of each group, the worst in front; for n > 1
    std::size_t live_ = 0;

    std::vector<std::uint16_t> candidates_, numbers_of_candidates_;
    std::vector<std::uint64_t> hashes_;
    std::uint32_t candidate_count_ = 0;
};

// Brings the best rows of all morsels together.
template <class Rows>
class best_rows_consumer final : public morsel_consumer {
public:
    best_rows_consumer(const best_rows_request& request, const best_rows_layout& layout) : request_(request), layout_(layout), all_(request, layout) {}

    std::unique_ptr<morsel_worker> start(std::size_t morsel) override { return std::make_unique<worker>(*this, morsel); }
    Rows finish() { return std::move(all_).finish(); }

private:
    class worker final : public morsel_worker {
    public:
        worker(best_rows_consumer& all, std::size_t morsel) : all_(all), morsel_(morsel), mine_(all.request_, all.layout_) {}
        void take(const chunk& c) override {
            mine_.take(c, rows_);
            rows_ += c.selected;
        }
        void finish() override {
            const std::lock_guard hold(all_.lock_);
            all_.all_.merge(mine_, std::uint64_t{morsel_} << 36);    // a morsel has fewer rows than that
        }

    private:
        best_rows_consumer& all_;
        std::size_t morsel_;
        std::uint64_t rows_ = 0;
        best_rows<Rows> mine_;
    };

    const best_rows_request& request_;
    const best_rows_layout& layout_;
    std::mutex lock_;
    best_rows<Rows> all_;
};

// Computes the best rows of a plan.
template <class Plan>
class best_rows_of {
public:
    best_rows_of(Plan rows, std::vector<int> slots, best_rows_request request) : rows_(std::move(rows)), slots_(std::move(slots)), request_(std::move(request)) {}
    std::string describe() const { return std::string(request_.stage) + " of " + rows_.source()->describe(); }
    std::vector<pass_input> inputs(const std::vector<bool>& needed) const {
        return {{&rows_, needed_slots(slots_, needed), std::string(request_.stage) + ", which keeps the rows it will give", request_.groups.empty() ? request_.n : pass_input::all_of_them}};
    }
    bool rescannable() const { return rows_.source()->rescannable(); }
    std::size_t columns() const { return slots_.size(); }

    table_data compute(executor_ref executor, const std::vector<bool>& needed) {
        best_rows_layout layout;
        for (const order_slot& k : request_.order) layout.order.push_back({layout.add(rows_, k.slot), k.descending, k.nulls_first});
        for (const int g : request_.groups) layout.groups.push_back(layout.add(rows_, g));
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < slots_.size(); ++i) places.push_back(i < needed.size() && needed[i] ? layout.add(rows_, slots_[i]) : static_cast<std::size_t>(-1));
        best_rows_consumer<table_data> consumer(request_, layout);
        rows_.run(layout.slots, executor, consumer);
        table_data best = consumer.finish();
        table_data out;
        out.rows = best.rows;
        out.columns.resize(slots_.size());
        for (std::size_t i = slots_.size(); i-- > 0;) {
            if (places[i] == static_cast<std::size_t>(-1)) {
                out.columns[i] = column_data(rows_.at(slots_[i]).type, rows_.at(slots_[i]).nullable);
                continue;
            }
            bool again = false;    // a slot may stand under two names
            for (std::size_t j = 0; j < i; ++j) again = again || places[j] == places[i];
            if (again) out.columns[i] = best.columns[places[i]];
            else out.columns[i] = std::move(best.columns[places[i]]);
        }
        return out;
    }

private:
    Plan rows_;
    std::vector<int> slots_;
    best_rows_request request_;
};

template <class Schema>
relation<Schema> keep_best_rows(relation<Schema> r, best_rows_request request) {
    return relation_over<Schema>(compute_on_first_scan(best_rows_of<plan>(std::move(r.plan), std::move(r.slot_of), std::move(request))));
}

}  // namespace SEGKIT_NAMESPACE::detail
