// segkit/cluster/kmeans.hpp: k-means clusters of rows, as a label column.
//
//     kmeans("pc"_c, "cluster"_c, {.n_clusters = 6, .seed = 42})
//     kmeans(columns("a"_c, "b"_c), "cluster"_c, {.n_clusters = 4, .n_init = 20})
//
// Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii, 2007), the best of n_init runs; labels are numbered by
// descending size. Fewer distinct points than clusters lower k, and the report says so. Bit-identical on any executor. The
// training features are held in memory; a step costs rows * clusters * features.
#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <segkit/cluster/detail/kmeans_core.hpp>
#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

class kmeans_step final : public step {
public:
    kmeans_step(std::vector<feature> features, std::shared_ptr<const kmeans_model> model, int out)
        : step(slots_of(features), {out}), features_(std::move(features)), model_(std::move(model)), out_(out) {}
    std::string_view word() const override { return "kmeans"; }
    void run(chunk& c, scratch& memory) const override {
        feature_reader reader(features_, "kmeans");
        const std::vector<std::int32_t> labels = model_->predict(reader.read(c));
        auto* out = memory.values<std::int32_t>(out_);
        c.each([&](std::uint32_t k, std::uint32_t row) { out[row] = labels[k]; });
        c.slots[static_cast<std::size_t>(out_)] = {out};
    }

private:
    std::vector<feature> features_;
    std::shared_ptr<const kmeans_model> model_;
    int out_;
};

}  // namespace detail

// The fitted form: adds the label of the nearest centre, 0 to n_clusters - 1.
template <class Columns, fixed_string Label>
struct fitted_kmeans : stage_base {
    static constexpr std::string_view stage_name = "kmeans";
    kmeans_model model{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::append_from_features<Label, std::int32_t, Columns>(std::move(r), [&](std::vector<detail::feature> features, int out) {
            return std::make_shared<detail::kmeans_step>(std::move(features), std::make_shared<const kmeans_model>(model), out);
        });
    }

    friend bool operator==(const fitted_kmeans& a, const fitted_kmeans& b) { return a.model == b.model; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("model", model);
    }
};

// Rows of a fit count as much as this column of theirs says: kmeans(features, label, weighted_by("orders"_c), options). It is not needed
// to apply the model.
template <fixed_string Name>
struct weight_column {};
struct no_weight {};
template <fixed_string Name>
constexpr weight_column<Name> weighted_by(col<Name>) {
    return {};
}

namespace detail {

// Fits on the features of a relation, and on a column of weights where there is one.
template <class Model, class Columns, class Weight, class Report, class Schema, class Fit>
auto fit_weighted_stage(const relation<Schema>& rows, std::string_view stage, executor_ref executor, Fit fit) {
    const auto features = bind_features(rows, Columns{});
    const auto matrix = collect_features(rows.plan, features, stage, executor);
    auto result = [&] {
        if constexpr (std::same_as<Weight, no_weight>) {
            return fit(matrix.view(), static_cast<const row_weights*>(nullptr));
        } else {
            const auto column = []<fixed_string Name>(weight_column<Name>) { return column_list<Name>{}; }(Weight{});
            const auto values = collect_features(rows.plan, bind_features(rows, column), stage, executor);
            const row_weights weights{std::span<const double>(values.values)};
            return fit(matrix.view(), &weights);
        }
    }();
    return stage_fit<Model, Report>{{{}, std::move(result.model)}, std::move(result.report)};
}

inline void add_cluster_facts(stage_summary& s, std::size_t rows, std::size_t clusters, double inertia) {
    s.facts.emplace_back("rows", std::to_string(rows));
    s.facts.emplace_back("clusters", std::to_string(clusters));
    s.facts.emplace_back("inertia", to_text(inertia));
}
inline void note_lowered_clusters(stage_summary& s, std::size_t asked, std::size_t used) {
    if (used < asked) s.notes.push_back(std::to_string(asked) + " clusters asked for, " + std::to_string(used) + " made: no more distinct points");
}

}  // namespace detail

template <class Columns, fixed_string Label, class Weight = no_weight>
struct kmeans_stage : stage_base {
    static constexpr std::string_view stage_name = "kmeans";
    using must_be_fitted = void;
    using model_type = fitted_kmeans<Columns, Label>;
    kmeans_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        return detail::fit_weighted_stage<model_type, Columns, Weight, kmeans_report>(
            rows, stage_name, executor, [&](auto matrix, const row_weights* weights) { return detail::fit_kmeans_to(matrix, weights, options, executor); });
    }
};

template <fixed_string... Names, fixed_string Label>
auto kmeans(column_list<Names...>, col<Label>, kmeans_options options = {}) {
    return make_pipeline(kmeans_stage<column_list<Names...>, Label>{{}, std::move(options)});
}
template <fixed_string Name, fixed_string Label>
auto kmeans(col<Name>, col<Label> label, kmeans_options options = {}) {
    return kmeans(column_list<Name>{}, label, std::move(options));
}

template <fixed_string... Names, fixed_string Label, fixed_string Weight>
auto kmeans(column_list<Names...>, col<Label>, weight_column<Weight>, kmeans_options options = {}) {
    return make_pipeline(kmeans_stage<column_list<Names...>, Label, weight_column<Weight>>{{}, std::move(options)});
}

inline stage_summary summarise(const kmeans_report& report) {
    stage_summary s{.stage = "kmeans"};
    detail::add_cluster_facts(s, report.n_rows, report.clusters_used, report.inertia_per_restart[report.best_restart]);
    s.facts.emplace_back("iterations", std::to_string(report.iterations));
    s.facts.emplace_back("seed", std::to_string(report.seed));
    s.facts.emplace_back("stopped", std::string(to_string(report.stopped)));
    detail::note_lowered_clusters(s, report.clusters_asked, report.clusters_used);
    if (report.repaired_clusters) s.notes.push_back(std::to_string(report.repaired_clusters) + " empty clusters took the farthest point");
    if (!report.converged()) s.notes.push_back("not converged within max_iter");
    return s;
}

}  // namespace SEGKIT_NAMESPACE
