// segkit/io/csv.hpp: CSV files in and out, typed by a schema.
//
//     auto rows = segkit::scan_csv<sessions>("sessions.csv") | ...       // streams; memory stays small
//     segkit::table<sessions> all = segkit::read_csv<sessions>("sessions.csv");
//     segkit::write_csv(all, "copy.csv");                                 // or: rows | segkit::write_csv("copy.csv")
//
// Columns are found by name in the header, in any order; columns that nobody reads are not converted. About 5 GB/s
// and thread for all columns of a wide file as a table, three times that for a few of them, with AVX-512.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/io/detail/csv_input.hpp>
#include <segkit/io/detail/csv_run.hpp>
#include <segkit/io/detail/csv_source.hpp>
#include <segkit/io/detail/csv_write.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/relation.hpp>
#include <segkit/pipeline/source.hpp>
#include <segkit/pipeline/table_source.hpp>
#include <segkit/table/parse.hpp>
#include <segkit/table/schema.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE {

// What a quoted field of a nullable text column is, when its text spells a null ("" or one of `null_values`).
enum class csv_quoted_nulls {
    null,    // a null: for files that quote every field
    text,    // that text: for files that write_csv wrote, where quotes tell the empty text from a null
};

// Which values are checked, of columns that a query reads only for the rows that a filter before kept.
enum class csv_validate {
    kept_rows,    // those of the rows that were kept; the others are not converted
    all,
};

// How the dates or timestamps of one column are written: {"start", "%d/%m/%Y %H:%M"}. See time_format.
struct csv_format {
    std::string column;
    time_format format;
};

// An empty field is a null where the column is nullable; in a text column that is not, it is the empty text.
struct csv_options {
    char delimiter = ',';
    char decimal_separator = '.';                                 // or ',': of float, double and duration, as in "1,5"
    std::vector<std::string> null_values{};                       // further spellings of null, such as "NA"
    csv_quoted_nulls quoted_nulls = csv_quoted_nulls::null;
    std::size_t block_bytes = 128 * 1024;                         // read at once: 64 bytes to 64 MiB
    std::vector<csv_format> formats{};                            // of dates and timestamps that are not in ISO 8601
    csv_validate validate = csv_validate::kept_rows;
    std::shared_ptr<csv_bad_rows> bad_rows{};                     // given: rows that are not as the schema says go there
    csv_progress_callback progress{};                             // called about every block, never twice at once; false ends the reading
};

template <class Schema>
class csv_scan;

namespace detail {
template <class Type>
struct not_a_csv_type {
    static_assert(never<Type>, "segkit: a block column has no CSV form, and neither has a list; give its elements columns of their own, or drop it");
};

template <class Schema>
std::vector<csv_field> csv_fields_of() {
    std::vector<csv_field> fields;
    for_each_field<Schema>::apply([&]<class Field>(Field*) {
        if constexpr (is_nested<typename Field::type>) detail::report(detail::mistake<not_a_csv_type<typename Field::type>>);
        fields.push_back({Field::name, slot_type_of<typename Field::type>, is_nullable<typename Field::type>});
    });
    return fields;
}

inline csv_settings checked_settings(const csv_options& options, const std::vector<csv_field>& fields) {
    check_csv_delimiter(options.delimiter, "scan_csv");
    if (options.block_bytes < 64 || options.block_bytes > 64 * 1024 * 1024) {
        error_details details{.code = error_code::invalid_option, .stage = "scan_csv", .field = "block_bytes"};
        details.found = std::to_string(options.block_bytes);
        details.expected = "64 bytes to 64 MiB";
        throw error(std::move(details));
    }
    csv_settings settings;
    settings.form = {options.delimiter, options.block_bytes, options.bad_rows != nullptr};
    settings.nulls = {options.null_values, options.quoted_nulls == csv_quoted_nulls::text};
    for (const csv_format& format : options.formats) {
        const auto named = [&](const csv_field& field) { return field.name == format.column; };
        const auto field = std::find_if(fields.begin(), fields.end(), named);
        if (field == fields.end() || (field->type != type_id::date && field->type != type_id::timestamp)) {
            error_details details{.code = error_code::invalid_option, .stage = "scan_csv", .field = "formats"};
            details.found = "'" + format.column + (field == fields.end() ? "', which is no column of the schema" : "', a column of type " + std::string(to_string(field->type)));
            details.expected = "the name of a date or timestamp column";
            throw error(std::move(details));
        }
        settings.formats.emplace_back(format.column, format.format);
    }
    settings.bad_rows = options.bad_rows;
    settings.progress = options.progress;
    settings.comma = checked_decimal_comma(options.decimal_separator, options.delimiter, "scan_csv");
    settings.validate_all = options.validate == csv_validate::all;
    return settings;
}
}  // namespace detail

// Rows of CSV inputs, one behind the other; a `source`. Nothing is read before a scan.
template <class Schema>
class csv_scan {
public:
    using schema_type = Schema;

    csv_scan(std::vector<std::shared_ptr<const byte_input>> inputs, const csv_options& options)
        : inputs_(std::move(inputs)), settings_(detail::checked_settings(options, detail::csv_fields_of<Schema>())) {}

    std::shared_ptr<row_source> open() const { return std::make_shared<detail::csv_source>(inputs_, detail::csv_fields_of<Schema>(), settings_); }

private:
    std::vector<std::shared_ptr<const byte_input>> inputs_;
    detail::csv_settings settings_;
};

// What is read: a file by its path, a byte_input, or several of either, which are one table; each has its own header line,
// so that columns may stand in another order.
class csv_from {
public:
    csv_from(const char* path) : csv_from(std::string(path)) {}
    csv_from(std::string path) { inputs_.push_back(std::make_shared<file_input>(std::move(path))); }
    csv_from(const std::vector<std::string>& paths) {
        for (const std::string& path : paths) inputs_.push_back(std::make_shared<file_input>(path));
    }
    csv_from(std::initializer_list<const char*> paths) {
        for (const char* path : paths) inputs_.push_back(std::make_shared<file_input>(path));
    }
    csv_from(std::initializer_list<std::string> paths) : csv_from(std::vector<std::string>(paths)) {}
    template <std::derived_from<byte_input> Input>
    csv_from(std::shared_ptr<Input> input) : inputs_{std::move(input)} {}
    template <std::derived_from<byte_input> Input>
    csv_from(std::shared_ptr<const Input> input) : inputs_{std::move(input)} {}
    csv_from(std::vector<std::shared_ptr<const byte_input>> inputs) : inputs_(std::move(inputs)) {}

    const std::vector<std::shared_ptr<const byte_input>>& inputs() const { return inputs_; }

private:
    std::vector<std::shared_ptr<const byte_input>> inputs_;
};

// The rows of CSV inputs as a source, for queries: each pass reads them anew, block by block, and converts the columns that the query
// reads. (One pass only where an input cannot be read again, or bad rows are collected.) Options outside their domain are an error
// here; an input that cannot be read, a header that does not fit and a row that is not as the schema says are errors of the pass.
template <class Schema>
csv_scan<Schema> scan_csv(const csv_from& from, const csv_options& options = {}) {
    return {from.inputs(), options};
}

// The whole input as a table. Throws segkit::error on the first row, in file order, that is not as the schema says: a
// table is whole or not there.
template <class Schema>
table<Schema> read_csv(const csv_from& from, const csv_options& options = {}, executor_ref executor = detail::default_executor) {
    auto rows = detail::relation_over<Schema>(scan_csv<Schema>(from, options).open());
    return table<Schema>(detail::collect_table(std::move(rows), executor));
}

// The same, giving the error back instead of throwing it.
template <class Schema>
result<table<Schema>> try_read_csv(const csv_from& from, const csv_options& options = {}, executor_ref executor = detail::default_executor) {
    return try_call([&] { return read_csv<Schema>(from, options, executor); });
}

// What write_csv puts in quotes.
enum class csv_quote {
    minimal,       // text that needs it: with delimiters, quotes or line ends in it, empty, or spelled like a null
    values,        // every value; nulls stay bare, so that the empty text and a null differ
    everything,    // nulls as well; an empty text and a null are then the same
};

enum class csv_line_end { lf, crlf };

struct csv_write_options {
    char delimiter = ',';
    char decimal_separator = '.';                // or ','
    csv_quote quote = csv_quote::minimal;
    std::string null{};                          // how a null is spelled
    csv_line_end line_end = csv_line_end::lf;
};

namespace detail {
inline csv_form csv_form_of(const csv_write_options& options) {
    return {options.delimiter, checked_decimal_comma(options.decimal_separator, options.delimiter, "write_csv"), options.quote != csv_quote::minimal, options.quote == csv_quote::everything, options.null,
            options.line_end == csv_line_end::crlf ? "\r\n" : "\n", {}};
}
}  // namespace detail

// Writes a table so that read_csv gives back every bit of it, told `quoted_nulls = csv_quoted_nulls::text` and the same
// delimiter, decimal separator and null (`null_values = {null}`). The file appears whole or not at all; one that exists is replaced. Its
// bytes do not depend on the executor. NaN, infinity and zero bytes in text have no CSV form: segkit::error names field
// and row.
template <class Schema>
void write_csv(const table<Schema>& rows, const std::string& path, const csv_write_options& options = {}, executor_ref executor = detail::default_executor) {
    const auto r = detail::relation_over<Schema>(detail::open_table(rows));
    detail::write_csv_file(r.plan, r.slot_of, detail::csv_fields_of<Schema>(), path, detail::csv_form_of(options), executor);
}

// The same without an exception: the result is true or holds the error.
template <class Schema>
result<void> try_write_csv(const table<Schema>& rows, const std::string& path, const csv_write_options& options = {}, executor_ref executor = detail::default_executor) {
    return try_call([&] { write_csv(rows, path, options, executor); });
}

namespace detail {
template <class Executor>
struct csv_write_request {
    std::string path;
    csv_form form;
    const Executor& executor;
};
}  // namespace detail

// Ends a query: `query | write_csv("x.csv")` writes its rows as they come, and gives their number. The executor is used
// within the same expression only.
template <executor Executor = serial>
auto write_csv(std::string path, const csv_write_options& options = {}, const Executor& executor = detail::default_executor) {
    return detail::csv_write_request<Executor>{std::move(path), detail::csv_form_of(options), executor};
}
template <class T, class Executor>
    requires row_input<std::remove_cvref_t<T>>
std::size_t operator|(T&& input, const detail::csv_write_request<Executor>& request) {
    const auto r = detail::as_query(std::forward<T>(input)).bind();
    using Schema = typename std::remove_cvref_t<decltype(r)>::schema_type;
    return detail::write_csv_file(r.plan, r.slot_of, detail::csv_fields_of<Schema>(), request.path, request.form, request.executor);
}

// The same as text in memory.
template <class Schema>
std::string to_csv(const table<Schema>& rows, const csv_write_options& options = {}) {
    const auto r = detail::relation_over<Schema>(detail::open_table(rows));
    const detail::csv_formatter formatter(detail::csv_fields_of<Schema>(), detail::csv_form_of(options));
    detail::csv_text_target to;
    detail::write_csv_rows(r.plan, r.slot_of, formatter, detail::default_executor, to);
    return std::move(to.text);
}

}  // namespace SEGKIT_NAMESPACE
