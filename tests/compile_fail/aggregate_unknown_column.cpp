// expect: no column has this name
// expect: unknown_column
// expect: "user_id"
// expect: "country"
// expect: "clicks"
// expect: "paid"
// expect: "click"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto users(const sk::table<sessions>& t) {
    return t | sk::group_by("user_id"_c).aggregate("n"_c = sk::count(), "clicks"_c = sk::mean("click"_c)) | sk::derive("share"_c = "clicks"_c / "n"_c) | sk::collect();
}
