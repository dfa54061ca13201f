#!/usr/bin/env python3
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from interop import run_client  # noqa: E402
from pharos_server import ROOT  # noqa: E402

run_client([ROOT / "build/venv/bin/python", "-u", HERE / "client.py"], steps=19)
