// The laws that every matrix estimator keeps: an empty state changes nothing, the cut of the rows changes nothing (up to
// `close`), threads change no bit, a state saved and loaded merges like the original.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/estimate.hpp>

#include "failures.hpp"
#include "matrices.hpp"
#include "roundtrip.hpp"

namespace support {

template <class E, class Close>
void check_estimator_laws(const E& estimator, const matrix& data, Close close_models) {
    const segkit::matrix_view<const double> rows = data.view();
    auto whole = estimator.start();
    estimator.update(whole, rows);
    const auto expected = estimator.finish(whole);

    auto with_empty = whole;
    estimator.merge(with_empty, estimator.start());
    CHECK(with_empty == whole);
    auto from_empty = estimator.start();
    estimator.merge(from_empty, whole);
    CHECK(from_empty == whole);
    auto no_rows = whole;
    estimator.update(no_rows, rows.row_range(0, 0));
    CHECK(no_rows == whole);

    for (std::size_t parts : {std::size_t{3}, std::size_t{10}}) {
        const std::size_t size = data.rows / parts + 1;
        auto one_state = estimator.start();
        auto merged = estimator.start();
        auto merged_saved = estimator.start();
        for (std::size_t first = 0; first < data.rows; first += size) {
            const auto part = rows.row_range(first, std::min(size, data.rows - first));
            estimator.update(one_state, part);
            auto partial = estimator.start();
            estimator.update(partial, part);
            estimator.merge(merged, partial);
            merged_saved = roundtrip(merged_saved);
            estimator.merge(merged_saved, roundtrip(partial));
        }
        CHECK(close_models(estimator.finish(one_state), expected));
        CHECK(close_models(estimator.finish(merged), expected));
        CHECK(merged_saved == merged);
    }

    const auto serial = segkit::estimate_state(estimator, rows);
    CHECK(close_models(estimator.finish(serial), expected));
    for (unsigned count : {2u, 3u, 7u}) CHECK(segkit::estimate_state(estimator, rows, segkit::threads(count)) == serial);

    const transposed features(data);    // storage order is no business of the result
    CHECK(close_models(segkit::estimate(estimator, features), expected));
}

// NaN or an infinity, named with its row whatever the block.
template <class Fit>
void check_rejects_bad_rows_of(Fit fit, matrix data) {
    const std::size_t row = data.rows - 2, column = data.columns - 1;
    data(row, column) = -1.0 / 0.0;
    const auto infinite = failure_of([&] { fit(data); });
    CHECK(infinite.code == segkit::error_code::not_a_number);
    CHECK(infinite.row == row);
    CHECK(infinite.column == column + 1);
    CHECK(infinite.found == "-infinity");
    data(1, 0) = 0.0 / 0.0;
    const auto nan = failure_of([&] { fit(data); });
    CHECK(nan.row == 1u);
    CHECK(nan.column == 1u);
    CHECK(nan.found == "NaN");
}

// Bad input: no rows; NaN or an infinity; another width.
template <class E>
void check_rejects_bad_rows(const E& estimator, matrix data) {
    const auto empty = failure_of([&] { segkit::estimate(estimator, data.view().row_range(0, 0)); });
    CHECK(empty.code == segkit::error_code::empty_input);
    CHECK(!empty.stage.empty());
    check_rejects_bad_rows_of([&](const matrix& bad) { segkit::estimate(estimator, bad, segkit::threads(3)); }, std::move(data));

    const auto narrow = failure_of([&] {
        auto state = estimator.start();
        const matrix good(1, {1, 2, 3});
        const matrix wider(2, {1, 2, 3, 4});
        estimator.update(state, good);
        estimator.update(state, wider);
    });
    CHECK(narrow.code == segkit::error_code::incompatible_model);
}

}  // namespace support
