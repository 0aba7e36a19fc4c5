// expect: no column has this name
// expect: unknown_column
// expect: "revenue"
// expect: "paid"
#include <segkit/query.hpp>
#include <segkit/query/rank.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"paid", std::optional<double>>, sk::field<"pc", sk::block<double>>>;

auto ranked(const sk::table<sessions>& t) {
    return t | sk::rank(sk::order_by("country"_c, sk::descending("revenue"_c)), "place"_c) | sk::filter("place"_c < 3) | sk::collect();
}
