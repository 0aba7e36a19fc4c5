// The real TravelTide rows for tests: finds the folder, reads a gzipped CSV into text columns, and skips visibly without it.
//
//     const auto table = support::real_rows("seed-003/metrics.csv.gz");    // link with -lz
//     if (!table) return;                                                  // has said SKIPPED
//     auto age = table->numbers("User Age");
#pragma once

#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "matrices.hpp"

namespace support {

// $SEGKIT_TEST_DATA, else ../shared/data/traveltide beside the repository (looked for upwards from the working folder and this file).
inline std::optional<std::filesystem::path> real_rows_folder() {
    namespace fs = std::filesystem;
    std::error_code ignored;
    if (const char* given = std::getenv("SEGKIT_TEST_DATA")) {
        if (fs::exists(given, ignored)) return fs::path(given);
        return std::nullopt;
    }
    for (fs::path start : {fs::absolute(__FILE__, ignored), fs::current_path(ignored)}) {
        for (fs::path at = start; at.has_relative_path(); at = at.parent_path()) {
            const fs::path candidate = at / "../shared/data/traveltide";
            if (fs::exists(candidate / "PROVENANCE.md", ignored)) return fs::weakly_canonical(candidate, ignored);
        }
    }
    return std::nullopt;
}

struct text_table {
    std::vector<std::string> names;
    std::vector<std::vector<std::string>> rows;

    std::size_t position(const std::string& name) const {
        for (std::size_t j = 0; j < names.size(); ++j)
            if (names[j] == name) return j;
        throw std::runtime_error("no column " + name);
    }
    std::vector<std::string> texts(const std::string& name) const {
        const std::size_t j = position(name);
        std::vector<std::string> out;
        for (const auto& row : rows) out.push_back(row[j]);
        return out;
    }
    // `true` is 1, `false` is 0; `codes` says what other words count as.
    std::vector<double> numbers(const std::string& name, std::map<std::string, double> codes = {}) const {
        codes.insert({{"true", 1}, {"false", 0}});
        std::vector<double> out;
        for (const auto& text : texts(name)) {
            const auto code = codes.find(text);
            out.push_back(code != codes.end() ? code->second : std::stod(text));
        }
        return out;
    }
};

inline text_table read_csv_gz(const std::filesystem::path& path) {
    gzFile file = gzopen(path.string().c_str(), "rb");
    if (file == nullptr) throw std::runtime_error("cannot open " + path.string());
    std::string content;
    char buffer[1 << 16];
    int got = 0;
    while ((got = gzread(file, buffer, sizeof buffer)) > 0) content.append(buffer, static_cast<std::size_t>(got));
    gzclose(file);
    text_table table;
    std::vector<std::string> row(1);
    bool quoted = false;
    auto end_row = [&] {
        if (row.size() > 1 || !row[0].empty()) (table.names.empty() ? table.names : table.rows.emplace_back()) = row;
        row.assign(1, "");
    };
    for (std::size_t i = 0; i < content.size(); ++i) {
        const char c = content[i];
        if (quoted && c == '"' && i + 1 < content.size() && content[i + 1] == '"') row.back() += content[++i];
        else if (c == '"') quoted = !quoted;
        else if (quoted) row.back() += c;
        else if (c == ',') row.emplace_back();
        else if (c == '\n') end_row();
        else if (c != '\r') row.back() += c;
    }
    end_row();
    return table;
}

inline std::optional<text_table> real_rows(const std::string& file) {
    const auto folder = real_rows_folder();
    if (!folder) {
        std::printf("SKIPPED: %s (real rows absent)\n", file.c_str());
        return std::nullopt;
    }
    return read_csv_gz(*folder / file);
}

inline matrix matrix_of(const std::vector<std::vector<double>>& columns) {
    matrix m(columns.at(0).size(), columns.size());
    for (std::size_t i = 0; i < m.rows; ++i)
        for (std::size_t j = 0; j < m.columns; ++j) m(i, j) = columns[j][i];
    return m;
}

// The five columns of the k-means on perks, as published (not scaled).
inline matrix perk_features(const text_table& metrics) {
    return matrix_of({metrics.numbers("Conversion rate"), metrics.numbers("Has kids?"), metrics.numbers("% of Trips Cancelled"), metrics.numbers("User Age"),
                      metrics.numbers("Bag count")});
}

// Age, gender, married, children, hotel spend: the features of the IQR and PCA analysis.
inline matrix customer_features(const text_table& customers) {
    return matrix_of({customers.numbers("age"), customers.numbers("gender", {{"F", 0}, {"M", 1}, {"O", 2}}), customers.numbers("married"),
                      customers.numbers("has_children"), customers.numbers("money_spent_hotel")});
}

}  // namespace support
