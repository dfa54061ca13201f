"""Namespaces in every generation, exact bodies: docs/protocol/core.md, section 3.8."""
import re
import threading
import uuid

import pytest
from http_client import query, request
from pharos_server import Server

V1, V2, V3, CONSOLE = "/v1/console/namespaces", "/v2/console/namespace", "/v3/admin/core/namespace", "/v3/console/core/namespace"


def result(data):
    return {"code": 0, "message": "success", "data": data}


def error(code, message, data):
    return {"code": code, "message": message, "data": data}


def row(server, name):
    """The namespace in the lists of all generations."""
    lists = {"v1": request("GET", server.url(V1)).json["data"], "v2": request("GET", server.url(f"{V2}/list")).json["data"],
             "v3": request("GET", server.url(f"{V3}/list")).json["data"], "console": request("GET", server.url(f"{CONSOLE}/list")).json["data"]}
    return {generation: [n for n in found if n["namespace"] == name] for generation, found in lists.items()}


def test_the_public_namespace_is_synthetic():
    with Server() as s:
        public = {"namespaceShowName": "public", "namespaceDesc": "Default Namespace", "quota": 200, "configCount": 0, "type": 0}
        v1 = request("GET", s.url(V1))
        assert v1.json == {"code": 200, "message": None, "data": [{"namespace": "", **public}], "noRight": False}
        assert request("GET", s.url(f"{V2}/list")).json == result([{"namespace": "", **public}])
        assert request("GET", s.url(f"{V3}/list")).json == result([{"namespace": "public", **public}])
        assert request("GET", s.url(f"{CONSOLE}/list")).json == result([{"namespace": "public", **public}])
        for given in ("", "public"):
            assert request("GET", query(s.url(V3), namespaceId=given)).json == result({"namespace": "public", **public})
            assert request("GET", query(s.url(V1), show="all", namespaceId=given)).json == {"namespace": "", **public}


def test_v1(server, name):
    url = server.url(V1)
    assert request("GET", query(url, checkNamespaceIdExist="true", customNamespaceId=name)).body == b"false"
    created = request("POST", url, {"customNamespaceId": name, "namespaceName": "開発", "namespaceDesc": "a text"})
    assert (created.status, created.body) == (200, b"true")
    assert request("POST", url, {"customNamespaceId": name, "namespaceName": "again"}).body == b"false"
    assert request("POST", url, {"customNamespaceId": "public", "namespaceName": "x"}).body == b"false"
    assert request("GET", query(url, checkNamespaceIdExist="true", customNamespaceId=name)).body == b"true"
    assert request("GET", query(url, show="all", namespaceId=name)).json == {
        "namespace": name, "namespaceShowName": "開発", "namespaceDesc": "a text", "quota": 200, "configCount": 0, "type": 2}
    assert request("PUT", url, {"namespace": name, "namespaceShowName": "other"}).body == b"true"
    assert request("GET", query(url, show="all", namespaceId=name)).json["namespaceDesc"] is None
    assert request("PUT", url, {"namespace": "none-" + name, "namespaceShowName": "x"}).body == b"false"
    assert request("DELETE", query(url, namespaceId=name)).body == b"true"
    assert request("DELETE", query(url, namespaceId=name)).body == b"true"  # unknown
    missing = request("GET", query(url, show="all", namespaceId=name))
    assert (missing.status, missing.text) == (404, f"caused: namespaceId [ {name} ] not exist;")


def test_v1_bad_input(server, name):
    url = server.url(V1)
    bad = request("POST", url, {"customNamespaceId": "a b", "namespaceName": "x"})
    assert (bad.status, bad.text) == (400, "Param 'namespaceId/tenant' is illegal, illegal characters should not appear in the param.\r\n")
    bad = request("POST", url, {"customNamespaceId": name, "namespaceName": "a@b"})
    assert (bad.status, bad.text) == (400, "Param 'namespaceShowName' is illegal, illegal characters should not appear in the param.\r\n")
    for method, params in (("POST", {"customNamespaceId": name}), ("PUT", {"namespace": name}), ("DELETE", {})):
        missing = request(method, query(url, **params))
        assert missing.status == 400 and missing.json["status"] == 400, method
        assert re.fullmatch(r"Required parameter '\w+' is not present\.", missing.json["message"]), method


@pytest.mark.parametrize("path,type_", [(V2, 2), (V3, 1)])
def test_v2_and_v3(server, name, path, type_):
    url = server.url(path)
    form = {"namespaceId": name, "namespaceName": "Dev", "namespaceDesc": "d"}
    assert request("POST", url, form).json == result(True)
    whole = {"namespace": name, "namespaceShowName": "Dev", "namespaceDesc": "d", "quota": 200, "configCount": 0, "type": type_}
    assert request("GET", query(url, namespaceId=name)).json == result(whole)
    taken = request("POST", url, form)
    assert (taken.status, taken.json) == (400, error(22002, "namespace already exist", f"namespaceId [{name}] already exist"))
    taken = request("POST", url, {**form, "namespaceId": "public"})
    assert (taken.status, taken.json["code"]) == (400, 22002)
    assert request("PUT", url, {"namespaceId": name, "namespaceName": "Dev 2"}).json == result(True)
    assert request("GET", query(url, namespaceId=name)).json == result({**whole, "namespaceShowName": "Dev 2", "namespaceDesc": None})
    assert request("DELETE", query(url, namespaceId=name)).json == result(True)
    assert request("DELETE", query(url, namespaceId=name)).json == result(True)
    for reply in (request("GET", query(url, namespaceId=name)), request("PUT", url, form)):
        assert (reply.status, reply.json) == (404, error(22001, "namespace not exist", f"namespaceId [ {name} ] not exist"))


@pytest.mark.parametrize("path", [V2, V3])
def test_v2_and_v3_bad_input(server, name, path):
    url = server.url(path)
    for form, message in (({"namespaceId": "a b", "namespaceName": "x"}, "namespaceId [a b] mismatch the pattern"),
                          ({"namespaceId": "a" * 129, "namespaceName": "x"}, "too long namespaceId, over 128"),
                          ({"namespaceId": name, "namespaceName": "a#"}, "namespaceName [a#] contains illegal char")):
        reply = request("POST", url, form)
        assert (reply.status, reply.json) == (400, error(22000, "illegal namespace", message))
    for form, missing in (({"namespaceName": "x"}, "namespaceId"), ({"namespaceId": name}, "namespaceName")):
        for method in ("POST", "PUT"):
            reply = request(method, url, form)
            assert (reply.status, reply.json) == (400, error(10000, "parameter missing", f"required parameter '{missing}' is missing"))
    for method in ("GET", "DELETE"):
        reply = request(method, url)
        assert (reply.status, reply.json) == (400, error(10000, "parameter missing", "Required parameter 'namespaceId' type String is not present"))
    for method, form in (("PUT", {"namespaceId": "public", "namespaceName": "x"}), ("DELETE", None)):
        reply = request(method, query(url, namespaceId="public"), form)
        assert (reply.status, reply.json["code"]) == (400, 22000)


def test_console_v3(server, name):
    url = server.url(CONSOLE)
    assert request("GET", query(f"{url}/exist", customNamespaceId=name)).json == result(False)
    assert request("POST", url, {"customNamespaceId": name, "namespaceName": "Dev"}).json == result(True)
    assert request("GET", query(f"{url}/exist", customNamespaceId=name)).json == result(True)
    assert request("GET", query(url, namespaceId=name)).json["data"]["namespaceShowName"] == "Dev"
    assert request("PUT", url, {"namespaceId": name, "namespaceName": "Dev 2"}).json == result(True)
    assert request("DELETE", query(url, namespaceId=name)).json == result(True)


def test_check_counts(server, name):
    url = server.url(f"{V3}/check")
    assert request("GET", query(url, namespaceId=name)).json == result(0)
    assert request("GET", query(url, namespaceId="public")).json == result(1)
    request("POST", server.url(V3), {"namespaceId": name, "namespaceName": "x"})
    assert request("GET", query(url, namespaceId=name)).json == result(1)


def test_a_blank_id_becomes_a_uuid(server, name):
    for path, form in ((V1, {"customNamespaceId": ""}), (V1, {}), (V2, {"namespaceId": ""}), (V3, {"namespaceId": " "}), (CONSOLE, {})):
        assert request("POST", server.url(path), {**form, "namespaceName": name}).status == 200, path
    made = [n["namespace"] for n in request("GET", server.url(f"{V3}/list")).json["data"] if n["namespaceShowName"] == name]
    assert len(made) == 5
    for found in made:
        assert uuid.UUID(found).version == 4 and str(uuid.UUID(found)) == found


def test_all_generations_show_the_same_and_count_configs(server, name):
    request("POST", server.url(V3), {"namespaceId": name, "namespaceName": "Dev"})
    for i in range(3):
        assert request("POST", server.url("/v1/cs/configs"), {"tenant": name, "dataId": f"d{i}", "group": "G1", "content": "x"}).body == b"true"
    for generation, found in row(server, name).items():
        assert found == [{"namespace": name, "namespaceShowName": "Dev", "namespaceDesc": None, "quota": 200, "configCount": 3,
                          "type": 1 if generation in ("v3", "console") else 2}], generation
    # What is in it stays.
    request("DELETE", query(server.url(V3), namespaceId=name))
    assert request("GET", query(server.url("/v1/cs/configs"), tenant=name, dataId="d0", group="G1")).text == "x"


def test_one_of_many_creators_wins(server, name):
    replies = []
    together = threading.Barrier(8)

    def create(i):
        together.wait()
        replies.append(request("POST", server.url(V1), {"customNamespaceId": name, "namespaceName": f"n{i}"}).body)

    threads = [threading.Thread(target=create, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(replies) == [b"false"] * 7 + [b"true"]


def test_acknowledged_namespaces_survive_a_kill(name):
    with Server() as s:
        for i in range(20):
            assert request("POST", s.url(V3), {"namespaceId": f"{name}-{i}", "namespaceName": "x", "namespaceDesc": "d"}).json == result(True)
        assert request("DELETE", query(s.url(V3), namespaceId=f"{name}-0")).json == result(True)
        s.restart(kill=True)
        found = {n["namespace"] for n in request("GET", s.url(f"{V3}/list")).json["data"]}
        assert found == {"public", *(f"{name}-{i}" for i in range(1, 20))}


def test_multipart_fields_are_parameters(server, name):
    body = "".join(f'--XX\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
                   for k, v in (("namespaceId", name), ("namespaceName", "a + b"))) + "--XX--\r\n"
    reply = request("POST", server.url(V3), body=body.encode(), headers={"Content-Type": "multipart/form-data; boundary=XX"})
    assert reply.json == result(True)
    assert request("GET", query(server.url(V3), namespaceId=name)).json["data"]["namespaceShowName"] == "a + b"


def test_changes_are_write_actions(server):
    for entry in request("GET", server.root_url("/access")).json:
        method, _, path = entry["what"].partition(" ")
        if "namespace" in path and method in ("GET", "POST", "PUT", "DELETE"):
            assert entry["action"] == ("read" if method == "GET" else "write"), entry
            assert entry["resourceType"] == "console/namespaces" and not entry["anonymousBecause"], entry
