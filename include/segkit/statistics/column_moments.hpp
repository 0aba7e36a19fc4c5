// segkit/statistics/column_moments.hpp: count, mean, variance and extremes of every feature of a matrix.
//
//     auto summary = segkit::estimate(segkit::column_moments{}, matrix, segkit::threads(2));
//     summary.columns[j].mean()
//
// An estimator whose state and model are the same value, one `moments` per feature. One pass.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/simd/columns.hpp>
#include <segkit/simd/level.hpp>
#include <segkit/statistics/moments.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// The sums of one pass over some rows of `columns` features, in a pattern that repeats every `period` times 8 numbers.
class pattern_sums {
public:
    explicit pattern_sums(std::size_t columns)
        : columns_(columns), period_(columns / std::gcd(columns, pattern_lanes)), places_(period_ * pattern_lanes), memory_(5 * places_) {}

    // Adds rows one after the other to the moments of their columns. False, and nothing is added, where squares are not finite.
    template <class T>
    bool add(moments* into, const T* values, std::size_t rows, const column_kernels<T>& kernels) {
        double *const shift = memory_.data(), *const sum = shift + places_, *const squares = sum + places_, *const least = squares + places_, *const greatest = least + places_;
        for (std::size_t p = 0, j = 0; p < places_; ++p, j = j + 1 == columns_ ? 0 : j + 1) {
            const double first = static_cast<double>(values[j]);
            shift[p] = into[j].count == 0 ? first : into[j].shift;
            least[p] = into[j].count == 0 ? first : into[j].minimum;
            greatest[p] = into[j].count == 0 ? first : into[j].maximum;
            sum[p] = squares[p] = 0;
        }
        kernels.moments(values, rows * columns_, period_, {shift, sum, squares, least, greatest});
        for (std::size_t p = 0; p < places_; ++p)
            if (!is_finite(squares[p])) return false;
        for (std::size_t j = 0; j < columns_; ++j) {
            moments& m = into[j];
            m.count += static_cast<std::int64_t>(rows);
            m.shift = shift[j];
            m.minimum = least[j];
            m.maximum = greatest[j];
            double more = sum[j], more_squares = squares[j];
            for (std::size_t p = j + columns_; p < places_; p += columns_) {
                more += sum[p];
                more_squares += squares[p];
                m.minimum = std::min(m.minimum, least[p]);
                m.maximum = std::max(m.maximum, greatest[p]);
            }
            m.shifted_sum += more;
            m.shifted_squares += more_squares;
            m.centre();
        }
        return true;
    }

private:
    std::size_t columns_, period_, places_;
    std::vector<double> memory_;
};

}  // namespace detail

namespace detail {
inline void require_ddof(std::string_view stage, int ddof) {
    if (ddof < 0) throw_invalid_option(stage, "ddof", std::to_string(ddof), "at least 0", "0 is the population's deviation, 1 the sample's");
}
inline void require_more_rows_than(std::string_view stage, std::size_t rows, int ddof) {
    if (rows > static_cast<std::size_t>(ddof)) return;
    throw error(error_details{.code = error_code::too_few_rows,
                              .stage = std::string(stage),
                              .found = std::to_string(rows) + " rows",
                              .expected = "more than ddof = " + std::to_string(ddof)});
}
}  // namespace detail

// The moments of every feature: state and model are the same value, one `moments` per feature.
struct column_moments {
    struct state {
        std::vector<moments> columns;    // empty until the first block, which fixes the width

        std::size_t rows() const { return columns.empty() ? 0 : static_cast<std::size_t>(columns[0].count); }
        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            archive.field("columns", columns);
        }
    };

    std::string_view stage = "column_moments";    // the name that errors bear

    state start() const { return {}; }

    // Templates only so that who includes this header and fits nothing does not compile the kernels.
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { add(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { add(s, block); }

    void merge(state& s, const state& other) const {
        if (other.columns.empty()) return;
        if (s.columns.empty()) {
            s = other;
            return;
        }
        detail::require_width(stage, other.columns.size(), s.columns.size());
        for (std::size_t j = 0; j < s.columns.size(); ++j) s.columns[j].merge(other.columns[j]);
    }

    template <int = 0>
    state finish(const state& s) const {
        if (s.rows() == 0) detail::throw_empty(stage);
        for (std::size_t j = 0; j < s.columns.size(); ++j) {
            detail::require_finite_squares(stage, s.columns[j].mean(), s.columns[j].variance(0), j);
        }
        return s;
    }

private:
    static constexpr std::size_t tile = 1'024;    // rows between two looks at the mean

    template <class T>
    void add(state& to, matrix_view<const T> block) const {
        if (block.rows == 0) return;
        if (block.columns == 0) detail::throw_empty(stage, "features");
        state s = to;    // which stays as it is where a row is refused
        if (s.columns.empty()) s.columns.resize(block.columns);
        detail::require_width(stage, block.columns, s.columns.size());
        const detail::column_kernels<T>& kernels = detail::column_kernels_for<T>(simd_level());
        const bool together = block.column_stride == 1 && block.row_stride == block.columns, by_column = block.row_stride == 1;
        std::vector<T> gathered(together || by_column ? 0 : tile * block.columns);
        detail::pattern_sums sums(by_column ? 1 : block.columns);
        for (std::size_t i = 0; i < block.rows; i += tile) {
            const auto rows = block.row_range(i, std::min(tile, block.rows - i));
            bool added = true;
            if (by_column) {
                const std::size_t before = s.rows();
                for (std::size_t j = 0; j < block.columns && added; ++j) added = sums.add(&s.columns[j], &rows(0, j), rows.rows, kernels);
                if (!added) refuse(rows, before);
                continue;
            }
            const T* values = &rows(0, 0);
            if (!together) {
                for (std::size_t r = 0; r < rows.rows; ++r)
                    for (std::size_t j = 0; j < block.columns; ++j) gathered[r * block.columns + j] = rows(r, j);
                values = gathered.data();
            }
            if (!sums.add(s.columns.data(), values, rows.rows, kernels)) refuse(rows, s.rows());
        }
        to = std::move(s);
    }
    // Either a value is not finite or a square.
    template <class T>
    void refuse(matrix_view<const T> rows, std::size_t rows_before) const {
        detail::require_finite(stage, rows, rows_before);
        std::size_t feature = 0;
        double most = 0;
        for (std::size_t j = 0; j < rows.columns; ++j) {
            for (std::size_t i = 0; i < rows.rows; ++i) {
                const double size = std::fabs(static_cast<double>(rows(i, j)));
                if (size <= most) continue;
                most = size;
                feature = j;
            }
        }
        detail::require_finite_squares(stage, most, std::numeric_limits<double>::infinity(), feature);
    }
};

}  // namespace SEGKIT_NAMESPACE
