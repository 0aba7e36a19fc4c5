#include "rule_report.hpp"

#include <cstddef>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "text_format.hpp"

namespace traveltide {

namespace {

namespace sk = segkit;

double share_of(const sk::rule_coverage& coverage, std::size_t n) { return coverage.rows ? static_cast<double>(n) / static_cast<double>(coverage.rows) : 0.0; }

std::string_view words(sk::rule_status status) {
    switch (status) {
        case sk::rule_status::live: return "live";
        case sk::rule_status::not_taken: return "dead";
        case sk::rule_status::unreachable: return "unreachable";
    }
    return "live";
}

std::string shadows(const sk::rule_coverage& coverage, const sk::rule_counts& rule) {
    std::string text;
    for (std::size_t i = 0; i < rule.shadowed_by.size(); ++i)
        if (rule.shadowed_by[i] > 0) text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", coverage.rules[i].name, format_count(rule.shadowed_by[i]));
    return text;
}

}  // namespace

nlohmann::ordered_json to_json(const sk::rule_coverage& coverage) {
    auto rules = nlohmann::ordered_json::array();
    for (const sk::rule_counts& rule : coverage.rules) {
        auto shadowed_by = nlohmann::ordered_json::object();
        for (std::size_t i = 0; i < rule.shadowed_by.size(); ++i)
            if (rule.shadowed_by[i] > 0) shadowed_by[coverage.rules[i].name] = rule.shadowed_by[i];
        rules.push_back({{"name", rule.name},
                         {"condition", rule.condition},
                         {"true", rule.holds},
                         {"false", rule.fails},
                         {"unknown", rule.unknown},
                         {"taken", rule.taken},
                         {"share", share_of(coverage, rule.taken)},
                         {"shadowed", rule.shadowed()},
                         {"shadowed_by", shadowed_by},
                         {"status", words(rule.status)}});
    }
    return rules;
}

nlohmann::ordered_json sizes_of(const sk::rule_coverage& coverage) {
    auto sizes = nlohmann::ordered_json::object();
    for (const sk::rule_counts& rule : coverage.rules)
        if (rule.taken > 0) sizes[rule.name] = rule.taken;
    return sizes;
}

rules_section rules_for_report(const sk::rule_coverage& coverage, std::string lead) {
    rules_section section{.lead = std::move(lead), .rules = {}, .without_rule = {}};
    for (const sk::rule_counts& rule : coverage.rules)
        section.rules.push_back({rule.name, rule.holds, rule.fails, rule.unknown, rule.taken, shadows(coverage, rule),
                                 rule.status == sk::rule_status::live ? "in use" : rule.status == sk::rule_status::not_taken ? "never taken here" : "unreachable"});
    section.without_rule = coverage.rules.back().taken;
    return section;
}

table_section rules_as_table(const sk::rule_coverage& coverage, std::string title, std::string lead) {
    table_section table{std::move(title), std::move(lead), {"Group", "Condition true", "False", "Unknown", "Taken", "Share"}, {}};
    for (const sk::rule_counts& rule : coverage.rules)
        table.rows.push_back({rule.name, format_count(rule.holds), format_count(rule.fails), format_count(rule.unknown), format_count(rule.taken),
                              format_percent(share_of(coverage, rule.taken))});
    return table;
}

}  // namespace traveltide
