// expect: an estimator's feature must be a number
// expect: feature_is_not_numeric
// expect: "country"
#include <segkit/decompose/pca.hpp>
#include <segkit/prepare.hpp>

namespace sk = segkit;
using namespace segkit::literals;

// Two stages that are fitted together say a mistake once.
auto components(const sk::table<sk::schema<sk::field<"clicks", double>, sk::field<"country", sk::text>>>& t) {
    constexpr auto features = sk::columns("clicks"_c, "country"_c);
    const auto fitted = sk::fit(sk::standard_scale(features) | sk::pca(features, "pc"_c), t);
    return t | fitted.model | sk::collect();
}
