// Compiled once without flags and once for AVX2 (tests/odr/CMakeLists.txt), then linked into one program.
#include "mixed_flags_unit.hpp"

#include "segkit_all_headers.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <typeinfo>
#include <vector>

#define FACTS_OF_LEVEL_(level) facts_of_##level
#define FACTS_OF_LEVEL(level) FACTS_OF_LEVEL_(level)

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using draws = sk::schema<sk::field<"index", std::int64_t>, sk::field<"value", std::optional<double>>>;

}  // namespace

unit_facts FACTS_OF_LEVEL(SEGKIT_ODR_LEVEL)() {
    const sk::counter_random random(42, 0);
    sk::table<draws> drawn;
    for (std::int64_t i = 0; i < 64; ++i) drawn.append(i, random.uniform(static_cast<std::uint64_t>(i)));

    const auto high = drawn | sk::filter("value"_c > 0.5) | sk::derive("half"_c = "value"_c / 2) | sk::collect();
    double sum = 0;
    for (std::size_t i = 0; i < high.rows(); ++i) sum += *high["half"_c][i];

    // The kernels of k-means: two clusters of whole numbers about 1 and 101.
    std::vector<double> points(64);
    for (std::size_t i = 0; i < points.size(); ++i) points[i] = (i % 4 < 2 ? 0 : 100) + static_cast<double>(i % 2 * 2);
    const sk::kmeans_fit fit = sk::fit_kmeans(sk::row_major<const double>(points.data(), points.size(), 1), {.n_clusters = 2});
    const std::vector<float> floats(points.begin(), points.end());
    sum += fit.model.inertia + sk::fit_kmeans(sk::row_major<const float>(floats.data(), floats.size(), 1), {.n_clusters = 2}).model.inertia;
    return {typeid(sk::error).name(), sum};
}
