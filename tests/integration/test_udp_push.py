"""Pushes by UDP to 1.x clients (docs/protocol/naming.md §5): a socket that speaks as they do."""
import gzip
import json
import socket
import time

import pytest
from http_client import query, request
from pharos_server import Server, run_server, wait_for

INSTANCE = "/v1/ns/instance"
JAVA = "Nacos-Java-Client:v1.4.6"


class Subscriber:
    """A 1.x client: asks for lists with its UDP port, takes pushes, acks them when it is told to."""

    def __init__(self, server, service, agent=JAVA, ip="127.0.0.1", family=socket.AF_INET, bind=None, **more):
        self.server, self.service, self.agent, self.ip, self.more = server, service, agent, ip, more
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((bind or ip, 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, base=None, **more):
        url = query(base or self.server.url(INSTANCE + "/list"), serviceName=self.service, clientIP=self.ip,
                    udpPort=self.port, **{**self.more, **more})
        reply = request("GET", url, headers={"User-Agent": self.agent})
        assert reply.status == 200, reply
        return reply.json

    def take(self, timeout=5.0):
        """The next datagram: (packet, its sender, its bytes); None when none comes in time."""
        self.socket.settimeout(timeout)
        try:
            data, sender = self.socket.recvfrom(65536)
        except TimeoutError:
            return None
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        return json.loads(text), sender, data

    def push(self, timeout=5.0):
        """The next push, acked: its ServiceInfo."""
        taken = self.take(timeout)
        assert taken is not None, "no push"
        packet, sender, _ = taken
        self.ack(packet, sender)
        return json.loads(packet["data"])

    def ack(self, packet, sender, kind="push-ack", as_number=False):
        stamp = packet["lastRefTime"]
        answer = {"type": kind, "lastRefTime": stamp if as_number else str(stamp), "data": ""}
        self.socket.sendto(json.dumps(answer).encode(), sender)


def register(server, service, ip="10.0.0.1", port=8080, **more):
    reply = request("POST", query(server.url(INSTANCE), serviceName=service, ip=ip, port=port, **more))
    assert reply.text == "ok", reply


def metric(server, name):
    text = request("GET", server.root_url("/metrics")).text
    return next(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith(name))


def ips(info):
    return sorted(h["ip"] for h in info["hosts"])


def test_first_push_then_changes(server, name):
    with Subscriber(server, name) as s:
        assert s.ask()["hosts"] == []
        packet, sender, data = s.take()
        assert data[:1] == b"{", "a small one is not compressed"
        # docs/protocol/naming.md §10, UDP packet.
        assert list(packet) == ["type", "data", "lastRefTime"] and packet["type"] == "dom"
        info = json.loads(packet["data"])
        assert list(info) == ["name", "clusters", "cacheMillis", "hosts", "lastRefTime", "checksum", "allIps", "allIPs",
                              "reachProtectionThreshold", "valid"]
        assert (info["name"], info["clusters"], info["hosts"]) == (f"DEFAULT_GROUP@@{name}", "", [])
        assert info["cacheMillis"] == 10000 and info["reachProtectionThreshold"] is False and info["valid"] is True
        assert packet["lastRefTime"] < 2 ** 53 and packet["lastRefTime"] != info["lastRefTime"]
        s.ack(packet, sender)

        register(server, name, "10.0.0.1")
        first = s.push()
        assert ips(first) == ["10.0.0.1"] and first["lastRefTime"] > info["lastRefTime"]
        assert first["hosts"][0]["serviceName"] == f"DEFAULT_GROUP@@{name}"
        later, sender, _ = (register(server, name, "10.0.0.2"), s.take())[1]
        assert later["lastRefTime"] > packet["lastRefTime"], "ids grow"
        s.ack(later, sender)
        assert ips(json.loads(later["data"])) == ["10.0.0.1", "10.0.0.2"]

        s.ask()
        assert s.take(0.7) is None, "a renewal is no news"


def test_large_packets_are_gzip_as_a_whole(server, name):
    with Subscriber(server, name) as s:
        s.ask()
        s.push()
        for i in range(8):
            register(server, name, f"10.0.1.{i}", metadata=json.dumps({"zone": "z" * 50, "n": str(i)}))
        seen = []
        end = time.monotonic() + 10
        while seen != [f"10.0.1.{i}" for i in range(8)]:
            assert time.monotonic() < end
            packet, sender, data = s.take()
            assert (data[:2] == b"\x1f\x8b") == (len(json.dumps(packet, separators=(",", ":"))) >= 1024)
            s.ack(packet, sender)
            seen = ips(json.loads(packet["data"]))


def test_clusters_as_subscribed(server, name):
    with Subscriber(server, name, clusters="c1") as s:
        s.ask()
        assert s.push()["clusters"] == "c1"
        register(server, name, "10.0.0.1", clusterName="c1")
        assert ips(s.push()) == ["10.0.0.1"]
        register(server, name, "10.0.0.2", clusterName="c2")
        info = s.push()
        assert ips(info) == ["10.0.0.1"] and info["clusters"] == "c1"


def test_acked_is_not_sent_again(server, name):
    with Subscriber(server, name) as s, Subscriber(server, name) as other:
        acked, again = metric(server, "pharos_naming_udp_acked_total"), metric(server, "pharos_naming_udp_retried_total")
        s.ask()
        packet, sender, _ = s.take()
        # What another port sends acks nothing, and nothing that is sent does harm.
        other.ack(packet, sender)
        for data in (b"\xff" * 2000, b"", b'{"lastRefTime":"9e999"}', b"{" * 60000):
            other.socket.sendto(data, sender)
        assert metric(server, "pharos_naming_udp_acked_total") == acked
        s.ack(packet, sender)
        wait_for("the ack counts", lambda: metric(server, "pharos_naming_udp_acked_total") == acked + 1)
        # As text and as a number, and whatever the client calls it.
        for i, (kind, as_number) in enumerate([("push-ack", True), ("dump-ack", False), ("unknown-ack", True)]):
            register(server, name, f"10.0.0.{i}")
            packet, sender, _ = s.take()
            s.ack(packet, sender, kind, as_number)
            wait_for("the ack counts", lambda: metric(server, "pharos_naming_udp_acked_total") == acked + 2 + i)
        assert s.take(11) is None
        assert metric(server, "pharos_naming_udp_retried_total") == again


def test_without_ack_it_is_sent_once_more(server, name):
    with Subscriber(server, name) as s:
        failed = metric(server, "pharos_naming_udp_failed_total")
        s.ask()
        first, _, _ = s.take()
        began = time.monotonic()
        second, _, _ = s.take(15)
        assert 9 <= time.monotonic() - began
        assert second["lastRefTime"] == first["lastRefTime"] and json.loads(second["data"])["hosts"] == []
        s.ask()  # it is alive, only deaf
        wait_for("given up", lambda: metric(server, "pharos_naming_udp_failed_total") == failed + 1, 15)
        assert s.take(1) is None
        register(server, name, "10.0.0.1")
        assert ips(s.push()) == ["10.0.0.1"], "what comes later is told"


@pytest.mark.parametrize("agent, header", [("Nacos-Go-Client:v1.0.1", "User-Agent"), ("Nacos-C-Client:v1.0.21", "Client-Version")])
def test_kinds_that_are_told(server, name, agent, header):
    with Subscriber(server, name) as s:
        url = query(server.url(INSTANCE + "/list"), serviceName=name, clientIP=s.ip, udpPort=s.port)
        # An empty User-Agent, as the C++ client sends none; urllib would add its own.
        headers = {"User-Agent": "", header: agent}
        assert request("GET", url, headers=headers).status == 200
        assert s.push()["hosts"] == []


@pytest.mark.parametrize("agent", ["Nacos-Python-Client:v1.0.0", "Nacos-Java-Client", "Nacos-C-Client:v1.0.11", "curl/8.0"])
def test_kinds_that_are_not(server, name, agent):
    with Subscriber(server, name, agent=agent) as s:
        s.ask()
        register(server, name)
        assert s.take(1) is None


def test_ipv6(server, name):
    try:
        subscriber = Subscriber(server, name, ip="::1", family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with subscriber as s:
        # As Java spells it.
        s.ip = "0:0:0:0:0:0:0:1"
        acked = metric(server, "pharos_naming_udp_acked_total")
        s.ask(f"http://[::1]:{server.port}/nacos{INSTANCE}/list")
        s.push()
        wait_for("the ack counts", lambda: metric(server, "pharos_naming_udp_acked_total") > acked)


def own_address():
    """This machine's address in its network, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("203.0.113.1", 9))  # sends nothing
        except OSError:
            return None
        ip = s.getsockname()[0]
        return None if ip.startswith("127.") else ip


def test_client_on_this_machine_that_gives_its_network_address(server, name):
    ip = own_address()
    if ip is None:
        pytest.skip("no address but loopback here")
    with Subscriber(server, name, ip=ip, bind="0.0.0.0") as s:
        acked = metric(server, "pharos_naming_udp_acked_total")
        s.ask()
        s.push()
        wait_for("the ack counts", lambda: metric(server, "pharos_naming_udp_acked_total") == acked + 1)


def test_restart(name):
    """After kill -9 the client's next poll, at another server process, makes it a subscriber again; ids have grown."""
    with Server() as server, Subscriber(server, name) as s:
        s.ask()
        packet, sender, _ = s.take()
        s.ack(packet, sender)
        server.restart(kill=True)
        s.ask()
        again, sender, _ = s.take()
        assert again["lastRefTime"] > packet["lastRefTime"]
        assert json.loads(again["data"])["lastRefTime"] > json.loads(packet["data"])["lastRefTime"]
        s.ack(again, sender)
        register(server, name)
        assert ips(s.push()) == ["10.0.0.1"]


def test_fixed_port_and_a_taken_one():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        code, output = run_server("--set", f"naming.udp_port={port}")
        assert code == 1 and f"naming.udp_port: cannot bind UDP 127.0.0.1:{port}" in output, output


def test_subscribers_beyond_the_limit_poll(name):
    with Server("--set", "naming.max_udp_subscribers=2") as server:
        refused = 'pharos_limit_refused_total{limit="naming.max_udp_subscribers"}'
        register(server, name)
        with Subscriber(server, name) as first, Subscriber(server, name) as second, Subscriber(server, name) as third:
            for s in (first, second):
                s.ask()
                assert ips(s.push()) == ["10.0.0.1"]
            assert metric(server, refused) == 0
            assert ips(third.ask()) == ["10.0.0.1"], "it gets the list"
            wait_for("the refusal counts", lambda: metric(server, refused) == 1)
            register(server, name, "10.0.0.2")
            for s in (first, second):
                assert ips(s.push()) == ["10.0.0.1", "10.0.0.2"]
            assert third.take(0.7) is None
            assert ips(third.ask()) == ["10.0.0.1", "10.0.0.2"]
            wait_for("that counts, too", lambda: metric(server, refused) == 2)
            first.ask()
            second.ask()
            assert metric(server, refused) == 2, "who is there renews"
