"""Each limit of docs/limits.md, exceeded at a running server: it refuses, says what and why, counts it, and serves others."""
import contextlib
import json
import socket
import struct
import threading

import grpc
import pytest
from http_client import query, raw, request
from nacos_grpc import Naming
from pharos_server import Server, wait_for
from raw_rpc import ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST, SETTINGS, UNARY, WINDOW, RawRpc, frame, message

PRIORITY, CONTINUATION = 2, 9
CANCEL, REFUSED_STREAM, ENHANCE_YOUR_CALM = 8, 7, 11

SMALL = {"http.max_header": "2KiB", "http.max_body": "64KiB", "http.max_headers": "20", "http.max_held": "8", "http.max_parameters": "64",
         "server.max_json_depth": "8", "rpc.max_frame": "8KiB", "rpc.max_header": "2KiB", "rpc.max_streams": "16", "rpc.max_resets": "100", "rpc.max_control_frames": "1000",
         "rpc.max_unsent": "16KiB", "config.max_listened": "20", "config.max_listened_per_connection": "45", "config.max_polls_per_ip": "4", "naming.max_batch": "10"}


@pytest.fixture(scope="module")
def small():
    """A server whose limits fit a test."""
    with Server(*[x for k, v in SMALL.items() for x in ("--set", f"{k}={v}")]) as s:
        yield s


def metric(server, name):
    for line in request("GET", server.root_url("/metrics")).text.splitlines():
        if line.startswith(name + " "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"no metric {name}")


@contextlib.contextmanager
def refusal(server, limit, times=1, metric_name=None):
    """What happens in the block is counted `times` as refused by the limit, and does not keep the server from serving."""
    name = metric_name or f'pharos_limit_refused_total{{limit="{limit}"}}'
    before = metric(server, name)
    with Naming(server.grpc_port) as other:
        yield
        wait_for(f"{name} counts", lambda: metric(server, name) >= before + times)
        assert metric(server, name) == before + times
        assert other.call("HealthCheckRequest", {})["resultCode"] == 200  # a connection that was there before
    assert request("GET", server.root_url("/health/ready")).status == 200
    with Naming(server.grpc_port) as another:
        assert another.call("HealthCheckRequest", {})["resultCode"] == 200


# -- connections; those of one address are in test_connections.py

@pytest.mark.parametrize("section", ["http", "rpc"])
def test_connections_in_all(section):
    with Server("--set", f"{section}.max_connections=4") as s, contextlib.ExitStack() as stack:
        port = s.port if section == "http" else s.grpc_port
        open_ones = f'pharos_net_connections{{listener="{section}"}}'
        places = 4 if section == "rpc" else 3  # who reads the metrics takes one
        wait_for("all are free", lambda: metric(s, open_ones) == 4 - places)
        there = [stack.enter_context(contextlib.closing(RawRpc(port))) for _ in range(places)]
        wait_for("they are taken", lambda: metric(s, open_ones) == 4)
        if section == "http":
            there.append(stack.enter_context(contextlib.closing(RawRpc(port))))
        with socket.create_connection(("127.0.0.1", port), 5) as more, contextlib.suppress(ConnectionResetError):
            assert more.recv(1) == b""
        for client in there:  # those that are there are served
            client.set_up()
        there.pop().close()
        wait_for("the refusal is counted", lambda: is_counted(s, section))


def is_counted(server, section):
    """The connection that asks may be one too many itself."""
    try:
        return metric(server, f'pharos_net_refused_total{{listener="{section}",reason="max_connections"}}') >= 1
    except OSError:
        return False


# -- HTTP

def test_http_header_bytes(small):
    with refusal(small, "http.max_header", 2):
        reply = raw(small.port, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 4000 + b"\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 431") and b"larger than 2048 bytes (http.max_header)" in reply
        reply = raw(small.port, b"GET /" + b"y" * 4000 + b" HTTP/1.1\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 431") and b"larger than 2048 bytes (http.max_header)" in reply


def test_http_header_fields(small):
    with refusal(small, "http.max_headers"):
        reply = raw(small.port, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 20 + b"\r\n")
        assert reply.startswith(b"HTTP/1.1 431") and b"more than 20 header fields (http.max_headers)" in reply
    assert raw(small.port, b"GET /health/ready HTTP/1.1\r\nConnection: close\r\n" + b"a: b\r\n" * 19 + b"\r\n").startswith(b"HTTP/1.1 200")


def test_http_body_bytes(small):
    with refusal(small, "http.max_body", 2):
        reply = raw(small.port, b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 413") and b"larger than 65536 bytes (http.max_body)" in reply
        chunks = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        reply = raw(small.port, b"POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks * 3 + b"0\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 413") and b"larger than 65536 bytes (http.max_body)" in reply


@pytest.mark.parametrize("method,path", [("PUT", "/v1/ns/instance/beat"), ("POST", "/v1/cs/configs"), ("POST", "/v1/console/namespaces"), ("POST", "/v2/cs/config"),
                                         ("POST", "/v3/admin/ns/instance")])
@pytest.mark.parametrize("kind", ["form", "multipart"])
def test_parameters(small, method, path, kind):
    def ask(count):
        pairs = [(f"p{i}", "x") for i in range(count)]
        if kind == "form":
            return request(method, small.url(path), form=dict(pairs))
        body = "".join(f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in pairs) + "--b--\r\n"
        return request(method, small.url(path), body=body.encode(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert "more than" not in ask(64).text
    with refusal(small, "http.max_parameters"):
        reply = ask(65)
    assert reply.status == 400 and "more than 64 parameters (http.max_parameters)" in reply.text, reply
    if path.startswith(("/v2", "/v3")):
        assert reply.json["code"] != 0  # a Result, as this generation's clients read it


def test_pipelined_requests_are_read_no_faster_than_they_are_answered(small):
    """Requests behind a held one wait in the sender: 64 KiB of them are taken, and more when it is answered."""
    listening = "Listening-Configs=ahead%02G%02%01"
    poll = (f"POST /nacos/v1/cs/configs/listener HTTP/1.1\r\nHost: a\r\nLong-Pulling-Timeout: 10500\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(listening)}\r\n\r\n{listening}").encode()
    one = b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n"
    count = 1_000_000 // len(one)
    with socket.create_connection(("127.0.0.1", small.port), 20) as s:
        s.sendall(poll)
        wait_for("the poll is held", lambda: metric(small, 'pharos_http_held_requests{server="http"}') == 1)
        sender = threading.Thread(target=s.sendall, args=(one * count,), daemon=True)
        sender.start()
        with Naming(small.grpc_port) as other:
            assert other.call("HealthCheckRequest", {})["resultCode"] == 200
        request("POST", small.url("/v1/cs/configs"), form={"dataId": "ahead", "group": "G", "content": "1"})
        answers, tail = 0, b""
        while answers < count + 1:
            data = s.recv(65536)
            assert data
            tail += data
            answers += tail.count(b"HTTP/1.1 200")
            tail = tail[-11:] if b"HTTP/1.1 200" not in tail[-11:] else b""
        sender.join(20)


# -- held polls

def poll(server, data_id, count=1):
    s = socket.create_connection(("127.0.0.1", server.port), 20)
    listening = "".join(f"{data_id}{i or ''}%02G%02%01" for i in range(count))
    s.sendall((f"POST /nacos/v1/cs/configs/listener HTTP/1.1\r\nHost: a\r\nLong-Pulling-Timeout: 30000\r\nContent-Type: application/x-www-form-urlencoded\r\n"
               f"Content-Length: {len('Listening-Configs=' + listening)}\r\n\r\nListening-Configs={listening}").encode())
    return s


def held(server):
    return metric(server, 'pharos_http_held_requests{server="http"}')


def test_held_polls_by_address(small, name):
    with contextlib.ExitStack() as stack:
        polls = [stack.enter_context(poll(small, name)) for _ in range(4)]
        wait_for("four are held", lambda: held(small) == 4)
        with refusal(small, "config.max_polls_per_ip"):
            with poll(small, name) as one_more:
                reply = one_more.recv(65536)
                assert reply.startswith(b"HTTP/1.1 503") and b"more than 4 long polls from one address (config.max_polls_per_ip)" in reply
        # X-Forwarded-For is the client's word: it gives no more places.
        forged = request("POST", small.url("/v1/cs/configs/listener"), form={"Listening-Configs": f"{name}\x02G\x02\x01"},
                         headers={"Long-Pulling-Timeout": "30000", "X-Forwarded-For": "10.9.8.7"})
        assert forged.status == 503
        request("POST", small.url("/v1/cs/configs"), form={"dataId": name, "group": "G", "content": "1"})
        for p in polls:  # those that were there have their answers
            assert name.encode() in p.recv(65536)
    wait_for("the places are free", lambda: held(small) == 0)
    with poll(small, name + "x"):
        wait_for("one is held again", lambda: held(small) == 1)
    wait_for("it is abandoned", lambda: held(small) == 0)


def test_held_polls_in_all(name):
    with Server("--set", "http.max_held=3") as s, contextlib.ExitStack() as stack:
        polls = [stack.enter_context(poll(s, name)) for _ in range(3)]

        def is_refused():
            with poll(s, name) as one_more:
                one_more.settimeout(1)
                try:
                    return one_more.recv(65536).startswith(b"HTTP/1.1 503")
                except TimeoutError:  # it came before those
                    return False
        wait_for("three are held", is_refused, 20)
        with Naming(s.grpc_port) as other:
            assert other.call("HealthCheckRequest", {})["resultCode"] == 200
        assert request("GET", s.root_url("/health/ready")).status == 200  # what need not wait is answered
        assert request("GET", query(s.url("/v1/cs/configs"), dataId=name, group="G")).status == 404
        polls.pop().close()
        assert metric(s, 'pharos_http_refused_total{server="http",reason="max_held"}') >= 1


def test_listened_configs_of_a_poll(small, name):
    with refusal(small, "config.max_listened"):
        with poll(small, name, 21) as s:
            reply = s.recv(65536)
            assert reply.startswith(b"HTTP/1.1 400") and b"more than 20 configs (config.max_listened)" in reply


def test_listened_configs_of_a_batch(small, name):
    def listen(client, count):
        return client.call("ConfigBatchListenRequest", {"listen": True, "configListenContexts": [{"dataId": f"{name}{i}", "group": "G", "tenant": "", "md5": ""}
                                                                                                for i in range(count)]})
    with Naming(small.grpc_port) as client:
        with refusal(small, "config.max_listened"):
            reply = listen(client, 21)
            assert reply.type == "ConfigChangeBatchListenResponse" and reply["resultCode"] == 500 and reply["errorCode"] == 400
            assert "it has 21 configs, the limit is 20 (config.max_listened)" in reply["message"]
        assert listen(client, 20)["resultCode"] == 200


def test_listened_configs_of_a_connection(small, name):
    def listen(client, start, count, wanted=True):
        return client.call("ConfigBatchListenRequest", {"listen": wanted, "configListenContexts": [
            {"dataId": f"{name}{i}", "group": "G", "tenant": "", "md5": ""} for i in range(start, start + count)]})
    with Naming(small.grpc_port) as client:
        assert [listen(client, start, 20)["resultCode"] for start in (0, 20)] == [200, 200]
        assert listen(client, 10, 20)["resultCode"] == 200  # those it has are not counted again
        with refusal(small, "config.max_listened_per_connection"):
            reply = listen(client, 30, 20)
            assert reply.type == "ConfigChangeBatchListenResponse" and reply["resultCode"] == 500 and reply["errorCode"] == 400
            assert "would listen to 50 configs, the limit is 45 (config.max_listened_per_connection)" in reply["message"]
        assert listen(client, 0, 20, False)["resultCode"] == 200
        assert listen(client, 30, 20)["resultCode"] == 200


# -- payloads

def test_instances_of_a_batch(small, name):
    def register(client, count):
        return client.call("BatchInstanceRequest", {"type": "batchRegisterInstance", "namespace": "public", "serviceName": name, "groupName": "G",
                                                    "instances": [{"ip": f"10.0.0.{i}", "port": 80} for i in range(count)]})
    with Naming(small.grpc_port) as client:
        with refusal(small, "naming.max_batch"):
            reply = register(client, 11)
            assert reply.type == "BatchInstanceResponse" and reply["resultCode"] == 500 and reply["errorCode"] == 400
            assert "the batch has 11 instances, the limit is 10 (naming.max_batch)" in reply["message"]
        assert register(client, 10)["resultCode"] == 200


def deep(levels):
    return "[" * levels + "]" * levels


def test_json_depth(small, name):
    def ask(client, levels):
        return client.call("InstanceRequest", json.loads('{"serviceName":"a","x":' + deep(levels) + "}"))

    def beat(levels):
        return request("PUT", small.url("/v1/ns/instance/beat"), form={"serviceName": name, "beat": '{"x":' + deep(levels) + "}"})
    with Naming(small.grpc_port) as client, refusal(small, "server.max_json_depth", 2):
        reply = ask(client, 8)
        assert reply["resultCode"] == 500 and "nested deeper than 8 (server.max_json_depth)" in reply["message"], reply
        assert "nested" not in ask(client, 7)["message"]
        reply = beat(8)
        assert reply.status == 500 and "nested deeper than 8 (server.max_json_depth)" in reply.text, reply
        assert "nested" not in beat(7).text


# -- HTTP/2

def goaway(s):
    """Reads to the end; error code and text of the last GOAWAY that has a text."""
    data, found = b"", None
    s.settimeout(20)
    with contextlib.suppress(ConnectionError):
        while chunk := s.recv(65536):
            data += chunk
    while len(data) >= 9:
        size = int.from_bytes(data[:3], "big")
        if data[3] == GOAWAY and size > 8:
            found = (int.from_bytes(data[13:17], "big"), data[17:9 + size].decode())
        data = data[9 + size:]
    return found


def flood(server, frames, pieces=200):
    """Sends it again and again, as fast as it is taken, until the server has had enough."""
    with socket.create_connection(("127.0.0.1", server.grpc_port), 20) as s:
        s.sendall(PREFACE + frame(SETTINGS, 0, 0))
        stopped = threading.Event()

        def send():
            with contextlib.suppress(OSError):
                for _ in range(pieces):
                    if stopped.is_set():
                        break
                    s.sendall(frames)
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        found = goaway(s)
        stopped.set()
        sender.join(20)
        return found


@pytest.mark.parametrize("frames", [frame(PING, 0, 0, b"12345678"), frame(SETTINGS, 0, 0), frame(SETTINGS, 0, 0, struct.pack("!HI", 4, 0)),
                                    frame(PRIORITY, 0, 3, b"\0\0\0\0\x10"), frame(WINDOW, 0, 0, b"\0\0\0\1")],
                         ids=["ping", "settings", "windows of settings", "priority", "window updates"])
def test_floods_of_frames_that_bring_nothing(small, frames):
    with refusal(small, "rpc.max_control_frames"):
        found = flood(small, frames * 100)
        assert found is None or found == (ENHANCE_YOUR_CALM, "more than 1000 frames in a few seconds bring nothing (rpc.max_control_frames)")


def test_empty_data(small):
    with refusal(small, "rpc.max_control_frames"):
        with socket.create_connection(("127.0.0.1", small.grpc_port), 20) as s:
            s.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, UNARY))
            with contextlib.suppress(OSError):
                s.sendall(frame(DATA, 0, 1) * 2000)
            goaway(s)


def test_continuation_flood(small):
    """Headers that never end: the library takes 8 pieces of them."""
    with socket.create_connection(("127.0.0.1", small.grpc_port), 20) as s:
        s.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1, UNARY))
        with contextlib.suppress(OSError):
            for _ in range(500):
                s.sendall(frame(CONTINUATION, 0, 1, b"\0\1a\1b" * 100))
        goaway(s)  # the end of the connection
    assert request("GET", small.root_url("/health/ready")).status == 200


def test_rapid_reset(small):
    with refusal(small, "rpc.max_resets"):
        body = message("HealthCheckRequest", {})
        with socket.create_connection(("127.0.0.1", small.grpc_port), 20) as s:
            s.sendall(PREFACE + frame(SETTINGS, 0, 0))
            with contextlib.suppress(OSError):
                for i in range(1, 1000, 2):
                    s.sendall(frame(HEADERS, END_HEADERS, i, UNARY) + frame(DATA, 0, i, body[:5]) + frame(RST, 0, i, struct.pack("!I", CANCEL)))
            found = goaway(s)
        assert found is None or found == (ENHANCE_YOUR_CALM, "more than 100 streams were reset or refused (rpc.max_resets)")


def test_streams_at_once(small):
    with refusal(small, "rpc.max_streams"):
        with socket.create_connection(("127.0.0.1", small.grpc_port), 20) as s:
            # Before the client has acknowledged the limit: one call is refused, the others are answered.
            s.sendall(PREFACE + frame(SETTINGS, 0, 0) + b"".join(frame(HEADERS, END_HEADERS, i, UNARY) for i in range(1, 35, 2)))
            data = b""
            refused = frame(RST, 0, 33, struct.pack("!I", REFUSED_STREAM))
            s.settimeout(20)
            while refused not in data:
                chunk = s.recv(65536)
                assert chunk
                data += chunk
            s.sendall(frame(DATA, END_STREAM, 1, message("ServerCheckRequest", {})))
            while b"connectionId" not in data:
                chunk = s.recv(65536)
                assert chunk
                data += chunk


def test_rpc_header_list(small):
    with refusal(small, "rpc.max_header"), grpc.insecure_channel(f"127.0.0.1:{small.grpc_port}") as channel:
        call = channel.unary_unary("/Request/request")
        with pytest.raises(grpc.RpcError) as error:
            call(b"", metadata=[("x", "y" * 4000)], timeout=10)
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "the limit is 2048 (rpc.max_header)" in error.value.details()


def test_rpc_message_bytes(small):
    with refusal(small, "rpc.max_frame"), grpc.insecure_channel(f"127.0.0.1:{small.grpc_port}") as channel:
        call = channel.unary_unary("/Request/request")
        with pytest.raises(grpc.RpcError) as error:
            call(b"x" * 8193, timeout=10)
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error.value.details() == "gRPC message exceeds maximum size 8192: 8193 (rpc.max_frame)"


def test_rpc_answers_that_are_not_read(small, name):
    with Naming(small.grpc_port) as publisher:
        publisher.call("BatchInstanceRequest", {"type": "batchRegisterInstance", "namespace": "public", "serviceName": name, "groupName": "G",
                                                "instances": [{"ip": f"10.0.0.{i}", "port": 80, "metadata": {"k": "v" * 300}} for i in range(10)]})
        with refusal(small, "rpc.max_unsent"):
            client = RawRpc(small.grpc_port, window=1)
            client.set_up()
            with contextlib.suppress(OSError):  # the end may come before the last question
                for _ in range(8):
                    client.post("ServiceQueryRequest", {"namespace": "public", "serviceName": name, "groupName": "G"})
            wait_for("the connection ends", client.is_closed)
            client.close()
