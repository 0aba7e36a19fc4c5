// segkit/query/aggregates/distinct.hpp: how many different values there are, and which is the most frequent.
//
//     count_distinct("trip_id"_c)   mode("country"_c)
//
// Nulls are skipped, all NaNs are one value and so are both zeros. Memory grows with the different values of each group, not with
// the rows. Of several most frequent values mode gives the least; NaN is the greatest.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/statistics/value_counts.hpp>

namespace SEGKIT_NAMESPACE {

struct count_distinct_kind {
    static constexpr std::string_view aggregate_name = "count_distinct";
    static constexpr bool never_null = true, state_grows = true;
    template <class T>
    static constexpr bool accepts = !is_nested<T>;
    template <class T>
    using state = value_counts<value_t<T>>;
    template <class T>
    using result = std::int64_t;
    template <class T, class State>
    static std::optional<std::int64_t> finish(const State& s) {
        return s.distinct();
    }

    // What a group keeps, where the values of all groups are in one table: see query/detail/accumulators.hpp.
    template <class T>
    struct tally {
        static constexpr bool counts = false;
        std::int64_t different = 0;
        std::uint64_t small_ones = 0;    // those from 0 to 63, a bit each
        void see_first() { ++different; }
        bool see_small(const value_t<T>& value)
            requires is_integer<T>
        {
            const auto bits = static_cast<std::uint64_t>(value);
            if (bits >= 64) return false;
            small_ones |= std::uint64_t{1} << bits;
            return true;
        }
        std::optional<std::int64_t> finish() const { return different + std::popcount(small_ones); }
    };
};

struct mode_kind {
    static constexpr std::string_view aggregate_name = "mode";
    static constexpr bool never_null = false, state_grows = true;
    template <class T>
    static constexpr bool accepts = !is_nested<T>;
    template <class T>
    using state = value_counts<value_t<T>>;
    template <class T>
    using result = T;
    template <class T, class State>
    static auto finish(const State& s) {
        return s.mode();
    }

    template <class T>
    struct tally {
        static constexpr bool counts = true;
        std::int64_t best_count = 0;
        value_t<T> best{};
        // Every value that occurs as often as any comes by here when it does so for the last time.
        void see(const value_t<T>& value, std::int64_t count) {
            if (count < best_count || (count == best_count && !total_order<value_t<T>>{}(value, best))) return;
            best_count = count;
            best = value;
        }
        std::optional<value_t<T>> finish() const { return best_count == 0 ? std::nullopt : std::optional(best); }
    };
};

template <expression E>
constexpr auto count_distinct(const E& e) {
    return detail::make_aggregate(count_distinct_kind{}, e);
}
template <expression E>
constexpr auto mode(const E& e) {
    return detail::make_aggregate(mode_kind{}, e);
}

}  // namespace SEGKIT_NAMESPACE
