// segkit/query/distinct.hpp: rows without repetition.
//
//     distinct_by("user_id"_c)      // the first row of each user, in the order of those rows
//     distinct()                    // the first of all rows that are equal in every column
//
// Keys are equal as in a group-by: nulls are one key, and so are NaNs and zeros of both signs. Ends a pass; holds the rows that
// remain, and of those the keys and the columns that are read later.
#pragma once

#include <string_view>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/detail/best_rows.hpp>
#include <segkit/query/order_by.hpp>

namespace SEGKIT_NAMESPACE {

template <fixed_string... Keys>
struct distinct_by_stage : stage_base {
    static constexpr std::string_view stage_name = "distinct_by";

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!detail::keys_fit<Schema, Keys...>) {
            detail::report_keys<Schema, Keys...>();
            return detail::erroneous_rows();
        } else {
            detail::best_rows_request request{.stage = stage_name, .n = 1};
            request.groups = {r.template slot<Keys>()...};
            return detail::keep_best_rows(std::move(r), std::move(request));
        }
    }
};

template <fixed_string... Keys>
constexpr auto distinct_by(column_list<Keys...>) {
    if constexpr (sizeof...(Keys) == 0) return detail::nothing_given<"distinct_by", sizeof...(Keys)>();
    else return make_pipeline(distinct_by_stage<Keys...>{});
}
template <fixed_string... Keys>
constexpr auto distinct_by(col<Keys>...) {
    return distinct_by(column_list<Keys...>{});
}

struct distinct_stage : stage_base {
    static constexpr std::string_view stage_name = "distinct";

    template <class... Fields>
    auto bind(relation<schema<Fields...>> r) const {
        if constexpr ((is_nested<typename Fields::type> || ...)) {
            (report_block(static_cast<Fields*>(nullptr)), ...);
            return detail::erroneous_rows();
        } else {
            detail::best_rows_request request{.stage = stage_name, .n = 1};
            request.groups = r.slot_of;
            return detail::keep_best_rows(std::move(r), std::move(request));
        }
    }

private:
    template <fixed_string Name, class T>
    static constexpr auto report_block(field<Name, T>*) {
        if constexpr (is_nested<T>) detail::report(detail::mistake<block_as_a_key<name<Name>>>);
    }
};

inline constexpr auto distinct() { return make_pipeline(distinct_stage{}); }

}  // namespace SEGKIT_NAMESPACE
