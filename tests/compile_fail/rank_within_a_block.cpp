// expect: a block column cannot tell groups apart
// expect: block_as_a_key
// expect: "pc"
#include <segkit/query.hpp>
#include <segkit/query/rank.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"paid", std::optional<double>>, sk::field<"pc", sk::block<double>>>;

auto ranked(const sk::table<sessions>& t) {
    return t | sk::row_number("n"_c).within("pc"_c) | sk::filter("n"_c < 3) | sk::collect();
}
