// segkit/query/detail/row_keys.hpp: keys of a group-by that all come from one row of a table in memory, as those of a join's right side.
//
// The rows that are held are fewer than those that refer to them, so their keys are numbered once, whatever their types; a row that
// comes by then finds its group by which row it refers to, and its key is neither fetched nor hashed.
// Cost: a look at the keys of the rows held, and two bytes for each. Not done where there are many keys, or few rows to come.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/plan.hpp>
#include <segkit/query/detail/group_layout.hpp>
#include <segkit/query/detail/key_numbers.hpp>

namespace SEGKIT_NAMESPACE::detail {

// (A template only so that who includes this header and groups nothing does not compile it.)
template <class Keys = key_numbers>
class row_keys {
public:
    // (The look-up of the plan is changed so that it gives the numbers themselves, where that is possible.)
    // Numbers the keys if they come from rows held, there are at most so many different ones, and it pays.
    template <class Plan>
    bool find(Plan& rows, const group_layout& layout, std::uint32_t most_keys, executor_ref executor) {
        std::vector<const step*> steps;
        for (const record_key& key : layout.keys) {
            const step* writer = nullptr;
            for (const auto& s : rows.steps())
                if (std::find(s->writes().begin(), s->writes().end(), key.slot) != s->writes().end()) writer = s.get();
            if (!writer || writer->row_slot() < 0 || (!steps.empty() && writer->row_slot() != row_slot_)) return false;
            row_slot_ = writer->row_slot();
            steps.push_back(writer);
        }
        if (steps.empty() || !rows.source()->rescannable()) return false;
        const auto to_come = rows.source()->estimated_rows();
        if (!to_come) return false;
        plan_pass<Plan>::prepare(rows, layout.reads, executor);
        if (*to_come < steps[0]->rows_held()) return false;
        if (!number(steps, layout, rows.slot_count(), std::min(most_keys, most_numbers), executor)) return false;
        look_up_numbers(rows, layout, executor);
        return true;
    }

    bool found() const { return keys_ != nullptr; }
    const Keys& keys() const { return *keys_; }
    int row_slot() const { return row_slot_; }
    bool slot_has_numbers() const { return slot_has_numbers_; }    // plus one; else the row's number plus one
    const std::uint16_t* numbers() const { return numbers_.get(); }    // by row number + 1; of 0 that of rows without one

    // The slots that a group-by reads, when its keys are found here.
    std::vector<int> reads(const group_layout& layout) const {
        std::vector<int> slots = layout.reads;
        for (const record_key& key : layout.keys) slots.erase(std::find(slots.begin(), slots.end(), key.slot));    // once: it may be a value too
        slots.push_back(row_slot_);
        return slots;
    }

private:
    static constexpr std::uint32_t most_numbers = 4096;

    // Ranges of rows number their keys apart, and then by those of all.
    bool number(const std::vector<const step*>& steps, const group_layout& layout, std::size_t slots, std::uint32_t most, executor_ref executor) {
        const std::size_t rows = steps[0]->rows_held() + 1, ranges = executor.concurrency() == 1 ? 1 : std::min<std::size_t>(16, rows / chunk_rows + 1);
        const auto begin_of = [&](std::size_t range) { return rows * range / ranges; };
        numbers_ = take_memory<std::uint16_t>(rows, scattered_bytes);
        std::vector<std::unique_ptr<Keys>> keys(ranges);
        std::atomic<bool> too_many{false};
        executor.run(ranges, [&](std::size_t range) {
            keys[range] = std::make_unique<Keys>(layout);
            scratch memory(slots);
            std::uint32_t held[chunk_rows], here[block_rows];
            chunk c;
            c.slots.resize(slots);
            c.slots[static_cast<std::size_t>(row_slot_)] = {held};
            const std::size_t end = begin_of(range + 1);
            for (std::size_t row = begin_of(range); row < end && !too_many.load(std::memory_order_relaxed); row += c.rows) {
                c.rows = c.selected = static_cast<std::uint32_t>(std::min<std::size_t>(chunk_rows, end - row));
                for (std::uint32_t i = 0; i < c.rows; ++i) held[i] = static_cast<std::uint32_t>(row + i);
                for (const step* s : steps) s->run(c, memory);
                for (std::uint32_t first = 0; first < c.rows; first += block_rows) {
                    const std::uint32_t n = std::min(block_rows, c.rows - first);
                    keys[range]->number(c, first, n, 0, here);
                    for (std::uint32_t k = 0; k < n; ++k) numbers_[row + first + k] = static_cast<std::uint16_t>(here[k]);
                    if (keys[range]->size() > most) return too_many.store(true, std::memory_order_relaxed);
                }
            }
        });
        std::vector<std::vector<std::uint16_t>> of_all(ranges);
        for (std::size_t range = 1; range < ranges && !too_many; ++range) {
            for (std::uint32_t i = 0; i < keys[range]->size(); ++i)
                of_all[range].push_back(static_cast<std::uint16_t>(keys[0]->find_or_add(keys[range]->key(i), keys[range]->hash(i), 0)));
            too_many = keys[0]->size() > most;
        }
        if (too_many) return false;
        executor.run(ranges, [&](std::size_t range) {
            for (std::size_t row = begin_of(range); range > 0 && row < begin_of(range + 1); ++row) numbers_[row] = of_all[range][numbers_[row]];
        });
        keys_ = std::move(keys[0]);
        return true;
    }

    // Where nobody else asks which row it is, the look-up need not say so.
    template <class Plan>
    void look_up_numbers(Plan& rows, const group_layout& layout, executor_ref executor) {
        std::vector<int> others = reads(layout);
        others.pop_back();
        const auto has_row_slot = [this](const std::vector<int>& slots) { return std::find(slots.begin(), slots.end(), row_slot_) != slots.end(); };
        for (const step* s : plan_pass<Plan>::compile(rows, others).steps)
            if (has_row_slot(s->reads())) return;
        for (std::size_t i = 0; i < rows.steps().size(); ++i)
            if (has_row_slot(rows.steps()[i]->writes())) {
                if (auto with_numbers = rows.steps()[i]->with_numbers(numbers_.get(), executor)) {
                    rows.replace_step(i, std::move(with_numbers));
                    slot_has_numbers_ = true;
                }
                return;
            }
    }

    bool slot_has_numbers_ = false;
    int row_slot_ = -1;
    owned_memory<std::uint16_t> numbers_{};
    std::unique_ptr<Keys> keys_{};
};

}  // namespace SEGKIT_NAMESPACE::detail
