// segkit/table/chunk.hpp: a few thousand rows on their way through a pipeline, column by column.
//
// A chunk is untyped at run time: one slot per column, each a pointer to values. Names and schemas have stopped at
// binding. Rows that a filter rejected stay where they are; the selection vector says which ones count.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE {

inline constexpr std::uint32_t chunk_rows = 2048;    // the most rows one chunk holds; a multiple of 8

namespace detail {
inline constexpr std::array<std::uint8_t, chunk_rows / 8> all_valid_bits = [] {
    std::array<std::uint8_t, chunk_rows / 8> bits{};
    for (auto& b : bits) b = 0xFF;
    return bits;
}();
}

// The values of one column for the rows of one chunk. Text is an array of std::string_view, whoever holds the bytes;
// a list is a detail::list_place, a block row after row of `width` elements. `validity` is never null: a column without nulls points at all ones.
// What stands in a row that is null may be anything (Arrow's arrays promise nothing), but can be read: a view of text points at bytes.
struct slot_view {
    const void* values = nullptr;
    const std::uint8_t* validity = detail::all_valid_bits.data();
    std::size_t width = 1;

    // Texts that a dictionary has, beside the views: row i, where it is not null, is texts[codes[i]] of `text_count`; the texts may
    // repeat themselves. Who does not know of them reads the views.
    const std::int32_t* codes = nullptr;
    const std::string_view* texts = nullptr;
    std::size_t text_count = 0;

    template <class V>
    const V* as() const {
        return static_cast<const V*>(values);
    }
    bool valid(std::size_t row) const { return (validity[row >> 3] >> (row & 7)) & 1; }
};

// Bytes of one value in a slot; of a block of one element.
constexpr std::size_t slot_bytes(type_id type) {
    return type == type_id::text ? sizeof(std::string_view) : is_list_type(type) ? sizeof(detail::list_place) : size_of(type);
}

struct chunk {
    std::uint32_t rows = 0;              // rows present
    std::uint32_t selected = 0;          // rows that count
    bool dense = true;                   // all rows count: `selection` is not read
    std::uint64_t first_row = 0;         // number of the first row in its source
    std::uint16_t* selection = nullptr;  // ascending row numbers inside the chunk, `selected` of them
    std::vector<slot_view> slots;

    // f(k, row): k counts the selected rows, row is the position inside the chunk.
    template <class F>
    void each(F&& f) const {
        if (dense) {
            for (std::uint32_t i = 0; i < rows; ++i) f(i, i);
        } else {
            for (std::uint32_t k = 0; k < selected; ++k) f(k, std::uint32_t{selection[k]});
        }
    }
    std::uint32_t row_of(std::uint32_t k) const { return dense ? k : selection[k]; }
};

}  // namespace SEGKIT_NAMESPACE
