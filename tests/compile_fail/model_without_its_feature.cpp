// expect: no column has this name
// expect: unknown_column
// expect: "visits"
// expect: "user_id"
// expect: "clicks"
#include <segkit/query.hpp>
#include <segkit/cluster/kmeans.hpp>
#include <segkit/prepare.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto labelled(const sk::table<sessions>& t, const sk::table<sk::schema<sk::field<"visits", double>>>& training) {
    const auto fitted = sk::fit(sk::standard_scale(sk::columns("visits"_c)) | sk::kmeans("visits"_c, "cluster"_c), training);
    return t | fitted.model | sk::filter("cluster"_c == 0) | sk::collect();
}
