# SPDX-License-Identifier: Apache-2.0
"""The headers for Conan 2: `conan create packaging/conan`. It packs the project that it is part of."""
import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load


class Snpnv(ConanFile):
    name = "snpnv"
    license = "Apache-2.0"
    description = "Fresh AMD SEV-SNP attestation reports through a vTPM, and their verification: C++23 headers"
    package_type = "header-library"
    settings = "os", "compiler", "build_type", "arch"
    requires = "mbedtls/[>=3.6 <4]"
    generators = "CMakeDeps"

    @property
    def project(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self.project, "include", "snpnv", "version.hpp"))
        self.version = re.search(r'SNPNV_VERSION "(.*)"', header).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "README.md", "CHANGELOG.md", "cmake/*", "debian/control", "docs/*",
                        "examples/*", "include/*", "packaging/*", "paravisor/*", "transports/*"):
            copy(self, pattern, self.project, self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for option in ("TOOLS", "TESTS", "TCTI"):
            toolchain.cache_variables[f"SNPNV_{option}"] = False
        toolchain.generate()

    def package(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.install()

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")  # the package has a configuration of its own
        self.cpp_info.builddirs = ["share/cmake/snpnv"]
        self.cpp_info.bindirs = self.cpp_info.libdirs = []
