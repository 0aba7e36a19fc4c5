// segkit/table/matrix_view.hpp: a borrowed matrix whose rows are points, whatever the storage order.
//
// value(i, j) is feature j of point i. Estimators take it; a chunk's features and a user's matrix both become one.
#pragma once

#include <cstddef>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

template <class T>
struct matrix_view {
    T* values = nullptr;
    std::size_t rows = 0;
    std::size_t columns = 0;
    std::size_t row_stride = 0;       // elements from one point to the next
    std::size_t column_stride = 0;    // elements from one feature to the next

    constexpr T& operator()(std::size_t row, std::size_t column) const { return values[row * row_stride + column * column_stride]; }
    constexpr bool empty() const { return rows == 0; }
    constexpr matrix_view row_range(std::size_t first, std::size_t count) const { return {values + first * row_stride, count, columns, row_stride, column_stride}; }
    constexpr operator matrix_view<const T>() const { return {values, rows, columns, row_stride, column_stride}; }
};

// Points stored one after the other.
template <class T>
constexpr matrix_view<T> row_major(T* values, std::size_t rows, std::size_t columns) {
    return {values, rows, columns, columns, 1};
}

// Features stored one after the other.
template <class T>
constexpr matrix_view<T> column_major(T* values, std::size_t rows, std::size_t columns) {
    return {values, rows, columns, 1, rows};
}

}  // namespace SEGKIT_NAMESPACE
