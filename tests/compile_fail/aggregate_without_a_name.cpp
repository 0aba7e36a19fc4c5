// expect: each computed column needs a name
// expect: a_name_is_missing
// expect: mean_kind
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto users(const sk::table<sessions>& t) {
    return t | sk::group_by("user_id"_c).aggregate("n"_c = sk::count(), sk::mean("paid"_c)) | sk::filter("n"_c > 4) | sk::collect();
}
