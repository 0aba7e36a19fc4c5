// segkit/query/detail/numbered_rows.hpp: rows of a plan that know their number, 0, 1, 2, ... in row order.
//
// A chunk does not know how many rows the morsels before its own will leave, and no thread waits for another. So a first pass
// counts the rows of each morsel, reading no more columns than that takes, and a second one pushes them with their numbers:
// only a few bytes per morsel are held. Where rows come unfiltered from a source of known length there is no first pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/plan.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Counts the rows of each morsel.
template <class Count>
class row_counter final : public morsel_consumer {
public:
    std::unique_ptr<morsel_worker> start(std::size_t morsel) override {
        Count* mine = nullptr;
        {
            const std::lock_guard hold(lock_);
            if (counts_.size() <= morsel) counts_.resize(morsel + 1);
            mine = &counts_[morsel];
        }
        return std::make_unique<worker>(*mine);
    }

    // The number of each morsel's first row, and of the row after the last one.
    std::vector<Count> first_rows() const {
        std::vector<Count> first{0};
        for (const Count n : counts_) first.push_back(first.back() + n);
        return first;
    }

private:
    class worker final : public morsel_worker {
    public:
        explicit worker(Count& count) : count_(count) {}
        void take(const chunk& c) override { rows_ += c.selected; }
        void finish() override { count_ = rows_; }

    private:
        Count& count_;
        Count rows_ = 0;
    };

    std::mutex lock_;
    std::deque<Count> counts_;    // a deque: counts stay where they are while others are added
};

// Collects some slots of a plan, and the number of each morsel's first row.
template <class Rows>
class numbered_collector final : public morsel_consumer {
public:
    numbered_collector(const plan& p, const std::vector<int>& outputs) : plan_(p), outputs_(outputs) {}

    std::unique_ptr<morsel_worker> start(std::size_t morsel) override {
        Rows* mine = nullptr;
        {
            const std::lock_guard hold(lock_);
            if (parts_.size() <= morsel) parts_.resize(morsel + 1);
            mine = &parts_[morsel];
        }
        mine->rows = 0;
        mine->columns.clear();
        for (const int s : outputs_) mine->columns.emplace_back(plan_.at(s).type, plan_.at(s).nullable);
        return std::make_unique<worker>(*mine, outputs_);
    }
    Rows take(std::vector<std::uint64_t>& first_rows) {
        Rows all;
        for (const int s : outputs_) all.columns.emplace_back(plan_.at(s).type, plan_.at(s).nullable);
        first_rows.assign(1, 0);
        for (Rows& part : parts_) {
            for (std::size_t i = 0; i < part.columns.size(); ++i) {
                all.columns[i].append_column(part.columns[i]);
                part.columns[i] = {};
            }
            all.rows += part.rows;
            first_rows.push_back(all.rows);
        }
        return all;
    }

private:
    class worker final : public morsel_worker {
    public:
        worker(Rows& rows, const std::vector<int>& outputs) : rows_(rows), outputs_(outputs) {}
        void take(const chunk& c) override {
            for (std::size_t i = 0; i < outputs_.size(); ++i) append_slot(rows_.columns[i], c, c.slots[static_cast<std::size_t>(outputs_[i])]);
            rows_.rows += c.selected;
        }

    private:
        Rows& rows_;
        const std::vector<int>& outputs_;
    };

    const plan& plan_;
    const std::vector<int>& outputs_;
    std::mutex lock_;
    std::deque<Rows> parts_;    // a deque: parts stay where they are while others are added
};
template <class Plan>
table_data collect_numbered(const Plan& p, const std::vector<int>& outputs, executor_ref executor, std::vector<std::uint64_t>& first_rows) {
    numbered_collector<table_data> parts(p, outputs);
    p.run(outputs, executor, parts);
    return parts.take(first_rows);
}

// Rows that can be read once only are kept, where a stage reads them twice.
template <class Plan>
void make_rescannable(Plan& rows, std::vector<int>& slots, executor_ref executor) {
    if (rows.source()->rescannable()) return;
    auto kept = std::make_shared<const table_data>(collect_rows(rows, slots, executor));
    Plan again(open_rows(kept));
    std::vector<int> again_slots;
    for (std::size_t i = 0; i < slots.size(); ++i)
        again_slots.push_back(again.add_slot(
            {.type = kept->columns[i].type, .nullable = kept->columns[i].nullable, .source_column = static_cast<int>(i), .stable = true}));
    rows = std::move(again);
    slots = std::move(again_slots);
}

// Whether the number of a row in its source is its number among the rows of the plan.
template <class Plan>
bool is_numbered_by_source(const Plan& rows) {
    for (const auto& s : rows.steps())
        if (s->changes_rows()) return false;
    return rows.source()->row_count().has_value();
}

// The rows of a plan with what a rule makes of their numbers. A Rule is one of two kinds:
//     bool keep(std::uint64_t number) const                                    rows to keep; the columns stay as they are
//     void write(std::uint64_t first, chunk& c, slot_view& out, scratch&, int place) const      one more column, at the end
// with describe(), and where it has something to compute first, `std::vector<std::uint64_t> prepare(plan, slots, executor)`, which
// returns the first row number of each morsel.
template <class Rule>
class numbered_source final : public row_source {
public:
    numbered_source(plan rows, std::vector<int> slots, Rule rule) : rows_(std::move(rows)), slots_(std::move(slots)), rule_(std::move(rule)) {}

    void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) override {
        {
            const std::lock_guard hold(lock_);
            prepare(executor);
        }
        numbering through(*this, needed, consumer);
        rows_.run(needed_slots(slots_, needed), executor, through);
    }
    std::string describe() const override { return rule_.describe() + " of " + rows_.source()->describe(); }
    std::vector<pass_input> inputs(const std::vector<bool>& needed) const override {
        return {{&rows_, needed_slots(slots_, needed), rule_.describe() + (computes_first ? ", which reads the rows twice" : ", which streams them")}};
    }
    bool stable_text(std::size_t column) const override { return column < slots_.size() && rows_.at(slots_[column]).stable; }

private:
    static constexpr bool keeps_rows = requires(const Rule& r) { r.keep(std::uint64_t{}); };
    static constexpr bool computes_first = requires(Rule& r, const plan& p, const std::vector<int>& s, executor_ref e) { r.prepare(p, s, e); };

    void prepare(executor_ref executor) {
        if (prepared_) return;
        make_rescannable(rows_, slots_, executor);
        if constexpr (computes_first) {
            first_rows_ = rule_.prepare(rows_, slots_, executor);
        } else if (!is_numbered_by_source(rows_)) {
            row_counter<std::uint64_t> counter;
            rows_.run({}, executor, counter);
            first_rows_ = counter.first_rows();
        }
        prepared_ = true;
    }

    class worker final : public morsel_worker {
    public:
        worker(const numbered_source& from, const std::vector<bool>& needed, std::size_t morsel, std::unique_ptr<morsel_worker> next)
            : from_(from), needed_(needed), next_(std::move(next)), memory_(from.slots_.size() + 1), end_(static_cast<std::uint64_t>(-1)) {
            chunk_.slots.resize(from.slots_.size() + 1);
            if (from.first_rows_.empty()) return;
            if (morsel + 1 >= from.first_rows_.size()) throw_rows_differ();
            number_ = from.first_rows_[morsel];
            end_ = from.first_rows_[morsel + 1];
        }
        void take(const chunk& c) override {
            if (from_.first_rows_.empty()) number_ = c.first_row;
            if (end_ - number_ < c.selected) throw_rows_differ();
            chunk_.rows = c.rows;
            chunk_.first_row = c.first_row;
            for (std::size_t i = 0; i < from_.slots_.size() && i < needed_.size(); ++i)
                if (needed_[i]) chunk_.slots[i] = c.slots[static_cast<std::size_t>(from_.slots_[i])];
            select(c);
            number_ += c.selected;
            if (chunk_.selected) next_->take(chunk_);
        }
        void finish() override {
            if (!from_.first_rows_.empty() && number_ != end_) throw_rows_differ();
            next_->finish();
        }

    private:
        void select(const chunk& c) {
            chunk_.selection = memory_.selection.get();
            if constexpr (keeps_rows) {
                std::uint32_t kept = 0;
                c.each([&](std::uint32_t k, std::uint32_t row) {
                    chunk_.selection[kept] = static_cast<std::uint16_t>(row);
                    kept += std::uint32_t{from_.rule_.keep(number_ + k)};
                });
                chunk_.selected = kept;
                chunk_.dense = c.dense && kept == c.rows;
            } else {
                chunk_.selected = c.selected;
                chunk_.dense = c.dense;
                if (!c.dense)
                    for (std::uint32_t k = 0; k < c.selected; ++k) chunk_.selection[k] = c.selection[k];
                const std::size_t last = from_.slots_.size();
                if (last < needed_.size() && needed_[last]) from_.rule_.write(number_, chunk_, chunk_.slots[last], memory_, static_cast<int>(last));
            }
        }
        [[noreturn]] void throw_rows_differ() const {
            throw error({.code = error_code::malformed_row,
                         .stage = std::string(from_.rule_.describe()),
                         .found = "other rows than when they were counted, from " + from_.rows_.source()->describe(),
                         .expected = "the same rows each time they are read",
                         .advice = "collect the rows into a table first, or say that the source is not rescannable"});
        }

        const numbered_source& from_;
        const std::vector<bool>& needed_;
        std::unique_ptr<morsel_worker> next_;
        scratch memory_;
        chunk chunk_;
        std::uint64_t number_ = 0, end_;
    };

    class numbering final : public morsel_consumer {
    public:
        numbering(const numbered_source& from, const std::vector<bool>& needed, morsel_consumer& next) : from_(from), needed_(needed), next_(next) {}
        std::unique_ptr<morsel_worker> start(std::size_t morsel) override {
            return std::make_unique<worker>(from_, needed_, morsel, next_.start(morsel));
        }

    private:
        const numbered_source& from_;
        const std::vector<bool>& needed_;
        morsel_consumer& next_;
    };

    plan rows_;
    std::vector<int> slots_;
    Rule rule_;
    std::mutex lock_;
    bool prepared_ = false;
    std::vector<std::uint64_t> first_rows_;    // per morsel; none where the source numbers the rows
};

// A relation over the rows of a plan and what a rule makes of their numbers.
template <class Out, class Schema, class Rule>
relation<Out> number_rows(relation<Schema> r, Rule rule) {
    return relation_over<Out>(std::make_shared<numbered_source<Rule>>(std::move(r.plan), std::move(r.slot_of), std::move(rule)));
}

}  // namespace SEGKIT_NAMESPACE::detail
