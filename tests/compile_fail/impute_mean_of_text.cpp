// expect: only a column of numbers or truth values has a mean or median to impute
// expect: imputed_column_is_not_numeric
// expect: "country"
#include <segkit/prepare/impute.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", std::optional<sk::text>>>;

auto imputed(const sk::table<sessions>& t) {
    const auto fitted = sk::fit(sk::impute_mean("country"_c), t);
    return t | fitted.model | sk::filter("country"_c > 1) | sk::collect();
}
