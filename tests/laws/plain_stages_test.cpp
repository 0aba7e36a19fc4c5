// Laws 2 and 3 for the stages that learn nothing: neither the cut of the rows nor the executor changes a bit.
#include <doctest/doctest.h>

#include <segkit/exec/threads.hpp>

#include "cut_rows.hpp"
#include "registry.hpp"

namespace {

using laws::sk::executor_ref;
using rows_in_pieces = laws::cut_rows<laws::row_schema>;

template <class Pipeline>
segkit::table_data run(const rows_in_pieces& rows, const Pipeline& stage, executor_ref executor) {
    return (rows | stage | segkit::collect(executor)).data();
}

}  // namespace

TEST_CASE("law 2: a table gives the same bits in chunks and morsels of any size") {
    const auto table = laws::some_rows(5'003);
    laws::for_each_plain_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto expected = run({&table}, entry.stage, segkit::detail::default_executor);
        CHECK(expected.rows > 0);
        for (const auto& cut : laws::all_pieces) {
            CAPTURE(cut.chunk);
            CAPTURE(cut.chunks_per_morsel);
            CHECK(laws::same_bits(run({&table, cut.chunk, cut.chunks_per_morsel}, entry.stage, segkit::detail::default_executor), expected));
        }
    });
}

TEST_CASE("law 3: 1, 2, 3 and 7 threads give the same bits") {
    const auto table = laws::some_rows(100'000, 2);
    laws::for_each_plain_stage([&](const auto& entry) {
        CAPTURE(std::string(entry.name));
        const auto expected = run({&table}, entry.stage, segkit::detail::default_executor);
        for (const unsigned n : {1u, 2u, 3u, 7u}) {
            CAPTURE(n);
            const segkit::threads pool(n);
            CHECK(laws::same_bits(run({&table}, entry.stage, pool), expected));
            CHECK(laws::same_bits(run({&table, 1024, 1}, entry.stage, pool), expected));
        }
    });
}

TEST_CASE("no rows and one row go through every stage") {
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}}) {
        const auto table = laws::some_rows(n);
        laws::for_each_plain_stage([&](const auto& entry) {
            CAPTURE(std::string(entry.name));
            const auto result = run({&table}, entry.stage, segkit::detail::default_executor);
            CHECK(result.rows <= 2 * n);
            CHECK(laws::same_bits(run({&table, 3, 1}, entry.stage, segkit::detail::default_executor), result));
        });
    }
}
