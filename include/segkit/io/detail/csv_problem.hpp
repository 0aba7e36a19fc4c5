// segkit/io/detail/csv_problem.hpp: the slow, exact second look at a block that the index found wanting.
//
// It walks byte by byte and reports the first violation in file order, so the message does not depend on where blocks
// begin or on who found it. It runs once per file at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/shown.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE::detail {

// What messages call things: the file, and its columns once the header is known.
struct csv_labels {
    std::string file;
    std::vector<std::string> columns;

    error_details place(error_code code, std::size_t line, std::optional<std::size_t> field) const {
        error_details details{.code = code, .stage = "scan_csv", .file = file, .line = line};
        if (field) {
            details.column = *field + 1;
            if (*field < columns.size()) details.field = columns[*field];
        }
        return details;
    }
};

struct csv_problem {
    std::uint32_t row_begin = 0;    // the row that is wrong begins here; rows before it are good
    error_details details{};
};

// A stretch of whole rows, the last one perhaps unfinished.
struct csv_stretch {
    const char* text = nullptr;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::size_t first_line = 1;
    bool last = false;                     // the file ends here
    std::uint32_t added_newline = 0;       // a newline that the file lacks at its end stands here; 0: none does
};

inline std::string count_fields(std::size_t count) { return std::to_string(count) + (count == 1 ? " field" : " fields"); }

// The first violation, if any. `columns` is the header's number of fields, or 0 where the header is the first row.
inline std::optional<csv_problem> csv_find_problem(const csv_stretch& s, char delimiter, std::size_t columns, const csv_labels& labels) {
    enum class state { field_start, unquoted, quoted, closed, returned } now = state::field_start;
    std::size_t line = s.first_line;
    std::size_t field = 0;
    std::size_t field_line = line;
    std::size_t row_line = line;
    std::uint32_t row_begin = s.begin;
    std::uint32_t field_begin = s.begin;

    const auto problem = [&](error_code code, std::size_t at_line, std::size_t at_field, std::string found, std::string expected, std::string advice) {
        csv_problem result{row_begin, labels.place(code, at_line, at_field)};
        result.details.found = std::move(found);
        result.details.expected = std::move(expected);
        result.details.advice = std::move(advice);
        return result;
    };
    const auto text_until = [&](std::uint32_t at) { return std::string_view(s.text + field_begin, at + 1 - field_begin); };

    for (std::uint32_t at = s.begin; at < s.end; ++at) {
        const char c = s.text[at];
        if (c == '\0')
            return problem(error_code::malformed_document, line, field, "a zero byte", "text in UTF-8",
                           "this is not a text file, or it is damaged or in UTF-16");
        const bool ends_field = c == delimiter || c == '\n';
        switch (now) {
            case state::field_start:
                now = c == '"' ? state::quoted : c == '\r' ? state::returned : ends_field ? now : state::unquoted;
                break;
            case state::unquoted:
                if (c == '"')
                    return problem(error_code::malformed_row, line, field, "a quote inside an unquoted field, " + shown(text_until(at), true),
                                   "a field that is quoted as a whole or has no quotes",
                                   "put quotes around the whole field and double those inside it");
                if (c == '\r') now = state::returned;
                break;
            case state::quoted:
                if (c == '"') now = state::closed;
                if (c == '\n') ++line;
                break;
            case state::closed:
                if (c == '"') now = state::quoted;
                else if (c == '\r') now = state::returned;
                else if (!ends_field)
                    return problem(error_code::malformed_row, field_line, field, "text after the closing quote, " + shown(text_until(at), true),
                                   "a delimiter or the end of the line after a closing quote",
                                   field_line == line ? "double a quote that belongs to the text"
                                                      : "the quote opened in line " + std::to_string(field_line) + " was closed in line " +
                                                            std::to_string(line) + ": probably one in line " + std::to_string(field_line) +
                                                            " is unbalanced; double a quote that belongs to the text");
                break;
            case state::returned:
                if (c != '\n')
                    return problem(error_code::malformed_row, line, field, "a carriage return without a newline behind it",
                                   "lines that end in LF or CRLF", "put quotes around text with line ends in it, or convert the file's line ends");
                break;
        }
        if (!ends_field || now == state::quoted) continue;

        if (c == delimiter) {
            ++field;
        } else {
            const std::size_t fields = field + 1;
            const bool blank = field == 0 && (at == row_begin || (at == row_begin + 1 && s.text[row_begin] == '\r'));
            if (columns == 0) {
                if (!blank) columns = fields;
            } else if (fields != columns && !blank) {
                const bool cut = s.added_newline != 0 && at == s.added_newline;
                return problem(error_code::malformed_row, row_line, fields < columns ? fields : columns, count_fields(fields),
                               count_fields(columns) + " as in the header",
                               cut && fields < columns ? "the file seems to be cut off in this line"
                               : fields < columns      ? "put quotes around text with line ends in it, or complete the line"
                                                       : "put quotes around text that contains the delimiter");
            }
            ++line;
            field = 0;
            row_begin = at + 1;
            row_line = line;
        }
        field_begin = at + 1;
        field_line = line;
        now = state::field_start;
    }
    if (s.last && now == state::quoted)
        return problem(error_code::malformed_row, field_line, field, "a quote that is never closed, " + shown(std::string_view(s.text + field_begin, s.end - field_begin)),
                       "a closing quote before the end of the file",
                       "the quote that opens this field is unbalanced, or the file is cut off");
    return std::nullopt;
}

}  // namespace SEGKIT_NAMESPACE::detail
