// segkit/query/detail/hash.hpp: key values by run-time type, their hashes, and a form in which equal means same bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/detail/hash_bytes.hpp>
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

// Also of words that differ in their upper bits only, as whole numbers in double do, the lower bits of the result differ.
inline std::uint64_t spread(std::uint64_t h) { return multiply_fold(h, 0x9E3779B97F4A7C15ull); }

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
