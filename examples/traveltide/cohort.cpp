#include "cohort.hpp"

#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include <segkit/query.hpp>

#include "run_options.hpp"
#include "text_format.hpp"

namespace traveltide {

namespace {

// An empty key would match nothing and vanish without a word.
template <sk::fixed_string Key>
void require_present(const auto& rows, sk::col<Key> key, const std::string& file, sk::executor_ref executor) {
    const auto empty = rows | sk::filter(key == "") | sk::aggregate("rows"_c = sk::count()) | sk::collect(executor);
    if (empty["rows"_c][0] == 0) return;
    sk::error_details details{.code = sk::error_code::unexpected_null, .stage = "cohort", .field = std::string(sk::name_of<Key>), .file = file};
    details.found = fmt::format("{} rows without one", empty["rows"_c][0]);
    details.expected = "one in every row";
    details.advice = "remove or repair these rows";
    throw sk::error(std::move(details));
}

template <class Schema, sk::fixed_string Key>
void require_unique(const sk::table<Schema>& rows, sk::col<Key> key, const std::string& file, sk::executor_ref executor) {
    const auto repeated = rows | sk::group_by(key).aggregate("times"_c = sk::count()) | sk::filter("times"_c > 1) | sk::collect(executor);
    if (repeated.empty()) return;
    sk::error_details details{.code = sk::error_code::duplicate_key, .stage = "cohort", .field = std::string(sk::name_of<Key>), .file = file};
    details.found = fmt::format("{} in {} rows", repeated.template column<Key>()[0], repeated["times"_c][0]);
    details.expected = "each value once";
    details.advice = "remove the repeated rows: they would count twice";
    throw sk::error(std::move(details));
}

// One row: how many sessions and customers there are at each step.
cohort_funnel count_steps(const auto& activity, const cohort_options& options) {
    const auto counted = activity | sk::aggregate("sessions"_c = sk::sum("sessions"_c), "since"_c = sk::sum("since"_c), "customers"_c = sk::count(),
                                                  "customers_since"_c = sk::count_if("since"_c > 0),
                                                  "chosen"_c = sk::count_if("since"_c >= options.min_sessions)) | sk::collect();
    return {.sessions_in_file = counted["sessions"_c][0].value_or(0),
            .sessions_since = counted["since"_c][0].value_or(0),
            .sessions_kept = 0,
            .customers_with_sessions = counted["customers"_c][0],
            .customers_since = counted["customers_since"_c][0],
            .customers_kept = counted["chosen"_c][0]};
}

[[noreturn]] void refuse_empty(const cohort_funnel& funnel, const cohort_options& options, const std::string& file) {
    sk::error_details details{.code = sk::error_code::empty_input, .stage = "cohort", .file = file};
    details.found = fmt::format("{} sessions, {} of them since {}, and no customer with {} or more of those", format_count(static_cast<std::size_t>(funnel.sessions_in_file)),
                                format_count(static_cast<std::size_t>(funnel.sessions_since)), to_string(options.since), options.min_sessions);
    details.expected = "at least one customer";
    details.advice = "choose an earlier --since or a smaller --min-sessions";
    throw sk::error(std::move(details));
}

}  // namespace

cohort select_cohort(const company_source& company, const cohort_options& options, sk::executor_ref executor) {
    const auto activity = company.sessions |
        sk::group_by("user_id"_c).aggregate(
            "sessions"_c = sk::count(),
            "since"_c    = sk::count_if("session_start"_c >= options.since)) |
        sk::collect(executor);
    const auto chosen = activity | sk::filter("since"_c >= options.min_sessions) | sk::select("user_id"_c) | sk::collect();

    cohort c;
    c.funnel = count_steps(activity, options);
    if (chosen.empty()) refuse_empty(c.funnel, options, company.sessions_file);

    c.users = company.users | sk::semi_join(chosen, "user_id"_c) | sk::collect(executor);
    require_unique(c.users, "user_id"_c, company.users_file, executor);

    // Sessions of a customer that the users table does not have tell nothing about anybody.
    c.sessions = company.sessions | sk::filter("session_start"_c >= options.since) | sk::semi_join(c.users, "user_id"_c) | sk::collect(executor);
    require_present(c.sessions, "session_id"_c, company.sessions_file, executor);
    require_unique(c.sessions, "session_id"_c, company.sessions_file, executor);
    if (c.users.empty()) refuse_empty(c.funnel, options, company.users_file);
    if (c.users.rows() < chosen.rows())
        c.warnings.push_back(fmt::format("{} active customers have sessions but no row in {}; they are left out", chosen.rows() - c.users.rows(), company.users_file));

    const auto trips = c.sessions | sk::filter(sk::is_not_null("trip_id"_c)) | sk::select("trip_id"_c);
    require_present(company.flights, "trip_id"_c, company.flights_file, executor);
    require_present(company.hotels, "trip_id"_c, company.hotels_file, executor);
    c.flights = company.flights | sk::semi_join(trips, "trip_id"_c) | sk::collect(executor);
    c.hotels = company.hotels | sk::semi_join(trips, "trip_id"_c) | sk::collect(executor);
    require_unique(c.flights, "trip_id"_c, company.flights_file, executor);
    require_unique(c.hotels, "trip_id"_c, company.hotels_file, executor);

    const auto window = c.sessions | sk::aggregate("first"_c = sk::min("session_start"_c), "last"_c = sk::max("session_start"_c)) | sk::collect();
    c.first_session = *window["first"_c][0];
    c.last_session = *window["last"_c][0];
    c.funnel.sessions_kept = static_cast<std::int64_t>(c.sessions.rows());
    c.funnel.customers_kept = static_cast<std::int64_t>(c.users.rows());
    return c;
}

}  // namespace traveltide
