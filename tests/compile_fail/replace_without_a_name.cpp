// expect: each computed column needs a name
// expect: a_name_is_missing
#include <segkit/query.hpp>
#include <segkit/query/replace.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"paid", std::optional<double>>>;

auto dearer(const sk::table<sessions>& t) {
    return t | sk::replace("paid"_c * 1.2) | sk::filter("paid"_c > 1.0) | sk::collect();
}
