// Sorting in memory: query_sort THREADS ROWS int | text | numbers | trips. Four columns by an integer, or by a text and then a
// double, descending; three columns of numbers by a double; three columns by a long text that most rows have not.
#include <cstdlib>
#include <string>

#include <segkit/query.hpp>

#include "data.hpp"
#include "serve.hpp"

using namespace bench;

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const executor on(static_cast<unsigned>(std::atoi(argv[1])));
    const data d(std::strtoull(argv[2], nullptr, 10));
    const std::string what = argv[3];
    if (what == "numbers") {
        const auto facts = make_int_facts(d);
        return serve([&] { return facts | sk::sort_by("spent"_c) | sk::collect(sk::executor_ref(on)); });
    }
    if (what == "trips") {
        const auto facts = make_trip_facts(d);
        return serve([&] { return facts | sk::sort_by("trip_id"_c) | sk::collect(sk::executor_ref(on)); });
    }
    const auto facts = make_sort_facts(d);
    if (what == "text") return serve([&] { return facts | sk::sort_by("user_key"_c, sk::descending("spent"_c)) | sk::collect(sk::executor_ref(on)); });
    return serve([&] { return facts | sk::sort_by("user_id"_c) | sk::collect(sk::executor_ref(on)); });
}
