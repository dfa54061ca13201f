"""Backup, verify and restore of a server's store, with and without the server running."""
import json

from cli_support import cli, fails, ok
from pharos_server import Server


def store(server_or_dir, command, *arguments):
    data = server_or_dir if isinstance(server_or_dir, str) else str(server_or_dir.data)
    return ("store", command, *arguments, "--data", data)


def test_backup_of_a_running_server_and_restore(name, tmp_path):
    file, elsewhere = str(tmp_path / "backup.db"), str(tmp_path / "data")
    with Server() as server:
        ok(server, "config", "set", name, "kept")
        told = ok(None, *store(server, "backup", file)).text
        assert told.startswith(f"backup:   {file}\n") and "revision: " in told
        assert ok(server, "config", "get", name).text == "kept", "the server has not noticed"
        message = fails(1, None, *store(server, "backup", file))
        assert file in message
        message = fails(1, None, *store(server, "restore", file, "--force"))
        assert str(server.data) in message
        ok(server, "config", "set", name, "changed later")
    report = json.loads(ok(None, "store", "verify", file, "--json").stdout)
    assert report["whole"] and report["problems"] == [] and sum(table["entries"] for table in report["tables"]) > 0
    ok(None, *store(elsewhere, "restore", file))
    with Server(data=elsewhere) as server:
        assert ok(server, "config", "get", name).text == "kept"
    message = fails(1, None, *store(elsewhere, "restore", file))
    assert "force" in message
    told = json.loads(ok(None, *store(elsewhere, "restore", file, "--force", "--json")).stdout)
    assert told["kept"]


def test_verify_finds_damage(name, tmp_path):
    file = tmp_path / "backup.db"
    with Server() as server:
        content = "x" * 50000
        ok(server, "config", "set", name, content)
        ok(None, *store(server, "verify"))
        ok(None, *store(server, "backup", str(file)))
    data = bytearray(file.read_bytes())
    at = data.find(content[:1000].encode())
    assert at > 0
    data[at + 500] ^= 0xFF
    file.write_bytes(data)
    done = cli(None, "store", "verify", str(file))
    assert done.code == 1 and "problem:  " in done.text and "is damaged" in done.errors, done
    message = fails(1, None, *store(str(tmp_path / "data"), "restore", str(file)))
    assert str(file) in message


def test_what_is_not_there_or_no_store(tmp_path):
    fails(3, None, "store", "verify", str(tmp_path / "nothing"))
    fails(3, None, *store(str(tmp_path / "no-data"), "backup", str(tmp_path / "file")))
    assert not (tmp_path / "file").exists()
    other = tmp_path / "other"
    other.write_text("not a store")
    assert str(other) in fails(1, None, "store", "verify", str(other))
    fails(2, None, "store", "verify", str(other), "--data", str(tmp_path))
    fails(2, None, "store", "backup")


def test_settings_that_are_wrong_are_told(tmp_path):
    toml = tmp_path / "pharos.toml"
    toml.write_text("[server]\nno_such_thing = 1\n")
    assert "server.no_such_thing" in fails(1, None, "store", "verify", "--config", str(toml))
