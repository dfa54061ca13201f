"""Connections as operators see and move them (docs/protocol/core.md, section 1.8), their limits, and clients that vanish."""
import datetime
import socket
import time

import pytest
from http_client import query, raw, request
from nacos_grpc import Channel, Config, Naming
from pharos_server import Server, wait_for

V2, V3 = "/v2/core/loader", "/v3/admin/core/loader"


def result(data):
    return {"code": 0, "message": "success", "data": data}


def current(server):
    return request("GET", server.url(f"{V2}/current")).json


def metric(server, name):
    for line in request("GET", server.root_url("/metrics")).text.splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no metric {name}")


def test_a_connection_is_shown_whole(server):
    labels = {"app_zone": "z1", "Vipserver-Tag": "blue"}
    with Naming(server.grpc_port, ability_table={"fuzzyWatch": True, "lock": False}, labels=labels, tenant="dev", client_ip="10.9.8.7", version="Nacos-Go-Client:v2.3.0") as c:
        shown = current(server)[c.check["connectionId"]]
        v3 = request("GET", server.url(f"{V3}/current")).json
        assert v3["code"] == 0 and v3["data"][c.check["connectionId"]]["metaInfo"]["connectionId"] == c.check["connectionId"]
    meta = shown["metaInfo"]
    created_ms, ip, port = c.check["connectionId"].split("_")
    created = datetime.datetime.fromisoformat(meta.pop("createTime"))
    assert created.utcoffset() == datetime.timedelta(0) and round(created.timestamp() * 1000) == int(created_ms)
    assert abs(meta.pop("lastActiveTime") - time.time() * 1000) < 5000
    whole = {"source": "sdk", "module": "naming", "AppName": "tests", **labels}
    assert meta == {"connectType": "GRPC", "clientIp": "10.9.8.7", "remoteIp": ip, "remotePort": int(port), "localPort": server.grpc_port,
                    "version": "Nacos-Go-Client:v2.3.0", "connectionId": c.check["connectionId"], "appName": "tests", "namespaceId": "dev", "labels": whole,
                    "tlsProtected": False, "tag": "blue", "appLabels": {"zone": "z1"}, "clusterSource": False, "sdkSource": True}
    assert {k: shown[k] for k in ("traced", "abilityTable", "connected", "labels", "appLabels")} == {
        "traced": False, "abilityTable": {"fuzzyWatch": True, "lock": False}, "connected": True, "labels": whole, "appLabels": {"zone": "z1"}}


def test_old_clients_have_no_table_and_what_has_ended_is_gone(server):
    with Naming(server.grpc_port) as c:
        shown = current(server)[c.check["connectionId"]]
        assert shown["abilityTable"] is None and shown["metaInfo"]["tag"] is None
    wait_for("the connection is gone", lambda: c.check["connectionId"] not in current(server))


def test_last_active_time_moves(server):
    with Naming(server.grpc_port) as c:
        def seen():
            return current(server)[c.check["connectionId"]]["metaInfo"]["lastActiveTime"]
        before = seen()
        time.sleep(0.5)
        assert abs(seen() - before) <= 200  # being looked at is no activity
        c.call("HealthCheckRequest", {})
        assert seen() >= before + 300


def test_one_client_is_asked_to_move(server):
    with Naming(server.grpc_port) as c, Naming(server.grpc_port) as other:
        me = c.check["connectionId"]
        reply = request("GET", query(server.url(f"{V2}/reloadClient"), connectionId=me, redirectAddress="10.0.0.2:8848"))
        assert (reply.status, reply.text) == (200, "success")
        push = c.wait_push("ConnectResetRequest")
        assert {k: push.get(k) for k in ("serverIp", "serverPort", "connectionId", "module")} == {
            "serverIp": "10.0.0.2", "serverPort": "8848", "connectionId": me, "module": "internal"}
        since = c.count()
        assert request("POST", query(server.url(f"{V3}/reloadClient"), connectionId=me)).json == result(None)
        push = c.wait_push("ConnectResetRequest", since=since)
        assert "serverIp" not in push.body and "serverPort" not in push.body
        assert other.pushes_of("ConnectResetRequest") == []
        assert me in current(server)  # whether to go is the client's affair
    reply = request("GET", query(server.url(f"{V2}/reloadClient"), connectionId="none"))
    assert (reply.status, reply.text) == (404, "caused: there is no connection 'none';")
    reply = request("POST", query(server.url(f"{V3}/reloadClient"), connectionId="none"))
    assert (reply.status, reply.json) == (404, {"code": 20004, "message": "resource not found", "data": "there is no connection 'none'"})


def test_shedding_leaves_so_many(name):
    with Server() as s, Naming(s.grpc_port, labels={"source": "cluster"}) as member:
        clients = [Naming(s.grpc_port) for _ in range(5)]
        assert request("GET", query(s.url(f"{V2}/reloadCurrent"), count=3)).text == "success"
        for c in clients[:2]:  # the oldest
            c.wait_push("ConnectResetRequest")
        assert request("POST", query(s.url(f"{V3}/reloadCurrent"), count=5)).json == result(None)
        for c in clients[2:]:
            c.call("HealthCheckRequest", {})
            assert c.pushes_of("ConnectResetRequest") == []
        assert request("POST", query(s.url(f"{V3}/reloadCurrent"), count=0)).json == result(None)
        for c in clients[2:]:
            c.wait_push("ConnectResetRequest")
        assert member.pushes_of("ConnectResetRequest") == []
        for c in clients:
            c.close()


def test_loads(name):
    with Server() as s:
        with Naming(s.grpc_port), Config(s.grpc_port), Naming(s.grpc_port, labels={"source": "cluster"}):
            v2 = request("GET", s.url(f"{V2}/cluster")).json
            v3 = request("GET", s.url(f"{V3}/cluster")).json
        common = {"memberCount": 1, "metricsCount": 1, "completed": True, "max": 2, "min": 2, "avg": 2, "total": 2}
        detail = v2.pop("detail")
        assert len(detail) == 1 and detail[0]["address"] == s.address
        load = detail[0]["metric"]
        assert {k: load[k] for k in ("sdkConCount", "conCount")} == {"sdkConCount": "2", "conCount": "3"}
        assert float(load["load"]) >= 0 and 0 <= float(load["cpu"]) <= 1
        assert v2.pop("threshold") == pytest.approx(2.2) and v2 == common
        data = v3["data"]
        detail = data.pop("detail")[0]
        assert set(detail) == {"address", "sdkConCount", "conCount", "load", "cpu"}
        assert (detail["sdkConCount"], detail["conCount"]) == (2, 3) and isinstance(detail["load"], str)
        assert float(data.pop("threshold")) == pytest.approx(2.2) and data == common
        assert request("GET", s.url(f"{V2}/smartReloadCluster")).text == "Ok"
        assert request("POST", query(s.url(f"{V3}/smartReloadCluster"), loaderFactor="0.2")).json == result(None)


def test_bad_numbers(server):
    for path, method in ((f"{V2}/reloadCurrent", "GET"), (f"{V3}/reloadCurrent", "POST")):
        assert request(method, server.url(path)).status == 400, path
        for count in ("x", "-1", ""):
            reply = request(method, query(server.url(path), count=count))
            assert reply.status == 400 and f"parameter 'count' is '{count}'" in reply.text, path
    assert request("GET", query(server.url(f"{V2}/smartReloadCluster"), loaderFactor="much")).status == 400


def test_what_moves_clients_is_a_write(server):
    entries = {e["what"]: e for e in request("GET", server.root_url("/access")).json}
    for call in ("reloadCurrent", "reloadClient", "smartReloadCluster"):
        assert entries[f"GET {V2}/{call}"]["action"] == "write" and entries[f"POST {V3}/{call}"]["action"] == "write", call
    assert entries[f"GET {V2}/current"]["action"] == "read"
    assert all(not e["anonymousBecause"] for what, e in entries.items() if "/core/loader/" in what)


# -- limits

def held(port, count):
    return [socket.create_connection(("127.0.0.1", port), 5) for _ in range(count)]


def is_closed(s, timeout=5.0):
    """Whether the server ends the connection in that time; what it says before does not matter."""
    s.settimeout(timeout)
    try:
        while s.recv(65536):
            pass
        return True
    except socket.timeout:
        return False
    except OSError:
        return True


def is_served(port):
    return raw(port, b"GET /health/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_http_connections_by_address_are_limited():
    with Server("--set", "http.max_connections_per_ip=20") as s:
        some = held(s.port, 20)
        for one in some:
            one.sendall(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
            assert one.recv(65536).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", s.port), 5) as more:
            assert is_closed(more)
        some[0].sendall(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")  # those that are there stay
        assert some[0].recv(65536).startswith(b"HTTP/1.1 200")
        some.pop().close()
        wait_for("the place is free again", lambda: is_served(s.port))
        some.pop().close()
        wait_for("the refusal is counted", lambda: metric(s, 'pharos_net_refused_total{listener="http",reason="max_per_remote_ip"}') >= 1)


def test_rpc_connections_by_address_are_limited():
    with Server("--set", "rpc.max_connections_per_ip=3") as s:
        clients = [Naming(s.grpc_port) for _ in range(3)]
        with socket.create_connection(("127.0.0.1", s.grpc_port), 5) as more:
            assert is_closed(more)
        for c in clients:
            assert c.call("HealthCheckRequest", {})["resultCode"] == 200
        clients.pop().close()
        wait_for("the place is free again", lambda: metric(s, 'pharos_net_connections{listener="rpc"}') == 2)
        with Naming(s.grpc_port) as c:
            assert c.call("HealthCheckRequest", {})["resultCode"] == 200
        for c in clients:
            c.close()
        assert metric(s, 'pharos_net_refused_total{listener="rpc",reason="max_per_remote_ip"}') == 1


def test_limits_of_a_request_name_themselves():
    with Server("--set", "http.max_header=2KiB", "--set", "http.max_body=4KiB") as s:
        reply = raw(s.port, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 4000 + b"\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 431") and b"larger than 2048 bytes (http.max_header)" in reply
        reply = raw(s.port, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 201 + b"\r\n")
        assert reply.startswith(b"HTTP/1.1 431") and b"more than 200 header fields" in reply
        reply = raw(s.port, b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 413") and b"larger than 4096 bytes (http.max_body)" in reply
        reply = raw(s.port, b"GET /nacos/v3/admin/core/namespace/check?" + b"a=b&" * 400 + b"namespaceId=public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert reply.endswith(b'"data":1}')
        assert is_served(s.port)
    with Server() as s:
        reply = raw(s.port, b"GET /nacos/v3/admin/core/namespace/check?" + b"a=b&" * 1100 + b"namespaceId=public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 400") and b"more than 1024 parameters" in reply


# -- slow and vanished clients

@pytest.fixture(scope="module")
def impatient():
    """A server whose patience fits a test."""
    with Server("--set", "http.header_timeout=1s", "--set", "http.body_timeout=1s", "--set", "http.stall_timeout=1s", "--set", "http.idle_timeout=2s",
                "--set", "rpc.idle_after=1s") as s:
        yield s


@pytest.mark.parametrize("start,drop", [(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n"),
                                        (b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", b"a")])
def test_a_request_that_drips_in_is_ended(impatient, start, drop):
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", impatient.port), 5) as s:
        s.sendall(start)
        s.settimeout(0.05)
        reply = b""
        try:
            while time.monotonic() - begin < 15:
                s.sendall(drop)
                try:
                    data = s.recv(65536)
                    if not data:
                        break
                    reply += data
                except socket.timeout:
                    pass
        except OSError:
            pass
    assert 1 <= time.monotonic() - begin < 15
    assert reply.startswith(b"HTTP/1.1 408") and b"the request did not arrive in time" in reply
    assert metric(impatient, 'pharos_http_refused_total{server="http",reason="request_timeout"}') >= 1


def test_silent_connections_are_ended(impatient):
    with socket.create_connection(("127.0.0.1", impatient.port), 5) as idle, socket.create_connection(("127.0.0.1", impatient.grpc_port), 5) as silent:
        idle.sendall(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
        assert is_closed(idle, 15)
        assert is_closed(silent, 30)  # the first bytes of HTTP/2 have their own time


def vanish(s):
    """Takes the socket away without a word on the wire, as a machine that loses its power does."""
    TCP_REPAIR = 19
    try:
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except OSError as e:
        pytest.skip(f"SKIPPED: taking a socket away without FIN needs CAP_NET_ADMIN ({e})")
    s.close()


def test_a_client_that_vanishes_is_noticed(impatient, name):
    """It is asked for a sign of life; its instances go with it."""
    from raw_rpc import RawRpc
    client = RawRpc(impatient.grpc_port)
    client.set_up()
    client.call("InstanceRequest", {"namespace": "public", "serviceName": name, "groupName": "DEFAULT_GROUP", "type": "registerInstance",
                                    "instance": {"ip": "10.0.0.1", "port": 80}})
    with Naming(impatient.grpc_port) as watcher:
        def there():
            return watcher.query(name)["serviceInfo"]["hosts"]
        wait_for("registered", there)
        vanish(client.socket)
        wait_for("the instance has gone with its client", lambda: not there(), timeout=30)


def test_a_client_that_only_listens_is_asked_for_a_sign_of_life(impatient):
    with Naming(impatient.grpc_port) as good, Naming(impatient.grpc_port, ack=False) as mute:
        good.wait_push("ClientDetectionRequest", timeout=15)
        mute.wait_end(30)
        assert good.ended is None
        assert good.call("HealthCheckRequest", {})["resultCode"] == 200


def test_calls_before_registration_do_not_keep_a_connection(impatient):
    with Channel(impatient.grpc_port) as c:
        assert c.call("HealthCheckRequest", {})["errorCode"] == 301
