// generator_files.hpp: the rows of the four tables and the files they are written to, in the published dialect.
//
// csv_file buffers a megabyte, writes under a temporary name and takes its real name in publish(); an object that
// dies before that removes its file. Used by generator.cpp alone.
#pragma once

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <segkit/error.hpp>

#include "generator.hpp"
#include "generator_places.hpp"
#include "text_format.hpp"

namespace traveltide::generator_detail {

// Time: days and microseconds since 1970-01-01, proleptic Gregorian calendar, no zone.

inline constexpr std::int64_t second = 1'000'000;
inline constexpr std::int64_t hour = 3600 * second;
inline constexpr std::int64_t day_length = 24 * hour;

// Counts from 1 March, so that the leap day ends the year and months have a regular length.
constexpr std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
    year -= month <= 2;
    const std::int64_t era = year / 400, year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

struct calendar_date {
    std::int64_t year, month, day;
};

constexpr calendar_date date_of(std::int64_t days) {
    days += 719468;
    const std::int64_t era = days / 146097, day_of_era = days % 146097;
    const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
    const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    return {era * 400 + year_of_era + (month <= 2), month, day_of_year - (153 * shifted_month + 2) / 5 + 1};
}
static_assert(days_of(2023, 1, 4) == 19361 && date_of(19361).year == 2023 && date_of(19361).month == 1 && date_of(19361).day == 4);

enum class habit { none, bags, cancelling, hotel_stays, discounts, flights_alone };

struct person {
    std::uint64_t id;
    bool active;
    std::int64_t birthdate;      // days
    char gender;
    bool married, has_children;
    const airport* home;
    std::int64_t sign_up;        // days
    habit trait;
};

struct identifier {              // 32 hexadecimal digits; all zero where there is none
    std::uint64_t high = 0, low = 0;
    bool present() const { return (high | low) != 0; }
};

struct session_row {
    std::int64_t start, end;
    std::uint64_t user_id;
    identifier session, trip;
    int flight_discount, hotel_discount;     // per cent, 0 without
    int clicks;
    bool flight_booked, hotel_booked, cancellation;
};

struct flight_row {
    identifier trip;
    const airport *origin, *destination;
    std::string_view airline;
    int seats, checked_bags;
    std::int64_t departure, back;            // `back` 0 without return flight
    std::int64_t fare_cents;
};

struct hotel_row {
    identifier trip;
    std::string_view chain, city;
    std::int64_t nights;
    int rooms;
    std::int64_t check_in, check_out;
    std::int64_t price;                      // whole dollars, a room a night
};

[[noreturn]] inline void refuse(const std::string& file, std::string found) {
    throw segkit::error({.code = segkit::error_code::cannot_write,
                         .stage = "generate",
                         .file = file,
                         .found = std::move(found),
                         .expected = "a folder that files can be written to",
                         .advice = "check --out, the folder's permissions and the free space"});
}

class csv_file {
public:
    csv_file(const std::filesystem::path& folder, std::string_view name, std::span<const std::string_view> header,
             const generator_options& options)
        : final_(folder / name), temporary_(folder / (std::string(name) + ".partial")), quote_(options.quote_fields) {
        file_ = std::fopen(temporary_.string().c_str(), "wb");
        if (!file_) refuse(temporary_.string(), system_answer(std::strerror(errno)));
        buffer_.resize(capacity);
        for (const auto column : header) text(column);
        rows_ = 0;
    }
    csv_file(const csv_file&) = delete;
    csv_file& operator=(const csv_file&) = delete;
    ~csv_file() {
        if (file_) std::fclose(file_);
        std::error_code ignored;
        if (!published_) std::filesystem::remove(temporary_, ignored);
    }

    // Rows begin with their newline, for the published files end without one.
    void begin_row() {
        if (capacity - used_ < longest_row) flush();
        buffer_[used_++] = '\n';
        first_ = true;
        ++rows_;
    }
    void text(std::string_view value) {
        open();
        append(value);
        close();
    }
    void integer(std::int64_t value) {
        open();
        digits(value);
        close();
    }
    void boolean(bool value) { text(value ? "true" : "false"); }
    void null() { text({}); }
    // value / 10^places, trailing zeros dropped, one decimal at least: 10600 of cents is 106.0.
    void decimal(std::int64_t value, int places) {
        open();
        if (value < 0) buffer_[used_++] = '-', value = -value;
        std::int64_t scale = 1;
        for (int i = 0; i < places; ++i) scale *= 10;
        digits(value / scale);
        fraction(value % scale, places, 1);
        close();
    }
    void date(std::int64_t days) {
        open();
        date_digits(days);
        close();
    }
    void time(std::int64_t microseconds) {
        open();
        const std::int64_t days = microseconds / day_length, rest = microseconds % day_length;
        date_digits(days);
        buffer_[used_++] = ' ';
        padded(rest / hour, 2);
        buffer_[used_++] = ':';
        padded(rest / (60 * second) % 60, 2);
        buffer_[used_++] = ':';
        padded(rest / second % 60, 2);
        fraction(rest % second, 6, 0);
        close();
    }
    // user_id, dash, 32 hexadecimal digits; null for an identifier that is not there.
    void key(std::uint64_t user, const identifier& id) {
        open();
        if (id.present()) {
            digits(static_cast<std::int64_t>(user));
            buffer_[used_++] = '-';
            hexadecimal(id.high);
            hexadecimal(id.low);
        }
        close();
    }
    void hotel_name(std::string_view chain, std::string_view city) {
        open();
        append(chain);
        append(" - ");
        append(city);
        close();
    }

    // Everything on disk, under the temporary name still.
    void finish(std::string_view last) {
        append(last);
        flush();
        std::FILE* file = file_;
        file_ = nullptr;
        if (std::fclose(file) != 0) refuse(temporary_.string(), system_answer(std::strerror(errno)));
    }
    void publish() {
        std::error_code failure;
        std::filesystem::rename(temporary_, final_, failure);
        if (failure) refuse(final_.string(), system_answer(failure.message()));
        published_ = true;
    }
    std::uint64_t rows() const { return rows_; }
    std::uint64_t bytes() const { return bytes_; }

private:
    static constexpr std::size_t capacity = 1 << 20, longest_row = 1024;

    void flush() {
        if (std::fwrite(buffer_.data(), 1, used_, file_) != used_) refuse(temporary_.string(), system_answer(std::strerror(errno)));
        bytes_ += used_;
        used_ = 0;
    }
    void open() {
        if (!first_) buffer_[used_++] = ',';
        first_ = false;
        if (quote_) buffer_[used_++] = '"';
    }
    void close() {
        if (quote_) buffer_[used_++] = '"';
    }
    void append(std::string_view value) {
        for (const char c : value) buffer_[used_++] = c;
    }
    void digits(std::int64_t value) {
        const auto end = std::to_chars(buffer_.data() + used_, buffer_.data() + capacity, value).ptr;
        used_ = static_cast<std::size_t>(end - buffer_.data());
    }
    void padded(std::int64_t value, int width) {
        for (int i = width - 1; i >= 0; --i) {
            buffer_[used_ + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
            value /= 10;
        }
        used_ += static_cast<std::size_t>(width);
    }
    void fraction(std::int64_t value, int places, int least) {
        while (places > least && value % 10 == 0) value /= 10, --places;
        if (places == 0) return;
        buffer_[used_++] = '.';
        padded(value, places);
    }
    void date_digits(std::int64_t days) {
        const auto date = date_of(days);
        padded(date.year, 4);
        buffer_[used_++] = '-';
        padded(date.month, 2);
        buffer_[used_++] = '-';
        padded(date.day, 2);
    }
    void hexadecimal(std::uint64_t value) {
        for (int shift = 60; shift >= 0; shift -= 4) buffer_[used_++] = "0123456789abcdef"[(value >> shift) & 15];
    }

    std::filesystem::path final_, temporary_;
    bool quote_;
    std::FILE* file_ = nullptr;
    std::vector<char> buffer_;
    std::size_t used_ = 0;
    bool first_ = true, published_ = false;
    std::uint64_t rows_ = 0, bytes_ = 0;
};

inline constexpr std::string_view user_columns[] = {
    "user_id", "birthdate", "gender", "married", "has_children", "home_country", "home_city", "home_airport",
    "home_airport_lat", "home_airport_lon", "sign_up_date"};
inline constexpr std::string_view session_columns[] = {
    "session_id", "user_id", "trip_id", "session_start", "session_end", "flight_discount", "hotel_discount",
    "flight_discount_amount", "hotel_discount_amount", "flight_booked", "hotel_booked", "page_clicks", "cancellation"};
inline constexpr std::string_view flight_columns[] = {
    "trip_id", "origin_airport", "destination", "destination_airport", "seats", "return_flight_booked", "departure_time",
    "return_time", "checked_bags", "trip_airline", "destination_airport_lat", "destination_airport_lon", "base_fare_usd"};
inline constexpr std::string_view hotel_columns[] = {
    "trip_id", "hotel_name", "nights", "rooms", "check_in_time", "check_out_time", "hotel_per_room_usd"};

inline std::int64_t thousandths(double degrees) { return std::llround(degrees * 1000); }

inline void write(csv_file& out, const person& user) {
    out.begin_row();
    out.integer(static_cast<std::int64_t>(user.id));
    out.date(user.birthdate);
    out.text({&user.gender, 1});
    out.boolean(user.married);
    out.boolean(user.has_children);
    out.text(user.home->country);
    out.text(user.home->city);
    out.text(user.home->code);
    out.decimal(thousandths(user.home->latitude), 3);
    out.decimal(thousandths(user.home->longitude), 3);
    out.date(user.sign_up);
}

inline void write(csv_file& out, const session_row& session) {
    out.begin_row();
    out.key(session.user_id, session.session);
    out.integer(static_cast<std::int64_t>(session.user_id));
    out.key(session.user_id, session.trip);
    out.time(session.start);
    out.time(session.end);
    out.boolean(session.cancellation || session.flight_discount > 0);
    out.boolean(session.cancellation || session.hotel_discount > 0);
    session.flight_discount > 0 ? out.decimal(session.flight_discount, 2) : out.null();
    session.hotel_discount > 0 ? out.decimal(session.hotel_discount, 2) : out.null();
    out.boolean(session.flight_booked);
    out.boolean(session.hotel_booked);
    out.integer(session.clicks);
    out.boolean(session.cancellation);
}

inline void write(csv_file& out, std::uint64_t user_id, const flight_row& flight) {
    out.begin_row();
    out.key(user_id, flight.trip);
    out.text(flight.origin->code);
    out.text(flight.destination->city);
    out.text(flight.destination->code);
    out.integer(flight.seats);
    out.boolean(flight.back != 0);
    out.time(flight.departure);
    flight.back != 0 ? out.time(flight.back) : out.null();
    out.integer(flight.checked_bags);
    out.text(flight.airline);
    out.decimal(thousandths(flight.destination->latitude), 3);
    out.decimal(thousandths(flight.destination->longitude), 3);
    out.decimal(flight.fare_cents, 2);
}

inline void write(csv_file& out, std::uint64_t user_id, const hotel_row& hotel) {
    out.begin_row();
    out.key(user_id, hotel.trip);
    out.hotel_name(hotel.chain, hotel.city);
    out.integer(hotel.nights);
    out.integer(hotel.rooms);
    out.time(hotel.check_in);
    out.time(hotel.check_out);
    out.integer(hotel.price);
}

}  // namespace traveltide::generator_detail
