// segkit/prepare/scale.hpp: features on a common scale.
//
//     standard_scale(columns("age"_c, "spend"_c))                       // mean 0, population deviation 1
//     min_max_scale(columns("age"_c), {.lower = 0, .upper = 1})
//
// The columns are replaced by their scaled values, as double. A constant column is centred and not divided, and the report says
// so. Nulls are refused by the fit; afterwards a null stays null. One pass to fit, one multiplication a value to apply.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/detail/scale_core.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

struct scale_report {
    std::string stage;
    std::vector<std::string> columns;    // a block column once, whatever its width
    column_scaling scaling;              // one entry per feature

    bool any_constant() const {
        for (const scaled_column& c : scaling.columns)
            if (c.constant) return true;
        return false;
    }
};

namespace detail {

// Scales one column into a new slot; `first` is its first feature.
class scale_step final : public step {
public:
    scale_step(feature from, std::vector<scaled_column> scaling, int out) : step({from.slot}, {out}), from_(std::move(from)), scaling_(std::move(scaling)), out_(out) {}
    std::string_view word() const override { return "scale"; }
    void run(chunk& c, scratch& memory) const override {
        const slot_view& from = c.slots[static_cast<std::size_t>(from_.slot)];
        require_width("scale", from.width, scaling_.size());
        double* out = memory.values<double>(out_, from.width);
        with_feature_type(from_.type, [&]<class V>(std::type_identity<V>) {
            const V* values = from.as<V>();
            c.each([&](std::uint32_t, std::uint32_t row) {
                for (std::size_t e = 0; e < from.width; ++e)
                    out[row * from.width + e] = scaling_[e].transform(static_cast<double>(values[row * from.width + e]));
            });
        });
        c.slots[static_cast<std::size_t>(out_)] = {out, from.validity, from.width};
    }

private:
    feature from_;
    std::vector<scaled_column> scaling_;
    int out_;
};

template <class T>
using scaled_type = std::conditional_t<is_block<T>, block<double>, std::conditional_t<is_nullable<T>, std::optional<double>, double>>;

template <class Field, class Columns>
struct scaled_field;
template <fixed_string Name, class T, fixed_string... Names>
struct scaled_field<field<Name, T>, column_list<Names...>> {
    using type = std::conditional_t<((name_of<Name> == name_of<Names>) || ...), field<Name, scaled_type<T>>, field<Name, T>>;
};
template <class Schema, class Columns>
struct scaled_schema;
template <class... Fields, class Columns>
struct scaled_schema<schema<Fields...>, Columns> {
    using type = schema<typename scaled_field<Fields, Columns>::type...>;
};

}  // namespace detail

enum class scale_kind { standard, min_max };

// The fitted form: replaces the columns.
template <class Columns, scale_kind Kind>
struct fitted_scale : stage_base {
    static constexpr std::string_view stage_name = Kind == scale_kind::standard ? "standard_scale" : "min_max_scale";
    std::vector<std::size_t> widths{};    // features per column
    column_scaling scaling{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        auto features = detail::bind_features(r, Columns{});
        if constexpr (!detail::features_fit<Schema, Columns>) {
            return detail::erroneous_rows();
        } else {
            replace(r, features, Columns{});
            using Out = typename detail::scaled_schema<Schema, Columns>::type;
            std::vector<int> slots = r.slot_of;
            return std::move(r).template with<Out>(std::move(slots));
        }
    }

    friend bool operator==(const fitted_scale& a, const fitted_scale& b) { return a.widths == b.widths && a.scaling == b.scaling; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("widths", widths);
        archive.field("scaling", scaling);
    }

private:
    template <class Schema, fixed_string... Names>
    void replace(relation<Schema>& r, std::vector<detail::feature>& features, column_list<Names...>) const {
        const std::size_t positions[] = {Schema::find(name_of<Names>)...};
        std::size_t at = 0;
        bool sizes_fit = widths.size() == features.size();
        for (const std::size_t width : widths) {
            sizes_fit = sizes_fit && width <= scaling.columns.size() - at;
            at += sizes_fit ? width : 0;
        }
        detail::require_one_model(stage_name, sizes_fit && at == scaling.columns.size());
        at = 0;
        for (std::size_t i = 0; i < features.size(); ++i) {
            const auto begin = scaling.columns.begin() + static_cast<std::ptrdiff_t>(at);
            at += widths[i];
            std::vector<scaled_column> part(begin, begin + static_cast<std::ptrdiff_t>(widths[i]));
            const int out = r.plan.add_slot({.type = detail::is_block_feature(features[i]) ? type_id::block64 : type_id::float64, .nullable = features[i].nullable});
            r.plan.add_step(std::make_shared<detail::scale_step>(features[i], std::move(part), out));
            r.slot_of[positions[i]] = out;
        }
    }
};

template <class Columns, scale_kind Kind, class Estimator>
struct scale_stage : stage_base {
    using must_be_fitted = void;
    using model_type = fitted_scale<Columns, Kind>;
    static constexpr std::string_view stage_name = model_type::stage_name;
    Estimator estimator;

    using columns_type = Columns;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto features = detail::bind_features(rows, Columns{});
        return learned(detail::estimate_features(estimator, rows.plan, features, stage_name, executor), rows.plan, features, executor);
    }
    // The fit by a scaling that `estimator` has learned from these features, in a pass of another's.
    auto learned(column_scaling scaling, const segkit::plan& plan, const std::vector<detail::feature>& features, executor_ref executor) const {
        std::vector<std::size_t> widths;
        std::size_t plain = 0, blocks = 0;
        for (const auto& f : features) (detail::is_block_feature(f) ? blocks : plain) += 1;
        const std::size_t block_width = scaling.columns.size() - plain;    // of one block column its width follows
        if (blocks > 1) widths = detail::feature_widths(plan, features, executor);
        else
            for (const auto& f : features) widths.push_back(detail::is_block_feature(f) ? block_width : 1);
        scale_report report{std::string(stage_name), detail::names_of(features), std::move(scaling)};
        return stage_fit<model_type, scale_report>{{{}, std::move(widths), report.scaling}, std::move(report)};
    }
};

template <fixed_string... Names>
constexpr auto standard_scale(column_list<Names...>, standard_scale_options options = {}) {
    return make_pipeline(scale_stage<column_list<Names...>, scale_kind::standard, standard_scale_estimator>{{}, {options}});
}
template <fixed_string Name>
constexpr auto standard_scale(col<Name>, standard_scale_options options = {}) {
    return standard_scale(column_list<Name>{}, options);
}
template <fixed_string... Names>
constexpr auto min_max_scale(column_list<Names...>, min_max_scale_options options = {}) {
    return make_pipeline(scale_stage<column_list<Names...>, scale_kind::min_max, min_max_scale_estimator>{{}, {options}});
}
template <fixed_string Name>
constexpr auto min_max_scale(col<Name>, min_max_scale_options options = {}) {
    return min_max_scale(column_list<Name>{}, options);
}

inline stage_summary summarise(const scale_report& report) {
    stage_summary s{.stage = report.stage};
    const bool one_each = report.columns.size() == report.scaling.columns.size();
    for (std::size_t j = 0; j < report.scaling.columns.size(); ++j) {
        const scaled_column& c = report.scaling.columns[j];
        const std::string name = one_each ? report.columns[j] : "feature " + std::to_string(j);
        s.facts.emplace_back(name, "centre " + to_text(c.centre) + ", scale " + to_text(c.scale));
        if (c.constant) s.notes.push_back(name + " is constant: centred, not scaled");
    }
    return s;
}

}  // namespace SEGKIT_NAMESPACE
