"""v2 of naming, call by call: docs/protocol/naming.md §0, §2.4."""
import pytest
from naming_http import JSON, LASTING_TEXT, NO_TYPE, TEXT, call, check, error, instance, result, service_info
from nacos_grpc import Naming
from pharos_server import wait_for

NS = "/v2/ns"
S = "conf-v2"
G = f"DEFAULT_GROUP@@{S}"
ONE = dict(serviceName=S, ip="1.1.1.1", port=80)
GROUPED = dict(ONE, serviceName=G)
OK = result('"ok"')
ILLEGAL_NAME = "Param 'serviceName' is illegal, illegal characters should not appear in the param.\r\n"
NOT_GROUPED = error(20002, "parameter validate error", "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'")


def missing(name, kind="String"):
    return error(10000, "parameter missing", f"Required parameter '{name}' type {kind} is not present")


def missing_declared(name, kind="String"):
    return error(10000, "parameter missing", f"Required request parameter '{name}' for method parameter type {kind} is not present")


@pytest.fixture(scope="module", autouse=True)
def services(server):
    for more in ({}, dict(ip="1.1.1.2", clusterName="c1", weight="0.5"), dict(ip="1.1.1.3", enabled="false")):
        assert call(server, "POST", NS + "/instance", **{**ONE, "metadata": LASTING_TEXT, **more}).text == OK
    assert call(server, "POST", NS + "/service", serviceName="made-v2", protectThreshold="0.5", metadata='{"a":"b"}', ephemeral="true").text == OK


H1 = instance(S, "1.1.1.1")
H2 = instance(S, "1.1.1.2", weight="0.5", cluster="c1")
H3 = instance(S, "1.1.1.3", enabled="false")


def clusters(*names):
    return ",".join(f'"{n}":{{"clusterName":"{n}","healthChecker":{{"type":"TCP"}},"metadata":{{}},"hosts":null}}' for n in names)


CASES = [
    ("POST", "/instance", dict(ONE, serviceName="conf-v2-w"), 200, JSON, OK),
    ("POST", "/instance", dict(ip="1.1.1.1", port=80), 400, JSON, missing("serviceName")),
    ("POST", "/instance", dict(serviceName=S, port=80), 400, JSON, missing("ip")),
    ("POST", "/instance", dict(serviceName=S, ip="1.1.1.1"), 400, JSON, missing("port", "Integer")),
    ("POST", "/instance", GROUPED, 400, NO_TYPE, ILLEGAL_NAME),
    ("POST", "/instance", dict(ONE, weight="10001"), 400, JSON,
     error(21001, "weight error", "instance format invalid: The weights range from 0.0 to 10000.0")),
    ("POST", "/instance", dict(ONE, clusterName="a_b"), 400, JSON,
     error(21004, "instance error", "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: a_b)")),
    ("POST", "/instance", dict(ONE, metadata="nonsense"), 400, JSON, error(21002, "instance metadata error", "metadata format incorrect:nonsense")),
    ("POST", "/instance", dict(ONE, port="65536"), 400, NO_TYPE, "Param 'port' is illegal, the value should be between 0 and 65535.\r\n"),
    ("POST", "/instance", dict(ONE, ephemeral="false"), 400, JSON,
     error(30000, "server error", f"errCode: 400, errMsg: Current service {G} is ephemeral service, can't register persistent instance. ")),
    ("DELETE", "/instance", dict(ONE, ip="9.9.9.9"), 200, JSON, OK),
    ("DELETE", "/instance", dict(ONE, serviceName="conf-v2-unknown"), 200, JSON, OK),
    ("PUT", "/instance", dict(ONE, serviceName="x"), 400, JSON,
     error(21004, "instance error", "service not found, namespace: public, service: Service{namespace='public', group='DEFAULT_GROUP', "
           "name='x', ephemeral=true, revision=0}")),
    ("PATCH", "/instance", dict(ONE, weight=1, enabled="true", metadata=LASTING_TEXT), 400, JSON, NOT_GROUPED),
    ("PATCH", "/instance", dict(GROUPED, weight=1, enabled="true", metadata="a=b", ip="9.9.9.9"), 404, JSON,
     error(20004, "resource not found", "no matched ip found!")),
    ("PATCH", "/instance", dict(GROUPED, enabled="true", metadata="a=b"), 400, JSON, missing_declared("weight", "Double")),
    ("PATCH", "/instance", dict(GROUPED, weight=1, metadata="a=b"), 400, JSON, missing_declared("enabled", "Boolean")),
    ("PATCH", "/instance", dict(GROUPED, weight=1, enabled="true"), 400, JSON, missing_declared("metadata")),
    ("GET", "/instance/list", dict(serviceName=S), 200, JSON, result(service_info(S, [H1, H2]))),
    ("GET", "/instance/list", dict(serviceName=S, clusterName="c1"), 200, JSON, result(service_info(S, [H2], "c1"))),
    ("GET", "/instance/list", dict(serviceName="conf-v2-unknown"), 200, JSON, result(service_info("conf-v2-unknown", []))),
    ("GET", "/instance/list", {}, 400, JSON, missing_declared("serviceName")),
    ("GET", "/instance/list", dict(serviceName=G), 400, NO_TYPE, ILLEGAL_NAME),
    ("GET", "/instance", dict(ONE), 200, JSON,
     result(f'{{"serviceName":"{G}","ip":"1.1.1.1","port":80,"clusterName":"DEFAULT","weight":1.0,"healthy":true,'
            f'"instanceId":"1.1.1.1#80#DEFAULT#{G}","metadata":{LASTING_TEXT}}}')),
    ("GET", "/instance", dict(ONE, clusterName="c1"), 404, JSON, error(20004, "resource not found", "no matched ip found!")),
    ("GET", "/instance", dict(ONE, serviceName="conf-v2-unknown"), 404, JSON,
     error(20004, "resource not found", "no ips found for cluster DEFAULT in service DEFAULT_GROUP@@conf-v2-unknown")),
    ("GET", "/instance", dict(serviceName=S, ip="1.1.1.1"), 400, JSON, missing_declared("port", "Integer")),
    ("PUT", "/instance/metadata/batch", dict(serviceName="conf-v2-unknown", metadata="a=b"), 200, JSON, result('{"updated":[]}')),
    ("PUT", "/instance/metadata/batch", dict(serviceName=S), 400, JSON, missing("metadata")),
    ("DELETE", "/instance/metadata/batch", dict(metadata="a=b"), 400, JSON, missing("serviceName")),
    ("PUT", "/instance/beat", GROUPED, 200, JSON, '{"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true}'),
    ("PUT", "/instance/beat", dict(GROUPED, ip="9.9.9.7"), 200, JSON, '{"clientBeatInterval":5000,"code":20404,"lightBeatEnabled":true}'),
    ("PUT", "/instance/beat", ONE, 400, JSON, NOT_GROUPED),
    *[(method, "/instance/statuses/" + key, {}, 200, JSON, '{"ips":["1.1.1.1:80_true","1.1.1.2:80_true","1.1.1.3:80_true"]}')
      for method in ("GET", "POST", "PUT", "DELETE") for key in (G, "public%23%23" + G)],
    ("GET", "/instance/statuses/" + S, {}, 400, JSON, NOT_GROUPED),
    # service
    ("POST", "/service", dict(serviceName="made-v2"), 400, JSON, error(21007, "service already exist", "specified service DEFAULT_GROUP@@made-v2 already exists!")),
    ("POST", "/service", {}, 400, JSON, missing("serviceName")),
    ("POST", "/service", dict(serviceName="conf-v2-x", selector='{"type":"best"}'), 400, JSON, error(21006, "selector error", "not match any type of selector!")),
    ("PUT", "/service", dict(serviceName="conf-v2-unknown"), 400, JSON, error(21008, "service not exist", "service DEFAULT_GROUP@@conf-v2-unknown not found!")),
    ("DELETE", "/service", dict(serviceName="conf-v2-unknown"), 400, JSON, error(21008, "service not exist", "service DEFAULT_GROUP@@conf-v2-unknown not found!")),
    ("DELETE", "/service", dict(serviceName=S), 400, JSON,
     error(21009, "service delete failure", f"Service {G} is not empty, can't be delete. Please unregister instance first")),
    ("DELETE", "/service", {}, 400, JSON, missing_declared("serviceName")),
    ("GET", "/service", dict(serviceName=S), 200, JSON,
     result(f'{{"namespace":"public","serviceName":"{S}","groupName":"DEFAULT_GROUP","clusterMap":{{{clusters("DEFAULT", "c1")}}},"metadata":{{}},'
            '"protectThreshold":0.0,"selector":{"type":"none","contextType":"NONE"},"ephemeral":true}')),
    ("GET", "/service", dict(serviceName="made-v2"), 200, JSON,
     result('{"namespace":"public","serviceName":"made-v2","groupName":"DEFAULT_GROUP","clusterMap":{},"metadata":{"a":"b"},'
            '"protectThreshold":0.5,"selector":{"type":"none","contextType":"NONE"},"ephemeral":true}')),
    ("GET", "/service", dict(serviceName="conf-v2-unknown"), 400, JSON,
     error(21008, "service not exist", "service not found, namespace: public, serviceName: DEFAULT_GROUP@@conf-v2-unknown")),
    ("GET", "/service/list", dict(groupName="nobody"), 200, JSON, result('{"count":0,"services":[]}')),
    # catalog, health, operator
    ("GET", "/catalog/instances", dict(serviceName=S, pageNo=1, pageSize=10), 200, JSON, result(f'{{"instances":[{H1},{H2},{H3}],"count":3}}')),
    ("POST", "/catalog/instances", dict(serviceName=G, pageNo=2, pageSize=2), 200, JSON, result(f'{{"instances":[{H3}],"count":3}}')),
    ("GET", "/catalog/instances", dict(serviceName=S, pageNo=1, pageSize=10, enabledOnly="false"), 200, JSON, result(f'{{"instances":[{H3}],"count":1}}')),
    ("GET", "/catalog/instances", dict(serviceName=S, pageNo=1, pageSize=10, healthyOnly="false"), 200, JSON, result('{"count":0}')),
    ("GET", "/catalog/instances", dict(serviceName="conf-v2-unknown", pageNo=1, pageSize=10), 200, JSON, result('{"count":0}')),
    ("GET", "/catalog/instances", dict(serviceName=S, pageNo=1), 400, JSON, missing_declared("pageSize", "int")),
    ("PUT", "/health", dict(ONE), 400, JSON, missing("healthy", "Boolean")),
    ("PUT", "/health/instance", dict(ONE, healthy="true"), 400, JSON,
     error(30000, "server error", f"health check is still working, service: {G}, cluster: DEFAULT")),
    ("GET", "/operator/metrics", {}, 200, JSON, result('{"status":"UP"}')),
    ("GET", "/ops/metrics", {}, 200, JSON, result('{"status":"UP"}')),
    ("PUT", "/operator/switches", dict(entry="pushCacheMillis", value="1"), 500, JSON,
     error(30000, "server error", "min cache time for http or tcp is too small(<10000)")),
    ("PUT", "/ops/switches", dict(entry="healthCheckTimes"), 400, JSON, missing("value")),
    # clients
    ("GET", "/client", dict(clientId="x"), 404, JSON, error(20004, "resource not found", "clientId [ x ] not exist")),
    ("GET", "/client", {}, 400, JSON, missing_declared("clientId")),
    ("GET", "/client", dict(clientId="1.1.1.2:80#true"), 200, JSON,
     result('{"clientId":"1.1.1.2:80#true","ephemeral":true,"lastUpdatedTime":0,"clientType":"ipPort","connectType":null,"appName":null,'
            '"version":null,"clientIp":null,"clientPort":0}')),
    ("GET", "/client/publish/list", dict(clientId="1.1.1.2:80#true"), 200, JSON,
     result(f'[{{"namespace":"public","group":"DEFAULT_GROUP","serviceName":"{S}","registeredInstance":{{"ip":"1.1.1.2","port":80,"cluster":"c1"}}}}]')),
    ("GET", "/client/subscribe/list", dict(clientId="1.1.1.2:80#true"), 200, JSON, result("[]")),
    ("GET", "/client/subscribe/list", dict(clientId="x"), 404, JSON, error(20004, "resource not found", "clientId [ x ] not exist")),
    ("GET", "/client/service/publisher/list", dict(serviceName=S, ip="1.1.1.2", port=80), 200, JSON,
     result('[{"ip":"1.1.1.2","port":80,"cluster":"c1","clientId":"1.1.1.2:80#true"}]')),
    ("GET", "/client/service/publisher/list", dict(serviceName=S, ip="1.1.1.2"), 200, JSON, result("[]")),
    ("GET", "/client/service/publisher/list", dict(serviceName=S), 200, JSON, result("[]")),
    ("GET", "/client/service/publisher/list", {}, 400, JSON, missing_declared("serviceName")),
    ("GET", "/client/service/subscriber/list", dict(serviceName=S), 200, JSON, result("[]")),
]


@pytest.mark.parametrize("method, path, params, status, kind, body", CASES, ids=[f"{i}-{c[0]}{c[1]}" for i, c in enumerate(CASES)])
def test_call(server, method, path, params, status, kind, body):
    check(call(server, method, NS + path, **params), status, kind, body)


def test_what_is_no_truth_value_or_number_is_an_error_of_the_server(server):
    for wrong in (dict(enabled="perhaps"), dict(weight="heavy"), dict(healthy="2"), dict(ephemeral="so")):
        reply = call(server, "POST", NS + "/instance", **dict(ONE, **wrong))
        assert reply.status == 500
        assert (reply.json["code"], reply.json["data"]) == (30000, None)
        assert list(wrong)[0] in reply.json["message"] and list(wrong.values())[0] in reply.json["message"]


def test_unknown_paths_and_methods(server):
    reply = call(server, "GET", NS + "/no/such")
    assert (reply.status, reply.json["message"]) == (404, "No endpoint GET /nacos/v2/ns/no/such.")
    reply = call(server, "POST", NS + "/instance/list", serviceName=S)
    assert (reply.status, reply.json["message"]) == (405, "Method 'POST' is not supported.")


def test_patch_answers_bare_ok(server, name):
    one = dict(serviceName=name, ip="1.1.1.1", port=80)
    call(server, "POST", NS + "/instance", **one)
    check(call(server, "PATCH", NS + "/instance", **dict(one, serviceName=f"DEFAULT_GROUP@@{name}", weight=3, enabled="true", metadata="a=b")), 200, TEXT, "ok")
    host, = call(server, "GET", NS + "/instance/list", serviceName=name).json["data"]["hosts"]
    assert (host["weight"], host["metadata"]) == (3.0, {"a": "b"})


def test_service_list_has_twenty_names_by_itself_and_never_more_than_five_hundred(server, name):
    for i in range(21):
        assert call(server, "POST", NS + "/service", serviceName=f"{name}-{i:02}", groupName=name).text == OK
    listed = call(server, "GET", NS + "/service/list", groupName=name).json["data"]
    assert list(listed) == ["count", "services"]
    assert (listed["count"], len(listed["services"]), listed["services"][0]) == (21, 20, f"{name}-00")
    assert call(server, "GET", NS + "/service/list", groupName=name, pageNo=2).json["data"]["services"] == [f"{name}-20"]
    assert len(call(server, "GET", NS + "/service/list", groupName=name, pageSize=1000).json["data"]["services"]) == 21


def test_metrics(server):
    reply = call(server, "GET", NS + "/operator/metrics", onlyStatus="false").json["data"]
    assert list(reply) == ["status", "serviceCount", "instanceCount", "subscribeCount", "clientCount", "connectionBasedClientCount",
                           "ephemeralIpPortClientCount", "persistentIpPortClientCount", "responsibleClientCount", "cpu", "load", "mem"]


def test_clients_of_connections(server, name):
    with Naming(server.grpc_port) as c:
        c.register(name, "10.9.0.1", 8080)
        c.subscribe(name)
        listed = call(server, "GET", NS + "/client/list").json["data"]
        publishers = call(server, "GET", NS + "/client/service/publisher/list", serviceName=name, ip="10.9.0.1", port=8080).json["data"]
        assert [list(p) for p in publishers] == [["ip", "port", "cluster", "clientId"]]
        client_id = publishers[0]["clientId"]
        assert client_id in listed and "#" not in client_id
        detail = call(server, "GET", NS + "/client", clientId=client_id).json["data"]
        assert list(detail) == ["clientId", "ephemeral", "lastUpdatedTime", "clientType", "connectType", "appName", "version", "clientIp", "clientPort"]
        assert (detail["clientType"], detail["connectType"], detail["ephemeral"]) == ("connection", "GRPC", True)
        assert detail["lastUpdatedTime"] > 0 and detail["clientPort"] > 0
        subscribed, = call(server, "GET", NS + "/client/subscribe/list", clientId=client_id).json["data"]
        assert list(subscribed) == ["namespace", "group", "serviceName", "subscriberInfo"]
        assert list(subscribed["subscriberInfo"]) == ["app", "agent", "addr"]
        assert subscribed["serviceName"] == name
        subscriber, = call(server, "GET", NS + "/client/service/subscriber/list", serviceName=name).json["data"]
        assert list(subscriber) == ["clientId", "ip", "port"]
        assert (subscriber["clientId"], subscriber["port"]) == (client_id, 0)
    wait_for("the client is gone", lambda: call(server, "GET", NS + "/client", clientId=client_id).status == 404)
