#pragma once
// How many customers an A/B test needs. Two-sided test of two proportions with equal groups; formula of Fleiss, Levin
// and Paik, "Statistical Methods for Rates and Proportions" (2003), without continuity correction.
// Cost: constant; smallest_detectable_rate solves by bisection.

#include <cmath>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

namespace traveltide {

/// The value that a standard normal variable stays below with this probability (0 < probability < 1).
inline double normal_quantile(double probability) {
    if (!(probability > 0.0 && probability < 1.0)) {
        throw std::invalid_argument("normal quantile: the probability is " + std::to_string(probability) +
                                    "; give one between 0 and 1, both excluded");
    }
    // Solved by bisection on the error function: forty digits of coefficients would not make it more right.
    double low = -40.0;
    double high = 40.0;
    for (int step = 0; step < 200; ++step) {
        const double middle = 0.5 * (low + high);
        (0.5 * std::erfc(-middle / std::sqrt(2.0)) < probability ? low : high) = middle;
    }
    return 0.5 * (low + high);
}

struct test_strength {
    double significance = 0.05;  // two-sided
    double power = 0.80;
};

namespace detail {

inline double exact_group_size(double rate_1, double rate_2, const test_strength& strength) {
    const double z_significance = normal_quantile(1.0 - strength.significance / 2.0);
    const double z_power = normal_quantile(strength.power);
    const double pooled = 0.5 * (rate_1 + rate_2);
    const double root = z_significance * std::sqrt(2.0 * pooled * (1.0 - pooled)) +
                        z_power * std::sqrt(rate_1 * (1.0 - rate_1) + rate_2 * (1.0 - rate_2));
    return root * root / ((rate_1 - rate_2) * (rate_1 - rate_2));
}

}  // namespace detail

/// Customers needed in *each* of the two groups to tell rate_2 from rate_1, rounded up.
/// Throws std::invalid_argument when a rate is outside 0..1 or the rates are equal (no test can tell them apart).
inline std::size_t group_size_for_two_rates(double rate_1, double rate_2, const test_strength& strength = {}) {
    const auto outside = [](double rate) { return !(rate >= 0.0 && rate <= 1.0); };
    if (outside(rate_1) || outside(rate_2)) {
        throw std::invalid_argument("A/B sample size: the rates are " + std::to_string(rate_1) + " and " + std::to_string(rate_2) +
                                    "; give fractions between 0 and 1 (5% is 0.05)");
    }
    if (rate_1 == rate_2) {
        throw std::invalid_argument("A/B sample size: both rates are " + std::to_string(rate_1) +
                                    "; give a target rate that differs from the baseline");
    }
    return static_cast<std::size_t>(std::ceil(detail::exact_group_size(rate_1, rate_2, strength)));
}

/// The smallest rate above the baseline that two groups of this size can tell from it; none when even 100% is too near.
inline std::optional<double> smallest_detectable_rate(double baseline, std::size_t group_size, const test_strength& strength = {}) {
    if (!(baseline >= 0.0 && baseline < 1.0) || group_size == 0) {
        return std::nullopt;
    }
    const auto enough = [&](double rate) {
        return detail::exact_group_size(baseline, rate, strength) <= static_cast<double>(group_size);
    };
    if (!enough(1.0)) {
        return std::nullopt;
    }
    double low = baseline;
    double high = 1.0;
    for (int step = 0; step < 100; ++step) {
        const double middle = 0.5 * (low + high);
        (middle > baseline && enough(middle) ? high : low) = middle;
    }
    return high;
}

}  // namespace traveltide
