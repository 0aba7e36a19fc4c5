// segkit/decompose/detail/pca_core.hpp: principal components of a matrix (Pearson, 1901; Jolliffe, "Principal component analysis", 2002).
//
//     const pca_model model = segkit::fit_pca(matrix, {.n_components = 2}, segkit::threads(2));
//     auto model = segkit::estimate(segkit::pca_estimator{{.variance_share = 0.9}}, matrix);    // the same by states that merge
//
// By the covariance: one pass over the rows, then O(d^3); variances are exact to about 1e-15 of the largest. By singular values: one pass
// of twice the work, exact to the square of that. Randomised: a few passes, approximate. Includes Eigen; the model does not.
#pragma once

#include <Eigen/QR>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/decompose/detail/pca_model.hpp>
#include <segkit/decompose/detail/singular_values.hpp>
#include <segkit/decompose/detail/subspace.hpp>
#include <segkit/decompose/detail/symmetric_eigen.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/statistics/co_moments.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

enum class pca_solver {
    automatic,     // the covariance; in fit_pca, for fewer rows than features, svd
    covariance,    // one pass, d x d co-moments: the fastest where there are more rows than features
    svd,           // of the rows themselves: for components whose variance is below 1e-12 of the largest
    randomised     // n_components of very many features (Halko, Martinsson and Tropp, 2011); approximate
};

enum class pca_scores {
    projected,
    whitened    // divided by the deviation along their component: of variance 1
};

struct pca_options {
    std::size_t n_components = 0;    // 0: all, the lesser of rows and features
    double variance_share = 0;       // instead: as many components as explain at least this share of the variance; 0: not used
    pca_solver solver = pca_solver::automatic;
    pca_scores scores = pca_scores::projected;
    std::size_t n_oversamples = 10;    // this and what follows: of the randomised solver. Directions beyond n_components
    std::size_t n_iterations = 0;      // 0: 7 for fewer than a tenth of the features or rows, else 4
    std::uint64_t seed = 0;
};

constexpr std::string_view to_string(pca_solver solver) {
    switch (solver) {
        case pca_solver::automatic: return "automatic";
        case pca_solver::covariance: return "covariance";
        case pca_solver::svd: return "svd";
        case pca_solver::randomised: return "randomised";
    }
    return "unknown";
}

namespace detail {

inline constexpr std::string_view pca_stage_name = "pca";

inline void check_pca_options(const pca_options& options) {
    if (!(options.variance_share >= 0 && options.variance_share <= 1)) {
        throw_invalid_option(pca_stage_name, "variance_share", std::to_string(options.variance_share), "a share above 0 and up to 1", "0, the default, does not use it");
    }
    if (options.n_components > 0 && options.variance_share > 0) {
        throw_invalid_option(pca_stage_name, "variance_share", std::to_string(options.variance_share),
                             "either variance_share or n_components = " + std::to_string(options.n_components), "leave one of them out");
    }
    if (options.solver == pca_solver::randomised && options.variance_share > 0) {
        throw_invalid_option(pca_stage_name, "variance_share", std::to_string(options.variance_share), "n_components with the randomised solver",
                             "it does not find all the variances that a share is of; choose another solver");
    }
}

// At most so many components there are.
inline std::size_t check_pca_rows(const pca_options& options, std::size_t rows, std::size_t features) {
    if (features == 0) throw_empty(pca_stage_name, "features");
    if (rows < 2) {
        throw error(error_details{.code = error_code::too_few_rows, .stage = std::string(pca_stage_name), .found = "1 row", .expected = "at least 2"});
    }
    const std::size_t most = std::min(rows, features);
    if (options.n_components > most) {
        throw_invalid_option(pca_stage_name, "n_components", std::to_string(options.n_components),
                             "at most " + std::to_string(most) + ", the lesser of " + std::to_string(rows) + " rows and " + std::to_string(features) + " features");
    }
    return most;
}

// The model without components; `total` is the sum of the features' variances.
class pca_result {
public:
    pca_result(const pca_options& options, const row_centre& centre, double total)
        : options_(options), most_(check_pca_rows(options, static_cast<std::size_t>(centre.count), centre.width())), total_(total) {
        model_.n_rows = static_cast<std::size_t>(centre.count);
        model_.n_features = centre.width();
        model_.mean = centre.means;
        model_.whitened = options.scores == pca_scores::whitened;
        if (options.variance_share > 0 && !(total > 0)) {
            throw_invalid_option(pca_stage_name, "variance_share", std::to_string(options.variance_share), "features that vary",
                                 "all features are constant: there is no variance to explain a share of");
        }
    }

    // Takes the first variances, descending, as many as are asked for. Returns their number.
    template <class Variance>
    std::size_t take_variances(Variance variance) {
        const std::size_t wanted = options_.n_components == 0 ? most_ : options_.n_components;
        double explained = 0;
        while (model_.n_components < wanted) {
            const double v = std::max(0.0, variance(model_.n_components)), share = total_ > 0 ? v / total_ : 0;
            model_.explained_variance.push_back(v);
            model_.explained_variance_ratio.push_back(share);
            model_.singular_values.push_back(std::sqrt(v * static_cast<double>(model_.n_rows - 1)));
            ++model_.n_components;
            explained += share;
            if (options_.variance_share > 0 && explained >= options_.variance_share * (1 - 1e-12)) break;
        }
        return model_.n_components;
    }
    // A component has no sign of its own: the largest loading shall be positive, the first of those within 1e-9 of it, so that
    // loadings equal but for rounding do not decide differently on another machine.
    template <class Column>
    void add_component(const Column& vector) {
        double largest = 0;
        for (Eigen::Index j = 0; j < vector.size(); ++j) largest = std::max(largest, std::fabs(vector(j)));
        Eigen::Index first = 0;
        while (std::fabs(vector(first)) < largest * (1 - 1e-9)) ++first;
        const double sign = vector(first) < 0 ? -1 : 1;
        for (Eigen::Index j = 0; j < vector.size(); ++j) model_.components.push_back(sign * vector(j));
    }
    pca_model take() { return std::move(model_); }

private:
    pca_options options_;
    std::size_t most_;
    double total_;
    pca_model model_;
};

}  // namespace detail

// Learns by the covariance. States are co-moments: they merge, and those of files, processes and days add up to one model.
struct pca_estimator {
    using state = co_moments::state;
    pca_options options{};

    state start() const {
        detail::check_pca_options(options);
        if (options.solver == pca_solver::svd || options.solver == pca_solver::randomised) {
            detail::throw_invalid_option(detail::pca_stage_name, "solver", std::string(to_string(options.solver)), "covariance, which is what pca_estimator does",
                                         "use pca_svd_estimator or fit_pca");
        }
        return {};
    }
    void update(state& s, matrix_view<const double> block) const { rows.update(s, block); }
    void update(state& s, matrix_view<const float> block) const { rows.update(s, block); }
    void merge(state& s, const state& other) const { rows.merge(s, other); }

    pca_model finish(const state& s) const {
        s.fetch();
        rows.require_finite(s);
        const std::size_t d = s.width();
        double total = 0;
        for (std::size_t j = 0; j < d; ++j) total += s.covariance(j, j, 1);
        detail::pca_result result(options, s, total);
        const detail::symmetric_eigen eigen(d, options.n_components == 0 ? d : options.n_components, [&](std::size_t i, std::size_t j) { return s.product(i, j); });
        const Eigen::MatrixXd vectors = eigen.vectors(result.take_variances([&](std::size_t c) { return eigen.value(c) / static_cast<double>(s.count - 1); }));
        for (Eigen::Index c = 0; c < vectors.cols(); ++c) result.add_component(vectors.col(c));
        return result.take();
    }

private:
    static constexpr co_moments rows{.stage = detail::pca_stage_name};
};

// Learns by the singular values of the rows, of which a state keeps the triangular factor: one pass and mergeable as well.
struct pca_svd_estimator {
    struct state : detail::row_centre {
        std::vector<double> factor;    // d x d, upper triangular, row by row: factor' * factor is the matrix of co-moments

        // As of co_moments.
        template <class Columns>
        state scaled(const Columns& columns) const {
            state s = *this;
            s.rescale(columns);
            for (std::size_t i = 0; i < width(); ++i)
                for (std::size_t j = 0; j < width(); ++j) s.factor[i * width() + j] /= columns[j].scale;
            return s;
        }

        friend bool operator==(const state&, const state&) = default;

        template <class Archive>
        void serialize(Archive& archive) {
            detail::row_centre::serialize(archive);
            archive.field("factor", factor);
            detail::require_one_model(detail::pca_stage_name, factor.size() == width() * width());
        }
    };
    pca_options options{};

    state start() const {
        detail::check_pca_options(options);
        return {};
    }
    void update(state& s, matrix_view<const double> block) const { add(s, block); }
    void update(state& s, matrix_view<const float> block) const { add(s, block); }

    void merge(state& s, const state& other) const {
        detail::merge_centred(detail::pca_stage_name, s, other, [&](const std::vector<double>& gaps) {
            const std::size_t d = s.width();
            detail::centred_tile tile(d);
            const std::vector<double> zeros(d);
            for (std::size_t first = 0; first < d; first += detail::panel_rows) {
                const std::size_t n = std::min(detail::panel_rows, d - first);
                tile.pack(row_major(other.factor.data() + first * d, n, d), zeros.data());
                take(s, tile, n);
            }
            tile.pack(row_major(gaps.data(), 1, d), zeros.data());
            take(s, tile, 1);
        });
    }

    pca_model finish(const state& s) const {
        if (s.count == 0) detail::throw_empty(detail::pca_stage_name);
        const std::size_t d = s.width();
        const double divisor = static_cast<double>(s.count - 1);
        double total = 0;
        for (std::size_t j = 0; j < d; ++j) {
            double squares = 0;
            for (std::size_t i = 0; i <= j; ++i) squares += s.factor[i * d + j] * s.factor[i * d + j];
            detail::require_finite_squares(detail::pca_stage_name, s.means[j], squares, j);
            total += squares / divisor;
        }
        detail::pca_result result(options, s, total);
        const detail::one_sided_jacobi svd(d, [&](std::size_t i, std::size_t j) { return i <= j ? s.factor[i * d + j] : 0.0; });
        const std::size_t kept = result.take_variances([&](std::size_t c) { return svd.value(c) * svd.value(c) / divisor; });
        for (std::size_t c = 0; c < kept; ++c) result.add_component(svd.vector(c));
        return result.take();
    }

private:
    static void take(state& s, detail::centred_tile& tile, std::size_t rows) { tile.kernels().add_to_factor(tile.values(), rows, s.width(), s.factor.data()); }

    template <class T>
    void add(state& to, matrix_view<const T> block) const {
        detail::update_or_leave(detail::pca_stage_name, to, block, [&](state& s) {
            detail::add_centred_rows(
                detail::pca_stage_name, s, block, [&](std::size_t d) { s.factor.assign(d * d, 0.0); },
                [&](detail::centred_tile& tile, std::size_t n, detail::read_ahead) { take(s, tile, n); });
        });
    }
};

namespace detail {

// An orthonormal basis of the columns, which are the squares of values: divided by powers of two, so that their own squares are numbers.
inline Eigen::MatrixXd orthonormal(Eigen::MatrixXd columns) {
    for (Eigen::Index c = 0; c < columns.cols(); ++c) {
        const double largest = columns.col(c).cwiseAbs().maxCoeff();
        if (largest > 0 && is_finite(largest)) columns.col(c) = columns.col(c).unaryExpr([power = std::ilogb(largest)](double value) { return std::ldexp(value, -power); }).eval();
    }
    Eigen::MatrixXd basis = Eigen::MatrixXd::Identity(columns.rows(), columns.cols());
    basis.applyOnTheLeft(Eigen::HouseholderQR<Eigen::MatrixXd>(columns).householderQ());
    return basis;
}

using row_major_matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Subspace iteration from random signs, then the eigenvectors of the covariance within the subspace (Halko, Martinsson and Tropp, 2011).
template <class T>
pca_model fit_randomised(matrix_view<const T> rows, const pca_options& options, executor_ref executor) {
    const std::size_t most = check_pca_rows(options, rows.rows, rows.columns), d = rows.columns;
    const std::size_t wanted = options.n_components == 0 ? most : options.n_components, directions = wanted + std::min(options.n_oversamples, most - wanted);
    const std::size_t iterations = options.n_iterations > 0 ? options.n_iterations : 10 * wanted < most ? 7 : 4;
    const auto height = static_cast<Eigen::Index>(d), width = static_cast<Eigen::Index>(directions);
    const counter_random random(options.seed, 6);
    Eigen::MatrixXd basis(height, width);
    for (std::size_t c = 0; c < directions; ++c)
        for (std::size_t j = 0; j < d; ++j) basis(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(c)) = (random.bits(c * d + j) >> 63) != 0 ? 1 : -1;
    subspace_pass pass{std::vector<double>(d * directions), d, directions};
    subspace_pass::state seen;
    for (std::size_t iteration = 0;; ++iteration) {
        basis = orthonormal(basis);
        Eigen::Map<row_major_matrix>(pass.basis.data(), height, width) = basis;
        seen = estimate(pass, rows, executor);
        const Eigen::Map<const row_major_matrix> image(seen.image.data(), height, width);
        if (iteration == iterations) {
            double total = 0;
            for (double squares : seen.squares) total += squares / static_cast<double>(seen.count - 1);
            pca_result result(options, seen, total);
            const Eigen::MatrixXd covariance = basis.transpose() * image / static_cast<double>(seen.count - 1);
            const symmetric_eigen eigen(directions, wanted, [&](std::size_t i, std::size_t j) { return covariance(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)); });
            const std::size_t kept = result.take_variances([&](std::size_t c) { return eigen.value(c); });
            const Eigen::MatrixXd components = basis * eigen.vectors(kept);
            for (Eigen::Index c = 0; c < components.cols(); ++c) result.add_component(components.col(c));
            return result.take();
        }
        basis = image;
    }
}

// Fewer rows than features: the singular values of the triangular factor of the transposed rows, which is rows x rows.
template <class T>
pca_model fit_wide(matrix_view<const T> rows, const pca_options& options) {
    row_centre centre;
    const auto height = static_cast<Eigen::Index>(rows.columns), width = static_cast<Eigen::Index>(rows.rows);
    add_centred_rows(pca_stage_name, centre, rows, [](std::size_t) {}, [](const centred_tile&, std::size_t, read_ahead) {});
    Eigen::MatrixXd centred(height, width);    // a column per row
    double total = 0;
    for (std::size_t j = 0; j < rows.columns; ++j) {
        double squares = 0;
        for (std::size_t i = 0; i < rows.rows; ++i) {
            const double value = (static_cast<double>(rows(i, j)) - centre.means[j]) - centre.mean_tails[j];
            centred(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)) = value;
            squares += value * value;
        }
        require_finite_squares(pca_stage_name, centre.means[j], squares, j);
        total += squares / static_cast<double>(rows.rows - 1);
    }
    pca_result result(options, centre, total);
    const Eigen::HouseholderQR<Eigen::MatrixXd> factors(centred);
    const one_sided_jacobi svd(rows.rows, [&](std::size_t i, std::size_t j) {    // of the transposed triangular factor
        return j <= i ? factors.matrixQR()(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)) : 0.0;
    });
    const std::size_t kept = result.take_variances([&](std::size_t c) { return svd.value(c) * svd.value(c) / static_cast<double>(rows.rows - 1); });
    Eigen::MatrixXd components = Eigen::MatrixXd::Zero(height, static_cast<Eigen::Index>(kept));
    for (std::size_t c = 0; c < kept; ++c) components.col(static_cast<Eigen::Index>(c)).head(width) = svd.vector(c);
    components.applyOnTheLeft(factors.householderQ());
    for (Eigen::Index c = 0; c < components.cols(); ++c) result.add_component(components.col(c));
    return result.take();
}

template <class T>
pca_model fit_pca_to(matrix_view<const T> rows, const pca_options& options, executor_ref executor) {
    check_pca_options(options);
    if (rows.rows == 0) throw_empty(pca_stage_name);
    check_pca_rows(options, rows.rows, rows.columns);
    switch (options.solver) {
        case pca_solver::randomised: return fit_randomised(rows, options, executor);
        case pca_solver::covariance: return estimate(pca_estimator{options}, rows, executor);
        case pca_solver::automatic:
            if (rows.rows >= rows.columns) return estimate(pca_estimator{options}, rows, executor);
            break;
        case pca_solver::svd: break;
    }
    return rows.rows < rows.columns ? fit_wide(rows, options) : estimate(pca_svd_estimator{options}, rows, executor);
}

}  // namespace detail

// Rows of a matrix by the solver that the options name. The same bits for any executor.
inline pca_model fit_pca(matrix_view<const double> rows, const pca_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_pca_to(rows, options, executor);
}
inline pca_model fit_pca(matrix_view<const float> rows, const pca_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_pca_to(rows, options, executor);
}

}  // namespace SEGKIT_NAMESPACE
