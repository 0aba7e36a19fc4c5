// The TravelTide application's cohort and features, from the four CSV files to a table of customers:
// query_pipeline THREADS FOLDER
#include <cstdlib>

#include "../../examples/traveltide/cohort.hpp"
#include "../../examples/traveltide/customers.hpp"
#include "../../examples/traveltide/trips.hpp"
#include "serve.hpp"

using namespace bench;

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const executor on(static_cast<unsigned>(std::atoi(argv[1])));
    traveltide::run_options options;
    options.data = argv[2];
    return serve([&] {
        const traveltide::cohort c = traveltide::select_cohort(traveltide::open_company(options.data), options.cohort, on);
        const auto trips = traveltide::collect_trips(c, options, on);
        return traveltide::describe_customers(c, trips, sk::date(2023, 7, 28), on);
    });
}
