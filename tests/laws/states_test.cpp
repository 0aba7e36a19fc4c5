// Laws 1 and 4 for the states of aggregates, over every type of value that an aggregate takes.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/pipeline/archive.hpp>

#include "cut_rows.hpp"
#include "registry.hpp"

namespace {

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

template <class State, class Values>
State state_of_values(const Values& values, std::size_t first, std::size_t last) {
    State s{};
    for (std::size_t i = first; i < last; ++i) s.update(values[i]);
    return s;
}

template <class R>
bool close(const std::optional<R>& a, const std::optional<R>& b) {
    if constexpr (std::is_floating_point_v<R>) return a.has_value() == b.has_value() && (!a || support::close(a.value(), b.value(), 1e-12));
    else return a == b;
}

template <class Kind, class T>
void check_state_laws() {
    using state = typename Kind::template state<T>;
    const auto values = values_of<T>();
    const state whole = state_of_values<state>(values, 0, values.size());
    const auto expected = Kind::template finish<T>(whole);
    CHECK(expected.has_value());

    state after = whole;
    after.merge(state{});
    CHECK(after == whole);
    state before{};
    before.merge(whole);
    CHECK(before == whole);
    CHECK(Kind::template finish<T>(state{}).has_value() == Kind::never_null);

    for (const std::size_t cut : {std::size_t{1}, std::size_t{13}, values.size() - 1}) {
        state merged = state_of_values<state>(values, 0, cut);
        const state rest = state_of_values<state>(values, cut, values.size());
        state saved = merged;
        merged.merge(rest);
        CHECK(close(Kind::template finish<T>(merged), expected));
        if constexpr (segkit::owns_its_value<segkit::value_t<T>> || std::same_as<state, segkit::count_state>) {
            saved = segkit::from_json<state>(segkit::to_json(saved));
            saved.merge(segkit::from_json<state>(segkit::to_json(rest)));
            CHECK(saved == merged);
            CHECK(segkit::from_json<state>(segkit::to_json(state{})) == state{});
        }
    }
}

template <class Kind, class T>
int check_if_accepted() {
    if constexpr (Kind::template accepts<T>) check_state_laws<Kind, T>();
    return Kind::template accepts<T>;
}

}  // namespace

TEST_CASE("laws 1 and 4: a state merged with an empty one, in pieces, and through text, is the state of all values") {
    laws::for_each_aggregate([&]<class Entry>(const Entry& entry) {
        CAPTURE(std::string(entry.name));
        using kind = typename Entry::kind;
        const int types = check_if_accepted<kind, bool>() + check_if_accepted<kind, std::int32_t>() + check_if_accepted<kind, std::int64_t>() +
                          check_if_accepted<kind, float>() + check_if_accepted<kind, double>() + check_if_accepted<kind, segkit::text>() +
                          check_if_accepted<kind, segkit::date>() + check_if_accepted<kind, segkit::timestamp>() + check_if_accepted<kind, segkit::duration>();
        CHECK(types > 0);
    });
}
