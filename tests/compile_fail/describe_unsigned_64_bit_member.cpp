// expect: no column holds every unsigned 64-bit integer
// expect: unsigned_64_bit_member
#include <cstdint>
#include <vector>

#include <segkit/query.hpp>
#include <segkit/table/describe.hpp>

namespace sk = segkit;
using namespace segkit::literals;

struct visit {
    std::uint64_t user;
    int clicks;
};
SEGKIT_DESCRIBE(visit, user, clicks);

auto mine(const std::vector<visit>& visits) { return visits | sk::filter("clicks"_c == 7) | sk::collect(); }
