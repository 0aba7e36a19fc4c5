// segkit/io/detail/csv_convert.hpp: fields of a batch to typed columns, one column at a time, at most chunk_rows rows.
//
// One loop per value type, chosen at run time: the schema is a list of names and types here. Columns nobody asked for
// are not looked at. The first bad value in file order is reported, whichever column was converted first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/io/detail/csv_problem.hpp>
#include <segkit/io/detail/csv_reader.hpp>
#include <segkit/table/chunk.hpp>
#include <segkit/table/parse.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE::detail {

// One column that the schema asks for.
struct csv_field {
    std::string_view name;
    type_id type = type_id::text;
    bool nullable = false;
};

// What a field that spells a null means; see csv_options.
struct csv_null_rule {
    std::vector<std::string> spellings;    // besides the empty text
    bool quoted_is_text = false;           // in text columns

    bool spelled(std::string_view text) const {
        for (const std::string& spelling : spellings)
            if (spelling == text) return true;
        return false;
    }
};

// Bytes that live until `reset`: texts whose doubled quotes were made single.
class csv_arena {
public:
    char* take(std::size_t bytes) {
        if (piece_ < pieces_.size() && used_ + bytes > pieces_[piece_].size) ++piece_, used_ = 0;
        while (piece_ < pieces_.size() && bytes > pieces_[piece_].size) ++piece_;
        if (piece_ == pieces_.size()) {
            const std::size_t size = bytes > 64 * 1024 ? bytes : 64 * 1024;
            pieces_.push_back({std::unique_ptr<char[]>(new char[size]), size});
            used_ = 0;
        }
        char* const at = pieces_[piece_].bytes.get() + used_;
        used_ += bytes;
        return at;
    }
    void reset() { piece_ = used_ = 0; }

private:
    struct piece {
        std::unique_ptr<char[]> bytes;
        std::size_t size;
    };
    std::vector<piece> pieces_;
    std::size_t piece_ = 0;
    std::size_t used_ = 0;
};

// The fields of one column, quotes stripped.
struct csv_spans {
    std::array<std::uint32_t, chunk_rows> begin;
    std::array<std::uint32_t, chunk_rows> end;
};

struct csv_column {
    csv_field field{};
    std::size_t position = 0;    // in the file
    std::size_t slot = 0;        // in the schema
    std::unique_ptr<std::byte[]> values{};
    std::array<std::uint8_t, chunk_rows / 8> validity{};
};

inline void csv_find_spans(const csv_batch& batch, std::size_t column, std::size_t first, std::size_t rows, csv_spans& spans) {
    const char* const text = batch.text();
    const std::size_t columns = batch.columns;
    const std::uint32_t* starts = batch.starts + first * columns + column;
    const std::uint32_t* ends = batch.ends + first * columns + column;
    for (std::size_t r = 0; r < rows; ++r) {
        spans.begin[r] = starts[r * columns] + 1;
        spans.end[r] = ends[r * columns];
    }
    if (batch.findings.returns && column + 1 == columns) {
        for (std::size_t r = 0; r < rows; ++r) spans.end[r] -= spans.end[r] != spans.begin[r] && text[spans.end[r] - 1] == '\r';
    }
    if (batch.findings.quotes) {
        for (std::size_t r = 0; r < rows; ++r) {
            const std::uint32_t quoted = text[spans.begin[r]] == '"';    // of an empty field this is the delimiter
            spans.begin[r] += quoted;
            spans.end[r] -= quoted;
        }
    }
}

// Converts `rows` fields; returns the first row that is not a value (or a null where none is allowed), or `rows`.
template <class T>
std::size_t csv_convert_values(const char* text, const csv_spans& spans, std::size_t rows, const csv_null_rule& nulls, csv_column& column) {
    T* const values = reinterpret_cast<T*>(column.values.get());
    const bool spellings = !nulls.spellings.empty();
    for (std::size_t r = 0; r < rows; ++r) {
        const char* const begin = text + spans.begin[r];
        const char* const end = text + spans.end[r];
        if (begin == end || (spellings && nulls.spelled({begin, end}))) {
            if (!column.field.nullable) return r;
            values[r] = T{};
            column.validity[r >> 3] = static_cast<std::uint8_t>(column.validity[r >> 3] & ~(1u << (r & 7)));
        } else if (!parse_into(begin, end, values[r])) {
            return r;
        }
    }
    return rows;
}

inline std::string_view csv_single_quotes(std::string_view field, csv_arena& arena) {
    char* const to = arena.take(field.size());
    std::size_t length = 0;
    for (std::size_t i = 0; i < field.size(); ++i) {
        to[length++] = field[i];
        i += field[i] == '"';
    }
    return {to, length};
}

// A text is never wrong. In a column without nulls the empty field is the empty text.
inline std::size_t csv_convert_texts(const char* text, const csv_spans& spans, std::size_t rows, const csv_null_rule& nulls, bool doubled,
                                     csv_arena& arena, csv_column& column) {
    auto* const values = reinterpret_cast<std::string_view*>(column.values.get());
    const bool spellings = !nulls.spellings.empty();
    for (std::size_t r = 0; r < rows; ++r) {
        const char* const begin = text + spans.begin[r];
        std::string_view value(begin, spans.end[r] - spans.begin[r]);
        if (column.field.nullable && (value.empty() || (spellings && nulls.spelled(value))) && !(nulls.quoted_is_text && begin[-1] == '"')) {
            values[r] = std::string_view();
            column.validity[r >> 3] = static_cast<std::uint8_t>(column.validity[r >> 3] & ~(1u << (r & 7)));
            continue;
        }
        if (doubled && begin[-1] == '"' && !value.empty() && std::memchr(begin, '"', value.size())) value = csv_single_quotes(value, arena);
        values[r] = value;
    }
    return rows;
}

inline std::string csv_expected(type_id type) {
    switch (type) {
        case type_id::boolean: return "true or false (or 1, 0)";
        case type_id::int32: return "an integer from -2147483648 to 2147483647";
        case type_id::int64: return "an integer of 64 bits";
        case type_id::float32:
        case type_id::float64: return "a finite number";
        case type_id::date: return "a date that exists, written YYYY-MM-DD";
        case type_id::timestamp: return "a timestamp that exists, written YYYY-MM-DD HH:MM:SS with a fraction of at most 6 digits";
        case type_id::duration: return "seconds, with a fraction of at most 6 digits";
        default: return "text";
    }
}

// What to do about a field that is not a value of its column.
inline std::string csv_advice(type_id type, std::string_view field) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    if (is_blank(field.front()) || is_blank(field.back())) return "remove the blanks around the value";
    const std::string spelled = "if it stands for a missing value, declare the column std::optional and add it to csv_options::null_values";
    if (type == type_id::int32 && parse_value<std::int64_t>(field)) return "declare the column as std::int64_t";
    if ((type == type_id::int32 || type == type_id::int64) && parse_value<double>(field)) return "declare the column as double";
    if ((type == type_id::float32 || type == type_id::float64) && field.find(',') != field.npos) return "write a decimal point, without separators of thousands";
    if (type == type_id::date && parse_value<timestamp>(field)) return "declare the column as segkit::timestamp";
    if (field.find_first_of("0123456789") == field.npos) return spelled;
    return "correct the value, or declare the column as segkit::text";
}

class csv_converter {
public:
    // `columns` in the order of the file; `slots`: columns of the schema.
    csv_converter(std::vector<csv_column> columns, std::size_t slots, csv_null_rule nulls) : columns_(std::move(columns)), nulls_(std::move(nulls)) {
        chunk_.slots.resize(slots);
        for (csv_column& column : columns_) {
            const std::size_t size = column.field.type == type_id::text ? sizeof(std::string_view) : size_of(column.field.type);
            column.values.reset(new std::byte[chunk_rows * size]);
            chunk_.slots[column.slot].values = column.values.get();
            if (column.field.nullable) chunk_.slots[column.slot].validity = column.validity.data();
        }
    }
    csv_converter(const csv_converter&) = delete;    // the chunk points into the columns
    csv_converter& operator=(const csv_converter&) = delete;

    // Rows [first, first + rows) of the batch as a chunk that is valid until the next call.
    const chunk& convert(const csv_batch& batch, std::size_t first, std::size_t rows, const csv_labels& labels) {
        arena_.reset();
        std::size_t good = rows;
        const csv_column* bad = nullptr;
        for (csv_column& column : columns_) {
            csv_find_spans(batch, column.position, first, good, spans_);
            if (column.field.nullable) column.validity.fill(0xFF);
            const std::size_t stopped = convert_column(batch, good, column);
            if (stopped < good) {
                good = stopped;
                bad = &column;
            }
        }
        if (bad) fail(batch, first + good, *bad, labels);
        chunk_.rows = chunk_.selected = static_cast<std::uint32_t>(rows);
        chunk_.first_row = batch.first_row + first;
        return chunk_;
    }

private:
    std::size_t convert_column(const csv_batch& batch, std::size_t rows, csv_column& column) {
        const char* const text = batch.text();
        switch (column.field.type) {
            case type_id::boolean: return csv_convert_values<bool>(text, spans_, rows, nulls_, column);
            case type_id::int32: return csv_convert_values<std::int32_t>(text, spans_, rows, nulls_, column);
            case type_id::int64: return csv_convert_values<std::int64_t>(text, spans_, rows, nulls_, column);
            case type_id::float32: return csv_convert_values<float>(text, spans_, rows, nulls_, column);
            case type_id::float64: return csv_convert_values<double>(text, spans_, rows, nulls_, column);
            case type_id::date: return csv_convert_values<date>(text, spans_, rows, nulls_, column);
            case type_id::timestamp: return csv_convert_values<timestamp>(text, spans_, rows, nulls_, column);
            case type_id::duration: return csv_convert_values<duration>(text, spans_, rows, nulls_, column);
            default: return csv_convert_texts(text, spans_, rows, nulls_, batch.findings.doubled != 0, arena_, column);
        }
    }

    [[noreturn]] void fail(const csv_batch& batch, std::size_t row, const csv_column& column, const csv_labels& labels) {
        csv_find_spans(batch, column.position, row, 1, spans_);
        const std::string_view field(batch.text() + spans_.begin[0], spans_.end[0] - spans_.begin[0]);
        const bool null = field.empty() || nulls_.spelled(field);
        error_details details = labels.place(null ? error_code::unexpected_null : error_code::malformed_value, batch.line_of(spans_.begin[0]), column.position);
        details.row = batch.first_row + row;
        details.found = field.empty() ? "an empty field" : shown(field);
        details.expected = csv_expected(column.field.type);
        details.advice = null ? "declare the column as std::optional if values may be missing" : csv_advice(column.field.type, field);
        throw error(std::move(details));
    }

    std::vector<csv_column> columns_;
    csv_null_rule nulls_;
    csv_arena arena_;
    csv_spans spans_;
    chunk chunk_;
};

}  // namespace SEGKIT_NAMESPACE::detail
