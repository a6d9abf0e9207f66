"""Puts libfanatico into the wheel: the one that FANATICO_LIBRARY names, or one built in C alone from the tree around this folder."""
import os
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70
    from wheel.bdist_wheel import bdist_wheel

TREE = Path(__file__).resolve().parent.parent
VERSION = re.search(r"project\(fanatico VERSION ([\d.]+)", (TREE / "CMakeLists.txt").read_text()).group(1)


def library():
    given = os.environ.get("FANATICO_LIBRARY")
    if given:
        return Path(given)
    subprocess.run([TREE / "tools/setup.sh", "build"], check=True)
    subprocess.run([TREE / "tools/build.sh", "library", "libfanatico"], check=True)
    return TREE / "build/library/libfanatico.so"


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        to = Path(self.build_lib) / "fanatico" / "libfanatico.so"
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library().resolve(), to)


class PlatformWheel(bdist_wheel):
    """Any Python 3, this platform: the library is loaded by ctypes."""

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


class WithLibrary(Distribution):
    def has_ext_modules(self):
        return True


setup(version=VERSION, distclass=WithLibrary, cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel})
