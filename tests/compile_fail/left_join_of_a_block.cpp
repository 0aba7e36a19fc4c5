// expect: a left join cannot bring a block column
// expect: left_join_of_a_block
// expect: "scores"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"clicks", std::int32_t>>;
using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"scores", sk::block<double>>, sk::field<"plan", sk::text>>;

auto joined(const sk::table<sessions>& t, const sk::table<users>& people) {
    return t | sk::left_join(people, "user_id"_c, sk::one_match) | sk::filter("plan"_c == "free") | sk::collect();
}
