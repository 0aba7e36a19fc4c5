// segkit/pipeline/table_source.hpp: any table as a source of chunks.
//
// Columns that lie contiguously in memory are pushed as they are; others (members of structs, computed columns) are
// gathered per chunk, and only where the pipeline reads them.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/plan.hpp>
#include <segkit/table/traits.hpp>

namespace SEGKIT_NAMESPACE {

template <class Name>
struct text_column_by_value {
    static_assert(detail::never<Name>,
                  "segkit: a text column must return text that lives as long as the table, std::string_view or a reference, and not a "
                  "std::string by value; see 'text_column_by_value<name>'");
};

namespace detail {

// Rows of one morsel: by row count alone, so that results do not depend on the executor.
inline std::size_t morsel_rows(std::size_t rows) {
    const std::size_t chunks = (rows / 64 + chunk_rows - 1) / chunk_rows;
    return std::max<std::size_t>(16, chunks) * chunk_rows;
}

// Delivers rows [row, row + count) of one column; `number` is its place in the scratch.
class column_reader {
public:
    virtual ~column_reader() = default;
    virtual slot_view read(std::size_t row, std::uint32_t count, scratch& memory, int number) const = 0;
    virtual bool in_place() const { return false; }    // points at values that stay
};

template <class Column, class T>
class column_reader_of final : public column_reader {
public:
    explicit column_reader_of(Column column) : column_(std::move(column)) {
        if constexpr (std::same_as<Column, column_view<category>> || std::same_as<Column, column_view<std::optional<category>>>) {
            const auto& texts = column_.dictionary();
            for (std::size_t i = 0; i < texts.size(); ++i) texts_.push_back(texts[i]);
            if (texts_.empty()) texts_.emplace_back();    // for the code of a null
        }
    }

    slot_view read(std::size_t row, std::uint32_t count, scratch& memory, int number) const override {
        slot_view view;
        if constexpr (requires { column_.read(row, count, memory, number); }) {    // it knows at run time how its values lie
            view = column_.read(row, count, memory, number);
        } else if constexpr (is_block<T>) {
            const auto first = column_[row];
            view.values = first.values;
            view.width = first.width;
            static_assert(std::same_as<std::remove_cvref_t<decltype(column_)>, column_view<T>>, "segkit: blocks are read from segkit tables only");
        } else if constexpr (lies_in_place) {
            view.values = column_.data() + row;
            if constexpr (is_nullable<T>)
                if (const std::uint8_t* bits = column_.validity()) view.validity = bits + row / 8;    // Arrow has none where nothing is null
        } else if constexpr (std::same_as<non_null_t<T>, category> && std::same_as<std::remove_cvref_t<Column>, column_view<T>>) {
            auto* values = memory.values<std::string_view>(number);
            view.codes = column_.codes() + row;
            view.texts = texts_.data();
            view.text_count = column_.dictionary().size();
            for (std::uint32_t i = 0; i < count; ++i) values[i] = texts_[static_cast<std::size_t>(view.codes[i])];
            view.values = values;
            if constexpr (is_nullable<T>) view.validity = column_.validity() + row / 8;
        } else if constexpr (std::same_as<std::remove_cvref_t<Column>, column_view<std::optional<text>>>) {
            // A null has no characters, so that texts are read whether there is one or not.
            auto* values = memory.values<std::string_view>(number);
            const auto texts = column_.without_nulls();
            for (std::uint32_t i = 0; i < count; ++i) values[i] = texts[row + i];
            view.values = values;
            view.validity = column_.validity() + row / 8;
        } else {
            using V = value_t<non_null_t<T>>;
            V* values = memory.values<V>(number);
            view.values = values;
            if constexpr (is_nullable<T>) {
                std::uint8_t* bits = memory.validity(number);
                std::memset(bits, 0, chunk_rows / 8);
                view.validity = bits;
                for (std::uint32_t i = 0; i < count; ++i) {
                    const value_t<T> value = column_[row + i];
                    values[i] = value ? V(*value) : V{};
                    bits[i >> 3] = static_cast<std::uint8_t>(bits[i >> 3] | (unsigned{value.has_value()} << (i & 7)));
                }
            } else {
                for (std::uint32_t i = 0; i < count; ++i) values[i] = column_[row + i];
            }
        }
        return view;
    }

    bool in_place() const override {
        return lies_in_place && !requires(scratch& memory) { column_.read(0, 0, memory, 0); };
    }

private:
    struct nothing {};
    static constexpr bool lies_in_place = contiguous_column<Column, T> && (!is_nullable<T> || requires(const Column& c) { c.validity(); });

    Column column_;
    [[no_unique_address]] std::conditional_t<std::same_as<non_null_t<T>, category>, std::vector<std::string_view>, nothing> texts_{};    // of a dictionary
};

// Pushes rows of in-memory columns; the memory must stay as it is while the source lives. (A template only so that it is
// compiled where it is used.)
template <class Readers = std::vector<std::unique_ptr<column_reader>>>
class column_source final : public row_source {
public:
    column_source(std::size_t rows, Readers columns, std::shared_ptr<const void> owner, std::shared_ptr<const table_data> stored = nullptr)
        : rows_(rows), columns_(std::move(columns)), owner_(std::move(owner)), stored_(std::move(stored)) {}

    void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) override {
        const std::size_t per_morsel = morsel_rows(rows_);
        executor.run((rows_ + per_morsel - 1) / per_morsel, [&](std::size_t morsel) {
            const std::unique_ptr<morsel_worker> worker = consumer.start(morsel);
            scratch memory(columns_.size());
            chunk c;
            c.slots.resize(columns_.size());
            const std::size_t end = std::min(rows_, (morsel + 1) * per_morsel);
            for (std::size_t row = morsel * per_morsel; row < end; row += chunk_rows) {
                c.first_row = row;
                c.rows = c.selected = static_cast<std::uint32_t>(std::min<std::size_t>(chunk_rows, end - row));
                for (std::size_t i = 0; i < columns_.size(); ++i)
                    if (i < needed.size() && needed[i]) c.slots[i] = columns_[i]->read(row, c.rows, memory, static_cast<int>(i));
                worker->take(c);
            }
            worker->finish();
        });
    }
    std::string describe() const override { return "table of " + std::to_string(rows_) + " rows"; }
    std::optional<std::size_t> row_count() const override { return rows_; }
    bool stable_text(std::size_t) const override { return true; }
    bool stable_values(std::size_t column) const override { return columns_[column]->in_place(); }
    stored_rows stored(const std::vector<bool>&, executor_ref) override { return {stored_, false}; }

private:
    std::size_t rows_;
    Readers columns_;
    std::shared_ptr<const void> owner_;            // keeps an owned table alive
    std::shared_ptr<const table_data> stored_;     // the same rows, where they are a segkit table
};

template <class T, class Schema>
struct column_readers;
template <class T, fixed_string... Names, class... Types>
struct column_readers<T, schema<field<Names, Types>...>> {
    static std::vector<std::unique_ptr<column_reader>> make(const T& t) {
        std::vector<std::unique_ptr<column_reader>> readers;
        readers.reserve(sizeof...(Names));
        (readers.push_back(make_one<Names, Types>(t)), ...);
        return readers;
    }
    template <fixed_string Name, class Type>
    static std::unique_ptr<column_reader> make_one(const T& t) {
        auto c = table_traits<T>::template column<Name>(t);
        using cell = decltype(std::as_const(c)[std::size_t{}]);
        if constexpr (std::same_as<cell, std::string> || std::same_as<cell, std::optional<std::string>>)    // a view on it would dangle
            detail::report(detail::mistake<text_column_by_value<name<Name>>>);
        return std::make_unique<column_reader_of<decltype(c), Type>>(std::move(c));
    }
};

// The table must outlive the source, or be held by `owner`.
template <table_like T>
std::shared_ptr<row_source> open_table(const T& t, std::shared_ptr<const void> owner = nullptr) {
    using schema_type = typename table_traits<T>::schema_type;
    if constexpr (is_erroneous_schema<schema_type>) {
        return nullptr;    // the mistake has been reported
    } else {
        std::shared_ptr<const table_data> stored;
        if constexpr (std::same_as<T, table<schema_type>>) stored = {owner, &t.data()};
        return std::make_shared<column_source<>>(table_traits<T>::rows(t), column_readers<T, schema_type>::make(t), std::move(owner), std::move(stored));
    }
}

// Columns of any types as readers, by their run-time type.
template <class T>
std::unique_ptr<column_reader> reader_of_type(const column_data& column) {
    return std::make_unique<column_reader_of<column_view<T>, T>>(column_view<T>(column));
}
template <class T>
std::unique_ptr<column_reader> reader_of_plain(const column_data& column) {
    return column.nullable ? reader_of_type<std::optional<T>>(column) : reader_of_type<T>(column);
}
// A list of any type: where the items of each row lie.
class list_reader final : public column_reader {
public:
    explicit list_reader(const column_data& column) : column_(column) {}
    slot_view read(std::size_t row, std::uint32_t count, scratch& memory, int number) const override {
        slot_view view;
        auto* const values = memory.values<list_place>(number);
        for (std::uint32_t i = 0; i < count; ++i) values[i] = column_.list_at(row + i);
        view.values = values;
        if (column_.nullable) view.validity = column_.validity_bits() + row / 8;
        return view;
    }

private:
    const column_data& column_;
};
template <class Column>
std::unique_ptr<column_reader> reader_of(const Column& column) {
    if (is_list_type(column.type)) return std::make_unique<list_reader>(column);
    switch (column.type) {
        case type_id::boolean: return reader_of_plain<bool>(column);
        case type_id::int32: return reader_of_plain<std::int32_t>(column);
        case type_id::int64: return reader_of_plain<std::int64_t>(column);
        case type_id::float32: return reader_of_plain<float>(column);
        case type_id::float64: return reader_of_plain<double>(column);
        case type_id::text: return reader_of_plain<text>(column);
        case type_id::date: return reader_of_plain<date>(column);
        case type_id::timestamp: return reader_of_plain<timestamp>(column);
        case type_id::duration: return reader_of_plain<duration>(column);
        case type_id::block32: return reader_of_type<block<float>>(column);
        case type_id::block64: return reader_of_type<block<double>>(column);
        case type_id::category: return reader_of_plain<category>(column);
    }
    return nullptr;
}

// Rows that a breaker has made, as a source that shares them.
template <class Rows>
std::shared_ptr<row_source> open_rows(std::shared_ptr<const Rows> rows) {
    std::vector<std::unique_ptr<column_reader>> readers;
    readers.reserve(rows->columns.size());
    for (const auto& c : rows->columns) readers.push_back(reader_of(c));
    const std::size_t count = rows->rows;
    return std::make_shared<column_source<>>(count, std::move(readers), rows, rows);
}

// A source whose rows are computed from another plan by the first scan and kept: a group-by, a sort. Computation gives
// `table_data compute(executor_ref)`, `std::string describe() const` and `inputs(needed)`. With `compute(executor_ref, needed)` it leaves
// columns empty that are not needed, and computes again when a later scan needs more: with `columns()` and `rescannable()` all of them.
template <class Computation>
class computed_source final : public row_source {
public:
    explicit computed_source(Computation computation) : computation_(std::move(computation)) {}

    void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) override {
        std::shared_ptr<row_source> source;
        {
            const std::lock_guard hold(lock_);
            compute(needed, executor);
            if (!source_) source_ = open_rows(rows_);
            source = source_;
        }
        source->scan(needed, executor, consumer);
    }
    std::string describe() const override { return computation_.describe(); }
    std::vector<pass_input> inputs(const std::vector<bool>& needed) const override { return computation_.inputs(needed); }
    bool stable_text(std::size_t) const override { return true; }
    stored_rows stored(const std::vector<bool>& needed, executor_ref executor) override {
        const std::lock_guard hold(lock_);
        compute(needed, executor);
        return {rows_, true};
    }

private:
    void compute(const std::vector<bool>& needed, executor_ref executor) {
        if constexpr (requires { computation_.compute(executor, needed); }) {
            bool enough = rows_ != nullptr;
            for (std::size_t i = 0; i < needed.size(); ++i) enough = enough && (!needed[i] || (i < computed_.size() && computed_[i]));
            if (enough) return;
            if constexpr (requires { computation_.columns(); computation_.rescannable(); })
                computed_.assign(computation_.columns(), rows_ || !computation_.rescannable());
            else if (computed_.size() < needed.size()) computed_.resize(needed.size(), false);
            for (std::size_t i = 0; i < needed.size(); ++i) computed_[i] = computed_[i] || needed[i];
            source_.reset();
            rows_.reset();
            rows_ = std::make_shared<table_data>(computation_.compute(executor, computed_));
        } else {
            if (!rows_) rows_ = std::make_shared<table_data>(computation_.compute(executor));
        }
    }

    Computation computation_;
    std::mutex lock_;
    std::vector<bool> computed_;
    std::shared_ptr<const table_data> rows_;
    std::shared_ptr<row_source> source_;
};
template <class Computation>
std::shared_ptr<row_source> compute_on_first_scan(Computation computation) {
    return std::make_shared<computed_source<Computation>>(std::move(computation));
}

}  // namespace detail

}  // namespace SEGKIT_NAMESPACE
