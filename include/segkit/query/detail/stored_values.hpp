// segkit/query/detail/stored_values.hpp: single values of stored columns whose type is known at run time only.
//
// with_order_value(type, f) switches on the type once; stored_value<V>(column, row) then reads. Keys that are hashed or only
// compared for equality are read as with_key_value (hash.hpp) says.
#pragma once

#include <cstddef>
#include <cstdint>
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

}  // namespace SEGKIT_NAMESPACE::detail
