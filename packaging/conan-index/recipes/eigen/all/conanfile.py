import os
import re

from conan import ConanFile
from conan.errors import ConanException
from conan.tools.files import copy, load

FOLDER = "/usr/include/eigen3"


class EigenConan(ConanFile):
    name = "eigen"
    description = "Eigen, as the system has it"
    license = "MPL-2.0"
    package_type = "header-library"

    def package_id(self):
        self.info.clear()

    def package(self):
        macros = os.path.join(FOLDER, "Eigen", "src", "Core", "util", "Macros.h")
        if not os.path.exists(macros):
            raise ConanException(f"{FOLDER} has no Eigen; install it (Debian: libeigen3-dev)")
        text = load(self, macros)
        found = ".".join(re.search(rf"#define EIGEN_{part}_VERSION (\d+)", text)[1] for part in ("WORLD", "MAJOR", "MINOR"))
        if found != self.version:
            raise ConanException(f"{FOLDER} has Eigen {found}, and {self.version} was asked for")
        copy(self, "Eigen/*", FOLDER, os.path.join(self.package_folder, "include", "eigen3"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "Eigen3")
        self.cpp_info.set_property("cmake_target_name", "Eigen3::Eigen")
        self.cpp_info.includedirs = [os.path.join("include", "eigen3")]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
