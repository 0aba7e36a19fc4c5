#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>

#include <cstddef>
#include <vector>

TEST_CASE("random numbers are the same whatever the number of threads") {
    const segkit::counter_random random(42, 0);
    const segkit::threads pool(2);
    std::vector<double> drawn(1000);
    segkit::executor_ref(pool).run(drawn.size(), [&](std::size_t i) { drawn[i] = random.uniform(i); });
    for (std::size_t i = 0; i < drawn.size(); ++i) CHECK(drawn[i] == random.uniform(i));
}

TEST_CASE("an error names its field") {
    const segkit::error wrong({.code = segkit::error_code::missing_column, .field = "clicks"});
    CHECK_MESSAGE(doctest::String(wrong.what()) == doctest::Contains("clicks"), wrong.what());
}
