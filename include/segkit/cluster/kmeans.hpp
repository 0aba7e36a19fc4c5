// segkit/cluster/kmeans.hpp: k-means clusters of rows, as a label column.
//
//     kmeans("pc"_c, "cluster"_c, {.n_clusters = 6, .seed = 42})
//     kmeans(columns("a"_c, "b"_c), "cluster"_c, {.n_clusters = 4, .n_init = 20})
//     kmeans("pc"_c, label_as("cluster"_c).distance_as("distance"_c), {.n_clusters = 6})    // and how far from its centre a row is
//
// Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii, 2007), the best of n_init runs; labels are numbered by
// descending size. Fewer distinct points than clusters lower k, and the report says so. Bit-identical on any executor. The
// training features are held in memory; a step costs rows * clusters * features.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/cluster/detail/kmeans_core.hpp>
#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/pipeline/put_features.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

// The columns that clusters add, by name: their label, and where they are named the distance (not squared) to the nearest centre, that to
// the second nearest (infinite with one cluster), and those to all centres, a block in the order of the labels.
template <fixed_string Label, fixed_string Distance = "", fixed_string Second = "", fixed_string All = "">
struct cluster_columns {
    template <fixed_string Name>
    constexpr cluster_columns<Label, Name, Second, All> distance_as(col<Name>) const {
        return {};
    }
    template <fixed_string Name>
    constexpr cluster_columns<Label, Distance, Name, All> second_distance_as(col<Name>) const {
        return {};
    }
    template <fixed_string Name>
    constexpr cluster_columns<Label, Distance, Second, Name> distances_as(col<Name>) const {
        return {};
    }
};
// In the place of the label: kmeans(features, label_as("cluster"_c).distance_as("distance"_c), options).
template <fixed_string Label>
constexpr cluster_columns<Label> label_as(col<Label>) {
    return {};
}

namespace detail {

template <fixed_string Label>
constexpr cluster_columns<Label> as_cluster_columns(col<Label>) {
    return {};
}
template <fixed_string... Names>
constexpr cluster_columns<Names...> as_cluster_columns(cluster_columns<Names...> columns) {
    return columns;
}
template <class Added>
using cluster_columns_of_t = decltype(as_cluster_columns(std::declval<Added>()));

template <class>
struct cluster_column_types;
template <fixed_string Label, fixed_string Distance, fixed_string Second, fixed_string All>
struct cluster_column_types<cluster_columns<Label, Distance, Second, All>> {
    using label = column_list<Label>;
    using type = added_columns<added_column<Label, std::int32_t>, added_column<Distance, double>, added_column<Second, double>, added_column<All, block<double>>>;
};

class kmeans_step final : public step {
public:
    kmeans_step(std::vector<feature> features, std::shared_ptr<const kmeans_model> model, std::vector<int> out)
        : step(slots_of(features), named_slots(out)), features_(std::move(features)), model_(std::move(model)), out_(std::move(out)) {}
    std::string_view word() const override { return "kmeans"; }
    void run(chunk& c, scratch& memory) const override {
        feature_reader reader(features_, "kmeans");
        const auto rows = reader.read(c);
        if (out_[1] < 0 && out_[2] < 0) {
            write_values(c, memory, out_[0], model_->predict(rows));
        } else {
            const kmeans_assignment found = model_->predict_with_distances(rows);
            write_values(c, memory, out_[0], found.labels);
            if (out_[1] >= 0) write_values(c, memory, out_[1], found.distance);
            if (out_[2] >= 0) write_values(c, memory, out_[2], found.second_distance);
        }
        if (out_[3] >= 0) write_values(c, memory, out_[3], model_->transform(rows), model_->n_clusters);
    }

private:
    std::vector<feature> features_;
    std::shared_ptr<const kmeans_model> model_;
    std::vector<int> out_;    // label, distance, second distance, all distances; -1 where there is none
};

// Labels to the centres of their clusters.
class centre_step final : public step {
public:
    centre_step(std::vector<feature> label, kmeans_model model, put_slots to) : step(slots_of(label), to.slots), label_(std::move(label)), model_(std::move(model)), to_(std::move(to)) {}
    std::string_view word() const override { return "inverse"; }
    void run(chunk& c, scratch& memory) const override {
        feature_reader reader(label_, "inverse");
        const auto labels = reader.read(c);
        require_width("inverse", labels.columns, 1);
        const auto out = to_.open(c, memory);
        c.each([&](std::uint32_t k, std::uint32_t row) {
            const double label = labels(k, 0);
            const auto cluster = label >= 0 && label < static_cast<double>(model_.n_clusters) ? static_cast<std::size_t>(label) : model_.n_clusters;
            if (static_cast<double>(cluster) != label || cluster == model_.n_clusters) refuse(c.first_row + row, label);
            to_.put(out, row, model_.centres.data() + cluster * model_.n_features);
        });
    }

private:
    [[noreturn]] void refuse(std::size_t row, double label) const {
        throw error({.code = error_code::malformed_value,
                     .stage = "inverse",
                     .field = label_[0].name,
                     .row = row,
                     .found = to_text(label),
                     .expected = "the number of a cluster, 0 to " + std::to_string(model_.n_clusters - 1),
                     .advice = "labels are those of the model that is undone"});
    }

    std::vector<feature> label_;
    kmeans_model model_;
    put_slots to_;
};

}  // namespace detail

// The fitted form: adds the label of the nearest centre, 0 to n_clusters - 1, and distances where asked for. Its inverse puts the centre of
// a row's cluster, by its label, in the place of the features.
template <class Columns, class Added>
struct fitted_kmeans : stage_base {
    static constexpr std::string_view stage_name = "kmeans";
    using has_inverse = void;
    kmeans_model model{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::append_from_features<Columns>(std::move(r), typename detail::cluster_column_types<Added>::type{}, [&](std::vector<detail::feature> features, std::vector<int> out) {
            return std::make_shared<detail::kmeans_step>(std::move(features), std::make_shared<const kmeans_model>(model), std::move(out));
        });
    }
    template <class Schema>
    auto bind_inverse(relation<Schema> r) const {
        return detail::put_features<typename detail::cluster_column_types<Added>::label>(
            std::move(r), Columns{}, stage_name, model.n_features,
            [&](std::vector<detail::feature> label, const detail::put_slots& to) { return std::make_shared<detail::centre_step>(std::move(label), model, to); });
    }

    friend bool operator==(const fitted_kmeans& a, const fitted_kmeans& b) { return a.model == b.model; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("model", model);
    }
};

namespace detail {
template <fixed_string... Names>
struct column_names<cluster_columns<Names...>> {
    static void add(std::vector<std::string>& out) {
        for (const std::string_view column : {name_of<Names>...})
            if (!column.empty()) out.push_back(std::string(column));
    }
};
template <class Columns, class Added>
struct column_names<fitted_kmeans<Columns, Added>> {
    static void add(std::vector<std::string>& out) {
        column_names<Columns>::add(out);
        column_names<Added>::add(out);
    }
};
}  // namespace detail

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

// Fits on the features of a relation, and on a column of weights where there is one: fit(matrix, weights or null, names of the features).
template <class Model, class Columns, class Weight, class Report, class Schema, class Fit>
auto fit_weighted_stage(const relation<Schema>& rows, std::string_view stage, executor_ref executor, Fit fit) {
    const auto features = bind_features(rows, Columns{});
    const auto matrix = collect_features(rows.plan, features, stage, executor);
    auto result = [&] {
        if constexpr (std::same_as<Weight, no_weight>) {
            return fit(matrix.view(), static_cast<const row_weights*>(nullptr), names_of_values(features, matrix));
        } else {
            const auto column = []<fixed_string Name>(weight_column<Name>) { return column_list<Name>{}; }(Weight{});
            const auto values = collect_features(rows.plan, bind_features(rows, column), stage, executor);
            const row_weights weights{std::span<const double>(values.values)};
            return fit(matrix.view(), &weights, names_of_values(features, matrix));
        }
    }();
    return stage_fit<Model, Report>{{{}, std::move(result.model)}, std::move(result.report)};
}

inline void add_cluster_facts(stage_summary& s, std::size_t rows, std::size_t clusters, double inertia) {
    s.facts.emplace_back("rows", std::to_string(rows));
    s.facts.emplace_back("clusters", std::to_string(clusters));
    s.facts.emplace_back("inertia", to_text(inertia));
}
inline void note_lowered_clusters(stage_summary& s, std::size_t asked, std::size_t used, const std::string& why = "no more distinct points") {
    if (used < asked) s.notes.push_back(std::to_string(asked) + " clusters asked for, " + std::to_string(used) + " made: " + why);
}

}  // namespace detail

template <class Columns, class Added, class Weight = no_weight>
struct kmeans_stage : stage_base {
    static constexpr std::string_view stage_name = "kmeans";
    using must_be_fitted = void;
    using model_type = fitted_kmeans<Columns, Added>;
    kmeans_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        return detail::fit_weighted_stage<model_type, Columns, Weight, kmeans_report>(
            rows, stage_name, executor, [&](auto matrix, const row_weights* weights, const auto&) { return detail::fit_kmeans_to(matrix, weights, options, executor); });
    }
};

namespace detail {
template <class T>
concept names_columns = requires(T columns) { as_columns(columns); };

template <template <class, class, class> class Stage, class Columns, class Added, class Weight, class Options>
auto make_cluster_stage(Columns, Added, Weight, Options options) {
    return make_pipeline(Stage<columns_of_t<Columns>, cluster_columns_of_t<Added>, Weight>{{}, std::move(options)});
}
}  // namespace detail

// Of one column or a list; `added` is the label's column, or label_as(...) and what follows it.
template <detail::names_columns Columns, class Added>
auto kmeans(Columns features, Added added, kmeans_options options = {}) {
    return detail::make_cluster_stage<kmeans_stage>(features, added, no_weight{}, std::move(options));
}
template <detail::names_columns Columns, class Added, fixed_string Weight>
auto kmeans(Columns features, Added added, weight_column<Weight> weight, kmeans_options options = {}) {
    return detail::make_cluster_stage<kmeans_stage>(features, added, weight, std::move(options));
}

inline stage_summary summarise(const kmeans_report& report) {
    stage_summary s{.stage = "kmeans"};
    detail::add_cluster_facts(s, report.n_rows, report.clusters_used, report.inertia_per_restart[report.best_restart]);
    s.facts.emplace_back("iterations", std::to_string(report.iterations));
    s.facts.emplace_back("seed", std::to_string(report.seed));
    s.facts.emplace_back("stopped", std::string(to_string(report.stopped)));
    detail::note_lowered_clusters(s, report.clusters_asked, report.clusters_used);
    if (report.repaired_clusters) s.notes.push_back(std::to_string(report.repaired_clusters) + " empty clusters took the farthest point");
    if (report.stopped == kmeans_stop::cancelled) s.notes.push_back("ended by the callback");
    else if (!report.converged()) s.notes.push_back("not converged within max_iter");
    return s;
}

}  // namespace SEGKIT_NAMESPACE
