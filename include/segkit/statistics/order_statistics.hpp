// segkit/statistics/order_statistics.hpp: the values at given ranks of every column of a matrix, exactly, in one pass.
//
//     auto found = order_statistics(matrix, {n / 4, n / 2}, executor);    // found[column][i]: what would stand at ranks[i] if it were sorted
//
// A sample of the rows brackets each rank between two values; one pass counts what lies below a bracket and keeps the few per cent
// within; the rank is then found among these, in the same way (Floyd and Rivest, "Expected time bounds for selection", 1975). Values
// that are a large part of a bracket by themselves are counted, not kept. Where a bracket misses, which a sorted half of four
// standard deviations allows in one of ten thousand, the column is selected from a copy. Bound by memory for long columns.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/simd/columns.hpp>
#include <segkit/simd/level.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Rows in columns one after the other: out[j * rows + i] = rows(i, j).
template <class T>
void copy_to_columns(matrix_view<const T> rows, T* out) {
    constexpr std::size_t together = 16;    // rows whose cache lines stay while all columns are taken out of them
    for (std::size_t first = 0; first < rows.rows; first += together) {
        const std::size_t last = std::min(rows.rows, first + together);
        for (std::size_t j = 0; j < rows.columns; ++j) {
            T* const to = out + j * rows.rows;
            for (std::size_t i = first; i < last; ++i) to[i] = rows(i, j);
        }
    }
}

// The values at ascending ranks, by selection; reorders.
template <class T>
std::vector<T> select_ranks(T* values, std::size_t n, const std::vector<std::size_t>& ranks) {
    std::vector<T> found;
    std::size_t settled = 0;    // everything before is at its place, and not above what follows
    if (ranks.size() > 16) {
        std::sort(values, values + n);
        settled = n;
    }
    for (const std::size_t rank : ranks) {
        if (rank >= settled) {
            std::nth_element(values + settled, values + rank, values + n);
            settled = rank + 1;
        }
        found.push_back(values[rank]);
    }
    return found;
}

// Places of a sorted sample between which some ranks lie, but for bad luck; -1 and the sample's size are beyond its ends.
struct sample_window {
    std::ptrdiff_t first, last;
};

inline std::size_t sample_size(std::size_t n) { return n >= 2'000'000 ? 16'384 : n >= 200'000 ? 8'192 : 2'048; }

inline std::vector<sample_window> sample_windows(const std::vector<std::size_t>& ranks, std::size_t n, std::size_t sampled) {
    std::vector<sample_window> windows;
    for (const std::size_t rank : ranks) {
        const double share = (static_cast<double>(rank) + 0.5) / static_cast<double>(n), size = static_cast<double>(sampled);
        const double reach = 4 * std::sqrt(size * share * (1 - share) + 1);
        const auto first = std::max<std::ptrdiff_t>(-1, static_cast<std::ptrdiff_t>(std::floor(size * share - reach)) - 1);
        const auto last = std::min(static_cast<std::ptrdiff_t>(sampled), static_cast<std::ptrdiff_t>(std::ceil(size * share + reach)));
        if (!windows.empty() && first <= windows.back().last) windows.back().last = std::max(last, windows.back().last);
        else windows.push_back({first, last});
    }
    return windows;
}

// What the pass learns of one column: ranges whose values are kept, and single values that are counted.
template <class T>
struct rank_brackets {
    std::vector<value_range<T>> kept, counted;

    std::size_t size() const { return kept.size() + counted.size(); }
};

// Sorts the windows of the sample and makes ranges of them, without the values that are an eighth of a window or more.
template <class T>
rank_brackets<T> brackets_of(std::vector<T>& sample, const std::vector<sample_window>& windows) {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    rank_brackets<T> brackets;
    std::size_t settled = 0;
    for (const sample_window& w : windows) {
        const auto first = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, w.first));
        const auto end = std::min(sample.size(), static_cast<std::size_t>(w.last) + 1);
        const auto at = [&](std::size_t i) { return sample.begin() + static_cast<std::ptrdiff_t>(i); };
        std::nth_element(at(settled), at(first), sample.end());
        if (end < sample.size()) std::nth_element(at(first), at(end), sample.end());
        std::sort(at(first), at(end));
        settled = end;
        T low = w.first < 0 ? std::numeric_limits<T>::lowest() : sample[first];
        const T high = static_cast<std::size_t>(w.last) >= sample.size() ? infinity : std::nextafter(sample[end - 1], infinity);
        const std::size_t many = std::max<std::size_t>(8, (end - first) / 8);
        for (std::size_t i = first; i < end;) {
            std::size_t next = i;
            while (next < end && sample[next] == sample[i]) ++next;
            if (next - i >= many) {
                const T value = sample[i], after = std::nextafter(value, infinity);
                if (low < value) brackets.kept.push_back({low, value});
                brackets.counted.push_back({value, after});
                low = after;
            }
            i = next;
        }
        if (low < high) brackets.kept.push_back({low, high});
    }
    return brackets;
}

// What one piece of the rows has in the brackets of one column.
template <class T>
struct bracket_counts {
    std::vector<std::uint64_t> below, equal;    // of the kept, then of the counted; of the counted
    std::vector<T> values;                      // of all that are kept, in any order
};

template <class T>
class rank_pass {
public:
    rank_pass(matrix_view<const T> rows, const std::vector<std::size_t>& ranks, executor_ref executor, std::string_view stage)
        : rows_(rows), ranks_(ranks), executor_(executor), stage_(stage), kernels_(column_kernels_for<T>(simd_level())), blocks_(rows.rows) {}

    std::vector<std::vector<T>> run() {
        std::vector<std::vector<T>> found(rows_.columns);
        if (rows_.columns == 0) return found;
        if (rows_.rows < 16'384 || ranks_.size() > 64) {
            require_finite(stage_, rows_);
            executor_.run(rows_.columns, [&](std::size_t j) { found[j] = select_from_copy(j); });
            return found;
        }
        choose_brackets();
        const bool by_column = rows_.row_stride == 1;
        const std::size_t columns_at_once = by_column ? 1 : rows_.columns;
        parts_.resize(blocks_.count() * rows_.columns);
        odd_.assign(parts_.size(), 0);
        executor_.run(blocks_.count() * (rows_.columns / columns_at_once), [&](std::size_t task) {
            const std::size_t block = task % blocks_.count();
            const auto rows = rows_.row_range(blocks_.first(block), blocks_.length(block));
            if (by_column) look_at_column(rows, task / blocks_.count(), block);
            else look_at_rows(rows, block);
        });
        for (std::size_t b = 0; b < blocks_.count(); ++b)
            for (std::size_t j = 0; j < rows_.columns; ++j)
                if (odd_[j * blocks_.count() + b]) require_finite(stage_, rows_.row_range(blocks_.first(b), blocks_.length(b)), blocks_.first(b));
        executor_.run(rows_.columns, [&](std::size_t j) {
            found[j] = answer(j);
            if (found[j].empty()) found[j] = select_from_copy(j);
        });
        return found;
    }

private:
    static constexpr std::size_t tile = 4'096;

    std::vector<T> select_from_copy(std::size_t j) const {
        std::vector<T> copy(rows_.rows);
        for (std::size_t i = 0; i < rows_.rows; ++i) copy[i] = rows_(i, j);
        return select_ranks(copy.data(), copy.size(), ranks_);
    }

    // The same rows for every column, one at random of each stretch.
    void choose_brackets() {
        const std::size_t size = sample_size(rows_.rows), stretch = rows_.rows / size;
        const counter_random random(0, 0x72616e6b);
        std::vector<std::size_t> chosen(size);
        for (std::size_t i = 0; i < size; ++i) chosen[i] = i * rows_.rows / size + random.below(i, stretch);
        const auto windows = sample_windows(ranks_, rows_.rows, size);
        brackets_.resize(rows_.columns);
        executor_.run(rows_.columns, [&](std::size_t j) {
            std::vector<T> sample;
            sample.reserve(size);
            for (const std::size_t i : chosen)
                if (is_finite(static_cast<double>(rows_(i, j)))) sample.push_back(rows_(i, j));
            if (sample.size() == size) brackets_[j] = brackets_of(sample, windows);    // else the pass finds what is odd
        });
    }

    void look_at_column(matrix_view<const T> rows, std::size_t j, std::size_t block) {
        std::vector<T> room(tile + pattern_lanes * 2);
        for (std::size_t i = 0; i < rows.rows; i += tile) look(&rows(i, j), std::min(tile, rows.rows - i), j, block, room.data());
    }
    void look_at_rows(matrix_view<const T> rows, std::size_t block) {
        const std::size_t at_once = std::clamp<std::size_t>(65'536 / (sizeof(T) * rows.columns) / 64 * 64, 64, tile);
        std::vector<T> columns(at_once * rows.columns), room(at_once + pattern_lanes * 2);
        for (std::size_t i = 0; i < rows.rows; i += at_once) {
            const std::size_t n = std::min(at_once, rows.rows - i);
            copy_to_columns(rows.row_range(i, n), columns.data());
            for (std::size_t j = 0; j < rows.columns; ++j) look(columns.data() + j * n, n, j, block, room.data());
        }
    }
    // A column's values that follow each other; `room` is for as many and some more.
    void look(const T* values, std::size_t n, std::size_t j, std::size_t block, T* room) {
        const rank_brackets<T>& brackets = brackets_[j];
        bracket_counts<T>& part = parts_[j * blocks_.count() + block];
        part.below.resize(brackets.size());
        part.equal.resize(brackets.counted.size());
        bool odd = false;
        constexpr std::size_t at_once = 3;
        for (std::size_t r = 0; r == 0 || r < brackets.kept.size(); r += at_once) {
            constexpr value_range<T> none{std::numeric_limits<T>::lowest(), std::numeric_limits<T>::lowest()};
            std::uint64_t unused = 0;
            const bool any = r < brackets.kept.size();    // without a range, still for what is odd
            T* const end = kernels_.collect(values, n, any ? &brackets.kept[r] : &none, any ? std::min(at_once, brackets.kept.size() - r) : 1,
                                            any ? &part.below[r] : &unused, room, odd);
            part.values.insert(part.values.end(), room, end);
        }
        for (std::size_t r = 0; r < brackets.counted.size(); ++r)
            part.equal[r] += kernels_.count(values, n, brackets.counted[r], &part.below[brackets.kept.size() + r]);
        odd_[j * blocks_.count() + block] = odd_[j * blocks_.count() + block] || odd;
    }

    // The values at the ranks, or none where a bracket missed one.
    std::vector<T> answer(std::size_t j) {
        const rank_brackets<T>& brackets = brackets_[j];
        bracket_counts<T> all;
        all.below.resize(brackets.size());
        all.equal.resize(brackets.counted.size());
        std::size_t kept = 0;
        for (std::size_t b = 0; b < blocks_.count(); ++b) kept += parts_[j * blocks_.count() + b].values.size();
        all.values.reserve(kept);
        for (std::size_t b = 0; b < blocks_.count(); ++b) {
            bracket_counts<T>& part = parts_[j * blocks_.count() + b];
            for (std::size_t r = 0; r < all.below.size(); ++r) all.below[r] += part.below[r];
            for (std::size_t r = 0; r < all.equal.size(); ++r) all.equal[r] += part.equal[r];
            all.values.insert(all.values.end(), part.values.begin(), part.values.end());
            part.values = {};
        }
        std::vector<T> found(ranks_.size());
        std::size_t answered = 0;
        for (std::size_t r = 0; r < brackets.counted.size(); ++r) {
            const std::uint64_t first = all.below[brackets.kept.size() + r];
            for (std::size_t i = 0; i < ranks_.size(); ++i) {
                if (ranks_[i] < first || ranks_[i] >= first + all.equal[r]) continue;
                found[i] = brackets.counted[r].low;
                ++answered;
            }
        }
        // Among the kept, the values of a range lie behind those of the ranges before it.
        const std::size_t n = all.values.size();
        std::vector<std::size_t> inside, places;
        for (std::size_t r = 0; r < brackets.kept.size(); ++r) {
            std::uint64_t before = 0;
            const std::uint64_t of_range = kernels_.count(all.values.data(), n, brackets.kept[r], &before);
            for (std::size_t i = 0; i < ranks_.size(); ++i) {
                if (ranks_[i] < all.below[r] || ranks_[i] >= all.below[r] + of_range) continue;
                inside.push_back(ranks_[i] - all.below[r] + before);
                places.push_back(i);
            }
        }
        if (!inside.empty()) {
            // Fewer at each turn, so that this ends.
            const std::vector<T> values = n < rows_.rows / 2 ? rank_pass(column_major<const T>(all.values.data(), n, 1), inside, default_executor, stage_).run()[0]
                                                             : select_ranks(all.values.data(), n, inside);
            for (std::size_t i = 0; i < places.size(); ++i) found[places[i]] = values[i];
            answered += places.size();
        }
        if (answered != ranks_.size()) found.clear();
        return found;
    }

    matrix_view<const T> rows_;
    const std::vector<std::size_t>& ranks_;
    executor_ref executor_;
    std::string_view stage_;
    const column_kernels<T>& kernels_;
    row_blocks blocks_;
    std::vector<rank_brackets<T>> brackets_;
    std::vector<bracket_counts<T>> parts_;    // of each column its blocks
    std::vector<char> odd_;
};

// `ranks` ascending and below the number of rows, of which there is one at least. NaN and infinities are errors.
template <class T>
std::vector<std::vector<T>> order_statistics(matrix_view<const T> rows, const std::vector<std::size_t>& ranks, executor_ref executor, std::string_view stage) {
    return rank_pass<T>(rows, ranks, executor, stage).run();
}

}  // namespace SEGKIT_NAMESPACE::detail
