// expect: a list has another length in every row
// expect: feature_is_not_numeric
// expect: "amounts"
// expect: list
#include <segkit/prepare/scale.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using users = sk::schema<sk::field<"visits", double>, sk::field<"amounts", sk::list<double>>>;

auto scaled(const sk::table<users>& t) {
    const auto fitted = sk::fit(sk::standard_scale(sk::columns("visits"_c, "amounts"_c)), t);
    return t | fitted.model | sk::collect();
}
