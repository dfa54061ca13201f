"""v3 of naming, call by call: the client API of docs/protocol/naming.md §2.5 and the admin API of §2.6."""
import pytest
from nacos_grpc import Naming
from naming_http import JSON, LASTING_TEXT, NO_TYPE, call, check, error, instance, result

CLIENT = "/v3/client/ns/instance"
ADMIN = "/v3/admin/ns"
S = "conf-v3"
G = f"DEFAULT_GROUP@@{S}"
ONE = dict(serviceName=S, ip="1.1.1.1", port=80)
OK = result('"ok"')
ILLEGAL_NAME = "Param 'serviceName' is illegal, illegal characters should not appear in the param.\r\n"
NONE_SELECTOR = '{"type":"none","contextType":"NONE"}'


def missing(name, kind="String"):
    return error(10000, "parameter missing", f"Required parameter '{name}' type {kind} is not present")


def missing_declared(name, kind="String"):
    return error(10000, "parameter missing", f"Required request parameter '{name}' for method parameter type {kind} is not present")


@pytest.fixture(scope="module", autouse=True)
def services(server):
    for more in ({}, dict(ip="1.1.1.2", clusterName="c1", weight="0.5"), dict(ip="1.1.1.3", enabled="false")):
        assert call(server, "POST", CLIENT, **{**ONE, "metadata": LASTING_TEXT, **more}).text == OK
    assert call(server, "POST", ADMIN + "/service", serviceName="made-v3").text == OK


H1 = instance(S, "1.1.1.1")
H2 = instance(S, "1.1.1.2", weight="0.5", cluster="c1")
H3 = instance(S, "1.1.1.3", enabled="false")


def clusters(*names):
    return ",".join(f'"{n}":{{"clusterName":"{n}","healthChecker":{{"type":"TCP"}},"healthyCheckPort":80,"useInstancePortForCheck":true,'
                    '"metadata":{},"hosts":null}' for n in names)


CASES = [
    # for clients
    ("POST", CLIENT, dict(ONE, serviceName="conf-v3-w"), 200, JSON, OK),
    ("POST", CLIENT, dict(ip="1.1.1.1", port=80), 400, JSON, missing("serviceName")),
    ("POST", CLIENT, dict(serviceName=S, ip="1.1.1.1"), 400, JSON, missing("port", "Integer")),
    ("POST", CLIENT, dict(ONE, serviceName=G), 400, NO_TYPE, ILLEGAL_NAME),
    ("POST", CLIENT, dict(ONE, heartBeat="true"), 200, JSON, OK),
    ("POST", CLIENT, dict(ONE, heartBeat="true", ip="9.9.9.7"), 200, JSON, '{"code":21003,"message":"instance not found","data":null}'),
    ("POST", CLIENT, dict(ONE, heartBeat="true", serviceName="conf-v3-unknown"), 200, JSON,
     '{"code":21003,"message":"instance not found","data":null}'),
    ("POST", CLIENT, dict(ONE, serviceName="made-v3"), 400, JSON,
     error(30000, "server error", "errCode: 400, errMsg: Current service DEFAULT_GROUP@@made-v3 is persistent service, can't register ephemeral instance. ")),
    ("POST", CLIENT, dict(ONE, ephemeral="false"), 400, JSON,
     error(30000, "server error", f"errCode: 400, errMsg: Current service {G} is ephemeral service, can't register persistent instance. ")),
    ("DELETE", CLIENT, dict(ONE, ip="9.9.9.9"), 200, JSON, OK),
    ("DELETE", CLIENT, dict(serviceName=S, ip="1.1.1.1"), 400, JSON, missing("port", "Integer")),
    ("GET", CLIENT + "/list", dict(serviceName=S), 200, JSON, result(f"[{H1}]")),
    ("GET", CLIENT + "/list", dict(serviceName=S, clusterName="c1"), 200, JSON, result(f"[{H2}]")),
    ("GET", CLIENT + "/list", dict(serviceName=S, clusterName="c9"), 200, JSON, result("[]")),
    ("GET", CLIENT + "/list", dict(serviceName="conf-v3-unknown"), 200, JSON, result("[]")),
    ("GET", CLIENT + "/list", {}, 400, JSON, missing("serviceName")),
    # for operators: instances
    ("POST", ADMIN + "/instance", dict(ONE, serviceName="conf-v3-w"), 200, JSON, OK),
    ("DELETE", ADMIN + "/instance", dict(ONE, serviceName="conf-v3-unknown"), 200, JSON, OK),
    ("PUT", ADMIN + "/instance", dict(ONE, serviceName="x"), 400, JSON,
     error(21004, "instance error", "service not found, namespace: public, service: Service{namespace='public', group='DEFAULT_GROUP', "
           "name='x', ephemeral=true, revision=0}")),
    ("PUT", ADMIN + "/instance/partial", dict(ONE, ip="9.9.9.9"), 404, JSON, error(20004, "resource not found", "no matched ip found!")),
    ("PUT", ADMIN + "/instance/metadata/batch", dict(serviceName="conf-v3-unknown", metadata="a=b"), 200, JSON, result('{"updated":[]}')),
    ("DELETE", ADMIN + "/instance/metadata/batch", dict(serviceName=S), 400, JSON, missing("metadata")),
    ("GET", ADMIN + "/instance", ONE, 200, JSON, result(H1)),
    ("GET", ADMIN + "/instance", dict(ONE, ip="1.1.1.3"), 200, JSON, result(H3)),
    ("GET", ADMIN + "/instance", dict(ONE, clusterName="c1"), 404, JSON, error(20004, "resource not found", "no matched ip found!")),
    ("GET", ADMIN + "/instance", dict(ONE, namespaceId="elsewhere"), 404, JSON,
     error(20004, "resource not found", f"no ips found for cluster DEFAULT in service {G}")),
    ("GET", ADMIN + "/instance/list", dict(serviceName=S), 200, JSON, result(f"[{H1},{H3}]")),
    ("GET", ADMIN + "/instance/list", dict(serviceName=S, clusterName="c1", healthyOnly="true"), 200, JSON, result(f"[{H2}]")),
    ("GET", ADMIN + "/instance/list", dict(serviceName="conf-v3-unknown"), 404, JSON,
     error(30000, "server error", "service DEFAULT_GROUP@@conf-v3-unknown is not found!")),
    ("GET", ADMIN + "/instance/list", dict(serviceName=S, clusterName="c9"), 404, JSON, error(30000, "server error", "cluster c9 is not found!")),
    # services
    ("POST", ADMIN + "/service", dict(serviceName="made-v3"), 400, JSON,
     error(21007, "service already exist", "specified service DEFAULT_GROUP@@made-v3 already exists!")),
    ("PUT", ADMIN + "/service", dict(serviceName="conf-v3-unknown"), 400, JSON,
     error(21008, "service not exist", "service DEFAULT_GROUP@@conf-v3-unknown not found!")),
    ("DELETE", ADMIN + "/service", dict(serviceName="conf-v3-unknown"), 400, JSON,
     error(21008, "service not exist", "service DEFAULT_GROUP@@conf-v3-unknown not found!")),
    ("DELETE", ADMIN + "/service", dict(serviceName=S), 400, JSON,
     error(21009, "service delete failure", f"Service {G} is not empty, can't be delete. Please unregister instance first")),
    ("GET", ADMIN + "/service", dict(serviceName="made-v3"), 200, JSON,
     result('{"namespaceId":"public","serviceName":"made-v3","groupName":"DEFAULT_GROUP","clusterMap":{},"metadata":{},"protectThreshold":0.0,'
            f'"selector":{NONE_SELECTOR},"ephemeral":false}}')),
    ("GET", ADMIN + "/service", dict(serviceName=S), 200, JSON,
     result(f'{{"namespaceId":"public","serviceName":"{S}","groupName":"DEFAULT_GROUP","clusterMap":{{{clusters("DEFAULT", "c1")}}},"metadata":{{}},'
            f'"protectThreshold":0.0,"selector":{NONE_SELECTOR},"ephemeral":true}}')),
    ("GET", ADMIN + "/service", dict(serviceName="conf-v3-unknown"), 400, JSON,
     error(21008, "service not exist", "service not found, namespace: public, serviceName: DEFAULT_GROUP@@conf-v3-unknown")),
    ("GET", ADMIN + "/service/list", dict(pageNo=0), 400, JSON,
     error(20002, "parameter validate error", "Required parameter 'pageNo' should be positive integer, current is 0")),
    ("GET", ADMIN + "/service/list", dict(pageSize=0), 400, JSON,
     error(20002, "parameter validate error", "Required parameter 'pageSize' should be positive integer, current is 0")),
    ("GET", ADMIN + "/service/list", dict(serviceNameParam="("), 400, JSON,
     error(20002, "parameter validate error", "The search text '(' is no regular expression.")),
    ("GET", ADMIN + "/service/list", dict(groupNameParam="nobody"), 200, JSON,
     result('{"totalCount":0,"pageNumber":1,"pagesAvailable":0,"pageItems":[]}')),
    ("GET", ADMIN + "/service/list", dict(serviceNameParam="nf-v3$", pageSize=1), 200, JSON,
     result(f'{{"totalCount":1,"pageNumber":1,"pagesAvailable":2,"pageItems":[{{"name":"{S}","groupName":"DEFAULT_GROUP","clusterCount":2,"ipCount":3,'
            '"healthyInstanceCount":3,"triggerFlag":"false"}]}')),
    ("GET", ADMIN + "/service/list", dict(serviceNameParam="nf-v3$", pageNo=7), 200, JSON,
     result('{"totalCount":1,"pageNumber":7,"pagesAvailable":1,"pageItems":[]}')),
    ("GET", ADMIN + "/service/subscribers", dict(serviceName="conf-v3-unknown"), 200, JSON,
     result('{"totalCount":0,"pageNumber":1,"pagesAvailable":0,"pageItems":[]}')),
    ("GET", ADMIN + "/service/selector/types", {}, 200, JSON, result('["label","none"]')),
    ("PUT", ADMIN + "/cluster", dict(serviceName=S, clusterName="c1", checkPort=80, healthChecker='{"type":"TCP"}'), 400, JSON,
     missing("useInstancePort4Check", "Boolean")),
    ("PUT", ADMIN + "/cluster", dict(serviceName="conf-v3-unknown", clusterName="c1", checkPort=80, useInstancePort4Check="true", healthChecker='{"type":"TCP"}'),
     400, JSON, error(30000, "server error", "service not found groupName: DEFAULT_GROUP,serviceName: conf-v3-unknown")),
    # health and operations
    ("PUT", ADMIN + "/health/instance", ONE, 400, JSON, missing("healthy", "Boolean")),
    ("PUT", ADMIN + "/health/instance", dict(ONE, healthy="false"), 400, JSON,
     error(30000, "server error", f"health check is still working, service: {G}, cluster: DEFAULT")),
    ("GET", ADMIN + "/health/checkers", {}, 200, JSON,
     result('{"TCP":{},"HTTP":{"path":"","headers":"","expectedResponseCode":200},"MYSQL":{"user":null,"pwd":null,"cmd":null},"NONE":{}}')),
    ("GET", ADMIN + "/ops/metrics", {}, 200, JSON, result('{"status":"UP"}')),
    ("PUT", ADMIN + "/ops/switches", dict(entry="clientBeatInterval", value="1", debug="perhaps"), 500, JSON, None),
    ("PUT", ADMIN + "/ops/switches", dict(value="1"), 400, JSON, missing("entry")),
    ("PUT", ADMIN + "/ops/log", dict(logName="naming-main", logLevel="info"), 200, JSON, OK),
    ("PUT", ADMIN + "/ops/log", dict(logLevel="info"), 400, JSON, missing_declared("logName")),
    # clients
    ("GET", ADMIN + "/client", dict(clientId="x"), 404, JSON, error(20004, "resource not found", "clientId [ x ] not exist")),
    ("GET", ADMIN + "/client/publish/list", dict(clientId="1.1.1.2:80#true"), 200, JSON,
     result(f'[{{"namespaceId":"public","groupName":"DEFAULT_GROUP","serviceName":"{S}","publisherInfo":{{"clientId":null,"ip":"1.1.1.2","port":80,'
            '"clusterName":"c1"},"subscriberInfo":null}]')),
    ("GET", ADMIN + "/client/service/publisher/list", dict(serviceName=S), 200, JSON,
     result('[{"clientId":"1.1.1.1:80#true","ip":"1.1.1.1","port":80,"clusterName":"DEFAULT"},'
            '{"clientId":"1.1.1.2:80#true","ip":"1.1.1.2","port":80,"clusterName":"c1"},'
            '{"clientId":"1.1.1.3:80#true","ip":"1.1.1.3","port":80,"clusterName":"DEFAULT"}]')),
    ("GET", ADMIN + "/client/service/publisher/list", dict(serviceName=S, ip="1.1.1.2"), 200, JSON,
     result('[{"clientId":"1.1.1.2:80#true","ip":"1.1.1.2","port":80,"clusterName":"c1"}]')),
    ("GET", ADMIN + "/client/service/subscriber/list", {}, 400, JSON, missing("serviceName")),
]


@pytest.mark.parametrize("method, path, params, status, kind, body", CASES, ids=[f"{i}-{c[0]}{c[1]}" for i, c in enumerate(CASES)])
def test_call(server, method, path, params, status, kind, body):
    reply = call(server, method, path, **params)
    if body is None:  # the words of a value of the wrong type are ours
        body = reply.text
        assert (reply.json["code"], reply.json["data"]) == (30000, None)
    check(reply, status, kind, body)


def test_unknown_paths_and_methods(server):
    reply = call(server, "GET", ADMIN + "/no/such")
    assert (reply.status, reply.json["message"]) == (404, "No endpoint GET /nacos/v3/admin/ns/no/such.")
    reply = call(server, "POST", CLIENT + "/list", serviceName=S)
    assert (reply.status, reply.json["message"]) == (405, "Method 'POST' is not supported.")


def test_client_list_ignores_healthy_only(server, name):
    """§11, trap 18."""
    call(server, "POST", CLIENT, serviceName=name, ip="1.1.1.1", port=80, healthy="false", metadata=LASTING_TEXT)
    for healthy_only in ("true", "false"):
        host, = call(server, "GET", CLIENT + "/list", serviceName=name, healthyOnly=healthy_only).json["data"]
        assert host["healthy"] is False
    assert call(server, "GET", ADMIN + "/instance/list", serviceName=name, healthyOnly="true").text == result("[]")


def test_pages_of_services(server, name):
    """§2.6: one page too many when the last is full; order is stable."""
    for i in range(4):
        assert call(server, "POST", ADMIN + "/service", serviceName=f"{name}-{i}", ephemeral="true").text == OK
    call(server, "POST", CLIENT, serviceName=f"{name}-2", ip="1.1.1.1", port=80)

    def page(**more):
        return call(server, "GET", ADMIN + "/service/list", serviceNameParam=f"{name}-", **more).json["data"]
    first = page(pageSize=2)
    assert list(first) == ["totalCount", "pageNumber", "pagesAvailable", "pageItems"]
    assert (first["totalCount"], first["pageNumber"], first["pagesAvailable"]) == (4, 1, 3)
    assert [i["name"] for i in first["pageItems"] + page(pageNo=2, pageSize=2)["pageItems"]] == [f"{name}-{i}" for i in range(4)]
    assert page(pageNo=3, pageSize=2)["pageItems"] == []
    assert page(pageSize=3)["pagesAvailable"] == 2
    assert [i["name"] for i in page(ignoreEmptyService="true")["pageItems"]] == [f"{name}-2"]
    item, = page(ignoreEmptyService="true", withInstances="true")["pageItems"]
    assert list(item) == ["namespaceId", "serviceName", "groupName", "clusterMap", "metadata", "protectThreshold", "selector", "ephemeral"]
    assert (item["namespaceId"], item["selector"], item["ephemeral"]) == (None, None, None)
    cluster = item["clusterMap"]["DEFAULT"]
    assert [h["ip"] for h in cluster["hosts"]] == ["1.1.1.1"] and "instanceId" in cluster["hosts"][0]


def test_subscribers(server, name):
    with Naming(server.grpc_port) as c:
        c.subscribe(name)
        found = call(server, "GET", ADMIN + "/service/subscribers", serviceName=name).json["data"]
        row, = found["pageItems"]
        assert (found["totalCount"], found["pageNumber"], found["pagesAvailable"]) == (1, 1, 1)
        assert list(row) == ["namespaceId", "groupName", "serviceName", "ip", "port", "agent", "appName", "address"]
        assert (row["namespaceId"], row["groupName"], row["serviceName"], row["port"]) == ("public", "DEFAULT_GROUP", name, 0)
        assert row["address"] == f'{row["ip"]}:0'
        # An exact name, unlike v1.
        assert call(server, "GET", ADMIN + "/service/subscribers", serviceName=name[:-1]).json["data"]["totalCount"] == 0
        assert call(server, "GET", ADMIN + "/service/subscribers", serviceName=name, pageNo=5).json["data"]["pageItems"] == []


def test_clients_of_a_service(server, name):
    with Naming(server.grpc_port) as c:
        c.register(name, "10.9.1.1", 8080)
        c.subscribe(name)
        publisher, = call(server, "GET", ADMIN + "/client/service/publisher/list", serviceName=name).json["data"]
        assert (publisher["ip"], publisher["port"], publisher["clusterName"]) == ("10.9.1.1", 8080, "DEFAULT")
        subscriber, = call(server, "GET", ADMIN + "/client/service/subscriber/list", serviceName=name).json["data"]
        assert list(subscriber) == ["clientId", "appName", "agent", "address"]
        assert subscriber["clientId"] == publisher["clientId"]
        entry, = call(server, "GET", ADMIN + "/client/subscribe/list", clientId=publisher["clientId"]).json["data"]
        assert list(entry) == ["namespaceId", "groupName", "serviceName", "publisherInfo", "subscriberInfo"]
        assert entry["publisherInfo"] is None
        assert list(entry["subscriberInfo"]) == ["clientId", "appName", "agent", "address"]
        assert publisher["clientId"] in call(server, "GET", ADMIN + "/client/list").json["data"]
        detail = call(server, "GET", ADMIN + "/client", clientId=publisher["clientId"]).json["data"]
        assert (detail["clientType"], detail["connectType"]) == ("connection", "GRPC")


def test_metrics(server):
    reply = call(server, "GET", ADMIN + "/ops/metrics", onlyStatus="false").json["data"]
    assert list(reply) == ["status", "serviceCount", "instanceCount", "subscribeCount", "clientCount", "connectionBasedClientCount",
                           "ephemeralIpPortClientCount", "persistentIpPortClientCount", "responsibleClientCount"]


def test_responsible_server(server):
    answer = call(server, "GET", ADMIN + "/client/distro", ip="1.1.1.1", port=80).json["data"]
    assert list(answer) == ["responsibleServer"] and answer["responsibleServer"].endswith(f":{server.port}")
