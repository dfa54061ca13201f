"""Persistent instances: durable, of an ip:port and not of a client, until they are deregistered
(docs/protocol/naming.md §1.1, §2.3-2.6, §3.3, §6.5, §7.2, §9)."""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from http_client import request
from nacos_grpc import Connection, Naming, hosts
from naming_http import call, check, error, JSON, result, TEXT
from pharos_server import Server, wait_for
from test_udp_push import Subscriber

V1, V2, V3, ADMIN = "/v1/ns", "/v2/ns", "/v3/client/ns", "/v3/admin/ns"
NONE = '{"type":"NONE"}'


def keep(server, service, ip="10.0.0.1", path=V1, port=80, **more):
    return call(server, "POST", path + "/instance", serviceName=service, ip=ip, port=port, ephemeral="false", **more)


def drop(server, service, ip="10.0.0.1", path=V1, port=80, **more):
    return call(server, "DELETE", path + "/instance", serviceName=service, ip=ip, port=port, ephemeral="false", **more)


def listed(server, service, **more):
    return call(server, "GET", V1 + "/instance/list", serviceName=service, **more).json["hosts"]


def ips(server, service):
    return {h["ip"] for h in listed(server, service)}


def by_grpc(connection, service, ip="10.0.0.1", operation="registerInstance", **more):
    body = connection._service(service, "DEFAULT_GROUP", "public")
    body.update(type=operation, instance={"ip": ip, "port": 80, "ephemeral": False, **more})
    return connection.call("PersistentInstanceRequest", body)


def unchecked(server, service, cluster="DEFAULT"):
    """A service whose instances nobody probes: their health is for the test to set."""
    assert call(server, "POST", V1 + "/service", serviceName=service).text == "ok"
    set_checker(server, service, NONE, cluster)


def set_checker(server, service, checker, cluster="DEFAULT", path=V1, **more):
    reply = call(server, "PUT", path + "/cluster", serviceName=service, clusterName=cluster, checkPort=80,
                 useInstancePort4Check="true", healthChecker=checker, **more)
    assert reply.status == 200, reply


def set_health(server, service, healthy, ip="10.0.0.1", path=V1, **more):
    return call(server, "PUT", path + "/health/instance", serviceName=service, ip=ip, port=80, healthy=healthy, **more)


@pytest.mark.parametrize("path, ok", [(V1, "ok"), (V2, result('"ok"')), (V3, result('"ok"')), (ADMIN, result('"ok"'))])
def test_every_generation_registers_and_deregisters(server, name, path, ok):
    """§9: visible on the very next call."""
    assert keep(server, name, path=path).text == ok
    host, = listed(server, name)
    assert (host["ip"], host["port"], host["ephemeral"], host["serviceName"]) == ("10.0.0.1", 80, False, f"DEFAULT_GROUP@@{name}")
    assert drop(server, name, path=path).text == ok
    assert listed(server, name) == []
    assert drop(server, name, path=path).text == ok  # what is not there is no error


def test_grpc_registers_and_deregisters(server, name):
    """§3.3."""
    with Naming(server.grpc_port) as c:
        assert by_grpc(c, name).raw == '{"resultCode":200,"errorCode":0,"type":"registerInstance","success":true}'
        assert hosts(c.query(name)) == {"10.0.0.1"}
        by_grpc(c, name, "10.0.0.2")  # of an ip:port: one connection may register several
        assert hosts(c.query(name)) == {"10.0.0.1", "10.0.0.2"}
    assert ips(server, name) == {"10.0.0.1", "10.0.0.2"}  # the connection's end takes nothing away
    with Naming(server.grpc_port) as c:
        assert by_grpc(c, name, operation="deregisterInstance").raw == '{"resultCode":200,"errorCode":0,"type":"deregisterInstance","success":true}'
        assert hosts(c.query(name)) == {"10.0.0.2"}


def test_the_ability_is_announced(server):
    with Connection(server.grpc_port, ability_table={}) as c:
        assert c.wait_push("SetupAckRequest")["abilityTable"].get("supportPersistentInstanceByGrpc") is True


def test_a_deregistration_needs_the_right_kind(server, name):
    """§11, trap 2."""
    keep(server, name)
    assert call(server, "DELETE", V1 + "/instance", serviceName=name, ip="10.0.0.1", port=80).text == "ok"
    assert ips(server, name) == {"10.0.0.1"}


def test_ephemeral_and_persistent_do_not_mix(server, name):
    """§7.2, §10 and §11, trap 4: byte for byte."""
    e, p = f"{name}-e", f"{name}-p"
    assert call(server, "POST", V1 + "/instance", serviceName=e, ip="10.0.0.9", port=80).text == "ok"
    assert keep(server, p).text == "ok"
    no_persistent = f"errCode: 400, errMsg: Current service DEFAULT_GROUP@@{e} is ephemeral service, can't register persistent instance. "
    no_ephemeral = f"errCode: 400, errMsg: Current service DEFAULT_GROUP@@{p} is persistent service, can't register ephemeral instance. "
    one = dict(ip="10.0.0.9", port=80)
    check(keep(server, e), 400, TEXT, no_persistent)
    check(call(server, "POST", V1 + "/instance", serviceName=p, **one), 400, TEXT, no_ephemeral)
    for path in (V2, V3, ADMIN):
        check(keep(server, e, path=path), 400, JSON, error(30000, "server error", no_persistent))
        check(call(server, "POST", path + "/instance", serviceName=p, **one), 400, JSON, error(30000, "server error", no_ephemeral))
    with Naming(server.grpc_port) as c:
        for reply, text in ((by_grpc(c, e), no_persistent), (c.register(p, "10.0.0.9"), no_ephemeral)):
            assert reply.type == "ErrorResponse"
            assert reply.body == {"resultCode": 400, "errorCode": 400, "message": text, "success": False}
        # Trap 5: this request makes ephemeral ones, whatever it says.
        assert c.register(e, "10.0.0.8", ephemeral=False)["resultCode"] == 200
    assert {h["ephemeral"] for h in listed(server, e)} == {True}


def test_the_kind_changes_when_the_service_has_gone(server, name):
    keep(server, name)
    reply = call(server, "DELETE", V1 + "/service", serviceName=name)
    assert (reply.status, reply.text) == (400, f"Service DEFAULT_GROUP@@{name} is not empty, can't be delete. Please unregister instance first")
    drop(server, name)
    assert call(server, "POST", V1 + "/instance", serviceName=name, ip="10.0.0.9", port=80).status == 400
    assert call(server, "DELETE", V1 + "/service", serviceName=name).text == "ok"
    assert call(server, "POST", V1 + "/instance", serviceName=name, ip="10.0.0.9", port=80).text == "ok"


def test_a_service_that_an_api_made_takes_them(server, name):
    assert call(server, "POST", V2 + "/service", serviceName=name, protectThreshold=0.5).text == result('"ok"')
    assert keep(server, name).text == "ok"
    assert call(server, "GET", V2 + "/service", serviceName=name).json["data"]["ephemeral"] is False
    e = f"{name}-e"
    assert call(server, "POST", ADMIN + "/service", serviceName=e, ephemeral="true").text == result('"ok"')
    assert keep(server, e).status == 400


def test_what_operators_see(server, name):
    """§2.3-2.6, §7.5."""
    unchecked(server, name)
    keep(server, name, metadata='{"a":"b"}', weight=2)
    client = dict(clientId="10.0.0.1:80#false")
    for path in (V2, ADMIN):
        assert "10.0.0.1:80#false" in call(server, "GET", path + "/client/list").json["data"]
        found = call(server, "GET", path + "/client", **client).json["data"]
        assert (found["clientId"], found["ephemeral"], found["clientType"]) == ("10.0.0.1:80#false", False, "ipPort")
        assert name in {e["serviceName"] for e in call(server, "GET", path + "/client/publish/list", **client).json["data"]}
        row, = call(server, "GET", path + "/client/service/publisher/list", serviceName=name, ip="10.0.0.1", port=80, ephemeral="false").json["data"]
        assert row["clientId"] == "10.0.0.1:80#false"
    one = dict(serviceName=name, ip="10.0.0.1", port=80)
    for path in (V1, V2, ADMIN):
        found = call(server, "GET", path + "/instance", **one, ephemeral="false").json
        found = found if path == V1 else found["data"]
        assert (found["weight"], found["healthy"], found["metadata"]) == (2.0, True, {"a": "b"})
    page = call(server, "GET", V1 + "/catalog/instances", serviceName=name, clusterName="DEFAULT", pageNo=1, pageSize=10).json
    assert [h["ephemeral"] for h in page["list"]] == [False]
    count = call(server, "GET", V1 + "/operator/metrics", onlyStatus="false").json["persistentIpPortClientCount"]
    keep(server, name, "10.99.0.1")
    assert call(server, "GET", V1 + "/operator/metrics", onlyStatus="false").json["persistentIpPortClientCount"] == count + 1
    assert call(server, "GET", ADMIN + "/ops/metrics", onlyStatus="false").json["data"]["persistentIpPortClientCount"] == count + 1
    drop(server, name, "10.99.0.1")
    assert call(server, "GET", V2 + "/client", clientId="10.99.0.1:80#false").status == 404


def test_overrides_and_metadata(server, name):
    """§1.5: as for all others."""
    keep(server, name, metadata='{"a":"b"}')
    one = dict(serviceName=name, ip="10.0.0.1", port=80, ephemeral="false")
    assert call(server, "PUT", V1 + "/instance", **one, weight=8, metadata='{"c":"d"}').text == "ok"
    host, = listed(server, name)
    assert (host["weight"], host["metadata"], host["ephemeral"]) == (8.0, {"a": "b", "c": "d"}, False)
    assert call(server, "PATCH", V1 + "/instance", **one).text == "ok"
    assert listed(server, name)[0]["weight"] == 8.0
    assert call(server, "PUT", ADMIN + "/instance/partial", **one, weight=3).text == result('"ok"')
    assert listed(server, name)[0]["weight"] == 3.0
    batch = dict(serviceName=name, consistencyType="persist", metadata='{"e":"f"}')
    updated = {"updated": ["10.0.0.1:80:unknown:DEFAULT:persist"]}
    some = '[{"ip":"10.0.0.1","port":80,"ephemeral":false},{"ip":"9.9.9.9","port":80,"ephemeral":false}]'
    assert call(server, "PUT", V1 + "/instance/metadata/batch", **batch).json == updated
    assert call(server, "PUT", V2 + "/instance/metadata/batch", **batch, instances=some).json["data"] == updated
    assert listed(server, name)[0]["metadata"]["e"] == "f"
    assert call(server, "DELETE", ADMIN + "/instance/metadata/batch", **batch).json["data"] == updated
    assert "e" not in listed(server, name)[0]["metadata"]
    reply = call(server, "PUT", V1 + "/instance", **{**one, "serviceName": f"{name}-none"})
    assert (reply.status, reply.text) == (400, f"service not found, namespace: public, service: Service{{namespace='public', "
                                               f"group='DEFAULT_GROUP', name='{name}-none', ephemeral=false, revision=0}}")


def test_beats_are_not_for_them(server, name):
    """§4.1: the client of a beat is the ephemeral one."""
    keep(server, name)
    one = dict(serviceName=name, ip="10.0.0.1", port=80)
    assert call(server, "PUT", V1 + "/instance/beat", **one).json["code"] == 20404
    beat = json.dumps({"ip": "10.0.0.1", "port": 80, "serviceName": f"DEFAULT_GROUP@@{name}"})
    reply = call(server, "PUT", V1 + "/instance/beat", serviceName=name, beat=beat)
    assert (reply.status, reply.text) == (400, f"errCode: 400, errMsg: Current service DEFAULT_GROUP@@{name} is persistent service, can't register ephemeral instance. ")
    assert call(server, "POST", V3 + "/instance", **one, heartBeat="true", ephemeral="false").json["code"] == 21003


def test_health_is_for_operators_where_nothing_probes(server, name):
    """§2.3 and §11, trap 50."""
    keep(server, name)
    text = f"health check is still working, service: DEFAULT_GROUP@@{name}, cluster: DEFAULT"
    check(set_health(server, name, "false"), 400, TEXT, text)
    for path in (V2, ADMIN):
        check(set_health(server, name, "false", path=path), 400, JSON, error(30000, "server error", text))
    for path, answer, healthy in ((V1, "ok", "false"), (V2, result('"ok"'), "true"), (ADMIN, result('"ok"'), "false")):
        set_checker(server, name, NONE)
        assert set_health(server, name, healthy, path=path).text == answer
        # All hosts of a service with metadata are shown healthy when none is (§1.6): operators see the truth.
        host, = call(server, "GET", ADMIN + "/instance/list", serviceName=name).json["data"]
        assert host["healthy"] is (healthy == "true"), path
    assert set_health(server, name, "true", ip="9.9.9.9").text == "ok"
    set_checker(server, name, '{"type":"TCP"}')
    assert set_health(server, name, "true").status == 400


def test_changes_of_health_are_pushed(server, name):
    unchecked(server, name)
    keep(server, name)
    keep(server, name, "10.0.0.2")
    health = lambda info: {h["ip"]: h["healthy"] for h in info["hosts"]}
    with Naming(server.grpc_port) as c, Subscriber(server, name) as udp:
        c.subscribe(name)
        udp.ask()
        wait_for("the first push by UDP", lambda: len(udp.push()["hosts"]) == 2)
        assert set_health(server, name, "false").text == "ok"
        c.wait_push("NotifySubscriberRequest", lambda m: health(m["serviceInfo"]) == {"10.0.0.1": False, "10.0.0.2": True})
        wait_for("health by UDP", lambda: health(udp.push()) == {"10.0.0.1": False, "10.0.0.2": True})
        drop(server, name, "10.0.0.2")
        c.wait_hosts(name, {"10.0.0.1"})
        wait_for("the deregistration by UDP", lambda: [h["ip"] for h in udp.push()["hosts"]] == ["10.0.0.1"])


def test_a_checker_of_a_plugin_is_kept_as_it_came(server, name):
    """§4.3; what the original does not know is not ours to drop."""
    keep(server, name)
    checker = '{"type":"REDIS","password":"x","share":1.50,"nodes":["a","b"]}'
    set_checker(server, name, checker.replace(",", ", "), path=ADMIN)
    assert f'"healthChecker":{checker}' in call(server, "GET", ADMIN + "/service", serviceName=name).text
    assert f'"healthChecker":{checker}' in call(server, "GET", V1 + "/catalog/service", serviceName=name).text
    assert set_health(server, name, "false").status == 400
    reply = call(server, "PUT", V1 + "/cluster", serviceName=name, clusterName="DEFAULT", checkPort=80, useInstancePort4Check="true",
                 healthChecker=json.dumps({"type": "REDIS", "password": "x" * 4096}))
    assert (reply.status, reply.text) == (400, "Param 'healthChecker' is illegal, the param length should not exceed 4096.")


def test_probes_are_reported(server, name):
    unchecked(server, name)
    keep(server, name)
    row, = call(server, "GET", ADMIN + "/health/probes", serviceName=name).json["data"]
    assert list(row) == ["clusterName", "ip", "port", "type", "healthy", "lastProbeTime", "outcome", "reason", "tookMs", "intervalMs", "inARow"]
    assert (row["clusterName"], row["ip"], row["port"], row["type"], row["healthy"]) == ("DEFAULT", "10.0.0.1", 80, "NONE", True)
    assert (row["lastProbeTime"], row["outcome"]) == (None, None)
    assert "NONE" in row["reason"]
    check(call(server, "GET", ADMIN + "/health/probes", serviceName=f"{name}-none"), 404, JSON,
          error(30000, "server error", f"service DEFAULT_GROUP@@{name}-none is not found!"))
    check(call(server, "GET", ADMIN + "/health/probes"), 400, JSON,
          error(10000, "parameter missing", "Required parameter 'serviceName' type String is not present"))


@pytest.mark.parametrize("path", [V1, V2, V3, ADMIN])
def test_bad_parameters(server, name, path):
    assert keep(server, name, path=path, clusterName="a,b").text == "Param 'cluster' is illegal, illegal characters should not appear in the param.\r\n"
    for reply in (keep(server, name, path=path, clusterName="a_b"), keep(server, name, path=path, weight=10001)):
        assert reply.status == 400
    assert listed(server, name) == []
    long = "x" * 480
    reply = keep(server, long, path=path)
    assert reply.status == 400 and "the limit is 480" in reply.text


@pytest.mark.parametrize("kill", [True, False], ids=["kill", "stop"])
def test_all_is_there_after_a_restart(kill, name):
    with Server("--set", "naming.settle=0s") as s:
        unchecked(s, name)
        keep(s, name, metadata='{"a":"b"}', weight=2)
        keep(s, name, "10.0.0.2", path=ADMIN)
        with Naming(s.grpc_port) as c:
            by_grpc(c, name, "10.0.0.3", metadata={"c": "d"})
        keep(s, name, "10.0.0.4")
        drop(s, name, "10.0.0.4")
        set_health(s, name, "false", "10.0.0.2")
        before = listed(s, name)
        assert {h["ip"]: h["healthy"] for h in before} == {"10.0.0.1": True, "10.0.0.2": False, "10.0.0.3": True}
        s.restart(kill=kill)
        after = listed(s, name)
        key = lambda h: h["ip"]
        assert sorted(after, key=key) == sorted(before, key=key)
        assert call(s, "POST", V1 + "/instance", serviceName=name, ip="10.0.0.9", port=80).status == 400


def test_without_a_store_they_are_refused_in_words(name):
    with Server("--set", "plugins.base=lookup", modules="naming") as s:
        text = f"Persistent instances are kept in a store, and this server runs without one; service DEFAULT_GROUP@@{name} can only have ephemeral ones."
        check(keep(s, name), 503, TEXT, text)
        for path in (V2, V3, ADMIN):
            check(keep(s, name, path=path), 503, JSON, error(30000, "server error", text))
        with Naming(s.grpc_port) as c:
            reply = by_grpc(c, name)
            assert (reply.type, reply.body) == ("ErrorResponse", {"resultCode": 500, "errorCode": 500, "message": text, "success": False})
        with Connection(s.grpc_port, ability_table={}) as c:
            assert "supportPersistentInstanceByGrpc" not in c.wait_push("SetupAckRequest")["abilityTable"]
        assert call(s, "POST", V1 + "/instance", serviceName=name, ip="10.0.0.9", port=80).text == "ok"


def test_writers_of_one_service_lose_nothing(name):
    """Many at once, some of the same instance: what was acknowledged last is there, also after a crash."""
    with Server("--set", "naming.settle=0s") as s:
        unchecked(s, name)

        def write(worker):
            for i in range(10):
                own = f"10.1.{worker}.{i}"
                assert keep(s, name, own).text == "ok"
                assert own in ips(s, name)
                assert keep(s, name, "10.0.0.1", metadata=f'{{"by":"{worker}"}}').text == "ok"
                assert set_health(s, name, "false" if i % 2 else "true", own).text == "ok"
                if i % 5 == 0:
                    assert drop(s, name, own).text == "ok"
                    assert own not in ips(s, name)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        expected = {"10.0.0.1"} | {f"10.1.{w}.{i}" for w in range(8) for i in range(10) if i % 5}
        before = {h["ip"]: (h["healthy"], h["metadata"]) for h in listed(s, name)}
        assert set(before) == expected
        assert all(healthy is (int(ip.split(".")[3]) % 2 == 0) for ip, (healthy, _) in before.items() if ip != "10.0.0.1")
        s.restart(kill=True)
        assert {h["ip"]: (h["healthy"], h["metadata"]) for h in listed(s, name)} == before
