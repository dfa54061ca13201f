"""A module that is off leaves nothing behind: its paths answer 404 and its payloads 302."""
import pytest
from http_client import query, request
from nacos_grpc import Config, Naming
from pharos_server import Server


@pytest.fixture(scope="module")
def naming_only():
    with Server(modules="naming") as s:
        yield s


@pytest.fixture(scope="module")
def config_only():
    with Server(modules="config") as s:
        yield s


def no_handler(reply):
    assert reply.type == "ErrorResponse"
    assert reply.body == {"resultCode": 500, "errorCode": 302, "message": "RequestHandler Not Found", "success": False}


def test_naming_only(naming_only, name):
    s = naming_only
    assert request("GET", query(s.url("/v1/cs/configs"), dataId="a", group="G1")).status == 404
    assert request("POST", s.url("/v1/cs/configs"), {"dataId": "a", "group": "G1", "content": "x"}).status == 404
    assert request("POST", s.url("/v1/cs/configs/listener"), {"Listening-Configs": "a\x02G1\x02\x01"}).status == 404
    assert request("GET", query(s.url("/v2/cs/config"), dataId="a", group="G1")).status == 404
    assert request("GET", query(s.url("/v3/client/cs/config"), dataId="a", groupName="G1")).status == 404
    with Config(s.grpc_port) as c:
        no_handler(c.publish("a", "x"))
        no_handler(c.query("a"))
        no_handler(c.remove("a"))
        no_handler(c.listen([]))
    with Naming(s.grpc_port) as c:
        assert c.register(name, "10.0.0.1")["resultCode"] == 200
    assert request("GET", query(s.url("/v1/ns/instance/list"), serviceName=name)).status == 200
    assert request("GET", s.root_url("/health/ready")).status == 200


def test_config_only(config_only, name):
    s = config_only
    assert request("GET", query(s.url("/v1/ns/instance/list"), serviceName="a")).status == 404
    assert request("POST", query(s.url("/v1/ns/instance"), serviceName="a", ip="10.0.0.1", port=80)).status == 404
    assert request("PUT", query(s.url("/v1/ns/instance/beat"), serviceName="a", ip="10.0.0.1", port=80)).status == 404
    assert request("GET", query(s.url("/v2/ns/instance/list"), serviceName="a")).status == 404
    assert request("GET", query(s.url("/v3/client/ns/instance/list"), serviceName="a")).status == 404
    with Naming(s.grpc_port) as c:
        no_handler(c.register("a", "10.0.0.1"))
        no_handler(c.subscribe("a"))
        no_handler(c.query("a"))
        no_handler(c.services())
    with Config(s.grpc_port) as c:
        assert c.publish(name, "x")["resultCode"] == 200
        assert c.query(name)["content"] == "x"
    assert request("GET", s.root_url("/health/ready")).status == 200


def test_modules_by_toml(tmp_path, name):
    toml = tmp_path / "pharos.toml"
    toml.write_text('[plugins]\nmodules = ["config"]\n')
    with Server("--config", str(toml)) as s:
        assert request("GET", query(s.url("/v1/ns/instance/list"), serviceName="a")).status == 404
        assert request("POST", s.url("/v1/cs/configs"), {"dataId": name, "group": "G1", "content": "x"}).body == b"true"
