// segkit/table/column.hpp: how a column is stored, and the typed views on it.
//
// The layout is Arrow's: values one after the other, a validity bitmap (least significant bit first), text as
// 64-bit offsets and bytes. Two deliberate differences: a bool is one byte, and a non-nullable column has no bitmap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE {

// Growing bytes that are not initialised before they are written (std::vector would write them twice).
class buffer {
public:
    buffer() = default;
    buffer(const buffer& other) { append(other.data_.get(), other.size_); }
    buffer(buffer&& other) noexcept
        : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)), capacity_(std::exchange(other.capacity_, 0)) {}
    buffer& operator=(buffer other) noexcept {
        data_.swap(other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }

    std::size_t size() const { return size_; }
    std::byte* data() { return data_.get(); }
    const std::byte* data() const { return data_.get(); }

    void reserve(std::size_t bytes) {
        if (bytes <= capacity_) return;
        const std::size_t capacity = bytes > 2 * capacity_ ? bytes : 2 * capacity_;
        detail::owned_memory<std::byte> larger = detail::take_memory<std::byte>(capacity);
        if (size_) std::memcpy(larger.get(), data_.get(), size_);
        data_ = std::move(larger);
        capacity_ = capacity;
    }
    // Forgets the content, or all beyond the first bytes; the memory stays.
    void cut(std::size_t bytes = 0) { size_ = bytes < size_ ? bytes : size_; }
    // Makes room for `bytes` more and returns where they begin; their content is not initialised.
    std::byte* grow(std::size_t bytes) {
        reserve(size_ + bytes);
        std::byte* at = data_.get() + size_;
        size_ += bytes;
        return at;
    }
    void append(const void* from, std::size_t bytes) {
        if (bytes) std::memcpy(grow(bytes), from, bytes);
    }
    template <class T>
    void push(const T& value) {
        std::memcpy(grow(sizeof(T)), &value, sizeof(T));
    }

private:
    detail::owned_memory<std::byte> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

namespace detail {
inline bool bit_at(const std::uint8_t* bits, std::size_t i) { return (bits[i >> 3] >> (i & 7)) & 1; }
}

// One stored column of any type. `append_*` keep values, validity and offsets in step.
struct column_data {
    type_id type = type_id::int64;
    bool nullable = false;
    std::size_t rows = 0;
    std::size_t width = 1;    // elements per row: 1, but for a block
    buffer values;            // rows * width values, or rows + 1 offsets of text
    buffer bytes;             // of text
    buffer validity;          // only where nullable

    column_data() = default;
    column_data(type_id t, bool has_nulls) : type(t), nullable(has_nulls) {
        if (type == type_id::text) values.push(std::int64_t{0});
    }

    const std::uint8_t* validity_bits() const { return reinterpret_cast<const std::uint8_t*>(validity.data()); }

    // Appends one value; V is the stored value type, std::string_view for text.
    template <class V>
    void append_value(const V& value) {
        if constexpr (std::is_same_v<V, std::string_view>) {
            bytes.append(value.data(), value.size());
            values.push(static_cast<std::int64_t>(bytes.size()));
        } else {
            values.push(value);
        }
        append_valid(true);
    }
    void append_null() {
        if (type == type_id::text) values.push(static_cast<std::int64_t>(bytes.size()));
        else std::memset(values.grow(size_of(type)), 0, size_of(type));
        append_valid(false);
    }
    template <class T>
    void append_block(const T* row, std::size_t row_width) {
        width = row_width;
        values.append(row, row_width * sizeof(T));
        append_valid(true);
    }
    // Appends all rows of another column of the same type.
    void append_column(const column_data& other) {
        if (type == type_id::text) {
            const std::int64_t base = static_cast<std::int64_t>(bytes.size());
            bytes.append(other.bytes.data(), other.bytes.size());
            const auto* offsets = reinterpret_cast<const std::int64_t*>(other.values.data());
            auto* out = values.grow(other.rows * sizeof(std::int64_t));
            for (std::size_t i = 0; i < other.rows; ++i) {
                const std::int64_t end = base + offsets[i + 1];
                std::memcpy(out + i * sizeof end, &end, sizeof end);
            }
        } else {
            if (other.rows) width = other.width;
            values.append(other.values.data(), other.values.size());
        }
        if (!nullable) {
            rows += other.rows;
        } else if (rows % 8 == 0) {
            validity.append(other.validity.data(), (other.rows + 7) / 8);
            rows += other.rows;
        } else {
            for (std::size_t i = 0; i < other.rows; ++i) append_valid(detail::bit_at(other.validity_bits(), i));
        }
    }

private:
    void append_valid(bool valid) {
        if (nullable) {
            if (rows % 8 == 0) validity.push(std::uint8_t{0});
            if (valid) validity.data()[rows / 8] |= static_cast<std::byte>(1u << (rows % 8));
        }
        ++rows;
    }
};

// A typed, borrowed view on a stored column: `view[i]` is a value, or an optional value where the column is nullable.
template <class T>
class column_view {
public:
    using column_type = T;
    using value_type = value_t<T>;

    explicit column_view(const column_data& column) : column_(&column) {}

    std::size_t size() const { return column_->rows; }
    bool empty() const { return size() == 0; }

    value_type operator[](std::size_t row) const {
        if constexpr (is_nullable<T>) {
            if (!detail::bit_at(column_->validity_bits(), row)) return std::nullopt;
        }
        if constexpr (std::is_same_v<non_null_t<T>, text>) {
            const auto* offsets = reinterpret_cast<const std::int64_t*>(column_->values.data());
            return std::string_view(reinterpret_cast<const char*>(column_->bytes.data()) + offsets[row],
                                    static_cast<std::size_t>(offsets[row + 1] - offsets[row]));
        } else if constexpr (is_block<T>) {
            using E = typename detail::block_traits<T>::element;
            return block_value<E>{reinterpret_cast<const E*>(column_->values.data()) + row * column_->width, column_->width};
        } else {
            return reinterpret_cast<const non_null_t<T>*>(column_->values.data())[row];
        }
    }

    // Values one after the other; for a nullable column the value of a null row is zero.
    const non_null_t<T>* data() const
        requires(!std::is_same_v<non_null_t<T>, text> && !is_block<T>)
    {
        return reinterpret_cast<const non_null_t<T>*>(column_->values.data());
    }
    // The values of all rows, whatever a null row holds.
    column_view<non_null_t<T>> without_nulls() const
        requires is_nullable<T>
    {
        return column_view<non_null_t<T>>(*column_);
    }
    // Validity bitmap, least significant bit first.
    const std::uint8_t* validity() const
        requires is_nullable<T>
    {
        return column_->validity_bits();
    }

    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = value_t<T>;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = value_type;

        iterator() = default;
        iterator(const column_data* column, std::size_t row) : column_(column), row_(row) {}
        value_type operator*() const { return column_view(*column_)[row_]; }
        iterator& operator++() {
            ++row_;
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++row_;
            return before;
        }
        friend bool operator==(const iterator& a, const iterator& b) { return a.row_ == b.row_; }

    private:
        const column_data* column_ = nullptr;
        std::size_t row_ = 0;
    };
    iterator begin() const { return {column_, 0}; }
    iterator end() const { return {column_, column_->rows}; }

private:
    const column_data* column_;
};

}  // namespace SEGKIT_NAMESPACE
