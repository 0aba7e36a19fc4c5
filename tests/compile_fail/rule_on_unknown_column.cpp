// expect: no column has this name
// expect: unknown_column
// expect: "user_id"
// expect: "country"
// expect: "clicks"
// expect: "paid"
// expect: "clickz"
#include <segkit/query.hpp>
#include <segkit/rules/rules.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto named(const sk::table<sessions>& t) {
    const auto set = sk::rules("segment"_c, sk::rule("busy", "clickz"_c > 20), sk::otherwise("rest"));
    return sk::coverage(set, t).rows + (t | set | sk::filter("segment"_c == "busy") | sk::collect()).rows();
}
