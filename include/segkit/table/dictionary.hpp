// segkit/table/dictionary.hpp: the different texts of a category column, each once.
//
// Texts are numbered 0, 1, 2, ... in the order in which they were added. They lie as Arrow's do, offsets and bytes; a table of
// hashes finds them again: 8 bytes a text, 16 to 32 for the table. Looking one up costs a hash and a comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/hash_bytes.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE {

// A template only so that who includes this header and has no categories does not compile it.
template <class Offset>
class basic_category_dictionary {
public:
    static constexpr std::int32_t none = -1;

    std::size_t size() const { return offsets_.size() - 1; }
    // The text of a code; of codes that are none, the empty text.
    std::string_view operator[](std::size_t code) const {
        if (code >= size()) return {};
        return std::string_view(bytes_).substr(static_cast<std::size_t>(offsets_[code]), static_cast<std::size_t>(offsets_[code + 1] - offsets_[code]));
    }
    // The code of a text, or `none`.
    std::int32_t find(std::string_view text) const {
        const std::uint64_t hash = detail::hash_bytes(text);
        return places_.empty() ? none : static_cast<std::int32_t>(static_cast<std::uint32_t>(places_[place_of(text, hash)])) - 1;
    }
    // The same of a text that is added where it is new.
    std::int32_t code_of(std::string_view text) {
        const std::uint64_t hash = detail::hash_bytes(text);
        if (2 * size() >= places_.size()) grow();
        const std::size_t at = place_of(text, hash);
        if (places_[at] != 0) return static_cast<std::int32_t>(static_cast<std::uint32_t>(places_[at])) - 1;
        if (size() == static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) throw_full();
        bytes_ += text;
        offsets_.push_back(static_cast<Offset>(bytes_.size()));
        places_[at] = entry(hash, size());
        return static_cast<std::int32_t>(size()) - 1;
    }
    // Adds the texts of another one; the code here of each of them.
    std::vector<std::int32_t> add(const basic_category_dictionary& other) {
        std::vector<std::int32_t> codes;
        codes.reserve(other.size());
        for (std::size_t i = 0; i < other.size(); ++i) codes.push_back(code_of(other[i]));
        return codes;
    }

    // As Arrow has them: size() + 1 offsets into the bytes.
    const Offset* offsets() const { return offsets_.data(); }
    std::string_view bytes() const { return bytes_; }

    static const basic_category_dictionary& empty() {
        static const basic_category_dictionary nothing;
        return nothing;
    }

private:
    // The upper half of the hash, and the code + 1 below; 0 where free.
    static std::uint64_t entry(std::uint64_t hash, std::size_t number) { return (hash >> 32 << 32) | number; }
    std::size_t place_of(std::string_view text, std::uint64_t hash) const {
        std::size_t at = hash & (places_.size() - 1);
        for (; places_[at] != 0; at = (at + 1) & (places_.size() - 1))
            if (places_[at] >> 32 == hash >> 32 && (*this)[static_cast<std::uint32_t>(places_[at]) - 1] == text) break;
        return at;
    }
    void grow() {
        places_.assign(places_.empty() ? 32 : 2 * places_.size(), 0);
        for (std::size_t i = 0; i < size(); ++i) {
            const std::uint64_t hash = detail::hash_bytes((*this)[i]);
            std::size_t at = hash & (places_.size() - 1);
            while (places_[at] != 0) at = (at + 1) & (places_.size() - 1);
            places_[at] = entry(hash, i + 1);
        }
    }
    [[noreturn]] static void throw_full() {
        throw error({.code = error_code::overflow,
                     .stage = "category",
                     .found = "more than 2147483647 different texts",
                     .expected = "few",
                     .advice = "make the column segkit::text"});
    }

    std::vector<Offset> offsets_{0};
    std::string bytes_;
    std::vector<std::uint64_t> places_;
};
using category_dictionary = basic_category_dictionary<std::int64_t>;

}  // namespace SEGKIT_NAMESPACE
