// The files of the benchmarks: make_data sessions FOLDER CUSTOMERS quoted | unquoted     a whole company of TravelTide
//                              make_data memory FOLDER ROWS                            facts.csv, users.csv, trips.csv, for the peers
#include <cstdlib>
#include <cstdio>
#include <memory>
#include <string>

#include "../../examples/traveltide/generator.hpp"
#include "data.hpp"

namespace {

struct closing {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using file = std::unique_ptr<std::FILE, closing>;

file create(const std::string& path) {
    file f(std::fopen(path.c_str(), "wb"));
    if (!f) {
        std::fprintf(stderr, "make_data: %s cannot be created\n", path.c_str());
        std::exit(1);
    }
    return f;
}

void write_memory(const std::string& folder, const bench::data& d) {
    const file facts = create(folder + "/facts.csv");
    std::fputs("user_id,sparse_id,user_key,country,clicks,spent,minutes,trip_id\n", facts.get());
    for (std::uint64_t i = 0; i < d.rows(); ++i)
        std::fprintf(facts.get(), "%lld,%lld,%s,%s,%d,%.2f,%.3f,%s\n", static_cast<long long>(d.user_id(i)), static_cast<long long>(d.sparse_id(d.user_id(i))), d.user_key(i).c_str(), std::string(d.country(i)).c_str(), d.clicks(i), d.spent(i),
                     d.minutes(i), d.trip_id(i).value_or("").c_str());
    const file users = create(folder + "/users.csv");
    std::fputs("user_id,sparse_id,birth_year,home\n", users.get());
    for (std::uint64_t i = 0; i < d.users(); ++i) {
        const std::int64_t user = d.user_at(i);
        std::fprintf(users.get(), "%lld,%lld,%d,%s\n", static_cast<long long>(user), static_cast<long long>(d.sparse_id(user)), d.birth_year(user), std::string(bench::countries[static_cast<std::size_t>(user % 12)]).c_str());
    }
    const file trips = create(folder + "/trips.csv");
    std::fputs("trip_id,seats,fare\n", trips.get());
    for (std::uint64_t i = 0; i < d.trips(); ++i) std::fprintf(trips.get(), "%s,%d,%.2f\n", d.trip_at(i).c_str(), d.seats(i), d.fare(i));
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 3 ? argv[1] : "";
    if (what == "sessions" && argc == 5) {
        traveltide::generator_options options;
        options.customers = std::strtoull(argv[3], nullptr, 10);
        options.whole_company = true;
        options.quote_fields = std::string(argv[4]) == "quoted";
        const auto made = traveltide::generate_company(options, argv[2]);
        std::printf("{\"rows\":%llu}\n", static_cast<unsigned long long>(made.sessions));
        return 0;
    }
    if (what == "memory") {
        write_memory(argv[2], bench::data(std::strtoull(argv[3], nullptr, 10)));
        return 0;
    }
    std::fprintf(stderr, "usage: make_data sessions FOLDER CUSTOMERS quoted|unquoted, or make_data memory FOLDER ROWS\n");
    return 2;
}
