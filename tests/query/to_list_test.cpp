// to_list, and what may be done with the list columns that it makes.
#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/collect_into.hpp>
#include <segkit/query.hpp>
#include <segkit/query/concat.hpp>
#include <segkit/query/top_n.hpp>
#include <segkit/table/describe.hpp>
#include <segkit/table/format.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using maybe = std::optional<std::string_view>;
using visits = sk::schema<sk::field<"user", std::int32_t>, sk::field<"page", std::optional<sk::text>>, sk::field<"paid", double>, sk::field<"flag", bool>>;

template <class V>
std::vector<std::conditional_t<std::same_as<V, std::string_view>, std::string, V>> vector_of(const sk::list_value<V>& list) {
    return {list.begin(), list.end()};
}

sk::table<visits> many(std::size_t rows) {
    sk::table<visits> t;
    for (std::size_t i = 0; i < rows; ++i) {
        const std::size_t n = i * 2654435761u % 1'009;
        t.append(static_cast<std::int32_t>(n % 97), i % 5 ? maybe(std::string("page ") + std::to_string(i)) : std::nullopt, static_cast<double>(n) / 8, n % 3 == 0);
    }
    return t;
}
auto lists_of(const sk::table<visits>& t, sk::executor_ref executor = sk::detail::default_executor) {
    return t |
           sk::group_by("user"_c).aggregate("middle"_c = sk::median("paid"_c), "pages"_c = sk::to_list("page"_c), "paid"_c = sk::to_list("paid"_c),
                                            "large"_c = sk::to_list("paid"_c).where("paid"_c > 100.0), "flags"_c = sk::to_list("flag"_c)) |
           sk::collect(executor);
}

struct user_lists {
    int user = 0;
    std::vector<std::string> pages{};
    std::vector<double> large{};
    std::vector<bool> flags{};
};
SEGKIT_DESCRIBE(user_lists, user, pages, large, flags);

struct numbers_of_day {
    sk::date day;
    std::vector<double> paid{};
};
SEGKIT_DESCRIBE(numbers_of_day, day, paid);

struct narrow_list {
    std::vector<std::int16_t> numbers{};
};
SEGKIT_DESCRIBE(narrow_list, numbers);

}  // namespace

TEST_CASE("to_list gives the values of a group in row order, without nulls; with where those that it admits") {
    const auto t = many(20'000);
    const auto found = lists_of(t);
    std::map<std::int32_t, user_lists> expected;
    for (std::size_t i = 0; i < t.rows(); ++i) {
        user_lists& of = expected[t["user"_c][i]];
        if (const auto page = t["page"_c][i]) of.pages.emplace_back(*page);
        if (t["paid"_c][i] > 100) of.large.push_back(t["paid"_c][i]);
        of.flags.push_back(t["flag"_c][i]);
    }
    REQUIRE(found.rows() == expected.size());
    for (std::size_t i = 0; i < found.rows(); ++i) {
        const user_lists& of = expected[found["user"_c][i]];
        CHECK(vector_of(found["pages"_c][i]) == of.pages);
        CHECK(vector_of(found["large"_c][i]) == of.large);
        CHECK(vector_of(found["flags"_c][i]) == of.flags);
        CHECK(found["paid"_c][i].size() == of.flags.size());
        CHECK(found["paid"_c][i].data()[0] == found["paid"_c][i][0]);
    }
    static_assert(std::same_as<sk::column_type_t<decltype(found)::schema_type, "pages">, sk::list<sk::text>>);
    static_assert(decltype(sk::to_list("page"_c))::state_grows);

    const auto none = t | sk::filter("user"_c > 1'000) | sk::aggregate("pages"_c = sk::to_list("page"_c)) | sk::collect();
    CHECK(none["pages"_c][0].empty());
    const sk::table<visits> three{{1, "a", 0.5, true}, {1, std::nullopt, 1.5, false}, {2, std::nullopt, 2.0, true}};
    CHECK(sk::format_table(lists_of(three)) ==
          "user  middle  pages  paid        large  flags\n"
          "----  ------  -----  ----------  -----  -------------\n"
          "   1       1  [a]    [0.5, 1.5]  []     [true, false]\n"
          "   2       2  []     [2.0]       []     [true]\n");
}

TEST_CASE("lists go through stages that keep, choose, order and join rows, with any number of threads") {
    const auto t = many(120'000);
    const auto all = lists_of(t);
    for (const unsigned n : {2u, 7u}) {
        const sk::threads pool(n);
        const auto same = lists_of(t, pool);
        std::size_t different = 0;
        for (std::size_t i = 0; i < all.rows(); ++i) different += same.row(i) != all.row(i);
        CHECK(different == 0);
    }
    const auto row_of = [&](std::int32_t user) {
        std::size_t i = 0;
        while (all["user"_c][i] != user) ++i;
        return i;
    };
    // Every row of `rows` has the lists that its user has in `all`.
    const auto lists_fit = [&](const auto& rows) {
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < rows.rows(); ++i) {
            const std::size_t at = row_of(rows["user"_c][i]);
            wrong += !(rows["pages"_c][i] == all["pages"_c][at]) + !(rows["large"_c][i] == all["large"_c][at]);
        }
        CHECK(wrong == 0);
        return rows.rows();
    };
    const auto few = all | sk::select("user"_c, "pages"_c, "large"_c) | sk::collect();
    CHECK(lists_fit(few | sk::filter("user"_c < 32) | sk::collect()) == 32);
    CHECK(lists_fit(few | sk::sort_by(sk::descending("user"_c)) | sk::collect()) == 97);
    CHECK(lists_fit(few | sk::top_n(5, "user"_c) | sk::collect()) == 5);
    CHECK(lists_fit(sk::concat(few | sk::filter("user"_c > 50), few) | sk::collect(sk::threads(2))) == 143);
    CHECK(lists_fit(t | sk::select("user"_c) | sk::inner_join(few, "user"_c, sk::one_match) | sk::collect(sk::threads(3))) == 120'000);    // many rows, in parts
    CHECK(lists_fit(t | sk::filter("paid"_c > 125.0) | sk::select("user"_c) | sk::inner_join(few, "user"_c) | sk::collect()) > 500);
    CHECK(lists_fit(few | sk::inner_join(t | sk::filter("paid"_c > 125.0) | sk::select("user"_c, "flag"_c), "user"_c) | sk::collect()) > 500);

    const auto perhaps = few | sk::left_join(few | sk::filter("user"_c < 10) | sk::rename("some"_c = "pages"_c) | sk::drop("large"_c), "user"_c, sk::one_match) | sk::collect();
    static_assert(std::same_as<sk::column_type_t<std::remove_cvref_t<decltype(perhaps)>::schema_type, "some">, std::optional<sk::list<sk::text>>>);
    CHECK((perhaps | sk::filter(sk::is_null("some"_c)) | sk::collect()).rows() == 87);
    const auto sorted = perhaps | sk::filter(sk::is_not_null("some"_c)) | sk::sort_by("user"_c) | sk::collect();
    CHECK(sorted["some"_c][3] == sorted["pages"_c][3]);
    CHECK((perhaps | sk::aggregate("n"_c = sk::count("some"_c)) | sk::collect())["n"_c][0] == 10);
}

TEST_CASE("lists go into vectors of structs, and tables are made of lists row by row") {
    const auto t = many(2'000);
    const auto all = lists_of(t);
    const std::vector<user_lists> structs = all | sk::collect_into<user_lists>();
    CHECK(structs[11].pages == vector_of(all["pages"_c][11]));
    CHECK(structs[11].large == vector_of(all["large"_c][11]));
    CHECK(structs[11].flags == vector_of(all["flags"_c][11]));
    using numbers = sk::schema<sk::field<"numbers", sk::list<std::int32_t>>>;
    const std::vector<std::int32_t> some{1, 70'000};
    sk::table<numbers> rows;
    rows.append({sk::list_value<std::int32_t>{{some.data(), nullptr, 2}}});
    rows.append({sk::list_value<std::int32_t>{}});
    CHECK(rows["numbers"_c][0][1] == 70'000);
    CHECK(rows["numbers"_c][1].empty());
    const auto failed = rows | sk::try_collect_into<narrow_list>();
    REQUIRE(!failed);
    CHECK(failed.error().details().row == 0);
    CHECK(failed.error().details().field == "numbers");
    // And back: vectors of numbers are list columns where they lie.
    const std::vector<numbers_of_day> days{{sk::date(2024, 5, 1), {1.5, 2.5}}, {sk::date(2024, 5, 2), {}}};
    const auto table = days | sk::filter("day"_c > sk::date(2024, 1, 1)) | sk::collect();
    CHECK(vector_of(table["paid"_c][0]) == days[0].paid);
    CHECK((table | sk::collect_into<numbers_of_day>())[1].paid.empty());
    // A function of your own may look into a list.
    const auto sums = rows | sk::derive("n"_c = sk::apply([](const sk::list_value<std::int32_t>& list) { return static_cast<std::int64_t>(list.size()); }, "numbers"_c)) | sk::collect();
    CHECK(sums["n"_c][0] == 2);
}
