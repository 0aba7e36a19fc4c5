// segkit/detail/pack.hpp: a flat tuple: cheaper to compile than std::tuple, and an aggregate.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

template <std::size_t I, class T>
struct pack_leaf {
    T value;
};

template <class Indices, class... T>
struct pack_storage;
template <std::size_t... I, class... T>
struct pack_storage<std::index_sequence<I...>, T...> : pack_leaf<I, T>... {};

template <class... T>
struct pack : pack_storage<std::index_sequence_for<T...>, T...> {
    static constexpr std::size_t size = sizeof...(T);
};

template <class... T>
constexpr pack<T...> make_pack(T... values) {
    return pack<T...>{{{std::move(values)}...}};
}

template <std::size_t I, class T>
constexpr const T& get(const pack_leaf<I, T>& leaf) {
    return leaf.value;
}
template <std::size_t I, class T>
constexpr T& get(pack_leaf<I, T>& leaf) {
    return leaf.value;
}

// f(value...) with all values.
template <class F, class... T>
constexpr decltype(auto) unpack(F&& f, const pack<T...>& values) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
        return std::forward<F>(f)(detail::get<I>(values)...);
    }(std::index_sequence_for<T...>{});
}

// f(value) for each value, in order.
template <class F, class... T>
constexpr void for_each(const pack<T...>& values, F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (f(detail::get<I>(values)), ...); }(std::index_sequence_for<T...>{});
}

}  // namespace SEGKIT_NAMESPACE::detail
