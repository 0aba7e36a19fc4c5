#include "generator.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

#include <segkit/error.hpp>
#include <segkit/exec/random.hpp>

#include "generator_files.hpp"
#include "generator_places.hpp"

namespace traveltide {
namespace {

using namespace generator_detail;

constexpr std::int64_t first_sign_up = days_of(2021, 7, 1);
constexpr std::int64_t window_start = days_of(2023, 1, 4);     // of the cohort
constexpr std::int64_t busy_until = days_of(2023, 4, 1);       // 2.4 times as many sessions a day before it
constexpr std::int64_t quiet_from = days_of(2023, 7, 21);      // hardly any session after it
constexpr std::int64_t window_end = days_of(2023, 7, 29);

// ---------------------------------------------------------------------------------------------------------------
// Random numbers: one stream per user. No expression below draws twice: C++ leaves the order of operands open, and
// with it the bytes.

class random_stream {
public:
    random_stream(std::uint64_t seed, std::uint64_t user) : source_(seed, 0x7472617665ull), next_(user << 13) {}

    std::uint64_t bits() { return source_.bits(next_++); }
    double uniform() { return source_.uniform(next_++); }
    bool chance(double probability) { return uniform() < probability; }
    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(source_.below(next_++, static_cast<std::uint64_t>(n))); }

    // Box and Muller, 1958; the second number of the pair is not kept, which keeps the stream stateless but for its index.
    double normal() {
        const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
        return radius * std::cos(6.283185307179586 * uniform());
    }
    double normal(double mean, double deviation) { return mean + deviation * normal(); }
    double lognormal(double median, double sigma) { return median * std::exp(sigma * normal()); }
    double exponential(double mean) { return -mean * std::log(1.0 - uniform()); }

    // By products of uniforms (Knuth, The Art of Computer Programming 2, 3.4.1); for small means.
    int poisson(double mean) {
        const double limit = std::exp(-mean);
        int count = 0;
        for (double product = uniform(); product > limit; product *= uniform()) ++count;
        return count;
    }

    // Index i with probability weights[i] / sum.
    template <class Weights>
    std::size_t pick(const Weights& weights) {
        double total = 0;
        for (const double weight : weights) total += weight;
        double x = uniform() * total;
        std::size_t i = 0;
        for (const double weight : weights) {
            if (x < weight || i + 1 == std::size(weights)) break;
            x -= weight;
            ++i;
        }
        return i;
    }

private:
    segkit::counter_random source_;
    std::uint64_t next_;
};

// Weighted choice from a table of things with a `weight`, by one uniform number and a binary search.
template <class Thing, std::size_t n>
class weighted_table {
public:
    explicit weighted_table(const Thing (&things)[n]) : things_(things) {
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) cumulative_[i] = sum += things[i].weight;
    }
    const Thing& pick(random_stream& random) const {
        const double x = random.uniform() * cumulative_[n - 1];
        const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, x) - cumulative_.begin();
        return things_[at];
    }

private:
    const Thing* things_;
    std::array<double, n> cumulative_{};
};

// ---------------------------------------------------------------------------------------------------------------
// The company

// Shares and shapes measured on the published rows; what differs for less active users is said where it does.

// Trips per active customer by age, for 8.2 sessions: the young and the old book a third as often.
double expected_trips(double age) {
    if (age < 25) return 1.12;
    if (age < 30) return 2.3;
    if (age < 35) return 2.55;
    if (age < 55) return 3.22;
    if (age < 60) return 2.5;
    if (age < 65) return 1.95;
    return 0.95;
}
constexpr double mean_expected_trips = 2.75;
constexpr double sessions_per_active = 8.2;

std::int64_t birthdate(random_stream& random) {
    struct span_of_years { int first, last; double weight; };
    static constexpr span_of_years years[] = {
        {1935, 1944, 18},  {1945, 1954, 102},  {1955, 1959, 152},  {1960, 1962, 42},  {1963, 1966, 157}, {1967, 1969, 325}, {1970, 1974, 745},
        {1975, 1979, 1064}, {1980, 1985, 1343}, {1986, 1987, 403}, {1988, 1992, 566}, {1993, 1999, 560}, {2000, 2005, 304}, {2006, 2006, 233}};
    static const weighted_table table(years);
    const auto& chosen = table.pick(random);
    const std::int64_t from = days_of(chosen.first, 1, 1), to = days_of(chosen.last + 1, 1, 1);
    return from + random.below(to - from);
}

// Three constant rates a day: busy until April 2023, calm until 20 July, hardly any after; `from` is inside the window.
std::int64_t session_day(random_stream& random, std::int64_t from) {
    const double busy = static_cast<double>(std::max<std::int64_t>(0, busy_until - from));
    const double calm = 0.42 * static_cast<double>(std::max<std::int64_t>(0, quiet_from - std::max(from, busy_until)));
    const double quiet = 0.02 * static_cast<double>(window_end - std::max(from, quiet_from));
    double x = random.uniform() * (busy + calm + quiet);
    if (x < busy) return from + static_cast<std::int64_t>(x);
    x -= busy;
    if (x < calm) return std::max(from, busy_until) + static_cast<std::int64_t>(x / 0.42);
    return std::min(window_end - 1, std::max(from, quiet_from) + static_cast<std::int64_t>((x - calm) / 0.02));
}

std::int64_t time_of_day(random_stream& random) {
    struct rate { double weight; };
    static constexpr rate rates[] = {{276}, {574}, {637}, {716}, {757}, {858}, {912}, {1063}, {1190}, {1306}, {1536}, {1785},
                                     {1914}, {2228}, {2643}, {2943}, {3515}, {3763}, {4206}, {4742}, {4701}, {4246}, {2350}, {350}};
    static const weighted_table table(rates);
    const std::int64_t whole_hours = &table.pick(random) - rates;
    return whole_hours * hour + random.below(60) * 60 * second;
}

std::int64_t hour_of_departure(random_stream& random) {
    static constexpr double weights[] = {4707, 1202, 1042, 1019, 994, 958, 913, 931, 915, 887, 29, 25, 23, 26, 23, 23};
    return 7 + static_cast<std::int64_t>(random.pick(weights));
}

// Days between departure and return of an ordinary trip.
std::int64_t days_away(random_stream& random) {
    static constexpr double weights[] = {981, 2746, 3004, 2139, 1329, 838, 503, 332, 221, 148, 101, 74, 52, 27,
                                         21, 14, 10, 9, 6, 3, 2, 7, 4, 1, 1, 1, 1, 2};
    return 1 + static_cast<std::int64_t>(random.pick(weights));
}

// Check-out is at eleven on the day of return or one to three days earlier, by the hour of the return flight.
std::int64_t check_out_offset(random_stream& random, std::int64_t return_hour) {
    static constexpr double by_hour[][4] = {{1356, 2358, 231, 8}, {511, 454, 39, 1}, {622, 234, 19, 1}, {741, 85, 3, 0},
                                            {753, 80, 1, 0}, {372, 387, 31, 1}, {0, 2715, 290, 9}};
    return static_cast<std::int64_t>(random.pick(by_hour[std::min<std::int64_t>(return_hour - 7, 6)]));
}

int seats_of_ordinary_trip(random_stream& random) {
    static constexpr double weights[] = {0.8720, 0.0943, 0.0263, 0.0074};
    return 1 + static_cast<int>(random.pick(weights));
}

int seats_of_holiday(random_stream& random, const person& user) {
    static constexpr double family[] = {0.27, 0.30, 0.07, 0.05, 0.17, 0.10, 0.01, 0.03};
    static constexpr double others[] = {0.38, 0.51, 0.06, 0.05};
    return 1 + static_cast<int>(user.married && user.has_children ? random.pick(family) : random.pick(others));
}

int bags_of_ordinary_trip(random_stream& random, int seats) {
    static constexpr double by_seats[][6] = {
        {5845, 5397, 428, 35, 1, 1}, {611, 746, 105, 11, 4, 3}, {177, 121, 57, 19, 3, 1}, {51, 28, 14, 22, 4, 0}};
    return static_cast<int>(random.pick(by_seats[seats - 1]));
}

int rooms_for(random_stream& random, int seats) {
    if (seats == 1) return 1;
    if (seats == 2) return random.chance(0.08) ? 1 : 2;
    if (seats <= 4) return random.chance(0.07) ? 2 : seats;
    return random.chance(0.92) ? 3 : 4;
}

int discount_percent(random_stream& random, std::span<const double> weights) { return 5 * (1 + static_cast<int>(random.pick(weights))); }

int flight_discount(random_stream& random) {
    static constexpr double weights[] = {0.2190, 0.3200, 0.1993, 0.1153, 0.0702, 0.0392, 0.0188, 0.0093, 0.0057, 0.0025, 0.0004, 0.0004};
    return discount_percent(random, weights);
}

int hotel_discount(random_stream& random) {
    static constexpr double weights[] = {0.3094, 0.3693, 0.1792, 0.0834, 0.0378, 0.0132, 0.0052, 0.0017, 0.0008};
    return discount_percent(random, weights);
}

// Dollars a kilometre, seat and direction: narrow, with a tail of cheap fares.
double fare_rate(random_stream& random) {
    return random.chance(0.06) ? random.lognormal(0.073, 0.13) : random.lognormal(0.0897, 0.052);
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0); }

// The company's own formula, dirt and all: floor(ceil(hours) / 24).
std::int64_t stored_nights(std::int64_t check_in, std::int64_t check_out) {
    const std::int64_t hours = -floor_divide(-(check_out - check_in), hour);
    return floor_divide(hours, 24);
}

class company {
public:
    company(const generator_options& options, const std::filesystem::path& folder)
        : options_(options),
          count_(options.customers + (options.whole_company ? 169 * options.customers : options.customers / 2)),
          sorted_(!options.whole_company && options.customers <= 100'000),
          users_(folder, "users.csv", user_columns, options),
          sessions_(folder, "sessions.csv", session_columns, options),
          flights_(folder, "flights.csv", flight_columns, options),
          hotels_(folder, "hotels.csv", hotel_columns, options) {}

    generated_company run() {
        std::uint64_t active = 0;
        for (std::uint64_t index = 0; index < count_; ++index) {
            random_stream random(options_.seed, index);
            // Active customers stand evenly among the others.
            const bool is_active = (index + 1) * options_.customers / count_ != index * options_.customers / count_;
            active += is_active;
            const person user = make_person(random, index, is_active);
            write(users_, user);
            const auto first = sorted_ ? rows_.size() : (rows_.clear(), std::size_t{0});
            make_sessions(random, user);
            if (sorted_) continue;
            for (auto row = first; row < rows_.size(); ++row) write(sessions_, rows_[row]);
        }
        if (sorted_) {
            std::sort(rows_.begin(), rows_.end(), [](const session_row& a, const session_row& b) {
                return std::tie(a.start, a.session.high, a.session.low) < std::tie(b.start, b.session.high, b.session.low);
            });
            for (const auto& row : rows_) write(sessions_, row);
        }
        users_.finish("");
        sessions_.finish("\n");          // of the four published files only this one ends with a newline
        flights_.finish("");
        hotels_.finish("");
        for (csv_file* file : {&users_, &sessions_, &flights_, &hotels_}) file->publish();
        return {users_.rows(), sessions_.rows(), flights_.rows(), hotels_.rows(), active,
                users_.bytes() + sessions_.bytes() + flights_.bytes() + hotels_.bytes()};
    }

private:
    person make_person(random_stream& random, std::uint64_t index, bool active) const {
        // Identifiers grow with irregular gaps while there is room for gaps, as those of a cohort do.
        const std::uint64_t stride = std::max<std::uint64_t>(1, 820'000 / count_);
        person user{};
        user.id = 23'557 + index * stride + static_cast<std::uint64_t>(random.below(static_cast<std::int64_t>(stride)));
        user.active = active;
        user.birthdate = birthdate(random);
        const double gender = random.uniform(), age = age_of(user);
        user.gender = gender < 0.8823 ? 'F' : gender < 0.9982 ? 'M' : 'O';
        user.married = random.chance(age < 20 ? 0.02 : age < 30 ? 0.143 : age < 40 ? 0.311 : age < 50 ? 0.564 : age < 60 ? 0.72 : 0.784);
        user.has_children = random.chance(age >= 60 ? 0.10 : user.married ? 0.43 : 0.27);
        static const weighted_table homes(home_airports);
        user.home = &homes.pick(random);
        if (!active) {
            const double age_of_account = std::pow(random.uniform(), 1.3) * static_cast<double>(window_end - 10 - first_sign_up);
            user.sign_up = window_end - 10 - static_cast<std::int64_t>(age_of_account);
        } else if (random.chance(0.115)) {
            user.sign_up = std::max(first_sign_up, window_start - 1 - static_cast<std::int64_t>(random.exponential(40)));
        } else {
            user.sign_up = window_start + static_cast<std::int64_t>(-28 * std::log(1 - random.uniform() * 0.992));
        }
        if (options_.plant_persistence) {
            static constexpr double habits[] = {0.16, 0.2, 0.16, 0.16, 0.16, 0.16};
            user.trait = static_cast<habit>(random.pick(habits));
        }
        return user;
    }

    static double age_of(const person& user) { return static_cast<double>(days_of(2023, 7, 1) - user.birthdate) / 365.25; }

    static identifier new_identifier(random_stream& random) {
        // The version and variant digits of a random UUID, as in the published identifiers.
        const std::uint64_t high = random.bits(), low = random.bits();
        return {(high & ~0xF000ull) | 0x4000ull, (low & ~(3ull << 62)) | (2ull << 62)};
    }

    // Start times, those before the window first; at least 8 in the window for an active user, at most 7 for others.
    void draw_starts(random_stream& random, const person& user) {
        starts_.clear();
        const auto add = [&](std::int64_t day) { starts_.push_back(day * day_length + time_of_day(random)); };
        if (user.active) {
            const std::int64_t before = window_start - user.sign_up;
            if (before > 0) {
                add(user.sign_up);
                const int earlier = random.poisson(std::min(3.0, static_cast<double>(before) / 30));
                for (int n = 0; n < earlier; ++n) add(user.sign_up + random.below(before));
            }
            static constexpr double counts[] = {4909, 961, 119, 8, 1};
            const auto wanted = 8 + random.pick(counts);
            const std::int64_t from = std::max(window_start, user.sign_up);
            if (before <= 0) add(from);
            for (std::size_t n = before <= 0 ? 1 : 0; n < wanted; ++n) {
                // Newcomers look around more in their first days.
                const bool soon = random.chance(0.07);
                add(soon ? std::min(window_end - 1, from + 1 + static_cast<std::int64_t>(random.exponential(2.5))) : session_day(random, from));
            }
        } else {
            const std::int64_t until = std::min(window_end, user.sign_up + 300);
            add(user.sign_up);
            for (int n = random.poisson(4.345); n > 0; --n) add(user.sign_up + random.below(until - user.sign_up));
        }
        std::sort(starts_.begin(), starts_.end());
        if (user.active) return;
        const auto first = std::lower_bound(starts_.begin(), starts_.end(), window_start * day_length);
        if (starts_.end() - first > 7) starts_.erase(first + 7, starts_.end());
    }

    void make_sessions(random_stream& random, const person& user) {
        draw_starts(random, user);
        const auto first = rows_.size();
        double booking = expected_trips(age_of(user)) * (user.has_children ? 0.94 : 1.03);
        // The whole company books 2.24 M trips in 5.41 M sessions, the cohort 16,092 in 49,211; cancellations, which
        // take the place of browsing sessions below, are not among these.
        booking *= user.active ? 1 / sessions_per_active : 0.423 / mean_expected_trips;
        int cancellations = 0;
        for (const auto start : starts_) {
            if (random.chance(booking)) {
                cancellations += make_trip(random, user, start);
            } else {
                session_row browsing = new_session(random, user, start);
                browsing.clicks = std::max(1, static_cast<int>(std::lround(random.lognormal(7.9, 0.86) * liveliness(user))));
                finish_regular(random, browsing, 7.5);
                rows_.push_back(browsing);
            }
        }
        // The number of sessions was drawn with cancellations counted in: each takes the place of a browsing session.
        for (; cancellations > 0; --cancellations) {
            places_.clear();
            for (auto row = first; row < rows_.size(); ++row) {
                if (!rows_[row].trip.present() && rows_[row].start >= window_start * day_length) places_.push_back(row);
            }
            if (places_.empty()) break;
            rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(places_[static_cast<std::size_t>(random.below(std::ssize(places_)))]));
        }
    }

    session_row new_session(random_stream& random, const person& user, std::int64_t start) const {
        const double habitual = user.trait == habit::discounts ? 0.6 : 0.04;
        session_row row{};
        row.start = start;
        row.user_id = user.id;
        row.session = new_identifier(random);
        if (random.chance(options_.plant_persistence ? habitual : 0.17)) row.flight_discount = flight_discount(random);
        if (random.chance(options_.plant_persistence ? habitual : 0.128)) row.hotel_discount = hotel_discount(random);
        return row;
    }

    // A page takes about 7.5 seconds.
    static void finish_regular(random_stream& random, session_row& row, double seconds_per_click) {
        const double pace = random.normal(seconds_per_click, 0.12);
        const double seconds = row.clicks * pace + random.normal(0, 0.5);
        row.end = row.start + std::max<std::int64_t>(6, std::llround(seconds)) * second;
    }

    // A planted habit also shows in what no score looks at: how much its people click and what room they take.
    static double liveliness(const person& user) {
        static constexpr double factors[] = {1.0, 1.5, 0.7, 0.8, 1.7, 0.75};
        return factors[static_cast<std::size_t>(user.trait)];
    }
    static double room_taste(const person& user) {
        static constexpr double factors[] = {1.0, 0.85, 1.35, 1.2, 0.7, 1.5};
        return factors[static_cast<std::size_t>(user.trait)];
    }

    // Writes the products, pushes the booking session and, if the trip is cancelled in time, its cancellation.
    // Returns by how many sessions in the window this went beyond one.
    int make_trip(random_stream& random, const person& user, std::int64_t start) {
        const habit trait = user.trait;
        const bool likes_hotels = trait == habit::hotel_stays, flies_alone = trait == habit::flights_alone;
        const bool flight = !random.chance(flies_alone ? 0.03 : likes_hotels ? 0.4 : user.active ? 0.148 : 0.152);
        const bool holiday = flight && random.chance(0.0355);
        const double with_hotel = holiday ? 0.41 : flies_alone ? 0.15 : likes_hotels ? 0.99 : user.active ? 0.887 : 0.85;
        const bool hotel = !flight || random.chance(with_hotel);

        session_row booking = new_session(random, user, start);
        booking.trip = new_identifier(random);
        booking.flight_booked = flight;
        booking.hotel_booked = hotel;
        const double hesitation = random.chance(0.04) ? random.lognormal(50, 0.6) : random.lognormal(9.2, 0.75);
        booking.clicks = (flight && hotel ? 14 : 7) + static_cast<int>(std::lround(hesitation * liveliness(user)));
        finish_regular(random, booking, 7.44);

        const std::int64_t start_day = start / day_length;
        const std::int64_t first_day =
            flight ? make_flight(random, user, booking, start_day, holiday, hotel) : make_stay(random, user, booking, start_day);

        const double regret = trait == habit::cancelling ? 0.5 : options_.plant_persistence ? 0.01 : holiday ? 0.68 : 0.0225;
        if (random.chance(regret)) {
            session_row cancelling = booking;
            cancelling.session = new_identifier(random);
            const std::int64_t latest = std::max<std::int64_t>(1, std::min<std::int64_t>(130, first_day - start_day));
            cancelling.start = booking.end + random.below(latest) * day_length;
            const double clicks = random.uniform();
            cancelling.clicks = clicks < 0.04 ? 10 : clicks > 0.585 ? 200 : static_cast<int>(10 + 190 * std::pow((clicks - 0.04) / 0.545, 1.5));
            const double seconds = cancelling.clicks * (random.chance(0.45) ? 36.0 : 59 + 3 * random.uniform());
            const auto length = static_cast<std::int64_t>(seconds * static_cast<double>(second));
            cancelling.end = cancelling.start + std::clamp(length, 600 * second, 7200 * second);
            // Both products and both discounts are marked, whatever was booked; no amounts.
            cancelling.flight_booked = cancelling.hotel_booked = cancelling.cancellation = true;
            cancelling.flight_discount = cancelling.hotel_discount = 0;
            if (cancelling.start < window_end * day_length && extra_session_fits(user, cancelling)) {
                rows_.push_back(cancelling);
                // Now and then the booking is missing: it fell before the window of the published rows.
                if (random.chance(0.01)) return 0;
                rows_.push_back(booking);
                return cancelling.start >= window_start * day_length;
            }
        }
        rows_.push_back(booking);
        return 0;
    }

    // A less active user stays at seven sessions in the window, so a cancellation needs a place.
    bool extra_session_fits(const person& user, const session_row& extra) const {
        if (user.active || extra.start < window_start * day_length) return true;
        const auto in_window = starts_.end() - std::lower_bound(starts_.begin(), starts_.end(), window_start * day_length);
        return in_window + cancelled_in_window(user) < 7;
    }
    std::ptrdiff_t cancelled_in_window(const person& user) const {
        std::ptrdiff_t count = 0;
        for (auto row = rows_.rbegin(); row != rows_.rend() && row->user_id == user.id; ++row) {
            count += row->cancellation && row->start >= window_start * day_length;
        }
        return count;
    }

    // Returns the day of departure.
    std::int64_t make_flight(random_stream& random, const person& user, const session_row& booking, std::int64_t start_day, bool holiday,
                             bool hotel) {
        static const weighted_table near(home_airports);
        static const weighted_table far(distant_airports);
        static const weighted_table near_airlines(home_airlines);
        static const weighted_table far_airlines(distant_airlines);
        const bool distant = random.chance(holiday ? 0.58 : 0.005);
        const airport* destination = &far.pick(random);
        if (!distant) {
            do destination = &near.pick(random);
            while (destination->city == user.home->city);
        }
        const double km = std::round(distance_km(*user.home, *destination) * 100) / 100;
        const double lead = holiday ? std::clamp(random.normal(237, 57), 56.0, 365.0) : std::clamp(random.lognormal(7.5, 0.3), 2.0, 23.0);
        const std::int64_t departure_day = start_day + std::max<std::int64_t>(2, std::llround(lead));
        std::int64_t away = holiday ? std::clamp<std::int64_t>(std::llround(random.normal(13, 3.7)), 5, 29) : days_away(random);
        if (!hotel && !holiday && random.chance(0.05)) away = 0;
        std::int64_t departure_hour = hour_of_departure(random);
        // Who goes with a hotel for a night or two mostly leaves in the morning.
        if (hotel && away <= 2 && departure_hour >= 12 && random.chance(away == 1 ? 0.9 : 0.6)) departure_hour = 7 + random.below(5);
        const bool returns = !random.chance(hotel ? 0.048 : 0.0134);

        flight_row flight{};
        flight.trip = booking.trip;
        flight.origin = user.home;
        flight.destination = destination;
        flight.airline = (distant ? far_airlines.pick(random) : near_airlines.pick(random)).name;
        flight.seats = holiday ? seats_of_holiday(random, user) : seats_of_ordinary_trip(random);
        if (holiday) {
            flight.checked_bags = flight.seats - 1 + random.chance(0.12);
        } else {
            flight.checked_bags = bags_of_ordinary_trip(random, flight.seats);
        }
        if (options_.plant_persistence) {
            const bool takes_bags = random.chance(user.trait == habit::bags ? 0.95 : 0.2);
            flight.checked_bags = takes_bags ? flight.seats + (user.trait == habit::bags && random.chance(0.6)) : 0;
        }
        flight.departure = departure_day * day_length + departure_hour * hour;
        flight.back = returns ? flight.departure + away * day_length : 0;
        flight.fare_cents = std::llround(100 * km * flight.seats * (returns ? 2 : 1) * fare_rate(random));
        write(flights_, user.id, flight);

        if (hotel) {
            // In the room two hours after landing, at 800 km an hour.
            const std::int64_t check_in = flight.departure + 2 * hour + std::llround(km * 100) * 45'000;
            std::int64_t check_out_day = departure_day + away - check_out_offset(random, departure_hour);
            // Check-out before check-in happens, but hardly ever by more than a day.
            const std::int64_t nights = stored_nights(check_in, check_out_day * day_length + 11 * hour);
            if (nights < 0 && random.chance(nights < -1 ? 0.85 : 0.5)) ++check_out_day;
            const int rooms = holiday ? 1 + random.chance(0.2) : rooms_for(random, flight.seats);
            make_hotel(random, user, booking, destination->city, check_in, check_out_day, rooms);
        }
        return departure_day;
    }

    // A hotel without a flight; returns the day of check-in.
    std::int64_t make_stay(random_stream& random, const person& user, const session_row& booking, std::int64_t start_day) {
        static const weighted_table near(home_airports);
        const airport* destination = &near.pick(random);
        while (destination->city == user.home->city) destination = &near.pick(random);
        const std::int64_t day = start_day + std::clamp<std::int64_t>(std::llround(random.lognormal(6.8, 0.69)), 1, 100);
        const double longer = user.trait == habit::hotel_stays ? 1.8 : 1.0;
        const std::int64_t nights = std::clamp<std::int64_t>(std::llround(random.lognormal(6.2 * longer, 0.66)), 1, 43);
        static constexpr double rooms[] = {0.7208, 0.2485, 0.0290, 0.0017};
        make_hotel(random, user, booking, destination->city, day * day_length + 11 * hour, day + nights,
                   1 + static_cast<int>(random.pick(rooms)));
        return day;
    }

    void make_hotel(random_stream& random, const person& user, const session_row& booking, std::string_view city, std::int64_t check_in,
                    std::int64_t check_out_day, int rooms) {
        hotel_row hotel{};
        hotel.trip = booking.trip;
        hotel.chain = hotel_chains[random.below(std::size(hotel_chains))];
        hotel.city = city;
        hotel.rooms = rooms;
        hotel.check_in = check_in;
        hotel.check_out = check_out_day * day_length + 11 * hour;
        hotel.nights = stored_nights(hotel.check_in, hotel.check_out);
        hotel.price = std::max<std::int64_t>(17, std::llround(random.lognormal(148, 0.6) * room_taste(user)));
        write(hotels_, user.id, hotel);
    }

    generator_options options_;
    std::uint64_t count_;
    bool sorted_;
    csv_file users_, sessions_, flights_, hotels_;
    std::vector<session_row> rows_;          // of all users when sorted, else of one
    std::vector<std::int64_t> starts_;       // of one user
    std::vector<std::size_t> places_;        // of sessions that a cancellation may replace
};

}  // namespace

generated_company generate_company(const generator_options& options, const std::string& folder) {
    if (options.customers < 1 || options.customers > 10'000'000) {
        throw segkit::error({.code = segkit::error_code::invalid_option,
                             .stage = "generate",
                             .field = "customers",
                             .found = std::to_string(options.customers),
                             .expected = "1 to 10000000",
                             .advice = "choose a number of active customers in that range"});
    }
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure || !std::filesystem::is_directory(folder, failure)) {
        refuse(folder, failure ? system_answer(failure.message()) : "a file that is not a folder");
    }
    return company(options, folder).run();
}

}  // namespace traveltide
