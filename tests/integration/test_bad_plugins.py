"""A plugin that does not fit is refused by name, and the node ends with one clear line (tests/plugins-bad)."""
import os
import pathlib

import pytest

from pharos_server import BIN, run_server

BAD = pathlib.Path(os.environ.get("PHAROS_BAD_PLUGINS") or pathlib.Path(BIN).parents[1] / "tests" / "plugins-bad")


def start(modules, *more):
    return run_server("--modules", modules, "--set", f"plugins.dirs={BAD}", *more, timeout=60)


@pytest.mark.parametrize("modules, said", [
    ("old_spi", ["old_spi.so", "undefined symbol: pharos_spi_abi_0"]),
    ("wrong_fingerprint", ["wrong_fingerprint.so", "gcc1;c++199711"]),
    ("no_descriptor", ["no_descriptor.so", "has no plugin descriptor"]),
    ("cycle_a,cycle_b", ["circle", "'cycle_a'", "'cycle_b'"]),
    ("missing_service", ["'missing_service'", "test.Nowhere/1"]),
    ("init_fails", ["'init_fails'", "init", "no luck today"]),
    ("init_throws", ["'init_throws'", "made to throw"]),
    ("wrong_name", ["wrong_name.so", "'other_name'"]),
    ("nowhere", ["'nowhere'", "is not known", "naming"]),
    ("naming,naming", ["two plugins are named 'naming'"]),
])
def test_refused_by_name(modules, said):
    code, output = start(modules)
    assert code == 1, output
    for text in said:
        assert text in output, output
    assert "the library was loaded" not in output  # code of what is no plugin never runs


def test_a_start_that_hangs_is_named_after_its_deadline():
    code, output = start("start_hangs", "--set", "plugins.step_deadline=500ms")
    assert code == 1, output
    assert "'start_hangs' start has not ended after 500 ms" in output
