#include <doctest/doctest.h>

#include <limits>
#include <map>
#include <string>
#include <string_view>

#include <segkit/exec/random.hpp>
#include <segkit/pipeline/archive.hpp>
#include <segkit/statistics/value_counts.hpp>

TEST_CASE("different values and the most frequent equal those of a map, in one piece or merged") {
    const segkit::counter_random random(3, 0);
    for (const std::uint64_t kinds : {1u, 3u, 50u, 5'000u}) {
        segkit::value_counts<std::int64_t> whole, first, second;
        std::map<std::int64_t, int> expected;
        for (std::uint64_t i = 0; i < 9'000; ++i) {
            const auto value = static_cast<std::int64_t>(random.below(i, kinds)) - 7;
            whole.update(value);
            (i < 2'000 ? first : second).update(value);
            ++expected[value];
        }
        first.merge(second);
        auto most = expected.begin();
        for (auto at = expected.begin(); at != expected.end(); ++at)
            if (at->second > most->second) most = at;
        for (const auto& counts : {whole, first}) {
            CHECK(counts.distinct() == static_cast<std::int64_t>(expected.size()));
            CHECK(counts.mode() == most->first);
        }
        CHECK(whole == first);
        CHECK(segkit::from_json<segkit::value_counts<std::int64_t>>(segkit::to_json(first)) == whole);
    }
}

TEST_CASE("of several modes the least; all NaNs are one value, the greatest; both zeros are one") {
    segkit::value_counts<double> counts;
    CHECK(counts.mode() == std::nullopt);
    CHECK(counts.distinct() == 0);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double v : {nan, 2.0, -nan, 1.0, 2.0, 1.0}) counts.update(v);
    CHECK(counts.distinct() == 3);
    CHECK(counts.mode() == 1.0);
    counts.update(nan);
    CHECK(counts.mode().value() != counts.mode().value());
    segkit::value_counts<double> zeros;
    zeros.update(0.0);
    zeros.update(-0.0);
    CHECK(zeros.distinct() == 1);
}

TEST_CASE("text is owned") {
    segkit::value_counts<std::string> counts;
    for (int i = 0; i < 200; ++i) {
        const std::string word = "a word of some length, number " + std::to_string(i % 7);
        counts.update(std::string_view(word));
    }
    CHECK(counts.distinct() == 7);
    CHECK(counts.mode() == "a word of some length, number 0");
}
