// segkit/pipeline/pipeline.hpp: composing stages, and giving them something to work on.
//
//     auto recent = filter("start"_c >= date(2023, 1, 4)) | select("user_id"_c);   // a pipeline: a value
//     auto q = sessions | recent;                                                  // a query: nothing has run
//     auto t = q | collect();                                                      // a table
//
// `lvalue | stage` borrows the table and `rvalue | stage` owns it; a query can be copied, kept and collected again.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/detail/pack.hpp>
#include <segkit/pipeline/relation.hpp>
#include <segkit/pipeline/table_source.hpp>

namespace SEGKIT_NAMESPACE {

template <class... Stages>
struct pipeline;

// How to satisfy `stage`: derive from stage_base and give `template <class S> auto bind(relation<S>) const`, which returns
// the next relation: with steps added to its plan (a row-local stage, see `step` in pipeline/plan.hpp), or over a source of
// its own (relation_over). What users call returns it wrapped by make_pipeline. A stage whose models are to be saved has
// `static constexpr std::string_view stage_name`, and `serialize` where it holds more than types and expressions.
//
// How to satisfy `learning_stage`: derive from stage_base, with
//     using must_be_fitted = void;
//     using model_type = ...;                              // a stage, default-constructible: what is applied later
//     template <class S> auto fit(const relation<S>& rows, executor_ref executor) const;    // stage_fit<model_type, Report>
// A report is any value, no_report{} where there is none; `summarise(report)` beside it gives a stage_summary. A model may
// have `bind_training`, which is what the stages after it learn from (pipeline/fit.hpp).
struct stage_base {};

template <class T>
concept stage = std::derived_from<T, stage_base> && std::copy_constructible<T>;

// A stage that learns from rows before it can be applied names itself with `using must_be_fitted = void`.
template <class T>
concept learning_stage = stage<T> && requires { typename T::must_be_fitted; };

template <class... Stages>
struct pipeline {
    detail::pack<Stages...> stages;

    // Models can be compared; stages that hold expressions cannot.
    friend bool operator==(const pipeline& a, const pipeline& b)
        requires(std::equality_comparable<Stages> && ...)
    {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return ((detail::get<I>(a.stages) == detail::get<I>(b.stages)) && ...);
        }(std::index_sequence_for<Stages...>{});
    }
};

template <class Stage>
constexpr pipeline<Stage> make_pipeline(Stage s) {
    return {detail::make_pack(std::move(s))};
}

template <class... A, class... B>
constexpr pipeline<A..., B...> operator|(const pipeline<A...>& first, const pipeline<B...>& second) {
    return detail::unpack(
        [&](const A&... a) {
            return detail::unpack([&](const B&... b) { return pipeline<A..., B...>{detail::make_pack(a..., b...)}; }, second.stages);
        },
        first.stages);
}

// ---- compile errors in our own words

template <class Stage>
struct stage_must_be_fitted_first {
    static_assert(detail::never<Stage>,
                  "segkit: this stage learns from rows and has not been fitted; call segkit::fit(recipe, table) and apply the fitted model");
};
template <class Type>
struct not_a_table_or_source {
    static_assert(detail::never<Type>,
                  "segkit: rows come from a table, a source or a query, and what stands before '|' is none of them; a range of your structs becomes "
                  "a table by SEGKIT_DESCRIBE (segkit/table/describe.hpp), any other type by table_traits; see 'not_a_table_or_source<type>'");
};
template <class Stage>
struct nothing_is_given {
    static_assert(detail::never<Stage>,
                  "segkit: between the parentheses stands nothing, and this needs at least one column, key or named expression; see 'nothing_is_given<stage>'; "
                  "leave the stage out where there is nothing for it to do; aggregate(\"rows\"_c = count()) without a group_by is over all rows");
};
template <class... Given>
struct a_name_is_missing {
    static_assert(detail::never<Given...>, "segkit: each computed column needs a name: \"name\"_c = expression; see 'a_name_is_missing<what was given...>'");
};

namespace detail {

// A stage whose making has been reported as wrong.
struct erroneous_stage : stage_base {
    static constexpr std::string_view stage_name{};
    template <class Schema>
    auto bind(relation<Schema>) const {
        return erroneous_rows();
    }
};

// What a stage called without arguments becomes. (Count is there for this to be compiled only where it is so.)
template <fixed_string Stage, std::size_t Count>
constexpr auto nothing_given() {
    static_assert(Count == 0);
    report(mistake<nothing_is_given<name<Stage>>>);
    return make_pipeline(erroneous_stage{});
}

template <class T>
struct pipeline_traits : std::false_type {};
template <class... S>
struct pipeline_traits<pipeline<S...>> : std::true_type {};

// `relation << stage` binds one stage; a fold over it binds a pipeline without recursion.
template <class Schema, class Stage>
    requires stage<Stage>
auto operator<<(relation<Schema> r, const Stage& s) {
    if constexpr (is_erroneous_schema<Schema>) {
        return r;
    } else if constexpr (learning_stage<Stage>) {
        detail::report(detail::mistake<stage_must_be_fitted_first<Stage>>);
        return erroneous_rows();
    } else {
        return s.bind(std::move(r));
    }
}
template <class Schema, class... Stages>
auto operator<<(relation<Schema> r, const pipeline<Stages...>& p) {
    return unpack([&](const Stages&... s) { return (std::move(r) << ... << s); }, p.stages);
}

template <class Schema>
relation<Schema> bind_all(relation<Schema> r) {
    return r;
}
template <class Schema, class... Stages>
    requires(sizeof...(Stages) > 0)
auto bind_all(relation<Schema> r, const Stages&... s) {
    return (std::move(r) << ... << s);
}

// ---- what a query starts from

template <class T>
struct borrowed_table {
    using schema_type = typename table_traits<T>::schema_type;
    const T* table;
    std::shared_ptr<row_source> open() const { return open_table(*table); }
};
template <class T>
struct owned_table {
    using schema_type = typename table_traits<T>::schema_type;
    std::shared_ptr<const T> table;
    std::shared_ptr<row_source> open() const { return open_table(*table, table); }
};

}  // namespace detail

// A source and the stages to apply to its rows. Nothing has been read or computed.
template <source Source, class... Stages>
struct query {
    Source from;
    pipeline<Stages...> stages;

    auto bind() const {
        (void)detail::require_column_types(static_cast<typename Source::schema_type*>(nullptr));
        if constexpr (detail::is_erroneous_schema<typename Source::schema_type>) return detail::erroneous_rows();
        else
            return detail::unpack([&](const Stages&... s) { return detail::bind_all(detail::relation_over<typename Source::schema_type>(from.open()), s...); },
                                  stages.stages);
    }
};

template <class T>
struct is_query : std::false_type {};
template <class Source, class... Stages>
struct is_query<query<Source, Stages...>> : std::true_type {};

// Anything rows can come from: a table, a source, a query.
template <class T>
concept row_input = table_like<T> || source<T> || is_query<T>::value;

namespace detail {

// Any input as a query without stages.
template <class T>
    requires table_like<std::remove_cvref_t<T>>
auto as_query(T&& t) {
    using Table = std::remove_cvref_t<T>;
    if constexpr (std::is_lvalue_reference_v<T>) return query<borrowed_table<Table>>{{std::addressof(t)}, {}};
    else return query<owned_table<Table>>{{std::make_shared<const Table>(std::move(t))}, {}};
}
template <source S>
query<S> as_query(const S& s) {
    return {s, {}};
}
template <class Source, class... Stages>
query<Source, Stages...> as_query(const query<Source, Stages...>& q) {
    return q;
}

template <class T>
using relation_of = decltype(as_query(std::declval<const T&>()).bind());

template <class Source, class... A, class... B>
query<Source, A..., B...> extend(const query<Source, A...>& q, const pipeline<B...>& more) {
    return {q.from, q.stages | more};
}

}  // namespace detail

template <class T, class... Stages>
    requires row_input<std::remove_cvref_t<T>>
auto operator|(T&& input, const pipeline<Stages...>& stages) {
    return detail::extend(detail::as_query(std::forward<T>(input)), stages);
}

namespace detail {
// Rows of something that has none, which has been reported.
struct erroneous_source {
    using schema_type = erroneous_schema;
    std::shared_ptr<row_source> open() const { return nullptr; }
};
template <class T>
concept no_rows = !row_input<T> && !pipeline_traits<T>::value;
}  // namespace detail
template <class T, class... Stages>
    requires detail::no_rows<std::remove_cvref_t<T>>
auto operator|(T&&, const pipeline<Stages...>& stages) {
    detail::report(detail::mistake<not_a_table_or_source<std::remove_cvref_t<T>>>);
    return detail::extend(query<detail::erroneous_source>{}, stages);
}

// The schema of what an input gives.
template <row_input T>
using schema_of = typename detail::relation_of<T>::schema_type;

}  // namespace SEGKIT_NAMESPACE
