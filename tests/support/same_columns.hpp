// Stored columns compared bit by bit; texts by their bytes, wherever these lie.
#pragma once

#include <cstring>
#include <string_view>

#include <segkit/table/table.hpp>

namespace support {

inline bool same_buffer(const segkit::buffer& a, const segkit::buffer& b) { return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size()) == 0); }

inline bool same_column(const segkit::column_data& a, const segkit::column_data& b) {
    if (a.type != b.type || a.nullable != b.nullable || a.rows != b.rows || (a.rows && a.width != b.width) || !same_buffer(a.validity, b.validity)) return false;
    if (a.texts().size() != b.texts().size() || a.texts().bytes() != b.texts().bytes()) return false;
    if (!a.items.empty() && !same_column(a.items.front(), b.items.front())) return false;
    if (!a.refers && !b.refers) return same_buffer(a.values, b.values) && same_buffer(a.bytes, b.bytes);
    const segkit::column_view<segkit::text> x(a), y(b);
    for (std::size_t row = 0; row < a.rows; ++row)
        if (x[row] != y[row]) return false;
    return true;
}

inline bool same_columns(const segkit::table_data& a, const segkit::table_data& b) {
    bool same = a.rows == b.rows && a.columns.size() == b.columns.size();
    for (std::size_t i = 0; same && i < a.columns.size(); ++i) same = same_column(a.columns[i], b.columns[i]);
    return same;
}

}  // namespace support
