// Bad input, tried one by one, through whole pipelines: an error with its place and reason, or an outcome in the report; never
// half a result, never half a file. The forms of broken CSV are tried in tests/io, the commands of the application in tests/traveltide.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/pipeline/save.hpp>
#include <segkit/prepare.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
namespace fs = std::filesystem;
using namespace segkit::literals;

namespace {

using visits = sk::schema<sk::field<"id", std::int64_t>, sk::field<"start", sk::timestamp>, sk::field<"paid", std::optional<double>>>;

// A folder of its own for the files of one test.
class folder {
public:
    explicit folder(const char* name) : path_(fs::temp_directory_path() / (std::string("segkit_bad_input_") + name)) {
        fs::remove_all(path_);
        fs::create_directories(path_);
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    std::string file(const std::string& name) const { return (path_ / name).string(); }
    std::string write(const std::string& name, const std::string& content) const {
        std::ofstream(file(name), std::ios::binary) << content;
        return file(name);
    }
    std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator())); }

private:
    fs::path path_;
};

template <class F>
sk::error_details failure_of(F&& run) {
    try {
        (void)run();
    } catch (const sk::error& failure) {
        CHECK(std::string(failure.what()).size() > 20);
        return failure.details();
    }
    return {.code = sk::error_code::invalid_option, .found = "no error"};
}
// The failure of a query over a CSV file that reads every column.
sk::error_details failure_of_file(const std::string& path, sk::executor_ref executor = sk::detail::default_executor) {
    return failure_of([&] { return sk::scan_csv<visits>(path) | sk::filter("id"_c > 0) | sk::derive("twice"_c = "paid"_c * 2) | sk::sort_by("start"_c) | sk::collect(executor); });
}

using points = sk::schema<sk::field<"x", double>, sk::field<"y", double>>;

}  // namespace

TEST_CASE("a missing file is an error when the query runs, naming the file") {
    const auto d = failure_of_file("no/such/folder/visits.csv");
    CHECK(d.code == sk::error_code::cannot_open);
    CHECK(d.file == "no/such/folder/visits.csv");
    CHECK(!d.advice.empty());
}

TEST_CASE("a missing column is an error that names file and column, before any row") {
    const folder here("column");
    const auto d = failure_of_file(here.write("visits.csv", "id,begin,paid\n1,2023-01-01 00:00:00,2\n"));
    CHECK(d.code == sk::error_code::missing_column);
    CHECK(d.file == here.file("visits.csv"));
    CHECK((d.field + d.found + d.expected).find("start") != std::string::npos);
}

TEST_CASE("a wrong value in line 3 names file, line, column, the text and what was expected, on any executor") {
    const folder here("value");
    const auto path = here.write("visits.csv", "id,start,paid\n1,2023-01-01 00:00:00,2\n2,the day after,3\n3,2023-01-01 00:00:00,x\n");
    for (const unsigned n : {1u, 3u}) {
        const auto d = failure_of_file(path, sk::threads(n));
        CHECK(d.code == sk::error_code::malformed_value);
        CHECK(d.file == path);
        CHECK(d.line == 3u);
        CHECK(d.column == 2u);
        CHECK(d.field == "start");
        CHECK(d.found.find("the day after") != std::string::npos);
        CHECK(d.expected.find("timestamp") != std::string::npos);
    }
}

TEST_CASE("an unbalanced quote, a cut row, binary bytes and a null in a required field are errors with their line") {
    const folder here("rows");
    const auto quote = failure_of_file(here.write("quote.csv", "id,start,paid\n1,2023-01-01 00:00:00,2\n2,\"2023-01-01 00:00:00,3\n4,5,6\n"));
    CHECK(quote.code == sk::error_code::malformed_row);
    CHECK(quote.line == 3u);
    const auto cut = failure_of_file(here.write("cut.csv", "id,start,paid\n1,2023-01-01 00:00:00,2\n2,2023-01-"));
    CHECK(cut.line == 3u);
    CHECK(cut.code == sk::error_code::malformed_row);
    const auto binary = failure_of_file(here.write("binary.csv", std::string("id,start,paid\n1,2023-01-01 00:00:00,2\n\0\x01\x02,\xFF,\xFE\n", 46)));
    CHECK(binary.line == 3u);
    const auto null = failure_of_file(here.write("null.csv", "id,start,paid\n1,,2\n"));
    CHECK(null.code == sk::error_code::unexpected_null);
    CHECK(null.line == 2u);
    CHECK(null.field == "start");
}

TEST_CASE("a column that the query does not read is not converted, so what is wrong in it does not matter") {
    const folder here("unread");
    const auto path = here.write("visits.csv", "id,start,paid\n1,not a time,2\n2,neither,\n");
    const auto t = sk::scan_csv<visits>(path) | sk::select("id"_c, "paid"_c) | sk::collect();
    REQUIRE(t.rows() == 2);
    CHECK(t["paid"_c][1] == std::nullopt);
}

TEST_CASE("a key that occurs twice where the join promises one names stage, key and value") {
    using users = sk::schema<sk::field<"id", std::int64_t>, sk::field<"name", sk::text>>;
    const sk::table<visits> t{{7, sk::timestamp(), 1.0}, {8, sk::timestamp(), 1.0}};
    const sk::table<users> twice{{6, "x"}, {7, "a"}, {8, "b"}, {7, "c"}};
    const auto left = failure_of([&] { return t | sk::left_join(twice, "id"_c, sk::one_match) | sk::collect(); });
    CHECK(left.code == sk::error_code::duplicate_key);
    CHECK(left.stage == "left_join");
    CHECK(left.field == "id");
    CHECK(left.found.find('7') != std::string::npos);
    const auto inner = failure_of([&] { return t | sk::inner_join(twice | sk::filter("id"_c > 6), "id"_c, sk::one_match) | sk::collect(); });
    CHECK(inner.code == sk::error_code::duplicate_key);
    CHECK(inner.stage == "inner_join");
    CHECK((t | sk::left_join(twice, "id"_c) | sk::collect()).rows() == 3);
}

TEST_CASE("an empty cohort: queries give no rows, global aggregates one row of nulls and zeros, a fit says that there is nothing") {
    const sk::table<points> t{{1.0, 2.0}, {3.0, 4.0}};
    const auto none = t | sk::filter("x"_c > 100.0);
    CHECK((none | sk::group_by("x"_c).aggregate("n"_c = sk::count()) | sk::collect()).rows() == 0);
    CHECK((none | sk::sort_by("x"_c) | sk::collect()).rows() == 0);
    CHECK((none | sk::inner_join(t | sk::rename("z"_c = "y"_c), "x"_c) | sk::collect()).rows() == 0);
    const auto all = none | sk::aggregate("n"_c = sk::count(), "sum"_c = sk::sum("x"_c), "mean"_c = sk::mean("x"_c), "middle"_c = sk::median("x"_c), "kinds"_c = sk::count_distinct("x"_c)) | sk::collect();
    REQUIRE(all.rows() == 1);
    CHECK(all["n"_c][0] == 0);
    CHECK(all["kinds"_c][0] == 0);
    CHECK(all["sum"_c][0] == std::nullopt);
    CHECK(all["mean"_c][0] == std::nullopt);
    CHECK(all["middle"_c][0] == std::nullopt);
    const auto d = failure_of([&] { return sk::fit(sk::filter("x"_c > 100.0) | sk::standard_scale(sk::columns("x"_c, "y"_c)), t).model; });
    CHECK(d.code == sk::error_code::empty_input);
    CHECK(d.stage == "standard_scale");
    CHECK(!d.advice.empty());
    const auto fitted = sk::fit(sk::standard_scale(sk::columns("x"_c)), t);
    CHECK((none | fitted.model | sk::collect()).rows() == 0);
}

TEST_CASE("a later row that a model cannot take is an error naming it; the table is not half labelled") {
    const sk::table<points> t{{0.0, 0.0}, {0.1, 0.0}, {9.0, 9.0}};
    const auto fitted = sk::fit(sk::kmeans(sk::columns("x"_c, "y"_c), "cluster"_c, {.n_clusters = 2}), t);
    sk::table<points> later;
    for (int i = 0; i < 5'000; ++i) later.append(i == 4'000 ? std::numeric_limits<double>::quiet_NaN() : 1.0, 1.0);
    const auto d = failure_of([&] { return later | fitted.model | sk::collect(); });
    CHECK(d.code == sk::error_code::not_a_number);
    CHECK(d.stage == "kmeans");
    CHECK(d.field == "x");
    CHECK(d.row == 4'000u);
}

TEST_CASE("options outside their domain are refused with option, value and domain") {
    const sk::table<points> t{{0.0, 0.0}, {1.0, 1.0}};
    const auto k = failure_of([&] { return sk::fit(sk::kmeans("x"_c, "cluster"_c, {.n_clusters = 0}), t).model; });
    CHECK(k.code == sk::error_code::invalid_option);
    CHECK(k.field == "n_clusters");
    const auto factor = failure_of([&] { return sk::fit(sk::iqr_trim(sk::columns("x"_c), {.factor = -1}), t).model; });
    CHECK(factor.field == "factor");
    CHECK(factor.found.find("-1") != std::string::npos);
    const auto range = failure_of([&] { return sk::fit(sk::min_max_scale(sk::columns("x"_c), {.lower = 1, .upper = 1}), t).model; });
    CHECK(range.code == sk::error_code::invalid_option);
    CHECK(range.stage == "min_max_scale");
}

TEST_CASE("more clusters than distinct rows, a constant column and trimming without spread are outcomes in the report") {
    sk::table<points> t;
    for (int i = 0; i < 40; ++i) t.append(i % 2 ? 1.0 : 2.0, 5.0);
    const auto both = sk::columns("x"_c, "y"_c);
    const auto fitted = sk::fit(sk::iqr_trim(both) | sk::standard_scale(both) | sk::kmeans(both, "cluster"_c, {.n_clusters = 7}), t);
    CHECK(fitted.report.get<sk::iqr_report>().removal.kept() == 40);
    CHECK(fitted.report.get<sk::scale_report>().any_constant());
    CHECK(fitted.report.get<sk::kmeans_report>().clusters_lowered());
    CHECK(fitted.report.get<sk::kmeans_report>().clusters_used == 2);
    std::size_t notes = 0;
    for (const auto& s : fitted.report.summary()) notes += s.notes.size();
    CHECK(notes >= 4);    // two columns not trimmed, one not scaled, k lowered
}

TEST_CASE("a place that cannot be written is an error naming it, and nothing is left there") {
    const folder here("write");
    const sk::table<points> t{{0.0, 0.0}, {1.0, 1.0}};
    const auto fitted = sk::fit(sk::standard_scale("x"_c), t);
    const auto missing = here.file("no/such/folder");
    const auto saved = sk::try_save(fitted.model, missing + "/model.json");
    REQUIRE_FALSE(saved);
    CHECK(std::string(saved.error().what()) == missing + "/model.json: save: cannot write: found a folder that does not exist, expected a file that can be created or replaced; create the folder first");
    CHECK_THROWS_AS(saved.value(), sk::error);
    const auto csv = failure_of([&] { return sk::write_csv(t, missing + "/rows.csv"), 0; });
    CHECK(csv.code == sk::error_code::cannot_write);
    CHECK(csv.file == missing + "/rows.csv");
    CHECK(here.files() == 0);

    fs::create_directories(here.file("taken/inside"));    // a folder where the file should go
    CHECK(failure_of([&] { return sk::save(fitted.model, here.file("taken")), 0; }).code == sk::error_code::cannot_write);
    CHECK(failure_of([&] { return sk::write_csv(t, here.file("taken")), 0; }).code == sk::error_code::cannot_write);
    CHECK(here.files() == 1);
    CHECK(sk::try_save(fitted.model, here.file("model.json")));
    CHECK(here.files() == 2);
}

TEST_CASE("a table that cannot be written leaves the file that was there") {
    const folder here("keep");
    const sk::table<points> good{{0.0, 0.0}};
    sk::table<points> bad;
    for (int i = 0; i < 100'000; ++i) bad.append(i == 99'999 ? std::numeric_limits<double>::quiet_NaN() : 1.0, 1.0);
    sk::write_csv(good, here.file("rows.csv"));
    const auto d = failure_of([&] { return sk::write_csv(bad, here.file("rows.csv")), 0; });
    CHECK(d.code == sk::error_code::not_a_number);
    CHECK(d.field == "x");
    CHECK(d.row == 99'999u);
    CHECK(here.files() == 1);
    CHECK(sk::read_csv<points>(here.file("rows.csv")).rows() == 1);
}

TEST_CASE("a model file that was cut, is of another kind or not there is an error naming it") {
    const folder here("model");
    const sk::table<points> t{{0.0, 0.0}, {1.0, 1.0}};
    const auto recipe = sk::standard_scale(sk::columns("x"_c, "y"_c));
    const std::string text = sk::model_to_json(sk::fit(recipe, t).model);
    for (std::size_t length = 0; length + 2 < text.size(); length += 7) {
        const auto path = here.write("cut.json", text.substr(0, length));
        const auto d = failure_of([&] { return sk::load(path, recipe); });
        CHECK(d.file == path);
        CHECK(d.code == sk::error_code::malformed_document);
    }
    CHECK(failure_of([&] { return sk::load(here.write("other.json", "{\"format\": \"another\", \"version\": 1}"), recipe); }).found == "\"another\"");
    CHECK(failure_of([&] { return sk::load(here.write("binary.json", std::string("\0\xFF\x01", 3)), recipe); }).code == sk::error_code::malformed_document);
    CHECK(failure_of([&] { return sk::load(here.file("absent.json"), recipe); }).code == sk::error_code::cannot_open);
    CHECK(failure_of([&] { return sk::load(here.file(""), recipe); }).code == sk::error_code::cannot_open);
}
