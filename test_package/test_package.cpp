#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <segkit/exec/threads.hpp>
#include <segkit/expr.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/filter.hpp>
#include <segkit/table/describe.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

struct visit {
    std::string country;
    std::optional<int> clicks;
};
SEGKIT_DESCRIBE(visit, country, clicks);

}  // namespace

TEST_CASE("a packaged segkit filters the user's own rows") {
    const std::vector<visit> visits = {{"fr", 4}, {"de", std::nullopt}, {"it", 9}};
    const auto busy = visits | sk::filter("clicks"_c > 5) | sk::collect(sk::threads(2));
    REQUIRE(busy.rows() == 1);
    CHECK(busy["country"_c][0] == "it");
}
