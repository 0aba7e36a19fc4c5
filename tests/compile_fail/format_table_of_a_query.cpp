// expect: format_table shows a table; collect a query or rows of your own first
// expect: not_a_collected_table
#include <segkit/query.hpp>
#include <segkit/table/format.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>>;

std::string french(const sk::table<users>& t) {
    return sk::format_table(t | sk::filter("country"_c == "fr"));
}
