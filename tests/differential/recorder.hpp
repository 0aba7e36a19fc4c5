// Runs a generated query and writes its rows for compare.py: one JSON array per row, null where null, text escaped, a date as
// days and a time as microseconds. Every query runs serially and on three threads, and the bits must be the same.
#pragma once

#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/table/table.hpp>

namespace sk = segkit;

void write_value(std::string& out, bool v);
void write_value(std::string& out, std::int64_t v);
void write_value(std::string& out, double v);
void write_value(std::string& out, std::string_view v);
inline void write_value(std::string& out, std::int32_t v) { write_value(out, std::int64_t{v}); }
inline void write_value(std::string& out, float v) { write_value(out, static_cast<double>(v)); }
inline void write_value(std::string& out, sk::date v) { write_value(out, std::int64_t{v.days_since_1970()}); }
inline void write_value(std::string& out, sk::timestamp v) { write_value(out, v.microseconds_since_1970()); }
inline void write_value(std::string& out, sk::duration v) { write_value(out, v.microseconds); }

using write_cell = void (*)(std::string& out, const sk::column_data& column, std::size_t row);

template <class T>
void write_cell_of(std::string& out, const sk::column_data& column, std::size_t row) {
    const auto value = sk::column_view<T>(column)[row];
    if constexpr (sk::is_nullable<T>) {
        if (value) write_value(out, *value);
        else out += "null";
    } else {
        write_value(out, value);
    }
}

template <class Schema>
struct cells_of;
template <class... Fields>
struct cells_of<sk::schema<Fields...>> {
    static std::vector<write_cell> list() { return {write_cell_of<typename Fields::type>...}; }
};

std::string json_rows(const sk::table_data& rows, const std::vector<write_cell>& cells);

class recorder {
public:
    explicit recorder(std::string folder) : folder_(std::move(folder)) {}

    // `make` gives the query, which may borrow tables.
    template <class Make>
    void record(const char* name, Make make) const {
        try {
            const auto query = make();
            const auto once = query | sk::collect(serial_);
            const auto cells = cells_of<typename decltype(once)::schema_type>::list();
            const std::string rows = json_rows(once.data(), cells);
            const auto again = query | sk::collect(threaded_);
            write(name, rows, json_rows(again.data(), cells) == rows);
        } catch (const std::exception& failure) {
            write_failure(name, failure.what());
        }
    }
    std::size_t failures() const { return failures_; }

private:
    void write(const char* name, const std::string& rows, bool same_on_threads) const;
    void write_failure(const char* name, const char* what) const;

    std::string folder_;
    sk::serial serial_executor_{};
    sk::threads pool_{3};
    sk::executor_ref serial_{serial_executor_};
    sk::executor_ref threaded_{pool_};
    mutable std::size_t failures_ = 0;
};
