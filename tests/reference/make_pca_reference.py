#!/usr/bin/env python3
"""Runs scikit-learn's PCA on the data sets of make_kmeans_reference.py, and writes pca_reference.hpp beside itself.

Run it again with any scikit-learn >= 1.5: `python3 tests/reference/make_pca_reference.py`. All variances, and the first components, which
are unique up to their sign: where the largest loading is negative, component and scores are turned.
"""
import pathlib

import numpy as np
from make_kmeans_reference import fitted_sets, literal
from sklearn.decomposition import PCA

COMPONENTS = 4


def cases():
    """Name, name of the points, rows used, points."""
    for name, x, *_ in fitted_sets():
        yield name, name, len(x), x
        if name == "digits":
            yield "fewer_rows_than_features", name, 12, x[:12]


def main():
    entries = []
    for name, points, rows, x in cases():
        fitted = PCA(svd_solver="full").fit(x)
        variance = fitted.explained_variance_
        gaps = np.diff(np.append(variance, 0))
        kept = 0
        while kept < min(COMPONENTS, len(variance)) and variance[kept] > 1e-9 * variance[0] and -gaps[kept] > 1e-5 * variance[0]:
            kept += 1
        directions = fitted.components_[:kept]
        sign = np.sign(directions[np.arange(kept), np.abs(directions).argmax(1)])
        scores = ((x[-1] - fitted.mean_) @ directions.T) * sign
        entries.append(f'    {{"{name}", "{points}", {rows}, {literal(variance)},\n'
                       f"     {literal(directions * sign[:, None])},\n     {literal(scores)}}},")
    target = pathlib.Path(__file__).with_name("pca_reference.hpp")
    target.write_text("""// Values computed by make_pca_reference.py with scikit-learn; do not edit by hand.
#pragma once

#include <cstddef>
#include <vector>

namespace reference {

struct pca_case {
    const char* name;
    const char* points;    // whose they are in kmeans_reference.hpp
    std::size_t rows;      // the first so many
    std::vector<double> variance;
    std::vector<double> components;       // the first ones, each as long as there are features
    std::vector<double> last_scores;      // of the last row, along these
};

inline const std::vector<pca_case> pca_cases{
""" + "\n".join(entries) + "\n};\n\n}  // namespace reference\n")


if __name__ == "__main__":
    main()
