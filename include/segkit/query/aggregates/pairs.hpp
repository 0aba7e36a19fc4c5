// segkit/query/aggregates/pairs.hpp: aggregates of two columns, over the rows in which both are present.
//
//     min_by("page"_c, "time"_c)  max_by("page"_c, "time"_c)  covariance("x"_c, "y"_c)  correlation("x"_c, "y"_c)
//
// min_by gives the page of the row that sort_by("time"_c) would put first, max_by of the one that descending order would: the first
// row of several, and a NaN only where there is nothing else. A NaN makes covariance and correlation NaN. States of constant size.
#pragma once

#include <optional>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/statistics/order_states.hpp>
#include <segkit/statistics/pair_moments.hpp>

namespace SEGKIT_NAMESPACE {

template <bool Greatest>
struct extreme_by_kind {
    static constexpr std::string_view aggregate_name = Greatest ? "max_by" : "min_by";
    static constexpr bool never_null = false, state_grows = false;
    template <class T, class By>
    static constexpr bool accepts = !is_nested<T> && detail::has_order<By>;
    template <class T, class By>
    using state = extreme_by_state<value_t<T>, value_t<By>, Greatest>;
    template <class T, class By>
    using result = T;
    template <class T, class By, class State>
    static std::optional<value_t<T>> finish(const State& s) {
        if (!s.any) return std::nullopt;
        return s.value;
    }
};

template <int Ddof>
struct covariance_kind {
    static_assert(Ddof >= 0, "segkit: ddof is 0 for the population's covariance, 1 for the sample's");
    static constexpr std::string_view aggregate_name = "covariance";
    static constexpr bool never_null = false, state_grows = false, null_for_few = Ddof > 0;
    template <class X, class Y>
    static constexpr bool accepts = is_number<X> && is_number<Y>;
    template <class X, class Y>
    using state = pair_moments;
    template <class X, class Y>
    using result = double;
    template <class X, class Y>
    static std::optional<double> finish(const pair_moments& s) {
        if (s.count <= Ddof) return std::nullopt;
        return s.covariance(Ddof);
    }
};

struct correlation_kind {
    static constexpr std::string_view aggregate_name = "correlation";
    static constexpr bool never_null = false, state_grows = false, null_for_few = true;
    template <class X, class Y>
    static constexpr bool accepts = is_number<X> && is_number<Y>;
    template <class X, class Y>
    using state = pair_moments;
    template <class X, class Y>
    using result = double;
    template <class X, class Y>
    static std::optional<double> finish(const pair_moments& s) {
        if (s.count < 2 || s.is_constant()) return std::nullopt;
        return s.correlation();
    }
};

template <expression E, expression By>
constexpr auto min_by(const E& value, const By& by) {
    return aggregate_with(extreme_by_kind<false>{}, value, by);
}
template <expression E, expression By>
constexpr auto max_by(const E& value, const By& by) {
    return aggregate_with(extreme_by_kind<true>{}, value, by);
}
// Sample covariance; covariance<0> is the population's.
template <int Ddof = 1, expression X, expression Y>
constexpr auto covariance(const X& x, const Y& y) {
    return aggregate_with(covariance_kind<Ddof>{}, x, y);
}
// Pearson's. Null for fewer than two rows and where a column is constant.
template <expression X, expression Y>
constexpr auto correlation(const X& x, const Y& y) {
    return aggregate_with(correlation_kind{}, x, y);
}

}  // namespace SEGKIT_NAMESPACE
