#include "sources.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "gzip_input.hpp"

namespace traveltide {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view source_forms = "a folder with users, sessions, flights and hotels, each as .csv or .csv.gz";

[[noreturn]] void refuse(const std::string& source, std::string found, std::string advice) {
    sk::error_details details{.code = sk::error_code::cannot_open, .stage = "--data", .file = source};
    details.found = std::move(found);
    details.expected = source_forms;
    details.advice = std::move(advice);
    throw sk::error(std::move(details));
}

// folder/name.csv, else folder/name.csv.gz, else nothing.
std::string file_of(const fs::path& folder, std::string_view name) {
    for (const std::string_view ending : {".csv", ".csv.gz"}) {
        const fs::path file = folder / fmt::format("{}{}", name, ending);
        std::error_code ignored;
        if (fs::exists(file, ignored)) return file.string();
    }
    return {};
}

template <class Schema>
sk::csv_scan<Schema> scan(const std::string& file) {
    return sk::scan_csv<Schema>(open_csv_input(file));
}

}  // namespace

company_source open_company(const std::string& source) {
    const fs::path folder(source);
    std::error_code ignored;
    if (!fs::exists(folder, ignored)) {
        if (source.starts_with("sqlite:") || source.find("://") != std::string::npos)
            refuse(source, "the address of a database", "export the four tables to CSV files and name their folder");
        refuse(source, "no such folder", "check the path");
    }
    if (!fs::is_directory(folder, ignored)) refuse(source, "a file", "name the folder that the four files are in");

    std::vector<std::string_view> missing;
    const auto find = [&](std::string_view name) {
        std::string file = file_of(folder, name);
        if (file.empty()) missing.push_back(name);
        return file;
    };
    const std::string users_file = find("users"), sessions_file = find("sessions"), flights_file = find("flights"), hotels_file = find("hotels");
    if (!missing.empty()) refuse(source, fmt::format("no file for {} (.csv or .csv.gz)", fmt::join(missing, ", ")), "check the folder and the files' names");

    return {scan<tables::users>(users_file), scan<tables::sessions>(sessions_file), scan<tables::flights>(flights_file), scan<tables::hotels>(hotels_file),
            users_file,              sessions_file,                 flights_file,                hotels_file};
}

}  // namespace traveltide
