// expect: must end with otherwise("label")
// expect: a row that no rule takes needs a label
#include <segkit/query.hpp>
#include <segkit/rules/rules.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto named(const sk::table<sessions>& t) {
    return t | sk::rules("segment"_c, sk::rule("busy", "clicks"_c > 20), sk::rule("idle", "clicks"_c < 3)) | sk::filter("segment"_c == "busy") | sk::collect();
}
