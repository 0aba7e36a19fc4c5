// expect: top_n takes how many rows, and then the keys of their order
// expect: not_a_top_n
// expect: "paid"
#include <segkit/query.hpp>
#include <segkit/query/top_n.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"pages", sk::list<sk::text>>>;

auto best(const sk::table<sessions>& t) { return t | sk::top_n(sk::descending("paid"_c), 10).within("country"_c) | sk::select("user_id"_c) | sk::collect(); }
