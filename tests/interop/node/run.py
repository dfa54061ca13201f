#!/usr/bin/env python3
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from interop import OUT, install, run_client, tool  # noqa: E402

node = tool("node", "Node.js 14 or newer")
npm = tool("npm", "npm 8 or newer")
out = OUT / "node"
out.mkdir(parents=True, exist_ok=True)
inputs = [HERE / "package.json", HERE / "package-lock.json"]
for file in inputs:
    shutil.copy(file, out)
install(out, inputs, [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=out)
run_client([node, HERE / "client.js"], steps=19, env={"NODE_PATH": str(out / "node_modules")})
