// expect: the key has different types on the two sides of the join
// expect: join_keys_differ_in_type
// expect: "user_id"
// expect: text
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

using users = sk::schema<sk::field<"user_id", sk::text>, sk::field<"plan", sk::text>>;

auto joined(const sk::table<sessions>& t, const sk::table<users>& people) {
    return t | sk::inner_join(people, "user_id"_c) | sk::filter("plan"_c == "free") | sk::collect();
}
