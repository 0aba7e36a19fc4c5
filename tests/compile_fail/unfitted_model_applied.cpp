// expect: this stage learns from rows and has not been fitted
// expect: segkit::fit(recipe, table)
// expect: kmeans_stage
#include <segkit/query.hpp>
#include <segkit/cluster/kmeans.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto labelled(const sk::table<sessions>& t) {
    return t | sk::kmeans("clicks"_c, "cluster"_c, {.n_clusters = 2}) | sk::collect();
}
