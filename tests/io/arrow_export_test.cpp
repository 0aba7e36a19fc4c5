// Tables as Arrow arrays: what is handed over, who owns it, and that import gives every bit of it back.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/arrow.hpp>
#include <segkit/query.hpp>

#include "support/arrow_arrays.hpp"

namespace sk = segkit;
using namespace segkit::literals;
using namespace support;

namespace {

using everything = sk::schema<sk::field<"flag", bool>, sk::field<"small", std::int32_t>, sk::field<"large", std::int64_t>, sk::field<"single", float>, sk::field<"real", double>,
                              sk::field<"name", sk::text>, sk::field<"day", sk::date>, sk::field<"time", sk::timestamp>, sk::field<"span", sk::duration>,
                              sk::field<"perhaps_flag", std::optional<bool>>, sk::field<"perhaps", std::optional<double>>, sk::field<"word", std::optional<sk::text>>,
                              sk::field<"when", std::optional<sk::timestamp>>>;

sk::table<everything> some(std::size_t rows) {
    sk::table<everything> t;
    for (std::size_t i = 0; i < rows; ++i) {
        const auto n = static_cast<std::int64_t>(i);
        const std::string name = "n" + std::to_string(i % 13), word = i % 2 ? "" : "w\xC3\xB6rd";
        t.append(i % 3 == 0, static_cast<std::int32_t>(n) - 7, n * n, 0.5f * static_cast<float>(i), 1.0 / static_cast<double>(i + 1), name, sk::date::from_days(static_cast<std::int32_t>(n)),
                 sk::timestamp::from_microseconds(n * 1'000'003), sk::duration{-n}, i % 5 ? std::optional(i % 2 == 0) : std::nullopt, i % 4 ? std::optional(0.1 * static_cast<double>(i)) : std::nullopt,
                 i % 7 ? std::optional(std::string_view(word)) : std::nullopt, i % 11 ? std::optional(sk::timestamp::from_microseconds(n)) : std::nullopt);
    }
    return t;
}

template <class S>
bool same_rows(const sk::table<S>& a, const sk::table<S>& b) {
    bool same = a.rows() == b.rows();
    for (std::size_t i = 0; same && i < a.rows(); ++i) same = a.row(i) == b.row(i);
    return same;
}

std::string format_of(const ArrowSchema& schema, std::size_t child) { return schema.children[child]->format; }

}  // namespace

TEST_CASE("what is exported and imported again is the same table") {
    for (const std::size_t rows : {0u, 1u, 8u, 9u, 5'000u}) {
        const sk::table<everything> t = some(rows);
        ArrowSchema schema;
        ArrowArray array;
        sk::to_arrow(t, &schema, &array);
        CHECK(array.length == static_cast<std::int64_t>(rows));
        CHECK(same_rows(sk::from_arrow<everything>(&schema, &array) | sk::collect(), t));
        ArrowArrayStream stream;
        sk::to_arrow_stream(t, &stream);
        CHECK(same_rows(sk::from_arrow_stream<everything>(&stream) | sk::collect(), t));
    }
}

TEST_CASE("a category leaves as a dictionary array where it lies, and a dictionary array comes in as a category") {
    using coded = sk::schema<sk::field<"word", sk::category>, sk::field<"device", std::optional<sk::category>>>;
    sk::table<coded> t{{"de", "phone"}, {"fr", std::nullopt}, {"de", ""}};
    for (int i = 0; i < 40'000; ++i) t.append("word " + std::to_string(i % 999), std::nullopt);
    const sk::table<coded> copy = t;
    const void* const codes = t["word"_c].codes();
    ArrowSchema schema;
    ArrowArray array;
    sk::to_arrow(std::move(t), &schema, &array);
    CHECK(format_of(schema, 0) == "i");
    CHECK(std::string(schema.children[0]->dictionary->format) == "U");
    CHECK(array.children[0]->buffers[1] == codes);
    CHECK(array.children[0]->dictionary->length == 1'001);
    CHECK(array.children[0]->dictionary->buffers[1] == copy["word"_c].dictionary().offsets());
    const auto again = sk::from_arrow<coded>(&schema, &array) | sk::collect();
    CHECK(same_rows(again, copy));
    CHECK(again["word"_c].dictionary().bytes() == copy["word"_c].dictionary().bytes());

    // Parts of a query share a dictionary, whose texts come in the order of the rows.
    ArrowArrayStream stream;
    sk::to_arrow_stream(copy | sk::filter(sk::is_null("device"_c)), &stream, {}, sk::threads(2));
    ArrowArray first, second;
    stream.get_next(&stream, &first);
    stream.get_next(&stream, &second);
    CHECK(first.children[0]->dictionary->buffers[2] == second.children[0]->dictionary->buffers[2]);
    CHECK(std::string_view(static_cast<const char*>(first.children[0]->dictionary->buffers[2]), 16) == "frword 0word 1wo");
    ArrowArray dictionary = *first.children[0]->dictionary;    // moved out: it outlives its array
    first.children[0]->dictionary->release = nullptr;
    first.release(&first);
    second.release(&second);
    stream.release(&stream);
    CHECK(static_cast<const char*>(dictionary.buffers[2])[0] == 'f');
    dictionary.release(&dictionary);
    CHECK(sk::try_call([&] {
              sk::to_arrow(sk::table<coded>{{"\xFF", "x"}}, &schema, &array);
              return 0;
          }).error().code() == sk::error_code::malformed_value);
}

TEST_CASE("lists leave as large_list where they lie, and come in again, also where they are null") {
    using lists = sk::schema<sk::field<"key", std::int32_t>, sk::field<"numbers", std::optional<sk::list<double>>>, sk::field<"words", sk::list<sk::text>>>;
    sk::table<lists> t;
    const double numbers[] = {0.5, 1.5, 2.5};
    const sk::table<everything> words = some(9);
    const auto texts = words | sk::aggregate("w"_c = sk::to_list("name"_c)) | sk::collect();
    for (int i = 0; i < 5'000; ++i) {
        auto some_words = texts["w"_c][0];
        some_words.count = static_cast<std::size_t>(i % 4);
        t.append(i, i % 3 ? std::optional(sk::list_value<double>{{numbers, nullptr, static_cast<std::size_t>(i % 3)}}) : std::nullopt, some_words);
    }
    const sk::table<lists> copy = t;
    const void* const items = t["numbers"_c][1]->data();
    ArrowSchema schema;
    ArrowArray array;
    sk::to_arrow(std::move(t), &schema, &array);
    CHECK(format_of(schema, 1) == "+L");
    CHECK(std::string(schema.children[2]->children[0]->format) == "U");
    CHECK(array.children[1]->children[0]->buffers[1] == items);
    CHECK(same_rows(sk::from_arrow<lists>(&schema, &array) | sk::collect(), copy));
    ArrowArrayStream stream;
    sk::to_arrow_stream(copy | sk::filter("key"_c > 7), &stream);
    CHECK(same_rows(sk::from_arrow_stream<lists>(&stream) | sk::collect(sk::threads(2)), copy | sk::filter("key"_c > 7) | sk::collect()));
}

TEST_CASE("a table that is moved out is handed over where it lies; one that stays is shared until it changes") {
    sk::table<everything> t = some(100);
    const auto& columns = t.data().columns;
    std::vector<const void*> values, validity;
    for (const auto& c : columns) {
        values.push_back(c.values.data());
        validity.push_back(c.validity.data());
    }
    const void* bytes = columns[5].bytes.data();
    ArrowSchema schema;
    ArrowArray array;

    sk::to_arrow(t, &schema, &array);
    CHECK(array.children[1]->buffers[1] == values[1]);
    {
        sk::table<everything> changed = t;
        changed.append(t.row(0));
        CHECK(changed.rows() == 101);
        CHECK(changed.data().columns[1].values.data() != values[1]);
    }
    CHECK(t.rows() == 100);
    schema.release(&schema);
    array.release(&array);

    sk::to_arrow(std::move(t), &schema, &array);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const bool packed = i == 0 || i == 9;    // bool, a byte here and a bit there
        CHECK((array.children[i]->buffers[1] == values[i]) != packed);
        if (i >= 9) CHECK(array.children[i]->buffers[0] == validity[i]);
        else CHECK(array.children[i]->buffers[0] == nullptr);
    }
    CHECK(array.children[5]->buffers[2] == bytes);
    schema.release(&schema);
    array.release(&array);
    CHECK(is_released(array));

    const auto shared = std::make_shared<const sk::table<everything>>(some(10));
    sk::to_arrow(shared, &schema, &array);
    CHECK(array.children[1]->buffers[1] == shared->data().columns[1].values.data());
    CHECK(shared.use_count() > 1);
    schema.release(&schema);
    array.release(&array);
    CHECK(shared.use_count() == 1);
}

TEST_CASE("types, names, nulls and null counts are those of the schema") {
    ArrowSchema schema;
    ArrowArray array;
    sk::to_arrow(some(100), &schema, &array);
    CHECK(std::string(schema.format) == "+s");
    REQUIRE(schema.n_children == 13);
    const std::vector<std::string> formats{"b", "i", "l", "f", "g", "U", "tdD", "tsu:UTC", "tDu", "b", "g", "U", "tsu:UTC"};
    for (std::size_t i = 0; i < formats.size(); ++i) {
        CHECK(format_of(schema, i) == formats[i]);
        CHECK(std::string(schema.children[i]->name) == everything::names[i]);
        CHECK(bool(schema.children[i]->flags & ARROW_FLAG_NULLABLE) == (i >= 9));
    }
    CHECK(array.null_count == 0);
    CHECK(array.children[1]->null_count == 0);
    CHECK(array.children[10]->null_count == 25);
    CHECK(array.children[5]->n_buffers == 3);
    schema.release(&schema);
    array.release(&array);

    sk::to_arrow(some(3), &schema, &array, {.time_zone = "", .text = sk::arrow_text::binary});
    CHECK(format_of(schema, 5) == "Z");
    CHECK(format_of(schema, 7) == "tsu:");
    schema.release(&schema);
    array.release(&array);
}

TEST_CASE("a consumer may take single columns and release them last, or first") {
    for (const bool child_first : {true, false}) {
        ArrowSchema schema;
        ArrowArray array;
        sk::to_arrow(some(10), &schema, &array);
        ArrowArray names = *array.children[5];
        array.children[5]->release = nullptr;    // moved
        ArrowSchema name_type = *schema.children[5];
        schema.children[5]->release = nullptr;
        const auto use = [&] {
            const auto* const offsets = static_cast<const std::int64_t*>(names.buffers[1]);
            CHECK(std::string_view(static_cast<const char*>(names.buffers[2]) + offsets[9], 2) == "n9");
            CHECK(std::string(name_type.name) == "name");
            names.release(&names);
            name_type.release(&name_type);
            CHECK(is_released(names));
        };
        if (child_first) use();
        array.release(&array);
        schema.release(&schema);
        if (!child_first) use();
    }
}

TEST_CASE("blocks are fixed-size lists") {
    using points = sk::schema<sk::field<"id", std::int64_t>, sk::field<"at", sk::block<double>>, sk::field<"small", sk::block<float>>>;
    sk::table<points> t;
    const double a[] = {1, 2, 3, 4, 5, 6};
    const float b[] = {1, 2, 3, 4};
    for (std::size_t i = 0; i < 2; ++i) t.append(std::int64_t{7}, sk::block_value<double>{a + 3 * i, 3}, sk::block_value<float>{b + 2 * i, 2});
    ArrowSchema schema;
    ArrowArray array;
    sk::to_arrow(t, &schema, &array);
    CHECK(format_of(schema, 1) == "+w:3");
    CHECK(format_of(schema, 2) == "+w:2");
    CHECK(std::string(schema.children[2]->children[0]->format) == "f");
    CHECK(array.children[1]->children[0]->length == 6);
    CHECK(same_rows(sk::from_arrow<points>(&schema, &array) | sk::collect(), t));
    ArrowArrayStream stream;
    sk::to_arrow_stream(t | sk::filter("id"_c > 0), &stream);
    CHECK(same_rows(sk::from_arrow_stream<points>(&stream) | sk::collect(), t));
}

TEST_CASE("text that is not UTF-8 does not leave as utf8, and nothing leaks") {
    using texts = sk::schema<sk::field<"t", sk::text>>;
    ArrowSchema schema;
    ArrowArray array;
    const auto details = [&](std::string_view bad) {
        const sk::table<texts> t{{"fine"}, {"f\xC3\xBCr"}, {bad}};
        try {
            sk::to_arrow(t, &schema, &array);
        } catch (const sk::error& failure) {
            CHECK(is_released(schema));
            CHECK(is_released(array));
            return failure.details();
        }
        schema.release(&schema);
        array.release(&array);
        return sk::error_details{};
    };
    for (const std::string_view bad : {"\xFF", "abcdefgh\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
        const sk::error_details d = details(bad);
        CHECK(d.code == sk::error_code::malformed_value);
        CHECK(d.row == 2);
        CHECK(d.field == "t");
    }
    for (const std::string_view good : {"", "\xF0\x9F\x98\x80 smile", "\xE2\x82\xAC", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) CHECK(!details(good).row);
    // A character that is cut between two rows is not one, although the bytes together are.
    const sk::table<texts> cut{{"\xC3"}, {"\xBC"}};
    CHECK_THROWS_AS(sk::to_arrow(cut, &schema, &array), sk::error);
    ArrowArrayStream stream;
    sk::to_arrow_stream(cut, &stream);
    const auto failed = sk::from_arrow_stream<texts>(&stream) | sk::try_collect();
    REQUIRE(!failed);
    CHECK(std::string(failed.error().what()).find("UTF-8, which Arrow promises") != std::string::npos);
    sk::to_arrow(cut, &schema, &array, {.text = sk::arrow_text::binary});
    CHECK(same_rows(sk::from_arrow<texts>(&schema, &array) | sk::collect(), cut));
}

TEST_CASE("a query is run and handed out in parts, in row order on any executor") {
    const sk::table<everything> t = some(100'000);
    const auto query = t | sk::filter("small"_c > 1'000) | sk::select("large"_c, "word"_c);
    const auto expected = query | sk::collect();
    for (const unsigned n : {1u, 3u}) {
        ArrowArrayStream stream;
        sk::to_arrow_stream(query, &stream, {}, sk::threads(n));
        using S = std::remove_cvref_t<decltype(expected)>::schema_type;
        ArrowArrayStream counted = stream;
        CHECK(same_rows(sk::from_arrow_stream<S>(&counted) | sk::collect(), expected));
    }
    ArrowSchema schema;
    ArrowArray array;
    sk::to_arrow(query, &schema, &array);
    CHECK(array.length == static_cast<std::int64_t>(expected.rows()));
    schema.release(&schema);
    array.release(&array);

    ArrowArrayStream stream;
    sk::to_arrow_stream(t | sk::filter("large"_c < 0) | sk::select("name"_c), &stream);    // no rows: a schema all the same
    REQUIRE(stream.get_schema(&stream, &schema) == 0);
    CHECK(std::string(schema.children[0]->name) == "name");
    schema.release(&schema);
    REQUIRE(stream.get_next(&stream, &array) == 0);
    CHECK(is_released(array));
    stream.release(&stream);
}

TEST_CASE("a query that fails fails at the export, and leaves no stream") {
    const sk::table<sk::schema<sk::field<"n", std::int64_t>>> t{{std::numeric_limits<std::int64_t>::max()}, {1}};
    ArrowArrayStream stream;
    CHECK_THROWS_AS(sk::to_arrow_stream(t | sk::aggregate("sum"_c = sk::sum("n"_c)), &stream), sk::error);
    CHECK(is_released(stream));
}

TEST_CASE("rows stream from one Arrow consumer to the next without a table between them") {
    arrow_counts counts;
    {
        ArrowArrayStream in, out;
        fill_stream(&in, {arrow_batch({arrow_values<std::int32_t>("n", "i", {1, 2, 3})}, 3), arrow_batch({arrow_values<std::int32_t>("n", "i", {4, 5})}, 2)}, counts);
        using numbers = sk::schema<sk::field<"n", std::int64_t>>;
        sk::to_arrow_stream(sk::from_arrow_stream<numbers>(&in) | sk::filter("n"_c != 3), &out);
        const auto t = sk::from_arrow_stream<numbers>(&out) | sk::collect();
        REQUIRE(t.rows() == 4);
        CHECK(t["n"_c][3] == 5);
    }
    CHECK(counts.alive == 0);
}
