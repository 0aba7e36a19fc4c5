// user_table.hpp: a published table with one row a customer, for recipes that take --user-table.
#pragma once

#include <string>
#include <utility>

#include <fmt/format.h>

#include <segkit/query/group_by.hpp>
#include <segkit/query/filter.hpp>
#include <segkit/expr.hpp>

#include "gzip_input.hpp"
#include "tables.hpp"

namespace traveltide {

// Throws segkit::error: what the reader says; empty_input without rows; duplicate_key where a customer has two.
template <class Schema>
sk::table<Schema> read_user_table(const std::string& file, sk::executor_ref executor) {
    auto rows = sk::read_csv<Schema>(open_csv_input(file), {}, executor);
    const auto refuse = [&](sk::error_code code, std::string found, const char* expected, const char* advice) {
        sk::error_details details{.code = code, .stage = "--user-table", .field = "user_id", .file = file};
        details.found = std::move(found);
        details.expected = expected;
        details.advice = advice;
        throw sk::error(std::move(details));
    };
    if (rows.empty()) refuse(sk::error_code::empty_input, "a header without rows", "at least one customer", "check the file");
    const auto repeated = rows | sk::group_by("user_id"_c).aggregate("times"_c = sk::count()) | sk::filter("times"_c > 1) | sk::collect();
    if (!repeated.empty())
        refuse(sk::error_code::duplicate_key, fmt::format("{} in {} rows", repeated["user_id"_c][0], repeated["times"_c][0]), "each customer once",
               "remove the repeated rows: they would count twice");
    return rows;
}

}  // namespace traveltide
