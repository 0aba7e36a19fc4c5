// expect: an order is made of columns
// expect: derive a column first
// expect: not_an_order
#include <segkit/query.hpp>
#include <segkit/query/distinct.hpp>
#include <segkit/query/top_n.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"paid", std::optional<double>>, sk::field<"pc", sk::block<double>>>;

auto best(const sk::table<sessions>& t) {
    return t | sk::top_n(10, "paid"_c / 2).within("country"_c) | sk::select("user_id"_c) | sk::collect();
}
