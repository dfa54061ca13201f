"""A bare Nacos gRPC client for tests: Payloads encoded by hand, nothing done behind the test's back.

    with Connection(server.grpc_port) as c:      # ServerCheck, ConnectionSetup, and wait until registered
        reply = c.call("HealthCheckRequest", {})
        push = c.wait_push("NotifySubscriberRequest")

Pushes are acknowledged unless ack=False. The wire: docs/protocol/core.md, section 1.
"""
import json
import queue
import threading
import time

import grpc

OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),  # one channel is one TCP connection, never shared with another test's
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
    ("grpc.enable_retries", 0),
]


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, data):
    """A length-delimited protobuf field."""
    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data


def encode(kind, body, headers=None, client_ip="127.0.0.1"):
    """Payload{metadata = 2 {type = 3, headers = 7, clientIp = 8}, body = 3 Any{value = 2}}."""
    if not isinstance(body, bytes):
        body = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    metadata = field(3, kind)
    for k, v in (headers or {}).items():
        metadata += field(7, field(1, k) + field(2, v))
    metadata += field(8, client_ip)
    return field(2, metadata) + field(3, field(2, body))


def fields(data):
    """(number, value) of each field; value is bytes, or an int for the number types."""
    at = 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            b = data[at]
            at += 1
            n |= (b & 127) << shift
            shift += 7
            if b < 128:
                return n

    while at < len(data):
        tag = number()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, number()
        elif kind == 2:
            size = number()
            assert at + size <= len(data), "truncated protobuf field"
            yield tag >> 3, data[at:at + size]
            at += size
        else:
            size = {1: 8, 5: 4}[kind]
            yield tag >> 3, int.from_bytes(data[at:at + size], "little")
            at += size


class Message:
    """A decoded Payload. raw is the JSON as it came, body the parsed one."""

    def __init__(self, data):
        top = dict(fields(data))
        metadata = dict(fields(top.get(2, b"")))
        self.type = metadata.get(3, b"").decode()
        self.client_ip = metadata.get(8, b"").decode()
        self.headers = [v for n, v in fields(top.get(2, b"")) if n == 7]
        any_body = dict(fields(top.get(3, b"")))
        self.type_url = any_body.get(1, b"").decode()
        self.raw = any_body.get(2, b"").decode()
        self.body = json.loads(self.raw) if self.raw else None
        self.at = time.monotonic()

    def __getitem__(self, key):
        return self.body[key]

    def get(self, key, default=None):
        return self.body.get(key, default)

    def __repr__(self):
        return f"{self.type} {self.raw[:600]}"


def identity(data):
    return data


class Channel:
    """A TCP connection that is not set up: unary calls, and raw bytes both ways."""

    def __init__(self, port, host="127.0.0.1"):
        self.channel = grpc.insecure_channel(f"{host}:{port}", options=OPTIONS)
        self._unary = self.channel.unary_unary("/Request/request", identity, identity)
        self._stream = self.channel.stream_stream("/BiRequestStream/requestBiStream", identity, identity)

    def raw_call(self, data, timeout=5.0):
        return Message(self._unary(data, timeout=timeout))

    def call(self, kind, body, headers=None, timeout=5.0):
        return self.raw_call(encode(kind, body, headers), timeout)

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Connection(Channel):
    """A registered connection, as SDKs make it. ability_table=None: an old client, which gets no SetupAck."""

    def __init__(self, port, module="naming", ability_table=None, labels=None, tenant="", client_ip="127.0.0.1",
                 version="Nacos-Java-Client:v2.4.3", ack=True, setup=True, reading=True):
        super().__init__(port)
        self.ack, self.reading = ack, reading
        self.pushes = []
        self.ended = None  # the gRPC error that ended the stream
        self._changed = threading.Condition()
        self._out = queue.Queue()
        self.client_ip = client_ip
        self.setup_body = {"headers": {}, "clientVersion": version, "tenant": tenant, "module": "internal",
                           "labels": {"source": "sdk", "module": module, "AppName": "tests", **(labels or {})}}
        if ability_table is not None:
            self.setup_body["abilityTable"] = ability_table
        self.check = self.call("ServerCheckRequest", {"headers": {}, "module": "internal"}, timeout=10)
        self.open_stream()
        if setup:
            self.setup()

    def open_stream(self):
        self.responses = self._stream(iter(self._out.get, None))
        if self.reading:
            threading.Thread(target=self._read, daemon=True).start()

    def setup(self, timeout=5.0):
        self.send("ConnectionSetupRequest", self.setup_body)
        deadline = time.monotonic() + timeout
        while True:
            reply = self.call("HealthCheckRequest", {"headers": {}, "module": "internal"})
            if reply.get("resultCode") == 200:
                return
            assert time.monotonic() < deadline, f"never registered: {reply}"
            time.sleep(0.01)

    def send(self, kind, body):
        self._out.put(encode(kind, body, client_ip=self.client_ip))

    def send_raw(self, data):
        self._out.put(data)

    def _read(self):
        try:
            for data in self.responses:
                message = Message(data)
                if self.ack and message.type.endswith("Request") and message.get("requestId"):
                    self.acknowledge(message)
                with self._changed:
                    self.pushes.append(message)
                    self._changed.notify_all()
        except grpc.RpcError as e:
            self.ended = e
        finally:
            with self._changed:
                self.ended = self.ended or "ended"
                self._changed.notify_all()

    def acknowledge(self, message, code=200):
        self.send(message.type[:-len("Request")] + "Response",
                  {"resultCode": code, "errorCode": 0, "success": code == 200, "requestId": message["requestId"]})

    def count(self):
        with self._changed:
            return len(self.pushes)

    def wait_push(self, kind, where=lambda message: True, timeout=5.0, since=0):
        """The first push of that type for which where() holds, from index `since` on."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for message in self.pushes[since:]:
                    if message.type == kind and where(message):
                        return message
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"no such {kind} within {timeout} s; pushes: {self.pushes[since:]}, stream: {self.ended}")
                self._changed.wait(left)

    def pushes_of(self, kind, since=0):
        with self._changed:
            return [m for m in self.pushes[since:] if m.type == kind]

    def wait_end(self, timeout=5.0):
        deadline = time.monotonic() + timeout
        with self._changed:
            while self.ended is None:
                left = deadline - time.monotonic()
                assert left > 0, f"the stream did not end within {timeout} s"
                self._changed.wait(left)

    def close(self):
        self._out.put(None)
        super().close()


def instance(ip, port=8080, **more):
    return {"ip": ip, "port": port, "weight": 1.0, "healthy": True, "enabled": True, "ephemeral": True,
            "clusterName": "DEFAULT", "metadata": {}, **more}


class Naming(Connection):
    """A connection with the naming calls spelled out."""

    def _service(self, service, group, namespace):
        return {"headers": {}, "namespace": namespace, "serviceName": service, "groupName": group, "module": "naming"}

    def register(self, service, ip, port=8080, group="DEFAULT_GROUP", namespace="public", operation="registerInstance", **more):
        body = self._service(service, group, namespace)
        body.update(type=operation, instance=instance(ip, port, serviceName=service, **more))
        return self.call("InstanceRequest", body)

    def deregister(self, service, ip, port=8080, **where):
        return self.register(service, ip, port, operation="deregisterInstance", **where)

    def batch_register(self, service, instances, group="DEFAULT_GROUP", namespace="public"):
        body = self._service(service, group, namespace)
        body.update(type="batchRegisterInstance", instances=instances)
        return self.call("BatchInstanceRequest", body)

    def subscribe(self, service, subscribe=True, clusters="", group="DEFAULT_GROUP", namespace="public"):
        body = self._service(service, group, namespace)
        body.update(subscribe=subscribe, clusters=clusters)
        return self.call("SubscribeServiceRequest", body)

    def query(self, service, cluster="", healthy_only=False, group="DEFAULT_GROUP", namespace="public"):
        body = self._service(service, group, namespace)
        body.update(cluster=cluster, healthyOnly=healthy_only, udpPort=0)
        return self.call("ServiceQueryRequest", body)

    def services(self, page=1, size=100, group="DEFAULT_GROUP", namespace="public"):
        body = self._service("", group, namespace)
        body.update(pageNo=page, pageSize=size, selector="")
        return self.call("ServiceListRequest", body)

    def wait_hosts(self, service, ips, timeout=5.0, since=0):
        """The first push whose list of the service has exactly these addresses."""
        ips = set(ips)
        return self.wait_push("NotifySubscriberRequest", lambda m: m["serviceInfo"]["name"] == service and hosts(m) == ips, timeout, since)


def hosts(message):
    return {h["ip"] for h in message["serviceInfo"]["hosts"]}


class Config(Connection):
    """A connection with the config calls spelled out."""

    def __init__(self, port, **more):
        super().__init__(port, **{"module": "config", **more})

    def publish(self, data_id, content, group="G1", tenant="", cas="", **addition):
        return self.call("ConfigPublishRequest", {"headers": {}, "dataId": data_id, "group": group, "tenant": tenant, "content": content,
                                                  "casMd5": cas, "additionMap": addition, "module": "config"})

    def query(self, data_id, group="G1", tenant="", tag=""):
        return self.call("ConfigQueryRequest", {"headers": {}, "dataId": data_id, "group": group, "tenant": tenant, "tag": tag, "module": "config"},
                         {"notify": "false"})

    def remove(self, data_id, group="G1", tenant=""):
        return self.call("ConfigRemoveRequest", {"headers": {}, "dataId": data_id, "group": group, "tenant": tenant, "tag": "", "module": "config"})

    def listen(self, contexts, listen=True):
        return self.call("ConfigBatchListenRequest", {"headers": {}, "listen": listen, "configListenContexts": contexts, "module": "config"})
