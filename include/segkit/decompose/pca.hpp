// segkit/decompose/pca.hpp: principal components of some columns, as a block column.
//
//     pca(columns("a"_c, "b"_c, "c"_c), "pc"_c, {.n_components = 2})
//     pca(behaviour, "pc"_c, {.variance_share = 0.9})
//
// Features are centred, not scaled: scale them first where their units differ. Component signs: the largest loading is positive.
// The report is the pca_model: explained variance and ratio, loadings, mean. One pass, then O(d^3); includes Eigen.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/decompose/detail/pca_core.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

struct pca_report {
    std::vector<std::string> columns;
    pca_model model;
};

namespace detail {

class pca_step final : public step {
public:
    pca_step(std::vector<feature> features, std::shared_ptr<const pca_model> model, int out)
        : step(slots_of(features), {out}), features_(std::move(features)), model_(std::move(model)), out_(out) {}
    std::string_view word() const override { return "pca"; }
    void run(chunk& c, scratch& memory) const override {
        feature_reader reader(features_, "pca");
        const matrix_view<const double> rows = reader.read(c);
        const std::size_t width = model_->n_components;
        std::vector<double> scores(rows.rows * width);
        model_->transform(rows, row_major(scores.data(), rows.rows, width));
        double* out = memory.values<double>(out_, width);
        c.each([&](std::uint32_t k, std::uint32_t row) {
            for (std::size_t e = 0; e < width; ++e) out[row * width + e] = scores[k * width + e];
        });
        c.slots[static_cast<std::size_t>(out_)] = {out, all_valid_bits.data(), width};
    }

private:
    std::vector<feature> features_;
    std::shared_ptr<const pca_model> model_;
    int out_;
};

}  // namespace detail

// The fitted form: adds the scores as a block column.
template <class Columns, fixed_string Out>
struct fitted_pca : stage_base {
    static constexpr std::string_view stage_name = "pca";
    pca_model model{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::append_from_features<Out, block<double>, Columns>(std::move(r), [&](std::vector<detail::feature> features, int out) {
            return std::make_shared<detail::pca_step>(std::move(features), std::make_shared<const pca_model>(model), out);
        });
    }

    friend bool operator==(const fitted_pca& a, const fitted_pca& b) { return a.model == b.model; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("model", model);
    }
};

template <class Columns, fixed_string Out>
struct pca_stage : stage_base {
    static constexpr std::string_view stage_name = "pca";
    using must_be_fitted = void;
    using model_type = fitted_pca<Columns, Out>;
    pca_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        pca_report report{detail::names_of(features), detail::estimate_features(pca_estimator{options}, rows.plan, features, stage_name, executor)};
        return stage_fit<model_type, pca_report>{{{}, report.model}, std::move(report)};
    }
};

template <fixed_string... Names, fixed_string Out>
constexpr auto pca(column_list<Names...>, col<Out>, pca_options options = {}) {
    return make_pipeline(pca_stage<column_list<Names...>, Out>{{}, options});
}
template <fixed_string Name, fixed_string Out>
constexpr auto pca(col<Name>, col<Out> out, pca_options options = {}) {
    return pca(column_list<Name>{}, out, options);
}

inline stage_summary summarise(const pca_report& report) {
    stage_summary s{.stage = "pca"};
    s.facts.emplace_back("rows", std::to_string(report.model.n_rows));
    s.facts.emplace_back("components", std::to_string(report.model.n_components) + " of " + std::to_string(report.model.n_features));
    for (std::size_t c = 0; c < report.model.n_components; ++c)
        s.facts.emplace_back("explained variance ratio " + std::to_string(c + 1), to_text(report.model.explained_variance_ratio[c]));
    return s;
}

}  // namespace SEGKIT_NAMESPACE
