// generator_places.hpp: where the generated customers live, where they travel, who carries and houses them.
//
// Facts and shares only: airports with their coordinates, carriers, hotel chains; used by generator.cpp alone.
#pragma once

#include <cmath>
#include <string_view>

namespace traveltide::generator_detail {

// Weights are shares of customers or trips.

struct airport {
    std::string_view code, city, country;
    double latitude, longitude;
    double weight;
};

inline constexpr airport home_airports[] = {
    {"LGA", "new york", "usa", 40.777, -73.872, 362},      {"JFK", "new york", "usa", 40.640, -73.779, 318},
    {"LAX", "los angeles", "usa", 33.942, -118.408, 325},  {"LGB", "long beach", "usa", 33.818, -118.151, 45},
    {"DAL", "dallas", "usa", 32.847, -96.852, 117},        {"FTW", "fort worth", "usa", 32.820, -97.362, 50},
    {"YYC", "calgary", "canada", 51.114, -114.020, 101},   {"YEG", "edmonton", "canada", 53.310, -113.580, 85},
    {"SFO", "san francisco", "usa", 37.619, -122.375, 80}, {"OAK", "oakland", "usa", 37.721, -122.221, 45},
    {"SJC", "san jose", "usa", 37.362, -121.929, 75},      {"SMF", "sacramento", "usa", 38.695, -121.591, 52},
    {"AUS", "austin", "usa", 30.194, -97.670, 78},         {"SAT", "san antonio", "usa", 29.534, -98.470, 132},
    {"IAH", "houston", "usa", 29.980, -95.340, 71},        {"HOU", "houston", "usa", 29.645, -95.279, 114},
    {"BNA", "nashville", "usa", 36.124, -86.678, 74},      {"MEM", "memphis", "usa", 35.042, -89.977, 54},
    {"YOW", "ottawa", "canada", 45.323, -75.669, 93},      {"YUL", "montreal", "canada", 45.468, -73.741, 103},
    {"YMX", "montreal", "canada", 45.680, -74.039, 64},    {"YQB", "quebec", "canada", 46.788, -71.398, 37},
    {"YYZ", "toronto", "canada", 43.677, -79.631, 120},    {"YTZ", "toronto", "canada", 43.627, -79.396, 105},
    {"YHM", "hamilton", "canada", 43.173, -79.935, 44},    {"YXU", "london", "canada", 43.036, -81.154, 36},
    {"YVR", "vancouver", "canada", 49.195, -123.182, 47},  {"YYJ", "victoria", "canada", 48.647, -123.426, 35},
    {"YWG", "winnipeg", "canada", 49.910, -97.234, 60},    {"YHZ", "halifax", "canada", 44.881, -63.509, 39},
    {"MDW", "chicago", "usa", 41.786, -87.752, 71},        {"ORD", "chicago", "usa", 41.979, -87.904, 124},
    {"MKE", "milwaukee", "usa", 42.947, -87.896, 59},      {"MSP", "minneapolis", "usa", 44.880, -93.217, 41},
    {"IND", "indianapolis", "usa", 39.717, -86.294, 71},   {"SDF", "louisville", "usa", 38.174, -85.736, 53},
    {"CMH", "columbus", "usa", 39.998, -82.892, 79},       {"CLE", "cleveland", "usa", 41.412, -81.850, 61},
    {"DTW", "detroit", "usa", 42.212, -83.353, 52},        {"BUF", "buffalo", "usa", 42.940, -78.732, 42},
    {"PHX", "phoenix", "usa", 33.434, -112.008, 119},      {"TUS", "tucson", "usa", 32.116, -110.941, 44},
    {"SAN", "san diego", "usa", 32.733, -117.189, 113},    {"SNA", "santa ana", "usa", 33.676, -117.868, 80},
    {"LAS", "las vegas", "usa", 36.080, -115.152, 56},     {"FAT", "fresno", "usa", 36.776, -119.718, 71},
    {"CLT", "charlotte", "usa", 35.214, -80.943, 81},      {"ATL", "atlanta", "usa", 33.640, -84.427, 59},
    {"MCI", "kansas city", "usa", 39.297, -94.714, 75},    {"STL", "st. louis", "usa", 38.748, -90.360, 38},
    {"BOS", "boston", "usa", 42.364, -71.005, 72},         {"PHL", "philadelphia", "usa", 39.872, -75.241, 90},
    {"BWI", "baltimore", "usa", 39.175, -76.668, 49},      {"DCA", "washington", "usa", 38.852, -77.037, 54},
    {"DEN", "denver", "usa", 39.858, -104.667, 51},        {"COS", "colorado springs", "usa", 38.806, -104.700, 37},
    {"TUL", "tulsa", "usa", 36.198, -95.888, 48},          {"OKC", "oklahoma city", "usa", 35.393, -97.601, 76},
    {"ELP", "el paso", "usa", 31.807, -106.378, 51},       {"OMA", "omaha", "usa", 41.302, -95.894, 85},
    {"SEA", "seattle", "usa", 47.449, -122.309, 78},       {"PDX", "portland", "usa", 45.589, -122.597, 31},
    {"HNL", "honolulu", "usa", 21.316, -157.927, 36},      {"JAX", "jacksonville", "usa", 30.494, -81.688, 62},
    {"MIA", "miami", "usa", 25.793, -80.291, 46},          {"ANC", "anchorage", "usa", 61.174, -149.996, 27},
};

inline constexpr airport distant_airports[] = {
    {"BKK", "bangkok", "", 13.681, 100.747, 12},    {"MFM", "macau", "", 22.149, 113.592, 12},
    {"HKG", "hong kong", "", 22.309, 113.915, 10},  {"DXB", "dubai", "", 25.253, 55.364, 10},
    {"AYT", "antalya", "", 36.899, 30.801, 9},      {"SZX", "shenzhen", "", 22.639, 113.811, 9},
    {"SIN", "singapore", "", 1.350, 103.994, 16},   {"DEL", "delhi", "", 28.567, 77.103, 8},
    {"IST", "istanbul", "", 40.977, 28.815, 8},     {"ITM", "osaka", "", 34.786, 135.438, 8},
    {"AMS", "amsterdam", "", 52.309, 4.764, 7},     {"BRU", "brussels", "", 50.901, 4.484, 7},
    {"CDG", "paris", "", 49.013, 2.550, 11},        {"LHR", "london", "", 51.471, -0.462, 11},
    {"KUL", "kuala lumpur", "", 2.746, 101.710, 5}, {"LIS", "lisbon", "", 38.781, -9.136, 5},
    {"FCO", "rome", "", 41.804, 12.251, 8},         {"LIN", "milan", "", 45.445, 9.277, 4},
    {"HER", "heraklion", "", 35.340, 25.180, 4},    {"CAN", "guangzhou", "", 23.392, 113.299, 4},
    {"ICN", "seoul", "", 37.463, 126.440, 4},       {"SVO", "moscow", "", 55.973, 37.415, 6},
    {"MAD", "madrid", "", 40.472, -3.561, 5},       {"VCE", "venice", "", 45.505, 12.352, 3},
    {"WAW", "warsaw", "", 52.166, 20.967, 3},       {"SHA", "shanghai", "", 31.198, 121.336, 3},
    {"TPE", "taipei", "", 25.078, 121.233, 4},      {"PRG", "prague", "", 50.101, 14.260, 3},
    {"EDI", "edinburgh", "", 55.950, -3.373, 3},    {"SGN", "ho chi minh city", "", 10.819, 106.652, 3},
    {"CPT", "cape town", "", -33.965, 18.602, 2},   {"BUD", "budapest", "", 47.437, 19.256, 2},
    {"BCN", "barcelona", "", 41.297, 2.078, 3},     {"PEK", "beijing", "", 40.080, 116.585, 3},
    {"HND", "tokyo", "", 35.552, 139.780, 5},       {"VIE", "vienna", "", 48.110, 16.570, 2},
    {"CAI", "cairo", "", 30.122, 31.406, 2},        {"AKL", "auckland", "", -37.008, 174.792, 2},
    {"SYD", "sydney", "", -33.946, 151.177, 2},     {"GIG", "rio de janeiro", "", -22.810, -43.251, 2},
    {"EZE", "buenos aires", "", -34.822, -58.536, 2}, {"JNB", "johannesburg", "", -26.139, 28.246, 2},
    {"MEX", "mexico city", "", 19.436, -99.072, 2}, {"PUJ", "punta cana", "", 18.567, -68.363, 1},
};

struct named_weight {
    std::string_view name;
    double weight;
};

inline constexpr named_weight home_airlines[] = {
    {"Delta Air Lines", 2098}, {"American Airlines", 2063}, {"United Airlines", 1844}, {"Southwest Airlines", 1099},
    {"Ryanair", 916},          {"JetBlue Airways", 789},    {"AirTran Airways", 635},  {"Allegiant Air", 623},
    {"Air Canada", 575},       {"WestJet", 410},            {"Alaska Airlines", 316},  {"Porter Airlines", 205},
    {"Kenmore Air", 99},       {"Air Transat", 97},         {"Spirit Airlines", 79},   {"Frontier Airlines", 73},
    {"AeroM\xC3\xA9xico", 61}, {"Virgin America", 46},      {"Volaris", 30},           {"Cubana de Aviaci\xC3\xB3n", 12},
};

inline constexpr named_weight distant_airlines[] = {
    {"Delta Air Lines", 60},   {"American Airlines", 60}, {"United Airlines", 60}, {"Air France", 102},
    {"KLM Royal Dutch Airlines", 100}, {"Lufthansa", 86}, {"Alitalia", 70},        {"British Airways", 46},
    {"Iberia Airlines", 45},   {"Qatar Airways", 25},     {"Japan Airlines", 23},  {"Air India Limited", 19},
    {"Korean Air", 16},        {"Turkish Airlines", 15},  {"Emirates", 14},        {"Singapore Airlines", 14},
    {"Air China", 14},         {"Cathay Pacific", 12},    {"Qantas", 8},           {"South African Airways", 7},
};

// Chains as printed before " - city"; a trailing space gives the two spaces that the published file has.
inline constexpr std::string_view hotel_chains[] = {
    "Hilton", "Best Western", "Four Seasons", "NH Hotel ", "Conrad ", "Extended Stay ", "Rosewood", "Accor",
    "Crowne Plaza", "Starwood ", "Banyan Tree ", "Marriott ", "Wyndham", "Radisson ", "Choice Hotels", "Fairmont",
    "Aman Resorts", "Hyatt", "InterContinental ", "Shangri-La",
};

// Great-circle distance in km (haversine, R = 6371).
inline double distance_km(const airport& from, const airport& to) {
    constexpr double degree = 0.017453292519943295;
    const double half_height = std::sin((to.latitude - from.latitude) * degree / 2);
    const double half_width = std::sin((to.longitude - from.longitude) * degree / 2);
    const double squared = half_height * half_height +
                           std::cos(from.latitude * degree) * std::cos(to.latitude * degree) * half_width * half_width;
    return 2 * 6371.0 * std::asin(std::sqrt(squared));
}

}  // namespace traveltide::generator_detail
