// The rows of the in-memory workloads, by counter: every program, whatever it needs of them, sees the same values.
//
// A fact is a session of somebody: its user is one of rows / 5.3, in random order; a third of the facts belongs to a trip.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <segkit/exec/random.hpp>
#include <segkit/expr/column.hpp>
#include <segkit/table/table.hpp>

namespace bench {

namespace sk = segkit;
using namespace segkit::literals;

inline constexpr std::array<std::string_view, 12> countries{"usa", "canada", "france", "italy", "germany", "spain", "united kingdom", "japan", "brazil", "mexico", "switzerland", "new zealand"};

class data {
public:
    explicit data(std::uint64_t rows, std::uint64_t seed = 42) : rows_(rows), users_(rows * 10 / 53 + 1), trips_(rows * 35 / 100 + 1), random_(seed, 0x626e6368) {}

    std::uint64_t rows() const { return rows_; }
    std::uint64_t users() const { return users_; }
    std::uint64_t trips() const { return trips_; }

    std::int64_t user_id(std::uint64_t row) const { return id_of(draw(row, 0, users_)); }
    std::string user_key(std::uint64_t row) const {
        std::array<char, 24> text;
        const int size = std::snprintf(text.data(), text.size(), "customer-%07lld", static_cast<long long>(user_id(row)));
        return std::string(text.data(), static_cast<std::size_t>(size));
    }
    std::string_view country(std::uint64_t row) const { return countries[draw(row, 1, 6) + draw(row, 2, 7)]; }    // some oftener
    std::int32_t clicks(std::uint64_t row) const { return static_cast<std::int32_t>(1 + draw(row, 3, 60)); }
    double spent(std::uint64_t row) const { return static_cast<double>(draw(row, 4, 500'000)) / 100; }
    double minutes(std::uint64_t row) const { return static_cast<double>(draw(row, 5, 120'000)) / 1000; }
    std::optional<std::string> trip_id(std::uint64_t row) const {
        if (draw(row, 6, 100) >= 43) return std::nullopt;
        return trip_name(draw(row, 7, trips_));
    }

    // Users and trips in a scattered order, each once: steps of a number without a common divisor.
    std::int64_t user_at(std::uint64_t place) const { return id_of(scattered(place, users_)); }
    std::int32_t birth_year(std::int64_t user) const { return static_cast<std::int32_t>(1940 + random_.bits(static_cast<std::uint64_t>(user)) % 66); }
    // An id as other systems give them, from anywhere in 63 bits.
    std::int64_t sparse_id(std::int64_t user) const { return static_cast<std::int64_t>(random_.bits(~static_cast<std::uint64_t>(user)) >> 1); }
    std::string trip_at(std::uint64_t place) const { return trip_name(scattered(place, trips_)); }
    std::int32_t seats(std::uint64_t place) const { return static_cast<std::int32_t>(1 + scattered(place, trips_) % 4); }
    double fare(std::uint64_t place) const { return static_cast<double>(scattered(place, trips_) % 200'000) / 100; }

private:
    static std::int64_t id_of(std::uint64_t user) { return static_cast<std::int64_t>(23'557 + user); }
    std::uint64_t draw(std::uint64_t row, std::uint64_t what, std::uint64_t below) const { return random_.bits(row * 8 + what) % below; }
    std::string trip_name(std::uint64_t trip) const {
        std::array<char, 48> text;
        const int size = std::snprintf(text.data(), text.size(), "%llu-%016llx%016llx", static_cast<unsigned long long>(23'557 + trip / 2),
                                       static_cast<unsigned long long>(random_.bits(~trip)), static_cast<unsigned long long>(random_.bits(~trip - trips_)));
        return std::string(text.data(), static_cast<std::size_t>(size));
    }
    static std::uint64_t scattered(std::uint64_t place, std::uint64_t count) {
        std::uint64_t step = 2'654'435'761 % count | 1;
        while (common_divisor(step, count) != 1) step += 2;
        return static_cast<std::uint64_t>(static_cast<unsigned __int128>(place) * step % count);
    }
    static std::uint64_t common_divisor(std::uint64_t a, std::uint64_t b) { return b == 0 ? a : common_divisor(b, a % b); }

    std::uint64_t rows_, users_, trips_;
    sk::counter_random random_;
};

using int_facts = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"clicks", std::int32_t>, sk::field<"spent", double>, sk::field<"minutes", double>>;
using sparse_facts = sk::schema<sk::field<"sparse_id", std::int64_t>, sk::field<"clicks", std::int32_t>, sk::field<"spent", double>, sk::field<"minutes", double>>;
using text_facts = sk::schema<sk::field<"user_key", sk::text>, sk::field<"clicks", std::int32_t>, sk::field<"spent", double>, sk::field<"minutes", double>>;
using country_facts = sk::schema<sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>, sk::field<"spent", double>, sk::field<"minutes", double>>;
using trip_facts = sk::schema<sk::field<"trip_id", std::optional<sk::text>>, sk::field<"clicks", std::int32_t>, sk::field<"spent", double>>;
using sort_facts = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"user_key", sk::text>, sk::field<"clicks", std::int32_t>, sk::field<"spent", double>>;
using user_rows = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"birth_year", std::int32_t>, sk::field<"home", sk::text>>;
using sparse_user_rows = sk::schema<sk::field<"sparse_id", std::int64_t>, sk::field<"birth_year", std::int32_t>, sk::field<"home", sk::text>>;
using trip_rows = sk::schema<sk::field<"trip_id", sk::text>, sk::field<"seats", std::int32_t>, sk::field<"fare", double>>;

inline sk::table<int_facts> make_int_facts(const data& d) {
    sk::table<int_facts> t;
    for (std::uint64_t i = 0; i < d.rows(); ++i) t.append(d.user_id(i), d.clicks(i), d.spent(i), d.minutes(i));
    return t;
}
inline sk::table<sparse_facts> make_sparse_facts(const data& d) {
    sk::table<sparse_facts> t;
    for (std::uint64_t i = 0; i < d.rows(); ++i) t.append(d.sparse_id(d.user_id(i)), d.clicks(i), d.spent(i), d.minutes(i));
    return t;
}
inline sk::table<text_facts> make_text_facts(const data& d) {
    sk::table<text_facts> t;
    for (std::uint64_t i = 0; i < d.rows(); ++i) t.append(std::string_view(d.user_key(i)), d.clicks(i), d.spent(i), d.minutes(i));
    return t;
}
inline sk::table<country_facts> make_country_facts(const data& d) {
    sk::table<country_facts> t;
    for (std::uint64_t i = 0; i < d.rows(); ++i) t.append(d.country(i), d.clicks(i), d.spent(i), d.minutes(i));
    return t;
}
inline sk::table<trip_facts> make_trip_facts(const data& d) {
    sk::table<trip_facts> t;
    for (std::uint64_t i = 0; i < d.rows(); ++i) {
        const std::optional<std::string> trip = d.trip_id(i);
        std::optional<std::string_view> seen;
        if (trip) seen = *trip;
        t.append(seen, d.clicks(i), d.spent(i));
    }
    return t;
}
inline sk::table<sort_facts> make_sort_facts(const data& d) {
    sk::table<sort_facts> t;
    for (std::uint64_t i = 0; i < d.rows(); ++i) t.append(d.user_id(i), std::string_view(d.user_key(i)), d.clicks(i), d.spent(i));
    return t;
}
inline sk::table<user_rows> make_users(const data& d) {
    sk::table<user_rows> t;
    for (std::uint64_t i = 0; i < d.users(); ++i) t.append(d.user_at(i), d.birth_year(d.user_at(i)), countries[static_cast<std::size_t>(d.user_at(i) % 12)]);
    return t;
}
inline sk::table<sparse_user_rows> make_sparse_users(const data& d) {
    sk::table<sparse_user_rows> t;
    for (std::uint64_t i = 0; i < d.users(); ++i) t.append(d.sparse_id(d.user_at(i)), d.birth_year(d.user_at(i)), countries[static_cast<std::size_t>(d.user_at(i) % 12)]);
    return t;
}
inline sk::table<trip_rows> make_trips(const data& d) {
    sk::table<trip_rows> t;
    for (std::uint64_t i = 0; i < d.trips(); ++i) t.append(std::string_view(d.trip_at(i)), d.seats(i), d.fare(i));
    return t;
}

}  // namespace bench
