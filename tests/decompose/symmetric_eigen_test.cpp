#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <segkit/decompose/detail/symmetric_eigen.hpp>

#include "../support/matrices.hpp"
#include "../support/simd_levels.hpp"

using segkit::detail::symmetric_eigen;

namespace {

struct eigenpairs {
    std::vector<double> values;
    Eigen::MatrixXd vectors;
};

eigenpairs find(const support::matrix& a, std::size_t wanted) {
    const symmetric_eigen eigen(a.rows, wanted, [&](std::size_t i, std::size_t j) { return a(i, j); });
    eigenpairs found{{}, eigen.vectors(wanted)};
    for (std::size_t c = 0; c < wanted; ++c) found.values.push_back(eigen.value(c));
    return found;
}

// A symmetric matrix of a given spectrum: a diagonal one, turned by reflections.
support::matrix of_spectrum(std::size_t n, const std::function<double(std::size_t)>& value) {
    support::matrix a(n, n);
    for (std::size_t i = 0; i < n; ++i) a(i, i) = value(i);
    const segkit::counter_random random(5, 1);
    for (std::size_t turn = 0; turn < 3; ++turn) {
        std::vector<double> u(n), au(n);
        double squares = 0, along = 0;
        for (std::size_t i = 0; i < n; ++i) squares += (u[i] = random.uniform(turn * n + i) - 0.5) * u[i];
        for (std::size_t i = 0; i < n; ++i) u[i] /= std::sqrt(squares);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) au[i] += a(i, j) * u[j];
        for (std::size_t i = 0; i < n; ++i) along += au[i] * u[i];
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) a(i, j) += 4 * along * u[i] * u[j] - 2 * (u[i] * au[j] + au[i] * u[j]);
    }
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < i; ++j) a(i, j) = a(j, i);
    return a;
}

// Values are those of all, descending, and each pair solves the equation; vectors are orthogonal, of length 1.
void check_pairs(const support::matrix& a, std::size_t wanted, const std::vector<double>& all) {
    const eigenpairs found = find(a, wanted);
    double size = 0;
    for (double value : all) size = std::max(size, std::fabs(value));
    const double slack = 4e-15 * std::sqrt(static_cast<double>(a.rows)) * size + 1e-300;
    for (std::size_t c = 0; c < wanted; ++c) {
        CHECK(std::fabs(found.values[c] - all[c]) <= 4 * slack);
        const auto x = found.vectors.col(static_cast<Eigen::Index>(c));
        for (std::size_t i = 0; i < a.rows; ++i) {
            double product = 0;
            for (std::size_t j = 0; j < a.rows; ++j) product += a(i, j) * x(static_cast<Eigen::Index>(j));
            REQUIRE(std::fabs(product - found.values[c] * x(static_cast<Eigen::Index>(i))) <= 4 * slack);
        }
        for (std::size_t b = 0; b <= c; ++b) CHECK(std::fabs(found.vectors.col(static_cast<Eigen::Index>(b)).dot(x) - (b == c ? 1 : 0)) < 1e-13);
    }
}

const std::vector<std::pair<std::string, std::function<double(std::size_t)>>> spectra = {
    {"spread", [](std::size_t i) { return 1.0 + static_cast<double>(i * i); }},
    {"one value", [](std::size_t) { return 3.0; }},
    {"nothing", [](std::size_t) { return 0.0; }},
    {"two values", [](std::size_t i) { return i % 2 == 0 ? 5.0 : -2.0; }},
    {"rank three", [](std::size_t i) { return i < 3 ? 10.0 - static_cast<double>(i) : 0.0; }},
    {"a cluster", [](std::size_t i) { return i < 6 ? 7.0 + 1e-13 * static_cast<double>(i) : 1e-3 * static_cast<double>(i); }},
    {"neighbours", [](std::size_t i) { return 2.0 + 1e-9 * static_cast<double>(i); }},
    {"powers", [](std::size_t i) { return std::pow(0.1, static_cast<double>(i)); }},
    {"small", [](std::size_t i) { return 1e-200 * static_cast<double>(1 + i); }},
};

}  // namespace

TEST_CASE("few eigenvectors and all of them are exact and orthogonal, whatever the spectrum") {
    for (const auto& [name, value] : spectra) {
        for (std::size_t n : {1u, 2u, 3u, 9u, 40u, 67u}) {
            CAPTURE(name);
            CAPTURE(n);
            const support::matrix a = of_spectrum(n, value);
            std::vector<double> all;
            for (std::size_t i = 0; i < n; ++i) all.push_back(value(i));
            std::sort(all.rbegin(), all.rend());
            check_pairs(a, n, all);
            if (n >= 9) check_pairs(a, n / 8, all);
        }
    }
}

TEST_CASE("matrices that are tridiagonal, or fall apart, or have close pairs of values far from each other") {
    constexpr std::size_t n = 81;
    support::matrix wilkinson(n, n), diagonal(n, n), blocks(n, n);
    for (std::size_t i = 0; i < n; ++i) {
        wilkinson(i, i) = std::fabs(static_cast<double>(i) - 40);
        if (i + 1 < n) wilkinson(i, i + 1) = wilkinson(i + 1, i) = 1;
        diagonal(i, i) = static_cast<double>(i % 4);
        blocks(i, i) = 2;
        if (i % 3 != 2) blocks(i, i + 1) = blocks(i + 1, i) = -1;
    }
    for (const support::matrix* a : {&wilkinson, &diagonal, &blocks}) check_pairs(*a, 10, find(*a, n).values);
    for (std::size_t c = 0; c < 10; ++c) CHECK(find(diagonal, 10).values[c] == 3);
}

TEST_CASE("each level of the CPU finds the same, without contraction the same bits") {
    const support::matrix a = of_spectrum(75, spectra[0].second);
    std::vector<double> all;
    for (std::size_t i = 75; i-- > 0;) all.push_back(spectra[0].second(i));
    [[maybe_unused]] eigenpairs first;
    support::at_every_simd_level([&](segkit::instruction_set) {
        check_pairs(a, 75, all);
        check_pairs(a, 7, all);
#if defined(SEGKIT_EXACT_LEVELS)    // compiled with -ffp-contract=off
        const eigenpairs found = find(a, 7);
        if (first.values.empty()) first = found;
        CHECK(found.values == first.values);
        CHECK(found.vectors == first.vectors);
#endif
    });
}
