"""Load control at the points of the wire: slowed, then refused in the words that clients know (docs/protocol/core.md, section 6)."""
import asyncio
import json
import threading
import time

import pytest
from http_client import query, request
from nacos_grpc import Config, Naming
from pharos_server import Server, wait_for

RULE = {"pointName": "ConfigPublish", "pointRule": {"maxCount": 3, "period": "HOURS", "monitorType": "intercept"}}


def publish(server, name):
    return request("POST", query(server.url("/v1/cs/configs"), dataId=name, group="g", content="x"))


def rules(server):
    return request("GET", server.url("/v3/admin/core/control/rules")).json["data"]


def metric(server, outcome, point="ConfigPublish"):
    for line in request("GET", server.root_url("/metrics")).text.splitlines():
        if line.startswith("pharos_control_requests_total{") and f'outcome="{outcome}"' in line and f'point="{point}"' in line:
            return int(float(line.split()[-1]))
    return 0


def test_http_is_refused_in_text_after_a_second_and_only_at_its_point():
    with Server("--set", "control.rules=ConfigPublish=3/h", "--set", "control.slow_from=100") as s:
        assert [publish(s, f"c{i}").status for i in range(3)] == [200] * 3
        began = time.monotonic()
        refused = publish(s, "c3")
        assert time.monotonic() - began >= 1.0
        assert (refused.status, refused.text) == (503, "tps over limit :3")
        assert request("GET", query(s.url("/v1/cs/configs"), dataId="c0", group="g")).text == "x"  # another point
        assert request("GET", query(s.url("/v1/cs/configs"), dataId="c3", group="g")).status == 404  # nothing was done
        assert (metric(s, "admitted"), metric(s, "refused")) == (3, 1)


def test_a_request_that_was_slowed_is_handled_whole():
    with Server("--set", "control.rules=ConfigPublish=10/h", "--set", "control.slow_from=1", "--set", "control.longest_delay=500ms") as s:
        content = "long " * 20_000
        began = time.monotonic()
        for i in range(5):
            reply = request("POST", s.url("/v1/cs/configs"), form={"dataId": f"c{i}", "group": "g", "content": content})
            assert (reply.status, reply.text) == (200, "true")
        assert time.monotonic() - began >= 0.5
        assert metric(s, "delayed") == 5
        assert request("GET", query(s.url("/v1/cs/configs"), dataId="c4", group="g")).text == content


def test_grpc_is_slowed_and_refused_in_its_own_type():
    with Server("--set", "control.rules=ConfigPublish=4/h", "--set", "control.slow_from=50", "--set", "control.longest_delay=300ms") as s:
        with Config(s.grpc_port) as client:
            for i in range(4):
                reply = client.publish(f"c{i}", "x")
                assert (reply.type, reply["resultCode"]) == ("ConfigPublishResponse", 200), reply
            began = time.monotonic()
            reply = client.publish("c9", "x")
            assert time.monotonic() - began >= 0.9
            assert reply.type == "ConfigPublishResponse"
            assert (reply["resultCode"], reply["errorCode"], reply["message"]) == (500, 503, "Tps Flow restricted:tps over limit :4")
        assert (metric(s, "admitted"), metric(s, "delayed"), metric(s, "refused")) == (2, 2, 1)


def test_rule_files_of_the_original_hold_and_change_while_it_runs(tmp_path):
    file = tmp_path / "tps" / "ConfigPublish"
    file.parent.mkdir()
    file.write_text(json.dumps(RULE))
    with Server("--set", f"control.dir={tmp_path}", "--set", "control.reload=1s", "--set", "control.slow_from=100") as s:
        row = rules(s)["points"][0]
        assert (row["pointName"], row["maxCount"], row["period"], row["source"], row["known"]) == ("ConfigPublish", 3, "HOURS", "file", True)
        assert [publish(s, f"c{i}").status for i in range(4)] == [200, 200, 200, 503]
        file.write_text("{")
        wait_for("the bad file is told", lambda: [row for row in request("GET", s.root_url("/health")).json
                                                  if row["capability"] == "control" and row["state"] == "degraded" and str(file) in row["reason"]], 10)
        assert publish(s, "c4").status == 503  # the last good one holds
        file.unlink()
        wait_for("the rule is gone", lambda: rules(s)["points"] == [], 10)
        assert publish(s, "c4").status == 200


def test_connections_over_the_limit_are_closed_at_their_setup(tmp_path):
    (tmp_path / "connection").mkdir()
    (tmp_path / "connection" / "limitRule").write_text('{"countLimit":1,"monitorIpList":["127.0.0.1"]}')
    with Server("--set", f"control.dir={tmp_path}") as s:
        with Config(s.grpc_port) as first:
            assert first.call("HealthCheckRequest", {})["resultCode"] == 200
            try:
                with Config(s.grpc_port) as second:
                    second.call("HealthCheckRequest", {})
                taken = True
            except Exception:
                taken = False
            assert not taken
            with Config(s.grpc_port, labels={"source": "cluster"}) as member:  # exempt
                assert member.call("HealthCheckRequest", {})["resultCode"] == 200
            assert first.call("HealthCheckRequest", {})["resultCode"] == 200
        assert "the limit is 1 (countLimit)" in s.log
        assert "connection of a monitored client" in s.log


def test_a_bad_rule_in_the_settings_stops_the_start():
    from pharos_server import run_server
    code, output = run_server("--set", "control.rules=ConfigPublish=many/s")
    assert code == 1 and "control.rules: 'ConfigPublish=many/s' is no rule" in output, output


def test_a_point_of_naming_is_one_over_http_and_grpc():
    with Server("--set", "control.rules=NamingInstanceRegister=2/h", "--set", "control.slow_from=100") as s:
        def register(path, port):
            return request("POST", query(s.url(path), serviceName="s", ip="10.0.0.1", port=port)).status
        assert [register("/v1/ns/instance", 1), register("/v2/ns/instance", 2), register("/v1/ns/instance", 3)] == [200, 200, 503]
        with Naming(s.grpc_port) as client:
            reply = client.register("s", "10.0.0.2")
            assert (reply.type, reply["errorCode"], reply["message"]) == ("InstanceResponse", 503, "Tps Flow restricted:tps over limit :2")
        assert request("GET", query(s.url("/v1/ns/instance/list"), serviceName="s")).status == 200


def test_calls_have_the_points_of_the_reference(server):
    points = {e["what"]: e["limitPoint"] for e in request("GET", server.root_url("/access")).json}
    for path in ("/v1/ns/instance", "/v2/ns/instance", "/v3/client/ns/instance", "/v3/admin/ns/instance"):
        assert points[f"POST {path}"] == "NamingInstanceRegister" and points[f"DELETE {path}"] == "NamingInstanceDeregister"
        assert points[f"GET {path}/list"] == "NamingServiceSubscribe"
    for path in ("/v1/ns/service", "/v2/ns/service", "/v3/admin/ns/service"):
        assert (points[f"POST {path}"], points[f"GET {path}"], points[f"GET {path}/list"]) == ("NamingServiceRegister", "NamingServiceQuery", "NamingServiceListQuery")
    assert points["PUT /v1/ns/instance/beat"] == points["PUT /v2/ns/instance/beat"] == "HttpHealthCheck"
    assert points["HealthCheckRequest"] == "HealthCheck"


def test_long_polls_count_as_connections(tmp_path, name):
    (tmp_path / "connection").mkdir()
    (tmp_path / "connection" / "limitRule").write_text('{"countLimit":2}')
    with Server("--set", f"control.dir={tmp_path}") as s, Config(s.grpc_port):
        def poll(timeout):
            return request("POST", s.url("/v1/cs/configs/listener"), {"Listening-Configs": f"{name}\x02g\x02\x01"},
                           {"Long-Pulling-Timeout": "30000"}, timeout=timeout)
        held = threading.Thread(target=lambda: answers.append(poll(60)))
        answers = []
        held.start()
        wait_for("the first poll is held", lambda: 'pharos_config_listeners{kind="long_poll"} 1' in request("GET", s.root_url("/metrics")).text)
        began = time.monotonic()
        refused = poll(10)
        assert refused.status == 503 and "countLimit" in refused.text
        assert time.monotonic() - began >= 1.0
        with pytest.raises(Exception):
            Config(s.grpc_port)
        assert publish_named(s, name).text == "true"  # ends the poll that is held
        held.join()
        assert answers[0].status == 200 and name in answers[0].text


def publish_named(server, name):
    return request("POST", query(server.url("/v1/cs/configs"), dataId=name, group="g", content="x"))


def test_an_unchanged_sdk_is_slowed_and_not_broken(name, tmp_path):
    """The Python SDK asks one question after the other, several at once, as fast as it can; far more than the limit."""
    from v2.nacos import ClientConfigBuilder, ConfigParam, NacosConfigService

    async def ask(server):
        settings = (ClientConfigBuilder().server_address(server.address).timeout_ms(5000).log_level("ERROR")
                    .log_dir(str(tmp_path / "log")).cache_dir(str(tmp_path / "cache")).build())
        client = await NacosConfigService.create_config_service(settings)
        assert await client.publish_config(ConfigParam(data_id=name, group="g", content="x"))
        answers = []

        async def ask_on():
            end = time.monotonic() + 4
            while time.monotonic() < end:
                answers.append(await client.get_config(ConfigParam(data_id=name, group="g")))
        await asyncio.gather(*(ask_on() for _ in range(30)))
        await client.shutdown()
        return answers

    with Server("--set", "control.rules=ConfigQuery=100/s") as s:
        answers = asyncio.run(ask(s))
        assert set(answers) == {"x"}
        seen = {outcome: metric(s, outcome, "ConfigQuery") for outcome in ("delayed", "refused")}
        assert seen["delayed"] > 0 and seen["refused"] == 0
