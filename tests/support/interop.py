"""Runs a client program against a server behind a gate.

The program prints "OK <step>" for what worked and ends with 0. It may steer the gate: it prints "@cut" or "@restore" and
reads "done" from its standard input. It gets its addresses as environment variables: PORT of the server, GATE_PORT (the
same server, behind the gate), and WORK, a directory for its caches and logs.

A run.py first asks tool() for its toolchain and install() for its packages. What is not to be had ends the run with code
77, "skipped", and the reason is kept in build/interop/skipped, where ./test finds it to tell it again at its end.

PHAROS_INTEROP_PORT=8848 (and PHAROS_INTEROP_GRPC_PORT) make it use a server that runs already.
"""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import types

from pharos_server import ROOT, Gate, Server

OUT = ROOT / "build/interop"
SKIPPED = 77


def skip(reason):
    name = os.environ.get("PHAROS_INTEROP_NAME") or pathlib.Path(sys.argv[0]).resolve().parent.name
    print(f"SKIPPED: interop.{name}: {reason}", flush=True)
    (OUT / "skipped").mkdir(parents=True, exist_ok=True)
    (OUT / "skipped" / name).write_text(reason + "\n")
    sys.exit(SKIPPED)


def tool(name, what, *more):
    """The path of a command, from the PATH or from the places in `more`."""
    found = shutil.which(name) or next((p for p in more if os.access(p, os.X_OK)), None)
    return found or skip(f"no '{name}' on the PATH; {what} is needed")


@contextlib.contextmanager
def _alone():
    """Package managers take turns: Maven's cache is not made for two at once."""
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _once(out, inputs, run):
    """Runs run() unless it ran before with the same files, for this folder."""
    out.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    for file in inputs:
        digest.update(str(file).encode() + b"\0" + pathlib.Path(file).read_bytes())
    stamp = out / (".done-" + run.__name__)
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    run()
    stamp.write_text(digest.hexdigest())


def install(out, inputs, command, cwd=None):
    """Fetches packages into `out` with the package manager, once for these inputs. Packages that are not to be had skip the run."""
    def install():
        with _alone():
            done = subprocess.run([str(c) for c in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, errors="replace")
        if done.returncode != 0:
            print(done.stdout[-4000:])
            skip(f"its packages could not be fetched ({command[0]} ended with {done.returncode})")
    _once(out, inputs, install)


def build(out, inputs, command, cwd=None):
    """Compiles the client program, once for these inputs; a failure is one of the test."""
    def build():
        subprocess.run([str(c) for c in command], cwd=cwd, stdin=subprocess.DEVNULL, check=True)
    _once(out, inputs, build)


@contextlib.contextmanager
def target():
    port = os.environ.get("PHAROS_INTEROP_PORT")
    if port:
        yield types.SimpleNamespace(port=int(port), grpc_port=int(os.environ.get("PHAROS_INTEROP_GRPC_PORT") or int(port) + 1000))
    else:
        with Server() as server:
            yield server


def _end_with(client):
    """Ends what a client has left behind: it would keep its standard output open."""
    client.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(client.pid, signal.SIGKILL)


def run_client(command, steps, cwd=None, env=None, timeout=180):
    """steps: how many "OK" lines there have to be, so that a program that does nothing does not pass."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="pharos-interop-"))
    try:
        with target() as server, Gate.pair(server) as gate:
            environment = dict(os.environ, PORT=str(server.port), GATE_PORT=str(gate.port), WORK=str(work), **(env or {}))
            client = subprocess.Popen([str(c).replace("{WORK}", str(work)) for c in command], cwd=cwd, env=environment, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
            timer = threading.Timer(timeout, client.kill)
            timer.start()
            threading.Thread(target=_end_with, args=(client,), daemon=True).start()
            done = 0
            for line in client.stdout:
                print(line.rstrip("\n"), flush=True)  # the last one may have no end
                if line.startswith("OK "):
                    done += 1
                elif line.strip() in ("@cut", "@restore"):
                    gate.cut() if line.strip() == "@cut" else gate.restore()
                    client.stdin.write("done\n")
                    client.stdin.flush()
            code = client.wait()
            in_time = timer.is_alive()
            timer.cancel()
            if not in_time:
                raise AssertionError(f"the client did not end within {timeout} s")
            if code != 0 or done != steps:
                for log in sorted(p for p in work.rglob("*.log") if p.is_file())[:6]:
                    print(f"--- {log.relative_to(work)}\n{log.read_text(errors='replace')[-3000:]}")
                raise AssertionError(f"the client ended with {code} after {done} of {steps} steps")
            print(f"{done} steps passed")
    finally:
        if os.environ.get("PHAROS_KEEP"):
            print(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
