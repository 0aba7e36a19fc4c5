// segkit/detail/copy_text.hpp: copying texts, most of which are short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Copies a text whose length varies from row to row; std::memcpy is a call for each.
inline void copy_text(std::byte* to, std::string_view text) {
    const std::size_t n = text.size();
    const char* from = text.data();
    if (n > 16) {
        std::memcpy(to, from, n);
    } else if (n >= 8) {
        std::uint64_t head, tail;
        std::memcpy(&head, from, 8);
        std::memcpy(&tail, from + n - 8, 8);
        std::memcpy(to, &head, 8);
        std::memcpy(to + n - 8, &tail, 8);
    } else if (n >= 4) {
        std::uint32_t head, tail;
        std::memcpy(&head, from, 4);
        std::memcpy(&tail, from + n - 4, 4);
        std::memcpy(to, &head, 4);
        std::memcpy(to + n - 4, &tail, 4);
    } else {
        for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<std::byte>(from[i]);
    }
}

}  // namespace SEGKIT_NAMESPACE::detail
