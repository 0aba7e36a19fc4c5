// A gym's visits, rows of the gym's own struct, become named segments of its members.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/prepare.hpp>
#include <segkit/query.hpp>
#include <segkit/rules/rules.hpp>
#include <segkit/table/describe.hpp>
#include <segkit/table/format.hpp>

namespace sk = segkit;
using namespace segkit::literals;

struct visit {
    std::string member;
    double hours;
    bool coached;
    std::optional<double> bar;    // spent on drinks; nothing is known while the till was off
};
SEGKIT_DESCRIBE(visit, member, hours, coached, bar);

int main() {
    const std::vector<visit> visits{
        {"Ann", 2.0, true, 4.5},  {"Ann", 1.8, true, 5.0},    {"Ann", 2.2, false, {}},    {"Ben", 0.6, false, 0.0},
        {"Ben", 0.5, false, 0.0}, {"Cleo", 1.0, false, 14.0}, {"Cleo", 0.8, false, 11.5}, {"Dan", 0.7, false, 0.0},
        {"Eve", 1.9, true, 3.0},  {"Eve", 2.1, false, 6.0},   {"Eve", 2.4, true, 5.5},    {"Finn", 0.9, false, 12.5},
        {"Finn", 0.0, false, {}}, {"Gus", 0.5, false, 1.0},   {"Gus", 0.8, true, {}},     {"Hal", 1.2, false, 9.0}};

    // Visits to members. Nulls are skipped; nothing runs before collect().
    const auto members = visits
        | sk::filter("hours"_c > 0.0)
        | sk::group_by("member"_c).aggregate("visits"_c = sk::count(), "hours"_c = sk::mean("hours"_c),
                                             "coached"_c = sk::share("coached"_c), "bar"_c = sk::mean("bar"_c))
        | sk::collect();

    // Members to clusters, by scaled copies of their habits. The model can be saved and applied to later members.
    constexpr auto habits = sk::columns("stay"_c, "coaching"_c, "thirst"_c);
    const auto recipe = sk::derive("stay"_c = "hours"_c, "coaching"_c = "coached"_c, "thirst"_c = sk::coalesce("bar"_c, 0.0))
        | sk::standard_scale(habits)
        | sk::kmeans(habits, "cluster"_c, {.n_clusters = 3, .seed = 42});
    const auto fitted = sk::fit(recipe, members);

    // Clusters to segments: the first rule that is true gives the name.
    const auto segments = members | fitted.model
        | sk::group_by("cluster"_c).aggregate("members"_c = sk::count(), "hours"_c = sk::mean("hours"_c),
                                              "coached"_c = sk::mean("coached"_c), "bar"_c = sk::mean("bar"_c))
        | sk::rules("segment"_c, sk::rule("athletes", "hours"_c > 1.5 && "coached"_c > 0.5),
                                 sk::rule("friends of the bar", "bar"_c > 8.0), sk::otherwise("passers-by"))
        | sk::sort_by("cluster"_c) | sk::collect();

    std::printf("%s\n%s", sk::format_table(members).c_str(), sk::format_table(segments).c_str());
}
