// segkit/pipeline/gather.hpp: rows of stored columns by number, as columns of a result.
//
// Values of fixed size are copied; text refers to the bytes of the column it comes from, unless a few rows of it would keep many
// alive. Cost: one pass over the rows chosen, cut into tasks of equal size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/copy_text.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/table/column.hpp>

namespace SEGKIT_NAMESPACE::detail {

// What a row has where no row is chosen for it: null, or a value of its own.
struct gather_fill {
    bool given = false;
    std::uint64_t bits = 0;      // of a value of fixed size
    std::string text{};
};

// The rows of a result: each the number of a row, plus one, or 0 where there is none.
struct chosen_rows {
    const std::uint32_t* rows;
    std::size_t count;
    bool complete;    // none of them is 0
};

// Whether every text of a column has a place that fits a word.
template <class Column>
bool can_refer_to(const Column& c, executor_ref executor) {
    if (c.refers || c.bytes.size() <= text_place::most_bytes) return true;
    if (c.bytes.size() > text_place::most_all) return false;
    constexpr std::size_t per_task = std::size_t{1} << 16;
    std::vector<std::uint64_t> sizes((c.rows + per_task - 1) / per_task, 0);
    executor.run(sizes.size(), [&](std::size_t task) {
        const std::uint64_t* ends = c.places();
        std::uint64_t all = 0;
        for (std::size_t row = task * per_task; row < std::min(c.rows, (task + 1) * per_task); ++row) all |= ends[row + 1] - ends[row];
        sizes[task] = all;
    });
    std::uint64_t all = 0;
    for (const std::uint64_t size : sizes) all |= size;
    return all <= text_place::most_bytes;
}

// Calls f with the number of bytes as a constant; 0 for sizes that have no loop of their own.
template <class F>
void with_bytes(std::size_t bytes, F&& f) {
    switch (bytes) {
        case 1: return f(std::integral_constant<std::size_t, 1>{});
        case 4: return f(std::integral_constant<std::size_t, 4>{});
        case 8: return f(std::integral_constant<std::size_t, 8>{});
        default: return f(std::integral_constant<std::size_t, 0>{});
    }
}

// One column of the result; first all tasks of `measure`, then make_room, then all of `fill`.
template <class Column>
class gathered_column {
public:
    static constexpr std::size_t rows_per_task = std::size_t{1} << 15;    // a multiple of 8: tasks share no byte of bits

    gathered_column(const Column& from, bool nullable, const gather_fill& fill, const chosen_rows& chosen, executor_ref executor)
        : from_(from), fill_(fill), chosen_(chosen), to_(from.type, nullable) {
        to_.rows = chosen.count;
        to_.width = from.width;
        if (from.type != type_id::text) return;
        to_.refers = chosen.count >= from.rows / 4 && can_refer_to(from, executor) && fill.text.size() <= text_place::most_bytes;
        if (!to_.refers) {
            text_begins_.assign(tasks() + 1, 0);
            return;
        }
        to_.values.cut();
        to_.bytes = from.bytes;
        if (chosen.complete || !fill.given) return;
        fill_place_ = text_place::of(to_.bytes.size(), fill.text.size());
        to_.bytes.append(fill.text.data(), fill.text.size());
    }
    std::size_t tasks() const { return (chosen_.count + rows_per_task - 1) / rows_per_task; }

    void measure(std::size_t task) {
        if (text_begins_.empty()) return;
        std::size_t bytes = 0;
        each_row(task, [&](std::size_t, std::uint32_t row) { bytes += text_of(row).size(); });
        text_begins_[task + 1] = bytes;
    }
    void make_room() {
        if (is_list_type(to_.type)) {    // items follow one another: they are not divided among tasks
            for (std::size_t i = 0; i < chosen_.count; ++i) to_.push_list(chosen_.rows[i] ? from_.list_at(chosen_.rows[i] - std::size_t{1}) : list_place());
            if (to_.nullable) to_.validity.grow((to_.rows + 7) / 8);
            return;
        }
        const std::size_t bytes = to_.type == type_id::text ? sizeof(std::uint64_t) : to_.width * size_of(to_.type);
        to_.values.grow(to_.rows * bytes);
        if (to_.nullable) to_.validity.grow((to_.rows + 7) / 8);
        for (std::size_t i = 1; i < text_begins_.size(); ++i) text_begins_[i] += text_begins_[i - 1];
        if (!text_begins_.empty()) to_.bytes.grow(text_begins_.back());
    }
    void fill(std::size_t task) {
        if (to_.type == type_id::text) to_.refers ? fill_places(task) : fill_texts(task);
        else if (!is_list_type(to_.type)) fill_values(task);
        if (to_.nullable) fill_validity(task);
    }
    Column take() { return std::move(to_); }

private:
    template <class F>
    void each_row(std::size_t task, F&& f) const {
        const std::size_t end = std::min(chosen_.count, (task + 1) * rows_per_task);
        for (std::size_t i = task * rows_per_task; i < end; ++i) f(i, chosen_.rows[i]);
    }
    std::string_view text_of(std::uint32_t row) const {
        if (row == 0) return fill_.given ? std::string_view(fill_.text) : std::string_view();
        return text_values(from_)[row - 1];
    }

    void fill_values(std::size_t task) {
        const std::size_t bytes = to_.width * size_of(to_.type);
        const std::byte* from = from_.values.data();
        std::byte* to = to_.values.data();
        with_bytes(bytes, [&]<std::size_t Bytes>(std::integral_constant<std::size_t, Bytes>) {
            if constexpr (Bytes == 0) {
                each_row(task, [&](std::size_t i, std::uint32_t row) {
                    if (row && bytes) std::memcpy(to + i * bytes, from + (row - 1) * bytes, bytes);
                });
            } else if (chosen_.complete) {
                each_row(task, [&](std::size_t i, std::uint32_t row) { std::memcpy(to + i * Bytes, from + (row - std::size_t{1}) * Bytes, Bytes); });
            } else {
                // Where there is no row the first one is read and then replaced: no branch to be guessed wrong.
                using word = std::conditional_t<Bytes == 1, std::uint8_t, std::conditional_t<Bytes == 4, std::uint32_t, std::uint64_t>>;
                word instead;
                std::memcpy(&instead, &fill_.bits, Bytes);
                const bool none = from_.rows == 0;
                each_row(task, [&](std::size_t i, std::uint32_t row) {
                    word value = instead;
                    if (!none) std::memcpy(&value, from + (row - std::size_t{row != 0}) * Bytes, Bytes);
                    value = row ? value : instead;
                    std::memcpy(to + i * Bytes, &value, Bytes);
                });
            }
        });
    }
    void fill_places(std::size_t task) {
        const std::uint64_t* from = from_.places();
        auto* to = reinterpret_cast<std::uint64_t*>(to_.values.data());
        const std::uint64_t instead = fill_place_;
        if (from_.refers) each_row(task, [&](std::size_t i, std::uint32_t row) { to[i] = row ? from[row - 1] : instead; });
        else each_row(task, [&](std::size_t i, std::uint32_t row) { to[i] = row ? text_place::of(from[row - 1], from[row] - from[row - 1]) : instead; });
    }
    void fill_texts(std::size_t task) {
        auto* ends = reinterpret_cast<std::uint64_t*>(to_.values.data()) + 1;
        std::byte* bytes = to_.bytes.data();
        std::size_t at = text_begins_[task];
        each_row(task, [&](std::size_t i, std::uint32_t row) {
            const std::string_view text = text_of(row);
            copy_text(bytes + at, text);
            at += text.size();
            ends[i] = at;
        });
    }
    void fill_validity(std::size_t task) {
        auto* bits = reinterpret_cast<std::uint8_t*>(to_.validity.data());
        const std::uint8_t* from = from_.nullable ? from_.validity_bits() : nullptr;
        const std::size_t end = std::min(chosen_.count, (task + 1) * rows_per_task);
        const auto valid = [&](std::uint32_t row) -> unsigned { return row == 0 ? fill_.given : from ? bit_at(from, row - 1) : 1; };
        for (std::size_t i = task * rows_per_task; i < end; i += 8) {
            unsigned byte = 0;
            for (std::size_t k = 0; k < 8 && i + k < end; ++k) byte |= valid(chosen_.rows[i + k]) << k;
            bits[i / 8] = static_cast<std::uint8_t>(byte);
        }
    }

    const Column& from_;
    const gather_fill& fill_;
    chosen_rows chosen_;
    Column to_;
    std::uint64_t fill_place_ = 0;
    std::vector<std::size_t> text_begins_{};    // of the tasks, where texts are copied
};

// Fills columns of one result at once.
template <class Column>
void gather_columns(std::vector<gathered_column<Column>>& columns, executor_ref executor) {
    const std::size_t tasks = columns.empty() ? 0 : columns[0].tasks();
    executor.run(columns.size() * tasks, [&](std::size_t i) { columns[i / tasks].measure(i % tasks); });
    for (auto& c : columns) c.make_room();
    executor.run(columns.size() * tasks, [&](std::size_t i) { columns[i % columns.size()].fill(i / columns.size()); });
}

}  // namespace SEGKIT_NAMESPACE::detail
