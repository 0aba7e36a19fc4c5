"""segkit as a Conan 2 package: headers only, one package for every compiler and setting.

    conan create .

test_package/ is a doctest program that uses the package as a user does.
"""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout


class SegkitConan(ConanFile):
    name = "segkit"
    description = "Header-only C++20 library for segmentation analytics"
    license = "MIT"
    topics = ("analytics", "segmentation", "clustering", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    exports = "include/segkit/config.hpp"
    exports_sources = "include/*", "LICENSE"
    no_copy_source = True

    def set_version(self):
        # The version stands in one place, include/segkit/config.hpp.
        header = load(self, os.path.join(self.recipe_folder, "include", "segkit", "config.hpp"))
        self.version = ".".join(re.search(rf"#define SEGKIT_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))

    def layout(self):
        basic_layout(self)

    def requirements(self):
        # Both are included by segkit's own headers, so they reach whoever uses segkit.
        self.requires("eigen/3.4.0", transitive_headers=True)
        self.requires("xsimd/8.1.0", transitive_headers=True)

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "segkit")
        self.cpp_info.set_property("cmake_target_name", "segkit::segkit")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]  # segkit/exec/threads.hpp
