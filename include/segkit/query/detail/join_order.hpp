// segkit/query/detail/join_order.hpp: the right rows of an inner join in the order in which the result has them.
//
// Where many rows on the right belong to one on the left, and to one only, it is the left side that is indexed: each right row finds its
// left row, and the right columns, sorted by that, are the result's. Nothing of them is fetched from here and there, whatever the key.
// Cost: a look-up of each right row, and a radix sort of the right rows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/table_source.hpp>
#include <segkit/query/detail/join_index.hpp>
#include <segkit/query/detail/sort_engine.hpp>
#include <segkit/table/chunk.hpp>
#include <segkit/table/column.hpp>

namespace SEGKIT_NAMESPACE::detail {

// (A template only so that it is compiled where it is used.)
template <class Column>
class join_order {
public:
    static constexpr std::size_t least_rows = std::size_t{1} << 16;    // fewer are in the cache, in whatever order

    // One side's key columns.
    struct side {
        std::vector<const Column*> keys;
        std::size_t rows;
    };

    // Sorts columns of the right side, if that pays and each key stands once on the left; false: ask an index of the right side.
    bool build(const side& left, const side& right, const std::vector<const Column*>& columns, executor_ref executor) {
        if (right.rows < least_rows || left.rows > right.rows / 2) return false;
        join_index<Column> index;
        if (index.build(left.keys, left.rows, join_index<Column>::purpose::find_one, executor)) return false;
        Column left_row(type_id::int32, false);
        left_row.rows = right.rows;
        auto* const match = reinterpret_cast<std::uint32_t*>(left_row.values.grow(right.rows * sizeof(std::uint32_t)));
        const std::size_t none = find_left_rows(index, right, match, executor);
        if (none > right.rows / 2) return false;
        if (none != 0) {    // they come last
            each_task(right.rows, executor, [&](std::size_t, std::size_t begin, std::size_t end) {
                for (std::size_t row = begin; row < end; ++row) match[row] = match[row] ? match[row] : static_cast<std::uint32_t>(left.rows + 1);
            });
        }
        std::vector<const Column*> wanted{&left_row};
        wanted.insert(wanted.end(), columns.begin(), columns.end());
        columns_ = sort_engine<Column>({{&left_row}}, right.rows).columns(wanted, executor);
        rows_ = right.rows - none;
        if (none != 0)
            for (Column& c : columns_) cut(c, rows_);
        return true;
    }

    std::size_t rows() const { return rows_; }
    // The left row of each row, plus one.
    const std::uint32_t* left_rows() const { return reinterpret_cast<const std::uint32_t*>(columns_[0].values.data()); }
    // By its place among those given to build; once.
    Column take(std::size_t i) { return std::move(columns_[i + 1]); }

private:
    static constexpr std::size_t rows_per_task = 16 * chunk_rows;

    template <class F>
    static void each_task(std::size_t rows, executor_ref executor, F&& f) {
        executor.run((rows + rows_per_task - 1) / rows_per_task, [&](std::size_t task) { f(task, task * rows_per_task, std::min(rows, (task + 1) * rows_per_task)); });
    }

    // Returns how many have none.
    static std::size_t find_left_rows(const join_index<Column>& index, const side& right, std::uint32_t* match, executor_ref executor) {
        std::vector<std::unique_ptr<column_reader>> readers;
        std::vector<int> slots;
        for (const Column* key : right.keys) {
            slots.push_back(static_cast<int>(readers.size()));
            readers.push_back(reader_of(*key));
        }
        std::vector<std::size_t> none(right.rows / rows_per_task + 1, 0);
        each_task(right.rows, executor, [&](std::size_t task, std::size_t begin, std::size_t end) {
            scratch memory(slots.size());
            chunk c;
            c.slots.resize(slots.size());
            for (; begin < end; begin += c.rows) {
                c.rows = c.selected = static_cast<std::uint32_t>(std::min<std::size_t>(chunk_rows, end - begin));
                for (std::size_t k = 0; k < slots.size(); ++k) c.slots[k] = readers[k]->read(begin, c.rows, memory, slots[k]);
                if (!index.find(c, slots, match + begin))
                    for (std::uint32_t i = 0; i < c.rows; ++i) none[task] += match[begin + i] == 0;
            }
        });
        std::size_t all = 0;
        for (const std::size_t n : none) all += n;
        return all;
    }

    // Keeps the first rows.
    static void cut(Column& c, std::size_t rows) {
        c.rows = rows;
        if (c.has_offsets() && !c.refers) {
            c.values.cut((rows + 1) * sizeof(std::int64_t));
            c.bytes.cut(c.places()[rows]);
        } else {
            c.values.cut(rows * c.width * size_of(c.type));
        }
        if (!c.nullable) return;
        c.validity.cut((rows + 7) / 8);
        if (rows % 8 != 0) c.validity.data()[rows / 8] &= static_cast<std::byte>((1u << rows % 8) - 1);
    }

    std::size_t rows_ = 0;
    std::vector<Column> columns_{};
};

}  // namespace SEGKIT_NAMESPACE::detail
