"""Beats of 1.x clients (docs/protocol/naming.md §4.1, traps 34–38 and 48)."""
import json
import time

import pytest
from http_client import query, request
from pharos_server import Server, wait_for

INSTANCE = "/v1/ns/instance"
FAST = {"preserved.heart.beat.interval": "500", "preserved.heart.beat.timeout": "1000", "preserved.ip.delete.timeout": "3000"}


def register(server, service, ip="10.0.0.1", port=8080, metadata=None, **more):
    return request("POST", query(server.url(INSTANCE), serviceName=service, ip=ip, port=port, metadata=json.dumps(metadata or {}), **more))


def deregister(server, service, ip="10.0.0.1", port=8080):
    return request("DELETE", query(server.url(INSTANCE), serviceName=service, ip=ip, port=port))


def hosts(server, service):
    return request("GET", query(server.url(INSTANCE + "/list"), serviceName=service)).json["hosts"]


def light(server, service, ip="10.0.0.1", port=8080):
    reply = request("PUT", query(server.url(INSTANCE + "/beat"), serviceName=service, ip=ip, port=port, clusterName="DEFAULT"))
    assert reply.status == 200, reply
    return reply.json


def full(server, service, ip="10.0.0.1", port=8080, body=None, **members):
    """body: the whole body as it is sent, for those who do not encode it."""
    beat = {"ip": ip, "port": port, "serviceName": f"DEFAULT_GROUP@@{service}", "cluster": "DEFAULT", "weight": 1.0, "metadata": {},
            "scheduled": False, **members}
    url = query(server.url(INSTANCE + "/beat"), serviceName=f"DEFAULT_GROUP@@{service}", namespaceId="public")
    if body is None:
        return request("PUT", url, {"beat": json.dumps(beat)})
    return request("PUT", url, body=body.encode(), headers={"Content-Type": "application/x-www-form-urlencoded"})


def test_reply_of_known_and_unknown(server, name):
    assert light(server, name) == {"clientBeatInterval": 5000, "code": 20404, "lightBeatEnabled": True}
    assert hosts(server, name) == []
    register(server, name)
    # docs/protocol/naming.md §10, full beat.
    reply = full(server, name)
    assert (reply.status, reply.text) == (200, '{"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true}')
    assert light(server, name)["code"] == 10200


def test_a_full_beat_registers(server, name):
    assert full(server, name, metadata={"k": "v"}, weight=3.0, cluster="c1").json["code"] == 10200
    host, = hosts(server, name)
    assert (host["metadata"], host["weight"], host["clusterName"], host["healthy"], host["enabled"]) == ({"k": "v"}, 3.0, "c1", True, True)


def test_a_beat_changes_nothing_of_the_known(server, name):
    register(server, name, metadata={"k": "v"}, weight=2.5)
    assert full(server, name, metadata={"k": "other"}, weight=9.0, cluster="c9").json["code"] == 10200
    host, = hosts(server, name)
    assert (host["metadata"], host["weight"], host["clusterName"]) == ({"k": "v"}, 2.5, "DEFAULT")


def test_the_publisher_sets_the_interval(server, name):
    register(server, name, metadata={"preserved.heart.beat.interval": "2000"})
    assert light(server, name)["clientBeatInterval"] == 2000
    assert full(server, name).json["clientBeatInterval"] == 2000


@pytest.mark.parametrize("beat", [
    # Trap 34: Go 1.x sends the JSON as it is.
    '{"ip":"10.0.0.1","port":8080,"weight":1,"serviceName":"DEFAULT_GROUP@@x","cluster":"DEFAULT","metadata":{"a":"50% off"},"scheduled":false}',
    # Trap 35: C++ gives every scalar as text; Node and Go leave out or give null.
    '{"port":"8080","ip":"10.0.0.1","weight":"1","serviceName":"DEFAULT_GROUP@@k1","cluster":"DEFAULT","scheduled":"false","metadata":{}}',
    '{"ip":"10.0.0.1","port":8080,"metadata":null}',
])
def test_bodies_of_sdks(server, name, beat):
    reply = full(server, name, body="beat=" + beat)
    assert (reply.status, reply.json["code"]) == (200, 10200)
    # Trap 36: the request's service counts, whatever the JSON says.
    host, = hosts(server, name)
    assert (host["ip"], host["port"], host["clusterName"]) == ("10.0.0.1", 8080, "DEFAULT")
    assert host["metadata"] == ({"a": "50% off"} if "off" in beat else {})


@pytest.mark.parametrize("beat, status", [("{", 500), ("[]", 500), ('{"ip":"10.0.0.1","port":"99999"}', 400), ('{"ip":"a b","port":1}', 400),
                                          ('{"ip":"10.0.0.1","port":1,"cluster":"a_b"}', 400)])
def test_bad_beats(server, name, beat, status):
    assert full(server, name, body="beat=" + beat).status == status
    assert hosts(server, name) == []


def test_silence_and_recovery(server, name):
    register(server, name, metadata=FAST)
    wait_for("unhealthy", lambda: [h["healthy"] for h in hosts(server, name)] == [False], 10)
    assert light(server, name)["code"] == 10200
    assert hosts(server, name)[0]["healthy"] is True
    wait_for("gone", lambda: hosts(server, name) == [], 15)
    assert light(server, name)["code"] == 20404
    assert full(server, name).json["code"] == 10200
    assert len(hosts(server, name)) == 1


def test_who_beats_stays(server, name):
    register(server, name, metadata=FAST)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert light(server, name)["code"] == 10200
        assert [h["healthy"] for h in hosts(server, name)] == [True]
        time.sleep(0.2)


def test_enable_client_beat_means_never_expire(server, name):
    register(server, name, "10.0.0.1", metadata={**FAST, "enableClientBeat": "true"})
    register(server, name, "10.0.0.2", metadata=FAST)
    wait_for("the other is gone", lambda: [h["ip"] for h in hosts(server, name)] == ["10.0.0.1"], 15)
    assert hosts(server, name)[0]["healthy"] is True


def test_a_late_beat_revives_nobody(server, name):
    register(server, name)
    assert deregister(server, name).text == "ok"
    assert full(server, name).json["code"] == 10200
    assert light(server, name)["code"] == 10200
    assert hosts(server, name) == []
    register(server, name)
    assert len(hosts(server, name)) == 1


def test_beats_survive_a_restart(name):
    with Server() as server:
        register(server, name)
        server.restart(kill=True)
        assert light(server, name)["code"] == 20404
        assert full(server, name).json["code"] == 10200
        assert [h["ip"] for h in hosts(server, name)] == ["10.0.0.1"]


def test_without_expiry_the_silent_stay_unhealthy(name):
    with Server("--set", "naming.expire_instance=false") as server:
        register(server, name, metadata=FAST)
        wait_for("unhealthy", lambda: [h["healthy"] for h in hosts(server, name)] == [False], 10)
        time.sleep(3)  # longer than the delete time-out
        assert len(hosts(server, name)) == 1
        assert light(server, name)["code"] == 10200
        assert hosts(server, name)[0]["healthy"] is True


def test_the_parameter_names_the_service_of_a_beat(server, name):
    """Trap 36: when the parameter and the JSON name different services, the parameter's is meant."""
    assert full(server, name, serviceName=f"DEFAULT_GROUP@@other-{name}").json["code"] == 10200
    assert [h["ip"] for h in hosts(server, name)] == ["10.0.0.1"]
    assert hosts(server, f"other-{name}") == []
