// segkit/query/detail/number_table.hpp: from the hash of a key to the key's number, by open addressing.
//
// A place is one word: the hash above, the number plus one below; 0 where it is free. What the keys are the caller knows: numbers are
// 0, 1, 2, ... in the order in which they are entered. For who looks at many keys at once, the places can be read as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

// (A template only so that who includes this header and groups nothing does not compile it.)
template <class Word>
class number_table_of {
public:
    // There are at least so many places per number; `places` at first, a power of two, or none for a table that is not used.
    number_table_of(std::size_t places, std::size_t per_number) : places_(places, 0), per_number_(per_number) {}

    // By the lower bits of the hash.
    const Word* places() const { return places_.data(); }
    std::size_t last() const { return places_.size() - 1; }
    static bool has_hash(Word place, std::uint32_t hash) { return place != 0 && place >> 32 == hash; }
    static std::uint32_t number_in(Word place) { return static_cast<std::uint32_t>(place) - 1; }

    // The number with this hash for which is_it(number) holds, else add(), which gives the next.
    template <class IsIt, class Add>
    std::uint32_t find_or_add(std::uint32_t hash, IsIt&& is_it, Add&& add) {
        std::size_t at = hash & last();
        for (; places_[at] != 0; at = (at + 1) & last())
            if (has_hash(places_[at], hash) && is_it(number_in(places_[at]))) return number_in(places_[at]);
        const std::uint32_t number = add();
        fill(at, hash, number);
        return number;
    }
    // The next number, for a key that is known to be new.
    void enter(std::uint32_t hash, std::uint32_t number) { fill(free_place(places_, hash), hash, number); }
    void clear() { places_ = {}; }

private:
    static std::size_t free_place(const std::vector<Word>& places, std::uint32_t hash) {
        std::size_t at = hash & (places.size() - 1);
        while (places[at] != 0) at = (at + 1) & (places.size() - 1);
        return at;
    }
    void fill(std::size_t at, std::uint32_t hash, std::uint32_t number) {
        places_[at] = Word{hash} << 32 | (number + 1);
        if (per_number_ * (std::size_t{number} + 1) <= places_.size()) return;
        std::vector<Word> larger(places_.size() * 4, 0);
        for (const Word place : places_)
            if (place != 0) larger[free_place(larger, static_cast<std::uint32_t>(place >> 32))] = place;
        places_.swap(larger);
    }

    std::vector<Word> places_;
    std::size_t per_number_;
};
using number_table = number_table_of<std::uint64_t>;

}  // namespace SEGKIT_NAMESPACE::detail
