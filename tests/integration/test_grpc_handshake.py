"""docs/protocol/core.md, sections 1.4 to 1.7."""
import socket
import threading
import time

import pytest
from nacos_grpc import Channel, Connection, Naming, encode
from pharos_server import wait_for


def test_server_check_before_setup(server):
    with Channel(server.grpc_port) as c:
        reply = c.call("ServerCheckRequest", {"headers": {}, "module": "internal"})
        assert reply.type == "ServerCheckResponse"
        assert reply["resultCode"] == 200 and reply["errorCode"] == 0 and reply["success"] is True
        assert reply["supportAbilityNegotiation"] is True
        assert reply["connectionId"]
        assert "requestId" not in reply.body and "message" not in reply.body


def test_reply_metadata_has_the_type_only(server):
    with Channel(server.grpc_port) as c:
        reply = c.call("ServerCheckRequest", {})
        assert reply.client_ip == "" and reply.headers == [] and reply.type_url == ""


def error(reply, code, message=None):
    assert reply.type == "ErrorResponse", reply
    assert (reply["resultCode"], reply["errorCode"], reply["success"]) == (500, code, False)
    if message is not None:
        assert reply["message"] == message


@pytest.mark.parametrize("kind", ["HealthCheckRequest", "ConfigQueryRequest", "ServiceQueryRequest", "InstanceRequest"])
def test_301_before_registration(server, kind):
    with Channel(server.grpc_port) as c:
        error(c.call(kind, {"dataId": "a", "group": "b", "tenant": ""}), 301, "Connection is unregistered.")


@pytest.mark.parametrize("kind", ["NoSuchRequest", "", "HealthCheckResponse", "PushAckRequest", "ConnectionSetupRequest"])
def test_302_unknown_type(server, kind):
    with Channel(server.grpc_port) as c:  # an unknown type is told before the missing registration
        error(c.call(kind, {}), 302, "RequestHandler Not Found")
    with Connection(server.grpc_port) as c:
        error(c.call(kind, {}), 302, "RequestHandler Not Found")


@pytest.mark.parametrize("kind", ["MemberReportRequest", "DistroDataRequest", "ServerLoaderInfoRequest", "ServerReloadRequest", "ConfigChangeClusterSyncRequest"])
def test_cluster_requests_are_refused_here(server, kind):
    with Connection(server.grpc_port) as c:
        error(c.call(kind, {}), 502, f" invoke {kind} from sdk is forbidden")


def test_setup_ack_only_with_an_ability_table(server):
    with Connection(server.grpc_port, ability_table={}) as c:
        ack = c.wait_push("SetupAckRequest")
        assert "requestId" not in ack.body
        assert isinstance(ack["abilityTable"], dict)
        assert all(isinstance(v, bool) for v in ack["abilityTable"].values())
    with Connection(server.grpc_port, ability_table={"fuzzyWatch": True}) as c:
        assert "requestId" not in c.wait_push("SetupAckRequest").body
    with Connection(server.grpc_port, ability_table=None) as c:
        time.sleep(0.5)
        assert c.pushes_of("SetupAckRequest") == []


def test_second_setup_acks_again_and_changes_nothing(server, name):
    with Naming(server.grpc_port, ability_table={}) as c:
        c.wait_push("SetupAckRequest")
        assert c.register(name, "10.0.0.1")["resultCode"] == 200
        c.send("ConnectionSetupRequest", {**c.setup_body, "labels": {"module": "config"}})
        wait_for("a second ack", lambda: len(c.pushes_of("SetupAckRequest")) == 2)
        assert c.register(name, "10.0.0.2")["resultCode"] == 200  # still a naming client


def test_health_check(server):
    with Connection(server.grpc_port) as c:
        reply = c.call("HealthCheckRequest", {})
        assert (reply.type, reply.body) == ("HealthCheckResponse", {"resultCode": 200, "errorCode": 0, "success": True})


def test_request_id_is_not_echoed_on_unary(server):
    with Connection(server.grpc_port) as c:
        assert "requestId" not in c.call("HealthCheckRequest", {"requestId": "77"}).body


def test_channels_are_apart(server):
    with Connection(server.grpc_port), Channel(server.grpc_port) as other:
        error(other.call("HealthCheckRequest", {}), 301)


def test_the_stream_survives_strange_payloads(server):
    with Connection(server.grpc_port) as c:
        c.send("NoSuchRequest", {})
        c.send("NotifySubscriberResponse", {"requestId": "4711", "resultCode": 200})
        c.send_raw(encode("ConnectionSetupRequest", b"{not json"))
        c.send_raw(b"\x12\xff\xff")
        time.sleep(0.3)
        assert c.ended is None
        assert c.call("HealthCheckRequest", {})["resultCode"] == 200


def test_unregistered_after_the_connection_is_gone(server, name):
    with Naming(server.grpc_port) as watcher:
        with Naming(server.grpc_port) as c:
            c.register(name, "10.0.0.1")
            watcher.subscribe(name)
            watcher.wait_hosts(name, {"10.0.0.1"})
        watcher.wait_hosts(name, set())


def test_idle_connections_are_asked_and_closed(server):
    """After 20 s of silence the server asks; who answers stays, who does not is closed some 5 s later."""
    results = {}

    def idle(answers):
        with Connection(server.grpc_port, ack=answers) as c:
            begin = time.monotonic()
            asked = c.wait_push("ClientDetectionRequest", timeout=30)
            assert asked["requestId"]
            after = asked.at - begin
            if answers:
                time.sleep(8)
                results[answers] = (after, c.ended is None and c.call("HealthCheckRequest", {})["resultCode"] == 200)
            else:
                c.wait_end(15)
                results[answers] = (after, time.monotonic() - asked.at)

    threads = [threading.Thread(target=idle, args=(a,)) for a in (True, False)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results[True][1] is True
    assert 19 < results[True][0] < 26
    assert 19 < results[False][0] < 26
    assert 2 < results[False][1] < 12


def test_grpc_on_the_http_port(server, name):
    """Proxies often pass one port only: the HTTP port tells HTTP/2 by its first bytes."""
    with Naming(server.port) as c:
        assert c.register(name, "10.0.0.1")["success"] is True


def test_tls_is_closed_at_once(server):
    for port in (server.port, server.grpc_port):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32))
            try:
                answer = b"".join(iter(lambda: s.recv(1024), b""))
            except ConnectionResetError:
                answer = b""
            assert not answer.startswith(b"HTTP")
