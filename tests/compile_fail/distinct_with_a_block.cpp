// expect: a block column cannot tell groups apart
// expect: block_as_a_key
// expect: "pc"
#include <segkit/query.hpp>
#include <segkit/query/distinct.hpp>
#include <segkit/query/top_n.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"paid", std::optional<double>>, sk::field<"pc", sk::block<double>>>;

auto different(const sk::table<sessions>& t) {
    return t | sk::distinct() | sk::select("user_id"_c) | sk::collect();
}
