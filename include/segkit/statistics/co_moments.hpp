// segkit/statistics/co_moments.hpp: mean vector and co-moment matrix (sums of products of deviations) of all features, in one pass.
//
//     auto summary = segkit::estimate(segkit::co_moments{}, matrix);
//     double covariance = summary.covariance(0, 1, 1);                     // ddof 1
//
// Rows are centred tile by tile, on the mean of those before them, and merged (Chan, Golub and LeVeque, 1983): an offset costs no digits.
// d(d+1)/2 multiplications a row, by the kernels of simd/products.hpp; a state holds d*d + 2d doubles. Rows of float are summed in double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/statistics/detail/centred_rows.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct co_moments {
    // State and model: count, means, and
    struct state : detail::row_centre {
        std::vector<double> products;    // d x d: sum over rows of (x_i - mean_i)(x_j - mean_j), for j from i on; `product` reads it

        // Fetches the products, which another thread may have summed last.
        void fetch() const {
            for (std::size_t i = 0; i < width(); ++i)
                for (std::size_t j = i / 8 * 8; j < width(); j += 8) __builtin_prefetch(&products[i * width() + j], 0, 2);
        }
        double product(std::size_t i, std::size_t j) const { return i <= j ? products[i * width() + j] : products[j * width() + i]; }
        // Divided by count - ddof; NaN when that is not positive.
        double covariance(std::size_t i, std::size_t j, int ddof) const {
            return count > ddof ? product(i, j) / static_cast<double>(count - ddof) : std::numeric_limits<double>::quiet_NaN();
        }

        // Those of the features scaled: (value - centre) / scale + offset by columns[j]. Of the correlation matrix, where scale is the deviation.
        template <class Columns>
        state scaled(const Columns& columns) const {
            state s = *this;
            s.rescale(columns);
            for (std::size_t i = 0; i < width(); ++i)
                for (std::size_t j = 0; j < width(); ++j) s.products[i * width() + j] /= columns[i].scale * columns[j].scale;
            return s;
        }

        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            detail::row_centre::serialize(archive);
            archive.field("products", products);
            detail::require_one_model("co_moments", products.size() == width() * width());
        }
    };

    std::string_view stage = "co_moments";    // the name that errors bear

    state start() const { return {}; }

    void update(state& s, matrix_view<const double> block) const { add(s, block); }
    void update(state& s, matrix_view<const float> block) const { add(s, block); }

    void merge(state& s, const state& other) const {
        detail::merge_centred(stage, s, other, [&](const std::vector<double>& gaps) {
            detail::product_kernels_for(simd_level()).merge_products(other.products.data(), gaps.data(), s.width(), s.products.data());
        });
    }

    state finish(const state& s) const {
        require_finite(s);
        return s;
    }
    // Throws where there are no rows, and for squares that overflow.
    void require_finite(const state& s) const {
        if (s.count == 0) detail::throw_empty(stage);
        for (std::size_t j = 0; j < s.width(); ++j) detail::require_finite_squares(stage, s.means[j], s.product(j, j), j);
    }

private:
    template <class T>
    void add(state& to, matrix_view<const T> block) const {
        detail::update_or_leave(stage, to, block, [&](state& s) {
            detail::add_centred_rows<detail::tile_centre::before>(
                stage, s, block, [&](std::size_t d) { s.products.assign(d * d, 0.0); },
                [&](const detail::centred_tile& tile, std::size_t rows, std::size_t less, detail::read_ahead ahead) {
                    tile.kernels().add_products(tile.values(), rows, less, tile.columns(), s.products.data(), ahead.begin, ahead.bytes);
                });
        });
    }
};

}  // namespace SEGKIT_NAMESPACE
