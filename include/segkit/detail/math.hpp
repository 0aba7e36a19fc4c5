// segkit/detail/math.hpp: the elementary functions that queries need, by the names that compilers have for them.
//
//     const double length = math::sqrt(squares);
//
// <cmath> brings the special functions of C++17 along and costs a tenth of what including <segkit/query.hpp> may cost. These are the
// same functions: where there is no instruction for one, the call is to the C library's.
#pragma once

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail::math {

inline double sqrt(double x) { return __builtin_sqrt(x); }
inline double fabs(double x) { return __builtin_fabs(x); }
inline float fabs(float x) { return __builtin_fabsf(x); }
inline double floor(double x) { return __builtin_floor(x); }
inline double ceil(double x) { return __builtin_ceil(x); }
inline double round(double x) { return __builtin_round(x); }            // halves away from zero
inline double nearbyint(double x) { return __builtin_nearbyint(x); }    // halves to even, as floating-point sums are
inline double fmax(double x, double y) { return __builtin_fmax(x, y); }
inline double log1p(double x) { return __builtin_log1p(x); }
inline double sin(double x) { return __builtin_sin(x); }
inline double cos(double x) { return __builtin_cos(x); }
inline double asin(double x) { return __builtin_asin(x); }
inline bool signbit(double x) { return __builtin_signbit(x) != 0; }

}  // namespace SEGKIT_NAMESPACE::detail::math
