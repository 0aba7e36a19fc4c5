// segkit/expr/geo.hpp: distances on the globe.
#pragma once

#include <string_view>

#include <segkit/config.hpp>
#include <segkit/detail/math.hpp>
#include <segkit/expr/operators.hpp>

namespace SEGKIT_NAMESPACE {

// Great-circle distance in kilometres on a sphere of radius 6371 km, by the haversine formula (R. W. Sinnott, "Virtues of
// the haversine", Sky and Telescope 68, 1984). Arguments in degrees, north and east positive; NaN where one is not finite.
inline double haversine_km(double latitude_1, double longitude_1, double latitude_2, double longitude_2) {
    constexpr double radius = 6371.0, to_radians = 3.14159265358979323846 / 180.0;
    const double half_dlat = detail::math::sin((latitude_2 - latitude_1) * to_radians / 2);
    const double half_dlon = detail::math::sin((longitude_2 - longitude_1) * to_radians / 2);
    const double h = half_dlat * half_dlat + detail::math::cos(latitude_1 * to_radians) * detail::math::cos(latitude_2 * to_radians) * half_dlon * half_dlon;
    return 2 * radius * detail::math::asin(detail::math::sqrt(h > 1 ? 1 : h));    // a NaN stays one
}

namespace detail {
struct haversine_op {
    static constexpr std::string_view word = "haversine";
    template <class... A>
    static constexpr bool accepts = sizeof...(A) == 4 && (is_number<A> && ...);
    template <class... A>
    static double evaluate(const A&... a) {
        return haversine_km(static_cast<double>(a)...);
    }
};
}  // namespace detail

// haversine_km over columns; null where a coordinate is null.
template <class A, class B, class C, class D>
    requires(expression<A> || expression<B> || expression<C> || expression<D>)
constexpr auto haversine(const A& latitude_1, const B& longitude_1, const C& latitude_2, const D& longitude_2) {
    return detail::make_operation(detail::haversine_op{}, latitude_1, longitude_1, latitude_2, longitude_2);
}

}  // namespace SEGKIT_NAMESPACE
