// segkit/table/format.hpp: a table as aligned text, for people to look at.
//
//     std::puts(segkit::format_table(customers, {.max_rows = 10}).c_str());
//
// Numbers are rounded and their points stand in line, long texts are cut: what is shown is no copy of the data (write_csv is).
// Costs what the shown rows cost; instantiated once, not per schema.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/table/parse.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE {

struct format_options {
    std::size_t max_rows = 20;         // the rows after these are counted, not shown
    int decimals = 3;                  // of floating-point numbers, at most (0 to 40); smaller numbers get as many significant digits
    std::size_t max_width = 40;        // characters of a text; the rest becomes "..."
    std::string_view null = "null";    // how a null is shown
};

namespace detail {

// Characters as a terminal counts them: the bytes of UTF-8 that begin one.
inline std::size_t shown_width(std::string_view s) {
    std::size_t n = 0;
    for (const char c : s) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return n;
}

// A text on one line and not too long: line ends and other control characters would break the columns.
inline std::string shown_text(std::string_view s, std::size_t max_width) {
    std::string shown;
    std::size_t width = 0, cut = 0;    // `cut`: where "..." still fits
    for (const char c : s) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0) != 0x80) {
            if (width + 3 <= max_width) cut = shown.size();
            if (width == max_width) {
                shown.resize(cut);
                return shown + "...";
            }
            ++width;
        }
        shown += byte < 0x20 || byte == 0x7F ? '?' : c;
    }
    return shown;
}

// With `decimals` digits after the point; what would lose its first digit by that, or has too many before it, as 1.23e-05.
inline std::string shown_number(double value, int decimals) {
    if (value == 0) value = 0;    // no minus zero
    if (value != value) return "nan";    // whose sign differs from compiler to compiler
    decimals = decimals < 0 ? 0 : decimals > 40 ? 40 : decimals;
    char digits[64];
    const auto fixed = [&] { return std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, decimals); };
    if (value - value == 0 && value < 1e15 && value > -1e15) {
        const std::string text(digits, fixed().ptr);
        if (value == 0 || text.find_first_of("123456789") != std::string::npos) return text;
    }
    return {digits, std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, decimals > 0 ? decimals : 1).ptr};
}

// Zeros at the end that every number with a point has say nothing: they go, and the point with the last of them.
inline void drop_common_zeros(std::vector<std::string>& numbers) {
    const auto has_point = [](const std::string& s) { return s.find('.') != std::string::npos && s.find('e') == std::string::npos; };
    std::size_t zeros = 64;
    for (const std::string& s : numbers) {
        if (!has_point(s)) continue;
        const std::size_t last = s.find_last_not_of('0');
        const std::size_t here = s.size() - 1 - last + (s[last] == '.' ? 1 : 0);
        zeros = here < zeros ? here : zeros;
    }
    for (std::string& s : numbers)
        if (has_point(s)) s.resize(s.size() - zeros);
}

template <class T>
std::string shown_block(const block_value<T>& values, int decimals) {
    std::string text = "[";
    for (std::size_t i = 0; i < values.size(); ++i) {
        std::vector<std::string> one{shown_number(static_cast<double>(values[i]), decimals)};
        drop_common_zeros(one);
        text += (i ? ", " : "") + one[0];
    }
    return text + "]";
}

template <class T>
std::string shown_value(const value_t<T>& value, const format_options& options) {
    if constexpr (is_text<T>) return shown_text(value, options.max_width);
    else if constexpr (std::is_floating_point_v<T>) return shown_number(static_cast<double>(value), options.decimals);
    else if constexpr (is_block<T>) return shown_block(value, options.decimals);
    else if constexpr (std::is_same_v<T, duration>) return to_text(value) + " s";
    else return to_text(value);
}

template <class T>
void show_values(const column_data& column, std::size_t rows, const format_options& options, std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < rows; ++i) {
        if (column.nullable && !bit_at(column.validity_bits(), i)) cells.emplace_back(options.null);
        else cells.push_back(shown_value<T>(column_view<T>(column)[i], options));
    }
}

inline std::vector<std::string> shown_column(std::string_view name, const column_data& column, std::size_t rows, const format_options& options);

// The first rows of a list column as text: [a, b], cut where they are too wide.
inline void show_lists(const column_data& column, std::size_t rows, const format_options& options, std::vector<std::string>& cells) {
    const auto* const ends = reinterpret_cast<const std::int64_t*>(column.values.data());
    const std::vector<std::string> items = shown_column({}, column.items.front(), static_cast<std::size_t>(ends[rows]), options);    // the name first
    for (std::size_t i = 0; i < rows; ++i) {
        std::string text = "[";
        for (std::int64_t k = ends[i]; k < ends[i + 1]; ++k) text += (k > ends[i] ? ", " : "") + items[static_cast<std::size_t>(k) + 1];
        if (column.nullable && !bit_at(column.validity_bits(), i)) cells.emplace_back(options.null);
        else cells.push_back(shown_text(text + "]", options.max_width));
    }
}

// The first rows of a column as text, the name first.
inline std::vector<std::string> shown_column(std::string_view name, const column_data& column, std::size_t rows, const format_options& options) {
    std::vector<std::string> cells;
    if (is_list_type(column.type)) show_lists(column, rows, options, cells);
    else switch (column.type) {
        case type_id::boolean: show_values<bool>(column, rows, options, cells); break;
        case type_id::int32: show_values<std::int32_t>(column, rows, options, cells); break;
        case type_id::int64: show_values<std::int64_t>(column, rows, options, cells); break;
        case type_id::float32: show_values<float>(column, rows, options, cells); break;
        case type_id::float64: show_values<double>(column, rows, options, cells); break;
        case type_id::text: show_values<text>(column, rows, options, cells); break;
        case type_id::category: show_values<category>(column, rows, options, cells); break;
        case type_id::date: show_values<date>(column, rows, options, cells); break;
        case type_id::timestamp: show_values<timestamp>(column, rows, options, cells); break;
        case type_id::duration: show_values<duration>(column, rows, options, cells); break;
        case type_id::block32: show_values<block<float>>(column, rows, options, cells); break;
        case type_id::block64: show_values<block<double>>(column, rows, options, cells); break;
    }
    if (column.type == type_id::float32 || column.type == type_id::float64) drop_common_zeros(cells);
    cells.insert(cells.begin(), shown_text(name, options.max_width));
    return cells;
}

inline bool is_shown_right(type_id type) {
    return type == type_id::int32 || type == type_id::int64 || type == type_id::float32 || type == type_id::float64 || type == type_id::duration;
}

inline std::string format_rows(const table_data& data, const std::vector<std::string_view>& names, const format_options& options) {
    const std::size_t rows = data.rows < options.max_rows ? data.rows : options.max_rows;
    std::vector<std::string> lines(rows + 2);    // the names, a rule, the rows
    for (std::size_t c = 0; c < names.size(); ++c) {
        std::vector<std::string> cells = shown_column(names[c], data.columns[c], rows, options);
        std::size_t width = 0;
        for (const std::string& cell : cells) width = shown_width(cell) > width ? shown_width(cell) : width;
        cells.insert(cells.begin() + 1, std::string(width, '-'));
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::size_t blanks = width - shown_width(cells[i]);
            const bool right = is_shown_right(data.columns[c].type);
            if (c) lines[i] += "  ";
            if (right) lines[i].append(blanks, ' ');
            lines[i] += cells[i];
            if (!right && c + 1 < names.size()) lines[i].append(blanks, ' ');
        }
    }
    std::string all;
    for (const std::string& line : lines) all += line + '\n';
    if (data.rows > rows) all += "... " + std::to_string(data.rows - rows) + (data.rows - rows == 1 ? " more row\n" : " more rows\n");
    else if (data.rows == 0) all += "(no rows)\n";
    return all;
}

}  // namespace detail

// A line of names, a rule, a line per row; every line ends with '\n'. Numbers stand on the right of their column.
template <class Schema>
std::string format_table(const table<Schema>& rows, const format_options& options = {}) {
    return detail::format_rows(rows.data(), {Schema::names.begin(), Schema::names.end()}, options);
}

namespace detail {
template <class Given>
struct not_a_collected_table {
    static_assert(never<Given>, "segkit: format_table shows a table; collect a query or rows of your own first, format_table(rows | segkit::collect()), "
                                "and take the value() of a result");
};
}  // namespace detail

// What is no table: refused, with what to do.
template <class Given>
std::string format_table(const Given&, const format_options& = {}) {
    detail::report(detail::mistake<detail::not_a_collected_table<Given>>);
    return {};
}

}  // namespace SEGKIT_NAMESPACE
