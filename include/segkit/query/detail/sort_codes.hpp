// segkit/query/detail/sort_codes.hpp: the keys of a sort as one number per row whose order is the order of the rows.
//
// Numbers give their bits less those of the least one; texts, after what all have in common, windows of eight bytes of which the
// bits that never differ are left out, and their length; nulls, NaNs and descending keys are folded in. What fits 64 bits is
// taken; where that is not all, rows with equal codes are compared by the keys from `first_open` on (sort_ties.hpp).
// Cost: two passes over the keys.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/math.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/query/detail/stored_values.hpp>
#include <segkit/table/column.hpp>

namespace SEGKIT_NAMESPACE::detail {

// A number as an unsigned one of the same order; zeros of both signs are equal.
template <class V>
std::uint64_t ordered_bits(V value) {
    constexpr std::uint64_t sign = std::uint64_t{1} << 63;
    if constexpr (std::is_floating_point_v<V>) {
        const double wide = value == 0 ? 0.0 : static_cast<double>(value);
        const auto bits = std::bit_cast<std::uint64_t>(wide);
        return bits & sign ? ~bits : bits | sign;
    } else {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(value)) ^ sign;
    }
}

// The number whose bits these are; a zero is the positive one.
template <class V>
V from_ordered_bits(std::uint64_t bits) {
    constexpr std::uint64_t sign = std::uint64_t{1} << 63;
    if constexpr (std::is_floating_point_v<V>) return static_cast<V>(std::bit_cast<double>(bits & sign ? bits ^ sign : ~bits));
    else return static_cast<V>(bits ^ sign);
}

// Eight bytes of a text from one on, as a number of the same order; zeros after the end. `readable` is the end of the memory.
// Whether the text is that long is not branched on: it differs from row to row.
inline std::uint64_t text_window(std::string_view text, std::size_t from, const char* readable) {
    const std::size_t left = from < text.size() ? std::min<std::size_t>(text.size() - from, 8) : 0;
    std::uint64_t x = 0;
    if (readable - text.data() >= static_cast<std::ptrdiff_t>(from + 8)) {
        std::memcpy(&x, text.data() + from, 8);
        if constexpr (std::endian::native == std::endian::little) x = __builtin_bswap64(x);
        return x & ~(left == 8 ? 0 : ~std::uint64_t{0} >> (8 * left));
    }
    for (std::size_t i = 0; i < left; ++i) x |= std::uint64_t{static_cast<unsigned char>(text[from + i])} << (56 - 8 * i);
    return x;
}

// Moves the bits under a mask together, at the low end: compress of H. S. Warren, "Hacker's Delight", 2nd ed., 2012, 7-4.
class bit_packer {
public:
    explicit bit_packer(std::uint64_t mask) : mask_(mask) {
        std::uint64_t left = mask, zeros = ~mask << 1;
        for (unsigned i = 0; i < 6; ++i) {
            std::uint64_t odd = zeros;
            for (unsigned shift = 1; shift < 64; shift *= 2) odd ^= odd << shift;
            const std::uint64_t moved = odd & left;
            if (moved) moves_[count_++] = {moved, 1u << i};
            left = (left ^ moved) | (moved >> (1u << i));
            zeros &= ~odd;
        }
    }
    std::uint64_t operator()(std::uint64_t x) const {
        x &= mask_;
        for (unsigned i = 0; i < count_; ++i) {
            const std::uint64_t moved = x & moves_[i].bits;
            x = (x ^ moved) | (moved >> moves_[i].by);
        }
        return x;
    }

private:
    struct move {
        std::uint64_t bits;
        unsigned by;
    };
    std::uint64_t mask_;
    move moves_[6] = {};
    unsigned count_ = 0;
};

struct sort_key_column {
    const column_data* column;
    bool descending = false;
    bool nulls_first = false;
};

// (A template only so that it is compiled where it is used.)
template <class Key = sort_key_column>
class sort_codes {
public:
    sort_codes(std::vector<Key> keys, std::size_t rows) : rows_(rows), keys_(std::move(keys)) {}

    static constexpr std::size_t rows_per_task = std::size_t{1} << 16;
    std::size_t tasks() const { return (rows_ + rows_per_task - 1) / rows_per_task; }

    void find(executor_ref executor) {
        for (const Key& k : keys_) {
            extent e;
            with_order_value(k.column->type, [&]<class V>(std::type_identity<V>) {
                if constexpr (std::is_same_v<V, std::string_view>) e = text_extent(k, executor);
                else e = number_extent<V>(k, executor);
            });
            lay_out(k, e);
            if (!exact_) return;
            ++first_open_;
        }
    }
    unsigned bits() const { return bits_; }
    bool exact() const { return exact_; }                       // equal codes are equal keys
    std::size_t first_open() const { return first_open_; }      // otherwise the first key that is not all in the code
    bool tells_nulls() const {                                  // whether nulls of that key have a code of their own
        for (const part& p : parts_)
            if (p.key == &keys_[first_open_] && p.marks_nulls) return p.taken == p.bits;
        return false;
    }
    const std::vector<Key>& keys() const { return keys_; }

    // Codes of the rows [begin, end).
    void encode(std::size_t begin, std::size_t end, std::uint64_t* codes) const {
        if (end != begin) std::memset(codes, 0, (end - begin) * sizeof *codes);
        for (const part& p : parts_) {
            if (p.taken == 0) continue;
            if (p.of == what::number) {
                with_order_value(p.key->column->type, [&]<class V>(std::type_identity<V>) {
                    if constexpr (!std::is_same_v<V, std::string_view>) encode_numbers<V>(p, begin, end, codes);
                });
            } else {
                encode_texts(p, begin, end, codes);
            }
        }
    }

    // Whether a column is the code in other words: the values of a number that is the only key.
    bool tells(const column_data& column) const {
        return exact_ && parts_.size() == 1 && parts_[0].of == what::number && parts_[0].key->column == &column && !parts_[0].has_nulls && !parts_[0].has_nans &&
               !parts_[0].has_negative_zeros && size_of(column.type) >= 4;
    }
    // Calls f with what gives the value of such a column from its code, in the column's own type.
    template <class F>
    void with_told(F&& f) const {
        const part& p = parts_[0];
        const bool down = p.key->descending;
        const std::uint64_t least = p.least, greatest = p.greatest;
        const unsigned shift = p.shift;
        with_order_value(p.key->column->type, [&]<class V>(std::type_identity<V>) {
            if constexpr (std::is_arithmetic_v<V>) f([=](std::uint64_t code) { return from_ordered_bits<V>(down ? greatest - (code << shift) : least + (code << shift)); });
        });
    }

private:
    static constexpr std::size_t most_windows = 4;

    struct extent {
        std::uint64_t least = std::numeric_limits<std::uint64_t>::max(), greatest = 0;    // of a number's ordered_bits
        std::uint64_t any = 0, all = std::numeric_limits<std::uint64_t>::max();           // bits set in some value, and in every one
        bool has_nulls = false, has_nans = false, has_values = false, has_negative_zeros = false;
        std::size_t windows = most_windows;    // of texts that were looked at
        std::size_t skip = 0, shortest = static_cast<std::size_t>(-1), longest = 0;       // bytes of texts: what all begin with, and their sizes
        std::uint64_t window_any[most_windows] = {}, window_all[most_windows] = {};

        void add(const extent& e) {
            least = std::min(least, e.least);
            greatest = std::max(greatest, e.greatest);
            any |= e.any;
            all &= e.all;
            has_nulls = has_nulls || e.has_nulls;
            has_nans = has_nans || e.has_nans;
            has_values = has_values || e.has_values;
            has_negative_zeros = has_negative_zeros || e.has_negative_zeros;
            skip = std::min(skip, e.skip);
            shortest = std::min(shortest, e.shortest);
            longest = std::max(longest, e.longest);
            for (std::size_t w = 0; w < most_windows; ++w) {
                window_any[w] |= e.window_any[w];
                window_all[w] &= e.window_all[w];
            }
        }
    };

    enum class what : std::uint8_t { number, window, length };
    struct part {
        const Key* key;
        what of;
        bool has_nulls, has_nans = false;
        bool has_negative_zeros = false;        // whose codes are those of positive ones
        bool marks_nulls = false;               // the first part of a key has codes of nulls and NaNs
        unsigned bits = 0, taken = 0;           // of its code; of these, in the common code
        unsigned shift = 0;                     // low bits left out
        std::uint64_t least = 0, greatest = 0;  // of a number; of a length
        std::uint64_t last = 0;                 // the greatest code of a value
        std::size_t from = 0;                   // of a window: its first byte
        bit_packer pack{0};

        std::uint64_t front() const { return marks_nulls && has_nulls && key->nulls_first; }
        std::uint64_t null_code() const { return !marks_nulls || key->nulls_first ? 0 : last + 1 + has_nans; }
        std::uint64_t nan_code() const { return front() + last + 1; }
    };

    template <class F>
    void each_task(executor_ref executor, F&& f) const {
        executor.run(tasks(), [&](std::size_t task) { f(task, task * rows_per_task, std::min(rows_, (task + 1) * rows_per_task)); });
    }
    static bool is_null(const Key& k, std::size_t row) { return k.column->nullable && !bit_at(k.column->validity_bits(), row); }

    // f(row) for the rows of a range that are not null and none(row) for the others, a few hundred at a time: which is which differs
    // from row to row, so that nothing branches on it.
    template <class F, class None>
    static void each_known(const Key& k, std::size_t begin, std::size_t end, F&& f, None&& none) {
        if (!k.column->nullable) {
            for (std::size_t row = begin; row < end; ++row) f(row);
            return;
        }
        constexpr std::size_t step = 256;
        std::uint16_t known[step], nulls[step];
        for (; begin < end; begin += step) {
            const std::size_t n = std::min(step, end - begin);
            std::size_t n_known = 0;
            for (std::size_t i = 0; i < n; ++i) {
                known[n_known] = nulls[i - n_known] = static_cast<std::uint16_t>(i);
                n_known += !is_null(k, begin + i);
            }
            for (std::size_t i = 0; i < n_known; ++i) f(begin + known[i]);
            for (std::size_t i = 0; i < n - n_known; ++i) none(begin + nulls[i]);
        }
    }

    // ---- what there is to tell apart

    template <class V>
    extent number_extent(const Key& k, executor_ref executor) const {
        std::vector<extent> parts(tasks());
        const auto* values = reinterpret_cast<const V*>(k.column->values.data());
        each_task(executor, [&](std::size_t task, std::size_t begin, std::size_t end) {
            extent e;
            if constexpr (std::is_integral_v<V>) {
                if (!k.column->nullable) {    // in the values' own type, which compilers make vectors of
                    V least = std::numeric_limits<V>::max(), greatest = std::numeric_limits<V>::min(), any = 0, all = static_cast<V>(-1);
                    for (std::size_t row = begin; row < end; ++row) {
                        least = values[row] < least ? values[row] : least;
                        greatest = values[row] > greatest ? values[row] : greatest;
                        any = static_cast<V>(any | values[row]);
                        all = static_cast<V>(all & values[row]);
                    }
                    e.least = ordered_bits(least);
                    e.greatest = ordered_bits(greatest);
                    e.any = ordered_bits(any);
                    e.all = ordered_bits(all);
                    e.has_values = true;
                    parts[task] = e;
                    return;
                }
            }
            for (std::size_t row = begin; row < end; ++row) {
                if (is_null(k, row)) {
                    e.has_nulls = true;
                    continue;
                }
                if constexpr (std::is_floating_point_v<V>) {
                    if (values[row] != values[row]) {
                        e.has_nans = true;
                        continue;
                    }
                    e.has_negative_zeros = e.has_negative_zeros || (values[row] == 0 && math::signbit(values[row]));
                }
                const std::uint64_t x = ordered_bits(values[row]);
                e.least = x < e.least ? x : e.least;
                e.greatest = x > e.greatest ? x : e.greatest;
                e.any |= x;
                e.all &= x;
                e.has_values = true;
            }
            parts[task] = e;
        });
        extent all;
        for (const extent& e : parts) all.add(e);
        return all;
    }

    // The windows of texts begin after the bytes that all have in common. How many these are is guessed from some rows, and where
    // another row has fewer, all are looked at again.
    extent text_extent(const Key& k, executor_ref executor) const {
        const text_values texts(*k.column);
        std::size_t first = 0;
        while (first < rows_ && is_null(k, first)) ++first;
        if (first == rows_) {
            extent none;
            none.has_nulls = rows_ != 0;
            return none;
        }
        const std::string_view pattern = texts[first];
        std::size_t guess = pattern.size();
        constexpr std::size_t samples = 256;
        for (std::size_t i = 0; i < samples && guess; ++i) {
            const std::size_t row = first + (rows_ - first) / samples * i;
            if (!is_null(k, row)) guess = shared_bytes(texts[row], pattern.substr(0, guess));
        }
        // As many windows as fill the code at least.
        const char* readable = k.column->text_bytes() + k.column->bytes.size();
        std::size_t windows = 0;
        for (unsigned bits = bits_; windows == 0 || (windows < most_windows && bits < 64); ++windows) {
            std::uint64_t any = 0, all = ~std::uint64_t{0};
            for (std::size_t i = 0; i < samples; ++i) {
                const std::size_t row = first + (rows_ - first) / samples * i;
                if (is_null(k, row)) continue;
                any |= text_window(texts[row], guess + 8 * windows, readable);
                all &= text_window(texts[row], guess + 8 * windows, readable);
            }
            bits += static_cast<unsigned>(std::popcount(any & ~all));
        }
        for (;;) {
            const extent e = text_extent_after(k, pattern.substr(0, guess), windows, executor);
            if (e.skip == guess) return e;
            guess = e.skip;
            windows = most_windows;
        }
    }
    extent text_extent_after(const Key& k, std::string_view shared, std::size_t windows, executor_ref executor) const {
        std::vector<extent> parts(tasks());
        const text_values texts(*k.column);
        const char* readable = k.column->text_bytes() + k.column->bytes.size();
        each_task(executor, [&](std::size_t task, std::size_t begin, std::size_t end) {
            extent e;
            e.skip = shared.size();
            for (std::uint64_t& x : e.window_all) x = std::numeric_limits<std::uint64_t>::max();
            each_known(k, begin, end, [&](std::size_t row) {
                const std::string_view text = texts[row];
                if (e.skip && (text.size() < e.skip || std::memcmp(text.data(), shared.data(), e.skip) != 0)) e.skip = shared_bytes(text, shared.substr(0, e.skip));
                e.has_values = true;
                e.shortest = std::min(e.shortest, text.size());
                e.longest = std::max(e.longest, text.size());
                for (std::size_t w = 0; w < windows; ++w) {
                    const std::uint64_t x = text_window(text, shared.size() + 8 * w, readable);
                    e.window_any[w] |= x;
                    e.window_all[w] &= x;
                }
            }, [&](std::size_t) { e.has_nulls = true; });
            parts[task] = e;
        });
        extent all;
        all.skip = shared.size();
        for (std::uint64_t& x : all.window_all) x = std::numeric_limits<std::uint64_t>::max();
        for (const extent& e : parts) all.add(e);
        all.windows = windows;
        for (std::size_t w = 0; w < windows; ++w)
            if (all.shortest <= all.skip + 8 * w) all.window_all[w] = 0;    // a text that does not reach it has zeros there
        return all;
    }
    static std::size_t shared_bytes(std::string_view a, std::string_view b) {
        const std::size_t most = std::min(a.size(), b.size());
        std::size_t same = 0;
        while (same < most && a[same] == b[same]) ++same;
        return same;
    }

    // ---- the parts of the code

    void lay_out(const Key& k, const extent& e) {
        part p{&k, what::number, e.has_nulls, e.has_nans, e.has_negative_zeros};
        p.marks_nulls = true;
        const std::uint64_t specials = std::uint64_t{e.has_nulls} + std::uint64_t{e.has_nans};
        if (!e.has_values || k.column->type != type_id::text) {
            if (e.has_values) {
                p.least = e.least;
                p.greatest = e.greatest;
                p.shift = e.any == e.all ? 0 : static_cast<unsigned>(std::countr_zero(e.any ^ e.all));    // what never differs
            }
            add_part(p, (p.greatest - p.least) >> p.shift, specials);
            return;
        }
        p.of = what::window;
        for (std::size_t w = 0; w < e.windows && (w == 0 || e.skip + 8 * w < e.longest); ++w) {
            const std::uint64_t mask = e.window_any[w] & ~e.window_all[w];
            p.pack = bit_packer(mask);
            p.from = e.skip + 8 * w;
            add_part(p, p.pack(mask), p.marks_nulls ? specials : 0);
            if (!exact_) return;
            p.marks_nulls = false;
            p.shift = 0;
        }
        exact_ = e.longest - e.skip <= 8 * e.windows;
        if (!exact_ || e.shortest == e.longest) return;
        p.of = what::length;
        p.least = e.shortest;
        p.greatest = e.longest;
        add_part(p, e.longest - e.shortest, 0);
    }
    // A part whose values have codes up to `last`.
    void add_part(part p, std::uint64_t last, std::uint64_t specials) {
        if (last > std::numeric_limits<std::uint64_t>::max() - specials) {
            p.shift += 2;
            exact_ = false;
            last >>= 2;
        }
        p.last = last;
        p.bits = static_cast<unsigned>(std::bit_width(last + specials));
        p.taken = std::min(p.bits, 64 - bits_);
        bits_ += p.taken;
        exact_ = exact_ && p.taken == p.bits;
        parts_.push_back(p);
    }

    // ---- codes of rows

    static void add_code(const part& p, std::uint64_t& all, std::uint64_t code) { all = p.taken == 64 ? code : all << p.taken | code >> (p.bits - p.taken); }

    template <class V>
    static void encode_numbers(const part& p, std::size_t begin, std::size_t end, std::uint64_t* codes) {
        const Key& k = *p.key;
        const auto* values = reinterpret_cast<const V*>(k.column->values.data());
        const auto code_of = [&](V value) { return p.front() + ((k.descending ? p.greatest - ordered_bits(value) : ordered_bits(value) - p.least) >> p.shift); };
        if (!p.has_nulls && !p.has_nans) {
            if (p.taken == p.bits && p.bits < 64 && !k.descending) {
                const std::uint64_t least = p.least;
                const unsigned shift = p.shift, taken = p.taken;
                for (std::size_t row = begin; row < end; ++row) codes[row - begin] = codes[row - begin] << taken | (ordered_bits(values[row]) - least) >> shift;
            } else {
                for (std::size_t row = begin; row < end; ++row) add_code(p, codes[row - begin], code_of(values[row]));
            }
            return;
        }
        for (std::size_t row = begin; row < end; ++row) {
            std::uint64_t code = 0;
            if (is_null(k, row)) code = p.null_code();
            else if (values[row] != values[row]) code = p.nan_code();
            else code = code_of(values[row]);
            add_code(p, codes[row - begin], code);
        }
    }
    static void encode_texts(const part& p, std::size_t begin, std::size_t end, std::uint64_t* codes) {
        const Key& k = *p.key;
        const text_values texts(*k.column);
        const char* readable = k.column->text_bytes() + k.column->bytes.size();
        const bit_packer pack = p.pack;
        const std::uint64_t null_code = p.null_code(), front = p.front(), last = p.last;
        const std::size_t from = p.from;
        const unsigned shift = p.shift;
        const auto encode = [&](auto&& code_of) {
            each_known(k, begin, end, [&](std::size_t row) {
                const std::uint64_t code = code_of(texts[row]);
                add_code(p, codes[row - begin], front + (k.descending ? last - code : code));
            }, [&](std::size_t row) { add_code(p, codes[row - begin], null_code); });
        };
        if (p.of == what::length) encode([&](std::string_view text) { return text.size() - p.least; });
        else encode([&](std::string_view text) { return pack(text_window(text, from, readable)) >> shift; });
    }

    std::size_t rows_;
    std::vector<Key> keys_;
    std::vector<part> parts_;
    unsigned bits_ = 0;
    bool exact_ = true;
    std::size_t first_open_ = 0;
};

}  // namespace SEGKIT_NAMESPACE::detail
