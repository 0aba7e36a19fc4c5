// expect: this value cannot stand in the column for rows without a match
// expect: otherwise_value_of_another_type
// expect: "trips"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"clicks", std::int32_t>>;
using totals = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"trips", std::int64_t>, sk::field<"plan", sk::text>>;

auto joined(const sk::table<sessions>& t, const sk::table<totals>& sums) {
    return t | sk::left_join(sums, "user_id"_c, sk::one_match).otherwise("trips"_c = 0.5, "plan"_c = "none") | sk::collect();
}
