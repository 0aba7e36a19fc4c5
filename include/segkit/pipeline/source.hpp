// segkit/pipeline/source.hpp: where rows come from, at run time. A source pushes chunks; nothing pulls.
//
// A scan is cut into morsels by row (or byte) count alone, never by thread count. Morsels are numbered in row order
// and may run at the same time; inside a morsel chunks come in row order from one thread. A consumer that keeps one
// state per morsel and merges them by number therefore gives the same bits on any executor.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/table/chunk.hpp>

namespace SEGKIT_NAMESPACE {

// Receives the chunks of one morsel. What a chunk points at is valid during `take` only, except the text of a column
// for which the source's `stable_text` is true, and the values of one for which `stable_values` is.
class morsel_worker {
public:
    virtual ~morsel_worker() = default;
    virtual void take(const chunk& rows) = 0;
    virtual void finish() {}    // after the morsel's last chunk

    // Where the consumer has several stages (below), a source may call this for each but the last, in order, with the
    // columns of the stages so far set for the rows that count, and then `take` with all. Afterwards the chunk's selection
    // says which rows still count. One without any is done: nothing more is called for it.
    virtual void narrow(std::size_t stage, chunk& rows) { (void)stage, (void)rows; }
};

// Hands out one worker per morsel; `start` may be called from several threads at once.
class morsel_consumer {
public:
    virtual ~morsel_consumer() = default;
    virtual std::unique_ptr<morsel_worker> start(std::size_t morsel) = 0;

    // For each source column the stage in which it is first read; stages end where rows may be rejected. Empty: there is one
    // stage. For sources that have something to save by not delivering the columns of rejected rows.
    virtual std::vector<std::size_t> stages() const { return {}; }
};

struct table_data;
class plan;

// Rows that a source or a step reads to make its own: a pass before the one it is part of (pipeline/explain.hpp).
struct pass_input {
    const plan* rows;
    std::vector<int> slots;    // what is read of them
    std::string keeps;         // what is held in memory of them, for a reader: "group_by, which keeps its groups"
    std::optional<std::size_t> most_rows = all_of_them;    // that the source has of them; nothing where it may have more than there are

    std::size_t least_rows = 0;    // of most_rows: also where there are none; an aggregate over all rows has one

    static constexpr std::size_t all_of_them = static_cast<std::size_t>(-1);
};

// Rows that lie in memory as stored columns.
struct stored_rows {
    std::shared_ptr<const table_data> rows{};
    bool computed = false;    // made by the source for this plan: whoever holds it last may take it apart
};

class row_source {
public:
    virtual ~row_source() = default;

    // Pushes every row once. Slot i of a chunk is column i of the source and is set where needed[i]; other columns need
    // not be converted. `chunk::first_row` is the row's number in the source. Morsel numbers are 0, 1, 2, ... without gaps.
    virtual void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) = 0;

    virtual std::string describe() const = 0;                                      // "table of 5998 rows", "csv sessions.csv"
    virtual std::vector<pass_input> inputs(const std::vector<bool>& needed) const {
        (void)needed;
        return {};
    }
    virtual std::optional<std::size_t> row_count() const { return std::nullopt; }  // where known without reading
    virtual std::optional<std::size_t> estimated_rows() const { return row_count(); }    // by reading a little, which can be read again
    virtual bool rescannable() const { return true; }                              // false: scan works once
    virtual bool stable_text(std::size_t column) const {                           // this column's text lives as long as the source
        (void)column;
        return false;
    }
    // This column's values are not copied for a chunk: they stay where it points, as long as the source.
    virtual bool stable_values(std::size_t column) const {
        (void)column;
        return false;
    }
    // All rows at once, without a scan, where they lie in memory or are computed into it; columns that are not needed may be
    // empty. Nothing where rows are pushed only.
    virtual stored_rows stored(const std::vector<bool>& needed, executor_ref executor) {
        (void)needed, (void)executor;
        return {};
    }
};

// How to satisfy `source`: give your copyable type a `schema_type` and `open()`, which returns a row_source whose columns
// are the schema's, in order. `open` may be called several times; each result is scanned any number of times (once, where it
// is not rescannable). A row_source needs `scan` and `describe`; the other members have defaults.
template <class S>
concept source = std::copy_constructible<S> && requires(const S& s) {
    typename S::schema_type;
    { s.open() } -> std::convertible_to<std::shared_ptr<row_source>>;
};

}  // namespace SEGKIT_NAMESPACE
