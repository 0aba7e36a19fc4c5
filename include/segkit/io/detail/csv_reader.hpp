// segkit/io/detail/csv_reader.hpp: blocks of the input in, whole rows with the ends of their fields out.
//
// Blocks are prepared in any order, on any thread: where the first row of a block begins depends on whether the block
// begins inside quotes, which is guessed. Then they are settled in file order: the guess is compared with where the block
// before really ended, and a wrong one costs a second look at one block. A block owns the rows that begin behind a line
// end of its own, so what a batch holds depends on the bytes alone. Nothing is converted here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
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

inline constexpr std::uint64_t csv_unknown = ~std::uint64_t{0};

struct csv_open_input;

// Rows of the file. Field f of row r is text[starts[r * columns + f] + 1, ends[r * columns + f]), quotes included.
struct csv_batch {
    char* text() { return storage.get(); }
    const char* text() const { return storage.get(); }

    std::size_t rows = 0;
    std::size_t columns = 0;
    std::size_t first_row = 0;             // in the file, the header not counted; rows of the wrong shape neither
    std::size_t first_line = 1;            // of text[begin]
    std::uint32_t begin = 0;
    const std::uint32_t* starts = nullptr;
    const std::uint32_t* ends = nullptr;
    csv_findings findings{};
    std::exception_ptr failure{};          // what ends the file early, after the rows above
    std::vector<error_details> rejected{}; // rows of the wrong shape, where they are collected

    std::size_t line_of(std::uint32_t position) const { return first_line + count_newlines(text() + begin, text() + position); }
    // Every field is quoted.
    bool all_quoted() const { return findings.quoted_fields == rows * columns; }

    std::shared_ptr<const csv_open_input> input{};
    std::uint64_t number = 0;              // of the block, among those of all inputs

    // The rest is between the reader and itself.
    std::uint64_t offset = 0;              // in the file, of text[csv_reader::origin]
    std::uint64_t begins_at = csv_unknown; // in the file, of the first row; unknown: the block seems to have none
    std::uint64_t next_row_at = csv_unknown;
    std::size_t lines = 0;                 // in its rows
    std::uint32_t held = 0;                // bytes
    bool complete = false;                 // the input ends behind them
    bool deferred = false;                 // to be prepared again once it is known where it begins
    bool wrong = false;                    // there is something to report, with lines
    std::exception_ptr unreadable{};

    std::unique_ptr<char[]> storage;
    std::size_t capacity = 0;
    std::unique_ptr<std::uint32_t[]> positions;
    std::size_t position_capacity = 0;
    std::vector<std::uint32_t> gathered_starts, gathered_ends;   // where lines were taken out
};

// Where the next row of the file is: what each block hands to the one behind it.
struct csv_chain {
    std::uint64_t next_row_at = 0;
    std::size_t row = 0;
    std::size_t line = 1;
    bool ended = false;
};

// Grows an uninitialised array, keeping its first `used` elements.
template <class T>
void ensure_room(std::unique_ptr<T[]>& array, std::size_t& capacity, std::size_t used, std::size_t needed) {
    if (needed <= capacity) return;
    const std::size_t larger = used != 0 && needed < 2 * capacity ? 2 * capacity : needed + needed / 16;
    std::unique_ptr<T[]> next(new T[larger]);
    if (used) std::memcpy(next.get(), array.get(), used * sizeof(T));
    array = std::move(next);
    capacity = larger;
}

struct csv_form_of_input {
    char delimiter = ',';
    std::size_t block_bytes = 128 * 1024;
    bool collects_bad_rows = false;
};

class csv_reader {
public:
    static constexpr std::uint32_t origin = 64;    // what begins a buffer is never its first byte

    // Reads the header line, whose names are then in labels().columns.
    csv_reader(const byte_input& input, const csv_form_of_input& form, instruction_set level = simd_level())
        : form_(form), index_(csv_index_at(level)), bytes_(input), labels_{input.name(), {}} {
        read_header();
    }

    const csv_labels& labels() const { return labels_; }
    std::uint64_t data_begin() const { return chain_begin_.next_row_at; }
    const csv_chain& chain_begin() const { return chain_begin_; }

    // Reads a block and finds its rows; on any thread. `begins_at`: where its first row begins, if that is known.
    // False: the input has ended before.
    bool prepare(csv_batch& batch, std::uint64_t number, std::uint64_t begins_at = csv_unknown) {
        batch.offset = data_begin() + number * form_.block_bytes;
        batch.held = 0;
        batch.complete = false;
        batch.unreadable = nullptr;
        read(batch, form_.block_bytes + overhang);
        arrange(batch, number == 0 ? data_begin() : begins_at, 1);
        return batch.held != 0;
    }

    // Makes sure of the rows of a prepared block, and gives them their numbers; in file order, one at a time. True: they
    // are others than it seemed.
    bool settle(csv_batch& batch, csv_chain& chain) {
        const std::uint64_t limit = batch.offset + form_.block_bytes;
        // Behind the end of the input, or inside a row of an earlier block.
        const bool skipped = chain.ended || chain.next_row_at < batch.offset || chain.next_row_at > limit;
        const bool again = !skipped && (batch.begins_at != chain.next_row_at || batch.deferred || batch.wrong);
        if (again) arrange(batch, chain.next_row_at, chain.line);
        if (skipped) {
            batch.rows = 0;
            batch.failure = nullptr;
            batch.rejected.clear();
        }
        batch.first_row = chain.row;
        batch.first_line = chain.line;
        if (!skipped) {
            chain.row += batch.rows;
            chain.line += batch.lines;
            chain.next_row_at = batch.next_row_at;
            chain.ended = batch.failure != nullptr;
        }
        bytes_.release_before(limit);
        return again || skipped;
    }

private:
    static constexpr std::uint32_t overhang = 2048;                       // read behind a block for its last row
    static constexpr std::uint32_t farthest_guess = 64 * 1024;            // a row that runs on for longer waits for its turn
    static constexpr std::uint32_t longest_row = std::uint32_t{1} << 30;

    // ---- bytes

    // Reads until the batch holds `bytes` bytes or the input ends. An error of the input counts as its end.
    void read(csv_batch& b, std::size_t bytes) {
        if (b.capacity < origin + bytes + 128) {
            ensure_room(b.storage, b.capacity, b.held ? origin + b.held : 0, origin + bytes + 128);
            std::memset(b.text(), '\n', origin);
        }
        try {
            while (b.held < bytes && !b.complete) {
                const std::size_t got = bytes_.read_at(b.offset + b.held, b.text() + origin + b.held, bytes - b.held);
                b.held += static_cast<std::uint32_t>(got);
                b.complete = got == 0;
            }
        } catch (const error&) {
            b.unreadable = std::current_exception();
            b.complete = true;
        }
    }

    std::size_t index(csv_batch& b, std::uint32_t from, std::uint32_t to, csv_state& state, csv_findings& findings, std::size_t count) {
        ensure_room(b.positions, b.position_capacity, count, count + (to - from) + csv_index_slack);
        std::uint32_t* const end = index_(b.text(), from, to, form_.delimiter, state, findings, b.positions.get() + count);
        return static_cast<std::size_t>(end - b.positions.get());
    }

    // ---- the rows of a block

    // Finds the rows from `begins_at` on, or from where the first one seems to begin.
    void arrange(csv_batch& b, std::uint64_t begins_at, std::size_t first_line) {
        b.rows = 0;
        b.columns = labels_.columns.size();
        b.findings = {};
        b.failure = nullptr;
        b.rejected.clear();
        b.lines = 0;
        b.deferred = b.wrong = false;
        const std::uint32_t limit = origin + static_cast<std::uint32_t>(b.held < form_.block_bytes ? b.held : form_.block_bytes);
        const bool known = begins_at != csv_unknown;
        if (known && (begins_at < b.offset || begins_at > b.offset + (limit - origin))) {
            b.begins_at = b.next_row_at = csv_unknown;
            return;
        }
        b.begin = known ? origin + static_cast<std::uint32_t>(begins_at - b.offset) : guess_begin(b, limit);
        if (b.begin == 0) {
            b.begins_at = b.next_row_at = csv_unknown;
            return;
        }
        b.begins_at = file_offset(b, b.begin);
        const stretch rows = index_rows(b, b.begin, limit, !known);
        if (b.deferred) return;
        if (!rows.violated && has_shape(b, rows.whole, b.findings.newlines)) {
            b.rows = rows.whole / b.columns;
            b.starts = b.positions.get();
            b.ends = b.starts + 1;
            finish(b, rows.whole_end, b.findings.quoted_newlines != 0);
            if (b.unreadable && b.complete && rows.reaches_end) b.failure = b.unreadable;
            return;
        }
        take_lines_out(b, rows, limit, first_line, !known);
    }

    // Where the first row of a block begins that may begin inside quotes: behind its first line end. 0: there is none.
    std::uint32_t guess_begin(csv_batch& b, std::uint32_t limit) {
        constexpr std::uint32_t probe = 2048;
        csv_state state;
        std::size_t count = 0;
        std::uint32_t at = limit - origin < probe ? limit : origin + probe;
        for (const std::uint64_t inside : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0}}) {
            csv_findings findings;
            state = {};
            state.inside = inside;
            count = index(b, origin, at, state, findings, 0);
            if (!findings.bad) break;    // if neither makes sense, then outside
        }
        for (csv_findings findings;;) {
            for (std::size_t i = 0; i < count; ++i)
                if (b.text()[b.positions[i]] == '\n') return b.positions[i] + 1;
            if (at == limit) return 0;
            const std::uint32_t to = limit - at < probe ? limit : at + probe;
            count = index(b, at, to, state, findings, 0);
            at = to;
        }
    }

    struct stretch {
        std::size_t whole = 0;               // ends of fields in whole rows, behind positions[0]
        std::uint32_t begin = 0;
        std::uint32_t whole_end = 0;         // behind the last whole row
        std::uint32_t end = 0;               // of what was indexed
        std::uint32_t added_newline = 0;
        bool violated = false;               // the quoting or a byte is wrong
        bool too_long = false;
        bool reaches_end = false;            // the input ends here
    };

    // The rows that begin in [begin, limit]: the last of them usually ends behind it. `bounded`: not far behind it.
    stretch index_rows(csv_batch& b, std::uint32_t begin, std::uint32_t limit, bool bounded) {
        stretch rows;
        rows.begin = begin;
        csv_state state;
        ensure_room(b.positions, b.position_capacity, 0, 1 + csv_index_slack);
        b.positions[0] = begin - 1;
        std::size_t count = 1;
        std::uint32_t at = begin;
        if (begin < limit) {
            count = index(b, begin, limit, state, b.findings, count);
            at = limit;
        }
        while (!b.findings.bad) {
            if (at == origin + b.held) {
                if (b.complete) {
                    rows.reaches_end = true;
                    break;
                }
                if (bounded && at - limit > farthest_guess) {
                    b.deferred = true;
                    return rows;
                }
                if (at - begin > longest_row) {
                    rows.too_long = true;
                    break;
                }
                read(b, at - limit < overhang ? b.held + std::size_t{overhang} : 2 * std::size_t{b.held});
                continue;
            }
            const std::uint32_t to = origin + b.held - at < 256 ? origin + b.held : at + 256;
            const csv_state state_before = state;
            const csv_findings findings_before = b.findings;
            const std::size_t before = count;
            count = index(b, at, to, state, b.findings, count);
            std::size_t found = before;
            while (found < count && b.text()[b.positions[found]] != '\n') ++found;
            if (found < count) {    // what lies behind the line end is not ours
                const std::uint32_t line_end = b.positions[found] + 1;
                state = state_before;
                b.findings = findings_before;
                count = index(b, at, line_end, state, b.findings, before);
                at = line_end;
                break;
            }
            at = to;
        }
        rows.violated = b.findings.bad != 0 || rows.too_long;
        if (rows.reaches_end && !b.findings.bad && !b.unreadable) {
            // A last line without a line end gets one.
            const std::uint32_t last_end = b.positions[count - 1];
            const bool unfinished = at > last_end + 1 || (count > 1 && b.text()[last_end] != '\n');
            if (state.inside) {
                rows.violated = true;
            } else if (unfinished) {
                b.text()[at] = '\n';
                rows.added_newline = at;
                count = index(b, at, at + 1, state, b.findings, count);
                ++at;
            }
        }
        rows.end = at;
        rows.whole_end = begin;
        for (std::size_t i = count - 1; i > 0; --i) {
            if (b.text()[b.positions[i]] != '\n') continue;
            rows.whole = i;
            rows.whole_end = b.positions[i] + 1;
            break;
        }
        return rows;
    }

    // Every columns-th position is a newline and no other is.
    bool has_shape(const csv_batch& b, std::size_t count, std::size_t newlines) const {
        if (count % b.columns != 0 || newlines != count / b.columns) return false;
        const std::uint32_t* const positions = b.positions.get();
        for (std::size_t i = b.columns; i <= count; i += b.columns)
            if (b.text()[positions[i]] != '\n') return false;
        return true;
    }

    void finish(csv_batch& b, std::uint32_t rows_end, bool recount) const {
        b.next_row_at = file_offset(b, rows_end);
        b.lines = recount ? count_newlines(b.text() + b.begin, b.text() + rows_end) : b.findings.newlines;
    }

    // The slow way: looks at each byte for what is wrong, leaves out blank lines, and ends the file, or leaves out the row,
    // where one is wrong.
    void take_lines_out(csv_batch& b, stretch rows, std::uint32_t limit, std::size_t first_line, bool bounded) {
        b.gathered_starts.clear();
        b.gathered_ends.clear();
        csv_findings all = b.findings;
        std::uint32_t rows_end = rows.whole_end;
        for (;;) {
            const std::size_t line = first_line + count_newlines(b.text() + b.begin, b.text() + rows.begin);
            const csv_stretch text{b.text(), rows.begin, rows.end, line, rows.reaches_end && !b.unreadable, rows.added_newline};
            std::optional<csv_problem> problem = csv_find_problem(text, form_.delimiter, b.columns, labels_);
            if (!problem && rows.too_long) problem = csv_problem{rows.whole_end, too_long(first_line + count_newlines(b.text() + b.begin, b.text() + rows.whole_end))};
            std::size_t count = rows.whole;
            if (problem)
                while (count > 0 && b.positions[count] >= problem->row_begin) --count;
            gather_rows(b, count);
            rows_end = rows.whole_end;
            if (!problem) break;
            b.wrong = true;
            rows_end = problem->row_begin;
            if (!form_.collects_bad_rows) {
                b.failure = std::make_exception_ptr(error(std::move(problem->details)));
                break;
            }
            // Reading goes on behind the first line of the wrong row.
            b.rejected.push_back(std::move(problem->details));
            rows_end = line_behind(b, problem->row_begin);
            if (rows_end > limit || rows_end > origin + b.held) {
                rows_end = rows_end > origin + b.held ? origin + b.held : rows_end;
                break;
            }
            b.findings = {};
            rows = index_rows(b, rows_end, limit, bounded);
            if (b.deferred) return;
            all.also(b.findings);
        }
        b.findings = all;
        b.rows = b.gathered_ends.size() / b.columns;
        b.findings.quoted_fields = csv_unknown;    // not worth counting again
        b.starts = b.gathered_starts.data();
        b.ends = b.gathered_ends.data();
        finish(b, rows_end, true);
        if (!b.failure && b.unreadable && rows.reaches_end) b.failure = b.unreadable;
    }

    // Adds whole rows of the right shape, without blank lines.
    void gather_rows(csv_batch& b, std::size_t count) const {
        const std::uint32_t* const positions = b.positions.get();
        for (std::size_t i = 0; i < count;) {
            if (b.text()[positions[i + 1]] == '\n' && b.columns > 1) {    // one field where more are due: blank, as all has been checked
                ++i;
                continue;
            }
            for (std::size_t f = 0; f < b.columns; ++f, ++i) {
                b.gathered_starts.push_back(positions[i]);
                b.gathered_ends.push_back(positions[i + 1]);
            }
        }
    }

    // Behind the next line end of any kind.
    std::uint32_t line_behind(csv_batch& b, std::uint32_t from) {
        for (std::uint32_t at = from;;) {
            const void* const found = std::memchr(b.text() + at, '\n', origin + b.held - at);
            if (found) return static_cast<std::uint32_t>(static_cast<const char*>(found) - b.text()) + 1;
            at = origin + b.held;
            if (b.complete || at - from > longest_row) return at;
            read(b, 2 * std::size_t{b.held});
        }
    }

    std::uint64_t file_offset(const csv_batch& b, std::uint32_t position) const {
        const std::uint32_t end = origin + b.held;
        return b.offset + ((position > end ? end : position) - origin);    // an added line end is not in the file
    }

    error_details too_long(std::size_t line) const {
        error_details details = labels_.place(error_code::malformed_row, line, std::nullopt);
        details.found = "a row of more than 1 GiB";
        details.expected = "shorter rows";
        details.advice = "probably a quote in this line is unbalanced";
        return details;
    }

    // ---- the header

    void read_header() {
        csv_batch b;
        std::uint32_t begin = origin;
        for (std::size_t bytes = 4096;; bytes *= 2) {
            read(b, bytes);
            if (begin == origin) begin += byte_order_mark(std::string_view(b.text() + origin, b.held));
            std::uint32_t end = origin + b.held;
            csv_state state;
            csv_findings findings;
            ensure_room(b.positions, b.position_capacity, 0, 1 + csv_index_slack);
            b.positions[0] = begin - 1;
            std::size_t count = index(b, begin, end, state, findings, 1);
            if (b.complete && !b.unreadable && !state.inside && !findings.bad && end > b.positions[count - 1] + 1) {
                b.text()[end] = '\n';
                count = index(b, end, end + 1, state, findings, count);
                ++end;
            }
            // The first line that is not blank.
            std::size_t first = 0;
            std::size_t at = 1;
            for (; at < count; ++at) {
                if (b.text()[b.positions[at]] != '\n') continue;
                const std::uint32_t row_begin = b.positions[first] + 1;
                if (b.positions[at] != row_begin && !(b.positions[at] == row_begin + 1 && b.text()[row_begin] == '\r')) break;
                first = at;
            }
            const std::uint32_t row_begin = b.positions[first] + 1;
            if (findings.bad || (b.complete && state.inside && !b.unreadable)) {
                const csv_stretch text{b.text(), begin, end, 1, b.complete && !b.unreadable, 0};
                auto problem = csv_find_problem(text, form_.delimiter, 0, labels_);
                if (problem && problem->row_begin <= row_begin) throw error(std::move(problem->details));
            }
            if (at < count) {
                take_header(b, first, at, begin);
                return;
            }
            if (b.unreadable) std::rethrow_exception(b.unreadable);
            if (b.complete) break;
            if (b.held > longest_row) throw error(too_long(1));
        }
        error_details details{.code = error_code::malformed_document, .stage = "scan_csv", .file = labels_.file};
        details.found = "an empty file";
        details.expected = "a header line with the names of the columns";
        details.advice = "check that the file was written completely";
        throw error(std::move(details));
    }

    void take_header(const csv_batch& b, std::size_t first, std::size_t last, std::uint32_t begin) {
        for (std::size_t i = first + 1; i <= last; ++i) {
            std::string_view name(b.text() + b.positions[i - 1] + 1, b.positions[i] - b.positions[i - 1] - 1);
            if (i == last && name.ends_with('\r')) name.remove_suffix(1);
            labels_.columns.push_back(unquoted(name));
        }
        const std::uint32_t end = b.positions[last] + 1;
        chain_begin_.line = 1 + count_newlines(b.text() + begin, b.text() + end);
        chain_begin_.next_row_at = file_offset(b, end);
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

    // The length of a mark of UTF-8. What is no text at all is refused.
    std::uint32_t byte_order_mark(std::string_view text) const {
        if (text.starts_with("\x1F\x8B")) throw not_text("gzip-compressed data", "read it through a byte_input that decompresses, or decompress it first");
        if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) throw not_text("text in UTF-16", "convert the file to UTF-8");
        return text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
    }
    error not_text(const char* found, const char* advice) const {
        error_details details{.code = error_code::malformed_document, .stage = "scan_csv", .file = labels_.file, .line = 1};
        details.found = found;
        details.expected = "text in UTF-8";
        details.advice = advice;
        return error(std::move(details));
    }

    csv_form_of_input form_;
    csv_index_function index_;
    csv_bytes bytes_;
    csv_labels labels_;
    csv_chain chain_begin_;
};

}  // namespace SEGKIT_NAMESPACE::detail
