// segkit/prepare/detail/normal_quantile.hpp: the value below which a standard normal variable lies with a given probability.
#pragma once

#include <cmath>
#include <limits>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

// A rational first guess (Hastings, "Approximations for digital computers", 1955), then three steps of Halley's method on erfc, each of
// which triples the digits: to the last two of them. Infinite at 0 and 1.
inline double normal_quantile(double probability) {
    if (!(probability > 0)) return -std::numeric_limits<double>::infinity();
    if (!(probability < 1)) return std::numeric_limits<double>::infinity();
    if (probability == 0.5) return 0;
    const double tail = probability < 0.5 ? probability : 1 - probability;
    const double t = std::sqrt(-2 * std::log(tail));
    double x = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
    for (int step = 0; step < 3; ++step) {
        const double off = (0.5 * std::erfc(-x / std::sqrt(2.0)) - tail) * std::sqrt(2 * 3.14159265358979323846) * std::exp(x * x / 2);
        x -= off / (1 + x * off / 2);
    }
    return probability < 0.5 ? x : -x;
}

}  // namespace SEGKIT_NAMESPACE::detail
