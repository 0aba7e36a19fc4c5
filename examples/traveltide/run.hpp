// run.hpp: one run of the application: rows in, recipe, files out.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "recipe.hpp"
#include "run_options.hpp"

namespace traveltide {

// What to tell the user when all is done.
struct run_summary {
    std::size_t customers = 0;
    std::vector<std::string> warnings;
};

// Throws segkit::error on bad input; then no file has been written.
run_summary run(const recipe& chosen, const run_options& options);

}  // namespace traveltide
