"""Active checks of persistent instances by a real server against real ports (docs/protocol/naming.md §4.2, §4.3 and §11,
traps 49 and 51). They need the plugin `health`."""
import http.server
import json
import socket
import threading

import pytest
from http_client import request
from nacos_grpc import Naming
from naming_http import call
from pharos_server import Server, wait_for
from test_udp_push import Subscriber

V1, ADMIN = "/v1/ns", "/v3/admin/ns"
SECONDS = 30  # a first probe comes within some seconds, and three results in a row turn an instance


@pytest.fixture(scope="module")
def server():
    with Server() as s:
        if '"health"' not in request("GET", s.root_url("/plugins")).text:
            pytest.skip("NOTHING IS PROBED: the server has no plugin `health`, so active checks are not tested at all")
        yield s


class Target:
    """A port of 127.0.0.1 that can be closed and opened again."""

    def __init__(self):
        self.socket = None
        self.open(0)

    def open(self, port=None):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port if port is None else port))
        self.socket.listen(64)
        self.port = self.socket.getsockname()[1]

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Web:
    """An HTTP server that answers a path with a status, and remembers what it was asked."""

    def __init__(self):
        self.status, self.asked = 200, []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked.append((self.path, dict(self.headers)))
                self.send_response(web.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def keep(server, service, port, **more):
    reply = call(server, "POST", V1 + "/instance", serviceName=service, ip="127.0.0.1", port=port, ephemeral="false", **more)
    assert reply.text == "ok", reply


def set_checker(server, service, checker, own_port="true", port=80):
    reply = call(server, "PUT", V1 + "/cluster", serviceName=service, clusterName="DEFAULT", checkPort=port,
                 useInstancePort4Check=own_port, healthChecker=json.dumps(checker))
    assert reply.text == "ok", reply


def health(server, service):
    """By port, as it is: lists for clients show all as healthy when none is."""
    rows = call(server, "GET", ADMIN + "/instance/list", serviceName=service).json["data"]
    return {row["port"]: row["healthy"] for row in rows}


def wait_health(server, service, expected):
    wait_for(f"health {expected}", lambda: health(server, service) == expected, SECONDS, step=0.1)


def probe(server, service):
    row, = call(server, "GET", ADMIN + "/health/probes", serviceName=service).json["data"]
    return row


def wait_probe(server, service, where):
    return wait_for("a probe", lambda: (row := probe(server, service))["lastProbeTime"] and where(row) and row, SECONDS, step=0.1)


def test_a_refused_port_turns_unhealthy_is_pushed_and_recovers(server, name):
    """Trap 51: by TCP on the instance's own port, without any metadata."""
    with Target() as target, Naming(server.grpc_port) as c, Subscriber(server, name) as udp:
        keep(server, name, target.port)
        c.subscribe(name)
        udp.ask()
        wait_probe(server, name, lambda row: row["outcome"] == "PASSED" and row["type"] == "TCP")
        seen = c.count()
        target.close()
        turned = lambda healthy: lambda m: [h["healthy"] for h in m["serviceInfo"]["hosts"]] == [healthy]
        c.wait_push("NotifySubscriberRequest", turned(False), SECONDS, seen)
        wait_for("it is pushed by UDP", lambda: (udp.ask(), [h["healthy"] for h in udp.push(SECONDS)["hosts"]] == [False])[1], SECONDS)
        row = wait_probe(server, name, lambda row: not row["healthy"])
        assert row["outcome"] == "FAILED_NOW" and row["reason"] and row["inARow"] >= 1 and row["intervalMs"] > 0
        assert health(server, name) == {target.port: False}  # and still there
        seen = c.count()
        target.open()
        c.wait_push("NotifySubscriberRequest", turned(True), SECONDS, seen)
        assert health(server, name) == {target.port: True}


def test_an_unhealthy_instance_outlives_a_restart(name):
    with Server() as s:
        if '"health"' not in request("GET", s.root_url("/plugins")).text:
            pytest.skip("NOTHING IS PROBED: the server has no plugin `health`")
        with Target() as target:
            keep(s, name, target.port)
            target.close()
            wait_health(s, name, {target.port: False})
            s.restart(kill=True)
            assert health(s, name) == {target.port: False}
            target.open()
            wait_health(s, name, {target.port: True})


def test_http_by_path_headers_and_status(server, name):
    """§4.2, §4.3; trap 49: 200 alone is healthy."""
    with Web() as web:
        keep(server, name, web.port)
        set_checker(server, name, {"type": "HTTP", "path": "/alive", "headers": "X-Probe:yes|broken", "expectedResponseCode": 404})
        wait_probe(server, name, lambda row: row["type"] == "HTTP" and row["outcome"] == "PASSED")
        path, headers = web.asked[-1]
        assert (path, headers.get("X-Probe")) == ("/alive", "yes")
        web.status = 404
        wait_health(server, name, {web.port: False})
        assert wait_probe(server, name, lambda row: True)["outcome"] == "FAILED_NOW"
        web.status = 200
        wait_health(server, name, {web.port: True})
        web.status = 503  # counts only
        row = wait_probe(server, name, lambda row: row["outcome"] != "PASSED")
        assert row["outcome"] == "FAILED"
        wait_health(server, name, {web.port: False})


def test_another_port_is_checked_when_the_cluster_says_so(server, name):
    with Target() as alive, Target() as dead:
        dead.close()
        keep(server, name, dead.port)
        wait_health(server, name, {dead.port: False})
        set_checker(server, name, {"type": "TCP"}, own_port="false", port=alive.port)
        wait_health(server, name, {dead.port: True})


def test_none_is_for_operators_and_the_checker_is_switched_live(server, name):
    with Target() as target:
        target.close()
        keep(server, name, target.port)
        wait_health(server, name, {target.port: False})
        set_checker(server, name, {"type": "NONE"})
        one = dict(serviceName=name, ip="127.0.0.1", port=target.port)
        assert call(server, "PUT", V1 + "/health/instance", **one, healthy="true").text == "ok"
        assert health(server, name) == {target.port: True}
        row = probe(server, name)
        assert (row["type"], row["outcome"]) == ("NONE", None) and "NONE" in row["reason"]
        set_checker(server, name, {"type": "TCP"})
        wait_health(server, name, {target.port: False})
        assert call(server, "PUT", V1 + "/health/instance", **one, healthy="true").status == 400


def test_the_switch_stops_all_checks(server, name):
    def turn(value):
        assert call(server, "PUT", V1 + "/operator/switches", entry="check", value=value).text == "ok"
    with Target() as target:
        keep(server, name, target.port)
        wait_probe(server, name, lambda row: row["outcome"] == "PASSED")
        turn("false")
        try:
            target.close()
            # Another one that is refused would have turned meanwhile.
            keep(server, f"{name}-b", target.port)
            last = probe(server, name)["lastProbeTime"]
            threading.Event().wait(6)
            assert probe(server, name)["lastProbeTime"] - last < 6000 and health(server, name) == {target.port: True}
            assert health(server, f"{name}-b") == {target.port: True}
        finally:
            turn("true")
        wait_health(server, name, {target.port: False})
        wait_health(server, f"{name}-b", {target.port: False})
