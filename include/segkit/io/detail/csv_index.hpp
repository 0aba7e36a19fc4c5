// segkit/io/detail/csv_index.hpp: finds the ends of all fields of a block, 64 bytes at a time, and proves the quoting.
//
// Four bit masks per 64 bytes (quote, delimiter, newline, carriage return); the prefix XOR of the quotes says which bytes
// are inside quotes. The same masks show any quote that stands where none may, so a block without findings needs no
// second look. The method is that of G. Langdale and D. Lemire, "Parsing gigabytes of JSON per second", 2019.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Which of 64 bytes are what, bit i for byte i.
struct csv_masks {
    std::uint64_t quote = 0;
    std::uint64_t delimiter = 0;
    std::uint64_t newline = 0;
    std::uint64_t carriage_return = 0;
    std::uint64_t zero = 0;
};

// A classifier per instruction set; all give the same masks. This one needs 64-bit words only.
struct csv_classify_words {
    static std::uint64_t bytes_equal(std::uint64_t word, std::uint64_t pattern) {
        constexpr std::uint64_t low = 0x7F7F7F7F7F7F7F7F;
        const std::uint64_t x = word ^ pattern;
        const std::uint64_t equal = ~(((x & low) + low) | x | low);       // 0x80 where the byte is zero
        return ((equal >> 7) * 0x0102040810204080) >> 56;                  // gathered into eight bits
    }
    static csv_masks classify(const char* text, char delimiter) {
        constexpr std::uint64_t each = 0x0101010101010101;
        const std::uint64_t delimiters = each * static_cast<unsigned char>(delimiter);
        csv_masks masks;
        for (unsigned i = 0; i < 8; ++i) {
            std::uint64_t word = 0;
            if constexpr (std::endian::native == std::endian::little) {
                std::memcpy(&word, text + 8 * i, 8);
            } else {
                for (unsigned k = 0; k < 8; ++k) word |= std::uint64_t{static_cast<unsigned char>(text[8 * i + k])} << (8 * k);
            }
            masks.quote |= bytes_equal(word, each * '"') << (8 * i);
            masks.delimiter |= bytes_equal(word, delimiters) << (8 * i);
            masks.newline |= bytes_equal(word, each * '\n') << (8 * i);
            masks.carriage_return |= bytes_equal(word, each * '\r') << (8 * i);
            masks.zero |= bytes_equal(word, 0) << (8 * i);
        }
        return masks;
    }
};

#if defined(__SSE2__)
struct csv_classify_sse2 {
    static std::uint64_t bytes_equal(const __m128i (&text)[4], char value) {
        const __m128i pattern = _mm_set1_epi8(value);
        std::uint64_t mask = 0;
        for (unsigned i = 0; i < 4; ++i)
            mask |= std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(text[i], pattern)))} << (16 * i);
        return mask;
    }
    static csv_masks classify(const char* text, char delimiter) {
        __m128i bytes[4];
        for (unsigned i = 0; i < 4; ++i) bytes[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * i));
        return {bytes_equal(bytes, '"'), bytes_equal(bytes, delimiter), bytes_equal(bytes, '\n'), bytes_equal(bytes, '\r'),
                bytes_equal(bytes, '\0')};
    }
};
using csv_classify = csv_classify_sse2;
#else
using csv_classify = csv_classify_words;
#endif

// What one byte leaves to the next; each is 0 or 1, but for `inside`, which is 0 or all ones.
struct csv_state {
    std::uint64_t inside = 0;         // a quote is open
    std::uint64_t may_open = 1;       // the last byte ended a field
    std::uint64_t closed = 0;         // the last byte closed a quote
    std::uint64_t returned = 0;       // the last byte was a carriage return outside quotes
};

// What a stretch of bytes contained; zero where nothing did.
struct csv_findings {
    std::uint64_t bad = 0;                // a byte that the quoting or the line ends do not allow, or a zero byte
    std::uint64_t quotes = 0;
    std::uint64_t doubled = 0;            // "" inside quotes
    std::uint64_t returns = 0;            // carriage returns outside quotes
    std::uint64_t quoted_newlines = 0;
    std::size_t newlines = 0;             // outside quotes: their number

    void also(const csv_findings& other) {
        bad |= other.bad;
        quotes |= other.quotes;
        doubled |= other.doubled;
        returns |= other.returns;
        quoted_newlines |= other.quoted_newlines;
        newlines += other.newlines;
    }
};

inline unsigned count_bits(std::uint64_t bits) {
#if defined(__POPCNT__)
    return static_cast<unsigned>(std::popcount(bits));
#else
    bits -= (bits >> 1) & 0x5555555555555555;    // in line: std::popcount would be a call here
    bits = (bits & 0x3333333333333333) + ((bits >> 2) & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F;
    return static_cast<unsigned>((bits * 0x0101010101010101) >> 56);
#endif
}

// Newlines of any kind.
inline std::size_t count_newlines(const char* begin, const char* end) {
    std::size_t count = 0;
    for (; begin != end; ++begin) count += *begin == '\n';
    return count;
}

// Bit i of the result is the parity of bits 0..i.
inline std::uint64_t prefix_parity(std::uint64_t bits) {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

// Writes the position of every delimiter and newline outside quotes of text[from, to) and returns the end of what was
// written. Up to 63 bytes behind `to` are read, and up to 8 more positions than exist are written.
template <class Classify = csv_classify>
std::uint32_t* csv_index(const char* text, std::uint32_t from, std::uint32_t to, char delimiter, csv_state& state, csv_findings& findings,
                         std::uint32_t* out) {
    csv_state s = state;
    csv_findings f;
    for (std::uint32_t at = from; at < to; at += 64) {
        csv_masks m = Classify::classify(text + at, delimiter);
        const unsigned count = to - at < 64 ? to - at : 64;
        if (count < 64) {
            const std::uint64_t present = (std::uint64_t{1} << count) - 1;
            m.quote &= present;
            m.delimiter &= present;
            m.newline &= present;
            m.carriage_return &= present;
            m.zero &= present;
        }
        const std::uint64_t ends = m.delimiter | m.newline;
        const std::uint64_t inside = (m.quote == 0 ? 0 : prefix_parity(m.quote)) ^ s.inside;
        const std::uint64_t opening = m.quote & inside;
        const std::uint64_t closing = m.quote & ~inside;
        const std::uint64_t structural = ends & ~inside;
        const std::uint64_t returns = m.carriage_return & ~inside;
        const std::uint64_t after_end = (structural << 1) | s.may_open;
        const std::uint64_t after_close = (closing << 1) | s.closed;
        const std::uint64_t after_return = (returns << 1) | s.returned;
        const std::uint64_t all = count < 64 ? (std::uint64_t{1} << count) - 1 : ~std::uint64_t{0};

        f.bad |= (opening & ~(after_end | after_close)) | (after_close & all & ~(ends | m.quote | m.carriage_return)) |
                 (after_return & all & ~m.newline) | m.zero;
        f.quotes |= m.quote;
        f.doubled |= opening & after_close;
        f.returns |= returns;
        f.quoted_newlines |= m.newline & inside;
        f.newlines += count_bits(m.newline & ~inside);

        s.inside = 0 - ((inside >> (count - 1)) & 1);
        s.may_open = (structural >> (count - 1)) & 1;
        s.closed = (closing >> (count - 1)) & 1;
        s.returned = (returns >> (count - 1)) & 1;

        // Eight positions at a time: a loop to the exact number would be mispredicted at every word.
        const unsigned found = count_bits(structural);
        std::uint64_t left = structural;
        for (unsigned done = 0; done < found; done += 8) {
            for (unsigned i = 0; i < 8; ++i) {
                out[done + i] = at + static_cast<std::uint32_t>(std::countr_zero(left));
                left &= left - 1;
            }
        }
        out += found;
    }
    state = s;
    findings.also(f);
    return out;
}

}  // namespace SEGKIT_NAMESPACE::detail
