// segkit/table/matrix.hpp: a matrix of its own memory, rows one after the other: what transforms give that do not work in place.
//
//     dense_matrix<double> scaled = scaling.transformed(points);    scaled.view()(row, column)
//
// Large ones lie in large pages where the system has them; the values are not initialised.
#pragma once

#include <cstddef>

#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

template <class T>
class dense_matrix {
public:
    dense_matrix() = default;
    dense_matrix(std::size_t rows, std::size_t columns) : values_(detail::take_memory<T>(rows * columns)), rows_(rows), columns_(columns) {}

    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    matrix_view<T> view() { return row_major(values_.get(), rows_, columns_); }
    matrix_view<const T> view() const { return row_major<const T>(values_.get(), rows_, columns_); }

private:
    detail::owned_memory<T> values_;
    std::size_t rows_ = 0, columns_ = 0;
};

}  // namespace SEGKIT_NAMESPACE
