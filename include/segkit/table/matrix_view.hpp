// segkit/table/matrix_view.hpp: a borrowed matrix whose rows are points, whatever the storage order.
//
// m(i, j) is feature j of point i. Estimators take it; a chunk's features and a user's matrix both become one. Eigen's matrices
// and maps, and others of their shape, become one by themselves where a function asks for it; nothing of Eigen is included.
#pragma once

#include <concepts>
#include <cstddef>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// A matrix or vector whose values lie in memory at fixed strides.
template <class M>
concept strided_matrix = requires(const M& m) {
    { *m.data() };
    { m.rows() } -> std::integral;
    { m.cols() } -> std::integral;
    { m.rowStride() } -> std::integral;
    { m.colStride() } -> std::integral;
};

}  // namespace detail

template <class T>
struct matrix_view {
    T* values = nullptr;
    std::size_t rows = 0;
    std::size_t columns = 0;
    std::size_t row_stride = 0;       // elements from one point to the next
    std::size_t column_stride = 0;    // elements from one feature to the next

    constexpr matrix_view() = default;
    constexpr matrix_view(T* first, std::size_t row_count, std::size_t column_count, std::size_t to_next_row, std::size_t to_next_column)
        : values(first), rows(row_count), columns(column_count), row_stride(to_next_row), column_stride(to_next_column) {}

    // A matrix with strides, borrowed: it must outlive the view.
    template <detail::strided_matrix M>
        requires requires(M& m) {
            { m.data() } -> std::convertible_to<T*>;
        }
    constexpr matrix_view(M&& m)
        : matrix_view(m.data(), static_cast<std::size_t>(m.rows()), static_cast<std::size_t>(m.cols()), static_cast<std::size_t>(m.rowStride()),
                      static_cast<std::size_t>(m.colStride())) {}

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
