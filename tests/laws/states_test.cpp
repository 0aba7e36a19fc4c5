// Laws 1 and 4 for the states of aggregates, over every type of value that an aggregate takes.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/pipeline/archive.hpp>

#include "cut_rows.hpp"
#include "registry.hpp"

namespace {

namespace sk = segkit;

// Some values of each type, with repetitions, extremes and, where there are any, negative ones.
template <class T>
std::vector<segkit::value_t<T>> values_of() {
    std::vector<segkit::value_t<T>> all;
    for (int i = 0; i < 40; ++i) {
        const int v = (i * 29) % 17 - 6;
        if constexpr (std::same_as<T, bool>) all.push_back(v > 0);
        else if constexpr (std::same_as<T, segkit::text>) all.push_back(std::string_view("some text to cut pieces from").substr(static_cast<std::size_t>(v + 6)));
        else if constexpr (std::same_as<T, segkit::date>) all.push_back(segkit::date::from_days(1'000 * v));
        else if constexpr (std::same_as<T, segkit::timestamp>) all.push_back(segkit::timestamp::from_microseconds(std::int64_t{v} * 999'999'999'999));
        else if constexpr (std::same_as<T, segkit::duration>) all.push_back(segkit::duration{std::int64_t{v} * 1'000'001});
        else if constexpr (segkit::is_integer<T>) all.push_back(static_cast<T>(v * 100'000'000));
        else all.push_back(static_cast<T>(v) / static_cast<T>(7) + static_cast<T>(1000));
    }
    return all;
}

template <class T>
std::vector<double> numbers_of(const T& result) {
    if constexpr (requires { result.begin(); result[0] + 1.0; }) return {result.begin(), result.end()};
    else if constexpr (std::is_floating_point_v<T>) return {result};
    else return {};
}
template <class R>
bool close(const std::optional<R>& a, const std::optional<R>& b) {
    if (!a || !b || numbers_of(*a).empty()) return a == b;
    const auto x = numbers_of(*a), y = numbers_of(*b);
    bool all = x.size() == y.size();
    for (std::size_t i = 0; all && i < x.size(); ++i) all = support::close(x[i], y[i], 1e-12);
    return all;
}

// Whether a value's rank among the values is within the promised error of the share that was asked for.
template <class V, class R>
bool near_rank(const std::vector<V>& values, const std::optional<R>& found, double share, double error) {
    if (!found) return false;
    double below = 0, upto = 0;
    for (const V& v : values) {
        below += static_cast<double>(v) < static_cast<double>(*found);
        upto += static_cast<double>(v) <= static_cast<double>(*found);
    }
    const auto n = static_cast<double>(values.size());
    return below <= (share + error) * n && upto >= (share - error) * n;
}

// The stand-alone form of a state, which owns its text.
template <class State, class... T, class Kind>
segkit::owned_state_t<State> start(const Kind& kind) {
    if constexpr (requires { kind.parameter(); }) return segkit::owned_state_t<State>(kind.options);
    else return {};
}

struct equal_results {
    template <class R>
    bool operator()(const std::optional<R>& merged, const std::optional<R>& expected) const {
        return close(merged, expected);
    }
};

// `update(state, i)` takes the i-th of n rows.
template <class State, class Update, class Finish, class Same = equal_results>
void check_laws(const State& empty, std::size_t n, Update update, Finish finish, bool never_null, Same same = {}) {
    const auto state_of_rows = [&](std::size_t first, std::size_t last) {
        State s = empty;
        for (std::size_t i = first; i < last; ++i) update(s, i);
        return s;
    };
    const State whole = state_of_rows(0, n);
    const auto expected = finish(whole);
    CHECK(expected.has_value());

    State after = whole;
    after.merge(empty);
    CHECK(after == whole);
    State before = empty;
    before.merge(whole);
    CHECK(before == whole);
    CHECK(finish(empty).has_value() == never_null);
    CHECK(segkit::from_json<State>(segkit::to_json(empty)) == empty);

    for (const std::size_t cut : {std::size_t{1}, std::size_t{2}, std::size_t{13}, n - 1}) {
        State merged = state_of_rows(0, cut);
        const State rest = state_of_rows(cut, n);
        State saved = segkit::from_json<State>(segkit::to_json(merged));
        CHECK(saved == merged);
        merged.merge(rest);
        CHECK(same(finish(merged), expected));
        saved.merge(segkit::from_json<State>(segkit::to_json(rest)));
        CHECK(saved == merged);
    }
}

template <class State, class V>
void update_one(State& s, const V& v) {
    if constexpr (std::same_as<State, segkit::quantile_sketch>) s.update(static_cast<double>(v));
    else s.update(v);
}

template <class T, class Kind>
int check_if_accepted(const Kind& kind) {
    if constexpr (Kind::template accepts<T>) {
        const auto values = values_of<T>();
        const auto empty = start<typename Kind::template state<T>, T>(kind);
        const auto update = [&](auto& s, std::size_t i) { update_one(s, static_cast<segkit::value_t<T>>(values[i])); };
        const auto finish = [&](const auto& s) { return kind.template finish<T>(s); };
        if constexpr (std::same_as<Kind, segkit::approx_quantile_kind>)    // within its stated error, whatever was merged
            check_laws(empty, values.size(), update, finish, Kind::never_null, [&](const auto& merged, const auto& expected) {
                return near_rank(values, merged, kind.q, kind.options.rank_error) && near_rank(values, expected, kind.q, kind.options.rank_error);
            });
        else
            check_laws(empty, values.size(), update, finish, Kind::never_null);
    }
    return Kind::template accepts<T>;
}
template <class X, class Y, class Kind>
int check_pair_if_accepted(const Kind& kind) {
    if constexpr (Kind::template accepts<X, Y>) {
        const auto x = values_of<X>();
        auto y = values_of<Y>();
        std::rotate(y.begin(), y.begin() + 5, y.end());
        const auto empty = start<typename Kind::template state<X, Y>, X, Y>(kind);
        check_laws(
            empty, x.size(), [&](auto& s, std::size_t i) { s.update(static_cast<segkit::value_t<X>>(x[i]), static_cast<segkit::value_t<Y>>(y[i])); },
            [&](const auto& s) { return kind.template finish<X, Y>(s); }, Kind::never_null);
    }
    return Kind::template accepts<X, Y>;
}

}  // namespace

TEST_CASE("laws 1 and 4: a state merged with an empty one, in pieces, and through text, is the state of all values") {
    laws::for_each_aggregate([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto& kind = entry.value;
        const int types = check_if_accepted<bool>(kind) + check_if_accepted<std::int32_t>(kind) + check_if_accepted<std::int64_t>(kind) +
                          check_if_accepted<float>(kind) + check_if_accepted<double>(kind) + check_if_accepted<segkit::text>(kind) +
                          check_if_accepted<segkit::date>(kind) + check_if_accepted<segkit::timestamp>(kind) + check_if_accepted<segkit::duration>(kind);
        CHECK(types > 0);
    });
}

TEST_CASE("laws 1 and 4 for states of two columns") {
    laws::for_each_pair_aggregate([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto& kind = entry.value;
        const int types = check_pair_if_accepted<double, double>(kind) + check_pair_if_accepted<std::int32_t, float>(kind) +
                          check_pair_if_accepted<segkit::text, std::int64_t>(kind) + check_pair_if_accepted<segkit::timestamp, segkit::text>(kind) +
                          check_pair_if_accepted<bool, segkit::date>(kind) + check_pair_if_accepted<segkit::text, segkit::text>(kind);
        CHECK(types > 1);
    });
}

TEST_CASE("the type of an aggregate says whether its state grows with the rows") {
    static_assert(!decltype(sk::mean(segkit::col<"x">{}))::state_grows);
    static_assert(!decltype(sk::approx_quantile(segkit::col<"x">{}, 0.5))::state_grows);
    static_assert(decltype(sk::median(segkit::col<"x">{}))::state_grows);
    laws::for_each_aggregate([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        using kind = typename std::remove_cvref_t<decltype(entry)>::kind;
        using value = std::conditional_t<kind::template accepts<double>, double, bool>;
        CHECK(kind::state_grows != std::is_trivially_destructible_v<typename kind::template state<value>>);
    });
}
