// Law 5 for the stages that learn nothing: a recipe of one of them is saved, loaded with the recipe, and does the same.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include <segkit/pipeline/save.hpp>

#include "cut_rows.hpp"
#include "registry.hpp"

TEST_CASE("law 5: a saved model with a plain stage, loaded with its recipe, gives the same bits") {
    const auto table = laws::some_rows(2'000);
    const laws::cut_rows<laws::row_schema> rows{&table};
    laws::for_each_plain_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto fitted = segkit::fit(entry.stage, rows);
        const std::string path = "law_5_" + std::string(entry.name) + ".json";
        segkit::save(fitted.model, path);
        const auto again = segkit::load(path, entry.stage);
        std::remove(path.c_str());
        CHECK(laws::same_bits((rows | again | segkit::collect()).data(), (rows | entry.stage | segkit::collect()).data()));
    });
}
