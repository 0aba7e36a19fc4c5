// expect: two columns would have the same name
// expect: duplicate_column_name
// expect: "paid"
// expect: rename or drop one
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto filled(const sk::table<sessions>& t) {
    return t | sk::derive("paid"_c = sk::coalesce("paid"_c, 0.0)) | sk::filter("paid"_c > 1.0) | sk::collect();
}
