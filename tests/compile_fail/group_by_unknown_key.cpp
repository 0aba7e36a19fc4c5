// expect: no column has this name
// expect: unknown_column
// expect: "user_id"
// expect: "country"
// expect: "clicks"
// expect: "paid"
// expect: "usr_id"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto users(const sk::table<sessions>& t) {
    return t | sk::group_by("usr_id"_c).aggregate("n"_c = sk::count(), "paid_mean"_c = sk::mean("paid"_c)) | sk::filter("n"_c > 7) | sk::sort_by("usr_id"_c) | sk::collect();
}
