// segkit/statistics/order_states.hpp: states of what depends on an order: extremes, the first, last and n-th value, and the
// value beside the least or greatest of another.
//
// Each is a plain value with update, merge (of rows that come later) and serialize. Where V is std::string_view the caller keeps
// the bytes: update then takes a function (text so far, new text) -> text to hold. With std::string a state owns its text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/statistics/accumulators.hpp>

namespace SEGKIT_NAMESPACE {

// Holds the value itself.
struct keep_value {
    template <class V, class U>
    const U& operator()(const V&, const U& value) const {
        return value;
    }
};

// Least and greatest of values that are not numbers.
template <class V>
struct extreme_state {
    V low{};
    V high{};
    bool any = false;

    std::int64_t count() const { return any; }
    const V& minimum() const { return low; }
    const V& maximum() const { return high; }
    template <class U, class Keep = keep_value>
    void update(const U& value, Keep&& keep = {}) {
        if (!any || value < low) low = keep(low, value);
        if (!any || high < value) high = keep(high, value);
        any = true;
    }
    void merge(const extreme_state& other) {
        if (!other.any) return;
        update(other.low);
        update(other.high);
    }
    friend bool operator==(const extreme_state&, const extreme_state&) = default;

    template <class Archive>
        requires owns_its_value<V>
    void serialize(Archive& archive) {
        archive.field("low", low);
        archive.field("high", high);
        archive.field("any", any);
    }
};

template <class V>
struct first_state {
    V value{};
    bool any = false;

    template <class U, class Keep = keep_value>
    void update(const U& v, Keep&& keep = {}) {
        if (any) return;
        value = keep(value, v);
        any = true;
    }
    void merge(const first_state& other) {
        if (other.any) update(other.value);
    }
    friend bool operator==(const first_state&, const first_state&) = default;

    template <class Archive>
        requires owns_its_value<V>
    void serialize(Archive& archive) {
        archive.field("value", value);
        archive.field("any", any);
    }
};

template <class V>
struct last_state {
    V value{};
    bool any = false;

    template <class U, class Keep = keep_value>
    void update(const U& v, Keep&& keep = {}) {
        value = keep(value, v);
        any = true;
    }
    void merge(const last_state& other) {
        if (other.any) update(other.value);
    }
    friend bool operator==(const last_state&, const last_state&) = default;

    template <class Archive>
        requires owns_its_value<V>
    void serialize(Archive& archive) {
        archive.field("value", value);
        archive.field("any", any);
    }
};

// The first N values: what the N-th of rows that come in pieces is computed from.
template <class V, int N>
struct nth_state {
    static_assert(N > 0, "segkit: values are counted from 1, so nth<1> is the first");
    std::array<V, static_cast<std::size_t>(N)> values{};
    std::int32_t count = 0;

    template <class U, class Keep = keep_value>
    void update(const U& v, Keep&& keep = {}) {
        if (count == N) return;
        auto& place = values[static_cast<std::size_t>(count)];
        place = keep(place, v);
        ++count;
    }
    void merge(const nth_state& other) {
        for (std::int32_t i = 0; i < other.count; ++i) update(other.values[static_cast<std::size_t>(i)]);
    }
    friend bool operator==(const nth_state&, const nth_state&) = default;

    template <class Archive>
        requires owns_its_value<V>
    void serialize(Archive& archive) {
        std::vector<V> known(values.begin(), values.begin() + count);
        archive.field("values", known);
        *this = nth_state();
        for (const auto& v : known) update(static_cast<V>(v));
    }
};

// The value of the row in which another one, `by`, is least (or greatest): the row that sort_by would put first, so the first of
// several, and one whose `by` is NaN only where there is no other.
template <class V, class By, bool Greatest>
struct extreme_by_state {
    V value{};
    By best{};
    bool any = false;

    template <class U, class B, class Keep = keep_value>
    void update(const U& v, const B& by, Keep&& keep = {}) {
        if (any && !before(by, best)) return;
        value = keep(value, v);
        best = keep(best, by);
        any = true;
    }
    void merge(const extreme_by_state& other) {
        if (other.any) update(other.value, other.best);
    }
    friend bool operator==(const extreme_by_state&, const extreme_by_state&) = default;

    template <class Archive>
        requires(owns_its_value<V> && owns_its_value<By>)
    void serialize(Archive& archive) {
        archive.field("value", value);
        archive.field("best", best);
        archive.field("any", any);
    }

private:
    template <class B>
    static bool before(const B& by, const By& best) {
        if constexpr (std::is_floating_point_v<By>)
            if (best != best) return by == by;
        if constexpr (Greatest) return best < by;
        else return by < best;
    }
};

template <int N>
struct owned_state<nth_state<std::string_view, N>> {
    using type = nth_state<std::string, N>;
};
template <class V, class By, bool Greatest>
    requires(!owns_its_value<V> || !owns_its_value<By>)
struct owned_state<extreme_by_state<V, By, Greatest>> {
    using type = extreme_by_state<owned_value<V>, owned_value<By>, Greatest>;
};

}  // namespace SEGKIT_NAMESPACE
