"""docs/protocol/naming.md, sections 6.6 and 7.2: what is empty goes, and what a service is."""
from nacos_grpc import Naming, hosts
from pharos_server import Server, wait_for


def test_a_service_stays_listed_for_a_while_and_then_goes(name):
    with Server("--set", "naming.empty_service_expiry=2s") as s, Naming(s.grpc_port) as c:
        c.register(name, "10.0.0.1")
        assert c.services()["serviceNames"] == [name]
        c.deregister(name, "10.0.0.1")
        assert c.services()["serviceNames"] == [name]
        wait_for("it goes", lambda: c.services()["serviceNames"] == [], 30, step=0.2)
        c.register(name, "10.0.0.2")
        assert hosts(c.query(name)) == {"10.0.0.2"}
        assert c.services()["serviceNames"] == [name]
