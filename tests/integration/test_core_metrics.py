"""docs/metrics.md lists what a running server shows, no more and no less."""
import re

import pytest
from http_client import query, request
from nacos_grpc import Config, Naming
from pharos_server import ROOT, wait_for

SAMPLE = re.compile(r'([a-z_0-9]+)(?:\{(.*)\})? ([-+0-9.e]+)')


def documented():
    """{metric: names of its labels}, from the tables of the document."""
    found = {}
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`"):
            assert cells[2] and cells[3], line  # each has a unit and a meaning
            for name in re.findall(r"`([a-z_0-9]+)`", cells[0]):
                found[name] = {label.strip() for label in cells[1].split(",") if label.strip()}
    return found


def samples(server, path="/metrics"):
    reply = request("GET", server.root_url(path))
    assert reply.status == 200 and reply.headers["Content-Type"].startswith("text/plain")
    found = {}
    for line in reply.text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            found[name, labels or ""] = float(value)
    return found


@pytest.fixture
def used(server, name):
    """A server that has been asked for this and that, so that what is made at first use is there."""
    with Naming(server.grpc_port) as naming, Config(server.grpc_port) as config:
        naming.subscribe(name)
        naming.register(name, "10.0.0.1")
        naming.wait_hosts(name, ["10.0.0.1"])
        config.publish(name, "x")
        request("GET", query(server.url("/v1/cs/configs"), dataId=name, group="G1"))
        yield server


def test_every_metric_is_documented_and_every_documented_one_exists(used):
    shown = {}
    for name, labels in samples(used):
        shown.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    assert shown == documented()


def test_every_metric_has_a_type_and_a_help(server):
    text = request("GET", server.root_url("/metrics")).text
    for name in {name for name, _ in samples(server)}:
        kind = re.search(rf"^# TYPE {name} (\w+)$", text, re.M)[1]
        assert (kind == "counter") == name.endswith("_total"), name
        assert re.search(rf"^# HELP {name} \S+", text, re.M), name


def test_the_path_of_the_reference(server):
    assert set(samples(server, "/nacos/actuator/prometheus")) == set(samples(server))


def test_process_and_machine(server):
    found = samples(server)
    assert found["process_resident_memory_bytes", ""] > 1 << 20
    assert found["process_open_fds", ""] >= 5 and found["process_max_fds", ""] >= found["process_open_fds", ""]
    assert 0 <= found["system_cpu_usage", ""] <= 1
    before = found["process_cpu_seconds_total", ""]
    wait_for("processor time goes by", lambda: samples(server)["process_cpu_seconds_total", ""] > before)


def test_long_connections(server):
    def value(module):
        return samples(server)["nacos_monitor", f'module="{module}",name="longConnection"']
    wait_for("connections of other tests have ended", lambda: value("core") == 0)
    with Naming(server.grpc_port), Naming(server.grpc_port), Config(server.grpc_port), Naming(server.grpc_port, module="other"):
        assert [value(m) for m in ("core", "naming", "config", "unknown", "ai", "lock")] == [4, 2, 1, 1, 0, 0]
    wait_for("they are gone", lambda: value("core") == 0)
