// segkit/prepare/detail/one_hot_core.hpp: the different values of every feature of a matrix as zeros and ones.
//
//     const auto codes = learn_one_hot(matrix);    codes.transformed(later)    // rows x codes.width()
//
// Of features that are numbers of categories. Learning sorts a copy of one feature at a time, applying is a bisection a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/prepare/detail/categories.hpp>
#include <segkit/table/matrix.hpp>
#include <segkit/table/matrix_view.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

struct matrix_one_hot {
    std::vector<std::vector<double>> categories{};    // of every feature, ascending
    unknown_category unknown = unknown_category::error;

    std::size_t width() const {
        std::size_t sum = 0;
        for (const auto& known : categories) sum += known.size();
        return sum;
    }
    // The categories of the first feature, then those of the next. Throws for a value that was not learned, or gives it zeros.
    template <class T>
    dense_matrix<double> transformed(matrix_view<const T> rows) const {
        detail::require_width("one_hot", rows.columns, categories.size());
        dense_matrix<double> out(rows.rows, width());
        for (std::size_t i = 0; i < rows.rows; ++i) {
            std::fill_n(&out.view()(i, 0), out.columns(), 0.0);
            std::size_t first = 0;
            for (std::size_t j = 0; j < rows.columns; ++j) {
                const auto& known = categories[j];
                const auto value = static_cast<double>(rows(i, j));
                const auto at = std::lower_bound(known.begin(), known.end(), value);
                if (at != known.end() && *at == value) out.view()(i, first + static_cast<std::size_t>(at - known.begin())) = 1;
                else if (unknown == unknown_category::error) refuse(i, j, value);
                first += known.size();
            }
        }
        return out;
    }

    friend bool operator==(const matrix_one_hot&, const matrix_one_hot&) = default;

private:
    [[noreturn]] void refuse(std::size_t row, std::size_t feature, double value) const {
        throw error({.code = error_code::malformed_value,
                     .stage = "one_hot",
                     .field = "feature " + std::to_string(feature),
                     .column = feature + 1,
                     .row = row,
                     .found = to_text(value),
                     .expected = "one of " + std::to_string(categories[feature].size()) + " known categories",
                     .advice = "learn from rows that have it, or allow it with unknown_category::ignore"});
    }
};

// The categories of every feature; NaN and infinities are refused, and more than `max_categories` of one.
template <class T>
matrix_one_hot learn_one_hot(matrix_view<const T> rows, unknown_category unknown = unknown_category::error, std::size_t max_categories = 1'000) {
    constexpr std::string_view stage = "one_hot";
    detail::require_rows_and_features(stage, rows.rows, rows.columns);
    detail::require_finite(stage, rows);
    matrix_one_hot learned{std::vector<std::vector<double>>(rows.columns), unknown};
    for (std::size_t j = 0; j < rows.columns; ++j) {
        auto& known = learned.categories[j];
        for (std::size_t i = 0; i < rows.rows; ++i) known.push_back(static_cast<double>(rows(i, j)));
        std::sort(known.begin(), known.end());
        known.erase(std::unique(known.begin(), known.end()), known.end());
        known.shrink_to_fit();
        if (known.size() > max_categories)
            detail::throw_invalid_option(stage, "max_categories", std::to_string(known.size()) + " different values of feature " + std::to_string(j), "at most " + std::to_string(max_categories),
                                         "put rare values together, or leave the feature a number");
    }
    return learned;
}

}  // namespace SEGKIT_NAMESPACE
