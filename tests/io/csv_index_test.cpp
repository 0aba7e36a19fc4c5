#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <segkit/io/detail/csv_index.hpp>

#include "support/csv_cases.hpp"

namespace detail = segkit::detail;

namespace {

struct outcome {
    std::vector<std::uint32_t> ends;
    bool bad, quotes, doubled, returns, quoted_newlines, inside;
    std::size_t newlines, quoted_fields;
    bool operator==(const outcome&) const = default;
};

// Indexes in pieces of the given size.
outcome index_of(detail::csv_index_function index, const std::string& text, std::size_t piece, char delimiter) {
    const std::string padded = text + std::string(64, '"');    // what lies behind the end must not matter
    std::vector<std::uint32_t> ends(text.size() + detail::csv_index_slack);
    detail::csv_state state;
    detail::csv_findings findings;
    std::uint32_t* out = ends.data();
    for (std::size_t at = 0; at < text.size(); at += piece) {
        const std::size_t to = at + piece < text.size() ? at + piece : text.size();
        out = index(padded.data(), static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(to), delimiter, state, findings, out);
    }
    ends.resize(static_cast<std::size_t>(out - ends.data()));
    return {ends, findings.bad != 0, findings.quotes != 0, findings.doubled != 0, findings.returns != 0, findings.quoted_newlines != 0, state.inside != 0,
            findings.newlines, findings.quoted_fields};
}

// The same by looking at one character after the other.
outcome naive_index(const std::string& text, char delimiter) {
    outcome o{};
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const char before = i == 0 ? '\n' : text[i - 1];
        const bool after_close = i > 0 && before == '"' && !inside;
        const bool ends = c == delimiter || c == '\n';
        if (c == '\0') o.bad = true;
        if (after_close && !ends && c != '"' && c != '\r') o.bad = true;
        if (i > 0 && before == '\r' && !inside && c != '\n') o.bad = true;
        if (c == '"') {
            o.quotes = true;
            if (!inside) {
                if (after_close) o.doubled = true;
                else if (!(before == '\n' || before == delimiter)) o.bad = true;
                else ++o.quoted_fields;
            }
            inside = !inside;
        } else if (inside) {
            o.quoted_newlines |= c == '\n';
        } else {
            if (ends) o.ends.push_back(static_cast<std::uint32_t>(i));
            o.newlines += c == '\n';
            o.returns |= c == '\r';
        }
    }
    o.inside = inside;
    return o;
}

}  // namespace

TEST_CASE("the index finds what a character-wise look finds, in pieces of any size, at every level") {
    support::dice dice{7};
    const std::string letters = "\"\",,\n\r;ab";
    for (int round = 0; round < 4000; ++round) {
        std::string text(dice.below(300), 'x');
        const std::size_t density = 1 + dice.below(100);
        for (char& c : text)
            if (dice.chance(density)) c = letters[dice.below(letters.size())];
        if (dice.chance(10) && !text.empty()) text[dice.below(text.size())] = '\0';
        if (dice.chance(50)) {    // well-formed text as well, which random letters seldom make
            text.clear();
            while (text.size() < 250) text += dice.chance(50) ? "\"a,\"\"\nb\"," : dice.chance(50) ? "17," : "\"\"\r\n";
        }
        if (dice.chance(30)) {    // and text in which everything is quoted, but perhaps for one place
            text.clear();
            while (text.size() < 280) text += '"' + std::string(dice.chance(95) ? dice.below(20) : dice.below(150), 'y') + (dice.chance(80) ? "\"," : "\"\n");
            if (dice.chance(50)) text[dice.below(text.size())] = letters[dice.below(letters.size())];
        }
        const char delimiter = dice.chance(70) ? ',' : ';';
        const outcome expected = naive_index(text, delimiter);
        const std::size_t piece = 1 + dice.below(200);
        INFO(text);
        INFO("piece " << piece);
        CHECK(index_of(detail::csv_index<detail::csv_form_base<detail::csv_words>>, text, piece, delimiter) == expected);
        for (const segkit::instruction_set level : {segkit::instruction_set::base, segkit::instruction_set::avx2, segkit::instruction_set::avx512})
            if (level <= segkit::cpu_simd_level()) CHECK(index_of(detail::csv_index_at(level), text, piece, delimiter) == expected);
    }
}
