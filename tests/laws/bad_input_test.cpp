// Law 7 for the stages that are fitted: what is wrong with the rows is said with stage, field and row, and nothing comes of it.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/fit.hpp>

#include "cut_rows.hpp"
#include "registry.hpp"

namespace {

template <class Recipe>
segkit::error_details failure_of(const Recipe& recipe, const segkit::table<laws::row_schema>& table, segkit::executor_ref executor = segkit::detail::default_executor) {
    try {
        (void)segkit::fit(recipe, laws::cut_rows<laws::row_schema>{&table, 512, 1}, executor);
    } catch (const segkit::error& failure) {
        return failure.details();
    }
    return {.code = segkit::error_code::cannot_open, .found = "no error"};
}

// The rows with x, y and z of one of them replaced.
segkit::table<laws::row_schema> spoiled(std::size_t rows, std::size_t at, double x, float y, std::optional<double> z) {
    const auto good = laws::some_rows(rows);
    segkit::table<laws::row_schema> bad;
    for (std::size_t i = 0; i < rows; ++i) {
        auto row = good.row(i);
        if (i == at) {
            std::get<3>(row) = x;
            std::get<4>(row) = y;
            std::get<5>(row) = z;
        }
        bad.append(row);
    }
    return bad;
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("law 7: NaN and infinity in a feature name stage, field and row, on any executor") {
    laws::for_each_learning_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto in_x = failure_of(entry.stage, spoiled(3'000, 2'345, laws::imputes(entry.name) ? infinity : not_a_number, 1, 1));
        CHECK(in_x.code == segkit::error_code::not_a_number);
        CHECK(in_x.stage == entry.name);
        CHECK(in_x.field == "x");
        CHECK(in_x.row == 2'345u);
        CHECK(in_x.found == (laws::imputes(entry.name) ? "infinity" : "NaN"));
        CHECK(!in_x.expected.empty());
        CHECK(!in_x.advice.empty());
        const auto in_y = failure_of(entry.stage, spoiled(3'000, 7, 1, -std::numeric_limits<float>::infinity(), 1), segkit::threads(3));
        CHECK(in_y.code == segkit::error_code::not_a_number);
        CHECK(in_y.field == "y");
        CHECK(in_y.row == 7u);
        CHECK(in_y.found == "-infinity");
        const auto in_z = failure_of(entry.stage, spoiled(3'000, 2'999, 1, 1, infinity));
        CHECK(in_z.field == "z");
        CHECK(in_z.row == 2'999u);
    });
}

TEST_CASE("law 7: a null in a feature names stage, field, count and row") {
    laws::for_each_learning_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto failure = failure_of(entry.stage, spoiled(3'000, 1'111, 1, 1, std::nullopt));
        if (laws::takes_nulls(entry.name)) {
            CHECK(failure.found == "no error");
            return;
        }
        CHECK(failure.code == segkit::error_code::unexpected_null);
        CHECK(failure.stage == entry.name);
        CHECK(failure.field == "z");
        CHECK(failure.row == 1'111u);
        CHECK(failure.found == "1 null");
        CHECK(!failure.advice.empty());
    });
}

TEST_CASE("law 7: no rows are an error that names the stage") {
    laws::for_each_learning_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto failure = failure_of(entry.stage, laws::some_rows(0));
        if (laws::takes_no_rows(entry.name)) {
            CHECK(failure.found == "no error");
            return;
        }
        CHECK(failure.code == segkit::error_code::empty_input);
        CHECK(failure.stage == entry.name);
        const auto none = laws::some_rows(100);
        try {
            (void)segkit::fit(segkit::filter(segkit::col<"x">{} < -1e9) | entry.stage, none);
            FAIL("no error");
        } catch (const segkit::error& refused) {
            CHECK(refused.code() == segkit::error_code::empty_input);
        }
    });
}
