// segkit/io/detail/csv_index.hpp: finds the ends of all fields of a block, 64 bytes at a time, and proves the quoting.
//
// Four bit masks per 64 bytes (quote, delimiter, newline, carriage return); the prefix XOR of the quotes says which bytes
// are inside quotes. The same masks show any quote that stands where none may, so a block without findings needs no
// second look; where nothing is quoted, two of the masks are the answer. The method is that of G. Langdale and D. Lemire,
// "Parsing gigabytes of JSON per second", 2019.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <segkit/config.hpp>
#include <segkit/simd/level.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Which of 64 bytes are what, bit i for byte i.
struct csv_masks {
    std::uint64_t quote = 0;
    std::uint64_t delimiter = 0;
    std::uint64_t newline = 0;
    std::uint64_t rare = 0;               // not zero where one of these is not:
    std::uint64_t carriage_return = 0;
    std::uint64_t zero = 0;
};

// What one byte leaves to the next; each is 0 or 1, but for `inside`, which is 0 or all ones.
struct csv_state {
    std::uint64_t inside = 0;         // a quote is open
    std::uint64_t may_open = 1;       // the last byte ended a field
    std::uint64_t closed = 0;         // the last byte closed a quote
    std::uint64_t returned = 0;       // the last byte was a carriage return outside quotes

    [[gnu::always_inline]] bool plain() const { return (inside | closed | returned) == 0; }
};

// What a stretch of bytes contained; zero where nothing did.
struct csv_findings {
    std::uint64_t bad = 0;                // a byte that the quoting or the line ends do not allow, or a zero byte
    std::uint64_t quotes = 0;
    std::uint64_t doubled = 0;            // "" inside quotes
    std::uint64_t returns = 0;            // carriage returns outside quotes
    std::uint64_t quoted_newlines = 0;
    std::size_t newlines = 0;             // outside quotes: their number
    std::size_t quoted_fields = 0;        // their number

    void also(const csv_findings& other) {
        bad |= other.bad;
        quotes |= other.quotes;
        doubled |= other.doubled;
        returns |= other.returns;
        quoted_newlines |= other.quoted_newlines;
        newlines += other.newlines;
        quoted_fields += other.quoted_fields;
    }
};

// Newlines of any kind.
inline std::size_t count_newlines(const char* begin, const char* end) {
    std::size_t count = 0;
    for (; begin != end; ++begin) count += *begin == '\n';
    return count;
}

// Bit i of the result is the parity of bits 0..i.
[[gnu::always_inline]] inline std::uint64_t prefix_parity(std::uint64_t bits) {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

[[gnu::always_inline]] inline unsigned count_bits(std::uint64_t bits) {
    bits -= (bits >> 1) & 0x5555555555555555;    // in line: where the CPU may lack the instruction, std::popcount is a call
    bits = (bits & 0x3333333333333333) + ((bits >> 2) & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F;
    return static_cast<unsigned>((bits * 0x0101010101010101) >> 56);
}

// Writes the places of all bits, twelve at a time, which is more than most words have: a loop to the exact number would be
// mispredicted at every word. Without the pragma GCC at -O2 counts.
inline constexpr unsigned csv_places_at_once = 12;

[[gnu::always_inline]] inline void csv_write_positions(std::uint64_t bits, unsigned count, std::uint32_t base, std::uint32_t* out) {
    for (unsigned done = 0; done < count; done += csv_places_at_once) {
#pragma GCC unroll 16
        for (unsigned i = 0; i < csv_places_at_once; ++i) {
            out[done + i] = base + static_cast<std::uint32_t>(std::countr_zero(bits | (std::uint64_t{1} << 63)));
            bits &= bits - 1;
        }
    }
}

template <bool CountsBits>
[[gnu::always_inline]] inline unsigned csv_count(std::uint64_t bits) {
    if constexpr (CountsBits) return static_cast<unsigned>(__builtin_popcountll(bits));
    else return count_bits(bits);
}

// What the masks of 64 bytes, or of less, mean in the light of the bytes before: the ends of fields among them. The caller is
// compiled for some instruction set, and so is this, being part of it. `Rare`: there may be carriage returns and zeros.
template <bool CountsBits, bool Rare>
[[gnu::always_inline]] inline std::uint64_t csv_examine(const csv_masks& m, std::uint64_t parity, unsigned length, csv_state& s, csv_findings& f, unsigned& found) {
    const std::uint64_t all = Rare ? ~std::uint64_t{0} >> (64 - length) : ~std::uint64_t{0};
    const std::uint64_t ends = m.delimiter | m.newline;
    const std::uint64_t inside = parity ^ s.inside;
    const std::uint64_t opening = m.quote & inside;
    const std::uint64_t closing = m.quote & ~inside;
    const std::uint64_t structural = ends & ~inside;
    const std::uint64_t after_end = (structural << 1) | s.may_open;
    const std::uint64_t after_close = (closing << 1) | s.closed;

    if constexpr (Rare) {
        const std::uint64_t returns = m.carriage_return & ~inside;
        const std::uint64_t after_return = (returns << 1) | s.returned;
        f.bad |= (after_close & all & ~(ends | m.quote | m.carriage_return)) | (after_return & all & ~m.newline) | m.zero;
        f.returns |= returns;
        s.returned = (returns >> (length - 1)) & 1;
    } else {
        f.bad |= after_close & ~(ends | m.quote);
    }
    f.bad |= opening & ~(after_end | after_close);
    f.quotes |= m.quote;
    f.doubled |= opening & after_close;
    f.quoted_newlines |= m.newline & inside;
    f.newlines += csv_count<CountsBits>(m.newline & ~inside);
    f.quoted_fields += csv_count<CountsBits>(opening & after_end);

    const unsigned last = Rare ? length - 1 : 63;
    s.inside = 0 - ((inside >> last) & 1);
    s.may_open = (structural >> last) & 1;
    s.closed = (closing >> last) & 1;
    found = csv_count<CountsBits>(structural);
    return structural;
}

// The same of 64 bytes in which every field is quoted and holds no quote and no newline, which takes half of the
// instructions. False: they are not like that, and nothing is changed but `ends`.
[[gnu::always_inline]] inline bool csv_take_regular(const csv_masks& m, std::uint64_t parity, csv_state& s, csv_findings& f, std::uint64_t& ends) {
    const std::uint64_t inside = parity ^ s.inside;
    const std::uint64_t opening = m.quote & inside;
    const std::uint64_t closing = m.quote & ~inside;
    ends = (m.delimiter | m.newline) & ~inside;
    const std::uint64_t after_end = (ends << 1) + s.may_open;
    const std::uint64_t after_close = (closing << 1) + s.closed;
    if ((opening ^ after_end) | (after_close ^ ends) | (m.newline & inside)) return false;
    f.quotes |= m.quote;
    s.inside = 0 - (inside >> 63);
    s.may_open = ends >> 63;
    s.closed = closing >> 63;
    return true;
}

// ---- the index, once per instruction set; all give the same results

// Writes the position of every delimiter and newline outside quotes of text[from, to) and returns the end of what was
// written. Up to 63 bytes behind `to` are read, and up to csv_index_slack more positions than exist are written.
using csv_index_function = std::uint32_t* (*)(const char* text, std::uint32_t from, std::uint32_t to, char delimiter, csv_state& state,
                                              csv_findings& findings, std::uint32_t* out);
inline constexpr std::size_t csv_index_slack = 64;

inline constexpr unsigned csv_most_words = 16;    // in Form::quoted, before another is tried

struct csv_cursor {
    const char* text;
    std::uint32_t at, to;
    char delimiter;
    csv_state s;
    csv_findings f;
    std::uint32_t* out;

    [[gnu::always_inline]] bool has_word() const { return to - at >= 64; }
    [[gnu::always_inline]] void step(unsigned length, unsigned found) {
        at += length;
        out += found;
    }
};

// How much of the next word is there; what lies behind it does not count.
[[gnu::always_inline]] inline unsigned csv_cut_masks(csv_masks& m, const csv_cursor& c) {
    if (c.has_word()) return 64;
    const unsigned length = c.to - c.at;
    const std::uint64_t all = (std::uint64_t{1} << length) - 1;
    m.quote &= all;
    m.delimiter &= all;
    m.newline &= all;
    m.carriage_return &= all;
    m.zero &= all;
    return length;
}

// A stretch of words in which nothing is quoted.
template <bool CountsBits>
struct csv_plain_run {
    const char* text;
    std::uint32_t at, to;
    char delimiter;
    std::uint32_t* out;
    std::uint64_t ends = 0;    // of fields in the last word
    std::size_t newlines = 0;

    [[gnu::always_inline]] explicit csv_plain_run(const csv_cursor& c) : text(c.text), at(c.at), to(c.to), delimiter(c.delimiter), out(c.out) {}
    [[gnu::always_inline]] bool has_word() const { return to - at >= 64; }
    [[gnu::always_inline]] unsigned take(std::uint64_t delimiters, std::uint64_t newline) {
        ends = delimiters | newline;
        newlines += csv_count<CountsBits>(newline);
        return csv_count<CountsBits>(ends);
    }
    [[gnu::always_inline]] void step(unsigned found) {
        out += found;
        at += 64;
    }
    [[gnu::always_inline]] void end(csv_cursor& c) const {
        if (at != c.at) c.s.may_open = ends >> 63;
        c.f.newlines += newlines;
        c.at = at;
        c.out = out;
    }
};

// A stretch of words in which everything is quoted: a quote opens behind each end.
template <bool CountsBits>
struct csv_regular_run : csv_plain_run<CountsBits> {
    csv_state s;
    csv_findings f{};

    [[gnu::always_inline]] explicit csv_regular_run(const csv_cursor& c) : csv_plain_run<CountsBits>(c), s(c.s) {}
    // False: it ends before this word.
    [[gnu::always_inline]] bool take(const csv_masks& m, std::uint64_t parity, unsigned& found) {
        if (!csv_take_regular(m, parity, s, f, this->ends)) return false;
        found = csv_plain_run<CountsBits>::take(this->ends, m.newline);
        return true;
    }
    [[gnu::always_inline]] void end(csv_cursor& c) const {
        c.f.quoted_fields += static_cast<std::size_t>(this->out - c.out) + static_cast<std::size_t>(c.s.may_open) - static_cast<std::size_t>(s.may_open);
        c.f.quotes |= f.quotes;
        csv_plain_run<CountsBits>::end(c);
        c.s = s;
    }
};

// Form::plain takes whole words as long as nothing is quoted in them, Form::regular as long as everything is, Form::quoted
// some of those between, and Form::any one of any kind. Several loops, since one of all has too few registers.
template <class Form>
std::uint32_t* csv_index(const char* text, std::uint32_t from, std::uint32_t to, char delimiter, csv_state& state, csv_findings& findings, std::uint32_t* out) {
    csv_cursor c{text, from, to, delimiter, state, {}, out};
    while (c.at < c.to) {
        if (c.s.plain()) Form::plain(c);
        if (!c.s.returned) Form::regular(c);
        if (!c.s.returned) Form::quoted(c);
        if (c.at < c.to) Form::any(c);
    }
    state = c.s;
    findings.also(c.f);
    return c.out;
}

// With 64-bit words only.
struct csv_words {
    static std::uint64_t bytes_equal(std::uint64_t word, std::uint64_t pattern) {
        constexpr std::uint64_t low = 0x7F7F7F7F7F7F7F7F;
        const std::uint64_t x = word ^ pattern;
        const std::uint64_t equal = ~(((x & low) + low) | x | low);       // 0x80 where the byte is zero
        return ((equal >> 7) * 0x0102040810204080) >> 56;                  // gathered into eight bits
    }
    static void classify(const char* text, char delimiter, csv_masks& masks) {
        constexpr std::uint64_t each = 0x0101010101010101;
        const std::uint64_t delimiters = each * static_cast<unsigned char>(delimiter);
        masks = {};
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
        masks.rare = masks.carriage_return | masks.zero;
    }
};

#if defined(__SSE2__)
struct csv_sse2 {
    static std::uint64_t bytes_equal(const __m128i (&text)[4], char value) {
        const __m128i pattern = _mm_set1_epi8(value);
        std::uint64_t mask = 0;
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; ++i)
            mask |= std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(text[i], pattern)))} << (16 * i);
        return mask;
    }
    static void classify(const char* text, char delimiter, csv_masks& masks) {
        __m128i bytes[4];
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; ++i) bytes[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * i));
        masks.quote = bytes_equal(bytes, '"');
        masks.delimiter = bytes_equal(bytes, delimiter);
        masks.newline = bytes_equal(bytes, '\n');
        masks.carriage_return = bytes_equal(bytes, '\r');
        masks.zero = bytes_equal(bytes, '\0');
        masks.rare = masks.carriage_return | masks.zero;
    }
};
using csv_base = csv_sse2;
#else
using csv_base = csv_words;
#endif

template <class Isa = csv_base>
struct csv_form_base {
    static void plain(csv_cursor& c) {
        csv_masks m;
        unsigned found = 0;
        csv_plain_run<false> run(c);
        for (; run.has_word(); run.step(found)) {
            Isa::classify(run.text + run.at, run.delimiter, m);
            if (m.quote | m.rare) break;
            found = run.take(m.delimiter, m.newline);
            csv_write_positions(run.ends, found, run.at, run.out);
        }
        run.end(c);
    }
    static void regular(csv_cursor& c) {
        csv_masks m;
        unsigned found = 0;
        csv_regular_run<false> run(c);
        for (; run.has_word(); run.step(found)) {
            Isa::classify(run.text + run.at, run.delimiter, m);
            if (m.rare || !run.take(m, prefix_parity(m.quote), found)) break;
            csv_write_positions(run.ends, found, run.at, run.out);
        }
        run.end(c);
    }
    static void quoted(csv_cursor& c) {
        csv_masks m;
        unsigned found = 0;
        for (unsigned words = 0; words < csv_most_words && c.has_word(); ++words, c.step(64, found)) {
            Isa::classify(c.text + c.at, c.delimiter, m);
            if (m.rare || (m.quote == 0 && c.s.plain())) break;
            const std::uint64_t ends = csv_examine<false, false>(m, m.quote ? prefix_parity(m.quote) : 0, 64, c.s, c.f, found);
            csv_write_positions(ends, found, c.at, c.out);
        }
    }
    static void any(csv_cursor& c) {
        csv_masks m;
        unsigned found = 0;
        Isa::classify(c.text + c.at, c.delimiter, m);
        const unsigned length = csv_cut_masks(m, c);
        const std::uint64_t ends = csv_examine<false, true>(m, prefix_parity(m.quote), length, c.s, c.f, found);
        csv_write_positions(ends, found, c.at, c.out);
        c.step(length, found);
    }
};

// Instructions beyond the compiler's own settings are reached through vector types and built-in functions: the header
// with the intrinsics would cost every includer a quarter of a second.
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

typedef char csv_bytes32 __attribute__((vector_size(32)));
typedef char csv_bytes64 __attribute__((vector_size(64)));
typedef long long csv_longs2 __attribute__((vector_size(16)));
typedef char csv_places16 __attribute__((vector_size(16)));
typedef int csv_positions16 __attribute__((vector_size(64)));

// A product without carries by all ones is the prefix parity.
[[gnu::always_inline, gnu::target("pclmul")]] inline std::uint64_t csv_parity_by_product(std::uint64_t bits) {
    const csv_longs2 factor = {static_cast<long long>(bits), 0};
    const csv_longs2 ones = {-1, -1};
    const csv_longs2 product = __builtin_ia32_pclmulqdq128(factor, ones, 0);
    return static_cast<std::uint64_t>(product[0]);
}

// One by one: GCC 12 would copy both at once in pieces of 16 bytes, and wait for these at the first use of 32.
[[gnu::always_inline, gnu::target("avx2")]] inline void csv_load(const char* from, csv_bytes32 (&bytes)[2]) {
    std::memcpy(&bytes[0], from, 32);
    std::memcpy(&bytes[1], from + 32, 32);
}

[[gnu::always_inline, gnu::target("avx2")]] inline std::uint64_t csv_bytes_equal(const csv_bytes32 (&bytes)[2], char value) {
    const csv_bytes32 pattern = csv_bytes32{} + value;
    const auto low = static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256(bytes[0] == pattern));
    const auto high = static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256(bytes[1] == pattern));
    return low | std::uint64_t{high} << 32;
}

// Not zero where there is a zero or a carriage return: a table by the lower half of a byte holds what the byte must be.
[[gnu::always_inline, gnu::target("avx2")]] inline std::uint64_t csv_any_rare(const csv_bytes32 (&bytes)[2]) {
    constexpr csv_bytes32 table = {0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, '\r', -1, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, '\r', -1, 0};
    const csv_bytes32 low = __builtin_ia32_pshufb256(table, bytes[0]) == bytes[0];
    const csv_bytes32 high = __builtin_ia32_pshufb256(table, bytes[1]) == bytes[1];
    return static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256(low | high));
}

// As csv_write_positions. Assembly that says it writes memory keeps GCC from putting the numbers together in vectors first, which
// takes longer.
[[gnu::always_inline, gnu::target("bmi")]] inline void csv_pick_positions(std::uint64_t bits, unsigned count, std::uint32_t base, std::uint32_t* out) {
    for (unsigned done = 0; done < count; done += csv_places_at_once) {
#pragma GCC unroll 16
        for (unsigned i = 0; i < csv_places_at_once; ++i) {
            std::uint64_t place;
            asm("tzcnt {%1, %0|%0, %1}" : "=r"(place) : "r"(bits) : "memory");
            out[done + i] = base + static_cast<std::uint32_t>(place);
            bits &= bits - 1;
        }
    }
}

[[gnu::always_inline, gnu::target("avx2")]] inline void csv_classify(const csv_bytes32 (&bytes)[2], char delimiter, csv_masks& m) {
    m.quote = csv_bytes_equal(bytes, '"');
    m.delimiter = csv_bytes_equal(bytes, delimiter);
    m.newline = csv_bytes_equal(bytes, '\n');
}

template <class Isa = csv_base>
struct csv_form_avx2 {
    [[gnu::target("avx2,bmi,bmi2,popcnt,pclmul")]] static void plain(csv_cursor& c) {
        unsigned found = 0;
        csv_plain_run<true> run(c);
        for (; run.has_word(); run.step(found)) {
            csv_bytes32 bytes[2];
            csv_load(run.text + run.at, bytes);
            if (csv_bytes_equal(bytes, '"') | csv_any_rare(bytes)) break;
            found = run.take(csv_bytes_equal(bytes, run.delimiter), csv_bytes_equal(bytes, '\n'));
            csv_pick_positions(run.ends, found, run.at, run.out);
        }
        run.end(c);
    }
    [[gnu::target("avx2,bmi,bmi2,popcnt,pclmul")]] static void regular(csv_cursor& c) {
        csv_masks m;
        unsigned found = 0;
        csv_regular_run<true> run(c);
        for (; run.has_word(); run.step(found)) {
            csv_bytes32 bytes[2];
            csv_load(run.text + run.at, bytes);
            csv_classify(bytes, run.delimiter, m);
            if (csv_any_rare(bytes) || !run.take(m, csv_parity_by_product(m.quote), found)) break;
            csv_pick_positions(run.ends, found, run.at, run.out);
        }
        run.end(c);
    }
    [[gnu::target("avx2,bmi,bmi2,popcnt,pclmul")]] static void quoted(csv_cursor& c) {
        csv_cursor now = c;
        csv_masks m;
        unsigned found = 0;
        for (unsigned words = 0; words < csv_most_words && now.has_word(); ++words, now.step(64, found)) {
            csv_bytes32 bytes[2];
            csv_load(now.text + now.at, bytes);
            csv_classify(bytes, now.delimiter, m);
            if (csv_any_rare(bytes) || (m.quote == 0 && now.s.plain())) break;
            const std::uint64_t ends = csv_examine<true, false>(m, csv_parity_by_product(m.quote), 64, now.s, now.f, found);
            csv_pick_positions(ends, found, now.at, now.out);
        }
        c = now;
    }
    [[gnu::target("avx2,bmi,bmi2,popcnt,pclmul")]] static void any(csv_cursor& c) {
        csv_masks m;
        unsigned found = 0;
        csv_bytes32 bytes[2];
        csv_load(c.text + c.at, bytes);
        csv_classify(bytes, c.delimiter, m);
        m.carriage_return = csv_bytes_equal(bytes, '\r');
        m.zero = csv_bytes_equal(bytes, '\0');
        const unsigned length = csv_cut_masks(m, c);
        const std::uint64_t ends = csv_examine<true, true>(m, csv_parity_by_product(m.quote), length, c.s, c.f, found);
        csv_pick_positions(ends, found, c.at, c.out);
        c.step(length, found);
    }
};

[[gnu::always_inline, gnu::target("avx512f,avx512bw")]] inline std::uint64_t csv_bytes_equal(const csv_bytes64& bytes, char value) {
    const csv_bytes64 pattern = csv_bytes64{} + value;
    return static_cast<std::uint64_t>(__builtin_ia32_cmpb512_mask(bytes, pattern, 0, ~0ull));
}
[[gnu::always_inline, gnu::target("avx512f,avx512bw")]] inline std::uint64_t csv_any_rare(const csv_bytes64& bytes) {
    constexpr csv_bytes64 table = {0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, '\r', -1, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, '\r', -1, 0,
                                   0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, '\r', -1, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, '\r', -1, 0};
#if defined(__clang__)
    const csv_bytes64 due = __builtin_ia32_pshufb512(table, bytes);
#else
    const csv_bytes64 due = __builtin_ia32_pshufb512_mask(table, bytes, csv_bytes64{}, ~0ull);
#endif
    return static_cast<std::uint64_t>(__builtin_ia32_cmpb512_mask(bytes, due, 0, ~0ull));
}
[[gnu::always_inline, gnu::target("avx512f,avx512bw")]] inline void csv_store_positions(const csv_places16& places, std::uint32_t base, std::uint32_t* out) {
#if defined(__clang__)
    const csv_positions16 positions = __builtin_convertvector(places, csv_positions16) + static_cast<int>(base);
#else
    // GCC 12 would take the bytes out one by one.
    const csv_positions16 positions = __builtin_ia32_pmovzxbd512_mask(places, csv_positions16{}, static_cast<unsigned short>(0xFFFF)) + static_cast<int>(base);
#endif
    std::memcpy(out, &positions, 64);
}

// The bytes' own numbers, pressed together where a bit stands, are the positions.
[[gnu::always_inline, gnu::target("avx512f,avx512bw,avx512vbmi2")]] inline void csv_press_positions(std::uint64_t bits, unsigned count, std::uint32_t base,
                                                                                               std::uint32_t* out) {
    constexpr csv_bytes64 numbers = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                     32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const csv_bytes64 pressed = __builtin_ia32_compressqi512_mask(numbers, csv_bytes64{}, bits);
    csv_places16 places = __builtin_shufflevector(pressed, pressed, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    csv_store_positions(places, base, out);
    if (__builtin_expect(count > 16, 0)) {
        csv_places16 all[4];
        std::memcpy(all, &pressed, 64);
        for (unsigned i = 1; i < 4; ++i) csv_store_positions(all[i], base, out + 16 * i);
    }
}

[[gnu::always_inline, gnu::target("avx512f,avx512bw")]] inline void csv_classify(const csv_bytes64& bytes, char delimiter, csv_masks& m) {
    m.quote = csv_bytes_equal(bytes, '"');
    m.delimiter = csv_bytes_equal(bytes, delimiter);
    m.newline = csv_bytes_equal(bytes, '\n');
}

template <class Isa = csv_base>
struct csv_form_vbmi2 {
    [[gnu::target("avx2,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,bmi,bmi2,popcnt,pclmul")]] static void plain(csv_cursor& c) {
        unsigned found = 0;
        csv_plain_run<true> run(c);
        for (; run.has_word(); run.step(found)) {
            csv_bytes64 bytes;
            std::memcpy(&bytes, run.text + run.at, 64);
            if (csv_bytes_equal(bytes, '"') | csv_any_rare(bytes)) break;
            found = run.take(csv_bytes_equal(bytes, run.delimiter), csv_bytes_equal(bytes, '\n'));
            csv_press_positions(run.ends, found, run.at, run.out);
        }
        run.end(c);
    }
    [[gnu::target("avx2,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,bmi,bmi2,popcnt,pclmul")]] static void regular(csv_cursor& c) {
        csv_masks m;
        unsigned found = 0;
        csv_regular_run<true> run(c);
        for (; run.has_word(); run.step(found)) {
            csv_bytes64 bytes;
            std::memcpy(&bytes, run.text + run.at, 64);
            csv_classify(bytes, run.delimiter, m);
            if (csv_any_rare(bytes) || !run.take(m, csv_parity_by_product(m.quote), found)) break;
            csv_press_positions(run.ends, found, run.at, run.out);
        }
        run.end(c);
    }
    [[gnu::target("avx2,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,bmi,bmi2,popcnt,pclmul")]] static void quoted(csv_cursor& c) {
        csv_cursor now = c;
        csv_masks m;
        unsigned found = 0;
        for (unsigned words = 0; words < csv_most_words && now.has_word(); ++words, now.step(64, found)) {
            csv_bytes64 bytes;
            std::memcpy(&bytes, now.text + now.at, 64);
            csv_classify(bytes, now.delimiter, m);
            if (csv_any_rare(bytes) || (m.quote == 0 && now.s.plain())) break;
            const std::uint64_t ends = csv_examine<true, false>(m, csv_parity_by_product(m.quote), 64, now.s, now.f, found);
            csv_press_positions(ends, found, now.at, now.out);
        }
        c = now;
    }
    [[gnu::target("avx2,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,bmi,bmi2,popcnt,pclmul")]] static void any(csv_cursor& c) {
        csv_masks m;
        unsigned found = 0;
        csv_bytes64 bytes;
        std::memcpy(&bytes, c.text + c.at, 64);
        csv_classify(bytes, c.delimiter, m);
        m.carriage_return = csv_bytes_equal(bytes, '\r');
        m.zero = csv_bytes_equal(bytes, '\0');
        const unsigned length = csv_cut_masks(m, c);
        const std::uint64_t ends = csv_examine<true, true>(m, csv_parity_by_product(m.quote), length, c.s, c.f, found);
        csv_press_positions(ends, found, c.at, c.out);
        c.step(length, found);
    }
};
#endif

// The fastest form that may run at this level. (A template only so that who reads no CSV does not compile them.)
template <class Base = csv_base>
csv_index_function csv_index_at(instruction_set level) {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    if (level == instruction_set::avx512 && cpu_has_vbmi2()) return csv_index<csv_form_vbmi2<Base>>;
    if (level >= instruction_set::avx2) return csv_index<csv_form_avx2<Base>>;
#endif
    (void)level;
    return csv_index<csv_form_base<Base>>;
}

}  // namespace SEGKIT_NAMESPACE::detail
