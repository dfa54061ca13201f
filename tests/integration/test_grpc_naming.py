"""docs/protocol/naming.md, section 3; push timing is design: at once, then merged."""
import time

import pytest
from http_client import query, request
from nacos_grpc import Naming, hosts, instance
from pharos_server import wait_for


@pytest.fixture
def pub(server):
    with Naming(server.grpc_port) as c:
        yield c


@pytest.fixture
def sub(server):
    with Naming(server.grpc_port, ability_table={}) as c:
        yield c


def ok(reply, kind, **more):
    assert reply.type == kind, reply
    assert (reply["resultCode"], reply["errorCode"], reply["success"]) == (200, 0, True), reply
    assert "requestId" not in reply.body
    for key, value in more.items():
        assert reply[key] == value
    return reply


def pushes(c, service):
    return [m for m in c.pushes_of("NotifySubscriberRequest") if m["serviceInfo"]["name"] == service]


def test_register_body(pub, name):
    reply = ok(pub.register(name, "10.0.0.1"), "InstanceResponse")
    assert reply.body == {"resultCode": 200, "errorCode": 0, "type": "registerInstance", "success": True}
    reply = pub.deregister(name, "10.0.0.1")
    assert reply.body == {"resultCode": 200, "errorCode": 0, "type": "deregisterInstance", "success": True}


def test_query(pub, sub, name):
    info = ok(sub.query(name), "QueryServiceResponse")["serviceInfo"]
    assert info["hosts"] == []  # an unknown service is an empty one
    pub.register(name, "10.0.0.1", 8080, metadata={"zone": "a"})
    reply = wait_for("visible", lambda: (r := sub.query(name))["serviceInfo"]["hosts"] and r, 2)
    assert "message" not in reply.body
    info = reply["serviceInfo"]
    assert (info["name"], info["groupName"], info["clusters"], info["cacheMillis"], info["checksum"], info["valid"], info["reachProtectionThreshold"]) == (
        name, "DEFAULT_GROUP", "", 10000, "", True, False)
    assert info["allIps"] is False and info["allIPs"] is False
    host = info["hosts"][0]
    assert (host["ip"], host["port"], host["weight"], host["healthy"], host["enabled"], host["ephemeral"], host["clusterName"], host["metadata"]) == (
        "10.0.0.1", 8080, 1.0, True, True, True, "DEFAULT", {"zone": "a"})
    assert host["serviceName"] == f"DEFAULT_GROUP@@{name}"
    assert '"weight":1.0' in reply.raw


def test_register_is_pushed_to_the_subscriber(pub, sub, name):
    ok(sub.subscribe(name), "SubscribeServiceResponse")
    since = sub.count()
    begin = time.monotonic()
    pub.register(name, "10.0.0.1")
    push = sub.wait_hosts(name, {"10.0.0.1"})
    assert push.at - begin < 1.0
    assert push["requestId"].isdigit() and push["headers"] == {} and push["module"] == "naming"
    assert push["serviceInfo"]["name"] == name and push["serviceInfo"]["groupName"] == "DEFAULT_GROUP"
    assert not {"namespace", "serviceName", "groupName"} & {k for k, v in push.body.items() if v}
    assert push.type_url == "" and push.headers == []
    since = sub.count()
    begin = time.monotonic()
    pub.deregister(name, "10.0.0.1")
    assert sub.wait_hosts(name, set(), since=since).at - begin < 1.0


def test_subscribe_reply_has_the_hosts(pub, sub, name):
    pub.register(name, "10.0.0.1")
    wait_for("visible", lambda: hosts(sub.query(name)) == {"10.0.0.1"}, 2)
    reply = ok(sub.subscribe(name), "SubscribeServiceResponse")
    assert hosts(reply) == {"10.0.0.1"}
    assert reply["serviceInfo"]["name"] == name


def test_first_push_after_subscribe_comes_once(pub, sub, name):
    pub.register(name, "10.0.0.1")
    wait_for("visible", lambda: hosts(sub.query(name)) == {"10.0.0.1"}, 2)
    reply = sub.subscribe(name)
    push = sub.wait_hosts(name, {"10.0.0.1"})
    assert push["serviceInfo"]["lastRefTime"] > reply["serviceInfo"]["lastRefTime"]
    time.sleep(1.5)
    assert len(pushes(sub, name)) == 1
    sub.subscribe(name)  # again: no further push
    time.sleep(1)
    assert len(pushes(sub, name)) == 1


def test_first_push_comes_for_a_service_that_is_not_there(sub, name):
    sub.subscribe(name)
    assert sub.wait_hosts(name, set())["serviceInfo"]["hosts"] == []


def test_unsubscribe(pub, sub, name):
    sub.subscribe(name)
    sub.wait_hosts(name, set())
    ok(sub.subscribe(name, subscribe=False), "SubscribeServiceResponse")
    before = len(pushes(sub, name))
    pub.register(name, "10.0.0.1")
    time.sleep(1)
    assert len(pushes(sub, name)) == before


def test_killed_connection_is_pushed_within_a_second(server, sub, name):
    with Naming(server.grpc_port) as dying:
        dying.register(name, "10.0.0.1")
        sub.subscribe(name)
        sub.wait_hosts(name, {"10.0.0.1"})
        since = sub.count()
        begin = time.monotonic()
        dying.close()
        assert sub.wait_hosts(name, set(), since=since).at - begin < 1.0


def test_last_ref_time_strictly_grows(pub, sub, name):
    times = [sub.subscribe(name)["serviceInfo"]["lastRefTime"]]
    for i in range(20):
        pub.register(name, f"10.0.1.{i}")
        time.sleep(0.01)
    sub.wait_hosts(name, {"10.0.1.19"})  # one record a connection: the last one
    times += [m["serviceInfo"]["lastRefTime"] for m in pushes(sub, name)]
    assert all(a < b for a, b in zip(times, times[1:])), times


def test_request_ids_differ(pub, sub, name):
    sub.subscribe(name)
    for i in range(5):
        pub.register(name, f"10.0.1.{i}")
        sub.wait_hosts(name, {f"10.0.1.{i}"})
    ids = [m["requestId"] for m in sub.pushes_of("NotifySubscriberRequest")]
    assert len(set(ids)) == len(ids)


def test_registering_again_replaces(pub, sub, name):
    pub.register(name, "10.0.0.1")
    pub.register(name, "10.0.0.2")
    wait_for("replaced", lambda: hosts(sub.query(name)) == {"10.0.0.2"}, 2)


def test_deregister_ignores_the_address(pub, sub, name):
    pub.register(name, "10.0.0.1")
    wait_for("visible", lambda: hosts(sub.query(name)) == {"10.0.0.1"}, 2)
    ok(pub.deregister(name, "10.9.9.9", 1), "InstanceResponse")
    wait_for("gone", lambda: hosts(sub.query(name)) == set(), 2)
    ok(pub.deregister(name, "10.0.0.1"), "InstanceResponse")


def test_batch(pub, sub, name):
    sub.subscribe(name)
    reply = ok(pub.batch_register(name, [instance("10.0.0.1"), instance("10.0.0.2"), instance("10.0.0.3")]), "BatchInstanceResponse")
    assert reply["type"] == "batchRegisterInstance"
    sub.wait_hosts(name, {"10.0.0.1", "10.0.0.2", "10.0.0.3"})
    pub.batch_register(name, [instance("10.0.0.2")])  # what stays
    sub.wait_hosts(name, {"10.0.0.2"})
    pub.batch_register(name, [])
    wait_for("empty", lambda: hosts(sub.query(name)) == set(), 2)


def test_batches_of_several_services_go_with_the_connection(server, sub, name):
    names = [f"{name}-{i}" for i in range(5)]
    for n in names:
        sub.subscribe(n)
    with Naming(server.grpc_port) as c:
        for i, n in enumerate(names):
            c.batch_register(n, [instance(f"10.1.{i}.{k}") for k in range(10)])
        for i, n in enumerate(names):
            sub.wait_hosts(n, {f"10.1.{i}.{k}" for k in range(10)})
        since = sub.count()
    for n in names:
        sub.wait_hosts(n, set(), since=since)


def test_clusters(pub, server, sub, name):
    pub.batch_register(name, [instance("10.0.0.1", clusterName="c1"), instance("10.0.0.2", clusterName="c2")])
    wait_for("visible", lambda: len(hosts(sub.query(name))) == 2, 2)
    assert hosts(sub.query(name, cluster="c1")) == {"10.0.0.1"}
    reply = sub.subscribe(name, clusters="c2")
    assert hosts(reply) == {"10.0.0.2"} and reply["serviceInfo"]["clusters"] == "c2"
    assert sub.wait_hosts(name, {"10.0.0.2"})["serviceInfo"]["clusters"] == "c2"


def test_groups_and_namespaces_are_apart(pub, sub, name):
    pub.register(name, "10.0.0.1", group="G2")
    pub.register(name, "10.0.0.2", namespace="ns1")
    wait_for("visible", lambda: hosts(sub.query(name, group="G2")) == {"10.0.0.1"} and hosts(sub.query(name, namespace="ns1")) == {"10.0.0.2"}, 2)
    assert hosts(sub.query(name)) == set()


def test_service_list(pub, sub, name):
    for i in range(3):
        pub.register(f"{name}-{i}", "10.0.0.1", group=name)
    reply = wait_for("listed", lambda: (r := sub.services(group=name))["count"] == 3 and r, 2)
    assert sorted(reply["serviceNames"]) == [f"{name}-{i}" for i in range(3)]
    assert reply.type == "ServiceListResponse"
    assert len(sub.services(page=1, size=2, group=name)["serviceNames"]) == 2
    assert len(sub.services(page=2, size=2, group=name)["serviceNames"]) == 1


def test_http_instances_are_pushed_too(server, sub, name):
    sub.subscribe(name)
    url = query(server.url("/v1/ns/instance"), serviceName=name, ip="10.0.0.9", port=80)
    assert request("POST", url).text == "ok"
    sub.wait_hosts(name, {"10.0.0.9"})
    since = sub.count()
    assert request("DELETE", url).text == "ok"
    sub.wait_hosts(name, set(), since=since)


def test_unacknowledged_push_is_sent_again(server, pub, name):
    with Naming(server.grpc_port, ack=False) as c:
        c.subscribe(name)
        c.wait_hosts(name, set())
        pub.register(name, "10.0.0.1")
        c.wait_hosts(name, {"10.0.0.1"}, timeout=10)
        wait_for("again", lambda: len([m for m in pushes(c, name) if hosts(m) == {"10.0.0.1"}]) >= 2, 15)


def test_only_naming_connections_may_register(server, name):
    with Naming(server.grpc_port, module="config") as c:
        reply = c.register(name, "10.0.0.1")
        assert (reply.type, reply["resultCode"], reply["errorCode"], reply["success"]) == ("ErrorResponse", -401, -401, False)
        assert reply["message"].endswith("connection already disconnect, can't register ephemeral instance. ")


def test_unknown_operation(pub, name):
    reply = pub.register(name, "10.0.0.1", operation="xx")
    assert reply.type == "ErrorResponse"
    assert reply.body == {"resultCode": 400, "errorCode": 400, "message": "Unsupported request type xx", "success": False}


@pytest.mark.parametrize("where, text", [
    (dict(service="a b"), "Param 'serviceName' is illegal, illegal characters should not appear in the param."),
    (dict(service="s" * 513), "Param 'serviceName' is illegal, the param length should not exceed 512."),
    (dict(service="s", group="g" * 129), "Param 'group' is illegal, the param length should not exceed 128."),
    (dict(service="s", namespace="n" * 65), "Param 'namespaceId/tenant' is illegal, the param length should not exceed 64."),
    (dict(service="s", clusterName="a b"), "Param 'cluster' is illegal, illegal characters should not appear in the param."),
    (dict(service="s", port=65536), "Param 'port' is illegal, the value should be between 0 and 65535."),
])
def test_bad_parameters(pub, where, text):
    where = dict(where)
    reply = pub.register(where.pop("service"), "10.0.0.1", where.pop("port", 80), **where)
    assert reply.type == "InstanceResponse"
    assert (reply["resultCode"], reply["errorCode"], reply["success"]) == (500, 400, False)
    assert reply["message"] == "Param check invalid:" + text


def test_push_storm_ends_with_the_newest(server, sub, name):
    """Many changes in a short time: merged, and the last view is the right one."""
    sub.subscribe(name)
    clients = [Naming(server.grpc_port) for _ in range(20)]
    try:
        for k in range(10):
            for i, c in enumerate(clients):
                assert c.register(name, f"10.2.{k}.{i}")["resultCode"] == 200
        sub.wait_hosts(name, {f"10.2.9.{i}" for i in range(20)}, timeout=5)
        time.sleep(1)
        assert hosts(pushes(sub, name)[-1]) == {f"10.2.9.{i}" for i in range(20)}
        assert len(pushes(sub, name)) < 200
    finally:
        for c in clients:
            c.close()
