// Laws 2, 3 and 5 for the stages that are fitted: pieces, threads, and a model that went through a file.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/save.hpp>

#include "cut_rows.hpp"
#include "registry.hpp"

namespace {

using rows_in_pieces = laws::cut_rows<laws::row_schema>;

template <class Model>
segkit::table_data apply(const rows_in_pieces& rows, const Model& model) {
    return (rows | model | segkit::collect()).data();
}

template <class F>
void for_each_fitted_stage(F&& f) {
    laws::for_each_learning_stage(f);
    laws::for_each_category_stage(f);
}

}  // namespace

TEST_CASE("law 2: a fit on rows in pieces gives the same model, up to 1e-12") {
    const auto table = laws::some_rows(5'003);
    for_each_fitted_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const std::string expected = segkit::model_to_json(segkit::fit(entry.stage, rows_in_pieces{&table}).model);
        for (const auto& cut : laws::all_pieces) {
            CAPTURE(cut.chunk);
            const auto fitted = segkit::fit(entry.stage, rows_in_pieces{&table, cut.chunk, cut.chunks_per_morsel});
            CHECK(laws::close_texts(segkit::model_to_json(fitted.model), expected));
        }
    });
}

TEST_CASE("law 2: one model gives the same bits on rows in pieces") {
    const auto table = laws::some_rows(5'003);
    for_each_fitted_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto model = segkit::fit(entry.stage, rows_in_pieces{&table}).model;
        const auto expected = apply({&table}, model);
        CHECK(expected.rows == table.rows());
        for (const auto& cut : laws::all_pieces) CHECK(laws::same_bits(apply({&table, cut.chunk, cut.chunks_per_morsel}, model), expected));
    });
}

TEST_CASE("law 3: 1, 2, 3 and 7 threads give the same bits of the model") {
    const auto table = laws::some_rows(20'000, 2);
    const rows_in_pieces rows{&table, 512, 1};
    for_each_fitted_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const std::string expected = segkit::model_to_json(segkit::fit(entry.stage, rows).model);
        for (const unsigned n : {1u, 2u, 3u, 7u}) {
            CAPTURE(n);
            CHECK(segkit::model_to_json(segkit::fit(entry.stage, rows, segkit::threads(n)).model) == expected);
        }
    });
}

TEST_CASE("law 5: fit, save, load, apply equals fit, apply, on rows the fit has not seen") {
    const auto table = laws::some_rows(3'000);
    const auto later = laws::some_rows(700, 99);
    for_each_fitted_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto fitted = segkit::fit(entry.stage, rows_in_pieces{&table});
        const std::string path = "law_5_" + std::string(entry.name) + ".json";
        segkit::save(fitted.model, path);
        const auto alone = segkit::load<segkit::model_of<decltype(entry.stage)>>(path);
        const auto with_recipe = segkit::load(path, entry.stage);
        std::remove(path.c_str());
        const auto expected = apply({&later}, fitted.model);
        CHECK(expected.rows == later.rows());
        CHECK(laws::same_bits(apply({&later}, alone), expected));
        CHECK(laws::same_bits(apply({&later}, with_recipe), expected));
        CHECK(segkit::model_to_json(alone) == segkit::model_to_json(fitted.model));
    });
}

TEST_CASE("a report speaks of its stage") {
    const auto table = laws::some_rows(500);
    for_each_fitted_stage([&](const auto& entry) {
        const auto summary = segkit::fit(entry.stage, rows_in_pieces{&table}).report.summary();
        REQUIRE(summary.size() == 1);
        CHECK(summary[0].stage == entry.name);
        CHECK(!summary[0].facts.empty());
    });
}

TEST_CASE("what compares the results sees a difference of one bit and of one part in 1e11") {
    const auto table = laws::some_rows(100);
    const auto other = laws::some_rows(100, 2);
    CHECK(laws::same_bits(table.data(), table.data()));
    CHECK(!laws::same_bits(table.data(), other.data()));
    auto changed = table.data();
    changed.columns[3].values.data()[8 * 17] ^= std::byte{1};
    CHECK(!laws::same_bits(table.data(), changed));
    CHECK(laws::close_texts("{\"a\": [1, 2.5e3]}", "{\"a\": [1, 2500]}"));
    CHECK(!laws::close_texts("{\"a\": [1, 2500]}", "{\"a\": [1, 2500.00000003]}"));
    CHECK(!laws::close_texts("{\"a\": [1, 2500]}", "{\"b\": [1, 2500]}"));
    CHECK(!laws::close_texts("[1]", "[1, 2]"));
}
