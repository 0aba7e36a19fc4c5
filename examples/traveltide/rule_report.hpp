// rule_report.hpp: a rule coverage for rules.json and for the report.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <segkit/rules/rules.hpp>

#include "report_data.hpp"

namespace traveltide {

// One object a rule: name, condition, true, false, unknown, taken, share, shadowed, shadowed_by, status.
nlohmann::ordered_json to_json(const segkit::rule_coverage& coverage);

// Customers taken, by rule; rules that take nobody are left out.
nlohmann::ordered_json sizes_of(const segkit::rule_coverage& coverage);

rules_section rules_for_report(const segkit::rule_coverage& coverage, std::string lead);
table_section rules_as_table(const segkit::rule_coverage& coverage, std::string title, std::string lead);

}  // namespace traveltide
