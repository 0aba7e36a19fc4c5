// segkit/pipeline/fit.hpp: a recipe and rows give a model and a report.
//
//     const auto recipe = standard_scale(behaviour) | pca(behaviour, "pc"_c, {.n_components = 2}) | kmeans("pc"_c, "cluster"_c, {.n_clusters = 6});
//     const auto fitted = fit(recipe, users, threads(2));
//     fitted.model                                   // a pipeline of fitted stages: `later_users | fitted.model | collect()`
//     fitted.report.get<kmeans_report>().inertia...  // what happened, stage by stage
//
// Each learning stage is one pass over the rows as the stages before it leave them. The model keeps no reference to the
// training data. A model is saved with save(model, path) and read with load (pipeline/save.hpp).
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
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

template <class Schema, class... M, class... R, class Stage>
auto operator<<(fitting<Schema, pack<M...>, pack<R...>> f, const Stage& s) {
    if constexpr (learning_stage<Stage>) {
        auto fit = s.fit(f.rows, f.executor);
        auto next = [&] {
            if constexpr (is_erroneous_schema<Schema>) return erroneous_rows();
            else if constexpr (requires { fit.model.bind_training(std::move(f.rows)); }) return fit.model.bind_training(std::move(f.rows));
            else return fit.model.bind(std::move(f.rows));
        }();
        using Next = typename decltype(next)::schema_type;
        return fitting<Next, pack<M..., decltype(fit.model)>, pack<R..., decltype(fit.report)>>{
            std::move(next), append_to_pack(f.models, std::move(fit.model)), append_to_pack(f.reports, std::move(fit.report)), f.executor};
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
    if (!rows.plan.source()->rescannable() && (std::size_t{detail::reads_rows<Bound, Stages>} + ... + 0) > 1) {
        // Rows that can be read once only are kept for the passes to come.
        using Schema = typename decltype(rows)::schema_type;
        rows = detail::relation_over<Schema>(
            detail::open_rows(std::make_shared<const table_data>(detail::collect_rows(rows.plan, rows.slot_of, executor))));
    }
    using Schema = typename decltype(rows)::schema_type;
    return detail::unpack(
        [&](const Stages&... s) {
            return detail::finish_fit((detail::fitting<Schema, detail::pack<>, detail::pack<>>{std::move(rows), {}, {}, executor} << ... << s));
        },
        recipe.stages);
}

// The same without an exception for wrong data.
template <class... Stages, class Input>
    requires row_input<std::remove_cvref_t<Input>>
auto try_fit(const pipeline<Stages...>& recipe, const Input& input, executor_ref executor = detail::default_executor) {
    return try_call([&] { return fit(recipe, input, executor); });
}

}  // namespace SEGKIT_NAMESPACE
