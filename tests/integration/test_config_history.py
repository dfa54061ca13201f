"""History of configs, whatever wrote them: docs/protocol/config.md, section 5.2, and docs/config.md."""
import concurrent.futures
import hashlib
import json
import time

import pytest
from http_client import query, request
from nacos_grpc import Config
from pharos_server import Server, run_server


def publish(server, name, content, headers=None, **more):
    assert request("POST", server.url("/v1/cs/configs"), {"dataId": name, "group": "G1", "content": content, **more}, headers).body == b"true"


def get(server, path, **params):
    return request("GET", query(server.url(path), **params))


def rows(server, name, **more):
    """Newest first, whole."""
    page = get(server, "/v2/cs/history/list", dataId=name, group="G1", pageSize=500, **more).json["data"]
    assert page["totalCount"] == len(page["pageItems"])
    return [get(server, "/v2/cs/history", dataId=name, group="G1", nid=item["id"], **more).json["data"] for item in page["pageItems"]]


def operations(server, name):
    return [(row["opType"].strip(), row["content"]) for row in rows(server, name)]


def test_what_each_row_shows(server, name):
    publish(server, name, "one", type="yaml")
    publish(server, name, "two", type="json")
    request("DELETE", query(server.url("/v1/cs/configs"), dataId=name, group="G1"))
    publish(server, name, "three")
    assert operations(server, name) == [("I", "three"), ("D", "two"), ("U", "one"), ("I", "one")]
    newest, removed, updated, created = rows(server, name)
    assert [json.loads(row["extInfo"]).get("type") for row in (newest, removed, updated, created)] == ["text", "json", "yaml", "yaml"]
    assert updated["md5"] == hashlib.md5(b"one").hexdigest()
    assert len({row["id"] for row in (newest, removed, updated, created)}) == 4
    assert created["publishType"] == "formal"


def test_unchanged_content_is_remembered_and_tells_nobody(server, name):
    publish(server, name, "same", type="yaml")
    with Config(server.grpc_port) as listener, Config(server.grpc_port) as c:
        listener.listen([{"group": "G1", "md5": hashlib.md5(b"same").hexdigest(), "dataId": name}])
        for kind in ("json", "xml", "text"):
            assert c.publish(name, "same", type=kind)["success"]
        c.publish(name, "other")
        listener.wait_push("ConfigChangeNotifyRequest", lambda m: m["dataId"] == name)
        assert len(listener.pushes_of("ConfigChangeNotifyRequest")) == 1
    assert operations(server, name) == [("U", "same")] * 4 + [("I", "same")]
    assert [json.loads(row["extInfo"])["type"] for row in rows(server, name)] == ["text", "xml", "json", "yaml", "yaml"]


def test_who_and_from_where(server, name):
    publish(server, name, "1", headers={"X-Forwarded-For": "8.8.8.8, 10.0.0.1"}, src_user="ann", username="bob")
    publish(server, name, "2", headers={"X-Real-IP": "7.7.7.7"}, username="bob")
    publish(server, name, "3")
    request("POST", server.url("/v2/cs/config"), {"dataId": name, "group": "G1", "content": "4", "srcUser": "cid"})
    request("POST", server.url("/v3/admin/cs/config"), {"dataId": name, "groupName": "G1", "content": "5", "srcUser": "dan"})
    with Config(server.grpc_port) as c:
        c.publish(name, "6", src_user="eve")
        c.remove(name)
    seen = [(row["srcUser"], row["srcIp"]) for row in reversed(rows(server, name))]
    local = "127.0.0.1"
    assert seen[:5] == [("ann", "8.8.8.8"), ("bob", "7.7.7.7"), (None, local), ("cid", local), ("dan", local)]
    assert [user for user, _ in seen[5:]] == ["eve", None]
    assert all(ip for _, ip in seen[5:])


def test_every_way_to_write_leaves_a_row(server, name):
    publish(server, name, "1")
    request("POST", server.url("/v2/cs/config"), {"dataId": name, "group": "G1", "content": "2"})
    request("POST", server.url("/v3/admin/cs/config"), {"dataId": name, "groupName": "G1", "content": "3"})
    with Config(server.grpc_port) as c:
        c.publish(name, "4")
        c.publish(name, "5", cas=hashlib.md5(b"4").hexdigest())
        c.publish(name, "6", cas="0" * 32)  # refused: no row
        c.remove(name)
        c.publish(name, "7")
    request("DELETE", query(server.url("/v2/cs/config"), dataId=name, group="G1"))
    publish(server, name, "8")
    request("DELETE", query(server.url("/v3/admin/cs/config"), dataId=name, groupName="G1"))
    publish(server, name, "9")
    config_id = get(server, "/v3/admin/cs/config", dataId=name, groupName="G1").json["data"]["id"]
    request("DELETE", query(server.url("/v3/admin/cs/config/batch"), ids=config_id))
    assert list(reversed(operations(server, name))) == [
        ("I", "1"), ("U", "1"), ("U", "2"), ("U", "3"), ("U", "4"), ("D", "5"), ("I", "7"), ("D", "7"), ("I", "8"), ("D", "8"), ("I", "9"), ("D", "9")]


def test_previous_and_comparison(server, name):
    publish(server, name, "one")
    config_id = get(server, "/v3/admin/cs/config", dataId=name, groupName="G1").json["data"]["id"]
    names = {"dataId": name, "group": "G1"}
    assert get(server, "/v1/cs/history/previous", **names, id=config_id).body == b""  # an insertion is never found
    publish(server, name, "two")
    publish(server, name, "three")
    assert get(server, "/v2/cs/history/previous", **names, id=config_id).json["data"]["content"] == "two"
    newest, middle, first = rows(server, name)
    compared = [get(server, "/v2/cs/history/detail", nid=row["id"]).json["data"] for row in (first, middle, newest)]
    assert [(d["opType"], d["originalContent"], d["updatedContent"]) for d in compared] == [
        ("I", None, "one"), ("U", "one", "two"), ("U", "two", "three")]
    other = get(server, "/v1/cs/history", dataId=name + "x", group="G1", nid=first["id"])
    assert (other.status, other.text) == (403, "Please check dataId, group or namespaceId.")
    other = get(server, "/v3/admin/cs/history", dataId=name + "x", groupName="G1", nid=first["id"])
    assert (other.status, other.json["code"]) == (403, 10001)


def test_namespaces_are_apart_and_public_has_three_names(server, name):
    publish(server, name, "public")
    publish(server, name, "other", tenant="ns-h")
    assert [row["content"] for row in rows(server, name)] == ["public"]
    assert rows(server, name, namespaceId="") == rows(server, name, namespaceId="public") == rows(server, name)
    assert [(row["tenant"], row["content"]) for row in rows(server, name, namespaceId="ns-h")] == [("ns-h", "other")]


def test_pages_have_at_most_500_rows(server, name):
    with Config(server.grpc_port) as c:
        for i in range(510):
            c.publish(name, str(i))
    page = get(server, "/v1/cs/history", search="accurate", dataId=name, group="G1", pageNo=1, pageSize=9999).json
    assert (page["totalCount"], page["pagesAvailable"], len(page["pageItems"])) == (510, 2, 500)
    page = get(server, "/v1/cs/history", search="accurate", dataId=name, group="G1", pageNo=2, pageSize=9999).json
    assert [item["opType"].strip() for item in page["pageItems"]] == ["U"] * 9 + ["I"]


def test_many_writers_of_one_config_all_get_through(server, name):
    """Each change finds the one before it: the rows are a chain without gaps."""
    def write(i):
        with Config(server.grpc_port) as c:
            return [c.publish(name, f"{i}-{k}").body for k in range(20)]

    publish(server, name, "first")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = [reply for each in pool.map(write, range(8)) for reply in each]
    assert replies == [{"resultCode": 200, "errorCode": 0, "success": True}] * 160
    before = [content for operation, content in operations(server, name) if operation == "U"]
    last = get(server, "/v1/cs/configs", dataId=name, group="G1").text
    assert sorted(before + [last]) == sorted(["first"] + [f"{i}-{k}" for i in range(8) for k in range(20)])


def test_history_outlasts_a_crash(name):
    with Server() as s:
        with Config(s.grpc_port) as c:
            for i in range(20):
                c.publish(name, str(i))
        before = operations(s, name)
        s.restart(kill=True)
        assert operations(s, name) == before
        publish(s, name, "after")
        assert operations(s, name) == [("U", "19")] + before


@pytest.mark.parametrize("flag", ["config.history_days=-1", "config.history_count=100001", "config.history_days=soon", "config.search_running=0"])
def test_settings_are_checked(flag):
    code, output = run_server("--set", flag)
    assert code == 1 and flag.split("=")[0] in output


def test_surplus_rows_are_purged(name):
    """The first purge comes ten seconds after the start."""
    with Server("--set", "config.history_count=5") as s:
        for i in range(20):
            publish(s, name, str(i))
        end = time.monotonic() + 60
        while time.monotonic() < end and len(rows(s, name)) > 5:
            time.sleep(0.2)
        assert operations(s, name) == [("U", str(i)) for i in (18, 17, 16, 15, 14)]
        assert "pharos_config_history_purged_total 15" in request("GET", s.root_url("/metrics")).text
