// segkit/io/detail/csv_source.hpp: CSV inputs as a row_source: pushes morsels, or makes whole columns.
//
// A morsel is sixteen blocks of a file. A worker reads and indexes the blocks of its morsel, lets them pass in file order,
// then converts and hands them on, all beside the others; it waits only where a block before is not yet indexed. Morsels
// are numbered by their place in the file, so nothing depends on how many workers there are.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/io/detail/csv_collect.hpp>
#include <segkit/io/detail/csv_convert.hpp>
#include <segkit/io/detail/csv_input.hpp>
#include <segkit/io/detail/csv_reader.hpp>
#include <segkit/io/detail/csv_run.hpp>
#include <segkit/pipeline/source.hpp>
#include <segkit/table/chunk.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE::detail {

inline constexpr std::size_t csv_morsel_batches = 16;

// A run, pushed as morsels.
class csv_push {
public:
    csv_push(csv_run& run, std::size_t stages, morsel_consumer& consumer, std::size_t first_morsel)
        : run_(run), stages_(stages), consumer_(consumer), first_morsel_(first_morsel) {}

    void work(std::size_t workers) {
        converting converter{csv_converter(run_.wanted.fields.size(), run_.settings.nulls), nullptr};
        // One worker converts every batch as soon as it is read, while it is in cache; several hold a morsel each.
        std::vector<csv_batch> batches(workers == 1 ? 1 : csv_morsel_batches);
        for (;;) {
            if (run_.no_more()) return;
            const std::uint64_t morsel = run_.next++;
            const bool last = !run_.is_to_be_read(morsel * csv_morsel_batches);
            std::unique_ptr<morsel_worker> worker;
            if (workers == 1) push_one_by_one(morsel, batches[0], converter, worker);
            else push_together(morsel, batches, converter, worker);
            if (last) return;
        }
    }
    // How many morsels there were.
    std::size_t morsels() const { return morsels_; }

private:
    struct converting {
        csv_converter converter;
        std::shared_ptr<const csv_open_input> input;    // whose batches it is ready for
    };

    void push_one_by_one(std::uint64_t morsel, csv_batch& batch, converting& converter, std::unique_ptr<morsel_worker>& worker) {
        for (std::uint64_t block = morsel * csv_morsel_batches; block < (morsel + 1) * csv_morsel_batches; ++block) {
            const bool present = run_.prepare(batch, block);
            run_.pass(present ? &batch : nullptr, block, [](bool) {});
            if (present) push(morsel, batch, converter, worker);
        }
        finish(morsel, worker);
    }

    void push_together(std::uint64_t morsel, std::vector<csv_batch>& batches, converting& converter, std::unique_ptr<morsel_worker>& worker) {
        const std::uint64_t first = morsel * csv_morsel_batches;
        bool present[csv_morsel_batches] = {};
        std::size_t passed = 0;
        const auto let_pass = [&] {
            run_.pass(present[passed] ? &batches[passed] : nullptr, first + passed, [](bool) {});
            ++passed;
        };
        for (std::size_t i = 0; i < csv_morsel_batches; ++i) {
            while (passed < i && run_.is_known(first + passed)) let_pass();
            present[i] = run_.prepare(batches[i], first + i);
        }
        while (passed < csv_morsel_batches) let_pass();
        for (std::size_t i = 0; i < csv_morsel_batches; ++i)
            if (present[i]) push(morsel, batches[i], converter, worker);
        finish(morsel, worker);
    }

    void push(std::uint64_t morsel, csv_batch& batch, converting& converter, std::unique_ptr<morsel_worker>& worker) {
        if (run_.is_behind_failure(batch.number)) return;
        try {
            if (!worker) worker = start(morsel);
            if (converter.input != batch.input) {
                converter.input = batch.input;
                converter.converter.use(batch.input->columns, batch.input->positions, batch.input->reader.labels());
            }
            const bool collects = run_.settings.bad_rows != nullptr;
            std::vector<error_details>& rejected = batch.rejected;
            for (std::size_t first = 0; first < batch.rows; first += chunk_rows) {
                const std::size_t rows = batch.rows - first < chunk_rows ? batch.rows - first : chunk_rows;
                push_chunk(batch, first, rows, converter.converter, *worker, collects ? &rejected : nullptr);
            }
            if (collects) run_.reject(std::move(rejected));
            if (batch.failure) run_.fail(batch.number, batch.failure);
        } catch (...) {
            run_.fail(batch.number, std::current_exception());
        }
    }

    void push_chunk(const csv_batch& batch, std::size_t first, std::size_t rows, csv_converter& converter, morsel_worker& worker,
                    std::vector<error_details>* rejected) const {
        chunk& c = converter.begin(batch, first, rows);
        for (std::size_t stage = 0; stage < stages_ && c.selected != 0; ++stage) {
            converter.convert(stage, rejected);
            if (c.selected == 0) break;
            if (stage + 1 < stages_) worker.narrow(stage, c);
            else worker.take(c);
        }
        converter.check();
    }

    std::unique_ptr<morsel_worker> start(std::uint64_t morsel) {
        std::size_t most = morsels_.load();
        while (most <= morsel && !morsels_.compare_exchange_weak(most, static_cast<std::size_t>(morsel) + 1)) {
        }
        return consumer_.start(first_morsel_ + static_cast<std::size_t>(morsel));
    }
    void finish(std::uint64_t morsel, std::unique_ptr<morsel_worker>& worker) {
        try {
            // Inputs without rows must not leave a gap among the morsels.
            if (!worker && run_.inputs() > 1 && run_.is_to_be_read(morsel * csv_morsel_batches)) worker = start(morsel);
            if (worker) worker->finish();
        } catch (...) {
            run_.fail((morsel + 1) * csv_morsel_batches - 1, std::current_exception());
        }
    }

    csv_run& run_;
    std::size_t stages_;
    morsel_consumer& consumer_;
    std::size_t first_morsel_;
    std::atomic<std::size_t> morsels_{0};
};

class csv_source final : public row_source {
public:
    using inputs = std::vector<std::shared_ptr<const byte_input>>;
    using sizes_of_inputs = std::vector<std::optional<std::uint64_t>>;

    csv_source(inputs from, std::vector<csv_field> fields, csv_settings settings) : inputs_(std::move(from)), fields_(std::move(fields)), settings_(std::move(settings)) {}

    std::string describe() const override {
        std::string text = "csv";
        for (std::size_t i = 0; i < inputs_.size() && i < 3; ++i) text += (i ? ", " : " ") + inputs_[i]->name();
        if (inputs_.size() > 3) text += " and " + std::to_string(inputs_.size() - 3) + " more";
        return text;
    }
    // As many bytes to a row as at the beginning of the first input. Nothing where an input's size is not known, or it cannot be read.
    std::optional<std::size_t> estimated_rows() const override {
        try {
            const std::optional<std::uint64_t> all = total_of(input_sizes());
            if (!all) return std::nullopt;
            std::uint64_t bytes = *all;
            double bytes_per_row = 0;
            for (std::size_t i = 0; i < inputs_.size() && bytes_per_row == 0; ++i) {
                csv_reader reader(*inputs_[i], settings_.form);
                csv_batch batch;
                reader.prepare(batch, 0);
                bytes -= reader.data_begin();
                if (batch.rows != 0) bytes_per_row = static_cast<double>(batch.next_row_at - batch.begins_at) / static_cast<double>(batch.rows);
            }
            return bytes_per_row == 0 ? 0 : static_cast<std::size_t>(static_cast<double>(bytes) / bytes_per_row + 0.5);
        } catch (const error&) {
            return std::nullopt;    // the reading will say why
        }
    }
    // Which rows are bad depends on the columns that are read, so a second reading could give other rows.
    bool rescannable() const override {
        return !settings_.bad_rows && std::all_of(inputs_.begin(), inputs_.end(), [](const auto& input) { return input->rescannable(); });
    }

    void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) override {
        if (settings_.bad_rows) settings_.bad_rows->rows.clear();
        const std::size_t workers = executor.concurrency() > 1 ? executor.concurrency() : 1;
        std::vector<std::size_t> stage_of;
        if (!settings_.validate_all) stage_of = consumer.stages();
        stage_of.resize(stage_of.empty() ? 0 : fields_.size(), 0);
        std::size_t stages = 1;
        for (std::size_t slot = 0; slot < stage_of.size(); ++slot)
            if (slot < needed.size() && needed[slot]) stages = std::max(stages, stage_of[slot] + 1);
        std::size_t morsels = 0;
        for_each_run({fields_, needed, std::move(stage_of)}, input_sizes(), [&](csv_run& run) {
            csv_push push(run, stages, consumer, morsels);
            executor.run(workers, [&](std::size_t) { push.work(workers); });
            morsels += push.morsels();
        });
    }

    // f(run) for the inputs that are read at once: those whose size is known, as far as they follow one another, but each by itself
    // where bad rows are collected. Rows, bytes and bad rows go on counting.
    template <class F>
    void for_each_run(const csv_wanted& wanted, const sizes_of_inputs& sizes, F&& f) {
        csv_progress progress{.total_bytes = total_of(sizes).value_or(0)};
        std::size_t row = 0;
        for (std::size_t first = 0, last = 0; first < inputs_.size(); first = last) {
            inputs together;
            std::vector<std::uint64_t> known;
            do {
                together.push_back(inputs_[last]);
                if (sizes[last]) known.push_back(*sizes[last]);
                ++last;
            } while (!settings_.bad_rows && sizes[last - 1] && last < inputs_.size() && sizes[last]);
            csv_run run(together, known, wanted, settings_, row, progress);
            f(run);
            run.finish();
            row = run.chain().row;
            progress = run.progress();
        }
    }

    // Whole files go straight to their place. Not small ones, for which it does not pay, nor streams, whose size is not known.
    stored_rows stored(const std::vector<bool>& needed, executor_ref executor) override {
        constexpr std::uint64_t small = 1 << 20;
        if (settings_.bad_rows) return {};
        const sizes_of_inputs known = input_sizes();
        const std::optional<std::uint64_t> bytes = total_of(known);
        if (!bytes || *bytes < small) return {};
        const std::size_t workers = executor.concurrency() > 1 ? executor.concurrency() : 1;
        auto all = std::make_shared<table_data>();
        for (const csv_field& field : fields_) all->columns.emplace_back(field.type, field.nullable);
        for_each_run({fields_, needed, {}}, known, [&](csv_run& run) {
            csv_column_reader to(run, *all);
            executor.run(workers, [&](std::size_t) { to.work(); });
            to.finish(run.chain().row);
        });
        return {std::move(all), true};
    }

private:
    // Of each input in bytes, where that is known. A file is opened to ask it.
    sizes_of_inputs input_sizes() const {
        sizes_of_inputs all;
        for (const auto& input : inputs_) {
            const auto access = input->access();
            all.push_back(access ? std::optional(access->size()) : std::nullopt);
        }
        return all;
    }
    // Nothing where one of them is not known.
    static std::optional<std::uint64_t> total_of(const sizes_of_inputs& sizes) {
        std::uint64_t total = 0;
        for (const auto& size : sizes) {
            if (!size) return std::nullopt;
            total += *size;
        }
        return total;
    }

    inputs inputs_;
    std::vector<csv_field> fields_;
    csv_settings settings_;
};

}  // namespace SEGKIT_NAMESPACE::detail
