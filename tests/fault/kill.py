"""kill -9 in the middle of publishes, again and again on the same data.

    kill.py --times 100 --publishes 10000

Each time the server is killed at a random moment of the publishes, started again, and every config is read. Prints one
line of JSON; exit code 1 when an acknowledged publish is lost, something is there that was never sent, or the server is
not ready again in time.
"""
import argparse
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from pharos_server import Server, wait_for  # noqa: E402
from workload import Publishers, problem_of, versions_sent  # noqa: E402

VERSIONS_A_TIME = 10_000


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--times", type=int, default=100)
    arguments.add_argument("--publishes", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    moments = random.Random(given.seed)
    expected, problems, restarts, publishes = {}, [], [], 0
    with Server() as server:
        for i in range(given.times):
            moment = moments.randint(given.publishes // 20, given.publishes * 19 // 20)
            publishers = Publishers(server.port, moment, first_version=i * VERSIONS_A_TIME).start()
            wait_for(f"{moment} acknowledged publishes", publishers.done.is_set, 120, 0.001)
            server.kill9()
            publishers.stop()
            assert publishers.refused is None, publishers.refused
            publishes += publishers.count
            for key, (acknowledged, begun) in versions_sent(publishers.sent).items():
                before = expected.get(key, (0, 0))
                expected[key] = (max(acknowledged, before[0]), max(begun, before[1]))
            begin = time.monotonic()
            server.restart()
            restarts.append(time.monotonic() - begin)
            problems += [f"time {i}: {p}" for p in (problem_of(server.port, k, *v) for k, v in expected.items()) if p]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(json.dumps({"times": given.times, "acknowledged": publishes, "problems": len(problems),
                      "slowest_restart_seconds": round(max(restarts), 2)}))
    raise SystemExit(1 if problems else 0)


if __name__ == "__main__":
    main()
