// expect: no column has this name
// expect: unknown_column
// expect: "user_id"
// expect: "country"
// expect: "clicks"
// expect: "paid"
// expect: "begin"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto sorted(const sk::table<sessions>& t) {
    return t | sk::sort_by("country"_c, sk::descending("begin"_c)) | sk::select("user_id"_c) | sk::collect();
}
