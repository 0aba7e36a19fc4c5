// For the CSV tests: random tables as texts, random ways to write them, and a naive reader that is plainly right.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <segkit/io/csv.hpp>

#include "support/same_columns.hpp"

namespace support {

// xorshift64: the tests need variety, not quality.
struct dice {
    std::uint64_t state;
    std::uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>((next() >> 11) % n); }
    bool chance(std::size_t percent) { return below(100) < percent; }
};

// One field as it stands in a file: its text without quotes, and whether it had any.
struct raw_field {
    std::string text;
    bool quoted = false;
    bool operator==(const raw_field&) const = default;
};
using raw_rows = std::vector<std::vector<raw_field>>;

// RFC 4180, one character after the other. Blank lines count only where the header has a single column.
inline raw_rows naive_rows(std::string text, char delimiter) {
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    raw_rows rows;
    std::vector<raw_field> row(1);
    bool inside = false;
    bool begun = false;    // the line has at least one character
    const auto end_row = [&] {
        if (begun || (!rows.empty() && rows[0].size() == 1)) rows.push_back(row);
        row.assign(1, {});
        begun = false;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inside) {
            if (c != '"') row.back().text += c;
            else if (i + 1 < text.size() && text[i + 1] == '"') row.back().text += text[++i];
            else inside = false;
        } else if (c == '"') {
            inside = row.back().quoted = begun = true;
        } else if (c == delimiter) {
            row.emplace_back();
            begun = true;
        } else if (c == '\n') {
            end_row();
        } else if (c != '\r') {
            row.back().text += c;
            begun = true;
        }
    }
    if (begun) end_row();
    return rows;
}

template <class Schema>
segkit::table<Schema> read_text(std::string text, const segkit::csv_options& options = {},
                                segkit::executor_ref executor = segkit::detail::default_executor) {
    return segkit::read_csv<Schema>(std::make_shared<segkit::memory_input>("test.csv", std::move(text)), options, executor);
}

// The message of the error that reading gives, or "no error".
template <class Schema>
std::string reading_message(const std::string& text, const segkit::csv_options& options = {},
                            segkit::executor_ref executor = segkit::detail::default_executor) {
    const auto rows = segkit::try_read_csv<Schema>(std::make_shared<segkit::memory_input>("test.csv", text), options, executor);
    return rows ? "no error" : rows.error().what();
}

}  // namespace support
