"""expect_error.py itself: what it must accept and what it must not, with the compiler of this build.

    python3 runner_can_fail.py FOLDER_OF_EXPECT_ERROR INCLUDE_FOLDERS COMPILER [FLAGS...]
"""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import expect_error

INCLUDE_FOLDERS = [line for line in pathlib.Path(sys.argv[2]).read_text().splitlines() if line]
COMMAND = sys.argv[3:]


class Runner(unittest.TestCase):
    def problem(self, source):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "source.cpp"
            path.write_text(source)
            compiled, output = expect_error.compile_file(path, INCLUDE_FOLDERS, COMMAND)
            return expect_error.problem_with(source, compiled, output)

    def test_the_expected_words_satisfy_it(self):
        self.assertIsNone(self.problem('// expect: no such\n// expect: column here\nstatic_assert(1 == 2, "no such column here");\n'))

    def test_other_words_do_not(self):
        self.assertIn("not in these words: a b", self.problem('// expect: a b\nstatic_assert(1 == 2, "no such column");\n'))

    def test_a_second_error_does_not(self):
        source = '// expect: first\nstatic_assert(1 == 2, "first");\nstatic_assert(1 == 2, "second");\n'
        self.assertIn("2 errors", self.problem(source))
        self.assertIsNone(self.problem("// errors: 2\n" + source))
        self.assertIn("2 errors", self.problem("// errors: 3\n" + source))

    def test_a_program_that_compiles_does_not(self):
        self.assertIn("must not", self.problem("// expect: words\nint i = 0;\n"))

    def test_a_file_without_demands_does_not(self):
        self.assertIn("neither", self.problem('static_assert(1 == 2, "words");\n// expect: words\n'))

    def test_a_control_must_compile_with_segkit(self):
        self.assertIsNone(self.problem("// control\n#include <segkit/config.hpp>\nint i = SEGKIT_VERSION_MAJOR;\n"))
        self.assertIn("must compile", self.problem("// control\nint i = undeclared;\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
