// segkit/table/table.hpp: the library's own table, columns in memory under a compile-time schema.
//
//     segkit::table<people> t{{1, "Ada", 36.5}, {2, "Grace", std::nullopt}};
//     t["age"_c][0]    // an optional double
//
// A table is a value; copies share their columns' memory until one is changed. Views into it are valid while it lives unchanged.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/table/column.hpp>
#include <segkit/table/schema.hpp>

namespace SEGKIT_NAMESPACE {

// Rows of a table without its names: what a pipeline produces before it is given its type back.
struct table_data {
    std::vector<column_data> columns;
    std::size_t rows = 0;
};

namespace detail {
template <class Schema>
struct table_row;
template <class... Fields>
struct table_row<schema<Fields...>> {
    using type = std::tuple<value_t<typename Fields::type>...>;
};
template <>
struct table_row<erroneous_schema> {
    using type = std::tuple<>;
};

template <class Schema>
table_data empty_columns() {
    table_data data;
    data.columns.reserve(Schema::size);
    for_each_field<Schema>::apply([&]<class Field>(Field*) {
        data.columns.emplace_back(type_id_of<typename Field::type>, is_nullable<typename Field::type>);
    });
    return data;
}

template <class T>
void require_same_width(const column_data& column, const value_t<T>& value) {
    if constexpr (is_block<T>) {
        if (column.rows == 0 || value.width == column.width) return;
        throw error({.code = error_code::malformed_row,
                     .stage = "table",
                     .row = column.rows,
                     .found = "a block of " + std::to_string(value.width) + " values",
                     .expected = std::to_string(column.width) + ", the width of the rows before",
                     .advice = "a block column has one width"});
    }
}

template <class T>
void append_to(column_data& column, const value_t<T>& value) {
    if constexpr (is_nullable<T>) {
        if (value) append_to<non_null_t<T>>(column, *value);
        else column.append_null();
    } else if constexpr (is_block<T>) {
        column.append_block(value.values, value.width);
    } else if constexpr (is_list<T>) {
        column.append_list(value);
    } else {
        column.append_value(value);
    }
}
}  // namespace detail

namespace detail {
// What stands for a column that does not exist, once that has been reported: its values go with everything.
struct erroneous_value {
    template <class T>
    constexpr operator T() const {
        return T{};
    }
};
template <class A, class B>
concept with_erroneous_value = std::same_as<A, erroneous_value> || std::same_as<B, erroneous_value>;
template <class A, class B>
    requires with_erroneous_value<A, B>
constexpr erroneous_value operator+(const A&, const B&);
template <class A, class B>
    requires with_erroneous_value<A, B>
constexpr erroneous_value operator-(const A&, const B&);
template <class A, class B>
    requires with_erroneous_value<A, B>
constexpr erroneous_value operator*(const A&, const B&);
template <class A, class B>
    requires with_erroneous_value<A, B>
constexpr erroneous_value operator/(const A&, const B&);
template <class A, class B>
    requires with_erroneous_value<A, B>
constexpr bool operator==(const A&, const B&);
template <class A, class B>
    requires with_erroneous_value<A, B>
constexpr bool operator<(const A&, const B&);
template <class A, class B>
    requires with_erroneous_value<A, B>
constexpr bool operator>(const A&, const B&);

struct erroneous_column {
    std::size_t size() const { return 0; }
    bool empty() const { return true; }
    erroneous_value operator[](std::size_t) const { return {}; }
    const erroneous_value* begin() const { return nullptr; }
    const erroneous_value* end() const { return nullptr; }
};
}  // namespace detail

template <class Schema>
class table {
public:
    using schema_type = Schema;
    using row_type = typename detail::table_row<Schema>::type;    // std::tuple of the values of one row

    table() : data_(detail::empty_columns<Schema>()) {}
    table(std::initializer_list<row_type> rows) : table() {
        for (const row_type& row : rows) append(row);
    }
    // Takes columns that a pipeline made; their types must be the schema's.
    explicit table(table_data data) : data_(std::move(data)) { SEGKIT_ASSERT(data_.columns.size() == Schema::size); }

    table(const table&) = default;
    table& operator=(const table&) = default;
    // A table that was moved from is an empty table; rows can be appended to it again.
    table(table&& other) noexcept : data_(std::exchange(other.data_, {})) {}
    table& operator=(table&& other) noexcept {
        data_ = std::exchange(other.data_, {});
        return *this;
    }

    std::size_t rows() const { return data_.rows; }
    bool empty() const { return rows() == 0; }
    static constexpr std::size_t columns() { return Schema::size; }

    // The column as a typed view. A misspelled name is a compile error that lists the columns.
    template <fixed_string Name>
    auto column() const {
        if constexpr (!has_column<Schema, Name>) {
            if constexpr (!detail::is_erroneous_schema<Schema>) detail::report(detail::mistake<unknown_column<name<Name>, existing_columns_of<Schema>>>);
            return detail::erroneous_column{};
        } else {
            return column_view<column_type_t<Schema, Name>>(data().columns[Schema::find(name_of<Name>)]);
        }
    }
    template <template <fixed_string> class Column, fixed_string Name>
    auto operator[](const Column<Name>&) const {
        return column<Name>();
    }

    // A row may be one of this table: `t.append(t.row(0))`.
    void append(const row_type& row) {
        if (was_moved_from()) data_ = detail::empty_columns<Schema>();
        append_values(row, static_cast<Schema*>(nullptr), std::make_index_sequence<Schema::size>{});
        ++data_.rows;
    }
    template <class... Values>
        requires(sizeof...(Values) == Schema::size && Schema::size > 1)
    void append(Values&&... values) {
        append(row_type(std::forward<Values>(values)...));
    }

    // All values of one row.
    row_type row(std::size_t at) const { return row_values(at, static_cast<Schema*>(nullptr), std::make_index_sequence<Schema::size>{}); }

    // The columns; of a table that may be moved from, taken out of it.
    const table_data& data() const& { return was_moved_from() ? no_rows() : data_; }
    table_data data() && { return was_moved_from() ? detail::empty_columns<Schema>() : std::exchange(data_, {}); }

private:
    bool was_moved_from() const { return data_.columns.size() != Schema::size; }
    static const table_data& no_rows() {
        static const table_data none = detail::empty_columns<Schema>();
        return none;
    }

    template <class... Fields, std::size_t... I>
    void append_values(const row_type& row, schema<Fields...>*, std::index_sequence<I...>) {
        (detail::require_same_width<typename Fields::type>(data_.columns[I], std::get<I>(row)), ...);    // before any column grows
        (detail::append_to<typename Fields::type>(data_.columns[I], std::get<I>(row)), ...);
    }
    template <class... Fields, std::size_t... I>
    row_type row_values(std::size_t at, schema<Fields...>*, std::index_sequence<I...>) const {
        return row_type(column_view<typename Fields::type>(data_.columns[I])[at]...);
    }

    table_data data_;
};

}  // namespace SEGKIT_NAMESPACE
