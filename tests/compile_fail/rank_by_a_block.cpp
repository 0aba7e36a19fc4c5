// expect: a block column has no order
// expect: block_in_an_order
// expect: "pc"
#include <segkit/query.hpp>
#include <segkit/query/rank.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"paid", std::optional<double>>, sk::field<"pc", sk::block<double>>>;

auto ranked(const sk::table<sessions>& t) {
    return t | sk::ntile(4, "pc"_c, "quarter"_c) | sk::filter("quarter"_c < 3) | sk::collect();
}
