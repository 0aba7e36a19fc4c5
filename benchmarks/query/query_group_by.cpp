// Grouping in memory: query_group_by THREADS ROWS int | int_holistic | text | country
#include <cstdlib>
#include <string>

#include <segkit/query.hpp>

#include "data.hpp"
#include "serve.hpp"

using namespace bench;

namespace {

// Count, five aggregates of each of three columns, and what is asked besides.
auto of_three_columns(auto keys, const auto&... besides) {
    return keys.aggregate("n"_c = sk::count(),
                          "clicks_sum"_c = sk::sum("clicks"_c), "clicks_mean"_c = sk::mean("clicks"_c), "clicks_min"_c = sk::min("clicks"_c),
                          "clicks_max"_c = sk::max("clicks"_c), "clicks_sd"_c = sk::stddev("clicks"_c),
                          "spent_sum"_c = sk::sum("spent"_c), "spent_mean"_c = sk::mean("spent"_c), "spent_min"_c = sk::min("spent"_c),
                          "spent_max"_c = sk::max("spent"_c), "spent_sd"_c = sk::stddev("spent"_c),
                          "minutes_sum"_c = sk::sum("minutes"_c), "minutes_mean"_c = sk::mean("minutes"_c), "minutes_min"_c = sk::min("minutes"_c),
                          "minutes_max"_c = sk::max("minutes"_c), "minutes_sd"_c = sk::stddev("minutes"_c), besides...);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const executor on(static_cast<unsigned>(std::atoi(argv[1])));
    const data d(std::strtoull(argv[2], nullptr, 10));
    const std::string what = argv[3];
    if (what == "text") {
        const auto facts = make_text_facts(d);
        return serve([&] { return facts | of_three_columns(sk::group_by("user_key"_c)) | sk::collect(sk::executor_ref(on)); });
    }
    if (what == "country") {
        const auto facts = make_country_facts(d);
        return serve([&] { return facts | of_three_columns(sk::group_by("country"_c)) | sk::collect(sk::executor_ref(on)); });
    }
    const auto facts = make_int_facts(d);
    if (what == "int_holistic")
        return serve([&] {
            return facts | of_three_columns(sk::group_by("user_id"_c), "spent_median"_c = sk::median("spent"_c), "clicks_distinct"_c = sk::count_distinct("clicks"_c))
                   | sk::collect(sk::executor_ref(on));
        });
    return serve([&] { return facts | of_three_columns(sk::group_by("user_id"_c)) | sk::collect(sk::executor_ref(on)); });
}
