// segkit/pipeline/save.hpp: fitted models in files.
//
//     save(fitted.model, "segments.json");
//     const auto again = load<model_of<decltype(recipe)>>("segments.json");
//     const auto same  = load("segments.json", recipe);     // where the recipe has filters, derives or rules
//
// The file is JSON with a versioned header and one entry per stage. Expressions are code and are not saved: a recipe that has
// some is needed to load its model. A file of another version, or of a recipe with other stages or columns, is an error that
// says what differs. Saving writes beside the file and renames, so that a failed save leaves the old one.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/replacing_file.hpp>
#include <segkit/detail/system_problem.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/archive.hpp>
#include <segkit/pipeline/fit.hpp>

namespace SEGKIT_NAMESPACE {

// The version of the file format; a reader accepts its own only.
inline constexpr int model_format_version = 1;

template <class Stage>
struct stage_needs_its_recipe_to_load {
    static_assert(detail::never<Stage>,
                  "segkit: this stage holds expressions, which are code and not in the file; load with the recipe: segkit::load(path, recipe)");
};

namespace detail {

template <class Stage>
inline constexpr bool is_saved = requires(Stage s, json_writer& w) { s.serialize(w); };

// The names a stage's type mentions, so that a file of other columns is recognised.
template <class T>
struct column_names {
    static void add(std::vector<std::string>&) {}
};
template <fixed_string... Names>
struct column_names<column_list<Names...>> {
    static void add(std::vector<std::string>& out) { (out.push_back(std::string(name_of<Names>)), ...); }
};
template <template <class, fixed_string> class Stage, class Columns, fixed_string Out>
struct column_names<Stage<Columns, Out>> {
    static void add(std::vector<std::string>& out) {
        column_names<Columns>::add(out);
        out.push_back(std::string(name_of<Out>));
    }
};
template <template <class, auto> class Stage, class Columns, auto Kind>
    requires std::is_enum_v<decltype(Kind)>
struct column_names<Stage<Columns, Kind>> {
    static void add(std::vector<std::string>& out) { column_names<Columns>::add(out); }
};
template <class Stage>
std::vector<std::string> names_in() {
    std::vector<std::string> names;
    column_names<Stage>::add(names);
    return names;
}

template <class Stage>
void write_stage(json_writer& w, const Stage& s) {
    w.field("stage", Stage::stage_name);
    w.field("columns", names_in<Stage>());
    if constexpr (is_saved<Stage>) {
        Stage copy = s;
        copy.serialize(w);
    }
}

// One entry of "stages" as the writer sees it.
template <class Stage>
struct stage_entry {
    const Stage& stage;
    template <class Archive>
    void serialize(Archive& a) {
        write_stage(a, stage);
    }
};

inline std::string joined(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
    return all;
}

template <class Stage>
void read_stage(const json_value& entry, std::string_view file, std::size_t number, Stage& s) {
    json_reader reader(entry, file, "stages[" + std::to_string(number) + "]");
    std::string stage;
    std::vector<std::string> columns;
    reader.field("stage", stage);
    reader.field("columns", columns);
    const std::string where = "stages[" + std::to_string(number) + "]";
    if (stage != Stage::stage_name) reader.fail(where, "a " + stage + " stage", "a " + std::string(Stage::stage_name) + " stage");
    if (columns != names_in<Stage>()) reader.fail(where, "the columns " + joined(columns), "the columns " + joined(names_in<Stage>()));
    if constexpr (is_saved<Stage>) s.serialize(reader);
}

// A stage of the recipe as it stands in a model that is about to be read.
template <class Stage>
auto blank_model(const Stage& s) {
    if constexpr (learning_stage<Stage>) return typename Stage::model_type{};
    else return s;
}
template <class Stage>
Stage blank_stage() {
    if constexpr (!is_saved<Stage> && !std::is_empty_v<Stage>) {
        detail::report(detail::mistake<stage_needs_its_recipe_to_load<Stage>>);
        return *static_cast<Stage*>(nullptr);
    } else {
        return Stage{};
    }
}

template <class... Stages>
void read_model(std::string_view text, std::string_view file, pipeline<Stages...>& model) {
    const json_value document = json_parser(text, file).parse();
    json_reader header(document, file);
    std::string format;
    int version = 0;
    header.field("format", format);
    if (format != "segkit-model") header.fail("format", "\"" + format + "\"", "\"segkit-model\"");
    header.field("version", version);
    if (version != model_format_version) header.fail("version", std::to_string(version), std::to_string(model_format_version));
    const json_value* stages = document.find("stages");
    const std::size_t found = stages ? stages->items.size() : 0;
    if (found != sizeof...(Stages)) header.fail("stages", std::to_string(found) + " stages", std::to_string(sizeof...(Stages)));
    std::size_t number = 0;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((read_stage(stages->items[number], file, number, get<I>(model.stages)), ++number), ...);
    }(std::index_sequence_for<Stages...>{});
}

// By the C library: streams would cost every includer more than all else here.
struct close_file {
    void operator()(std::FILE* f) const { std::fclose(f); }
};
using open_file = std::unique_ptr<std::FILE, close_file>;

inline std::string read_file(const std::string& path) {
    std::string text;
    errno = 0;
    const open_file in(std::fopen(path.c_str(), "rb"));
    if (in) {
        char part[16384];
        while (const std::size_t n = std::fread(part, 1, sizeof part, in.get())) text.append(part, n);
    }
    if (!in || std::ferror(in.get()))
        throw error({.code = error_code::cannot_open,
                     .stage = "load",
                     .file = path,
                     .found = describe_system_problem(errno),
                     .expected = "a saved model",
                     .advice = "check the path and its permissions"});
    return text;
}

}  // namespace detail

// The model as text; what `save` writes.
template <class... Stages>
std::string model_to_json(const pipeline<Stages...>& model) {
    json_writer w;
    w.object([&] {
        w.field("format", "segkit-model");
        w.field("version", model_format_version);
        std::string stages;
        detail::for_each(model.stages, [&]<class Stage>(const Stage& s) { stages += (stages.empty() ? "" : ", ") + to_json(detail::stage_entry<Stage>{s}); });
        w.raw_field("stages", "[" + stages + "]");
    });
    return w.text() + "\n";
}

// Writes the model to a file, which appears whole or not at all: segkit::error (cannot_write) where it cannot, and what stood there stays.
template <class... Stages>
void save(const pipeline<Stages...>& model, const std::string& path) {
    detail::replacing_file file(path, "save");
    file.write(model_to_json(model));
    file.commit();
}

// The same without an exception: the result is true or holds the error.
template <class... Stages>
result<void> try_save(const pipeline<Stages...>& model, const std::string& path) {
    return try_call([&] { save(model, path); });
}

// From text: `file` is what messages call it.
template <class Model>
Model model_from_json(std::string_view text, std::string_view file = "text") {
    return [&]<class... Stages>(std::type_identity<pipeline<Stages...>>) {
        Model model{detail::make_pack(detail::blank_stage<Stages>()...)};
        detail::read_model(text, file, model);
        return model;
    }(std::type_identity<Model>{});
}

// The model in a file that `save` wrote. segkit::error: cannot_open, malformed_document for what is no JSON, incompatible_model for a file
// of another version, of other stages or of other columns.
template <class Model>
Model load(const std::string& path) {
    return model_from_json<Model>(detail::read_file(path), path);
}

// The expressions come from the recipe, what was learned from the file.
template <class... Stages>
auto load(const std::string& path, const pipeline<Stages...>& recipe) {
    auto model = detail::unpack([](const Stages&... s) { return model_of<pipeline<Stages...>>{detail::make_pack(detail::blank_model(s)...)}; }, recipe.stages);
    detail::read_model(detail::read_file(path), path, model);
    return model;
}

// The same without exceptions for a file that is missing, damaged or of another model.
template <class Model>
result<Model> try_load(const std::string& path) {
    return try_call([&] { return load<Model>(path); });
}
template <class... Stages>
auto try_load(const std::string& path, const pipeline<Stages...>& recipe) {
    return try_call([&] { return load(path, recipe); });
}

}  // namespace SEGKIT_NAMESPACE
