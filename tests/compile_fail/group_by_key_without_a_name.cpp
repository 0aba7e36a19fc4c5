// expect: each computed column needs a name
// expect: a_name_is_missing
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto weekdays(const sk::table<sessions>& t) {
    return t | sk::group_by("country"_c, sk::iso_weekday("start"_c)).sorted().aggregate("n"_c = sk::count()) | sk::filter("n"_c > 1) | sk::collect();
}
