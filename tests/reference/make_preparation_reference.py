#!/usr/bin/env python3
"""Prepares the points of make_kmeans_reference.py with scikit-learn, scipy and numpy, and writes preparation_reference.hpp beside itself.

Run it again with any scikit-learn >= 1.4: `python3 tests/reference/make_preparation_reference.py`. Where a method minds neither offset
nor scale, points are moved to the origin and to the scale of 1 first: the peers' own arithmetic needs it. Missing values come from a
formula that the test repeats. Of each result the third row and the last are kept.
"""
import pathlib
import warnings

import numpy as np
from scipy.stats import mstats
from sklearn import preprocessing
from sklearn.impute import SimpleImputer

from make_kmeans_reference import at_origin, fitted_sets, literal

warnings.filterwarnings("ignore")
METHODS = ["standard", "sample", "min_max", "max_abs", "robust", "robust_wide", "logarithm", "uniform", "normal", "counts", "quantiles"]


def prepared(x, y):
    """`x` as it is, `y` moved and scaled; in the order of METHODS."""
    deviation = y.std(0, ddof=1)
    n = min(17, len(y))    # shares that are whole sixteenths fall on ties exactly
    yield preprocessing.StandardScaler().fit_transform(y)
    yield (y - y.mean(0)) / np.where(deviation == 0, 1, deviation)
    yield preprocessing.MinMaxScaler((-1, 2)).fit_transform(y)
    yield x / np.where(np.abs(x).max(0) == 0, 1, np.abs(x).max(0))
    yield preprocessing.RobustScaler().fit_transform(y)
    yield preprocessing.RobustScaler(quantile_range=(10.0, 90.0)).fit_transform(y)
    yield np.log1p(np.abs(x))
    yield preprocessing.QuantileTransformer(n_quantiles=n, subsample=None).fit_transform(y)
    yield preprocessing.QuantileTransformer(n_quantiles=n, subsample=None, output_distribution="normal").fit_transform(y)
    yield np.column_stack([np.asarray(mstats.winsorize(x[:, j], limits=(0.1, 0.1))) for j in range(x.shape[1])])
    yield np.clip(x, np.quantile(x, 0.1, axis=0), np.quantile(x, 0.9, axis=0))


def case(name, x):
    y = at_origin(name, x)
    holes = y.copy()
    i, j = np.indices(x.shape)
    holes[(i * 7 + j * 3) % 5 == 0] = np.nan
    results = [literal(result[[2, -1]]) for result in prepared(x, y)]
    imputed = [literal(SimpleImputer(strategy=s).fit(holes).statistics_) for s in ("mean", "median", "most_frequent")]
    quartiles = literal(np.quantile(x, [0.25, 0.5, 0.75], axis=0).T)
    return f'    {{"{name}", {{{", ".join(results)}}}, {{{", ".join(imputed)}}}, {quartiles}}},'


def main():
    cases = [case(name, x) for name, x, *_ in fitted_sets()]
    pathlib.Path(__file__).with_name("preparation_reference.hpp").write_text(f"""// Values computed by make_preparation_reference.py with scikit-learn, scipy and numpy; do not edit by hand.
#pragma once

#include <cstddef>
#include <vector>

#include "kmeans_reference.hpp"

namespace reference {{

enum preparation_method {{ {", ".join(METHODS)} }};

// Of the points of the case of the same place and name.
struct preparation_case {{
    const char* name;
    std::vector<std::vector<double>> rows;       // of each method the third row of the result, then the last
    std::vector<std::vector<double>> imputed;    // mean, median, most frequent; of points at the origin and the scale of 1
    std::vector<double> quartiles;               // of each feature three

    const std::vector<double>& of(preparation_method m) const {{ return rows[static_cast<std::size_t>(m)]; }}
}};

inline bool is_hole(std::size_t row, std::size_t feature) {{ return (row * 7 + feature * 3) % 5 == 0; }}

inline const std::vector<preparation_case> preparation_cases = {{
""" + "\n".join(cases) + "\n};\n\n}  // namespace reference\n")


if __name__ == "__main__":
    main()
