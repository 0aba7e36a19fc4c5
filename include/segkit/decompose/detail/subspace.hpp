// segkit/decompose/detail/subspace.hpp: the covariance of rows times a few directions, which is all that the randomised solver reads of them.
//
//     const subspace_pass pass{basis, n_features, n_directions};    // basis: n_features x n_directions
//     auto image = segkit::estimate(pass, matrix);                  // products of deviations, times the basis
//
// One pass of 4 * n_features * n_directions operations a row; no matrix of n_features x n_features is formed. States merge.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/statistics/detail/centred_rows.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE::detail {

struct subspace_pass {
    struct state : row_centre {
        std::vector<double> squares;    // per feature the sum of squared deviations
        std::vector<double> image;      // n_features x n_directions: (sum over rows of deviation * deviation') * basis

        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            row_centre::serialize(archive);
            archive.field("squares", squares);
            archive.field("image", image);
        }
    };

    std::vector<double> basis;
    std::size_t n_features = 0;
    std::size_t n_directions = 0;
    std::string_view stage = "pca";

    state start() const { return {}; }

    void update(state& s, matrix_view<const double> block) const { add(s, block); }
    void update(state& s, matrix_view<const float> block) const { add(s, block); }

    void merge(state& s, const state& other) const {
        merge_centred(stage, s, other, [&](const std::vector<double>& gaps) {
            for (std::size_t i = 0; i < s.image.size(); ++i) s.image[i] += other.image[i];
            for (std::size_t j = 0; j < s.width(); ++j) s.squares[j] += other.squares[j] + gaps[j] * gaps[j];
            for (std::size_t c = 0; c < n_directions; ++c) {
                double along = 0;
                for (std::size_t j = 0; j < s.width(); ++j) along += gaps[j] * basis[j * n_directions + c];
                for (std::size_t j = 0; j < s.width(); ++j) s.image[j * n_directions + c] += gaps[j] * along;
            }
        });
    }

    state finish(const state& s) const {
        if (s.count == 0) throw_empty(stage);
        for (std::size_t j = 0; j < s.width(); ++j) require_finite_squares(stage, s.means[j], s.squares[j], j);
        return s;
    }

private:
    template <class T>
    void add(state& to, matrix_view<const T> block) const {
        if (block.rows > 0) require_width(stage, block.columns, n_features);
        const std::size_t panels = panels_of(n_features), padded = panels_of(n_directions) * panel_width;
        aligned_doubles weights(panels * panel_width * padded), nothing(padded), scores(panels_of(n_directions) * panel_size), row_scores(panel_stride * n_directions);
        for (std::size_t j = 0; j < n_features; ++j)
            for (std::size_t c = 0; c < n_directions; ++c) weights.data()[j * padded + c] = basis[j * n_directions + c];
        update_or_leave(stage, to, block, [&](state& s) {
            add_centred_rows(
                stage, s, block,
                [&](std::size_t d) {
                    s.squares.assign(d, 0.0);
                    s.image.assign(d * n_directions, 0.0);
                },
                [&](const centred_tile& tile, std::size_t n, read_ahead) {
                    tile.kernels().project(tile.values(), panels, n, weights.data(), padded, nothing.data(), n_directions, row_scores.data(), n_directions, nullptr);
                    for (std::size_t i = 0; i < n; ++i)
                        for (std::size_t c = 0; c < n_directions; ++c) scores.data()[in_tile(i, c)] = row_scores.data()[i * n_directions + c];
                    tile.kernels().add_cross_products(tile.values(), scores.data(), n, n_features, n_directions, s.image.data());
                    for (std::size_t j = 0; j < n_features; ++j)
                        for (std::size_t i = 0; i < n; ++i) s.squares[j] += tile(i, j) * tile(i, j);
                });
        });
    }
};

}  // namespace SEGKIT_NAMESPACE::detail
