"""Calls that the reference takes by any method, aliases, and what it says of methods that it does not know:
docs/protocol/naming.md §0.1, §2.3, §2.4."""
import pytest
from naming_http import JSON, LASTING_TEXT, call, check, masked, servlet_error

METHODS = ("GET", "POST", "PUT", "DELETE")


@pytest.fixture(scope="module")
def there(server):
    name = "by-any-method"
    assert call(server, "POST", "/v1/ns/instance", serviceName=name, ip="1.1.1.1", port=80, metadata=LASTING_TEXT).text == "ok"
    return f"DEFAULT_GROUP@@{name}"


@pytest.mark.parametrize("path, parameters, has", [
    ("/v1/ns/instance/statuses", {"key": "{there}"}, '{"ips":["1.1.1.1:80_true"]}'),
    ("/v1/ns/service/names", {"expr": "by-any"}, '{"META-INF/services":{"public":["DEFAULT_GROUP@@by-any-method"]},"count":1}'),
    ("/v1/ns/catalog/instances", {"serviceName": "{there}", "clusterName": "DEFAULT", "pageNo": 1, "pageSize": 10}, '"count":1}'),
    ("/v1/ns/health/server", {}, "Hello! I am Nacos-Naming and healthy! total services: "),
    ("/v1/ns/operator/push/state", {}, '"succeed":'),
    ("/v1/ns/ops/push/state", {}, '"succeed":'),
    ("/v2/ns/instance/statuses/{there}", {}, '{"ips":["1.1.1.1:80_true"]}'),
    ("/v2/ns/catalog/instances", {"serviceName": "{there}", "pageNo": 1, "pageSize": 10}, '"count":1}'),
])
def test_any_method_gives_the_same(server, there, path, parameters, has):
    parameters = {k: str(v).replace("{there}", there) for k, v in parameters.items()}
    replies = [call(server, method, path.replace("{there}", there), **parameters) for method in METHODS]
    assert {r.status for r in replies} == {200}
    assert has in replies[0].text
    assert len({masked(r.text) for r in replies}) == 1


def test_ops_is_another_name_of_operator(server):
    for tail, parameters in (("/distro/client", {"ip": "1.1.1.1", "port": 80}), ("/switches", {}), ("/metrics", {})):
        assert len({call(server, "GET", f"/v1/ns/{name}{tail}", **parameters).text for name in ("operator", "ops")}) == 1
    for name in ("operator", "ops"):
        assert call(server, "PUT", f"/v1/ns/{name}/log", logName="naming-main", logLevel="INFO").text == "ok"


@pytest.mark.parametrize("method, path", [
    ("PATCH", "/v1/ns/service"), ("DELETE", "/v1/ns/instance/list"), ("POST", "/v1/ns/instance/beat"), ("GET", "/v1/ns/no/such"),
    ("PUT", "/v1/ns"),
])
def test_a_method_that_v1_does_not_know_is_no_such_api(server, method, path):
    check(call(server, method, path), 501, JSON, servlet_error(501, "Not Implemented", f"no such api:{method}:/nacos{path}", f"/nacos{path}"))
