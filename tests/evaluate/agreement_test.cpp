#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include <segkit/evaluate/agreement.hpp>
#include <segkit/exec/random.hpp>

#include "../reference/evaluation_reference.hpp"

namespace {

using labels = std::vector<std::int32_t>;

// The most rows in pairs that any one-to-one matching has, by trying all.
std::size_t most_matched(const segkit::label_cross_table& table) {
    const std::size_t n = table.rows.size(), m = table.columns.size();
    std::vector<std::size_t> order(std::max(n, m));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::size_t best = 0;
    do {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < n; ++i) sum += order[i] < m ? table(i, order[i]) : 0;
        best = std::max(best, sum);
    } while (std::next_permutation(order.begin(), order.end()));
    return best;
}

}  // namespace

TEST_CASE("on labels of many kinds the measures of agreement are the peer's, either way round") {
    for (std::size_t at = 0; at < reference::kmeans_cases.size(); ++at) {
        const labels& found = reference::kmeans_cases[at].labels;
        const auto& expected = reference::evaluation_cases[at];
        CAPTURE(expected.name);
        const labels other = reference::other_labels(found.size());
        const auto a = segkit::agreement(found, other);
        const auto near = [](double value, double peer) { return support::close(value, peer, 1e-12, 1e-14); };
        CHECK(a.rows == found.size());
        CHECK(near(a.adjusted_rand, expected.adjusted_rand));
        CHECK(near(a.mutual_information, expected.mutual_information));
        CHECK(near(a.normalised_mutual_information, expected.normalised_mutual_information));
        CHECK(near(a.homogeneity, expected.homogeneity));
        CHECK(near(a.completeness, expected.completeness));
        CHECK(near(a.v_measure, expected.v_measure));
        CHECK(near(a.purity, expected.purity));
        CHECK(near(a.fowlkes_mallows, expected.fowlkes_mallows));
        const auto b = segkit::agreement(other, found);
        CHECK(near(b.homogeneity, a.completeness));
        CHECK(near(b.v_measure, a.v_measure));
        CHECK(b.matched_share == a.matched_share);
        CHECK(a.adjusted_rand == segkit::adjusted_rand(found, other));
    }
}

TEST_CASE("the edges of agreement: the same groups, one group, all apart") {
    const labels a = {0, 0, 1, 1, 2, 2}, renamed = {9, 9, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::min(), 0, 0}, one(6, 0),
                 apart = {0, 1, 2, 3, 4, 5};
    const auto same = segkit::agreement(a, renamed);
    for (double value : {same.adjusted_rand, same.normalised_mutual_information, same.homogeneity, same.completeness, same.v_measure, same.purity, same.fowlkes_mallows, same.matched_share})
        CHECK(value == doctest::Approx(1));
    CHECK(segkit::agreement(one, one).normalised_mutual_information == 1);
    const auto nothing = segkit::agreement(a, one);
    CHECK(nothing.homogeneity == 0);
    CHECK(nothing.completeness == 1);
    CHECK(nothing.v_measure == 0);
    CHECK(segkit::agreement(apart, one).fowlkes_mallows == 0);
    CHECK(segkit::agreement(a, apart).purity == 1);
    CHECK_THROWS_WITH_AS(segkit::agreement(labels{}, labels{}), doctest::Contains("no labels"), segkit::error);
    CHECK_THROWS_WITH_AS(segkit::agreement(a, labels{1}), doctest::Contains("1 labels, expected one for each of 6 rows"), segkit::error);
    labels numbers(9'000);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int32_t>(i * 7);
    CHECK_THROWS_WITH_AS(segkit::cross_table(numbers, numbers), doctest::Contains("9000 and 9000 different labels"), segkit::error);
}

TEST_CASE("the cross table counts, and its best matching is the best there is") {
    const auto table = segkit::cross_table(labels{0, 0, 1, 1, 2, 2, 2}, labels{1, 5, 5, 5, 1, 1, 1});
    CHECK(table.columns == labels{1, 5});
    CHECK(table.counts == std::vector<std::size_t>{1, 1, 0, 2, 3, 0});
    CHECK(table.row_total(2) == 3);
    CHECK(table.column_total(1) == 3);
    const auto matching = segkit::best_matching(table);
    CHECK(matching.pairs == std::vector<segkit::matched_labels>{{1, 5, 2}, {2, 1, 3}});
    CHECK(matching.only_in_first == labels{0});
    CHECK(matching.only_in_second.empty());
    CHECK(matching.share() == doctest::Approx(5.0 / 7));

    const segkit::counter_random random(3, 0);
    for (std::uint64_t round = 0; round < 60; ++round) {
        labels first, second;
        for (std::uint64_t i = 0; i < 40; ++i) {
            first.push_back(static_cast<std::int32_t>(random.below(1000 * round + 2 * i, 2 + round % 5)));
            second.push_back(static_cast<std::int32_t>(random.below(1000 * round + 2 * i + 1, 2 + round / 5 % 5)));
        }
        const auto counts = segkit::cross_table(first, second);
        const auto best = segkit::best_matching(counts);
        CHECK(best.matched_rows == most_matched(counts));
        CHECK(best.pairs.size() == std::min(counts.rows.size(), counts.columns.size()));
        CHECK(best.pairs.size() + best.only_in_first.size() == counts.rows.size());
        CHECK(best.pairs.size() + best.only_in_second.size() == counts.columns.size());
    }
}

TEST_CASE("no share of the information is above 1") {
    double most = 0;
    for (int k = 2; k < 40; ++k) {
        labels same;
        for (int i = 0; i < k; ++i) same.insert(same.end(), static_cast<std::size_t>(1 + i * 7 % 11), i);
        const auto a = segkit::agreement(same, same);
        most = std::max({most, a.homogeneity, a.completeness, a.v_measure, a.normalised_mutual_information, a.adjusted_rand, a.fowlkes_mallows});
    }
    CHECK(most == 1);
}
