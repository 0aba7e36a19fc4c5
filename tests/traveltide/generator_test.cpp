// The generated company: same bytes for the same seed, the promised cohort, the published dirt and ballparks.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <doctest/doctest.h>

#include <segkit/error.hpp>

#include "../../examples/traveltide/generator.hpp"

namespace {

namespace fs = std::filesystem;
using traveltide::generate_company;

struct scratch_folder {
    fs::path path = fs::temp_directory_path() / ("segkit_generator_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)));
    scratch_folder() { fs::remove_all(path); }
    ~scratch_folder() {
        std::error_code ignored;
        fs::permissions(path, fs::perms::owner_all, ignored);
        fs::remove_all(path, ignored);
    }
    std::string operator/(const char* name) const { return (path / name).string(); }
};

std::string bytes_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
}

std::string all_bytes(const fs::path& folder) {
    std::string all;
    for (const char* table : {"users", "sessions", "flights", "hotels"}) all += bytes_of((folder / (std::string(table) + ".csv")).string());
    return all;
}

// The dialect is simple on purpose (no commas or quotes inside fields), so reading it back needs no library.
struct csv_table {
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows;

    explicit csv_table(const std::string& file) {
        std::istringstream lines(bytes_of(file));
        std::string line;
        while (std::getline(lines, line)) {
            std::vector<std::string> fields(1);
            for (const char c : line) {
                if (c == ',') fields.emplace_back();
                else if (c != '"') fields.back() += c;
            }
            if (header.empty()) header = fields;
            else rows.push_back(fields);
        }
    }
    std::size_t column(std::string_view name) const {
        const auto at = std::find(header.begin(), header.end(), name);
        REQUIRE(at != header.end());
        return static_cast<std::size_t>(at - header.begin());
    }
    std::vector<std::string> operator[](std::string_view name) const {
        std::vector<std::string> values;
        const auto at = column(name);
        for (const auto& row : rows) values.push_back(row[at]);
        return values;
    }
};

std::vector<double> numbers(const std::vector<std::string>& texts) {
    std::vector<double> values;
    for (const auto& text : texts) {
        if (!text.empty()) values.push_back(std::strtod(text.c_str(), nullptr));
    }
    return values;
}

double median(std::vector<double> values) {
    REQUIRE(!values.empty());
    std::sort(values.begin(), values.end());
    const auto n = values.size();
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
}

// Ranks with ties at their mean, then Pearson.
double spearman(const std::vector<double>& a, const std::vector<double>& b) {
    const auto ranks = [](const std::vector<double>& values) {
        std::vector<std::size_t> order(values.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::sort(order.begin(), order.end(), [&](auto x, auto y) { return values[x] < values[y]; });
        std::vector<double> rank(values.size());
        for (std::size_t i = 0; i < order.size();) {
            std::size_t j = i;
            while (j < order.size() && values[order[j]] == values[order[i]]) ++j;
            for (std::size_t k = i; k < j; ++k) rank[order[k]] = static_cast<double>(i + j) / 2;
            i = j;
        }
        return rank;
    };
    const auto x = ranks(a), y = ranks(b);
    const double mean_x = mean(x), mean_y = mean(y);
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        xy += (x[i] - mean_x) * (y[i] - mean_y);
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
    }
    return xy / std::sqrt(xx * yy);
}

// Mean bags per trip in the first against the second half of each customer's booked flights' sessions.
double persistence_of_bags(const fs::path& folder) {
    const csv_table sessions((folder / "sessions.csv").string()), flights((folder / "flights.csv").string());
    std::unordered_map<std::string, double> bags;
    for (const auto& row : flights.rows) bags[row[flights.column("trip_id")]] = std::strtod(row[flights.column("checked_bags")].c_str(), nullptr);
    std::map<std::string, std::vector<std::pair<std::string, std::string>>> by_user;      // (start, trip)
    for (const auto& row : sessions.rows) {
        if (row[sessions.column("cancellation")] == "false") by_user[row[1]].emplace_back(row[3], row[2]);
    }
    std::vector<double> first, second;
    for (auto& [user, rows] : by_user) {
        std::sort(rows.begin(), rows.end());
        std::vector<double> halves[2];
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (const auto found = bags.find(rows[i].second); found != bags.end()) halves[2 * i >= rows.size()].push_back(found->second);
        }
        if (halves[0].empty() || halves[1].empty()) continue;
        first.push_back(mean(halves[0]));
        second.push_back(mean(halves[1]));
    }
    REQUIRE(first.size() > 500);
    return spearman(first, second);
}

}  // namespace

TEST_CASE("the same options give the same bytes, another seed gives others") {
    const scratch_folder a, b, c;
    const auto first = generate_company({.customers = 300, .seed = 7}, a.path.string());
    generate_company({.customers = 300, .seed = 7}, b.path.string());
    generate_company({.customers = 300, .seed = 8}, c.path.string());
    const auto bytes = all_bytes(a.path);
    CHECK(bytes.size() == first.bytes);
    CHECK(bytes == all_bytes(b.path));
    CHECK(bytes != all_bytes(c.path));
}

TEST_CASE("a company of 6,000 active customers looks like the published cohort, dirt included") {
    const scratch_folder folder;
    const auto company = generate_company({}, folder.path.string());
    const csv_table users(folder / "users.csv"), sessions(folder / "sessions.csv"), flights(folder / "flights.csv"), hotels(folder / "hotels.csv");

    SUBCASE("counts and keys") {
        CHECK(company.active_customers == 6000);
        CHECK(company.users == 9000);
        CHECK(users.rows.size() == company.users);
        CHECK(sessions.rows.size() == company.sessions);
        CHECK(flights.rows.size() == company.flights);
        CHECK(hotels.rows.size() == company.hotels);
        const std::pair<const csv_table*, std::string_view> keys[] = {{&users, "user_id"}, {&sessions, "session_id"}, {&flights, "trip_id"}, {&hotels, "trip_id"}};
        for (const auto& [table, key] : keys) {
            const auto values = (*table)[key];
            CHECK(std::unordered_set<std::string>(values.begin(), values.end()).size() == values.size());
            for (const auto& row : table->rows) REQUIRE(row.size() == table->header.size());
        }
        CHECK(std::is_sorted(sessions.rows.begin(), sessions.rows.end(), [](const auto& x, const auto& y) { return x[3] < y[3]; }));
    }

    SUBCASE("the dialect is that of the published files") {
        const auto text = bytes_of(folder / "sessions.csv");
        CHECK(text.starts_with("\"session_id\",\"user_id\",\"trip_id\",\"session_start\""));
        CHECK(text.ends_with("\n"));
        CHECK(text.find('\r') == std::string::npos);
        for (const char* table : {"users.csv", "flights.csv", "hotels.csv"}) CHECK(!bytes_of(folder / table).ends_with("\n"));
        const auto quotes = static_cast<std::size_t>(std::count(text.begin(), text.end(), '"'));
        CHECK(quotes == 2 * 13 * (sessions.rows.size() + 1));
        std::set<std::size_t> digits;
        for (const auto& time : hotels["check_in_time"]) {
            const auto dot = time.find('.');
            digits.insert(dot == std::string::npos ? 0 : time.size() - dot - 1);
            REQUIRE(!(dot != std::string::npos && time.back() == '0'));
        }
        CHECK(digits == std::set<std::size_t>{0, 1, 2, 3});
        for (const auto& fare : flights["base_fare_usd"]) REQUIRE(fare.find('.') != std::string::npos);
    }

    SUBCASE("the usual filter keeps exactly the active customers, and drops something") {
        std::map<std::string, int> in_window, all;
        for (const auto& row : sessions.rows) {
            ++all[row[1]];
            if (row[3] >= "2023-01-04") ++in_window[row[1]];
        }
        const auto more_than_seven = [](const auto& counts) { return std::count_if(counts.begin(), counts.end(), [](const auto& x) { return x.second > 7; }); };
        CHECK(more_than_seven(in_window) == 6000);
        CHECK(more_than_seven(all) > 6050);
        CHECK(all.size() == 9000);
    }

    SUBCASE("every row refers to rows that exist") {
        const auto ids = users["user_id"];
        const std::unordered_set<std::string> known(ids.begin(), ids.end());
        std::unordered_set<std::string> products, trips;
        for (const auto* table : {&flights, &hotels}) {
            for (const auto& row : table->rows) products.insert(row[0]);
        }
        for (const auto& row : sessions.rows) {
            REQUIRE(known.count(row[1]) == 1);
            REQUIRE(row[0].starts_with(row[1] + "-"));
            if (row[2].empty()) continue;
            REQUIRE(row[2].starts_with(row[1] + "-"));
            REQUIRE(products.count(row[2]) == 1);
            trips.insert(row[2]);
        }
        CHECK(trips.size() == products.size());
    }

    SUBCASE("cancellations repeat the trip with every flag set and no amount; some have lost their booking") {
        std::unordered_set<std::string> booked, flown, slept;
        for (const auto& row : flights.rows) flown.insert(row[0]);
        for (const auto& row : hotels.rows) slept.insert(row[0]);
        for (const auto& row : sessions.rows) {
            if (row[12] == "false" && !row[2].empty()) REQUIRE(booked.insert(row[2]).second);
        }
        int cancellations = 0, without_booking = 0, without_flight = 0, without_hotel = 0;
        for (const auto& row : sessions.rows) {
            if (row[12] == "true") {
                ++cancellations;
                REQUIRE((row[5] == "true" && row[6] == "true" && row[9] == "true" && row[10] == "true"));
                REQUIRE((row[7].empty() && row[8].empty() && !row[2].empty()));
                without_booking += !booked.count(row[2]);
                without_flight += !flown.count(row[2]);
                without_hotel += !slept.count(row[2]);
            } else {
                REQUIRE((row[9] == "true") == (flown.count(row[2]) == 1));
                REQUIRE((row[10] == "true") == (slept.count(row[2]) == 1));
                REQUIRE((row[5] == "true") == !row[7].empty());
                REQUIRE((row[6] == "true") == !row[8].empty());
            }
        }
        CHECK(cancellations > 500);
        CHECK(without_booking > 0);
        CHECK(without_booking < cancellations / 20);
        CHECK(without_flight > 10);
        CHECK(without_hotel > 50);
    }

    SUBCASE("hotel nights can be zero or negative, stays end before they begin, flights lack a return or take no time") {
        std::map<std::string, int> nights;
        for (const auto& value : hotels["nights"]) ++nights[value];
        CHECK(nights["-2"] >= 1);
        CHECK(nights["-1"] > 50);
        CHECK(nights["0"] > 800);
        CHECK(nights.begin()->first != "-3");
        const auto check_in = hotels.column("check_in_time"), check_out = hotels.column("check_out_time");
        CHECK(std::count_if(hotels.rows.begin(), hotels.rows.end(), [&](const auto& row) { return row[check_out] < row[check_in]; }) > 100);
        int no_return = 0, no_time = 0, backwards = 0;
        for (const auto& row : flights.rows) {
            REQUIRE((row[5] == "false") == row[7].empty());
            no_return += row[7].empty();
            no_time += row[7] == row[6];
            backwards += !row[7].empty() && row[7] < row[6];
        }
        CHECK(no_return > 400);
        CHECK(no_time > 30);
        CHECK(backwards == 0);
    }

    SUBCASE("medians and shares stand where the published ones do") {
        std::vector<double> browsing, booking, cancelling;
        for (const auto& row : sessions.rows) (row[12] == "true" ? cancelling : row[2].empty() ? browsing : booking).push_back(std::strtod(row[11].c_str(), nullptr));
        CHECK(median(browsing) == doctest::Approx(8).epsilon(0.13));
        CHECK(median(booking) == doctest::Approx(22).epsilon(0.1));
        CHECK(median(cancelling) == doctest::Approx(145.5).epsilon(0.2));
        CHECK(median(numbers(flights["base_fare_usd"])) == doctest::Approx(378).epsilon(0.08));
        CHECK(median(numbers(hotels["hotel_per_room_usd"])) == doctest::Approx(148).epsilon(0.05));
        CHECK(mean(numbers(flights["checked_bags"])) == doctest::Approx(0.582).epsilon(0.08));
        CHECK(mean(numbers(flights["seats"])) == doctest::Approx(1.2).epsilon(0.05));
        CHECK(mean(numbers(sessions["flight_discount_amount"])) == doctest::Approx(0.14).epsilon(0.1));
        const auto gender = users["gender"];
        CHECK(static_cast<double>(std::count(gender.begin(), gender.end(), "F")) / 9000 == doctest::Approx(0.882).epsilon(0.03));
        const auto seats = numbers(flights["seats"]);
        CHECK(static_cast<double>(std::count(seats.begin(), seats.end(), 1.0)) / static_cast<double>(seats.size()) > 0.75);      // zero IQR
    }
}

TEST_CASE("habits persist from the first half of a customer's sessions to the second only when planted") {
    const scratch_folder plain, planted;
    generate_company({}, plain.path.string());
    generate_company({.plant_persistence = true}, planted.path.string());
    CHECK(std::abs(persistence_of_bags(plain.path)) < 0.08);
    CHECK(persistence_of_bags(planted.path) > 0.3);
}

TEST_CASE("the whole company is in proportion: 170 users to an active customer") {
    const scratch_folder folder;
    const auto company = generate_company({.customers = 60, .whole_company = true}, folder.path.string());
    CHECK(company.active_customers == 60);
    CHECK(company.users == 10200);
    CHECK(static_cast<double>(company.sessions) == doctest::Approx(54100).epsilon(0.02));
    CHECK(static_cast<double>(company.flights) == doctest::Approx(19000).epsilon(0.03));
    CHECK(static_cast<double>(company.hotels) == doctest::Approx(19200).epsilon(0.03));
    const csv_table sessions(folder / "sessions.csv");
    std::map<std::string, int> in_window;
    for (const auto& row : sessions.rows) in_window[row[1]] += row[3] >= "2023-01-04";
    CHECK(std::count_if(in_window.begin(), in_window.end(), [](const auto& x) { return x.second > 7; }) == 60);
}

TEST_CASE("without quotes the fields are the same") {
    const scratch_folder quoted, bare;
    generate_company({.customers = 50}, quoted.path.string());
    generate_company({.customers = 50, .quote_fields = false}, bare.path.string());
    auto text = all_bytes(quoted.path);
    std::erase(text, '"');
    CHECK(text == all_bytes(bare.path));
}

TEST_CASE("a place that cannot be written to is an error that says so, and nothing is left behind") {
    const scratch_folder folder;
    fs::create_directories(folder.path);
    const auto code_of = [](const std::string& target, std::uint64_t customers) {
        try {
            generate_company({.customers = customers}, target);
        } catch (const segkit::error& failure) {
            CHECK(std::string_view(failure.what()).size() > 40);
            return failure.code();
        }
        FAIL("no error");
        return segkit::error_code{};
    };
    SUBCASE("a file where the folder should be") {
        std::ofstream(folder / "data") << "mine";
        CHECK(code_of(folder / "data", 10) == segkit::error_code::cannot_write);
        CHECK(bytes_of(folder / "data") == "mine");
    }
    SUBCASE("a table's name taken by a folder") {
        fs::create_directories(fs::path(folder / "data") / "hotels.csv" / "mine");
        CHECK(code_of(folder / "data", 10) == segkit::error_code::cannot_write);
        for (const auto& entry : fs::directory_iterator(folder / "data")) CHECK(entry.path().extension() != ".partial");
    }
    SUBCASE("a temporary file that cannot be opened") {
        fs::create_directories(fs::path(folder / "data") / "flights.csv.partial" / "mine");
        CHECK(code_of(folder / "data", 10) == segkit::error_code::cannot_write);
        CHECK(!fs::exists(fs::path(folder / "data") / "users.csv"));
        CHECK(!fs::exists(fs::path(folder / "data") / "users.csv.partial"));
    }
    SUBCASE("no customers at all") {
        CHECK(code_of(folder / "data", 0) == segkit::error_code::invalid_option);
        CHECK(!fs::exists(folder / "data"));
    }
}
