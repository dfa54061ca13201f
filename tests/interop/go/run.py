#!/usr/bin/env python3
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from interop import OUT, build, install, run_client, skip, tool  # noqa: E402

go = tool("go", "Go 1.21 or newer (Debian 12's golang is too old)", "/usr/local/go/bin/go")
version = subprocess.run([go, "version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
found = re.search(r"go(\d+)\.(\d+)", version)
if not found or tuple(map(int, found.groups())) < (1, 21):
    skip(f"{version} is too old; Go 1.21 or newer is needed")
out = OUT / "go"
install(out, [HERE / "go.mod", HERE / "go.sum"], [go, "mod", "download"], cwd=HERE)
build(out, [HERE / "go.mod", HERE / "go.sum", HERE / "main.go"], [go, "build", "-buildvcs=false", "-o", out / "client", "."], cwd=HERE)
run_client([out / "client"], steps=21)
