import os
import re

from conan import ConanFile
from conan.errors import ConanException
from conan.tools.files import copy, load

FOLDER = "/usr/include"


class DoctestConan(ConanFile):
    name = "doctest"
    description = "doctest, as the system has it"
    license = "MIT"
    package_type = "header-library"

    def package_id(self):
        self.info.clear()

    def package(self):
        header = os.path.join(FOLDER, "doctest", "doctest.h")
        if not os.path.exists(header):
            raise ConanException(f"{FOLDER} has no doctest; install it (Debian: doctest-dev)")
        text = load(self, header)
        found = ".".join(re.search(rf"#define DOCTEST_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))
        if found != self.version:
            raise ConanException(f"{FOLDER} has doctest {found}, and {self.version} was asked for")
        copy(self, "doctest/*", FOLDER, os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "doctest")
        self.cpp_info.set_property("cmake_target_name", "doctest::doctest")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
