// expect: literal_does_not_fit_a_signed_64_bit_integer
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"clicks", std::int32_t>>;

constexpr auto few = sk::filter("clicks"_c < 18'446'744'073'709'551'615u);

auto few_clicks(const sk::table<sessions>& t) {
    return t | few | sk::collect();
}
