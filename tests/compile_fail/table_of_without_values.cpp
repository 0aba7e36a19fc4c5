// expect: table_of takes "name"_c = values
// expect: column_needs_values
// expect: "rate"
#include <vector>

#include <segkit/query.hpp>
#include <segkit/table/table_of.hpp>

namespace sk = segkit;
using namespace segkit::literals;

auto mine(const std::vector<double>& amounts) { return sk::table_of("amount"_c = amounts, "rate"_c = 0.5) | sk::filter("rate"_c > 0.1) | sk::collect(); }
