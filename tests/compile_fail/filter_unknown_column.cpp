// expect: no column has this name
// expect: unknown_column
// expect: "user_id"
// expect: "country"
// expect: "clicks"
// expect: "paid"
// expect: "clickz"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto recent(const sk::table<sessions>& t) {
    return t | sk::filter("clickz"_c > 3 && "country"_c == "usa") | sk::derive("twice"_c = "clicks"_c * 2) | sk::collect();
}
