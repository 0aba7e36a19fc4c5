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
