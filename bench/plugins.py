#!/usr/bin/env python3
"""What ten more plugins cost: time to ready and time of a request, with and without them.

    bench/plugins.py [ROUNDS]        # default 15; PHAROS_BIN and PHAROS_BAD_PLUGINS as for the tests

The ten do nothing, stand in a directory of their own, and are therefore tried in a child process first. Starts with and
without them take turns, so that both see the same machine; the medians are told.
"""
import http.client
import os
import pathlib
import re
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/support"))
from pharos_server import BIN, Server  # noqa: E402

PLUGINS = pathlib.Path(os.environ.get("PHAROS_BAD_PLUGINS") or BIN.parents[1] / "tests" / "plugins-bad")
MANY = ["--set", f"plugins.dirs={PLUGINS}", "--set", "plugins.optional=" + ",".join(f"many_{i}" for i in range(1, 11))]
REQUESTS = 2000


def measure(flags):
    """(milliseconds to ready, as the server says; microseconds a request)"""
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
        return start, each


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    results = {"without": [], "with ten more": []}
    measure([])  # files come into memory
    measure(MANY)
    for _ in range(rounds):
        results["without"].append(measure([]))
        results["with ten more"].append(measure(MANY))
    for name, figures in results.items():
        starts, requests = zip(*figures)
        print(f"{name:14} start {statistics.median(starts):6.1f} ms (least {min(starts)})   request {statistics.median(requests):6.1f} us")


main()
