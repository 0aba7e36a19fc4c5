// expect: filter takes a condition on columns
// expect: == compares where = gives a name
// expect: no_condition
// expect: "country"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto french(const sk::table<sessions>& t) {
    return t | sk::filter("country"_c = "fr") | sk::select("clicks"_c) | sk::collect();
}
