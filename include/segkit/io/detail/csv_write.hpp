// segkit/io/detail/csv_write.hpp: rows of a table as CSV text, and a file that appears whole or not at all.
//
// The text is made row by row into one string; a file is written under a temporary name in the same folder and renamed
// at the end.
#pragma once

#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/io/detail/csv_convert.hpp>
#include <segkit/io/detail/csv_input.hpp>
#include <segkit/io/detail/csv_problem.hpp>
#include <segkit/io/detail/csv_source.hpp>
#include <segkit/table/column.hpp>
#include <segkit/table/parse.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE::detail {

// A file under a temporary name until `commit`; without it, nothing remains.
class replacing_file {
public:
    replacing_file(std::string path, std::string stage) : path_(std::move(path)), stage_(std::move(stage)) {
        for (int attempt = 1; attempt <= 100 && !file_; ++attempt) {
            temporary_ = path_ + ".part" + std::to_string(attempt);
            file_.reset(std::fopen(temporary_.c_str(), "wbx"));    // x: never a file that exists
            if (!file_ && errno != EEXIST) break;
        }
        if (!file_) fail(errno);
    }
    replacing_file(const replacing_file&) = delete;
    replacing_file& operator=(const replacing_file&) = delete;
    ~replacing_file() {
        if (!file_) return;
        file_.reset();
        std::remove(temporary_.c_str());
    }

    void write(std::string_view text) {
        if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) abandon();
    }
    void commit() {
        if (std::fflush(file_.get()) != 0) abandon();
        if (std::fclose(file_.release()) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
            const int number = errno;
            std::remove(temporary_.c_str());
            fail(number);
        }
    }

private:
    struct close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    [[noreturn]] void abandon() {
        const int number = errno;
        file_.reset();
        std::remove(temporary_.c_str());
        fail(number);
    }
    [[noreturn]] void fail(int number) const {
        error_details details{.code = error_code::cannot_write, .stage = stage_, .file = path_};
        details.found = number == ENOENT   ? "a folder that does not exist"
                        : number == EACCES ? "a folder that may not be written"
                        : number == EISDIR || number == ENOTEMPTY || number == EEXIST ? "a folder of that name"
                                           : describe_system_problem(number);
        details.expected = "a file that can be created or replaced";
        details.advice = number == ENOENT ? "create the folder first" : number == ENOSPC ? "free some space" : "choose another path";
        throw error(std::move(details));
    }

    std::string path_;
    std::string stage_;
    std::string temporary_;
    std::unique_ptr<std::FILE, close> file_;
};

struct csv_form {
    char delimiter = ',';
    bool quote_values = false;
    bool quote_nulls = false;
    std::string null{};
    std::string_view line_end = "\n";
    std::string file{};    // for messages
};

inline void check_csv_form(const csv_form& form) {
    check_csv_delimiter(form.delimiter, "write_csv");
    const std::string_view null = form.null;
    const bool special = null.find_first_of("\"\r\n") != null.npos || null.find(form.delimiter) != null.npos || null.find('\0') != null.npos;
    const bool value = parse_value<double>(null) || parse_value<bool>(null) || parse_value<timestamp>(null);
    if (!special && !value) return;
    error_details details{.code = error_code::invalid_option, .stage = "write_csv", .field = "null"};
    details.found = shown(null);
    details.expected = "text without quotes, delimiters and line ends that is no number, date or truth value";
    details.advice = "use the empty text or a word such as NA";
    throw error(std::move(details));
}

class csv_formatter {
public:
    csv_formatter(const std::vector<csv_field>& fields, const table_data& rows, csv_form form) : fields_(fields), rows_(rows), form_(std::move(form)) {
        check_csv_form(form_);
    }

    void append_header(std::string& to) const {
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (i) to += form_.delimiter;
            // A byte order mark at the front of the file would be taken for one.
            append_field(to, fields_[i].name, i == 0 && fields_[i].name.starts_with('\xEF'));
        }
        to += form_.line_end;
    }

    void append_row(std::string& to, std::size_t row) const {
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (i) to += form_.delimiter;
            const column_data& column = rows_.columns[i];
            if (column.nullable && !bit_at(column.validity_bits(), row)) {
                if (form_.quote_nulls) to += '"';
                to += form_.null;
                if (form_.quote_nulls) to += '"';
            } else if (column.type == type_id::text) {
                append_text_value(to, column, i, row);
            } else {
                if (form_.quote_values) to += '"';
                append_value(to, column, i, row);
                if (form_.quote_values) to += '"';
            }
        }
        to += form_.line_end;
    }

private:
    template <class T>
    static T value_at(const column_data& column, std::size_t row) {
        return reinterpret_cast<const T*>(column.values.data())[row];
    }

    void append_value(std::string& to, const column_data& column, std::size_t field, std::size_t row) const {
        switch (column.type) {
            case type_id::boolean: return append_text(to, value_at<bool>(column, row));
            case type_id::int32: return append_text(to, value_at<std::int32_t>(column, row));
            case type_id::int64: return append_text(to, value_at<std::int64_t>(column, row));
            case type_id::float32: return append_number(to, value_at<float>(column, row), field, row);
            case type_id::float64: return append_number(to, value_at<double>(column, row), field, row);
            case type_id::date: return append_text(to, value_at<date>(column, row));
            case type_id::timestamp: return append_text(to, value_at<timestamp>(column, row), form_.delimiter == ' ' ? 'T' : ' ');
            case type_id::duration: return append_text(to, value_at<duration>(column, row));
            default: return;    // text has its own function, and blocks do not compile
        }
    }

    template <class F>
    void append_number(std::string& to, F value, std::size_t field, std::size_t row) const {
        if (!std::isfinite(value)) fail(error_code::not_a_number, field, row, to_text(value), "a finite number", "make it null before writing");
        append_text(to, value);
    }

    void append_text_value(std::string& to, const column_data& column, std::size_t field, std::size_t row) const {
        const auto* const offsets = reinterpret_cast<const std::int64_t*>(column.values.data());
        const std::string_view text(reinterpret_cast<const char*>(column.bytes.data()) + offsets[row],
                                    static_cast<std::size_t>(offsets[row + 1] - offsets[row]));
        if (text.find('\0') != text.npos)
            fail(error_code::malformed_value, field, row, shown(text), "text without zero bytes", "CSV is text: encode binary data before writing");
        append_field(to, text, false);
    }

    void append_field(std::string& to, std::string_view text, bool quote_anyway) const {
        const auto is_special = [&](char c) { return c == form_.delimiter || c == '"' || c == '\n' || c == '\r'; };
        bool quote = quote_anyway || form_.quote_values || text == form_.null || text.empty();
        for (std::size_t i = 0; i < text.size() && !quote; ++i) quote = is_special(text[i]);
        if (!quote) {
            to += text;
            return;
        }
        to += '"';
        for (const char c : text) {
            if (c == '"') to += '"';
            to += c;
        }
        to += '"';
    }

    [[noreturn]] void fail(error_code code, std::size_t field, std::size_t row, std::string found, std::string expected, std::string advice) const {
        error_details details{.code = code, .stage = "write_csv", .field = std::string(fields_[field].name), .file = form_.file};
        details.row = row;
        details.found = std::move(found);
        details.expected = std::move(expected);
        details.advice = std::move(advice);
        throw error(std::move(details));
    }

    const std::vector<csv_field>& fields_;
    const table_data& rows_;
    csv_form form_;
};

inline std::string csv_text(const std::vector<csv_field>& fields, const table_data& rows, csv_form form) {
    const csv_formatter formatter(fields, rows, std::move(form));
    std::string text;
    formatter.append_header(text);
    for (std::size_t row = 0; row < rows.rows; ++row) formatter.append_row(text, row);
    return text;
}

inline void write_csv_file(const std::vector<csv_field>& fields, const table_data& rows, const std::string& path, csv_form form) {
    form.file = path;
    const csv_formatter formatter(fields, rows, std::move(form));
    replacing_file file(path, "write_csv");
    constexpr std::size_t piece = 64 * 1024;
    std::string text;
    text.reserve(2 * piece);
    formatter.append_header(text);
    for (std::size_t row = 0; row < rows.rows; ++row) {
        formatter.append_row(text, row);
        if (text.size() < piece) continue;
        file.write(text);
        text.clear();
    }
    file.write(text);
    file.commit();
}

}  // namespace SEGKIT_NAMESPACE::detail
