// segkit/detail/shown.hpp: text from outside as a message shows it: in quotes, not too long, everything printable.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/detail/utf8.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Text for a message: in single quotes, at most about 40 bytes of it, everything printable. `keep_end` shortens at the front.
inline std::string shown(std::string_view text, bool keep_end = false) {
    constexpr std::size_t most = 40;
    const bool shortened = text.size() > most;
    if (shortened) {
        if (keep_end) {
            text.remove_prefix(text.size() - most);
            while (!text.empty() && (static_cast<unsigned char>(text[0]) & 0xC0) == 0x80) text.remove_prefix(1);
        } else {
            std::size_t length = most;
            while (length > most - 4 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
            text = text.substr(0, length);
        }
    }
    std::string result = shortened && keep_end ? "'..." : "'";
    for (std::size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x80) {
            if (const std::size_t length = utf8_sequence(text.substr(i)); length != 0) {
                result.append(text, i, length);
                i += length;
                continue;
            }
        }
        if (c == '\n') result += "\\n";
        else if (c == '\r') result += "\\r";
        else if (c == '\t') result += "\\t";
        else if (c < 0x20 || c >= 0x7F) {
            result += "\\x";
            result += "0123456789ABCDEF"[c >> 4];
            result += "0123456789ABCDEF"[c & 15];
        } else result += static_cast<char>(c);
        ++i;
    }
    return result += shortened && !keep_end ? "...'" : "'";
}

}  // namespace SEGKIT_NAMESPACE::detail
