// expect: both sides of the join have a column of this name
// expect: join_column_clash
// expect: "country"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"plan", sk::text>>;

auto joined(const sk::table<sessions>& t, const sk::table<users>& people) {
    return t | sk::inner_join(people, "user_id"_c) | sk::filter("plan"_c == "free") | sk::collect();
}
