// segkit/query/aggregates.hpp: what can be computed of a group, for group_by(...).aggregate(...) and aggregate(...).
//
//     count()  count("x"_c)  count_if("x"_c > 3)  count_distinct  sum  mean  min  max  stddev  variance  median  first  share
//     mean("paid"_c).where("cancelled"_c == false)
//
// Nulls are skipped. Over no values count, count_if and count_distinct give 0, every other null; the column is nullable
// only where that can happen. Integer sums are exact and an overflow of the result is an error. Deviation and variance
// divide by n - 1 unless told otherwise. All but median and count_distinct keep a state of constant size per group.
//
// How to satisfy `aggregate_function` (your own kind, used as aggregate_with(kind{}, "x"_c)): give
//     static constexpr std::string_view aggregate_name;
//     template <class T> static constexpr bool accepts;                 // of the values' type
//     template <class T> using state = ...;                             // update(value), merge(other), trivially destructible
//     template <class T> using result = ...;                            // a column type
//     template <class T> static std::optional<value> finish(const state<T>&);
//     static constexpr bool never_null;                                 // whether finish always has a value
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/expr/column.hpp>
#include <segkit/pipeline/relation.hpp>
#include <segkit/query/detail/group_engine.hpp>
#include <segkit/statistics/accumulators.hpp>

namespace SEGKIT_NAMESPACE {

// ---- the kinds

struct count_kind {
    static constexpr std::string_view aggregate_name = "count";
    static constexpr bool never_null = true, reads_value = false;
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
    static constexpr bool never_null = false;
    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = number_state<T>;
    template <class T>
    using result = std::conditional_t<is_integer<T>, std::int64_t, double>;
    template <class T>
    static std::optional<result<T>> finish(const number_state<T>& s) {
        if (s.count() == 0) return std::nullopt;
        return s.sum();
    }
};

struct mean_kind {
    static constexpr std::string_view aggregate_name = "mean";
    static constexpr bool never_null = false;
    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = number_state<T>;
    template <class T>
    using result = double;
    template <class T>
    static std::optional<double> finish(const number_state<T>& s) {
        if (s.count() == 0) return std::nullopt;
        return s.mean();
    }
};

// Ddof: 1 for the sample's, 0 for the population's. Null for fewer than Ddof + 1 values.
template <int Ddof, bool Root>
struct deviation_kind {
    static constexpr std::string_view aggregate_name = Root ? "stddev" : "variance";
    static constexpr bool never_null = false, null_for_few = true;
    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = number_state<T>;
    template <class T>
    using result = double;
    template <class T>
    static std::optional<double> finish(const number_state<T>& s) {
        if (s.count() <= Ddof) return std::nullopt;
        const double variance = s.values.variance(Ddof);
        return Root ? std::sqrt(variance) : variance;
    }
};

namespace detail {
template <class T>
inline constexpr bool has_order = is_number<T> || std::same_as<T, text> || std::same_as<T, date> || std::same_as<T, timestamp> || std::same_as<T, duration>;
template <class T>
struct extreme_state_of {
    using type = extreme_state<value_t<T>>;
};
template <class T>
    requires is_number<T>
struct extreme_state_of<T> {
    using type = number_state<T>;
};
}  // namespace detail

template <bool Greatest>
struct extreme_kind {
    static constexpr std::string_view aggregate_name = Greatest ? "max" : "min";
    static constexpr bool never_null = false;
    template <class T>
    static constexpr bool accepts = detail::has_order<T>;
    template <class T>
    using state = typename detail::extreme_state_of<T>::type;
    template <class T>
    using result = T;
    template <class T>
    static std::optional<value_t<T>> finish(const state<T>& s) {
        if (s.count() == 0) return std::nullopt;
        return Greatest ? s.maximum() : s.minimum();
    }
};

struct first_kind {
    static constexpr std::string_view aggregate_name = "first";
    static constexpr bool never_null = false;
    template <class T>
    static constexpr bool accepts = !is_block<T>;
    template <class T>
    using state = first_state<value_t<T>>;
    template <class T>
    using result = T;
    template <class T>
    static std::optional<value_t<T>> finish(const state<T>& s) {
        if (!s.any) return std::nullopt;
        return s.value;
    }
};

// Share of rows for which a condition is true, of those for which it is known.
struct share_kind {
    static constexpr std::string_view aggregate_name = "share";
    static constexpr bool never_null = false;
    template <class T>
    static constexpr bool accepts = std::same_as<T, bool>;
    template <class T>
    using state = truth_state;
    template <class T>
    using result = double;
    template <class T>
    static std::optional<double> finish(const truth_state& s) {
        if (s.known == 0) return std::nullopt;
        return static_cast<double>(s.truths) / static_cast<double>(s.known);
    }
};

// Kinds that need every value give `summarise(begin, end)` over the values of one group, in any order.
struct median_kind {
    static constexpr std::string_view aggregate_name = "median";
    static constexpr bool never_null = false;
    template <class T>
    static constexpr bool accepts = is_number<T>;
    template <class T>
    using state = value_list<T>;
    template <class T>
    using result = double;
    template <class T>
    static std::optional<double> summarise(T* begin, T* end) {
        const auto n = end - begin;
        if (n == 0) return std::nullopt;
        if constexpr (std::is_floating_point_v<T>)    // no order with NaNs: as for a mean, one makes the result NaN
            if (std::any_of(begin, end, [](T v) { return v != v; })) return std::numeric_limits<double>::quiet_NaN();
        T* upper = begin + n / 2;
        std::nth_element(begin, upper, end);
        if (n % 2) return static_cast<double>(*upper);
        const T lower = *std::max_element(begin, upper);
        return std::midpoint(static_cast<double>(lower), static_cast<double>(*upper));
    }
    template <class T>
    static std::optional<double> finish(const state<T>& s) {
        auto values = s.values;
        return summarise(values.data(), values.data() + values.size());
    }
};

struct count_distinct_kind {
    static constexpr std::string_view aggregate_name = "count_distinct";
    static constexpr bool never_null = true;
    template <class T>
    static constexpr bool accepts = !is_block<T>;
    template <class T>
    using state = value_list<value_t<T>>;
    template <class T>
    using result = std::int64_t;
    template <class T>
    static std::optional<std::int64_t> summarise(value_t<T>* begin, value_t<T>* end) {
        if constexpr (std::is_floating_point_v<value_t<T>>)    // all NaNs are one value, as they are one key
            end = std::partition(begin, end, [](auto v) { return v == v; }) + (std::any_of(begin, end, [](auto v) { return v != v; }) ? 1 : 0);
        std::sort(begin, end, [](const auto& a, const auto& b) {
            if constexpr (std::is_floating_point_v<value_t<T>>) return b != b ? a == a : a < b;
            else return a < b;
        });
        return std::unique(begin, end) - begin;
    }
    template <class T>
    static std::optional<std::int64_t> finish(const state<T>& s) {
        const std::unique_ptr<value_t<T>[]> values(new value_t<T>[s.values.size()]);    // no vector: one of bool has no pointer
        std::copy(s.values.begin(), s.values.end(), values.get());
        return summarise<T>(values.get(), values.get() + s.values.size());
    }
};

template <class K>
concept aggregate_function = requires {
    { K::aggregate_name } -> std::convertible_to<std::string_view>;
    { K::never_null } -> std::convertible_to<bool>;
};

// ---- aggregates as the user writes them

struct every_row {};    // no condition, or no column

template <aggregate_function Kind, class E, class Condition>
struct aggregate_expression : aggregate_base {
    E operand;
    Condition condition;

    // Only rows for which the condition is true; unknown counts as false.
    template <expression C>
        requires std::same_as<Condition, every_row>
    constexpr auto where(const C& only) const {
        return aggregate_expression<Kind, E, C>{{}, operand, only};
    }
};

namespace detail {
template <class Kind, class E>
constexpr auto make_aggregate(const E& e) {
    return aggregate_expression<Kind, E, every_row>{{}, e, {}};
}
}  // namespace detail

constexpr auto count() { return detail::make_aggregate<count_kind>(every_row{}); }
// Rows in which e is not null.
template <expression E>
constexpr auto count(const E& e) {
    return detail::make_aggregate<count_kind>(e);
}
template <expression C>
constexpr auto count_if(const C& condition) {
    return count().where(condition);
}
template <expression E>
constexpr auto count_distinct(const E& e) {
    return detail::make_aggregate<count_distinct_kind>(e);
}
template <expression E>
constexpr auto sum(const E& e) {
    return detail::make_aggregate<sum_kind>(e);
}
template <expression E>
constexpr auto mean(const E& e) {
    return detail::make_aggregate<mean_kind>(e);
}
template <expression E>
constexpr auto min(const E& e) {
    return detail::make_aggregate<extreme_kind<false>>(e);
}
template <expression E>
constexpr auto max(const E& e) {
    return detail::make_aggregate<extreme_kind<true>>(e);
}
// Sample standard deviation; stddev<0> is the population's.
template <int Ddof = 1, expression E>
constexpr auto stddev(const E& e) {
    return detail::make_aggregate<deviation_kind<Ddof, true>>(e);
}
template <int Ddof = 1, expression E>
constexpr auto variance(const E& e) {
    return detail::make_aggregate<deviation_kind<Ddof, false>>(e);
}
template <expression E>
constexpr auto median(const E& e) {
    return detail::make_aggregate<median_kind>(e);
}
// The first value that is not null, in row order.
template <expression E>
constexpr auto first(const E& e) {
    return detail::make_aggregate<first_kind>(e);
}
template <expression C>
constexpr auto share(const C& condition) {
    return detail::make_aggregate<share_kind>(condition);
}
template <aggregate_function Kind, expression E>
constexpr auto aggregate_with(Kind, const E& e) {
    return detail::make_aggregate<Kind>(e);
}

// ---- compile errors in our own words

template <class Kind, class Type>
struct aggregate_does_not_take_this_type {
    static_assert(detail::never<Kind>,
                  "segkit: this aggregate cannot take a column of this type (sum, mean, stddev and median need numbers, share a condition); "
                  "see 'aggregate_does_not_take_this_type<aggregate, column type>'");
};

namespace detail {

template <class T>
inline const char type_identity_of = 0;

// Text kept in a state must outlive the records it came from. It takes the place of the text before it where it fits, so that a
// column in ascending order, each row a new maximum, does not grow the memory with its rows.
inline std::string_view keep_instead(std::string_view before, std::string_view v, arena& memory) {
    if (v.empty() || v.size() > (before.size() + 7) / 8 * 8) return memory.keep(v);    // pieces are multiples of 8 bytes
    auto* place = const_cast<char*>(before.data());
    std::memcpy(place, v.data(), v.size());
    return {place, v.size()};
}
template <class State>
void update_text(State& s, std::string_view v, arena& memory) {
    s.update(memory.keep(v));    // a kind of the user may keep the view
}
inline void update_text(extreme_state<std::string_view>& s, std::string_view v, arena& memory) {
    if (!s.any || v < s.low) s.low = keep_instead(s.low, v, memory);
    if (!s.any || s.high < v) s.high = keep_instead(s.high, v, memory);
    s.any = true;
}
inline void update_text(first_state<std::string_view>& s, std::string_view v, arena& memory) {
    if (!s.any) s.update(memory.keep(v));
}

template <class State, class V>
class accumulator_of final : public grouped_accumulator {
public:
    static_assert(std::is_trivially_destructible_v<State> && alignof(State) <= 8, "segkit: a state kept per group must be trivially destructible");
    std::size_t state_bytes() const override { return sizeof(State); }
    void start(std::byte* state) const override { new (state) State{}; }
    void update(const record_block& rows, const std::uint32_t* group_of, const state_store& states, kept_values&, arena& memory) const override {
        for (std::uint32_t k = 0; k < rows.count; ++k) {
            const std::byte* record = rows.at(k);
            if (mask >= 0 && !mask_bit(record, mask)) continue;
            State& state = *std::launder(reinterpret_cast<State*>(states.at(group_of[k]) + state_offset));
            if constexpr (std::same_as<V, every_row>) {
                state.update();
            } else {
                const V value = load<V>(record + offset);
                if constexpr (std::same_as<V, std::string_view>) update_text(state, value, memory);
                else state.update(value);
            }
        }
    }
};

// Values of all groups of a partition in one list; sorted by group and summarised at the end.
template <class Kind, class T>
class list_accumulator final : public grouped_accumulator {
public:
    using V = value_t<T>;
    using R = value_t<typename Kind::template result<T>>;
    struct summary {
        R value;
        bool any;
    };
    std::size_t state_bytes() const override { return sizeof(summary); }
    void start(std::byte* state) const override { new (state) summary{}; }
    void update(const record_block& rows, const std::uint32_t* group_of, const state_store&, kept_values& kept, arena& memory) const override {
        for (std::uint32_t k = 0; k < rows.count; ++k) {
            const std::byte* record = rows.at(k);
            if (mask >= 0 && !mask_bit(record, mask)) continue;
            std::byte entry[4 + sizeof(V)];
            V value = load<V>(record + offset);
            if constexpr (std::same_as<V, std::string_view>) value = memory.keep(value);
            store(entry, group_of[k]);
            store(entry + 4, value);
            kept.push(entry, sizeof entry);
        }
    }
    void seal(std::uint32_t groups, const state_store& states, kept_values& kept, arena&) const override {
        constexpr std::size_t size = 4 + sizeof(V);
        const std::size_t n = kept.bytes.size() / size;
        std::vector<std::size_t> begin(std::size_t{groups} + 1, 0);
        for (std::size_t i = 0; i < n; ++i) ++begin[load<std::uint32_t>(&kept.bytes[i * size]) + 1];
        for (std::uint32_t g = 0; g < groups; ++g) begin[g + 1] += begin[g];
        std::vector<std::size_t> at(begin.begin(), begin.end() - 1);
        std::unique_ptr<V[]> values(new V[n]);
        for (std::size_t i = 0; i < n; ++i) values[at[load<std::uint32_t>(&kept.bytes[i * size])]++] = load<V>(&kept.bytes[i * size] + 4);
        for (std::uint32_t g = 0; g < groups; ++g) {
            const auto result = Kind::template summarise<T>(values.get() + begin[g], values.get() + begin[g + 1]);
            summary& s = *std::launder(reinterpret_cast<summary*>(states.at(g) + state_offset));
            s = {result.value_or(R{}), result.has_value()};
        }
    }
};

template <class Kind, class T>
inline constexpr bool needs_every_value = requires(value_t<T>* p) { Kind::template summarise<T>(p, p); };

template <class Kind, class T>
class finisher_of final : public group_finisher {
public:
    void append(column_data& column, const std::byte* const* begin, const std::byte* const* end, std::size_t state_offset) const override {
        for (auto group = begin; group != end; ++group) {
            const std::byte* state = *group + state_offset;
            if constexpr (needs_every_value<Kind, T>) {
                const auto& s = *std::launder(reinterpret_cast<const typename list_accumulator<Kind, T>::summary*>(state));
                put(column, s.any ? std::optional(s.value) : std::nullopt);
            } else {
                put(column, Kind::template finish<T>(*std::launder(reinterpret_cast<const typename Kind::template state<T>*>(state))));
            }
        }
    }

private:
    template <class R>
    static void put(column_data& column, const std::optional<R>& value) {
        if (value) column.append_value(*value);
        else column.append_null();
    }
};

template <class Kind, class T, class V, bool CanLackValues, class Schema, class Condition>
auto add_aggregate(relation<Schema>& r, group_layout& layout, int slot_number, const Condition& condition) {
    std::unique_ptr<grouped_accumulator> accumulator;
    if constexpr (needs_every_value<Kind, T> && !std::same_as<V, every_row>) {
        using A = list_accumulator<Kind, T>;
        accumulator = std::make_unique<A>();
        accumulator->identity = &type_identity_of<A>;
    } else {
        constexpr bool reads = !requires { Kind::reads_value; };
        using A = accumulator_of<typename Kind::template state<T>, std::conditional_t<reads, V, every_row>>;
        accumulator = std::make_unique<A>();
        accumulator->identity = &type_identity_of<A>;
        accumulator->reads_value = reads;
    }
    accumulator->slot = slot_number;
    if constexpr (!std::same_as<Condition, every_row>) accumulator->condition = materialise_truth(r, condition);
    using Result = typename Kind::template result<T>;
    constexpr bool nullable = !Kind::never_null && (CanLackValues || requires { Kind::null_for_few; });
    const std::size_t number = layout.add_accumulator(r.plan, std::move(accumulator));
    layout.outputs.push_back({number, std::make_unique<finisher_of<Kind, T>>(), type_id_of<Result>, nullable});
    return std::type_identity<std::conditional_t<nullable, std::optional<Result>, Result>>{};
}


// Adds one aggregate to the layout; returns (by type) the column it makes.
// Global: over all rows at once, which may be none.
template <bool Global, class Schema, class Kind, class E, class Condition>
auto bind_aggregate(relation<Schema>& r, group_layout& layout, const aggregate_expression<Kind, E, Condition>& a) {
    constexpr bool no_column = std::same_as<E, every_row>;
    constexpr bool conditional = !std::same_as<Condition, every_row>;
    if constexpr (no_column) {
        return add_aggregate<Kind, std::int64_t, every_row, Global || conditional>(r, layout, -1, a.condition);
    } else {
        using Column = expression_type_t<Schema, E>;
        using T = non_null_t<Column>;
        if constexpr (is_erroneous<bound_t<Schema, E>>) {
            (void)bind_expression(r, a.operand);
            return std::type_identity<erroneous>{};
        } else if constexpr (!Kind::template accepts<T>) {
            detail::report(detail::mistake<aggregate_does_not_take_this_type<Kind, Column>>);
            return std::type_identity<erroneous>{};
        } else {
            return add_aggregate<Kind, T, value_t<T>, Global || conditional || is_nullable<Column>>(r, layout, materialise(r, a.operand, {Kind::aggregate_name}), a.condition);
        }
    }
}

}  // namespace detail

}  // namespace SEGKIT_NAMESPACE
