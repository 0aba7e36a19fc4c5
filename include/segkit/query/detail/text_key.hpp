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
#include <segkit/detail/copy_text.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE::detail {

class text_key {
public:
    static constexpr std::size_t most_inside = 20;

    text_key() = default;
    explicit text_key(std::string_view text) {
        if (text.size() > 0xFFFFFFFFull) throw_too_long(text.size());
        const auto size = static_cast<std::uint32_t>(text.size());
        std::memcpy(bytes_, &size, 4);
        if (size <= 16) {
            copy_text(bytes_ + 4, text);
        } else if (size <= most_inside) {
            std::memcpy(bytes_ + 4, text.data(), 16);
            std::memcpy(bytes_ + size, text.data() + size - 4, 4);    // ends where the text does
        } else {
            const char* begin = text.data();
            std::memcpy(bytes_ + 4, begin, 12);
            std::memcpy(bytes_ + 16, &begin, sizeof begin);
        }
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
        std::uint64_t x[3], y[3];
        std::memcpy(x, a, sizeof x);
        std::memcpy(y, b, sizeof y);
        if (((x[0] ^ y[0]) | (x[1] ^ y[1])) != 0) return false;    // size and first bytes
        return x[2] == y[2] || (size_of(x[0]) > most_inside && at(a) == at(b));
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
    static std::uint32_t size_of(std::uint64_t first_word) {
        return static_cast<std::uint32_t>(std::endian::native == std::endian::little ? first_word : first_word >> 32);
    }
    alignas(8) std::byte bytes_[24] = {};
};
static_assert(sizeof(text_key) == 24 && sizeof(const char*) <= 8);

}  // namespace SEGKIT_NAMESPACE::detail
