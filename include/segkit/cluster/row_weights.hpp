// segkit/cluster/row_weights.hpp: rows that count more than once.
//
//     fit_kmeans(matrix, row_weights(orders), {.n_clusters = 4}), silhouette(matrix, row_weights(orders), labels)
//
// They refer to the numbers they are made of. In pipelines weights are a column: weighted_by (cluster/kmeans.hpp).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/estimate.hpp>

namespace SEGKIT_NAMESPACE {

// One positive weight a row: a row of weight 2 counts as two. Their sum is from 1e-100 to 1e100, of what counts rows (measures, choose_k,
// stability) at most 1e15. `values` must outlive the call.
class row_weights {
public:
    explicit row_weights(std::span<const double> values) : values_(values) {}
    std::span<const double> values() const { return values_; }

private:
    std::span<const double> values_;
};

namespace detail {

inline void check_weights(std::string_view stage, row_weights weights, std::size_t rows) {
    if (weights.values().size() != rows)
        throw_invalid_option(stage, "weights", std::to_string(weights.values().size()) + " weights", std::to_string(rows) + ", one for each row");
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) {
        const double weight = weights.values()[i];
        sum += weight;
        if (weight > 0 && is_finite(weight)) continue;
        throw error(error_details{.code = error_code::invalid_option,
                                  .stage = std::string(stage),
                                  .field = "weights",
                                  .row = i,
                                  .found = weight != weight ? "NaN" : std::to_string(weight),
                                  .expected = "a positive number",
                                  .advice = "leave out rows that shall not count"});
    }
    if (rows > 0 && !(sum >= 1e-100 && sum <= 1e100))    // products with values must be numbers too
        throw_invalid_option(stage, "weights", sum < 1 ? "a sum below 1e-100" : "a sum above 1e100", "a sum from 1e-100 to 1e100", "multiply all of them by the same number");
}

// Weights of which the measures can say something count rows: a mean below one would be less than a row each.
inline void check_counting_weights(std::string_view stage, const row_weights& weights, std::size_t rows) {
    check_weights(stage, weights, rows);
    double sum = 0;
    for (const double w : weights.values()) sum += w;
    const double mean = sum / static_cast<double>(rows);
    if (mean < 1 - 1e-9)
        throw_invalid_option(stage, "weights", "a mean of " + std::to_string(mean), "at least 1: a row of weight 3 counts as three rows",
                             "multiply all of them by the same number, such as one over their mean");
    if (sum > 1e15) throw_invalid_option(stage, "weights", "a sum above 1e15", "at most 1e15: doubles do not count further one by one", "multiply all of them by the same number");
}

}  // namespace detail

}  // namespace SEGKIT_NAMESPACE
