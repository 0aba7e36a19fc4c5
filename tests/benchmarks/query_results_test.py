"""scripts/bench query writes a list of objects with exactly the promised members, and says where a peer's result differs.

    python3 query_results_test.py REPOSITORY

The engines are scripts that answer by the same protocol at once, so nothing is built, installed or measured.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

REPOSITORY = pathlib.Path(sys.argv[1])
RUN = REPOSITORY / "benchmarks" / "query" / "run.py"
sys.path.insert(0, str(RUN.parent))
import chart

MEMBERS = {"workload": str, "threads": int, "dtype": str, "simd": str, "ours_min_s": float, "ours_median_s": float, "peer": str, "peer_version": str, "peer_min_s": float,
           "ratio": float, "limit_share": float, "peak_mb": float}

ENGINE = """#!{python}
import json, sys
ready = {{"ready": True, "simd": "avx2", "version": "1.2.3", "start_mb": 1.0}}
digest = {{"rows": 12, "user_id": [0, {sum}, 2.0]}}
if "-c" in sys.argv:
    print("1.2.3")
elif "limits" in sys.argv[0]:
    print(json.dumps({{"read_gb_s": 10.0, "scan_gb_s": 5.0}}))
elif "make_data" in sys.argv[0]:
    open(sys.argv[2] + "/facts.csv", "w").write("user_id\\n")
else:
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        print(json.dumps({{"seconds": {seconds}, "peak_mb": 20.5, "digest": digest}}), flush=True)
"""


class Results(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name)
        for name in ("bench_limits", "bench_make_data", "bench_query_group_by", "bench_query_join"):
            self.engine(name, 0.01, 5.0)
        self.engine("python", 0.04, 5.0)

    def tearDown(self):
        self.place.cleanup()

    def engine(self, name, seconds, sum):
        file = self.folder / name
        file.write_text(ENGINE.format(python=sys.executable, seconds=seconds, sum=sum))
        file.chmod(0o755)

    def bench(self, *arguments):
        f = self.folder
        return subprocess.run([sys.executable, "-B", RUN, "--programs", f, "--python", f / "python", "--out", f / "out", "--data", f / "data", "--quick", "--threads", "1", *arguments],
                              capture_output=True, text=True, timeout=100)

    def results(self):
        return json.loads((self.folder / "out" / "query.json").read_text())

    def test_the_file_is_a_list_of_objects_with_these_members(self):
        done = self.bench("--workloads", "group")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        results = self.results()
        self.assertEqual(len(results), 4 * 3)     # workloads, peers
        for r in results:
            self.assertEqual({k: type(v) for k, v in r.items()}, MEMBERS)
            self.assertEqual((r["ours_min_s"], r["ours_median_s"], r["peer_min_s"], r["ratio"], r["simd"], r["peer_version"]), (0.01, 0.01, 0.04, 4.0, "avx2", "1.2.3"))
            self.assertGreater(r["limit_share"], 0)
        self.assertEqual({r["peer"] for r in results}, {"duckdb", "polars", "pandas"})

    def test_a_result_that_differs_is_told(self):
        self.engine("python", 0.04, 5.001)
        done = self.bench("--workloads", "group_int", "--peers", "polars")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the result of polars differs: sum of user_id", done.stdout)

    def test_lines_of_other_workloads_are_kept_when_asked(self):
        self.assertEqual(self.bench("--workloads", "join_int", "--peers", "duckdb").returncode, 0)
        self.engine("bench_query_group_by", 0.02, 5.0)
        self.assertEqual(self.bench("--workloads", "group_int", "--peers", "duckdb", "--merge").returncode, 0)
        self.assertEqual([(r["workload"], r["ours_min_s"]) for r in self.results()], [("group_int", 0.02), ("join_int", 0.01)])

    def test_the_pictures_are_well_formed(self):
        self.bench("--workloads", "group_int")
        picture = chart.comparison(self.results(), {"group_int": "a <label> & more"}, 1000)
        self.assertIn("a &lt;label&gt; &amp; more", picture)
        for svg in (picture, chart.growth([("group", [(1e5, 0.001, 5.0), (1e6, 0.02, 9.0)]), ("join", [(1e5, 0.002, 5.0)])], 2)):
            self.assertTrue(xml.etree.ElementTree.fromstring(svg).tag.endswith("svg"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
