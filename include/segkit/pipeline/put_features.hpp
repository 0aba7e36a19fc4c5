// segkit/pipeline/put_features.hpp: features computed back from what a model made of them: what the inverses of pca and kmeans share.
//
// A column that the rows have is replaced, as double or as a block of them; one that they have not is added: as double where there are
// several, as a block where it is the only one (which then holds all features). Nothing of it is null.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>

namespace SEGKIT_NAMESPACE {
namespace detail {

template <class Field, fixed_string Name, class T>
struct field_as {
    using type = Field;
};
template <fixed_string Name, class Old, class T>
struct field_as<field<Name, Old>, Name, T> {
    using type = field<Name, T>;
};
template <class Schema, fixed_string Name, class T>
struct schema_as;
template <class... Fields, fixed_string Name, class T>
struct schema_as<schema<Fields...>, Name, T> {
    using type = schema<typename field_as<Fields, Name, T>::type...>;
};

// What column Name becomes.
template <class Schema, fixed_string Name, bool Alone>
constexpr auto put_type_of() {
    if constexpr (has_column<Schema, Name>) return std::type_identity<std::conditional_t<is_block<column_type_t<Schema, Name>>, block<double>, double>>{};
    else return std::type_identity<std::conditional_t<Alone, block<double>, double>>{};
}
template <class Schema, fixed_string Name, bool Alone>
using put_type = typename decltype(put_type_of<Schema, Name, Alone>())::type;

template <bool Alone, class Schema>
relation<Schema> put_columns(relation<Schema> r, const int*, column_list<>) {
    return r;
}
template <bool Alone, class Schema, fixed_string Name, fixed_string... More>
auto put_columns(relation<Schema> r, const int* slots, column_list<Name, More...>) {
    using T = put_type<Schema, Name, Alone>;
    if constexpr (has_column<Schema, Name>) {
        std::vector<int> all = r.slot_of;
        all[Schema::find(name_of<Name>)] = *slots;
        return put_columns<Alone>(std::move(r).template with<typename schema_as<Schema, Name, T>::type>(std::move(all)), slots + 1, column_list<More...>{});
    } else {
        return put_columns<Alone>(std::move(r).template append<Name, T>(*slots), slots + 1, column_list<More...>{});
    }
}

// Where the features of a row go: a slot a column, and how many features it takes.
struct put_slots {
    std::vector<int> slots;
    std::vector<std::size_t> widths;

    // The memory of a chunk to write to.
    template <class Memory>
    std::vector<double*> open(chunk& c, Memory& memory) const {
        std::vector<double*> out;
        for (std::size_t i = 0; i < slots.size(); ++i) {
            out.push_back(memory.template values<double>(slots[i], widths[i]));
            c.slots[static_cast<std::size_t>(slots[i])] = {out[i], all_valid_bits.data(), widths[i]};
        }
        return out;
    }
    // The features of one row, one after the other.
    void put(const std::vector<double*>& out, std::uint32_t row, const double* features) const {
        for (std::size_t i = 0; i < slots.size(); ++i)
            for (std::size_t e = 0; e < widths[i]; ++e) out[i][row * widths[i] + e] = *features++;
    }
};

// Slots for the columns, `n_features` values in all.
template <class Schema, fixed_string... Names>
put_slots add_put_slots(relation<Schema>& r, column_list<Names...>, std::string_view stage, std::size_t n_features) {
    constexpr bool alone = sizeof...(Names) == 1;
    const std::vector<bool> blocks{std::same_as<put_type<Schema, Names, alone>, block<double>>...};
    std::size_t n_blocks = 0;
    for (const bool is_block : blocks) n_blocks += is_block;
    const std::size_t plain = blocks.size() - n_blocks;
    if (n_blocks > 1)
        throw error({.code = error_code::incompatible_model,
                     .stage = std::string(stage),
                     .found = std::to_string(n_blocks) + " block columns",
                     .expected = "one at most, whose width then follows",
                     .advice = "the inverse cannot tell which features are whose: fit on one block"});
    require_one_model(stage, n_blocks == 1 ? n_features > plain : n_features == plain);
    put_slots to;
    for (const bool is_block : blocks) {
        to.slots.push_back(r.plan.add_slot({.type = is_block ? type_id::block64 : type_id::float64}));
        to.widths.push_back(is_block ? n_features - plain : 1);
    }
    return to;
}

// The columns put from the features From by the step that make_step(features, slots) makes.
template <class From, class Schema, fixed_string... Names, class MakeStep>
auto put_features(relation<Schema> r, column_list<Names...> columns, std::string_view stage, std::size_t n_features, MakeStep&& make_step) {
    auto from = bind_features(r, From{});    // says what is wrong
    if constexpr (!features_fit<Schema, From>) {
        return erroneous_rows();
    } else {
        const put_slots to = add_put_slots(r, columns, stage, n_features);
        r.plan.add_step(make_step(std::move(from), to));
        return put_columns<sizeof...(Names) == 1>(std::move(r), to.slots.data(), columns);
    }
}

}  // namespace detail
}  // namespace SEGKIT_NAMESPACE
