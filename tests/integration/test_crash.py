"""What was acknowledged is there after kill -9."""
import threading

import grpc
from http_client import query, request
from nacos_grpc import Config
from pharos_server import Server


def get(server, name):
    return request("GET", query(server.url("/v1/cs/configs"), dataId=name, group="G1"))


def test_kill_in_the_middle_of_publishes():
    with Server() as s:
        for cycle in range(3):
            acknowledged, lock, enough = {}, threading.Lock(), threading.Event()

            def remember(name, value):
                with lock:
                    acknowledged[name] = value
                    if len(acknowledged) >= 300:
                        enough.set()

            def by_http(writer):
                try:
                    for i in range(100_000):
                        name = f"h{cycle}-{writer}-{i % 200}"
                        r = request("POST", s.url("/v1/cs/configs"), {"dataId": name, "group": "G1", "content": f"v{i}"}, timeout=5)
                        if r.body == b"true":
                            remember(name, i)
                except OSError:
                    pass

            def by_grpc(writer):
                try:
                    with Config(s.grpc_port) as c:
                        for i in range(100_000):
                            name = f"g{cycle}-{writer}-{i % 200}"
                            if c.publish(name, f"v{i}").get("success"):
                                remember(name, i)
                except grpc.RpcError:
                    pass

            writers = [threading.Thread(target=f, args=(w,), daemon=True) for w in range(4) for f in (by_http, by_grpc)]
            for w in writers:
                w.start()
            assert enough.wait(30), "too few publishes were acknowledged"
            s.kill9()
            for w in writers:
                w.join(15)
                assert not w.is_alive()
            s.restart()
            for name, value in acknowledged.items():
                reply = get(s, name)
                assert reply.status == 200, f"{name} was acknowledged and is gone: {reply}"
                # the one write after the last acknowledged one may have been done too
                assert reply.text in (f"v{value}", f"v{value + 200}"), f"{name}: acknowledged v{value}, found {reply.text}"


def test_removed_stays_removed():
    with Server() as s:
        for i in range(20):
            request("POST", s.url("/v1/cs/configs"), {"dataId": f"r{i}", "group": "G1", "content": "x"})
        for i in range(10):
            assert request("DELETE", query(s.url("/v1/cs/configs"), dataId=f"r{i}", group="G1")).body == b"true"
        s.restart(kill=True)
        assert [get(s, f"r{i}").status for i in range(20)] == [404] * 10 + [200] * 10


def test_ordinary_restart_keeps_configs_and_drops_connections():
    with Server() as s:
        request("POST", s.url("/v1/cs/configs"), {"dataId": "kept", "group": "G1", "content": "x", "tenant": "ns1", "type": "json"})
        s.restart()
        reply = request("GET", query(s.url("/v1/cs/configs"), dataId="kept", group="G1", tenant="ns1"))
        assert (reply.status, reply.text, reply.headers["Config-Type"]) == (200, "x", "json")


def test_the_log_tells_of_an_ordinary_stop_and_of_no_other():
    with Server() as server:
        server.kill9()
        assert "stopp" not in server.log
    with Server() as server:
        assert server.stop() == 0
        ready, stopping, stopped = (server.log.index(word) for word in (" kernel ready ", " kernel stopping", " kernel stopped ms="))
        assert ready < stopping < stopped


def test_last_ref_time_does_not_go_back_over_a_restart():
    with Server() as s:
        url = query(s.url("/v1/ns/instance/list"), serviceName="clock")
        request("POST", query(s.url("/v1/ns/instance"), serviceName="clock", ip="10.0.0.1", port=80))
        before = request("GET", url).json["lastRefTime"]
        s.restart(kill=True)
        request("POST", query(s.url("/v1/ns/instance"), serviceName="clock", ip="10.0.0.2", port=80))
        assert request("GET", url).json["lastRefTime"] > before
