#!/usr/bin/env python3
"""run.py [v3]: the client of 2.x, or the one of 3.x."""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from interop import run_client  # noqa: E402
from pharos_server import ROOT  # noqa: E402

version = sys.argv[1] if len(sys.argv) > 1 else "v2"
out = ROOT / f"build/interop/java-{version}"
maven = ["mvn", "-B", "-q", f"-Dout={out}", "-f", HERE / "pom.xml", "compile"]
if version != "v2":
    maven.insert(1, f"-P{version}")
newest = max(p.stat().st_mtime for p in [HERE / "pom.xml", *HERE.rglob("*.java")])
stamp = out / "built"
if not stamp.exists() or stamp.stat().st_mtime < newest:
    subprocess.run(maven, check=True, stdin=subprocess.DEVNULL)
    stamp.touch()

with tempfile.TemporaryDirectory(prefix="pharos-java-") as home:
    run_client(["java", "-Xmx256m", f"-Duser.home={home}", f"-DJM.LOG.PATH={home}", f"-DJM.SNAPSHOT.PATH={home}", f"-Djava.io.tmpdir={home}",
                "-cp", f"{out}/classes:{out}/lib/*", "pharos.Client"], steps=15)
