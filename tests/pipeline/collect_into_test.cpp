// Rows collected into structs of the user's own.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/pipeline/collect_into.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
namespace chrono = std::chrono;
using namespace segkit::literals;

namespace {

enum class channel : std::uint8_t { web = 1, store = 7 };

struct order {
    std::int8_t small = 0;
    std::uint16_t count = 0;
    std::int32_t number = 0;
    std::uint32_t large = 0;
    std::int64_t id = 0;
    bool paid = false;
    float weight = 0;
    double amount = 0;
    channel via = channel::web;
    std::string customer{};
    sk::date sk_day{};
    sk::timestamp sk_time{};
    sk::duration sk_span{};
    chrono::sys_days day{};
    chrono::year_month_day birthday{};
    chrono::sys_time<chrono::milliseconds> ms{};
    chrono::sys_time<chrono::nanoseconds> ns{};
    chrono::sys_seconds s{};
    chrono::hours length{};
    chrono::duration<double> real{};
    std::optional<std::int16_t> perhaps{};
    std::optional<std::string> nickname{};
    std::optional<chrono::sys_days> shipped{};
    std::optional<channel> referrer{};

    friend bool operator==(const order&, const order&) = default;
};
SEGKIT_DESCRIBE(order, small, count, number, large, id, paid, weight, amount, via, customer, sk_day, sk_time, sk_span, day, birthday, ms, ns, s, length, real, perhaps, nickname,
                shipped, referrer);

order some_order(int i) {
    const chrono::sys_days day = chrono::sys_days(chrono::year(2024) / 2 / 29) + chrono::days(i % 400 - 200);
    order o;
    o.small = static_cast<std::int8_t>(i % 256 - 128);
    o.count = static_cast<std::uint16_t>(i % 65'536);
    o.number = -i;
    o.large = 4'294'967'295u - static_cast<std::uint32_t>(i);
    o.id = 9'000'000'000 + i;
    o.paid = i % 2 == 0;
    o.weight = 0.5f * static_cast<float>(i);
    o.amount = 0.1 * i;
    o.via = i % 3 ? channel::web : channel::store;
    o.customer = "customer with a long enough name " + std::to_string(i);
    o.sk_day = sk::date(2024, 3, 1);
    o.sk_time = sk::timestamp(sk::date(2024, 3, 1), 1, 2, i % 60);
    o.sk_span = {-i};
    o.day = day;
    o.birthday = day;
    o.ms = day + chrono::milliseconds(i);
    o.ns = day + chrono::microseconds(i);
    o.s = day - chrono::seconds(i);
    o.length = chrono::hours(i - 5);
    o.real = chrono::duration<double>(0.25 * i);
    if (i % 5) o.perhaps = static_cast<std::int16_t>(i);
    if (i % 7) o.nickname = "n" + std::to_string(i);
    if (i % 4) o.shipped = day + chrono::days(3);
    if (i % 6) o.referrer = channel::store;
    return o;
}
std::vector<order> orders(int n) {
    std::vector<order> all;
    for (int i = 0; i < n; ++i) all.push_back(some_order(i));
    return all;
}

struct spender {
    std::string name;
    int orders = 0;
    double spend = 0;
    std::optional<double> most;
};
SEGKIT_DESCRIBE(spender, name, orders, spend, most);

}  // namespace

TEST_CASE("structs that become rows become the same structs again") {
    const auto given = orders(70'000);
    for (const unsigned n : {1u, 3u}) CHECK((given | sk::collect_into<order>(sk::threads(n))) == given);
    CHECK((given | sk::filter("number"_c < -69'998) | sk::collect_into<order>()) == std::vector<order>{given.back()});
    CHECK((given | sk::filter("number"_c > 0) | sk::collect_into<order>()).empty());
    const auto table = given | sk::collect();
    CHECK((table | sk::collect_into<order>()) == given);
}

TEST_CASE("columns are found by name, in any order, and others are not computed") {
    const sk::table<sk::schema<sk::field<"spend", double>, sk::field<"who", sk::text>, sk::field<"wrong", std::int64_t>>> t{
        {1.5, "Ada", 0}, {2.5, "Bob", std::numeric_limits<std::int64_t>::max()}, {4.0, "Ada", 0}};
    const auto rows = t | sk::derive("never"_c = "wrong"_c + "wrong"_c + 1) |
                      sk::group_by("who"_c).aggregate("orders"_c = sk::count(), "most"_c = sk::max("spend"_c), "spend"_c = sk::sum("spend"_c)) | sk::rename("name"_c = "who"_c) |
                      sk::collect_into<spender>();
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].name == "Ada");
    CHECK(rows[0].orders == 2);
    CHECK(rows[0].spend == 5.5);
    CHECK(rows[0].most == 4.0);
    CHECK(rows[1].name == "Bob");
}

TEST_CASE("an integer that its member cannot hold is an error that names field and row") {
    struct check {
        static std::optional<sk::error_details> of(std::int64_t value) {
            const sk::table<sk::schema<sk::field<"name", sk::text>, sk::field<"orders", std::int64_t>, sk::field<"spend", double>, sk::field<"most", double>>> t{
                {"a", 1, 1.0, 1.0}, {"b", value, 1.0, 1.0}};
            const auto rows = t | sk::try_collect_into<spender>();
            if (rows) return std::nullopt;
            return rows.error().details();
        }
    };
    CHECK(!check::of(std::numeric_limits<int>::max()));
    CHECK(!check::of(std::numeric_limits<int>::min()));
    const auto over = check::of(std::int64_t{std::numeric_limits<int>::max()} + 1);
    REQUIRE(over.has_value());
    CHECK(over->code == sk::error_code::overflow);
    CHECK(over->field == "orders");
    CHECK(over->row == 1);
    CHECK(check::of(std::int64_t{std::numeric_limits<int>::min()} - 1).has_value());
    const std::vector<order> one{some_order(1)};
    CHECK_THROWS_AS((one | sk::replace("large"_c = "large"_c * 0 - 1) | sk::collect_into<order>()), sk::error);
    CHECK_THROWS_AS((one | sk::replace("count"_c = "number"_c) | sk::collect_into<order>()), sk::error);
    CHECK_THROWS_AS((one | sk::replace("via"_c = "number"_c + 1'000) | sk::collect_into<order>()), sk::error);
    CHECK_THROWS_AS((one | sk::replace("perhaps"_c = "number"_c - 40'000) | sk::collect_into<order>()), sk::error);
}

TEST_CASE("a member of coarser time is rounded down, and one of finer time may be too small for it") {
    const std::vector<order> one{some_order(0)};
    const auto at = [&](std::int64_t microseconds) { return one | sk::replace("s"_c = sk::timestamp::from_microseconds(microseconds)) | sk::collect_into<order>(); };
    CHECK(at(1'999'999)[0].s == chrono::sys_seconds(chrono::seconds(1)));
    CHECK(at(-1)[0].s == chrono::sys_seconds(chrono::seconds(-1)));
    CHECK_THROWS_AS((one | sk::replace("ns"_c = sk::timestamp(sk::date(2500, 1, 1))) | sk::collect_into<order>()), sk::error);
    CHECK_THROWS_AS((one | sk::replace("birthday"_c = sk::date(32'768, 1, 1)) | sk::collect_into<order>()), sk::error);
    CHECK((one | sk::replace("birthday"_c = sk::date(32'767, 1, 2)) | sk::collect_into<order>())[0].birthday == chrono::year(32'767) / 1 / 2);
}

TEST_CASE("structs in a deque, and in a part of one, are rows as well") {
    const auto given = orders(3'000);
    const std::deque<order> deque(given.begin(), given.end());
    static_assert(sk::table_like<std::deque<order>> && !sk::table_like<std::list<order>> && !sk::table_like<std::vector<int>>);
    CHECK((deque | sk::collect_into<order>()) == given);
    CHECK((deque | sk::filter("number"_c == -2'047) | sk::collect_into<order>()).at(0) == given[2'047]);
}
