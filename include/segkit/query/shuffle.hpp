// segkit/query/shuffle.hpp: all rows in a random order, the same one each time.
//
//     t | shuffle({.seed = 7})
//
// The order is a function of the seed and the number of rows that arrive: neither threads nor chunks change it. Ends a pass; holds
// the columns that are read later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/detail/rows.hpp>

namespace SEGKIT_NAMESPACE {

struct shuffle_options {
    std::uint64_t seed = 0;
};

namespace detail {

inline constexpr std::uint64_t shuffling_purpose = 0x5348554646ull;

template <class Plan>
class shuffled_rows {
public:
    shuffled_rows(Plan rows, std::vector<int> slots, std::uint64_t seed) : rows_(std::move(rows)), slots_(std::move(slots)), random_(seed, shuffling_purpose) {}
    std::string describe() const { return "shuffle of " + rows_.source()->describe(); }
    std::vector<pass_input> inputs(const std::vector<bool>& needed) const { return {{&rows_, needed_slots(slots_, needed), "shuffle, which keeps all rows"}}; }
    bool rescannable() const { return rows_.source()->rescannable(); }
    std::size_t columns() const { return slots_.size(); }

    table_data compute(executor_ref executor, const std::vector<bool>& needed) {
        table_data rows = collect_needed(rows_, slots_, needed, executor);
        if (rows.rows > 0xFFFFFFFFull)
            throw error({.code = error_code::overflow,
                         .stage = "shuffle",
                         .found = std::to_string(rows.rows) + " rows",
                         .expected = "at most 4294967295",
                         .advice = "sample or filter the rows first"});
        struct place {
            std::uint64_t chance;
            std::uint32_t row;
        };
        std::vector<place> places(rows.rows);
        for (std::size_t i = 0; i < rows.rows; ++i) places[i] = {random_.bits(i), static_cast<std::uint32_t>(i)};
        sort_in_pieces(places.data(), places.size(), [](const place& a, const place& b) { return a.chance != b.chance ? a.chance < b.chance : a.row < b.row; }, executor);
        std::vector<std::uint32_t> order(rows.rows);
        for (std::size_t i = 0; i < rows.rows; ++i) order[i] = places[i].row;
        places = {};
        executor.run(rows.columns.size(), [&](std::size_t i) {
            column_data& column = rows.columns[i];
            if (column.rows == 0) return;
            column_data to(column.type, column.nullable);
            append_rows(to, column, order.data(), order.size());
            column = std::move(to);
        });
        return rows;
    }

private:
    Plan rows_;
    std::vector<int> slots_;
    counter_random random_;
};

}  // namespace detail

struct shuffle_stage : stage_base {
    static constexpr std::string_view stage_name = "shuffle";
    std::uint64_t seed = 0;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        return detail::relation_over<Schema>(detail::compute_on_first_scan(detail::shuffled_rows<plan>(std::move(r.plan), std::move(r.slot_of), seed)));
    }

    friend bool operator==(const shuffle_stage& a, const shuffle_stage& b) { return a.seed == b.seed; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("seed", seed);
    }
};

inline auto shuffle(shuffle_options options = {}) { return make_pipeline(shuffle_stage{{}, options.seed}); }

}  // namespace SEGKIT_NAMESPACE
