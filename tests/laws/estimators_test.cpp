// Laws 1 to 4 and 7 for everything with start, update, merge and finish.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>

#include <segkit/pipeline/archive.hpp>

#include <support/estimator_laws.hpp>

#include "cut_rows.hpp"
#include "registry.hpp"

namespace {

// What is approximate by design: every quantile within its stated error of the true rank.
bool within_rank_error(const segkit::quantile_sketch_model& model, const support::matrix& data) {
    bool all = model.columns.size() == data.columns;
    for (std::size_t j = 0; all && j < data.columns; ++j) {
        CHECK(model.rank_errors[j] <= 0.02);
        for (std::size_t p = 0; p < model.probabilities.size(); ++p) {
            double below = 0;
            for (std::size_t i = 0; i < data.rows; ++i) below += data(i, j) <= model(j, p);
            all = all && std::fabs(below / static_cast<double>(data.rows) - model.probabilities[p]) <= model.rank_errors[j];
        }
    }
    return all;
}

}  // namespace

TEST_CASE("laws 1 to 4: empty states, pieces, threads and saved states change nothing") {
    const auto data = support::blobs(5'003, 3, 4, 11, 2.0);
    laws::for_each_estimator(data, [&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        support::check_estimator_laws(entry.value, data, [&](const auto& a, const auto& b) {
            if constexpr (requires { a.rank_errors; }) return within_rank_error(a, data) && within_rank_error(b, data);
            else return laws::close_texts(segkit::to_json(a), segkit::to_json(b));
        });
    });
}

TEST_CASE("law 4: states merge through text as they merge in memory") {
    const auto data = support::blobs(1'001, 3, 4, 12, 2.0);
    laws::for_each_estimator(data, [&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        using state = segkit::state_of<std::remove_cvref_t<decltype(entry.value)>>;
        auto a = entry.value.start(), b = entry.value.start();
        entry.value.update(a, data.view().row_range(0, 400));
        entry.value.update(b, data.view().row_range(400, 601));
        auto saved = segkit::from_json<state>(segkit::to_json(a));
        CHECK(saved == a);
        entry.value.merge(a, b);
        entry.value.merge(saved, segkit::from_json<state>(segkit::to_json(b)));
        CHECK(saved == a);
    });
}

TEST_CASE("law 7: NaN and infinity are refused with their row") {
    laws::for_each_estimator(support::blobs(50, 3, 4, 13), [&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        for (const double bad : {0.0 / 0.0, 1.0 / 0.0}) {
            auto data = support::blobs(5'003, 3, 4, 13);
            data(4'321, 2) = bad;
            try {
                (void)segkit::estimate_state(entry.value, data);
                FAIL("no error");
            } catch (const segkit::error& failure) {
                CHECK(failure.code() == segkit::error_code::not_a_number);
                CHECK(failure.details().row == 4'321u);
                CHECK(failure.details().column == 3u);
                CHECK(!failure.details().stage.empty());
                CHECK(!failure.details().advice.empty());
            }
        }
    });
}

TEST_CASE("law 7: what refuses rows leaves the state as it was") {
    const auto data = support::blobs(900, 3, 4, 14);
    auto spoiled = data;
    spoiled(899, 2) = 0.0 / 0.0;
    const auto refuses = [](auto&& update) {
        try {
            update();
            return false;
        } catch (const segkit::error&) {
            return true;
        }
    };
    laws::for_each_estimator(data, [&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        for (const std::size_t rows_before : {0u, 1u, 300u}) {
            auto state = entry.value.start();
            if (rows_before > 0) entry.value.update(state, data.view().row_range(0, rows_before));
            const auto before = state;
            for (const std::size_t rows : {2u, 900u}) {    // fewer than features, and several tiles
                const auto block = spoiled.view().row_range(900 - rows, rows);
                CHECK(refuses([&] { entry.value.update(state, block); }));
                CHECK(state == before);
            }
            if (rows_before > 0) CHECK(refuses([&] { entry.value.update(state, segkit::row_major(data.values.data(), 2, 2)); }));
            CHECK(state == before);
        }
    });
    segkit::mini_batch_state state({data.values.begin(), data.values.begin() + 12}, 3);
    state.update(data.view().row_range(0, 300));
    const auto before = state;
    CHECK(refuses([&] { state.update(spoiled); }));
    CHECK(refuses([&] { state.update(segkit::row_major(data.values.data(), 2, 2)); }));
    CHECK(refuses([&] { state.merge(segkit::mini_batch_state({1.0, 2.0, 3.0}, 3)); }));
    CHECK(state == before);
}
