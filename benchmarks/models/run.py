"""Runs segkit's k-means, silhouette, choice of k, quantiles, scalers and PCA and the peers' by the rules of docs/benchmarks.md.

    python run.py --program build/bench/benchmarks/models/bench_models [--threads 1,2] [--workloads kmeans_1m_8_6_f64] [--runs 5] [--simd avx2]

Runs in an interpreter with the packages of requirements.txt; a peer that is absent is named and left out. Each engine has a process of
its own per workload, pinned to as many cores as it may have threads; after one warm-up the runs alternate. k-means: 25 of Lloyd's
steps from the same initial centres; inertia must agree to 1e-10 in double, 1e-5 in float (2e-3 with 100 clusters). Quantiles and
scaled values must agree to 1e-12, in float to 1e-5. PCA, by the covariance and by singular values: fit and scores along 8 components,
which must agree to 1e-9, in float to 1e-4; OpenBLAS is told to use its AVX-512 kernels where it does not know the CPU. Writes models.json
under --out.
"""

import argparse
import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

Workload = collections.namedtuple("Workload", "name kind dtype rows features clusters peers")

LLOYD = ("sklearn", "sklearnex", "faiss")
PCA = ("sklearn_full", "sklearn_covariance", "sklearnex")
SIZES = [(1_000_000, 8, 6), (1_000_000, 16, 8), (1_000_000, 16, 64), (200_000, 64, 100), (10_000_000, 4, 5)]


def short(n):
    return f"{n // 1_000_000}m" if n % 1_000_000 == 0 else f"{n // 1000}k" if n % 1000 == 0 else str(n)


WORKLOADS = [Workload(f"kmeans_{short(n)}_{d}_{k}_{t}", "kmeans", t, n, d, k, LLOYD if t == "f32" else LLOYD[:2]) for n, d, k in SIZES for t in ("f64", "f32")]
WORKLOADS += [Workload("fit_5998_12_6", "fit", "f64", 5998, 12, 6, LLOYD[:2]), Workload("silhouette_5998_12", "silhouette", "f64", 5998, 12, 6, ("sklearn",)),
              Workload("silhouette_50k_12", "silhouette", "f64", 50_000, 12, 6, ("sklearn",)), Workload("silhouette_5998_12_f32", "silhouette", "f32", 5998, 12, 6, ("sklearn",)),
              Workload("choose_k_5998_12", "choose_k", "f64", 5998, 12, 8, LLOYD[:2])]
PREPARATION = ("quantiles", "standard", "standard_fresh", "robust")
WORKLOADS += [Workload("quartiles_5400k_10_f64", "quantiles", "f64", 5_400_000, 10, 0, ("numpy",))]
WORKLOADS += [Workload(f"{kind}_scale{suffix}_1m_16_{t}", name, t, 1_000_000, 16, 0, LLOYD[:2]) for t in ("f64", "f32")
              for name, kind, suffix in (("standard", "standard", ""), ("standard_fresh", "standard", "_fresh"), ("robust", "robust", ""))]
WORKLOADS += [Workload(f"{kind}_{short(n)}_{d}{suffix}", kind, t, n, d, 8, peers) for n, d in [(1_000_000, 16), (100_000, 64), (10_000, 256)]
              for kind, suffix, t, peers in (("pca", "", "f64", PCA), ("pca", "_f32", "f32", PCA), ("pca_svd", "", "f64", PCA[:1]))]


def make_data(w, folder):
    """Overlapping clouds, so that 25 steps do not converge; the first k rows of a shuffled copy are the initial centres."""
    import numpy as np
    kind = "preparation" if w.kind in PREPARATION else w.kind.removesuffix("_svd")
    file = folder / f"{kind}_{w.rows}_{w.features}_{w.clusters}.bin"
    if file.exists():
        return file
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7 if kind == "preparation" else w.rows + w.features + w.clusters)
    if kind == "preparation":
        random.gamma(2, 50, w.rows * w.features).tofile(file)
    elif kind == "pca":    # correlated features away from zero
        (random.normal(size=(w.rows, w.features)) @ random.normal(size=(w.features, w.features)) + 3).tofile(file)
    else:
        centres = random.normal(0, 1, (w.clusters, w.features))
        own = random.integers(0, w.clusters, w.rows)
        points = centres[own] + random.normal(0, 2, (w.rows, w.features))
        rest = points[random.choice(w.rows, w.clusters, replace=False)] if kind == "kmeans" else own.astype(float) if kind == "silhouette" else np.empty(0)
        np.concatenate([points.ravel(), rest.ravel()]).tofile(file)
    return file


# ---- a peer, in a process of its own

def peer_work(peer, w, file, threads):
    import warnings
    import numpy as np
    warnings.filterwarnings("ignore")
    numbers = np.fromfile(file)
    dtype = np.float32 if w.dtype == "f32" else np.float64
    points = numbers[:w.rows * w.features].reshape(w.rows, w.features).astype(dtype)
    rest = numbers[w.rows * w.features:]
    if w.kind == "quantiles":
        columns = points.reshape(w.features, w.rows)
        return points, lambda: (float((np.quantile(columns, [0.25, 0.75], axis=1) * [[1], [2]]).sum()), 1)
    if peer == "sklearnex":
        import sklearnex
        sklearnex.patch_sklearn(verbose=False)
    if w.kind in PREPARATION:
        from sklearn.preprocessing import RobustScaler, StandardScaler
        work = points.copy()
        last = []    # the result lives until the next, as ours does

        def scale():
            scaler = (RobustScaler if w.kind == "robust" else StandardScaler)(copy=w.kind == "standard_fresh")
            last[:] = [scaler.fit_transform(points if w.kind == "standard_fresh" else work)]
            first, end = last[0][[0, -1]].astype(float)
            return float((first * np.arange(1, w.features + 1)).sum() + end.sum()), 1
        return points, scale, (lambda: np.copyto(work, points))
    if w.kind in ("pca", "pca_svd"):
        from sklearn.decomposition import PCA
        solver = "full" if peer == "sklearn_full" else "covariance_eigh"
        return points, lambda: PCA(w.clusters, svd_solver=solver).fit_transform(points)
    if w.kind == "silhouette":
        from sklearn.metrics import silhouette_score
        labels = rest.astype(int)
        return points, lambda: (float(silhouette_score(points, labels)), 1)
    if w.kind == "choose_k":    # every k up to the workload's, and every criterion, as a program of its own would
        from sklearn.cluster import KMeans
        from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

        def choose():
            scores = {}
            for k in range(2, w.clusters + 1):
                labels = KMeans(k, n_init=10, random_state=0).fit(points).labels_
                scores[k] = silhouette_score(points, labels), calinski_harabasz_score(points, labels), davies_bouldin_score(points, labels)
            return float(max(scores, key=lambda k: scores[k][0])), 1
        return points, choose
    if peer == "faiss":
        import faiss
        faiss.omp_set_num_threads(threads)
        centres = rest.astype(np.float32)

        def train():
            clustering = faiss.Clustering(w.features, w.clusters)
            clustering.niter = 25
            clustering.max_points_per_centroid = 10**9
            clustering.min_points_per_centroid = 1
            faiss.copy_array_to_vector(centres, clustering.centroids)
            index = faiss.IndexFlatL2(w.features)
            clustering.train(points, index)
            found, _ = index.search(points, 1)      # its own figure is that of the step before
            return float(found.sum(dtype=np.float64)), 25
        return points, train
    from sklearn.cluster import KMeans
    if w.kind == "fit":
        return points, lambda: KMeans(w.clusters, n_init=10, random_state=0).fit(points)
    centres = rest.reshape(w.clusters, w.features).astype(dtype)
    return points, lambda: KMeans(w.clusters, init=centres, n_init=1, max_iter=25, tol=0, algorithm="lloyd").fit(points)


def figures(fitted, points):
    """Inertia summed in double: the peer's own figure for float points is a sum in float."""
    import numpy as np
    if isinstance(fitted, np.ndarray):
        return float(np.abs(fitted).mean(0) @ np.arange(1, fitted.shape[1] + 1)), 1
    value = fitted.inertia_
    if points.dtype == np.float32:
        value = sum(float(((points[i:i + 100_000].astype(float) - fitted.cluster_centers_[fitted.labels_[i:i + 100_000]]) ** 2).sum()) for i in range(0, len(points), 100_000))
    return float(value), int(fitted.n_iter_)


def serve_peer(peer, name, file, threads):
    try:
        points, work, *prepare = peer_work(peer, next(w for w in WORKLOADS if w.name == name), file, threads)
    except ImportError as problem:
        print(json.dumps({"absent": str(problem)}), flush=True)
        return
    version = __import__(peer if peer in ("faiss", "numpy") else "sklearn").__version__
    print(json.dumps({"ready": True, "version": version}), flush=True)
    for line in sys.stdin:
        if prepare:
            prepare[0]()
        begin = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - begin
        value, iterations = result if isinstance(result, tuple) else figures(result, points)
        print(json.dumps({"seconds": seconds, "value": value, "iterations": iterations}), flush=True)


# ---- the driver

class Engine:
    def __init__(self, command, threads, environment):
        cores = sorted(os.sched_getaffinity(0))[:threads]
        fixed = {v: str(threads) for v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **fixed, **environment},
                                        preexec_fn=lambda: os.sched_setaffinity(0, cores))
        self.hello = json.loads(self.process.stdout.readline())
        self.seconds, self.answer = [], None

    def run(self, keep=True):
        time.sleep(0.3)    # threads of the engine before this one may spin while they wait
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        self.answer = json.loads(self.process.stdout.readline())
        if keep:
            self.seconds.append(self.answer["seconds"])

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def tell_openblas():
    """An OpenBLAS older than the CPU takes kernels of AVX2 or less."""
    import numpy  # noqa: F401: what is asked about
    from threadpoolctl import threadpool_info
    kernels = {library["architecture"] for library in threadpool_info() if library["internal_api"] == "openblas"}
    flags = pathlib.Path("/proc/cpuinfo")
    if "avx512bw" in (flags.read_text() if flags.exists() else "") and not kernels & {"SkylakeX", "Cooperlake", "SapphireRapids"}:
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
    print(f"numpy's OpenBLAS has kernels for {', '.join(sorted(kernels))}; the peers run with OPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', '')}", flush=True)


def measure(w, threads, options):
    file = make_data(w, options.data)
    ours = Engine([options.program, w.kind, w.dtype, str(file), str(w.rows), str(w.features), str(w.clusters), str(threads)], threads,
                  {"SEGKIT_SIMD": options.simd} if options.simd else {})
    peers = {}
    for peer in w.peers:
        engine = Engine([sys.executable, "-B", __file__, "--peer", peer, "--program", "-", "--workloads", w.name, "--data", str(file), "--threads", str(threads)], threads, {})
        if "absent" in engine.hello:
            print(f"    {peer} is absent: {engine.hello['absent']}", flush=True)
            engine.end()
        else:
            peers[peer] = engine
    problems = []
    for engine in [ours, *peers.values()]:
        engine.run(keep=False)
    # From a hundred centres, 25 steps in float diverge by their roundings (segkit's end nearer to those in double than the peers').
    tolerance = (1e-9 if w.dtype == "f64" else 1e-4) if w.kind in ("pca", "pca_svd") else 1e-12 if w.kind in PREPARATION and w.dtype == "f64" else 1e-10 if w.dtype == "f64" else 1e-5 if w.clusters < 100 else 2e-3
    for name, engine in peers.items():
        theirs, own = engine.answer["value"], ours.answer["value"]
        if w.kind != "fit" and engine.answer["iterations"] != ours.answer["iterations"]:
            problems.append(f"{w.name}: {name} made {engine.answer['iterations']} steps, segkit {ours.answer['iterations']}")
        if w.kind != "fit" and abs(theirs - own) > tolerance * max(abs(own), w.features if w.kind in PREPARATION else 0):
            problems.append(f"{w.name}: {name} has {theirs!r} where segkit has {own!r}")
    spent = {name: 0 for name in peers}
    for _ in range(options.runs):
        ours.run()
        for name, engine in peers.items():
            if spent[name] < options.seconds:
                engine.run()
                spent[name] += engine.answer["seconds"]
    rows = []
    for name, engine in peers.items():
        rows.append({"workload": w.name, "threads": threads, "dtype": w.dtype, "simd": ours.hello["simd"], "ours_min_s": min(ours.seconds),
                     "ours_median_s": statistics.median(ours.seconds), "peer": name, "peer_version": engine.hello["version"], "peer_min_s": min(engine.seconds),
                     "ratio": min(engine.seconds) / min(ours.seconds), "iterations": ours.answer["iterations"]})
    for engine in [ours, *peers.values()]:
        engine.end()
    return rows, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="bench_models")
    parser.add_argument("--threads", type=lambda s: [int(n) for n in s.split(",")], default=[1, 2])
    parser.add_argument("--workloads", type=lambda s: s.split(","), default=[], help="names, or what they begin with")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20, help="a peer that took so long is not run again")
    parser.add_argument("--simd", help="base, avx2 or avx512: ours at this level")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("out/bench/data"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/bench"))
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return serve_peer(options.peer, options.workloads[0], options.data, options.threads[0])
    tell_openblas()
    results, problems = [], []
    for w in WORKLOADS:
        if options.workloads and not any(w.name.startswith(o) for o in options.workloads):
            continue
        for threads in options.threads:
            rows, wrong = measure(w, threads, options)
            if rows:
                print(f"{w.name:26} {threads}t  ours {rows[0]['ours_min_s']:.4f} s ({rows[0]['simd']})  " +
                      "  ".join(f"{r['peer']} {r['peer_version']} {r['peer_min_s']:.4f} s, {r['ratio']:.1f}x" for r in rows), flush=True)
            for problem in wrong:
                print(f"    {problem}", flush=True)
            results += rows
            problems += wrong
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "models.json").write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
