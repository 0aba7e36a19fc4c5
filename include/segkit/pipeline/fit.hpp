// segkit/pipeline/fit.hpp: a recipe and rows give a model and a report.
//
//     const auto recipe = standard_scale(behaviour) | pca(behaviour, "pc"_c, {.n_components = 2}) | kmeans("pc"_c, "cluster"_c, {.n_clusters = 6});
//     const auto fitted = fit(recipe, users, threads(2));
//     fitted.model                                   // a pipeline of fitted stages: `later_users | fitted.model | collect()`
//     fitted.report.get<kmeans_report>().inertia...  // what happened, stage by stage
//
// Each learning stage is one pass over the rows as the stages before it leave them; two neighbours that can share one do so (a scaler
// and the PCA of the same columns). The model keeps no reference to the training data. A model is saved with save(model, path) and
// read with load (pipeline/save.hpp).
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

// One stage of a report, in words and numbers: for people, and for JSON.
struct stage_summary {
    std::string stage;
    std::vector<std::pair<std::string, std::string>> facts{};    // name, value
    std::vector<std::string> notes{};                            // outcomes worth knowing: a column not scaled, a cluster repaired
};

// What fitting one stage gives.
template <class Model, class Report>
struct stage_fit {
    Model model;
    Report report;
};

// Stages without anything to report.
struct no_report {};

// Two neighbours of a recipe that learn in one pass over the rows before the first. Where a header says so, its
// fit_together(first, second, rows, executor) gives `{stage_fit first, stage_fit second}`.
template <class First, class Second>
inline constexpr bool learn_in_one_pass = false;

// The reports of the stages of a recipe, in order.
template <class... Reports>
struct fit_report {
    detail::pack<Reports...> stages;

    // The first report of this type.
    template <class Report>
        requires(std::same_as<Report, Reports> || ...)
    const Report& get() const {
        const Report* found = nullptr;
        detail::for_each(stages, [&]<class R>(const R& r) {
            if constexpr (std::same_as<R, Report>) found = found ? found : &r;
        });
        return *found;
    }
    // A value, made on the spot: name it before a loop over a part of it, since summary()[0].notes is gone with it.
    std::vector<stage_summary> summary() const {
        std::vector<stage_summary> all;
        detail::for_each(stages, [&]<class R>(const R& r) {
            if constexpr (!std::same_as<R, no_report>) all.push_back(summarise(r));
        });
        return all;
    }
};

template <class Model, class Report>
struct fitted {
    Model model;      // a pipeline of stages, applied like any other
    Report report;    // a fit_report
};

namespace detail {

// What stands in the model for a stage: what it learned, or itself.
template <class Stage>
struct model_of_stage {
    using type = Stage;
};
template <learning_stage Stage>
struct model_of_stage<Stage> {
    using type = typename Stage::model_type;
};

template <class Recipe>
struct model_of_recipe;
template <class... Stages>
struct model_of_recipe<pipeline<Stages...>> {
    using type = pipeline<typename model_of_stage<Stages>::type...>;
};

// Whether fitting the stage is a pass over the rows: it learns from them, or reports on them.
template <class Relation, class Stage>
inline constexpr bool reads_rows = learning_stage<Stage> || requires(const Stage& s, const Relation& r, executor_ref e) { s.report_on(r, e); };

// A fit under way: the rows as the fitted stages leave them, and what has been learned.
template <class Schema, class Models, class Reports>
struct fitting {
    relation<Schema> rows;
    Models models;
    Reports reports;
    executor_ref executor;
};

template <class... A, class B>
pack<A..., B> append_to_pack(const pack<A...>& a, B b) {
    return unpack([&](const A&... values) { return make_pack(values..., std::move(b)); }, a);
}

// What a fold over the stages of a recipe meets: a stage, two that learn together, or the second of these, which is done.
template <class First, class Second>
struct stage_pair {
    const First& first;
    const Second& second;
};
struct fitted_already {};

template <class Stages, std::size_t I>
using stage_at = std::remove_cvref_t<decltype(detail::get<I>(std::declval<const Stages&>()))>;
// Whether stage I learns together with the next.
template <class Stages, std::size_t I>
inline constexpr bool begins_pair = [] {
    if constexpr (I + 1 < Stages::size) return learn_in_one_pass<stage_at<Stages, I>, stage_at<Stages, I + 1>>;
    else return false;
}();
template <class Stages, std::size_t I>
inline constexpr bool ends_pair = [] {
    if constexpr (I > 0) return begins_pair<Stages, I - 1>;
    else return false;
}();

template <std::size_t I, class Stages>
constexpr decltype(auto) fitting_step(const Stages& stages) {
    if constexpr (ends_pair<Stages, I>) return fitted_already{};
    else if constexpr (begins_pair<Stages, I>) return stage_pair<stage_at<Stages, I>, stage_at<Stages, I + 1>>{detail::get<I>(stages), detail::get<I + 1>(stages)};
    else return detail::get<I>(stages);
}

// The passes over the rows that fitting these stages takes.
template <class Relation, class Stages>
inline constexpr std::size_t passes_to_fit = []<std::size_t... I>(std::index_sequence<I...>) {
    return (std::size_t{reads_rows<Relation, stage_at<Stages, I>> && !ends_pair<Stages, I>} + ... + 0);
}(std::make_index_sequence<Stages::size>{});

template <class Schema, class... M, class... R, class Fit>
auto take_fit(fitting<Schema, pack<M...>, pack<R...>> f, Fit fit) {
    auto next = [&] {
        if constexpr (is_erroneous_schema<Schema>) return erroneous_rows();
        else if constexpr (requires { fit.model.bind_training(std::move(f.rows)); }) return fit.model.bind_training(std::move(f.rows));
        else return fit.model.bind(std::move(f.rows));
    }();
    using Next = typename decltype(next)::schema_type;
    return fitting<Next, pack<M..., decltype(fit.model)>, pack<R..., decltype(fit.report)>>{
        std::move(next), append_to_pack(f.models, std::move(fit.model)), append_to_pack(f.reports, std::move(fit.report)), f.executor};
}

template <class Schema, class... M, class... R, class Stage>
auto operator<<(fitting<Schema, pack<M...>, pack<R...>> f, const Stage& s) {
    if constexpr (learning_stage<Stage>) {
        auto fit = s.fit(f.rows, f.executor);
        return take_fit(std::move(f), std::move(fit));
    } else {
        auto report = [&] {
            if constexpr (requires { s.report_on(f.rows, f.executor); }) return s.report_on(f.rows, f.executor);
            else return no_report{};
        }();
        auto next = std::move(f.rows) << s;
        using Next = typename decltype(next)::schema_type;
        return fitting<Next, pack<M..., Stage>, pack<R..., decltype(report)>>{std::move(next), append_to_pack(f.models, s),
                                                                               append_to_pack(f.reports, std::move(report)), f.executor};
    }
}
template <class Schema, class... M, class... R, class First, class Second>
auto operator<<(fitting<Schema, pack<M...>, pack<R...>> f, const stage_pair<First, Second>& pair) {
    auto both = fit_together(pair.first, pair.second, f.rows, f.executor);
    return take_fit(take_fit(std::move(f), std::move(both.first)), std::move(both.second));
}
template <class Schema, class... M, class... R>
auto operator<<(fitting<Schema, pack<M...>, pack<R...>> f, const fitted_already&) {
    return f;
}

template <class Schema, class... M, class... R>
auto finish_fit(fitting<Schema, pack<M...>, pack<R...>> f) {
    return fitted<pipeline<M...>, fit_report<R...>>{{std::move(f.models)}, {std::move(f.reports)}};
}

}  // namespace detail

// The type of the model that a recipe gives. It does not depend on the rows; Input is there so that code can say both.
template <class Recipe, class Input = void>
using model_of = typename detail::model_of_recipe<std::remove_cvref_t<Recipe>>::type;

// Fits all learning stages of a recipe, in order, on the rows of a table, source or query.
template <class... Stages, class Input>
    requires row_input<std::remove_cvref_t<Input>>
auto fit(const pipeline<Stages...>& recipe, const Input& input, executor_ref executor = detail::default_executor) {
    auto rows = detail::as_query(input).bind();
    using Bound = decltype(rows);
    using Pack = detail::pack<Stages...>;
    if (!rows.plan.source()->rescannable() && detail::passes_to_fit<Bound, Pack> > 1) {
        // Rows that can be read once only are kept for the passes to come.
        using Schema = typename decltype(rows)::schema_type;
        rows = detail::relation_over<Schema>(
            detail::open_rows(std::make_shared<const table_data>(detail::collect_rows(rows.plan, rows.slot_of, executor))));
    }
    using Schema = typename decltype(rows)::schema_type;
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return detail::finish_fit(
            (detail::fitting<Schema, detail::pack<>, detail::pack<>>{std::move(rows), {}, {}, executor} << ... << detail::fitting_step<I>(recipe.stages)));
    }(std::index_sequence_for<Stages...>{});
}

// The same without an exception for wrong data.
template <class... Stages, class Input>
    requires row_input<std::remove_cvref_t<Input>>
auto try_fit(const pipeline<Stages...>& recipe, const Input& input, executor_ref executor = detail::default_executor) {
    return try_call([&] { return fit(recipe, input, executor); });
}

}  // namespace SEGKIT_NAMESPACE
