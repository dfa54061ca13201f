"""Power cuts: a server publishes under a recorder of its disk, and the recording is cut at many places.

    power_cut.py --cuts 1000                            Pharos; each disk is opened by a checker, all in one process
    power_cut.py --server /path/to/rnacos --cuts 100    another server of the same protocol, restarted on each disk

What was synced before the cut is on the disk; of what was written after it, all, nothing, or any part arrives, by the
write, by the sector of 512 bytes, or all but the last ones. Prints one line of JSON; exit code 1 when an acknowledged
publish is lost, or something is there that was never sent.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from pharos_server import ROOT, Server, free_port, server_environment, wait_for  # noqa: E402
from workload import Publishers, problem_of, read, versions_sent  # noqa: E402

FAULT = pathlib.Path(os.environ.get("PHAROS_FAULT") or ROOT / "build/release/tests/fault")
LOSSES = ("all", "nothing", "writes", "sectors", "tail")  # of what was not synced; check/disk.hpp


class OtherServer:
    """A binary that is set by environment variables: RNACOS_..."""

    def __init__(self, binary, data, env=None):
        self.binary, self.data, self.env = binary, data, dict(env or {})
        self.port = free_port((0, 1000, 2000))
        self.process = None

    def __enter__(self):
        env = server_environment({**self.env, "RNACOS_HTTP_PORT": str(self.port), "RNACOS_GRPC_PORT": str(self.port + 1000),
                                  "RNACOS_HTTP_CONSOLE_PORT": str(self.port + 2000), "RNACOS_CONFIG_DB_DIR": str(self.data),
                                  "RUST_LOG": "error"})
        self.process = subprocess.Popen([self.binary], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=env, cwd=self.data)
        return self

    def wait_ready(self, timeout):
        """Whether it answers in time. A config that is not there is an answer."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if read(self.port, 0)[0] in (200, 404):
                    return True
            except OSError:
                pass
            time.sleep(0.05)
        return False

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.kill9()


def publish_until_killed(server, recording, publishes, first_version=0):
    publishers = Publishers(server.port, publishes, recording, first_version=first_version).start()
    wait_for(f"{publishes} acknowledged publishes", publishers.done.is_set, 120)
    server.kill9()
    publishers.stop()
    return publishers.sent


def record(server_of, folder, publishes):
    """Runs publishers until enough is acknowledged, and kills the server; ours twice, so that a start on what a kill
    left is recorded too. What was sent, with places."""
    data, recording = folder / "data", folder / "recording"
    data.mkdir()
    env = {"LD_PRELOAD": str(FAULT / "fault-shim.so"), "FAULT_DIR": str(data), "FAULT_RECORD": str(recording)}
    with server_of(data, env) as server:
        if isinstance(server, OtherServer):
            assert server.wait_ready(30), "the server did not answer"
            sent = publish_until_killed(server, recording, publishes)
        else:
            sent = publish_until_killed(server, recording, publishes // 2)
            server.restart()
            sent += publish_until_killed(server, recording, publishes // 2, first_version=10_000)
    assert recording.stat().st_size > 0, "nothing was recorded: is the server linked statically?"
    return sent


def check_by_store(folder, sent, cuts, seed):
    acks = folder / "acks"
    acks.write_text("".join(f"{k} {v} {b} {e}\n" for k, v, b, e in sent))
    done = subprocess.run([FAULT / "power-cut-check", "store", folder / "recording", acks, str(cuts), str(seed), folder / "disk"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return {**json.loads(done.stdout), "problems": done.stderr}


def check_by_restart(binary, folder, sent, cuts, seed):
    """Starts the server on each disk and reads all configs that were acknowledged before the cut."""
    random_place = random.Random(seed)
    length = (folder / "recording").stat().st_size
    first = min(e for _, _, _, e in sent if e)  # before this there is nothing to lose
    result = {"cuts": cuts, "bad": 0, "bad_by_loss": {name: 0 for name in LOSSES}, "no_start": 0, "lost_keys": 0, "acknowledged_checked": 0, "recording_bytes": length}
    for i in range(cuts):
        place, disk = random_place.randrange(first, length + 1), folder / "disk"
        loss = i % len(LOSSES)
        where = f"cut at {place}, loss of {LOSSES[loss]}, seed {seed + i}"
        shutil.rmtree(disk, ignore_errors=True)
        disk.mkdir()
        subprocess.run([FAULT / "power-cut-check", "image", folder / "recording", str(place), str(loss), str(seed + i), disk], check=True)
        expected = {k: v for k, v in versions_sent(sent, place).items() if v[0]}
        result["acknowledged_checked"] += len(expected)
        with OtherServer(binary, disk) as server:
            if not server.wait_ready(20):
                print(f"{where}: it does not start", file=sys.stderr)
                result["no_start"] += 1
                result["bad"] += 1
                result["bad_by_loss"][LOSSES[loss]] += 1
                continue
            # A server that replays a log may answer before it has: a problem counts when it stays.
            begin = time.monotonic()
            while True:
                problems = [p for p in (problem_of(server.port, k, *v) for k, v in expected.items()) if p]
                nothing_there = all("HTTP 404" in p for p in problems) and len(problems) == len(expected)
                if not problems or time.monotonic() > begin + (3 if nothing_there else 15):
                    break
                time.sleep(0.3)
            if problems:
                print(f"{where}: {len(problems)} of {len(expected)}: {problems[0]}", file=sys.stderr)
                result["lost_keys"] += len(problems)
                result["bad"] += 1
                result["bad_by_loss"][LOSSES[loss]] += 1
    return result


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--cuts", type=int, default=100)
    arguments.add_argument("--publishes", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--server", help="binary of another server; without it, Pharos")
    given = arguments.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pharos-cut-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    try:
        if given.server:
            sent = record(lambda data, env: OtherServer(given.server, data, env), folder, given.publishes)
            result = check_by_restart(given.server, folder, sent, given.cuts, given.seed)
        else:
            sent = record(lambda data, env: Server(data=data, env=env), folder, given.publishes)
            # Publishes that count as acknowledged when they are sent must be found missing, or nothing is looked at.
            early = [(k, v, b, b or 1) for k, v, b, _ in sent]
            assert check_by_store(folder, early, min(given.cuts, 100), given.seed)["bad"] > 0, "the check sees nothing"
            result = check_by_store(folder, sent, given.cuts, given.seed)
            print(result.pop("problems"), end="", file=sys.stderr)
        print(json.dumps({"publishes": sum(1 for p in sent if p[3]), **result}))
        if result["acknowledged_checked"] == 0 or result["bad"] != 0:
            raise SystemExit(1)
    finally:
        if os.environ.get("PHAROS_KEEP"):
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
