"""A Pharos process for a test, and a gate that can cut the connections to it. Standard library only.

    with Server() as s:                       # free ports, own data directory, ready when the block begins
        urlopen(s.url("/v1/cs/configs?..."))

    with Server() as s, Gate.pair(s) as g:    # a client that is given g.port has its HTTP and gRPC behind the gate
        g.cut(); ...; g.restore()
"""
import contextlib
import errno
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("PHAROS_BIN") or ROOT / "build/release/bin/pharos")


# What a server says that was built with a sanitizer (./test asan) and found something.
REPORT = re.compile(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: ).*", re.DOTALL)


def wait_for(what, condition, timeout=5.0, step=0.02):
    """Returns the first true value of condition(); fails with `what` when none comes in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(step)


def _is_free(port):
    # Bound without SO_REUSEADDR on purpose: a port that lingers counts as taken.
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as s:
                s.bind((host, port))
        except OSError as e:
            if e.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # no IPv6 here
            return False
    return True


_taken = set()
_claims = []  # files that are locked as long as this process lives


def _claim(port):
    """Whether no other test process has it: between the look and the server's bind somebody else could take it."""
    folder = pathlib.Path(tempfile.gettempdir()) / "pharos-test-ports"
    folder.mkdir(exist_ok=True)
    file = open(folder / str(port), "w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    _claims.append(file)
    return True


def free_port(offsets=(0, 1000, 1001)):
    """A random port with P + each offset free. Below the range of outgoing connections, in steps of ten and within even
    thousands, so that P + 1000 or P + 1001 of one server is never the P of another."""
    for _ in range(500):
        port = random.randrange(20, 31, 2) * 1000 + random.randrange(100) * 10
        if port not in _taken and all(_is_free(port + o) for o in offsets) and _claim(port):
            _taken.add(port)
            return port
    raise RuntimeError("no free ports")


def server_environment(more=None):
    """Ours, without PHAROS_... : the server takes each of those for a setting, and the tests have variables of that kind."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("PHAROS_")}, **(more or {})}


class Server:
    def __init__(self, *flags, modules=None, port=None, data=None, env=None, deadline=20.0, binary=BIN):
        self.binary = pathlib.Path(binary)
        self.flags, self.modules, self.fixed_port = list(flags), modules, port
        self.port = port
        self.env = server_environment(env)
        self.deadline = deadline
        self.own_data = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="pharos-test-"))
        self.log_path = pathlib.Path(tempfile.mkstemp(prefix="pharos-log-")[1])
        self.process = None

    # -- addresses
    @property
    def grpc_port(self):
        return self.port + 1000

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def url(self, path):
        """A path below the context path, /nacos."""
        return f"http://{self.address}/nacos{path}"

    def root_url(self, path):
        return f"http://{self.address}{path}"

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    # -- life
    def command(self):
        command = [str(self.binary), "server", "--port", str(self.port), "--data", str(self.data)]
        if self.modules:
            command += ["--modules", self.modules]
        return command + self.flags

    def start(self):
        if not self.binary.exists():
            raise RuntimeError(f"no server binary at {self.binary}; ./run or ./test builds it, PHAROS_BIN names another")
        for attempt in range(3):
            if self.fixed_port is None and (attempt > 0 or self.port is None):
                self.port = free_port()
            self._spawn()
            if self._wait_ready():
                return self
            if self.fixed_port is not None or "in use" not in self.log:
                break
        self._fail("the server did not become ready")

    def _spawn(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)

    def _wait_ready(self):
        end = time.monotonic() + self.deadline
        while time.monotonic() < end and self.process.poll() is None:
            if self.is_ready():
                return True
            time.sleep(0.02)
        return False

    def is_ready(self):
        try:
            with urllib.request.urlopen(self.root_url("/health/ready"), timeout=1) as r:
                return r.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _fail(self, why):
        code = self.process.poll()
        log = self.log
        self.kill9()
        raise AssertionError(f"{why} (exit code {code}); command: {' '.join(self.command())}\n--- log\n{log[-8000:]}\n---")

    def _note_calls(self):
        """Which calls the server has answered, for docs/compat.md (tests/compat/calls.py)."""
        directory, who = os.environ.get("PHAROS_CALLS_DIR"), os.environ.get("PHAROS_CALLS_BY")
        if not directory or not who:
            return
        with contextlib.suppress(OSError), urllib.request.urlopen(self.root_url("/access"), timeout=5) as r:
            called = {e["what"]: e["calls"] for e in json.load(r) if e["calls"]}
            path = pathlib.Path(directory) / f"{who}-{uuid.uuid4().hex}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"by": who, "calls": called}))

    def stop(self, timeout=15.0):
        """Asks the server to end and gives its exit code; a server that does not end is killed, and that is an error."""
        if self.process is None or self.process.poll() is not None:
            return self.process.poll() if self.process else None
        self._note_calls()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._fail(f"the server did not stop within {timeout} s")

    def kill9(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def restart(self, kill=False):
        """The same data and ports again."""
        self.kill9() if kill else self.stop()
        wait_for("the ports are free again", lambda: _is_free_for_listen(self.port) and _is_free_for_listen(self.grpc_port), 10)
        self._spawn()
        if not self._wait_ready():
            self._fail("the server did not become ready again")
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        died = self.process.poll()
        try:
            if kind is None and died is None:
                self.stop()
        finally:
            self.kill9()
            if kind is not None:
                print(f"--- log of the server on port {self.port} (exit code {died})\n{self.log[-8000:]}\n---", flush=True)
            self.clean()

    def clean(self):
        report = REPORT.search(self.log) if self.log_path.exists() else None
        self._remove_files()
        assert not report, f"the server's sanitizer: {report[0][:8000]}"

    def _remove_files(self):
        if os.environ.get("PHAROS_KEEP"):
            print(f"kept: {self.data} {self.log_path}", flush=True)
            return
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)
        self.log_path.unlink(missing_ok=True)


def _is_free_for_listen(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def run_server(*flags, env=None, timeout=20.0, port=None, data=None, may_crash=False):
    """Runs a server that is expected to end by itself: (exit code, output). One that goes on running is stopped, code None."""
    own = data is None
    data = data or tempfile.mkdtemp(prefix="pharos-test-")
    command = [str(BIN), "server", "--port", str(port or free_port()), "--data", str(data), *flags]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=server_environment(env), timeout=timeout)
        output = done.stdout.decode(errors="replace")
        assert may_crash or not REPORT.search(output), output
        return done.returncode, output
    except subprocess.TimeoutExpired as e:
        return None, (e.stdout or b"").decode(errors="replace")
    finally:
        if own:
            shutil.rmtree(data, ignore_errors=True)


class Gate:
    """A TCP proxy in threads. cut() resets what is connected and what comes; restore() lets through again."""

    def __init__(self, ports):
        """ports: {port to listen on: port to forward to}, all on 127.0.0.1."""
        self.ports = dict(ports)
        self.delay = 0.0  # seconds each piece of data waits, in both directions
        self._open = True
        self._lock = threading.Lock()
        self._pairs = set()
        self._listeners = []
        self._closed = False

    @classmethod
    def pair(cls, server):
        """HTTP and gRPC of a server, behind gate.port and gate.port + 1000, as SDKs expect them."""
        port = free_port((0, 1000))
        gate = cls({port: server.port, port + 1000: server.grpc_port})
        gate.port = port
        return gate

    def __enter__(self):
        for port, target in self.ports.items():
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(256)
            self._listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener, target), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._closed = True
        for listener in self._listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        self.cut()

    def cut(self):
        with self._lock:
            self._open = False
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for s in pair:
                _reset(s)

    def restore(self):
        with self._lock:
            self._open = True

    def connections(self):
        with self._lock:
            return len(self._pairs)

    def _accept(self, listener, target):
        while not self._closed:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, target), daemon=True).start()

    def _serve(self, client, target):
        try:
            server = socket.create_connection(("127.0.0.1", target), 5)
            server.settimeout(None)
        except OSError:
            return _reset(client)
        pair = (client, server)
        with self._lock:
            if self._open:
                self._pairs.add(pair)
        if pair not in self._pairs:
            _reset(client)
            return _reset(server)
        for s in pair:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        with self._lock:
            self._pairs.discard(pair)
        for s in pair:
            s.close()

    def _pump(self, source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if self.delay:
                    time.sleep(self.delay)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            _reset(source)
            _reset(sink)


def _reset(s):
    """Ends a connection with RST, also while another thread waits in recv."""
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # A thread in recv keeps the socket open: wake it by ending the reading side first.
        s.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    try:
        s.close()
    except OSError:
        pass
