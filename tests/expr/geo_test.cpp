#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <optional>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using trips = sk::schema<sk::field<"lat1", double>, sk::field<"lon1", double>, sk::field<"lat2", std::optional<double>>, sk::field<"lon2", double>>;
constexpr double pi = 3.14159265358979323846;

// The angle between the two places as vectors: another formula, so another way of being wrong.
double by_vectors(double lat1, double lon1, double lat2, double lon2) {
    const auto radians = [](double degrees) { return degrees * pi / 180; };
    const double a[] = {std::cos(radians(lat1)) * std::cos(radians(lon1)), std::cos(radians(lat1)) * std::sin(radians(lon1)), std::sin(radians(lat1))};
    const double b[] = {std::cos(radians(lat2)) * std::cos(radians(lon2)), std::cos(radians(lat2)) * std::sin(radians(lon2)), std::sin(radians(lat2))};
    const double cross[] = {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
    return 6371.0 * std::atan2(std::hypot(cross[0], cross[1], cross[2]), a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
}

}  // namespace

TEST_CASE("Los Angeles to New York is 3974.209843 km on a sphere of 6371 km") {
    CHECK(sk::haversine_km(33.942, -118.408, 40.640, -73.779) == doctest::Approx(3974.209843).epsilon(1e-9));
}

TEST_CASE("distances agree with the angle between vectors all over the globe") {
    double worst = 0;
    for (int lat1 = -90; lat1 <= 90; lat1 += 15)
        for (int lon1 = -180; lon1 <= 180; lon1 += 24)
            for (int lat2 = -88; lat2 <= 90; lat2 += 13)
                for (int lon2 = -179; lon2 <= 180; lon2 += 31) {
                    const double d = sk::haversine_km(lat1, lon1, lat2, lon2);
                    worst = std::fmax(worst, std::fabs(d - by_vectors(lat1, lon1, lat2, lon2)));
                }
    CHECK(worst < 1e-3);    // near antipodes the haversine keeps half the digits
}

TEST_CASE("a place is no distance from itself, its antipode half the circumference, and a missing coordinate gives null") {
    const sk::table<trips> t{{10, 20, 10.0, 20}, {10, 20, -10.0, -160}, {0, 179.5, 0.0, -179.5}, {10, 20, std::nullopt, 20}};
    const auto r = t | sk::derive("km"_c = sk::haversine("lat1"_c, "lon1"_c, "lat2"_c, "lon2"_c)) | sk::collect();
    CHECK(r["km"_c][0] == 0.0);
    CHECK(*r["km"_c][1] == doctest::Approx(pi * 6371).epsilon(1e-7));
    CHECK(*r["km"_c][2] == doctest::Approx(pi * 6371 / 180).epsilon(1e-9));
    CHECK(r["km"_c][3] == std::nullopt);
}

TEST_CASE("a coordinate that is no number gives none, not half the circumference") {
    for (const double none : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        CHECK(std::isnan(sk::haversine_km(none, 20, 10, 20)));
        CHECK(std::isnan(sk::haversine_km(10, 20, 10, none)));
    }
}
