"""v1 of naming, call by call: docs/protocol/naming.md §0, §2.3, §10."""
import pytest
from http_client import raw, request
from nacos_grpc import Naming
from naming_http import JSON, LASTING_TEXT, NO_TYPE, TEXT, call, check, instance, masked, service_info, servlet_error
from pharos_server import wait_for

NS = "/v1/ns"
S = "conf-v1"  # three instances: DEFAULT, c1, and a disabled one in DEFAULT
G = f"DEFAULT_GROUP@@{S}"
ONE = dict(serviceName=S, ip="1.1.1.1", port=80)
NONE_SELECTOR = '{"type":"none","contextType":"NONE"}'


@pytest.fixture(scope="module", autouse=True)
def services(server):
    for more in ({}, dict(ip="1.1.1.2", clusterName="c1", weight="0.5"), dict(ip="1.1.1.3", enabled="no")):
        assert call(server, "POST", NS + "/instance", **{**ONE, "metadata": LASTING_TEXT, **more}).text == "ok"
    made = dict(serviceName="made-v1", protectThreshold="0.5", metadata="a=b")
    assert call(server, "POST", NS + "/service", **made).text == "ok"


H1 = instance(S, "1.1.1.1")
H2 = instance(S, "1.1.1.2", weight="0.5", cluster="c1")
H3 = instance(S, "1.1.1.3", enabled="false")
METADATA = LASTING_TEXT

CASES = [
    # instance: writes
    ("POST", "/instance", dict(ONE, serviceName="conf-v1-w"), 200, TEXT, "ok"),
    ("POST", "/instance", dict(ip="1.1.1.1", port=80), 400, TEXT, "Param 'serviceName' is required."),
    ("POST", "/instance", dict(serviceName=S, port=80), 400, TEXT, "Param 'ip' is required."),
    ("POST", "/instance", dict(serviceName=S, ip="1.1.1.1"), 400, TEXT, "Param 'port' is required."),
    ("POST", "/instance", dict(ONE, weight="10000.5"), 400, TEXT, "instance format invalid: The weights range from 0.0 to 10000.0"),
    ("POST", "/instance", dict(ONE, weight="-1"), 400, TEXT, "instance format invalid: The weights range from 0.0 to 10000.0"),
    ("POST", "/instance", dict(ONE, weight="x"), 400, TEXT, 'For input string: "x"'),
    ("POST", "/instance", dict(ONE, clusterName="a_b"), 400, TEXT,
     "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: a_b)"),
    ("POST", "/instance", dict(ONE, metadata='{"preserved.heart.beat.interval":"20000"}'), 400, TEXT,
     "Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip delete timeout'."),
    ("POST", "/instance", dict(ONE, metadata="nonsense"), 400, TEXT, "metadata format incorrect:nonsense"),
    ("POST", "/instance", dict(ONE, port="x"), 400, NO_TYPE, "Param 'port' is illegal, the value should be between 0 and 65535.\r\n"),
    ("POST", "/instance", dict(ONE, serviceName="@@x"), 400, JSON,
     servlet_error(400, "Bad Request", "Service name filter error,caused: Param 'serviceName' is illegal, groupName can't be empty;",
                   "/nacos/v1/ns/instance")),
    ("POST", "/instance", dict(ONE, serviceName="x@@"), 400, JSON,
     servlet_error(400, "Bad Request", "Service name filter error,caused: Param 'serviceName' is illegal, it should be format as "
                   "'groupName@@serviceName';", "/nacos/v1/ns/instance")),
    ("POST", "/instance", dict(ONE, ephemeral="false"), 400, TEXT,
     f"errCode: 400, errMsg: Current service {G} is ephemeral service, can't register persistent instance. "),
    ("POST", "/instance", dict(ONE, serviceName="made-v1"), 400, TEXT,
     "errCode: 400, errMsg: Current service DEFAULT_GROUP@@made-v1 is persistent service, can't register ephemeral instance. "),
    ("DELETE", "/instance", dict(ONE, serviceName="conf-v1-unknown"), 200, TEXT, "ok"),
    ("DELETE", "/instance", dict(serviceName=S, ip="1.1.1.1"), 400, TEXT, "Param 'port' is required."),
    ("PUT", "/instance", dict(ONE, serviceName="x"), 400, TEXT,
     "service not found, namespace: public, service: Service{namespace='public', group='DEFAULT_GROUP', name='x', ephemeral=true, revision=0}"),
    ("PUT", "/instance", dict(ONE, ip="9.9.9.9"), 200, TEXT, "ok"),
    ("PATCH", "/instance", dict(ONE, ip="9.9.9.8"), 404, TEXT, "no matched ip found!"),
    ("PATCH", "/instance", dict(ONE, serviceName="conf-v1-unknown"), 404, TEXT,
     "no ips found for cluster DEFAULT in service DEFAULT_GROUP@@conf-v1-unknown"),
    ("PATCH", "/instance", dict(serviceName=S, port=80), 400, TEXT, "Param 'ip' is required."),
    # instance: reads
    ("GET", "/instance", dict(ONE, ip="1.1.1.2", clusterName="c1"), 200, JSON,
     f'{{"service":"{G}","ip":"1.1.1.2","port":80,"clusterName":"c1","weight":0.5,"healthy":true,"instanceId":"1.1.1.2#80#c1#{G}",'
     f'"metadata":{METADATA}}}'),
    ("GET", "/instance", dict(ONE, ip="1.1.1.2", cluster="c1"), 404, TEXT, "no matched ip found!"),
    ("GET", "/instance", dict(ONE, serviceName="conf-v1-unknown", clusterName="c9"), 404, TEXT,
     "no ips found for cluster c9 in service DEFAULT_GROUP@@conf-v1-unknown"),
    ("GET", "/instance", dict(ONE, namespaceId="elsewhere"), 404, TEXT, f"no ips found for cluster DEFAULT in service {G}"),
    ("GET", "/instance/list", dict(serviceName=S), 200, JSON, service_info(S, [H1, H2])),
    ("GET", "/instance/list", dict(serviceName=S, clusters="c1,c9"), 200, JSON, service_info(S, [H2], "c1,c9")),
    ("GET", "/instance/list", dict(serviceName=S, clusters="c9"), 200, JSON, service_info(S, [], "c9")),
    ("GET", "/instance/list", dict(serviceName="conf-v1-unknown"), 200, JSON, service_info("conf-v1-unknown", [])),
    ("GET", "/instance/list", dict(serviceName=S, env="e", isCheck="x", tid="t"), 200, JSON, service_info(S, [H1, H2])),
    ("GET", "/instance/list", dict(serviceName=S, udpPort="abc"), 400, TEXT, 'For input string: "abc"'),
    ("GET", "/instance/list", dict(serviceName=S, clusters="c1,a b"), 400, NO_TYPE,
     "Param 'cluster' is illegal, illegal characters should not appear in the param.\r\n"),
    ("GET", "/instance/list", {}, 400, TEXT, "Param 'serviceName' is required."),
    # beats
    ("PUT", "/instance/beat", dict(ONE), 200, JSON, '{"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true}'),
    ("PUT", "/instance/beat", dict(ONE, ip="9.9.9.9"), 200, JSON, '{"clientBeatInterval":5000,"code":20404,"lightBeatEnabled":true}'),
    ("PUT", "/instance/beat", dict(ip="1.1.1.1", port=80), 400, TEXT, "Param 'serviceName' is required."),
    ("PUT", "/instance/beat", dict(ONE, beat='{"ip":"1 1","port":80}'), 400, NO_TYPE,
     "Param 'ip' is illegal, illegal characters should not appear in the param.\r\n"),
    # batches and statuses
    ("PUT", "/instance/metadata/batch", dict(serviceName=S, metadata="x=y", instances='[{"ip":"9.9.9.9","port":80}]'), 200, JSON, '{"updated":[]}'),
    ("PUT", "/instance/metadata/batch", dict(serviceName=S), 400, TEXT, "Param 'metadata' is required."),
    ("DELETE", "/instance/metadata/batch", dict(serviceName="conf-v1-unknown", metadata="x=y"), 200, JSON, '{"updated":[]}'),
    *[(method, "/instance/statuses", dict(key=key), 200, JSON, '{"ips":["1.1.1.1:80_true","1.1.1.2:80_true","1.1.1.3:80_true"]}')
      for method in ("GET", "POST", "PUT", "DELETE") for key in (G, "public##" + G)],
    ("GET", "/instance/statuses", dict(key=S), 400, TEXT, "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'"),
    ("GET", "/instance/statuses", {}, 400, TEXT, "Parameter 'key' is missing"),
    # service
    ("POST", "/service", dict(serviceName="made-v1"), 400, TEXT, "specified service DEFAULT_GROUP@@made-v1 already exists!"),
    ("POST", "/service", {}, 400, TEXT, "Parameter 'serviceName' is missing"),
    ("POST", "/service", dict(serviceName="conf-v1-x", selector='{"type":"best"}'), 400, TEXT, "not match any type of selector!"),
    ("POST", "/service", dict(serviceName="conf-v1-x", selector='{"type":"label","expression":"a=b"}'), 500, TEXT,
     "Selector parses failed: parse expression failed!"),
    ("PUT", "/service", dict(serviceName="made-v1"), 400, TEXT, "Param 'protectThreshold' is required."),
    ("PUT", "/service", dict(serviceName="conf-v1-unknown", protectThreshold=0.1), 400, TEXT, "service DEFAULT_GROUP@@conf-v1-unknown not found!"),
    ("DELETE", "/service", dict(serviceName="conf-v1-unknown"), 400, TEXT, "service DEFAULT_GROUP@@conf-v1-unknown not found!"),
    ("DELETE", "/service", dict(serviceName=S), 400, TEXT, f"Service {G} is not empty, can't be delete. Please unregister instance first"),
    ("GET", "/service", dict(serviceName=S), 200, JSON,
     f'{{"namespaceId":"public","groupName":"DEFAULT_GROUP","name":"{S}","protectThreshold":0.0,"metadata":{{}},"selector":{NONE_SELECTOR},'
     '"clusters":[{"name":"DEFAULT","healthChecker":{"type":"TCP"},"metadata":{}},{"name":"c1","healthChecker":{"type":"TCP"},"metadata":{}}]}'),
    ("GET", "/service", dict(serviceName="made-v1"), 200, JSON,
     '{"namespaceId":"public","groupName":"DEFAULT_GROUP","name":"made-v1","protectThreshold":0.5,"metadata":{"a":"b"},"selector":'
     + NONE_SELECTOR + ',"clusters":[]}'),
    ("GET", "/service", dict(serviceName="conf-v1-unknown"), 400, TEXT,
     "service not found, namespace: public, serviceName: DEFAULT_GROUP@@conf-v1-unknown"),
    ("GET", "/service/list", dict(pageSize=10), 400, TEXT, "Param 'pageNo' is required."),
    ("GET", "/service/list", dict(pageNo=1, pageSize=10, groupName="nobody"), 200, JSON, '{"count":0,"doms":[]}'),
    ("GET", "/service/subscribers", dict(serviceName=S), 200, JSON, '{"subscribers":[],"count":0}'),
    ("GET", "/service/selector/types", {}, 200, JSON, '{"code":200,"message":null,"data":["label","none"],"noRight":false}'),
    # catalog and cluster
    ("GET", "/catalog/service", dict(serviceName=S), 200, JSON,
     f'{{"service":{{"name":"{S}","groupName":"DEFAULT_GROUP","protectThreshold":0.0,"selector":{NONE_SELECTOR},"metadata":{{}}}},"clusters":['
     + ",".join(f'{{"serviceName":"{G}","name":"{c}","healthChecker":{{"type":"TCP"}},"defaultPort":80,"defaultCheckPort":80,'
                '"useIpPort4Check":true,"metadata":{}}' for c in ("DEFAULT", "c1")) + "]}"),
    ("GET", "/catalog/service", dict(serviceName="conf-v1-unknown"), 404, TEXT, "service DEFAULT_GROUP@@conf-v1-unknown is not found!"),
    ("GET", "/catalog/instances", dict(serviceName=S, clusterName="DEFAULT", pageNo=1, pageSize=10), 200, JSON, f'{{"list":[{H1},{H3}],"count":2}}'),
    ("GET", "/catalog/instances", dict(serviceName=S, clusterName="DEFAULT", pageNo=2, pageSize=1), 200, JSON, f'{{"list":[{H3}],"count":2}}'),
    ("GET", "/catalog/instances", dict(serviceName=S, clusterName="DEFAULT", pageNo=9, pageSize=1), 200, JSON, '{"list":[],"count":2}'),
    ("GET", "/catalog/instances", dict(serviceName=S, clusterName="c9", pageNo=1, pageSize=1), 404, TEXT, "cluster c9 is not found!"),
    ("GET", "/catalog/instances", dict(serviceName="conf-v1-unknown", clusterName="c", pageNo=1, pageSize=1), 404, TEXT,
     "service DEFAULT_GROUP@@conf-v1-unknown is not found!"),
    ("GET", "/catalog/instances", dict(serviceName=S, pageNo=1, pageSize=1), 400, TEXT, "Parameter 'clusterName' is missing"),
    ("GET", "/catalog/services", dict(serviceNameParam="onf-v[1]$", pageNo=1, pageSize=10), 200, JSON,
     f'{{"count":1,"serviceList":[{{"name":"{S}","groupName":"DEFAULT_GROUP","clusterCount":2,"ipCount":3,"healthyInstanceCount":3,'
     '"triggerFlag":"false"}]}'),
    ("GET", "/catalog/services", dict(serviceNameParam="*x", pageNo=1, pageSize=10), 400, TEXT, "The search text '*x' is no regular expression."),
    ("PUT", "/cluster", dict(serviceName="conf-v1-unknown", clusterName="c1", checkPort=80, useInstancePort4Check="true", healthChecker='{"type":"TCP"}'),
     400, TEXT, "service not found groupName: DEFAULT_GROUP,serviceName: conf-v1-unknown"),
    ("PUT", "/cluster", dict(serviceName=S, clusterName="c1", useInstancePort4Check="true", healthChecker='{"type":"TCP"}'), 400, TEXT,
     "Param 'checkPort' is required."),
    # health
    ("PUT", "/health", dict(ONE), 400, TEXT, "Param 'healthy' is required."),
    ("PUT", "/health", dict(ONE, healthy="true"), 400, TEXT, f"health check is still working, service: {G}, cluster: DEFAULT"),
    ("PUT", "/health/instance", dict(ONE, valid="false"), 400, TEXT, f"health check is still working, service: {G}, cluster: DEFAULT"),
    ("GET", "/health/checkers", {}, 200, JSON,
     '{"TCP":{},"HTTP":{"path":"","headers":"","expectedResponseCode":200},"MYSQL":{"user":null,"pwd":null,"cmd":null},"NONE":{}}'),
    # operator
    ("GET", "/operator/metrics", {}, 200, JSON, '{"status":"UP"}'),
    ("GET", "/ops/metrics", dict(onlyStatus="true"), 200, JSON, '{"status":"UP"}'),
    ("PUT", "/operator/switches", dict(value="x"), 400, TEXT, "Parameter 'entry' is missing"),
    ("PUT", "/operator/switches", dict(entry="distroThreshold", value="0"), 400, TEXT, "distroThreshold can not be zero or negative: 0.0"),
    ("PUT", "/ops/switches", dict(entry="pushCacheMillis", value="9999"), 400, TEXT, "min cache time for http or tcp is too small(<10000)"),
    ("PUT", "/operator/switches", dict(entry="no-such-switch", value="1"), 200, TEXT, "ok"),
    ("PUT", "/operator/log", dict(logName="naming-main", logLevel="INFO"), 200, TEXT, "ok"),
    ("PUT", "/operator/log", dict(logName="naming-main"), 400, TEXT, "Parameter 'logLevel' is missing"),
    # what is not there
    ("GET", "/no/such/api", {}, 501, JSON, servlet_error(501, "Not Implemented", "no such api:GET:/nacos/v1/ns/no/such/api", "/nacos/v1/ns/no/such/api")),
    ("POST", "/raft/vote", {}, 501, JSON, servlet_error(501, "Not Implemented", "no such api:POST:/nacos/v1/ns/raft/vote", "/nacos/v1/ns/raft/vote")),
    ("POST", "/instance/list", {}, 501, JSON,
     servlet_error(501, "Not Implemented", "no such api:POST:/nacos/v1/ns/instance/list", "/nacos/v1/ns/instance/list")),
]


@pytest.mark.parametrize("method, path, params, status, kind, body", CASES,
                         ids=[f"{i}-{c[0]}{c[1]}" for i, c in enumerate(CASES)])
def test_call(server, method, path, params, status, kind, body):
    check(call(server, method, NS + path, **params), status, kind, body)


def test_instance_without_metadata(server, name):
    """The example of §1.2, whose generator is shown."""
    assert call(server, "POST", NS + "/instance", serviceName=name, ip="1.1.1.1", port=80).text == "ok"
    reply = call(server, "GET", NS + "/instance/list", serviceName=name)
    check(reply, 200, JSON, service_info(name, [instance(name, "1.1.1.1", metadata={})]))


def test_check_failures_have_the_headers_of_the_reference(server):
    reply = call(server, "POST", NS + "/instance", **dict(ONE, port=65536))
    assert reply.headers["Pragma"] == "no-cache"
    assert reply.headers["Expires"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert reply.headers["Cache-Control"] == "no-cache,no-store"
    assert "Content-Type" not in reply.headers


def test_parameters_of_a_body_count_for_every_method(server, name):
    form = {"serviceName": name, "ip": "1.1.1.1", "port": 80}
    for method, path in (("POST", "/instance"), ("PUT", "/instance"), ("PATCH", "/instance"), ("DELETE", "/instance")):
        assert request(method, server.url(NS + path), form).text == "ok", method


def test_the_query_wins_over_the_body(server, name):
    reply = request("POST", server.url(f"{NS}/instance?serviceName={name}&ip=1.1.1.1&port=80"), {"port": 81})
    assert reply.text == "ok"
    assert call(server, "GET", NS + "/instance/list", serviceName=name).json["hosts"][0]["port"] == 80


def test_go_sends_bodies_that_are_not_encoded(server, name):
    """§11, trap 34."""
    beat = '{"ip":"5.1.1.1","port":80,"weight":1,"serviceName":"DEFAULT_GROUP@@%s","cluster":"DEFAULT","metadata":{"k":"100%%"}}' % name
    body = f"serviceName=DEFAULT_GROUP@@{name}&namespaceId=public&beat={beat}".encode()
    reply = request("PUT", server.url(NS + "/instance/beat"), body=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert reply.json == {"clientBeatInterval": 5000, "code": 10200, "lightBeatEnabled": True}
    host, = call(server, "GET", NS + "/instance/list", serviceName=name).json["hosts"]
    assert (host["ip"], host["weight"], host["metadata"]) == ("5.1.1.1", 1.0, {"k": "100%"})


def test_beat_of_the_cpp_sdk(server, name):
    """§10: every scalar is text."""
    beat = ('{"port":"80","ip":"1.1.1.1","weight":"1","serviceName":"DEFAULT_GROUP@@%s","cluster":"DEFAULT","scheduled":"false","metadata":{}}' % name)
    assert call(server, "PUT", NS + "/instance/beat", serviceName=f"DEFAULT_GROUP@@{name}", beat=beat).json["code"] == 10200
    assert call(server, "GET", NS + "/instance/list", serviceName=name).json["hosts"][0]["weight"] == 1.0


def test_an_unreadable_beat(server, name):
    reply = call(server, "PUT", NS + "/instance/beat", serviceName=name, beat="nonsense")
    assert reply.status == 500 and reply.headers["Content-Type"] == JSON
    assert list(reply.json) == ["timestamp", "status", "error", "message", "path"]
    assert (reply.json["status"], reply.json["error"], reply.json["path"]) == (500, "Internal Server Error", "/nacos/v1/ns/instance/beat")


def test_names(server, name):
    for group, namespace in (("G1", "public"), ("G2", "public"), ("G1", "ns-names")):
        assert call(server, "POST", NS + "/instance", serviceName=name, ip="1.1.1.1", port=80, groupName=group, namespaceId=namespace).text == "ok"
    every = call(server, "GET", NS + "/service/names", expr=name)
    check(every, 200, JSON, f'{{"META-INF/services":{{"ns-names":["G1@@{name}"],"public":["G1@@{name}","G2@@{name}"]}},"count":3}}')
    for method in ("POST", "PUT", "DELETE"):
        assert call(server, method, NS + "/service/names", expr=name).body == every.body
    one = call(server, "GET", NS + "/service/names", expr=f"G[2-9]@@{name}$", namespaceId="public")
    check(one, 200, JSON, f'{{"META-INF/services":{{"public":["G2@@{name}"]}},"count":1}}')
    check(call(server, "GET", NS + "/service/names", namespaceId="nowhere"), 200, JSON, '{"META-INF/services":{"nowhere":[]},"count":0}')
    check(call(server, "GET", NS + "/service/names", expr="("), 400, TEXT, "The search text '(' is no regular expression.")


def test_service_list_pages(server, name):
    for i in range(5):
        assert call(server, "POST", NS + "/instance", serviceName=f"{name}-{i}", ip="1.1.1.1", port=80, groupName=name).text == "ok"

    def page(number, size):
        return call(server, "GET", NS + "/service/list", pageNo=number, pageSize=size, groupName=name).text
    assert page(1, 2) == f'{{"count":5,"doms":["{name}-0","{name}-1"]}}'
    assert page(3, 2) == f'{{"count":5,"doms":["{name}-4"]}}'
    assert page(4, 2) == '{"count":5,"doms":[]}'
    assert page(2147483647, 2147483647) == '{"count":5,"doms":[]}'


def test_services_of_the_catalog(server, name):
    instances = [dict(ip="1.1.1.1", healthy="no"), dict(ip="1.1.1.2", clusterName="c2")]
    for one in instances:
        call(server, "POST", NS + "/instance", serviceName=name, port=80, metadata=LASTING_TEXT, **one)
    call(server, "POST", NS + "/service", serviceName=f"{name}-empty", protectThreshold=0.9)
    path, page = NS + "/catalog/services", dict(pageNo=1, pageSize=10, serviceNameParam=name)
    full = f'{{"name":"{name}","groupName":"DEFAULT_GROUP","clusterCount":2,"ipCount":2,"healthyInstanceCount":1,"triggerFlag":"false"}}'
    empty = f'{{"name":"{name}-empty","groupName":"DEFAULT_GROUP","clusterCount":0,"ipCount":0,"healthyInstanceCount":0,"triggerFlag":"false"}}'
    assert call(server, "GET", path, **page).text == f'{{"count":2,"serviceList":[{full},{empty}]}}'
    assert call(server, "GET", path, **page, hasIpCount="true").text == f'{{"count":1,"serviceList":[{full}]}}'
    assert call(server, "GET", path, **page, groupNameParam="nobody").text == '{"count":0,"serviceList":[]}'
    call(server, "PUT", NS + "/service", serviceName=name, protectThreshold=0.5)
    assert '"healthyInstanceCount":1,"triggerFlag":"true"' in call(server, "GET", path, **page).text
    for missing in (dict(pageNo=1), dict(pageSize=1)):
        assert call(server, "GET", path, **missing).status == 500
    detail, = call(server, "GET", path, **page, hasIpCount="true", withInstances="true").json
    assert list(detail) == ["namespace", "serviceName", "groupName", "clusterMap", "metadata", "protectThreshold", "selector", "ephemeral"]
    assert list(detail["clusterMap"]) == ["DEFAULT", "c2"]
    cluster = detail["clusterMap"]["DEFAULT"]
    assert list(cluster) == ["clusterName", "healthChecker", "metadata", "hosts"]
    assert [list(h) for h in cluster["hosts"]] == [["valid", "metadata", "port", "ip", "weight", "enabled"]]
    assert (cluster["hosts"][0]["valid"], cluster["hosts"][0]["ip"], cluster["hosts"][0]["weight"]) == (False, "1.1.1.1", 1.0)


def test_metrics(server):
    reply = call(server, "GET", NS + "/operator/metrics", onlyStatus="false")
    assert list(reply.json) == ["status", "serviceCount", "instanceCount", "subscribeCount", "responsibleInstanceCount", "clientCount",
                                "connectionBasedClientCount", "ephemeralIpPortClientCount", "persistentIpPortClientCount",
                                "responsibleClientCount", "cpu", "load", "mem"]
    assert reply.text.startswith('{"status":"UP","serviceCount":')
    assert reply.json["instanceCount"] >= 3 and reply.json["serviceCount"] >= 2 and reply.json["ephemeralIpPortClientCount"] >= 3
    assert 0 <= reply.json["cpu"] <= 1 and 0 < reply.json["mem"] < 1 and reply.json["load"] >= 0
    assert all("." in masked(reply.text).split(f'"{key}":')[1][:3] for key in ("cpu", "load", "mem"))


def test_push_state(server, name):
    state = NS + "/operator/push/state"
    assert call(server, "POST", NS + "/ops/push/state", reset="true").json["reset"] is True
    assert call(server, "GET", state).text == '{"succeed":0,"total":0,"ratio":0,"reset":false}'
    assert call(server, "PUT", state, detail="true").text == \
        '{"succeed":0,"total":0,"ratio":0,"detail":{"avgPushCost":-1,"maxPushCost":-1},"reset":false}'
    with Naming(server.grpc_port) as c:
        c.subscribe(name)
        c.register(name, "10.7.0.1", 80)
        pushed = wait_for("a push is counted", lambda: (r := call(server, "GET", state, detail="true").json)["succeed"] and r)
    assert list(pushed) == ["succeed", "total", "ratio", "detail", "reset"]
    assert pushed["total"] >= pushed["succeed"] and 0 < pushed["ratio"] <= 1
    assert 0 <= pushed["detail"]["avgPushCost"] <= pushed["detail"]["maxPushCost"]


def test_hello_and_responsible_server(server):
    hello = call(server, "POST", NS + "/health/server").json["msg"]
    assert hello.startswith("Hello! I am Nacos-Naming and healthy! total services: ") and hello.endswith(f", local port:{server.port}")
    answer = call(server, "GET", NS + "/operator/distro/client", ip="1.1.1.1", port=80)
    assert list(answer.json) == ["responsibleServer"] and answer.json["responsibleServer"].endswith(f":{server.port}")


def test_no_answer_is_compressed(server):
    """§11, trap 45."""
    reply = raw(server.port, f"GET /nacos/v1/ns/instance/list?serviceName={S} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip,deflate,sdch\r\n"
                "Connection: close\r\n\r\n".encode())
    assert b"Content-Encoding" not in reply and b'"hosts":[{' in reply
