// expect: this aggregate cannot take a column of this type
// expect: aggregate_does_not_take_this_type
// expect: mean
// expect: text
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto users(const sk::table<sessions>& t) {
    return t | sk::group_by("user_id"_c).aggregate("typical"_c = sk::mean("country"_c)) | sk::filter("typical"_c > 1.0) | sk::collect();
}
