"""docs/plugins.md: a plugin that does not fit is refused by name. One that is required ends the start with one clear line; an
optional one is left out and leaves nothing behind. What the server says is compared with the table in the docs."""
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import time

import pytest
from cli_support import cli, ok
from http_client import request
from nacos_grpc import Connection
from pharos_server import BIN, REPORT, ROOT, Server, run_server, server_environment

BAD = pathlib.Path(os.environ.get("PHAROS_BAD_PLUGINS") or pathlib.Path(BIN).parents[1] / "tests" / "plugins-bad")
QUICK = ("--set", "plugins.step_deadline=500ms")
ELF_MACHINE_AT = 18
I386 = 3
# Anything that the table leaves open; `<dir>` is known.
OPEN = r"[^;]+?"
STUCK = ("start_hangs", "start_throws")


def rows():
    for line in (ROOT / "docs/plugins.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and (name := re.fullmatch(r"`(\w+)`", cells[0])):
            yield name.group(1), cells[2], cells[3], cells[4]


TABLE = {row[0]: row for row in rows()}
OPTIONAL = [name for name, row in TABLE.items() if row[2]]


def expected(name, directory):
    """The docs' text as a pattern."""
    parts = re.split(r"(`<[^`]+>`)", TABLE[name][3])
    return "".join(re.escape(str(directory)) if part == "`<dir>`" else
                   (r".+?" if part == "`<words>`" else OPEN) if part.startswith("`<") else re.escape(part) for part in parts)


def copy_of_good(target, change=None):
    data = bytearray((BAD / "good.so").read_bytes())
    target.write_bytes(change(data) if change else data)
    target.chmod(0o644)


def other_machine(data):
    struct.pack_into("<H", data, ELF_MACHINE_AT, I386)
    return data


class Case:
    """The plugins to run and where they are."""

    def __init__(self, name, tmp_path):
        self.directory, self.plugins, self.more = BAD, [name], []
        made = {
            "no_elf": lambda: (tmp_path / "no_elf.so").write_text("#!/bin/sh\n"),
            "truncated": lambda: copy_of_good(tmp_path / "truncated.so", lambda data: data[:len(data) // 2]),
            "other_machine": lambda: copy_of_good(tmp_path / "other_machine.so", other_machine),
            "others_file": lambda: (copy_of_good(tmp_path / "others_file.so"), (tmp_path / "others_file.so").chmod(0o666)),
            "others_directory": lambda: (copy_of_good(tmp_path / "others_directory.so"), tmp_path.chmod(0o777)),
        }
        if name in made:
            made[name]()
            self.directory = tmp_path
        elif name == "cycle_a":
            self.plugins.append("cycle_b")
        elif name == "needs_failing":
            self.more = ["--set", "plugins.optional=start_fails"]
        elif name == "listed_twice":
            self.plugins = ["good", "good"]
        elif name == "two_places":
            copy_of_good(tmp_path / "good.so")
            self.plugins = ["good"]
            self.directory = f"{BAD},{tmp_path}"

    @property
    def name(self):
        return self.plugins[0]

    def flags(self):
        return ["--set", f"plugins.dirs={self.directory}", *QUICK]


@pytest.mark.parametrize("name", TABLE)
def test_required_stops_the_start_with_one_line(name, tmp_path):
    case = Case(name, tmp_path)
    code, output = run_server("--modules", ",".join(case.plugins), *case.flags(), *case.more, timeout=60)
    assert code == 1, output
    said = [line for line in output.splitlines() if line.startswith("pharos: ")]
    assert len(said) == 1, output
    assert re.fullmatch("pharos: could not start: " + expected(name, case.directory), said[0]), said[0]
    assert "the library was loaded" not in output  # code of what is no plugin never runs


@pytest.mark.parametrize("name", ["init_fails", "start_fails"])
def test_a_refused_start_ends_at_once(name):
    """Nothing has been served, so nothing is waited for; the least of some starts, since the machine may be busy."""
    a_loop_that_does_not_answer = 5.0
    took = []
    for _ in range(5):
        began = time.monotonic()
        code, output = run_server("--modules", f"naming,config,{name}", "--set", f"plugins.dirs={BAD}", timeout=60)
        took.append(time.monotonic() - began)
        assert code == 1 and f"plugin '{name}'" in output, output
        if took[-1] < a_loop_that_does_not_answer:
            return
    pytest.fail(f"seconds from start to end: {took}")


def metrics_of(server):
    return request("GET", server.root_url("/metrics")).text


def assert_serves(server):
    assert request("POST", server.url("/v1/ns/instance"),
                   form={"serviceName": "s", "ip": "10.0.0.1", "port": "80"}).text == "ok"
    assert request("GET", server.url("/v1/ns/instance/list?serviceName=s")).json["hosts"][0]["ip"] == "10.0.0.1"
    assert request("POST", server.url("/v1/cs/configs"), form={"dataId": "d", "group": "g", "content": "c"}).text == "true"
    assert request("GET", server.url("/v1/cs/configs?dataId=d&group=g")).text == "c"


def abilities_of(server):
    with Connection(server.grpc_port, ability_table={}) as connection:
        return connection.wait_push("SetupAckRequest")["abilityTable"]


@pytest.mark.parametrize("name", OPTIONAL)
def test_optional_is_left_out(name, tmp_path):
    case = Case(name, tmp_path)
    _, step, state, _ = TABLE[name]
    plugins = [*(["start_fails"] if name == "needs_failing" else []), *case.plugins]
    with Server("--set", "plugins.optional=" + ",".join(plugins), *case.flags()) as server:
        assert_serves(server)
        rows = {row["name"]: row for row in request("GET", server.root_url("/plugins")).json}
        row = rows[case.name]
        pattern = expected(name, case.directory)
        if step == "resolve" or name == "needs_failing":
            pattern = re.sub(r"^plugin\\? '\w+'\\? ", "", pattern)  # the row names it
        assert (row["state"], row["optional"]) == (state, True)
        assert re.fullmatch(pattern, row["reason"]), row["reason"]
        assert rows["naming"] | {"startMicros": 0} == {
            "name": "naming", "version": rows["naming"]["version"], "state": "started", "provides": rows["naming"]["provides"],
            "requires": rows["naming"]["requires"], "file": rows["naming"]["file"], "foreign": False, "optional": False,
            "reason": "", "startMicros": 0}

        quoted = json.dumps(row["reason"], ensure_ascii=False)
        assert f"error kernel plugin left out name={case.name} step={step} state={state} reason={quoted}" in server.log
        health = {one["capability"]: one for one in request("GET", server.root_url("/health")).json}
        assert health[f"plugin.{case.name}"] == {"capability": f"plugin.{case.name}", "state": "degraded", "reason": row["reason"]}
        assert f'pharos_plugins_left_out{{state="{state}"}} {sum(r["state"] == state for r in rows.values())}' in metrics_of(server)

        assert request("GET", server.root_url("/bad-plugin")).status == 404
        assert "\nbad_plugin " not in metrics_of(server)
        assert "badPlugin" not in abilities_of(server)
        assert "the library was loaded" not in server.log

        code = server.stop()
        if name in STUCK:
            assert code == 1
            assert f"pharos: plugin '{name}' start has not ended; its thread is left behind" in server.log
        else:
            assert code == 0, server.log


def test_what_is_well_runs_in_either_list():
    """The control: what the bad ones register is there while they are well."""
    for flags in (["--modules", "naming,config,good"], ["--set", "plugins.optional=good"]):
        with Server(*flags, "--set", f"plugins.dirs={BAD}") as server:
            row = {row["name"]: row for row in request("GET", server.root_url("/plugins")).json}["good"]
            assert (row["state"], row["reason"], row["foreign"], row["file"]) == ("started", "", True, str(BAD / "good.so"))
            assert row["requires"] == "test.Nowhere/1?"
            assert request("GET", server.root_url("/bad-plugin")).status == 200
            assert "\nbad_plugin 1" in metrics_of(server)
            assert abilities_of(server)["badPlugin"] is True
            assert 'pharos_plugins_left_out{state="refused"} 0' in metrics_of(server)
            assert server.stop() == 0


@pytest.mark.parametrize("flag", ["--modules", "optional"])
@pytest.mark.parametrize("name, said", [
    ("stop_hangs", "plugin 'stop_hangs' stop has not ended after 500 ms"),
    ("stop_throws", "plugin 'stop_throws' stop failed: threw: made to throw"),
])
def test_a_stop_that_does_not_end_is_named_and_the_process_ends(name, said, flag):
    flags = ["--modules", f"naming,config,{name}"] if flag == "--modules" else ["--set", f"plugins.optional={name}"]
    with Server(*flags, "--set", f"plugins.dirs={BAD}", *QUICK) as server:
        assert_serves(server)
        assert server.stop() == 1
        assert f"plugin did not stop name={name} reason={json.dumps(said)}" in server.log
        assert server.log.splitlines()[-1] == f"pharos: plugin '{name}' stop has not ended; its thread is left behind"
        server.flags = []
        server.restart()  # what was written is there: the others stopped as they should
        assert request("GET", server.url("/v1/cs/configs?dataId=d&group=g")).text == "c"


@pytest.mark.parametrize("flags", [["--modules", "init_crashes"], ["--set", "plugins.optional=init_crashes"]])
def test_a_crash_is_named(flags):
    code, output = run_server(*flags, "--set", f"plugins.dirs={BAD}", timeout=60, may_crash=True)
    if REPORT.search(output):
        pytest.skip("a sanitizer tells of the crash in its own words")
    assert code == -signal.SIGSEGV, output
    assert output.splitlines()[-1] == "pharos: fatal: signal 11 in plugin 'init_crashes' init"


def test_one_bad_plugin_does_not_take_others_with_it():
    with Server("--set", "plugins.optional=static_throws,good,static_aborts,many_1", "--set", f"plugins.dirs={BAD}") as server:
        states = {row["name"]: row["state"] for row in request("GET", server.root_url("/plugins")).json}
        assert {name: states[name] for name in ("static_throws", "good", "static_aborts", "many_1")} == {
            "static_throws": "refused", "good": "started", "static_aborts": "refused", "many_1": "started"}


def test_an_optional_circle_is_left_out_whole():
    with Server("--set", "plugins.optional=cycle_a,cycle_b", "--set", f"plugins.dirs={BAD}") as server:
        rows = {row["name"]: row for row in request("GET", server.root_url("/plugins")).json}
        assert rows["cycle_a"]["reason"] == rows["cycle_b"]["reason"] != ""


def test_a_required_plugin_says_which_optional_one_it_lacks():
    code, output = run_server("--modules", "needs_failing", "--set", "plugins.optional=start_fails",
                              "--set", f"plugins.dirs={BAD}", timeout=60)
    assert code == 1
    assert output.splitlines()[-1].endswith("it is left out: plugin 'start_fails' start failed: nobody answers"), output


@pytest.mark.parametrize("lists", [["--modules", "naming,naming"], ["--set", "plugins.optional=naming"],
                                   ["--set", "plugins.optional=good,good", "--set", f"plugins.dirs={BAD}"]])
def test_a_plugin_is_listed_once(lists):
    code, output = run_server(*lists, timeout=60)
    assert code == 1
    assert "is listed twice, in plugins." in output


def test_settings_of_what_is_left_out_may_stay(tmp_path):
    file = tmp_path / "pharos.toml"
    file.write_text("[static_throws]\nwindow = 5\n[nowhere]\nx = 1\n")
    with Server("--config", str(file), "--set", "plugins.optional=static_throws,nowhere", "--set", f"plugins.dirs={BAD}") as server:
        assert server.is_ready()
    code, output = run_server("--set", "plugins.optional=good", "--set", f"plugins.dirs={BAD}", "--set", "good.times=99", timeout=60)
    assert code == 1 and "good.times" in output  # one that runs is checked


# -- pharos-plugin-check

def check(*files):
    done = subprocess.run([str(BIN.parent / "pharos-plugin-check"), *map(str, files)], capture_output=True, text=True, timeout=60,
                          env=server_environment())
    return done.returncode, done.stdout, done.stderr


def test_our_own_plugins_pass_the_check():
    own = sorted((BIN.parents[1] / "lib/pharos/plugins").glob("*.so"))
    assert own
    code, output, _ = check(*own)
    assert code == 0, output
    assert [line for line in output.splitlines() if not re.search(r"\.so: (ok|note: .*)$", line)] == []


@pytest.mark.parametrize("name", [name for name, row in TABLE.items()
                                  if row[1] == "load" and (BAD / f"{name}.so").exists() and name not in ("http", "static_hangs")])
def test_the_check_finds_what_a_server_refuses(name):
    code, output, _ = check(BAD / f"{name}.so")
    assert code == 1
    errors = [line for line in output.splitlines() if ": error: " in line]
    assert len(errors) == 1, output
    clause = errors[0].split(": error: ", 1)[1]
    head = expected(name, BAD).split(re.escape(f"/{name}.so: "), 1)[1]
    assert re.fullmatch(head, clause) or name == "exec_stack" and clause.startswith("wants an executable stack"), clause


def test_the_check_is_stricter_than_a_server():
    code, output, _ = check(BAD / "sloppy.so", BAD / "good.so")
    assert code == 1
    for said in ("link it with -z nodelete", "link it with -z now", "link it with -z relro", "shows more than its descriptor: sloppy_helper"):
        assert said in output, output
    assert f"{BAD}/good.so: ok" in output.splitlines()
    with Server("--set", "plugins.optional=sloppy", "--set", f"plugins.dirs={BAD}") as server:
        assert request("GET", server.root_url("/bad-plugin")).status == 200


def test_usage_of_the_check():
    assert check("--help")[0] == 0 and "usage: pharos-plugin-check" in check("--help")[1]
    assert check()[0] == 2
    assert check("--nonsense")[0] == 2
    code, output, _ = check("/nonexistent.so")
    assert (code, output) == (1, "/nonexistent.so: error: can't be found: No such file or directory\n")


# -- pharos plugin

def test_plugin_ls_and_info_of_a_server():
    with Server("--set", "plugins.optional=good,init_fails", "--set", f"plugins.dirs={BAD}") as server:
        rows = {row["name"]: row for row in json.loads(ok(server, "plugin", "ls", "--json").stdout)}
        assert rows == {row["name"]: row for row in request("GET", server.root_url("/plugins")).json}
        text = ok(server, "plugin", "ls").text
        assert re.search(r"^good +1\.2 +started +[\d.]+ ms ", text, re.M), text
        assert re.search(r"^init_fails +1 +failed .*no luck today$", text, re.M), text
        assert "modules:    " in ok(server, "status").text
        assert "init_fails" not in ok(server, "status").text.split("modules:")[1].splitlines()[0]
        assert "plugin.init_fails degraded: plugin 'init_fails' init failed: no luck today" in ok(server, "status").text

        info = json.loads(ok(server, "plugin", "info", "good", "--json").stdout)
        assert info["settings"] == [
            {"key": "good.greeting", "type": "text", "default": "hello", "help": "What it would say."},
            {"key": "good.times", "type": "number", "default": "3", "help": "How often."}]
        assert info["fingerprint"].startswith("gcc") and info["file"] == str(BAD / "good.so")
        text = ok(server, "plugin", "info", "init_fails").text
        assert "state:       failed\nreason:      plugin 'init_fails' init failed: no luck today\n" in text
        missing = cli(server, "plugin", "info", "nowhere")
        assert missing.code == 3 and "has no plugin 'nowhere'; there are: " in missing.errors
        assert "good" in ok(None, "__complete", "plugin", "info", "--server", server.address, "g").text.split()


def test_plugin_ls_and_info_of_files(tmp_path):
    for name in ("good", "no_descriptor", "static_throws"):
        shutil.copy(BAD / f"{name}.so", tmp_path)
    rows = {row["name"]: row for row in json.loads(ok(None, "plugin", "ls", "--dir", str(tmp_path), "--json").stdout)}
    assert {name: row["state"] for name, row in rows.items()} == {"good": "fits", "no_descriptor": "refused", "static_throws": "refused"}
    assert "made to throw" in rows["static_throws"]["reason"]
    text = ok(None, "plugin", "info", str(tmp_path / "good.so")).text
    assert "version:     1.2\nstate:       fits\n" in text and re.search(r"^good.times +number +3 +1 to 10 +How often\.$", text, re.M)
    assert cli(None, "plugin", "info", "./nowhere.so").code == 3
    assert cli(None, "plugin", "ls", "--dir", "/nonexistent").code == 3
