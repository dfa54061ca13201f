"""State, health, members and the operator's calls in every generation, exact bodies: docs/protocol/core.md, sections 3.7 to 3.10."""
import time

import pytest
from http_client import query, request
from nacos_grpc import Naming
from pharos_server import Server, wait_for


def result(data):
    return {"code": 0, "message": "success", "data": data}


def rest(data):
    return {"code": 200, "message": None, "data": data, "noRight": False}


def rest_failure(code, message):
    return {"code": code, "message": message, "data": None, "noRight": False}


def error(code, message, data):
    return {"code": code, "message": message, "data": data}


# -- state and health

def test_state_is_the_same_map_in_every_generation(server):
    v1 = request("GET", server.url("/v1/console/server/state")).json
    assert v1 == request("GET", server.url("/v3/console/server/state")).json
    assert result(v1) == request("GET", server.url("/v3/admin/core/state")).json
    assert all(value is None or isinstance(value, str) for value in v1.values())
    version = v1.pop("version")
    assert version.count(".") == 2
    expected = {"startup_mode": "standalone", "standalone_mode": "standalone", "function_mode": None, "server_port": str(server.port), "auth_enabled": "false",
                "auth_admin_request": "false", "login_page_enabled": "false", "console_ui_enabled": "false"}
    assert {key: v1[key] for key in expected} == expected


@pytest.mark.parametrize("module", ["naming", "config"])
def test_state_says_which_function_runs(module):
    with Server(modules=module) as s:
        assert request("GET", s.url("/v1/console/server/state")).json["function_mode"] == module


def test_health(server):
    for kind in ("liveness", "readiness"):
        reply = request("GET", server.url(f"/v1/console/health/{kind}"))
        assert (reply.status, reply.text) == (200, "OK")
        for path in (f"/v2/console/health/{kind}", f"/v3/console/health/{kind}", f"/v3/admin/core/state/{kind}"):
            reply = request("GET", server.url(path))
            assert (reply.status, reply.json) == (200, result("ok")), path
    assert request("GET", server.url("/v3/admin/core/ops/readiness")).json == result("ok")
    reply = request("GET", server.url("/actuator/health"))
    assert (reply.status, reply.json) == (200, {"status": "UP"})


# -- members

def member(server):
    """This node as every call shows it; the time is masked."""
    return {"ip": "127.0.0.1", "port": server.port, "state": "UP", "extendInfo": {"version": "*", "supportGrayModel": True, "lastRefreshTime": "*"},
            "address": server.address,
            "abilities": {"remoteAbility": {"supportRemoteConnection": True, "grpcReportEnabled": True}, "configAbility": {"supportRemoteMetrics": False},
                          "namingAbility": {"supportJraft": False}},
            "grpcReportEnabled": True, "failAccessCnt": 0}


def masked(found):
    if isinstance(found, list):
        return [masked(one) for one in found]
    assert abs(found["extendInfo"]["lastRefreshTime"] - time.time() * 1000) < 60_000
    return {**found, "extendInfo": {**found["extendInfo"], "version": "*", "lastRefreshTime": "*"}}


def test_self(server):
    v1 = request("GET", server.url("/v1/core/cluster/self")).json
    assert {**v1, "data": masked(v1["data"])} == rest(member(server))
    for path in ("/v2/core/cluster/node/self", "/v3/admin/core/cluster/node/self"):
        reply = request("GET", server.url(path)).json
        assert {**reply, "data": masked(reply["data"])} == result(member(server)), path


def test_nodes_and_their_filters(server):
    for path, name in (("/v1/core/cluster/nodes", "keyword"), ("/v3/console/core/cluster/nodes", "keyword"), ("/v2/core/cluster/node/list", "address"),
                       ("/v3/admin/core/cluster/node/list", "address")):
        url = server.url(path)
        assert masked(request("GET", url).json["data"]) == [member(server)], path
        assert masked(request("GET", query(url, **{name: "127.0.0.1:"})).json["data"]) == [member(server)], path
        assert request("GET", query(url, **{name: "0.0.1"})).json["data"] == [], path
    for path in ("/v2/core/cluster/node/list", "/v3/admin/core/cluster/node/list"):
        url = server.url(path)
        assert len(request("GET", query(url, state="up")).json["data"]) == 1, path
        assert request("GET", query(url, state="SUSPICIOUS")).json == result([]), path
        reply = request("GET", query(url, state="ZZ"))
        assert (reply.status, reply.json) == (400, error(23000, "illegal state", "Illegal state: ZZ")), path


def test_addresses_and_health_of_the_node(server):
    assert request("GET", server.url("/v1/core/cluster/simple/nodes")).json == rest([server.address])
    assert request("GET", server.url("/v1/core/cluster/health")).json == rest("UP")
    assert request("GET", server.url("/v2/core/cluster/node/self/health")).json == result("UP")


def test_the_lookup_is_not_switched(server):
    v1 = server.url("/v1/core/cluster/switch/lookup")
    reply = request("POST", query(v1, type="zz"))
    assert (reply.status, reply.json) == (200, rest_failure(500, "The addressing mode exists : zz, just support : [[file, address-server]]"))
    text = "The addressing mode 'file' can't be switched to while the node runs: set cluster.lookup and start the node again."
    assert request("POST", query(v1, type="file")).json == rest_failure(500, text)
    assert request("POST", v1).status == 400
    for path in ("/v2/core/cluster/lookup", "/v3/admin/core/cluster/lookup"):
        for reply in (request("PUT", query(server.url(path), type="file")),
                      request("PUT", server.url(path), body=b'{"type":"file"}', headers={"Content-Type": "application/json"})):
            assert (reply.status, reply.json) == (400, error(20002, "parameter validate error", text)), path
        assert request("PUT", server.url(path)).json == error(10000, "parameter missing", "required parameter 'type' is missing"), path


def test_members_do_not_leave_by_a_call(server):
    reply = request("POST", server.url("/v1/core/cluster/server/leave"), body=b'["127.0.0.1:1"]', headers={"Content-Type": "application/json"})
    assert (reply.status, reply.json) == (200, rest_failure(405, "/v1/core/cluster/server/leave API not allow to use temporarily."))
    reply = request("DELETE", query(server.url("/v2/core/cluster/nodes"), addresses="127.0.0.1:1"))
    assert (reply.status, reply.json) == (200, rest_failure(405, "DELETE /v2/core/cluster/nodes API not allow to use temporarily."))


# -- operations

def test_ids(server):
    assert request("GET", server.url("/v1/core/ops/idInfo")).json == rest({})
    assert request("GET", server.url("/v2/core/ops/ids")).json == result([])
    assert request("GET", server.url("/v3/admin/core/ops/ids")).json == result([])


def test_raft_says_that_there_is_none(server):
    json = {"Content-Type": "application/json"}
    none = "This node keeps its data alone: there is no raft group for 'transferLeader'."
    for path in ("/v1/core/ops/raft", "/v2/core/ops/raft"):
        url = server.url(path)
        assert request("POST", url, body=b'{"command":"zz"}', headers=json).json == rest_failure(500, "Not support command : zz"), path
        assert request("POST", url, body=b'{"command":"transferLeader","value":"127.0.0.1:7848"}', headers=json).json == rest_failure(500, none), path
        assert request("POST", url, body=b"{", headers=json).json["code"] == 400, path
    url = server.url("/v3/admin/core/ops/raft")
    reply = request("POST", url, body=b'{"command":"transferLeader","groupId":"naming"}', headers=json)
    assert (reply.status, reply.json) == (400, error(23000, "illegal state", none))
    reply = request("POST", url, body=b"{}", headers=json)
    assert (reply.status, reply.json) == (400, error(10000, "parameter missing", "required parameter 'command' is missing"))


@pytest.fixture
def quiet():
    with Server() as s:
        yield s


def debug_lines(server):
    """Debug lines of the RPC server: one for each connection that ends."""
    with Naming(server.grpc_port):
        pass
    return server.log.count("debug rpc")


def change_by_v1(server, log, level):
    return request("PUT", query(server.url("/v1/core/ops/log"), logName=log, logLevel=level))


def change_by_v2_json(server, log, level):
    return request("PUT", server.url("/v2/core/ops/log"), body=f'{{"logName":"{log}","logLevel":"{level}"}}'.encode(),
                   headers={"Content-Type": "application/json;charset=UTF-8"})


def change_by_v3_form(server, log, level):
    return request("PUT", server.url("/v3/admin/core/ops/log"), {"logName": log, "logLevel": level})


@pytest.mark.parametrize("change,log,answer", [(change_by_v1, "core-remote", "200"), (change_by_v2_json, "rpc", None), (change_by_v3_form, "ROOT", None)])
def test_log_levels_change_while_the_node_runs(quiet, change, log, answer):
    assert debug_lines(quiet) == 0
    reply = change(quiet, log, "DEBUG")
    assert reply.status == 200
    assert reply.text == answer if answer else reply.json == result(None)
    wait_for("debug lines", lambda: debug_lines(quiet) > 0)
    assert change(quiet, log, "info").status == 200
    before = quiet.log.count("debug rpc")
    debug_lines(quiet)
    wait_for("the connection has ended", lambda: 'pharos_net_connections{listener="rpc"} 0' in request("GET", quiet.root_url("/metrics")).text)
    assert quiet.log.count("debug rpc") == before


def test_log_levels_bad_input(server):
    reply = change_by_v1(server, "nope", "info")
    assert reply.status == 400 and reply.text.startswith("caused: logName 'nope' is not a log of this node; there are: root, ")
    reply = change_by_v3_form(server, "rpc", "loud")
    assert (reply.status, reply.json) == (400, error(20002, "parameter validate error", "logLevel 'loud' is none of debug, info, warn, error"))
    reply = request("PUT", server.url("/v3/admin/core/ops/log"), {"logName": "rpc"})
    assert (reply.status, reply.json) == (400, error(10000, "parameter missing", "required parameter 'logLevel' is missing"))


# -- HTTP itself (docs/protocol/core.md, section 3.1)

def test_the_first_page_is_a_text(server):
    """core.md §12, trap 44: no redirect."""
    for path in ("/", "", "/index.html"):
        reply = request("GET", server.url(path))
        assert reply.status == 200 and reply.headers["Content-Type"].startswith("text/plain") and "console" in reply.text


def test_unknown_paths_and_methods(server):
    reply = request("GET", server.url("/v2/none?a=b"))
    assert reply.status == 404 and reply.headers["Content-Type"].startswith("application/json")
    body = reply.json
    assert body.pop("timestamp").endswith("+00:00")
    assert body == {"status": 404, "error": "Not Found", "message": "No endpoint GET /nacos/v2/none.", "path": "/nacos/v2/none"}
    reply = request("POST", server.url("/v3/admin/core/state"))
    assert reply.status == 405 and reply.headers["Allow"] == "GET"
    assert reply.json["message"] == "Method 'POST' is not supported." and reply.json["error"] == "Method Not Allowed"


def test_a_trailing_slash_and_head(server):
    assert request("GET", server.url("/v1/console/server/state/")).json["startup_mode"] == "standalone"
    get = request("GET", server.url("/v1/console/health/liveness"))
    head = request("HEAD", server.url("/v1/console/health/liveness"))
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == "2"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=UTF-8",
                                          "Application/X-WWW-Form-URLEncoded ; charset=utf-8"])
def test_forms_of_the_content_type(server, name, content_type):
    reply = request("POST", server.url("/v3/admin/core/namespace"), body=f"namespaceId={name}&namespaceName=%E9%96%8B".encode(),
                    headers={"Content-Type": content_type})
    assert reply.json == result(True)


def test_headers_of_every_reply(server):
    for path in ("/v1/console/server/state", "/v1/none", "/v3/admin/core/namespace/list"):
        headers = request("GET", server.url(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert "no-store" in headers["Cache-Control"], path
        assert len(headers.get_all("Cache-Control")) == 1, path
