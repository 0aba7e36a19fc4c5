// expect: a range of your structs becomes a table by SEGKIT_DESCRIBE
// expect: not_a_table_or_source
// expect: visit
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

struct visit {
    std::int64_t user;
};

auto mine(const std::vector<visit>& visits) {
    return visits | sk::filter("user"_c == 7) | sk::select("user"_c) | sk::collect();
}
