// Runs all generated queries: differential DATA_FOLDER RESULT_FOLDER. Ends with 1 where one threw or differs on several threads.
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>

#include "tables.hpp"

void all_queries(const tables& t, const recorder& to);

void write_value(std::string& out, bool v) { out += v ? "true" : "false"; }
void write_value(std::string& out, std::int64_t v) { out += std::to_string(v); }
void write_value(std::string& out, double v) {
    if (std::isnan(v)) {
        out += "NaN";
    } else if (std::isinf(v)) {
        out += v < 0 ? "-Infinity" : "Infinity";
    } else {
        char digits[40];
        std::snprintf(digits, sizeof digits, "%.17g", v);
        out += digits;
        if (out.find_first_of(".en", out.size() - std::string_view(digits).size()) == std::string::npos) out += ".0";
    }
}
void write_value(std::string& out, std::string_view v) {
    out += '"';
    for (const char c : v) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 32) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
            out += escaped;
        } else {
            out += c;
        }
    }
    out += '"';
}

std::string json_rows(const sk::table_data& rows, const std::vector<write_cell>& cells) {
    std::string out;
    for (std::size_t row = 0; row < rows.rows; ++row) {
        for (std::size_t i = 0; i < cells.size(); ++i) {
            out += i == 0 ? "[" : ",";
            cells[i](out, rows.columns[i], row);
        }
        out += "]\n";
    }
    return out;
}

namespace {

struct closing {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

bool write_file(const std::string& path, const std::string& text) {
    const std::unique_ptr<std::FILE, closing> file(std::fopen(path.c_str(), "wb"));
    return file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
}

}  // namespace

void recorder::write(const char* name, const std::string& rows, bool same_on_threads) const {
    if (!same_on_threads) {
        std::printf("%s: other rows on three threads than on one\n", name);
        ++failures_;
    }
    if (!write_file(folder_ + "/" + name + ".rows", rows)) {
        std::printf("%s: its rows could not be written\n", name);
        ++failures_;
    }
}
void recorder::write_failure(const char* name, const char* what) const {
    std::printf("%s: %s\n", name, what);
    ++failures_;
}

int main(int argc, char** argv) {
    if (argc != 3) {
        std::printf("usage: differential DATA_FOLDER RESULT_FOLDER\n");
        return 2;
    }
    const tables t = read_tables(argv[1]);
    const recorder to(argv[2]);
    all_queries(t, to);
    return to.failures() ? 1 : 0;
}
