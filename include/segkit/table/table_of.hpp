// segkit/table/table_of.hpp: a table of columns that lie anywhere, and of a matrix, without copying them.
//
//     auto people = segkit::table_of("age"_c = ages, "income"_c = incomes);          // ranges of one length
//     auto points = segkit::table_of(matrix, segkit::columns("x"_c, "y"_c));         // an Eigen matrix: rows are points
//     auto blocks = segkit::table_of("id"_c = ids, "at"_c = matrix);                 // a matrix as one block column
//
// Values that lie one after the other are read where they are; others are gathered chunk by chunk.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/table/chunk.hpp>
#include <segkit/table/column_values.hpp>
#include <segkit/table/describe.hpp>
#include <segkit/table/schema.hpp>
#include <segkit/table/traits.hpp>

namespace SEGKIT_NAMESPACE {

template <class Name, class Given>
struct column_needs_values {
    static_assert(detail::never<Given>,
                  "segkit: table_of takes \"name\"_c = values, the values being a random-access range or a matrix; see 'column_needs_values<name, given>'");
};

namespace detail {

// ---- columns

template <class Iterator, class M>
struct range_column {
    Iterator first;
    auto operator[](std::size_t row) const { return value_of_member<M>(first[static_cast<std::ptrdiff_t>(row)]); }
};
template <class M>
struct array_column {
    const M* first;
    const M& operator[](std::size_t row) const { return first[row]; }
    const M* data() const { return first; }
};

// Values at a stride: one column of a matrix.
template <class T>
struct strided_column {
    const T* first;
    std::size_t stride;

    auto operator[](std::size_t row) const { return value_of_member<T>(first[row * stride]); }
    template <class Memory>
    slot_view read(std::size_t row, std::uint32_t count, Memory& memory, int number) const {
        using V = value_t<field_of_member_t<T>>;
        slot_view view;
        if constexpr (std::same_as<T, V>) {
            if (stride == 1) {
                view.values = first + row;
                return view;
            }
        }
        V* const values = memory.template values<V>(number);
        for (std::uint32_t i = 0; i < count; ++i) values[i] = (*this)[row + i];
        view.values = values;
        return view;
    }
};

// All columns of a matrix as one block column.
template <class T>
struct matrix_column {
    matrix_view<const T> matrix;

    block_value<T> operator[](std::size_t row) const {
        SEGKIT_ASSERT(matrix.column_stride == 1);    // otherwise a row has no address of its own
        return {&matrix(row, 0), matrix.columns};
    }
    template <class Memory>
    slot_view read(std::size_t row, std::uint32_t count, Memory& memory, int number) const {
        slot_view view;
        view.width = matrix.columns;
        if (matrix.column_stride == 1 && matrix.row_stride == matrix.columns) {
            view.values = matrix.values + row * matrix.row_stride;
            return view;
        }
        T* const values = memory.template values<T>(number, matrix.columns);
        for (std::size_t j = 0; j < matrix.columns; ++j)
            for (std::uint32_t i = 0; i < count; ++i) values[i * matrix.columns + j] = matrix(row + i, j);
        view.values = values;
        return view;
    }
};

// The field type of values, and how many there are.
template <class R>
struct values_traits {
    using element = typename std::iterator_traits<std::remove_cvref_t<decltype(std::begin(std::declval<const R&>()))>>::value_type;
    using type = field_of_member_t<element>;
    using reference = decltype(std::begin(std::declval<const R&>())[std::ptrdiff_t{}]);
    static_assert(std::is_lvalue_reference_v<reference> || !std::same_as<non_null_t<type>, text> || std::same_as<element, std::string_view>,
                  "segkit: a range that makes its texts when asked for them cannot be a column: they would not outlive the asking");

    static std::size_t rows(const R& r) { return std::size(r); }
    static auto column(const R& r) {
        if constexpr (requires { std::data(r); } && std::same_as<element, type>) return array_column<element>{std::data(r)};
        else return range_column<std::remove_cvref_t<decltype(std::begin(r))>, element>{std::begin(r)};
    }
};
template <strided_matrix M>
struct values_traits<M> {
    using element = std::remove_cvref_t<decltype(*std::declval<const M&>().data())>;
    using type = block<element>;
    static std::size_t rows(const M& m) { return static_cast<std::size_t>(m.rows()); }
    static auto column(const M& m) { return matrix_column<element>{m}; }
};
template <strided_vector M>
struct values_traits<M> {
    using element = std::remove_cvref_t<decltype(*std::declval<const M&>().data())>;
    using type = field_of_member_t<element>;
    static std::size_t rows(const M& m) { return static_cast<std::size_t>(m.rows() * m.cols()); }
    static auto column(const M& m) { return strided_column<element>{m.data(), static_cast<std::size_t>(m.cols() == 1 ? m.rowStride() : m.colStride())}; }
};

// ---- the tables

template <fixed_string Name, class Values>
struct loose_column {
    static constexpr std::string_view name = name_of<Name>;
    using traits = values_traits<typename Values::range>;
    using field_type = field<Name, typename traits::type>;
    Values values;
    std::size_t rows() const { return traits::rows(values.get()); }
};
template <class... Columns>
class loose_table : Columns... {
public:
    using schema_type = schema<typename Columns::field_type...>;

    explicit loose_table(Columns... columns) : Columns(std::move(columns))... {
        std::size_t at = 0;
        ((at++ == 0 ? void(rows_ = Columns::rows()) : require_rows(Columns::name, Columns::rows())), ...);
    }
    std::size_t rows() const { return rows_; }
    template <fixed_string Name>
    auto column() const {
        const auto& c = loose_column_named<Name>(*this);
        return std::remove_cvref_t<decltype(c)>::traits::column(c.values.get());
    }

private:
    template <fixed_string Name, class Values>
    static const loose_column<Name, Values>& loose_column_named(const loose_column<Name, Values>& c) {
        return c;
    }
    void require_rows(std::string_view which, std::size_t rows) const {
        if (rows == rows_) return;
        error_details details{.code = error_code::unequal_lengths, .stage = "table_of", .field = std::string(which)};
        details.found = std::to_string(rows) + " values";
        details.expected = std::to_string(rows_) + ", as in '" + std::string(schema_type::names[0]) + '\'';
        throw error(std::move(details));
    }

    std::size_t rows_ = 0;
};

template <class Values, fixed_string... Names>
class named_matrix {
    using element = typename values_traits<typename Values::range>::element;

public:
    using schema_type = schema<field<Names, field_of_member_t<element>>...>;

    explicit named_matrix(Values values) : values_(std::move(values)) {
        const auto columns = static_cast<std::size_t>(values_.get().cols());
        if (columns == sizeof...(Names)) return;
        error_details details{.code = error_code::unequal_lengths, .stage = "table_of"};
        details.found = "a matrix of " + std::to_string(columns) + " columns";
        details.expected = std::to_string(sizeof...(Names)) + ", one for each name";
        details.advice = "rows of the matrix are rows of the table";
        throw error(std::move(details));
    }
    std::size_t rows() const { return static_cast<std::size_t>(values_.get().rows()); }
    template <fixed_string Name>
    auto column() const {
        const matrix_view<const element> m(values_.get());
        return strided_column<element>{m.values + schema_type::find(name_of<Name>) * m.column_stride, m.row_stride};
    }

private:
    Values values_;
};

// After a mistake in table_of has been reported.
struct erroneous_table {
    using schema_type = erroneous_schema;
    std::size_t rows() const { return 0; }
};

template <class T>
struct is_held : std::false_type {};
template <class R>
struct is_held<borrowed_values<R>> : std::true_type {};
template <class R>
struct is_held<owned_values<R>> : std::true_type {};

template <template <fixed_string, class> class Named, fixed_string Name, class Values>
auto as_loose_column(Named<Name, Values> given) {
    if constexpr (is_held<Values>::value) {
        return loose_column<Name, Values>{std::move(given.content)};
    } else {
        report(mistake<column_needs_values<segkit::name<Name>, Values>>);
        return erroneous_table{};
    }
}

}  // namespace detail

// Columns by name: "name"_c = values. All must have one length; segkit::error says which has not.
template <class... Named>
    requires(sizeof...(Named) > 0 && (requires { &Named::content; } && ...))
auto table_of(Named... columns) {
    using detail::as_loose_column;
    if constexpr ((std::same_as<decltype(as_loose_column(std::move(columns))), detail::erroneous_table> || ...)) return detail::erroneous_table{};
    else return detail::loose_table<decltype(as_loose_column(std::move(columns)))...>(as_loose_column(std::move(columns))...);
}

// The columns of a matrix under names, one each.
template <class M, template <fixed_string...> class List, fixed_string... Names>
    requires detail::strided_matrix<std::remove_cvref_t<M>>
auto table_of(M&& matrix, List<Names...>) {
    auto held = detail::hold_values(std::forward<M>(matrix));
    return detail::named_matrix<decltype(held), Names...>(std::move(held));
}

template <class... Columns>
struct table_traits<detail::loose_table<Columns...>> {
    using schema_type = typename detail::loose_table<Columns...>::schema_type;
    static std::size_t rows(const detail::loose_table<Columns...>& t) { return t.rows(); }
    template <fixed_string Name>
    static auto column(const detail::loose_table<Columns...>& t) {
        return t.template column<Name>();
    }
};
template <class Values, fixed_string... Names>
struct table_traits<detail::named_matrix<Values, Names...>> {
    using schema_type = typename detail::named_matrix<Values, Names...>::schema_type;
    static std::size_t rows(const detail::named_matrix<Values, Names...>& t) { return t.rows(); }
    template <fixed_string Name>
    static auto column(const detail::named_matrix<Values, Names...>& t) {
        return t.template column<Name>();
    }
};
template <>
struct table_traits<detail::erroneous_table> {
    using schema_type = detail::erroneous_schema;
    static std::size_t rows(const detail::erroneous_table&) { return 0; }
};

}  // namespace SEGKIT_NAMESPACE
