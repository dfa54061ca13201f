#!/usr/bin/env python3
"""Checks which part of the tree includes which (docs/architecture.md, "Directions") and that the kernel knows no domain.

- sdk-api includes nothing of ours but itself; protocol includes sdk-api; plugins include sdk-api and protocol, never
  each other or the kernel; the kernel includes sdk-api, never plugins or protocol.
- cli includes sdk-api, protocol and the kernel's parts that are listed for it; of the kernel, only main.cpp includes cli.
- A kernel part includes the parts that are listed for it and no others.
- No file of the kernel names a plugin of the domain, or includes an SPI header of the domain.
- SPI headers include the standard library and each other, nothing else.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
DOMAIN_HEADERS = {"kv_store.hpp", "store.hpp", "namespaces.hpp"}
DOMAIN_WORDS = re.compile(r"\b(naming|dataId|data_id|namespaceId|serviceName|lmdb)\b")
# Where the words may stand: defaults of settings, and texts of the wire's own connection labels.
WORDS_ALLOWED = {"kernel/app/kernel_settings.cpp", "kernel/app/options.cpp", "kernel/rpc/connection_table.hpp"}
KERNEL_PARTS = {
    "access": set(),
    "runtime": set(),
    "observe": set(),
    "settings": set(),
    "cluster": set(),
    "plugin": {"settings"},
    "net": set(),
    "http": {"access", "net"},
    "rpc": {"access", "net"},
    "app": {"access", "cluster", "http", "net", "observe", "plugin", "rpc", "runtime", "settings"},
}
CLI_PARTS = {"app", "plugin", "settings"}
STANDARD = re.compile(r"^[a-z_]+$")
failures = []


def fail(file, what):
    failures.append(f"{file.relative_to(ROOT)}: {what}")


def sources(*folders):
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".hpp", ".cpp"):
                yield file, file.read_text(encoding="utf-8")


def check_ours(file, text, allowed):
    for _, name in INCLUDE.findall(text):
        if name.startswith("pharos/") and name.split("/")[1] not in allowed:
            fail(file, f"includes {name}")


for file, text in sources("sdk-api/include/pharos/spi"):
    for _, name in INCLUDE.findall(text):
        if not STANDARD.match(name) and not name.startswith("pharos/spi/"):
            fail(file, f"an SPI header includes {name}")
for file, text in sources("sdk-api"):
    check_ours(file, text, {"spi", "sdk", "testing"})
for file, text in sources("protocol"):
    check_ours(file, text, {"spi", "sdk", "protocol"})
for file, text in sources("plugins"):
    plugin = file.relative_to(ROOT / "plugins").parts[0]
    check_ours(file, text, {"spi", "sdk", "protocol", "testing"})
    for kind, name in INCLUDE.findall(text):
        own = ROOT / "plugins" / plugin
        beside = (file.parent / name).exists() or (own / "src" / name).exists()
        if kind == '"' and not beside:
            fail(file, f"includes {name}, which is not in its own plugin")
        if name.startswith(("grpc", "google/protobuf", "boost/asio", "boost/beast", "spdlog", "toml++")):
            fail(file, f"includes {name}, which is the kernel's own")
for file, text in sources("cli"):
    check_ours(file, text, {"spi", "sdk", "protocol"})
    for kind, name in INCLUDE.findall(text):
        if kind == '"' and name.split("/")[0] not in CLI_PARTS | {"cli"}:
            fail(file, f"includes {name}")
for file, text in sources("kernel"):
    relative = file.relative_to(ROOT)
    part = relative.parts[1]
    test = re.search(r"_(test|bench|fuzz)\.cpp$|test_support\.hpp$|test_client\.hpp$", file.name) is not None
    check_ours(file, text, {"spi", "sdk", "testing"} if test else {"spi", "sdk"})
    for kind, name in INCLUDE.findall(text):
        if name.startswith("pharos/spi/") and name.split("/")[2] in DOMAIN_HEADERS:
            fail(file, f"includes the domain's {name}")
        other = name.split("/")[0] if kind == '"' and "/" in name else part
        if str(relative) == "kernel/app/main.cpp" and other == "cli":
            continue
        if other != part and other not in KERNEL_PARTS[part] and not (test and other in ("runtime", "observe")):
            fail(file, f"kernel/{part} includes {name}")
    code = re.sub(r"//[^\n]*", "", text)
    if not test and str(relative) not in WORDS_ALLOWED and (word := DOMAIN_WORDS.search(code)):
        fail(file, f"the kernel speaks of '{word.group()}'")

print("\n".join(failures) or "directions hold")
sys.exit(bool(failures))
