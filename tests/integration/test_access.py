"""Every route and payload type declares who may use it (docs/architecture.md, "Access")."""
from http_client import request


def test_every_route_and_payload_has_an_access(server):
    entries = request("GET", f"http://127.0.0.1:{server.port}/access").json
    assert len(entries) > 30
    for entry in entries:
        assert entry["action"] in ("read", "write"), entry
        assert entry["resourceType"], entry
        anonymous = entry["anonymousBecause"]
        assert not anonymous or len(anonymous.split()) >= 4, entry  # a reason, not a word
        assert not anonymous or entry["action"] == "read", entry


def test_what_changes_data_is_never_anonymous_and_names_its_resource(server):
    entries = {e["what"]: e for e in request("GET", f"http://127.0.0.1:{server.port}/access").json}
    for what in ("POST /v1/cs/configs", "DELETE /v1/cs/configs", "POST /v1/ns/instance", "DELETE /v1/ns/instance",
                 "PUT /v1/ns/instance/beat", "ConfigPublishRequest", "ConfigRemoveRequest", "InstanceRequest",
                 "BatchInstanceRequest"):
        assert entries[what]["action"] == "write", what
        assert entries[what]["byResource"], what
        assert not entries[what]["anonymousBecause"], what
