"""A member lookup that others wrote, against a real DNS server."""
import contextlib
import shutil
import subprocess

import pytest
from http_client import request
from pharos_server import Server, free_port, wait_for

DNSMASQ = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin")
NAME = "_pharos._tcp.cluster.test"


@contextlib.contextmanager
def dns_server(port, members):
    """members: {host: (ip, port)}; each has an SRV record and an address."""
    records = [f"--srv-host={NAME},{host}.cluster.test,{at},1,1" for host, (_, at) in members.items()]
    records += [f"--host-record={host}.cluster.test,{ip}" for host, (ip, _) in members.items()]
    process = subprocess.Popen([DNSMASQ, "--keep-in-foreground", "--conf-file=/dev/null", f"--port={port}", "--listen-address=127.0.0.1",
                                "--bind-interfaces", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=", "--log-facility=-",
                                "--local=/test/", *records],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def members(server):
    data = request("GET", server.url("/v3/admin/core/cluster/node/list")).json["data"]
    return sorted(member["address"] for member in data)


@pytest.mark.skipif(DNSMASQ is None, reason="SKIPPED: no dnsmasq (Debian package dnsmasq-base)")
def test_members_follow_the_records(package, lookup_dns):
    dns = free_port((0,))
    port = free_port()
    server = Server("--set", f"plugins.dirs={lookup_dns}", "--modules", "naming,config,lookup-dns", "--set", "cluster.lookup=dns",
                    "--set", f"lookup-dns.name={NAME}", "--set", "lookup-dns.interval=1s", "--set", f"net.dns_servers=127.0.0.1:{dns}",
                    port=port, binary=package.binary)
    own = ("127.0.0.1", port)
    with dns_server(dns, {"a": own, "b": ("127.0.0.2", 8848)}), server:
        wait_for("both members are seen", lambda: members(server) == [f"127.0.0.1:{port}", "127.0.0.2:8848"], 10)
    # Another set of records under the same name, while a server runs.
    with Server(*server.flags, port=port, binary=package.binary) as again:
        wait_for("the lookup tells its trouble", lambda: "lookup.dns" in degraded(again), 15)
        assert members(again) == [f"127.0.0.1:{port}"]
        with dns_server(dns, {"a": own, "c": ("127.0.0.3", 9000)}):
            wait_for("the new member is seen", lambda: members(again) == [f"127.0.0.1:{port}", "127.0.0.3:9000"], 15)
            wait_for("all is well", lambda: "lookup.dns" not in degraded(again), 15)
        wait_for("the lookup tells its trouble again", lambda: "lookup.dns" in degraded(again), 15)
        assert members(again) == [f"127.0.0.1:{port}", "127.0.0.3:9000"]  # what can't be found out changes nothing


def degraded(server):
    return [row["capability"] for row in request("GET", server.root_url("/health")).json if row["state"] == "degraded"]
