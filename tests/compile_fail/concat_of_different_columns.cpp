// expect: the rows to put one after the other must have the same columns
// expect: concat_of_different_columns
// expect: input_number<3
// expect: columns_it_lacks
// expect: "country"
// expect: columns_the_first_lacks
// expect: "region"
// expect: columns_of_another_type
// expect: "paid"
// expect: float
#include <segkit/query.hpp>
#include <segkit/query/concat.hpp>
#include <segkit/query/sample.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"paid", std::optional<double>>>;
using others = sk::schema<sk::field<"paid", float>, sk::field<"region", sk::text>, sk::field<"user_id", std::optional<std::int64_t>>>;

auto all(const sk::table<sessions>& a, const sk::table<others>& b) {
    return sk::concat(a, a | sk::filter("paid"_c > 1.0), b) | sk::filter("paid"_c > 1.0) | sk::select("user_id"_c) | sk::collect();
}
