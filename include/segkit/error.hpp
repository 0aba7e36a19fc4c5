// segkit/error.hpp: the one exception type for wrong data, and the small `result<T>` of the try_ functions.
//
// An error says where (file, line, column, field, row), what was found, what was expected and what to do.
// Legitimate outcomes (not converged, a cluster repaired, a rule never taken) are never errors: they are in reports.
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

enum class error_code {
    cannot_open,          // a file or folder that cannot be read or created
    cannot_write,         // a write that failed; nothing half-written is left behind
    missing_column,       // a header or table without a column that the schema asks for
    duplicate_column,     // a header that names a column twice
    schema_mismatch,      // a run-time schema that does not fit the compile-time one: all that is wrong, in one message
    unequal_lengths,      // columns of one table that have not the same number of rows
    malformed_row,        // wrong number of fields, unbalanced quote, cut file
    malformed_value,      // text that is not a value of the column's type
    unexpected_null,      // a null where the schema or the estimator admits none
    not_a_number,         // NaN or infinity where a finite number is needed
    duplicate_key,        // a join that promises one match met a second
    overflow,             // an integer result that does not fit
    too_few_rows,         // an estimator given fewer rows than it needs
    invalid_option,       // an option outside its domain
    incompatible_model,   // a saved model that does not fit the recipe or the version
    malformed_document,   // text that is not the document it should be
    empty_input,          // no rows where at least one is needed
    cancelled,            // a callback that asked to stop
};

constexpr std::string_view to_string(error_code code) {
    switch (code) {
        case error_code::cannot_open: return "cannot open";
        case error_code::cannot_write: return "cannot write";
        case error_code::missing_column: return "missing column";
        case error_code::duplicate_column: return "duplicate column";
        case error_code::schema_mismatch: return "schema mismatch";
        case error_code::unequal_lengths: return "unequal lengths";
        case error_code::malformed_row: return "malformed row";
        case error_code::malformed_value: return "malformed value";
        case error_code::unexpected_null: return "unexpected null";
        case error_code::not_a_number: return "not a finite number";
        case error_code::duplicate_key: return "duplicate key";
        case error_code::overflow: return "overflow";
        case error_code::too_few_rows: return "too few rows";
        case error_code::invalid_option: return "invalid option";
        case error_code::incompatible_model: return "incompatible model";
        case error_code::malformed_document: return "malformed document";
        case error_code::empty_input: return "empty input";
        case error_code::cancelled: return "cancelled";
    }
    return "error";
}

// Everything known about what went wrong. Members that do not apply stay empty.
struct error_details {
    error_code code{};
    std::string stage{};                     // "scan_csv", "left_join", "kmeans", ...
    std::string field{};                     // the column's name
    std::string file{};
    std::optional<std::size_t> line{};       // 1-based line of the file
    std::optional<std::size_t> column{};     // 1-based field number in that line
    std::optional<std::size_t> row{};        // 0-based row of the table
    std::string found{};
    std::string expected{};
    std::string advice{};                    // what to do about it
};

class error : public std::exception {
public:
    explicit error(error_details details) : details_(std::move(details)), message_(compose(details_)) {}

    const char* what() const noexcept override { return message_.c_str(); }
    error_code code() const noexcept { return details_.code; }
    const error_details& details() const noexcept { return details_; }

private:
    static std::string compose(const error_details& d) {
        std::string m;
        if (!d.file.empty()) {
            m += d.file;
            if (d.line) m += ':' + std::to_string(*d.line);
            if (d.column) m += ':' + std::to_string(*d.column);
            m += ": ";
        }
        if (!d.stage.empty()) m += d.stage + ": ";
        m += to_string(d.code);
        if (!d.field.empty()) m += " in '" + d.field + "'";
        if (d.row) m += " at row " + std::to_string(*d.row);
        if (!d.found.empty()) m += ": found " + d.found;
        if (!d.expected.empty()) m += (d.found.empty() ? ": expected " : ", expected ") + d.expected;
        if (!d.advice.empty()) m += "; " + d.advice;
        return m;
    }

    error_details details_;
    std::string message_;
};

// Value or error, for callers that do not want exceptions at their own level.
template <class T>
class result {
public:
    result(T value) : content_(std::move(value)) {}
    result(class error failure) : content_(std::move(failure)) {}

    explicit operator bool() const noexcept { return content_.index() == 0; }
    bool has_value() const noexcept { return content_.index() == 0; }
    T& value() & { return checked(*this); }
    const T& value() const& { return checked(*this); }
    T&& value() && { return std::move(checked(*this)); }
    const class error& error() const { return std::get<1>(content_); }

private:
    template <class Self>
    static auto& checked(Self& self) {
        if (self.content_.index() == 1) throw std::get<1>(self.content_);
        return std::get<0>(self.content_);
    }

    std::variant<T, class error> content_;
};

// Of what gives no value: that it was done, or the error.
template <>
class result<void> {
public:
    result() = default;
    result(class error failure) : failure_(std::move(failure)) {}

    explicit operator bool() const noexcept { return !failure_; }
    bool has_value() const noexcept { return !failure_; }
    void value() const {
        if (failure_) throw *failure_;
    }
    const class error& error() const { return failure_.value(); }

private:
    std::optional<class error> failure_;
};

// Calls `f`, turning a segkit::error into a failed result; other exceptions pass through. Every function and stage of segkit that throws
// has its form without exceptions by this; the commonest have a name of their own, such as try_collect.
template <class F>
auto try_call(F&& f) -> result<std::invoke_result_t<F>> {
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            std::forward<F>(f)();
            return {};
        } else {
            return std::forward<F>(f)();
        }
    } catch (const error& failure) {
        return failure;
    }
}

}  // namespace SEGKIT_NAMESPACE
