// segkit/query/detail/sort_engine.hpp: the order of rows by one or several key columns.
//
// 1. Each row's keys become one code of at most 64 bits whose order is the order of the rows: values less their least one, nulls,
//    NaNs and descending keys folded in, texts by the eight bytes after what all have in common.
// 2. Rows are dealt into buckets of neighbouring codes, as words of code and row number; each bucket is sorted by radix.
// 3. Where codes cannot tell rows apart, because keys are wider than 64 bits, the rows themselves are compared.
// Cost: O(n) where the codes suffice. Every word is unique, so the order does not depend on how the work was divided.
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
#include <segkit/detail/copy_text.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/table/column.hpp>

namespace SEGKIT_NAMESPACE::detail {

template <class F>
auto with_sort_value(type_id type, F&& f) {
    switch (type) {
        case type_id::boolean: return f(std::type_identity<std::uint8_t>{});
        case type_id::int32:
        case type_id::date: return f(std::type_identity<std::int32_t>{});
        case type_id::float32: return f(std::type_identity<float>{});
        case type_id::float64: return f(std::type_identity<double>{});
        case type_id::text: return f(std::type_identity<std::string_view>{});
        default: return f(std::type_identity<std::int64_t>{});
    }
}

template <class V, class Column>
V sort_value(const Column& column, std::size_t row) {
    if constexpr (std::is_same_v<V, std::string_view>) return text_values(column)[row];
    else return reinterpret_cast<const V*>(column.values.data())[row];
}

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

// (A template only so that it is compiled where it is used.)
template <class Column>
class sort_engine {
public:
    struct key {
        const Column* column;
        bool descending = false;
        bool nulls_first = false;
    };

    sort_engine(std::vector<key> keys, std::size_t rows) : rows_(rows) {
        for (const key& k : keys) keys_.push_back({k});
    }

    // The row numbers in order; rows with equal keys keep theirs.
    owned_memory<std::uint32_t> order(executor_ref executor) {
        auto order = take_memory<std::uint32_t>(rows_);
        if (rows_ == 0) return order;
        for (coded_key& k : keys_) find_extent(k, executor);
        lay_out();
        if (bits_ == 0 && exact_) {
            each_task(executor, [&](std::size_t, std::size_t begin, std::size_t end) {
                for (std::size_t row = begin; row < end; ++row) order[row] = static_cast<std::uint32_t>(row);
            });
            return order;
        }
        deal_and_sort(order.get(), executor);
        return order;
    }

private:
    static constexpr std::size_t rows_per_task = std::size_t{1} << 16;
    static constexpr std::size_t most_ranges = 16;          // of rows, when they are dealt
    static constexpr std::size_t rows_per_bucket = 4096;    // its words and a copy of them fit the second cache

    struct coded_key : key {
        std::uint64_t least = 0, greatest = 0;    // of ordered_bits, or of text_bits
        bool has_nulls = false, has_nans = false, has_values = false;
        std::size_t skip = 0;         // bytes that all texts begin with
        bool short_texts = false;     // at most seven bytes after these: seven bytes and the length say it all
        unsigned drop = 0;            // low bits left out, to make room for nulls and NaNs
        unsigned bits = 0, taken = 0; // of a code; of those, in the common code
        bool exact = true;
    };

    std::size_t tasks() const { return (rows_ + rows_per_task - 1) / rows_per_task; }
    template <class F>
    void each_task(executor_ref executor, F&& f) const {
        executor.run(tasks(), [&](std::size_t task) { f(task, task * rows_per_task, std::min(rows_, (task + 1) * rows_per_task)); });
    }
    static bool is_null(const key& k, std::size_t row) { return k.column->nullable && !bit_at(k.column->validity_bits(), row); }

    static std::uint64_t text_bits(const coded_key& k, std::string_view text) {
        const std::string_view rest = text.substr(k.skip);
        return k.short_texts ? eight_bytes(rest) | rest.size() : eight_bytes(rest);    // at most seven bytes: the eighth is free
    }
    // The first eight bytes as a number of the same order; zeros after the end.
    static std::uint64_t eight_bytes(std::string_view text) {
        unsigned char bytes[8] = {};
        if (text.size() >= 8) std::memcpy(bytes, text.data(), 8);
        else
            for (std::size_t i = 0; i < text.size(); ++i) bytes[i] = static_cast<unsigned char>(text[i]);
        std::uint64_t x = 0;
        for (const unsigned char b : bytes) x = x << 8 | b;
        return x;
    }

    // ---- 1. codes

    void find_extent(coded_key& k, executor_ref executor) const {
        if (k.column->type == type_id::text) find_common_bytes(k, executor);
        std::vector<coded_key> parts(tasks());
        with_sort_value(k.column->type, [&]<class V>(std::type_identity<V>) {
            each_task(executor, [&](std::size_t task, std::size_t begin, std::size_t end) {
                coded_key e;
                e.least = std::numeric_limits<std::uint64_t>::max();
                for (std::size_t row = begin; row < end; ++row) {
                    if (is_null(k, row)) {
                        e.has_nulls = true;
                        continue;
                    }
                    const V value = sort_value<V>(*k.column, row);
                    if constexpr (std::is_floating_point_v<V>) {
                        if (value != value) {
                            e.has_nans = true;
                            continue;
                        }
                    }
                    const std::uint64_t x = bits_of<V>(k, value);
                    e.least = x < e.least ? x : e.least;
                    e.greatest = x > e.greatest ? x : e.greatest;
                    e.has_values = true;
                }
                parts[task] = e;
            });
        });
        k.least = std::numeric_limits<std::uint64_t>::max();
        for (const coded_key& e : parts) {
            k.has_nulls = k.has_nulls || e.has_nulls;
            k.has_nans = k.has_nans || e.has_nans;
            k.has_values = k.has_values || e.has_values;
            k.least = std::min(k.least, e.least);
            k.greatest = std::max(k.greatest, e.greatest);
        }
        if (!k.has_values) k.least = k.greatest = 0;
    }
    template <class V>
    static std::uint64_t bits_of(const coded_key& k, const V& value) {
        if constexpr (std::is_same_v<V, std::string_view>) return text_bits(k, value);
        else return (void)k, ordered_bits(value);
    }

    void find_common_bytes(coded_key& k, executor_ref executor) const {
        std::size_t first = 0;
        while (first < rows_ && is_null(k, first)) ++first;
        if (first == rows_) return;
        const std::string_view pattern = sort_value<std::string_view>(*k.column, first);
        struct extent {
            std::size_t common, longest;
        };
        std::vector<extent> parts(tasks());
        each_task(executor, [&](std::size_t task, std::size_t begin, std::size_t end) {
            extent e{pattern.size(), 0};
            for (std::size_t row = begin; row < end; ++row) {
                if (is_null(k, row)) continue;
                const std::string_view text = sort_value<std::string_view>(*k.column, row);
                e.longest = std::max(e.longest, text.size());
                e.common = std::min(e.common, text.size());
                if (e.common && std::memcmp(text.data(), pattern.data(), e.common) != 0) {
                    std::size_t same = 0;
                    while (text[same] == pattern[same]) ++same;
                    e.common = same;
                }
            }
            parts[task] = e;
        });
        k.skip = pattern.size();
        std::size_t longest = 0;
        for (const extent& e : parts) {
            k.skip = std::min(k.skip, e.common);
            longest = std::max(longest, e.longest);
        }
        k.short_texts = longest - k.skip <= 7;
        k.exact = k.short_texts;
    }

    // How many bits each key has, and how many of them the common code takes.
    void lay_out() {
        exact_ = true;
        bits_ = 0;
        for (coded_key& k : keys_) {
            const std::uint64_t specials = std::uint64_t{k.has_nulls} + std::uint64_t{k.has_nans};
            std::uint64_t last = k.greatest - k.least;
            if (last > std::numeric_limits<std::uint64_t>::max() - specials) {
                k.drop = 2;
                k.exact = false;
                last >>= 2;
            }
            k.bits = static_cast<unsigned>(std::bit_width(last + specials - (k.has_values || specials == 0 ? 0 : 1)));
            k.taken = std::min(k.bits, 64 - bits_);
            bits_ += k.taken;
            exact_ = k.exact && k.taken == k.bits;
            if (!exact_) break;    // what comes after cannot count before this key has been compared in full
            ++first_open_;
        }
    }

    // Codes of the rows [begin, end).
    void encode(std::size_t begin, std::size_t end, std::uint64_t* codes) const {
        for (std::size_t i = 0; i < end - begin; ++i) codes[i] = 0;
        for (const coded_key& k : keys_) {
            if (k.taken) {
                with_sort_value(k.column->type, [&]<class V>(std::type_identity<V>) { encode_key<V>(k, begin, end, codes); });
            }
            if (!k.exact || k.taken < k.bits) break;
        }
    }
    template <class V>
    static void encode_key(const coded_key& k, std::size_t begin, std::size_t end, std::uint64_t* codes) {
        const std::uint64_t front = k.has_nulls && k.nulls_first;
        const std::uint64_t past = front + (k.has_values ? ((k.greatest - k.least) >> k.drop) + 1 : 0);    // the first code after the values
        const std::uint64_t null_code = k.nulls_first ? 0 : past + k.has_nans;
        const unsigned cut = k.bits - k.taken;
        const auto add = [&](std::size_t row, std::uint64_t code) {
            std::uint64_t& all = codes[row - begin];
            all = k.taken == 64 ? code : all << k.taken | code >> cut;
        };
        const bool nullable = k.has_nulls;
        for (std::size_t row = begin; row < end; ++row) {
            const V value = sort_value<V>(*k.column, row);
            std::uint64_t code = 0;
            if (nullable && is_null(k, row)) {
                add(row, null_code);
                continue;
            }
            if constexpr (std::is_floating_point_v<V>) {
                if (value != value) {
                    add(row, past);
                    continue;
                }
            }
            const std::uint64_t x = bits_of<V>(k, value);
            code = front + ((k.descending ? k.greatest - x : x - k.least) >> k.drop);
            add(row, code);
        }
    }

    // ---- 2. buckets

    struct bucket {
        std::size_t begin = 0, rows = 0;
        std::uint64_t base = 0;    // the least code
        unsigned drop = 0;         // low bits of a code that do not fit beside the row number
        unsigned bits = 0;         // of what is left
    };

    void deal_and_sort(std::uint32_t* order, executor_ref executor) {
        const unsigned row_bits = static_cast<unsigned>(std::bit_width(rows_ - 1));
        const auto codes = take_memory<std::uint64_t>(rows_);
        const unsigned cell_bits = std::min({bits_, 16u, static_cast<unsigned>(std::bit_width(rows_ / 16))});
        const unsigned cell_shift = bits_ - cell_bits;
        const std::size_t cells = std::size_t{1} << cell_bits;
        const auto cell_of = [&](std::uint64_t code) { return static_cast<std::size_t>(cell_shift == 64 ? 0 : code >> cell_shift); };

        // Codes, and how many of each range of rows lie in each cell.
        const std::size_t ranges = std::min(most_ranges, tasks());
        const std::size_t per_range = (rows_ + ranges - 1) / ranges;
        std::vector<std::vector<std::uint32_t>> counts(ranges);
        executor.run(ranges, [&](std::size_t r) {
            counts[r].assign(cells, 0);
            const std::size_t end = std::min(rows_, (r + 1) * per_range);
            for (std::size_t from = std::min(r * per_range, end); from < end; from += 2048) {
                const std::size_t to = std::min(end, from + 2048);
                encode(from, to, codes.get() + from);
                for (std::size_t row = from; row < to; ++row) ++counts[r][cell_of(codes[row])];
            }
        });

        // Neighbouring cells make a bucket of a size that suits the cache.
        std::vector<bucket> buckets;
        std::vector<std::uint16_t> bucket_of(cells);
        for (std::size_t cell = 0, first = 0, in_bucket = 0, begin = 0; cell < cells; ++cell) {
            std::size_t in_cell = 0;
            for (const auto& c : counts) in_cell += c[cell];
            if (in_bucket && in_bucket + in_cell > rows_per_bucket) {
                close(buckets, first, cell, begin, in_bucket, cell_shift, row_bits);
                begin += std::exchange(in_bucket, 0);
                first = cell;
            }
            in_bucket += in_cell;
            bucket_of[cell] = static_cast<std::uint16_t>(buckets.size());
            if (cell + 1 == cells) close(buckets, first, cells, begin, in_bucket, cell_shift, row_bits);
        }

        // Where the rows of a range go in each bucket.
        const std::size_t n_buckets = buckets.size();
        std::vector<std::uint32_t> at(ranges * n_buckets, 0);
        for (std::size_t r = 0; r < ranges; ++r)
            for (std::size_t cell = 0; cell < cells; ++cell) at[r * n_buckets + bucket_of[cell]] += counts[r][cell];
        for (std::size_t b = 0; b < n_buckets; ++b) {
            auto next = static_cast<std::uint32_t>(buckets[b].begin);
            for (std::size_t r = 0; r < ranges; ++r) next += std::exchange(at[r * n_buckets + b], next);
        }
        counts.clear();
        const auto words = take_memory<std::uint64_t>(rows_);
        executor.run(ranges, [&](std::size_t r) {
            std::uint32_t* next = &at[r * n_buckets];
            const std::size_t end = std::min(rows_, (r + 1) * per_range);
            for (std::size_t row = std::min(r * per_range, end); row < end; ++row) {
                const std::size_t b = bucket_of[cell_of(codes[row])];
                words[next[b]++] = (codes[row] - buckets[b].base) >> buckets[b].drop << row_bits | row;
            }
        });

        executor.run(n_buckets, [&](std::size_t b) {
            const bucket& mine = buckets[b];
            std::uint64_t* first = words.get() + mine.begin;
            sort_words(first, mine.rows, row_bits, mine.bits);
            const std::uint64_t row_mask = (std::uint64_t{1} << row_bits) - 1;
            for (std::size_t i = 0; i < mine.rows; ++i) order[mine.begin + i] = static_cast<std::uint32_t>(first[i] & row_mask);
            if (!exact_ || mine.drop) settle_ties(first, order + mine.begin, mine.rows, row_bits, codes.get());
        });
    }
    static void close(std::vector<bucket>& buckets, std::size_t first_cell, std::size_t end_cell, std::size_t begin, std::size_t rows, unsigned cell_shift, unsigned row_bits) {
        bucket b{begin, rows, cell_shift == 64 ? 0 : std::uint64_t{first_cell} << cell_shift, 0, 0};
        b.bits = static_cast<unsigned>(std::bit_width(end_cell - first_cell - 1)) + cell_shift;
        if (b.bits + row_bits > 64) b.drop = b.bits + row_bits - 64;
        b.bits -= b.drop;
        buckets.push_back(b);
    }

    // Sorts words whose bits below `low` ascend wherever the bits above are equal: by radix over the upper 16 of the `bits` bits
    // above `low`, then what shares these by comparison.
    static void sort_words(std::uint64_t* words, std::size_t n, unsigned low, unsigned bits) {
        if (bits == 0 || n < 2) return;
        if (n <= 48) return insertion_sort(words, n);
        std::uint64_t least = words[0], greatest = words[0];
        for (std::size_t i = 1; i < n; ++i) {
            least = std::min(least, words[i]);
            greatest = std::max(greatest, words[i]);
        }
        // Only bits that differ count.
        const std::uint64_t differing = (least ^ greatest) >> low;
        bits = static_cast<unsigned>(std::bit_width(differing));
        if (bits == 0) return;
        const unsigned wanted = n <= 2 * rows_per_bucket ? 16 : 24;    // so many bits tell nearly all apart
        const unsigned sorted_bits = std::min(bits, wanted);
        const unsigned shift = low + bits - sorted_bits;
        const unsigned digits = (sorted_bits + 7) / 8;
        const unsigned digit_bits = (sorted_bits + digits - 1) / digits;
        const auto other = take_memory<std::uint64_t>(n);
        std::uint64_t *from = words, *to = other.get();
        for (unsigned d = 0; d < digits; ++d) {
            radix_pass(from, to, n, shift + d * digit_bits, digit_bits);
            std::swap(from, to);
        }
        if (from != words) std::memcpy(words, from, n * sizeof *words);
        if (sorted_bits == bits) return;
        for (std::size_t i = 0; i < n;) {
            std::size_t end = i + 1;
            while (end < n && words[end] >> shift == words[i] >> shift) ++end;
            if (end - i > 1 && !std::is_sorted(words + i, words + end)) {
                if (end - i <= 32) insertion_sort(words + i, end - i);
                else std::sort(words + i, words + end);
            }
            i = end;
        }
    }
    static void insertion_sort(std::uint64_t* words, std::size_t n) {
        for (std::size_t i = 1; i < n; ++i) {
            const std::uint64_t word = words[i];
            std::size_t j = i;
            for (; j > 0 && words[j - 1] > word; --j) words[j] = words[j - 1];
            words[j] = word;
        }
    }
    static void radix_pass(const std::uint64_t* from, std::uint64_t* to, std::size_t n, unsigned shift, unsigned digit_bits) {
        std::uint32_t at[256] = {};
        const std::uint64_t mask = (std::uint64_t{1} << digit_bits) - 1;
        for (std::size_t i = 0; i < n; ++i) ++at[from[i] >> shift & mask];
        std::uint32_t sum = 0;
        for (std::size_t d = 0; d <= mask; ++d) sum += std::exchange(at[d], sum);
        for (std::size_t i = 0; i < n; ++i) to[at[from[i] >> shift & mask]++] = from[i];
    }

    // ---- 3. ties

    // Rows that share a word's upper bits: by the bits of the code that did not fit, then by the keys that are not all in the code.
    void settle_ties(const std::uint64_t* words, std::uint32_t* order, std::size_t n, unsigned row_bits, const std::uint64_t* codes) const {
        each_run(n, [&](std::size_t a, std::size_t b) { return words[a] >> row_bits == words[b] >> row_bits; }, [&](std::size_t begin, std::size_t end) {
            const auto before = [&](std::uint32_t a, std::uint32_t b) { return codes[a] != codes[b] ? codes[a] < codes[b] : a < b; };
            if (!std::is_sorted(order + begin, order + end, before)) std::sort(order + begin, order + end, before);
            if (exact_) return;
            each_run(end - begin, [&](std::size_t a, std::size_t b) { return codes[order[begin + a]] == codes[order[begin + b]]; },
                     [&](std::size_t from, std::size_t to) { refine(order + begin + from, to - from, first_open_, 0); });
        });
    }
    // f(begin, end) for every run of two and more that are the same.
    template <class Same, class F>
    static void each_run(std::size_t n, Same&& same, F&& f) {
        for (std::size_t i = 0; i < n;) {
            std::size_t end = i + 1;
            while (end < n && same(i, end)) ++end;
            if (end - i > 1) f(i, end);
            i = end;
        }
    }

    struct tied_row {
        std::uint64_t code;      // of a number, or of eight bytes of a text
        std::uint32_t place;     // nulls first, values, NaNs, nulls last
        std::uint32_t length;    // of the text from these bytes on, at most 9
        std::uint32_t row;
    };
    // Rows, in ascending order, that are equal in the keys before this one, and in the first `skip` bytes of it.
    void refine(std::uint32_t* order, std::size_t n, std::size_t number, std::size_t skip) const {
        if (number == keys_.size()) return;
        if (n <= 16) {
            std::sort(order, order + n, [&](std::uint32_t a, std::uint32_t b) {
                const int c = compare_from(number, a, b);
                return c != 0 ? c < 0 : a < b;    // equal keys keep their order
            });
            return;
        }
        const coded_key& k = keys_[number];
        if (is_null(k, order[0]) && std::all_of(order, order + n, [&](std::uint32_t row) { return is_null(k, row); })) return refine(order, n, number + 1, 0);
        if (k.column->type == type_id::text) skip = common_bytes(k, order, n, skip);
        std::vector<tied_row> rows(n);
        with_sort_value(k.column->type, [&]<class V>(std::type_identity<V>) {
            for (std::size_t i = 0; i < n; ++i) rows[i] = tied<V>(k, order[i], skip);
        });
        std::sort(rows.begin(), rows.end(), [](const tied_row& a, const tied_row& b) {
            return a.place != b.place ? a.place < b.place : a.code != b.code ? a.code < b.code : a.length != b.length ? a.length < b.length : a.row < b.row;
        });
        for (std::size_t i = 0; i < n; ++i) order[i] = rows[i].row;
        each_run(n, [&](std::size_t a, std::size_t b) { return rows[a].place == rows[b].place && rows[a].code == rows[b].code && rows[a].length == rows[b].length; },
                 [&](std::size_t from, std::size_t to) {
                     const bool goes_on = rows[from].length == (k.descending ? 0u : 9u) && k.column->type == type_id::text && rows[from].place == 1;
                     refine(order + from, to - from, goes_on ? number : number + 1, goes_on ? skip + 8 : 0);
                 });
    }
    template <class V>
    static tied_row tied(const coded_key& k, std::uint32_t row, std::size_t skip) {
        if (is_null(k, row)) return {0, k.nulls_first ? 0u : 3u, 0, row};
        const V value = sort_value<V>(*k.column, row);
        tied_row t{0, 1, 0, row};
        if constexpr (std::is_same_v<V, std::string_view>) {
            const std::string_view rest = value.substr(skip);
            t.code = eight_bytes(rest);
            t.length = rest.size() > 8 ? 9 : static_cast<std::uint32_t>(rest.size());
            if (k.descending) t.length = 9 - t.length;
        } else {
            if constexpr (std::is_floating_point_v<V>) {
                if (value != value) return {0, 2, 0, row};
            }
            t.code = ordered_bits(value);
        }
        if (k.descending) t.code = ~t.code;
        return t;
    }
    // How many bytes all of these texts share, knowing that they share `known`.
    static std::size_t common_bytes(const key& k, const std::uint32_t* order, std::size_t n, std::size_t known) {
        std::size_t first = 0;
        while (first < n && is_null(k, order[first])) ++first;
        if (first == n) return known;
        const std::string_view pattern = sort_value<std::string_view>(*k.column, order[first]);
        std::size_t common = pattern.size();
        for (std::size_t i = first + 1; i < n; ++i) {
            if (is_null(k, order[i])) continue;
            const std::string_view text = sort_value<std::string_view>(*k.column, order[i]);
            common = std::min(common, text.size());
            std::size_t same = known;
            if (common > known && std::memcmp(text.data() + known, pattern.data() + known, common - known) == 0) continue;
            while (same < common && text[same] == pattern[same]) ++same;
            common = same;
            if (common == known) break;
        }
        return common;
    }

    int compare_from(std::size_t number, std::size_t a, std::size_t b) const {
        for (; number < keys_.size(); ++number)
            if (const int c = compare_key(keys_[number], a, b)) return c;
        return 0;
    }
    static int compare_key(const coded_key& k, std::size_t a, std::size_t b) {
        const bool null_a = is_null(k, a), null_b = is_null(k, b);
        if (null_a || null_b) return k.nulls_first ? int{null_b} - int{null_a} : int{null_a} - int{null_b};
        return with_sort_value(k.column->type, [&]<class V>(std::type_identity<V>) {
            const V x = sort_value<V>(*k.column, a), y = sort_value<V>(*k.column, b);
            if constexpr (std::is_floating_point_v<V>) {
                if (x != x || y != y) return int{x != x} - int{y != y};
            }
            const int order = x < y ? -1 : y < x ? 1 : 0;
            return k.descending ? -order : order;
        });
    }

    std::size_t rows_;
    std::vector<coded_key> keys_;
    unsigned bits_ = 0;      // of a common code
    bool exact_ = true;      // equal codes are equal keys
    std::size_t first_open_ = 0;    // otherwise: the first key that is not all in the code
};

// ---- columns in an order

// Rows of a column in the order given; `task` of `tasks` makes its share, cut at multiples of eight rows.
template <class Column>
class permuted_column {
public:
    static constexpr std::size_t rows_per_task = std::size_t{1} << 16;

    permuted_column(const Column& from, const std::uint32_t* order, std::size_t rows) : from_(from), order_(order), to_(from.type, from.nullable) {
        to_.rows = rows;
        to_.width = from.width;
        if (from.type == type_id::text) {
            to_.values.grow(rows * sizeof(std::int64_t));
            text_begins_.assign(tasks() + 1, 0);
        } else {
            to_.values.grow(rows * from.width * size_of(from.type));
        }
        if (from.nullable) to_.validity.grow((rows + 7) / 8);
    }
    std::size_t tasks() const { return (to_.rows + rows_per_task - 1) / rows_per_task; }

    // First all tasks of `measure`, then all of `fill`.
    void measure(std::size_t task) {
        if (from_.type != type_id::text) return;
        const text_values texts(from_);
        std::int64_t bytes = 0;
        each_row(task, [&](std::size_t, std::size_t row) { bytes += static_cast<std::int64_t>(texts[row].size()); });
        text_begins_[task + 1] = bytes;
    }
    void make_room() {
        for (std::size_t i = 1; i < text_begins_.size(); ++i) text_begins_[i] += text_begins_[i - 1];
        if (!text_begins_.empty()) to_.bytes.grow(static_cast<std::size_t>(text_begins_.back()));
    }
    void fill(std::size_t task) {
        if (from_.type == type_id::text) {
            fill_texts(task);
        } else {
            const std::size_t bytes = from_.width * size_of(from_.type);
            switch (bytes) {
                case 1: copy<1>(task); break;
                case 4: copy<4>(task); break;
                case 8: copy<8>(task); break;
                default: each_row(task, [&](std::size_t i, std::size_t row) { std::memcpy(to_.values.data() + i * bytes, from_.values.data() + row * bytes, bytes); });
            }
        }
        if (!from_.nullable) return;
        const std::uint8_t* bits = from_.validity_bits();
        auto* out = reinterpret_cast<std::uint8_t*>(to_.validity.data());
        unsigned byte = 0;
        each_row(task, [&](std::size_t i, std::size_t row) {
            byte |= unsigned{bit_at(bits, row)} << (i & 7);
            if ((i & 7) == 7 || i + 1 == to_.rows) out[i >> 3] = static_cast<std::uint8_t>(std::exchange(byte, 0u));
        });
    }
    Column take() { return std::move(to_); }

private:
    template <class F>
    void each_row(std::size_t task, F&& f) const {
        const std::size_t end = std::min(to_.rows, (task + 1) * rows_per_task);
        for (std::size_t i = task * rows_per_task; i < end; ++i) f(i, std::size_t{order_[i]});
    }
    template <std::size_t Bytes>
    void copy(std::size_t task) {
        std::byte* to = to_.values.data();
        const std::byte* from = from_.values.data();
        each_row(task, [&](std::size_t i, std::size_t row) { std::memcpy(to + i * Bytes, from + row * Bytes, Bytes); });
    }
    void fill_texts(std::size_t task) {
        constexpr std::size_t ahead = 16;
        const text_values texts(from_);
        auto* out = reinterpret_cast<std::int64_t*>(to_.values.data()) + 1;
        std::byte* bytes = to_.bytes.data();
        std::int64_t at = text_begins_[task];
        each_row(task, [&](std::size_t i, std::size_t row) {
            if (i + ahead < to_.rows) __builtin_prefetch(texts[order_[i + ahead]].data());
            const std::string_view t = texts[row];
            copy_text(bytes + at, t);
            at += static_cast<std::int64_t>(t.size());
            out[i] = at;
        });
    }

    const Column& from_;
    const std::uint32_t* order_;
    Column to_;
    std::vector<std::int64_t> text_begins_{};
};

}  // namespace SEGKIT_NAMESPACE::detail
