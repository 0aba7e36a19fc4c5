#!/usr/bin/env python3
"""Computes the peer values that the numeric tests compare with, and writes numeric_reference.hpp beside itself.

Run it again with any scikit-learn >= 1.4: `python3 tests/reference/make_numeric_reference.py`. The points come from a formula
that the tests repeat exactly (reference_point), so that no data file is needed.
"""
import pathlib

import numpy as np
from sklearn import cluster, decomposition, metrics, preprocessing

ROWS, COLUMNS, CLUSTERS = 240, 4, 4
KINDS = {"linear": "linear", "lower": "lower", "higher": "higher", "nearest": "nearest", "discrete": "inverted_cdf"}
PROBABILITIES = [0.0, 0.1, 0.25, 0.5, 0.77, 0.9, 1.0]


def points():
    """Whole multiples of 1/64: the same bits in every language."""
    x = np.empty((ROWS, COLUMNS))
    for i in range(ROWS):
        for j in range(COLUMNS):
            noise = (i * 7919 + j * 104729 + i * i * 31 + i * j * 17) % 257
            x[i, j] = noise / 64 + (i % CLUSTERS) * (3 if j % 2 else -2) + (5 if j == 3 and i % 3 == 0 else 0)
    return x


def literal(values):
    return "{" + ", ".join(repr(float(v)) for v in np.ravel(values)) + "}"


def main():
    x = points()
    out = []

    def array(name, values):
        values = np.ravel(values)
        out.append(f"inline constexpr double {name}[{len(values)}] = {literal(values)};")

    def number(name, value):
        out.append(f"inline constexpr double {name} = {float(value)!r};")

    array("mean", x.mean(0))
    array("variance", x.var(0))
    array("covariance", np.cov(x.T))
    array("probabilities", PROBABILITIES)
    for kind, method in KINDS.items():
        array(f"quantiles_{kind}", [[np.quantile(x[:, j], q, method=method) for q in PROBABILITIES] for j in range(COLUMNS)])
    scaled = preprocessing.StandardScaler().fit_transform(x)
    array("standard_scaled_row_17", scaled[17])
    array("min_max_scaled_row_17", preprocessing.MinMaxScaler((-1, 2)).fit_transform(x)[17])

    pca = decomposition.PCA(svd_solver="full").fit(x)
    flip = np.sign(pca.components_[np.arange(COLUMNS), np.abs(pca.components_).argmax(1)])    # segkit's rule for the sign
    array("pca_components", pca.components_ * flip[:, None])
    array("pca_explained_variance", pca.explained_variance_)
    array("pca_explained_variance_ratio", pca.explained_variance_ratio_)
    array("pca_singular_values", pca.singular_values_)
    array("pca_transformed_row_17", pca.transform(x)[17] * flip)

    given = x[:5].copy()
    lloyd = cluster.KMeans(5, init=given, n_init=1, tol=0).fit(x)
    array("lloyd_centres", lloyd.cluster_centers_)
    number("lloyd_inertia", lloyd.inertia_)
    number("lloyd_iterations", lloyd.n_iter_)
    best = min(cluster.KMeans(CLUSTERS, n_init=50, tol=0, random_state=s).fit(x).inertia_ for s in range(5))
    number("best_inertia", best)

    labels = (np.arange(ROWS) * 5 // 3) % 3
    labels[0] = 7    # a cluster of one
    number("silhouette", metrics.silhouette_score(x, labels))
    samples = metrics.silhouette_samples(x, labels)
    array("silhouette_first_samples", samples[:6])
    number("silhouette_lloyd", metrics.silhouette_score(x, lloyd.labels_))
    number("calinski_harabasz", metrics.calinski_harabasz_score(x, labels))
    number("davies_bouldin", metrics.davies_bouldin_score(x, labels))
    number("calinski_harabasz_lloyd", metrics.calinski_harabasz_score(x, lloyd.labels_))
    number("davies_bouldin_lloyd", metrics.davies_bouldin_score(x, lloyd.labels_))
    other = np.arange(ROWS) % 4
    number("adjusted_rand", metrics.adjusted_rand_score(labels, other))
    number("adjusted_rand_close", metrics.adjusted_rand_score(lloyd.labels_, other))

    header = f"""// Values computed by make_numeric_reference.py with numpy and scikit-learn; do not edit by hand.
#pragma once

#include <cstddef>

#include "../support/matrices.hpp"

namespace reference {{

inline constexpr std::size_t rows = {ROWS}, columns = {COLUMNS}, clusters = {CLUSTERS};

// The points of the script: whole multiples of 1/64, the same bits in every language.
inline support::matrix points() {{
    support::matrix x(rows, columns);
    for (std::size_t i = 0; i < rows; ++i) {{
        for (std::size_t j = 0; j < columns; ++j) {{
            const std::size_t noise = (i * 7919 + j * 104729 + i * i * 31 + i * j * 17) % 257;
            const double offset = j % 2 != 0 ? 3 : -2;
            x(i, j) = static_cast<double>(noise) / 64 + static_cast<double>(i % clusters) * offset + (j == 3 && i % 3 == 0 ? 5 : 0);
        }}
    }}
    return x;
}}

"""
    target = pathlib.Path(__file__).with_name("numeric_reference.hpp")
    target.write_text(header + "\n".join(out) + "\n\n}  // namespace reference\n")


main()
