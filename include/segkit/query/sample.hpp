// segkit/query/sample.hpp: some of the rows, by chance and yet the same each time.
//
//     sample({.n = 1'000, .seed = 7})            // exactly that many (all, where there are fewer)
//     sample({.fraction = 0.01, .seed = 7})      // each row with this probability
//
// Chance is a function of the seed and the row's number among the rows that arrive, so neither threads nor chunks change what is
// chosen. Rows stay in their order. Rows are numbered by a first pass over no columns, unless they come straight from a table;
// with n, n rows are held; with a fraction none. Two samples in one query need different seeds.
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
#include <segkit/query/detail/best_rows.hpp>
#include <segkit/query/detail/numbered_rows.hpp>

namespace SEGKIT_NAMESPACE {

struct sample_options {
    std::size_t n;
    std::uint64_t seed = 0;
};
struct sample_fraction_options {
    double fraction;
    std::uint64_t seed = 0;
};

namespace detail {

inline constexpr std::uint64_t sampling_purpose = 1;

// Rules of numbered_source.
struct chosen_by_chance {
    counter_random random;
    double fraction;
    std::string describe() const { return "sample"; }
    bool keep(std::uint64_t number) const { return random.uniform(number) < fraction; }
};
struct random_column {
    counter_random random;
    std::string describe() const { return "sample"; }
    void write(std::uint64_t first, const chunk& c, slot_view& out, scratch& memory, int place) const {
        auto* values = memory.values<std::int64_t>(place);
        c.each([&](std::uint32_t k, std::uint32_t row) { values[row] = static_cast<std::int64_t>(random.bits(first + k)); });
        out = {values};
    }
};

}  // namespace detail

struct sample_stage : stage_base {
    static constexpr std::string_view stage_name = "sample";
    std::size_t n = 0;
    std::uint64_t seed = 0;

    // The n rows with the least random numbers.
    template <class Schema>
    auto bind(relation<Schema> r) const {
        using Numbered = typename detail::append_fields<Schema, field<"", std::int64_t>>::type;
        auto numbered = detail::number_rows<Numbered>(std::move(r), detail::random_column{counter_random(seed, detail::sampling_purpose)});
        std::vector<int> slots = numbered.slot_of;
        detail::best_rows_request request{.stage = stage_name, .n = n, .order = {{slots.back()}}, .in_row_order = true};
        slots.pop_back();
        return detail::keep_best_rows(std::move(numbered).template with<Schema>(std::move(slots)), std::move(request));
    }

    friend bool operator==(const sample_stage& a, const sample_stage& b) { return a.n == b.n && a.seed == b.seed; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("n", n);
        archive.field("seed", seed);
    }
};

struct sample_fraction_stage : stage_base {
    static constexpr std::string_view stage_name = "sample_fraction";
    double fraction = 0;
    std::uint64_t seed = 0;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if (!(fraction >= 0 && fraction <= 1))
            throw error({.code = error_code::invalid_option,
                         .stage = "sample",
                         .field = "fraction",
                         .found = std::to_string(fraction),
                         .expected = "0 to 1",
                         .advice = "for a number of rows, write sample({.n = ...})"});
        return detail::number_rows<Schema>(std::move(r), detail::chosen_by_chance{counter_random(seed, detail::sampling_purpose), fraction});
    }

    friend bool operator==(const sample_fraction_stage& a, const sample_fraction_stage& b) { return a.fraction == b.fraction && a.seed == b.seed; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("fraction", fraction);
        archive.field("seed", seed);
    }
};

inline auto sample(sample_options options) { return make_pipeline(sample_stage{{}, options.n, options.seed}); }
inline auto sample(sample_fraction_options options) { return make_pipeline(sample_fraction_stage{{}, options.fraction, options.seed}); }

}  // namespace SEGKIT_NAMESPACE
