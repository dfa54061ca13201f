#!/usr/bin/env python3
"""Measures Pharos beside r-nacos, with the same tool on the same machine, and prints a Markdown table.

    bench/compare.py               the full run: about 20 minutes
    bench/compare.py --quick       2 seconds each: about 3 minutes, for a first look
    bench/compare.py --only "push-fanout cfg-put-64" --subs 1000

Pharos is build/release/bin/pharos (built when it is not there) or PHAROS_BIN; r-nacos is RNACOS_BIN, or built by cargo into
build/rnacos, which takes a while the first time. Every server starts with an empty data folder; the order is turned round
on every repeat. Everything runs on loopback. What a figure means: bench/nxbench/README.md.
"""
import argparse
import json
import os
import pathlib
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
NXBENCH = ROOT / "bench/nxbench"
OUT = ROOT / "build/compare"
RNACOS_VERSION = "0.8.8"


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def need(command, why):
    path = shutil.which(command)
    if not path:
        sys.exit(f"compare: '{command}' is not on the PATH; it is needed to {why}")
    return path


def build_tool():
    OUT.mkdir(parents=True, exist_ok=True)
    subprocess.run([need("go", "build the load tool"), "build", "-buildvcs=false", "-o", OUT / "nxbench", "."], cwd=NXBENCH, check=True)
    return OUT / "nxbench"


def find_pharos():
    if os.environ.get("PHAROS_BIN"):
        return pathlib.Path(os.environ["PHAROS_BIN"])
    binary = ROOT / "build/release/bin/pharos"
    if not binary.exists():
        say("building Pharos")
        script = '. tools/packages.sh; install_packages "${PHAROS_PACKAGES[@]}"; build release build/release pharos-all -DPHAROS_TESTS=OFF'
        subprocess.run(["bash", "-euc", script], cwd=ROOT, check=True)
    return binary


def find_rnacos():
    if os.environ.get("RNACOS_BIN"):
        return pathlib.Path(os.environ["RNACOS_BIN"])
    binary = ROOT / "build/rnacos/bin/rnacos"
    if not binary.exists():
        say(f"building r-nacos {RNACOS_VERSION}; this takes some twenty minutes, once")
        subprocess.run([need("cargo", "build r-nacos"), "install", "rnacos", "--version", RNACOS_VERSION, "--locked", "--root", ROOT / "build/rnacos"], check=True)
    return binary


def free_port():
    while True:
        port = random.randrange(20, 31, 2) * 1000 + random.randrange(100) * 10
        try:
            for p in (port, port + 1000, port + 1001, port + 2000):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", p))
            return port
        except OSError:
            continue


def start_command(name, binary, port, data):
    if name == "pharos":
        return [binary, "server", "--port", str(port), "--data", data / "data"]
    return ["env", f"RNACOS_HTTP_PORT={port}", f"RNACOS_GRPC_PORT={port + 1000}", f"RNACOS_HTTP_CONSOLE_PORT={port + 2000}",
            f"RNACOS_CONFIG_DB_DIR={data / 'data'}", "RUST_LOG=warn", binary]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2 s a measure, once")
    parser.add_argument("--repeats", type=int, help="runs of each server (default 2, quick 1); the table has the medians")
    parser.add_argument("--seconds", type=float, help="measured seconds of each loop (default 6, quick 2)")
    parser.add_argument("--only", help='the measures to run, e.g. "cfg-get push-fanout"')
    parser.add_argument("--servers", default="pharos rnacos", help="which of: pharos rnacos")
    parser.add_argument("--conns", type=int, help="connections of the conns measure (default 1000, quick 200)")
    parser.add_argument("--subs", type=int, help="subscribers of the fan-out measures (default 1000, quick 200)")
    parser.add_argument("--pin", default="", help='prefix of the load tool, e.g. "taskset -c 1"')
    parser.add_argument("--all-rows", action="store_true", help="every row of the table")
    parser.add_argument("--results", type=pathlib.Path, help="where the JSON lines go (default: a new file in build/compare)")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

    quick = args.quick
    env = dict(os.environ, NXBENCH=str(build_tool()), PIN=args.pin,
               SECONDS_EACH=str(args.seconds or (2 if quick else 6)), WARMUP="1" if quick else "3", PREPASS="0",
               CONNS=str(args.conns or (200 if quick else 1000)), HOLD="5" if quick else "20",
               SUBS=str(args.subs or (200 if quick else 1000)), ROUNDS="5" if quick else "10")
    if args.only:
        env["ONLY"] = args.only.replace("bare-push", "")
    finders = {"pharos": find_pharos, "rnacos": find_rnacos}
    servers = {name: finders[name]().resolve() for name in args.servers.split()}
    results = (args.results or OUT / time.strftime("results-%Y%m%d-%H%M%S.jsonl")).resolve()
    bare = args.only is None or any(m in args.only for m in ("push-fanout", "bare-push"))

    for repeat in range(args.repeats or (1 if quick else 2)):
        order = list(servers) if repeat % 2 == 0 else list(reversed(servers))
        for name in order:
            say(f"run {repeat + 1}: {name}")
            port = free_port()
            with tempfile.TemporaryDirectory(prefix="pharos-bench-") as data:
                data = pathlib.Path(data)
                log = data / "log"
                done = subprocess.run([NXBENCH / "run.sh", "-o", results, name, f"127.0.0.1:{port}", "-", "--",
                                       *start_command(name, servers[name], port, data)],
                                      cwd=data, env=dict({k: v for k, v in env.items() if not k.startswith("PHAROS_")}, SLOG=str(log)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                if done.returncode != 0:
                    if log.exists():
                        print(log.read_text(errors="replace")[-3000:], file=sys.stderr)
                    sys.exit(f"compare: {name} could not be measured")
        if bare:
            say(f"run {repeat + 1}: the bare transport")
            subprocess.run([*args.pin.split(), env["NXBENCH"], "bare-push", "-subs", env["SUBS"], "-k", env["ROUNDS"], "-o", results],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)

    subprocess.run([NXBENCH / "table.py", results, *(["-a"] if args.all_rows else [])], check=True)
    noisy = [r for r in map(json.loads, open(results)) if r.get("other_cpu_s", 0) > 0.1 * r.get("wall_s", 1e9)]
    if noisy:
        print(f"\n{len(noisy)} of the measures ran while something else used more than a tenth of a core "
              f"({', '.join(sorted({r['cmd'] for r in noisy}))}): their times are not to be trusted.")
    say(f"the raw figures are in {os.path.relpath(results)}")


if __name__ == "__main__":
    main()
