"""A health check that others wrote, against a real Redis."""
import contextlib
import json
import os
import shutil
import subprocess

import pytest
from http_client import query, request
from pharos_server import Server, free_port, wait_for

# The server's binary looks at the name that it is called by.
REDIS = shutil.which("redis-check-rdb")


@contextlib.contextmanager
def redis(port, folder, *flags):
    os.makedirs(folder, exist_ok=True)
    process = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *flags],
                               executable=REDIS, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def healthy(server, service):
    """As it is stored: the list of a service whose only instance is unhealthy shows it as healthy (protect threshold)."""
    return last_probe(server, service)["healthy"]


def set_checker(server, service, checker):
    reply = request("PUT", query(server.url("/v1/ns/cluster"), serviceName="DEFAULT_GROUP@@" + service, clusterName="DEFAULT", checkPort=80,
                                 useInstancePort4Check="true", healthChecker=json.dumps(checker), metadata=""))
    assert reply.text == "ok", reply.text


@pytest.mark.skipif(REDIS is None, reason="SKIPPED: no redis (Debian package redis-tools)")
def test_follows_a_real_redis(package, health_redis, tmp_path):
    port = free_port((0,))
    with Server("--set", f"plugins.dirs={health_redis}", "--modules", "naming,config,health-redis", binary=package.binary) as server:
        with redis(port, tmp_path / "one", "--requirepass", "secret"):
            reply = request("POST", query(server.url("/v1/ns/instance"), serviceName="cache", ip="127.0.0.1", port=port, ephemeral="false"))
            assert reply.text == "ok"
            set_checker(server, "cache", {"type": "REDIS", "password": "secret", "role": "master"})
            wait_for("a probe has passed", lambda: last_probe(server, "cache").get("outcome") == "PASSED", 15)
            assert healthy(server, "cache")
            # The wrong password is told by the server, in its words.
            set_checker(server, "cache", {"type": "REDIS", "password": "wrong"})
            wait_for("it is unhealthy", lambda: not healthy(server, "cache"), 15)
            assert "WRONGPASS" in last_probe(server, "cache")["reason"]
            set_checker(server, "cache", {"type": "REDIS", "password": "secret"})
            wait_for("it is healthy again", lambda: healthy(server, "cache"), 30)
        wait_for("a Redis that is gone is unhealthy", lambda: not healthy(server, "cache"), 15)
        # Settings that can't be meant are told where the operator looks.
        set_checker(server, "cache", {"type": "REDIS", "role": "boss"})
        wait_for("the reason says so", lambda: "'boss'" in last_probe(server, "cache").get("reason", ""), 15)


def last_probe(server, service):
    reply = request("GET", query(server.url("/v3/admin/ns/health/probes"), serviceName=service, groupName="DEFAULT_GROUP"))
    rows = reply.json["data"]
    return rows[0] if rows else {}
