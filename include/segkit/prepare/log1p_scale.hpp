// segkit/prepare/log1p_scale.hpp: the logarithm of 1 + x in place of x, for amounts and counts that are many small and few large.
//
//     log1p_scale(columns("spend"_c, "visits"_c))
//
// Nothing is learned, so no fit is needed. Zero stays zero; a null stays null, a NaN too. A value of -1 or less has no logarithm and
// is an error that names field and row. inverse(log1p_scale(...)) is exp(x) - 1.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/prepare/detail/replace_columns.hpp>
#include <segkit/table/matrix_view.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

struct log1p_map {
    double transform(double x) const { return std::log1p(x); }
    double inverse(double x) const { return std::expm1(x); }
    bool accepts(double x) const { return !(x <= -1); }
    [[noreturn]] void refuse(std::string_view stage, const std::string& field, std::size_t row, double x) const {
        throw error({.code = error_code::not_a_number,
                     .stage = std::string(stage),
                     .field = field,
                     .row = row,
                     .found = to_text(x),
                     .expected = "a value above -1, which has a logarithm of 1 + x",
                     .advice = "shift the column, or clip it with greatest() first"});
    }
};

template <class Columns>
struct log1p_scale_stage : stage_base {
    static constexpr std::string_view stage_name = "log1p_scale";
    using has_inverse = void;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return map<map_direction::forward>(std::move(r), Columns{});
    }
    template <class Schema>
    auto bind_inverse(relation<Schema> r) const {
        return map<map_direction::back>(std::move(r), Columns{});
    }
    friend bool operator==(const log1p_scale_stage&, const log1p_scale_stage&) { return true; }
    template <class Archive>
    void serialize(Archive&) {}

private:
    template <map_direction Direction, class Schema, fixed_string... Names>
    static auto map(relation<Schema> r, column_list<Names...> columns) {
        static_assert((!names_a_block<Schema, Names> && ...), "segkit: log1p_scale takes columns of numbers, not a block column");
        return map_columns<Direction>(std::move(r), columns, stage_name, std::vector<std::size_t>(sizeof...(Names), 1), std::vector<log1p_map>(sizeof...(Names)));
    }
};

}  // namespace detail

// The same on matrices; `out` may be `rows`. Throws where a value is -1 or less; NaN stays.
template <class T>
void log1p_scale(matrix_view<const T> rows, matrix_view<T> out) {
    for (std::size_t i = 0; i < rows.rows; ++i) {
        for (std::size_t j = 0; j < rows.columns; ++j) {
            const auto value = static_cast<double>(rows(i, j));
            if (!detail::log1p_map{}.accepts(value)) detail::log1p_map{}.refuse("log1p_scale", "feature " + std::to_string(j), i, value);
            out(i, j) = static_cast<T>(std::log1p(value));
        }
    }
}

template <fixed_string... Names>
constexpr auto log1p_scale(column_list<Names...>) {
    return make_pipeline(detail::log1p_scale_stage<column_list<Names...>>{});
}
template <fixed_string Name>
constexpr auto log1p_scale(col<Name>) {
    return log1p_scale(column_list<Name>{});
}

}  // namespace SEGKIT_NAMESPACE
