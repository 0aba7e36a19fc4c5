// segkit/pipeline/estimate.hpp: runs anything that learns from rows over a matrix, with the same bits for any executor.
//
//     auto summary = segkit::estimate(segkit::column_moments{}, matrix, segkit::threads(2));
//
// Rows are cut into blocks by their number alone; each block fills a state of its own, and the states merge in row order, each as soon
// as those before it have.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

// How to satisfy it: `start()` gives an empty state, `update(state, block)` adds the rows of a matrix, `merge(state, other)`
// adds what another state has seen after this one, `finish(state)` makes the model. States are plain copyable values with
// `serialize`. A fault in the data is thrown by `update` with the row counted from the first row that the state has seen, and leaves
// the state as it was.
template <class E>
concept matrix_estimator = requires(const E& estimator, decltype(estimator.start())& state, matrix_view<const double> block) {
    requires std::copyable<std::remove_cvref_t<decltype(state)>>;
    estimator.update(state, block);
    estimator.merge(state, std::as_const(state));
    estimator.finish(std::as_const(state));
};

template <matrix_estimator E>
using state_of = decltype(std::declval<const E&>().start());

namespace detail {

// At least 2,048 rows a block (overheads vanish), or 1,024 wide ones; at most 256 blocks (states stay few); multiples of 64 suit the kernels.
struct row_blocks {
    explicit row_blocks(std::size_t row_count, std::size_t columns = 1) : rows(row_count) {
        const std::size_t even = (rows / 256 + 64) / 64 * 64, least = columns < 128 ? 2048 : 1024;
        size = even < least ? least : even;
    }

    std::size_t count() const { return (rows + size - 1) / size; }
    std::size_t first(std::size_t block) const { return block * size; }
    std::size_t length(std::size_t block) const { return rows - first(block) < size ? rows - first(block) : size; }

    std::size_t rows;
    std::size_t size;
};

// By the exponent's bits, so that it holds under -ffast-math as well.
inline bool is_finite(double value) {
    constexpr std::uint64_t exponent = 0x7FF0000000000000ull;
    return (std::bit_cast<std::uint64_t>(value) & exponent) != exponent;
}

[[noreturn]] inline void throw_not_finite(std::string_view stage, double value, std::size_t feature, std::size_t row) {
    throw error(error_details{.code = error_code::not_a_number,
                              .stage = std::string(stage),
                              .field = "feature " + std::to_string(feature),
                              .column = feature + 1,
                              .row = row,
                              .found = value != value ? "NaN" : value > 0 ? "infinity" : "-infinity",
                              .expected = "a finite number",
                              .advice = "filter or impute these rows before this stage"});
}

// Throws for the first row that holds NaN or an infinity. `details.column` is the feature's number, counted from 1,
// and `row` counts from `rows_before`.
template <class T>
void require_finite(std::string_view stage, matrix_view<const T> block, std::size_t rows_before = 0) {
    const auto finite = [&](std::size_t i, std::size_t j) { return is_finite(static_cast<double>(block(i, j))); };
    std::size_t first = block.rows;
    for (std::size_t j = 0; j < block.columns; ++j) {
        bool clean = true;
        for (std::size_t i = 0; i < first; ++i) clean &= finite(i, j);
        if (clean) continue;
        for (std::size_t i = 0; i < first; ++i) {
            if (!finite(i, j)) first = i;
        }
    }
    if (first == block.rows) return;
    for (std::size_t j = 0; j < block.columns; ++j) {
        if (!finite(first, j)) throw_not_finite(stage, static_cast<double>(block(first, j)), j, rows_before + first);
    }
}

[[noreturn]] inline void throw_empty(std::string_view stage, std::string_view what = "rows") {
    throw error(error_details{.code = error_code::empty_input,
                              .stage = std::string(stage),
                              .found = "no " + std::string(what),
                              .expected = "at least one",
                              .advice = "check the filters before this stage"});
}

inline void require_rows_and_features(std::string_view stage, std::size_t rows, std::size_t features) {
    if (rows == 0) throw_empty(stage);
    if (features == 0) throw_empty(stage, "features");
}

inline void require_width(std::string_view stage, std::size_t found, std::size_t expected) {
    if (found == expected) return;
    throw error(error_details{.code = error_code::incompatible_model,
                              .stage = std::string(stage),
                              .found = std::to_string(found) + " features",
                              .expected = std::to_string(expected),
                              .advice = "use the features of the fit, in their order"});
}

// Sums of squares that are no numbers are those of finite values beyond about 1e154.
inline void require_finite_squares(std::string_view stage, double mean, double squares, std::size_t feature, std::string_view name = {}) {
    if (is_finite(mean) && is_finite(squares)) return;
    throw error(error_details{.code = error_code::not_a_number,
                              .stage = std::string(stage),
                              .field = name.empty() ? "feature " + std::to_string(feature) : std::string(name),
                              .column = feature + 1,
                              .found = "values whose squares overflow",
                              .expected = "finite squares",
                              .advice = "measure this column in a larger unit"});
}

// The same of squared distances, which are of all features.
inline void require_finite_distances(std::string_view stage, double sum) {
    if (is_finite(sum)) return;
    throw error(error_details{.code = error_code::not_a_number,
                              .stage = std::string(stage),
                              .found = "distances whose squares overflow",
                              .expected = "finite squares",
                              .advice = "measure the features in larger units"});
}

// Parts of a model that do not belong together were read from a damaged file.
inline void require_one_model(std::string_view stage, bool sizes_fit) {
    if (sizes_fit) return;
    throw error(error_details{.code = error_code::incompatible_model,
                              .stage = std::string(stage),
                              .found = "parts whose sizes do not fit together",
                              .expected = "the parts of one fitted model",
                              .advice = "the file is damaged: save the model again"});
}

// What a fit finds is finite, and results of anything else would be infinite or no numbers.
inline void require_finite_model(std::string_view stage, const std::vector<double>& numbers) {
    for (const double number : numbers) {
        if (is_finite(number)) continue;
        throw error(error_details{.code = error_code::incompatible_model,
                                  .stage = std::string(stage),
                                  .found = number != number ? "NaN" : "infinity",
                                  .expected = "the finite numbers of a fitted model",
                                  .advice = "the file is damaged: save the model again"});
    }
}

[[noreturn]] inline void throw_invalid_option(std::string_view stage, std::string_view option, std::string found, std::string expected,
                                              std::string advice = {}) {
    throw error(error_details{.code = error_code::invalid_option,
                              .stage = std::string(stage),
                              .field = std::string(option),
                              .found = std::move(found),
                              .expected = std::move(expected),
                              .advice = std::move(advice)});
}

// Runs update on one block of a larger matrix; rows in errors become rows of that matrix.
template <matrix_estimator E, class T>
void update_at(const E& estimator, state_of<E>& state, matrix_view<const T> block, std::size_t first_row) {
    try {
        estimator.update(state, block);
    } catch (const error& failure) {
        if (first_row == 0 || !failure.details().row) throw;
        error_details details = failure.details();
        *details.row += first_row;
        throw error(std::move(details));
    }
}

template <matrix_estimator E, class T>
state_of<E> estimate_state_of(const E& estimator, matrix_view<const T> matrix, executor_ref executor) {
    const row_blocks blocks(matrix.rows, matrix.columns);
    if (blocks.count() < 2) {
        auto state = estimator.start();
        if (matrix.rows > 0) estimator.update(state, matrix);
        return state;
    }
    std::vector<state_of<E>> states(blocks.count(), estimator.start());
    std::vector<std::uint8_t> filled(blocks.count());
    std::mutex lock;
    std::size_t merged = 0;    // so many are in the first state, or about to be
    bool merging = false;
    executor.run(blocks.count(), [&](std::size_t b) {
        update_at(estimator, states[b], matrix.row_range(blocks.first(b), blocks.length(b)), blocks.first(b));
        std::unique_lock hold(lock);
        filled[b] = 1;
        if (merging) return;    // who merges comes by here
        merging = true;
        for (; merged < filled.size() && filled[merged] != 0; ++merged) {
            if (merged == 0) continue;
            hold.unlock();
            estimator.merge(states[0], states[merged]);
            states[merged] = estimator.start();    // its memory is free for the next block
            hold.lock();
        }
        merging = false;
    });
    return std::move(states[0]);
}

// Estimators that also take points in float.
template <class E>
concept float_estimator = matrix_estimator<E> && requires(const E& estimator, state_of<E>& state, matrix_view<const float> block) { estimator.update(state, block); };

}  // namespace detail

// The state after all rows of the matrix.
template <matrix_estimator E>
state_of<E> estimate_state(const E& estimator, matrix_view<const double> matrix, executor_ref executor = detail::default_executor) {
    return detail::estimate_state_of(estimator, matrix, executor);
}
template <detail::float_estimator E>
state_of<E> estimate_state(const E& estimator, matrix_view<const float> matrix, executor_ref executor = detail::default_executor) {
    return detail::estimate_state_of(estimator, matrix, executor);
}

namespace detail {
template <class E, class T>
auto estimate_of(const E& estimator, matrix_view<const T> matrix, executor_ref executor) {
    if constexpr (requires { estimator.of(matrix, executor); }) return estimator.of(matrix, executor);
    else return estimator.finish(estimate_state_of(estimator, matrix, executor));
}
}  // namespace detail

// start, update, merge and finish in one call; or `of(matrix, executor)`, where an estimator has a shorter way to the same model.
template <matrix_estimator E>
auto estimate(const E& estimator, matrix_view<const double> matrix, executor_ref executor = detail::default_executor) {
    return detail::estimate_of(estimator, matrix, executor);
}
template <detail::float_estimator E>
auto estimate(const E& estimator, matrix_view<const float> matrix, executor_ref executor = detail::default_executor) {
    return detail::estimate_of(estimator, matrix, executor);
}

}  // namespace SEGKIT_NAMESPACE
