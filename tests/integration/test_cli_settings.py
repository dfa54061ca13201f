"""The settings reference: docs/settings.md is what the command prints, and the example file is one that starts."""
import json
import re

import pytest
from cli_support import cli, ok
from pharos_server import ROOT, Server


def test_reference_is_what_the_command_prints():
    printed = ok(None, "settings", "--markdown").text
    assert (ROOT / "docs/settings.md").read_text() == printed, "run: pharos settings --markdown > docs/settings.md"


def test_every_setting_has_all_that_it_needs():
    rows = {row["key"]: row for row in json.loads(ok(None, "settings", "--json").stdout)}
    assert rows["server.port"] == {"key": "server.port", "type": "number", "default": "8848", "limits": "1 to 64535",
                                   "help": "HTTP port; gRPC listens on this port + 1000.", "environment": "PHAROS_SERVER_PORT"}
    assert {"storage-lmdb.max_size", "naming.lanes", "config.hot_bytes", "log.level"} <= set(rows)
    for row in rows.values():
        assert row["help"].endswith("."), row
    assert "naming.lanes" in ok(None, "settings").text


def test_example_file_is_the_defaults(tmp_path):
    text = ok(None, "settings", "--toml").text
    assert all(line.startswith(("#", "[")) or not line for line in text.splitlines())
    file = tmp_path / "pharos.toml"
    file.write_text(re.sub(r"^#(\S)", r"\1", text, flags=re.M))
    with Server("--config", str(file)) as server:
        assert server.is_ready()


@pytest.mark.parametrize("flags", [("--markdown", "--toml"), ("--toml", "--json")])
def test_one_form_at_a_time(flags):
    done = cli(None, "settings", *flags)
    assert done.code == 2 and "can't go together" in done.errors
