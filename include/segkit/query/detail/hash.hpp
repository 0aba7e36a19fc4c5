// segkit/query/detail/hash.hpp: key values by run-time type, their hashes, and a form in which equal means same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Calls f(std::type_identity<V>) with the type whose bytes and equality stand for a key of this type.
template <class F>
auto with_key_value(type_id type, F&& f) {
    switch (type) {
        case type_id::boolean: return f(std::type_identity<std::uint8_t>{});
        case type_id::float32: return f(std::type_identity<float>{});
        case type_id::float64: return f(std::type_identity<double>{});
        case type_id::text: return f(std::type_identity<std::string_view>{});
        case type_id::int32:
        case type_id::date: return f(std::type_identity<std::uint32_t>{});
        default: return f(std::type_identity<std::uint64_t>{});
    }
}

// Zeros of both signs are one key, and so are all NaNs.
template <class V>
V canonical(const V& value) {
    if constexpr (std::is_floating_point_v<V>) {
        if (value != value) return std::numeric_limits<V>::quiet_NaN();
        return value == 0 ? V{0} : value;
    } else {
        return value;
    }
}

template <class V>
bool same_key_value(const V& a, const V& b) {
    if constexpr (std::is_floating_point_v<V>) return a == b || (a != a && b != b);
    else return a == b;
}

inline std::uint64_t spread(std::uint64_t h) {
    h *= 0x9E3779B97F4A7C15ull;
    return h ^ (h >> 32);
}

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

template <class V>
std::uint64_t hash_value(const V& value) {
    if constexpr (std::is_same_v<V, std::string_view>) {
        return hash_bytes(value);
    } else {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof value);
        return spread(bits ^ 0x8EBC6AF09C88C6E3ull);
    }
}

inline std::uint64_t mix_hash(std::uint64_t a, std::uint64_t b) { return spread((a ^ b) * 0x8EBC6AF09C88C6E3ull) ^ (b << 1); }

}  // namespace SEGKIT_NAMESPACE::detail
