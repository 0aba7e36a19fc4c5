// expect: two columns would have the same name
// expect: duplicate_column_name
// expect: "spend"
#include <segkit/cluster/kmeans.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using users = sk::schema<sk::field<"visits", double>, sk::field<"spend", double>>;

auto labelled(const sk::table<users>& t) {
    const auto fitted = sk::fit(sk::kmeans(sk::columns("visits"_c, "spend"_c), sk::label_as("cluster"_c).distance_as("spend"_c), {.n_clusters = 2}), t);
    return t | fitted.model | sk::filter("cluster"_c == 1) | sk::collect();
}
