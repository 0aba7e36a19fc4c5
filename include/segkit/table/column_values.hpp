// segkit/table/column_values.hpp: what may be given as the values of a column: "age"_c = ages.
//
// A random-access range (std::vector, std::span, std::deque, an array, a view) or a matrix with strides (Eigen's, recognised
// by its shape: nothing of Eigen is included). What has a name is borrowed, a temporary is owned.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE::detail {

template <class M>
concept strided_vector = strided_matrix<M> && bool(M::IsVectorAtCompileTime);

template <class R>
concept random_access_values = !std::convertible_to<const R&, std::string_view> && requires(const R& r) {
    std::begin(r)[std::ptrdiff_t{}];
    { std::size(r) } -> std::convertible_to<std::size_t>;
};

template <class R>
concept column_values = strided_matrix<R> || random_access_values<R>;

// Values that live elsewhere, and values that the column keeps. Small views are kept too: they are copied as pointers are.
template <class R>
struct borrowed_values {
    using range = R;
    const R* values;
    const R& get() const { return *values; }
};
template <class R>
struct owned_values {
    using range = R;
    R values;
    const R& get() const { return values; }
};
template <class R>
inline constexpr bool is_small_view = std::is_trivially_copyable_v<R> && !std::is_array_v<R> && sizeof(R) <= 4 * sizeof(void*);

template <class R>
constexpr auto hold_values(R&& values) {
    using Range = std::remove_cvref_t<R>;
    if constexpr (std::is_lvalue_reference_v<R> && !is_small_view<Range>) return borrowed_values<Range>{std::addressof(values)};
    else return owned_values<Range>{std::forward<R>(values)};
}

}  // namespace SEGKIT_NAMESPACE::detail
