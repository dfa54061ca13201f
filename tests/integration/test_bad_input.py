"""Strange, broken and slow clients get an error or are closed; the server lives and others are served meanwhile."""
import json
import socket
import time

import grpc
import pytest
from http_client import query, raw, request
from nacos_grpc import Channel, Config, Naming, encode, field


@pytest.fixture(autouse=True)
def served_afterwards(server):
    pid = server.process.pid
    yield
    assert server.alive() and server.process.pid == pid
    begin = time.monotonic()
    assert request("GET", server.root_url("/health/ready")).status == 200
    assert time.monotonic() - begin < 1


def status(reply):
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/1.") else None


@pytest.mark.parametrize("data", [
    b"nonsense\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nbroken header\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
    b"\x00" * 1000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 600,
], ids=range(13))
def test_malformed_http_is_refused(server, data):
    reply = raw(server.port, data, timeout=3)
    assert reply == b"" or 400 <= status(reply) <= 505, reply[:200]


def test_bad_percent_and_utf8_in_a_query(server):
    for path in (b"/nacos/v1/cs/configs?dataId=%zz&group=G1", b"/nacos/v1/cs/configs?dataId=%ff%fe&group=G1", b"/nacos/v1/cs/configs?dataId=%00&group=G1",
                 b"/nacos/v1/cs/configs?&&&=&dataId&group"):
        reply = raw(server.port, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", timeout=3)
        assert status(reply) in (400, 404), reply[:200]


@pytest.mark.parametrize("path", ["/nacos//v1/cs/configs", "/nacos/v1/cs/../cs/configs", "/nacos/v1/cs/configs;x=1", "/nacos/v1/%2e%2e/v1/cs/configs", "/NACOS/v1/cs/configs"])
def test_odd_spellings_of_a_path_are_not_the_path_or_are_the_same_route(server, path):
    reply = raw(server.port, f"GET {path}?dataId=none&group=G1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode(), timeout=3)
    assert status(reply) in (400, 404)


def test_http_1_0_and_pipelining(server):
    reply = raw(server.port, b"GET /health/ready HTTP/1.0\r\n\r\n", timeout=3)
    assert status(reply) == 200
    reply = raw(server.port, b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n" * 9 + b"GET /health/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", timeout=3)
    assert reply.count(b"HTTP/1.1 200") == 10


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"1", b'"text"', b'{"dataId":', b"{'a':1}", b"\xff\xfe", b"{" * 100_000, b"[" * 100_000, b'{"dataId":{"a":[1,2,{}]}}'],
                         ids=range(12))
def test_bad_json_in_grpc(server, body):
    with Config(server.grpc_port) as c:
        reply = c.raw_call(encode("ConfigQueryRequest", body))
        assert reply["success"] is False and reply["resultCode"] == 500, reply
        if body in (b"{", b'{"dataId":', b"{'a':1}"):
            assert reply.type == "ErrorResponse" and reply["errorCode"] == 502
        assert c.call("HealthCheckRequest", {})["resultCode"] == 200


@pytest.mark.parametrize("data", [b"\x12", b"\x12\xff", b"\x12\xff\xff\xff\xff\x0f", b"\x12\x05ab", b"\xff" * 64, field(2, b"\x1a\x7fshort"), field(3, b"\x12\x09x"),
                                  encode("ConfigQueryRequest", b"{}")[:-1], b"\x0b\x0b\x0b", b"\x08" + b"\x80" * 20], ids=range(10))
def test_broken_protobuf(server, data):
    with Config(server.grpc_port) as c:
        try:
            reply = c.raw_call(data)
            assert reply.get("success") is not True, reply
        except grpc.RpcError as e:
            assert e.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS), e
        assert c.call("HealthCheckRequest", {})["resultCode"] == 200


def test_too_large_message(server):
    with Config(server.grpc_port) as c:
        with pytest.raises(grpc.RpcError) as e:
            c.raw_call(encode("ConfigQueryRequest", b'{"dataId":"' + b"a" * (11 << 20) + b'"}'), timeout=20)
        assert e.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert c.call("HealthCheckRequest", {})["resultCode"] == 200


def test_other_methods_and_services(server):
    with Channel(server.grpc_port) as c:
        for method in ("/RequestStream/requestStream", "/Request/other", "/nacos.Request/request"):
            with pytest.raises(grpc.RpcError) as e:
                c.channel.unary_unary(method, lambda b: b, lambda b: b)(b"", timeout=5)
            assert e.value.code() == grpc.StatusCode.UNIMPLEMENTED, method


def test_bytes_that_are_not_http2_on_the_grpc_port(server):
    for data in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x00" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500, b"\x16\x03\x01\x00\x05hello"):
        raw(server.grpc_port, data, timeout=1)
    with Naming(server.grpc_port) as c:
        assert c.call("HealthCheckRequest", {})["resultCode"] == 200


def test_half_open_connections(server):
    """Connections that say nothing, or half of something, and stay."""
    held = []
    try:
        for port in (server.port, server.grpc_port):
            for start in (b"", b"GET /health", b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc", b"PRI * HTTP/2.0\r\n"):
                for _ in range(25):
                    s = socket.create_connection(("127.0.0.1", port), 5)
                    s.sendall(start)
                    held.append(s)
        for _ in range(20):
            begin = time.monotonic()
            assert request("GET", server.root_url("/health/ready")).status == 200
            assert time.monotonic() - begin < 1
        with Naming(server.grpc_port) as c:
            assert c.call("HealthCheckRequest", {})["resultCode"] == 200
    finally:
        for s in held:
            s.close()


def test_slow_http_reader(server, name):
    """A client that asks for much and reads nothing costs the others nothing."""
    big = "x" * (1 << 20)
    assert request("POST", server.url("/v1/cs/configs"), {"dataId": name, "group": "G1", "content": big}).body == b"true"
    slow = []
    try:
        for _ in range(10):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", server.port))
            s.sendall(f"GET /nacos/v1/cs/configs?dataId={name}&group=G1 HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 20)
            slow.append(s)
        for _ in range(20):
            begin = time.monotonic()
            assert len(request("GET", query(server.url("/v1/cs/configs"), dataId=name, group="G1")).body) == len(big)
            assert time.monotonic() - begin < 2
    finally:
        for s in slow:
            s.close()


def test_slow_subscriber(server, name):
    """A subscriber that never reads its stream: the others are told at once."""
    with Naming(server.grpc_port, reading=False, ack=False) as stuck, Naming(server.grpc_port) as good, Naming(server.grpc_port) as pub:
        stuck.subscribe(name)
        good.subscribe(name)
        metadata = {"filling": "x" * 900}
        for i in range(200):
            since = good.count()
            begin = time.monotonic()
            pub.batch_register(name, [{"ip": f"10.3.{i}.{k}", "port": 80, "weight": 1.0, "healthy": True, "enabled": True, "ephemeral": True,
                                       "clusterName": "DEFAULT", "metadata": metadata} for k in range(20)])
            if i % 50 == 0:
                good.wait_push("NotifySubscriberRequest", lambda m: any(h["ip"] == f"10.3.{i}.0" for h in m["serviceInfo"]["hosts"]), since=since)
                assert time.monotonic() - begin < 2


def test_many_connections_that_end_abruptly(server, name):
    for i in range(100):
        with Naming(server.grpc_port) as c:
            c.register(name, f"10.4.0.{i}")
    with Naming(server.grpc_port) as c:
        deadline = time.monotonic() + 5
        while c.query(name)["serviceInfo"]["hosts"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_strange_json_types_are_coerced(server, name):
    with Naming(server.grpc_port) as c:
        body = {"namespace": "public", "serviceName": name, "groupName": "DEFAULT_GROUP", "type": "registerInstance", "unknown": {"a": [1]},
                "instance": {"ip": "10.0.0.1", "port": "80", "weight": "2.000000", "metadata": {"a": 1, "b": True}, "more": None}}
        assert c.raw_call(encode("InstanceRequest", json.dumps(body).encode()))["resultCode"] == 200
        deadline = time.monotonic() + 2
        while not (found := c.query(name)["serviceInfo"]["hosts"]):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert (found[0]["port"], found[0]["weight"], found[0]["metadata"]) == (80, 2.0, {"a": "1", "b": "true"})
