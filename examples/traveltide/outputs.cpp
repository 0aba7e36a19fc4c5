#include "outputs.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include <segkit/error.hpp>

#include "text_format.hpp"

namespace traveltide {

namespace {

namespace fs = std::filesystem;
namespace sk = segkit;

constexpr std::string_view every_output[] = {"assignments.csv", "segments.csv", "rules.json", "run.json", "report.html"};

[[noreturn]] void refuse(const fs::path& file, std::string found, std::string expected, std::string advice) {
    sk::error_details details{.code = sk::error_code::cannot_write, .stage = "--out", .file = file.string()};
    details.found = std::move(found);
    details.expected = std::move(expected);
    details.advice = std::move(advice);
    throw sk::error(std::move(details));
}

// The last folder of the path that is there already: staging beside or in it keeps a rename within one file system.
fs::path existing_ancestor(fs::path folder) {
    std::error_code ignored;
    while (!folder.empty() && !fs::exists(folder, ignored)) {
        const fs::path parent = folder.parent_path();
        if (parent == folder) break;
        folder = parent;
    }
    return folder.empty() ? fs::path(".") : folder;
}

}  // namespace

staged_outputs::staged_outputs(std::string folder) : target_(fs::path(std::move(folder)).lexically_normal()) {
    if (!target_.has_filename()) target_ = target_.parent_path();
    const fs::path place = existing_ancestor(target_);
    std::error_code problem;
    if (!fs::is_directory(place, problem)) refuse(target_, fmt::format("a file where a folder is needed ({})", place.string()), "a folder, new or existing", "choose another --out");
    staging_ = place / fmt::format(".traveltide-{}", ::getpid());
    if (!fs::create_directory(staging_, problem)) {
        fs::path refused = std::exchange(staging_, {});
        refuse(target_, fmt::format("{} ({})", problem ? system_answer(problem.message()) : "an unfinished run of the same number", place.string()), "a folder that can be written to",
               problem ? "check its permissions or choose another --out" : fmt::format("remove {}", refused.string()));
    }
}

staged_outputs::~staged_outputs() {
    std::error_code ignored;
    if (!staging_.empty()) fs::remove_all(staging_, ignored);
}

void staged_outputs::write(std::string_view name, std::string_view text) {
    const fs::path file = staging_ / name;
    std::FILE* out = std::fopen(file.c_str(), "wb");
    bool done = out != nullptr && std::fwrite(text.data(), 1, text.size(), out) == text.size();
    if (out) done = std::fclose(out) == 0 && done;
    if (!done) refuse(target_ / name, system_answer(std::strerror(errno)), "room and permission to write", "check the disk or choose another --out");
    names_.emplace(name);
}

void staged_outputs::publish() {
    std::error_code problem;
    fs::create_directories(target_, problem);
    if (problem) refuse(target_, system_answer(problem.message()), "a folder that can be written to", "check its permissions or choose another --out");
    for (const std::string& name : names_) {
        fs::rename(staging_ / name, target_ / name, problem);
        if (problem) refuse(target_ / name, system_answer(problem.message()), "a file that can be replaced", "check its permissions or choose another --out");
    }
    for (const std::string_view name : every_output)
        if (!names_.contains(name)) fs::remove(target_ / name, problem);
}

}  // namespace traveltide
