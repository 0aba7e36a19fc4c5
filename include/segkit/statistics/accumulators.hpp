// segkit/statistics/accumulators.hpp: the small states behind aggregates: counts, truths, sums, lists of values.
//
// Each is a plain value with update(value), merge(other) and serialize; merging with an empty state changes nothing.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE {

// A sum of 64-bit integers in 128 bits: it cannot overflow while rows are counted in 64. It is high * 2^64 + low.
struct wide_sum {
    std::int64_t low = 0;
    std::int64_t high = 0;

    void add(std::int64_t value) {
        if (__builtin_add_overflow(low, value, &low)) [[unlikely]] high += value < 0 ? -1 : 1;
    }
    void merge(const wide_sum& other) {
        add(other.low);
        high += other.high;
    }
    bool fits() const { return high == 0; }
    // The sum; the caller has asked whether it fits.
    std::int64_t value() const { return low; }
    double to_double() const { return fits() ? static_cast<double>(low) : static_cast<double>(high) * 0x1p64 + static_cast<double>(low); }
    friend bool operator==(const wide_sum&, const wide_sum&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("low", low);
        archive.field("high", high);
    }
};

struct count_state {
    std::int64_t count = 0;

    template <class... V>
    void update(const V&...) {
        ++count;
    }
    void merge(const count_state& other) { count += other.count; }
    friend bool operator==(const count_state&, const count_state&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("count", count);
    }
};

// How many known truth values there were, and how many were true.
struct truth_state {
    std::int64_t known = 0;
    std::int64_t truths = 0;

    void update(bool value) {
        ++known;
        truths += value;
    }
    void merge(const truth_state& other) {
        known += other.known;
        truths += other.truths;
    }
    friend bool operator==(const truth_state&, const truth_state&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("known", known);
        archive.field("truths", truths);
    }
};

// A state of text points at bytes that its user keeps, so it cannot be read back by itself.
template <class V>
concept owns_its_value = !std::same_as<V, std::string_view>;

template <class V>
using owned_value = std::conditional_t<owns_its_value<V>, V, std::string>;

// The form of a state that owns its text, where the state itself points at text that its user keeps (as the states of groups do).
template <class State>
struct owned_state {
    using type = State;
};
template <template <class> class State>
struct owned_state<State<std::string_view>> {
    using type = State<std::string>;
};
template <class State>
using owned_state_t = typename owned_state<State>::type;

// All values, for what cannot be computed from less: its size grows with the rows.
template <class V>
struct value_list {
    std::vector<V> values{};

    template <class U>
    void update(const U& v) {
        values.emplace_back(v);
    }
    void merge(const value_list& other) { values.insert(values.end(), other.values.begin(), other.values.end()); }
    friend bool operator==(const value_list&, const value_list&) = default;

    template <class Archive>
        requires owns_its_value<V>
    void serialize(Archive& archive) {
        archive.field("values", values);
    }
};

}  // namespace SEGKIT_NAMESPACE
