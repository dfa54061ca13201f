"""The calls of config in every generation: status, content type and body as docs/protocol/config.md, sections 2 and 3, have
them. What changes from run to run is masked: ids, times."""
import hashlib
import re
import urllib.parse

import pytest
from http_client import request

MD5 = hashlib.md5(b"hello").hexdigest()
JSON, TEXT = "application/json", "text/plain"


def masked(text):
    text = re.sub(r'"(id|nid)":"[1-9]\d*"', r'"\1":"<id>"', text)
    text = re.sub(r'"(createTime|modifyTime|lastModified)":[1-9]\d{12}', r'"\1":<ms>', text)
    return re.sub(r'"(createdTime|lastModifiedTime|timestamp)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"', r'"\1":<time>', text)


def call(server, method, path, headers=None, **params):
    data = urllib.parse.urlencode(params)
    if method == "POST":
        return request("POST", server.url(path), headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
                       body=data.encode())
    return request(method, server.url(path) + ("?" + data if data else ""), headers=headers)


def result(data):
    return '{"code":0,"message":"success","data":' + data + "}"


def error(code, message, data):
    return '{"code":%d,"message":"%s","data":"%s"}' % (code, message, data)


def missing(name):
    return error(10000, "parameter missing", f"Required parameter '{name}' type String is not present")


def servlet(status, reason, message, path):
    return '{"timestamp":<time>,"status":%d,"error":"%s","message":"%s","path":"%s"}' % (status, reason, message, path)


ITEM = ('{"id":"<id>","dataId":"{d}","group":"G1","content":"hello","md5":"%s","encryptedDataKey":"key","tenant":"public","appName":"app",'
        '"type":"yaml"}' % MD5)
BASIC = '{"id":"<id>","namespaceId":"public","groupName":"G1","dataId":"{d}","md5":"%s","type":"yaml","appName":"app","createTime":0,"modifyTime":0}' % MD5
PAGE = '{"totalCount":1,"pageNumber":1,"pagesAvailable":1,"pageItems":[%s]}'
EMPTY = '{"totalCount":0,"pageNumber":1,"pagesAvailable":0,"pageItems":[]}'
SHOW = ITEM[:-1] + ',"createTime":<ms>,"modifyTime":<ms>,"createUser":"me","createIp":"1.2.3.4","desc":"d","use":"u","effect":"e","schema":"s","configTags":"x,y"}'
CATALOG = ('{"createTime":<ms>,"modifyTime":<ms>,"createUser":"me","createIp":"1.2.3.4","desc":"d","use":"u","effect":"e","type":"yaml",'
           '"schema":"s","configTags":"x,y"}')
DETAIL = ('{"id":"<id>","namespaceId":"public","groupName":"G1","dataId":"{d}","md5":"%s","type":"yaml","appName":"app","createTime":<ms>,'
          '"modifyTime":<ms>,"content":"hello","desc":"d","encryptedDataKey":"key","createUser":"me","createIp":"1.2.3.4","configTags":"x,y"}' % MD5)
CLIENT = ('{"resultCode":200,"errorCode":0,"message":null,"requestId":null,"content":"hello","encryptedDataKey":"key","contentType":"yaml",'
          '"md5":"%s","lastModified":<ms>,"tag":null,"beta":false,"success":true}' % MD5)
EXTRA = ('"{\\"type\\":\\"yaml\\",\\"config_tags\\":\\"x,y\\",\\"effect\\":\\"e\\",\\"src_user\\":\\"me\\",\\"c_desc\\":\\"d\\",\\"c_use\\":\\"u\\",'
         '\\"c_schema\\":\\"s\\"}"')
PAST = ('{"id":"<id>","lastId":-1,"dataId":"{d}","group":"G1","tenant":"public","appName":"app","md5":null,"content":null,"srcIp":"1.2.3.4",'
        '"srcUser":"me","opType":"I         ","publishType":"formal","grayName":"","extInfo":' + EXTRA +
        ',"createdTime":<time>,"lastModifiedTime":<time>,"encryptedDataKey":null}')
NOT_THERE = error(20004, "resource not found", "config data not exist")
LIST = {"dataId": "{d}", "group": "", "pageNo": 1, "pageSize": 10}

# method, path, parameters, status, content type, body. {d} is the name of a config that is there, {none} of one that is not.
TABLE = [
    ("GET", "/v1/cs/configs", {"dataId": "{d}", "group": "G1"}, 200, TEXT, "hello"),
    ("GET", "/v1/cs/configs", {"dataId": "{d}", "group": "G1", "tenant": "public"}, 200, TEXT, "hello"),
    ("GET", "/v1/cs/configs/", {"dataId": "{d}", "group": "G1"}, 200, TEXT, "hello"),
    ("GET", "/v1/cs/configs", {"dataId": "{d}", "group": "G1", "beta": "false"}, 200, TEXT, "hello"),
    ("GET", "/v1/cs/configs", {"dataId": "{d}", "group": "G1", "tenant": "null"}, 404, TEXT, "config data not exist\n"),
    ("GET", "/v1/cs/configs", {"dataId": "{none}", "group": "G1"}, 404, TEXT, "config data not exist\n"),
    ("GET", "/v1/cs/configs", {"dataId": "{d}", "group": "G1", "tag": "t"}, 404, TEXT, "config data not exist\n"),
    ("GET", "/v1/cs/configs", {"group": "G1"}, 400, JSON, servlet(400, "Bad Request", "Required parameter 'dataId' is not present.", "/nacos/v1/cs/configs")),
    ("DELETE", "/v1/cs/configs", {"dataId": "{none}", "group": "G1"}, 200, TEXT, "true"),
    ("POST", "/v1/cs/configs", {"dataId": "{none}", "group": "G1", "content": " "}, 400, TEXT, "caused: content is blank : ;"),
    ("POST", "/v1/cs/configs", {"dataId": " ", "group": "G1", "content": "x"}, 400, TEXT, "caused: invalid dataId : ;"),
    ("POST", "/v1/cs/configs", {"dataId": "{none}", "group": "G1", "content": "x", "desc": "d" * 129}, 400, TEXT, "false"),
    ("GET", "/v1/cs/configs", {"dataId": "{d}", "group": "G1", "show": "all"}, 200, JSON, SHOW),
    ("GET", "/v1/cs/configs", {"dataId": "{none}", "group": "G1", "show": "all"}, 200, JSON, ""),
    ("GET", "/v1/cs/configs", {**LIST, "search": "accurate"}, 200, JSON, PAGE % ITEM),
    ("GET", "/v1/cs/configs", {**LIST, "search": "accurate", "dataId": "{none}"}, 200, JSON, EMPTY),
    ("GET", "/v1/cs/configs", {**LIST, "search": "blur", "dataId": "*{d}", "types": "json,yaml"}, 200, JSON, PAGE % ITEM),
    ("GET", "/v1/cs/configs", {**LIST, "search": "blur", "dataId": "{d}*", "config_tags": "x*"}, 200, JSON, PAGE % ITEM),
    ("GET", "/v1/cs/configs", {**LIST, "search": "blur", "tenant": "pub*"}, 200, JSON, PAGE % ITEM),
    ("GET", "/v1/cs/configs", {**LIST, "search": "blur", "types": "json"}, 200, JSON, EMPTY),
    ("GET", "/v1/cs/configs", {"search": "blur", "dataId": "", "pageNo": 1, "pageSize": 1}, 400, JSON,
     servlet(400, "Bad Request", "Required parameter 'group' is not present.", "/nacos/v1/cs/configs")),
    ("GET", "/v1/cs/configs/catalog", {"dataId": "{d}", "group": "G1"}, 200, JSON, '{"code":200,"message":null,"data":' + CATALOG + ',"noRight":false}'),
    ("GET", "/v1/cs/configs/catalog", {"dataId": "{none}", "group": "G1"}, 200, JSON, '{"code":200,"message":null,"data":null,"noRight":false}'),
    ("GET", "/v1/cs/configs/listener", {"dataId": "{d}", "group": "G1"}, 200, JSON, '{"collectStatus":200,"lisentersGroupkeyStatus":{}}'),
    ("GET", "/v1/cs/listener", {"ip": "5.5.5.5"}, 200, JSON, '{"collectStatus":200,"lisentersGroupkeyStatus":{}}'),
    ("GET", "/v1/cs/communication/watcherConfigs", {"ip": "5.5.5.5"}, 200, JSON, '{"lisentersGroupkeyStatus":{}}'),
    ("GET", "/v1/cs/history", {"search": "accurate", "dataId": "{d}", "group": "G1"}, 200, JSON, PAGE % PAST),
    ("GET", "/v1/cs/history", {"dataId": "{d}", "group": "G1", "nid": 987654321}, 200, JSON, ""),
    ("GET", "/v1/cs/history/previous", {"dataId": "{d}", "group": "G1", "id": "987654321"}, 200, JSON, ""),
    ("GET", "/v1/cs/communication/configWatchers", {"dataId": "{d}", "group": "G1"}, 200, JSON, '{"lisentersGroupkeyStatus":{}}'),
    ("GET", "/v1/cs/history/configs", {"tenant": "nobody"}, 200, JSON, "[]"),
    ("GET", "/v1/cs/health", {}, 200, TEXT, "UP"),
    ("GET", "/v1/cs/capacity", {}, 400, TEXT, "The parameter group and tenant cannot be empty at the same time"),
    ("GET", "/v2/cs/config", {"dataId": "{d}", "group": "G1"}, 200, JSON, result('"hello"')),
    ("GET", "/v2/cs/config", {"dataId": "{none}", "group": "G1"}, 404, JSON, NOT_THERE),
    ("GET", "/v2/cs/config", {"dataId": "{d}"}, 400, JSON, missing("group")),
    ("GET", "/v2/cs/config", {"dataId": "a/b", "group": "G1"}, 400, None, "Param 'dataId' is illegal, illegal characters should not appear in the param.\r\n"),
    ("DELETE", "/v2/cs/config", {"dataId": "{none}", "group": "G1"}, 200, JSON, result("true")),
    ("POST", "/v2/cs/config", {"dataId": "{none}", "group": "G1"}, 400, JSON, missing("content")),
    ("GET", "/v2/cs/config/searchDetail", {**LIST, "config_detail": "h*o", "search": "blur"}, 200, JSON, PAGE % ITEM),
    ("GET", "/v2/cs/config/searchDetail", {**LIST, "config_detail": "h*x", "search": "blur"}, 200, JSON, EMPTY),
    ("GET", "/v2/cs/history/list", {"dataId": "{d}", "group": "G1"}, 200, JSON, result(PAGE % PAST)),
    ("GET", "/v2/cs/history", {"dataId": "{d}", "group": "G1", "nid": 987654321}, 200, JSON, result("null")),
    ("GET", "/v2/cs/history/detail", {"nid": 987654321}, 200, JSON, result("null")),
    ("GET", "/v2/cs/history/previous", {"dataId": "{d}", "group": "G1", "id": 987654321}, 200, JSON, result("null")),
    ("GET", "/v2/cs/history/configs", {"namespaceId": "nobody"}, 200, JSON, result("[]")),
    ("GET", "/v3/client/cs/config", {"dataId": "{d}", "groupName": "G1"}, 200, JSON, result(CLIENT)),
    ("GET", "/v3/client/cs/config", {"dataId": "{none}", "groupName": "G1"}, 200, JSON, '{"code":20004,"message":"resource not found","data":null}'),
    ("GET", "/v3/client/cs/config", {"dataId": "{d}"}, 400, TEXT, "caused: Required parameter 'groupName' type String is not present;"),
    ("GET", "/v3/admin/cs/config", {"dataId": "{d}", "groupName": "G1"}, 200, JSON, result(DETAIL)),
    ("GET", "/v3/admin/cs/config", {"dataId": "{none}", "groupName": "G1"}, 404, JSON,
     error(20004, "resource not found", "Config not exist, please publish Config first.")),
    ("GET", "/v3/admin/cs/config", {"groupName": "G1"}, 400, JSON, missing("dataId")),
    ("DELETE", "/v3/admin/cs/config", {"dataId": "{none}", "groupName": "G1", "tag": "tag_t"}, 200, JSON, result("true")),
    ("DELETE", "/v3/admin/cs/config/batch", {"ids": "987654321"}, 200, JSON, result("true")),
    ("GET", "/v3/admin/cs/config/list", {"dataId": "{d}", "groupName": "G*", "configTags": "y", "type": "yaml"}, 200, JSON, result(PAGE % BASIC)),
    ("GET", "/v3/admin/cs/config/list", {"dataId": "{d}", "configDetail": "*ell*"}, 200, JSON, result(PAGE % BASIC)),
    ("GET", "/v3/admin/cs/config/list", {"pageNo": 0}, 400, JSON,
     error(20002, "parameter validate error", "Required parameter 'pageNo' should be positive integer, current is 0")),
    ("GET", "/v3/admin/cs/config/listener", {"dataId": "{d}", "groupName": "G1", "aggregation": "true"}, 200, JSON,
     result('{"queryType":"config","listenersStatus":{}}')),
    ("GET", "/v3/admin/cs/listener", {"ip": "5.5.5.5"}, 200, JSON, result('{"queryType":"ip","listenersStatus":{}}')),
    ("GET", "/v3/admin/cs/history", {"dataId": "{d}", "groupName": "G1", "nid": 987654321}, 400, JSON,
     error(20002, "parameter validate error", "Source must not be null")),
    ("GET", "/v3/admin/cs/history/previous", {"dataId": "{d}", "groupName": "G1", "id": 987654321}, 400, JSON,
     error(20002, "parameter validate error", "Source must not be null")),
    ("GET", "/v3/admin/cs/history/configs", {"namespaceId": "nobody"}, 200, JSON, result("[]")),
    ("GET", "/v3/admin/cs/capacity", {"namespaceId": "nobody"}, 200, JSON,
     result('{"id":"0","quota":0,"usage":0,"maxSize":0,"maxAggrCount":0,"maxAggrSize":0,"gmtCreate":null,"gmtModified":null,"namespaceId":"nobody"}')),
]


@pytest.fixture(scope="module")
def there(server):
    name = "table-config"
    reply = call(server, "POST", "/v1/cs/configs", {"X-Real-IP": "1.2.3.4"}, dataId=name, group="G1", content="hello", type="yaml", appName="app",
                 config_tags="x,y", desc="d", use="u", effect="e", schema="s", encryptedDataKey="key", src_user="me")
    assert reply.body == b"true"
    return name


@pytest.mark.parametrize("method,path,params,status,kind,body", TABLE, ids=[f"{i}-{m}{p}" for i, (m, p, *_) in enumerate(TABLE)])
def test_table(server, there, method, path, params, status, kind, body):
    def filled(text):
        return text.replace("{d}", there).replace("{none}", "table-none") if isinstance(text, str) else text

    reply = call(server, method, path, **{k: filled(v) for k, v in params.items()})
    assert (reply.status, masked(reply.text)) == (status, filled(body))
    assert (reply.headers["Content-Type"] or "").startswith(kind or "")


def ids_of(server, **params):
    return [item["id"] for item in call(server, "GET", "/v3/admin/cs/config/list", **params).json["data"]["pageItems"]]


def test_removal_by_ids(server, name):
    for i in range(4):
        assert call(server, "POST", "/v1/cs/configs", dataId=f"{name}-{i}", group="G1", content="x").body == b"true"
    ids = ids_of(server, dataId=f"{name}-*")
    assert len(ids) == 4 and ids == sorted(ids, key=int)
    reply = call(server, "DELETE", "/v1/cs/configs", delType="ids", ids=",".join([*ids[:2], "987654321"]), tenant="")
    assert reply.json == {"code": 200, "message": None, "data": True, "noRight": False}
    assert ids_of(server, dataId=f"{name}-*") == ids[2:]
    assert call(server, "DELETE", "/v3/admin/cs/config/batch", ids=",".join(ids)).json["data"] is True
    assert ids_of(server, dataId=f"{name}-*") == []


def test_ids_and_order_outlast_a_restart():
    from pharos_server import Server
    with Server() as s:
        for d in ("c", "a", "b"):
            call(s, "POST", "/v1/cs/configs", dataId=d, group="G1", content="x")
        call(s, "POST", "/v1/cs/configs", dataId="c", group="G1", content="y")
        before = ids_of(s)
        rows = call(s, "GET", "/v2/cs/history/list", dataId="c", group="G1").json["data"]
        s.restart(kill=True)
        assert ids_of(s) == before
        assert call(s, "GET", "/v2/cs/history/list", dataId="c", group="G1").json["data"] == rows
        call(s, "POST", "/v1/cs/configs", dataId="d", group="G1", content="x")
        assert ids_of(s)[:3] == before and int(ids_of(s)[3]) > max(map(int, before))


def test_head_has_the_headers_and_no_body(server, there):
    reply = request("HEAD", server.url(f"/v1/cs/configs?dataId={there}&group=G1"))
    assert (reply.status, reply.body) == (200, b"")
    assert (reply.headers["Content-MD5"], reply.headers["Config-Type"], reply.headers["Encrypted-Data-Key"]) == (MD5, "yaml", "key")
    assert request("HEAD", server.url("/v1/cs/configs?dataId=nothing-here&group=G1")).status == 404


def test_encrypted_contents_are_opaque(server, name):
    data_id = f"cipher-aes-{name}"
    call(server, "POST", "/v2/cs/config", dataId=data_id, group="G1", content="c1phertext==", encryptedDataKey="k+/=")
    assert call(server, "GET", "/v1/cs/configs", dataId=data_id, group="G1").headers["Encrypted-Data-Key"] == "k+/="
    assert call(server, "GET", "/v2/cs/config", dataId=data_id, group="G1").json["data"] == "c1phertext=="
    data = call(server, "GET", "/v3/client/cs/config", dataId=data_id, groupName="G1").json["data"]
    assert (data["content"], data["encryptedDataKey"], data["md5"]) == ("c1phertext==", "k+/=", hashlib.md5(b"c1phertext==").hexdigest())


def test_a_page_of_many(server, name):
    group = "many-" + name
    for i in range(25):
        call(server, "POST", "/v1/cs/configs", dataId=f"d{i}", group=group, content=str(i))
    seen = []
    for page in (1, 2, 3, 4):
        reply = call(server, "GET", "/v1/cs/configs", search="accurate", dataId="", group=group, pageNo=page, pageSize=10).json
        assert (reply["totalCount"], reply["pageNumber"], reply["pagesAvailable"]) == (25, page, 3)
        seen += [(item["dataId"], item["content"]) for item in reply["pageItems"]]
    assert seen == [(f"d{i}", str(i)) for i in range(25)]


def test_more_parameters_than_anybody_sends_are_refused(server):
    many = "&".join(f"p{i}=1" for i in range(1024))
    for path in ("/v1/cs/configs", "/v2/cs/config", "/v3/admin/cs/config"):
        reply = request("GET", server.url(f"{path}?{many}&dataId=d&group=G1&groupName=G1"))
        assert (reply.status, "the request has more than 1024 parameters" in reply.text) == (400, True), path
