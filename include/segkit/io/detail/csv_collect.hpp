// segkit/io/detail/csv_collect.hpp: whole CSV columns straight to their final place in memory.
//
// No file has more rows than its bytes have room for, so memory can be set aside before they are counted: pages that are
// never touched cost nothing. A block is given its place among the rows as soon as it is indexed, and converted into it;
// nothing is copied or merged, and the columns do not depend on the number of workers. A worker reads a few blocks ahead
// before it waits for the blocks before its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/io/detail/csv_convert.hpp>
#include <segkit/io/detail/csv_reader.hpp>
#include <segkit/io/detail/csv_run.hpp>
#include <segkit/io/detail/csv_texts.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Sets bits [begin, begin + count) of a bitmap that is zero there. The outer bytes may be shared with other threads.
inline void csv_place_bits(std::uint8_t* bitmap, std::size_t begin, const std::uint8_t* bits, std::size_t count) {
    const unsigned shift = begin % 8;
    std::uint8_t* const out = bitmap + begin / 8;
    const std::size_t bytes = (shift + count + 7) / 8;
    const auto add = [](std::uint8_t& to, unsigned value) { std::atomic_ref<std::uint8_t>(to).fetch_or(static_cast<std::uint8_t>(value), std::memory_order_relaxed); };
    unsigned carried = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
        if constexpr (std::endian::native == std::endian::little) {    // eight bytes at once, between the outer ones
            for (; i != 0 && i + 8 < bytes && i * 8 + 64 <= count; i += 8) {
                std::uint64_t word;
                std::memcpy(&word, bits + i, 8);
                const std::uint64_t whole = (word << shift) | carried;
                std::memcpy(out + i, &whole, 8);
                carried = static_cast<unsigned>(shift ? word >> (64 - shift) : 0);
            }
        }
        unsigned value = i * 8 < count ? bits[i] : 0u;
        if (i * 8 < count && count - i * 8 < 8) value &= (1u << (count - i * 8)) - 1;
        const unsigned whole = carried | (value << shift);
        carried = whole >> 8;
        if (i == 0 || i + 1 == bytes) add(out[i], whole & 0xFF);
        else out[i] = static_cast<std::uint8_t>(whole);
    }
}

class csv_column_reader {
public:
    // `to`: a column for each of the schema's, with the rows so far. Those that are read get room for all that can come.
    csv_column_reader(csv_run& run, table_data& to) : run_(run), to_(to) {
        const auto bytes = static_cast<std::size_t>(run.bytes());
        const std::size_t most_rows = to.rows + bytes / to.columns.size() + run.inputs() + 1;    // a field has its delimiter at least
        for (std::size_t slot = 0; slot < to.columns.size(); ++slot) {
            column_data& column = to.columns[slot];
            const bool needed = run.wanted.needs(slot);
            const std::size_t value_bytes = needed ? (most_rows + 1) * size_of(column.type) : 0;
            const std::size_t text_bytes = needed && column.type == type_id::text ? column.bytes.size() + bytes : 0;
            if (value_bytes) column.values.reserve(value_bytes);
            if (text_bytes) column.bytes.reserve(text_bytes + 1);
            if (needed && column.nullable) column.validity.reserve(most_rows / 8 + 1);
            text_ends_.push_back(column.bytes.size());
            values_cleared_.emplace_back(column.values, value_bytes);
            bytes_cleared_.emplace_back(column.bytes, text_bytes);
        }
    }

    // A block passes as soon as it may, and is converted after that: so nobody waits while somebody converts.
    void work() {
        std::vector<place> places(read_ahead);
        std::vector<std::size_t> idle, indexed, passed;    // the place used last is used first: it is in cache
        for (std::size_t i = read_ahead; i-- > 0;) idle.push_back(i);
        const auto take_first = [](std::vector<std::size_t>& from) {
            const std::size_t first = from.front();
            from.erase(from.begin());
            return first;
        };
        finder fields;
        bool more = true;
        while (more || !indexed.empty() || !passed.empty()) {
            const bool may_wait = passed.empty() && (idle.empty() || !more);
            while (!indexed.empty() && (run_.is_known(places[indexed.front()].number) || (may_wait && passed.empty()))) {
                passed.push_back(take_first(indexed));
                pass(places[passed.back()], fields);
            }
            if (!passed.empty()) {
                idle.push_back(take_first(passed));
                fill(places[idle.back()], fields);
            } else if (more && !idle.empty()) {
                place& p = places[idle.back()];
                p.number = run_.next++;
                more = run_.is_to_be_read(p.number);
                p.present = run_.prepare(p.batch, p.number);
                if (p.present) measure(p, fields);
                indexed.push_back(idle.back());
                idle.pop_back();
            }
        }
    }

    // After all workers have ended: so many rows there are now.
    void finish(std::size_t rows) {
        for (std::size_t i = 0; i < to_.columns.size(); ++i) {
            if (!run_.wanted.needs(i)) continue;
            column_data& column = to_.columns[i];
            const bool text = column.type == type_id::text;
            column.values.grow((rows + text) * size_of(column.type) - column.values.size());
            if (text) column.bytes.grow(text_ends_[i] - column.bytes.size());
            if (column.nullable) column.validity.grow((rows + 7) / 8 - column.validity.size());
            column.rows = rows;
        }
        to_.rows = rows;
    }

private:
    static constexpr std::size_t read_ahead = 6;
    static constexpr std::size_t stretch_rows = 512;    // converted column by column while their text is in the nearest cache

    struct place {
        csv_batch batch;
        std::uint64_t number = 0;
        bool present = false;
        std::vector<std::size_t> text_bytes{};    // of each text column of the schema
        std::vector<std::size_t> text_begins{};
        std::vector<std::uint8_t> validity{};     // of each column of the input
    };

    // What finds the fields of a worker's batches. Columns stand in other places in another input.
    struct finder {
        csv_places places{chunk_rows, simd_level()};
        std::shared_ptr<const csv_open_input> input{};    // whose batches it is ready for

        void begin(const csv_batch& batch, std::size_t first, std::size_t rows) {
            if (input != batch.input) {
                input = batch.input;
                places.want(input->positions);
            }
            places.begin(batch, first, rows);
        }
    };

    // Memory that is reserved, and cleared page by page: the first touch of a large page clears it, and two workers at once
    // would both do it. So a page has one who touches it, as a rule before anybody gets there; who is late finds others' values.
    class cleared_memory {
    public:
        cleared_memory(buffer& memory, std::size_t reserved)
            : memory_(memory.data()), begin_(memory.size()), reserved_(reserved), cleared_((memory.size() + large_page - 1) / large_page * large_page) {}

        // `end`: of what will be written by now, when so much of the file has been read.
        void clear(std::size_t end, double share_read) {
            const auto at_last = begin_ + static_cast<std::size_t>(static_cast<double>(end - begin_) / share_read);
            const std::size_t ahead = end + large_page < at_last ? end + large_page : at_last < end ? end : at_last;
            const std::size_t wanted = ahead < reserved_ ? ahead : reserved_;
            for (std::size_t page = cleared_.load(std::memory_order_relaxed); page < wanted;)
                if (cleared_.compare_exchange_weak(page, page + large_page, std::memory_order_relaxed)) touch_page(memory_ + page);
        }

    private:
        std::byte* memory_;
        std::size_t begin_, reserved_;
        std::atomic<std::size_t> cleared_;
    };

    // A text without bytes is the empty text or a null; nothing else is to be decided.
    bool is_plain(const csv_column& column) const {
        const csv_null_rule& nulls = run_.settings.nulls;
        return !column.field.nullable || (nulls.spellings.empty() && !nulls.quoted_is_text);
    }

    // f(text, is null) for each field of a text column, in order; doubled quotes are still double.
    template <class F>
    void each_text(const csv_fields_of_column& fields, const csv_column& column, F&& f) const {
        const csv_null_rule& nulls = run_.settings.nulls;
        const bool nullable = column.field.nullable;
        for (std::size_t r = 0; r < fields.rows; ++r) {
            const std::string_view text = fields.field(r);
            f(text, nullable && csv_is_null_text(text.data(), text, nulls));
        }
    }

    // The bytes of the texts, before it is known where they go.
    void measure(place& p, finder& fields) const {
        const csv_batch& batch = p.batch;
        p.text_bytes.assign(to_.columns.size(), 0);
        for (const csv_column& column : batch.input->columns) {
            if (column.kernel) continue;
            std::size_t bytes = 0;
            if (is_plain(column) && !batch.findings.doubled && csv_is_uniform(batch, column.position)) {
                const std::uint32_t* const starts = batch.starts + column.position;
                const std::uint32_t* const ends = batch.ends + column.position;
                for (std::size_t at = 0; at < batch.rows * batch.columns; at += batch.columns) bytes += ends[at] - starts[at];
                p.text_bytes[column.slot] = bytes - batch.rows * (batch.findings.quotes ? 3 : 1);    // the delimiter, and two quotes
                continue;
            }
            each_stretch(batch, fields, chunk_rows, [&](std::size_t, std::size_t rows) {
                const csv_fields_of_column of = fields.places.of(column.position, nullptr, rows);
                const bool plain = is_plain(column);
                each_text(of, column, [&](std::string_view text, bool null) {
                    if (plain || !null) bytes += text.size();
                    if (!plain && !null && batch.findings.doubled) bytes -= static_cast<std::size_t>(std::count(text.begin(), text.end(), '"')) / 2;
                });
                if (plain && batch.findings.doubled) bytes -= texts_.count_quotes(of) / 2;
                return true;
            });
            p.text_bytes[column.slot] = bytes;
        }
    }

    // f(first row, rows) for stretches of a batch, until it says no.
    template <class F>
    static void each_stretch(const csv_batch& batch, finder& fields, std::size_t most_rows, F&& f) {
        for (std::size_t first = 0; first < batch.rows; first += most_rows) {
            const std::size_t rows = batch.rows - first < most_rows ? batch.rows - first : most_rows;
            fields.begin(batch, first, rows);
            if (!f(first, rows)) return;
        }
    }

    void pass(place& p, finder& fields) {
        run_.pass(p.present ? &p.batch : nullptr, p.number, [&](bool again) {
            if (again) measure(p, fields);
            p.text_begins = text_ends_;
            const std::size_t begin = p.batch.first_row;
            const std::size_t end = begin + p.batch.rows;
            for (std::size_t i = 0; i < to_.columns.size(); ++i) {
                text_ends_[i] += p.text_bytes[i];
                column_data& column = to_.columns[i];
                if (column.nullable && column.validity.data()) std::memset(column.validity.data() + (begin + 7) / 8, 0, (end + 7) / 8 - (begin + 7) / 8);    // nobody is there yet
            }
        });
    }

    void fill(place& p, finder& fields) {
        if (!p.present || run_.is_behind_failure(p.number)) return;
        const double share = static_cast<double>(p.number + 1) / static_cast<double>(run_.blocks());
        for (const csv_column& column : p.batch.input->columns) {
            const std::size_t i = column.slot;
            values_cleared_[i].clear((p.batch.first_row + p.batch.rows + 1) * size_of(to_.columns[i].type), share);
            bytes_cleared_[i].clear(p.text_begins[i] + p.text_bytes[i], share);
        }
        try {
            convert(p, fields);
            if (p.batch.failure) run_.fail(p.number, p.batch.failure);
        } catch (...) {
            run_.fail(p.number, std::current_exception());
        }
    }

    void convert(place& p, finder& fields) {
        const csv_batch& batch = p.batch;
        const std::size_t bitmap_bytes = (batch.rows + 7) / 8;
        p.validity.resize(batch.input->columns.size() * bitmap_bytes);
        std::optional<error_details> refused;
        each_stretch(batch, fields, stretch_rows, [&](std::size_t first, std::size_t rows) {
            std::uint8_t* bits = p.validity.data() + first / 8;
            for (const csv_column& column : batch.input->columns) {
                column_data& to = to_.columns[column.slot];
                const csv_fields_of_column of = fields.places.of(column.position, nullptr, rows);
                const std::size_t row = batch.first_row + first;
                std::uint8_t* const validity = to.nullable ? bits : nullptr;
                bits += bitmap_bytes;
                std::size_t good = rows;
                if (column.kernel) good = column.kernel({of, to.values.data() + row * size_of(to.type), validity, &run_.settings.nulls, column.format, column.point()});
                else place_texts(p, column, of, row, validity);
                if (good == rows) continue;
                refused = csv_refused_field(batch, of.field(good), first + good, column, run_.settings.nulls, batch.input->reader.labels());
                rows = good;    // a later one stands in an earlier row
            }
            return !refused;
        });
        if (refused) throw error(std::move(*refused));
        const std::uint8_t* bits = p.validity.data();
        for (const csv_column& column : batch.input->columns) {
            column_data& to = to_.columns[column.slot];
            if (to.nullable) csv_place_bits(reinterpret_cast<std::uint8_t*>(to.validity.data()), batch.first_row, bits, batch.rows);
            bits += bitmap_bytes;
        }
    }

    void place_texts(place& p, const csv_column& column, const csv_fields_of_column& fields, std::size_t row, std::uint8_t* validity) {
        const std::size_t i = column.slot;
        column_data& to = to_.columns[i];
        std::byte* at = to.bytes.data() + p.text_begins[i];
        const std::byte* const own_end = at + p.text_bytes[i];
        auto* const offsets = reinterpret_cast<std::int64_t*>(to.values.data()) + row + 1;
        if (is_plain(column)) {
            at = (p.batch.findings.doubled ? texts_.place_doubled : texts_.place)(fields, at, own_end, at - to.bytes.data(), offsets, validity);
        } else {
            std::size_t r = 0;
            each_text(fields, column, [&](std::string_view text, bool null) {
                if (validity) csv_put_bit(validity, r, !null);
                if (!null) at = texts_.single(text, at, own_end);
                offsets[r++] = at - to.bytes.data();
            });
        }
        p.text_bytes[i] = static_cast<std::size_t>(own_end - at);
        p.text_begins[i] = static_cast<std::size_t>(at - to.bytes.data());
    }

    csv_run& run_;
    table_data& to_;
    csv_text_functions texts_ = csv_text_functions_at(simd_level());
    std::vector<std::size_t> text_ends_;    // these are of whose turn it is
    std::deque<cleared_memory> values_cleared_, bytes_cleared_;    // of each column
};

}  // namespace SEGKIT_NAMESPACE::detail
