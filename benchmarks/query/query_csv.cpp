// Reading TravelTide's sessions: query_csv THREADS FILE all | two | filter CLICKS. Every column, two of them, or every column of
// the rows with at least so many clicks; each as a table in memory.
#include <cstdlib>
#include <string>

#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>

#include "../../examples/traveltide/tables.hpp"
#include "serve.hpp"

using namespace bench;
using namespace segkit::literals;

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    const executor on(static_cast<unsigned>(std::atoi(argv[1])));
    const auto sessions = sk::scan_csv<traveltide::tables::sessions>(argv[2]);
    const std::string what = argv[3];
    if (what == "two") return serve([&] { return sessions | sk::select("user_id"_c, "page_clicks"_c) | sk::collect(sk::executor_ref(on)); });
    if (what == "filter") {
        const int clicks = std::atoi(argv[4]);
        return serve([&] { return sessions | sk::filter("page_clicks"_c >= clicks) | sk::collect(sk::executor_ref(on)); });
    }
    return serve([&] { return sessions | sk::collect(sk::executor_ref(on)); });
}
