import hashlib

from http_client import query, request

CONFIGS = "/v1/cs/configs"


def publish(server, name, content, group="G1", headers=None, **more):
    return request("POST", server.url(CONFIGS), {"dataId": name, "group": group, "content": content, **more}, headers)


def get(server, name, group="G1", **more):
    return request("GET", query(server.url(CONFIGS), dataId=name, group=group, **more))


def test_publish_and_get(server, name):
    reply = publish(server, name, "a: 1\n", type="yaml")
    assert (reply.status, reply.body) == (200, b"true")
    reply = get(server, name)
    assert (reply.status, reply.body) == (200, b"a: 1\n")
    assert reply.headers["Config-Type"] == "yaml"
    assert reply.headers["Content-MD5"] == hashlib.md5(b"a: 1\n").hexdigest()
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert reply.headers["Last-Modified"].endswith("GMT")
    assert reply.headers["Pragma"] == "no-cache"
    assert reply.headers["Cache-Control"] == "no-cache,no-store"


def test_type_defaults_to_text(server, name):
    publish(server, name, "x", type="nonsense")
    assert get(server, name).headers["Config-Type"] == "text"


def test_parameters_may_be_in_the_query(server, name):
    reply = request("POST", query(server.url(CONFIGS), dataId=name, group="G1", content="in the query"))
    assert (reply.status, reply.body) == (200, b"true")
    assert get(server, name).text == "in the query"


def test_content_is_kept_byte_for_byte(server, name):
    content = "ключ = 值 ✓\r\n\t%41+b&c=d \U0001f600"
    assert publish(server, name, content).body == b"true"
    reply = get(server, name)
    assert reply.body == content.encode()
    assert reply.headers["Content-MD5"] == hashlib.md5(content.encode()).hexdigest()


def test_missing_config_is_404(server, name):
    reply = get(server, name)
    assert (reply.status, reply.body) == (404, b"config data not exist\n")


def test_delete(server, name):
    publish(server, name, "x")
    for _ in range(2):  # also true when nothing is there
        reply = request("DELETE", query(server.url(CONFIGS), dataId=name, group="G1"))
        assert (reply.status, reply.body) == (200, b"true")
        assert get(server, name).status == 404


def test_cas(server, name):
    publish(server, name, "one")
    wrong = publish(server, name, "two", headers={"casMd5": "0" * 32})
    assert (wrong.status, wrong.body) == (500, b"false")
    assert get(server, name).text == "one"
    right = publish(server, name, "two", headers={"casMd5": hashlib.md5(b"one").hexdigest()})
    assert (right.status, right.body) == (200, b"true")
    assert get(server, name).text == "two"


def test_namespaces_are_apart_and_public_has_three_names(server, name):
    publish(server, name, "public")
    publish(server, name, "other", tenant="ns-other")
    assert get(server, name).text == "public"
    assert get(server, name, tenant="").text == "public"
    assert get(server, name, tenant="public").text == "public"
    assert get(server, name, tenant="ns-other").text == "other"
    assert get(server, name, tenant="ns-third").status == 404


def test_missing_parameter(server, name):
    reply = request("GET", query(server.url(CONFIGS), group="G1"))
    assert reply.status == 400
    assert "dataId" in reply.text


def test_blank_content(server, name):
    assert publish(server, name, "  ").status == 400


def test_bad_names(server):
    reply = get(server, "a" * 257)
    assert (reply.status, reply.text.strip()) == (400, "Param 'dataId' is illegal, the param length should not exceed 256.")
    reply = get(server, "a/b")
    assert (reply.status, reply.text.strip()) == (400, "Param 'dataId' is illegal, illegal characters should not appear in the param.")
    reply = get(server, "a", group="g" * 129)
    assert (reply.status, reply.text.strip()) == (400, "Param 'group' is illegal, the param length should not exceed 128.")
    reply = get(server, "a", tenant="n" * 65)
    assert (reply.status, reply.text.strip()) == (400, "Param 'namespaceId/tenant' is illegal, the param length should not exceed 64.")


def test_largest_content(server, name):
    content = "x" * (1 << 20)
    assert publish(server, name, content).body == b"true"
    assert get(server, name).body == content.encode()


def test_too_many_tags(server, name):
    reply = publish(server, name, "x", config_tags="a,b,c,d,e,f")
    assert (reply.status, reply.body) == (400, b"false")


def test_only_the_text_null_is_a_namespace_of_its_own(server, name):
    publish(server, name, "of null", tenant="null")
    assert get(server, name).status == 404
    assert get(server, name, tenant="null").text == "of null"
    assert get(server, name, tenant=" ").status == 404


def test_line_ends_and_bytes_stay(server, name):
    for content in ("a\r\nb\r\n", "a\nb", "\ufeffx", "tail \n\n"):
        publish(server, name, content)
        reply = get(server, name)
        assert reply.body == content.encode()
        assert reply.headers["Content-MD5"] == hashlib.md5(content.encode()).hexdigest()


def test_limits_of_details(server, name):
    for field, limit in (("desc", 128), ("use", 32), ("effect", 32), ("schema", 32768)):
        assert publish(server, name, "x", **{field: "\U0001f600" * (limit // 2)}).body == b"true"  # two units each
        assert publish(server, name, "x", **{field: "d" * (limit + 1)}).body == b"false"
        reply = request("POST", server.url("/v2/cs/config"), {"dataId": name, "group": "G1", "content": "x", field: "d" * (limit + 1)})
        assert (reply.status, reply.json["code"], reply.json["data"]) == (400, 20002, f"too long {field}, over {limit}")
    reply = request("POST", server.url("/v2/cs/config"), {"dataId": name, "group": "G1", "content": "x", "configTags": "t" * 65})
    assert reply.json["data"] == "too long tag, over 64"


def test_last_modified_is_the_time_of_the_last_publish(server, name):
    publish(server, name, "same")
    first = get(server, name).headers["Last-Modified"]
    shown = request("GET", query(server.url(CONFIGS), dataId=name, group="G1", show="all")).json["modifyTime"]
    from email.utils import parsedate_to_datetime
    assert int(parsedate_to_datetime(first).timestamp()) == shown // 1000
