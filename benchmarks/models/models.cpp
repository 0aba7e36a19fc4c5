// Runs one numeric workload each time a line "run" comes in, and answers with the seconds and the figures by which the driver
// (run.py) compares it with the peers:
//
//     bench_models kmeans|fit|silhouette|choose_k|pca|pca_svd f64|f32 <points file> <rows> <features> <clusters> <threads>
//     bench_models quantiles|standard|standard_fresh|robust f64|f32 <points file> <rows> <features> 0 <threads>
//
// The file holds doubles: the points row by row, then the initial centres (kmeans) or the labels (silhouette); for quantiles column by
// column. What works in place is given its points again, outside the time. Clusters are components for pca, whose figure weighs the mean
// size of the scores along each component by its number.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segkit/cluster/detail/kmeans_core.hpp>
#include <segkit/decompose/detail/pca_core.hpp>
#include <segkit/evaluate/choose_k.hpp>
#include <segkit/evaluate/silhouette.hpp>
#include <segkit/exec/threads.hpp>
#include <segkit/prepare/detail/scale_core.hpp>
#include <segkit/simd/level.hpp>
#include <segkit/table/matrix.hpp>

namespace {

namespace sk = segkit;

std::vector<double> read_numbers(const char* file) {
    std::FILE* in = std::fopen(file, "rb");
    if (!in) throw std::runtime_error(std::string("cannot open ") + file);
    std::fseek(in, 0, SEEK_END);
    std::vector<double> numbers(static_cast<std::size_t>(std::ftell(in)) / sizeof(double));
    std::rewind(in);
    const bool complete = std::fread(numbers.data(), sizeof(double), numbers.size(), in) == numbers.size();
    std::fclose(in);
    if (!complete) throw std::runtime_error(std::string("cannot read ") + file);
    return numbers;
}

struct nothing_to_do {
    void operator()() const {}
};
struct as_they_are {
    std::pair<double, std::size_t> operator()(const std::pair<double, std::size_t>& figures) const { return figures; }
};

// For each line prepare(), work(), which alone is timed, and the figures of what it returns.
template <class Work, class Prepare = nothing_to_do, class Figures = as_they_are>
int serve(Work work, Prepare prepare = {}, Figures figures_of = {}) {
    std::printf("{\"ready\":true,\"simd\":\"%s\"}\n", std::string(sk::to_string(sk::simd_level())).c_str());
    std::fflush(stdout);
    char line[64];
    while (std::fgets(line, sizeof line, stdin) && std::strncmp(line, "run", 3) == 0) {
        prepare();
        const auto begin = std::chrono::steady_clock::now();
        const auto result = work();
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        const std::pair<double, std::size_t> figures = figures_of(result);
        std::printf("{\"seconds\":%.6f,\"value\":%.17g,\"iterations\":%zu}\n", seconds.count(), figures.first, figures.second);
        std::fflush(stdout);
    }
    return 0;
}

// Figures of the first and the last row, by which results are compared.
template <class T>
double corners(sk::matrix_view<const T> m) {
    double sum = 0;
    for (std::size_t j = 0; j < m.columns; ++j) sum += static_cast<double>(m(0, j)) * static_cast<double>(j + 1) + static_cast<double>(m(m.rows - 1, j));
    return sum;
}

template <class T>
int run_preparation(const std::string& workload, const std::vector<double>& numbers, std::size_t rows, std::size_t features, sk::executor_ref executor) {
    sk::dense_matrix<T> points(rows, features), work(workload == "standard" || workload == "robust" ? rows : 0, features);
    std::copy_n(numbers.begin(), rows * features, points.view().values);
    const sk::matrix_view<const T> given = std::as_const(points).view();
    if (workload == "quantiles") {
        const auto columns = sk::column_major<const T>(given.values, rows, features);
        return serve([&] {
            const auto found = sk::column_quantiles(columns, {0.25, 0.75}, sk::quantile_method::linear, executor);
            double sum = 0;
            for (std::size_t j = 0; j < features; ++j) sum += found(j, 0) + 2 * found(j, 1);
            return std::pair(sum, std::size_t{1});
        });
    }
    if (workload == "standard_fresh") {
        sk::dense_matrix<T> kept;    // freed by the next, as the peer's is
        return serve([&] {
            kept = sk::estimate(sk::standard_scale_estimator{}, given, executor).transformed(given, executor);
            return std::pair(corners(std::as_const(kept).view()), std::size_t{1});
        });
    }
    const auto refill = [&] { std::copy_n(given.values, rows * features, work.view().values); };
    const auto scale = [&](const auto& estimator) {
        return serve(
            [&] {
                const sk::matrix_view<const T> rows_of = std::as_const(work).view();
                sk::estimate(estimator, rows_of, executor).transform(rows_of, work.view(), executor);
                return std::pair(corners(rows_of), std::size_t{1});
            },
            refill);
    };
    if (workload == "standard") return scale(sk::standard_scale_estimator{});
    return scale(sk::robust_scale_estimator{});
}

double weighted_size(const sk::dense_matrix<double>& scores) {
    double value = 0;
    for (std::size_t c = 0; c < scores.columns(); ++c) {
        double sum = 0;
        for (std::size_t i = 0; i < scores.rows(); ++i) sum += std::fabs(scores.view()(i, c));
        value += static_cast<double>(c + 1) * sum / static_cast<double>(scores.rows());
    }
    return value;
}

template <class T>
int run(const std::string& workload, const std::vector<double>& numbers, std::size_t rows, std::size_t features, std::size_t clusters, sk::executor_ref executor) {
    if (workload == "quantiles" || workload == "standard" || workload == "standard_fresh" || workload == "robust")
        return run_preparation<T>(workload, numbers, rows, features, executor);
    sk::dense_matrix<T> points(rows, features);    // in large pages, as numpy's arrays are
    for (std::size_t i = 0; i < rows * features; ++i) points.view().values[i] = static_cast<T>(numbers[i]);
    const std::vector<double> rest(numbers.begin() + static_cast<std::ptrdiff_t>(rows * features), numbers.end());
    const sk::matrix_view<const T> matrix = std::as_const(points).view();
    if (workload == "kmeans") {
        const sk::kmeans_options options{.n_clusters = clusters, .max_iter = 25, .tol = 0, .init = sk::kmeans_init::given, .centres = rest};
        return serve([&] {
            const sk::kmeans_fit fit = sk::fit_kmeans(matrix, options, executor);
            return std::pair(fit.model.inertia, fit.report.iterations);
        });
    }
    if (workload == "fit") {
        const sk::kmeans_options options{.n_clusters = clusters, .n_init = 10, .search = sk::kmeans_search::restarts};
        return serve([&] {
            const sk::kmeans_fit fit = sk::fit_kmeans(matrix, options, executor);
            return std::pair(fit.model.inertia, fit.report.iterations);
        });
    }
    if (workload == "pca" || workload == "pca_svd") {
        const sk::pca_options options{.n_components = clusters, .solver = workload == "pca" ? sk::pca_solver::automatic : sk::pca_solver::svd};
        return serve([&] { return sk::fit_pca(matrix, options, executor).transformed(matrix, executor); }, nothing_to_do{},
                     [](const sk::dense_matrix<double>& scores) { return std::pair(weighted_size(scores), std::size_t{1}); });
    }
    if (workload == "silhouette") {
        std::vector<std::int32_t> labels;
        for (double label : rest) labels.push_back(static_cast<std::int32_t>(label));
        return serve([&] { return std::pair(sk::silhouette(matrix, labels, executor).mean, std::size_t{1}); });
    }
    if constexpr (std::is_same_v<T, double>) {
        if (workload == "choose_k") {
            const sk::choose_k_options options{.k_max = clusters, .kmeans = {.n_init = 10, .search = sk::kmeans_search::restarts}};
            return serve([&] { return std::pair(static_cast<double>(sk::choose_k(matrix, options, executor).report.n_clusters), std::size_t{1}); });
        }
    }
    std::fprintf(stderr, "bench_models: no workload \"%s\"\n", workload.c_str());
    return 2;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 8) {
        std::fprintf(stderr, "bench_models <workload> f64|f32 <points file> <rows> <features> <clusters> <threads>\n");
        return 2;
    }
    const std::vector<double> numbers = read_numbers(arguments[3]);
    const std::size_t rows = std::strtoul(arguments[4], nullptr, 10), features = std::strtoul(arguments[5], nullptr, 10);
    const std::size_t clusters = std::strtoul(arguments[6], nullptr, 10);
    const auto threads = static_cast<unsigned>(std::strtoul(arguments[7], nullptr, 10));
    if (rows == 0 || numbers.size() < rows * features) {
        std::fprintf(stderr, "bench_models: the file holds fewer points than that\n");
        return 2;
    }
    const sk::threads pool(threads);
    if (std::strcmp(arguments[2], "f32") == 0) return run<float>(arguments[1], numbers, rows, features, clusters, pool);
    return run<double>(arguments[1], numbers, rows, features, clusters, pool);
}
