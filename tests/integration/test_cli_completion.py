"""Completion in a real bash (and in zsh and fish, where they are installed)."""
import os
import pty
import select
import shlex
import shutil
import subprocess
import time

import pytest
from cli_support import cli, ok
from pharos_server import BIN, server_environment

BASH = r"""
source <("$BIN" completion bash)
COMP_LINE=$LINE COMP_POINT=${#LINE}
_pharos
printf '%s\n' "${COMPREPLY[@]}"
"""


def complete(line, env=None, cwd=None):
    """What bash would offer for the word under the cursor, at the end of the line."""
    line = line.replace("pharos", str(BIN), 1)
    done = subprocess.run(["bash", "--norc", "-c", BASH], capture_output=True, cwd=cwd, timeout=60,
                          env=server_environment({"BIN": str(BIN), "LINE": line, "COMP_WORDBREAKS": " \t\n\"'><=;|&(:", **(env or {})}))
    assert done.stderr == b"", done.stderr
    return done.stdout.decode().split()


def test_commands():
    assert {"server", "config", "service", "instance", "namespace", "plugin", "store", "status", "settings",
            "completion", "help"} == set(complete("pharos "))
    assert complete("pharos conf") == ["config"]
    assert set(complete("pharos config ")) == {"get", "set", "ls", "rm", "log", "watch"}
    assert complete("pharos help config w") == ["watch"]


@pytest.mark.parametrize("line, flags", [
    ("pharos config get x --", {"--output", "--meta", "--namespace", "--group", "--server", "--json", "--help"}),
    ("pharos instance register --", {"--cluster", "--weight", "--meta", "--persistent", "--keep", "--disabled"}),
    ("pharos store restore --", {"--data", "--config", "--force", "--json"}),
    ("pharos server --", {"--config", "--port", "--data", "--modules", "--open", "--set"}),
    ("pharos settings --", {"--markdown", "--toml", "--json"})])
def test_flags(line, flags):
    assert flags <= set(complete(line))


def test_values():
    assert complete("pharos config set x --type y") == ["yaml"]
    # Bash takes = for a word break: only what comes after it is replaced.
    assert complete("pharos config set x --type=to") == ["toml"]
    assert complete("pharos completion z") == ["zsh"]


def test_files(tmp_path):
    (tmp_path / "one.yaml").write_text("x")
    assert complete("pharos config set x -f on", cwd=tmp_path) == ["one.yaml"]


def test_names_from_the_server(server, name):
    for data_id in (f"{name}.yaml", f"{name}:colon"):
        ok(server, "config", "set", data_id, "x")
    ok(server, "config", "set", f"{name}.other", "x", "-n", "dev", "-g", "G")
    ok(server, "instance", "register", name, "10.0.0.1:80")
    where = {"PHAROS_SERVER": server.address}
    assert set(complete(f"pharos config get {name}", where)) == {f"{name}.yaml", f"{name}:colon"}
    assert complete(f"pharos config get {name}:", where) == ["colon"], "bash takes : for a word break"
    assert complete(f"pharos config get -n dev -g G {name}", where) == [f"{name}.other"]
    assert complete(f"pharos config rm --server {server.address} {name}.y") == [f"{name}.yaml"]
    assert complete(f"pharos service show {name}", where) == [name]
    assert complete(f"pharos instance deregister {name} 10.", where) == ["10.0.0.1:80"]
    assert "public" in complete("pharos config get -n ", where)


def test_no_server_is_no_noise():
    assert complete("pharos config get ", {"PHAROS_SERVER": "127.0.0.1:1"}) == []


def test_pressing_tab():
    """The key itself, in an interactive shell on a terminal."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(PS1="$ ", TERM="dumb", PATH=f"{BIN.parent}:{os.environ['PATH']}")
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    seen = b""

    def wait_for_text(text, start):
        nonlocal seen
        end = time.monotonic() + 20
        while text not in seen[start:]:
            assert time.monotonic() < end, (text, seen)
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 4096)

    try:
        wait_for_text(b"$ ", 0)
        os.write(terminal, b"source <(pharos completion bash); echo re''ady\n")
        wait_for_text(b"ready", 0)
        start = len(seen)
        os.write(terminal, b"pharos stat\t")
        wait_for_text(b"pharos status ", start)
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh here")
def test_zsh_takes_the_script(tmp_path):
    script = tmp_path / "_pharos"
    script.write_bytes(cli(None, "completion", "zsh").stdout)
    done = subprocess.run(["zsh", "-f", "-c", f"autoload -U compinit; compinit -D; source {shlex.quote(str(script))}; "
                                              "print $_comps[pharos]"], capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"_pharos\n", b"")


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish():
    done = subprocess.run(["fish", "--no-config", "-c", f"{BIN} completion fish | source; complete -C 'pharos conf'"],
                          capture_output=True, timeout=60,
                          env=server_environment({"PATH": f"{BIN.parent}:{os.environ['PATH']}"}))
    assert done.stdout.decode().startswith("config\t"), done
