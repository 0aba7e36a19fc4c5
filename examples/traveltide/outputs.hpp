// outputs.hpp: the files of a run, which appear together or not at all.
//
//     staged_outputs files("out/demo");             // throws now when the folder cannot be written
//     files.write("run.json", text);
//     files.publish();                              // everything gets its place; without it, nothing is left behind
#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace traveltide {

// Files are written into a hidden folder beside the target and renamed at the end. Files that an earlier run left in the
// target, and this one does not write, are removed: a folder tells of one run.
class staged_outputs {
public:
    explicit staged_outputs(std::string folder);
    staged_outputs(const staged_outputs&) = delete;
    staged_outputs& operator=(const staged_outputs&) = delete;
    ~staged_outputs();

    void write(std::string_view name, std::string_view text);
    void publish();

private:
    std::filesystem::path target_, staging_;
    std::set<std::string, std::less<>> names_;
};

}  // namespace traveltide
