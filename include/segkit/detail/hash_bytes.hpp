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

// All bytes of a text of at most sixteen, in two words that overlap where it is shorter: with the size they tell it from any other.
struct text_words {
    std::uint64_t first, last;
};
inline std::uint64_t word_at(const char* p) {
    std::uint64_t x;
    std::memcpy(&x, p, 8);
    return x;
}
inline std::uint32_t half_at(const char* p) {
    std::uint32_t x;
    std::memcpy(&x, p, 4);
    return x;
}
inline text_words words_of(const char* p, std::size_t n) {
    const auto half = [&](std::size_t at) { return std::uint64_t{half_at(p + at)}; };
    if (n >= 4) [[likely]] {    // four halves, two from each end: for all these sizes without another branch
        const std::size_t step = n / 8 * 4;
        return {half(0) << 32 | half(step), half(n - 4) << 32 | half(n - 4 - step)};
    }
    if (n == 0) return {0, 0};
    const auto byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])); };
    return {byte(0) | byte(n / 2) << 8, byte(n - 1)};
}
inline std::uint64_t hash_words(const text_words& words, std::uint64_t before) {
    return multiply_fold(words.first ^ 0xA0761D6478BD642Full ^ before, words.last ^ 0xE7037ED1A0B428DBull);
}
inline std::uint64_t hash_of_size(std::size_t size) { return size * 0x9E3779B97F4A7C15ull; }

// Sixteen bytes at a time; the last words overlap those before them, so that no length needs a loop over bytes.
inline std::uint64_t hash_bytes(std::string_view s) {
    const char* p = s.data();
    std::size_t n = s.size();
    std::uint64_t h = hash_of_size(n);
    if (n <= 16) return hash_words(words_of(p, n), h);
    for (; n > 16; p += 16, n -= 16) h = hash_words({word_at(p), word_at(p + 8)}, h);
    if (n >= 8) return hash_words(words_of(p, n), h);
    return hash_words({0, word_at(p + n - 8)}, h);    // reaches back into bytes that count already
}
// The same, where most texts are expected to be short.
inline std::uint64_t hash_short(std::string_view s) {
    if (s.size() <= 16) [[likely]] return hash_words(words_of(s.data(), s.size()), hash_of_size(s.size()));
    return hash_bytes(s);
}

}  // namespace SEGKIT_NAMESPACE::detail
