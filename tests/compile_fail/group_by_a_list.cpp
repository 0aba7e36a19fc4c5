// expect: a block column cannot be a key, and neither can a list
// expect: "pages"
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"pages", sk::list<sk::text>>>;

auto counted(const sk::table<users>& t) {
    return t | sk::group_by("pages"_c).aggregate("users"_c = sk::count()) | sk::collect();
}
