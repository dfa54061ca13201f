import itertools
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from pharos_server import Server  # noqa: E402

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server():
    """One server for the tests of a file, which keep apart by using names of their own."""
    with Server() as s:
        yield s


@pytest.fixture
def name():
    """A new name, fit for services and dataIds."""
    return f"t{os.getpid()}-{next(_numbers)}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    shared = getattr(item, "funcargs", {}).get("server")
    if report.failed and shared is not None:
        report.sections.append(("server log", shared.log[-4000:]))
