#!/usr/bin/env python3
"""Measures the clusters of make_kmeans_reference.py with scikit-learn, and writes evaluation_reference.hpp beside itself.

Run it again with any scikit-learn >= 1.4: `python3 tests/reference/make_evaluation_reference.py`. Points are moved to the origin and to
the scale of 1 first, which no measure minds and the peer's own arithmetic needs. The second labels come from a formula that the test repeats.
"""
import pathlib

import numpy as np
from sklearn import metrics

from make_kmeans_reference import at_origin, fitted_sets


def other_labels(n):
    i = np.arange(n)
    return (i * 7919 + i * i) % 5 * 3 - 4


def row(name, x, labels):
    n, k = len(x), len(set(labels))
    x = at_origin(name, x)
    distances = np.sqrt(((x[:, None, :] - x[None, :, :]) ** 2).sum(2))
    measured = 1 < k < n
    silhouettes = metrics.silhouette_samples(distances, labels, metric="precomputed") if measured else [0.0] * 3
    other = other_labels(n)
    values = [
        metrics.calinski_harabasz_score(x, labels) if measured else 0.0,
        metrics.davies_bouldin_score(x, labels) if measured else 0.0,
        np.mean(silhouettes) if measured else 0.0,
        silhouettes[0],
        silhouettes[2],
        metrics.adjusted_rand_score(labels, other),
        metrics.mutual_info_score(labels, other),
        metrics.normalized_mutual_info_score(labels, other),
        *metrics.homogeneity_completeness_v_measure(labels, other),
        metrics.cluster.contingency_matrix(labels, other).max(0).sum() / n,
        metrics.fowlkes_mallows_score(labels, other),
    ]
    return f'    {{"{name}", {", ".join(repr(float(v)) for v in values)}}},'


def main():
    rows = [row(name, x, list(fitted.labels_)) for name, x, _, _, fitted in fitted_sets()]
    pathlib.Path(__file__).with_name("evaluation_reference.hpp").write_text("""// Values computed by make_evaluation_reference.py with scikit-learn; do not edit by hand.
#pragma once

#include "kmeans_reference.hpp"

namespace reference {

// Of the points and labels of the case of the same place and name; of these labels and other_labels(). Zeros where a measure has no value.
struct evaluation_case {
    const char* name;
    double calinski_harabasz, davies_bouldin, silhouette, first_sample, third_sample;
    double adjusted_rand, mutual_information, normalised_mutual_information, homogeneity, completeness, v_measure, purity, fowlkes_mallows;
};

inline std::vector<std::int32_t> other_labels(std::size_t n) {
    std::vector<std::int32_t> labels(n);
    for (std::size_t i = 0; i < n; ++i) labels[i] = static_cast<std::int32_t>((i * 7919 + i * i) % 5 * 3) - 4;
    return labels;
}

inline const std::vector<evaluation_case> evaluation_cases{
""" + "\n".join(rows) + "\n};\n\n}  // namespace reference\n")


if __name__ == "__main__":
    main()
