#include "run.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <segkit/exec/threads.hpp>

#include "cohort.hpp"
#include "facts.hpp"
#include "outputs.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "text_format.hpp"

namespace traveltide {

namespace {

using json = nlohmann::ordered_json;

std::string version() { return fmt::format("{}.{}.{}", SEGKIT_VERSION_MAJOR, SEGKIT_VERSION_MINOR, SEGKIT_VERSION_PATCH); }

std::string today() {
    const std::time_t now = std::time(nullptr);
    std::tm day{};
    gmtime_r(&now, &day);
    return fmt::format("{:04}-{:02}-{:02}", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
}

json number_or_null(const std::optional<double>& value) { return value ? json(*value) : json(nullptr); }

json to_json(const cohort_facts& f) {
    return {{"users", f.users},
            {"sessions", f.sessions},
            {"browsing", f.browsing},
            {"booking", f.booking},
            {"cancellation", f.cancellation},
            {"trips", f.trips},
            {"trips_both", f.trips_both},
            {"trips_flight_only", f.trips_flight_only},
            {"trips_hotel_only", f.trips_hotel_only},
            {"trips_not_cancelled", f.trips_not_cancelled},
            {"users_with_cancellation", f.users_with_cancellation},
            {"users_without_trip", f.users_without_trip},
            {"users_without_uncancelled_trip", f.users_without_uncancelled_trip},
            {"median_clicks_booking", number_or_null(f.median_clicks_booking)},
            {"median_clicks_browsing", number_or_null(f.median_clicks_browsing)},
            {"median_clicks_cancellation", number_or_null(f.median_clicks_cancellation)},
            {"mean_clicks", number_or_null(f.mean_clicks)},
            {"users_with_children", f.users_with_children},
            {"gender_f", f.gender_f},
            {"gender_m", f.gender_m},
            {"gender_o", f.gender_o}};
}

json to_json(const data_quality& q) {
    return {{"flights", q.flights},
            {"hotels", q.hotels},
            {"nights_not_positive", q.nights_not_positive},
            {"nights_one_short", q.nights_one_short},
            {"check_out_before_check_in", q.check_out_before_check_in},
            {"flights_without_return", q.flights_without_return},
            {"cancellations_without_booking", q.cancellations_without_booking},
            {"flight_booked_without_flight", q.flags_without_flight},
            {"hotel_booked_without_hotel", q.flags_without_hotel},
            {"sessions_ending_before_start", q.sessions_ending_before_start}};
}

json to_json(const cohort_funnel& f) {
    return {{"sessions_in_file", f.sessions_in_file},
            {"sessions_since", f.sessions_since},
            {"sessions_kept", f.sessions_kept},
            {"customers_with_sessions", f.customers_with_sessions},
            {"customers_since", f.customers_since},
            {"customers_kept", f.customers_kept}};
}

json parameters_of(const recipe& chosen, const run_options& options, const std::optional<sk::date>& reference_date) {
    json p = {{"recipe", chosen.name}};
    if (options.user_table.empty()) {
        p["data"] = options.data;
        p["since"] = to_string(options.cohort.since);
        p["min_sessions"] = options.cohort.min_sessions;
        p["nights"] = to_string(options.nights);
        p["distance"] = to_string(options.distance);
    } else {
        p["user_table"] = options.user_table;
    }
    p["reference_date"] = reference_date ? json(to_string(*reference_date)) : json(nullptr);
    if (chosen.has_clusters) p["clusters"] = options.n_clusters ? json(*options.n_clusters) : json("auto");
    p["seed"] = options.seed;
    p["threads"] = options.threads;
    return p;
}

std::size_t count_of(std::int64_t n) { return static_cast<std::size_t>(n); }

void add_rows_to_report(report_data& report, const cohort& rows, const cohort_facts& facts, const data_quality& dirt, const run_options& options) {
    report.first_session = to_string(rows.first_session.day());
    report.last_session = to_string(rows.last_session.day());
    report.sessions = rows.sessions.rows();
    const cohort_funnel& f = rows.funnel;
    const std::string since = format_date(to_string(options.cohort.since));
    report.funnel = {{"All sessions in the files", count_of(f.sessions_in_file), "sessions", ""},
                     {"Sessions since " + since, count_of(f.sessions_since), "sessions", ""},
                     {fmt::format("Sessions of customers with {} or more of them", options.cohort.min_sessions), count_of(f.sessions_kept), "sessions", ""},
                     {"Customers with a session", count_of(f.customers_with_sessions), "customers", ""},
                     {"Customers with a session since " + since, count_of(f.customers_since), "customers", ""},
                     {"Customers analysed", count_of(f.customers_kept), "customers", "Fewer sessions tell too little about a customer."}};
    const auto number = [](std::string name, std::int64_t value) { return labelled_number{std::move(name), static_cast<double>(value), number_style::count}; };
    report.facts = {number("Browsing sessions", facts.browsing),
                    number("Booking sessions", facts.booking),
                    number("Cancellation sessions", facts.cancellation),
                    number("Trips", facts.trips),
                    number("Trips with flight and hotel", facts.trips_both),
                    number("Trips not cancelled", facts.trips_not_cancelled),
                    number("Customers without a trip", facts.users_without_trip),
                    number("Customers who cancelled", facts.users_with_cancellation),
                    {"Mean page clicks per session", facts.mean_clicks.value_or(0), number_style::decimal}};
    const auto finding = [](std::string found, std::int64_t n, std::int64_t of, std::string treatment) {
        return quality_finding{std::move(found), count_of(n), of > 0 ? std::optional(count_of(of)) : std::nullopt, std::move(treatment)};
    };
    const bool calendar = options.nights == nights_policy::calendar;
    const std::string nights = calendar ? "Nights counted from the calendar, at least one." : fmt::format("Kept, by the nights policy \"{}\".", to_string(options.nights));
    for (quality_finding& q : std::vector<quality_finding>{
             finding("Stored nights of zero or less", dirt.nights_not_positive, dirt.hotels, nights),
             finding("Stored nights one less than the calendar's", dirt.nights_one_short, dirt.hotels, nights),
             finding("Hotel check-out before check-in", dirt.check_out_before_check_in, dirt.hotels, calendar ? "Dates swapped." : nights),
             finding("Cancellation sessions, which repeat their trip with every flag set", facts.cancellation, facts.sessions, "Never counted as a booking."),
             finding("Cancelled trips that were booked before the window", dirt.cancellations_without_booking, facts.trips, "Counted as cancelled, not as booked."),
             finding("Sessions flagged as flight bookings without a flight", dirt.flags_without_flight, 0, "Flights are counted from the flights table."),
             finding("Sessions flagged as hotel bookings without a hotel", dirt.flags_without_hotel, 0, "Stays are counted from the hotels table."),
             finding("Flights without a return", dirt.flights_without_return, dirt.flights, "Their trip length is unknown."),
             finding("Sessions that end before they start", dirt.sessions_ending_before_start, facts.sessions, "Their length is left out.")})
        if (q.rows > 0) report.quality.push_back(std::move(q));
}

// A parameter in words: what the command line leaves to the program is said.
std::string parameter_text(std::string_view name, const json& value) {
    if (name == "threads" && value == 0) return "one per core";
    return value.is_string() ? value.get<std::string>() : value.dump();
}

void add_run_to_report(report_data& report, const recipe& chosen, const json& parameters) {
    if (report.title.empty()) report.title = "Which perk for which customer?";
    report.recipe = chosen.name;
    if (report.recipe_in_words.empty()) report.recipe_in_words = chosen.summary;
    report.generated = today();
    report.version = version();
    for (const auto& [name, value] : parameters.items()) {
        if (name == "recipe") continue;    // the page begins with it
        std::string words = name;
        std::replace(words.begin(), words.end(), '_', ' ');
        words[0] = static_cast<char>(words[0] - 'a' + 'A');
        // Chosen by a criterion or as published: the section on the grouping says why.
        const bool by_recipe = name == "clusters" && value == "auto" && report.model && report.model->n_clusters;
        report.parameters.push_back({std::move(words), by_recipe ? fmt::format("{}, by the recipe", *report.model->n_clusters) : parameter_text(name, value)});
    }
}

}  // namespace

run_summary run(const recipe& chosen, const run_options& options) {
    progress steps;
    staged_outputs files(options.out);    // before any work: a folder that cannot be written is known at once
    const sk::threads pool(options.threads == 0 ? std::thread::hardware_concurrency() : options.threads);

    std::optional<cohort> rows;
    json facts = json::object(), quality = json::object(), funnel = json::object();
    std::vector<std::string> warnings;
    std::optional<sk::date> reference_date = chosen.reference_date ? chosen.reference_date : options.reference_date;
    cohort_facts counted;
    data_quality dirt;
    if (options.user_table.empty()) {
        steps.begin("selecting the cohort");
        rows = select_cohort(open_company(options.data), options.cohort, pool);
        warnings = rows->warnings;
        if (!reference_date) reference_date = rows->last_session.day();
        steps.begin("counting");
        counted = count_facts(*rows, pool);
        dirt = find_dirt(*rows, pool);
        facts = to_json(counted);
        quality = to_json(dirt);
        funnel = to_json(rows->funnel);
    }

    steps.begin(fmt::format("recipe {}", chosen.name));
    outcome found = chosen.run({options, reference_date.value_or(sk::date(2023, 7, 28)), rows ? &*rows : nullptr, pool});
    found.report.warnings = warnings;
    found.report.notes = found.warnings;
    warnings.insert(warnings.end(), found.warnings.begin(), found.warnings.end());

    steps.begin("writing");
    const json parameters = parameters_of(chosen, options, reference_date);
    if (rows) add_rows_to_report(found.report, *rows, counted, dirt, options);
    add_run_to_report(found.report, chosen, parameters);
    files.write("assignments.csv", found.assignments);
    files.write("segments.csv", found.segments);
    if (found.rules) files.write("rules.json", found.rules->dump(2) + "\n");
    files.write("report.html", render_report(found.report));
    steps.end();

    json timings = json::object();
    for (const auto& [step, seconds] : steps.seconds()) timings[step] = seconds;
    const json run_file = {{"application", "traveltide"}, {"version", version()}, {"parameters", parameters}, {"facts", facts},      {"funnel", funnel},
                           {"quality", quality},          {"results", found.results}, {"warnings", warnings},  {"timings", timings}};
    files.write("run.json", run_file.dump(2) + "\n");
    files.publish();
    return {found.report.customers, warnings};
}

}  // namespace traveltide
