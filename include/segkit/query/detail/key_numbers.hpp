// segkit/query/detail/key_numbers.hpp: the different keys of a group-by, numbered in the order in which they come.
//
// For few groups: the rows of a block get the numbers of their keys in one loop, by a small open-addressing table. A key of one word is
// compared as it is; a single text of up to sixteen bytes by its bytes in two words, without a look at its characters elsewhere; other
// keys in the form of group_layout.hpp. Long texts are kept.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/arena.hpp>
#include <segkit/query/detail/group_layout.hpp>
#include <segkit/query/detail/hash.hpp>
#include <segkit/query/detail/number_table.hpp>

namespace SEGKIT_NAMESPACE::detail {

template <class = void>
class key_numbers_of {
public:
    explicit key_numbers_of(const group_layout& layout) : layout_(&layout), table_(512, 4) {}

    std::uint32_t size() const { return static_cast<std::uint32_t>(first_rows_.size()); }
    const std::byte* key(std::uint32_t number) const { return keys_.data() + std::size_t{number} * layout_->key_bytes; }
    std::uint64_t hash(std::uint32_t number) const { return hashes_[number]; }
    std::uint32_t first_row(std::uint32_t number) const { return first_rows_[number]; }

    // The numbers of the keys of selected rows [first, first + n) of a chunk, whose first is row `row`.
    void number(const chunk& c, std::uint32_t first, std::uint32_t n, std::uint32_t row, std::uint32_t* numbers) {
        if (layout_->keys.empty()) {
            if (size() == 0) add(nullptr, 0, row);
            std::fill_n(numbers, n, 0);
        } else if (layout_->one_word_key) {
            number_words(c, first, n, row, numbers);
        } else if (layout_->one_text_key) {
            const slot_view& view = c.slots[static_cast<std::size_t>(layout_->keys[0].slot)];
            if (view.codes && view.text_count < block_rows) number_codes(c, first, n, row, numbers);
            else number_texts(c, first, n, row, numbers);
        } else {
            number_keys(c, first, n, row, numbers);
        }
    }
    // The same where the key is that of a row held in memory, whose number a slot gives (row_keys.hpp).
    template <class RowKeys>
    void number_rows(const RowKeys& held, const chunk& c, std::uint32_t first, std::uint32_t n, std::uint32_t row, std::uint32_t* numbers) {
        const auto* given = c.slots[static_cast<std::size_t>(held.row_slot())].template as<std::uint32_t>();
        after_of_code_.resize(held.keys().size(), 0);
        std::uint32_t* after_of = after_of_code_.data();
        const auto number_by = [&](auto number_there) {
            each_row(c, first, n, [&, after_of, numbers](std::uint32_t k, std::uint32_t r) {
                const std::uint32_t there = number_there(r);
                if (after_of[there] == 0) [[unlikely]] after_of[there] = find_or_add(held.keys().key(there), held.keys().hash(there), row + k) + 1;
                numbers[k] = after_of[there] - 1;
            });
        };
        if (held.slot_has_numbers()) number_by([given](std::uint32_t r) { return given[r] - 1; });
        else number_by([given, number_of = held.numbers()](std::uint32_t r) { return std::uint32_t{number_of[given[r]]}; });
    }
    // The number of a key that stands elsewhere.
    std::uint32_t find_or_add(const std::byte* key_at, std::uint64_t hash, std::uint32_t row) {
        if (layout_->keys.empty()) return size() == 0 ? add(nullptr, 0, row) : 0;
        if (layout_->one_text_key) {
            const record_key& k = layout_->keys[0];
            return find_text(text_key::at(key_at + k.offset), layout_->is_null(key_at, k), row);
        }
        return find(hash, [&](std::uint32_t number) { return layout_->template same_key<key_form::any>(key(number), key_at); },
                    [&] { return add(key_at, hash, row); });
    }

private:
    struct short_text {
        text_words words;
        std::uint64_t size;
    };
    static constexpr std::size_t most_in_words = 16;
    static constexpr std::uint64_t null_size = ~std::uint64_t{0};

    template <class Same, class Add>
    std::uint32_t find(std::uint64_t hash, Same same, Add add) {
        return table_.find_or_add(static_cast<std::uint32_t>(hash), same, add);
    }
    std::uint32_t add(const std::byte* key_at, std::uint64_t hash, std::uint32_t row) {
        const std::size_t before = keys_.size();
        keys_.resize(before + layout_->key_bytes);
        if (key_at) layout_->keep_key(keys_.data() + before, key_at, texts_);
        hashes_.push_back(hash);
        first_rows_.push_back(row);
        return size() - 1;
    }

    void number_words(const chunk& c, std::uint32_t first, std::uint32_t n, std::uint32_t row, std::uint32_t* numbers) {
        std::array<std::uint64_t, block_rows> words;
        group_parts<>::reader(*layout_).write_keys(c, first, n, nullptr, [&](std::uint32_t k) { return reinterpret_cast<std::byte*>(&words[k]); });
        for (std::uint32_t k = 0; k < n; ++k) {
            const std::uint64_t word = words[k], hash = hash_value(word);
            numbers[k] = find(hash, [&](std::uint32_t number) { return load<std::uint64_t>(key(number)) == word; },
                              [&] { return add(reinterpret_cast<const std::byte*>(&words[k]), hash, row + k); });
        }
    }
    void number_texts(const chunk& c, std::uint32_t first, std::uint32_t n, std::uint32_t row, std::uint32_t* numbers) {
        const slot_view& view = c.slots[static_cast<std::size_t>(layout_->keys[0].slot)];
        const auto* texts = view.as<std::string_view>();
        const bool nullable = layout_->keys[0].nullable;
        // What does not change from row to row is held at hand, and the loop is one piece: half the instructions of a call for each row.
        const std::uint32_t* places = nullptr;
        const short_text* shorts = nullptr;
        std::uint32_t last = 0;
        const auto look_again = [&] {
            places = table_.places();
            last = table_.last();
            shorts = shorts_.data();
        };
        look_again();
        each_row(c, first, n, [&](std::uint32_t k, std::uint32_t r) __attribute__((always_inline)) {
            const std::string_view text = texts[r];
            const bool is_null = nullable && !view.valid(r);
            if (text.size() <= most_in_words && !is_null) [[likely]] {
                const short_text given{words_of(text.data(), text.size()), text.size()};
                const auto hash = static_cast<std::uint32_t>(hash_words(given.words, hash_of_size(given.size)));
                const std::uint32_t place = places[hash & last];
                numbers[k] = table_.number_in(place, last);
                if (place != 0 && same(shorts[numbers[k]], given)) [[likely]] return;
            }
            numbers[k] = find_text(is_null ? std::string_view() : text, is_null, row + k);
            look_again();
        });
    }
    // Texts of a small dictionary are looked up once for each of its codes in a chunk; the next may have another dictionary.
    void number_codes(const chunk& c, std::uint32_t first, std::uint32_t n, std::uint32_t row, std::uint32_t* numbers) {
        const slot_view& view = c.slots[static_cast<std::size_t>(layout_->keys[0].slot)];
        const bool nullable = layout_->keys[0].nullable;
        if (first == 0) after_of_code_.assign(view.text_count + 1, 0);
        each_row(c, first, n, [&](std::uint32_t k, std::uint32_t r) {
            const bool is_null = nullable && !view.valid(r);
            std::uint32_t& after = after_of_code_[is_null ? view.text_count : static_cast<std::size_t>(view.codes[r])];
            if (after == 0) [[unlikely]] after = find_text(is_null ? std::string_view() : view.texts[view.codes[r]], is_null, row + k) + 1;
            numbers[k] = after - 1;
        });
    }
    static bool same(const short_text& a, const short_text& b) {
        return ((a.words.first ^ b.words.first) | (a.words.last ^ b.words.last) | (a.size ^ b.size)) == 0;
    }
    [[gnu::noinline]] std::uint32_t find_text(std::string_view text, bool is_null, std::uint32_t row) {
        const std::size_t size = text.size();
        if (size > most_in_words) {
            const std::uint64_t hash = hash_bytes(text);
            return find(hash, [&](std::uint32_t number) { return shorts_[number].size == size && text_key::at(key(number) + layout_->keys[0].offset) == text; },
                        [&] { return add_text(text, {{}, size}, hash, row); });
        }
        const short_text given{words_of(text.data(), size), is_null ? null_size : size};
        const std::uint64_t hash = is_null ? 0 : hash_words(given.words, hash_of_size(size));
        return find(hash,
                    [&](std::uint32_t number) { return same(shorts_[number], given); }, [&] { return add_text(text, given, hash, row); });
    }
    std::uint32_t add_text(std::string_view text, const short_text& known, std::uint64_t hash, std::uint32_t row) {
        std::vector<std::byte> made(layout_->key_bytes);
        const record_key& k = layout_->keys[0];
        text_key::write(made.data() + k.offset, text);
        if (known.size == null_size) made[layout_->null_bits] = std::byte{1};
        shorts_.push_back(known);
        return add(made.data(), hash, row);
    }
    void number_keys(const chunk& c, std::uint32_t first, std::uint32_t n, std::uint32_t row, std::uint32_t* numbers) {
        std::array<std::uint64_t, block_rows> hashes;
        buffer_.resize(std::size_t{block_rows} * layout_->key_bytes);
        const auto at = [&](std::uint32_t k) { return buffer_.data() + std::size_t{k} * layout_->key_bytes; };
        const group_parts<>::reader reader(*layout_);
        reader.hash_keys(c, first, n, hashes.data());
        reader.write_keys(c, first, n, nullptr, at);
        for (std::uint32_t k = 0; k < n; ++k) numbers[k] = find_or_add(at(k), hashes[k], row + k);
    }

    const group_layout* layout_;
    number_table table_;
    std::vector<std::byte> keys_, buffer_;
    std::vector<std::uint64_t> hashes_;
    std::vector<std::uint32_t> first_rows_;
    std::vector<short_text> shorts_;
    std::vector<std::uint32_t> after_of_code_;    // its number + 1, or 0; null comes last. The same of the numbers of rows held
    arena texts_;
};
using key_numbers = key_numbers_of<>;

}  // namespace SEGKIT_NAMESPACE::detail
