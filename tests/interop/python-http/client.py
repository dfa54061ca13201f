"""The Python SDK before 2.0, unchanged: HTTP, beats and long polls. See tests/support/interop.py for how it is run."""
import os
import sys
import time
import traceback

from nacos import NacosClient, NacosException
from nacos.listener import SubscribeListener

SERVICE, GROUP = "interop-python-http", "DEFAULT_GROUP"
# Beats every second, so that a cut is noticed in seconds and not in half a minute.
QUICK = {"preserved.heart.beat.interval": "1000", "preserved.heart.beat.timeout": "3000", "preserved.ip.delete.timeout": "5000"}


def ok(step):
    print("OK", step, flush=True)


def eventually(step, condition, within=5.0):
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{step}: not within {within} s")
        time.sleep(0.05)
    ok(step)


def gate(what):
    print("@" + what, flush=True)
    answer = sys.stdin.readline()
    assert answer.strip() == "done", answer


def client(name, port, namespace=None):
    work = os.path.join(os.environ["WORK"], name)
    made = NacosClient("127.0.0.1:" + os.environ[port], namespace=namespace, logDir=work, log_level="INFO")
    made.set_options(failover_base=os.path.join(work, "failover"), snapshot_base=os.path.join(work, "snapshot"))
    return made


def register(by, ip, group=GROUP, cluster="DEFAULT", beats=1, metadata=None):
    # Without a cluster the library sends clusterName=None, the word.
    assert by.add_naming_instance(SERVICE, ip, 8080, cluster, metadata={"from": "python", **(metadata or {})}, group_name=group, heartbeat_interval=beats), "refused"


def ips(by, group=GROUP, **more):
    return sorted(h["ip"] for h in by.list_naming_instance(SERVICE, group_name=group, **more)["hosts"])


def naming():
    a, gated = client("naming-a", "PORT"), client("naming-gated", "GATE_PORT")
    events = []

    register(a, "10.0.0.1")
    ok("register")
    # This library never listens for pushes: it asks, here once a second, and tells what differs, but for the first instance.
    a.subscribe(SubscribeListener(fn=lambda event, told: events.append((event, told.instance["ip"])), listener_name="interop"), 1, SERVICE, group_name=GROUP)
    time.sleep(1.5)
    register(gated, "10.0.0.2", metadata=QUICK)
    eventually("subscriber sees another client's instance", lambda: events == [("ADDED", "10.0.0.2")])

    found = a.list_naming_instance(SERVICE, healthy_only=True)
    assert found["name"] == GROUP + "@@" + SERVICE and [h["port"] for h in found["hosts"]] == [8080, 8080], found
    assert sorted(h["ip"] for h in found["hosts"]) == ["10.0.0.1", "10.0.0.2"] and all(h["metadata"]["from"] == "python" for h in found["hosts"]), found
    ok("list instances")

    gate("cut")
    eventually("instance without beats is gone", lambda: events[1:] and events[-1] == ("DELETED", "10.0.0.2"), 20)
    gate("restore")
    eventually("instance is back by its beats", lambda: events[-1] == ("ADDED", "10.0.0.2"), 20)

    assert gated.remove_naming_instance(SERVICE, "10.0.0.2", 8080), "refused"
    eventually("deregistration is seen", lambda: events[-1] == ("DELETED", "10.0.0.2"))
    beat = a.send_heartbeat(SERVICE, "10.0.0.1", 8080, "DEFAULT", metadata={"from": "python"})
    assert beat["code"] == 10200 and beat["clientBeatInterval"] == 5000 and beat["lightBeatEnabled"], beat
    ok("send a beat")

    register(a, "10.0.1.1", cluster="east", beats=None)
    register(a, "10.0.1.2", group="other-group", beats=None)
    assert ips(a, clusters="east") == ["10.0.1.1"] and ips(a, "other-group") == ["10.0.1.2"] and ips(a, clusters="west") == []
    ok("cluster and group")
    elsewhere = client("naming-elsewhere", "PORT", "interop")
    assert ips(elsewhere) == []
    register(elsewhere, "10.0.2.1", beats=None)
    assert ips(elsewhere) == ["10.0.2.1"] and ips(a, namespace_id="interop") == ["10.0.2.1"]
    ok("namespace")
    try:
        a.add_naming_instance("bad service", "10.0.0.9", 8080, "DEFAULT")
        raise AssertionError("a bad name was accepted")
    except NacosException as e:
        assert "400" in str(e), e
        ok("refused name")
    a.stop_subscribe()
    assert a.remove_naming_instance(SERVICE, "10.0.0.1", 8080), "refused"


def maintenance():
    a = client("naming-maintenance", "PORT")
    register(a, "10.0.3.1")
    one = a.get_naming_instance(SERVICE, "10.0.3.1", 8080, "DEFAULT")
    assert one["ip"] == "10.0.3.1" and one["healthy"] and one["metadata"] == {"from": "python"}, one
    ok("get instance")
    assert a.modify_naming_instance(SERVICE, "10.0.3.1", 8080, "DEFAULT", weight=7, metadata={"from": "an operator"}), "refused"
    one = a.get_naming_instance(SERVICE, "10.0.3.1", 8080, "DEFAULT")
    assert one["weight"] == 7 and one["metadata"] == {"from": "an operator"}, one
    ok("update instance")
    assert a.publish_config("interop-python-http.list", "listed", "x"), "refused"
    listed = a.get_configs(group="listed")
    assert [(c["dataId"], c["content"]) for c in listed["pageItems"]] == [("interop-python-http.list", "x")] and listed["totalCount"] == 1, listed
    ok("list configs")


def config():
    a, b = client("config-a", "PORT"), client("config-b", "GATE_PORT")
    data_id = "interop-python-http.yaml"

    def publish(content, by=a):
        assert by.publish_config(data_id, GROUP, content, config_type="yaml"), "publish refused"

    publish("a: 1 # ü")
    ok("publish config")
    assert b.get_config(data_id, GROUP) == "a: 1 # ü"
    ok("get config")

    told = []
    b.add_config_watcher(data_id, GROUP, lambda change: told.append(change["content"]))
    time.sleep(1)
    publish("a: 2")
    eventually("listener is told a change", lambda: told == ["a: 2"], 3)
    gate("cut")
    publish("a: 3")
    time.sleep(2)
    gate("restore")
    eventually("listener is told what changed while it was cut off", lambda: told[-1] == "a: 3", 40)

    assert a.remove_config(data_id, GROUP), "remove refused"
    eventually("removed config is gone", lambda: a.get_config(data_id, GROUP) is None)
    elsewhere = client("config-elsewhere", "PORT", "interop")
    publish("a: 4", elsewhere)
    assert elsewhere.get_config(data_id, GROUP) == "a: 4" and a.get_config(data_id, GROUP) is None
    ok("config namespace")


code = 1
try:
    naming()
    config()
    maintenance()
    code = 0
except Exception:
    traceback.print_exc()
sys.stdout.flush()
os._exit(code)  # the library's background threads need not be waited for
