// segkit/query/head.hpp: the first n rows, or all but the first n.
//
//     t | head(10)          scan_csv<sessions>("sessions.csv") | filter("clicks"_c > 3) | head(10)      t | skip(10)
//
// head ends the pass once it has its rows: a file is not read to its end, and what is wrong in chunks behind them is not noticed.
// It holds n rows. skip numbers the rows by a first pass, unless they come straight from a table, and holds none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/detail/numbered_rows.hpp>
#include <segkit/query/detail/rows.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// Thrown through a source to end its scan; nobody but first_rows sees it.
struct enough_rows {};

// Takes the first n rows. Morsels run side by side: each takes at most n, and once those without a gap from the first on have n
// together, the others stop.
template <class Rows>
class first_rows_consumer final : public morsel_consumer {
public:
    first_rows_consumer(const plan& p, const std::vector<int>& outputs, std::size_t n, bool stops) : plan_(p), outputs_(outputs), n_(n), stops_(stops) {}

    std::unique_ptr<morsel_worker> start(std::size_t morsel) override {
        const std::lock_guard hold(lock_);
        if (parts_.size() <= morsel) parts_.resize(morsel + 1);
        part& mine = parts_[morsel];
        for (const int s : outputs_) mine.rows.columns.emplace_back(plan_.at(s).type, plan_.at(s).nullable);
        return std::make_unique<worker>(*this, mine);
    }

    // The rows of the morsels up to the first that did not end, at most n.
    Rows take() {
        Rows all;
        for (const int s : outputs_) all.columns.emplace_back(plan_.at(s).type, plan_.at(s).nullable);
        for (part& p : parts_) {
            std::vector<std::uint32_t> some;
            for (std::uint32_t i = 0; i < p.rows.rows && all.rows + i < n_; ++i) some.push_back(i);
            for (std::size_t i = 0; i < p.rows.columns.size(); ++i) append_rows(all.columns[i], p.rows.columns[i], some.data(), some.size());
            all.rows += some.size();
            if (!p.ended || all.rows == n_) break;
        }
        return all;
    }

private:
    struct part {
        Rows rows{};
        bool ended = false;
    };

    class worker final : public morsel_worker {
    public:
        worker(first_rows_consumer& all, part& mine) : all_(all), mine_(mine) {}
        void take(const chunk& c) override {
            if (all_.stops_ && all_.enough_.load(std::memory_order_relaxed)) throw enough_rows{};
            if (mine_.rows.rows < all_.n_) {
                chunk some = c;
                const std::size_t room = all_.n_ - mine_.rows.rows;
                if (some.selected > room) {
                    some.selected = static_cast<std::uint32_t>(room);
                    if (some.dense) some.rows = some.selected;
                }
                for (std::size_t i = 0; i < all_.outputs_.size(); ++i) append_slot(mine_.rows.columns[i], some, c.slots[static_cast<std::size_t>(all_.outputs_[i])]);
                mine_.rows.rows += some.selected;
            }
            if (all_.stops_ && mine_.rows.rows >= all_.n_) throw enough_rows{};
        }
        void finish() override { all_.end(mine_); }

    private:
        first_rows_consumer& all_;
        part& mine_;
    };

    void end(part& mine) {
        const std::lock_guard hold(lock_);
        mine.ended = true;
        std::size_t rows = 0;
        for (const part& p : parts_) {
            if (!p.ended) break;
            rows += p.rows.rows;
        }
        if (rows >= n_) enough_.store(true, std::memory_order_relaxed);
    }

    const plan& plan_;
    const std::vector<int>& outputs_;
    std::size_t n_;
    bool stops_;
    std::atomic<bool> enough_{false};
    std::mutex lock_;
    std::deque<part> parts_;    // a deque: parts stay where they are while others are added
};

// Computes the first rows of a plan.
template <class Plan>
class first_rows {
public:
    first_rows(Plan rows, std::vector<int> slots, std::size_t n) : rows_(std::move(rows)), slots_(std::move(slots)), n_(n) {}
    std::string describe() const { return "head of " + rows_.source()->describe(); }
    std::vector<pass_input> inputs(const std::vector<bool>& needed) const {
        return {{&rows_, needed_slots(slots_, needed), "head, which keeps " + std::to_string(n_) + " rows", n_}};
    }
    bool rescannable() const { return rows_.source()->rescannable(); }
    std::size_t columns() const { return slots_.size(); }

    table_data compute(executor_ref executor, const std::vector<bool>& needed) {
        const std::vector<int> outputs = needed_slots(slots_, needed);
        table_data found;
        // A source may let go of earlier morsels when a later one throws; then all is read.
        if (n_ > 0 && !read(outputs, executor, true, found)) read(outputs, executor, false, found);
        table_data all;
        all.rows = found.rows;
        for (std::size_t i = 0, next = 0; i < slots_.size(); ++i) {
            if (i < needed.size() && needed[i] && next < found.columns.size()) all.columns.push_back(std::move(found.columns[next++]));
            else all.columns.emplace_back(rows_.at(slots_[i]).type, rows_.at(slots_[i]).nullable);
        }
        return all;
    }

private:
    bool read(const std::vector<int>& outputs, executor_ref executor, bool stops, table_data& found) const {
        first_rows_consumer<table_data> consumer(rows_, outputs, n_, stops);
        std::exception_ptr failure;
        bool stopped = false;
        try {
            rows_.run(outputs, executor, consumer);
        } catch (const enough_rows&) {
            stopped = true;
        } catch (...) {
            failure = std::current_exception();
        }
        found = consumer.take();
        if (found.rows == n_) return true;    // an error behind these rows is none of theirs
        if (failure) std::rethrow_exception(failure);
        return !stopped;
    }

    Plan rows_;
    std::vector<int> slots_;
    std::size_t n_;
};

// A rule of numbered_source.
struct rows_behind {
    std::size_t n;
    std::string describe() const { return "skip"; }
    bool keep(std::uint64_t number) const { return number >= n; }
};

}  // namespace detail

struct head_stage : stage_base {
    static constexpr std::string_view stage_name = "head";
    std::size_t n = 0;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::relation_over<Schema>(detail::compute_on_first_scan(detail::first_rows<plan>(std::move(r.plan), std::move(r.slot_of), n)));
    }

    friend bool operator==(const head_stage& a, const head_stage& b) { return a.n == b.n; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("n", n);
    }
};
constexpr auto head(std::size_t n) { return make_pipeline(head_stage{{}, n}); }

struct skip_stage : stage_base {
    static constexpr std::string_view stage_name = "skip";
    std::size_t n = 0;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::number_rows<Schema>(std::move(r), detail::rows_behind{n});
    }

    friend bool operator==(const skip_stage& a, const skip_stage& b) { return a.n == b.n; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("n", n);
    }
};
constexpr auto skip(std::size_t n) { return make_pipeline(skip_stage{{}, n}); }

}  // namespace SEGKIT_NAMESPACE
