// control
#include <segkit/query.hpp>
#include <segkit/cluster/kmeans.hpp>
#include <segkit/prepare.hpp>
#include <segkit/rules/rules.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto labelled(const sk::table<sessions>& t) {
    const auto recipe = sk::filter("clicks"_c > 0) | sk::standard_scale(sk::columns("clicks"_c)) | sk::kmeans("clicks"_c, "cluster"_c, {.n_clusters = 2});
    const auto set = sk::rules("segment"_c, sk::rule("busy", "cluster"_c == 1), sk::otherwise("rest"));
    return t | sk::fit(recipe, t).model | set | sk::filter("segment"_c == "busy" && "country"_c == "usa") | sk::collect();
}
