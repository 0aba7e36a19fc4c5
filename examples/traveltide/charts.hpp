#pragma once
// The charts of the report: plain data in, one inline <svg> out, as text. No script, no file, no font.
// Positions across are percentages and text keeps its size, so a chart fits a phone and a desk without being scaled;
// role="img" with a title and the data in words serves screen readers; every mark is also told apart by a label, a
// shape or a dash, never by colour alone. A page includes chart_styles() once. Empty data gives empty text.

#include "report_data.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace traveltide {

/// What the chart shows. An empty description is replaced by the data in words.
struct chart_text {
    std::string title;
    std::string description;
};

/// The style rules that the charts need (light, dark and print), for one <style> element of the page.
std::string_view chart_styles();

// ---- bars ---------------------------------------------------------------------------------------------------------

struct bar {
    std::string label;
    double value = 0.0;
    std::string value_text;  // "1,426 (23.8%)"; empty: the value as a count
};

struct bar_options {
    std::optional<double> full_scale;  // value of a full-width bar; absent: the largest value
};

std::string horizontal_bar_chart(const chart_text& text, const std::vector<bar>& bars, const bar_options& options = {});

struct bar_group {
    std::string label;
    std::vector<double> values;  // one per series; NaN: missing
};

std::string grouped_bar_chart(const chart_text& text, const std::vector<std::string>& series, const std::vector<bar_group>& groups,
                              number_style style);

/// Centred bars that shrink from step to step; widths are compared within a unit, and each step says what is left.
std::string funnel_chart(const chart_text& text, const std::vector<funnel_step>& steps);

// ---- tables of colour ---------------------------------------------------------------------------------------------

struct heat_cell {
    double value = 0.0;  // 0..1, decides the depth of colour
    std::string text;    // written in the cell
    std::string note;    // smaller, below
};

/// cells[row][column]; needs about 40 em of width, so put it in a box that scrolls.
std::string heat_map(const chart_text& text, const std::vector<std::string>& rows, const std::vector<std::string>& columns,
                     const std::vector<std::vector<heat_cell>>& cells);

// ---- points and lines ---------------------------------------------------------------------------------------------

struct scatter_options {
    std::size_t max_points = 1200;  // more are thinned evenly within each group, and the chart says so
};

std::string scatter_chart(const chart_text& text, const std::string& x_name, const std::string& y_name,
                          const std::vector<std::string>& groups, const std::vector<map_point>& points,
                          const scatter_options& options = {});

struct line_point {
    double x = 0.0;
    double y = 0.0;
};

/// One line with every point labelled; the point at `marked_x` is set apart.
std::string line_chart(const chart_text& text, const std::string& x_name, const std::vector<line_point>& points, number_style style,
                       std::optional<double> marked_x = {});

struct interval_row {
    std::string label;
    double value = 0.0;
    interval range;
};

/// A point and its interval per row, beside a reference line (absent: none).
std::string interval_chart(const chart_text& text, const std::vector<interval_row>& rows, std::optional<double> reference,
                           const std::string& reference_name, number_style style);

/// Box and whiskers per group, from five numbers each.
std::string box_chart(const chart_text& text, const std::vector<box_summary>& groups, number_style style);

// ---- profiles -----------------------------------------------------------------------------------------------------

struct radar_series {
    std::string name;
    std::vector<double> values;  // one per axis, 0 (centre) to 1 (rim); outside is clipped
};

/// At least three axes. The first series is filled, the others are dashed outlines.
std::string radar_chart(const chart_text& text, const std::vector<std::string>& axes, const std::vector<radar_series>& series);

}  // namespace traveltide
