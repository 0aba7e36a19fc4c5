// segkit/query/aggregates/approximate.hpp: quantiles of groups in a few kilobytes each, with a stated error.
//
//     #include <segkit/query/aggregates/approximate.hpp>      // not part of query.hpp
//     approx_quantile("x"_c, 0.95)      approx_quantile("x"_c, 0.95, {.rank_error = 0.001})
//
// A sketch per group (statistics/quantile_sketch.hpp): exact up to about 4 / rank_error values, its size independent of the rows
// from then on. Several quantiles of one column share a sketch. Nulls are skipped; one NaN makes the result NaN.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/statistics/quantile_sketch.hpp>

namespace SEGKIT_NAMESPACE {

struct approx_quantile_kind {
    static constexpr std::string_view aggregate_name = "approx_quantile";
    static constexpr bool never_null = false, state_grows = false;
    double q = 0.5;
    quantile_sketch_options options{};

    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = basic_quantile_sketch<detail::arena_sketch_memory>;
    template <class T>
    using result = double;
    template <class T>
    state<T> start() const {
        return state<T>(options);
    }
    // Sketches that differ in these differ.
    std::uint64_t parameter() const { return std::uint64_t{quantile_sketch::width_of(options.rank_error)} << 32 | options.seed; }
    template <class T, class State>
    std::optional<double> finish(const State& s) const {
        if (s.count() == 0) return std::nullopt;
        return s.quantile(q);
    }
};

// A value whose rank is within rank_error of q in 99 of 100 cases; exact while a group has few values.
template <expression E>
auto approx_quantile(const E& e, double q, const quantile_sketch_options& options = {}) {
    detail::require_probability("approx_quantile", q);
    (void)quantile_sketch::width_of(options.rank_error);
    return detail::make_aggregate(approx_quantile_kind{q, options}, e);
}

}  // namespace SEGKIT_NAMESPACE
