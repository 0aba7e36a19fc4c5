// segkit/query/aggregates/quantiles.hpp: median and quantiles, exact ones and approximate ones.
//
//     median("x"_c)   quantile("x"_c, 0.95)   quantiles("x"_c, {0.25, 0.5, 0.75})   approx_quantile("x"_c, 0.95, {.rank_error = 0.01})
//
// Exact: all values are kept until the end, once per column however many quantiles are asked of it, and sorted once. Approximate:
// a sketch of a few kilobytes at most per group (statistics/quantile_sketch.hpp). Nulls are skipped; one NaN makes the result NaN.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/statistics/quantile_rank.hpp>
#include <segkit/statistics/quantile_sketch.hpp>

namespace SEGKIT_NAMESPACE {

struct quantile_options {
    quantile_method method = quantile_method::linear;
};

namespace detail {

// The values of one group, put in order as far as it is needed.
template <class V>
class group_values {
public:
    group_values(V* begin, V* end, bool asked_often) : begin_(begin), end_(end), asked_often_(asked_often) {}
    V* begin() const { return begin_; }
    V* end() const { return end_; }
    std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }
    bool has_nan() {
        if constexpr (std::is_floating_point_v<V>) {
            if (!nan_) nan_ = std::any_of(begin_, end_, [](V v) { return v != v; });
            return *nan_;
        } else {
            return false;
        }
    }
    // The value of this rank, of values without NaN. Sorted where several are asked for, else found in linear time.
    V at_rank(std::size_t rank) {
        if (sorted_) return begin_[rank];
        if (asked_often_ || size() <= 16) {
            std::sort(begin_, end_);
            sorted_ = true;
            return begin_[rank];
        }
        V* first = rank == last_rank_ + 1 ? begin_ + rank : begin_;    // what stands before the last rank asked for is less
        std::nth_element(first, begin_ + rank, end_);
        last_rank_ = rank;
        return begin_[rank];
    }
    double quantile(double q, quantile_method method) {
        if (has_nan()) return std::numeric_limits<double>::quiet_NaN();
        const auto [below, part] = rank_of(q, size(), method);
        const double low = static_cast<double>(at_rank(below));
        return part == 0 ? low : between(low, static_cast<double>(at_rank(below + 1)), part);
    }

private:
    V* begin_;
    V* end_;
    bool asked_often_, sorted_ = false;
    std::size_t last_rank_ = static_cast<std::size_t>(-2);
    std::optional<bool> nan_{};
};

}  // namespace detail

struct quantile_kind {
    static constexpr std::string_view aggregate_name = "quantile";
    static constexpr bool never_null = false, state_grows = true;
    double q = 0.5;
    quantile_method method = quantile_method::linear;

    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = value_list<T>;
    template <class T>
    using result = double;
    template <class T>
    std::optional<double> summarise(detail::group_values<T>& values) const {
        if (values.size() == 0) return std::nullopt;
        return values.quantile(q, method);
    }
    template <class T>
    std::optional<double> finish(const value_list<T>& s) const {
        auto values = s.values;
        detail::group_values<T> all(values.data(), values.data() + values.size(), false);
        return summarise<T>(all);
    }
};
struct median_kind : quantile_kind {
    static constexpr std::string_view aggregate_name = "median";
};

// Several quantiles as one block, a vector per group; of NaNs over no values.
struct quantiles_kind {
    static constexpr std::string_view aggregate_name = "quantiles";
    static constexpr bool never_null = true, state_grows = true;
    std::vector<double> q{0.25, 0.5, 0.75};
    quantile_method method = quantile_method::linear;

    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = value_list<T>;
    template <class T>
    using result = block<double>;
    std::size_t width() const { return q.size(); }
    template <class T>
    void summarise(detail::group_values<T>& values, double* out) const {
        for (std::size_t i = 0; i < q.size(); ++i) out[i] = values.size() == 0 ? std::numeric_limits<double>::quiet_NaN() : values.quantile(q[i], method);
    }
    template <class T>
    std::optional<std::vector<double>> finish(const value_list<T>& s) const {
        auto values = s.values;
        detail::group_values<T> all(values.data(), values.data() + values.size(), true);
        std::vector<double> out(q.size());
        summarise<T>(all, out.data());
        return out;
    }
};

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

// The mean of the middle two for an even number of values.
template <expression E>
constexpr auto median(const E& e) {
    return detail::make_aggregate(median_kind{}, e);
}
template <expression E>
auto quantile(const E& e, double q, const quantile_options& options = {}) {
    detail::require_probability("quantile", q);
    return detail::make_aggregate(quantile_kind{q, options.method}, e);
}
template <expression E>
auto quantiles(const E& e, std::vector<double> q, const quantile_options& options = {}) {
    for (const double share : q) detail::require_probability("quantiles", share);
    return detail::make_aggregate(quantiles_kind{std::move(q), options.method}, e);
}
// A value whose rank is within rank_error of q in 99 of 100 cases; exact while a group has few values.
template <expression E>
auto approx_quantile(const E& e, double q, const quantile_sketch_options& options = {}) {
    detail::require_probability("approx_quantile", q);
    (void)quantile_sketch::width_of(options.rank_error);
    return detail::make_aggregate(approx_quantile_kind{q, options}, e);
}

}  // namespace SEGKIT_NAMESPACE
