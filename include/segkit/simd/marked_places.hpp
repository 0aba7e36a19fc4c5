// segkit/simd/marked_places.hpp: the rows of some tiles whose labels are marked, one after the other.
//
//     std::uint32_t found[4 * tile_rows + marked_room];
//     const std::size_t count = marked_places_for(simd_level())(marks, 4, found);    // marks: bit i of marks[t] for place i of tile t
//
// A few instructions for sixteen places, whatever is marked: how many marks a tile has is nothing a CPU could guess. AVX-512 compresses
// them; otherwise four are written at a time, of which those that are none are written over.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <segkit/config.hpp>
#include <segkit/simd/distances.hpp>
#include <segkit/simd/level.hpp>

namespace SEGKIT_NAMESPACE::detail {

inline constexpr std::size_t marked_room = 16;    // beyond the places found, which may be written

// A row of some tiles, and the place of its label among theirs.
constexpr std::uint32_t marked_place(std::size_t tile, std::size_t place) {
    return static_cast<std::uint32_t>((tile * tile_rows + place) << 16 | (tile * tile_rows + row_at_place(place)));
}
constexpr std::size_t place_of_marked(std::uint32_t marked) { return marked >> 16; }
constexpr std::size_t row_of_marked(std::uint32_t marked) { return marked & 0xFFFF; }

// Up to 1024 tiles. Returns how many are marked.
using marked_places = std::size_t (*)(const std::uint64_t* marks, std::size_t tiles, std::uint32_t* to);

inline std::size_t marked_places_base(const std::uint64_t* marks, std::size_t tiles, std::uint32_t* to) {
    std::size_t count = 0;
    for (std::size_t t = 0; t < tiles; ++t) {
        std::uint64_t places = marks[t];
        do {
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i) {
                to[count] = marked_place(t, static_cast<std::size_t>(std::countr_zero(places | std::uint64_t{1} << 63)));
                count += places != 0;
                places &= places - 1;
            }
        } while (places != 0);
    }
    return count;
}

#if SEGKIT_SIMD_LEVELS
using marked_sixteen [[gnu::vector_size(64)]] = int;

SEGKIT_TARGET_AVX512 inline std::size_t marked_places_avx512(const std::uint64_t* marks, std::size_t tiles, std::uint32_t* to) {
    struct numbers {
        std::uint32_t of[tile_rows];
    };
    alignas(64) static constexpr numbers first_tile = [] {
        numbers made{};
        for (std::size_t place = 0; place < tile_rows; ++place) made.of[place] = marked_place(0, place);
        return made;
    }();
    std::uint32_t* const begin = to;
    for (std::size_t t = 0; t < tiles; ++t) {
        for (std::size_t i = 0; i < tile_rows; i += 16) {
            marked_sixteen places;
            std::memcpy(&places, first_tile.of + i, sizeof places);
            places += static_cast<int>(marked_place(t, 0));
            const auto some = static_cast<std::uint16_t>(marks[t] >> i);
            places = __builtin_ia32_compresssi512_mask(places, marked_sixteen{}, some);
            std::memcpy(to, &places, sizeof places);
            to += std::popcount(some);
        }
    }
    return static_cast<std::size_t>(to - begin);
}
#endif

inline marked_places marked_places_for([[maybe_unused]] instruction_set level) {
#if SEGKIT_SIMD_LEVELS
    if (level == instruction_set::avx512) return marked_places_avx512;
#endif
    return marked_places_base;
}

}  // namespace SEGKIT_NAMESPACE::detail
