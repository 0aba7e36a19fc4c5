// expect: no column has this name
// expect: unknown_column
// expect: "user"
// expect: "user_id"
#include <segkit/query.hpp>
#include <segkit/query/distinct.hpp>
#include <segkit/query/top_n.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"paid", std::optional<double>>, sk::field<"pc", sk::block<double>>>;

auto users(const sk::table<sessions>& t) {
    return t | sk::distinct_by("user"_c) | sk::select("user_id"_c) | sk::collect();
}
