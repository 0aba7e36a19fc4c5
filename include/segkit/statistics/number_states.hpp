// segkit/statistics/number_states.hpp: what sum, mean, deviation and extremes of numbers keep, each no more than it needs.
//
// The states of a group-by lie side by side for each group, and there may be millions of groups: every byte is read and
// written once per row. Each is a plain value with update(value), merge(other) and serialize; merging with an empty state
// changes nothing. Where it is known which value is the first, begin(first) and then add(value) for each, the first too, do the
// same as update for less. `moments` (statistics/moments.hpp) is all of them in one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/statistics/accumulators.hpp>
#include <segkit/statistics/moments.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE {

// Count and sum. Floating-point values are summed about the first one, so that a common offset costs no digits.
template <class T>
struct sum_state {
    std::int64_t count = 0;
    double shift = 0;
    double shifted_sum = 0;

    void update(T value) {
        shift = shift_for(count, shift, static_cast<double>(value));
        add(value);
    }
    void begin(T value) { shift = shift_for(0, 0, static_cast<double>(value)); }
    void add(T value) {
        ++count;
        shifted_sum += static_cast<double>(value) - shift;
    }
    void merge(const sum_state& other) {
        if (other.count == 0) return;
        if (count == 0) {
            *this = other;
            return;
        }
        count += other.count;
        shifted_sum += other.shifted_sum + (other.shift - shift) * static_cast<double>(other.count);
    }
    double sum() const { return shift * static_cast<double>(count) + shifted_sum; }
    double mean() const { return shift + shifted_sum / static_cast<double>(count); }
    friend bool operator==(const sum_state&, const sum_state&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("count", count);
        archive.field("shift", shift);
        archive.field("shifted_sum", shifted_sum);
    }
};

// Integers are summed exactly.
template <class T>
    requires is_integer<T>
struct sum_state<T> {
    std::int64_t count = 0;
    wide_sum total{};

    void update(T value) { add(value); }
    void begin(T) {}
    void add(T value) {
        ++count;
        total.add(value);
    }
    void merge(const sum_state& other) {
        count += other.count;
        total.merge(other.total);
    }
    std::int64_t sum() const {
        if (!total.fits())
            throw error({.code = error_code::overflow,
                         .stage = "sum",
                         .found = "a sum near " + std::to_string(total.to_double()),
                         .expected = "a sum within 64 bits",
                         .advice = "sum to_double(column) instead"});
        return total.value();
    }
    double mean() const { return total.to_double() / static_cast<double>(count); }
    friend bool operator==(const sum_state&, const sum_state&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("count", count);
        total.serialize(archive);
    }
};

// Count, mean and variance.
template <class T>
struct spread_state : shifted_moments {
    void update(T value) { shifted_moments::update(static_cast<double>(value)); }
    void begin(T value) { shifted_moments::begin(static_cast<double>(value)); }
    [[gnu::always_inline]] void add(T value) { shifted_moments::add(static_cast<double>(value)); }
    void add_calmly(T value) { shifted_moments::add_calmly(static_cast<double>(value)); }
    friend bool operator==(const spread_state&, const spread_state&) = default;
};

// Least and greatest; a NaN makes both NaN. Empty where the least is greater than the greatest.
template <class T>
struct range_state {
    T low = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
    T high = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();

    void begin(T) {}
    void add(T value) { update(value); }
    void update(T value) {
        low = value < low ? value : low;
        high = high < value ? value : high;
        if constexpr (std::is_floating_point_v<T>)
            if (value != value) low = high = value;    // stays: nothing is less than NaN or greater
    }
    void merge(const range_state& other) {
        if (other.count() == 0) return;
        update(other.low);
        update(other.high);
    }
    std::int64_t count() const { return !(high < low); }
    T minimum() const { return low; }
    T maximum() const { return high; }
    friend bool operator==(const range_state&, const range_state&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("low", low);
        archive.field("high", high);
    }
};

}  // namespace SEGKIT_NAMESPACE
