// segkit/query/detail/rank_engine.hpp: the run-time part of rank, row_number, ntile and percentile_rank.
//
// A first pass collects the keys of the order and of the groups; rows are numbered, brought in order by group and key, and each
// is given its place. Only the places are kept for the pass that adds them to the rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/query/detail/numbered_rows.hpp>
#include <segkit/query/detail/rows.hpp>
#include <segkit/query/detail/sort_engine.hpp>

namespace SEGKIT_NAMESPACE::detail {

enum class place_kind : std::uint8_t { min, max, dense, first, average, tile, middle, relative, cumulative };

struct place_rule {
    std::string_view stage{};
    place_kind kind = place_kind::min;
    std::uint64_t tiles = 1;
    bool skip_nulls = false;    // rows with a null key have no place
};

// An option that is an enumeration, archived as its number.
template <class Archive, class Choice>
void serialize_choice(Archive& archive, const char* name, Choice& choice, int last) {
    int number = static_cast<int>(choice);
    archive.field(name, number);
    if (number < 0 || number > last)
        throw error({.code = error_code::incompatible_model,
                     .stage = "load",
                     .field = name,
                     .found = std::to_string(number),
                     .expected = "0 to " + std::to_string(last),
                     .advice = "save the model again with this version and recipe"});
    choice = static_cast<Choice>(number);
}

// A rule of numbered_source: the places of all rows, V being std::int64_t or double.
template <class V>
class place_rows {
public:
    // Keys and groups are positions in the schema.
    place_rows(place_rule rule, std::vector<sort_key> keys, std::vector<std::size_t> groups) : rule_(rule), keys_(std::move(keys)), groups_(std::move(groups)) {}

    std::string describe() const { return std::string(rule_.stage); }

    template <class Plan>
    std::vector<std::uint64_t> prepare(const Plan& p, const std::vector<int>& slots, executor_ref executor) {
        std::vector<int> outputs;
        for (const sort_key& k : keys_) outputs.push_back(slots[k.column]);
        for (const std::size_t g : groups_) outputs.push_back(slots[g]);
        std::vector<std::uint64_t> first_rows;
        const table_data rows = collect_numbered(p, outputs, executor, first_rows);
        if (first_rows.back() > 0xFFFFFFFEull) throw_too_many(first_rows.back(), "rows", "4294967294");
        find_places(rows, static_cast<std::size_t>(first_rows.back()), executor);
        return first_rows;
    }

    // The places of the rows of a chunk, whose first selected one has the number `first`.
    void write(std::uint64_t first, const chunk& c, slot_view& out, scratch& memory, int place) const {
        out = {};
        if (c.dense) {
            out.values = places_.data() + first;
        } else {
            V* values = memory.values<V>(place);
            c.each([&](std::uint32_t k, std::uint32_t row) { values[row] = places_[first + k]; });
            out.values = values;
        }
        if (ranked_.empty()) return;
        std::uint8_t* bits = memory.validity(place);
        std::memset(bits, 0, chunk_rows / 8);
        c.each([&](std::uint32_t k, std::uint32_t row) { bits[row >> 3] = static_cast<std::uint8_t>(bits[row >> 3] | (unsigned{ranked_[first + k]} << (row & 7))); });
        out.validity = bits;
    }

private:
    [[noreturn]] void throw_too_many(std::uint64_t found, const char* what, const char* most) const {
        throw error({.code = error_code::overflow,
                     .stage = describe(),
                     .found = std::to_string(found) + " " + what,
                     .expected = std::string("at most ") + most,
                     .advice = "filter or aggregate before ranking"});
    }

    void find_places(const table_data& rows, std::size_t count, executor_ref executor) {
        std::vector<sort_key> keys;
        for (std::size_t i = 0; i < keys_.size(); ++i) keys.push_back({i, keys_[i].descending, keys_[i].nulls_first});
        const row_order order(rows, keys);
        places_.assign(count, V{});
        if (rule_.skip_nulls) skip_nulls(rows, count);
        std::vector<std::uint32_t> sorted;
        const std::vector<std::size_t> begins = sort_groups(rows, count, sorted, executor);
        constexpr std::size_t batch = 64;
        executor.run((begins.size() - 1 + batch - 1) / batch, [&](std::size_t b) {
            for (std::size_t g = b * batch; g < (b + 1) * batch && g + 1 < begins.size(); ++g) place_group(sorted.data() + begins[g], begins[g + 1] - begins[g], order);
        });
    }

    // The rows that are ranked, group by group, each in order; and where each group begins.
    std::vector<std::size_t> sort_groups(const table_data& rows, std::size_t count, std::vector<std::uint32_t>& sorted, executor_ref executor) const {
        using engine = sort_engine<column_data>;
        std::vector<std::size_t> begins{0};
        std::vector<typename engine::key> keys;
        column_data group(type_id::int32, false);
        if (!groups_.empty()) {
            std::vector<std::size_t> columns;
            for (std::size_t i = 0; i < groups_.size(); ++i) columns.push_back(keys_.size() + i);
            std::size_t group_count = 0;
            const std::vector<std::uint32_t> number = groups_of_rows(rows, columns, &group_count);
            if (group_count > 0x7FFFFFFFull) throw_too_many(group_count, "groups", "2147483647");
            begins.assign(group_count + 1, 0);
            for (std::size_t row = 0; row < count; ++row) begins[number[row] + 1] += is_ranked(row);
            for (std::size_t g = 0; g < group_count; ++g) begins[g + 1] += begins[g];
            group.values.append(number.data(), count * sizeof(std::uint32_t));
            group.rows = count;
            keys.push_back({&group});
        }
        for (std::size_t i = 0; i < keys_.size(); ++i) keys.push_back({&rows.columns[i], keys_[i].descending, keys_[i].nulls_first});
        const auto order = engine(std::move(keys), count).order(executor);
        sorted.reserve(count);
        for (std::size_t i = 0; i < count; ++i)
            if (is_ranked(order[i])) sorted.push_back(order[i]);
        if (groups_.empty()) begins.push_back(sorted.size());
        return begins;
    }
    bool is_ranked(std::size_t row) const { return ranked_.empty() || ranked_[row]; }
    void skip_nulls(const table_data& rows, std::size_t count) {
        bool any_nullable = false;
        for (std::size_t i = 0; i < keys_.size(); ++i) any_nullable = any_nullable || rows.columns[i].nullable;
        if (!any_nullable) return;
        ranked_.assign(count, true);
        for (std::size_t i = 0; i < keys_.size(); ++i)
            for (std::size_t row = 0; row < count && rows.columns[i].nullable; ++row)
                if (!bit_at(rows.columns[i].validity_bits(), row)) ranked_[row] = false;
    }

    void place_group(const std::uint32_t* sorted, std::size_t n, const row_order<table_data>& order) {
        if (rule_.kind == place_kind::first) {
            for (std::size_t i = 0; i < n; ++i) places_[sorted[i]] = static_cast<V>(i + 1);
        } else if (rule_.kind == place_kind::tile) {
            const std::size_t tiles = static_cast<std::size_t>(rule_.tiles), size = n / tiles, larger = n % tiles, in_larger = larger * (size + 1);
            for (std::size_t i = 0; i < n; ++i) places_[sorted[i]] = static_cast<V>(i < in_larger ? i / (size + 1) + 1 : larger + (i - in_larger) / size + 1);
        } else {
            std::size_t different = 0;
            for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
                for (end = begin + 1; end < n && order.compare(sorted[begin], sorted[end]) == 0;) ++end;
                ++different;
                const V place = place_of_equals(begin, end, n, different);
                for (std::size_t i = begin; i < end; ++i) places_[sorted[i]] = place;
            }
        }
    }
    V place_of_equals(std::size_t begin, std::size_t end, std::size_t n, std::size_t different) const {
        const auto below = static_cast<double>(begin), equal = static_cast<double>(end - begin), all = static_cast<double>(n);
        switch (rule_.kind) {
            case place_kind::min: return static_cast<V>(begin + 1);
            case place_kind::max: return static_cast<V>(end);
            case place_kind::dense: return static_cast<V>(different);
            case place_kind::average: return static_cast<V>(below + (equal + 1) / 2);
            case place_kind::middle: return static_cast<V>((below + equal / 2) / all);
            case place_kind::relative: return static_cast<V>(n > 1 ? below / (all - 1) : 0.0);
            case place_kind::cumulative: return static_cast<V>((below + equal) / all);
            case place_kind::first:
            case place_kind::tile: break;
        }
        return V{};
    }

    place_rule rule_;
    std::vector<sort_key> keys_;
    std::vector<std::size_t> groups_;
    std::vector<V> places_;
    std::vector<bool> ranked_;    // empty where all are
};

}  // namespace SEGKIT_NAMESPACE::detail
