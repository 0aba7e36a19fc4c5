// segkit/query/detail/sort_engine.hpp: rows in the order of one or several key columns.
//
// 1. Each row's keys become one code of at most 64 bits whose order is the order of the rows (sort_codes.hpp).
// 2. Rows are dealt, as records of their code and of what is wanted of them, into buckets of neighbouring codes that fit the second
//    cache. So nothing is fetched from all over memory: a value is read where it lies, and written where its bucket ends.
// 3. Each bucket is sorted by radix and its records are taken apart into columns. Where codes cannot tell rows apart, because
//    keys are wider than 64 bits, the rows themselves are compared (sort_ties.hpp).
// Cost: O(n) where the codes suffice; a record of each row beside the result. Rows with equal codes stay in the order they
// were dealt in, which is that of the rows, however the work was divided.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/gather.hpp>
#include <segkit/query/detail/sort_codes.hpp>
#include <segkit/query/detail/sort_ties.hpp>
#include <segkit/table/column.hpp>

namespace SEGKIT_NAMESPACE::detail {

// (A template only so that it is compiled where it is used.)
template <class Column>
class sort_engine {
public:
    using key = sort_key_column;

    sort_engine(std::vector<key> keys, std::size_t rows) : rows_(rows), codes_(std::move(keys), rows), ties_(codes_.keys()) {}
    sort_engine(const sort_engine&) = delete;
    sort_engine& operator=(const sort_engine&) = delete;

    // The row numbers in order; rows with equal keys keep theirs.
    owned_memory<std::uint32_t> order(executor_ref executor) {
        auto order = take_memory<std::uint32_t>(rows_);
        codes_.find(executor);
        fields_.push_back({.of = content::row, .bytes = sizeof(std::uint32_t), .to = reinterpret_cast<std::byte*>(order.get())});
        run(executor);
        return order;
    }

    // Columns in the order of the rows. Text refers to the bytes of the column it comes from.
    std::vector<Column> columns(const std::vector<const Column*>& from, executor_ref executor) {
        std::vector<Column> sorted;
        std::vector<owned_memory<std::uint8_t>> valid(from.size());
        std::vector<owned_memory<std::uint32_t>> order(from.size());    // of lists, and where texts cannot be referred to
        codes_.find(executor);
        for (std::size_t i = 0; i < from.size(); ++i) {
            const Column& c = *from[i];
            Column& to = sorted.emplace_back(c.type, c.nullable);
            if (is_list_type(c.type) || (c.type == type_id::text && !can_refer_to(c, executor))) {
                order[i] = take_memory<std::uint32_t>(rows_);
                fields_.push_back({.of = content::row, .bytes = sizeof(std::uint32_t), .to = reinterpret_cast<std::byte*>(order[i].get())});
                continue;
            }
            to.rows = rows_;
            to.width = c.width;
            to.dictionary = c.dictionary;
            to.values.cut();
            if (c.type == type_id::text) {
                to.refers = true;
                to.bytes = c.bytes;
            }
            const std::size_t bytes = c.width * size_of(c.type);
            const content of = codes_.tells(c) ? content::key : c.type == type_id::text && !c.refers ? content::text : content::value;
            fields_.push_back({.of = of, .bytes = bytes, .from = &c, .to = to.values.grow(rows_ * bytes)});
            if (!c.nullable) continue;
            valid[i] = take_memory<std::uint8_t>(rows_ + 8);
            fields_.push_back({.of = content::valid, .bytes = 1, .from = &c, .to = reinterpret_cast<std::byte*>(valid[i].get())});
        }
        run(executor);
        for (std::size_t i = 0; i < from.size(); ++i) {
            for (std::size_t row = 0; order[i] && row < rows_; ++row) append_row(sorted[i], *from[i], order[i][row]);
            if (valid[i]) pack_bits(valid[i].get(), sorted[i].validity.grow((rows_ + 7) / 8), executor);
        }
        return sorted;
    }

private:
    static constexpr std::size_t rows_per_step = 256;       // whose records stay in the first cache while they are written
    static constexpr std::size_t most_ranges = 16;          // of rows, when they are dealt
    static constexpr std::size_t rows_per_bucket = 4096;
    static constexpr std::size_t buckets_per_task = 8;
    static constexpr std::size_t rows_of_large = std::size_t{1} << 16;    // a bucket with more is dealt once more
    static constexpr unsigned most_cell_bits = 16, fewer_cell_bits = 12;

    // What a record has besides its code.
    enum class content : std::uint8_t { value, text, valid, row, key };
    struct field {
        content of = content::value;
        std::size_t bytes = 0;
        const Column* from = nullptr;
        std::byte* to = nullptr;    // its values in the result
        std::size_t at = 0;         // in the record
    };
    struct bucket {
        std::size_t begin = 0, rows = 0;
        std::uint64_t base = 0;    // the least code
        unsigned bits = 0;         // of a code less that one
    };
    // The codes of a bucket cut into at most 2^cell_bits cells: even ones, unless a sample says that some of these would hold many
    // rows (doubles of one magnitude share their first bits). Then 1024 even cells are cut once more, each by its share of the rows.
    class code_cells {
    public:
        template <class CodeOfRow>
        code_cells(const bucket& all, unsigned cell_bits, CodeOfRow&& code_of_row)
            : base_(all.base), last_(all.bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << all.bits) - 1), shift_(all.bits - cell_bits), size_(std::size_t{1} << cell_bits) {
            constexpr std::size_t samples = 4096;
            if (cell_bits <= coarse_bits || all.rows < 16 * samples) return;
            const unsigned coarse_shift = all.bits - coarse_bits;
            std::vector<std::size_t> sampled(coarse_cells, 0);
            for (std::size_t i = 0; i < samples; ++i) ++sampled[(code_of_row(all.rows / samples * i) - base_) >> coarse_shift];
            const std::size_t most = *std::max_element(sampled.begin(), sampled.end());
            if (most * (all.rows / samples) <= 2 * rows_per_bucket * (size_ / coarse_cells)) return;
            shift_ = coarse_shift;
            const std::size_t to_share = size_ - coarse_cells;
            size_ = 0;
            for (const std::size_t n : sampled) {
                const std::size_t share = n * to_share / samples;
                const unsigned bits = share == 0 ? 0 : std::min(static_cast<unsigned>(std::bit_width(share)) - 1, coarse_shift);
                cut_.push_back({static_cast<std::uint32_t>(size_), coarse_shift - bits});
                size_ += std::size_t{1} << bits;
            }
        }
        bool even() const { return cut_.empty(); }
        std::size_t size() const { return size_; }
        std::size_t even_cell_of(std::uint64_t code) const { return static_cast<std::size_t>(shift_ == 64 ? 0 : (code - base_) >> shift_); }
        std::size_t cell_of(std::uint64_t code) const {
            const std::uint64_t away = code - base_;
            const cut& c = cut_[static_cast<std::size_t>(away >> shift_)];
            return c.first + static_cast<std::size_t>((away & ((std::uint64_t{1} << shift_) - 1)) >> c.shift);
        }
        // What lies in a cell.
        std::uint64_t least_code(std::size_t cell) const {
            if (even()) return base_ + (shift_ == 64 ? 0 : std::uint64_t{cell} << shift_);
            const auto after = std::upper_bound(cut_.begin(), cut_.end(), cell, [](std::size_t c, const cut& x) { return c < x.first; });
            const auto coarse = static_cast<std::size_t>(after - cut_.begin()) - 1;
            return base_ + (std::uint64_t{coarse} << shift_) + (std::uint64_t{cell - cut_[coarse].first} << cut_[coarse].shift);
        }
        std::uint64_t greatest_code(std::size_t cell) const { return cell + 1 == size_ ? base_ + last_ : least_code(cell + 1) - 1; }

    private:
        static constexpr unsigned coarse_bits = 10;
        static constexpr std::size_t coarse_cells = std::size_t{1} << coarse_bits;
        struct cut {
            std::uint32_t first;    // of the cells that one of the 1024 is cut into
            std::uint32_t shift;
        };
        std::uint64_t base_, last_;
        unsigned shift_;
        std::size_t size_;
        std::vector<cut> cut_{};
    };
    // Memory of one task.
    struct workplace {
        std::vector<std::uint64_t> words{}, other{};
        std::vector<std::uint32_t> place{}, rows{}, run{};
        std::vector<std::pair<std::size_t, std::size_t>> tied{};

        void make_room(std::size_t n) {
            if (place.size() >= n) return;
            words.resize(n);
            other.resize(n);
            place.resize(n);
        }
    };

    void run(executor_ref executor) {
        if (rows_ == 0) return;
        if (!codes_.exact()) {    // to compare the rows themselves
            bool has_row = false;
            for (const field& f : fields_) has_row = has_row || f.of == content::row;
            if (!has_row) fields_.push_back({.of = content::row, .bytes = sizeof(std::uint32_t)});
        }
        if (codes_.bits() <= 32) deal_and_sort<std::uint32_t>(executor);
        else deal_and_sort<std::uint64_t>(executor);
    }

    static void append_row(Column& to, const Column& from, std::size_t row) {
        if (from.nullable && !bit_at(from.validity_bits(), row)) to.append_null();
        else if (is_list_type(from.type)) to.append_list(from.list_at(row));
        else to.append_value(text_values(from)[row]);
    }

    // ---- records

    // Wide fields first; a record is a number of words.
    template <class Code>
    void lay_out_record() {
        record_bytes_ = sizeof(Code);
        for (const bool wide : {true, false})
            for (field& f : fields_) {
                if (f.of == content::key || (f.bytes % 8 == 0) != wide) continue;
                f.at = record_bytes_;
                record_bytes_ += f.bytes;
                if (f.of == content::row) row_at_ = f.at;
            }
        record_bytes_ = (record_bytes_ + 7) / 8 * 8;
    }

    // Writes a field of the rows [begin, begin + n) into their records.
    void write_field(const field& f, std::size_t begin, std::size_t n, std::byte* const* records) const {
        const std::size_t at = f.at;
        switch (f.of) {
            case content::row:
                for (std::size_t i = 0; i < n; ++i) {
                    const auto row = static_cast<std::uint32_t>(begin + i);
                    std::memcpy(records[i] + at, &row, sizeof row);
                }
                return;
            case content::valid:
                for (std::size_t i = 0; i < n; ++i) records[i][at] = std::byte{bit_at(f.from->validity_bits(), begin + i)};
                return;
            case content::text: {
                const std::uint64_t* ends = f.from->places() + begin;
                for (std::size_t i = 0; i < n; ++i) {
                    const std::uint64_t place = text_place::of(ends[i], ends[i + 1] - ends[i]);
                    std::memcpy(records[i] + at, &place, sizeof place);
                }
                return;
            }
            case content::value: {
                const std::byte* values = f.from->values.data() + begin * f.bytes;
                with_bytes(f.bytes, [&]<std::size_t Bytes>(std::integral_constant<std::size_t, Bytes>) {
                    const std::size_t bytes = Bytes != 0 ? Bytes : f.bytes;
                    for (std::size_t i = 0; i < n && bytes != 0; ++i) std::memcpy(records[i] + at, values + i * bytes, bytes);
                });
                return;
            }
            case content::key: return;
        }
    }

    // Writes a field of the records of a bucket, in their order, into the result.
    template <class Code>
    void read_field(const field& f, const std::byte* records, const bucket& b, const std::uint32_t* place) const {
        if (!f.to) return;
        std::byte* to = f.to + b.begin * f.bytes;
        const std::size_t stride = record_bytes_;
        if (f.of == content::key) {
            codes_.with_told([&](auto&& told) {
                for (std::size_t i = 0; i < b.rows; ++i) {
                    const auto value = told(code_in<Code>(records + place[i] * stride));
                    std::memcpy(to + i * sizeof value, &value, sizeof value);
                }
            });
            return;
        }
        const std::byte* from = records + f.at;
        with_bytes(f.bytes, [&]<std::size_t Bytes>(std::integral_constant<std::size_t, Bytes>) {
            const std::size_t bytes = Bytes != 0 ? Bytes : f.bytes;
            for (std::size_t i = 0; i < b.rows && bytes != 0; ++i) std::memcpy(to + i * bytes, from + place[i] * stride, bytes);
        });
    }
    template <class Code>
    static std::uint64_t code_in(const std::byte* record) {
        Code code;
        std::memcpy(&code, record, sizeof code);
        return code;
    }

    // ---- dealing

    // Records in buckets, that the result has from a row on.
    struct dealt_rows {
        owned_memory<std::byte> records;
        std::size_t first = 0;
        std::vector<bucket> buckets{};
    };

    template <class Code>
    void deal_and_sort(executor_ref executor) {
        lay_out_record<Code>();
        const auto codes = take_memory<Code>(rows_);
        const auto encode = [&](std::size_t begin, std::size_t n, std::uint64_t* out) {
            codes_.encode(begin, begin + n, out);
            for (std::size_t i = 0; i < n; ++i) codes[begin + i] = static_cast<Code>(out[i]);
        };
        const auto code_at = [&](std::size_t i) { return std::uint64_t{codes[i]}; };
        const auto write = [&](std::size_t begin, std::size_t n, std::byte* const* here) {
            for (std::size_t i = 0; i < n; ++i) std::memcpy(here[i], &codes[begin + i], sizeof(Code));
            for (const field& f : fields_) write_field(f, begin, n, here);
        };
        sort_buckets<Code>(deal({0, rows_, 0, codes_.bits()}, most_cell_bits, executor, encode, code_at, write), executor);
    }

    // Deals the rows of a bucket into smaller ones: codes_of(begin, n, out) gives codes while they are counted, code_at(i) gives them
    // again, write(begin, n, where) writes the records.
    template <class Codes, class CodeAt, class Write>
    dealt_rows deal(const bucket& all, unsigned most_bits, executor_ref executor, Codes&& codes_of, CodeAt&& code_at, Write&& write) const {
        const std::size_t rows = all.rows;
        const unsigned cell_bits = std::min({all.bits, most_bits, static_cast<unsigned>(std::bit_width(rows / 16))});
        const code_cells cells(all, cell_bits, [&](std::size_t row) {
            std::uint64_t code = 0;
            codes_of(row, 1, &code);
            return code;
        });
        if (cells.even()) return deal_into(cells, [&cells](std::uint64_t code) { return cells.even_cell_of(code); }, all, executor, codes_of, code_at, write);
        return deal_into(cells, [&cells](std::uint64_t code) { return cells.cell_of(code); }, all, executor, codes_of, code_at, write);
    }
    template <class CellOf, class Codes, class CodeAt, class Write>
    dealt_rows deal_into(const code_cells& cells, CellOf cell_of, const bucket& all, executor_ref executor, Codes& codes_of, CodeAt& code_at, Write& write) const {
        const std::size_t rows = all.rows, n_cells = cells.size();
        const std::size_t ranges = std::min(most_ranges, rows / codes_.rows_per_task + 1);
        const std::size_t per_range = (rows + ranges - 1) / ranges;
        const auto each_step = [&](std::size_t range, auto&& f) {
            const std::size_t end = std::min(rows, (range + 1) * per_range);
            for (std::size_t begin = std::min(range * per_range, end); begin < end; begin += rows_per_step) f(begin, std::min(rows_per_step, end - begin));
        };

        // How many of each range of rows lie in each cell.
        std::vector<std::vector<std::uint32_t>> counts(ranges);
        executor.run(ranges, [&](std::size_t r) {
            counts[r].assign(n_cells, 0);
            std::uint64_t codes[rows_per_step];
            each_step(r, [&](std::size_t begin, std::size_t n) {
                codes_of(begin, n, codes);
                for (std::size_t i = 0; i < n; ++i) ++counts[r][cell_of(codes[i])];
            });
        });

        // Neighbouring cells make a bucket of a size that suits the cache.
        dealt_rows dealt{take_memory<std::byte>(rows * record_bytes_), all.begin};
        std::vector<std::uint16_t> bucket_of(n_cells);
        const auto close = [&](std::size_t first_cell, std::size_t end_cell, std::size_t begin, std::size_t n) {
            const std::uint64_t base = cells.least_code(first_cell);
            dealt.buckets.push_back({all.begin + begin, n, base, static_cast<unsigned>(std::bit_width(cells.greatest_code(end_cell - 1) - base))});
        };
        for (std::size_t cell = 0, first = 0, in_bucket = 0, begin = 0; cell < n_cells; ++cell) {
            std::size_t in_cell = 0;
            for (const auto& c : counts) in_cell += c[cell];
            if (in_bucket && in_bucket + in_cell > rows_per_bucket) {
                close(first, cell, begin, in_bucket);
                begin += std::exchange(in_bucket, 0);
                first = cell;
            }
            in_bucket += in_cell;
            bucket_of[cell] = static_cast<std::uint16_t>(dealt.buckets.size());
            if (cell + 1 == n_cells) close(first, n_cells, begin, in_bucket);
        }

        // Where the rows of a range go in each bucket.
        const std::size_t n_buckets = dealt.buckets.size();
        std::vector<std::uint32_t> at(ranges * n_buckets, 0);
        for (std::size_t r = 0; r < ranges; ++r)
            for (std::size_t cell = 0; cell < n_cells; ++cell) at[r * n_buckets + bucket_of[cell]] += counts[r][cell];
        for (std::size_t b = 0; b < n_buckets; ++b) {
            auto next = static_cast<std::uint32_t>(dealt.buckets[b].begin - all.begin);
            for (std::size_t r = 0; r < ranges; ++r) next += std::exchange(at[r * n_buckets + b], next);
        }
        counts.clear();
        const std::size_t last_byte = record_bytes_ - 1;
        executor.run(ranges, [&](std::size_t r) {
            std::uint32_t* next = &at[r * n_buckets];
            std::byte* here[rows_per_step];
            each_step(r, [&](std::size_t begin, std::size_t n) {
                for (std::size_t i = 0; i < n; ++i) {
                    here[i] = dealt.records.get() + std::size_t{next[bucket_of[cell_of(code_at(begin + i))]]++} * record_bytes_;
                    __builtin_prefetch(here[i], 1);
                    __builtin_prefetch(here[i] + last_byte, 1);
                }
                write(begin, n, here);
            });
        });
        return dealt;
    }

    // Sorts all buckets and takes their records apart. Large ones, of which there are few, by all threads together.
    template <class Code>
    void sort_buckets(dealt_rows dealt, executor_ref executor) const {
        const auto records_of = [&](const bucket& b) { return dealt.records.get() + (b.begin - dealt.first) * record_bytes_; };
        executor.run((dealt.buckets.size() + buckets_per_task - 1) / buckets_per_task, [&](std::size_t task) {
            workplace w;
            for (std::size_t i = task * buckets_per_task; i < std::min(dealt.buckets.size(), (task + 1) * buckets_per_task); ++i) {
                const bucket& b = dealt.buckets[i];
                if (b.rows > rows_of_large) continue;
                w.make_room(b.rows);
                sort_bucket<Code>(b, records_of(b), w);
                for (const field& f : fields_) read_field<Code>(f, records_of(b), b, w.place.data());
            }
        });
        for (const bucket& b : dealt.buckets)
            if (b.rows > rows_of_large) sort_large<Code>(b, records_of(b), executor);
    }

    template <class Code>
    void sort_large(bucket b, const std::byte* records, executor_ref executor) const {
        const std::size_t stride = record_bytes_;
        const auto code_at = [&](std::size_t i) { return code_in<Code>(records + i * stride); };
        const std::size_t tasks = (b.rows + rows_of_large - 1) / rows_of_large;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> extents(tasks);
        executor.run(tasks, [&](std::size_t task) {
            std::pair<std::uint64_t, std::uint64_t> e{code_at(task * rows_of_large), code_at(task * rows_of_large)};
            for (std::size_t i = task * rows_of_large; i < std::min(b.rows, (task + 1) * rows_of_large); ++i) {
                e.first = std::min(e.first, code_at(i));
                e.second = std::max(e.second, code_at(i));
            }
            extents[task] = e;
        });
        std::uint64_t least = extents[0].first, greatest = extents[0].second;
        for (const auto& e : extents) {
            least = std::min(least, e.first);
            greatest = std::max(greatest, e.second);
        }
        if (least != greatest) {
            b.base = least;
            b.bits = static_cast<unsigned>(std::bit_width(greatest - least));
            const auto codes_of = [&](std::size_t begin, std::size_t n, std::uint64_t* out) {
                for (std::size_t i = 0; i < n; ++i) out[i] = code_at(begin + i);
            };
            const auto write = [&](std::size_t begin, std::size_t n, std::byte* const* here) {
                for (std::size_t i = 0; i < n; ++i) std::memcpy(here[i], records + (begin + i) * stride, stride);
            };
            return sort_buckets<Code>(deal(b, fewer_cell_bits, executor, codes_of, code_at, write), executor);
        }
        // All are equal as far as the codes go.
        const auto place = take_memory<std::uint32_t>(b.rows);
        executor.run(tasks, [&](std::size_t task) {
            for (std::size_t i = task * rows_of_large; i < std::min(b.rows, (task + 1) * rows_of_large); ++i) place[i] = static_cast<std::uint32_t>(i);
        });
        if (!codes_.exact()) {
            workplace w;
            settle(records, place.get(), b.rows, w);
        }
        executor.run(tasks, [&](std::size_t task) {
            const std::size_t from = task * rows_of_large;
            const bucket part{b.begin + from, std::min(b.rows - from, rows_of_large)};
            for (const field& f : fields_) read_field<Code>(f, records, part, place.get() + from);
        });
    }

    // ---- buckets

    // The places of a bucket's records in order.
    template <class Code>
    void sort_bucket(const bucket& b, const std::byte* records, workplace& w) const {
        const std::size_t n = b.rows, stride = record_bytes_;
        std::uint32_t* place = w.place.data();
        const auto code_at = [&](std::size_t i) { return code_in<Code>(records + i * stride); };
        unsigned drop = 0;    // low bits of a code that do not fit beside the place
        if (n < 2 || b.bits == 0) {
            for (std::size_t i = 0; i < n; ++i) place[i] = static_cast<std::uint32_t>(i);
        } else if (b.bits <= 11 && (std::size_t{1} << b.bits) <= 2 * n) {
            std::uint32_t at[1 << 11];
            std::memset(at, 0, sizeof *at << b.bits);
            for (std::size_t i = 0; i < n; ++i) ++at[code_at(i) - b.base];
            std::uint32_t sum = 0;
            for (std::size_t code = 0; code < std::size_t{1} << b.bits; ++code) sum += std::exchange(at[code], sum);
            for (std::size_t i = 0; i < n; ++i) place[at[code_at(i) - b.base]++] = static_cast<std::uint32_t>(i);
        } else {
            const unsigned place_bits = static_cast<unsigned>(std::bit_width(n - 1));
            drop = b.bits + place_bits > 64 ? b.bits + place_bits - 64 : 0;
            for (std::size_t i = 0; i < n; ++i) w.words[i] = (code_at(i) - b.base) >> drop << place_bits | i;
            sort_words(w.words.data(), w.other.data(), n, place_bits);
            const std::uint64_t mask = (std::uint64_t{1} << place_bits) - 1;
            for (std::size_t i = 0; i < n; ++i) place[i] = static_cast<std::uint32_t>(w.words[i] & mask);
            if (drop) {
                const auto before = [&](std::uint32_t x, std::uint32_t y) { return code_at(x) != code_at(y) ? code_at(x) < code_at(y) : x < y; };
                each_run(n, [&](std::size_t x, std::size_t y) { return w.words[x] >> place_bits == w.words[y] >> place_bits; },
                         [&](std::size_t from, std::size_t to) {
                             if (!std::is_sorted(place + from, place + to, before)) std::sort(place + from, place + to, before);
                         });
            }
        }
        if (codes_.exact()) return;
        // Rows with equal codes, if any: what is compared of them is fetched first, all at once.
        w.tied.clear();
        each_run(n, [&](std::size_t x, std::size_t y) { return code_at(place[x]) == code_at(place[y]); }, [&](std::size_t from, std::size_t to) { w.tied.push_back({from, to}); });
        w.rows.clear();
        for (const auto& [from, to] : w.tied)
            for (std::size_t i = from; i < to && to - from <= rows_per_bucket; ++i) w.rows.push_back(row_in(records + place[i] * stride));
        for (const std::uint32_t row : w.rows) ties_.prefetch_key(row, codes_.first_open());
        for (const std::uint32_t row : w.rows) ties_.prefetch_text(row, codes_.first_open());
        for (const auto& [from, to] : w.tied) settle(records, place + from, to - from, w);
    }
    std::uint32_t row_in(const std::byte* record) const {
        std::uint32_t row;
        std::memcpy(&row, record + row_at_, sizeof row);
        return row;
    }
    // Records with equal codes, in row order: by the keys that are not all in the code.
    void settle(const std::byte* records, std::uint32_t* place, std::size_t n, workplace& w) const {
        const bool all_null = codes_.tells_nulls() && ties_.is_null(row_in(records + place[0] * record_bytes_), codes_.first_open());
        const std::size_t first_open = codes_.first_open() + all_null;
        if (first_open == codes_.keys().size()) return;
        w.rows.resize(n);
        for (std::size_t i = 0; i < n; ++i) w.rows[i] = row_in(records + place[i] * record_bytes_);
        w.run.assign(w.rows.begin(), w.rows.end());
        ties_.settle(w.run.data(), n, first_open);
        if (w.run == w.rows) return;
        std::vector<std::uint32_t> before(place, place + n);
        for (std::size_t i = 0; i < n; ++i) place[i] = before[static_cast<std::size_t>(std::lower_bound(w.rows.begin(), w.rows.end(), w.run[i]) - w.rows.begin())];
    }

    // Sorts words that are all different and whose lowest bits ascend wherever those above are equal: by radix over the upper
    // bits that differ, then what shares these by comparison.
    static void sort_words(std::uint64_t* words, std::uint64_t* other, std::size_t n, unsigned low) {
        if (n <= 48) return insertion_sort(words, n);
        std::uint64_t least = words[0], greatest = words[0];
        for (std::size_t i = 1; i < n; ++i) {
            least = std::min(least, words[i]);
            greatest = std::max(greatest, words[i]);
        }
        const auto bits = static_cast<unsigned>(std::bit_width((least ^ greatest) >> low));    // only bits that differ count
        if (bits == 0) return;
        const unsigned wanted = n <= 2 * rows_per_bucket ? 16 : 24;    // so many bits tell nearly all apart
        const unsigned sorted_bits = std::min(bits, wanted);
        const unsigned shift = low + bits - sorted_bits;
        const unsigned digits = (sorted_bits + 7) / 8;
        const unsigned digit_bits = (sorted_bits + digits - 1) / digits;
        std::uint64_t *from = words, *to = other;
        for (unsigned d = 0; d < digits; ++d) {
            radix_pass(from, to, n, shift + d * digit_bits, digit_bits);
            std::swap(from, to);
        }
        if (from != words) std::memcpy(words, from, n * sizeof *words);
        if (sorted_bits == bits) return;
        each_run(n, [&](std::size_t x, std::size_t y) { return words[x] >> shift == words[y] >> shift; }, [&](std::size_t begin, std::size_t end) {
            if (std::is_sorted(words + begin, words + end)) return;
            if (end - begin <= 32) insertion_sort(words + begin, end - begin);
            else std::sort(words + begin, words + end);
        });
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

    // One bit of each byte. (Buckets do not begin at whole bytes of bits, and several are under way at once.)
    void pack_bits(std::uint8_t* bytes, std::byte* bits, executor_ref executor) const {
        std::memset(bytes + rows_, 0, 8);
        executor.run(codes_.tasks(), [&](std::size_t task) {
            const std::size_t end = std::min(rows_, (task + 1) * codes_.rows_per_task);
            for (std::size_t row = task * codes_.rows_per_task; row < end; row += 8) {
                unsigned byte = 0;
                for (unsigned i = 0; i < 8; ++i) byte |= unsigned{bytes[row + i]} << i;
                bits[row / 8] = static_cast<std::byte>(byte);
            }
        });
    }

    std::size_t rows_;
    sort_codes<key> codes_;
    sort_ties<key> ties_;
    std::vector<field> fields_{};
    std::size_t record_bytes_ = 0, row_at_ = 0;
};

}  // namespace SEGKIT_NAMESPACE::detail
