// expect: sort_by takes columns
// expect: not_a_sort_key
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"clicks", std::int32_t>>;
using totals = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"trips", std::int64_t>, sk::field<"plan", sk::text>>;

auto sorted(const sk::table<sessions>& t) { return t | sk::sort_by("clicks"_c * 2) | sk::collect(); }
