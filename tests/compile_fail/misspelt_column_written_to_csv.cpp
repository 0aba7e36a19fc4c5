// expect: no column has this name
// expect: "contry"
#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>>;

// What is done with the rows of a mistake is no second one.
std::string french(const sk::table<users>& t) {
    const auto rows = t | sk::filter("contry"_c == "fr") | sk::collect();
    sk::write_csv(rows, "french.csv");
    rows | sk::write_csv("again.csv");
    return sk::to_csv(rows);
}
