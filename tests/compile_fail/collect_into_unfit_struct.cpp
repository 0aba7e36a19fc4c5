// expect: collect_into fills every member of the struct from the column of its name
// expect: rows_do_not_fit_the_struct
// expect: members_without_a_column
// expect: "clicked"
// expect: members_of_another_type
// expect: "paid"
#include <string>
#include <string_view>
#include <vector>

#include <segkit/pipeline/collect_into.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

struct visit {
    std::int64_t user_id;
    std::string_view country;    // would dangle
    int clicked;
    double paid;                 // may be null
};
SEGKIT_DESCRIBE(visit, user_id, country, clicked, paid);

auto visits(const sk::table<sessions>& t) { return t | sk::filter("clicks"_c > 3) | sk::collect_into<visit>(); }
