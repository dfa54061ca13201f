#!/usr/bin/env python3
"""run.py [VERSION]: nacos-client of that version."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from interop import OUT, build, install, run_client, tool  # noqa: E402

version = sys.argv[1] if len(sys.argv) > 1 else "2.5.1"
java, javac, mvn = tool("java", "Java 11 or newer"), tool("javac", "a JDK, 11 or newer"), tool("mvn", "Maven 3")
main, steps, logback = ("ClientV1", 24, "1.2.13") if version.startswith("1.") else ("Client", 23, "1.3.15")
out = OUT / f"java-{version}"
sources = [HERE / f"src/{name}.java" for name in ("Steps", "Maintenance", main)]
install(out, [HERE / "pom.xml", __file__], [mvn, "-B", "-q", "-f", HERE / "pom.xml", f"-Dnacos.version={version}", f"-Dlogback.version={logback}",
                                            "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={out}/lib"])
build(out, sources, [javac, "-encoding", "UTF-8", "-cp", f"{out}/lib/*", "-d", out / "classes", *sources])
run_client([java, "-Xmx256m", "-Dfile.encoding=UTF-8", "-Duser.home={WORK}", "-DJM.LOG.PATH={WORK}", "-DJM.SNAPSHOT.PATH={WORK}", "-Djava.io.tmpdir={WORK}",
            "-Dcom.alibaba.nacos.client.naming.local.ip=127.0.0.1",  # where 1.x is pushed to; the host's name may not resolve
            "-cp", f"{out}/classes:{out}/lib/*", main], steps=steps)
