#!/usr/bin/env python3
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from interop import run_client  # noqa: E402
from pharos_server import ROOT  # noqa: E402

program = ROOT / "build/interop/go-client"
program.parent.mkdir(parents=True, exist_ok=True)
go = os.environ.get("GO") or shutil.which("go")
subprocess.run([go, "build", "-buildvcs=false", "-o", program, "."], cwd=HERE, check=True, stdin=subprocess.DEVNULL)
run_client([program], steps=15)
