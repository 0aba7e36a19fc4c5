// segkit/io/detail/csv_places.hpp: where the fields of a column are, one row behind the other.
//
// The index has the ends of fields row by row; the loops that convert a column want plain arrays. Where several columns are
// wanted, sixteen of them are turned over at once, or eight with AVX2, a few instructions a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/io/detail/csv_reader.hpp>
#include <segkit/io/detail/csv_values.hpp>
#include <segkit/simd/level.hpp>
#include <segkit/table/chunk.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Column c of `rows` rows of `columns` numbers, `step` apart, goes to to[c * pitch, ...). There may be read and written up to
// 16 of each.
using csv_turn_function = void (*)(const std::uint32_t* from, std::size_t step, std::size_t columns, std::size_t rows, std::uint32_t* to, std::size_t pitch);

template <class Number = std::uint32_t>
void csv_turn(const Number* from, std::size_t step, std::size_t columns, std::size_t rows, Number* to, std::size_t pitch) {
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) to[c * pitch + r] = from[r * step + c];
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

// Turns over each four by four numbers of four vectors, and four by four quarters of vectors.
[[gnu::always_inline, gnu::target("avx512f")]] inline void csv_turn_numbers(csv_positions16& a, csv_positions16& b, csv_positions16& c, csv_positions16& d) {
    const csv_positions16 ab_low = __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const csv_positions16 ab_high = __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const csv_positions16 cd_low = __builtin_shufflevector(c, d, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const csv_positions16 cd_high = __builtin_shufflevector(c, d, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}
[[gnu::always_inline, gnu::target("avx512f")]] inline void csv_turn_quarters(csv_positions16& a, csv_positions16& b, csv_positions16& c, csv_positions16& d) {
    const csv_positions16 ab_even = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    const csv_positions16 ab_odd = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    const csv_positions16 cd_even = __builtin_shufflevector(c, d, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    const csv_positions16 cd_odd = __builtin_shufflevector(c, d, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    a = __builtin_shufflevector(ab_even, cd_even, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    b = __builtin_shufflevector(ab_odd, cd_odd, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    c = __builtin_shufflevector(ab_even, cd_even, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    d = __builtin_shufflevector(ab_odd, cd_odd, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

// Eight by eight numbers.
[[gnu::always_inline, gnu::target("avx2")]] inline void csv_turn_eight(const std::uint32_t* from, std::size_t step, std::uint32_t* to, std::size_t pitch) {
    csv_lanes32 row[8], pair[8];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) std::memcpy(&row[i], from + i * step, 32);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 8; i += 2) {
        pair[i] = __builtin_shufflevector(row[i], row[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        pair[i + 1] = __builtin_shufflevector(row[i], row[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    // Of each four rows, columns i and i + 4.
#pragma GCC unroll 2
    for (std::size_t i = 0; i < 8; i += 4) {
        row[i] = __builtin_shufflevector(pair[i], pair[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        row[i + 1] = __builtin_shufflevector(pair[i], pair[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        row[i + 2] = __builtin_shufflevector(pair[i + 1], pair[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        row[i + 3] = __builtin_shufflevector(pair[i + 1], pair[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
        const csv_lanes32 column = __builtin_shufflevector(row[i], row[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        const csv_lanes32 later = __builtin_shufflevector(row[i], row[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        std::memcpy(to + i * pitch, &column, 32);
        std::memcpy(to + (i + 4) * pitch, &later, 32);
    }
}

template <class Number = std::uint32_t>
[[gnu::target("avx2")]] void csv_turn_avx2(const Number* from, std::size_t step, std::size_t columns, std::size_t rows, Number* to, std::size_t pitch) {
    std::size_t r = 0;
    for (; r + 8 <= rows; r += 8, from += 8 * step, to += 8)
        for (std::size_t c = 0; c < columns; c += 8) csv_turn_eight(from + c, step, to + c * pitch, pitch);
    csv_turn(from, step, columns, rows - r, to, pitch);
}

template <class Number = std::uint32_t>
[[gnu::target("avx2,avx512f,avx512vl")]] void csv_turn_avx512(const Number* from, std::size_t step, std::size_t columns, std::size_t rows, Number* to, std::size_t pitch) {
    std::size_t r = 0;
    for (; r + 16 <= rows; r += 16, from += 16 * step, to += 16) {
        csv_positions16 v[16];
#pragma GCC unroll 16
        for (std::size_t i = 0; i < 16; ++i) std::memcpy(&v[i], from + i * step, 64);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < 16; i += 4) csv_turn_numbers(v[i], v[i + 1], v[i + 2], v[i + 3]);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < 4; ++i) csv_turn_quarters(v[i], v[i + 4], v[i + 8], v[i + 12]);
#pragma GCC unroll 16
        for (std::size_t c = 0; c < 16; ++c) std::memcpy(to + c * pitch, &v[c], 64);
    }
    csv_turn(from, step, columns, rows - r, to, pitch);
}
#endif

// Nothing is to be done per field: none or all of a block's fields are quoted, and no carriage return stands behind them.
inline bool csv_is_uniform(const csv_batch& batch, std::size_t column) {
    return !(batch.findings.returns && column + 1 == batch.columns) && (!batch.findings.quotes || batch.all_quoted());
}

// The places of fields of one stretch of rows after the other.
class csv_places {
public:
    // `most_rows`: of a stretch.
    csv_places(std::size_t most_rows, instruction_set level)
        : pitch_(most_rows + 16), starts_(new std::uint32_t[most_rows]), ends_(new std::uint32_t[most_rows]) {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
        if (level == instruction_set::avx2) turn_ = csv_turn_avx2<>;
        if (level == instruction_set::avx512) turn_ = csv_turn_avx512<>;
#endif
        (void)level;
    }

    // `positions`: of the columns that will be asked for.
    void want(const std::vector<std::size_t>& positions) {
        for (group& g : groups_) g.wanted = 0;
        for (const std::size_t position : positions) {
            if (position / per_group >= groups_.size()) groups_.resize(position / per_group + 1);
            ++groups_[position / per_group].wanted;
        }
    }

    // From now on, rows [first, first + rows) of the batch are meant.
    void begin(const csv_batch& batch, std::size_t first, std::size_t rows) {
        batch_ = &batch;
        first_ = first;
        rows_ = rows;
        for (group& g : groups_) g.turned = false;
    }

    // The fields of a column in those rows, or in those of them that `selection` names, `rows` in number; until the next call
    // or `begin`.
    csv_fields_of_column of(std::size_t column, const std::uint16_t* selection, std::size_t rows) {
        const csv_batch& batch = *batch_;
        const std::size_t columns = batch.columns;
        const char* const text = batch.text();
        const bool all_quoted = batch.findings.quotes && batch.all_quoted();
        csv_fields_of_column fields;
        fields.rows = rows;
        fields.begin = text + 1 + all_quoted;
        fields.end = text - all_quoted;
        std::uint32_t* const starts = starts_.get();
        std::uint32_t* const ends = ends_.get();
        group& g = groups_[column / per_group];
        const bool contiguous = batch.ends == batch.starts + 1;    // not where lines were taken out
        if (!selection && contiguous && g.wanted > few) {
            if (!g.turned) turn(g, column / per_group);
            fields.starts = g.turned_positions.get() + column % per_group * pitch_;
            fields.ends = fields.starts + pitch_;
            if (csv_is_uniform(batch, column)) return fields;
            std::memcpy(starts, fields.starts, rows * sizeof *starts);
            std::memcpy(ends, fields.ends, rows * sizeof *ends);
        } else {
            const std::uint32_t* const from_starts = batch.starts + first_ * columns + column;
            const std::uint32_t* const from_ends = batch.ends + first_ * columns + column;
            for (std::size_t k = 0; k < rows; ++k) {
                const std::size_t at = (selection ? std::size_t{selection[k]} : k) * columns;
                starts[k] = from_starts[at];
                ends[k] = from_ends[at];
            }
        }
        fields.starts = starts;
        fields.ends = ends;
        if (batch.findings.returns && column + 1 == columns)
            for (std::size_t k = 0; k < rows; ++k) ends[k] -= ends[k] != starts[k] + 1 && text[ends[k] - 1] == '\r';
        if (batch.findings.quotes && !all_quoted) {
            for (std::size_t k = 0; k < rows; ++k) {
                const std::uint32_t quoted = text[starts[k] + 1] == '"';    // of an empty field this is the delimiter
                starts[k] += quoted;
                ends[k] -= quoted;
            }
        }
        return fields;
    }

private:
    static constexpr std::size_t per_group = 15;    // fields between sixteen places
    static constexpr unsigned few = 2;              // are sooner picked out one by one

    struct group {
        unsigned wanted = 0;
        bool turned = false;
        std::unique_ptr<std::uint32_t[]> turned_positions{};
    };

    void turn(group& g, std::size_t number) {
        if (!g.turned_positions) g.turned_positions.reset(new std::uint32_t[(per_group + 1) * pitch_]);
        const std::size_t left = batch_->columns - number * per_group;
        turn_(batch_->starts + first_ * batch_->columns + number * per_group, batch_->columns, left < per_group ? left + 1 : per_group + 1, rows_,
              g.turned_positions.get(), pitch_);
        g.turned = true;
    }

    std::size_t pitch_;
    std::unique_ptr<std::uint32_t[]> starts_, ends_;
    std::vector<group> groups_;
    csv_turn_function turn_ = csv_turn<>;
    const csv_batch* batch_ = nullptr;
    std::size_t first_ = 0;
    std::size_t rows_ = 0;
};

}  // namespace SEGKIT_NAMESPACE::detail
