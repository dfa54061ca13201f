#!/usr/bin/env python3
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from interop import OUT, install, run_client  # noqa: E402

# A virtual environment of its own: this package and the one of build/venv have one name.
out = OUT / "python-http"
requirements = HERE / "requirements.txt"
install(out, [requirements], ["sh", "-c", '"$0" -m venv "$1" && "$1/bin/python" -m pip install -q --disable-pip-version-check -r "$2"',
                              sys.executable, out / "venv", requirements])
run_client([out / "venv/bin/python", "-u", HERE / "client.py"], steps=19)
