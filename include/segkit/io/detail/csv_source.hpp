// segkit/io/detail/csv_source.hpp: a CSV input as a row_source: binds a schema to the header, then pushes morsels.
//
// A morsel is sixteen batches of the file. Workers take turns at reading (which is fast) and convert side by side;
// morsels are numbered by their place in the file, so nothing depends on how many workers there are.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/nearest_name.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/io/detail/csv_convert.hpp>
#include <segkit/io/detail/csv_input.hpp>
#include <segkit/io/detail/csv_problem.hpp>
#include <segkit/io/detail/csv_reader.hpp>
#include <segkit/pipeline/source.hpp>
#include <segkit/table/chunk.hpp>

namespace SEGKIT_NAMESPACE::detail {

inline constexpr std::size_t csv_morsel_batches = 16;

struct csv_settings {
    char delimiter = ',';
    std::size_t block_bytes = 128 * 1024;
    csv_null_rule nulls{};
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

class csv_source final : public row_source {
public:
    csv_source(std::shared_ptr<const byte_input> input, std::vector<csv_field> fields, csv_settings settings)
        : input_(std::move(input)), fields_(std::move(fields)), settings_(std::move(settings)) {}

    std::string describe() const override { return "csv " + input_->name(); }
    bool rescannable() const override { return input_->rescannable(); }

    void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) override {
        csv_reader reader(*input_, settings_.delimiter, settings_.block_bytes);
        const std::vector<std::size_t> positions = bind_csv_header(fields_, reader.labels(), settings_.delimiter);
        pass run{reader, positions, needed, consumer};
        const std::size_t workers = executor.concurrency() > 1 ? executor.concurrency() : 1;
        // One worker converts every batch as soon as it is read, while it is in cache; several hold a morsel each.
        executor.run(workers, [&](std::size_t) { work(run, workers == 1 ? 1 : csv_morsel_batches); });
        if (run.failure) std::rethrow_exception(run.failure);
    }

private:
    struct pass {
        csv_reader& reader;
        const std::vector<std::size_t>& positions;
        const std::vector<bool>& needed;
        morsel_consumer& consumer;

        std::mutex turn{};                  // guards the reader and all below
        std::size_t next_morsel = 0;
        bool ended = false;
        std::exception_ptr failure{};
        std::atomic<std::size_t> failed_morsel{static_cast<std::size_t>(-1)};
    };

    void work(pass& run, std::size_t batches_at_once) const {
        csv_converter converter(columns(run), fields_.size(), settings_.nulls);
        std::vector<csv_batch> batches(batches_at_once);
        for (;;) {
            std::size_t morsel = 0;
            std::size_t held = 0;
            std::unique_lock turn(run.turn);
            if (run.ended) return;
            morsel = run.next_morsel;
            try {
                held = fetch(run, batches, batches_at_once);
                if (held == 0) return;
                ++run.next_morsel;
                turn.unlock();
                push_morsel(run, morsel, batches, held, converter);
            } catch (...) {
                if (!turn.owns_lock()) turn.lock();
                run.ended = true;
                if (morsel < run.failed_morsel.load()) {
                    run.failed_morsel.store(morsel);
                    run.failure = std::current_exception();
                }
                return;
            }
        }
    }

    // Reads up to `most` batches. One with a failure is the last of the file.
    static std::size_t fetch(pass& run, std::vector<csv_batch>& batches, std::size_t most) {
        std::size_t held = 0;
        while (held < most && !run.ended) {
            if (!run.reader.next(batches[held])) run.ended = true;
            else ++held;
        }
        return held;
    }

    void push_morsel(pass& run, std::size_t morsel, std::vector<csv_batch>& batches, std::size_t held, csv_converter& converter) const {
        const std::unique_ptr<morsel_worker> worker = run.consumer.start(morsel);
        for (std::size_t done = 0;;) {
            for (std::size_t i = 0; i < held; ++i) push_batch(run, batches[i], converter, *worker);
            done += held;
            // A single worker holds one batch at a time and reads on within the morsel.
            if (batches.size() != 1 || done == csv_morsel_batches) break;
            held = fetch(run, batches, 1);
            if (held == 0) break;
            if (run.failed_morsel.load(std::memory_order_relaxed) < morsel) return;
        }
        worker->finish();
    }

    static void push_batch(pass& run, const csv_batch& batch, csv_converter& converter, morsel_worker& worker) {
        for (std::size_t first = 0; first < batch.rows; first += chunk_rows) {
            const std::size_t rows = batch.rows - first < chunk_rows ? batch.rows - first : chunk_rows;
            worker.take(converter.convert(batch, first, rows, run.reader.labels()));
        }
        if (batch.failure) std::rethrow_exception(batch.failure);
    }

    // The needed columns, in the order of the file.
    std::vector<csv_column> columns(const pass& run) const {
        std::vector<csv_column> result;
        for (std::size_t position = 0; position < run.reader.labels().columns.size(); ++position) {
            for (std::size_t slot = 0; slot < fields_.size(); ++slot) {
                if (!run.needed[slot] || run.positions[slot] != position) continue;
                csv_column& column = result.emplace_back();
                column.field = fields_[slot];
                column.position = position;
                column.slot = slot;
            }
        }
        return result;
    }

    std::shared_ptr<const byte_input> input_;
    std::vector<csv_field> fields_;
    csv_settings settings_;
};

}  // namespace SEGKIT_NAMESPACE::detail
