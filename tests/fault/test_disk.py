"""Disks that fill up, fail or change under a running server."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from http_client import query, request  # noqa: E402
from pharos_server import ROOT, Server, run_server, wait_for  # noqa: E402

FAULT = pathlib.Path(os.environ.get("PHAROS_FAULT") or ROOT / "build/release/tests/fault")
MIB = 1 << 20
DAMAGED = 74  # exit code: the store can't be trusted


def publish(server, name, content):
    return request("POST", server.url("/v1/cs/configs"), {"dataId": name, "group": "G", "content": content})


def read(server, name):
    reply = request("GET", query(server.url("/v1/cs/configs"), dataId=name, group="G"))
    return reply.text if reply.status == 200 else reply.status


def store_health(server):
    """(state, reason) of the capability "store"."""
    found = [c for c in request("GET", server.root_url("/health")).json if c["capability"] == "store"]
    return found[0]["state"], found[0]["reason"]


def is_read_only(server):
    return float(re.search(r"^pharos_store_read_only (\S+)", request("GET", server.root_url("/metrics")).text, re.M)[1]) == 1


def expect_naming_works(server, name):
    instance = {"serviceName": name, "ip": "10.0.0.1", "port": 80}
    assert request("POST", query(server.url("/v1/ns/instance"), **instance)).text == "ok"
    hosts = request("GET", query(server.url("/v1/ns/instance/list"), serviceName=name)).json["hosts"]
    assert [h["ip"] for h in hosts] == ["10.0.0.1"]


@pytest.fixture
def small_disk():
    """A filesystem of 12 MiB."""
    if os.geteuid() != 0:
        pytest.skip("a filesystem of its own needs root")
    place = tempfile.mkdtemp(prefix="pharos-disk-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", place], stderr=subprocess.DEVNULL).returncode != 0:
        os.rmdir(place)
        pytest.skip("no filesystem can be mounted here")
    yield pathlib.Path(place)
    subprocess.run(["umount", "-l", place], check=True)
    shutil.rmtree(place, ignore_errors=True)


def test_a_full_disk_refuses_publishes_until_there_is_room(small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 6 * MIB)
    with Server(data=small_disk / "data") as s:
        stored = []
        for i in range(200):
            reply = publish(s, f"c{i}", f"{i}" + "x" * 100_000)
            if reply.text != "true":
                break
            stored.append(i)
        assert 10 < len(stored) < 100
        assert reply.status == 500 and reply.text == "false"
        assert publish(s, "small", "x").status == 500
        # The alarm.
        state, reason = store_health(s)
        assert state == "degraded" and "full" in reason and str(small_disk) in reason
        assert is_read_only(s)
        assert "the store refuses writes" in s.log
        # Everything else goes on.
        for i in stored:
            assert read(s, f"c{i}") == f"{i}" + "x" * 100_000
        expect_naming_works(s, "n1")
        assert request("GET", s.root_url("/health/ready")).status == 200
        # Room: it heals by itself.
        ballast.unlink()
        wait_for("writes are taken again", lambda: not is_read_only(s), 10)
        assert publish(s, "small", "y").text == "true"
        assert publish(s, "large", "z" * 100_000).text == "true"
        assert store_health(s)[0] == "ok"
        s.restart(kill=True)
        assert read(s, "small") == "y" and read(s, "large") == "z" * 100_000
        assert all(read(s, f"c{i}") == f"{i}" + "x" * 100_000 for i in stored)


@pytest.mark.parametrize("calls, error, reason", [("all", "EIO", "Input/output error"), ("sync", "EIO", "Input/output error"),
                                                  ("write", "ENOSPC", "full"), ("sync", "ENOSPC", "full")])
def test_a_disk_that_fails_for_a_while(tmp_path, calls, error, reason):
    control = tmp_path / "control"
    data = tmp_path / "data"
    data.mkdir()
    env = {"LD_PRELOAD": str(FAULT / "fault-shim.so"), "FAULT_DIR": str(data), "FAULT_CONTROL": str(control)}
    with Server(data=data, env=env) as s:
        assert publish(s, "a", "before").text == "true"
        control.write_text(f"{calls} {error}\n")
        reply = publish(s, "a", "during")
        assert reply.status == 500 and reply.text == "false"
        assert store_health(s)[0] == "degraded" and reason in store_health(s)[1]
        assert read(s, "a") == "before"
        expect_naming_works(s, "n1")
        control.unlink()
        wait_for("the store is well again", lambda: store_health(s)[0] == "ok", 10)
        assert publish(s, "a", "after").text == "true"
        s.restart(kill=True)
        assert read(s, "a") == "after"


def test_a_write_that_fails_in_its_last_step_ends_writing_until_a_restart(tmp_path):
    control = tmp_path / "control"
    data = tmp_path / "data"
    data.mkdir()
    env = {"LD_PRELOAD": str(FAULT / "fault-shim.so"), "FAULT_DIR": str(data), "FAULT_CONTROL": str(control)}
    with Server(data=data, env=env) as s:
        assert publish(s, "a", "before").text == "true"
        control.write_text("write EIO 1\n")  # the pages go through, the meta page does not
        reply = publish(s, "a", "during")
        assert reply.status == 500 and reply.text == "false"
        control.unlink()
        assert publish(s, "a", "later").status == 500
        assert is_read_only(s) and "restart" in store_health(s)[1]
        assert read(s, "a") == "before"
        expect_naming_works(s, "n1")
        s.restart()
        assert read(s, "a") in ("before", "during")
        assert publish(s, "a", "after").text == "true"


def filled(data):
    """A data directory with configs that no server has read lately."""
    with Server(data=data) as s:
        for i in range(50):
            assert publish(s, f"c{i}", f"{i}-" + "abc" * 2000).text == "true"
    return data / "store" / "data.mdb"


def test_a_file_cut_short_under_the_server_ends_it_with_a_line(tmp_path):
    file = filled(tmp_path / "data")
    with Server(data=tmp_path / "data") as s:
        os.truncate(file, 8192)
        try:
            read(s, "c25")
        except OSError:
            pass
        assert s.process.wait(10) == DAMAGED
        line = [x for x in s.log.splitlines() if x.startswith("pharos: ")][-1]
        assert str(file) in line and "can't be read at byte" in line and "pharos store" in line


def test_a_changed_value_is_not_served(tmp_path):
    file = filled(tmp_path / "data")
    contents = bytearray(file.read_bytes())
    at = 0
    while (at := contents.find(b"7-abcabc", at + 1)) >= 0:
        contents[at + 1000] ^= 1
    file.write_bytes(contents)
    code, output = run_server(data=tmp_path / "data")
    assert code == DAMAGED
    line = [x for x in output.splitlines() if x.startswith("pharos: ")][-1]
    assert str(file) in line and "checksum" in line and "config/" in line and "pharos store restore" in line


@pytest.mark.parametrize("name, damage", [
    ("truncated", lambda f: os.truncate(f, os.path.getsize(f) // 2)),
    ("zeros", lambda f: f.write_bytes(f.read_bytes()[:8192] + b"\0" * (os.path.getsize(f) - 8192))),
    ("text", lambda f: f.write_text("not a database\n" * 10_000)),
    ("folder", lambda f: (f.unlink(), f.mkdir())),
])
def test_a_file_that_is_no_store_refuses_the_start_with_a_line(tmp_path, name, damage):
    file = filled(tmp_path / "data")
    damage(file)
    code, output = run_server(data=tmp_path / "data")
    assert code == 1
    line = [x for x in output.splitlines() if x.startswith("pharos: could not start")][-1]
    assert str(file.parent) in line, output
