// Joining in memory: query_join THREADS ROWS int | sparse | text | many | sums. Facts to their users by an integer, by one of no
// range, to their trips by a text; users to their facts; facts with their users, and sums of both by year of birth.
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
    if (what == "text") {
        const auto facts = make_trip_facts(d);
        const auto trips = make_trips(d);
        return serve([&] { return facts | sk::inner_join(trips, "trip_id"_c) | sk::collect(sk::executor_ref(on)); });
    }
    if (what == "sparse") {
        const auto facts = make_sparse_facts(d);
        const auto users = make_sparse_users(d);
        return serve([&] { return facts | sk::inner_join(users, "sparse_id"_c, sk::one_match) | sk::collect(sk::executor_ref(on)); });
    }
    const auto facts = make_int_facts(d);
    const auto users = make_users(d);
    if (what == "many") return serve([&] { return users | sk::inner_join(facts, "user_id"_c) | sk::collect(sk::executor_ref(on)); });
    if (what == "sums")
        return serve([&] {
            return facts | sk::inner_join(users, "user_id"_c, sk::one_match)
                   | sk::group_by("birth_year"_c).aggregate("n"_c = sk::count(), "clicks_sum"_c = sk::sum("clicks"_c), "spent_sum"_c = sk::sum("spent"_c), "minutes_mean"_c = sk::mean("minutes"_c))
                   | sk::collect(sk::executor_ref(on));
        });
    return serve([&] { return facts | sk::inner_join(users, "user_id"_c) | sk::collect(sk::executor_ref(on)); });
}
