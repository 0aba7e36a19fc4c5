// expect: cannot make a column of a member of this type
// expect: member_type_is_not_supported
// expect: pair
#include <segkit/query.hpp>
#include <segkit/table/describe.hpp>

#include <utility>
#include <vector>

namespace sk = segkit;
using namespace segkit::literals;

struct visit {
    std::int64_t user;
    std::pair<int, int> pages;
};
SEGKIT_DESCRIBE(visit, user, pages);

auto mine(const std::vector<visit>& visits) {
    return visits | sk::filter("user"_c == 7) | sk::collect();
}
