// expect: no column has this name
// expect: unknown_column
// expect: "clicks"
// expect: "begin"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto weekdays(const sk::table<sessions>& t) {
    return t | sk::group_by("weekday"_c = sk::iso_weekday("begin"_c)).aggregate("n"_c = sk::count()) | sk::filter("n"_c > 1) | sk::collect();
}
