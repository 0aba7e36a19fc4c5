// segkit/decompose/pca.hpp: principal components of some columns, as a block column.
//
//     pca(columns("a"_c, "b"_c, "c"_c), "pc"_c, {.n_components = 2})
//     pca(behaviour, "pc"_c, {.variance_share = 0.9})
//     pca(behaviour, scores_as("pc"_c).reconstruction_error_as("lost"_c), {.n_components = 2})
//
// Features are centred, not scaled: scale them first where their units differ, which costs no second pass (a scaler over the same columns
// right before it is fitted in the same one). Component signs: the largest loading is positive. The report holds the pca_model: explained
// variance and ratio, loadings, mean. One pass, then O(d^3); the randomised solver holds the features in memory. Includes Eigen.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/decompose/detail/pca_core.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/pipeline/put_features.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

struct pca_report {
    std::vector<std::string> columns;
    pca_solver solver = pca_solver::covariance;    // the one that was used
    pca_model model;
};

// The columns that PCA adds, by name: the scores, and where it is named each row's squared distance to the point that its scores give back.
template <fixed_string Scores, fixed_string Error = "">
struct pca_columns {
    template <fixed_string Name>
    constexpr pca_columns<Scores, Name> reconstruction_error_as(col<Name>) const {
        return {};
    }
};
// In the place of the scores' column: pca(features, scores_as("pc"_c).reconstruction_error_as("lost"_c), options).
template <fixed_string Scores>
constexpr pca_columns<Scores> scores_as(col<Scores>) {
    return {};
}

namespace detail {

template <fixed_string Scores>
constexpr pca_columns<Scores> as_pca_columns(col<Scores>) {
    return {};
}
template <fixed_string Scores, fixed_string Error>
constexpr pca_columns<Scores, Error> as_pca_columns(pca_columns<Scores, Error> columns) {
    return columns;
}

template <class>
struct pca_column_types;
template <fixed_string Scores, fixed_string Error>
struct pca_column_types<pca_columns<Scores, Error>> {
    using scores = column_list<Scores>;
    using type = added_columns<added_column<Scores, block<double>>, added_column<Error, double>>;
};

class pca_step final : public step {
public:
    pca_step(std::vector<feature> features, const pca_model& model, const std::vector<int>& out)
        : step(slots_of(features), named_slots(out)), features_(std::move(features)), model_(model), to_scores_(model.to_scores()), out_(out[0]), error_(out[1]) {}
    std::string_view word() const override { return "pca"; }
    void run(chunk& c, scratch& memory) const override {
        feature_reader reader(features_, "pca");
        const matrix_view<const double> rows = reader.read(c);
        require_width("pca", rows.columns, model_.n_features);
        const std::size_t width = model_.n_components;
        std::vector<double> scores(rows.rows * width);
        to_scores_.apply(rows, row_major(scores.data(), rows.rows, width));
        write_values(c, memory, out_, scores, width);
        if (error_ >= 0) write_values(c, memory, error_, model_.reconstruction_errors(rows));
    }

private:
    std::vector<feature> features_;
    pca_model model_;
    projection to_scores_;
    int out_, error_;
};

// Scores to the points that they stand for.
class pca_inverse_step final : public step {
public:
    pca_inverse_step(std::vector<feature> scores, pca_model model, put_slots to) : step(slots_of(scores), to.slots), scores_(std::move(scores)), model_(std::move(model)), to_(std::move(to)) {}
    std::string_view word() const override { return "inverse"; }
    void run(chunk& c, scratch& memory) const override {
        feature_reader reader(scores_, "inverse");
        const matrix_view<const double> scores = reader.read(c);
        dense_matrix<double> points(scores.rows, model_.n_features);
        model_.inverse_transform(scores, points.view());
        const auto out = to_.open(c, memory);
        c.each([&](std::uint32_t k, std::uint32_t row) { to_.put(out, row, &points.view()(k, 0)); });
    }

private:
    std::vector<feature> scores_;
    pca_model model_;
    put_slots to_;
};

}  // namespace detail

// The fitted form: adds the scores as a block column, and the reconstruction error where asked for. Its inverse puts the points that the
// scores give back in the place of the features: exact with all components, else the nearest in the kept subspace.
template <class Columns, class Added>
struct fitted_pca : stage_base {
    static constexpr std::string_view stage_name = "pca";
    using has_inverse = void;
    pca_model model{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::append_from_features<Columns>(std::move(r), typename detail::pca_column_types<Added>::type{}, [&](std::vector<detail::feature> features, const std::vector<int>& out) {
            return std::make_shared<detail::pca_step>(std::move(features), model, out);
        });
    }
    template <class Schema>
    auto bind_inverse(relation<Schema> r) const {
        const auto make_step = [&](std::vector<detail::feature> scores, const detail::put_slots& to) { return std::make_shared<detail::pca_inverse_step>(std::move(scores), model, to); };
        return detail::put_features<typename detail::pca_column_types<Added>::scores>(std::move(r), Columns{}, stage_name, model.n_features, make_step);
    }

    friend bool operator==(const fitted_pca& a, const fitted_pca& b) { return a.model == b.model; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("model", model);
    }
};

namespace detail {
template <class Columns, fixed_string Scores, fixed_string Error>
struct column_names<fitted_pca<Columns, pca_columns<Scores, Error>>> {
    static void add(std::vector<std::string>& out) {
        column_names<Columns>::add(out);
        out.push_back(std::string(name_of<Scores>));
        if (!name_of<Error>.empty()) out.push_back(std::string(name_of<Error>));
    }
};
}  // namespace detail

template <class Columns, class Added>
struct pca_stage : stage_base {
    static constexpr std::string_view stage_name = "pca";
    using must_be_fitted = void;
    using model_type = fitted_pca<Columns, Added>;
    pca_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        return learned(features, [&] {
            if (options.solver == pca_solver::svd) return detail::estimate_features(pca_svd_estimator{options}, rows.plan, features, stage_name, executor);
            if (options.solver == pca_solver::randomised) return fit_pca(detail::collect_features(rows.plan, features, stage_name, executor).view(), options, executor);
            return detail::estimate_features(pca_estimator{options}, rows.plan, features, stage_name, executor);
        }());
    }

    // The fit by a model that was learned from these features.
    auto learned(const std::vector<detail::feature>& features, pca_model model) const {
        const pca_solver solver = options.solver == pca_solver::automatic ? pca_solver::covariance : options.solver;
        pca_report report{detail::names_of(features), solver, std::move(model)};
        return stage_fit<model_type, pca_report>{{{}, report.model}, std::move(report)};
    }
};

namespace detail {

// A stage that scales columns by what a matrix_estimator has learned: (value - centre) / scale + offset.
template <class Stage, class Columns>
concept scaling_stage = learning_stage<Stage> && std::same_as<typename Stage::columns_type, Columns> && requires(const Stage& stage) {
    { stage.estimator.finish(stage.estimator.start()).columns[0].scale } -> std::convertible_to<double>;
};

// Two estimators over the same rows, whose states are learned in one pass.
template <matrix_estimator First, matrix_estimator Second>
struct joint_estimator {
    struct state {
        state_of<First> first;
        state_of<Second> second;

        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            archive.field("first", first);
            archive.field("second", second);
        }
    };
    First one;
    Second other;

    state start() const { return {one.start(), other.start()}; }
    void update(state& s, matrix_view<const double> block) const {
        one.update(s.first, block);
        other.update(s.second, block);
    }
    void merge(state& s, const state& more) const {
        one.merge(s.first, more.first);
        other.merge(s.second, more.second);
    }
    state finish(const state& s) const { return s; }
};

}  // namespace detail

// A scaler and the PCA of the same columns: the co-moments of scaled features follow from those of the features.
template <class Columns, class Added, detail::scaling_stage<Columns> Scale>
inline constexpr bool learn_in_one_pass<Scale, pca_stage<Columns, Added>> = true;

template <class Scale, class Columns, class Added, class Schema>
auto fit_together(const Scale& scale, const pca_stage<Columns, Added>& pca, const relation<Schema>& rows, executor_ref executor) {
    const auto features = detail::bind_features(rows, Columns{});
    auto fit_both = [&](const auto& estimator) {
        const detail::joint_estimator<std::remove_cvref_t<decltype(scale.estimator)>, std::remove_cvref_t<decltype(estimator)>> joint{scale.estimator, estimator};
        const auto seen = detail::estimate_features(joint, rows.plan, features, Scale::stage_name, executor);
        auto scaled = scale.learned(scale.estimator.finish(seen.first), rows.plan, features, executor);
        auto components = pca.learned(features, estimator.finish(seen.second.scaled(scaled.model.scaling.columns)));
        return std::pair(std::move(scaled), std::move(components));
    };
    if constexpr (!detail::features_fit<Schema, Columns>) {
        return fit_both(pca_estimator{});    // never runs: the mistake has been reported
    } else {
        if (pca.options.solver == pca_solver::svd) return fit_both(pca_svd_estimator{pca.options});
        if (pca.options.solver != pca_solver::randomised) return fit_both(pca_estimator{pca.options});
        auto scaled = scale.fit(rows, executor);
        auto components = pca.fit(scaled.model.bind(rows), executor);
        return std::pair(std::move(scaled), std::move(components));
    }
}

// Of one column or a list; `added` is the scores' column, or scores_as(...) and what follows it.
template <class Columns, class Added>
constexpr auto pca(Columns, Added, pca_options options = {}) {
    return make_pipeline(pca_stage<detail::columns_of_t<Columns>, decltype(detail::as_pca_columns(Added{}))>{{}, options});
}

inline stage_summary summarise(const pca_report& report) {
    stage_summary s{.stage = "pca"};
    s.facts.emplace_back("rows", std::to_string(report.model.n_rows));
    s.facts.emplace_back("components", std::to_string(report.model.n_components) + " of " + std::to_string(report.model.n_features));
    s.facts.emplace_back("solver", std::string(to_string(report.solver)));
    for (std::size_t c = 0; c < report.model.n_components; ++c)
        s.facts.emplace_back("explained variance ratio " + std::to_string(c + 1), to_text(report.model.explained_variance_ratio[c]));
    if (report.model.n_components > 0 && report.model.explained_variance[0] == 0) s.notes.emplace_back("all features are constant: no component explains anything");
    return s;
}

}  // namespace SEGKIT_NAMESPACE
