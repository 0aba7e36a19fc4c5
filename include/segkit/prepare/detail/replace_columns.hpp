// segkit/prepare/detail/replace_columns.hpp: stages that put other values, and maybe another type, in the place of columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/features.hpp>

namespace SEGKIT_NAMESPACE {

// Forward to what a model gives, or back.
enum class map_direction { forward, back };

namespace detail {

template <template <class> class To, class Field, class Columns>
struct replaced_field;
template <template <class> class To, fixed_string Name, class T, fixed_string... Names>
struct replaced_field<To, field<Name, T>, column_list<Names...>> {
    template <bool Replaced>
    static auto type_of() {
        if constexpr (Replaced) return field<Name, To<T>>{};
        else return field<Name, T>{};
    }
    using type = decltype(type_of<((name_of<Name> == name_of<Names>) || ...)>());
};
template <template <class> class To, class Schema, class Columns>
struct replaced_schema;
template <template <class> class To, class... Fields, class Columns>
struct replaced_schema<To, schema<Fields...>, Columns> {
    using type = schema<typename replaced_field<To, Fields, Columns>::type...>;
};

// Columns of type T become columns of type To<T> by the steps that make_step(std::type_identity<T>, i, slot) makes for the i-th.
template <template <class> class To, class Schema, fixed_string... Names, class MakeStep>
auto replace_columns(relation<Schema> r, column_list<Names...>, MakeStep&& make_step) {
    std::size_t i = 0;
    const auto replace = [&]<fixed_string Name>(std::type_identity<name<Name>>) {
        using Out = To<column_type_t<Schema, Name>>;
        const int out = r.plan.add_slot({.type = slot_type_of<Out>, .nullable = is_nullable<Out>});
        r.plan.add_step(make_step(std::type_identity<column_type_t<Schema, Name>>{}, i, out));
        ++i;
        r.slot_of[Schema::find(name_of<Name>)] = out;
    };
    (replace(std::type_identity<name<Names>>{}), ...);
    std::vector<int> slots = r.slot_of;
    return std::move(r).template with<typename replaced_schema<To, Schema, column_list<Names...>>::type>(std::move(slots));
}

// Numbers become doubles; what can be null stays so.
template <class T>
using scaled_type = std::conditional_t<is_block<T>, block<double>, std::conditional_t<is_nullable<T>, std::optional<double>, double>>;

// Maps the features of one column, each by its own `transform(double)` or `inverse(double)`, into a new slot. A null stays one.
template <class Map, map_direction Direction>
class map_step final : public step {
public:
    map_step(std::string_view stage, feature from, std::vector<Map> maps, int out)
        : step({from.slot}, {out}), stage_(stage), from_(std::move(from)), maps_(std::move(maps)), out_(out) {}
    std::string_view word() const override { return stage_; }
    void run(chunk& c, scratch& memory) const override {
        const slot_view& from = c.slots[static_cast<std::size_t>(from_.slot)];
        require_width(stage_, from.width, maps_.size());
        double* out = memory.values<double>(out_, from.width);
        with_feature_type(from_.type, [&]<class V>(std::type_identity<V>) {
            const V* values = from.as<V>();
            c.each([&](std::uint32_t, std::uint32_t row) {
                for (std::size_t e = 0; e < from.width; ++e) {
                    const auto value = static_cast<double>(values[row * from.width + e]);
                    if constexpr (Direction == map_direction::forward) {
                        if constexpr (requires { maps_[e].accepts(value); }) {
                            if (!maps_[e].accepts(value) && from.valid(row)) maps_[e].refuse(stage_, from_.name, c.first_row + row, value);
                        }
                        out[row * from.width + e] = maps_[e].transform(value);
                    } else {
                        out[row * from.width + e] = maps_[e].inverse(value);
                    }
                }
            });
        });
        c.slots[static_cast<std::size_t>(out_)] = {out, from.validity, from.width};
    }

private:
    std::string_view stage_;    // a literal
    feature from_;
    std::vector<Map> maps_;
    int out_;
};

// The columns replaced by what `maps` make of them: one per feature, `widths` of them per column.
template <map_direction Direction = map_direction::forward, class Columns, class Map, class Schema>
auto map_columns(relation<Schema> r, Columns columns, std::string_view stage, const std::vector<std::size_t>& widths, const std::vector<Map>& maps) {
    const auto features = bind_features(r, columns);    // says what is wrong
    if constexpr (!features_fit<Schema, Columns>) {
        return erroneous_rows();
    } else {
        std::vector<std::vector<Map>> of_column;
        std::size_t at = 0;
        bool sizes_fit = widths.size() == features.size();
        for (std::size_t i = 0; i < widths.size() && sizes_fit; ++i) {
            sizes_fit = widths[i] > 0 && widths[i] <= maps.size() - at && (widths[i] == 1 || is_block_feature(features[i]));
            if (!sizes_fit) break;
            const auto begin = maps.begin() + static_cast<std::ptrdiff_t>(at);
            of_column.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(widths[i]));
            at += widths[i];
        }
        require_one_model(stage, sizes_fit && at == maps.size());
        return replace_columns<scaled_type>(std::move(r), columns, [&](auto, std::size_t i, int out) {
            return std::make_shared<map_step<Map, Direction>>(stage, features[i], std::move(of_column[i]), out);
        });
    }
}

// Features per column, `total` of them in all: of one block column its width follows, of several a pass must say it.
template <class Plan>
std::vector<std::size_t> widths_of(const Plan& p, const std::vector<feature>& features, std::size_t total, executor_ref executor) {
    std::size_t plain = 0, blocks = 0;
    for (const auto& f : features) (is_block_feature(f) ? blocks : plain) += 1;
    if (blocks > 1) return feature_widths(p, features, executor);
    std::vector<std::size_t> widths;
    for (const auto& f : features) widths.push_back(is_block_feature(f) ? total - plain : 1);
    return widths;
}

template <class Schema, fixed_string Name>
inline constexpr bool names_a_block = column_fits<block_traits, Schema, Name>;

// What facts call feature j.
inline std::string feature_name(const std::vector<std::string>& columns, std::size_t j, std::size_t features) {
    return columns.size() == features ? columns[j] : "feature " + std::to_string(j);
}

}  // namespace detail

}  // namespace SEGKIT_NAMESPACE
