#include "recipe.hpp"

namespace traveltide {

extern const recipe perk_fit_recipe, segment_rules_recipe, kmeans_perks_recipe, iqr_pca_recipe;

std::span<const recipe* const> all_recipes() {
    static constexpr const recipe* all[] = {&perk_fit_recipe, &segment_rules_recipe, &kmeans_perks_recipe, &iqr_pca_recipe};
    return all;
}

const recipe* find_recipe(std::string_view name) {
    for (const recipe* r : all_recipes())
        if (r->name == name) return r;
    return nullptr;
}

}  // namespace traveltide
