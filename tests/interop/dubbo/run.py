#!/usr/bin/env python3
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from interop import OUT, build, install, run_client, tool  # noqa: E402

java, javac, mvn = tool("java", "Java 11 or newer"), tool("javac", "a JDK, 11 or newer"), tool("mvn", "Maven 3")
out = OUT / "dubbo"
sources = sorted((HERE / "src").glob("*.java"))
install(out, [HERE / "pom.xml"], [mvn, "-B", "-q", "-f", HERE / "pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={out}/lib"])
build(out, sources, [javac, "-encoding", "UTF-8", "-cp", f"{out}/lib/*", "-d", out / "classes", *sources])
run_client([java, "-Xmx256m", "-Duser.home={WORK}", "-DJM.LOG.PATH={WORK}", "-DJM.SNAPSHOT.PATH={WORK}", "-Ddubbo.application.logger=slf4j",
            "-cp", f"{out}/classes:{out}/lib/*", "Consumer"], steps=14, timeout=400)
