// expect: a group_by is continued by its aggregates
// expect: group_by_without_aggregates
// expect: "country"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"pages", sk::list<sk::text>>>;

auto counted(const sk::table<sessions>& t) { return t | sk::group_by("country"_c) | sk::aggregate("users"_c = sk::count()) | sk::collect(); }
