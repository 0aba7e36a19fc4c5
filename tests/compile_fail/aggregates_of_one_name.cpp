// expect: two columns would have the same name
// expect: duplicate_column_name
// expect: "clicks"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto users(const sk::table<sessions>& t) {
    return t | sk::group_by("user_id"_c).aggregate("clicks"_c = sk::sum("clicks"_c), "clicks"_c = sk::mean("clicks"_c)) | sk::filter("clicks"_c > 1) | sk::collect();
}
