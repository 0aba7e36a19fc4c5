// segkit/statistics/value_counts.hpp: the different values of a column and how often each occurs: for distinct counts and modes.
//
// A state with update(value), merge(other) and serialize. Its size grows with the different values, not with the rows: new values
// are collected and sorted into the known ones whenever they are as many. O(log) amortised comparisons a value.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/statistics/accumulators.hpp>

namespace SEGKIT_NAMESPACE {

// An order of all values of a type in which NaNs are one value, the greatest.
template <class V>
struct total_order {
    bool operator()(const V& a, const V& b) const {
        if constexpr (std::is_floating_point_v<V>) return b != b ? a == a : a < b;
        else return a < b;
    }
};

template <class V>
class value_counts {
public:
    template <class U>
    void update(const U& value) {
        values_.emplace_back(value);
        counts_.push_back(1);
        if (values_.size() >= 2 * sorted_ + 64) tidy();
    }
    // The same, looking among the known values first: for few different ones.
    template <class U>
    void count(const U& value) {
        const auto end = values_.begin() + static_cast<std::ptrdiff_t>(sorted_);
        const auto at = std::lower_bound(values_.begin(), end, value, [](const stored& a, const U& b) { return a < b; });
        if (at != end && *at == value) ++counts_[static_cast<std::size_t>(at - values_.begin())];
        else update(value);
    }
    void merge(const value_counts& other) {
        values_.insert(values_.end(), other.values_.begin(), other.values_.end());
        counts_.insert(counts_.end(), other.counts_.begin(), other.counts_.end());
        tidy();
    }

    // How many different values.
    std::int64_t distinct() const { return static_cast<std::int64_t>(tidied().values_.size()); }
    // The most frequent value, the least of several.
    std::optional<V> mode() const {
        if (values_.empty()) return std::nullopt;
        const value_counts all = tidied();
        return all.values_[static_cast<std::size_t>(std::max_element(all.counts_.begin(), all.counts_.end()) - all.counts_.begin())];
    }

    // f(value, count) for each, ascending.
    template <class F>
    void each(F&& f) const {
        const value_counts all = tidied();
        for (std::size_t i = 0; i < all.values_.size(); ++i) f(all.values_[i], all.counts_[i]);
    }

    friend bool operator==(const value_counts& a, const value_counts& b) {
        const value_counts x = a.tidied(), y = b.tidied();
        if (x.counts_ != y.counts_) return false;
        for (std::size_t i = 0; i < x.values_.size(); ++i)
            if (order(x.values_[i], y.values_[i]) || order(y.values_[i], x.values_[i])) return false;
        return true;
    }

    template <class Archive>
        requires owns_its_value<V>
    void serialize(Archive& archive) {
        tidy();
        archive.field("values", values_);
        archive.field("counts", counts_);
        counts_.resize(values_.size());    // of a damaged text
        sorted_ = 0;
        tidy();
    }

private:
    using stored = std::conditional_t<std::same_as<V, bool>, std::uint8_t, V>;    // std::vector<bool> holds no values
    static constexpr total_order<stored> order{};

    value_counts tidied() const {
        value_counts copy = *this;
        copy.tidy();
        return copy;
    }
    // All values sorted, each once.
    void tidy() {
        if (sorted_ == values_.size()) return;
        std::vector<std::size_t> at(values_.size());
        std::iota(at.begin(), at.end(), std::size_t{0});
        std::sort(at.begin(), at.end(), [&](std::size_t a, std::size_t b) { return order(values_[a], values_[b]) || (!order(values_[b], values_[a]) && a < b); });
        std::vector<stored> values;
        std::vector<std::int64_t> counts;
        for (const std::size_t i : at) {
            if (values.empty() || order(values.back(), values_[i])) {
                values.push_back(std::move(values_[i]));
                counts.push_back(0);
            }
            counts.back() += counts_[i];
        }
        values_ = std::move(values);
        counts_ = std::move(counts);
        sorted_ = values_.size();
    }

    std::vector<stored> values_;
    std::vector<std::int64_t> counts_;
    std::size_t sorted_ = 0;    // values known to be in order and different; those after it may repeat them
};

}  // namespace SEGKIT_NAMESPACE
