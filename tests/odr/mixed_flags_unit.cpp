// Compiled once without flags and once for AVX2 (tests/odr/CMakeLists.txt), then linked into one program.
#include "mixed_flags_unit.hpp"

#include "segkit_all_headers.hpp"

#include <cstddef>
#include <typeinfo>
#include <vector>

#define FACTS_OF_LEVEL_(level) facts_of_##level
#define FACTS_OF_LEVEL(level) FACTS_OF_LEVEL_(level)

unit_facts FACTS_OF_LEVEL(SEGKIT_ODR_LEVEL)() {
    const segkit::counter_random random(42, 0);
    std::vector<double> parts(64);
    segkit::executor_ref(segkit::detail::default_executor).run(parts.size(), [&](std::size_t i) { parts[i] = random.uniform(i); });
    double sum = 0;
    for (const double part : parts) sum += part;
    return {typeid(segkit::error).name(), sum};
}
