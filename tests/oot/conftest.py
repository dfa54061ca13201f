"""The installed package, and plugins that were built against nothing else."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
BUILD = pathlib.Path(os.environ.get("PHAROS_BUILD") or ROOT / "build/release")


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-6000:]}"
    return done.stdout


class Package:
    """An installation, and what is built with it."""

    def __init__(self, folder):
        self.prefix = folder / "prefix"
        self.folder = folder
        run("cmake", "--install", BUILD, "--prefix", self.prefix)

    @property
    def binary(self):
        return self.prefix / "bin/pharos"

    def build(self, source):
        """Builds a plugin's own project and runs its tests; gives the directory of its shared library."""
        build = self.folder / source.name
        run("cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
        run("ninja", "-C", build, "-j2")
        run("ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error")
        return build / "lib/pharos/plugins"


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    return Package(tmp_path_factory.mktemp("oot"))


@pytest.fixture(scope="session")
def health_redis(package):
    return package.build(ROOT / "sdk-api/examples/health-redis")


@pytest.fixture(scope="session")
def lookup_dns(package):
    return package.build(ROOT / "sdk-api/examples/lookup-dns")
