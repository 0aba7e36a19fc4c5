"""check_registry.py itself: a stage, an aggregate or an estimator that is not entered is noticed, and so is an entry of nothing.

    python3 check_can_fail.py FOLDER_OF_CHECK_REGISTRY INCLUDE_FOLDER
"""

import pathlib
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE, INCLUDE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(HERE))
import check_registry


class Registry(unittest.TestCase):
    def complaints(self, header="", entry=""):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "include"
            shutil.copytree(INCLUDE, copy)
            (copy / "extra.hpp").write_text(header)
            registry = pathlib.Path(folder) / "registry.hpp"
            registry.write_text((HERE / "registry.hpp").read_text() + entry)
            return check_registry.problems(copy, registry)

    def test_what_is_there_is_entered(self):
        self.assertEqual(self.complaints(), [])

    def test_a_new_stage_is_noticed(self):
        found = self.complaints('struct s {\n    static constexpr std::string_view stage_name = "pivot";\n};\n')
        self.assertEqual(len(found), 1)
        self.assertIn('extra.hpp: the stage "pivot"', found[0])

    def test_each_name_of_a_stage_with_several_is_noticed(self):
        self.assertEqual(len(self.complaints('struct s {\n    static constexpr std::string_view stage_name = K ? "one"\n        : "two";\n};\n')), 2)

    def test_a_new_aggregate_is_noticed(self):
        self.assertIn('the aggregate "tally"', self.complaints('    static constexpr std::string_view aggregate_name = "tally";\n')[0])

    def test_a_new_estimator_is_noticed(self):
        header = "struct sketch {\n    state start() const { return {}; }\n    void merge(state& s, const state& other) const {}\n};\n"
        self.assertIn('the estimator "sketch"', self.complaints(header)[0])

    def test_a_comment_is_no_stage(self):
        self.assertEqual(self.complaints('// static constexpr std::string_view stage_name = "imagined";\n'), [])

    def test_an_entry_of_nothing_is_noticed(self):
        self.assertIn("in no header", self.complaints(entry='f(stage<"gone">(x));\n')[0])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
