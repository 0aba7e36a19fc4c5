// The same rows pushed in other pieces: chunks of any size, morsels of any number of chunks. And tables compared bit by bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <segkit/query.hpp>
#include <segkit/table/parse.hpp>

#include "support/same_columns.hpp"

namespace laws {

// Rows of a table that delivers its values one by one, so that a chunk may begin anywhere.
template <class Schema>
struct scattered {
    const segkit::table<Schema>* rows;
};

}  // namespace laws

template <class Schema>
struct segkit::table_traits<laws::scattered<Schema>> {
    using schema_type = Schema;
    template <class T>
    struct values {
        segkit::column_view<T> view;
        segkit::value_t<T> operator[](std::size_t row) const { return view[row]; }
    };
    static std::size_t rows(const laws::scattered<Schema>& s) { return s.rows->rows(); }
    template <segkit::fixed_string Name>
    static auto column(const laws::scattered<Schema>& s) {
        return values<segkit::column_type_t<Schema, Name>>{s.rows->template column<Name>()};
    }
};

namespace laws {

class cut_row_source final : public segkit::row_source {
public:
    using readers = std::vector<std::unique_ptr<segkit::detail::column_reader>>;
    cut_row_source(std::size_t rows, readers columns, std::size_t chunk, std::size_t chunks_per_morsel)
        : rows_(rows), columns_(std::move(columns)), chunk_(chunk), per_morsel_(chunk * chunks_per_morsel) {}

    void scan(const std::vector<bool>& needed, segkit::executor_ref executor, segkit::morsel_consumer& consumer) override {
        executor.run((rows_ + per_morsel_ - 1) / per_morsel_, [&](std::size_t morsel) {
            const auto worker = consumer.start(morsel);
            segkit::scratch memory(columns_.size());
            segkit::chunk c;
            c.slots.resize(columns_.size());
            const std::size_t end = std::min(rows_, (morsel + 1) * per_morsel_);
            for (std::size_t row = morsel * per_morsel_; row < end; row += chunk_) {
                c.rows = c.selected = static_cast<std::uint32_t>(std::min(chunk_, end - row));
                c.dense = true;
                c.first_row = row;
                for (std::size_t i = 0; i < columns_.size(); ++i)
                    if (i < needed.size() && needed[i]) c.slots[i] = columns_[i]->read(row, c.rows, memory, static_cast<int>(i));
                worker->take(c);
            }
            worker->finish();
        });
    }
    std::string describe() const override { return "rows in pieces"; }
    bool stable_text(std::size_t) const override { return true; }

private:
    std::size_t rows_;
    readers columns_;
    std::size_t chunk_, per_morsel_;
};

// A source over a table: as the library cuts it (chunk 0), or in pieces.
template <class Schema>
struct cut_rows {
    using schema_type = Schema;
    const segkit::table<Schema>* rows;
    std::size_t chunk = 0;
    std::size_t chunks_per_morsel = 1;

    std::shared_ptr<segkit::row_source> open() const {
        if (chunk == 0) return segkit::detail::open_table(*rows);
        const scattered<Schema> values{rows};
        return std::make_shared<cut_row_source>(rows->rows(), segkit::detail::column_readers<scattered<Schema>, Schema>::make(values), chunk, chunks_per_morsel);
    }
};

// The pieces that law 2 asks for.
struct pieces {
    std::size_t chunk, chunks_per_morsel;
};
inline constexpr pieces all_pieces[] = {{1, 50}, {3, 1}, {7, 11}, {1000, 1}, {1000, 3}, {2048, 2}};

inline bool same_bits(const segkit::table_data& a, const segkit::table_data& b) { return support::same_columns(a, b); }

// Two archived models: the same text, but for numbers, which may differ by `relative` of themselves or of the largest.
inline bool close_texts(const std::string& a, const std::string& b, double relative = 1e-12) {
    const auto tokens = [](const std::string& text) {
        std::vector<std::string> all(1);
        for (const char c : text) {
            const bool part = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '+' || c == 'E' || c == '_';
            if (part) all.back() += c;
            else if (!all.back().empty()) all.emplace_back();
        }
        return all;
    };
    const auto x = tokens(a), y = tokens(b);
    if (x.size() != y.size()) return false;
    double largest = 0;
    for (const auto& t : x)
        if (const auto v = segkit::parse_value<double>(t)) largest = std::max(largest, std::fabs(*v));
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (x[i] == y[i]) continue;
        const auto v = segkit::parse_value<double>(x[i]), w = segkit::parse_value<double>(y[i]);
        if (!v || !w || !(std::fabs(*v - *w) <= relative * largest)) return false;
    }
    return true;
}

}  // namespace laws
