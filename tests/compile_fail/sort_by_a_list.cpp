// expect: a block column has no order, and neither has a list
// expect: block_in_an_order
// expect: "pages"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"pages", sk::list<sk::text>>>;

auto sorted(const sk::table<sessions>& t) { return t | sk::sort_by("country"_c, "pages"_c) | sk::select("user_id"_c) | sk::collect(); }
