// segkit/query/detail/accumulators.hpp: aggregates at work in a group-by: states updated block by block, and their results.
//
// accumulator_of and pair_accumulator_of hold one small state per group, number_accumulator all that is asked of a column of
// numbers; list_accumulator keeps all values of a column and answers every quantile asked of it, to_list_accumulator gives them
// themselves; distinct_accumulator keeps each different value of each group once. Value types only, no names.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/query/aggregates/quantiles.hpp>
#include <segkit/query/detail/group_layout.hpp>
#include <segkit/statistics/number_states.hpp>

namespace SEGKIT_NAMESPACE::detail {

template <class T>
inline const char type_identity_of = 0;

// Text kept in a state must outlive the records it came from. It takes the place of the text before it where it fits, so that a
// column in ascending order, each row a new maximum, does not grow the memory with its rows.
struct text_keeper {
    arena& memory;

    template <class U>
    const U& operator()(const U&, const U& value) const {
        return value;
    }
    std::string_view operator()(std::string_view before, std::string_view v) const {
        if (v.empty() || v.size() > (before.size() + 7) / 8 * 8) return memory.keep(v);    // pieces are multiples of 8 bytes
        auto* place = const_cast<char*>(before.data());
        std::memcpy(place, v.data(), v.size());
        return {place, v.size()};
    }
};

template <class State, class V>
void update_kept(State& state, const V& value, arena& memory) {
    if constexpr (requires(text_keeper keep) { state.update(value, keep); }) state.update(value, text_keeper{memory});
    else if constexpr (std::same_as<V, std::string_view>) state.update(memory.keep(value));    // a kind of the user may keep the view
    else state.update(value);
}
template <class State, class X, class Y>
void update_kept(State& state, const X& x, const Y& y, arena& memory) {
    if constexpr (requires(text_keeper keep) { state.update(x, y, keep); }) {
        state.update(x, y, text_keeper{memory});
    } else {
        const auto kept = [&](const auto& v) {
            if constexpr (std::same_as<decltype(v), const std::string_view&>) return memory.keep(v);
            else return v;
        };
        state.update(kept(x), kept(y));
    }
}

template <class State>
State& state_at(std::byte* place) {
    return *std::launder(reinterpret_cast<State*>(place));
}
template <class State>
const State& state_at(const std::byte* place) {
    return *std::launder(reinterpret_cast<const State*>(place));
}

// f(state, k, value) for the rows that count. What does not change in the loop is copied first: the states could be anything,
// so the compiler would read it again for each row.
template <bool Masked, class State, class F>
void each_state_of(const row_block& rows, const group_block& groups, int mask, F f) {
    std::byte* const* state = groups.state;
    const std::byte* value = rows.first.begin;
    const std::byte* masks = rows.masks.begin;
    const std::size_t stride = rows.first.stride, mask_stride = rows.masks.stride, at = groups.offset;
    const std::uint32_t count = rows.count;
    const auto loop = [&](auto state_of) {
        for (std::uint32_t k = 0; k < count; ++k, value += stride) {
            if constexpr (Masked)
                if (!mask_bit(masks + k * mask_stride, mask)) continue;
            f(state_of(k), k, value);
        }
    };
    if constexpr (std::is_trivially_copyable_v<State>) {
        if (groups.all_count == 1) {    // in registers for the length of the block
            State only = state_at<State>(state[0] + at);
            loop([&](std::uint32_t) -> State& { return only; });
            state_at<State>(state[0] + at) = only;
            return;
        }
    }
    loop([=](std::uint32_t k) -> State& { return state_at<State>(state[k] + at); });
}
template <class State, class F>
void each_state(const row_block& rows, const group_block& groups, int mask, F f) {
    if (mask < 0) each_state_of<false, State>(rows, groups, mask, f);
    else each_state_of<true, State>(rows, groups, mask, f);
}

template <class State>
class state_accumulator : public grouped_accumulator {
public:
    static_assert(std::is_trivially_destructible_v<State> && alignof(State) <= 8, "segkit: a state kept per group must be trivially destructible");
    explicit state_accumulator(const State& initial) : initial_(initial) {}
    std::size_t state_bytes() const final { return sizeof(State); }
    void start(std::byte* state) const final { new (state) State(initial_); }
    bool state_is_bytes() const final { return std::is_trivially_copyable_v<State>; }
    void move(std::byte* from, std::byte* to) const final { new (to) State(std::move(state_at<State>(from))); }
    bool state_grows() const override { return false; }
    bool is_count() const final {
        if constexpr (std::is_same_v<State, count_state>) return this->mask < 0 && initial_ == State{};
        else return false;
    }

private:
    State initial_;
};

template <class State, class V>
class accumulator_of final : public state_accumulator<State> {
public:
    using state_accumulator<State>::state_accumulator;
    void update(const row_block& rows, const group_block& groups, kept_values&, arena& memory) const override {
        each_state<State>(rows, groups, this->mask, [&](State& state, std::uint32_t, const std::byte* value) {
            if constexpr (std::same_as<V, every_row>) state.update();
            else update_kept(state, load<V>(value), memory);
        });
    }
};

template <class State, class X, class Y>
class pair_accumulator_of final : public state_accumulator<State> {
public:
    using state_accumulator<State>::state_accumulator;
    void update(const row_block& rows, const group_block& groups, kept_values&, arena& memory) const override {
        each_state<State>(rows, groups, this->mask, [&](State& state, std::uint32_t k, const std::byte* value) {
            update_kept(state, load<X>(value), load<Y>(rows.second.at(k)), memory);
        });
    }
};

// ---- numbers

enum number_part : unsigned { sum_part = 1, spread_part = 2, range_part = 4 };

// Which part of what is known of a column of numbers a state is.
template <class State>
inline constexpr unsigned number_part_of = 0;
template <class T>
inline constexpr unsigned number_part_of<sum_state<T>> = sum_part;
template <class T>
inline constexpr unsigned number_part_of<spread_state<T>> = spread_part;
template <class T>
inline constexpr unsigned number_part_of<range_state<T>> = range_part;

// All of a state but its count, where that is kept once for all that is asked of the rows of a group: a third less to read and
// write per row. A state without a count is whole.
template <class State>
struct state_beside_count : State {
    void add_calmly(auto value) { State::add(value); }
    void centre(std::int64_t) {}
    void take(const State& s) { static_cast<State&>(*this) = s; }
    const State& with(std::int64_t) const { return *this; }
};
template <class T>
struct state_beside_count<sum_state<T>> {
    double shift = 0, shifted_sum = 0;

    void begin(T value) { change([&](auto& s) { s.begin(value); }); }
    void add_calmly(T value) { change([&](auto& s) { s.add(value); }); }
    void centre(std::int64_t) {}
    void take(const sum_state<T>& s) {
        shift = s.shift;
        shifted_sum = s.shifted_sum;
    }
    sum_state<T> with(std::int64_t count) const { return {count, shift, shifted_sum}; }

private:
    template <class F>
    void change(F f) {
        sum_state<T> s = with(0);
        f(s);
        take(s);
    }
};
template <class T>
    requires is_integer<T>
struct state_beside_count<sum_state<T>> {
    wide_sum total{};

    void begin(T) {}
    void add_calmly(T value) { total.add(value); }
    void centre(std::int64_t) {}
    void take(const sum_state<T>& s) { total = s.total; }
    sum_state<T> with(std::int64_t count) const { return {count, total}; }
};
template <class T>
struct state_beside_count<spread_state<T>> {
    double shift = 0, shifted_sum = 0, shifted_squares = 0;

    void begin(T value) { change(0, [&](auto& s) { s.begin(value); }); }
    void add_calmly(T value) { change(0, [&](auto& s) { s.add_calmly(value); }); }
    void centre(std::int64_t count) { change(count, [](auto& s) { s.centre(); }); }
    void take(const spread_state<T>& s) {
        shift = s.shift;
        shifted_sum = s.shifted_sum;
        shifted_squares = s.shifted_squares;
    }
    spread_state<T> with(std::int64_t count) const { return {{count, shift, shifted_sum, shifted_squares}}; }

private:
    template <class F>
    void change(std::int64_t count, F f) {
        spread_state<T> s = with(count);
        f(s);
        take(s);
    }
};
template <class State, bool Has>
struct number_member {
    template <class V>
    void each(V&&) {}
};
template <class State>
struct number_member<State, true> {
    State state{};
    template <class F>
    void each(F&& f) {
        f(state);
    }
};
// The parts that are asked for, side by side. The sum of floating-point values is known from their spread.
template <class T, unsigned Parts, template <class> class Form = std::type_identity_t>
struct number_states : number_member<Form<sum_state<T>>, (Parts & sum_part) != 0>,
                       number_member<Form<spread_state<T>>, (Parts & spread_part) != 0>,
                       number_member<Form<range_state<T>>, (Parts & range_part) != 0> {
    void begin(T value) {
        each([&](auto& s) { s.begin(value); });
    }
    void add(T value) {
        each([&](auto& s) { s.add(value); });
    }
    void update(T value) {
        each([&](auto& s) { s.update(value); });
    }
    // As add, for so many rows as need no centring of the spread.
    void add_calmly(T value) {
        each([&](auto& s) {
            if constexpr (requires { s.add_calmly(value); }) s.add_calmly(value);
            else s.add(value);
        });
    }
    void centre(std::int64_t count) {
        each([&](auto& s) { s.centre(count); });
    }
    // What the states with a count have, for those without.
    void take(const number_states<T, Parts>& counted) {
        if constexpr ((Parts & sum_part) != 0) number_member<Form<sum_state<T>>, true>::state.take(counted.number_member<sum_state<T>, true>::state);
        if constexpr ((Parts & spread_part) != 0) number_member<Form<spread_state<T>>, true>::state.take(counted.number_member<spread_state<T>, true>::state);
        if constexpr ((Parts & range_part) != 0) number_member<Form<range_state<T>>, true>::state.take(counted.number_member<range_state<T>, true>::state);
    }
    std::int64_t count() const {
        if constexpr ((Parts & spread_part) != 0) return number_member<Form<spread_state<T>>, true>::state.count;
        else return number_member<Form<sum_state<T>>, true>::state.count;
    }
    std::size_t calm_rows() {
        std::size_t rows = ~std::size_t{0};
        each([&](auto& s) {
            if constexpr (requires { s.calm_values(); }) rows = static_cast<std::size_t>(s.calm_values());
        });
        return rows;
    }
    template <class F>
    void each(F&& f) {
        number_member<Form<sum_state<T>>, (Parts & sum_part) != 0>::each(f);
        number_member<Form<spread_state<T>>, (Parts & spread_part) != 0>::each(f);
        number_member<Form<range_state<T>>, (Parts & range_part) != 0>::each(f);
    }
    template <class State>
    static std::size_t offset_of() {
        number_states s;
        const number_member<Form<State>, true>& part = s;
        return static_cast<std::size_t>(reinterpret_cast<const std::byte*>(&part.state) - reinterpret_cast<const std::byte*>(&s));
    }
};

// Sum, mean, deviation and extremes of one column of numbers: whatever of it is asked for, brought up to date in one loop.
template <class T>
class number_accumulator final : public grouped_accumulator {
public:
    void ask(unsigned part) {
        asked_ |= part;
        parts_ = !is_integer<T> && (asked_ & spread_part) ? asked_ & ~unsigned{sum_part} : asked_;
    }
    std::size_t state_bytes() const override {
        return with_parts([]<class States>(std::type_identity<States>) { return sizeof(States); });
    }
    void start(std::byte* state) const override {
        with_parts([&]<class States>(std::type_identity<States>) { new (state) States(); });
    }
    bool state_is_bytes() const override { return true; }
    void move(std::byte* from, std::byte* to) const override { std::memcpy(to, from, state_bytes()); }
    bool state_grows() const override { return false; }
    bool lacks_count() const override { return this->mask < 0 && (parts_ & (sum_part | spread_part)) != 0; }
    std::size_t bytes_beside_count() const override {
        if (!lacks_count()) return state_bytes();
        return with_parts<state_beside_count>([]<class States>(std::type_identity<States>) { return sizeof(States); });
    }
    void start_beside_count(std::byte* state) const override {
        if (!lacks_count()) return start(state);
        with_parts<state_beside_count>([&]<class States>(std::type_identity<States>) { new (state) States(); });
    }
    void move_beside_count(std::byte* from, std::byte* to, std::byte* count) const override {
        if (!lacks_count()) return move(from, to);
        with_parts([&]<unsigned Parts>(std::type_identity<number_states<T, Parts>>) {
            auto& counted = state_at<number_states<T, Parts>>(from);
            auto& others = *new (to) number_states<T, Parts, state_beside_count>();
            if constexpr ((Parts & (sum_part | spread_part)) != 0) store(count, counted.count());
            others.take(counted);
        });
    }
    void update(const row_block& rows, const group_block& groups, kept_values& kept, arena&) const override {
        if (groups.doubled && lacks_count()) with_parts<state_beside_count>([&]<class States>(std::type_identity<States>) { update_beside_count<States>(rows, groups); });
        else with_parts([&]<class States>(std::type_identity<States>) { update_as<States>(rows, groups, kept); });
    }
    bool sum_is_in_spread() const { return !is_integer<T> && (parts_ & spread_part) != 0; }
    // Where the state of one part begins.
    template <class State, template <class> class Form = std::type_identity_t>
    std::size_t offset_of() const {
        return with_parts<Form>([]<unsigned Parts>(std::type_identity<number_states<T, Parts, Form>>) -> std::size_t {
            if constexpr ((Parts & number_part_of<State>) != 0) return number_states<T, Parts, Form>::template offset_of<State>();
            else return 0;
        });
    }

private:
    template <class States>
    void update_as(const row_block& rows, const group_block& groups, kept_values& kept) const {
        if (this->mask >= 0) {
            each_state_of<true, States>(rows, groups, this->mask, [](States& states, std::uint32_t, const std::byte* value) { states.update(load<T>(value)); });
            return;
        }
        begin_fresh<States>(rows, groups);
        if constexpr (std::is_base_of_v<number_member<spread_state<T>, true>, States>) {
            if (groups.all_count > 0 && groups.all_count <= most_watched) return update_watched<States>(rows, groups, kept);
        }
        each_state_of<false, States>(rows, groups, -1, [](States& states, std::uint32_t, const std::byte* value) { states.add(load<T>(value)); });
    }
    // The same of many groups, whose rows are counted elsewhere; those whose count has doubled are told.
    template <class States>
    static void update_beside_count(const row_block& rows, const group_block& groups) {
        begin_fresh<States>(rows, groups);
        std::uint32_t k = 0;
        const auto add_rows = [&, state = groups.state, value = rows.first.begin, stride = rows.first.stride, at = groups.offset](std::uint32_t end) {
            for (; k < end; ++k) state_at<States>(state[k] + at).add_calmly(load<T>(value + k * stride));
        };
        if constexpr (requires(States s) { s.centre(0); })
            for (std::uint32_t i = 0; i < groups.doubled_count; ++i) {
                add_rows(groups.doubled[i].row + 1);
                state_at<States>(groups.state[k - 1] + groups.offset).centre(groups.doubled[i].rows_of_group);
            }
        add_rows(rows.count);
    }
    template <class States>
    static void begin_fresh(const row_block& rows, const group_block& groups) {
        for (std::uint32_t i = 0; i < groups.fresh_count; ++i) {
            const std::uint32_t k = groups.fresh[i];
            state_at<States>(groups.state[k] + groups.offset).begin(load<T>(rows.first.at(k)));
        }
    }
    // While no group of few comes to a power of two rows, none need look whether its spread should be centred.
    template <class States>
    static void update_watched(const row_block& rows, const group_block& groups, kept_values& kept) {
        if (groups.fresh_count == 0 && rows.count <= kept.calm_rows) {
            kept.calm_rows -= rows.count;
            each_state_of<false, States>(rows, groups, -1, [](States& states, std::uint32_t, const std::byte* value) { states.add_calmly(load<T>(value)); });
            return;
        }
        for (std::uint32_t k = 0; k < rows.count; ++k) state_at<States>(groups.state[k] + groups.offset).add(load<T>(rows.first.at(k)));
        kept.calm_rows = ~std::size_t{0};
        for (std::uint32_t g = 0; g < groups.all_count; ++g) kept.calm_rows = std::min(kept.calm_rows, state_at<States>(groups.all[g] + groups.offset).calm_rows());
    }
    template <template <class> class Form = std::type_identity_t, class F>
    decltype(auto) with_parts(F&& f) const {
        switch (parts_) {
            case sum_part: return f(std::type_identity<number_states<T, sum_part, Form>>{});
            case spread_part: return f(std::type_identity<number_states<T, spread_part, Form>>{});
            case range_part: return f(std::type_identity<number_states<T, range_part, Form>>{});
            case sum_part | range_part: return f(std::type_identity<number_states<T, sum_part | range_part, Form>>{});
            case spread_part | range_part: return f(std::type_identity<number_states<T, spread_part | range_part, Form>>{});
            default: break;
        }
        constexpr unsigned all = is_integer<T> ? sum_part | spread_part | range_part : spread_part | range_part;
        if constexpr (is_integer<T>)
            if (parts_ == (sum_part | spread_part)) return f(std::type_identity<number_states<T, sum_part | spread_part, Form>>{});
        return f(std::type_identity<number_states<T, all, Form>>{});
    }

    static constexpr std::uint32_t most_watched = 64;
    unsigned asked_ = 0, parts_ = 0;
};

// ---- all values

// Something computed of all values of a group, into `bytes` bytes.
template <class V>
class value_question {
public:
    virtual ~value_question() = default;
    virtual std::size_t bytes() const = 0;
    virtual void answer(group_values<V>& values, std::byte* out) const = 0;
    std::size_t offset = 0;    // among the answers of a group
};

// Values of all groups of a partition in one list, sorted by group at the end; those of a group stay in row order.
template <class V>
class keeping_accumulator : public grouped_accumulator {
public:
    bool state_is_bytes() const override { return true; }
    void move(std::byte* from, std::byte* to) const override { std::memcpy(to, from, state_bytes()); }    // before it is sealed
    void update(const row_block& rows, const group_block& groups, kept_values& kept, arena& memory) const override {
        const std::size_t room = std::size_t{rows.count} * entry_bytes;
        std::byte* const begin = kept.take(room);
        std::byte* out = begin;
        for (std::uint32_t k = 0; k < rows.count; ++k) {
            if (mask >= 0 && !mask_bit(rows.masks.at(k), mask)) continue;
            V value = load<V>(rows.first.at(k));
            if constexpr (std::same_as<V, std::string_view>) value = memory.keep(value);
            store(out, groups.number[k]);
            store(out + 4, value);
            out += entry_bytes;
        }
        kept.pieces.push_back({begin, static_cast<std::size_t>(out - begin) / entry_bytes});
    }

protected:
    // The values in order, in memory of `take(how many)`: f(group, begin, end) for each group. They are no longer kept.
    template <class Take, class F>
    static void each_group(std::uint32_t groups, kept_values& kept, Take&& take, F&& f) {
        const auto each_entry = [&](auto g) {
            for (const auto& piece : kept.pieces)
                for (std::size_t i = 0; i < piece.entries; ++i) g(piece.begin + i * entry_bytes);
        };
        std::vector<std::size_t> end(std::size_t{groups} + 1, 0);    // of group g - 1 first, of group g once it is filled
        each_entry([&](const std::byte* entry) { ++end[load<std::uint32_t>(entry) + 1]; });
        for (std::uint32_t g = 0; g < groups; ++g) end[g + 1] += end[g];
        V* const values = take(end[groups]);
        each_entry([&](const std::byte* entry) { values[end[load<std::uint32_t>(entry)]++] = load<V>(entry + 4); });
        kept = {};
        for (std::uint32_t g = 0; g < groups; ++g) f(g, values + (g == 0 ? 0 : end[g - 1]), values + end[g]);
    }

private:
    static constexpr std::size_t entry_bytes = 4 + sizeof(V);
};

// Answers questions to the values of each group.
template <class V>
class list_accumulator final : public keeping_accumulator<V> {
public:
    // Returns where in a group's answers this one will be.
    std::size_t ask(std::unique_ptr<value_question<V>> question) {
        question->offset = answer_bytes_;
        answer_bytes_ += (question->bytes() + 7) / 8 * 8;
        questions_.push_back(std::move(question));
        return questions_.back()->offset;
    }

    // A group's state is where its answers are (nullptr where there was no row), and behind that the answers, if they are short.
    std::size_t state_bytes() const override { return sizeof(const std::byte*) + (answers_lie_in_state() ? answer_bytes_ : 0); }
    void start(std::byte* state) const override { std::memset(state, 0, state_bytes()); }
    static const std::byte* answers_of(const std::byte* state) { return load<const std::byte*>(state); }
    void seal(std::uint32_t groups, const state_store& states, std::uint32_t state_at, kept_values& kept, arena& memory) const override {
        std::unique_ptr<V[]> values;
        const auto take = [&](std::size_t count) {
            values.reset(new V[count]);
            return values.get();
        };
        this->each_group(groups, kept, take, [&](std::uint32_t g, V* begin, V* end) {
            group_values<V> of_group(begin, end, questions_.size() > 1);
            std::byte* state = states.at(g) + state_at;
            std::byte* out = answers_lie_in_state() ? state + sizeof(const std::byte*) : memory.take(answer_bytes_);
            for (const auto& q : questions_) q->answer(of_group, out + q->offset);
            store<const std::byte*>(state, out);
        });
    }

private:
    bool answers_lie_in_state() const { return answer_bytes_ <= 32; }

    std::vector<std::unique_ptr<value_question<V>>> questions_;
    std::size_t answer_bytes_ = 0;
};

// Gives the values of each group themselves.
template <class V>
class to_list_accumulator final : public keeping_accumulator<V> {
public:
    struct kept_list {
        const V* begin;
        std::size_t count;
    };
    std::size_t state_bytes() const override { return sizeof(kept_list); }
    void start(std::byte* state) const override { new (state) kept_list{nullptr, 0}; }
    void seal(std::uint32_t groups, const state_store& states, std::uint32_t at, kept_values& kept, arena& memory) const override {
        const auto take = [&](std::size_t count) { return reinterpret_cast<V*>(memory.take(count * sizeof(V))); };
        this->each_group(groups, kept, take, [&](std::uint32_t g, const V* begin, const V* end) {
            state_at<kept_list>(states.at(g) + at) = {begin, static_cast<std::size_t>(end - begin)};
        });
    }
};
template <class V>
class to_list_finisher final : public group_finisher {
public:
    void finish(result_rows& out, const std::byte* const* groups, std::size_t count, std::size_t state_offset, std::size_t) const override {
        for (std::size_t k = 0; k < count; ++k) {
            const auto& list = state_at<typename to_list_accumulator<V>::kept_list>(groups[k] + state_offset);
            out.put_list(list.begin, list.count);
        }
    }
};

// ---- different values

// Open addressing over all groups of a partition, in the bytes that are kept until the end: (group, value), with a count if asked.
template <class V, bool Counts>
class distinct_table {
public:
    struct plain_entry {
        std::uint32_t group;    // + 1; 0: empty
        std::uint32_t hash;
        V value;
    };
    struct counted_entry : plain_entry {
        std::int64_t count;
    };
    using entry = std::conditional_t<Counts, counted_entry, plain_entry>;

    distinct_table(kept_values& kept, std::uint32_t room_for) : bytes_(kept.table) {
        if (bytes_.empty()) bytes_.resize(bytes_of(256));
        while ((size() + room_for) * 4 > (capacity()) * 3) grow();
    }
    static std::uint32_t hash_of(std::uint32_t group, const V& value) {
        const std::uint64_t h = mix_hash(spread(std::uint64_t{group} + 0x243F6A8885A308D3ull), hash_value(value));
        return static_cast<std::uint32_t>(h ^ (h >> 32));
    }
    void prefetch(std::uint32_t hash) const { __builtin_prefetch(&entries()[hash & (capacity() - 1)], 1); }
    // The entry of this value in this group; a new one has value {} until the caller gives it one, and count 0.
    entry& find_or_add(std::uint32_t group, const V& value, std::uint32_t hash, bool& is_new) {
        const std::size_t last = capacity() - 1;
        for (std::size_t at = hash & last;; at = (at + 1) & last) {
            entry& e = entries()[at];
            is_new = e.group == 0;
            if (is_new) {
                e.group = group + 1;
                e.hash = hash;
                ++header().size;
                return e;
            }
            if (e.hash == hash && e.group == group + 1 && same_key_value(e.value, value)) return e;
        }
    }

private:
    struct table_header {
        std::uint64_t size;
        std::uint64_t capacity;
    };
    static_assert(std::is_trivially_copyable_v<entry> && alignof(entry) <= 8);
    static std::size_t bytes_of(std::size_t capacity) { return sizeof(table_header) + capacity * sizeof(entry); }

    table_header& header() { return state_at<table_header>(bytes_.data()); }
    std::size_t size() { return header().size; }
    std::size_t capacity() const { return (bytes_.size() - sizeof(table_header)) / sizeof(entry); }
    entry* entries() const { return std::launder(reinterpret_cast<entry*>(bytes_.data() + sizeof(table_header))); }
    void grow() {
        std::vector<std::byte> before(bytes_of(2 * capacity()));
        before.swap(bytes_);
        const auto* old = std::launder(reinterpret_cast<const entry*>(before.data() + sizeof(table_header)));
        const std::size_t n = (before.size() - sizeof(table_header)) / sizeof(entry), last = capacity() - 1;
        header().size = state_at<table_header>(before.data()).size;
        for (std::size_t i = 0; i < n; ++i) {
            if (old[i].group == 0) continue;
            std::size_t at = old[i].hash & last;
            while (entries()[at].group != 0) at = (at + 1) & last;
            entries()[at] = old[i];
        }
    }

    std::vector<std::byte>& bytes_;
};

// A tally per group of the different values that come by.
template <class Tally, class V>
class distinct_accumulator final : public state_accumulator<Tally> {
public:
    distinct_accumulator() : state_accumulator<Tally>(Tally{}) {}
    bool state_grows() const override { return true; }
    void update(const row_block& rows, const group_block& groups, kept_values& kept, arena& memory) const override {
        std::array<std::uint32_t, block_rows> row, hash;
        std::uint32_t count = 0;
        for (std::uint32_t k = 0; k < rows.count; ++k) {
            if (this->mask >= 0 && !mask_bit(rows.masks.at(k), this->mask)) continue;
            if constexpr (requires(Tally& t, V v) { t.see_small(v); })
                if (state_at<Tally>(groups.state[k] + groups.offset).see_small(load<V>(rows.first.at(k)))) continue;
            row[count++] = k;
        }
        if (count == 0) return;
        distinct_table<V, Tally::counts> table(kept, count);
        for (std::uint32_t i = 0; i < count; ++i) {
            hash[i] = table.hash_of(groups.number[row[i]], canonical(load<V>(rows.first.at(row[i]))));
            table.prefetch(hash[i]);
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t k = row[i];
            const V value = canonical(load<V>(rows.first.at(k)));
            bool is_new = false;
            auto& entry = table.find_or_add(groups.number[k], value, hash[i], is_new);
            if (is_new) {
                if constexpr (std::same_as<V, std::string_view>) entry.value = memory.keep(value);
                else entry.value = value;
            }
            if constexpr (Tally::counts) state_at<Tally>(groups.state[k] + groups.offset).see(entry.value, ++entry.count);
            else if (is_new) state_at<Tally>(groups.state[k] + groups.offset).see_first();
        }
    }
    void seal(std::uint32_t, const state_store&, std::uint32_t, kept_values& kept, arena&) const override { kept = {}; }
};

// ---- results

// Kind::finish of each state.
template <class Kind, class State, class... T>
class state_finisher final : public group_finisher {
public:
    explicit state_finisher(const Kind& kind) : kind_(kind) {}
    void finish(result_rows& out, const std::byte* const* groups, std::size_t count, std::size_t state_offset, std::size_t) const override {
        for (std::size_t k = 0; k < count; ++k) out.put(k, kind_.template finish<T...>(state_at<State>(groups[k] + state_offset)));
    }

private:
    Kind kind_;
};
// The same of a part of what is known of numbers.
template <class Kind, class State, class T>
class number_finisher final : public group_finisher {
public:
    number_finisher(const Kind& kind, const number_accumulator<value_t<T>>& numbers) : kind_(kind), numbers_(numbers) {}
    void finish(result_rows& out, const std::byte* const* groups, std::size_t count, std::size_t state_offset, std::size_t count_offset) const override {
        if (count_offset != no_count && numbers_.lacks_count()) {
            finish_as<state_beside_count>(out, groups, count, state_offset, [=](const auto& s, const std::byte* group) { return s.with(load<std::int64_t>(group + count_offset)); });
        } else {
            finish_as<std::type_identity_t>(out, groups, count, state_offset, [](const auto& s, const std::byte*) -> const auto& { return s; });
        }
    }

private:
    template <template <class> class Form, class Whole>
    void finish_as(result_rows& out, const std::byte* const* groups, std::size_t count, std::size_t state_offset, Whole whole) const {
        if constexpr (number_part_of<State> == sum_part && !is_integer<T>)
            if (numbers_.sum_is_in_spread()) {
                for (std::size_t k = 0; k < count; ++k) {
                    const spread_state<T>& s = whole(state_at<Form<spread_state<T>>>(groups[k] + state_offset), groups[k]);    // the first part
                    out.put(k, kind_.template finish<T>(State{s.count, s.shift, s.shifted_sum}));
                }
                return;
            }
        const std::size_t at = state_offset + numbers_.template offset_of<State, Form>();
        for (std::size_t k = 0; k < count; ++k) out.put(k, kind_.template finish<T>(whole(state_at<Form<State>>(groups[k] + at), groups[k])));
    }

    Kind kind_;
    const number_accumulator<value_t<T>>& numbers_;
};
template <class Tally>
class tally_finisher final : public group_finisher {
public:
    void finish(result_rows& out, const std::byte* const* groups, std::size_t count, std::size_t state_offset, std::size_t) const override {
        for (std::size_t k = 0; k < count; ++k) out.put(k, state_at<Tally>(groups[k] + state_offset).finish());
    }
};

// One value of all values.
template <class Kind, class T>
struct summary_of {
    using V = value_t<T>;
    struct held {
        value_t<typename Kind::template result<T>> value;
        bool any;
    };
    class question final : public value_question<V> {
    public:
        explicit question(const Kind& kind) : kind_(kind) {}
        std::size_t bytes() const override { return sizeof(held); }
        void answer_into(group_values<V>& values, std::byte* out) const {
            const auto value = [&] {
                if constexpr (requires { kind_.template summarise<T>(values); }) return kind_.template summarise<T>(values);
                else return kind_.template summarise<T>(values.begin(), values.end());
            }();
            new (out) held{value ? *value : decltype(held::value){}, value.has_value()};
        }
        void answer(group_values<V>& values, std::byte* out) const override { answer_into(values, out); }

    private:
        Kind kind_;
    };
    class finisher final : public group_finisher {
    public:
        finisher(const Kind& kind, std::size_t offset) : none_(kind), offset_(offset) {}
        void finish(result_rows& out, const std::byte* const* groups, std::size_t count, std::size_t state_offset, std::size_t) const override {
            for (std::size_t k = 0; k < count; ++k) {
                const std::byte* answers = list_accumulator<V>::answers_of(groups[k] + state_offset);
                alignas(8) std::byte of_none[sizeof(held)];
                if (!answers) {
                    group_values<V> none(nullptr, nullptr, false);
                    none_.answer_into(none, of_none);
                }
                const auto& a = state_at<held>(answers ? answers + offset_ : of_none);
                out.put(k, a.any ? std::optional(a.value) : std::nullopt);
            }
        }

    private:
        question none_;
        std::size_t offset_;
    };
};

// A vector of numbers of all values.
template <class Kind, class T>
struct vector_of {
    using V = value_t<T>;
    class question final : public value_question<V> {
    public:
        explicit question(const Kind& kind) : kind_(kind) {}
        std::size_t bytes() const override { return kind_.width() * sizeof(double); }
        void answer(group_values<V>& values, std::byte* out) const override { kind_.template summarise<T>(values, reinterpret_cast<double*>(out)); }

    private:
        Kind kind_;
    };
    class finisher final : public group_finisher {
    public:
        finisher(const Kind& kind, std::size_t offset) : kind_(kind), offset_(offset) {}
        void finish(result_rows& out, const std::byte* const* groups, std::size_t count, std::size_t state_offset, std::size_t) const override {
            std::vector<double> of_none(kind_.width());
            group_values<V> none(nullptr, nullptr, false);
            kind_.template summarise<T>(none, of_none.data());
            for (std::size_t k = 0; k < count; ++k) {
                const std::byte* answers = list_accumulator<V>::answers_of(groups[k] + state_offset);
                out.put_block(answers ? reinterpret_cast<const double*>(answers + offset_) : of_none.data(), of_none.size());
            }
        }

    private:
        Kind kind_;
        std::size_t offset_;
    };
};

}  // namespace SEGKIT_NAMESPACE::detail
