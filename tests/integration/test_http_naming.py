import json
import time

import pytest
from http_client import query, request
from nacos_grpc import Naming
from pharos_server import wait_for

INSTANCE = "/v1/ns/instance"


def register(server, service, ip="10.0.0.1", port=8080, **more):
    return request("POST", query(server.url(INSTANCE), serviceName=service, ip=ip, port=port, **more))


def deregister(server, service, ip="10.0.0.1", port=8080, **more):
    return request("DELETE", query(server.url(INSTANCE), serviceName=service, ip=ip, port=port, **more))


def listed(server, service, **more):
    return request("GET", query(server.url(INSTANCE + "/list"), serviceName=service, **more)).json


def ips(server, service, **more):
    return {h["ip"] for h in listed(server, service, **more)["hosts"]}


def wait_ips(server, service, want, timeout=2):
    wait_for(f"{service} has {want}", lambda: ips(server, service) == set(want), timeout)


def test_register_list_deregister(server, name):
    reply = register(server, name, metadata='{"zone":"a"}', weight=2)
    assert (reply.status, reply.text) == (200, "ok")
    wait_ips(server, name, {"10.0.0.1"})
    info = listed(server, name)
    assert info["name"] == f"DEFAULT_GROUP@@{name}"
    assert info["groupName"] == "DEFAULT_GROUP"
    assert info["clusters"] == ""
    assert info["cacheMillis"] == 10000
    assert info["checksum"] == ""
    assert info["allIps"] is False and info["allIPs"] is False
    assert info["reachProtectionThreshold"] is False and info["valid"] is True
    assert abs(info["lastRefTime"] - time.time() * 1000) < 600_000
    host = info["hosts"][0]
    assert host["port"] == 8080 and host["weight"] == 2.0 and host["healthy"] is True and host["enabled"] is True
    assert host["ephemeral"] is True and host["clusterName"] == "DEFAULT"
    assert host["serviceName"] == f"DEFAULT_GROUP@@{name}"
    assert host["metadata"] == {"zone": "a"}
    reply = deregister(server, name)
    assert (reply.status, reply.text) == (200, "ok")
    wait_ips(server, name, set())


def test_parameters_may_be_a_form_body(server, name):
    assert request("POST", server.url(INSTANCE), {"serviceName": name, "ip": "10.0.0.1", "port": 80}).text == "ok"
    wait_ips(server, name, {"10.0.0.1"})
    assert request("DELETE", server.url(INSTANCE), {"serviceName": name, "ip": "10.0.0.1", "port": 80}).text == "ok"
    wait_ips(server, name, set())


def test_grouped_name_equals_group_parameter(server, name):
    register(server, f"G2@@{name}", "10.0.0.1")
    register(server, name, "10.0.0.2", groupName="G2")
    wait_ips(server, f"G2@@{name}", {"10.0.0.1", "10.0.0.2"})
    assert ips(server, name, groupName="G2") == {"10.0.0.1", "10.0.0.2"}
    assert ips(server, name) == set()


def test_missing_service_is_an_empty_list(server, name):
    reply = request("GET", query(server.url(INSTANCE + "/list"), serviceName=name))
    assert reply.status == 200
    assert reply.json["hosts"] == []


def test_deregister_of_the_unknown_is_ok(server, name):
    assert deregister(server, name).text == "ok"


def test_deregistration_ignores_the_cluster(server, name):
    """naming.md §11, trap 2."""
    instance = dict(serviceName=name, ip="10.0.0.1", port=80)
    request("POST", query(server.url("/v1/ns/instance"), **instance, clusterName="c1"))
    assert request("DELETE", query(server.url("/v1/ns/instance"), **instance, clusterName="other")).text == "ok"
    assert request("GET", query(server.url("/v1/ns/instance/list"), serviceName=name)).json["hosts"] == []


def test_an_instance_of_a_connection_is_not_http_s_to_remove(server, name):
    """naming.md §11, trap 3."""
    with Naming(server.grpc_port) as connection:
        connection.register(name, "10.0.0.1", 80)
        assert request("DELETE", query(server.url("/v1/ns/instance"), serviceName=name, ip="10.0.0.1", port=80)).text == "ok"
        listed = request("GET", query(server.url("/v1/ns/instance/list"), serviceName=name)).json["hosts"]
        assert [host["ip"] for host in listed] == ["10.0.0.1"]


def test_clusters_and_health(server, name):
    register(server, name, "10.0.0.1", clusterName="c1")
    register(server, name, "10.0.0.2", clusterName="c2")
    register(server, name, "10.0.0.3", clusterName="c1", healthy="false")
    register(server, name, "10.0.0.4", clusterName="c1", enabled="false")
    wait_ips(server, name, {"10.0.0.1", "10.0.0.2", "10.0.0.3"})  # a disabled one is never listed
    assert ips(server, name, clusters="c2") == {"10.0.0.2"}
    assert ips(server, name, clusters="c1,c2") == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert ips(server, name, healthyOnly="true") == {"10.0.0.1", "10.0.0.2"}
    assert listed(server, name, clusters="c1")["clusters"] == "c1"


def test_beat(server, name):
    url = server.url(INSTANCE + "/beat")
    light = dict(serviceName=name, ip="10.0.0.1", port=8080, clusterName="DEFAULT")
    assert request("PUT", query(url, **light)).json["code"] == 20404
    beat = {"ip": "10.0.0.1", "port": 8080, "serviceName": f"DEFAULT_GROUP@@{name}", "cluster": "DEFAULT", "weight": 1.0, "metadata": {"k": "v"}, "scheduled": False}
    full = request("PUT", query(url, **light), {"beat": json.dumps(beat)})
    assert full.json == {"clientBeatInterval": 5000, "code": 10200, "lightBeatEnabled": True}
    wait_ips(server, name, {"10.0.0.1"})  # a full beat registers
    assert listed(server, name)["hosts"][0]["metadata"] == {"k": "v"}
    assert request("PUT", query(url, **light)).json["code"] == 10200


def test_silent_instance_turns_unhealthy_and_goes(server, name):
    fast = {"preserved.heart.beat.interval": "1000", "preserved.heart.beat.timeout": "2000", "preserved.ip.delete.timeout": "9000"}
    register(server, name, "10.0.0.1", metadata=json.dumps(fast))
    wait_ips(server, name, {"10.0.0.1"})
    wait_for("unhealthy", lambda: any(not h["healthy"] for h in listed(server, name)["hosts"]), 10)
    wait_for("gone", lambda: not listed(server, name)["hosts"], 15)


def test_two_clients_of_http_and_lastreftime(server, name):
    register(server, name, "10.0.0.1")
    wait_ips(server, name, {"10.0.0.1"})
    first = listed(server, name)["lastRefTime"]
    register(server, name, "10.0.0.2")
    wait_ips(server, name, {"10.0.0.1", "10.0.0.2"})
    assert listed(server, name)["lastRefTime"] > first


@pytest.mark.parametrize("params, text", [
    (dict(ip="10.0.0.1", port=65536), "Param 'port' is illegal, the value should be between 0 and 65535."),
    (dict(ip="10.0.0.1", port=80, serviceName="s" * 513), "Param 'serviceName' is illegal, the param length should not exceed 512."),
    (dict(ip="10.0.0.1", port=80, clusterName="c" * 65), "Param 'cluster' is illegal, the param length should not exceed 64."),
    (dict(ip="10.0.0.1", port=80, clusterName="a b"), "Param 'cluster' is illegal, illegal characters should not appear in the param."),
    (dict(ip="1" * 129, port=80), "Param 'ip' is illegal, the param length should not exceed 128."),
    (dict(ip="10.0.0.1", port=80, namespaceId="n" * 65), "Param 'namespaceId/tenant' is illegal, the param length should not exceed 64."),
    (dict(ip="10.0.0.1", port=80, groupName="g" * 129), "Param 'group' is illegal, the param length should not exceed 128."),
    (dict(ip="10.0.0.1", port=80, metadata=json.dumps({"k": "v" * 1024})), "Param 'Metadata' is illegal, the param length should not exceed 1024."),
])
def test_bad_parameters(server, name, params, text):
    reply = request("POST", query(server.url(INSTANCE), **{"serviceName": name, **params}))
    assert (reply.status, reply.text) == (400, text + "\r\n")


def test_weight_range(server, name):
    reply = register(server, name, weight=10001)
    assert (reply.status, reply.text) == (400, "instance format invalid: The weights range from 0.0 to 10000.0")


def test_ephemeral_and_persistent_do_not_mix(server, name):
    register(server, name)
    reply = register(server, name, "10.0.0.2", ephemeral="false")
    assert (reply.status, reply.text) == (
        400, f"errCode: 400, errMsg: Current service DEFAULT_GROUP@@{name} is ephemeral service, can't register persistent instance. ")


def test_service_list(server, name):
    register(server, name, groupName="lists")
    found = wait_for("listed", lambda: (r := request("GET", query(server.url("/v1/ns/service/list"), pageNo=1, pageSize=10, groupName="lists")).json)["count"] and r, 2)
    assert found == {"count": 1, "doms": [name]}
