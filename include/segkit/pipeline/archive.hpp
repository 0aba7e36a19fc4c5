// segkit/pipeline/archive.hpp: models and states as text (JSON) and back, with the same bits.
//
//     std::string text = to_json(state);            S again = from_json<S>(text);
//
// Anything with `template <class Archive> void serialize(Archive& archive)` that calls `archive.field("name", member)` for each
// member can be archived: numbers, truth values, text, dates, timestamps, durations (as their integers), vectors and optionals
// of these, and nested types of the same kind. A reader checks every field: a missing one, or one of another type, is an error naming it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/detail/json.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

class json_writer {
public:
    template <class T>
    void field(std::string_view name, const T& value) {
        if (!first_) out_ += ',';
        first_ = false;
        new_line();
        detail::append_json_text(out_, name);
        out_ += ": ";
        write(value);
    }

    // A field whose value is JSON already.
    void raw_field(std::string_view name, std::string_view json) {
        if (!first_) out_ += ',';
        first_ = false;
        new_line();
        detail::append_json_text(out_, name);
        out_ += ": ";
        out_ += json;
    }

    template <class T>
    void write(const T& value) {
        if constexpr (std::same_as<T, bool>) {
            out_ += value ? "true" : "false";
        } else if constexpr (std::floating_point<T>) {
            if (value != value) out_ += "\"nan\"";
            else if (value - value != 0) out_ += value > 0 ? "\"inf\"" : "\"-inf\"";
            else out_ += to_text(static_cast<double>(value));
        } else if constexpr (std::integral<T>) {
            out_ += std::to_string(value);
        } else if constexpr (std::same_as<T, date>) {
            write(value.days_since_1970());
        } else if constexpr (std::same_as<T, timestamp>) {
            write(value.microseconds_since_1970());
        } else if constexpr (std::same_as<T, duration>) {
            write(value.microseconds);
        } else if constexpr (std::convertible_to<const T&, std::string_view>) {
            detail::append_json_text(out_, value);
        } else if constexpr (requires { value.has_value(); }) {
            if (value) write(*value);
            else out_ += "null";
        } else if constexpr (requires { value.begin(); value.end(); }) {
            out_ += '[';
            bool first = true;
            for (const auto& item : value) {
                if (!first) out_ += ", ";
                first = false;
                write(static_cast<const typename T::value_type&>(item));    // std::vector<bool> gives proxies
            }
            out_ += ']';
        } else {
            T copy = value;    // serialize is one function for reading and writing, so it is not const
            object([&] { copy.serialize(*this); });
        }
    }
    // An object whose fields `write_fields` gives.
    template <class F>
    void object(F&& write_fields) {
        out_ += '{';
        const bool outer = first_;
        first_ = true;
        ++depth_;
        write_fields();
        --depth_;
        if (!first_) new_line();
        first_ = outer;
        out_ += '}';
    }

    const std::string& text() const { return out_; }

private:
    void new_line() {
        out_ += '\n';
        out_.append(static_cast<std::size_t>(2 * depth_), ' ');
    }

    std::string out_;
    bool first_ = true;
    int depth_ = 0;
};

class json_reader {
public:
    json_reader(const detail::json_value& object, std::string_view file, std::string where = {}) : object_(object), file_(file), where_(std::move(where)) {}

    template <class T>
    void field(std::string_view name, T& value) {
        const detail::json_value* found = object_.find(name);
        const std::string path = where_.empty() ? std::string(name) : where_ + "." + std::string(name);
        if (!found) fail(path, "nothing", "the field");
        read(*found, value, path);
    }
    const detail::json_value* find(std::string_view name) const { return object_.find(name); }
    std::string_view file() const { return file_; }

    template <class T>
    void read(const detail::json_value& from, T& value, const std::string& path) const {
        using kind = detail::json_value::kind;
        if constexpr (std::same_as<T, bool>) {
            require(from, kind::boolean, path);
            value = from.truth;
        } else if constexpr (std::floating_point<T>) {
            if (from.type == kind::text && from.content == "nan") value = std::numeric_limits<T>::quiet_NaN();
            else if (from.type == kind::text && from.content == "inf") value = std::numeric_limits<T>::infinity();
            else if (from.type == kind::text && from.content == "-inf") value = -std::numeric_limits<T>::infinity();
            else {
                require(from, kind::number, path);
                const std::optional<double> parsed = parse_value<double>(from.content);
                if (!parsed) fail(path, from.content, "a number");
                value = static_cast<T>(*parsed);
            }
        } else if constexpr (std::integral<T>) {
            require(from, kind::number, path);
            value = read_integer<T>(from.content, path);
        } else if constexpr (std::same_as<T, date>) {
            std::int32_t days = 0;
            read(from, days, path);
            value = date::from_days(days);
        } else if constexpr (std::same_as<T, timestamp>) {
            std::int64_t since_1970 = 0;
            read(from, since_1970, path);
            value = timestamp::from_microseconds(since_1970);
        } else if constexpr (std::same_as<T, duration>) {
            read(from, value.microseconds, path);
        } else if constexpr (std::same_as<T, std::string>) {
            require(from, kind::text, path);
            value = from.content;
        } else if constexpr (requires { value.has_value(); }) {
            if (from.type == kind::null) {
                value.reset();
            } else {
                value.emplace();
                read(from, *value, path);
            }
        } else if constexpr (requires { value.push_back(value[0]); }) {
            require(from, kind::array, path);
            value.clear();
            for (std::size_t i = 0; i < from.items.size(); ++i) {
                typename T::value_type item{};
                read(from.items[i], item, path + "[" + std::to_string(i) + "]");
                value.push_back(std::move(item));
            }
        } else {
            require(from, kind::object, path);
            json_reader inner(from, file_, path);
            value.serialize(inner);
        }
    }

    [[noreturn]] void fail(const std::string& path, std::string found, std::string expected) const {
        throw error({.code = error_code::incompatible_model,
                     .stage = "load",
                     .field = path,
                     .file = std::string(file_),
                     .found = std::move(found),
                     .expected = std::move(expected),
                     .advice = "save the model again with this version and recipe"});
    }

private:
    void require(const detail::json_value& v, detail::json_value::kind type, const std::string& path) const {
        if (v.type != type) fail(path, std::string(detail::to_string(v.type)), std::string(detail::to_string(type)));
    }
    template <class T>
    T read_integer(const std::string& text, const std::string& path) const {
        std::uint64_t magnitude = 0;
        const bool negative = !text.empty() && text[0] == '-';
        bool good = text.size() > std::size_t{negative};
        for (std::size_t i = negative; i < text.size(); ++i) {
            const auto digit = static_cast<std::uint64_t>(text[i] - '0');
            good = good && text[i] >= '0' && text[i] <= '9' && magnitude <= (~std::uint64_t{0} - digit) / 10;
            if (!good) break;
            magnitude = magnitude * 10 + digit;
        }
        const std::uint64_t most = static_cast<std::uint64_t>(std::numeric_limits<T>::max()) + (negative && std::is_signed_v<T> ? 1 : 0);
        if (!good || magnitude > most || (negative && !std::is_signed_v<T> && magnitude)) fail(path, text, "an integer in range");
        return static_cast<T>(negative ? std::uint64_t{0} - magnitude : magnitude);
    }

    const detail::json_value& object_;
    std::string_view file_;
    std::string where_;
};

template <class T>
std::string to_json(const T& value) {
    json_writer writer;
    writer.write(value);
    return writer.text();
}

// `file` is what messages call the text.
template <class T>
T from_json(std::string_view text, std::string_view file = "text") {
    const detail::json_value document = detail::json_parser(text, file).parse();
    T value{};
    json_reader(document, file).read(document, value, {});
    return value;
}

}  // namespace SEGKIT_NAMESPACE
