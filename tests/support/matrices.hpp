// Small matrices for tests: a counter-based random one, and any in row-major storage that owns its values.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <segkit/exec/random.hpp>
#include <segkit/table/matrix_view.hpp>

namespace support {

struct matrix {
    std::vector<double> values;
    std::size_t rows = 0;
    std::size_t columns = 0;

    matrix() = default;
    matrix(std::size_t row_count, std::size_t column_count) : values(row_count * column_count), rows(row_count), columns(column_count) {}
    matrix(std::size_t column_count, std::initializer_list<double> given) : values(given), rows(given.size() / column_count), columns(column_count) {}

    double& operator()(std::size_t i, std::size_t j) { return values[i * columns + j]; }
    double operator()(std::size_t i, std::size_t j) const { return values[i * columns + j]; }
    segkit::matrix_view<const double> view() const { return segkit::row_major(values.data(), rows, columns); }
    segkit::matrix_view<double> view() { return segkit::row_major(values.data(), rows, columns); }
    operator segkit::matrix_view<const double>() const { return view(); }

    std::vector<double> column(std::size_t j) const {
        std::vector<double> out(rows);
        for (std::size_t i = 0; i < rows; ++i) out[i] = (*this)(i, j);
        return out;
    }
};

// The same points with features stored one after the other.
struct transposed {
    std::vector<double> values;
    std::size_t rows, columns;

    explicit transposed(const matrix& m) : values(m.values.size()), rows(m.rows), columns(m.columns) {
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < columns; ++j) values[j * rows + i] = m(i, j);
    }
    operator segkit::matrix_view<const double>() const { return segkit::column_major(values.data(), rows, columns); }
};

// Features of different offset and spread, correlated with their neighbour.
inline matrix random_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    matrix m(rows, columns);
    const segkit::counter_random random(seed, 77);
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            double sum = 0;
            for (std::uint64_t part = 0; part < 4; ++part) sum += random.uniform((i * columns + j) * 4 + part) - 0.5;
            m(i, j) = (1.0 + static_cast<double>(j)) * sum + 3.0 * static_cast<double>(j) + (j > 0 ? 0.5 * m(i, j - 1) : 0);
        }
    }
    return m;
}

// Points around `centres` corners of a cube, well apart.
inline matrix blobs(std::size_t rows, std::size_t columns, std::size_t centres, std::uint64_t seed, double spread = 1.0) {
    matrix m = random_matrix(rows, columns, seed);
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            const double corner = ((i % centres) >> (j % 4)) & 1 ? 10.0 : -10.0;
            m(i, j) = spread * (m(i, j) - 3.0 * static_cast<double>(j)) / (1.0 + static_cast<double>(j)) + corner + static_cast<double>(i % centres);
        }
    }
    return m;
}

inline bool close(double a, double b, double relative, double absolute = 0) {
    return std::fabs(a - b) <= relative * std::fmax(std::fabs(a), std::fabs(b)) + absolute;
}

}  // namespace support
