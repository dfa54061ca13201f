"""gRPC for tests that need thousands of connections, or bad ones: a plain socket and hand-made HTTP/2 frames.

    c = RawRpc(server.grpc_port)
    c.set_up(module="naming")        # ServerCheck, the stream, ConnectionSetup, and wait until registered
    reply = c.call("HealthCheckRequest", {})
    c.post("SubscribeServiceRequest", {...})   # does not wait for the answer
    c.read()                          # takes what is there: acknowledges pushes, opens windows

Nothing is read but in set_up(), call() and read(): a client that stops calling read() is one that does not read.
"""
import re
import socket
import struct
import time

from nacos_grpc import Message, encode

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
STREAM = 1  # the bi-directional one; calls are 3, 5, …


def frame(kind, flags, stream, body=b""):
    return struct.pack("!I", len(body))[1:] + struct.pack("!BBI", kind, flags, stream) + body


def _header(name, value):
    """HPACK: a literal without indexing and without Huffman coding."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def _headers(path):
    return b"".join(_header(n, v) for n, v in ((b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"test"),
                                               (b"te", b"trailers"), (b"content-type", b"application/grpc")))


UNARY = _headers(b"/Request/request")
BIDI = _headers(b"/BiRequestStream/requestBiStream")
REQUEST_ID = re.compile(rb'"requestId":"(\d+)"')
TYPE = re.compile(rb"([A-Za-z]+)Request")


def message(kind, body):
    payload = encode(kind, body)
    return b"\x00" + struct.pack("!I", len(payload)) + payload


class RawRpc:
    def __init__(self, port, window=None, receive_buffer=None):
        """window: bytes that a stream may bring before more are asked for; receive_buffer: of the socket."""
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", port))
        self.next = 3
        self.input = b""
        self.parts = {}
        self.pushes = 0
        self.ended = False
        settings = struct.pack("!HI", 4, window) if window else b""
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))

    def begin_set_up(self, module="naming"):
        setup = {"headers": {}, "clientVersion": "Nacos-Java-Client:v2.4.3", "tenant": "", "module": "internal", "labels": {"source": "sdk", "module": module}}
        self.socket.sendall(frame(HEADERS, END_HEADERS, STREAM, BIDI) + frame(DATA, 0, STREAM, message("ConnectionSetupRequest", setup)))

    def set_up(self, module="naming"):
        self.begin_set_up(module)
        deadline = time.monotonic() + 20
        while self.call("HealthCheckRequest", {})["resultCode"] != 200:
            assert time.monotonic() < deadline, "never registered"
            time.sleep(0.01)

    def post(self, kind, body):
        stream, self.next = self.next, self.next + 2
        self.socket.sendall(frame(HEADERS, END_HEADERS, stream, UNARY) + frame(DATA, END_STREAM, stream, message(kind, body)))
        return stream

    def call(self, kind, body):
        stream = self.post(kind, body)
        while True:
            for at, data in self._take():
                if at == stream:
                    return Message(data)
            assert not self.ended, "the server has ended the connection"

    def read(self):
        """Takes what has arrived; what the socket does not have yet is not waited for."""
        self.socket.setblocking(False)
        try:
            for _ in self._take():
                pass
        except BlockingIOError:
            pass
        finally:
            if not self.ended:
                self.socket.settimeout(30)

    def _take(self):
        """Reads once; gives the whole messages as (stream, payload) and answers what HTTP/2 and pushes ask for."""
        try:
            data = self.socket.recv(262144)
        except ConnectionError:
            data = b""
        if not data:
            self.ended = True
            return []
        self.input += data
        found, out = [], b""
        at = 0
        while len(self.input) - at >= 9:
            size = int.from_bytes(self.input[at:at + 3], "big")
            if len(self.input) - at < 9 + size:
                break
            kind, flags, stream = struct.unpack("!BBI", self.input[at + 3:at + 9])
            body = self.input[at + 9:at + 9 + size]
            at += 9 + size
            if kind == DATA:
                if size:
                    out += frame(WINDOW, 0, 0, struct.pack("!I", size)) + (frame(WINDOW, 0, stream, struct.pack("!I", size)) if not flags & END_STREAM else b"")
                whole = self.parts.pop(stream, b"") + body
                while len(whole) >= 5 and len(whole) >= 5 + (n := int.from_bytes(whole[1:5], "big")):
                    found.append((stream, whole[5:5 + n]))
                    whole = whole[5 + n:]
                if whole:
                    self.parts[stream] = whole
            elif kind == SETTINGS and not flags & ACK:
                out += frame(SETTINGS, ACK, 0)
            elif kind == PING and not flags & ACK:
                out += frame(PING, ACK, 0, body)
            elif kind == GOAWAY:
                self.ended = True
        self.input = self.input[at:]
        for stream, payload in found:
            if stream == STREAM and (request := REQUEST_ID.search(payload)):
                self.pushes += 1
                kind = TYPE.search(payload)[1].decode()
                out += frame(DATA, 0, STREAM, message(kind + "Response", {"resultCode": 200, "errorCode": 0, "success": True,
                                                                          "requestId": request[1].decode()}))
        if out:
            self.socket.settimeout(30)
            try:
                self.socket.sendall(out)
            except ConnectionError:
                self.ended = True
        return found

    def is_closed(self):
        """Whether the server has ended the connection, found without reading what it sent."""
        import select
        poll = select.poll()
        poll.register(self.socket, select.POLLHUP | select.POLLERR | select.POLLRDHUP)
        return bool(poll.poll(0))

    def close(self):
        self.socket.close()
