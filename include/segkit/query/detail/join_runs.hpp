// segkit/query/detail/join_runs.hpp: the right side of a join in the order of its key, where a key has several rows.
//
// An index names the rows of a key, which lie all over memory: each match of each left row waits for it. Where integers of a
// narrow range stand in several rows each, what is wanted of the rows is sorted by key instead, and the matches of a left row lie side by side.
// Cost: a radix sort of the right rows, 4 bytes for each number of the range. Asked as join_index is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/query/detail/hash.hpp>
#include <segkit/query/detail/join_index.hpp>
#include <segkit/query/detail/sort_engine.hpp>
#include <segkit/table/chunk.hpp>
#include <segkit/table/column.hpp>

namespace SEGKIT_NAMESPACE::detail {

// (A template only so that it is compiled where it is used.)
template <class Column>
class join_runs {
public:
    static constexpr std::size_t least_rows = std::size_t{1} << 16;    // fewer are in the cache, in whatever order

    // Sorts the columns by the first of them, which is the key, if that pays for so many left rows; false: ask an index.
    bool build(std::vector<const Column*> columns, std::size_t rows, std::size_t left_rows, executor_ref executor) {
        const Column& key = *columns[0];
        if (key.nullable || rows < least_rows) return false;
        type_ = key.type;
        return with_key_value(type_, [&]<class V>(std::type_identity<V>) {
            if constexpr (is_direct_key<V>) {
                const key_extent all = extent_of_keys<V>(key, rows, executor);
                if (all.last() >= rows / 2 || left_rows <= all.last() / 2) return false;
                least_ = all.least;
                range_ = all.last() + 1;
                columns_ = sort_engine<Column>({{&key}}, rows).columns(columns, executor);
                find_runs(keys_in<V>(columns_[0]).values, rows, executor);
                return true;
            } else {
                return false;
            }
        });
    }

    // By its place among those given to build.
    const Column& column(std::size_t i) const { return columns_[i]; }

    bool find(const chunk& c, const std::vector<int>& slots, std::uint32_t* match) const {
        const slot_view& view = c.slots[static_cast<std::size_t>(slots[0])];
        return with_key_value(type_, [&]<class V>(std::type_identity<V>) {
            if constexpr (is_direct_key<V>) {
                const V* values = view.as<V>();
                return look_up_keys(c, view, match, [&](std::uint32_t row) {
                    const std::uint64_t place = std::min(place_of(values[row]), range_);
                    return begins_[place] != begins_[place + 1] ? static_cast<std::uint32_t>(place + 1) : 0u;
                });
            } else {
                return false;
            }
        });
    }
    static bool has_further() { return true; }
    std::uint32_t first_match(std::uint32_t match) const { return begins_[match - 1] + 1; }
    std::size_t further_matches(std::uint32_t match) const { return begins_[match] - begins_[match - 1] - std::size_t{1}; }
    template <class F>
    void each_further(std::uint32_t match, F&& f) const {
        for (std::uint32_t row = begins_[match - 1] + 1; row < begins_[match]; ++row) f(row + 1);
    }

private:
    static constexpr std::size_t rows_per_task = std::size_t{1} << 16;

    template <class V>
    std::uint64_t place_of(V value) const {
        return static_cast<std::uint64_t>(key_number(value)) - static_cast<std::uint64_t>(least_);
    }

    // Where the rows of each number begin; one number more stands for those outside the range.
    template <class V>
    void find_runs(const V* keys, std::size_t rows, executor_ref executor) {
        begins_.assign(range_ + 2, 0);
        executor.run((rows + rows_per_task - 1) / rows_per_task, [&](std::size_t task) {
            std::uint32_t ignored = 0;    // instead of a branch that is guessed wrong where a run ends
            for (std::size_t row = task * rows_per_task; row < std::min(rows, (task + 1) * rows_per_task); ++row) {
                const bool last = row + 1 == rows || keys[row] != keys[row + 1];
                *(last ? &begins_[place_of(keys[row]) + 1] : &ignored) = static_cast<std::uint32_t>(row + 1);
            }
        });
        for (std::uint64_t place = 1; place < begins_.size(); ++place) begins_[place] = std::max(begins_[place], begins_[place - 1]);
    }

    type_id type_ = type_id::int64;
    std::int64_t least_ = 0;
    std::uint64_t range_ = 0;
    std::vector<Column> columns_{};
    std::vector<std::uint32_t> begins_{};    // and where those of the last one end
};

}  // namespace SEGKIT_NAMESPACE::detail
