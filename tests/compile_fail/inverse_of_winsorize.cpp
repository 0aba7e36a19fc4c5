// expect: this stage loses what its inverse would need
// expect: stage_has_no_inverse
#include <segkit/prepare/inverse.hpp>
#include <segkit/prepare/winsorize.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"paid", double>>;

auto undone(const sk::table<sessions>& t) {
    const auto fitted = sk::fit(sk::winsorize("paid"_c), t);
    return t | fitted.model | sk::inverse(fitted.model) | sk::collect();
}
