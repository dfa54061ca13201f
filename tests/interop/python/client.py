"""The Python SDK, unchanged, against one server: see tests/support/interop.py for how it is run."""
import asyncio
import os
import sys

from v2.nacos import (BatchRegisterInstanceParam, ClientConfigBuilder, ConfigParam, DeregisterInstanceParam, ListInstanceParam, ListServiceParam, NacosConfigService,
                      NacosNamingService, RegisterInstanceParam, SubscribeServiceParam)

SERVICE, GROUP = "interop-python", "DEFAULT_GROUP"


def ok(step):
    print("OK", step, flush=True)


async def eventually(step, condition, within=5.0):
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return ok(step)
        if loop.time() > end:
            sys.exit(f"FAILED: {step}: not within {within} s")
        await asyncio.sleep(0.05)


async def gate(what):
    print("@" + what, flush=True)
    answer = await asyncio.to_thread(sys.stdin.readline)
    assert answer.strip() == "done", answer


def settings(name, port, namespace=""):
    work = os.path.join(os.environ["WORK"], name)
    return (ClientConfigBuilder().server_address("127.0.0.1:" + os.environ[port]).namespace_id(namespace).timeout_ms(5000).log_level("INFO")
            .log_dir(os.path.join(work, "log")).cache_dir(os.path.join(work, "cache")).build())


async def config():
    a = await NacosConfigService.create_config_service(settings("config-a", "PORT"))
    b = await NacosConfigService.create_config_service(settings("config-b", "GATE_PORT"))
    data_id = "interop-python.yaml"

    async def publish(content):
        assert await a.publish_config(ConfigParam(data_id=data_id, group=GROUP, content=content, type="yaml")), "publish refused"

    async def get(client, want):
        return await client.get_config(ConfigParam(data_id=data_id, group=GROUP)) == want

    await publish("a: 1 # ü")
    ok("publish config")
    await eventually("get config", lambda: get(b, "a: 1 # ü"))

    told = []

    async def listener(tenant, group, changed_id, content):
        told.append((changed_id, content))

    await b.add_listener(data_id, GROUP, listener)
    await asyncio.sleep(6)  # the library tells the server of a new listener at its next turn, every five seconds
    await publish("a: 2")
    await eventually("listener is told a change", lambda: (data_id, "a: 2") in told, 3)

    await gate("cut")
    await publish("a: 3")
    await asyncio.sleep(2)
    await gate("restore")
    await eventually("listener is told what changed while it was cut off", lambda: (data_id, "a: 3") in told, 40)

    try:
        accepted = await a.publish_config(ConfigParam(data_id=data_id, group=GROUP, content="a: never", cas_md5="0" * 32))
    except Exception as e:
        accepted = "md5" not in str(e)
    assert not accepted, "a wrong md5 was accepted"
    ok("compare and set")
    elsewhere = await NacosConfigService.create_config_service(settings("config-elsewhere", "PORT", "interop"))
    try:
        seen = await elsewhere.get_config(ConfigParam(data_id=data_id, group=GROUP))
    except Exception as e:
        seen = "not exist" not in str(e)
    assert not seen, "another namespace sees the config"
    ok("config namespace")

    assert await a.remove_config(ConfigParam(data_id=data_id, group=GROUP)), "remove refused"

    async def gone():
        try:
            return not await a.get_config(ConfigParam(data_id=data_id, group=GROUP))
        except Exception as e:
            return "not exist" in str(e)

    await eventually("removed config is gone", gone)
    for client in (a, b, elsewhere):
        await client.shutdown()


def instance(ip, **more):
    return RegisterInstanceParam(**{"service_name": SERVICE, "group_name": GROUP, "ip": ip, "port": 8080, "metadata": {"from": "python"}, **more})


async def naming():
    a = await NacosNamingService.create_naming_service(settings("naming-a", "PORT"))
    b = await NacosNamingService.create_naming_service(settings("naming-b", "GATE_PORT"))
    view = set()

    async def changed(instances):
        view.clear()
        view.update(i.ip for i in instances)

    async def register(client, ip, **more):
        assert await client.register_instance(instance(ip, **more)), "refused"

    async def ips(client, **more):
        found = await client.list_instances(ListInstanceParam(**{"service_name": SERVICE, "group_name": GROUP, "healthy_only": True, "subscribe": False, **more}))
        return sorted(i.ip for i in found)

    await register(a, "10.0.0.1")
    ok("register")
    await a.subscribe(SubscribeServiceParam(service_name=SERVICE, group_name=GROUP, subscribe_callback=changed))
    await eventually("subscriber sees its own instance", lambda: view == {"10.0.0.1"})
    await register(b, "10.0.0.2")
    await eventually("subscriber is pushed another client's instance", lambda: view == {"10.0.0.1", "10.0.0.2"})

    found = await a.list_instances(ListInstanceParam(service_name=SERVICE, group_name=GROUP, healthy_only=True, subscribe=False))
    assert sorted(i.ip for i in found) == ["10.0.0.1", "10.0.0.2"], found
    assert all(i.port == 8080 and i.metadata == {"from": "python"} for i in found), found
    ok("list instances")
    services = await a.list_services(ListServiceParam(group_name=GROUP, page_no=1, page_size=100))
    assert SERVICE in services.services, services
    ok("service list")

    await gate("cut")
    await eventually("instance of a cut connection is gone", lambda: view == {"10.0.0.1"})
    await asyncio.sleep(2)
    await gate("restore")
    await eventually("instance is back by redo", lambda: view == {"10.0.0.1", "10.0.0.2"}, 40)

    assert await b.deregister_instance(DeregisterInstanceParam(service_name=SERVICE, group_name=GROUP, ip="10.0.0.2", port=8080)), "refused"
    await eventually("deregistration is pushed", lambda: view == {"10.0.0.1"})

    batch = BatchRegisterInstanceParam(service_name=SERVICE + "-batch", group_name=GROUP, instances=[instance("10.0.1.1"), instance("10.0.1.2")])
    assert await b.batch_register_instances(batch), "refused"
    assert await ips(a, service_name=SERVICE + "-batch") == ["10.0.1.1", "10.0.1.2"]
    ok("batch registration")
    await register(b, "10.0.1.3", group_name="other-group", cluster_name="east")
    assert await ips(a, group_name="other-group", clusters=["east"]) == ["10.0.1.3"] and await ips(a, group_name="other-group", clusters=["west"]) == []
    ok("cluster and group")
    elsewhere = await NacosNamingService.create_naming_service(settings("naming-elsewhere", "PORT", "interop"))
    await register(elsewhere, "10.0.2.1")
    assert await ips(elsewhere) == ["10.0.2.1"] and await ips(a) == ["10.0.0.1"]
    ok("namespace")
    try:
        await register(a, "10.0.0.9", service_name="bad service")
        sys.exit("FAILED: a bad name was accepted")
    except Exception as e:
        assert "illegal" in str(e), e
    ok("refused name")
    for client in (a, b, elsewhere):
        await client.shutdown()


async def main():
    await config()
    await naming()


asyncio.run(main())
os._exit(0)  # the library's background threads need not be waited for
