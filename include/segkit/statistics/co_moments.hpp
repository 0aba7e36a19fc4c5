// segkit/statistics/co_moments.hpp: mean vector and co-moment matrix (sums of products of deviations) of all features, in one pass.
//
//     auto summary = segkit::estimate(segkit::co_moments{}, matrix);
//     double covariance = summary.covariance(0, 1, 1);                     // ddof 1
//
// Rows are centred tile by tile on the tile's own mean and merged (Chan, Golub and LeVeque, 1983): an offset costs no digits.
// d(d+1)/2 multiplications a row; a state holds d*d + d doubles.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct co_moments {
    // State and model.
    struct state {
        std::int64_t count = 0;
        std::vector<double> means;
        std::vector<double> products;    // d x d, symmetric: sum over rows of (x_i - mean_i)(x_j - mean_j)

        std::size_t width() const { return means.size(); }
        double product(std::size_t i, std::size_t j) const { return products[i * width() + j]; }
        // Divided by count - ddof; NaN when that is not positive.
        double covariance(std::size_t i, std::size_t j, int ddof) const {
            return count > ddof ? product(i, j) / static_cast<double>(count - ddof) : std::numeric_limits<double>::quiet_NaN();
        }

        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            archive.field("count", count);
            archive.field("means", means);
            archive.field("products", products);
        }
    };

    std::string_view stage = "co_moments";    // the name that errors bear

    state start() const { return {}; }

    void update(state& s, matrix_view<const double> block) const {
        if (block.rows == 0) return;
        const std::size_t d = block.columns;
        if (s.count == 0) reset(s, d);
        detail::require_width(stage, d, s.width());
        detail::require_finite(stage, block, static_cast<std::size_t>(s.count));
        std::vector<double> centred(d * tile), means(d);
        for (std::size_t first = 0; first < block.rows; first += tile) {
            const std::size_t n = std::min(tile, block.rows - first);
            for (std::size_t j = 0; j < d; ++j) {
                double* feature = centred.data() + j * tile;
                const double shift = block(first, j);
                double sum = 0;
                for (std::size_t i = 0; i < n; ++i) {
                    feature[i] = block(first + i, j) - shift;
                    sum += feature[i];
                }
                const double mean = sum / static_cast<double>(n);
                for (std::size_t i = 0; i < n; ++i) feature[i] -= mean;
                std::fill(feature + n, feature + tile, 0.0);
                means[j] = shift + mean;
            }
            merge_means(s, means, static_cast<std::int64_t>(n));
            for (std::size_t i = 0; i < d; ++i) {
                for (std::size_t j = i; j < d; ++j) {
                    const double sum = dot(centred.data() + i * tile, centred.data() + j * tile);
                    s.products[i * d + j] += sum;
                    if (i != j) s.products[j * d + i] += sum;
                }
            }
        }
    }

    void merge(state& s, const state& other) const {
        if (other.count == 0) return;
        if (s.count == 0) {
            s = other;
            return;
        }
        detail::require_width(stage, other.width(), s.width());
        merge_means(s, other.means, other.count);
        for (std::size_t i = 0; i < s.products.size(); ++i) s.products[i] += other.products[i];
    }

    state finish(const state& s) const {
        if (s.count == 0) detail::throw_empty(stage);
        for (std::size_t j = 0; j < s.width(); ++j) {
            if (detail::is_finite(s.product(j, j)) && detail::is_finite(s.means[j])) continue;
            throw error(error_details{.code = error_code::not_a_number,
                                      .stage = std::string(stage),
                                      .field = "feature " + std::to_string(j),
                                      .column = j + 1,
                                      .found = "values whose squares overflow",
                                      .expected = "finite squares",
                                      .advice = "measure this column in a larger unit"});
        }
        return s;
    }

private:
    static constexpr std::size_t tile = 256;

    static void reset(state& s, std::size_t d) {
        s.means.assign(d, 0.0);
        s.products.assign(d * d, 0.0);
    }

    // Takes `n` more rows of these means into the means, and what the distance of the two means adds to the products.
    static void merge_means(state& s, const std::vector<double>& means, std::int64_t n) {
        const std::size_t d = s.width();
        const double before = static_cast<double>(s.count), more = static_cast<double>(n);
        const double share = more / (before + more), weight = before * share;
        if (s.count > 0) {
            for (std::size_t i = 0; i < d; ++i) {
                const double gap = (means[i] - s.means[i]) * weight;
                for (std::size_t j = i; j < d; ++j) {
                    const double more_product = gap * (means[j] - s.means[j]);
                    s.products[i * d + j] += more_product;
                    if (i != j) s.products[j * d + i] += more_product;    // the same bits on both sides
                }
            }
            for (std::size_t i = 0; i < d; ++i) s.means[i] += (means[i] - s.means[i]) * share;
        } else {
            s.means = means;
        }
        s.count += n;
    }

    // Eight lanes, so that additions do not wait for each other; always the whole tile, which is padded with zeros.
    static double dot(const double* a, const double* b) {
        double lanes[8] = {};
        for (std::size_t i = 0; i < tile; i += 8) {
            for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
        }
        return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    }
};

}  // namespace SEGKIT_NAMESPACE
