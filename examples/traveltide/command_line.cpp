#include "command_line.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <segkit/detail/nearest_name.hpp>
#include <segkit/table/parse.hpp>

#include "generator.hpp"
#include "recipe.hpp"
#include "run.hpp"
#include "run_options.hpp"
#include "text_format.hpp"

namespace traveltide {

namespace {

constexpr int done = 0, bad_input = 1, bad_usage = 2;

// A use that the options' own checks cannot see: thrown while the command line is read.
class usage_error : public CLI::ParseError {
public:
    explicit usage_error(std::string message) : CLI::ParseError("usage", std::move(message), bad_usage) {}
};

sk::date parse_day(const std::string& option, const std::string& text) {
    const auto day = sk::parse_value<sk::date>(text);
    if (!day) throw usage_error(fmt::format("{}: found '{}', expected a date such as 2023-01-04", option, text));
    return *day;
}

// The texts of options that need more than CLI11's own conversions.
struct raw_options {
    std::string since, reference_date, nights, distance, clusters;
};

void check_recipe(const CLI::App& command, const run_options& options, const recipe& chosen) {
    const auto given = [&](const char* option) { return command.count(option) > 0; };
    if (given("--data") && given("--user-table")) throw usage_error("--data and --user-table exclude each other; give one of them");
    if (given("--user-table") && chosen.user_table.empty()) throw usage_error(fmt::format("--user-table: the recipe {} works on raw rows; give --data", chosen.name));
    if (!given("--data") && !given("--user-table"))
        throw usage_error(chosen.user_table.empty() ? "--data is required; see traveltide run --help"
                                                    : "--data or --user-table is required; see traveltide run --help");
    if (given("--user-table"))
        for (const char* option : {"--since", "--min-sessions", "--reference-date", "--nights", "--distance"})
            if (given(option)) throw usage_error(fmt::format("{} has no meaning with --user-table: such a table has its customers and figures already", option));
    if (given("--clusters") && !chosen.has_clusters) throw usage_error(fmt::format("--clusters: the recipe {} makes no clusters; leave the option out", chosen.name));
    if (chosen.reference_date && given("--reference-date") && options.reference_date != chosen.reference_date)
        throw usage_error(fmt::format("--reference-date {}: the recipe {} is defined on {}; leave the option out", to_string(*options.reference_date), chosen.name,
                                      to_string(*chosen.reference_date)));
    if (chosen.nights && given("--nights") && options.nights != *chosen.nights)
        throw usage_error(fmt::format("--nights {}: the recipe {} is defined on {}; leave the option out", to_string(options.nights), chosen.name,
                                      to_string(*chosen.nights)));
}

run_options finish_options(const CLI::App& command, run_options options, const raw_options& raw) {
    if (command.count("--since")) options.cohort.since = parse_day("--since", raw.since);
    if (command.count("--reference-date")) options.reference_date = parse_day("--reference-date", raw.reference_date);
    for (const nights_policy policy : {nights_policy::calendar, nights_policy::stored, nights_policy::started_days})
        if (raw.nights == to_string(policy)) options.nights = policy;
    for (const distance_formula formula : {distance_formula::haversine, distance_formula::company_sql})
        if (raw.distance == to_string(formula)) options.distance = formula;
    if (command.count("--clusters") && raw.clusters != "auto") {
        const auto k = sk::parse_value<std::int64_t>(raw.clusters);
        if (!k || *k < 2 || *k > 50) throw usage_error(fmt::format("--clusters: found '{}', expected auto or a number from 2 to 50", raw.clusters));
        options.n_clusters = static_cast<std::size_t>(*k);
    }
    return options;
}

// CLI11 reads -1 as the greatest number without a sign.
std::string not_negative(const std::string& text) { return text.starts_with('-') ? fmt::format("found '{}', expected a whole number from 0 on", text) : ""; }

std::string perhaps(const std::vector<std::string>& names, const std::string& given) {
    const std::string* meant = sk::detail::nearest_name(names, given);
    return meant ? fmt::format("; perhaps {} is meant", *meant) : "";
}

// A misspelt option is what is wrong, whatever else is missing because of it; empty where there is none.
std::string unknown_option_message(const CLI::App& command) {
    for (const std::string& argument : command.remaining()) {
        if (!argument.starts_with("--")) continue;
        const std::string given = argument.substr(0, argument.find('='));
        std::vector<std::string> names;
        for (const CLI::Option* option : command.get_options())
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
        return fmt::format("{}: there is no such option{}; see traveltide {} --help", given, perhaps(names, given), command.get_name());
    }
    return {};
}

// For a command line without a command that there is.
std::string missing_command_message(const CLI::App& app, int argc, const char* const* argv) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(command->get_name());
    if (argc < 2) return fmt::format("a command is missing: {}; see traveltide --help", fmt::join(names, ", "));
    return fmt::format("{}: there is no such command{}; there are {}; see traveltide --help", argv[1], perhaps(names, argv[1]), fmt::join(names, ", "));
}

void say(const std::string& line) { fmt::print("{}\n", line); }
void complain(const std::string& line) { fmt::print(stderr, "traveltide: {}\n", line); }

int list_recipes() {
    for (const recipe* r : all_recipes()) say(fmt::format("{:16} {}{}", r->name, r->summary, r->user_table.empty() ? "" : fmt::format(" (or --user-table: {})", r->user_table)));
    return done;
}

int generate(const generator_options& options, const std::string& folder) {
    const generated_company company = generate_company(options, folder);
    say(fmt::format("{}: {} users, {} sessions, {} flights, {} hotels", folder, format_count(company.users), format_count(company.sessions), format_count(company.flights),
                    format_count(company.hotels)));
    return done;
}

int run_and_tell(const recipe& chosen, const run_options& options) {
    const run_summary summary = run(chosen, options);
    for (const std::string& warning : summary.warnings) complain("warning: " + warning);
    say(fmt::format("{} customers, recipe {}; results in {}", format_count(summary.customers), chosen.name, options.out));
    return done;
}

}  // namespace

int command_line(int argc, const char* const* argv) {
    CLI::App app("TravelTide: which perk for which customer?", "traveltide");
    app.require_subcommand(1);
    app.set_version_flag("--version", fmt::format("traveltide {}.{}.{}", SEGKIT_VERSION_MAJOR, SEGKIT_VERSION_MINOR, SEGKIT_VERSION_PATCH));
    app.set_help_all_flag("--help-all", "Help for every command");

    run_options options;
    raw_options raw;
    CLI::App* run_command = app.add_subcommand("run", "Analyse a company's tables and write the results into a folder");
    run_command->add_option("--data", options.data, "Folder with users, sessions, flights and hotels as .csv or .csv.gz");
    run_command->add_option("--user-table", options.user_table, "Published user table, for recipes that take one (.csv or .csv.gz)");
    run_command->add_option("--out", options.out, "Folder for the results")->required();
    run_command->add_option("--recipe", options.recipe, "See traveltide recipes")->capture_default_str();
    run_command->add_option("--since", raw.since, "First day of the cohort's sessions [2023-01-04]");
    run_command->add_option("--min-sessions", options.cohort.min_sessions, "Least number of sessions of a customer")->check(CLI::Range(1, 1000000))->capture_default_str();
    run_command->add_option("--reference-date", raw.reference_date, "Day on which ages are computed [the recipe's, else that of the last session]");
    run_command->add_option("--nights", raw.nights, "How hotel nights are counted [calendar]")->check(CLI::IsMember({"calendar", "stored", "started-days"}));
    run_command->add_option("--distance", raw.distance, "How kilometres are computed [haversine]")->check(CLI::IsMember({"haversine", "company-sql"}));
    run_command->add_option("--clusters", raw.clusters, "Number of clusters, or auto: as the recipe chooses [auto]");
    run_command->add_option("--seed", options.seed, "Seed of everything random")->check(not_negative)->capture_default_str();
    run_command->add_option("--threads", options.threads, "Threads, 0 for all; results do not depend on it")->check(CLI::Range(0, 1024))->capture_default_str();

    CLI::App* recipes_command = app.add_subcommand("recipes", "List the recipes");

    generator_options generator;
    std::string generate_folder;
    CLI::App* generate_command = app.add_subcommand("generate", "Write the four tables of a generated company: random customers and what they did");
    generate_command->add_option("--customers", generator.customers, "Active customers: at least 8 sessions since 2023-01-04")->required()->check(CLI::Range(std::uint64_t{1}, std::uint64_t{10'000'000}));
    generate_command->add_option("--seed", generator.seed, "Seed; the same seed gives the same files")->check(not_negative)->capture_default_str();
    generate_command->add_option("--out", generate_folder, "Folder for the four files")->required();
    generate_command->add_flag("--whole-company", generator.whole_company, "Add 169 less active users for each active customer, not one for every two: 6000 customers make 1.02 million users");
    generate_command->add_flag("--plant-persistence", generator.plant_persistence, "Give most customers a lasting habit, which the perks of a run can then be told from");

    const recipe* chosen = nullptr;
    try {
        app.parse(argc, argv);
        if (*run_command) {
            options = finish_options(*run_command, options, raw);
            chosen = find_recipe(options.recipe);
            if (!chosen) throw usage_error(fmt::format("--recipe: there is no recipe '{}'; traveltide recipes lists those there are", options.recipe));
            check_recipe(*run_command, options, *chosen);
            if (chosen->nights) options.nights = *chosen->nights;
        }
    } catch (const CLI::ParseError& problem) {
        if (problem.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(problem);    // help
        std::string message;
        for (const CLI::App* command : app.get_subcommands())
            if (message.empty()) message = unknown_option_message(*command);
        if (app.get_subcommands().empty()) message = missing_command_message(app, argc, argv);
        complain(message.empty() ? problem.what() : message);
        return bad_usage;
    }

    try {
        if (*recipes_command) return list_recipes();
        if (*generate_command) return generate(generator, generate_folder);
        return run_and_tell(*chosen, options);
    } catch (const segkit::error& problem) {
        complain(problem.what());
    } catch (const std::filesystem::filesystem_error& problem) {
        complain(problem.what());
    } catch (const std::bad_alloc&) {
        complain("out of memory");
    }
    return bad_input;
}

}  // namespace traveltide
