import re

from http_client import request


def test_live_and_ready(server):
    assert request("GET", server.root_url("/health/live")).status == 200
    assert request("GET", server.root_url("/health/ready")).status == 200


def test_health_tells_nothing_else(server):
    for path in ("/health/live", "/health/ready"):
        reply = request("GET", server.root_url(path))
        assert len(reply.body) < 64
        assert str(server.data).encode() not in reply.body


def test_metrics_are_prometheus_text(server):
    reply = request("GET", server.root_url("/metrics"))
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/plain")
    samples = [line for line in reply.text.splitlines() if line and not line.startswith("#")]
    assert samples
    for line in samples:
        assert re.fullmatch(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? [-+0-9.eEinfNa]+( \d+)?', line), line


# The health calls that tools for the original know.
def test_health_of_the_original(server):
    assert request("GET", server.url("/v1/console/health/liveness")).text == "OK"
    assert request("GET", server.url("/v1/console/health/readiness")).text == "OK"
    for path in ("/v3/admin/core/state/liveness", "/v3/admin/core/state/readiness", "/v2/console/health/liveness", "/v2/console/health/readiness"):
        reply = request("GET", server.url(path))
        assert (reply.status, reply.json) == (200, {"code": 0, "message": "success", "data": "ok"}), path
    assert request("GET", server.url("/v1/cs/health")).text == "UP"
    assert request("GET", server.url("/v1/ns/operator/metrics")).json["status"] == "UP"


def test_server_state_is_a_bare_map_of_strings(server):
    state = request("GET", server.url("/v1/console/server/state")).json
    assert state["startup_mode"] == "standalone"
    assert state["server_port"] == str(server.port)
    assert all(v is None or isinstance(v, str) for v in state.values())


def test_unknown_paths_are_404(server):
    for path in ("/nacos/v1/none", "/nacos/v3/admin/none", "/none", "/nacos/v1/cs/configs/none"):
        assert request("GET", server.root_url(path)).status == 404, path


def test_stops_as_asked():
    from pharos_server import Server
    with Server() as s:
        assert s.stop() == 0
