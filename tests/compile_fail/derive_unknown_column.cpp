// expect: no column has this name
// expect: unknown_column
// expect: "user_id"
// expect: "country"
// expect: "clicks"
// expect: "paid"
// expect: "payd"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto rates(const sk::table<sessions>& t) {
    const auto all = t | sk::derive("rate"_c = "payd"_c / sk::null_if_zero("clicks"_c), "whole"_c = sk::floor("rate"_c)) | sk::filter("whole"_c > 1) | sk::collect();
    return all["whole"_c][0];
}
