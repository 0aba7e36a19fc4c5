// expect: impute_constant needs a constant of the column's type
// expect: constant_is_of_another_type
// expect: "clicks"
#include <segkit/prepare/impute.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"clicks", std::optional<std::int32_t>>>;

auto imputed(const sk::table<sessions>& t) { return t | sk::impute_constant("clicks"_c, "none") | sk::filter("clicks"_c > 1) | sk::collect(); }
