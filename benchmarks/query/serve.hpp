// What every benchmark program shares: it prepares its rows, then runs its query each time a line "run" comes in, and answers
// with the seconds and a digest of the result, by which the driver (run.py) compares it with the peers' results.
//
// The clock covers the query and its result, allocation included; the digest and giving the memory back are outside.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <sys/resource.h>

#include <segkit/exec/threads.hpp>
#include <segkit/simd/level.hpp>
#include <segkit/table/table.hpp>

namespace bench {

namespace sk = segkit;

inline double number_of(bool v) { return v; }
inline double number_of(std::int32_t v) { return v; }
inline double number_of(std::int64_t v) { return static_cast<double>(v); }
inline double number_of(double v) { return v; }
inline double number_of(sk::date v) { return v.days_since_1970(); }
inline double number_of(sk::timestamp v) { return static_cast<double>(v.microseconds_since_1970()); }
inline double number_of(std::string_view v) { return static_cast<double>(v.size()); }    // bytes

// Of one column: nulls, the sum of its values (of a text's bytes), and the sum of value times place, which tells the order.
template <class View>
std::string column_digest(const View& column) {
    double sum = 0, weighted = 0;
    std::int64_t nulls = 0;
    const auto rows = static_cast<double>(column.size());
    double place = 0;
    for (const auto& value : column) {
        place += 1;
        double x = 0;
        if constexpr (requires { value.has_value(); }) {
            if (!value) {
                ++nulls;
                continue;
            }
            x = number_of(*value);
        } else {
            x = number_of(value);
        }
        sum += x;
        weighted += x * (place / rows);
    }
    char text[120];
    std::snprintf(text, sizeof text, "[%lld,%.17g,%.17g]", static_cast<long long>(nulls), sum, weighted);
    return text;
}

template <class... Fields>
std::string table_digest(const sk::table<sk::schema<Fields...>>& t) {
    std::string out = "{\"rows\":" + std::to_string(t.rows());
    std::size_t i = 0;
    ((out += ",\"" + std::string(Fields::name) + "\":" + column_digest(sk::column_view<typename Fields::type>(t.data().columns[i++]))), ...);
    return out + "}";
}

inline double peak_megabytes() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_maxrss) / 1024;
}

// `query()` gives a table. Ends when the input ends.
template <class Query>
int serve(Query query) {
    std::printf("{\"ready\":true,\"simd\":\"%s\",\"start_mb\":%.1f}\n", std::string(sk::to_string(sk::simd_level())).c_str(), peak_megabytes());
    std::fflush(stdout);
    char line[64];
    while (std::fgets(line, sizeof line, stdin) && std::strncmp(line, "run", 3) == 0) {
        const auto begin = std::chrono::steady_clock::now();
        std::optional result(query());
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        const double peak = peak_megabytes();    // before the digest
        std::printf("{\"seconds\":%.6f,\"peak_mb\":%.1f,\"digest\":%s}\n", seconds.count(), peak, table_digest(*result).c_str());
        std::fflush(stdout);
    }
    return 0;
}

// One thread: the calling one.
class executor {
public:
    explicit executor(unsigned threads) {
        if (threads > 1) pool_.emplace(threads);
    }
    operator sk::executor_ref() const { return pool_ ? sk::executor_ref(*pool_) : sk::executor_ref(serial_); }

private:
    sk::serial serial_{};
    std::optional<sk::threads> pool_{};
};

}  // namespace bench
