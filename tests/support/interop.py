"""Runs a client program against a server behind a gate.

The program prints "OK <step>" for what worked and ends with 0. It may steer the gate: it prints "@cut" or "@restore" and
reads "done" from its standard input. It gets its addresses as environment variables: PORT of the server, GATE_PORT (the
same server, behind the gate), and WORK, a directory for its caches and logs.

PHAROS_INTEROP_PORT=8848 (and PHAROS_INTEROP_GRPC_PORT) make it use a server that runs already.
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import types

from pharos_server import Gate, Server


@contextlib.contextmanager
def target():
    port = os.environ.get("PHAROS_INTEROP_PORT")
    if port:
        yield types.SimpleNamespace(port=int(port), grpc_port=int(os.environ.get("PHAROS_INTEROP_GRPC_PORT") or int(port) + 1000))
    else:
        with Server() as server:
            yield server


def run_client(command, steps, cwd=None, env=None, timeout=180):
    """steps: how many "OK" lines there have to be, so that a program that does nothing does not pass."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="pharos-interop-"))
    try:
        with target() as server, Gate.pair(server) as gate:
            environment = dict(os.environ, PORT=str(server.port), GATE_PORT=str(gate.port), WORK=str(work), **(env or {}))
            client = subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors="replace")
            timer = threading.Timer(timeout, client.kill)
            timer.start()
            done = 0
            for line in client.stdout:
                sys.stdout.write(line)
                sys.stdout.flush()
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
