#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/query.hpp>
#include <segkit/table/describe.hpp>

namespace sk = segkit;
namespace chrono = std::chrono;
using namespace segkit::literals;

namespace shop {    // a description stands beside its struct, in any namespace

enum class channel : std::uint8_t { web = 1, store = 7 };
enum status { open = -1, closed = 2 };

struct order {
    std::int8_t i8;
    std::uint8_t u8;
    std::int16_t i16;
    std::uint16_t u16;
    std::int32_t i32;
    std::uint32_t u32;
    std::int64_t i64;
    long long ll;
    bool paid;
    float weight;
    double amount;
    channel via;
    status state;
    std::string customer;
    std::string_view note;
    const char* tag;
    sk::date sk_day;
    sk::timestamp sk_time;
    sk::duration sk_span;
    chrono::sys_days day;
    chrono::year_month_day birthday;
    chrono::sys_time<chrono::milliseconds> ms;
    chrono::sys_time<chrono::microseconds> us;
    chrono::sys_time<chrono::nanoseconds> ns;
    chrono::sys_seconds s;
    chrono::hours length;
    chrono::nanoseconds fine;
    chrono::duration<double> real;
    std::optional<std::int16_t> perhaps;
    std::optional<std::string> nickname;
    std::optional<chrono::sys_days> shipped;
    std::optional<channel> referrer;
};
SEGKIT_DESCRIBE(order, i8, u8, i16, u16, i32, u32, i64, ll, paid, weight, amount, via, state, customer, note, tag, sk_day, sk_time, sk_span, day, birthday,
                ms, us, ns, s, length, fine, real, perhaps, nickname, shipped, referrer);

}  // namespace shop

namespace {

shop::order sample() {
    using namespace std::chrono_literals;
    const chrono::sys_days day = chrono::year(2024) / 2 / 29;
    return {.i8 = -128, .u8 = 255, .i16 = -32'768, .u16 = 65'535, .i32 = -7, .u32 = 4'294'967'295u, .i64 = -9'000'000'000, .ll = 9'000'000'001,
            .paid = true, .weight = 1.5f, .amount = 99.25, .via = shop::channel::store, .state = shop::open, .customer = "Ada", .note = "fragile", .tag = "new",
            .sk_day = sk::date(2024, 3, 1), .sk_time = sk::timestamp(sk::date(2024, 3, 1), 1, 2, 3), .sk_span = {5}, .day = day,
            .birthday = chrono::year(1815) / 12 / 10, .ms = day + 1ms, .us = day + 2us, .ns = day + 3'999ns, .s = day + 4s, .length = 36h, .fine = 1'500ns,
            .real = chrono::duration<double>(0.25), .perhaps = {}, .nickname = "countess", .shipped = day + chrono::days(1), .referrer = {}};
}

using schema = sk::table_traits<std::vector<shop::order>>::schema_type;
template <sk::fixed_string Name>
using type_of = sk::column_type_t<schema, Name>;

struct wide {
    std::int32_t m00, m01, m02, m03, m04, m05, m06, m07, m08, m09, m10, m11, m12, m13;
    std::int32_t m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27;
    std::int32_t m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39, m40, m41;
    std::int32_t m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55;
    std::int32_t m56, m57, m58, m59, m60, m61, m62, m63, m64, m65, m66, m67, m68, m69;
};
SEGKIT_DESCRIBE(wide, m00, m01, m02, m03, m04, m05, m06, m07, m08, m09, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19,
                m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39,
                m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59,
                m60, m61, m62, m63, m64, m65, m66, m67, m68, m69);

}  // namespace

TEST_CASE("members become columns of the type that holds them") {
    static_assert(std::is_same_v<type_of<"i8">, std::int32_t> && std::is_same_v<type_of<"u8">, std::int32_t> && std::is_same_v<type_of<"i16">, std::int32_t> &&
                  std::is_same_v<type_of<"u16">, std::int32_t> && std::is_same_v<type_of<"i32">, std::int32_t>);
    static_assert(std::is_same_v<type_of<"u32">, std::int64_t> && std::is_same_v<type_of<"i64">, std::int64_t> && std::is_same_v<type_of<"ll">, std::int64_t>);
    static_assert(std::is_same_v<type_of<"paid">, bool> && std::is_same_v<type_of<"weight">, float> && std::is_same_v<type_of<"amount">, double>);
    static_assert(std::is_same_v<type_of<"via">, std::int32_t> && std::is_same_v<type_of<"state">, decltype([] {
        if constexpr (std::is_signed_v<std::underlying_type_t<shop::status>>) return std::int32_t{};
        else return std::int64_t{};
    }())>);
    static_assert(std::is_same_v<type_of<"customer">, sk::text> && std::is_same_v<type_of<"note">, sk::text> && std::is_same_v<type_of<"tag">, sk::text>);
    static_assert(std::is_same_v<type_of<"day">, sk::date> && std::is_same_v<type_of<"birthday">, sk::date>);
    static_assert(std::is_same_v<type_of<"ms">, sk::timestamp> && std::is_same_v<type_of<"ns">, sk::timestamp> && std::is_same_v<type_of<"s">, sk::timestamp>);
    static_assert(std::is_same_v<type_of<"length">, sk::duration> && std::is_same_v<type_of<"real">, sk::duration>);
    static_assert(std::is_same_v<type_of<"perhaps">, std::optional<std::int32_t>> && std::is_same_v<type_of<"nickname">, std::optional<sk::text>> &&
                  std::is_same_v<type_of<"shipped">, std::optional<sk::date>>);
    CHECK(schema::size == 32);
}

TEST_CASE("values of described members arrive whole") {
    const std::vector<shop::order> orders{sample()};
    const auto t = orders | sk::collect();
    REQUIRE(t.rows() == 1);
    CHECK(t["i8"_c][0] == -128);
    CHECK(t["u8"_c][0] == 255);
    CHECK(t["i16"_c][0] == -32'768);
    CHECK(t["u16"_c][0] == 65'535);
    CHECK(t["i32"_c][0] == -7);
    CHECK(t["u32"_c][0] == 4'294'967'295);
    CHECK(t["i64"_c][0] == -9'000'000'000);
    CHECK(t["ll"_c][0] == 9'000'000'001);
    CHECK(t["paid"_c][0]);
    CHECK(t["weight"_c][0] == 1.5f);
    CHECK(t["amount"_c][0] == 99.25);
    CHECK(t["via"_c][0] == 7);
    CHECK(t["state"_c][0] == -1);
    CHECK(t["customer"_c][0] == "Ada");
    CHECK(t["note"_c][0] == "fragile");
    CHECK(t["tag"_c][0] == "new");
    CHECK(t["sk_day"_c][0] == sk::date(2024, 3, 1));
    CHECK(t["sk_time"_c][0] == sk::timestamp(sk::date(2024, 3, 1), 1, 2, 3));
    CHECK(t["sk_span"_c][0] == sk::duration{5});
    CHECK(t["nickname"_c][0] == "countess");
    CHECK(t["perhaps"_c][0] == std::nullopt);
    CHECK(t["referrer"_c][0] == std::nullopt);
}

TEST_CASE("chrono members become dates, timestamps and durations, also before 1970") {
    auto early = sample();
    early.day = chrono::year(1969) / 12 / 31;
    early.ms = early.day + chrono::milliseconds(1);
    early.ns = chrono::sys_time<chrono::nanoseconds>(chrono::nanoseconds(-1'000'000));
    const std::vector<shop::order> orders{sample(), early};
    const auto t = orders | sk::select("day"_c, "birthday"_c, "ms"_c, "us"_c, "ns"_c, "s"_c, "length"_c, "fine"_c, "real"_c, "shipped"_c) | sk::collect();
    const sk::date leap(2024, 2, 29);
    CHECK(t["day"_c][0] == leap);
    CHECK(t["birthday"_c][0] == sk::date(1815, 12, 10));
    CHECK(t["ms"_c][0] == sk::timestamp(leap, 0, 0, 0, 1'000));
    CHECK(t["us"_c][0] == sk::timestamp(leap, 0, 0, 0, 2));
    CHECK(t["ns"_c][0] == sk::timestamp(leap, 0, 0, 0, 3));
    CHECK(t["s"_c][0] == sk::timestamp(leap, 0, 0, 4));
    CHECK(t["length"_c][0] == sk::duration{36LL * 3'600 * 1'000'000});
    CHECK(t["fine"_c][0] == sk::duration{1});
    CHECK(t["real"_c][0] == sk::duration{250'000});
    CHECK(t["shipped"_c][0] == sk::date(2024, 3, 1));
    CHECK(t["day"_c][1] == sk::date(1969, 12, 31));
    CHECK(t["ms"_c][1] == sk::timestamp(sk::date(1969, 12, 31), 0, 0, 0, 1'000));
    CHECK(t["ns"_c][1].microseconds_since_1970() == -1'000);
}

TEST_CASE("a chrono member beyond what a column holds is an error, not another time") {
    std::vector<shop::order> never{sample()};
    never[0].s = chrono::sys_seconds::max();
    never[0].length = chrono::hours::min();
    never[0].real = chrono::duration<double>(std::numeric_limits<double>::quiet_NaN());
    CHECK_THROWS_AS((never | sk::select("s"_c, "i8"_c) | sk::collect()), sk::error);
    CHECK_THROWS_AS((never | sk::select("length"_c, "i8"_c) | sk::collect()), sk::error);
    CHECK_THROWS_AS((never | sk::select("real"_c, "i8"_c) | sk::collect()), sk::error);
    CHECK((never | sk::select("ns"_c, "i8"_c) | sk::collect()).rows() == 1);
    never[0].s = chrono::sys_seconds(chrono::seconds(std::numeric_limits<std::int64_t>::max() / 1'000'000));
    CHECK((never | sk::select("s"_c, "i8"_c) | sk::collect())["s"_c][0].microseconds_since_1970() / 1'000'000 == std::numeric_limits<std::int64_t>::max() / 1'000'000);
}

TEST_CASE("vectors, arrays and spans of described structs are tables that are not copied") {
    const std::array<shop::order, 2> orders{sample(), sample()};
    CHECK((orders | sk::filter("via"_c == shop::channel::store) | sk::collect()).rows() == 2);
    const std::span<const shop::order> view(orders);
    const auto t = view | sk::filter("customer"_c == "Ada" && "birthday"_c < sk::date(1900, 1, 1)) | sk::select("customer"_c) | sk::collect();
    CHECK(t.rows() == 2);
    auto changing = std::vector<shop::order>{sample()};
    const auto query = changing | sk::filter("paid"_c);
    changing[0].paid = false;
    CHECK((query | sk::collect()).rows() == 0);
}

TEST_CASE("a struct of 70 members is described in one line") {
    std::vector<wide> rows(3);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].m00 = static_cast<std::int32_t>(i), rows[i].m69 = static_cast<std::int32_t>(100 * i);
    static_assert(sk::table_traits<std::vector<wide>>::schema_type::size == 70);
    const auto t = rows | sk::filter("m69"_c > 50) | sk::select("m00"_c, "m69"_c) | sk::collect();
    REQUIRE(t.rows() == 2);
    CHECK(t["m00"_c][1] == 2);
    CHECK(t["m69"_c][1] == 200);
}
