// Random rows with nulls, NaNs, zeros of both signs and many equal keys, and sources that push them in unusual ways: for the tests
// of stages that rank, order, choose and sample rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/query.hpp>

#include "support/same_columns.hpp"

namespace rows {

namespace sk = segkit;
using namespace segkit::literals;

template <class T>
using maybe = std::optional<T>;

using schema = sk::schema<sk::field<"id", std::int64_t>, sk::field<"group", maybe<sk::text>>, sk::field<"small", maybe<std::int32_t>>, sk::field<"real", maybe<double>>,
                          sk::field<"thin", float>, sk::field<"word", sk::text>>;

struct row {
    std::int64_t id;
    maybe<std::string> group;
    maybe<std::int32_t> small;
    maybe<double> real;
    float thin;
    std::string word;
};

struct data {
    std::vector<row> list;
    sk::table<schema> table;
};

inline data random(std::size_t count, std::uint64_t seed, std::uint64_t keys = 6) {
    data d;
    const sk::counter_random from(seed, 9);
    for (std::size_t i = 0; i < count; ++i) {
        const auto below = [&](std::uint64_t part, std::uint64_t n) { return from.below(16 * i + part, n); };
        row r{static_cast<std::int64_t>(i), std::nullopt, std::nullopt, std::nullopt, static_cast<float>(below(0, 4)) - 1.5f, ""};
        if (below(1, 6)) r.group = "group " + std::to_string(below(2, keys));
        if (below(3, 5)) r.small = static_cast<std::int32_t>(below(4, keys)) - 2;
        if (below(5, 5)) {
            const auto kind = below(6, 12);
            r.real = kind == 0 ? std::numeric_limits<double>::quiet_NaN() : kind == 1 ? -0.0 : kind == 2 ? std::numeric_limits<double>::infinity() : (static_cast<double>(below(7, 40)) - 10) / 4;
        }
        if (below(8, 11) == 0) r.thin = std::numeric_limits<float>::quiet_NaN();
        if (below(9, 4)) r.word = std::string(below(10, 3) * 8, 'w') + std::to_string(below(11, keys));
        d.table.append(r.id, r.group ? std::optional<std::string_view>(*r.group) : std::nullopt, r.small, r.real, r.thin, std::string_view(r.word));
        d.list.push_back(std::move(r));
    }
    return d;
}

// Every size that matters to chunks and morsels, and none at all.
inline const std::vector<data>& cases() {
    static const std::vector<data> all = [] {
        std::vector<data> made;
        std::uint64_t seed = 1;
        for (const std::size_t n : std::initializer_list<std::size_t>{0, 1, 2, 9, 300, 2048, 2049, 33'000}) made.push_back(random(n, seed++, n > 2048 ? 40 : 6));
        return made;
    }();
    return all;
}

// -1, 0, 1 as an order has it: NaN after the numbers and null last, in either direction.
template <class T>
int compare(const T& a, const T& b, bool down) {
    const bool nan_a = a != a, nan_b = b != b;
    if (nan_a || nan_b) return int{nan_a} - int{nan_b};
    const int c = a < b ? -1 : b < a ? 1 : 0;
    return down ? -c : c;
}
template <class T>
int compare(const maybe<T>& a, const maybe<T>& b, bool down) {
    if (!a || !b) return int{!a} - int{!b};
    return compare(*a, *b, down);
}

// Groups as group_by has them: nulls are one group.
template <class Key>
struct grouped {
    std::vector<Key> keys;                           // in the order of their first rows
    std::vector<std::vector<std::size_t>> members;
};
template <class KeyOf>
auto group(const std::vector<row>& list, KeyOf key_of) {
    grouped<decltype(key_of(list[0]))> g;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto key = key_of(list[i]);
        std::size_t at = 0;
        while (at < g.keys.size() && !(g.keys[at] == key)) ++at;
        if (at == g.keys.size()) {
            g.keys.push_back(key);
            g.members.emplace_back();
        }
        g.members[at].push_back(i);
    }
    return g;
}

// A source over a table whose rows can be read once, and says so.
template <class Schema>
struct once {
    using schema_type = Schema;
    const sk::table<Schema>* rows;

    class source final : public sk::row_source {
    public:
        explicit source(std::shared_ptr<sk::row_source> from) : from_(std::move(from)) {}
        void scan(const std::vector<bool>& needed, sk::executor_ref executor, sk::morsel_consumer& consumer) override {
            if (std::exchange(read_, true)) throw std::logic_error("read twice");
            from_->scan(needed, executor, consumer);
        }
        std::string describe() const override { return "rows once"; }
        bool rescannable() const override { return false; }

    private:
        std::shared_ptr<sk::row_source> from_;
        bool read_ = false;
    };
    std::shared_ptr<sk::row_source> open() const { return std::make_shared<source>(sk::detail::open_table(*rows)); }
};

template <class Table>
bool same_bits(const Table& a, const Table& b) {
    return support::same_columns(a.data(), b.data());
}

// The column `id` of rows.
template <class Table>
std::vector<std::int64_t> ids_of(const Table& t) {
    std::vector<std::int64_t> ids;
    for (std::size_t i = 0; i < t.rows(); ++i) ids.push_back(t["id"_c][i]);
    return ids;
}

// A condition that keeps some rows, and the ids of those.
inline constexpr auto thin = "thin"_c < 1.0f;
inline std::vector<std::int64_t> kept_ids(const data& d) {
    std::vector<std::int64_t> ids;
    for (const auto& r : d.list)
        if (r.thin < 1.0f) ids.push_back(r.id);
    return ids;
}

// The rows of a query over `d`, after a look whether threads, or rows that can be read once, change a bit.
template <class Pipeline>
auto through(const data& d, const Pipeline& stages, bool* same) {
    const auto result = d.table | stages | sk::collect();
    *same = same_bits(result, once<schema>{&d.table} | stages | sk::collect(sk::threads(2)));
    for (const unsigned n : {1u, 2u, 3u, 7u}) *same = *same && same_bits(result, d.table | stages | sk::collect(sk::threads(n)));
    return result;
}

}  // namespace rows
