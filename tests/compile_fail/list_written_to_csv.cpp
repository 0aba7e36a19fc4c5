// expect: a block column has no CSV form, and neither has a list
// expect: not_a_csv_type
#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"pages", sk::list<sk::text>>>;

std::string written(const sk::table<users>& t) {
    return sk::to_csv(t);
}
