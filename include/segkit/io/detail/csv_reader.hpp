// segkit/io/detail/csv_reader.hpp: bytes in, batches of whole rows with the ends of their fields out, in file order.
//
// A batch holds the rows that end in one block of the input (in several, where a row is longer than a block), so its
// borders depend on the bytes alone. Nothing is converted here: reading and indexing run at memory speed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/io/detail/csv_index.hpp>
#include <segkit/io/detail/csv_input.hpp>
#include <segkit/io/detail/csv_problem.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Rows of the file. Field f of row r is text[starts[r * columns + f] + 1, ends[r * columns + f]), quotes included.
struct csv_batch {
    char* text() { return storage.get(); }
    const char* text() const { return storage.get(); }

    std::size_t rows = 0;
    std::size_t columns = 0;
    std::size_t first_row = 0;             // in the file, the header not counted
    std::size_t first_line = 1;            // of text[begin]
    std::uint32_t begin = 0;
    const std::uint32_t* starts = nullptr;
    const std::uint32_t* ends = nullptr;
    csv_findings findings{};
    std::exception_ptr failure{};          // what ends the file early, after the rows above

    std::size_t line_of(std::uint32_t position) const {
        return first_line + count_newlines(text() + begin, text() + position);
    }

    std::unique_ptr<char[]> storage;
    std::size_t capacity = 0;
    std::unique_ptr<std::uint32_t[]> positions;
    std::size_t position_capacity = 0;
    std::vector<std::uint32_t> gathered;   // starts, then ends, where blank lines were taken out
};

// Grows an uninitialised array, keeping its first `used` elements.
template <class T>
void ensure_room(std::unique_ptr<T[]>& array, std::size_t& capacity, std::size_t used, std::size_t needed) {
    if (needed <= capacity) return;
    // Growing doubles; a first allocation leaves room for an unfinished row of another length in front.
    const std::size_t larger = used != 0 && needed < 2 * capacity ? 2 * capacity : needed + needed / 16;
    std::unique_ptr<T[]> next(new T[larger]);
    if (used) std::memcpy(next.get(), array.get(), used * sizeof(T));
    array = std::move(next);
    capacity = larger;
}

class csv_reader {
public:
    // Reads as far as the header line, whose names are then in labels().columns.
    csv_reader(const byte_input& input, char delimiter, std::size_t block_bytes)
        : delimiter_(delimiter), block_bytes_(block_bytes), stream_(input.open()), labels_{input.name(), {}} {
        do {
            read_block_rows(first_);
            if (take_header()) return;
        } while (!ended_);
        error_details details{.code = error_code::malformed_document, .stage = "scan_csv", .file = labels_.file};
        details.found = "an empty file";
        details.expected = "a header line with the names of the columns";
        details.advice = "check that the file was written completely";
        throw error(std::move(details));
    }

    const csv_labels& labels() const { return labels_; }

    // The next rows; false at the end. A batch may have no rows.
    bool next(csv_batch& batch) {
        if (!first_given_) {
            first_given_ = true;
            std::swap(batch, first_);
        } else {
            if (ended_) return false;
            read_block_rows(batch);
        }
        arrange(batch);
        return true;
    }

private:
    static constexpr std::uint32_t origin = 64;                        // what begins a buffer is never its first byte
    static constexpr std::uint32_t longest_row = std::uint32_t{1} << 30;

    // Reads blocks into the batch until at least one row has ended, and keeps what follows the last row's end for later.
    void read_block_rows(csv_batch& batch) {
        batch.rows = 0;
        batch.failure = nullptr;
        batch.first_line = line_;
        batch.begin = origin;
        batch.findings = pending_findings_;
        pending_findings_ = {};
        ensure_room(batch.storage, batch.capacity, 0, origin + pending_.size() + block_bytes_ + 128);
        ensure_room(batch.positions, batch.position_capacity, 0, 1 + pending_ends_.size() + block_bytes_ + 128);
        std::memset(batch.text(), '\n', origin);
        if (!pending_.empty()) std::memcpy(batch.text() + origin, pending_.data(), pending_.size());
        std::size_t count = 0;
        batch.positions[count++] = origin - 1;
        for (const std::uint32_t end : pending_ends_) batch.positions[count++] = end + origin;
        end_ = origin + static_cast<std::uint32_t>(pending_.size());
        added_newline_ = 0;
        std::size_t whole = 0;    // positions up to the last row's end
        std::exception_ptr unreadable;

        while (whole == 0 && !ended_) {
            ensure_room(batch.storage, batch.capacity, end_, end_ + block_bytes_ + 128);
            ensure_room(batch.positions, batch.position_capacity, count, count + block_bytes_ + 128);
            const std::size_t got = fill(batch.text() + end_, unreadable);
            std::uint32_t from = end_;
            end_ += static_cast<std::uint32_t>(got);
            if (!begun_) {
                begun_ = true;
                skip_byte_order_mark(batch, got, from);
            }
            ended_ = got < block_bytes_;
            const std::size_t before = count;
            count = index(batch, from, end_, count);
            // A last line without a line end gets one. (A quote still open is reported below instead.)
            const std::uint32_t last_end = batch.positions[count - 1];
            const bool unfinished = end_ > last_end + 1 || (count > 1 && batch.text()[last_end] != '\n');
            if (ended_ && !unreadable && !state_.inside && unfinished) {
                batch.text()[end_] = '\n';
                added_newline_ = end_;
                count = index(batch, end_, end_ + 1, count);
                ++end_;
            }
            for (std::size_t i = count; i > before && whole == 0; --i)
                if (batch.text()[batch.positions[i - 1]] == '\n') whole = i;
            if (batch.findings.bad) break;
            if (end_ - batch.begin > longest_row && whole == 0) {
                batch.failure = std::make_exception_ptr(error(too_long()));
                ended_ = true;
            }
        }
        if (unreadable) batch.failure = unreadable;
        count_ = count;
        whole_ = whole;
        if (!ended_ && whole != 0 && !batch.findings.bad) keep_rest(batch, count, whole);
    }

    // Fills one block, with as many reads as it takes. An error of the stream counts as the end of the bytes.
    std::size_t fill(char* to, std::exception_ptr& unreadable) {
        std::size_t got = 0;
        try {
            while (got < block_bytes_) {
                const std::size_t more = stream_->read(to + got, block_bytes_ - got);
                if (more == 0) break;
                got += more;
            }
        } catch (const error&) {
            unreadable = std::current_exception();
        }
        return got;
    }

    std::size_t index(csv_batch& batch, std::uint32_t from, std::uint32_t to, std::size_t count) {
        std::uint32_t* const end = csv_index(batch.text(), from, to, delimiter_, state_, batch.findings, batch.positions.get() + count);
        return static_cast<std::size_t>(end - batch.positions.get());
    }

    void skip_byte_order_mark(csv_batch& batch, std::size_t got, std::uint32_t& from) {
        const std::string_view text(batch.text() + from, got);
        if (text.starts_with("\x1F\x8B")) throw not_text("gzip-compressed data", "read it through a byte_input that decompresses, or decompress it first");
        if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) throw not_text("text in UTF-16", "convert the file to UTF-8");
        if (!text.starts_with("\xEF\xBB\xBF")) return;
        from += 3;
        batch.begin = from;
        batch.positions[0] = from - 1;
    }

    error not_text(const char* found, const char* advice) const {
        error_details details{.code = error_code::malformed_document, .stage = "scan_csv", .file = labels_.file, .line = 1};
        details.found = found;
        details.expected = "text in UTF-8";
        details.advice = advice;
        return error(std::move(details));
    }

    error_details too_long() const {
        error_details details = labels_.place(error_code::malformed_row, line_, std::nullopt);
        details.found = "a row of more than 1 GiB";
        details.expected = "shorter rows";
        details.advice = "probably a quote in this line is unbalanced";
        return details;
    }

    void keep_rest(csv_batch& batch, std::size_t count, std::size_t whole) {
        const std::uint32_t rest = batch.positions[whole - 1] + 1;
        pending_.assign(batch.text() + rest, batch.text() + end_);
        pending_ends_.clear();
        for (std::size_t i = whole; i < count; ++i) pending_ends_.push_back(batch.positions[i] - rest);
        if (!pending_.empty()) {
            pending_findings_ = batch.findings;    // where the rest lies in this is not known: a needless check at worst
            pending_findings_.newlines = 0;
        }
    }

    // Takes the first line that is not blank out of the first batch. False: no line has ended yet.
    bool take_header() {
        csv_batch& batch = first_;
        std::optional<csv_problem> problem;
        if (batch.findings.bad || (ended_ && state_.inside && !batch.failure)) problem = csv_find_problem(stretch(batch), delimiter_, 0, labels_);
        const char* const text = batch.text();
        std::uint32_t row_begin = batch.begin;
        std::size_t at = 1;
        for (; at < count_; ++at) {
            const std::uint32_t end = batch.positions[at];
            if (text[end] != '\n') continue;
            if (end == row_begin || (end == row_begin + 1 && text[row_begin] == '\r')) {
                row_begin = end + 1;
                batch.positions[0] = end;
                // Blank lines before the header: begin again behind them.
                std::memmove(batch.positions.get() + 1, batch.positions.get() + at + 1, (count_ - at - 1) * sizeof(std::uint32_t));
                count_ -= at;
                whole_ -= at;
                at = 0;
                ++batch.first_line;
                --batch.findings.newlines;
                batch.begin = row_begin;
                continue;
            }
            break;
        }
        if (problem && problem->row_begin <= row_begin) throw error(std::move(problem->details));
        if (at >= count_) {
            if (batch.failure) std::rethrow_exception(batch.failure);
            line_ = batch.first_line;
            return false;
        }
        for (std::size_t i = 1; i <= at; ++i) {
            std::string_view name(text + batch.positions[i - 1] + 1, batch.positions[i] - batch.positions[i - 1] - 1);
            if (i == at && name.ends_with('\r')) name.remove_suffix(1);
            labels_.columns.push_back(unquoted(name));
        }
        columns_ = at;
        // The rows behind it stay in the batch.
        const std::uint32_t header_end = batch.positions[at];
        batch.first_line += count_newlines(text + batch.begin, text + header_end + 1);
        batch.begin = header_end + 1;
        header_positions_ = at;
        --batch.findings.newlines;
        return true;
    }

    static std::string unquoted(std::string_view field) {
        if (!field.starts_with('"')) return std::string(field);
        std::string name;
        for (std::size_t i = 1; i + 1 < field.size(); ++i) {
            name += field[i];
            if (field[i] == '"') ++i;
        }
        return name;
    }

    csv_stretch stretch(const csv_batch& batch) const {
        return {batch.text(), batch.begin, end_, batch.first_line, ended_ && !batch.failure, added_newline_};
    }

    // Checks that the whole rows have the header's shape and gives the batch its fields; else ends the file at the first
    // row that has not.
    void arrange(csv_batch& batch) {
        batch.columns = columns_;
        batch.first_row = row_;
        const std::size_t skipped = std::exchange(header_positions_, 0);
        const std::uint32_t* const positions = batch.positions.get() + skipped;
        std::size_t count = whole_ > skipped ? whole_ - 1 - skipped : 0;
        const bool violated = batch.findings.bad || (ended_ && state_.inside && !batch.failure);
        if (violated || !has_shape(batch, positions, count)) {
            bool blank_only = false;
            if (auto problem = csv_find_problem(stretch(batch), delimiter_, columns_, labels_)) {
                while (count > 0 && positions[count] >= problem->row_begin) --count;
                batch.failure = std::make_exception_ptr(error(std::move(problem->details)));
                ended_ = true;
            } else {
                blank_only = true;
            }
            if (blank_only || !has_shape(batch, positions, count, true)) {
                drop_blank_lines(batch, positions, count);
                finish_batch(batch, count ? positions[count] + 1 : batch.begin);
                return;
            }
        }
        batch.rows = count / columns_;
        batch.starts = positions;
        batch.ends = positions + 1;
        finish_batch(batch, count ? positions[count] + 1 : batch.begin);
    }

    // Every columns_-th position is a newline and no other is.
    bool has_shape(const csv_batch& batch, const std::uint32_t* positions, std::size_t count, bool recount = false) const {
        if (count % columns_ != 0) return false;
        const std::size_t rows = count / columns_;
        std::size_t newlines = batch.findings.newlines;
        if (recount) {
            newlines = 0;
            for (std::size_t i = 1; i <= count; ++i) newlines += batch.text()[positions[i]] == '\n';
        }
        if (newlines != rows) return false;
        for (std::size_t r = 1; r <= rows; ++r)
            if (batch.text()[positions[r * columns_]] != '\n') return false;
        return true;
    }

    void drop_blank_lines(csv_batch& batch, const std::uint32_t* positions, std::size_t count) {
        std::vector<std::uint32_t>& both = batch.gathered;
        both.clear();
        both.reserve(2 * count);
        std::vector<std::uint32_t> ends;
        ends.reserve(count);
        for (std::size_t i = 0; i < count;) {
            if (batch.text()[positions[i + 1]] == '\n' && columns_ > 1) {    // one field where more are due: blank, as all has been checked
                ++i;
                continue;
            }
            for (std::size_t f = 0; f < columns_; ++f, ++i) {
                both.push_back(positions[i]);
                ends.push_back(positions[i + 1]);
            }
        }
        const std::size_t fields = ends.size();
        both.insert(both.end(), ends.begin(), ends.end());
        batch.rows = fields / columns_;
        batch.starts = both.data();
        batch.ends = both.data() + fields;
    }

    void finish_batch(csv_batch& batch, std::uint32_t rows_end) {
        row_ += batch.rows;
        line_ = batch.first_line + (batch.findings.quoted_newlines
                                        ? count_newlines(batch.text() + batch.begin, batch.text() + rows_end)
                                        : batch.findings.newlines);
    }

    char delimiter_;
    std::size_t block_bytes_;
    std::unique_ptr<byte_stream> stream_;
    csv_labels labels_;
    csv_state state_{};
    std::size_t columns_ = 0;
    std::size_t row_ = 0;
    std::size_t line_ = 1;
    bool begun_ = false;
    bool ended_ = false;
    bool first_given_ = false;

    // The batch read last.
    std::size_t count_ = 0;              // positions in it, the one before the first field included
    std::size_t whole_ = 0;              // those of whole rows
    std::size_t header_positions_ = 0;
    std::uint32_t end_ = 0;
    std::uint32_t added_newline_ = 0;
    csv_batch first_;

    // The unfinished row behind it.
    std::string pending_;
    std::vector<std::uint32_t> pending_ends_;
    csv_findings pending_findings_{};
};

}  // namespace SEGKIT_NAMESPACE::detail
