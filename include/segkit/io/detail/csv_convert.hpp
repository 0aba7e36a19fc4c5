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
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/io/detail/csv_places.hpp>
#include <segkit/io/detail/csv_problem.hpp>
#include <segkit/io/detail/csv_reader.hpp>
#include <segkit/io/detail/csv_texts.hpp>
#include <segkit/io/detail/csv_values.hpp>
#include <segkit/table/chunk.hpp>
#include <segkit/table/column.hpp>
#include <segkit/table/parse.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE::detail {

// One column that the schema asks for.
struct csv_field {
    std::string_view name;
    type_id type = type_id::text;
    bool nullable = false;
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

// A column that is wanted, and how it is converted.
struct csv_column {
    csv_field field{};
    std::size_t position = 0;    // in the file
    std::size_t slot = 0;        // in the schema
    std::size_t stage = 0;       // of the pass: when it is wanted
    const time_format* format = nullptr;
    bool comma = false;          // numbers with a fraction have a decimal comma
    char delimiter = ',';        // of the input, for messages
    csv_kernel kernel = nullptr; // none for text

    char point() const { return comma ? ',' : '.'; }
};

template <class T>
csv_kernel csv_choose_kernel(const csv_column& column, const csv_null_rule& nulls, instruction_set level) {
    bool careful = column.format != nullptr;
    T value{};
    for (const std::string& written : nulls.spellings) {
        const std::string spelling = has_point<T> && column.comma ? csv_with_point(written) : written;
        careful = careful || parse_into(spelling.data(), spelling.data() + spelling.size(), value);
    }
    return csv_kernel_for<T>(column.field.nullable, careful, level);
}
template <class Column>
csv_kernel csv_kernel_of(const Column& column, const csv_null_rule& nulls, instruction_set level) {
    switch (column.field.type) {
        case type_id::boolean: return csv_choose_kernel<bool>(column, nulls, level);
        case type_id::int32: return csv_choose_kernel<std::int32_t>(column, nulls, level);
        case type_id::int64: return csv_choose_kernel<std::int64_t>(column, nulls, level);
        case type_id::float32: return csv_choose_kernel<float>(column, nulls, level);
        case type_id::float64: return csv_choose_kernel<double>(column, nulls, level);
        case type_id::date: return csv_choose_kernel<date>(column, nulls, level);
        case type_id::timestamp: return csv_choose_kernel<timestamp>(column, nulls, level);
        case type_id::duration: return csv_choose_kernel<duration>(column, nulls, level);
        default: return nullptr;
    }
}

inline bool csv_is_null_text(const char* begin, std::string_view value, const csv_null_rule& nulls) {
    return (value.empty() || (!nulls.spellings.empty() && nulls.spelled(value))) && !(nulls.quoted_is_text && begin[-1] == '"');
}

// A text is never wrong. In a column without nulls the empty field is the empty text.
inline void csv_convert_texts(const csv_fields_of_column& fields, const csv_null_rule& nulls, const csv_text_functions& texts, bool doubled, csv_arena& arena,
                              std::string_view* values, std::uint8_t* validity) {
    doubled = doubled && texts.count_quotes(fields) != 0;
    if (!doubled && (!validity || (nulls.spellings.empty() && !nulls.quoted_is_text))) {
        // Nothing to decide: a text without bytes is the empty text or a null.
        for (std::size_t r = 0; r < fields.rows; r += 8) {
            const std::size_t group = fields.rows - r < 8 ? fields.rows - r : 8;
            unsigned bits = 0;
            for (std::size_t i = 0; i < group; ++i) {
                const std::string_view value = fields.field(r + i);
                values[r + i] = value;
                bits |= unsigned{!value.empty()} << i;
            }
            if (validity) validity[r / 8] = static_cast<std::uint8_t>(bits);
        }
        return;
    }
    for (std::size_t r = 0; r < fields.rows; ++r) {
        const char* const begin = fields.first(r);
        std::string_view value(begin, static_cast<std::size_t>(fields.last(r) - begin));
        if (validity) {
            const bool null = csv_is_null_text(begin, value, nulls);
            csv_put_bit(validity, r, !null);
            if (null) value = {};
        }
        if (doubled && !value.empty() && std::memchr(begin, '"', value.size())) {
            auto* const single = reinterpret_cast<std::byte*>(arena.take(value.size()));
            const std::byte* const end = texts.single(value, single, single + value.size());
            value = {reinterpret_cast<const char*>(single), static_cast<std::size_t>(end - single)};
        }
        values[r] = value;
    }
}

inline std::string csv_expected(type_id type, bool comma) {
    switch (type) {
        case type_id::boolean: return "true or false (or 1, 0)";
        case type_id::int32: return std::string("an integer from -2147483648 to 2147483647") + (comma ? ", without a comma or a point" : "");
        case type_id::int64: return std::string("an integer of 64 bits") + (comma ? ", without a comma or a point" : "");
        case type_id::float32:
        case type_id::float64: return comma ? "a finite number with a decimal comma" : "a finite number";
        case type_id::date: return "a date that exists, written YYYY-MM-DD";
        case type_id::timestamp: return "a timestamp that exists, written YYYY-MM-DD HH:MM:SS with a fraction of at most 6 digits";
        case type_id::duration: return std::string("seconds, with a ") + (comma ? "decimal comma and a " : "") + "fraction of at most 6 digits";
        default: return "text";
    }
}

// What to do about a field that is not a value of its column.
inline std::string csv_advice(const csv_column& where, std::string_view field) {
    const csv_field& column = where.field;
    const type_id type = column.type;
    const bool comma = where.comma;
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    if (is_blank(field.front()) || is_blank(field.back())) return "remove the blanks around the value";
    const std::string spelled = std::string("if it stands for a missing value, ") + (column.nullable ? "" : "declare the column std::optional and ") +
        "add it to csv_options::null_values";
    if (type == type_id::int32 && parse_value<std::int64_t>(field)) return "declare the column as std::int64_t";
    if ((type == type_id::int32 || type == type_id::int64) && parse_value<double>(comma ? csv_with_point(field) : std::string(field))) return "declare the column as double";
    if (comma && (type == type_id::int32 || type == type_id::int64) && field.find('.') != field.npos) return "write the digits alone, without separators of thousands";
    if (type == type_id::float32 || type == type_id::float64 || type == type_id::duration) {
        if (comma && field.find('.') != field.npos) return "write a decimal comma, without separators of thousands, or set csv_options::decimal_separator = '.'";
        if (!comma && field.find(',') != field.npos)
            return std::string("write a decimal point, without separators of thousands") + (where.delimiter == ',' ? "" : ", or set csv_options::decimal_separator = ','");
    }
    if (type == type_id::date && parse_value<timestamp>(field)) return "declare the column as segkit::timestamp";
    if (field.find_first_of("0123456789") == field.npos) return spelled;
    if ((type == type_id::date || type == type_id::timestamp) && field.find('-') != 4) return "say in csv_options::formats how this column is written";
    return "correct the value, or declare the column as segkit::text";
}

// Why a field is no value of its column.
inline error_details csv_refused_field(const csv_batch& batch, std::string_view field, std::size_t row, const csv_column& column, const csv_null_rule& nulls,
                                       const csv_labels& labels) {
    const bool null = field.empty() || nulls.spelled(field);
    error_details details = labels.place(null ? error_code::unexpected_null : error_code::malformed_value,
                                         batch.line_of(static_cast<std::uint32_t>(field.data() - batch.text())), column.position);
    details.row = batch.first_row + row;
    details.found = field.empty() ? "an empty field" : shown(field);
    details.expected = column.format ? "a " + std::string(to_string(column.field.type)) + " written " + column.format->pattern() : csv_expected(column.field.type, column.comma);
    details.advice = null             ? "declare the column as std::optional if values may be missing"
                     : column.format ? "correct the value, or the format that csv_options::formats gives the column"
                                     : csv_advice(column, field);
    return details;
}

// Converts batches to chunks, stage by stage: columns that the pass wants later are converted for the rows that are left.
class csv_converter {
public:
    // `slots`: columns of the schema.
    csv_converter(std::size_t slots, const csv_null_rule& nulls) : nulls_(nulls), fields_(chunk_rows, simd_level()), selection_(new std::uint16_t[chunk_rows]) {
        chunk_.slots.resize(slots);
        chunk_.selection = selection_.get();
    }
    // From now on, batches are of this input.
    void use(const std::vector<csv_column>& columns, const std::vector<std::size_t>& positions, const csv_labels& labels) {
        labels_ = &labels;
        fields_.want(positions);
        places_.resize(columns.size());
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const csv_field& field = columns[i].field;
            place& p = places_[i];
            p.column = &columns[i];
            const std::size_t size = field.type == type_id::text ? sizeof(std::string_view) : size_of(field.type);
            if (!p.values || p.size != size) p.values.reset(new std::byte[chunk_rows * size]);
            p.size = size;
            chunk_.slots[columns[i].slot].values = p.values.get();
            if (field.nullable) chunk_.slots[columns[i].slot].validity = p.validity.data();
        }
    }
    csv_converter(const csv_converter&) = delete;    // the chunk points into the columns
    csv_converter& operator=(const csv_converter&) = delete;

    // Begins with rows [first, first + rows) of the batch; nothing is converted yet.
    chunk& begin(const csv_batch& batch, std::size_t first, std::size_t rows) {
        arena_.reset();
        fields_.begin(batch, first, rows);
        batch_ = &batch;
        first_ = first;
        refused_.reset();
        chunk_.rows = chunk_.selected = static_cast<std::uint32_t>(rows);
        chunk_.dense = true;
        chunk_.selection = selection_.get();
        chunk_.first_row = batch.first_row + first;
        return chunk_;
    }

    // Converts the columns of a stage for the rows that count. At the first row, in file order, with a wrong value the chunk
    // ends; or, with somewhere to put them, such rows do not count any more.
    void convert(std::size_t stage, std::vector<error_details>* rejected) {
        for (place& p : places_) {
            if (p.column->stage != stage) continue;
            while (const auto wrong = convert_column(p)) {
                const std::uint32_t row = chunk_.row_of(*wrong);
                error_details details = csv_refused_field(*batch_, last_fields_.field(*wrong), first_ + row, *p.column, nulls_, *labels_);
                if (rejected) {
                    rejected->push_back(std::move(details));
                    drop(*wrong);
                } else {
                    refused_ = std::move(details);    // a later one stands in an earlier row
                    if (chunk_.dense) chunk_.selected = row;
                    else chunk_.selected = *wrong;
                    chunk_.rows = row;
                    break;
                }
            }
        }
    }

    // Throws what ended the chunk, if anything did; after its rows have been handed on.
    void check() {
        if (refused_) throw error(std::move(*refused_));
    }

private:
    struct place {
        const csv_column* column = nullptr;
        std::size_t size = 0;
        std::unique_ptr<std::byte[]> values{};
        std::array<std::uint8_t, chunk_rows / 8> validity{};
    };

    // The place among the rows that count of the first one whose field is not a value.
    std::optional<std::uint32_t> convert_column(place& p) {
        const std::uint32_t count = chunk_.selected;
        const std::uint16_t* const selection = chunk_.dense ? nullptr : chunk_.selection;
        last_fields_ = fields_.of(p.column->position, selection, count);
        std::byte* const values = selection ? packed_values() : p.values.get();
        std::uint8_t* const validity = !p.column->field.nullable ? nullptr : selection ? packed_validity_.data() : p.validity.data();
        std::size_t good = count;
        if (p.column->kernel) {
            csv_job job{last_fields_, values, validity, &nulls_, p.column->format, p.column->point()};
            good = p.column->kernel(job);
        } else {
            csv_convert_texts(last_fields_, nulls_, texts_, batch_->findings.doubled != 0, arena_, reinterpret_cast<std::string_view*>(values), validity);
        }
        if (selection) {
            switch (p.size) {
                case 1: scatter<std::uint8_t>(p, good); break;
                case 4: scatter<std::uint32_t>(p, good); break;
                case 8: scatter<std::uint64_t>(p, good); break;
                default: scatter<std::string_view>(p, good); break;
            }
            if (validity)
                for (std::size_t k = 0; k < good; ++k) csv_put_bit(p.validity.data(), selection[k], bit_at(validity, k));
        }
        if (good == count) return std::nullopt;
        return static_cast<std::uint32_t>(good);
    }

    // Rows stay where they are in a chunk, whichever of them count.
    template <class V>
    void scatter(place& p, std::size_t count) {
        const std::uint16_t* const selection = chunk_.selection;
        for (std::size_t k = 0; k < count; ++k) std::memcpy(p.values.get() + selection[k] * sizeof(V), packed_.get() + k * sizeof(V), sizeof(V));
    }
    std::byte* packed_values() {
        if (!packed_) packed_.reset(new std::byte[chunk_rows * sizeof(std::string_view)]);
        return packed_.get();
    }

    // The k-th row that counts does not count any more.
    void drop(std::uint32_t k) {
        std::uint16_t* const selection = selection_.get();
        if (chunk_.dense) {
            for (std::uint32_t i = 0; i < chunk_.rows; ++i) selection[i] = static_cast<std::uint16_t>(i);
            chunk_.dense = false;
        } else if (chunk_.selection != selection) {
            std::memcpy(selection, chunk_.selection, chunk_.selected * sizeof *selection);
        }
        chunk_.selection = selection;
        std::memmove(selection + k, selection + k + 1, (chunk_.selected - k - 1) * sizeof *selection);
        --chunk_.selected;
    }

    const csv_null_rule& nulls_;
    const csv_labels* labels_ = nullptr;
    std::vector<place> places_;
    csv_arena arena_;
    csv_text_functions texts_ = csv_text_functions_at(simd_level());
    csv_places fields_;
    csv_fields_of_column last_fields_;
    std::unique_ptr<std::byte[]> packed_;
    std::array<std::uint8_t, chunk_rows / 8> packed_validity_{};
    std::unique_ptr<std::uint16_t[]> selection_;
    chunk chunk_;
    const csv_batch* batch_ = nullptr;
    std::size_t first_ = 0;
    std::optional<error_details> refused_;
};

}  // namespace SEGKIT_NAMESPACE::detail
