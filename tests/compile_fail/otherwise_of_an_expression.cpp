// expect: otherwise takes named values
// expect: otherwise_takes_values
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"clicks", std::int32_t>>;
using totals = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"trips", std::int64_t>, sk::field<"plan", sk::text>>;

auto joined(const sk::table<sessions>& t, const sk::table<totals>& sums) {
    return t | sk::left_join(sums, "user_id"_c, sk::one_match).otherwise("trips"_c = "clicks"_c) | sk::collect();
}
