// expect: the operation cannot take operands of these types
// expect: operands_do_not_fit
// expect: comparison_op
// expect: text
// expect: int
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto few(const sk::table<sessions>& t) {
    return t | sk::filter("country"_c == 3) | sk::select("country"_c) | sk::collect();
}
