// segkit/statistics/column_sketches.hpp: approximate quantiles of every feature of a matrix that is larger than memory.
//
//     auto quartiles = segkit::estimate(segkit::quantile_sketch_estimator{.options = {.rank_error = 0.001}}, matrix);
//     quartiles(0, 1)                      // of the first feature, the second probability
//
// An estimator whose state is one quantile_sketch per feature: some kilobytes, however many rows. The model says how far off a rank
// may be. The cut of the rows moves results within that error; threads change no bit.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/statistics/quantile.hpp>
#include <segkit/statistics/quantile_sketch.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct quantile_sketch_model {
    std::vector<double> probabilities;
    std::vector<column_values> columns;
    std::vector<double> rank_errors;    // of each feature, at 99 %

    double operator()(std::size_t column, std::size_t probability) const { return columns[column].values[probability]; }
    friend bool operator==(const quantile_sketch_model&, const quantile_sketch_model&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("probabilities", probabilities);
        archive.field("columns", columns);
        archive.field("rank_errors", rank_errors);
    }
};

struct quantile_sketch_estimator {
    std::vector<double> probabilities = {0.25, 0.5, 0.75};
    quantile_sketch_options options{};
    std::string_view stage = "quantile_sketch";    // the name that errors bear

    struct state {
        std::vector<quantile_sketch> columns;    // empty until the first block, which fixes the width

        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            archive.field("columns", columns);
        }
    };

    state start() const {
        for (const double q : probabilities) detail::require_probability(stage, q);
        (void)quantile_sketch::width_of(options.rank_error);
        return {};
    }

    void update(state& s, matrix_view<const double> block) const {
        if (block.rows == 0) return;
        if (!s.columns.empty()) detail::require_width(stage, block.columns, s.columns.size());
        detail::require_finite(stage, block, s.columns.empty() ? 0 : static_cast<std::size_t>(s.columns[0].count()));
        if (s.columns.empty()) s.columns.assign(block.columns, quantile_sketch(options));
        for (std::size_t j = 0; j < block.columns; ++j)
            for (std::size_t i = 0; i < block.rows; ++i) s.columns[j].update(block(i, j));
    }

    void merge(state& s, const state& other) const {
        if (other.columns.empty()) return;
        if (s.columns.empty()) {
            s = other;
            return;
        }
        detail::require_width(stage, other.columns.size(), s.columns.size());
        for (std::size_t j = 0; j < s.columns.size(); ++j) s.columns[j].merge(other.columns[j]);
    }

    quantile_sketch_model finish(const state& s) const {
        if (s.columns.empty()) detail::throw_empty(stage);
        quantile_sketch_model model{probabilities, std::vector<column_values>(s.columns.size()), {}};
        for (std::size_t j = 0; j < s.columns.size(); ++j) {
            for (const double q : probabilities) model.columns[j].values.push_back(s.columns[j].quantile(q));
            model.rank_errors.push_back(s.columns[j].rank_error());
        }
        return model;
    }
};

}  // namespace SEGKIT_NAMESPACE
