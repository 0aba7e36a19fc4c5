// expect: this aggregate cannot take columns of these types
// expect: aggregate_does_not_take_these_types
// expect: correlation
// expect: text
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto users(const sk::table<sessions>& t) {
    return t | sk::group_by("user_id"_c).aggregate("r"_c = sk::correlation("clicks"_c, "country"_c)) | sk::filter("r"_c > 0.5) | sk::collect();
}
