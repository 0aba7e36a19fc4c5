// segkit/detail/json.hpp: the small part of JSON that saved models need: objects, arrays, text, numbers, truth, null.
//
// Numbers keep their text, so that 64-bit integers and doubles come back with the same bits. Errors name line and column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE::detail {

struct json_value {
    enum class kind { null, boolean, number, text, array, object };
    kind type = kind::null;
    bool truth = false;
    std::string content{};    // of a text, or a number as written
    std::vector<json_value> items{};
    std::vector<std::pair<std::string, json_value>> members{};

    const json_value* find(std::string_view name) const {
        for (const auto& [key, value] : members)
            if (key == name) return &value;
        return nullptr;
    }
};

inline std::string_view to_string(json_value::kind k) {
    switch (k) {
        case json_value::kind::null: return "null";
        case json_value::kind::boolean: return "a truth value";
        case json_value::kind::number: return "a number";
        case json_value::kind::text: return "a text";
        case json_value::kind::array: return "an array";
        case json_value::kind::object: return "an object";
    }
    return "?";
}

class json_parser {
public:
    json_parser(std::string_view text, std::string_view file) : text_(text), file_(file) {}

    json_value parse() {
        json_value value = parse_value(0);
        skip_space();
        if (at_ != text_.size()) fail("text after the end of the document", "nothing more");
        return value;
    }

private:
    [[noreturn]] void fail(std::string found, std::string expected) const {
        std::size_t line = 1, column = 1;
        for (std::size_t i = 0; i < at_ && i < text_.size(); ++i) {
            column = text_[i] == '\n' ? 1 : column + 1;
            line += text_[i] == '\n';
        }
        throw error({.code = error_code::malformed_document,
                     .stage = "load",
                     .file = std::string(file_),
                     .line = line,
                     .column = column,
                     .found = std::move(found),
                     .expected = std::move(expected),
                     .advice = "the file is damaged or not a saved model"});
    }
    [[noreturn]] void fail_here(std::string expected) const {
        fail(at_ >= text_.size() ? "the end of the file" : "'" + std::string(text_.substr(at_, 12)) + "'", std::move(expected));
    }
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
    }
    bool take(char c) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void need(char c) {
        if (!take(c)) fail_here(std::string("'") + c + "'");
    }
    bool take_word(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }

    json_value parse_value(int depth) {
        if (depth > 64) fail("arrays or objects inside each other more than 64 deep", "a shallower document");
        skip_space();
        json_value value;
        if (take('{')) {
            value.type = json_value::kind::object;
            if (take('}')) return value;
            do {
                std::string name = parse_text();
                need(':');
                value.members.emplace_back(std::move(name), parse_value(depth + 1));
            } while (take(','));
            need('}');
        } else if (take('[')) {
            value.type = json_value::kind::array;
            if (take(']')) return value;
            do value.items.push_back(parse_value(depth + 1));
            while (take(','));
            need(']');
        } else if (at_ < text_.size() && text_[at_] == '"') {
            value.type = json_value::kind::text;
            value.content = parse_text();
        } else if (take_word("true")) {
            value.type = json_value::kind::boolean;
            value.truth = true;
        } else if (take_word("false")) {
            value.type = json_value::kind::boolean;
        } else if (!take_word("null")) {
            value.type = json_value::kind::number;
            const std::size_t begin = at_;
            while (at_ < text_.size() && ((text_[at_] >= '0' && text_[at_] <= '9') || text_[at_] == '-' || text_[at_] == '+' || text_[at_] == '.' ||
                                          text_[at_] == 'e' || text_[at_] == 'E'))
                ++at_;
            if (begin == at_) fail_here("a value");
            value.content = std::string(text_.substr(begin, at_ - begin));
        }
        return value;
    }

    std::string parse_text() {
        need('"');
        std::string out;
        while (true) {
            if (at_ >= text_.size()) fail_here("'\"'");
            const char c = text_[at_++];
            if (c == '"') return out;
            if (c != '\\') {
                out += c;
                continue;
            }
            const char escaped = at_ < text_.size() ? text_[at_++] : '\0';
            switch (escaped) {
                case 'n': out += '\n'; break;
                case 't': out += '\t'; break;
                case 'r': out += '\r'; break;
                case 'b': out += '\b'; break;
                case 'f': out += '\f'; break;
                case '"':
                case '\\':
                case '/': out += escaped; break;
                case 'u': append_unicode(out); break;
                default: fail("an unknown escape", "one of \\n \\t \\r \\b \\f \\\" \\\\ \\/ \\u");
            }
        }
    }
    unsigned parse_hex() {
        unsigned value = 0;
        for (int i = 0; i < 4; ++i) {
            const char c = at_ < text_.size() ? text_[at_++] : '\0';
            if (c >= '0' && c <= '9') value = value * 16 + static_cast<unsigned>(c - '0');
            else if (c >= 'a' && c <= 'f') value = value * 16 + static_cast<unsigned>(c - 'a' + 10);
            else if (c >= 'A' && c <= 'F') value = value * 16 + static_cast<unsigned>(c - 'A' + 10);
            else fail("a wrong \\u escape", "four hexadecimal digits");
        }
        return value;
    }
    void append_unicode(std::string& out) {
        unsigned code = parse_hex();
        if (code >= 0xD800 && code < 0xDC00 && take_word("\\u")) code = 0x10000 + ((code - 0xD800) << 10) + (parse_hex() - 0xDC00);
        const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
        if (code < 0x80) {
            put(code);
        } else if (code < 0x800) {
            put(0xC0 | code >> 6);
            put(0x80 | (code & 63));
        } else if (code < 0x10000) {
            put(0xE0 | code >> 12);
            put(0x80 | (code >> 6 & 63));
            put(0x80 | (code & 63));
        } else {
            put(0xF0 | (code >> 18 & 7));
            put(0x80 | (code >> 12 & 63));
            put(0x80 | (code >> 6 & 63));
            put(0x80 | (code & 63));
        }
    }

    std::string_view text_;
    std::string_view file_;
    std::size_t at_ = 0;
};

inline void append_json_text(std::string& out, std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += c;
        }
    }
    out += '"';
}

}  // namespace SEGKIT_NAMESPACE::detail
