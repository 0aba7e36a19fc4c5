// Joining in memory: query_join THREADS ROWS int | text. Facts to their users by an integer, to their trips by a text.
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
    if (std::string(argv[3]) == "text") {
        const auto facts = make_trip_facts(d);
        const auto trips = make_trips(d);
        return serve([&] { return facts | sk::inner_join(trips, "trip_id"_c) | sk::collect(sk::executor_ref(on)); });
    }
    const auto facts = make_int_facts(d);
    const auto users = make_users(d);
    return serve([&] { return facts | sk::inner_join(users, "user_id"_c) | sk::collect(sk::executor_ref(on)); });
}
