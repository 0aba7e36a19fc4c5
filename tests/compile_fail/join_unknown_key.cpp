// expect: no column has this name
// expect: unknown_column
// expect: "user"
// expect: "id"
// expect: "plan"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

using users = sk::schema<sk::field<"id", std::int64_t>, sk::field<"plan", sk::text>>;

auto joined(const sk::table<users>& people, const sk::table<sk::schema<sk::field<"user", std::int64_t>, sk::field<"clicks", double>>>& t) {
    return t | sk::left_join(people, "user"_c, sk::one_match) | sk::filter("plan"_c == "free") | sk::collect();
}
