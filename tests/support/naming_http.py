"""Naming over HTTP for tests: calls whose parameters go into the query, and answers compared as text, so that the order
of members, nulls and the form of numbers count too. What changes from run to run is masked."""
import json
import re

from http_client import query, request

TEXT = "text/plain;charset=UTF-8"
JSON = "application/json"
NO_TYPE = None

# An instance that lives as long as a test file, without beats.
LASTING = {"preserved.heart.beat.timeout": "600000", "preserved.ip.delete.timeout": "600000"}
LASTING_TEXT = json.dumps(LASTING, separators=(",", ":"))

_VOLATILE = [(r'"timestamp":"[^"]*"', '"timestamp":"T"'), (r'"lastRefTime":\d+', '"lastRefTime":0'),
             (r'"lastUpdatedTime":\d+', '"lastUpdatedTime":0'), (r'"(cpu|load|mem)":\d+\.\d+(e-\d+)?', r'"\1":0.0')]


def call(server, method, path, **params):
    return request(method, query(server.url(path), **params) if params else server.url(path))


def masked(text):
    for pattern, mask in _VOLATILE:
        text = re.sub(pattern, mask, text)
    return text


def check(reply, status, kind, body):
    """The whole answer: status, content type (JSON with or without a charset) and text."""
    assert (reply.status, masked(reply.text)) == (status, body)
    found = reply.headers.get("Content-Type")
    if kind == JSON:
        assert found in ("application/json", "application/json;charset=UTF-8")
    else:
        assert found == kind


def result(data):
    """v2 and v3: success."""
    return '{"code":0,"message":"success","data":' + data + "}"


def error(code, message, data):
    """v2 and v3: an error; `data` is text."""
    return json.dumps({"code": code, "message": message, "data": data}, separators=(",", ":"), ensure_ascii=False)


def servlet_error(status, reason, message, path):
    return json.dumps({"timestamp": "T", "status": status, "error": reason, "message": message, "path": path},
                      separators=(",", ":"))


def instance(service, ip, port=80, weight="1.0", healthy="true", enabled="true", cluster="DEFAULT", metadata=LASTING, group="DEFAULT_GROUP"):
    """The text of docs/protocol/naming.md §1.2."""
    g = f"{group}@@{service}"
    text = json.dumps(metadata, separators=(",", ":"))
    return (f'{{"instanceId":"{ip}#{port}#{cluster}#{g}","ip":"{ip}","port":{port},"weight":{weight},"healthy":{healthy},"enabled":{enabled},'
            f'"ephemeral":true,"clusterName":"{cluster}","serviceName":"{g}","metadata":{text},'
            f'"instanceHeartBeatInterval":{metadata.get("preserved.heart.beat.interval", 5000)},'
            f'"instanceHeartBeatTimeOut":{metadata.get("preserved.heart.beat.timeout", 15000)},'
            f'"ipDeleteTimeout":{metadata.get("preserved.ip.delete.timeout", 30000)}' + ("" if metadata else ',"instanceIdGenerator":"simple"') + "}")


def service_info(service, hosts, clusters="", group="DEFAULT_GROUP", protected="false"):
    """The text of docs/protocol/naming.md §2.1, masked."""
    return (f'{{"name":"{group}@@{service}","groupName":"{group}","clusters":"{clusters}","cacheMillis":10000,"hosts":[{",".join(hosts)}],'
            f'"lastRefTime":0,"checksum":"","allIps":false,"allIPs":false,"reachProtectionThreshold":{protected},"valid":true}}')
