// expect: two columns would have the same name
// expect: duplicate_column_name
// expect: "country"
#include <segkit/query.hpp>
#include <segkit/query/rank.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"paid", std::optional<double>>, sk::field<"pc", sk::block<double>>>;

auto ranked(const sk::table<sessions>& t) {
    return t | sk::row_number("paid"_c, "country"_c) | sk::filter("country"_c < 3) | sk::collect();
}
