// segkit/query/aggregates/basic.hpp: counts, sums, means, deviations, and truths of conditions.
//
//     count()  count("x"_c)  count_if("x"_c > 3)  sum("x"_c)  mean("x"_c)  stddev("x"_c)  variance<0>("x"_c)
//     any("x"_c > 3)  all("x"_c > 3)  share("x"_c > 3)
//
// Nulls are skipped; a NaN makes sum, mean and deviation NaN. Integer sums are exact, and an overflow of the result is an error.
// States of constant size; sum, mean, deviation, minimum and maximum of one column share one.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/detail/math.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/statistics/accumulators.hpp>
#include <segkit/statistics/number_states.hpp>

namespace SEGKIT_NAMESPACE {

struct count_kind {
    static constexpr std::string_view aggregate_name = "count";
    static constexpr bool never_null = true, state_grows = false, reads_value = false;
    template <class T>
    static constexpr bool accepts = true;
    template <class T>
    using state = count_state;
    template <class T>
    using result = std::int64_t;
    template <class T>
    static std::optional<std::int64_t> finish(const count_state& s) {
        return s.count;
    }
};

struct sum_kind {
    static constexpr std::string_view aggregate_name = "sum";
    static constexpr bool never_null = false, state_grows = false;
    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = sum_state<T>;
    template <class T>
    using result = std::conditional_t<is_integer<T>, std::int64_t, double>;
    template <class T>
    static std::optional<result<T>> finish(const sum_state<T>& s) {
        if (s.count == 0) return std::nullopt;
        return s.sum();
    }
};

struct mean_kind {
    static constexpr std::string_view aggregate_name = "mean";
    static constexpr bool never_null = false, state_grows = false;
    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = sum_state<T>;
    template <class T>
    using result = double;
    template <class T>
    static std::optional<double> finish(const sum_state<T>& s) {
        if (s.count == 0) return std::nullopt;
        return s.mean();
    }
};

// Ddof: 1 for the sample's, 0 for the population's. Null for fewer than Ddof + 1 values.
template <int Ddof, bool Root>
struct deviation_kind {
    static_assert(Ddof >= 0, "segkit: ddof is 0 for the population's variance, 1 for the sample's");
    static constexpr std::string_view aggregate_name = Root ? "stddev" : "variance";
    static constexpr bool never_null = false, state_grows = false, null_for_few = Ddof > 0;
    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = spread_state<T>;
    template <class T>
    using result = double;
    template <class T>
    static std::optional<double> finish(const spread_state<T>& s) {
        if (s.count <= Ddof) return std::nullopt;
        const double variance = s.variance(Ddof);
        return Root ? detail::math::sqrt(variance) : variance;
    }
};

namespace detail {

// What is asked of the rows in which a condition is known.
template <class Derived>
struct truth_kind {
    static constexpr bool never_null = false, state_grows = false;
    template <class T>
    static constexpr bool accepts = std::same_as<T, bool>;
    template <class T>
    using state = truth_state;
    template <class T>
    static auto finish(const truth_state& s) {
        return s.known == 0 ? std::nullopt : std::optional(Derived::of(s));
    }
};

}  // namespace detail

struct share_kind : detail::truth_kind<share_kind> {
    static constexpr std::string_view aggregate_name = "share";
    template <class T>
    using result = double;
    static double of(const truth_state& s) { return static_cast<double>(s.truths) / static_cast<double>(s.known); }
};
struct any_kind : detail::truth_kind<any_kind> {
    static constexpr std::string_view aggregate_name = "any";
    template <class T>
    using result = bool;
    static bool of(const truth_state& s) { return s.truths > 0; }
};
struct all_kind : detail::truth_kind<all_kind> {
    static constexpr std::string_view aggregate_name = "all";
    template <class T>
    using result = bool;
    static bool of(const truth_state& s) { return s.truths == s.known; }
};

constexpr auto count() { return detail::make_aggregate(count_kind{}, every_row{}); }
// Rows in which e is not null.
template <expression E>
constexpr auto count(const E& e) {
    return detail::make_aggregate(count_kind{}, e);
}
template <expression C>
constexpr auto count_if(const C& condition) {
    return count().where(condition);
}
template <expression E>
constexpr auto sum(const E& e) {
    return detail::make_aggregate(sum_kind{}, e);
}
template <expression E>
constexpr auto mean(const E& e) {
    return detail::make_aggregate(mean_kind{}, e);
}
// Sample standard deviation; stddev<0> is the population's.
template <int Ddof = 1, expression E>
constexpr auto stddev(const E& e) {
    return detail::make_aggregate(deviation_kind<Ddof, true>{}, e);
}
template <int Ddof = 1, expression E>
constexpr auto variance(const E& e) {
    return detail::make_aggregate(deviation_kind<Ddof, false>{}, e);
}
// Of the rows for which a condition is known: the share for which it is true, whether it is true for one, for all.
template <expression C>
constexpr auto share(const C& condition) {
    return detail::make_aggregate(share_kind{}, condition);
}
template <expression C>
constexpr auto any(const C& condition) {
    return detail::make_aggregate(any_kind{}, condition);
}
template <expression C>
constexpr auto all(const C& condition) {
    return detail::make_aggregate(all_kind{}, condition);
}

}  // namespace SEGKIT_NAMESPACE
