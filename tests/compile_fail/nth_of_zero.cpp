// expect: values are counted from 1, so nth<1> is the first
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto users(const sk::table<sessions>& t) { return t | sk::group_by("user_id"_c).aggregate("first"_c = sk::nth<0>("clicks"_c)) | sk::collect(); }
