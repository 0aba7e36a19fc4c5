// expect: the operation cannot take operands of these types
// expect: operands_do_not_fit
// expect: list
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"pages", sk::list<sk::text>>>;

auto visitors(const sk::table<users>& t) {
    return t | sk::filter(sk::is_not_null("pages"_c)) | sk::filter("pages"_c == "home") | sk::collect();
}
