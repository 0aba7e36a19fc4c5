// segkit/io/detail/csv_write.hpp: rows of a table as CSV text, and a file that appears whole or not at all.
//
// Chunks are made to text beside each other, and written in the order of their rows; a file is written under a temporary
// name in the same folder and renamed at the end. At most the texts of morsels that have overtaken others are kept.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/replacing_file.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/io/detail/csv_convert.hpp>
#include <segkit/io/detail/csv_input.hpp>
#include <segkit/io/detail/csv_problem.hpp>
#include <segkit/io/detail/csv_run.hpp>
#include <segkit/pipeline/source.hpp>
#include <segkit/table/chunk.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE::detail {

struct csv_form {
    char delimiter = ',';
    bool comma = false;    // the decimal separator
    bool quote_values = false;
    bool quote_nulls = false;
    std::string null{};
    std::string_view line_end = "\n";
    std::string file{};    // for messages
};

inline void check_csv_form(const csv_form& form) {
    check_csv_delimiter(form.delimiter, "write_csv");
    const std::string_view null = form.null;
    const bool special = null.find_first_of("\"\r\n") != null.npos || null.find(form.delimiter) != null.npos || null.find('\0') != null.npos;
    const bool value = parse_value<double>(form.comma ? csv_with_point(null) : form.null) || parse_value<bool>(null) || parse_value<timestamp>(null);
    if (!special && !value) return;
    error_details details{.code = error_code::invalid_option, .stage = "write_csv", .field = "null"};
    details.found = shown(null);
    details.expected = "text without quotes, delimiters and line ends that is no number, date or truth value";
    details.advice = "use the empty text or a word such as NA";
    throw error(std::move(details));
}

class csv_formatter {
public:
    csv_formatter(std::vector<csv_field> fields, csv_form form) : fields_(std::move(fields)), form_(std::move(form)) { check_csv_form(form_); }

    void append_header(std::string& to) const {
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (i) to += form_.delimiter;
            const std::size_t before = to.size();
            to.resize(before + most_bytes(fields_[i].name));
            // A byte order mark at the front of the file would be taken for one.
            const char* const end = put_text(to.data() + before, fields_[i].name, i == 0 && fields_[i].name.starts_with('\xEF'));
            to.resize(static_cast<std::size_t>(end - to.data()));
        }
        to += form_.line_end;
    }

    // The rows of a chunk that count; field i is in slot slots[i].
    void append_rows(std::string& to, const chunk& c, const std::vector<int>& slots) const {
        const std::size_t before = to.size();
        std::size_t most = c.selected * (slots.size() * (most_fixed + form_.null.size() + 3) + 2);
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if (fields_[i].type != type_id::text) continue;
            const slot_view& slot = c.slots[static_cast<std::size_t>(slots[i])];
            c.each([&](std::uint32_t, std::uint32_t row) { most += slot.valid(row) ? most_bytes(slot.as<std::string_view>()[row]) : 0; });
        }
        to.resize(before + most);
        char* at = to.data() + before;
        c.each([&](std::uint32_t, std::uint32_t row) {
            for (std::size_t i = 0; i < slots.size(); ++i) {
                if (i) *at++ = form_.delimiter;
                at = put_field(at, c.slots[static_cast<std::size_t>(slots[i])], i, row, c.first_row);
            }
            at = put(at, form_.line_end);
        });
        to.resize(static_cast<std::size_t>(at - to.data()));
    }

private:
    static constexpr std::size_t most_fixed = 48;    // bytes of a value that is no text

    static std::size_t most_bytes(std::string_view text) { return 2 * text.size() + 2; }
    static char* put(char* to, std::string_view text) {
        if (!text.empty()) std::memcpy(to, text.data(), text.size());
        return to + text.size();
    }

    char* put_field(char* at, const slot_view& slot, std::size_t field, std::uint32_t row, std::uint64_t first_row) const {
        if (!slot.valid(row)) {
            if (form_.quote_nulls) *at++ = '"';
            at = put(at, form_.null);
            if (form_.quote_nulls) *at++ = '"';
            return at;
        }
        if (fields_[field].type == type_id::text) {
            const std::string_view text = slot.as<std::string_view>()[row];
            if (!text.empty() && std::memchr(text.data(), '\0', text.size()))
                fail(error_code::malformed_value, field, first_row + row, shown(text), "text without zero bytes", "CSV is text: encode binary data before writing");
            return put_text(at, text, false);
        }
        if (form_.quote_values) *at++ = '"';
        at = put_value(at, slot, field, row, first_row);
        if (form_.quote_values) *at++ = '"';
        return at;
    }

    char* put_value(char* at, const slot_view& slot, std::size_t field, std::uint32_t row, std::uint64_t first_row) const {
        const auto number = [&](auto value) { return std::to_chars(at, at + most_fixed, value).ptr; };
        const auto with_separator = [&](char* end) {
            if (form_.comma) std::replace(at, end, '.', ',');
            return end;
        };
        const auto finite = [&](auto value) {
            if (!std::isfinite(value)) fail(error_code::not_a_number, field, first_row + row, to_text(value), "a finite number", "make it null before writing");
            return number(value);
        };
        switch (fields_[field].type) {
            case type_id::boolean: return put(at, slot.as<bool>()[row] ? "true" : "false");
            case type_id::int32: return number(slot.as<std::int32_t>()[row]);
            case type_id::int64: return number(slot.as<std::int64_t>()[row]);
            case type_id::float32: return with_separator(finite(slot.as<float>()[row]));
            case type_id::float64: return with_separator(finite(slot.as<double>()[row]));
            case type_id::date: put_date(at, slot.as<date>()[row]); return at;
            case type_id::timestamp: put_time(at, slot.as<timestamp>()[row], form_.delimiter == ' ' ? 'T' : ' '); return at;
            case type_id::duration: return with_separator(put(at, to_text(slot.as<duration>()[row])));
            default: return at;    // text has its own function, and blocks do not compile
        }
    }

    char* put_text(char* at, std::string_view text, bool quote_anyway) const {
        const auto is_special = [&](char c) { return c == form_.delimiter || c == '"' || c == '\n' || c == '\r'; };
        bool quote = quote_anyway || form_.quote_values || text.empty() || text == form_.null;
        for (std::size_t i = 0; i < text.size() && !quote; ++i) quote = is_special(text[i]);
        if (!quote) return put(at, text);
        *at++ = '"';
        for (const char c : text) {
            if (c == '"') *at++ = '"';
            *at++ = c;
        }
        *at++ = '"';
        return at;
    }

    [[noreturn]] void fail(error_code code, std::size_t field, std::uint64_t row, std::string found, std::string expected, std::string advice) const {
        error_details details{.code = code, .stage = "write_csv", .field = std::string(fields_[field].name), .file = form_.file};
        details.row = static_cast<std::size_t>(row);
        details.found = std::move(found);
        details.expected = std::move(expected);
        details.advice = std::move(advice);
        throw error(std::move(details));
    }

    std::vector<csv_field> fields_;
    csv_form form_;
};

// Takes the rows of a pass, morsel by morsel, as text. To is anything with write(std::string_view).
template <class To>
class csv_writer final : public morsel_consumer {
public:
    csv_writer(const csv_formatter& formatter, const std::vector<int>& slots, To& to) : formatter_(formatter), slots_(slots), to_(to) {}

    std::unique_ptr<morsel_worker> start(std::size_t morsel) override { return std::make_unique<worker>(*this, morsel); }

    // What has been written; after the pass.
    std::size_t rows() const { return rows_; }

private:
    static constexpr std::size_t piece = 256 * 1024;

    class worker final : public morsel_worker {
    public:
        worker(csv_writer& all, std::size_t morsel) : all_(all), morsel_(morsel) {}
        void take(const chunk& c) override {
            all_.formatter_.append_rows(text_, c, all_.slots_);
            rows_ += c.selected;
            if (text_.size() >= piece) all_.write_early(morsel_, text_);
        }
        void finish() override { all_.write(morsel_, std::move(text_), rows_); }

    private:
        csv_writer& all_;
        std::size_t morsel_, rows_ = 0;
        std::string text_;
    };

    // Of the morsel whose turn it is, what there is so far.
    void write_early(std::size_t morsel, std::string& text) {
        const std::lock_guard hold(lock_);
        if (morsel != next_) return;
        to_.write(text);
        text.clear();
    }
    void write(std::size_t morsel, std::string text, std::size_t rows) {
        const std::lock_guard hold(lock_);
        rows_ += rows;
        if (waiting_.size() <= morsel) waiting_.resize(morsel + 1);
        waiting_[morsel] = std::move(text);
        for (; next_ < waiting_.size() && waiting_[next_]; ++next_) {
            to_.write(*waiting_[next_]);
            waiting_[next_] = std::string();
        }
    }

    const csv_formatter& formatter_;
    const std::vector<int>& slots_;
    To& to_;
    std::mutex lock_;
    std::vector<std::optional<std::string>> waiting_;    // by morsel
    std::size_t next_ = 0;
    std::size_t rows_ = 0;
};

// Writes the rows of a plan, header first; returns their number.
template <class Plan, class To>
std::size_t write_csv_rows(const Plan& p, const std::vector<int>& slots, const csv_formatter& formatter, executor_ref executor, To& to) {
    std::string header;
    formatter.append_header(header);
    to.write(header);
    csv_writer<To> writer(formatter, slots, to);
    p.run(slots, executor, writer);
    return writer.rows();
}

template <class Plan>
std::size_t write_csv_file(const Plan& p, const std::vector<int>& slots, std::vector<csv_field> fields, const std::string& path, csv_form form, executor_ref executor) {
    form.file = path;
    const csv_formatter formatter(std::move(fields), std::move(form));
    replacing_file file(path, "write_csv");
    const std::size_t rows = write_csv_rows(p, slots, formatter, executor, file);
    file.commit();
    return rows;
}

struct csv_text_target {
    std::string text{};
    void write(std::string_view more) { text += more; }
};

}  // namespace SEGKIT_NAMESPACE::detail
