// segkit/io/detail/csv_texts.hpp: texts of a column to where they stay, doubled quotes made single on the way.
//
// A quote inside a field, its outer ones not counted, is always one of two: the index has proved that. So a text is its
// bytes without every second quote. With AVX-512 that is one compress instruction per 64 bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/io/detail/csv_index.hpp>
#include <segkit/io/detail/csv_values.hpp>
#include <segkit/simd/level.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Copies a text. Up to 64 bytes behind it may be written where they are this worker's own.
[[gnu::always_inline]] inline void csv_copy_text(std::byte* to, const std::byte* own_end, const char* from, std::size_t length) {
    if (__builtin_expect(length <= 64 && own_end - to >= 64, 1)) {
        struct cache_line {
            std::uint64_t words[8];
        };
        cache_line line;
        std::memcpy(&line, from, 64);
        std::memcpy(to, &line, 64);
    } else if (length != 0) {
        std::memcpy(to, from, length);
    }
}

// What is done with the texts of a column, at some level.
struct csv_text_functions {
    // A text with its doubled quotes single; returns its end. What is written lies before `own_end`.
    std::byte* (*single)(std::string_view text, std::byte* to, const std::byte* own_end);

    std::size_t (*count_quotes)(const csv_fields_of_column& fields);

    // Puts the texts one behind the other, and the place where each of them ends, `to` being the place `offset`; returns the
    // last end. In `validity`, if it is given, the empty ones are nulls.
    std::byte* (*place)(const csv_fields_of_column& fields, std::byte* to, const std::byte* own_end, std::int64_t offset, std::int64_t* ends, std::uint8_t* validity);
    std::byte* (*place_doubled)(const csv_fields_of_column& fields, std::byte* to, const std::byte* own_end, std::int64_t offset, std::int64_t* ends,
                                std::uint8_t* validity);
};

template <class Isa = csv_words>
struct csv_texts_base {
    static std::byte* single(std::string_view text, std::byte* to, const std::byte* own_end) {
        std::size_t at = 0;
        while (csv_words_fit && text.size() - at >= 8 && own_end - to >= 8) {
            const std::uint64_t word = csv_word(text.data() + at);
            std::memcpy(to, &word, 8);
            const std::uint64_t x = word ^ (std::uint64_t{'"'} * 0x0101010101010101);
            const std::uint64_t quotes = (x - 0x0101010101010101) & ~x & csv_high_bits;    // the lowest bit is the first one's
            const std::size_t taken = quotes ? static_cast<std::size_t>(std::countr_zero(quotes)) / 8 + 1 : 8;
            to += taken;
            at += taken + (quotes != 0);
        }
        for (; at < text.size(); ++at) {
            *to++ = static_cast<std::byte>(text[at]);
            at += text[at] == '"';
        }
        return to;
    }
    static std::size_t count_quotes(const csv_fields_of_column& fields) {
        std::size_t count = 0;
        for (std::size_t r = 0; r < fields.rows; ++r) {
            const std::string_view text = fields.field(r);
            std::size_t at = 0;
            for (; text.size() - at >= 8; at += 8) count += count_bits(Isa::bytes_equal(csv_word(text.data() + at), std::uint64_t{'"'} * 0x0101010101010101));
            for (; at < text.size(); ++at) count += text[at] == '"';
        }
        return count;
    }
    static std::byte* place(const csv_fields_of_column& fields, std::byte* to, const std::byte* own_end, std::int64_t offset, std::int64_t* ends, std::uint8_t* validity) {
        const auto copy = [&](std::string_view text) {
            csv_copy_text(to, own_end, text.data(), text.size());
            return to + text.size();
        };
        return place_by(copy, fields, to, offset, ends, validity);
    }
    static std::byte* place_doubled(const csv_fields_of_column& fields, std::byte* to, const std::byte* own_end, std::int64_t offset, std::int64_t* ends,
                                    std::uint8_t* validity) {
        return place_by([&](std::string_view text) { return single(text, to, own_end); }, fields, to, offset, ends, validity);
    }

private:
    template <class Copy>
    static std::byte* place_by(Copy&& copy, const csv_fields_of_column& fields, std::byte*& to, std::int64_t offset, std::int64_t* ends, std::uint8_t* validity) {
        const std::byte* const begin = to;
        for (std::size_t r = 0; r < fields.rows; ++r) {
            const std::string_view text = fields.field(r);
            to = copy(text);
            ends[r] = offset + (to - begin);
            if (validity) csv_put_bit(validity, r, !text.empty());
        }
        return to;
    }
};

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
template <class Isa = csv_words>
struct csv_texts_avx2 {
    [[gnu::target("avx2,bmi,popcnt")]] static std::size_t count_quotes(const csv_fields_of_column& fields) {
        std::size_t count = 0;
        for (std::size_t r = 0; r < fields.rows; ++r) {
            const std::string_view text = fields.field(r);
            for (std::size_t at = 0; at < text.size(); at += 64) {
                csv_bytes32 bytes[2];
                csv_load(text.data() + at, bytes);
                const std::uint64_t quotes = csv_bytes_equal(bytes, '"');
                count += csv_count<true>(text.size() - at < 64 ? quotes & ((std::uint64_t{1} << (text.size() - at)) - 1) : quotes);
            }
        }
        return count;
    }
    [[gnu::target("avx2,bmi,popcnt")]] static std::byte* place(const csv_fields_of_column& fields, std::byte* to, const std::byte* own_end, std::int64_t offset,
                                                              std::int64_t* ends, std::uint8_t* validity) {
        const std::byte* const begin = to;
        const std::uint32_t added = fields.added();
        for (std::size_t r = 0; r < fields.rows; ++r) {
            const std::uint32_t length = fields.ends[r] - fields.starts[r] + added;
            const char* const from = fields.first(r);
            if (__builtin_expect(length <= 64 && own_end - to >= 64, 1)) {
                csv_bytes32 line[2];
                csv_load(from, line);
                std::memcpy(to, &line[0], 32);
                std::memcpy(to + 32, &line[1], 32);
            } else if (length != 0) {
                std::memcpy(to, from, length);
            }
            to += length;
            ends[r] = offset + (to - begin);
        }
        if (validity) csv_mark_present_avx2<>(fields, validity);
        return to;
    }
};

// The first of up to 64 bytes of a text without every second quote; `open`: all ones where a first quote is before them.
[[gnu::always_inline, gnu::target("avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt,pclmul")]] inline std::size_t csv_single_64(const char* from, std::size_t length, std::byte* to,
                                                                                                                 const std::byte* own_end, std::uint64_t& open) {
    const std::uint64_t all = length >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << length) - 1;
    csv_bytes64 bytes;
    std::memcpy(&bytes, from, 64);
    const std::uint64_t quotes = csv_bytes_equal(bytes, '"') & all;
    const std::uint64_t first = csv_parity_by_product(quotes) ^ open;
    const std::uint64_t kept = all & ~(quotes & ~first);
    open = 0 - (first >> 63);
    bytes = __builtin_ia32_compressqi512_mask(bytes, csv_bytes64{}, kept);
    const std::size_t count = csv_count<true>(kept);
    if (__builtin_expect(own_end - to >= 64, 1)) std::memcpy(to, &bytes, 64);
    else std::memcpy(to, &bytes, count);
    return count;
}

template <class Isa = csv_words>
struct csv_texts_avx512 {
    [[gnu::target("avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt,pclmul")]] static std::byte* single(std::string_view text, std::byte* to, const std::byte* own_end) {
        std::uint64_t open = 0;
        for (std::size_t at = 0; at < text.size(); at += 64) to += csv_single_64(text.data() + at, text.size() - at, to, own_end, open);
        return to;
    }
    [[gnu::target("avx2,avx512f,avx512bw,bmi2,popcnt")]] static std::size_t count_quotes(const csv_fields_of_column& fields) {
        std::size_t count = 0;
        for (std::size_t r = 0; r < fields.rows; ++r) {
            const std::string_view text = fields.field(r);
            for (std::size_t at = 0; at < text.size(); at += 64) {
                csv_bytes64 bytes;
                std::memcpy(&bytes, text.data() + at, 64);
                std::uint64_t quotes = csv_bytes_equal(bytes, '"');
                if (text.size() - at < 64) quotes &= (std::uint64_t{1} << (text.size() - at)) - 1;
                count += csv_count<true>(quotes);
            }
        }
        return count;
    }
    [[gnu::target("avx2,avx512f,avx512bw,avx512vl,bmi2")]] static std::byte* place(const csv_fields_of_column& fields, std::byte* to, const std::byte* own_end,
                                                                                 std::int64_t offset, std::int64_t* ends, std::uint8_t* validity) {
        const std::byte* const begin = to;
        const std::uint32_t added = fields.added();
        for (std::size_t r = 0; r < fields.rows; ++r) {
            const std::uint32_t length = fields.ends[r] - fields.starts[r] + added;
            const char* const from = fields.first(r);
            if (__builtin_expect(length <= 64 && own_end - to >= 64, 1)) {
                csv_bytes64 line;
                std::memcpy(&line, from, 64);
                std::memcpy(to, &line, 64);
            } else if (length != 0) {
                std::memcpy(to, from, length);
            }
            to += length;
            ends[r] = offset + (to - begin);
        }
        if (validity) csv_mark_present_avx512<>(fields, validity);
        return to;
    }
    [[gnu::target("avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt,pclmul")]] static std::byte* place_doubled(const csv_fields_of_column& fields, std::byte* to,
                                                                                                     const std::byte* own_end, std::int64_t offset, std::int64_t* ends,
                                                                                                     std::uint8_t* validity) {
        const std::byte* const begin = to;
        for (std::size_t r = 0; r < fields.rows; ++r) {
            const std::string_view text = fields.field(r);
            std::uint64_t open = 0;
            for (std::size_t at = 0; at < text.size(); at += 64) to += csv_single_64(text.data() + at, text.size() - at, to, own_end, open);
            ends[r] = offset + (to - begin);
        }
        if (validity) csv_mark_present_avx512<>(fields, validity);
        return to;
    }
};
#endif

// (A template only so that it is compiled where it is used.)
template <class Isa = csv_words>
csv_text_functions csv_text_functions_at(instruction_set level) {
    using base = csv_texts_base<Isa>;
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    using wide = csv_texts_avx512<Isa>;
    if (level == instruction_set::avx512 && cpu_has_vbmi2()) return {wide::single, wide::count_quotes, wide::place, wide::place_doubled};
    using half = csv_texts_avx2<Isa>;
    if (level >= instruction_set::avx2) return {base::single, half::count_quotes, half::place, base::place_doubled};
#endif
    (void)level;
    return {base::single, base::count_quotes, base::place, base::place_doubled};
}

}  // namespace SEGKIT_NAMESPACE::detail
