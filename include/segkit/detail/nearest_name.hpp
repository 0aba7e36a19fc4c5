// segkit/detail/nearest_name.hpp: the name that may have been meant, for messages about run-time schemas.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Edits (insert, delete, replace) between two names, upper and lower case being equal.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
            diagonal = row[j];
            const std::size_t fewer = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = replaced < fewer ? replaced : fewer;
        }
    }
    return row[b.size()];
}

// The name that may have been meant, or null.
inline const std::string* nearest_name(const std::vector<std::string>& names, std::string_view wanted) {
    const std::string* nearest = nullptr;
    std::size_t least = (wanted.size() / 3 > 1 ? wanted.size() / 3 : 1) + 1;
    for (const std::string& name : names) {
        const std::size_t distance = edit_distance(name, wanted);
        if (distance >= least) continue;
        least = distance;
        nearest = &name;
    }
    return nearest;
}

}  // namespace SEGKIT_NAMESPACE::detail
