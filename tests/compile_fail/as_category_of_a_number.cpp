// expect: as_category and as_text take text columns
// expect: only_text_can_be_a_category
// expect: "clicks"
#include <segkit/query.hpp>
#include <segkit/query/as_category.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>>;

auto coded(const sk::table<sessions>& t) {
    return t | sk::as_category("country"_c, "clicks"_c) | sk::filter("clicks"_c > 1) | sk::collect();
}
