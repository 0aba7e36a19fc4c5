// expect: this stage learns from rows and has not been fitted
// expect: segkit::fit(recipe, table)
// expect: scale_stage
#include <segkit/query.hpp>
#include <segkit/prepare.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto labelled(const sk::table<sessions>& t) {
    return t | sk::filter("clicks"_c > 0) | sk::standard_scale(sk::columns("clicks"_c)) | sk::derive("far"_c = "clicks"_c > 2.0) | sk::filter("far"_c) | sk::collect();
}
