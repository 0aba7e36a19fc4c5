// segkit/table/column.hpp: how a column is stored, and the typed views on it.
//
// The layout is Arrow's: values one after the other, a validity bitmap (least significant bit first), text as 64-bit offsets and
// bytes, a category as 32-bit codes and a dictionary, a list as offsets into a column of its items. Two deliberate differences: a
// bool is one byte, and a non-nullable column has no bitmap.
// Copies share their memory until one of them is changed; a text column may also refer to the bytes of another.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/table/dictionary.hpp>
#include <segkit/table/types.hpp>

namespace SEGKIT_NAMESPACE {

// Growing bytes that are not initialised before they are written (std::vector would write them twice). A copy shares them; who
// then asks for bytes to write to is given its own.
class buffer {
public:
    buffer() = default;
    buffer(const buffer& other) = default;
    buffer(buffer&& other) noexcept
        : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)), capacity_(std::exchange(other.capacity_, 0)) {}
    buffer& operator=(buffer other) noexcept {
        data_.swap(other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }

    std::size_t size() const { return size_; }
    std::byte* data() {
        if (is_shared()) move_to(size_);
        return data_.get();
    }
    const std::byte* data() const { return data_.get(); }

    void reserve(std::size_t bytes) {
        if (bytes > capacity_) move_to(bytes > 2 * capacity_ ? bytes : 2 * capacity_);
        else if (is_shared()) move_to(bytes);
    }
    // Bytes of memory that comes from elsewhere, in the place of what was there; not initialised.
    void take_over(detail::owned_memory<std::byte> memory, std::size_t bytes) {
        std::shared_ptr<std::byte[]> own = std::move(memory);
        data_ = std::move(own);
        size_ = capacity_ = bytes;
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
    // The bytes may be some of its own.
    void append(const void* from, std::size_t bytes) {
        if (bytes == 0) return;
        const std::shared_ptr<std::byte[]> before = memory_left_by(bytes);
        std::memcpy(grow(bytes), from, bytes);
    }
    template <class T>
    void push(const T& value) {
        std::memcpy(grow(sizeof(T)), &value, sizeof(T));
    }
    // The memory that growing by so many bytes will let go of, for who has yet to read it.
    std::shared_ptr<std::byte[]> memory_left_by(std::size_t bytes) const { return size_ + bytes > capacity_ ? data_ : nullptr; }

private:
    bool is_shared() const {
        if (data_.use_count() > 1) return true;
        std::atomic_thread_fence(std::memory_order_acquire);    // whoever shared them until now has read them
        return false;
    }
    void move_to(std::size_t capacity) {
        std::shared_ptr<std::byte[]> own = detail::take_memory<std::byte>(capacity > size_ ? capacity : size_);
        if (size_) std::memcpy(own.get(), data_.get(), size_);
        data_ = std::move(own);
        capacity_ = capacity > size_ ? capacity : size_;
    }

    std::shared_ptr<std::byte[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

namespace detail {
inline bool bit_at(const std::uint8_t* bits, std::size_t i) { return (bits[i >> 3] >> (i & 7)) & 1; }

// Where a text lies among the bytes of a column, for columns that refer to them: its first byte and its size.
class text_place {
public:
    static constexpr std::size_t most_bytes = (std::size_t{1} << 24) - 1;    // of one text
    static constexpr std::size_t most_all = std::size_t{1} << 40;            // of a column

    static std::uint64_t of(std::size_t begin, std::size_t size) { return std::uint64_t{begin} << 24 | size; }
    static std::string_view text(const char* bytes, std::uint64_t place) { return {bytes + (place >> 24), place & most_bytes}; }
};
}  // namespace detail

// One stored column of any type. `append_*` keep values, validity and offsets in step.
struct column_data {
    type_id type = type_id::int64;
    bool nullable = false;
    std::size_t rows = 0;
    std::size_t width = 1;    // elements per row: 1, but for a block
    bool refers = false;      // a text whose bytes are those of another column, or of more rows, in any order
    buffer values;            // rows * width values; of text and lists rows + 1 offsets, or where it refers `rows` places (detail::text_place)
    buffer bytes;             // of text
    buffer validity;          // only where nullable
    std::shared_ptr<category_dictionary> dictionary{};    // of a category: shared by copies, none before the first text
    std::vector<column_data> items{};                     // of a list: one column, of all its values

    column_data() = default;
    column_data(type_id t, bool has_nulls) : type(t), nullable(has_nulls) {
        if (has_offsets()) values.push(std::int64_t{0});
        if (is_list_type(type)) items.emplace_back(item_of(type), false);
    }
    bool has_offsets() const { return type == type_id::text || is_list_type(type); }

    // The different texts of a category. (Templates only so that who has no categories does not compile dictionaries.)
    template <class Dictionary = category_dictionary>
    const Dictionary& texts() const {
        return dictionary ? *dictionary : Dictionary::empty();
    }
    // The same to add to: a copy, where others share it.
    template <class Dictionary = category_dictionary>
    Dictionary& own_dictionary() {
        if (!dictionary) dictionary = std::make_shared<Dictionary>();
        else if (dictionary.use_count() > 1) dictionary = std::make_shared<Dictionary>(*dictionary);
        else std::atomic_thread_fence(std::memory_order_acquire);    // whoever shared it until now has read it
        return *dictionary;
    }

    const std::uint8_t* validity_bits() const { return reinterpret_cast<const std::uint8_t*>(validity.data()); }

    // Appends one value; V is the stored value type, std::string_view for text.
    template <class V>
    void append_value(const V& value) {
        if constexpr (std::is_same_v<V, std::string_view>) {
            const buffer before = refers ? bytes : buffer();    // the text may be one of these
            own_text();
            if (type == type_id::category) values.push(own_dictionary().code_of(value));
            else push_text(value);
        } else {
            values.push(value);
        }
        append_valid(true);
    }
    void append_null() {
        if (refers) own_text();
        if (type == type_id::text) values.push(static_cast<std::int64_t>(bytes.size()));
        else if (is_list_type(type)) push_list({});
        else std::memset(values.grow(size_of(type)), 0, size_of(type));
        append_valid(false);
    }
    template <class T>
    void append_block(const T* row, std::size_t row_width) {
        width = row_width;
        values.append(row, row_width * sizeof(T));
        append_valid(true);
    }
    void append_list(const detail::list_place& list) {
        push_list(list);
        append_valid(true);
    }
    template <class V>
    void append_list(const V* list, std::size_t count) {
        if constexpr (std::is_same_v<V, std::string_view>) {
            for (std::size_t i = 0; i < count; ++i) items.front().append_value(list[i]);
            append_list({});
        } else {
            append_list({list, nullptr, count});
        }
    }
    // The same without its validity, for who sets that of many rows at once.
    void push_list(const detail::list_place& list) {
        items.front().append_items(list);
        values.push(static_cast<std::int64_t>(items.front().rows));
    }
    // The items of a row; none of a null.
    detail::list_place list_at(std::size_t row) const {
        const auto* ends = reinterpret_cast<const std::int64_t*>(values.data());
        const column_data& all = items.front();
        const auto first = static_cast<std::size_t>(ends[row]);
        const std::size_t bytes_each = all.type == type_id::text ? sizeof(std::int64_t) : size_of(all.type);
        return {all.values.data() + first * bytes_each, all.text_bytes(), static_cast<std::size_t>(ends[row + 1]) - first};
    }
    // Appends all rows of another column of the same type.
    template <std::same_as<column_data> Column>
    void append_column(const Column& other) {
        if (refers) own_text();
        if (other.refers) {
            for (std::size_t i = 0; i < other.rows; ++i) push_text(detail::text_place::text(other.text_bytes(), other.places()[i]));
        } else if (has_offsets()) {
            const std::int64_t base = static_cast<std::int64_t>(items.empty() ? bytes.size() : items.front().rows);
            if (items.empty()) bytes.append(other.bytes.data(), other.bytes.size());
            else items.front().append_column(other.items.front());
            const auto* offsets = reinterpret_cast<const std::int64_t*>(other.values.data());
            auto* out = values.grow(other.rows * sizeof(std::int64_t));
            for (std::size_t i = 0; i < other.rows; ++i) {
                const std::int64_t end = base + offsets[i + 1];
                std::memcpy(out + i * sizeof end, &end, sizeof end);
            }
        } else if (type == type_id::category) {
            append_codes(other);
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

    // Appends the codes of another category column, as those of its own dictionary.
    template <std::same_as<column_data> Column>
    void append_codes(const Column& other) {
        const std::size_t first = values.size();
        values.append(other.values.data(), other.values.size());
        if (!dictionary) dictionary = other.dictionary;
        if (!other.dictionary || other.dictionary == dictionary) return;
        translate_codes(own_dictionary().add(*other.dictionary), first, other);
    }

    // Puts other codes in the place of those from a byte of `values` on, which are `other`'s. That of a null stays 0.
    void translate_codes(const std::vector<std::int32_t>& code, std::size_t first, const column_data& other) {
        auto* const codes = reinterpret_cast<std::int32_t*>(values.data() + first);
        for (std::size_t i = 0; i < other.rows; ++i)
            if (!other.nullable || detail::bit_at(other.validity_bits(), i)) codes[i] = code[static_cast<std::size_t>(codes[i])];
    }

    // Of text: its bytes, and where it refers, the place of each row.
    const char* text_bytes() const { return reinterpret_cast<const char*>(bytes.data()); }
    const std::uint64_t* places() const { return reinterpret_cast<const std::uint64_t*>(values.data()); }

    // Text with offsets and bytes of its own, row after row, where it refers to others.
    void own_text() {
        if (!refers) return;
        column_data own(type, false);
        own.values.reserve((rows + 1) * sizeof(std::int64_t));
        for (std::size_t i = 0; i < rows; ++i) own.push_text(detail::text_place::text(text_bytes(), places()[i]));
        values = std::move(own.values);
        bytes = std::move(own.bytes);
        refers = false;
    }

private:
    // Appends the values of one list, which may be one of these, to those of all.
    void append_items(const detail::list_place& list) {
        if (list.count == 0) return;
        if (type == type_id::text) {
            const std::shared_ptr<std::byte[]> before = values.memory_left_by(list.count * sizeof(std::int64_t));
            const auto* const ends = static_cast<const std::int64_t*>(list.items);
            auto* const to = reinterpret_cast<std::int64_t*>(values.grow(list.count * sizeof *ends));
            const auto moved = static_cast<std::int64_t>(bytes.size()) - ends[0];
            for (std::size_t i = 0; i < list.count; ++i) to[i] = ends[i + 1] + moved;
            bytes.append(list.bytes + ends[0], static_cast<std::size_t>(ends[list.count] - ends[0]));
        } else {
            values.append(list.items, list.count * size_of(type));
        }
        rows += list.count;
    }
    void push_text(std::string_view text) {
        bytes.append(text.data(), text.size());
        values.push(static_cast<std::int64_t>(bytes.size()));
    }
    void append_valid(bool valid) {
        if (nullable) {
            if (rows % 8 == 0) validity.push(std::uint8_t{0});
            if (valid) validity.data()[rows / 8] |= static_cast<std::byte>(1u << (rows % 8));
        }
        ++rows;
    }
};

namespace detail {
// The texts of a column, however they are stored; what stands in a row that is null has no characters.
class text_values {
public:
    explicit text_values(const column_data& column) : values_(column.places()), bytes_(column.text_bytes()), refers_(column.refers) {}

    std::string_view operator[](std::size_t row) const {
        const std::uint64_t here = values_[row];
        if (refers_) return text_place::text(bytes_, here);
        return {bytes_ + here, static_cast<std::size_t>(values_[row + 1] - here)};
    }
    // Fetches ahead what says where a text lies.
    void prefetch(std::size_t row) const { __builtin_prefetch(values_ + row); }

private:
    const std::uint64_t* values_;    // places, or offsets
    const char* bytes_;
    bool refers_;
};
}  // namespace detail

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
            return detail::text_values(*column_)[row];
        } else if constexpr (std::is_same_v<non_null_t<T>, category>) {
            return column_->texts()[static_cast<std::size_t>(codes()[row])];
        } else if constexpr (is_block<T>) {
            using E = typename detail::block_traits<T>::element;
            return block_value<E>{reinterpret_cast<const E*>(column_->values.data()) + row * column_->width, column_->width};
        } else if constexpr (is_list<T>) {
            return typename detail::value_of<non_null_t<T>>::type{column_->list_at(row)};
        } else {
            return reinterpret_cast<const non_null_t<T>*>(column_->values.data())[row];
        }
    }

    // Values one after the other; for a nullable column the value of a null row is zero.
    const non_null_t<T>* data() const
        requires(!is_text<non_null_t<T>> && !is_nested<T>)
    {
        return reinterpret_cast<const non_null_t<T>*>(column_->values.data());
    }
    // Of a category: for each row which of the texts of `dictionary()` it has. What stands in a null row means nothing.
    const std::int32_t* codes() const
        requires std::is_same_v<non_null_t<T>, category>
    {
        return reinterpret_cast<const std::int32_t*>(column_->values.data());
    }
    // The different texts, in the order in which they came.
    const category_dictionary& dictionary() const
        requires std::is_same_v<non_null_t<T>, category>
    {
        return column_->texts();
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
