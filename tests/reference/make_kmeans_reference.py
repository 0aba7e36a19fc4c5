#!/usr/bin/env python3
"""Runs scikit-learn's k-means on data sets of many kinds, from given centres, and writes kmeans_reference.hpp beside itself.

Run it again with any scikit-learn >= 1.4: `python3 tests/reference/make_kmeans_reference.py`. Points are whole multiples of 1/64 times
a power of two (plus a whole offset), so that they are the same bits as text. Sets where a cluster comes out empty are left out:
there the rules differ.
"""
import pathlib

import numpy as np
from sklearn import cluster, datasets, metrics

random = np.random.default_rng(20)


def grid(x):
    return np.round(np.asarray(x, dtype=float) * 64) / 64


def sets():
    iris, wine = datasets.load_iris().data, datasets.load_wine().data
    blobs = datasets.make_blobs(90, 3, centers=4, random_state=3)[0]
    skewed = datasets.make_blobs(80, 2, centers=3, random_state=170)[0] @ np.array([[0.6, -0.64], [-0.41, 0.85]])
    yield "iris", iris, 3
    yield "wine", wine[:, [0, 1, 6, 9, 12]], 3
    yield "digits", datasets.load_digits().data[:40, 10:30], 10
    yield "blobs", blobs, 4
    yield "anisotropic", skewed, 3
    yield "moons", datasets.make_moons(70, noise=0.06, random_state=1)[0] * 4, 4
    yield "circles", datasets.make_circles(70, noise=0.05, factor=0.5, random_state=1)[0] * 4, 5
    yield "duplicates", np.repeat(blobs[:20], 5, axis=0), 4
    constant = blobs[:60].copy()
    constant[:, 1] = 7
    yield "constant_column", constant, 3
    yield "one_feature", random.normal(0, 4, (75, 1)), 5
    yield "as_many_clusters_as_points", blobs[:12], 12
    yield "large_offset", blobs[:80] + 1e9, 4
    yield "tiny_scale", grid(blobs[:80]) * 2.0**-60, 4
    yield "mixed_scales", blobs[:80] * np.array([1, 1024, 1 / 16]), 4
    yield "one_cluster", blobs[:50], 1


def literal(values):
    return "{" + ", ".join(repr(float(v)) for v in np.ravel(values)) + "}"


def place_of(name):
    """Shift and scale of the set of this name."""
    return (1e9, 1.0) if name == "large_offset" else (0.0, 2.0**-60) if name == "tiny_scale" else (0.0, 1.0)


def at_origin(name, x):
    """The set of this name moved to the origin and to the scale of 1."""
    shift, scale = place_of(name)
    return (x - shift) / scale


def fitted_sets():
    """Name, points, number of clusters, initial centres and the fit."""
    for name, x, k in sets():
        x = x if name == "tiny_scale" else grid(x)
        step = max(1, len(x) // k)
        first = x[np.arange(k) * step] if name != "duplicates" else x[np.arange(k) * 15]
        fitted = cluster.KMeans(k, init=first, n_init=1, tol=0, max_iter=300, algorithm="lloyd").fit(x)
        assert len(np.unique(fitted.labels_)) == k, name
        yield name, x, k, first, fitted


def main():
    entries = []
    for name, x, k, first, fitted in fitted_sets():
        exact = sum(float((x[fitted.labels_ == c] - x[fitted.labels_ == c].mean(0)).__pow__(2).sum()) for c in range(k))
        distances = np.sqrt(((x[:, None, :] - x[None, :, :]) ** 2).sum(2))    # of differences: at large offsets the peer's own would cancel
        silhouette = metrics.silhouette_score(distances, fitted.labels_, metric="precomputed") if 1 < k < len(x) else 0.0
        shift, scale = place_of(name)
        whole = at_origin(name, x) * 64
        assert np.array_equal(whole, np.round(whole)) and np.array_equal(whole / 64 * scale + shift, x), name
        labels = ", ".join(map(str, fitted.labels_))
        starts = ", ".join(str(int(np.flatnonzero((x == c).all(1))[0])) for c in first)
        points = ", ".join(str(int(v)) for v in whole.ravel())
        entries.append(f"    {{\"{name}\", {x.shape[1]}, {k}, {shift!r}, {scale!r}, {exact!r}, {silhouette!r},\n     {{{points}}},\n     {{{starts}}},\n     {{{labels}}}}},")
    target = pathlib.Path(__file__).with_name("kmeans_reference.hpp")
    target.write_text("""// Values computed by make_kmeans_reference.py with scikit-learn; do not edit by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../support/matrices.hpp"

namespace reference {

struct kmeans_case {
    const char* name;
    std::size_t columns, clusters;
    double shift, scale;
    double inertia;                       // of the peer's clusters around their means
    double silhouette;                    // 0 where there is none
    std::vector<std::int32_t> whole;      // points in 64ths of the scale, from the shift
    std::vector<std::size_t> first;       // rows of the initial centres
    std::vector<std::int32_t> labels;

    support::matrix points() const {
        support::matrix x(whole.size() / columns, columns);
        for (std::size_t i = 0; i < whole.size(); ++i) x.values[i] = static_cast<double>(whole[i]) / 64 * scale + shift;
        return x;
    }
};

inline const std::vector<kmeans_case> kmeans_cases{
""" + "\n".join(entries) + "\n};\n\n}  // namespace reference\n")


if __name__ == "__main__":
    main()
