// segkit/pipeline/matrix.hpp: some columns of any rows as one matrix of doubles, for what works on matrices.
//
//     const auto points = matrix_of(customers | fitted.model, columns("age"_c, "spend"_c), threads(2));
//     silhouette(points.view(), labels);
//
// Numbers and truth values are one feature each, a block column as many as it is wide. A null, NaN or infinity is an error
// that names field and row. One pass; the matrix is held in memory, one row after the other.
#pragma once

#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

// Rows and values; `view()` is what estimators and measures take.
using detail::feature_matrix;

template <class Input, fixed_string... Names>
    requires row_input<std::remove_cvref_t<Input>>
feature_matrix matrix_of(const Input& input, column_list<Names...> features, executor_ref executor = detail::default_executor) {
    const auto rows = detail::as_query(input).bind();
    feature_matrix matrix = detail::collect_features(rows.plan, detail::bind_features(rows, features), "matrix_of", executor);
    return matrix;
}
template <class Input, fixed_string Name>
    requires row_input<std::remove_cvref_t<Input>>
feature_matrix matrix_of(const Input& input, col<Name>, executor_ref executor = detail::default_executor) {
    return matrix_of(input, column_list<Name>{}, executor);
}

}  // namespace SEGKIT_NAMESPACE
