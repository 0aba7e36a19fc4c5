// recipe.hpp: what a recipe is: a name, what it fixes, and a function from rows to an outcome.
//
// Each recipe has one file in recipes/, which defines one `const recipe`; recipes.cpp lists them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <segkit/exec/executor.hpp>

#include "cohort.hpp"
#include "report_data.hpp"
#include "run_options.hpp"

namespace traveltide {

struct recipe_input {
    const run_options& options;
    sk::date reference_date;           // ages are computed on it
    const cohort* rows = nullptr;      // null where a user table was given instead
    sk::executor_ref executor;
};

// What a recipe finds, ready to be written.
struct outcome {
    std::string assignments;                   // CSV: user_id, perk, segment, then what the recipe has to say
    std::string segments;                      // CSV: one row a segment
    std::optional<nlohmann::ordered_json> rules;
    nlohmann::ordered_json results = nlohmann::ordered_json::object();    // the recipe's own figures, for run.json
    report_data report;                        // its own sections; the run fills in the common ones
    std::vector<std::string> warnings;         // about its groups or rules; the report has either section
};

struct recipe {
    std::string_view name;
    std::string_view summary;                          // one line
    std::string_view user_table{};                     // the published table it takes instead of raw rows; empty: none
    std::optional<sk::date> reference_date{};          // fixed by the recipe
    std::optional<nights_policy> nights{};             // fixed by the recipe
    bool has_clusters = false;                         // whether --clusters means anything to it
    outcome (*run)(const recipe_input&);
};

std::span<const recipe* const> all_recipes();

// Null where there is none of this name.
const recipe* find_recipe(std::string_view name);

}  // namespace traveltide
