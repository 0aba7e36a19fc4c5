// A user's program: built by every consumer project, it takes rows of its own struct through a pipeline on a pool of threads
// and checks what comes out.
#include <segkit/error.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/expr.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/derive.hpp>
#include <segkit/query/filter.hpp>
#include <segkit/table/describe.hpp>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace sk = segkit;
using namespace segkit::literals;

struct visit {
    std::int64_t user;
    std::string country;
    std::optional<int> clicks;
};
SEGKIT_DESCRIBE(visit, user, country, clicks);

int main() {
    const std::vector<visit> visits = {{1, "fr", 4}, {2, "de", std::nullopt}, {3, "fr", 9}};
    const auto busy = visits | sk::filter("clicks"_c > 5) | sk::derive("twice"_c = "clicks"_c * 2) | sk::collect(sk::threads(2));
    if (busy.rows() != 1 || busy["user"_c][0] != 3 || busy["twice"_c][0] != 18) {
        std::puts("the pipeline does not give the one busy visit");
        return 1;
    }
    std::printf("segkit %d.%d.%d works here\n", SEGKIT_VERSION_MAJOR, SEGKIT_VERSION_MINOR, SEGKIT_VERSION_PATCH);
}
