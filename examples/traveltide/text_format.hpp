#pragma once
// How the application writes numbers, dates and text for people: 1,426 / 23.8% / 4 January 2023, and text made safe for
// HTML. Shared by the charts and the report, so that one number looks the same everywhere.
// Cost: one small string per call.

#include "report_data.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace traveltide {

/// What the operating system said of a file, as something that was found.
inline std::string system_answer(std::string_view words) { return fmt::format("the system's answer \"{}\"", words); }

/// Text for an HTML body or a double-quoted attribute. Control characters that HTML forbids become a space.
inline std::string escape_html(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default:
                const bool forbidden = static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
                out += forbidden ? ' ' : c;
        }
    }
    return out;
}

/// What stands where a number is missing.
inline constexpr std::string_view no_value = "\u2013";

/// A number with thousands separators and a true minus sign; no_value when it is not finite.
inline std::string format_decimal(double value, int digits) {
    if (!std::isfinite(value)) {
        return std::string(no_value);
    }
    std::string plain = fmt::format("{:.{}f}", std::fabs(value), digits);
    const auto point = plain.find('.');
    auto position = static_cast<std::ptrdiff_t>(point == std::string::npos ? plain.size() : point) - 3;
    for (; position > 0; position -= 3) {
        plain.insert(static_cast<std::size_t>(position), 1, ',');
    }
    const bool is_zero = plain.find_first_not_of("0.,") == std::string::npos;   // no "-0.00"
    return value < 0.0 && !is_zero ? "\u2212" + plain : plain;
}

inline std::string format_count(std::size_t value) {
    std::string plain = fmt::format("{}", value);
    for (auto position = static_cast<std::ptrdiff_t>(plain.size()) - 3; position > 0; position -= 3) {
        plain.insert(static_cast<std::size_t>(position), 1, ',');
    }
    return plain;
}

/// A fraction as a percentage with one decimal. A share that is above zero never reads 0.0%.
inline std::string format_percent(double fraction) {
    if (!std::isfinite(fraction)) {
        return std::string(no_value);
    }
    if (fraction > 0.0 && fraction < 0.0005) {
        return "under 0.1%";
    }
    return format_decimal(100.0 * fraction, 1) + "%";
}

inline std::string format_value(double value, number_style style) {
    switch (style) {
        case number_style::count: return format_decimal(value, 0);
        case number_style::percent: return format_percent(value);
        case number_style::money: {
            const std::string amount = format_decimal(std::fabs(value), std::fabs(value) < 1000.0 ? 2 : 0);
            return !std::isfinite(value) ? amount : (value < 0.0 ? "\u2212$" : "$") + amount;
        }
        case number_style::decimal: break;
    }
    return format_decimal(value, std::fabs(value) < 100.0 ? 2 : (std::fabs(value) < 10000.0 ? 1 : 0));
}

inline std::string format_value(const std::optional<double>& value, number_style style) {
    return value ? format_value(*value, style) : std::string(no_value);
}

/// "4 January 2023" from "2023-01-04" (a time behind it is left out); any other text unchanged.
inline std::string format_date(std::string_view iso) {
    static constexpr std::string_view months[] = {"January", "February", "March", "April", "May", "June", "July",
                                                  "August", "September", "October", "November", "December"};
    const auto digit = [&](std::size_t i) { return iso[i] >= '0' && iso[i] <= '9'; };
    const bool shaped = iso.size() >= 10 && iso[4] == '-' && iso[7] == '-' && digit(0) && digit(1) && digit(2) && digit(3) &&
                        digit(5) && digit(6) && digit(8) && digit(9) && (iso.size() == 10 || iso[10] == ' ' || iso[10] == 'T');
    if (!shaped) {
        return std::string(iso);
    }
    const int month = (iso[5] - '0') * 10 + (iso[6] - '0');
    const int day = (iso[8] - '0') * 10 + (iso[9] - '0');
    if (month < 1 || month > 12) {
        return std::string(iso);
    }
    return fmt::format("{} {} {}", day, months[month - 1], iso.substr(0, 4));
}

}  // namespace traveltide
