// expect: no column has this name
// expect: unknown_column
// expect: "user_id"
// expect: "country"
// expect: "clicks"
// expect: "paid"
// expect: "nation"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto narrow(const sk::table<sessions>& t) {
    return t | sk::select("user_id"_c, "nation"_c) | sk::filter("nation"_c == "usa") | sk::collect();
}
