// How many kinds of members has a gym? Every number of clusters is tried, and the report says what speaks for each, what to beware of,
// and what sets the kinds apart.
#include <cmath>
#include <cstdint>
#include <cstdio>

#include <segkit/evaluate/choose_k.hpp>
#include <segkit/evaluate/profile.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/matrix.hpp>
#include <segkit/prepare.hpp>
#include <segkit/query.hpp>
#include <segkit/table/format.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using member = sk::schema<sk::field<"visits", double>, sk::field<"hours", double>, sk::field<"bar", double>>;

// Athletes, friends of the bar, and passers-by, who buy nothing.
sk::table<member> generated_members(std::uint64_t count) {
    sk::table<member> members;
    const sk::counter_random random(2024, 0);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto about = [&](std::uint64_t part, double middle, double spread) {    // bell-shaped
            double sum = 0;
            for (std::uint64_t k = 0; k < 4; ++k) sum += random.uniform(16 * i + 4 * part + k) - 0.5;
            return std::fmax(0.0, middle + spread * sum);
        };
        const std::uint64_t kind = random.below(16 * i + 15, 10);
        if (kind < 2) members.append(about(0, 14, 4), about(1, 2.2, 0.4), about(2, 3, 2));
        else if (kind < 4) members.append(about(0, 6, 3), about(1, 1.2, 0.4), about(2, 16, 5));
        else members.append(about(0, 3, 2), about(1, 0.8, 0.4), 0.0);
    }
    return members;
}

int main() {
    const sk::threads pool(2);
    const auto members = generated_members(2'000);
    constexpr auto habits = sk::columns("often"_c, "long"_c, "thirst"_c);    // scaled copies of visits, hours and bar
    const auto recipe = sk::derive("often"_c = "visits"_c, "long"_c = "hours"_c, "thirst"_c = "bar"_c)
        | sk::standard_scale(habits)
        | sk::choose_k(habits, "kind"_c, {.k_max = 7, .seed = 42});
    const auto fitted = sk::fit(recipe, members, pool);
    const auto& report = fitted.report.get<sk::choose_k_report>();

    const auto trials = sk::trials_table(report) | sk::select("clusters"_c, "inertia"_c, "silhouette"_c, "calinski_harabasz"_c, "davies_bouldin"_c, "largest"_c, "smallest"_c);
    std::printf("%s\n", sk::format_table(trials | sk::collect(), {.decimals = 2}).c_str());
    for (const sk::k_choice& c : report.choices) {
        if (c.n_clusters) std::printf("%s chooses %zu\n", std::string(sk::to_string(c.criterion)).c_str(), *c.n_clusters);
    }
    for (const sk::cluster_warning& w : report.warnings) std::printf("beware: %s\n", w.text.c_str());

    const auto labelled = members | fitted.model | sk::collect(pool);
    const auto again = sk::stability(sk::matrix_of(labelled, habits).view(), {.n_clusters = report.n_clusters, .seed = report.chosen().seed}, {.seeds = 5, .samples = 20}, pool);
    std::printf("found again in samples of the members: adjusted Rand %.2f\n\n", again.sample_agreement.mean);

    const auto profile = labelled | sk::profile_clusters("kind"_c, sk::columns("visits"_c, "hours"_c, "bar"_c))
        | sk::select("kind"_c, "rows"_c, "feature"_c, "mean"_c, "median"_c, "nonzero_share"_c, "z"_c, "effect"_c, "rank"_c);
    std::printf("%s", sk::format_table(profile | sk::collect(), {.decimals = 2}).c_str());
}
