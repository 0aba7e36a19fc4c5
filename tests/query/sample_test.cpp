#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/query/sample.hpp>
#include <segkit/query/shuffle.hpp>

#include "random_rows.hpp"

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using rows::ids_of;
using rows::kept_ids;
using rows::thin;

}  // namespace

TEST_CASE("a sample of n has the rows with the least random numbers, in their order") {
    for (const auto& d : rows::cases()) {
        const auto ids = kept_ids(d);
        for (const std::size_t n : {0u, 1u, 5u, 400u, 1'000'000u}) {
            bool same = false;
            const auto some = rows::through(d, sk::filter(thin) | sk::sample({.n = n, .seed = 5}), &same);
            CHECK(same);
            const sk::counter_random random(5, 1);
            std::vector<std::pair<std::int64_t, std::size_t>> chance;
            for (std::size_t i = 0; i < ids.size(); ++i) chance.emplace_back(static_cast<std::int64_t>(random.bits(i)), i);
            std::sort(chance.begin(), chance.end());
            chance.resize(std::min(n, chance.size()));
            std::sort(chance.begin(), chance.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
            std::vector<std::int64_t> expected;
            for (const auto& c : chance) expected.push_back(ids[c.second]);
            CHECK(ids_of(some) == expected);
        }
    }
}

TEST_CASE("a sample of a fraction has each row with that probability, whatever it came through") {
    for (const auto& d : rows::cases()) {
        const auto ids = kept_ids(d);
        for (const double fraction : {0.0, 0.1, 0.5, 1.0}) {
            bool same = false;
            const auto some = rows::through(d, sk::filter(thin) | sk::sample({.fraction = fraction, .seed = 8}) | sk::select("id"_c), &same);
            CHECK(same);
            const sk::counter_random random(8, 1);
            std::vector<std::int64_t> expected;
            for (std::size_t i = 0; i < ids.size(); ++i)
                if (random.uniform(i) < fraction) expected.push_back(ids[i]);
            CHECK(ids_of(some) == expected);
            const auto straight = rows::through(d, sk::sample({.fraction = fraction, .seed = 8}), &same);    // numbered by the table
            CHECK(same);
            CHECK(rows::same_bits(straight, d.table | sk::filter("id"_c >= 0) | sk::sample({.fraction = fraction, .seed = 8}) | sk::collect()));
        }
    }
    const auto& large = rows::cases().back();
    const auto tenth = large.table | sk::sample({.fraction = 0.1, .seed = 3}) | sk::collect();
    CHECK(tenth.rows() > 3'000);
    CHECK(tenth.rows() < 3'600);
}

TEST_CASE("another seed is another sample; no seed is always the same") {
    const auto& d = rows::cases()[5];
    const auto sampled = [&](std::uint64_t seed) { return ids_of(d.table | sk::sample({.n = 50, .seed = seed}) | sk::collect()); };
    CHECK(sampled(1) == sampled(1));
    CHECK(sampled(1) != sampled(2));
    CHECK(ids_of(d.table | sk::sample({.n = 9}) | sk::collect()) == ids_of(d.table | sk::sample({.n = 9}) | sk::collect()));
}

TEST_CASE("a fraction outside 0 to 1 is an error that names the option") {
    const auto& d = rows::cases()[3];
    for (const double fraction : {-0.1, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
        const auto failed = sk::try_call([&] { return d.table | sk::sample({.fraction = fraction}) | sk::collect(); });
        REQUIRE(!failed);
        CHECK(failed.error().code() == sk::error_code::invalid_option);
        CHECK(failed.error().details().field == "fraction");
    }
}

TEST_CASE("shuffled rows are all the rows, in the order of their random numbers") {
    for (const auto& d : rows::cases()) {
        bool same = false;
        const auto mixed = rows::through(d, sk::filter(thin) | sk::shuffle({.seed = 4}), &same);
        CHECK(same);
        const auto ids = kept_ids(d);
        auto sorted = ids_of(mixed);
        if (ids.size() > 100) CHECK(sorted != ids);
        std::sort(sorted.begin(), sorted.end());
        CHECK(sorted == ids);
        bool whole = true;
        for (std::size_t i = 0; i < mixed.rows(); ++i) {
            const auto& r = d.list[static_cast<std::size_t>(mixed["id"_c][i])];
            whole = whole && mixed["word"_c][i] == r.word && mixed["group"_c][i] == r.group && mixed["small"_c][i] == r.small && rows::compare(mixed["real"_c][i], r.real, false) == 0;
        }
        CHECK(whole);
        CHECK(ids_of(d.table | sk::filter(thin) | sk::shuffle({.seed = 4}) | sk::select("id"_c) | sk::collect()) == ids_of(mixed));
    }
    const auto many = rows::random(150'000, 5);
    bool same = false;
    const auto mixed = rows::through(many, sk::shuffle({.seed = 1}) | sk::select("id"_c), &same);
    CHECK(same);
    double sum = 0;    // of the first half: near the mean, where the order is by chance
    for (std::size_t i = 0; i < 75'000; ++i) sum += static_cast<double>(mixed["id"_c][i]);
    CHECK(sum / 75'000 == doctest::Approx(75'000).epsilon(0.01));
}
