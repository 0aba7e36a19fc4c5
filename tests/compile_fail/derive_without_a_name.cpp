// expect: each computed column needs a name
// expect: a_name_is_missing
// expect: "clicks"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto more(const sk::table<sessions>& t) {
    return t | sk::derive("clicks"_c * 2) | sk::filter("clicks"_c > 4) | sk::collect();
}
