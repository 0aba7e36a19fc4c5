// segkit/io/detail/arrow_types.hpp: what an Arrow type is called, and which of segkit's types hold it without loss.
//
// An ArrowSchema is read once, into these values, and released; nothing of it is needed while rows are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/io/detail/arrow_abi.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE::detail {

enum class arrow_kind : std::uint8_t {
    null,
    boolean,
    int8,
    uint8,
    int16,
    uint16,
    int32,
    uint32,
    int64,
    uint64,
    float16,
    float32,
    float64,
    bytes32,       // utf8, binary: 32-bit offsets
    bytes64,       // large_utf8, large_binary
    bytes_view,    // utf8_view, binary_view
    date_days,
    date_milliseconds,
    timestamp_seconds,
    timestamp_milliseconds,
    timestamp_microseconds,
    timestamp_nanoseconds,
    duration_seconds,
    duration_milliseconds,
    duration_microseconds,
    duration_nanoseconds,
    fixed_list,
    list32,           // 32-bit offsets
    list64,
    whole_decimal,    // of 128 bits without a fraction: what DuckDB sums integers into
    other,
};

struct arrow_type {
    arrow_kind kind = arrow_kind::other;
    std::string shown{};                         // "int64", "timestamp[ns, Europe/Berlin]", "dictionary<int8, utf8>"
    std::size_t width = 1;                       // of a fixed-size list
    std::shared_ptr<const arrow_type> item{};    // of a list, or the values of a dictionary
    bool dictionary = false;                     // `kind` is then that of the indices
};

// The unit letter of a time type: seconds, milliseconds, microseconds, nanoseconds; 4 where it is none.
inline unsigned arrow_unit(char letter) {
    return letter == 's' ? 0 : letter == 'm' ? 1 : letter == 'u' ? 2 : letter == 'n' ? 3 : 4;
}
inline arrow_kind arrow_kind_after(arrow_kind first, unsigned steps) { return static_cast<arrow_kind>(static_cast<unsigned>(first) + steps); }

inline arrow_type arrow_plain_type(std::string_view format) {
    struct letter {
        std::string_view format;
        arrow_kind kind;
        std::string_view shown;
    };
    static constexpr letter letters[] = {
        {"n", arrow_kind::null, "null"},
        {"b", arrow_kind::boolean, "bool"},
        {"c", arrow_kind::int8, "int8"},
        {"C", arrow_kind::uint8, "uint8"},
        {"s", arrow_kind::int16, "int16"},
        {"S", arrow_kind::uint16, "uint16"},
        {"i", arrow_kind::int32, "int32"},
        {"I", arrow_kind::uint32, "uint32"},
        {"l", arrow_kind::int64, "int64"},
        {"L", arrow_kind::uint64, "uint64"},
        {"e", arrow_kind::float16, "float16"},
        {"f", arrow_kind::float32, "float32"},
        {"g", arrow_kind::float64, "float64"},
        {"u", arrow_kind::bytes32, "utf8"},
        {"z", arrow_kind::bytes32, "binary"},
        {"U", arrow_kind::bytes64, "large_utf8"},
        {"Z", arrow_kind::bytes64, "large_binary"},
        {"vu", arrow_kind::bytes_view, "utf8_view"},
        {"vz", arrow_kind::bytes_view, "binary_view"},
        {"tdD", arrow_kind::date_days, "date32"},
        {"tdm", arrow_kind::date_milliseconds, "date64"},
        {"tts", arrow_kind::other, "time32[s]"},
        {"ttm", arrow_kind::other, "time32[ms]"},
        {"ttu", arrow_kind::other, "time64[us]"},
        {"ttn", arrow_kind::other, "time64[ns]"},
        {"+l", arrow_kind::list32, "list"},
        {"+L", arrow_kind::list64, "large_list"},
        {"+vl", arrow_kind::other, "list_view"},
        {"+vL", arrow_kind::other, "large_list_view"},
        {"+s", arrow_kind::other, "struct"},
        {"+m", arrow_kind::other, "map"},
        {"+r", arrow_kind::other, "run_end_encoded"},
    };
    for (const letter& l : letters)
        if (l.format == format) return {l.kind, std::string(l.shown)};

    static constexpr std::string_view units[] = {"s", "ms", "us", "ns"};
    if (format.size() >= 4 && format.starts_with("ts") && format[3] == ':' && arrow_unit(format[2]) < 4) {
        const unsigned unit = arrow_unit(format[2]);
        std::string shown = "timestamp[" + std::string(units[unit]);
        if (format.size() > 4) shown += ", " + std::string(format.substr(4));
        return {arrow_kind_after(arrow_kind::timestamp_seconds, unit), shown + ']'};
    }
    if (format.size() == 3 && format.starts_with("tD") && arrow_unit(format[2]) < 4) {
        const unsigned unit = arrow_unit(format[2]);
        return {arrow_kind_after(arrow_kind::duration_seconds, unit), "duration[" + std::string(units[unit]) + ']'};
    }
    if (format.starts_with("d:")) {    // d:precision,scale or d:precision,scale,bits
        const std::string_view rest = format.substr(format.find(',') == format.npos ? format.size() : format.find(','));
        return {rest == ",0" || rest == ",0,128" ? arrow_kind::whole_decimal : arrow_kind::other, "decimal(" + std::string(format.substr(2)) + ')'};
    }
    if (format.starts_with("w:")) return {arrow_kind::other, "fixed_size_binary(" + std::string(format.substr(2)) + ')'};
    if (format.starts_with("+u")) return {arrow_kind::other, "union"};
    return {arrow_kind::other, "a type of format '" + std::string(format) + '\''};
}

inline arrow_type read_arrow_type(const ArrowSchema& schema) {
    const std::string_view format = schema.format == nullptr ? std::string_view() : schema.format;
    arrow_type type = arrow_plain_type(format);
    if (format.starts_with("+w:") && schema.n_children == 1) {
        std::size_t width = 0;
        bool digits = format.size() > 3 && format.size() < 13;
        for (const char c : format.substr(3)) {
            digits = digits && c >= '0' && c <= '9';
            width = width * 10 + static_cast<std::size_t>(c - '0');
        }
        auto item = std::make_shared<const arrow_type>(read_arrow_type(*schema.children[0]));
        type = {digits && width > 0 ? arrow_kind::fixed_list : arrow_kind::other, "fixed_size_list<" + item->shown + ", " + std::string(format.substr(3)) + '>', width, item};
    }
    if ((type.kind == arrow_kind::list32 || type.kind == arrow_kind::list64) && schema.n_children == 1) {
        type.item = std::make_shared<const arrow_type>(read_arrow_type(*schema.children[0]));
        type.shown += '<' + type.item->shown + '>';
    }
    if (schema.dictionary != nullptr) {
        type.item = std::make_shared<const arrow_type>(read_arrow_type(*schema.dictionary));
        type.shown = "dictionary<" + type.shown + ", " + type.item->shown + '>';
        type.dictionary = true;
    }
    return type;
}

// Whether every value of the Arrow type has a value of the column type: lossless, or lossless where checked row by row.
inline bool arrow_fits(type_id wanted, const arrow_type& given) {
    if (given.dictionary) {
        const bool is_index = given.kind >= arrow_kind::int8 && given.kind <= arrow_kind::uint64;
        return is_index && !given.item->dictionary && !is_list_type(wanted) && given.item->kind != arrow_kind::fixed_list && arrow_fits(wanted, *given.item);
    }
    const auto one_of = [&](arrow_kind first, arrow_kind last) { return given.kind >= first && given.kind <= last; };
    if (given.kind == arrow_kind::null) return wanted != type_id::block32 && wanted != type_id::block64;
    if (is_list_type(wanted)) return one_of(arrow_kind::list32, arrow_kind::list64) && given.item && arrow_fits(item_of(wanted), *given.item);
    switch (wanted) {
        case type_id::boolean: return given.kind == arrow_kind::boolean;
        case type_id::int32: return one_of(arrow_kind::int8, arrow_kind::int32);
        case type_id::int64: return one_of(arrow_kind::int8, arrow_kind::uint64) || given.kind == arrow_kind::whole_decimal;
        case type_id::float32: return one_of(arrow_kind::int8, arrow_kind::uint16) || one_of(arrow_kind::float16, arrow_kind::float32);
        case type_id::float64: return one_of(arrow_kind::int8, arrow_kind::uint32) || one_of(arrow_kind::float16, arrow_kind::float64);
        case type_id::text: return one_of(arrow_kind::bytes32, arrow_kind::bytes_view);
        case type_id::date: return one_of(arrow_kind::date_days, arrow_kind::date_milliseconds);
        case type_id::timestamp: return one_of(arrow_kind::date_days, arrow_kind::timestamp_nanoseconds);
        case type_id::duration: return one_of(arrow_kind::duration_seconds, arrow_kind::duration_nanoseconds);
        case type_id::block32: return given.kind == arrow_kind::fixed_list && given.item->kind == arrow_kind::float32 && !given.item->dictionary;
        case type_id::block64: return given.kind == arrow_kind::fixed_list && given.item->kind == arrow_kind::float64 && !given.item->dictionary;
        default: return false;    // a type that Arrow import does not know
    }
}

// How many buffers an array of this kind has at least.
inline std::int64_t arrow_buffer_count(arrow_kind kind) {
    switch (kind) {
        case arrow_kind::null: return 0;
        case arrow_kind::fixed_list: return 1;
        case arrow_kind::bytes32:
        case arrow_kind::bytes64:
        case arrow_kind::bytes_view: return 3;
        default: return 2;
    }
}

}  // namespace SEGKIT_NAMESPACE::detail
