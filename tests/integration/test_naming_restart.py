"""A restart shows nobody an empty list while providers live; what does not come back is shown as gone in the end.
docs/naming.md, "After a restart"."""
import http.client
import re
import threading
import time

import pytest
from http_client import query, request
from nacos_grpc import Naming, hosts
from pharos_server import Server, wait_for

GRPC = {f"10.0.0.{i}" for i in range(4)}
HTTP = {f"10.0.1.{i}" for i in range(2)}


def metric(server, name):
    found = re.search(rf"^{name} (\S+)$", request("GET", server.root_url("/metrics")).text, re.M)
    return float(found.group(1))


def health(server):
    return request("GET", server.root_url("/health")).text


def listed(server, name):
    """The addresses; None when the server answers that it can't now."""
    reply = request("GET", query(server.url("/v1/ns/instance/list"), serviceName=name))
    if reply.status == 503:
        return None
    assert reply.status == 200, reply
    return {h["ip"] for h in reply.json["hosts"]}


def instance_url(server, name, ip, path="/v1/ns/instance", **more):
    return query(server.url(path), serviceName=name, ip=ip, port=80, **more)


def beat(server, name, ip):
    return request("PUT", instance_url(server, name, ip, "/v1/ns/instance/beat")).json["code"]


def all_written(server):
    """What is shown is on disk: taken by a tick, and then within 100 ms."""
    wait_for("views are written", lambda: metric(server, "pharos_naming_unwritten_views") == 0, 30, step=0.1)
    time.sleep(0.3)


@pytest.mark.parametrize("kill", [True, False], ids=["kill", "stop"])
def test_nobody_sees_an_empty_list(kill, name):
    with Server("--set", "naming.settle=30s") as s:
        providers = {ip: Naming(s.grpc_port) for ip in GRPC}
        for ip, c in providers.items():
            c.register(name, ip)
        for ip in HTTP:
            assert request("POST", instance_url(s, name, ip)).text == "ok"
        with Naming(s.grpc_port) as before:
            assert hosts(before.query(name)) == GRPC | HTTP
        all_written(s)

        seen, failures, end = [], [], threading.Event()

        def read():
            """An HTTP reader that never sleeps; a refused or broken connection is no answer."""
            while not end.is_set():
                try:
                    ips = listed(s, name)
                    if ips is not None:
                        seen.append(ips)
                except (OSError, http.client.HTTPException):
                    time.sleep(0.01)
                except Exception as e:
                    failures.append(e)
                    return

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        wait_for("it reads", lambda: seen)
        s.restart(kill=kill)
        for c in providers.values():
            c.close()
        with Naming(s.grpc_port) as sub:
            assert hosts(sub.subscribe(name)) == GRPC | HTTP
            sub.wait_hosts(name, GRPC | HTTP)
            assert metric(s, "pharos_naming_held_services") == 1
            assert "naming.settle" in health(s)
            assert request("GET", s.root_url("/health/ready")).status == 200
            assert "services are answered from their last view" in s.log
            # They come back one by one: light beats are told to register again, as SDKs do.
            for ip in sorted(HTTP):
                assert beat(s, name, ip) == 20404
                assert request("POST", instance_url(s, name, ip)).text == "ok"
                assert beat(s, name, ip) == 10200
            back = {ip: Naming(s.grpc_port) for ip in sorted(GRPC)}
            try:
                for ip, c in back.items():
                    c.register(name, ip)
                wait_for("all are back", lambda: listed(s, name) == GRPC | HTTP and metric(s, "pharos_naming_held_services") == 0)
                end.set()
                reader.join(10)
                assert not failures
                assert all(seen), "an empty list was shown"
                # the share is a half, and so the truth is never less
                assert min(len(ips) for ips in seen) >= 3
                pushed = [hosts(m) for m in sub.pushes_of("NotifySubscriberRequest") if m["serviceInfo"]["name"] == name]
                assert pushed and all(len(ips) >= 3 for ips in pushed), pushed
                times = [m["serviceInfo"]["lastRefTime"] for m in sub.pushes_of("NotifySubscriberRequest")]
                assert all(a < b for a, b in zip(times, times[1:])), times
            finally:
                end.set()
                for c in back.values():
                    c.close()


def test_who_does_not_come_back_is_gone_when_the_time_is_over(name):
    with Server("--set", "naming.settle=10s") as s:
        with Naming(s.grpc_port) as c:
            c.register(name, "10.0.0.1")
            all_written(s)
            s.restart(kill=True)
        with Naming(s.grpc_port) as sub:
            assert hosts(sub.subscribe(name)) == {"10.0.0.1"}
            sub.wait_hosts(name, set(), timeout=60)
            assert listed(s, name) == set()
            assert "instances did not come back in time" in s.log
            assert "naming.settle" not in health(s)
            all_written(s)
        s.restart(kill=True)
        assert listed(s, name) == set()


def test_deregistered_instances_leave_the_last_view_at_once(name):
    with Server("--set", "naming.settle=60s") as s:
        ips = {f"10.0.0.{i}" for i in range(8)}
        clients = [Naming(s.grpc_port) for _ in ips]
        for c, ip in zip(clients, sorted(ips)):
            c.register(name, ip)
        all_written(s)
        s.restart(kill=True)
        for c in clients:
            c.close()
        with Naming(s.grpc_port) as sub, Naming(s.grpc_port) as c:
            assert hosts(sub.subscribe(name)) == ips
            c.register(name, "10.0.0.0")
            assert c.deregister(name, "10.0.0.0")["resultCode"] == 200
            sub.wait_hosts(name, ips - {"10.0.0.0"})
            # by a client that has not registered it in this run, and over HTTP
            assert c.deregister(name, "10.0.0.1")["resultCode"] == 200
            assert request("DELETE", query(s.url("/v1/ns/instance"), serviceName=name, ip="10.0.0.2", port=8080)).text == "ok"
            sub.wait_hosts(name, ips - {"10.0.0.0", "10.0.0.1", "10.0.0.2"})


def test_settling_can_be_switched_off(name):
    with Server("--set", "naming.settle=0s") as s:
        with Naming(s.grpc_port) as c:
            c.register(name, "10.0.0.1")
            all_written(s)
            s.restart(kill=True)
        assert listed(s, name) == set()
        assert metric(s, "pharos_naming_held_services") == 0


@pytest.mark.parametrize("key, value", [("settle_share", "0"), ("settle_share", "101"), ("empty_service_expiry", "0s"), ("settle", "-1s")])
def test_settings_out_of_bounds_stop_the_start(key, value):
    from pharos_server import run_server
    code, output = run_server("--set", f"naming.{key}={value}")
    assert code == 1 and f"naming.{key}" in output, output
