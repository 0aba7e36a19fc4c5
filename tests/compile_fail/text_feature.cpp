// expect: an estimator's feature must be a number
// expect: feature_is_not_numeric
// expect: "country"
// expect: text
#include <segkit/query.hpp>
#include <segkit/cluster/kmeans.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto labelled(const sk::table<sessions>& t) {
    const auto fitted = sk::fit(sk::kmeans(sk::columns("clicks"_c, "country"_c), "cluster"_c, {.n_clusters = 2}), t);
    return t | fitted.model | sk::filter("cluster"_c == 1) | sk::collect();
}
