// expect: both sides of the join have columns of these names
// expect: join_column_clashes
// expect: "country"
// expect: "clicks"
// expect: "paid"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"pages", sk::list<sk::text>>>;

auto joined(const sk::table<sessions>& t) { return t | sk::inner_join(t | sk::drop("pages"_c), "user_id"_c) | sk::filter("clicks"_c > 2) | sk::collect(); }
