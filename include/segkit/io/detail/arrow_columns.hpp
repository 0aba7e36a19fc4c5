// segkit/io/detail/arrow_columns.hpp: the columns of one Arrow array as readers of chunks.
//
// Values that lie as segkit's own do are pushed where they are, whatever the array's offset. Text is pushed as views on
// the array's bytes. Narrow integers, bits, other time units and dictionaries are converted chunk by chunk.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/io/detail/arrow_abi.hpp>
#include <segkit/io/detail/arrow_types.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/table_source.hpp>

namespace SEGKIT_NAMESPACE::detail {

// A column of the compile-time schema, and where it comes from.
struct arrow_column {
    std::string_view name;
    segkit::type_id type = type_id::int64;
    bool nullable = false;
    std::size_t child = 0;    // position in the record batch
    arrow_type from{};
};

[[noreturn]] inline void throw_malformed_array(std::string_view field, std::string found, std::string expected) {
    error_details details{.code = error_code::malformed_document, .stage = "from_arrow", .field = std::string(field)};
    details.found = std::move(found);
    details.expected = std::move(expected);
    details.advice = "the array breaks the rules of the Arrow C data interface";
    throw error(std::move(details));
}

inline void check_arrow_array(const ArrowArray& array, arrow_kind kind, std::string_view field) {
    if (array.length < 0 || array.offset < 0) throw_malformed_array(field, "an array of negative length or offset", "none");
    const std::int64_t buffers = arrow_buffer_count(kind);
    if (array.n_buffers < buffers)
        throw_malformed_array(field, "an array of " + std::to_string(array.n_buffers) + " buffers", "at least " + std::to_string(buffers));
    if (array.length > 0 && buffers > 1 && array.buffers[1] == nullptr) throw_malformed_array(field, "an array without values", "a buffer of them");
    if (array.null_count > 0 && buffers > 0 && array.buffers[0] == nullptr)
        throw_malformed_array(field, std::to_string(array.null_count) + " nulls and no validity bitmap", "a bitmap that says which they are");
}

// Bits [from, from + count) of a bitmap to the front of `to`. Reads no byte that does not hold one of them.
inline void copy_bits(const std::uint8_t* bits, std::size_t from, std::size_t count, std::uint8_t* to) {
    if (count == 0) return;
    const std::size_t first = from / 8, last = (from + count - 1) / 8, bytes = (count + 7) / 8;
    const unsigned shift = static_cast<unsigned>(from % 8);
    if (shift == 0) {
        std::memcpy(to, bits + first, bytes);
        return;
    }
    for (std::size_t i = 0; i < bytes; ++i) {
        const unsigned next = first + i + 1 <= last ? bits[first + i + 1] : 0u;
        to[i] = static_cast<std::uint8_t>((bits[first + i] >> shift) | (next << (8 - shift)));
    }
}

// The first of `count` bits at the front that is 0, or `count`.
inline std::size_t first_zero_bit(const std::uint8_t* bits, std::size_t count) {
    for (std::size_t i = 0; i < count; i += 8) {
        const unsigned ones = static_cast<unsigned>(std::countr_one(bits[i / 8]));
        if (ones < 8) return i + ones < count ? i + ones : count;
    }
    return count;
}

template <class T>
T load(const void* values, std::size_t at) {
    T value;
    std::memcpy(&value, static_cast<const std::byte*>(values) + at * sizeof(T), sizeof(T));
    return value;
}

// What is known of a column while one array is read. Row numbers are those of the batch.
struct arrow_place {
    const ArrowArray* array = nullptr;
    std::size_t offset = 0;       // of row 0 in the buffers
    std::size_t first_row = 0;    // number of row 0 in the source
    std::string_view field{};

    const void* buffer(std::size_t number) const { return array->buffers[number]; }
    const void* values() const { return array->buffers[1]; }

    [[noreturn]] void fail(error_code code, std::size_t row, std::string found, std::string expected, std::string advice) const {
        error_details details{.code = code, .stage = "from_arrow", .field = std::string(field)};
        details.row = first_row + row;
        details.found = std::move(found);
        details.expected = std::move(expected);
        details.advice = std::move(advice);
        throw error(std::move(details));
    }
    [[noreturn]] void fail_null(std::size_t row) const {
        fail(error_code::unexpected_null, row, "a null", "a value: this column of the schema has no nulls", "make the field std::optional, or fill the nulls before");
    }
};

inline bool is_valid_bit(const std::uint8_t* valid, std::size_t row) { return (valid[row >> 3] >> (row & 7)) & 1; }

// ---- conversions: rows [first, first + count) of the array to the front of `to`; `valid` has a bit per converted row

template <class From, class To>
void arrow_widen(const arrow_place& from, std::size_t first, std::uint32_t count, const std::uint8_t* valid, To* to) {
    const std::size_t begin = from.offset + first;
    for (std::uint32_t i = 0; i < count; ++i) {
        const From value = load<From>(from.values(), begin + i);
        if constexpr (std::same_as<From, std::uint64_t> && std::same_as<To, std::int64_t>) {
            if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
                if (is_valid_bit(valid, i))
                    from.fail(error_code::overflow, first + i, std::to_string(value), "at most 9223372036854775807", "segkit has no unsigned 64-bit column: import it as another type");
                to[i] = 0;
                continue;
            }
        }
        to[i] = static_cast<To>(value);
    }
}

// 128 bits in two's complement, the lower half first.
inline void arrow_narrow_decimal(const arrow_place& from, std::size_t first, std::uint32_t count, const std::uint8_t* valid, std::int64_t* to) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t at = 2 * (from.offset + first + i);
        const auto low = load<std::int64_t>(from.values(), at), high = load<std::int64_t>(from.values(), at + 1);
        const bool fits = high == (low < 0 ? -1 : 0);
        if (!fits && is_valid_bit(valid, i))
            from.fail(error_code::overflow, first + i, "a whole number of more than 64 bits", "one of at most 64 bits", "import it as another type, such as float64");
        to[i] = fits ? low : 0;
    }
}

// IEEE 754 binary16.
inline float from_half(std::uint16_t half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1Fu, fraction = half & 0x3FFu;
    if (exponent == 0) {    // zero or subnormal: fraction times 2^-24, exact in a float
        const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 31 ? 0xFFu : exponent + 112;
    return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}
template <class To>
void arrow_widen_half(const arrow_place& from, std::size_t first, std::uint32_t count, const std::uint8_t*, To* to) {
    for (std::uint32_t i = 0; i < count; ++i) to[i] = static_cast<To>(from_half(load<std::uint16_t>(from.values(), from.offset + first + i)));
}

inline void arrow_unpack_bits(const arrow_place& from, std::size_t first, std::uint32_t count, const std::uint8_t*, bool* to) {
    const auto* const bits = static_cast<const std::uint8_t*>(from.values());
    for (std::uint32_t i = 0; i < count; ++i) to[i] = is_valid_bit(bits, from.offset + first + i);
}

// Microseconds: times `Multiply`, or divided by `Divide` and rounded down.
template <class Stored, std::int64_t Multiply, std::int64_t Divide, class To>
void arrow_scale_time(const arrow_place& from, std::size_t first, std::uint32_t count, const std::uint8_t* valid, To* to) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / Multiply;
    for (std::uint32_t i = 0; i < count; ++i) {
        std::int64_t value = load<Stored>(from.values(), from.offset + first + i);
        if constexpr (Multiply != 1) {
            if (value > most || value < -most) {
                if (is_valid_bit(valid, i))
                    from.fail(error_code::overflow, first + i, std::to_string(value) + " times " + std::to_string(Multiply) + " microseconds", "a time of 64-bit microseconds",
                              "times are kept to about 292,000 years around 1970");
                value = 0;
            }
        }
        const std::int64_t scaled = Divide == 1 ? value * Multiply : value / Divide - (value % Divide < 0);
        if constexpr (std::same_as<To, timestamp>) to[i] = timestamp::from_microseconds(scaled);
        else to[i] = duration{scaled};
    }
}

inline void arrow_days_of_milliseconds(const arrow_place& from, std::size_t first, std::uint32_t count, const std::uint8_t* valid, date* to) {
    constexpr std::int64_t per_day = 86'400'000;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto value = load<std::int64_t>(from.values(), from.offset + first + i);
        const std::int64_t days = value / per_day - (value % per_day < 0);
        if (days > std::numeric_limits<std::int32_t>::max() || days < std::numeric_limits<std::int32_t>::min()) {
            if (is_valid_bit(valid, i)) from.fail(error_code::overflow, first + i, std::to_string(value) + " milliseconds", "a day of 32 bits", "check the dates");
            to[i] = date();
        } else {
            to[i] = date::from_days(static_cast<std::int32_t>(days));
        }
    }
}

template <class Offset>
void arrow_view_bytes(const arrow_place& from, std::size_t first, std::uint32_t count, const std::uint8_t*, std::string_view* to) {
    const auto* const bytes = static_cast<const char*>(from.buffer(2));    // may be null where there are none
    const std::size_t begin = from.offset + first;
    Offset start = load<Offset>(from.values(), begin);
    for (std::uint32_t i = 0; i < count; ++i) {
        const Offset end = load<Offset>(from.values(), begin + i + 1);
        to[i] = start == end ? std::string_view() : std::string_view(bytes + start, static_cast<std::size_t>(end - start));
        start = end;
    }
}

// Views of 16 bytes: a length, then up to 12 bytes of text, or 4 bytes of it, a buffer's number and a position there.
inline void arrow_view_views(const arrow_place& from, std::size_t first, std::uint32_t count, const std::uint8_t* valid, std::string_view* to) {
    const auto* const views = static_cast<const char*>(from.values()) + (from.offset + first) * 16;
    for (std::uint32_t i = 0; i < count; ++i) {
        to[i] = {};
        if (!is_valid_bit(valid, i)) continue;    // the view of a null may be anything
        const char* const view = views + std::size_t{i} * 16;
        const auto size = load<std::int32_t>(view, 0);
        if (size <= 12) {
            to[i] = {view + 4, static_cast<std::size_t>(size)};
        } else {
            const auto number = load<std::int32_t>(view, 2), at = load<std::int32_t>(view, 3);
            to[i] = {static_cast<const char*>(from.buffer(2 + static_cast<std::size_t>(number))) + at, static_cast<std::size_t>(size)};
        }
    }
}

template <class V>
using arrow_conversion = void (*)(const arrow_place&, std::size_t, std::uint32_t, const std::uint8_t*, V*);

// How values of an Arrow kind become V; null where they lie in memory as V does.
template <class V>
arrow_conversion<V> arrow_conversion_of(arrow_kind kind) {
    if constexpr (std::same_as<V, bool>) {
        return arrow_unpack_bits;
    } else if constexpr (is_number<V>) {
        if constexpr (std::same_as<V, std::int64_t>)
            if (kind == arrow_kind::whole_decimal) return arrow_narrow_decimal;
        switch (kind) {
            case arrow_kind::int8: return arrow_widen<std::int8_t, V>;
            case arrow_kind::uint8: return arrow_widen<std::uint8_t, V>;
            case arrow_kind::int16: return arrow_widen<std::int16_t, V>;
            case arrow_kind::uint16: return arrow_widen<std::uint16_t, V>;
            case arrow_kind::int32: return std::same_as<V, std::int32_t> ? nullptr : arrow_widen<std::int32_t, V>;
            case arrow_kind::uint32: return arrow_widen<std::uint32_t, V>;
            case arrow_kind::uint64: return arrow_widen<std::uint64_t, V>;
            case arrow_kind::float16: return arrow_widen_half<V>;
            case arrow_kind::float32: return std::same_as<V, float> ? nullptr : arrow_widen<float, V>;
            default: return nullptr;    // int64, float64
        }
    } else if constexpr (std::same_as<V, std::string_view>) {
        return kind == arrow_kind::bytes32 ? arrow_view_bytes<std::int32_t> : kind == arrow_kind::bytes64 ? arrow_view_bytes<std::int64_t> : arrow_view_views;
    } else if constexpr (std::same_as<V, date>) {
        return kind == arrow_kind::date_milliseconds ? arrow_days_of_milliseconds : nullptr;
    } else {
        switch (kind) {
            case arrow_kind::date_days: return arrow_scale_time<std::int32_t, microseconds_per_day, 1, V>;
            case arrow_kind::timestamp_seconds:
            case arrow_kind::duration_seconds: return arrow_scale_time<std::int64_t, 1'000'000, 1, V>;
            case arrow_kind::date_milliseconds:
            case arrow_kind::timestamp_milliseconds:
            case arrow_kind::duration_milliseconds: return arrow_scale_time<std::int64_t, 1'000, 1, V>;
            case arrow_kind::timestamp_nanoseconds:
            case arrow_kind::duration_nanoseconds: return arrow_scale_time<std::int64_t, 1, 1'000, V>;
            default: return nullptr;    // microseconds
        }
    }
}

// ---- readers

// Nulls are those of the column's own bitmap, and whole rows of a record batch that are null.
class arrow_reader : public column_reader {
public:
    arrow_reader(const arrow_place& place, const arrow_place* batch, bool nullable) : place_(place), nullable_(nullable) {
        add_bitmap(place);
        if (batch != nullptr) add_bitmap(*batch);
    }

protected:
    // The validity of some rows, at bit 0. For a column without nulls it is checked that there are none.
    const std::uint8_t* validity(std::size_t row, std::uint32_t count, scratch& memory, int number) const {
        if (bitmaps_ == 0) return all_valid_bits.data();
        if (bitmaps_ == 1 && (bitmap_[0].offset + row) % 8 == 0) return checked(bitmap_[0].bits + (bitmap_[0].offset + row) / 8, row, count);
        std::uint8_t* const bits = memory.validity(number);
        copy_bits(bitmap_[0].bits, bitmap_[0].offset + row, count, bits);
        if (bitmaps_ == 2) {
            std::uint8_t others[chunk_rows / 8];
            copy_bits(bitmap_[1].bits, bitmap_[1].offset + row, count, others);
            for (std::uint32_t i = 0; i < (count + 7) / 8; ++i) bits[i] = static_cast<std::uint8_t>(bits[i] & others[i]);
        }
        return checked(bits, row, count);
    }
    const arrow_place& place() const { return place_; }

private:
    const std::uint8_t* checked(const std::uint8_t* bits, std::size_t row, std::uint32_t count) const {
        if (nullable_) return bits;
        const std::size_t null = first_zero_bit(bits, count);
        if (null < count) place_.fail_null(row + null);
        return all_valid_bits.data();
    }
    void add_bitmap(const arrow_place& of) {
        if (of.array->null_count == 0 || of.array->n_buffers == 0 || of.array->buffers[0] == nullptr) return;
        bitmap_[bitmaps_++] = {static_cast<const std::uint8_t*>(of.array->buffers[0]), of.offset};
    }

    struct bitmap {
        const std::uint8_t* bits = nullptr;
        std::size_t offset = 0;
    };
    arrow_place place_;
    bitmap bitmap_[2];
    unsigned bitmaps_ = 0;
    bool nullable_;
};

// Values that lie as segkit's do, of any type. Pushed where they are; copied only where they are not aligned.
class arrow_plain_reader final : public arrow_reader {
public:
    arrow_plain_reader(const arrow_place& place, const arrow_place* batch, bool nullable, std::size_t size) : arrow_reader(place, batch, nullable), size_(size) {}
    slot_view read(std::size_t row, std::uint32_t count, scratch& memory, int number) const override {
        slot_view view;
        view.validity = validity(row, count, memory, number);
        view.values = static_cast<const std::byte*>(place().values()) + (place().offset + row) * size_;
        if (reinterpret_cast<std::uintptr_t>(view.values) % size_ != 0) {
            std::byte* const aligned = memory.values<std::byte>(number, size_);
            std::memcpy(aligned, view.values, count * size_);
            view.values = aligned;
        }
        return view;
    }

private:
    std::size_t size_;
};

template <class V>
class arrow_converting_reader final : public arrow_reader {
public:
    arrow_converting_reader(const arrow_place& place, const arrow_place* batch, bool nullable, arrow_conversion<V> convert)
        : arrow_reader(place, batch, nullable), convert_(convert) {}
    slot_view read(std::size_t row, std::uint32_t count, scratch& memory, int number) const override {
        slot_view view;
        view.validity = validity(row, count, memory, number);
        V* const values = memory.values<V>(number);
        if (count) convert_(place(), row, count, view.validity, values);
        view.values = values;
        return view;
    }

private:
    arrow_conversion<V> convert_;
};

// The dictionary is converted once; rows look their values up in it.
template <class V>
class arrow_dictionary_reader final : public arrow_reader {
public:
    arrow_dictionary_reader(const arrow_place& place, const arrow_place* batch, const arrow_column& column)
        : arrow_reader(place, batch, column.nullable), nullable_(column.nullable), index_(column.from.kind) {
        const ArrowArray& dictionary = *place.array->dictionary;
        check_arrow_array(dictionary, column.from.item->kind, column.name);
        size_ = static_cast<std::size_t>(dictionary.length);
        values_.reset(new V[size_ + 1]());
        valid_.reset(new bool[size_ + 1]());
        all_valid_ = column.from.item->kind != arrow_kind::null || size_ == 0;
        if (column.from.item->kind == arrow_kind::null) return;
        arrow_place entries{&dictionary, static_cast<std::size_t>(dictionary.offset), 0, column.name};
        const arrow_conversion<V> convert = arrow_conversion_of<V>(column.from.item->kind);
        const auto* const entry_bits = dictionary.null_count == 0 ? nullptr : static_cast<const std::uint8_t*>(dictionary.buffers[0]);
        std::uint8_t bits[chunk_rows / 8];
        for (std::size_t first = 0; first < size_; first += chunk_rows) {
            const auto count = static_cast<std::uint32_t>(size_ - first < chunk_rows ? size_ - first : chunk_rows);
            std::memset(bits, 0xFF, sizeof bits);
            if (entry_bits) copy_bits(entry_bits, entries.offset + first, count, bits);
            if (convert) convert(entries, first, count, bits, values_.get() + first);
            else std::memcpy(static_cast<void*>(values_.get() + first), static_cast<const std::byte*>(entries.values()) + (entries.offset + first) * sizeof(V), count * sizeof(V));
            for (std::uint32_t i = 0; i < count; ++i) valid_[first + i] = is_valid_bit(bits, i);
            all_valid_ = all_valid_ && first_zero_bit(bits, count) == count;
        }
    }

    slot_view read(std::size_t row, std::uint32_t count, scratch& memory, int number) const override {
        switch (index_) {
            case arrow_kind::int8: return look_up<std::int8_t>(row, count, memory, number);
            case arrow_kind::uint8: return look_up<std::uint8_t>(row, count, memory, number);
            case arrow_kind::int16: return look_up<std::int16_t>(row, count, memory, number);
            case arrow_kind::uint16: return look_up<std::uint16_t>(row, count, memory, number);
            case arrow_kind::int32: return look_up<std::int32_t>(row, count, memory, number);
            case arrow_kind::uint32: return look_up<std::uint32_t>(row, count, memory, number);
            case arrow_kind::int64: return look_up<std::int64_t>(row, count, memory, number);
            default: return look_up<std::uint64_t>(row, count, memory, number);
        }
    }

private:
    template <class Index>
    slot_view look_up(std::size_t row, std::uint32_t count, scratch& memory, int number) const {
        slot_view view;
        view.validity = validity(row, count, memory, number);
        V* const values = memory.values<V>(number);
        view.values = values;
        const std::size_t begin = place().offset + row;
        for (std::uint32_t i = 0; i < count; ++i) {
            const Index index = load<Index>(place().values(), begin + i);
            const bool known = is_valid_bit(view.validity, i);
            if (static_cast<std::uint64_t>(index) >= size_) {    // a negative one is above all
                if (known)
                    place().fail(error_code::malformed_value, row + i, "the dictionary index " + std::to_string(index), "one below " + std::to_string(size_),
                                 "the array breaks the rules of the Arrow C data interface");
                values[i] = V{};
            } else {
                values[i] = values_[static_cast<std::size_t>(index)];
            }
        }
        if (!all_valid_) view.validity = with_null_entries<Index>(view.validity, row, count, memory, number);
        if constexpr (std::same_as<V, std::string_view> && std::same_as<Index, std::int32_t>) {
            const void* const codes = static_cast<const std::int32_t*>(place().values()) + begin;
            if (reinterpret_cast<std::uintptr_t>(codes) % alignof(std::int32_t) == 0) {
                view.codes = static_cast<const std::int32_t*>(codes);
                view.texts = values_.get();
                view.text_count = size_;
            }
        }
        return view;
    }
    // A null in the dictionary is a null in every row that refers to it.
    template <class Index>
    const std::uint8_t* with_null_entries(const std::uint8_t* valid, std::size_t row, std::uint32_t count, scratch& memory, int number) const {
        std::uint8_t bits[chunk_rows / 8] = {};
        for (std::uint32_t i = 0; i < count; ++i) {
            if (!is_valid_bit(valid, i)) continue;
            const bool known = valid_[static_cast<std::size_t>(load<Index>(place().values(), place().offset + row + i))];
            if (!known && !nullable_) place().fail_null(row + i);
            bits[i >> 3] = static_cast<std::uint8_t>(bits[i >> 3] | (unsigned{known} << (i & 7)));
        }
        std::uint8_t* const kept = memory.validity(number);
        std::memcpy(kept, bits, sizeof bits);
        return kept;
    }

    bool nullable_;
    arrow_kind index_;
    std::size_t size_ = 0;
    bool all_valid_ = true;
    std::unique_ptr<V[]> values_;
    std::unique_ptr<bool[]> valid_;
};

// A column of nothing but nulls.
class arrow_null_reader final : public column_reader {
public:
    explicit arrow_null_reader(std::size_t size) : size_(size) {}
    slot_view read(std::size_t, std::uint32_t count, scratch& memory, int number) const override {
        slot_view view;
        std::byte* const values = memory.values<std::byte>(number, size_);
        std::memset(values, 0, count * size_);
        std::uint8_t* const bits = memory.validity(number);
        std::memset(bits, 0, chunk_rows / 8);
        view.values = values;
        view.validity = bits;
        return view;
    }

private:
    std::size_t size_;
};

// A fixed-size list of floating-point numbers as a block, where it is.
class arrow_block_reader final : public arrow_reader {
public:
    arrow_block_reader(const arrow_place& place, const arrow_place* batch, std::size_t width, std::size_t size)
        : arrow_reader(place, batch, false), items_(*place.array->children[0]), width_(width), size_(size) {}
    slot_view read(std::size_t row, std::uint32_t count, scratch& memory, int number) const override {
        slot_view view;
        (void)validity(row, count, memory, number);
        const std::size_t first = static_cast<std::size_t>(items_.offset) + (place().offset + row) * width_;
        if (items_.null_count != 0 && items_.buffers[0] != nullptr)
            for (std::size_t i = 0; i < count * width_; ++i)
                if (!is_valid_bit(static_cast<const std::uint8_t*>(items_.buffers[0]), first + i)) place().fail_null(row + i / width_);
        view.width = width_;
        view.values = static_cast<const std::byte*>(items_.buffers[1]) + first * size_;
        if (reinterpret_cast<std::uintptr_t>(view.values) % size_ != 0) {
            std::byte* const aligned = memory.values<std::byte>(number, width_ * size_);
            std::memcpy(aligned, view.values, count * width_ * size_);
            view.values = aligned;
        }
        return view;
    }

private:
    const ArrowArray& items_;
    std::size_t width_, size_;
};

// A list of values of any kind: its items are converted once, into a column; each row then says where its own lie.
template <class Readers>
class arrow_list_reader final : public arrow_reader {
public:
    template <class Column>
    arrow_list_reader(const arrow_place& place, const arrow_place& batch, const Column& column)
        : arrow_reader(place, &batch, column.nullable), items_(item_of(column.type), false), wide_(column.from.kind == arrow_kind::list64) {
        if (place.array->n_children != 1) throw_malformed_array(column.name, "a list of " + std::to_string(place.array->n_children) + " children", "one");
        if (batch.array->length == 0) return;
        first_ = item_at(0);
        const std::size_t end = item_at(static_cast<std::size_t>(batch.array->length));
        const ArrowArray& items = *place.array->children[0];
        check_arrow_array(items, column.from.item->kind, column.name);
        if (end < first_ || static_cast<std::uint64_t>(items.length) < end)
            throw_malformed_array(column.name, "a list with " + std::to_string(items.length) + " items", "those that its offsets speak of");
        // Read as if they might be null: those of a row that is null count for nothing.
        const Column of_items{column.name, items_.type, true, 0, *column.from.item};
        const std::unique_ptr<column_reader> reader = Readers::of(of_items, {&items, static_cast<std::size_t>(items.offset), 0, column.name}, nullptr);
        scratch memory(1);
        chunk c;
        for (std::size_t at = first_; at < end; at += chunk_rows) {
            c.rows = c.selected = static_cast<std::uint32_t>(end - at < chunk_rows ? end - at : chunk_rows);
            const slot_view view = reader->read(at, c.rows, memory, 0);
            append_slot(items_, c, view);
            for (std::uint32_t i = 0; i < c.rows; ++i)
                if (!view.valid(i)) null_items_.push_back(at + i);
        }
    }
    slot_view read(std::size_t row, std::uint32_t count, scratch& memory, int number) const override {
        slot_view view;
        view.validity = validity(row, count, memory, number);
        auto* const lists = memory.values<list_place>(number);
        view.values = lists;
        const std::size_t bytes_each = size_of(items_.type);
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::size_t begin = item_at(row + i), end = item_at(row + i + 1);
            lists[i] = {};
            if (!is_valid_bit(view.validity, i)) continue;
            lists[i] = {items_.values.data() + (begin - first_) * bytes_each, items_.text_bytes(), end - begin};
            if (null_items_.empty()) continue;
            const auto null = std::lower_bound(null_items_.begin(), null_items_.end(), begin);
            if (null != null_items_.end() && *null < end)
                place().fail(error_code::unexpected_null, row + i, "a null in a list", "values: the items of a list are never null", "drop the nulls in lists before");
        }
        return view;
    }

private:
    std::size_t item_at(std::size_t row) const {
        const std::size_t at = place().offset + row;
        return wide_ ? static_cast<std::size_t>(load<std::int64_t>(place().values(), at)) : static_cast<std::size_t>(load<std::int32_t>(place().values(), at));
    }

    column_data items_;
    std::size_t first_ = 0;                    // of them, in the array
    std::vector<std::size_t> null_items_{};    // ascending
    bool wide_;
};

// The reader of one column of one record batch, whose rows begin at `batch.offset`. A template so that it is compiled
// only where Arrow is read.
template <class Column>
struct arrow_readers {
    static std::unique_ptr<column_reader> make(const Column& column, const arrow_place& batch) {
        const ArrowArray& array = *batch.array->children[column.child];
        check_arrow_array(array, column.from.kind, column.name);
        if (static_cast<std::uint64_t>(array.length) < batch.offset + static_cast<std::uint64_t>(batch.array->length))
            throw_malformed_array(column.name, "a column of " + std::to_string(array.length) + " rows", "at least the batch's " + std::to_string(batch.array->length));
        const arrow_place place{&array, static_cast<std::size_t>(array.offset) + batch.offset, batch.first_row, column.name};
        if (is_list_type(column.type) && column.from.kind != arrow_kind::null) return std::make_unique<arrow_list_reader<arrow_readers>>(place, batch, column);
        return of(column, place, &batch);
    }
    // `batch`: whose null rows are null in every column, if any.
    static std::unique_ptr<column_reader> of(const Column& column, const arrow_place& place, const arrow_place* batch) {
        if (is_list_type(column.type)) return std::make_unique<arrow_null_reader>(sizeof(list_place));
        switch (column.type) {
            case type_id::boolean: return of_values<bool>(column, place, batch);
            case type_id::int32: return of_values<std::int32_t>(column, place, batch);
            case type_id::int64: return of_values<std::int64_t>(column, place, batch);
            case type_id::float32: return of_values<float>(column, place, batch);
            case type_id::float64: return of_values<double>(column, place, batch);
            case type_id::text: return of_values<std::string_view>(column, place, batch);
            case type_id::date: return of_values<date>(column, place, batch);
            case type_id::timestamp: return of_values<timestamp>(column, place, batch);
            case type_id::duration: return of_values<duration>(column, place, batch);
            case type_id::block32: return of_blocks(column, place, batch, sizeof(float));
            case type_id::block64: return of_blocks(column, place, batch, sizeof(double));
            case type_id::category: break;    // a text here
        }
        return nullptr;
    }

private:
    template <class V>
    static std::unique_ptr<column_reader> of_values(const Column& column, const arrow_place& place, const arrow_place* batch) {
        if (column.from.dictionary) {
            if (place.array->dictionary == nullptr) throw_malformed_array(column.name, "an array without its dictionary", "one, as the schema says");
            return std::make_unique<arrow_dictionary_reader<V>>(place, batch, column);
        }
        if (column.from.kind == arrow_kind::null) return std::make_unique<arrow_null_reader>(sizeof(V));
        if (const arrow_conversion<V> convert = arrow_conversion_of<V>(column.from.kind))
            return std::make_unique<arrow_converting_reader<V>>(place, batch, column.nullable, convert);
        return std::make_unique<arrow_plain_reader>(place, batch, column.nullable, sizeof(V));
    }
    static std::unique_ptr<column_reader> of_blocks(const Column& column, const arrow_place& place, const arrow_place* batch, std::size_t size) {
        if (place.array->n_children != 1) throw_malformed_array(column.name, "a list of " + std::to_string(place.array->n_children) + " children", "one");
        const ArrowArray& items = *place.array->children[0];
        check_arrow_array(items, column.from.item->kind, column.name);
        if (static_cast<std::uint64_t>(items.length) < static_cast<std::uint64_t>(place.array->offset + place.array->length) * column.from.width)
            throw_malformed_array(column.name, "a list with " + std::to_string(items.length) + " items", "the width times its rows");
        return std::make_unique<arrow_block_reader>(place, batch, column.from.width, size);
    }
};

}  // namespace SEGKIT_NAMESPACE::detail
