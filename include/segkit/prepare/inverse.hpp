// segkit/prepare/inverse.hpp: a fitted preparation backwards: scaled values to those they came from.
//
//     const auto fitted = fit(standard_scale(columns("age"_c, "spend"_c)), customers);
//     const auto again = customers | fitted.model | inverse(fitted.model) | collect();    // but for rounding, and as double
//
// Of a pipeline of fitted stages that lose nothing: scalers, log1p_scale, percentile_rank, quantile_scale, ordinal, one_hot of one
// column. pca gives the points of its scores, kmeans the centres of its labels. They are undone from the last to the first. A null stays
// one. What was learned is copied, so that the inverse is a model of its own.
#pragma once

#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/pipeline/save.hpp>

namespace SEGKIT_NAMESPACE {

template <class Stage>
struct stage_has_no_inverse {
    static_assert(detail::never<Stage>,
                  "segkit: this stage loses what its inverse would need; scalers, ranks, ordinal codes, pca and kmeans have one: take the inverse of these alone");
};

template <class Fitted>
struct inverse_stage : stage_base {
    static constexpr std::string_view stage_name = "inverse";
    Fitted model{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return model.bind_inverse(std::move(r));
    }

    friend bool operator==(const inverse_stage& a, const inverse_stage& b) { return a.model == b.model; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("of", model);
    }
};

namespace detail {
template <class Fitted>
struct column_names<inverse_stage<Fitted>> : column_names<Fitted> {};

template <class Stage>
inline constexpr bool has_inverse = [] {
    if constexpr (requires { Stage::has_inverse::value; }) return Stage::has_inverse::value;
    else return requires { typename Stage::has_inverse; };
}();
template <class Stage>
auto inverse_of(const Stage& s) {
    if constexpr (has_inverse<Stage>) {
        return inverse_stage<Stage>{{}, s};
    } else {
        report(mistake<stage_has_no_inverse<Stage>>);
        return erroneous_stage{};
    }
}
template <class... Undone>
auto undo(const pipeline<Undone...>& undone) {
    return undone;
}
template <class... Undone, class Stage, class... More>
auto undo(const pipeline<Undone...>& undone, const Stage& stage, const More&... more) {
    return undo(make_pipeline(inverse_of(stage)) | undone, more...);
}
}  // namespace detail

template <class... Stages>
auto inverse(const pipeline<Stages...>& model) {
    return detail::unpack(
        [](const Stages&... s) { return detail::undo(pipeline<>{}, s...); },
        model.stages);
}

}  // namespace SEGKIT_NAMESPACE
