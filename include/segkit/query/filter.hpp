// segkit/query/filter.hpp: keeps the rows for which a condition is true.
//
//     sessions | filter("start"_c >= date(2023, 1, 4) && "clicks"_c > 3)
//
// Three-valued: a row whose condition is unknown (a null was compared) is not kept. Row-local; costs one evaluation a row.
#pragma once

#include <string_view>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

template <class E>
struct filter_stage : stage_base {
    static constexpr std::string_view stage_name = "filter";
    E condition;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::keep_where(std::move(r), condition);
    }
};

template <class Given>
struct no_condition {
    static_assert(detail::never<Given>,
                  "segkit: filter takes a condition on columns, such as \"country\"_c == \"fr\": a column is written with _c, and == compares where = gives a name; "
                  "see 'no_condition<what was given>'");
};

template <class Given>
constexpr auto filter(const Given&) {
    detail::report(detail::mistake<no_condition<Given>>);
    return make_pipeline(detail::erroneous_stage{});
}
template <expression E>
constexpr auto filter(const E& condition) {
    return make_pipeline(filter_stage<E>{{}, condition});
}

}  // namespace SEGKIT_NAMESPACE
