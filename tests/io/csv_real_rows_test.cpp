#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>

#include "../../examples/traveltide/gzip_input.hpp"
#include "support/csv_cases.hpp"
#include "support/real_rows.hpp"

namespace sk = segkit;

namespace {

using users = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"birthdate", sk::date>, sk::field<"gender", sk::text>, sk::field<"married", bool>,
                         sk::field<"has_children", bool>, sk::field<"home_country", sk::text>, sk::field<"home_city", sk::text>, sk::field<"home_airport", sk::text>,
                         sk::field<"home_airport_lat", double>, sk::field<"home_airport_lon", double>, sk::field<"sign_up_date", sk::date>>;
using sessions = sk::schema<sk::field<"session_id", sk::text>, sk::field<"user_id", std::int64_t>, sk::field<"trip_id", std::optional<sk::text>>,
                            sk::field<"session_start", sk::timestamp>, sk::field<"session_end", sk::timestamp>, sk::field<"flight_discount", bool>,
                            sk::field<"hotel_discount", bool>, sk::field<"flight_discount_amount", std::optional<double>>,
                            sk::field<"hotel_discount_amount", std::optional<double>>, sk::field<"flight_booked", bool>, sk::field<"hotel_booked", bool>,
                            sk::field<"page_clicks", std::int32_t>, sk::field<"cancellation", bool>>;
using flights = sk::schema<sk::field<"trip_id", sk::text>, sk::field<"origin_airport", sk::text>, sk::field<"destination", sk::text>,
                           sk::field<"destination_airport", sk::text>, sk::field<"seats", std::int32_t>, sk::field<"return_flight_booked", bool>,
                           sk::field<"departure_time", sk::timestamp>, sk::field<"return_time", std::optional<sk::timestamp>>,
                           sk::field<"checked_bags", std::int32_t>, sk::field<"trip_airline", sk::text>, sk::field<"destination_airport_lat", double>,
                           sk::field<"destination_airport_lon", double>, sk::field<"base_fare_usd", double>>;
using hotels = sk::schema<sk::field<"trip_id", sk::text>, sk::field<"hotel_name", sk::text>, sk::field<"nights", std::int32_t>, sk::field<"rooms", std::int32_t>,
                          sk::field<"check_in_time", sk::timestamp>, sk::field<"check_out_time", sk::timestamp>, sk::field<"hotel_per_room_usd", double>>;

template <class T>
void check_column(const sk::column_data& column, const std::vector<std::string>& texts) {
    REQUIRE(column.rows == texts.size());
    const sk::column_view<T> view(column);
    std::size_t wrong = 0;
    for (std::size_t r = 0; r < texts.size(); ++r) {
        const std::string& text = texts[r];
        const auto same = [&](const auto& value) {
            using V = std::remove_cvref_t<decltype(value)>;
            if constexpr (std::is_same_v<V, std::string_view>) return value == text;
            else if constexpr (std::is_same_v<V, double>) return value == std::strtod(text.c_str(), nullptr);
            else return sk::to_text(value) == text;
        };
        if constexpr (sk::is_nullable<T>) wrong += view[r] ? !same(*view[r]) : !text.empty();
        else wrong += !same(view[r]);
    }
    CHECK(wrong == 0);
}

// Reads the file in every way and compares each value with what a character-wise reader finds.
template <class Schema>
void check_table(const std::string& name, std::size_t rows) {
    const auto folder = support::real_rows_folder();
    if (!folder) {
        std::printf("SKIPPED: raw/%s read as a table (real rows absent)\n", name.c_str());
        return;
    }
    const auto path = *folder / "raw" / name;
    const support::text_table reference = support::read_csv_gz(path);
    REQUIRE(reference.rows.size() == rows);

    const auto table = sk::read_csv<Schema>(traveltide::open_csv_input(path.string()));
    REQUIRE(table.rows() == rows);
    std::size_t position = 0;
    sk::detail::for_each_field<Schema>::apply([&]<class Field>(Field*) {
        INFO(std::string(Field::name));
        check_column<typename Field::type>(table.data().columns[position++], reference.texts(std::string(Field::name)));
    });

    const sk::threads two(2), seven(7);
    for (const std::size_t block : {64u, 1000u, 128u * 1024u}) {
        for (const sk::executor_ref executor : {sk::executor_ref(sk::detail::default_executor), sk::executor_ref(two), sk::executor_ref(seven)})
            CHECK(support::same_columns(sk::read_csv<Schema>(traveltide::open_csv_input(path.string()), {.block_bytes = block}, executor).data(), table.data()));
    }

    // The same rows without needless quotes, with CRLF, columns from last to first.
    std::string other;
    const auto append_line = [&](const std::vector<std::string>& fields) {
        for (std::size_t f = fields.size(); f-- > 0;) other += fields[f] + (f ? ";" : "\r\n");
    };
    append_line(reference.names);
    for (const auto& row : reference.rows) append_line(row);
    CHECK(support::same_columns(support::read_text<Schema>(other, {.delimiter = ';'}, two).data(), table.data()));

    // Written and read again.
    CHECK(support::same_columns(support::read_text<Schema>(sk::to_csv(table)).data(), table.data()));
    CHECK(support::same_columns(support::read_text<Schema>(sk::to_csv(table, {.quote = sk::csv_quote::everything})).data(), table.data()));
}

}  // namespace

TEST_CASE("the real users") { check_table<users>("users.csv.gz", 5998); }
TEST_CASE("the real sessions") { check_table<sessions>("sessions.csv.gz", 49211); }
TEST_CASE("the real flights") { check_table<flights>("flights.csv.gz", 13717); }
TEST_CASE("the real hotels") { check_table<hotels>("hotels.csv.gz", 14313); }
