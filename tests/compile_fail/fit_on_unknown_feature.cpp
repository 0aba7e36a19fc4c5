// expect: no column has this name
// expect: unknown_column
// expect: "user_id"
// expect: "country"
// expect: "clicks"
// expect: "paid"
// expect: "visits"
#include <segkit/query.hpp>
#include <segkit/prepare.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto labelled(const sk::table<sessions>& t) {
    const auto fitted = sk::fit(sk::iqr_trim(sk::columns("clicks"_c, "visits"_c)) | sk::standard_scale(sk::columns("clicks"_c, "visits"_c)) | sk::filter("visits"_c < 3.0), t);
    return t | fitted.model | sk::filter("visits"_c > 1.0) | sk::collect();
}
