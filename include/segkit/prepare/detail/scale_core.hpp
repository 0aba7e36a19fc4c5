// segkit/prepare/detail/scale_core.hpp: scaling of every feature to mean 0 and deviation 1, or to a range, on matrices.
//
// `standard_scale_estimator` and `min_max_scale_estimator` learn a `column_scaling`; its transform and inverse work on a block, in
// place if wished. Both learn from `column_moments`, so one pass over the rows serves both. A constant feature is never divided by.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/statistics/column_moments.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct standard_scale_options {
    int ddof = 0;    // the deviation's divisor is rows - ddof: 0 the population's, 1 the sample's
};

struct min_max_scale_options {
    double lower = 0;
    double upper = 1;
};

// One feature's scaling: (value - centre) / scale + offset.
struct scaled_column {
    double centre = 0;
    double scale = 1;
    double offset = 0;
    bool constant = false;    // then scale is 1

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

    // `out` may be `rows` itself.
    void transform(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const {
        apply(rows, out, executor, [](const scaled_column& column, double value) { return column.transform(value); });
    }
    void inverse(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor = detail::default_executor) const {
        apply(rows, out, executor, [](const scaled_column& column, double value) { return column.inverse(value); });
    }

    friend bool operator==(const column_scaling&, const column_scaling&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("columns", columns);
    }

private:
    template <class F>
    void apply(matrix_view<const double> rows, matrix_view<double> out, executor_ref executor, F f) const {
        detail::require_width("scale", rows.columns, columns.size());
        SEGKIT_ASSERT(out.rows == rows.rows && out.columns == rows.columns);
        const detail::row_blocks blocks(rows.rows);
        executor.run(blocks.count(), [&](std::size_t b) {
            constexpr std::size_t tile = 256;    // keeps a tile of interleaved features in the first-level cache
            const std::size_t end = blocks.first(b) + blocks.length(b);
            for (std::size_t first = blocks.first(b); first < end; first += tile) {
                const std::size_t last = std::min(end, first + tile);
                for (std::size_t j = 0; j < columns.size(); ++j) {
                    const scaled_column column = columns[j];
                    for (std::size_t i = first; i < last; ++i) out(i, j) = f(column, rows(i, j));
                }
            }
        });
    }
};

struct standard_scale_estimator {
    using state = column_moments::state;
    standard_scale_options options{};

    state start() const {
        if (options.ddof < 0) detail::throw_invalid_option(stage, "ddof", std::to_string(options.ddof), "at least 0", "0 is the population's deviation, 1 the sample's");
        return {};
    }
    void update(state& s, matrix_view<const double> block) const { rows.update(s, block); }
    void merge(state& s, const state& other) const { rows.merge(s, other); }

    column_scaling finish(const state& s) const {
        const auto summary = rows.finish(s);
        if (s.rows() <= static_cast<std::size_t>(options.ddof)) {
            throw error(error_details{.code = error_code::too_few_rows,
                                      .stage = std::string(stage),
                                      .found = std::to_string(s.rows()) + " rows",
                                      .expected = "more than ddof = " + std::to_string(options.ddof)});
        }
        column_scaling scaling;
        for (const moments& m : summary.columns) {
            const bool constant = m.is_constant();
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
        return {};
    }
    void update(state& s, matrix_view<const double> block) const { rows.update(s, block); }
    void merge(state& s, const state& other) const { rows.merge(s, other); }

    // A constant feature goes to the lower bound.
    column_scaling finish(const state& s) const {
        column_scaling scaling;
        for (const moments& m : rows.finish(s).columns) {
            const bool constant = m.is_constant();
            const double scale = constant ? 1.0 : (m.maximum - m.minimum) / (options.upper - options.lower);
            scaling.columns.push_back({m.minimum, scale, options.lower, constant});
        }
        return scaling;
    }

private:
    static constexpr std::string_view stage = "min_max_scale";
    static constexpr column_moments rows{.stage = stage};
};

}  // namespace SEGKIT_NAMESPACE
