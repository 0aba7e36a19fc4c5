#pragma once
// What a run tells its report: every number and every sentence of the run that the page shows, as plain aggregates.
// A recipe fills what it has; an empty vector or an absent optional makes its section vanish, so that a recipe without
// perks, rules or clusters uses the same page. Shares and rates are fractions (0.238), dates are ISO text (2023-01-04).
// Cost: plain values; the largest is segments.map, one point per customer.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace traveltide {

/// How a number is written: 1,426 / 3.27 / 23.8% / $412.50.
enum class number_style { count, decimal, percent, money };

struct interval {
    double low = 0.0;
    double high = 0.0;
};

struct labelled_text {
    std::string name;
    std::string value;
};

struct labelled_number {
    std::string name;
    double value = 0.0;
    number_style style = number_style::count;
};

// ---- perks --------------------------------------------------------------------------------------------------------

/// How many customers show the behaviour behind a perk.
struct shown_evidence {
    std::size_t customers = 0;
    interval customers_interval;
    bool passed = false;
};

/// Do they differ from the rest on behaviour that is not in the score? The strongest difference found.
struct distinct_evidence {
    std::string metric;                         // "Mean page clicks"
    std::string effect_name;                    // "Cliff's delta"
    double effect = 0.0;
    interval effect_interval;
    std::optional<std::size_t> metrics_tested;  // how many were compared, and corrected for
    bool passed = false;
};

/// Does the score from one half of a customer's sessions agree with the behaviour in the other half?
struct persistent_evidence {
    double rank_correlation = 0.0;
    interval correlation_interval;
    std::optional<std::size_t> customers;       // customers with the behaviour observable in both halves
    bool passed = false;
};

/// One behaviour in a perk's score.
struct score_part {
    std::string behaviour;
    std::optional<double> weight;
    std::string gate;                            // who can earn a rank at all; empty: everyone
    std::optional<double> gate_share;            // share of customers that pass it
};

struct perk_result {
    std::string name;
    std::size_t customers = 0;                   // assigned this perk
    double share = 0.0;
    std::string score_in_words;                  // one sentence
    std::vector<score_part> score_parts;
    std::optional<shown_evidence> shown;         // absent: "not evaluated in this version"
    std::optional<distinct_evidence> distinct;
    std::optional<persistent_evidence> persistent;
    std::string sentence;                        // empty: written from the three answers
};

struct support_rules {
    double confidence_level = 0.95;
    std::optional<double> persistence_threshold; // the lower end of the interval must lie above it
    std::optional<double> distinction_threshold; // the whole interval must lie beyond it, on either side of zero
    std::string correction;                      // "Holm over 55 comparisons"
};

/// The one thing to do. Left empty, it is written from the verdicts.
struct recommended_action {
    std::string headline;
    std::string detail;
};

// ---- segments -----------------------------------------------------------------------------------------------------

struct metric_column {
    std::string name;
    number_style style = number_style::decimal;
    std::optional<double> overall;               // the value over all customers
};

/// A customer of the segment, near its middle.
struct persona {
    std::string user_id;
    std::string summary;                         // one sentence
    std::vector<labelled_text> facts;
};

struct segment_result {
    std::string name;
    std::size_t customers = 0;
    double share = 0.0;
    std::string description;
    std::vector<std::optional<double>> metrics;  // parallel to segments_section::metrics
    std::vector<std::size_t> perk_customers;     // parallel to report_data::perks; empty: no heat map
    std::optional<persona> example;
};

/// Five numbers of one metric in one group.
struct box_summary {
    std::string name;
    double low = 0.0;
    double quartile_1 = 0.0;
    double median = 0.0;
    double quartile_3 = 0.0;
    double high = 0.0;
};

struct metric_distribution {
    std::string metric;
    number_style style = number_style::decimal;
    std::string whiskers;                        // what low and high are: "5th and 95th percentile"
    std::vector<box_summary> groups;
};

struct map_point {
    double x = 0.0;
    double y = 0.0;
    std::size_t group = 0;                       // index into segments_section::segments
};

struct segment_map {
    std::string x_name;
    std::string y_name;
    std::vector<map_point> points;
};

// A mean over a segment is shown where at least so many of its customers have the figure.
inline constexpr std::int64_t fewest_customers_of_a_mean = 5;

struct segments_section {
    std::string lead;
    std::vector<metric_column> metrics;
    std::vector<segment_result> segments;
    std::vector<metric_distribution> distributions;
    std::optional<segment_map> map;
};

// ---- where the rows went ------------------------------------------------------------------------------------------

struct funnel_step {
    std::string label;
    std::size_t count = 0;
    std::string unit;                            // "sessions", "customers": bars are compared within a unit
    std::string note;
};

struct quality_finding {
    std::string found;                           // "Hotel check-out before check-in"
    std::size_t rows = 0;
    std::optional<std::size_t> out_of;
    std::string treatment;                       // "Dates swapped"
};

// ---- rules --------------------------------------------------------------------------------------------------------

struct rule_coverage {
    std::string name;
    std::size_t true_customers = 0;
    std::size_t false_customers = 0;
    std::size_t unknown_customers = 0;
    std::size_t taken = 0;
    std::string shadowed_by;                     // "Premium (626)"
    std::string status;                          // "in use", "never taken here", "unreachable"
};

struct rules_section {
    std::string lead;
    std::vector<rule_coverage> rules;
    std::optional<std::size_t> without_rule;     // customers that no rule took
};

// ---- models -------------------------------------------------------------------------------------------------------

struct component {
    std::string name;
    double explained_variance_ratio = 0.0;
    std::string reading;                         // what loads on it, in words
};

struct cluster_trial {
    std::size_t n_clusters = 0;
    std::optional<double> inertia;
    std::optional<double> silhouette;
    std::optional<double> calinski_harabasz;
    std::optional<double> davies_bouldin;
    std::optional<double> stability;             // adjusted Rand between seeds
};

struct model_quality {
    std::string lead;
    std::vector<component> components;
    std::vector<cluster_trial> trials;
    std::optional<std::size_t> n_clusters;       // the one used
    std::string choice_reason;
    std::vector<labelled_number> cluster_sizes;
    std::optional<double> inertia;
    std::optional<double> silhouette;
    std::optional<std::size_t> silhouette_rows;  // set when it was computed on a sample
};

// ---- anything else a run wants to show (comparison of recipes, sensitivity, economics) ------------------------------

struct table_section {
    std::string title;
    std::string lead;
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;  // the first cell names the row
};

// ---- what comes next ----------------------------------------------------------------------------------------------

struct success_measure {
    std::string name;
    std::string how;
    std::optional<labelled_number> baseline;
};

struct ab_case {
    std::string name;
    double baseline_rate = 0.0;
    double target_rate = 0.0;                    // the smallest rate worth paying for
    std::optional<std::size_t> available;        // customers that the test can be run on
};

struct ab_plan {
    std::string lead;
    double significance = 0.05;                  // two-sided, of the whole plan
    double power = 0.80;
    std::size_t comparisons = 1;                 // significance is divided by it (Bonferroni)
    std::vector<ab_case> cases;
};

// ---- the report ---------------------------------------------------------------------------------------------------

struct report_data {
    std::string title;                           // "Which perk for which customer?"
    std::string recipe;                          // "perk-fit"
    std::string recipe_in_words;
    std::string first_session;                   // ISO dates of the cohort
    std::string last_session;
    std::string reference_date;                  // ages are computed on it
    std::string generated;                       // date of the run
    std::string version;
    std::size_t customers = 0;
    std::size_t sessions = 0;

    recommended_action action;
    std::vector<perk_result> perks;
    support_rules support;
    segments_section segments;
    std::vector<funnel_step> funnel;
    std::vector<labelled_number> facts;          // the cohort in numbers, beside the funnel
    std::vector<quality_finding> quality;
    std::vector<std::string> warnings;           // about the rows
    std::vector<std::string> notes;              // about the groups or the rules that the recipe made
    std::optional<rules_section> rules;
    std::optional<model_quality> model;
    std::vector<table_section> more;
    std::vector<labelled_text> method;           // heading and paragraph
    std::vector<success_measure> success;
    std::optional<ab_plan> ab_test;
    std::vector<std::string> limits;
    std::vector<labelled_text> parameters;
};

}  // namespace traveltide
