// segkit/query/as_category.hpp: text columns as categories, and categories as plain text again.
//
//     sessions | as_category("country"_c) | collect()      // a table with 4-byte codes, and each country once
//
// A matter of storage alone: the values are read, compared, grouped and written as text before and after. Only the type in the
// schema changes, so the stage costs nothing; codes are made where rows become a table, in the order in which texts come up.
#pragma once

#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/query/replace.hpp>
#include <segkit/query/select.hpp>

namespace SEGKIT_NAMESPACE {

template <class Name, class Type>
struct only_text_can_be_a_category {
    static_assert(detail::never<Name>,
                  "segkit: as_category and as_text take text columns; see 'only_text_can_be_a_category<name, type>' for what this one is; derive a text from it first");
};

template <class To, fixed_string... Names>
struct text_form_stage : stage_base {
    static constexpr std::string_view stage_name = std::same_as<To, category> ? "as_category" : "as_text";

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!(has_column<Schema, Names> && ...)) {
            (detail::require_column<Schema, Names>(), ...);
            return detail::erroneous_rows();
        } else if constexpr (!(is_text<non_null_t<column_type_t<Schema, Names>>> && ...)) {
            (require_text<Names, column_type_t<Schema, Names>>(), ...);
            return detail::erroneous_rows();
        } else {
            std::vector<int> slots = r.slot_of;
            return std::move(r).template with<typename retyped<Schema, Names...>::type>(std::move(slots));
        }
    }

private:
    template <fixed_string Name, class T>
    static constexpr auto require_text() {
        if constexpr (!is_text<non_null_t<T>>) detail::report(detail::mistake<only_text_can_be_a_category<name<Name>, T>>);
    }
    template <class Schema, fixed_string... All>
    struct retyped {
        using type = Schema;
    };
    template <class Schema, fixed_string First, fixed_string... Rest>
    struct retyped<Schema, First, Rest...>
        : retyped<typename detail::schema_with_type<Schema, First, std::conditional_t<is_nullable<column_type_t<Schema, First>>, std::optional<To>, To>>::type, Rest...> {};
};

// These columns become categories.
template <fixed_string... Names>
constexpr auto as_category(col<Names>...) {
    if constexpr (sizeof...(Names) == 0) return detail::nothing_given<"as_category", sizeof...(Names)>();
    else return make_pipeline(text_form_stage<category, Names...>{});
}
// These columns become plain text: offsets and bytes of each value.
template <fixed_string... Names>
constexpr auto as_text(col<Names>...) {
    if constexpr (sizeof...(Names) == 0) return detail::nothing_given<"as_text", sizeof...(Names)>();
    else return make_pipeline(text_form_stage<text, Names...>{});
}

}  // namespace SEGKIT_NAMESPACE
