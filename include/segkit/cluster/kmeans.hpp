// segkit/cluster/kmeans.hpp: k-means clusters of rows, as a label column.
//
//     kmeans("pc"_c, "cluster"_c, {.n_clusters = 6, .seed = 42})
//     kmeans(columns("a"_c, "b"_c), "cluster"_c, {.n_clusters = 4, .n_init = 20})
//
// Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii, 2007), the best of n_init runs; labels are numbered by
// descending size. Fewer distinct points than clusters lower k, and the report says so. Bit-identical on any executor. The
// training features are held in memory; a step costs rows * clusters * features.
#pragma once

#include <memory>
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

template <class Columns, fixed_string Label>
struct kmeans_stage : stage_base {
    static constexpr std::string_view stage_name = "kmeans";
    using must_be_fitted = void;
    using model_type = fitted_kmeans<Columns, Label>;
    kmeans_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        const auto matrix = detail::collect_features(rows.plan, features, stage_name, executor);
        kmeans_fit result = fit_kmeans(matrix.view(), options, executor);
        return stage_fit<model_type, kmeans_report>{{{}, std::move(result.model)}, std::move(result.report)};
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

inline stage_summary summarise(const kmeans_report& report) {
    stage_summary s{.stage = "kmeans"};
    s.facts.emplace_back("rows", std::to_string(report.n_rows));
    s.facts.emplace_back("clusters", std::to_string(report.clusters_used));
    s.facts.emplace_back("inertia", to_text(report.inertia_per_restart[report.best_restart]));
    s.facts.emplace_back("iterations", std::to_string(report.iterations));
    s.facts.emplace_back("seed", std::to_string(report.seed));
    s.facts.emplace_back("stopped", std::string(to_string(report.stopped)));
    if (report.clusters_lowered())
        s.notes.push_back(std::to_string(report.clusters_asked) + " clusters asked for, " + std::to_string(report.clusters_used) + " made: no more distinct points");
    if (report.repaired_clusters) s.notes.push_back(std::to_string(report.repaired_clusters) + " empty clusters took the farthest point");
    if (!report.converged()) s.notes.push_back("not converged within max_iter");
    return s;
}

}  // namespace SEGKIT_NAMESPACE
