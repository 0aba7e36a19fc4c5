#include "../../examples/traveltide/charts.hpp"
#include "../../examples/traveltide/report.hpp"
#include "../../examples/traveltide/sample_size.hpp"
#include "../../examples/traveltide/text_format.hpp"
#include "sample_report.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace traveltide;

namespace {

bool contains(const std::string& page, const std::string& text) { return page.find(text) != std::string::npos; }

std::size_t occurrences(const std::string& page, const std::string& text) {
    std::size_t count = 0;
    for (auto at = page.find(text); at != std::string::npos; at = page.find(text, at + text.size())) {
        ++count;
    }
    return count;
}

/// The first flaw of the markup in words, or nothing: every element closed in order, attributes quoted, ids used once.
std::string first_flaw(const std::string& page) {
    static const std::set<std::string> without_end{"meta", "br"};
    std::vector<std::string> open;
    std::set<std::string> ids;
    for (std::size_t at = 0; at < page.size(); ++at) {
        if (page[at] == '>') {
            return "stray > at " + page.substr(at > 40 ? at - 40 : 0, 60);
        }
        if (page[at] == '&') {
            const auto end = page.find(';', at);
            if (end == std::string::npos || end - at > 6) {
                return "stray & at " + page.substr(at, 40);
            }
        }
        if (page[at] != '<') {
            continue;
        }
        std::size_t end = at + 1;
        bool quoted = false;
        for (; end < page.size() && (quoted || page[end] != '>'); ++end) {
            quoted = quoted != (page[end] == '"');
            if (page[end] == '<') {
                return "stray < at " + page.substr(at, 60);
            }
        }
        if (end >= page.size()) {
            return "unfinished tag at " + page.substr(at, 60);
        }
        const std::string tag = page.substr(at + 1, end - at - 1);
        at = end;
        if (tag.rfind("!DOCTYPE", 0) == 0) {
            continue;
        }
        const bool closing = tag[0] == '/';
        const std::string name = tag.substr(closing ? 1 : 0, tag.find_first_of(" /", closing ? 1 : 0) - (closing ? 1 : 0));
        if (closing) {
            if (open.empty() || open.back() != name) {
                return "</" + name + "> closes " + (open.empty() ? "nothing" : "<" + open.back() + ">");
            }
            open.pop_back();
            continue;
        }
        const auto id = tag.find(" id=\"");
        if (id != std::string::npos && !ids.insert(tag.substr(id + 5, tag.find('"', id + 5) - id - 5)).second) {
            return "id used twice in <" + tag + ">";
        }
        if (tag.back() == '/' || without_end.count(name) == 1) {
            continue;
        }
        open.push_back(name);
        if (name == "style") {   // its text is not markup
            at = page.find("</style>", at);
            if (at == std::string::npos) {
                return "unfinished style";
            }
            --at;
        }
    }
    return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

perk_result judged(bool shown, bool distinct, bool persistent) {
    perk_result perk;
    perk.name = "free hotel meal";
    perk.customers = 10;
    perk.shown = shown_evidence{10, {5, 15}, shown};
    perk.distinct = distinct_evidence{"clicks", "Cliff's delta", 0.2, {0.1, 0.3}, {}, distinct};
    perk.persistent = persistent_evidence{0.2, {0.1, 0.3}, {}, persistent};
    return perk;
}

}  // namespace

TEST_CASE("every number of the run is on the page") {
    const std::string page = render_report(testing::sample_report());
    for (const std::string text : {
             // first screen
             "Which perk for which customer?", "5,998 customers, 49,211 sessions, from 4 January 2023 to 28 July 2023",
             ">1,426<", ">1,012<", ">837<", ">1,187<", ">1,536<", "23.8%", "16.9%", "14.0%", "19.8%", "25.6%",
             // support: shown, distinct, persistent
             "1,811 customers", "30.2% of all customers; 95% interval 1,741 to 1,882", "1,313 to 1,443", "856 to 967", "1,436 to 1,569",
             "Cliff&#39;s delta 0.18", "on mean page clicks; 95% interval 0.12 to 0.24; 11 behaviours compared", "\u22120.05 to 0.09",
             "rank correlation \u22120.01", "95% interval \u22120.06 to 0.04; 4,102 customers", "0.16 to 0.26", "3,917 customers", "2,788 customers",
             "threshold 0.10", "Holm over 55 comparisons",
             // segments
             "1,533", "$1,205", "$604.18", "46.7%", "8.20", "$913.27", "31.5%", "531931", "4 seats, 2 rooms", "1,200 of 2,400 points drawn",
             "5th and 95th percentile", "median $1,132",
             // perk by segment, funnel, facts, quality
             "39.9%", ">611<", ">583<", "57.1%", "5,408,063 sessions", "51.6% of the step before", "5,998 customers", "32,509", "16,092", "17.59",
             "1.6% of 14,313", "1,313", "3 sessions end before they start",
             // rules, model
             "never take a customer here: 1 of 3", "taken by no rule: 17", "5,376", "1,956", "1,330", "Premium (626)", "587", "22.2%",
             "33.6% (together 33.6%)", "20.1% (together 74.9%)", "18,720", "5 (used)", "12,658", "1,503.8", "1.10", "0.99", "1,534", "silhouette is 0.29",
             // tables of the run, method, success, limits, parameters
             "19,873", "88.3%", "0.41", "47.1% of customers", "5.1% (now)", "within 60 days", "The data is synthetic.", "29 July 2023",
             "3 February 2026", "0.9.1", ">42<", ">calendar<"}) {
        CHECK_MESSAGE(contains(page, text), "missing: ", text);
    }
}

TEST_CASE("the page stands alone: no address, script or file is referenced") {
    const std::string page = render_report(testing::sample_report());
    for (const std::string text : {"http://", "https://", "<script", "<link", "<img", "@import", "url(", "src="}) {
        CHECK_MESSAGE(!contains(page, text), "found: ", text);
    }
}

TEST_CASE("the markup is well formed, every chart is named, and every entry of the contents leads somewhere") {
    const std::string page = render_report(testing::sample_report());
    CHECK(first_flaw(page) == "");
    const auto charts = occurrences(page, "<svg class=\"chart ");
    CHECK(charts == 17);
    CHECK(occurrences(page, "role=\"img\"") == charts);
    CHECK(occurrences(page, "<desc ") == charts);
    CHECK(occurrences(page, "<title ") == charts);
    CHECK(occurrences(page, "<h1>") == 1);
    CHECK(occurrences(page, "<li><a href=\"#") == 12);
    for (auto at = page.find("href=\"#"); at != std::string::npos; at = page.find("href=\"#", at + 1)) {
        const std::string target = page.substr(at + 7, page.find('"', at + 7) - at - 7);
        CHECK(contains(page, "<section id=\"" + target + "\""));
    }
}

TEST_CASE("the check of the markup finds flaws") {
    CHECK(first_flaw("<p><b>x</p></b>") == "</p> closes <b>");
    CHECK(first_flaw("<p>") == "<p> is never closed");
    CHECK(first_flaw("<p>a < b</p>") != "");
    CHECK(first_flaw("<p>a & b</p>") != "");
    CHECK(first_flaw("<p id=\"a\"></p><p id=\"a\"></p>") != "");
}

TEST_CASE("markup in any text of the run is shown as text") {
    const std::string evil = "<i a=\"b\">&'";
    const std::string shown = "&lt;i a=&quot;b&quot;&gt;&amp;&#39;";
    report_data data = testing::sample_report();
    std::size_t marked = 0;
    const auto mark = [&](std::string& text) { text = evil + std::to_string(100 + marked++) + "."; };
    for (auto* text : {&data.title, &data.recipe, &data.recipe_in_words, &data.reference_date, &data.generated, &data.version, &data.first_session,
                       &data.last_session, &data.action.headline, &data.action.detail, &data.support.correction, &data.segments.lead}) {
        mark(*text);
    }
    for (auto& perk : data.perks) {
        mark(perk.name);
        mark(perk.score_in_words);
        mark(perk.sentence);
        for (auto& part : perk.score_parts) {
            mark(part.behaviour);
            mark(part.gate);
        }
        if (perk.distinct) {
            mark(perk.distinct->metric);
            mark(perk.distinct->effect_name);
        }
    }
    for (auto& metric : data.segments.metrics) {
        mark(metric.name);
    }
    for (auto& segment : data.segments.segments) {
        mark(segment.name);
        mark(segment.description);
    }
    data.segments.segments[0].example->facts = {{evil + "name", evil + "value"}};
    for (auto* text : {&data.segments.segments[0].example->summary, &data.segments.segments[0].example->user_id, &data.segments.distributions[0].metric,
                       &data.segments.distributions[0].whiskers, &data.segments.distributions[0].groups[0].name, &data.segments.map->x_name,
                       &data.segments.map->y_name, &data.funnel[0].label, &data.funnel[0].unit, &data.funnel[0].note, &data.facts[0].name,
                       &data.quality[0].found, &data.quality[0].treatment, &data.warnings[0], &data.notes[0], &data.rules->lead, &data.rules->rules[0].name,
                       &data.rules->rules[0].shadowed_by, &data.rules->rules[0].status, &data.model->lead, &data.model->choice_reason,
                       &data.model->components[0].name, &data.model->components[0].reading, &data.model->cluster_sizes[0].name, &data.more[0].title,
                       &data.more[0].lead, &data.more[0].columns[0], &data.more[0].rows[0][0], &data.method[0].name, &data.method[0].value,
                       &data.success[0].name, &data.success[0].how, &data.success[0].baseline->name, &data.ab_test->lead, &data.ab_test->cases[0].name,
                       &data.limits[0], &data.parameters[0].name, &data.parameters[0].value}) {
        mark(*text);
    }
    const std::string page = render_report(data);
    CHECK(first_flaw(page) == "");
    CHECK_FALSE(contains(page, "<i "));
    CHECK(contains(page, shown + "name"));
    CHECK(contains(page, shown + "value"));
    // Chart labels may be broken over lines, so the number behind the mark is looked for.
    for (std::size_t i = 0; i < marked; ++i) {
        CHECK_MESSAGE(contains(page, "&gt;&amp;&#39;" + std::to_string(100 + i) + "."), "text ", i, " is not on the page");
    }
}

TEST_CASE("an empty run gives a whole page with no section") {
    const std::string page = render_report({});
    CHECK(first_flaw(page) == "");
    CHECK_FALSE(contains(page, "<section"));
    CHECK_FALSE(contains(page, "<nav"));
    CHECK_FALSE(contains(page, "class=\"action\""));
    CHECK(contains(page, "0 customers, 0 sessions."));
}

TEST_CASE("a section without data vanishes together with its entry in the contents") {
    const auto gone = [](const std::string& id, auto&& clear) {
        report_data data = testing::sample_report();
        CHECK(contains(render_report(data), "<section id=\"" + id + "\""));
        clear(data);
        const std::string page = render_report(data);
        CHECK_MESSAGE(!contains(page, "id=\"" + id + "\""), id, " is still there");
        CHECK_MESSAGE(!contains(page, "href=\"#" + id + "\""), id, " is still in the contents");
        CHECK(first_flaw(page) == "");
    };
    gone("support", [](auto& data) { data.perks.clear(); });
    gone("segments", [](auto& data) { data.segments = {}; });
    gone("perk-by-segment", [](auto& data) {
        for (auto& segment : data.segments.segments) {
            segment.perk_customers.clear();
        }
    });
    gone("funnel", [](auto& data) { data.funnel.clear(); data.facts.clear(); });
    gone("quality", [](auto& data) { data.quality.clear(); data.warnings.clear(); });
    gone("rules", [](auto& data) { data.rules.reset(); });
    gone("model", [](auto& data) { data.model.reset(); });
    gone("more-1", [](auto& data) { data.more.clear(); });
    gone("success", [](auto& data) { data.success.clear(); data.ab_test.reset(); });
    gone("limits", [](auto& data) { data.limits.clear(); });
}

TEST_CASE("a note on the groups stands with the groups or the rules that it is about, and not among the flaws of the data") {
    const auto in_section = [](const report_data& data, const std::string& id) {
        const std::string page = render_report(data);
        const auto begin = page.find("<section id=\"" + id + "\"");
        return contains(page.substr(begin, page.find("</section>", begin) - begin), "five and six");
    };
    report_data data = testing::sample_report();
    CHECK(in_section(data, "model"));
    CHECK_FALSE(in_section(data, "quality"));
    CHECK_FALSE(in_section(data, "rules"));
    data.model.reset();
    CHECK(in_section(data, "rules"));
}

TEST_CASE("empty groups, missing numbers and counts of zero leave a whole page") {
    report_data data = testing::sample_report();
    data.customers = 0;
    const double missing = std::numeric_limits<double>::quiet_NaN();
    data.segments.segments[1] = {"Nobody", 0, missing, "", {missing, {}, 3.0}, {0, 0, 0, 0, 0}, {}};
    data.segments.segments[2].metrics.clear();
    data.segments.segments[3].perk_customers = {7};
    data.segments.distributions[0].groups[0].median = missing;
    data.segments.distributions[0].groups[1] = {"Same", 1, 1, 1, 1, 1};
    data.segments.map->points = {{missing, 0.0, 0}, {1.0, 1.0, 99}};
    data.funnel = {{"Nothing", 0, "sessions", ""}, {"Still nothing", 0, "sessions", ""}};
    data.perks[0].persistent->rank_correlation = missing;
    data.model->trials[0].inertia = std::numeric_limits<double>::infinity();
    data.more[0].rows[0].clear();
    data.ab_test->cases[0].target_rate = data.ab_test->cases[0].baseline_rate;
    data.ab_test->cases[1].available = 0;
    const std::string page = render_report(data);
    CHECK(first_flaw(page) == "");
    CHECK_FALSE(contains(page, "nan"));
    CHECK_FALSE(contains(page, "inf%"));
    CHECK_FALSE(contains(page, ">inf<"));
    CHECK(contains(page, "Nobody"));
    CHECK(contains(page, "no values"));
}

TEST_CASE("a run without perks shows its groups on the first screen and gives no verdict") {
    report_data data = testing::sample_report();
    data.perks.clear();
    const std::string page = render_report(data);
    const std::string first = page.substr(0, page.find("</header>"));
    CHECK(contains(first, "Family planners"));
    CHECK_FALSE(contains(first, "class=\"badge"));
    CHECK_FALSE(contains(first, "What to do next"));
}

TEST_CASE("the verdict follows from the three answers") {
    CHECK(verdict_of(judged(true, true, true)) == verdict::supported);
    CHECK(verdict_of(judged(true, true, false)) == verdict::partly_supported);
    CHECK(verdict_of(judged(true, false, true)) == verdict::not_supported);
    CHECK(verdict_of(judged(false, true, true)) == verdict::not_supported);
    CHECK(verdict_of(judged(false, false, false)) == verdict::not_supported);
}

TEST_CASE("an absent answer is never invented") {
    CHECK(verdict_of({}) == verdict::not_evaluated);
    perk_result perk = judged(true, true, true);
    perk.persistent.reset();
    CHECK(verdict_of(perk) == verdict::not_evaluated);
    perk.distinct->passed = false;   // "not", whatever the third answer would have been
    CHECK(verdict_of(perk) == verdict::not_supported);

    report_data data;
    data.customers = 40;
    data.perks = {judged(true, true, true)};
    data.perks[0].persistent.reset();
    const std::string page = render_report(data);
    CHECK(occurrences(page, "not evaluated in this version") == 1);
    CHECK(contains(page, "Not evaluated yet"));
    CHECK_FALSE(contains(page, "rank correlation"));
}

TEST_CASE("the action follows from the verdicts unless the run names one") {
    report_data data;
    data.perks = {judged(true, true, false), judged(true, false, false)};
    CHECK(action_of(data).headline == "Run an A/B test before money is spent");
    CHECK(contains(overall_sentence(data), "does not fully support any of the 2 perks"));
    data.perks[1] = judged(true, true, true);
    data.perks[1].name = "free checked bag";
    CHECK(action_of(data).headline == "Start with free checked bag; test the rest first");
    CHECK(overall_sentence(data) == "The data supports free checked bag. Partly supported: free hotel meal.");
    data.perks[0] = judged(true, true, true);
    CHECK(contains(action_of(data).headline, "keep a control group"));
    data.action = {"Wait", "For more data."};
    CHECK(action_of(data).headline == "Wait");
    data.perks = {perk_result{}};
    CHECK(contains(overall_sentence(data), "not evaluated yet"));
}

TEST_CASE("a scatter thins evenly, keeps every group, says so, and draws the same marks each time") {
    std::vector<map_point> points;
    for (int i = 0; i < 3000; ++i) {
        points.push_back({static_cast<double>(i % 53), static_cast<double>(i % 37), i % 30 == 0 ? std::size_t{1} : std::size_t{0}});
    }
    const auto draw = [&](std::size_t most) { return scatter_chart({"Map", {}}, "x", "y", {"many", "few"}, points, {.max_points = most}); };
    const std::string chart = draw(300);
    CHECK(chart == draw(300));
    CHECK(contains(chart, "300 of 3,000 points drawn, evenly chosen"));
    CHECK(occurrences(chart, "class=\"c-fill-1\"") == 290 + 1);   // and one in the key
    CHECK(occurrences(chart, "class=\"c-fill-2\"") == 10 + 1);
    CHECK(contains(draw(5000), "All 3,000 points drawn"));
    const std::string of_three = scatter_chart({"Map", {}}, "x", "y", {"many", "few", "nobody"}, points, {.max_points = 300});
    CHECK(!contains(of_three, "nobody"));    // a group without a mark has no key
    CHECK(contains(of_three, "for 2 groups"));
}

TEST_CASE("charts of nothing are nothing") {
    CHECK(horizontal_bar_chart({"t", {}}, {}) == "");
    CHECK(grouped_bar_chart({"t", {}}, {"a"}, {}, number_style::count) == "");
    CHECK(funnel_chart({"t", {}}, {}) == "");
    CHECK(heat_map({"t", {}}, {}, {"a"}, {}) == "");
    CHECK(scatter_chart({"t", {}}, "x", "y", {}, {}) == "");
    CHECK(line_chart({"t", {}}, "x", {}, number_style::count) == "");
    CHECK(interval_chart({"t", {}}, {}, {}, "", number_style::decimal) == "");
    CHECK(box_chart({"t", {}}, {}, number_style::decimal) == "");
    CHECK(radar_chart({"t", {}}, {"a", "b"}, {{"s", {1, 1}}}) == "");
}

TEST_CASE("bars are as long as their values, and the description holds the data") {
    const std::string chart = horizontal_bar_chart({"Sizes", {}}, {{"A", 50, ""}, {"B", 200, "200 (80.0%)"}});
    CHECK(contains(chart, "width=\"25.00%\""));
    CHECK(contains(chart, "width=\"100.00%\""));
    CHECK(contains(chart, ">A: 50. B: 200 (80.0%). </desc>"));
    CHECK(contains(horizontal_bar_chart({"Sizes", {}}, {{"A", 0.25, ""}}, {.full_scale = 1.0}), "width=\"25.00%\""));
}

TEST_CASE("numbers are written for people") {
    CHECK(format_count(1234567) == "1,234,567");
    CHECK(format_count(999) == "999");
    CHECK(format_decimal(-1234.5678, 2) == "\u22121,234.57");
    CHECK(format_decimal(-0.001, 2) == "0.00");
    CHECK(format_decimal(std::numeric_limits<double>::quiet_NaN(), 2) == no_value);
    CHECK(format_percent(0.2377) == "23.8%");
    CHECK(format_percent(0.0) == "0.0%");
    CHECK(format_percent(0.0001) == "under 0.1%");
    CHECK(format_value(1204.61, number_style::money) == "$1,205");
    CHECK(format_value(-4.5, number_style::money) == "\u2212$4.50");
    CHECK(format_date("2023-01-04") == "4 January 2023");
    CHECK(format_date("2023-07-28 19:58:29") == "28 July 2023");
    CHECK(format_date("2023-13-04") == "2023-13-04");
    CHECK(format_date("yesterday") == "yesterday");
    CHECK(escape_html("a\x01<b>\"&'") == "a &lt;b&gt;&quot;&amp;&#39;");
}

TEST_CASE("the normal quantile is the textbook's") {
    CHECK(normal_quantile(0.975) == doctest::Approx(1.959963984540054).epsilon(1e-12));
    CHECK(normal_quantile(0.8) == doctest::Approx(0.8416212335729143).epsilon(1e-12));
    CHECK(normal_quantile(0.5) == doctest::Approx(0.0));
    CHECK_THROWS_AS(normal_quantile(1.0), std::invalid_argument);
}

TEST_CASE("the sample size of two proportions is the textbook's, whichever rate is named first") {
    CHECK(group_size_for_two_rates(0.10, 0.12) == 3841);
    CHECK(group_size_for_two_rates(0.12, 0.10) == 3841);
    CHECK(group_size_for_two_rates(0.50, 0.60) == 388);
    CHECK(group_size_for_two_rates(0.10, 0.12, {.significance = 0.01, .power = 0.90}) > 3841);
    CHECK_THROWS_AS(group_size_for_two_rates(0.1, 0.1), std::invalid_argument);
    CHECK_THROWS_AS(group_size_for_two_rates(10, 12), std::invalid_argument);
}

TEST_CASE("the smallest detectable rate needs just the customers that there are") {
    const auto rate = smallest_detectable_rate(0.10, 3841);
    REQUIRE(rate);
    CHECK(*rate == doctest::Approx(0.12).epsilon(1e-4));
    CHECK(group_size_for_two_rates(0.10, *rate) <= 3841);
    CHECK(group_size_for_two_rates(0.10, *rate - 1e-4) > 3841);
    CHECK_FALSE(smallest_detectable_rate(0.10, 0));
    CHECK_FALSE(smallest_detectable_rate(0.10, 2));
}

TEST_CASE("the A/B plan divides the significance by its tests and says when customers are too few") {
    report_data data;
    data.ab_test = ab_plan{"", 0.05, 0.80, 5, {{"free hotel meal", 0.10, 0.12, 9000}, {"free checked bag", 0.10, 0.20, 9000}}};
    const std::string page = render_report(data);
    const std::size_t needed = group_size_for_two_rates(0.10, 0.12, {.significance = 0.01, .power = 0.80});
    CHECK(needed > 4500);
    CHECK(contains(page, ">" + format_count(needed) + "<"));
    CHECK(contains(page, ">" + format_count(2 * needed) + "<"));
    CHECK(contains(page, "<td>no</td>"));
    CHECK(contains(page, "<td>yes</td>"));
    CHECK(contains(page, "over all 5 tests together"));
    CHECK(contains(page, "Where there are not enough customers"));
}
