#!/usr/bin/env python3
"""Every call that the server knows, by protocol generation, and the tests that make it: docs/compat.md.

    calls.py check DIR    the table of routes is what docs/compat.md lists, and every call was made by a test of this run
    calls.py write DIR    writes docs/compat.md

DIR holds what the servers of a test run noted at their end (PHAROS_CALLS_DIR, tests/support/pharos_server.py): which calls
were answered, and for which test. The table of routes comes from a running server's /access.
"""
import collections
import json
import pathlib
import re
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from pharos_server import ROOT, Server  # noqa: E402

DOCUMENT = ROOT / "docs/compat.md"
HEAD = """# Calls, and the tests that make them

Made from the server's own table of routes and payload types (`GET /access`) and from what the servers of a whole test run
answered, by `tests/compat/calls.py`; the test run fails when a call is missing here or when no test makes it. Names
without a path are gRPC payload types. `integration.*` are tests of this repository against a real process, `interop.*`
unchanged client libraries ([clients.md](clients.md)).

A call that is not listed is answered as the reference answers unknown ones: 501 below `/v1/ns`, 404 elsewhere, error 302
over gRPC.
"""
GENERATIONS = [
    ("HTTP v1", lambda what: " /v1/" in what),
    ("HTTP v2", lambda what: " /v2/" in what),
    ("HTTP v3, clients", lambda what: " /v3/client/" in what),
    ("HTTP v3, administration", lambda what: " /v3/" in what),
    ("gRPC", lambda what: " " not in what),
    ("The node itself", lambda what: True),
]
MODULES = [("config", r" /v\d/(admin/|client/|console/)?cs/|^Config"), ("naming", r" /v\d/(admin/|client/|console/)?ns/|Instance|Service(Query|List)|SubscribeService"),
           ("core", r"")]


def routes():
    """Without what answers for all that is unknown."""
    with Server() as server, urllib.request.urlopen(server.root_url("/access")) as reply:
        return {entry["what"]: entry for entry in json.load(reply) if not entry["what"].endswith("/**")}


def makers(directory):
    by_call = collections.defaultdict(set)
    for file in pathlib.Path(directory).glob("*.json"):
        noted = json.loads(file.read_text())
        for what in noted["calls"]:
            by_call[what].add(noted["by"])
    return by_call


def generation_of(what):
    return next(name for name, belongs in GENERATIONS if belongs(what))


def module_of(what):
    return next(name for name, pattern in MODULES if re.search(pattern, what))


def path_first(what):
    return what.split(" ")[::-1]


def document(known, by_call):
    lines = [HEAD]
    for generation, _ in GENERATIONS:
        calls = [w for w in known if generation_of(w) == generation]
        lines.append(f"## {generation}\n")
        for module, _ in MODULES:
            rows = sorted((w for w in calls if module_of(w) == module), key=path_first)
            if not rows:
                continue
            if generation != "The node itself":
                lines.append(f"### {module}\n")
            lines.append("| call | access | tests |\n|---|---|---|")
            for what in rows:
                entry = known[what]
                access = "open" if entry["anonymousBecause"] else entry["action"]
                lines.append(f"| `{what}` | {access} | {', '.join(sorted(by_call[what]))} |")
            lines.append("")
    return "\n".join(lines)


def listed():
    return set(re.findall(r"^\| `([^`]+)` \|", DOCUMENT.read_text(), re.M)) if DOCUMENT.exists() else set()


def check(known, by_call):
    wrong = [f"no test of this run makes it: {w}" for w in sorted(known) if not by_call[w]]
    wrong += [f"not in docs/compat.md: {w}" for w in sorted(set(known) - listed())]
    wrong += [f"in docs/compat.md, but the server does not know it: {w}" for w in sorted(listed() - set(known))]
    for line in wrong:
        print(line)
    if wrong:
        sys.exit(f"{len(wrong)} differences; docs/compat.md is made by tests/compat/calls.py write DIR after a whole run")
    print(f"{len(known)} calls, all made and listed")


def main():
    action, directory = sys.argv[1:]
    known, by_call = routes(), makers(directory)
    if action == "write":
        DOCUMENT.write_text(document(known, by_call))
    else:
        check(known, by_call)


main()
