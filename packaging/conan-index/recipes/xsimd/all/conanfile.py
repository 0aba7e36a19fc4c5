import os
import re

from conan import ConanFile
from conan.errors import ConanException
from conan.tools.files import copy, load

FOLDER = "/usr/include"


class XsimdConan(ConanFile):
    name = "xsimd"
    description = "xsimd, as the system has it"
    license = "BSD-3-Clause"
    package_type = "header-library"

    def package_id(self):
        self.info.clear()

    def package(self):
        config = os.path.join(FOLDER, "xsimd", "config", "xsimd_config.hpp")
        if not os.path.exists(config):
            raise ConanException(f"{FOLDER} has no xsimd; install it (Debian: libxsimd-dev)")
        text = load(self, config)
        found = ".".join(re.search(rf"#define XSIMD_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))
        if found != self.version:
            raise ConanException(f"{FOLDER} has xsimd {found}, and {self.version} was asked for")
        copy(self, "xsimd/*", FOLDER, os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "xsimd")
        self.cpp_info.set_property("cmake_target_name", "xsimd")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
