#!/usr/bin/env python3
"""What ten more plugins cost: time to ready, processor time from start to stop, and time of a request.

    bench/plugins.py [ROUNDS]        # default 15; PHAROS_BIN and PHAROS_BAD_PLUGINS as for the tests

The ten do nothing, stand in a directory of their own, and are therefore tried in a child process first. Starts with and
without them take turns, so that both see the same machine. The least of each figure is told, and the median: on a machine that does
other things too, the least processor time is the one to look at.
"""
import http.client
import os
import pathlib
import re
import signal
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/support"))
from pharos_server import BIN, Server  # noqa: E402

PLUGINS = pathlib.Path(os.environ.get("PHAROS_BAD_PLUGINS") or BIN.parents[1] / "tests" / "plugins-bad")
MANY = ["--set", f"plugins.dirs={PLUGINS}", "--set", "plugins.optional=" + ",".join(f"many_{i}" for i in range(1, 11))]
REQUESTS = 2000


def measure(flags):
    """(milliseconds to ready, as the server says; milliseconds of processor time; microseconds a request)"""
    with Server(*flags) as server:
        server.process.send_signal(signal.SIGTERM)
        _, _, used = os.wait4(server.process.pid, 0)
        server.process.returncode = 0
        cpu = (used.ru_utime + used.ru_stime) * 1e3
    with Server(*flags) as server:
        start = int(re.search(r" ready .* ms=(\d+)", server.log).group(1))
        connection = http.client.HTTPConnection("127.0.0.1", server.port)

        def ask():
            connection.request("GET", "/nacos/v1/ns/operator/metrics")
            connection.getresponse().read()
        for _ in range(REQUESTS // 10):
            ask()
        begun = time.perf_counter()
        for _ in range(REQUESTS):
            ask()
        each = (time.perf_counter() - begun) / REQUESTS * 1e6
        connection.close()
        return start, cpu, each


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    results = {"without": [], "with ten more": []}
    measure([])  # files come into memory
    measure(MANY)
    for _ in range(rounds):
        results["without"].append(measure([]))
        results["with ten more"].append(measure(MANY))
    for name, figures in results.items():
        print(f"{name:14}", "   ".join(f"{what} {min(values):6.1f} {unit} (median {statistics.median(values):.1f})" for what, unit, values in
                                       zip(("start", "processor", "request"), ("ms", "ms", "us"), zip(*figures))))


main()
