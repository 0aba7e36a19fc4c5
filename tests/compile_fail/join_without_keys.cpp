// expect: a join takes the right side (a table, a source or a query), then its key columns
// expect: left_join(users, "user_id"_c, one_match)
// expect: not_a_join
// expect: one_match_t
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"pages", sk::list<sk::text>>>;
using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"plan", sk::text>>;

auto joined(const sk::table<sessions>& t, const sk::table<users>& people) {
    return t | sk::left_join(people, sk::one_match).otherwise("plan"_c = "free") | sk::filter("plan"_c == "free") | sk::collect();
}
