"""The bodies of docs/protocol/config.md, section 3.9, field by field and with nothing more."""
import hashlib
import time

import pytest
from http_client import query, request
from nacos_grpc import Config
from pharos_server import wait_for


@pytest.fixture
def c(server):
    with Config(server.grpc_port) as connection:
        yield connection


@pytest.fixture
def other(server):
    with Config(server.grpc_port) as connection:
        yield connection


OK = {"resultCode": 200, "errorCode": 0, "success": True}


def test_publish_query_remove(c, name):
    reply = c.publish(name, "hello", type="yaml", src_user="me", config_tags="x,y")
    assert (reply.type, reply.body) == ("ConfigPublishResponse", OK)
    reply = c.query(name)
    assert reply.type == "ConfigQueryResponse"
    modified = reply.body.pop("lastModified")
    assert abs(modified - time.time() * 1000) < 60_000
    assert reply.body == {**OK, "content": "hello", "encryptedDataKey": "", "contentType": "yaml",
                          "md5": "5d41402abc4b2a76b9719d911017c592", "beta": False}
    reply = c.remove(name)
    assert (reply.type, reply.body) == ("ConfigRemoveResponse", OK)
    assert c.remove(name).body == OK
    reply = c.query(name)
    assert (reply.type, reply.body) == ("ConfigQueryResponse", {
        "resultCode": 500, "errorCode": 300, "message": "config data not exist", "lastModified": 0, "beta": False, "success": False})


def test_query_with_a_tag_that_is_not_there(c, name):
    c.publish(name, "hello")
    assert c.query(name, tag="zzz").body == {
        "resultCode": 500, "errorCode": 300, "message": "config data not exist", "lastModified": 0, "tag": "zzz", "beta": False, "success": False}


def test_cas(c, name):
    c.publish(name, "one")
    assert c.publish(name, "two", cas="0" * 32).body == {
        "resultCode": 500, "errorCode": 500, "message": "Cas publish fail, server md5 may have changed.", "success": False}
    assert c.query(name)["content"] == "one"
    assert c.publish(name, "two", cas=hashlib.md5(b"one").hexdigest()).body == OK
    assert c.query(name)["content"] == "two"


def test_blank_content(c, name):
    reply = c.publish(name, "")
    assert (reply.type, reply["resultCode"], reply["errorCode"], reply["success"]) == ("ConfigPublishResponse", 500, 400, False)
    assert reply["message"] == "content is blank : "


def test_listen_echoes_the_tenant_as_it_came(c, name):
    g1, n2, n3, nope = (f"{name}-{x}" for x in ("g1", "n2", "n3", "nope"))
    for d in (g1, n2, n3):
        c.publish(d, "hello")
    reply = c.listen([{"group": "G1", "md5": "", "dataId": g1, "tenant": ""}, {"group": "G1", "md5": "", "dataId": nope, "tenant": ""},
                      {"group": "G1", "md5": "zz", "dataId": n2, "tenant": "public"}, {"group": "G1", "md5": "zz", "dataId": n3}])
    assert reply.type == "ConfigChangeBatchListenResponse"
    changed = reply.body.pop("changedConfigs")
    assert reply.body == OK
    assert sorted(changed, key=lambda x: x["dataId"]) == [
        {"group": "G1", "dataId": g1, "tenant": ""}, {"group": "G1", "dataId": n2, "tenant": "public"}, {"group": "G1", "dataId": n3}]


def test_up_to_date_is_an_empty_array(c, name):
    c.publish(name, "hello")
    reply = c.listen([{"group": "G1", "md5": "5d41402abc4b2a76b9719d911017c592", "dataId": name, "tenant": ""}])
    assert reply.body == {**OK, "changedConfigs": []}
    reply = c.listen([{"group": "G1", "md5": "whatever", "dataId": name, "tenant": ""}], listen=False)
    assert reply.body == {**OK, "changedConfigs": []}


def test_change_is_pushed(c, other, name):
    other.listen([{"group": "G1", "md5": "", "dataId": name, "tenant": ""}])
    begin = time.monotonic()
    c.publish(name, "hello")
    push = other.wait_push("ConfigChangeNotifyRequest", lambda m: m["dataId"] == name)
    assert push.at - begin < 1.0
    assert push["requestId"].isdigit()
    assert push.body == {"headers": {}, "requestId": push["requestId"], "dataId": name, "group": "G1", "module": "config"}
    since = other.count()
    c.remove(name)
    other.wait_push("ConfigChangeNotifyRequest", lambda m: m["dataId"] == name, since=since)


@pytest.mark.parametrize("tenant", ["public", "ns1"])
def test_push_has_the_tenant_of_the_listener(c, other, name, tenant):
    other.listen([{"group": "G1", "md5": "", "dataId": name, "tenant": tenant}])
    c.publish(name, "hello", tenant=tenant)
    push = other.wait_push("ConfigChangeNotifyRequest", lambda m: m["dataId"] == name)
    assert push.body == {"headers": {}, "requestId": push["requestId"], "dataId": name, "group": "G1", "tenant": tenant, "module": "config"}


def test_blank_listener_does_not_spoil_the_tenant_of_others(server, c, name):
    with Config(server.grpc_port) as blank, Config(server.grpc_port) as named:
        blank.listen([{"group": "G1", "md5": "", "dataId": name, "tenant": ""}])
        named.listen([{"group": "G1", "md5": "", "dataId": name, "tenant": "public"}])
        c.publish(name, "hello")
        assert "tenant" not in blank.wait_push("ConfigChangeNotifyRequest", lambda m: m["dataId"] == name).body
        assert named.wait_push("ConfigChangeNotifyRequest", lambda m: m["dataId"] == name)["tenant"] == "public"


def test_one_push_a_change(c, other, name):
    other.listen([{"group": "G1", "md5": "", "dataId": name, "tenant": ""}])
    for i in range(3):
        since = other.count()
        c.publish(name, f"v{i}")
        other.wait_push("ConfigChangeNotifyRequest", lambda m: m["dataId"] == name, since=since)
        time.sleep(0.4)
        assert len(other.pushes_of("ConfigChangeNotifyRequest", since)) == 1


def test_unlisten(c, other, name):
    other.listen([{"group": "G1", "md5": "", "dataId": name, "tenant": ""}])
    other.listen([{"group": "G1", "md5": "", "dataId": name, "tenant": ""}], listen=False)
    c.publish(name, "hello")
    time.sleep(1)
    assert other.pushes_of("ConfigChangeNotifyRequest") == []


def test_http_publish_is_pushed_and_the_reverse(server, c, name):
    c.listen([{"group": "G1", "md5": "", "dataId": name, "tenant": ""}])
    request("POST", server.url("/v1/cs/configs"), {"dataId": name, "group": "G1", "content": "by http"})
    c.wait_push("ConfigChangeNotifyRequest", lambda m: m["dataId"] == name)
    assert c.query(name)["content"] == "by http"
    c.publish(name, "by grpc")
    assert request("GET", query(server.url("/v1/cs/configs"), dataId=name, group="G1")).text == "by grpc"


def test_read_your_write_and_listener_sees_the_new_value(c, other, name):
    for i in range(50):
        c.publish(name, f"v{i}")
        assert c.query(name)["content"] == f"v{i}"
        assert other.query(name)["content"] == f"v{i}"


def test_bad_parameters(c):
    reply = c.query("a" * 257)
    assert (reply.type, reply["resultCode"], reply["errorCode"]) == ("ConfigQueryResponse", 500, 400)
    assert reply["message"] == "Param check invalid:Param 'dataId' is illegal, the param length should not exceed 256."
    reply = c.publish("a/b", "x")
    assert (reply.type, reply["resultCode"], reply["errorCode"]) == ("ConfigPublishResponse", 500, 400)
    assert reply["message"] == "Param check invalid:Param 'dataId' is illegal, illegal characters should not appear in the param."


def test_content_with_every_kind_of_character(c, name):
    content = "\x00\x01\x1f \"\\/ \u007f é ✓ \U0001f600 </script> \u2028\u2029\n\r\t"
    assert c.publish(name, content).body == OK
    reply = c.query(name)
    assert reply["content"] == content
    assert reply["md5"] == hashlib.md5(content.encode()).hexdigest()


def test_many_listeners_on_one_connection(c, other, name):
    contexts = [{"group": "G1", "md5": "", "dataId": f"{name}-{i}", "tenant": ""} for i in range(500)]
    assert other.listen(contexts)["changedConfigs"] == []
    for i in range(0, 500, 50):
        c.publish(f"{name}-{i}", "x")
    want = {f"{name}-{i}" for i in range(0, 500, 50)}
    wait_for("all are told", lambda: {m["dataId"] for m in other.pushes_of("ConfigChangeNotifyRequest")} == want, 5)


def test_3000_keys_at_once_and_a_change_of_each(c, other, name):
    """What an SDK listens to on one connection, and its re-listening every few minutes."""
    contexts = [{"group": "G1", "md5": "", "dataId": f"{name}-{i}", "tenant": ""} for i in range(3000)]
    assert other.listen(contexts).body == {**OK, "changedConfigs": []}
    assert other.listen(contexts).body == {**OK, "changedConfigs": []}  # again: still one listener a config
    picked = [0, 1499, 2999]
    for i in picked:
        c.publish(f"{name}-{i}", "x")
    want = {f"{name}-{i}" for i in picked}
    wait_for("all are told", lambda: {m["dataId"] for m in other.pushes_of("ConfigChangeNotifyRequest")} == want, 5)
    time.sleep(0.5)
    assert len(other.pushes_of("ConfigChangeNotifyRequest")) == len(picked)
    changed = other.listen(contexts)["changedConfigs"]
    assert changed == [{"group": "G1", "dataId": f"{name}-{i}", "tenant": ""} for i in picked]
    assert other.listen(contexts, listen=False).body == {**OK, "changedConfigs": []}


def test_listening_again_takes_the_new_notation_and_md5(server, c, other, name):
    other.listen([{"group": "G1", "md5": "", "dataId": name, "tenant": ""}])
    other.listen([{"group": "G1", "md5": "aa", "dataId": name, "tenant": "public"}])
    status = request("GET", query(server.url("/v1/cs/configs/listener"), dataId=name, group="G1")).json
    assert list(status["lisentersGroupkeyStatus"].values()) == ["aa"]
    c.publish(name, "hello")
    push = other.wait_push("ConfigChangeNotifyRequest", lambda m: m["dataId"] == name)
    assert push["tenant"] == "public"
    time.sleep(0.4)
    assert len(other.pushes_of("ConfigChangeNotifyRequest")) == 1


def test_what_a_publish_leaves_out(server, c, name):
    def shown():
        reply = request("GET", query(server.url("/v1/cs/configs"), dataId=name, group="G1", show="all")).json
        return [reply[k] for k in ("type", "appName", "configTags", "desc", "use", "effect", "schema")]

    c.publish(name, "1", type="yaml", appName="app", config_tags="x,y", desc="d", use="u", effect="e", schema="s")
    assert shown() == ["yaml", "app", "x,y", "d", "u", "e", "s"]
    c.publish(name, "2")
    assert shown() == ["text", "app", "x,y", None, None, None, None]
    c.publish(name, "3", appName="", config_tags="")
    assert shown() == ["text", "", None, None, None, None, None]


def test_blank_cas_is_none_and_cas_of_nothing_inserts(c, name):
    assert c.publish(name, "one", cas="0" * 32).body == OK
    assert c.publish(name, "two", cas="").body == OK
    assert c.publish(name, "three", cas=" ").body == OK
    assert c.query(name)["content"] == "three"


def test_gray_release_is_refused_and_changes_nothing(c, name):
    c.publish(name, "formal")
    for more in ({"betaIps": "1.1.1.1"}, {"tag": "t"}):
        reply = c.publish(name, "gray", **more)
        assert (reply["success"], reply["errorCode"]) == (False, 400)
        assert "not supported" in reply["message"]
    assert c.query(name)["content"] == "formal"


def test_contents_beyond_the_limit_in_utf16_units(c, name):
    assert c.publish(name, "ä" * 4_000_000).body == OK  # 8 MB of bytes, 4 million units
    assert c.query(name)["content"] == "ä" * 4_000_000
