// segkit/query/aggregates/quantiles.hpp: median and quantiles.
//
//     median("x"_c)   quantile("x"_c, 0.95)   quantile("x"_c, 0.5, {.method = quantile_method::lower})   quantiles("x"_c, {0.25, 0.75})
//
// Exact: all values are kept until the end, once per column however many quantiles are asked of it, and sorted once. Nulls are
// skipped; one NaN makes the result NaN. For data that does not fit: approx_quantile (query/aggregates/approximate.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/statistics/accumulators.hpp>
#include <segkit/statistics/quantile_rank.hpp>

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

}  // namespace SEGKIT_NAMESPACE
