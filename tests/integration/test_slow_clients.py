"""Thousands of clients, a tenth of which do not read: the others are served at once, memory stays within the limits, and who
does not read is ended by them.

2,000 clients by default; PHAROS_SLOW_CLIENTS=10000 makes it 10,000, which needs that many descriptors here and there. The
figures of such a run are in docs/operations.md; PHAROS_FIGURES=1 prints them.
"""
import os
import pathlib
import resource
import select
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))  # also when it runs as a process of its own
import pytest  # noqa: E402
from http_client import query, request  # noqa: E402
from nacos_grpc import Naming  # noqa: E402
from pharos_server import Server, wait_for  # noqa: E402
from raw_rpc import RawRpc  # noqa: E402

CLIENTS = int(os.environ.get("PHAROS_SLOW_CLIENTS", "2000"))
BAD = CLIENTS // 10
QUEUE = 64 << 10  # bytes of pushes that may wait for one client, in these tests
LIMIT = 4  # seconds
DEADLINE = 90 + CLIENTS / 50  # seconds; a crowded machine needs time to make so many clients


def figure(**figures):
    if os.environ.get("PHAROS_FIGURES"):
        print("FIGURES " + " ".join(f"{k}={v:.1f}" for k, v in figures.items()), file=sys.__stdout__, flush=True)


def resident_mb(server):
    for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def metrics(server):
    return {k: float(v) for k, _, v in (line.rpartition(" ") for line in request("GET", server.root_url("/metrics"), timeout=60).text.splitlines() if not line.startswith("#"))}


def ended(server):
    """HTTP connections that were ended because nothing was read."""
    seen = metrics(server)
    return sum(seen[f'pharos_http_refused_total{{server="http",reason="{why}"}}'] for why in ("max_unsent", "write_stalled"))


@pytest.fixture
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CLIENTS + 500:
        pytest.skip(f"SKIPPED: {CLIENTS} clients need as many descriptors, the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, CLIENTS + 500) if hard == resource.RLIM_INFINITY else hard, hard))


class Latency:
    """Asks again and again, from a thread of its own, until the end of the block."""

    def __init__(self, ask, pause=0.02):
        self.ask, self.pause, self.seconds, self.failure, self.stopped = ask, pause, [], None, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self):
        try:
            while not self.stopped.wait(self.pause):
                begin = time.monotonic()
                self.ask()
                self.seconds.append(time.monotonic() - begin)
        except BaseException as e:
            self.failure = e

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join(30)

    def at(self, share):
        assert self.failure is None, self.failure
        assert len(self.seconds) > 20
        return sorted(self.seconds)[int(len(self.seconds) * share)]


def subscription(service):
    return {"namespace": "public", "serviceName": service, "groupName": "DEFAULT_GROUP", "subscribe": True, "clusters": ""}


def read_all(port, service, count):
    """A process of its own: clients that read and acknowledge. Says when all have registered and, at its end, how many still live."""
    clients = [RawRpc(port) for _ in range(count)]
    for at in range(0, count, 500):
        for c in clients[at:at + 500]:
            c.begin_set_up()
        for c in clients[at:at + 500]:
            while c.call("HealthCheckRequest", {})["resultCode"] != 200:
                pass
            c.post("SubscribeServiceRequest", subscription(service))
    print("registered", flush=True)
    poll = select.epoll()
    by_descriptor = {c.socket.fileno(): c for c in clients}
    for fd in by_descriptor:
        poll.register(fd, select.EPOLLIN)
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    while True:
        for fd, _ in poll.poll(1):
            if fd == sys.stdin.fileno():
                print(sum(not c.ended for c in clients), sum(c.pushes for c in clients), flush=True)
                return
            by_descriptor[fd].read()
            if by_descriptor[fd].ended:
                poll.unregister(fd)


class Readers:
    def __init__(self, server, service, count):
        self.process = subprocess.Popen([sys.executable, __file__, str(server.grpc_port), service, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def registered(self):
        assert self.process.stdout.readline() == "registered\n"

    def finish(self):
        """(how many live, pushes that they got)"""
        out, _ = self.process.communicate("\n", timeout=30)
        return tuple(int(n) for n in out.split())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def fill(publisher, service, round_, ips=()):
    """20 instances with metadata, about 25 KB on the wire; or these."""
    instances = [{"ip": ip, "port": 80, "weight": 1.0, "healthy": True, "enabled": True, "ephemeral": True, "clusterName": "DEFAULT",
                  "metadata": {} if ips else {"filling": "x" * 1000}} for ip in ips or [f"10.1.{round_ % 250}.{k}" for k in range(20)]]
    reply = publisher.call("BatchInstanceRequest", {"namespace": "public", "serviceName": service, "groupName": "DEFAULT_GROUP",
                                                    "type": "batchRegisterInstance", "instances": instances}, timeout=60)
    assert reply["resultCode"] == 200


@pytest.mark.parametrize("unread", ["answers", "pushes"])
def test_grpc_clients_that_do_not_read(descriptors, name, unread):
    services = [f"{name}-{i}" for i in range(5)]
    limit = "rpc.stall_timeout" if unread == "answers" else "rpc.blocked_limit"
    with Server("--set", f"rpc.max_queued={QUEUE}", "--set", f"{limit}={LIMIT}s", deadline=60) as s, \
            Readers(s, name, CLIENTS - BAD) as readers, Naming(s.grpc_port) as publisher, Naming(s.grpc_port) as watcher:
        readers.registered()
        watcher.subscribe(name)
        for service in services:
            fill(publisher, service, 0)
        before = most = resident_mb(s)
        push_seconds, bad, rounds = [], [], 0

        def ask():
            assert watcher.call("HealthCheckRequest", {}, timeout=60)["resultCode"] == 200

        def ask_http():
            assert request("GET", query(s.url("/v1/ns/instance/list"), serviceName=name), timeout=60).status == 200

        with Latency(ask) as rpc, Latency(ask_http) as http:
            for _ in range(BAD):
                # A small buffer makes reading slow, which those who read their answers need not be.
                c = RawRpc(s.grpc_port, window=16384, receive_buffer=4096 if unread == "answers" else None)
                c.set_up()
                for service in services:
                    (c.post if unread == "answers" else c.call)("SubscribeServiceRequest", subscription(service))
                bad.append(c)
            deadline = time.monotonic() + DEADLINE
            while rounds < 5 or not all(c.is_closed() for c in bad):
                assert time.monotonic() < deadline, f"{sum(not c.is_closed() for c in bad)} clients that do not read are still connected"
                rounds += 1
                for service in services:
                    fill(publisher, service, rounds)
                begin, since, ip = time.monotonic(), watcher.count(), f"10.2.{rounds // 250}.{rounds % 250}"
                fill(publisher, name, rounds, [ip])
                watcher.wait_push("NotifySubscriberRequest", lambda m: ip in {h["ip"] for h in m["serviceInfo"]["hosts"]}, timeout=60, since=since)
                push_seconds.append(time.monotonic() - begin)
                most = max(most, resident_mb(s))
                for c in bad:  # it goes on asking, so that it is not taken for dead
                    if not c.is_closed():
                        try:
                            c.post("HealthCheckRequest", {})
                        except OSError:
                            pass
                time.sleep(0.2)
        alive, pushes = readers.finish()
        push_seconds.sort()
        figure(clients=CLIENTS, bad=BAD, rounds=rounds, rpc_p50_ms=rpc.at(.5) * 1e3, rpc_p99_ms=rpc.at(.99) * 1e3, http_p50_ms=http.at(.5) * 1e3,
               http_p99_ms=http.at(.99) * 1e3, push_p50_ms=push_seconds[len(push_seconds) // 2] * 1e3, push_max_ms=push_seconds[-1] * 1e3, before_mb=before,
               most_mb=most)
        assert alive == CLIENTS - BAD and pushes >= alive * 2  # nobody else was ended, and all were told
        assert rpc.at(.5) < 0.5 and http.at(.5) < 0.5
        assert most - before < BAD * QUEUE / (1 << 20) + 100
        wait_for("they are not counted any more", lambda: metrics(s)['pharos_net_connections{listener="rpc"}'] == 2, timeout=20)
        for c in bad:
            c.close()


def test_http_clients_that_do_not_read(descriptors, name):
    content = "x" * (1 << 20)
    asked = f"GET /nacos/v1/cs/configs?dataId={name}&group=G1 HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 10
    with Server("--set", f"http.stall_timeout={LIMIT}s", "--set", "http.idle_timeout=120s", deadline=60) as s:
        assert request("POST", s.url("/v1/cs/configs"), {"dataId": name, "group": "G1", "content": content}).body == b"true"
        good = [socket.create_connection(("127.0.0.1", s.port), 10) for _ in range(CLIENTS - BAD)]
        for c in good:
            c.sendall(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.recv(4096).startswith(b"HTTP/1.1 200")
        before = resident_mb(s)
        bad = []
        most = before

        def ask():
            assert request("GET", s.url("/v1/console/health/readiness"), timeout=60).status == 200

        with Latency(ask) as http:
            for _ in range(BAD):
                c = socket.socket()
                c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                c.connect(("127.0.0.1", s.port))
                c.sendall(asked)
                bad.append(c)
            deadline = time.monotonic() + DEADLINE
            while ended(s) < BAD:
                assert time.monotonic() < deadline, "clients that do not read are still connected"
                most = max(most, resident_mb(s))
                time.sleep(0.2)
        figure(clients=CLIENTS, bad=BAD, http_p50_ms=http.at(.5) * 1e3, http_p99_ms=http.at(.99) * 1e3, before_mb=before, most_mb=most)
        assert http.at(.5) < 0.5
        assert most - before < min(BAD * 1.5, 256) + 100  # one reply each, however many were asked for, and http.max_unsent in all
        wait_for("their places are free", lambda: metrics(s)['pharos_net_connections{listener="http"}'] <= CLIENTS - BAD + 2, timeout=20)
        for c in good:
            c.sendall(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.recv(4096).startswith(b"HTTP/1.1 200")
        for c in good + bad:
            c.close()


def test_replies_that_nobody_reads_have_a_limit_in_all(descriptors, name):
    """However patient the node is with one client."""
    content = "x" * (4 << 20)
    asked = f"GET /nacos/v1/cs/configs?dataId={name}&group=G1 HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with Server("--set", "http.stall_timeout=600s", "--set", "http.max_unsent=32MiB") as s:
        assert request("POST", s.url("/v1/cs/configs"), {"dataId": name, "group": "G1", "content": content}).body == b"true"
        before = resident_mb(s)
        bad, most = [], before
        for _ in range(40):  # 160 MB
            c = socket.socket()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.connect(("127.0.0.1", s.port))
            c.sendall(asked)
            bad.append(c)
            most = max(most, resident_mb(s))
            assert metrics(s)['pharos_http_unsent_bytes{server="http"}'] <= 32 << 20
        wait_for("who reads nothing is ended", lambda: ended(s) >= 36, timeout=30)
        wait_for("little waits", lambda: metrics(s)['pharos_http_unsent_bytes{server="http"}'] <= 16 << 20, timeout=20)
        assert most - before < 32 + 60
        assert len(request("GET", query(s.url("/v1/cs/configs"), dataId=name, group="G1")).body) == len(content)
        for c in bad:
            c.close()


if __name__ == "__main__":
    read_all(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
