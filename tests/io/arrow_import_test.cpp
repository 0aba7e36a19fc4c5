// Arrow arrays made by hand, as sources: every type, offsets at any bit, nulls, dictionaries, streams, and who releases what.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/arrow.hpp>
#include <segkit/query.hpp>

#include "support/arrow_arrays.hpp"

namespace sk = segkit;
using namespace segkit::literals;
using namespace support;

namespace {

template <class T>
using one = sk::schema<sk::field<"x", T>>;

// A record batch of one column as rows of T; checks that everything is released once.
template <class T>
sk::table<one<T>> collected(const arrow_node& column, std::size_t rows, std::size_t batch_offset = 0) {
    arrow_counts counts;
    sk::table<one<T>> t;
    {
        ArrowSchema schema;
        ArrowArray array;
        const arrow_node batch = arrow_batch({column}, rows, batch_offset);
        batch.fill(&schema, counts);
        batch.fill(&array, counts);
        const auto source = sk::from_arrow<one<T>>(&schema, &array);
        CHECK(is_released(schema));
        CHECK(is_released(array));
        t = source | sk::collect();
    }
    CHECK(counts.alive == 0);
    CHECK(counts.released_twice == 0);
    return t;
}

template <class T>
std::vector<sk::value_t<T>> values(const sk::table<one<T>>& t) {
    return {t["x"_c].begin(), t["x"_c].end()};
}
template <class T>
std::vector<sk::value_t<T>> read(const arrow_node& column) {
    return values(collected<T>(column, static_cast<std::size_t>(column.length)));
}

// The error of importing and reading a column as T; everything is released all the same.
template <class T>
sk::error_details failure_of(const arrow_node& column) {
    arrow_counts counts;
    sk::error_details details;
    {
        ArrowSchema schema;
        ArrowArray array;
        const arrow_node batch = arrow_batch({column}, static_cast<std::size_t>(column.length));
        batch.fill(&schema, counts);
        batch.fill(&array, counts);
        try {
            (void)(sk::from_arrow<one<T>>(&schema, &array) | sk::collect());
            FAIL("no error");
        } catch (const sk::error& failure) {
            details = failure.details();
        }
        CHECK(is_released(schema));
        CHECK(is_released(array));
    }
    CHECK(counts.alive == 0);
    CHECK(counts.released_twice == 0);
    return details;
}

const std::string long_text = "a text that is longer than twelve bytes";

}  // namespace

TEST_CASE("numbers, dates and times that lie as segkit's do arrive as they are") {
    CHECK(read<std::int32_t>(arrow_values<std::int32_t>("x", "i", {7, -8, 9})) == std::vector<std::int32_t>{7, -8, 9});
    CHECK(read<std::int64_t>(arrow_values<std::int64_t>("x", "l", {7, INT64_MIN})) == std::vector<std::int64_t>{7, INT64_MIN});
    CHECK(read<float>(arrow_values<float>("x", "f", {1.5f})) == std::vector<float>{1.5f});
    CHECK(read<double>(arrow_values<double>("x", "g", {1.5, -0.25})) == std::vector<double>{1.5, -0.25});
    CHECK(read<sk::date>(arrow_values<std::int32_t>("x", "tdD", {0, -1, 19'000})) ==
          std::vector<sk::date>{sk::date(1970, 1, 1), sk::date(1969, 12, 31), sk::date::from_days(19'000)});
    CHECK(read<sk::timestamp>(arrow_values<std::int64_t>("x", "tsu:Europe/Berlin", {1'000'001})) == std::vector<sk::timestamp>{sk::timestamp::from_microseconds(1'000'001)});
    CHECK(read<sk::duration>(arrow_values<std::int64_t>("x", "tDu", {-5})) == std::vector<sk::duration>{{-5}});
}

TEST_CASE("narrower numbers are widened") {
    CHECK(read<std::int32_t>(arrow_values<std::int8_t>("x", "c", {-128, 127})) == std::vector<std::int32_t>{-128, 127});
    CHECK(read<std::int32_t>(arrow_values<std::uint8_t>("x", "C", {255})) == std::vector<std::int32_t>{255});
    CHECK(read<std::int32_t>(arrow_values<std::int16_t>("x", "s", {-32'768})) == std::vector<std::int32_t>{-32'768});
    CHECK(read<std::int32_t>(arrow_values<std::uint16_t>("x", "S", {65'535})) == std::vector<std::int32_t>{65'535});
    CHECK(read<std::int64_t>(arrow_values<std::int32_t>("x", "i", {-7})) == std::vector<std::int64_t>{-7});
    CHECK(read<std::int64_t>(arrow_values<std::uint32_t>("x", "I", {4'294'967'295u})) == std::vector<std::int64_t>{4'294'967'295});
    CHECK(read<std::int64_t>(arrow_values<std::uint64_t>("x", "L", {0x7FFF'FFFF'FFFF'FFFFu})) == std::vector<std::int64_t>{INT64_MAX});
    CHECK(read<double>(arrow_values<std::int32_t>("x", "i", {-7})) == std::vector<double>{-7});
    CHECK(read<double>(arrow_values<float>("x", "f", {0.5f})) == std::vector<double>{0.5});
    CHECK(read<float>(arrow_values<std::uint16_t>("x", "S", {65'535})) == std::vector<float>{65'535});
    // Half precision: one, minus two, the largest, the least subnormal, infinity.
    CHECK(read<float>(arrow_values<std::uint16_t>("x", "e", {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x7C00, 0x8000})) ==
          std::vector<float>{1, -2, 65'504, 0x1p-24f, std::numeric_limits<float>::infinity(), 0});
}

TEST_CASE("bits become truth values, at any offset") {
    const std::vector<int> bits{1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1};
    for (std::size_t offset = 0; offset < bits.size(); ++offset) {
        const auto found = read<bool>(arrow_bools("x", bits, {}, offset));
        REQUIRE(found.size() == bits.size() - offset);
        for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == bool(bits[offset + i]));
    }
}

TEST_CASE("times of any unit become microseconds; what is finer is rounded down") {
    using times = std::vector<sk::timestamp>;
    const auto at = [](std::int64_t microseconds) { return sk::timestamp::from_microseconds(microseconds); };
    CHECK(read<sk::timestamp>(arrow_values<std::int64_t>("x", "tss:", {2, -1})) == times{at(2'000'000), at(-1'000'000)});
    CHECK(read<sk::timestamp>(arrow_values<std::int64_t>("x", "tsm:UTC", {2, -1})) == times{at(2'000), at(-1'000)});
    CHECK(read<sk::timestamp>(arrow_values<std::int64_t>("x", "tsn:", {1'999, -1, -1'000})) == times{at(1), at(-1), at(-1)});
    CHECK(read<sk::timestamp>(arrow_values<std::int32_t>("x", "tdD", {1})) == times{sk::timestamp(sk::date(1970, 1, 2))});
    CHECK(read<sk::timestamp>(arrow_values<std::int64_t>("x", "tdm", {86'400'000})) == times{sk::timestamp(sk::date(1970, 1, 2))});
    CHECK(read<sk::date>(arrow_values<std::int64_t>("x", "tdm", {86'400'000, -1})) == std::vector<sk::date>{sk::date(1970, 1, 2), sk::date(1969, 12, 31)});
    CHECK(read<sk::duration>(arrow_values<std::int64_t>("x", "tDs", {3})) == std::vector<sk::duration>{{3'000'000}});
    CHECK(read<sk::duration>(arrow_values<std::int64_t>("x", "tDm", {3})) == std::vector<sk::duration>{{3'000}});
    CHECK(read<sk::duration>(arrow_values<std::int64_t>("x", "tDn", {3'500})) == std::vector<sk::duration>{{3}});
}

TEST_CASE("text comes with 32-bit and 64-bit offsets and as views, and binary is text too") {
    const std::vector<std::string> texts{"", "Ada", long_text, "exactly 12 b", "\xFF\x00"};
    const std::vector<std::string_view> expected(texts.begin(), texts.end());
    for (std::size_t offset = 0; offset < texts.size(); ++offset) {
        const std::vector<std::string_view> rest(expected.begin() + static_cast<std::ptrdiff_t>(offset), expected.end());
        const auto same = [&](const arrow_node& column) {
            const auto t = collected<sk::text>(column, rest.size());
            CHECK(values(t) == rest);
        };
        same(arrow_texts<std::int32_t>("x", "u", texts, {}, offset));
        same(arrow_texts<std::int64_t>("x", "U", texts, {}, offset));
        same(arrow_texts<std::int32_t>("x", "z", texts, {}, offset));
        same(arrow_texts<std::int64_t>("x", "Z", texts, {}, offset));
        same(arrow_text_views("x", texts, {}, offset));
    }
}

TEST_CASE("nulls are those of the bitmap, at any offset of the array and of the batch") {
    std::vector<std::int32_t> numbers;
    std::vector<int> valid;
    std::vector<std::string> texts;
    for (int i = 0; i < 5'000; ++i) {
        valid.push_back(i % 3 != 1);
        numbers.push_back(i % 3 != 1 ? i : INT32_MIN);    // what stands under a null is nobody's business
        texts.push_back(std::to_string(i));
    }
    for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{4'999}})
        for (const std::size_t batch_offset : {std::size_t{0}, std::size_t{1}, std::size_t{5}}) {
            if (offset + batch_offset > 5'000) continue;
            const std::size_t rows = 5'000 - offset - batch_offset;
            const auto t = collected<std::optional<std::int32_t>>(arrow_values<std::int32_t>("x", "i", numbers, valid, offset), rows, batch_offset);
            const auto wide = collected<std::optional<std::int64_t>>(arrow_values<std::int32_t>("x", "i", numbers, valid, offset), rows, batch_offset);
            const auto words = collected<std::optional<sk::text>>(arrow_texts<std::int32_t>("x", "u", texts, valid, offset), rows, batch_offset);
            const auto views = collected<std::optional<sk::text>>(arrow_text_views("x", texts, valid, offset), rows, batch_offset);
            REQUIRE(t.rows() == rows);
            bool same = true;
            for (std::size_t i = 0; i < rows; ++i) {
                const std::size_t at = offset + batch_offset + i;
                same = same && t["x"_c][i].has_value() == bool(valid[at]) && wide["x"_c][i].has_value() == bool(valid[at]);
                if (same && valid[at]) same = *t["x"_c][i] == numbers[at] && *wide["x"_c][i] == numbers[at];
                same = same && words["x"_c][i].has_value() == bool(valid[at]) && (!valid[at] || *words["x"_c][i] == texts[at]) && words["x"_c][i] == views["x"_c][i];
            }
            CHECK(same);
        }
}

TEST_CASE("what stands under a null changes no result") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    arrow_counts counts;
    ArrowSchema schema;
    ArrowArray array;
    const std::vector<int> valid{1, 0, 1, 0, 1, 1};
    const arrow_node batch = arrow_batch({arrow_values<std::int64_t>("k", "l", {1, INT64_MIN, 2, INT64_MAX, 1, 2}, valid),
                                          arrow_values<double>("x", "g", {1, nan, 2, -1e300, 4, 8}, valid), arrow_values<std::int32_t>("n", "i", {1, INT32_MIN, 2, INT32_MAX, 4, 8}, valid)},
                                         6);
    batch.fill(&schema, counts);
    batch.fill(&array, counts);
    using S = sk::schema<sk::field<"k", std::optional<std::int64_t>>, sk::field<"x", std::optional<double>>, sk::field<"n", std::optional<std::int32_t>>>;
    const auto rows = sk::from_arrow<S>(&schema, &array);
    const auto all = rows | sk::aggregate("sum"_c = sk::sum("x"_c), "least"_c = sk::min("x"_c), "mean"_c = sk::mean("n"_c), "most"_c = sk::max("n"_c), "total"_c = sk::sum("k"_c),
                                          "keys"_c = sk::count_distinct("k"_c)) |
                     sk::collect();
    CHECK(all["sum"_c][0] == 15);
    CHECK(all["least"_c][0] == 1);
    CHECK(all["mean"_c][0] == 3.75);
    CHECK(all["most"_c][0] == 8);
    CHECK(all["total"_c][0] == 6);
    CHECK(all["keys"_c][0] == 2);
    const auto groups = rows | sk::group_by("k"_c).aggregate("sum"_c = sk::sum("x"_c), "rows"_c = sk::count()) | sk::collect();
    REQUIRE(groups.rows() == 3);
    CHECK(groups.row(0) == std::tuple(std::optional<std::int64_t>(1), std::optional(5.0), std::int64_t{2}));
    CHECK(groups.row(1) == std::tuple(std::optional<std::int64_t>(), std::optional<double>(), std::int64_t{2}));
    CHECK((rows | sk::filter("n"_c + "n"_c > 0 || "x"_c < 0.0) | sk::collect()).rows() == 4);
    const auto sorted = rows | sk::sort_by("n"_c) | sk::collect();
    CHECK(sorted["n"_c][0] == 1);
}

TEST_CASE("dictionaries are decoded, whatever their indices and values are; a null stands in the rows or in the dictionary") {
    const std::vector<std::string> words{"de", "fr", long_text};
    using texts = std::vector<std::string_view>;
    const auto same = [&](const arrow_node& column, const texts& expected) {
        const auto t = collected<sk::text>(column, expected.size());
        CHECK(values(t) == expected);
    };
    same(arrow_dictionary<std::int8_t>("x", "c", {2, 0, 0, 1}, arrow_texts<std::int32_t>("", "u", words)), {long_text, "de", "de", "fr"});
    same(arrow_dictionary<std::uint8_t>("x", "C", {2, 0}, arrow_texts<std::int64_t>("", "U", words)), {long_text, "de"});
    same(arrow_dictionary<std::int16_t>("x", "s", {2, 0}, arrow_text_views("", words)), {long_text, "de"});
    same(arrow_dictionary<std::uint16_t>("x", "S", {1, 0}, arrow_texts<std::int32_t>("", "u", words, {}, 1)), {long_text, "fr"});    // the dictionary is a slice
    same(arrow_dictionary<std::int32_t>("x", "i", {9, 2, 0}, arrow_texts<std::int32_t>("", "u", words), {}, 1), {long_text, "de"});
    same(arrow_dictionary<std::uint32_t>("x", "I", {1}, arrow_texts<std::int32_t>("", "u", words)), {"fr"});
    same(arrow_dictionary<std::int64_t>("x", "l", {1}, arrow_texts<std::int32_t>("", "u", words)), {"fr"});
    same(arrow_dictionary<std::uint64_t>("x", "L", {1}, arrow_texts<std::int32_t>("", "u", words)), {"fr"});

    CHECK(read<double>(arrow_dictionary<std::int8_t>("x", "c", {1, 0}, arrow_values<double>("", "g", {0.5, 1.5}))) == std::vector<double>{1.5, 0.5});
    CHECK(read<std::int64_t>(arrow_dictionary<std::int8_t>("x", "c", {1, 0}, arrow_values<std::int16_t>("", "s", {5, 6}))) == std::vector<std::int64_t>{6, 5});
    CHECK(read<bool>(arrow_dictionary<std::int8_t>("x", "c", {1, 0}, arrow_bools("", {0, 1}))) == std::vector<bool>{true, false});
    CHECK(read<sk::date>(arrow_dictionary<std::int8_t>("x", "c", {0}, arrow_values<std::int32_t>("", "tdD", {3}))) == std::vector<sk::date>{sk::date::from_days(3)});

    using perhaps = std::optional<sk::text>;
    const auto rows = collected<perhaps>(arrow_dictionary<std::int8_t>("x", "c", {0, 99, 1, 2}, arrow_texts<std::int32_t>("", "u", words, {1, 0, 1}), {1, 0, 1, 1}), 4);
    CHECK(values(rows) == std::vector<std::optional<std::string_view>>{"de", std::nullopt, std::nullopt, long_text});
    const auto none = collected<perhaps>(arrow_dictionary<std::int8_t>("x", "c", {0, 0}, arrow_nulls("", 1)), 2);
    CHECK(values(none) == std::vector<std::optional<std::string_view>>{std::nullopt, std::nullopt});

    const auto outside = failure_of<sk::text>(arrow_dictionary<std::int8_t>("x", "c", {0, 3}, arrow_texts<std::int32_t>("", "u", words)));
    CHECK(outside.found == "the dictionary index 3");
    CHECK(outside.row == 1);
    CHECK(failure_of<sk::text>(arrow_dictionary<std::int8_t>("x", "c", {0, -1}, arrow_texts<std::int32_t>("", "u", words))).found == "the dictionary index -1");
    CHECK(failure_of<sk::text>(arrow_dictionary<std::int8_t>("x", "c", {0, 1}, arrow_texts<std::int32_t>("", "u", words, {1, 0, 1}))).row == 1);
}

TEST_CASE("a column of the null type is nulls of any type") {
    CHECK(read<std::optional<std::int64_t>>(arrow_nulls("x", 3)) == std::vector<std::optional<std::int64_t>>(3));
    CHECK(read<std::optional<bool>>(arrow_nulls("x", 3)) == std::vector<std::optional<bool>>(3));
    CHECK(read<std::optional<sk::text>>(arrow_nulls("x", 3)) == std::vector<std::optional<std::string_view>>(3));
    CHECK(failure_of<std::int64_t>(arrow_nulls("x", 3)).code == sk::error_code::schema_mismatch);
}

TEST_CASE("a fixed-size list of numbers is a block") {
    const auto t = collected<sk::block<double>>(arrow_lists("x", 2, arrow_values<double>("item", "g", {9, 9, 9, 1, 2, 3, 4}, {}, 1), 2, 1), 2);
    REQUIRE(t.rows() == 2);
    CHECK(t["x"_c][0].size() == 2);
    CHECK(t["x"_c][0][0] == 1);
    CHECK(t["x"_c][1][1] == 4);
    CHECK(failure_of<sk::block<double>>(arrow_lists("x", 2, arrow_values<double>("item", "g", {1, 2, 3, 4}, {1, 1, 1, 0}), 2)).row == 1);
    CHECK(failure_of<sk::block<float>>(arrow_lists("x", 2, arrow_values<double>("item", "g", {1, 2, 3, 4}), 2)).code == sk::error_code::schema_mismatch);
}

TEST_CASE("a null in a column without nulls is an error that names field and row") {
    std::vector<std::int32_t> numbers(5'000, 1);
    std::vector<int> valid(5'000, 1);
    valid[4'321] = 0;
    for (const std::size_t offset : {std::size_t{0}, std::size_t{3}}) {
        const auto details = failure_of<std::int32_t>(arrow_values<std::int32_t>("x", "i", numbers, valid, offset));
        CHECK(details.code == sk::error_code::unexpected_null);
        CHECK(details.field == "x");
        CHECK(details.row == 4'321 - offset);
    }
    CHECK(failure_of<std::int64_t>(arrow_values<std::int32_t>("x", "i", numbers, valid)).row == 4'321);
    CHECK(failure_of<double>(arrow_dictionary<std::int32_t>("x", "i", std::vector<std::int32_t>(5'000), arrow_values<double>("", "g", {1}), valid)).row == 4'321);
}

TEST_CASE("a row that is null as a whole is null in every column") {
    arrow_counts counts;
    ArrowSchema schema;
    ArrowArray array;
    arrow_node batch = arrow_batch({arrow_values<std::int32_t>("x", "i", {0, 1, 2, 3}, {1, 1, 0, 1})}, 3, 1);
    batch.null_count = -1;
    batch.buffers[0] = bits_of({1, 1, 1, 0});
    batch.fill(&schema, counts);
    batch.fill(&array, counts);
    const auto t = sk::from_arrow<one<std::optional<std::int32_t>>>(&schema, &array) | sk::collect();
    CHECK(values(t) == std::vector<std::optional<std::int32_t>>{1, std::nullopt, std::nullopt});
    CHECK(counts.alive == 0);
}

TEST_CASE("numbers and times that do not fit are errors; under a null they are nothing") {
    const auto big = failure_of<std::int64_t>(arrow_values<std::uint64_t>("x", "L", {1, 0x8000'0000'0000'0000u}));
    CHECK(big.code == sk::error_code::overflow);
    CHECK(big.row == 1);
    CHECK(read<std::optional<std::int64_t>>(arrow_values<std::uint64_t>("x", "L", {1, 0x8000'0000'0000'0000u}, {1, 0})) == std::vector<std::optional<std::int64_t>>{1, std::nullopt});
    CHECK(failure_of<sk::timestamp>(arrow_values<std::int64_t>("x", "tss:", {0, 0, INT64_MAX / 1'000'000 + 1})).row == 2);
    CHECK(failure_of<sk::timestamp>(arrow_values<std::int64_t>("x", "tsm:", {INT64_MIN})).row == 0);
    CHECK(failure_of<sk::timestamp>(arrow_values<std::int32_t>("x", "tdD", {INT32_MAX})).code == sk::error_code::overflow);
    CHECK(failure_of<sk::date>(arrow_values<std::int64_t>("x", "tdm", {INT64_MAX})).code == sk::error_code::overflow);
    CHECK(failure_of<sk::duration>(arrow_values<std::int64_t>("x", "tDs", {INT64_MAX})).code == sk::error_code::overflow);
    CHECK(read<std::optional<sk::timestamp>>(arrow_values<std::int64_t>("x", "tss:", {INT64_MAX}, {0})) == std::vector<std::optional<sk::timestamp>>{std::nullopt});
}

TEST_CASE("whole decimals are integers, where 64 bits hold them") {
    const arrow_node sums = arrow_values<std::int64_t>("x", "d:38,0", {0, 0, 7, 0, -7, -1, INT64_MIN, -1, INT64_MAX, 0});    // pairs of halves
    arrow_node column = sums;
    column.length = 4;
    column.offset = 1;
    CHECK(read<std::int64_t>(column) == std::vector<std::int64_t>{7, -7, INT64_MIN, INT64_MAX});
    column = arrow_values<std::int64_t>("x", "d:38,0,128", {1, 0, INT64_MIN, 0});    // the second is 2^63
    column.length = 2;
    CHECK(failure_of<std::int64_t>(column).row == 1);
    column.buffers[1] = bytes_of<std::int64_t>({1, 0, INT64_MAX, -1});               // and this below -2^63
    CHECK(failure_of<std::int64_t>(column).code == sk::error_code::overflow);
    column.buffers[0] = bits_of({1, 0});
    column.null_count = 1;
    CHECK(read<std::optional<std::int64_t>>(column) == std::vector<std::optional<std::int64_t>>{1, std::nullopt});
    column.format = "d:38,1";
    CHECK(failure_of<std::int64_t>(column).code == sk::error_code::schema_mismatch);
    column.format = "d:9,0,32";
    CHECK(failure_of<std::int64_t>(column).code == sk::error_code::schema_mismatch);
}

TEST_CASE("types that would lose something are refused") {
    const auto refused = [](auto type, const arrow_node& column) { return failure_of<typename decltype(type)::type>(column).code == sk::error_code::schema_mismatch; };
    CHECK(refused(std::type_identity<std::int32_t>{}, arrow_values<std::int64_t>("x", "l", {1})));
    CHECK(refused(std::type_identity<std::int32_t>{}, arrow_values<std::uint32_t>("x", "I", {1})));
    CHECK(refused(std::type_identity<double>{}, arrow_values<std::int64_t>("x", "l", {1})));
    CHECK(refused(std::type_identity<float>{}, arrow_values<double>("x", "g", {1})));
    CHECK(refused(std::type_identity<float>{}, arrow_values<std::int32_t>("x", "i", {1})));
    CHECK(refused(std::type_identity<sk::text>{}, arrow_values<std::int32_t>("x", "i", {1})));
    CHECK(refused(std::type_identity<std::int32_t>{}, arrow_bools("x", {1})));
    CHECK(refused(std::type_identity<sk::date>{}, arrow_values<std::int64_t>("x", "tsu:", {1})));
    CHECK(refused(std::type_identity<sk::timestamp>{}, arrow_values<std::int64_t>("x", "tDu", {1})));
    CHECK(refused(std::type_identity<sk::timestamp>{}, arrow_values<std::int64_t>("x", "ttu", {1})));
    CHECK(refused(std::type_identity<double>{}, arrow_values<std::int64_t>("x", "d:18,2", {1, 1})));
    CHECK(refused(std::type_identity<sk::text>{}, arrow_dictionary<std::int8_t>("x", "c", {0}, arrow_values<double>("", "g", {1}))));
}

TEST_CASE("a schema that does not fit is one error with everything that is wrong, and the names that may have been meant") {
    using wanted = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"page_clicks", std::int32_t>, sk::field<"country", sk::text>, sk::field<"born", sk::date>,
                              sk::field<"twice", double>, sk::field<"paid", std::optional<double>>, sk::field<"gone", bool>>;
    arrow_counts counts;
    ArrowSchema schema;
    ArrowArray array;
    const arrow_node batch = arrow_batch({arrow_values<std::int64_t>("user_id", "l", {1}), arrow_values<std::int64_t>("page_click", "l", {1}),
                                          arrow_dictionary<std::int8_t>("country", "c", {0}, arrow_values<double>("", "g", {1})), arrow_values<std::int64_t>("born", "tsn:Europe/Paris", {1}),
                                          arrow_values<double>("twice", "g", {1}), arrow_values<double>("twice", "g", {1}), arrow_nulls("paid", 1), arrow_nulls("gone", 1)},
                                         1);
    batch.fill(&schema, counts);
    batch.fill(&array, counts);
    const auto failed = sk::try_from_arrow<wanted>(&schema, &array);
    REQUIRE(!failed);
    CHECK(std::string(failed.error().what()) ==
          "from_arrow: schema mismatch: found 5 of 7 columns that do not fit: 'page_clicks' is missing, perhaps 'page_click' is meant; 'country' is dictionary<int8, float64>, not text; "
          "'born' is timestamp[ns, Europe/Paris], not date; 'twice' is there 2 times; 'gone' has nothing but nulls, not bool; the columns there are 'user_id' int64, 'page_click' int64, "
          "'country' dictionary<int8, float64>, 'born' timestamp[ns, Europe/Paris], 'twice' float64, 'twice' float64, 'paid' null, 'gone' null; rename or cast them on the other side, or "
          "change the schema");
    CHECK(counts.alive == 0);
    CHECK(counts.released_twice == 0);
    CHECK(is_released(schema));
    CHECK(is_released(array));
}

TEST_CASE("a field that may hold nulls is refused on request") {
    arrow_counts counts;
    ArrowSchema schema;
    ArrowArray array;
    arrow_node column = arrow_values<std::int32_t>("x", "i", {1});
    for (const bool may_be_null : {true, false}) {
        column.flags = may_be_null ? ARROW_FLAG_NULLABLE : 0;
        const arrow_node batch = arrow_batch({column}, 1);
        batch.fill(&schema, counts);
        batch.fill(&array, counts);
        const auto rows = sk::try_from_arrow<one<std::int32_t>>(&schema, &array, {.nullable_fields = sk::arrow_nullable::refused});
        CHECK(bool(rows) != may_be_null);
        if (may_be_null) CHECK(rows.error().details().found == "1 of 1 column that does not fit: 'x' may be null, and may not here");
    }
    CHECK(counts.alive == 0);
}

TEST_CASE("arrays that break the rules are refused, and released") {
    const auto broken = [](arrow_node column) { return failure_of<std::int32_t>(column).code == sk::error_code::malformed_document; };
    arrow_node column = arrow_values<std::int32_t>("x", "i", {1, 2});
    column.buffers.pop_back();
    CHECK(broken(column));
    column = arrow_values<std::int32_t>("x", "i", {1, 2});
    column.buffers[1] = std::nullopt;
    CHECK(broken(column));
    column.null_count = 1;
    CHECK(broken(column));
    column = arrow_values<std::int32_t>("x", "i", {1, 2});
    column.offset = -1;
    CHECK(broken(column));

    arrow_counts counts;
    ArrowSchema schema;
    ArrowArray array;
    arrow_batch({arrow_values<std::int32_t>("x", "i", {1, 2})}, 2).fill(&schema, counts);
    arrow_batch({arrow_values<std::int32_t>("x", "i", {1, 2})}, 3).fill(&array, counts);    // more rows than the column has
    CHECK_THROWS_AS((void)sk::from_arrow<one<std::int32_t>>(&schema, &array), sk::error);
    CHECK_THROWS_AS((void)sk::from_arrow<one<std::int32_t>>(&schema, &array), sk::error);    // both have been released
    arrow_batch({arrow_values<std::int32_t>("x", "i", {1})}, 1).fill(&schema, counts);
    arrow_batch({}, 1).fill(&array, counts);
    CHECK_THROWS_AS((void)sk::from_arrow<one<std::int32_t>>(&schema, &array), sk::error);
    arrow_values<std::int32_t>("x", "i", {1}).fill(&schema, counts);    // a column, not a batch
    arrow_values<std::int32_t>("x", "i", {1}).fill(&array, counts);
    CHECK_THROWS_AS((void)sk::from_arrow<one<std::int32_t>>(&schema, &array), sk::error);
    CHECK(counts.alive == 0);
    CHECK(counts.released_twice == 0);
}

TEST_CASE("values that are not aligned are copied, not misread") {
    arrow_counts counts;
    ArrowSchema schema;
    ArrowArray array;
    const arrow_node batch = arrow_batch({arrow_values<double>("x", "g", {1, 2, 3, 4})}, 3);
    batch.fill(&schema, counts);
    batch.fill(&array, counts);
    std::vector<unsigned char> bytes(5 * sizeof(double));
    const double numbers[] = {7, 8, 9};
    std::memcpy(bytes.data() + 3, numbers, sizeof numbers);
    array.children[0]->buffers[1] = bytes.data() + 3;
    CHECK(values(sk::from_arrow<one<double>>(&schema, &array) | sk::collect()) == std::vector<double>{7, 8, 9});
}

TEST_CASE("columns are pushed where they lie") {
    // A stage that keeps the address of what it is given would be needed to see it from outside; a chunk shows it as well.
    struct watcher final : sk::morsel_consumer {
        struct worker final : sk::morsel_worker {
            explicit worker(std::vector<const void*>& seen) : seen_(seen) {}
            void take(const sk::chunk& c) override { seen_.push_back(c.slots[0].values); }
            std::vector<const void*>& seen_;
        };
        std::unique_ptr<sk::morsel_worker> start(std::size_t) override { return std::make_unique<worker>(seen); }
        std::vector<const void*> seen;
    };
    arrow_counts counts;
    ArrowSchema schema;
    ArrowArray array;
    const arrow_node batch = arrow_batch({arrow_values<std::int64_t>("x", "l", std::vector<std::int64_t>(5'000), std::vector<int>(5'000, 1), 3)}, 4'990, 1);
    batch.fill(&schema, counts);
    batch.fill(&array, counts);
    const auto* const values = static_cast<const std::int64_t*>(array.children[0]->buffers[1]);
    const auto rows = sk::from_arrow<one<std::optional<std::int64_t>>>(&schema, &array);
    watcher w;
    rows.open()->scan({true}, sk::serial(), w);
    REQUIRE(w.seen.size() == 3);
    CHECK(w.seen[0] == values + 4);
    CHECK(w.seen[1] == values + 4 + 2'048);
}

TEST_CASE("the arrays live as long as the last copy of the source or of a query over it") {
    arrow_counts counts;
    {
        std::unique_ptr<sk::arrow_rows<one<sk::text>>> second;
        {
            ArrowSchema schema;
            ArrowArray array;
            const arrow_node batch = arrow_batch({arrow_texts<std::int32_t>("x", "u", {"b", "a", long_text})}, 3);
            batch.fill(&schema, counts);
            batch.fill(&array, counts);
            const auto first = sk::from_arrow<one<sk::text>>(&schema, &array);
            second = std::make_unique<sk::arrow_rows<one<sk::text>>>(first);
        }
        CHECK(counts.alive == 2);    // the batch and its column
        const auto query = *second | sk::filter("x"_c != "b");
        second.reset();
        CHECK(counts.alive == 2);
        for (int again = 0; again < 2; ++again) CHECK((query | sk::collect()).rows() == 2);
        CHECK((query | sk::sort_by("x"_c) | sk::collect())["x"_c][0] == "a");
    }
    CHECK(counts.alive == 0);
}

// ---- streams

namespace {

using events = sk::schema<sk::field<"id", std::int64_t>, sk::field<"kind", std::optional<sk::text>>>;

// `sizes` batches of consecutive numbers.
std::vector<arrow_node> event_batches(const std::vector<std::size_t>& sizes) {
    std::vector<arrow_node> batches;
    std::int64_t id = 0;
    for (const std::size_t size : sizes) {
        std::vector<std::int64_t> ids{-1};    // every array is a slice
        std::vector<std::string> kinds{"?"};
        std::vector<int> known{1};
        for (std::size_t i = 0; i < size; ++i, ++id) {
            ids.push_back(id);
            kinds.push_back("kind " + std::to_string(id % 7));
            known.push_back(id % 5 != 0);
        }
        batches.push_back(arrow_batch({arrow_texts<std::int32_t>("kind", "u", kinds, known, 1), arrow_values<std::int64_t>("id", "l", ids, {}, 1)}, size));
    }
    return batches;
}

template <class Rows>
bool are_events(const Rows& t, std::size_t rows) {
    bool same = t.rows() == rows;
    for (std::size_t i = 0; same && i < rows; ++i) {
        same = t["id"_c][i] == static_cast<std::int64_t>(i) && t["kind"_c][i].has_value() == (i % 5 != 0);
        if (same && i % 5) same = *t["kind"_c][i] == "kind " + std::to_string(i % 7);
    }
    return same;
}

}  // namespace

TEST_CASE("a stream of any cut gives its rows in order on any executor, and is released") {
    for (const std::vector<std::size_t>& sizes : {std::vector<std::size_t>{0}, {5}, {0, 3, 0, 2'048, 1}, {140'000, 10, 200'000}, std::vector<std::size_t>(500, 7)}) {
        std::size_t rows = 0;
        for (const std::size_t s : sizes) rows += s;
        for (const unsigned n : {1u, 3u})
            for (const auto arrays : {sk::arrow_arrays::released, sk::arrow_arrays::kept}) {
                arrow_counts counts;
                {
                    ArrowArrayStream stream;
                    fill_stream(&stream, event_batches(sizes), counts);
                    const auto source = sk::from_arrow_stream<events>(&stream, {.arrays = arrays});
                    CHECK(is_released(stream));
                    CHECK(are_events(source | sk::collect(sk::threads(n)), rows));
                    if (arrays == sk::arrow_arrays::released) CHECK(counts.alive == 0);    // all gone before the source is
                }
                CHECK(counts.alive == 0);
                CHECK(counts.released_twice == 0);
            }
    }
}

TEST_CASE("the cut of a stream and the number of threads change no bit of a result") {
    std::vector<std::tuple<std::optional<std::string>, double, std::int64_t>> first;
    for (const std::vector<std::size_t>& sizes : {std::vector<std::size_t>{300'000}, {1, 299'999}, std::vector<std::size_t>(300, 1'000)})
        for (const unsigned n : {1u, 2u, 7u}) {
            arrow_counts counts;
            ArrowArrayStream stream;
            fill_stream(&stream, event_batches(sizes), counts);
            const auto t = sk::from_arrow_stream<events>(&stream) | sk::derive("third"_c = "id"_c / 3.0) |
                           sk::group_by("kind"_c).aggregate("sum"_c = sk::sum("third"_c), "rows"_c = sk::count()) | sk::collect(sk::threads(n));
            std::vector<std::tuple<std::optional<std::string>, double, std::int64_t>> groups;
            for (std::size_t i = 0; i < t.rows(); ++i) groups.emplace_back(t["kind"_c][i], t["sum"_c][i], t["rows"_c][i]);
            if (first.empty()) first = groups;
            CHECK(groups == first);
        }
    CHECK(first.size() == 8);
}

TEST_CASE("a stream is read once, unless its arrays are kept") {
    arrow_counts counts;
    ArrowArrayStream stream;
    fill_stream(&stream, event_batches({10, 20}), counts);
    const auto once = sk::from_arrow_stream<events>(&stream);
    CHECK((once | sk::collect()).rows() == 30);
    CHECK_THROWS_AS((void)(once | sk::collect()), sk::error);
    fill_stream(&stream, event_batches({10, 20}), counts);
    const auto kept = sk::from_arrow_stream<events>(&stream, {.arrays = sk::arrow_arrays::kept});
    CHECK((kept | sk::collect()).rows() == 30);
    CHECK((kept | sk::collect()).rows() == 30);
}

TEST_CASE("a stream that was never read is released, and so is one that fails") {
    arrow_counts counts;
    ArrowArrayStream stream;
    fill_stream(&stream, event_batches({10, 20}), counts);
    { const auto unread = sk::from_arrow_stream<events>(&stream); }
    CHECK(counts.alive == 0);

    for (const unsigned n : {1u, 3u}) {
        fill_stream(&stream, event_batches({200'000, 200'000, 20}), counts, 2);
        const auto failed = sk::from_arrow_stream<events>(&stream) | sk::try_collect(sk::threads(n));
        REQUIRE(!failed);
        CHECK(std::string(failed.error().what()) == "from_arrow_stream: cannot open: found the producer's error: the disk is full, expected its next array");
        CHECK(counts.alive == 0);
    }
    fill_stream(&stream, event_batches({10, 20}), counts, 1);
    CHECK_THROWS_AS((void)sk::from_arrow_stream<events>(&stream, {.arrays = sk::arrow_arrays::kept}), sk::error);
    CHECK(counts.alive == 0);
    fill_stream(&stream, event_batches({10}), counts);
    CHECK(!sk::try_from_arrow_stream<one<double>>(&stream));
    CHECK(is_released(stream));
    CHECK(counts.alive == 0);
    CHECK(counts.released_twice == 0);
}

TEST_CASE("an error in a later array of a stream names the row of the stream") {
    std::vector<arrow_node> batches;
    for (int i = 0; i < 3; ++i) batches.push_back(arrow_batch({arrow_values<std::int32_t>("x", "i", {1, 2, 3}, {1, 1, i < 2})}, 3));
    for (const auto arrays : {sk::arrow_arrays::released, sk::arrow_arrays::kept}) {
        arrow_counts counts;
        ArrowArrayStream stream;
        fill_stream(&stream, batches, counts);
        const auto failed = sk::from_arrow_stream<one<std::int32_t>>(&stream, {.arrays = arrays}) | sk::try_collect();
        REQUIRE(!failed);
        CHECK(failed.error().details().row == 8);
        CHECK(counts.alive == 0);
    }
}

TEST_CASE("a column that no stage reads is not converted, and may hold what it likes") {
    arrow_counts counts;
    ArrowArrayStream stream;
    fill_stream(&stream, {arrow_batch({arrow_values<std::uint64_t>("id", "L", {UINT64_MAX}), arrow_texts<std::int32_t>("kind", "u", {"a"})}, 1)}, counts);
    CHECK((sk::from_arrow_stream<events>(&stream) | sk::select("kind"_c) | sk::collect()).rows() == 1);
}
