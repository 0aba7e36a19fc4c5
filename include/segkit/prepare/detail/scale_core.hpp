// segkit/prepare/detail/scale_core.hpp: scaling of every feature to mean 0 and deviation 1, to a range, by its largest size, or by
// its quantiles, on matrices of double or float.
//
// The four estimators learn a `column_scaling`; its transform and inverse work on a matrix, in place if wished. But for the robust
// one they learn from `column_moments`, so one pass over the rows serves them all. A constant feature is never divided by.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/simd/columns.hpp>
#include <segkit/simd/level.hpp>
#include <segkit/statistics/column_moments.hpp>
#include <segkit/statistics/quantile.hpp>
#include <segkit/table/matrix.hpp>
#include <segkit/table/matrix_view.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

struct standard_scale_options {
    int ddof = 0;    // the deviation's divisor is rows - ddof: 0 the population's, 1 the sample's
};

enum class scale_direction {
    ascending,
    inverted,    // the greatest value goes to the lower bound
};

struct min_max_scale_options {
    double lower = 0;
    double upper = 1;
    scale_direction direction = scale_direction::ascending;
};

struct robust_scale_options {
    double lower = 0.25;    // the scale is the distance between these two quantiles; the centre is the median
    double upper = 0.75;
    quantile_method method = quantile_method::linear;
};

// One feature's scaling: (value - centre) / scale + offset.
struct scaled_column {
    double centre = 0;
    double scale = 1;
    double offset = 0;
    bool constant = false;    // of no spread by which to divide: then scale is 1

    double transform(double value) const { return (value - centre) / scale + offset; }
    double inverse(double value) const { return (value - offset) * scale + centre; }

    friend bool operator==(const scaled_column&, const scaled_column&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("centre", centre);
        archive.field("scale", scale);
        archive.field("offset", offset);
        archive.field("constant", constant);
    }
};

struct column_scaling {
    std::vector<scaled_column> columns;

    // `out` may be `rows` itself. A NaN stays one; an infinite result is an error that names row and feature, after which `out` is
    // scaled in part. Computed in double for points in float too.
    // Templates only so that who includes this header and fits nothing does not compile the kernels.
    template <int = 0>
    void transform(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const { apply<false>(rows, out, executor); }
    template <int = 0>
    void transform(matrix_view<const float> rows, matrix_view<float> out, executor_ref executor = detail::default_executor) const { apply<false>(rows, out, executor); }
    template <int = 0>
    void inverse(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const { apply<true>(rows, out, executor); }
    template <int = 0>
    void inverse(matrix_view<const float> rows, matrix_view<float> out, executor_ref executor = detail::default_executor) const { apply<true>(rows, out, executor); }

    // Into memory of their own.
    template <int = 0>
    dense_matrix<double> transformed(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const { return fresh(rows, executor); }
    template <int = 0>
    dense_matrix<float> transformed(matrix_view<const float> rows, executor_ref executor = detail::default_executor) const { return fresh(rows, executor); }

    friend bool operator==(const column_scaling&, const column_scaling&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("columns", columns);
    }

private:
    // The columns' numbers as often as a pattern needs them.
    class patterns {
    public:
        patterns(const scaled_column* columns, std::size_t count) : period_(count / std::gcd(count, detail::pattern_lanes)), places_(period_ * detail::pattern_lanes) {
            for (std::size_t p = 0; p < places_; ++p) memory_.push_back(columns[p % count].centre);
            for (std::size_t p = 0; p < places_; ++p) memory_.push_back(columns[p % count].scale);
            for (std::size_t p = 0; p < places_; ++p) memory_.push_back(columns[p % count].offset);
        }
        template <bool Inverse, class T>
        bool run(const detail::column_kernels<T>& kernels, const T* values, std::size_t n, T* out) const {
            const detail::place_scaling places{memory_.data(), memory_.data() + places_, memory_.data() + 2 * places_};
            return (Inverse ? kernels.unscale : kernels.scale)(values, n, period_, places, out);
        }

    private:
        std::size_t period_, places_;
        std::vector<double> memory_;
    };

    template <class T>
    static bool in_runs(const matrix_view<T>& m) {
        return m.column_stride == 1 && m.row_stride == m.columns;
    }

    template <bool Inverse, class T>
    void apply(matrix_view<const T> rows, matrix_view<T> out, executor_ref executor) const {
        detail::require_width("scale", rows.columns, columns.size());
        SEGKIT_ASSERT(out.rows == rows.rows && out.columns == rows.columns);
        if (rows.rows == 0 || rows.columns == 0) return;
        const bool together = in_runs(rows) && in_runs(out);
        std::vector<patterns> of_columns;
        if (together) of_columns.emplace_back(columns.data(), columns.size());
        else
            for (const scaled_column& column : columns) of_columns.emplace_back(&column, 1);
        const detail::column_kernels<T>& kernels = detail::column_kernels_for<T>(simd_level());
        const detail::row_blocks blocks(rows.rows);
        executor.run(blocks.count(), [&](std::size_t b) {
            const auto from = rows.row_range(blocks.first(b), blocks.length(b));
            const auto to = out.row_range(blocks.first(b), blocks.length(b));
            bool finite = true;
            if (together) finite = of_columns[0].template run<Inverse>(kernels, from.values, from.rows * from.columns, to.values);
            else
                for (std::size_t j = 0; j < columns.size(); ++j) finite = apply_to_column<Inverse>(of_columns[j], kernels, from, to, j) && finite;
            if (!finite) refuse_infinities(to, blocks.first(b));
        });
    }
    template <bool Inverse, class T>
    static bool apply_to_column(const patterns& column, const detail::column_kernels<T>& kernels, matrix_view<const T> from, matrix_view<T> to, std::size_t j) {
        if (from.row_stride == 1 && to.row_stride == 1) return column.template run<Inverse>(kernels, &from(0, j), from.rows, &to(0, j));
        constexpr std::size_t tile = 256;
        T some[tile];
        bool finite = true;
        for (std::size_t first = 0; first < from.rows; first += tile) {
            const std::size_t n = std::min(tile, from.rows - first);
            for (std::size_t i = 0; i < n; ++i) some[i] = from(first + i, j);
            finite = column.template run<Inverse>(kernels, some, n, some) && finite;
            for (std::size_t i = 0; i < n; ++i) to(first + i, j) = some[i];
        }
        return finite;
    }
    template <class T>
    static void refuse_infinities(matrix_view<T> out, std::size_t rows_before) {
        for (std::size_t i = 0; i < out.rows; ++i) {
            for (std::size_t j = 0; j < out.columns; ++j) {
                if (out(i, j) != out(i, j) || detail::is_finite(static_cast<double>(out(i, j)))) continue;
                throw error(error_details{.code = error_code::overflow,
                                          .stage = "scale",
                                          .field = "feature " + std::to_string(j),
                                          .column = j + 1,
                                          .row = rows_before + i,
                                          .found = "an infinite result",
                                          .expected = sizeof(T) == 4 ? "a value that float can hold" : "a value that double can hold",
                                          .advice = sizeof(T) == 4 ? "replace infinities first, or use double" : "replace infinities first"});
            }
        }
    }
    template <class T>
    dense_matrix<T> fresh(matrix_view<const T> rows, executor_ref executor) const {
        dense_matrix<T> out(rows.rows, rows.columns);
        apply<false>(rows, out.view(), executor);
        return out;
    }
};

struct standard_scale_estimator {
    using state = column_moments::state;
    standard_scale_options options{};

    state start() const {
        detail::require_ddof(stage, options.ddof);
        return {};
    }
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { rows.update(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { rows.update(s, block); }
    void merge(state& s, const state& other) const { rows.merge(s, other); }

    template <int = 0>
    column_scaling finish(const state& s) const {
        const auto summary = rows.finish(s);
        detail::require_more_rows_than(stage, s.rows(), options.ddof);
        column_scaling scaling;
        for (const moments& m : summary.columns) {
            const bool constant = m.has_no_deviation();
            scaling.columns.push_back({m.mean(), constant ? 1.0 : m.standard_deviation(options.ddof), 0.0, constant});
        }
        return scaling;
    }

private:
    static constexpr std::string_view stage = "standard_scale";
    static constexpr column_moments rows{.stage = stage};
};

struct min_max_scale_estimator {
    using state = column_moments::state;
    min_max_scale_options options{};

    state start() const {
        if (!(options.lower < options.upper) || !detail::is_finite(options.lower) || !detail::is_finite(options.upper)) {
            detail::throw_invalid_option(stage, "lower", std::to_string(options.lower), "less than upper = " + std::to_string(options.upper));
        }
        if (!detail::is_finite(options.upper - options.lower))
            detail::throw_invalid_option(stage, "upper", std::to_string(options.upper), "a finite distance from lower = " + std::to_string(options.lower));
        return {};
    }
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { rows.update(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { rows.update(s, block); }
    void merge(state& s, const state& other) const { rows.merge(s, other); }

    // A constant feature goes to the lower bound.
    template <int = 0>
    column_scaling finish(const state& s) const {
        column_scaling scaling;
        for (const moments& m : rows.finish(s).columns) {
            const double ratio = (m.maximum - m.minimum) / (options.upper - options.lower);
            if (!detail::is_finite(ratio))
                detail::throw_invalid_option(stage, "upper", to_text(options.upper), "a range from lower = " + to_text(options.lower) + " that is not so small beside that of feature " + std::to_string(scaling.columns.size()));
            const bool constant = m.is_constant() || ratio == 0, inverted = options.direction == scale_direction::inverted;
            const double scale = constant ? 1.0 : ratio;
            scaling.columns.push_back({inverted ? m.maximum : m.minimum, inverted && !constant ? -scale : scale, options.lower, constant});
        }
        return scaling;
    }

private:
    static constexpr std::string_view stage = "min_max_scale";
    static constexpr column_moments rows{.stage = stage};
};

// Divides by the largest absolute value: zeros stay zeros, and all is from -1 to 1. A feature of zeros is constant.
struct max_abs_scale_estimator {
    using state = column_moments::state;

    state start() const { return {}; }
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { rows.update(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { rows.update(s, block); }
    void merge(state& s, const state& other) const { rows.merge(s, other); }

    template <int = 0>
    column_scaling finish(const state& s) const {
        column_scaling scaling;
        for (const moments& m : rows.finish(s).columns) {
            const double largest = std::max(std::fabs(m.minimum), std::fabs(m.maximum));
            scaling.columns.push_back({0, largest == 0 ? 1.0 : largest, 0, largest == 0});
        }
        return scaling;
    }

private:
    static constexpr column_moments rows{.stage = "max_abs_scale"};
};

// Median 0 and a distance of 1 between two quantiles, which outliers do not move. Where the two are equal the feature is centred only.
struct robust_scale_estimator {
    using state = quantile_estimator::state;
    robust_scale_options options{};

    state start() const {
        if (!(options.lower >= 0 && options.lower < options.upper && options.upper <= 1))
            detail::throw_invalid_option(stage, "lower", std::to_string(options.lower), "a share of at least 0, below upper = " + std::to_string(options.upper) + ", which is at most 1");
        return {};
    }
    template <int = 0>
    void update(state& s, matrix_view<const double> block) const { quartiles().update(s, block); }
    template <int = 0>
    void update(state& s, matrix_view<const float> block) const { quartiles().update(s, block); }
    void merge(state& s, const state& other) const { quartiles().merge(s, other); }
    template <int = 0>
    column_scaling finish(const state& s) const { return from(quartiles().finish(s)); }
    template <int = 0>
    column_scaling finish(const state& s, executor_ref executor) const { return from(quartiles().finish(s, executor)); }

    // Of a matrix in memory, without a copy.
    template <class T>
    column_scaling of(matrix_view<const T> matrix, executor_ref executor) const {
        (void)start();
        return from(quartiles().of(matrix, executor));
    }

private:
    static constexpr std::string_view stage = "robust_scale";

    quantile_estimator quartiles() const { return {.probabilities = {options.lower, 0.5, options.upper}, .method = options.method, .stage = stage}; }
    static column_scaling from(const column_quantiles_model& quantiles) {
        column_scaling scaling;
        for (std::size_t j = 0; j < quantiles.columns.size(); ++j) {
            const double range = quantiles(j, 2) - quantiles(j, 0);
            if (!detail::is_finite(range))
                throw error(error_details{.code = error_code::overflow,
                                          .stage = std::string(stage),
                                          .field = "feature " + std::to_string(j),
                                          .column = j + 1,
                                          .found = "a distance between the quantiles beyond the largest number",
                                          .expected = "a finite distance to divide by",
                                          .advice = "measure this column in a larger unit"});
            scaling.columns.push_back({quantiles(j, 1), range == 0 ? 1.0 : range, 0, range == 0});
        }
        return scaling;
    }
};

}  // namespace SEGKIT_NAMESPACE
