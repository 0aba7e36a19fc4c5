// segkit/query/detail/text_key.hpp: a text as 24 bytes, so that short keys are compared without following a pointer.
//
// Twenty bytes and fewer lie in the key itself; of a longer text the size, the first twelve bytes and a pointer. The form is
// that of T. Neumann and M. Freitag, "Umbra: a disk-based system with in-memory performance", 2020.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/detail/hash_bytes.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE::detail {

class text_key {
public:
    static constexpr std::size_t width = 24;    // bytes
    static constexpr std::size_t most_inside = 20;

    // The key of a text to this place.
    static void write(std::byte* place, std::string_view text) {
        if (text.size() > 0xFFFFFFFFull) throw_too_long(text.size());
        if constexpr (std::endian::native == std::endian::little) write_words(place, text.data(), text.size());
        else write_bytes(place, text);
    }

    // The text of the key at this place: of a short one, the bytes there.
    static std::string_view at(const std::byte* place) {
        std::uint32_t size;
        std::memcpy(&size, place, 4);
        if (size <= most_inside) return {reinterpret_cast<const char*>(place) + 4, size};
        const char* begin;
        std::memcpy(&begin, place + 16, sizeof begin);
        return {begin, size};
    }
    static bool same(const std::byte* a, const std::byte* b) {
        const auto word = [](const std::byte* key, std::size_t i) {
            std::uint64_t w;
            std::memcpy(&w, key + 8 * i, sizeof w);
            return w;
        };
        const std::uint64_t before = (word(a, 0) ^ word(b, 0)) | (word(a, 1) ^ word(b, 1)), last = word(a, 2) ^ word(b, 2);    // size and first bytes
        if (before == 0 && last != 0) [[unlikely]] return size_of(word(a, 0)) > most_inside && at(a) == at(b);
        return (before | last) == 0;
    }
    static bool is_short(const std::byte* place) {
        std::uint32_t size;
        std::memcpy(&size, place, 4);
        return size <= most_inside;
    }

private:
    [[noreturn]] static void throw_too_long(std::size_t bytes) {
        throw error({.code = error_code::overflow,
                     .stage = "group_by",
                     .found = "a text key of " + std::to_string(bytes) + " bytes",
                     .expected = "keys below 4 GiB",
                     .advice = "group by a shorter text that tells the rows apart"});
    }
    // From registers straight to the place, a word at a time: a key that is made elsewhere and then copied is read again, in pieces of
    // another size, before its words have left for the cache, which takes longer than all else here.
    static void write_words(std::byte* place, const char* p, std::size_t n) {
        const auto word = [&](std::size_t at) { return word_at(p + at); };
        const auto half = [&](std::size_t at) { return std::uint64_t{half_at(p + at)}; };
        std::uint64_t first = 0, second = 0, third = 0;    // the text, eight bytes each
        if (n > 16) {
            first = word(0);
            second = word(8);
            if (n <= most_inside) third = half(n - 4) >> (8 * (most_inside - n));
        } else if (n > 8) {
            first = word(0);
            second = word(n - 8) >> (8 * (16 - n));
        } else if (n >= 4) {
            first = half(0) | half(n - 4) << (8 * (n - 4));
        } else {
            for (std::size_t i = 0; i < n; ++i) first |= std::uint64_t{static_cast<unsigned char>(p[i])} << (8 * i);
        }
        const auto put = [=](std::size_t i, std::uint64_t w) { std::memcpy(place + 8 * i, &w, sizeof w); };
        put(0, n | first << 32);
        put(1, first >> 32 | second << 32);
        put(2, n > most_inside ? reinterpret_cast<std::uintptr_t>(p) : second >> 32 | third << 32);
    }
    static void write_bytes(std::byte* place, std::string_view text) {
        const auto size = static_cast<std::uint32_t>(text.size());
        const char* begin = text.data();
        std::memset(place, 0, width);
        std::memcpy(place, &size, 4);
        if (size != 0) std::memcpy(place + 4, begin, size <= most_inside ? size : 12);
        if (size > most_inside) std::memcpy(place + 16, &begin, sizeof begin);
    }
    static std::uint32_t size_of(std::uint64_t first_word) {
        return static_cast<std::uint32_t>(std::endian::native == std::endian::little ? first_word : first_word >> 32);
    }
};
static_assert(sizeof(const char*) <= 8);

}  // namespace SEGKIT_NAMESPACE::detail
