"""Every binary that is shipped is hardened: position-independent, no executable stack, symbols bound at the start and
read-only afterwards, stack protector and checked libc calls compiled in; plugins stay loaded and export their descriptor only."""
import pathlib
import subprocess
import sys

build = pathlib.Path(sys.argv[1])
plugins = sorted((build / "lib/pharos/plugins").glob("*.so"))
binaries = [build / "bin/pharos", *sorted((build / "lib").glob("libpharos-sdk.so.?")), *plugins]
if (build / "bin/pharos-plugin-check").exists():
    binaries.append(build / "bin/pharos-plugin-check")


def readelf(option, file):
    return subprocess.run(["readelf", "-W", option, str(file)], check=True, capture_output=True, text=True).stdout


wrong = []
for file in binaries:
    headers, segments, dynamic, symbols = (readelf(o, file) for o in ("-h", "-l", "-d", "--dyn-syms"))
    checks = {
        "is not position-independent": "DYN (" in headers,
        "has an executable stack": any("GNU_STACK" in line and " RW " in line for line in segments.splitlines()),
        "has no read-only relocations": "GNU_RELRO" in segments,
        "binds symbols late": "BIND_NOW" in dynamic or "NOW" in dynamic,
        "has no stack protector": "__stack_chk_fail" in symbols,
        "has segments both writable and executable": not any(" RWE " in line for line in segments.splitlines()),
    }
    if file in plugins:
        exported = [line.split()[-1] for line in symbols.splitlines()
                    if " GLOBAL DEFAULT " in line and " UND " not in line and not line.split()[-1].startswith("_")]
        checks["may be unloaded (no NODELETE)"] = "NODELETE" in dynamic
        checks[f"exports more than its descriptor: {exported}"] = exported == ["pharos_plugin"]
    wrong += [f"{file.name} {what}" for what, is_well in checks.items() if not is_well]
fortified = subprocess.run(["readelf", "-W", "--dyn-syms", str(build / "bin/pharos")], check=True, capture_output=True, text=True).stdout
if "_chk@" not in fortified.replace("__stack_chk_fail", ""):
    wrong.append("pharos calls no checked libc functions (_FORTIFY_SOURCE)")
if len(plugins) < 5:
    wrong.append(f"only {len(plugins)} plugins found in {build}")
if wrong:
    sys.exit("\n".join(wrong))
print(f"{len(binaries)} binaries, all hardened")
