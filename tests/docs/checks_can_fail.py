"""The check of the pages itself: what it takes for an example, and that it sees what differs.

    python3 checks_can_fail.py FOLDER_OF_THE_CHECK
"""

import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv.pop(1))
import check_docs

PAGE = """# Page
```cpp global
#include <vector>
```
```cpp
int a = 1;
```
words
```cpp
std::printf("%d\\n", a);
```
```text
1
```
"""


class Pages(unittest.TestCase):
    def test_a_page_is_one_program_whose_messages_name_the_page(self):
        made = check_docs.program(PAGE, "docs/page.md")
        self.assertLess(made.index("<vector>"), made.index("int main()"))
        self.assertIn('#line 10 "docs/page.md"\nstd::printf("%d\\n", a);', made)

    def test_what_is_printed_must_stand_in_the_page(self):
        self.assertEqual(list(check_docs.differences(PAGE, "\f0\n\f1\n1\n")), [])
        self.assertEqual(list(check_docs.differences(PAGE, "\f0\n\f1\n2\n")), [(12, "2", "1")])
        self.assertEqual(list(check_docs.differences(PAGE, "\f0\nnoise\n\f1\n1\n")), [(5, "noise", "")])
        self.assertEqual(list(check_docs.differences(PAGE, "")), [(12, "", "1")])

    def test_an_update_writes_what_was_printed_and_nothing_else(self):
        self.assertEqual(check_docs.updated(PAGE, "\f0\n\f1\n1\n"), PAGE)
        self.assertEqual(check_docs.updated(PAGE, "\f0\n\f1\n2\n3\n"), PAGE.replace("text\n1\n", "text\n2\n3\n"))
        self.assertEqual(check_docs.updated(PAGE, "\f0\nx\n\f1\n1\n"), PAGE.replace("a = 1;\n```\n", "a = 1;\n```\n\n```text\nx\n```\n"))

    def test_a_text_block_that_nothing_prints_and_an_open_block_are_mistakes(self):
        with self.assertRaises(ValueError):
            check_docs.examples("```text\n1\n```\n")
        with self.assertRaises(ValueError):
            check_docs.blocks("```cpp\nint a;\n")

    def test_the_readme_must_show_program_and_output(self):
        readme = "```cpp\nint main() {}\n```\nIt prints\n```text\nhello\n```\n"
        self.assertEqual(list(check_docs.readme_problems(readme, "int main() {}\n", "hello\n")), [])
        self.assertEqual(len(list(check_docs.readme_problems(readme, "int main() { }\n", "hello\n"))), 1)
        self.assertEqual(len(list(check_docs.readme_problems(readme, "int main() {}\n", "good day\n"))), 1)


if __name__ == "__main__":
    unittest.main()
