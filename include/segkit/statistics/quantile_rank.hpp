// segkit/statistics/quantile_rank.hpp: which ranks of sorted values a quantile lies at, and what to give between two of them.
//
// Shared by exact quantiles, quantiles of groups and sketches.
#pragma once

#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/detail/math.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE {

// What to give for a rank between two values (Hyndman and Fan, "Sample quantiles in statistical packages", 1996).
enum class quantile_method {
    linear,      // interpolated at (n - 1) q: their type 7
    lower,       // the value below (n - 1) q
    higher,      // the value above
    nearest,     // the nearer of the two; half-way goes to the even rank
    discrete,    // the least value with at least a share q of all values at or below it: their type 1
};

namespace detail {

// A rank that is a whole number but for the rounding of q is that whole number.
inline double snapped(double rank) {
    const double whole = detail::math::nearbyint(rank);
    return detail::math::fabs(rank - whole) <= 4 * std::numeric_limits<double>::epsilon() * detail::math::fmax(1.0, whole) ? whole : rank;
}

// The value at rank `below`, and how far to go from it to the next.
struct quantile_rank {
    std::size_t below;
    double part;
};

inline quantile_rank rank_of(double q, std::size_t n, quantile_method method) {
    const double count = static_cast<double>(n);
    const double rank = snapped((count - 1) * q);
    const double floor = detail::math::floor(rank);
    double chosen = floor;
    switch (method) {
        case quantile_method::linear: return {static_cast<std::size_t>(floor), rank - floor};
        case quantile_method::lower: break;
        case quantile_method::higher: chosen = detail::math::ceil(rank); break;
        case quantile_method::nearest: chosen = detail::math::nearbyint(rank); break;
        case quantile_method::discrete: chosen = detail::math::fmax(0.0, detail::math::ceil(snapped(count * q)) - 1); break;
    }
    return {static_cast<std::size_t>(chosen), 0};
}

inline double between(double a, double b, double part) {
    if (a == b || part == 0) return a;    // also two equal infinities
    if (part == 0.5) return std::midpoint(a, b);
    const double gap = b - a;
    return part < 0.5 ? a + gap * part : b - gap * (1 - part);    // exact at both ends, and never decreasing
}

inline void require_probability(std::string_view stage, double q) {
    if (!(q >= 0 && q <= 1))
        throw error({.code = error_code::invalid_option, .stage = std::string(stage), .field = "q", .found = std::to_string(q), .expected = "a share from 0 to 1"});
}

}  // namespace detail

}  // namespace SEGKIT_NAMESPACE
