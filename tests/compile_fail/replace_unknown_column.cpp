// expect: replace gives an existing column new values, and no column has this name
// expect: derive adds a column
// expect: replaced_column_does_not_exist
// expect: "price"
// expect: "paid"
#include <segkit/query.hpp>
#include <segkit/query/replace.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"paid", std::optional<double>>>;

auto dearer(const sk::table<sessions>& t) {
    return t | sk::replace("price"_c = "paid"_c * 1.2) | sk::filter("price"_c > 1.0) | sk::collect();
}
