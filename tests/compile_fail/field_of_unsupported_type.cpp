// expect: a field cannot have this type
// expect: not_a_column_type
// expect: unsigned char
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using flags = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"flag", unsigned char>>;

auto flagged(const sk::table<flags>& t) {
    return t | sk::filter("flag"_c == 1) | sk::collect();
}
