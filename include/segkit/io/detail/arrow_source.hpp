// segkit/io/detail/arrow_source.hpp: record batches as a row_source: a schema is bound once, then morsels are cut from the
// rows of the batches, wherever those begin and end.
//
// Workers take turns at asking a stream for its next array (producers need not be thread-safe) and convert side by side.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/nearest_name.hpp>
#include <segkit/detail/shown.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/io/detail/arrow_columns.hpp>
#include <segkit/pipeline/source.hpp>

namespace SEGKIT_NAMESPACE::detail {

// What binds a schema besides names and types.
struct arrow_binding {
    bool refuse_nullable = false;    // a field that may hold nulls does not fit a column without them
};

// Finds the columns in an Arrow schema. Everything that does not fit is one error. `wanted` come without `child` and `from`.
inline std::vector<arrow_column> bind_arrow_schema(std::vector<arrow_column> wanted, const ArrowSchema& schema, const arrow_binding& rule, std::string_view stage) {
    if (schema.format == nullptr || std::string_view(schema.format) != "+s") {
        error_details details{.code = error_code::schema_mismatch, .stage = std::string(stage)};
        details.found = "an array of type " + read_arrow_type(schema).shown;
        details.expected = "record batches: struct arrays, one child per column";
        details.advice = "give a table or record batch, not a single column";
        throw error(std::move(details));
    }
    std::vector<std::string> names;
    std::vector<arrow_type> types;
    for (std::int64_t i = 0; i < schema.n_children; ++i) {
        const ArrowSchema& child = *schema.children[i];
        names.emplace_back(child.name == nullptr ? "" : child.name);
        types.push_back(read_arrow_type(child));
    }

    std::string problems;
    std::size_t problem_count = 0, missing_count = 0;
    const auto problem = [&](std::string text) { problems += (problem_count++ ? "; " : "") + text; };
    for (arrow_column& column : wanted) {
        const std::string name = '\'' + std::string(column.name) + '\'';
        std::size_t at = 0, times = 0;
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (names[i] != column.name) continue;
            if (times++ == 0) at = i;
        }
        if (times == 0) {
            const std::string* near = nearest_name(names, column.name);
            ++missing_count;
            problem(name + " is missing" + (near ? ", perhaps " + shown(*near) + " is meant" : ""));
            continue;
        }
        if (times > 1) {
            problem(name + " is there " + std::to_string(times) + " times");
            continue;
        }
        column.child = at;
        column.from = types[at];
        const std::string needed = std::string(to_string(column.type));
        if (!arrow_fits(column.type, column.from)) problem(name + " is " + column.from.shown + ", not " + needed);
        else if (!column.nullable && column.from.kind == arrow_kind::null) problem(name + " has nothing but nulls, not " + needed);
        else if (!column.nullable && rule.refuse_nullable && (schema.children[at]->flags & ARROW_FLAG_NULLABLE)) problem(name + " may be null, and may not here");
    }
    if (problem_count == 0) return wanted;

    error_details details{.code = error_code::schema_mismatch, .stage = std::string(stage)};
    details.found = std::to_string(problem_count) + " of " + std::to_string(wanted.size()) + (wanted.size() == 1 ? " column that does not fit: " : " columns that do not fit: ") + problems;
    if (missing_count) {
        details.found += "; the columns there are ";
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (i == 40) {
                details.found += " and " + std::to_string(names.size() - i) + " more";
                break;
            }
            details.found += (i ? ", " : "") + shown(names[i]) + ' ' + types[i].shown;
        }
        if (names.empty()) details.found += "none";
    }
    details.advice = "rename or cast them on the other side, or change the schema";
    throw error(std::move(details));
}

// One record batch, read by any number of threads at once.
struct arrow_batch {
    arrow_owner<ArrowArray> array;
    std::size_t rows = 0;
    std::size_t first_row = 0;
    std::vector<std::unique_ptr<column_reader>> readers{};    // of the columns that a scan needs

    arrow_batch(arrow_owner<ArrowArray> owned, std::size_t children, std::size_t row) : array(std::move(owned)), first_row(row) {
        check_arrow_array(*array, arrow_kind::fixed_list, "");    // as a list, a struct has one buffer
        if (static_cast<std::size_t>(array->n_children) != children)
            throw_malformed_array("", "a record batch of " + std::to_string(array->n_children) + " columns", std::to_string(children) + ", as the schema says");
        rows = static_cast<std::size_t>(array->length);
    }
    arrow_place place() const { return {&*array, static_cast<std::size_t>(array->offset), first_row, {}}; }
};

// Rows of one batch that belong to one morsel.
struct arrow_piece {
    std::shared_ptr<const arrow_batch> batch;
    std::size_t begin = 0;
    std::size_t count = 0;
};

[[noreturn]] inline void throw_stream_failure(ArrowArrayStream& stream, int number, std::string_view what) {
    const char* words = stream.get_last_error != nullptr ? stream.get_last_error(&stream) : nullptr;
    error_details details{.code = error_code::cannot_open, .stage = "from_arrow_stream"};
    details.found = words != nullptr && *words != '\0' ? "the producer's error: " + std::string(words) : "a producer that failed with number " + std::to_string(number);
    details.expected = std::string(what);
    throw error(std::move(details));
}

inline arrow_owner<ArrowSchema> schema_of_stream(arrow_owner<ArrowArrayStream>& stream) {
    arrow_owner<ArrowSchema> schema;
    if (const int number = stream->get_schema(stream.get(), schema.get()); number != 0) throw_stream_failure(*stream.get(), number, "a schema");
    return schema;
}

// Binding, and the arrays: held, or still in their stream.
struct arrow_input {
    std::vector<arrow_column> columns{};
    std::size_t children = 0;
    std::vector<std::shared_ptr<arrow_batch>> held{};
    std::size_t held_rows = 0;
    arrow_owner<ArrowArrayStream> stream{};
    bool streamed = false;    // rows can be read once
    bool begun = false;
    std::mutex lock{};

    void hold(arrow_owner<ArrowArray> array) {
        auto batch = std::make_shared<arrow_batch>(std::move(array), children, held_rows);
        if (batch->rows == 0) return;
        for (const arrow_column& column : columns) batch->readers.push_back(arrow_readers<arrow_column>::make(column, batch->place()));
        held_rows += batch->rows;
        held.push_back(std::move(batch));
    }
    // The next array of the stream, empty at its end.
    arrow_owner<ArrowArray> next() {
        arrow_owner<ArrowArray> array;
        if (!stream) return array;
        if (const int number = stream->get_next(stream.get(), array.get()); number != 0) throw_stream_failure(*stream.get(), number, "its next array");
        if (!array) stream.reset();
        return array;
    }
};

template <class Input>
class arrow_source final : public row_source {
public:
    explicit arrow_source(std::shared_ptr<Input> input) : input_(std::move(input)) {}

    void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) override {
        if (input_->streamed) return scan_stream(needed, executor, consumer);
        const std::size_t per_morsel = morsel_rows(input_->held_rows);
        executor.run((input_->held_rows + per_morsel - 1) / per_morsel, [&](std::size_t morsel) {
            scratch memory(input_->columns.size());
            std::vector<arrow_piece> pieces;
            const std::size_t begin = morsel * per_morsel, end = std::min(input_->held_rows, begin + per_morsel);
            auto at = std::upper_bound(input_->held.begin(), input_->held.end(), begin, [](std::size_t row, const auto& batch) { return row < batch->first_row; });
            for (--at; at != input_->held.end() && (*at)->first_row < end; ++at) {
                const arrow_batch& batch = **at;
                const std::size_t from = std::max(begin, batch.first_row), to = std::min(end, batch.first_row + batch.rows);
                pieces.push_back({*at, from - batch.first_row, to - from});
            }
            push(needed, pieces, morsel, memory, consumer);
        });
    }
    std::string describe() const override {
        return input_->streamed ? "arrow stream" : "arrow arrays of " + std::to_string(input_->held_rows) + " rows";
    }
    std::optional<std::size_t> row_count() const override { return input_->streamed ? std::nullopt : std::optional(input_->held_rows); }
    bool rescannable() const override { return !input_->streamed; }
    bool stable_text(std::size_t) const override { return !input_->streamed; }

private:
    static constexpr std::size_t streamed_morsel_rows = 64 * std::size_t{chunk_rows};

    struct pass {
        std::shared_ptr<arrow_batch> batch{};    // the one being cut
        std::size_t taken = 0;                   // rows of it
        std::size_t row = 0;                     // of the stream so far
        std::size_t next_morsel = 0;
        bool ended = false;
        std::exception_ptr failure{};
        std::size_t failed_morsel = static_cast<std::size_t>(-1);
    };

    void scan_stream(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) {
        {
            const std::lock_guard hold(input_->lock);
            if (std::exchange(input_->begun, true)) {
                error_details details{.code = error_code::cannot_open, .stage = "from_arrow_stream"};
                details.found = "a stream that has been read";
                details.expected = "one scan of it";
                details.advice = "collect it first, or keep its arrays: {.arrays = segkit::arrow_arrays::kept}";
                throw error(std::move(details));
            }
        }
        pass run;
        executor.run(std::max<std::size_t>(1, executor.concurrency()), [&](std::size_t) { work(run, needed, consumer); });
        if (run.failure) std::rethrow_exception(run.failure);
    }

    void work(pass& run, const std::vector<bool>& needed, morsel_consumer& consumer) {
        scratch memory(input_->columns.size());
        std::vector<arrow_piece> pieces;
        for (;;) {
            std::unique_lock turn(input_->lock);
            if (run.ended) return;
            const std::size_t morsel = run.next_morsel;
            try {
                fetch(run, needed, pieces);
                if (pieces.empty()) return;
                ++run.next_morsel;
                turn.unlock();
                push(needed, pieces, morsel, memory, consumer);
            } catch (...) {    // of several failures the one of the earliest rows is kept
                if (!turn.owns_lock()) turn.lock();
                run.ended = true;
                if (morsel < run.failed_morsel) {
                    run.failed_morsel = morsel;
                    run.failure = std::current_exception();
                }
                return;
            }
        }
    }

    void fetch(pass& run, const std::vector<bool>& needed, std::vector<arrow_piece>& pieces) {
        pieces.clear();
        for (std::size_t missing = streamed_morsel_rows; missing > 0;) {
            if (!run.batch || run.taken == run.batch->rows) {
                run.batch.reset();
                arrow_owner<ArrowArray> array = input_->next();
                if (!array) {
                    run.ended = true;
                    return;
                }
                run.batch = std::make_shared<arrow_batch>(std::move(array), input_->children, run.row);
                run.row += run.batch->rows;
                run.taken = 0;
                run.batch->readers.resize(input_->columns.size());
                for (std::size_t i = 0; i < input_->columns.size(); ++i)
                    if (i < needed.size() && needed[i] && run.batch->rows) run.batch->readers[i] = arrow_readers<arrow_column>::make(input_->columns[i], run.batch->place());
            }
            const std::size_t count = std::min(missing, run.batch->rows - run.taken);
            if (count) pieces.push_back({run.batch, run.taken, count});
            run.taken += count;
            missing -= count;
        }
    }

    void push(const std::vector<bool>& needed, std::vector<arrow_piece>& pieces, std::size_t morsel, scratch& memory, morsel_consumer& consumer) const {
        const std::unique_ptr<morsel_worker> worker = consumer.start(morsel);
        chunk c;
        c.slots.resize(input_->columns.size());
        for (arrow_piece& piece : pieces) {
            for (std::size_t done = 0; done < piece.count; done += chunk_rows) {
                const std::size_t row = piece.begin + done;
                c.first_row = piece.batch->first_row + row;
                c.rows = c.selected = static_cast<std::uint32_t>(std::min<std::size_t>(chunk_rows, piece.count - done));
                for (std::size_t i = 0; i < c.slots.size(); ++i)
                    if (i < needed.size() && needed[i]) c.slots[i] = piece.batch->readers[i]->read(row, c.rows, memory, static_cast<int>(i));
                worker->take(c);
            }
            if (input_->streamed) piece.batch.reset();    // its memory goes as soon as its rows are through
        }
        worker->finish();
    }

    std::shared_ptr<Input> input_;
};

}  // namespace SEGKIT_NAMESPACE::detail
