#include "report.hpp"

#include "charts.hpp"
#include "report_style.hpp"
#include "sample_size.hpp"
#include "text_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace traveltide {

namespace {

constexpr double twice_the_average = 2.0;  // the rim of a profile chart

// ---- small pieces of a page ---------------------------------------------------------------------------------------

std::string paragraph(std::string_view text, std::string_view css = {}) {
    if (text.empty()) {
        return {};
    }
    return css.empty() ? fmt::format("<p>{}</p>\n", escape_html(text)) : fmt::format("<p class=\"{}\">{}</p>\n", css, escape_html(text));
}

std::string figure(std::string_view title, std::string_view caption, const std::string& chart, std::string_view css = {}) {
    if (chart.empty()) {
        return {};
    }
    const std::string note = caption.empty() ? "" : fmt::format("<span class=\"quiet small\">{}</span>", escape_html(caption));
    return fmt::format("<figure{}><figcaption><b>{}</b>{}</figcaption>\n{}</figure>\n", css.empty() ? "" : fmt::format(" class=\"{}\"", css),
                       escape_html(title), note, chart);
}

/// What is wider than a phone scrolls in its own box; tabindex lets the keyboard scroll it.
std::string scroll_box(std::string_view name, const std::string& content) {
    return fmt::format("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">{}</div>\n", escape_html(name), content);
}

enum class cell_kind { text, number, wide_text };

struct table_column {
    std::string name;
    cell_kind kind = cell_kind::text;
};

struct page_table {
    std::string name;
    std::vector<table_column> columns;
    std::vector<std::vector<std::string>> rows;  // the first cell names the row
    std::vector<std::string> footer;
};

std::string table_row(const page_table& table, const std::vector<std::string>& cells) {
    std::string out = "<tr>";
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
        const std::string text = escape_html(c < cells.size() ? cells[c] : "");
        const cell_kind kind = table.columns[c].kind;
        const std::string_view css = kind == cell_kind::number ? " class=\"number\"" : (kind == cell_kind::wide_text ? " class=\"wide\"" : "");
        out += c == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", css, text) : fmt::format("<td{}>{}</td>", css, text);
    }
    return out + "</tr>\n";
}

std::string render_table(const page_table& table) {
    if (table.rows.empty()) {
        return {};
    }
    std::string out = "<table><thead><tr>";
    for (const auto& column : table.columns) {
        out += fmt::format("<th scope=\"col\"{}>{}</th>", column.kind == cell_kind::number ? " class=\"number\"" : "", escape_html(column.name));
    }
    out += "</tr></thead>\n<tbody>\n";
    for (const auto& row : table.rows) {
        out += table_row(table, row);
    }
    out += "</tbody>";
    if (!table.footer.empty()) {
        out += "<tfoot>" + table_row(table, table.footer) + "</tfoot>";
    }
    return scroll_box(table.name, out + "</table>");
}

/// "1 customer", "1,426 customers"
std::string counted(std::size_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", format_count(count), count == 1 ? one : many);
}

std::string customers_word(std::size_t count) { return counted(count, "customer", "customers"); }

std::string count_and_share(std::size_t count, double share) { return fmt::format("{} ({})", format_count(count), format_percent(share)); }

std::string range_text(const interval& range, number_style style) {
    return fmt::format("{} to {}", format_value(range.low, style), format_value(range.high, style));
}

/// "a", "a and b", "a, b and c"
std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        out += (i == 0 ? "" : (i + 1 == names.size() ? " and " : ", ")) + names[i];
    }
    return out;
}

std::string sentence_case(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
        text[0] = static_cast<char>(text[0] - 'a' + 'A');
    }
    return text;
}

std::string badge(verdict value) {
    struct look {
        std::string_view css;
        std::string_view icon;
    };
    static constexpr std::array<look, 4> looks{look{"supported", "<path d=\"M3 8.5l3.2 3.2L13 4.8\"/>"},
                                               look{"partly", "<circle cx=\"8\" cy=\"8\" r=\"5.5\"/><path fill=\"currentColor\" d=\"M8 2.5a5.5 5.5 0 0 1 0 11z\"/>"},
                                               look{"not", "<path d=\"M4 4l8 8M12 4l-8 8\"/>"},
                                               look{"unknown", "<path d=\"M3.5 8h9\"/>"}};
    const look& chosen = looks[static_cast<std::size_t>(value)];
    return fmt::format("<span class=\"badge {}\"><svg viewBox=\"0 0 16 16\" aria-hidden=\"true\">{}</svg>{}</span>", chosen.css, chosen.icon,
                       escape_html(sentence_case(std::string(verdict_words(value)))));
}

std::string confidence_words(const report_data& data) {
    const double percent = 100.0 * data.support.confidence_level;
    return format_decimal(percent, percent == std::floor(percent) ? 0 : 1) + "% interval";
}

double share_of(std::size_t part, std::size_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : std::nan("");
}

// ---- the sections, in the order of the page -----------------------------------------------------------------------

/// Columns for so many cards in rows of at most `most`, all rows being as long as the others, or one card shorter.
std::size_t card_columns(std::size_t cards, std::size_t most) {
    const std::size_t rows = (cards + most - 1) / most;
    return rows > 0 ? (cards + rows - 1) / rows : 1;
}

std::string first_screen(const report_data& data) {
    std::string out = "<header class=\"first\">\n";
    out += paragraph("TravelTide" + (data.recipe.empty() ? std::string() : " \u00b7 recipe " + data.recipe), "kicker");
    out += fmt::format("<h1>{}</h1>\n", escape_html(data.title.empty() ? "Customer groups" : data.title));
    out += paragraph(overall_sentence(data), "lede");
    std::string basis = customers_word(data.customers) + ", " + counted(data.sessions, "session", "sessions");
    if (!data.first_session.empty() && !data.last_session.empty()) {
        basis += fmt::format(", from {} to {}", format_date(data.first_session), format_date(data.last_session));
    }
    out += paragraph(basis + ".", "quiet");

    const bool has_cards = !data.perks.empty() || !data.segments.segments.empty();
    if (has_cards) {
        const std::size_t cards = data.perks.empty() ? data.segments.segments.size() : data.perks.size();
        out += fmt::format("<h2 class=\"hidden\">{} at a glance</h2>\n<ul class=\"cards\" style=\"--wide:{};--narrow:{}\">\n",
                           data.perks.empty() ? "The groups" : "The perks", card_columns(cards, 5), card_columns(cards, 3));
    }
    for (const auto& perk : data.perks) {
        out += fmt::format("<li class=\"card perk\"><h3>{}</h3><span class=\"figure\">{}</span><span class=\"share\">{}<span class=\"of\"> of customers</span></span>{}</li>\n",
                           escape_html(sentence_case(perk.name)), format_count(perk.customers), format_percent(perk.share), badge(verdict_of(perk)));
    }
    if (data.perks.empty()) {
        for (const auto& segment : data.segments.segments) {
            out += fmt::format("<li class=\"card perk\"><h3>{}</h3><span class=\"figure\">{}</span><span class=\"share\">{}<span class=\"of\"> of customers</span></span></li>\n",
                               escape_html(segment.name), format_count(segment.customers), format_percent(segment.share));
        }
    }
    if (has_cards) {
        out += "</ul>\n";
    }

    const recommended_action action = action_of(data);
    if (!action.headline.empty()) {
        out += fmt::format("<div class=\"action\"><p class=\"kicker\">What to do next</p><h2>{}</h2>{}</div>\n", escape_html(action.headline),
                           paragraph(action.detail));
    }
    return out + "</header>\n";
}

struct answer {
    std::string question;
    std::string explanation;
    std::optional<bool> passed;
    std::string value;
    std::string detail;
};

std::string render_answer(const answer& one) {
    const std::string_view outcome = !one.passed ? "" : (*one.passed ? ": yes" : ": no");
    std::string out = fmt::format("<div{}><dt><b>{}{}</b><br>{}</dt>", one.passed.value_or(false) ? " class=\"yes\"" : "", escape_html(one.question),
                                  outcome, escape_html(one.explanation));
    if (!one.passed) {
        return out + "<dd class=\"quiet\">not evaluated in this version</dd></div>\n";
    }
    return out + fmt::format("<dd><span class=\"value\">{}</span><br><span class=\"quiet small\">{}</span></dd></div>\n", escape_html(one.value),
                             escape_html(one.detail));
}

std::string evidence_of(const perk_result& perk, const report_data& data) {
    const std::string interval_name = confidence_words(data);
    answer shown{"Shown", "How many customers show it?", {}, {}, {}};
    if (perk.shown) {
        shown.passed = perk.shown->passed;
        shown.value = customers_word(perk.shown->customers);
        shown.detail = fmt::format("{} of all customers; {} {}", format_percent(share_of(perk.shown->customers, data.customers)), interval_name,
                                   range_text(perk.shown->customers_interval, number_style::count));
    }
    answer distinct{"Distinct", "Do they differ in other behaviour?", {}, {}, {}};
    if (perk.distinct) {
        distinct.passed = perk.distinct->passed;
        distinct.value = fmt::format("{} {}", perk.distinct->effect_name, format_value(perk.distinct->effect, number_style::decimal));
        distinct.detail = fmt::format("on {}; {} {}", perk.distinct->metric, interval_name,
                                      range_text(perk.distinct->effect_interval, number_style::decimal));
        if (perk.distinct->metrics_tested) {
            distinct.detail += fmt::format("; {} compared", counted(*perk.distinct->metrics_tested, "behaviour", "behaviours"));
        }
    }
    answer persistent{"Persistent", "Does the habit last?", {}, {}, {}};
    if (perk.persistent) {
        persistent.passed = perk.persistent->passed;
        persistent.value = "rank correlation " + format_value(perk.persistent->rank_correlation, number_style::decimal);
        persistent.detail = fmt::format("{} {}", interval_name, range_text(perk.persistent->correlation_interval, number_style::decimal));
        if (perk.persistent->customers) {
            persistent.detail += fmt::format("; {}", customers_word(*perk.persistent->customers));
        }
    }
    return fmt::format("<article class=\"evidence\"><header><h3>{}</h3>{}</header>\n{}<dl class=\"answers\">\n{}{}{}</dl></article>\n",
                       escape_html(sentence_case(perk.name)), badge(verdict_of(perk)),
                       paragraph(perk.score_in_words.empty() ? "" : "The behaviour: " + perk.score_in_words, "behaviour quiet") + paragraph(support_sentence(perk)),
                       render_answer(shown),
                       render_answer(distinct), render_answer(persistent));
}

std::string support_section(const report_data& data) {
    if (data.perks.empty()) {
        return {};
    }
    std::string out = paragraph(
        "Giving every customer a likely favourite is easy. Whether the favourite is real is a different matter. So each perk "
        "faces three separate questions. Is the behaviour shown by enough customers? Are these customers distinct in behaviour "
        "that the score did not use? And is the habit persistent: does one half of a customer's sessions tell about the other half?");
    out += paragraph("Supported means yes to all three. Partly supported means shown and distinct. Anything else is not supported.", "quiet");
    for (const auto& perk : data.perks) {
        out += evidence_of(perk, data);
    }

    std::vector<bar_group> groups;
    std::vector<interval_row> effects;
    std::vector<interval_row> correlations;
    for (const auto& perk : data.perks) {
        const std::string name = sentence_case(perk.name);
        if (perk.shown) {
            groups.push_back({name, {static_cast<double>(perk.shown->customers), static_cast<double>(perk.customers)}});
        }
        if (perk.distinct) {
            effects.push_back({name, perk.distinct->effect, perk.distinct->effect_interval});
        }
        if (perk.persistent) {
            correlations.push_back({name, perk.persistent->rank_correlation, perk.persistent->correlation_interval});
        }
    }
    const std::string interval_note = "The dot is the estimate, the line its " + confidence_words(data) + ".";
    std::string figures;
    figures += figure("Customers who show it, and customers assigned it", "A customer can show several perks or none, and is assigned one.",
                      grouped_bar_chart({"Customers who show each perk and customers assigned it", {}}, {"show it", "assigned"}, groups,
                                        number_style::count));
    std::string distinct_note = " Zero means no difference";
    if (data.support.distinction_threshold) {
        distinct_note += fmt::format(", distinct the whole line beyond {} on either side of it", format_value(*data.support.distinction_threshold, number_style::decimal));
    }
    figures += figure("How distinct the groups are", interval_note + distinct_note + ".",
                      interval_chart({"Effect size per perk with interval", {}}, effects, {}, {}, number_style::decimal));
    figures += figure("How persistent the habits are", interval_note + " Persistent means the whole line lies right of the threshold.",
                      interval_chart({"Rank correlation between session halves per perk with interval", {}}, correlations,
                                     data.support.persistence_threshold, "threshold", number_style::decimal));
    if (!figures.empty()) {
        out += "<div class=\"trio\">\n" + figures + "</div>\n";
    }
    if (!data.support.correction.empty()) {
        out += paragraph("Correction for many comparisons: " + data.support.correction + ".", "quiet small");
    }
    return out;
}

/// Values as shares of the rim, where the rim is twice the average customer; metrics without a positive average are left out.
std::string profile_chart(const segments_section& section, const segment_result& segment) {
    std::vector<std::string> axes;
    radar_series own{segment.name, {}};
    radar_series average{"all customers", {}};
    for (std::size_t m = 0; m < section.metrics.size() && m < segment.metrics.size(); ++m) {
        const auto& metric = section.metrics[m];
        if (metric.overall && *metric.overall > 0.0 && segment.metrics[m] && *segment.metrics[m] >= 0.0) {
            axes.push_back(metric.name);
            own.values.push_back(*segment.metrics[m] / (twice_the_average * *metric.overall));
            average.values.push_back(1.0 / twice_the_average);
        }
    }
    return radar_chart({fmt::format("Profile of {} against all customers", segment.name), {}}, axes, {own, average});
}

std::string segment_card(const report_data& data, const segment_result& segment) {
    std::string out = fmt::format("<article class=\"card segment\"><h3>{}</h3><p class=\"figure\">{} <small>{} \u00b7 {}</small></p>\n", escape_html(segment.name),
                                  format_count(segment.customers), segment.customers == 1 ? "customer" : "customers", format_percent(segment.share));
    out += paragraph(segment.description);
    out += profile_chart(data.segments, segment);
    if (segment.example) {
        out += "<div class=\"persona\"><p><b>A customer near the middle</b></p>\n";
        out += paragraph(segment.example->summary);
        out += "<dl class=\"facts\">";
        if (!segment.example->user_id.empty()) {
            out += fmt::format("<dt>Customer</dt><dd>{}</dd>", escape_html(segment.example->user_id));
        }
        for (const auto& fact : segment.example->facts) {
            out += fmt::format("<dt>{}</dt><dd>{}</dd>", escape_html(fact.name), escape_html(fact.value));
        }
        out += "</dl></div>\n";
    }
    return out + "</article>\n";
}

std::string profile_table(const segments_section& section) {
    page_table table{"Segments: size and profile", {{"Segment"}, {"Customers", cell_kind::number}, {"Share", cell_kind::number}}, {}, {}};
    bool has_overall = false;
    for (const auto& metric : section.metrics) {
        table.columns.push_back({metric.name, cell_kind::number});
        has_overall = has_overall || metric.overall;
    }
    std::size_t customers = 0;
    for (const auto& segment : section.segments) {
        std::vector<std::string> row{segment.name, format_count(segment.customers), format_percent(segment.share)};
        for (std::size_t m = 0; m < section.metrics.size(); ++m) {
            row.push_back(format_value(m < segment.metrics.size() ? segment.metrics[m] : std::nullopt, section.metrics[m].style));
        }
        table.rows.push_back(std::move(row));
        customers += segment.customers;
    }
    if (has_overall) {
        table.footer = {"All customers", format_count(customers), ""};
        for (const auto& metric : section.metrics) {
            table.footer.push_back(format_value(metric.overall, metric.style));
        }
    }
    return render_table(table);
}

std::string segments_part(const report_data& data) {
    const segments_section& section = data.segments;
    if (section.segments.empty()) {
        return {};
    }
    std::string out = paragraph(section.lead);
    std::vector<bar> sizes;
    std::vector<std::string> names;
    for (const auto& segment : section.segments) {
        sizes.push_back({segment.name, static_cast<double>(segment.customers), count_and_share(segment.customers, segment.share)});
        names.push_back(segment.name);
    }
    std::string figures = figure("Size of each segment", "Customers, and share of all.", horizontal_bar_chart({"Size of each segment", {}}, sizes));
    for (const auto& one : section.distributions) {
        figures += figure(one.metric + " in each segment",
                          "The box holds the middle half of the customers, the thick line is the median." +
                              (one.whiskers.empty() ? "" : " Whiskers: " + one.whiskers + "."),
                          box_chart({one.metric + " in each segment", {}}, one.groups, one.style));
    }
    if (section.map) {
        figures += figure("Map of the customers", "Each mark is one customer. Marks that lie close together behave alike.",
                          scatter_chart({"Map of the customers by segment", {}}, section.map->x_name, section.map->y_name, names, section.map->points));
    }
    out += "<div class=\"pair\">\n" + figures + "</div>\n";
    out += profile_table(section);
    const bool has_gaps = std::any_of(section.segments.begin(), section.segments.end(), [](const auto& segment) {
        return std::any_of(segment.metrics.begin(), segment.metrics.end(), [](const auto& value) { return !value; });
    });
    if (has_gaps) {
        out += paragraph(fmt::format("{}: fewer than {} customers of the segment have this figure.", no_value, fewest_customers_of_a_mean), "quiet small");
    }

    out += "<h3 class=\"gap\">Segment by segment</h3>\n";
    const bool has_profile = std::any_of(section.segments.begin(), section.segments.end(),
                                         [&](const auto& segment) { return !profile_chart(section, segment).empty(); });
    if (has_profile) {
        out += paragraph(fmt::format("Filled shape: the segment. Dashed ring: the average customer. The rim is {} times the average or more.",
                                     format_decimal(twice_the_average, 0)),
                         "quiet small");
    }
    out += "<div class=\"grid\">\n";
    for (const auto& segment : section.segments) {
        out += segment_card(data, segment);
    }
    return out + "</div>\n";
}

std::string perk_by_segment_section(const report_data& data) {
    std::vector<std::string> rows;
    std::vector<std::string> columns;
    std::vector<std::vector<heat_cell>> cells;
    for (const auto& perk : data.perks) {
        columns.push_back(sentence_case(perk.name));
    }
    double deepest = 0.0;
    for (const auto& segment : data.segments.segments) {
        if (segment.perk_customers.empty()) {
            continue;
        }
        rows.push_back(segment.name);
        cells.emplace_back();
        for (const std::size_t count : segment.perk_customers) {
            const double share = share_of(count, segment.customers);
            cells.back().push_back({share, format_percent(share), format_count(count)});
            deepest = std::max(deepest, std::isfinite(share) ? share : 0.0);
        }
    }
    if (rows.empty() || columns.empty()) {
        return {};
    }
    for (auto& row : cells) {
        for (auto& cell : row) {
            cell.value = deepest > 0.0 ? cell.value / deepest : 0.0;
        }
    }
    return paragraph("Read along a row: of the customers in this segment, which share is assigned each perk? Deeper colour is a larger share; "
                     "the small figure is the number of customers.") +
           scroll_box("Perk by segment", heat_map({"Share of each segment assigned each perk", {}}, rows, columns, cells));
}

std::string funnel_section(const report_data& data) {
    std::string figures = figure("From raw rows to the customers analysed", "Bars are compared within the same unit.",
                                 funnel_chart({"From raw rows to the customers analysed", {}}, data.funnel));
    if (!data.facts.empty()) {
        figures += "<div class=\"card\"><h3>The customers in numbers</h3><dl class=\"facts small\">";
        for (const auto& fact : data.facts) {
            figures += fmt::format("<dt>{}</dt><dd>{}</dd>", escape_html(fact.name), escape_html(format_value(fact.value, fact.style)));
        }
        figures += "</dl></div>\n";
    }
    return figures.empty() ? std::string() : "<div class=\"pair\">\n" + figures + "</div>\n";
}

std::string notes_part(const std::vector<std::string>& notes) {
    std::string out;
    for (const auto& note : notes) {
        out += paragraph("Note: " + note, "warning");
    }
    return out;
}

std::string quality_section(const report_data& data) {
    std::string out;
    if (!data.quality.empty()) {
        out += paragraph("Rows have flaws. None was dropped in silence: each is counted here, with what was done about it.");
        page_table table{"Flaws found in the data",
                         {{"What was found", cell_kind::wide_text}, {"Rows", cell_kind::number}, {"Share", cell_kind::number}, {"What was done", cell_kind::wide_text}},
                         {},
                         {}};
        for (const auto& finding : data.quality) {
            std::string share(no_value);
            if (finding.out_of) {
                share = fmt::format("{} of {}", format_percent(share_of(finding.rows, *finding.out_of)), format_count(*finding.out_of));
            }
            table.rows.push_back({finding.found, format_count(finding.rows), share, finding.treatment});
        }
        out += render_table(table);
    }
    return out + notes_part(data.warnings);
}

std::string rules_part(const report_data& data) {
    if (!data.rules || data.rules->rules.empty()) {
        return {};
    }
    const rules_section& section = *data.rules;
    const auto idle = static_cast<std::size_t>(std::count_if(section.rules.begin(), section.rules.end(), [](const auto& rule) { return rule.taken == 0; }));
    std::string out = paragraph(section.lead);
    out += paragraph("Rules are tried from top to bottom, and the first that is true decides. A rule can be true for a customer and yet not be "
                     "taken, because an earlier rule took the customer first. Unknown means that a value the rule needs is missing.");
    std::string summary = fmt::format("Rules that never take a customer here: {} of {}.", format_count(idle), format_count(section.rules.size()));
    if (section.without_rule) {
        summary += *section.without_rule == 0 ? " Every customer is taken by a rule."
                                              : fmt::format(" Customers taken by no rule: {}.", format_count(*section.without_rule));
    }
    out += paragraph(summary);
    page_table table{"Coverage of the rules",
                     {{"Rule"}, {"True", cell_kind::number}, {"False", cell_kind::number}, {"Unknown", cell_kind::number}, {"Taken", cell_kind::number},
                      {"Share", cell_kind::number}, {"Shadowed by"}, {"Status"}},
                     {},
                     {}};
    for (const auto& rule : section.rules) {
        table.rows.push_back({rule.name, format_count(rule.true_customers), format_count(rule.false_customers), format_count(rule.unknown_customers),
                              format_count(rule.taken), format_percent(share_of(rule.taken, data.customers)),
                              rule.shadowed_by.empty() ? std::string(no_value) : rule.shadowed_by, rule.status});
    }
    return out + render_table(table) + (data.model ? std::string() : notes_part(data.notes));
}

std::string components_part(const model_quality& model) {
    std::vector<bar> bars;
    double sum = 0.0;
    bool readings = false;
    for (const auto& one : model.components) {
        sum += one.explained_variance_ratio;
        bars.push_back({one.name, one.explained_variance_ratio,
                        fmt::format("{} (together {})", format_percent(one.explained_variance_ratio), format_percent(sum))});
        readings = readings || !one.reading.empty();
    }
    std::string chart = horizontal_bar_chart({"Share of the differences between customers that each direction holds", {}}, bars, {.full_scale = 1.0});
    if (chart.empty()) {
        return {};
    }
    if (readings) {
        chart += "<dl class=\"facts small\">";
        for (const auto& one : model.components) {
            chart += fmt::format("<dt>{}</dt><dd>{}</dd>", escape_html(one.name), escape_html(one.reading));
        }
        chart += "</dl>";
    }
    return figure("Main directions of behaviour (PCA)", "How much of the differences between customers each direction holds.", chart);
}

std::string trials_part(const model_quality& model) {
    struct measure {
        std::string_view name;
        std::string_view caption;
        std::optional<double> cluster_trial::*value;
    };
    static constexpr std::array<measure, 5> measures{
        measure{"Inertia", "Distance left inside the groups; look for the elbow.", &cluster_trial::inertia},
        measure{"Silhouette", "How well apart the groups are; higher is better.", &cluster_trial::silhouette},
        measure{"Calinski-Harabasz", "Spread between groups over spread within; higher is better.", &cluster_trial::calinski_harabasz},
        measure{"Davies-Bouldin", "Overlap of the closest groups; lower is better.", &cluster_trial::davies_bouldin},
        measure{"Stability", "Agreement between seeds (adjusted Rand); higher is better.", &cluster_trial::stability}};
    std::optional<double> used;
    if (model.n_clusters) {
        used = static_cast<double>(*model.n_clusters);
    }
    std::string figures;
    page_table table{"Quality for each number of groups", {{"Groups"}}, {}, {}};
    std::vector<const measure*> present;
    for (const auto& one : measures) {
        std::vector<line_point> points;
        for (const auto& trial : model.trials) {
            if (trial.*one.value) {
                points.push_back({static_cast<double>(trial.n_clusters), *(trial.*one.value)});
            }
        }
        if (points.empty()) {
            continue;
        }
        present.push_back(&one);
        table.columns.push_back({std::string(one.name), cell_kind::number});
        if (present.size() <= 2) {   // the two that marketing reads; the table has them all
            figures += figure(one.name, one.caption, line_chart({std::string(one.name) + " for each number of groups", {}}, "number of groups", points,
                                                                number_style::decimal, used));
        }
    }
    for (const auto& trial : model.trials) {
        table.rows.push_back({format_count(trial.n_clusters) + (model.n_clusters == trial.n_clusters ? " (used)" : "")});
        for (const auto* one : present) {
            table.rows.back().push_back(format_value(trial.*(one->value), number_style::decimal));
        }
    }
    if (present.empty()) {
        return {};
    }
    std::string explained;    // of those without a chart, whose caption is all that says what they are
    for (std::size_t i = 2; i < present.size(); ++i) {
        explained += fmt::format("{}{}: {}", i > 2 ? " " : "", present[i]->name, present[i]->caption);
    }
    return "<div class=\"pair\">\n" + figures + "</div>\n" + render_table(table) + paragraph(explained, "quiet");
}

std::string model_section(const report_data& data) {
    if (!data.model) {
        return {};
    }
    const model_quality& model = *data.model;
    std::string out = paragraph(model.lead);
    if (model.n_clusters) {
        double customers = 0;    // fewer than all of them where some cannot be compared
        for (const auto& one : model.cluster_sizes) {
            customers += one.value;
        }
        std::string sentence = fmt::format("{} are split into {} groups.", customers > 0 ? customers_word(static_cast<std::size_t>(customers)) : "The customers",
                                           format_count(*model.n_clusters));
        if (!model.choice_reason.empty()) {
            sentence += " " + model.choice_reason;
        }
        out += paragraph(sentence);
    }
    if (model.silhouette) {
        out += paragraph(fmt::format("The silhouette is {}, computed on {}. It runs from \u22121 to 1; near 0 the groups run into each other, near 1 they "
                                     "lie far apart.",
                                     format_value(*model.silhouette, number_style::decimal),
                                     model.silhouette_rows ? "a sample of " + customers_word(*model.silhouette_rows) : "all of them"));
    }
    if (model.inertia) {
        out += paragraph(fmt::format("The inertia, the squared distance left inside the groups, is {}.", format_value(*model.inertia, number_style::decimal)));
    }
    out += notes_part(data.notes);
    std::string figures = components_part(model);
    std::vector<bar> sizes;
    for (const auto& one : model.cluster_sizes) {
        sizes.push_back({one.name, one.value, format_value(one.value, one.style)});
    }
    figures += figure("Size of each cluster", {}, horizontal_bar_chart({"Size of each cluster", {}}, sizes));
    if (!figures.empty()) {
        out += "<div class=\"pair\">\n" + figures + "</div>\n";
    }
    return out + trials_part(model);
}

std::string table_part(const table_section& section) {
    page_table table{section.title, {}, section.rows, {}};
    for (std::size_t c = 0; c < section.columns.size(); ++c) {
        // A column of figures is set as one: to the right, in one line.
        const bool numeric = c > 0 && !section.rows.empty() && std::all_of(section.rows.begin(), section.rows.end(), [&](const auto& row) {
            const std::string_view cell = c < row.size() ? std::string_view(row[c]) : std::string_view();
            return cell.empty() || cell == no_value || cell.find_first_of("0123456789") <= (cell.rfind("\u2212", 0) == 0 ? 4U : 1U);
        });
        table.columns.push_back({section.columns[c], numeric ? cell_kind::number : cell_kind::text});
    }
    const std::string body = render_table(table);
    return body.empty() && section.lead.empty() ? std::string() : paragraph(section.lead) + body;
}

std::string method_section(const report_data& data) {
    std::string out;
    const bool has_words = std::any_of(data.perks.begin(), data.perks.end(),
                                       [](const auto& perk) { return !perk.score_in_words.empty() || !perk.score_parts.empty(); });
    if (data.method.empty() && !has_words && data.recipe_in_words.empty()) {
        return {};
    }
    out += "<div class=\"prose\">\n" + paragraph(data.recipe_in_words);
    for (const auto& item : data.method) {
        out += (item.name.empty() ? "" : fmt::format("<h3>{}</h3>\n", escape_html(item.name))) + paragraph(item.value);
    }
    out += "</div>\n";
    page_table table{"What each perk's score is made of",
                     {{"Perk"}, {"Behaviour", cell_kind::wide_text}, {"Weight", cell_kind::number}, {"Counts only for", cell_kind::wide_text},
                      {"They are", cell_kind::number}},
                     {},
                     {}};
    if (has_words) {
        out += "<div class=\"prose\"><h3>The score of each perk</h3>\n<ul>\n";
        for (const auto& perk : data.perks) {
            if (!perk.score_in_words.empty()) {
                out += fmt::format("<li><b>{}.</b> {}</li>\n", escape_html(sentence_case(perk.name)), escape_html(perk.score_in_words));
            }
            for (const auto& part : perk.score_parts) {
                table.rows.push_back({sentence_case(perk.name), part.behaviour, format_value(part.weight, number_style::decimal),
                                      part.gate.empty() ? "everyone" : part.gate,
                                      part.gate_share ? format_percent(*part.gate_share) + " of customers" : std::string(no_value)});
            }
        }
        out += "</ul></div>\n" + render_table(table);
    }
    return out;
}

std::string ab_part(const ab_plan& plan) {
    if (plan.cases.empty()) {
        return {};
    }
    const std::size_t comparisons = std::max<std::size_t>(1, plan.comparisons);
    const test_strength strength{plan.significance / static_cast<double>(comparisons), plan.power};
    std::string out = "<h3 class=\"gap\">The A/B test</h3>\n" + paragraph(plan.lead);
    out += paragraph(fmt::format("Where there are enough customers, a real improvement of the size below is found in {} of 100 such tests; a difference that is "
                                 "not there is seen in at most {} of 100{}.",
                                 format_decimal(100.0 * plan.power, 0), format_decimal(100.0 * plan.significance, 0),
                                 comparisons > 1 ? fmt::format(", over all {} tests together", format_count(comparisons)) : ""));
    const bool has_available = std::any_of(plan.cases.begin(), plan.cases.end(), [](const auto& one) { return one.available.has_value(); });
    page_table table{"Customers needed for the A/B test",
                     {{"Perk"}, {"Rate now", cell_kind::number}, {"Rate hoped for", cell_kind::number}, {"Needed per group", cell_kind::number},
                      {"Needed in total", cell_kind::number}},
                     {},
                     {}};
    if (has_available) {
        table.columns.push_back({"Available", cell_kind::number});
        table.columns.push_back({"Enough?"});
        table.columns.push_back({"Smallest rate they can show", cell_kind::number});
    }
    bool too_few = false;
    for (const auto& one : plan.cases) {
        std::vector<std::string> row{sentence_case(one.name), format_percent(one.baseline_rate), format_percent(one.target_rate)};
        const bool possible = one.baseline_rate >= 0.0 && one.baseline_rate <= 1.0 && one.target_rate >= 0.0 && one.target_rate <= 1.0 &&
                              one.baseline_rate != one.target_rate;
        std::optional<std::size_t> group;
        if (possible) {
            group = group_size_for_two_rates(one.baseline_rate, one.target_rate, strength);
        }
        row.push_back(group ? format_count(*group) : std::string(no_value));
        row.push_back(group ? format_count(2 * *group) : std::string(no_value));
        if (has_available) {
            row.push_back(one.available ? format_count(*one.available) : std::string(no_value));
            const bool enough = group && one.available && *one.available >= 2 * *group;
            too_few = too_few || (group && one.available && !enough);
            row.push_back(group && one.available ? (enough ? "yes" : "no") : std::string(no_value));
            const auto smallest = one.available ? smallest_detectable_rate(one.baseline_rate, *one.available / 2, strength) : std::nullopt;
            row.push_back(smallest ? format_percent(*smallest) : std::string(no_value));
        }
        table.rows.push_back(std::move(row));
    }
    out += render_table(table);
    if (too_few) {
        out += paragraph("Where there are not enough customers, either look for a larger improvement, or test on all customers instead of the assigned ones.",
                         "quiet small");
    }
    return out + paragraph(fmt::format("Sizes: two-sided test of two proportions, significance {}{}, power {}, equal groups.",
                                       format_percent(plan.significance),
                                       comparisons > 1 ? fmt::format(" divided by {} tests", format_count(comparisons)) : "", format_percent(plan.power)),
                           "quiet small");
}

std::string success_section(const report_data& data) {
    std::string out;
    page_table table{"Success measures", {{"Measure"}, {"How it is measured", cell_kind::wide_text}, {"Today", cell_kind::number}}, {}, {}};
    for (const auto& measure : data.success) {
        table.rows.push_back({measure.name, measure.how,
                              measure.baseline ? format_value(measure.baseline->value, measure.baseline->style) +
                                                     (measure.baseline->name.empty() ? "" : " (" + measure.baseline->name + ")")
                                               : std::string(no_value)});
    }
    out += render_table(table);
    return data.ab_test ? out + ab_part(*data.ab_test) : out;
}

std::string limits_section(const report_data& data) {
    if (data.limits.empty()) {
        return {};
    }
    std::string out = "<ul class=\"plain\">\n";
    for (const auto& limit : data.limits) {
        out += fmt::format("<li>{}</li>\n", escape_html(limit));
    }
    return out + "</ul>\n";
}

std::string parameters_section(const report_data& data) {
    page_table table{"Parameters of the run", {{"Parameter"}, {"Value", cell_kind::wide_text}}, {}, {}};
    const auto put = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) {
            table.rows.push_back({std::string(name), value});
        }
    };
    put("Recipe", data.recipe);
    put("Reference date", format_date(data.reference_date));
    put("Date of the run", format_date(data.generated));
    put("Version", data.version);
    for (const auto& one : data.parameters) {
        put(one.name, one.value.empty() ? std::string(no_value) : one.value);
    }
    return render_table(table);
}

}  // namespace

// ---- verdicts -----------------------------------------------------------------------------------------------------

verdict verdict_of(const perk_result& perk) {
    const bool failed_first_two = (perk.shown && !perk.shown->passed) || (perk.distinct && !perk.distinct->passed);
    if (failed_first_two) {
        return verdict::not_supported;   // whatever the third answer would be
    }
    if (!perk.shown || !perk.distinct || !perk.persistent) {
        return verdict::not_evaluated;
    }
    return perk.persistent->passed ? verdict::supported : verdict::partly_supported;
}

std::string_view verdict_words(verdict value) {
    static constexpr std::array<std::string_view, 4> words{"supported", "partly supported", "not supported", "not evaluated yet"};
    return words[static_cast<std::size_t>(value)];
}

std::string support_sentence(const perk_result& perk) {
    if (!perk.sentence.empty()) {
        return perk.sentence;
    }
    if (!perk.shown && !perk.distinct && !perk.persistent) {
        return "These customers score highest for this perk; whether the data supports it was not evaluated in this version.";
    }
    // One short sentence per answer; "but" where the news turns bad, "also" where it goes on.
    std::vector<std::string> sentences;
    bool good_so_far = false;
    if (perk.shown) {
        sentences.push_back(fmt::format("{} {} this behaviour{}.", customers_word(perk.shown->customers), perk.shown->customers == 1 ? "shows" : "show",
                                        perk.shown->passed ? "" : ", which is too few to rely on"));
        good_so_far = perk.shown->passed;
    }
    if (perk.distinct) {
        sentences.push_back(perk.distinct->passed
                                ? fmt::format("They {}differ from other customers in ways that the score does not use.", good_so_far ? "also " : "")
                                : fmt::format("{} do not clearly differ from other customers in anything else.", good_so_far ? "But they" : "They"));
        good_so_far = perk.distinct->passed;
    }
    if (perk.persistent) {
        sentences.push_back(perk.persistent->passed
                                ? "The habit lasts: one half of their sessions tells about the other half."
                                : fmt::format("{} habit does not last: one half of their sessions does not tell about the other half.",
                                              good_so_far ? "But the" : "The"));
    }
    std::string out;
    for (const auto& sentence : sentences) {
        out += (out.empty() ? "" : " ") + sentence;
    }
    return out;
}

namespace {

std::vector<std::string> perks_with(const report_data& data, verdict wanted) {
    std::vector<std::string> names;
    for (const auto& perk : data.perks) {
        if (verdict_of(perk) == wanted) {
            names.push_back(perk.name);
        }
    }
    return names;
}

}  // namespace

std::string overall_sentence(const report_data& data) {
    if (data.perks.empty()) {
        return {};
    }
    const auto supported = perks_with(data, verdict::supported);
    const auto partly = perks_with(data, verdict::partly_supported);
    const auto unknown = perks_with(data, verdict::not_evaluated);
    if (unknown.size() == data.perks.size()) {
        return fmt::format("Every customer has one likely favourite out of {}. Whether the data supports it is not evaluated yet.",
                           counted(data.perks.size(), "perk", "perks"));
    }
    std::string out = supported.empty() ? fmt::format("The data does not fully support any of the {}", counted(data.perks.size() - unknown.size(), "perk", "perks")) +
                                              (unknown.empty() ? "." : " evaluated.")
                                        : fmt::format("The data supports {}.", listed(supported));
    if (!partly.empty()) {
        out += fmt::format(" Partly supported: {}.", listed(partly));
    }
    if (!unknown.empty()) {
        out += fmt::format(" Not evaluated yet: {}.", listed(unknown));
    }
    return out;
}

recommended_action action_of(const report_data& data) {
    if (!data.action.headline.empty() || data.perks.empty()) {
        return data.action;
    }
    const auto supported = perks_with(data, verdict::supported);
    const std::string sizes = data.ab_test && !data.ab_test->cases.empty() ? " The sizes are worked out below." : "";
    if (supported.size() == data.perks.size()) {
        return {"Invite the customers, and keep a control group",
                "All perks are supported by the data. Hold back a random part of each group, so that the gain can be measured." + sizes};
    }
    if (!supported.empty()) {
        return {"Start with " + listed(supported) + "; test the rest first",
                "Pay at once only for what the data supports. Run an A/B test of the other perks before money is spent on them." + sizes};
    }
    return {"Run an A/B test before money is spent",
            "Use the assignment to decide who may get which perk, but invite only a random half of each group with it, and the other half without. "
            "Pay for a perk in full when the half with it books more, by more than chance explains." + sizes};
}

// ---- the page -----------------------------------------------------------------------------------------------------

std::string render_report(const report_data& data) {
    struct section {
        std::string id;
        std::string title;
        std::string body;
    };
    std::vector<section> sections{
        {"support", "Does the data support each perk?", support_section(data)},
        {"segments", "Who the customers are", segments_part(data)},
        {"perk-by-segment", "Which perk in which segment", perk_by_segment_section(data)},
        {"funnel", "From raw rows to customers", funnel_section(data)},
        {"quality", "What was wrong in the data", quality_section(data)},
        {"rules", "What each rule does", rules_part(data)},
        {"model", "How good the grouping is", model_section(data)},
    };
    for (std::size_t i = 0; i < data.more.size(); ++i) {
        sections.push_back({fmt::format("more-{}", i + 1), data.more[i].title, table_part(data.more[i])});
    }
    sections.push_back({"method", data.perks.empty() ? "How it is computed" : "How the scores are computed", method_section(data)});
    sections.push_back({"success", "How success would be measured", success_section(data)});
    sections.push_back({"limits", "What this cannot tell", limits_section(data)});
    sections.push_back({"parameters", "Parameters of the run", parameters_section(data)});
    sections.erase(std::remove_if(sections.begin(), sections.end(), [](const auto& one) { return one.body.empty(); }), sections.end());

    const std::string title = data.title.empty() ? "Customer groups" : data.title;
    std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n";
    out += fmt::format("<title>{}</title>\n<style>", escape_html(title));
    out += page_styles;
    out += chart_styles();
    out += "</style>\n</head>\n<body>\n<main>\n";
    out += first_screen(data);
    if (!sections.empty()) {
        out += "<nav aria-label=\"Contents\"><ol>\n";
        for (const auto& one : sections) {
            out += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", one.id, escape_html(one.title));
        }
        out += "</ol></nav>\n";
    }
    for (const auto& one : sections) {
        out += fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n{2}</section>\n", one.id,
                           escape_html(one.title), one.body);
    }
    out += "</main>\n<footer><p>Every number on this page was computed by the run that wrote it";
    if (!data.generated.empty()) {
        out += ", on " + escape_html(format_date(data.generated));
    }
    out += data.version.empty() ? "." : ", version " + escape_html(data.version) + ".";
    return out + "</p></footer>\n</body>\n</html>\n";
}

}  // namespace traveltide
