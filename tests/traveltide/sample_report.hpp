#pragma once
// A report_data with something in every field, for the tests of the report and for looking at the page.
// The figures are made up and all different, so that a test can look for each of them.

#include "../../examples/traveltide/report_data.hpp"

#include <cmath>

namespace traveltide::testing {

inline report_data sample_report() {
    report_data data;
    data.title = "Which perk for which customer?";
    data.recipe = "perk-fit";
    data.recipe_in_words = "Each customer gets a score for each perk, from what they did. The highest score wins.";
    data.first_session = "2023-01-04";
    data.last_session = "2023-07-28";
    data.reference_date = "2023-07-29";
    data.generated = "2026-02-03";
    data.version = "0.9.1";
    data.customers = 5998;
    data.sessions = 49211;

    data.perks = {
        {"free hotel meal", 1426, 0.2377, "Stays in hotels, for long, with family.",
         {{"Nights per hotel stay, ranked", 0.41, "customers with a hotel stay", 0.4712}, {"Rooms per stay, ranked", 0.59, "", {}}},
         shown_evidence{1811, {1741, 1882}, true}, distinct_evidence{"mean page clicks", "Cliff's delta", 0.183, {0.121, 0.244}, 11, true},
         persistent_evidence{0.034, {-0.013, 0.081}, 3917, false}, ""},
        {"free checked bag", 1012, 0.1687, "Checks bags; more bags than seats; long trips by air.", {{"Bags per flight, ranked", 0.66, "flew with a bag", 0.4421}},
         shown_evidence{1377, {1313, 1443}, true}, distinct_evidence{"session length", "Cliff's delta", 0.152, {0.092, 0.213}, 11, true},
         persistent_evidence{-0.012, {-0.061, 0.037}, 4102, false}, ""},
        {"no cancellation fees", 837, 0.1395, "Cancelled a trip, or books far ahead.", {},
         shown_evidence{911, {856, 967}, true}, distinct_evidence{"booking lead time", "Cliff's delta", 0.021, {-0.049, 0.088}, 11, false},
         persistent_evidence{-0.024, {-0.072, 0.026}, 2788, false}, ""},
        {"exclusive discounts", 1187, 0.1979, "Saves dollars per kilometre; books with a discount.", {},
         shown_evidence{1502, {1436, 1569}, true}, distinct_evidence{"mean base fare", "Cliff's delta", 0.207, {0.146, 0.268}, 11, true},
         persistent_evidence{0.213, {0.164, 0.261}, 3355, true}, ""},
        {"free night with flight", 1536, 0.2561, "Flies without a hotel.", {}, {}, {}, {}, ""},
    };
    data.support = {.confidence_level = 0.95, .persistence_threshold = 0.10, .distinction_threshold = {}, .correction = "Holm over 55 comparisons"};

    data.segments.lead = "Five groups, found from what customers did, not from who they are.";
    data.segments.metrics = {{"Sessions", number_style::decimal, 8.2046}, {"Trips", number_style::decimal, 2.5823}, {"Spend per trip", number_style::money, 913.27},
                             {"Bags per flight", number_style::decimal, 0.6012}, {"Nights per stay", number_style::decimal, 4.0877},
                             {"Conversion", number_style::percent, 0.3152}};
    data.segments.segments = {
        {"Family planners", 1533, 0.2556, "Travel rarely, with children, and stay for long.", {8.07, 2.31, 1204.61, 0.93, 6.24, 0.2871}, {611, 302, 131, 204, 285},
         persona{"531931", "A 39-year-old mother from San Jose who booked two family holidays.", {{"Trips booked", "2"}, {"Usual party", "4 seats, 2 rooms"}}}},
        {"Frequent short breaks", 1487, 0.2479, "Book often, stay two nights, pack light.", {8.61, 3.92, 604.18, 0.22, 2.13, 0.4671}, {288, 101, 144, 371, 583}, {}},
        {"Bargain browsers", 1371, 0.2286, "Look a lot, book with a discount.", {8.33, 1.84, 488.09, 0.47, 3.71, 0.2191}, {263, 231, 138, 502, 237}, {}},
        {"Long-haul travellers", 1069, 0.1782, "Fly far, with luggage.", {8.02, 2.47, 1633.54, 1.37, 5.46, 0.3011}, {201, 333, 117, 84, 334}, {}},
        {"Plan changers", 538, 0.0897, "Book early and cancel.", {8.18, 2.73, 1087.33, 0.63, 4.29, 0.3391}, {63, 45, 307, 26, 97}, {}},
    };
    metric_distribution spend{"Spend per trip", number_style::money, "5th and 95th percentile", {}};
    for (std::size_t g = 0; g < 5; ++g) {
        const double middle = *data.segments.segments[g].metrics[2];
        spend.groups.push_back({data.segments.segments[g].name, middle * 0.21, middle * 0.62, middle * 0.94, middle * 1.33, middle * 2.12});
    }
    data.segments.distributions = {spend};
    segment_map map{"trips and conversion", "spend and nights", {}};
    for (std::size_t i = 0; i < 2400; ++i) {
        const double t = static_cast<double>(i);
        const std::size_t group = i % 5;
        const double radius = 1.1 * std::fabs(std::sin(t * 12.9898) * std::cos(t * 4.1414)) + 0.1;
        map.points.push_back({std::cos(1.2566 * static_cast<double>(group)) * 1.7 + radius * std::cos(t),
                              std::sin(1.2566 * static_cast<double>(group)) * 1.4 + radius * std::sin(t), group});
    }
    data.segments.map = map;

    data.funnel = {{"All sessions in the files", 5408063, "sessions", ""}, {"Sessions since 4 January 2023", 2790313, "sessions", "Earlier sessions belong to the launch."},
                   {"Sessions of customers with more than 7 sessions", 49211, "sessions", ""}, {"Customers analysed", 5998, "customers", "Customers with too few sessions tell too little."}};
    data.facts = {{"Browsing sessions", 32509, number_style::count}, {"Booking sessions", 16092, number_style::count},
                  {"Cancellation sessions", 610, number_style::count}, {"Mean page clicks", 17.588791, number_style::decimal}};
    data.quality = {{"Hotel check-out before check-in", 226, 14313, "Dates swapped, and counted."}, {"Stored nights of zero or less", 1313, {}, "Nights counted from the calendar."}};
    data.warnings = {"3 sessions end before they start; their length was left out."};
    data.notes = {"number of groups: five and six are nearly as good."};

    data.rules = rules_section{"The rules as the author wrote them.",
                               {{"Premium, core, engaged", 622, 5376, 0, 622, "", "in use"}, {"Family", 1956, 4042, 0, 1330, "Premium (626)", "in use"},
                                {"Dormant", 0, 5411, 587, 0, "", "never taken here"}},
                               17};
    data.model = model_quality{"Behaviour was put on one scale before it was compared.",
                               {{"Direction 1", 0.3358, "Trips, conversion"}, {"Direction 2", 0.2123, "Spend, nights"}, {"Direction 3", 0.2011, "Bags"}},
                               {{3, 18719.929, 0.2411, 1301.4, 1.4012, 0.913}, {4, 14943.916, 0.2688, 1402.6, 1.2533, 0.947}, {5, 12657.5015, 0.2949, 1503.8, 1.1044, 0.991},
                                {6, 11246.619, 0.2722, 1488.2, 1.1633, 0.874}},
                               5, "Five separates best by silhouette and agrees best between seeds.",
                               {{"Cluster 1", 1534, number_style::count}, {"Cluster 2", 1488, number_style::count}}, 12657.5015, 0.29492, {}};
    data.more = {{"How much the answer depends on choices", "Each row changes one choice and assigns again.", {"Choice", "Customers", "Same perk"},
                  {{"At least 5 sessions", "19,873", "88.3%"}, {"At least 10 sessions", "1,204", "91.7%"}}}};
    data.method = {{"Who earns a rank", "A customer who never did a thing earns no rank for it."}, {"Ties", "The perk with the larger margin wins."}};
    data.success = {{"Booking rate after the invitation", "Share of invited customers who book within 60 days.", labelled_number{"now", 0.0512, number_style::percent}},
                    {"Use of the perk", "Share of bookings in which the perk is used.", {}}};
    data.ab_test = ab_plan{"Draw lots within each perk's customers.", 0.05, 0.80, 5,
                           {{"free hotel meal", 0.0512, 0.0712, 1427}, {"free checked bag", 0.10, 0.16, 1013}, {"exclusive discounts", 0.10, 0.20, 1188}}};
    data.limits = {"The data is synthetic.", "Only active customers were analysed."};
    data.parameters = {{"Seed", "42"}, {"Minimum sessions", "8"}, {"Nights", "calendar"}};
    return data;
}

}  // namespace traveltide::testing
