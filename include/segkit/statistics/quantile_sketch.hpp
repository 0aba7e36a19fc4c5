// segkit/statistics/quantile_sketch.hpp: approximate quantiles of any number of values in a few kilobytes, with a stated error.
//
//     quantile_sketch s({.rank_error = 0.01});  s.update(x);  s.merge(other);  s.quantile(0.95);  s.rank_error();
//
// The sketch of Karnin, Lang and Liberty ("Optimal quantile approximation in streams", 2016): levels of values, each value of
// level h standing for 2^h; a full level is sorted and every other of its values goes up, beginning with the first or the second
// by a coin that is a function of (seed, number of the throw). Exact, type 7, until about 4 / rank_error values have come.
//
// The error is one of rank: what quantile(q) gives has a rank within rank_error of q. A throw at level h moves a rank by 2^h or
// not at all, either way as likely, so Azuma's inequality bounds the sum; parts that merge may have thrown alike, so their bounds
// are added. `rank_error(confidence)` is this bound for what the sketch has met; the sizes are chosen so that 99 % keep the option.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/arena.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/statistics/accumulators.hpp>
#include <segkit/statistics/quantile_rank.hpp>

namespace SEGKIT_NAMESPACE {

struct quantile_sketch_options {
    double rank_error = 0.01;    // of 99 in 100 quantiles; from 0.0001 to 0.5
    std::uint32_t seed = 0;      // of the coins
};

namespace detail {

// Where a sketch keeps its values: on the heap,
struct owned_sketch_memory {
    static constexpr bool copies = true;
    std::vector<double> items{};
    std::vector<std::uint32_t> starts{0, 0};    // of each level in items, and the end

    std::uint32_t levels() const { return static_cast<std::uint32_t>(starts.size()) - 1; }
    std::uint32_t capacity() const { return static_cast<std::uint32_t>(items.size()); }
    // More room below all values, and a level without values at the top where `levels` asks for it.
    void reshape(std::uint32_t new_capacity, std::uint32_t new_levels) {
        const std::uint32_t before = capacity();
        items.insert(items.begin(), new_capacity - before, 0.0);
        for (auto& s : starts) s += new_capacity - before;
        starts.resize(new_levels + 1, new_capacity);
    }
};
// or in an arena, for the many small sketches of groups: trivially destructible, not to be copied.
struct arena_sketch_memory {
    static constexpr bool copies = false;
    arena* memory = nullptr;
    double* items = nullptr;
    std::uint32_t* starts = nullptr;
    std::uint32_t level_count = 1, item_count = 0;

    std::uint32_t levels() const { return level_count; }
    std::uint32_t capacity() const { return item_count; }
    void reshape(std::uint32_t new_capacity, std::uint32_t new_levels) {
        auto* larger = reinterpret_cast<double*>(memory->take(new_capacity * sizeof(double)));
        const std::uint32_t more = new_capacity - item_count;
        if (item_count) std::memcpy(larger + more, items, item_count * sizeof(double));
        auto* places = starts;
        if (!starts || new_levels > level_count) places = reinterpret_cast<std::uint32_t*>(memory->take((new_levels + 1) * sizeof(std::uint32_t)));
        for (std::uint32_t i = 0; i <= new_levels; ++i) places[i] = starts && i <= level_count ? starts[i] + more : new_capacity;
        if (!starts) places[0] = new_capacity;
        items = larger;
        starts = places;
        item_count = new_capacity;
        level_count = new_levels;
    }
};

}  // namespace detail

template <class Memory>
class basic_quantile_sketch {
public:
    basic_quantile_sketch() : basic_quantile_sketch(quantile_sketch_options{}) {}
    explicit basic_quantile_sketch(const quantile_sketch_options& options) : width_(width_of(options.rank_error)), seed_(options.seed) {}

    // Values of the widest level for an error: 3.26 deviations (Azuma, 99 %), each at most 1.2 / width of the count: the most that sketches
    // of any length, in one piece or merged from pieces of any size, have come to. rank_error() knows the one at hand.
    static std::uint32_t width_of(double rank_error) {
        if (!(rank_error >= 0.0001 && rank_error <= 0.5))
            throw error({.code = error_code::invalid_option,
                         .stage = "quantile sketch",
                         .field = "rank_error",
                         .found = std::to_string(rank_error),
                         .expected = "a share from 0.0001 to 0.5"});
        return static_cast<std::uint32_t>(std::ceil(deviations(0.99) * 1.25 / rank_error));
    }
    std::uint32_t width() const { return width_; }
    std::uint32_t seed() const { return seed_; }

    void update(double value) {
        minimum_ = count_ == 0 || value < minimum_ ? value : minimum_;
        maximum_ = count_ == 0 || maximum_ < value ? value : maximum_;
        ++count_;
        if (value != value) {    // has no place among the others; the extremes keep it
            minimum_ = maximum_ = value;
            return;
        }
        if (free() == 0) make_room();
        items()[--starts()[0]] = value;
    }
    // For a sketch in an arena: `keep.memory` is the arena.
    template <class Number, class Keep>
        requires requires(Keep& keep) { keep.memory; }
    void update(Number value, Keep&& keep) {
        memory_.memory = &keep.memory;
        update(static_cast<double>(value));
    }

    void merge(const basic_quantile_sketch& other)
        requires(Memory::copies)
    {
        if (other.width_ != width_ || other.seed_ != seed_)
            throw error({.code = error_code::incompatible_model,
                         .stage = "quantile sketch",
                         .found = "a sketch of width " + std::to_string(other.width_) + " and seed " + std::to_string(other.seed_),
                         .expected = "width " + std::to_string(width_) + " and seed " + std::to_string(seed_),
                         .advice = "merge sketches of the same options"});
        if (other.count_ == 0) return;
        if (count_ == 0) {
            *this = other;
            return;
        }
        if (maximum_ == maximum_) {
            minimum_ = other.minimum_ < minimum_ || other.minimum_ != other.minimum_ ? other.minimum_ : minimum_;
            maximum_ = maximum_ < other.maximum_ || other.maximum_ != other.maximum_ ? other.maximum_ : maximum_;
        }
        count_ += other.count_;
        throws_ += other.throws_;
        const double deviation = std::sqrt(variance_) + std::sqrt(other.variance_);    // the coins of both may be the same
        variance_ = deviation * deviation;

        const std::uint32_t levels = std::max(memory_.levels(), other.memory_.levels());
        Memory both;
        both.starts.assign(1, 0);
        for (std::uint32_t h = 0; h < levels; ++h) {
            const auto [a, a_end] = level(h);
            const auto [b, b_end] = other.level(h);
            if (h == 0) {
                both.items.insert(both.items.end(), a, a_end);
                both.items.insert(both.items.end(), b, b_end);
            } else {
                const std::size_t before = both.items.size();
                both.items.resize(before + static_cast<std::size_t>((a_end - a) + (b_end - b)));
                std::merge(a, a_end, b, b_end, both.items.begin() + static_cast<std::ptrdiff_t>(before));
            }
            both.starts.push_back(static_cast<std::uint32_t>(both.items.size()));
        }
        memory_ = std::move(both);
        while (retained() > most_retained()) compress();
        memory_.items.erase(memory_.items.begin(), memory_.items.begin() + free());
        const std::uint32_t gap = free();
        for (auto& s : memory_.starts) s -= gap;
    }

    std::int64_t count() const { return static_cast<std::int64_t>(count_); }
    double minimum() const { return minimum_; }
    double maximum() const { return maximum_; }
    // Whether every value is still there, so that quantiles are exact.
    bool is_exact() const { return memory_.levels() == 1; }
    // Values held.
    std::size_t retained() const { return memory_.capacity() - free(); }

    // The bound on the error of a rank, as a share of the count, that holds with this probability for each single quantile or rank.
    double rank_error(double confidence = 0.99) const { return count_ == 0 ? 0 : deviations(confidence) * std::sqrt(variance_) / static_cast<double>(count_); }

    // Share of the values that are at most this one.
    double rank(double value) const {
        double below = 0;
        for (std::uint32_t h = 0; h < memory_.levels(); ++h) {
            const auto [begin, end] = level(h);
            below += std::ldexp(static_cast<double>(std::count_if(begin, end, [&](double v) { return v <= value; })), static_cast<int>(h));
        }
        return count_ == 0 ? std::numeric_limits<double>::quiet_NaN() : below / static_cast<double>(count_);
    }
    // A value of the data whose rank is about q; NaN over no values, and where one of them was NaN.
    double quantile(double q) const {
        detail::require_probability("quantile sketch", q);
        if (count_ == 0 || maximum_ != maximum_) return std::numeric_limits<double>::quiet_NaN();
        if (q == 0) return minimum_;
        if (q == 1) return maximum_;
        std::vector<std::pair<double, std::uint32_t>> all;    // value and level
        all.reserve(retained());
        for (std::uint32_t h = 0; h < memory_.levels(); ++h)
            for (auto [at, end] = level(h); at != end; ++at) all.emplace_back(*at, h);
        std::sort(all.begin(), all.end());
        if (is_exact()) {
            const auto [below, part] = detail::rank_of(q, all.size(), quantile_method::linear);
            return part == 0 ? all[below].first : detail::between(all[below].first, all[below + 1].first, part);
        }
        const double wanted = q * static_cast<double>(count_);
        double weight = 0;
        for (const auto& [value, h] : all) {
            weight += std::ldexp(1.0, static_cast<int>(h));
            if (weight >= wanted) return value;
        }
        return maximum_;
    }

    friend bool operator==(const basic_quantile_sketch& a, const basic_quantile_sketch& b) {
        if (a.width_ != b.width_ || a.seed_ != b.seed_ || a.count_ != b.count_ || a.throws_ != b.throws_ || a.variance_ != b.variance_ ||
            a.memory_.levels() != b.memory_.levels() || !same(a.minimum_, b.minimum_) || !same(a.maximum_, b.maximum_))
            return false;
        for (std::uint32_t h = 0; h < a.memory_.levels(); ++h) {
            const auto [x, x_end] = a.level(h);
            const auto [y, y_end] = b.level(h);
            if (!std::equal(x, x_end, y, y_end, same)) return false;
        }
        return true;
    }

    template <class Archive>
        requires(Memory::copies)
    void serialize(Archive& archive) {
        memory_.items.erase(memory_.items.begin(), memory_.items.begin() + free());
        const std::uint32_t gap = free();
        for (auto& s : memory_.starts) s -= gap;
        archive.field("width", width_);
        archive.field("seed", seed_);
        archive.field("count", count_);
        archive.field("throws", throws_);
        archive.field("variance", variance_);
        archive.field("minimum", minimum_);
        archive.field("maximum", maximum_);
        archive.field("levels", memory_.starts);
        archive.field("values", memory_.items);
        if (!is_sound())
            throw error({.code = error_code::incompatible_model,
                         .stage = "load",
                         .field = "levels",
                         .found = "levels that do not fit the values",
                         .expected = "the levels of a quantile sketch",
                         .advice = "save the sketch again"});
    }

private:
    static constexpr std::uint32_t narrowest = 8;

    // Azuma: a sum of independent steps of this variance bound stays within so many deviations.
    static double deviations(double confidence) { return std::sqrt(2 * std::log(2 / (1 - confidence))); }
    static bool same(double a, double b) { return a == b || (a != a && b != b); }

    double* items() { return item_place(memory_); }
    std::uint32_t* starts() { return start_place(memory_); }
    template <class M>
    static auto item_place(M& m) {
        if constexpr (Memory::copies) return m.items.data();
        else return m.items;
    }
    template <class M>
    static auto start_place(M& m) {
        if constexpr (Memory::copies) return m.starts.data();
        else return m.starts;
    }
    std::uint32_t free() const { return memory_.capacity() == 0 ? 0 : start_place(memory_)[0]; }
    struct range {
        const double* begin;
        const double* end;
    };
    range level(std::uint32_t h) const {
        if (memory_.capacity() == 0 || h >= memory_.levels()) return {nullptr, nullptr};
        const double* first = item_place(memory_);
        const auto* places = start_place(memory_);
        return {first + places[h], first + places[h + 1]};
    }
    std::uint32_t level_size(std::uint32_t h) const { return start_place(memory_)[h + 1] - start_place(memory_)[h]; }

    // Of a sketch that was read: levels that fit the values, which are numbers and in order but for the lowest level.
    bool is_sound() const {
        const auto& at = memory_.starts;
        if (at.size() < 2 || at.size() > 60 || at.front() != 0 || at.back() != memory_.items.size() || !std::is_sorted(at.begin(), at.end())) return false;
        for (std::uint32_t h = 1; h < memory_.levels(); ++h)
            if (!std::is_sorted(level(h).begin, level(h).end)) return false;
        return width_ >= narrowest && width_ <= (1u << 20) && std::none_of(memory_.items.begin(), memory_.items.end(), [](double v) { return v != v; });
    }

    // The widest level is the highest; each below it has two thirds of the room.
    std::uint32_t room(std::uint32_t h) const {
        double size = width_;
        for (std::uint32_t above = memory_.levels() - 1; above > h && size > narrowest; --above) size *= 2.0 / 3;
        return size > narrowest ? static_cast<std::uint32_t>(std::ceil(size)) : narrowest;
    }
    std::uint32_t most_retained() const {
        std::uint32_t all = 0;
        for (std::uint32_t h = 0; h < memory_.levels(); ++h) all += room(h);
        return all;
    }

    void make_room() {
        while (free() == 0) {
            const std::uint32_t most = most_retained();
            if (memory_.capacity() < most) memory_.reshape(std::min(std::max(2 * memory_.capacity(), narrowest), most), memory_.levels());
            else compress();
        }
    }
    // Sends half of the lowest full level up, or puts a new level on top.
    void compress() {
        std::uint32_t h = 0;
        while (level_size(h) < room(h)) ++h;
        if (h + 1 == memory_.levels()) {
            memory_.reshape(memory_.capacity(), memory_.levels() + 1);
            return;
        }
        std::uint32_t* const start = starts();
        double* const value = items();
        const std::uint32_t begin = start[h], end = start[h + 1], after = start[h + 2];
        if (h == 0) std::sort(value + begin, value + end);
        const std::uint32_t odd = (end - begin) % 2, half = (end - begin) / 2, middle = end - half;
        const auto coin = static_cast<std::uint32_t>(counter_random(seed_, 0x6B6C6C).bits(throws_++) & 1);
        for (std::uint32_t i = 0; i < half; ++i) value[begin + odd + i] = value[begin + odd + 2 * i + coin];
        // The chosen values and the next level, both in order, become that level; it grows down over the place of what was left out.
        std::uint32_t from = begin + odd, next = end;
        for (std::uint32_t to = middle; from < middle && to < after; ++to)
            value[to] = next == after || !(value[next] < value[from]) ? take_chosen(value, from) : value[next++];
        start[h + 1] = middle;
        if (odd) value[middle - 1] = value[begin];
        std::memmove(value + start[0] + half, value + start[0], (begin - start[0]) * sizeof(double));
        for (std::uint32_t i = 0; i <= h; ++i) start[i] += half;
        variance_ += std::ldexp(1.0, static_cast<int>(2 * h));
    }
    static double take_chosen(const double* value, std::uint32_t& from) { return value[from++]; }

    Memory memory_{};
    std::uint32_t width_;
    std::uint32_t seed_;
    std::uint64_t count_ = 0;
    std::uint64_t throws_ = 0;
    double variance_ = 0;    // bound on that of a rank
    double minimum_ = 0;
    double maximum_ = 0;
};

using quantile_sketch = basic_quantile_sketch<detail::owned_sketch_memory>;

template <>
struct owned_state<basic_quantile_sketch<detail::arena_sketch_memory>> {
    using type = quantile_sketch;
};

}  // namespace SEGKIT_NAMESPACE
