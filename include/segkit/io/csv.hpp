// segkit/io/csv.hpp: CSV files in and out, typed by a schema.
//
//     auto rows = segkit::scan_csv<sessions>("sessions.csv") | ...       // streams; memory stays small
//     segkit::table<sessions> all = segkit::read_csv<sessions>("sessions.csv");
//     segkit::write_csv(all, "copy.csv");
//
// Columns are found by name in the header, in any order; columns that nobody reads are not converted. About 1 GB/s
// and thread for all columns of a wide file, more for a few of them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/io/detail/csv_collect.hpp>
#include <segkit/io/detail/csv_input.hpp>
#include <segkit/io/detail/csv_source.hpp>
#include <segkit/io/detail/csv_write.hpp>
#include <segkit/pipeline/source.hpp>
#include <segkit/table/schema.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE {

// What a quoted field of a nullable text column is, when its text spells a null ("" or one of `null_values`).
enum class csv_quoted_nulls {
    null,    // a null: for files that quote every field
    text,    // that text: for files that write_csv wrote, where quotes tell the empty text from a null
};

// An empty field is a null where the column is nullable; in a text column that is not, it is the empty text.
struct csv_options {
    char delimiter = ',';
    std::vector<std::string> null_values{};                       // further spellings of null, such as "NA"
    csv_quoted_nulls quoted_nulls = csv_quoted_nulls::null;
    std::size_t block_bytes = 128 * 1024;                         // read at once: 64 bytes to 64 MiB
};

template <class Schema>
class csv_scan;

namespace detail {
template <class Type>
struct not_a_csv_type {
    static_assert(never<Type>, "segkit: a block column has no CSV form; give its elements columns of their own");
};

template <class Schema>
std::vector<csv_field> csv_fields_of() {
    std::vector<csv_field> fields;
    for_each_field<Schema>::apply([&]<class Field>(Field*) {
        if constexpr (is_block<typename Field::type>) detail::report(detail::mistake<not_a_csv_type<typename Field::type>>);
        fields.push_back({Field::name, type_id_of<typename Field::type>, is_nullable<typename Field::type>});
    });
    return fields;
}

inline csv_settings checked_settings(const csv_options& options) {
    check_csv_delimiter(options.delimiter, "scan_csv");
    if (options.block_bytes < 64 || options.block_bytes > 64 * 1024 * 1024) {
        error_details details{.code = error_code::invalid_option, .stage = "scan_csv", .field = "block_bytes"};
        details.found = std::to_string(options.block_bytes);
        details.expected = "64 bytes to 64 MiB";
        throw error(std::move(details));
    }
    return {options.delimiter, options.block_bytes, {options.null_values, options.quoted_nulls == csv_quoted_nulls::text}};
}
}  // namespace detail

// Rows of a CSV input; a `source`. Nothing is read before a scan.
template <class Schema>
class csv_scan {
public:
    using schema_type = Schema;

    csv_scan(std::shared_ptr<const byte_input> input, const csv_options& options)
        : input_(std::move(input)), settings_(detail::checked_settings(options)) {}

    std::shared_ptr<row_source> open() const {
        return std::make_shared<detail::csv_source>(input_, detail::csv_fields_of<Schema>(), settings_);
    }

private:
    std::shared_ptr<const byte_input> input_;
    detail::csv_settings settings_;
};

template <class Schema>
csv_scan<Schema> scan_csv(std::shared_ptr<const byte_input> input, const csv_options& options = {}) {
    return {std::move(input), options};
}
template <class Schema>
csv_scan<Schema> scan_csv(std::string path, const csv_options& options = {}) {
    return {std::make_shared<file_input>(std::move(path)), options};
}

// The whole input as a table. Throws segkit::error on the first row, in file order, that is not as the schema says: a
// table is whole or not there.
template <class Schema>
table<Schema> read_csv(std::shared_ptr<const byte_input> input, const csv_options& options = {},
                       executor_ref executor = detail::default_executor) {
    detail::csv_collector collector(detail::empty_columns<Schema>());
    csv_scan<Schema>(std::move(input), options).open()->scan(std::vector<bool>(Schema::size, true), executor, collector);
    return table<Schema>(collector.take());
}
template <class Schema>
table<Schema> read_csv(std::string path, const csv_options& options = {}, executor_ref executor = detail::default_executor) {
    return read_csv<Schema>(std::make_shared<file_input>(std::move(path)), options, executor);
}

// The same, giving the error back instead of throwing it.
template <class Schema>
result<table<Schema>> try_read_csv(std::shared_ptr<const byte_input> input, const csv_options& options = {},
                                   executor_ref executor = detail::default_executor) {
    return try_call([&] { return read_csv<Schema>(std::move(input), options, executor); });
}
template <class Schema>
result<table<Schema>> try_read_csv(std::string path, const csv_options& options = {}, executor_ref executor = detail::default_executor) {
    return try_read_csv<Schema>(std::make_shared<file_input>(std::move(path)), options, executor);
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
    csv_quote quote = csv_quote::minimal;
    std::string null{};                          // how a null is spelled
    csv_line_end line_end = csv_line_end::lf;
};

namespace detail {
inline csv_form csv_form_of(const csv_write_options& options) {
    return {options.delimiter, options.quote != csv_quote::minimal, options.quote == csv_quote::everything, options.null,
            options.line_end == csv_line_end::crlf ? "\r\n" : "\n", {}};
}
}  // namespace detail

// Writes a table so that read_csv gives back every bit of it, told `quoted_nulls = csv_quoted_nulls::text` and the same
// delimiter and null (`null_values = {null}`). The file appears whole or not at all; one that exists is replaced.
// NaN, infinity and zero bytes in text have no CSV form: segkit::error names field and row.
template <class Schema>
void write_csv(const table<Schema>& rows, const std::string& path, const csv_write_options& options = {}) {
    detail::write_csv_file(detail::csv_fields_of<Schema>(), rows.data(), path, detail::csv_form_of(options));
}

// The same as text in memory.
template <class Schema>
std::string to_csv(const table<Schema>& rows, const csv_write_options& options = {}) {
    return detail::csv_text(detail::csv_fields_of<Schema>(), rows.data(), detail::csv_form_of(options));
}

}  // namespace SEGKIT_NAMESPACE
