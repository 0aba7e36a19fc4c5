#include "charts.hpp"

#include "text_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

namespace traveltide {

namespace {

constexpr double left_edge = 4.0;    // plots keep this many percent free on either side, for marks on the rim
constexpr double right_edge = 96.0;

/// Breaks at spaces so that no line is longer than `width` letters, unless one word is.
std::vector<std::string> wrap_words(std::string_view text, std::size_t width) {
    const auto letters = [](std::string_view piece) {
        return static_cast<std::size_t>(std::count_if(piece.begin(), piece.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;   // continuation bytes of UTF-8 are no letters
        }));
    };
    std::vector<std::string> lines;
    std::size_t start = 0;
    while (start <= text.size()) {
        const std::size_t end = std::min(text.find(' ', start), text.size());
        const std::string_view word = text.substr(start, end - start);
        if (!word.empty()) {
            if (!lines.empty() && letters(lines.back()) + 1 + letters(word) <= width) {
                lines.back().append(" ").append(word);
            } else {
                lines.emplace_back(word);
            }
        }
        start = end + 1;
    }
    return lines;
}

/// Names the chart's title and description within the page: the same chart always gets the same name.
std::string stable_id(std::string_view content) {
    std::uint64_t hash = 1469598103934665603ULL;
    for (const char c : content) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    return fmt::format("chart-{:016x}", hash);
}

std::string frame(std::string_view kind, const chart_text& text, const std::string& data_in_words, const std::string& size,
                  const std::string& body) {
    const std::string& description = text.description.empty() ? data_in_words : text.description;
    const std::string id = stable_id(fmt::format("{}|{}|{}|{}", kind, text.title, description, body));
    return fmt::format(
        "<svg class=\"chart {}\" {} role=\"img\" aria-labelledby=\"{}-t {}-d\">"
        "<title id=\"{}-t\">{}</title><desc id=\"{}-d\">{}</desc>{}</svg>\n",
        kind, size, id, id, id, escape_html(text.title), id, escape_html(description), body);
}

std::string fluid(double height) { return fmt::format("width=\"100%\" height=\"{:.0f}\"", height); }

std::string text_at(std::string_view css, double x_percent, double y, std::string_view anchor, std::string_view content) {
    return fmt::format("<text class=\"{}\" x=\"{:.2f}%\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", css, x_percent, y, anchor,
                       escape_html(content));
}

/// Label lines from the left edge; gives the y below the last line.
double put_label(std::string& body, std::string_view label, double top, std::size_t width = 34) {
    for (const auto& line : wrap_words(label, width)) {
        top += 17.0;
        body += text_at("c-label", 0.0, top, "start", line);
    }
    return top;
}

bool usable(double value) { return std::isfinite(value); }

struct axis_range {
    double low = 0.0;
    double high = 1.0;
    double place(double value) const {
        return high > low ? left_edge + (value - low) / (high - low) * (right_edge - left_edge) : 50.0;
    }
};

/// Round numbers between low and high, at most about `wanted` of them.
std::vector<double> round_ticks(const axis_range& range, int wanted) {
    const double span = range.high - range.low;
    if (!(span > 0.0)) {
        return {range.low};
    }
    const double rough = span / wanted;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    double step = 10.0 * power;
    for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
        if (factor * power >= rough) {
            step = factor * power;
            break;
        }
    }
    std::vector<double> ticks;
    for (double k = std::ceil(range.low / step); k * step <= range.high + 1e-9 * span; k += 1.0) {
        ticks.push_back(k * step == 0.0 ? 0.0 : k * step);
    }
    return ticks;
}

/// Ticks need no more digits than their distance.
std::string tick_text(double value, const std::vector<double>& ticks, number_style style) {
    if (style == number_style::percent) {
        const double distance = ticks.size() > 1 ? ticks[1] - ticks[0] : 1.0;
        return format_decimal(100.0 * value, distance < 0.0099 ? 1 : 0) + "%";
    }
    const double distance = ticks.size() > 1 ? ticks[1] - ticks[0] : 1.0;
    const int digits = distance >= 1.0 ? (distance < 10.0 && distance != std::floor(distance) ? 1 : 0)
                                       : std::min(6, static_cast<int>(std::ceil(-std::log10(distance) - 1e-9)) +
                                                         (std::fabs(distance / std::pow(10.0, std::floor(std::log10(distance))) - 2.5) < 1e-6 ? 1 : 0));
    const std::string number = format_decimal(std::fabs(value), digits);
    return std::string(value < 0.0 ? "\u2212" : "") + (style == number_style::money ? "$" : "") + number;
}

/// Short grid lines beside one row's mark; they stop short of the row's label.
std::string rulers(const std::vector<double>& ticks, const axis_range& range, double from, double to) {
    std::string out;
    for (const double tick : ticks) {
        out += fmt::format("<line class=\"{0}\" x1=\"{1:.2f}%\" x2=\"{1:.2f}%\" y1=\"{2:.1f}\" y2=\"{3:.1f}\"/>", tick == 0.0 ? "c-rule-strong" : "c-rule",
                           range.place(tick), from, to);
    }
    return out;
}

std::string marker(std::size_t group, double x_percent, double y, double size) {
    // A path cannot be placed in percent, a nested <svg> can.
    static constexpr std::array<std::string_view, 7> shapes{
        "M-1 0A1 1 0 1 0 1 0A1 1 0 1 0 -1 0Z",                        // circle
        "M-.9-.9H.9V.9H-.9Z",                                         // square
        "M0-1.2L1.1.8H-1.1Z",                                         // triangle
        "M0-1.3L1.3 0L0 1.3L-1.3 0Z",                                 // diamond
        "M-.35-1.1H.35V-.35H1.1V.35H.35V1.1H-.35V.35H-1.1V-.35H-.35Z",  // plus
        "M0 1.2L1.1-.8H-1.1Z",                                        // triangle down
        "M-1.2-.4H1.2V.4H-1.2Z",                                      // dash
    };
    return fmt::format("<svg x=\"{:.2f}%\" y=\"{:.1f}\" overflow=\"visible\"><path class=\"c-fill-{}\" d=\"{}\" transform=\"scale({:.1f})\"/></svg>",
                       x_percent, y, group % shapes.size() + 1, shapes[(group + group / shapes.size()) % shapes.size()], size);
}

}  // namespace

std::string_view chart_styles() {
    return R"css(
.chart{--c-1:#0b6470;--c-2:#c8760a;--c-3:#7a4f9a;--c-4:#2f7fc4;--c-5:#b0405a;--c-6:#6b7414;--c-7:#6a7276;--c-ink:#1d2629;--c-quiet:#586468;--c-rule:#dcd9d0;--c-track:#efede6;--c-heat:#0a4f59;--c-heat-ink:#fff;--c-paper:#fff;
display:block;overflow:visible;max-width:100%;font-family:inherit;font-size:13.5px}
@media (prefers-color-scheme:dark){.chart{--c-1:#63bfca;--c-2:#e9a64a;--c-3:#b79ad6;--c-4:#7fb6ea;--c-5:#e58a9d;--c-6:#b9c25a;--c-7:#a3adb0;--c-ink:#e6ebea;--c-quiet:#a2afb2;--c-rule:#324044;--c-track:#243034;--c-heat:#7fd3dd;--c-heat-ink:#0c1a1d;--c-paper:#182225}}
@media print{.chart{--c-1:#0b6470;--c-2:#c8760a;--c-3:#7a4f9a;--c-4:#2f7fc4;--c-5:#b0405a;--c-6:#6b7414;--c-7:#6a7276;--c-ink:#1d2629;--c-quiet:#586468;--c-rule:#dcd9d0;--c-track:#efede6;--c-heat:#0a4f59;--c-heat-ink:#fff;--c-paper:#fff;print-color-adjust:exact;-webkit-print-color-adjust:exact}}
.c-label{fill:var(--c-ink)}.c-value{fill:var(--c-ink);font-weight:600;font-variant-numeric:tabular-nums}.c-quiet{fill:var(--c-quiet);font-size:12px;font-variant-numeric:tabular-nums}.c-head{fill:var(--c-quiet);font-size:12.5px}
.c-track{fill:var(--c-track)}.c-rule{stroke:var(--c-rule);stroke-width:1}.c-rule-strong{stroke:var(--c-quiet);stroke-width:1.25}.c-reference{stroke:var(--c-2);stroke-width:1.5;stroke-dasharray:4 3}.c-reference-text{fill:var(--c-ink);font-size:12px}
.c-fill-1{fill:var(--c-1)}.c-fill-2{fill:var(--c-2)}.c-fill-3{fill:var(--c-3)}.c-fill-4{fill:var(--c-4)}.c-fill-5{fill:var(--c-5)}.c-fill-6{fill:var(--c-6)}.c-fill-7{fill:var(--c-7)}
.c-line{stroke:var(--c-1);stroke-width:2;fill:none}.c-dot{fill:var(--c-1);stroke:var(--c-paper);stroke-width:2}.c-dot-open{fill:var(--c-paper);stroke:var(--c-1);stroke-width:2}
.c-box{fill:var(--c-1);fill-opacity:.22;stroke:var(--c-1);stroke-width:1.5}.c-median{stroke:var(--c-1);stroke-width:3}
.c-heat{fill:var(--c-heat)}.c-heat-frame{fill:none;stroke:var(--c-rule)}.c-heat-low{fill:var(--c-ink);font-weight:600;font-variant-numeric:tabular-nums}.c-heat-high{fill:var(--c-heat-ink);font-weight:600;font-variant-numeric:tabular-nums}.c-heat-low-note{fill:var(--c-ink);font-size:11.5px}.c-heat-high-note{fill:var(--c-heat-ink);font-size:11.5px}
.c-area{fill:var(--c-1);fill-opacity:.2;stroke:var(--c-1);stroke-width:2;stroke-linejoin:round}.c-outline{fill:none;stroke:var(--c-quiet);stroke-width:1.5;stroke-dasharray:5 4}.c-ring{fill:none;stroke:var(--c-rule)}
.chart.scatter path{fill-opacity:.62}.chart.scatter .c-key path{fill-opacity:1}.chart.radar{max-width:21rem;margin-inline:auto}.chart.heat{min-width:40rem}
)css";
}

std::string horizontal_bar_chart(const chart_text& text, const std::vector<bar>& bars, const bar_options& options) {
    if (bars.empty()) {
        return {};
    }
    double full = options.full_scale.value_or(0.0);
    if (!options.full_scale) {
        for (const auto& one : bars) {
            full = usable(one.value) ? std::max(full, one.value) : full;
        }
    }
    std::string body;
    std::string words;
    double y = 0.0;
    for (const auto& one : bars) {
        const std::string value = one.value_text.empty() ? format_decimal(one.value, 0) : one.value_text;
        const double width = full > 0.0 && usable(one.value) ? std::clamp(100.0 * one.value / full, 0.0, 100.0) : 0.0;
        body += text_at("c-value", 100.0, y + 17.0, "end", value);
        const double bottom = put_label(body, one.label, y, 32);
        body += fmt::format("<rect class=\"c-track\" x=\"0\" y=\"{0:.0f}\" width=\"100%\" height=\"10\" rx=\"3\"/>"
                            "<rect class=\"c-fill-1\" x=\"0\" y=\"{0:.0f}\" width=\"{1:.2f}%\" height=\"10\" rx=\"3\"/>",
                            bottom + 7.0, width);
        words += fmt::format("{}: {}. ", one.label, value);
        y = bottom + 31.0;
    }
    return frame("bars", text, words, fluid(y - 12.0), body);
}

std::string grouped_bar_chart(const chart_text& text, const std::vector<std::string>& series, const std::vector<bar_group>& groups,
                              number_style style) {
    if (series.empty() || groups.empty()) {
        return {};
    }
    double full = 0.0;
    for (const auto& group : groups) {
        for (const double value : group.values) {
            full = usable(value) ? std::max(full, value) : full;
        }
    }
    std::string body;
    std::string words;
    double y = 0.0;
    for (const auto& group : groups) {
        y = put_label(body, group.label, y, 44) + 8.0;
        words += group.label + ": ";
        for (std::size_t s = 0; s < series.size(); ++s) {
            const double value = s < group.values.size() ? group.values[s] : std::nan("");
            const double width = full > 0.0 && usable(value) ? std::clamp(62.0 * value / full, 0.0, 62.0) : 0.0;
            const std::string label = fmt::format("{} {}", format_value(value, style), series[s]);
            body += fmt::format("<rect class=\"c-fill-{}\" x=\"0\" y=\"{:.0f}\" width=\"{:.2f}%\" height=\"14\" rx=\"3\"{}/>", s % 7 + 1, y, width,
                                s == 0 ? "" : " fill-opacity=\".75\"");
            body += fmt::format("<svg x=\"{:.2f}%\" y=\"{:.0f}\" overflow=\"visible\"><text class=\"c-quiet\" x=\"7\" y=\"11.5\">{}</text></svg>", width, y,
                                escape_html(label));
            words += label + (s + 1 < series.size() ? ", " : ". ");
            y += 18.0;
        }
        y += 10.0;
    }
    return frame("grouped", text, words, fluid(y - 8.0), body);
}

std::string funnel_chart(const chart_text& text, const std::vector<funnel_step>& steps) {
    if (steps.empty()) {
        return {};
    }
    std::string body;
    std::string words;
    double y = 0.0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto& step = steps[i];
        const auto largest = std::max_element(steps.begin(), steps.end(), [&](const auto& a, const auto& b) {
            return (a.unit == step.unit ? a.count : 0) < (b.unit == step.unit ? b.count : 0);
        });
        const double width = largest->count > 0 ? 100.0 * static_cast<double>(step.count) / static_cast<double>(largest->count) : 0.0;
        const std::string value = format_count(step.count) + (step.unit.empty() ? "" : " " + step.unit);
        std::string kept;
        if (i > 0 && steps[i - 1].unit == step.unit && steps[i - 1].count > 0) {
            kept = format_percent(static_cast<double>(step.count) / static_cast<double>(steps[i - 1].count)) + " of the step before";
        }
        y = put_label(body, step.label, y, 46);
        y += 18.0;
        body += text_at("c-value", 0.0, y, "start", value);
        if (!kept.empty()) {
            body += text_at("c-quiet", 100.0, y, "end", kept);
        }
        body += fmt::format("<rect class=\"c-track\" x=\"0\" y=\"{0:.0f}\" width=\"100%\" height=\"18\" rx=\"3\"/>"
                            "<rect class=\"c-fill-1\" x=\"{1:.2f}%\" y=\"{0:.0f}\" width=\"{2:.2f}%\" height=\"18\" rx=\"3\"/>",
                            y + 8.0, 50.0 - width / 2.0, width);
        y += 26.0;
        for (const auto& line : wrap_words(step.note, 54)) {
            y += 16.0;
            body += text_at("c-quiet", 0.0, y, "start", line);
        }
        words += fmt::format("{}: {}{}{}. ", step.label, value, kept.empty() ? "" : ", ", kept);
        y += 20.0;
    }
    return frame("funnel", text, words, fluid(y - 14.0), body);
}

std::string heat_map(const chart_text& text, const std::vector<std::string>& rows, const std::vector<std::string>& columns,
                     const std::vector<std::vector<heat_cell>>& cells) {
    if (rows.empty() || columns.empty()) {
        return {};
    }
    constexpr double label_width = 26.0;
    constexpr double row_height = 52.0;
    const double column_width = (100.0 - label_width) / static_cast<double>(columns.size());
    std::string body;
    std::size_t head_lines = 1;
    for (const auto& column : columns) {
        head_lines = std::max(head_lines, wrap_words(column, 13).size());
    }
    for (std::size_t c = 0; c < columns.size(); ++c) {
        const auto lines = wrap_words(columns[c], 13);
        double y = 16.0 * static_cast<double>(head_lines - lines.size());
        for (const auto& line : lines) {
            y += 16.0;
            body += text_at("c-head", label_width + (static_cast<double>(c) + 0.5) * column_width, y, "middle", line);
        }
    }
    double y = 16.0 * static_cast<double>(head_lines) + 10.0;
    std::string words;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const auto lines = wrap_words(rows[r], 20);
        double label_y = y + row_height / 2.0 + 5.0 - 8.5 * static_cast<double>(lines.size() - (lines.empty() ? 0 : 1));
        for (const auto& line : lines) {
            body += text_at("c-label", 0.0, label_y, "start", line);
            label_y += 17.0;
        }
        words += rows[r] + ": ";
        for (std::size_t c = 0; c < columns.size(); ++c) {
            const double x = label_width + static_cast<double>(c) * column_width;
            const heat_cell cell = r < cells.size() && c < cells[r].size() ? cells[r][c] : heat_cell{std::nan(""), std::string(no_value), {}};
            const double depth = usable(cell.value) ? std::clamp(cell.value, 0.0, 1.0) : 0.0;
            // A step at the change of ink keeps the text readable on either side: no middle tone that suits neither.
            const bool deep = depth > 0.6;
            const double opacity = deep ? 0.45 + 0.5 * depth : 0.04 + 0.75 * depth;
            const std::string_view ink = deep ? "c-heat-high" : "c-heat-low";
            body += fmt::format("<svg x=\"{:.2f}%\" y=\"{:.0f}\" width=\"{:.2f}%\" height=\"{:.0f}\">"
                                "<rect class=\"c-heat\" x=\"1\" y=\"1\" width=\"98%\" height=\"94%\" rx=\"4\" fill-opacity=\"{:.3f}\"/>",
                                x, y, column_width, row_height, opacity);
            body += text_at(ink, 49.0, cell.note.empty() ? 31.0 : 24.0, "middle", cell.text);
            if (!cell.note.empty()) {
                body += text_at(std::string(ink) + "-note", 49.0, 40.0, "middle", cell.note);
            }
            body += "</svg>";
            words += fmt::format("{} {}{}", columns[c], cell.text, c + 1 < columns.size() ? ", " : ". ");
        }
        y += row_height;
    }
    return frame("heat", text, words, fluid(y + 2.0), body);
}

std::string scatter_chart(const chart_text& text, const std::string& x_name, const std::string& y_name,
                          const std::vector<std::string>& groups, const std::vector<map_point>& points, const scatter_options& options) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (usable(points[i].x) && usable(points[i].y)) {
            order.push_back(i);
        }
    }
    if (order.empty()) {
        return {};
    }
    // Thinned evenly along the groups, so that each keeps its share of the marks whatever the order of the rows.
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return points[a].group != points[b].group ? points[a].group < points[b].group : a < b;
    });
    const std::size_t total = order.size();
    const std::size_t shown = std::min(total, std::max<std::size_t>(1, options.max_points));
    std::vector<std::size_t> kept;
    kept.reserve(shown);
    for (std::size_t j = 0; j < shown; ++j) {
        kept.push_back(order[j * total / shown]);
    }
    // Drawn in the order of the rows: no group covers the others.
    std::sort(kept.begin(), kept.end());

    axis_range x_range{points[order[0]].x, points[order[0]].x};
    axis_range y_range{points[order[0]].y, points[order[0]].y};
    for (const std::size_t i : order) {
        x_range = {std::min(x_range.low, points[i].x), std::max(x_range.high, points[i].x)};
        y_range = {std::min(y_range.low, points[i].y), std::max(y_range.high, points[i].y)};
    }

    constexpr double plot_height = 340.0;
    std::string body;
    double top = 0.0;
    std::size_t drawn_groups = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        if (std::none_of(order.begin(), order.end(), [&](std::size_t i) { return points[i].group == g; })) continue;    // no mark needs this key
        ++drawn_groups;
        body += fmt::format("<g class=\"c-key\">{}</g>", marker(g, 2.0, top + 12.0, 5.0));
        body += text_at("c-label", 5.0, top + 17.0, "start", groups[g]);
        top += 20.0;
    }
    top += 26.0;
    body += text_at("c-quiet", 0.0, top, "start", "\u2191 " + y_name);
    top += 12.0;
    const auto y_place = [&](double value) {
        return top + (y_range.high > y_range.low ? (y_range.high - value) / (y_range.high - y_range.low) * plot_height : plot_height / 2.0);
    };
    const auto y_ticks = round_ticks(y_range, 4);
    for (const double tick : y_ticks) {
        body += fmt::format("<line class=\"c-rule\" x1=\"0\" x2=\"100%\" y1=\"{0:.1f}\" y2=\"{0:.1f}\"/>", y_place(tick));
        body += text_at("c-quiet", 0.0, y_place(tick) - 4.0, "start", tick_text(tick, y_ticks, number_style::decimal));
    }
    for (const std::size_t i : kept) {
        body += marker(points[i].group, x_range.place(points[i].x), y_place(points[i].y), 2.6);
    }
    const auto x_ticks = round_ticks(x_range, 5);
    for (const double tick : x_ticks) {
        body += text_at("c-quiet", x_range.place(tick), top + plot_height + 22.0, "middle", tick_text(tick, x_ticks, number_style::decimal));
    }
    body += text_at("c-quiet", 100.0, top + plot_height + 44.0, "end", x_name + " \u2192");
    const std::string note = shown < total ? fmt::format("{} of {} points drawn, evenly chosen", format_count(shown), format_count(total))
                                           : fmt::format("All {} points drawn", format_count(total));
    body += text_at("c-quiet", 0.0, top + plot_height + 64.0, "start", note);
    return frame("scatter", text, fmt::format("{} against {} for {} groups. {}.", y_name, x_name, drawn_groups, note),
                 fluid(top + plot_height + 70.0), body);
}

std::string line_chart(const chart_text& text, const std::string& x_name, const std::vector<line_point>& points, number_style style,
                       std::optional<double> marked_x) {
    std::vector<line_point> line;
    std::copy_if(points.begin(), points.end(), std::back_inserter(line), [](const auto& p) { return usable(p.x) && usable(p.y); });
    if (line.empty()) {
        return {};
    }
    const auto [low_x, high_x] = std::minmax_element(line.begin(), line.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
    const auto [low_y, high_y] = std::minmax_element(line.begin(), line.end(), [](const auto& a, const auto& b) { return a.y < b.y; });
    const axis_range x_range{low_x->x, high_x->x};
    constexpr double top = 34.0;
    constexpr double plot_height = 150.0;
    const double base = low_y->y > 0.0 && low_y->y < 0.5 * high_y->y ? 0.0 : low_y->y;   // from zero when zero is near
    const auto y_place = [&, high = high_y->y](double value) {
        return high > base ? top + (high - value) / (high - base) * plot_height : top + plot_height / 2.0;
    };
    const auto place = [&](double value) { return 8.0 + (x_range.place(value) - left_edge) * 84.0 / (right_edge - left_edge); };
    std::string body = fmt::format("<line class=\"c-rule\" x1=\"0\" x2=\"100%\" y1=\"{0:.0f}\" y2=\"{0:.0f}\"/>", top + plot_height + 14.0);
    for (std::size_t i = 1; i < line.size(); ++i) {
        body += fmt::format("<line class=\"c-line\" x1=\"{:.2f}%\" y1=\"{:.1f}\" x2=\"{:.2f}%\" y2=\"{:.1f}\"/>", place(line[i - 1].x),
                            y_place(line[i - 1].y), place(line[i].x), y_place(line[i].y));
    }
    std::string words;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const auto& point = line[i];
        const bool marked = marked_x && *marked_x == point.x;
        // The number stands where the line is not: beside a slope, above a peak or an end, below a valley.
        const bool inside = i > 0 && i + 1 < line.size();
        const bool falls_in = inside && line[i - 1].y > point.y;
        const bool rises_out = inside && line[i + 1].y > point.y;
        const double aside = falls_in == rises_out ? 0.0 : (falls_in ? 6.0 : -6.0);
        const std::string_view anchor = aside == 0.0 ? "middle" : (aside > 0.0 ? "start" : "end");
        const double shift = falls_in && rises_out ? 22.0 : (aside == 0.0 ? -14.0 : -9.0);
        body += fmt::format("<circle class=\"{}\" cx=\"{:.2f}%\" cy=\"{:.1f}\" r=\"{}\"/>", marked ? "c-dot" : "c-dot-open", place(point.x),
                            y_place(point.y), marked ? 8 : 4.5);
        body += fmt::format("<svg x=\"{:.2f}%\" y=\"{:.1f}\" overflow=\"visible\"><text class=\"{}\" x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"{}\">{}</text></svg>",
                            place(point.x), y_place(point.y), marked ? "c-value" : "c-quiet", aside, shift, anchor,
                            escape_html(format_value(point.y, style)));
        body += text_at(marked ? "c-value" : "c-quiet", place(point.x), top + plot_height + 32.0, "middle",
                        format_decimal(point.x, point.x == std::floor(point.x) ? 0 : 2));
        words += fmt::format("{} {}: {}{}. ", x_name, format_decimal(point.x, point.x == std::floor(point.x) ? 0 : 2),
                             format_value(point.y, style), marked ? " (used)" : "");
    }
    body += text_at("c-quiet", 50.0, top + plot_height + 52.0, "middle", x_name);
    return frame("line", text, words, fluid(top + plot_height + 58.0), body);
}

std::string interval_chart(const chart_text& text, const std::vector<interval_row>& rows, std::optional<double> reference,
                           const std::string& reference_name, number_style style) {
    if (rows.empty()) {
        return {};
    }
    axis_range range{0.0, 0.0};
    for (const auto& row : rows) {
        for (const double value : {row.value, row.range.low, row.range.high}) {
            if (usable(value)) {
                range = {std::min(range.low, value), std::max(range.high, value)};
            }
        }
    }
    if (reference) {
        range = {std::min(range.low, *reference), std::max(range.high, *reference)};
    }
    if (!(range.high > range.low)) {
        range.high = range.low + 1.0;
    }
    const auto ticks = round_ticks(range, 5);
    std::string body;
    std::string marks;
    std::string words;
    const double top = reference ? 20.0 : 0.0;
    double y = top;
    for (const auto& row : rows) {
        const std::string value = fmt::format("{} ({} to {})", format_value(row.value, style), format_value(row.range.low, style),
                                              format_value(row.range.high, style));
        // The numbers get a line of their own: a phone has no room for both beside each other.
        y = put_label(marks, row.label, y, 40);
        y += 17.0;
        marks += text_at("c-quiet", 0.0, y, "start", value);
        y += 19.0;
        body += fmt::format("<line class=\"c-rule\" x1=\"0\" x2=\"100%\" y1=\"{0:.1f}\" y2=\"{0:.1f}\"/>", y);
        body += rulers(ticks, range, y - 12.0, y + 12.0);
        if (reference) {
            body += fmt::format("<line class=\"c-reference\" x1=\"{0:.2f}%\" x2=\"{0:.2f}%\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>", range.place(*reference),
                                y - 14.0, y + 14.0);
        }
        if (usable(row.value) && usable(row.range.low) && usable(row.range.high)) {
            marks += fmt::format("<line class=\"c-line\" x1=\"{:.2f}%\" x2=\"{:.2f}%\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", range.place(row.range.low),
                                 range.place(row.range.high), y, y);
            for (const double end : {row.range.low, row.range.high}) {
                marks += fmt::format("<line class=\"c-line\" x1=\"{0:.2f}%\" x2=\"{0:.2f}%\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>", range.place(end), y - 5.0,
                                     y + 5.0);
            }
            marks += fmt::format("<circle class=\"c-dot\" cx=\"{:.2f}%\" cy=\"{:.1f}\" r=\"6\"/>", range.place(row.value), y);
        }
        words += fmt::format("{}: {}. ", row.label, value);
        y += 20.0;
    }
    for (const double tick : ticks) {
        body += text_at("c-quiet", range.place(tick), y + 18.0, "middle", tick_text(tick, ticks, style));
    }
    if (reference) {
        const double place = range.place(*reference);
        words += fmt::format("{}: {}. ", reference_name, format_value(*reference, style));
        body += text_at("c-reference-text", place, 12.0, place > 66.0 ? "end" : (place < 34.0 ? "start" : "middle"),
                        reference_name + " " + format_value(*reference, style));
    }
    return frame("intervals", text, words, fluid(y + 24.0), body + marks);
}

std::string box_chart(const chart_text& text, const std::vector<box_summary>& groups, number_style style) {
    axis_range range{0.0, 0.0};
    bool any = false;
    for (const auto& group : groups) {
        for (const double value : {group.low, group.quartile_1, group.median, group.quartile_3, group.high}) {
            if (usable(value)) {
                range = any ? axis_range{std::min(range.low, value), std::max(range.high, value)} : axis_range{value, value};
                any = true;
            }
        }
    }
    if (!any) {
        return {};
    }
    const auto ticks = round_ticks(range, 5);
    std::string body;
    std::string marks;
    std::string words;
    double y = 0.0;
    for (const auto& group : groups) {
        const bool whole = usable(group.low) && usable(group.quartile_1) && usable(group.median) && usable(group.quartile_3) && usable(group.high);
        marks += text_at("c-quiet", 100.0, y + 17.0, "end", whole ? "median " + format_value(group.median, style) : "no values");
        y = put_label(marks, group.name, y, 30) + 20.0;
        body += rulers(ticks, range, y - 12.0, y + 12.0);
        if (whole) {
            marks += fmt::format("<line class=\"c-line\" x1=\"{:.2f}%\" x2=\"{:.2f}%\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", range.place(group.low),
                                 range.place(group.high), y, y);
            marks += fmt::format("<rect class=\"c-track\" x=\"{0:.2f}%\" y=\"{1:.1f}\" width=\"{2:.2f}%\" height=\"18\"/>"
                                 "<rect class=\"c-box\" x=\"{0:.2f}%\" y=\"{1:.1f}\" width=\"{2:.2f}%\" height=\"18\" rx=\"2\"/>",
                                 range.place(group.quartile_1), y - 9.0, range.place(group.quartile_3) - range.place(group.quartile_1));
            marks += fmt::format("<line class=\"c-median\" x1=\"{0:.2f}%\" x2=\"{0:.2f}%\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>", range.place(group.median),
                                 y - 9.0, y + 9.0);
        }
        words += fmt::format("{}: {} to {}, half between {} and {}, median {}. ", group.name, format_value(group.low, style),
                             format_value(group.high, style), format_value(group.quartile_1, style), format_value(group.quartile_3, style),
                             format_value(group.median, style));
        y += 22.0;
    }
    for (const double tick : ticks) {
        body += text_at("c-quiet", range.place(tick), y + 18.0, "middle", tick_text(tick, ticks, style));
    }
    return frame("boxes", text, words, fluid(y + 24.0), body + marks);
}

std::string radar_chart(const chart_text& text, const std::vector<std::string>& axes, const std::vector<radar_series>& series) {
    if (axes.size() < 3 || series.empty()) {
        return {};
    }
    constexpr double centre_x = 160.0;
    constexpr double centre_y = 128.0;
    constexpr double radius = 88.0;
    const auto point = [&](std::size_t axis, double distance) {
        const double angle = 2.0 * 3.14159265358979323846 * static_cast<double>(axis) / static_cast<double>(axes.size());
        return std::pair{centre_x + distance * std::sin(angle), centre_y - distance * std::cos(angle)};
    };
    const auto polygon = [&](std::string_view css, auto&& distance_of) {
        std::string corners;
        for (std::size_t a = 0; a < axes.size(); ++a) {
            const auto [x, y] = point(a, distance_of(a));
            corners += fmt::format("{:.1f},{:.1f} ", x, y);
        }
        corners.pop_back();
        return fmt::format("<polygon class=\"{}\" points=\"{}\"/>", css, corners);
    };
    std::string body = polygon("c-ring", [&](std::size_t) { return radius; });
    for (std::size_t a = 0; a < axes.size(); ++a) {
        const auto [x, y] = point(a, radius);
        body += fmt::format("<line class=\"c-rule\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>", centre_x, centre_y, x, y);
        const auto [label_x, label_y] = point(a, radius + 13.0);
        const std::string_view anchor = label_x > centre_x + 8.0 ? "start" : (label_x < centre_x - 8.0 ? "end" : "middle");
        const auto lines = wrap_words(axes[a], 11);
        const double shift = label_y < centre_y - radius ? 14.0 * (static_cast<double>(lines.size()) - 1.0)
                             : (label_y > centre_y + radius ? -8.0 : 7.0 * (static_cast<double>(lines.size()) - 1.0));
        for (std::size_t i = 0; i < lines.size(); ++i) {
            body += fmt::format("<text class=\"c-quiet\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", label_x,
                                label_y + 4.0 - shift + 14.0 * static_cast<double>(i), anchor, escape_html(lines[i]));
        }
    }
    std::string words;
    for (std::size_t s = series.size(); s-- > 0;) {
        const auto value = [&](std::size_t a) {
            return a < series[s].values.size() && usable(series[s].values[a]) ? std::clamp(series[s].values[a], 0.0, 1.0) : 0.0;
        };
        body += polygon(s == 0 ? "c-area" : "c-outline", [&](std::size_t a) { return radius * value(a); });
        std::string line = series[s].name + ": ";
        for (std::size_t a = 0; a < axes.size(); ++a) {
            line += fmt::format("{} {}{}", axes[a], format_percent(value(a)), a + 1 < axes.size() ? ", " : " of the rim. ");
        }
        words = line + words;
    }
    return frame("radar", text, words, "viewBox=\"0 0 320 268\" width=\"100%\"", body);
}

}  // namespace traveltide
