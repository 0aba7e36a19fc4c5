"""The structure checks themselves: what they must let pass and what they must not.

    python3 checks_can_fail.py FOLDER_OF_THE_CHECKS
"""

import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv.pop(1))
import check_core_cost
import check_files
import check_includes


class Includes(unittest.TestCase):
    def refused(self, header, included):
        self.assertIsNotNone(check_includes.include_problem(header, included), f"{header} includes {included}")

    def accepted(self, header, included):
        self.assertIsNone(check_includes.include_problem(header, included), f"{header} includes {included}")

    def test_areas_include_only_what_stands_below(self):
        self.accepted("query/filter.hpp", "segkit/expr/operators.hpp")
        self.accepted("query/filter.hpp", "segkit/query/detail/loop.hpp")
        self.accepted("evaluate/silhouette.hpp", "segkit/cluster/kmeans.hpp")
        self.refused("table/chunk.hpp", "segkit/expr/operators.hpp")
        self.refused("expr/operators.hpp", "segkit/query/filter.hpp")

    def test_siblings_do_not_include_each_other(self):
        self.refused("prepare/iqr.hpp", "segkit/query/filter.hpp")
        self.refused("table/chunk.hpp", "segkit/exec/executor.hpp")

    def test_statistics_stands_on_pipeline_and_not_the_other_way_round(self):
        self.accepted("statistics/moments.hpp", "segkit/pipeline/stage.hpp")
        self.refused("pipeline/stage.hpp", "segkit/statistics/moments.hpp")

    def test_base_headers_are_for_all_and_front_doors_for_users(self):
        self.accepted("table/chunk.hpp", "segkit/error.hpp")
        self.accepted("query.hpp", "segkit/query/filter.hpp")
        self.refused("rules/rules.hpp", "segkit/query.hpp")
        self.refused("error.hpp", "segkit/table/chunk.hpp")

    def test_costly_headers_are_refused_but_where_they_are_the_point(self):
        self.refused("table/chunk.hpp", "iostream")
        self.refused("exec/executor.hpp", "thread")
        self.accepted("exec/threads.hpp", "thread")
        self.accepted("table/chunk.hpp", "vector")

    def test_queries_reach_no_cmath_however_indirectly(self):
        texts = {"query.hpp": "#include <segkit/expr/math.hpp>\n", "expr/math.hpp": "#include <vector>\n", "cluster/kmeans.hpp": "#include <cmath>\n"}
        self.assertEqual(list(check_includes.query_problems(texts)), [])
        texts["expr/math.hpp"] += "#include <cmath>\n"
        self.assertEqual([(header, line) for header, line, _ in check_includes.query_problems(texts)], [("expr/math.hpp", 2)])

    def test_libraries_stay_where_they_belong(self):
        self.accepted("decompose/pca.hpp", "Eigen/Eigenvalues")
        self.refused("cluster/kmeans.hpp", "Eigen/Core")
        self.accepted("simd/pack.hpp", "xsimd/xsimd.hpp")
        self.refused("cluster/kmeans.hpp", "xsimd/xsimd.hpp")

    def test_a_header_names_itself_and_guards_itself(self):
        good = "// segkit/table/name.hpp: names.\n#pragma once\n#include <string>\n"
        self.assertEqual(list(check_includes.header_problems("table/name.hpp", good)), [])
        self.assertEqual(len(list(check_includes.header_problems("table/other.hpp", good))), 1)
        self.assertEqual(len(list(check_includes.header_problems("table/name.hpp", good.replace("#pragma once", "")))), 1)
        self.assertEqual([line for line, _ in check_includes.header_problems("table/name.hpp", good + "#include <ranges>\n")], [4])
        closed = good + "namespace a {\n}  // namespace a\n}  // namespace b\n"
        self.assertEqual([line for line, _ in check_includes.header_problems("table/name.hpp", closed)], [6])


class CoreCost(unittest.TestCase):
    LISTING = ". include/segkit/exec/threads.hpp\n.. /usr/include/c++/12/mutex\n.. /usr/include/c++/12/thread\n. include/segkit/error.hpp\n"

    def test_a_costly_header_is_reported_with_what_leads_to_it(self):
        self.assertEqual(
            list(check_core_cost.chains(self.LISTING)), [["include/segkit/exec/threads.hpp", "/usr/include/c++/12/thread"]]
        )

    def test_libraries_and_other_standard_libraries_count(self):
        self.assertEqual(len(list(check_core_cost.chains(". /usr/include/eigen3/Eigen/Core\n"))), 1)
        self.assertEqual(len(list(check_core_cost.chains(". /usr/lib/llvm-19/bin/../include/c++/v1/functional\n"))), 1)

    def test_streams_count_but_not_where_memory_opens_them(self):
        self.assertEqual(len(list(check_core_cost.chains(". include/segkit/pipeline/save.hpp\n.. /usr/include/c++/12/fstream\n"))), 1)
        self.assertEqual(list(check_core_cost.chains(". /usr/include/c++/12/memory\n.. /usr/include/c++/12/ostream\n")), [])

    def test_cheap_parts_of_the_standard_library_do_not(self):
        listing = ". /usr/include/c++/12/bits/ranges_base.h\n. /usr/include/c++/12/vector\n. /usr/include/c++/12/bits/chrono.h\n"
        self.assertEqual(list(check_core_cost.chains(listing)), [])


class Files(unittest.TestCase):
    def lines(self, content):
        return [line for line, _ in check_files.file_problems(content)]

    def test_machine_paths_are_refused(self):
        self.assertEqual(self.lines(b"a\nsee " + b"/wo" + b"rk/main\n"), [2])
        self.assertEqual(self.lines(b'"/ro' + b'ot/.cache"'), [1])
        self.assertEqual(self.lines(b"net" + b"/wo" + b"rk/x and ../wo" + b"rk/x"), [])

    def test_carriage_returns_and_large_files_are_refused(self):
        self.assertEqual(self.lines(b"a\r\nb\r\n"), [1])
        self.assertEqual(self.lines(b"x" * (check_files.LARGEST + 1)), [1])
        self.assertEqual(self.lines(b"plain\n"), [])

    def test_the_readme_shows_the_quickstart_as_compiled(self):
        self.assertEqual(list(check_files.readme_problems("```cpp\nint main() {}\n```\n", "int main() {}\n")), [])
        self.assertEqual(len(list(check_files.readme_problems("```cpp\nint main() { }\n```\n", "int main() {}\n"))), 1)


if __name__ == "__main__":
    unittest.main()
