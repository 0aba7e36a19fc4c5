// expect: a condition must be a boolean expression
// expect: condition_is_not_boolean
// expect: int
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto few(const sk::table<sessions>& t) {
    return t | sk::filter("clicks"_c) | sk::select("country"_c) | sk::collect();
}
