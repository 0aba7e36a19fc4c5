// segkit/io/detail/csv_run.hpp: one reading of CSV inputs: headers bound to a schema, and what the workers share.
//
// Workers draw blocks by number, prepare them beside each other, and let them pass in file order. Every block that was
// drawn passes, whatever becomes of it; so nobody waits for a worker that has not begun.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/nearest_name.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/progress.hpp>
#include <segkit/io/detail/csv_convert.hpp>
#include <segkit/io/detail/csv_input.hpp>
#include <segkit/io/detail/csv_problem.hpp>
#include <segkit/io/detail/csv_reader.hpp>

namespace SEGKIT_NAMESPACE {

// How far a reading has come.
struct csv_progress {
    std::uint64_t bytes = 0;          // of all inputs so far
    std::uint64_t total_bytes = 0;    // 0 where an input does not say
    std::uint64_t rows = 0;           // read so far, whatever becomes of them
};

// A function to tell it to: void, or bool, where false ends the reading with the error `cancelled`. Any callable converts.
using csv_progress_callback = progress_callback<csv_progress>;

// Where rows go that are not as the schema says; see csv_options::bad_rows.
struct csv_bad_rows {
    std::size_t limit = 1000;             // one more ends the reading
    std::vector<error_details> rows{};    // in file order; of the last reading
};

}  // namespace SEGKIT_NAMESPACE

namespace SEGKIT_NAMESPACE::detail {

struct csv_settings {
    csv_form_of_input form{};
    csv_null_rule nulls{};
    std::vector<std::pair<std::string, time_format>> formats{};
    std::shared_ptr<csv_bad_rows> bad_rows{};
    csv_progress_callback progress{};
    bool validate_all = false;
    bool comma = false;    // the decimal separator
};

inline void check_csv_delimiter(char delimiter, std::string_view stage) {
    const bool taken = delimiter == '"' || delimiter == '\n' || delimiter == '\r' || delimiter == '\0' || delimiter == '.' || delimiter == '-' ||
                       delimiter == '+' || delimiter == ':' || is_digit(delimiter) || (delimiter >= 'a' && delimiter <= 'z') ||
                       (delimiter >= 'A' && delimiter <= 'Z') || static_cast<unsigned char>(delimiter) >= 0x80;
    if (!taken) return;
    error_details details{.code = error_code::invalid_option, .stage = std::string(stage), .field = "delimiter"};
    details.found = shown({&delimiter, 1});
    details.expected = "a byte that occurs in no number, date or line end";
    details.advice = "use ',', ';', '|' or a tab";
    throw error(std::move(details));
}

// Whether numbers have a decimal comma.
inline bool checked_decimal_comma(char separator, char delimiter, std::string_view stage) {
    if (separator == '.' || (separator == ',' && delimiter != ',')) return separator == ',';
    error_details details{.code = error_code::invalid_option, .stage = std::string(stage), .field = "decimal_separator"};
    details.found = shown({&separator, 1}) + (separator == delimiter ? ", which is the delimiter as well" : "");
    details.expected = separator == ',' ? "a delimiter that is not part of numbers" : "',' or '.'";
    details.advice = separator == ',' ? "set .delimiter = ';', or '\\t' where the columns are divided by tabs" : "leave it out for a decimal point";
    throw error(std::move(details));
}

inline std::size_t position_of(const std::vector<std::string>& names, std::string_view wanted, std::size_t from) {
    while (from < names.size() && names[from] != wanted) ++from;
    return from;
}

// Finds every column of the schema in the header; all that are missing are reported at once.
inline std::vector<std::size_t> bind_csv_header(const std::vector<csv_field>& fields, const csv_labels& labels, char delimiter) {
    const std::vector<std::string>& header = labels.columns;
    std::vector<std::size_t> positions;
    std::string missing;
    std::string near;
    std::size_t missing_count = 0;
    for (const csv_field& field : fields) {
        const std::size_t found = position_of(header, field.name, 0);
        if (found == header.size()) {
            missing += (missing_count++ ? ", '" : "'") + std::string(field.name) + '\'';
            if (const std::string* nearest = nearest_name(header, field.name))
                near += (near.empty() ? "" : ", ") + shown(*nearest) + " for '" + std::string(field.name) + '\'';
            continue;
        }
        const std::size_t again = position_of(header, field.name, found + 1);
        if (again != header.size()) {
            error_details details = labels.place(error_code::duplicate_column, 1, again);
            details.found = "the name '" + std::string(field.name) + "' in fields " + std::to_string(found + 1) + " and " +
                            std::to_string(again + 1) + " of the header";
            details.expected = "one column of that name";
            details.advice = "rename one of them in the file";
            throw error(std::move(details));
        }
        positions.push_back(found);
    }
    if (missing_count == 0) return positions;

    error_details details = labels.place(error_code::missing_column, 1, std::nullopt);
    details.found = "the columns ";
    for (std::size_t i = 0; i < header.size(); ++i) {
        if (i == 40) {
            details.found += " and " + std::to_string(header.size() - i) + " more";
            break;
        }
        details.found += (i ? ", " : "") + shown(header[i]);
    }
    details.expected = (missing_count == 1 ? "also " : "also the " + std::to_string(missing_count) + " columns ") + missing;
    if (!near.empty()) details.advice = "perhaps " + near;
    if (header.size() == 1 && near.empty()) {
        for (const char other : {';', '\t', '|', ','})
            if (other != delimiter && header[0].find(other) != std::string::npos)
                details.advice = std::string("the file seems to be delimited by ") + (other == '\t' ? "tabs: set .delimiter = '\\t'"
                                                                                                    : std::string("'") + other + "': set .delimiter = '" + other + '\'');
    }
    if (details.advice.empty()) details.advice = "check that this is the right file, and that its first line names the columns";
    throw error(std::move(details));
}

// What a reading wants of each input. `needed` is by column of the schema, and so is `stage_of`, which is empty where there is one stage.
struct csv_wanted {
    const std::vector<csv_field>& fields;
    std::vector<bool> needed;
    std::vector<std::size_t> stage_of;

    bool needs(std::size_t slot) const { return slot < needed.size() && needed[slot]; }
};

// A CSV input of which the header has been bound to the schema.
struct csv_open_input {
    csv_open_input(const byte_input& input, const csv_wanted& wanted, const csv_settings& settings) : reader(input, settings.form) {
        const std::vector<std::size_t> position_of_slot = bind_csv_header(wanted.fields, reader.labels(), settings.form.delimiter);
        const instruction_set level = simd_level();
        for (std::size_t position = 0; position < reader.labels().columns.size(); ++position) {
            for (std::size_t slot = 0; slot < wanted.fields.size(); ++slot) {
                if (!wanted.needs(slot) || position_of_slot[slot] != position) continue;
                csv_column& column = columns.emplace_back();
                column.field = wanted.fields[slot];
                column.position = position;
                column.slot = slot;
                column.stage = wanted.stage_of.empty() ? 0 : wanted.stage_of[slot];
                for (const auto& [name, format] : settings.formats)
                    if (name == column.field.name) column.format = &format;
                column.comma = settings.comma;
                column.delimiter = settings.form.delimiter;
                column.kernel = csv_kernel_of(column, settings.nulls, level);
                positions.push_back(position);
            }
        }
    }

    mutable csv_reader reader;              // its blocks are prepared by any thread, and settled by one at a time
    std::vector<csv_column> columns;        // that are needed, in the order of the file
    std::vector<std::size_t> positions;     // theirs
};

// What the workers share. The blocks of several inputs are one sequence: those of the next are begun while the last ones of
// the input before are converted.
class csv_run {
public:
    // `sizes`: of the inputs, in bytes. Without them there is one input, whose size is not known.
    csv_run(const std::vector<std::shared_ptr<const byte_input>>& inputs, const std::vector<std::uint64_t>& sizes, const csv_wanted& w, const csv_settings& s,
            std::size_t first_row, csv_progress so_far)
        : wanted(w), settings(s), parts_(inputs.size()), progress_(so_far) {
        chain_.row = first_row;
        std::uint64_t blocks = 0;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            parts_[i].input = inputs[i];
            parts_[i].first_block = blocks;
            if (sizes.empty()) return;
            blocks += sizes[i] == 0 ? 1 : (sizes[i] + s.form.block_bytes - 1) / s.form.block_bytes;    // the last may not be there: the header is not counted
            bytes_ += sizes[i];
        }
        blocks_ = blocks;
    }

    const csv_wanted& wanted;
    const csv_settings& settings;
    std::atomic<std::uint64_t> next{0};         // of what is handed out: morsels or blocks

    std::uint64_t blocks() const { return blocks_.load(std::memory_order_relaxed); }
    std::uint64_t bytes() const { return bytes_; }
    std::size_t inputs() const { return parts_.size(); }
    bool is_known(std::uint64_t block) const { return turn_.load(std::memory_order_acquire) == static_cast<std::uint32_t>(block); }

    // Reads and indexes a block. False: there is none.
    bool prepare(csv_batch& batch, std::uint64_t block) {
        if (!is_to_be_read(block)) return false;
        try {
            part& of = part_of(block);
            batch.input = open(of);
            batch.number = block;
            const bool follows = is_known(block) && current_ == batch.input;
            if (batch.input->reader.prepare(batch, block - of.first_block, follows ? chain_.next_row_at : csv_unknown) || batch.unreadable) return true;
            if (parts_.size() == 1) lower(blocks_, block);
        } catch (...) {
            fail(block, std::current_exception());
        }
        return false;
    }

    // Waits until the blocks before have passed, calls f(again), and lets the next one pass. Every block that was handed out
    // has to pass, even if there is none: `batch` is null then.
    template <class F>
    void pass(csv_batch* batch, std::uint64_t block, F&& f) {
        for (std::uint32_t turn = turn_.load(std::memory_order_acquire); turn != static_cast<std::uint32_t>(block); turn = turn_.load(std::memory_order_acquire))
            turn_.wait(turn, std::memory_order_acquire);
        if (batch) {
            try {
                if (current_ != batch->input) begin(batch->input);
                const bool again = batch->input->reader.settle(*batch, chain_);
                f(again);
                report(*batch);
                if (batch->failure) stop_behind(block);
            } catch (...) {
                chain_.ended = true;
                fail(block, std::current_exception());
            }
        }
        close_before(block + 1);
        turn_.store(static_cast<std::uint32_t>(block + 1), std::memory_order_release);
        turn_.notify_all();
    }

    // The failure of the earliest block counts.
    void fail(std::uint64_t block, std::exception_ptr failure) {
        const std::lock_guard hold(lock_);
        if (block >= failed_at_) return;
        failed_at_ = block;
        failure_ = std::move(failure);
        stop_behind(block);
    }
    // Whether there may be such a block, and nothing before it has failed.
    bool is_to_be_read(std::uint64_t block) const { return block < blocks() && !is_behind_failure(block); }
    bool is_behind_failure(std::uint64_t block) const { return block > stop_behind_.load(std::memory_order_relaxed); }

    void reject(std::vector<error_details>&& rows) {
        if (rows.empty()) return;
        const std::lock_guard hold(lock_);
        for (error_details& row : rows) rejected_.push_back(std::move(row));
        rows.clear();
        if (rejected_.size() + settings.bad_rows->rows.size() > settings.bad_rows->limit) no_more_ = true;    // what is handed out is finished
    }
    bool no_more() const { return no_more_.load(std::memory_order_relaxed); }

    // After all workers have ended.
    void finish() {
        if (settings.bad_rows) {
            std::sort(rejected_.begin(), rejected_.end(), [](const error_details& a, const error_details& b) { return a.line != b.line ? a.line < b.line : a.column < b.column; });
            csv_bad_rows& to = *settings.bad_rows;
            for (error_details& row : rejected_) {
                if (to.rows.size() == to.limit) {
                    row.advice += (row.advice.empty() ? "" : "; ") + std::to_string(to.limit) + " bad rows, the limit, were collected before";
                    throw error(std::move(row));
                }
                to.rows.push_back(std::move(row));
            }
        }
        if (failure_) std::rethrow_exception(failure_);
    }
    const csv_chain& chain() const { return chain_; }
    csv_progress progress() const { return progress_; }

private:
    struct part {
        std::shared_ptr<const byte_input> input;
        std::uint64_t first_block = 0;
        std::mutex lock{};
        std::shared_ptr<const csv_open_input> opened{};
    };

    part& part_of(std::uint64_t block) {
        const auto behind = std::upper_bound(parts_.begin(), parts_.end(), block, [](std::uint64_t b, const part& p) { return b < p.first_block; });
        return *std::prev(behind);
    }
    std::shared_ptr<const csv_open_input> open(part& p) {
        const std::lock_guard hold(p.lock);
        if (!p.opened) p.opened = std::make_shared<const csv_open_input>(*p.input, wanted, settings);
        return p.opened;
    }
    // Inputs whose blocks have all passed are closed as soon as nobody converts them any more.
    void close_before(std::uint64_t block) {
        for (; closed_ + 1 < parts_.size() && parts_[closed_ + 1].first_block <= block; ++closed_) {
            const std::lock_guard hold(parts_[closed_].lock);
            parts_[closed_].opened.reset();
        }
    }
    // The rows of the next input follow.
    void begin(std::shared_ptr<const csv_open_input> input) {
        const std::size_t row = chain_.row;
        chain_ = input->reader.chain_begin();
        chain_.row = row;
        progress_.bytes += input->reader.data_begin();
        current_ = std::move(input);
    }

    static void lower(std::atomic<std::uint64_t>& value, std::uint64_t to) {
        std::uint64_t now = value.load();
        while (to < now && !value.compare_exchange_weak(now, to)) {
        }
    }
    void stop_behind(std::uint64_t block) { lower(stop_behind_, block); }

    void report(const csv_batch& batch) {
        progress_.rows += batch.rows;
        progress_.bytes += std::min<std::uint64_t>(batch.held, settings.form.block_bytes);
        if (!settings.progress || settings.progress(progress_)) return;
        error_details details{.code = error_code::cancelled, .stage = "scan_csv", .file = batch.input->reader.labels().file};
        details.found = "a progress callback that returned false after " + std::to_string(progress_.rows) + " rows";
        throw error(std::move(details));
    }

    std::deque<part> parts_;
    std::uint64_t bytes_ = 0;
    std::atomic<std::uint32_t> turn_{0};          // the block that passes next
    csv_chain chain_;                             // this and the next three are of whose turn it is
    std::shared_ptr<const csv_open_input> current_;
    std::size_t closed_ = 0;                      // so many parts are
    csv_progress progress_;
    std::atomic<std::uint64_t> blocks_{~std::uint64_t{0}};
    std::atomic<std::uint64_t> stop_behind_{~std::uint64_t{0}};
    std::atomic<bool> no_more_{false};
    std::mutex lock_;                             // guards all below
    std::uint64_t failed_at_ = ~std::uint64_t{0};
    std::exception_ptr failure_;
    std::vector<error_details> rejected_;
};

}  // namespace SEGKIT_NAMESPACE::detail
