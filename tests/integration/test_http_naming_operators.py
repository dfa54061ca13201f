"""What operators do over HTTP, in any generation, and what clients see of it: docs/protocol/naming.md §1.5, §1.6, §7."""
import json
import re
import urllib.parse

import pytest
from http_client import request
from nacos_grpc import Naming
from naming_http import LASTING, LASTING_TEXT, call, result
from pharos_server import wait_for

V1, V2, V3, ADMIN = "/v1/ns", "/v2/ns", "/v3/client/ns", "/v3/admin/ns"


def register(server, service, ip="1.1.1.1", **more):
    reply = call(server, "POST", V1 + "/instance", **{"serviceName": service, "ip": ip, "port": 80, "metadata": LASTING_TEXT, **more})
    assert reply.text == "ok", reply


def by_ip(instances):
    return sorted(instances, key=lambda i: i["ip"])


def hosts(server, service, **more):
    return by_ip(call(server, "GET", V1 + "/instance/list", serviceName=service, **more).json["hosts"])


def host(server, service):
    found, = hosts(server, service)
    return found


def seen(server, service):
    found = host(server, service)
    return found["weight"], {k: v for k, v in found["metadata"].items() if k not in LASTING}


def test_every_generation_sees_what_another_did(server, name):
    one = dict(serviceName=name, ip="1.1.1.1", port=80, metadata=LASTING_TEXT)
    for post, delete in ((V1 + "/instance", ADMIN + "/instance"), (V2 + "/instance", V3 + "/instance"), (V3 + "/instance", V1 + "/instance"),
                         (ADMIN + "/instance", V2 + "/instance")):
        assert call(server, "POST", post, **one).status == 200
        v1 = hosts(server, name)
        assert len(v1) == 1
        assert call(server, "GET", V2 + "/instance/list", serviceName=name).json["data"]["hosts"] == v1
        assert call(server, "GET", V3 + "/instance/list", serviceName=name).json["data"] == v1
        assert call(server, "GET", ADMIN + "/instance/list", serviceName=name).json["data"] == v1
        assert call(server, "GET", ADMIN + "/instance", serviceName=name, ip="1.1.1.1", port=80).json["data"] == v1[0]
        assert call(server, "DELETE", delete, **one).status == 200
        assert hosts(server, name) == []


@pytest.mark.parametrize("path", [V1 + "/instance", V2 + "/instance", ADMIN + "/instance"])
def test_an_update_wins_over_later_registrations(server, name, path):
    """§1.5 and §11, trap 12."""
    register(server, name, weight=5, metadata=json.dumps({**LASTING, "own": "1", "both": "1"}))
    changed = dict(serviceName=name, ip="1.1.1.1", port=80, weight="8.0", metadata=json.dumps({"both": "2", "new": "3"}))
    assert call(server, "PUT", path, **changed).status == 200
    assert seen(server, name) == (8.0, {"own": "1", "both": "2", "new": "3"})
    register(server, name, weight=2, metadata=json.dumps({**LASTING, "own": "9", "both": "9"}))
    assert seen(server, name) == (8.0, {"own": "9", "both": "2", "new": "3"})
    # An update replaces all that was set before.
    assert call(server, "PUT", path, serviceName=name, ip="1.1.1.1", port=80, metadata='{"last":"1"}').status == 200
    assert seen(server, name) == (1.0, {"own": "9", "both": "9", "last": "1"})


def test_a_patch_starts_from_what_is_set_or_from_afresh(server, name):
    """§1.5 and §11, trap 13."""
    register(server, name, weight=5)
    one = dict(serviceName=name, ip="1.1.1.1", port=80)
    assert call(server, "PATCH", V1 + "/instance", **one, metadata="a=b").text == "ok"
    assert seen(server, name) == (1.0, {"a": "b"})
    assert call(server, "PATCH", V1 + "/instance", **one, weight=3).text == "ok"
    assert seen(server, name) == (3.0, {"a": "b"})
    assert call(server, "PATCH", V1 + "/instance", **one, metadata="c=d").text == "ok"  # replaces wholly
    assert seen(server, name) == (3.0, {"c": "d"})
    assert call(server, "PATCH", V1 + "/instance", **one, healthy="false").text == "ok"  # taken and ignored
    assert host(server, name)["healthy"] is True
    # Without anything to set it changes nothing (§9).
    assert call(server, "PATCH", V1 + "/instance", **one).text == "ok"
    assert seen(server, name) == (3.0, {"c": "d"})


def test_a_patch_enables_again(server, name):
    register(server, name, enabled="false")
    assert hosts(server, name) == []
    assert call(server, "PATCH", V1 + "/instance", serviceName=name, ip="1.1.1.1", port=80, metadata="a=b").text == "ok"
    assert host(server, name)["enabled"] is True


def test_a_partial_update_of_v3_always_writes_weight_and_enabled(server, name):
    """§2.6 and §11, trap 13."""
    register(server, name)
    one = dict(serviceName=name, ip="1.1.1.1", port=80)
    assert call(server, "PUT", ADMIN + "/instance", **one, weight=7, enabled="false", metadata="a=b").text == result('"ok"')
    assert hosts(server, name) == []
    assert call(server, "PUT", ADMIN + "/instance/partial", **one).text == result('"ok"')
    assert seen(server, name) == (1.0, {"a": "b"})


def test_a_disabled_instance_is_for_operators_only(server, name):
    """§11, trap 7."""
    register(server, name, enabled="1")
    assert hosts(server, name) == []
    assert call(server, "GET", V3 + "/instance/list", serviceName=name).json["data"] == []
    of_catalog = call(server, "GET", V1 + "/catalog/instances", serviceName=name, clusterName="DEFAULT", pageNo=1, pageSize=10).json
    assert [(i["ip"], i["enabled"]) for i in of_catalog["list"]] == [("1.1.1.1", False)]
    assert len(call(server, "GET", ADMIN + "/instance/list", serviceName=name).json["data"]) == 1
    assert call(server, "GET", V1 + "/instance", serviceName=name, ip="1.1.1.1", port=80).status == 200


@pytest.mark.parametrize("path, wrap", [(V1, lambda r: r.json), (V2, lambda r: r.json["data"]), (ADMIN, lambda r: r.json["data"])])
def test_metadata_of_several_instances(server, name, path, wrap):
    for i in (1, 2, 3):
        register(server, name, f"1.1.1.{i}", clusterName="c1" if i == 3 else "DEFAULT")
    two = json.dumps([{"ip": "1.1.1.1", "port": 80}, {"ip": "1.1.1.3", "port": 80, "clusterName": "c1"}, {"ip": "9.9.9.9", "port": 80}])
    updated = wrap(call(server, "PUT", path + "/instance/metadata/batch", serviceName=name, metadata='{"a":"1","b":"2"}', instances=two))
    assert updated == {"updated": ["1.1.1.1:80:unknown:DEFAULT:ephemeral", "1.1.1.3:80:unknown:c1:ephemeral"]}

    def metadata():
        return [{k: v for k, v in h["metadata"].items() if k not in LASTING} for h in hosts(server, name)]
    assert metadata() == [{"a": "1", "b": "2"}, {}, {"a": "1", "b": "2"}]
    removed = wrap(call(server, "DELETE", path + "/instance/metadata/batch", serviceName=name, metadata='{"a":""}'))
    assert sorted(removed["updated"]) == [f"1.1.1.{i}:80:unknown:{'c1' if i == 3 else 'DEFAULT'}:ephemeral" for i in (1, 2, 3)]
    assert metadata() == [{"b": "2"}, {}, {"b": "2"}]


def test_a_subscriber_is_told_of_what_operators_set(server, name):
    with Naming(server.grpc_port) as publisher, Naming(server.grpc_port) as subscriber:
        publisher.register(name, "10.8.0.1", 80)
        subscriber.subscribe(name)
        since = subscriber.count()
        assert call(server, "PUT", V1 + "/instance", serviceName=name, ip="10.8.0.1", port=80, weight=4).text == "ok"
        subscriber.wait_push("NotifySubscriberRequest", lambda m: [h["weight"] for h in m["serviceInfo"]["hosts"]] == [4.0], since=since)


# -- services

@pytest.mark.parametrize("create, detail, unwrap", [(V1, V1, lambda r: r.json), (V2, ADMIN, lambda r: r.json["data"]), (ADMIN, V2, lambda r: r.json["data"])])
def test_service_life(server, name, create, detail, unwrap):
    """Query after create equals what was created (§9)."""
    selector = json.dumps({"type": "label", "expression": "CONSUMER.label.A=PROVIDER.label.A"})
    assert call(server, "POST", create + "/service", serviceName=name, groupName="G", protectThreshold=0.3, metadata='{"a":"b"}', selector=selector).status == 200
    found = unwrap(call(server, "GET", detail + "/service", serviceName=name, groupName="G"))
    assert (found["groupName"], found["protectThreshold"], found["metadata"]) == ("G", 0.3, {"a": "b"})
    assert found["selector"] == {"type": "label", "expression": "CONSUMER.label.A=PROVIDER.label.A", "labels": ["A"], "contextType": "CMDB"}
    assert call(server, "PUT", create + "/service", serviceName=name, groupName="G", protectThreshold=0.5).status == 200
    found = unwrap(call(server, "GET", detail + "/service", serviceName=name, groupName="G"))
    assert (found["protectThreshold"], found["metadata"], found["selector"]) == (0.5, {}, {"type": "none", "contextType": "NONE"})
    assert call(server, "DELETE", create + "/service", serviceName=name, groupName="G").status == 200
    assert call(server, "GET", detail + "/service", serviceName=name, groupName="G").status == 400


def test_a_selector_may_be_encoded_once_more(server, name):
    """§1.7."""
    selector = urllib.parse.quote('{"type":"none"}')
    assert call(server, "POST", V1 + "/service", serviceName=name, selector=selector).text == "ok"


def test_a_service_with_instances_stays_whatever_their_state(server, name):
    """§7.3 and §11, trap 47."""
    register(server, name, enabled="false")
    register(server, name, "1.1.1.2", healthy="false")
    for path in (V1, V2, ADMIN):
        assert call(server, "DELETE", path + "/service", serviceName=name).status == 400
    for ip in ("1.1.1.1", "1.1.1.2"):
        call(server, "DELETE", V1 + "/instance", serviceName=name, ip=ip, port=80)
    assert call(server, "DELETE", V1 + "/service", serviceName=name).text == "ok"


def test_service_list_grows_and_shrinks_by_one(server, name):
    def count():
        return call(server, "GET", V1 + "/service/list", pageNo=1, pageSize=10, groupName=name).json["count"]
    assert count() == 0
    assert call(server, "POST", V1 + "/service", serviceName=name, groupName=name).text == "ok"
    assert count() == 1
    assert call(server, "DELETE", V1 + "/service", serviceName=name, groupName=name).text == "ok"
    assert count() == 0


def test_protection(server, name):
    """§1.6 and §11, traps 17 and 18."""
    for i, healthy in enumerate(("true", "false", "false", "false")):
        register(server, name, f"1.1.1.{i}", healthy=healthy)

    def health(**more):
        info = call(server, "GET", V1 + "/instance/list", serviceName=name, **more).json
        return info["reachProtectionThreshold"], [h["healthy"] for h in by_ip(info["hosts"])]
    assert health() == (False, [True, False, False, False])  # nothing is known of the service
    assert call(server, "PUT", V1 + "/service", serviceName=name, protectThreshold=0.2).text == "ok"
    assert health() == (False, [True, False, False, False])
    assert call(server, "PUT", V1 + "/service", serviceName=name, protectThreshold=0.25).text == "ok"
    assert health() == (True, [True, True, True, True])
    assert health(healthyOnly="true") == (False, [True])
    assert call(server, "GET", V2 + "/instance/list", serviceName=name).json["data"]["reachProtectionThreshold"] is True
    assert [h["healthy"] for h in call(server, "GET", V3 + "/instance/list", serviceName=name).json["data"]] == [True] * 4
    # Operators see the truth.
    listed = call(server, "GET", ADMIN + "/instance/list", serviceName=name).json["data"]
    assert [h["healthy"] for h in by_ip(listed)] == [True, False, False, False]
    statuses = call(server, "GET", V1 + "/instance/statuses", key=f"DEFAULT_GROUP@@{name}").json["ips"]
    assert sorted(statuses) == ["1.1.1.0:80_true"] + [f"1.1.1.{i}:80_false" for i in (1, 2, 3)]


def test_a_threshold_of_zero_protects_a_service_without_any_healthy_instance(server, name):
    """§1.6, note."""
    register(server, name, healthy="false")
    assert hosts(server, name)[0]["healthy"] is False
    assert call(server, "PUT", V1 + "/service", serviceName=name, protectThreshold=0).text == "ok"
    info = call(server, "GET", V1 + "/instance/list", serviceName=name).json
    assert (info["reachProtectionThreshold"], info["hosts"][0]["healthy"]) == (True, True)


@pytest.mark.parametrize("path", [V1, ADMIN])
def test_clusters(server, name, path):
    register(server, name, clusterName="c1")
    checker = '{"type":"HTTP","path":"/x","headers":"K:v","expectedResponseCode":200}'
    change = dict(serviceName=name, clusterName="c1", checkPort=8081, useInstancePort4Check="false", healthChecker=checker, metadata="a=b")
    assert call(server, "PUT", path + "/cluster", **change).status == 200
    cluster, = call(server, "GET", V1 + "/catalog/service", serviceName=name).json["clusters"]
    assert cluster == {"serviceName": f"DEFAULT_GROUP@@{name}", "name": "c1", "healthChecker": json.loads(checker), "defaultPort": 80,
                       "defaultCheckPort": 8081, "useIpPort4Check": False, "metadata": {"a": "b"}}
    admin = call(server, "GET", ADMIN + "/service", serviceName=name).json["data"]["clusterMap"]["c1"]
    assert (admin["healthyCheckPort"], admin["useInstancePortForCheck"]) == (8081, False)
    assert call(server, "PUT", path + "/cluster", **dict(change, healthChecker="nonsense")).status == 400
    refused = call(server, "PUT", path + "/cluster", **dict(change, healthChecker='{"type":"HTTP","expectedResponseCode":5000000000}'))
    text = "Param 'healthChecker' is illegal, expectedResponseCode should be a whole number between -2147483648 and 2147483647. (current: 5000000000)"
    assert refused.status == 400 and text in refused.text, refused
    # The health of instances is for operators to set only where nothing checks it.
    health = dict(serviceName=name, clusterName="c1", ip="1.1.1.1", port=80, healthy="false")
    assert call(server, "PUT", V1 + "/health", **health).status == 400
    assert call(server, "PUT", path + "/cluster", **dict(change, healthChecker='{"type":"NONE"}')).status == 200
    assert call(server, "PUT", V1 + "/health/instance", **health).text == "ok"
    assert call(server, "PUT", ADMIN + "/health/instance", **health).text == result('"ok"')


def test_a_persistent_service_takes_no_ephemeral_instance_from_anybody(server, name):
    """§7.2 and §11, trap 4."""
    assert call(server, "POST", V1 + "/service", serviceName=name).text == "ok"
    text = f"errCode: 400, errMsg: Current service DEFAULT_GROUP@@{name} is persistent service, can't register ephemeral instance. "
    one = dict(serviceName=name, ip="1.1.1.1", port=80)
    reply = call(server, "POST", V1 + "/instance", **one)
    assert (reply.status, reply.text) == (400, text)
    for path in (V2, V3, ADMIN):
        reply = call(server, "POST", path + "/instance", **one)
        assert (reply.status, reply.json) == (400, {"code": 30000, "message": "server error", "data": text})
    beat = json.dumps({"ip": "1.1.1.1", "port": 80, "serviceName": f"DEFAULT_GROUP@@{name}"})
    assert call(server, "PUT", V1 + "/instance/beat", serviceName=name, beat=beat).status == 400


# -- subscribers

def test_connections_of_one_host_and_application_are_one_subscriber(server, name):
    """§2.3: set semantics."""
    with Naming(server.grpc_port) as a, Naming(server.grpc_port) as b:
        a.subscribe(name)
        b.subscribe(name)
        found = call(server, "GET", V1 + "/service/subscribers", serviceName=name).json
        assert found["count"] == 1
        row, = found["subscribers"]
        assert list(row) == ["addrStr", "agent", "app", "ip", "port", "namespaceId", "serviceName", "cluster"]
        assert (row["addrStr"], row["port"], row["namespaceId"], row["serviceName"], row["cluster"]) == (row["ip"], 0, "public", f"DEFAULT_GROUP@@{name}", "")
    wait_for("nobody subscribes", lambda: call(server, "GET", V1 + "/service/subscribers", serviceName=name).json == {"subscribers": [], "count": 0})


def test_v1_finds_subscribers_of_names_that_contain_the_given_one(server, name):
    with Naming(server.grpc_port) as c:
        for i in range(3):
            c.subscribe(f"{name}-{i}")
        query = dict(serviceName=f"{name}-", groupName="DEFAULT")
        found = call(server, "GET", V1 + "/service/subscribers", **query).json
        assert [s["serviceName"] for s in found["subscribers"]] == [f"DEFAULT_GROUP@@{name}-{i}" for i in range(3)]
        second = call(server, "GET", V1 + "/service/subscribers", **query, pageNo=2, pageSize=2).json
        assert (second["count"], len(second["subscribers"])) == (3, 1)
        assert call(server, "GET", V1 + "/service/subscribers", **query, pageNo=9, pageSize=2).json == {"subscribers": [], "count": 3}


# -- switches: each test leaves them as they were

@pytest.fixture
def switch(server):
    turned = []

    def set_switch(entry, value, path=V2 + "/operator/switches", **more):
        turned.append(entry)
        reply = call(server, "PUT", path, entry=entry, value=value, **more)
        assert reply.status == 200, reply
    yield set_switch
    # v2 is not gated by the server's status.
    back = {"overriddenServerStatus": "null", "clientBeatInterval": "5000", "lightBeatEnabled": "true", "pushCacheMillis": "10000",
            "defaultInstanceEphemeral": "true", "limitedUrlMap": "/nowhere:503", "healthCheckTimes": "3"}
    for entry in turned:
        assert call(server, "PUT", V2 + "/operator/switches", entry=entry, value=back[entry]).status == 200


SWITCHES = ("masters adWeightMap defaultPushCacheMillis clientBeatInterval defaultCacheMillis distroThreshold healthCheckEnabled "
            "autoChangeHealthCheckEnabled distroEnabled enableStandalone pushEnabled checkTimes httpHealthParams tcpHealthParams mysqlHealthParams "
            "incrementalList serverStatusSynchronizationPeriodMillis serviceStatusSynchronizationPeriodMillis disableAddIP sendBeatOnly "
            "lightBeatEnabled limitedUrlMap distroServerExpiredMillis pushVersionOfGo pushVersionOfJava pushVersionOfPython pushVersionOfC "
            "pushVersionOfCsharp enableAuthentication overriddenServerStatus defaultInstanceEphemeral healthCheckWhiteList name checksum").split()


def test_switches_are_the_same_in_every_generation(server, switch):
    switch("healthCheckTimes", "4", ADMIN + "/ops/switches")
    v1 = call(server, "GET", V1 + "/operator/switches")
    assert sorted(v1.json) == sorted(SWITCHES)
    assert v1.json["checkTimes"] == 4
    assert call(server, "GET", V1 + "/ops/switches").text == v1.text
    for path in (V2 + "/operator/switches", V2 + "/ops/switches", ADMIN + "/ops/switches"):
        assert call(server, "GET", path).text == result(v1.text)


def test_beats_and_cache_follow_the_switches(server, name, switch):
    register(server, name)
    switch("clientBeatInterval", "7000", V1 + "/operator/switches")
    switch("lightBeatEnabled", "false", V1 + "/ops/switches")
    switch("pushCacheMillis", "20000")
    beat = call(server, "PUT", V1 + "/instance/beat", serviceName=name, ip="1.1.1.1", port=80)
    assert beat.text == '{"clientBeatInterval":7000,"code":10200,"lightBeatEnabled":false}'
    assert call(server, "GET", V1 + "/instance/list", serviceName=name).json["cacheMillis"] == 20000


def test_the_beat_interval_of_an_operator_comes_first(server, name):
    """§4.1."""
    register(server, name, metadata=json.dumps({**LASTING, "preserved.heart.beat.interval": "3000"}))
    one = dict(serviceName=name, ip="1.1.1.1", port=80)
    assert call(server, "PUT", V1 + "/instance/beat", **one).json["clientBeatInterval"] == 3000
    call(server, "PUT", V1 + "/instance/metadata/batch", serviceName=name, metadata='{"preserved.heart.beat.interval":"2000"}')
    assert call(server, "PUT", V1 + "/instance/beat", **one).json["clientBeatInterval"] == 2000


def test_instances_are_persistent_when_the_switch_says_so(server, name, switch):
    register(server, name)
    switch("defaultInstanceEphemeral", "false")
    reply = call(server, "POST", V1 + "/instance", serviceName=name, ip="1.1.1.2", port=80)
    assert (reply.status, reply.text) == (
        400, f"errCode: 400, errMsg: Current service DEFAULT_GROUP@@{name} is ephemeral service, can't register persistent instance. ")
    register(server, name, "1.1.1.3", ephemeral="true")


@pytest.mark.parametrize("status, reads, writes", [("DOWN", 503, 503), ("READ_ONLY", 200, 503), ("WRITE_ONLY", 503, 200)])
def test_a_server_that_is_not_up_answers_no_v1(server, name, switch, status, reads, writes):
    """§0.1 and §11, trap 44."""
    switch("overriddenServerStatus", status)
    one = dict(serviceName=name, ip="1.1.1.1", port=80)
    read, write = call(server, "GET", V1 + "/instance/list", serviceName=name), call(server, "POST", V1 + "/instance", **one)
    assert (read.status, write.status) == (reads, writes)
    for reply in (read, write):
        if reply.status == 503:
            assert reply.text == f"server is {status}now, please try again later!"
    peer = request("GET", server.url(f"{V1}/instance/list?serviceName={name}"), headers={"User-Agent": "Nacos-Server:v2.4.0"})
    assert peer.status == 200
    assert call(server, "GET", V2 + "/instance/list", serviceName=name).status == 200
    assert call(server, "GET", V2 + "/operator/metrics").json["data"] == {"status": status}


def test_urls_that_are_cut_off(server, name, switch):
    """§0.1."""
    switch("limitedUrlMap", f"/nacos/v1/ns/instance/list?serviceName={name}:429")
    reply = call(server, "GET", V1 + "/instance/list", serviceName=name)
    assert (reply.status, reply.body) == (429, b"")
    assert call(server, "GET", V1 + "/instance/list", serviceName="other" + name).status == 200


def test_metadata_of_a_request_body_in_both_notations(server, name):
    register(server, name, metadata="a=b,c=d")
    assert host(server, name)["metadata"] == {"a": "b", "c": "d"}
    register(server, name, metadata='{"a":1,"b":true,"c":null}')
    assert host(server, name)["metadata"] == {"a": "1", "b": "true"}


def test_what_changes_something_asks_for_the_right_to(server):
    entries = [e for e in request("GET", server.root_url("/access")).json if re.search(" /v[123](/client|/admin)?/ns", e["what"])]
    assert len(entries) > 100
    looks = ("/statuses", "/names", "/catalog/instances", "/health/server")  # any method is a look there
    for entry in entries:
        method, path = entry["what"].split(" ")
        if entry["anonymousBecause"] == "it only says that there is no such call":
            assert path.startswith("/v1/ns/")
        elif entry["anonymousBecause"]:
            assert (method, path) in (("GET", "/v1/ns/operator/metrics"), ("GET", "/v1/ns/ops/metrics")), entry
        elif method != "GET" and not any(look in path for look in looks):
            assert entry["action"] == "write", entry
            assert entry["byResource"] or entry["resourceType"] == "naming/operator", entry
