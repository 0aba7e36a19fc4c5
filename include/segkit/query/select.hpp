// segkit/query/select.hpp: chooses, drops and renames columns. Names only: nothing is moved or copied.
//
//     select("user_id"_c, "clicks"_c)      drop("trip_id"_c)      rename("id"_c = "user_id"_c)
//
// Selecting, dropping or renaming a column that does not exist is a compile error that lists those that do.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

template <class Schema, fixed_string Name>
constexpr auto require_column() {
    if constexpr (!has_column<Schema, Name>) detail::report(detail::mistake<unknown_column<name<Name>, existing_columns_of<Schema>>>);
}

template <class... Fields>
inline constexpr bool names_differ = [] {
    const std::array<std::string_view, sizeof...(Fields)> names{Fields::name...};
    for (std::size_t i = 0; i < names.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (names[i] == names[j]) return false;
    return true;
}();

// Field by position, by base-class deduction.
template <std::size_t I, class Field>
struct indexed_field {
    using type = Field;
};
template <class Indices, class Schema>
struct indexed_fields;
template <std::size_t... I, class... Fields>
struct indexed_fields<std::index_sequence<I...>, schema<Fields...>> : indexed_field<I, Fields>... {};
template <std::size_t I, class Field>
indexed_field<I, Field> find_indexed(const indexed_field<I, Field>*);
template <class Schema, std::size_t I>
using field_at =
    typename decltype(find_indexed<I>(static_cast<indexed_fields<std::make_index_sequence<Schema::size>, Schema>*>(nullptr)))::type;

// The schema of the columns at some positions.
template <class Schema, auto Positions, class Indices = std::make_index_sequence<Positions.size()>>
struct fields_at;
template <class Schema, auto Positions, std::size_t... I>
struct fields_at<Schema, Positions, std::index_sequence<I...>> {
    using type = schema<field_at<Schema, Positions[I]>...>;
};

// The positions of all columns but these.
template <class Schema, fixed_string... Dropped>
inline constexpr auto positions_without = [] {
    std::array<std::size_t, Schema::size - sizeof...(Dropped)> kept{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < Schema::size; ++i)
        if (((Schema::names[i] != name_of<Dropped>) && ...)) kept[n++] = i;
    return kept;
}();

template <class Field>
struct field_parts;
template <fixed_string Name, class T>
struct field_parts<field<Name, T>> {
    using name_type = name<Name>;
    template <fixed_string New>
    using named = field<New, T>;
};
// A field under its new name, where a rename names it.
template <class Field>
Field renamed_field(Field*);
template <class Field, fixed_string New, fixed_string Old, class... More>
auto renamed_field(Field* f, const named<New, col<Old>>*, const More*... more) {
    if constexpr (Field::name == name_of<Old>) return typename field_parts<Field>::template named<New>{};
    else if constexpr (sizeof...(More) == 0) return Field{};
    else return renamed_field(f, more...);
}
template <class Schema, class... Renames>
struct renamed_schema;
template <class... Fields, class... Renames>
struct renamed_schema<schema<Fields...>, Renames...> {
    using type = schema<decltype(renamed_field(static_cast<Fields*>(nullptr), static_cast<const Renames*>(nullptr)...))...>;
    static constexpr bool names_are_unique = names_differ<decltype(renamed_field(static_cast<Fields*>(nullptr), static_cast<const Renames*>(nullptr)...))...>;
};

}  // namespace detail

template <fixed_string... Names>
struct select_stage : stage_base {
    static constexpr std::string_view stage_name = "select";

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!(has_column<Schema, Names> && ...)) {
            (detail::require_column<Schema, Names>(), ...);
            return detail::erroneous_rows();
        } else if constexpr (!detail::names_differ<field<Names, int>...>) {
            detail::report(detail::mistake<duplicate_column_name<column_list<Names...>, existing_columns_of<Schema>>>);
            return detail::erroneous_rows();
        } else {
            std::vector<int> slots{r.template slot<Names>()...};
            return std::move(r).template with<schema<field<Names, column_type_t<Schema, Names>>...>>(std::move(slots));
        }
    }
};

template <fixed_string... Names>
constexpr auto select(column_list<Names...>) {
    if constexpr (sizeof...(Names) == 0) return detail::nothing_given<"select", sizeof...(Names)>();
    else return make_pipeline(select_stage<Names...>{});
}
template <fixed_string... Names>
constexpr auto select(col<Names>...) {
    return select(column_list<Names...>{});
}

template <fixed_string... Names>
struct drop_stage : stage_base {
    static constexpr std::string_view stage_name = "drop";

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!(has_column<Schema, Names> && ...)) {
            (detail::require_column<Schema, Names>(), ...);
            return detail::erroneous_rows();
        } else {
            constexpr auto kept = detail::positions_without<Schema, Names...>;
            std::vector<int> slots;
            for (const std::size_t i : kept) slots.push_back(r.slot_of[i]);
            return std::move(r).template with<typename detail::fields_at<Schema, kept>::type>(std::move(slots));
        }
    }
};

template <fixed_string... Names>
constexpr auto drop(col<Names>...) {
    if constexpr (sizeof...(Names) == 0) return detail::nothing_given<"drop", sizeof...(Names)>();
    else return make_pipeline(drop_stage<Names...>{});
}

template <class... Renames>
struct rename_stage;
template <fixed_string... New, fixed_string... Old>
struct rename_stage<named<New, col<Old>>...> : stage_base {
    static constexpr std::string_view stage_name = "rename";

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!(has_column<Schema, Old> && ...)) {
            (detail::require_column<Schema, Old>(), ...);
            return detail::erroneous_rows();
        } else {
            using renamed = detail::renamed_schema<Schema, named<New, col<Old>>...>;
            if constexpr (!renamed::names_are_unique) {
                detail::report(detail::mistake<duplicate_column_name<column_list<New...>, existing_columns_of<Schema>>>);
                return detail::erroneous_rows();
            } else {
                std::vector<int> slots = r.slot_of;
                return std::move(r).template with<typename renamed::type>(std::move(slots));
            }
        }
    }
};

// rename("new"_c = "old"_c, ...)
template <fixed_string... New, fixed_string... Old>
constexpr auto rename(const named<New, col<Old>>&...) {
    if constexpr (sizeof...(New) == 0) return detail::nothing_given<"rename", sizeof...(New)>();
    else return make_pipeline(rename_stage<named<New, col<Old>>...>{});
}

}  // namespace SEGKIT_NAMESPACE
