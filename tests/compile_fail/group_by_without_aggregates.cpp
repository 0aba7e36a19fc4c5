// errors: 14
// expect: a group_by is continued by its aggregates
// expect: group_by_without_aggregates
// expect: "country"
// expect: "day"
// expect: between the parentheses stands nothing
// expect: nothing_is_given
// expect: "aggregate"
// expect: "as_category"
// expect: "derive"
// expect: "distinct_by"
// expect: "drop"
// expect: "group_by"
// expect: "otherwise"
// expect: "rename"
// expect: "replace"
// expect: "select"
// expect: "sort_by"
// expect: "within"
#include <segkit/query.hpp>
#include <segkit/query/as_category.hpp>
#include <segkit/query/distinct.hpp>
#include <segkit/query/rank.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"day", sk::date>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"pages", sk::list<sk::text>>>;

auto counted(const sk::table<sessions>& t) { return t | sk::group_by("country"_c) | sk::aggregate("users"_c = sk::count()) | sk::collect(); }
auto as_keys(const sk::table<sessions>& t) { return t | sk::group_by("day"_c).aggregate() | sk::collect(); }
auto ungrouped(const sk::table<sessions>& t) { return t | sk::group_by().aggregate("users"_c = sk::count()) | sk::filter("users"_c > 3) | sk::collect(); }
auto of_all(const sk::table<sessions>& t) { return t | sk::aggregate() | sk::collect(); }
auto coded(const sk::table<sessions>& t) { return t | sk::as_category() | sk::collect(); }
auto derived(const sk::table<sessions>& t) { return t | sk::derive() | sk::select("rate"_c) | sk::collect(); }
auto different(const sk::table<sessions>& t) { return t | sk::distinct_by() | sk::collect(); }
auto dropped(const sk::table<sessions>& t) { return t | sk::drop() | sk::collect(); }
auto joined(const sk::table<sessions>& t) { return t | sk::left_join(t, "user_id"_c).otherwise() | sk::collect(); }
auto renamed(const sk::table<sessions>& t) { return t | sk::rename() | sk::collect(); }
auto replaced(const sk::table<sessions>& t) { return t | sk::replace() | sk::collect(); }
auto selected(const sk::table<sessions>& t) { return t | sk::select() | sk::filter("paid"_c > 3) | sk::collect(); }
auto sorted(const sk::table<sessions>& t) { return t | sk::sort_by() | sk::collect(); }
auto ranked(const sk::table<sessions>& t) { return t | sk::row_number("visit"_c).within() | sk::collect(); }
