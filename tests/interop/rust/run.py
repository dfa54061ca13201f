#!/usr/bin/env python3
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from interop import OUT, build, install, run_client, tool  # noqa: E402

cargo = tool("cargo", "Rust 1.88 or newer", os.path.expanduser("~/.cargo/bin/cargo"))
out = OUT / "rust"
inputs = [HERE / "Cargo.toml", HERE / "Cargo.lock"]
install(out, inputs, [cargo, "fetch", "--quiet", "--locked"], cwd=HERE)
# Some 140 crates: a few minutes the first time.
build(out, [*inputs, HERE / "src/main.rs"], ["nice", cargo, "build", "--quiet", "--locked", "--offline", "--target-dir", out], cwd=HERE)
run_client([out / "debug/interop-rust"], steps=19)
