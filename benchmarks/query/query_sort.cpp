// Sorting in memory, four columns: query_sort THREADS ROWS int | text. By an integer, or by a text and then a double, descending.
#include <cstdlib>
#include <string>

#include <segkit/query.hpp>

#include "data.hpp"
#include "serve.hpp"

using namespace bench;

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const executor on(static_cast<unsigned>(std::atoi(argv[1])));
    const auto facts = make_sort_facts(data(std::strtoull(argv[2], nullptr, 10)));
    if (std::string(argv[3]) == "text")
        return serve([&] { return facts | sk::sort_by("user_key"_c, sk::descending("spent"_c)) | sk::collect(sk::executor_ref(on)); });
    return serve([&] { return facts | sk::sort_by("user_id"_c) | sk::collect(sk::executor_ref(on)); });
}
