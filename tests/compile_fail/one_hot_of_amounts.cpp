// expect: categories are texts, truth values or whole numbers
// expect: column_has_no_categories
// expect: "paid"
#include <segkit/prepare/one_hot.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"paid", double>>;

auto coded(const sk::table<sessions>& t) {
    const auto fitted = sk::fit(sk::one_hot("paid"_c, "is"_c), t);
    return t | fitted.model | sk::collect();
}
