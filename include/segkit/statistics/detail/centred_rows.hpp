// segkit/statistics/detail/centred_rows.hpp: rows in packed tiles, centred on their mean: what sums of products are made of.
//
//     add_centred_rows("pca", centre, block, [&](std::size_t d) { ... }, [&](const centred_tile& tile, std::size_t rows, read_ahead) { ... });
//
// A tile, or several in turn, is centred on its own mean or that before, and one row is appended, whose products are what the distance of
// the mean to the mean so far adds (Chan, Golub and LeVeque, 1983): an offset costs no digits, and merging needs no formula of its own.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/simd/products.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Up to 128 rows of a matrix in panels, less a shift.
class centred_tile {
public:
    explicit centred_tile(std::size_t columns)
        : kernels_(&product_kernels_for(simd_level())), columns_(columns), values_(panels() * panel_size), sums_(panels() * panel_width), shift_(panels() * panel_width) {}

    const product_kernels& kernels() const { return *kernels_; }
    std::size_t columns() const { return columns_; }
    std::size_t panels() const { return panels_of(columns_); }
    double* values() { return values_.data(); }
    const double* values() const { return values_.data(); }
    double operator()(std::size_t i, std::size_t j) const { return values_.data()[in_tile(i, j)]; }
    double sum(std::size_t j) const { return sums_.data()[j]; }    // of the packed values of a feature

    // `shift` holds a number per feature.
    template <class T>
    void pack(matrix_view<const T> rows, const double* shift) {
        shift_by(shift);
        std::fill_n(sums_.data(), columns_, 0.0);
        pack_more(rows);
    }
    // Less the shift of last, and added to the sums of those before.
    template <class T>
    void pack_more(matrix_view<const T> rows) {
        pack_to(rows, sums_.data());
    }
    void shift_by(const double* shift) { std::copy_n(shift, columns_, shift_.data()); }
    // Less the shift of last, and without sums.
    template <class T>
    void pack(matrix_view<const T> rows) {
        pack_to(rows, nullptr);
    }
    // NaN and infinities show in the sums, and so may sums that overflow.
    bool sums_are_finite() const {
        return std::all_of(sums_.data(), sums_.data() + columns_, is_finite);
    }
    // The distance of the mean of the packed rows from the shift, per feature; to be asked for once.
    const double* mean(std::size_t rows) {
        const double share = 1 / static_cast<double>(rows);
        for (std::size_t j = 0; j < columns_; ++j) sums_.data()[j] *= share;
        return sums_.data();
    }
    // Makes row i of numbers per feature, padded to whole panels, times a factor.
    void put_row(std::size_t i, const double* numbers, double factor) {
        for (std::size_t p = 0; p < panels(); ++p)
            for (std::size_t e = 0; e < panel_width; ++e) values_.data()[p * panel_size + i * panel_width + e] = numbers[p * panel_width + e] * factor;
    }
    // Centres the packed rows on their mean.
    void centre(std::size_t rows) { kernels_->subtract(values_.data(), panels(), rows, sums_.data()); }

private:
    template <class T>
    void pack_to(matrix_view<const T> rows, double* sums) {
        if (rows.column_stride != 1) {
            for (std::size_t p = 0; p < panels(); ++p) pack_panel(rows, p);
        } else if constexpr (std::is_same_v<T, double>) {
            kernels_->pack_doubles(rows.values, rows.row_stride, rows.rows, columns_, shift_.data(), values_.data(), sums);
        } else {
            kernels_->pack_floats(rows.values, rows.row_stride, rows.rows, columns_, shift_.data(), values_.data(), sums);
        }
    }
    // Features stored one after the other.
    template <class T>
    void pack_panel(matrix_view<const T> rows, std::size_t p) {
        const std::size_t first = p * panel_width, width = std::min(panel_width, columns_ - first);
        double* to = values_.data() + p * panel_size;
        double sums[panel_width];
        std::copy_n(sums_.data() + first, panel_width, sums);
        const T* from = rows.values + first * rows.column_stride;
        for (std::size_t i = 0; i < rows.rows; ++i, to += panel_width, from += rows.row_stride) {
            for (std::size_t e = 0; e < width; ++e) {
                to[e] = static_cast<double>(from[e * rows.column_stride]) - shift_.data()[first + e];
                sums[e] += to[e];
            }
        }
        std::copy_n(sums, width, sums_.data() + first);
    }

    const product_kernels* kernels_;
    std::size_t columns_;
    aligned_doubles values_;
    aligned_doubles sums_;
    aligned_doubles shift_;
};

// Count and mean of rows. A mean has two parts, the number and what rounding left of it, so that many small steps at a large offset
// do not add up to a wrong mean.
struct row_centre {
    std::int64_t count = 0;
    std::vector<double> means;
    std::vector<double> mean_tails;

    std::size_t width() const { return means.size(); }

    // Takes in `more` rows whose mean lies gaps[j] beyond this one. In place of a gap stands then what, squared and multiplied with
    // each other, the gaps add to the sums of products.
    void take(std::int64_t more, double* gaps) {
        const double before = static_cast<double>(count), n = static_cast<double>(more), share = n / (before + n), root = std::sqrt(before * share);
        for (std::size_t j = 0; j < means.size(); ++j) {
            const double step = mean_tails[j] + gaps[j] * share, sum = means[j] + step, part = sum - means[j];
            mean_tails[j] = (means[j] - (sum - part)) + (step - part);
            means[j] = sum;
            gaps[j] = count == 0 ? 0 : gaps[j] * root;
        }
        count += more;
    }
    // The centre of the rows whose features are scaled: (value - centre) / scale + offset by columns[j].
    template <class Columns>
    void rescale(const Columns& columns) {
        for (std::size_t j = 0; j < width(); ++j) {
            means[j] = ((means[j] - columns[j].centre) + mean_tails[j]) / columns[j].scale + columns[j].offset;
            mean_tails[j] = 0;
        }
    }

    friend bool operator==(const row_centre&, const row_centre&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("count", count);
        archive.field("means", means);
        archive.field("mean_tails", mean_tails);
        require_one_model("co_moments", mean_tails.size() == means.size());
    }
};

// Merges a state into another, both with a row_centre as their base: where either holds no rows the result is the other one, else the
// centre moves, and add(gaps) takes in the other's sums and the products of the gaps.
template <class State, class Add>
void merge_centred(std::string_view stage, State& s, const State& other, Add add) {
    if (other.count == 0) return;
    if (s.count == 0) {
        s = other;
        return;
    }
    require_width(stage, other.width(), s.width());
    std::vector<double> gaps(s.width());
    for (std::size_t j = 0; j < s.width(); ++j) gaps[j] = (other.means[j] - s.means[j]) + (other.mean_tails[j] - s.mean_tails[j]);
    s.take(other.count, gaps.data());
    add(gaps);
}

// Calls update(state) for a state with a row_centre as its base, which stays as it is where a row of the block is refused: sums of products
// cannot give it back. Nothing is copied of a state without rows, as those of `estimate` are; of others, looking at few rows costs less.
template <class State, class T, class Update>
void update_or_leave(std::string_view stage, State& s, matrix_view<const T> block, Update update) {
    if (block.rows == 0) return;
    if (s.count > 0 && block.rows < block.columns) {
        require_width(stage, block.columns, s.width());
        require_finite(stage, block, static_cast<std::size_t>(s.count));
        return update(s);
    }
    State next = s;
    update(next);
    s = std::move(next);
}

// Memory that is read next, for kernels to fetch while they compute.
struct read_ahead {
    const void* begin = nullptr;
    std::size_t bytes = 0;
};

enum class tile_centre {
    own,      // the mean of the tile's rows
    before    // that of all rows before them, of which there are as many or more, for several tiles: less work on means and tiles
};

// So many rows may have the mean of those before.
inline constexpr std::size_t most_rows_of_centre = 8 * panel_rows;

// Calls add(tile, rows, ahead) for the rows of a block in centred tiles, of which the last row is that of the means, and moves the centre.
// Where tiles may keep the mean before, add(tile, rows, less, ahead): of `less` rows more, 0 or 1, which the negative follows, products
// are to be subtracted: what the distance to the own mean of these tiles, up to eight, has added. The sum of squares is at most twice the
// true one then, as there are as many rows before. Throws for NaN and infinities; `prepare(columns)` is called before the first row of all.
template <tile_centre Centre = tile_centre::own, class T, class Prepare, class Add>
void add_centred_rows(std::string_view stage, row_centre& centre, matrix_view<const T> block, Prepare prepare, Add add) {
    if (block.rows == 0) return;
    const std::size_t d = block.columns;
    if (d == 0) throw_empty(stage, "features");
    if (centre.count == 0) {
        centre.means.assign(d, 0.0);
        centre.mean_tails.assign(d, 0.0);
        prepare(d);
    }
    require_width(stage, d, centre.width());
    centred_tile tile(d);
    aligned_doubles gaps(tile.panels() * panel_width);
    std::size_t centred = 0;    // rows of the same centre, of which so many are still to come
    bool stays = false;
    for (std::size_t first = 0, left = 0; first < block.rows; first += panel_rows) {
        const std::size_t n = std::min(panel_rows, block.rows - first);
        const auto rows = block.row_range(first, n);
        if (left == 0) {
            const auto before = static_cast<std::size_t>(centre.count);
            if (before == 0)
                for (std::size_t j = 0; j < d; ++j) centre.means[j] = is_finite(static_cast<double>(rows(0, j))) ? static_cast<double>(rows(0, j)) : 0;
            stays = Centre == tile_centre::before && before >= n;
            centred = stays ? std::min(std::max(std::min(before, most_rows_of_centre) / panel_rows * panel_rows, n), block.rows - first) : n;
            left = centred;
            tile.pack(rows, centre.means.data());
        } else {
            tile.pack_more(rows);
        }
        left -= n;
        read_ahead ahead;
        if (block.column_stride == 1 && first + n < block.rows)
            ahead = {block.values + (first + n) * block.row_stride, std::min(panel_rows, block.rows - first - n) * block.row_stride * sizeof(T)};
        if constexpr (Centre == tile_centre::before) {
            if (left > 0) {
                add(tile, n, std::size_t{0}, ahead);
                continue;
            }
        }
        if (!tile.sums_are_finite())    // an overflow is found by the sums of products
            require_finite(stage, block.row_range(first + n - centred, centred), static_cast<std::size_t>(centre.count));
        const double* const beyond = tile.mean(centred);
        if (!stays) tile.centre(n);
        for (std::size_t j = 0; j < d; ++j) gaps.data()[j] = beyond[j] - centre.mean_tails[j];
        centre.take(static_cast<std::int64_t>(centred), gaps.data());
        tile.put_row(n, gaps.data(), 1);
        if constexpr (Centre == tile_centre::own) {
            add(tile, n + 1, ahead);
        } else {
            const double root = std::sqrt(static_cast<double>(centred));
            if (stays) tile.put_row(n + 1, beyond, root);
            if (stays) tile.put_row(n + 2, beyond, -root);
            add(tile, n + 1, std::size_t{stays}, ahead);
        }
    }
}

}  // namespace SEGKIT_NAMESPACE::detail
