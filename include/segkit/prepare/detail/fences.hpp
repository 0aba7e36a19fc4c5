// segkit/prepare/detail/fences.hpp: a lower and an upper fence of every feature, and which rows are outside: what all trims share.
#pragma once

#include <cstddef>
#include <limits>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

enum class columns_rule {
    any_column,     // a row is outside when one of its trimmed features is
    all_columns,    // when all of them are
};

// On which side of its fences a value can be outside.
enum class fence_side { both, lower, upper };

namespace detail {
inline double lower_fence(fence_side side, double at) { return side == fence_side::upper ? -std::numeric_limits<double>::infinity() : at; }
inline double upper_fence(fence_side side, double at) { return side == fence_side::lower ? std::numeric_limits<double>::infinity() : at; }
}  // namespace detail

// One Fence per feature: with lower, upper, trimmed() and beyond(value).
template <class Fence>
struct fence_set {
    std::vector<Fence> columns;
    bool all_columns = false;    // the rule: one trimmed feature beyond its fences is enough, or all must be

    // `values(j)` is feature j of the row. Without a trimmed feature no row is outside.
    template <class Values>
    bool outside_by(Values&& values) const {
        bool any = false, all = true;
        for (std::size_t j = 0; j < columns.size(); ++j) {
            if (!columns[j].trimmed()) continue;
            const bool beyond = columns[j].beyond(values(j));
            any = any || beyond;
            all = all && beyond;
        }
        return all_columns ? any && all : any;
    }

    bool outside(matrix_view<const double> rows, std::size_t row) const { return is_outside(rows, row); }
    bool outside(matrix_view<const float> rows, std::size_t row) const { return is_outside(rows, row); }

    // One flag per row.
    std::vector<bool> outside(matrix_view<const double> rows) const { return flags_of(rows); }
    std::vector<bool> outside(matrix_view<const float> rows) const { return flags_of(rows); }

    friend bool operator==(const fence_set&, const fence_set&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("columns", columns);
        archive.field("all_columns", all_columns);
    }

private:
    template <class T>
    bool is_outside(matrix_view<const T> rows, std::size_t row) const {
        return outside_by([&](std::size_t j) { return static_cast<double>(rows(row, j)); });
    }
    template <class T>
    std::vector<bool> flags_of(matrix_view<const T> rows) const {
        detail::require_width(Fence::stage, rows.columns, columns.size());
        std::vector<bool> flags(rows.rows);
        for (std::size_t i = 0; i < rows.rows; ++i) flags[i] = is_outside(rows, i);
        return flags;
    }
};

// What the fences do to some rows.
struct fence_removal {
    std::size_t rows = 0;
    std::size_t outside = 0;                     // by the rule
    std::vector<std::size_t> beyond;             // per feature, rows beyond its fences: of a guarded one, what it would have removed
    std::vector<std::size_t> only_by;            // per feature, rows beyond its fences and no other trimmed feature's; 0 if guarded

    std::size_t kept() const { return rows - outside; }
};

namespace detail {

template <class Fence, class T>
fence_removal count_outside_of(const fence_set<Fence>& fences, matrix_view<const T> rows, executor_ref executor) {
    detail::require_width(Fence::stage, rows.columns, fences.columns.size());
    const std::size_t width = fences.columns.size();
    const fence_removal none{0, 0, std::vector<std::size_t>(width), std::vector<std::size_t>(width)};
    const detail::row_blocks blocks(rows.rows);
    std::vector<fence_removal> parts(blocks.count(), none);
    executor.run(blocks.count(), [&](std::size_t b) {
        fence_removal& part = parts[b];
        const auto block = rows.row_range(blocks.first(b), blocks.length(b));
        part.rows = block.rows;
        for (std::size_t i = 0; i < block.rows; ++i) {
            std::size_t how_many = 0, last = 0;
            for (std::size_t j = 0; j < width; ++j) {
                if (!fences.columns[j].beyond(static_cast<double>(block(i, j)))) continue;
                ++part.beyond[j];
                if (!fences.columns[j].trimmed()) continue;
                ++how_many;
                last = j;
            }
            if (how_many == 1) ++part.only_by[last];
            part.outside += fences.outside(block, i);
        }
    });
    fence_removal total = none;
    for (const auto& part : parts) {
        total.rows += part.rows;
        total.outside += part.outside;
        for (std::size_t j = 0; j < width; ++j) {
            total.beyond[j] += part.beyond[j];
            total.only_by[j] += part.only_by[j];
        }
    }
    return total;
}

}  // namespace detail

template <class Fence>
fence_removal count_outside(const fence_set<Fence>& fences, matrix_view<const double> rows, executor_ref executor = detail::default_executor) {
    return detail::count_outside_of(fences, rows, executor);
}
template <class Fence>
fence_removal count_outside(const fence_set<Fence>& fences, matrix_view<const float> rows, executor_ref executor = detail::default_executor) {
    return detail::count_outside_of(fences, rows, executor);
}

}  // namespace SEGKIT_NAMESPACE
