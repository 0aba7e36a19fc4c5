// segkit/detail/hash_bytes.hpp: a hash of a text, the same in every program and on every machine of one byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Both halves of the product of two words, folded: every bit of the inputs reaches every bit of the result.
inline std::uint64_t multiply_fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Sixteen bytes at a time; the last words overlap those before them, so that no length needs a loop over bytes.
inline std::uint64_t hash_bytes(std::string_view s) {
    constexpr std::uint64_t first = 0xA0761D6478BD642Full, second = 0xE7037ED1A0B428DBull;
    const auto word = [](const char* p) {
        std::uint64_t x;
        std::memcpy(&x, p, 8);
        return x;
    };
    const char* p = s.data();
    std::size_t n = s.size();
    std::uint64_t h = n * 0x9E3779B97F4A7C15ull, a = 0, b = 0;
    if (n >= 8) {
        for (; n > 16; p += 16, n -= 16) h = multiply_fold(word(p) ^ first ^ h, word(p + 8) ^ second);
        if (n >= 8) {
            a = word(p);
            b = word(p + n - 8);
        } else {
            b = word(p + n - 8);    // reaches back into bytes that count already
        }
    } else if (n >= 4) {
        std::uint32_t head, tail;
        std::memcpy(&head, p, 4);
        std::memcpy(&tail, p + n - 4, 4);
        a = head;
        b = tail;
    } else if (n > 0) {
        a = static_cast<unsigned char>(p[0]) | static_cast<std::uint64_t>(static_cast<unsigned char>(p[n / 2])) << 8;
        b = static_cast<unsigned char>(p[n - 1]);
    }
    return multiply_fold(a ^ first ^ h, b ^ second);
}

}  // namespace SEGKIT_NAMESPACE::detail
