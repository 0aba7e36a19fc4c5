// segkit/query/detail/stored_values.hpp: single values of stored columns whose type is known at run time only.
//
// with_order_value(type, f) switches on the type once; stored_value<V>(column, row) then reads. Keys that are hashed or only
// compared for equality are read as with_key_value (hash.hpp) says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/table/column.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Calls f(std::type_identity<V>) with the type whose < is the order of values of this type.
template <class F>
auto with_order_value(type_id type, F&& f) {
    switch (type) {
        case type_id::boolean: return f(std::type_identity<std::uint8_t>{});
        case type_id::int32:
        case type_id::date: return f(std::type_identity<std::int32_t>{});
        case type_id::float32: return f(std::type_identity<float>{});
        case type_id::float64: return f(std::type_identity<double>{});
        case type_id::text: return f(std::type_identity<std::string_view>{});
        default: return f(std::type_identity<std::int64_t>{});
    }
}

template <class V, class Column>
V stored_value(const Column& column, std::size_t row) {
    if constexpr (std::is_same_v<V, std::string_view>) return text_values(column)[row];
    else return reinterpret_cast<const V*>(column.values.data())[row];
}

// Whether the row has a value: whether it is not null.
template <class Column>
bool is_stored(const Column& column, std::size_t row) {
    return !column.nullable || bit_at(column.validity_bits(), row);
}

// A key as a message shows it; seconds without their fraction.
inline std::string shown_day(date day) {
    const auto two_digits = [](int n) { return (n < 10 ? "-0" : "-") + std::to_string(n); };
    return std::to_string(day.year()) + two_digits(day.month()) + two_digits(day.day());
}
template <class Column>
std::string shown_key(const Column& column, std::size_t row) {
    if (!is_stored(column, row)) return "null";
    switch (column.type) {
        case type_id::text: return "\"" + std::string(column_view<text>(column)[row]) + "\"";
        case type_id::category: return "\"" + std::string(column_view<category>(column)[row]) + "\"";
        case type_id::boolean: return column_view<bool>(column)[row] ? "true" : "false";
        case type_id::int32: return std::to_string(column_view<std::int32_t>(column)[row]);
        case type_id::int64: return std::to_string(column_view<std::int64_t>(column)[row]);
        case type_id::float32: return std::to_string(column_view<float>(column)[row]);
        case type_id::float64: return std::to_string(column_view<double>(column)[row]);
        case type_id::date: return shown_day(column_view<date>(column)[row]);
        case type_id::timestamp: {
            const timestamp at = column_view<timestamp>(column)[row];
            return shown_day(at.day()) + " and " + std::to_string(at.microseconds_of_day() / microseconds_per_second) + " s";
        }
        case type_id::duration: return std::to_string(column_view<duration>(column)[row].microseconds) + " microseconds";
        default: return "a " + std::string(to_string(column.type));
    }
}

}  // namespace SEGKIT_NAMESPACE::detail
