// segkit/query/detail/number_table.hpp: from the hash of a key to the key's number, by open addressing.
//
// A place is 32 bits: the number plus one below, as many bits as it takes to count the places, and above them the rest of the hash; 0
// where it is free. What the keys are the caller knows: numbers are 0, 1, 2, ... in the order in which they are entered. For who
// looks at many keys at once, the places can be read as they are.
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
    Word last() const { return static_cast<Word>(places_.size() - 1); }
    static bool has_hash(Word place, Word hash, Word last) { return place != 0 && ((place ^ hash) & ~last) == 0; }
    static Word number_in(Word place, Word last) { return (place & last) - 1; }

    // The number with this hash for which is_it(number) holds, else add(), which gives the next.
    template <class IsIt, class Add>
    Word find_or_add(Word hash, IsIt&& is_it, Add&& add) {
        Word at = hash & last();
        for (; places_[at] != 0; at = (at + 1) & last())
            if (has_hash(places_[at], hash, last()) && is_it(number_in(places_[at], last()))) return number_in(places_[at], last());
        const Word number = add();
        fill(at, hash);
        return number;
    }
    // The next number, for a key that is known to be new.
    void enter(Word hash) { fill(free_place(hash), hash); }
    void clear() { *this = number_table_of(0, per_number_); }

private:
    Word free_place(Word hash) const {
        Word at = hash & last();
        while (places_[at] != 0) at = (at + 1) & last();
        return at;
    }
    void fill(Word at, Word hash) {
        hashes_.push_back(hash);
        put(at, static_cast<Word>(hashes_.size()));
        if (per_number_ * hashes_.size() <= places_.size()) return;
        const std::size_t larger = places_.size() * 4;
        places_ = {};
        places_.resize(larger, 0);
        for (Word after = 1; after <= hashes_.size(); ++after) put(free_place(hashes_[after - 1]), after);
    }
    void put(Word at, Word after) { places_[at] = (hashes_[after - 1] & ~last()) | after; }

    std::vector<Word> places_, hashes_;    // hashes by number
    std::size_t per_number_;
};
using number_table = number_table_of<std::uint32_t>;

}  // namespace SEGKIT_NAMESPACE::detail
