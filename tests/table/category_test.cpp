// Category columns: text to everybody, stored as codes in first-seen order and each text once.
#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/pipeline/collect_into.hpp>
#include <segkit/pipeline/explain.hpp>
#include <segkit/prepare/impute.hpp>
#include <segkit/prepare/one_hot.hpp>
#include <segkit/query.hpp>
#include <segkit/query/as_category.hpp>
#include <segkit/query/concat.hpp>
#include <segkit/query/distinct.hpp>
#include <segkit/table/describe.hpp>
#include <segkit/table/format.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using maybe = std::optional<std::string_view>;
using texts = std::vector<std::string_view>;
using visits = sk::schema<sk::field<"id", std::int64_t>, sk::field<"country", sk::category>, sk::field<"device", std::optional<sk::category>>>;
using plain_visits = sk::schema<sk::field<"id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"device", std::optional<sk::text>>>;

texts dictionary_of(const auto& column) {
    texts all;
    for (std::size_t i = 0; i < column.dictionary().size(); ++i) all.push_back(column.dictionary()[i]);
    return all;
}
std::vector<std::int32_t> codes_of(const auto& column) { return {column.codes(), column.codes() + column.size()}; }

sk::table<plain_visits> many(std::size_t rows) {
    sk::table<plain_visits> t;
    for (std::size_t i = 0; i < rows; ++i) {
        const std::size_t n = (i * 2654435761u) % 5'003;
        t.append(static_cast<std::int64_t>(i), "country " + std::to_string(n < 4'000 ? n % 7 : n), n % 3 ? maybe(n % 2 ? "phone" : "") : std::nullopt);
    }
    return t;
}

struct visit {
    std::string country;
    std::optional<std::string> device;
};
SEGKIT_DESCRIBE(visit, country, device);

}  // namespace

TEST_CASE("a category is read as text and stored as codes in first-seen order; a null has no text") {
    sk::table<visits> t{{1, "fr", "phone"}, {2, "de", std::nullopt}, {3, "fr", ""}, {4, "", "phone"}};
    CHECK(t["country"_c][0] == "fr");
    CHECK(t["country"_c][3].empty());
    CHECK(t["device"_c][1] == std::nullopt);
    CHECK(t["device"_c][2] == maybe(""));
    CHECK(codes_of(t["country"_c]) == std::vector<std::int32_t>{0, 1, 0, 2});
    CHECK(dictionary_of(t["country"_c]) == texts{"fr", "de", ""});
    CHECK(dictionary_of(t["device"_c]) == texts{"phone", ""});
    CHECK(t["country"_c].dictionary().find("de") == 1);
    CHECK(t["country"_c].dictionary().find("it") == sk::category_dictionary::none);
    CHECK(sk::format_table(t, {.max_rows = 2}) == "id  country  device\n--  -------  ------\n 1  fr       phone\n 2  de       null\n... 2 more rows\n");

    SUBCASE("copies share the dictionary until one of them grows") {
        const sk::table<visits> copy = t;
        CHECK(copy.data().columns[1].dictionary == t.data().columns[1].dictionary);
        t.append(5, "it", std::nullopt);
        CHECK(t["country"_c].dictionary().size() == 4);
        CHECK(copy["country"_c].dictionary().size() == 3);
        CHECK(copy.row(2) == t.row(2));
    }
    SUBCASE("a column of nothing but nulls, and one without rows") {
        const auto nulls = t | sk::filter(sk::is_null("device"_c)) | sk::collect();
        CHECK(nulls["device"_c][0] == std::nullopt);
        CHECK(nulls["device"_c].dictionary().size() == 0);
        CHECK((nulls | sk::filter("id"_c == 2) | sk::collect())["device"_c][0] == std::nullopt);
        CHECK((t | sk::filter("id"_c > 9) | sk::collect())["country"_c].dictionary().size() == 0);
    }
}

TEST_CASE("whatever way rows go into a table, and with any number of threads, the codes are the same") {
    const auto plain = many(100'000);
    const auto coded = plain | sk::as_category("country"_c, "device"_c) | sk::collect();
    REQUIRE(coded["country"_c].dictionary().size() == 1'010);
    sk::table<visits> one_by_one;
    for (std::size_t i = 0; i < plain.rows(); ++i) one_by_one.append(plain.row(i));
    const auto same = [](const auto& a, const auto& b) {
        return codes_of(a["country"_c]) == codes_of(b["country"_c]) && dictionary_of(a["country"_c]) == dictionary_of(b["country"_c]) && codes_of(a["device"_c]) == codes_of(b["device"_c]) &&
               dictionary_of(a["device"_c]) == dictionary_of(b["device"_c]);
    };
    CHECK(same(coded, one_by_one));
    const std::string csv = sk::to_csv(coded);
    CHECK(csv == sk::to_csv(plain));
    const auto from_csv = sk::read_csv<visits>(std::make_shared<sk::memory_input>("visits", csv), {.quoted_nulls = sk::csv_quoted_nulls::text}, sk::threads(3));
    CHECK(same(from_csv, coded));
    // Rows of few texts carry their codes with them; those of many are looked up one by one.
    const auto some = coded | sk::filter("id"_c > 50 && "country"_c != "country 3") | sk::collect();
    CHECK(same(some, plain | sk::filter("id"_c > 50 && "country"_c != "country 3") | sk::as_category("country"_c, "device"_c) | sk::collect()));
    CHECK(some["country"_c].dictionary().find("country 3") == sk::category_dictionary::none);
    for (const unsigned n : {1u, 2u, 3u, 7u}) {
        const sk::threads pool(n);
        CHECK(same(plain | sk::as_category("country"_c, "device"_c) | sk::collect(pool), coded));
        CHECK(same(coded | sk::filter("id"_c > 50 && "country"_c != "country 3") | sk::collect(pool), some));
    }
}

TEST_CASE("stages take a category as the text that it is, and keep its type where they keep the column") {
    const auto plain = many(5'000);
    const sk::table<visits> coded = plain | sk::as_category("country"_c, "device"_c) | sk::collect();
    const auto both_ways = [&](const auto& stage) {
        const auto expected = plain | stage | sk::collect();
        const auto found = coded | stage | sk::as_text("country"_c) | sk::collect();
        REQUIRE(found.rows() == expected.rows());
        CHECK(found.rows() > 0);
        std::size_t different = 0;
        for (std::size_t i = 0; i < found.rows(); ++i) different += found.row(i) != expected.row(i);
        CHECK(different == 0);
    };
    both_ways(sk::sort_by("country"_c, sk::descending("device"_c)));
    both_ways(sk::sort_by(sk::ascending("device"_c).nulls_first(), sk::descending("country"_c)));
    both_ways(sk::sort_by(sk::descending("id"_c)) | sk::filter("id"_c > 40) | sk::sort_by("device"_c));
    both_ways(sk::filter("country"_c == "country 3"));
    both_ways(sk::filter("country"_c != std::string("country 4001") && "device"_c == "phone"));
    both_ways(sk::filter("device"_c != "phone") | sk::filter("country"_c != "nowhere"));
    both_ways(sk::filter("phone" == "device"_c || std::string("country 5") != "country"_c));
    both_ways(sk::derive("a"_c = "device"_c < "phone", "b"_c = "device"_c <= "phone", "c"_c = "device"_c > "phone", "d"_c = std::string("phone") <= "device"_c));
    both_ways(sk::filter("country"_c >= "country 3") | sk::filter("country 4" > "country"_c));
    both_ways(sk::filter(!("device"_c == "phone")) | sk::derive("is_first"_c = "country"_c == "country 0"));
    both_ways(sk::group_by("country"_c, "device"_c).sorted().aggregate("rows"_c = sk::count(), "kinds"_c = sk::count_distinct("device"_c), "last"_c = sk::last("device"_c)));
    both_ways(sk::distinct_by("country"_c, "device"_c));
    both_ways(sk::inner_join(coded | sk::distinct_by("country"_c) | sk::select("country"_c), "country"_c));
    both_ways(sk::left_join(plain | sk::filter("id"_c < 40) | sk::distinct_by("country"_c) | sk::drop("id"_c) | sk::rename("there"_c = "device"_c), "country"_c, sk::one_match));
    both_ways(sk::derive("name"_c = sk::coalesce("device"_c, "country"_c)));
    const auto grouped = coded | sk::group_by("country"_c).aggregate("rows"_c = sk::count()) | sk::collect();
    static_assert(std::same_as<std::remove_cvref_t<decltype(grouped)>, sk::table<sk::schema<sk::field<"country", sk::category>, sk::field<"rows", std::int64_t>>>>);
    CHECK(dictionary_of(grouped["country"_c]) == dictionary_of(coded["country"_c]));

    const auto all = sk::concat(coded, plain | sk::as_category("device"_c)) | sk::collect();
    static_assert(std::same_as<sk::column_type_t<std::remove_cvref_t<decltype(all)>::schema_type, "country">, sk::text>);
    CHECK(all["device"_c].dictionary().size() == 2);
    CHECK(all.row(5'004) == all.row(4));

    const auto recipe = sk::impute_most_frequent("device"_c) | sk::one_hot("device"_c, "is"_c);
    const auto ready = coded | sk::fit(recipe, coded).model | sk::collect();
    const auto plainly = plain | sk::fit(recipe, plain).model | sk::collect();
    CHECK(ready["is"_c][7] == plainly["is"_c][7]);
    CHECK(ready["device"_c].dictionary().size() == 2);

    const auto structs = coded | sk::collect_into<visit>();
    CHECK(structs[17].country == plain["country"_c][17]);
    const std::vector<visit> few{{"fr", "phone"}, {"de", std::nullopt}, {"fr", "phone"}};
    CHECK(codes_of((few | sk::as_category("country"_c) | sk::collect())["country"_c]) == std::vector<std::int32_t>{0, 1, 0});
    CHECK(sk::explain(few | sk::as_category("country"_c, "device"_c)).ends_with("  into the result, which codes country, device\n"));
}
